/*
 * The common shape of frames, decoded at once: items of fixed size around one payload whose size
 * one number before it tells. What is unusual about such a frame, and what is wrong with it, is
 * left to ff_decode(): the results are the same with and without this. Pure.
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

#endif
