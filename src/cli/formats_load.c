#include "cli/formats_load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"

#define SHOWN_BYTES 1024 /* of a path in messages */

FF_CLEANUP_DEFINE(formats, struct ff_formats *, ff_formats_free)

static enum ff_exit fail_memory(void)
{
    ff_say("out of memory");
    return FF_EXIT_FAILED;
}

/* What fd has, at most FF_FORMATS_TEXT_MAX_BYTES and one more. */
static int read_text(int fd, char *text, size_t *ret_len)
{
    size_t len = 0;

    while (len <= FF_FORMATS_TEXT_MAX_BYTES) {
        ssize_t n = read(fd, text + len, FF_FORMATS_TEXT_MAX_BYTES + 1 - len);
        if (n == 0)
            break;
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0)
            len += (size_t)n;
    }
    *ret_len = len;
    return 0;
}

/* Adds what path has, which messages call origin. error tells the first thing that is wrong. */
static int add_file(struct ff_formats *formats, const char *path, bool regular, const char *origin,
                    struct ff_error *error)
{
    /* No waiting for a writer, should a directory hold a FIFO. */
    FF_CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | (regular ? O_NONBLOCK : 0));
    FF_CLEANUP(free) char *text = malloc(FF_FORMATS_TEXT_MAX_BYTES + 1);
    struct stat st;
    size_t len = 0;
    int rc = 0;

    if (!text)
        return ff_error_set(error, -ENOMEM, "out of memory");
    if (fd < 0 || fstat(fd, &st) < 0)
        rc = -errno;
    else if (regular && !S_ISREG(st.st_mode))
        return ff_error_set(error, -EINVAL, "%s: not a regular file", origin);
    else
        rc = read_text(fd, text, &len);
    if (rc < 0)
        return ff_error_set(error, rc, "%s: %s", origin, strerror(-rc));
    return ff_formats_add(formats, text, len, origin, error);
}

/* Those that are wrong of the formats that are from origin, but for one that was told. */
static void warn_faults(const struct ff_formats *formats, const char *origin, const char *told)
{
    for (size_t i = 0; i < ff_formats_count(formats); i++) {
        const char *from = ff_formats_origin(formats, i), *fault = ff_formats_fault(formats, i);
        if (fault && strcmp(from, origin) == 0 && strcmp(fault, told) != 0)
            ff_say("warning: %s", fault);
    }
}

static int is_ini(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return entry->d_name[0] != '.' && len > 4 && strcmp(entry->d_name + len - 4, ".ini") == 0;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static enum ff_exit warn_file(struct ff_formats *formats, const char *dir, const char *name)
{
    char shown[SHOWN_BYTES];
    struct ff_error error = {0};
    FF_CLEANUP(free) char *path = NULL;

    if (asprintf(&path, "%s/%s", dir, name) < 0) {
        path = NULL;
        return fail_memory();
    }
    ff_escape(shown, sizeof(shown), path, strlen(path));
    int rc = add_file(formats, path, true, shown, &error);
    if (rc == -ENOMEM)
        return fail_memory();
    if (rc < 0) {
        ff_say("warning: %s", error.text);
        warn_faults(formats, shown, error.text);
    }
    return FF_EXIT_DONE;
}

/* FF_EXIT_FAILED only when memory is short. */
static enum ff_exit load_dir(struct ff_formats *formats, const char *dir)
{
    char shown[SHOWN_BYTES];
    struct dirent **entries;
    enum ff_exit status = FF_EXIT_DONE;

    int count = scandir(dir, &entries, is_ini, compare_names);
    if (count < 0 && errno == ENOMEM)
        return fail_memory();
    if (count < 0 && errno != ENOENT && errno != ENOTDIR) {
        ff_escape(shown, sizeof(shown), dir, strlen(dir));
        ff_say("warning: %s: %s", shown, strerror(errno));
    }
    if (count < 0)
        return FF_EXIT_DONE;
    for (int i = 0; i < count; i++) {
        if (status == FF_EXIT_DONE)
            status = warn_file(formats, dir, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return status;
}

/* $XDG_CONFIG_HOME is ignored unless it is absolute: XDG Base Directory Specification. */
static enum ff_exit load_user_dir(struct ff_formats *formats)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    bool configured = config && config[0] == '/';
    FF_CLEANUP(free) char *dir = NULL;

    if (!configured && (!home || home[0] != '/'))
        return FF_EXIT_DONE;
    if (asprintf(&dir, "%s%s/framefs/formats.d", configured ? config : home,
                 configured ? "" : "/.config") < 0) {
        dir = NULL;
        return fail_memory();
    }
    return load_dir(formats, dir);
}

static enum ff_exit load_file(struct ff_formats *formats, const char *path)
{
    char shown[SHOWN_BYTES];
    struct ff_error error = {0};

    ff_escape(shown, sizeof(shown), path, strlen(path));
    if (add_file(formats, path, false, shown, &error) == 0)
        return FF_EXIT_DONE;
    ff_say("%s", error.text);
    return FF_EXIT_FAILED;
}

enum ff_exit ff_formats_load(const struct ff_option_texts *files, struct ff_formats **ret_formats)
{
    FF_CLEANUP(formats) struct ff_formats *formats = NULL;

    if (ff_formats_new(&formats, NULL) < 0)
        return fail_memory();
    enum ff_exit status = load_dir(formats, FF_FORMATS_SYSTEM_DIR);
    if (status == FF_EXIT_DONE)
        status = load_user_dir(formats);
    for (size_t i = 0; i < files->count && status == FF_EXIT_DONE; i++)
        status = load_file(formats, files->text[i]);
    if (status != FF_EXIT_DONE)
        return status;
    *ret_formats = formats;
    formats = NULL;
    return FF_EXIT_DONE;
}
