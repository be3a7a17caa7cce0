#include "format/decode_fast.h"

#include <string.h>

#include "base/load.h"

/* How an item is read. Plain numbers of a machine word need no look at the item itself. */
enum load {
    LOAD_NOTHING,
    LOAD_U32LE,
    LOAD_U32BE,
    LOAD_U64LE,
    LOAD_U64BE,
    LOAD_NUMBER,  /* any other number, and those with a constant */
    LOAD_LITERAL, /* which must be there */
    LOAD_NEVER,   /* no item of this shape */
};

static enum load load_of_number(const struct ff_item *item)
{
    bool plain = !item->is_signed && item->condition == FF_CONDITION_NONE;

    if (item->mul != 1 || item->add != 0 || item->bit_count || item->sign != FF_SIGN_NONE ||
        (item->condition != FF_CONDITION_NONE && item->condition != FF_CONDITION_IN &&
         item->condition != FF_CONDITION_SAME))
        return LOAD_NEVER;
    if (plain && item->order != FF_ORDER_MARK && item->width == 4)
        return item->order == FF_ORDER_BE ? LOAD_U32BE : LOAD_U32LE;
    if (plain && item->order != FF_ORDER_MARK && item->width == 8)
        return item->order == FF_ORDER_BE ? LOAD_U64BE : LOAD_U64LE;
    return LOAD_NUMBER;
}

static enum load load_of(const struct ff_item *item)
{
    if (item->size_kind != FF_SIZE_FIXED || item->size > FF_LINE_MAX_BYTES || item->remember)
        return LOAD_NEVER;
    switch (item->kind) {
    case FF_ITEM_INT:
        return load_of_number(item);
    case FF_ITEM_LITERAL:
        return item->optional ? LOAD_NEVER : LOAD_LITERAL;
    case FF_ITEM_BYTES:
    case FF_ITEM_STR:
    case FF_ITEM_DATA:
        return item->condition == FF_CONDITION_NONE ? LOAD_NOTHING : LOAD_NEVER;
    default:
        return LOAD_NEVER;
    }
}

static void plan_run(const struct ff_layout *layout, const struct ff_alt *alt, struct ff_fast *fast)
{
    const struct ff_fast_item *steps = &layout->fast_items[alt->first];
    unsigned int first = alt->roles.data, last = alt->roles.data_last;

    for (unsigned int i = 0; i < alt->count; i++)
        fast->looks |= i != fast->payload &&
                       (steps[i].load == LOAD_LITERAL || layout->items[alt->first + i].condition);
    if (first == FF_NO_ITEM || first > fast->payload || last < fast->payload)
        return;
    fast->before = first == fast->payload ? fast->head : steps[first].place;
    fast->after = last == alt->count - 1U ? 0
                  : last == fast->payload ? fast->trailer
                                          : fast->trailer - steps[last + 1].place;
    fast->runs = !alt->hide && !alt->end && !alt->context;
}

void ff_decode_fast_plan(struct ff_layout *layout, struct ff_alt *alt)
{
    const struct ff_item *items = &layout->items[alt->first];
    struct ff_fast_item *steps = &layout->fast_items[alt->first];
    const struct ff_equation *equation = &layout->equations[alt->equation];
    struct ff_fast fast = {0};
    bool fixed = alt->equation_count == 0;
    unsigned int payload = fixed ? alt->roles.data : equation->solves;

    /* Other equations are checks, or a second length that must agree. */
    if (alt->equation_count > 1 || payload == FF_NO_ITEM || alt->frag_slot != FF_NO_SLOT ||
        layout->directives.max)
        return;
    if (fixed && (load_of(&items[payload]) != LOAD_NOTHING || items[payload].size == 0))
        return;
    if (!fixed && items[equation->item].slot != equation->slot)
        return;
    for (unsigned int i = 0; i < alt->count; i++) {
        uint32_t *part = i < payload ? &fast.head : &fast.trailer;
        if (i == payload)
            continue;
        enum load load = load_of(&items[i]);
        if (load == LOAD_NEVER)
            return;
        steps[i] = (struct ff_fast_item){.place = *part, .load = load, .slot = items[i].slot};
        *part += (uint32_t)items[i].size;
        if (!fixed && i >= equation->from && i <= equation->to)
            fast.covered += (uint32_t)items[i].size;
    }
    fast.payload = (uint8_t)payload;
    fast.length = fixed ? FF_NO_ITEM : equation->item;
    plan_run(layout, alt, &fast);
    alt->fast = fast;
}

static ff_value load_number(const struct ff_decoder *d, const struct ff_item *item,
                            const uint8_t *at)
{
    unsigned int order = item->order == FF_ORDER_MARK ? d->order : item->order;
    uint64_t raw = order == FF_ORDER_BE ? ff_load_be(at, item->width) : ff_load_le(at, item->width);
    ff_value number = raw;

    if (item->is_signed && raw >> (item->width * 8U - 1))
        number -= (ff_value)1 << item->width * 8U;
    return number;
}

static bool meets(const struct ff_decoder *d, const struct ff_item *item, ff_value number)
{
    const ff_value *numbers = d->layout->numbers + item->numbers;

    if (item->condition == FF_CONDITION_NONE)
        return true;
    if (item->condition == FF_CONDITION_SAME)
        return number == d->slots[item->same];
    for (unsigned int i = 0; i < item->number_count; i++)
        if (numbers[i] == number)
            return true;
    return false;
}

/* The items from first to before end; their places count from `offset`, where `bytes` are. */
static inline bool load_items(struct ff_decoder *d, const struct ff_alt *alt, unsigned int first,
                              unsigned int end, const uint8_t *bytes, uint64_t offset)
{
    const struct ff_fast_item *steps = &d->layout->fast_items[alt->first];

    for (unsigned int i = first; i < end; i++) {
        const struct ff_fast_item *step = &steps[i];
        const struct ff_item *item = &d->layout->items[alt->first + i];
        const uint8_t *at = bytes + step->place;
        d->starts[i] = offset + step->place;
        switch ((enum load)step->load) {
        case LOAD_U32LE:
            d->slots[step->slot] = ff_load_le(at, 4);
            break;
        case LOAD_U32BE:
            d->slots[step->slot] = ff_load_be(at, 4);
            break;
        case LOAD_U64LE:
            d->slots[step->slot] = ff_load_le(at, 8);
            break;
        case LOAD_U64BE:
            d->slots[step->slot] = ff_load_be(at, 8);
            break;
        case LOAD_NUMBER:
            d->slots[step->slot] = load_number(d, item, at);
            if (!meets(d, item, d->slots[step->slot]))
                return false;
            break;
        case LOAD_LITERAL:
            if (memcmp(at, d->layout->text + item->text.start, item->text.len) != 0)
                return false;
            break;
        default:
            break;
        }
    }
    return true;
}

bool ff_decode_fast(struct ff_decoder *decoder, const struct ff_window *window)
{
    struct ff_decoder *d = decoder;
    const struct ff_alt *alt = &d->layout->alts[d->alt];
    const struct ff_fast *fast = &alt->fast;
    uint64_t fixed = (uint64_t)fast->head + fast->trailer;

    if (d->offset < window->offset || d->offset - window->offset > window->len ||
        d->offset > d->bound)
        return false;
    size_t before = (size_t)(d->offset - window->offset);
    uint64_t room = window->len - before;
    if (room > d->bound - d->offset)
        room = d->bound - d->offset;
    if (room < fixed)
        return false;
    const uint8_t *bytes = window->bytes + before;
    ff_value size = d->layout->items[alt->first + fast->payload].size;
    if (fast->length != FF_NO_ITEM) {
        const struct ff_item *length = &d->layout->items[alt->first + fast->length];
        size =
            load_number(d, length, bytes + d->layout->fast_items[alt->first + fast->length].place);
    }
    if (size < fast->covered || size - fast->covered > (ff_value)(room - fixed))
        return false;
    uint64_t len = (uint64_t)size - fast->covered, trailer = d->offset + fast->head + len;
    if (!load_items(d, alt, 0, fast->payload, bytes, d->offset) ||
        !load_items(d, alt, fast->payload + 1U, alt->count, bytes + fast->head + (size_t)len,
                    trailer))
        return false;
    d->starts[fast->payload] = d->offset + fast->head;
    d->pos = d->end = d->starts[alt->count] = trailer + fast->trailer;
    d->item = alt->count;
    d->frag = FF_FRAG_WHOLE;
    return true;
}

/* The alternative that is tried first, if frames of it can be decoded in runs. */
static const struct ff_alt *find_run_alt(const struct ff_decoder *d)
{
    const struct ff_layout *layout = d->layout;

    if (layout->directives.block)
        return NULL;
    for (unsigned int a = layout->alt_first[FF_FRAME]; a < layout->alt_first[FF_FRAME + 1]; a++) {
        const struct ff_alt *alt = &layout->alts[a];
        if (alt->preamble == FF_NO_ITEM || alt->preamble == d->state.preamble)
            return alt->fast.payload != FF_NO_ITEM && alt->fast.runs ? alt : NULL;
    }
    return NULL;
}

/* Where frames begin hangs on those before, so that their numbers come from memory one after the
 * other. What is so far ahead comes at once: of frames of some hundred bytes all, of larger ones
 * every few lines. */
#define AHEAD_BYTES 2048
#define AHEAD_LINES 5
#define LINE_BYTES  64

static inline void fetch_ahead(const uint8_t *bytes)
{
    /* Of no object, perhaps; nor is it looked at. */
    uintptr_t at = (uintptr_t)bytes + AHEAD_BYTES;

    for (unsigned int i = 0; i < AHEAD_LINES; i++)
        __builtin_prefetch((const void *)(at + (uintptr_t)i * LINE_BYTES));
}

/* The frames at `bytes`, of which there are `room`. Inlined, so that what is constant of the last
 * three makes a loop of its own: where the next frame begins hangs on each frame's number, and
 * nothing else must stand in that way. */
static inline __attribute__((always_inline)) void
pass_frames(struct ff_decoder *d, const struct ff_alt *alt, const uint8_t *bytes, uint64_t room,
            struct ff_run *run, bool looks, unsigned int order, unsigned int width)
{
    const struct ff_fast *fast = &alt->fast;
    const struct ff_item *length = &d->layout->items[alt->first + fast->length];
    const uint64_t fixed = (uint64_t)fast->head + fast->trailer, covered = fast->covered;
    const uint64_t largest = UINT64_MAX >> (64 - 8 * width + length->is_signed);
    const uint8_t *numbers = bytes + d->layout->fast_items[alt->first + fast->length].place;
    uint64_t at = 0, offset = run->offset;
    unsigned int count = 0;

    for (; count < FF_RUN_FRAMES && room - at >= fixed; count++) {
        uint64_t size = order == FF_ORDER_BE ? ff_load_be(numbers + at, width)
                                             : ff_load_le(numbers + at, width);
        uint64_t len = size - covered; /* huge where less than what it covers */
        if (size > largest || len > room - at - fixed)
            break;
        if (looks && (!load_items(d, alt, 0, fast->payload, bytes + at, offset + at) ||
                      !load_items(d, alt, fast->payload + 1U, alt->count,
                                  bytes + at + fast->head + len, offset + at + fast->head + len)))
            break;
        fetch_ahead(bytes + at);
        at += fixed + len;
        run->ends[count] = offset + at;
    }
    run->count = count;
}

/* Frames of one size. */
static void pass_fixed_frames(struct ff_decoder *d, const struct ff_alt *alt, const uint8_t *bytes,
                              uint64_t room, struct ff_run *run)
{
    const struct ff_fast *fast = &alt->fast;
    const uint64_t trailer = fast->head + d->layout->items[alt->first + fast->payload].size;
    const uint64_t size = trailer + fast->trailer;
    uint64_t at = 0, offset = run->offset;
    unsigned int count = 0;

    for (; count < FF_RUN_FRAMES && room - at >= size; count++) {
        if (fast->looks && (!load_items(d, alt, 0, fast->payload, bytes + at, offset + at) ||
                            !load_items(d, alt, fast->payload + 1U, alt->count,
                                        bytes + at + trailer, offset + at + trailer)))
            break;
        at += size;
        run->ends[count] = offset + at;
    }
    run->count = count;
}

static inline __attribute__((always_inline)) void
pass_frames_of_width(struct ff_decoder *d, const struct ff_alt *alt, const uint8_t *bytes,
                     uint64_t room, struct ff_run *run, bool looks, unsigned int order)
{
    unsigned int width = d->layout->items[alt->first + alt->fast.length].width;

    switch (width) {
    case 4:
        pass_frames(d, alt, bytes, room, run, looks, order, 4);
        break;
    case 8:
        pass_frames(d, alt, bytes, room, run, looks, order, 8);
        break;
    default:
        pass_frames(d, alt, bytes, room, run, looks, order, width);
        break;
    }
}

void ff_decode_run(struct ff_decoder *decoder, const struct ff_window *window, uint64_t offset,
                   struct ff_run *ret_run)
{
    struct ff_decoder *d = decoder;
    const struct ff_alt *alt = find_run_alt(d);
    uint64_t bound = d->limit < d->state.frames_end ? d->limit : d->state.frames_end;

    ret_run->count = 0;
    if (!alt || offset < window->offset || offset - window->offset > window->len || offset > bound)
        return;
    size_t before = (size_t)(offset - window->offset);
    uint64_t room = window->len - before;
    if (room > bound - offset)
        room = bound - offset;
    const uint8_t *bytes = window->bytes + before;
    d->order = d->state.order;
    ret_run->offset = offset;
    ret_run->alt = (uint8_t)(alt - d->layout->alts);
    ret_run->head = alt->fast.before;
    ret_run->tail = alt->fast.after;
    if (alt->fast.length == FF_NO_ITEM) {
        pass_fixed_frames(d, alt, bytes, room, ret_run);
        return;
    }
    unsigned int order = d->layout->items[alt->first + alt->fast.length].order;
    if (order == FF_ORDER_MARK)
        order = d->order;
    if (alt->fast.looks)
        pass_frames(d, alt, bytes, room, ret_run, true, order,
                    d->layout->items[alt->first + alt->fast.length].width);
    else if (order == FF_ORDER_BE)
        pass_frames_of_width(d, alt, bytes, room, ret_run, false, FF_ORDER_BE);
    else
        pass_frames_of_width(d, alt, bytes, room, ret_run, false, FF_ORDER_LE);
}
