/* An open archive, as the files of this layer share it. */
#ifndef FF_ARCHIVE_INTERNAL_H
#define FF_ARCHIVE_INTERNAL_H

#include <framefs/archive.h>
#include <framefs/index.h>
#include <pthread.h>
#include <stdatomic.h>

#include "archive/context.h"
#include "archive/index_known.h"
#include "archive/places.h"
#include "archive/scan.h"
#include "archive/verdict.h"
#include "index/index.h"
#include "index/select.h"

/* What ff_archive_verify() gives a thread at once, up to the next record's beginning. Archives of
 * less than the other are read once, in the time that threads need to begin. */
#define FF_VERIFY_STRETCH_BYTES      (UINT64_C(8) << 20)
#define FF_VERIFY_PARALLEL_MIN_BYTES (UINT64_C(32) << 20)

struct ff_archive {
    struct ff_source *source;
    struct ff_format *format;
    struct ff_index *index;   /* of the records that are shown */
    struct ff_select *select; /* NULL: all are */
    bool (*shows)(void *context, const struct ff_details *details);
    void *shows_context;
    struct ff_scan *scan; /* of the scanning thread */
    char *name;           /* escaped, for messages */
    uint64_t interval_bytes;
    uint64_t records_max;
    uint64_t size;
    struct timespec mtime;
    bool has_times;
    bool verify_reads;
    bool verifies; /* the scan checks all that can be checked */
    struct ff_verdicts verdicts;
    struct ff_index_map *map;       /* the index file in use, or NULL */
    struct ff_index_writer *writer; /* of the scanning thread; or NULL: none is written */
    /* While one is written: what was known before anything hung on the archive's end. */
    bool end_seen;
    struct ff_index_moment safe;
    int index_refused; /* of ff_archive_use_index(): 0 or a negative errno, and its text */
    char index_reason[FF_INDEX_REASON_BYTES];

    pthread_t thread;
    bool thread_runs;
    atomic_bool stop;
    atomic_bool complete;
    void (*progress)(void *context);
    void *progress_context;

    /* Set before the first record is published. */
    uint64_t preamble_len;
    atomic_uint_least8_t epoch;

    /* Guards what follows. */
    pthread_mutex_t mutex;
    struct ff_summary summary;
    struct ff_decode_state preamble_state;
    struct ff_contexts contexts;
    struct ff_places places;
    uint64_t tail_offset, tail_len;
    struct ff_damage *damages; /* owned; at most FF_DAMAGE_MAX */
    size_t damage_count;
    struct ff_state_change *changes; /* owned; in order of record */
    size_t change_count, change_room;
};

/* The record that has so many shown ones before it: -ENOENT past the last that is known. */
int ff_archive_record_at(const struct ff_archive *archive, uint64_t rank,
                         struct ff_record *ret_record);

/* Keeps it in order of offset, and counts it. */
void ff_archive_add_damage(struct ff_archive *archive, const struct ff_damage *damage);

/* The decode state that was in force before the record's frame. */
struct ff_decode_state ff_archive_state_before(struct ff_archive *archive, uint64_t record);

/* 0 when every checksum of the record's frames matches, which is then remembered; -EBADMSG, or
 * errors as ff_archive_details() (any). */
int ff_archive_check_read(struct ff_archive *archive, const struct ff_record *record,
                          struct ff_error *error);

/* Sets an error that names the archive, the record (UINT64_MAX: none) and the offset; returns code.
 */
int ff_archive_error(const struct ff_archive *archive, struct ff_error *error, int code,
                     uint64_t record, uint64_t offset, const char *what);

/* Decodes the record's first frame again; the caller calls ff_reader_done() after success. */
int ff_archive_frame_begin(struct ff_archive *archive, const struct ff_record *record,
                           struct ff_reader *reader, struct ff_decoder *decoder,
                           struct ff_error *error);

/* The time of the record whose first frame was just decoded. */
void ff_archive_frame_time(struct ff_archive *archive, const struct ff_record *record,
                           struct ff_reader *reader, const struct ff_decoder *decoder,
                           struct ff_time *ret_time);

/* Decodes the frame of the record that stands at offset or, past padding and hidden frames, after
 * it.
 */
int ff_archive_frame_next(struct ff_archive *archive, const struct ff_record *record,
                          uint64_t offset, struct ff_reader *reader, struct ff_decoder *decoder,
                          struct ff_error *error);

/* Bytes [at, at + len) of a joined record's payload or frame, all of which exist; without a check
 * that the archive is still the same. */
int ff_archive_joined(struct ff_archive *archive, const struct ff_record *record,
                      enum ff_joined_bytes what, void *buf, size_t len, uint64_t at,
                      struct ff_error *error);

#endif
