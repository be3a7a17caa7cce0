#include "tree/tree.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define VALUE_BITS   40
#define EPOCH_BITS   8
#define ARCHIVE_BITS 12
#define KIND_BITS    4

#define EPOCH_SHIFT   VALUE_BITS
#define ARCHIVE_SHIFT (EPOCH_SHIFT + EPOCH_BITS)
#define KIND_SHIFT    (ARCHIVE_SHIFT + ARCHIVE_BITS)

_Static_assert(KIND_SHIFT + KIND_BITS == 64, "a nodeid has 64 bits");
_Static_assert(FF_NODE_VALUES_MAX == UINT64_C(1) << VALUE_BITS, "value is as wide as announced");
_Static_assert(FF_NODE_ARCHIVES_MAX == UINT64_C(1) << ARCHIVE_BITS, "and so is archive");
_Static_assert(FF_NODE_KINDS <= 1 << KIND_BITS, "kinds fit");

#define ROOT_VALUE   1
#define THOUSAND     UINT64_C(1000)
#define MILLION      UINT64_C(1000000)
#define RECORD_LAST  (FF_NODE_VALUES_MAX - 1)
#define FLAT_DIGITS  8
#define TREE_DIGITS  9
#define GROUP_DIGITS 3
#define DIGITS_MAX   20 /* of 2^64-1 */

static bool is_valid(const struct ff_node *node)
{
    if (node->archive >= FF_NODE_ARCHIVES_MAX || node->value >= FF_NODE_VALUES_MAX)
        return false;
    switch (node->kind) {
    case FF_NODE_ROOT:
        return node->archive == 0 && node->epoch == 0 && node->value == ROOT_VALUE;
    case FF_NODE_ARCHIVE:
        return node->value == 0;
    case FF_NODE_RECORD:
    case FF_NODE_SLICE:
        return true;
    case FF_NODE_MILLION:
        return node->value <= RECORD_LAST / MILLION;
    case FF_NODE_THOUSAND:
        return node->value <= RECORD_LAST / THOUSAND;
    case FF_NODE_CONTROL:
        return node->value < FF_CONTROL_ROOT_SYNTHETIC;
    case FF_NODE_SHARED:
        return node->archive == 0 && node->epoch == 0 && node->value < FF_CONTROLS;
    case FF_NODE_KINDS:
        break;
    }
    return false;
}

uint64_t ff_node_ino(const struct ff_node *node)
{
    assert(is_valid(node));
    return (uint64_t)node->kind << KIND_SHIFT | (uint64_t)node->archive << ARCHIVE_SHIFT |
           (uint64_t)node->epoch << EPOCH_SHIFT | node->value;
}

int ff_node_from_ino(uint64_t ino, struct ff_node *ret_node)
{
    uint64_t kind = ino >> KIND_SHIFT;

    if (kind >= FF_NODE_KINDS)
        return -ESTALE;
    struct ff_node node = {
        .kind = (enum ff_node_kind)kind,
        .archive = (uint32_t)(ino >> ARCHIVE_SHIFT) & (FF_NODE_ARCHIVES_MAX - 1),
        .epoch = (uint8_t)(ino >> EPOCH_SHIFT),
        .value = ino & (FF_NODE_VALUES_MAX - 1),
    };
    if (!is_valid(&node))
        return -ESTALE;
    *ret_node = node;
    return 0;
}

static unsigned int record_digits(enum ff_layout_kind layout)
{
    assert(layout == FF_TREE_FLAT || layout == FF_TREE_TREE);
    return layout == FF_TREE_FLAT ? FLAT_DIGITS : TREE_DIGITS;
}

/* At least that many digits, without a final NUL; returns how many. */
static size_t put_digits(char *buf, uint64_t value, unsigned int digits_min)
{
    char digits[DIGITS_MAX];
    size_t count = 0;

    do {
        digits[DIGITS_MAX - ++count] = (char)('0' + value % 10);
        value /= 10;
    } while (value || count < digits_min);
    memcpy(buf, digits + DIGITS_MAX - count, count);
    return count;
}

/* The digits at *name, which is moved past them: at least digits_min, zeros at the front only to
 * reach that many, and at most value_last. */
static int get_digits(const char **name, unsigned int digits_min, uint64_t value_last,
                      uint64_t *ret_value)
{
    const char *at = *name;
    uint64_t value = 0;
    size_t count = 0;

    for (; *at >= '0' && *at <= '9'; at++, count++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (value > (value_last - digit) / 10 || digit > value_last)
            return -ENOENT;
        value = value * 10 + digit;
    }
    if (count < digits_min || (count > digits_min && **name == '0'))
        return -ENOENT;
    *name = at;
    *ret_value = value;
    return 0;
}

size_t ff_name_record(char buf[FF_TREE_NAME_BYTES], enum ff_layout_kind layout, uint64_t number,
                      const char *extension)
{
    size_t len = put_digits(buf, number, record_digits(layout));
    size_t extension_len = strlen(extension);

    assert(extension_len < FF_TREE_NAME_BYTES - DIGITS_MAX);
    memcpy(buf + len, extension, extension_len + 1);
    return len + extension_len;
}

size_t ff_name_million(char buf[FF_TREE_NAME_BYTES], uint64_t value)
{
    size_t len = put_digits(buf, value, GROUP_DIGITS);
    buf[len] = '\0';
    return len;
}

size_t ff_name_thousand(char buf[FF_TREE_NAME_BYTES], uint64_t value)
{
    return ff_name_million(buf, value % THOUSAND);
}

int ff_name_parse_record(const char *name, enum ff_layout_kind layout, const char *extension,
                         uint64_t *ret_number)
{
    uint64_t number;
    int r = get_digits(&name, record_digits(layout), RECORD_LAST, &number);
    if (r < 0 || strcmp(name, extension) != 0)
        return -ENOENT;
    *ret_number = number;
    return 0;
}

int ff_name_parse_million(const char *name, uint64_t *ret_value)
{
    uint64_t value;
    int r = get_digits(&name, GROUP_DIGITS, RECORD_LAST / MILLION, &value);
    if (r < 0 || *name)
        return -ENOENT;
    *ret_value = value;
    return 0;
}

int ff_name_parse_thousand(const char *name, uint64_t million, uint64_t *ret_value)
{
    uint64_t value;
    int r = get_digits(&name, GROUP_DIGITS, THOUSAND - 1, &value);
    if (r < 0 || *name || million > RECORD_LAST / MILLION)
        return -ENOENT;
    value += million * THOUSAND;
    if (value > RECORD_LAST / THOUSAND)
        return -ENOENT;
    *ret_value = value;
    return 0;
}

int ff_name_parse_slice(const char *name, uint64_t *ret_first, uint64_t *ret_last)
{
    uint64_t first, last;

    if (get_digits(&name, 1, RECORD_LAST, &first) < 0 || *name++ != '-' ||
        get_digits(&name, 1, RECORD_LAST, &last) < 0 || *name || first > last)
        return -ENOENT;
    *ret_first = first;
    *ret_last = last;
    return 0;
}

static const char *const control_names[FF_CONTROLS] = {
    [FF_CONTROL_DIR] = ".framefs",
    [FF_CONTROL_SLICES] = "slice",
    [FF_CONTROL_ALL] = "all",
    [FF_CONTROL_ARCHIVE] = "archive",
    [FF_CONTROL_STATS] = "stats",
    [FF_CONTROL_INFO] = "info.json",
    [FF_CONTROL_DAMAGE] = "damage",
    [FF_CONTROL_SYNTHETIC] = "synthetic",
    [FF_CONTROL_ROOT_SYNTHETIC] = "synthetic",
};

const char *ff_control_name(enum ff_control control)
{
    assert(control < FF_CONTROLS);
    return control_names[control];
}

int ff_control_parse(const char *name, enum ff_control *ret_control)
{
    for (int control = FF_CONTROL_DIR + 1; control < FF_CONTROL_ROOT_SYNTHETIC; control++) {
        if (strcmp(name, control_names[control]) == 0) {
            *ret_control = (enum ff_control)control;
            return 0;
        }
    }
    return -ENOENT;
}

void ff_node_range(const struct ff_node *directory, uint64_t *ret_first, uint64_t *ret_count)
{
    assert(directory->kind == FF_NODE_MILLION || directory->kind == FF_NODE_THOUSAND);
    assert(is_valid(directory));
    uint64_t size = directory->kind == FF_NODE_MILLION ? MILLION : THOUSAND;
    uint64_t first = directory->value * size;
    uint64_t left = FF_NODE_VALUES_MAX - first;

    *ret_first = first;
    *ret_count = size < left ? size : left;
}

void ff_node_parent(const struct ff_node *node, enum ff_layout_kind layout, bool single,
                    struct ff_node *ret_parent)
{
    const struct ff_node root = {.kind = FF_NODE_ROOT, .value = ROOT_VALUE};
    struct ff_node top = {.kind = FF_NODE_ARCHIVE, .archive = node->archive, .epoch = node->epoch};
    struct ff_node parent = top;

    assert(is_valid(node));
    if (single)
        top = root;
    switch (node->kind) {
    case FF_NODE_RECORD:
        if (layout == FF_TREE_TREE) {
            parent.kind = FF_NODE_THOUSAND;
            parent.value = node->value / THOUSAND;
        } else {
            parent = top;
        }
        break;
    case FF_NODE_THOUSAND:
        parent.kind = FF_NODE_MILLION;
        parent.value = node->value / (MILLION / THOUSAND);
        break;
    case FF_NODE_MILLION:
        parent = top;
        break;
    case FF_NODE_CONTROL:
        if (node->value == FF_CONTROL_DIR) {
            parent = top;
        } else {
            parent.kind = FF_NODE_CONTROL;
            parent.value = FF_CONTROL_DIR;
        }
        break;
    case FF_NODE_SLICE:
        parent.kind = FF_NODE_CONTROL;
        parent.value = FF_CONTROL_SLICES;
        break;
    case FF_NODE_SHARED:
        if (node->value == FF_CONTROL_DIR || node->value == FF_CONTROL_ROOT_SYNTHETIC) {
            parent = root;
        } else {
            parent.kind = FF_NODE_SHARED;
            parent.value = FF_CONTROL_DIR;
        }
        break;
    case FF_NODE_ROOT:
    case FF_NODE_ARCHIVE:
    case FF_NODE_KINDS:
        parent = root;
        break;
    }
    *ret_parent = parent;
}
