/* The formats that a command knows: the built-in ones, those of the formats.d directories, and
 * those of the files that its options name. */
#ifndef FF_CLI_FORMATS_LOAD_H
#define FF_CLI_FORMATS_LOAD_H

#include <framefs/format.h>

#include "cli/option.h"
#include "cli/say.h"

/* The row of an option table; member is a struct ff_option_texts. */
#define FF_FORMATS_OPTION(type, member)                                                            \
    {                                                                                              \
        .name = "formats", .argument = "FILE",                                                     \
        .help = "also know the formats that FILE describes; may be given several times",           \
        .parse = ff_option_texts, .offset = offsetof(type, member)                                 \
    }

#define FF_FORMATS_SYSTEM_DIR "/etc/framefs/formats.d"

/* The later of these outrank the earlier: built-in formats, FF_FORMATS_SYSTEM_DIR, the user's
 * $XDG_CONFIG_HOME/framefs/formats.d (~/.config where that is not set), files; within a directory
 * its files *.ini by name. What is wrong in a directory is told and left out; what is wrong in
 * files is an error, which is told: FF_EXIT_FAILED. *ret_formats is to be freed with
 * ff_formats_free(). */
enum ff_exit ff_formats_load(const struct ff_option_texts *files, struct ff_formats **ret_formats);

#endif
