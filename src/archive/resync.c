#include "archive/resync.h"

#include <errno.h>
#include <string.h>

#include "format/evidence.h"

/* Looked at around a place: what lies within is at hand, what lies further is a jump. */
#define NEAR_BYTES ((size_t)FF_DECODE_NEED_MAX)

struct search {
    struct ff_reader *near; /* holds what follows the place that is tried */
    struct ff_reader far;   /* holds where frames lead */
    struct ff_decoder decoder;
    struct ff_decode_state state; /* in force at the damage */
    bool magic;                   /* places are those where the magic stands */
    bool marker;                  /* or rather behind it */
    bool cut;
    unsigned int jumps;
    struct ff_resync_past *past;
};

/* Frames that lead from one to the next. */
struct chain {
    uint64_t second;    /* where the second one begins */
    uint64_t half;      /* where half of those end that are looked at */
    unsigned int count; /* that were looked at */
    unsigned int alike; /* bytes of them that are as in a frame before the damage */
};

/* Makes len bytes at offset, or as many as there are, lie in the window: *ret_window is these. */
static int look_at(struct ff_reader *reader, uint64_t offset, size_t len,
                   struct ff_window *ret_window)
{
    const struct ff_window *window = &reader->window;
    for (;;) {
        bool inside = offset >= window->offset && offset - window->offset <= window->len;
        size_t skip = inside ? (size_t)(offset - window->offset) : 0;
        size_t have = inside ? window->len - skip : 0;
        bool ends = reader->limit != FF_SIZE_UNKNOWN && offset + have >= reader->limit;
        if (have >= len || ends) {
            reader->end_seen |= have < len;
            *ret_window = (struct ff_window){
                .bytes = window->bytes + skip, .offset = offset, .len = have < len ? have : len};
            return 0;
        }
        int r = ff_reader_fill(reader, offset, offset, len);
        if (r < 0)
            return r;
    }
}

int ff_resync_zeros(struct ff_reader *reader, uint64_t offset, uint64_t end, uint64_t *ret_end)
{
    struct ff_window window;

    for (; offset < end; offset += window.len) {
        uint64_t left = end - offset;
        int r = look_at(reader, offset, left < NEAR_BYTES ? (size_t)left : NEAR_BYTES, &window);
        if (r < 0)
            return r;
        if (window.len == 0)
            break;
        size_t zeros = 0;
        while (zeros < window.len && window.bytes[zeros] == 0)
            zeros++;
        if (zeros < window.len) {
            offset += zeros;
            break;
        }
    }
    *ret_end = offset;
    return 0;
}

/* The literal that all frames end with, NULL where they don't. */
static const struct ff_text *find_trailer(const struct ff_layout *layout)
{
    const struct ff_text *trailer = NULL;

    for (unsigned int a = layout->alt_first[FF_FRAME]; a < layout->alt_first[FF_FRAME + 1]; a++) {
        const struct ff_alt *alt = &layout->alts[a];
        const struct ff_item *last = &layout->items[alt->first + alt->count - 1U];
        if (last->kind != FF_ITEM_LITERAL || last->optional ||
            (trailer && (trailer->len != last->text.len ||
                         memcmp(layout->text + trailer->start, layout->text + last->text.start,
                                trailer->len) != 0)))
            return NULL;
        trailer = &last->text;
    }
    return trailer;
}

/* Bytes that every frame begins with, as the description tells them or as all alternatives have
 * them in common; 0 for none. */
static size_t find_magic(const struct ff_layout *layout, const uint8_t **ret_magic)
{
    const struct ff_directive_bytes *resync = &layout->directives.resync;
    size_t common = 0;

    *ret_magic = resync->bytes;
    if (resync->len)
        return resync->len;
    for (unsigned int a = layout->alt_first[FF_FRAME]; a < layout->alt_first[FF_FRAME + 1]; a++) {
        const struct ff_item *item = &layout->items[layout->alts[a].first];
        const uint8_t *text = (const uint8_t *)layout->text + item->text.start;
        if (layout->alts[a].end)
            continue;
        if (item->kind != FF_ITEM_LITERAL || item->optional)
            return 0;
        if (common == 0) {
            *ret_magic = text;
            common = item->text.len;
        }
        size_t same = 0;
        while (same < common && same < item->text.len && text[same] == (*ret_magic)[same])
            same++;
        if ((common = same) == 0)
            return 0;
    }
    return common;
}

/* Whether these bytes stand somewhere in [offset, end). */
static int find_bytes(struct ff_reader *reader, const void *bytes, size_t len, uint64_t offset,
                      uint64_t end)
{
    struct ff_window window;

    while (end - offset >= len) {
        uint64_t left = end - offset;
        int r = look_at(reader, offset, left < NEAR_BYTES ? (size_t)left : NEAR_BYTES, &window);
        if (r < 0)
            return r;
        if (memmem(window.bytes, window.len, bytes, len))
            return 1;
        if (window.len < len)
            break;
        offset += window.len - len + 1;
    }
    return 0;
}

int ff_resync_junk(struct ff_reader *reader, const struct ff_layout *layout, uint64_t offset,
                   uint64_t end, bool last)
{
    const struct ff_text *trailer = find_trailer(layout);
    const uint8_t *magic;
    size_t magic_len = find_magic(layout, &magic);
    int found = 0;

    if (!trailer && !last)
        return 0;
    if (magic_len)
        found = find_bytes(reader, magic, magic_len, offset, end);
    if (found == 0 && trailer)
        found = find_bytes(reader, layout->text + trailer->start, trailer->len, offset, end);
    return found < 0 ? found : !found;
}

int ff_resync_follows(struct ff_reader *reader, const struct ff_layout *layout, uint64_t offset,
                      uint64_t *ret_next)
{
    const uint8_t *magic;
    size_t len = find_magic(layout, &magic);
    struct ff_window window;
    uint64_t next;

    if (len == 0 || layout->alt_first[FF_PREAMBLE] != layout->alt_first[FF_PREAMBLE + 1] ||
        layout->alt_first[FF_POSTAMBLE] != layout->alt_first[FF_POSTAMBLE + 1])
        return 0;
    int r = ff_resync_zeros(reader, offset, UINT64_MAX, &next);
    if (r < 0 || (r = look_at(reader, next, len, &window)) < 0)
        return r;
    *ret_next = next;
    return window.len == len && memcmp(window.bytes, magic, len) == 0;
}

/* Bytes that every frame ends with, because each repeats those of the preamble: an archive's own
 * marker. 0 where they don't. */
static size_t find_marker(const struct ff_decoder *decoder, const uint8_t **ret_marker)
{
    const struct ff_layout *layout = decoder->layout;
    size_t len = 0;

    *ret_marker = decoder->state.remembered;
    for (unsigned int a = layout->alt_first[FF_FRAME]; a < layout->alt_first[FF_FRAME + 1]; a++) {
        const struct ff_alt *alt = &layout->alts[a];
        const struct ff_item *last = &layout->items[alt->first + alt->count - 1U];
        if (alt->end)
            continue;
        if (last->condition != FF_CONDITION_REMEMBERED || last->remember)
            return 0;
        len = (size_t)last->size;
    }
    return len;
}

/* Trying every place costs what a frame's longest look-ahead costs at each: formats of lines can
 * only be searched by magic. */
static bool can_try_places(const struct ff_layout *layout)
{
    for (unsigned int a = layout->alt_first[FF_FRAME]; a < layout->alt_first[FF_FRAME + 1]; a++)
        for (unsigned int i = 0; i < layout->alts[a].count; i++) {
            unsigned int kind = layout->items[layout->alts[a].first + i].kind;
            if (kind == FF_ITEM_LINE || kind == FF_ITEM_HEADERS || kind == FF_ITEM_NATIVE ||
                kind == FF_ITEM_ZERO)
                return false;
        }
    return true;
}

/* How many bytes the decoder has looked at, or more. */
static uint64_t looked_at(const struct ff_decoder *decoder, int r)
{
    uint64_t end = decoder->fault.offset, payload_len;

    if (r == FF_DECODE_DONE)
        ff_decoder_payload(decoder, &end, &payload_len);
    else if (decoder->fault.kind == FF_FAULT_LINE || decoder->fault.kind == FF_FAULT_SHORT)
        return NEAR_BYTES;
    return end - decoder->offset < NEAR_BYTES ? end - decoder->offset : NEAR_BYTES;
}

/* Decodes the frame at window's beginning; what it needs of bytes elsewhere comes from the far
 * reader. As ff_reader_decode(). */
static int decode(struct search *search, const struct ff_window *window, bool *ret_failed)
{
    struct ff_decoder *decoder = &search->decoder;
    const struct ff_window *at = window;

    *ret_failed = false;
    ff_decode_begin(decoder, FF_FRAME, window->offset);
    for (;;) {
        decoder->limit = search->near->limit;
        int r = ff_decode(decoder, at);
        if (r != FF_DECODE_NEED) {
            search->past->tried += looked_at(decoder, r);
            return r;
        }
        if (at == window) {
            search->jumps++;
            search->far.limit = search->near->limit;
            /* Which may hold these bytes since the frame before led there. */
            at = &search->far.window;
            continue;
        }
        r = ff_reader_fill(&search->far, decoder->need_offset, decoder->need_offset,
                           decoder->need_len);
        search->near->limit = search->far.limit;
        if (r < 0) {
            *ret_failed = true;
            return r;
        }
    }
}

enum plausible {
    NOT_PLAUSIBLE,
    FRAME_IS_CERTAIN,
    REST_IS_CERTAIN, /* the frames after the first */
};

/* What all frames together must be worth, when there are so many of them. */
static bool too_weak(const struct ff_evidence *sum)
{
    return (sum->fixed + sum->chain) * FF_RESYNC_CHAIN_FRAMES < FF_RESYNC_CHAIN_BITS * sum->frames;
}

static enum plausible judge(const struct search *search, const struct ff_evidence *first,
                            const struct ff_evidence *sum, bool ends)
{
    if (sum->frames == 0 || (search->cut && !ends && sum->frames < FF_RESYNC_CHAIN_FRAMES))
        return NOT_PLAUSIBLE;
    /* A magic that was searched for says little: it may stand in a payload. What the frame has more
     * of constants does, and what follows it. */
    bool certain = first->fixed >= FF_RESYNC_FRAME_BITS;
    if (search->magic)
        return certain || sum->frames > 1 || ends ? FRAME_IS_CERTAIN : NOT_PLAUSIBLE;
    bool alone = first->fixed >= FF_RESYNC_ALONE_BITS;
    if (certain && first->strongest >= FF_RESYNC_ITEM_BITS && (alone || sum->frames > 2 || ends))
        return FRAME_IS_CERTAIN;
    bool chain = sum->frames >= FF_RESYNC_CHAIN_FRAMES / 2 || (ends && sum->frames > 1);
    return chain && sum->fixed + sum->chain >= FF_RESYNC_CHAIN_BITS ? REST_IS_CERTAIN
                                                                    : NOT_PLAUSIBLE;
}

static unsigned int count_alike(const struct search *search, const struct ff_window *window)
{
    unsigned int alike = 0;
    for (size_t i = 0; i < search->past->like_len && i < window->len; i++)
        alike += window->bytes[i] == search->past->like[i];
    return alike;
}

/* Whether frames stand at start, enum plausible. Negative when the source fails. near: the bytes
 * from start on. */
static int weigh_chain(struct search *search, const struct ff_window *near, struct chain *ret_chain)
{
    struct ff_decoder *decoder = &search->decoder;
    struct ff_evidence sum = {0}, first = {0};
    struct ff_window window = *near;
    uint64_t offset = near->offset;
    bool ends = false, failed;

    *ret_chain = (struct chain){0};
    decoder->state = search->state;
    while (sum.frames < FF_RESYNC_CHAIN_FRAMES) {
        uint64_t limit = search->near->limit, payload, len;
        int r;
        if (sum.frames) {
            offset += ff_decode_padding(decoder->layout, offset);
            ends = (limit != FF_SIZE_UNKNOWN && offset >= limit) ||
                   offset >= decoder->state.frames_end;
            if (ends) {
                search->near->end_seen = true;
                break;
            }
            if (offset - near->offset < near->len) {
                size_t skip = (size_t)(offset - near->offset);
                window = (struct ff_window){near->bytes + skip, offset, near->len - skip};
            } else {
                search->jumps++;
                search->far.limit = limit;
                r = look_at(&search->far, offset, NEAR_BYTES, &window);
                search->near->limit = search->far.limit;
                if (r < 0)
                    return r;
            }
        }
        unsigned int jumps = search->jumps;
        r = decode(search, &window, &failed);
        if (failed)
            return r;
        if (r < 0)
            break;
        /* To see the frame's end, the reader may have left its beginning. */
        if (sum.frames && search->jumps != jumps &&
            (r = look_at(&search->far, offset, NEAR_BYTES, &window)) < 0)
            return r;
        ff_decoder_payload(decoder, &payload, &len);
        if (sum.frames == 0 && len == 0 && !search->magic) /* zeros are everywhere */
            return NOT_PLAUSIBLE;
        ff_evidence_weigh(decoder, &window, limit == FF_SIZE_UNKNOWN ? limit : limit - offset,
                          &sum);
        ret_chain->alike += count_alike(search, &window);
        ret_chain->count = ++sum.frames;
        offset = decoder->end;
        if (sum.frames == 1) {
            first = sum;
            ret_chain->second = offset;
        }
        if (sum.frames <= FF_RESYNC_CHAIN_FRAMES / 2)
            ret_chain->half = offset;
        if (sum.wrong || (!search->magic && too_weak(&sum)))
            return NOT_PLAUSIBLE;
        if (decoder->layout->alts[decoder->alt].end) {
            ends = true;
            break;
        }
    }
    return judge(search, &first, &sum, ends);
}

static int search_magic(struct search *search, const uint8_t *magic, size_t magic_len,
                        uint64_t offset, uint64_t *ret_offset)
{
    uint64_t end = offset + FF_RESYNC_MAX_BYTES;
    struct ff_window window;
    struct chain chain;

    for (offset++; offset < end;) {
        int r = look_at(search->near, offset, NEAR_BYTES, &window);
        if (r < 0)
            return r;
        if (window.len < magic_len)
            return FF_RESYNC_END;
        const uint8_t *found = memmem(window.bytes, window.len, magic, magic_len);
        if (!found) {
            offset += window.len - magic_len + 1;
            continue;
        }
        if (search->past->tried > FF_RESYNC_MAX_TRIED_BYTES + offset * FF_RESYNC_TRIED_RATIO)
            break;
        offset += (uint64_t)(found - window.bytes);
        if (offset >= end)
            break;
        uint64_t place = offset + (search->marker ? magic_len : 0);
        if ((r = look_at(search->near, place, NEAR_BYTES, &window)) < 0)
            return r;
        if (window.len == 0)
            return FF_RESYNC_END;
        if ((r = weigh_chain(search, &window, &chain)) < 0)
            return r;
        if (r == FRAME_IS_CERTAIN) {
            *ret_offset = place;
            return FF_RESYNC_FOUND;
        }
        offset++;
    }
    return FF_RESYNC_LOST;
}

/* Frames of which nothing but their lengths speaks may also seem to stand at other places: those of
 * captures, whose headers have the length twice, begin as well where their second length is taken
 * for the first. Such chains go on side by side; the true one's frames look like those before.
 * Searches within the first half of the chain at offset. */
static int choose_chain(struct search *search, uint64_t offset, struct chain chain,
                        uint64_t *ret_offset)
{
    uint64_t end = offset + NEAR_BYTES < chain.half ? offset + NEAR_BYTES : chain.half;
    struct ff_window window;
    struct chain other;

    /* A false frame may end by chance where a true one begins: the first counts as lost. */
    *ret_offset = chain.second;
    for (offset++; offset < end && search->jumps < FF_RESYNC_MAX_JUMPS; offset++) {
        int r = look_at(search->near, offset, NEAR_BYTES, &window);
        if (r < 0 || (r = weigh_chain(search, &window, &other)) < 0)
            return r;
        if (r == FRAME_IS_CERTAIN) {
            *ret_offset = offset;
            break;
        }
        if (r == REST_IS_CERTAIN && other.second != chain.second &&
            other.alike * chain.count > chain.alike * other.count) {
            chain = other;
            *ret_offset = chain.second;
        }
    }
    return FF_RESYNC_FOUND;
}

static int search_places(struct search *search, uint64_t offset, uint64_t *ret_offset)
{
    uint64_t end = offset + FF_RESYNC_MAX_PLACES;
    struct ff_window window;
    struct chain chain;

    for (offset++; offset < end && search->jumps < FF_RESYNC_MAX_JUMPS; offset++) {
        int r = look_at(search->near, offset, NEAR_BYTES, &window);
        if (r < 0)
            return r;
        if (window.len == 0)
            return FF_RESYNC_END;
        if ((r = weigh_chain(search, &window, &chain)) < 0)
            return r;
        if (r == REST_IS_CERTAIN)
            return choose_chain(search, offset, chain, ret_offset);
        if (r == FRAME_IS_CERTAIN) {
            *ret_offset = offset;
            return FF_RESYNC_FOUND;
        }
    }
    return FF_RESYNC_LOST;
}

int ff_resync(struct ff_reader *reader, const struct ff_decoder *decoder, uint64_t offset, bool cut,
              struct ff_resync_past *past, uint64_t *ret_offset)
{
    const struct ff_layout *layout = decoder->layout;
    const uint8_t *magic;

    if (layout->directives.block) {
        uint64_t next = offset - offset % layout->directives.block + layout->directives.block;
        struct ff_window window;
        int r = look_at(reader, next, 1, &window);
        if (r < 0)
            return r;
        *ret_offset = next;
        return window.len ? FF_RESYNC_FOUND : FF_RESYNC_END;
    }
    size_t magic_len = find_marker(decoder, &magic);
    bool marker = magic_len > 0;
    if (!marker)
        magic_len = find_magic(layout, &magic);
    if (magic_len < 2 && !can_try_places(layout))
        return FF_RESYNC_LOST;
    struct search search = {.near = reader,
                            .decoder = *decoder,
                            .state = decoder->state,
                            .magic = magic_len >= 2,
                            .marker = marker,
                            .cut = cut,
                            .past = past};
    int r = ff_reader_init(&search.far, reader->source, reader->limit, 2 * NEAR_BYTES);
    if (r < 0)
        return r;
    r = search.magic ? search_magic(&search, magic, magic_len, offset, ret_offset)
                     : search_places(&search, offset, ret_offset);
    /* What a length is worth as evidence hangs on how far it could have gone. */
    reader->end_seen |= search.far.end_seen || search.decoder.end_seen || !search.magic;
    ff_reader_done(&search.far);
    return r;
}
