#include "fs/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static _Atomic unsigned int dropped;

int ff_channel_new(int *ret_supervisor, int *ret_worker)
{
    int fds[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
        return -errno;
    *ret_supervisor = fds[0];
    *ret_worker = fds[1];
    return 0;
}

static bool send_message(int fd, enum ff_channel_kind kind, enum ff_log_level level,
                         const void *body, size_t len)
{
    uint8_t head[2] = {(uint8_t)kind, (uint8_t)level};
    struct iovec iov[2] = {
        {.iov_base = head, .iov_len = sizeof(head)},
        {.iov_base = (void *)body, .iov_len = len},
    };
    ssize_t count;

    do
        count = writev(fd, iov, 2);
    while (count < 0 && errno == EINTR);
    return count >= 0 || errno != EAGAIN;
}

static bool send_text(int fd, enum ff_log_level level, const char *text)
{
    size_t len = strlen(text);

    return send_message(fd, FF_CHANNEL_LOG, level, text,
                        len < FF_CHANNEL_TEXT_BYTES ? len : FF_CHANNEL_TEXT_BYTES - 1);
}

static void send_surely(int fd, enum ff_channel_kind kind, const void *body, size_t len)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};

    while (!send_message(fd, kind, FF_LOG_INFO, body, len))
        poll(&poll_fd, 1, -1);
}

void ff_channel_ready(int fd)
{
    send_surely(fd, FF_CHANNEL_READY, NULL, 0);
}

void ff_channel_scanned(int fd)
{
    send_surely(fd, FF_CHANNEL_SCANNED, NULL, 0);
}

void ff_channel_index(int fd, enum ff_channel_kind kind, uint32_t archive)
{
    send_surely(fd, kind, &archive, sizeof(archive));
}

void ff_channel_go(int fd)
{
    /* The only message of this direction: there is room. One who is dead gets none. */
    ssize_t count = write(fd, "g", 1);
    (void)count;
}

bool ff_channel_await_go(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    char byte;

    return poll(&poll_fd, 1, -1) == 1 && read(fd, &byte, 1) == 1;
}

void ff_channel_log(int fd, enum ff_log_level level, const char *text)
{
    char line[64];
    unsigned int lost = atomic_exchange(&dropped, 0);

    if (lost > 0) {
        snprintf(line, sizeof(line), "%u messages were lost", lost);
        if (!send_text(fd, FF_LOG_WARNING, line))
            atomic_fetch_add(&dropped, lost);
    }
    if (!send_text(fd, level, text))
        atomic_fetch_add(&dropped, 1);
}

bool ff_channel_receive(int fd, struct ff_channel_message *ret_message, bool *ret_end)
{
    uint8_t bytes[2 + FF_CHANNEL_TEXT_BYTES];
    ssize_t count;

    *ret_end = false;
    do
        count = read(fd, bytes, sizeof(bytes) - 1);
    while (count < 0 && errno == EINTR);
    if (count < 2) {
        /* A worker sends nothing shorter: that is the end, or one who is not to be heard. */
        *ret_end = count >= 0 || errno != EAGAIN;
        return false;
    }
    ret_message->kind = bytes[0] < FF_CHANNEL_LOG ? (enum ff_channel_kind)bytes[0] : FF_CHANNEL_LOG;
    ret_message->level = bytes[1] <= FF_LOG_DEBUG ? (enum ff_log_level)bytes[1] : FF_LOG_ERROR;
    size_t len = (size_t)count - 2;
    ret_message->archive = UINT32_MAX;
    if (len == sizeof(ret_message->archive))
        memcpy(&ret_message->archive, bytes + 2, len);
    for (size_t i = 0; i < len; i++)
        ret_message->text[i] =
            bytes[2 + i] < ' ' || bytes[2 + i] == 0x7f ? '?' : (char)bytes[2 + i];
    ret_message->text[len] = '\0';
    return true;
}
