#include "fs/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fs/channel.h"
#include "fs/message.h"

/* One that waits for storage ends only when that answers, and a supervisor without CAP_KILL cannot
 * end another user's. */
#define KILL_MS 1000

int64_t ff_process_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int ff_process_start(struct ff_process *ret_process, struct ff_error *error)
{
    int ours, theirs;

    *ret_process = FF_PROCESS_NONE;
    int r = ff_channel_new(&ours, &theirs);
    if (r < 0)
        return ff_error_set(error, r, "cannot start a worker: %s%s", strerror(-r),
                            ff_message_hint(r));
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(ours);
        ret_process->channel = theirs;
        return 0;
    }
    r = -errno;
    close(theirs);
    if (pid > 0 && (r = ff_process_adopt(pid, ours, ret_process, error)) == 0)
        return 0;
    if (pid > 0) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    close(ours);
    return pid > 0 ? r
                   : ff_error_set(error, r, "cannot start a worker: %s%s", strerror(-r),
                                  ff_message_hint(r));
}

int ff_process_adopt(pid_t pid, int channel, struct ff_process *ret_process, struct ff_error *error)
{
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

    if (pidfd < 0)
        return ff_error_set(error, -errno, "cannot watch the worker %d: %s", (int)pid,
                            strerror(errno));
    *ret_process = (struct ff_process){
        .pid = pid, .pidfd = pidfd, .channel = channel, .started_ms = ff_process_now_ms()};
    return 0;
}

int ff_process_collect(struct ff_process *process)
{
    int status = 0;

    while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (process->channel >= 0)
        close(process->channel);
    close(process->pidfd);
    *process = FF_PROCESS_NONE;
    return status;
}

void ff_process_kill(struct ff_process *process)
{
    struct pollfd poll_fd = {.fd = process->pidfd, .events = POLLIN};

    if (process->pid <= 0)
        return;
    kill(process->pid, SIGKILL);
    if (poll(&poll_fd, 1, KILL_MS) != 0)
        (void)ff_process_collect(process);
    else
        ff_process_forget(process);
}

void ff_process_forget(struct ff_process *process)
{
    if (process->pid <= 0)
        return;
    if (process->channel >= 0)
        close(process->channel);
    close(process->pidfd);
    *process = FF_PROCESS_NONE;
}

void ff_process_describe(int status, char *text, size_t text_size)
{
    if (WIFSIGNALED(status))
        snprintf(text, text_size, "was killed by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(text, text_size, "ended with status %d", WEXITSTATUS(status));
}

bool ff_process_has_crashed(int status)
{
    if (!WIFSIGNALED(status))
        return WEXITSTATUS(status) != 0;
    switch (WTERMSIG(status)) {
    case SIGKILL:
    case SIGTERM:
    case SIGINT:
    case SIGHUP:
    case SIGALRM:
        return false;
    default:
        return true;
    }
}
