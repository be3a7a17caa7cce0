#include "cli/names.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

#define NAME_BYTES   256 /* of a file name, with its NUL */
#define SUFFIX_BYTES 24

/* Names that are taken from the start. */
static const char *const reserved[] = {"", ".", "..", ".framefs", "synthetic"};

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void keep_name(void *name)
{
    (void)name;
}

/* The escaped last component of path, at most size - 1 bytes of it. */
static void escape_basename(char *out, size_t size, const char *path)
{
    size_t end = strlen(path);

    while (end > 0 && path[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/')
        begin--;
    ff_escape(out, size, path + begin, end - begin);
}

/* A name for path that is not in the set, and now is; NULL when memory is short. */
static char *make_name(void **set, const char *path)
{
    char name[NAME_BYTES], base[NAME_BYTES];

    escape_basename(base, sizeof(base), path);
    memcpy(name, base, sizeof(name));
    for (size_t number = 2; tfind(name, set, compare); number++) {
        char suffix[SUFFIX_BYTES];
        int len = snprintf(suffix, sizeof(suffix), "-%zu", number);
        size_t room = sizeof(name) - 1 - (size_t)len, keep = strlen(base);
        if (keep > room) {
            keep = room;
            /* Not inside a character: bytes that continue one are 10xxxxxx. */
            while (keep > 0 && ((unsigned char)base[keep] & 0xc0) == 0x80)
                keep--;
        }
        snprintf(name, sizeof(name), "%.*s%s", (int)keep, base, suffix);
    }
    char *made = strdup(name);
    if (made && !tsearch(made, set, compare)) {
        free(made);
        return NULL;
    }
    return made;
}

int ff_names_make(char *const *paths, size_t count, char ***ret_names)
{
    char **names = calloc(count + 1, sizeof(*names));
    void *set = NULL;
    int rc = names ? 0 : -ENOMEM;

    for (size_t i = 0; rc == 0 && i < sizeof(reserved) / sizeof(reserved[0]); i++)
        rc = tsearch(reserved[i], &set, compare) ? 0 : -ENOMEM;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        names[i] = make_name(&set, paths[i]);
        rc = names[i] ? 0 : -ENOMEM;
    }
    tdestroy(set, keep_name);
    if (rc < 0) {
        ff_names_free(names, count);
        return rc;
    }
    *ret_names = names;
    return 0;
}

void ff_names_free(char **names, size_t count)
{
    for (size_t i = 0; names && i < count; i++)
        free(names[i]);
    free(names);
}
