#include "fs/shelf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* A device's index would lie in /dev. */
static bool is_wanted(const struct ff_fs_options *options, size_t archive)
{
    const struct ff_file_state file = ff_source_file_state(options->sources[archive]);
    struct stat st;

    return options->index && file.opened.size >= FF_SHELF_ARCHIVE_MIN_BYTES &&
           fstat(file.fd, &st) == 0 && S_ISREG(st.st_mode);
}

static void open_index(const struct ff_fs_options *options, size_t archive,
                       struct ff_shelved *shelved)
{
    FF_CLEANUP(free) char *path = NULL;
    struct ff_error error = {0};

    int r =
        ff_index_open(options->paths[archive], options->index_path, &shelved->index, &path, &error);
    /* Hidden where the archive's path is: it may be made of the archive's name. */
    if (path && ff_log_hide(path) < 0)
        close_fd(&shelved->index);
    else if (r < 0 && r != -ENOENT)
        ff_log(FF_LOG_WARNING, "%s; the archive is scanned", error.text);
}

/* Nothing is written any more. keep: it stays where it has a name. */
static void finish(struct ff_shelved *shelved, bool keep)
{
    ff_index_end(shelved->partial, keep);
    shelved->partial = NULL;
    close_fd(&shelved->left);
}

static void begin(const struct ff_fs_options *options, size_t archive, struct ff_shelved *shelved)
{
    struct ff_error error = {0};
    struct stat st;

    int r = ff_index_begin(options->paths[archive], options->index_path, FF_PARTIAL_UNNAMED,
                           &shelved->partial, &error);
    if (r < 0)
        ff_log(options->index_path ? FF_LOG_WARNING : FF_LOG_INFO,
               "%s: no index file is written: %s", options->paths[archive], strerror(-r));
    else if (ff_log_hide(ff_partial_path(shelved->partial)) < 0)
        finish(shelved, true);
    else
        shelved->found = fstat(ff_partial_fd(shelved->partial), &st) == 0 && st.st_size > 0;
}

/* The archive may have been moved since it was mounted. */
static bool is_in_place(const struct ff_fs_options *options, size_t archive)
{
    struct stat now, opened;

    return stat(options->paths[archive], &now) == 0 &&
           fstat(ff_source_file_state(options->sources[archive]).fd, &opened) == 0 &&
           now.st_dev == opened.st_dev && now.st_ino == opened.st_ino;
}

static void take_over(const struct ff_fs_options *options, size_t archive,
                      struct ff_shelved *shelved)
{
    const struct ff_takeover_archive *before = &options->takeover->archives[archive];

    shelved->index = before->index;
    shelved->left = before->left;
    /* Its worker writes on until a new one serves: not to the same file. */
    if (shelved->left >= 0 && is_in_place(options, archive))
        begin(options, archive, shelved);
}

static bool is_among(int fd, rlim_t last)
{
    return fd >= 0 && (rlim_t)fd >= last - FF_SHELF_SPARE_FDS;
}

/* The mount comes first: where this archive's files have come so near to the limit of open files
 * that it may lack some, they are closed again. */
static bool give_way(const char *path, struct ff_shelved *shelved)
{
    struct rlimit limit;
    int partial = shelved->partial ? ff_partial_fd(shelved->partial) : -1;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
        return false;
    if (limit.rlim_cur >= FF_SHELF_SPARE_FDS && !is_among(partial, limit.rlim_cur) &&
        !is_among(shelved->index, limit.rlim_cur))
        return false;
    finish(shelved, true);
    close_fd(&shelved->index);
    ff_log(FF_LOG_WARNING,
           "%s: no index file is used or written, of this archive and those that follow: too many "
           "files would be open (ulimit -n)",
           path);
    return true;
}

int ff_shelf_new(const struct ff_fs_options *options, struct ff_shelf **ret_shelf)
{
    struct ff_shelf *shelf = calloc(1, sizeof(*shelf));
    struct ff_shelved *of = calloc(options->archive_count + 1, sizeof(*of));

    if (!shelf || !of) {
        free(shelf);
        free(of);
        return -ENOMEM;
    }
    *shelf = (struct ff_shelf){.options = options, .of = of};
    bool crowded = false;
    for (size_t i = 0; i < options->archive_count; i++) {
        of[i] = (struct ff_shelved){.index = -1, .left = -1};
        if (options->takeover) {
            take_over(options, i, &of[i]);
        } else if (!crowded && is_wanted(options, i)) {
            open_index(options, i, &of[i]);
            begin(options, i, &of[i]);
            crowded = give_way(options->paths[i], &of[i]);
        }
    }
    *ret_shelf = shelf;
    return 0;
}

void ff_shelf_free(struct ff_shelf *shelf)
{
    if (!shelf)
        return;
    for (size_t i = 0; i < shelf->options->archive_count; i++) {
        finish(&shelf->of[i], shelf->of[i].found);
        close_fd(&shelf->of[i].index);
    }
    free(shelf->of);
    free(shelf);
}

bool ff_shelf_is_written(const struct ff_shelf *shelf)
{
    for (size_t i = 0; i < shelf->options->archive_count; i++)
        if (shelf->of[i].partial)
            return true;
    return false;
}

static struct ff_shelved *find(struct ff_shelf *shelf, uint32_t archive)
{
    return archive < shelf->options->archive_count ? &shelf->of[archive] : NULL;
}

void ff_shelf_refuse(struct ff_shelf *shelf, uint32_t archive)
{
    struct ff_shelved *shelved = find(shelf, archive);

    if (!shelved)
        return;
    close_fd(&shelved->index);
    close_fd(&shelved->left);
}

/* Not to be written through; where /proc is missing, it is as it is. */
static int reopen(int fd)
{
    char path[32];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int reopened = open(path, O_RDONLY | O_CLOEXEC);
    return reopened >= 0 ? reopened : fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

void ff_shelf_publish(struct ff_shelf *shelf, uint32_t archive)
{
    struct ff_shelved *shelved = find(shelf, archive);
    struct ff_error error = {0};

    if (!shelved || !shelved->partial)
        return;
    if (ff_index_publish(shelved->partial, &error) < 0)
        ff_log(FF_LOG_WARNING, "%s", error.text);
    else
        ff_log(FF_LOG_INFO, "%s: written", ff_partial_path(shelved->partial));
    /* It is whole, also where it could not be published. */
    close_fd(&shelved->index);
    shelved->index = reopen(ff_partial_fd(shelved->partial));
    finish(shelved, false);
}

void ff_shelf_inherit(struct ff_shelf *shelf, uint32_t archive)
{
    struct ff_shelved *shelved = find(shelf, archive);

    if (!shelved || !shelved->partial || shelved->left < 0 ||
        ff_partial_replace(shelved->partial, shelved->left) < 0)
        return;
    shelved->left = -1;
    ff_shelf_publish(shelf, archive);
}

void ff_shelf_leave(struct ff_shelf *shelf, uint32_t archive)
{
    struct ff_shelved *shelved = find(shelf, archive);

    if (shelved)
        finish(shelved, false);
}

void ff_shelf_hand_on(const struct ff_shelf *shelf, struct ff_takeover *takeover)
{
    for (size_t i = 0; i < shelf->options->archive_count; i++) {
        const struct ff_shelved *shelved = &shelf->of[i];
        takeover->archives[i].index = shelved->index;
        takeover->archives[i].left =
            shelved->partial ? ff_partial_fd(shelved->partial) : shelved->left;
    }
}
