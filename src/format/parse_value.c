#include <errno.h>
#include <string.h>

#include "format/lex.h"

/* "*2", "+4", "-4" after a number's type */
int ff_parse_scale(struct ff_parser *parser, struct ff_item *item)
{
    for (;;) {
        char op = ff_lex_peek(parser);
        if (op != '*' && op != '+' && op != '-')
            return 0;
        size_t start = parser->pos++;
        if (item->slot == FF_NO_SLOT || item->bit_count)
            return ff_parser_fail(parser, -EINVAL, start, 1, "only a number can be scaled");
        ff_value number;
        int r = ff_lex_number(parser, &number);
        if (r < 0)
            return r;
        ff_value mul = item->mul, add = item->add;
        if (op == '*') {
            mul *= number;
            add *= number;
        } else {
            add += op == '+' ? number : -number;
        }
        if (number < 0 || mul < 1 || mul > FF_SCALE_MAX || add > FF_SCALE_MAX ||
            add < -FF_SCALE_MAX)
            return ff_parser_fail(parser, -EINVAL, start, parser->pos - start,
                                  "a number is scaled by 1 to 2^32");
        item->mul = (int64_t)mul;
        item->add = (int64_t)add;
    }
}

static const struct {
    const char *name;
    uint8_t kind, width;
} checksums[] = {
    {"crc32", FF_CHECKSUM_CRC32, 4},
    {"crc32c", FF_CHECKSUM_CRC32C, 4},
    {"crc32c-masked", FF_CHECKSUM_CRC32C_MASKED, 4},
    {"adler32", FF_CHECKSUM_ADLER32, 4},
    {"sum32", FF_CHECKSUM_SUM32, 4},
    {"md5", FF_CHECKSUM_MD5, 16},
    {"xxh64", FF_CHECKSUM_XXH64, 8},
};

int ff_parse_range(struct ff_parser *parser, struct ff_pending *ret_pending)
{
    parser->pos++;
    ff_lex_skip_blanks(parser);
    ret_pending->from = ff_lex_word(parser);
    if (ret_pending->from.len == 0)
        return ff_lex_fail(parser, "a range is expected here: a name, a..b or record");
    ret_pending->to = ret_pending->from;
    if (ff_lex_peek(parser) == '.') {
        if (parser->len - parser->pos < 2 || parser->text[parser->pos + 1] != '.')
            return ff_lex_fail(parser, "a range is written a..b");
        parser->pos += 2;
        ret_pending->to = ff_lex_word(parser);
        if (ret_pending->to.len == 0)
            return ff_lex_fail(parser, "the range's last name is expected here");
    } else if (ff_lex_word_is(parser, ret_pending->from, "record")) {
        ret_pending->from.len = ret_pending->to.len = 0;
    }
    ff_lex_skip_blanks(parser);
    if (!ff_lex_accept(parser, ')'))
        return ff_lex_fail(parser, "')' is expected here");
    return 0;
}

int ff_parse_add_number(struct ff_parser *parser, struct ff_item *item, ff_value number)
{
    struct ff_layout *layout = parser->layout;
    if (layout->number_count == FF_LAYOUT_NUMBERS_MAX || item->number_count == UINT8_MAX)
        return ff_lex_fail(parser, "too many constants");
    layout->numbers[layout->number_count++] = number;
    item->number_count++;
    return 0;
}

/* "frag(1 2 3 4)": the field's values for a whole record, the first, a middle and the last part. */
static int take_frag(struct ff_parser *parser, struct ff_item *item, size_t start)
{
    ff_value number;
    int r;

    if (item->slot == FF_NO_SLOT || item->bit_count || item->condition != FF_CONDITION_NONE)
        return ff_parser_fail(parser, -EINVAL, start, parser->pos - start,
                              "only a number without another condition can tell the fragment");
    if (parser->alt->frag_slot != FF_NO_SLOT)
        return ff_parser_fail(parser, -EINVAL, start, parser->pos - start,
                              "this frame tells its fragment already");
    parser->pos++;
    item->condition = FF_CONDITION_IN;
    item->numbers = parser->layout->number_count;
    parser->alt->frag_slot = item->slot;
    parser->alt->frag_numbers = item->numbers;
    for (int i = 0; i < FF_FRAGS; i++) {
        ff_lex_skip_blanks(parser);
        if ((r = ff_lex_number(parser, &number)) < 0)
            return r;
        for (unsigned int n = item->numbers; n < parser->layout->number_count; n++)
            if (parser->layout->numbers[n] == number)
                return ff_lex_fail(parser, "the four numbers of frag differ from each other");
        if ((r = ff_parse_add_number(parser, item, number)) < 0)
            return r;
    }
    ff_lex_skip_blanks(parser);
    if (!ff_lex_accept(parser, ')'))
        return ff_lex_fail(parser, "frag has four numbers: frag(whole first middle last)");
    return 0;
}

/* "size(data)", "crc32c(a..b)"; the word before the parenthesis was taken, it stands at '('. */
static int take_function(struct ff_parser *parser, struct ff_item *item, size_t start, size_t len)
{
    const char *name = parser->text + start;
    struct ff_pending pending = {
        .item = parser->alt->count, .slot = item->slot, .column = (uint16_t)start};

    if (len == 4 && memcmp(name, "frag", 4) == 0)
        return take_frag(parser, item, start);
    if (len != 4 || memcmp(name, "size", 4) != 0) {
        for (size_t i = 0; i < sizeof(checksums) / sizeof(*checksums); i++) {
            if (strlen(checksums[i].name) != len || memcmp(checksums[i].name, name, len) != 0)
                continue;
            pending.checksum = checksums[i].kind;
            bool bytes = item->kind == FF_ITEM_BYTES && item->size_kind == FF_SIZE_FIXED &&
                         item->size == checksums[i].width;
            bool number = item->kind == FF_ITEM_INT && item->width == checksums[i].width &&
                          !item->bit_count && item->mul == 1 && item->add == 0;
            if (checksums[i].kind == FF_CHECKSUM_MD5 ? !bytes : !number)
                return ff_parser_fail(parser, -EINVAL, start, len,
                                      bytes ? "%s is a number: it needs an integer of %u bytes"
                                            : "%s needs a field of %u bytes without scale",
                                      checksums[i].name, checksums[i].width);
        }
        if (pending.checksum == FF_CHECKSUM_NONE)
            return ff_parser_fail(parser, -EINVAL, start, len,
                                  "unknown function; there are size, frag, crc32, crc32c, "
                                  "crc32c-masked, adler32, sum32, md5 and xxh64");
    } else if (item->slot == FF_NO_SLOT || item->bit_count) {
        return ff_parser_fail(parser, -EINVAL, start, len, "only a number can tell a size");
    }
    int r = ff_parse_range(parser, &pending);
    if (r < 0)
        return r;
    pending.span = (uint16_t)(parser->pos - start);
    return ff_parser_add_pending(parser, &pending);
}

/* "log:bytes[4]=log": every frame has the bytes of the first one there. */
static bool take_first(struct ff_parser *parser, struct ff_item *item)
{
    struct ff_layout *layout = parser->layout;

    for (unsigned int i = 0; i < layout->item_count; i++) {
        const struct ff_item *other = &layout->items[i];
        if (other->remember && other->size != item->size)
            return false;
        if (other->remember &&
            (other->condition != FF_CONDITION_REMEMBERED ||
             !ff_layout_text_is(layout, other->name, layout->text + item->name.start,
                                item->name.len)))
            return false;
    }
    item->remember = true;
    item->condition = FF_CONDITION_REMEMBERED;
    parser->alt->remembers = true;
    return true;
}

/* "bytes[16]=sync", where sync is a field of that size in every alternative of the preamble: each
 * frame repeats its bytes. One name can be repeated so. */
static bool take_marker(struct ff_parser *parser, struct ff_item *item, size_t start, size_t len)
{
    struct ff_layout *layout = parser->layout;
    const char *name = parser->text + start;
    unsigned int preambles = layout->alt_first[FF_PREAMBLE + 1], found = 0;

    for (unsigned int a = preambles; a <= layout->alt_count; a++)
        if (layout->alts[a].remembers)
            return false;
    struct ff_item *fields[FF_LAYOUT_ALTS_MAX];
    for (unsigned int a = 0; a < preambles; a++)
        for (unsigned int i = 0; i < layout->alts[a].count; i++) {
            struct ff_item *field = &layout->items[layout->alts[a].first + i];
            bool same = field->kind == FF_ITEM_BYTES && field->size_kind == FF_SIZE_FIXED &&
                        field->size == item->size &&
                        ff_layout_text_is(layout, field->name, name, len);
            if (same)
                fields[found++] = field;
            else if (field->remember)
                return false;
        }
    if (found == 0 || found != preambles)
        return false;
    while (found)
        fields[--found]->remember = true;
    item->condition = FF_CONDITION_REMEMBERED;
    layout->preamble_tells = true;
    return true;
}

static bool take_remembered(struct ff_parser *parser, struct ff_item *item, size_t start,
                            size_t len)
{
    if (parser->section != FF_FRAME || item->kind != FF_ITEM_BYTES ||
        item->size_kind != FF_SIZE_FIXED || item->size == 0 ||
        item->size > FF_REMEMBERED_MAX_BYTES || item->condition != FF_CONDITION_NONE)
        return false;
    if (ff_layout_text_is(parser->layout, item->name, parser->text + start, len))
        return take_first(parser, item);
    return take_marker(parser, item, start, len);
}

/* "crc32c(a..b)", or a field whose number or bytes are repeated. */
static int take_word(struct ff_parser *parser, struct ff_item *item, bool negated)
{
    size_t start = parser->pos;

    while (ff_lex_is_word(ff_lex_peek(parser)) || ff_lex_peek(parser) == '-')
        parser->pos++;
    size_t len = parser->pos - start;
    if (ff_lex_peek(parser) == '(') {
        if (negated)
            return ff_parser_fail(parser, -EINVAL, start, len, "'!=' takes no function");
        return take_function(parser, item, start, len);
    }
    uint8_t slot = ff_parser_find_slot(parser, parser->text + start, len);
    if (slot == FF_NO_SLOT && !negated && take_remembered(parser, item, start, len))
        return 0;
    if (slot == FF_NO_SLOT)
        return ff_parser_fail(parser, -EINVAL, start, len,
                              "no field before this one has that name and a number");
    if (item->condition != FF_CONDITION_NONE)
        return ff_parser_fail(parser, -EINVAL, start, len, "this field has a condition already");
    if (item->slot == FF_NO_SLOT || item->bit_count || item->kind == FF_ITEM_B32)
        return ff_parser_fail(parser, -EINVAL, start, len, "only a number can repeat another one");
    item->condition = negated ? FF_CONDITION_NOT_SAME : FF_CONDITION_SAME;
    item->same = slot;
    return 0;
}

static int take_text(struct ff_parser *parser, struct ff_item *item, bool negated)
{
    size_t start = parser->pos;

    int r = ff_lex_literal(parser, &item->text);
    if (r < 0)
        return r;
    bool fits = item->kind == FF_ITEM_INT || item->kind == FF_ITEM_BYTES ||
                item->kind == FF_ITEM_STR || item->kind == FF_ITEM_DIGITS;
    if (!fits || item->size_kind != FF_SIZE_FIXED || item->size != item->text.len)
        return ff_parser_fail(parser, -EINVAL, start, parser->pos - start,
                              "the literal and the field are not of the same size");
    item->condition = negated ? FF_CONDITION_NOT_TEXT : FF_CONDITION_TEXT;
    return 0;
}

/* "7" or "(0 1)" */
static int take_numbers(struct ff_parser *parser, struct ff_item *item, bool negated)
{
    size_t start = parser->pos;
    ff_value number;
    int r;

    if (item->slot == FF_NO_SLOT || item->bit_count)
        return ff_parser_fail(parser, -EINVAL, start, 1, "only a number can equal a number");
    item->numbers = parser->layout->number_count;
    item->condition = negated ? FF_CONDITION_NOT_IN : FF_CONDITION_IN;
    if (!ff_lex_accept(parser, '(')) {
        if ((r = ff_lex_number(parser, &number)) < 0)
            return r;
        return ff_parse_add_number(parser, item, number);
    }
    for (;;) {
        ff_lex_skip_blanks(parser);
        if (ff_lex_accept(parser, ')'))
            break;
        if ((r = ff_lex_number(parser, &number)) < 0 ||
            (r = ff_parse_add_number(parser, item, number)) < 0)
            return r;
    }
    if (item->number_count == 0)
        return ff_parser_fail(parser, -EINVAL, start, parser->pos - start,
                              "a set has at least one number");
    return 0;
}

/* What follows '=' or '!='. */
int ff_parse_value(struct ff_parser *parser, struct ff_item *item, bool negated)
{
    char c = ff_lex_peek(parser);

    if (ff_lex_is_word_start(c))
        return take_word(parser, item, negated);
    return c == '"' ? take_text(parser, item, negated) : take_numbers(parser, item, negated);
}
