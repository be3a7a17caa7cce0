/* Known places in joined records, so that a read need not pass over all frames before it: those
 * where readings ended, and some that they passed, evenly spread over the record's frames. */
#ifndef FF_ARCHIVE_PLACES_H
#define FF_ARCHIVE_PLACES_H

#include "archive/joined.h"

#define FF_PLACES_RECORDS 16 /* that are read at a time; the longest unread is forgotten */
#define FF_PLACES_ENDS    4  /* readings that go on, of one record */
#define FF_PLACES_PASSED  512

/* Of one record's payload or frame. A place at frame 0 is none. */
struct ff_record_places {
    uint64_t used; /* 0: free; else the larger, the later */
    uint64_t record;
    enum ff_joined_bytes what;
    struct ff_joined_point ends[FF_PLACES_ENDS];
    unsigned int oldest_end;
    /* Those before frames step, 2 * step, ... count * step. */
    struct ff_joined_point *passed; /* owned; FF_PLACES_PASSED of them, or NULL */
    uint64_t step;
    size_t count;
};

/* All zero: none. */
struct ff_places {
    struct ff_record_places records[FF_PLACES_RECORDS];
    uint64_t clock;
};

void ff_places_done(struct ff_places *places);

/* The last known place with point.at <= at; false when there is none. */
bool ff_places_find(struct ff_places *places, uint64_t record, enum ff_joined_bytes what,
                    uint64_t at, struct ff_joined_point *ret_point);

/* A reading passes the place; those that are no multiple of FF_JOINED_STRIDE frames are never kept.
 * Without memory it is not kept either. */
void ff_places_pass(struct ff_places *places, uint64_t record, enum ff_joined_bytes what,
                    const struct ff_joined_point *point);

/* A reading that came from one place ended at another; one before frame FF_JOINED_STRIDE is soon
 * found again, and not kept. */
void ff_places_end(struct ff_places *places, uint64_t record, enum ff_joined_bytes what,
                   const struct ff_joined_point *from, const struct ff_joined_point *point);

#endif
