/*
 * The sandbox of the process that reads the archives: whatever their bytes talk it into, it can
 * read and answer through the descriptors it has, and no more. docs/sandbox.md tells what is given
 * up and why.
 *
 * What takes time is prepared once by ff_sandbox_new(), before the fork; a process that replaces a
 * dead one enters within microseconds.
 *
 * Threads: one. Both functions are to be called before any other thread exists.
 */
#ifndef FF_FS_SANDBOX_H
#define FF_FS_SANDBOX_H

#include <framefs/error.h>
#include <stdbool.h>
#include <stdint.h>

/* What the process needs beyond serving archives that are regular files. */
enum ff_sandbox_feature {
    FF_SANDBOX_BLOCK_DEVICES = 1 << 0, /* asks block devices for their size */
    FF_SANDBOX_WRITE = 1 << 1,         /* writes to files it has open, cuts and syncs them */
    FF_SANDBOX_URING = 1 << 2,         /* takes requests from rings (fs/uring.h) */
};

struct ff_sandbox_options {
    int64_t uid, gid;      /* to become, both or none; -1: stay who we are. Only root can change. */
    unsigned int features; /* of enum ff_sandbox_feature */
};

/* What is active once it is entered. */
struct ff_sandbox_state {
    int64_t uid, gid;
    unsigned int landlock_abi; /* the kernel's version of it; 0: not active */
    unsigned int calls;        /* system calls that seccomp lets through; 0: not active */
    bool sanitized; /* built with a sanitizer, whose runtime opens files and starts processes:
                       landlock and seccomp are left out */
};

struct ff_sandbox;

/* Prepares the sandbox; *ret_sandbox is to be freed. Keeps a descriptor open (close-on-exec), of
 * landlock where the kernel has it. -EPERM: another user, without being root; -ENOSYS: the kernel
 * has no seccomp filters; -ENOMEM and others. */
int ff_sandbox_new(const struct ff_sandbox_options *options, struct ff_sandbox **ret_sandbox,
                   struct ff_error *error);
void ff_sandbox_free(struct ff_sandbox *sandbox);

/* Gives up, for the calling process and for ever: other groups and the user, all capabilities,
 * privileges by exec, paths, TCP, signals to others, and all system calls but those listed in
 * fs/syscalls.c, which fail with EPERM. All descriptors stay; so does the signal that a parent's
 * death sends. After a failure part of it may be given up: the process is to end. */
int ff_sandbox_enter(const struct ff_sandbox *sandbox, struct ff_error *error);

/* Of a sandbox that is entered, or will be. */
struct ff_sandbox_state ff_sandbox_state(const struct ff_sandbox *sandbox);

#define FF_SANDBOX_TEXT_BYTES 256
/* The same in words, for a log or a person; NULL: there is no sandbox. Returns buf. */
const char *ff_sandbox_describe(const struct ff_sandbox *sandbox, char buf[FF_SANDBOX_TEXT_BYTES]);

#endif
