/*
 * The mount itself: made and taken away by the supervisor, served by workers through its
 * descriptor.
 */
#ifndef FF_FS_MOUNTPOINT_H
#define FF_FS_MOUNTPOINT_H

#include <framefs/error.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>

#include "fs/fs.h"
#include "fs/guard.h"
#include "fs/mountinfo.h"

struct fuse_args;

/* What the kernel takes for a buffer to read requests into, at least. */
#define FF_INIT_BYTES 8192

struct ff_mountpoint {
    const char *dir;       /* absolute; the caller's */
    int fd;                /* of /dev/fuse: as long as one process holds it, the mount is alive */
    struct ff_guard guard; /* where contents are pushed */
    struct ff_mountinfo info; /* type "" where the kernel does not tell */
    /* The kernel's INIT request. It comes once; each worker is given it again. */
    size_t init_len;
    alignas(8) unsigned char init[FF_INIT_BYTES];
};

/* The arguments of a session, here and in the workers. -ENOMEM. */
int ff_mountpoint_args(const struct ff_fs_options *options, struct fuse_args *args);
/* Whether fusermount3 watches over the mount (auto_unmount). */
bool ff_mountpoint_is_watched(const struct ff_fs_options *options);

/* Mounts, and takes INIT from the kernel. dir must outlive it. */
int ff_mountpoint_attach(const struct ff_fs_options *options, const char *dir,
                         struct ff_mountpoint *ret_mountpoint, struct ff_error *error);
/* Another descriptor of the mount, to tell the kernel something, not to read requests: who waits in
 * a call on it does not keep those in hand that were read from the first one. Negative errno where
 * /dev/fuse cannot be opened, or this process has given up opening anything. */
int ff_mountpoint_clone(const struct ff_mountpoint *mountpoint);
/* Unmounts it, if it is there still, at once even if it is in use; whoever is inside gets ENOTCONN
 * as soon as no process holds the descriptor. */
void ff_mountpoint_detach(struct ff_mountpoint *mountpoint);
/* Whether it stands in the table of mounts: not when it was detached, though it may be in use. */
bool ff_mountpoint_is_listed(const struct ff_mountpoint *mountpoint);
/* Whether it was unmounted, or aborted. */
bool ff_mountpoint_is_gone(const struct ff_mountpoint *mountpoint);

/* Whether the kernel sends unanswered requests again when it is told to (6.9). */
bool ff_mountpoint_can_resend(const struct ff_mountpoint *mountpoint);
/* All that were read from the descriptor and not answered can be read again. */
void ff_mountpoint_resend(const struct ff_mountpoint *mountpoint);
/* Larger reads, where that is allowed. After INIT was answered. */
void ff_mountpoint_raise_readahead(const struct ff_mountpoint *mountpoint);

/* Whether files that are read directly can be mapped as shared all the same (6.6). */
bool ff_mountpoint_can_map_direct(const struct ff_mountpoint *mountpoint);

/* Whether it offers to send requests through io_uring (6.14, where the administrator lets it). */
bool ff_mountpoint_can_uring(const struct ff_mountpoint *mountpoint);

/* Debian bookworm's headers lack the names of these: FUSE_NOTIFY_RESEND; FUSE_DIRECT_IO_ALLOW_MMAP,
 * FUSE_HAS_RESEND and FUSE_OVER_IO_URING, which are bits 36, 39 and 41 of the flags of INIT. */
#define FF_FUSE_NOTIFY_RESEND         7
#define FF_FUSE_DIRECT_IO_ALLOW_MMAP2 (UINT32_C(1) << (36 - 32))
#define FF_FUSE_HAS_RESEND2           (UINT32_C(1) << (39 - 32))
#define FF_FUSE_OVER_IO_URING2        (UINT32_C(1) << (41 - 32))

#endif
