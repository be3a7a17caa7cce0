/*
 * The archives that the scale is measured with: tag4-i64le, each record's size and bytes a function
 * of its number, so that any record can be checked without the others. generated.py knows the same.
 *
 *   size     min + the upper half of mix(~number) * (max - min + 1), 128 bits wide
 *   payload  little endian words of 8 bytes, cut at its end: the number, then mix(number * 64 + i)
 *            for i = 1, 2 ..
 */
#ifndef FF_TESTS_GENERATED_H
#define FF_TESTS_GENERATED_H

#include <stdint.h>

#define GENERATED_TAG        "rec0"
#define GENERATED_TAG_BYTES  4
#define GENERATED_HEAD_BYTES 12
#define GENERATED_WORD_BYTES 8

/* Of a payload: the number fits into the least, the words of the most are no other record's. */
#define GENERATED_BYTES_MIN 8
#define GENERATED_BYTES_MAX (64 * GENERATED_WORD_BYTES)

/* The last steps of splitmix64. */
static inline uint64_t generated_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static inline uint64_t generated_size(uint64_t number, uint64_t min, uint64_t max)
{
    __extension__ typedef unsigned __int128 wide;

    return min + (uint64_t)((wide)generated_mix(~number) * (max - min + 1) >> 64);
}

static inline uint64_t generated_word(uint64_t number, uint64_t i)
{
    return i == 0 ? number : generated_mix(number * 64 + i);
}

#endif
