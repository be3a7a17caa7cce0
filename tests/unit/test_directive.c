#include "format/directive.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct ff_directives set(const char *key, const char *value)
{
    struct ff_directives directives = {.max = 0};
    struct ff_error error = {0};
    int r = ff_directive_set(&directives, key, value, &error);

    if (r < 0)
        print_error("%s = %s: %s\n", key, value, error.text);
    assert_int_equal(r, 0);
    return directives;
}

static void refuses(const char *key, const char *value, int code, const char *part)
{
    struct ff_directives directives, before;
    struct ff_error error = {0};

    memset(&directives, 0x5a, sizeof(directives));
    memcpy(&before, &directives, sizeof(before));
    int r = ff_directive_set(&directives, key, value, &error);
    if (r != code || !strstr(error.text, part))
        print_error("%s = %s: %d %s\n", key, value, r, error.text);
    assert_int_equal(r, code);
    assert_non_null(strstr(error.text, part));
    assert_memory_equal(&directives, &before, sizeof(before));
}

static void bytes_are_a_literal_with_the_escapes_of_descriptions(void **state)
{
    (void)state;
    struct ff_directives grib = set("resync", "\"GRIB\"");
    assert_int_equal(grib.resync.len, 4);
    assert_memory_equal(grib.resync.bytes, "GRIB", 4);
    assert_int_equal(grib.glue.len, 0);
    struct ff_directives glue = set("glue", "\"\\x0a\\x23\\xD7\\xce\\n\\r\\t\\0\\\\\\\"\"");
    assert_int_equal(glue.glue.len, 10);
    assert_memory_equal(glue.glue.bytes, "\x0a\x23\xd7\xce\n\r\t\0\\\"", 10);
    refuses("resync", "GRIB", -EINVAL, "in quotes");
    refuses("resync", "\"GRIB", -EINVAL, "in quotes");
    refuses("resync", "\"", -EINVAL, "in quotes");
    refuses("resync", "\"\"", -EINVAL, "in quotes");
    refuses("resync", "", -EINVAL, "in quotes");
    refuses("resync", "\"a\" \"b\"", -EINVAL, "one literal");
    refuses("glue", "\"\\q\"", -EINVAL, "\\xHH");
    refuses("glue", "\"\\x0\"", -EINVAL, "\\xHH");
    refuses("glue", "\"a\\\"", -EINVAL, "\\xHH");
}

static void bytes_have_a_limit(void **state)
{
    (void)state;
    char value[FF_DIRECTIVE_BYTES_MAX + 4] = "\"";
    memset(value + 1, 'a', FF_DIRECTIVE_BYTES_MAX);
    strcpy(value + 1 + FF_DIRECTIVE_BYTES_MAX, "\"");
    assert_int_equal(set("resync", value).resync.len, FF_DIRECTIVE_BYTES_MAX);
    strcpy(value + 1 + FF_DIRECTIVE_BYTES_MAX, "a\"");
    refuses("resync", value, -EOVERFLOW, "at most 64 bytes");
}

static void a_tail_is_zeros_or_junk(void **state)
{
    (void)state;
    assert_int_equal(set("tail", "zeros").tail, FF_TAIL_ZEROS);
    assert_int_equal(set("tail", "junk").tail, FF_TAIL_JUNK);
    refuses("tail", "none", -EINVAL, "zeros or junk");
    refuses("tail", "", -EINVAL, "zeros or junk");
}

static void signfrag_stands_alone(void **state)
{
    (void)state;
    assert_true(set("signfrag", "").signfrag);
    refuses("signfrag", "no", -EINVAL, "no value");
}

static void a_block_has_a_size_and_a_smallest_header(void **state)
{
    (void)state;
    struct ff_directives leveldb = set("block", "32768/7");
    assert_int_equal(leveldb.block, 32768);
    assert_int_equal(leveldb.block_header, 7);
    assert_int_equal(set("block", "32K/11").block, 32768);
    assert_int_equal(set("block", "16/15").block, FF_BLOCK_MIN_BYTES);
    assert_int_equal(set("block", "16M/1").block, FF_BLOCK_MAX_BYTES);
    refuses("block", "15/1", -EINVAL, "from 16 bytes to 16M");
    refuses("block", "16777217/1", -EINVAL, "from 16 bytes to 16M");
    refuses("block", "18446744073709551616/7", -EINVAL, "from 16 bytes to 16M");
    refuses("block", "16/16", -EINVAL, "smaller than the block");
    refuses("block", "16/0", -EINVAL, "at least 1 byte");
    refuses("block", "16/", -EINVAL, "at least 1 byte");
    refuses("block", "16", -EINVAL, "such as");
    refuses("block", "/7", -EINVAL, "such as");
    /* As many digits as there is room for, and one more. */
    assert_int_equal(set("block", "00000000000000000032768/7").block, 32768);
    refuses("block", "000000000000000000032768/7", -EINVAL, "such as");
    refuses("block", "32768 / 7", -EINVAL, "from 16 bytes");
}

static void the_largest_frame_is_a_size(void **state)
{
    (void)state;
    assert_int_equal(set("max", "1").max, 1);
    assert_int_equal(set("max", "64M").max, 64 << 20);
    assert_true(set("max", "9223372036854775807").max == (UINT64_C(1) << 63) - 1);
    refuses("max", "9223372036854775808", -EINVAL, "2^63-1");
    refuses("max", "0", -EINVAL, "from 1 byte");
    refuses("max", "-1", -EINVAL, "from 1 byte");
    refuses("max", "", -EINVAL, "from 1 byte");
}

/* Expected: date -u -d 1904-01-01 +%s and so on. */
static void an_epoch_is_a_date_or_seconds(void **state)
{
    (void)state;
    assert_true(set("epoch", "1904-01-01").epoch_s == -2082844800);
    assert_true(set("epoch", "2000-01-01").epoch_s == 946684800);
    assert_true(set("epoch", "1980-01-06T00:00:00Z").epoch_s == 315964800);
    assert_true(set("epoch", "946684800").epoch_s == 946684800);
    assert_true(set("epoch", "-11644473600").epoch_s == -11644473600);
    assert_true(set("epoch", "9223372036854775807").epoch_s == INT64_MAX);
    refuses("epoch", "9223372036854775808", -EINVAL, "seconds since");
    refuses("epoch", "1904-13-01", -EINVAL, "a date");
    refuses("epoch", "2000-01-01T00:00:00.5Z", -EINVAL, "whole number");
    refuses("epoch", "-", -EINVAL, "a date");
    refuses("epoch", "", -EINVAL, "a date");
}

static void other_keys_are_none(void **state)
{
    (void)state;
    refuses("frame", "data", -ENOENT, "");
    refuses("Resync", "\"a\"", -ENOENT, "");
    refuses("", "", -ENOENT, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_a_literal_with_the_escapes_of_descriptions),
        cmocka_unit_test(bytes_have_a_limit),
        cmocka_unit_test(a_tail_is_zeros_or_junk),
        cmocka_unit_test(signfrag_stands_alone),
        cmocka_unit_test(a_block_has_a_size_and_a_smallest_header),
        cmocka_unit_test(the_largest_frame_is_a_size),
        cmocka_unit_test(an_epoch_is_a_date_or_seconds),
        cmocka_unit_test(other_keys_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
