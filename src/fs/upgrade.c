#include "fs/upgrade.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/message.h"

/* A program that does not understand within that time what it is given is not tried again. */
#define TRIAL_MS 10000

extern char **environ;

struct ff_takeover *ff_upgrade_prepare(const struct ff_fs_options *options,
                                       const struct ff_mountpoint *mountpoint, int shared)
{
    struct ff_takeover *takeover = ff_takeover_new(options->archive_count);

    if (!takeover)
        return NULL;
    snprintf(takeover->dir, sizeof(takeover->dir), "%s", mountpoint->dir);
    snprintf(takeover->start, sizeof(takeover->start), "%s", options->start);
    takeover->mountpoint = *mountpoint;
    takeover->mountpoint.dir = NULL;
    takeover->shared = shared;
    for (size_t i = 0; i < options->archive_count; i++) {
        takeover->archives[i].file = ff_source_file_state(options->sources[i]);
        snprintf(takeover->archives[i].path, sizeof(takeover->archives[i].path), "%s",
                 options->paths[i]);
    }
    return takeover;
}

/* ---- the trial ---- */

static int set_variable(const char *prefix, int fd)
{
    char text[32];

    snprintf(text, sizeof(text), "%s%d", prefix, fd);
    return setenv(FF_TAKEOVER_VARIABLE, text, 1) < 0 ? -errno : 0;
}

static int start_trial(const struct ff_fs_options *options, int out, pid_t *ret_child)
{
    posix_spawn_file_actions_t actions;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
    int r = -posix_spawn(ret_child, options->program, &actions, NULL, options->arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return r;
}

/* The trial's exit status, or a negative errno. */
static int await_trial(pid_t child)
{
    int status = 0;

    FF_CLEANUP(fd) int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
    bool ended = pidfd >= 0 && poll(&poll_fd, 1, TRIAL_MS) == 1;
    if (!ended)
        kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (!ended)
        return -ETIMEDOUT;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -EPROTO;
}

static int try_program(const struct ff_fs_options *options, int fd, struct ff_error *error)
{
    char raw[1024], text[FF_ERROR_TEXT_BYTES / 2];
    pid_t child;

    FF_CLEANUP(fd) int out = memfd_create("framefs-messages", MFD_CLOEXEC);
    int r = out < 0 ? -errno : set_variable("check:", fd);
    if (r == 0)
        r = start_trial(options, out, &child);
    if (r == 0)
        r = await_trial(child);
    unsetenv(FF_TAKEOVER_VARIABLE);
    if (r < 0)
        return ff_error_set(error, r, "%s: %s", options->program, strerror(-r));
    if (r == 0)
        return 0;
    ssize_t len = pread(out, raw, sizeof(raw), 0);
    ff_message_join(raw, len > 0 ? (size_t)len : 0, text, sizeof(text));
    return ff_error_set(error, -EPROTO, "%s refuses: %s", options->program,
                        *text ? text : "it says not why");
}

/* ---- what stays open ---- */

static void keep_open(int fd, bool keep)
{
    int flags = fcntl(fd, F_GETFD);

    if (flags >= 0)
        fcntl(fd, F_SETFD, keep ? flags & ~FD_CLOEXEC : flags | FD_CLOEXEC);
}

/* Also a socket that libfuse holds and names nowhere: when it is closed, fusermount3 takes an
 * auto_unmount mount away. */
static void keep_sockets(bool keep)
{
    DIR *dir = opendir("/proc/self/fd");
    const struct dirent *entry;
    struct stat st;

    while (dir && (entry = readdir(dir))) {
        int fd = atoi(entry->d_name);
        if (fd > STDERR_FILENO && fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
            keep_open(fd, keep);
    }
    if (dir)
        closedir(dir);
}

static void keep_archive_open(const struct ff_takeover_archive *archive, bool keep)
{
    keep_open(archive->file.fd, keep);
    keep_open(archive->index, keep);
    keep_open(archive->left, keep);
}

static void keep_all(const struct ff_takeover *takeover, bool keep)
{
    keep_open(takeover->mountpoint.fd, keep);
    keep_open(takeover->mountpoint.guard.serving, keep);
    keep_open(takeover->mountpoint.guard.held, keep);
    keep_open(takeover->shared, keep);
    for (size_t i = 0; i < takeover->archive_count; i++)
        keep_archive_open(&takeover->archives[i], keep);
    /* syslog(3) opens its socket again. */
    closelog();
    keep_sockets(keep);
}

int ff_upgrade_exec(const struct ff_fs_options *options, const struct ff_takeover *takeover,
                    struct ff_error *error)
{
    FF_CLEANUP(fd) int fd = ff_takeover_write(takeover);

    if (fd < 0)
        return ff_error_set(error, fd, "cannot hand the mount over: %s", strerror(-fd));
    int r = try_program(options, fd, error);
    if (r < 0)
        return r;
    r = set_variable("", fd);
    if (r < 0)
        return ff_error_set(error, r, "out of memory");
    keep_all(takeover, true);
    fflush(NULL);
    execve(options->program, options->arguments, environ);
    r = -errno;
    keep_all(takeover, false);
    unsetenv(FF_TAKEOVER_VARIABLE);
    return ff_error_set(error, r, "%s: %s", options->program, strerror(-r));
}
