#include "fs/push.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "fs/state.h"

/* What is looked up and read at once. */
#define BATCH_RECORDS 64
#define BATCH_BYTES   (UINT64_C(256) << 10)
/* Between two records of a batch more bytes than that are not read for nothing. */
#define GAP_BYTES_MAX (UINT64_C(16) << 10)
/* Empty records are never asked for. More of them in a row end a stream: each read of the record
 * before them would look all of them up. */
#define EMPTY_MAX  32
#define PAGE_BYTES UINT64_C(4096)
#define THOUSAND   UINT64_C(1000)

/* ---- which records ---- */

static int find_view(const struct ff_shown *shown, uint64_t number, struct ff_view *ret_view)
{
    struct ff_record record;
    int r = ff_archive_record(shown->archive, number, &record);

    return r < 0 ? r : ff_view_record(shown->archive, &record, shown->content, ret_view);
}

/* The next record from `number` on that is shown and not empty: a reader asks for no other. Its
 * number, or where the search ended, is at *ret_number. */
static int next_view(const struct ff_shown *shown, uint64_t number, struct ff_view *ret_view,
                     uint64_t *ret_number)
{
    int r = 0;

    for (unsigned int i = 0; i <= EMPTY_MAX; i++) {
        *ret_number = number;
        r = ff_archive_next(shown->archive, number, ret_number);
        if (r == 0)
            r = find_view(shown, *ret_number, ret_view);
        if (r < 0 || ret_view->len > 0)
            return r;
        number = *ret_number + 1;
    }
    return -ENOENT;
}

/* A number of the directory that holds the record. */
static uint64_t directory_of(const struct ff_shown *shown, uint64_t record)
{
    return shown->layout == FF_TREE_TREE ? record / THOUSAND : 0;
}

/* As next_view(); whether that record may be pushed to who reads in this directory. */
static bool next_pushable(const struct ff_fs *fs, const struct ff_shown *shown, uint64_t number,
                          uint64_t directory, struct ff_view *ret_view, uint64_t *ret_number)
{
    return next_view(shown, number, ret_view, ret_number) == 0 &&
           directory_of(shown, *ret_number) == directory &&
           ret_view->len <= fs->options->push_bytes;
}

static uint64_t cache_bytes(uint64_t len)
{
    return (len + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

/* What has become of pushed records since the last time. The lock is held. */
static struct ff_follow_fate untold(struct ff_push *push)
{
    struct ff_follow_fate all = push->follow.fate, told = push->told;

    push->told = all;
    return (struct ff_follow_fate){all.hits - told.hits, all.wasted - told.wasted};
}

void ff_push_note(struct ff_push *push, const struct ff_node *node, const struct ff_view *view)
{
    struct ff_fs *fs = push->fs;

    if (!fs || fs->options->push_bytes == 0 || node->kind != FF_NODE_RECORD || view->len == 0)
        return;
    const struct ff_shown *shown = ff_fs_shown(fs, node);
    struct ff_follow_place place = {
        .archive = node->archive,
        .record = node->value,
        .directory = directory_of(shown, node->value),
    };
    struct ff_view next;
    place.pushable =
        next_pushable(fs, shown, node->value + 1, place.directory, &next, &place.after);
    pthread_mutex_lock(&push->lock);
    enum ff_followed followed = ff_follow_note(&push->follow, &place);
    struct ff_follow_fate fate = untold(push);
    bool wakes = followed == FF_FOLLOWED_DUE && push->waits;
    pthread_mutex_unlock(&push->lock);
    if (wakes)
        pthread_cond_signal(&push->wake);
    struct ff_stats *stats = &fs->shared->stats;
    if (followed == FF_FOLLOWED_MET)
        ff_stats_add(&stats->push_met, 1);
    if (fate.hits > 0)
        ff_stats_add(&stats->push_hits, fate.hits);
    if (fate.wasted > 0)
        ff_stats_add(&stats->push_wasted, fate.wasted);
}

void ff_push_note_made(struct ff_push *push, uint64_t ino, uint64_t offset, uint64_t len)
{
    if (!push->fs || len == 0)
        return;
    pthread_mutex_lock(&push->lock);
    bool wakes = ff_behind_note(&push->behind, ino, offset, len) && push->waits;
    pthread_mutex_unlock(&push->lock);
    if (wakes)
        pthread_cond_signal(&push->wake);
}

/* ---- the thread ---- */

/* Files that lie behind each other, to be read at once. */
struct batch {
    unsigned int count;
    struct ff_view views[BATCH_RECORDS];
    uint64_t after; /* the record behind the last one */
    uint64_t until; /* where their bytes end in the archive */
    bool is_last;   /* the stretch ends behind it: with the directory, or before a record that
                       cannot be pushed */
};

/* Of a file that is no single stretch of the archive 0. */
static uint64_t end_of(const struct ff_view *view)
{
    const struct ff_extent *extent = &view->extent[0];

    return view->extents == 1 && extent->kind == FF_EXTENT_BYTES ? extent->offset + extent->len : 0;
}

static void make_batch(const struct ff_fs *fs, const struct ff_follow_job *job,
                       struct batch *ret_batch)
{
    const struct ff_shown *shown = &fs->shown[job->archive];
    uint64_t bytes = 0, number = job->next;

    ret_batch->count = 0;
    ret_batch->until = 0;
    ret_batch->is_last = false;
    while (ret_batch->count < BATCH_RECORDS && ret_batch->count < job->left &&
           bytes < BATCH_BYTES && bytes < job->bytes_left) {
        struct ff_view *view = &ret_batch->views[ret_batch->count];
        if (!next_pushable(fs, shown, number, job->directory, view, &number)) {
            ret_batch->is_last = true;
            break;
        }
        uint64_t end = end_of(view);
        if (end && ret_batch->until && view->extent[0].offset > ret_batch->until + GAP_BYTES_MAX)
            break;
        ret_batch->until = end;
        bytes += cache_bytes(view->len);
        ret_batch->count++;
        number++;
    }
    ret_batch->after = number;
    if (!ret_batch->is_last) {
        struct ff_view view;
        (void)next_view(shown, number, &view, &ret_batch->after);
    }
}

static int store(struct ff_push *push, const struct ff_follow_job *job, const struct ff_view *view)
{
    struct ff_fs *fs = push->fs;
    struct ff_node node = ff_fs_make_node(fs, job->archive, FF_NODE_RECORD, view->record.number);
    const void *bytes;

    int r = ff_ahead_view(&push->ahead, view, &bytes);
    if (r < 0)
        return r;
    struct fuse_bufvec buf = FUSE_BUFVEC_INIT((size_t)view->len);
    buf.buf[0].mem = (void *)(uintptr_t)bytes;
    r = fuse_lowlevel_notify_store(fs->session, ff_node_ino(&node), 0, &buf, FUSE_BUF_NO_SPLICE);
    if (r < 0)
        return r;
    ff_stats_add(&fs->shared->stats.pushed, 1);
    ff_stats_add(&fs->shared->stats.pushed_bytes, view->len);
    return 0;
}

static void forget_listing(const struct ff_fs *fs, const struct ff_node *directory)
{
    (void)fuse_lowlevel_notify_inval_inode(fs->session, ff_node_ino(directory), 0, 0);
}

/* What a listing told by names alone stays in the kernel's cache, and its files unknown: the next
 * one is told in full, now that there is a reader. In a tree that is the next directory's: of the
 * one that he enters he has the listing already. */
static void renew_listings(const struct ff_fs *fs, const struct ff_follow_job *job)
{
    struct ff_shown *shown = &fs->shown[job->archive];
    struct ff_node directory;

    if (!atomic_load_explicit(&shown->bare, memory_order_relaxed))
        return;
    if (shown->layout != FF_TREE_TREE) {
        directory =
            fs->single ? ff_fs_root_node() : ff_fs_make_node(fs, job->archive, FF_NODE_ARCHIVE, 0);
        forget_listing(fs, &directory);
        atomic_store_explicit(&shown->bare, false, memory_order_relaxed);
        return;
    }
    directory = ff_fs_make_node(fs, job->archive, FF_NODE_THOUSAND, job->directory);
    /* Not twice: he has got it anew meanwhile, and may list it again. */
    if (job->before == UINT64_MAX || job->directory != job->before + 1)
        forget_listing(fs, &directory);
    directory.value++;
    forget_listing(fs, &directory);
}

/* The connection is gone, or does not know such a message. */
static bool is_final(int r)
{
    return r == -ENODEV || r == -EBADF || r == -ENOSYS || r == -ENOTCONN;
}

static int push_batch(struct ff_push *push, const struct ff_follow_job *job,
                      const struct batch *batch)
{
    uint64_t next;
    int r = 0;

    ff_ahead_begin(&push->ahead, push->fs->shown[job->archive].archive, batch->until);
    pthread_mutex_lock(&push->lock);
    for (unsigned int i = 0; i < batch->count && r == 0; i++) {
        const struct ff_view *view = &batch->views[i];
        uint64_t record = view->record.number;
        if (push->stopping || !ff_follow_is_open(&push->follow, job, &next))
            break;
        if (record < next)
            continue;
        pthread_mutex_unlock(&push->lock);
        r = store(push, job, view);
        pthread_mutex_lock(&push->lock);
        if (r < 0)
            ff_follow_end(&push->follow, job, record, r == -ENOENT);
        else
            ff_follow_pushed(&push->follow, job, record,
                             i + 1 < batch->count ? batch->views[i + 1].record.number
                                                  : batch->after,
                             cache_bytes(view->len));
    }
    if (r == 0 && batch->is_last)
        ff_follow_end(&push->follow, job, batch->after, false);
    pthread_mutex_unlock(&push->lock);
    return r;
}

static void close_index_files(const struct ff_shelved *files)
{
    const int fds[] = {files->partial ? ff_partial_fd(files->partial) : -1, files->index,
                       files->left};

    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* Only what storing needs. A thread that cannot be left behind is none that may wait; and one that
 * kept an index file open would keep its room on the disk. What it tells the kernel goes through
 * the descriptor of its own: the other one, and all requests in hand with it, must end with the
 * processes that can answer. */
static bool leave_descriptors(const struct ff_fs *fs)
{
    if (unshare(CLONE_FILES) < 0 || dup2(fs->pusher, fs->mountpoint->fd) < 0)
        return false;
    close(fs->pusher);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        close(fd);
    close(fs->mountpoint->guard.serving);
    close(fs->channel);
    for (size_t i = 0; i < fs->shown_count; i++)
        close_index_files(&fs->shelf->of[i]);
    return true;
}

static int drop(const struct ff_fs *fs, const struct ff_passed *passed)
{
    return fuse_lowlevel_notify_inval_inode(fs->session, passed->ino, (off_t)passed->offset,
                                            (off_t)passed->len);
}

static void *push_thread(void *argument)
{
    struct ff_push *push = argument;
    struct ff_follow_job job;
    struct ff_passed passed;
    struct batch batch;

    int r = leave_descriptors(push->fs) ? 0 : -EPERM;
    pthread_mutex_lock(&push->lock);
    while (!push->stopping && r == 0) {
        bool drops = ff_behind_take(&push->behind, &passed);
        if (!drops && !ff_follow_take(&push->follow, &job)) {
            push->waits = true;
            pthread_cond_wait(&push->wake, &push->lock);
            push->waits = false;
            continue;
        }
        pthread_mutex_unlock(&push->lock);
        if (drops) {
            r = drop(push->fs, &passed);
        } else {
            if (job.directory != job.before)
                renew_listings(push->fs, &job);
            make_batch(push->fs, &job, &batch);
            r = push_batch(push, &job, &batch);
        }
        r = is_final(r) ? r : 0;
        pthread_mutex_lock(&push->lock);
    }
    pthread_mutex_unlock(&push->lock);
    return NULL;
}

bool ff_push_is_wanted(const struct ff_fs_options *options)
{
    return !options->direct_io;
}

int ff_push_start(struct ff_push *push, struct ff_fs *fs)
{
    sigset_t all, before;

    /* What it waits for at the end could come from a ring that is gone (uring.h). */
    if (fs->pusher < 0 || fs->options->io_uring != FF_URING_OFF)
        return 0;
    int r = ff_ahead_init(&push->ahead);
    if (r < 0)
        return r;
    pthread_mutex_init(&push->lock, NULL);
    pthread_cond_init(&push->wake, NULL);
    push->fs = fs;
    /* Signals are the main thread's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    r = -pthread_create(&push->thread, NULL, push_thread, push);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    push->runs = r == 0;
    return r;
}

bool ff_push_stop(struct ff_push *push, unsigned int timeout_ms)
{
    struct timespec until;

    if (!push->runs)
        return true;
    pthread_mutex_lock(&push->lock);
    push->stopping = true;
    pthread_mutex_unlock(&push->lock);
    pthread_cond_signal(&push->wake);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)timeout_ms % 1000 * 1000000;
    until.tv_sec += timeout_ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    push->runs = pthread_timedjoin_np(push->thread, NULL, &until) != 0;
    return !push->runs;
}

void ff_push_done(struct ff_push *push)
{
    if (!push->fs)
        return;
    assert(!push->runs);
    ff_ahead_done(&push->ahead);
    pthread_cond_destroy(&push->wake);
    pthread_mutex_destroy(&push->lock);
    push->fs = NULL;
}
