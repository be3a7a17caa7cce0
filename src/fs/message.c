#include "fs/message.h"

#include "fs/request.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "base/units.h"

#define LINE_BYTES     512
#define CAPTURED_BYTES 4096

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int capture_fd = -1;
/* libfuse sends some lines in pieces. */
static char line[LINE_BYTES];
static size_t line_len;

static enum ff_log_level level_of(enum fuse_log_level level)
{
    if (level <= FUSE_LOG_ERR)
        return FF_LOG_ERROR;
    if (level == FUSE_LOG_WARNING)
        return FF_LOG_WARNING;
    return level == FUSE_LOG_DEBUG ? FF_LOG_DEBUG : FF_LOG_INFO;
}

static void on_fuse_log(enum fuse_log_level level, const char *format, va_list args)
{
    pthread_mutex_lock(&lock);
    if (capture_fd >= 0) {
        vdprintf(capture_fd, format, args);
    } else {
        int len = vsnprintf(line + line_len, sizeof(line) - line_len, format, args);
        if (len > 0)
            line_len = strnlen(line, sizeof(line));
        if (line_len > 0 && (line[line_len - 1] == '\n' || line_len == sizeof(line) - 1)) {
            if (line[line_len - 1] == '\n')
                line[line_len - 1] = '\0';
            ff_log(level_of(level), "%s", line);
            line_len = 0;
        }
    }
    pthread_mutex_unlock(&lock);
}

void ff_message_init(bool debug)
{
    if (debug)
        ff_log_set_level(FF_LOG_DEBUG);
    fuse_set_log_func(on_fuse_log);
}

static void set_capture_fd(int fd)
{
    pthread_mutex_lock(&lock);
    capture_fd = fd;
    pthread_mutex_unlock(&lock);
}

void ff_capture_begin(struct ff_capture *capture)
{
    *capture = (struct ff_capture){.fd = memfd_create("framefs-messages", MFD_CLOEXEC)};
    for (int fd = 0; fd < 3; fd++) {
        capture->saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (capture->saved[fd] >= 0 || errno == EBADF)
            continue;
        /* What cannot be put aside could not be brought back: all stay as they are. */
        for (int i = 0; i < fd; i++)
            if (capture->saved[i] >= 0)
                close(capture->saved[i]);
        capture->off = true;
        set_capture_fd(capture->fd);
        return;
    }
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        for (int fd = 0; fd < 3; fd++)
            dup2(fd > 0 && capture->fd >= 0 ? capture->fd : null, fd);
        if (null > 2)
            close(null);
    }
    set_capture_fd(capture->fd);
}

void ff_message_join(char *raw, size_t len, char *text, size_t text_size)
{
    static const char prefix[] = "fuse: ";
    size_t used = 0;

    *text = '\0';
    for (char *end, *next = raw; next < raw + len && used + 1 < text_size; next = end + 1) {
        end = memchr(next, '\n', (size_t)(raw + len - next));
        if (!end)
            end = raw + len;
        if ((size_t)(end - next) > strlen(prefix) && memcmp(next, prefix, strlen(prefix)) == 0)
            next += strlen(prefix);
        if (end == next)
            continue;
        if (used > 0 && used + 3 < text_size) {
            memcpy(text + used, "; ", 3);
            used += 2;
        }
        used += ff_escape(text + used, text_size - used, next, (size_t)(end - next));
    }
}

void ff_capture_end(struct ff_capture *capture, char *text, size_t text_size)
{
    char raw[CAPTURED_BYTES];
    ssize_t len = 0;

    set_capture_fd(-1);
    for (int fd = 0; fd < 3 && !capture->off; fd++) {
        if (capture->saved[fd] < 0) {
            close(fd);
            continue;
        }
        dup2(capture->saved[fd], fd);
        close(capture->saved[fd]);
    }
    if (capture->fd >= 0) {
        len = pread(capture->fd, raw, sizeof(raw), 0);
        close(capture->fd);
    }
    ff_message_join(raw, len > 0 ? (size_t)len : 0, text, text_size);
}

const char *ff_message_hint(int r)
{
    if (r == -EAGAIN)
        return "; raise the limit of processes and threads (ulimit -u, a container's pids.max), or "
               "of memory (ulimit -v)";
    if (r == -EMFILE)
        return "; raise the limit of open files (ulimit -n)";
    if (r == -EFBIG)
        return "; raise the limit of a file's size (ulimit -f)";
    return "";
}
