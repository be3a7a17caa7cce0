#include "cli/use_index.h"

#include <errno.h>
#include <framefs/index.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"

enum ff_exit ff_use_index_find(const char *path, const struct ff_index_options *options,
                               struct ff_index_found *ret_found)
{
    struct ff_error error = {0};

    *ret_found = (struct ff_index_found){.fd = -1};
    if (options->none || strcmp(path, "-") == 0)
        return FF_EXIT_DONE;
    int rc = ff_index_open(path, options->path, &ret_found->fd, &ret_found->path, &error);
    if (rc < 0 && options->path) {
        ff_say("%s", error.text);
        ff_use_index_done(ret_found);
        return FF_EXIT_FAILED;
    }
    if (rc < 0 && rc != -ENOENT)
        ff_say("note: %s: not used", error.text);
    return FF_EXIT_DONE;
}

void ff_use_index_take(struct ff_archive *archive, const struct ff_index_found *found)
{
    char shown[FF_OPTION_SHOWN_BYTES * 8];
    struct ff_error error = {0};

    if (found->fd < 0 || ff_archive_use_index(archive, found->fd, &error) == 0)
        return;
    ff_escape(shown, sizeof(shown), found->path, strlen(found->path));
    ff_say("note: %s: not used: %s", shown, error.text);
}

void ff_use_index_tell(struct ff_archive *archive, const struct ff_index_found *found)
{
    char shown[FF_OPTION_SHOWN_BYTES * 8];
    struct ff_index_status status;

    ff_archive_index_status(archive, &status);
    if (!status.read_damaged)
        return;
    ff_escape(shown, sizeof(shown), found->path, strlen(found->path));
    ff_say("note: %s: damaged: framefs index --force writes it anew", shown);
}

void ff_use_index_done(struct ff_index_found *found)
{
    if (found->fd >= 0)
        close(found->fd);
    free(found->path);
    *found = (struct ff_index_found){.fd = -1};
}
