/*
 * The supervisor: keeps a mount served. It starts workers, hears them, and puts another in the
 * place of one that died: the kernel sends it what was not answered. Single-threaded.
 */
#ifndef FF_FS_SUPERVISE_H
#define FF_FS_SUPERVISE_H

#include "fs/mountpoint.h"
#include "fs/sandbox.h"
#include "fs/shared.h"
#include "fs/shelf.h"

/* So many workers in a row that have died this soon and answered nothing, or could not be started,
 * and the mount is given up. A worker may take long to come to what kills it. */
#define FF_FRUITLESS_MAX 10
#define FF_FRUITLESS_MS  60000
/* Where the archives' scan takes at least so long, a spare worker makes it, too, and waits. When so
 * many in a row have died waiting, there is none any more. */
#define FF_SPARE_SCAN_MS   5
#define FF_SPARES_LOST_MAX 3

/* Serves the mount until it is gone, a signal ends it or it is given up. It is not unmounted here.
 * sandbox: of the workers, or NULL; shelf: of the archives' index files; shared_fd: of shared, for
 * the next program. The signals must be
 * blocked: see ff_supervise_block_signals(). 0; a negative errno, with an empty text when a worker
 * has said why. */
int ff_supervise(const struct ff_fs_options *options, struct ff_mountpoint *mountpoint,
                 const struct ff_sandbox *sandbox, struct ff_shelf *shelf, struct ff_shared *shared,
                 int shared_fd, struct ff_error *error);

/* Those that the supervisor reads: none that comes before it does so is lost. */
void ff_supervise_block_signals(void);

#endif
