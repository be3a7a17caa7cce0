/* The times that records may have. */
#ifndef FRAMEFS_TIME_H
#define FRAMEFS_TIME_H

#include <stdint.h>
#include <time.h>

/* Seconds since 1970 (UTC), of the years 0001 to 9999: what RFC 3339 can write and no stat(2)
 * caller chokes on. A record whose time lies elsewhere counts as one without a time. */
#define FF_TIME_MIN_S INT64_C(-62135596800)
#define FF_TIME_MAX_S INT64_C(253402300799)

/* From `since` on, before `until`. */
struct ff_time_span {
    struct timespec since, until;
};

#endif
