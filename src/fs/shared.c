#include "fs/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

static size_t size_for(size_t archives)
{
    return sizeof(struct ff_shared) + archives * sizeof(struct ff_settled);
}

static int map(int fd, size_t bytes, struct ff_shared **ret_shared)
{
    /* Present from the beginning: a worker is not to be killed in a page fault. */
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (memory == MAP_FAILED)
        return -errno;
    *ret_shared = memory;
    return 0;
}

int ff_shared_new(size_t archives, struct ff_shared **ret_shared, int *ret_fd)
{
    size_t bytes = size_for(archives);
    uint64_t first_slice = 0;

    FF_CLEANUP(fd) int fd = memfd_create("framefs-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0)
        return -errno;
    /* Nobody cuts it under who looks at it. */
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return -errno;
    int r = map(fd, bytes, ret_shared);
    if (r < 0)
        return r;
    struct ff_shared *shared = *ret_shared;
    shared->bytes = bytes;
    shared->archives = archives;
    shared->supervisor = getpid();
    ff_stats_init(&shared->stats);
    ssize_t count = getrandom(&first_slice, sizeof(first_slice), GRND_NONBLOCK);
    if (count != sizeof(first_slice))
        first_slice = (uint64_t)time(NULL) * FF_SLICES_MAX;
    ff_slices_init(&shared->slices, first_slice);
    *ret_fd = fd;
    fd = -1;
    return 0;
}

int ff_shared_map(int fd, size_t archives, struct ff_shared **ret_shared)
{
    struct ff_shared *shared = NULL;
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (st.st_size < 0 || (size_t)st.st_size != size_for(archives))
        return -EINVAL;
    int r = map(fd, size_for(archives), &shared);
    if (r < 0)
        return r;
    if (shared->bytes != size_for(archives) || shared->archives != archives) {
        ff_shared_unmap(shared, archives);
        return -EINVAL;
    }
    shared->supervisor = getpid();
    *ret_shared = shared;
    return 0;
}

void ff_shared_unmap(struct ff_shared *shared, size_t archives)
{
    if (shared)
        munmap(shared, size_for(archives));
}
