#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fs/channel.h"
#include "fs/shared.h"
#include "fs/state.h"
#include "fs/uring.h"

/* Own names take a table of all of them, and one directory: all records must be known. */
static int settle_roster(struct ff_shown *shown, struct ff_error *error)
{
    if (ff_archive_count(shown->archive) > FF_ROSTER_RECORDS_MAX)
        return ff_error_set(error, -EOVERFLOW,
                            "%s: more than %u records: too many for names=name, which shows all of "
                            "them in one directory; mount with names=number-name",
                            ff_archive_name(shown->archive), FF_ROSTER_RECORDS_MAX);
    shown->layout = FF_TREE_FLAT;
    int r = ff_roster_new(shown->extension, &shown->roster);
    return r < 0 ? ff_error_set(error, r, "out of memory") : 0;
}

/* Scans as far as the layout, the epoch and the names depend on. */
static int settle(struct ff_fs *fs, struct ff_shown *shown, const struct ff_settled *settled,
                  struct ff_error *error)
{
    enum ff_layout_kind layout = fs->options->layout;
    bool own_names = fs->options->names == FF_NAMES_NAME;
    bool known = atomic_load(&settled->known);

    if (known)
        layout = settled->layout == FF_TREE_TREE ? FF_TREE_TREE : FF_TREE_FLAT;
    uint64_t records = layout == FF_TREE_AUTO || own_names ? FF_TREE_FLAT_MAX + 1 : 1;
    struct ff_error detail = {0};
    int r = 0;

    /* What ends a scan becomes a damage. A scan that runs goes on from start_scans(), which is told
     * of its progress. */
    ff_archive_scan_stop(shown->archive);
    if (!ff_archive_complete(shown->archive) && ff_archive_count(shown->archive) < records)
        r = ff_archive_scan(shown->archive, records, &detail);
    if (layout == FF_TREE_AUTO)
        layout = ff_archive_count(shown->archive) > FF_TREE_FLAT_MAX ? FF_TREE_TREE : FF_TREE_FLAT;
    shown->layout = layout;
    shown->epoch = ff_archive_epoch(shown->archive);
    uint64_t before = atomic_load(&settled->records);
    uint64_t wanted = before < records ? before : records;
    /* Who has seen these records would be told that there are none. */
    if (known && (shown->epoch != settled->epoch || ff_archive_count(shown->archive) < wanted))
        return ff_error_set(error, r < 0 ? r : -ESTALE, "%s",
                            r < 0 ? detail.text : "an archive is not what was mounted any more");
    return own_names ? settle_roster(shown, error) : 0;
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

static void remember(const struct ff_shown *shown)
{
    uint64_t count = ff_archive_count(shown->archive);
    uint64_t before = atomic_load(&shown->settled->records);

    while (before < count &&
           !atomic_compare_exchange_weak(&shown->settled->records, &before, count))
        continue;
}

bool ff_shown_is_short(const struct ff_shown *shown)
{
    return ff_archive_complete(shown->archive) &&
           ff_archive_count(shown->archive) < atomic_load(&shown->settled->records);
}

int ff_shown_check(const struct ff_fs *fs, struct ff_error *error)
{
    for (size_t i = 0; i < fs->shown_count; i++)
        if (ff_shown_is_short(&fs->shown[i]))
            return ff_error_set(error, -EIO, "%s: could not be read as far as before",
                                ff_archive_name(fs->shown[i].archive));
    return 0;
}

/* What the worker before this one told of it is taken, and told to the next one. */
static int open_archive(struct ff_fs *fs, size_t index, struct ff_error *error)
{
    const struct ff_fs_options *options = fs->options;
    struct ff_settled *settled = &fs->shared->settled[index];
    struct ff_shown *shown = &fs->shown[index];
    struct ff_fs_archive opened;
    char format[FF_FS_FORMAT_BYTES] = "";

    if (atomic_load(&settled->known)) {
        memcpy(format, settled->format, sizeof(format));
        format[sizeof(format) - 1] = '\0';
    }
    int r = options->open(options->context, index, &opened, format);
    if (r < 0)
        return r;
    const struct ff_format *archive_format = ff_archive_format(opened.archive);
    *shown = (struct ff_shown){
        .archive = opened.archive,
        .name = options->archive_names[index],
        .content = opened.content,
        .extension = ff_format_extension(archive_format, opened.content),
        .has_names = ff_format_has_names(archive_format),
        .fs = fs,
        .settled = settled,
        .partial = -1,
        .inherited = -1,
    };
    ff_snapshot_init(&shown->info);
    ff_snapshot_init(&shown->damage);
    fs->shown_count++;
    ff_shown_use_index(shown);
    r = settle(fs, shown, settled, error);
    if (r == 0 && !atomic_load(&settled->known)) {
        settled->layout = (uint8_t)shown->layout;
        settled->epoch = shown->epoch;
        memcpy(settled->format, format, sizeof(format));
        atomic_store(&settled->known, true);
    }
    remember(shown);
    return r;
}

int ff_shown_open(struct ff_fs *fs, struct ff_error *error)
{
    const struct ff_fs_options *options = fs->options;

    fs->single = options->archive_count == 1;
    if (options->archive_count == 0)
        return 0;
    fs->shown = calloc(options->archive_count, sizeof(*fs->shown));
    if (!fs->shown)
        return ff_error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < options->archive_count; i++) {
        int r = open_archive(fs, i, error);
        if (r < 0)
            return r;
        struct timespec mtime = ff_archive_mtime(fs->shown[i].archive);
        if (i == 0 || is_later(&mtime, &fs->mtime))
            fs->mtime = mtime;
    }
    return 0;
}

void ff_shown_close(struct ff_fs *fs)
{
    for (size_t i = 0; i < fs->shown_count; i++) {
        ff_snapshot_done(&fs->shown[i].info);
        ff_snapshot_done(&fs->shown[i].damage);
        ff_roster_free(fs->shown[i].roster);
        ff_archive_close(fs->shown[i].archive);
    }
    free(fs->shown);
}

/* Its scan has ended, and what it wrote is whole. */
static void become_known(struct ff_shown *shown)
{
    struct ff_fs *fs = shown->fs;

    if (shown->is_known)
        return;
    shown->is_known = true;
    if (!shown->is_indexed)
        atomic_store(&fs->is_scanned_again, true);
    if (atomic_fetch_sub(&fs->unknown, 1) == 1 && atomic_load(&fs->is_scanned_again))
        ff_channel_scanned(fs->channel);
}

static void on_progress(void *context)
{
    struct ff_shown *shown = context;
    struct ff_fs *fs = shown->fs;

    remember(shown);
    if (ff_shown_is_short(shown))
        ff_log(FF_LOG_ERROR,
               "%s: can be read to record %" PRIu64 ", not as far as before: an input/output error "
               "for the others, until another worker scans it",
               ff_archive_name(shown->archive), ff_archive_count(shown->archive));
    ff_park_wake(&fs->park);
    ff_uring_note_scan(fs);
    ff_shown_tell_index(shown);
    if (ff_archive_complete(shown->archive) && shown->partial < 0)
        become_known(shown);
}

int ff_shown_scan(struct ff_fs *fs, struct ff_error *error)
{
    sigset_t all, before;
    int r = 0;

    for (size_t i = 0; i < fs->shown_count; i++) {
        ff_shown_tell_index(&fs->shown[i]);
        if (!ff_archive_complete(fs->shown[i].archive))
            atomic_fetch_add(&fs->unknown, 1);
    }
    /* Signals are the main thread's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (size_t i = 0; i < fs->shown_count && r == 0; i++) {
        struct ff_archive *archive = fs->shown[i].archive;
        if (ff_archive_complete(archive))
            continue;
        ff_archive_on_progress(archive, on_progress, &fs->shown[i]);
        r = ff_archive_scan_start(archive, error);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r;
}

void ff_shown_scan_stop(struct ff_fs *fs)
{
    for (size_t i = 0; i < fs->shown_count; i++) {
        ff_archive_scan_stop(fs->shown[i].archive);
        ff_archive_on_progress(fs->shown[i].archive, NULL, NULL);
    }
}
