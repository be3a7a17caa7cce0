#include "fs/follow.h"

static struct ff_stream *of_job(const struct ff_follow *follow, const struct ff_follow_job *job)
{
    for (size_t i = 0; i < FF_FOLLOW_STREAMS; i++)
        if (follow->streams[i].id == job->id)
            return (struct ff_stream *)(uintptr_t)&follow->streams[i];
    return NULL;
}

static bool is_fast(const struct ff_stream *stream)
{
    return stream->steps >= FF_FOLLOW_STEPS_MIN;
}

/* A free one, else the one that was used longest ago, if possible one for which nothing is pushed:
 * random reads must not end those that go in order, which ask seldom. */
static struct ff_stream *pick(struct ff_follow *follow)
{
    struct ff_stream *found = NULL;

    for (size_t i = 0; i < FF_FOLLOW_STREAMS; i++) {
        struct ff_stream *stream = &follow->streams[i];
        if (stream->id == 0)
            return stream;
        if (!found || is_fast(stream) < is_fast(found) ||
            (is_fast(stream) == is_fast(found) && stream->used < found->used))
            found = stream;
    }
    return found;
}

static void begin(struct ff_follow *follow, struct ff_stream *stream,
                  const struct ff_follow_place *place)
{
    follow->fate.wasted += stream->pushed;
    *stream = (struct ff_stream){
        .id = ++follow->ids,
        .archive = place->archive,
        .begin = place->after,
        .next = place->after,
        .window = FF_FOLLOW_FIRST / 2,
        .used = ++follow->notes,
        .directory = UINT64_MAX,
        .before = UINT64_MAX,
    };
}

/* A new stretch behind the record, twice as long. */
static void step(struct ff_stream *stream, const struct ff_follow_place *place)
{
    bool enters = stream->directory != place->directory;

    stream->begin = place->after;
    stream->next = place->after;
    if (++stream->steps < FF_FOLLOW_STEPS_MIN || !(place->pushable || enters))
        return;
    stream->window = stream->window < FF_FOLLOW_MAX / 2 ? stream->window * 2 : FF_FOLLOW_MAX;
    stream->left = stream->window;
    stream->bytes_left = FF_FOLLOW_AHEAD_BYTES_MAX;
    stream->directory = place->directory;
}

/* The reader is faster than who pushes for him, who goes on behind him. */
static void overtake(struct ff_stream *stream, const struct ff_follow_place *place)
{
    uint64_t passed = place->after - stream->next;

    stream->begin = place->after;
    stream->next = place->after;
    stream->left = passed < stream->left ? stream->left - passed : 0;
}

enum ff_followed ff_follow_note(struct ff_follow *follow, const struct ff_follow_place *place)
{
    for (size_t i = 0; i < FF_FOLLOW_STREAMS; i++) {
        struct ff_stream *stream = &follow->streams[i];
        if (stream->id == 0 || stream->archive != place->archive || place->record < stream->begin ||
            place->record > stream->next + stream->left)
            continue;
        if (place->record < stream->next) {
            begin(follow, stream, place);
            return FF_FOLLOWED_MET;
        }
        stream->used = ++follow->notes;
        follow->fate.hits += stream->pushed;
        stream->pushed = 0;
        if (stream->left > 0)
            overtake(stream, place);
        if (stream->left == 0)
            step(stream, place);
        return stream->left > 0 ? FF_FOLLOWED_DUE : FF_FOLLOWED_STEP;
    }
    begin(follow, pick(follow), place);
    return FF_FOLLOWED_ALONE;
}

bool ff_follow_take(struct ff_follow *follow, struct ff_follow_job *ret_job)
{
    struct ff_stream *found = NULL;

    for (size_t i = 0; i < FF_FOLLOW_STREAMS; i++) {
        struct ff_stream *stream = &follow->streams[i];
        if (stream->id != 0 && stream->left > 0 && (!found || stream->worked < found->worked))
            found = stream;
    }
    if (!found)
        return false;
    *ret_job = (struct ff_follow_job){
        .id = found->id,
        .archive = found->archive,
        .next = found->next,
        .left = found->left,
        .bytes_left = found->bytes_left,
        .directory = found->directory,
        .before = found->before,
    };
    found->worked = ++follow->works;
    found->before = found->directory;
    return true;
}

bool ff_follow_is_open(const struct ff_follow *follow, const struct ff_follow_job *job,
                       uint64_t *ret_next)
{
    const struct ff_stream *stream = of_job(follow, job);

    if (!stream || stream->left == 0)
        return false;
    *ret_next = stream->next;
    return true;
}

void ff_follow_pushed(struct ff_follow *follow, const struct ff_follow_job *job, uint64_t record,
                      uint64_t after, uint64_t bytes)
{
    struct ff_stream *stream = of_job(follow, job);

    if (!stream || stream->left == 0 || stream->next > record) {
        follow->fate.wasted++;
        return;
    }
    stream->next = after;
    stream->pushed++;
    stream->left--;
    stream->bytes_left -= bytes < stream->bytes_left ? bytes : stream->bytes_left;
    if (stream->bytes_left == 0)
        stream->left = 0;
}

void ff_follow_end(struct ff_follow *follow, const struct ff_follow_job *job, uint64_t next,
                   bool unknown)
{
    struct ff_stream *stream = of_job(follow, job);

    if (!stream || stream->left == 0 || stream->next > next)
        return;
    /* Nothing can be pushed here: the next try is a small one. */
    if (unknown && stream->next == stream->begin)
        stream->window = FF_FOLLOW_FIRST / 2;
    stream->next = next;
    stream->left = 0;
}
