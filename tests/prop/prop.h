/* What seeded property tests share: a small generator and its seed. */
#ifndef FF_TESTS_PROP_H
#define FF_TESTS_PROP_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct ff_prop {
    uint64_t state;
};

/* splitmix64 */
static inline uint64_t ff_prop_next(struct ff_prop *prop)
{
    uint64_t z = (prop->state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 .. bound-1; bound >= 1 */
static inline uint64_t ff_prop_below(struct ff_prop *prop, uint64_t bound)
{
    return ff_prop_next(prop) % bound;
}

/* FF_SEED, else the given one; printed, so that a failure can be repeated. */
static inline struct ff_prop ff_prop_start(uint64_t seed)
{
    const char *text = getenv("FF_SEED");
    if (text)
        seed = strtoull(text, NULL, 0);
    printf("seed %llu\n", (unsigned long long)seed);
    return (struct ff_prop){.state = seed};
}

/* FF_ROUNDS, else the given number. */
static inline unsigned long ff_prop_rounds(unsigned long rounds)
{
    const char *text = getenv("FF_ROUNDS");
    return text ? strtoul(text, NULL, 0) : rounds;
}

#endif
