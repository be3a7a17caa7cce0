#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format/explain.h"

static const char *copy_text(const struct ff_layout *layout, struct ff_text text,
                             char buf[FF_ITEM_LABEL_BYTES])
{
    snprintf(buf, FF_ITEM_LABEL_BYTES, "%.*s", (int)text.len, layout->text + text.start);
    return buf;
}

const char *ff_explain_slot_label(const struct ff_explain_field *field, uint8_t slot,
                                  char buf[FF_ITEM_LABEL_BYTES])
{
    const struct ff_layout *layout = field->layout;

    for (unsigned int i = 0; i < field->alt->count; i++) {
        const struct ff_item *item = &layout->items[field->alt->first + i];
        for (unsigned int b = 0; b < item->bit_count; b++) {
            const struct ff_bits *bits = &layout->bits[item->bits + b];
            if (bits->slot == slot)
                return copy_text(layout, bits->name, buf);
        }
        if (item->slot != slot)
            continue;
        for (unsigned int h = 0; h < item->header_count; h++) {
            const struct ff_header *header = &layout->headers[item->headers + h];
            if (header->role == FF_HEADER_LEN)
                return copy_text(layout, header->name, buf);
        }
        return ff_item_label(layout, item, buf);
    }
    return "";
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
    else if (item->kind == FF_ITEM_LINE || item->kind == FF_ITEM_HEADERS)
        snprintf(buf, size, "1 to %d", FF_LINE_MAX_BYTES);
    else
        snprintf(buf, size, "varies");
}

/* A size that a length tells, alone or with that of others. */
static void solved_width(const struct ff_explain_field *field, char *buf, size_t size)
{
    char label[FF_ITEM_LABEL_BYTES];

    for (unsigned int e = 0; e < field->alt->equation_count; e++) {
        const struct ff_equation *equation = &field->layout->equations[field->alt->equation + e];
        if (equation->solves != field->index)
            continue;
        snprintf(buf, size, "%s%s", equation->from == equation->to ? "" : "rest of ",
                 ff_explain_slot_label(field, equation->slot, label));
        return;
    }
}

static void write_width(const struct ff_explain_field *field, char *buf, size_t size)
{
    const struct ff_item *item = field->item;
    char label[FF_ITEM_LABEL_BYTES];

    switch ((enum ff_size_kind)item->size_kind) {
    case FF_SIZE_FIXED:
        snprintf(buf, size, "%" PRIu64, item->size);
        break;
    case FF_SIZE_SLOT:
        snprintf(buf, size, "%s", ff_explain_slot_label(field, item->size_slot, label));
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

/* What an item consists of: bit fields of a number, lines of headers. */
static unsigned int explain_parts(const struct ff_explain_field *field, struct ff_explain_row *rows)
{
    static const char *const roles[] = {[FF_HEADER_LEN] = "length of data",
                                        [FF_HEADER_TIME] = "time of the record",
                                        [FF_HEADER_NAME] = "name of the record",
                                        [FF_HEADER_TYPE] = "type of the record"};
    const struct ff_layout *layout = field->layout;
    const struct ff_item *item = field->item;
    unsigned int count = 0;

    for (unsigned int b = 0; b < item->bit_count; b++) {
        const struct ff_bits *bits = &layout->bits[item->bits + b];
        struct ff_explain_row *row = &rows[count++];
        *row = (struct ff_explain_row){.offset = ""};
        snprintf(row->width, sizeof(row->width), "%u bit%s", bits->width,
                 bits->width == 1 ? "" : "s");
        copy_text(layout, bits->name, row->field);
        ff_explain_slot(field, bits->slot, row->meaning);
    }
    for (unsigned int h = 0; h < item->header_count; h++) {
        const struct ff_header *header = &layout->headers[item->headers + h];
        struct ff_explain_row *row = &rows[count++];
        *row = (struct ff_explain_row){.offset = ""};
        copy_text(layout, header->name, row->field);
        snprintf(row->meaning, sizeof(row->meaning), "%s", roles[header->role]);
    }
    return count;
}

unsigned int ff_explain_alt(const struct ff_layout *layout, const struct ff_alt *alt,
                            enum ff_section section,
                            struct ff_explain_row ret_rows[FF_EXPLAIN_ROWS_MAX])
{
    struct ff_explain_field field = {.layout = layout, .alt = alt, .section = section};
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
        ff_explain_meaning(&field, row->meaning);
        count += explain_parts(&field, row + 1);
        if (item->size_kind == FF_SIZE_FIXED) {
            offset += item->size;
        } else {
            ff_item_label(layout, item, label);
            offset = 0;
        }
    }
    return count;
}
