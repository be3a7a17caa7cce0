/* Segments out of an index. */
#include <errno.h>

#include "index/internal.h"

uint64_t ff_index_segments(const struct ff_index *index)
{
    uint64_t packed = ff_index_packed(index);

    return index->sealed ? (packed + FF_SEGMENT_RECORDS - 1) / FF_SEGMENT_RECORDS
                         : packed / FF_SEGMENT_RECORDS;
}

/* Segment k's chunk, made of blocks in memory. */
static size_t encode(const struct ff_index *index, uint64_t k, uint8_t *buf)
{
    uint64_t number = k * FF_SEGMENT_RECORDS;
    uint64_t records = ff_index_packed(index) - number;
    struct ff_segment_block blocks[FF_SEGMENT_BLOCKS];
    size_t count = 0;

    if (records > FF_SEGMENT_RECORDS)
        records = FF_SEGMENT_RECORDS;
    for (; count * FF_INDEX_BLOCK < records; count++) {
        const struct ff_index_block *block =
            ff_index_directory(index, (number - index->first) / FF_INDEX_BLOCK + count);
        blocks[count] = (struct ff_segment_block){.offset = block->offset,
                                                  .payload = block->payload,
                                                  .bytes = block->bytes + FF_INDEX_LENGTH_BYTES,
                                                  .len = ff_index_block_len(block)};
    }
    size_t len = ff_segment_encode(buf + FF_IMAGE_CHUNK_BYTES, blocks, count);
    return (size_t)ff_image_chunk_write(buf, FF_IMAGE_SEGMENT, (uint32_t)records, blocks[0].offset,
                                        blocks[0].payload, len);
}

int ff_index_segment(const struct ff_index *index, uint64_t k, uint8_t *buf, size_t *ret_len)
{
    struct ff_segment segment;

    if (k >= ff_index_segments(index))
        return -ENOENT;
    if (k * FF_SEGMENT_RECORDS < index->base) {
        int r = ff_index_base_segment(index, k, &segment);
        return r < 0 ? r : ff_image_segment_copy(index->image, k, buf, ret_len);
    }
    if (k * FF_SEGMENT_RECORDS < index->first)
        return -ENOENT;
    *ret_len = encode(index, k, buf);
    return 0;
}
