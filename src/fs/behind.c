#include "fs/behind.h"

#include <stddef.h>

/* Ranges end at multiples of it: whatever the kernel puts together is dropped as a whole. */
#define STRETCH_BYTES (UINT64_C(2) << 20)

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a < b ? b - a : a - b;
}

static bool is_due(const struct ff_passing *stream)
{
    return stream->ino != 0 && stream->next - stream->mark >= FF_BEHIND_STEP_BYTES &&
           stream->next - stream->begin >= FF_BEHIND_KEPT_BYTES + FF_BEHIND_STEP_BYTES;
}

static struct ff_passing *find(struct ff_behind *behind, uint64_t ino, uint64_t offset)
{
    struct ff_passing *found = NULL;

    for (size_t i = 0; i < FF_BEHIND_STREAMS; i++) {
        struct ff_passing *stream = &behind->streams[i];
        if (stream->ino == ino && distance(stream->next, offset) <= FF_BEHIND_NEAR_BYTES &&
            (!found || distance(stream->next, offset) < distance(found->next, offset)))
            found = stream;
    }
    return found;
}

static struct ff_passing *pick(struct ff_behind *behind)
{
    struct ff_passing *found = &behind->streams[0];

    for (size_t i = 0; i < FF_BEHIND_STREAMS; i++) {
        struct ff_passing *stream = &behind->streams[i];
        if (stream->ino == 0)
            return stream;
        if (stream->goes_on < found->goes_on ||
            (stream->goes_on == found->goes_on && stream->used < found->used))
            found = stream;
    }
    return found;
}

bool ff_behind_note(struct ff_behind *behind, uint64_t ino, uint64_t offset, uint64_t len)
{
    struct ff_passing *stream = find(behind, ino, offset);

    if (stream) {
        stream->goes_on = true;
    } else {
        stream = pick(behind);
        *stream = (struct ff_passing){.ino = ino, .begin = offset, .next = offset, .mark = offset};
    }
    stream->used = ++behind->notes;
    stream->asked += len;
    if (offset + len > stream->next)
        stream->next = offset + len;
    return is_due(stream);
}

/* Cuts off what another reader is about to read: he drops it himself. */
static void spare(const struct ff_behind *behind, const struct ff_passing *stream, uint64_t *begin,
                  uint64_t *end)
{
    for (size_t i = 0; i < FF_BEHIND_STREAMS; i++) {
        const struct ff_passing *other = &behind->streams[i];
        if (other == stream || other->ino != stream->ino)
            continue;
        uint64_t first =
            other->next > FF_BEHIND_NEAR_BYTES ? other->next - FF_BEHIND_NEAR_BYTES : 0;
        uint64_t last = other->next + FF_BEHIND_NEAR_BYTES;
        if (last <= *begin || first >= *end)
            continue;
        if (first > *begin)
            *end = first;
        else
            *begin = last < *end ? last : *end;
    }
}

bool ff_behind_take(struct ff_behind *behind, struct ff_passed *ret_passed)
{
    for (size_t i = 0; i < FF_BEHIND_STREAMS; i++) {
        struct ff_passing *stream = &behind->streams[i];
        if (!is_due(stream))
            continue;
        bool is_dense = stream->asked >= (stream->next - stream->mark) / 2;
        uint64_t begin = stream->begin, end = stream->next - FF_BEHIND_KEPT_BYTES;
        end -= end % STRETCH_BYTES;
        stream->mark = stream->next;
        stream->asked = 0;
        spare(behind, stream, &begin, &end);
        stream->begin = is_dense ? end : stream->next - FF_BEHIND_KEPT_BYTES;
        if (!is_dense || begin >= end)
            continue;
        *ret_passed = (struct ff_passed){.ino = stream->ino, .offset = begin, .len = end - begin};
        return true;
    }
    return false;
}
