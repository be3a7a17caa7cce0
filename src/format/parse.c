#include <errno.h>
#include <string.h>

#include "format/lex.h"

int ff_parser_new_slot(struct ff_parser *parser, uint8_t *ret_slot)
{
    if (parser->alt->slots == FF_ALT_SLOTS_MAX)
        return ff_lex_fail(parser, "too many numbers in one alternative (at most 64)");
    *ret_slot = parser->alt->slots++;
    return 0;
}

bool ff_layout_text_is(const struct ff_layout *layout, struct ff_text name, const char *bytes,
                       size_t len)
{
    return name.len == len && memcmp(layout->text + name.start, bytes, len) == 0;
}

uint8_t ff_parser_find_slot(const struct ff_parser *parser, const char *name, size_t len)
{
    const struct ff_layout *layout = parser->layout;
    for (unsigned int i = 0; i < parser->alt->count; i++) {
        const struct ff_item *item = ff_parser_item(parser, i);
        if (item->slot != FF_NO_SLOT && ff_layout_text_is(layout, item->name, name, len))
            return item->slot;
        for (unsigned int b = 0; b < item->bit_count; b++)
            if (ff_layout_text_is(layout, layout->bits[item->bits + b].name, name, len))
                return layout->bits[item->bits + b].slot;
    }
    return FF_NO_SLOT;
}

bool ff_parser_name_is_taken(const struct ff_parser *parser, const char *name, size_t len)
{
    if (ff_parser_find_slot(parser, name, len) != FF_NO_SLOT)
        return true;
    for (unsigned int i = 0; i < parser->alt->count; i++)
        if (ff_layout_text_is(parser->layout, ff_parser_item(parser, i)->name, name, len))
            return true;
    return false;
}

int ff_parser_add_pending(struct ff_parser *parser, const struct ff_pending *pending)
{
    if (parser->pending_count == FF_PENDING_MAX)
        return ff_lex_fail(parser, "too many equations in one alternative");
    parser->pending[parser->pending_count++] = *pending;
    return 0;
}

int ff_parser_add_implied(struct ff_parser *parser, struct ff_text word, uint8_t slot)
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
    return ff_parser_add_pending(parser, &pending);
}

void ff_parser_note_slot_role(const struct ff_parser *parser, struct ff_text word, uint8_t slot)
{
    struct ff_roles *roles = &parser->alt->roles;
    const struct {
        const char *name;
        uint8_t *slot;
    } slots[] = {
        {"time", &roles->time},           {"usec", &roles->usec},
        {"nsec", &roles->nsec},           {"time_ms", &roles->time_ms},
        {"time_us", &roles->time_us},     {"time_ns", &roles->time_ns},
        {"time_hi", &roles->time_hi},     {"time_lo", &roles->time_lo},
        {"interface", &roles->interface}, {"type", &roles->type_slot},
    };
    for (size_t i = 0; i < sizeof(slots) / sizeof(*slots); i++)
        if (ff_lex_word_is(parser, word, slots[i].name))
            *slots[i].slot = slot;
    if (parser->section == FF_PREAMBLE && ff_lex_word_is(parser, word, "frames"))
        roles->frames = slot;
}

static void note_role(const struct ff_parser *parser, struct ff_text word,
                      const struct ff_item *item)
{
    struct ff_roles *roles = &parser->alt->roles;
    bool text = item->kind == FF_ITEM_STR || item->kind == FF_ITEM_BYTES ||
                item->kind == FF_ITEM_LINE || item->kind == FF_ITEM_LITERAL;

    if (item->slot != FF_NO_SLOT)
        ff_parser_note_slot_role(parser, word, item->slot);
    if (text && ff_lex_word_is(parser, word, "type"))
        roles->type_item = parser->alt->count;
    if (text && ff_lex_word_is(parser, word, "name"))
        roles->name_item = parser->alt->count;
}

static int take_directive(struct ff_parser *parser)
{
    struct ff_alt *alt = parser->alt;
    size_t start = parser->pos++;
    struct ff_text word = ff_lex_word(parser);
    int r;

    if (ff_lex_word_is(parser, word, "hide")) {
        alt->hide = true;
    } else if (ff_lex_word_is(parser, word, "end")) {
        alt->end = true;
    } else if (ff_lex_word_is(parser, word, "section")) {
        alt->section = alt->context = true;
    } else if (ff_lex_word_is(parser, word, "context")) {
        alt->context = true;
    } else if (ff_lex_word_is(parser, word, "interface")) {
        alt->interface = alt->context = true;
    } else if (ff_lex_word_is(parser, word, "data") && ff_lex_peek(parser) == '(') {
        if (parser->payload.span || alt->roles.data != FF_NO_ITEM)
            return ff_parser_fail(parser, -EINVAL, start, word.len + 1U,
                                  "a frame has one payload; this is the second");
        if ((r = ff_parse_range(parser, &parser->payload)) < 0)
            return r;
        parser->payload.column = (uint16_t)start;
        parser->payload.span = (uint16_t)(parser->pos - start);
    } else {
        return ff_parser_fail(parser, -EINVAL, start, parser->pos - start,
                              "there are @hide, @end, @section, @context, @interface and "
                              "@data(a..b)");
    }
    if (parser->section != FF_FRAME)
        return ff_parser_fail(parser, -EINVAL, start, parser->pos - start,
                              "only a frame can be told so");
    parser->layout->has_context |= alt->context;
    return 0;
}

/* "name:" before a type or literal; where there is none, parser and *ret_word stay as they are. */
static int take_name(struct ff_parser *parser, struct ff_item *item, struct ff_text *ret_word)
{
    size_t start = parser->pos;
    struct ff_text word = ff_lex_word(parser);

    if (word.len == 0 || !ff_lex_accept(parser, ':')) {
        parser->pos = start;
        return 0;
    }
    if (word.len > FF_NAME_MAX_BYTES)
        return ff_parser_fail(parser, -EOVERFLOW, word.start, word.len,
                              "a name has at most %d bytes", FF_NAME_MAX_BYTES);
    if (ff_lex_word_is(parser, word, "record"))
        return ff_parser_fail(parser, -EINVAL, word.start, word.len,
                              "'record' means the whole frame and cannot be a name");
    if (ff_parser_name_is_taken(parser, parser->text + word.start, word.len))
        return ff_parser_fail(parser, -EINVAL, word.start, word.len, "this name is taken");
    *ret_word = word;
    return ff_lex_add_text(parser, parser->text + word.start, word.len, &item->name);
}

/* A literal, or a type with its scale, conditions and equations. */
static int take_type(struct ff_parser *parser, struct ff_item *item)
{
    int r;

    if (ff_lex_peek(parser) == '"') {
        item->kind = FF_ITEM_LITERAL;
        if ((r = ff_lex_literal(parser, &item->text)) < 0)
            return r;
        item->optional = ff_lex_accept(parser, '?');
        item->size_kind = item->optional ? FF_SIZE_READ : FF_SIZE_FIXED;
        item->size = item->text.len;
        return 0;
    }
    if ((r = ff_parse_type(parser, item)) < 0 || (r = ff_parse_scale(parser, item)) < 0)
        return r;
    /* A field may carry a condition and an equation: len:u32be!=0=size(data). */
    while (ff_lex_peek(parser) == '=' || ff_lex_peek(parser) == '!') {
        bool negated = ff_lex_accept(parser, '!');
        if (!ff_lex_accept(parser, '='))
            return ff_lex_fail(parser, "'!=' is expected here");
        if ((item->condition != FF_CONDITION_NONE || item->number_count) &&
            (ff_lex_peek(parser) == '(' || !ff_lex_is_word_start(ff_lex_peek(parser))))
            return ff_lex_fail(parser, "this field has a condition already");
        if ((r = ff_parse_value(parser, item, negated)) < 0)
            return r;
    }
    return 0;
}

/* What the item is to its alternative, by its kind and its name. pending_before: the equations
 * before it. */
static int place_item(struct ff_parser *parser, struct ff_item *item, struct ff_text word,
                      unsigned int pending_before)
{
    struct ff_alt *alt = parser->alt;
    bool told = false;
    int r;

    if (word.len) {
        note_role(parser, word, item);
        for (unsigned int i = pending_before; i < parser->pending_count; i++)
            told |= parser->pending[i].slot == item->slot;
        if (item->slot != FF_NO_SLOT && !item->bit_count && !told &&
            (r = ff_parser_add_implied(parser, word, item->slot)) < 0)
            return r;
    }
    if (word.len && ff_lex_word_is(parser, word, "data") && item->kind != FF_ITEM_DATA)
        return ff_parser_fail(parser, -EINVAL, word.start, word.len,
                              "'data' means the payload and cannot be the name of something else");
    if (item->kind == FF_ITEM_HEADERS)
        alt->roles.headers = alt->count;
    if (item->kind == FF_ITEM_DATA) {
        if (parser->section != FF_FRAME)
            return ff_parser_fail(parser, -EINVAL, item->column, item->span,
                                  "only a frame has data");
        if (alt->roles.data != FF_NO_ITEM || parser->payload.span)
            return ff_parser_fail(parser, -EINVAL, item->column, item->span,
                                  "a frame has one payload; this is the second");
        alt->roles.data = alt->roles.data_last = alt->count;
    }
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
    if ((r = take_name(parser, item, &word)) < 0 || (r = take_type(parser, item)) < 0)
        return r;
    if (item->kind == FF_ITEM_B32 &&
        (item->condition != FF_CONDITION_IN || item->mul != 1 || item->add != 0))
        return ff_parser_fail(parser, -EINVAL, start, parser->pos - start,
                              "a byte-order mark has a constant, as b32=0x1a2b3c4d");
    if (parser->pos < parser->len && !ff_lex_is_blank(ff_lex_peek(parser)))
        return ff_lex_fail(parser, "a blank is expected between items");
    item->column = (uint16_t)start;
    item->span = (uint16_t)(parser->pos - start);
    if ((r = place_item(parser, item, word, pending_before)) < 0)
        return r;
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
