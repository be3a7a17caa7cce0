#include "archive/places.h"

#include <stdlib.h>

void ff_places_done(struct ff_places *places)
{
    for (size_t i = 0; i < FF_PLACES_RECORDS; i++)
        free(places->records[i].passed);
    *places = (struct ff_places){0};
}

static struct ff_record_places *find(struct ff_places *places, uint64_t record,
                                     enum ff_joined_bytes what)
{
    for (size_t i = 0; i < FF_PLACES_RECORDS; i++) {
        struct ff_record_places *known = &places->records[i];
        if (known->used && known->record == record && known->what == what) {
            known->used = ++places->clock;
            return known;
        }
    }
    return NULL;
}

static struct ff_record_places *find_or_begin(struct ff_places *places, uint64_t record,
                                              enum ff_joined_bytes what)
{
    struct ff_record_places *known = find(places, record, what);

    if (known)
        return known;
    known = &places->records[0];
    for (size_t i = 1; i < FF_PLACES_RECORDS; i++)
        if (places->records[i].used < known->used)
            known = &places->records[i];
    *known = (struct ff_record_places){.used = ++places->clock,
                                       .record = record,
                                       .what = what,
                                       .passed = known->passed,
                                       .step = FF_JOINED_STRIDE};
    return known;
}

bool ff_places_find(struct ff_places *places, uint64_t record, enum ff_joined_bytes what,
                    uint64_t at, struct ff_joined_point *ret_point)
{
    struct ff_record_places *known = find(places, record, what);
    const struct ff_joined_point *best = NULL;

    if (!known)
        return false;
    size_t low = 0, high = known->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (known->passed[middle].at <= at)
            low = middle + 1;
        else
            high = middle;
    }
    if (low)
        best = &known->passed[low - 1];
    for (size_t i = 0; i < FF_PLACES_ENDS; i++) {
        const struct ff_joined_point *end = &known->ends[i];
        if (end->frame && end->at <= at && (!best || end->frame > best->frame))
            best = end;
    }
    if (best)
        *ret_point = *best;
    return best;
}

/* Keeps every second place only. */
static void thin(struct ff_record_places *known)
{
    known->count /= 2;
    for (size_t i = 0; i < known->count; i++)
        known->passed[i] = known->passed[2 * i + 1];
    known->step *= 2;
}

void ff_places_pass(struct ff_places *places, uint64_t record, enum ff_joined_bytes what,
                    const struct ff_joined_point *point)
{
    struct ff_record_places *known = find_or_begin(places, record, what);

    if (known->count == FF_PLACES_PASSED)
        thin(known);
    if (!known->passed && !(known->passed = calloc(FF_PLACES_PASSED, sizeof(*known->passed))))
        return;
    /* A reading passes all places in order, so that this one is the next, or known. */
    if (point->frame == (known->count + 1) * known->step)
        known->passed[known->count++] = *point;
}

void ff_places_end(struct ff_places *places, uint64_t record, enum ff_joined_bytes what,
                   const struct ff_joined_point *from, const struct ff_joined_point *point)
{
    if (point->frame < FF_JOINED_STRIDE)
        return;
    struct ff_record_places *known = find_or_begin(places, record, what);
    for (size_t i = 0; i < FF_PLACES_ENDS; i++)
        if (known->ends[i].frame && known->ends[i].frame == from->frame) {
            known->ends[i] = *point;
            return;
        }
    known->ends[known->oldest_end] = *point;
    known->oldest_end = (known->oldest_end + 1) % FF_PLACES_ENDS;
}
