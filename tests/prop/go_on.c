/*
 * Archives that are indexed in part, or before they have grown, and gone on with: go_on SEED ROUNDS
 * reads archives from its input, of each a line "FORMAT SIZE" and SIZE bytes. Stops with a message
 * where the outcome is not that of one scan from beginning to end, in any record, damage, figure or
 * view.
 */
#include <errno.h>
#include <framefs/framefs.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "archive/index_bind.h"
#include "archive/index_file.h"
#include "archive/internal.h"
#include "prop.h"

#define SIZE_MAX_BYTES ((size_t)64 << 20)
#define COMPARED       4096 /* records of an archive, at most */

static char doing[256];
static bool times; /* are kept in the index files of the present case */

#define CHECK(claim)                                                                               \
    do {                                                                                           \
        if (!(claim)) {                                                                            \
            fprintf(stderr, "%s:%d: does not hold: %s (%s)\n", __FILE__, __LINE__, #claim, doing); \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* ---- archives over a part of the bytes ---- */

struct case_ {
    const char *format;
    const uint8_t *bytes;
    size_t len;
};

static struct ff_archive *open_archive(const struct case_ *c, size_t len)
{
    const struct ff_archive_options options = {.name = c->format};
    struct ff_archive *archive;
    struct ff_source *source;
    struct ff_format *format;

    CHECK(ff_format_find(c->format, &format, NULL) == 0);
    CHECK(ff_source_open_memory(c->bytes, len, &source, NULL) == 0);
    CHECK(ff_archive_open(source, format, &options, &archive, NULL) == 0);
    return archive;
}

static struct ff_archive *scan_fresh(const struct case_ *c, size_t len)
{
    struct ff_archive *archive = open_archive(c, len);

    CHECK(ff_archive_scan(archive, UINT64_MAX, NULL) == 0);
    return archive;
}

/* ---- the same in every respect ---- */

/* What the archive says of the record's time alone, and whether it is passed over by who looks for
 * other times. */
static void compare_time(struct ff_archive *archive, const struct ff_record *record,
                         const struct ff_details *details)
{
    struct ff_time_span span = {.since = details->time, .until = details->time};
    struct timespec time;
    uint64_t next;
    bool known;

    CHECK(ff_archive_time(archive, record, &known, &time, NULL) == 0);
    CHECK(known == details->has_time);
    CHECK(time.tv_sec == details->time.tv_sec && time.tv_nsec == details->time.tv_nsec);
    const struct ff_index_map *map = archive->map;
    bool indexed = map && map->has_times && record->number < map->records;
    /* None is in an empty span. */
    int r = ff_archive_next_in_time(archive, record->number, &span, &next);
    CHECK(indexed ? r == -ENOENT || (r == 0 && next > record->number)
                  : r == 0 && next == record->number);
    span.until.tv_nsec++;
    r = ff_archive_next_in_time(archive, record->number, &span, &next);
    CHECK(known || !indexed ? r == 0 && next == record->number
                            : r == -ENOENT || (r == 0 && next > record->number));
}

static void compare_records(struct ff_archive *a, struct ff_archive *b, uint64_t number)
{
    struct ff_record x, y;
    struct ff_details p, q;
    struct ff_view v, w;

    int r = ff_archive_record(a, number, &x);
    CHECK(ff_archive_record(b, number, &y) == r);
    if (r < 0)
        return;
    CHECK(x.number == y.number && x.offset == y.offset && x.head == y.head &&
          x.payload == y.payload && x.tail == y.tail && x.skipped == y.skipped &&
          x.joined == y.joined);
    r = ff_archive_details(a, &x, &p, NULL);
    CHECK(ff_archive_details(b, &y, &q, NULL) == r);
    CHECK(r < 0 || (p.has_time == q.has_time && p.time.tv_sec == q.time.tv_sec &&
                    p.time.tv_nsec == q.time.tv_nsec && strcmp(p.type, q.type) == 0 &&
                    strcmp(p.name, q.name) == 0));
    if (r == 0)
        compare_time(b, &y, &p);
    r = ff_view_record(a, &x, FF_CONTENT_FILE, &v);
    CHECK(ff_view_record(b, &y, FF_CONTENT_FILE, &w) == r);
    CHECK(r < 0 || (v.len == w.len && v.extents == w.extents));
    for (unsigned int i = 0; r == 0 && i < v.extents; i++)
        CHECK(v.extent[i].kind == w.extent[i].kind && v.extent[i].offset == w.extent[i].offset &&
              v.extent[i].len == w.extent[i].len);
}

static void compare_damages(struct ff_archive *a, struct ff_archive *b)
{
    struct ff_damage x, y;
    int r;

    for (uint64_t i = 0; (r = ff_archive_damage(a, i, &x)) == 0; i++) {
        CHECK(ff_archive_damage(b, i, &y) == 0);
        CHECK(x.offset == y.offset && x.len == y.len && x.record == y.record && x.code == y.code &&
              strcmp(x.reason, y.reason) == 0);
    }
    CHECK(ff_archive_damage(b, a->damage_count, &y) == -ENOENT);
}

static void compare(struct ff_archive *a, struct ff_archive *b)
{
    struct ff_summary x, y;
    uint64_t count = ff_archive_count(a);

    ff_archive_summary(a, &x);
    ff_archive_summary(b, &y);
    CHECK(x.complete && y.complete);
    CHECK(count == ff_archive_count(b));
    CHECK(x.records == y.records && x.payload_bytes == y.payload_bytes);
    CHECK(x.smallest == y.smallest && x.largest == y.largest);
    CHECK(memcmp(x.histogram, y.histogram, sizeof(x.histogram)) == 0);
    CHECK(x.archive_bytes == y.archive_bytes && x.scanned_bytes == y.scanned_bytes);
    CHECK(x.damages == y.damages && x.left_out == y.left_out);
    CHECK(ff_archive_epoch(a) == ff_archive_epoch(b));
    compare_damages(a, b);
    for (uint64_t i = 0; i <= count; i += count / COMPARED + 1)
        compare_records(a, b, i);
    if (count > 0)
        compare_records(a, b, count - 1);
    ff_archive_close(b);
}

/* ---- index files ---- */

static int make_file(void)
{
    int fd = memfd_create("index", MFD_CLOEXEC);

    CHECK(fd >= 0);
    return fd;
}

static void put(int fd, const uint8_t *buf, size_t len)
{
    CHECK(write(fd, buf, len) == (ssize_t)len);
}

/* A partial file as of the record that the archive, whose writer still waits, has come to. */
static int write_partial(struct ff_archive *archive)
{
    static uint8_t chunk[FF_IMAGE_SEGMENT_BYTES_MAX];
    const struct ff_image_header header = {.archive_bytes = archive->size};
    struct ff_index_binding binding;
    uint8_t buf[FF_IMAGE_HEADER_BYTES], *state = NULL;
    size_t len;
    int fd = make_file();

    ff_image_header_write(buf, &header);
    put(fd, buf, sizeof(buf));
    CHECK(ff_index_bind(archive->source, archive->format, archive->size, archive->mtime,
                        &binding) == 0);
    ff_index_binding_encode(chunk + FF_IMAGE_CHUNK_BYTES, &binding);
    put(fd, chunk, ff_image_chunk_write(chunk, FF_IMAGE_BINDING, 0, 0, 0, FF_BINDING_BYTES));
    CHECK(ff_index_writer_state(archive, false, &state, &len) == 0);
    CHECK(ff_index_seal(archive->index) == 0);
    ff_index_writer_end_times(archive);
    for (uint64_t k = 0; k < ff_index_segments(archive->index); k++) {
        size_t segment_len;
        CHECK(ff_index_segment(archive->index, k, chunk, &segment_len) == 0);
        put(fd, chunk, segment_len);
        if (times) {
            const uint8_t *of_times;
            CHECK(ff_index_writer_times(archive, k, &of_times, &segment_len) == 0);
            put(fd, of_times, segment_len);
        }
    }
    put(fd, state, len);
    free(state);
    return fd;
}

/* The partial file of a scan that was killed after so many records; -1 when it has not so many. */
static int write_killed(const struct case_ *c, size_t size, uint64_t records)
{
    const struct ff_index_writing later = {.delay_ms = UINT32_MAX, .times = times};
    struct ff_archive *archive = open_archive(c, size);
    int unused = make_file(), fd = -1;

    CHECK(ff_archive_write_index(archive, unused, &later, NULL) == 0);
    CHECK(ff_archive_scan(archive, records, NULL) == 0);
    if (!ff_archive_complete(archive))
        fd = write_partial(archive);
    ff_archive_close(archive);
    close(unused);
    return fd;
}

/* Scans on, from what the file at fd knows, to the end; writes to the file at to, unless it is -1.
 * The archive is to be closed. */
static struct ff_archive *go_on(const struct case_ *c, size_t size, int fd, int to)
{
    /* Times are kept without a word of them. */
    const struct ff_index_writing now = {.delay_ms = 0};
    struct ff_archive *archive = open_archive(c, size);
    struct ff_index_status status;
    struct ff_error error = {0};

    if (ff_archive_use_index(archive, fd, &error) < 0)
        fprintf(stderr, "%s\n", error.text);
    CHECK(error.code == 0);
    /* A partial file of no segments says nothing of them. */
    bool has_times = archive->map->has_times;
    CHECK(has_times == times || (times && archive->map->image.header.segments == 0));
    if (to >= 0 && !ff_archive_complete(archive)) {
        CHECK(ff_archive_write_index(archive, to, &now, NULL) == 0);
        CHECK(ff_archive_scan(archive, UINT64_MAX, NULL) == 0);
        ff_archive_index_status(archive, &status);
        CHECK(status.state == FF_INDEX_WRITTEN);
        CHECK(status.times == has_times);
        CHECK(ff_index_has_times(to) == has_times);
        times = has_times;
    }
    CHECK(ff_archive_scan(archive, UINT64_MAX, NULL) == 0);
    return archive;
}

/* The index of the first size bytes. */
static int write_index(const struct case_ *c, size_t size)
{
    const struct ff_index_writing now = {.times = times};
    struct ff_archive *archive = open_archive(c, size);
    struct ff_index_status status;
    int fd = make_file();

    CHECK(ff_archive_write_index(archive, fd, &now, NULL) == 0);
    CHECK(ff_archive_scan(archive, UINT64_MAX, NULL) == 0);
    ff_archive_index_status(archive, &status);
    CHECK(status.state == FF_INDEX_WRITTEN && status.written_records == ff_archive_count(archive));
    ff_archive_close(archive);
    return fd;
}

/* ---- the properties ---- */

/* Killed after a record, gone on with in the same file or in another one. */
static void check_killed(const struct case_ *c, struct ff_archive *fresh, struct ff_prop *prop)
{
    uint64_t records = ff_prop_below(prop, ff_archive_count(fresh) + 1);
    int fd = write_killed(c, c->len, records);

    snprintf(doing, sizeof(doing), "%s, killed after %" PRIu64 " records", c->format, records);
    if (fd < 0)
        return;
    int other = ff_prop_below(prop, 2) ? make_file() : -1;
    compare(fresh, go_on(c, c->len, fd, other >= 0 ? other : fd));
    compare(fresh, go_on(c, c->len, other >= 0 ? other : fd, -1));
    close(fd);
    if (other >= 0)
        close(other);
}

/* Indexed up to a byte, or killed there after a record, grown to another byte, and then to all. */
static void check_grown(const struct case_ *c, struct ff_archive *fresh, struct ff_prop *prop)
{
    size_t cut = (size_t)ff_prop_below(prop, c->len + 1);
    size_t then = cut + (size_t)ff_prop_below(prop, c->len - cut + 1);
    uint64_t records = ff_prop_below(prop, ff_archive_count(fresh) + 1);
    int fd = ff_prop_below(prop, 3) ? -1 : write_killed(c, cut, records);

    snprintf(doing, sizeof(doing), "%s, of %zu bytes, then %zu (%s)", c->format, cut, then,
             fd < 0 ? "whole" : "killed");
    bool killed = fd >= 0;
    if (fd < 0)
        fd = write_index(c, cut);
    int next = killed ? fd : make_file();
    struct ff_archive *shorter = scan_fresh(c, then);
    struct ff_archive *grown = go_on(c, then, fd, next);
    bool written = killed || then > cut;
    compare(shorter, grown);
    ff_archive_close(shorter);
    compare(fresh, go_on(c, c->len, written ? next : fd, -1));
    if (next != fd)
        close(next);
    close(fd);
}

int main(int argc, char **argv)
{
    char name[64];
    size_t len;

    CHECK(argc == 3);
    struct ff_prop prop = {.state = strtoull(argv[1], NULL, 0)};
    while (scanf("%63s %zu", name, &len) == 2) {
        CHECK(len <= SIZE_MAX_BYTES && getchar() == '\n');
        /* Of exact size, so that a sanitizer sees the smallest step outside. */
        uint8_t *bytes = malloc(len ? len : 1);
        CHECK(bytes && fread(bytes, 1, len, stdin) == len);
        const struct case_ c = {.format = name, .bytes = bytes, .len = len};
        struct ff_archive *fresh = scan_fresh(&c, len);
        for (int i = atoi(argv[2]); i > 0; i--) {
            times = ff_archive_has_times(fresh) && ff_prop_below(&prop, 4);
            check_killed(&c, fresh, &prop);
            times = ff_archive_has_times(fresh) && ff_prop_below(&prop, 4);
            check_grown(&c, fresh, &prop);
        }
        ff_archive_close(fresh);
        free(bytes);
    }
    return 0;
}
