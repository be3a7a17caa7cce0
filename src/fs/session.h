/* A worker's conversation with the kernel: its loop, the request in each thread's hand, its end. */
#ifndef FF_FS_SESSION_H
#define FF_FS_SESSION_H

#include "fs/state.h"

/* SIGTERM ends the session from now on: requests in hand are finished, no more are taken. One
 * session a process. */
void ff_session_signals_begin(struct fuse_session *session);
void ff_session_signals_end(void);

/* Serves until the session ends, calling fs->on_ready on the way. 0, also after a signal; a
 * negative errno. */
int ff_session_serve(struct ff_fs *fs);
/* After its end: answers what is there, also what one of the loop's threads had read and not
 * answered when it was cancelled. */
void ff_session_serve_rest(struct ff_fs *fs);

#endif
