#include "base/units.h"

#include <errno.h>
#include <iconv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void u64_takes_decimal_digits_only(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int result;
        uint64_t value;
    } cases[] = {
        {"0", 0, 0},
        {"007", 0, 7},
        {"18446744073709551615", 0, UINT64_MAX},
        {"18446744073709551616", -ERANGE, 0},
        {"99999999999999999999999999", -ERANGE, 0},
        {"99999999999999999999999999x", -EINVAL, 0},
        {"", -EINVAL, 0},
        {" 1", -EINVAL, 0},
        {"1 ", -EINVAL, 0},
        {"+1", -EINVAL, 0},
        {"-1", -EINVAL, 0},
        {"0x10", -EINVAL, 0},
        {"1k", -EINVAL, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t value = 42;
        assert_int_equal(ff_parse_u64(cases[i].text, &value), cases[i].result);
        assert_int_equal(value, cases[i].result ? 42 : cases[i].value);
    }
}

static void sizes_have_binary_and_decimal_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int result;
        uint64_t bytes;
    } cases[] = {
        {"0", 0, 0},
        {"123", 0, 123},
        {"123B", 0, 123},
        {"123b", 0, 123},
        {"1K", 0, 1024},
        {"1k", 0, 1024},
        {"1KiB", 0, 1024},
        {"1kib", 0, 1024},
        {"1kB", 0, 1000},
        {"1KB", 0, 1000},
        {"3M", 0, 3145728},
        {"3MB", 0, 3000000},
        {"2GiB", 0, 2147483648},
        {"2GB", 0, 2000000000},
        {"1T", 0, UINT64_C(1) << 40},
        {"1TB", 0, UINT64_C(1000000000000)},
        {"1P", 0, UINT64_C(1) << 50},
        {"1PB", 0, UINT64_C(1000000000000000)},
        {"15E", 0, UINT64_C(15) << 60},
        {"18EB", 0, UINT64_C(18000000000000000000)},
        {"0E", 0, 0},
        {"16E", -ERANGE, 0},
        {"19EB", -ERANGE, 0},
        {"18446744073709551616", -ERANGE, 0},
        {"18446744073709551616Q", -EINVAL, 0},
        {"", -EINVAL, 0},
        {"K", -EINVAL, 0},
        {"1 K", -EINVAL, 0},
        {"1Ki", -EINVAL, 0},
        {"1iB", -EINVAL, 0},
        {"1KK", -EINVAL, 0},
        {"1BB", -EINVAL, 0},
        {"1KiBs", -EINVAL, 0},
        {"1Z", -EINVAL, 0},
        {"1.5K", -EINVAL, 0},
        {"-1", -EINVAL, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t bytes = 42;
        assert_int_equal(ff_parse_size(cases[i].text, &bytes), cases[i].result);
        assert_int_equal(bytes, cases[i].result ? 42 : cases[i].bytes);
    }
}

static void sizes_are_shown_with_at_most_three_digits(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},
        {999, "999 B"},
        {1000, "0.98 KiB"},
        {1023, "1 KiB"},
        {1024, "1 KiB"},
        {1536, "1.5 KiB"},
        {10240, "10 KiB"},
        {10291, "10 KiB"},
        {10292, "10.1 KiB"},
        {999 * 1024, "999 KiB"},
        {999 * 1024 + 511, "999 KiB"},
        {999 * 1024 + 512, "0.98 MiB"},
        {1048576, "1 MiB"},
        {UINT64_C(1) << 40, "1 TiB"},
        {UINT64_C(3) << 59, "1.5 EiB"},
        {(UINT64_C(1) << 63) - 1, "8 EiB"},
        {UINT64_MAX, "16 EiB"},
    };
    char buf[FF_SIZE_TEXT_BYTES];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(ff_format_size(buf, cases[i].bytes), cases[i].text);

    /* No carry makes a fourth digit. */
    for (unsigned int shift = 0; shift < 64; shift++) {
        for (uint64_t thousandths = 1; thousandths < 2000; thousandths++) {
            uint64_t bytes = ((UINT64_C(1) << shift) / 1000) * thousandths;
            unsigned int digits = 0;
            for (const char *c = ff_format_size(buf, bytes); *c; c++)
                digits += *c >= '0' && *c <= '9';
            assert_in_range(digits, 1, 3);
        }
    }
}

static void a_digit_has_its_value_in_the_bases_that_have_it(void **state)
{
    (void)state;
    static const char digits[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";

    for (unsigned int c = 0; c < 256; c++) {
        const char *found = c ? strchr(digits, (int)c) : NULL;
        int value = found ? (int)(found - digits) : -1;
        found = c ? strchr(upper, (int)c) : NULL;
        if (found)
            value = (int)(found - upper);
        for (unsigned int base = 8; base <= 16; base++)
            assert_int_equal(ff_digit_value((uint8_t)c, base), value < (int)base ? value : -1);
    }
}

static void assert_escape(const char *text, size_t len, const char *wanted)
{
    char out[256];
    assert_int_equal(ff_escape(out, sizeof(out), text, len), strlen(wanted));
    assert_string_equal(out, wanted);
}

#define ASSERT_ESCAPE(text, wanted) assert_escape("" text, sizeof(text) - 1, wanted)

static void escaped_text_cannot_reach_the_terminal(void **state)
{
    (void)state;
    ASSERT_ESCAPE("", "");
    ASSERT_ESCAPE("plain text ~", "plain text ~");
    ASSERT_ESCAPE("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x8c",
                  "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\x8c");
    ASSERT_ESCAPE("a\0b\n\t\x1b[31m\x7f", "a\\x00b\\x0a\\x09\\x1b[31m\\x7f");
    ASSERT_ESCAPE("back\\slash", "back\\x5cslash");
    /* C1: CSI as one character. */
    ASSERT_ESCAPE("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "\\xc2\\x80\\xc2\\x9b\\xc2\\x9f\xc2\xa0");
    /* bidi: U+202A..202E, U+2066..2069 and the marks; their neighbours stay. */
    ASSERT_ESCAPE("\xe2\x80\xaa\xe2\x80\xae\xe2\x80\xaf",
                  "\\xe2\\x80\\xaa\\xe2\\x80\\xae\xe2\x80\xaf");
    ASSERT_ESCAPE("\xe2\x81\xa5\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa",
                  "\xe2\x81\xa5\\xe2\\x81\\xa6\\xe2\\x81\\xa9\xe2\x81\xaa");
    ASSERT_ESCAPE("\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c", "\\xe2\\x80\\x8e\\xe2\\x80\\x8f\\xd8\\x9c");
    ASSERT_ESCAPE("\xe2\x80\xa8\xe2\x80\xa9", "\\xe2\\x80\\xa8\\xe2\\x80\\xa9");
    /* Not UTF-8: stray, cut, overlong, surrogate, past U+10FFFF. */
    ASSERT_ESCAPE("\x80\xff\xfe", "\\x80\\xff\\xfe");
    ASSERT_ESCAPE("\xc3", "\\xc3");
    ASSERT_ESCAPE("\xe2\x82", "\\xe2\\x82");
    ASSERT_ESCAPE("\xe2\x82x", "\\xe2\\x82x");
    ASSERT_ESCAPE("\xc0\xaf\xc1\xbf", "\\xc0\\xaf\\xc1\\xbf");
    ASSERT_ESCAPE("\xe0\x80\x8a", "\\xe0\\x80\\x8a");
    ASSERT_ESCAPE("\xf0\x82\x82\xac", "\\xf0\\x82\\x82\\xac");
    ASSERT_ESCAPE("\xed\xa0\x80\xed\xbf\xbf\xed\x9f\xbf",
                  "\\xed\\xa0\\x80\\xed\\xbf\\xbf\xed\x9f\xbf");
    ASSERT_ESCAPE("\xf4\x8f\xbf\xbd\xf4\x90\x80\x80", "\xf4\x8f\xbf\xbd\\xf4\\x90\\x80\\x80");
    ASSERT_ESCAPE("\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80");
}

static size_t unescape(uint8_t *out, const char *text)
{
    size_t len = 0;
    while (*text) {
        if (*text == '\\') {
            char hex[3] = {text[2], text[3], 0};
            assert_int_equal(text[1], 'x');
            out[len++] = (uint8_t)strtoul(hex, NULL, 16);
            text += 4;
        } else {
            out[len++] = (uint8_t)*text++;
        }
    }
    return len;
}

/* The C library's own converter judges what is UTF-8. */
static void any_bytes_become_valid_text_and_can_be_got_back(void **state)
{
    (void)state;
    static const uint8_t alphabet[] = {0x00, 0x41, 0x5c, 0x7f, 0x80, 0x8e, 0x8f, 0x90, 0x9f,
                                       0xa0, 0xaa, 0xae, 0xbf, 0xc0, 0xc2, 0xdf, 0xe0, 0xe2,
                                       0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff, 0x81, 0xa6, 0x0a};
    const size_t n = sizeof(alphabet);
    iconv_t converter = iconv_open("UCS-4LE", "UTF-8");
    assert_true(converter != (iconv_t)-1);

    for (size_t i = 0; i < n * n * n * n; i++) {
        const uint8_t text[] = {alphabet[i % n], alphabet[i / n % n], alphabet[i / n / n % n],
                                alphabet[i / n / n / n]};
        char out[32];
        uint8_t back[32];
        uint32_t codes[32];
        size_t len = ff_escape(out, sizeof(out), text, sizeof(text));
        assert_int_equal(out[len], 0);
        assert_int_equal(unescape(back, out), sizeof(text));
        assert_memory_equal(back, text, sizeof(text));

        char *in = out, *to = (char *)codes;
        size_t to_left = sizeof(codes);
        assert_int_equal(iconv(converter, &in, &len, &to, &to_left), 0);
        size_t count = (sizeof(codes) - to_left) / sizeof(codes[0]);
        for (size_t j = 0; j < count; j++) {
            assert_true(codes[j] >= 0x20 && (codes[j] < 0x7f || codes[j] > 0x9f));
            assert_false(codes[j] >= 0x202a && codes[j] <= 0x202e);
            assert_false(codes[j] >= 0x2066 && codes[j] <= 0x2069);
        }
    }
    iconv_close(converter);
}

static void escaped_text_is_cut_at_whole_characters(void **state)
{
    (void)state;
    static const char text[] = "a\n\xe2\x82\xac\xc2\x9b.";
    static const size_t ends[] = {0, 1, 5, 8, 16, 17};
    char whole[64];
    size_t whole_len = ff_escape(whole, sizeof(whole), text, sizeof(text) - 1);

    assert_int_equal(whole_len, 17);
    for (size_t size = 1; size <= whole_len + 1; size++) {
        char *out = malloc(size); /* exact, for the sanitizer to see a byte too many */
        size_t wanted = 0;
        assert_non_null(out);
        for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
            if (ends[i] < size)
                wanted = ends[i];
        assert_int_equal(ff_escape(out, size, text, sizeof(text) - 1), wanted);
        assert_memory_equal(out, whole, wanted);
        assert_int_equal(out[wanted], 0);
        free(out);
    }
}

static void typos_find_the_nearest_word(void **state)
{
    (void)state;
    static const char *const words[] = {"counter", "lines", "byte", "random", "", NULL};
    static const char *const none[] = {NULL};
    char long_word[200];

    assert_string_equal(ff_nearest("conter", words), "counter");
    assert_string_equal(ff_nearest("cuonter", words), "counter");
    assert_string_equal(ff_nearest("Lines", words), "lines");
    assert_string_equal(ff_nearest("line", words), "lines");
    assert_string_equal(ff_nearest("bytes", words), "byte");
    assert_string_equal(ff_nearest("radnom", words), "random");
    assert_string_equal(ff_nearest("btye", words), "byte");
    assert_string_equal(ff_nearest("byte", words), "byte");
    assert_null(ff_nearest("zebra", words));
    assert_null(ff_nearest("l", words));
    assert_null(ff_nearest("", words));
    assert_null(ff_nearest("lines", none));
    memset(long_word, 'c', sizeof(long_word) - 1);
    long_word[sizeof(long_word) - 1] = 0;
    assert_null(ff_nearest(long_word, words));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(u64_takes_decimal_digits_only),
        cmocka_unit_test(sizes_have_binary_and_decimal_units),
        cmocka_unit_test(sizes_are_shown_with_at_most_three_digits),
        cmocka_unit_test(a_digit_has_its_value_in_the_bases_that_have_it),
        cmocka_unit_test(escaped_text_cannot_reach_the_terminal),
        cmocka_unit_test(any_bytes_become_valid_text_and_can_be_got_back),
        cmocka_unit_test(escaped_text_is_cut_at_whole_characters),
        cmocka_unit_test(typos_find_the_nearest_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
