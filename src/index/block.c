#include "index/block.h"

#include <errno.h>

size_t ff_block_encode(uint8_t *buf, uint64_t columns[FF_BLOCK_COLUMNS][FF_INDEX_BLOCK],
                       size_t count)
{
    uint64_t least[FF_BLOCK_COLUMNS];
    unsigned int width[FF_BLOCK_COLUMNS];
    size_t len = FF_BLOCK_COLUMNS;

    for (int c = 0; c < FF_BLOCK_COLUMNS; c++) {
        uint64_t largest = columns[c][0];
        least[c] = columns[c][0];
        for (size_t i = 1; i < count; i++) {
            if (columns[c][i] < least[c])
                least[c] = columns[c][i];
            if (columns[c][i] > largest)
                largest = columns[c][i];
        }
        width[c] = ff_pack_width(largest - least[c]);
        buf[c] = (uint8_t)width[c];
        len += ff_pack_varint_write(buf + len, least[c]);
    }
    for (int c = 0; c < FF_BLOCK_COLUMNS; c++) {
        ff_pack_write(buf + len, columns[c], count, width[c], least[c]);
        len += ff_pack_bytes(count, width[c]);
    }
    return len;
}

int ff_block_decode(const uint8_t *buf, size_t len, size_t count, struct ff_block *ret_block)
{
    struct ff_block block;
    size_t at = FF_BLOCK_COLUMNS;

    if (len < at || count > FF_INDEX_BLOCK)
        return -EUCLEAN;
    for (int c = 0; c < FF_BLOCK_COLUMNS; c++) {
        size_t n = ff_pack_varint_read(buf + at, len - at, &block.column[c].least);
        if (n == 0 || buf[c] > FF_PACK_WIDTH_MAX)
            return -EUCLEAN;
        at += n;
    }
    for (int c = 0; c < FF_BLOCK_COLUMNS; c++) {
        size_t bytes = ff_pack_bytes(count, buf[c]);
        if (bytes > len - at)
            return -EUCLEAN;
        block.column[c].width = buf[c];
        block.column[c].buf = buf + at;
        block.column[c].len = bytes;
        at += bytes;
    }
    *ret_block = block;
    return 0;
}
