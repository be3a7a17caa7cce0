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

/* How the records' files are called (tree/label.h). */
enum ff_names_mode {
    FF_NAMES_NUMBER,      /* 00000042.ext */
    FF_NAMES_NUMBER_NAME, /* 00000042-LABEL.ext */
    FF_NAMES_NAME,        /* LABEL.ext, made unique; in the flat layout only */
};

enum ff_control_mode { FF_CONTROL_HIDDEN, FF_CONTROL_LISTED, FF_CONTROL_OFF };

struct ff_fs_archive {
    struct ff_archive *archive; /* stays the caller's */
    const char *name;           /* of its directory, when there are several: unique, no '/', not
                                   "." or "..", ".framefs" or "synthetic", 1..255 bytes */
    enum ff_content content;
};

struct ff_fs_options {
    const struct ff_fs_archive *archives;
    size_t archive_count;       /* 0 only with show_synthetic: the generated file alone */
    enum ff_layout_kind layout; /* AUTO is settled from the archive's first records */
    enum ff_names_mode names;   /* NAME: not with layout TREE */
    enum ff_control_mode control;
    struct ff_synth synth; /* .framefs/synthetic */
    bool show_synthetic;   /* also DIR/synthetic */
    const char *separator; /* of .framefs/all; "" for none */
    size_t separator_len;
    uint64_t blksize_bytes; /* st_blksize */
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
    /* Called once, from the serving thread, when the mount is usable (INIT has been answered). May
     * be NULL. */
    void (*ready)(void *context);
    void *context;
};

/* Mounts at dir and serves until it is unmounted or SIGINT, SIGTERM or SIGHUP comes; then it is
 * unmounted. To be called from the main thread.
 *
 * Scans: archives that are not complete are scanned on, first in the calling thread as far as their
 * layout and epoch need (a source that fails there is logged, and what is known is mounted), then
 * in a thread of each archive; those are stopped before it returns. Scans that run already are
 * taken over, the archives' progress callbacks, too. */
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

/* Unmounts dir, also when its server is dead. */
int ff_fs_umount(const char *dir, bool lazy, struct ff_error *error);

/* True when dir is a mount of framefs whose server has died ("Transport endpoint is not
 * connected"). */
bool ff_fs_is_dead_mount(const char *dir);

#endif
