#include "fs/session.h"

#include <errno.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/sanitize.h"
#include "fs/mountpoint.h"
#include "fs/shared.h"
#include "fs/uring.h"

/* As many requests may wait for slow storage at the same time. */
#define THREADS_MAX 16
/* The largest request that a read-only mount gets is a name and a few numbers. A worker that is
 * killed in a page fault while it reads a request gives the caller an error. */
#define REQUEST_BYTES_MAX (UINT32_C(64) << 10)

/* Requests that are answered after the loop's end, at once. */
#define REST_MAX 256

static struct fuse_session *ended_by_signal;

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
    sigset_t unblocked;

    ended_by_signal = session;
    sigaction(SIGALRM, &end, NULL);
    sigaction(SIGTERM, &end, NULL);
    sigemptyset(&unblocked);
    sigaddset(&unblocked, SIGALRM);
    sigaddset(&unblocked, SIGTERM);
    pthread_sigmask(SIG_UNBLOCK, &unblocked, NULL);
}

void ff_session_signals_end(void)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};

    sigaction(SIGTERM, &ignore, NULL);
    alarm(0);
    sigaction(SIGALRM, &ignore, NULL);
    ended_by_signal = NULL;
}

/* ---- the request in hand ---- */

static __thread struct ff_blame_slot *my_slot;
static __thread const void *my_buffer;
static pthread_key_t slot_key;

static void give_slot_back(void *slot)
{
    ff_blame_give_back(slot);
}

static struct ff_blame_slot *find_slot(struct ff_fs *fs)
{
    if (!my_slot) {
        my_slot = ff_blame_take(fs->bench);
        if (my_slot)
            pthread_setspecific(slot_key, my_slot);
    }
    return my_slot;
}

static void count_answer(void)
{
    if (my_slot)
        atomic_fetch_add_explicit(&my_slot->answered, 1, memory_order_relaxed);
}

/* Dies of it all the same. */
static void on_crash(int signal)
{
    if (my_slot)
        atomic_store(&my_slot->guilty, true);
    raise(signal);
}

static void confess_crashes(void)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP};
    const struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_RESETHAND};

    /* A sanitizer's own handlers tell more. */
    for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]) && !FF_SANITIZED; i++)
        sigaction(crashes[i], &action, NULL);
}

/* ---- libfuse's reads and writes ---- */

/* What libfuse does not tell the kernel. Before 3.17 it takes FUSE_CAP_PARALLEL_DIROPS and keeps it
 * to itself: one look-up that waits for the scan would keep all others in its directory waiting,
 * and unkillable. Before 3.17 it does not know that files of direct reads can be mapped, too. */
static void complete_init(const struct ff_fs *fs, struct fuse_init_out *init)
{
    if (fs->parallel)
        init->flags |= FUSE_PARALLEL_DIROPS;
    if (fs->options->direct_io && ff_mountpoint_can_map_direct(fs->mountpoint)) {
        init->flags |= FUSE_INIT_EXT;
        init->flags2 |= FF_FUSE_DIRECT_IO_ALLOW_MMAP2;
    }
}

/* The kernel asks for nothing else before INIT is answered. It wants one answer: that of a later
 * worker finds no request (ENOENT). Whatever becomes of it, other threads wait for no other one. */
static ssize_t answer_init(struct ff_fs *fs, int fd, struct iovec *iov, int count)
{
    const struct fuse_out_header *header = iov[0].iov_base;
    bool is_init =
        header->error == 0 && count >= 2 && iov[1].iov_len >= sizeof(struct fuse_init_out);
    ssize_t len = 0, written = -1;
    int code = ECANCELED;

    if (is_init)
        complete_init(fs, iov[1].iov_base);
    if (is_init && !ff_uring_accept(fs, iov[1].iov_base)) {
        fuse_session_exit(fs->session);
    } else {
        for (int i = 0; i < count; i++)
            len += (ssize_t)iov[i].iov_len;
        written = writev(fd, iov, count);
        code = written < 0 && errno != ENOENT ? errno : 0;
    }
    atomic_store_explicit(&fs->inited, true, memory_order_release);
    sem_post(&fs->may_ask);
    if (code == 0 && header->error == 0)
        fs->on_ready(fs);
    errno = code;
    return code == 0 ? len : -1;
}

static ssize_t io_writev(int fd, struct iovec *iov, int count, void *userdata)
{
    struct ff_fs *fs = userdata;

    if (!atomic_load_explicit(&fs->answers, memory_order_relaxed) &&
        !atomic_exchange(&fs->answers, true))
        return answer_init(fs, fd, iov, count);
    ssize_t len = writev(fd, iov, count);
    if (len >= 0)
        count_answer();
    return len;
}

/* A request that the supervisor has condemned. */
static bool is_refused(struct ff_fs *fs, int fd, const struct fuse_in_header *in)
{
    const struct fuse_out_header out = {.len = sizeof(out), .error = -EIO, .unique = in->unique};

    if (!ff_blame_is_condemned(&fs->shared->blamed, in->unique))
        return false;
    if (write(fd, &out, sizeof(out)) >= 0)
        count_answer();
    return true;
}

/* To the kernel INIT was answered long ago when a later worker begins, but libfuse answers EIO to
 * whatever another of its threads reads before it has made its own answer. */
static void await_init(struct ff_fs *fs)
{
    if (atomic_load_explicit(&fs->inited, memory_order_acquire))
        return;
    while (sem_wait(&fs->may_ask) < 0 && errno == EINTR)
        continue;
    sem_post(&fs->may_ask);
}

static ssize_t io_read(int fd, void *buf, size_t len, void *userdata)
{
    struct ff_fs *fs = userdata;
    const struct fuse_in_header *in = buf;
    struct ff_blame_slot *slot = find_slot(fs);
    ssize_t count;

    if (my_buffer != buf) {
        memset(buf, 0, len < REQUEST_BYTES_MAX ? len : REQUEST_BYTES_MAX);
        my_buffer = buf;
    }
    if (slot)
        ff_blame_end(slot);
    /* Looked at first: to write it again and again would take it from all other threads. */
    if (!atomic_load_explicit(&fs->asked, memory_order_relaxed) &&
        !atomic_exchange_explicit(&fs->asked, true, memory_order_relaxed)) {
        memcpy(buf, fs->mountpoint->init, fs->mountpoint->init_len);
        return (ssize_t)fs->mountpoint->init_len;
    }
    await_init(fs);
    do {
        count = read(fd, buf, len);
        if (count < (ssize_t)sizeof(*in))
            return count;
        if (in->unique & FF_UNIQUE_RESENT)
            atomic_fetch_add(&fs->shared->resent, 1);
    } while (is_refused(fs, fd, in));
    if (slot)
        ff_blame_begin(slot, in->unique, in->nodeid, in->opcode);
    return count;
}

int ff_session_serve(struct ff_fs *fs)
{
    static const struct fuse_custom_io io = {.writev = io_writev, .read = io_read};

    int r = -pthread_key_create(&slot_key, give_slot_back);
    if (r == 0)
        r = fuse_session_custom_io(fs->session, &io, fs->mountpoint->fd);
    if (r < 0)
        return r;
    struct fuse_loop_config *config = fuse_loop_cfg_create();
    if (!config)
        return -ENOMEM;
    fuse_loop_cfg_set_clone_fd(config, 0);
    fuse_loop_cfg_set_max_threads(config, THREADS_MAX);
    confess_crashes();
    sem_init(&fs->may_ask, 0, 0);
    r = fuse_session_loop_mt(fs->session, config);
    alarm(0);
    sem_destroy(&fs->may_ask);
    fuse_loop_cfg_destroy(config);
    /* libfuse says so much of a thread that could not be started. */
    if (r == -1)
        r = -EAGAIN;
    return r < 0 ? r : 0;
}

void ff_session_serve_rest(struct ff_fs *fs)
{
    struct pollfd poll_fd = {.fd = fs->mountpoint->fd, .events = POLLIN};
    struct fuse_buf buf = {.mem = NULL};

    /* An ended session takes a request and drops it. (Before 3.18 libfuse's loop resets it.) */
    fuse_session_reset(fs->session);
    ff_mountpoint_resend(fs->mountpoint);
    /* Another worker may be faster than the look that was taken: a signal ends the wait for what it
     * has left. */
    alarm(1);
    for (unsigned int i = 0; i < REST_MAX && poll(&poll_fd, 1, 0) == 1; i++) {
        if (fuse_session_receive_buf(fs->session, &buf) <= 0)
            break;
        fuse_session_process_buf(fs->session, &buf);
    }
    alarm(0);
    free(buf.mem);
}
