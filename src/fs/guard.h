/*
 * A process that does nothing until no other one of the mount is left to answer. Then it answers
 * all requests with ENOTCONN, as long as a dead worker's thread still waits for one of them
 * (push.h): such a thread cannot end, and keeps the connection, and with it all readers. Killed
 * together with all the others it cannot help.
 */
#ifndef FF_FS_GUARD_H
#define FF_FS_GUARD_H

#include <framefs/error.h>
#include <sys/types.h>

struct ff_guard {
    pid_t pid;   /* 0: there is none, and both descriptors are -1 */
    int serving; /* open in all who can answer, or start who can: supervisor, workers */
    int held;    /* open in all who hold the mount: also in the threads that push */
};

#define FF_GUARD_NONE ((struct ff_guard){.serving = -1, .held = -1})

/* Forks it, from the supervisor. fd: the mount's, which it must not keep; device: another one of
 * the mount, from ff_mountpoint_clone(), which it takes, also on failure. */
int ff_guard_start(int fd, int device, struct ff_guard *ret_guard, struct ff_error *error);
/* In the supervisor, at the end, without a descriptor of the mount: waits until it has ended, a
 * second at most. */
void ff_guard_end(struct ff_guard *guard);

#endif
