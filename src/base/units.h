/* Numbers for people: sizes with units, escaped text, the nearest word. */
#ifndef FF_BASE_UNITS_H
#define FF_BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal digits only, the whole text. -EINVAL, -ERANGE. */
int ff_parse_u64(const char *text, uint64_t *ret_value);

/* Digits and an optional unit: B, K, M, G, T, P, E (also KiB, MiB ...: powers of 1024; kB, MB, ...:
 * powers of 1000), any case but for the difference "K" = 1024. -EINVAL, -ERANGE past 2^64-1. */
int ff_parse_size(const char *text, uint64_t *ret_bytes);

#define FF_SIZE_TEXT_BYTES 24
/* "999 B", "1.5 KiB", "16 EiB": at most three digits and a unit, for tables. Returns buf. */
const char *ff_format_size(char buf[FF_SIZE_TEXT_BYTES], uint64_t bytes);

/* The digit's value, letters of either case; -1 where it is none of that base, 16 at most. */
static inline int ff_digit_value(uint8_t c, unsigned int base)
{
    int value = -1;

    if (c >= '0' && c <= '9')
        value = c - '0';
    else if (c >= 'a' && c <= 'f')
        value = c - 'a' + 10;
    else if (c >= 'A' && c <= 'F')
        value = c - 'A' + 10;
    return value < (int)base ? value : -1;
}

/* Copies len bytes of text to out as printable UTF-8: control bytes, invalid UTF-8 and backslashes
 * become \xHH, cut at a whole character when out_size is too small. Always NUL-terminated; returns
 * the length. out_size >= 1. */
size_t ff_escape(char *out, size_t out_size, const void *text, size_t len);

/* False for what would move the cursor, end the line or turn the direction of a terminal's text,
 * and for the backslash. */
bool ff_code_is_printable(uint32_t code);

/* Whether text is printable UTF-8: all that ff_escape() would leave as it is, and backslashes. */
bool ff_is_printable(const void *text, size_t len);

/* The candidate nearest to word by edit distance, if it is near enough to be a typo of it, else
 * NULL. candidates ends with NULL. */
const char *ff_nearest(const char *word, const char *const *candidates);

#endif
