/*
 * What speaks for a frame, in bits: how improbable it is that other bytes fit so well by chance.
 * Detection sums it up over the frames of a head; resynchronisation asks it of a single frame.
 *
 * Pure.
 */
#ifndef FF_FORMAT_EVIDENCE_H
#define FF_FORMAT_EVIDENCE_H

#include "format/decode.h"

/* Sums over frames; all zero at first. */
struct ff_evidence {
    uint32_t fixed;        /* bits: constants, literals, marks, digits, repeated lengths, checksums
                              that match, printable tags */
    uint32_t strongest;    /* of these, the bits of the one item that says most */
    uint32_t repeated;     /* of these, the bits of repeated lengths */
    uint32_t chain;        /* bits: lengths that could have gone past the room, and did not */
    uint32_t right, wrong; /* how many checksums match, and do not */
    uint32_t frames;       /* counted by the caller */
};

/* Adds what speaks for the frame (preamble, postamble) that the decoder is DONE with; while it
 * says NEED, for the items before the one that it is at, without lengths. window: the bytes at
 * hand; a checksum over others counts nothing, nor does one that does not match: it may be damage.
 * room: how many bytes a length may span without going too far, UINT64_MAX when that is not known:
 * what is left of the archive, or, for a frame within the bytes at hand, how many those are. Zero
 * bytes and lengths of nothing count little or nothing: zeros are everywhere. */
void ff_evidence_weigh(const struct ff_decoder *decoder, const struct ff_window *window,
                       uint64_t room, struct ff_evidence *evidence);

/* How many bits it takes to write n: 0 for 0, 64 for UINT64_MAX. */
static inline unsigned int ff_evidence_bits(uint64_t n)
{
    return n ? 64U - (unsigned int)__builtin_clzll(n) : 0;
}

#endif
