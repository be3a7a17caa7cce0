/* The memory that outlives a worker. */
#include "fs/shared.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ARCHIVES 3

struct memory {
    struct ff_shared *shared;
    int fd;
};

static int set_up(void **state)
{
    struct memory *memory = calloc(1, sizeof(*memory));

    if (!memory || ff_shared_new(ARCHIVES, &memory->shared, &memory->fd) < 0)
        return -1;
    *state = memory;
    return 0;
}

static int tear_down(void **state)
{
    struct memory *memory = *state;

    ff_shared_unmap(memory->shared, ARCHIVES);
    close(memory->fd);
    free(memory);
    return 0;
}

static uint64_t size_of(const struct memory *memory)
{
    struct stat st;

    assert_int_equal(fstat(memory->fd, &st), 0);
    return (uint64_t)st.st_size;
}

static void it_begins_empty(void **state)
{
    const struct memory *memory = *state;
    const struct ff_shared *shared = memory->shared;

    assert_int_equal(shared->bytes, size_of(memory));
    assert_int_equal(shared->archives, ARCHIVES);
    assert_int_equal(shared->supervisor, getpid());
    assert_int_equal(atomic_load(&shared->restarts), 0);
    for (size_t i = 0; i < ARCHIVES; i++)
        assert_false(atomic_load(&shared->settled[i].known));
}

static void slices_of_two_mounts_have_other_nodeids(void **state)
{
    const struct memory *memory = *state;
    struct ff_shared *other;
    int fd;

    assert_int_equal(ff_shared_new(ARCHIVES, &other, &fd), 0);
    assert_int_not_equal(other->slices.next_value, memory->shared->slices.next_value);
    ff_shared_unmap(other, ARCHIVES);
    close(fd);
}

static void what_one_process_writes_another_maps(void **state)
{
    const struct memory *memory = *state;
    struct ff_shared *mapped;

    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        memory->shared->supervisor = getpid();
        atomic_fetch_add(&memory->shared->resent, 42);
        atomic_store(&memory->shared->settled[ARCHIVES - 1].known, true);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(ff_shared_map(memory->fd, ARCHIVES, &mapped), 0);
    assert_ptr_not_equal(mapped, memory->shared);
    assert_int_equal(atomic_load(&mapped->resent), 42);
    assert_true(atomic_load(&mapped->settled[ARCHIVES - 1].known));
    assert_int_equal(mapped->supervisor, getpid());
    ff_shared_unmap(mapped, ARCHIVES);
}

static void is_refused(const struct memory *memory, size_t archives)
{
    struct ff_shared *untouched = (struct ff_shared *)(uintptr_t)0x10;
    struct ff_shared *mapped = untouched;

    assert_int_equal(ff_shared_map(memory->fd, archives, &mapped), -EINVAL);
    assert_ptr_equal(mapped, untouched);
}

static void that_of_another_number_of_archives_is_refused(void **state)
{
    const struct memory *memory = *state;

    is_refused(memory, ARCHIVES - 1);
    is_refused(memory, ARCHIVES + 1);
    memory->shared->archives = ARCHIVES + 1;
    is_refused(memory, ARCHIVES);
    is_refused(memory, ARCHIVES + 1);
}

static void that_of_another_version_is_refused(void **state)
{
    const struct memory *memory = *state;
    uint64_t bytes = memory->shared->bytes;

    memory->shared->bytes = bytes + 1;
    is_refused(memory, ARCHIVES);
    memory->shared->bytes = bytes;

    /* The same in a file of another length. */
    const struct memory other = {.fd = memfd_create("other", MFD_CLOEXEC)};
    const off_t lengths[] = {(off_t)bytes + 1, (off_t)bytes - 1, 0};
    assert_int_equal(write(other.fd, memory->shared, bytes), (ssize_t)bytes);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        assert_int_equal(ftruncate(other.fd, lengths[i]), 0);
        is_refused(&other, ARCHIVES);
    }
    close(other.fd);
}

/* A look at pages that are cut off would end the supervisor. */
static void nobody_cuts_it(void **state)
{
    const struct memory *memory = *state;

    assert_int_equal(ftruncate(memory->fd, 0), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(memory->fd, size_of(memory) + 1), -1);
    assert_int_equal(errno, EPERM);
}

/* A worker can write any number there. */
static void what_a_worker_writes_does_not_unmap_more(void **state)
{
    const struct memory *memory = *state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t len = ((size_t)size_of(memory) + page - 1) / page * page;
    struct ff_shared *mapped;

    assert_int_equal(ff_shared_map(memory->fd, ARCHIVES, &mapped), 0);
    /* The same memory once more, with a neighbour behind it. */
    char *room = mmap(NULL, len + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(room != MAP_FAILED);
    assert_true(mremap(mapped, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, room) == room);
    assert_int_equal(mprotect(room + len, page, PROT_READ | PROT_WRITE), 0);
    memory->shared->archives = ARCHIVES + 2 * page / sizeof(struct ff_settled);
    ff_shared_unmap((struct ff_shared *)room, ARCHIVES);
    unsigned char resident;
    assert_int_equal(mincore(room + len, page, &resident), 0);
    assert_int_equal(munmap(room + len, page), 0);
}

#define memory_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        memory_test(it_begins_empty),
        memory_test(slices_of_two_mounts_have_other_nodeids),
        memory_test(what_one_process_writes_another_maps),
        memory_test(that_of_another_number_of_archives_is_refused),
        memory_test(that_of_another_version_is_refused),
        memory_test(nobody_cuts_it),
        memory_test(what_a_worker_writes_does_not_unmap_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
