#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "fs/ask.h"
#include "fs/fs.h"

/* How long, and how often, a server is asked whether it is done. */
#define WAIT_MS  60000
#define PAUSE_MS 20

enum metric { PID, DONE, FAILED, METRICS };

static const char *const metrics[METRICS] = {
    [PID] = "framefs_pid",
    [DONE] = "framefs_upgrades_total",
    [FAILED] = "framefs_upgrades_failed_total",
};

static int await(const char *dir, const uint64_t *before, struct ff_error *error)
{
    uint64_t now[METRICS];

    for (int waited_ms = 0; waited_ms < WAIT_MS; waited_ms += PAUSE_MS) {
        int r = ff_ask(dir, metrics, METRICS, now);
        if (r == 0 && now[PID] != before[PID])
            return ff_error_set(error, -ESRCH, "another server has taken its place");
        if (r == 0 && now[FAILED] > before[FAILED])
            return ff_error_set(error, -EIO,
                                "the new program cannot take over, the old one serves on; the "
                                "server's log tells why (see MESSAGES in framefs(1))");
        if (r == 0 && now[DONE] != before[DONE])
            return 0;
        poll(NULL, 0, PAUSE_MS);
    }
    return ff_error_set(error, -ETIMEDOUT, "not within %d s; the server's log may tell why",
                        WAIT_MS / 1000);
}

/* The number may be that of a process in another namespace, of one that came after a killed server,
 * or a lie; the signal ends who does not expect it. */
static bool expects_signal(pid_t pid)
{
    char path[64], line[256];
    unsigned long long blocked = 0;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    while (fgets(line, sizeof(line), file))
        if (sscanf(line, "SigBlk: %llx", &blocked) == 1)
            break;
    fclose(file);
    return blocked >> (SIGUSR2 - 1) & 1;
}

int ff_fs_upgrade(const char *dir, struct ff_error *error)
{
    char shown[FF_ERROR_TEXT_BYTES / 4];
    struct ff_error detail = {0};
    uint64_t before[METRICS];

    ff_escape(shown, sizeof(shown), dir, strlen(dir));
    int r = ff_ask(dir, metrics, METRICS, before);
    if (r == -ETIMEDOUT)
        return ff_error_set(error, r, "%s: its server does not answer", shown);
    if (r < 0 || before[PID] <= 1 || before[PID] > INT32_MAX)
        return ff_error_set(error, -EINVAL,
                            "%s: no mount of framefs that tells its server (is it mounted, is its "
                            "server alive, may you read it, is it one with control=off?)",
                            shown);
    FF_CLEANUP(fd) int server = (int)syscall(SYS_pidfd_open, (pid_t)before[PID], 0);
    if (server < 0 ? errno == ESRCH : !expects_signal((pid_t)before[PID]))
        return ff_error_set(error, -ESRCH,
                            "%s: process %d, which should be its server, is no server (was the "
                            "server killed, is it in a container?)",
                            shown, (int)before[PID]);
    if (server < 0 || syscall(SYS_pidfd_send_signal, server, SIGUSR2, NULL, 0) < 0) {
        r = -errno;
        return ff_error_set(error, r, "%s: cannot ask its server (process %d): %s%s", shown,
                            (int)before[PID], strerror(-r),
                            r == -EPERM ? "; only root and who has mounted it may" : "");
    }
    r = await(dir, before, &detail);
    return r < 0 ? ff_error_set(error, r, "%s: %s", shown, detail.text) : 0;
}
