#include "fs/takeover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/shared.h"
#include "tree/tree.h"

/* The last digit changes with what is in the struct. */
static const char magic[8] = {'f', 'f', 't', 'a', 'k', 'e', '0', '4'};

static size_t size_for(size_t archives)
{
    return sizeof(struct ff_takeover) + archives * sizeof(struct ff_takeover_archive);
}

struct ff_takeover *ff_takeover_new(size_t archives)
{
    struct ff_takeover *takeover = calloc(1, size_for(archives));

    if (!takeover)
        return NULL;
    memcpy(takeover->magic, magic, sizeof(magic));
    takeover->bytes = size_for(archives);
    takeover->archive_count = archives;
    for (size_t i = 0; i < archives; i++)
        takeover->archives[i].index = takeover->archives[i].left = -1;
    return takeover;
}

int ff_takeover_write(const struct ff_takeover *takeover)
{
    const char *next = (const char *)takeover;
    size_t left = takeover->bytes;

    FF_CLEANUP(fd) int fd = memfd_create("framefs-takeover", 0);
    if (fd < 0)
        return -errno;
    while (left > 0) {
        ssize_t count = write(fd, next, left);
        if (count < 0 && errno != EINTR)
            return -errno;
        next += count > 0 ? count : 0;
        left -= count > 0 ? (size_t)count : 0;
    }
    int kept = fd;
    fd = -1;
    return kept;
}

static bool is_terminated(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static bool is_sound(const struct ff_takeover *takeover)
{
    for (size_t i = 0; i < takeover->archive_count; i++)
        if (!is_terminated(takeover->archives[i].path, sizeof(takeover->archives[i].path)))
            return false;
    return is_terminated(takeover->dir, sizeof(takeover->dir)) &&
           is_terminated(takeover->start, sizeof(takeover->start)) &&
           takeover->mountpoint.init_len <= FF_INIT_BYTES && takeover->bench < FF_BENCHES &&
           takeover->worker > 1;
}

static int read_fd(int fd, struct ff_takeover **ret_takeover)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(struct ff_takeover) ||
        st.st_size > (off_t)size_for(FF_NODE_ARCHIVES_MAX))
        return -EPROTO;
    FF_CLEANUP(free) struct ff_takeover *takeover = malloc((size_t)st.st_size);
    if (!takeover)
        return -ENOMEM;
    if (pread(fd, takeover, (size_t)st.st_size, 0) != st.st_size ||
        memcmp(takeover->magic, magic, sizeof(magic)) != 0 ||
        takeover->bytes != (uint64_t)st.st_size || takeover->archive_count > FF_NODE_ARCHIVES_MAX ||
        takeover->bytes != size_for(takeover->archive_count) || !is_sound(takeover))
        return -EPROTO;
    *ret_takeover = takeover;
    takeover = NULL;
    return 1;
}

static void close_archive_on_exec(const struct ff_takeover_archive *archive)
{
    const int fds[] = {archive->file.fd, archive->index, archive->left};

    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            fcntl(fds[i], F_SETFD, FD_CLOEXEC);
}

/* What stayed open for this program is not for those that it starts. */
static void close_on_exec(const struct ff_takeover *takeover)
{
    fcntl(takeover->mountpoint.fd, F_SETFD, FD_CLOEXEC);
    fcntl(takeover->mountpoint.guard.serving, F_SETFD, FD_CLOEXEC);
    fcntl(takeover->mountpoint.guard.held, F_SETFD, FD_CLOEXEC);
    fcntl(takeover->shared, F_SETFD, FD_CLOEXEC);
    fcntl(takeover->channel, F_SETFD, FD_CLOEXEC);
    for (size_t i = 0; i < takeover->archive_count; i++)
        close_archive_on_exec(&takeover->archives[i]);
}

int ff_takeover_read(struct ff_takeover **ret_takeover, bool *ret_trial)
{
    const char *text = getenv(FF_TAKEOVER_VARIABLE);
    static const char trial[] = "check:";
    char rest;
    int fd;

    if (!text)
        return 0;
    *ret_trial = strncmp(text, trial, strlen(trial)) == 0;
    bool is_number =
        sscanf(text + (*ret_trial ? strlen(trial) : 0), "%d%c", &fd, &rest) == 1 && fd > 2;
    unsetenv(FF_TAKEOVER_VARIABLE);
    if (!is_number)
        return -EPROTO;
    int r = read_fd(fd, ret_takeover);
    if (r > 0 && !*ret_trial) {
        close(fd);
        close_on_exec(*ret_takeover);
    }
    return r;
}
