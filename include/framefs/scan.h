/*
 * The scan: one forward pass over a source, an event at a time. It holds one read window in memory,
 * never a payload that is larger; it can start at any frame, and gives the same events however
 * short the source's reads are.
 *
 * Threads: one at a time.
 */
#ifndef FRAMEFS_SCAN_H
#define FRAMEFS_SCAN_H

#include <framefs/error.h>
#include <framefs/format.h>
#include <framefs/record.h>
#include <framefs/source.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FF_SCAN_WINDOW_DEFAULT_BYTES (UINT32_C(1) << 20)
#define FF_SCAN_WINDOW_MIN_BYTES     (UINT32_C(256) << 10)

struct ff_scan;

enum ff_scan_kind {
    FF_SCAN_END,    /* no more */
    FF_SCAN_RECORD, /* event.record */
    FF_SCAN_DAMAGE, /* event.damage; the scan may be asked for more */
};

struct ff_scan_event {
    enum ff_scan_kind kind;
    struct ff_record record;
    struct ff_damage damage;
};

/* Where a scan stands between two frames; opaque but for offset and record. All zero is the
 * archive's beginning. */
struct ff_scan_position {
    uint64_t offset;
    uint64_t record; /* the number that the next record gets */
    uint32_t state;  /* byte order and preamble alternative in force */
};

/* from NULL means the beginning; window_bytes 0 the default. Source and format stay the caller's
 * and must outlive the scan. */
int ff_scan_open(struct ff_source *source, const struct ff_format *format,
                 const struct ff_scan_position *from, size_t window_bytes,
                 struct ff_scan **ret_scan, struct ff_error *error);

/* The next event. Negative only when the source fails: the bytes of an archive cannot make it. */
int ff_scan_next(struct ff_scan *scan, struct ff_scan_event *ret_event, struct ff_error *error);

/* The details of the record that ff_scan_next() gave last. */
int ff_scan_details(struct ff_scan *scan, struct ff_details *ret_details);

/* Bytes [offset, offset + len) of the payload or frame (FF_CONTENT_PAYLOAD, FF_CONTENT_FRAME) of
 * the record that ff_scan_next() gave last: their number, fewer only at its end. Reading a joined
 * record in order costs a pass over it. Errors as ff_view_read(). */
ssize_t ff_scan_read(struct ff_scan *scan, enum ff_content content, void *buf, size_t len,
                     uint64_t offset, struct ff_error *error);

/* Where the next frame begins; of a record that has begun, its first. */
void ff_scan_position(const struct ff_scan *scan, struct ff_scan_position *ret_position);

/* NULL is fine. */
void ff_scan_close(struct ff_scan *scan);

#ifdef __cplusplus
}
#endif
#endif
