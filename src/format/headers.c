#include "format/headers.h"

#include <stdbool.h>
#include <string.h>

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

/* Where the name at pos ends: before the first byte that is none of a name (RFC 5322, 3.6.8:
 * printable ASCII but the colon). */
static size_t name_end(const uint8_t *bytes, size_t len, size_t pos)
{
    while (pos < len && bytes[pos] > ' ' && bytes[pos] < 0x7f && bytes[pos] != ':')
        pos++;
    return pos;
}

/* Where the line after that at pos begins, or 0 when the bytes end before its newline. */
static size_t next_line(const uint8_t *bytes, size_t len, size_t pos)
{
    const uint8_t *newline = memchr(bytes + pos, '\n', len - pos);
    return newline ? (size_t)(newline - bytes) + 1 : 0;
}

/* The blank line at pos, which is no name's beginning. */
static enum ff_headers_result end_at(const uint8_t *bytes, size_t len, size_t pos, size_t *ret_len)
{
    size_t newline = pos + (bytes[pos] == '\r');

    if (newline == len)
        return FF_HEADERS_MORE;
    if (bytes[newline] != '\n') {
        *ret_len = pos;
        return FF_HEADERS_WRONG;
    }
    *ret_len = newline + 1;
    return FF_HEADERS_DONE;
}

enum ff_headers_result ff_headers_end(const uint8_t *bytes, size_t len, size_t *ret_len)
{
    size_t pos = 0;

    do {
        if (pos == len)
            return FF_HEADERS_MORE;
        bool goes_on = pos > 0 && is_blank(bytes[pos]);
        if (!goes_on) {
            size_t end = name_end(bytes, len, pos);
            if (end == len)
                return FF_HEADERS_MORE;
            if (end == pos)
                return end_at(bytes, len, pos, ret_len);
            if (bytes[end] != ':') {
                *ret_len = pos;
                return FF_HEADERS_WRONG;
            }
        }
        pos = next_line(bytes, len, pos);
    } while (pos);
    return FF_HEADERS_MORE;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

/* Names are ASCII, whatever the locale. */
static bool same_name(const uint8_t *bytes, const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (lower(bytes[i]) != lower((uint8_t)name[i]))
            return false;
    return true;
}

static bool is_around_value(uint8_t c)
{
    return is_blank(c) || c == '\r' || c == '\n';
}

unsigned int ff_headers_find(const uint8_t *bytes, size_t len, const char *name, size_t name_len,
                             size_t *ret_start, size_t *ret_len)
{
    unsigned int count = 0;
    size_t next;

    for (size_t pos = 0; pos < len; pos = next) {
        size_t end = name_end(bytes, len, pos);
        next = pos;
        do
            next = next_line(bytes, len, next);
        while (next && next < len && is_blank(bytes[next]));
        if (!next)
            break;
        if (bytes[end] != ':' || end - pos != name_len || !same_name(bytes + pos, name, name_len))
            continue;
        if (count++)
            continue;
        size_t from = end + 1, to = next;
        while (from < to && is_around_value(bytes[from]))
            from++;
        while (to > from && is_around_value(bytes[to - 1]))
            to--;
        *ret_start = from;
        *ret_len = to - from;
    }
    return count;
}
