#include "cli/names.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

#define NAME_BYTES   256 /* of a file name, with its NUL */
#define SUFFIX_BYTES 24

/* A name that is taken. */
struct taken {
    const char *name;
    size_t next; /* the number to try for the next one of this name */
};

#define RESERVED 5
static const char *const reserved[RESERVED] = {"", ".", "..", ".framefs", "synthetic"};

static int compare(const void *a, const void *b)
{
    const struct taken *left = a, *right = b;

    return strcmp(left->name, right->name);
}

static void keep_entry(void *entry)
{
    (void)entry; /* it lies in an array */
}

static struct taken *find(void *const *set, const char *name)
{
    struct taken *const *found = tfind(&(struct taken){.name = name}, set, compare);

    return found ? *found : NULL;
}

static int add(void **set, struct taken *entry, const char *name)
{
    *entry = (struct taken){.name = name, .next = 2};
    return tsearch(entry, set, compare) ? 0 : -ENOMEM;
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

/* base-number, within the length of a file name. */
static void number_name(char name[NAME_BYTES], const char *base, size_t number)
{
    char suffix[SUFFIX_BYTES];
    int len = snprintf(suffix, sizeof(suffix), "-%zu", number);
    size_t room = NAME_BYTES - 1 - (size_t)len, keep = strlen(base);

    if (keep > room) {
        keep = room;
        /* Not inside a character: bytes that continue one are 10xxxxxx. */
        while (keep > 0 && ((unsigned char)base[keep] & 0xc0) == 0x80)
            keep--;
    }
    snprintf(name, NAME_BYTES, "%.*s%s", (int)keep, base, suffix);
}

/* A name for path that is not in the set; NULL when memory is short. */
static char *make_name(void *const *set, const char *path)
{
    char name[NAME_BYTES], base[NAME_BYTES];

    escape_basename(base, sizeof(base), path);
    memcpy(name, base, sizeof(name));
    for (struct taken *same = find(set, base); same && find(set, name);)
        number_name(name, base, same->next++);
    return strdup(name);
}

int ff_names_make(char *const *paths, size_t count, char ***ret_names)
{
    char **names = calloc(count + 1, sizeof(*names));
    struct taken *entries = calloc(count + RESERVED, sizeof(*entries));
    void *set = NULL;
    int rc = names && entries ? 0 : -ENOMEM;

    for (size_t i = 0; rc == 0 && i < RESERVED; i++)
        rc = add(&set, &entries[i], reserved[i]);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        names[i] = make_name(&set, paths[i]);
        rc = names[i] ? add(&set, &entries[RESERVED + i], names[i]) : -ENOMEM;
    }
    tdestroy(set, keep_entry);
    free(entries);
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
