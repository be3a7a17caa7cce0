/* Which records were found well or damaged: two bits a record, memory for those alone that were
 * looked at, and their neighbours. All zero knows nothing. Threads: any. */
#ifndef FF_ARCHIVE_VERDICT_H
#define FF_ARCHIVE_VERDICT_H

#include <stdatomic.h>
#include <stdint.h>

#include "index/chunk.h"
#include "index/index.h"

enum ff_checked { FF_CHECKED_NOT = 0, FF_CHECKED_WELL = 1, FF_CHECKED_DAMAGED = 2 };

/* Four verdicts a byte. */
#define FF_VERDICT_FIRST_BITS 12
#define FF_VERDICT_LAST_BITS  38
#define FF_VERDICT_CHUNKS     FF_CHUNKS(FF_VERDICT_FIRST_BITS, FF_VERDICT_LAST_BITS)
_Static_assert(FF_INDEX_RECORDS_MAX / 4 <= UINT64_C(1) << FF_VERDICT_LAST_BITS, "all records fit");

struct ff_verdicts {
    _Atomic(atomic_uchar *) chunks[FF_VERDICT_CHUNKS]; /* owned */
};

enum ff_checked ff_verdicts_get(const struct ff_verdicts *verdicts, uint64_t record);
/* Without memory it is forgotten. */
void ff_verdicts_set(struct ff_verdicts *verdicts, uint64_t record, enum ff_checked checked);
void ff_verdicts_done(struct ff_verdicts *verdicts);

#endif
