/*
 * Reads each regular file of a directory and of the directories in it, in the order of the
 * listings, as cat does: open, read to the end, close. Prints files and bytes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES (UINT32_C(1) << 17)

struct totals {
    uint64_t files;
    uint64_t bytes;
};

static char buffer[BUFFER_BYTES];

static int read_file(int directory, const char *name, struct totals *totals)
{
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (fd < 0)
        return -errno;
    while ((got = read(fd, buffer, sizeof(buffer))) > 0)
        totals->bytes += (uint64_t)got;
    int r = got < 0 ? -errno : 0;
    close(fd);
    totals->files++;
    return r;
}

/* Takes fd over. */
static int read_directory(int fd, struct totals *totals)
{
    DIR *stream = fdopendir(fd);
    struct dirent *entry;
    int r = 0;

    if (!stream) {
        r = -errno;
        close(fd);
        return r;
    }
    while (r == 0 && (entry = readdir(stream))) {
        if (entry->d_name[0] == '.')
            continue;
        if (entry->d_type == DT_DIR) {
            int below = openat(dirfd(stream), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            r = below < 0 ? -errno : read_directory(below, totals);
        } else {
            r = read_file(dirfd(stream), entry->d_name, totals);
        }
    }
    closedir(stream);
    return r;
}

int main(int argc, char **argv)
{
    struct totals totals = {0, 0};
    int fd = argc == 2 ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    int r = fd < 0 ? -errno : read_directory(fd, &totals);

    if (r < 0) {
        fprintf(stderr, "read_files: %s\n", strerror(-r));
        return 1;
    }
    printf("%llu files, %llu bytes\n", (unsigned long long)totals.files,
           (unsigned long long)totals.bytes);
    return 0;
}
