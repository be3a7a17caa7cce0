/* A chunk of an image, as the files that read one share it. */
#ifndef FF_INDEX_IMAGE_CHUNK_H
#define FF_INDEX_IMAGE_CHUNK_H

#include <stdbool.h>

#include "index/image.h"

struct ff_image_chunk {
    uint64_t hash; /* XXH3-64 of all that follows, up to the body's end */
    uint32_t kind;
    uint32_t records;
    uint64_t len; /* of the body */
    uint64_t offset;
    uint64_t payload;
    const uint8_t *body;
};

/* The chunk at buf; false when it does not fit into len bytes, or is longer than one can be. */
bool ff_image_chunk_read(const uint8_t *buf, uint64_t len, struct ff_image_chunk *ret_chunk);

/* Whether its checksum is right; reads all of it. */
bool ff_image_chunk_whole(const struct ff_image_chunk *chunk);

/* Head and body to buf, with zeros up to FF_IMAGE_ALIGN behind them: how many bytes. */
size_t ff_image_chunk_copy(const struct ff_image_chunk *chunk, uint8_t *buf);

#endif
