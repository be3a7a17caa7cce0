#include "archive/reader.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* After a jump the bytes that follow may not be wanted: begin small, double while reading on. */
#define CHUNK_FIRST_BYTES ((size_t)4 << 10)
/* Half of the scan's window: by turns, one half is read while the other is still in the caches. */
#define READ_MAX_BYTES ((size_t)512 << 10)
/* More than so many times ff_reader.near are jumped over, whatever other frames are like. */
#define FAR_TIMES 2
#define MEAN_OF   8 /* frames, about */

/* A byte of the archive lies in memory at the place in a page that it has in the file. The kernel's
 * copy is up to three times slower where the target lies a few bytes further on (see
 * docs/PERFORMANCE.md). */
#define PAGE_BYTES ((size_t)4096)

static size_t page_up(size_t len)
{
    return (len + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

/* Where a window that begins at offset begins in memory. */
static uint8_t *place_of(const struct ff_reader *reader, uint64_t offset)
{
    return reader->buf + offset % PAGE_BYTES;
}

/* How many bytes fit behind those of the window: a page's end is the end of them. */
static size_t room(const struct ff_reader *reader)
{
    const struct ff_window *window = &reader->window;
    return reader->capacity + PAGE_BYTES - window->offset % PAGE_BYTES - window->len;
}

int ff_reader_init(struct ff_reader *reader, struct ff_source *source, uint64_t limit,
                   size_t capacity)
{
    capacity = page_up(capacity);
    *reader = (struct ff_reader){.source = source,
                                 .limit = limit,
                                 .capacity = capacity,
                                 .chunk = CHUNK_FIRST_BYTES,
                                 .chunk_first = CHUNK_FIRST_BYTES,
                                 .memory = malloc(capacity + 2 * PAGE_BYTES)};
    if (!reader->memory)
        return -ENOMEM;
    /* Not aligned_alloc(): glibc would map and unmap it anew for each of many archives. */
    reader->buf = reader->memory + (-(uintptr_t)reader->memory & (PAGE_BYTES - 1));
    reader->window.bytes = place_of(reader, 0);
    return 0;
}

void ff_reader_done(struct ff_reader *reader)
{
    free(reader->memory);
    reader->memory = reader->buf = NULL;
    reader->window = (struct ff_window){0};
}

/* Moves the window's beginning up to offset, or its end. */
static void drop_before(struct ff_reader *reader, uint64_t offset)
{
    struct ff_window *window = &reader->window;
    uint64_t end = window->offset + window->len;
    if (offset > end)
        offset = end;
    if (offset <= window->offset)
        return;
    uint8_t *place = place_of(reader, offset);
    size_t drop = (size_t)(offset - window->offset);
    window->len -= drop;
    memmove(place, window->bytes + drop, window->len);
    window->bytes = place;
    window->offset = offset;
}

/* A read at `end` gave nothing: the archive ends there or, where the read was a jump, before. */
static int find_limit(struct ff_reader *reader, uint64_t end)
{
    struct ff_source_stat stat;
    int r = reader->source->ops->stat(reader->source, &stat);
    if (r < 0)
        return r;
    reader->limit = stat.size < end ? stat.size : end;
    return 0;
}

/* Whether to jump over the next `gap` bytes, of a frame of len bytes that begins in the window. One
 * that is read through among others that are jumped over is waited for like a jump, and the kernel
 * begins anew to read ahead, or goes on to do so for nothing: to change is dearer than either way.
 */
static bool jumps_over(struct ff_reader *reader, uint64_t gap, uint64_t len)
{
    uint64_t near = reader->near, far = FAR_TIMES * near;

    if (len > far)
        len = far;
    if (reader->mean == 0) {
        reader->mean = len;
        reader->jumps = len > near;
    }
    reader->mean += len / MEAN_OF - reader->mean / MEAN_OF;
    if (reader->mean > near + near / 8)
        reader->jumps = true;
    else if (reader->mean < near - near / 8)
        reader->jumps = false;
    return gap > far || (reader->jumps && gap > near / 8);
}

/* Whether to begin anew at offset, which is behind the window's end. */
static bool leaves_window(struct ff_reader *reader, uint64_t keep, uint64_t offset)
{
    uint64_t end = reader->window.offset + reader->window.len;
    /* The window ends in the middle of the frame that is asked for, or of the one before. */
    bool inside = keep < end;
    uint64_t begin = inside ? keep : reader->frames[0], next = inside ? offset : keep;

    return reader->near == 0 || jumps_over(reader, offset - end, next > begin ? next - begin : 0);
}

int ff_reader_fill(struct ff_reader *reader, uint64_t keep, uint64_t offset, size_t len)
{
    struct ff_window *window = &reader->window;
    uint64_t end = window->offset + window->len;

    if (offset < window->offset || (offset > end && leaves_window(reader, keep, offset))) {
        window->bytes = place_of(reader, offset);
        window->offset = offset;
        window->len = 0;
        end = offset;
        reader->chunk = reader->chunk_first;
    }
    assert(offset + len > end);
    size_t missing = (size_t)(offset + len - end);
    size_t want = missing > reader->chunk ? missing : reader->chunk;
    /* Reads end where pages do. */
    if (want >= PAGE_BYTES)
        want += PAGE_BYTES - 1 - (end + want + PAGE_BYTES - 1) % PAGE_BYTES;
    if (want > room(reader)) {
        /* Room: what is behind the frame goes; if that is not enough, all before offset. */
        if (keep < offset)
            drop_before(reader, keep < window->offset ? window->offset : keep);
        if (missing > room(reader) || keep >= offset)
            drop_before(reader, offset);
        if (want > room(reader))
            want = room(reader);
    }
    if (reader->limit != FF_SIZE_UNKNOWN) {
        uint64_t left = reader->limit > end ? reader->limit - end : 0;
        if (want > left)
            want = (size_t)left;
    }
    ssize_t got = 0;
    if (want) {
        got = reader->source->ops->pread(reader->source,
                                         place_of(reader, window->offset) + window->len, want, end);
        reader->reads++;
    }
    if (got < 0)
        return (int)got;
    if (got == 0 && (reader->limit == FF_SIZE_UNKNOWN || reader->limit > end)) {
        int r = find_limit(reader, end);
        if (r < 0)
            return r;
    }
    window->len += (size_t)got;
    if (reader->chunk < READ_MAX_BYTES)
        reader->chunk *= 2;
    return 0;
}

int ff_reader_decode(struct ff_reader *reader, struct ff_decoder *decoder, enum ff_section section,
                     uint64_t offset, bool *ret_failed)
{
    *ret_failed = false;
    reader->frames[0] = reader->frames[1];
    reader->frames[1] = offset;
    ff_decode_begin(decoder, section, offset);
    for (;;) {
        decoder->limit = reader->limit;
        int r = ff_decode(decoder, &reader->window);
        if (r != FF_DECODE_NEED)
            return r;
        r = ff_reader_fill(reader, offset, decoder->need_offset, decoder->need_len);
        if (r < 0) {
            *ret_failed = true;
            return r;
        }
    }
}
