#include "base/units.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The digits at *text, which is moved past them. */
static int parse_digits(const char **text, uint64_t *ret_value)
{
    const char *at = *text;
    uint64_t value = 0;
    bool too_large = false;

    if (!is_digit(*at))
        return -EINVAL;
    for (; is_digit(*at); at++) {
        if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value))
            too_large = true;
    }
    *text = at;
    if (!too_large)
        *ret_value = value;
    return too_large ? -ERANGE : 0;
}

int ff_parse_u64(const char *text, uint64_t *ret_value)
{
    uint64_t value = 0;
    int r = parse_digits(&text, &value);
    if (*text)
        return -EINVAL;
    if (r < 0)
        return r;
    *ret_value = value;
    return 0;
}

/* What one unit is worth; 0 for text that is no unit. */
static uint64_t unit_bytes(const char *unit)
{
    static const char letters[] = "kmgtpe";

    if (!*unit || (to_lower(*unit) == 'b' && !unit[1]))
        return 1;
    const char *letter = strchr(letters, to_lower(*unit));
    if (!letter)
        return 0;
    uint64_t base;
    unit++;
    if (!*unit || (to_lower(unit[0]) == 'i' && to_lower(unit[1]) == 'b' && !unit[2]))
        base = 1024;
    else if (to_lower(unit[0]) == 'b' && !unit[1])
        base = 1000;
    else
        return 0;
    uint64_t bytes = base;
    for (; letter > letters; letter--)
        bytes *= base;
    return bytes;
}

int ff_parse_size(const char *text, uint64_t *ret_bytes)
{
    uint64_t value = 0;
    int r = parse_digits(&text, &value);
    if (r == -EINVAL)
        return r;
    uint64_t unit = unit_bytes(text);
    if (!unit)
        return -EINVAL;
    if (r < 0 || __builtin_mul_overflow(value, unit, &value))
        return -ERANGE;
    *ret_bytes = value;
    return 0;
}

/* bytes / 2^shift * scale, to the nearest; scale <= 100. */
static uint64_t scaled(uint64_t bytes, unsigned int shift, unsigned int scale)
{
    uint64_t whole = bytes >> shift;
    uint64_t part = bytes & ((UINT64_C(1) << shift) - 1);

    /* 50 bits of the fraction are plenty, and leave room for scale. */
    if (shift > 50) {
        part >>= shift - 50;
        shift = 50;
    }
    return whole * scale + ((part * scale + (UINT64_C(1) << (shift - 1))) >> shift);
}

const char *ff_format_size(char buf[FF_SIZE_TEXT_BYTES], uint64_t bytes)
{
    static const char letters[] = "KMGTPE";
    unsigned int unit = 0;

    if (bytes < 1000) {
        snprintf(buf, FF_SIZE_TEXT_BYTES, "%u B", (unsigned int)bytes);
        return buf;
    }
    while (scaled(bytes, 10 * (unit + 1), 1) >= 1000)
        unit++;

    unsigned int shift = 10 * (unit + 1);
    unsigned int hundredths = (unsigned int)scaled(bytes, shift, 100);
    unsigned int tenths = (unsigned int)scaled(bytes, shift, 10);
    if (hundredths < 100)
        snprintf(buf, FF_SIZE_TEXT_BYTES, "0.%02u %ciB", hundredths, letters[unit]);
    else if (tenths < 1000 && tenths % 10 != 0)
        snprintf(buf, FF_SIZE_TEXT_BYTES, "%u.%u %ciB", tenths / 10, tenths % 10, letters[unit]);
    else
        snprintf(buf, FF_SIZE_TEXT_BYTES, "%u %ciB", (unsigned int)scaled(bytes, shift, 1),
                 letters[unit]);
    return buf;
}

/* The length of the valid UTF-8 character at text, and its number; 0 when there is none (cut,
 * overlong, a surrogate, past U+10FFFF). RFC 3629. */
static unsigned int utf8_decode(const uint8_t *text, size_t len, uint32_t *ret_code)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned int width;
    uint32_t code;

    if (text[0] < 0x80) {
        *ret_code = text[0];
        return 1;
    }
    if ((text[0] & 0xe0) == 0xc0) {
        width = 2;
        code = text[0] & 0x1f;
    } else if ((text[0] & 0xf0) == 0xe0) {
        width = 3;
        code = text[0] & 0x0f;
    } else if ((text[0] & 0xf8) == 0xf0) {
        width = 4;
        code = text[0] & 0x07;
    } else {
        return 0;
    }
    if (width > len)
        return 0;
    for (unsigned int i = 1; i < width; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3f);
    }
    if (code < smallest[width] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return 0;
    *ret_code = code;
    return width;
}

bool ff_code_is_printable(uint32_t code)
{
    if (code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == '\\')
        return false;
    if (code == 0x061c || code == 0x200e || code == 0x200f) /* direction marks */
        return false;
    if (code >= 0x2028 && code <= 0x202e) /* line and paragraph separator, embeddings, overrides */
        return false;
    return !(code >= 0x2066 && code <= 0x2069); /* isolates */
}

size_t ff_escape(char *out, size_t out_size, const void *text, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    const uint8_t *bytes = text;
    size_t done = 0;

    for (size_t i = 0; i < len;) {
        uint32_t code = 0;
        unsigned int width = utf8_decode(bytes + i, len - i, &code);
        bool plain = width > 0 && ff_code_is_printable(code);
        if (width == 0)
            width = 1;
        size_t need = plain ? width : 4 * (size_t)width;
        if (need > out_size - 1 - done)
            break;
        if (plain) {
            memcpy(out + done, bytes + i, width);
            done += width;
        } else {
            for (unsigned int j = 0; j < width; j++) {
                out[done++] = '\\';
                out[done++] = 'x';
                out[done++] = hex[bytes[i + j] >> 4];
                out[done++] = hex[bytes[i + j] & 15];
            }
        }
        i += width;
    }
    out[done] = '\0';
    return done;
}

bool ff_is_printable(const void *text, size_t len)
{
    const uint8_t *bytes = text;

    for (size_t i = 0; i < len;) {
        uint32_t code = 0;
        unsigned int width = utf8_decode(bytes + i, len - i, &code);
        if (width == 0 || (!ff_code_is_printable(code) && code != '\\'))
            return false;
        i += width;
    }
    return true;
}

#define NEAREST_BYTES_MAX 64

static unsigned int least(unsigned int a, unsigned int b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: insert, delete, replace or swap two neighbours cost one each; case
 * costs nothing. Both lengths are at most NEAREST_BYTES_MAX. */
static unsigned int edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    unsigned int rows[3][NEAREST_BYTES_MAX + 1];
    unsigned int *before = rows[0], *above = rows[1], *row = rows[2];

    memset(rows, 0, sizeof(rows));
    for (size_t j = 0; j <= b_len; j++)
        row[j] = (unsigned int)j;
    for (size_t i = 1; i <= a_len; i++) {
        unsigned int *spare = before;
        before = above;
        above = row;
        row = spare;
        row[0] = (unsigned int)i;
        for (size_t j = 1; j <= b_len; j++) {
            char x = to_lower(a[i - 1]), y = to_lower(b[j - 1]);
            row[j] = least(above[j - 1] + (x != y), least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && x == to_lower(b[j - 2]) && to_lower(a[i - 2]) == y)
                row[j] = least(row[j], before[j - 2] + 1);
        }
    }
    return row[b_len];
}

const char *ff_nearest(const char *word, const char *const *candidates)
{
    const char *nearest = NULL;
    unsigned int nearest_distance = NEAREST_BYTES_MAX;
    size_t len = strlen(word);

    if (len == 0 || len > NEAREST_BYTES_MAX)
        return NULL;
    for (; *candidates; candidates++) {
        size_t candidate_len = strlen(*candidates);
        if (candidate_len == 0 || candidate_len > NEAREST_BYTES_MAX)
            continue;
        unsigned int longer = (unsigned int)(len > candidate_len ? len : candidate_len);
        unsigned int limit = longer < 6 ? 1 : longer / 3;
        unsigned int distance = edit_distance(word, len, *candidates, candidate_len);
        if (distance <= limit && distance < longer && distance < nearest_distance) {
            nearest = *candidates;
            nearest_distance = distance;
        }
    }
    return nearest;
}
