#include "cli/mount_helper.h"

#include <errno.h>
#include <string.h>

#include "cli/option.h"

bool ff_helper_is_called(const char *program)
{
    const char *slash = strrchr(program, '/');

    return strncmp(slash ? slash + 1 : program, "mount.", strlen("mount.")) == 0;
}

int ff_helper_translate(char *const *arguments, size_t count, char **ret_arguments,
                        size_t *ret_count, struct ff_error *error)
{
    bool pretend = false;
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        const char *argument = arguments[i];
        if (strcmp(argument, "-o") == 0 && i + 1 < count) {
            ret_arguments[kept++] = arguments[i++];
            ret_arguments[kept++] = arguments[i];
        } else if (strcmp(argument, "-t") == 0 && i + 1 < count) {
            i++;
        } else if (argument[0] == '-' && argument[1] &&
                   strspn(argument + 1, "sfnv") + 1 == strlen(argument)) {
            pretend = pretend || strchr(argument, 'f');
        } else if (argument[0] == '-' && argument[1]) {
            char shown[FF_OPTION_SHOWN_BYTES];
            return ff_error_set(error, -EINVAL, "option '%s' of mount(8) is not supported",
                                ff_option_shown(shown, argument));
        } else {
            ret_arguments[kept++] = arguments[i];
        }
    }
    *ret_count = kept;
    return pretend ? 1 : 0;
}
