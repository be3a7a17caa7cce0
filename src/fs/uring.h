/*
 * Requests that come through io_uring, instead of reads and writes of /dev/fuse: where libfuse
 * (3.18.2) and the kernel (6.14, and a switch of the administrator's) can.
 *
 * The kernel gives each processor a queue, and libfuse each queue a thread, which answers what
 * comes from this processor, one after the other. So a request that waited for a scan would keep
 * all others of its processor waiting: rings are used where nothing is left to be scanned, and then
 * no answer ever comes from another thread, which libfuse 3.18 could not send safely.
 *
 * Rings end with the process that made them, and what it had in hand is not sent again to the next
 * one: there are none where another worker would take over (docs/survive.md).
 *
 * With a ring a process can ask the kernel for much that the sandbox denies (docs/sandbox.md):
 * FF_URING_AUTO makes none in it, and none where contents are pushed, which is worth more: with
 * rings nothing is.
 */
#ifndef FF_FS_URING_H
#define FF_FS_URING_H

#include "fs/state.h"

struct fuse_init_out;

/* ---- in the supervisor ---- */

/* Before there is a mount: FF_URING_ON where it cannot be is -EINVAL or -EOPNOTSUPP. */
int ff_uring_check(const struct ff_fs_options *options, struct ff_error *error);
/* What becomes of it with this mount and this kernel; options->survive is settled. -EOPNOTSUPP. */
int ff_uring_settle(const struct ff_fs_options *options, const struct ff_mountpoint *mountpoint,
                    enum ff_uring_mode *ret_mode, struct ff_error *error);

/* ---- in a worker, whose options->io_uring is settled ---- */

/* For its session. -ENOMEM. */
int ff_uring_add_args(const struct ff_fs_options *options, struct fuse_args *args);
/* With FF_URING_ON, waits until all scans have ended, or the session has. */
void ff_uring_await_scans(struct ff_fs *fs);
/* A scan has come further (any). */
void ff_uring_note_scan(struct ff_fs *fs);
/* When the kernel's INIT is looked at: asks libfuse for rings, or not. */
void ff_uring_want(struct ff_fs *fs, struct fuse_conn_info *conn);
/* What libfuse has made of it: whether the answer to INIT may go. */
bool ff_uring_accept(struct ff_fs *fs, const struct fuse_init_out *init);
/* The reason, where it may not. */
int ff_uring_refused(struct ff_error *error);

/* A request has come, in this thread. */
void ff_uring_note_request(fuse_req_t req);
/* Where its answer may be put at once, of FF_REPLY_BYTES_MAX; NULL: it did not come through a ring.
 */
void *ff_uring_payload(fuse_req_t req);

#endif
