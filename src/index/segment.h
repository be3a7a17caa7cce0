/*
 * A segment of the index as bytes: up to FF_SEGMENT_BLOCKS blocks, all but the last of them full.
 * It is written, checksummed and checked as a whole. Pure; nothing is read past len.
 *
 *   3 bytes     the widths in bits of a row's three values
 *   rows        one a block, packed one after the other (see pack.h), of what lies before it in the
 *               segment: bytes of the archive, bytes of payload, bytes of blocks
 *   blocks      from a byte's beginning, see block.h. One that is equal to the one before shares
 *               its bytes.
 */
#ifndef FF_INDEX_SEGMENT_H
#define FF_INDEX_SEGMENT_H

#include "index/block.h"

#define FF_SEGMENT_BLOCKS  64
#define FF_SEGMENT_RECORDS (FF_SEGMENT_BLOCKS * FF_INDEX_BLOCK)

enum ff_segment_column {
    FF_SEGMENT_OFFSET,
    FF_SEGMENT_PAYLOAD,
    FF_SEGMENT_PLACE,
    FF_SEGMENT_COLUMNS
};

/* Of a segment's bytes. */
#define FF_SEGMENT_BYTES_MAX                                                                       \
    (FF_SEGMENT_COLUMNS * (1 + FF_SEGMENT_BLOCKS * FF_PACK_WIDTH_MAX / 8) +                        \
     FF_SEGMENT_BLOCKS * FF_BLOCK_BYTES_MAX)

/* A block that is to be written. */
struct ff_segment_block {
    uint64_t offset;      /* where the frame before it ended */
    uint64_t payload;     /* bytes of payload before it */
    const uint8_t *bytes; /* see block.h; the same pointer as the one before: the same bytes */
    size_t len;           /* 1..FF_BLOCK_BYTES_MAX */
};

/* A segment that is read; its bytes must outlive it. */
struct ff_segment {
    uint64_t offset;  /* where the frame before it ended */
    uint64_t payload; /* bytes of payload before it */
    uint32_t records;
    uint8_t width[FF_SEGMENT_COLUMNS];
    unsigned int row_width; /* bits of the three */
    const uint8_t *rows;
    size_t rows_len;
    const uint8_t *blocks;
    size_t blocks_len;
};

/* A block of it. */
struct ff_segment_place {
    uint64_t offset;  /* as in ff_segment_block */
    uint64_t payload; /* as in ff_segment_block */
    size_t count;     /* of records: FF_INDEX_BLOCK but in the last one */
    struct ff_block block;
};

/* Writes count (1..FF_SEGMENT_BLOCKS) blocks to buf, which has FF_SEGMENT_BYTES_MAX; returns the
 * bytes written. */
size_t ff_segment_encode(uint8_t *buf, const struct ff_segment_block *blocks, size_t count);

/* The segment of `records` records at buf, before which the archive's frames end at offset and
 * payloads are `payload` bytes. -EUCLEAN when records is not 1..FF_SEGMENT_RECORDS, a width is
 * impossible or the rows do not fit into len bytes. */
int ff_segment_open(const uint8_t *buf, size_t len, uint32_t records, uint64_t offset,
                    uint64_t payload, struct ff_segment *ret_segment);

/* Bytes of the archive and of payload before a block, relative to the segment; and where its bytes
 * are. block < FF_SEGMENT_BLOCKS; past the last one a value without meaning. */
uint64_t ff_segment_row(const struct ff_segment *segment, unsigned int block,
                        enum ff_segment_column column);

/* A block by its number within the segment, which has it. -EUCLEAN when its bytes do not lie in
 * the segment or are none. Its values are sums of the segment's, modulo 2^64. */
int ff_segment_locate(const struct ff_segment *segment, unsigned int block,
                      struct ff_segment_place *ret_place);

/* Looks at all of it: blocks follow each other without a byte between, each row is the sum of what
 * the blocks before it hold, and no frame ends behind limit (at most 2^63-1). Returns where the
 * last frame ends and the payload bytes up to there; -EUCLEAN. */
int ff_segment_check(const struct ff_segment *segment, uint64_t limit, uint64_t *ret_offset,
                     uint64_t *ret_payload);

#endif
