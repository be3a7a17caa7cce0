/* A source over a regular file or a block device. */
#include <errno.h>
#include <fcntl.h>
#include <framefs/source.h>
#include <linux/fs.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/stat.h"
#include "base/units.h"

#define PREAD_MAX_BYTES (SIZE_MAX / 4)

/* A write moves mtime first and the size afterwards: a file that is being appended to looks, for
 * that long, as if it had been edited in place. So an edit is believed when it is seen again, and
 * from then on at once: who reads many records of an edited file waits for the first one alone. */
#define CHECK_TRIES    20
#define CHECK_PAUSE_NS 500000

struct ff_source_file {
    struct ff_source source;
    int fd;
    bool is_block;
    struct ff_source_stat opened;
    _Atomic uint64_t
        edited_ns; /* the mtime of an edit that is believed; of opened: there is none */
};

/* Modulo 2^64: it tells times apart, and orders none. */
static uint64_t time_ns(struct timespec time)
{
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static int fd_stat(int fd, bool is_block, struct ff_source_stat *ret_stat)
{
    struct stat st;
    uint64_t size;

    if (ff_stat_fd(fd, &st) < 0)
        return -errno;
    size = (uint64_t)st.st_size;
    if (is_block && ioctl(fd, BLKGETSIZE64, &size) < 0)
        return -errno;
    *ret_stat = (struct ff_source_stat){.size = size, .mtime = st.st_mtim};
    return 0;
}

static ssize_t file_pread(struct ff_source *source, void *buf, size_t len, uint64_t offset)
{
    struct ff_source_file *file = (struct ff_source_file *)source;

    if (offset >= INT64_MAX)
        return 0;
    if (len > PREAD_MAX_BYTES)
        len = PREAD_MAX_BYTES;
    if (len > (uint64_t)INT64_MAX - offset)
        len = (size_t)((uint64_t)INT64_MAX - offset);
    for (;;) {
        ssize_t n = pread(file->fd, buf, len, (off_t)offset);
        if (n >= 0)
            return n;
        if (errno != EINTR)
            return -errno;
    }
}

static int file_stat(struct ff_source *source, struct ff_source_stat *ret_stat)
{
    struct ff_source_file *file = (struct ff_source_file *)source;
    return fd_stat(file->fd, file->is_block, ret_stat);
}

static int file_check(struct ff_source *source)
{
    struct ff_source_file *file = (struct ff_source_file *)source;

    for (unsigned int tries = 1;; tries++) {
        struct ff_source_stat now = {0};
        int r = fd_stat(file->fd, file->is_block, &now);
        if (r < 0)
            return r;
        if (now.size < file->opened.size)
            return -ESTALE;
        /* The times of a block device are those of its node, not of its bytes. */
        if (file->is_block || now.size > file->opened.size ||
            (now.mtime.tv_sec == file->opened.mtime.tv_sec &&
             now.mtime.tv_nsec == file->opened.mtime.tv_nsec))
            return 0;
        uint64_t mtime_ns = time_ns(now.mtime);
        if (tries == CHECK_TRIES)
            atomic_store(&file->edited_ns, mtime_ns);
        if (atomic_load(&file->edited_ns) == mtime_ns)
            return -ESTALE;
        nanosleep(&(struct timespec){.tv_nsec = CHECK_PAUSE_NS}, NULL);
    }
}

static void file_close(struct ff_source *source)
{
    struct ff_source_file *file = (struct ff_source_file *)source;
    close(file->fd);
    free(file);
}

static const struct ff_source_ops file_ops = {
    .pread = file_pread,
    .stat = file_stat,
    .check = file_check,
    .close = file_close,
};

static int refuse(int code, const char *path, const char *why, struct ff_error *error)
{
    char shown[1024];
    ff_escape(shown, sizeof(shown), path, strlen(path));
    return ff_error_set(error, code, "%s: %s", shown, why);
}

#define STREAM_ADVICE "copy it to a file; info, ls, cat and verify read it as - from standard input"

static int check_kind(const char *path, mode_t mode, struct ff_error *error)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
    case S_IFBLK:
        return 0;
    case S_IFDIR:
        return refuse(-EISDIR, path, "is a directory: name an archive file in it", error);
    case S_IFIFO:
        return refuse(-ESPIPE, path, "is a pipe: " STREAM_ADVICE, error);
    case S_IFSOCK:
        return refuse(-ESPIPE, path, "is a socket: " STREAM_ADVICE, error);
    case S_IFCHR:
        return refuse(-ESPIPE, path, "is a character device: " STREAM_ADVICE, error);
    default:
        return refuse(-EINVAL, path, "is neither a regular file nor a block device", error);
    }
}

/* Files that the kernel generates say that they are empty. */
static int check_size(const char *path, int fd, const struct ff_source_stat *stat,
                      struct ff_error *error)
{
    uint8_t byte;

    if (stat->size > 0 || pread(fd, &byte, 1, 0) <= 0)
        return 0;
    return refuse(-ESPIPE, path, "does not tell its size: " STREAM_ADVICE, error);
}

/* What can be done about a file that cannot be opened, where that is not in the error's words. */
static const char *advice_for(int code)
{
    switch (code) {
    case -EACCES:
        return ": you must be allowed to read it, and to enter the directories above it";
    case -EMFILE:
        return ": raise the limit (ulimit -n)";
    default:
        return "";
    }
}

/* A source over own_fd, which is taken over; opened: NULL for what the file is now. */
static int make_source(int own_fd, const char *path, const struct ff_source_stat *opened,
                       struct ff_source **ret_source, struct ff_error *error)
{
    FF_CLEANUP(fd) int fd = own_fd;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return refuse(-errno, path, strerror(errno), error);
    int r = check_kind(path, st.st_mode, error);
    if (r < 0)
        return r;
    FF_CLEANUP(free) struct ff_source_file *file = malloc(sizeof(*file));
    if (!file)
        return ff_error_set(error, -ENOMEM, "out of memory");
    *file =
        (struct ff_source_file){.source.ops = &file_ops, .fd = fd, .is_block = S_ISBLK(st.st_mode)};
    if (opened)
        file->opened = *opened;
    else if ((r = fd_stat(fd, file->is_block, &file->opened)) < 0)
        return refuse(r, path, strerror(-r), error);
    else if ((r = check_size(path, fd, &file->opened, error)) < 0)
        return r;
    atomic_init(&file->edited_ns, time_ns(file->opened.mtime));
    fd = -1;
    *ret_source = &file->source;
    file = NULL;
    return 0;
}

int ff_source_open_file(const char *path, struct ff_source **ret_source, struct ff_error *error)
{
    /* O_NONBLOCK: a named pipe without a writer must not hang; files and disks ignore it. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0) {
        int code = -errno;
        char why[256];
        /* A socket, and a device without a driver, cannot be opened at all. */
        if (code == -ENXIO && stat(path, &st) == 0 && S_ISSOCK(st.st_mode))
            return check_kind(path, st.st_mode, error);
        snprintf(why, sizeof(why), "%s%s", strerror(-code), advice_for(code));
        return refuse(code, path, why, error);
    }
    return make_source(fd, path, NULL, ret_source, error);
}

struct ff_file_state ff_source_file_state(const struct ff_source *source)
{
    const struct ff_source_file *file = (const struct ff_source_file *)source;

    return (struct ff_file_state){.fd = file->fd, .opened = file->opened};
}

int ff_source_adopt_file(const struct ff_file_state *state, const char *path,
                         struct ff_source **ret_source, struct ff_error *error)
{
    return make_source(state->fd, path, &state->opened, ret_source, error);
}
