/* What is known of one record and of one damaged place. */
#ifndef FRAMEFS_RECORD_H
#define FRAMEFS_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include <framefs/time.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Where a record lies. Its frame is head, payload and tail, one after the other from offset; all
 * are bytes, and ff_record_end() never passes 2^63-1.
 *
 * A joined record lies in several frames, and its frame is these one after the other: head is that
 * of the first one, payload the size of the joined payload, tail all else. Between them are
 * `skipped` bytes that belong to none. */
struct ff_record {
    uint64_t number; /* from 0 */
    uint64_t offset; /* of the (first) frame, in the archive */
    uint64_t head;
    uint64_t payload;
    uint64_t tail;
    uint64_t skipped; /* 0 unless joined */
    bool joined;
};

static inline uint64_t ff_record_frame(const struct ff_record *record)
{
    return record->head + record->payload + record->tail;
}

/* The first byte of the archive after it. */
static inline uint64_t ff_record_end(const struct ff_record *record)
{
    return record->offset + ff_record_frame(record) + record->skipped;
}

#define FF_DETAIL_TYPE_BYTES 64
#define FF_DETAIL_NAME_BYTES 256

/* What the frame's header tells of the record besides its length. Texts are escaped: printable
 * UTF-8, free of control bytes; "" where the format has none. */
struct ff_details {
    bool has_time;
    struct timespec time; /* from FF_TIME_MIN_S on, before FF_TIME_MAX_S + 1 */
    char type[FF_DETAIL_TYPE_BYTES];
    char name[FF_DETAIL_NAME_BYTES];
};

#define FF_DAMAGE_REASON_BYTES 192

/* A stretch of the archive that holds no readable record. */
struct ff_damage {
    uint64_t offset;
    uint64_t len;    /* bytes; 0 where only the place is known */
    uint64_t record; /* the number that the record there would have had */
    int code;        /* -EUCLEAN malformed, -ENODATA the archive ends inside the frame, -EIO ... */
    char reason[FF_DAMAGE_REASON_BYTES];
};

#ifdef __cplusplus
}
#endif
#endif
