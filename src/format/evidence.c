#include "format/evidence.h"

#include "format/checksum.h"

/* Of a literal or run of zeros; the rest of a longer one says nothing new. */
#define LITERAL_COUNTED_BYTES 64

/* The bytes [from, to) of the archive, or NULL when the window lacks some of them. */
static const uint8_t *bytes_of(const struct ff_window *window, uint64_t from, uint64_t to)
{
    if (from < window->offset || to < from || to - window->offset > window->len)
        return NULL;
    return window->bytes + (size_t)(from - window->offset);
}

static unsigned int checksum_bits(const struct ff_decoder *d, const struct ff_window *window,
                                  const struct ff_item *item)
{
    uint64_t from = d->starts[item->check_from], to = d->starts[item->check_to + 1];
    const uint8_t *bytes = bytes_of(window, from, to);
    struct ff_checksum checksum;

    if (!bytes || item->checksum == FF_CHECKSUM_MD5)
        return 0;
    ff_checksum_init(&checksum, item->checksum);
    ff_checksum_update(&checksum, bytes, (size_t)(to - from));
    bool matches = ff_checksum_equals(&checksum, item->width, d->slots[item->slot]);
    return matches ? item->width * 8U : 0;
}

static unsigned int fixed_bits(const struct ff_decoder *d, const struct ff_window *window,
                               const struct ff_item *item, unsigned int index)
{
    uint64_t len = d->starts[index + 1] - d->starts[index];
    unsigned int bits = 0;

    if (len > LITERAL_COUNTED_BYTES)
        len = LITERAL_COUNTED_BYTES;
    switch (item->kind) {
    case FF_ITEM_LITERAL:
    case FF_ITEM_ZERO:
        return item->optional ? 0 : (unsigned int)len * 8;
    case FF_ITEM_B32:
        return 31; /* one of two orders */
    case FF_ITEM_DIGITS:
        bits = (unsigned int)len * 4;
        break;
    default:
        break;
    }
    if (item->condition == FF_CONDITION_TEXT || item->condition == FF_CONDITION_SAME)
        return (unsigned int)len * 8;
    if (item->condition == FF_CONDITION_IN && item->kind == FF_ITEM_INT)
        return (unsigned int)len * 8 + 1 - ff_evidence_bits(item->number_count);
    if (item->checksum != FF_CHECKSUM_NONE)
        bits += checksum_bits(d, window, item);
    return bits;
}

/* How many bits of the archive hold the number that the equation names: a field, or some of it. */
static unsigned int number_bits(const struct ff_layout *layout, const struct ff_item *item,
                                const struct ff_equation *equation)
{
    for (unsigned int b = 0; b < item->bit_count; b++)
        if (layout->bits[item->bits + b].slot == equation->slot)
            return layout->bits[item->bits + b].width;
    return item->width * 8U;
}

void ff_evidence_weigh(const struct ff_decoder *decoder, const struct ff_window *window,
                       uint64_t room, struct ff_evidence *evidence)
{
    const struct ff_layout *layout = decoder->layout;
    const struct ff_alt *alt = &layout->alts[decoder->alt];
    unsigned int room_bits = ff_evidence_bits(room < FF_OFFSET_MAX ? room : FF_OFFSET_MAX);
    uint64_t payload, len;

    ff_decoder_payload(decoder, &payload, &len);
    for (unsigned int i = 0; i < alt->count; i++)
        evidence->fixed += fixed_bits(decoder, window, &layout->items[alt->first + i], i);
    for (unsigned int e = 0; e < alt->equation_count; e++) {
        const struct ff_equation *equation = &layout->equations[alt->equation + e];
        const struct ff_item *item = &layout->items[alt->first + equation->item];
        unsigned int bits = number_bits(layout, item, equation);
        if (item->kind != FF_ITEM_INT)
            continue;
        if (equation->solves == FF_NO_ITEM) /* told again after the payload */
            evidence->fixed += bits;
        else if (len && bits > room_bits)
            evidence->chain += bits - room_bits;
    }
}
