#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "format/decode_fast.h"
#include "format/lex.h"
#include "format/native.h"

static bool same_suffix(const struct ff_layout *layout, struct ff_text suffix, const char *text)
{
    return text && suffix.len && suffix.len == strlen(text) &&
           memcmp(layout->text + suffix.start, text, suffix.len) == 0;
}

static int compile_alt(const struct ff_alt_source *source, struct ff_layout *layout,
                       struct ff_error *error)
{
    if (layout->alt_count == FF_LAYOUT_ALTS_MAX)
        return ff_error_set(error, -EOVERFLOW, "the description has more than %d alternatives",
                            FF_LAYOUT_ALTS_MAX);
    struct ff_alt *alt = &layout->alts[layout->alt_count];
    *alt = (struct ff_alt){.first = layout->item_count,
                           .equation = layout->equation_count,
                           .preamble = FF_NO_ITEM,
                           .fast.payload = FF_NO_ITEM,
                           .frag_slot = FF_NO_SLOT};
    memset(&alt->roles, FF_NO_SLOT, sizeof(alt->roles));

    struct ff_parser parser = {.text = source->text,
                               .len = source->len,
                               .layout = layout,
                               .alt = alt,
                               .section = source->section,
                               .error = error};
    int r;
    if ((r = ff_parse_alt(&parser)) < 0 || (r = ff_resolve_alt(&parser)) < 0)
        return r;
    if (source->section == FF_FRAME)
        ff_decode_fast_plan(layout, alt);
    if (source->suffix) {
        size_t len = strlen(source->suffix);
        if (len > (size_t)(FF_LAYOUT_TEXT_BYTES - layout->text_len))
            return ff_error_set(error, -EOVERFLOW, "the description's names are too long");
        memcpy(layout->text + layout->text_len, source->suffix, len);
        alt->suffix = (struct ff_text){layout->text_len, (uint16_t)len};
        layout->text_len = (uint16_t)(layout->text_len + len);
        if (source->section == FF_FRAME)
            for (unsigned int p = 0; p < layout->alt_first[FF_PREAMBLE + 1]; p++)
                if (same_suffix(layout, layout->alts[p].suffix, source->suffix))
                    alt->preamble = (uint8_t)p;
    }
    if (source->section == FF_POSTAMBLE) {
        uint64_t size = 0;
        for (unsigned int i = 0; i < alt->count; i++) {
            const struct ff_item *item = ff_parser_item(&parser, i);
            if (item->size_kind != FF_SIZE_FIXED || item->size > FF_LINE_MAX_BYTES - size)
                return ff_parser_fail(&parser, -EINVAL, item->column, item->span,
                                      "a postamble is of fixed size, at most %d bytes: "
                                      "it is recognised from the archive's end",
                                      FF_LINE_MAX_BYTES);
            size += item->size;
        }
        if (size > layout->postamble_max)
            layout->postamble_max = size;
    }
    layout->alt_count++;
    return 0;
}

/* A number in the order of a byte-order mark needs one somewhere: in an earlier alternative, or an
 * earlier frame. */
static int check_marks(const struct ff_alt_source *alts, size_t count, struct ff_layout *layout,
                       struct ff_error *error)
{
    for (unsigned int i = 0; i < layout->item_count; i++)
        if (layout->items[i].kind == FF_ITEM_B32)
            return 0;
    for (unsigned int a = 0; a < layout->alt_count; a++) {
        const struct ff_alt *alt = &layout->alts[a];
        for (unsigned int i = 0; i < alt->count; i++) {
            const struct ff_item *item = &layout->items[alt->first + i];
            if (item->kind != FF_ITEM_INT || item->order != FF_ORDER_MARK)
                continue;
            const struct ff_alt_source *source = &alts[alt->source < count ? alt->source : 0];
            struct ff_parser parser = {.text = source->text, .len = source->len, .error = error};
            return ff_parser_fail(&parser, -EINVAL, item->column, item->span,
                                  "the order of this number is that of a byte-order mark, but "
                                  "there is none (b32=NUMBER)");
        }
    }
    return 0;
}

/* What the alternatives and the directives must agree on. */
static int check_fragments(struct ff_layout *layout, struct ff_error *error)
{
    const struct ff_directives *d = &layout->directives;
    bool signs = false;

    for (unsigned int a = layout->alt_first[FF_FRAME]; a < layout->alt_first[FF_FRAME + 1]; a++) {
        const struct ff_alt *alt = &layout->alts[a];
        bool sign = false;
        for (unsigned int i = 0; i < alt->count; i++)
            sign |= layout->items[alt->first + i].sign != FF_SIGN_NONE;
        if (!sign && alt->frag_slot == FF_NO_SLOT)
            continue;
        signs |= sign;
        layout->fragments = true;
        if (alt->roles.data == FF_NO_ITEM)
            return ff_error_set(error, -EINVAL, "a frame with frag has a payload (data)");
        if (alt->hide || alt->end)
            return ff_error_set(error, -EINVAL, "a frame with frag is neither @hide nor @end");
        if (sign && alt->frag_slot != FF_NO_SLOT)
            return ff_error_set(error, -EINVAL, "frag and signfrag exclude each other");
        if (d->glue.len > alt->overhead)
            return ff_error_set(error, -EINVAL,
                                "glue has %u bytes, but a frame has only %" PRIu32
                                " bytes besides its payload",
                                d->glue.len, alt->overhead);
    }
    if (d->signfrag && !signs)
        return ff_error_set(error, -EINVAL,
                            "signfrag needs a signed length before data, as len:i32le");
    if (d->glue.len && !layout->fragments)
        return ff_error_set(error, -EINVAL, "glue joins fragments, but no frame has frag");
    if (d->block && d->block_header >= d->block)
        return ff_error_set(error, -EINVAL, "a block is larger than its smallest header");
    return 0;
}

int ff_layout_compile(const struct ff_alt_source *alts, size_t count,
                      const struct ff_directives *directives, struct ff_layout *ret_layout,
                      struct ff_error *error)
{
    struct ff_layout *layout = ret_layout;
    memset(layout, 0, sizeof(*layout));
    if (directives)
        layout->directives = *directives;
    for (int section = 0; section < FF_SECTIONS; section++) {
        layout->alt_first[section] = layout->alt_count;
        /* Frames look for their preamble among those before them. */
        layout->alt_first[section + 1] = layout->alt_count;
        for (size_t i = 0; i < count; i++) {
            if ((int)alts[i].section != section)
                continue;
            int r = compile_alt(&alts[i], layout, error);
            if (r < 0)
                return r;
            layout->alts[layout->alt_count - 1].source = (uint8_t)i;
        }
        layout->alt_first[section + 1] = layout->alt_count;
    }
    if (layout->alt_first[FF_FRAME] == layout->alt_first[FF_FRAME + 1])
        return ff_error_set(error, -EINVAL, "the description has no frame");
    for (unsigned int p = 0; p < layout->alt_first[FF_PREAMBLE + 1]; p++)
        layout->preamble_tells |= layout->alts[p].roles.frames != FF_NO_SLOT;
    int r = check_fragments(layout, error);
    return r < 0 ? r : check_marks(alts, count, layout, error);
}

static bool is_blank(const char *text, const char *end)
{
    while (text < end && ff_lex_is_blank(*text))
        text++;
    return text == end;
}

int ff_description_split(const char *description, struct ff_alt_source *ret_alts, size_t *ret_count,
                         struct ff_error *error)
{
    size_t count = 0, part = 0;
    const char *start = description;
    bool quoted = false;

    for (const char *p = description;; p++) {
        if (quoted && *p) {
            if (*p == '\\' && p[1])
                p++;
            else if (*p == '"')
                quoted = false;
            continue;
        }
        if (*p == '"') {
            quoted = true;
            continue;
        }
        if (*p && *p != ';' && *p != '|')
            continue;
        if (count == FF_LAYOUT_ALTS_MAX)
            return ff_error_set(error, -EOVERFLOW, "the description has more than %d alternatives",
                                FF_LAYOUT_ALTS_MAX);
        /* Nothing before the first ';' is no preamble: that is how a postamble comes without one.
         */
        bool nothing = part == 0 && *p == ';' && count == 0 && is_blank(start, p);
        if (!nothing)
            ret_alts[count++] = (struct ff_alt_source){
                .section = (enum ff_section)part, .text = start, .len = (size_t)(p - start)};
        start = p + 1;
        if (*p == ';' && ++part == FF_SECTIONS)
            return ff_error_set(error, -EINVAL,
                                "too many ';': a description is [preamble ;] record [; postamble]");
        if (!*p)
            break;
    }
    /* A single part is the record. */
    if (part == 0)
        for (size_t i = 0; i < count; i++)
            ret_alts[i].section = FF_FRAME;
    *ret_count = count;
    return 0;
}

const char *ff_item_label(const struct ff_layout *layout, const struct ff_item *item,
                          char buf[FF_ITEM_LABEL_BYTES])
{
    static const char *const kinds[] = {
        "integer", "byte-order mark", "varint", "zigzag", "digits", "literal",   "bytes",
        "text",    "zeros",           "line",   "data",   "pad",    "alignment", "headers"};
    if (item->name.len) {
        snprintf(buf, FF_ITEM_LABEL_BYTES, "%.*s", (int)item->name.len,
                 layout->text + item->name.start);
    } else if (item->kind == FF_ITEM_LITERAL) {
        /* Its beginning tells which one it is, and leaves room for the rest of a message. */
        char escaped[40];
        ff_escape(escaped, sizeof(escaped), layout->text + item->text.start, item->text.len);
        snprintf(buf, FF_ITEM_LABEL_BYTES, "\"%s\"", escaped);
    } else if (item->kind == FF_ITEM_INT && item->bit_count) {
        size_t n = 0;
        for (unsigned int b = 0; b < item->bit_count && n < FF_ITEM_LABEL_BYTES; b++) {
            struct ff_text name = layout->bits[item->bits + b].name;
            n += (size_t)snprintf(buf + n, FF_ITEM_LABEL_BYTES - n, "%s%.*s", b ? "+" : "",
                                  (int)name.len, layout->text + name.start);
        }
    } else if (item->kind == FF_ITEM_NATIVE) {
        snprintf(buf, FF_ITEM_LABEL_BYTES, "%s", ff_native_name(item->native));
    } else {
        snprintf(buf, FF_ITEM_LABEL_BYTES, "%s", kinds[item->kind]);
    }
    return buf;
}
