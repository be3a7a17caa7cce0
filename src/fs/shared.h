/*
 * What outlives a worker: memory that supervisor and workers share, and that an upgraded
 * supervisor finds again.
 *
 * What is here survives kill -9 of a worker; all else that a worker knows (the index, contexts,
 * texts, requests that wait) is made anew by the next one. A worker may die, or be subverted, in
 * the middle of writing: readers check what they take from here, and nothing here is a pointer.
 */
#ifndef FF_FS_SHARED_H
#define FF_FS_SHARED_H

#include <sys/types.h>

#include "fs/blame.h"
#include "fs/fs.h"
#include "fs/slice.h"
#include "fs/stats.h"

/* What the first worker settled for an archive, so that all show the same, and sooner. */
struct ff_settled {
    atomic_bool known;
    uint8_t layout;                  /* enum ff_layout_kind: FLAT or TREE */
    uint8_t epoch;                   /* of its nodeids */
    _Atomic uint64_t records;        /* that a worker knew, at most */
    char format[FF_FS_FORMAT_BYTES]; /* "" when it has no name */
};

/* Of the worker, of an old one that finishes its requests, of a spare one; and one that is free for
 * the next. */
#define FF_BENCHES 4

struct ff_shared {
    uint64_t bytes; /* of all of it: tells one version from another */
    pid_t supervisor;
    /* Counted by the supervisor: workers that took over from one that had died, and programs that
     * took over from another. */
    _Atomic uint64_t restarts, upgrades, upgrades_failed;
    _Atomic uint64_t resent;    /* requests that came again, counted by workers */
    _Atomic uint64_t condemned; /* answered with EIO for that */
    /* Requests come through rings, which die with the worker. */
    atomic_bool is_uring;
    struct ff_stats stats;
    struct ff_slices slices;
    struct ff_blame_list blamed;
    struct ff_blame_bench benches[FF_BENCHES];
    size_t archives;
    struct ff_settled settled[]; /* of each archive */
};

/* *ret_fd: a memfd that keeps it. -ENOMEM and others. */
int ff_shared_new(size_t archives, struct ff_shared **ret_shared, int *ret_fd);
/* Maps what ff_shared_new() of another program made. -EINVAL when it is not for so many archives,
 * or of another version. */
int ff_shared_map(int fd, size_t archives, struct ff_shared **ret_shared);
/* archives: as it was made or mapped for. What stands in it may be a worker's lie. */
void ff_shared_unmap(struct ff_shared *shared, size_t archives);

#endif
