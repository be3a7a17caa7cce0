/*
 * The process that serves. All that looks at an archive's bytes lives here, and all that is added
 * to serving: what a worker makes must be made anew by the next one, or be in struct ff_shared.
 */
#ifndef FF_FS_WORKER_H
#define FF_FS_WORKER_H

#include "fs/mountpoint.h"
#include "fs/sandbox.h"
#include "fs/shared.h"
#include "fs/shelf.h"

/* In a process forked from the supervisor, in which no thread exists yet. */
struct ff_worker {
    const struct ff_fs_options *options;
    const struct ff_mountpoint *mountpoint;
    const struct ff_sandbox *sandbox; /* NULL: it keeps its rights */
    const struct ff_shelf *shelf;
    struct ff_shared *shared;
    struct ff_blame_bench *bench; /* its own */
    int channel;                  /* to the supervisor */
    bool is_spare;                /* serves when it is told to */
    bool first;                   /* no worker served this mount before */
};

/* Serves until the mount is gone or SIGTERM comes: the exit status. Failures before it serves are
 * said on stderr, or logged when there is none any more. */
int ff_worker_run(const struct ff_worker *worker);

#endif
