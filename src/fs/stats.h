/* What the server counts, and how .framefs/stats tells it. */
#ifndef FF_FS_STATS_H
#define FF_FS_STATS_H

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "fs/request.h"

struct ff_stats {
    struct timespec started; /* CLOCK_MONOTONIC */
    _Atomic uint64_t requests[FF_OPS];
    _Atomic uint64_t read_bytes;
    _Atomic uint64_t errors; /* requests that the archive's bytes or source made fail */
    _Atomic uint64_t parked; /* requests that had to wait, ever */
    /* Records stored in the kernel's cache before they were asked for; requests for such a one; and
     * what became of them (follow.h). */
    _Atomic uint64_t pushed, pushed_bytes, push_met, push_hits, push_wasted;
};

void ff_stats_init(struct ff_stats *stats);

static inline void ff_stats_add(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
}

/* The lines that do not concern one archive, in the Prometheus text format (version 0.0.4).
 * waiting: the requests that wait now. */
void ff_stats_print(const struct ff_stats *stats, size_t waiting, FILE *out);
/* The lines of a metric without labels. */
void ff_stats_print_one(FILE *out, const char *name, const char *type, const char *help,
                        uint64_t value);

/* The "# HELP" and "# TYPE" lines of a metric. */
void ff_stats_print_head(FILE *out, const char *name, const char *type, const char *help);
/* One line of a metric that is there for each archive; the archive's name is escaped. */
void ff_stats_print_archive(FILE *out, const char *name, const char *archive, uint64_t value);

#endif
