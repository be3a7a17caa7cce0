/* Blocks of header lines: where they end, what is none, and the values in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/headers.h"

#define UNTOUCHED ((size_t)12345)

/* The first len bytes, in a copy of exact size, so that a sanitizer sees a read behind them. */
static enum ff_headers_result end_of(const char *bytes, size_t len, size_t *ret_len)
{
    uint8_t *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    enum ff_headers_result result = ff_headers_end(copy, len, ret_len);
    free(copy);
    return result;
}

/* However many bytes are given, they do not end before `decided` of them, and from there on are
 * what is said. */
static void expect(const char *bytes, size_t len, enum ff_headers_result want, size_t want_len,
                   size_t decided)
{
    for (size_t given = 0; given <= len; given++) {
        size_t got_len = UNTOUCHED;
        enum ff_headers_result got = end_of(bytes, given, &got_len);
        bool is_more = given < decided;
        if (got != (is_more ? FF_HEADERS_MORE : want) ||
            got_len != (is_more ? UNTOUCHED : want_len))
            fail_msg("%zu bytes of '%s': result %d, length %zu", given, bytes, (int)got, got_len);
    }
}

/* The block is all of the bytes; more that follow change nothing. */
static void is_block(const char *block)
{
    size_t len = strlen(block);
    char bytes[512];
    static const char *const followers[] = {"", "\n", "\r\n", "A: b\r\n", " x", "\0\xff"};

    for (size_t i = 0; i < sizeof(followers) / sizeof(*followers); i++) {
        memcpy(bytes, block, len);
        memcpy(bytes + len, followers[i], strlen(followers[i]) + 1);
        expect(bytes, len + strlen(followers[i]) + 1, FF_HEADERS_DONE, len, len);
    }
}

/* The line at `line` is none; byte `at` shows it. */
static void is_wrong(const char *bytes, size_t line, size_t at)
{
    expect(bytes, strlen(bytes), FF_HEADERS_WRONG, line, at + 1);
}

static void is_unfinished(const char *bytes)
{
    expect(bytes, strlen(bytes), FF_HEADERS_DONE, 0, strlen(bytes) + 1);
}

static void blocks_end_with_the_blank_line(void **state)
{
    (void)state;
    is_block("A: b\r\nContent-Length: 7\r\n\r\n");
    is_block("A: b\nContent-Length: 7\n\n");
    is_block("A: b\r\nB: c\n\r\n");
    is_block("A: b\nB: c\r\n\n");
    is_block("A:\r\n\r\n");
    is_block("A:b\n\n");
    is_block("!#$%&'*+-.^_`|~09az\"(),/;<=>?@[\\]{}: x\n\n");
    is_block("A: b: c:\n\n");
    /* Only a newline ends a line. */
    is_block("A: b\rB\r\r\n\r\n");
    is_block("A: \xff\x01\x80\n\n");
}

static void a_block_of_no_lines_is_the_blank_line(void **state)
{
    (void)state;
    is_block("\r\n");
    is_block("\n");
}

static void a_line_that_begins_with_a_blank_goes_on(void **state)
{
    (void)state;
    is_block("A: b\r\n c\r\n\td\r\n\r\n");
    is_block("A: b\n no colon here\n\n");
    is_block("A:\n b\nC: d\n\n");
    /* A line of blanks goes on too: it is not the blank line. */
    is_block("A: b\r\n \r\nC: d\r\n\r\n");
    is_wrong(" A: b\r\n\r\n", 0, 0);
    is_wrong("\tA: b\r\n\r\n", 0, 0);
}

static void lines_that_are_no_header_lines(void **state)
{
    (void)state;
    is_wrong("no colon\r\n\r\n", 0, 2);
    is_wrong("nocolon\n\n", 0, 7);
    is_wrong("nocolon\r\n\r\n", 0, 7);
    is_wrong("A: b\r\nnocolon\r\n\r\n", 6, 13);
    is_wrong("A: b\n c\nB c: d\n\n", 8, 9);
    is_wrong(": no name\n\n", 0, 0);
    is_wrong("A : b\n\n", 0, 1);
    is_wrong("\x7f: b\n\n", 0, 0);
    is_wrong("\x80: b\n\n", 0, 0);
    is_wrong("A\xc3\xa9: b\n\n", 0, 1);
    is_wrong("A: b\n\x01\n", 5, 5);
    is_wrong("\rA: b\n\n", 0, 1);
    is_wrong("A: b\n\r\r\n", 5, 6);
    expect("A\0B: c\n\n", 8, FF_HEADERS_WRONG, 0, 2);
    expect("A: b\n\0\n", 7, FF_HEADERS_WRONG, 5, 6);
    /* WARC's version line is for the description to take. */
    is_wrong("WARC/1.0\r\nA: b\r\n\r\n", 0, 8);
}

static void blocks_that_go_on(void **state)
{
    (void)state;
    is_unfinished("");
    is_unfinished("A");
    is_unfinished("A:");
    is_unfinished("A: b");
    is_unfinished("A: b\r");
    is_unfinished("A: b\r\n");
    is_unfinished("A: b\r\n\r");
    is_unfinished("A: b\r\n c");
    is_unfinished("\r");
}

/* The value that is found, of how many lines. NULL: none. */
static void value_is(const char *block, const char *name, unsigned int count, const char *value)
{
    size_t len = strlen(block), end, start = UNTOUCHED, value_len = UNTOUCHED;
    uint8_t *copy = malloc(len);
    assert_non_null(copy);
    memcpy(copy, block, len);
    assert_int_equal(ff_headers_end(copy, len, &end), FF_HEADERS_DONE);
    assert_int_equal(end, len);
    unsigned int got = ff_headers_find(copy, len, name, strlen(name), &start, &value_len);
    if (got != count)
        fail_msg("'%s': %u lines are named '%s', not %u", block, got, name, count);
    if (!value) {
        assert_int_equal(start, UNTOUCHED);
        assert_int_equal(value_len, UNTOUCHED);
    } else if (value_len != strlen(value) || start + value_len > len ||
               memcmp(copy + start, value, value_len) != 0) {
        fail_msg("'%s': the value of '%s' begins at %zu and is %zu bytes", block, name, start,
                 value_len);
    }
    free(copy);
}

static void values_come_without_the_blanks_around(void **state)
{
    static const char block[] = "Content-Type: text/plain; a=\"b c\" \t\r\n"
                                "Content-Length:17\r\n"
                                "Date:\t \tx\r\n"
                                "Empty:\r\n"
                                "Blank:  \t \r\n"
                                "X: :y:\r\n"
                                "\r\n";
    (void)state;
    value_is(block, "Content-Type", 1, "text/plain; a=\"b c\"");
    value_is(block, "Content-Length", 1, "17");
    value_is(block, "Date", 1, "x");
    value_is(block, "Empty", 1, "");
    value_is(block, "Blank", 1, "");
    value_is(block, "X", 1, ":y:");
    value_is("A: b\n\n", "A", 1, "b");
    value_is("A: \r\n\r\n", "A", 1, "");
    value_is("A: b\r\r\n\n", "A", 1, "b");
}

static void names_are_found_in_any_case(void **state)
{
    static const char block[] = "cOnTent-lEngth: 17\r\nA[: x\r\nA{: y\r\n\r\n";
    (void)state;
    value_is(block, "Content-Length", 1, "17");
    value_is(block, "content-length", 1, "17");
    value_is(block, "CONTENT-LENGTH", 1, "17");
    /* '[' and '{' differ by what upper and lower case do. */
    value_is(block, "a[", 1, "x");
    value_is(block, "a{", 1, "y");
}

static void names_are_whole(void **state)
{
    static const char block[] = "Content-Length: 17\r\nLength: 18\r\nNote: x\r\n Folded: 19\r\n"
                                "Other: Inner: 20\r\n\r\n";
    (void)state;
    value_is(block, "Length", 1, "18");
    value_is(block, "Content", 0, NULL);
    value_is(block, "Content-Length:", 0, NULL);
    value_is(block, "Content-Length: 17", 0, NULL);
    value_is(block, "Content-Lengths", 0, NULL);
    value_is(block, "Folded", 0, NULL);
    value_is(block, "Inner", 0, NULL);
    value_is(block, "", 0, NULL);
    value_is("\r\n", "A", 0, NULL);
    value_is("\n", "", 0, NULL);
}

static void of_several_lines_the_first_counts(void **state)
{
    static const char block[] = "A: 1\r\nB: 2\r\na: 3\r\nA:\r\nA: 1\r\n\r\n";
    (void)state;
    value_is(block, "A", 4, "1");
    value_is(block, "B", 1, "2");
    value_is("A:\nA: 2\n\n", "A", 2, "");
}

static void folded_values_are_whole(void **state)
{
    static const char block[] = "A: b\r\n c\r\n\td \r\nE:\r\n f\r\nG: h\n \r\n\t\nI: j\r\n\r\n";
    (void)state;
    value_is(block, "A", 1, "b\r\n c\r\n\td");
    value_is(block, "E", 1, "f");
    value_is(block, "G", 1, "h");
    value_is(block, "I", 1, "j");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_end_with_the_blank_line),
        cmocka_unit_test(a_block_of_no_lines_is_the_blank_line),
        cmocka_unit_test(a_line_that_begins_with_a_blank_goes_on),
        cmocka_unit_test(lines_that_are_no_header_lines),
        cmocka_unit_test(blocks_that_go_on),
        cmocka_unit_test(values_come_without_the_blanks_around),
        cmocka_unit_test(names_are_found_in_any_case),
        cmocka_unit_test(names_are_whole),
        cmocka_unit_test(of_several_lines_the_first_counts),
        cmocka_unit_test(folded_values_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
