#include "fs/session.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/cleanup.h"

/* As many requests may wait for slow storage at the same time. */
#define THREADS_MAX 16

static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP};
#define ENDING_SIGNALS (sizeof(ending_signals) / sizeof(ending_signals[0]))

static struct fuse_session *ended_by_signal;
static struct sigaction before[ENDING_SIGNALS], before_pipe, before_alarm;

/* libfuse's loop waits for the end of the session in a call that a signal interrupts. One that
 * comes after it looked and before it waits would be missed: another one follows. (libfuse's own
 * handlers miss it.) */
static void on_signal(int signal)
{
    (void)signal;
    fuse_session_exit(ended_by_signal);
    alarm(1);
}

void ff_session_signals_begin(struct fuse_session *session)
{
    const struct sigaction end = {.sa_handler = on_signal};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigset_t unblocked;

    ended_by_signal = session;
    sigemptyset(&unblocked);
    sigaddset(&unblocked, SIGALRM);
    for (size_t i = 0; i < ENDING_SIGNALS; i++)
        sigaddset(&unblocked, ending_signals[i]);
    pthread_sigmask(SIG_UNBLOCK, &unblocked, NULL);
    sigaction(SIGALRM, &end, &before_alarm);
    sigaction(SIGPIPE, &ignore, &before_pipe);
    for (size_t i = 0; i < ENDING_SIGNALS; i++) {
        sigaction(ending_signals[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN)
            sigaction(ending_signals[i], &end, NULL);
    }
}

void ff_session_signals_end(void)
{
    for (size_t i = 0; i < ENDING_SIGNALS; i++)
        sigaction(ending_signals[i], &before[i], NULL);
    alarm(0);
    sigaction(SIGALRM, &before_alarm, NULL);
    sigaction(SIGPIPE, &before_pipe, NULL);
    ended_by_signal = NULL;
}

/* The kernel starts with a quarter of it or less, and takes a larger value from the administrator
 * only. */
static void raise_readahead(const struct ff_fs *fs)
{
    char path[64], text[16];

    snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u/read_ahead_kb", fs->mount.major,
             fs->mount.minor);
    FF_CLEANUP(fd) int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    int len = snprintf(text, sizeof(text), "%u", FF_REPLY_BYTES_MAX / 1024);
    ssize_t count = write(fd, text, (size_t)len);
    (void)count;
}

/* The kernel has accepted the answer to INIT: the mount is usable. */
static void become_ready(struct ff_fs *fs)
{
    raise_readahead(fs);
    if (fs->options->ready)
        fs->options->ready(fs->options->context);
}

/* libfuse before 3.17 takes FUSE_CAP_PARALLEL_DIROPS but does not tell the kernel: one look-up that
 * waits for the scan would keep all others in its directory waiting, and unkillable. */
static void complete_init(const struct ff_fs *fs, const struct iovec *iov, int count)
{
    struct fuse_init_out *init;

    if (!fs->parallel || fuse_version() >= FUSE_MAKE_VERSION(3, 17) || count < 2 ||
        iov[1].iov_len < sizeof(*init))
        return;
    init = iov[1].iov_base;
    init->flags |= FUSE_PARALLEL_DIROPS;
}

static ssize_t io_writev(int fd, struct iovec *iov, int count, void *userdata)
{
    struct ff_fs *fs = userdata;
    const struct fuse_out_header *header = iov[0].iov_base;
    /* The kernel asks for nothing else before INIT is answered. */
    bool is_init = !atomic_load_explicit(&fs->answers, memory_order_relaxed) &&
                   !atomic_exchange(&fs->answers, true) && header->error == 0;

    if (is_init)
        complete_init(fs, iov, count);
    ssize_t len = writev(fd, iov, count);
    if (is_init && len >= 0)
        become_ready(fs);
    return len;
}

static ssize_t io_read(int fd, void *buf, size_t len, void *userdata)
{
    (void)userdata;
    return read(fd, buf, len);
}

/* The descriptor to talk to the kernel through. fusermount3 looks after an auto_unmount mount when
 * the socket between it and this process is closed; at the end of a killed process the kernel
 * releases descriptors from the highest on, and the mount has to be dead before it looks. */
static int settle_fd(struct ff_fs *fs)
{
    enum { PAST_SOCKET = 64 };
    int fd = fuse_session_fd(fs->session);
    int moved = fs->auto_unmount ? fcntl(fd, F_DUPFD_CLOEXEC, fd + PAST_SOCKET) : -1;

    if (moved < 0)
        return fd;
    close(fd);
    return moved;
}

int ff_session_serve(struct ff_fs *fs)
{
    static const struct fuse_custom_io io = {.writev = io_writev, .read = io_read};

    int r = fuse_session_custom_io(fs->session, &io, settle_fd(fs));
    if (r < 0)
        return r;
    struct fuse_loop_config *config = fuse_loop_cfg_create();
    if (!config)
        return -ENOMEM;
    fuse_loop_cfg_set_clone_fd(config, 0);
    fuse_loop_cfg_set_max_threads(config, THREADS_MAX);
    /* A library that answers INIT while it mounts has done so already. */
    if (fs->inited) {
        fs->answers = true;
        become_ready(fs);
    }
    r = fuse_session_loop_mt(fs->session, config);
    alarm(0);
    fuse_loop_cfg_destroy(config);
    return r < 0 ? r : 0;
}
