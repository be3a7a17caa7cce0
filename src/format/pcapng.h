/* What a pcapng interface description block says of the time stamps that name it
 * (draft-ietf-opsawg-pcapng, "Interface Description Block"). Pure. */
#ifndef FF_FORMAT_PCAPNG_H
#define FF_FORMAT_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/layout.h"

/* Stamps count ticks since 1970 plus offset_s. */
struct ff_clock {
    uint64_t ticks_per_s; /* 0: no such clock can be told */
    int64_t offset_s;
};

/* The block's body (link type to options, without its type and lengths) in that byte order; at most
 * len bytes of it are looked at. Options that are cut or malformed end the search: what was found
 * before them counts, else the default of a microsecond. */
struct ff_clock ff_pcapng_clock(const uint8_t *body, size_t len, enum ff_order order);

/* A stamp in nanoseconds since 1970; false when the clock cannot tell. */
bool ff_pcapng_time(struct ff_clock clock, uint64_t ticks, ff_value *ret_ns);

#endif
