/* What speaks for a frame, in bits that were counted by hand. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/evidence.h"
#include "format/format.h"

/* The evidence of the first frame of bytes, for a description without a preamble. */
static struct ff_evidence weigh(const char *description, const void *bytes, size_t len,
                                uint64_t room)
{
    const struct ff_window window = {.bytes = bytes, .offset = 0, .len = len};
    struct ff_evidence evidence = {0};
    struct ff_format *format;
    struct ff_decoder decoder;

    assert_int_equal(ff_format_compile(description, &format, NULL), 0);
    ff_decoder_init(&decoder, &format->layout, len);
    ff_decode_begin(&decoder, FF_FRAME, 0);
    assert_int_equal(ff_decode(&decoder, &window), FF_DECODE_DONE);
    ff_evidence_weigh(&decoder, &window, room, &evidence);
    ff_format_free(format);
    return evidence;
}

#define WEIGH(description, bytes, room) weigh(description, bytes, sizeof(bytes) - 1, room)

static void constants_give_their_bits_but_for_zeros(void **state)
{
    (void)state;
    assert_int_equal(WEIGH("\"GRIB\" data[1]", "GRIBx", 5).fixed, 32);
    assert_int_equal(WEIGH("\"a\\0\\xff\" data[1]", "a\0\xffx", 4).fixed, 8);
    assert_int_equal(WEIGH("u32be=0x01020304 data[1]", "\1\2\3\4x", 5).fixed, 32);
    assert_int_equal(WEIGH("u32be=1 data[1]", "\0\0\0\1x", 5).fixed, 8);
    assert_int_equal(WEIGH("u32be=0 data[1]", "\0\0\0\0x", 5).fixed, 0);
    assert_int_equal(WEIGH("zero[3] data[1]", "\0\0\0x", 4).fixed, 0);
    assert_int_equal(WEIGH("b32=0xa1b2c3d4 data[1]", "\xd4\xc3\xb2\xa1x", 5).fixed, 31);
    /* One of two, of three. */
    assert_int_equal(WEIGH("u8=(1 2) data[1]", "\2x", 2).fixed, 7);
    assert_int_equal(WEIGH("u8=(1 2 3 4) data[1]", "\2x", 2).fixed, 6);
    assert_int_equal(WEIGH("u8=(0 1) data[1]", "\0x", 2).fixed, 0);
    /* An optional literal and an excluded value say nothing. */
    assert_int_equal(WEIGH("data[1] \"\\n\"?", "x\n", 2).fixed, 0);
    assert_int_equal(WEIGH("u8!=7 data[1]", "\2x", 2).fixed, 0);
}

static void lengths_give_the_bits_that_the_room_leaves(void **state)
{
    (void)state;
    /* 5 bytes take 3 bits to count, 1000 take 10. */
    assert_int_equal(WEIGH("len:u32le data", "\1\0\0\0x", 5).chain, 32 - 3);
    assert_int_equal(WEIGH("len:u32le data", "\1\0\0\0x", 1000).chain, 32 - 10);
    assert_int_equal(WEIGH("len:u64be data", "\0\0\0\0\0\0\0\1x", 1000).chain, 64 - 10);
    assert_int_equal(WEIGH("len:u8 data", "\1x", 1000).chain, 0);
    assert_int_equal(WEIGH("len:u32le data", "\1\0\0\0x", UINT64_MAX).chain, 0);
    /* 16-bit words: the number reaches twice as far. */
    assert_int_equal(WEIGH("len:u32le*2=size(data) data", "\1\0\0\0xy", 1000).chain, 33 - 10);
    /* Of a bit field, its own width. */
    assert_int_equal(WEIGH("u32be{flag:3 len:29} data", "\0\0\0\1x", 1000).chain, 29 - 10);
    assert_int_equal(WEIGH("hlen:u32le bytes[hlen] data[1]", "\1\0\0\0xy", 1000).chain, 32 - 10);
    assert_int_equal(WEIGH("len:dec5 data", "00001x", 1000).chain, 16 - 10);
    /* Nothing was told. */
    assert_int_equal(WEIGH("len:u32le data", "\0\0\0\0", 4).chain, 0);
    /* Small varints are everywhere; one with needless zeros is an integer of another kind. */
    assert_int_equal(WEIGH("len:varint data", "\1x", 1000).chain, 0);
    assert_int_equal(WEIGH("len:varint data", "\x81\0x", 1000).chain, 0);
    uint8_t long_one[2 + 128] = {0x80, 1};
    assert_int_equal(weigh("len:varint data", long_one, sizeof(long_one), 1000).chain, 2 + 14 - 10);
}

static void repeated_lengths_give_the_bits_of_their_value(void **state)
{
    (void)state;
    struct ff_evidence evidence = WEIGH("len:u32le data u32le=len", "\3\0\0\0xyz\3\0\0\0", 11);
    assert_int_equal(evidence.fixed, 2 + 30 / 8);
    assert_int_equal(evidence.repeated, evidence.fixed);
    assert_int_equal(evidence.chain, 32 - 4);
    evidence = WEIGH("len:u32le data u32le=size(len..data)", "\3\0\0\0xyz\7\0\0\0", 11);
    assert_int_equal(evidence.repeated, 3 + 29 / 8);
    evidence = WEIGH("len:u32le data u32le=len", "\0\0\0\0\0\0\0\0", 8);
    assert_int_equal(evidence.fixed, 0);
}

static void checksums_are_right_or_wrong(void **state)
{
    (void)state;
    /* CRC-32 of "123456789", as its definition gives it. */
    static const char right[] = "123456789\x26\x39\xf4\xcb";
    struct ff_evidence evidence = WEIGH("data[9] u32le=crc32(data)", right, 13);
    assert_int_equal(evidence.fixed, 32);
    assert_int_equal(evidence.right, 1);
    assert_int_equal(evidence.wrong, 0);
    evidence = WEIGH("data[9] u32le=crc32(data)", "123456780\x26\x39\xf4\xcb", 13);
    assert_int_equal(evidence.fixed, 0);
    assert_int_equal(evidence.right, 0);
    assert_int_equal(evidence.wrong, 1);
}

static void tags_and_digits_count_a_little(void **state)
{
    (void)state;
    assert_int_equal(WEIGH("str[4] data[1]", "MTrkx", 5).fixed, 8);
    assert_int_equal(WEIGH("str[4] data[1]", "fmt x", 5).fixed, 7);
    assert_int_equal(WEIGH("str[4] data[1]", "a\0\0\0x", 5).fixed, 2);
    assert_int_equal(WEIGH("len:dec \":\" data", "3:abc", 5).fixed, 2 + 8);
}

static void a_part_of_a_frame_counts_up_to_where_it_ends(void **state)
{
    (void)state;
    static const uint8_t bytes[] = "GRIB\1\0\0\0";
    const struct ff_window window = {.bytes = bytes, .offset = 0, .len = sizeof(bytes) - 1};
    struct ff_evidence evidence = {0};
    struct ff_format *format;
    struct ff_decoder decoder;

    assert_int_equal(ff_format_compile("\"GRIB\" len:u64le data \"7777\"", &format, NULL), 0);
    ff_decoder_init(&decoder, &format->layout, UINT64_MAX);
    ff_decode_begin(&decoder, FF_FRAME, 0);
    assert_int_equal(ff_decode(&decoder, &window), FF_DECODE_NEED);
    ff_evidence_weigh(&decoder, &window, 8, &evidence);
    assert_int_equal(evidence.fixed, 32);
    assert_int_equal(evidence.chain, 0);
    ff_format_free(format);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constants_give_their_bits_but_for_zeros),
        cmocka_unit_test(lengths_give_the_bits_that_the_room_leaves),
        cmocka_unit_test(repeated_lengths_give_the_bits_of_their_value),
        cmocka_unit_test(checksums_are_right_or_wrong),
        cmocka_unit_test(tags_and_digits_count_a_little),
        cmocka_unit_test(a_part_of_a_frame_counts_up_to_where_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
