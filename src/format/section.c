#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "format/format.h"
#include "format/ini.h"

#define KEYS_MAX (FF_LAYOUT_ALTS_MAX + 32)

/* A key and its value, continued lines joined by blanks. */
struct entry {
    const char *key;
    const char *value;
    unsigned int line;
};

struct section {
    char *text; /* keys and values, each with its NUL */
    char *end;
    struct entry entries[KEYS_MAX];
    size_t count;
};

/* An error of a line that is known. */
static int fail_at(unsigned int line, const struct ff_error *detail, int code,
                   struct ff_error *error)
{
    return ff_error_set(error, code, "line %u: %s", line, detail->text);
}

static const char *keep(struct section *section, const char *text, size_t len)
{
    char *kept = section->end;

    memcpy(kept, text, len);
    kept[len] = '\0';
    section->end += len + 1;
    return kept;
}

static int add_entry(struct section *section, const struct ff_ini_line *line, unsigned int number,
                     struct ff_error *error)
{
    if (line->name_len > FF_NAME_MAX_BYTES)
        return ff_error_set(error, -EOVERFLOW, "a key has at most %d bytes", FF_NAME_MAX_BYTES);
    if (section->count == KEYS_MAX)
        return ff_error_set(error, -EOVERFLOW, "a format has at most %d keys", KEYS_MAX);
    const char *key = keep(section, line->name, line->name_len);
    for (size_t i = 0; i < section->count; i++)
        if (strcmp(section->entries[i].key, key) == 0)
            return ff_error_set(error, -EINVAL, "'%s' is given twice: first in line %u", key,
                                section->entries[i].line);
    const char *value = keep(section, line->value, line->value_len);
    section->entries[section->count++] = (struct entry){key, value, number};
    return 0;
}

static void continue_entry(struct section *section, const struct ff_ini_line *line)
{
    /* Over the NUL of the value so far; nothing comes between it and an empty value. */
    if (section->entries[section->count - 1].value[0])
        section->end[-1] = ' ';
    else
        section->end--;
    keep(section, line->value, line->value_len);
}

/* Room for the texts: a line "k=v" takes key, NUL, value, NUL. */
static int read_entries(struct section *section, const char *text, size_t len, unsigned int line,
                        struct ff_error *error)
{
    struct ff_ini ini = {.text = text, .len = len, .line = line - 1};
    struct ff_error detail = {0};

    for (;;) {
        struct ff_ini_line read;
        int r = ff_ini_next(&ini, &read, &detail);
        if (r == 0 && read.kind == FF_INI_END)
            return 0;
        if (r == 0 && read.kind == FF_INI_MORE)
            continue_entry(section, &read);
        else if (r == 0)
            r = add_entry(section, &read, ini.line, &detail);
        if (r < 0)
            return fail_at(ini.line, &detail, r, error);
    }
}

/* "frame.usec" -> FF_FRAME, "usec"; false for a key that is no part of the framing. */
static bool part_of(const char *key, enum ff_section *ret_section, const char **ret_suffix)
{
    static const char *const parts[] = {"preamble", "frame", "postamble"};
    for (int s = 0; s < FF_SECTIONS; s++) {
        size_t len = strlen(parts[s]);
        if (strncmp(key, parts[s], len) != 0 || (key[len] && key[len] != '.'))
            continue;
        *ret_section = (enum ff_section)s;
        *ret_suffix = key[len] ? key + len + 1 : NULL;
        return true;
    }
    return false;
}

static int set_text(char *field, size_t size, const struct entry *entry, struct ff_error *error)
{
    if (!ff_is_printable(entry->value, strlen(entry->value)))
        return ff_error_set(error, -EINVAL, "'%s' has a tab", entry->key);
    if (strlen(entry->value) >= size)
        return ff_error_set(error, -EOVERFLOW, "'%s' has at most %zu bytes", entry->key, size - 1);
    strcpy(field, entry->value);
    return 0;
}

static int set_extension(struct ff_format *format, const struct entry *entry,
                         struct ff_error *error)
{
    if (entry->value[0] != '.' || !entry->value[1] || strpbrk(entry->value, "/ \\"))
        return ff_error_set(error, -EINVAL, "'ext' is an extension with its dot, such as .log");
    return set_text(format->extension, sizeof(format->extension), entry, error);
}

static int set_generic(struct ff_format *format, const struct entry *entry, struct ff_error *error)
{
    format->generic = strcmp(entry->value, "yes") == 0;
    if (format->generic || strcmp(entry->value, "no") == 0)
        return 0;
    return ff_error_set(error, -EINVAL, "'generic' is yes or no");
}

static int refuse_key(const struct entry *entry, struct ff_error *error)
{
    static const char *const known[] = {"preamble", "frame",   "postamble", "title", "about",
                                        "spec",     "content", "generic",   "ext",   NULL};
    const char *near = ff_nearest(entry->key, known);

    return ff_error_set(error, -EINVAL, "unknown key '%s'%s%s%s", entry->key,
                        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int set_option(struct ff_format *format, struct ff_directives *directives,
                      const struct entry *entry, struct ff_error *error)
{
    if (strcmp(entry->key, "title") == 0)
        return set_text(format->title, sizeof(format->title), entry, error);
    if (strcmp(entry->key, "about") == 0)
        return set_text(format->about, sizeof(format->about), entry, error);
    if (strcmp(entry->key, "spec") == 0)
        return set_text(format->spec, sizeof(format->spec), entry, error);
    if (strcmp(entry->key, "ext") == 0)
        return set_extension(format, entry, error);
    if (strcmp(entry->key, "generic") == 0)
        return set_generic(format, entry, error);
    if (strcmp(entry->key, "content") == 0)
        return ff_content_parse(entry->value, &format->content) == 0
                   ? 0
                   : ff_error_set(error, -EINVAL, "'content' is payload, frame or file");
    int r = ff_directive_set(directives, entry->key, entry->value, error);
    return r == -ENOENT ? refuse_key(entry, error) : r;
}

/* The section as it is printed. NULL when memory is short. */
static char *text_of(const struct section *section)
{
    size_t size = 1;

    for (size_t i = 0; i < section->count; i++)
        size += strlen(section->entries[i].key) + strlen(section->entries[i].value) + 4;
    char *text = malloc(size), *end = text;
    if (!text)
        return NULL;
    *end = '\0';
    for (size_t i = 0; i < section->count; i++)
        end += sprintf(end, "%s = %s\n", section->entries[i].key, section->entries[i].value);
    return text;
}

/* Adds an alternative. */
static int add_part(struct ff_alt_source alts[FF_LAYOUT_ALTS_MAX], size_t *count,
                    const struct entry *entry, enum ff_section part, const char *suffix,
                    struct ff_error *error)
{
    if (suffix && !suffix[0])
        return ff_error_set(error, -EINVAL, "a name is missing after the point of '%s'",
                            entry->key);
    if (*count == FF_LAYOUT_ALTS_MAX)
        return ff_error_set(error, -EOVERFLOW, "a format has at most %d alternatives",
                            FF_LAYOUT_ALTS_MAX);
    alts[(*count)++] = (struct ff_alt_source){part, suffix, entry->value, strlen(entry->value)};
    return 0;
}

/* The line of the alternative that comes after `right` others, section by section; 0 when there are
 * no more. */
static unsigned int line_of(const struct section *section, unsigned int right)
{
    for (int s = 0; s < FF_SECTIONS; s++) {
        for (size_t i = 0; i < section->count; i++) {
            enum ff_section part;
            const char *suffix;
            if (part_of(section->entries[i].key, &part, &suffix) && (int)part == s && right-- == 0)
                return section->entries[i].line;
        }
    }
    return 0;
}

static int build(const struct section *section, unsigned int line, struct ff_format *format,
                 struct ff_error *error)
{
    struct ff_alt_source alts[FF_LAYOUT_ALTS_MAX];
    struct ff_directives directives = {.max = 0};
    struct ff_error detail = {0};
    size_t count = 0;
    int r;

    for (size_t i = 0; i < section->count; i++) {
        const struct entry *entry = &section->entries[i];
        enum ff_section part;
        const char *suffix;
        if (part_of(entry->key, &part, &suffix))
            r = add_part(alts, &count, entry, part, suffix, &detail);
        else
            r = set_option(format, &directives, entry, &detail);
        if (r < 0)
            return fail_at(entry->line, &detail, r, error);
    }
    if (!(format->text = text_of(section)))
        return ff_error_set(error, -ENOMEM, "out of memory");
    if ((r = ff_layout_compile(alts, count, &directives, &format->layout, &detail)) < 0) {
        unsigned int at = line_of(section, format->layout.alt_count);
        return fail_at(at ? at : line, &detail, r, error);
    }
    return 0;
}

static void section_free(struct section *section)
{
    if (section)
        free(section->text);
    free(section);
}

FF_CLEANUP_DEFINE(section, struct section *, section_free)
FF_CLEANUP_DEFINE(format, struct ff_format *, ff_format_free)

int ff_section_compile(const char *name, const char *text, size_t len, unsigned int line,
                       struct ff_format **ret_format, struct ff_error *error)
{
    FF_CLEANUP(section) struct section *section = calloc(1, sizeof(*section));
    FF_CLEANUP(format) struct ff_format *format = calloc(1, sizeof(*format));
    int r;

    if (!section || !format || !(section->text = malloc(len + 2)))
        return ff_error_set(error, -ENOMEM, "out of memory");
    section->end = section->text;
    snprintf(format->name, sizeof(format->name), "%s", name);
    if ((r = read_entries(section, text, len, line + 1, error)) < 0 ||
        (r = build(section, line, format, error)) < 0)
        return r;
    *ret_format = format;
    format = NULL;
    return 0;
}
