#include "index/block.h"

#include <errno.h>

/* Of many archives most columns are constant, so that is found out first, at the price of one look.
 */
static uint64_t column_range(const uint64_t *values, size_t count, uint64_t *ret_least)
{
    uint64_t least = values[0], largest = values[0], differs = 0;

    for (size_t i = 1; i < count; i++)
        differs |= values[i] ^ least;
    for (size_t i = 1; differs && i < count; i++) {
        least = values[i] < least ? values[i] : least;
        largest = values[i] > largest ? values[i] : largest;
    }
    *ret_least = least;
    return largest - least;
}

size_t ff_block_encode(uint8_t *buf, uint64_t columns[FF_BLOCK_COLUMNS][FF_INDEX_BLOCK],
                       size_t count)
{
    uint64_t least[FF_BLOCK_COLUMNS];
    unsigned int width[FF_BLOCK_COLUMNS];
    size_t len = FF_BLOCK_COLUMNS;

    for (int c = 0; c < FF_BLOCK_COLUMNS; c++) {
        width[c] = ff_pack_width(column_range(columns[c], count, &least[c]));
        buf[c] = (uint8_t)width[c];
        len += ff_pack_varint_write(buf + len, least[c]);
    }
    for (int c = 0; c < FF_BLOCK_COLUMNS; c++) {
        ff_pack_write(buf + len, columns[c], count, width[c], least[c]);
        len += ff_pack_bytes(count, width[c]);
    }
    return len;
}

/* The bytes that will be looked at are asked for at once, instead of one line of the cache after
 * the other. Blocks of common records are not longer. */
#define AHEAD_BYTES 320
#define LINE_BYTES  64

int ff_block_decode(const uint8_t *buf, size_t len, size_t count, struct ff_block *ret_block)
{
    struct ff_block block;
    size_t at = FF_BLOCK_COLUMNS;

    if (len < at || count > FF_INDEX_BLOCK)
        return -EUCLEAN;
    for (size_t line = LINE_BYTES; line <= AHEAD_BYTES && line < len; line += LINE_BYTES)
        __builtin_prefetch(buf + line);
    for (int c = 0; c < FF_BLOCK_COLUMNS; c++) {
        size_t n = ff_pack_varint_read(buf + at, len - at, &block.column[c].least);
        block.column[c].width = buf[c];
        if (n == 0 || block.column[c].width > FF_PACK_WIDTH_MAX)
            return -EUCLEAN;
        at += n;
    }
    for (int c = 0; c < FF_BLOCK_COLUMNS; c++) {
        size_t bytes = ff_pack_bytes(count, block.column[c].width);
        if (bytes > len - at)
            return -EUCLEAN;
        block.column[c].buf = buf + at;
        block.column[c].len = bytes;
        at += bytes;
    }
    block.len = at;
    *ret_block = block;
    return 0;
}
