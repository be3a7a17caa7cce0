/* The conversation with the kernel: signals, the moment it can begin, its loop. */
#ifndef FF_FS_SESSION_H
#define FF_FS_SESSION_H

#include "fs/state.h"

/* SIGINT, SIGTERM and SIGHUP end the session from now on, SIGPIPE is ignored. One session a
 * process. What was ignored before, as under nohup(1), stays so. */
void ff_session_signals_begin(struct fuse_session *session);
void ff_session_signals_end(void);

/* Serves until the session ends, calling options->ready on the way. The mount is there. 0, also
 * after a signal; a negative errno. */
int ff_session_serve(struct ff_fs *fs);

#endif
