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

/* The values of a column that is to be packed. Of many archives all but the payloads are constant:
 * as long as least equals largest, that is what all values are, and none stands in at[]. */
struct ff_block_values {
    uint64_t least, largest;
    uint64_t at[FF_INDEX_BLOCK];
};

/* Those from i on, between least and largest, follow those before i, which were noted; they stand
 * in at[] already, unless all of the column are equal. */
static inline void ff_block_values_note(struct ff_block_values *values, size_t i, uint64_t least,
                                        uint64_t largest)
{
    if (i == 0) {
        values->least = least;
        values->largest = largest;
        return;
    }
    if (values->least == values->largest && (least != values->least || largest != least))
        for (size_t k = 0; k < i; k++)
            values->at[k] = values->least;
    values->least = least < values->least ? least : values->least;
    values->largest = largest > values->largest ? largest : values->largest;
}

/* The same, of values that are equal. */
static inline void ff_block_values_add(struct ff_block_values *values, size_t i, size_t count,
                                       uint64_t value)
{
    ff_block_values_note(values, i, value, value);
    if (values->least != values->largest)
        for (size_t k = i; k < i + count; k++)
            values->at[k] = value;
}

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

/* Writes count (1..FF_INDEX_BLOCK) values of each column to buf, which has FF_BLOCK_BYTES_MAX;
 * returns the bytes written. */
size_t ff_block_encode(uint8_t *buf, const struct ff_block_values columns[FF_BLOCK_COLUMNS],
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
