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

#include "format/native.h"
#include "format/window.h"

/* What goes on from one frame to the next. */
struct ff_decode_state {
    uint8_t order;    /* FF_ORDER_LE or FF_ORDER_BE: of the last byte-order mark */
    uint8_t preamble; /* which alternative of the preamble matched */
    bool remembers;   /* the first frame was met whose field later ones repeat */
    /* What the preamble tells of the frames: where they end, UINT64_MAX at the archive's end; and
     * the bytes of the field that they repeat, its or the first frame's. */
    uint64_t frames_end;
    uint8_t remembered[FF_REMEMBERED_MAX_BYTES];
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
    FF_FAULT_MAX,           /* a frame larger than the description allows; other: that */
    FF_FAULT_FRAG,          /* value tells no kind of fragment */
    FF_FAULT_REMEMBERED,    /* bytes are not those of the field that is remembered */
    FF_FAULT_HEADERS,       /* a line is no header */
    FF_FAULT_HEADER_COUNT,  /* value times the header that is needed once; other: which one */
    FF_FAULT_HEADER_DIGITS, /* the header's value is no number; other: which one */
    FF_FAULT_NATIVE,        /* text says what */
};

/* What bounds a frame. */
enum ff_decode_bound { FF_BOUND_ARCHIVE, FF_BOUND_BLOCK, FF_BOUND_FRAMES };

struct ff_decode_fault {
    uint8_t kind;  /* enum ff_decode_fault_kind */
    uint8_t alt;   /* index in ff_layout.alts */
    uint8_t item;  /* within the alternative */
    uint8_t bound; /* enum ff_decode_bound: SHORT and PAST_END */
    uint64_t offset;
    ff_value value, other;
    const char *text; /* a constant */
};

struct ff_decoder {
    const struct ff_layout *layout;
    struct ff_decode_state state; /* in force for the next frame; changed by one that fits */
    uint64_t limit;               /* the archive's size, or UINT64_MAX while that is not known */
    /* Set when a result hangs on where the archive ends: with more bytes behind that place it may
     * be another. Never cleared here. */
    bool end_seen;
    /* the result of FF_DECODE_DONE */
    uint64_t offset; /* of the frame */
    uint64_t end;    /* first byte after it */
    uint8_t alt;     /* that fitted: index in ff_layout.alts */
    uint8_t frag;    /* enum ff_frag */
    /* the result of FF_DECODE_NEED: these bytes, or as many of them as there are before the end */
    uint64_t need_offset;
    size_t need_len;
    /* the result of failure */
    struct ff_decode_fault fault;

    /* private */
    uint8_t section, item, order;
    uint8_t bound_by; /* enum ff_decode_bound */
    bool begun;       /* the item's start is noted */
    bool more, less;  /* signs said so: see enum ff_sign */
    uint64_t bound;   /* no byte of the frame lies at it or after it; UINT64_MAX: not known */
    uint64_t pos;
    uint8_t remembered[FF_REMEMBERED_MAX_BYTES];
    struct ff_native_item native;
    uint64_t starts[FF_ALT_ITEMS_MAX + 1];
    ff_value slots[FF_ALT_SLOTS_MAX];
};

void ff_decoder_init(struct ff_decoder *decoder, const struct ff_layout *layout, uint64_t limit);

/* Begins to decode what stands at offset (at most FF_OFFSET_MAX). */
void ff_decode_begin(struct ff_decoder *decoder, enum ff_section section, uint64_t offset);

/* In a format of blocks: how many bytes of padding stand at offset, because a block has no room for
 * a frame there. */
uint64_t ff_decode_padding(const struct ff_layout *layout, uint64_t offset);

/* FF_DECODE_DONE, FF_DECODE_NEED, -ENODATA (the archive ends inside the frame) or -EUCLEAN. When
 * the needed bytes do not exist, set limit to where the archive ends and call again. */
int ff_decode(struct ff_decoder *decoder, const struct ff_window *window);

/* After FF_DECODE_DONE: the payload's place. */
void ff_decoder_payload(const struct ff_decoder *decoder, uint64_t *ret_offset, uint64_t *ret_len);

/* The fault in words: "len is 4294967295, but only 12 bytes are left". Returns buf. */
const char *ff_decode_fault_text(const struct ff_layout *layout,
                                 const struct ff_decode_fault *fault, char *buf, size_t size);

#endif
