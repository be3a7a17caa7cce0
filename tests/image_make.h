/* Writes images of index files into memory: what tests, the fuzzer's corpus and the reader in
 * another language are made with. Ends the program when memory is short. */
#ifndef FF_TESTS_IMAGE_MAKE_H
#define FF_TESTS_IMAGE_MAKE_H

#include <stdlib.h>
#include <string.h>

#include "index/image.h"

struct image_maker {
    uint8_t *buf;
    size_t len, size;
    uint8_t *directory;
    uint64_t segments;
    struct ff_image_part segment_part;
    struct ff_image_header header;
};

static inline uint8_t *image_room(struct image_maker *maker, size_t more)
{
    if (maker->size - maker->len < more) {
        maker->size = 2 * maker->size + more;
        maker->buf = realloc(maker->buf, maker->size);
        if (!maker->buf)
            abort();
    }
    return maker->buf + maker->len;
}

static inline struct ff_image_part image_chunk(struct image_maker *maker, enum ff_image_kind kind,
                                               uint64_t offset, uint64_t payload, const char *body)
{
    struct ff_image_part part = {.kind = kind, .offset = maker->len};
    uint8_t *at = image_room(maker, FF_IMAGE_CHUNK_LEN(strlen(body)));

    memcpy(at + FF_IMAGE_CHUNK_BYTES, body, strlen(body));
    part.len = ff_image_chunk_write(at, kind, 0, offset, payload, strlen(body));
    maker->len += part.len;
    return part;
}

/* Header and binding. */
static inline struct image_maker image_begin(const char *binding)
{
    struct image_maker maker = {0};

    ff_image_header_write(image_room(&maker, FF_IMAGE_HEADER_BYTES), &maker.header);
    maker.len = FF_IMAGE_HEADER_BYTES;
    maker.header.part[maker.header.part_count++] =
        image_chunk(&maker, FF_IMAGE_BINDING, 0, 0, binding);
    maker.segment_part = (struct ff_image_part){.kind = FF_IMAGE_SEGMENT, .offset = maker.len};
    return maker;
}

/* The next segment, whose chunk is given. */
static inline void image_add(struct image_maker *maker, const uint8_t *chunk, size_t len)
{
    maker->directory =
        realloc(maker->directory, (size_t)(maker->segments + 1) * FF_IMAGE_ENTRY_BYTES);
    if (!maker->directory)
        abort();
    ff_image_entry_write(maker->directory + maker->segments++ * FF_IMAGE_ENTRY_BYTES, maker->len,
                         chunk);
    memcpy(image_room(maker, len), chunk, len);
    maker->len += len;
    maker->segment_part.len = maker->len - maker->segment_part.offset;
}

/* All of the index's segments that are final and not in the image yet. A result: 0, or what
 * ff_index_segment() said. */
static inline int image_add_index(struct image_maker *maker, const struct ff_index *index)
{
    uint8_t *chunk = malloc(FF_IMAGE_SEGMENT_BYTES_MAX);
    size_t len = 0;
    int r = chunk ? 0 : -1;

    while (r == 0 && maker->segments < ff_index_segments(index)) {
        r = ff_index_segment(index, maker->segments, chunk, &len);
        if (r == 0)
            image_add(maker, chunk, len);
    }
    free(chunk);
    return r;
}

/* State, directory and the final header. offset, payload: where the last frame ends, payload bytes
 * up to there. */
static inline void image_end(struct image_maker *maker, uint64_t records, uint64_t archive_bytes,
                             uint64_t offset, uint64_t payload, const char *state)
{
    struct ff_image_header *header = &maker->header;
    size_t bytes = (size_t)maker->segments * FF_IMAGE_ENTRY_BYTES;

    header->part[header->part_count++] = maker->segment_part;
    header->part[header->part_count++] = image_chunk(maker, FF_IMAGE_STATE, offset, payload, state);
    header->part[header->part_count++] =
        (struct ff_image_part){.kind = FF_IMAGE_DIRECTORY, .offset = maker->len, .len = bytes};
    if (bytes)
        memcpy(image_room(maker, bytes), maker->directory, bytes);
    maker->len += bytes;
    header->len = maker->len;
    header->records = records;
    header->segments = maker->segments;
    header->archive_bytes = archive_bytes;
    ff_image_header_write(maker->buf, header);
}

static inline void image_free(struct image_maker *maker)
{
    free(maker->buf);
    free(maker->directory);
}

#endif
