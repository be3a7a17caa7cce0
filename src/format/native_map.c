/* avro_map, hadoop_text, hadoop_map: strings of a length each, counted. item->left is how many of
 * them are still to come. */
#include "base/load.h"
#include "format/native_part.h"

#define AVRO_LONG_MAX_BYTES 10

enum avro_stage { AVRO_COUNT, AVRO_SIZE, AVRO_STRINGS, AVRO_END };
enum hadoop_stage { HADOOP_COUNT, HADOOP_TEXTS };

/* The long at pos (Avro specification, "Binary Encoding": 7 bits a byte, the lowest first, zigzag
 * coded) and how many bytes it takes. */
static int read_long(struct ff_native_item *item, const struct ff_window *window,
                     int64_t *ret_value, size_t *ret_len)
{
    const uint8_t *bytes;
    size_t have = ff_native_peek(item, window, &bytes);
    uint64_t raw = 0;

    for (size_t i = 0; i < AVRO_LONG_MAX_BYTES; i++) {
        if (i == have)
            return ff_native_need(item, have, AVRO_LONG_MAX_BYTES);
        /* The tenth byte holds the 64th bit and ends the number. */
        if (i == AVRO_LONG_MAX_BYTES - 1 && bytes[i] > 1)
            break;
        raw |= (uint64_t)(bytes[i] & 0x7f) << (7 * i);
        if (!(bytes[i] & 0x80)) {
            *ret_value = (int64_t)(raw >> 1 ^ (~(raw & 1) + 1));
            *ret_len = i + 1;
            return FF_DECODE_DONE;
        }
    }
    return ff_native_fail(item, "a number of the map is longer than 64 bits");
}

static int avro_count(struct ff_native_item *item, int64_t count, size_t len)
{
    uint64_t pairs = count < 0 ? -(uint64_t)count : (uint64_t)count;

    if (pairs > FF_NATIVE_PAIRS_MAX - item->count)
        return ff_native_fail(item, "the map has more than 65536 pairs");
    item->count += pairs;
    item->left = 2 * pairs;
    item->end = 0;
    item->stage = pairs == 0 ? AVRO_END : count < 0 ? AVRO_SIZE : AVRO_STRINGS;
    return ff_native_advance(item, len, 0);
}

/* A block whose count is negative tells its bytes, so that a reader can pass over it. */
static int avro_size(struct ff_native_item *item, int64_t size, size_t len)
{
    if (size < 0)
        return ff_native_fail(item, "the size of a block of the map is negative");
    if ((uint64_t)size > FF_OFFSET_MAX - item->pos - len)
        return ff_native_fail(item, "the size of a block goes past the end of any archive");
    item->end = item->pos + len + (uint64_t)size;
    item->stage = AVRO_STRINGS;
    return ff_native_advance(item, len, 0);
}

int ff_native_avro_map(struct ff_native_item *item, const struct ff_window *window)
{
    int64_t value = 0;
    size_t len = 0;

    if (item->stage == AVRO_END)
        return FF_DECODE_DONE;
    if (item->stage == AVRO_STRINGS && item->left == 0) {
        /* Readers that pass over the block and those that do not must come to the same place. */
        if (item->end && item->pos != item->end)
            return ff_native_fail(item, "a block of the map is not as long as it says");
        item->stage = AVRO_COUNT;
    }
    int r = read_long(item, window, &value, &len);
    if (r != FF_DECODE_DONE)
        return r;
    if (item->stage == AVRO_COUNT)
        return avro_count(item, value, len);
    if (item->stage == AVRO_SIZE)
        return avro_size(item, value, len);
    if (value < 0)
        return ff_native_fail(item, "a length in the map is negative");
    item->left--;
    return ff_native_advance(item, len, (uint64_t)value);
}

/* The vint at pos, as WritableUtils.readVInt() has it, and how many bytes it takes: one that is the
 * value (-112 .. 127), or one that tells sign and size (-113 .. -120 positive, -121 .. -128
 * negative, of 1 .. 8 bytes), and the value's, big endian, inverted where it is negative. */
static int read_vint(struct ff_native_item *item, const struct ff_window *window,
                     int64_t *ret_value, size_t *ret_len)
{
    const uint8_t *bytes;
    int r = ff_native_read(item, window, item->pos, 1, &bytes);
    if (r != FF_DECODE_DONE)
        return r;
    int8_t first = (int8_t)bytes[0];
    *ret_len = 1;
    *ret_value = first;
    if (first >= -112)
        return FF_DECODE_DONE;
    unsigned int width = (unsigned int)(first < -120 ? -120 - first : -112 - first);
    r = ff_native_read(item, window, item->pos, 1 + width, &bytes);
    if (r != FF_DECODE_DONE)
        return r;
    uint64_t raw = ff_load_be(bytes + 1, width);
    *ret_value = (int64_t)(first < -120 ? ~raw : raw);
    *ret_len = 1 + width;
    return FF_DECODE_DONE;
}

/* As many texts as are left. */
static int hadoop_texts(struct ff_native_item *item, const struct ff_window *window)
{
    int64_t value = 0;
    size_t len = 0;

    if (item->left == 0)
        return FF_DECODE_DONE;
    int r = read_vint(item, window, &value, &len);
    if (r != FF_DECODE_DONE)
        return r;
    if (value < 0)
        return ff_native_fail(item, "the length of a text is negative");
    if (value > FF_NATIVE_TEXT_MAX_BYTES)
        return ff_native_fail(item, "the length of a text is more than 2147483647");
    item->left--;
    return ff_native_advance(item, len, (uint64_t)value);
}

int ff_native_hadoop_text(struct ff_native_item *item, const struct ff_window *window)
{
    if (item->stage == HADOOP_COUNT) {
        item->left = 1;
        item->stage = HADOOP_TEXTS;
    }
    return hadoop_texts(item, window);
}

int ff_native_hadoop_map(struct ff_native_item *item, const struct ff_window *window)
{
    const uint8_t *bytes;

    if (item->stage == HADOOP_TEXTS)
        return hadoop_texts(item, window);
    int r = ff_native_read(item, window, item->pos, 4, &bytes);
    if (r != FF_DECODE_DONE)
        return r;
    uint64_t pairs = ff_load_be(bytes, 4);
    if (pairs > FF_NATIVE_PAIRS_MAX)
        return ff_native_fail(item, "the map has more than 65536 pairs");
    item->count = pairs;
    item->left = 2 * pairs;
    item->stage = HADOOP_TEXTS;
    return ff_native_advance(item, 4, 0);
}
