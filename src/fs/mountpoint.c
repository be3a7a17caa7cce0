#include "fs/mountpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "fs/message.h"
#include "fs/state.h"

/* What can be done about it, where that can be told. */
static const char *hint_for(const char *text)
{
    if (access("/dev/fuse", F_OK) < 0)
        return "; there is no /dev/fuse: load the kernel's module (modprobe fuse), or let the "
               "container have the device";
    if (access("/dev/fuse", R_OK | W_OK) < 0)
        return "; /dev/fuse is not open to this user: its mode should be 0666";
    if (strstr(text, "exec fusermount3"))
        return "; fusermount3 is missing: install the package fuse3, or mount as root";
    if (strstr(text, "user_allow_other"))
        return "; add the line user_allow_other to /etc/fuse.conf, or do without allow_other";
    if (strstr(text, "no write access"))
        return "; mount at a directory of your own";
    if (strstr(text, strerror(EMFILE)))
        return ff_message_hint(-EMFILE);
    if (strstr(text, strerror(EAGAIN)))
        return ff_message_hint(-EAGAIN);
    if (strstr(text, strerror(EPERM)))
        return "; a container needs CAP_SYS_ADMIN for that, or a user namespace (unshare -Urm)";
    return "";
}

/* libfuse splits its options at commas and takes a backslash for an escape. */
static char *escape_option(const char *name, const char *value)
{
    char *text = malloc(strlen(name) + 2 * strlen(value) + 1);
    if (!text)
        return NULL;
    char *out = stpcpy(text, name);
    for (; *value; value++) {
        if (*value == ',' || *value == '\\')
            *out++ = '\\';
        *out++ = *value;
    }
    *out = '\0';
    return text;
}

static int add_option(struct fuse_args *args, const char *option)
{
    return fuse_opt_add_arg(args, "-o") < 0 || fuse_opt_add_arg(args, option) < 0 ? -ENOMEM : 0;
}

static int add_escaped(struct fuse_args *args, const char *name, const char *value)
{
    if (!value || !*value)
        return 0;
    FF_CLEANUP(free) char *option = escape_option(name, value);
    return option ? add_option(args, option) : -ENOMEM;
}

int ff_mountpoint_args(const struct ff_fs_options *options, struct fuse_args *args)
{
    char max_read[32];
    snprintf(max_read, sizeof(max_read), "max_read=%u", FF_REPLY_BYTES_MAX);

    if (fuse_opt_add_arg(args, "framefs") < 0 ||
        add_escaped(args, "fsname=", options->fsname) < 0 ||
        add_escaped(args, "subtype=", options->subtype) < 0)
        return -ENOMEM;
    if (options->mount_options && *options->mount_options &&
        add_option(args, options->mount_options) < 0)
        return -ENOMEM;
    if (options->debug && fuse_opt_add_arg(args, "-d") < 0)
        return -ENOMEM;
    /* Last, so that they hold whatever mount_options say. */
    return add_option(args, "ro") < 0 || add_option(args, max_read) < 0 ? -ENOMEM : 0;
}

static struct fuse_session *make_session(const struct ff_fs_options *options, const char *dir,
                                         struct ff_error *error)
{
    /* It only mounts: what the kernel asks is for the workers' sessions. */
    static const struct fuse_lowlevel_ops none;
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    struct ff_capture capture;
    char text[FF_ERROR_TEXT_BYTES / 2];

    int r = ff_mountpoint_args(options, &args);
    if (r < 0) {
        fuse_opt_free_args(&args);
        ff_error_set(error, r, "out of memory");
        return NULL;
    }
    ff_capture_begin(&capture);
    struct fuse_session *session = fuse_session_new(&args, &none, sizeof(none), NULL);
    ff_capture_end(&capture, text, sizeof(text));
    fuse_opt_free_args(&args);
    if (!session)
        ff_error_set(error, -EINVAL, "cannot mount at %s: %s", dir, text);
    return session;
}

/* Whether a comma list has the option, without a value. */
static bool has_option(const char *list, const char *option)
{
    size_t len = strlen(option);

    while (list) {
        if (strncmp(list, option, len) == 0 && (list[len] == ',' || list[len] == '\0'))
            return true;
        list = strchr(list, ',');
        if (list)
            list++;
    }
    return false;
}

bool ff_mountpoint_is_watched(const struct ff_fs_options *options)
{
    return has_option(options->mount_options, "auto_unmount");
}

/* fusermount3 asks the mount of a server that has ended whether it is dead, as root, and is told so
 * only where others than the user are let in. */
static bool is_watched_in_vain(const struct ff_fs_options *options)
{
    const char *list = options->mount_options;

    return ff_mountpoint_is_watched(options) && geteuid() != 0 &&
           !has_option(list, "allow_other") && !has_option(list, "allow_root");
}

/* fusermount3 looks after an auto_unmount mount when the socket between it and those who serve is
 * closed; at the end of a killed process the kernel releases descriptors from the highest on, and
 * the mount has to be dead before it looks. */
static int keep_fd(int fd)
{
    enum { PAST_SOCKET = 64 };
    int kept = fcntl(fd, F_DUPFD_CLOEXEC, fd + PAST_SOCKET);

    if (kept < 0)
        kept = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return kept < 0 ? -errno : kept;
}

static int read_init(struct ff_mountpoint *mountpoint)
{
    const struct fuse_in_header *header = (const void *)mountpoint->init;
    ssize_t count;

    do
        count = read(mountpoint->fd, mountpoint->init, sizeof(mountpoint->init));
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return -errno;
    if ((size_t)count < sizeof(*header) || header->opcode != FUSE_INIT)
        return -EPROTO;
    mountpoint->init_len = (size_t)count;
    return 0;
}

static struct fuse_session *mounted __attribute__((used));

int ff_mountpoint_attach(const struct ff_fs_options *options, const char *dir,
                         struct ff_mountpoint *ret_mountpoint, struct ff_error *error)
{
    struct ff_mountpoint *mountpoint = ret_mountpoint;
    struct ff_capture capture;
    char text[FF_ERROR_TEXT_BYTES / 2];

    *mountpoint = (struct ff_mountpoint){.dir = dir, .fd = -1, .guard = FF_GUARD_NONE};
    struct fuse_session *session = make_session(options, dir, error);
    if (!session)
        return -EINVAL;
    ff_capture_begin(&capture);
    int r = fuse_session_mount(session, dir);
    ff_capture_end(&capture, text, sizeof(text));
    if (r < 0) {
        fuse_session_destroy(session);
        return ff_error_set(error, -EIO, "cannot mount at %s: %s%s", dir,
                            *text ? text : "for an unknown reason", hint_for(text));
    }
    if (*text)
        ff_log(FF_LOG_WARNING, "%s", text);
    if (is_watched_in_vain(options))
        ff_log(FF_LOG_WARNING,
               "%s: a mount whose server was killed stays: auto_unmount by an ordinary user takes "
               "allow_other, too",
               dir);
    mountpoint->fd = keep_fd(fuse_session_fd(session));
    /* libfuse frees its copy of the path only when it unmounts by that path, which may have become
     * another's: the session is kept, without its descriptor. */
    close(fuse_session_fd(session));
    mounted = session;
    if (ff_mountinfo_by_path(dir, &mountpoint->info) < 0)
        mountpoint->info.type[0] = '\0';
    r = mountpoint->fd < 0 ? mountpoint->fd : read_init(mountpoint);
    if (r < 0) {
        ff_mountpoint_detach(mountpoint);
        return ff_error_set(error, r, "cannot mount at %s: %s", dir, strerror(-r));
    }
    return 0;
}

int ff_mountpoint_clone(const struct ff_mountpoint *mountpoint)
{
    uint32_t fd = (uint32_t)mountpoint->fd;

    FF_CLEANUP(fd) int other = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (other < 0)
        return -errno;
    return ioctl(other, FUSE_DEV_IOC_CLONE, &fd) < 0 ? -errno : keep_fd(other);
}

/* Whether the kernel's INIT offers it: a bit of its second flags. */
static bool is_offered(const struct ff_mountpoint *mountpoint, uint32_t flag2)
{
    const struct fuse_in_header *header = (const void *)mountpoint->init;
    const struct fuse_init_in *init = (const void *)(header + 1);

    return mountpoint->init_len >= sizeof(*header) + sizeof(*init) && init->flags & FUSE_INIT_EXT &&
           init->flags2 & flag2;
}

bool ff_mountpoint_can_resend(const struct ff_mountpoint *mountpoint)
{
    return is_offered(mountpoint, FF_FUSE_HAS_RESEND2);
}

bool ff_mountpoint_can_map_direct(const struct ff_mountpoint *mountpoint)
{
    return is_offered(mountpoint, FF_FUSE_DIRECT_IO_ALLOW_MMAP2);
}

bool ff_mountpoint_can_uring(const struct ff_mountpoint *mountpoint)
{
    return is_offered(mountpoint, FF_FUSE_OVER_IO_URING2);
}

void ff_mountpoint_resend(const struct ff_mountpoint *mountpoint)
{
    const struct fuse_out_header notify = {.len = sizeof(notify), .error = FF_FUSE_NOTIFY_RESEND};
    ssize_t count = write(mountpoint->fd, &notify, sizeof(notify));

    /* ENOENT and the like: unmounted meanwhile. */
    if (count < 0 && errno == EINVAL)
        ff_log(FF_LOG_ERROR, "%s: the kernel does not resend requests: %s", mountpoint->dir,
               strerror(errno));
}

bool ff_mountpoint_is_gone(const struct ff_mountpoint *mountpoint)
{
    struct pollfd poll_fd = {.fd = mountpoint->fd};

    return poll(&poll_fd, 1, 0) == 1 && poll_fd.revents & (POLLERR | POLLHUP | POLLNVAL);
}

/* The kernel starts with a quarter of it or less, and takes a larger value from the administrator
 * only. */
void ff_mountpoint_raise_readahead(const struct ff_mountpoint *mountpoint)
{
    char path[64], text[16];

    snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u/read_ahead_kb", mountpoint->info.major,
             mountpoint->info.minor);
    FF_CLEANUP(fd) int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    int len = snprintf(text, sizeof(text), "%u", FF_REPLY_BYTES_MAX / 1024);
    ssize_t count = write(fd, text, (size_t)len);
    (void)count;
}

/* Where it is now: directories above it may have been renamed. */
static bool find_listed(const struct ff_mountpoint *mountpoint, struct ff_mountinfo *ret_now)
{
    const struct ff_mountinfo *info = &mountpoint->info;

    return info->type[0] && ff_mountinfo_by_id(info->id, ret_now) == 0 &&
           ret_now->major == info->major && ret_now->minor == info->minor;
}

bool ff_mountpoint_is_listed(const struct ff_mountpoint *mountpoint)
{
    struct ff_mountinfo now;

    return find_listed(mountpoint, &now);
}

/* Another mount on top of it is not ours to take away. Nor is one that came after it: once it is
 * gone, the kernel gives its numbers to the next; but one that was aborted is dead, and there. */
static bool find_place(const struct ff_mountpoint *mountpoint, char ret_dir[PATH_MAX])
{
    struct ff_mountinfo now, top;

    bool is_gone = ff_mountpoint_is_gone(mountpoint);
    if (is_gone || mountpoint->info.type[0] == '\0') {
        snprintf(ret_dir, PATH_MAX, "%s", mountpoint->dir);
        return !is_gone || ff_fs_is_dead_mount(mountpoint->dir);
    }
    if (!find_listed(mountpoint, &now) || ff_mountinfo_by_path(now.where, &top) < 0 ||
        top.id != now.id)
        return false;
    snprintf(ret_dir, PATH_MAX, "%s", now.where);
    return true;
}

void ff_mountpoint_detach(struct ff_mountpoint *mountpoint)
{
    char dir[PATH_MAX];
    struct ff_error error = {0};

    int r = find_place(mountpoint, dir) ? ff_fs_detach(dir, &error) : 0;
    if (r == -EAGAIN && mountpoint->guard.pid > 0) {
        /* No other process may be started, and fusermount3 is one: the guard makes room. */
        ff_guard_end(&mountpoint->guard);
        r = ff_fs_detach(dir, &error);
    }
    if (r < 0)
        ff_log(FF_LOG_ERROR, "%s", error.text);
    if (mountpoint->fd >= 0)
        close(mountpoint->fd);
    mountpoint->fd = -1;
}
