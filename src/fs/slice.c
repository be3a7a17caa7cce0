#include "fs/slice.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "tree/tree.h"

/* A worker may have died with the lock held, between two of the assignments below: places are taken
 * out before they are changed, so the table is whole at any time. */
static void lock(struct ff_slices *slices)
{
    if (pthread_mutex_lock(&slices->lock) == EOWNERDEAD)
        pthread_mutex_consistent(&slices->lock);
}

void ff_slices_init(struct ff_slices *slices, uint64_t first_value)
{
    pthread_mutexattr_t attr;

    memset(slices, 0, sizeof(*slices));
    slices->next_value = first_value % FF_NODE_VALUES_MAX;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&slices->lock, &attr);
    pthread_mutexattr_destroy(&attr);
}

void ff_slices_done(struct ff_slices *slices)
{
    pthread_mutex_destroy(&slices->lock);
}

uint64_t ff_slices_add(struct ff_slices *slices, const struct ff_slice *slice)
{
    size_t oldest = 0;

    lock(slices);
    for (size_t i = 0; i < FF_SLICES_MAX; i++) {
        const struct ff_slice *known = &slices->place[i].slice;
        if (slices->place[i].used && known->archive == slice->archive &&
            known->first == slice->first && known->last == slice->last) {
            oldest = i;
            goto found;
        }
        if (slices->place[i].used < slices->place[oldest].used)
            oldest = i;
    }
    slices->place[oldest].used = 0;
    atomic_signal_fence(memory_order_seq_cst);
    slices->place[oldest].slice = *slice;
    slices->place[oldest].value = slices->next_value;
    slices->next_value = (slices->next_value + 1) % FF_NODE_VALUES_MAX;
    atomic_signal_fence(memory_order_seq_cst);
found:
    slices->place[oldest].used = ++slices->clock;
    uint64_t value = slices->place[oldest].value;
    pthread_mutex_unlock(&slices->lock);
    return value;
}

int ff_slices_find(struct ff_slices *slices, uint32_t archive, uint64_t value,
                   struct ff_slice *ret_slice)
{
    int r = -ESTALE;

    lock(slices);
    for (size_t i = 0; i < FF_SLICES_MAX && r < 0; i++) {
        if (slices->place[i].used && slices->place[i].value == value &&
            slices->place[i].slice.archive == archive) {
            slices->place[i].used = ++slices->clock;
            *ret_slice = slices->place[i].slice;
            r = 0;
        }
    }
    pthread_mutex_unlock(&slices->lock);
    return r;
}
