#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/units.h"
#include "format/lex.h"
#include "format/native.h"

/* "[n]" or "[field]" of bytes, str, zero, data; of str also "[n "/"]". */
static int take_size(struct ff_parser *parser, struct ff_item *item)
{
    ff_value number;
    int r;

    ff_lex_skip_blanks(parser);
    if (ff_lex_is_word_start(ff_lex_peek(parser))) {
        struct ff_text word = ff_lex_word(parser);
        item->size_slot = ff_parser_find_slot(parser, parser->text + word.start, word.len);
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
    if (item->kind == FF_ITEM_STR && ff_lex_peek(parser) == '"') {
        if ((r = ff_lex_literal(parser, &item->ending)) < 0)
            return r;
        ff_lex_skip_blanks(parser);
    }
    if (!ff_lex_accept(parser, ']'))
        return ff_lex_fail(parser, "']' is expected here");
    return 0;
}

/* A bit field called frag: 0 whole, 1 first, 2 middle, 3 last. */
static int note_fragment_bits(struct ff_parser *parser, struct ff_text word,
                              const struct ff_bits *bits)
{
    struct ff_alt *alt = parser->alt;
    struct ff_item any = {0};

    /* dmlc's RecordIO has 3 bits for it. */
    if (bits->width < 2)
        return ff_parser_fail(parser, -EINVAL, word.start, word.len,
                              "frag has 2 bits or more: 0 whole, 1 first, 2 middle, 3 last");
    if (alt->frag_slot != FF_NO_SLOT)
        return ff_parser_fail(parser, -EINVAL, word.start, word.len,
                              "this frame tells its fragment already");
    alt->frag_slot = bits->slot;
    alt->frag_numbers = parser->layout->number_count;
    for (int frag = 0; frag < FF_FRAGS; frag++) {
        int r = ff_parse_add_number(parser, &any, frag);
        if (r < 0)
            return r;
    }
    return 0;
}

/* "{len=Content-Length name=WARC-Record-ID}" after headers */
static int take_headers(struct ff_parser *parser, struct ff_item *item)
{
    static const char *const roles[] = {"len", "time", "name", "type"};
    struct ff_layout *layout = parser->layout;
    int r;

    if (!ff_lex_accept(parser, '{'))
        return ff_lex_fail(parser, "headers{} says which lines tell what: headers{len=NAME}");
    item->headers = layout->header_count;
    for (;;) {
        ff_lex_skip_blanks(parser);
        if (ff_lex_accept(parser, '}'))
            return 0;
        struct ff_text word = ff_lex_word(parser);
        int role = 0;
        while (role < 4 && !ff_lex_word_is(parser, word, roles[role]))
            role++;
        if (role == 4 || !ff_lex_accept(parser, '='))
            return ff_parser_fail(parser, -EINVAL, word.start, word.len ? word.len : 1,
                                  "headers tell len=NAME, time=NAME, name=NAME or type=NAME");
        size_t start = parser->pos;
        while (ff_lex_peek(parser) > ' ' && ff_lex_peek(parser) < 0x7f &&
               !strchr(":}\"", ff_lex_peek(parser)))
            parser->pos++;
        size_t len = parser->pos - start;
        if (len == 0 || len > FF_NAME_MAX_BYTES)
            return ff_parser_fail(parser, -EINVAL, start, len ? len : 1,
                                  "a header's name has from 1 to %d bytes", FF_NAME_MAX_BYTES);
        for (unsigned int h = item->headers; h < layout->header_count; h++)
            if (layout->headers[h].role == role)
                return ff_parser_fail(parser, -EINVAL, word.start, word.len, "this is told twice");
        if (layout->header_count == FF_LAYOUT_HEADERS_MAX)
            return ff_lex_fail(parser, "too many names of headers (at most 16)");
        struct ff_header *header = &layout->headers[layout->header_count];
        header->role = (uint8_t)role;
        if ((r = ff_lex_add_text(parser, parser->text + start, len, &header->name)) < 0)
            return r;
        layout->header_count++;
        item->header_count++;
        if (role == FF_HEADER_LEN && ((r = ff_parser_new_slot(parser, &item->slot)) < 0 ||
                                      (r = ff_parser_add_implied(parser, word, item->slot)) < 0))
            return r;
    }
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
        ff_value width;
        size_t at = parser->pos;
        if ((r = ff_lex_number(parser, &width)) < 0)
            return r;
        if (width < 1 || width > 64)
            return ff_parser_fail(parser, -EINVAL, at, parser->pos - at,
                                  "a bit field has from 1 to 64 bits");
        total += (unsigned int)width;
        if (ff_parser_name_is_taken(parser, parser->text + word.start, word.len))
            return ff_parser_fail(parser, -EINVAL, word.start, word.len, "this name is taken");
        for (unsigned int b = item->bits; b < layout->bit_count; b++)
            if (ff_layout_text_is(layout, layout->bits[b].name, parser->text + word.start,
                                  word.len))
                return ff_parser_fail(parser, -EINVAL, word.start, word.len, "this name is taken");
        if (layout->bit_count == FF_LAYOUT_BITS_MAX)
            return ff_lex_fail(parser, "too many bit fields (at most 64)");
        struct ff_bits *bits = &layout->bits[layout->bit_count];
        bits->width = (uint8_t)width;
        if ((r = ff_lex_add_text(parser, parser->text + word.start, word.len, &bits->name)) < 0 ||
            (r = ff_parser_new_slot(parser, &bits->slot)) < 0)
            return r;
        layout->bit_count++;
        item->bit_count++;
        ff_parser_note_slot_role(parser, word, bits->slot);
        if (ff_lex_word_is(parser, word, "frag") &&
            (r = note_fragment_bits(parser, word, bits)) < 0)
            return r;
        if ((r = ff_parser_add_implied(parser, word, bits->slot)) < 0)
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

static int take_native(struct ff_parser *parser, struct ff_item *item, enum ff_native_kind native)
{
    int r;

    item->kind = FF_ITEM_NATIVE;
    item->native = (uint8_t)native;
    item->size_kind = FF_SIZE_READ;
    if (native == FF_NATIVE_JOURNAL_ENTRY)
        return ff_parser_new_slot(parser, &item->slot);
    if (native != FF_NATIVE_ARROW_META && native != FF_NATIVE_ARROW_SCHEMA)
        return 0;
    if (!ff_lex_accept(parser, '['))
        return ff_lex_fail(parser, "a size in brackets is expected here, as arrow_meta[n]");
    if ((r = take_size(parser, item)) < 0)
        return r;
    return ff_parser_new_slot(parser, &item->slot);
}

static int unknown_type(struct ff_parser *parser, struct ff_text word)
{
    static const char *const types[] = {
        "u8",           "i8",       "u16le",       "u16be",      "u24le",         "u24be",
        "u32le",        "u32be",    "u40le",       "u48le",      "u48be",         "u56le",
        "u64le",        "u64be",    "i16le",       "i16be",      "i32le",         "i32be",
        "i64le",        "i64be",    "u16e",        "u32e",       "u64e",          "b32",
        "varint",       "zigzag",   "dec",         "hex",        "oct",           "bytes",
        "str",          "zero",     "line",        "data",       "pad",           "align",
        "headers",      "avro_map", "hadoop_text", "hadoop_map", "journal_entry", "arrow_meta",
        "arrow_schema", NULL};
    char name[FF_NAME_MAX_BYTES + 1];
    size_t len = word.len < sizeof(name) - 1 ? word.len : sizeof(name) - 1;
    memcpy(name, parser->text + word.start, len);
    name[len] = '\0';
    const char *near = ff_nearest(name, types);
    return ff_parser_fail(parser, -EINVAL, word.start, word.len, "unknown type '%s'%s%s%s", name,
                          near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* The type and what follows it in brackets; the name before it was taken. */
int ff_parse_type(struct ff_parser *parser, struct ff_item *item)
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
        {"headers", FF_ITEM_HEADERS, FF_SIZE_READ, false, false},
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
    int native = ff_native_kind_of(text, word.len);
    if (native >= 0)
        return take_native(parser, item, (enum ff_native_kind)native);
    if (parse_integer(text, word.len, item) || parse_digits(text, word.len, item)) {
        if ((r = ff_parser_new_slot(parser, &item->slot)) < 0)
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
        if (types[i].number && (r = ff_parser_new_slot(parser, &item->slot)) < 0)
            return r;
        if (item->kind == FF_ITEM_HEADERS)
            return take_headers(parser, item);
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
