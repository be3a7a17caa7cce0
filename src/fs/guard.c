#include "fs/guard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/fs.h"
#include "fs/message.h"
#include "fs/state.h"

/* Not framefs-...: who kills all that is called so (pkill framefs) should leave this one. */
#define GUARD_NAME "fuse-guard"

#define END_MS 1000

/* The kernel wants room for the largest write, though none comes. */
static _Alignas(struct fuse_in_header) unsigned char request[FF_REPLY_BYTES_MAX + FF_INIT_BYTES];

/* One that wants no answer (FORGET) gets none: the kernel does not find it. */
static void answer(int device)
{
    const struct fuse_in_header *in = (const void *)request;

    ssize_t count = read(device, request, sizeof(request));
    if (count < (ssize_t)sizeof(*in))
        return;
    const struct fuse_out_header out = {
        .len = sizeof(out), .error = -ENOTCONN, .unique = in->unique};
    count = write(device, &out, sizeof(out));
    (void)count;
}

static void watch(int device, int serving, int held)
{
    enum { HELD, REQUESTS };
    struct pollfd fds[] = {[HELD] = {.fd = held}, [REQUESTS] = {.fd = serving}};

    for (;;) {
        if (poll(fds, sizeof(fds) / sizeof(fds[0]), -1) < 0)
            continue;
        if (fds[HELD].revents)
            return;
        if (fds[REQUESTS].revents == 0)
            continue;
        if (fds[REQUESTS].fd == serving)
            fds[REQUESTS] = (struct pollfd){.fd = device, .events = POLLIN};
        else if (fds[REQUESTS].revents & POLLERR)
            return;
        else
            answer(device);
    }
}

static bool is_kept(int fd, const int *kept, size_t kept_count)
{
    struct stat st;

    for (size_t i = 0; i < kept_count; i++)
        if (fd == kept[i])
            return true;
    return fd <= STDERR_FILENO || (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode));
}

/* Archives, index files and streams are not kept open; the socket of fusermount3 is: when the last
 * one is closed, it looks whether the mount is dead. */
static void leave(const int *kept, size_t kept_count)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    ff_daemon_release_streams(null, STDERR_FILENO);
    ff_daemon_leave();
    closelog();
    DIR *dir = opendir("/proc/self/fd");
    const struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        int fd = atoi(entry->d_name);
        if (fd != dirfd(dir) && !is_kept(fd, kept, kept_count))
            close(fd);
    }
    if (dir)
        closedir(dir);
    if (chdir("/") < 0)
        _exit(EXIT_FAILURE);
}

static void __attribute__((noreturn)) run(int device, int serving, int held)
{
    const int kept[] = {device, serving, held};
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    setpgid(0, 0);
    prctl(PR_SET_NAME, GUARD_NAME);
    leave(kept, sizeof(kept) / sizeof(kept[0]));
    watch(device, serving, held);
    _exit(EXIT_SUCCESS);
}

static void close_both(const int fds[2])
{
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

int ff_guard_start(int fd, int device, struct ff_guard *ret_guard, struct ff_error *error)
{
    int serving[2] = {-1, -1}, held[2] = {-1, -1};
    pid_t pid = -1;

    if (fcntl(device, F_SETFL, O_NONBLOCK) == 0 && pipe2(serving, O_CLOEXEC) == 0 &&
        pipe2(held, O_CLOEXEC) == 0) {
        fflush(NULL);
        pid = fork();
    }
    if (pid == 0) {
        close(fd);
        close(serving[1]);
        close(held[1]);
        run(device, serving[0], held[0]);
    }
    int r = -errno;
    close(device);
    if (pid < 0) {
        close_both(serving);
        close_both(held);
        return ff_error_set(error, r, "cannot start a process: %s%s", strerror(-r),
                            ff_message_hint(r));
    }
    close(serving[0]);
    close(held[0]);
    *ret_guard = (struct ff_guard){.pid = pid, .serving = serving[1], .held = held[1]};
    return 0;
}

void ff_guard_end(struct ff_guard *guard)
{
    if (guard->pid <= 0)
        return;
    close(guard->serving);
    close(guard->held);
    /* One that was stopped would stay. */
    kill(guard->pid, SIGCONT);
    FF_CLEANUP(fd) int pidfd = (int)syscall(SYS_pidfd_open, guard->pid, 0);
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
    if (pidfd >= 0 && poll(&poll_fd, 1, END_MS) == 1)
        waitpid(guard->pid, NULL, WNOHANG);
    *guard = FF_GUARD_NONE;
}
