#include "archive/sums.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/load.h"

/* Summed at once where the window does not hold all. */
#define PIECE_BYTES ((size_t)256 << 10)

/* The index-th item of the alternative that is a checksum, or FF_NO_ITEM. */
static unsigned int find_sum(const struct ff_layout *layout, const struct ff_alt *alt,
                             unsigned int index)
{
    for (unsigned int i = 0; i < alt->count; i++)
        if (layout->items[alt->first + i].checksum != FF_CHECKSUM_NONE && index-- == 0)
            return i;
    return FF_NO_ITEM;
}

static unsigned int count_sums(const struct ff_layout *layout, const struct ff_alt *alt)
{
    unsigned int count = 0;

    while (find_sum(layout, alt, count) != FF_NO_ITEM)
        count++;
    return count;
}

unsigned int ff_sums_count(const struct ff_decoder *decoder)
{
    return count_sums(decoder->layout, &decoder->layout->alts[decoder->alt]);
}

bool ff_layout_has_sums(const struct ff_layout *layout)
{
    for (unsigned int a = 0; a < layout->alt_first[FF_SECTIONS]; a++)
        if (find_sum(layout, &layout->alts[a], 0) != FF_NO_ITEM)
            return true;
    return false;
}

static const uint8_t *in_window(const struct ff_reader *reader, uint64_t offset, uint64_t len)
{
    const struct ff_window *window = &reader->window;
    if (offset < window->offset || offset - window->offset > window->len ||
        len > window->len - (size_t)(offset - window->offset))
        return NULL;
    return window->bytes + (size_t)(offset - window->offset);
}

/* The bytes, brought into the window if they fit there; else NULL. */
static int fill_window(struct ff_reader *reader, uint64_t offset, uint64_t len,
                       const uint8_t **ret_bytes)
{
    const uint8_t *bytes = in_window(reader, offset, len);

    while (!bytes && len <= reader->capacity) {
        uint64_t reads = reader->reads;
        int r = ff_reader_fill(reader, offset, offset, (size_t)len);
        if (r < 0)
            return r;
        bytes = in_window(reader, offset, len);
        if (!bytes && (reader->reads == reads || reader->limit < offset + len))
            return -ENODATA;
    }
    *ret_bytes = bytes;
    return 0;
}

static int sum_range(struct ff_reader *reader, uint64_t offset, uint64_t end,
                     struct ff_checksum *checksum)
{
    const uint8_t *bytes = NULL;

    int r = fill_window(reader, offset, end - offset, &bytes);
    if (r < 0)
        return r;
    if (bytes) {
        ff_checksum_update(checksum, bytes, (size_t)(end - offset));
        return 0;
    }
    uint8_t *buf = malloc(PIECE_BYTES);
    if (!buf)
        return -ENOMEM;
    while (offset < end && r == 0) {
        size_t len = end - offset < PIECE_BYTES ? (size_t)(end - offset) : PIECE_BYTES;
        ssize_t got = ff_source_read_full(reader->source, buf, len, offset);
        if (got == (ssize_t)len)
            ff_checksum_update(checksum, buf, len);
        else
            r = got < 0 ? (int)got : -ENODATA;
        offset += len;
    }
    free(buf);
    return r;
}

int ff_sums_check(struct ff_reader *reader, const struct ff_decoder *decoder, unsigned int index,
                  struct ff_sum *ret_sum)
{
    const struct ff_layout *layout = decoder->layout;
    const struct ff_alt *alt = &layout->alts[decoder->alt];
    unsigned int place = find_sum(layout, alt, index);
    struct ff_checksum checksum;

    if (place == FF_NO_ITEM)
        return -ENOENT;
    const struct ff_item *item = &layout->items[alt->first + place];
    ff_checksum_init(&checksum, item->checksum);
    int r = sum_range(reader, decoder->starts[item->check_from],
                      decoder->starts[item->check_to + 1], &checksum);
    if (r < 0)
        return r;
    uint64_t at = decoder->starts[place];
    if (item->checksum == FF_CHECKSUM_MD5) {
        uint8_t stored[FF_CHECKSUM_MAX_BYTES], computed[FF_CHECKSUM_MAX_BYTES];
        ssize_t got = ff_reader_bytes(reader, stored, sizeof(stored), at);
        if (got != (ssize_t)sizeof(stored))
            return got < 0 ? (int)got : -ENODATA;
        ff_checksum_bytes(&checksum, computed);
        memcpy(ret_sum->stored, stored, sizeof(stored));
        ret_sum->stored_len = sizeof(stored);
        ret_sum->matches = memcmp(stored, computed, sizeof(computed)) == 0;
    } else {
        /* Its low bytes, of a signed field too. */
        uint64_t number = (uint64_t)decoder->slots[item->slot];
        ret_sum->stored_len = item->width;
        for (unsigned int i = item->width; i-- > 0; number >>= 8)
            ret_sum->stored[i] = (uint8_t)number;
        ret_sum->matches = ff_checksum_equals(&checksum, item->width, decoder->slots[item->slot]);
    }
    ret_sum->name = ff_checksum_name(item->checksum);
    ret_sum->offset = at;
    return 0;
}

/* Where an item begins in a frame of that shape; index: at most alt->count, the frame's end. */
static uint64_t place_in_frame(const struct ff_layout *layout, const struct ff_alt *alt,
                               unsigned int index, uint64_t frame_len)
{
    const struct ff_fast *fast = &alt->fast;

    if (index == fast->payload)
        return fast->head;
    if (index < fast->payload)
        return layout->fast_items[alt->first + index].place;
    if (index == alt->count)
        return frame_len;
    return frame_len - fast->trailer + layout->fast_items[alt->first + index].place;
}

static bool frame_matches(const struct ff_decoder *decoder, const struct ff_alt *alt,
                          const uint8_t *frame, uint64_t len)
{
    const struct ff_layout *layout = decoder->layout;

    for (unsigned int i = 0; i < alt->count; i++) {
        const struct ff_item *item = &layout->items[alt->first + i];
        struct ff_checksum checksum;
        if (item->checksum == FF_CHECKSUM_NONE)
            continue;
        uint64_t from = place_in_frame(layout, alt, item->check_from, len);
        uint64_t end = place_in_frame(layout, alt, item->check_to + 1U, len);
        const uint8_t *stored = frame + place_in_frame(layout, alt, i, len);
        ff_checksum_init(&checksum, item->checksum);
        ff_checksum_update(&checksum, frame + from, (size_t)(end - from));
        if (item->checksum == FF_CHECKSUM_MD5) {
            uint8_t computed[FF_CHECKSUM_MAX_BYTES];
            ff_checksum_bytes(&checksum, computed);
            if (memcmp(stored, computed, sizeof(computed)) != 0)
                return false;
            continue;
        }
        unsigned int order = item->order == FF_ORDER_MARK ? decoder->state.order : item->order;
        uint64_t number = order == FF_ORDER_BE ? ff_load_be(stored, item->width)
                                               : ff_load_le(stored, item->width);
        if (!ff_checksum_equals(&checksum, item->width, number))
            return false;
    }
    return true;
}

unsigned int ff_sums_check_run(const struct ff_reader *reader, const struct ff_decoder *decoder,
                               struct ff_run *run)
{
    const struct ff_alt *alt = &decoder->layout->alts[run->alt];
    uint64_t offset = run->offset;
    unsigned int sums = count_sums(decoder->layout, alt);

    for (unsigned int i = 0; sums && i < run->count; i++) {
        const uint8_t *frame = reader->window.bytes + (size_t)(offset - reader->window.offset);
        if (!frame_matches(decoder, alt, frame, run->ends[i] - offset))
            run->count = i;
        offset = run->ends[i];
    }
    return sums;
}
