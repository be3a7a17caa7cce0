/* The kernel's table of mounts, /proc/self/mountinfo: it tells about a mount without asking the
 * mount's server, which may be dead. */
#ifndef FF_FS_MOUNTINFO_H
#define FF_FS_MOUNTINFO_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/* The type that the table shows of mounts of framefs. */
#define FF_MOUNT_TYPE "fuse.framefs"

struct ff_mountinfo {
    uint64_t id;
    unsigned int major, minor; /* of its st_dev */
    char where[PATH_MAX];
    char type[64];
};

/* Parses one line, which is changed. -EINVAL, -ENAMETOOLONG. */
int ff_mountinfo_parse(char *line, struct ff_mountinfo *ret_info);

/* The mount that has this id; -ENOENT. */
int ff_mountinfo_by_id(uint64_t id, struct ff_mountinfo *ret_info);
/* The topmost mount whose root is at this absolute path without symbolic links; -ENOENT. */
int ff_mountinfo_by_path(const char *where, struct ff_mountinfo *ret_info);

/* The mount that path is on, whether *ret_is_root path is its root, and path as the kernel writes
 * it; of mounts on top of each other, the topmost, also where path is a directory below it (".").
 * -ENOENT and others when path cannot be reached; never asks the server of a mount whose root
 * path is. */
int ff_mountinfo_of(const char *path, struct ff_mountinfo *ret_info, bool *ret_is_root,
                    char ret_path[PATH_MAX]);

#endif
