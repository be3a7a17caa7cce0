#include "index/segment.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/load.h"

#define OFFSET_MAX ((uint64_t)INT64_MAX)

/* A segment of one block, of values that no archive has. */
static int check_values(const uint64_t values[FF_BLOCK_COLUMNS], uint64_t offset, uint64_t payload)
{
    static struct ff_block_values columns[FF_BLOCK_COLUMNS];
    uint8_t block[FF_BLOCK_BYTES_MAX], body[FF_SEGMENT_COLUMNS + FF_BLOCK_BYTES_MAX];
    struct ff_segment segment;
    uint64_t end, payload_end;

    /* The second half of the records has the values, the first one nothing. */
    for (int c = 0; c < FF_BLOCK_COLUMNS; c++) {
        ff_block_values_add(&columns[c], 0, 1, 0);
        ff_block_values_add(&columns[c], 1, 1, values[c]);
    }
    size_t len = ff_block_encode(block, columns, 2);
    const struct ff_segment_block blocks[] = {
        {.offset = offset, .payload = payload, .bytes = block, .len = len}};
    len = ff_segment_encode(body, blocks, 1);
    assert_int_equal(ff_segment_open(body, len, 2, offset, payload, &segment), 0);
    return ff_segment_check(&segment, OFFSET_MAX, &end, &payload_end);
}

static void sums_never_wrap(void **state)
{
    (void)state;
    const uint64_t half = UINT64_C(1) << 62;

    assert_int_equal(check_values((uint64_t[]){0, 0, OFFSET_MAX, 0, 0}, 0, 0), 0);
    assert_int_equal(check_values((uint64_t[]){0, 0, OFFSET_MAX + 1, 0, 0}, 0, 0), -EUCLEAN);
    assert_int_equal(check_values((uint64_t[]){half, half - 1, 0, 0, 0}, 0, 0), 0);
    assert_int_equal(check_values((uint64_t[]){half, half, 0, 0, 0}, 0, 0), -EUCLEAN);
    assert_int_equal(check_values((uint64_t[]){half, half, half, half, 0}, 0, 0), -EUCLEAN);
    assert_int_equal(check_values((uint64_t[]){1, 0, 0, UINT64_MAX, 0}, 0, 0), -EUCLEAN);
    assert_int_equal(check_values((uint64_t[]){0, 0, 0, 0, 0}, OFFSET_MAX, OFFSET_MAX), 0);
    assert_int_equal(check_values((uint64_t[]){0, 0, 0, 0, 0}, OFFSET_MAX + 1, 0), -EUCLEAN);
    /* More payload than there are bytes before. */
    assert_int_equal(check_values((uint64_t[]){0, 0, 0, 0, 0}, 9, 10), -EUCLEAN);
    assert_int_equal(check_values((uint64_t[]){0, 0, 0, 1, 0}, OFFSET_MAX, 0), -EUCLEAN);

    /* Many large values, whose sum wraps round to a small one. */
    static struct ff_block_values columns[FF_BLOCK_COLUMNS];
    uint8_t block[FF_BLOCK_BYTES_MAX], body[FF_SEGMENT_COLUMNS + FF_BLOCK_BYTES_MAX];
    struct ff_segment segment;
    uint64_t end, payload;
    ff_block_values_add(&columns[FF_BLOCK_GAP], 0, FF_INDEX_BLOCK, UINT64_C(1) << 56);
    size_t len = ff_block_encode(block, columns, FF_INDEX_BLOCK);
    const struct ff_segment_block blocks[] = {{.bytes = block, .len = len}};
    len = ff_segment_encode(body, blocks, 1);
    assert_int_equal(ff_segment_open(body, len, FF_INDEX_BLOCK, 0, 0, &segment), 0);
    assert_int_equal(ff_segment_check(&segment, OFFSET_MAX, &end, &payload), -EUCLEAN);
}

/* What is said of three blocks of which the second one is told to lie elsewhere, or to be longer.
 */
static int check_told(uint64_t more_offset, uint64_t more_payload, size_t more_len)
{
    static struct ff_block_values columns[FF_BLOCK_COLUMNS];
    uint8_t bytes[3][FF_BLOCK_BYTES_MAX + 8] = {{0}}, body[FF_SEGMENT_COLUMNS + 3000];
    struct ff_segment_block blocks[3];
    struct ff_segment segment;
    uint64_t offset = 5, payload = 5, ret_offset, ret_payload;

    for (uint64_t b = 0; b < 3; b++) {
        uint64_t payload_of_block = 0;
        for (size_t i = 0; i < FF_INDEX_BLOCK; i++) {
            ff_block_values_add(&columns[FF_BLOCK_PAYLOAD], i, 1, (b + i) * i % 401);
            payload_of_block += (b + i) * i % 401;
        }
        blocks[b] = (struct ff_segment_block){
            .offset = offset + (b == 1 ? more_offset : 0),
            .payload = payload + (b == 1 ? more_payload : 0),
            .bytes = bytes[b],
            .len = ff_block_encode(bytes[b], columns, FF_INDEX_BLOCK) + (b == 1 ? more_len : 0)};
        offset += payload_of_block;
        payload += payload_of_block;
    }
    size_t len = ff_segment_encode(body, blocks, 3);
    assert_in_range(len, 1, sizeof(body));
    assert_int_equal(ff_segment_open(body, len, 3 * FF_INDEX_BLOCK, 5, 5, &segment), 0);
    int r = ff_segment_check(&segment, OFFSET_MAX, &ret_offset, &ret_payload);
    if (r == 0)
        assert_true(ret_offset == offset && ret_payload == payload);
    return r;
}

static void rows_are_sums_of_what_lies_before(void **state)
{
    (void)state;

    assert_int_equal(check_told(0, 0, 0), 0);
    assert_int_equal(check_told(1, 0, 0), -EUCLEAN);
    assert_int_equal(check_told(0, 1, 0), -EUCLEAN);
    assert_int_equal(check_told((uint64_t)0 - 1, 0, 0), -EUCLEAN);
    /* A byte between blocks. */
    assert_int_equal(check_told(0, 0, 1), -EUCLEAN);
}

static void a_segment_stays_within_its_bytes(void **state)
{
    (void)state;
    /* Rows of 64, 64, 64 bits, for all 64 blocks. */
    static uint8_t buf[FF_SEGMENT_COLUMNS + FF_SEGMENT_BLOCKS * 24 + 100];
    const size_t rows_end = FF_SEGMENT_COLUMNS + FF_SEGMENT_BLOCKS * 24;
    struct ff_segment segment;
    struct ff_segment_place place;

    memset(buf, 64, FF_SEGMENT_COLUMNS);
    assert_int_equal(ff_segment_open(buf, rows_end, FF_SEGMENT_RECORDS, 0, 0, &segment), 0);
    assert_int_equal(ff_segment_open(buf, rows_end - 1, FF_SEGMENT_RECORDS, 0, 0, &segment),
                     -EUCLEAN);
    for (size_t len = 0; len < FF_SEGMENT_COLUMNS; len++)
        assert_int_equal(ff_segment_open(buf, len, 1, 0, 0, &segment), -EUCLEAN);
    assert_int_equal(ff_segment_open(buf, sizeof(buf), FF_SEGMENT_RECORDS + 1, 0, 0, &segment),
                     -EUCLEAN);
    assert_int_equal(ff_segment_open(buf, sizeof(buf), 0, 0, 0, &segment), -EUCLEAN);
    for (int c = 0; c < FF_SEGMENT_COLUMNS; c++) {
        buf[c] = 65;
        assert_int_equal(ff_segment_open(buf, sizeof(buf), 1, 0, 0, &segment), -EUCLEAN);
        buf[c] = 64;
    }
    /* A block of empty records: widths and smallest values are 10 zeros. It may end where the
     * segment does, not begin there or behind. */
    uint8_t *row = buf + FF_SEGMENT_COLUMNS;
    static const uint64_t places[] = {10, 11, 20, 21, UINT64_MAX};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        ff_store_le(row + 16, places[i], 8);
        assert_int_equal(ff_segment_open(buf, rows_end + 20, FF_SEGMENT_RECORDS, 0, 0, &segment),
                         0);
        assert_int_equal(ff_segment_locate(&segment, 0, &place), i == 0 ? 0 : -EUCLEAN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_never_wrap),
        cmocka_unit_test(rows_are_sums_of_what_lies_before),
        cmocka_unit_test(a_segment_stays_within_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
