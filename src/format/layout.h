/*
 * The layout: a description compiled. It is one flat value without pointers, so it can be copied,
 * compared and shared between threads, and compiling allocates nothing.
 *
 * A layout has three sections (preamble, frame, postamble), each a list of alternatives in order;
 * an alternative is a run of items. Numbers that a frame gives (fields, bit fields) live in slots
 * while it is decoded. A size equation says: the items from..to are as many bytes as the slot's
 * value. An item of unknown size (data, pad) is solved by the equations that cover it.
 */
#ifndef FF_FORMAT_LAYOUT_H
#define FF_FORMAT_LAYOUT_H

#include <framefs/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/directive.h"

#define FF_LAYOUT_ALTS_MAX      24   /* all sections */
#define FF_LAYOUT_ITEMS_MAX     256  /* all alternatives */
#define FF_ALT_ITEMS_MAX        64   /* one alternative */
#define FF_ALT_SLOTS_MAX        64   /* one alternative: numbers and bit fields */
#define FF_LAYOUT_EQUATIONS_MAX 96   /* all alternatives */
#define FF_LAYOUT_NUMBERS_MAX   256  /* constants in sets */
#define FF_LAYOUT_BITS_MAX      64   /* bit fields */
#define FF_LAYOUT_TEXT_BYTES    8192 /* names and literals */
#define FF_LITERAL_MAX_BYTES    255
#define FF_NAME_MAX_BYTES       63
#define FF_DIGITS_MAX           20    /* of dec, hex, oct */
#define FF_LINE_MAX_BYTES       65536 /* of a line, its newline included; of zero[n] too */
#define FF_ALIGN_MAX            (UINT64_C(1) << 30)
#define FF_SCALE_MAX            (INT64_C(1) << 32) /* N of *N, +N, -N */
#define FF_OFFSET_MAX           ((UINT64_C(1) << 63) - 1)
#define FF_HEADERS_MAX_BYTES    FF_LINE_MAX_BYTES /* of headers{}, its blank line included */
#define FF_LAYOUT_HEADERS_MAX   16                /* names in headers{}, all alternatives */
#define FF_REMEMBERED_MAX_BYTES 32                /* of a field that later frames repeat */

/* A field's value: any 64-bit number of either sign, scaled by at most FF_SCALE_MAX. */
__extension__ typedef __int128 ff_value;

enum ff_section { FF_PREAMBLE, FF_FRAME, FF_POSTAMBLE, FF_SECTIONS };

enum ff_item_kind {
    FF_ITEM_INT, /* width bytes in order */
    FF_ITEM_B32, /* a byte-order mark: 4 bytes that equal the constant in one order or the other */
    FF_ITEM_VARINT,  /* base 128, at most 10 bytes */
    FF_ITEM_ZIGZAG,  /* varint, zigzag coded */
    FF_ITEM_DIGITS,  /* ASCII digits: width of them, or up to the first other byte where width is 0
                      */
    FF_ITEM_LITERAL, /* these bytes; optional: or none */
    FF_ITEM_BYTES,
    FF_ITEM_STR, /* bytes that are text */
    FF_ITEM_ZERO,
    FF_ITEM_LINE, /* up to a newline, which belongs to it */
    FF_ITEM_DATA, /* the payload */
    FF_ITEM_PAD,  /* unused room of a size that an equation tells */
    FF_ITEM_ALIGN,
    FF_ITEM_HEADERS, /* "Name: value" lines and the blank line that ends them */
    FF_ITEM_NATIVE,  /* decoded by native.h */
};

enum ff_order { FF_ORDER_LE, FF_ORDER_BE, FF_ORDER_MARK /* as the last byte-order mark */ };

enum ff_condition {
    FF_CONDITION_NONE,
    FF_CONDITION_IN,     /* one of numbers[first..] */
    FF_CONDITION_NOT_IN, /* none of them */
    FF_CONDITION_TEXT,   /* its bytes are text */
    FF_CONDITION_NOT_TEXT,
    FF_CONDITION_SAME, /* the same value as slot `same` */
    FF_CONDITION_NOT_SAME,
    FF_CONDITION_REMEMBERED, /* the bytes that are remembered: of the preamble's field, or of the
                                same field in the first frame */
};

enum ff_size_kind {
    FF_SIZE_FIXED,  /* `size` bytes, known from the description */
    FF_SIZE_SLOT,   /* as many bytes as the slot's value */
    FF_SIZE_READ,   /* known when its bytes are read: varint, digits, line, optional literal */
    FF_SIZE_PLACE,  /* known from where it starts: align */
    FF_SIZE_SOLVED, /* told by equations: data, pad */
};

enum ff_align_base { FF_ALIGN_RECORD, FF_ALIGN_FILE, FF_ALIGN_DATA };

enum ff_checksum_kind {
    FF_CHECKSUM_NONE,
    FF_CHECKSUM_CRC32,
    FF_CHECKSUM_CRC32C,
    FF_CHECKSUM_CRC32C_MASKED,
    FF_CHECKSUM_ADLER32,
    FF_CHECKSUM_SUM32,
    FF_CHECKSUM_MD5,
    FF_CHECKSUM_XXH64,
};

/* What a record's frame is of it. */
enum ff_frag { FF_FRAG_WHOLE, FF_FRAG_FIRST, FF_FRAG_MIDDLE, FF_FRAG_LAST, FF_FRAGS };

/* A number whose sign tells of fragments (the directive signfrag). */
enum ff_sign {
    FF_SIGN_NONE,
    FF_SIGN_MORE, /* negative: the record goes on in the next frame */
    FF_SIGN_LESS, /* negative: the record began in a frame before */
};

#define FF_NO_SLOT UINT8_MAX
#define FF_NO_ITEM UINT8_MAX

/* A stretch of ff_layout.text. */
struct ff_text {
    uint16_t start;
    uint16_t len;
};

struct ff_bits {
    struct ff_text name;
    uint8_t width; /* bits */
    uint8_t slot;
};

/* What a line of headers{} tells. */
enum ff_header_role { FF_HEADER_LEN, FF_HEADER_TIME, FF_HEADER_NAME, FF_HEADER_TYPE };

struct ff_header {
    uint8_t role; /* enum ff_header_role */
    struct ff_text name;
};

struct ff_item {
    uint8_t kind;      /* enum ff_item_kind */
    uint8_t native;    /* NATIVE: enum ff_native_kind */
    uint8_t width;     /* INT: 1..8 bytes; DIGITS: 0..20 */
    uint8_t order;     /* enum ff_order */
    uint8_t base;      /* DIGITS: 8, 10, 16 */
    bool is_signed;    /* INT */
    bool optional;     /* LITERAL */
    uint8_t size_kind; /* enum ff_size_kind */
    uint8_t size_slot;
    uint64_t size; /* bytes; ALIGN: the power or number to align to */
    uint8_t align_base;
    uint8_t slot; /* its value's, or FF_NO_SLOT */
    uint8_t condition;
    uint8_t same;     /* slot */
    uint16_t numbers; /* condition: first of ff_layout.numbers */
    uint8_t number_count;
    struct ff_text text;   /* LITERAL; FF_CONDITION_TEXT, NOT_TEXT */
    struct ff_text ending; /* STR: what is no part of the text when it ends with it; or empty */
    struct ff_text name;   /* or empty */
    uint16_t bits;         /* first of ff_layout.bits */
    uint8_t bit_count;
    uint8_t headers, header_count; /* HEADERS: first of ff_layout.headers */
    uint8_t sign;                  /* enum ff_sign */
    bool remember;                 /* its bytes go into ff_decode_state.remembered */
    int64_t mul, add;              /* value = number * mul + add */
    uint8_t checksum;              /* enum ff_checksum_kind, of the items check_from..check_to */
    uint8_t check_from, check_to;
    uint8_t closes;        /* how many of the alternative's equations are checked after this item */
    uint16_t column, span; /* in the description, for messages */
};

struct ff_equation {
    uint8_t slot;
    uint8_t item; /* that fills the slot, counted within the alternative */
    uint8_t from, to;
    uint8_t check_after; /* item after which it is checked, or FF_NO_ITEM where it is a solver */
    uint8_t solves;      /* item, or FF_NO_ITEM */
};

/* Slots and items with a meaning. */
struct ff_roles {
    uint8_t time, usec, nsec, time_ms, time_us, time_ns; /* slots */
    /* A counter of the unit that an interface tells (pcapng), and which interface. */
    uint8_t time_hi, time_lo, interface;
    uint8_t frames; /* of a preamble: how many bytes of frames follow it */
    uint8_t type_slot;
    uint8_t type_item, name_item; /* str, bytes or line */
    uint8_t headers;              /* item */
    uint8_t data, data_last;      /* items: the payload is all from the one to the other */
};

/* One item of an alternative that decode_fast.h decodes. */
struct ff_fast_item {
    uint32_t place; /* bytes before it, from the frame's beginning or from the payload's end */
    uint8_t load;   /* its private matter */
    uint8_t slot;
};

/* An alternative of the shape that decode_fast.h decodes; its items are ff_layout.fast_items from
 * ff_alt.first on. */
struct ff_fast {
    uint8_t payload;        /* the item that is the payload; FF_NO_ITEM: not of that shape */
    uint8_t length;         /* the item whose number tells its size; FF_NO_ITEM: it is fixed */
    uint32_t head, trailer; /* bytes before and after it */
    uint32_t covered;       /* bytes of these that the number counts, too */
    bool looks;             /* other items than the number must be looked at */
    bool runs;              /* what is the payload to readers contains that item: */
    uint32_t before, after; /* so many bytes stand before and after it */
};

struct ff_alt {
    uint16_t first; /* item in ff_layout.items */
    uint8_t count;
    uint8_t slots;
    uint16_t equation; /* first */
    uint8_t equation_count;
    uint8_t source; /* which of the texts that were compiled */
    bool hide, end;
    bool remembers;        /* its field is remembered, of the first frame */
    bool section;          /* what comes before it says nothing of what follows */
    bool context;          /* later records cannot be read without it */
    bool interface;        /* it tells the clock of the section's next interface (pcapng) */
    uint8_t frag_slot;     /* or FF_NO_SLOT */
    uint16_t frag_numbers; /* its values for enum ff_frag, in order: first of ff_layout.numbers */
    uint32_t overhead;     /* bytes of a frame that are certainly no payload */
    uint8_t preamble;      /* only after this alternative of the preamble, or FF_NO_ITEM */
    struct ff_roles roles;
    struct ff_fast fast;
    struct ff_text suffix; /* "usec" of frame.usec */
};

struct ff_layout {
    struct ff_directives directives;
    uint8_t alt_first[FF_SECTIONS + 1]; /* the alternatives of section s: [s] .. [s+1]-1 */
    uint8_t alt_count;
    uint16_t item_count, equation_count, number_count, bit_count, text_len;
    uint8_t header_count;
    bool fragments;      /* records may lie in several frames */
    bool preamble_tells; /* frames cannot be decoded without the preamble's fields */
    bool has_context;
    uint64_t postamble_max; /* bytes of the longest postamble, 0 where there is none */
    struct ff_alt alts[FF_LAYOUT_ALTS_MAX];
    struct ff_item items[FF_LAYOUT_ITEMS_MAX];
    struct ff_fast_item fast_items[FF_LAYOUT_ITEMS_MAX];
    struct ff_equation equations[FF_LAYOUT_EQUATIONS_MAX];
    ff_value numbers[FF_LAYOUT_NUMBERS_MAX];
    struct ff_bits bits[FF_LAYOUT_BITS_MAX];
    struct ff_header headers[FF_LAYOUT_HEADERS_MAX];
    char text[FF_LAYOUT_TEXT_BYTES];
};

/* One alternative as it is written: "len:u32le data". The text need not end with NUL. */
struct ff_alt_source {
    enum ff_section section;
    const char *suffix; /* or NULL */
    const char *text;
    size_t len;
};

/* Compiles alternatives, in order of section; directives NULL: none. -EINVAL with a caret under the
 * item at fault; -EOVERFLOW when a limit above is passed. After a failure ret_layout->alt_count
 * tells how many alternatives, section by section, are right: the one after them is at fault, or
 * where there is none, all of them together. */
int ff_layout_compile(const struct ff_alt_source *alts, size_t count,
                      const struct ff_directives *directives, struct ff_layout *ret_layout,
                      struct ff_error *error);

/* Splits "[preamble ;] record [; postamble]" at ';' and '|' outside quotes; "; record ; postamble"
 * has no preamble. At most FF_LAYOUT_ALTS_MAX alternatives, their number in ret_count. */
int ff_description_split(const char *description, struct ff_alt_source *ret_alts, size_t *ret_count,
                         struct ff_error *error);

/* What an item is called in messages: its name, else its type or literal, escaped. */
#define FF_ITEM_LABEL_BYTES 96
const char *ff_item_label(const struct ff_layout *layout, const struct ff_item *item,
                          char buf[FF_ITEM_LABEL_BYTES]);

#endif
