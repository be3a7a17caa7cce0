#include "archive/sums.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

unsigned int ff_sums_count(const struct ff_decoder *decoder)
{
    const struct ff_alt *alt = &decoder->layout->alts[decoder->alt];
    unsigned int count = 0;

    while (find_sum(decoder->layout, alt, count) != FF_NO_ITEM)
        count++;
    return count;
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
    struct ff_sum sum = {.name = ff_checksum_name(item->checksum),
                         .offset = decoder->starts[place]};
    if (item->checksum == FF_CHECKSUM_MD5) {
        uint8_t computed[FF_CHECKSUM_MAX_BYTES];
        sum.stored_len = sizeof(sum.stored);
        if (ff_reader_bytes(reader, sum.stored, sum.stored_len, sum.offset) != sum.stored_len)
            return -ENODATA;
        ff_checksum_bytes(&checksum, computed);
        sum.matches = memcmp(sum.stored, computed, sizeof(computed)) == 0;
    } else {
        /* Its low bytes, of a signed field too. */
        uint64_t number = (uint64_t)decoder->slots[item->slot];
        sum.stored_len = item->width;
        for (unsigned int i = item->width; i-- > 0; number >>= 8)
            sum.stored[i] = (uint8_t)number;
        sum.matches = ff_checksum_equals(&checksum, item->width, decoder->slots[item->slot]);
    }
    *ret_sum = sum;
    return 0;
}
