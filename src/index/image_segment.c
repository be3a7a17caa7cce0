/* An image's segments, by its directory. */
#include <errno.h>
#include <string.h>

#include "base/load.h"
#include "index/image_chunk.h"

#define LEN_IN_CHUNK 16 /* see ff_image_chunk_write() */

void ff_image_entry_write(uint8_t entry[FF_IMAGE_ENTRY_BYTES], uint64_t position,
                          const uint8_t *chunk)
{
    ff_store_le(entry, position, 8);
    memcpy(entry + 8, chunk, FF_IMAGE_CHUNK_BYTES);
}

uint64_t ff_image_entry_end(const uint8_t entry[FF_IMAGE_ENTRY_BYTES])
{
    return ff_load_le(entry, 8) + FF_IMAGE_CHUNK_LEN(ff_load_le(entry + 8 + LEN_IN_CHUNK, 8));
}

/* Segment k's chunk, as far as entry and head agree on it. */
static int open_chunk(const struct ff_image *image, uint64_t k, struct ff_image_chunk *ret_chunk)
{
    const uint8_t *entry = image->directory + k * FF_IMAGE_ENTRY_BYTES;
    uint64_t position = ff_load_le(entry, 8);
    uint64_t records = image->header.records - k * FF_SEGMENT_RECORDS;

    if (records > FF_SEGMENT_RECORDS)
        records = FF_SEGMENT_RECORDS;
    if (position % FF_IMAGE_ALIGN || position > image->len ||
        !ff_image_chunk_read(image->buf + position, image->len - position, ret_chunk) ||
        memcmp(image->buf + position, entry + 8, FF_IMAGE_CHUNK_BYTES) != 0 ||
        ret_chunk->kind != FF_IMAGE_SEGMENT || ret_chunk->records != records)
        return -EUCLEAN;
    return 0;
}

static int open_segment(const struct ff_image_chunk *chunk, struct ff_segment *ret_segment)
{
    return ff_segment_open(chunk->body, (size_t)chunk->len, chunk->records, chunk->offset,
                           chunk->payload, ret_segment);
}

int ff_image_segment(const struct ff_image *image, uint64_t k, struct ff_segment *ret_segment)
{
    struct ff_image_chunk chunk;
    int r = open_chunk(image, k, &chunk);

    return r < 0 ? r : open_segment(&chunk, ret_segment);
}

int ff_image_segment_check(const struct ff_image *image, uint64_t k)
{
    struct ff_image_chunk chunk;
    struct ff_segment segment;
    uint64_t offset, payload;

    int r = open_chunk(image, k, &chunk);
    if (r < 0)
        return r;
    if (!ff_image_chunk_whole(&chunk))
        return -EUCLEAN;
    r = open_segment(&chunk, &segment);
    return r < 0 ? r : ff_segment_check(&segment, image->limit, &offset, &payload);
}

int ff_image_segment_copy(const struct ff_image *image, uint64_t k, uint8_t *buf, size_t *ret_len)
{
    struct ff_image_chunk chunk;
    int r = open_chunk(image, k, &chunk);

    if (r < 0)
        return r;
    *ret_len = ff_image_chunk_copy(&chunk, buf);
    return 0;
}
