/* Bytes that are no archive are of no format: noise, text, zeros, arrays of numbers, programs. */
#include <errno.h>
#include <framefs/framefs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prop.h"

#define BYTES_MAX ((size_t)256 << 10)

static uint8_t bytes[BYTES_MAX];

static void is_of_no_format(size_t len, const char *what)
{
    const struct ff_head head = {.buf = bytes, .len = len, .size = len};
    struct ff_format *format = NULL;
    struct ff_error error = {0};

    int r = ff_format_detect(NULL, &head, &format, &error);
    if (r == 0)
        print_error("%s of %zu bytes is taken for %s\n", what, len, ff_format_name(format));
    ff_format_free(format);
    assert_int_equal(r, -ENOENT);
    assert_true(error.text[0]);
}

static size_t some_len(struct ff_prop *prop)
{
    return 1 + ff_prop_below(prop, (uint64_t)1 << ff_prop_below(prop, 18));
}

static void noise(struct ff_prop *prop, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)ff_prop_below(prop, 256);
}

static void text(struct ff_prop *prop, size_t len)
{
    static const char *const words[] = {"the ",  "lazy ", "dog, ", "{\"a\": 1, ", "10 ",  "-3.5,",
                                        "\n",    "if (",  "x);\n", "<li>",        "0x7f", "From ",
                                        "len: ", "\r\n",  "GET /", "1234567890 "};
    size_t at = 0;
    while (at < len) {
        const char *word = words[ff_prop_below(prop, sizeof(words) / sizeof(*words))];
        for (; *word && at < len; word++)
            bytes[at++] = (uint8_t)*word;
    }
}

/* Numbers of that width below a limit, in either order. */
static void numbers(struct ff_prop *prop, size_t len)
{
    size_t width = (size_t)1 << ff_prop_below(prop, 4);
    uint64_t limit = (uint64_t)1 << (1 + ff_prop_below(prop, width < 4 ? 8 * width : 32));
    bool big = ff_prop_below(prop, 2);

    for (size_t at = 0; at < len; at += width) {
        uint64_t number = ff_prop_below(prop, limit);
        for (size_t i = 0; i < width && at + i < len; i++)
            bytes[at + i] = (uint8_t)(number >> 8 * (big ? width - 1 - i : i));
    }
}

static void repeated(struct ff_prop *prop, size_t len)
{
    size_t period = 1 + ff_prop_below(prop, 64);
    noise(prop, period < len ? period : len);
    for (size_t i = period; i < len; i++)
        bytes[i] = bytes[i - period];
}

static void what_is_no_archive_is_of_no_format(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        void (*fill)(struct ff_prop *prop, size_t len);
    } kinds[] = {{"noise", noise}, {"text", text}, {"an array", numbers}, {"a pattern", repeated}};
    struct ff_prop prop = ff_prop_start(23);

    for (unsigned long round = 0; round < ff_prop_rounds(500); round++)
        for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
            size_t len = some_len(&prop);
            kinds[k].fill(&prop, len);
            is_of_no_format(len, kinds[k].what);
        }
}

static void bytes_that_are_all_alike_are_of_no_format(void **state)
{
    (void)state;
    static const int values[] = {0, 1, 0x20, '0', 0x7f, 0x80, 0xff};
    for (size_t v = 0; v < sizeof(values) / sizeof(*values); v++)
        for (size_t len = 1; len <= BYTES_MAX; len = len * 3 + 1) {
            memset(bytes, values[v], len);
            is_of_no_format(len, "a run of one byte");
        }
}

/* This program itself. Its pieces but the first begin at odd places: its frames of unwinding
 * (.eh_frame) are a chain of lengths in earnest, and begin at even ones. */
static void a_program_is_of_no_format(void **state)
{
    (void)state;
    FILE *file = fopen("/proc/self/exe", "rb");
    assert_non_null(file);
    for (int piece = 0; piece < 8; piece++) {
        size_t len = fread(bytes, 1, 65536, file);
        if (len == 0)
            break;
        is_of_no_format(len, "a piece of a program");
        if (piece == 0)
            (void)fgetc(file);
    }
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_archive_is_of_no_format),
        cmocka_unit_test(bytes_that_are_all_alike_are_of_no_format),
        cmocka_unit_test(a_program_is_of_no_format),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
