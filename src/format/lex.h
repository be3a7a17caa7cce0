/* Words, numbers and literals of a description; parse.c puts them together. Those that fail set the
 * parser's error and return a negative errno. */
#ifndef FF_FORMAT_LEX_H
#define FF_FORMAT_LEX_H

#include "format/parse.h"

/* An error at the present place. */
int ff_lex_fail(const struct ff_parser *parser, const char *message);

bool ff_lex_is_blank(char c);
bool ff_lex_is_word_start(char c);
bool ff_lex_is_word(char c);

/* The byte at the present place, NUL at the end. */
char ff_lex_peek(const struct ff_parser *parser);
/* Takes the byte if it is c. */
bool ff_lex_accept(struct ff_parser *parser, char c);
void ff_lex_skip_blanks(struct ff_parser *parser);

/* [A-Za-z_][A-Za-z0-9_]*; empty when there is none. The place is in the parser's text. */
struct ff_text ff_lex_word(struct ff_parser *parser);
bool ff_lex_word_is(const struct ff_parser *parser, struct ff_text word, const char *text);

/* Whether a name or literal in the layout is these bytes. */
bool ff_layout_text_is(const struct ff_layout *layout, struct ff_text name, const char *bytes,
                       size_t len);

/* Decimal or 0x hex, a sign before it; -2^63 .. 2^64-1. */
int ff_lex_number(struct ff_parser *parser, ff_value *ret_value);

/* The byte that an escape stands for; text, at most len bytes of it, follows the backslash. How
 * many of them the escape takes, 0 when there is no such escape. */
size_t ff_lex_escape(const char *text, size_t len, char *ret_byte);
#define FF_LEX_ESCAPES "\\n \\r \\t \\0 \\\\ \\\" and \\xHH"

/* A quoted literal, from its opening quote on: its bytes, kept in the layout's text. */
int ff_lex_literal(struct ff_parser *parser, struct ff_text *ret_text);

/* Keeps bytes in the layout's text. */
int ff_lex_add_text(struct ff_parser *parser, const char *bytes, size_t len,
                    struct ff_text *ret_text);

#endif
