#include "cli/filter.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/time_text.h"

static struct ff_error error;

static void times_are_dates_or_seconds(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
        long ns;
    } cases[] = {
        {"@0", 0, 0},
        {"@1158679214", 1158679214, 0},
        {"@1158679214.5", 1158679214, 500000000},
        {"@0.0000000019", 0, 1},
        {"@-1", -1, 0},
        {"@-0.25", -1, 750000000},
        {"@-1.999999999", -2, 1},
        {"@-0", 0, 0},
        {"@253402300799", INT64_C(253402300799), 0},
        {"@-62167219200", INT64_C(-62167219200), 0},
        {"2006-09-19T15:20:14Z", 1158679214, 0},
        {"2006-09-19 17:20:14.25+02:00", 1158679214, 250000000},
        {"2006-09-19", 1158624000, 0},
        {"2006", 1136073600, 0},
        {"Tue, 19 Sep 2006 17:20:14 +0200", 1158679214, 0},
    };
    static const char *const wrong[] = {"",
                                        "@",
                                        "@x",
                                        "@1x",
                                        "@1.",
                                        "@.5",
                                        "@1.5x",
                                        "@--1",
                                        "@+1",
                                        "@ 1",
                                        "@1 ",
                                        "x",
                                        "yesterday",
                                        "2006-13-01",
                                        "2006-02-30",
                                        "17:20",
                                        "@253402300800",
                                        "@-62167219201",
                                        "@99999999999999999999",
                                        "@0000000000000000000000000",
                                        "1158679214"};
    struct timespec time;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (ff_time_parse(cases[i].text, &time) != 0)
            fail_msg("%s is refused", cases[i].text);
        assert_int_equal(time.tv_sec, cases[i].seconds);
        assert_int_equal(time.tv_nsec, cases[i].ns);
    }
    time.tv_sec = 42;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (ff_time_parse(wrong[i], &time) != -EINVAL)
            fail_msg("%s is accepted", wrong[i]);
        assert_int_equal(time.tv_sec, 42);
    }
}

static bool matches(const struct ff_type_filter *types, const char *type)
{
    struct ff_details details = {0};

    snprintf(details.type, sizeof(details.type), "%s", type);
    return ff_type_filter_match(types, &details);
}

static void types_are_whole_words_of_any_list(void **state)
{
    struct ff_type_filter types = {0};

    (void)state;
    assert_true(matches(&types, ""));
    assert_true(matches(&types, "request"));
    assert_int_equal(ff_filter_types(&types, "request:response", &error), 0);
    assert_true(matches(&types, "request"));
    assert_true(matches(&types, "response"));
    assert_false(matches(&types, "requ"));
    assert_false(matches(&types, "requests"));
    assert_false(matches(&types, "Request"));
    assert_false(matches(&types, "request:response"));
    assert_false(matches(&types, ""));
    assert_false(matches(&types, "-"));
    assert_int_equal(ff_filter_types(&types, "3", &error), 0);
    assert_int_equal(ff_filter_types(&types, "x:-", &error), 0);
    assert_true(matches(&types, "response"));
    assert_true(matches(&types, "3"));
    assert_true(matches(&types, "x"));
    assert_true(matches(&types, ""));
    assert_true(matches(&types, "-"));
    assert_false(matches(&types, "33"));
}

static void empty_types_and_too_many_lists_are_refused(void **state)
{
    static const char *const wrong[] = {"", ":", "a:", ":a", "a::b"};
    struct ff_type_filter types = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(ff_filter_types(&types, wrong[i], &error), -EINVAL);
        assert_non_null(strstr(error.text, "empty type"));
    }
    assert_int_equal(types.count, 0);
    for (size_t i = 0; i < FF_TYPE_LISTS_MAX; i++)
        assert_int_equal(ff_filter_types(&types, "a", &error), 0);
    assert_int_equal(ff_filter_types(&types, "b", &error), -EINVAL);
    assert_false(matches(&types, "b"));
}

static bool is_within(const struct ff_time_filter *times, int64_t seconds, long ns)
{
    const struct ff_details details = {.has_time = true, .time = {(time_t)seconds, ns}};

    return ff_time_filter_match(times, &details);
}

static void since_is_included_and_until_is_not(void **state)
{
    static const struct ff_details timeless;
    struct ff_time_filter times = {0};

    (void)state;
    assert_true(is_within(&times, -5, 0));
    assert_true(ff_time_filter_match(&times, &timeless));
    assert_int_equal(ff_filter_since(&times, "@100.5", &error), 0);
    assert_false(ff_time_filter_is_empty(&times));
    assert_false(is_within(&times, 100, 499999999));
    assert_true(is_within(&times, 100, 500000000));
    assert_true(is_within(&times, 101, 0));
    assert_false(ff_time_filter_match(&times, &timeless));
    assert_int_equal(ff_filter_until(&times, "@200", &error), 0);
    assert_true(is_within(&times, 100, 500000000));
    assert_true(is_within(&times, 199, 999999999));
    assert_false(is_within(&times, 200, 0));
    assert_false(is_within(&times, 99, 999999999));
    times.has_since = false;
    assert_true(is_within(&times, -5, 0));
    assert_false(is_within(&times, 200, 0));
    assert_false(ff_time_filter_match(&times, &timeless));
}

static void a_stretch_without_a_moment_is_seen(void **state)
{
    struct ff_time_filter times = {0};

    (void)state;
    assert_int_equal(ff_filter_until(&times, "@100", &error), 0);
    assert_false(ff_time_filter_is_empty(&times));
    assert_int_equal(ff_filter_since(&times, "@100", &error), 0);
    assert_true(ff_time_filter_is_empty(&times));
    assert_int_equal(ff_filter_since(&times, "@99.999999999", &error), 0);
    assert_false(ff_time_filter_is_empty(&times));
    assert_int_equal(ff_filter_since(&times, "soon", &error), -EINVAL);
    assert_non_null(strstr(error.text, "'soon' is no time, such as 2006-09-19"));
}

static void a_format_must_have_what_is_filtered_by(void **state)
{
    static const struct {
        const char *description;
        int types, times;
    } cases[] = {
        {"len:u32be data", -EINVAL, -EINVAL},
        {"type:u8 len:u32be data", 0, -EINVAL},
        {"type:str[4] time:u32be len:u32be data", 0, 0},
        {"time_ms:u64be len:u32be data", -EINVAL, 0},
        {"\"a\" len:u8 data | \"b\" type:u8 len:u8 data", 0, -EINVAL},
    };
    struct ff_type_filter types = {0}, all_types = {0};
    struct ff_time_filter times = {0}, all_times = {0};

    (void)state;
    assert_int_equal(ff_filter_types(&types, "a", &error), 0);
    assert_int_equal(ff_filter_until(&times, "@1", &error), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ff_format *format;
        assert_int_equal(ff_format_compile(cases[i].description, &format, &error), 0);
        assert_int_equal(ff_type_filter_check(&types, format, &error), cases[i].types);
        assert_int_equal(ff_time_filter_check(&times, format, &error), cases[i].times);
        assert_int_equal(ff_type_filter_check(&all_types, format, &error), 0);
        assert_int_equal(ff_time_filter_check(&all_times, format, &error), 0);
        ff_format_free(format);
    }
    struct ff_format *none;
    assert_int_equal(ff_format_none(&none, &error), 0);
    assert_int_equal(ff_type_filter_check(&types, none, &error), 0);
    assert_int_equal(ff_time_filter_check(&times, none, &error), 0);
    ff_format_free(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_dates_or_seconds),
        cmocka_unit_test(types_are_whole_words_of_any_list),
        cmocka_unit_test(empty_types_and_too_many_lists_are_refused),
        cmocka_unit_test(since_is_included_and_until_is_not),
        cmocka_unit_test(a_stretch_without_a_moment_is_seen),
        cmocka_unit_test(a_format_must_have_what_is_filtered_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
