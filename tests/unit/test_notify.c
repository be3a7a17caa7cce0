/* What the service manager receives: datagrams read from a socket of this process. */
#include "base/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/framefs-notify-XXXXXX";
static char path[64];
static int receiver = -1;
static char message[1024];

/* name: as $NOTIFY_SOCKET has it. */
static void listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));

    memcpy(address.sun_path, name, strlen(name));
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_return_code(receiver, errno);
    assert_return_code(bind(receiver, (const struct sockaddr *)&address, len + (name[0] == '/')),
                       errno);
    setenv("NOTIFY_SOCKET", name, 1);
}

static const char *received(void)
{
    ssize_t len = recv(receiver, message, sizeof(message) - 1, MSG_DONTWAIT);

    assert_return_code(len, errno);
    message[len] = '\0';
    return message;
}

static void nothing_is_received(void)
{
    assert_int_equal(recv(receiver, message, sizeof(message), MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
}

static int stop_listening(void **state)
{
    (void)state;
    close(receiver);
    unlink(path);
    return 0;
}

static void nobody_is_told_before_it_begins_or_without_a_socket(void **state)
{
    (void)state;
    listen_at(path);
    assert_int_equal(ff_notify_ready("x"), 0);
    assert_int_equal(ff_notify_stopping(), 0);
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(ff_notify_begin(), 0);
    assert_int_equal(ff_notify_ready("x"), 0);
    setenv("NOTIFY_SOCKET", "", 1);
    assert_int_equal(ff_notify_begin(), 0);
    assert_int_equal(ff_notify_ready("x"), 0);
    nothing_is_received();
}

static void a_socket_that_cannot_be_is_refused(void **state)
{
    char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];

    (void)state;
    const char *const wrong[] = {"run/notify", "vsock:2:1", "/", "@", name};
    memset(name, 'n', sizeof(name) - 1);
    name[0] = '/';
    name[sizeof(name) - 1] = '\0';
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        setenv("NOTIFY_SOCKET", wrong[i], 1);
        assert_int_equal(ff_notify_begin(), -EINVAL);
    }
    /* One byte less fits, with its NUL. */
    name[sizeof(name) - 2] = '\0';
    setenv("NOTIFY_SOCKET", name, 1);
    assert_int_equal(ff_notify_begin(), 0);
    assert_int_equal(ff_notify_stopping(), -ENOENT);
}

static void expect_messages(void)
{
    char wanted[128];
    uint64_t usec;
    struct timespec before, after;

    assert_int_equal(ff_notify_begin(), 0);
    assert_int_equal(ff_notify_ready("serving 3 archives"), 0);
    snprintf(wanted, sizeof(wanted), "READY=1\nMAINPID=%d\nSTATUS=serving 3 archives", getpid());
    assert_string_equal(received(), wanted);
    assert_int_equal(ff_notify_ready(NULL), 0);
    snprintf(wanted, sizeof(wanted), "READY=1\nMAINPID=%d", getpid());
    assert_string_equal(received(), wanted);
    assert_int_equal(ff_notify_status("scanning"), 0);
    assert_string_equal(received(), "STATUS=scanning");
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_int_equal(ff_notify_reloading(), 0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_int_equal(sscanf(received(), "RELOADING=1\nMONOTONIC_USEC=%" SCNu64, &usec), 1);
    assert_in_range(usec, (uint64_t)before.tv_sec * 1000000 + (uint64_t)before.tv_nsec / 1000,
                    (uint64_t)after.tv_sec * 1000000 + (uint64_t)after.tv_nsec / 1000);
    assert_int_equal(ff_notify_stopping(), 0);
    assert_string_equal(received(), "STOPPING=1");
    nothing_is_received();
}

static void messages_reach_a_socket_by_its_path(void **state)
{
    (void)state;
    listen_at(path);
    expect_messages();
}

static void messages_reach_an_abstract_socket(void **state)
{
    char name[64];

    (void)state;
    snprintf(name, sizeof(name), "@framefs-notify-%d", getpid());
    listen_at(name);
    expect_messages();
}

static void a_long_status_is_cut(void **state)
{
    char status[2 * FF_NOTIFY_STATUS_BYTES];

    (void)state;
    memset(status, 's', sizeof(status) - 1);
    status[sizeof(status) - 1] = '\0';
    listen_at(path);
    assert_int_equal(ff_notify_begin(), 0);
    assert_int_equal(ff_notify_status(status), 0);
    assert_int_equal(strlen(received()), strlen("STATUS=") + FF_NOTIFY_STATUS_BYTES);
    assert_int_equal(ff_notify_ready(status), 0);
    assert_int_equal(strlen(strstr(received(), "STATUS=")),
                     strlen("STATUS=") + FF_NOTIFY_STATUS_BYTES);
}

static void a_manager_that_is_gone_is_an_error(void **state)
{
    (void)state;
    listen_at(path);
    assert_int_equal(ff_notify_begin(), 0);
    close(receiver);
    assert_int_equal(ff_notify_ready(NULL), -ECONNREFUSED);
    unlink(path);
    assert_int_equal(ff_notify_ready(NULL), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* First: later ones leave a socket to be told. */
        cmocka_unit_test_teardown(nobody_is_told_before_it_begins_or_without_a_socket,
                                  stop_listening),
        cmocka_unit_test(a_socket_that_cannot_be_is_refused),
        cmocka_unit_test_teardown(messages_reach_a_socket_by_its_path, stop_listening),
        cmocka_unit_test_teardown(messages_reach_an_abstract_socket, stop_listening),
        cmocka_unit_test_teardown(a_long_status_is_cut, stop_listening),
        cmocka_unit_test(a_manager_that_is_gone_is_an_error),
    };
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof(path), "%s/socket", dir);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(dir);
    return failed;
}
