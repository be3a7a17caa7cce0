#include "fs/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/notify.h"
#include "fs/channel.h"
#include "fs/process.h"
#include "fs/upgrade.h"
#include "fs/worker.h"

/* A worker that is to end has that long for the requests it has in hand. */
#define DRAIN_MS 10000
/* The pause before another try grows from here, from the second fruitless one on. */
#define PAUSE_MIN_MS 10
#define PAUSE_MAX_MS 2000
/* After so many workers in a row that have died this soon, though they answered, each next one
 * waits: an archive that kills them must not keep a processor busy, nor fill the log. */
#define HASTY_MAX      20
#define HASTY_MS       1000
#define HASTY_PAUSE_MS 100
/* So many messages of a worker are taken within this time. More wait in its channel, which drops
 * what it cannot hold. */
#define HEARD_MAX 100
#define HEARD_MS  1000
/* Between the end of a worker's channel and that of its process. One that takes longer waits in the
 * kernel for the answer to a request (push.h), which another worker has to give. */
#define LATE_MS 100
/* After a change of the mount table, and while the mount is not in it but in use. */
#define LOOK_MS 1000

struct supervisor {
    const struct ff_fs_options *options;
    struct ff_mountpoint *mountpoint;
    const struct ff_sandbox *sandbox;
    struct ff_shelf *shelf;
    struct ff_shared *shared;
    struct ff_blame blame;
    int shared_fd;
    int signals;
    int table; /* of mounts, for its changes; -1 where the kernel does not tell */
    struct ff_process worker;
    struct ff_process old;   /* serves until the worker does, or finishes what it has in hand */
    struct ff_process spare; /* takes the place of a worker that dies */
    unsigned int spares_lost;
    bool can_resend;
    bool wants_upgrade;
    bool usable;      /* a worker was ready once */
    bool told;        /* that this program serves */
    bool ending;      /* a signal asked for it, or the mount is gone */
    int64_t kill_ms;  /* when the worker is not waited for any more; 0: it is */
    int64_t start_ms; /* when the next worker is started; 0: there is one */
    int64_t look_ms;  /* when to look whether the mount is there; 0: when the table changes */
    unsigned int fruitless, hasty; /* workers in a row */
};

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
    /* Where files may not grow (ulimit -f), it is an error: shared memory is a file, too. */
    sigaction(SIGXFSZ, &ignore, NULL);
    signals_of(&set);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

/* ---- workers ---- */

static bool is_taken(const struct supervisor *supervisor, size_t bench)
{
    const struct ff_process *processes[] = {&supervisor->worker, &supervisor->old,
                                            &supervisor->spare};

    for (size_t i = 0; i < sizeof(processes) / sizeof(processes[0]); i++)
        if (processes[i]->pid > 0 && processes[i]->bench == bench)
            return true;
    return false;
}

static int start(struct supervisor *supervisor, struct ff_process *process, bool is_spare,
                 struct ff_error *error)
{
    struct ff_process started;
    size_t bench = 0;

    while (is_taken(supervisor, bench))
        bench++;
    ff_blame_clear(&supervisor->shared->benches[bench]);
    int r = ff_process_start(&started, error);
    if (r == 0 && started.pid == 0) {
        const int not_its[] = {
            supervisor->signals,      supervisor->table,          supervisor->shared_fd,
            supervisor->worker.pidfd, supervisor->worker.channel, supervisor->old.pidfd,
            supervisor->old.channel,  supervisor->spare.pidfd,    supervisor->spare.channel};
        for (size_t i = 0; i < sizeof(not_its) / sizeof(not_its[0]); i++)
            if (not_its[i] >= 0)
                close(not_its[i]);
        const struct ff_worker self = {
            .options = supervisor->options,
            .mountpoint = supervisor->mountpoint,
            .sandbox = supervisor->sandbox,
            .shelf = supervisor->shelf,
            .shared = supervisor->shared,
            .bench = &supervisor->shared->benches[bench],
            .channel = started.channel,
            .first = !supervisor->usable,
            .is_spare = is_spare,
        };
        exit(ff_worker_run(&self));
    }
    started.bench = bench;
    if (r == 0)
        *process = started;
    return r;
}

/* The spare, which has all at hand, or a new one. */
static int start_worker(struct supervisor *supervisor, struct ff_error *error)
{
    supervisor->start_ms = 0;
    if (supervisor->spare.pid == 0)
        return start(supervisor, &supervisor->worker, false, error);
    supervisor->worker = supervisor->spare;
    supervisor->worker.started_ms = ff_process_now_ms();
    supervisor->spare = FF_PROCESS_NONE;
    supervisor->spares_lost = 0;
    ff_channel_go(supervisor->worker.channel);
    return 0;
}

/* The next one is started after a pause that grows with those that were of no use. */
static void plan_start(struct supervisor *supervisor)
{
    int64_t pause_ms = supervisor->hasty > HASTY_MAX ? HASTY_PAUSE_MS : 0;

    if (supervisor->fruitless > 1)
        pause_ms = (int64_t)PAUSE_MIN_MS << (supervisor->fruitless - 2);
    supervisor->start_ms =
        ff_process_now_ms() + (pause_ms < PAUSE_MAX_MS ? pause_ms : PAUSE_MAX_MS);
}

/* What is short now, processes or descriptors, may be there again soon. */
static int start_next(struct supervisor *supervisor, struct ff_error *error)
{
    const char *dir = supervisor->mountpoint->dir;
    struct ff_error detail = {0};

    int r = start_worker(supervisor, &detail);
    if (r == 0)
        return 0;
    if (++supervisor->fruitless >= FF_FRUITLESS_MAX)
        return ff_error_set(error, r, "%s: %s; the mount is given up", dir, detail.text);
    ff_log(FF_LOG_WARNING, "%s: %s; it is tried again", dir, detail.text);
    plan_start(supervisor);
    return 0;
}

/* Where a scan took long, one more process has made it, for readers not to wait for it again. */
static void keep_spare(struct supervisor *supervisor)
{
    const struct ff_process *worker = &supervisor->worker;
    struct ff_error error = {0};

    if (!supervisor->options->survive || supervisor->ending || supervisor->spare.pid > 0 ||
        supervisor->old.pid > 0 || worker->pid == 0 || !worker->ready || !worker->scanned ||
        worker->scan_ms < FF_SPARE_SCAN_MS || supervisor->spares_lost >= FF_SPARES_LOST_MAX)
        return;
    if (start(supervisor, &supervisor->spare, true, &error) < 0) {
        supervisor->spares_lost++;
        ff_log(FF_LOG_WARNING, "%s: %s", supervisor->mountpoint->dir, error.text);
    }
}

/* A worker serves. The one before it, of another program, is to end. */
static void become_ready(struct supervisor *supervisor)
{
    struct ff_process *old = &supervisor->old;

    if (!supervisor->usable)
        ff_mountpoint_raise_readahead(supervisor->mountpoint);
    supervisor->usable = true;
    if (old->pid > 0) {
        kill(old->pid, SIGTERM);
        supervisor->kill_ms = ff_process_now_ms() + DRAIN_MS;
    }
    if (!supervisor->told && supervisor->options->ready)
        supervisor->options->ready(supervisor->options->context);
    supervisor->told = true;
}

/* Of the files that it was given: a worker of another program writes another one. */
static void hear_of_index(struct supervisor *supervisor, const struct ff_process *process,
                          const struct ff_channel_message *message)
{
    if (message->kind == FF_CHANNEL_INDEX_REFUSED)
        ff_shelf_refuse(supervisor->shelf, message->archive);
    else if (process != &supervisor->worker || process->is_adopted)
        return;
    else if (message->kind == FF_CHANNEL_INDEX_WRITTEN)
        ff_shelf_publish(supervisor->shelf, message->archive);
    else if (message->kind == FF_CHANNEL_INDEX_INHERITED)
        ff_shelf_inherit(supervisor->shelf, message->archive);
    else
        ff_shelf_leave(supervisor->shelf, message->archive);
}

static bool may_hear(struct ff_process *process)
{
    if (process->heard >= HEARD_MAX && ff_process_now_ms() - process->heard_ms >= HEARD_MS)
        process->heard = 0;
    return process->heard < HEARD_MAX;
}

static void hear(struct supervisor *supervisor, struct ff_process *process)
{
    struct ff_channel_message message;
    bool end = false;

    while (may_hear(process) && ff_channel_receive(process->channel, &message, &end)) {
        if (process->heard++ == 0)
            process->heard_ms = ff_process_now_ms();
        if (message.kind == FF_CHANNEL_LOG) {
            ff_log(message.level, "%s", message.text);
        } else if (message.kind == FF_CHANNEL_SCANNED && !process->scanned) {
            process->scanned = true;
            process->scan_ms = ff_process_now_ms() - process->started_ms;
        } else if (message.kind == FF_CHANNEL_READY && process == &supervisor->worker &&
                   !process->ready) {
            process->ready = true;
            become_ready(supervisor);
        } else if (message.kind >= FF_CHANNEL_INDEX_REFUSED &&
                   message.kind <= FF_CHANNEL_INDEX_LEFT) {
            hear_of_index(supervisor, process, &message);
        }
    }
    if (end) {
        close(process->channel);
        process->channel = -1;
        process->late_ms = ff_process_now_ms() + LATE_MS;
    }
}

/* What it still had to say, and its status. */
static int collect(struct supervisor *supervisor, struct ff_process *process)
{
    if (process->channel >= 0)
        hear(supervisor, process);
    return ff_process_collect(process);
}

/* ---- deaths ---- */

static void judge(struct supervisor *supervisor, size_t bench, int status)
{
    struct ff_shared *shared = supervisor->shared;
    struct ff_blame_suspect condemned[FF_BLAME_SLOTS];

    size_t count = ff_blame_judge(&supervisor->blame, &shared->benches[bench],
                                  ff_process_has_crashed(status), &shared->blamed, condemned);
    atomic_fetch_add(&shared->condemned, count);
    for (size_t i = 0; i < count; i++)
        ff_log(FF_LOG_ERROR,
               "%s: request %" PRIu64 " (operation %" PRIu32 " on inode %" PRIu64
               ") has killed %" PRIu32 " workers: it gets an input/output error",
               supervisor->mountpoint->dir, condemned[i].unique, condemned[i].opcode,
               condemned[i].nodeid, condemned[i].crashes + condemned[i].kills);
}

/* What is to be known of a worker that has died, and of those who waited for it. */
static void count_death(struct supervisor *supervisor, const struct ff_process *dead, int status)
{
    char how[128];

    ff_process_describe(status, how, sizeof(how));
    judge(supervisor, dead->bench, status);
    ff_log(FF_LOG_WARNING, "%s: the worker %d %s; another one takes over",
           supervisor->mountpoint->dir, (int)dead->pid, how);
    atomic_fetch_add(&supervisor->shared->restarts, 1);
    ff_mountpoint_resend(supervisor->mountpoint);
}

static int give_up(const struct supervisor *supervisor, const char *how, struct ff_error *error)
{
    return ff_error_set(error, -EIO,
                        "%s: the server %s; the mount is taken away (with Linux 6.9 and without "
                        "nosurvive another one takes over)",
                        supervisor->mountpoint->dir, how);
}

/* After a death: another worker, at once or later, or an error when there is to be none. */
static int go_on(struct supervisor *supervisor, const struct ff_process *dead, int status,
                 struct ff_error *error)
{
    const char *dir = supervisor->mountpoint->dir;
    char how[128];

    ff_process_describe(status, how, sizeof(how));
    if (!supervisor->options->survive)
        return give_up(supervisor, how, error);
    int64_t lived_ms = ff_process_now_ms() - dead->started_ms;
    bool fruitful = ff_blame_answered(&supervisor->shared->benches[dead->bench]) > 0 ||
                    lived_ms >= FF_FRUITLESS_MS;
    supervisor->fruitless = fruitful ? 0 : supervisor->fruitless + 1;
    supervisor->hasty = lived_ms >= HASTY_MS ? 0 : supervisor->hasty + 1;
    if (supervisor->fruitless >= FF_FRUITLESS_MAX)
        return ff_error_set(error, -EIO,
                            "%s: %u workers in a row have died before they answered anything, the "
                            "last one %s; the mount is given up (dmesg may tell why)",
                            dir, supervisor->fruitless, how);
    count_death(supervisor, dead, status);
    plan_start(supervisor);
    return 0;
}

/* A worker that has no channel any more has died, and cannot end before another one has answered
 * what it had in hand: it becomes the old one. */
static int replace_late(struct supervisor *supervisor, struct ff_error *error)
{
    struct ff_process *worker = &supervisor->worker, *old = &supervisor->old;
    int64_t now_ms = ff_process_now_ms();

    if (old->pid > 0 && old->late_ms && now_ms >= old->late_ms) {
        old->late_ms = 0;
        ff_mountpoint_resend(supervisor->mountpoint);
    }
    if (worker->pid == 0 || !worker->late_ms || now_ms < worker->late_ms ||
        (old->pid > 0 && !old->is_dead))
        return 0;
    worker->late_ms = 0;
    if (!supervisor->usable || supervisor->ending)
        return 0;
    if (!supervisor->options->survive) {
        kill(worker->pid, SIGKILL);
        ff_process_forget(worker);
        return give_up(supervisor, "has died", error);
    }
    ff_log(FF_LOG_INFO, "%s: the worker %d has died and waits for an answer",
           supervisor->mountpoint->dir, (int)worker->pid);
    kill(worker->pid, SIGKILL);
    ff_process_forget(old);
    *old = *worker;
    old->is_dead = true;
    *worker = FF_PROCESS_NONE;
    ff_mountpoint_resend(supervisor->mountpoint);
    plan_start(supervisor);
    return 0;
}

/* ---- upgrades ---- */

/* This program has taken over, and its worker has failed before it served. */
static void fall_back(struct supervisor *supervisor)
{
    supervisor->worker = supervisor->old;
    supervisor->old = FF_PROCESS_NONE;
    atomic_fetch_add(&supervisor->shared->upgrades_failed, 1);
    ff_log(FF_LOG_ERROR,
           "%s: the new program's worker has died before it served; the old program's worker "
           "serves on",
           supervisor->mountpoint->dir);
    (void)ff_notify_ready(NULL);
    supervisor->told = true;
}

/* The old program's worker has ended: what it leaves unanswered is the new one's. Or the end of one
 * that died late. */
static void bury_old(struct supervisor *supervisor)
{
    const struct ff_process old = supervisor->old;
    int status = collect(supervisor, &supervisor->old);

    if (!supervisor->ending)
        supervisor->kill_ms = 0;
    if (old.is_dead) {
        count_death(supervisor, &old, status);
        return;
    }
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
    } else if (!supervisor->options->program) {
        ff_error_set(&error, -ENOENT, "which program it runs cannot be told: /proc is missing");
    } else if (!supervisor->can_resend) {
        ff_error_set(&error, -EOPNOTSUPP,
                     "this kernel does not send requests again: unmount and mount");
    } else if (atomic_load(&supervisor->shared->is_uring)) {
        ff_error_set(&error, -EOPNOTSUPP,
                     "its requests come through io_uring, which ends with the worker: unmount and "
                     "mount");
    } else {
        takeover->worker = supervisor->worker.pid;
        takeover->channel = supervisor->worker.channel;
        takeover->bench = (uint32_t)supervisor->worker.bench;
        ff_shelf_hand_on(supervisor->shelf, takeover);
        ff_process_kill(&supervisor->spare);
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
    struct ff_process *old = &supervisor->old;

    int r = ff_process_adopt(takeover->worker, takeover->channel, old, error);
    if (r == -ESRCH) {
        /* It has died on the way. */
        supervisor->usable = true;
        ff_mountpoint_resend(supervisor->mountpoint);
        atomic_fetch_add(&supervisor->shared->upgrades, 1);
        close(takeover->channel);
        return 0;
    }
    if (r < 0)
        return r;
    old->bench = takeover->bench;
    old->ready = true;
    old->is_adopted = true;
    supervisor->usable = true;
    return 0;
}

/* A spare has died: killed, or of what a worker might have died of. */
static void lose_spare(struct supervisor *supervisor)
{
    char how[128];
    pid_t pid = supervisor->spare.pid;

    ff_process_describe(collect(supervisor, &supervisor->spare), how, sizeof(how));
    supervisor->spares_lost++;
    ff_log(FF_LOG_INFO, "%s: the spare worker %d %s", supervisor->mountpoint->dir, (int)pid, how);
}

/* The worker has ended. 1 when all has. */
static int bury(struct supervisor *supervisor, struct ff_error *error)
{
    struct ff_process dead = supervisor->worker;
    int status = collect(supervisor, &supervisor->worker);

    if (supervisor->ending || ff_mountpoint_is_gone(supervisor->mountpoint))
        return 1;
    if (supervisor->old.pid > 0 && !supervisor->old.is_dead && !dead.ready) {
        fall_back(supervisor);
        return 0;
    }
    if (supervisor->usable)
        return go_on(supervisor, &dead, status, error);
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
    const struct ff_process *processes[] = {&supervisor->worker, &supervisor->old};

    ff_process_kill(&supervisor->spare);
    for (size_t i = 0; i < sizeof(processes) / sizeof(processes[0]); i++)
        if (processes[i]->pid > 0)
            kill(processes[i]->pid, supervisor->ending ? SIGKILL : SIGTERM);
    if (!supervisor->ending)
        supervisor->kill_ms = ff_process_now_ms() + DRAIN_MS;
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

/* 0 is never. */
static int64_t earlier(int64_t a_ms, int64_t b_ms)
{
    return a_ms && (!b_ms || a_ms < b_ms) ? a_ms : b_ms;
}

/* When it is heard again, if it says too much. */
static int64_t hear_ms(struct ff_process *process)
{
    return process->channel < 0 || may_hear(process) ? 0 : process->heard_ms + HEARD_MS;
}

static int wait_ms(struct supervisor *supervisor)
{
    struct ff_process *processes[] = {&supervisor->worker, &supervisor->old, &supervisor->spare};
    int64_t until_ms = earlier(supervisor->start_ms, supervisor->kill_ms);

    until_ms = earlier(until_ms, supervisor->look_ms);
    for (size_t i = 0; i < sizeof(processes) / sizeof(processes[0]); i++)
        until_ms = earlier(until_ms, hear_ms(processes[i]));
    until_ms = earlier(until_ms, supervisor->old.late_ms);
    if (supervisor->old.pid == 0 || supervisor->old.is_dead)
        until_ms = earlier(until_ms, supervisor->worker.late_ms);
    if (!until_ms)
        return -1;
    int64_t left_ms = until_ms - ff_process_now_ms();
    return left_ms < 0 ? 0 : (int)left_ms;
}

/* A worker sees for itself that the mount is gone. One that is stopped, or waits for storage, does
 * not. */
static void look_after_mount(struct supervisor *supervisor)
{
    if (!supervisor->look_ms || ff_process_now_ms() < supervisor->look_ms)
        return;
    bool is_listed = ff_mountpoint_is_listed(supervisor->mountpoint);
    supervisor->look_ms = is_listed || supervisor->ending ? 0 : ff_process_now_ms() + LOOK_MS;
    if (supervisor->ending || !ff_mountpoint_is_gone(supervisor->mountpoint))
        return;
    supervisor->ending = true;
    supervisor->look_ms = 0;
    supervisor->kill_ms = ff_process_now_ms() + DRAIN_MS;
}

/* 1 when nothing is waited for any more: at the end workers are killed. */
static int kill_late(struct supervisor *supervisor)
{
    if (!supervisor->kill_ms || ff_process_now_ms() < supervisor->kill_ms)
        return 0;
    supervisor->kill_ms = 0;
    if (supervisor->old.pid > 0)
        kill(supervisor->old.pid, SIGKILL);
    return supervisor->ending;
}

/* One thing that happened. 1 at the end. */
static int step(struct supervisor *supervisor, struct ff_error *error)
{
    struct ff_process *worker = &supervisor->worker, *old = &supervisor->old;
    struct ff_process *spare = &supervisor->spare;
    struct pollfd fds[] = {
        {.fd = supervisor->signals, .events = POLLIN},
        {.fd = worker->pidfd, .events = POLLIN},
        {.fd = may_hear(worker) ? worker->channel : -1, .events = POLLIN},
        {.fd = old->pidfd, .events = POLLIN},
        {.fd = may_hear(old) ? old->channel : -1, .events = POLLIN},
        {.fd = spare->pidfd, .events = POLLIN},
        {.fd = may_hear(spare) ? spare->channel : -1, .events = POLLIN},
        {.fd = supervisor->look_ms ? -1 : supervisor->table, .events = POLLPRI},
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
        bury_old(supervisor);
    if (fds[6].revents && spare->pid > 0)
        hear(supervisor, spare);
    if (fds[5].revents && spare->pid > 0)
        lose_spare(supervisor);
    if (fds[7].revents)
        supervisor->look_ms = ff_process_now_ms() + LOOK_MS;
    if (fds[1].revents)
        return bury(supervisor, error);
    int r = replace_late(supervisor, error);
    if (r < 0)
        return r;
    if (supervisor->start_ms && ff_process_now_ms() >= supervisor->start_ms)
        return start_next(supervisor, error);
    if (supervisor->wants_upgrade && !supervisor->ending && worker->ready && worker->pid > 0 &&
        old->pid == 0)
        upgrade(supervisor);
    keep_spare(supervisor);
    look_after_mount(supervisor);
    return kill_late(supervisor);
}

int ff_supervise(const struct ff_fs_options *options, struct ff_mountpoint *mountpoint,
                 const struct ff_sandbox *sandbox, struct ff_shelf *shelf, struct ff_shared *shared,
                 int shared_fd, struct ff_error *error)
{
    FF_CLEANUP(free) struct supervisor *supervisor = calloc(1, sizeof(*supervisor));
    sigset_t set;

    if (!supervisor)
        return ff_error_set(error, -ENOMEM, "out of memory");
    *supervisor = (struct supervisor){
        .options = options,
        .mountpoint = mountpoint,
        .sandbox = sandbox,
        .shelf = shelf,
        .shared = shared,
        .shared_fd = shared_fd,
        .worker = FF_PROCESS_NONE,
        .old = FF_PROCESS_NONE,
        .spare = FF_PROCESS_NONE,
        .can_resend = ff_mountpoint_can_resend(mountpoint),
    };
    signals_of(&set);
    FF_CLEANUP(fd) int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals < 0)
        return ff_error_set(error, -errno, "cannot wait for signals: %s", strerror(errno));
    supervisor->signals = signals;
    FF_CLEANUP(fd) int table = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    supervisor->table = table;
    int r = options->takeover ? take_over(supervisor, options->takeover, error) : 0;
    if (r == 0)
        r = start_worker(supervisor, error);
    if (r < 0 && supervisor->old.pid > 0) {
        ff_log(FF_LOG_ERROR, "%s", error->text);
        fall_back(supervisor);
        r = 0;
    }
    while (r == 0)
        r = step(supervisor, error);
    ff_process_kill(&supervisor->spare);
    ff_process_kill(&supervisor->worker);
    ff_process_kill(&supervisor->old);
    return r < 0 ? r : 0;
}
