#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fs/state.h"

#define PREFIX "user.framefs."
/* The kernel refuses larger values. */
#define VALUE_BYTES_MAX 65536
/* A record that is joined of many frames has many; each is looked for from the first one on. */
#define SUMS_MAX       16
#define SUM_TEXT_BYTES 64

struct value {
    char *bytes;
    size_t len;
};

static int set_text(struct value *value, const char *text)
{
    value->bytes = strdup(text);
    value->len = strlen(text);
    return value->bytes ? 0 : -ENOMEM;
}

static int set_number(struct value *value, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, number);
    return set_text(value, text);
}

static int get_record(struct ff_fs *fs, const struct ff_file *file, struct value *value)
{
    (void)fs;
    return set_number(value, file->record.number);
}

static int get_offset(struct ff_fs *fs, const struct ff_file *file, struct value *value)
{
    (void)fs;
    return set_number(value, file->record.offset);
}

static int get_length(struct ff_fs *fs, const struct ff_file *file, struct value *value)
{
    (void)fs;
    return set_number(value, file->record.payload);
}

/* The bytes before the payload, as they are. */
static int get_header(struct ff_fs *fs, const struct ff_file *file, struct value *value)
{
    struct ff_error error = {0};
    size_t len = (size_t)file->record.head;
    const struct ff_view view = {
        .len = len,
        .record = file->record,
        .extents = 1,
        .extent = {{.offset = file->record.offset, .len = len}},
    };

    if (file->record.head == 0)
        return -ENODATA;
    if (file->record.head > VALUE_BYTES_MAX)
        return -E2BIG;
    char *bytes = malloc(len);
    if (!bytes)
        return -ENOMEM;
    ssize_t count = ff_view_read(file->shown->archive, &view, bytes, len, 0, &error);
    if (count < 0 || (size_t)count < len) {
        free(bytes);
        return ff_fs_failed(fs, count < 0 ? (int)count : -ENODATA, &error);
    }
    *value = (struct value){.bytes = bytes, .len = len};
    return 0;
}

static int get_details(struct ff_fs *fs, const struct ff_file *file, struct ff_details *ret_details)
{
    struct ff_error error = {0};
    int r = ff_archive_details(file->shown->archive, &file->record, ret_details, &error);
    return r < 0 ? ff_fs_failed(fs, r, &error) : 0;
}

static int get_type(struct ff_fs *fs, const struct ff_file *file, struct value *value)
{
    struct ff_details details;
    int r = get_details(fs, file, &details);
    if (r < 0)
        return r;
    return details.type[0] ? set_text(value, details.type) : -ENODATA;
}

static int get_name(struct ff_fs *fs, const struct ff_file *file, struct value *value)
{
    struct ff_details details;
    int r = get_details(fs, file, &details);
    if (r < 0)
        return r;
    return details.name[0] ? set_text(value, details.name) : -ENODATA;
}

static int get_checksum(struct ff_fs *fs, const struct ff_file *file, struct value *value)
{
    char text[(SUMS_MAX + 1) * SUM_TEXT_BYTES];
    struct ff_checksum_result sum;
    struct ff_error error = {0};
    size_t len = 0;
    int r = 0;

    for (unsigned int i = 0; i <= SUMS_MAX && r == 0; i++) {
        r = ff_archive_checksum(file->shown->archive, &file->record, i, &sum, &error);
        if (r == 0 && i == SUMS_MAX)
            len += (size_t)snprintf(text + len, SUM_TEXT_BYTES, "; ...");
        else if (r == 0)
            len += (size_t)snprintf(text + len, SUM_TEXT_BYTES, "%s%s %s %s", i ? "; " : "",
                                    sum.name, sum.stored, sum.matches ? "ok" : "wrong");
    }
    if (r < 0 && r != -ENOENT)
        return ff_fs_failed(fs, r, &error);
    return len > 0 ? set_text(value, text) : -ENODATA;
}

static const struct {
    const char *name;
    /* -ENODATA when this record has no such attribute. */
    int (*get)(struct ff_fs *fs, const struct ff_file *file, struct value *value);
} attributes[] = {
    {PREFIX "record", get_record},     {PREFIX "offset", get_offset}, {PREFIX "length", get_length},
    {PREFIX "header", get_header},     {PREFIX "type", get_type},     {PREFIX "name", get_name},
    {PREFIX "checksum", get_checksum},
};

#define ATTRIBUTES (sizeof(attributes) / sizeof(attributes[0]))

ssize_t ff_xattr_get(struct ff_fs *fs, const struct ff_node *node, const char *name,
                     char **ret_value, struct ff_wait *ret_wait)
{
    struct ff_file file;
    struct value value;

    /* `ls -l` asks each file for attributes of the system: without a look at the archive. */
    if (node->kind != FF_NODE_RECORD || strncmp(name, PREFIX, strlen(PREFIX)) != 0)
        return -ENODATA;
    int r = ff_file_find(fs, node, FF_TEXT_ANY, &file, ret_wait);
    if (r < 0)
        return r;
    for (size_t i = 0; i < ATTRIBUTES; i++) {
        if (strcmp(name, attributes[i].name) != 0)
            continue;
        r = attributes[i].get(fs, &file, &value);
        if (r < 0)
            return r;
        *ret_value = value.bytes;
        return (ssize_t)value.len;
    }
    return -ENODATA;
}

static bool has(const struct ff_file *file, const struct ff_details *details, unsigned int sums,
                size_t attribute)
{
    if (attributes[attribute].get == get_header)
        return file->record.head > 0 && file->record.head <= VALUE_BYTES_MAX;
    if (attributes[attribute].get == get_type)
        return details->type[0];
    if (attributes[attribute].get == get_name)
        return details->name[0];
    if (attributes[attribute].get == get_checksum)
        return sums > 0;
    return true;
}

ssize_t ff_xattr_list(struct ff_fs *fs, const struct ff_node *node, char **ret_names,
                      struct ff_wait *ret_wait)
{
    struct ff_file file;
    struct ff_details details = {0};
    struct ff_error error = {0};
    unsigned int sums;
    size_t len = 0, size = 0;

    if (node->kind != FF_NODE_RECORD) {
        *ret_names = NULL;
        return 0;
    }
    int r = ff_file_find(fs, node, FF_TEXT_ANY, &file, ret_wait);
    if (r == 0)
        r = get_details(fs, &file, &details);
    if (r < 0)
        return r;
    r = ff_archive_checksums(file.shown->archive, &file.record, &sums, &error);
    if (r < 0)
        return ff_fs_failed(fs, r, &error);
    for (size_t i = 0; i < ATTRIBUTES; i++)
        size += strlen(attributes[i].name) + 1;
    char *names = malloc(size);
    if (!names)
        return -ENOMEM;
    for (size_t i = 0; i < ATTRIBUTES; i++) {
        if (!has(&file, &details, sums, i))
            continue;
        strcpy(names + len, attributes[i].name);
        len += strlen(attributes[i].name) + 1;
    }
    *ret_names = names;
    return (ssize_t)len;
}
