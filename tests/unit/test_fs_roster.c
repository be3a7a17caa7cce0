#include "fs/roster.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../prop/prop.h"

static struct ff_roster *fill(const char *const *texts, size_t count, const char *extension)
{
    struct ff_roster *roster;

    assert_int_equal(ff_roster_new(extension, &roster), 0);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(ff_roster_add(roster, texts[i]), 0);
    assert_false(ff_roster_is_final(roster));
    assert_int_equal(ff_roster_seal(roster), 0);
    assert_true(ff_roster_is_final(roster));
    return roster;
}

static void are_called(const char *const *texts, const char *const *names, size_t count,
                       const char *extension)
{
    struct ff_roster *roster = fill(texts, count, extension);
    char name[FF_LABEL_BYTES];
    uint64_t number = UINT64_MAX;

    for (size_t i = 0; i < count; i++) {
        assert_int_equal(ff_roster_name(roster, i, name), 0);
        assert_string_equal(name, names[i]);
        assert_int_equal(ff_roster_find(roster, names[i], &number), 0);
        assert_int_equal(number, i);
    }
    assert_int_equal(ff_roster_name(roster, count, name), -ENOENT);
    assert_int_equal(ff_roster_name(roster, UINT64_MAX, name), -ENOENT);
    ff_roster_free(roster);
}

static void each_record_has_a_name_of_its_own(void **state)
{
    (void)state;
    static const char *const texts[] = {"a", "b/c", "a", "", "a", ".framefs", "synthetic", "."};
    static const char *const names[] = {"a",
                                        "b%2Fc",
                                        "a-00000002",
                                        "00000003",
                                        "a-00000004",
                                        ".framefs-00000005",
                                        "synthetic-00000006",
                                        "%2E"};
    static const char *const typed[] = {"a.x",          "b%2Fc.x",    "a-00000002.x", "00000003.x",
                                        "a-00000004.x", ".framefs.x", "synthetic.x",  "%2E.x"};
    are_called(texts, names, 8, "");
    are_called(texts, typed, 8, ".x");
    are_called(NULL, NULL, 0, "");
}

/* A label that is what another's name became gets its number, and so may the next one. */
static void a_name_that_was_made_displaces_a_label(void **state)
{
    (void)state;
    static const char *const chain[] = {"a-00000002-00000000-00000001",
                                        "a-00000002-00000000",
                                        "a",
                                        "a",
                                        "a-00000003",
                                        "00000006",
                                        "",
                                        "a-00000004"};
    static const char *const names[] = {
        "a-00000002-00000000-00000001", "a-00000002-00000000", "a",        "a-00000003",
        "a-00000003-00000004",          "00000006-00000005",   "00000006", "a-00000004"};
    are_called(chain, names, 8, "");
    static const char *const deep[] = {"a-00000003-00000001-00000002", "a-00000003", "a", "a",
                                       "a-00000003-00000001"};
    static const char *const deep_names[] = {"a-00000003-00000001-00000002", "a-00000003-00000001",
                                             "a", "a-00000003", "a-00000003-00000001-00000004"};
    are_called(deep, deep_names, 5, "");
}

static void only_given_names_are_found(void **state)
{
    (void)state;
    static const char *const texts[] = {"a", "a", "b", ""};
    static const char *const wrong[] = {
        "",           "a",        "b.x-00000002", "a-00000000.x", "a-00000002.x", "b-00000002.x",
        "a-1.x",      "00000003", "00000002.x",   "00000004.x",   "-00000003.x",  ".x",
        "99999999.x", "a.x.x"};
    struct ff_roster *roster = fill(texts, 4, ".x");
    uint64_t number = 42;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(ff_roster_find(roster, wrong[i], &number), -ENOENT);
    char longest[2 * FF_LABEL_BYTES];
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(ff_roster_find(roster, longest, &number), -ENOENT);
    assert_int_equal(number, 42);
    ff_roster_free(roster);
    ff_roster_free(NULL);
}

static void what_is_not_shown_has_no_name_and_takes_none(void **state)
{
    (void)state;
    static const char *const texts[] = {NULL, "a", NULL, "a", "", NULL};
    static const char *const names[] = {NULL, "a", NULL, "a-00000003", "00000004", NULL};
    struct ff_roster *roster = fill(texts, 6, "");
    char name[FF_LABEL_BYTES];
    uint64_t number;

    for (uint64_t i = 0; i < 6; i++) {
        assert_int_equal(ff_roster_name(roster, i, name), names[i] ? 0 : -ENOENT);
        if (!names[i])
            continue;
        assert_string_equal(name, names[i]);
        assert_int_equal(ff_roster_find(roster, name, &number), 0);
        assert_int_equal(number, i);
    }
    assert_int_equal(ff_roster_find(roster, "00000000", &number), -ENOENT);
    assert_int_equal(ff_roster_find(roster, "a-00000002", &number), -ENOENT);
    assert_int_equal(ff_roster_find(roster, "00000005", &number), -ENOENT);
    ff_roster_free(roster);
}

static void before_it_is_full_nothing_is_known(void **state)
{
    (void)state;
    struct ff_roster *roster;
    char name[FF_LABEL_BYTES] = "untouched";
    uint64_t number = 42;

    assert_int_equal(ff_roster_new("", &roster), 0);
    assert_int_equal(ff_roster_add(roster, "a"), 0);
    assert_int_equal(ff_roster_name(roster, 0, name), -EAGAIN);
    assert_int_equal(ff_roster_find(roster, "a", &number), -EAGAIN);
    ff_roster_fail(roster, -ENOMEM);
    assert_true(ff_roster_is_final(roster));
    assert_int_equal(ff_roster_name(roster, 0, name), -ENOMEM);
    assert_int_equal(ff_roster_find(roster, "a", &number), -ENOMEM);
    assert_string_equal(name, "untouched");
    assert_int_equal(number, 42);
    ff_roster_free(roster);
}

static void a_full_roster_takes_no_more(void **state)
{
    (void)state;
    struct ff_roster *roster;
    char name[FF_LABEL_BYTES];
    uint64_t number;

    assert_int_equal(ff_roster_new("", &roster), 0);
    for (uint32_t i = 0; i < FF_ROSTER_RECORDS_MAX; i++)
        assert_int_equal(ff_roster_add(roster, "same"), 0);
    assert_int_equal(ff_roster_add(roster, "same"), -EOVERFLOW);
    assert_int_equal(ff_roster_seal(roster), 0);
    assert_int_equal(ff_roster_name(roster, 65535, name), 0);
    assert_string_equal(name, "same-00065535");
    assert_int_equal(ff_roster_find(roster, "same-00065535", &number), 0);
    assert_int_equal(number, 65535);
    assert_int_equal(ff_roster_find(roster, "same-00065536", &number), -ENOENT);
    ff_roster_free(roster);
}

/* Few texts, so that they meet: bases with up to four numbers of records behind them. */
static void names_and_records_are_one_to_one(void **state)
{
    (void)state;
    enum { RECORDS = 40 };
    static char texts[RECORDS][FF_LABEL_BYTES], names[RECORDS][FF_LABEL_BYTES];
    static const char *const bases[] = {"", "", "a", "a", "b", ".framefs", "synthetic", "/"};
    struct ff_prop prop = ff_prop_start(61);

    for (unsigned long round = ff_prop_rounds(3000); round > 0; round--) {
        const char *extension = ff_prop_below(&prop, 3) ? "" : ".x";
        const char *list[RECORDS];
        size_t count = ff_prop_below(&prop, RECORDS + 1);
        for (size_t i = 0; i < count; i++) {
            size_t len = 0;
            /* Long ones meet by being cut. */
            if (ff_prop_below(&prop, 8) == 0) {
                len = 200 + ff_prop_below(&prop, 55);
                memset(texts[i], 'c', len);
            }
            strcpy(texts[i] + len, len ? "" : bases[ff_prop_below(&prop, 8)]);
            for (uint64_t n = ff_prop_below(&prop, 5); n > 0 && strlen(texts[i]) < 240; n--)
                sprintf(texts[i] + strlen(texts[i]), "%s%08u", *texts[i] ? "-" : "",
                        (unsigned int)ff_prop_below(&prop, count));
            list[i] = texts[i];
        }
        struct ff_roster *roster = fill(list, count, extension);
        for (size_t i = 0; i < count; i++) {
            uint64_t number;
            assert_int_equal(ff_roster_name(roster, i, names[i]), 0);
            assert_true(strlen(names[i]) < FF_LABEL_BYTES && *names[i]);
            for (size_t j = 0; j < i; j++)
                assert_string_not_equal(names[j], names[i]);
            assert_int_equal(ff_roster_find(roster, names[i], &number), 0);
            assert_int_equal(number, i);
        }
        ff_roster_free(roster);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_record_has_a_name_of_its_own),
        cmocka_unit_test(a_name_that_was_made_displaces_a_label),
        cmocka_unit_test(only_given_names_are_found),
        cmocka_unit_test(what_is_not_shown_has_no_name_and_takes_none),
        cmocka_unit_test(before_it_is_full_nothing_is_known),
        cmocka_unit_test(a_full_roster_takes_no_more),
        cmocka_unit_test(names_and_records_are_one_to_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
