/* A stretch of the archive that is at hand, and what a decoder says of it. */
#ifndef FF_FORMAT_WINDOW_H
#define FF_FORMAT_WINDOW_H

#include "format/layout.h"

/* Bytes [offset, offset + len) of the archive. */
struct ff_window {
    const uint8_t *bytes;
    uint64_t offset;
    size_t len;
};

enum ff_decode_result { FF_DECODE_DONE, FF_DECODE_NEED };

/* The most bytes that a decoder asks for at once. */
#define FF_DECODE_NEED_MAX FF_LINE_MAX_BYTES

#endif
