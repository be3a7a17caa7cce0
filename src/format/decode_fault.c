#include <inttypes.h>
#include <stdio.h>

#include "format/decode.h"

/* Enough for any ff_value. */
#define VALUE_BYTES 48

static const char *value_text(char buf[VALUE_BYTES], ff_value value)
{
    char digits[VALUE_BYTES];
    bool negative = value < 0;
    size_t n = 0, at = 0;

    do {
        int digit = (int)(value % 10);
        digits[n++] = (char)('0' + (digit < 0 ? -digit : digit));
        value /= 10;
    } while (value);
    if (negative)
        buf[at++] = '-';
    while (n)
        buf[at++] = digits[--n];
    buf[at] = '\0';
    return buf;
}

const char *ff_decode_fault_text(const struct ff_layout *layout,
                                 const struct ff_decode_fault *fault, char *buf, size_t size)
{
    const struct ff_alt *alt = &layout->alts[fault->alt];
    unsigned int index = fault->item < alt->count ? fault->item : alt->count - 1U;
    char label[FF_ITEM_LABEL_BYTES], v[VALUE_BYTES], o[VALUE_BYTES];
    const char *what = ff_item_label(layout, &layout->items[alt->first + index], label);

    static const char *const ends[] = {"the archive ends", "the block ends", "the frames end"};
    const char *end = ends[fault->bound];

    value_text(v, fault->value);
    value_text(o, fault->other);
    switch ((enum ff_decode_fault_kind)fault->kind) {
    case FF_FAULT_NONE:
        snprintf(buf, size, "no frame fits here");
        break;
    case FF_FAULT_SHORT:
        snprintf(buf, size, "%s inside the frame (in %s)", end, what);
        break;
    case FF_FAULT_CONSTANT:
        snprintf(buf, size, "%s is %s, not the constant that belongs here", what, v);
        break;
    case FF_FAULT_LITERAL:
        snprintf(buf, size, "%s is not here", what);
        break;
    case FF_FAULT_EXCLUDED:
        snprintf(buf, size, "%s is %s, which it must not be", what, v);
        break;
    case FF_FAULT_EXCLUDED_TEXT:
        snprintf(buf, size, "%s holds the bytes that it must not", what);
        break;
    case FF_FAULT_DIFFERENT:
        snprintf(buf, size, "%s is %s, but should repeat %s", what, v, o);
        break;
    case FF_FAULT_NEGATIVE:
        snprintf(buf, size, "the size of %s is negative (%s)", what, v);
        break;
    case FF_FAULT_SMALL:
        snprintf(buf, size, "a size of %s bytes is told, but what it covers has at least %s", v, o);
        break;
    case FF_FAULT_LARGE:
        snprintf(buf, size, "%s is too large (%s)", what, v);
        break;
    case FF_FAULT_PAST_END:
        snprintf(buf, size, "%s is %s bytes long, but %s %s bytes after its start", what, v, end,
                 o);
        break;
    case FF_FAULT_DISAGREE:
        snprintf(buf, size, "two lengths disagree on %s: %s and %s bytes", what, v, o);
        break;
    case FF_FAULT_SIZE:
        snprintf(buf, size, "a size of %s bytes is told, but it is %s (up to %s)", v, o, what);
        break;
    case FF_FAULT_DIGITS:
        snprintf(buf, size, "%s is not a number in digits", what);
        break;
    case FF_FAULT_VARINT:
        snprintf(buf, size, "%s is not a varint of 64 bits", what);
        break;
    case FF_FAULT_ZERO:
        snprintf(buf, size, "%s holds a byte that is not zero", what);
        break;
    case FF_FAULT_LINE:
        snprintf(buf, size, "%s has no end within %d bytes", what, FF_LINE_MAX_BYTES);
        break;
    case FF_FAULT_EMPTY:
        snprintf(buf, size, "a frame of no bytes");
        break;
    case FF_FAULT_MAX:
        snprintf(buf, size, "%s bytes, but a record has at most %s", v, o);
        break;
    case FF_FAULT_FRAG:
        snprintf(buf, size, "%s tells no kind of fragment", v);
        break;
    case FF_FAULT_REMEMBERED:
        snprintf(buf, size, "%s does not repeat the bytes that the %s tells", what,
                 layout->alts[fault->alt].remembers ? "first frame" : "preamble");
        break;
    case FF_FAULT_HEADERS:
        snprintf(buf, size, "a line of the headers is not \"Name: value\"");
        break;
    case FF_FAULT_HEADER_COUNT:
    case FF_FAULT_HEADER_DIGITS: {
        struct ff_text name = layout->headers[fault->other].name;
        if (fault->kind == FF_FAULT_HEADER_DIGITS)
            snprintf(buf, size, "%.*s is not a number in digits", (int)name.len,
                     layout->text + name.start);
        else
            snprintf(buf, size, "%.*s stands %s times among the headers; it must stand once",
                     (int)name.len, layout->text + name.start, v);
        break;
    }
    case FF_FAULT_NATIVE:
        snprintf(buf, size, "%s", fault->text ? fault->text : "not what belongs here");
        break;
    }
    return buf;
}
