#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "format/format.h"
#include "format/ini.h"

/* Where a format is found: the lines of a section. Few of them are asked for, or all, over and
 * over, for many archives. */
struct entry {
    char name[FF_FORMAT_NAME_BYTES];
    const char *text;
    size_t len;
    unsigned int line;  /* of its heading */
    const char *origin; /* NULL: built in */
    char *fault;        /* NULL: none */
    /* Once detection has asked for it, by whichever thread was first; owned. */
    struct ff_format *_Atomic compiled;
};

/* A text that was added. */
struct text {
    struct text *next;
    char *origin;
    char *text;
};

struct ff_formats {
    struct entry *entries; /* those that outrank others first */
    size_t count;
    size_t added; /* of them */
    struct text *texts;
};

/* The sections of a text, while they are read. */
struct reader {
    struct entry *entries; /* FF_FORMATS_ADDED_MAX of them */
    size_t count;
    const char *origin;
    int code; /* of the first fault */
    struct ff_error *error;
};

static struct entry preset_entry(size_t index)
{
    struct entry entry = {.text = ff_presets[index].text, .len = strlen(ff_presets[index].text)};

    snprintf(entry.name, sizeof(entry.name), "%s", ff_presets[index].name);
    return entry;
}

static struct entry entry_at(const struct ff_formats *formats, size_t index)
{
    return formats ? formats->entries[index] : preset_entry(index);
}

int ff_formats_new(struct ff_formats **ret_formats, struct ff_error *error)
{
    struct ff_formats *formats = calloc(1, sizeof(*formats));

    if (!formats || !(formats->entries = calloc(ff_preset_count, sizeof(*formats->entries)))) {
        free(formats);
        return ff_error_set(error, -ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < ff_preset_count; i++)
        formats->entries[i] = preset_entry(i);
    formats->count = ff_preset_count;
    *ret_formats = formats;
    return 0;
}

static void drop_entry(struct entry *entry)
{
    free(entry->fault);
    ff_format_free(entry->compiled);
}

void ff_formats_free(struct ff_formats *formats)
{
    if (!formats)
        return;
    for (size_t i = 0; i < formats->count; i++)
        drop_entry(&formats->entries[i]);
    free(formats->entries);
    while (formats->texts) {
        struct text *text = formats->texts;
        formats->texts = text->next;
        free(text->origin);
        free(text->text);
        free(text);
    }
    free(formats);
}

/* A name fits options and file names. */
static bool is_name(const char *name, size_t len)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

    if (len == 0 || len >= FF_FORMAT_NAME_BYTES || !memchr(letters, name[0], sizeof(letters) - 1))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!memchr(letters, name[i], sizeof(letters) - 1) && !memchr("-_.+", name[i], 4))
            return false;
    return true;
}

/* Names that stand for something else than a format of a set. */
static bool is_reserved(const char *name)
{
    return strcmp(name, "auto") == 0 || strcmp(name, "none") == 0 || strcmp(name, "custom") == 0;
}

/* Notes what is wrong with an entry (NULL: with lines that belong to none). */
static int note_fault(struct reader *reader, struct entry *entry, int code, const char *why)
{
    struct ff_error fault;

    ff_error_set(&fault, code, "%s: %s", reader->origin, why);
    if (reader->code == 0)
        reader->code = ff_error_set(reader->error, code, "%s", fault.text);
    if (entry && !entry->fault && !(entry->fault = strdup(fault.text)))
        return ff_error_set(reader->error, -ENOMEM, "out of memory");
    return 0;
}

static int note_line_fault(struct reader *reader, struct entry *entry, unsigned int line, int code,
                           const char *why)
{
    struct ff_error fault;

    ff_error_set(&fault, code, "line %u: %s", line, why);
    return note_fault(reader, entry, code, fault.text);
}

/* Begins a section; *ret_entry is NULL when its name is none. */
static int begin_entry(struct reader *reader, const struct ff_ini_line *line, unsigned int number,
                       struct entry **ret_entry)
{
    struct ff_error detail;

    *ret_entry = NULL;
    if (!is_name(line->name, line->name_len))
        return note_line_fault(
            reader, NULL, number, -EINVAL,
            "a format's name is of letters, digits, - _ . and +; it begins with a "
            "letter or digit and has at most 63");
    if (reader->count == FF_FORMATS_ADDED_MAX)
        return ff_error_set(reader->error, -EOVERFLOW, "%s: line %u: more than %d formats",
                            reader->origin, number, FF_FORMATS_ADDED_MAX);
    struct entry *entry = &reader->entries[reader->count];
    *entry = (struct entry){.line = number, .origin = reader->origin};
    memcpy(entry->name, line->name, line->name_len);
    for (size_t i = 0; i < reader->count; i++) {
        if (strcmp(reader->entries[i].name, entry->name) != 0)
            continue;
        ff_error_set(&detail, -EINVAL, "there is a format '%s' in line %u already", entry->name,
                     reader->entries[i].line);
        return note_line_fault(reader, &reader->entries[i], number, -EINVAL, detail.text);
    }
    reader->count++;
    *ret_entry = entry;
    if (is_reserved(entry->name))
        return note_line_fault(reader, entry, number, -EINVAL,
                               "auto, none and custom are no names of formats");
    return 0;
}

/* Finds the sections of a text: where their lines begin and end. */
static int find_sections(struct reader *reader, const char *text, size_t len)
{
    struct ff_ini ini = {.text = text, .len = len};
    struct entry *entry = NULL;
    bool headed = false; /* a heading was met, even if a wrong one */

    for (;;) {
        struct ff_error detail;
        struct ff_ini_line line = {.kind = FF_INI_END};
        size_t start = ini.pos;
        int r = ff_ini_next(&ini, &line, &detail);
        bool heading = r == 0 && (line.kind == FF_INI_SECTION || line.kind == FF_INI_END);
        if (heading && entry)
            entry->len = (size_t)(text + start - entry->text);
        if (heading && line.kind == FF_INI_END)
            return 0;
        if (heading) {
            headed = true;
            r = begin_entry(reader, &line, ini.line, &entry);
            if (entry)
                entry->text = text + ini.pos;
        } else if (r < 0) {
            r = note_line_fault(reader, entry, ini.line, r, detail.text);
        } else if (!headed) {
            r = note_line_fault(reader, NULL, ini.line, -EINVAL, "no [NAME] stands before this");
        }
        if (r < 0)
            return r;
    }
}

/* Whether each section is right. */
static int check_sections(struct reader *reader)
{
    for (size_t i = 0; i < reader->count; i++) {
        struct entry *entry = &reader->entries[i];
        struct ff_error detail;
        struct ff_format *format;
        if (entry->fault)
            continue;
        int r =
            ff_section_compile(entry->name, entry->text, entry->len, entry->line, &format, &detail);
        if (r == -ENOMEM)
            return ff_error_set(reader->error, r, "out of memory");
        if (r == 0)
            ff_format_free(format);
        else if ((r = note_fault(reader, entry, r, detail.text)) < 0)
            return r;
    }
    return 0;
}

static void remove_entry(struct ff_formats *formats, const char *name)
{
    for (size_t i = 0; i < formats->count; i++) {
        if (strcmp(formats->entries[i].name, name) != 0)
            continue;
        formats->added -= formats->entries[i].origin != NULL;
        drop_entry(&formats->entries[i]);
        formats->count--;
        memmove(&formats->entries[i], &formats->entries[i + 1],
                (formats->count - i) * sizeof(*formats->entries));
        return;
    }
}

/* Puts the sections before what is there. */
static int insert(struct ff_formats *formats, const struct reader *reader)
{
    struct entry *grown =
        reallocarray(formats->entries, formats->count + reader->count, sizeof(*grown));

    if (!grown)
        return ff_error_set(reader->error, -ENOMEM, "out of memory");
    formats->entries = grown;
    for (size_t i = 0; i < reader->count; i++)
        remove_entry(formats, reader->entries[i].name);
    memmove(grown + reader->count, grown, formats->count * sizeof(*grown));
    memcpy(grown, reader->entries, reader->count * sizeof(*grown));
    formats->count += reader->count;
    formats->added += reader->count;
    return 0;
}

static int read_text(struct ff_formats *formats, struct reader *reader, const struct text *text,
                     size_t len)
{
    int r;

    if ((r = find_sections(reader, text->text, len)) < 0 || (r = check_sections(reader)) < 0)
        return r;
    if (formats->added + reader->count > FF_FORMATS_ADDED_MAX)
        return ff_error_set(reader->error, -EOVERFLOW,
                            "%s: with these there are more than %d formats", reader->origin,
                            FF_FORMATS_ADDED_MAX);
    return insert(formats, reader);
}

int ff_formats_add(struct ff_formats *formats, const char *text, size_t len, const char *origin,
                   struct ff_error *error)
{
    if (len > FF_FORMATS_TEXT_MAX_BYTES)
        return ff_error_set(error, -EOVERFLOW, "%s: larger than 1 MiB", origin);
    struct text *kept = calloc(1, sizeof(*kept));
    struct reader reader = {.error = error,
                            .entries = calloc(FF_FORMATS_ADDED_MAX, sizeof(*reader.entries))};
    int r;

    if (kept) {
        kept->next = formats->texts;
        formats->texts = kept;
        kept->origin = strdup(origin);
        kept->text = malloc(len + 1);
    }
    if (kept && kept->origin && kept->text && reader.entries) {
        memcpy(kept->text, text, len);
        reader.origin = kept->origin;
        r = read_text(formats, &reader, kept, len);
    } else {
        r = ff_error_set(error, -ENOMEM, "out of memory");
    }
    /* Those that were added have gone into the set. */
    for (size_t i = 0; r < 0 && i < reader.count; i++)
        free(reader.entries[i].fault);
    free(reader.entries);
    return r < 0 ? r : reader.code;
}

size_t ff_formats_count(const struct ff_formats *formats)
{
    return formats ? formats->count : ff_preset_count;
}

const char *ff_formats_name(const struct ff_formats *formats, size_t index)
{
    return formats ? formats->entries[index].name : ff_presets[index].name;
}

const char *ff_formats_origin(const struct ff_formats *formats, size_t index)
{
    return formats ? formats->entries[index].origin : NULL;
}

const char *ff_formats_fault(const struct ff_formats *formats, size_t index)
{
    return formats ? formats->entries[index].fault : NULL;
}

bool ff_formats_replaces(const struct ff_formats *formats, size_t index)
{
    if (!ff_formats_origin(formats, index))
        return false;
    for (size_t i = 0; i < ff_preset_count; i++)
        if (strcmp(ff_presets[i].name, formats->entries[index].name) == 0)
            return true;
    return false;
}

static int refuse_name(const struct ff_formats *formats, const char *name, struct ff_error *error)
{
    char escaped[FF_FORMAT_NAME_BYTES];
    size_t count = ff_formats_count(formats);
    const char **names = calloc(count + 1, sizeof(*names));
    const char *near = NULL;

    for (size_t i = 0; names && i < count; i++)
        names[i] = ff_formats_name(formats, i);
    if (names)
        near = ff_nearest(name, names);
    free(names);
    ff_escape(escaped, sizeof(escaped), name, strlen(name));
    return ff_error_set(error, -ENOENT, "unknown format '%s'%s%s%s (framefs formats lists all)",
                        escaped, near ? "; did you mean '" : "", near ? near : "",
                        near ? "'?" : "");
}

static int compile(const struct entry *entry, struct ff_format **ret_format, struct ff_error *error)
{
    return ff_section_compile(entry->name, entry->text, entry->len, entry->line, ret_format, error);
}

int ff_formats_borrow(const struct ff_formats *formats, size_t index,
                      const struct ff_format **ret_format, struct ff_error *error)
{
    struct entry *entry = &formats->entries[index];
    struct ff_format *format = atomic_load(&entry->compiled), *mine;

    if (!format) {
        int r = compile(entry, &mine, error);
        if (r < 0)
            return r;
        if (atomic_compare_exchange_strong(&entry->compiled, &format, mine))
            format = mine;
        else
            ff_format_free(mine);
    }
    *ret_format = format;
    return 0;
}

int ff_formats_find(const struct ff_formats *formats, const char *name,
                    struct ff_format **ret_format, struct ff_error *error)
{
    for (size_t i = 0; i < ff_formats_count(formats); i++) {
        if (strcmp(ff_formats_name(formats, i), name) != 0)
            continue;
        const struct entry entry = entry_at(formats, i);
        if (entry.fault)
            return ff_error_set(error, -EINVAL, "%s", entry.fault);
        return compile(&entry, ret_format, error);
    }
    return refuse_name(formats, name, error);
}

int ff_format_find(const char *name, struct ff_format **ret_format, struct ff_error *error)
{
    return ff_formats_find(NULL, name, ret_format, error);
}
