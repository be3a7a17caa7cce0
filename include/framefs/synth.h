/*
 * The generated stream: any byte of it is a pure function of its offset, so that gigabytes or
 * exabytes can be read, served and checked without being stored.
 *
 *   counter       each aligned 8 bytes are their own offset, big endian
 *   lines         each aligned 64 bytes are a text line with its number (offset / 64), 20 digits:
 *                 "line 00000000000000000042 of the stream that framefs generates.\n"
 *   byte:V        every byte is V (0..255, decimal, or 0x hex)
 *   random:SEED   each aligned 8 bytes are a pseudo-random word, big endian: word i (offset / 8) is
 *                 the output number i, from 0, of splitmix64 whose state begins as SEED (0..2^64-1,
 *                 decimal, or 0x hex): z = SEED + (i + 1) * 0x9e3779b97f4a7c15,
 *                 z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9, z = (z ^ z >> 27) * 0x94d049bb133111eb,
 *                 z ^ z >> 31, all modulo 2^64
 */
#ifndef FRAMEFS_SYNTH_H
#define FRAMEFS_SYNTH_H

#include <stddef.h>
#include <stdint.h>

#include <framefs/error.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FF_SYNTH_SIZE_MAX     ((UINT64_C(1) << 63) - 1)
#define FF_SYNTH_SIZE_DEFAULT (UINT64_C(1) << 40)

enum ff_synth_kind { FF_SYNTH_COUNTER, FF_SYNTH_LINES, FF_SYNTH_BYTE, FF_SYNTH_RANDOM };

struct ff_synth {
    uint64_t size; /* bytes, at most FF_SYNTH_SIZE_MAX */
    enum ff_synth_kind kind;
    uint64_t value; /* the byte or the seed */
};

/* Parses SIZE[:PATTERN], as "1T", "100M:lines", "4096:byte:0x61", "1G:random:7". -EINVAL; -ERANGE
 * for a size past FF_SYNTH_SIZE_MAX or a value past its range. */
int ff_synth_parse(const char *text, struct ff_synth *ret_synth, struct ff_error *error);

/* The pattern alone ("random:7"), for a size that is known already. */
int ff_synth_parse_pattern(const char *text, uint64_t size, struct ff_synth *ret_synth,
                           struct ff_error *error);

/* Fills buf with the bytes at offset: their number, fewer than len only at the end, 0 past it. */
size_t ff_synth_read(const struct ff_synth *synth, void *buf, size_t len, uint64_t offset);

/* How many of the len bytes at buf, from the first on, are those of the stream at offset: len when
 * all are. Bytes past the stream's end are wrong. */
size_t ff_synth_match(const struct ff_synth *synth, const void *buf, size_t len, uint64_t offset);

#ifdef __cplusplus
}
#endif
#endif
