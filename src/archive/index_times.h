/*
 * The times of records in index files: looked up in the one in use, and kept of the records that a
 * scan finds until the one that is written has their segment.
 */
#ifndef FF_ARCHIVE_INDEX_TIMES_H
#define FF_ARCHIVE_INDEX_TIMES_H

#include "archive/index_file.h"

/* Of the index file in use, NULL where there is none. Record number's time; -ENOENT when the file
 * does not have it, or the archive's index not the record in the file; -EUCLEAN when it proves
 * damaged there. */
int ff_index_map_time(struct ff_index_map *map, uint64_t number, struct ff_time *ret_time);

/* The same of all records that were known from the file: before a writer goes on with it, which
 * cuts off those that are not in the file for the archive's index. */
int ff_index_map_time_read(struct ff_index_map *map, uint64_t number, struct ff_time *ret_time);

/* The first record from `number` on that may have a time in the span, as far as the file tells:
 * records whose times it does not have, or not undamaged, may. */
uint64_t ff_index_map_next(struct ff_index_map *map, uint64_t number,
                           const struct ff_time_span *span);

/* ---- what a writer keeps ---- */

struct ff_times_chunk;

/* All zero: empty. */
struct ff_times_kept {
    int code;                            /* why not all are kept, or 0 */
    struct ff_time *open;                /* owned; of the records of a segment that is not full */
    uint32_t count;                      /* of them */
    struct ff_times_chunk *first, *last; /* owned; of segments that are full, in order */
    struct ff_times_chunk *taken;        /* owned */
};

/* The next record's time. */
void ff_times_keep(struct ff_times_kept *kept, const struct ff_time *time);

/* The times of the records that the index takes out of the file in use into memory. */
void ff_times_keep_known(struct ff_times_kept *kept, struct ff_index_map *map);

/* No more will come: the last segment has no more records. */
void ff_times_keep_end(struct ff_times_kept *kept);

/* The chunk of the next segment's times, which is full, for a place where frames ended at offset
 * and payloads were `payload` bytes: at *ret_chunk until the next call. code, if that is negative.
 */
int ff_times_take(struct ff_times_kept *kept, uint64_t offset, uint64_t payload,
                  const uint8_t **ret_chunk, size_t *ret_len);

void ff_times_kept_done(struct ff_times_kept *kept);

#endif
