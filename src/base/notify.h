/* What the service manager is told: the protocol of sd_notify(3), a datagram a message to the
 * socket that $NOTIFY_SOCKET names, a path or '@' and an abstract name. */
#ifndef FF_BASE_NOTIFY_H
#define FF_BASE_NOTIFY_H

/* From now on messages are sent, in the name of this process, when $NOTIFY_SOCKET is set; before,
 * and without it, all of the below do nothing and return 0. Who goes to the background does not
 * call this: the variable may have come from whose service we are not. 0; -EINVAL for a socket that
 * cannot be. */
int ff_notify_begin(void);

/* The service can be used, for the first time or again after ff_notify_reloading(). status: a line
 * for a person, not longer than FF_NOTIFY_STATUS_BYTES, or NULL.
 *
 * All return 0 or the negative errno of the sending: -ENOENT or -ECONNREFUSED when nobody listens.
 */
#define FF_NOTIFY_STATUS_BYTES 256
int ff_notify_ready(const char *status);
int ff_notify_status(const char *status);
int ff_notify_reloading(void);
int ff_notify_stopping(void);

#endif
