/*
 * From one program to the next, over exec: what a supervisor holds, so that the other one goes on
 * with it. The old worker serves until a worker of the new program does.
 *
 * The descriptors stay open over exec; a memfd tells which is which. Its number is in the
 * environment as FF_TAKEOVER_VARIABLE=N, or as =check:N for a trial run that only looks whether it
 * understands everything.
 */
#ifndef FF_FS_TAKEOVER_H
#define FF_FS_TAKEOVER_H

#include <framefs/source.h>
#include <limits.h>

#include "fs/mountpoint.h"

#define FF_TAKEOVER_VARIABLE "FRAMEFS_TAKEOVER"

struct ff_takeover_archive {
    struct ff_file_state file;
    int index, left;     /* fs/shelf.h; -1: none */
    char path[PATH_MAX]; /* absolute */
};

struct ff_takeover {
    char magic[8]; /* tells the version of this struct, too */
    uint64_t bytes;
    char dir[PATH_MAX];   /* where it is mounted, absolute */
    char start[PATH_MAX]; /* where the program was started: for relative paths in its options */
    struct ff_mountpoint mountpoint;
    int shared;
    pid_t worker;
    int channel;
    uint32_t bench; /* of the worker: its place in struct ff_shared */
    uint64_t archive_count;
    struct ff_takeover_archive archives[];
};

/* A takeover for so many archives with nothing but zeros, its magic, its size
 * and no index files; NULL. To be freed. */
struct ff_takeover *ff_takeover_new(size_t archives);
/* Writes it to a memfd that stays open over exec: the descriptor, or a negative errno. */
int ff_takeover_write(const struct ff_takeover *takeover);

/* Whether this program is to take over: 1 with *ret_takeover, which is to be freed, and *ret_trial;
 * 0; a negative errno when what is there is not understood. The variable is taken out of the
 * environment. */
int ff_takeover_read(struct ff_takeover **ret_takeover, bool *ret_trial);

#endif
