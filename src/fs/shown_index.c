/* The index files of a worker's archives: what it takes from them, and what it has written. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "fs/channel.h"
#include "fs/state.h"

static uint32_t number_of(const struct ff_shown *shown)
{
    return (uint32_t)(shown - shown->fs->shown);
}

/* False when the file is of no use to the next worker, either. */
static bool take(struct ff_shown *shown, int fd, enum ff_log_level level)
{
    struct ff_error error = {0};

    int r = fd < 0 ? -ENODATA : ff_archive_use_index(shown->archive, fd, &error);
    if (r == 0 || r == -ENODATA || r == -EALREADY)
        return true;
    ff_log(level, "%s: its index file is not used: %s", ff_archive_name(shown->archive),
           error.text);
    return false;
}

/* A new file in its place: the supervisor's is gone, and its room on the disk is to be free. Who
 * takes this process over later cannot change what was published. */
static void let_go(const struct ff_fs *fs, int *fd)
{
    if (fs->null >= 0 && *fd >= 0)
        dup3(fs->null, *fd, O_CLOEXEC);
    *fd = -1;
}

void ff_shown_use_index(struct ff_shown *shown)
{
    const struct ff_fs *fs = shown->fs;
    const struct ff_shelved *files = &fs->shelf->of[number_of(shown)];
    struct ff_index_writing writing = {.delay_ms = FF_SHELF_DELAY_MS};
    struct ff_index_status status;
    int partial = files->partial ? ff_partial_fd(files->partial) : -1;
    struct ff_error error = {0};

    /* The first that fits is used. What a worker before this one wrote knows more than what it
     * began with. */
    (void)take(shown, partial, FF_LOG_INFO);
    shown->is_finished = ff_archive_complete(shown->archive);
    (void)take(shown, files->left, FF_LOG_INFO);
    bool is_inherited = !shown->is_finished && ff_archive_complete(shown->archive);
    if (!take(shown, files->index, FF_LOG_WARNING))
        ff_channel_index(fs->channel, FF_CHANNEL_INDEX_REFUSED, number_of(shown));
    shown->is_indexed = ff_archive_complete(shown->archive);
    /* A spare scans when all is written that can be. */
    if (partial < 0 || fs->is_spare)
        return;
    shown->partial = partial;
    shown->inherited = is_inherited ? files->left : -1;
    /* What was begun is finished. */
    ff_archive_index_status(shown->archive, &status);
    if (status.read_partial)
        writing.delay_ms = 0;
    if (!shown->is_indexed && ff_archive_write_index(shown->archive, partial, &writing, &error) < 0)
        ff_log(FF_LOG_WARNING, "%s: no index file is written: %s", ff_archive_name(shown->archive),
               error.text);
}

/* It may be begun yet, or goes on. */
static bool is_to_come(const struct ff_shown *shown, const struct ff_index_status *status)
{
    return status->state == FF_INDEX_WAITING || status->state == FF_INDEX_WRITING ||
           (status->state == FF_INDEX_NONE && !ff_archive_complete(shown->archive));
}

void ff_shown_tell_index(struct ff_shown *shown)
{
    struct ff_index_status status;

    if (shown->partial < 0)
        return;
    ff_archive_index_status(shown->archive, &status);
    if (is_to_come(shown, &status))
        return;
    bool written =
        status.state == FF_INDEX_WRITTEN || (shown->is_finished && fdatasync(shown->partial) == 0);
    bool inherited = shown->inherited >= 0 && fdatasync(shown->inherited) == 0;
    if (status.state == FF_INDEX_FAILED && status.code != -ECANCELED)
        ff_log(FF_LOG_WARNING, "%s: its index file cannot be written: %s",
               ff_archive_name(shown->archive), strerror(-status.code));
    shown->is_indexed = shown->is_indexed || written;
    let_go(shown->fs, &shown->partial);
    let_go(shown->fs, &shown->inherited);
    ff_channel_index(shown->fs->channel,
                     written     ? FF_CHANNEL_INDEX_WRITTEN
                     : inherited ? FF_CHANNEL_INDEX_INHERITED
                                 : FF_CHANNEL_INDEX_LEFT,
                     number_of(shown));
}

/* Once. False when it is not, or was said before. */
static bool renounce(struct ff_shown *shown)
{
    struct ff_index_status status;

    ff_archive_index_status(shown->archive, &status);
    if (!status.read_damaged || shown->is_renounced)
        return false;
    shown->is_renounced = true;
    ff_log(FF_LOG_WARNING, "%s: its index file is damaged, and not used any more",
           ff_archive_name(shown->archive));
    /* What was written stands on it. */
    ff_channel_index(shown->fs->channel, FF_CHANNEL_INDEX_REFUSED, number_of(shown));
    ff_channel_index(shown->fs->channel, FF_CHANNEL_INDEX_LEFT, number_of(shown));
    return true;
}

void ff_shown_check_indexes(struct ff_fs *fs)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    bool renounced = false;

    /* Nobody answers any more from here on who comes while it is held. */
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < fs->shown_count; i++)
        renounced = renounce(&fs->shown[i]) || renounced;
    if (renounced && fs->options->survive)
        _exit(EXIT_SUCCESS);
    pthread_mutex_unlock(&lock);
}
