/*
 * One block of the index as bytes: five columns of up to FF_INDEX_BLOCK values. Pure; decoding
 * never reads past len.
 *
 *   5 bytes          the columns' widths in bits, 0..64: gap, head, payload, tail, join
 *   5 varints        their smallest values
 *   5 bit columns    value - smallest, packed (see pack.h), each from a byte's beginning
 */
#ifndef FF_INDEX_BLOCK_H
#define FF_INDEX_BLOCK_H

#include "index/index.h"
#include "index/pack.h"

enum ff_block_column {
    FF_BLOCK_GAP, /* from the previous record's offset + head + payload + tail to this one's offset
                   */
    FF_BLOCK_HEAD,
    FF_BLOCK_PAYLOAD,
    FF_BLOCK_TAIL,
    FF_BLOCK_JOIN, /* see ff_index_entry */
    FF_BLOCK_COLUMNS
};

#define FF_BLOCK_BYTES_MAX                                                                         \
    (FF_BLOCK_COLUMNS * (1 + FF_PACK_VARINT_BYTES + FF_INDEX_BLOCK * FF_PACK_WIDTH_MAX / 8))

struct ff_block {
    size_t len; /* of all of its bytes */
    struct {
        uint64_t least;
        unsigned int width;
        const uint8_t *buf; /* inside the bytes that were decoded */
        size_t len;
    } column[FF_BLOCK_COLUMNS];
};

/* Writes the first count (1..FF_INDEX_BLOCK) values of each column to buf, which has
 * FF_BLOCK_BYTES_MAX; returns the bytes written. */
size_t ff_block_encode(uint8_t *buf, uint64_t columns[FF_BLOCK_COLUMNS][FF_INDEX_BLOCK],
                       size_t count);

/* The block of count records at buf, which must outlive it. -EUCLEAN when it does not fit into len
 * bytes or has an impossible width. */
int ff_block_decode(const uint8_t *buf, size_t len, size_t count, struct ff_block *ret_block);

/* Value i of a column; i < count. Modulo 2^64, as the next one. */
static inline uint64_t ff_block_value(const struct ff_block *block, enum ff_block_column column,
                                      size_t i)
{
    return block->column[column].least + ff_pack_get(block->column[column].buf,
                                                     block->column[column].len, i,
                                                     block->column[column].width);
}

/* The sum of the first n values of a column; n <= count. */
static inline uint64_t ff_block_sum(const struct ff_block *block, enum ff_block_column column,
                                    size_t n)
{
    return block->column[column].least * n + ff_pack_sum(block->column[column].buf,
                                                         block->column[column].len, n,
                                                         block->column[column].width);
}

#endif
