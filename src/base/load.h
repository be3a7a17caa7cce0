/* Loads of integers from bytes: the one place where byte order is known. The caller has checked
 * that the bytes are there. */
#ifndef FF_BASE_LOAD_H
#define FF_BASE_LOAD_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

/* width: 1..8 bytes. The widths of machine words are one load each; scans spend their time here. */
static inline uint64_t ff_load_le(const uint8_t *bytes, unsigned int width)
{
    uint64_t value = 0;
    uint32_t word;

    switch (width) {
    case 8:
        memcpy(&value, bytes, 8);
        return le64toh(value);
    case 4:
        memcpy(&word, bytes, 4);
        return le32toh(word);
    default:
        for (unsigned int i = 0; i < width; i++)
            value |= (uint64_t)bytes[i] << (8 * i);
        return value;
    }
}

static inline uint64_t ff_load_be(const uint8_t *bytes, unsigned int width)
{
    uint64_t value = 0;
    uint32_t word;

    switch (width) {
    case 8:
        memcpy(&value, bytes, 8);
        return be64toh(value);
    case 4:
        memcpy(&word, bytes, 4);
        return be32toh(word);
    default:
        for (unsigned int i = 0; i < width; i++)
            value = value << 8 | bytes[i];
        return value;
    }
}

static inline void ff_store_be(uint8_t *bytes, uint64_t value, unsigned int width)
{
    for (unsigned int i = 0; i < width; i++)
        bytes[i] = (uint8_t)(value >> (8 * (width - 1 - i)));
}

static inline void ff_store_le(uint8_t *bytes, uint64_t value, unsigned int width)
{
    for (unsigned int i = 0; i < width; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

#endif
