#include "index/cursor.h"

#include <errno.h>

#include "index/internal.h"

void ff_index_cursor_init(struct ff_index_cursor *cursor, const struct ff_index *index,
                          uint64_t number)
{
    *cursor = (struct ff_index_cursor){.index = index, .number = number};
}

/* The first record that is asked for in its block, or one that is in no block yet. */
static int enter_block(struct ff_index_cursor *cursor, struct ff_index_entry *ret_entry)
{
    const struct ff_index *index = cursor->index;
    uint64_t packed = ff_index_packed(index);
    struct ff_index_position position;

    cursor->place.count = 0;
    int r = ff_index_position(index, cursor->number, &position);
    if (r < 0)
        return r;
    if (cursor->number < packed) {
        r = ff_index_locate(index, cursor->number, packed, &cursor->place);
        if (r < 0)
            return r;
        cursor->limit = ff_index_limit(index, cursor->number);
    }
    const struct ff_index_entry *entry = &position.entry;
    cursor->frame_end = entry->offset + entry->head + entry->payload + entry->tail;
    cursor->payload_before = position.payload_before;
    cursor->payload = entry->payload;
    cursor->number++;
    *ret_entry = *entry;
    return 0;
}

int ff_index_cursor_next(struct ff_index_cursor *cursor, struct ff_index_entry *ret_entry)
{
    const struct ff_block *block = &cursor->place.block;
    size_t i = cursor->number % FF_INDEX_BLOCK;

    if (i == 0 || i >= cursor->place.count)
        return enter_block(cursor, ret_entry);
    const struct ff_index_entry entry = {
        .offset = cursor->frame_end + ff_block_value(block, FF_BLOCK_GAP, i),
        .head = ff_block_value(block, FF_BLOCK_HEAD, i),
        .payload = ff_block_value(block, FF_BLOCK_PAYLOAD, i),
        .tail = ff_block_value(block, FF_BLOCK_TAIL, i),
        .join = ff_block_value(block, FF_BLOCK_JOIN, i),
    };
    if (!ff_index_entry_fits(&entry, cursor->limit))
        return -EUCLEAN;
    cursor->frame_end = entry.offset + entry.head + entry.payload + entry.tail;
    cursor->payload_before += cursor->payload;
    cursor->payload = entry.payload;
    cursor->number++;
    *ret_entry = entry;
    return 0;
}
