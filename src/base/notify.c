#include "base/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

#define MESSAGE_BYTES (FF_NOTIFY_STATUS_BYTES + 128)

static struct sockaddr_un address;
static socklen_t address_len; /* 0: nobody is told */
static pid_t main_pid;

int ff_notify_begin(void)
{
    const char *name = getenv("NOTIFY_SOCKET");
    size_t len = name ? strlen(name) : 0;

    if (len == 0)
        return 0;
    if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof(address.sun_path))
        return -EINVAL;
    address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address.sun_path, name, len);
    /* An abstract name begins with a NUL and has none at its end. */
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (name[0] == '/'));
    main_pid = getpid();
    return 0;
}

static int send_message(const char *message)
{
    if (address_len == 0)
        return 0;
    FF_CLEANUP(fd) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    ssize_t count;
    do
        count = sendto(fd, message, strlen(message), MSG_NOSIGNAL,
                       (const struct sockaddr *)&address, address_len);
    while (count < 0 && errno == EINTR);
    return count < 0 ? -errno : 0;
}

int ff_notify_ready(const char *status)
{
    char message[MESSAGE_BYTES];

    snprintf(message, sizeof(message), "READY=1\nMAINPID=%jd%s%.*s", (intmax_t)main_pid,
             status ? "\nSTATUS=" : "", FF_NOTIFY_STATUS_BYTES, status ? status : "");
    return send_message(message);
}

int ff_notify_status(const char *status)
{
    char message[MESSAGE_BYTES];

    snprintf(message, sizeof(message), "STATUS=%.*s", FF_NOTIFY_STATUS_BYTES, status);
    return send_message(message);
}

int ff_notify_reloading(void)
{
    char message[MESSAGE_BYTES];
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(message, sizeof(message), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
             (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
    return send_message(message);
}

int ff_notify_stopping(void)
{
    return send_message("STOPPING=1");
}
