#include "fs/uring.h"

#include <errno.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <sched.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/log.h"

#define POSSIBLE_PATH "/sys/devices/system/cpu/possible"

/* ---- whether it can be ---- */

#if FF_URING_BUILT

/* The kernel has a queue for each processor that there may ever be, and waits until libfuse has
 * asked for requests of all of them. In the sandbox libfuse cannot see more than it may run on. */
static int check_processors(const struct ff_fs_options *options, struct ff_error *error)
{
    cpu_set_t set;
    int there = get_nprocs_conf();

    if (access(POSSIBLE_PATH, R_OK) < 0)
        return ff_error_set(error, -EOPNOTSUPP,
                            "io_uring=on: how many processors there are cannot be told: " //
                            "%s is missing",
                            POSSIBLE_PATH);
    if (!options->sandbox ||
        (sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) == there))
        return 0;
    return ff_error_set(error, -EOPNOTSUPP,
                        "io_uring=on: in the sandbox it takes a process that may run on all %d "
                        "processors: mount with nosandbox, or without a limit to some of them",
                        there);
}

#else

static int check_processors(const struct ff_fs_options *options, struct ff_error *error)
{
    (void)options;
    return ff_error_set(
        error, -EOPNOTSUPP,
        "io_uring=on: this framefs was built with libfuse %d.%d, and it takes 3.18.2",
        FUSE_MAJOR_VERSION, FUSE_MINOR_VERSION);
}

#endif

int ff_uring_check(const struct ff_fs_options *options, struct ff_error *error)
{
    if (options->io_uring != FF_URING_ON)
        return 0;
    if (options->survive)
        return ff_error_set(error, -EINVAL,
                            "io_uring=on: its rings die with the process that serves, so that none "
                            "can take over: mount with nosurvive, too");
    return check_processors(options, error);
}

int ff_uring_settle(const struct ff_fs_options *options, const struct ff_mountpoint *mountpoint,
                    enum ff_uring_mode *ret_mode, struct ff_error *error)
{
    bool can = FF_URING_BUILT && !options->survive && ff_mountpoint_can_uring(mountpoint);

    if (options->io_uring == FF_URING_ON && !can)
        return ff_error_set(error, -EOPNOTSUPP,
                            "io_uring=on: the kernel does not offer it: it takes Linux 6.14 and Y "
                            "in /sys/module/fuse/parameters/enable_uring");
    /* INIT was answered without rings, or there would have been no takeover. */
    can = can && !options->takeover;
    if (options->io_uring == FF_URING_AUTO)
        can = can && !options->sandbox && (options->push_bytes == 0 || options->direct_io) &&
              access(POSSIBLE_PATH, R_OK) == 0;
    *ret_mode = can ? options->io_uring : FF_URING_OFF;
    return 0;
}

/* ---- in a worker ---- */

int ff_uring_add_args(const struct ff_fs_options *options, struct fuse_args *args)
{
    if (options->io_uring == FF_URING_OFF)
        return 0;
    return fuse_opt_add_arg(args, "-o") < 0 || fuse_opt_add_arg(args, "io_uring") < 0 ? -ENOMEM : 0;
}

static bool is_known(const struct ff_fs *fs)
{
    for (size_t i = 0; i < fs->shown_count; i++) {
        const struct ff_shown *shown = &fs->shown[i];
        if (!ff_archive_complete(shown->archive) ||
            (shown->roster && !ff_roster_is_final(shown->roster)))
            return false;
    }
    return true;
}

void ff_uring_await_scans(struct ff_fs *fs)
{
    if (fs->options->io_uring != FF_URING_ON)
        return;
    /* A signal interrupts it, and comes again when it was missed. */
    while (!is_known(fs) && !fuse_session_exited(fs->session))
        (void)sem_wait(&fs->scanned_on);
}

void ff_uring_note_scan(struct ff_fs *fs)
{
    if (fs->options->io_uring == FF_URING_ON)
        sem_post(&fs->scanned_on);
}

bool ff_uring_accept(struct ff_fs *fs, const struct fuse_init_out *init)
{
    bool is_used = init->flags & FUSE_INIT_EXT && init->flags2 & FF_FUSE_OVER_IO_URING2;

    atomic_store(&fs->shared->is_uring, is_used);
    if (is_used)
        ff_log(FF_LOG_INFO, "%s: requests come through io_uring", fs->mountpoint->dir);
    fs->is_refused = fs->options->io_uring == FF_URING_ON && !is_used;
    return !fs->is_refused;
}

int ff_uring_refused(struct ff_error *error)
{
    return ff_error_set(error, -EOPNOTSUPP,
                        "io_uring=on: libfuse cannot make its rings: it was built without them, or "
                        "the system forbids them (kernel.io_uring_disabled, a container's filter)");
}

#if FF_URING_BUILT

void ff_uring_want(struct ff_fs *fs, struct fuse_conn_info *conn)
{
    if (fs->options->io_uring != FF_URING_OFF && is_known(fs))
        fuse_set_feature_flag(conn, FUSE_CAP_OVER_IO_URING);
    else
        fuse_unset_feature_flag(conn, FUSE_CAP_OVER_IO_URING);
}

/* At the session's end libfuse cancels the threads of its rings wherever they are, also in the
 * middle of an answer, and wakes them as well: that alone ends them, too. */
void ff_uring_note_request(fuse_req_t req)
{
    static __thread bool is_kept;

    if (is_kept || !fuse_req_is_uring(req))
        return;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    is_kept = true;
}

void *ff_uring_payload(fuse_req_t req)
{
    char *payload;
    size_t len;

    if (!fuse_req_is_uring(req) || fuse_req_get_payload(req, &payload, &len, NULL) < 0)
        return NULL;
    return len >= FF_REPLY_BYTES_MAX ? payload : NULL;
}

#else

void ff_uring_want(struct ff_fs *fs, struct fuse_conn_info *conn)
{
    (void)fs;
    (void)conn;
}

void ff_uring_note_request(fuse_req_t req)
{
    (void)req;
}

void *ff_uring_payload(fuse_req_t req)
{
    (void)req;
    return NULL;
}

#endif
