#include "fs/mountinfo.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

/* The kernel writes blank, tab, newline and backslash as three octal digits. */
static void unescape(char *text)
{
    char *out = text;
    for (; *text; out++) {
        if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' &&
            text[2] <= '7' && text[3] >= '0' && text[3] <= '7') {
            *out = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
            text += 4;
        } else {
            *out = *text++;
        }
    }
    *out = '\0';
}

/* ID PARENT MAJOR:MINOR ROOT WHERE OPTIONS [TAG...] - TYPE SOURCE OPTIONS (proc(5)). */
int ff_mountinfo_parse(char *line, struct ff_mountinfo *ret_info)
{
    static struct ff_mountinfo const empty;
    struct ff_mountinfo info = empty;
    char *rest = line;
    char *field;
    int number = 0;

    while ((field = strsep(&rest, " \n"))) {
        switch (++number) {
        case 1:
            if (sscanf(field, "%" SCNu64, &info.id) != 1)
                return -EINVAL;
            break;
        case 3:
            if (sscanf(field, "%u:%u", &info.major, &info.minor) != 2)
                return -EINVAL;
            break;
        case 5:
            unescape(field);
            if (strlen(field) >= sizeof(info.where))
                return -ENAMETOOLONG;
            strcpy(info.where, field);
            break;
        default:
            if (number <= 6 || strcmp(field, "-") != 0)
                break;
            field = strsep(&rest, " \n");
            if (!field || !*field)
                return -EINVAL;
            unescape(field);
            snprintf(info.type, sizeof(info.type), "%s", field);
            *ret_info = info;
            return 0;
        }
    }
    return -EINVAL;
}

/* The last line that matches: of mounts on top of each other, the topmost. */
static int find(uint64_t id, const char *where, struct ff_mountinfo *ret_info)
{
    FILE *table = fopen("/proc/self/mountinfo", "re");
    if (!table)
        return -errno;
    FF_CLEANUP(free) char *line = NULL;
    size_t size = 0;
    int r = -ENOENT;
    while (getline(&line, &size, table) > 0) {
        struct ff_mountinfo info;
        if (ff_mountinfo_parse(line, &info) < 0)
            continue;
        if (where ? strcmp(info.where, where) == 0 : info.id == id) {
            *ret_info = info;
            r = 0;
        }
    }
    fclose(table);
    return r;
}

int ff_mountinfo_by_id(uint64_t id, struct ff_mountinfo *ret_info)
{
    return find(id, NULL, ret_info);
}

int ff_mountinfo_by_path(const char *where, struct ff_mountinfo *ret_info)
{
    return find(0, where, ret_info);
}

static int read_mount_id(int fd, uint64_t *ret_id)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    FILE *file = fopen(path, "re");
    if (!file)
        return -errno;
    char line[128];
    int r = -ENODATA;
    while (r < 0 && fgets(line, sizeof(line), file)) {
        if (sscanf(line, "mnt_id: %" SCNu64, ret_id) == 1)
            r = 0;
    }
    fclose(file);
    return r;
}

/* The kernel's name for what a descriptor is of. */
static int read_path(int fd, char ret_path[PATH_MAX])
{
    char link[64], target[PATH_MAX];

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, target, sizeof(target));
    if (len < 0)
        return -errno;
    if ((size_t)len >= sizeof(target))
        return -ENAMETOOLONG;
    target[len] = '\0';
    strcpy(ret_path, target);
    return 0;
}

int ff_mountinfo_of(const char *path, struct ff_mountinfo *ret_info, bool *ret_is_root,
                    char ret_path[PATH_MAX])
{
    /* O_PATH walks the path and stops: it does not open the root of a mount, nor stat it. */
    FF_CLEANUP(fd) int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return -errno;

    char target[PATH_MAX];
    int r = read_path(fd, target);
    if (r < 0)
        return r;
    /* A shell that stands in a directory stays below what is mounted on it later: "." is what the
     * mount covers. A directory that has been removed has no path. */
    FF_CLEANUP(fd) int top = open(target, O_PATH | O_CLOEXEC);
    uint64_t id;
    r = read_mount_id(top >= 0 ? top : fd, &id);
    if (r < 0)
        return r;
    struct ff_mountinfo info;
    r = ff_mountinfo_by_id(id, &info);
    if (r < 0)
        return r;

    *ret_info = info;
    *ret_is_root = strcmp(target, info.where) == 0;
    strcpy(ret_path, target);
    return 0;
}
