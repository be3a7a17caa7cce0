#include "format/lex.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/units.h"

static int new_slot(struct ff_parser *parser, uint8_t *ret_slot)
{
    if (parser->alt->slots == FF_ALT_SLOTS_MAX)
        return ff_lex_fail(parser, "too many numbers in one alternative (at most 64)");
    *ret_slot = parser->alt->slots++;
    return 0;
}

static bool same_text(const struct ff_layout *layout, struct ff_text name, const char *bytes,
                      size_t len)
{
    return name.len == len && memcmp(layout->text + name.start, bytes, len) == 0;
}

/* The slot of an earlier field or bit field of that name, or FF_NO_SLOT. */
static uint8_t find_slot(const struct ff_parser *parser, const char *name, size_t len)
{
    const struct ff_layout *layout = parser->layout;
    for (unsigned int i = 0; i < parser->alt->count; i++) {
        const struct ff_item *item = ff_parser_item(parser, i);
        if (item->slot != FF_NO_SLOT && same_text(layout, item->name, name, len))
            return item->slot;
        for (unsigned int b = 0; b < item->bit_count; b++)
            if (same_text(layout, layout->bits[item->bits + b].name, name, len))
                return layout->bits[item->bits + b].slot;
    }
    return FF_NO_SLOT;
}

static bool name_is_taken(const struct ff_parser *parser, const char *name, size_t len)
{
    if (find_slot(parser, name, len) != FF_NO_SLOT)
        return true;
    for (unsigned int i = 0; i < parser->alt->count; i++)
        if (same_text(parser->layout, ff_parser_item(parser, i)->name, name, len))
            return true;
    return false;
}

/* "[n]" or "[field]" of bytes, str, zero, data. */
static int take_size(struct ff_parser *parser, struct ff_item *item)
{
    ff_value number;
    int r;

    ff_lex_skip_blanks(parser);
    if (ff_lex_is_word_start(ff_lex_peek(parser))) {
        struct ff_text word = ff_lex_word(parser);
        item->size_slot = find_slot(parser, parser->text + word.start, word.len);
        if (item->size_slot == FF_NO_SLOT)
            return ff_parser_fail(parser, -EINVAL, word.start, word.len,
                                  "no field before this one has that name and a number");
        item->size_kind = FF_SIZE_SLOT;
    } else {
        size_t start = parser->pos;
        if ((r = ff_lex_number(parser, &number)) < 0)
            return r;
        if (number < 0 || number > (ff_value)FF_OFFSET_MAX)
            return ff_parser_fail(parser, -EINVAL, start, parser->pos - start,
                                  "a size is from 0 to 2^63-1");
        item->size_kind = FF_SIZE_FIXED;
        item->size = (uint64_t)number;
    }
    ff_lex_skip_blanks(parser);
    if (!ff_lex_accept(parser, ']'))
        return ff_lex_fail(parser, "']' is expected here");
    return 0;
}

static int add_pending(struct ff_parser *parser, const struct ff_pending *pending)
{
    if (parser->pending_count == FF_PENDING_MAX)
        return ff_lex_fail(parser, "too many equations in one alternative");
    parser->pending[parser->pending_count++] = *pending;
    return 0;
}

/* A bit field or field called len or total tells a size, unless it says otherwise itself. */
static int add_implied(struct ff_parser *parser, struct ff_text word, uint8_t slot)
{
    static const char data[] = "data";
    bool total = ff_lex_word_is(parser, word, "total");
    if (!total && !ff_lex_word_is(parser, word, "len"))
        return 0;
    for (unsigned int i = 0; i < parser->pending_count; i++)
        if (parser->pending[i].slot == slot && parser->pending[i].checksum == FF_CHECKSUM_NONE)
            return 0;
    struct ff_pending pending = {
        .item = parser->alt->count, .slot = slot, .column = word.start, .span = word.len};
    /* from.start past the text marks the word "data", which need not be written anywhere. */
    if (!total)
        pending.from = pending.to = (struct ff_text){UINT16_MAX, sizeof(data) - 1};
    return add_pending(parser, &pending);
}

/* A number, or bits of one, whose name has a meaning. */
static void note_slot_role(const struct ff_parser *parser, struct ff_text word, uint8_t slot)
{
    struct ff_roles *roles = &parser->alt->roles;
    const struct {
        const char *name;
        uint8_t *slot;
    } slots[] = {
        {"time", &roles->time},       {"usec", &roles->usec},       {"nsec", &roles->nsec},
        {"time_ms", &roles->time_ms}, {"time_us", &roles->time_us}, {"time_ns", &roles->time_ns},
        {"type", &roles->type_slot},
    };
    for (size_t i = 0; i < sizeof(slots) / sizeof(*slots); i++)
        if (ff_lex_word_is(parser, word, slots[i].name))
            *slots[i].slot = slot;
}

/* "{flag:3 len:29}" */
static int take_bits(struct ff_parser *parser, struct ff_item *item)
{
    struct ff_layout *layout = parser->layout;
    size_t start = parser->pos - 1;
    unsigned int total = 0;
    int r;

    item->bits = layout->bit_count;
    for (;;) {
        ff_lex_skip_blanks(parser);
        if (ff_lex_accept(parser, '}'))
            break;
        struct ff_text word = ff_lex_word(parser);
        if (word.len == 0 || !ff_lex_accept(parser, ':'))
            return ff_lex_fail(parser, "a bit field is written name:bits");
        if (word.len > FF_NAME_MAX_BYTES)
            return ff_parser_fail(parser, -EOVERFLOW, word.start, word.len,
                                  "a name has at most %d bytes", FF_NAME_MAX_BYTES);
        if (ff_lex_word_is(parser, word, "data") || ff_lex_word_is(parser, word, "record"))
            return ff_parser_fail(parser, -EINVAL, word.start, word.len,
                                  "'data' and 'record' cannot be names of bits");
        if (ff_lex_word_is(parser, word, "frag"))
            return ff_parser_fail(parser, -ENOTSUP, word.start, word.len,
                                  "fragmented records (frag) are not supported by this version");
        ff_value width;
        size_t at = parser->pos;
        if ((r = ff_lex_number(parser, &width)) < 0)
            return r;
        if (width < 1 || width > 64)
            return ff_parser_fail(parser, -EINVAL, at, parser->pos - at,
                                  "a bit field has from 1 to 64 bits");
        total += (unsigned int)width;
        if (name_is_taken(parser, parser->text + word.start, word.len))
            return ff_parser_fail(parser, -EINVAL, word.start, word.len, "this name is taken");
        for (unsigned int b = item->bits; b < layout->bit_count; b++)
            if (same_text(layout, layout->bits[b].name, parser->text + word.start, word.len))
                return ff_parser_fail(parser, -EINVAL, word.start, word.len, "this name is taken");
        if (layout->bit_count == FF_LAYOUT_BITS_MAX)
            return ff_lex_fail(parser, "too many bit fields (at most 64)");
        struct ff_bits *bits = &layout->bits[layout->bit_count];
        bits->width = (uint8_t)width;
        if ((r = ff_lex_add_text(parser, parser->text + word.start, word.len, &bits->name)) < 0 ||
            (r = new_slot(parser, &bits->slot)) < 0)
            return r;
        layout->bit_count++;
        item->bit_count++;
        note_slot_role(parser, word, bits->slot);
        if ((r = add_implied(parser, word, bits->slot)) < 0)
            return r;
    }
    if (total != item->width * 8U)
        return ff_parser_fail(parser, -EINVAL, start, parser->pos - start,
                              "the bit fields have %u bits together, the number has %u", total,
                              item->width * 8U);
    return 0;
}

/* "u24le" and the like, from its letters; false when it is none of them. */
static bool parse_integer(const char *word, size_t len, struct ff_item *item)
{
    if (len < 2 || (word[0] != 'u' && word[0] != 'i'))
        return false;
    size_t pos = 1;
    unsigned int bits = 0;
    while (pos < len && isdigit((unsigned char)word[pos]) && bits < 100)
        bits = bits * 10 + (unsigned int)(word[pos++] - '0');
    const char *order = word + pos;
    size_t order_len = len - pos;
    if (bits == 8 && order_len == 0)
        item->order = FF_ORDER_LE;
    else if (bits % 8 || bits < 16 || bits > 64)
        return false;
    else if (order_len == 2 && memcmp(order, "le", 2) == 0)
        item->order = FF_ORDER_LE;
    else if (order_len == 2 && memcmp(order, "be", 2) == 0)
        item->order = FF_ORDER_BE;
    else if (order_len == 1 && *order == 'e')
        item->order = FF_ORDER_MARK;
    else
        return false;
    item->kind = FF_ITEM_INT;
    item->is_signed = word[0] == 'i';
    item->width = (uint8_t)(bits / 8);
    item->size_kind = FF_SIZE_FIXED;
    item->size = item->width;
    return true;
}

/* "dec", "hex8", "oct11" */
static bool parse_digits(const char *word, size_t len, struct ff_item *item)
{
    static const struct {
        const char *name;
        uint8_t base;
    } kinds[] = {{"dec", 10}, {"hex", 16}, {"oct", 8}};

    for (size_t i = 0; i < 3; i++) {
        if (len < 3 || memcmp(word, kinds[i].name, 3) != 0)
            continue;
        unsigned int width = 0;
        for (size_t pos = 3; pos < len; pos++) {
            if (!isdigit((unsigned char)word[pos]) || (pos == 3 && word[pos] == '0'))
                return false;
            width = width * 10 + (unsigned int)(word[pos] - '0');
            if (width > FF_DIGITS_MAX)
                return false;
        }
        item->kind = FF_ITEM_DIGITS;
        item->base = kinds[i].base;
        item->width = (uint8_t)width;
        item->size_kind = width ? FF_SIZE_FIXED : FF_SIZE_READ;
        item->size = width;
        return true;
    }
    return false;
}

static int take_align(struct ff_parser *parser, struct ff_item *item)
{
    ff_value number;
    int r;

    ff_lex_skip_blanks(parser);
    size_t start = parser->pos;
    if ((r = ff_lex_number(parser, &number)) < 0)
        return r;
    if (number < 1 || number > (ff_value)FF_ALIGN_MAX)
        return ff_parser_fail(parser, -EINVAL, start, parser->pos - start,
                              "an alignment is from 1 to 2^30 bytes");
    item->kind = FF_ITEM_ALIGN;
    item->size_kind = FF_SIZE_PLACE;
    item->size = (uint64_t)number;
    ff_lex_skip_blanks(parser);
    struct ff_text word = ff_lex_word(parser);
    if (ff_lex_word_is(parser, word, "file"))
        item->align_base = FF_ALIGN_FILE;
    else if (ff_lex_word_is(parser, word, "data"))
        item->align_base = FF_ALIGN_DATA;
    else if (word.len && !ff_lex_word_is(parser, word, "record"))
        return ff_parser_fail(parser, -EINVAL, word.start, word.len,
                              "an alignment counts from 'record', 'file' or 'data'");
    if (item->align_base == FF_ALIGN_DATA && parser->alt->roles.data == FF_NO_ITEM)
        return ff_parser_fail(parser, -EINVAL, word.start, word.len,
                              "the data must stand before what is aligned to its length");
    ff_lex_skip_blanks(parser);
    if (!ff_lex_accept(parser, ']'))
        return ff_lex_fail(parser, "']' is expected here");
    return 0;
}

static int unknown_type(struct ff_parser *parser, struct ff_text word)
{
    static const char *const types[] = {
        "u8",    "i8",    "u16le", "u16be", "u24le",  "u24be",  "u32le", "u32be", "u40le", "u48le",
        "u48be", "u56le", "u64le", "u64be", "i16le",  "i16be",  "i32le", "i32be", "i64le", "i64be",
        "u16e",  "u32e",  "u64e",  "b32",   "varint", "zigzag", "dec",   "hex",   "oct",   "bytes",
        "str",   "zero",  "line",  "data",  "pad",    "align",  NULL};
    char name[FF_NAME_MAX_BYTES + 1];
    size_t len = word.len < sizeof(name) - 1 ? word.len : sizeof(name) - 1;
    memcpy(name, parser->text + word.start, len);
    name[len] = '\0';
    if (strncmp(name, "headers", 7) == 0)
        return ff_parser_fail(parser, -ENOTSUP, word.start, word.len,
                              "headers{} is not supported by this version");
    const char *near = ff_nearest(name, types);
    return ff_parser_fail(parser, -EINVAL, word.start, word.len, "unknown type '%s'%s%s%s", name,
                          near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* The type and what follows it in brackets; the name before it was taken. */
static int take_type(struct ff_parser *parser, struct ff_item *item)
{
    static const struct {
        const char *name;
        uint8_t kind, size_kind;
        bool number, bracket;
    } types[] = {
        {"b32", FF_ITEM_B32, FF_SIZE_FIXED, true, false},
        {"varint", FF_ITEM_VARINT, FF_SIZE_READ, true, false},
        {"zigzag", FF_ITEM_ZIGZAG, FF_SIZE_READ, true, false},
        {"bytes", FF_ITEM_BYTES, FF_SIZE_FIXED, false, true},
        {"str", FF_ITEM_STR, FF_SIZE_FIXED, false, true},
        {"zero", FF_ITEM_ZERO, FF_SIZE_FIXED, false, true},
        {"line", FF_ITEM_LINE, FF_SIZE_READ, false, false},
        {"data", FF_ITEM_DATA, FF_SIZE_SOLVED, false, false},
        {"pad", FF_ITEM_PAD, FF_SIZE_SOLVED, false, false},
    };
    struct ff_text word = ff_lex_word(parser);
    const char *text = parser->text + word.start;
    int r;

    if (word.len == 0)
        return ff_lex_fail(parser, "a type is expected here, as u32le, varint, bytes[4] or data");
    if (ff_lex_word_is(parser, word, "align")) {
        if (!ff_lex_accept(parser, '['))
            return ff_lex_fail(parser, "align[N] says to what the place is rounded up");
        return take_align(parser, item);
    }
    if (parse_integer(text, word.len, item) || parse_digits(text, word.len, item)) {
        if ((r = new_slot(parser, &item->slot)) < 0)
            return r;
        if (item->kind == FF_ITEM_INT && ff_lex_accept(parser, '{'))
            return take_bits(parser, item);
        return 0;
    }
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        if (!ff_lex_word_is(parser, word, types[i].name))
            continue;
        item->kind = types[i].kind;
        item->size_kind = types[i].size_kind;
        if (item->kind == FF_ITEM_B32) {
            item->width = 4;
            item->size = 4;
        }
        if (types[i].number && (r = new_slot(parser, &item->slot)) < 0)
            return r;
        bool open = ff_lex_accept(parser, '[');
        if (types[i].bracket && !open)
            return ff_lex_fail(parser, "a size in brackets is expected here, as bytes[4]");
        if (open && !types[i].bracket && item->kind != FF_ITEM_DATA)
            return ff_parser_fail(parser, -EINVAL, parser->pos - 1, 1,
                                  "this type takes no size in brackets");
        if (open && (r = take_size(parser, item)) < 0)
            return r;
        if (item->kind == FF_ITEM_ZERO && item->size_kind == FF_SIZE_FIXED &&
            item->size > FF_LINE_MAX_BYTES)
            return ff_parser_fail(parser, -EOVERFLOW, word.start, parser->pos - word.start,
                                  "zero[n] has at most %d bytes", FF_LINE_MAX_BYTES);
        return 0;
    }
    return unknown_type(parser, word);
}

/* "*2", "+4", "-4" after a number's type */
static int take_scale(struct ff_parser *parser, struct ff_item *item)
{
    for (;;) {
        char op = ff_lex_peek(parser);
        if (op != '*' && op != '+' && op != '-')
            return 0;
        size_t start = parser->pos++;
        if (item->slot == FF_NO_SLOT || item->bit_count)
            return ff_parser_fail(parser, -EINVAL, start, 1, "only a number can be scaled");
        ff_value number;
        int r = ff_lex_number(parser, &number);
        if (r < 0)
            return r;
        ff_value mul = item->mul, add = item->add;
        if (op == '*') {
            mul *= number;
            add *= number;
        } else {
            add += op == '+' ? number : -number;
        }
        if (number < 0 || mul < 1 || mul > FF_SCALE_MAX || add > FF_SCALE_MAX ||
            add < -FF_SCALE_MAX)
            return ff_parser_fail(parser, -EINVAL, start, parser->pos - start,
                                  "a number is scaled by 1 to 2^32");
        item->mul = (int64_t)mul;
        item->add = (int64_t)add;
    }
}

static const struct {
    const char *name;
    uint8_t kind, width;
} checksums[] = {
    {"crc32", FF_CHECKSUM_CRC32, 4},
    {"crc32c", FF_CHECKSUM_CRC32C, 4},
    {"crc32c-masked", FF_CHECKSUM_CRC32C_MASKED, 4},
    {"adler32", FF_CHECKSUM_ADLER32, 4},
    {"sum32", FF_CHECKSUM_SUM32, 4},
    {"md5", FF_CHECKSUM_MD5, 16},
    {"xxh64", FF_CHECKSUM_XXH64, 8},
};

/* "size(data)", "crc32c(a..b)"; the word before the parenthesis was taken, it stands at '('. */
static int take_function(struct ff_parser *parser, struct ff_item *item, size_t start, size_t len)
{
    const char *name = parser->text + start;
    struct ff_pending pending = {
        .item = parser->alt->count, .slot = item->slot, .column = (uint16_t)start};

    if (len == 4 && memcmp(name, "frag", 4) == 0)
        return ff_parser_fail(parser, -ENOTSUP, start, len,
                              "fragmented records (frag) are not supported by this version");
    if (len != 4 || memcmp(name, "size", 4) != 0) {
        for (size_t i = 0; i < sizeof(checksums) / sizeof(*checksums); i++) {
            if (strlen(checksums[i].name) != len || memcmp(checksums[i].name, name, len) != 0)
                continue;
            pending.checksum = checksums[i].kind;
            bool bytes = item->kind == FF_ITEM_BYTES && item->size_kind == FF_SIZE_FIXED &&
                         item->size == checksums[i].width;
            bool number = item->kind == FF_ITEM_INT && item->width == checksums[i].width &&
                          !item->bit_count && item->mul == 1 && item->add == 0;
            if (checksums[i].kind == FF_CHECKSUM_MD5 ? !bytes : !number)
                return ff_parser_fail(parser, -EINVAL, start, len,
                                      bytes ? "%s is a number: it needs an integer of %u bytes"
                                            : "%s needs a field of %u bytes without scale",
                                      checksums[i].name, checksums[i].width);
        }
        if (pending.checksum == FF_CHECKSUM_NONE)
            return ff_parser_fail(parser, -EINVAL, start, len,
                                  "unknown function; there are size, crc32, crc32c, "
                                  "crc32c-masked, adler32, sum32, md5 and xxh64");
    } else if (item->slot == FF_NO_SLOT || item->bit_count) {
        return ff_parser_fail(parser, -EINVAL, start, len, "only a number can tell a size");
    }
    parser->pos++;
    ff_lex_skip_blanks(parser);
    pending.from = ff_lex_word(parser);
    if (pending.from.len == 0)
        return ff_lex_fail(parser, "a range is expected here: a name, a..b or record");
    pending.to = pending.from;
    if (ff_lex_peek(parser) == '.') {
        if (parser->len - parser->pos < 2 || parser->text[parser->pos + 1] != '.')
            return ff_lex_fail(parser, "a range is written a..b");
        parser->pos += 2;
        pending.to = ff_lex_word(parser);
        if (pending.to.len == 0)
            return ff_lex_fail(parser, "the range's last name is expected here");
    } else if (ff_lex_word_is(parser, pending.from, "record")) {
        pending.from.len = pending.to.len = 0;
    }
    ff_lex_skip_blanks(parser);
    if (!ff_lex_accept(parser, ')'))
        return ff_lex_fail(parser, "')' is expected here");
    pending.span = (uint16_t)(parser->pos - start);
    return add_pending(parser, &pending);
}

static int add_number(struct ff_parser *parser, struct ff_item *item, ff_value number)
{
    struct ff_layout *layout = parser->layout;
    if (layout->number_count == FF_LAYOUT_NUMBERS_MAX || item->number_count == UINT8_MAX)
        return ff_lex_fail(parser, "too many constants");
    layout->numbers[layout->number_count++] = number;
    item->number_count++;
    return 0;
}

/* What follows '=' or '!='. */
static int take_value(struct ff_parser *parser, struct ff_item *item, bool negated)
{
    size_t start = parser->pos;
    char c = ff_lex_peek(parser);
    ff_value number;
    int r;

    if (ff_lex_is_word_start(c)) {
        while (ff_lex_is_word(ff_lex_peek(parser)) || ff_lex_peek(parser) == '-')
            parser->pos++;
        size_t len = parser->pos - start;
        if (ff_lex_peek(parser) == '(') {
            if (negated)
                return ff_parser_fail(parser, -EINVAL, start, len, "'!=' takes no function");
            return take_function(parser, item, start, len);
        }
        uint8_t slot = find_slot(parser, parser->text + start, len);
        if (slot == FF_NO_SLOT)
            return ff_parser_fail(parser, -EINVAL, start, len,
                                  "no field before this one has that name and a number");
        if (item->condition != FF_CONDITION_NONE)
            return ff_parser_fail(parser, -EINVAL, start, len,
                                  "this field has a condition already");
        if (item->slot == FF_NO_SLOT || item->bit_count || item->kind == FF_ITEM_B32)
            return ff_parser_fail(parser, -EINVAL, start, len,
                                  "only a number can repeat another one");
        item->condition = negated ? FF_CONDITION_NOT_SAME : FF_CONDITION_SAME;
        item->same = slot;
        return 0;
    }
    if (c == '"') {
        if ((r = ff_lex_literal(parser, &item->text)) < 0)
            return r;
        bool fits = item->kind == FF_ITEM_INT || item->kind == FF_ITEM_BYTES ||
                    item->kind == FF_ITEM_STR || item->kind == FF_ITEM_DIGITS;
        if (!fits || item->size_kind != FF_SIZE_FIXED || item->size != item->text.len)
            return ff_parser_fail(parser, -EINVAL, start, parser->pos - start,
                                  "the literal and the field are not of the same size");
        item->condition = negated ? FF_CONDITION_NOT_TEXT : FF_CONDITION_TEXT;
        return 0;
    }
    if (item->slot == FF_NO_SLOT || item->bit_count)
        return ff_parser_fail(parser, -EINVAL, start, 1, "only a number can equal a number");
    item->numbers = parser->layout->number_count;
    item->condition = negated ? FF_CONDITION_NOT_IN : FF_CONDITION_IN;
    if (!ff_lex_accept(parser, '(')) {
        if ((r = ff_lex_number(parser, &number)) < 0)
            return r;
        return add_number(parser, item, number);
    }
    for (;;) {
        ff_lex_skip_blanks(parser);
        if (ff_lex_accept(parser, ')'))
            break;
        if ((r = ff_lex_number(parser, &number)) < 0 || (r = add_number(parser, item, number)) < 0)
            return r;
    }
    if (item->number_count == 0)
        return ff_parser_fail(parser, -EINVAL, start, parser->pos - start,
                              "a set has at least one number");
    return 0;
}

static void note_role(const struct ff_parser *parser, struct ff_text word,
                      const struct ff_item *item)
{
    struct ff_roles *roles = &parser->alt->roles;
    bool text = item->kind == FF_ITEM_STR || item->kind == FF_ITEM_BYTES ||
                item->kind == FF_ITEM_LINE || item->kind == FF_ITEM_LITERAL;

    if (item->slot != FF_NO_SLOT)
        note_slot_role(parser, word, item->slot);
    if (text && ff_lex_word_is(parser, word, "type"))
        roles->type_item = parser->alt->count;
    if (text && ff_lex_word_is(parser, word, "name"))
        roles->name_item = parser->alt->count;
}

static int take_directive(struct ff_parser *parser)
{
    size_t start = parser->pos++;
    struct ff_text word = ff_lex_word(parser);
    if (ff_lex_word_is(parser, word, "hide"))
        parser->alt->hide = true;
    else if (ff_lex_word_is(parser, word, "end"))
        parser->alt->end = true;
    else
        return ff_parser_fail(parser, -EINVAL, start, parser->pos - start,
                              "there are @hide and @end");
    if (parser->section != FF_FRAME)
        return ff_parser_fail(parser, -EINVAL, start, parser->pos - start,
                              "only frames can be hidden or the end");
    return 0;
}

static int take_item(struct ff_parser *parser)
{
    struct ff_layout *layout = parser->layout;
    struct ff_alt *alt = parser->alt;
    size_t start = parser->pos;
    struct ff_text word = {0};
    int r;

    if (ff_lex_peek(parser) == '@')
        return take_directive(parser);
    if (alt->count == FF_ALT_ITEMS_MAX || layout->item_count == FF_LAYOUT_ITEMS_MAX)
        return ff_parser_fail(parser, -EOVERFLOW, start, 1,
                              "too many items (at most %d in an alternative, %d in all)",
                              FF_ALT_ITEMS_MAX, FF_LAYOUT_ITEMS_MAX);

    struct ff_item *item = &layout->items[layout->item_count];
    *item = (struct ff_item){.slot = FF_NO_SLOT, .size_slot = FF_NO_SLOT, .mul = 1};
    unsigned int pending_before = parser->pending_count;

    word = ff_lex_word(parser);
    if (word.len && ff_lex_accept(parser, ':')) {
        if (word.len > FF_NAME_MAX_BYTES)
            return ff_parser_fail(parser, -EOVERFLOW, word.start, word.len,
                                  "a name has at most %d bytes", FF_NAME_MAX_BYTES);
        if (ff_lex_word_is(parser, word, "record"))
            return ff_parser_fail(parser, -EINVAL, word.start, word.len,
                                  "'record' means the whole frame and cannot be a name");
        if (name_is_taken(parser, parser->text + word.start, word.len))
            return ff_parser_fail(parser, -EINVAL, word.start, word.len, "this name is taken");
    } else {
        parser->pos = start;
        word.len = 0;
    }

    if (ff_lex_peek(parser) == '"') {
        item->kind = FF_ITEM_LITERAL;
        if ((r = ff_lex_literal(parser, &item->text)) < 0)
            return r;
        item->optional = ff_lex_accept(parser, '?');
        item->size_kind = item->optional ? FF_SIZE_READ : FF_SIZE_FIXED;
        item->size = item->text.len;
    } else {
        if ((r = take_type(parser, item)) < 0 || (r = take_scale(parser, item)) < 0)
            return r;
        /* A field may carry a condition and an equation: len:u32be!=0=size(data). */
        while (ff_lex_peek(parser) == '=' || ff_lex_peek(parser) == '!') {
            bool negated = ff_lex_accept(parser, '!');
            if (!ff_lex_accept(parser, '='))
                return ff_lex_fail(parser, "'!=' is expected here");
            if ((item->condition != FF_CONDITION_NONE || item->number_count) &&
                (ff_lex_peek(parser) == '(' || !ff_lex_is_word_start(ff_lex_peek(parser))))
                return ff_lex_fail(parser, "this field has a condition already");
            if ((r = take_value(parser, item, negated)) < 0)
                return r;
        }
    }
    if (item->kind == FF_ITEM_B32 &&
        (item->condition != FF_CONDITION_IN || item->mul != 1 || item->add != 0))
        return ff_parser_fail(parser, -EINVAL, start, parser->pos - start,
                              "a byte-order mark has a constant, as b32=0x1a2b3c4d");
    if (parser->pos < parser->len && !ff_lex_is_blank(ff_lex_peek(parser)))
        return ff_lex_fail(parser, "a blank is expected between items");

    item->column = (uint16_t)start;
    item->span = (uint16_t)(parser->pos - start);
    if (word.len) {
        if ((r = ff_lex_add_text(parser, parser->text + word.start, word.len, &item->name)) < 0)
            return r;
        note_role(parser, word, item);
        bool told = false;
        for (unsigned int i = pending_before; i < parser->pending_count; i++)
            told |= parser->pending[i].slot == item->slot;
        if (item->slot != FF_NO_SLOT && !item->bit_count && !told &&
            (r = add_implied(parser, word, item->slot)) < 0)
            return r;
    }
    if (word.len && ff_lex_word_is(parser, word, "data") && item->kind != FF_ITEM_DATA)
        return ff_parser_fail(parser, -EINVAL, word.start, word.len,
                              "'data' means the payload and cannot be the name of something else");
    if (item->kind == FF_ITEM_DATA) {
        if (parser->section != FF_FRAME)
            return ff_parser_fail(parser, -EINVAL, start, item->span, "only a frame has data");
        if (alt->roles.data != FF_NO_ITEM)
            return ff_parser_fail(parser, -EINVAL, start, item->span,
                                  "a frame has one payload; this is the second");
        alt->roles.data = alt->count;
    }
    alt->count++;
    layout->item_count++;
    return 0;
}

int ff_parse_alt(struct ff_parser *parser)
{
    if (parser->len > UINT16_MAX - 1)
        return ff_error_set(parser->error, -EOVERFLOW, "the description is longer than %d bytes",
                            UINT16_MAX - 1);
    for (;;) {
        ff_lex_skip_blanks(parser);
        if (parser->pos == parser->len)
            break;
        int r = take_item(parser);
        if (r < 0)
            return r;
    }
    if (parser->alt->count == 0)
        return ff_error_set(parser->error, -EINVAL, "the description has an empty part");
    return 0;
}
