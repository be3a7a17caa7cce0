#include "cli/mount_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/option.h"

bool ff_helper_is_called(const char *program)
{
    const char *slash = strrchr(program, '/');

    return strncmp(slash ? slash + 1 : program, "mount.", strlen("mount.")) == 0;
}

/* Of a word of flags; false when it has others. */
static bool take_flags(const char *flags, struct ff_helper *helper, bool *is_sloppy)
{
    if (!*flags || strspn(flags, "sfnv") != strlen(flags))
        return false;
    helper->pretends = helper->pretends || strchr(flags, 'f');
    *is_sloppy = *is_sloppy || strchr(flags, 's');
    return true;
}

int ff_helper_translate(char *const *arguments, size_t count, char **ret_arguments,
                        struct ff_helper *ret_helper, struct ff_error *error)
{
    struct ff_helper helper = {0};
    bool is_sloppy = false;
    /* -o sloppy has to come before the options that it is about. */
    char **kept = ret_arguments + FF_HELPER_ADDED_MAX;

    for (size_t i = 0; i < count; i++) {
        char *argument = arguments[i];
        bool has_value = i + 1 < count;
        if (strcmp(argument, "-o") == 0 && has_value) {
            kept[helper.count++] = argument;
            kept[helper.count++] = arguments[++i];
        } else if (strcmp(argument, "-N") == 0 && has_value) {
            helper.space = arguments[++i];
        } else if (strcmp(argument, "-t") == 0 && has_value) {
            i++;
        } else if (argument[0] != '-' || !argument[1]) {
            kept[helper.count++] = argument;
        } else if (!take_flags(argument + 1, &helper, &is_sloppy)) {
            char shown[FF_OPTION_SHOWN_BYTES];
            return ff_error_set(error, -EINVAL, "option '%s' of mount(8) is not supported",
                                ff_option_shown(shown, argument));
        }
    }
    memmove(ret_arguments + (is_sloppy ? FF_HELPER_ADDED_MAX : 0), kept,
            helper.count * sizeof(*kept));
    if (is_sloppy) {
        ret_arguments[0] = (char *)"-o";
        ret_arguments[1] = (char *)"sloppy";
        helper.count += FF_HELPER_ADDED_MAX;
    }
    *ret_helper = helper;
    return 0;
}

int ff_helper_enter(const char *space, struct ff_error *error)
{
    char shown[FF_OPTION_SHOWN_BYTES];

    FF_CLEANUP(fd) int fd = open(space, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && setns(fd, CLONE_NEWNS) == 0)
        return 0;
    int r = -errno;
    return ff_error_set(error, r, "cannot enter the mount namespace '%s': %s",
                        ff_option_shown(shown, space), strerror(-r));
}

enum ff_helper_exit ff_helper_status(enum ff_exit status)
{
    switch (status) {
    case FF_EXIT_DONE:
        return FF_HELPER_DONE;
    case FF_EXIT_USAGE:
        return FF_HELPER_USAGE;
    case FF_EXIT_FAILED:
    default:
        return FF_HELPER_FAILED;
    }
}
