/* Where messages of a long-running server go: stderr until ff_log_to_syslog(). Libraries of this
 * project return errors and do not log; only the fs layer does. */
#ifndef FF_BASE_LOG_H
#define FF_BASE_LOG_H

enum ff_log_level { FF_LOG_ERROR, FF_LOG_WARNING, FF_LOG_INFO, FF_LOG_DEBUG };

/* Messages above this level are dropped. FF_LOG_WARNING at the start. */
void ff_log_set_level(enum ff_log_level level);
/* From now on to syslog(3), as "framefs[pid]": for when stderr is closed. */
void ff_log_to_syslog(void);
void ff_log(enum ff_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
