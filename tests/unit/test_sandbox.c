/* The sandbox as the kernel sees it: forked processes enter it and try what it denies. Each act is
 * tried without the sandbox, too: there it must not fail the same way. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <framefs/source.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "fs/landlock.h"
#include "fs/sandbox.h"
#include "fs/syscalls.h"
#include "sandbox_acts.h"

#define NOBODY      65534
#define PATIENCE_MS 20000

enum who { ROOT_AS_NOBODY, ROOT_AS_ROOT, ORDINARY, WHO_COUNT };

static const char *const who_names[] = {"root as nobody", "root as root", "an ordinary user"};

static bool sanitized(void)
{
    const struct ff_sandbox_options options = {.uid = -1, .gid = -1};
    struct ff_sandbox *sandbox;

    if (ff_sandbox_new(&options, &sandbox, NULL) < 0)
        return false;
    bool is = ff_sandbox_state(sandbox).sanitized;
    ff_sandbox_free(sandbox);
    return is;
}

static bool can_be(enum who who)
{
    return who == ORDINARY || geteuid() == 0;
}

static void be(enum who who)
{
    if (who == ORDINARY && geteuid() == 0 &&
        (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0))
        _exit(98);
    /* A change of the user makes /proc/self root's, which is no matter of the sandbox. */
    prctl(PR_SET_DUMPABLE, 1);
}

static struct ff_sandbox *prepare(enum who who, unsigned int features)
{
    int64_t id = who == ROOT_AS_NOBODY ? NOBODY : -1;
    const struct ff_sandbox_options options = {.uid = id, .gid = id, .features = features};
    struct ff_sandbox *sandbox;
    struct ff_error error;

    if (ff_sandbox_new(&options, &sandbox, &error) < 0) {
        dprintf(STDERR_FILENO, "%s\n", error.text);
        _exit(97);
    }
    return sandbox;
}

static void enter(enum who who, unsigned int features)
{
    struct ff_error error;

    be(who);
    open_things();
    if (ff_sandbox_enter(prepare(who, features), &error) < 0) {
        dprintf(STDERR_FILENO, "%s\n", error.text);
        _exit(96);
    }
}

/* child: -1 for any. */
static int wait_status(pid_t child)
{
    int status;

    pid_t ended = waitpid(child, &status, 0);
    assert_true(child > 0 ? ended == child : ended > 0);
    return status;
}

/* ---- what is denied ---- */

/* The act's errno, 0 when it succeeded. */
static int errno_of(const struct act *act)
{
    errno = 0;
    return act->run() < 0 ? errno : 0;
}

static int try_inside(enum who who)
{
    int failed = 0;

    enter(who, 0);
    for (size_t i = 0; acts[i].name; i++) {
        int code = errno_of(&acts[i]);
        if (code == EPERM)
            continue;
        dprintf(STDERR_FILENO, "%s: %s: %s\n", who_names[who], acts[i].name, strerror(code));
        failed = 1;
    }
    return failed;
}

/* Each in a process of its own, since some change it. */
static int try_outside(enum who who)
{
    int failed = 0;

    for (size_t i = 0; acts[i].name; i++) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            open_things();
            _exit(errno_of(&acts[i]) == EPERM ? 1 : 0);
        }
        if (waitpid(child, &status, 0) == child && (status == 0 || acts[i].privileged))
            continue;
        dprintf(STDERR_FILENO, "%s: %s: %x\n", who_names[who], acts[i].name, (unsigned int)status);
        failed = 1;
    }
    return failed;
}

/* The processes that try have a parent of the same user. */
static void run_tries(int (*try)(enum who), enum who who)
{
    if (!can_be(who))
        return;
    pid_t parent = fork();
    if (parent == 0) {
        be(who);
        pid_t child = fork();
        if (child == 0)
            _exit(try(who));
        int status;
        _exit(waitpid(child, &status, 0) == child && status == 0 ? 0 : 1);
    }
    assert_int_equal(wait_status(parent), 0);
}

static void it_denies_what_is_not_needed(void **state)
{
    (void)state;
    for (enum who who = 0; who < WHO_COUNT; who++)
        run_tries(try_inside, who);
}

/* Otherwise the claim above would say nothing of the sandbox. */
static void outside_it_is_not_denied(void **state)
{
    (void)state;
    run_tries(try_outside, ROOT_AS_ROOT);
    run_tries(try_outside, ORDINARY);
}

/* ---- what is left ---- */

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            dprintf(STDERR_FILENO, "line %d: %s: %s\n", __LINE__, #condition, strerror(errno));    \
            _exit(1);                                                                              \
        }                                                                                          \
    } while (0)

static void run_left(void (*run)(void), unsigned int features)
{
    for (enum who who = 0; who < WHO_COUNT; who++) {
        if (!can_be(who))
            continue;
        pid_t child = fork();
        if (child == 0) {
            alarm(PATIENCE_MS / 1000);
            enter(who, features);
            run();
            _exit(0);
        }
        assert_int_equal(wait_status(child), 0);
    }
}

static void use_descriptors(void)
{
    char buf[16] = "", byte;
    char ab[] = "ab", cd[] = "cd";
    struct iovec iov[2] = {{ab, 2}, {cd, 2}};

    CHECK(write(open_before.memory, "1234", 4) == 4);
    CHECK(writev(open_before.memory, iov, 2) == 4);
    CHECK(pread(open_before.memory, buf, 8, 0) == 8);
    CHECK(memcmp(buf, "1234abcd", 8) == 0);
    CHECK(pread(open_before.file, buf, 4, 0) == 4 && memcmp(buf, "\177ELF", 4) == 0);
    CHECK(read(open_before.file, &byte, 1) == 1 && byte == '\177');
    char *map = mmap(NULL, 8192, PROT_READ, MAP_SHARED, open_before.memory, 0);
    CHECK(map != MAP_FAILED && map[4] == 'a');
    CHECK(munmap(map, 8192) == 0);
    struct pollfd ready = {.fd = open_before.memory, .events = POLLIN};
    CHECK(poll(&ready, 1, 1000) == 1 && ready.revents == POLLIN);
    CHECK(close(open_before.memory) == 0);
}

static void descriptors_work(void **state)
{
    (void)state;
    run_left(use_descriptors, 0);
}

static void use_blocks(size_t max)
{
    for (size_t len = 1; len <= max; len *= 4) {
        char *block = malloc(len);
        CHECK(block);
        memset(block, 1, len < 4096 ? len : 4096);
        block = realloc(block, len * 2);
        CHECK(block);
        block[len * 2 - 1] = 1;
        free(block);
    }
}

static void *use_memory(void *argument)
{
    (void)argument;
    use_blocks((size_t)256 << 10);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

static void sort_much(void)
{
    enum { COUNT = 100000 };
    uint32_t *values = malloc(COUNT * sizeof(*values));
    CHECK(values);
    for (uint32_t i = 0; i < COUNT; i++)
        values[i] = i * 2654435761U;
    qsort(values, COUNT, sizeof(*values), compare);
    for (size_t i = 1; i < COUNT; i++)
        CHECK(values[i - 1] <= values[i]);
    free(values);
}

static void use_threads(void)
{
    pthread_t threads[24];

    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof(threads) / sizeof(threads[0]); i++)
            CHECK((errno = pthread_create(&threads[i], NULL, use_memory, NULL)) == 0);
        for (size_t i = 0; i < sizeof(threads) / sizeof(threads[0]); i++)
            CHECK((errno = pthread_join(threads[i], NULL)) == 0);
    }
    use_blocks((size_t)64 << 20);
    sort_much();
}

static void memory_and_threads_work(void **state)
{
    (void)state;
    run_left(use_threads, 0);
}

static int to_read, to_write; /* a pipe */
static atomic_int cleaned;

static void clean(void *argument)
{
    (void)argument;
    cleaned++;
}

static void *wait_for_ever(void *argument)
{
    char byte;

    pthread_cleanup_push(clean, NULL);
    /* libfuse's threads are cancelled in a read. */
    while (read(to_read, &byte, 1) >= 0)
        ;
    pthread_cleanup_pop(0);
    return argument;
}

static void *leave(void *argument)
{
    pthread_cleanup_push(clean, NULL);
    pthread_exit(argument);
    pthread_cleanup_pop(0);
}

static void cancel_threads(void)
{
    pthread_t threads[8];
    void *result;

    for (size_t i = 0; i < 8; i++)
        CHECK((errno = pthread_create(&threads[i], NULL, wait_for_ever, NULL)) == 0);
    for (size_t i = 0; i < 8; i++)
        CHECK((errno = pthread_cancel(threads[i])) == 0);
    for (size_t i = 0; i < 8; i++)
        CHECK(pthread_join(threads[i], &result) == 0 && result == PTHREAD_CANCELED);
    CHECK(pthread_create(&threads[0], NULL, leave, &result) == 0);
    CHECK(pthread_join(threads[0], &result) == 0 && result == &result);
    CHECK(cleaned == 9);
}

static void threads_can_be_cancelled(void **state)
{
    int fds[2];

    (void)state;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    to_read = fds[0];
    to_write = fds[1];
    run_left(cancel_threads, 0);
    close(to_read);
    close(to_write);
}

static volatile sig_atomic_t caught;

static void on_signal(int signal)
{
    caught = signal;
}

static void use_clocks_and_signals(void)
{
    struct timespec before, after;

    CHECK(clock_gettime(CLOCK_MONOTONIC, &before) == 0);
    CHECK(syscall(SYS_clock_gettime, CLOCK_REALTIME, &after) == 0);
    CHECK(syscall(SYS_nanosleep, &(struct timespec){.tv_nsec = 1000000}, NULL) == 0);
    CHECK(clock_gettime(CLOCK_MONOTONIC, &after) == 0);
    CHECK((after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >= 1000000);
    CHECK(signal(SIGUSR1, on_signal) != SIG_ERR);
    CHECK(raise(SIGUSR1) == 0 && caught == SIGUSR1);
    caught = 0;
    CHECK(pthread_kill(pthread_self(), SIGUSR1) == 0 && caught == SIGUSR1);
}

static void clocks_and_signals_to_itself_work(void **state)
{
    (void)state;
    run_left(use_clocks_and_signals, 0);
}

static struct ff_source *source;

static void ask_source(void)
{
    struct ff_source_stat stat_buf = {0};
    char byte;

    CHECK((errno = -source->ops->stat(source, &stat_buf)) == 0 && stat_buf.size > 0);
    CHECK((errno = -source->ops->check(source)) == 0);
    CHECK(source->ops->pread(source, &byte, 1, 0) == 1);
}

static void an_archive_can_be_checked(void **state)
{
    struct ff_error error;

    (void)state;
    assert_int_equal(ff_source_open_file("/proc/self/exe", &source, &error), 0);
    run_left(ask_source, 0);
    ff_source_close(source);
}

static void use_write(void)
{
    CHECK(ftruncate(open_before.memory, 100) == 0);
    CHECK(pwrite(open_before.memory, "x", 1, 99) == 1);
    CHECK(fsync(open_before.memory) == 0 && fdatasync(open_before.memory) == 0);
    CHECK(act_block_size() < 0 && errno == EPERM);
}

static void writing_is_a_feature(void **state)
{
    (void)state;
    run_left(use_write, FF_SANDBOX_WRITE);
}

/* Rings are asked for with arguments that the kernel refuses itself. */
static void use_rings(void)
{
    cpu_set_t set;

    CHECK(syscall(SYS_io_uring_setup, 0, NULL) < 0 && errno != EPERM);
    CHECK(syscall(SYS_io_uring_register, -1, 0, NULL, 0) < 0 && errno != EPERM);
    CHECK(syscall(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 0) < 0 && errno != EPERM);
    CHECK(eventfd(0, EFD_CLOEXEC) >= 0);
    CHECK(sched_getaffinity(0, sizeof(set), &set) == 0);
    CHECK(sched_setaffinity(0, sizeof(set), &set) == 0);
    CHECK(sched_setaffinity(getpid(), sizeof(set), &set) < 0 && errno == EPERM);
    CHECK(act_truncate() < 0 && errno == EPERM);
}

static void rings_are_a_feature(void **state)
{
    (void)state;
    run_left(use_rings, FF_SANDBOX_URING);
}

static void use_block_devices(void)
{
    CHECK(act_block_size() < 0 && errno == ENOTTY);
    CHECK(act_ioctl() < 0 && errno == EPERM);
    CHECK(act_truncate() < 0 && errno == EPERM);
}

static void the_size_of_block_devices_is_a_feature(void **state)
{
    (void)state;
    run_left(use_block_devices, FF_SANDBOX_BLOCK_DEVICES);
}

static void a_failed_assertion_aborts(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        enter(ORDINARY, 0);
        abort();
    }
    int status = wait_status(child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void another_architecture_kills(void **state)
{
    (void)state;
#ifdef __x86_64__
    pid_t child = fork();
    if (child == 0) {
        enter(ORDINARY, 0);
        syscall(0x40000000 | SYS_read, open_before.file, NULL, 0); /* x32 */
        _exit(0);
    }
    int status = wait_status(child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
#else
    skip();
#endif
}

/* ---- each part alone ---- */

static void alone_landlock(void)
{
    struct ff_landlock landlock;

    CHECK(ff_landlock_init(&landlock) == 0);
    if (landlock.abi == 0)
        return;
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK((errno = -ff_landlock_enter(&landlock)) == 0);
    ff_landlock_done(&landlock);
    CHECK(act_open() < 0 && errno == EACCES);
    CHECK(act_creat() < 0 && errno == EACCES);
    CHECK(opendir("/") == NULL && errno == EACCES);
    CHECK(act_exec() < 0 && errno == EACCES);
    CHECK(write(open_before.memory, "x", 1) == 1);
    CHECK(ftruncate(open_before.memory, 0) == 0);
    if (landlock.abi >= 4)
        CHECK(act_connect_inet() < 0 && errno == EACCES);
    if (landlock.abi >= 6) {
        CHECK(act_connect_unix() < 0 && errno == EPERM);
        CHECK(act_kill_parent() < 0 && errno == EPERM);
    }
}

static void alone_seccomp(void)
{
    struct ff_syscalls calls;

    CHECK(ff_syscalls_init(0, &calls) == 0);
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK((errno = -ff_syscalls_enter(&calls)) == 0);
    ff_syscalls_done(&calls);
    CHECK(act_open() < 0 && errno == EPERM);
    CHECK(act_connect_inet() < 0 && errno == EPERM);
    CHECK(act_tgkill_parent() < 0 && errno == EPERM);
    CHECK(syscall(SYS_tgkill, getpid(), gettid(), 0) == 0);
    /* What it would make cannot be seen: glibc takes clone() then. */
    CHECK(syscall(SYS_clone3, NULL, 0) < 0 && errno == ENOSYS);
}

static void alone_without_no_new_privs(void)
{
    struct ff_landlock landlock;

    CHECK(ff_landlock_init(&landlock) == 0);
    CHECK(landlock.abi == 0 || ff_landlock_enter(&landlock) == -EPERM);
}

/* Its parent is of the same user: only what is tested denies signals to it. */
static void run_alone(void (*run)(void))
{
    pid_t parent = fork();

    if (parent == 0) {
        be(ORDINARY);
        pid_t child = fork();
        if (child == 0) {
            alarm(PATIENCE_MS / 1000);
            open_things();
            CHECK(act_kill_parent() == 0 && act_tgkill_parent() == 0);
            run();
            _exit(0);
        }
        int status;
        _exit(waitpid(child, &status, 0) == child && status == 0 ? 0 : 1);
    }
    assert_int_equal(wait_status(parent), 0);
}

static void landlock_denies_by_itself(void **state)
{
    (void)state;
    run_alone(alone_landlock);
    run_alone(alone_without_no_new_privs);
}

static void seccomp_denies_by_itself(void **state)
{
    (void)state;
    run_alone(alone_seccomp);
}

/* ---- who it is ---- */

/* A process in the sandbox, which ends when its pipe is closed; its number. */
static pid_t start_waiting(enum who who, int *ret_fd)
{
    int to_child[2], from_child[2];
    char byte;

    assert_int_equal(pipe2(to_child, O_CLOEXEC), 0);
    assert_int_equal(pipe2(from_child, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        close(to_child[1]);
        if (geteuid() == 0)
            CHECK(setgroups(1, &(gid_t){12345}) == 0);
        enter(who, 0);
        CHECK(write(from_child[1], "", 1) == 1);
        _exit(read(to_child[0], &byte, 1) == 0 ? 0 : 1);
    }
    close(to_child[0]);
    close(from_child[1]);
    assert_int_equal(read(from_child[0], &byte, 1), 1);
    close(from_child[0]);
    *ret_fd = to_child[1];
    return child;
}

static void read_status(pid_t pid, char *buf, size_t len)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FF_CLEANUP(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count = read(fd, buf, len - 1);
    assert_true(count > 0);
    buf[count] = '\0';
}

static void nothing_of_root_is_left(void **state)
{
    static const char *const all[] = {
        "\nCapInh:\t0000000000000000\n",
        "\nCapPrm:\t0000000000000000\n",
        "\nCapEff:\t0000000000000000\n",
        "\nCapAmb:\t0000000000000000\n",
        "\nNoNewPrivs:\t1\n",
    };
    char text[8192], ids[128];
    int fd;

    (void)state;
    for (enum who who = 0; who < WHO_COUNT; who++) {
        if (!can_be(who))
            continue;
        pid_t child = start_waiting(who, &fd);
        read_status(child, text, sizeof(text));
        close(fd);
        assert_int_equal(wait_status(child), 0);
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
            if (!strstr(text, all[i]))
                fail_msg("%s: not %s in %s", who_names[who], all[i], text);
        if (who != ORDINARY) {
            unsigned int id = who == ROOT_AS_NOBODY ? NOBODY : 0;
            snprintf(ids, sizeof(ids), "\nUid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", id, id, id,
                     id, id, id, id, id);
            assert_non_null(strstr(text, ids));
            assert_non_null(strstr(text, "\nGroups:\t \n"));
            assert_non_null(strstr(text, "\nCapBnd:\t0000000000000000\n"));
        }
        assert_true(sanitized() || strstr(text, "\nSeccomp:\t2\n"));
    }
}

/* What ptrace() and /proc/PID/mem ask for is asked for here, too. */
static bool may_look_into(pid_t pid)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
    pid_t child = fork();
    if (child == 0) {
        be(ORDINARY);
        char byte;
        int fd = open(path, O_RDONLY);
        _exit(fd >= 0 && read(fd, &byte, 1) >= 0 ? 0 : 1);
    }
    return wait_status(child) == 0;
}

static void others_of_nobody_cannot_look_into_it(void **state)
{
    int fd;

    (void)state;
    pid_t child = start_waiting(ORDINARY, &fd);
    bool into_own = may_look_into(child);
    close(fd);
    assert_int_equal(wait_status(child), 0);
    assert_true(into_own);
    if (geteuid() != 0)
        return;
    child = start_waiting(ROOT_AS_NOBODY, &fd);
    bool into_roots = may_look_into(child);
    close(fd);
    assert_int_equal(wait_status(child), 0);
    assert_false(into_roots);
}

/* Becoming another user makes the kernel forget it. */
static void the_signal_of_a_parents_death_stays(void **state)
{
    int fds[2];
    char byte;

    (void)state;
    /* What loses its parent becomes a child of this process. */
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    for (enum who who = 0; who < WHO_COUNT; who++) {
        if (!can_be(who))
            continue;
        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        pid_t parent = fork();
        if (parent == 0) {
            close(fds[0]);
            if (fork() == 0) {
                alarm(PATIENCE_MS / 1000);
                be(who);
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                enter(who, 0);
                CHECK(write(fds[1], "", 1) == 1);
                for (;;)
                    poll(NULL, 0, -1);
            }
            pause();
        }
        close(fds[1]);
        assert_int_equal(read(fds[0], &byte, 1), 1);
        kill(parent, SIGKILL);
        wait_status(parent);
        close(fds[0]);
        int status = wait_status(-1);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGKILL);
    }
}

static void only_root_becomes_another(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        const struct ff_sandbox_options options = {.uid = NOBODY - 1, .gid = NOBODY};
        struct ff_sandbox *sandbox = NULL;
        struct ff_error error = {0};
        be(ORDINARY);
        int r = ff_sandbox_new(&options, &sandbox, &error);
        CHECK(r == -EPERM && error.code == -EPERM && !sandbox && strstr(error.text, "only root"));
        _exit(0);
    }
    assert_int_equal(wait_status(child), 0);
}

static void it_says_what_is_active(void **state)
{
    const struct ff_sandbox_options options = {.uid = -1, .gid = -1};
    char text[FF_SANDBOX_TEXT_BYTES], wanted[64];
    struct ff_sandbox *sandbox;
    struct ff_error error;

    (void)state;
    assert_string_equal(ff_sandbox_describe(NULL, text), "none");
    assert_int_equal(ff_sandbox_new(&options, &sandbox, &error), 0);
    struct ff_sandbox_state is = ff_sandbox_state(sandbox);
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1U);
    assert_int_equal(is.uid, geteuid());
    assert_int_equal(is.gid, getegid());
    assert_int_equal(is.sanitized, sanitized());
    assert_int_equal(is.landlock_abi, abi < 0 || sanitized() ? 0 : abi);
    assert_int_equal(is.calls > 0, !sanitized());
    ff_sandbox_describe(sandbox, text);
    snprintf(wanted, sizeof(wanted), "user %d, group %d, no capabilities, ", (int)geteuid(),
             (int)getegid());
    assert_memory_equal(text, wanted, strlen(wanted));
    assert_true(!sanitized() || strstr(text, "no seccomp (built with a sanitizer)"));
    ff_sandbox_free(sandbox);
    ff_sandbox_free(NULL);
}

int main(void)
{
    const struct CMUnitTest always[] = {
        cmocka_unit_test(nothing_of_root_is_left),
        cmocka_unit_test(others_of_nobody_cannot_look_into_it),
        cmocka_unit_test(the_signal_of_a_parents_death_stays),
        cmocka_unit_test(only_root_becomes_another),
        cmocka_unit_test(it_says_what_is_active),
    };
    const struct CMUnitTest confined[] = {
        cmocka_unit_test(it_denies_what_is_not_needed),
        cmocka_unit_test(outside_it_is_not_denied),
        cmocka_unit_test(descriptors_work),
        cmocka_unit_test(memory_and_threads_work),
        cmocka_unit_test(threads_can_be_cancelled),
        cmocka_unit_test(clocks_and_signals_to_itself_work),
        cmocka_unit_test(an_archive_can_be_checked),
        cmocka_unit_test(writing_is_a_feature),
        cmocka_unit_test(rings_are_a_feature),
        cmocka_unit_test(the_size_of_block_devices_is_a_feature),
        cmocka_unit_test(a_failed_assertion_aborts),
        cmocka_unit_test(another_architecture_kills),
        cmocka_unit_test(landlock_denies_by_itself),
        cmocka_unit_test(seccomp_denies_by_itself),
    };

    int failed = cmocka_run_group_tests(always, NULL, NULL);
    /* A sanitizer's runtime needs what these take away. */
    return sanitized() ? failed : failed + cmocka_run_group_tests(confined, NULL, NULL);
}
