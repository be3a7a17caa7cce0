#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "format/checksum.h"
#include "format/explain.h"
#include "format/native.h"

#define NUMBER_BYTES  40
#define NUMBERS_SHOWN 12 /* of a set */

/* An item and what it belongs to. */
struct field {
    const struct ff_layout *layout;
    const struct ff_alt *alt;
    const struct ff_item *item;
    unsigned int index; /* of the item in alt */
    const char *whole;  /* what the alternative is called: "the frame" */
};

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

/* The name of the number or bit field that fills a slot. */
static const char *slot_label(const struct field *field, uint8_t slot,
                              char buf[FF_ITEM_LABEL_BYTES])
{
    const struct ff_layout *layout = field->layout;

    for (unsigned int i = 0; i < field->alt->count; i++) {
        const struct ff_item *item = &layout->items[field->alt->first + i];
        for (unsigned int b = 0; b < item->bit_count; b++) {
            const struct ff_bits *bits = &layout->bits[item->bits + b];
            if (bits->slot != slot)
                continue;
            snprintf(buf, FF_ITEM_LABEL_BYTES, "%.*s", (int)bits->name.len,
                     layout->text + bits->name.start);
            return buf;
        }
        if (item->slot == slot)
            return ff_item_label(layout, item, buf);
    }
    return "";
}

static const char *item_label(const struct field *field, unsigned int index,
                              char buf[FF_ITEM_LABEL_BYTES])
{
    return ff_item_label(field->layout, &field->layout->items[field->alt->first + index], buf);
}

/* "len", "type to data", "the frame" */
static void add_range(char text[FF_EXPLAIN_WORDS_SIZE], const struct field *field,
                      unsigned int from, unsigned int to)
{
    char buf[FF_ITEM_LABEL_BYTES];

    if (from == 0 && to + 1U == field->alt->count && from != to) {
        add(text, "%s", field->whole);
        return;
    }
    add(text, "%s", item_label(field, from, buf));
    if (from != to)
        add(text, " to %s", item_label(field, to, buf));
}

/* What a slot's number says of the frame: what it is the length of, or of the record. */
static void add_slot(char text[FF_EXPLAIN_WORDS_SIZE], const struct field *field, uint8_t slot)
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
}

static void add_set(char text[FF_EXPLAIN_WORDS_SIZE], const struct field *field, const char *one,
                    const char *several)
{
    const struct ff_item *item = field->item;
    char buf[NUMBER_BYTES];

    add(text, "%s", item->number_count == 1 ? one : several);
    for (unsigned int i = 0; i < item->number_count && i < NUMBERS_SHOWN; i++)
        add(text, " %s", number_text(buf, field->layout->numbers[item->numbers + i]));
    if (item->number_count > NUMBERS_SHOWN)
        add(text, " and %u more", item->number_count - NUMBERS_SHOWN);
}

static void add_condition(char text[FF_EXPLAIN_WORDS_SIZE], const struct field *field)
{
    const struct ff_item *item = field->item;
    const char *bytes = field->layout->text + item->text.start;
    char label[FF_ITEM_LABEL_BYTES], literal[FF_ITEM_LABEL_BYTES];

    if (item->condition == FF_CONDITION_NONE || item->kind == FF_ITEM_B32)
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
        add(text, "repeats %s", slot_label(field, item->same, label));
        break;
    case FF_CONDITION_NOT_SAME:
        add(text, "differs from %s", slot_label(field, item->same, label));
        break;
    case FF_CONDITION_REMEMBERED:
        add(text, "repeats the preamble's field");
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

static void add_align(char text[FF_EXPLAIN_WORDS_SIZE], const struct field *field)
{
    static const char *const bases[] = {[FF_ALIGN_RECORD] = "",
                                        [FF_ALIGN_FILE] = " of the archive",
                                        [FF_ALIGN_DATA] = " from data on"};

    add(text, "padding to a multiple of %" PRIu64 "%s", field->item->size,
        bases[field->item->align_base]);
}

static void add_headers(char text[FF_EXPLAIN_WORDS_SIZE], const struct field *field)
{
    static const char *const roles[] = {[FF_HEADER_LEN] = "length of data",
                                        [FF_HEADER_TIME] = "time of the record",
                                        [FF_HEADER_NAME] = "name of the record",
                                        [FF_HEADER_TYPE] = "type of the record"};
    const struct ff_item *item = field->item;

    add(text, "lines \"Name: value\" and an empty line");
    for (unsigned int i = 0; i < item->header_count; i++) {
        const struct ff_header *header = &field->layout->headers[item->headers + i];
        add(text, "%s %.*s tells the %s", i ? "," : ";", (int)header->name.len,
            field->layout->text + header->name.start, roles[header->role]);
    }
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
        return "an Arrow message's metadata, which tells its body's length";
    case FF_NATIVE_ARROW_SCHEMA:
        return "the metadata of an Arrow schema or dictionary, which tells its body's length";
    case FF_NATIVE_KINDS:
        break;
    }
    return ff_native_name(kind);
}

/* How its bytes are to be read. */
static void add_kind(char text[FF_EXPLAIN_WORDS_SIZE], const struct field *field)
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
        add_headers(text, field);
        break;
    case FF_ITEM_NATIVE:
        add(text, "%s", native_words((enum ff_native_kind)item->native));
        break;
    }
    add_scale(text, item);
}

static void describe(char text[FF_EXPLAIN_WORDS_SIZE], const struct field *field)
{
    const struct ff_item *item = field->item;
    const struct ff_roles *roles = &field->alt->roles;

    text[0] = '\0';
    if (item->slot != FF_NO_SLOT)
        add_slot(text, field, item->slot);
    if (field->index == roles->name_item || field->index == roles->type_item)
        add(text, "%s of the record", field->index == roles->name_item ? "name" : "type");
    if (item->checksum != FF_CHECKSUM_NONE) {
        part(text);
        add(text, "%s of ", checksum_words(item->checksum));
        add_range(text, field, item->check_from, item->check_to);
    }
    add_condition(text, field);
    add_kind(text, field);
}

/* The bytes of an item whose size its own bytes tell. */
static void read_width(const struct ff_item *item, char *buf, size_t size)
{
    if (item->kind == FF_ITEM_LITERAL)
        snprintf(buf, size, "0 or %u", item->text.len);
    else if (item->kind == FF_ITEM_DIGITS)
        snprintf(buf, size, "1 to %d", FF_DIGITS_MAX);
    else if (item->kind == FF_ITEM_VARINT || item->kind == FF_ITEM_ZIGZAG)
        snprintf(buf, size, "1 to 10");
    else
        snprintf(buf, size, "1 to %d", FF_LINE_MAX_BYTES);
}

/* A size that a length tells, alone or with that of others. */
static void solved_width(const struct field *field, char *buf, size_t size)
{
    char label[FF_ITEM_LABEL_BYTES];

    for (unsigned int e = 0; e < field->alt->equation_count; e++) {
        const struct ff_equation *equation = &field->layout->equations[field->alt->equation + e];
        if (equation->solves != field->index)
            continue;
        snprintf(buf, size, "%s%s", equation->from == equation->to ? "" : "rest of ",
                 slot_label(field, equation->slot, label));
        return;
    }
}

static void write_width(const struct field *field, char *buf, size_t size)
{
    const struct ff_item *item = field->item;
    char label[FF_ITEM_LABEL_BYTES];

    switch ((enum ff_size_kind)item->size_kind) {
    case FF_SIZE_FIXED:
        snprintf(buf, size, "%" PRIu64, item->size);
        break;
    case FF_SIZE_SLOT:
        snprintf(buf, size, "%s", slot_label(field, item->size_slot, label));
        break;
    case FF_SIZE_READ:
        read_width(item, buf, size);
        break;
    case FF_SIZE_PLACE:
        snprintf(buf, size, "0 to %" PRIu64, item->size - 1);
        break;
    case FF_SIZE_SOLVED:
        solved_width(field, buf, size);
        break;
    }
}

/* The bit fields of a number. */
static unsigned int explain_bits(const struct field *field, struct ff_explain_row *rows)
{
    for (unsigned int b = 0; b < field->item->bit_count; b++) {
        const struct ff_bits *bits = &field->layout->bits[field->item->bits + b];
        rows[b] = (struct ff_explain_row){.offset = ""};
        snprintf(rows[b].width, sizeof(rows[b].width), "%u bit%s", bits->width,
                 bits->width == 1 ? "" : "s");
        snprintf(rows[b].field, sizeof(rows[b].field), "%.*s", (int)bits->name.len,
                 field->layout->text + bits->name.start);
        add_slot(rows[b].meaning, field, bits->slot);
    }
    return field->item->bit_count;
}

unsigned int ff_explain_alt(const struct ff_layout *layout, const struct ff_alt *alt,
                            enum ff_section section,
                            struct ff_explain_row ret_rows[FF_EXPLAIN_ROWS_MAX])
{
    static const char *const wholes[] = {"the preamble", "the frame", "the postamble"};
    struct field field = {.layout = layout, .alt = alt, .whole = wholes[section]};
    char label[FF_ITEM_LABEL_BYTES] = ""; /* of the last item whose size is not fixed */
    uint64_t offset = 0;                  /* from its end, or the frame's start */
    unsigned int count = 0;

    for (field.index = 0; field.index < alt->count; field.index++) {
        const struct ff_item *item = field.item = &layout->items[alt->first + field.index];
        struct ff_explain_row *row = &ret_rows[count++];
        *row = (struct ff_explain_row){.field = ""};
        if (!label[0])
            snprintf(row->offset, sizeof(row->offset), "%" PRIu64, offset);
        else if (offset == 0)
            snprintf(row->offset, sizeof(row->offset), "after %s", label);
        else
            snprintf(row->offset, sizeof(row->offset), "after %s + %" PRIu64, label, offset);
        write_width(&field, row->width, sizeof(row->width));
        if (item->name.len > 0 || item->kind == FF_ITEM_DATA)
            ff_item_label(layout, item, row->field);
        describe(row->meaning, &field);
        count += explain_bits(&field, row + 1);
        if (item->size_kind == FF_SIZE_FIXED) {
            offset += item->size;
        } else {
            ff_item_label(layout, item, label);
            offset = 0;
        }
    }
    return count;
}
