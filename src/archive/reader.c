#include "archive/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* After a jump the bytes that follow may not be wanted: begin small, double while reading on. */
#define CHUNK_FIRST_BYTES ((size_t)16 << 10)

int ff_reader_init(struct ff_reader *reader, struct ff_source *source, uint64_t limit,
                   size_t capacity)
{
    *reader = (struct ff_reader){.source = source,
                                 .limit = limit,
                                 .capacity = capacity,
                                 .chunk = CHUNK_FIRST_BYTES,
                                 .chunk_first = CHUNK_FIRST_BYTES,
                                 .buf = malloc(capacity)};
    if (!reader->buf)
        return -ENOMEM;
    reader->window.bytes = reader->buf;
    return 0;
}

void ff_reader_done(struct ff_reader *reader)
{
    free(reader->buf);
    reader->buf = NULL;
}

/* Moves the window's beginning up to offset. */
static void drop_before(struct ff_reader *reader, uint64_t offset)
{
    struct ff_window *window = &reader->window;
    if (offset <= window->offset)
        return;
    size_t drop = (size_t)(offset - window->offset);
    window->len -= drop;
    memmove(reader->buf, reader->buf + drop, window->len);
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

int ff_reader_fill(struct ff_reader *reader, uint64_t keep, uint64_t offset, size_t len)
{
    struct ff_window *window = &reader->window;
    uint64_t end = window->offset + window->len;

    if (offset < window->offset || offset > end) {
        window->offset = offset;
        window->len = 0;
        end = offset;
        reader->chunk = reader->chunk_first;
    }
    size_t missing = (size_t)(offset + len - end);
    size_t want = missing > reader->chunk ? missing : reader->chunk;
    if (want > reader->capacity - window->len) {
        /* Room: what is behind the frame goes; if that is not enough, all before offset. */
        if (keep < offset)
            drop_before(reader, keep < window->offset ? window->offset : keep);
        if (missing > reader->capacity - window->len || keep >= offset)
            drop_before(reader, offset);
        if (want > reader->capacity - window->len)
            want = reader->capacity - window->len;
    }
    if (reader->limit != FF_SIZE_UNKNOWN) {
        uint64_t left = reader->limit > end ? reader->limit - end : 0;
        if (want > left)
            want = (size_t)left;
    }
    ssize_t got = 0;
    if (want) {
        got = reader->source->ops->pread(reader->source, reader->buf + window->len, want, end);
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
    if (reader->chunk < reader->capacity)
        reader->chunk *= 2;
    return 0;
}

int ff_reader_decode(struct ff_reader *reader, struct ff_decoder *decoder, enum ff_section section,
                     uint64_t offset, bool *ret_failed)
{
    *ret_failed = false;
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
