#include "archive/resync.h"

#include <errno.h>
#include <string.h>

#include "format/evidence.h"

/* Looked through at once for a magic. */
#define PIECE_BYTES ((size_t)64 << 10)

/* Makes len bytes at offset, or as many as there are, lie in the window. *ret_len: how many do. */
static int look_at(struct ff_reader *reader, uint64_t offset, size_t len, const uint8_t **ret_bytes,
                   size_t *ret_len)
{
    const struct ff_window *window = &reader->window;
    for (;;) {
        bool inside = offset >= window->offset && offset - window->offset <= window->len;
        size_t have = inside ? window->len - (size_t)(offset - window->offset) : 0;
        bool ends = reader->limit != FF_SIZE_UNKNOWN && offset + have >= reader->limit;
        if (have >= len || ends) {
            *ret_len = have < len ? have : len;
            *ret_bytes = inside ? window->bytes + (size_t)(offset - window->offset) : NULL;
            return 0;
        }
        int r = ff_reader_fill(reader, offset, offset, len);
        if (r < 0)
            return r;
    }
}

int ff_resync_zeros(struct ff_reader *reader, uint64_t offset)
{
    const uint8_t *bytes;
    size_t len;

    for (;; offset += len) {
        int r = look_at(reader, offset, PIECE_BYTES, &bytes, &len);
        if (r < 0)
            return r;
        if (len == 0)
            return 1;
        for (size_t i = 0; i < len; i++)
            if (bytes[i])
                return 0;
    }
}

/* Bytes that every frame begins with, as the description tells them or as all alternatives have them
 * in common; 0 for none. */
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

/* Trying every place costs what a frame's longest look-ahead costs at each: formats of lines can only
 * be searched by magic. */
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

/* Whether frames stand at start: 1 when the first is certain, 2 when only those after it are (then
 * *ret_second is the next), 0 when they are not plausible. */
static int weigh_chain(struct ff_reader *reader, const struct ff_decoder *from, uint64_t start,
                       bool magic, bool cut, uint64_t *ret_second)
{
    struct ff_decoder decoder = *from;
    struct ff_evidence sum = {0}, first = {0};
    uint64_t offset = start;
    bool ends = false;

    while (sum.frames < FF_RESYNC_CHAIN_FRAMES) {
        bool failed;
        offset += ff_decode_padding(decoder.layout, offset);
        ends = (reader->limit != FF_SIZE_UNKNOWN && offset >= reader->limit) ||
               offset >= decoder.state.frames_end;
        if (sum.frames && ends)
            break;
        int r = ff_reader_decode(reader, &decoder, FF_FRAME, offset, &failed);
        if (failed)
            return r;
        if (r < 0)
            break;
        uint64_t room = reader->limit == FF_SIZE_UNKNOWN ? FF_SIZE_UNKNOWN : reader->limit - offset;
        ff_evidence_weigh(&decoder, &reader->window, room, &sum);
        sum.frames++;
        offset = decoder.end;
        if (sum.frames == 1) {
            uint64_t payload, len;
            ff_decoder_payload(&decoder, &payload, &len);
            if (len == 0 && !magic) /* zeros are everywhere */
                return 0;
            first = sum;
            *ret_second = decoder.end;
        }
        if (sum.wrong)
            return 0;
        if (decoder.layout->alts[decoder.alt].end) {
            ends = true;
            break;
        }
    }
    if (sum.frames == 0 || (cut && !ends && sum.frames < FF_RESYNC_CHAIN_FRAMES))
        return 0;
    /* A magic that was searched for says little: it may stand in a payload. What the frame has more
     * of constants does, and what follows it. */
    bool certain = first.fixed >= FF_RESYNC_FRAME_BITS;
    if (magic && (certain || sum.frames > 1 || ends))
        return 1;
    if (certain && (sum.frames > 2 || ends))
        return 1;
    bool chain = sum.frames >= FF_RESYNC_CHAIN_FRAMES / 2 || (ends && sum.frames > 1);
    return chain && sum.fixed + sum.chain >= FF_RESYNC_CHAIN_BITS ? 2 : 0;
}

static int search_magic(struct ff_reader *reader, const struct ff_decoder *decoder,
                        const uint8_t *magic, size_t magic_len, uint64_t offset, bool cut,
                        uint64_t *ret_offset)
{
    uint64_t end = offset + FF_RESYNC_MAX_BYTES, second;
    const uint8_t *bytes;
    size_t len;

    for (offset++; offset < end;) {
        if (reader->source->ops->forget)
            reader->source->ops->forget(reader->source, offset);
        int r = look_at(reader, offset, PIECE_BYTES, &bytes, &len);
        if (r < 0)
            return r;
        if (len < magic_len)
            return FF_RESYNC_END;
        const uint8_t *found = memmem(bytes, len, magic, magic_len);
        if (!found) {
            offset += len - magic_len + 1;
            continue;
        }
        offset += (uint64_t)(found - bytes);
        r = weigh_chain(reader, decoder, offset, true, cut, &second);
        if (r < 0)
            return r;
        if (r == 1) {
            *ret_offset = offset;
            return FF_RESYNC_FOUND;
        }
        offset++;
    }
    return FF_RESYNC_LOST;
}

static int search_places(struct ff_reader *reader, const struct ff_decoder *decoder,
                         uint64_t offset, bool cut, uint64_t *ret_offset)
{
    uint64_t end = offset + FF_RESYNC_MAX_PLACES, second = 0;
    uint64_t reads_end = reader->reads + FF_RESYNC_MAX_READS;
    const uint8_t *bytes;
    size_t len;

    for (offset++; offset < end && reader->reads < reads_end; offset++) {
        if (reader->source->ops->forget)
            reader->source->ops->forget(reader->source, offset);
        int r = look_at(reader, offset, 1, &bytes, &len);
        if (r < 0)
            return r;
        if (len == 0)
            return FF_RESYNC_END;
        r = weigh_chain(reader, decoder, offset, false, cut, &second);
        if (r < 0)
            return r;
        if (r == 0)
            continue;
        /* Frames without constants: a false one may end by chance where a true one begins, so the
         * first of the chain counts as lost. */
        *ret_offset = r == 1 ? offset : second;
        return FF_RESYNC_FOUND;
    }
    return FF_RESYNC_LOST;
}

int ff_resync(struct ff_reader *reader, const struct ff_decoder *decoder, uint64_t offset, bool cut,
              uint64_t *ret_offset)
{
    const struct ff_layout *layout = decoder->layout;
    const uint8_t *magic;

    if (layout->directives.block) {
        uint64_t next = offset - offset % layout->directives.block + layout->directives.block;
        if (reader->limit != FF_SIZE_UNKNOWN && next >= reader->limit)
            return FF_RESYNC_END;
        *ret_offset = next;
        return FF_RESYNC_FOUND;
    }
    size_t magic_len = find_magic(layout, &magic);
    if (magic_len >= 2)
        return search_magic(reader, decoder, magic, magic_len, offset, cut, ret_offset);
    if (can_try_places(layout))
        return search_places(reader, decoder, offset, cut, ret_offset);
    return FF_RESYNC_LOST;
}
