#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "fs/message.h"
#include "fs/session.h"
#include "fs/state.h"

/* ---- the archives ---- */

static int check_names(const struct ff_fs_options *options, struct ff_error *error)
{
    for (size_t i = 0; i < options->archive_count; i++) {
        const char *name = options->archives[i].name;
        if (!name || !*name || strlen(name) > FF_REQUEST_NAME_MAX || strchr(name, '/') ||
            strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
            strcmp(name, ff_control_name(FF_CONTROL_DIR)) == 0 ||
            strcmp(name, ff_control_name(FF_CONTROL_ROOT_SYNTHETIC)) == 0)
            return ff_error_set(error, -EINVAL, "%s: cannot be the name of a directory",
                                name ? name : "");
    }
    return 0;
}

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
static int settle(struct ff_fs *fs, struct ff_shown *shown, struct ff_error *error)
{
    enum ff_layout_kind layout = fs->options->layout;
    bool own_names = fs->options->names == FF_NAMES_NAME;
    uint64_t records = layout == FF_TREE_AUTO || own_names ? FF_TREE_FLAT_MAX + 1 : 1;
    struct ff_error detail = {0};

    /* What ends a scan becomes a damage. A scan that runs goes on from start_scans(), which is told
     * of its progress. */
    ff_archive_scan_stop(shown->archive);
    if (!ff_archive_complete(shown->archive) && ff_archive_count(shown->archive) < records)
        (void)ff_archive_scan(shown->archive, records, &detail);
    if (layout == FF_TREE_AUTO)
        layout = ff_archive_count(shown->archive) > FF_TREE_FLAT_MAX ? FF_TREE_TREE : FF_TREE_FLAT;
    shown->layout = layout;
    shown->epoch = ff_archive_epoch(shown->archive);
    return own_names ? settle_roster(shown, error) : 0;
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

static int show_archives(struct ff_fs *fs, struct ff_error *error)
{
    const struct ff_fs_options *options = fs->options;

    fs->single = options->archive_count == 1;
    if (options->archive_count == 0)
        return 0;
    fs->shown = calloc(options->archive_count, sizeof(*fs->shown));
    if (!fs->shown)
        return ff_error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < options->archive_count; i++) {
        const struct ff_fs_archive *given = &options->archives[i];
        struct ff_shown *shown = &fs->shown[i];
        const struct ff_format *format = ff_archive_format(given->archive);
        *shown = (struct ff_shown){
            .archive = given->archive,
            .name = given->name,
            .content = given->content,
            .extension = ff_format_extension(format, given->content),
            .has_names = ff_format_has_names(format),
        };
        ff_snapshot_init(&shown->info);
        ff_snapshot_init(&shown->damage);
        fs->shown_count++;
        int r = settle(fs, shown, error);
        if (r < 0)
            return r;
        struct timespec mtime = ff_archive_mtime(shown->archive);
        if (i == 0 || is_later(&mtime, &fs->mtime))
            fs->mtime = mtime;
    }
    return 0;
}

static void on_progress(void *context)
{
    struct ff_fs *fs = context;

    ff_park_wake(&fs->park);
}

static int start_scans(struct ff_fs *fs, struct ff_error *error)
{
    sigset_t all, before;
    int r = 0;

    /* Signals are the main thread's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (size_t i = 0; i < fs->shown_count && r == 0; i++) {
        struct ff_archive *archive = fs->shown[i].archive;
        if (ff_archive_complete(archive))
            continue;
        ff_archive_on_progress(archive, on_progress, fs);
        r = ff_archive_scan_start(archive, error);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r;
}

static void stop_scans(struct ff_fs *fs)
{
    for (size_t i = 0; i < fs->shown_count; i++) {
        ff_archive_scan_stop(fs->shown[i].archive);
        ff_archive_on_progress(fs->shown[i].archive, NULL, NULL);
    }
}

/* ---- the mount point ---- */

static int check_dir(const char *dir, char **ret_dir, struct ff_error *error)
{
    struct stat stat_buf;

    if (stat(dir, &stat_buf) < 0) {
        int r = -errno;
        if (r == -ENOTCONN && ff_fs_is_dead_mount(dir))
            return ff_error_set(error, r,
                                "%s is a framefs mount whose server is gone; run `framefs umount "
                                "%s` first",
                                dir, dir);
        return ff_error_set(error, r, "cannot mount at %s: %s", dir, strerror(-r));
    }
    if (!S_ISDIR(stat_buf.st_mode))
        return ff_error_set(error, -ENOTDIR, "cannot mount at %s: not a directory", dir);
    /* Kept for the end: the working directory will be another then. */
    char *absolute = realpath(dir, NULL);
    if (!absolute)
        return ff_error_set(error, -errno, "cannot mount at %s: %s", dir, strerror(errno));
    *ret_dir = absolute;
    return 0;
}

/* What can be done about it, where that can be told. */
static const char *hint_for(const char *text)
{
    if (access("/dev/fuse", F_OK) < 0)
        return "; there is no /dev/fuse: load the kernel's module (modprobe fuse), or let the "
               "container have the device";
    if (access("/dev/fuse", R_OK | W_OK) < 0)
        return "; /dev/fuse is not open to this user: its mode should be 0666";
    if (strstr(text, "exec fusermount3"))
        return "; fusermount3 is missing: install the package fuse3, or mount as root";
    if (strstr(text, "user_allow_other"))
        return "; add the line user_allow_other to /etc/fuse.conf, or do without allow_other";
    return "";
}

/* libfuse splits its options at commas and takes a backslash for an escape. */
static char *escape_option(const char *name, const char *value)
{
    char *text = malloc(strlen(name) + 2 * strlen(value) + 1);
    if (!text)
        return NULL;
    char *out = stpcpy(text, name);
    for (; *value; value++) {
        if (*value == ',' || *value == '\\')
            *out++ = '\\';
        *out++ = *value;
    }
    *out = '\0';
    return text;
}

static int add_option(struct fuse_args *args, const char *option)
{
    return fuse_opt_add_arg(args, "-o") < 0 || fuse_opt_add_arg(args, option) < 0 ? -ENOMEM : 0;
}

static int add_escaped(struct fuse_args *args, const char *name, const char *value)
{
    if (!value || !*value)
        return 0;
    FF_CLEANUP(free) char *option = escape_option(name, value);
    return option ? add_option(args, option) : -ENOMEM;
}

static int make_args(const struct ff_fs_options *options, struct fuse_args *args)
{
    char max_read[32];
    snprintf(max_read, sizeof(max_read), "max_read=%u", FF_REPLY_BYTES_MAX);

    if (fuse_opt_add_arg(args, "framefs") < 0 ||
        add_escaped(args, "fsname=", options->fsname) < 0 ||
        add_escaped(args, "subtype=", options->subtype) < 0)
        return -ENOMEM;
    if (options->mount_options && *options->mount_options &&
        add_option(args, options->mount_options) < 0)
        return -ENOMEM;
    if (options->debug && fuse_opt_add_arg(args, "-d") < 0)
        return -ENOMEM;
    /* Last, so that they hold whatever mount_options say. */
    return add_option(args, "ro") < 0 || add_option(args, max_read) < 0 ? -ENOMEM : 0;
}

static int make_session(struct ff_fs *fs, struct ff_error *error)
{
    struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
    struct ff_capture capture;
    char text[FF_ERROR_TEXT_BYTES / 2];

    int r = make_args(fs->options, &args);
    if (r < 0) {
        fuse_opt_free_args(&args);
        return ff_error_set(error, r, "out of memory");
    }
    ff_capture_begin(&capture);
    fs->session = fuse_session_new(&args, &ff_ops, sizeof(ff_ops), fs);
    ff_capture_end(&capture, text, sizeof(text));
    fuse_opt_free_args(&args);
    if (!fs->session)
        return ff_error_set(error, -EINVAL, "cannot mount at %s: %s", fs->dir, text);
    return 0;
}

static int mount_session(struct ff_fs *fs, struct ff_error *error)
{
    struct ff_capture capture;
    char text[FF_ERROR_TEXT_BYTES / 2];

    ff_capture_begin(&capture);
    int r = fuse_session_mount(fs->session, fs->dir);
    ff_capture_end(&capture, text, sizeof(text));
    if (r < 0)
        return ff_error_set(error, -EIO, "cannot mount at %s: %s%s", fs->dir,
                            *text ? text : "for an unknown reason", hint_for(text));
    if (*text)
        ff_log(FF_LOG_WARNING, "%s", text);
    if (ff_mountinfo_by_path(fs->dir, &fs->mount) < 0)
        fs->mount.type[0] = '\0';
    return 0;
}

/* Whether a comma list has the option, without a value. */
static bool has_option(const char *list, const char *option)
{
    size_t len = strlen(option);

    while (list) {
        if (strncmp(list, option, len) == 0 && (list[len] == ',' || list[len] == '\0'))
            return true;
        list = strchr(list, ',');
        if (list)
            list++;
    }
    return false;
}

/* Who detached this mount may have put another one in its place, which is not ours to take away:
 * libfuse knows the path only. */
static void unmount_session(struct ff_fs *fs)
{
    struct ff_mountinfo now;

    if (fs->mount.type[0] && ff_mountinfo_by_path(fs->dir, &now) == 0 && now.id != fs->mount.id)
        return;
    fuse_session_unmount(fs->session);
}

/* ---- the life of a mount ---- */

static int serve(struct ff_fs *fs, struct ff_error *error)
{
    int r = ff_park_start(&fs->park);
    if (r < 0)
        return ff_error_set(error, r, "cannot start a thread: %s", strerror(-r));
    r = start_scans(fs, error);
    if (r == 0 && (r = ff_naming_start(fs)) < 0)
        ff_error_set(error, r, "cannot start a thread: %s", strerror(-r));
    if (r == 0) {
        r = ff_session_serve(fs);
        if (r < 0)
            ff_error_set(error, r, "%s: cannot be served: %s", fs->dir, strerror(-r));
    }
    /* Those who wait are answered while that is still possible. */
    ff_park_stop(&fs->park);
    return r;
}

static int mount_and_serve(struct ff_fs *fs, struct ff_error *error)
{
    int r = make_session(fs, error);
    if (r < 0)
        return r;
    ff_session_signals_begin(fs->session);
    r = mount_session(fs, error);
    if (r == 0) {
        r = serve(fs, error);
        unmount_session(fs);
        ff_naming_stop(fs);
        stop_scans(fs);
    }
    ff_session_signals_end();
    fuse_session_destroy(fs->session);
    return r;
}

static int init(struct ff_fs *fs, const struct ff_fs_options *options, struct ff_error *error)
{
    uint64_t first_slice = 0;

    *fs = (struct ff_fs){
        .options = options,
        .uid = options->uid < 0 ? getuid() : (uid_t)options->uid,
        .gid = options->gid < 0 ? getgid() : (gid_t)options->gid,
    };
    int r = ff_buffer_init(fs);
    if (r < 0)
        return ff_error_set(error, r, "cannot start: %s", strerror(-r));
    ssize_t count = getrandom(&first_slice, sizeof(first_slice), GRND_NONBLOCK);
    if (count != sizeof(first_slice))
        first_slice = (uint64_t)time(NULL) * FF_SLICES_MAX;
    ff_slices_init(&fs->slices, first_slice);
    ff_stats_init(&fs->stats);
    ff_snapshot_init(&fs->stats_text);
    ff_park_init(&fs->park, &ff_ops_park);
    pthread_mutex_init(&fs->log_lock, NULL);
    return 0;
}

static void done(struct ff_fs *fs)
{
    for (size_t i = 0; i < fs->shown_count; i++) {
        ff_snapshot_done(&fs->shown[i].info);
        ff_snapshot_done(&fs->shown[i].damage);
        ff_roster_free(fs->shown[i].roster);
    }
    free(fs->shown);
    pthread_mutex_destroy(&fs->log_lock);
    ff_park_done(&fs->park);
    ff_snapshot_done(&fs->stats_text);
    ff_slices_done(&fs->slices);
    ff_buffer_done(fs);
}

int ff_fs_run(const struct ff_fs_options *options, const char *dir, struct ff_error *error)
{
    FF_CLEANUP(free) char *absolute = NULL;
    FF_CLEANUP(free) struct ff_fs *fs = NULL;

    assert(options->archive_count > 0 || options->show_synthetic);
    int r = options->archive_count > 1 ? check_names(options, error) : 0;
    if (r == 0 && options->archive_count > FF_NODE_ARCHIVES_MAX)
        r = ff_error_set(error, -EOVERFLOW, "%zu archives: a mount can show %u at most",
                         options->archive_count, FF_NODE_ARCHIVES_MAX);
    if (r == 0)
        r = check_dir(dir, &absolute, error);
    if (r < 0)
        return r;
    fs = malloc(sizeof(*fs));
    if (!fs)
        return ff_error_set(error, -ENOMEM, "out of memory");
    r = init(fs, options, error);
    if (r < 0)
        return r;
    fs->dir = absolute;
    fs->auto_unmount = has_option(options->mount_options, "auto_unmount");
    ff_message_init(options->debug);
    r = show_archives(fs, error);
    if (r == 0)
        r = mount_and_serve(fs, error);
    done(fs);
    return r;
}
