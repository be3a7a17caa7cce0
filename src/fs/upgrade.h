/* Another program in the place of this one: exec, with all that the supervisor holds. */
#ifndef FF_FS_UPGRADE_H
#define FF_FS_UPGRADE_H

#include <framefs/error.h>

#include "fs/fs.h"
#include "fs/takeover.h"

/* What the next program is to know, apart from the worker. NULL when memory is short. */
struct ff_takeover *ff_upgrade_prepare(const struct ff_fs_options *options,
                                       const struct ff_mountpoint *mountpoint, int shared);
/* Runs options->program, first for a trial that must end with status 0. Returns only on failure:
 * then all is as before. */
int ff_upgrade_exec(const struct ff_fs_options *options, const struct ff_takeover *takeover,
                    struct ff_error *error);

#endif
