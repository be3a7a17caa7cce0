/* Landlock: a process takes rights from itself, as many as its kernel knows. */
#ifndef FF_FS_LANDLOCK_H
#define FF_FS_LANDLOCK_H

struct ff_landlock {
    int fd;           /* of the rules; -1 where the kernel has no landlock */
    unsigned int abi; /* the kernel's version of landlock; 0: none */
};

/* The rules that leave no path, no TCP, and no signals or abstract sockets to processes outside, as
 * far as abi goes. 0 with abi 0 where landlock is not there or turned off; a negative errno. */
int ff_landlock_init(struct ff_landlock *ret_landlock);
void ff_landlock_done(struct ff_landlock *landlock);

/* Of the calling thread and those that it starts. Needs no_new_privs. A negative errno. */
int ff_landlock_enter(const struct ff_landlock *landlock);

#endif
