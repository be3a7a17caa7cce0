/* Shared by the two halves of the compiler: parse.c reads the text of an alternative into items,
 * resolve.c turns the names in it into places and finds out how the payload's size is told. */
#ifndef FF_FORMAT_PARSE_H
#define FF_FORMAT_PARSE_H

#include "format/layout.h"

/* A function over a range, as written: names are looked up when the alternative is complete. */
struct ff_pending {
    uint8_t item;            /* that carries it, within the alternative */
    uint8_t slot;            /* of the item or bit field */
    uint8_t checksum;        /* FF_CHECKSUM_NONE: an equation of size */
    struct ff_text from, to; /* in the parser's text; both empty: the whole record */
    uint16_t column, span;
};

#define FF_PENDING_MAX (FF_ALT_ITEMS_MAX + FF_LAYOUT_BITS_MAX)

struct ff_parser {
    const char *text;
    size_t len;
    size_t pos;
    struct ff_layout *layout;
    struct ff_alt *alt;
    enum ff_section section;
    struct ff_pending pending[FF_PENDING_MAX];
    unsigned int pending_count;
    struct ff_pending payload; /* of @data(a..b); span 0: not given */
    struct ff_error *error;
};

/* Sets an error that shows the text with a caret under [column, column + span); returns code. */
int ff_parser_fail(const struct ff_parser *parser, int code, size_t column, size_t span,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));

static inline struct ff_item *ff_parser_item(const struct ff_parser *parser, unsigned int index)
{
    return &parser->layout->items[parser->alt->first + index];
}

/* A new number; an error when there are too many. */
int ff_parser_new_slot(struct ff_parser *parser, uint8_t *ret_slot);
/* The slot of an earlier field or bit field of that name, or FF_NO_SLOT. */
uint8_t ff_parser_find_slot(const struct ff_parser *parser, const char *name, size_t len);
bool ff_parser_name_is_taken(const struct ff_parser *parser, const char *name, size_t len);
int ff_parser_add_pending(struct ff_parser *parser, const struct ff_pending *pending);
/* A field or bit field called len or total tells a size, unless it says otherwise itself. */
int ff_parser_add_implied(struct ff_parser *parser, struct ff_text word, uint8_t slot);
/* Notes the meaning of a number's name. */
void ff_parser_note_slot_role(const struct ff_parser *parser, struct ff_text word, uint8_t slot);

/* Parts of an item: its type with what stands in brackets, a scale, what follows '='. */
int ff_parse_type(struct ff_parser *parser, struct ff_item *item);
int ff_parse_scale(struct ff_parser *parser, struct ff_item *item);
int ff_parse_value(struct ff_parser *parser, struct ff_item *item, bool negated);

/* "(a..b)" or "(record)", from its opening parenthesis on: into pending's from and to. */
int ff_parse_range(struct ff_parser *parser, struct ff_pending *ret_pending);
/* A number joins the item's constants. */
int ff_parse_add_number(struct ff_parser *parser, struct ff_item *item, ff_value number);

int ff_parse_alt(struct ff_parser *parser);
int ff_resolve_alt(struct ff_parser *parser);

#endif
