/* The system calls that the sandbox leaves, as programs for seccomp(2). */
#ifndef FF_FS_SYSCALLS_H
#define FF_FS_SYSCALLS_H

#include <stddef.h>

struct sock_filter;

struct ff_syscalls {
    struct sock_filter *code;
    unsigned short code_len; /* instructions */
    unsigned int count;      /* system calls that are let through */
};

/* features: of enum ff_sandbox_feature. -ENOMEM, and others of libseccomp. To be given to
 * ff_syscalls_done(). */
int ff_syscalls_init(unsigned int features, struct ff_syscalls *ret_calls);
void ff_syscalls_done(struct ff_syscalls *calls);

/* Whether the kernel has seccomp filters. */
int ff_syscalls_supported(void);

/* Of the calling thread and those that it starts; no_new_privs must be set. A negative errno. */
int ff_syscalls_enter(const struct ff_syscalls *calls);

#endif
