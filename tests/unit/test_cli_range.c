#include "cli/range.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct ff_error error;

static struct ff_range parsed(const char *text)
{
    struct ff_range range;

    assert_int_equal(ff_range_parse(text, &range, &error), 0);
    return range;
}

static void ranges_are_written_as_they_are_read(void **state)
{
    static const char *const texts[] = {"0",   "17",     "100-199", "5-",   "-1",
                                        "-5-", "-10--1", "5--2",    "-3-7", "18446744073709551615"};
    char text[FF_RANGE_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct ff_range range = parsed(texts[i]);
        assert_string_equal(ff_range_format(text, &range), texts[i]);
    }
}

static void malformed_ranges_are_refused_and_quoted(void **state)
{
    static const char *const texts[] = {"",
                                        "-",
                                        "x",
                                        "1x",
                                        "1-x",
                                        "-0",
                                        "1--0",
                                        "1---2",
                                        "--1",
                                        " 1",
                                        "1 ",
                                        "+1",
                                        "1-2-3",
                                        "1,2",
                                        "0x10",
                                        "1..2",
                                        "2-1",
                                        "-1--2",
                                        "18446744073709551616",
                                        "111111111111111111111111"};
    struct ff_range range;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(ff_range_parse(texts[i], &range, &error), -EINVAL);
        assert_non_null(strstr(error.text, texts[i]));
    }
}

static void resolving_gives_both_ends(void **state)
{
    static const struct {
        const char *text;
        uint64_t count;
        int rc;
        uint64_t first, last; /* first > last: none */
    } cases[] = {
        {"0", 1, 0, 0, 0},          {"3-5", 6, 0, 3, 5},
        {"5-", 6, 0, 5, 5},         {"0-", 6, 0, 0, 5},
        {"-1", 6, 0, 5, 5},         {"-6--1", 6, 0, 0, 5},
        {"2--2", 6, 0, 2, 4},       {"-2-", 6, 0, 4, 5},
        {"-6-0", 6, 0, 0, 0},       {"0-", 0, 0, 1, 0},
        {"6", 6, -ENOENT, 1, 0},    {"6-", 6, -ENOENT, 1, 0},
        {"-7", 6, -ENOENT, 1, 0},   {"4-9", 6, -ENOENT, 4, 5},
        {"-2-9", 6, -ENOENT, 4, 5}, {"-9--1", 6, -ENOENT, 1, 0},
        {"0--7", 6, -ENOENT, 1, 0}, {"4--4", 6, -ENOENT, 1, 0},
        {"0", 0, -ENOENT, 1, 0},    {"-1", 0, -ENOENT, 1, 0},
        {"1-", 0, -ENOENT, 1, 0},   {"-1-", 0, -ENOENT, 1, 0},
        {"0-0", 0, -ENOENT, 1, 0},  {"18446744073709551615", 6, -ENOENT, 1, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ff_range range = parsed(cases[i].text);
        uint64_t first = 77, last = 77;
        assert_int_equal(ff_range_resolve(&range, cases[i].count, &first, &last, &error),
                         cases[i].rc);
        assert_int_equal(first, cases[i].first);
        assert_int_equal(last, cases[i].last);
    }
}

static void what_does_not_exist_names_range_and_count(void **state)
{
    struct ff_range range = parsed("100-199");
    uint64_t first, last;

    (void)state;
    ff_range_resolve(&range, 150, &first, &last, &error);
    assert_string_equal(error.text, "range 100-199 does not fit: the archive has 150 records");
    range = parsed("1");
    ff_range_resolve(&range, 1, &first, &last, &error);
    assert_string_equal(error.text, "range 1 does not fit: the archive has 1 record");
}

static void one_pass_needs_growing_numbers_from_the_beginning(void **state)
{
    static const struct {
        const char *texts[3];
        size_t count;
        bool forward;
    } cases[] = {
        {{"0"}, 1, true},        {{"0", "17", "100-199"}, 3, true},
        {{"5-"}, 1, true},       {{"0", "5-"}, 2, true},
        {{"-1"}, 1, false},      {{"0--1"}, 1, false},
        {{"-5-"}, 1, false},     {{"1", "0"}, 2, false},
        {{"1", "1"}, 2, false},  {{"1-5", "5"}, 2, false},
        {{"5-", "7"}, 2, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ff_range ranges[3];
        for (size_t j = 0; j < cases[i].count; j++)
            ranges[j] = parsed(cases[i].texts[j]);
        assert_int_equal(ff_range_is_forward(ranges, cases[i].count), cases[i].forward);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_written_as_they_are_read),
        cmocka_unit_test(malformed_ranges_are_refused_and_quoted),
        cmocka_unit_test(resolving_gives_both_ends),
        cmocka_unit_test(what_does_not_exist_names_range_and_count),
        cmocka_unit_test(one_pass_needs_growing_numbers_from_the_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
