#include "format/lex.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

int ff_parser_fail(const struct ff_parser *parser, int code, size_t column, size_t span,
                   const char *format, ...)
{
    char message[512];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);

    /* A long description is shown around the fault only. */
    enum { WIDTH = 600 };
    size_t from = column > WIDTH / 2 ? column - WIDTH / 2 : 0;
    size_t shown = parser->len - from < WIDTH ? parser->len - from : WIDTH;
    char line[WIDTH + 1], caret[WIDTH + 1];
    for (size_t i = 0; i < shown; i++) {
        unsigned char c = (unsigned char)parser->text[from + i];
        line[i] = (char)(c >= ' ' && c < 0x7f ? c : '?');
    }
    line[shown] = '\0';
    size_t at = column - from, n = 0;
    while (n < at)
        caret[n++] = ' ';
    caret[n++] = '^';
    while (n < at + span && n < shown)
        caret[n++] = '~';
    caret[n] = '\0';
    return ff_error_set(parser->error, code, "%s\n  %s\n  %s", message, line, caret);
}

int ff_lex_fail(const struct ff_parser *parser, const char *message)
{
    return ff_parser_fail(parser, -EINVAL, parser->pos, 1, "%s", message);
}

char ff_lex_peek(const struct ff_parser *parser)
{
    return parser->pos < parser->len ? parser->text[parser->pos] : '\0';
}

bool ff_lex_accept(struct ff_parser *parser, char c)
{
    if (parser->pos >= parser->len || parser->text[parser->pos] != c)
        return false;
    parser->pos++;
    return true;
}

bool ff_lex_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void ff_lex_skip_blanks(struct ff_parser *parser)
{
    while (parser->pos < parser->len && ff_lex_is_blank(parser->text[parser->pos]))
        parser->pos++;
}

bool ff_lex_is_word_start(char c)
{
    return isalpha((unsigned char)c) || c == '_';
}

bool ff_lex_is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* [A-Za-z_][A-Za-z0-9_]*; empty when there is none. */
struct ff_text ff_lex_word(struct ff_parser *parser)
{
    size_t start = parser->pos;
    if (ff_lex_is_word_start(ff_lex_peek(parser)))
        while (ff_lex_is_word(ff_lex_peek(parser)))
            parser->pos++;
    return (struct ff_text){(uint16_t)start, (uint16_t)(parser->pos - start)};
}

bool ff_lex_word_is(const struct ff_parser *parser, struct ff_text word, const char *text)
{
    return word.len == strlen(text) && memcmp(parser->text + word.start, text, word.len) == 0;
}

int ff_lex_add_text(struct ff_parser *parser, const char *bytes, size_t len,
                    struct ff_text *ret_text)
{
    struct ff_layout *layout = parser->layout;
    if (len > (size_t)(FF_LAYOUT_TEXT_BYTES - layout->text_len))
        return ff_error_set(parser->error, -EOVERFLOW,
                            "the description has more than %d bytes of names and literals",
                            FF_LAYOUT_TEXT_BYTES);
    memcpy(layout->text + layout->text_len, bytes, len);
    *ret_text = (struct ff_text){layout->text_len, (uint16_t)len};
    layout->text_len = (uint16_t)(layout->text_len + len);
    return 0;
}

/* Decimal or 0x hex, a sign before it; -2^63 .. 2^64-1. */
int ff_lex_number(struct ff_parser *parser, ff_value *ret_value)
{
    size_t start = parser->pos;
    bool negative = ff_lex_accept(parser, '-');
    unsigned int base = 10;
    if (ff_lex_peek(parser) == '0' && parser->pos + 1 < parser->len &&
        (parser->text[parser->pos + 1] == 'x' || parser->text[parser->pos + 1] == 'X')) {
        base = 16;
        parser->pos += 2;
    }
    ff_value value = 0;
    size_t digits = 0;
    for (;; parser->pos++, digits++) {
        int digit = ff_digit_value(ff_lex_peek(parser), base);
        if (digit < 0)
            break;
        value = value * base + (unsigned int)digit;
        if (value > (ff_value)UINT64_MAX)
            return ff_parser_fail(parser, -EINVAL, start, parser->pos - start + 1,
                                  "the number is larger than 2^64-1");
    }
    if (digits == 0 || ff_lex_is_word(ff_lex_peek(parser)))
        return ff_parser_fail(parser, -EINVAL, start, parser->pos - start + 1,
                              "a number is expected here: decimal, or hexadecimal after 0x");
    if (negative && value > (ff_value)INT64_MAX + 1)
        return ff_parser_fail(parser, -EINVAL, start, parser->pos - start,
                              "the number is smaller than -2^63");
    *ret_value = negative ? -value : value;
    return 0;
}

size_t ff_lex_escape(const char *text, size_t len, char *ret_byte)
{
    static const char names[] = "nrt0\\\"", values[] = "\n\r\t\0\\\"";
    const char *found = len > 0 ? memchr(names, text[0], sizeof(names) - 1) : NULL;

    if (found) {
        *ret_byte = values[found - names];
        return 1;
    }
    if (len < 3 || text[0] != 'x' || ff_digit_value(text[1], 16) < 0 ||
        ff_digit_value(text[2], 16) < 0)
        return 0;
    *ret_byte = (char)(ff_digit_value(text[1], 16) * 16 + ff_digit_value(text[2], 16));
    return 3;
}

/* A quoted literal; the parser stands at the opening quote. */
int ff_lex_literal(struct ff_parser *parser, struct ff_text *ret_text)
{
    size_t start = parser->pos++;
    char bytes[FF_LITERAL_MAX_BYTES];
    size_t len = 0;
    for (;;) {
        if (parser->pos >= parser->len)
            return ff_parser_fail(parser, -EINVAL, start, 1, "this literal has no closing quote");
        char c = parser->text[parser->pos++];
        if (c == '"')
            break;
        if (c == '\\') {
            size_t used = ff_lex_escape(parser->text + parser->pos, parser->len - parser->pos, &c);
            if (used == 0)
                return ff_parser_fail(parser, -EINVAL, parser->pos - 1, 2,
                                      "unknown escape; there are " FF_LEX_ESCAPES);
            parser->pos += used;
        }
        if (len == sizeof(bytes))
            return ff_parser_fail(parser, -EOVERFLOW, start, parser->pos - start,
                                  "a literal has at most %d bytes", FF_LITERAL_MAX_BYTES);
        bytes[len++] = c;
    }
    if (len == 0)
        return ff_parser_fail(parser, -EINVAL, start, 2, "an empty literal matches everything");
    return ff_lex_add_text(parser, bytes, len, ret_text);
}
