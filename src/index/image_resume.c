/* A partial image, gone through from its beginning. */
#include <errno.h>

#include "index/image_chunk.h"

struct walk {
    struct ff_image image;
    uint64_t at; /* of the next chunk */
    /* Of the segments so far. */
    uint64_t segments, records;
    uint64_t offset, payload;
    uint64_t times; /* so many of them have times */
    enum ff_image_kind last;
};

/* The next chunk, if it is whole and continues those before. */
static bool next_chunk(const struct walk *walk, struct ff_image_chunk *ret_chunk)
{
    return ff_image_chunk_read(walk->image.buf + walk->at, walk->image.len - walk->at, ret_chunk) &&
           ret_chunk->offset == walk->offset && ret_chunk->payload == walk->payload &&
           ff_image_chunk_whole(ret_chunk);
}

/* Adds the chunk's segment to those so far. */
static bool add_segment(struct walk *walk, const struct ff_image_chunk *chunk)
{
    struct ff_segment segment;

    /* Behind a short one none follows. */
    if (walk->records % FF_SEGMENT_RECORDS ||
        chunk->records > FF_INDEX_RECORDS_MAX - walk->records ||
        ff_segment_open(chunk->body, (size_t)chunk->len, chunk->records, chunk->offset,
                        chunk->payload, &segment) < 0 ||
        ff_segment_check(&segment, walk->image.limit, &walk->offset, &walk->payload) < 0)
        return false;
    walk->records += chunk->records;
    walk->segments++;
    return true;
}

/* Whether the chunk has the times of the segment just before it. */
static bool add_times(struct walk *walk, const struct ff_image_chunk *chunk)
{
    struct ff_times times;

    if (walk->last != FF_IMAGE_SEGMENT ||
        chunk->records != walk->records - (walk->segments - 1) * FF_SEGMENT_RECORDS ||
        chunk->len < FF_TIMES_HEAD_BYTES ||
        ff_times_open(chunk->body, (size_t)chunk->len, chunk->records, &times) < 0 ||
        ff_times_check(&times) < 0)
        return false;
    walk->times++;
    return true;
}

/* What was found up to the end of this state is what counts. */
static void take_state(struct walk *walk, const struct ff_image_chunk *chunk, uint64_t *end)
{
    walk->image.state = chunk->body;
    walk->image.state_len = chunk->len;
    walk->image.header.records = walk->records;
    walk->image.header.segments = walk->segments;
    walk->image.has_times = walk->times > 0 && walk->times == walk->segments;
    *end = walk->at + FF_IMAGE_CHUNK_LEN(chunk->len);
}

/* Through all chunks that are good. */
static int walk_chunks(struct walk *walk, ff_image_found *found, void *context, uint64_t *end)
{
    uint8_t entry[FF_IMAGE_ENTRY_BYTES], times[FF_IMAGE_TIMES_ENTRY_BYTES];
    struct ff_image_chunk chunk;

    while (walk->at < walk->image.len && next_chunk(walk, &chunk)) {
        /* The zeros behind it, too, are part of what is kept. */
        if (FF_IMAGE_CHUNK_LEN(chunk.len) > walk->image.len - walk->at)
            break;
        bool is_first = walk->at == FF_IMAGE_HEADER_BYTES;
        if (is_first != (chunk.kind == FF_IMAGE_BINDING))
            break;
        if (chunk.kind == FF_IMAGE_BINDING) {
            walk->image.binding = chunk.body;
            walk->image.binding_len = chunk.len;
        } else if (chunk.kind == FF_IMAGE_STATE) {
            take_state(walk, &chunk, end);
        } else if (chunk.kind == FF_IMAGE_SEGMENT && add_segment(walk, &chunk)) {
            ff_image_entry_write(entry, walk->at, walk->image.buf + walk->at);
            int r = found(context, FF_IMAGE_SEGMENT, entry);
            if (r < 0)
                return r;
        } else if (chunk.kind == FF_IMAGE_TIMES && add_times(walk, &chunk)) {
            ff_image_times_entry_write(times, walk->at, walk->image.buf + walk->at);
            int r = found(context, FF_IMAGE_TIMES, times);
            if (r < 0)
                return r;
        } else {
            break;
        }
        walk->last = (enum ff_image_kind)chunk.kind;
        walk->at += FF_IMAGE_CHUNK_LEN(chunk.len);
    }
    return 0;
}

int ff_image_resume(const uint8_t *buf, uint64_t len, ff_image_found *found, void *context,
                    struct ff_image *ret_image, struct ff_error *error)
{
    struct walk walk = {.image = {.buf = buf, .len = len, .limit = INT64_MAX},
                        .at = FF_IMAGE_HEADER_BYTES};
    uint64_t end = 0;

    int r = ff_image_header_read(buf, len, &walk.image.header, error);
    if (r < 0)
        return r;
    if (walk.image.header.len != 0)
        return ff_error_set(error, -EALREADY, "index file that was finished");
    r = walk_chunks(&walk, found, context, &end);
    if (r < 0)
        return ff_error_set(error, r, "segment %llu of the index file: not taken",
                            (unsigned long long)walk.segments - 1);
    if (end == 0)
        return ff_error_set(error, -ENODATA, "index file that was hardly begun");
    walk.image.len = end;
    *ret_image = walk.image;
    return 0;
}
