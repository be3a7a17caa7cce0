/*
 * arrow_meta: of the flatbuffer of an Arrow Message (Message.fbs) the fields header_type and
 * bodyLength. A flatbuffer begins with the offset of its root table; a table with the distance back
 * to its vtable; a vtable with its own and the table's size in bytes, then the place in the table
 * of each field, 0 where that is left out. All little endian, nothing need be aligned.
 *
 * Places count from the flatbuffer's beginning. item->left is that of the table, then of
 * header_type; item->end of the vtable, then of bodyLength.
 */
#include <stdbool.h>

#include "base/load.h"
#include "format/native_part.h"

#define TYPE_BYTES      1
#define BODY_BYTES      8
#define VTABLE_TYPE     6  /* where the vtable tells of Message.header_type, field 1 */
#define VTABLE_BODY     10 /* Message.bodyLength, field 3 */
#define TYPE_SCHEMA     1
#define TYPE_DICTIONARY 2
#define VTABLE_WANTED   (VTABLE_BODY + 2)

enum stage { WHOLE, ROOT, TABLE, VTABLE, TYPE, BODY, END };

/* All of the flatbuffer is passed over before it is looked into, so pos is behind it then. */
static int fail(struct ff_native_item *item, const char *fault)
{
    item->pos = item->start;
    return ff_native_fail(item, fault);
}

/* len bytes of the flatbuffer. */
static int read_at(struct ff_native_item *item, const struct ff_window *window, uint64_t at,
                   size_t len, const uint8_t **ret_bytes)
{
    if (at > item->size || len > item->size - at)
        return fail(item, "an offset in the flatbuffer points outside of it");
    return ff_native_read(item, window, item->start + at, len, ret_bytes);
}

static int read_number(struct ff_native_item *item, const struct ff_window *window, uint64_t at,
                       unsigned int width, uint64_t *ret_number)
{
    const uint8_t *bytes;
    int r = read_at(item, window, at, width, &bytes);
    if (r == FF_DECODE_DONE)
        *ret_number = ff_load_le(bytes, width);
    return r;
}

/* Where in the flatbuffer the field of width bytes stands; 0: it is left out. False when it would
 * not be inside the table. */
static bool field_place(const struct ff_native_item *item, const uint8_t *vtable,
                        uint64_t vtable_size, unsigned int entry, unsigned int width,
                        uint64_t *ret_place)
{
    uint64_t table_size = ff_load_le(vtable + 2, 2);
    uint64_t at = entry + 2 <= vtable_size ? ff_load_le(vtable + entry, 2) : 0;

    *ret_place = at ? item->left + at : 0;
    return at == 0 || (at >= 4 && at + width <= table_size);
}

static int read_vtable(struct ff_native_item *item, const struct ff_window *window)
{
    const uint8_t *vtable;
    uint64_t type, body;

    int r = read_at(item, window, item->end, 4, &vtable);
    if (r != FF_DECODE_DONE)
        return r;
    uint64_t size = ff_load_le(vtable, 2), table_size = ff_load_le(vtable + 2, 2);
    if (size < 4 || size % 2 || table_size < 4 || size > item->size - item->end ||
        table_size > item->size - item->left)
        return fail(item, "a table of the flatbuffer goes past its end");
    r = read_at(item, window, item->end, size < VTABLE_WANTED ? size : VTABLE_WANTED, &vtable);
    if (r != FF_DECODE_DONE)
        return r;
    if (!field_place(item, vtable, size, VTABLE_TYPE, TYPE_BYTES, &type) ||
        !field_place(item, vtable, size, VTABLE_BODY, BODY_BYTES, &body))
        return fail(item, "a field of the flatbuffer is outside of its table");
    item->left = type;
    item->end = body;
    return FF_DECODE_DONE;
}

int ff_native_arrow_meta(struct ff_native_item *item, const struct ff_window *window)
{
    uint64_t number;
    int r = FF_DECODE_DONE;

    switch (item->stage) {
    case WHOLE:
        if (item->size > FF_NATIVE_META_MAX_BYTES)
            return ff_native_fail(item, "the flatbuffer is larger than 16 MiB");
        item->stage++;
        return ff_native_advance(item, 0, item->size);
    case ROOT:
        r = read_number(item, window, 0, 4, &item->left);
        break;
    case TABLE:
        r = read_number(item, window, item->left, 4, &number);
        if (r != FF_DECODE_DONE)
            return r;
        item->end = item->left - (uint64_t)(int64_t)(int32_t)number;
        break;
    case VTABLE:
        r = read_vtable(item, window);
        break;
    case TYPE:
        if (item->left)
            r = read_number(item, window, item->left, TYPE_BYTES, &item->count);
        break;
    case BODY:
        if (item->end)
            r = read_number(item, window, item->end, BODY_BYTES, &item->value);
        if (r == FF_DECODE_DONE && item->value > FF_OFFSET_MAX)
            return fail(item, "the length of the body is negative");
        break;
    default:
        return FF_DECODE_DONE;
    }
    if (r != FF_DECODE_DONE)
        return r;
    item->stage++;
    return FF_NATIVE_STEP;
}

int ff_native_arrow_schema(struct ff_native_item *item, const struct ff_window *window)
{
    int r = ff_native_arrow_meta(item, window);
    if (r == FF_DECODE_DONE && item->count != TYPE_SCHEMA && item->count != TYPE_DICTIONARY)
        return fail(item, "the message is neither a schema nor a dictionary");
    return r;
}
