/*
 * The common shapes of frames, decoded at once: items of fixed size around one payload, whose size
 * one number before it tells or is fixed, too. What is unusual about such a frame, and what is
 * wrong with it, is left to ff_decode(): the results are the same with and without this. Pure.
 */
#ifndef FF_FORMAT_DECODE_FAST_H
#define FF_FORMAT_DECODE_FAST_H

#include "format/decode.h"

/* Notes in the alternative of frames whether it is of that shape. After ff_resolve_alt(). */
void ff_decode_fast_plan(struct ff_layout *layout, struct ff_alt *alt);

/* Tries the alternative of that shape at which the decoder begins, its bound being set. True: it
 * fits, all that ff_decode() tells of it is set. False: it may fit or not, and the decoder is as it
 * was, but for slots and starts, which mean nothing yet. */
bool ff_decode_fast(struct ff_decoder *decoder, const struct ff_window *window);

#define FF_RUN_FRAMES 256

/* Frames that stand one after the other, the first at `offset`, each up to its end. */
struct ff_run {
    uint64_t offset;
    uint64_t head, tail; /* bytes of each frame before and after its payload */
    uint8_t alt;         /* of all of them: index in ff_layout.alts */
    unsigned int count;
    uint64_t ends[FF_RUN_FRAMES];
};

/* The frames of that shape from offset on, as many as the window holds in full and a run has room
 * for: those that ff_decode() would find, one record each. A count of 0 says nothing of what stands
 * there. The decoder's state and limit are looked at and left as they are, all else of it means
 * nothing afterwards. */
void ff_decode_run(struct ff_decoder *decoder, const struct ff_window *window, uint64_t offset,
                   struct ff_run *ret_run);

#endif
