#include <errno.h>
#include <string.h>

#include "format/parse.h"

/* The item that a word of a range names: an item, the item of a bit field, or "data". */
static int find_item(const struct ff_parser *parser, struct ff_text word, uint8_t *ret_item)
{
    const struct ff_layout *layout = parser->layout;
    bool implied = word.start == UINT16_MAX;
    const char *text = implied ? "data" : parser->text + word.start;

    for (unsigned int i = 0; i < parser->alt->count; i++) {
        const struct ff_item *item = ff_parser_item(parser, i);
        bool found = item->name.len == word.len &&
                     memcmp(layout->text + item->name.start, text, word.len) == 0;
        for (unsigned int b = 0; b < item->bit_count; b++) {
            struct ff_text name = layout->bits[item->bits + b].name;
            found |= name.len == word.len && memcmp(layout->text + name.start, text, word.len) == 0;
        }
        if (found) {
            *ret_item = (uint8_t)i;
            return 0;
        }
    }
    if (word.len == 4 && memcmp(text, "data", 4) == 0 && parser->alt->roles.data != FF_NO_ITEM) {
        *ret_item = parser->alt->roles.data;
        return 0;
    }
    return -ENOENT;
}

/* Whether the word is "data", written or implied: not the name of the payload's first item. */
static bool names_payload(const struct ff_parser *parser, struct ff_text word)
{
    return word.start == UINT16_MAX ||
           (word.len == 4 && memcmp(parser->text + word.start, "data", 4) == 0);
}

static int resolve_range(const struct ff_parser *parser, const struct ff_pending *pending,
                         uint8_t *ret_from, uint8_t *ret_to)
{
    const struct ff_roles *roles = &parser->alt->roles;
    if (pending->from.len == 0) {
        *ret_from = 0;
        *ret_to = (uint8_t)(parser->alt->count - 1);
        return 0;
    }
    const struct ff_text words[] = {pending->from, pending->to};
    uint8_t places[2];
    for (int i = 0; i < 2; i++) {
        if (find_item(parser, words[i], &places[i]) == 0) {
            /* A payload of several items ends with its last. */
            if (i == 1 && places[i] == roles->data && names_payload(parser, words[i]))
                places[i] = roles->data_last;
            continue;
        }
        if (words[i].start == UINT16_MAX)
            return ff_parser_fail(parser, -EINVAL, pending->column, pending->span,
                                  "this length tells the size of 'data', but there is no data");
        return ff_parser_fail(parser, -EINVAL, words[i].start, words[i].len,
                              "no item of this alternative has that name");
    }
    if (places[0] > places[1])
        return ff_parser_fail(parser, -EINVAL, pending->column, pending->span,
                              "the range's first item stands after its last");
    *ret_from = places[0];
    *ret_to = places[1];
    return 0;
}

static int add_equation(struct ff_parser *parser, const struct ff_pending *pending, uint8_t from,
                        uint8_t to)
{
    struct ff_layout *layout = parser->layout;
    if (layout->equation_count == FF_LAYOUT_EQUATIONS_MAX)
        return ff_error_set(parser->error, -EOVERFLOW, "the description has more than %d equations",
                            FF_LAYOUT_EQUATIONS_MAX);
    layout->equations[layout->equation_count++] = (struct ff_equation){
        .slot = pending->slot,
        .item = pending->item,
        .from = from,
        .to = to,
        .check_after = pending->item > to ? pending->item : to,
        .solves = FF_NO_ITEM,
    };
    parser->alt->equation_count++;
    return 0;
}

/* Whether the item's size is known before it is read, when all before `place` is decoded. */
static bool size_is_known(const struct ff_parser *parser, const struct ff_item *item,
                          unsigned int place)
{
    if (item->size_kind == FF_SIZE_FIXED)
        return true;
    if (item->size_kind != FF_SIZE_SLOT)
        return false;
    for (unsigned int i = 0; i < place; i++) {
        const struct ff_item *earlier = ff_parser_item(parser, i);
        if (earlier->slot == item->size_slot)
            return true;
        for (unsigned int b = 0; b < earlier->bit_count; b++)
            if (parser->layout->bits[earlier->bits + b].slot == item->size_slot)
                return true;
    }
    return false;
}

/* Finds the equations that tell the size of item `place`: filled before it, covering it, and
 * covering after it only what has a known size. */
static int find_solvers(struct ff_parser *parser, unsigned int place)
{
    struct ff_equation *equations = parser->layout->equations + parser->alt->equation;
    bool solved = false, late = false;

    for (unsigned int e = 0; e < parser->alt->equation_count; e++) {
        struct ff_equation *equation = &equations[e];
        if (place < equation->from || place > equation->to || equation->solves != FF_NO_ITEM)
            continue;
        if (equation->item >= place) {
            late = true;
            continue;
        }
        bool known = true;
        for (unsigned int i = place + 1; i <= equation->to && known; i++)
            known = size_is_known(parser, ff_parser_item(parser, i), place);
        if (!known)
            continue;
        equation->solves = (uint8_t)place;
        equation->check_after = FF_NO_ITEM;
        solved = true;
    }
    if (solved)
        return 0;
    const struct ff_item *item = ff_parser_item(parser, place);
    const char *what = item->kind == FF_ITEM_DATA ? "data" : "pad";
    return ff_parser_fail(
        parser, -EINVAL, item->column, item->span,
        late ? "the size of '%s' is told only after it; a length must stand before it"
             : "nothing tells the size of '%s': put a length before it (len, total, "
               "a field with =size(...)), or its size in brackets",
        what);
}

/* A length whose sign tells of fragments, and the number that repeats it. */
static void mark_signs(const struct ff_parser *parser)
{
    const struct ff_alt *alt = parser->alt;
    for (unsigned int e = 0; e < alt->equation_count; e++) {
        const struct ff_equation *equation = &parser->layout->equations[alt->equation + e];
        struct ff_item *len = ff_parser_item(parser, equation->item);
        if (equation->solves != alt->roles.data || alt->roles.data == FF_NO_ITEM ||
            len->kind != FF_ITEM_INT || !len->is_signed || len->slot != equation->slot)
            continue;
        len->sign = FF_SIGN_MORE;
        for (unsigned int i = 0; i < alt->count; i++) {
            struct ff_item *item = ff_parser_item(parser, i);
            if (item->condition == FF_CONDITION_SAME && item->same == len->slot && item->is_signed)
                item->sign = FF_SIGN_LESS;
        }
    }
}

/* Where the payload lies, and what is certainly not of it. */
static int resolve_payload(struct ff_parser *parser)
{
    struct ff_alt *alt = parser->alt;
    if (parser->payload.span) {
        uint8_t from = 0, to = 0;
        int r = resolve_range(parser, &parser->payload, &from, &to);
        if (r < 0)
            return r;
        alt->roles.data = from;
        alt->roles.data_last = to;
    }
    uint64_t overhead = 0;
    for (unsigned int i = 0; i < alt->count; i++) {
        const struct ff_item *item = ff_parser_item(parser, i);
        bool payload =
            alt->roles.data != FF_NO_ITEM && i >= alt->roles.data && i <= alt->roles.data_last;
        if (item->size_kind == FF_SIZE_FIXED && !payload && !item->optional &&
            item->size < UINT32_MAX - overhead)
            overhead += item->size;
    }
    alt->overhead = (uint32_t)overhead;
    return 0;
}

int ff_resolve_alt(struct ff_parser *parser)
{
    struct ff_layout *layout = parser->layout;
    struct ff_alt *alt = parser->alt;
    int r = resolve_payload(parser);

    if (r < 0)
        return r;
    for (unsigned int i = 0; i < parser->pending_count; i++) {
        const struct ff_pending *pending = &parser->pending[i];
        uint8_t from = 0, to = 0;
        r = resolve_range(parser, pending, &from, &to);
        if (r < 0)
            return r;
        if (pending->checksum == FF_CHECKSUM_NONE) {
            if ((r = add_equation(parser, pending, from, to)) < 0)
                return r;
            continue;
        }
        struct ff_item *item = ff_parser_item(parser, pending->item);
        if (from <= pending->item && pending->item <= to)
            return ff_parser_fail(parser, -EINVAL, pending->column, pending->span,
                                  "a checksum cannot cover itself");
        item->checksum = pending->checksum;
        item->check_from = from;
        item->check_to = to;
    }
    for (unsigned int i = 0; i < alt->count; i++)
        if (ff_parser_item(parser, i)->size_kind == FF_SIZE_SOLVED) {
            if ((r = find_solvers(parser, i)) < 0)
                return r;
        }
    if (layout->directives.signfrag)
        mark_signs(parser);
    for (unsigned int e = 0; e < alt->equation_count; e++) {
        const struct ff_equation *equation = &layout->equations[alt->equation + e];
        if (equation->check_after != FF_NO_ITEM)
            ff_parser_item(parser, equation->check_after)->closes++;
    }
    return 0;
}
