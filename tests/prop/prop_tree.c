#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "prop.h"
#include "tree/label.h"

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

static unsigned int unhex(char c)
{
    return (unsigned int)(c <= '9' ? c - '0' : c - 'A' + 10);
}

/* As any program undoes the percent-encoding of URLs. */
static size_t percent_decode(char *out, const char *text)
{
    size_t len = 0;

    for (; *text; text++) {
        if (*text == '%') {
            out[len++] = (char)(unhex(text[1]) << 4 | unhex(text[2]));
            text += 2;
        } else {
            out[len++] = *text;
        }
    }
    return len;
}

static void a_label_is_a_file_name_that_holds_the_own_name(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "a",
        "/",
        ".",
        "..",
        "%",
        "%2F",
        "\\",
        "\\x41",
        "\n",
        "\x80",
        " ",
        "-",
        "0",
        "\x7f",
        "\xc3\xa4",
        "\xe2\x82\xac",
        "\xf0\x9f\x98\x80",
        "\xe2\x80\xae",
        "\xff",
    };
    struct ff_prop prop = ff_prop_start(14);

    for (unsigned long round = ff_prop_rounds(ROUNDS); round > 0; round--) {
        char own[300] = "", text[4 * sizeof(own)], label[3 * sizeof(own)], back[sizeof(label)];
        size_t own_len = 0;
        uint64_t number = pick_number(&prop), parsed;
        for (uint64_t i = ff_prop_below(&prop, ff_prop_below(&prop, 2) ? 4 : 70); i > 0; i--) {
            const char *piece = pieces[ff_prop_below(&prop, sizeof(pieces) / sizeof(*pieces))];
            strcpy(own + own_len, piece);
            own_len += strlen(piece);
        }
        ff_escape(text, sizeof(text), own, own_len);
        size_t len = ff_label_escape(label, sizeof(label), text);
        assert_int_equal(len, strlen(label));
        assert_null(strchr(label, '/'));
        assert_string_not_equal(label, ".");
        assert_string_not_equal(label, "..");
        for (size_t i = 0; i < len; i++)
            assert_true((unsigned char)label[i] >= 0x20 && label[i] != 0x7f);
        assert_int_equal(percent_decode(back, label), own_len);
        assert_memory_equal(back, own, own_len);
        /* All of it is printable: escaping finds nothing to do. */
        ff_escape(back, sizeof(back), label, len);
        assert_string_equal(back, label);

        /* Cut: a beginning of it, of whole characters. */
        size_t room = ff_prop_below(&prop, len + 2);
        char *shorter = malloc(room + 1);
        assert_non_null(shorter);
        size_t cut = ff_label_escape(shorter, room + 1, text);
        assert_int_equal(ff_label_cut(label, len, room), cut);
        assert_true(cut <= room && (cut == len || cut + 12 > room));
        assert_memory_equal(shorter, label, cut);
        assert_true(percent_decode(back, shorter) <= own_len);
        ff_escape(back, sizeof(back), shorter, cut);
        assert_string_equal(back, shorter);
        free(shorter);

        char name[FF_LABEL_BYTES];
        enum ff_layout_kind layout = ff_prop_below(&prop, 2) ? FF_TREE_FLAT : FF_TREE_TREE;
        len = ff_label_numbered(name, layout, number, text, ".x");
        assert_int_equal(len, strlen(name));
        assert_int_equal(ff_label_parse_numbered(name, layout, &parsed), 0);
        assert_int_equal(parsed, number);
        ff_label_escape(label, FF_LABEL_BYTES, text);
        len = ff_label_unique(name, label, number, ".x");
        assert_int_equal(len, strlen(name));
        assert_int_equal(ff_label_parse_unique(name, ".x", &parsed), 0);
        assert_int_equal(parsed, number);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_have_one_name_and_one_place),
        cmocka_unit_test(a_changed_name_never_finds_the_same_record),
        cmocka_unit_test(inodes_and_nodes_are_one_to_one),
        cmocka_unit_test(a_label_is_a_file_name_that_holds_the_own_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
