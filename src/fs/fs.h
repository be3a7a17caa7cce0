/*
 * FUSE is these functions to the rest of the program: mount what is given, serve it until it is
 * unmounted.
 */
#ifndef FF_FS_FS_H
#define FF_FS_FS_H

#include <framefs/archive.h>
#include <framefs/synth.h>
#include <stdbool.h>

#include "tree/tree.h"

struct ff_takeover;

/* How the records' files are called (tree/label.h). */
enum ff_names_mode {
    FF_NAMES_NUMBER,      /* 00000042.ext */
    FF_NAMES_NUMBER_NAME, /* 00000042-LABEL.ext */
    FF_NAMES_NAME,        /* LABEL.ext, made unique; in the flat layout only */
};

/* Of a format's name, with its NUL. */
#define FF_FS_FORMAT_BYTES 64

/* Whether requests come through io_uring (fs/uring.h). */
enum ff_uring_mode { FF_URING_AUTO, FF_URING_ON, FF_URING_OFF };

enum ff_control_mode { FF_CONTROL_HIDDEN, FF_CONTROL_LISTED, FF_CONTROL_OFF };

/* An archive, opened by a worker. */
struct ff_fs_archive {
    struct ff_archive *archive; /* the mount's: it closes it */
    enum ff_content content;
};

struct ff_fs_options {
    size_t archive_count; /* 0 only with show_synthetic: the generated file alone */
    /* Of the archives' directories, when there are several: unique, without '/', not "." or "..",
     * ".framefs" or "synthetic", 1..255 bytes. */
    const char *const *archive_names;
    /* Opens an archive, in a worker: in a process of its own that can reach no path. What it reads
     * from was opened before ff_fs_run(). format: the name that this function told a worker before,
     * "" for the first one; it tells it there. 0; a negative errno after saying why on stderr. */
    int (*open)(void *context, size_t index, struct ff_fs_archive *ret_archive,
                char format[FF_FS_FORMAT_BYTES]);
    /* In the first worker, the last moment for words on stderr. May be NULL. */
    void (*announce)(void *context);
    /* Once, in the process that called ff_fs_run(), when the mount is usable. May be NULL. */
    void (*ready)(void *context);
    void *context;
    /* For another program that takes over (SIGUSR2; SIGHUP, unless hangup_ends): the file that this
     * one was started from (NULL: not known), its arguments, and the directory where that was; the
     * archives' sources, from ff_source_open_file(), and absolute paths. */
    const char *program;
    char *const *arguments;
    const char *start;
    struct ff_source *const *sources;
    const char *const *paths;
    bool hangup_ends; /* SIGHUP comes from a terminal */
    /* Index files are read and written (framefs/index.h); where: NULL for beside the archive, or
     * the cache; with one archive only, else absolute. */
    bool index;
    const char *index_path;
    /* What the program before this one held, or NULL: there is no mount yet. */
    const struct ff_takeover *takeover;
    bool background; /* workers give up stderr, too: they log through the supervisor */
    bool survive;    /* another worker serves on when one has died; where the kernel can */
    enum ff_uring_mode io_uring;
    enum ff_layout_kind layout; /* AUTO is settled from the archive's first records */
    enum ff_names_mode names;   /* NAME: not with layout TREE */
    enum ff_control_mode control;
    struct ff_synth synth; /* .framefs/synthetic */
    bool show_synthetic;   /* also DIR/synthetic */
    const char *separator; /* of .framefs/all; "" for none */
    size_t separator_len;
    bool direct_io;         /* what can be read is not kept by the kernel, but for what it maps;
                               generated texts are */
    uint64_t blksize_bytes; /* st_blksize */
    uint64_t push_bytes;    /* the largest records that are pushed (fs/push.h); 0: none */
    int64_t uid, gid;       /* -1: the caller's */
    uint32_t umask;         /* taken off 0444 and 0555 */
    const char *fsname;     /* shown in the first column of mount(8) */
    const char *subtype;    /* "framefs" */
    bool sandbox;       /* the process that reads the archives gives up what fs/sandbox.h tells */
    int64_t worker_uid; /* whom it becomes then, and its group; -1, both: nobody else */
    int64_t worker_gid;
    const char *mount_options; /* comma list for the kernel and fusermount3: allow_other, nosuid,
                                  ...; or NULL */
    bool debug;                /* libfuse's own trace on stderr */
};

/*
 * Mounts at dir, unless it takes over, and serves until it is unmounted or SIGINT or SIGTERM comes;
 * then it is unmounted. dir: the absolute path of a directory that is no dead mount.
 * To be called from the main thread, before any other exists.
 *
 * The caller's process becomes the supervisor: it holds the mount and what was opened before, and
 * looks at no byte of an archive. Workers are forked from it: they open, scan and serve the
 * archives. Archives that are not complete are scanned in the worker's main thread as far as their
 * layout and epoch need (a source that fails there is logged, and what is known is mounted), then
 * in a thread of each archive.
 *
 * 0; a negative errno, with an empty text when a worker has said on stderr why.
 */
int ff_fs_run(const struct ff_fs_options *options, const char *dir, struct ff_error *error);

/*
 * Going to the background: ff_daemon_begin() forks before any thread exists. The caller's process
 * waits in it until the child says ready (then it exits 0) or ends (then it exits with the child's
 * status; the child has printed its error to the still inherited stderr). Only the child returns
 * from it, with no descriptors above 2 open but its own.
 *
 * interrupted: the exit status where a signal or an unmount ended the child; 0 for 128 and the
 * number of the signal, 1 without one.
 *
 * The child stays in the process group: an automount point that systemd watches lets through only
 * the group that it started, and keeps all others waiting for the mount.
 */
int ff_daemon_begin(int interrupted, struct ff_error *error);
/* In the child: gives up stdin, stdout, stderr (to /dev/null; not stderr where it is the log), the
 * terminal and the working directory, gets a session of its own, and lets the waiting parent exit
 * 0. */
void ff_daemon_ready(void);
/* In a process forked from the child: the parent does not wait for it. */
void ff_daemon_leave(void);
/* The descriptors 0 to last become null, one of /dev/null; none if it is negative. */
void ff_daemon_release_streams(int null, int last);

/* Unmounts dir, also when its server is dead. */
int ff_fs_umount(const char *dir, bool lazy, struct ff_error *error);

/* Lets the program that is installed now take over the mount at dir, and waits until it has.
 * Readers see nothing of it. When it cannot, the old one serves on. */
int ff_fs_upgrade(const char *dir, struct ff_error *error);

/* Takes away whatever is mounted at dir, an absolute path, without asking what it is, at once even
 * if it is in use. */
int ff_fs_detach(const char *dir, struct ff_error *error);

/* True when dir is a mount of framefs whose server has died ("Transport endpoint is not
 * connected"). */
bool ff_fs_is_dead_mount(const char *dir);

#endif
