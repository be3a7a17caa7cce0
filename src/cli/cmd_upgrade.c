/* framefs upgrade: another version of the program in the place of the one that serves a mount. */
#include "cli/command.h"
#include "fs/fs.h"

static const struct ff_option options[] = {
    FF_OPTION_HELP,
    FF_OPTION_END,
};

static enum ff_exit run(struct ff_cli *cli, const void *values, char **operands, size_t count)
{
    enum ff_exit status = FF_EXIT_DONE;

    (void)cli;
    (void)values;
    for (size_t i = 0; i < count; i++) {
        struct ff_error error = {0};
        if (ff_fs_upgrade(operands[i], &error) < 0) {
            ff_say("%s", error.text);
            status = FF_EXIT_FAILED;
        }
    }
    return status;
}

const struct ff_command ff_command_upgrade = {
    .name = "upgrade",
    .usage = "[OPTIONS] DIR...",
    .summary = "let the installed program take over a mount",
    .notes = "The mount stays, open files stay open: readers wait for some milliseconds. The new "
             "program is the file that the server was started from. SIGHUP to the server does the "
             "same.\n",
    .options = options,
    .operands_min = 1,
    .operands_max = FF_OPERANDS_ANY,
    .run = run,
};
