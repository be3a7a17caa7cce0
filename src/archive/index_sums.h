/*
 * What an index file says of checksums: that all of an archive were computed, of which bytes, and
 * which frames have a wrong one. It holds for an archive of just that size and time of modification
 * alone: nothing else in an index tells whether a payload's bytes are still the same.
 */
#ifndef FF_ARCHIVE_INDEX_SUMS_H
#define FF_ARCHIVE_INDEX_SUMS_H

#include <framefs/index.h>

#include "archive/verdict.h"

struct ff_index_sums {
    uint64_t archive_bytes;
    struct timespec mtime;
    uint64_t records;
    uint64_t checksums;        /* that were computed */
    uint64_t wrong;            /* frames that have a wrong one */
    struct ff_damage *damages; /* owned; the first of these frames, at most FF_DAMAGE_MAX, in order
                                  of record and of offset; of code -EBADMSG */
};

/* How many damages are kept. */
static inline size_t ff_index_sums_kept(const struct ff_index_sums *sums)
{
    return sums->wrong < FF_DAMAGE_MAX ? (size_t)sums->wrong : FF_DAMAGE_MAX;
}

/* Adds a frame behind all others, which only counts where there is no room. -ENOMEM. */
int ff_index_sums_add(struct ff_index_sums *sums, const struct ff_damage *damage);

/* What is known of the record. DAMAGED: *ret_damage is what is wrong with it, until
 * ff_index_sums_done(). NOT: it is to be checked; something is wrong near it, or the damages are
 * more than are kept. */
enum ff_checked ff_index_sums_get(const struct ff_index_sums *sums, const struct ff_record *record,
                                  const struct ff_damage **ret_damage);

/* What the status of an index tells of it. */
void ff_index_sums_status(const struct ff_index_sums *sums, struct ff_index_status *ret_status);

/* Bytes that it takes at most; writes it to buf, which has as many, and returns those written. */
size_t ff_index_sums_bytes_max(const struct ff_index_sums *sums);
size_t ff_index_sums_encode(uint8_t *buf, const struct ff_index_sums *sums);

/* Of an index of so many records, made of an archive of so many bytes. Every value is checked. To
 * be released. -EUCLEAN, -ENOMEM. */
int ff_index_sums_decode(const uint8_t *buf, uint64_t len, uint64_t records, uint64_t archive_bytes,
                         struct ff_index_sums *ret_sums);

/* Releases what was added or decoded. */
void ff_index_sums_done(struct ff_index_sums *sums);

#endif
