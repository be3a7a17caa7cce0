/* framefs umount: takes a mount away, also one whose server is dead. */
#include "cli/command.h"
#include "fs/fs.h"

struct umount_values {
    bool lazy;
    bool dead;
};

static const struct ff_option options[] = {
    {
        .name = "lazy",
        .letter = 'l',
        .help = "detach it now, and clean up when it is no longer in use",
        .parse = ff_option_flag,
        .offset = offsetof(struct umount_values, lazy),
    },
    {
        .name = "dead",
        .help = "only a mount whose server has died: else do nothing",
        .parse = ff_option_flag,
        .offset = offsetof(struct umount_values, dead),
    },
    FF_OPTION_HELP,
    FF_OPTION_END,
};

static enum ff_exit run(struct ff_cli *cli, const void *values_of, char **operands, size_t count)
{
    const struct umount_values *values = values_of;
    struct ff_error error = {0};

    (void)cli;
    (void)count;
    if (values->dead && !ff_fs_is_dead_mount(operands[0]))
        return FF_EXIT_DONE;
    if (ff_fs_umount(operands[0], values->lazy, &error) < 0) {
        ff_say("%s", error.text);
        return FF_EXIT_FAILED;
    }
    return FF_EXIT_DONE;
}

const struct ff_command ff_command_umount = {
    .name = "umount",
    .usage = "[OPTIONS] DIR",
    .summary = "unmount, also when the server has died",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .values_bytes = sizeof(struct umount_values),
    .run = run,
};
