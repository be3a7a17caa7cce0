#include "cli/say.h"

#include <errno.h>
#include <framefs/archive.h>
#include <framefs/error.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

void ff_say(const char *format, ...)
{
    char text[FF_ERROR_TEXT_BYTES + 512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    ff_log_say(text);
}

enum ff_exit ff_say_damage(const char *name, const struct ff_damage *damage)
{
    /* Where no record came before it, the format is more likely wrong than the archive cut. */
    bool cut = damage->code == -ENODATA && damage->record > 0;
    char unread[48] = "";

    if (damage->len > 0 && !cut && damage->code != -EBADMSG)
        snprintf(unread, sizeof(unread), " (%" PRIu64 " bytes unread)", damage->len);
    ff_say("%s: %srecord %" PRIu64 " at byte %" PRIu64 ": %s%s", name, cut ? "note: " : "",
           damage->record, damage->offset, damage->reason, unread);
    return cut ? FF_EXIT_DONE : FF_EXIT_FAILED;
}

enum ff_exit ff_say_damages(struct ff_archive *archive, const char *advice)
{
    struct ff_summary summary;
    struct ff_damage damage;

    ff_archive_summary(archive, &summary);
    if (summary.damages == 0)
        return FF_EXIT_DONE;
    if (summary.damages == 1 && ff_archive_damage(archive, 0, &damage) == 0)
        return ff_say_damage(ff_archive_name(archive), &damage);
    ff_say("%s: damaged in %" PRIu64 " places%s", ff_archive_name(archive), summary.damages,
           advice);
    return FF_EXIT_FAILED;
}

enum ff_exit ff_exit_worse(enum ff_exit a, enum ff_exit b)
{
    return a > b ? a : b;
}
