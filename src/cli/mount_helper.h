/* framefs as mount.framefs, the helper that mount(8) runs for the type framefs. */
#ifndef FF_CLI_MOUNT_HELPER_H
#define FF_CLI_MOUNT_HELPER_H

#include <framefs/error.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/say.h"

/* Those of mount(8)'s exit statuses that a helper can have. */
enum ff_helper_exit {
    FF_HELPER_DONE = 0,
    FF_HELPER_USAGE = 1,
    FF_HELPER_SYSTEM = 2, /* out of memory, no such namespace */
    FF_HELPER_INTERRUPTED = 8,
    FF_HELPER_FAILED = 32,
};

struct ff_helper {
    size_t count;      /* of the translated arguments */
    bool pretends;     /* -f: nothing is to be mounted */
    const char *space; /* the mount namespace to enter first, a path; NULL for none */
};

/* Whether argv[0] is mount.SOMETHING. */
bool ff_helper_is_called(const char *program);

/* SPEC DIR [-sfnv] [-N NAMESPACE] [-o OPTIONS] [-t TYPE] as mount(8) passes them. The arguments of
 * framefs mount that mean the same are stored in ret_arguments (room for count and
 * FF_HELPER_ADDED_MAX). 0; -EINVAL with a text. */
#define FF_HELPER_ADDED_MAX 2
int ff_helper_translate(char *const *arguments, size_t count, char **ret_arguments,
                        struct ff_helper *ret_helper, struct ff_error *error);

/* Into the namespace: archives and the directory are looked up there. A negative errno with a
 * text. */
int ff_helper_enter(const char *space, struct ff_error *error);

enum ff_helper_exit ff_helper_status(enum ff_exit status);

#endif
