#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/internal.h"
#include "format/format.h"

static json_t *damage_json(struct ff_archive *archive)
{
    json_t *list = json_array();
    struct ff_damage damage;
    for (uint64_t i = 0; list && ff_archive_damage(archive, i, &damage) == 0; i++) {
        json_t *object =
            json_pack("{s:I, s:I, s:I, s:s, s:b}", "offset", (json_int_t)damage.offset, "bytes",
                      (json_int_t)damage.len, "record", (json_int_t)damage.record, "reason",
                      damage.reason, "truncated", damage.code == -ENODATA);
        if (!object || json_array_append_new(list, object) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* What is known of its index file: null where none was used, or refused. */
static json_t *index_json(struct ff_archive *archive)
{
    struct ff_index_status s;

    ff_archive_index_status(archive, &s);
    if (s.refused)
        return json_pack("{s:b, s:s}", "used", 0, "reason", s.reason);
    if (s.read_bytes == 0)
        return json_null();
    double bits = s.read_records ? 8.0 * (double)s.read_bytes / (double)s.read_records : 0;
    return json_pack("{s:b, s:I, s:I, s:f, s:b}", "used", 1, "bytes", (json_int_t)s.read_bytes,
                     "records", (json_int_t)s.read_records, "bits_per_record", bits, "times",
                     (int)s.times);
}

static json_t *archive_json(struct ff_archive *archive, bool verified)
{
    struct ff_summary s;
    ff_archive_summary(archive, &s);
    json_t *damage = damage_json(archive);
    if (!damage)
        return NULL;
    json_t *object = json_pack(
        "{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:I, s:o, s:o}", "archive", archive->name,
        "format", archive->format->name, "records", (json_int_t)s.records, "payload_bytes",
        (json_int_t)s.payload_bytes, "archive_bytes", (json_int_t)s.archive_bytes, "smallest",
        (json_int_t)s.smallest, "largest", (json_int_t)s.largest, "complete", (int)s.complete,
        "scanned_bytes", (json_int_t)s.scanned_bytes, "damages", (json_int_t)s.damages, "damage",
        damage, "index", index_json(archive));
    if (object && archive->select &&
        json_object_set_new(object, "left_out", json_integer((json_int_t)s.left_out)) < 0) {
        json_decref(object);
        object = NULL;
    }
    if (object && verified &&
        json_object_set_new(object, "checksums_checked", json_integer((json_int_t)s.checksums)) <
            0) {
        json_decref(object);
        object = NULL;
    }
    return object;
}

static char *report(struct ff_archive *const *archives, size_t count, bool verified)
{
    json_t *list = json_array();
    char *text = NULL, *with_newline = NULL;

    for (size_t i = 0; list && i < count; i++) {
        json_t *object = archive_json(archives[i], verified);
        if (!object || json_array_append_new(list, object) < 0) {
            json_decref(list);
            list = NULL;
        }
    }
    if (list)
        text = json_dumps(list, JSON_INDENT(2));
    json_decref(list);
    if (text && asprintf(&with_newline, "%s\n", text) < 0)
        with_newline = NULL;
    free(text);
    return with_newline;
}

char *ff_report_json(struct ff_archive *const *archives, size_t count)
{
    return report(archives, count, false);
}

char *ff_report_verified(struct ff_archive *const *archives, size_t count)
{
    return report(archives, count, true);
}

char *ff_report_damage(struct ff_archive *archive)
{
    struct ff_damage damage;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    if (!out)
        return NULL;
    fprintf(out, "%20s %20s %14s  %s\n", "OFFSET", "BYTES", "RECORD", "REASON");
    for (uint64_t i = 0; ff_archive_damage(archive, i, &damage) == 0; i++)
        fprintf(out, "%20" PRIu64 " %20" PRIu64 " %14" PRIu64 "  %s\n", damage.offset, damage.len,
                damage.record, damage.reason);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
