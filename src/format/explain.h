/* The fields of an alternative in words: where each lies, how wide it is, what it means. Pure. */
#ifndef FF_FORMAT_EXPLAIN_H
#define FF_FORMAT_EXPLAIN_H

#include "format/layout.h"

#define FF_EXPLAIN_ROWS_MAX   (FF_ALT_ITEMS_MAX + FF_LAYOUT_BITS_MAX + FF_LAYOUT_HEADERS_MAX)
#define FF_EXPLAIN_WORDS_SIZE 512

/* Texts that are too long are cut. */
struct ff_explain_row {
    char offset[FF_ITEM_LABEL_BYTES + 32]; /* from the frame's start, or after a field: "12" */
    char width[FF_ITEM_LABEL_BYTES + 32];  /* bytes: "4", "len", "rest of total", "1 to 10" */
    char field[FF_ITEM_LABEL_BYTES];       /* its name, or "" */
    char meaning[FF_EXPLAIN_WORDS_SIZE];
};

/* The fields of an alternative of that section, in order; after a number its bit fields, after
 * headers their lines. Returns how many. */
unsigned int ff_explain_alt(const struct ff_layout *layout, const struct ff_alt *alt,
                            enum ff_section section,
                            struct ff_explain_row ret_rows[FF_EXPLAIN_ROWS_MAX]);

/* An item and what it belongs to. */
struct ff_explain_field {
    const struct ff_layout *layout;
    const struct ff_alt *alt;
    enum ff_section section;
    const struct ff_item *item;
    unsigned int index; /* of the item in alt */
};

/* What the item means, and how its bytes are to be read. */
void ff_explain_meaning(const struct ff_explain_field *field, char text[FF_EXPLAIN_WORDS_SIZE]);

/* Appends what a slot's number says of the frame and its record: what it is the length of, and the
 * like; nothing when it says nothing. */
void ff_explain_slot(const struct ff_explain_field *field, uint8_t slot,
                     char text[FF_EXPLAIN_WORDS_SIZE]);

/* The name of the number, bit field or header that fills a slot; returns buf, or "". */
const char *ff_explain_slot_label(const struct ff_explain_field *field, uint8_t slot,
                                  char buf[FF_ITEM_LABEL_BYTES]);

/* Bytes as a literal of the language, with its quotes. Returns buf, cut before size. */
const char *ff_explain_literal(char *buf, size_t size, const void *bytes, size_t len);

#endif
