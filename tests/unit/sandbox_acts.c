#include "sandbox_acts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/fs.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct opened open_before;

void open_things(void)
{
    open_before.file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    open_before.memory = memfd_create("test", MFD_CLOEXEC);
    open_before.inet = socket(AF_INET, SOCK_STREAM, 0);
    open_before.unix_ = socket(AF_UNIX, SOCK_STREAM, 0);
    open_before.listening = socket(AF_UNIX, SOCK_STREAM, 0);
    open_before.name = (struct sockaddr_un){.sun_family = AF_UNIX};
    int len = snprintf(open_before.name.sun_path + 1, sizeof(open_before.name.sun_path) - 1,
                       "framefs-test-%d", (int)getpid());
    open_before.name_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
    open_before.inet_listening = socket(AF_INET, SOCK_STREAM, 0);
    open_before.inet_name =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t inet_len = sizeof(open_before.inet_name);
    struct sockaddr *inet = (struct sockaddr *)&open_before.inet_name;

    if (open_before.file < 0 || open_before.memory < 0 || open_before.inet < 0 ||
        ftruncate(open_before.memory, 8192) < 0 ||
        bind(open_before.listening, (struct sockaddr *)&open_before.name, open_before.name_len) ||
        listen(open_before.listening, 1) || bind(open_before.inet_listening, inet, inet_len) ||
        listen(open_before.inet_listening, 1) ||
        getsockname(open_before.inet_listening, inet, &inet_len)) {
        dprintf(STDERR_FILENO, "cannot prepare: %s\n", strerror(errno));
        _exit(99);
    }
}

static long raw_clone(unsigned long flags)
{
    return syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
}

/* A child that came to be ends here, and its parent says that it could. */
static long made_child(long pid)
{
    if (pid == 0)
        _exit(0);
    if (pid > 0)
        waitpid((pid_t)pid, NULL, 0);
    return pid;
}

long act_open(void)
{
    return open("/dev/null", O_RDONLY);
}

static long act_raw_open(void)
{
#ifdef SYS_open
    return syscall(SYS_open, "/dev/null", O_RDONLY);
#else
    return act_open();
#endif
}

static long act_openat2(void)
{
    return syscall(SYS_openat2, AT_FDCWD, "/dev/null", &(uint64_t[3]){0}, sizeof(uint64_t[3]));
}

static long act_open_missing(void)
{
    return open("/does/not/exist", O_RDONLY);
}

long act_creat(void)
{
    return creat("/tmp/framefs-test-sandbox", 0600);
}

static long act_mkdir(void)
{
    return mkdir("/dev/null", 0700);
}

static long act_unlink(void)
{
    return unlink("/does/not/exist");
}

static long act_rename(void)
{
    return rename("/does/not/exist", "/nor/this");
}

static long act_stat(void)
{
    struct stat st;
    return stat("/", &st);
}

static long act_stat_empty_path(void)
{
    struct stat st;
    return fstatat(open_before.file, "/", &st, AT_EMPTY_PATH);
}

static long act_statx(void)
{
    struct statx st;
    return statx(AT_FDCWD, "/", 0, STATX_BASIC_STATS, &st);
}

static long act_access(void)
{
    return access("/", F_OK);
}

static long act_readlink(void)
{
    char buf[64];
    return readlink("/proc/self", buf, sizeof(buf));
}

static long act_chdir(void)
{
    return chdir("/");
}

static long act_open_own_descriptor(void)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", open_before.memory);
    return open(path, O_RDWR);
}

static long act_chmod(void)
{
    return fchmod(open_before.memory, 0600);
}

static long act_list(void)
{
    char buf[64];
    return syscall(SYS_getdents64, open_before.file, buf, sizeof(buf));
}

static long act_inet(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static long act_inet6(void)
{
    return socket(AF_INET6, SOCK_DGRAM, 0);
}

static long act_unix(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0);
}

static long act_netlink(void)
{
    return socket(AF_NETLINK, SOCK_RAW, 0);
}

static long act_socketpair(void)
{
    int pair[2];
    return socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
}

long act_connect_inet(void)
{
    return connect(open_before.inet, (struct sockaddr *)&open_before.inet_name,
                   sizeof(open_before.inet_name));
}

long act_connect_unix(void)
{
    return connect(open_before.unix_, (struct sockaddr *)&open_before.name, open_before.name_len);
}

static long act_accept(void)
{
    fcntl(open_before.listening, F_SETFL, O_NONBLOCK);
    return accept(open_before.listening, NULL, NULL);
}

static long act_send(void)
{
    return send(open_before.unix_, "", 1, MSG_NOSIGNAL);
}

long act_exec(void)
{
    return execl("/bin/true", "true", (char *)NULL);
}

static long act_exec_descriptor(void)
{
    return syscall(SYS_execveat, open_before.file, "", (char *[]){NULL}, (char *[]){NULL},
                   AT_EMPTY_PATH | 0x40000000);
}

static long act_fork(void)
{
    return made_child(fork());
}

static long act_raw_clone(void)
{
    return made_child(raw_clone(0));
}

static long act_vfork(void)
{
#ifdef SYS_vfork
    return made_child(raw_clone(CLONE_VFORK));
#else
    return act_fork();
#endif
}

long act_kill_parent(void)
{
    return kill(getppid(), 0);
}

long act_tgkill_parent(void)
{
    return syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static long act_tkill(void)
{
    return syscall(SYS_tkill, getppid(), 0);
}

static long act_kill_all(void)
{
    return kill(-1, 0);
}

static long act_owned_signal(void)
{
    return fcntl(open_before.unix_, F_SETOWN, getppid());
}

static long act_sigqueue(void)
{
    return sigqueue(getppid(), 0, (union sigval){0});
}

static long act_trace_me(void)
{
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static long act_read_other(void)
{
    char byte;
    struct iovec iov = {&byte, 1};
    return process_vm_readv(getpid(), &iov, 1, &iov, 1, 0);
}

static long act_pidfd(void)
{
    return syscall(SYS_pidfd_open, getppid(), 0);
}

static long act_make_executable(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static long act_map_executable(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, open_before.file, 0);
    return page == MAP_FAILED ? -1 : 0;
}

static long act_pkey_executable(void)
{
    void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return syscall(SYS_pkey_mprotect, page, 4096, PROT_READ | PROT_EXEC, -1);
}

static long act_personality(void)
{
    return syscall(SYS_personality, 0xffffffff);
}

static long act_setuid(void)
{
    return setuid(0);
}

static long act_setgid(void)
{
    return setgid(getgid());
}

static long act_mount(void)
{
    return mount("none", "/does/not/exist", "tmpfs", 0, NULL);
}

static long act_umount(void)
{
    return umount2("/does/not/exist", MNT_DETACH);
}

static long act_fsopen(void)
{
    return syscall(SYS_fsopen, "tmpfs", 0);
}

static long act_unshare(void)
{
    return unshare(CLONE_FS);
}

static long act_unshare_user(void)
{
    return unshare(CLONE_NEWUSER);
}

static long act_setns(void)
{
    return setns(open_before.file, 0);
}

static long act_chroot(void)
{
    return chroot("/does/not/exist");
}

static long act_io_uring(void)
{
    return syscall(SYS_io_uring_setup, 0, NULL);
}

static long act_bpf(void)
{
    return syscall(SYS_bpf, BPF_PROG_LOAD, NULL, 0);
}

static long act_userfaultfd(void)
{
    return syscall(SYS_userfaultfd, 1 /* UFFD_USER_MODE_ONLY */);
}

static long act_keyctl(void)
{
    return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1);
}

static long act_perf(void)
{
    return syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0);
}

static long act_memfd(void)
{
    return memfd_create("new", 0);
}

long act_truncate(void)
{
    return ftruncate(open_before.memory, 0);
}

static long act_pwrite(void)
{
    return pwrite(open_before.memory, "x", 1, 0);
}

long act_ioctl(void)
{
    int bytes;
    return ioctl(open_before.inet, FIONREAD, &bytes);
}

long act_block_size(void)
{
    uint64_t size;
    return ioctl(open_before.memory, BLKGETSIZE64, &size);
}

/* The caller's own is let through. Of another it stays what it is: only root may raise it. */
static long act_other_priority(void)
{
    int nice = getpriority(PRIO_PROCESS, (id_t)getppid());
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t rest[3];
    } attr = {.size = 48, .nice = nice};

    return syscall(SYS_sched_setattr, getppid(), &attr, 0);
}

static long act_prctl(void)
{
    return prctl(PR_SET_DUMPABLE, 1);
}

static long act_setrlimit(void)
{
    return syscall(SYS_prlimit64, 0, 7 /* NOFILE */, NULL, NULL);
}

static long act_priority(void)
{
    return syscall(SYS_setpriority, 0, 0, 19);
}

static long act_splice(void)
{
    return splice(-1, NULL, -1, NULL, 0, 0);
}

static long act_handle(void)
{
    return open_by_handle_at(-1, NULL, O_RDONLY);
}

static long act_seccomp(void)
{
    return syscall(SYS_seccomp, 0xff, 0, NULL);
}

static long act_unknown(void)
{
    return syscall(999999);
}

const struct act acts[] = {
    {"open", act_open},
    {"open(2) itself", act_raw_open},
    {"openat2", act_openat2},
    {"open what is not there", act_open_missing},
    {"creat", act_creat},
    {"mkdir", act_mkdir},
    {"unlink", act_unlink},
    {"rename", act_rename},
    {"stat", act_stat},
    {"stat with AT_EMPTY_PATH", act_stat_empty_path},
    {"statx", act_statx},
    {"access", act_access},
    {"readlink", act_readlink},
    {"chdir", act_chdir},
    {"open /proc/self/fd/N", act_open_own_descriptor},
    {"fchmod", act_chmod},
    {"getdents", act_list},
    {"socket, AF_INET", act_inet},
    {"socket, AF_INET6", act_inet6},
    {"socket, AF_UNIX", act_unix},
    {"socket, AF_NETLINK", act_netlink},
    {"socketpair", act_socketpair},
    {"connect TCP", act_connect_inet},
    {"connect to an abstract name", act_connect_unix},
    {"accept", act_accept},
    {"send", act_send},
    {"execve", act_exec},
    {"execveat", act_exec_descriptor},
    {"fork", act_fork},
    {"clone of a process", act_raw_clone},
    {"vfork", act_vfork},
    {"kill the parent", act_kill_parent},
    {"tgkill the parent", act_tgkill_parent},
    {"tkill", act_tkill},
    {"kill all", act_kill_all, true},
    {"F_SETOWN", act_owned_signal},
    {"sigqueue", act_sigqueue},
    {"ptrace", act_trace_me},
    {"process_vm_readv", act_read_other},
    {"pidfd_open", act_pidfd},
    {"mprotect, PROT_EXEC", act_make_executable},
    {"mmap, PROT_EXEC", act_map_executable},
    {"pkey_mprotect", act_pkey_executable},
    {"personality", act_personality},
    {"setuid(0)", act_setuid, true},
    {"setgid", act_setgid},
    {"mount", act_mount, true},
    {"umount", act_umount, true},
    {"fsopen", act_fsopen, true},
    {"unshare", act_unshare},
    {"unshare, CLONE_NEWUSER", act_unshare_user, true},
    {"setns", act_setns},
    {"chroot", act_chroot},
    {"io_uring_setup", act_io_uring, true},
    {"bpf", act_bpf, true},
    {"userfaultfd", act_userfaultfd, true},
    {"keyctl", act_keyctl},
    {"perf_event_open", act_perf, true},
    {"memfd_create", act_memfd},
    {"ftruncate", act_truncate},
    {"pwrite", act_pwrite},
    {"ioctl", act_ioctl},
    {"ioctl, BLKGETSIZE64", act_block_size},
    {"prctl", act_prctl},
    {"prlimit", act_setrlimit},
    {"setpriority", act_priority},
    {"sched_setattr of another", act_other_priority},
    {"splice", act_splice},
    {"open_by_handle_at", act_handle},
    {"seccomp", act_seccomp},
    {"a call that does not exist", act_unknown},
    {NULL, NULL},
};
