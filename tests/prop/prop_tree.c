#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "prop.h"
#include "tree/tree.h"

#define ROUNDS 20000

/* Any magnitude, and often next to a power of ten or two. */
static uint64_t pick_number(struct ff_prop *prop)
{
    uint64_t base = 1;

    switch (ff_prop_below(prop, 3)) {
    case 0:
        return ff_prop_next(prop) >> (24 + ff_prop_below(prop, 40));
    case 1:
        for (uint64_t i = ff_prop_below(prop, 13); i > 0; i--)
            base *= 10;
        break;
    default:
        base = UINT64_C(1) << ff_prop_below(prop, 41);
        break;
    }
    base = base + ff_prop_below(prop, 5) - 2;
    return base < FF_NODE_VALUES_MAX ? base : FF_NODE_VALUES_MAX - 1;
}

static void records_have_one_name_and_one_place(void **state)
{
    (void)state;
    struct ff_prop prop = ff_prop_start(11);
    static const char *const extensions[] = {"", ".bson", ".0", ".grib2"};

    for (unsigned long round = ff_prop_rounds(ROUNDS); round > 0; round--) {
        uint64_t number = pick_number(&prop), back;
        const char *extension = extensions[ff_prop_below(&prop, 4)];
        char name[FF_TREE_NAME_BYTES], wanted[FF_TREE_NAME_BYTES];

        size_t len = ff_name_record(name, FF_TREE_FLAT, number, extension);
        snprintf(wanted, sizeof(wanted), "%08" PRIu64 "%s", number, extension);
        assert_string_equal(name, wanted);
        assert_int_equal(len, strlen(name));
        assert_int_equal(ff_name_parse_record(name, FF_TREE_FLAT, extension, &back), 0);
        assert_int_equal(back, number);

        ff_name_record(name, FF_TREE_TREE, number, extension);
        snprintf(wanted, sizeof(wanted), "%09" PRIu64 "%s", number, extension);
        assert_string_equal(name, wanted);
        assert_int_equal(ff_name_parse_record(name, FF_TREE_TREE, extension, &back), 0);
        assert_int_equal(back, number);

        /* The directories, from the top down by name and from the record up by parents. */
        uint64_t million, thousand, first, count;
        ff_name_million(name, number / 1000000);
        assert_int_equal(ff_name_parse_million(name, &million), 0);
        assert_int_equal(million, number / 1000000);
        ff_name_thousand(name, number / 1000);
        assert_int_equal(ff_name_parse_thousand(name, million, &thousand), 0);
        assert_int_equal(thousand, number / 1000);

        struct ff_node node = {.kind = FF_NODE_RECORD,
                               .archive = (uint32_t)ff_prop_below(&prop, FF_NODE_ARCHIVES_MAX),
                               .epoch = (uint8_t)ff_prop_next(&prop),
                               .value = number};
        struct ff_node parent;
        ff_node_parent(&node, FF_TREE_TREE, false, &parent);
        assert_int_equal(parent.value, thousand);
        ff_node_range(&parent, &first, &count);
        assert_true(number >= first && number - first < count && count <= 1000);
        ff_node_parent(&parent, FF_TREE_TREE, false, &parent);
        assert_int_equal(parent.value, million);
        ff_node_range(&parent, &first, &count);
        assert_true(number >= first && number - first < count && count <= 1000000);
        ff_node_parent(&parent, FF_TREE_TREE, false, &parent);
        assert_int_equal(parent.kind, FF_NODE_ARCHIVE);
        assert_int_equal(parent.archive, node.archive);
        assert_int_equal(parent.epoch, node.epoch);
    }
}

/* Whatever is done to a name: it is refused, or it is the name of another record. */
static void a_changed_name_never_finds_the_same_record(void **state)
{
    (void)state;
    static const char alphabet[] = "0123456789.-+ ax\n\xff";
    struct ff_prop prop = ff_prop_start(12);

    for (unsigned long round = ff_prop_rounds(ROUNDS); round > 0; round--) {
        uint64_t number = pick_number(&prop), back;
        enum ff_layout_kind layout = ff_prop_below(&prop, 2) ? FF_TREE_FLAT : FF_TREE_TREE;
        char name[FF_TREE_NAME_BYTES], changed[FF_TREE_NAME_BYTES + 1], again[FF_TREE_NAME_BYTES];
        size_t len = ff_name_record(name, layout, number, ".bin");
        size_t at = ff_prop_below(&prop, len + 1);
        char byte = alphabet[ff_prop_below(&prop, sizeof(alphabet) - 1)];

        memcpy(changed, name, len + 1);
        switch (ff_prop_below(&prop, 3)) {
        case 0: /* insert */
            memmove(changed + at + 1, changed + at, len + 1 - at);
            changed[at] = byte;
            break;
        case 1: /* replace */
            changed[at < len ? at : 0] = byte;
            break;
        default: /* remove */
            memmove(changed + at, changed + at + 1, len - at);
            break;
        }
        if (strcmp(changed, name) == 0)
            continue;
        if (ff_name_parse_record(changed, layout, ".bin", &back) == 0) {
            assert_int_not_equal(back, number);
            ff_name_record(again, layout, back, ".bin");
            assert_string_equal(again, changed);
        }
    }
}

static void inodes_and_nodes_are_one_to_one(void **state)
{
    (void)state;
    struct ff_prop prop = ff_prop_start(13);
    unsigned long good = 0;

    for (unsigned long round = ff_prop_rounds(ROUNDS); round > 0; round--) {
        uint64_t ino = ff_prop_next(&prop);
        struct ff_node node;
        /* Fields are often 0: else hardly a number has a node. */
        if (ff_prop_below(&prop, 2))
            ino &= ~(UINT64_C(0xfffff) << 40);
        if (ff_prop_below(&prop, 2))
            ino &= ~UINT64_C(0xfffffffff0);
        int r = ff_node_from_ino(ino, &node);
        if (r == 0) {
            assert_int_equal(ff_node_ino(&node), ino);
            assert_true(node.kind < FF_NODE_KINDS);
            assert_true(node.archive < FF_NODE_ARCHIVES_MAX);
            assert_true(node.value < FF_NODE_VALUES_MAX);
            good++;
        } else {
            assert_int_equal(r, -ESTALE);
        }
    }
    assert_true(good > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_have_one_name_and_one_place),
        cmocka_unit_test(a_changed_name_never_finds_the_same_record),
        cmocka_unit_test(inodes_and_nodes_are_one_to_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
