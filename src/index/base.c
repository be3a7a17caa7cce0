/*
 * The records of an index that lie in an image. A segment is checked when a look-up first comes to
 * it; a bit tells that it was found good. Threads that come at once check it each, and set the same
 * bit: nothing else is written, so its order to other memory does not matter.
 */
#include <errno.h>

#include "index/internal.h"

/* How many segments side by side may have damaged directory entries, for a search to go past. */
#define DAMAGED_MAX 64

int ff_index_base_segment(const struct ff_index *index, uint64_t k, struct ff_segment *ret_segment)
{
    _Atomic uint64_t *word = &index->checked[k / 64];
    uint64_t bit = UINT64_C(1) << k % 64;

    if (!(atomic_load_explicit(word, memory_order_relaxed) & bit)) {
        int r = ff_image_segment_check(index->image, k);
        if (r < 0)
            return r;
        atomic_fetch_or_explicit(word, bit, memory_order_relaxed);
    }
    return ff_image_segment(index->image, k, ret_segment);
}

/* Which of the segments low..high tells of itself where it begins, looked for from `middle` down,
 * then up; low itself is not asked. high + 1 when none does, 0 when too many do not. */
static uint64_t nearest_good(const struct ff_index *index, uint64_t low, uint64_t middle,
                             uint64_t high, struct ff_segment *ret_segment)
{
    unsigned int damaged = 0;

    for (uint64_t k = middle; k > low; k--) {
        if (ff_image_segment(index->image, k, ret_segment) == 0)
            return k;
        if (damaged++ == DAMAGED_MAX)
            return 0;
    }
    for (uint64_t k = middle + 1; k <= high; k++) {
        if (ff_image_segment(index->image, k, ret_segment) == 0)
            return k;
        if (damaged++ == DAMAGED_MAX)
            return 0;
    }
    return high + 1;
}

/* The last segment that begins at or before position, as far as entries and heads agree: a damaged
 * one is passed over, so that it does not lead astray who looks for another. */
static int find_segment(const struct ff_index *index, uint64_t separator, uint64_t position,
                        uint64_t *ret_k)
{
    uint64_t low = 0, high = (index->base - 1) / FF_SEGMENT_RECORDS;
    struct ff_segment segment;
    uint64_t begin;

    while (low < high) {
        uint64_t k = nearest_good(index, low, low + (high - low + 1) / 2, high, &segment);
        if (k == 0)
            return -EUCLEAN;
        if (k > high)
            break;
        if (ff_index_joined(position, k * FF_SEGMENT_RECORDS, segment.payload, separator, &begin))
            low = k;
        else
            high = k - 1;
    }
    *ret_k = low;
    return 0;
}

/* The last block of the segment that begins at or before position, if the first one does. */
static unsigned int find_block(const struct ff_segment *segment, uint64_t first, uint64_t separator,
                               uint64_t position)
{
    unsigned int low = 0, high = (segment->records - 1) / FF_INDEX_BLOCK;
    uint64_t begin;

    while (low < high) {
        unsigned int middle = low + (high - low + 1) / 2;
        uint64_t payload = segment->payload + ff_segment_row(segment, middle, FF_SEGMENT_PAYLOAD);
        if (ff_index_joined(position, first + (uint64_t)middle * FF_INDEX_BLOCK, payload, separator,
                            &begin))
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

int ff_index_base_find(const struct ff_index *index, uint64_t separator, uint64_t position,
                       uint64_t *ret_number, uint64_t *ret_within)
{
    struct ff_segment_place place;
    struct ff_segment segment;
    uint64_t k, begin;
    size_t i;

    if (index->base == 0)
        return -ENOENT;
    int r = find_segment(index, separator, position, &k);
    if (r == 0)
        r = ff_index_base_segment(index, k, &segment);
    if (r < 0)
        return r;
    uint64_t number = k * FF_SEGMENT_RECORDS;
    unsigned int block = find_block(&segment, number, separator, position);
    number += (uint64_t)block * FF_INDEX_BLOCK;
    r = ff_segment_locate(&segment, block, &place);
    if (r < 0)
        return r;
    /* Where it does not begin before position, or ends before it, a segment between is damaged: the
     * one that position falls in. */
    if (!ff_index_joined(position, number, place.payload, separator, &begin))
        return -EUCLEAN;
    r = ff_index_place_find(&place, separator, position, &begin, &i);
    if (r == 0)
        return number + place.count < index->base ? -EUCLEAN : -ENOENT;
    *ret_number = number + i;
    *ret_within = position - begin;
    return 0;
}
