#include "tree/label.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void is_escaped(const char *text, const char *wanted)
{
    char buf[FF_LABEL_BYTES];

    assert_int_equal(ff_label_escape(buf, sizeof(buf), text), strlen(wanted));
    assert_string_equal(buf, wanted);
}

static void what_no_file_name_can_hold_is_escaped(void **state)
{
    (void)state;
    is_escaped("", "");
    is_escaped("plain name.txt", "plain name.txt");
    is_escaped("../../x", "..%2F..%2Fx");
    is_escaped("a/b", "a%2Fb");
    is_escaped("/", "%2F");
    is_escaped(".", "%2E");
    is_escaped("..", "%2E.");
    is_escaped("...", "...");
    is_escaped(".framefs", ".framefs");
    is_escaped("100%", "100%25");
    is_escaped("a%2Fb", "a%252Fb");
    /* As details tell them: a control byte, a byte that is no UTF-8, a backslash. */
    is_escaped("\\x0a\\xff\\x5c", "%0A%FF%5C");
    is_escaped("\\x0", "%5Cx0");
    is_escaped("\\xg0\\", "%5Cxg0%5C");
    is_escaped("\xc3\xa4/\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4%2F\xe2\x82\xac\xf0\x9f\x98\x80");
}

static void a_label_is_cut_between_characters(void **state)
{
    (void)state;
    /* 1 + 2 + 3 + 3 + 4 bytes */
    static const char text[] = "a\xc3\xa4/\xe2\x82\xac\xf0\x9f\x98\x80";
    static const char label[] = "a\xc3\xa4%2F\xe2\x82\xac\xf0\x9f\x98\x80";
    static const size_t lens[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 9, 9, 9, 9, 13, 13};
    char buf[FF_LABEL_BYTES];

    for (size_t room = 0; room < sizeof(lens) / sizeof(lens[0]); room++) {
        assert_int_equal(ff_label_escape(buf, room + 1, text), lens[room]);
        assert_memory_equal(buf, label, lens[room]);
        assert_int_equal(buf[lens[room]], '\0');
        assert_int_equal(ff_label_cut(label, sizeof(label) - 1, room), lens[room]);
    }
}

static void a_numbered_name_begins_with_the_number(void **state)
{
    (void)state;
    char buf[FF_LABEL_BYTES];
    uint64_t number = 7;

    assert_int_equal(ff_label_numbered(buf, FF_TREE_FLAT, 42, "a/b", ".x"), 16);
    assert_string_equal(buf, "00000042-a%2Fb.x");
    assert_int_equal(ff_label_parse_numbered(buf, FF_TREE_FLAT, &number), 0);
    assert_int_equal(number, 42);
    assert_int_equal(ff_label_parse_numbered(buf, FF_TREE_TREE, &number), -ENOENT);
    ff_label_numbered(buf, FF_TREE_TREE, 1234567890, "..", "");
    assert_string_equal(buf, "1234567890-%2E.");
    assert_int_equal(ff_label_parse_numbered(buf, FF_TREE_TREE, &number), 0);
    assert_int_equal(number, 1234567890);
    ff_label_numbered(buf, FF_TREE_FLAT, 42, "", ".x");
    assert_string_equal(buf, "00000042.x");

    static const char *const wrong[] = {
        "", "-", "a", "42-a", "000000042-a", "-00000042", "99999999999999999999999-a", "+0000042"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(ff_label_parse_numbered(wrong[i], FF_TREE_FLAT, &number), -ENOENT);
    assert_int_equal(number, 1234567890);
}

static void names_have_at_most_255_bytes(void **state)
{
    (void)state;
    char text[300], buf[FF_LABEL_BYTES], label[FF_LABEL_BYTES];

    memset(text, 'n', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (size_t len = 230; len < sizeof(text); len++) {
        text[len] = '\0';
        size_t numbered = ff_label_numbered(buf, FF_TREE_FLAT, 1, text, ".ext");
        assert_int_equal(numbered, len + 13 < 255 ? len + 13 : 255);
        assert_int_equal(strlen(buf), numbered);
        assert_memory_equal(buf, "00000001-nnn", 12);
        assert_string_equal(buf + numbered - 5, "n.ext");

        ff_label_escape(label, sizeof(label), text);
        size_t plain = ff_label_plain(buf, label, ".ext");
        assert_int_equal(plain, len + 4 < 255 ? len + 4 : 255);
        assert_int_equal(strlen(buf), plain);
        assert_string_equal(buf + plain - 5, "n.ext");

        size_t unique = ff_label_unique(buf, label, 1, ".ext");
        assert_int_equal(unique, len + 13 < 255 ? len + 13 : 255);
        assert_int_equal(strlen(buf), unique);
        assert_string_equal(buf + unique - 14, "n-00000001.ext");
        text[len] = 'n';
    }
}

static void a_unique_name_ends_with_the_number(void **state)
{
    (void)state;
    char buf[FF_LABEL_BYTES];
    uint64_t number;

    assert_int_equal(ff_label_plain(buf, "a-b", ".x"), 5);
    assert_string_equal(buf, "a-b.x");
    assert_int_equal(ff_label_unique(buf, "a-b", 42, ".x"), 14);
    assert_string_equal(buf, "a-b-00000042.x");
    assert_int_equal(ff_label_parse_unique(buf, ".x", &number), 0);
    assert_int_equal(number, 42);
    ff_label_unique(buf, "", 43, "");
    assert_string_equal(buf, "00000043");
    assert_int_equal(ff_label_parse_unique(buf, "", &number), 0);
    assert_int_equal(number, 43);

    static const char *const wrong[] = {"",
                                        ".x",
                                        "x",
                                        "a-b.x",
                                        "a-00000042",
                                        "a-00000042.y",
                                        "a-42.x",
                                        "a-000000042.x",
                                        "a-00000042b.x",
                                        "00000042-.x"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(ff_label_parse_unique(wrong[i], ".x", &number), -ENOENT);
    assert_int_equal(number, 43);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_no_file_name_can_hold_is_escaped),
        cmocka_unit_test(a_label_is_cut_between_characters),
        cmocka_unit_test(a_numbered_name_begins_with_the_number),
        cmocka_unit_test(names_have_at_most_255_bytes),
        cmocka_unit_test(a_unique_name_ends_with_the_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
