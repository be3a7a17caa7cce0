/* Messages to stderr, all as "framefs: ..."; the callers escape names that come from outside. */
#ifndef FF_CLI_SAY_H
#define FF_CLI_SAY_H

#include <framefs/archive.h>
#include <framefs/record.h>

/* What a command's run function and main() return. */
enum ff_exit {
    FF_EXIT_DONE,
    FF_EXIT_FAILED, /* or the archive is damaged */
    FF_EXIT_USAGE,
};

void ff_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One damaged place of the archive of that name. FF_EXIT_FAILED; FF_EXIT_DONE for an archive that
 * only ends inside its last frame, after others, which is a note: it may still be growing. */
enum ff_exit ff_say_damage(const char *name, const struct ff_damage *damage);

/* What is known by now of the archive's damages: the one, or how many there are, with advice on
 * where to find them. As above. */
enum ff_exit ff_say_damages(struct ff_archive *archive, const char *advice);

/* The worse of two. */
enum ff_exit ff_exit_worse(enum ff_exit a, enum ff_exit b);

#endif
