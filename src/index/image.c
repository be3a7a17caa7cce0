/* An image's header, chunks and parts, read and written. */
#include "index/image.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <xxhash.h>

#include "base/load.h"
#include "index/image_chunk.h"

#define VERSION_AT     8
#define HEADER_LEN_AT  12
#define LEN_AT         16
#define RECORDS_AT     24
#define SEGMENTS_AT    32
#define ARCHIVE_AT     40
#define PARTS_AT       48
#define PART_BYTES     32
#define ZEROS_AT       (PARTS_AT + FF_IMAGE_PARTS * PART_BYTES)
#define HEADER_HASH_AT (FF_IMAGE_HEADER_BYTES - 8)

/* No text, and no text's line ends survive a change of them; as in PNG's. */
static const uint8_t magic[FF_IMAGE_MAGIC_BYTES] = {0xff, 'f', 'f', 'i', '\r', '\n', 0x1a, '\n'};

bool ff_image_has_magic(const uint8_t *buf, uint64_t len)
{
    return len >= sizeof(magic) && memcmp(buf, magic, sizeof(magic)) == 0;
}

uint64_t ff_image_hash(const uint8_t *buf, uint64_t len)
{
    return XXH3_64bits(buf, (size_t)len);
}

void ff_image_header_write(uint8_t buf[FF_IMAGE_HEADER_BYTES], const struct ff_image_header *header)
{
    memset(buf, 0, FF_IMAGE_HEADER_BYTES);
    memcpy(buf, magic, sizeof(magic));
    ff_store_le(buf + VERSION_AT, FF_IMAGE_VERSION, 4);
    ff_store_le(buf + HEADER_LEN_AT, FF_IMAGE_HEADER_BYTES, 4);
    ff_store_le(buf + LEN_AT, header->len, 8);
    ff_store_le(buf + RECORDS_AT, header->records, 8);
    ff_store_le(buf + SEGMENTS_AT, header->segments, 8);
    ff_store_le(buf + ARCHIVE_AT, header->archive_bytes, 8);
    for (unsigned int i = 0; i < header->part_count; i++) {
        uint8_t *at = buf + PARTS_AT + i * PART_BYTES;
        ff_store_le(at, header->part[i].kind, 4);
        ff_store_le(at + 4, header->part[i].flags, 4);
        ff_store_le(at + 8, header->part[i].offset, 8);
        ff_store_le(at + 16, header->part[i].len, 8);
        ff_store_le(at + 24, header->part[i].hash, 8);
    }
    ff_store_le(buf + HEADER_HASH_AT, ff_image_hash(buf, HEADER_HASH_AT), 8);
}

/* Entries up to the first of kind 0; behind it all is zero. False: it is not. */
static bool read_parts(const uint8_t *buf, struct ff_image_header *header)
{
    const uint8_t *at = buf + PARTS_AT;

    for (; header->part_count < FF_IMAGE_PARTS; header->part_count++, at += PART_BYTES) {
        if (ff_load_le(at, 4) == FF_IMAGE_NONE)
            break;
        header->part[header->part_count] = (struct ff_image_part){
            .kind = (uint32_t)ff_load_le(at, 4),
            .flags = (uint32_t)ff_load_le(at + 4, 4),
            .offset = ff_load_le(at + 8, 8),
            .len = ff_load_le(at + 16, 8),
            .hash = ff_load_le(at + 24, 8),
        };
    }
    for (; at < buf + HEADER_HASH_AT; at++)
        if (*at)
            return false;
    return true;
}

int ff_image_header_read(const uint8_t *buf, uint64_t len, struct ff_image_header *ret_header,
                         struct ff_error *error)
{
    struct ff_image_header header = {0};

    if (len < FF_IMAGE_HEADER_BYTES || !ff_image_has_magic(buf, len))
        return ff_error_set(error, -EUCLEAN, "not an index file");
    uint64_t version = ff_load_le(buf + VERSION_AT, 4);
    if (version != FF_IMAGE_VERSION)
        return ff_error_set(error, -ENOTSUP, "index file of version %llu, this program knows %d",
                            (unsigned long long)version, FF_IMAGE_VERSION);
    header.len = ff_load_le(buf + LEN_AT, 8);
    header.records = ff_load_le(buf + RECORDS_AT, 8);
    header.segments = ff_load_le(buf + SEGMENTS_AT, 8);
    header.archive_bytes = ff_load_le(buf + ARCHIVE_AT, 8);
    if (ff_load_le(buf + HEADER_HASH_AT, 8) != ff_image_hash(buf, HEADER_HASH_AT))
        return ff_error_set(error, -EUCLEAN, "header damaged: its checksum differs");
    if (ff_load_le(buf + HEADER_LEN_AT, 4) != FF_IMAGE_HEADER_BYTES || !read_parts(buf, &header) ||
        header.records > FF_INDEX_RECORDS_MAX || header.archive_bytes > INT64_MAX ||
        header.segments != (header.records + FF_SEGMENT_RECORDS - 1) / FF_SEGMENT_RECORDS)
        return ff_error_set(error, -EUCLEAN, "header malformed");
    *ret_header = header;
    return 0;
}

static const struct ff_image_part *find_part(const struct ff_image_header *header, uint32_t kind)
{
    for (unsigned int i = 0; i < header->part_count; i++)
        if (header->part[i].kind == kind)
            return &header->part[i];
    return NULL;
}

/* Each part lies in the image, none comes twice, all that must be there are. */
static int check_parts(const struct ff_image_header *header, struct ff_error *error)
{
    for (unsigned int i = 0; i < header->part_count; i++) {
        const struct ff_image_part *part = &header->part[i];
        if (part->kind > FF_IMAGE_VERIFIED && !(part->flags & FF_IMAGE_OPTIONAL))
            return ff_error_set(error, -ENOTSUP,
                                "part of kind %u, which this program does not know", part->kind);
        if (part->offset < FF_IMAGE_HEADER_BYTES || part->offset % FF_IMAGE_ALIGN ||
            part->offset > header->len || part->len > header->len - part->offset ||
            find_part(header, part->kind) != part)
            return ff_error_set(error, -EUCLEAN, "part of kind %u malformed", part->kind);
    }
    const struct ff_image_part *directory = find_part(header, FF_IMAGE_DIRECTORY);
    if (!directory || directory->len != header->segments * FF_IMAGE_ENTRY_BYTES ||
        !find_part(header, FF_IMAGE_SEGMENT))
        return ff_error_set(error, -EUCLEAN, "no directory of all segments");
    const struct ff_image_part *times = find_part(header, FF_IMAGE_TIMES);
    if (times && times->len != header->segments * FF_IMAGE_TIMES_ENTRY_BYTES)
        return ff_error_set(error, -EUCLEAN, "no directory of all times");
    return 0;
}

bool ff_image_chunk_read(const uint8_t *buf, uint64_t len, struct ff_image_chunk *ret_chunk)
{
    if (len < FF_IMAGE_CHUNK_BYTES)
        return false;
    struct ff_image_chunk chunk = {
        .hash = ff_load_le(buf, 8),
        .kind = (uint32_t)ff_load_le(buf + 8, 4),
        .records = (uint32_t)ff_load_le(buf + 12, 4),
        .len = ff_load_le(buf + 16, 8),
        .offset = ff_load_le(buf + 24, 8),
        .payload = ff_load_le(buf + 32, 8),
        .body = buf + FF_IMAGE_CHUNK_BYTES,
    };
    /* A hole of terabytes in a file costs nothing: nobody is to wait for its checksum. */
    uint64_t most = chunk.kind == FF_IMAGE_SEGMENT ? FF_SEGMENT_BYTES_MAX
                    : chunk.kind == FF_IMAGE_TIMES ? FF_TIMES_BYTES_MAX
                                                   : FF_IMAGE_BODY_BYTES_MAX;
    if (chunk.len > len - FF_IMAGE_CHUNK_BYTES || chunk.len > most)
        return false;
    *ret_chunk = chunk;
    return true;
}

bool ff_image_chunk_whole(const struct ff_image_chunk *chunk)
{
    const uint8_t *hashed = chunk->body - FF_IMAGE_CHUNK_BYTES + 8;

    return ff_image_hash(hashed, chunk->len + FF_IMAGE_CHUNK_BYTES - 8) == chunk->hash;
}

size_t ff_image_chunk_copy(const struct ff_image_chunk *chunk, uint8_t *buf)
{
    size_t len = (size_t)chunk->len + FF_IMAGE_CHUNK_BYTES;
    size_t padded = FF_IMAGE_CHUNK_LEN((size_t)chunk->len);

    memcpy(buf, chunk->body - FF_IMAGE_CHUNK_BYTES, len);
    memset(buf + len, 0, padded - len);
    return padded;
}

uint64_t ff_image_chunk_write(uint8_t *buf, enum ff_image_kind kind, uint32_t records,
                              uint64_t offset, uint64_t payload, uint64_t len)
{
    uint64_t end = len + FF_IMAGE_CHUNK_BYTES;
    uint64_t padded = FF_IMAGE_CHUNK_LEN(len);

    ff_store_le(buf + 8, kind, 4);
    ff_store_le(buf + 12, records, 4);
    ff_store_le(buf + 16, len, 8);
    ff_store_le(buf + 24, offset, 8);
    ff_store_le(buf + 32, payload, 8);
    ff_store_le(buf, ff_image_hash(buf + 8, end - 8), 8);
    memset(buf + end, 0, (size_t)(padded - end));
    return padded;
}

/* The body of the chunk that is a part. */
static int open_chunk(const struct ff_image *image, enum ff_image_kind kind, const char *name,
                      const uint8_t **ret_body, uint64_t *ret_len, struct ff_error *error)
{
    const struct ff_image_part *part = find_part(&image->header, kind);
    struct ff_image_chunk chunk;

    if (!part || !ff_image_chunk_read(image->buf + part->offset, part->len, &chunk) ||
        chunk.kind != kind || !ff_image_chunk_whole(&chunk))
        return ff_error_set(error, -EUCLEAN, "%s damaged or missing", name);
    *ret_body = chunk.body;
    *ret_len = chunk.len;
    return 0;
}

int ff_image_open(const uint8_t *buf, uint64_t len, struct ff_image *ret_image,
                  struct ff_error *error)
{
    struct ff_image image = {.buf = buf, .len = len};

    int r = ff_image_header_read(buf, len, &image.header, error);
    if (r < 0)
        return r;
    if (image.header.len == 0)
        return ff_error_set(error, -EAGAIN, "index file that was not finished");
    if (image.header.len != len)
        return ff_error_set(error, -EUCLEAN, "index file of %llu bytes, not %llu",
                            (unsigned long long)len, (unsigned long long)image.header.len);
    if ((r = check_parts(&image.header, error)) < 0 ||
        (r = open_chunk(&image, FF_IMAGE_BINDING, "binding", &image.binding, &image.binding_len,
                        error)) < 0 ||
        (r = open_chunk(&image, FF_IMAGE_STATE, "state", &image.state, &image.state_len, error)) <
            0)
        return r;
    image.limit = image.header.archive_bytes;
    image.directory = buf + find_part(&image.header, FF_IMAGE_DIRECTORY)->offset;
    const struct ff_image_part *times = find_part(&image.header, FF_IMAGE_TIMES);
    image.has_times = times;
    image.times = times ? buf + times->offset : NULL;
    *ret_image = image;
    return 0;
}

int ff_image_part(const struct ff_image *image, enum ff_image_kind kind, const uint8_t **ret_buf,
                  uint64_t *ret_len)
{
    const struct ff_image_part *part = find_part(&image->header, kind);

    if (!part)
        return -ENOENT;
    const uint8_t *buf = image->buf + part->offset;
    if (part->hash && ff_image_hash(buf, part->len) != part->hash)
        return -EUCLEAN;
    *ret_buf = buf;
    *ret_len = part->len;
    return 0;
}
