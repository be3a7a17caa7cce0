#include "index/segment.h"

#include <errno.h>
#include <stdbool.h>

/* Values up to this size cannot overflow when a block's are added up. */
#define EASY_WIDTH_MAX 48

_Static_assert((uint64_t)FF_BLOCK_COLUMNS *FF_INDEX_BLOCK * 2 < UINT64_C(1) << (64 - 48),
               "the sum of a block's easy values fits into 64 bits");

static void put_bits(uint8_t *buf, size_t bit, uint64_t value, unsigned int width)
{
    for (unsigned int i = 0; i < width; i++, bit++)
        buf[bit / 8] |= (uint8_t)((value >> i & 1) << bit % 8);
}

size_t ff_segment_encode(uint8_t *buf, const struct ff_segment_block *blocks, size_t count)
{
    uint64_t rows[FF_SEGMENT_BLOCKS][FF_SEGMENT_COLUMNS];
    uint64_t place = 0, next = 0;
    unsigned int row_width = 0;

    for (size_t i = 0; i < count; i++) {
        if (i == 0 || blocks[i].bytes != blocks[i - 1].bytes) {
            place = next;
            next += blocks[i].len;
        }
        rows[i][FF_SEGMENT_OFFSET] = blocks[i].offset - blocks[0].offset;
        rows[i][FF_SEGMENT_PAYLOAD] = blocks[i].payload - blocks[0].payload;
        rows[i][FF_SEGMENT_PLACE] = place;
    }
    /* They only grow: the last row's are the widest. */
    for (int c = 0; c < FF_SEGMENT_COLUMNS; c++) {
        buf[c] = (uint8_t)ff_pack_width(rows[count - 1][c]);
        row_width += buf[c];
    }
    size_t rows_len = ff_pack_bytes(count, row_width);
    uint8_t *at = buf + FF_SEGMENT_COLUMNS;
    memset(at, 0, rows_len);
    for (size_t i = 0, bit = 0; i < count; i++)
        for (int c = 0; c < FF_SEGMENT_COLUMNS; bit += buf[c++])
            put_bits(at, bit, rows[i][c], buf[c]);
    at += rows_len;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && blocks[i].bytes == blocks[i - 1].bytes)
            continue;
        memcpy(at, blocks[i].bytes, blocks[i].len);
        at += blocks[i].len;
    }
    return (size_t)(at - buf);
}

static size_t block_count(const struct ff_segment *segment)
{
    return (segment->records + FF_INDEX_BLOCK - 1) / FF_INDEX_BLOCK;
}

int ff_segment_open(const uint8_t *buf, size_t len, uint32_t records, uint64_t offset,
                    uint64_t payload, struct ff_segment *ret_segment)
{
    struct ff_segment segment = {.offset = offset, .payload = payload, .records = records};

    if (records == 0 || records > FF_SEGMENT_RECORDS || len < FF_SEGMENT_COLUMNS)
        return -EUCLEAN;
    for (int c = 0; c < FF_SEGMENT_COLUMNS; c++) {
        segment.width[c] = buf[c];
        segment.row_width += segment.width[c];
        if (segment.width[c] > FF_PACK_WIDTH_MAX)
            return -EUCLEAN;
    }
    segment.rows = buf + FF_SEGMENT_COLUMNS;
    segment.rows_len = ff_pack_bytes(block_count(&segment), segment.row_width);
    if (segment.rows_len > len - FF_SEGMENT_COLUMNS)
        return -EUCLEAN;
    segment.blocks = segment.rows + segment.rows_len;
    segment.blocks_len = len - FF_SEGMENT_COLUMNS - segment.rows_len;
    *ret_segment = segment;
    return 0;
}

uint64_t ff_segment_row(const struct ff_segment *segment, unsigned int block,
                        enum ff_segment_column column)
{
    size_t bit = (size_t)block * segment->row_width;

    for (int c = 0; c < (int)column; c++)
        bit += segment->width[c];
    return ff_pack_bits(segment->rows, segment->rows_len, bit, segment->width[column]);
}

int ff_segment_locate(const struct ff_segment *segment, unsigned int block,
                      struct ff_segment_place *ret_place)
{
    uint64_t place = ff_segment_row(segment, block, FF_SEGMENT_PLACE);
    uint32_t first = block * FF_INDEX_BLOCK;

    if (first >= segment->records || place >= segment->blocks_len)
        return -EUCLEAN;
    size_t count = segment->records - first;
    if (count > FF_INDEX_BLOCK)
        count = FF_INDEX_BLOCK;
    int r = ff_block_decode(segment->blocks + place, segment->blocks_len - place, count,
                            &ret_place->block);
    if (r < 0)
        return r;
    ret_place->offset = segment->offset + ff_segment_row(segment, block, FF_SEGMENT_OFFSET);
    ret_place->payload = segment->payload + ff_segment_row(segment, block, FF_SEGMENT_PAYLOAD);
    ret_place->count = count;
    return 0;
}

/* Adds up a column of a block; false when the sum passes 64 bits. */
static bool column_sum(const struct ff_segment_place *place, enum ff_block_column column,
                       uint64_t *ret_sum)
{
    const struct ff_block *block = &place->block;
    uint64_t sum = 0;

    if (block->column[column].width <= EASY_WIDTH_MAX &&
        ff_pack_width(block->column[column].least) <= EASY_WIDTH_MAX) {
        *ret_sum = ff_block_sum(block, column, place->count);
        return true;
    }
    for (size_t i = 0; i < place->count; i++)
        if (__builtin_add_overflow(sum, ff_block_value(block, column, i), &sum))
            return false;
    *ret_sum = sum;
    return true;
}

/* Moves offset and payload over the block's records. */
static bool advance(const struct ff_segment_place *place, uint64_t limit, uint64_t *offset,
                    uint64_t *payload)
{
    for (int c = FF_BLOCK_GAP; c <= FF_BLOCK_TAIL; c++) {
        uint64_t sum;
        if (!column_sum(place, (enum ff_block_column)c, &sum) || sum > limit - *offset)
            return false;
        *offset += sum;
        if (c == FF_BLOCK_PAYLOAD)
            *payload += sum;
    }
    return true;
}

int ff_segment_check(const struct ff_segment *segment, uint64_t limit, uint64_t *ret_offset,
                     uint64_t *ret_payload)
{
    uint64_t offset = segment->offset, payload = segment->payload, place = 0, next = 0;

    if (offset > limit || payload > offset)
        return -EUCLEAN;
    for (unsigned int i = 0; i < block_count(segment); i++) {
        uint64_t at = ff_segment_row(segment, i, FF_SEGMENT_PLACE);
        struct ff_segment_place block;
        if (at != place && at != next)
            return -EUCLEAN;
        int r = ff_segment_locate(segment, i, &block);
        if (r < 0)
            return r;
        if (block.offset != offset || block.payload != payload ||
            !advance(&block, limit, &offset, &payload))
            return -EUCLEAN;
        /* A short last block cannot share the bytes of a full one: they would be cut. */
        if (at == place && i > 0 && block.block.len != next - place)
            return -EUCLEAN;
        place = at;
        next = at + block.block.len;
    }
    if (next != segment->blocks_len)
        return -EUCLEAN;
    *ret_offset = offset;
    *ret_payload = payload;
    return 0;
}
