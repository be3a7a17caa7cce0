/*
 * The records of an index one after the other, each for a few nanoseconds. An index that grows is
 * followed as it does. Not for two threads at once.
 */
#ifndef FF_INDEX_CURSOR_H
#define FF_INDEX_CURSOR_H

#include "index/segment.h"

struct ff_index_cursor {
    uint64_t number;         /* of the next record */
    uint64_t payload_before; /* of the record that was given last: bytes of payload before it */

    /* Its own. */
    const struct ff_index *index;
    struct ff_segment_place place; /* the block that the next record lies in; count 0: not known */
    uint64_t frame_end, payload;   /* of the record that was given last */
    uint64_t limit;                /* no frame ends behind it */
};

/* Begins at a record, also at one that is not there yet. The index must outlive the cursor. */
void ff_index_cursor_init(struct ff_index_cursor *cursor, const struct ff_index *index,
                          uint64_t number);

/* The next record. -ENOENT when there is none (yet) or it was discarded; -EUCLEAN when it lies in a
 * damaged segment of an image. Then the cursor stays where it is; behind that segment begins record
 * (number / FF_SEGMENT_RECORDS + 1) * FF_SEGMENT_RECORDS. */
int ff_index_cursor_next(struct ff_index_cursor *cursor, struct ff_index_entry *ret_entry);

#endif
