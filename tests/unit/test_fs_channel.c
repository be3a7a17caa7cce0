/* What a worker says to its supervisor, and what a subverted one could say. */
#include "fs/channel.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define HANGS_S 60

struct channel {
    int supervisor, worker;
    struct ff_channel_message message;
    bool end;
};

static int set_up(void **state)
{
    struct channel *channel = calloc(1, sizeof(*channel));

    if (!channel || ff_channel_new(&channel->supervisor, &channel->worker) < 0)
        return -1;
    *state = channel;
    return 0;
}

static int tear_down(void **state)
{
    struct channel *channel = *state;

    close(channel->supervisor);
    if (channel->worker >= 0)
        close(channel->worker);
    free(channel);
    return 0;
}

static bool receive(struct channel *channel)
{
    memset(&channel->message, 0x55, sizeof(channel->message));
    channel->end = true;
    return ff_channel_receive(channel->supervisor, &channel->message, &channel->end);
}

static void is_a_line(const struct channel *channel, enum ff_log_level level, const char *text)
{
    assert_int_equal(channel->message.kind, FF_CHANNEL_LOG);
    assert_int_equal(channel->message.level, level);
    assert_string_equal(channel->message.text, text);
}

/* Bytes that a worker of ours would not send. */
static void send_raw(const struct channel *channel, const void *bytes, size_t len)
{
    assert_int_equal(write(channel->worker, bytes, len), len);
}

static void what_is_sent_arrives_in_order(void **state)
{
    struct channel *channel = *state;

    assert_false(receive(channel));
    assert_false(channel->end);
    ff_channel_log(channel->worker, FF_LOG_WARNING, "one");
    ff_channel_ready(channel->worker);
    ff_channel_log(channel->worker, FF_LOG_DEBUG, "");
    assert_true(receive(channel));
    is_a_line(channel, FF_LOG_WARNING, "one");
    assert_true(receive(channel));
    assert_int_equal(channel->message.kind, FF_CHANNEL_READY);
    assert_true(receive(channel));
    is_a_line(channel, FF_LOG_DEBUG, "");
    assert_false(receive(channel));
    assert_false(channel->end);
}

static void an_index_message_names_its_archive(void **state)
{
    struct channel *channel = *state;
    const unsigned char without[] = {FF_CHANNEL_INDEX_WRITTEN, 0};
    const unsigned char half[] = {FF_CHANNEL_INDEX_WRITTEN, 0, 1, 0, 0};

    ff_channel_index(channel->worker, FF_CHANNEL_INDEX_REFUSED, 0);
    ff_channel_index(channel->worker, FF_CHANNEL_INDEX_WRITTEN, 0x01020304);
    ff_channel_index(channel->worker, FF_CHANNEL_INDEX_LEFT, 4095);
    send_raw(channel, without, sizeof(without));
    send_raw(channel, half, sizeof(half));
    assert_true(receive(channel));
    assert_int_equal(channel->message.kind, FF_CHANNEL_INDEX_REFUSED);
    assert_int_equal(channel->message.archive, 0);
    assert_true(receive(channel));
    assert_int_equal(channel->message.kind, FF_CHANNEL_INDEX_WRITTEN);
    assert_int_equal(channel->message.archive, 0x01020304);
    assert_true(receive(channel));
    assert_int_equal(channel->message.kind, FF_CHANNEL_INDEX_LEFT);
    assert_int_equal(channel->message.archive, 4095);
    for (int i = 0; i < 2; i++) {
        assert_true(receive(channel));
        assert_int_equal(channel->message.kind, FF_CHANNEL_INDEX_WRITTEN);
        assert_int_equal(channel->message.archive, UINT32_MAX);
    }
}

static void a_longer_line_is_cut(void **state)
{
    struct channel *channel = *state;
    char text[FF_CHANNEL_TEXT_BYTES + 1];

    memset(text, 'x', sizeof(text));
    text[FF_CHANNEL_TEXT_BYTES] = '\0';
    ff_channel_log(channel->worker, FF_LOG_ERROR, text);
    text[FF_CHANNEL_TEXT_BYTES - 1] = '\0';
    ff_channel_log(channel->worker, FF_LOG_ERROR, text);
    for (int i = 0; i < 2; i++) {
        assert_true(receive(channel));
        is_a_line(channel, FF_LOG_ERROR, text);
    }
    assert_false(receive(channel));
    /* By the sender already. */
    text[FF_CHANNEL_TEXT_BYTES - 1] = 'x';
    ff_channel_log(channel->worker, FF_LOG_ERROR, text);
    assert_int_equal(recv(channel->supervisor, NULL, 0, MSG_PEEK | MSG_TRUNC),
                     2 + FF_CHANNEL_TEXT_BYTES - 1);
}

static void a_longer_message_of_a_liar_is_cut(void **state)
{
    struct channel *channel = *state;
    char bytes[2 * FF_CHANNEL_TEXT_BYTES];

    memset(bytes, 'x', sizeof(bytes));
    bytes[0] = FF_CHANNEL_LOG;
    bytes[1] = FF_LOG_INFO;
    send_raw(channel, bytes, sizeof(bytes));
    assert_true(receive(channel));
    assert_int_equal(strlen(channel->message.text), FF_CHANNEL_TEXT_BYTES - 1);
    assert_false(receive(channel));
    assert_false(channel->end);
}

static void control_bytes_do_not_pass(void **state)
{
    struct channel *channel = *state;
    unsigned char bytes[2 + 256] = {FF_CHANNEL_LOG, FF_LOG_INFO};

    for (int i = 0; i < 256; i++)
        bytes[2 + i] = (unsigned char)i;
    send_raw(channel, bytes, sizeof(bytes));
    assert_true(receive(channel));
    assert_int_equal(strlen(channel->message.text), 256);
    for (int i = 0; i < 256; i++)
        assert_int_equal((unsigned char)channel->message.text[i], i < 32 || i == 127 ? '?' : i);
}

static void unknown_kinds_and_levels_are_errors_to_log(void **state)
{
    struct channel *channel = *state;
    const unsigned char kind[] = {FF_CHANNEL_LOG + 1, FF_LOG_DEBUG, 'a'};
    const unsigned char level[] = {FF_CHANNEL_LOG, FF_LOG_DEBUG + 1, 'b'};
    const unsigned char both[] = {255, 255, 'c'};

    send_raw(channel, kind, sizeof(kind));
    send_raw(channel, level, sizeof(level));
    send_raw(channel, both, sizeof(both));
    assert_true(receive(channel));
    is_a_line(channel, FF_LOG_DEBUG, "a");
    assert_true(receive(channel));
    is_a_line(channel, FF_LOG_ERROR, "b");
    assert_true(receive(channel));
    is_a_line(channel, FF_LOG_ERROR, "c");
}

static void a_message_without_kind_and_level_ends_it(void **state)
{
    struct channel *channel = *state;

    send_raw(channel, "\1", 1);
    assert_false(receive(channel));
    assert_true(channel->end);
}

static void an_empty_message_ends_it(void **state)
{
    struct channel *channel = *state;

    send_raw(channel, "", 0);
    assert_false(receive(channel));
    assert_true(channel->end);
}

static void what_was_sent_before_the_end_arrives(void **state)
{
    struct channel *channel = *state;

    ff_channel_log(channel->worker, FF_LOG_ERROR, "last words");
    close(channel->worker);
    channel->worker = -1;
    assert_true(receive(channel));
    is_a_line(channel, FF_LOG_ERROR, "last words");
    assert_false(channel->end);
    assert_false(receive(channel));
    assert_true(channel->end);
}

static void without_a_supervisor_nothing_waits(void **state)
{
    struct channel *channel = *state;

    close(channel->supervisor);
    alarm(HANGS_S);
    ff_channel_log(channel->worker, FF_LOG_ERROR, "to nobody");
    ff_channel_ready(channel->worker);
    alarm(0);
    channel->supervisor = dup(channel->worker);
}

/* Lines until one is lost: how many the channel holds. */
static unsigned int fill(struct channel *channel)
{
    const unsigned char line[] = {FF_CHANNEL_LOG, FF_LOG_INFO, 'f'};
    unsigned int count = 0;

    while (write(channel->worker, line, sizeof(line)) >= 0)
        count++;
    assert_int_equal(errno, EAGAIN);
    return count;
}

static void drain(struct channel *channel, unsigned int count)
{
    for (unsigned int i = 0; i < count; i++) {
        assert_true(receive(channel));
        is_a_line(channel, FF_LOG_INFO, "f");
    }
}

static void lines_that_find_it_full_are_counted(void **state)
{
    struct channel *channel = *state;
    unsigned int count = fill(channel);

    assert_true(count > 1);
    alarm(HANGS_S);
    for (int i = 0; i < 3; i++)
        ff_channel_log(channel->worker, FF_LOG_ERROR, "lost");
    alarm(0);
    drain(channel, count);
    assert_false(receive(channel));
    ff_channel_log(channel->worker, FF_LOG_INFO, "later");
    assert_true(receive(channel));
    is_a_line(channel, FF_LOG_WARNING, "3 messages were lost");
    assert_true(receive(channel));
    is_a_line(channel, FF_LOG_INFO, "later");
    ff_channel_log(channel->worker, FF_LOG_INFO, "once");
    assert_true(receive(channel));
    is_a_line(channel, FF_LOG_INFO, "once");
}

struct waiter {
    int fd;
    _Atomic pid_t tid;
};

static void *say_ready(void *argument)
{
    struct waiter *waiter = argument;

    atomic_store(&waiter->tid, gettid());
    ff_channel_ready(waiter->fd);
    return NULL;
}

/* 'S': the thread waits; 0: it has ended. */
static char thread_state(pid_t tid)
{
    char path[64], line[256] = "";

    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    const char *end = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
    fclose(file);
    return end ? end[2] : '\0';
}

static void ready_waits_for_room(void **state)
{
    struct channel *channel = *state;
    struct waiter waiter = {.fd = channel->worker};
    pthread_t thread;
    unsigned int count = fill(channel);

    alarm(HANGS_S);
    assert_int_equal(pthread_create(&thread, NULL, say_ready, &waiter), 0);
    while (atomic_load(&waiter.tid) == 0)
        sched_yield();
    char now;
    do
        now = thread_state(atomic_load(&waiter.tid));
    while (now != 'S' && now != 0);
    assert_int_equal(now, 'S');
    drain(channel, count);
    assert_int_equal(pthread_join(thread, NULL), 0);
    alarm(0);
    assert_true(receive(channel));
    assert_int_equal(channel->message.kind, FF_CHANNEL_READY);
}

#define channel_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        channel_test(what_is_sent_arrives_in_order),
        channel_test(an_index_message_names_its_archive),
        channel_test(a_longer_line_is_cut),
        channel_test(a_longer_message_of_a_liar_is_cut),
        channel_test(control_bytes_do_not_pass),
        channel_test(unknown_kinds_and_levels_are_errors_to_log),
        channel_test(a_message_without_kind_and_level_ends_it),
        channel_test(an_empty_message_ends_it),
        channel_test(what_was_sent_before_the_end_arrives),
        channel_test(without_a_supervisor_nothing_waits),
        channel_test(lines_that_find_it_full_are_counted),
        channel_test(ready_waits_for_room),
    };
    /* As supervisor and workers do. */
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
