/* The archives that a command reads: which format they have, and where their bytes come from. */
#ifndef FF_CLI_INPUT_H
#define FF_CLI_INPUT_H

#include <framefs/archive.h>
#include <framefs/detect.h>
#include <framefs/error.h>
#include <framefs/format.h>
#include <framefs/source.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/formats_load.h"
#include "cli/output.h"
#include "cli/say.h"

/* --format, --frame and --formats of every command that reads archives. */
struct ff_input_options {
    const char *format; /* NULL, or "auto": detected */
    const char *frame;
    struct ff_option_texts formats;
};

/* The rows of an option table for them; member is the struct ff_input_options in type. */
#define FF_INPUT_OPTIONS(type, member)                                                             \
    {.name = "format",                                                                             \
     .argument = "NAME",                                                                           \
     .help = "the archive's format (see framefs formats); auto: detect it",                        \
     .parse = ff_option_text,                                                                      \
     .offset = offsetof(type, member.format)},                                                     \
        {.name = "frame",                                                                          \
         .argument = "DESCRIPTION",                                                                \
         .help = "describe the frames yourself, e.g. 'len:u32be data'",                            \
         .parse = ff_option_text,                                                                  \
         .offset = offsetof(type, member.frame)},                                                  \
        FF_FORMATS_OPTION(type, member.formats)

/* The row for the limit of an index, in the commands that make one; member is a uint64_t. */
#define FF_INPUT_LIMIT(type, member)                                                               \
    {                                                                                              \
        .name = "max-records", .argument = "N",                                                    \
        .help = "stop at N records: bounds the memory that a hostile archive can take",            \
        .parse = ff_option_count, .offset = offsetof(type, member)                                 \
    }

/* What the options choose. */
struct ff_input_choice {
    const char *format; /* of formats; NULL: detected among them */
    const char *frame;  /* NULL: format decides */
    struct ff_formats *formats;
};

/* Looks at the options alone, before any archive: FF_EXIT_USAGE or FF_EXIT_FAILED, after a message,
 * when they are wrong; else the choice is to be released. Its texts are those of the options. */
enum ff_exit ff_input_choose(const struct ff_input_options *options,
                             struct ff_input_choice *ret_choice);
void ff_input_release(struct ff_input_choice *choice);

#define FF_INPUT_NAME_BYTES 1024

struct ff_input {
    const char *path;               /* the caller's, or "stdin" */
    char name[FF_INPUT_NAME_BYTES]; /* the same, fit for messages */
    struct ff_source *source;
    struct ff_format *format;
    uint64_t size; /* FF_SIZE_UNKNOWN for a pipe */
};

enum ff_input_kind {
    FF_INPUT_FILES,   /* for random access: a pipe is an error */
    FF_INPUT_STREAMS, /* "-" is stdin, which may be a pipe */
};

/* Opens path and settles the format. A stream is detected by its first MiB, which is waited for
 * unless the choice is a format. out, if not NULL, is flushed before each read, so that a
 * reader of stdout sees records as soon as they have come. hold: a
 * stream keeps all that was read, although the scan is done with it. Messages are printed:
 * FF_EXIT_DONE, FF_EXIT_FAILED. */
enum ff_exit ff_input_open(const char *path, const struct ff_input_choice *choice,
                           enum ff_input_kind kind, struct ff_output *out, bool hold,
                           struct ff_input *ret_input);

/* The same of a file, without a message: 0, or a negative errno with a text that names it. May be
 * called by several threads at once. */
int ff_input_try(const char *path, const struct ff_input_choice *choice, struct ff_input *ret_input,
                 struct ff_error *error);

/* Settles the format of a file that was opened before; the source is taken over, also on failure.
 * Messages are printed: FF_EXIT_DONE, FF_EXIT_FAILED. */
enum ff_exit ff_input_settle(const char *path, struct ff_source *source,
                             const struct ff_input_choice *choice, struct ff_input *ret_input);

/* Opens the archive, which takes source and format; records_max as in struct ff_archive_options.
 * Messages are printed: FF_EXIT_DONE, FF_EXIT_FAILED. */
enum ff_exit ff_input_archive(struct ff_input *input, uint64_t records_max,
                              struct ff_archive **ret_archive);

/* Reads an archive's beginning alone, up to FF_HEAD_BYTES into bytes, and closes it: the input has
 * names and a size. Messages are printed: FF_EXIT_DONE, FF_EXIT_FAILED. */
enum ff_exit ff_input_peek(const char *path, void *bytes, struct ff_input *ret_input,
                           struct ff_head *ret_head);

/* Closes source and format, unless they were taken (and set to NULL). */
void ff_input_close(struct ff_input *input);

/* Raises the limit of open files, as far as that is allowed, for so many archives at once. Returns
 * how many files may be open now. */
uint64_t ff_input_allow(size_t count);

#endif
