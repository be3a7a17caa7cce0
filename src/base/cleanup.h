/* Cleanup by attribute: FF_CLEANUP(free) char *text = ...; the variable is released when its
 * scope is left. */
#ifndef FF_BASE_CLEANUP_H
#define FF_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define FF_CLEANUP(name) __attribute__((cleanup(ff_cleanup_##name)))

#define FF_CLEANUP_DEFINE(name, type, function)                                                    \
    static inline void ff_cleanup_##name(type *variable)                                           \
    {                                                                                              \
        function(*variable);                                                                       \
    }

static inline void ff_cleanup_free(void *variable)
{
    free(*(void **)variable);
}

static inline void ff_cleanup_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

#endif
