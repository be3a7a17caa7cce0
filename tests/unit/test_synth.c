#include <errno.h>
#include <framefs/synth.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct ff_synth parse(const char *text)
{
    struct ff_synth synth = {0};
    struct ff_error error;
    if (ff_synth_parse(text, &synth, &error) < 0)
        fail_msg("%s: %s", text, error.text);
    return synth;
}

static void assert_bytes(const char *text, uint64_t offset, const void *wanted, size_t len)
{
    struct ff_synth synth = parse(text);
    uint8_t buf[256];
    assert_true(len <= sizeof(buf));
    assert_int_equal(ff_synth_read(&synth, buf, len, offset), len);
    assert_memory_equal(buf, wanted, len);
}

static void counter_words_are_their_own_offset(void **state)
{
    (void)state;
    assert_bytes("1T", 0, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0\x10", 24);
    assert_bytes("1T:counter", 0x123456789d, "\x56\x78\x98\0\0\0\x12\x34\x56\x78\xa0", 11);
    assert_bytes("9223372036854775807", INT64_MAX - 9, "\xff\xf0\x7f\xff\xff\xff\xff\xff\xff", 9);
}

static void lines_are_64_bytes_with_their_number(void **state)
{
    (void)state;
    assert_bytes("1T:lines", 0,
                 "line 00000000000000000000 of the stream that framefs generates.\n"
                 "line 00000000000000000001 of the stream that framefs generates.\n",
                 128);
    assert_bytes("1T:lines", 64 * 9 + 4,
                 " 00000000000000000009 of the stream that framefs generates.\n"
                 "line 00000000000000000010 of",
                 60 + 28);
    assert_bytes("1T:lines", UINT64_C(64) * 99999999,
                 "line 00000000000099999999 of the stream that framefs generates.\n"
                 "line 00000000000100000000 of the stream that framefs generates.\n",
                 128);
    assert_bytes("9223372036854775807:lines", INT64_MAX - 63,
                 "line 00144115188075855871 of the stream that framefs generates.", 63);
}

static void a_byte_is_repeated(void **state)
{
    (void)state;
    assert_bytes("1M:byte:61", 77, "===", 3);
    assert_bytes("1M:byte:0x61", 0, "aaa", 3);
    assert_bytes("1M:byte:255", 1048573, "\xff\xff\xff", 3);
}

/* The first words of splitmix64 from the seed 1234567, as published with it; the others were
 * computed by another program. */
static void random_words_are_those_of_splitmix64(void **state)
{
    (void)state;
    assert_bytes("1G:random:1234567", 0,
                 "\x59\x9e\xd0\x17\xfb\x08\xfc\x85\x2c\x73\xf0\x84\x58\x54\x0f\xa5"
                 "\x88\x3e\xbc\xe5\xa3\xf2\x7c\x77",
                 24);
    assert_bytes("1G:random:0", 2, "\xa8\x39\x7b\x1d\xcd\xaf", 6);
    assert_bytes("9223372036854775807:random:7", INT64_MAX - 7, "\x19\xbf\x67\xbe\xa2\x94\xd9", 7);
    assert_bytes("1G:random:18446744073709551615", 0, "\xe4\xd9\x71\x77\x1b\x65\x2c\x20", 8);
    assert_bytes("1G:random:0xffffFFFFffffFFFF", 0, "\xe4\xd9\x71\x77\x1b\x65\x2c\x20", 8);
}

static void reads_end_at_the_size(void **state)
{
    (void)state;
    struct ff_synth synth = parse("100:lines");
    uint8_t buf[128];

    assert_int_equal(ff_synth_read(&synth, buf, 128, 0), 100);
    assert_int_equal(ff_synth_read(&synth, buf, 128, 99), 1);
    assert_int_equal(ff_synth_read(&synth, buf, 128, 100), 0);
    assert_int_equal(ff_synth_read(&synth, buf, 128, UINT64_MAX), 0);
    assert_int_equal(ff_synth_read(&synth, buf, 0, 0), 0);
    synth = parse("0");
    assert_int_equal(ff_synth_read(&synth, buf, 128, 0), 0);
    assert_int_equal(ff_synth_match(&synth, buf, 1, 0), 0);
}

static void match_stops_at_the_first_wrong_byte(void **state)
{
    (void)state;
    enum { BYTES = 20000 };
    uint8_t *buf = malloc(BYTES);
    struct ff_synth synth = parse("20000:random:3");

    assert_non_null(buf);
    assert_int_equal(ff_synth_read(&synth, buf, BYTES, 0), BYTES);
    assert_int_equal(ff_synth_match(&synth, buf, BYTES, 0), BYTES);
    assert_int_equal(ff_synth_match(&synth, buf, 0, 0), 0);
    assert_int_equal(ff_synth_match(&synth, buf + 777, BYTES - 777, 777), BYTES - 777);
    static const size_t places[] = {0, 1, 63, 64, 4095, 4096, 4097, 8191, 8192, 19999};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        buf[places[i]] ^= 0x80;
        assert_int_equal(ff_synth_match(&synth, buf, BYTES, 0), places[i]);
        buf[places[i]] ^= 0x80;
    }
    /* A byte past the end is wrong. */
    synth.size = 15000;
    assert_int_equal(ff_synth_match(&synth, buf, BYTES, 0), 15000);
    assert_int_equal(ff_synth_match(&synth, buf, 10, 15000), 0);
    free(buf);
}

static void sizes_and_patterns_are_parsed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct ff_synth synth;
    } cases[] = {
        {"0", {0, FF_SYNTH_COUNTER, 0}},
        {"1T", {UINT64_C(1) << 40, FF_SYNTH_COUNTER, 0}},
        {"100MB:lines", {100000000, FF_SYNTH_LINES, 0}},
        {"4096:byte:0x61", {4096, FF_SYNTH_BYTE, 0x61}},
        {"1:byte:0", {1, FF_SYNTH_BYTE, 0}},
        {"9223372036854775807:random:7", {FF_SYNTH_SIZE_MAX, FF_SYNTH_RANDOM, 7}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ff_synth synth = parse(cases[i].text);
        assert_int_equal(synth.size, cases[i].synth.size);
        assert_int_equal(synth.kind, cases[i].synth.kind);
        assert_int_equal(synth.value, cases[i].synth.value);
    }
    struct ff_synth synth;
    assert_int_equal(ff_synth_parse_pattern("random:0xA", 5, &synth, NULL), 0);
    assert_int_equal(synth.size, 5);
    assert_int_equal(synth.value, 10);
    assert_int_equal(ff_synth_parse_pattern("lines", FF_SYNTH_SIZE_MAX + 1, &synth, NULL), -ERANGE);
}

static void refusals_say_what_would_be_right(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int code;
        const char *says;
    } cases[] = {
        {"8E", -ERANGE, "9223372036854775807"},
        {"9223372036854775808:lines", -ERANGE, "9223372036854775807"},
        {"99999999999999999999", -ERANGE, "9223372036854775807"},
        {"", -EINVAL, "SIZE[:PATTERN]"},
        {"lines", -EINVAL, "SIZE[:PATTERN]"},
        {":lines", -EINVAL, "SIZE[:PATTERN]"},
        {"1.5G", -EINVAL, "SIZE[:PATTERN]"},
        {"-1", -EINVAL, "SIZE[:PATTERN]"},
        {"1T:", -EINVAL, "counter, lines, byte:V, random:SEED"},
        {"1T:conter", -EINVAL, "did you mean \"counter\"?"},
        {"1T:radnom:7", -EINVAL, "did you mean \"random\"?"},
        {"1T:zebra", -EINVAL, "counter, lines, byte:V, random:SEED"},
        {"1T:a\x1b[31m", -EINVAL, "a\\x1b[31m"},
        {"1T:lines:4", -EINVAL, "takes no value"},
        {"1T:counter:", -EINVAL, "takes no value"},
        {"1T:byte", -EINVAL, "byte:V"},
        {"1T:byte:", -EINVAL, "byte:V"},
        {"1T:byte:256", -ERANGE, "from 0 to 255"},
        {"1T:byte:0x", -EINVAL, "byte:V"},
        {"1T:byte:0x1g", -EINVAL, "byte:V"},
        {"1T:byte:a", -EINVAL, "byte:V"},
        {"1T:random", -EINVAL, "random:SEED"},
        {"1T:random:-1", -EINVAL, "random:SEED"},
        {"1T:random:18446744073709551616", -ERANGE, "18446744073709551615"},
        {"1T:random:0x10000000000000000", -ERANGE, "18446744073709551615"},
        {"1T:random:7:8", -EINVAL, "random:SEED"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ff_synth synth = {.size = 42};
        struct ff_error error;
        assert_int_equal(ff_synth_parse(cases[i].text, &synth, &error), cases[i].code);
        if (!strstr(error.text, cases[i].says))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].text, error.text, cases[i].says);
        assert_null(strpbrk(error.text, "\x1b\n"));
        assert_int_equal(synth.size, 42);
    }
    char long_text[5000];
    struct ff_synth synth;
    memset(long_text, '1', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = 0;
    assert_true(ff_synth_parse(long_text, &synth, NULL) < 0);
    memcpy(long_text, "1:", 2);
    assert_int_equal(ff_synth_parse(long_text, &synth, NULL), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counter_words_are_their_own_offset),
        cmocka_unit_test(lines_are_64_bytes_with_their_number),
        cmocka_unit_test(a_byte_is_repeated),
        cmocka_unit_test(random_words_are_those_of_splitmix64),
        cmocka_unit_test(reads_end_at_the_size),
        cmocka_unit_test(match_stops_at_the_first_wrong_byte),
        cmocka_unit_test(sizes_and_patterns_are_parsed),
        cmocka_unit_test(refusals_say_what_would_be_right),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
