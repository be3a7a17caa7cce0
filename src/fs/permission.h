/* Whether root can become another user, and whether that one may read what root has opened: most
 * file systems look at who opened a file, but FUSE looks at who reads, unless the mount allows
 * others. */
#ifndef FF_FS_PERMISSION_H
#define FF_FS_PERMISSION_H

#include <framefs/source.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A user namespace need not have them. For root, before any thread exists. */
bool ff_permission_has_user(uid_t uid, gid_t gid);

/* Tries it in a process of its own that has become uid and gid. For root, before any thread
 * exists. */
bool ff_permission_may_read(struct ff_source *const *sources, size_t count, uid_t uid, gid_t gid);

#endif
