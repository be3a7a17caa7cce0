/* An image's times of records, by their directory. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/load.h"
#include "index/image_chunk.h"
#include "index/times.h"

/* In an entry. Its checksum is of all that follows: segments are passed over by entries alone. */
#define POSITION_AT 8
#define HASH_AT     16 /* the chunk's checksum */
#define LEN_AT      24 /* of the chunk's body */
#define HEAD_AT     32 /* the first bytes of the body */

_Static_assert(HEAD_AT + FF_TIMES_HEAD_BYTES == FF_IMAGE_TIMES_ENTRY_BYTES, "it fits");

static uint64_t entry_hash(const uint8_t *entry)
{
    return ff_image_hash(entry + POSITION_AT, FF_IMAGE_TIMES_ENTRY_BYTES - POSITION_AT);
}

void ff_image_times_entry_write(uint8_t entry[FF_IMAGE_TIMES_ENTRY_BYTES], uint64_t position,
                                const uint8_t *chunk)
{
    struct ff_image_chunk read;
    bool whole = ff_image_chunk_read(chunk, UINT64_MAX, &read);

    assert(whole && read.len >= FF_TIMES_HEAD_BYTES);
    (void)whole;
    ff_store_le(entry + POSITION_AT, position, 8);
    ff_store_le(entry + HASH_AT, read.hash, 8);
    ff_store_le(entry + LEN_AT, read.len, 8);
    memcpy(entry + HEAD_AT, read.body, FF_TIMES_HEAD_BYTES);
    ff_store_le(entry, entry_hash(entry), 8);
}

uint64_t ff_image_times_entry_end(const uint8_t entry[FF_IMAGE_TIMES_ENTRY_BYTES])
{
    return ff_load_le(entry + POSITION_AT, 8) + FF_IMAGE_CHUNK_LEN(ff_load_le(entry + LEN_AT, 8));
}

static const uint8_t *entry_of(const struct ff_image *image, uint64_t k)
{
    const uint8_t *entry = image->times + k * FF_IMAGE_TIMES_ENTRY_BYTES;

    return ff_load_le(entry, 8) == entry_hash(entry) ? entry : NULL;
}

int ff_image_times_bounds(const struct ff_image *image, uint64_t k,
                          struct ff_times_bounds *ret_bounds)
{
    const uint8_t *entry = entry_of(image, k);

    return entry ? ff_times_bounds(entry + HEAD_AT, ret_bounds) : -EUCLEAN;
}

/* The chunk that belongs to segment k, as far as entry and head agree on it. */
static int open_chunk(const struct ff_image *image, uint64_t k, struct ff_image_chunk *ret_chunk)
{
    const uint8_t *entry = entry_of(image, k);
    uint64_t records = image->header.records - k * FF_SEGMENT_RECORDS;

    if (!entry)
        return -EUCLEAN;
    uint64_t position = ff_load_le(entry + POSITION_AT, 8);
    if (records > FF_SEGMENT_RECORDS)
        records = FF_SEGMENT_RECORDS;
    if (position % FF_IMAGE_ALIGN || position > image->len ||
        !ff_image_chunk_read(image->buf + position, image->len - position, ret_chunk) ||
        ret_chunk->kind != FF_IMAGE_TIMES || ret_chunk->records != records ||
        ret_chunk->hash != ff_load_le(entry + HASH_AT, 8) ||
        ret_chunk->len != ff_load_le(entry + LEN_AT, 8) || ret_chunk->len < FF_TIMES_HEAD_BYTES ||
        memcmp(ret_chunk->body, entry + HEAD_AT, FF_TIMES_HEAD_BYTES) != 0)
        return -EUCLEAN;
    return 0;
}

int ff_image_times(const struct ff_image *image, uint64_t k, struct ff_times *ret_times)
{
    struct ff_image_chunk chunk;
    int r = open_chunk(image, k, &chunk);

    return r < 0 ? r : ff_times_open(chunk.body, (size_t)chunk.len, chunk.records, ret_times);
}

int ff_image_times_check(const struct ff_image *image, uint64_t k)
{
    struct ff_image_chunk chunk;
    struct ff_times times;

    int r = open_chunk(image, k, &chunk);
    if (r < 0)
        return r;
    if (!ff_image_chunk_whole(&chunk))
        return -EUCLEAN;
    r = ff_times_open(chunk.body, (size_t)chunk.len, chunk.records, &times);
    return r < 0 ? r : ff_times_check(&times);
}

int ff_image_times_copy(const struct ff_image *image, uint64_t k, uint8_t *buf, size_t *ret_len)
{
    struct ff_image_chunk chunk;
    int r = open_chunk(image, k, &chunk);

    if (r < 0)
        return r;
    *ret_len = ff_image_chunk_copy(&chunk, buf);
    return 0;
}
