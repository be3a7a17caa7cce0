#include "format/pcapng.h"

#include "base/load.h"

#define FIXED_BYTES     8 /* link type, reserved, snap length */
#define OPTION_TSRESOL  9
#define OPTION_TSOFFSET 14

static uint64_t load(const uint8_t *bytes, unsigned int width, enum ff_order order)
{
    return order == FF_ORDER_BE ? ff_load_be(bytes, width) : ff_load_le(bytes, width);
}

/* Seven bits of a negative power of 10 or, with the eighth set, of 2. */
static uint64_t resolution(uint8_t value)
{
    uint64_t ticks = 1;
    unsigned int base = value & 0x80 ? 2 : 10;

    for (unsigned int i = value & 0x7f; i; i--)
        if (__builtin_mul_overflow(ticks, base, &ticks))
            return 0;
    return ticks;
}

struct ff_clock ff_pcapng_clock(const uint8_t *body, size_t len, enum ff_order order)
{
    struct ff_clock clock = {.ticks_per_s = 1000000};
    size_t at = FIXED_BYTES;

    while (len >= at && len - at >= 4) {
        uint64_t code = load(body + at, 2, order), size = load(body + at + 2, 2, order);
        at += 4;
        if (code == 0 || size > len - at)
            break;
        if (code == OPTION_TSRESOL && size == 1)
            clock.ticks_per_s = resolution(body[at]);
        else if (code == OPTION_TSOFFSET && size == 8)
            clock.offset_s = (int64_t)load(body + at, 8, order);
        at += (size_t)(size + 3) / 4 * 4;
    }
    return clock;
}

bool ff_pcapng_time(struct ff_clock clock, uint64_t ticks, ff_value *ret_ns)
{
    const ff_value billion = 1000000000;

    if (clock.ticks_per_s == 0)
        return false;
    *ret_ns = (ff_value)(ticks / clock.ticks_per_s) * billion +
              (ff_value)(ticks % clock.ticks_per_s) * billion / clock.ticks_per_s +
              (ff_value)clock.offset_s * billion;
    return true;
}
