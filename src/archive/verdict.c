#include "archive/verdict.h"

#include <stdlib.h>

#define PER_BYTE 4

static unsigned int shift_of(uint64_t record)
{
    return (unsigned int)(record % PER_BYTE) * 2;
}

enum ff_checked ff_verdicts_get(const struct ff_verdicts *verdicts, uint64_t record)
{
    unsigned int chunk;
    size_t within;

    ff_chunk_locate(record / PER_BYTE, FF_VERDICT_FIRST_BITS, &chunk, &within);
    atomic_uchar *bytes = atomic_load_explicit(&verdicts->chunks[chunk], memory_order_acquire);
    if (!bytes)
        return FF_CHECKED_NOT;
    unsigned int byte = atomic_load_explicit(&bytes[within], memory_order_relaxed);
    return (enum ff_checked)(byte >> shift_of(record) & 3);
}

void ff_verdicts_set(struct ff_verdicts *verdicts, uint64_t record, enum ff_checked checked)
{
    unsigned int chunk;
    size_t within;

    ff_chunk_locate(record / PER_BYTE, FF_VERDICT_FIRST_BITS, &chunk, &within);
    atomic_uchar *bytes = atomic_load_explicit(&verdicts->chunks[chunk], memory_order_acquire);
    if (!bytes) {
        atomic_uchar *fresh =
            calloc(ff_chunk_entries(chunk, FF_VERDICT_FIRST_BITS), sizeof(*fresh));
        if (!fresh)
            return;
        if (atomic_compare_exchange_strong(&verdicts->chunks[chunk], &bytes, fresh))
            bytes = fresh;
        else
            free(fresh);
    }
    atomic_fetch_or_explicit(&bytes[within],
                             (unsigned char)((unsigned int)checked << shift_of(record)),
                             memory_order_relaxed);
}

void ff_verdicts_done(struct ff_verdicts *verdicts)
{
    for (unsigned int i = 0; i < FF_VERDICT_CHUNKS; i++)
        free(atomic_load(&verdicts->chunks[i]));
}
