/*
 * The commands: one table, from which dispatch and help come. A command is a row of it, an option
 * table, a struct of values that the options fill, and a run function.
 */
#ifndef FF_CLI_COMMAND_H
#define FF_CLI_COMMAND_H

#include <stddef.h>

#include "cli/option.h"
#include "cli/output.h"
#include "cli/say.h"
#include "cli/terminal.h"

struct ff_cli {
    struct ff_output out;
    struct ff_terminal terminal; /* of stdout */
    char *const *arguments;      /* of the program, as it was started */
    bool is_helper;              /* called as mount.framefs: its exit statuses are mount(8)'s */
};

struct ff_command {
    const char *name;
    const char *usage;   /* what follows the name */
    const char *summary; /* one line */
    const char *notes;   /* more for its help, lines with their '\n'; or NULL */
    const struct ff_option *options;
    size_t operands_min, operands_max;
    const void *defaults; /* the values when no option is given */
    size_t values_bytes;
    /* values is writable. What it prints to cli->out is flushed, and a failure to write it
     * reported, by the caller. */
    enum ff_exit (*run)(struct ff_cli *cli, const void *values, char **operands, size_t count);
};

#define FF_OPERANDS_ANY ((size_t)-1)

extern const struct ff_command ff_command_mount;
extern const struct ff_command ff_command_umount;
extern const struct ff_command ff_command_upgrade;
extern const struct ff_command ff_command_info;
extern const struct ff_command ff_command_index;
extern const struct ff_command ff_command_ls;
extern const struct ff_command ff_command_cat;
extern const struct ff_command ff_command_synth;
extern const struct ff_command ff_command_formats;
extern const struct ff_command ff_command_verify;

/* Says what is wrong with the arguments and how they should be: FF_EXIT_USAGE. */
enum ff_exit ff_command_refuse(const struct ff_command *command, const char *text);

/* Runs what the arguments (without the program's name) ask for. */
enum ff_exit ff_command_main(struct ff_cli *cli, char **arguments, size_t count);

#endif
