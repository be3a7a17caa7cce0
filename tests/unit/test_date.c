/* Dates in each form. The expected numbers are those of Python's datetime and email.utils, and of
 * GNU date where Python has no such year. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "format/date.h"

/* 2006-09-19T17:20:14Z */
#define THEN 1158686414

/* A copy of exact size, so that a sanitizer sees a read behind it. */
static bool parse(const char *text, size_t len, struct ff_date *ret_date)
{
    char *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    bool is_date = ff_date_parse(copy, len, ret_date);
    free(copy);
    return is_date;
}

static void is_time(const char *text, int64_t seconds, uint32_t ns)
{
    struct ff_date date = {0};
    bool is_date = parse(text, strlen(text), &date);
    if (!is_date || date.seconds != seconds || date.ns != ns)
        fail_msg("'%s': %s, %lld.%09u", text, is_date ? "a date" : "no date",
                 (long long)date.seconds, date.ns);
}

static void is(const char *text, int64_t seconds)
{
    is_time(text, seconds, 0);
}

static void is_none(const char *text)
{
    struct ff_date date = {.seconds = 42, .ns = 43};
    if (parse(text, strlen(text), &date))
        fail_msg("'%s' is taken for %lld.%09u", text, (long long)date.seconds, date.ns);
    assert_int_equal(date.seconds, 42);
    assert_int_equal(date.ns, 43);
}

static void rfc_3339(void **state)
{
    (void)state;
    is("2006-09-19T17:20:14Z", THEN);
    is("2006-09-19t17:20:14z", THEN);
    is("2006-09-19 17:20:14Z", THEN);
    is("2006-09-19T17:20:14+02:00", 1158679214);
    is("2006-09-19 17:20:14+02:00", 1158679214);
    is("2006-09-19T17:20:14-07:30", 1158713414);
    is("2006-09-19T17:20:14-00:00", THEN);
    is("2006-09-19T17:20:14+0200", 1158679214);
    is("2006-09-19T17:20:14+02", 1158679214);
    is("2006-09-19T17:20:14-23:59", 1158772754);
    is("2004-02-29T12:00:00+23:59", 1077969660);
    is("1970-01-01T00:00:00Z", 0);
    is("1969-12-31T23:59:59Z", -1);
}

static void shorter_forms_of_it(void **state)
{
    (void)state;
    is("2006-09-19T17:20:14", THEN);
    is("2006-09-19T17:20", THEN - 14);
    is("2006-09-19T17:20Z", THEN - 14);
    is("2006-09-19T17:20+02:00", 1158679214 - 14);
    is("2006-09-19", 1158624000);
    is("2006-09", 1157068800);
    is("2006", 1136073600);
}

static void fractions(void **state)
{
    (void)state;
    is_time("2006-09-19T17:20:14.5Z", THEN, 500000000);
    is_time("2006-09-19T17:20:14.05Z", THEN, 50000000);
    is_time("2006-09-19T17:20:14.000000001Z", THEN, 1);
    is_time("2006-09-19T17:20:14.123456789Z", THEN, 123456789);
    is_time("2006-09-19T17:20:14.999999999Z", THEN, 999999999);
    is_time("2006-09-19T17:20:14.9999999999Z", THEN, 999999999);
    is_time("2006-09-19T17:20:14.12345678912345678901234567890+02:00", 1158679214, 123456789);
    is_time("2006-09-19T17:20:14.25", THEN, 250000000);
    /* Before 1970 it still adds to the second. */
    is_time("1969-12-31T23:59:59.75Z", -1, 750000000);
    is_none("2006-09-19T17:20:14.Z");
    is_none("2006-09-19T17:20:14.");
    is_none("2006-09-19T17:20.5Z");
    is_none("2006-09-19T17:20:14.5.5Z");
    is_none("2006-09-19.5");
    is_none("Tue, 19 Sep 2006 17:20:14.5 +0200");
}

static void rfc_5322(void **state)
{
    (void)state;
    is("Tue, 19 Sep 2006 17:20:14 +0200", 1158679214);
    is("19 Sep 2006 17:20:14 +0200", 1158679214);
    is("Tue,19 Sep 2006 17:20:14 +0200", 1158679214);
    is("TUE, 19 sep 2006 17:20:14 +0200", 1158679214);
    is("Fri, 21 Nov 1997 09:55:06 -0600", 880127706);
    is("Tue, 1 Jul 2003 10:52:37 +0200", 1057049557);
    is("Tue,  1 Jul 2003 10:52:37 +0200", 1057049557);
    is("Tue, 01 Jul 2003 10:52:37 +0200", 1057049557);
    is("Thu, 13 Feb 1969 23:32 -0330", -27723480);
    is("Tue, 19 Sep 2006 17:20:14", THEN);
    /* A header's value that goes on in the next line. */
    is("Tue, 19 Sep 2006\r\n\t17:20:14\r\n +0200", 1158679214);
    is("Tue, 19 Sep 2006 17:20:14 +0200 (CEST)", 1158679214);
    is("Tue, 19 Sep 2006 17:20:14 +0200(a \\) b (c) d) (e)\r\n", 1158679214);
    is_none("Tue, 19 Sep 2006 17:20:14 +0200 (CEST");
    is_none("Tue, 19 Sep 2006 17:20:14 +0200 (CEST))");
    is_none("Tue, 19 Sep 2006 17:20:14 +0200 (CEST\\)");
    is_none("Tue, 19 Sep 2006 17:20:14 +0200 CEST)");
    is_none("Tue, 019 Sep 2006 17:20:14 +0200");
    is_none("Tue, 19Sep 2006 17:20:14 +0200");
    is_none("Tue, 19 Sep2006 17:20:14 +0200");
    is_none("Tue, 19 Sept 2006 17:20:14 +0200");
    is_none("Tuesday, 19 Sep 2006 17:20:14 +0200");
    is_none("Tue, 19 Sep 2006 1:20:14 +0200");
    is_none("Tue, 19 Sep 2006");
    is_none("Tue, 19 Sep 12006 17:20:14 +0200");
}

static void obsolete_zones_and_years(void **state)
{
    static const struct {
        const char *name;
        int west; /* seconds */
    } zones[] = {
        {"UT", 0},      {"UTC", 0},     {"GMT", 0},
        {"EST", 18000}, {"EDT", 14400}, {"CST", 21600},
        {"CDT", 18000}, {"MST", 25200}, {"MDT", 21600},
        {"PST", 28800}, {"PDT", 25200}, {"gmt", 0},
        {"Z", 0},       {"A", 0},       {"n", 0},
        {"Y", 0},       {"-0000", 0},   {"-9959", 99 * 3600 + 59 * 60},
    };
    char text[64];
    (void)state;

    for (size_t i = 0; i < sizeof(zones) / sizeof(*zones); i++) {
        snprintf(text, sizeof(text), "Tue, 19 Sep 2006 17:20:14 %s", zones[i].name);
        is(text, THEN + zones[i].west);
    }
    is_none("Tue, 19 Sep 2006 17:20:14 J");
    is_none("Tue, 19 Sep 2006 17:20:14 CEST");
    is_none("Tue, 19 Sep 2006 17:20:14 GMTX");
    is_none("Tue, 19 Sep 2006 17:20:14 GM");
    is_none("Tue, 19 Sep 2006 17:20:14 0200");
    is_none("Tue, 19 Sep 2006 17:20:14 +020");
    is_none("Tue, 19 Sep 2006 17:20:14 +02000");
    is_none("Tue, 19 Sep 2006 17:20:14 +0260");
    is("Tue, 19 Sep 06 17:20:14 GMT", THEN);
    is("21 Nov 97 09:55:06 GMT", 880106106);
    is("1 Jan 49 00:00:00 GMT", 2493072000);
    is("1 Jan 50 00:00:00 GMT", -631152000);
    is("19 Sep 106 17:20:14 GMT", THEN);
    is("19 Sep 006 17:20:14 GMT", -1997073586);
}

static void asctime_form(void **state)
{
    (void)state;
    is("Tue Sep 19 17:20:14 2006", THEN);
    is("Tue Sep 19 17:20:14 2006\n", THEN);
    is("Sun Nov  6 08:49:37 1994", 784111777);
    is("Sun Nov 06 08:49:37 1994", 784111777);
    is_none("Sep 19 17:20:14 2006");
    is_none("Tue Sep 19 17:20:14 06");
    is_none("Tue Sep 19 17:20:14 2006 GMT");
    is_none("Tue Sep 19 17:20:14");
    is_none("TueSep 19 17:20:14 2006");
}

static void leap_years(void **state)
{
    (void)state;
    is("2000-02-29", 951782400);
    is("2004-02-29", 1078012800);
    is("1900-03-01", -2203891200);
    is("0000-02-29", -62162121600);
    is("0004-02-29", -62035891200);
    is_none("1900-02-29");
    is_none("2100-02-29");
    is_none("2006-02-29");
    is_none("2000-02-30");
}

static void leap_seconds_end_a_day_of_utc(void **state)
{
    (void)state;
    is("2016-12-31T23:59:60Z", 1483228800);
    is_time("2016-12-31T23:59:60.5Z", 1483228800, 500000000);
    is("2017-01-01T01:59:60+02:00", 1483228800);
    is("Sat, 31 Dec 2016 15:59:60 PST", 1483228800);
    is_none("2016-12-31T23:59:61Z");
    is_none("2016-12-31T23:58:60Z");
    is_none("2016-12-31T22:59:60Z");
    is_none("2016-12-31T23:59:60+02:00");
    is_none("9999-12-31T23:59:60Z");
}

static void the_years_0000_to_9999(void **state)
{
    (void)state;
    is("0000-01-01", -62167219200);
    is("0000-12-31 23:59:59", -62135596801);
    is("0001-01-01", -62135596800);
    is("9999-12-31T23:59:59Z", 253402300799);
    is_time("9999-12-31T23:59:59.999999999Z", 253402300799, 999999999);
    is("9999-12-31T23:59:59+00:01", 253402300739);
    is("0000-01-01T00:01:00+00:01", -62167219200);
    is_none("9999-12-31T23:59:59-00:01");
    is_none("0000-01-01T00:00:59+00:01");
    is_none("10000-01-01");
    is_none("-001-01-01");
    is_none("+2006-09-19");
    is_none("206-09-19");
}

static void days_and_times_that_do_not_exist(void **state)
{
    (void)state;
    is_none("2006-13-01");
    is_none("2006-00-01");
    is_none("2006-13");
    is_none("2006-00");
    is_none("2006-09-00");
    is_none("2006-09-31");
    is_none("2006-01-32");
    is_none("2006-02-30T00:00:00Z");
    is_none("2006-09-19T24:00:00Z");
    is_none("2006-09-19T25:00:00Z");
    is_none("2006-09-19T17:60:00Z");
    is_none("2006-09-19T17:20:61Z");
    is_none("2006-09-19T17:20:14+24:00");
    is_none("2006-09-19T17:20:14+02:60");
    is_none("2006-09-19T17:20:14+0260");
    is_none("Mon, 19 Sep 2006 17:20:14 +0200");
    is_none("Mon Sep 19 17:20:14 2006");
    is_none("Sun, 31 Feb 2006 17:20:14 +0200");
}

static void what_is_no_date(void **state)
{
    (void)state;
    is_none("");
    is_none("  ");
    is_none("T");
    is_none("2006-");
    is_none("2006-9");
    is_none("2006-9-19");
    is_none("2006-09-");
    is_none("2006-09-1");
    is_none("2006-09-191");
    is_none("20060919");
    is_none("2006/09/19");
    is_none("2006-09-19T");
    is_none("2006-09-19Z");
    is_none("2006-09-19 Z");
    is_none("2006-09-19T17");
    is_none("2006-09-19T17:2");
    is_none("2006-09-19T17:20:");
    is_none("2006-09-19T17:20:1");
    is_none("2006-09-19  17:20:14");
    is_none("2006-09-19T17:20:14ZZ");
    is_none("2006-09-19T17:20:14Z x");
    is_none("2006-09-19T17:20:14 Z");
    is_none("2006-09-19T17:20:14 +02:00");
    is_none("2006-09-19T17:20:14+");
    is_none("2006-09-19T17:20:14+2");
    is_none("2006-09-19T17:20:14+2:00");
    is_none("2006-09-19T17:20:14+020");
    is_none("2006-09-19T17:20:14+020:0");
    is_none("2006-09-19T17:20:14+02:0");
    is_none("2006-09-19T17:20:14+02:");
    is_none("2006-09-19T17:20:14+0200:00");
    is_none("2006-09-19T17:20:14+02-00");
    is_none("2006-09-19T17:20:14+GMT");
    is_none("2006-09-19T17:20:14GMT");
    is_none("Tue,");
    is_none("Xyz, 19 Sep 2006 17:20:14 +0200");
    is_none("Tue, 19 Xyz 2006 17:20:14 +0200");
    is_none("now");
}

static void blanks_around_are_skipped(void **state)
{
    (void)state;
    is(" \t2006-09-19T17:20:14Z\r\n", THEN);
    is("\n2006-09-19 \r\n", 1158624000);
    is("  2006  ", 1136073600);
    is(" Tue, 19 Sep 2006 17:20:14 +0200 ", 1158679214);
    is_none("\v2006-09-19");
}

static void nul_bytes_are_no_part_of_a_date(void **state)
{
    struct ff_date date;
    (void)state;
    assert_false(parse("2006-09-19\0", 11, &date));
    assert_false(parse("\0"
                       "2006-09-19",
                       11, &date));
    assert_false(parse("2006-09-19\0"
                       "17:20:14Z",
                       20, &date));
    assert_false(parse("Tue, 19 Sep 2006 17:20:14 \0", 27, &date));
    assert_false(parse("Tue, 19 Sep 2006 17:20:14 GMT (\0)", 33, &date));
    assert_false(parse("Tue, 19 Sep 2006 17:20:14 GMT (\\\0)", 34, &date));
    /* The text ends where it is said to. */
    assert_true(parse("2006-09-19T17:20:14Z", 10, &date));
    assert_int_equal(date.seconds, 1158624000);
}

/* Also in the other two forms, whose weekdays and months are the C library's. */
static void every_day_is_that_of_the_c_library(void **state)
{
    static const char *const formats[] = {"%H:%M:%SZ", "%a, %d %b", "%a %b %e %H:%M:%S"};
    int64_t midnight = -62167219200;
    long days = 0;
    (void)state;

    for (; midnight < 253402300800; midnight += 86400, days++) {
        const time_t at = (time_t)(midnight + days * 7919 % 86400);
        struct ff_date date;
        struct tm tm;
        char part[64], text[128];
        int len;

        assert_non_null(gmtime_r(&at, &tm));
        strftime(part, sizeof(part), formats[days % 3], &tm);
        /* strftime() writes years without leading zeros. */
        int year = tm.tm_year + 1900;
        if (days % 3 == 0)
            len = snprintf(text, sizeof(text), "%04d-%02d-%02d %s", year, tm.tm_mon + 1, tm.tm_mday,
                           part);
        else if (days % 3 == 1)
            len = snprintf(text, sizeof(text), "%s %04d %02d:%02d:%02d GMT", part, year, tm.tm_hour,
                           tm.tm_min, tm.tm_sec);
        else
            len = snprintf(text, sizeof(text), "%s %04d", part, year);
        if (!ff_date_parse(text, (size_t)len, &date) || date.seconds != at)
            fail_msg("'%s' is not %lld", text, (long long)at);
    }
    assert_int_equal(days, 3652425);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc_3339),
        cmocka_unit_test(shorter_forms_of_it),
        cmocka_unit_test(fractions),
        cmocka_unit_test(rfc_5322),
        cmocka_unit_test(obsolete_zones_and_years),
        cmocka_unit_test(asctime_form),
        cmocka_unit_test(leap_years),
        cmocka_unit_test(leap_seconds_end_a_day_of_utc),
        cmocka_unit_test(the_years_0000_to_9999),
        cmocka_unit_test(days_and_times_that_do_not_exist),
        cmocka_unit_test(what_is_no_date),
        cmocka_unit_test(blanks_around_are_skipped),
        cmocka_unit_test(nul_bytes_are_no_part_of_a_date),
        cmocka_unit_test(every_day_is_that_of_the_c_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
