/* What cli prints: the buffered output, text for terminals, times, bars. */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/bar.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "cli/time_text.h"

static struct ff_output out;
static FILE *file;

static int open_output(void **state)
{
    (void)state;
    file = tmpfile();
    return file ? ff_output_init(&out, fileno(file)) : -1;
}

static int close_output(void **state)
{
    (void)state;
    ff_output_done(&out);
    return fclose(file);
}

/* What was written so far; to be freed. */
static char *written(void)
{
    assert_int_equal(ff_output_flush(&out), 0);
    off_t size = lseek(fileno(file), 0, SEEK_END);
    char *text = calloc(1, (size_t)size + 1);
    assert_int_equal(pread(fileno(file), text, (size_t)size, 0), size);
    return text;
}

static void expect_written(const char *wanted)
{
    char *text = written();

    assert_string_equal(text, wanted);
    free(text);
}

static void numbers_and_columns_are_padded(void **state)
{
    (void)state;
    ff_output_u64(&out, 0, 0);
    ff_output_u64(&out, 42, 5);
    ff_output_u64(&out, UINT64_MAX, 3);
    ff_output_column(&out, "|\xc3\xa4", 4);
    ff_output_column(&out, "|long", 2);
    expect_written("0   4218446744073709551615|\xc3\xa4  |long");
}

static void json_strings_are_escaped(void **state)
{
    (void)state;
    ff_output_json(&out, "a\"b\\x0a\n\x01\xc3\xa4");
    expect_written("\"a\\\"b\\\\x0a\\u000a\\u0001\xc3\xa4\"");
}

static void large_and_small_writes_stay_in_order(void **state)
{
    size_t len = 3 * FF_OUTPUT_BUFFER_BYTES + 7;
    char *large = malloc(len + 1);

    (void)state;
    memset(large, 'x', len);
    large[len] = '\0';
    ff_output_text(&out, "a");
    ff_output_write(&out, large, len);
    ff_output_text(&out, "b");
    char *text = written();
    assert_int_equal(strlen(text), len + 2);
    assert_int_equal(text[0], 'a');
    assert_int_equal(text[len + 1], 'b');
    free(text);
    free(large);
}

static void a_failed_write_is_remembered_and_the_last(void **state)
{
    struct ff_output broken;
    int pair[2];

    (void)state;
    assert_int_equal(pipe(pair), 0);
    close(pair[0]);
    assert_int_equal(ff_output_init(&broken, pair[1]), 0);
    ff_output_text(&broken, "x");
    assert_false(ff_output_failed(&broken));
    assert_int_equal(ff_output_flush(&broken), -EPIPE);
    assert_true(ff_output_failed(&broken));
    ff_output_text(&broken, "x");
    assert_int_equal(ff_output_flush(&broken), -EPIPE);
    ff_output_done(&broken);
    close(pair[1]);
}

static void a_terminal_gets_no_command_from_an_archive(void **state)
{
    struct ff_terminal_text text = {0};
    static const char bytes[] = "a\tb\n\033[31m\r\0\x7f\\\xff\xc3\xa4\xe2\x80\xae\xc3x\xe2\x82";

    (void)state;
    /* A byte at a time: characters are cut everywhere. */
    for (size_t i = 0; i < sizeof(bytes) - 1; i++)
        ff_terminal_write(&out, &text, bytes + i, 1);
    ff_terminal_flush(&out, &text);
    expect_written("a\tb\n\\x1b[31m\\x0d\\x00\\x7f\\\\xff\xc3\xa4\\xe2\\x80\\xae\\xc3x\\xe2\\x82");
}

static void times_have_nanoseconds_and_a_limit(void **state)
{
    char text[FF_TIME_TEXT_BYTES];

    (void)state;
    assert_string_equal(ff_time_format(text, &(struct timespec){0, 1}),
                        "1970-01-01T00:00:00.000000001Z");
    assert_string_equal(ff_time_format(text, &(struct timespec){-1, 999999999}),
                        "1969-12-31T23:59:59.999999999Z");
    assert_string_equal(ff_time_format(text, &(struct timespec){253402300799, 0}),
                        "9999-12-31T23:59:59.000000000Z");
    assert_string_equal(ff_time_format(text, &(struct timespec){-62135596800, 0}),
                        "0001-01-01T00:00:00.000000000Z");
    assert_string_equal(ff_time_format(text, &(struct timespec){253402300800, 0}), "-");
    assert_string_equal(ff_time_format(text, &(struct timespec){-62135596801, 0}), "-");
    assert_string_equal(ff_time_format(text, &(struct timespec){INT64_MAX, 0}), "-");
    assert_string_equal(ff_time_format(text, &(struct timespec){0, 1000000000}), "-");
}

static void a_bar_shows_every_value_but_zero(void **state)
{
    static const struct {
        uint64_t value, max;
        bool utf8;
        const char *bar;
    } cases[] = {
        {0, 100, false, ""},
        {1, 1000000, false, "#"},
        {50, 100, false, "####"},
        {100, 100, false, "########"},
        {UINT64_MAX, UINT64_MAX, false, "########"},
        {0, 0, true, ""},
        {1, 1000000, true, "▏"},
        {50, 100, true, "████"},
        {55, 100, true, "████▍"},
    };
    char wanted[256] = "";

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ff_bar_write(&out, cases[i].value, cases[i].max, 8, cases[i].utf8);
        ff_output_text(&out, "\n");
        strcat(strcat(wanted, cases[i].bar), "\n");
    }
    expect_written(wanted);
}

static void a_histogram_goes_from_the_first_to_the_last_size(void **state)
{
    uint64_t histogram[65] = {[0] = 1, [2] = 40, [11] = 20};
    const struct ff_terminal terminal = {.columns = 40};

    (void)state;
    ff_bar_histogram(&out, histogram, &terminal);
    char *text = written();
    assert_non_null(strstr(text, "       from     below  records\n"
                                 "        0 B       1 B        1  #\n"
                                 "        1 B       2 B        0\n"
                                 "        2 B       4 B       40  #######\n"));
    assert_non_null(strstr(text, "      1 KiB     2 KiB       20  ###\n"));
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        assert_true(strlen(line) < 40);
    free(text);
}

static void the_largest_histogram_is_drawn(void **state)
{
    uint64_t histogram[65] = {[64] = UINT64_MAX};
    const struct ff_terminal terminal = {.columns = FF_TERMINAL_COLUMNS_MIN, .utf8 = true};

    (void)state;
    ff_bar_histogram(&out, histogram, &terminal);
    char *text = written();
    assert_non_null(strstr(text, "8 EiB"));
    assert_non_null(strstr(text, "18446744073709551615"));
    assert_null(strstr(text, " B")); /* nothing is below 2^64 */
    free(text);
}

static void progress_tells_share_rate_and_time_left(void **state)
{
    struct ff_bar_progress progress = {.label = "a.pcap",
                                       .done_bytes = UINT64_C(1) << 30,
                                       .total_bytes = UINT64_C(4) << 30,
                                       .total_known = true,
                                       .elapsed_ms = 2000};
    struct ff_terminal terminal = {.columns = 100};
    char line[FF_BAR_LINE_BYTES];

    (void)state;
    ff_bar_progress(line, &progress, &terminal);
    assert_string_equal(line, "a.pcap  ##########------------------------------   25%  1 GiB of 4 "
                              "GiB  512 MiB/s  0:06 left");
    progress.total_known = false;
    ff_bar_progress(line, &progress, &terminal);
    assert_string_equal(line, "a.pcap  1 GiB  512 MiB/s  0:02");
}

static void progress_stays_narrower_than_the_terminal(void **state)
{
    struct ff_bar_progress progress = {
        .label = "a name of an archive that is quite long and goes on and on",
        .done_bytes = 5,
        .total_bytes = UINT64_MAX / 2,
        .total_known = true};
    char line[FF_BAR_LINE_BYTES];

    (void)state;
    for (unsigned int columns = FF_TERMINAL_COLUMNS_MIN; columns < 200; columns++) {
        struct ff_terminal terminal = {.columns = columns};
        for (progress.elapsed_ms = 0; progress.elapsed_ms < 3000; progress.elapsed_ms += 1000) {
            ff_bar_progress(line, &progress, &terminal);
            assert_true(strlen(line) < columns);
        }
    }
}

#define OUTPUT_TEST(name) cmocka_unit_test_setup_teardown(name, open_output, close_output)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OUTPUT_TEST(numbers_and_columns_are_padded),
        OUTPUT_TEST(json_strings_are_escaped),
        OUTPUT_TEST(large_and_small_writes_stay_in_order),
        cmocka_unit_test(a_failed_write_is_remembered_and_the_last),
        OUTPUT_TEST(a_terminal_gets_no_command_from_an_archive),
        cmocka_unit_test(times_have_nanoseconds_and_a_limit),
        OUTPUT_TEST(a_bar_shows_every_value_but_zero),
        OUTPUT_TEST(a_histogram_goes_from_the_first_to_the_last_size),
        OUTPUT_TEST(the_largest_histogram_is_drawn),
        cmocka_unit_test(progress_tells_share_rate_and_time_left),
        cmocka_unit_test(progress_stays_narrower_than_the_terminal),
    };

    signal(SIGPIPE, SIG_IGN);
    setlocale(LC_CTYPE, "C.UTF-8");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
