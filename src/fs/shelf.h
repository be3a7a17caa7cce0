/*
 * The index files of a mount's archives, as its supervisor keeps them: it opens what is there,
 * makes the file that a worker fills, and publishes it. Workers have the descriptors alone. What
 * stands in the files is for them: the supervisor believes no byte of it.
 *
 * Threads: one.
 */
#ifndef FF_FS_SHELF_H
#define FF_FS_SHELF_H

#include <framefs/index.h>
#include <stdbool.h>
#include <stddef.h>

#include "fs/fs.h"
#include "fs/takeover.h"

/* No index file is kept of a smaller archive: to tell whether one fits takes about as long as the
 * scan. */
#define FF_SHELF_ARCHIVE_MIN_BYTES (UINT64_C(1) << 20)
/* A worker writes none of an archive whose scan takes no longer. */
#define FF_SHELF_DELAY_MS 100

/* Open files that a mount may need besides those of its archives. */
#define FF_SHELF_SPARE_FDS 64

/* Of an archive; descriptors are -1 where there is none. */
struct ff_shelved {
    int index; /* to read */
    int left;  /* what a worker of the program before this one wrote, as far as it came */
    struct ff_partial *partial; /* to write; NULL: none is, or no more */
    bool found; /* partial held already what somebody had written before he was killed */
};

struct ff_shelf {
    const struct ff_fs_options *options;
    struct ff_shelved *of; /* of each archive */
};

/* Opens the index files that are there and makes those that workers are to write, or takes over
 * what the program before this one has. What cannot be opened or made is logged, and not used. To
 * be called before the mount is there, which may hide the archives' folders. -ENOMEM. */
int ff_shelf_new(const struct ff_fs_options *options, struct ff_shelf **ret_shelf);
/* Closes them; what was written in part is removed, unless it was found: that may have taken hours.
 * NULL is fine. */
void ff_shelf_free(struct ff_shelf *shelf);

/* Whether there is one to write. */
bool ff_shelf_is_written(const struct ff_shelf *shelf);

/* What a worker tells, who may lie: archive is any number. */
void ff_shelf_refuse(struct ff_shelf *shelf, uint32_t archive);  /* of those to read */
void ff_shelf_publish(struct ff_shelf *shelf, uint32_t archive); /* of the file to write */
void ff_shelf_inherit(struct ff_shelf *shelf, uint32_t archive); /* of what was left, instead */
void ff_shelf_leave(struct ff_shelf *shelf, uint32_t archive);

/* What the next program gets. */
void ff_shelf_hand_on(const struct ff_shelf *shelf, struct ff_takeover *takeover);

#endif
