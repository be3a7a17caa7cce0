#include "fs/supervise.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/notify.h"
#include "fs/channel.h"
#include "fs/upgrade.h"
#include "fs/worker.h"

/* A worker that is to end has that long for the requests it has in hand. */
#define DRAIN_MS 10000
/* The pause before another try grows from here, from the second fruitless one on. */
#define PAUSE_MIN_MS 10
#define PAUSE_MAX_MS 2000

struct process {
    pid_t pid; /* 0: none */
    int pidfd;
    int channel;
    size_t bench;
    bool ready;
};

struct supervisor {
    const struct ff_fs_options *options;
    struct ff_mountpoint *mountpoint;
    const struct ff_sandbox *sandbox;
    struct ff_shared *shared;
    struct ff_blame blame;
    int shared_fd;
    int signals;
    struct process worker;
    struct process old; /* serves until the worker does, or finishes what it has in hand */
    bool can_resend;
    bool wants_upgrade;
    bool usable;        /* a worker was ready once */
    bool ending;        /* a signal asked for it */
    int64_t kill_ms;    /* when the worker is not waited for any more; 0: it is */
    int64_t started_ms; /* when the worker was */
    int64_t start_ms;   /* when the next worker is started; 0: there is one */
    unsigned int fruitless;
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void signals_of(sigset_t *set)
{
    static const int ours[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR2};

    sigemptyset(set);
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        sigaddset(set, ours[i]);
}

void ff_supervise_block_signals(void)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t set;

    sigaction(SIGPIPE, &ignore, NULL);
    signals_of(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

/* ---- workers ---- */

static int start_worker(struct supervisor *supervisor, struct ff_error *error)
{
    struct process *worker = &supervisor->worker;
    size_t bench = 1 - worker->bench;
    int theirs;

    int r = ff_channel_new(&worker->channel, &theirs);
    if (r < 0)
        return ff_error_set(error, r, "cannot start a worker: %s", strerror(-r));
    ff_blame_clear(&supervisor->shared->benches[bench]);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(worker->channel);
        close(supervisor->signals);
        if (supervisor->old.channel >= 0)
            close(supervisor->old.channel);
        const struct ff_worker self = {
            .options = supervisor->options,
            .mountpoint = supervisor->mountpoint,
            .sandbox = supervisor->sandbox,
            .shared = supervisor->shared,
            .bench = &supervisor->shared->benches[bench],
            .channel = theirs,
            .first = !supervisor->usable,
        };
        exit(ff_worker_run(&self));
    }
    r = -errno;
    close(theirs);
    worker->pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    if (worker->pidfd < 0) {
        r = pid > 0 ? -errno : r;
        close(worker->channel);
        return ff_error_set(error, r, "cannot start a worker: %s", strerror(-r));
    }
    worker->pid = pid;
    worker->bench = bench;
    worker->ready = false;
    supervisor->start_ms = 0;
    supervisor->started_ms = now_ms();
    return 0;
}

/* A worker serves. The one before it, of another program, is to end. */
static void become_ready(struct supervisor *supervisor)
{
    struct process *old = &supervisor->old;
    bool is_first = !supervisor->usable;

    supervisor->usable = true;
    if (is_first)
        ff_mountpoint_raise_readahead(supervisor->mountpoint);
    if (old->pid > 0) {
        kill(old->pid, SIGTERM);
        supervisor->kill_ms = now_ms() + DRAIN_MS;
    }
    if ((is_first || old->pid > 0) && supervisor->options->ready)
        supervisor->options->ready(supervisor->options->context);
}

static void hear(struct supervisor *supervisor, struct process *process)
{
    struct ff_channel_message message;
    bool end;

    while (ff_channel_receive(process->channel, &message, &end)) {
        if (message.kind == FF_CHANNEL_LOG) {
            ff_log(message.level, "%s", message.text);
        } else if (!process->ready) {
            process->ready = true;
            become_ready(supervisor);
        }
    }
    if (end) {
        close(process->channel);
        process->channel = -1;
    }
}

/* Waits for its end, which is near: its status. */
static int collect(struct supervisor *supervisor, struct process *process)
{
    int status = 0;

    while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    if (process->channel >= 0)
        hear(supervisor, process);
    if (process->channel >= 0)
        close(process->channel);
    close(process->pidfd);
    process->pidfd = process->channel = -1;
    process->pid = 0;
    return status;
}

/* ---- deaths ---- */

static void describe(int status, char *text, size_t text_size)
{
    if (WIFSIGNALED(status))
        snprintf(text, text_size, "was killed by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
        snprintf(text, text_size, "ended with status %d", WEXITSTATUS(status));
}

/* Whether it has died of what it did itself. */
static bool has_crashed(int status)
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

static void judge(struct supervisor *supervisor, int status)
{
    struct ff_shared *shared = supervisor->shared;
    struct ff_blame_suspect condemned[FF_BLAME_SLOTS];

    size_t count = ff_blame_judge(&supervisor->blame, &shared->benches[supervisor->worker.bench],
                                  has_crashed(status), &shared->blamed, condemned);
    atomic_fetch_add(&shared->condemned, count);
    for (size_t i = 0; i < count; i++)
        ff_log(FF_LOG_ERROR,
               "%s: request %" PRIu64 " (operation %" PRIu32 " on inode %" PRIu64
               ") has killed %" PRIu32 " workers: it gets an input/output error",
               supervisor->mountpoint->dir, condemned[i].unique, condemned[i].opcode,
               condemned[i].nodeid, condemned[i].crashes + condemned[i].kills);
}

/* After a death: another worker, at once or later, or an error when there is to be none. */
static int go_on(struct supervisor *supervisor, pid_t pid, int status, struct ff_error *error)
{
    const char *dir = supervisor->mountpoint->dir;
    char how[128];

    describe(status, how, sizeof(how));
    if (!supervisor->options->survive)
        return ff_error_set(
            error, -EIO,
            "%s: the server %s; the mount is taken away (with Linux 6.9 and without "
            "nosurvive another one takes over)",
            dir, how);
    bool fruitful = ff_blame_answered(&supervisor->shared->benches[supervisor->worker.bench]) > 0;
    supervisor->fruitless = fruitful ? 0 : supervisor->fruitless + 1;
    if (supervisor->fruitless >= FF_FRUITLESS_MAX)
        return ff_error_set(error, -EIO,
                            "%s: %u workers in a row have died before they answered anything, the "
                            "last one %s; the mount is given up (dmesg may tell why)",
                            dir, supervisor->fruitless, how);
    judge(supervisor, status);
    ff_log(FF_LOG_WARNING, "%s: the worker %d %s; another one takes over", dir, (int)pid, how);
    atomic_fetch_add(&supervisor->shared->restarts, 1);
    ff_mountpoint_resend(supervisor->mountpoint);
    int64_t pause_ms = 0;
    if (supervisor->fruitless > 1)
        pause_ms = (int64_t)PAUSE_MIN_MS << (supervisor->fruitless - 2);
    supervisor->start_ms = now_ms() + (pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS);
    return 0;
}

/* ---- upgrades ---- */

/* This program has taken over, and its worker has failed before it served. */
static void fall_back(struct supervisor *supervisor)
{
    supervisor->worker = supervisor->old;
    supervisor->old = (struct process){.pidfd = -1, .channel = -1};
    atomic_fetch_add(&supervisor->shared->upgrades_failed, 1);
    ff_log(FF_LOG_ERROR,
           "%s: the new program's worker has died before it served; the old program's worker "
           "serves on",
           supervisor->mountpoint->dir);
}

/* The old program's worker has ended: what it leaves unanswered is the new one's. */
static void complete_upgrade(struct supervisor *supervisor)
{
    (void)collect(supervisor, &supervisor->old);
    supervisor->kill_ms = 0;
    ff_mountpoint_resend(supervisor->mountpoint);
    atomic_fetch_add(&supervisor->shared->upgrades, 1);
    ff_log(FF_LOG_INFO, "%s: upgraded", supervisor->mountpoint->dir);
}

static void upgrade(struct supervisor *supervisor)
{
    struct ff_error error = {0};

    supervisor->wants_upgrade = false;
    FF_CLEANUP(free)
    struct ff_takeover *takeover =
        ff_upgrade_prepare(supervisor->options, supervisor->mountpoint, supervisor->shared_fd);
    if (!takeover) {
        ff_error_set(&error, -ENOMEM, "out of memory");
    } else if (!supervisor->can_resend) {
        ff_error_set(&error, -EOPNOTSUPP,
                     "this kernel does not send requests again: unmount and mount");
    } else {
        takeover->worker = supervisor->worker.pid;
        takeover->channel = supervisor->worker.channel;
        takeover->bench = (uint32_t)supervisor->worker.bench;
        (void)ff_notify_reloading();
        (void)ff_upgrade_exec(supervisor->options, takeover, &error);
        (void)ff_notify_ready(NULL);
    }
    atomic_fetch_add(&supervisor->shared->upgrades_failed, 1);
    ff_log(FF_LOG_ERROR, "%s: cannot be upgraded: %s", supervisor->mountpoint->dir, error.text);
}

/* The worker of the program before this one goes on serving. */
static int take_over(struct supervisor *supervisor, const struct ff_takeover *takeover,
                     struct ff_error *error)
{
    struct process *old = &supervisor->old;

    *old = (struct process){
        .pid = takeover->worker,
        .pidfd = (int)syscall(SYS_pidfd_open, takeover->worker, 0),
        .channel = takeover->channel,
        .bench = takeover->bench,
        .ready = true,
    };
    supervisor->usable = true;
    supervisor->worker.bench = old->bench;
    if (old->pidfd >= 0)
        return 0;
    return ff_error_set(error, -errno, "the worker %d is not there: %s", (int)takeover->worker,
                        strerror(errno));
}

/* The worker has ended. 1 when all has. */
static int bury(struct supervisor *supervisor, struct ff_error *error)
{
    pid_t pid = supervisor->worker.pid;
    int status = collect(supervisor, &supervisor->worker);

    if (supervisor->ending || ff_mountpoint_is_gone(supervisor->mountpoint))
        return 1;
    if (supervisor->old.pid > 0 && !supervisor->worker.ready) {
        fall_back(supervisor);
        return 0;
    }
    if (supervisor->usable)
        return go_on(supervisor, pid, status, error);
    if (WIFSIGNALED(status))
        return ff_error_set(
            error, -EIO, "cannot mount at %s: the server was killed by signal %d (%s)",
            supervisor->mountpoint->dir, WTERMSIG(status), strsignal(WTERMSIG(status)));
    return -EIO; /* it has said why */
}

/* ---- signals ---- */

/* Workers finish what they have in hand, and take no more. A second signal does not wait for
 * that. */
static void end(struct supervisor *supervisor)
{
    const struct process *processes[] = {&supervisor->worker, &supervisor->old};

    for (size_t i = 0; i < sizeof(processes) / sizeof(processes[0]); i++)
        if (processes[i]->pid > 0)
            kill(processes[i]->pid, supervisor->ending ? SIGKILL : SIGTERM);
    if (!supervisor->ending)
        supervisor->kill_ms = now_ms() + DRAIN_MS;
    supervisor->ending = true;
}

static void read_signals(struct supervisor *supervisor)
{
    struct signalfd_siginfo info;

    while (read(supervisor->signals, &info, sizeof(info)) == sizeof(info)) {
        bool upgrades = info.ssi_signo == SIGUSR2 ||
                        (info.ssi_signo == SIGHUP && !supervisor->options->hangup_ends);
        if (upgrades)
            supervisor->wants_upgrade = true;
        else
            end(supervisor);
    }
}

/* ---- the loop ---- */

static int wait_ms(const struct supervisor *supervisor)
{
    int64_t until = supervisor->start_ms ? supervisor->start_ms : supervisor->kill_ms;

    if (!until)
        return -1;
    int64_t left = until - now_ms();
    return left < 0 ? 0 : (int)left;
}

static void kill_late(struct supervisor *supervisor)
{
    if (!supervisor->kill_ms || now_ms() < supervisor->kill_ms)
        return;
    supervisor->kill_ms = 0;
    if (supervisor->old.pid > 0)
        kill(supervisor->old.pid, SIGKILL);
    if (supervisor->ending && supervisor->worker.pid > 0)
        kill(supervisor->worker.pid, SIGKILL);
}

/* One thing that happened. 1 at the end. */
static int step(struct supervisor *supervisor, struct ff_error *error)
{
    struct process *worker = &supervisor->worker, *old = &supervisor->old;
    struct pollfd fds[] = {
        {.fd = supervisor->signals, .events = POLLIN}, {.fd = worker->pidfd, .events = POLLIN},
        {.fd = worker->channel, .events = POLLIN},     {.fd = old->pidfd, .events = POLLIN},
        {.fd = old->channel, .events = POLLIN},
    };

    /* The descriptor of the mount is not among them: it would wake this process at each request. */
    if (poll(fds, sizeof(fds) / sizeof(fds[0]), wait_ms(supervisor)) < 0 && errno != EINTR)
        return ff_error_set(error, -errno, "cannot wait: %s", strerror(errno));
    if (fds[0].revents)
        read_signals(supervisor);
    if (worker->pid == 0 && (supervisor->ending || ff_mountpoint_is_gone(supervisor->mountpoint)))
        return 1;
    if (fds[2].revents)
        hear(supervisor, worker);
    if (fds[4].revents)
        hear(supervisor, old);
    if (fds[3].revents)
        complete_upgrade(supervisor);
    if (fds[1].revents)
        return bury(supervisor, error);
    if (supervisor->start_ms && now_ms() >= supervisor->start_ms)
        return start_worker(supervisor, error);
    if (supervisor->wants_upgrade && worker->ready && worker->pid > 0 && old->pid == 0)
        upgrade(supervisor);
    kill_late(supervisor);
    return 0;
}

static void kill_process(struct process *process)
{
    if (process->pid <= 0)
        return;
    kill(process->pid, SIGKILL);
    waitpid(process->pid, NULL, 0);
}

int ff_supervise(const struct ff_fs_options *options, struct ff_mountpoint *mountpoint,
                 const struct ff_sandbox *sandbox, struct ff_shared *shared, int shared_fd,
                 struct ff_error *error)
{
    FF_CLEANUP(free) struct supervisor *supervisor = calloc(1, sizeof(*supervisor));
    sigset_t set;

    if (!supervisor)
        return ff_error_set(error, -ENOMEM, "out of memory");
    *supervisor = (struct supervisor){
        .options = options,
        .mountpoint = mountpoint,
        .sandbox = sandbox,
        .shared = shared,
        .shared_fd = shared_fd,
        .worker = {.pidfd = -1, .channel = -1},
        .old = {.pidfd = -1, .channel = -1},
        .can_resend = ff_mountpoint_can_resend(mountpoint),
    };
    signals_of(&set);
    FF_CLEANUP(fd) int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0)
        return ff_error_set(error, -errno, "cannot wait for signals: %s", strerror(errno));
    supervisor->signals = signals;
    int r = options->takeover ? take_over(supervisor, options->takeover, error) : 0;
    if (r == 0)
        r = start_worker(supervisor, error);
    if (r < 0 && supervisor->old.pidfd >= 0) {
        ff_log(FF_LOG_ERROR, "%s", error->text);
        fall_back(supervisor);
        r = 0;
    }
    while (r == 0)
        r = step(supervisor, error);
    kill_process(&supervisor->worker);
    kill_process(&supervisor->old);
    return r < 0 ? r : 0;
}
