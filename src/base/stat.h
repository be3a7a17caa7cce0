/* fstat(2) for processes in a sandbox. */
#ifndef FF_BASE_STAT_H
#define FF_BASE_STAT_H

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* As fstat(3), which in glibc's versions 2.33 to 2.38 is a call that takes paths, too: a sandbox
 * that lets it through lets every path be looked at. */
static inline int ff_stat_fd(int fd, struct stat *ret_stat)
{
#if __SIZEOF_LONG__ == 8 /* where struct stat is the kernel's */
    return (int)syscall(SYS_fstat, fd, ret_stat);
#else
    return fstat(fd, ret_stat);
#endif
}

#endif
