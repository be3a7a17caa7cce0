/* Which format an archive has: what is told, what is not, and why. */
#include <errno.h>
#include <framefs/framefs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static int detect(const void *bytes, size_t len, char *ret_text)
{
    const struct ff_head head = {.buf = bytes, .len = len, .size = len};
    struct ff_format *format;
    struct ff_error error = {0};

    int r = ff_format_detect(NULL, &head, &format, &error);
    strcpy(ret_text, r == 0 ? ff_format_name(format) : error.text);
    if (r == 0)
        ff_format_free(format);
    return r;
}

static void the_format_is_named_or_it_is_said_why_not(void **state)
{
    (void)state;
    static const char pcap[] = "\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0";
    char text[FF_ERROR_TEXT_BYTES];

    assert_int_equal(detect(pcap, 24, text), 0);
    assert_string_equal(text, "pcap");
    assert_int_equal(detect("\x1f\x8b\x08\0garbage", 11, text), -ENOENT);
    assert_non_null(strstr(text, "gzip"));
    assert_int_equal(detect("hello, world\n", 13, text), -ENOENT);
    assert_int_equal(detect("", 0, text), -ENOENT);
    /* Two lengths that fit by chance, as MRT has them, and a third that does not. */
    uint8_t chance[2 * 112 + 12];
    memset(chance, 'x', sizeof(chance));
    for (size_t at = 0; at < sizeof(chance); at += 112)
        memcpy(chance + at + 8, "\0\0\0\x64", 4);
    assert_int_equal(detect(chance, sizeof(chance), text), -ENOENT);
    assert_int_equal(detect("\x05\0\0\0\0", 5, text), -ENOENT);
    assert_non_null(strstr(text, "bson would"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_format_is_named_or_it_is_said_why_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
