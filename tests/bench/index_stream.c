/*
 * The index as the library has it, without archives and mounts, of records as generated.h has them.
 *
 * index_stream make FILE RECORDS MIN MAX HEAD TAIL: streams the records' ends through an index into
 * an index file, a segment written and given back as soon as it is full. Prints the nanoseconds
 * until all is written, and of the synchronisation after that.
 *
 * index_stream look FILE RECORDS MIN MAX HEAD TAIL LOOKUPS: maps the index file and looks up random
 * records, then compares all of them with what was generated, then looks up again. Prints
 * nanoseconds: median and 99th percentile of the second look-ups, median of the first look-up in a
 * segment, the clock's own time, which is in each of them; and the processor's time for a record in
 * the pass over all, the generating included.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "generated.h"
#include "index/cursor.h"
#include "index/image.h"
#include "index/index.h"

#define RUN_RECORDS 256 /* as many as the scan takes at once */
#define LOOKUPS_MAX 10000000
#define SEED        UINT64_C(1)
#define BODY        "of no archive"

struct stream {
    uint64_t records;
    uint64_t min, max;   /* bytes of a payload */
    uint64_t head, tail; /* bytes of a frame before and after it */
};

struct writer {
    int fd;
    uint64_t at;
    uint64_t segments;
    uint8_t *entries; /* the directory, FF_IMAGE_ENTRY_BYTES each */
    uint8_t *chunk;   /* FF_IMAGE_SEGMENT_BYTES_MAX */
};

static uint64_t time_ns(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int fail(const char *what, int code)
{
    fprintf(stderr, "index_stream: %s: %s\n", what, strerror(-code));
    return code;
}

static int put(struct writer *writer, const uint8_t *buf, uint64_t len)
{
    while (len > 0) {
        ssize_t done = pwrite(writer->fd, buf, len, (off_t)writer->at);
        if (done < 0)
            return -errno;
        buf += done;
        len -= (uint64_t)done;
        writer->at += (uint64_t)done;
    }
    return 0;
}

static int put_chunk(struct writer *writer, enum ff_image_kind kind, uint64_t offset,
                     uint64_t payload, struct ff_image_header *header)
{
    uint8_t buf[FF_IMAGE_CHUNK_LEN(sizeof(BODY))];

    memcpy(buf + FF_IMAGE_CHUNK_BYTES, BODY, sizeof(BODY));
    uint64_t len = ff_image_chunk_write(buf, kind, 0, offset, payload, sizeof(BODY));
    header->part[header->part_count++] =
        (struct ff_image_part){.kind = kind, .offset = writer->at, .len = len};
    return put(writer, buf, len);
}

/* All segments that are final and not in the file. */
static int put_segments(struct writer *writer, struct ff_index *index)
{
    uint64_t segments = ff_index_segments(index);
    int r = 0;

    if (segments == writer->segments)
        return 0;
    for (size_t len = 0; r == 0 && writer->segments < segments; writer->segments++) {
        r = ff_index_segment(index, writer->segments, writer->chunk, &len);
        if (r < 0)
            return r;
        ff_image_entry_write(writer->entries + writer->segments * FF_IMAGE_ENTRY_BYTES, writer->at,
                             writer->chunk);
        r = put(writer, writer->chunk, len);
    }
    return r < 0 ? r : ff_index_discard(index, segments);
}

/* Takes the whole stream into the index, and from there into the file. Returns where the last frame
 * ends. */
static int put_stream(struct writer *writer, struct ff_index *index, const struct stream *stream,
                      uint64_t *ret_end)
{
    uint64_t ends[RUN_RECORDS], begin = 0;
    int r = 0;

    for (uint64_t number = 0; r == 0 && number < stream->records;) {
        uint64_t end = begin;
        size_t count = 0;
        for (; count < RUN_RECORDS && number < stream->records; count++, number++) {
            end += stream->head + generated_size(number, stream->min, stream->max) + stream->tail;
            ends[count] = end;
        }
        r = ff_index_append_run(index, begin, stream->head, stream->tail, ends, count);
        if (r == 0)
            r = put_segments(writer, index);
        begin = end;
    }
    if (r == 0)
        r = ff_index_seal(index);
    *ret_end = begin;
    return r < 0 ? r : put_segments(writer, index);
}

static int put_image(struct writer *writer, struct ff_index *index, const struct stream *stream)
{
    struct ff_image_header header = {.records = stream->records};
    uint8_t head[FF_IMAGE_HEADER_BYTES];
    uint64_t end = 0;

    ff_image_header_write(head, &header);
    int r = put(writer, head, sizeof(head));
    if (r == 0)
        r = put_chunk(writer, FF_IMAGE_BINDING, 0, 0, &header);
    uint64_t first = writer->at;
    if (r == 0)
        r = put_stream(writer, index, stream, &end);
    if (r < 0)
        return r;
    header.archive_bytes = end;
    header.segments = writer->segments;
    header.part[header.part_count++] = (struct ff_image_part){
        .kind = FF_IMAGE_SEGMENT, .offset = first, .len = writer->at - first};
    r = put_chunk(writer, FF_IMAGE_STATE, end,
                  end - stream->records * (stream->head + stream->tail), &header);
    uint64_t len = writer->segments * FF_IMAGE_ENTRY_BYTES;
    header.part[header.part_count++] =
        (struct ff_image_part){.kind = FF_IMAGE_DIRECTORY, .offset = writer->at, .len = len};
    if (r == 0)
        r = put(writer, writer->entries, len);
    header.len = writer->at;
    ff_image_header_write(head, &header);
    writer->at = 0;
    return r < 0 ? r : put(writer, head, sizeof(head));
}

static int make(const char *path, const struct stream *stream)
{
    FF_CLEANUP(free) uint8_t *chunk = malloc(FF_IMAGE_SEGMENT_BYTES_MAX);
    FF_CLEANUP(free)
    uint8_t *entries = malloc((stream->records / FF_SEGMENT_RECORDS + 1) * FF_IMAGE_ENTRY_BYTES);
    struct writer writer = {.chunk = chunk, .entries = entries};
    struct ff_index *index = NULL;
    uint64_t begin = time_ns(CLOCK_MONOTONIC), written = 0;

    int r = chunk && entries ? ff_index_new(&index) : -ENOMEM;
    writer.fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (r == 0)
        r = writer.fd < 0 ? -errno : put_image(&writer, index, stream);
    written = time_ns(CLOCK_MONOTONIC);
    if (r == 0 && fdatasync(writer.fd) < 0)
        r = -errno;
    if (r == 0)
        printf("%" PRIu64 " %" PRIu64 "\n", written - begin, time_ns(CLOCK_MONOTONIC) - written);
    ff_index_free(index);
    if (writer.fd >= 0)
        close(writer.fd);
    return r < 0 ? fail(path, r) : 0;
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static uint64_t percentile(uint64_t *values, size_t count, unsigned int percent)
{
    qsort(values, count, sizeof(values[0]), compare_numbers);
    return values[(count - 1) * percent / 100];
}

/* Nanoseconds of each of `count` look-ups: number i is of any of `span` records from step * i on.
 */
static int look_up(const struct ff_index *index, size_t count, uint64_t step, uint64_t span,
                   uint64_t *times)
{
    struct ff_index_entry entry;

    for (size_t i = 0; i < count; i++) {
        uint64_t number = step * i + generated_mix(SEED + i) % span;
        uint64_t begin = time_ns(CLOCK_MONOTONIC);
        int r = ff_index_get(index, number, &entry);
        times[i] = time_ns(CLOCK_MONOTONIC) - begin;
        if (r < 0)
            return fail("look-up", r);
    }
    return 0;
}

/* Whether each record is the one that was generated. */
static int compare(const struct ff_index *index, const struct stream *stream)
{
    struct ff_index_entry entry;
    struct ff_index_cursor cursor;
    uint64_t offset = 0;

    ff_index_cursor_init(&cursor, index, 0);
    for (uint64_t number = 0; number < stream->records; number++) {
        uint64_t size = generated_size(number, stream->min, stream->max);
        int r = ff_index_cursor_next(&cursor, &entry);
        if (r < 0)
            return fail("pass over all", r);
        if (entry.offset != offset || entry.head != stream->head || entry.payload != size ||
            entry.tail != stream->tail || entry.join != 0) {
            fprintf(stderr, "index_stream: record %" PRIu64 " is not as generated\n", number);
            return -EUCLEAN;
        }
        offset += stream->head + size + stream->tail;
    }
    return 0;
}

static int look_into(const struct ff_index *index, const struct stream *stream, uint64_t *times,
                     size_t count)
{
    uint64_t segments = stream->records / FF_SEGMENT_RECORDS, clock_ns;

    if (ff_index_count(index) != stream->records || segments == 0) {
        fprintf(stderr, "index_stream: %" PRIu64 " records\n", ff_index_count(index));
        return -EINVAL;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t begin = time_ns(CLOCK_MONOTONIC);
        times[i] = time_ns(CLOCK_MONOTONIC) - begin;
    }
    clock_ns = percentile(times, count, 50);

    size_t firsts = segments < count ? (size_t)segments : count;
    int r = look_up(index, firsts, FF_SEGMENT_RECORDS, FF_SEGMENT_RECORDS, times);
    uint64_t first_ns = percentile(times, firsts, 50);
    uint64_t begin = time_ns(CLOCK_PROCESS_CPUTIME_ID);
    if (r == 0)
        r = compare(index, stream);
    uint64_t pass_ns = time_ns(CLOCK_PROCESS_CPUTIME_ID) - begin;
    if (r == 0)
        r = look_up(index, count, 0, stream->records, times);
    if (r == 0)
        printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %.2f\n",
               percentile(times, count, 50), percentile(times, count, 99), first_ns, clock_ns,
               (double)pass_ns / (double)stream->records);
    return r;
}

static int look(const char *path, const struct stream *stream, size_t count)
{
    FF_CLEANUP(free) uint64_t *times = calloc(count, sizeof(times[0]));
    FF_CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct ff_index *index = NULL;
    struct ff_error error = {0};
    struct ff_image image;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0 || !times)
        return fail(path, times ? -errno : -ENOMEM);
    void *bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED)
        return fail(path, -errno);
    int r = ff_image_open(bytes, (uint64_t)st.st_size, &image, &error);
    if (r == 0)
        r = ff_index_new_on(&image, image.header.records, &index);
    r = r < 0 ? fail(path, r) : look_into(index, stream, times, count);
    ff_index_free(index);
    munmap(bytes, (size_t)st.st_size);
    return r;
}

int main(int argc, char **argv)
{
    uint64_t values[6] = {0}; /* records, min, max, head, tail, look-ups */

    for (int i = 0; i < 6 && 3 + i < argc; i++)
        values[i] = strtoull(argv[3 + i], NULL, 10);
    struct stream stream = {values[0], values[1], values[2], values[3], values[4]};
    int r = -EINVAL;
    if (argc == 8 && strcmp(argv[1], "make") == 0)
        r = make(argv[2], &stream);
    else if (argc == 9 && strcmp(argv[1], "look") == 0 && values[5] > 0 && values[5] <= LOOKUPS_MAX)
        r = look(argv[2], &stream, (size_t)values[5]);
    else
        fprintf(stderr, "usage: index_stream make FILE RECORDS MIN MAX HEAD TAIL\n"
                        "       index_stream look FILE RECORDS MIN MAX HEAD TAIL LOOKUPS\n");
    return r < 0;
}
