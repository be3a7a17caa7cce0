#include "format/decode.h"

#include <errno.h>
#include <string.h>

#include "base/load.h"
#include "base/units.h"
#include "format/decode_fast.h"
#include "format/headers.h"

#define UNKNOWN UINT64_MAX

void ff_decoder_init(struct ff_decoder *decoder, const struct ff_layout *layout, uint64_t limit)
{
    memset(decoder, 0, sizeof(*decoder));
    decoder->layout = layout;
    decoder->limit = limit;
    decoder->state.preamble = FF_NO_ITEM;
    decoder->state.frames_end = UNKNOWN;
}

static void begin_alt(struct ff_decoder *d)
{
    d->item = 0;
    d->pos = d->offset;
    d->order = d->state.order;
    d->begun = d->more = d->less = false;
}

uint64_t ff_decode_padding(const struct ff_layout *layout, uint64_t offset)
{
    const struct ff_directives *directives = &layout->directives;
    if (directives->block == 0)
        return 0;
    uint64_t left = directives->block - offset % directives->block;
    return left < directives->block_header ? left : 0;
}

/* The nearest of what no frame may pass. */
static void set_bound(struct ff_decoder *d)
{
    uint32_t block = d->layout->directives.block;

    d->bound = d->limit;
    d->bound_by = FF_BOUND_ARCHIVE;
    if (d->section != FF_FRAME)
        return;
    if (d->state.frames_end < d->bound) {
        d->bound = d->state.frames_end;
        d->bound_by = FF_BOUND_FRAMES;
    }
    uint64_t left = block ? block - d->offset % block : 0;
    if (block && d->offset <= FF_OFFSET_MAX - left && d->offset + left < d->bound) {
        d->bound = d->offset + left;
        d->bound_by = FF_BOUND_BLOCK;
    }
}

void ff_decode_begin(struct ff_decoder *decoder, enum ff_section section, uint64_t offset)
{
    decoder->section = (uint8_t)section;
    decoder->offset = offset;
    decoder->alt = decoder->layout->alt_first[section];
    decoder->fault = (struct ff_decode_fault){0};
    begin_alt(decoder);
}

static const struct ff_item *item_at(const struct ff_decoder *d, unsigned int index)
{
    return &d->layout->items[d->layout->alts[d->alt].first + index];
}

/* The alternative does not fit. Remembers the fault that came furthest. */
static int fail(struct ff_decoder *d, enum ff_decode_fault_kind kind, ff_value value,
                ff_value other)
{
    if (d->fault.kind == FF_FAULT_NONE || d->pos > d->fault.offset)
        d->fault = (struct ff_decode_fault){.kind = (uint8_t)kind,
                                            .alt = d->alt,
                                            .item = d->item,
                                            .bound = d->bound_by,
                                            .offset = d->pos,
                                            .value = value,
                                            .other = other};
    return -EUCLEAN;
}

static int need(struct ff_decoder *d, uint64_t offset, size_t len)
{
    d->need_offset = offset;
    d->need_len = len;
    return FF_DECODE_NEED;
}

/* How many bytes the window has from pos on. */
static size_t available(const struct ff_decoder *d, const struct ff_window *w)
{
    if (d->pos < w->offset || d->pos - w->offset > w->len)
        return 0;
    return w->len - (size_t)(d->pos - w->offset);
}

static const uint8_t *bytes_at(const struct ff_decoder *d, const struct ff_window *w)
{
    return w->bytes + (size_t)(d->pos - w->offset);
}

/* Whether len bytes from pos on go past what bounds the frame. */
static bool goes_past(struct ff_decoder *d, ff_value len)
{
    if (d->bound == UNKNOWN || len <= (ff_value)d->bound - (ff_value)d->pos)
        return false;
    d->end_seen |= d->bound_by == FF_BOUND_ARCHIVE;
    return true;
}

/* Whether len bytes stand at pos: FF_DECODE_DONE when they are in the window. */
static int want(struct ff_decoder *d, const struct ff_window *w, size_t len)
{
    if (available(d, w) >= len)
        return FF_DECODE_DONE;
    if (goes_past(d, (ff_value)len))
        return fail(d, FF_FAULT_SHORT, (ff_value)len, 0);
    return need(d, d->pos, len);
}

/* Up to max bytes are wanted, as many as there are: *ret_len of them are in the window, and more
 * neither in it nor wanted, or FF_DECODE_NEED. `have` of them were seen to be too few. */
static int want_more(struct ff_decoder *d, size_t have, size_t max)
{
    size_t len = have * 2 + 32 < max ? have * 2 + 32 : max;
    if (d->bound != UNKNOWN) {
        uint64_t left = d->pos > d->bound ? 0 : d->bound - d->pos;
        if (goes_past(d, (ff_value)have + 1))
            return fail(d, FF_FAULT_SHORT, (ff_value)have + 1, 0);
        if (left < len)
            len = (size_t)left;
    }
    return need(d, d->pos, len);
}

static int check_condition(struct ff_decoder *d, const struct ff_item *item, ff_value value)
{
    const ff_value *numbers = d->layout->numbers + item->numbers;
    bool in = false;

    switch (item->condition) {
    case FF_CONDITION_SAME:
        if (value != d->slots[item->same])
            return fail(d, FF_FAULT_DIFFERENT, value, d->slots[item->same]);
        return 0;
    case FF_CONDITION_NOT_SAME:
        if (value == d->slots[item->same])
            return fail(d, FF_FAULT_EXCLUDED, value, 0);
        return 0;
    case FF_CONDITION_IN:
    case FF_CONDITION_NOT_IN:
        for (unsigned int i = 0; i < item->number_count; i++)
            in |= numbers[i] == value;
        if (in == (item->condition == FF_CONDITION_IN))
            return 0;
        return fail(d, in ? FF_FAULT_EXCLUDED : FF_FAULT_CONSTANT, value, 0);
    default:
        return 0;
    }
}

static int set_value(struct ff_decoder *d, const struct ff_item *item, ff_value number)
{
    ff_value value = number * item->mul + item->add;
    if (item->sign != FF_SIGN_NONE && value < 0) {
        d->more |= item->sign == FF_SIGN_MORE;
        d->less |= item->sign == FF_SIGN_LESS;
        value = -value;
    }
    d->slots[item->slot] = value;
    return item->condition == FF_CONDITION_NONE ? 0 : check_condition(d, item, value);
}

/* Whether its bytes are looked at as bytes. */
static bool has_text(const struct ff_item *item)
{
    return item->condition == FF_CONDITION_TEXT || item->condition == FF_CONDITION_NOT_TEXT ||
           item->condition == FF_CONDITION_REMEMBERED || item->remember;
}

static int check_text(struct ff_decoder *d, const struct ff_item *item, const uint8_t *bytes)
{
    if (!has_text(item))
        return 0;
    if (item->remember)
        memcpy(d->remembered, bytes, (size_t)item->size);
    if (item->condition == FF_CONDITION_REMEMBERED && item->remember && !d->state.remembers)
        return 0;
    if (item->condition == FF_CONDITION_REMEMBERED)
        return memcmp(bytes, d->state.remembered, (size_t)item->size) == 0
                   ? 0
                   : fail(d, FF_FAULT_REMEMBERED, 0, 0);
    if (item->remember)
        return 0;
    bool same = memcmp(bytes, d->layout->text + item->text.start, item->text.len) == 0;
    if (item->condition == FF_CONDITION_NOT_TEXT)
        return same ? fail(d, FF_FAULT_EXCLUDED_TEXT, 0, 0) : 0;
    return same ? 0 : fail(d, FF_FAULT_LITERAL, 0, 0);
}

static int decode_int(struct ff_decoder *d, const struct ff_window *w, const struct ff_item *item)
{
    int r = want(d, w, item->width);
    if (r != FF_DECODE_DONE)
        return r;
    const uint8_t *bytes = bytes_at(d, w);
    unsigned int order = item->order == FF_ORDER_MARK ? d->order : item->order;
    uint64_t raw =
        order == FF_ORDER_BE ? ff_load_be(bytes, item->width) : ff_load_le(bytes, item->width);
    ff_value number = raw;
    unsigned int bits = item->width * 8U;
    if (item->is_signed && raw >> (bits - 1))
        number -= (ff_value)1 << bits;
    for (unsigned int b = 0, left = bits; b < item->bit_count; b++) {
        const struct ff_bits *field = &d->layout->bits[item->bits + b];
        left -= field->width;
        uint64_t mask = field->width == 64 ? UINT64_MAX : (UINT64_C(1) << field->width) - 1;
        d->slots[field->slot] = raw >> left & mask;
    }
    if ((r = check_text(d, item, bytes)) < 0 || (r = set_value(d, item, number)) < 0)
        return r;
    d->pos += item->width;
    return FF_DECODE_DONE;
}

static int decode_mark(struct ff_decoder *d, const struct ff_window *w, const struct ff_item *item)
{
    int r = want(d, w, 4);
    if (r != FF_DECODE_DONE)
        return r;
    uint64_t le = ff_load_le(bytes_at(d, w), 4), be = ff_load_be(bytes_at(d, w), 4);
    for (unsigned int i = 0; i < item->number_count; i++) {
        ff_value number = d->layout->numbers[item->numbers + i];
        if (number == (ff_value)le || number == (ff_value)be) {
            d->order = number == (ff_value)le ? FF_ORDER_LE : FF_ORDER_BE;
            d->slots[item->slot] = number;
            d->pos += 4;
            return FF_DECODE_DONE;
        }
    }
    return fail(d, FF_FAULT_CONSTANT, (ff_value)le, 0);
}

static int decode_varint(struct ff_decoder *d, const struct ff_window *w,
                         const struct ff_item *item)
{
    enum { MAX = 10 };
    size_t have = available(d, w);
    const uint8_t *bytes = have ? bytes_at(d, w) : NULL;
    uint64_t number = 0;
    size_t n = 0;

    for (;; n++) {
        if (n == have)
            return want_more(d, have, MAX);
        /* The tenth byte holds the 64th bit and ends the number. */
        if (n == MAX - 1 && bytes[n] > 1)
            return fail(d, FF_FAULT_VARINT, 0, 0);
        number |= (uint64_t)(bytes[n] & 0x7f) << (7 * n);
        if (!(bytes[n] & 0x80))
            break;
    }
    ff_value value = number;
    if (item->kind == FF_ITEM_ZIGZAG)
        value = (int64_t)(number >> 1 ^ (~(number & 1) + 1));
    int r = set_value(d, item, value);
    if (r < 0)
        return r;
    d->pos += n + 1;
    return FF_DECODE_DONE;
}

static int decode_digits(struct ff_decoder *d, const struct ff_window *w,
                         const struct ff_item *item)
{
    size_t have, n = 0;
    ff_value number = 0;

    if (item->width) {
        int r = want(d, w, item->width);
        if (r != FF_DECODE_DONE)
            return r;
        have = item->width;
    } else {
        have = available(d, w);
    }
    const uint8_t *bytes = have ? bytes_at(d, w) : NULL;
    int digit = -1;
    for (; n < have && (digit = ff_digit_value(bytes[n], item->base)) >= 0; n++) {
        if (n == FF_DIGITS_MAX)
            return fail(d, FF_FAULT_DIGITS, 0, 0);
        number = number * item->base + digit;
    }
    if (!item->width && n == have) {
        /* Digits may go on in what follows, unless the archive ends here. */
        bool ends = goes_past(d, (ff_value)have + 1);
        if (!ends || n == 0)
            return want_more(d, have, FF_DIGITS_MAX + 1);
    }
    if (n == 0 || number > (ff_value)UINT64_MAX)
        return fail(d, n ? FF_FAULT_LARGE : FF_FAULT_DIGITS, number, 0);
    size_t len = item->width ? item->width : n;
    /* Fixed columns are padded with blanks on the right (ar). */
    for (; n < len; n++)
        if (bytes[n] != ' ')
            return fail(d, FF_FAULT_DIGITS, 0, 0);
    int r;
    if ((r = check_text(d, item, bytes)) < 0 || (r = set_value(d, item, number)) < 0)
        return r;
    d->pos += len;
    return FF_DECODE_DONE;
}

static int decode_literal(struct ff_decoder *d, const struct ff_window *w,
                          const struct ff_item *item)
{
    size_t len = item->text.len;
    bool ends = goes_past(d, (ff_value)len);

    if (item->optional && ends)
        return FF_DECODE_DONE;
    /* All its bytes, before any is compared: what fails must not depend on how they come. */
    int r = want(d, w, len);
    if (r != FF_DECODE_DONE)
        return r;
    if (memcmp(bytes_at(d, w), d->layout->text + item->text.start, len) != 0)
        return item->optional ? FF_DECODE_DONE : fail(d, FF_FAULT_LITERAL, 0, 0);
    d->pos += len;
    return FF_DECODE_DONE;
}

static int decode_line(struct ff_decoder *d, const struct ff_window *w)
{
    size_t have = available(d, w);
    size_t seen = have < FF_LINE_MAX_BYTES ? have : FF_LINE_MAX_BYTES;
    const uint8_t *bytes = have ? bytes_at(d, w) : NULL;
    const uint8_t *end = seen ? memchr(bytes, '\n', seen) : NULL;

    if (end) {
        d->pos += (size_t)(end - bytes) + 1;
        return FF_DECODE_DONE;
    }
    if (seen == FF_LINE_MAX_BYTES)
        return fail(d, FF_FAULT_LINE, 0, 0);
    return want_more(d, have, FF_LINE_MAX_BYTES);
}

/* Passes over len bytes without looking at them. Where the archive's end is not known, the last of
 * them must be seen to exist: what comes later would else be judged before they are. */
static int skip(struct ff_decoder *d, const struct ff_window *w, ff_value len)
{
    if (len < 0)
        return fail(d, FF_FAULT_NEGATIVE, len, 0);
    if (len > (ff_value)(FF_OFFSET_MAX - d->pos))
        return fail(d, FF_FAULT_LARGE, len, 0);
    if (goes_past(d, len))
        return fail(d, FF_FAULT_PAST_END, len, (ff_value)d->bound - (ff_value)d->pos);
    uint64_t end = d->pos + (uint64_t)len;
    if (d->limit == UNKNOWN && len > 0 && end > w->offset + w->len)
        return need(d, end - 1, 1);
    d->pos = end;
    return FF_DECODE_DONE;
}

static int decode_align(struct ff_decoder *d, const struct ff_window *w, const struct ff_item *item)
{
    const struct ff_alt *alt = &d->layout->alts[d->alt];
    uint64_t base = item->align_base == FF_ALIGN_FILE   ? 0
                    : item->align_base == FF_ALIGN_DATA ? d->starts[alt->roles.data]
                                                        : d->offset;
    uint64_t from = d->pos - base;
    uint64_t len = from % item->size ? item->size - from % item->size : 0;
    /* The last record's padding may be missing. */
    if (d->item == alt->count - 1 && d->pos <= d->bound && goes_past(d, (ff_value)len))
        len = d->bound - d->pos;
    return skip(d, w, (ff_value)len);
}

/* The size of a payload or pad by all equations that tell it. */
static int solve(struct ff_decoder *d, ff_value *ret_len)
{
    const struct ff_alt *alt = &d->layout->alts[d->alt];
    ff_value len = -1;

    for (unsigned int e = 0; e < alt->equation_count; e++) {
        const struct ff_equation *equation = &d->layout->equations[alt->equation + e];
        if (equation->solves != d->item)
            continue;
        ff_value size = d->slots[equation->slot];
        if (size < 0)
            return fail(d, FF_FAULT_NEGATIVE, size, 0);
        if (size > (ff_value)FF_OFFSET_MAX)
            return fail(d, FF_FAULT_LARGE, size, 0);
        ff_value other = (ff_value)(d->pos - d->starts[equation->from]);
        for (unsigned int i = d->item + 1U; i <= equation->to; i++) {
            const struct ff_item *item = item_at(d, i);
            other +=
                item->size_kind == FF_SIZE_FIXED ? (ff_value)item->size : d->slots[item->size_slot];
        }
        if (size < other)
            return fail(d, FF_FAULT_SMALL, size, other);
        if (len >= 0 && size - other != len)
            return fail(d, FF_FAULT_DISAGREE, size - other, len);
        len = size - other;
    }
    uint64_t max = d->layout->directives.max;
    if (max && d->section == FF_FRAME && len > (ff_value)max)
        return fail(d, FF_FAULT_MAX, len, max);
    *ret_len = len;
    return 0;
}

/* The value of the line that tells the length: digits only, and there is one such line. */
static int header_length(struct ff_decoder *d, const struct ff_item *item, const uint8_t *block,
                         size_t len)
{
    for (unsigned int h = item->headers; h < item->headers + item->header_count; h++) {
        const struct ff_header *header = &d->layout->headers[h];
        size_t start, digits;
        ff_value number = 0;

        if (header->role != FF_HEADER_LEN)
            continue;
        unsigned int count = ff_headers_find(block, len, d->layout->text + header->name.start,
                                             header->name.len, &start, &digits);
        if (count != 1)
            return fail(d, FF_FAULT_HEADER_COUNT, count, (ff_value)h);
        bool fits = digits > 0 && digits <= FF_DIGITS_MAX;
        for (size_t i = 0; fits && i < digits; i++) {
            int digit = ff_digit_value(block[start + i], 10);
            fits = digit >= 0;
            number = number * 10 + digit;
        }
        if (!fits || number > (ff_value)UINT64_MAX)
            return fail(d, FF_FAULT_HEADER_DIGITS, 0, (ff_value)h);
        return set_value(d, item, number);
    }
    return 0;
}

static int decode_headers(struct ff_decoder *d, const struct ff_window *w,
                          const struct ff_item *item)
{
    size_t have = available(d, w), len;
    size_t seen = have < FF_HEADERS_MAX_BYTES ? have : FF_HEADERS_MAX_BYTES;
    const uint8_t *bytes = have ? bytes_at(d, w) : NULL;
    int r;

    switch (seen ? ff_headers_end(bytes, seen, &len) : FF_HEADERS_MORE) {
    case FF_HEADERS_DONE:
        if ((r = header_length(d, item, bytes, len)) < 0)
            return r;
        d->pos += len;
        return FF_DECODE_DONE;
    case FF_HEADERS_WRONG:
        d->pos += len;
        return fail(d, FF_FAULT_HEADERS, 0, 0);
    case FF_HEADERS_MORE:
        break;
    }
    if (seen == FF_HEADERS_MAX_BYTES)
        return fail(d, FF_FAULT_LINE, 0, 0);
    return want_more(d, have, FF_HEADERS_MAX_BYTES);
}

static int decode_native(struct ff_decoder *d, const struct ff_window *w,
                         const struct ff_item *item)
{
    struct ff_native_item *native = &d->native;

    native->limit = d->bound;
    native->unseen = d->limit == UNKNOWN;
    int r = ff_native_decode((enum ff_native_kind)item->native, native, w);
    if (r == FF_DECODE_NEED)
        return need(d, native->need_offset, native->need_len);
    d->pos = native->pos;
    /* One that stands at the end, or does not come so far, may go on behind it. */
    if (r == -ENODATA || d->pos >= d->bound)
        goes_past(d, (ff_value)d->bound + 1);
    if (r < 0) {
        fail(d, r == -ENODATA ? FF_FAULT_SHORT : FF_FAULT_NATIVE, 0, 0);
        if (d->fault.offset == d->pos && d->fault.kind == FF_FAULT_NATIVE)
            d->fault.text = native->fault;
        return -EUCLEAN;
    }
    return item->slot == FF_NO_SLOT ? 0 : set_value(d, item, native->value);
}

static int begin_native(struct ff_decoder *d, const struct ff_item *item)
{
    ff_value size = item->size_kind == FF_SIZE_SLOT ? d->slots[item->size_slot] : 0;

    if (item->size_kind == FF_SIZE_FIXED)
        size = (ff_value)item->size;
    if (size < 0)
        return fail(d, FF_FAULT_NEGATIVE, size, 0);
    if (size > (ff_value)FF_OFFSET_MAX)
        return fail(d, FF_FAULT_LARGE, size, 0);
    d->native = (struct ff_native_item){.start = d->pos, .pos = d->pos, .size = (uint64_t)size};
    return 0;
}

static int decode_item(struct ff_decoder *d, const struct ff_window *w, const struct ff_item *item)
{
    ff_value len;
    int r;

    switch (item->kind) {
    case FF_ITEM_INT:
        return decode_int(d, w, item);
    case FF_ITEM_B32:
        return decode_mark(d, w, item);
    case FF_ITEM_VARINT:
    case FF_ITEM_ZIGZAG:
        return decode_varint(d, w, item);
    case FF_ITEM_DIGITS:
        return decode_digits(d, w, item);
    case FF_ITEM_LITERAL:
        return decode_literal(d, w, item);
    case FF_ITEM_LINE:
        return decode_line(d, w);
    case FF_ITEM_ALIGN:
        return decode_align(d, w, item);
    case FF_ITEM_HEADERS:
        return decode_headers(d, w, item);
    case FF_ITEM_NATIVE:
        return decode_native(d, w, item);
    default:
        break;
    }
    /* Bytes whose number is known. */
    if (item->size_kind == FF_SIZE_SOLVED) {
        if ((r = solve(d, &len)) < 0)
            return r;
    } else {
        len = item->size_kind == FF_SIZE_SLOT ? d->slots[item->size_slot] : (ff_value)item->size;
    }
    if (item->kind == FF_ITEM_ZERO && len > FF_LINE_MAX_BYTES)
        return fail(d, FF_FAULT_LARGE, len, 0);
    bool looked_at = item->kind == FF_ITEM_ZERO || has_text(item);
    if (looked_at && len > 0) {
        if ((r = want(d, w, (size_t)len)) != FF_DECODE_DONE)
            return r;
        const uint8_t *bytes = bytes_at(d, w);
        if ((r = check_text(d, item, bytes)) < 0)
            return r;
        for (size_t i = 0; item->kind == FF_ITEM_ZERO && i < (size_t)len; i++)
            if (bytes[i])
                return fail(d, FF_FAULT_ZERO, bytes[i], 0);
    }
    return skip(d, w, len);
}

/* The equations that are complete with the item just decoded. */
static int check_equations(struct ff_decoder *d)
{
    const struct ff_alt *alt = &d->layout->alts[d->alt];

    for (unsigned int e = 0; e < alt->equation_count; e++) {
        const struct ff_equation *equation = &d->layout->equations[alt->equation + e];
        if (equation->check_after != d->item)
            continue;
        uint64_t end = equation->to == d->item ? d->pos : d->starts[equation->to + 1];
        ff_value size = (ff_value)(end - d->starts[equation->from]);
        if (d->slots[equation->slot] != size)
            return fail(d, FF_FAULT_SIZE, d->slots[equation->slot], size);
    }
    return 0;
}

/* All items fitted. */
static int finish_alt(struct ff_decoder *d)
{
    const struct ff_alt *alt = &d->layout->alts[d->alt];

    uint64_t max = d->layout->directives.max;

    if (goes_past(d, 0))
        return fail(d, FF_FAULT_SHORT, 0, 0);
    if (d->pos == d->offset)
        return fail(d, FF_FAULT_EMPTY, 0, 0);
    if (max && d->section == FF_FRAME && d->pos - d->offset > max)
        return fail(d, FF_FAULT_MAX, d->pos - d->offset, max);
    d->frag = d->more ? (d->less ? FF_FRAG_MIDDLE : FF_FRAG_FIRST)
                      : (d->less ? FF_FRAG_LAST : FF_FRAG_WHOLE);
    if (alt->frag_slot != FF_NO_SLOT) {
        const ff_value *numbers = d->layout->numbers + alt->frag_numbers;
        ff_value value = d->slots[alt->frag_slot];
        while (d->frag < FF_FRAGS && numbers[d->frag] != value)
            d->frag++;
        if (d->frag == FF_FRAGS)
            return fail(d, FF_FAULT_FRAG, value, 0);
    }
    if (d->section == FF_PREAMBLE && alt->roles.frames != FF_NO_SLOT) {
        ff_value frames = d->slots[alt->roles.frames];
        if (frames < 0)
            return fail(d, FF_FAULT_NEGATIVE, frames, 0);
        if (frames > (ff_value)(FF_OFFSET_MAX - d->pos))
            return fail(d, FF_FAULT_LARGE, frames, 0);
        d->state.frames_end = d->pos + (uint64_t)frames;
    }
    d->starts[alt->count] = d->pos;
    d->end = d->pos;
    d->state.order = d->order;
    if (d->section == FF_PREAMBLE) {
        d->state.preamble = d->alt;
        memcpy(d->state.remembered, d->remembered, sizeof(d->remembered));
    } else if (alt->remembers && !d->state.remembers) {
        d->state.remembers = true;
        memcpy(d->state.remembered, d->remembered, sizeof(d->remembered));
    }
    return FF_DECODE_DONE;
}

static int decode_alt(struct ff_decoder *d, const struct ff_window *w)
{
    const struct ff_alt *alt = &d->layout->alts[d->alt];
    const struct ff_item *items = &d->layout->items[alt->first];

    while (d->item < alt->count) {
        const struct ff_item *item = &items[d->item];
        int r;
        if (!d->begun) {
            d->starts[d->item] = d->pos;
            if (item->kind == FF_ITEM_NATIVE && (r = begin_native(d, item)) < 0)
                return r;
            d->begun = true;
        }
        if ((r = decode_item(d, w, item)) != FF_DECODE_DONE)
            return r;
        if (item->closes && (r = check_equations(d)) < 0)
            return r;
        d->begun = false;
        d->item++;
    }
    return finish_alt(d);
}

int ff_decode(struct ff_decoder *decoder, const struct ff_window *window)
{
    struct ff_decoder *d = decoder;
    unsigned int last = d->layout->alt_first[d->section + 1];
    struct ff_window within = *window;

    set_bound(d);
    /* What stands behind the bound is no part of a frame, whether the window has it or not. */
    if (within.offset >= d->bound)
        within.len = 0;
    else if (within.len > d->bound - within.offset)
        within.len = (size_t)(d->bound - within.offset);

    for (; d->alt < last; d->alt++, begin_alt(d)) {
        uint8_t preamble = d->layout->alts[d->alt].preamble;
        if (preamble != FF_NO_ITEM && preamble != d->state.preamble)
            continue;
        bool fresh = d->item == 0 && !d->begun;
        if (fresh && d->layout->alts[d->alt].fast.payload != FF_NO_ITEM &&
            ff_decode_fast(d, &within))
            return FF_DECODE_DONE;
        int r = decode_alt(d, &within);
        if (r >= 0)
            return r;
    }
    bool cut = (d->fault.kind == FF_FAULT_SHORT || d->fault.kind == FF_FAULT_PAST_END) &&
               d->fault.bound == FF_BOUND_ARCHIVE;
    return cut ? -ENODATA : -EUCLEAN;
}

void ff_decoder_payload(const struct ff_decoder *decoder, uint64_t *ret_offset, uint64_t *ret_len)
{
    const struct ff_roles *roles = &decoder->layout->alts[decoder->alt].roles;
    if (roles->data == FF_NO_ITEM) {
        *ret_offset = decoder->end;
        *ret_len = 0;
        return;
    }
    *ret_offset = decoder->starts[roles->data];
    *ret_len = decoder->starts[roles->data_last + 1] - decoder->starts[roles->data];
}
