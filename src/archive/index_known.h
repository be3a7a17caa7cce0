/*
 * What the archive knows besides where its records lie, as bytes of an index file: the summary, the
 * damages, the frames that others depend on, and the place where the scan goes on. Pure, but for
 * the memory of what is decoded.
 */
#ifndef FF_ARCHIVE_INDEX_KNOWN_H
#define FF_ARCHIVE_INDEX_KNOWN_H

#include <framefs/archive.h>

#include "archive/scan.h"

/* What was known at one moment of the scan, between two records. */
struct ff_index_moment {
    struct ff_scan_point point;
    /* Of it: records, payload_bytes, smallest, largest, histogram, damages. */
    struct ff_summary summary;
    size_t damages; /* that are kept */
    size_t changes;
};

struct ff_index_known {
    struct ff_index_moment now;
    /* Whether something hangs on where the archive ended; then `safe` is the moment before, and
     * else the same as `now`. */
    bool end_seen;
    struct ff_index_moment safe;
    bool done; /* the scan has come to the archive's end */
    uint8_t epoch;
    struct ff_decode_state preamble_state;
    struct ff_context *contexts; /* now.point.contexts of them */
    struct ff_damage *damages;   /* now.damages of them */
    struct ff_state_change *changes;
};

/* Bytes that it takes at most. */
size_t ff_index_known_bytes_max(const struct ff_index_known *state);

/* Writes it to buf, which has as many; returns the bytes written. */
size_t ff_index_known_encode(uint8_t *buf, const struct ff_index_known *state);

/* Of an index of so many records, made of an archive of so many bytes. Every value is checked, so
 * that it is one that a scan of some archive could have come to. To be released. -EUCLEAN,
 * -ENOMEM. */
int ff_index_known_decode(const uint8_t *buf, size_t len, uint64_t records, uint64_t archive_bytes,
                          struct ff_index_known *ret_state);

/* Releases what was decoded. */
void ff_index_known_done(struct ff_index_known *state);

#endif
