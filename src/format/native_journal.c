/* journal_entry: "NAME=text\n", or "NAME\n", u64le size, so many bytes, "\n". A text's line may be
 * of any length, so it is passed over piece by piece. The time is a text too, of digits. */
#include <stdbool.h>
#include <string.h>

#include "base/load.h"
#include "format/native_part.h"

#define TEXT_PIECE_BYTES  4096
#define BINARY_SIZE_BYTES 8
#define TIME_DIGITS_MAX   19 /* that any 64 bits hold */

static const char time_name[] = "__REALTIME_TIMESTAMP";

enum stage { FIELD, TIME, TEXT, BINARY_SIZE, BINARY_END };

static bool is_name(uint8_t c, bool is_first)
{
    return (c >= 'A' && c <= 'Z') || c == '_' || (!is_first && c >= '0' && c <= '9');
}

static int read_name(struct ff_native_item *item, const uint8_t *bytes, size_t have)
{
    size_t len = 0;

    while (len < have && len <= FF_NATIVE_NAME_MAX_BYTES && is_name(bytes[len], len == 0))
        len++;
    if (len > FF_NATIVE_NAME_MAX_BYTES)
        return ff_native_fail(item, "the name of a field of the journal is longer than 64 bytes");
    if (len == have)
        return ff_native_need(item, have, FF_NATIVE_NAME_MAX_BYTES + 1);
    if (bytes[len] != '=' && bytes[len] != '\n')
        return ff_native_fail(item, "the name of a field of the journal is not of A-Z, 0-9 and _");
    if (len == 0)
        return ff_native_fail(item, "a field of the journal has no name");
    bool is_time = len == sizeof(time_name) - 1 && memcmp(bytes, time_name, len) == 0;
    item->stage = bytes[len] == '\n' ? BINARY_SIZE : is_time ? TIME : TEXT;
    return ff_native_advance(item, len + 1, 0);
}

/* A field, or the entry's end: the empty line, or the archive's end. */
static int read_field(struct ff_native_item *item, const uint8_t *bytes, size_t have)
{
    bool is_end = have ? bytes[0] == '\n' : item->pos == item->limit;

    if (is_end && item->count)
        return FF_DECODE_DONE;
    if (is_end && have)
        return ff_native_fail(item, "an entry of the journal has no field");
    if (have && item->count == FF_NATIVE_FIELDS_MAX)
        return ff_native_fail(item, "an entry of the journal has more than 65536 fields");
    return read_name(item, bytes, have);
}

static int end_field(struct ff_native_item *item, size_t taken)
{
    item->count++;
    item->stage = FIELD;
    return ff_native_advance(item, taken, 0);
}

/* The field is read as a text all the same, from the first digit on. */
static int read_time(struct ff_native_item *item, const uint8_t *bytes, size_t have)
{
    uint64_t us = 0;
    size_t len = 0;

    for (; len < have && len < TIME_DIGITS_MAX && bytes[len] >= '0' && bytes[len] <= '9'; len++)
        us = us * 10 + (uint64_t)(bytes[len] - '0');
    if (len == have)
        return ff_native_need(item, have, TIME_DIGITS_MAX + 1);
    if (len > 0 && bytes[len] == '\n' && item->value == FF_NATIVE_NO_TIME)
        item->value = us;
    item->stage = TEXT;
    return FF_NATIVE_STEP;
}

static int read_text(struct ff_native_item *item, const uint8_t *bytes, size_t have)
{
    const uint8_t *newline = have ? memchr(bytes, '\n', have) : NULL;

    if (newline)
        return end_field(item, (size_t)(newline - bytes) + 1);
    item->pos += have;
    return ff_native_need(item, 0, TEXT_PIECE_BYTES);
}

int ff_native_journal_entry(struct ff_native_item *item, const struct ff_window *window)
{
    const uint8_t *bytes;
    size_t have = ff_native_peek(item, window, &bytes);
    int r;

    if (item->pos == item->start)
        item->value = FF_NATIVE_NO_TIME;
    switch (item->stage) {
    case FIELD:
        return read_field(item, bytes, have);
    case TIME:
        return read_time(item, bytes, have);
    case TEXT:
        return read_text(item, bytes, have);
    case BINARY_SIZE:
        r = ff_native_read(item, window, item->pos, BINARY_SIZE_BYTES, &bytes);
        if (r != FF_DECODE_DONE)
            return r;
        item->stage = BINARY_END;
        return ff_native_advance(item, BINARY_SIZE_BYTES, ff_load_le(bytes, BINARY_SIZE_BYTES));
    default:
        r = ff_native_read(item, window, item->pos, 1, &bytes);
        if (r != FF_DECODE_DONE)
            return r;
        if (bytes[0] != '\n')
            return ff_native_fail(item, "no newline ends a binary field of the journal");
        return end_field(item, 1);
    }
}
