/* The checksums that a frame carries, computed over the archive's bytes. */
#ifndef FF_ARCHIVE_SUMS_H
#define FF_ARCHIVE_SUMS_H

#include "archive/reader.h"

struct ff_sum {
    const char *name; /* "crc32c"; a constant */
    uint64_t offset;  /* of the stored checksum, in the archive */
    uint64_t stored;  /* a number's value; 0 where it is none (md5) */
    bool matches;
};

/* The index-th checksum of the frame that the decoder is DONE with: -ENOENT past the last one,
 * -ENODATA when the archive ends inside what it covers, another errno when the source fails. */
int ff_sums_check(struct ff_reader *reader, const struct ff_decoder *decoder, unsigned int index,
                  struct ff_sum *ret_sum);

#endif
