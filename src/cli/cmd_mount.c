/* framefs mount: opens archives, goes to the background, serves. */
#include <errno.h>
#include <framefs/archive.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/mount_helper.h"
#include "cli/mount_log.h"
#include "cli/mount_options.h"
#include "cli/names.h"
#include "fs/fs.h"
#include "fs/permission.h"
#include "fs/takeover.h"

/* The archive, its index file, the one that is written, and the folder of that. */
#define DESCRIPTORS_PER_ARCHIVE 4
/* What a mount needs but for archives, with room to start one process after the other. */
#define DESCRIPTORS_MIN 32

struct mount {
    const struct ff_mount_values *values;
    struct ff_input_choice choice;
    const char *dir; /* absolute */
    char **paths;    /* absolute, of the archives */
    char *index;     /* absolute; NULL: none was named */
    char **names;
    char *const *arguments;
    char *program;                /* the file that this process runs; NULL: not known */
    char *start;                  /* where it was started */
    struct ff_takeover *takeover; /* or NULL */
    /* Opened before the server is split, taken over by the archives in its workers. */
    struct ff_source **sources;
    struct ff_archive **archives; /* in a worker */
    size_t count;
};

static enum ff_exit fail_errno(const char *path, int code, const char *advice)
{
    char shown[FF_INPUT_NAME_BYTES];

    ff_escape(shown, sizeof(shown), path, strlen(path));
    ff_say("%s: %s%s", shown, strerror(-code), advice);
    return FF_EXIT_FAILED;
}

/* The directory, absolute: the server leaves the working directory. */
static enum ff_exit resolve_dir(const char *dir, char **ret_path)
{
    char shown[FF_INPUT_NAME_BYTES];
    struct stat st;

    ff_escape(shown, sizeof(shown), dir, strlen(dir));
    if (ff_fs_is_dead_mount(dir)) {
        ff_say("%s: a mount whose server has died is still there: remove it with framefs "
               "umount '%s'",
               shown, shown);
        return FF_EXIT_FAILED;
    }
    if (stat(dir, &st) < 0)
        return fail_errno(dir, -errno, errno == ENOENT ? " (make the directory first)" : "");
    if (!S_ISDIR(st.st_mode))
        return fail_errno(dir, -ENOTDIR, " (the last argument is where to mount)");
    *ret_path = realpath(dir, NULL);
    return *ret_path ? FF_EXIT_DONE : fail_errno(dir, -errno, "");
}

/* Root may do anything but what the server of a file system refuses. */
static const char *refusal_advice(void)
{
    return geteuid() == 0
               ? " (a FUSE mount of another user lets root in with allow_other only; NFS "
                 "may take root for nobody: mount as a user who may read it)"
               : ": you must be allowed to read it, and to enter the directories above it";
}

/* Absolute, but otherwise as it was given. */
static enum ff_exit make_absolute(const char *path, char **ret_path)
{
    FF_CLEANUP(free) char *where = path[0] == '/' ? strdup("") : getcwd(NULL, 0);
    if (!where)
        return fail_errno(path, -errno, "");
    if (asprintf(ret_path, "%s%s%s", where, path[0] == '/' ? "" : "/", path) < 0) {
        *ret_path = NULL;
        return fail_errno(path, -ENOMEM, "");
    }
    return FF_EXIT_DONE;
}

static enum ff_exit resolve_archive(const char *path, char **ret_path)
{
    struct stat st;

    if (strcmp(path, "-") == 0) {
        ff_say("mount: a pipe cannot be mounted: its records are read again and again, in any "
               "order; write it to a file first");
        return FF_EXIT_USAGE;
    }
    if (stat(path, &st) < 0)
        return fail_errno(path, -errno, errno == EACCES ? refusal_advice() : "");
    return make_absolute(path, ret_path);
}

/* Whom the server becomes: root's own server is nobody, unless it is told otherwise. */
static void choose_worker(const struct mount *mount, struct ff_fs_options *options)
{
    options->worker_uid = mount->values->worker_uid;
    options->worker_gid = mount->values->worker_gid;
    if (mount->values->no_sandbox || mount->values->worker_uid >= 0 || geteuid() != 0)
        return;
    const struct passwd *nobody = getpwnam("nobody");
    uid_t uid = nobody ? nobody->pw_uid : FF_MOUNT_NOBODY;
    gid_t gid = nobody ? nobody->pw_gid : FF_MOUNT_NOBODY;
    /* The root of a user namespace that has nobody else is an ordinary user outside of it. */
    if (!ff_permission_has_user(uid, gid))
        return;
    if (!ff_permission_may_read(mount->sources, mount->count, uid, gid)) {
        ff_log(FF_LOG_WARNING,
               "only root may read the archive where it lies: the server stays root, without "
               "root's capabilities, in its sandbox (see --setuid)");
        return;
    }
    options->worker_uid = uid;
    options->worker_gid = gid;
}

static bool is_background(const struct ff_mount_values *values)
{
    return !values->foreground && !values->debug;
}

static bool shows(void *context, const struct ff_details *details)
{
    const struct mount *mount = context;

    return ff_type_filter_match(&mount->values->types, details);
}

static int open_archive(void *context, size_t index, struct ff_fs_archive *ret_archive,
                        char format[FF_FS_FORMAT_BYTES])
{
    struct mount *mount = context;
    const struct ff_mount_values *values = mount->values;
    struct ff_archive_options options = {.interval_bytes = values->interval_bytes,
                                         .verify_reads = values->verify != 0,
                                         .records_max = values->records_max};
    struct ff_input_choice choice = mount->choice;
    struct ff_error error = {0};
    struct ff_input input;
    struct ff_archive *archive;

    if (*format && !choice.frame)
        choice.format = format;
    if (ff_input_settle(mount->paths[index], mount->sources[index], &choice, &input) !=
        FF_EXIT_DONE)
        return -EINVAL;
    /* An empty file has the format of none, which has no name to be found by. */
    snprintf(format, FF_FS_FORMAT_BYTES, "%s", input.size > 0 ? ff_format_name(input.format) : "");
    enum ff_content content = values->content.given ? (enum ff_content)values->content.content
                                                    : ff_format_content(input.format);
    options.name = input.path;
    if (values->types.count > 0) {
        options.shows = shows;
        options.shows_context = mount;
    }
    if (ff_type_filter_check(&values->types, input.format, &error) < 0) {
        ff_say("%s: %s", input.name, error.text);
        ff_input_close(&input);
        return -EINVAL;
    }
    if (ff_archive_open(input.source, input.format, &options, &archive, &error) < 0) {
        ff_say("%s", error.text);
        return -EINVAL;
    }
    mount->archives[index] = archive;
    *ret_archive = (struct ff_fs_archive){.archive = archive, .content = content};
    return 0;
}

static void announce(void *context)
{
    const struct mount *mount = context;

    /* A wrong --format would show an empty directory and no reason. */
    for (size_t i = 0; i < mount->count; i++)
        ff_say_damages(mount->archives[i], "; .framefs/damage lists them");
}

static void on_ready(void *context)
{
    const struct mount *mount = context;

    if (is_background(mount->values))
        ff_daemon_ready();
    ff_mount_log_ready(mount->paths, mount->count);
}

static enum ff_exit serve(struct mount *mount)
{
    const struct ff_mount_values *values = mount->values;
    const char *fsname = values->fsname;
    struct ff_error error = {0};

    if (!fsname)
        fsname = mount->count == 1 ? mount->paths[0] : "framefs";
    struct ff_fs_options options = {
        .archive_count = mount->count,
        .archive_names = (const char *const *)mount->names,
        .open = open_archive,
        .announce = announce,
        .ready = on_ready,
        .context = mount,
        .program = mount->program,
        .arguments = mount->arguments,
        .start = mount->start,
        .sources = mount->sources,
        .paths = (const char *const *)mount->paths,
        /* It is of all records. */
        .index = !values->index.none && values->types.count == 0,
        .index_path = mount->index,
        .hangup_ends = !is_background(values) && isatty(STDIN_FILENO),
        .takeover = mount->takeover,
        .background = is_background(values),
        .survive = !values->no_survive,
        .io_uring = (enum ff_uring_mode)values->io_uring,
        .layout = (enum ff_layout_kind)values->layout,
        .names = (enum ff_names_mode)values->names,
        .control = (enum ff_control_mode)values->control,
        .synth = values->synth,
        .show_synthetic = values->synthetic,
        .separator = values->separator.text,
        .separator_len = values->separator.len,
        .direct_io =
            values->direct_io == FF_MOUNT_DIRECT_AUTO ? mount->count == 0 : values->direct_io,
        .blksize_bytes = values->interval_bytes,
        .push_bytes = values->push_bytes,
        .uid = values->uid,
        .gid = values->gid,
        .umask = values->umask,
        .fsname = fsname,
        .subtype = values->subtype ? values->subtype : "framefs",
        .sandbox = !values->no_sandbox,
        .mount_options = values->kernel[0] ? values->kernel : NULL,
        .debug = values->debug,
    };
    choose_worker(mount, &options);
    /* Against names that are chosen to meet in jansson's tables: in the sandbox there is no
     * /dev/urandom. */
    json_object_seed(0);
    int r = ff_fs_run(&options, mount->dir, &error);
    /* A worker may have said it. */
    if (r < 0 && error.text[0])
        ff_say("%s", error.text);
    ff_mount_log_stopping();
    return r < 0 ? FF_EXIT_FAILED : FF_EXIT_DONE;
}

static enum ff_exit open_source(struct mount *mount, size_t index)
{
    const char *path = mount->paths[index];
    struct ff_source **source = &mount->sources[index];
    struct ff_error error = {0};

    int r = mount->takeover
                ? ff_source_adopt_file(&mount->takeover->archives[index].file, path, source, &error)
                : ff_source_open_file(path, source, &error);
    if (r == 0)
        return FF_EXIT_DONE;
    ff_say("%s", error.text);
    return FF_EXIT_FAILED;
}

/* Told before anything fails halfway for want of one. */
static enum ff_exit allow_descriptors(const struct mount *mount)
{
    uint64_t allowed = ff_input_allow(mount->count * DESCRIPTORS_PER_ARCHIVE);

    if (allowed >= mount->count + DESCRIPTORS_MIN)
        return FF_EXIT_DONE;
    ff_say("mount: only %" PRIu64
           " files may be open at a time, and this mount needs %zu: raise the "
           "limit (ulimit -n)",
           allowed, mount->count + DESCRIPTORS_MIN);
    return FF_EXIT_FAILED;
}

/* From here on in the server's own process, unless it stays in the foreground. */
static enum ff_exit open_and_serve(struct mount *mount)
{
    enum ff_exit status = FF_EXIT_DONE;

    for (size_t i = 0; i < mount->count && status == FF_EXIT_DONE; i++)
        status = open_source(mount, i);
    if (status == FF_EXIT_DONE)
        status = serve(mount);
    for (size_t i = 0; i < mount->count; i++)
        ff_source_close(mount->sources[i]);
    return status;
}

static enum ff_exit resolve_paths(struct mount *mount, char **archives, const char *dir,
                                  char **ret_dir)
{
    enum ff_exit status = resolve_dir(dir, ret_dir);

    for (size_t i = 0; i < mount->count && status == FF_EXIT_DONE; i++)
        status = resolve_archive(archives[i], &mount->paths[i]);
    return status;
}

/* They may have been renamed since. */
static enum ff_exit take_paths(struct mount *mount, char **ret_dir)
{
    const struct ff_takeover *takeover = mount->takeover;

    if (takeover->archive_count != mount->count) {
        ff_say("cannot take over: it is about other archives");
        return FF_EXIT_FAILED;
    }
    *ret_dir = strdup(takeover->dir);
    for (size_t i = 0; i < mount->count; i++)
        mount->paths[i] = strdup(takeover->archives[i].path);
    for (size_t i = 0; i < mount->count; i++)
        if (!mount->paths[i])
            *ret_dir = NULL;
    if (*ret_dir)
        return FF_EXIT_DONE;
    ff_say("out of memory");
    return FF_EXIT_FAILED;
}

/* What this process is, and whether another one hands it a mount. */
static enum ff_exit begin(struct mount *mount, bool *ret_trial)
{
    char path[PATH_MAX];

    int r = ff_takeover_read(&mount->takeover, ret_trial);
    if (r < 0) {
        ff_say("cannot take over the mount of another version of this program: unmount it first");
        return FF_EXIT_FAILED;
    }
    /* Paths in the options are relative to it. Where it is gone, they are not found. */
    if (mount->takeover && chdir(mount->takeover->start) < 0)
        ff_log(FF_LOG_WARNING, "%s: %s", mount->takeover->start, strerror(errno));
    mount->start = mount->takeover ? strdup(mount->takeover->start) : getcwd(NULL, 0);
    if (!mount->start)
        mount->start = strdup("/");
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (len > 0) {
        path[len] = '\0';
        mount->program = strdup(path);
    }
    if (mount->start && (mount->program || len <= 0))
        return FF_EXIT_DONE;
    ff_say("out of memory");
    return FF_EXIT_FAILED;
}

/* The server's own process: a new one, unless this one stays in the foreground, or is it already.
 */
static enum ff_exit go_to_background(const struct mount *mount, bool is_helper)
{
    struct ff_error error = {0};

    if (!is_background(mount->values))
        return FF_EXIT_DONE;
    if (mount->takeover) {
        ff_log_detach();
        return chdir("/") == 0 ? FF_EXIT_DONE : FF_EXIT_FAILED;
    }
    if (ff_daemon_begin(is_helper ? FF_HELPER_INTERRUPTED : 0, &error) == 0)
        return FF_EXIT_DONE;
    ff_say("%s", error.text);
    return FF_EXIT_FAILED;
}

static enum ff_exit prepare(struct mount *mount, char **archives, const char *dir, char **ret_dir)
{
    enum ff_exit status = allow_descriptors(mount);

    if (status == FF_EXIT_DONE)
        status = ff_input_choose(&mount->values->input, &mount->choice);
    if (status == FF_EXIT_DONE && mount->takeover)
        status = take_paths(mount, ret_dir);
    else if (status == FF_EXIT_DONE)
        status = resolve_paths(mount, archives, dir, ret_dir);
    mount->dir = *ret_dir;
    if (status == FF_EXIT_DONE && mount->values->index.path)
        status = make_absolute(mount->values->index.path, &mount->index);
    if (status == FF_EXIT_DONE && ff_names_make(archives, mount->count, &mount->names) < 0) {
        ff_say("out of memory");
        status = FF_EXIT_FAILED;
    }
    if (status == FF_EXIT_DONE)
        status = ff_mount_log_name(mount->dir, mount->paths, mount->names, mount->count);
    return status;
}

static enum ff_exit run(struct ff_cli *cli, const void *values_of, char **operands, size_t count)
{
    const struct ff_mount_values *values = values_of;
    struct mount mount = {.values = values, .arguments = cli->arguments, .count = count - 1};
    bool trial = false;
    struct ff_error error = {0};
    FF_CLEANUP(free) char *dir = NULL;

    if (values->redact && values->debug)
        return ff_command_refuse(&ff_command_mount,
                                 "--debug shows the names in each request, --redact hides them: "
                                 "give one of them");
    if (count < 2 && !values->synthetic)
        return ff_command_refuse(&ff_command_mount, "the directory to mount at is missing");
    if (values->names == FF_NAMES_NAME && values->layout == FF_TREE_TREE)
        return ff_command_refuse(&ff_command_mount,
                                 "names=name shows all records in one directory, layout=tree does "
                                 "not: take names=number-name, or leave the layout away");
    if (values->index.path && mount.count != 1)
        return ff_command_refuse(&ff_command_mount, "--index names the index file of one archive");
    if (values->worker_uid >= 0 && values->no_sandbox)
        return ff_command_refuse(&ff_command_mount,
                                 "setuid is a part of the sandbox: without a sandbox the server "
                                 "stays who it is");
    if (values->worker_uid >= 0 && geteuid() != 0)
        return ff_command_refuse(&ff_command_mount,
                                 "only root can let the server become another user (setuid)");
    if (mount.count > FF_NODE_ARCHIVES_MAX) {
        ff_error_set(&error, -E2BIG, "at most %" PRIu32 " archives fit in a mount",
                     FF_NODE_ARCHIVES_MAX);
        return ff_command_refuse(&ff_command_mount, error.text);
    }
    mount.paths = calloc(mount.count + 1, sizeof(*mount.paths));
    mount.sources = calloc(mount.count + 1, sizeof(struct ff_source *));
    mount.archives = calloc(mount.count + 1, sizeof(struct ff_archive *));
    enum ff_exit status = ff_mount_log_begin(values, operands, count);
    if (!mount.paths || !mount.sources || !mount.archives) {
        ff_say("out of memory");
        status = FF_EXIT_FAILED;
    }
    if (status == FF_EXIT_DONE)
        status = begin(&mount, &trial);
    if (status == FF_EXIT_DONE)
        status = prepare(&mount, operands, operands[count - 1], &dir);
    if (status == FF_EXIT_DONE && !trial)
        status = go_to_background(&mount, cli->is_helper);
    if (status == FF_EXIT_DONE && !trial)
        status = open_and_serve(&mount);
    ff_input_release(&mount.choice);
    ff_names_free(mount.names, mount.count);
    free(mount.takeover);
    free(mount.program);
    free(mount.start);
    free(mount.index);
    free(mount.archives);
    free(mount.sources);
    ff_names_free(mount.paths, mount.count);
    return status;
}

const struct ff_command ff_command_mount = {
    .name = "mount",
    .usage = "[OPTIONS] ARCHIVE... DIR",
    .summary = "show records as files below DIR",
    .notes =
        "Further options of -o: fsname=TEXT, subtype=TEXT, default_permissions, auto_unmount, "
        "max_read=BYTES, sloppy, nosuid, nodev, noexec, noatime and others of mount(8). A mount is "
        "read-only: rw is accepted and means ro.\n\nframefs umount DIR ends it.\n",
    .options = ff_mount_options,
    .operands_min = 1,
    .operands_max = FF_OPERANDS_ANY,
    .defaults = &ff_mount_defaults,
    .values_bytes = sizeof(struct ff_mount_values),
    .run = run,
};
