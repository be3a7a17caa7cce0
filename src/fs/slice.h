/*
 * The slices that are known by a nodeid: two record numbers do not fit into one, so the numbers A-B
 * of a looked-up .framefs/slice/A-B are kept here. The table is bounded: the one that was not used
 * for the longest time is dropped, and its nodeid is stale then.
 *
 * Threads: any, also of several processes that share the memory of the table; one of them that dies
 * leaves it usable.
 */
#ifndef FF_FS_SLICE_H
#define FF_FS_SLICE_H

#include <pthread.h>
#include <stdint.h>

#define FF_SLICES_MAX 256

struct ff_slice {
    uint32_t archive;
    uint64_t first, last; /* records, both included */
};

struct ff_slices {
    pthread_mutex_t lock;
    uint64_t clock;
    uint64_t next_value;
    struct {
        struct ff_slice slice;
        uint64_t value;
        uint64_t used; /* the clock's time; 0: the place is free */
    } place[FF_SLICES_MAX];
};

/* first_value: of the nodeid that the first slice gets. Random, so that a handle from before a
 * restart does not meet another slice. */
void ff_slices_init(struct ff_slices *slices, uint64_t first_value);
void ff_slices_done(struct ff_slices *slices);

/* The value (see tree/tree.h) of the slice's nodeid: the one it has, or a new one. */
uint64_t ff_slices_add(struct ff_slices *slices, const struct ff_slice *slice);
/* -ESTALE for a value that was dropped or never given out for this archive. */
int ff_slices_find(struct ff_slices *slices, uint32_t archive, uint64_t value,
                   struct ff_slice *ret_slice);

#endif
