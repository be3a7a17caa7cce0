#include "cli/command.h"

#include <errno.h>
#include <framefs/version.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"

static enum ff_exit run_help(struct ff_cli *cli, const void *values, char **operands, size_t count);

static const struct ff_option help_options[] = {
    FF_OPTION_HELP,
    FF_OPTION_END,
};

static const struct ff_command command_help = {
    .name = "help",
    .usage = "[COMMAND]",
    .summary = "explain a command",
    .options = help_options,
    .operands_max = 1,
    .run = run_help,
};

static const struct ff_command *const commands[] = {
    &ff_command_mount, &ff_command_umount,  &ff_command_upgrade, &ff_command_info,
    &ff_command_ls,    &ff_command_cat,     &ff_command_index,   &ff_command_verify,
    &ff_command_synth, &ff_command_formats, &command_help,
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct ff_command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    }
    return NULL;
}

static enum ff_exit report_unknown(const char *name)
{
    const char *names[COMMANDS + 1] = {NULL};
    char shown[FF_OPTION_SHOWN_BYTES];

    for (size_t i = 0; i < COMMANDS; i++)
        names[i] = commands[i]->name;
    const char *nearest = ff_nearest(name, names);
    ff_option_shown(shown, name);
    if (nearest)
        ff_say("'%s' is neither a command nor an archive: did you mean '%s'?", shown, nearest);
    else
        ff_say("'%s' is neither a command nor an archive: see framefs help", shown);
    return FF_EXIT_USAGE;
}

#define SUMMARY_COLUMN 44 /* behind the longest usage */

static void print_overview(struct ff_output *out)
{
    ff_output_text(out, "framefs shows the records of framed archives as files.\n\nUsage:\n");
    for (size_t i = 0; i < COMMANDS; i++) {
        char line[128] = "  framefs ";
        size_t len = strlen(line);
        const char *parts[] = {commands[i]->name, " ", commands[i]->usage};
        for (size_t p = 0; p < sizeof(parts) / sizeof(parts[0]); p++) {
            strncat(line, parts[p], sizeof(line) - len - 1);
            len = strlen(line);
        }
        ff_output_column(out, line, SUMMARY_COLUMN);
        ff_output_folded(out, commands[i]->summary, SUMMARY_COLUMN);
        ff_output_text(out, "\n");
    }
    ff_output_text(
        out, "\nframefs ARCHIVE DIR [-o OPTIONS] is framefs mount, for mount(8) and fstab(5).\n"
             "framefs help COMMAND explains its options; framefs --version tells the version.\n"
             "The formats are described in framefs-formats(5), all of this in framefs(1).\n");
}

static void print_command(struct ff_output *out, const struct ff_command *command)
{
    ff_output_format(out, "Usage: framefs %s %s\n\n", command->name, command->usage);
    ff_output_format(out, "%s: %s\n\n", command->name, command->summary);
    ff_option_print(out, command->options);
    if (command->notes) {
        ff_output_text(out, "\n");
        ff_output_folded(out, command->notes, 0);
    }
}

static enum ff_exit run_help(struct ff_cli *cli, const void *values, char **operands, size_t count)
{
    (void)values;
    if (count == 0) {
        print_overview(&cli->out);
        return FF_EXIT_DONE;
    }
    const struct ff_command *command = find(operands[0]);
    if (!command)
        return report_unknown(operands[0]);
    print_command(&cli->out, command);
    return FF_EXIT_DONE;
}

enum ff_exit ff_command_refuse(const struct ff_command *command, const char *text)
{
    ff_say("%s: %s", command->name, text);
    ff_say("usage: framefs %s %s (framefs help %s explains)", command->name, command->usage,
           command->name);
    return FF_EXIT_USAGE;
}

static enum ff_exit run(struct ff_cli *cli, const struct ff_command *command, char **arguments,
                        size_t count)
{
    struct ff_error error = {0};
    size_t operand_count;
    FF_CLEANUP(free) char **operands = calloc(count + 1, sizeof(*operands));
    FF_CLEANUP(free) void *values = calloc(1, command->values_bytes + 1);

    if (!operands || !values) {
        ff_say("%s", strerror(ENOMEM));
        return FF_EXIT_FAILED;
    }
    if (command->defaults)
        memcpy(values, command->defaults, command->values_bytes);
    int rc = ff_option_parse(command->options, arguments, count, values, operands, &operand_count,
                             &error);
    if (rc > 0) {
        print_command(&cli->out, command);
        return FF_EXIT_DONE;
    }
    if (rc < 0)
        return ff_command_refuse(command, error.text);
    if (operand_count < command->operands_min)
        return ff_command_refuse(command, "an argument is missing");
    if (operand_count > command->operands_max) {
        char shown[FF_OPTION_SHOWN_BYTES];
        ff_error_set(&error, -EINVAL, "'%s' is one argument too many",
                     ff_option_shown(shown, operands[command->operands_max]));
        return ff_command_refuse(command, error.text);
    }
    return command->run(cli, values, operands, operand_count);
}

enum ff_exit ff_command_main(struct ff_cli *cli, char **arguments, size_t count)
{
    if (count == 0) {
        ff_say("a command is missing: see framefs help");
        return FF_EXIT_USAGE;
    }
    const struct ff_command *command = find(arguments[0]);
    if (command)
        return run(cli, command, arguments + 1, count - 1);
    if (strcmp(arguments[0], "--help") == 0 || strcmp(arguments[0], "-h") == 0)
        return run(cli, &command_help, arguments + 1, count - 1);
    if (strcmp(arguments[0], "--version") == 0 || strcmp(arguments[0], "-V") == 0) {
        ff_output_format(&cli->out, "framefs %s\n", ff_version());
        return FF_EXIT_DONE;
    }
    if (arguments[0][0] == '-') {
        char shown[FF_OPTION_SHOWN_BYTES];
        ff_say("'%s' comes before any command or archive: see framefs help",
               ff_option_shown(shown, arguments[0]));
        return FF_EXIT_USAGE;
    }
    /* What mount(8) runs: framefs ARCHIVE DIR -o OPTIONS. */
    if (strchr(arguments[0], '/') || access(arguments[0], F_OK) == 0)
        return run(cli, &ff_command_mount, arguments, count);
    return report_unknown(arguments[0]);
}
