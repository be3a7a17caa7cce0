/* The checksums of what claims to be an index file made right, so that what they protect is
 * reached.
 */
#ifndef FF_TESTS_IMAGE_SEAL_H
#define FF_TESTS_IMAGE_SEAL_H

#include <string.h>

#include "base/load.h"
#include "index/image.h"

/* Positions of a segment's chunks come from the file. */
static inline void seal_chunk(uint8_t *buf, size_t size, uint64_t at)
{
    if (at > size || size - at < FF_IMAGE_CHUNK_BYTES)
        return;
    uint64_t len = ff_load_le(buf + at + 16, 8);
    if (len <= size - at - FF_IMAGE_CHUNK_BYTES)
        ff_store_le(buf + at, ff_image_hash(buf + at + 8, len + FF_IMAGE_CHUNK_BYTES - 8), 8);
}

/* Of times: an entry has a checksum of its own, and copies of its chunk's numbers. */
static inline void seal_times(uint8_t *buf, size_t size, const uint8_t *part)
{
    uint64_t at = ff_load_le(part + 8, 8), len = ff_load_le(part + 16, 8);

    for (;
         at <= size && size - at >= FF_IMAGE_TIMES_ENTRY_BYTES && len >= FF_IMAGE_TIMES_ENTRY_BYTES;
         at += FF_IMAGE_TIMES_ENTRY_BYTES, len -= FF_IMAGE_TIMES_ENTRY_BYTES) {
        uint8_t *entry = buf + at;
        uint64_t chunk = ff_load_le(entry + 8, 8);
        seal_chunk(buf, size, chunk);
        if (chunk <= size && size - chunk >= FF_IMAGE_CHUNK_BYTES + FF_TIMES_HEAD_BYTES) {
            memmove(entry + 16, buf + chunk, 8);
            memmove(entry + 24, buf + chunk + 16, 8);
            memmove(entry + 32, buf + chunk + FF_IMAGE_CHUNK_BYTES, FF_TIMES_HEAD_BYTES);
        }
        uint64_t hash = ff_image_hash(entry + 8, FF_IMAGE_TIMES_ENTRY_BYTES - 8);
        ff_store_le(entry, hash, 8);
    }
}

/* A part whose checksum is in the header. */
static inline void seal_part(const uint8_t *buf, size_t size, uint8_t *part)
{
    uint64_t at = ff_load_le(part + 8, 8), len = ff_load_le(part + 16, 8);

    if (at <= size && len <= size - at)
        ff_store_le(part + 24, ff_image_hash(buf + at, len), 8);
}

static inline void ff_image_seal(uint8_t *buf, size_t size)
{
    uint64_t directory = 0, entries = 0;

    if (size < FF_IMAGE_HEADER_BYTES)
        return;
    for (size_t i = 0; i < FF_IMAGE_PARTS; i++) {
        uint8_t *part = buf + 48 + 32 * i;
        if (ff_load_le(part, 4) == FF_IMAGE_VERIFIED) {
            seal_part(buf, size, part);
        } else if (ff_load_le(part, 4) == FF_IMAGE_DIRECTORY) {
            directory = ff_load_le(part + 8, 8);
            entries = ff_load_le(part + 16, 8) / FF_IMAGE_ENTRY_BYTES;
        } else if (ff_load_le(part, 4) == FF_IMAGE_TIMES) {
            seal_times(buf, size, part);
        } else {
            seal_chunk(buf, size, ff_load_le(part + 8, 8));
        }
    }
    for (uint64_t k = 0; k < entries && k < size; k++) {
        uint64_t entry = directory + k * FF_IMAGE_ENTRY_BYTES;
        if (entry > size || size - entry < FF_IMAGE_ENTRY_BYTES)
            break;
        uint64_t at = ff_load_le(buf + entry, 8);
        seal_chunk(buf, size, at);
        if (at <= size && size - at >= FF_IMAGE_CHUNK_BYTES)
            memmove(buf + entry + 8, buf + at, FF_IMAGE_CHUNK_BYTES);
    }
    /* A partial one has its chunks one after the other. */
    for (uint64_t at = FF_IMAGE_HEADER_BYTES;
         ff_load_le(buf + 16, 8) == 0 && at < size && size - at >= FF_IMAGE_CHUNK_BYTES;) {
        uint64_t len = ff_load_le(buf + at + 16, 8);
        seal_chunk(buf, size, at);
        at += len < size ? FF_IMAGE_CHUNK_LEN(len) : size;
    }
    ff_store_le(buf + FF_IMAGE_HEADER_BYTES - 8, ff_image_hash(buf, FF_IMAGE_HEADER_BYTES - 8), 8);
}

#endif
