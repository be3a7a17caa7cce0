/*
 * A mount, as the files of this layer share it.
 *
 * A request comes in through ops.c, is translated to a node (tree/tree.h) and answered by what
 * attr.c, node.c, dir.c, read.c and xattr.c know of nodes. What cannot be known before the scan has
 * come further is -EAGAIN and a struct ff_wait: ops.c then parks the request and asks again.
 */
#ifndef FF_FS_STATE_H
#define FF_FS_STATE_H

#include <semaphore.h>
#include <sys/stat.h>

#include "fs/fs.h"
#include "fs/mountpoint.h"
#include "fs/park.h"
#include "fs/push.h"
#include "fs/request.h"
#include "fs/roster.h"
#include "fs/shared.h"
#include "fs/shelf.h"
#include "fs/snapshot.h"

/* The largest read and directory reply; max_read, as the mount option and in INIT. */
#define FF_REPLY_BYTES_MAX (UINT32_C(1) << 20)
/* Reads of the cache that the kernel sends at the same time; it reads nothing ahead any more while
 * so many are on their way. Its own 12 and 9 leave threads idle, and many readers in order without
 * read-ahead. */
#define FF_BACKGROUND_MAX 64
/* Directories of up to so many entries are listed with what stat would tell, larger ones with names
 * only until a record is looked up or read: a listing of millions would fill the kernel's memory
 * with inodes nobody reads, about 1 KiB each. */
#define FF_PLUS_ENTRIES_MAX FF_TREE_FLAT_MAX
/* After so many entries told in full of which no record was looked up or read, names only again:
 * find(1) in a tree of directories of 1000 would fill that memory, too. */
#define FF_PLUS_UNREAD_MAX 65536

/* Ten years: the kernel keeps what cannot change. */
#define FF_FOREVER_S (10 * 365 * 86400.0)
/* Messages about failed requests, a second: a hostile archive must not fill the log. */
#define FF_LOG_PER_SECOND_MAX 10

/* An archive as the mount shows it. */
struct ff_shown {
    struct ff_archive *archive;
    const char *name;
    enum ff_content content;
    enum ff_layout_kind layout; /* FLAT or TREE */
    const char *extension;
    bool has_names;           /* records may have names of their own */
    struct ff_roster *roster; /* of names=name, else NULL */
    uint8_t epoch;
    struct ff_snapshot info;
    struct ff_snapshot damage;
    _Atomic uint64_t unread; /* entries told in full since a record was looked up or read */
    atomic_bool is_read;     /* a record was looked up or read, ever */
    atomic_bool bare;        /* entries were told by name alone: the kernel keeps such listings */
    struct ff_fs *fs;
    struct ff_settled *settled;
    int partial;       /* the index file that the scan writes; -1: none, or no more */
    int inherited;     /* the one that the program before wrote, if that is whole; else -1 */
    bool is_finished;  /* a worker that died had finished it, and not said so */
    bool is_indexed;   /* the next worker finds all that this one knows */
    bool is_known;     /* the scan has ended, and so has the writing */
    bool is_renounced; /* the index file in use has turned out to be damaged */
};

struct ff_fs {
    const struct ff_fs_options *options;
    const struct ff_mountpoint *mountpoint;
    const struct ff_shelf *shelf;
    struct ff_shared *shared;
    struct ff_blame_bench *bench; /* this worker's, in shared */
    struct fuse_session *session;
    /* The kernel has accepted the answer to INIT: the mount is usable. */
    void (*on_ready)(struct ff_fs *fs);
    int channel; /* to the supervisor */
    int null;    /* of /dev/null, or -1 */
    int pusher;  /* another descriptor of the mount, for the thread that pushes, or -1 */
    bool is_spare;
    atomic_size_t unknown;        /* archives whose scan has not ended */
    atomic_bool is_scanned_again; /* of the others, one is not in an index file */
    bool first;                   /* no worker served this mount before */
    struct ff_shown *shown;
    size_t shown_count;
    bool single; /* the archive's records are in the root */
    uid_t uid;
    gid_t gid;
    bool auto_unmount;        /* fusermount3 watches over the mount */
    bool parallel;            /* look-ups and readdirs of a directory at the same time */
    bool no_open, no_opendir; /* the kernel takes ENOSYS for "always works" */
    struct timespec mtime;    /* of what belongs to no archive: the newest archive's, or 0 */

    struct ff_park park;
    struct ff_push push;
    pthread_t namer; /* fills the rosters */
    bool namer_runs;
    atomic_bool namer_stop;
    struct ff_snapshot stats_text;
    pthread_key_t buffer; /* see ff_buffer_get() */
    sem_t may_ask;        /* for those who come before inited: 1 from then on */
    atomic_bool inited;   /* INIT is answered, or cannot be */
    atomic_bool asked;    /* INIT was handed to libfuse */
    atomic_bool answers;  /* the answer to it is on its way or sent */

    sem_t scanned_on; /* a scan has come further; of io_uring=on */
    bool is_refused;  /* libfuse has no rings, and io_uring=on wants them */

    pthread_mutex_t log_lock;
    time_t log_second;
    unsigned int logged; /* messages in that second, also those that were dropped */
};

/* ---- shown.c: the archives ---- */

/* Opens them all and scans as far as the mount depends on. What was opened is to be closed, also on
 * failure. */
int ff_shown_open(struct ff_fs *fs, struct ff_error *error);
void ff_shown_close(struct ff_fs *fs);
/* Scans go on, in a thread of each archive. */
int ff_shown_scan(struct ff_fs *fs, struct ff_error *error);
void ff_shown_scan_stop(struct ff_fs *fs);

/* The scan has ended before records that a worker before this one knew: what is not found may well
 * exist. */
bool ff_shown_is_short(const struct ff_shown *shown);
/* For a spare: -EIO where it cannot serve as well as a worker that scans now may. */
int ff_shown_check(const struct ff_fs *fs, struct ff_error *error);

/* ---- shown_index.c ---- */

/* Before any of the archive is scanned: takes what its index files know, lets the scan write what
 * it finds. */
void ff_shown_use_index(struct ff_shown *shown);
/* Tells the supervisor what became of the writing, once it has ended or failed. In the scanning
 * thread, or before there is one. */
void ff_shown_tell_index(struct ff_shown *shown);

/* After a request has failed: where a look-up has found an index file to be damaged, another worker
 * is to answer, which scans. Does not return then; without survival it does. */
void ff_shown_check_indexes(struct ff_fs *fs);

/* ---- node.c: what exists ---- */

/* The archive that the node belongs to; NULL for the root and for what all archives share. */
struct ff_shown *ff_fs_shown(const struct ff_fs *fs, const struct ff_node *node);
bool ff_fs_is_dir(const struct ff_node *node);
/* Whether it is a file whose text is made, and made again (control.c). */
bool ff_fs_is_text(const struct ff_node *node);
/* The first of the records first..last that is shown: -ENOENT when none will ever be, -EAGAIN,
 * -EIO when that cannot be told. */
int ff_fs_find_record(const struct ff_shown *shown, uint64_t first, uint64_t last,
                      uint64_t *ret_number, struct ff_wait *ret_wait);
/* The same of one record. */
int ff_fs_has_record(const struct ff_shown *shown, uint64_t number, struct ff_wait *ret_wait);
/* From a number of the kernel's: -ESTALE when there is no such node in this mount, -EAGAIN. */
int ff_fs_load_node(struct ff_fs *fs, uint64_t ino, struct ff_node *ret_node,
                    struct ff_wait *ret_wait);
/* -ENOENT, -EAGAIN, -ENOTDIR. */
int ff_fs_lookup(struct ff_fs *fs, const struct ff_node *parent, const char *name,
                 struct ff_node *ret_node, struct ff_wait *ret_wait);
/* Whether this file or directory is in a .framefs of the mount of this kind of node (CONTROL or
 * SHARED), or, for ROOT_SYNTHETIC, in the root. */
bool ff_fs_has_control(const struct ff_fs *fs, enum ff_node_kind kind, enum ff_control control);
/* The .framefs that is in directory; false when there is none. */
bool ff_fs_control_dir(const struct ff_fs *fs, const struct ff_node *directory,
                       struct ff_node *ret_node);
struct ff_node ff_fs_root_node(void);
struct ff_node ff_fs_make_node(const struct ff_fs *fs, size_t shown, enum ff_node_kind kind,
                               uint64_t value);
void ff_fs_parent(const struct ff_fs *fs, const struct ff_node *node, struct ff_node *ret_parent);

/* ---- naming.c: how the records are called ---- */

/* The name of a record that is known: -EAGAIN, -ENOMEM. */
int ff_naming_name(struct ff_fs *fs, const struct ff_shown *shown, uint64_t number,
                   char buf[FF_LABEL_BYTES], struct ff_wait *ret_wait);
/* The record of that name, if there is one: whether it exists is for the caller to check. -ENOENT,
 * -EAGAIN, -EIO, -ENOMEM. */
int ff_naming_find(struct ff_fs *fs, const struct ff_shown *shown, const char *name,
                   uint64_t *ret_number, struct ff_wait *ret_wait);
/* Fills the rosters in a thread of its own, where the mount has any; its scans are complete. */
int ff_naming_start(struct ff_fs *fs);
void ff_naming_stop(struct ff_fs *fs);

/* ---- attr.c ---- */

/* age: of the text of a generated file. The attributes hold for *ret_timeout_s seconds.
 * -EAGAIN, -ESTALE, -EIO, -ENOMEM. */
int ff_attr_get(struct ff_fs *fs, const struct ff_node *node, enum ff_text_age age,
                struct stat *ret_attr, double *ret_timeout_s, struct ff_wait *ret_wait);
/* What stat tells without looking at the file: type, permissions, owner, number. */
void ff_attr_init(const struct ff_fs *fs, const struct ff_node *node, struct stat *ret_attr);
int ff_attr_entry(struct ff_fs *fs, const struct ff_node *node, struct fuse_entry_param *ret_entry,
                  struct ff_wait *ret_wait);

/* ---- read.c ---- */

enum ff_file_kind { FF_FILE_VIEW, FF_FILE_ALL, FF_FILE_SYNTHETIC, FF_FILE_TEXT };

/* What is behind a regular file. */
struct ff_file {
    enum ff_file_kind kind;
    uint64_t size;
    struct ff_shown *shown; /* of VIEW and ALL */
    struct ff_view view;
    struct ff_snapshot *text;
    struct timespec text_mtime;
    struct ff_record record; /* of a record's file */
};

/* age: see ff_attr_get(). */
int ff_file_find(struct ff_fs *fs, const struct ff_node *node, enum ff_text_age age,
                 struct ff_file *ret_file, struct ff_wait *ret_wait);
/* Up to len bytes at offset: their number, 0 past the end, -EIO and others. */
ssize_t ff_file_read(struct ff_fs *fs, const struct ff_file *file, void *buf, size_t len,
                     uint64_t offset);
/* The calling thread's buffer, FF_REPLY_BYTES_MAX long, its pages there already: a server that is
 * killed in a page fault of a reply gives its readers errors. Freed when the thread ends. NULL when
 * memory is short. */
void *ff_buffer_get(struct ff_fs *fs);
int ff_buffer_init(struct ff_fs *fs);
void ff_buffer_done(struct ff_fs *fs);

/* ---- control.c: the generated texts ---- */

int ff_text_find(struct ff_fs *fs, const struct ff_node *node, enum ff_text_age age,
                 struct ff_snapshot **ret_text);

/* ---- dir.c ---- */

/* Fills buf with entries from offset on; plus: as readdirplus wants them. Their bytes, 0 at the
 * end; -EAGAIN, -ENOTDIR, -EINVAL. */
ssize_t ff_dir_fill(struct ff_fs *fs, fuse_req_t req, const struct ff_node *node, bool plus,
                    char *buf, size_t len, int64_t offset, struct ff_wait *ret_wait);
/* This file was looked up or read: listings of its archive are of use. */
void ff_dir_note_use(const struct ff_fs *fs, const struct ff_node *node);

/* ---- xattr.c ---- */

/* Their length; -ENODATA. The value is at *ret_value, to be freed. */
ssize_t ff_xattr_get(struct ff_fs *fs, const struct ff_node *node, const char *name,
                     char **ret_value, struct ff_wait *ret_wait);
/* The names, each with its NUL. */
ssize_t ff_xattr_list(struct ff_fs *fs, const struct ff_node *node, char **ret_names,
                      struct ff_wait *ret_wait);

/* ---- ops.c ---- */

extern const struct fuse_lowlevel_ops ff_ops;
extern const struct ff_park_ops ff_ops_park;

/* ---- failure.c ---- */

/* What a reader gets for what the archive layer said: EIO but for want of memory. Logs error's
 * text, counts. r: the negative errno. */
int ff_fs_failed(struct ff_fs *fs, int r, const struct ff_error *error);

#endif
