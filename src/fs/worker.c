#include "fs/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "fs/channel.h"
#include "fs/message.h"
#include "fs/session.h"
#include "fs/state.h"
#include "fs/uring.h"

/* As ps(1) shows them. */
#define WORKER_NAME "framefs-worker"
#define SPARE_NAME  "framefs-spare"

/* So long a thread may take that waits for nobody. */
#define PUSH_STOP_MS 20

/* One worker a process. */
static int log_channel = -1;

static void log_to_channel(enum ff_log_level level, const char *text)
{
    ff_channel_log(log_channel, level, text);
}

/* It can reach no log itself. libfuse's trace is too much for a channel, and for stderr anyway. */
static void log_by_channel(const struct ff_fs_options *options, bool said)
{
    if (!options->debug)
        ff_log_to(log_to_channel, said);
}

static void on_ready(struct ff_fs *fs)
{
    if (fs->first && fs->options->announce)
        fs->options->announce(fs->options->context);
    log_by_channel(fs->options, true);
    ff_daemon_release_streams(fs->null, fs->options->background ? STDERR_FILENO : STDOUT_FILENO);
    ff_channel_ready(fs->channel);
}

static int make_session(struct ff_fs *fs, struct ff_error *error)
{
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);

    int r = ff_mountpoint_args(fs->options, &args);
    if (r == 0)
        r = ff_uring_add_args(fs->options, &args);
    if (r == 0) {
        fs->session = fuse_session_new(&args, &ff_ops, sizeof(ff_ops), fs);
        r = fs->session ? 0 : -ENOMEM;
    }
    fuse_opt_free_args(&args);
    return r < 0 ? ff_error_set(error, r, "out of memory") : 0;
}

/* Not told to serve, it ends. */
static bool await_go(struct ff_fs *fs)
{
    bool goes = ff_channel_await_go(fs->channel);

    if (goes)
        prctl(PR_SET_NAME, WORKER_NAME);
    return goes;
}

static int serve(struct ff_fs *fs, struct ff_error *error)
{
    int r = ff_park_start(&fs->park);
    if (r < 0)
        return ff_error_set(error, r, "cannot start a thread: %s%s", strerror(-r),
                            ff_message_hint(r));
    r = ff_shown_scan(fs, error);
    if (r == 0 && (r = ff_naming_start(fs)) < 0)
        ff_error_set(error, r, "cannot start a thread: %s%s", strerror(-r), ff_message_hint(r));
    if (r == 0)
        ff_uring_await_scans(fs);
    bool goes = r == 0 && (!fs->is_spare || await_go(fs));
    if (goes && fs->is_spare)
        r = ff_shown_check(fs, error);
    if (goes && r == 0 && (r = ff_push_start(&fs->push, fs)) < 0)
        ff_error_set(error, r, "cannot start a thread: %s%s", strerror(-r), ff_message_hint(r));
    if (goes && r == 0 && (r = ff_session_serve(fs)) < 0)
        ff_error_set(error, r, "%s: cannot be served: %s%s", fs->mountpoint->dir, strerror(-r),
                     ff_message_hint(r));
    if (goes && fs->is_refused)
        r = ff_uring_refused(error);
    /* It may wait for the answer to a request that none of the loop's threads gives any more. */
    while (!ff_push_stop(&fs->push, PUSH_STOP_MS))
        ff_session_serve_rest(fs);
    ff_park_stop(&fs->park);
    return r;
}

static int open_and_serve(struct ff_fs *fs, struct ff_error *error)
{
    int r = ff_shown_open(fs, error);
    if (r == 0)
        r = make_session(fs, error);
    if (r < 0)
        return r;
    ff_session_signals_begin(fs->session);
    r = serve(fs, error);
    ff_session_signals_end();
    ff_naming_stop(fs);
    ff_shown_scan_stop(fs);
    fuse_session_destroy(fs->session);
    return r;
}

/* -1: none is wanted, or to be had. */
static int open_pusher(const struct ff_mountpoint *mountpoint)
{
    int fd = mountpoint->guard.pid > 0 ? ff_mountpoint_clone(mountpoint) : -1;

    if (fd < 0 && mountpoint->guard.pid > 0)
        ff_log(FF_LOG_WARNING, "%s: nothing is pushed: /dev/fuse: %s", mountpoint->dir,
               strerror(-fd));
    return fd < 0 ? -1 : fd;
}

static int init(struct ff_fs *fs, const struct ff_worker *worker, struct ff_error *error)
{
    const struct ff_fs_options *options = worker->options;

    *fs = (struct ff_fs){
        .options = options,
        .mountpoint = worker->mountpoint,
        .shelf = worker->shelf,
        .shared = worker->shared,
        .bench = worker->bench,
        .on_ready = on_ready,
        .channel = worker->channel,
        .null = open("/dev/null", O_RDWR | O_CLOEXEC),
        .pusher = open_pusher(worker->mountpoint),
        .first = worker->first,
        .is_spare = worker->is_spare,
        .uid = options->uid < 0 ? getuid() : (uid_t)options->uid,
        .gid = options->gid < 0 ? getgid() : (gid_t)options->gid,
        .auto_unmount = ff_mountpoint_is_watched(options),
    };
    int r = worker->sandbox ? ff_sandbox_enter(worker->sandbox, error) : 0;
    if (r < 0)
        return r;
    r = ff_buffer_init(fs);
    if (r < 0)
        return ff_error_set(error, r, "cannot start: %s", strerror(-r));
    ff_snapshot_init(&fs->stats_text);
    ff_park_init(&fs->park, &ff_ops_park);
    sem_init(&fs->scanned_on, 0, 0);
    pthread_mutex_init(&fs->log_lock, NULL);
    ff_message_init(options->debug);
    return 0;
}

static void done(struct ff_fs *fs)
{
    ff_push_done(&fs->push);
    ff_shown_close(fs);
    pthread_mutex_destroy(&fs->log_lock);
    sem_destroy(&fs->scanned_on);
    ff_park_done(&fs->park);
    ff_snapshot_done(&fs->stats_text);
    ff_buffer_done(fs);
    if (fs->null >= 0)
        close(fs->null);
    if (fs->pusher >= 0)
        close(fs->pusher);
}

/* The supervisor's signals are its own: a terminal's reach both. It also stops who writes to it
 * from behind. */
static void leave_signals(void)
{
    static const int ignored[] = {SIGINT, SIGHUP, SIGPIPE, SIGTTOU};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t none;

    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        sigaction(ignored[i], &ignore, NULL);
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
}

/* Who waits for the mount to be usable waits for the supervisor alone; the log is its, too. */
static void leave_descriptors(void)
{
    ff_daemon_leave();
    closelog();
}

int ff_worker_run(const struct ff_worker *worker)
{
    FF_CLEANUP(free) struct ff_fs *fs = malloc(sizeof(*fs));
    struct ff_error error = {0};

    if (!fs)
        return EXIT_FAILURE;
    leave_signals();
    leave_descriptors();
    /* A terminal's signals are for the supervisor. Not setsid(): the scheduler begins anew with a
     * session, which takes milliseconds where processors are busy. */
    setpgid(0, 0);
    prctl(PR_SET_NAME, worker->is_spare ? SPARE_NAME : WORKER_NAME);
    log_channel = worker->channel;
    log_by_channel(worker->options, !worker->first);
    int r = init(fs, worker, &error);
    if (r == 0) {
        r = open_and_serve(fs, &error);
        done(fs);
    }
    if (r < 0 && error.text[0])
        ff_log_say(error.text);
    ff_log_to(NULL, false);
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
