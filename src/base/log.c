#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>

#include "base/redact.h"

/* Of a message; what is longer is cut. */
#define TEXT_BYTES 2560

static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};

static _Atomic(enum ff_log_level) max_level = FF_LOG_WARNING;
static _Atomic(ff_log_sink) own_sink;
static atomic_bool sink_of_said;
static atomic_bool use_syslog;
static atomic_bool detached;

static enum ff_log_target target = FF_LOG_AUTO;
static bool is_journal;
static const char *place;
static bool is_redacted;
static struct ff_redact hidden;

void ff_log_set_level(enum ff_log_level level)
{
    atomic_store(&max_level, level);
}

static void to_syslog(void)
{
    openlog("framefs", LOG_PID, LOG_DAEMON);
    atomic_store(&use_syslog, true);
}

/* $JOURNAL_STREAM is also inherited by who has sent stderr elsewhere. */
static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;
    char rest;

    return stream && sscanf(stream, "%llu:%llu%c", &device, &inode, &rest) == 2 &&
           fstat(fileno(stderr), &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void ff_log_open(enum ff_log_target wanted)
{
    target = wanted;
    is_journal = stderr_is_journal();
    if (target == FF_LOG_SYSLOG)
        to_syslog();
}

bool ff_log_detach(void)
{
    if (target == FF_LOG_STDERR)
        return false;
    to_syslog();
    atomic_store(&detached, true);
    return true;
}

void ff_log_set_place(const char *name)
{
    place = name;
}

void ff_log_redact(void)
{
    is_redacted = true;
}

int ff_log_hide(const char *name)
{
    return is_redacted ? ff_redact_add(&hidden, name) : 0;
}

void ff_log_to(ff_log_sink sink, bool said)
{
    atomic_store(&sink_of_said, said);
    atomic_store(&own_sink, sink);
}

static void put_line(enum ff_log_level level, bool to_stderr, const char *line)
{
    /* One write a message, so that threads do not mix their lines. */
    if (!to_stderr)
        syslog(priorities[level], "%s", line);
    else if (is_journal)
        fprintf(stderr, "<%d>%s\n", priorities[level], line);
    else
        fprintf(stderr, "framefs: %s\n", line);
}

static void put(enum ff_log_level level, bool to_stderr, const char *text)
{
    char line[TEXT_BYTES];
    bool by_line = !to_stderr || is_journal;

    if (is_redacted)
        ff_redact_text(&hidden, text, line, sizeof(line));
    else
        snprintf(line, sizeof(line), "%s", text);
    for (char *c = line; *c; c++) {
        if (((unsigned char)*c < ' ' && *c != '\n' && *c != '\t') || *c == '\177')
            *c = '?';
    }
    for (char *rest = line, *next = line; next; rest = next) {
        next = by_line ? strchr(rest, '\n') : NULL;
        if (next)
            *next++ = '\0';
        put_line(level, to_stderr, rest);
    }
}

void ff_log(enum ff_log_level level, const char *format, ...)
{
    char text[TEXT_BYTES];
    va_list args;
    int len = 0;

    if (level > atomic_load(&max_level))
        return;
    ff_log_sink sink = atomic_load(&own_sink);
    bool to_stderr = !atomic_load(&use_syslog);
    if (!sink && place && (!to_stderr || is_journal))
        len = snprintf(text, sizeof(text), "%s: ", place);
    if (len < 0 || (size_t)len >= sizeof(text))
        len = 0;
    va_start(args, format);
    vsnprintf(text + len, sizeof(text) - (size_t)len, format, args);
    va_end(args);
    if (sink)
        sink(level, text);
    else
        put(level, to_stderr, text);
}

void ff_log_say(const char *text)
{
    ff_log_sink sink = atomic_load(&own_sink);

    if (sink && atomic_load(&sink_of_said))
        sink(FF_LOG_ERROR, text);
    else
        put(FF_LOG_ERROR, !atomic_load(&detached), text);
}
