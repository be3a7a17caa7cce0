/* Against an oracle that knows one byte at a time, from the public description alone. */
#include <framefs/synth.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prop.h"
#include "synth/fill.h"

#define ROUNDS       4000
#define LEN_BELOW    700
#define BLOCKS_BELOW 12

static uint8_t oracle_byte(const struct ff_synth *synth, uint64_t offset)
{
    char line[65];
    unsigned int shift = 56 - 8 * (offset % 8);
    struct ff_prop stream;

    switch (synth->kind) {
    case FF_SYNTH_COUNTER:
        return (uint8_t)((offset - offset % 8) >> shift);
    case FF_SYNTH_LINES:
        snprintf(line, sizeof(line), "line %020" PRIu64 " of the stream that framefs generates.\n",
                 offset / 64);
        return (uint8_t)line[offset % 64];
    case FF_SYNTH_BYTE:
        return (uint8_t)synth->value;
    case FF_SYNTH_RANDOM:
        /* The generator of these tests is the documented one; its state moves by a constant. */
        stream.state = synth->value + offset / 8 * UINT64_C(0x9e3779b97f4a7c15);
        return (uint8_t)(ff_prop_next(&stream) >> shift);
    }
    return 0;
}

static uint64_t pick_offset(struct ff_prop *prop, uint64_t size)
{
    switch (ff_prop_below(prop, 4)) {
    case 0:
        return ff_prop_below(prop, 300);
    case 1: /* around the end */
        return size + 20 - ff_prop_below(prop, 1000 < size ? 1000 : size + 20);
    case 2: /* around a power of ten of lines */
    {
        uint64_t line = 1;
        for (uint64_t i = ff_prop_below(prop, 17); i > 0; i--)
            line *= 10;
        return line * 64 - ff_prop_below(prop, 130);
    }
    default:
        return ff_prop_next(prop) >> (1 + ff_prop_below(prop, 60));
    }
}

static void any_stretch_is_what_the_oracle_says(void **state)
{
    (void)state;
    struct ff_prop prop = ff_prop_start(21);
    static const uint64_t sizes[] = {1, 63, 64, 65, 10000, 1u << 30, INT64_MAX, INT64_MAX - 13};

    for (unsigned long round = ff_prop_rounds(ROUNDS); round > 0; round--) {
        struct ff_synth synth = {.size = sizes[ff_prop_below(&prop, 8)],
                                 .kind = (enum ff_synth_kind)ff_prop_below(&prop, 4),
                                 .value = ff_prop_next(&prop)};
        if (synth.kind == FF_SYNTH_BYTE)
            synth.value &= 255;
        uint64_t offset = pick_offset(&prop, synth.size);
        size_t len = ff_prop_below(&prop, LEN_BELOW);
        size_t shift = ff_prop_below(&prop, 8); /* where in memory the buffer begins */
        uint8_t *memory = malloc(shift + len + 1);
        assert_non_null(memory);
        uint8_t *buf = memory + shift;
        buf[len] = 0xa5;

        uint64_t left = offset < synth.size ? synth.size - offset : 0;
        size_t wanted = len < left ? len : (size_t)left;
        assert_int_equal(ff_synth_read(&synth, buf, len, offset), wanted);
        for (size_t i = 0; i < wanted; i++)
            assert_int_equal(buf[i], oracle_byte(&synth, offset + i));
        assert_int_equal(buf[len], 0xa5);

        assert_int_equal(ff_synth_match(&synth, buf, len, offset), wanted);
        if (wanted > 0) {
            size_t wrong = ff_prop_below(&prop, wanted);
            buf[wrong] ^= (uint8_t)(1 << ff_prop_below(&prop, 8));
            assert_int_equal(ff_synth_match(&synth, buf, len, offset), wrong);
        }
        free(memory);
    }
}

/* Not only as wide as this processor can. */
static void each_width_gives_what_the_oracle_says(void **state)
{
    (void)state;
    struct ff_prop prop = ff_prop_start(22);
    uint8_t memory[8 + BLOCKS_BELOW * FF_FILL_BLOCK_BYTES + 1];

    for (unsigned long round = ff_prop_rounds(ROUNDS / 4); round > 0; round--) {
        struct ff_synth synth = {
            .size = INT64_MAX, .kind = FF_SYNTH_RANDOM, .value = ff_prop_next(&prop)};
        uint64_t offset = pick_offset(&prop, synth.size) & INT64_MAX & ~UINT64_C(63);
        size_t blocks = ff_prop_below(&prop, BLOCKS_BELOW);
        uint8_t *buf = memory + ff_prop_below(&prop, 9);
        uint8_t *end = buf + blocks * FF_FILL_BLOCK_BYTES;

        for (int width = FF_FILL_64; width <= (int)ff_fill_width(); width++) {
            memset(memory, 0, sizeof(memory));
            *end = 0xa5;
            ff_fill_random_by((enum ff_fill_width)width, buf, blocks, offset, synth.value);
            for (size_t i = 0; buf + i < end; i++)
                if (buf[i] != oracle_byte(&synth, offset + i))
                    fail_msg("width %d, byte %zu of %zu blocks at %" PRIu64, width, i, blocks,
                             offset);
            assert_int_equal(*end, 0xa5);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_stretch_is_what_the_oracle_says),
        cmocka_unit_test(each_width_gives_what_the_oracle_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
