/* Payloads counted: how many, how long. Pure. */
#ifndef FF_ARCHIVE_TALLY_H
#define FF_ARCHIVE_TALLY_H

#include <framefs/archive.h>

/* All zero: of none. */
struct ff_tally {
    uint64_t records, payload_bytes;
    uint64_t smallest, largest;
    uint64_t histogram[65]; /* as in ff_summary */
};

void ff_tally_add(struct ff_tally *tally, uint64_t payload);

/* Frames end to end, the first at offset, each with so many bytes besides its payload; count > 0.
 * A few cycles each. */
void ff_tally_add_run(struct ff_tally *tally, uint64_t offset, uint64_t besides,
                      const uint64_t *ends, unsigned int count);

/* Adds it to what the summary tells of records and payloads. */
void ff_tally_merge(const struct ff_tally *tally, struct ff_summary *summary);

#endif
