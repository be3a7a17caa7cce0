#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "fs/ask.h"
#include "fs/fs.h"
#include "fs/message.h"
#include "fs/mountinfo.h"

/* A server that has been unmounted has nothing more to do but to end. */
#define END_MS 10000

extern char **environ;

/* ---- the server's process ---- */

/* 0 when its statistics do not tell it. */
static pid_t ask_pid(const char *dir)
{
    static const char *const name = "framefs_pid";
    uint64_t pid;

    return ff_ask(dir, &name, 1, &pid) == 0 && pid > 1 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

/* A descriptor of the server's process, taken before its end so that it cannot be another one's. */
static int open_server(const char *dir)
{
    pid_t pid = ask_pid(dir);
    return pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
}

static void await_end(int pidfd)
{
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
    int r;

    do
        r = poll(&poll_fd, 1, END_MS);
    while (r < 0 && errno == EINTR);
}

/* ---- unmounting ---- */

/* fusermount3 may unmount what this user has mounted. Its messages are put into text. */
static int run_fusermount(const char *dir, bool lazy, char *text, size_t text_size)
{
    char *argv[] = {(char *)"fusermount3",
                    (char *)"-u",
                    lazy ? (char *)"-z" : (char *)"--",
                    lazy ? (char *)"--" : (char *)dir,
                    lazy ? (char *)dir : NULL,
                    NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status = 0;

    *text = '\0';
    FF_CLEANUP(fd) int out = memfd_create("framefs-messages", MFD_CLOEXEC);
    if (out < 0)
        return -errno;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
    int r = -posix_spawnp(&child, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    /* A directory of $PATH may be closed to this user. */
    if (r == -EACCES)
        return -ENOENT;
    if (r < 0)
        return r;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    char raw[1024];
    ssize_t len = pread(out, raw, sizeof(raw), 0);
    ff_message_join(raw, len > 0 ? (size_t)len : 0, text, text_size);
    return strstr(text, strerror(EBUSY)) ? -EBUSY : -EPERM;
}

static int unmount(const char *dir, bool lazy, struct ff_error *error)
{
    char text[1024] = "", shown[FF_ERROR_TEXT_BYTES / 4];

    ff_escape(shown, sizeof(shown), dir, strlen(dir));
    int r = umount2(dir, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) < 0 ? -errno : 0;
    if (r == -EPERM)
        r = run_fusermount(dir, lazy, text, sizeof(text));
    if (r == -EBUSY)
        return ff_error_set(error, r,
                            "%s is busy; `fuser -vm %s` shows by whom, `framefs umount --lazy %s` "
                            "takes it away as soon as nobody uses it",
                            shown, shown, shown);
    if (r == -ENOENT)
        return ff_error_set(error, r,
                            "cannot unmount %s: fusermount3 is missing: install the package fuse3, "
                            "or unmount as root",
                            shown);
    if (r < 0)
        return ff_error_set(error, r, "cannot unmount %s: %s%s", shown, *text ? text : strerror(-r),
                            r == -EPERM ? "; only root and who has mounted it can" : "");
    return 0;
}

int ff_fs_detach(const char *dir, struct ff_error *error)
{
    return unmount(dir, true, error);
}

static bool is_fuse(const struct ff_mountinfo *info)
{
    return strcmp(info->type, "fuse") == 0 || strncmp(info->type, "fuse.", 5) == 0;
}

int ff_fs_umount(const char *dir, bool lazy, struct ff_error *error)
{
    struct ff_mountinfo info;
    bool is_root;
    char path[PATH_MAX], shown[FF_ERROR_TEXT_BYTES / 4], where[FF_ERROR_TEXT_BYTES / 4];

    ff_escape(shown, sizeof(shown), dir, strlen(dir));
    int r = ff_mountinfo_of(dir, &info, &is_root, path);
    if (r < 0)
        return ff_error_set(error, r, "cannot unmount %s: %s", shown, strerror(-r));
    if (!is_root && strcmp(info.type, FF_MOUNT_TYPE) == 0) {
        ff_escape(where, sizeof(where), info.where, strlen(info.where));
        return ff_error_set(error, -EINVAL, "%s is inside of a mount; the mount is at %s", shown,
                            where);
    }
    if (!is_root)
        return ff_error_set(error, -EINVAL, "%s is not mounted", shown);

    /* The type is the user's to choose (-o subtype=). A mount of another one says itself what it
     * is, as long as it is served. A lazy one may be served for as long as it is in use. */
    bool named = strcmp(info.type, FF_MOUNT_TYPE) == 0;
    FF_CLEANUP(fd) int server = (named ? !lazy : is_fuse(&info)) ? open_server(path) : -1;
    if (!named && server < 0) {
        ff_escape(where, sizeof(where), info.type, strlen(info.type));
        return ff_error_set(error, -EINVAL,
                            "%s is not a framefs mount but one of type %s (umount, or fusermount3 "
                            "-u, takes it away)",
                            shown, where);
    }
    r = unmount(path, lazy, error);
    if (r == 0 && server >= 0 && !lazy)
        await_end(server);
    return r;
}

bool ff_fs_is_dead_mount(const char *dir)
{
    struct ff_mountinfo info;
    struct statx attributes;
    bool is_root;
    char path[PATH_MAX];

    /* The kernel would tell what it remembers of a server that is long dead. A directory that
     * systemd watches has to stay as it is: whoever looks into it would wait for its mount. */
    return statx(AT_FDCWD, dir, AT_STATX_FORCE_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE, &attributes) <
               0 &&
           errno == ENOTCONN && ff_mountinfo_of(dir, &info, &is_root, path) == 0 && is_root &&
           strcmp(info.type, FF_MOUNT_TYPE) == 0;
}
