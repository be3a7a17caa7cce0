#include "index/block.h"

#include <errno.h>

size_t ff_block_encode(uint8_t *buf, const struct ff_block_values columns[FF_BLOCK_COLUMNS],
                       size_t count)
{
    unsigned int width[FF_BLOCK_COLUMNS];
    size_t len = FF_BLOCK_COLUMNS;

    for (int c = 0; c < FF_BLOCK_COLUMNS; c++) {
        width[c] = ff_pack_width(columns[c].largest - columns[c].least);
        buf[c] = (uint8_t)width[c];
        len += ff_pack_varint_write(buf + len, columns[c].least);
    }
    for (int c = 0; c < FF_BLOCK_COLUMNS; c++) {
        ff_pack_write(buf + len, columns[c].at, count, width[c], columns[c].least);
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
