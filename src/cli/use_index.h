/* The index file, in the commands that may use one: their options, and its use. */
#ifndef FF_CLI_USE_INDEX_H
#define FF_CLI_USE_INDEX_H

#include <framefs/archive.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/input.h"
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

/* An index file that was found; fd is -1 when there is none. To be released. */
struct ff_index_found {
    int fd;
    char *path;        /* owned */
    const char *given; /* --index, or NULL */
};

/* Looks for the index file of the archive at path. FF_EXIT_FAILED after a message: that of --index
 * cannot be read. */
enum ff_exit ff_use_index_find(const char *path, const struct ff_index_options *options,
                               struct ff_index_found *ret_found);

/* Lets the archive, which was just opened, take the index file, if one was found. One that does not
 * fit is told as a note, and the archive is as before. */
void ff_use_index_take(struct ff_archive *archive, const struct ff_index_found *found);

/* Opens the archive, lets it take the index file, and scans until so many records are known. Damage
 * that a pass up to the last of them would meet is told. FF_EXIT_FAILED without an archive: it
 * cannot be opened. */
enum ff_exit ff_use_index_scan(struct ff_input *input, const struct ff_index_found *found,
                               uint64_t records, struct ff_archive **ret_archive);

/* Tells as a note where the index file has proved damaged in use, with the command that makes it
 * anew: input is what the archive was opened with. */
void ff_use_index_tell(struct ff_archive *archive, const struct ff_input_options *input,
                       const struct ff_index_found *found);

/* Why ff_archive_record() failed with this code: where an index file is in use, it may be that. */
const char *ff_use_index_reason(int code);

void ff_use_index_done(struct ff_index_found *found);

static inline void ff_cleanup_index_found(struct ff_index_found *found)
{
    ff_use_index_done(found);
}

#endif
