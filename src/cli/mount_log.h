/* What a mount says of itself: its options about messages put into effect, and the moments that log
 * and service manager are told of. */
#ifndef FF_CLI_MOUNT_LOG_H
#define FF_CLI_MOUNT_LOG_H

#include "cli/mount_options.h"
#include "cli/say.h"

/* Before anything is said: from now on as the options want it, and with hashes for the operands and
 * the files of --formats where they want that. */
enum ff_exit ff_mount_log_begin(const struct ff_mount_values *values, char *const *operands,
                                size_t count);

/* The mount point and the archives' paths, absolute, and their directories' names. */
enum ff_exit ff_mount_log_name(const char *dir, char *const *paths, char *const *names,
                               size_t count);

/* The mount is usable; paths as before. To be called in the process that ff_mount_log_begin() was
 * called in, unless that went to the background. */
void ff_mount_log_ready(char *const *paths, size_t count);
/* It is ending, or has ended. */
void ff_mount_log_stopping(void);

#endif
