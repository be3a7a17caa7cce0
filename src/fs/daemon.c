#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "fs/fs.h"
#include "fs/message.h"

/* In the child, until it is ready or leaves: the end of the pipe that the parent waits at. */
static int ready_fd = -1;

/* In the parent. */
static volatile sig_atomic_t waiting_for;

/* What is sent to this process alone is meant for the child. */
static void pass_on(int signal)
{
    kill((pid_t)waiting_for, signal);
}

/* Ends as the child did. */
static void __attribute__((noreturn)) wait_for_child(pid_t child, int fd, int interrupted)
{
    static const int passed_on[] = {SIGINT, SIGTERM, SIGHUP};
    const struct sigaction action = {.sa_handler = pass_on};
    char byte;
    ssize_t count;
    int status;

    waiting_for = (sig_atomic_t)child;
    for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++) {
        struct sigaction before;
        if (sigaction(passed_on[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
            sigaction(passed_on[i], &action, NULL);
    }
    do
        count = read(fd, &byte, 1);
    while (count < 0 && errno == EINTR);
    if (count == 1)
        _exit(EXIT_SUCCESS);

    pid_t ended;
    do
        ended = waitpid(child, &status, 0);
    while (ended < 0 && errno == EINTR);
    if (ended < 0)
        _exit(EXIT_FAILURE);
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
        _exit(WEXITSTATUS(status));
    /* A server that ends well before it was ready has served nothing. */
    if (interrupted != 0)
        _exit(interrupted);
    _exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : EXIT_FAILURE);
}

int ff_daemon_begin(int interrupted, struct ff_error *error)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return ff_error_set(error, -errno, "cannot go to the background: %s%s", strerror(errno),
                            ff_message_hint(-errno));
    /* What is buffered would be written twice. */
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        int r = -errno;
        close(fds[0]);
        close(fds[1]);
        return ff_error_set(error, r, "cannot go to the background: %s%s", strerror(-r),
                            ff_message_hint(r));
    }
    if (child > 0) {
        close(fds[1]);
        wait_for_child(child, fds[0], interrupted);
    }

    close(fds[0]);
    /* Whatever else the caller had open, a lock for instance, is not the server's to keep. */
    ready_fd = dup3(fds[1], STDERR_FILENO + 1, O_CLOEXEC);
    if (ready_fd < 0)
        ready_fd = fds[1];
    else
        close(fds[1]);
    close_range((unsigned int)ready_fd + 1, UINT_MAX, 0);
    return 0;
}

void ff_daemon_release_streams(int null, int last)
{
    for (int fd = STDIN_FILENO; fd <= last && null >= 0; fd++)
        dup2(null, fd);
}

void ff_daemon_ready(void)
{
    if (ready_fd < 0)
        return;
    int last = ff_log_detach() ? STDERR_FILENO : STDOUT_FILENO;
    /* Before the parent ends: who reads its output to the end must not wait for this process. */
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    ff_daemon_release_streams(null, last);
    if (null > STDERR_FILENO)
        close(null);
    setsid();
    if (chdir("/") < 0)
        ff_log(FF_LOG_WARNING, "cannot leave the working directory: %s", strerror(errno));
    ssize_t count;
    do
        count = write(ready_fd, "", 1);
    while (count < 0 && errno == EINTR);
    close(ready_fd);
    ready_fd = -1;
    /* Who waited was killed: a mount that nobody asks for any more is given up. */
    if (count < 0)
        kill(getpid(), SIGTERM);
}

void ff_daemon_leave(void)
{
    if (ready_fd >= 0)
        close(ready_fd);
    ready_fd = -1;
}
