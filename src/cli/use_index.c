#include "cli/use_index.h"

#include <errno.h>
#include <framefs/index.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"

/* What does not fit says why; the archive is scanned instead. */
static void tell_refused(const char *path, const char *why)
{
    char shown[FF_OPTION_SHOWN_BYTES * 8];

    ff_escape(shown, sizeof(shown), path, strlen(path));
    ff_say("note: %s: not used: %s", shown, why);
}

enum ff_exit ff_use_index(struct ff_archive *archive, const char *path,
                          const struct ff_index_options *options)
{
    FF_CLEANUP(free) char *found = NULL;
    FF_CLEANUP(fd) int fd = -1;
    struct ff_error error = {0};

    if (options->none || strcmp(path, "-") == 0)
        return FF_EXIT_DONE;
    int rc = ff_index_open(path, options->path, &fd, &found, &error);
    if (rc < 0 && options->path) {
        ff_say("%s", error.text);
        return FF_EXIT_FAILED;
    }
    if (rc < 0) {
        if (rc != -ENOENT)
            ff_say("note: %s: not used", error.text);
        return FF_EXIT_DONE;
    }
    if (ff_archive_use_index(archive, fd, &error) < 0)
        tell_refused(found, error.text);
    return FF_EXIT_DONE;
}
