#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "fs/message.h"
#include "fs/mountpoint.h"
#include "fs/push.h"
#include "fs/request.h"
#include "fs/sandbox.h"
#include "fs/shared.h"
#include "fs/shelf.h"
#include "fs/supervise.h"
#include "fs/takeover.h"
#include "fs/uring.h"

static int check_archives(const struct ff_fs_options *options, struct ff_error *error)
{
    assert(options->archive_count > 0 || options->show_synthetic);
    if (options->archive_count > FF_NODE_ARCHIVES_MAX)
        return ff_error_set(error, -EOVERFLOW, "%zu archives: a mount can show %u at most",
                            options->archive_count, FF_NODE_ARCHIVES_MAX);
    for (size_t i = 0; i < options->archive_count && options->archive_count > 1; i++) {
        const char *name = options->archive_names[i];
        if (!name || !*name || strlen(name) > FF_REQUEST_NAME_MAX || strchr(name, '/') ||
            strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
            strcmp(name, ff_control_name(FF_CONTROL_DIR)) == 0 ||
            strcmp(name, ff_control_name(FF_CONTROL_ROOT_SYNTHETIC)) == 0)
            return ff_error_set(error, -EINVAL, "%s: cannot be the name of a directory",
                                name ? name : "");
    }
    return 0;
}

static bool has_block_device(const struct ff_fs_options *options)
{
    struct stat st;

    for (size_t i = 0; i < options->archive_count; i++)
        if (fstat(ff_source_file_state(options->sources[i]).fd, &st) == 0 && S_ISBLK(st.st_mode))
            return true;
    return false;
}

/* NULL when none is wanted. */
static int make_sandbox(const struct ff_fs_options *options, bool writes,
                        struct ff_sandbox **ret_sandbox, struct ff_error *error)
{
    const struct ff_sandbox_options wanted = {
        .uid = options->worker_uid,
        .gid = options->worker_gid,
        .features = (has_block_device(options) ? FF_SANDBOX_BLOCK_DEVICES : 0) |
                    (writes ? FF_SANDBOX_WRITE : 0) |
                    (options->io_uring == FF_URING_ON ? FF_SANDBOX_URING : 0),
    };

    *ret_sandbox = NULL;
    return options->sandbox ? ff_sandbox_new(&wanted, ret_sandbox, error) : 0;
}

/* A mount of its own, or that of the program before this one. */
static int get_mountpoint(const struct ff_fs_options *options, const char *dir,
                          struct ff_mountpoint *ret_mountpoint, struct ff_error *error)
{
    if (!options->takeover)
        return ff_mountpoint_attach(options, dir, ret_mountpoint, error);
    *ret_mountpoint = options->takeover->mountpoint;
    ret_mountpoint->dir = dir;
    return 0;
}

/* A thread that pushes, and nobody to end its wait, might keep a dead mount's readers for ever:
 * without a guard there is none. Nor with rings, whose requests in hand nobody else can answer. */
static void start_guard(const struct ff_fs_options *options, struct ff_mountpoint *mountpoint)
{
    struct ff_error error = {0};
    int device, r;

    if (!ff_push_is_wanted(options) || options->io_uring != FF_URING_OFF ||
        mountpoint->guard.pid > 0)
        return;
    r = device = ff_mountpoint_clone(mountpoint);
    if (r >= 0)
        r = ff_guard_start(mountpoint->fd, device, &mountpoint->guard, &error);
    else
        ff_error_set(&error, r, "/dev/fuse: %s", strerror(-r));
    if (r == 0)
        return;
    ff_log(FF_LOG_WARNING, "%s: nothing is pushed: %s", mountpoint->dir, error.text);
}

static int mount_and_serve(const struct ff_fs_options *options, const char *dir,
                           struct ff_shared *shared, int shared_fd, struct ff_error *error)
{
    struct ff_fs_options settled = *options;
    struct ff_mountpoint mountpoint;
    struct ff_sandbox *sandbox = NULL;
    struct ff_shelf *shelf;

    int r = ff_shelf_new(options, &shelf);
    if (r < 0)
        return ff_error_set(error, r, "out of memory");
    r = make_sandbox(options, ff_shelf_is_written(shelf), &sandbox, error);
    if (r == 0)
        r = get_mountpoint(options, dir, &mountpoint, error);
    if (r == 0) {
        settled.survive = options->survive && ff_mountpoint_can_resend(&mountpoint);
        r = ff_uring_settle(&settled, &mountpoint, &settled.io_uring, error);
        if (r == 0)
            start_guard(&settled, &mountpoint);
        if (r == 0)
            r = ff_supervise(&settled, &mountpoint, sandbox, shelf, shared, shared_fd, error);
        ff_mountpoint_detach(&mountpoint);
        ff_guard_end(&mountpoint.guard);
    }
    ff_sandbox_free(sandbox);
    ff_shelf_free(shelf);
    return r;
}

/* Another version's is of no use: counters begin at 0, slices that are known are stale. */
static int get_shared(const struct ff_fs_options *options, struct ff_shared **ret_shared,
                      int *ret_fd)
{
    const struct ff_takeover *takeover = options->takeover;

    if (takeover && ff_shared_map(takeover->shared, options->archive_count, ret_shared) == 0) {
        *ret_fd = takeover->shared;
        return 0;
    }
    if (takeover)
        close(takeover->shared);
    return ff_shared_new(options->archive_count, ret_shared, ret_fd);
}

int ff_fs_run(const struct ff_fs_options *options, const char *dir, struct ff_error *error)
{
    FF_CLEANUP(fd) int shared_fd = -1;
    struct ff_shared *shared;

    int r = check_archives(options, error);
    if (r == 0)
        r = ff_uring_check(options, error);
    if (r < 0)
        return r;
    ff_supervise_block_signals();
    r = get_shared(options, &shared, &shared_fd);
    if (r < 0)
        return ff_error_set(error, r, "cannot start: %s%s", strerror(-r), ff_message_hint(r));
    ff_message_init(options->debug);
    r = mount_and_serve(options, dir, shared, shared_fd, error);
    ff_shared_unmap(shared, options->archive_count);
    return r;
}
