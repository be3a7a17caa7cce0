#include "fs/slice.h"

#include <errno.h>
#include <string.h>

#include "tree/tree.h"

void ff_slices_init(struct ff_slices *slices, uint64_t first_value)
{
    memset(slices, 0, sizeof(*slices));
    slices->next_value = first_value % FF_NODE_VALUES_MAX;
    pthread_mutex_init(&slices->lock, NULL);
}

void ff_slices_done(struct ff_slices *slices)
{
    pthread_mutex_destroy(&slices->lock);
}

uint64_t ff_slices_add(struct ff_slices *slices, const struct ff_slice *slice)
{
    size_t oldest = 0;

    pthread_mutex_lock(&slices->lock);
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
    slices->place[oldest].slice = *slice;
    slices->place[oldest].value = slices->next_value;
    slices->next_value = (slices->next_value + 1) % FF_NODE_VALUES_MAX;
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

    pthread_mutex_lock(&slices->lock);
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
