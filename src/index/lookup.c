/* Where a record lies, and which one a position among all payloads falls in. */
#include <errno.h>

#include "index/internal.h"

int ff_index_locate(const struct ff_index *index, uint64_t number, uint64_t packed,
                    struct ff_segment_place *ret_place)
{
    if (number < index->base) {
        struct ff_segment segment;
        int r = ff_index_base_segment(index, number / FF_SEGMENT_RECORDS, &segment);
        unsigned int block = number % FF_SEGMENT_RECORDS / FF_INDEX_BLOCK;
        return r < 0 ? r : ff_segment_locate(&segment, block, ret_place);
    }
    if (number < index->first)
        return -ENOENT;
    uint64_t count = packed - (number - number % FF_INDEX_BLOCK);
    const struct ff_index_block *entry =
        ff_index_directory(index, (number - index->first) / FF_INDEX_BLOCK);
    ret_place->offset = entry->offset;
    ret_place->payload = entry->payload;
    ret_place->count = count < FF_INDEX_BLOCK ? (size_t)count : FF_INDEX_BLOCK;
    return ff_block_decode(entry->bytes + FF_INDEX_LENGTH_BYTES, ff_index_block_len(entry),
                           ret_place->count, &ret_place->block);
}

/* Record i < count of the block. -EUCLEAN when it does not fit below the limit. */
static int place_get(const struct ff_segment_place *place, size_t i, uint64_t limit,
                     struct ff_index_position *ret_position)
{
    const struct ff_block *block = &place->block;
    uint64_t payload = ff_block_sum(block, FF_BLOCK_PAYLOAD, i);
    const struct ff_index_entry entry = {
        .offset = place->offset + ff_block_sum(block, FF_BLOCK_GAP, i + 1) +
                  ff_block_sum(block, FF_BLOCK_HEAD, i) + payload +
                  ff_block_sum(block, FF_BLOCK_TAIL, i),
        .head = ff_block_value(block, FF_BLOCK_HEAD, i),
        .payload = ff_block_value(block, FF_BLOCK_PAYLOAD, i),
        .tail = ff_block_value(block, FF_BLOCK_TAIL, i),
        .join = ff_block_value(block, FF_BLOCK_JOIN, i),
    };
    if (!ff_index_entry_fits(&entry, limit))
        return -EUCLEAN;
    *ret_position =
        (struct ff_index_position){.entry = entry, .payload_before = place->payload + payload};
    return 0;
}

/* Record number, packed <= number < count when asked. False when it is in a block by now. */
static bool tail_get(const struct ff_index *index, uint64_t number,
                     struct ff_index_position *ret_position)
{
    const struct ff_index_slot *slot = &index->slots[number % FF_INDEX_BLOCK];
    struct ff_index_position position;

    position.entry.offset = atomic_load_explicit(&slot->offset, memory_order_acquire);
    position.entry.head = atomic_load_explicit(&slot->head, memory_order_acquire);
    position.entry.payload = atomic_load_explicit(&slot->payload, memory_order_acquire);
    position.entry.tail = atomic_load_explicit(&slot->tail, memory_order_acquire);
    position.entry.join = atomic_load_explicit(&slot->join, memory_order_acquire);
    position.payload_before = atomic_load_explicit(&slot->payload_before, memory_order_acquire);
    if (number < ff_index_packed(index))
        return false;
    *ret_position = position;
    return true;
}

int ff_index_position(const struct ff_index *index, uint64_t number,
                      struct ff_index_position *ret_position)
{
    uint64_t packed = ff_index_packed(index);
    struct ff_segment_place place;

    if (number >= packed) {
        if (number >= ff_index_count(index))
            return -ENOENT;
        if (tail_get(index, number, ret_position))
            return 0;
        packed = ff_index_packed(index);
    }
    int r = ff_index_locate(index, number, packed, &place);
    return r < 0 ? r
                 : place_get(&place, number % FF_INDEX_BLOCK, ff_index_limit(index, number),
                             ret_position);
}

int ff_index_get(const struct ff_index *index, uint64_t number, struct ff_index_entry *ret_entry)
{
    struct ff_index_position position;
    int r = ff_index_position(index, number, &position);
    if (r < 0)
        return r;
    *ret_entry = position.entry;
    return 0;
}

int ff_index_payload_before(const struct ff_index *index, uint64_t number, uint64_t *ret_bytes)
{
    struct ff_index_position position;

    if (number == 0) {
        *ret_bytes = 0;
        return 0;
    }
    /* The record knows itself what lies before it; behind the last one, that one does. */
    if (ff_index_position(index, number, &position) == 0) {
        *ret_bytes = position.payload_before;
        return 0;
    }
    int r = ff_index_position(index, number - 1, &position);
    if (r < 0)
        return r;
    *ret_bytes = position.payload_before + position.entry.payload;
    return 0;
}

int ff_index_place_find(const struct ff_segment_place *place, uint64_t separator, uint64_t position,
                        uint64_t *begin, size_t *ret_i)
{
    for (size_t i = 0; i < place->count; i++) {
        uint64_t payload = ff_block_value(&place->block, FF_BLOCK_PAYLOAD, i);
        if (position - *begin < payload || position - *begin - payload < separator) {
            *ret_i = i;
            return 1;
        }
        *begin += payload + separator;
    }
    return 0;
}

/* 1 when found among the records in blocks in memory, whose first one begins at or before position;
 * 0 when not. */
static int find_packed(const struct ff_index *index, uint64_t packed, uint64_t separator,
                       uint64_t position, uint64_t *ret_number, uint64_t *ret_within)
{
    uint64_t low = 0, high = (packed - index->first - 1) / FF_INDEX_BLOCK;
    uint64_t begin = 0;
    struct ff_segment_place place;
    size_t i;

    while (low < high) {
        uint64_t middle = low + (high - low + 1) / 2;
        if (ff_index_joined(position, index->first + middle * FF_INDEX_BLOCK,
                            ff_index_directory(index, middle)->payload, separator, &begin))
            low = middle;
        else
            high = middle - 1;
    }
    uint64_t number = index->first + low * FF_INDEX_BLOCK;
    int r = ff_index_locate(index, number, packed, &place);
    if (r == 0 && ff_index_joined(position, number, place.payload, separator, &begin))
        r = ff_index_place_find(&place, separator, position, &begin, &i);
    if (r > 0) {
        *ret_number = number + i;
        *ret_within = position - begin;
    }
    return r;
}

/* 1 when position lies behind the beginning of the first record in memory, 0 when before. Records
 * in memory are count > 0. -EAGAIN: they were packed meanwhile. */
static int is_in_memory(const struct ff_index *index, uint64_t packed, uint64_t separator,
                        uint64_t position)
{
    struct ff_index_position first;
    uint64_t begin;

    if (packed > index->first)
        first.payload_before = ff_index_directory(index, 0)->payload;
    else if (!tail_get(index, index->first, &first))
        return -EAGAIN;
    return ff_index_joined(position, index->first, first.payload_before, separator, &begin);
}

int ff_index_find(const struct ff_index *index, uint64_t separator, uint64_t position,
                  uint64_t *ret_number, uint64_t *ret_within)
{
    for (;;) {
        uint64_t packed = ff_index_packed(index);
        uint64_t count = ff_index_count(index);
        uint64_t number = packed;
        if (index->first > 0) {
            int r = 0;
            if (count > index->first)
                r = is_in_memory(index, packed, separator, position);
            if (r == -EAGAIN)
                continue;
            if (r == 0)
                return ff_index_base_find(index, separator, position, ret_number, ret_within);
        }
        if (packed > index->first) {
            int r = find_packed(index, packed, separator, position, ret_number, ret_within);
            if (r != 0)
                return r < 0 ? r : 0;
        }
        for (; number < count; number++) {
            struct ff_index_position record;
            if (!tail_get(index, number, &record))
                break;
            uint64_t begin;
            if (!ff_index_joined(position, number, record.payload_before, separator, &begin))
                return -ENOENT;
            uint64_t within = position - begin;
            if (within < record.entry.payload || within - record.entry.payload < separator) {
                *ret_number = number;
                *ret_within = within;
                return 0;
            }
        }
        if (number >= count)
            return -ENOENT;
        /* The tail was packed meanwhile: at least a block's worth of records more are known. */
    }
}
