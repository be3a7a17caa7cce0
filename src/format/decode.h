/*
 * Decoding one frame (or preamble, or postamble) from windows of the archive's bytes.
 *
 * Pure and re-entrant: ff_decode() goes as far as the window's bytes allow, then says which bytes
 * it needs next, and is called again with a window that has them. Bytes that need not be looked
 * at (payloads, opaque fields) are passed over and never asked for, but for their last one while
 * the archive's end is not known. So the result depends neither on how the bytes are cut into
 * windows nor on whether the end is known.
 *
 * Alternatives are tried in order; the first that fits in full wins, constants, lengths and
 * repeated lengths included. When none fits, the fault is that of the one that came furthest.
 */
#ifndef FF_FORMAT_DECODE_H
#define FF_FORMAT_DECODE_H

#include "format/layout.h"

/* Bytes [offset, offset + len) of the archive. */
struct ff_window {
    const uint8_t *bytes;
    uint64_t offset;
    size_t len;
};

/* What goes on from one frame to the next. */
struct ff_decode_state {
    uint8_t order;    /* FF_ORDER_LE or FF_ORDER_BE: of the last byte-order mark */
    uint8_t preamble; /* which alternative of the preamble matched */
};

enum ff_decode_fault_kind {
    FF_FAULT_NONE,
    FF_FAULT_SHORT,         /* the archive ends inside the item; value: bytes wanted */
    FF_FAULT_CONSTANT,      /* value is not the constant */
    FF_FAULT_LITERAL,       /* bytes are not the literal's */
    FF_FAULT_EXCLUDED,      /* value is one that != excludes */
    FF_FAULT_EXCLUDED_TEXT, /* bytes are those that != excludes */
    FF_FAULT_DIFFERENT,     /* value differs from the field that it should repeat; other */
    FF_FAULT_NEGATIVE,      /* a negative size */
    FF_FAULT_SMALL,         /* a size smaller than what it must cover; other: that */
    FF_FAULT_LARGE,         /* a size above 2^63-1, or a limit */
    FF_FAULT_PAST_END,      /* a size that goes past the end; other: bytes left */
    FF_FAULT_DISAGREE,      /* two sizes for the same item; other */
    FF_FAULT_SIZE,          /* a size that is not that of what it covers; other: that */
    FF_FAULT_DIGITS,        /* not a digit, or none */
    FF_FAULT_VARINT,        /* too long */
    FF_FAULT_ZERO,          /* not zero */
    FF_FAULT_LINE,          /* no newline within the limit */
    FF_FAULT_EMPTY,         /* a frame of no bytes */
};

struct ff_decode_fault {
    uint8_t kind; /* enum ff_decode_fault_kind */
    uint8_t alt;  /* index in ff_layout.alts */
    uint8_t item; /* within the alternative */
    uint64_t offset;
    ff_value value, other;
};

struct ff_decoder {
    const struct ff_layout *layout;
    struct ff_decode_state state; /* in force for the next frame; changed by one that fits */
    uint64_t limit;               /* the archive's size, or UINT64_MAX while that is not known */
    /* the result of FF_DECODE_DONE */
    uint64_t offset; /* of the frame */
    uint64_t end;    /* first byte after it */
    uint8_t alt;     /* that fitted: index in ff_layout.alts */
    /* the result of FF_DECODE_NEED: these bytes, or as many of them as there are before the end */
    uint64_t need_offset;
    size_t need_len;
    /* the result of failure */
    struct ff_decode_fault fault;

    /* private */
    uint8_t section, item, order;
    uint64_t pos;
    uint64_t starts[FF_ALT_ITEMS_MAX + 1];
    ff_value slots[FF_ALT_SLOTS_MAX];
};

/* The most bytes that ff_decode() asks for at once. */
#define FF_DECODE_NEED_MAX FF_LINE_MAX_BYTES

enum ff_decode_result { FF_DECODE_DONE, FF_DECODE_NEED };

void ff_decoder_init(struct ff_decoder *decoder, const struct ff_layout *layout, uint64_t limit);

/* Begins to decode what stands at offset (at most FF_OFFSET_MAX). */
void ff_decode_begin(struct ff_decoder *decoder, enum ff_section section, uint64_t offset);

/* FF_DECODE_DONE, FF_DECODE_NEED, -ENODATA (the archive ends inside the frame) or -EUCLEAN. When
 * the needed bytes do not exist, set limit to where the archive ends and call again. */
int ff_decode(struct ff_decoder *decoder, const struct ff_window *window);

/* After FF_DECODE_DONE: the payload's place. */
void ff_decoder_payload(const struct ff_decoder *decoder, uint64_t *ret_offset, uint64_t *ret_len);

/* The fault in words: "len is 4294967295, but only 12 bytes are left". Returns buf. */
const char *ff_decode_fault_text(const struct ff_layout *layout,
                                 const struct ff_decode_fault *fault, char *buf, size_t size);

#endif
