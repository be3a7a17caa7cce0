#include "tree/tree.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define LAST (FF_NODE_VALUES_MAX - 1)

static void root_is_inode_1(void **state)
{
    (void)state;
    struct ff_node node;
    assert_int_equal(ff_node_from_ino(1, &node), 0);
    assert_int_equal(node.kind, FF_NODE_ROOT);
    assert_int_equal(ff_node_ino(&node), 1);
}

static void fields_lie_where_the_header_says(void **state)
{
    (void)state;
    const struct ff_node record = {
        .kind = FF_NODE_RECORD, .archive = 0xabc, .epoch = 0xde, .value = UINT64_C(0x123456789a)};
    assert_int_equal(ff_node_ino(&record), UINT64_C(0x2abcde123456789a));
    struct ff_node node;
    assert_int_equal(ff_node_from_ino(UINT64_C(0x2abcde123456789a), &node), 0);
    assert_int_equal(node.kind, FF_NODE_RECORD);
    assert_int_equal(node.archive, 0xabc);
    assert_int_equal(node.epoch, 0xde);
    assert_int_equal(node.value, UINT64_C(0x123456789a));
}

static uint64_t ino(uint64_t kind, uint64_t archive, uint64_t epoch, uint64_t value)
{
    return kind << 60 | archive << 48 | epoch << 40 | value;
}

static void numbers_that_no_node_has_are_stale(void **state)
{
    (void)state;
    const uint64_t stale[] = {
        0,
        2,
        ino(FF_NODE_ROOT, 1, 0, 1),
        ino(FF_NODE_ROOT, 0, 1, 1),
        ino(FF_NODE_ARCHIVE, 0, 0, 1),
        ino(FF_NODE_MILLION, 0, 0, LAST / 1000000 + 1),
        ino(FF_NODE_THOUSAND, 0, 0, LAST / 1000 + 1),
        ino(FF_NODE_CONTROL, 0, 0, FF_CONTROL_ROOT_SYNTHETIC),
        ino(FF_NODE_CONTROL, 0, 0, FF_CONTROLS),
        ino(FF_NODE_SHARED, 0, 0, FF_CONTROLS),
        ino(FF_NODE_SHARED, 1, 0, FF_CONTROL_STATS),
        ino(FF_NODE_SHARED, 0, 1, FF_CONTROL_STATS),
        ino(FF_NODE_KINDS, 0, 0, 0),
        ino(15, 0, 0, 1),
        UINT64_MAX,
    };
    for (size_t i = 0; i < sizeof(stale) / sizeof(stale[0]); i++) {
        struct ff_node node = {.value = 42};
        assert_int_equal(ff_node_from_ino(stale[i], &node), -ESTALE);
        assert_int_equal(node.value, 42);
    }
    const uint64_t good[] = {
        ino(FF_NODE_ARCHIVE, 4095, 255, 0),
        ino(FF_NODE_RECORD, 0, 0, 0),
        ino(FF_NODE_RECORD, 4095, 255, LAST),
        ino(FF_NODE_MILLION, 1, 2, LAST / 1000000),
        ino(FF_NODE_THOUSAND, 1, 2, LAST / 1000),
        ino(FF_NODE_CONTROL, 1, 2, FF_CONTROL_SYNTHETIC),
        ino(FF_NODE_SLICE, 1, 2, LAST),
        ino(FF_NODE_SHARED, 0, 0, FF_CONTROL_ROOT_SYNTHETIC),
    };
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct ff_node node;
        assert_int_equal(ff_node_from_ino(good[i], &node), 0);
        assert_int_equal(ff_node_ino(&node), good[i]);
    }
}

static void names_are_as_documented(void **state)
{
    (void)state;
    static const struct {
        enum ff_layout_kind layout;
        uint64_t number;
        const char *extension;
        const char *name;
    } cases[] = {
        {FF_TREE_FLAT, 0, "", "00000000"},
        {FF_TREE_FLAT, 42, ".bson", "00000042.bson"},
        {FF_TREE_FLAT, 99999999, "", "99999999"},
        {FF_TREE_FLAT, 100000000, "", "100000000"},
        {FF_TREE_FLAT, LAST, ".pcap", "1099511627775.pcap"},
        {FF_TREE_TREE, 0, "", "000000000"},
        {FF_TREE_TREE, 42137, "", "000042137"},
        {FF_TREE_TREE, 999999999, ".a", "999999999.a"},
        {FF_TREE_TREE, 1234567890, "", "1234567890"},
        {FF_TREE_TREE, LAST, ".a23456789012345678901234567890",
         "1099511627775.a23456789012345678901234567890"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char buf[FF_TREE_NAME_BYTES];
        uint64_t number;
        assert_int_equal(ff_name_record(buf, cases[i].layout, cases[i].number, cases[i].extension),
                         strlen(cases[i].name));
        assert_string_equal(buf, cases[i].name);
        assert_int_equal(ff_name_parse_record(buf, cases[i].layout, cases[i].extension, &number),
                         0);
        assert_int_equal(number, cases[i].number);
    }
}

static void directories_are_the_number_without_its_last_digits(void **state)
{
    (void)state;
    char buf[FF_TREE_NAME_BYTES];
    uint64_t value;

    assert_int_equal(ff_name_million(buf, 0), 3);
    assert_string_equal(buf, "000");
    assert_int_equal(ff_name_million(buf, 1234), 4);
    assert_string_equal(buf, "1234");
    assert_int_equal(ff_name_thousand(buf, 42), 3);
    assert_string_equal(buf, "042");
    assert_int_equal(ff_name_thousand(buf, 1234567), 3);
    assert_string_equal(buf, "567");

    assert_int_equal(ff_name_parse_million("1234", &value), 0);
    assert_int_equal(value, 1234);
    assert_int_equal(ff_name_parse_thousand("567", 1234, &value), 0);
    assert_int_equal(value, 1234567);
    /* 2^40 - 1 is 1099511 627 775 */
    assert_int_equal(ff_name_parse_million("1099511", &value), 0);
    assert_int_equal(ff_name_parse_million("1099512", &value), -ENOENT);
    assert_int_equal(ff_name_parse_thousand("627", 1099511, &value), 0);
    assert_int_equal(value, LAST / 1000);
    assert_int_equal(ff_name_parse_thousand("628", 1099511, &value), -ENOENT);
    assert_int_equal(ff_name_parse_thousand("000", 1099512, &value), -ENOENT);
    assert_int_equal(ff_name_parse_thousand("000", UINT64_MAX / 1000 + 1, &value), -ENOENT);
}

static void only_the_canonical_spelling_is_a_name(void **state)
{
    (void)state;
    static const char *const flat[] = {
        "",
        "0",
        "0000000",
        "000000000",
        "00000000 ",
        " 0000000",
        "+0000000",
        "-0000001",
        "0000000x",
        "0x000000",
        "00000000.",
        "00000000.b",
        "00000000.bsonx",
        "00000000.BSON",
        "00000000.bson.bson",
        "012345678",
        "1099511627776",
        "18446744073709551616",
        "99999999999999999999999999",
    };
    static const char *const tree[] = {"00000000", "0000000000", "0123456789", "00000000a"};
    static const char *const groups[] = {"",    "0",   "00",  "0000", "00a",  "a00",  "-01",
                                         "+01", " 00", "00 ", "0.0",  "000.", "0999", "1000x"};
    uint64_t value = 42;

    for (size_t i = 0; i < sizeof(flat) / sizeof(flat[0]); i++)
        assert_int_equal(ff_name_parse_record(flat[i], FF_TREE_FLAT, "", &value), -ENOENT);
    for (size_t i = 0; i < sizeof(flat) / sizeof(flat[0]); i++)
        assert_int_equal(ff_name_parse_record(flat[i], FF_TREE_FLAT, ".bson", &value), -ENOENT);
    assert_int_equal(ff_name_parse_record("00000000", FF_TREE_FLAT, ".bson", &value), -ENOENT);
    assert_int_equal(ff_name_parse_record("00000000.bson", FF_TREE_FLAT, "", &value), -ENOENT);
    for (size_t i = 0; i < sizeof(tree) / sizeof(tree[0]); i++)
        assert_int_equal(ff_name_parse_record(tree[i], FF_TREE_TREE, "", &value), -ENOENT);
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        assert_int_equal(ff_name_parse_million(groups[i], &value), -ENOENT);
        assert_int_equal(ff_name_parse_thousand(groups[i], 0, &value), -ENOENT);
    }
    assert_int_equal(ff_name_parse_thousand("1000", 0, &value), -ENOENT);
    assert_int_equal(value, 42);
}

static void slices_are_two_numbers_in_order(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "",
        "-",
        "0",
        "0-",
        "-0",
        "1-0",
        "00-1",
        "0-01",
        "0-1 ",
        " 0-1",
        "0--1",
        "0-1-2",
        "0x-1",
        "0 - 1",
        "+0-1",
        "0-1a",
        "0-1099511627776",
        "1099511627776-1099511627777",
        "0-18446744073709551616",
    };
    uint64_t first = 42, last = 43;

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_int_equal(ff_name_parse_slice(refused[i], &first, &last), -ENOENT);
    assert_int_equal(first, 42);
    assert_int_equal(last, 43);
    assert_int_equal(ff_name_parse_slice("0-0", &first, &last), 0);
    assert_int_equal(first, 0);
    assert_int_equal(last, 0);
    assert_int_equal(ff_name_parse_slice("10-1099511627775", &first, &last), 0);
    assert_int_equal(first, 10);
    assert_int_equal(last, LAST);
}

static void controls_have_names(void **state)
{
    (void)state;
    static const char *const names[] = {"slice",     "all",    "archive",  "stats",
                                        "info.json", "damage", "synthetic"};
    enum ff_control control = FF_CONTROL_DIR;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(ff_control_parse(names[i], &control), 0);
        assert_int_equal(control, FF_CONTROL_DIR + 1 + i);
        assert_string_equal(ff_control_name(control), names[i]);
    }
    assert_string_equal(ff_control_name(FF_CONTROL_DIR), ".framefs");
    assert_string_equal(ff_control_name(FF_CONTROL_ROOT_SYNTHETIC), "synthetic");
    control = FF_CONTROL_ALL;
    assert_int_equal(ff_control_parse(".framefs", &control), -ENOENT);
    assert_int_equal(ff_control_parse("", &control), -ENOENT);
    assert_int_equal(ff_control_parse("ALL", &control), -ENOENT);
    assert_int_equal(ff_control_parse("all ", &control), -ENOENT);
    assert_int_equal(control, FF_CONTROL_ALL);
}

static void ranges_cover_what_a_directory_holds(void **state)
{
    (void)state;
    uint64_t first, count;

    ff_node_range(&(struct ff_node){.kind = FF_NODE_MILLION, .value = 12}, &first, &count);
    assert_int_equal(first, 12000000);
    assert_int_equal(count, 1000000);
    ff_node_range(&(struct ff_node){.kind = FF_NODE_THOUSAND, .value = 12345}, &first, &count);
    assert_int_equal(first, 12345000);
    assert_int_equal(count, 1000);
    ff_node_range(&(struct ff_node){.kind = FF_NODE_MILLION, .value = LAST / 1000000}, &first,
                  &count);
    assert_int_equal(first + count, FF_NODE_VALUES_MAX);
    ff_node_range(&(struct ff_node){.kind = FF_NODE_THOUSAND, .value = LAST / 1000}, &first,
                  &count);
    assert_int_equal(first + count, FF_NODE_VALUES_MAX);
    assert_int_equal(count, 776);
}

static void assert_parent(struct ff_node node, enum ff_layout_kind layout, bool single,
                          struct ff_node wanted)
{
    struct ff_node parent;
    ff_node_parent(&node, layout, single, &parent);
    assert_int_equal(ff_node_ino(&parent), ff_node_ino(&wanted));
}

static void parents_follow_the_layout(void **state)
{
    (void)state;
    const struct ff_node root = {.kind = FF_NODE_ROOT, .value = 1};
    const struct ff_node archive = {.kind = FF_NODE_ARCHIVE, .archive = 7, .epoch = 9};
    struct ff_node node = archive;

    assert_parent(root, FF_TREE_FLAT, true, root);
    assert_parent(archive, FF_TREE_TREE, false, root);

    node.kind = FF_NODE_RECORD;
    node.value = 1234567890;
    assert_parent(node, FF_TREE_FLAT, true, root);
    assert_parent(node, FF_TREE_FLAT, false, archive);
    struct ff_node thousand = node;
    thousand.kind = FF_NODE_THOUSAND;
    thousand.value = 1234567;
    assert_parent(node, FF_TREE_TREE, true, thousand);
    assert_parent(node, FF_TREE_TREE, false, thousand);
    struct ff_node million = node;
    million.kind = FF_NODE_MILLION;
    million.value = 1234;
    assert_parent(thousand, FF_TREE_TREE, false, million);
    assert_parent(million, FF_TREE_TREE, false, archive);
    assert_parent(million, FF_TREE_TREE, true, root);

    struct ff_node control = archive;
    control.kind = FF_NODE_CONTROL;
    assert_parent(control, FF_TREE_FLAT, true, root);
    assert_parent(control, FF_TREE_FLAT, false, archive);
    for (uint64_t value = FF_CONTROL_DIR + 1; value < FF_CONTROL_ROOT_SYNTHETIC; value++) {
        node = control;
        node.value = value;
        assert_parent(node, FF_TREE_FLAT, false, control);
    }
    node.kind = FF_NODE_SLICE;
    node.value = 99;
    control.value = FF_CONTROL_SLICES;
    assert_parent(node, FF_TREE_FLAT, true, control);

    const struct ff_node shared = {.kind = FF_NODE_SHARED, .value = FF_CONTROL_DIR};
    node = shared;
    assert_parent(node, FF_TREE_FLAT, false, root);
    node.value = FF_CONTROL_ROOT_SYNTHETIC;
    assert_parent(node, FF_TREE_FLAT, false, root);
    node.value = FF_CONTROL_STATS;
    assert_parent(node, FF_TREE_FLAT, false, shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(root_is_inode_1),
        cmocka_unit_test(fields_lie_where_the_header_says),
        cmocka_unit_test(numbers_that_no_node_has_are_stale),
        cmocka_unit_test(names_are_as_documented),
        cmocka_unit_test(directories_are_the_number_without_its_last_digits),
        cmocka_unit_test(only_the_canonical_spelling_is_a_name),
        cmocka_unit_test(slices_are_two_numbers_in_order),
        cmocka_unit_test(controls_have_names),
        cmocka_unit_test(ranges_cover_what_a_directory_holds),
        cmocka_unit_test(parents_follow_the_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
