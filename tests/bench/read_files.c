/*
 * read_files DIR [FILES [SECONDS]]: reads each regular file of a directory and of the directories
 * in it, in the order of the listings, as cat does: open, read to the end, close. Ends after so
 * many files or seconds, where they are told and not 0. Prints files and bytes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_BYTES (UINT32_C(1) << 17)

struct totals {
    uint64_t files;
    uint64_t bytes;
    uint64_t files_most;
    uint64_t end_ns; /* of CLOCK_MONOTONIC */
};

static char buffer[BUFFER_BYTES];

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static bool is_enough(const struct totals *totals)
{
    return totals->files >= totals->files_most || now_ns() >= totals->end_ns;
}

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

/* Some file systems do not tell in a listing. */
static bool is_directory(int directory, const struct dirent *entry)
{
    struct stat attr;

    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return fstatat(directory, entry->d_name, &attr, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISDIR(attr.st_mode);
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
    while (r == 0 && !is_enough(totals) && (entry = readdir(stream))) {
        if (entry->d_name[0] == '.')
            continue;
        if (is_directory(dirfd(stream), entry)) {
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
    uint64_t files = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    uint64_t seconds = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
    struct totals totals = {
        .files_most = files > 0 ? files : UINT64_MAX,
        .end_ns = seconds > 0 ? now_ns() + seconds * 1000000000 : UINT64_MAX,
    };
    int fd = argc > 1 ? open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    int r = fd < 0 ? -errno : read_directory(fd, &totals);

    if (r < 0) {
        fprintf(stderr, "read_files: %s\n", strerror(-r));
        return 1;
    }
    printf("%llu files, %llu bytes\n", (unsigned long long)totals.files,
           (unsigned long long)totals.bytes);
    return 0;
}
