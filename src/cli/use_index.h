/* The index file, in the commands that may use one: their options, and its use. */
#ifndef FF_CLI_USE_INDEX_H
#define FF_CLI_USE_INDEX_H

#include <framefs/archive.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/option.h"
#include "cli/say.h"

/* --index and --no-index. */
struct ff_index_options {
    const char *path; /* NULL: beside the archive, or in the cache */
    bool none;        /* none is read or written */
};

/* The rows of an option table for them; member is the struct ff_index_options in type. */
#define FF_INDEX_OPTIONS(type, member)                                                             \
    {.name = "index",                                                                              \
     .argument = "PATH",                                                                           \
     .help = "the archive's index file; ARCHIVE.framefs by default",                               \
     .parse = ff_option_text,                                                                      \
     .offset = offsetof(type, member.path)},                                                       \
    {                                                                                              \
        .name = "no-index", .help = "neither read nor write an index file",                        \
        .parse = ff_option_flag, .offset = offsetof(type, member.none)                             \
    }

/* Lets the archive at path, which was just opened, take its index file, if there is one. One that
 * does not fit is told as a note, and the archive is as before. FF_EXIT_FAILED after a message: the
 * file of --index cannot be read. */
enum ff_exit ff_use_index(struct ff_archive *archive, const char *path,
                          const struct ff_index_options *options);

#endif
