#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "format/checksum.h"
#include "format/explain.h"
#include "format/native.h"

#define NUMBER_BYTES  40
#define NUMBERS_SHOWN 12 /* of a set */

/* Appends, and cuts what does not fit. */
__attribute__((format(printf, 2, 3))) static void add(char text[FF_EXPLAIN_WORDS_SIZE],
                                                      const char *format, ...)
{
    size_t len = strlen(text);
    va_list args;

    va_start(args, format);
    vsnprintf(text + len, FF_EXPLAIN_WORDS_SIZE - len, format, args);
    va_end(args);
}

/* Begins another part of a meaning. */
static void part(char text[FF_EXPLAIN_WORDS_SIZE])
{
    if (text[0])
        add(text, "; ");
}

const char *ff_explain_literal(char *buf, size_t size, const void *bytes, size_t len)
{
    static const char values[] = "\n\r\t\0\\\"", names[] = "nrt0\\\"";
    const char *more = "";
    size_t n = 0;

    buf[n++] = '"';
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = ((const unsigned char *)bytes)[i];
        const char *known = memchr(values, byte, sizeof(values) - 1);
        if (n + sizeof("\\xff\"...") > size) {
            more = "...";
            break;
        }
        if (known)
            n += (size_t)sprintf(buf + n, "\\%c", names[known - values]);
        else if (byte >= ' ' && byte < 0x7f)
            buf[n++] = (char)byte;
        else
            n += (size_t)sprintf(buf + n, "\\x%02x", byte);
    }
    snprintf(buf + n, size - n, "\"%s", more);
    return buf;
}

/* Small numbers are counts and types, large ones magic. */
static const char *number_text(char buf[NUMBER_BYTES], ff_value number)
{
    if (number < 0)
        snprintf(buf, NUMBER_BYTES, "-%" PRIu64, (uint64_t)-number);
    else if (number <= UINT16_MAX)
        snprintf(buf, NUMBER_BYTES, "%u", (unsigned int)number);
    else
        snprintf(buf, NUMBER_BYTES, "0x%" PRIx64, (uint64_t)number);
    return buf;
}

static const char *item_label(const struct ff_explain_field *field, unsigned int index,
                              char buf[FF_ITEM_LABEL_BYTES])
{
    return ff_item_label(field->layout, &field->layout->items[field->alt->first + index], buf);
}

/* "len", "type to data", "the frame" */
static void add_range(char text[FF_EXPLAIN_WORDS_SIZE], const struct ff_explain_field *field,
                      unsigned int from, unsigned int to)
{
    static const char *const wholes[] = {"preamble", "frame", "postamble"};
    const struct ff_roles *roles = &field->alt->roles;
    char buf[FF_ITEM_LABEL_BYTES];

    if (from != to && from == 0 && to + 1U == field->alt->count) {
        add(text, "the %s", wholes[field->section]);
        return;
    }
    if (from != to && from == roles->data && to == roles->data_last) {
        add(text, "the payload");
        return;
    }
    add(text, "%s", item_label(field, from, buf));
    if (from != to)
        add(text, " to %s", item_label(field, to, buf));
}

/* "0 whole, 1 first, 2 middle, 3 last" */
static void add_fragments(char text[FF_EXPLAIN_WORDS_SIZE], const struct ff_explain_field *field)
{
    static const char *const names[] = {[FF_FRAG_WHOLE] = "whole",
                                        [FF_FRAG_FIRST] = "its first part",
                                        [FF_FRAG_MIDDLE] = "a middle part",
                                        [FF_FRAG_LAST] = "its last part"};
    char buf[NUMBER_BYTES];

    add(text, "what the frame has of a record:");
    for (int frag = 0; frag < FF_FRAGS; frag++)
        add(text, "%s %s %s", frag ? "," : "",
            number_text(buf, field->layout->numbers[field->alt->frag_numbers + frag]), names[frag]);
}

void ff_explain_slot(const struct ff_explain_field *field, uint8_t slot,
                     char text[FF_EXPLAIN_WORDS_SIZE])
{
    const struct ff_alt *alt = field->alt;
    const struct ff_roles *roles = &alt->roles;
    const char *since = field->layout->directives.epoch_s == 0 ? " since 1970" : "";
    const struct {
        uint8_t slot;
        const char *words;
        const char *since;
    } meanings[] = {
        {roles->time, "time in seconds", since},
        {roles->usec, "microseconds of the time", ""},
        {roles->nsec, "nanoseconds of the time", ""},
        {roles->time_ms, "time in milliseconds", since},
        {roles->time_us, "time in microseconds", since},
        {roles->time_ns, "time in nanoseconds", since},
        {roles->time_hi, "upper half of the time", ""},
        {roles->time_lo, "lower half of the time", ""},
        {roles->interface, "interface, which tells the unit of the time", ""},
        {roles->frames, "length of all frames", ""},
        {roles->type_slot, "type of the record", ""},
    };

    for (unsigned int e = 0; e < alt->equation_count; e++) {
        const struct ff_equation *equation = &field->layout->equations[alt->equation + e];
        if (equation->slot != slot)
            continue;
        part(text);
        add(text, "length of ");
        add_range(text, field, equation->from, equation->to);
    }
    for (unsigned int i = 0; i < alt->count; i++) {
        const struct ff_item *item = &field->layout->items[alt->first + i];
        if (item->size_kind != FF_SIZE_SLOT || item->size_slot != slot)
            continue;
        part(text);
        add(text, "length of ");
        add_range(text, field, i, i);
    }
    for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++) {
        if (meanings[i].slot != slot)
            continue;
        part(text);
        add(text, "%s%s", meanings[i].words, meanings[i].since);
    }
    if (slot == alt->frag_slot) {
        part(text);
        add_fragments(text, field);
    }
}

static void add_set(char text[FF_EXPLAIN_WORDS_SIZE], const struct ff_explain_field *field,
                    const char *one, const char *several)
{
    const struct ff_item *item = field->item;
    char buf[NUMBER_BYTES];

    add(text, "%s", item->number_count == 1 ? one : several);
    for (unsigned int i = 0; i < item->number_count && i < NUMBERS_SHOWN; i++)
        add(text, " %s", number_text(buf, field->layout->numbers[item->numbers + i]));
    if (item->number_count > NUMBERS_SHOWN)
        add(text, " and %u more", item->number_count - NUMBERS_SHOWN);
}

/* The preamble's field whose bytes frames repeat. */
static const char *remembered_label(const struct ff_explain_field *field,
                                    char buf[FF_ITEM_LABEL_BYTES])
{
    const struct ff_layout *layout = field->layout;

    for (unsigned int a = 0; a < layout->alt_first[FF_PREAMBLE + 1]; a++) {
        const struct ff_alt *alt = &layout->alts[a];
        for (unsigned int i = 0; i < alt->count; i++)
            if (layout->items[alt->first + i].remember)
                return ff_item_label(layout, &layout->items[alt->first + i], buf);
    }
    return "";
}

static void add_condition(char text[FF_EXPLAIN_WORDS_SIZE], const struct ff_explain_field *field)
{
    const struct ff_item *item = field->item;
    const char *bytes = field->layout->text + item->text.start;
    char label[FF_ITEM_LABEL_BYTES], literal[FF_ITEM_LABEL_BYTES];

    /* The kind tells a mark's number, and what a fragment's numbers mean is told already. */
    if (item->condition == FF_CONDITION_NONE || item->kind == FF_ITEM_B32 ||
        (item->slot != FF_NO_SLOT && item->slot == field->alt->frag_slot))
        return;
    part(text);
    switch ((enum ff_condition)item->condition) {
    case FF_CONDITION_NONE:
        break;
    case FF_CONDITION_IN:
        add_set(text, field, "constant", "one of");
        break;
    case FF_CONDITION_NOT_IN:
        add_set(text, field, "not", "none of");
        break;
    case FF_CONDITION_TEXT:
        add(text, "constant %s",
            ff_explain_literal(literal, sizeof(literal), bytes, item->text.len));
        break;
    case FF_CONDITION_NOT_TEXT:
        add(text, "not %s", ff_explain_literal(literal, sizeof(literal), bytes, item->text.len));
        break;
    case FF_CONDITION_SAME:
        add(text, "repeats %s", ff_explain_slot_label(field, item->same, label));
        break;
    case FF_CONDITION_NOT_SAME:
        add(text, "differs from %s", ff_explain_slot_label(field, item->same, label));
        break;
    case FF_CONDITION_REMEMBERED:
        if (item->remember)
            add(text, "the same as in the first frame");
        else
            add(text, "repeats the preamble's %s", remembered_label(field, label));
        break;
    }
}

static const char *checksum_words(enum ff_checksum_kind kind)
{
    switch (kind) {
    case FF_CHECKSUM_NONE:
        break;
    case FF_CHECKSUM_CRC32:
        return "CRC-32";
    case FF_CHECKSUM_CRC32C:
        return "CRC-32C";
    case FF_CHECKSUM_CRC32C_MASKED:
        return "CRC-32C, masked,";
    case FF_CHECKSUM_ADLER32:
        return "Adler-32";
    case FF_CHECKSUM_SUM32:
        return "sum of the bytes";
    case FF_CHECKSUM_MD5:
        return "MD5";
    case FF_CHECKSUM_XXH64:
        return "XXH64";
    }
    return ff_checksum_name(kind);
}

static void add_scale(char text[FF_EXPLAIN_WORDS_SIZE], const struct ff_item *item)
{
    if (item->mul != 1)
        add(text, ", times %" PRId64, item->mul);
    if (item->add != 0)
        add(text, ", %s %" PRId64, item->add < 0 ? "minus" : "plus",
            item->add < 0 ? -item->add : item->add);
}

static void add_integer(char text[FF_EXPLAIN_WORDS_SIZE], const struct ff_item *item)
{
    static const char *const orders[] = {
        [FF_ORDER_LE] = "little-endian ", [FF_ORDER_BE] = "big-endian ", [FF_ORDER_MARK] = ""};

    add(text, "%s%s%s", item->width > 1 ? orders[item->order] : "",
        item->is_signed ? "signed" : "unsigned",
        item->width > 1 && item->order == FF_ORDER_MARK ? " in the order of the mark" : "");
}

static void add_align(char text[FF_EXPLAIN_WORDS_SIZE], const struct ff_explain_field *field)
{
    static const char *const bases[] = {[FF_ALIGN_RECORD] = "",
                                        [FF_ALIGN_FILE] = " of the archive",
                                        [FF_ALIGN_DATA] = " from data on"};

    add(text, "padding to a multiple of %" PRIu64 "%s", field->item->size,
        bases[field->item->align_base]);
}

static const char *native_words(enum ff_native_kind kind)
{
    switch (kind) {
    case FF_NATIVE_AVRO_MAP:
        return "an Avro map of metadata";
    case FF_NATIVE_HADOOP_TEXT:
        return "a Hadoop Text: its length as a vint, then its bytes";
    case FF_NATIVE_HADOOP_MAP:
        return "metadata: a count, then pairs of Hadoop Text";
    case FF_NATIVE_JOURNAL_ENTRY:
        return "the fields of a journal entry";
    case FF_NATIVE_ARROW_META:
        return "metadata of an Arrow message, which tell its body's length";
    case FF_NATIVE_ARROW_SCHEMA:
        return "metadata of an Arrow schema or dictionary, which tell its body's length";
    case FF_NATIVE_KINDS:
        break;
    }
    return ff_native_name(kind);
}

/* How its bytes are to be read. */
static void add_kind(char text[FF_EXPLAIN_WORDS_SIZE], const struct ff_explain_field *field)
{
    const struct ff_item *item = field->item;
    char literal[FF_ITEM_LABEL_BYTES], number[NUMBER_BYTES];
    const char *digits = item->base == 8    ? "octal digits"
                         : item->base == 16 ? "hexadecimal digits"
                                            : "decimal digits";

    part(text);
    switch ((enum ff_item_kind)item->kind) {
    case FF_ITEM_INT:
        add_integer(text, item);
        break;
    case FF_ITEM_B32:
        add(text, "%s, which tells the byte order",
            number_text(number, field->layout->numbers[item->numbers]));
        break;
    case FF_ITEM_VARINT:
        add(text, "varint");
        break;
    case FF_ITEM_ZIGZAG:
        add(text, "varint, zigzag");
        break;
    case FF_ITEM_DIGITS:
        add(text, "%s", digits);
        break;
    case FF_ITEM_LITERAL:
        add(text, "%s%s",
            ff_explain_literal(literal, sizeof(literal), field->layout->text + item->text.start,
                               item->text.len),
            item->optional ? " or nothing" : "");
        break;
    case FF_ITEM_BYTES:
        add(text, "bytes");
        break;
    case FF_ITEM_STR:
        add(text, "text");
        if (field->item->ending.len)
            add(text, ", its ending %s left out",
                ff_explain_literal(literal, sizeof(literal),
                                   field->layout->text + field->item->ending.start,
                                   field->item->ending.len));
        break;
    case FF_ITEM_ZERO:
        add(text, "zeros");
        break;
    case FF_ITEM_LINE:
        add(text, "text up to a newline");
        break;
    case FF_ITEM_DATA:
        add(text, "the payload");
        break;
    case FF_ITEM_PAD:
        add(text, "unused");
        break;
    case FF_ITEM_ALIGN:
        add_align(text, field);
        break;
    case FF_ITEM_HEADERS:
        add(text, "lines \"Name: value\", then an empty line");
        break;
    case FF_ITEM_NATIVE:
        add(text, "%s", native_words((enum ff_native_kind)item->native));
        break;
    }
    add_scale(text, item);
}

/* Where the payload is more than one item, or another than data. */
static bool is_of_payload(const struct ff_explain_field *field)
{
    const struct ff_roles *roles = &field->alt->roles;

    return roles->data != FF_NO_ITEM && field->index >= roles->data &&
           field->index <= roles->data_last && field->item->kind != FF_ITEM_DATA;
}

static void add_sign(char text[FF_EXPLAIN_WORDS_SIZE], const struct ff_item *item)
{
    if (item->sign == FF_SIGN_MORE)
        add(text, ", negative where the record goes on in the next frame");
    else if (item->sign == FF_SIGN_LESS)
        add(text, ", negative where it began in a frame before");
}

void ff_explain_meaning(const struct ff_explain_field *field, char text[FF_EXPLAIN_WORDS_SIZE])
{
    const struct ff_item *item = field->item;
    const struct ff_roles *roles = &field->alt->roles;

    text[0] = '\0';
    /* What headers tell is told line by line. */
    if (item->slot != FF_NO_SLOT && item->kind != FF_ITEM_HEADERS)
        ff_explain_slot(field, item->slot, text);
    if (field->index == roles->name_item || field->index == roles->type_item) {
        part(text);
        add(text, "%s of the record", field->index == roles->name_item ? "name" : "type");
    }
    if (item->checksum != FF_CHECKSUM_NONE) {
        part(text);
        add(text, "%s of ", checksum_words((enum ff_checksum_kind)item->checksum));
        add_range(text, field, item->check_from, item->check_to);
    }
    add_condition(text, field);
    if (is_of_payload(field)) {
        part(text);
        add(text, "%sthe payload", roles->data == roles->data_last ? "" : "part of ");
    }
    /* Room of a payload is not unused. */
    if (item->kind != FF_ITEM_PAD || !is_of_payload(field))
        add_kind(text, field);
    add_sign(text, item);
    if (item->remember && item->condition == FF_CONDITION_NONE)
        add(text, ", which frames repeat");
}
