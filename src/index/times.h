/*
 * The times of a segment's records as bytes: docs/format-index.md has them one by one. Pure;
 * nothing is read past len, and every time is checked when it is asked for.
 *
 *   head      how many records have a time, the earliest and the latest of these
 *   rows      FF_TIMES_ROW_BYTES a block of FF_INDEX_BLOCK records: the block's earliest time, the
 *             unit and the width in which its times are packed, where they stand
 *   blocks    which records have a time, unless all or none have; then for each record how much
 *             later it is than the block's earliest
 *
 * The unit of a block is the coarsest that is exact for all of its times: of packets with
 * microseconds that are a few seconds apart, a time takes 20 to 22 bits.
 */
#ifndef FF_INDEX_TIMES_H
#define FF_INDEX_TIMES_H

#include <framefs/time.h>
#include <stdbool.h>

#include "index/segment.h"

#define FF_TIMES_HEAD_BYTES 32
#define FF_TIMES_ROW_BYTES  20

/* Bits of a time, less the earliest: all nanoseconds from FF_TIME_MIN_S to FF_TIME_MAX_S. */
#define FF_TIMES_WIDTH_MAX 69

#define FF_TIMES_BLOCK_BYTES_MAX                                                                   \
    ((1 + FF_PACK_WIDTH_MAX + FF_TIMES_WIDTH_MAX - FF_PACK_WIDTH_MAX) * FF_INDEX_BLOCK / 8)

/* Of a segment's times. */
#define FF_TIMES_BYTES_MAX                                                                         \
    (FF_TIMES_HEAD_BYTES + FF_SEGMENT_BLOCKS * (FF_TIMES_ROW_BYTES + FF_TIMES_BLOCK_BYTES_MAX))

/* A record's time; all zero where it has none. */
struct ff_time {
    bool known;
    struct timespec at; /* from FF_TIME_MIN_S on, before FF_TIME_MAX_S + 1 */
};

/* The times of several records. */
struct ff_times_bounds {
    uint32_t known;                   /* so many have one, and of these */
    struct timespec earliest, latest; /* zero where none has */
};

/* Times that are read; their bytes must outlive them. */
struct ff_times {
    uint32_t records;
    const uint8_t *rows;
    const uint8_t *blocks;
    size_t blocks_len;
};

/* Writes the times of count (1..FF_SEGMENT_RECORDS) records to buf, which has FF_TIMES_BYTES_MAX;
 * returns the bytes written. */
size_t ff_times_encode(uint8_t *buf, const struct ff_time *times, size_t count);

/* What the head says. -EUCLEAN for times that cannot be. */
int ff_times_bounds(const uint8_t head[FF_TIMES_HEAD_BYTES], struct ff_times_bounds *ret_bounds);

/* The times at buf, of a segment of `records` (1..FF_SEGMENT_RECORDS). -EUCLEAN when head and rows
 * do not fit into len bytes. */
int ff_times_open(const uint8_t *buf, size_t len, uint32_t records, struct ff_times *ret_times);

/* Looks at head and rows: each can be, and its block stands behind the one before, with nothing
 * between or behind them. -EUCLEAN. */
int ff_times_check(const struct ff_times *times);

/* Of record i < times->records. -EUCLEAN when its row or its time cannot be. */
int ff_times_get(const struct ff_times *times, uint32_t i, struct ff_time *ret_time);

/* The first record from i on whose time is in the span, times->records where there is none. Passes
 * over blocks by their rows. -EUCLEAN as ff_times_get(). */
int ff_times_find(const struct ff_times *times, uint32_t i, const struct ff_time_span *span,
                  uint32_t *ret_i);

/* Whether any time within the bounds may be in the span. */
bool ff_times_meet(const struct ff_times_bounds *bounds, const struct ff_time_span *span);

#endif
