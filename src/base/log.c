#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <syslog.h>

static _Atomic(enum ff_log_level) max_level = FF_LOG_WARNING;
static atomic_bool use_syslog;

void ff_log_set_level(enum ff_log_level level)
{
    atomic_store(&max_level, level);
}

void ff_log_to_syslog(void)
{
    openlog("framefs", LOG_PID, LOG_DAEMON);
    atomic_store(&use_syslog, true);
}

void ff_log(enum ff_log_level level, const char *format, ...)
{
    static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};

    if (level > atomic_load(&max_level))
        return;
    va_list args;
    va_start(args, format);
    if (atomic_load(&use_syslog)) {
        vsyslog(priorities[level], format, args);
    } else {
        /* One write a message, so that threads do not mix their lines. */
        char line[2560];
        int len = vsnprintf(line, sizeof(line), format, args);
        if (len >= 0)
            fprintf(stderr, "framefs: %s\n", line);
    }
    va_end(args);
}
