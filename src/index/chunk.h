/*
 * An array that grows without moving: by chunks, eight of a size, then eight of twice the size, so
 * that at most a ninth of it is unused. Where an entry lies is arithmetic; the chunks are the
 * caller's. first_bits (3..60): the first eight chunks together hold 2^first_bits entries.
 */
#ifndef FF_INDEX_CHUNK_H
#define FF_INDEX_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#define FF_CHUNK_STEP_BITS 3

/* How many chunks reach to 2^last_bits entries. */
#define FF_CHUNKS(first_bits, last_bits) (((last_bits) - (first_bits) + 1) << FF_CHUNK_STEP_BITS)

/* The chunk that the entry lies in, and its place there. entry < 2^63 */
static inline void ff_chunk_locate(uint64_t entry, unsigned int first_bits, unsigned int *ret_chunk,
                                   size_t *ret_within)
{
    uint64_t place = entry + (UINT64_C(1) << first_bits);
    unsigned int exponent = 63 - (unsigned int)__builtin_clzll(place);
    unsigned int shift = exponent - FF_CHUNK_STEP_BITS;
    unsigned int step = (unsigned int)(place >> shift) & ((1u << FF_CHUNK_STEP_BITS) - 1);

    *ret_chunk = (exponent - first_bits) << FF_CHUNK_STEP_BITS | step;
    *ret_within = (size_t)(place & ((UINT64_C(1) << shift) - 1));
}

/* How many entries a chunk has. */
static inline size_t ff_chunk_entries(unsigned int chunk, unsigned int first_bits)
{
    return (size_t)1 << (first_bits - FF_CHUNK_STEP_BITS + (chunk >> FF_CHUNK_STEP_BITS));
}

#endif
