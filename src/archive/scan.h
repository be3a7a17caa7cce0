/* What the archive learns from a scan besides its events. */
#ifndef FF_ARCHIVE_SCAN_H
#define FF_ARCHIVE_SCAN_H

#include <framefs/scan.h>

#include "archive/context.h"
#include "archive/join.h"
#include "archive/joined.h"
#include "archive/reader.h"
#include "archive/resync.h"
#include "format/decode_fast.h"

/* Frames of so many bytes are read through in the time of a jump over them, on a cold cache
 * (docs/PERFORMANCE.md has the curve). */
#define FF_SCAN_NEAR_BYTES ((size_t)192 << 10)

/* From this record on the decode state is this one, packed. */
struct ff_state_change {
    uint64_t record;
    uint32_t state;
};

/* All that what follows in the archive hangs on, besides the contexts and the record before.
 * Between two records. */
struct ff_scan_point {
    struct ff_scan_position position;
    struct ff_decode_state state;
    uint64_t preamble_len;
    uint64_t tail_offset, tail_len;
    uint64_t tried; /* of struct ff_resync_past */
    size_t contexts;
    bool contexts_full;
};

struct ff_scan {
    struct ff_reader reader;
    struct ff_decoder decoder;
    const struct ff_format *format;
    struct ff_scan_position position; /* of the next frame */
    uint64_t preamble_len;
    /* The postamble or end frame, once it was met; len 0 until then. */
    uint64_t tail_offset, tail_len;
    uint32_t frame_state; /* in force before the first frame of the record that was decoded last */
    bool has_record;      /* `first` is the decoder of its first frame */
    bool done;
    bool sums;             /* checksums are checked as well */
    uint64_t sums_checked; /* how many by now */
    uint64_t until;        /* no frame that begins here or behind is looked at */
    struct ff_join join;
    const struct ff_decoder *first; /* one of decoder and joined, or NULL: to be decoded again */
    struct ff_decoder joined;       /* of a joined record's first frame */
    struct ff_record record;        /* that was given last; all zero: none */
    struct ff_joined_point point;   /* where ff_scan_read() is in it, if it is joined */
    enum ff_joined_bytes point_of;  /* reading these */
    struct ff_contexts contexts;
    struct ff_resync_past past;
    uint64_t like_offset;        /* of the record that past.like is of */
    uint64_t not_zero;           /* a byte of the archive that is not zero; 0: none is known */
    struct ff_run run;           /* decoded ahead; those from run_next on are yet to be given */
    unsigned int run_next;       /* at most run.count */
    unsigned int run_sums;       /* checksums that were checked in each */
    struct ff_scan_event queued; /* to be given before anything else is looked at */
    bool has_queued;
    struct ff_scan_point safe; /* the last one before anything hung on the archive's end */
};

/* As ff_scan_next(), but comes back with 1 and no event after many hidden frames in a row, so that
 * the caller can stop there. */
int ff_scan_step(struct ff_scan *scan, struct ff_scan_event *ret_event, struct ff_error *error);

/* More records, at most max, that follow the one that ff_scan_step() gave last, end to end, their
 * heads and tails being as long as its: how many, and at *ret_ends where each one's frame ends,
 * until the next call. They count as given, as if by so many steps. */
unsigned int ff_scan_rest(struct ff_scan *scan, uint64_t max, const uint64_t **ret_ends);

/* As ff_scan_details(), but the time alone. */
int ff_scan_time(struct ff_scan *scan, struct ff_time *ret_time);

/* The same of one that ff_scan_rest() gave last, whose frame lies from offset to end. */
int ff_scan_rest_time(struct ff_scan *scan, uint64_t offset, uint64_t end,
                      struct ff_time *ret_time);

/* From now on a frame whose checksum is wrong is a damage of code -EBADMSG, before its record. */
void ff_scan_check_sums(struct ff_scan *scan);

/* The scan ends before the frame that begins at offset, as if the archive ended there well. */
void ff_scan_end_at(struct ff_scan *scan, uint64_t offset);

/* Whether anything that was given by now hangs on where the archive ends: were there more bytes
 * behind it, a scan would give the same only up to scan->safe. */
bool ff_scan_sees_end(const struct ff_scan *scan);

/* Where the scan stands now, after a record that it has given. */
void ff_scan_point(const struct ff_scan *scan, struct ff_scan_point *ret_point);

/* Goes on from there instead of from the beginning, before anything was asked for. contexts: of
 * the archive; the first point->contexts of them count. record: the one before, NULL when there is
 * none. end_seen: ff_scan_sees_end() was true there. -ENOMEM. */
int ff_scan_go_on(struct ff_scan *scan, const struct ff_scan_point *point,
                  const struct ff_contexts *contexts, const struct ff_record *record,
                  bool end_seen);

/* ff_scan_position.state: a decode state, and that the preamble was decoded. */
uint32_t ff_scan_pack_state(const struct ff_decode_state *state);
void ff_scan_unpack_state(uint32_t packed, struct ff_decode_state *ret_state);

#endif
