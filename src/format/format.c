#include "format/format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ff_format_free(struct ff_format *format)
{
    if (!format)
        return;
    free(format->text);
    free(format);
}

/* Alternatives as the lines of a section. NULL when memory is short. */
static char *ini_text(const struct ff_alt_source *alts, size_t count)
{
    static const char *const keys[] = {"preamble", "frame", "postamble"};
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        const char *from = alts[i].text, *end = from + alts[i].len;
        bool several = (i > 0 && alts[i - 1].section == alts[i].section) ||
                       (i + 1 < count && alts[i + 1].section == alts[i].section);
        while (from < end && *from == ' ')
            from++;
        while (from < end && end[-1] == ' ')
            end--;
        fputs(keys[alts[i].section], out);
        if (several)
            fprintf(out, ".%zu", i + 1);
        fprintf(out, " = %.*s\n", (int)(end - from), from);
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

int ff_format_compile(const char *description, struct ff_format **ret_format,
                      struct ff_error *error)
{
    struct ff_alt_source alts[FF_LAYOUT_ALTS_MAX];
    size_t count;
    int r = ff_description_split(description, alts, &count, error);
    if (r < 0)
        return r;
    struct ff_format *format = calloc(1, sizeof(*format));
    if (!format)
        return ff_error_set(error, -ENOMEM, "out of memory");
    if ((r = ff_layout_compile(alts, count, NULL, &format->layout, error)) < 0)
        goto fail;
    strcpy(format->name, "custom");
    if (!(format->text = ini_text(alts, count))) {
        r = ff_error_set(error, -ENOMEM, "out of memory");
        goto fail;
    }
    *ret_format = format;
    return 0;
fail:
    ff_format_free(format);
    return r;
}

int ff_format_none(struct ff_format **ret_format, struct ff_error *error)
{
    struct ff_format *format = calloc(1, sizeof(*format));
    if (!format || !(format->text = strdup(""))) {
        free(format);
        return ff_error_set(error, -ENOMEM, "out of memory");
    }
    format->none = true;
    strcpy(format->name, "none");
    strcpy(format->about, "an empty archive of no format");
    *ret_format = format;
    return 0;
}

const char *ff_format_name(const struct ff_format *format)
{
    return format->name;
}

const char *ff_format_about(const struct ff_format *format)
{
    return format->about;
}

const char *ff_format_title(const struct ff_format *format)
{
    return format->title;
}

const char *ff_format_spec(const struct ff_format *format)
{
    return format->spec;
}

const char *ff_format_text(const struct ff_format *format)
{
    return format->text;
}

const char *ff_format_extension(const struct ff_format *format, enum ff_content content)
{
    bool typed = content == FF_CONTENT_FILE ||
                 (content == FF_CONTENT_FRAME && format->content == FF_CONTENT_FRAME);
    return typed ? format->extension : "";
}

enum ff_content ff_format_content(const struct ff_format *format)
{
    return format->content;
}

/* Whether any alternative of the frame tells it in a slot or an item (has), or in headers{}. */
static bool tells(const struct ff_format *format, enum ff_header_role role,
                  bool (*has)(const struct ff_roles *roles))
{
    const struct ff_layout *layout = &format->layout;

    for (unsigned int a = layout->alt_first[FF_FRAME]; a < layout->alt_first[FF_FRAME + 1]; a++) {
        const struct ff_roles *roles = &layout->alts[a].roles;
        if (has(roles))
            return true;
        for (unsigned int h = 0; roles->headers != FF_NO_ITEM && h < layout->header_count; h++)
            if (layout->headers[h].role == role)
                return true;
    }
    return format->none;
}

static bool has_time(const struct ff_roles *roles)
{
    return roles->time != FF_NO_SLOT || roles->time_ms != FF_NO_SLOT ||
           roles->time_us != FF_NO_SLOT || roles->time_ns != FF_NO_SLOT ||
           roles->time_hi != FF_NO_SLOT;
}

static bool has_type(const struct ff_roles *roles)
{
    return roles->type_slot != FF_NO_SLOT || roles->type_item != FF_NO_ITEM;
}

static bool has_name(const struct ff_roles *roles)
{
    return roles->name_item != FF_NO_ITEM;
}

bool ff_format_has_times(const struct ff_format *format)
{
    return tells(format, FF_HEADER_TIME, has_time);
}

bool ff_format_has_types(const struct ff_format *format)
{
    return tells(format, FF_HEADER_TYPE, has_type);
}

bool ff_format_has_names(const struct ff_format *format)
{
    return tells(format, FF_HEADER_NAME, has_name);
}

static const char *const content_names[] = {"payload", "frame", "file"};

int ff_content_parse(const char *text, enum ff_content *ret_content)
{
    for (int i = 0; i < 3; i++) {
        if (strcmp(text, content_names[i]) != 0)
            continue;
        *ret_content = (enum ff_content)i;
        return 0;
    }
    return -EINVAL;
}

const char *ff_content_name(enum ff_content content)
{
    return content_names[content];
}
