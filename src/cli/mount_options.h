/*
 * The options of mount: its option table, and -o, where each of them is NAME[=VALUE] too, beside
 * those of mount(8), fstab(5) and FUSE.
 */
#ifndef FF_CLI_MOUNT_OPTIONS_H
#define FF_CLI_MOUNT_OPTIONS_H

#include <framefs/synth.h>
#include <stdint.h>

#include "cli/filter.h"
#include "cli/input.h"
#include "cli/option.h"
#include "cli/use_index.h"

/* All -o arguments together; the kernel takes less than a page of them. */
#define FF_MOUNT_TEXT_BYTES   8192
#define FF_MOUNT_KERNEL_BYTES 4096

/* The user and the group nobody, where /etc/passwd has none. */
#define FF_MOUNT_NOBODY 65534

/* Of direct_io: where the generated file is mounted alone. */
#define FF_MOUNT_DIRECT_AUTO (-1)

struct ff_mount_values {
    struct ff_input_options input;
    int layout; /* enum ff_layout_kind */
    int names;  /* enum ff_names_mode */
    struct ff_type_filter types;
    int control; /* enum ff_control_mode */
    struct ff_option_content content;
    uint64_t interval_bytes;
    uint64_t push_bytes;  /* 0: off */
    uint64_t records_max; /* of each archive; 0: no limit of the user's */
    struct ff_index_options index;
    struct ff_option_separator separator;
    int direct_io; /* 0, 1, FF_MOUNT_DIRECT_AUTO */
    int verify;    /* not 0: checksums are checked before a record is read */
    bool synthetic;
    struct ff_synth synth;
    int64_t uid, gid; /* -1: the caller's */
    uint32_t umask;
    bool no_sandbox;
    bool no_survive;
    int io_uring;                   /* enum ff_uring_mode */
    int64_t worker_uid, worker_gid; /* of setuid; -1: not given */
    bool foreground;
    bool debug;
    bool sloppy;   /* unknown options of -o are ignored */
    int log;       /* enum ff_log_target */
    int log_level; /* enum ff_log_level */
    bool redact;
    const char *fsname;  /* NULL: the archive's path */
    const char *subtype; /* NULL: framefs */
    /* A comma list of what is not ours: for the kernel and fusermount3. */
    char kernel[FF_MOUNT_KERNEL_BYTES];
    /* The pieces of the -o arguments; the texts above may point into it. */
    char text[FF_MOUNT_TEXT_BYTES];
    size_t text_len;
};

extern const struct ff_option ff_mount_options[];
extern const struct ff_mount_values ff_mount_defaults;

#endif
