#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/format.h"

/* A key of the section: "frame.x" and its value, continued lines joined by blanks. */
struct preset_entry {
    char key[FF_NAME_MAX_BYTES + 1];
    char *value;
};

struct preset_section {
    const char *wanted;
    bool found;
    int r;
    size_t count;
    struct preset_entry entries[FF_LAYOUT_ALTS_MAX + 8];
};

static void section_free(struct preset_section *section)
{
    if (!section)
        return;
    for (size_t i = 0; i < section->count; i++)
        free(section->entries[i].value);
    free(section);
}

FF_CLEANUP_DEFINE(section, struct preset_section *, section_free)

/* inih's handler: 1 goes on, 0 is an error. */
static int collect(void *context, const char *name, const char *key, const char *value)
{
    struct preset_section *section = context;
    if (strcmp(name, section->wanted) != 0)
        return 1;
    section->found = true;
    struct preset_entry *last = section->count ? &section->entries[section->count - 1] : NULL;
    if (last && strcmp(last->key, key) == 0) {
        char *joined = NULL;
        if (asprintf(&joined, "%s %s", last->value, value) < 0) {
            section->r = -ENOMEM;
            return 0;
        }
        free(last->value);
        last->value = joined;
        return 1;
    }
    if (section->count == sizeof(section->entries) / sizeof(*section->entries) ||
        strlen(key) > FF_NAME_MAX_BYTES) {
        section->r = -EOVERFLOW;
        return 0;
    }
    struct preset_entry *entry = &section->entries[section->count];
    entry->value = strdup(value);
    if (!entry->value) {
        section->r = -ENOMEM;
        return 0;
    }
    strcpy(entry->key, key);
    section->count++;
    return 1;
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

static int set_option(struct ff_format *format, const struct preset_entry *entry,
                      struct ff_error *error)
{
    const char *value = entry->value;
    size_t len = strlen(value);

    if (strcmp(entry->key, "about") == 0 && len < sizeof(format->about)) {
        strcpy(format->about, value);
    } else if (strcmp(entry->key, "ext") == 0 && len < sizeof(format->extension) &&
               value[0] == '.' && !strchr(value, '/')) {
        strcpy(format->extension, value);
    } else if (strcmp(entry->key, "content") == 0) {
        if (ff_content_parse(value, &format->content) == 0)
            return 0;
        return ff_error_set(error, -EINVAL, "content is payload, frame or file, not '%s'", value);
    } else if (strcmp(entry->key, "generic") == 0 && strcmp(value, "yes") == 0) {
        format->generic = true;
    } else {
        return ff_error_set(error, -EINVAL, "unknown key or value: %s = %s", entry->key, value);
    }
    return 0;
}

static int build(const struct preset_section *section, struct ff_format *format,
                 struct ff_error *error)
{
    struct ff_alt_source alts[FF_LAYOUT_ALTS_MAX];
    size_t count = 0, size = 0;
    int r;

    for (size_t i = 0; i < section->count; i++) {
        const struct preset_entry *entry = &section->entries[i];
        enum ff_section part;
        const char *suffix;
        size += strlen(entry->key) + strlen(entry->value) + 4;
        if (!part_of(entry->key, &part, &suffix)) {
            if ((r = set_option(format, entry, error)) < 0)
                return r;
            continue;
        }
        if (count == FF_LAYOUT_ALTS_MAX)
            return ff_error_set(error, -EOVERFLOW, "more than %d alternatives", FF_LAYOUT_ALTS_MAX);
        alts[count++] = (struct ff_alt_source){part, suffix, entry->value, strlen(entry->value)};
    }
    format->text = malloc(size + 1);
    if (!format->text)
        return ff_error_set(error, -ENOMEM, "out of memory");
    char *end = format->text;
    *end = '\0';
    for (size_t i = 0; i < section->count; i++)
        end += sprintf(end, "%s = %s\n", section->entries[i].key, section->entries[i].value);
    return ff_layout_compile(alts, count, NULL, &format->layout, error);
}

int ff_preset_load(const char *ini, const char *name, struct ff_format **ret_format,
                   struct ff_error *error)
{
    FF_CLEANUP(section) struct preset_section *section = calloc(1, sizeof(*section));
    struct ff_format *format = calloc(1, sizeof(*format));
    struct ff_error detail = {0};
    int r = -ENOMEM;

    if (!section || !format || strlen(name) >= sizeof(format->name))
        goto fail;
    section->wanted = name;
    int line = ini_parse_string(ini, collect, section);
    r = section->r;
    if (line != 0 && r == 0)
        r = ff_error_set(&detail, -EINVAL, "line %d cannot be read", line);
    if (r == 0 && !section->found)
        r = ff_error_set(&detail, -ENOENT, "there is no such section");
    if (r < 0)
        goto fail;
    strcpy(format->name, name);
    if ((r = build(section, format, &detail)) < 0)
        goto fail;
    *ret_format = format;
    return 0;
fail:
    ff_format_free(format);
    return ff_error_set(error, r, "format '%.64s': %s", name,
                        detail.text[0] ? detail.text : strerror(-r));
}
