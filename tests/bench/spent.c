/*
 * spent FILE|- COMMAND...: runs the command, then reads the first bytes of FILE. After what the
 * command prints comes a line of what it took: nanoseconds up to those bytes, or to the command's
 * end; nanoseconds of processors' time; KiB of memory at its peak. It is a small program of its own
 * because the memory of whoever forks counts as the command's.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t time_ns(struct timeval time)
{
    return ((uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec) * 1000;
}

static int read_first(const char *path)
{
    char bytes[64];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes));

    if (got <= 0)
        fprintf(stderr, "spent: %s: %s\n", path, got == 0 ? "empty" : strerror(errno));
    if (fd >= 0)
        close(fd);
    return got > 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct rusage usage;
    int status = 0;

    if (argc < 3) {
        fprintf(stderr, "usage: spent FILE|- COMMAND...\n");
        return 2;
    }
    uint64_t begin = now_ns();
    pid_t pid = fork();
    if (pid == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid) {
        perror("spent");
        return 1;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "spent: %s: status %#x\n", argv[2], (unsigned int)status);
        return 1;
    }
    if (strcmp(argv[1], "-") != 0 && read_first(argv[1]) < 0)
        return 1;
    printf("%" PRIu64 " %" PRIu64 " %ld\n", now_ns() - begin,
           time_ns(usage.ru_utime) + time_ns(usage.ru_stime), usage.ru_maxrss);
    return 0;
}
