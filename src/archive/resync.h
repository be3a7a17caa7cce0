/* Where an archive goes on after damage. */
#ifndef FF_ARCHIVE_RESYNC_H
#define FF_ARCHIVE_RESYNC_H

#include "archive/reader.h"

/* How far a magic is searched; how many places are tried where there is none; how often the frames
 * that are tried there may lead far away. */
#define FF_RESYNC_MAX_BYTES  (UINT64_C(1) << 30)
#define FF_RESYNC_MAX_PLACES (UINT64_C(1) << 22)
#define FF_RESYNC_MAX_JUMPS  65536
/* How many bytes may be looked at in frames that begin with the magic and do not fit, in all
 * searches together: this, and so many times the archive's bytes before the place. */
#define FF_RESYNC_MAX_TRIED_BYTES (UINT64_C(1) << 30)
#define FF_RESYNC_TRIED_RATIO     8
/* What speaks for the frames found must be worth this many bits: of constants and checksums in one
 * frame, and where it is not found by its magic, of one of these, for short ones also stand between
 * the true frames; in a frame that nothing follows; or, for frames that have none, of their lengths
 * in a chain of that many. */
#define FF_RESYNC_FRAME_BITS   32
#define FF_RESYNC_ITEM_BITS    24
#define FF_RESYNC_ALONE_BITS   40
#define FF_RESYNC_CHAIN_BITS   96
#define FF_RESYNC_CHAIN_FRAMES 8

enum ff_resync_result {
    FF_RESYNC_FOUND, /* a frame begins at *ret_offset */
    FF_RESYNC_END,   /* there is none up to the archive's end */
    FF_RESYNC_LOST,  /* none was found within the limits, or the format has nothing to find it by */
};

/* What the searches of one archive know of what was before; all zero at first. */
#define FF_RESYNC_LIKE_BYTES 32

struct ff_resync_past {
    uint64_t tried; /* bytes that were looked at in vain */
    /* What a frame before the damage begins with: of several chains of frames that fit behind it,
     * the one is taken whose frames look most like it. */
    uint8_t like[FF_RESYNC_LIKE_BYTES];
    size_t like_len;
};

/* Searches from the place after offset, where a frame did not fit. decoder: its state is that in
 * force there; it is left as it was. cut: the frame there goes past the archive's end, so that what
 * is found may lie in its payload: it must lead on to the end. Negative errno when the source
 * fails. The result does not depend on how short the source's reads are; where it depends on the
 * archive's end, here and in the functions below, the reader's end_seen is set. */
int ff_resync(struct ff_reader *reader, const struct ff_decoder *decoder, uint64_t offset, bool cut,
              struct ff_resync_past *past, uint64_t *ret_offset);

/* Whether another archive follows the end frame that ends at offset, as cat makes it of two: zeros
 * at most, then what every frame begins with, at *ret_next. Formats with a preamble, and those
 * whose frames have no such beginning, do not tell: 0. Negative errno when the source fails. */
int ff_resync_follows(struct ff_reader *reader, const struct ff_layout *layout, uint64_t offset,
                      uint64_t *ret_next);

/* How far the bytes from offset on are zero: *ret_end is where the first other one stands, or end,
 * or the archive's end. Negative errno when the source fails. */
int ff_resync_zeros(struct ff_reader *reader, uint64_t offset, uint64_t end, uint64_t *ret_end);

/* Whether bytes [offset, end) that no frame fits cannot be a damaged one: neither what every frame
 * begins with nor what every frame ends with is among them. last: no frame follows them; else 0
 * also when frames have no such end. Negative errno when the source fails. */
int ff_resync_junk(struct ff_reader *reader, const struct ff_layout *layout, uint64_t offset,
                   uint64_t end, bool last);

#endif
