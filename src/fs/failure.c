#include <errno.h>
#include <time.h>

#include "base/log.h"
#include "fs/state.h"

/* Whether one more message may be logged in this second; *ret_dropped: those dropped before it that
 * nobody was told of. */
static bool may_log(struct ff_fs *fs, unsigned int *ret_dropped)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);

    pthread_mutex_lock(&fs->log_lock);
    *ret_dropped = 0;
    if (now.tv_sec != fs->log_second) {
        if (fs->logged > FF_LOG_PER_SECOND_MAX)
            *ret_dropped = fs->logged - FF_LOG_PER_SECOND_MAX;
        fs->log_second = now.tv_sec;
        fs->logged = 0;
    }
    bool may = ++fs->logged <= FF_LOG_PER_SECOND_MAX;
    pthread_mutex_unlock(&fs->log_lock);
    return may;
}

/* What was mounted is not there any more. */
static bool is_outdated(int r)
{
    return r == -ESTALE || r == -ENODATA;
}

int ff_fs_failed(struct ff_fs *fs, int r, const struct ff_error *error)
{
    unsigned int dropped;

    if (r == -ENOMEM || r == -EAGAIN)
        return r;
    ff_stats_add(&fs->shared->stats.errors, 1);
    if (may_log(fs, &dropped)) {
        if (dropped > 0)
            ff_log(FF_LOG_WARNING, "%u more messages were dropped", dropped);
        ff_log(FF_LOG_WARNING, "%s%s", error->text, is_outdated(r) ? "; mount it again" : "");
    }
    return -EIO;
}
