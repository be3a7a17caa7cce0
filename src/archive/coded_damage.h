/* A damage as bytes of an index file. Pure. */
#ifndef FF_ARCHIVE_CODED_DAMAGE_H
#define FF_ARCHIVE_CODED_DAMAGE_H

#include <framefs/record.h>

#include "archive/coded.h"

/* What one takes at most. */
#define FF_CODED_DAMAGE_BYTES_MAX (5 * FF_PACK_VARINT_BYTES + FF_DAMAGE_REASON_BYTES)

/* ... and at least: five numbers, and a reason that is empty. */
#define FF_CODED_DAMAGE_BYTES_MIN 5

uint8_t *ff_coded_put_damage(uint8_t *at, const struct ff_damage *damage);

/* Of an archive of so many records and bytes: wrong when the place is outside of it, the code is
 * none, or the reason cannot be printed. */
void ff_coded_get_damage(struct ff_coded *coded, uint64_t records, uint64_t archive_bytes,
                         struct ff_damage *ret_damage);

#endif
