/* How the format of an archive is detected: which ones were tried, and why they fell. */
#ifndef FF_CLI_EXPLAIN_H
#define FF_CLI_EXPLAIN_H

#include "cli/command.h"
#include "cli/input.h"

struct ff_explain_options {
    bool json;
    bool all;           /* also the formats that the first frame contradicts */
    const char *format; /* this one alone; NULL: all */
};

/* Explains each of the archives on cli->out. FF_EXIT_FAILED when one could not be read, or has no
 * format that fits alone; why is said. */
enum ff_exit ff_explain(struct ff_cli *cli, char *const *paths, size_t count,
                        const struct ff_formats *formats, const struct ff_explain_options *options);

#endif
