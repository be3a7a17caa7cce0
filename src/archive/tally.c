#include "archive/tally.h"

static unsigned int bucket_of(uint64_t payload)
{
    return payload ? 64U - (unsigned int)__builtin_clzll(payload) : 0;
}

void ff_tally_add(struct ff_tally *tally, uint64_t payload)
{
    if (!tally->records || payload < tally->smallest)
        tally->smallest = payload;
    if (payload > tally->largest)
        tally->largest = payload;
    tally->records++;
    tally->payload_bytes += payload;
    tally->histogram[bucket_of(payload)]++;
}

void ff_tally_add_run(struct ff_tally *tally, uint64_t offset, uint64_t besides,
                      const uint64_t *ends, unsigned int count)
{
    uint64_t smallest = tally->records ? tally->smallest : UINT64_MAX;
    uint64_t largest = tally->largest, begin = offset;

    for (unsigned int i = 0; i < count; i++) {
        uint64_t payload = ends[i] - begin - besides;
        begin = ends[i];
        smallest = payload < smallest ? payload : smallest;
        largest = payload > largest ? payload : largest;
        tally->histogram[bucket_of(payload)]++;
    }
    tally->smallest = smallest;
    tally->largest = largest;
    tally->records += count;
    tally->payload_bytes += begin - offset - count * besides;
}

void ff_tally_merge(const struct ff_tally *tally, struct ff_summary *summary)
{
    if (!tally->records)
        return;
    if (!summary->records || tally->smallest < summary->smallest)
        summary->smallest = tally->smallest;
    if (tally->largest > summary->largest)
        summary->largest = tally->largest;
    summary->records += tally->records;
    summary->payload_bytes += tally->payload_bytes;
    for (unsigned int i = 0; i < sizeof(tally->histogram) / sizeof(*tally->histogram); i++)
        summary->histogram[i] += tally->histogram[i];
}
