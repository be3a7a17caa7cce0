#include "archive/context.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void ff_contexts_done(struct ff_contexts *contexts)
{
    free(contexts->items);
    *contexts = (struct ff_contexts){0};
}

static int reserve(struct ff_contexts *contexts, size_t count)
{
    size_t room = contexts->room ? contexts->room : 8;
    while (room < count)
        room *= 2;
    if (room == contexts->room)
        return 0;
    struct ff_context *items = reallocarray(contexts->items, room, sizeof(*items));
    if (!items)
        return -ENOMEM;
    contexts->items = items;
    contexts->room = room;
    return 0;
}

int ff_contexts_add(struct ff_contexts *contexts, const struct ff_decoder *decoder,
                    struct ff_clock clock)
{
    const struct ff_alt *alt = &decoder->layout->alts[decoder->alt];
    struct ff_context context = {
        .offset = decoder->offset, .len = decoder->end - decoder->offset, .clock = clock};

    if (contexts->count == FF_CONTEXTS_MAX)
        contexts->full = true;
    if (contexts->full)
        return 0;
    int r = reserve(contexts, contexts->count + 1);
    if (r < 0)
        return r;
    if (contexts->count) {
        const struct ff_context *last = &contexts->items[contexts->count - 1];
        context.before = last->before + last->len;
        context.section = last->section;
        context.interfaces = last->interfaces + last->is_interface;
    }
    if (alt->section) {
        context.section = (uint32_t)contexts->count;
        context.interfaces = 0;
    }
    context.is_interface = alt->interface;
    contexts->items[contexts->count++] = context;
    return 0;
}

int ff_contexts_follow(struct ff_contexts *contexts, const struct ff_contexts *from)
{
    int r = reserve(contexts, from->count);
    if (r < 0)
        return r;
    if (from->count > contexts->count)
        memcpy(contexts->items + contexts->count, from->items + contexts->count,
               (from->count - contexts->count) * sizeof(*from->items));
    contexts->count = from->count;
    contexts->full = from->full;
    return 0;
}

size_t ff_contexts_from(const struct ff_contexts *contexts, uint64_t offset)
{
    size_t low = 0, high = contexts->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (contexts->items[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool ff_contexts_of(const struct ff_contexts *contexts, uint64_t offset, size_t *ret_first,
                    size_t *ret_end)
{
    size_t end = ff_contexts_from(contexts, offset);

    *ret_end = end;
    *ret_first = end ? contexts->items[end - 1].section : 0;
    return !contexts->full || end < contexts->count;
}

struct ff_clock ff_contexts_clock(const struct ff_contexts *contexts, uint64_t offset,
                                  ff_value interface)
{
    size_t first, end;

    if (!ff_contexts_of(contexts, offset, &first, &end))
        return (struct ff_clock){0};
    /* The first of the section that has as many interfaces before it, and is one. */
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        const struct ff_context *context = &contexts->items[middle];
        if ((ff_value)context->interfaces + context->is_interface <= interface)
            first = middle + 1;
        else
            end = middle;
    }
    if (first < contexts->count && contexts->items[first].offset < offset &&
        contexts->items[first].is_interface &&
        (ff_value)contexts->items[first].interfaces == interface)
        return contexts->items[first].clock;
    return (struct ff_clock){0};
}
