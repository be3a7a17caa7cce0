/* framefs as mount.framefs, the helper that mount(8) runs for the type framefs. */
#ifndef FF_CLI_MOUNT_HELPER_H
#define FF_CLI_MOUNT_HELPER_H

#include <framefs/error.h>
#include <stdbool.h>
#include <stddef.h>

/* Whether argv[0] is mount.SOMETHING. */
bool ff_helper_is_called(const char *program);

/* SPEC DIR [-sfnv] [-N NAMESPACE] [-o OPTIONS] [-t TYPE] as mount(8) passes them. The arguments of
 * framefs mount that mean the same are stored in ret_arguments (room for count). 0; 1 when nothing
 * is to be mounted (-f: mount(8) only pretends); -EINVAL with a text. */
int ff_helper_translate(char *const *arguments, size_t count, char **ret_arguments,
                        size_t *ret_count, struct ff_error *error);

#endif
