/* The checksums that a frame carries, computed over the archive's bytes. */
#ifndef FF_ARCHIVE_SUMS_H
#define FF_ARCHIVE_SUMS_H

#include "archive/reader.h"
#include "format/checksum.h"
#include "format/decode_fast.h"

/* Whether any part of the layout carries a checksum. */
bool ff_layout_has_sums(const struct ff_layout *layout);

struct ff_sum {
    const char *name;                      /* "crc32c"; a constant */
    uint64_t offset;                       /* of the stored checksum, in the archive */
    uint8_t stored[FF_CHECKSUM_MAX_BYTES]; /* a number's big endian */
    unsigned int stored_len;
    bool matches;
};

/* How many the frame that the decoder is DONE with carries. */
unsigned int ff_sums_count(const struct ff_decoder *decoder);

/* The index-th checksum of the frame that the decoder is DONE with: -ENOENT past the last one,
 * -ENODATA when the archive ends inside what it covers, another errno when the source fails. */
int ff_sums_check(struct ff_reader *reader, const struct ff_decoder *decoder, unsigned int index,
                  struct ff_sum *ret_sum);

/* Ends the run, all of which lies in the window, before the first frame that has a wrong checksum.
 * How many checksums each frame has. decoder: that the run is of. */
unsigned int ff_sums_check_run(const struct ff_reader *reader, const struct ff_decoder *decoder,
                               struct ff_run *run);

#endif
