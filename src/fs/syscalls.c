#include "fs/syscalls.h"

#include <endian.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/sandbox.h"

/*
 * Each call with its reason. `strace -f -Z` of the worker shows what it tried in vain; before a
 * call is added, ask whether the code can do without it. docs/sandbox.md has the same list.
 *
 * What is not here fails with EPERM, not by a signal: libraries try calls that they can do without,
 * and another version of them tries others. Nothing that opens, names or creates anything is here;
 * what takes a path and a descriptor (newfstatat, statx) takes any path, so it is not, either.
 */
enum condition {
    ANY = 0,
    MASKED, /* (argument & mask) == value */
    ABSENT, /* not let through: answered with ENOSYS, for which its callers have another way */
};

struct call {
    const char *name;
    unsigned int features; /* needed with any of them; 0: always */
    enum condition condition;
    unsigned int argument; /* its index */
    uint64_t mask, value;
};

#define WHOLE UINT64_MAX

static const struct call allowed[] = {
    /* Requests and answers, the channel to the supervisor, messages on stderr. */
    {"read"},
    {"write"},
    {"writev"},
    {"poll"},
    {"ppoll"}, /* poll() where there is no such call */
    {"close"},
    {"dup2"}, /* /dev/null in the place of the streams, once it serves */
    {"dup3"},

    /* Archives. */
    {"pread64"},
    {"fstat"}, /* an archive that was replaced or edited */

    /* Memory. Nothing becomes executable: no code but the program's own. */
    {"mmap", .condition = MASKED, .argument = 2, .mask = PROT_EXEC, .value = 0},
    {"mprotect", .condition = MASKED, .argument = 2, .mask = PROT_EXEC, .value = 0},
    {"munmap"},
    {"mremap"},
    {"madvise"}, /* free() and the stacks of ended threads give pages back */
    {"brk"},

    /* Threads. What clone3() is to make stands in memory, where a filter cannot look. */
    {"clone3", .condition = ABSENT},
    {"clone", .condition = MASKED, .argument = 0,
     .mask = CLONE_THREAD | CLONE_VM | CLONE_SIGHAND | CLONE_PTRACE | CLONE_NEWNS | CLONE_NEWUTS |
             CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP,
     .value = CLONE_THREAD | CLONE_VM | CLONE_SIGHAND},
    {"futex"},
    /* The thread that pushes gets a table of descriptors of its own (push.h). */
    {"unshare", .condition = MASKED, .argument = 0, .mask = WHOLE, .value = CLONE_FILES},
    {"set_robust_list"},
    {"rseq"},
    {"sched_getaffinity"}, /* malloc() counts processors to have as many arenas */
    /* The thread that scans yields to those that answer: its own priority, nobody else's. */
    {"sched_getattr", .condition = MASKED, .argument = 0, .mask = WHOLE, .value = 0},
    {"sched_setattr", .condition = MASKED, .argument = 0, .mask = WHOLE, .value = 0},
    {"exit"},

    /* Signals. tgkill: pthread_cancel(), which ends libfuse's loop, and abort(); a filter of its
     * own takes it to this process alone. */
    {"getpid"},
    {"gettid"},
    {"tgkill"},
    {"rt_sigprocmask"},
    {"rt_sigaction"},
    {"rt_sigreturn"},
    {"restart_syscall"}, /* goes on with a wait that a stop and SIGCONT interrupted */
    {"alarm"},           /* repeats a signal that came between look and wait */
    {"setitimer"},       /* alarm() where there is no such call */

    /* Clocks, where the kernel cannot answer without a call, and pauses. */
    {"clock_gettime"},
    {"gettimeofday"},
    {"time"},
    {"clock_nanosleep"},
    {"nanosleep"},

    /* glibc: malloc()'s keys; qsort() asks how much memory there is, and takes what it finds in
     * memory that nobody wrote for the answer when the call fails. */
    {"getrandom"},
    {"sysinfo"},

    {"exit_group"},
    /* A spare worker becomes the worker, and is called so. */
    {"prctl", .condition = MASKED, .argument = 0, .mask = WHOLE, .value = PR_SET_NAME},

    {"ioctl", .features = FF_SANDBOX_BLOCK_DEVICES, .condition = MASKED, .argument = 1,
     .mask = WHOLE, .value = BLKGETSIZE64},

    {"pwrite64", .features = FF_SANDBOX_WRITE},
    {"ftruncate", .features = FF_SANDBOX_WRITE},
    {"fsync", .features = FF_SANDBOX_WRITE},
    {"fdatasync", .features = FF_SANDBOX_WRITE},

    /* libfuse makes its rings when it answers INIT, each in the thread that serves it, which it
     * binds to the ring's processor. */
    {"io_uring_setup", .features = FF_SANDBOX_URING},
    {"io_uring_register", .features = FF_SANDBOX_URING},
    {"io_uring_enter", .features = FF_SANDBOX_URING},
    {"eventfd2", .features = FF_SANDBOX_URING},
    {"sched_setaffinity", .features = FF_SANDBOX_URING, .condition = MASKED, .argument = 0,
     .mask = WHOLE, .value = 0},
    {"mbind", .features = FF_SANDBOX_URING},
};

static int add_call(scmp_filter_ctx context, const struct call *call)
{
    uint32_t action = call->condition == ABSENT ? SCMP_ACT_ERRNO(ENOSYS) : SCMP_ACT_ALLOW;
    int number = seccomp_syscall_resolve_name(call->name);

    /* One that this architecture does not have is a negative number, and no rule. */
    if (number == __NR_SCMP_ERROR)
        return -EINVAL;
    if (call->condition != MASKED)
        return seccomp_rule_add(context, action, number, 0);
    return seccomp_rule_add(
        context, action, number, 1,
        SCMP_CMP64(call->argument, SCMP_CMP_MASKED_EQ, call->mask, call->value));
}

static int add_calls(scmp_filter_ctx context, unsigned int features, unsigned int *ret_count)
{
    unsigned int count = 0;

    /* Numbers of another architecture (32-bit, x32) would mean other calls. */
    int r = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (r == 0)
        r = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree, not a list */
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]) && r == 0; i++) {
        if (allowed[i].features && !(allowed[i].features & features))
            continue;
        r = add_call(context, &allowed[i]);
        count += allowed[i].condition != ABSENT;
    }
    if (r == 0)
        *ret_count = count;
    return r;
}

/* libseccomp writes a program to a descriptor only. */
static int export_code(scmp_filter_ctx context, struct ff_syscalls *ret_calls)
{
    struct stat st;

    FF_CLEANUP(fd) int fd = memfd_create("seccomp", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = seccomp_export_bpf(context, fd);
    if (r < 0)
        return r;
    if (fstat(fd, &st) < 0)
        return -errno;
    size_t len = (size_t)st.st_size / sizeof(struct sock_filter);
    if (len == 0 || len > BPF_MAXINSNS)
        return -EOVERFLOW;
    FF_CLEANUP(free) struct sock_filter *code = calloc(len, sizeof(*code));
    if (!code)
        return -ENOMEM;
    ssize_t count = pread(fd, code, len * sizeof(*code), 0);
    if (count != (ssize_t)(len * sizeof(*code)))
        return count < 0 ? -errno : -EIO;
    ret_calls->code_len = (unsigned short)len;
    ret_calls->code = code;
    code = NULL;
    return 0;
}

int ff_syscalls_init(unsigned int features, struct ff_syscalls *ret_calls)
{
    struct ff_syscalls made = {0};

    scmp_filter_ctx context = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!context)
        return -ENOMEM;
    int r = add_calls(context, features, &made.count);
    if (r == 0)
        r = export_code(context, &made);
    seccomp_release(context);
    if (r == 0)
        *ret_calls = made;
    return r;
}

void ff_syscalls_done(struct ff_syscalls *calls)
{
    free(calls->code);
    calls->code = NULL;
}

static int add_filter(struct sock_filter *code, unsigned short len)
{
    const struct sock_fprog program = {.len = len, .filter = code};

    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0 ? -errno : 0;
}

/* tgkill() reaches this process only, whose number the other program, made before it was there,
 * does not know. Of all filters the strictest answer counts. */
static int keep_signals_inside(void)
{
    enum { LOW_WORD = __BYTE_ORDER == __LITTLE_ENDIAN ? 0 : 4 };
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_tgkill, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]) + LOW_WORD),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)getpid(), 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };

    return add_filter(code, sizeof(code) / sizeof(code[0]));
}

int ff_syscalls_supported(void)
{
    uint32_t action = SECCOMP_RET_ERRNO;

    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) < 0 ? -errno : 0;
}

int ff_syscalls_enter(const struct ff_syscalls *calls)
{
    /* The other way round the second one could not be added. */
    int r = keep_signals_inside();
    return r < 0 ? r : add_filter(calls->code, calls->code_len);
}
