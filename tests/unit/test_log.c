/* Messages as they reach stderr: a file of this test stands there while one is written. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int file = -1, saved = -1;
static char text[8192];

static void begin(void)
{
    file = memfd_create("messages", MFD_CLOEXEC);
    saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    assert_return_code(file, errno);
    assert_return_code(saved, errno);
    dup2(file, STDERR_FILENO);
}

/* What was written since begin(). */
static const char *end(void)
{
    dup2(saved, STDERR_FILENO);
    close(saved);
    ssize_t len = pread(file, text, sizeof(text) - 1, 0);
    assert_return_code(len, errno);
    text[len] = '\0';
    close(file);
    return text;
}

/* $JOURNAL_STREAM for what begin() put at stderr; inode_more: for another file. */
static void open_journal(enum ff_log_target target, unsigned int inode_more, const char *rest)
{
    char stream[64];
    struct stat st;

    assert_return_code(fstat(STDERR_FILENO, &st), errno);
    snprintf(stream, sizeof(stream), "%ju:%ju%s", (uintmax_t)st.st_dev,
             (uintmax_t)st.st_ino + inode_more, rest);
    setenv("JOURNAL_STREAM", stream, 1);
    ff_log_open(target);
}

static int reset(void **state)
{
    (void)state;
    unsetenv("JOURNAL_STREAM");
    ff_log_open(FF_LOG_AUTO);
    ff_log_set_level(FF_LOG_WARNING);
    ff_log_set_place(NULL);
    ff_log_to(NULL, false);
    return 0;
}

static void less_important_messages_are_dropped(void **state)
{
    (void)state;
    begin();
    ff_log(FF_LOG_INFO, "info");
    ff_log(FF_LOG_WARNING, "warning %d", 1);
    ff_log_set_level(FF_LOG_DEBUG);
    ff_log(FF_LOG_DEBUG, "debug");
    ff_log_set_level(FF_LOG_ERROR);
    ff_log(FF_LOG_WARNING, "warning");
    ff_log(FF_LOG_ERROR, "error");
    ff_log_say("said");
    assert_string_equal(end(),
                        "framefs: warning 1\nframefs: debug\nframefs: error\nframefs: said\n");
}

static void lines_of_the_journal_have_priority_and_place(void **state)
{
    (void)state;
    begin();
    open_journal(FF_LOG_AUTO, 0, "");
    ff_log_set_level(FF_LOG_DEBUG);
    ff_log_set_place("/mnt");
    ff_log(FF_LOG_ERROR, "a");
    ff_log(FF_LOG_WARNING, "b\nc");
    ff_log(FF_LOG_INFO, "d");
    ff_log(FF_LOG_DEBUG, "e");
    ff_log_say("f\ng");
    assert_string_equal(end(),
                        "<3>/mnt: a\n<4>/mnt: b\n<4>c\n<6>/mnt: d\n<7>/mnt: e\n<3>f\n<3>g\n");
}

static void another_journal_is_none(void **state)
{
    static const char *const others[] = {"x", "abc", "", "1", "1:", ":1", "1:2:3"};

    (void)state;
    begin();
    ff_log_set_place("/mnt");
    open_journal(FF_LOG_AUTO, 1, "");
    ff_log(FF_LOG_ERROR, "a\nb");
    open_journal(FF_LOG_AUTO, 0, "0");
    ff_log(FF_LOG_ERROR, "c");
    open_journal(FF_LOG_AUTO, 0, " ");
    ff_log(FF_LOG_ERROR, "d");
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        setenv("JOURNAL_STREAM", others[i], 1);
        ff_log_open(FF_LOG_AUTO);
        ff_log(FF_LOG_ERROR, "%zu", i);
    }
    assert_string_equal(end(), "framefs: a\nb\nframefs: c\nframefs: d\nframefs: 0\nframefs: 1\n"
                               "framefs: 2\nframefs: 3\nframefs: 4\nframefs: 5\nframefs: 6\n");
}

static void control_bytes_do_not_reach_a_terminal(void **state)
{
    (void)state;
    begin();
    ff_log(FF_LOG_ERROR, "a\033[2Jb\r\177\tc\xc3\xa4");
    assert_string_equal(end(), "framefs: a?[2Jb??\tc\xc3\xa4\n");
}

static void a_long_message_is_cut(void **state)
{
    static char long_text[4096], place[4096];

    (void)state;
    memset(long_text, 'x', sizeof(long_text) - 1);
    memset(place, 'p', sizeof(place) - 1);
    begin();
    ff_log(FF_LOG_ERROR, "%s", long_text);
    size_t len = strlen(end());
    assert_in_range(len, 2048, 2600);
    assert_int_equal(text[len - 1], '\n');
    /* A place that leaves no room is left away. */
    begin();
    open_journal(FF_LOG_AUTO, 0, "");
    ff_log_set_place(place);
    ff_log(FF_LOG_ERROR, "short");
    assert_string_equal(end(), "<3>short\n");
}

static char sunk[64];

static void sink(enum ff_log_level level, const char *message)
{
    snprintf(sunk, sizeof(sunk), "%d %s", (int)level, message);
}

static void a_sink_gets_all_as_it_comes(void **state)
{
    (void)state;
    begin();
    ff_log_set_place("/mnt");
    ff_log_to(sink, true);
    ff_log(FF_LOG_WARNING, "a\033%s", "b");
    assert_string_equal(sunk, "1 a\033b");
    ff_log(FF_LOG_INFO, "dropped");
    assert_string_equal(sunk, "1 a\033b");
    ff_log_say("said");
    assert_string_equal(sunk, "0 said");
    ff_log_to(sink, false);
    ff_log_say("to who gave the command");
    assert_string_equal(sunk, "0 said");
    ff_log_to(NULL, false);
    ff_log(FF_LOG_WARNING, "c");
    assert_string_equal(end(), "framefs: to who gave the command\nframefs: c\n");
}

static void a_log_on_stderr_keeps_it(void **state)
{
    (void)state;
    ff_log_open(FF_LOG_STDERR);
    assert_false(ff_log_detach());
    begin();
    ff_log(FF_LOG_WARNING, "still");
    assert_string_equal(end(), "framefs: still\n");
}

/* Last: there is no way back. */
static void names_are_hidden_when_that_is_wanted(void **state)
{
    (void)state;
    assert_int_equal(ff_log_hide("/data/early"), 0);
    ff_log_redact();
    assert_int_equal(ff_log_hide("/data/x"), 0);
    begin();
    open_journal(FF_LOG_AUTO, 0, "");
    ff_log_set_place("/data/x");
    ff_log(FF_LOG_WARNING, "/data/early and '/data/x'");
    ff_log_say("/data/x: gone");
    assert_string_equal(end(),
                        "<4>#4302689682: /data/early and '#4302689682'\n<3>#4302689682: gone\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(less_important_messages_are_dropped, reset),
        cmocka_unit_test_teardown(lines_of_the_journal_have_priority_and_place, reset),
        cmocka_unit_test_teardown(another_journal_is_none, reset),
        cmocka_unit_test_teardown(control_bytes_do_not_reach_a_terminal, reset),
        cmocka_unit_test_teardown(a_long_message_is_cut, reset),
        cmocka_unit_test_teardown(a_sink_gets_all_as_it_comes, reset),
        cmocka_unit_test_teardown(a_log_on_stderr_keeps_it, reset),
        cmocka_unit_test_teardown(names_are_hidden_when_that_is_wanted, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
