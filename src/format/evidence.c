#include "format/evidence.h"

#include "format/checksum.h"

#define BYTE_BITS  8
#define DIGIT_BITS 2 /* rare among all bytes, but not in text */
/* Of a literal, tag or run of zeros; the rest of a longer one says nothing new. */
#define LITERAL_COUNTED_BYTES 64
#define TAG_COUNTED_BYTES     8

/* The bytes [from, to) of the archive, or NULL when the window lacks some of them. */
static const uint8_t *bytes_of(const struct ff_window *window, uint64_t from, uint64_t to)
{
    if (from < window->offset || to < from || to - window->offset > window->len)
        return NULL;
    return window->bytes + (size_t)(from - window->offset);
}

/* Zeros are everywhere, and so is 0xff. */
static unsigned int byte_bits(uint8_t byte)
{
    return byte == 0x00 || byte == 0xff ? 0 : BYTE_BITS;
}

static unsigned int text_bits(const struct ff_layout *layout, struct ff_text text)
{
    unsigned int bits = 0;
    for (unsigned int i = 0; i < text.len && i < LITERAL_COUNTED_BYTES; i++)
        bits += byte_bits((uint8_t)layout->text[text.start + i]);
    return bits;
}

/* Of a number that could be nothing else. */
static unsigned int number_bits(ff_value value, unsigned int width)
{
    unsigned int bits = 0;
    for (unsigned int i = 0; i < width; i++)
        bits += byte_bits((uint8_t)((uint64_t)value >> (8 * i)));
    return bits;
}

static unsigned int checksum_bits(const struct ff_decoder *d, const struct ff_window *window,
                                  const struct ff_item *item, struct ff_evidence *evidence)
{
    uint64_t from = d->starts[item->check_from], to = d->starts[item->check_to + 1];
    const uint8_t *bytes = bytes_of(window, from, to);
    struct ff_checksum checksum;

    if (!bytes || item->checksum == FF_CHECKSUM_MD5)
        return 0;
    ff_checksum_init(&checksum, item->checksum);
    ff_checksum_update(&checksum, bytes, (size_t)(to - from));
    ff_value stored = d->slots[item->slot];
    bool right = ff_checksum_equals(&checksum, item->width, stored);
    evidence->right += right;
    evidence->wrong += !right;
    return right ? number_bits(stored, item->width) : 0;
}

/* Letters and digits, a quarter of all bytes, and other printable ones. */
static unsigned int tag_bits(const struct ff_window *window, uint64_t from, uint64_t to)
{
    const uint8_t *bytes = bytes_of(window, from, to);
    unsigned int bits = 0;

    for (uint64_t i = 0; bytes && i < to - from && i < TAG_COUNTED_BYTES; i++) {
        uint8_t c = bytes[i];
        bool word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bits += word ? 2 : c >= 0x20 && c < 0x7f;
    }
    return bits;
}

/* One of several numbers. */
static unsigned int set_bits(const struct ff_decoder *d, const struct ff_item *item)
{
    ff_value number = (d->slots[item->slot] - item->add) / item->mul;
    unsigned int bits = number_bits(number, item->width);
    unsigned int choice = ff_evidence_bits(item->number_count) - 1;
    return bits > choice ? bits - choice : 0;
}

/* A number that was told before: small ones are told again by chance. */
static unsigned int repeated_bits(const struct ff_decoder *d, const struct ff_item *item,
                                  uint8_t slot)
{
    ff_value value = d->slots[slot];
    unsigned int bits = ff_evidence_bits((uint64_t)value), width = item->width * BYTE_BITS;

    if (item->kind != FF_ITEM_INT || bits == 0 || bits >= width)
        return bits;
    return bits + (width - bits) / BYTE_BITS;
}

static unsigned int fixed_bits(const struct ff_decoder *d, const struct ff_window *window,
                               const struct ff_item *item, unsigned int index,
                               struct ff_evidence *evidence)
{
    const struct ff_layout *layout = d->layout;
    uint64_t from = d->starts[index], to = d->starts[index + 1];
    unsigned int len =
        (unsigned int)(to - from < LITERAL_COUNTED_BYTES ? to - from : LITERAL_COUNTED_BYTES);
    unsigned int bits = 0;

    switch (item->kind) {
    case FF_ITEM_LITERAL:
        return item->optional ? 0 : text_bits(layout, item->text);
    case FF_ITEM_B32: /* in one of two orders */
        bits = number_bits(d->slots[item->slot], 4);
        return bits ? bits - 1 : 0;
    case FF_ITEM_STR:
        bits = item->size_kind == FF_SIZE_FIXED ? tag_bits(window, from, to) : 0;
        break;
    case FF_ITEM_DIGITS:
        bits = len * DIGIT_BITS;
        break;
    default:
        break;
    }
    if (item->condition == FF_CONDITION_TEXT)
        return text_bits(layout, item->text);
    if (item->condition == FF_CONDITION_REMEMBERED) /* the first of them repeats nothing */
        return item->remember ? 0 : len * BYTE_BITS;
    if (item->condition == FF_CONDITION_SAME) {
        bits = repeated_bits(d, item, item->slot);
        evidence->repeated += bits;
        return bits;
    }
    if (item->condition == FF_CONDITION_IN && item->kind == FF_ITEM_INT)
        return set_bits(d, item);
    if (item->checksum != FF_CHECKSUM_NONE)
        bits += checksum_bits(d, window, item, evidence);
    return bits;
}

/* Whether a varint has a last byte of zero, which no writer makes, but small integers do. */
static bool is_longer_than_needed(const struct ff_decoder *d, uint8_t slot, unsigned int bytes)
{
    return d->slots[slot] >> (7 * (bytes - 1)) == 0;
}

/* A length that item `index` tells in `slot`, and that led to no contradiction. */
static unsigned int length_bits(const struct ff_decoder *d, unsigned int index, uint8_t slot,
                                unsigned int room_bits)
{
    const struct ff_layout *layout = d->layout;
    const struct ff_item *item = &layout->items[layout->alts[d->alt].first + index];
    unsigned int bytes = (unsigned int)(d->starts[index + 1] - d->starts[index]);
    unsigned int width, bits = 0;

    if (item->kind == FF_ITEM_VARINT || item->kind == FF_ITEM_ZIGZAG) {
        /* One byte of them says nothing: small numbers are everywhere. A bit of each byte of a
         * longer one says whether another follows. */
        if (bytes == 1 || is_longer_than_needed(d, slot, bytes))
            return 0;
        bits = bytes;
        width = bytes * 7;
    } else if (item->kind == FF_ITEM_DIGITS && item->width) {
        width = item->base == 16 ? bytes * 4 : item->base == 8 ? bytes * 3 : bytes * 10 / 3;
    } else if (item->kind == FF_ITEM_INT) {
        width = bytes * BYTE_BITS;
    } else {
        return 0;
    }
    for (unsigned int b = 0; b < item->bit_count; b++)
        if (layout->bits[item->bits + b].slot == slot)
            width = layout->bits[item->bits + b].width;
    if (item->mul > 1)
        width += ff_evidence_bits((uint64_t)item->mul) - 1;
    return width > room_bits ? bits + width - room_bits : bits;
}

/* The item of the alternative that fills the slot, itself or by one of its bit fields. */
static unsigned int item_of_slot(const struct ff_decoder *d, uint8_t slot)
{
    const struct ff_layout *layout = d->layout;
    const struct ff_alt *alt = &layout->alts[d->alt];

    for (unsigned int i = 0; i < alt->count; i++) {
        const struct ff_item *item = &layout->items[alt->first + i];
        if (item->slot == slot)
            return i;
        for (unsigned int b = 0; b < item->bit_count; b++)
            if (layout->bits[item->bits + b].slot == slot)
                return i;
    }
    return FF_NO_ITEM;
}

static void weigh_lengths(const struct ff_decoder *d, uint64_t room, struct ff_evidence *evidence)
{
    const struct ff_layout *layout = d->layout;
    const struct ff_alt *alt = &layout->alts[d->alt];
    unsigned int room_bits = ff_evidence_bits(room < FF_OFFSET_MAX ? room : FF_OFFSET_MAX);
    uint64_t payload, len;

    ff_decoder_payload(d, &payload, &len);
    for (unsigned int e = 0; e < alt->equation_count; e++) {
        const struct ff_equation *equation = &layout->equations[alt->equation + e];
        if (equation->solves == FF_NO_ITEM) { /* told again after the payload */
            unsigned int bits =
                repeated_bits(d, &layout->items[alt->first + equation->item], equation->slot);
            evidence->fixed += bits;
            evidence->repeated += bits;
        } else if (len) {
            evidence->chain += length_bits(d, equation->item, equation->slot, room_bits);
        }
    }
    for (unsigned int i = 0; i < alt->count; i++) {
        const struct ff_item *item = &layout->items[alt->first + i];
        if (item->size_kind != FF_SIZE_SLOT || d->starts[i + 1] == d->starts[i])
            continue;
        unsigned int from = item_of_slot(d, item->size_slot);
        if (from != FF_NO_ITEM)
            evidence->chain += length_bits(d, from, item->size_slot, room_bits);
    }
}

void ff_evidence_weigh(const struct ff_decoder *decoder, const struct ff_window *window,
                       uint64_t room, struct ff_evidence *evidence)
{
    const struct ff_alt *alt = &decoder->layout->alts[decoder->alt];
    const struct ff_item *items = &decoder->layout->items[alt->first];

    for (unsigned int i = 0; i < decoder->item; i++) {
        unsigned int bits = fixed_bits(decoder, window, &items[i], i, evidence);
        evidence->fixed += bits;
        if (bits > evidence->strongest)
            evidence->strongest = bits;
    }
    if (decoder->item == alt->count)
        weigh_lengths(decoder, room, evidence);
}
