#include "archive/index_known.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "archive/coded_damage.h"

#define SIZE_LIMIT     ((uint64_t)INT64_MAX)
#define BUCKETS        65
#define POSITION_BITS  UINT64_C(0x8000ffff) /* that ff_scan_pack_state() sets */
#define CONTEXT_FLAGS  7
#define CONTEXT_BEGINS 1 /* a section */
#define CONTEXT_CLOCK  2 /* an interface, whose clock follows */

/* Numbers of each kind of entry, at most. */
#define MOMENT_NUMBERS  (19 + BUCKETS)
#define CONTEXT_NUMBERS 5
#define CHANGE_NUMBERS  2
#define OTHER_NUMBERS   16

#define STATE_BYTES_MAX (4 * FF_PACK_VARINT_BYTES + FF_REMEMBERED_MAX_BYTES)

/* ---- encoding ---- */

size_t ff_index_known_bytes_max(const struct ff_index_known *state)
{
    size_t numbers = 2 * MOMENT_NUMBERS + CONTEXT_NUMBERS * state->now.point.contexts +
                     CHANGE_NUMBERS * state->now.changes + OTHER_NUMBERS;

    return numbers * FF_PACK_VARINT_BYTES + state->now.damages * FF_CODED_DAMAGE_BYTES_MAX +
           3 * STATE_BYTES_MAX;
}

static uint8_t *put_decode_state(uint8_t *at, const struct ff_decode_state *state)
{
    at = ff_coded_put(at, state->order);
    at = ff_coded_put(at, state->preamble);
    at = ff_coded_put(at, state->remembers);
    at = ff_coded_put(at, state->frames_end);
    return ff_coded_put_bytes(at, state->remembered, sizeof(state->remembered));
}

static uint8_t *put_moment(uint8_t *at, const struct ff_index_moment *moment)
{
    const struct ff_scan_point *point = &moment->point;
    const struct ff_summary *summary = &moment->summary;

    at = ff_coded_put(at, point->position.offset);
    at = ff_coded_put(at, point->position.record);
    at = ff_coded_put(at, point->position.state);
    at = put_decode_state(at, &point->state);
    at = ff_coded_put(at, point->preamble_len);
    at = ff_coded_put(at, point->tail_offset);
    at = ff_coded_put(at, point->tail_len);
    at = ff_coded_put(at, point->tried);
    at = ff_coded_put(at, point->contexts);
    at = ff_coded_put(at, point->contexts_full);
    at = ff_coded_put(at, summary->payload_bytes);
    at = ff_coded_put(at, summary->smallest);
    at = ff_coded_put(at, summary->largest);
    for (unsigned int i = 0; i < BUCKETS; i++)
        at = ff_coded_put(at, summary->histogram[i]);
    at = ff_coded_put(at, summary->damages);
    at = ff_coded_put(at, moment->damages);
    return ff_coded_put(at, moment->changes);
}

static uint8_t *put_context(uint8_t *at, const struct ff_context *context, size_t index,
                            uint64_t end)
{
    unsigned int flags = (context->section == index ? CONTEXT_BEGINS : 0) |
                         (context->is_interface ? CONTEXT_CLOCK : 0);

    at = ff_coded_put(at, context->offset - end);
    at = ff_coded_put(at, context->len);
    at = ff_coded_put(at, flags);
    if (!context->is_interface)
        return at;
    at = ff_coded_put(at, context->clock.ticks_per_s);
    return ff_coded_put(at, (uint64_t)context->clock.offset_s);
}

size_t ff_index_known_encode(uint8_t *buf, const struct ff_index_known *state)
{
    uint8_t *at = buf;
    uint64_t end = 0;

    at = ff_coded_put(at, state->done);
    at = ff_coded_put(at, state->end_seen);
    at = ff_coded_put(at, state->epoch);
    at = put_decode_state(at, &state->preamble_state);
    at = put_moment(at, &state->now);
    if (state->end_seen)
        at = put_moment(at, &state->safe);
    for (size_t i = 0; i < state->now.point.contexts; i++) {
        at = put_context(at, &state->contexts[i], i, end);
        end = state->contexts[i].offset + state->contexts[i].len;
    }
    for (size_t i = 0; i < state->now.damages; i++)
        at = ff_coded_put_damage(at, &state->damages[i]);
    for (size_t i = 0; i < state->now.changes; i++) {
        at = ff_coded_put(at, state->changes[i].record);
        at = ff_coded_put(at, state->changes[i].state);
    }
    return (size_t)(at - buf);
}

/* ---- decoding ---- */

/* Of what the values are limited by. */
struct limits {
    uint64_t records;
    uint64_t archive_bytes;
};

/* Notes that a value contradicts others. */
static void demand(struct ff_coded *coded, bool right)
{
    coded->wrong |= !right;
}

static void get_decode_state(struct ff_coded *coded, struct ff_decode_state *ret_state)
{
    ret_state->order = (uint8_t)ff_coded_get(coded, UINT8_MAX);
    ret_state->preamble = (uint8_t)ff_coded_get(coded, UINT8_MAX);
    ret_state->remembers = ff_coded_get(coded, 1);
    ret_state->frames_end = ff_coded_get(coded, UINT64_MAX);
    demand(coded, ret_state->order == FF_ORDER_LE || ret_state->order == FF_ORDER_BE);
    demand(coded, ret_state->frames_end <= SIZE_LIMIT || ret_state->frames_end == UINT64_MAX);
    const uint8_t *bytes = ff_coded_get_bytes(coded, sizeof(ret_state->remembered));
    if (bytes)
        memcpy(ret_state->remembered, bytes, sizeof(ret_state->remembered));
}

static uint32_t get_packed_state(struct ff_coded *coded)
{
    uint64_t packed = ff_coded_get(coded, POSITION_BITS);

    demand(coded, (packed & ~POSITION_BITS) == 0);
    return (uint32_t)packed;
}

static void get_point(struct ff_coded *coded, const struct limits *limits,
                      struct ff_scan_point *ret_point)
{
    struct ff_scan_point *point = ret_point;

    point->position.offset = ff_coded_get(coded, limits->archive_bytes);
    point->position.record = ff_coded_get(coded, limits->records);
    point->position.state = get_packed_state(coded);
    get_decode_state(coded, &point->state);
    point->preamble_len = ff_coded_get(coded, limits->archive_bytes);
    point->tail_offset = ff_coded_get(coded, limits->archive_bytes);
    point->tail_len = ff_coded_get(coded, limits->archive_bytes - point->tail_offset);
    point->tried = ff_coded_get(coded, UINT64_MAX);
    point->contexts = (size_t)ff_coded_get(coded, FF_CONTEXTS_MAX);
    point->contexts_full = ff_coded_get(coded, 1);
    demand(coded, point->position.state != 0 ||
                      (point->position.offset == 0 && point->position.record == 0));
    demand(coded, !point->contexts_full || point->contexts == FF_CONTEXTS_MAX);
}

static void get_moment(struct ff_coded *coded, const struct limits *limits,
                       struct ff_index_moment *ret_moment)
{
    struct ff_summary *summary = &ret_moment->summary;
    uint64_t counted = 0;

    get_point(coded, limits, &ret_moment->point);
    summary->records = ret_moment->point.position.record;
    summary->payload_bytes = ff_coded_get(coded, limits->archive_bytes);
    summary->smallest = ff_coded_get(coded, summary->payload_bytes);
    summary->largest = ff_coded_get(coded, summary->payload_bytes);
    demand(coded, summary->smallest <= summary->largest);
    for (unsigned int i = 0; i < BUCKETS; i++) {
        summary->histogram[i] = ff_coded_get(coded, summary->records - counted);
        counted += summary->histogram[i];
    }
    demand(coded, counted == summary->records);
    summary->damages = ff_coded_get(coded, SIZE_LIMIT);
    ret_moment->damages = (size_t)ff_coded_get(coded, FF_DAMAGE_MAX);
    demand(coded, ret_moment->damages <= summary->damages);
    ret_moment->changes = (size_t)ff_coded_get(coded, summary->records);
}

static void get_context(struct ff_coded *coded, const struct limits *limits, size_t index,
                        struct ff_context *contexts)
{
    struct ff_context *context = &contexts[index];
    const struct ff_context *last = index ? context - 1 : NULL;
    uint64_t end = last ? last->offset + last->len : 0;

    context->offset = end + ff_coded_get(coded, limits->archive_bytes - end);
    context->len = ff_coded_get(coded, limits->archive_bytes - context->offset);
    uint64_t flags = ff_coded_get(coded, CONTEXT_FLAGS);
    context->is_interface = flags & CONTEXT_CLOCK;
    if (last) {
        context->before = last->before + last->len;
        context->section = last->section;
        context->interfaces = last->interfaces + last->is_interface;
    }
    if (flags & CONTEXT_BEGINS) {
        context->section = (uint32_t)index;
        context->interfaces = 0;
    }
    if (context->is_interface) {
        context->clock.ticks_per_s = ff_coded_get(coded, UINT64_MAX);
        context->clock.offset_s = (int64_t)ff_coded_get(coded, UINT64_MAX);
    }
}

/* Room for count entries, each of which takes at least so many of the bytes that are left. */
static void *make_room(struct ff_coded *coded, size_t count, size_t least, size_t size, int *r)
{
    if (coded->wrong || count > coded->len / least) {
        coded->wrong = true;
        return NULL;
    }
    void *room = calloc(count ? count : 1, size);
    if (!room)
        *r = -ENOMEM;
    return room;
}

static int get_lists(struct ff_coded *coded, const struct limits *limits,
                     struct ff_index_known *state)
{
    int r = 0;

    state->contexts = make_room(coded, state->now.point.contexts, 3, sizeof(*state->contexts), &r);
    for (size_t i = 0; state->contexts && !coded->wrong && i < state->now.point.contexts; i++)
        get_context(coded, limits, i, state->contexts);
    state->damages = make_room(coded, state->now.damages, 5, sizeof(*state->damages), &r);
    for (size_t i = 0; state->damages && !coded->wrong && i < state->now.damages; i++) {
        ff_coded_get_damage(coded, limits->records, limits->archive_bytes, &state->damages[i]);
        demand(coded, i == 0 || state->damages[i].offset >= state->damages[i - 1].offset);
    }
    state->changes =
        make_room(coded, state->now.changes, CHANGE_NUMBERS, sizeof(*state->changes), &r);
    for (size_t i = 0; state->changes && !coded->wrong && i < state->now.changes; i++) {
        struct ff_state_change *change = &state->changes[i];
        change->record = ff_coded_get(coded, limits->records);
        change->state = get_packed_state(coded);
        demand(coded, i ? change->record > change[-1].record : change->record == 0);
    }
    return r;
}

/* What comes later knows all that came before. */
static bool is_before(const struct ff_index_moment *before, const struct ff_index_moment *after)
{
    return before->point.position.offset <= after->point.position.offset &&
           before->point.position.record <= after->point.position.record &&
           before->point.contexts <= after->point.contexts && before->damages <= after->damages &&
           before->changes <= after->changes;
}

int ff_index_known_decode(const uint8_t *buf, size_t len, uint64_t records, uint64_t archive_bytes,
                          struct ff_index_known *ret_state)
{
    const struct limits limits = {.records = records, .archive_bytes = archive_bytes};
    struct ff_coded coded = {.buf = buf, .len = len};
    struct ff_index_known state = {0};

    state.done = ff_coded_get(&coded, 1);
    state.end_seen = ff_coded_get(&coded, 1);
    state.epoch = (uint8_t)ff_coded_get(&coded, UINT8_MAX);
    get_decode_state(&coded, &state.preamble_state);
    get_moment(&coded, &limits, &state.now);
    demand(&coded, state.now.summary.records == records);
    state.safe = state.now;
    if (state.end_seen) {
        get_moment(&coded, &limits, &state.safe);
        demand(&coded, is_before(&state.safe, &state.now));
    }
    int r = get_lists(&coded, &limits, &state);
    demand(&coded, r < 0 || coded.len == 0);
    if (r == 0 && coded.wrong)
        r = -EUCLEAN;
    if (r < 0) {
        ff_index_known_done(&state);
        return r;
    }
    *ret_state = state;
    return 0;
}

void ff_index_known_done(struct ff_index_known *state)
{
    free(state->contexts);
    free(state->damages);
    free(state->changes);
    *state = (struct ff_index_known){0};
}
