#include "cli/mount_log.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/notify.h"
#include "base/units.h"

static char place[FF_INPUT_NAME_BYTES];

static enum ff_exit hide(const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (ff_log_hide(names[i]) < 0) {
            ff_say("out of memory");
            return FF_EXIT_FAILED;
        }
    }
    return FF_EXIT_DONE;
}

static void notified(int r)
{
    if (r < 0)
        ff_log(FF_LOG_WARNING, "cannot tell the service manager ($NOTIFY_SOCKET): %s",
               strerror(-r));
}

enum ff_exit ff_mount_log_begin(const struct ff_mount_values *values, char *const *operands,
                                size_t count)
{
    const struct ff_option_texts *files = &values->input.formats;

    ff_log_set_level((enum ff_log_level)values->log_level);
    ff_log_open((enum ff_log_target)values->log);
    if (values->redact)
        ff_log_redact();
    enum ff_exit status = hide((const char *const *)operands, count);
    if (status == FF_EXIT_DONE)
        status = hide(files->text, files->count);
    if (status == FF_EXIT_DONE && values->index.path)
        status = hide(&values->index.path, 1);
    if (values->foreground || values->debug)
        notified(ff_notify_begin());
    return status;
}

enum ff_exit ff_mount_log_name(const char *dir, char *const *paths, char *const *names,
                               size_t count)
{
    enum ff_exit status = hide(&dir, 1);

    if (status == FF_EXIT_DONE)
        status = hide((const char *const *)paths, count);
    if (status == FF_EXIT_DONE && count > 1)
        status = hide((const char *const *)names, count);
    ff_escape(place, sizeof(place), dir, strlen(dir));
    ff_log_set_place(place);
    return status;
}

void ff_mount_log_ready(char *const *paths, size_t count)
{
    char shown[FF_INPUT_NAME_BYTES], status[FF_NOTIFY_STATUS_BYTES];

    for (size_t i = 0; i < count; i++) {
        ff_escape(shown, sizeof(shown), paths[i], strlen(paths[i]));
        ff_log(FF_LOG_INFO, "serving %s", shown);
    }
    /* Without their names, which the unit's status would show to everyone. */
    snprintf(status, sizeof(status), "serving %zu archive%s", count, count == 1 ? "" : "s");
    notified(ff_notify_ready(status));
}

void ff_mount_log_stopping(void)
{
    notified(ff_notify_stopping());
    ff_log(FF_LOG_INFO, "ending");
}
