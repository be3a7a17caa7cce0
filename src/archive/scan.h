/* What the archive learns from a scan besides its events. */
#ifndef FF_ARCHIVE_SCAN_H
#define FF_ARCHIVE_SCAN_H

#include <framefs/scan.h>

#include "archive/reader.h"

struct ff_scan {
    struct ff_reader reader;
    struct ff_decoder decoder;
    const struct ff_format *format;
    struct ff_scan_position position; /* of the next frame */
    uint64_t preamble_len;
    /* The postamble or end frame, once it was met; len 0 until then. */
    uint64_t tail_offset, tail_len;
    uint32_t frame_state; /* in force before the frame that was decoded last */
    bool has_record;      /* the decoder holds the last record's frame */
    bool done;
};

/* As ff_scan_next(), but comes back with 1 and no event after many hidden frames in a row, so that
 * the caller can stop there. */
int ff_scan_step(struct ff_scan *scan, struct ff_scan_event *ret_event, struct ff_error *error);

/* ff_scan_position.state: a decode state, and that the preamble was decoded. */
uint32_t ff_scan_pack_state(const struct ff_decode_state *state);
void ff_scan_unpack_state(uint32_t packed, struct ff_decode_state *ret_state);

#endif
