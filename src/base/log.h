/*
 * Where messages of a long-running server go. Libraries of this project return errors and do not
 * log; only the layers fs and cli do.
 *
 * A line is "framefs: TEXT" on stderr. In syslog and in the journal it has the identifier framefs,
 * a priority, and begins with the mount point. stderr is the journal where systemd says so
 * ($JOURNAL_STREAM); priorities are written as systemd reads them there, <3> to <7>. Each line of a
 * text is a line of the log; control bytes become '?'.
 *
 * Threads: what sets something is for the beginning, while there is one thread; any may log.
 */
#ifndef FF_BASE_LOG_H
#define FF_BASE_LOG_H

#include <stdbool.h>

enum ff_log_level { FF_LOG_ERROR, FF_LOG_WARNING, FF_LOG_INFO, FF_LOG_DEBUG };

enum ff_log_target {
    FF_LOG_AUTO,   /* stderr until ff_log_detach(), then syslog(3) */
    FF_LOG_STDERR, /* always */
    FF_LOG_SYSLOG, /* always, but for ff_log_say() before ff_log_detach() */
};

/* Messages above this level are dropped. FF_LOG_WARNING at the start. */
void ff_log_set_level(enum ff_log_level level);

/* FF_LOG_AUTO at the start, then without a look at $JOURNAL_STREAM. */
void ff_log_open(enum ff_log_target target);

/* Who waits at stderr shall not wait for this process: from now on to syslog, as "framefs[pid]".
 * False when that is not wanted (FF_LOG_STDERR): then stderr is to be kept. */
bool ff_log_detach(void);

/* What this mount is called in its lines, NULL for nothing; must outlive the last message. */
void ff_log_set_place(const char *place);

/* From now on, names can be hidden. */
void ff_log_redact(void);
/* In all messages that follow the name becomes a hash (base/redact.h); nothing unless
 * ff_log_redact() was called. -ENOMEM. */
int ff_log_hide(const char *name);

/* From now on to this function, which any thread may call, as it comes: what ff_log_say() says only
 * if `said` is true. NULL: as before. */
typedef void (*ff_log_sink)(enum ff_log_level level, const char *text);
void ff_log_to(ff_log_sink sink, bool said);

void ff_log(enum ff_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A message for who gave the command, whatever the level: an error to the log, without the place,
 * on stderr as long as that is there. */
void ff_log_say(const char *text);

#endif
