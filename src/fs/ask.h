/* What a mount's own statistics tell, asked from outside. */
#ifndef FF_FS_ASK_H
#define FF_FS_ASK_H

#include <stddef.h>
#include <stdint.h>

/* A server that does not answer in that time is not asked any more. */
#define FF_ASK_MS        1000
#define FF_ASK_NAMES_MAX 8

/* Up to FF_ASK_NAMES_MAX metrics without labels of dir/.framefs/stats. They are read in a process
 * of its own: a server that hangs makes it hang, and nobody else. -ETIMEDOUT; -ENODATA when one of
 * them is not told; others. */
int ff_ask(const char *dir, const char *const *names, size_t count, uint64_t *ret_values);

#endif
