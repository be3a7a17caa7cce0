/*
 * Integers packed in as many bits as they need. No storage, no I/O; reads never pass len, whatever
 * the bytes are.
 *
 * Value i of width w lies in bits i*w .. i*w+w-1; bit 0 is the lowest bit of byte 0.
 */
#ifndef FF_INDEX_PACK_H
#define FF_INDEX_PACK_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FF_PACK_WIDTH_MAX    64
#define FF_PACK_VARINT_BYTES 10 /* at most */

/* Bits that values up to `largest` need: 0..64. */
static inline unsigned int ff_pack_width(uint64_t largest)
{
    return largest ? 64 - (unsigned int)__builtin_clzll(largest) : 0;
}

/* count <= 2^32 */
static inline size_t ff_pack_bytes(size_t count, unsigned int width)
{
    return (count * width + 7) / 8;
}

static inline uint64_t ff_pack_mask(unsigned int width)
{
    return width < 64 ? (UINT64_C(1) << width) - 1 : UINT64_MAX;
}

/* 8 bytes at buf + offset, zeros for those past len. */
static inline uint64_t ff_pack_load(const uint8_t *buf, size_t len, size_t offset)
{
    uint64_t word = 0;

    if (offset >= len)
        return 0;
    if (len - offset >= sizeof(word)) {
        memcpy(&word, buf + offset, sizeof(word));
        return le64toh(word);
    }
    for (size_t i = 0; i < len - offset; i++)
        word |= (uint64_t)buf[offset + i] << (8 * i);
    return word;
}

/* Bits that are yet to be written: `bits` of them, 0..63. */
struct ff_pack_rest {
    uint64_t word;
    unsigned int bits;
};

/* Adds a value of width bits, 1..64, and writes the word that is full: where the next one goes. */
static inline uint8_t *ff_pack_add(uint8_t *buf, struct ff_pack_rest *rest, uint64_t value,
                                   unsigned int width)
{
    unsigned int bits = rest->bits;
    uint64_t word = rest->word | value << bits;

    if (bits + width < 64) {
        *rest = (struct ff_pack_rest){.word = word, .bits = bits + width};
        return buf;
    }
    uint64_t out = htole64(word);
    memcpy(buf, &out, sizeof(out));
    *rest =
        (struct ff_pack_rest){.word = bits ? value >> (64 - bits) : 0, .bits = bits + width - 64};
    return buf + sizeof(out);
}

/* Writes value - base for each of the values, whose differences fit into width bits; buf has
 * ff_pack_bytes(count, width) bytes. */
static inline void ff_pack_write(uint8_t *buf, const uint64_t *values, size_t count,
                                 unsigned int width, uint64_t base)
{
    struct ff_pack_rest rest = {0};
    size_t i = 0;

    if (width == 0)
        return;
    /* Each step waits for the one before: four values are put together aside where they fit. */
    for (; width <= FF_PACK_WIDTH_MAX / 4 && count - i >= 4; i += 4)
        buf = ff_pack_add(buf, &rest,
                          (values[i] - base) | (values[i + 1] - base) << width |
                              (values[i + 2] - base) << (2 * width) |
                              (values[i + 3] - base) << (3 * width),
                          4 * width);
    for (; i < count; i++)
        buf = ff_pack_add(buf, &rest, values[i] - base, width);
    for (; rest.bits > 0; rest.bits = rest.bits > 8 ? rest.bits - 8 : 0, rest.word >>= 8)
        *buf++ = (uint8_t)rest.word;
}

/* The `width` bits from `bit` on. */
static inline uint64_t ff_pack_bits(const uint8_t *buf, size_t len, size_t bit, unsigned int width)
{
    unsigned int shift = bit % 8;
    uint64_t value = ff_pack_load(buf, len, bit / 8) >> shift;

    if (shift + width > 64)
        value |= ff_pack_load(buf, len, bit / 8 + 8) << (64 - shift);
    return value & ff_pack_mask(width);
}

/* Value i, without its base. */
static inline uint64_t ff_pack_get(const uint8_t *buf, size_t len, size_t i, unsigned int width)
{
    return width ? ff_pack_bits(buf, len, i * width, width) : 0;
}

/* What the lanes below can add up without passing 64 bits. */
#define FF_PACK_LANE_WIDTH_MAX 48
#define FF_PACK_LANE_COUNT_MAX 512

/* The sum of the first count values, without their bases, modulo 2^64. */
static inline uint64_t ff_pack_sum(const uint8_t *buf, size_t len, size_t count, unsigned int width)
{
    uint64_t sum = 0;
    size_t i = 0;

    if (width == 0 || count == 0)
        return 0;
    if (width <= FF_PACK_LANE_WIDTH_MAX && count <= FF_PACK_LANE_COUNT_MAX && len >= 8) {
        size_t safe = count; /* values for which one load of 8 bytes stays within len */
        if ((count - 1) * width / 8 > len - 8)
            safe = (len - 8) * 8 / width + 1;
        if (safe > count)
            safe = count;
        /* 8 values take `width` bytes: values 8 apart begin at the same bit of a byte. So each lane
         * of them adds up in place, and is shifted once. */
        for (size_t lane = 0; lane < 8 && lane < safe; lane++) {
            const uint8_t *at = buf + lane * width / 8;
            unsigned int shift = lane * width % 8;
            uint64_t mask = ff_pack_mask(width) << shift;
            uint64_t lane_sum = 0;
            for (i = lane; i < safe; i += 8, at += width) {
                uint64_t word;
                memcpy(&word, at, sizeof(word));
                lane_sum += le64toh(word) & mask;
            }
            sum += lane_sum >> shift;
        }
        i = safe;
    }
    for (; i < count; i++)
        sum += ff_pack_get(buf, len, i, width);
    return sum;
}

/* LEB128. buf has FF_PACK_VARINT_BYTES. Returns the bytes written. */
static inline size_t ff_pack_varint_write(uint8_t *buf, uint64_t value)
{
    size_t len = 0;

    for (; value >= 0x80; value >>= 7)
        buf[len++] = (uint8_t)(value | 0x80);
    buf[len++] = (uint8_t)value;
    return len;
}

/* Returns the bytes read, 0 when they are cut short or no 64-bit number. */
static inline size_t ff_pack_varint_read(const uint8_t *buf, size_t len, uint64_t *ret_value)
{
    uint64_t value = 0;

    for (size_t i = 0; i < len && i < FF_PACK_VARINT_BYTES; i++) {
        uint64_t part = buf[i] & 0x7f;
        if (i == FF_PACK_VARINT_BYTES - 1 && buf[i] > 1)
            return 0;
        value |= part << (7 * i);
        if (!(buf[i] & 0x80)) {
            *ret_value = value;
            return i + 1;
        }
    }
    return 0;
}

#endif
