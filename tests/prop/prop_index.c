/* Against plain arrays. */
#include "index/index.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#include "index/block.h"
#include "prop.h"

#define ROUNDS      60
#define RECORDS_MAX 1500
#define OFFSET_MAX  ((uint64_t)INT64_MAX)

enum shape {
    SHAPE_SMALL,
    SHAPE_EQUAL,
    SHAPE_ONE_HUGE,
    SHAPE_EMPTY,
    SHAPE_GAPS,
    SHAPE_ALL_VARY,
    SHAPE_FAR,
    SHAPES
};

struct oracle {
    struct ff_index_entry entry[RECORDS_MAX];
    uint64_t count;
    uint64_t end;
};

static uint64_t magnitude(struct ff_prop *prop, unsigned int bits)
{
    return ff_prop_next(prop) >> (64 - 1 - ff_prop_below(prop, bits));
}

static void make(struct ff_prop *prop, enum shape shape, struct oracle *oracle)
{
    uint64_t count = ff_prop_below(prop, 4) ? ff_prop_below(prop, RECORDS_MAX + 1)
                                            : 256 * ff_prop_below(prop, 5);
    uint64_t huge = count ? ff_prop_below(prop, count) : 0;
    uint64_t end = ff_prop_below(prop, 2) ? ff_prop_below(prop, 1000) : 0;

    if (shape == SHAPE_FAR)
        end = OFFSET_MAX - ff_prop_below(prop, 300000);
    oracle->count = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct ff_index_entry e = {.offset = end, .head = 8, .payload = 300, .tail = 4};
        switch (shape) {
        case SHAPE_SMALL:
        case SHAPE_FAR:
            e.payload = ff_prop_below(prop, 400);
            e.head = e.payload < 128 ? 1 : 2;
            break;
        case SHAPE_ONE_HUGE:
            e.payload = i == huge ? UINT64_C(1) << 62 : ff_prop_below(prop, 3);
            break;
        case SHAPE_EMPTY:
            e.payload = ff_prop_below(prop, 50) == 0;
            e.head = e.tail = 0;
            break;
        case SHAPE_GAPS:
            e.offset += ff_prop_below(prop, 5) ? 0 : magnitude(prop, 40);
            e.payload = ff_prop_below(prop, 10);
            break;
        case SHAPE_ALL_VARY:
            e.offset += magnitude(prop, 50);
            e.head = magnitude(prop, 50);
            e.payload = magnitude(prop, 50);
            e.tail = magnitude(prop, 50);
            break;
        case SHAPE_EQUAL:
        case SHAPES:
            break;
        }
        /* Up to the last byte there can be. */
        if (e.offset > OFFSET_MAX)
            break;
        if (e.head > OFFSET_MAX - e.offset)
            e.head = OFFSET_MAX - e.offset;
        if (e.payload > OFFSET_MAX - e.offset - e.head)
            e.payload = OFFSET_MAX - e.offset - e.head;
        if (e.tail > OFFSET_MAX - e.offset - e.head - e.payload)
            e.tail = OFFSET_MAX - e.offset - e.head - e.payload;
        end = e.offset + e.head + e.payload + e.tail;
        oracle->entry[oracle->count++] = e;
    }
    oracle->end = end;
}

static void check_find(const struct ff_index *index, const struct oracle *oracle,
                       uint64_t separator, struct ff_prop *prop)
{
    uint64_t begin = 0, number, within;

    for (uint64_t i = 0; i < oracle->count; i++) {
        uint64_t payload = oracle->entry[i].payload;
        uint64_t len;
        bool last = __builtin_add_overflow(payload, separator, &len) ||
                    __builtin_add_overflow(begin, len, &len);
        /* What does not fit into 64 bits cannot be asked for. */
        uint64_t end = last ? UINT64_MAX : len;
        if (end > begin) {
            const uint64_t positions[] = {begin, end - 1, begin + ff_prop_below(prop, end - begin)};
            for (int j = 0; j < 3; j++) {
                assert_int_equal(ff_index_find(index, separator, positions[j], &number, &within),
                                 0);
                assert_int_equal(number, i);
                assert_int_equal(within, positions[j] - begin);
            }
        }
        if (last)
            return;
        begin = end;
    }
    assert_int_equal(ff_index_find(index, separator, begin, &number, &within), -ENOENT);
    assert_int_equal(ff_index_find(index, separator, UINT64_MAX, &number, &within), -ENOENT);
}

static void check_all(const struct ff_index *index, const struct oracle *oracle,
                      struct ff_prop *prop)
{
    uint64_t payload = 0, bytes;
    struct ff_index_entry entry;

    assert_int_equal(ff_index_count(index), oracle->count);
    for (uint64_t i = 0; i < oracle->count; i++) {
        assert_int_equal(ff_index_get(index, i, &entry), 0);
        assert_memory_equal(&entry, &oracle->entry[i], sizeof(entry));
        assert_int_equal(ff_index_payload_before(index, i, &bytes), 0);
        assert_int_equal(bytes, payload);
        payload += oracle->entry[i].payload;
    }
    assert_int_equal(ff_index_payload_before(index, oracle->count, &bytes), 0);
    assert_int_equal(bytes, payload);
    assert_int_equal(ff_index_payload_before(index, oracle->count + 1, &bytes), -ENOENT);
    assert_int_equal(ff_index_get(index, oracle->count, &entry), -ENOENT);
    check_find(index, oracle, 0, prop);
    check_find(index, oracle, 1, prop);
    check_find(index, oracle, magnitude(prop, 63), prop);
    check_find(index, oracle, UINT64_MAX - ff_prop_below(prop, 3), prop);
}

static void what_was_appended_is_found(void **state)
{
    (void)state;
    struct ff_prop prop = ff_prop_start(31);
    static struct oracle oracle;

    for (unsigned long round = 0; round < ff_prop_rounds(ROUNDS); round++) {
        struct ff_index *index;
        make(&prop, (enum shape)(round % SHAPES), &oracle);
        assert_int_equal(ff_index_new(&index), 0);
        for (uint64_t i = 0; i < oracle.count; i++)
            assert_int_equal(ff_index_append(index, &oracle.entry[i]), 0);
        check_all(index, &oracle, &prop);
        assert_int_equal(ff_index_seal(index), 0);
        check_all(index, &oracle, &prop);
        ff_index_free(index);
    }
}

static void refused_records_leave_no_trace(void **state)
{
    (void)state;
    struct ff_prop prop = ff_prop_start(32);
    static struct oracle oracle;

    for (unsigned long round = 0; round < ff_prop_rounds(ROUNDS) / 4; round++) {
        struct ff_index *index;
        uint64_t end = 0;
        make(&prop, (enum shape)(round % SHAPES), &oracle);
        assert_int_equal(ff_index_new(&index), 0);
        for (uint64_t i = 0; i < oracle.count; i++) {
            struct ff_index_entry bad = oracle.entry[i];
            if (end > 0 && ff_prop_below(&prop, 2)) {
                bad.offset = ff_prop_below(&prop, end);
                assert_int_equal(ff_index_append(index, &bad), -EINVAL);
            } else {
                bad.payload = UINT64_MAX - ff_prop_below(&prop, OFFSET_MAX);
                assert_int_equal(ff_index_append(index, &bad), -EOVERFLOW);
            }
            assert_int_equal(ff_index_append(index, &oracle.entry[i]), 0);
            end = oracle.entry[i].offset + oracle.entry[i].head + oracle.entry[i].payload +
                  oracle.entry[i].tail;
        }
        check_all(index, &oracle, &prop);
        ff_index_free(index);
    }
}

/* What single appends make of the run, up to the first that fails. */
static int append_singly(struct ff_index *index, uint64_t offset, uint64_t head, uint64_t tail,
                         const uint64_t *ends, size_t count)
{
    uint64_t begin = offset;

    for (size_t i = 0; i < count; i++) {
        /* Shorter than what is around the payload: no record can be of that size. */
        if (ends[i] < begin || ends[i] - begin < head || ends[i] - begin - head < tail)
            return -EINVAL;
        const struct ff_index_entry entry = {
            .offset = begin, .head = head, .payload = ends[i] - begin - head - tail, .tail = tail};
        int r = ff_index_append(index, &entry);
        if (r < 0)
            return r;
        begin = ends[i];
    }
    return 0;
}

static void assert_same(const struct ff_index *a, const struct ff_index *b)
{
    assert_int_equal(ff_index_count(a), ff_index_count(b));
    for (uint64_t i = 0; i < ff_index_count(a); i++) {
        struct ff_index_entry one, other;
        uint64_t payload, same;
        assert_int_equal(ff_index_get(a, i, &one), 0);
        assert_int_equal(ff_index_get(b, i, &other), 0);
        assert_memory_equal(&one, &other, sizeof(one));
        assert_int_equal(ff_index_payload_before(a, i, &payload), 0);
        assert_int_equal(ff_index_payload_before(b, i, &same), 0);
        assert_int_equal(payload, same);
    }
}

static void runs_are_as_many_single_records(void **state)
{
    (void)state;
    struct ff_prop prop = ff_prop_start(35);
    unsigned long refused = 0;

    for (unsigned long round = 0; round < ff_prop_rounds(ROUNDS); round++) {
        struct ff_index *runs, *single;
        /* Some reach the last byte there can be. */
        uint64_t offset =
            round % 4 ? ff_prop_below(&prop, 100) : OFFSET_MAX - ff_prop_below(&prop, 100000);
        assert_int_equal(ff_index_new(&runs), 0);
        assert_int_equal(ff_index_new(&single), 0);
        for (unsigned int n = 0; n < 8; n++) {
            uint64_t ends[600];
            size_t count = ff_prop_below(&prop, ff_prop_below(&prop, 2) ? 601 : 5);
            uint64_t head = ff_prop_below(&prop, 14), tail = ff_prop_below(&prop, 5);
            bool bad = ff_prop_below(&prop, 4) == 0;
            uint64_t end = offset;
            for (size_t i = 0; i < count; i++) {
                end += head + tail + ff_prop_below(&prop, 300);
                ends[i] = end;
                if (bad && ff_prop_below(&prop, 300) == 0)
                    ends[i] -= ff_prop_below(&prop, 600);
            }
            if (bad && ff_prop_below(&prop, 10) == 0)
                tail = UINT64_MAX - ff_prop_below(&prop, 20);
            int r = ff_index_append_run(runs, offset, head, tail, ends, count);
            int expected = append_singly(single, offset, head, tail, ends, count);
            /* Of what cannot be a frame at all the reason may differ. */
            if (tail > OFFSET_MAX)
                assert_int_equal(r < 0, expected < 0);
            else
                assert_int_equal(r, expected);
            refused += r < 0;
            assert_same(runs, single);
            /* A single record in between, with a gap, as where frames are of another shape. */
            struct ff_index_entry entry = {.offset = end + ff_prop_below(&prop, 3),
                                           .head = 2,
                                           .payload = ff_prop_below(&prop, 9),
                                           .join = 1};
            assert_int_equal(ff_index_append(runs, &entry), ff_index_append(single, &entry));
            offset = entry.offset + entry.head + entry.payload + ff_prop_below(&prop, 2);
        }
        assert_int_equal(ff_index_seal(runs), 0);
        uint64_t end = OFFSET_MAX;
        assert_int_equal(ff_index_append_run(runs, end, 0, 0, &end, 1), -EINVAL);
        assert_int_equal(ff_index_append_run(runs, 0, 0, 0, NULL, 0), 0);
        assert_same(runs, single);
        ff_index_free(runs);
        ff_index_free(single);
    }
    assert_true(refused > 0);
}

static void packed_values_come_back_from_exact_buffers(void **state)
{
    (void)state;
    struct ff_prop prop = ff_prop_start(33);
    uint64_t values[600];

    for (unsigned long round = 0; round < 20 * ff_prop_rounds(ROUNDS); round++) {
        unsigned int width = (unsigned int)(round % 65);
        size_t count = 1 + ff_prop_below(&prop, ff_prop_below(&prop, 8) ? 40 : 600);
        uint64_t base = ff_prop_next(&prop), sum = 0;
        for (size_t i = 0; i < count; i++)
            values[i] = base + (ff_prop_next(&prop) & ff_pack_mask(width));
        size_t len = ff_pack_bytes(count, width);
        uint8_t *buf = malloc(len ? len : 1); /* exact, for the sanitizer to see a byte too many */
        assert_non_null(buf);
        ff_pack_write(buf, values, count, width, base);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(ff_pack_sum(buf, len, i, width), sum);
            assert_int_equal(ff_pack_get(buf, len, i, width), values[i] - base);
            sum += values[i] - base;
        }
        assert_int_equal(ff_pack_sum(buf, len, count, width), sum);
        /* A buffer that is cut reads as zeros, not as what lies behind it. */
        uint8_t *cut = malloc(len / 2 + 1);
        assert_non_null(cut);
        if (len > 1) {
            memcpy(cut, buf, len / 2);
            assert_int_equal(ff_pack_get(cut, len / 2, count + 100, width), 0);
            ff_pack_sum(cut, len / 2, count, width);
        }
        free(cut);
        free(buf);

        uint8_t varint[FF_PACK_VARINT_BYTES];
        uint64_t value = magnitude(&prop, 64), back;
        size_t n = ff_pack_varint_write(varint, value);
        assert_int_equal(ff_pack_varint_read(varint, n, &back), n);
        assert_int_equal(back, value);
        assert_int_equal(ff_pack_varint_read(varint, n - 1, &back), 0);
    }
}

static void hostile_blocks_are_refused_or_read_within_bounds(void **state)
{
    (void)state;
    struct ff_prop prop = ff_prop_start(34);
    unsigned long good = 0;

    for (unsigned long round = 0; round < 200 * ff_prop_rounds(ROUNDS); round++) {
        size_t len = ff_prop_below(&prop, 400);
        size_t count = 1 + ff_prop_below(&prop, FF_INDEX_BLOCK);
        uint8_t *buf = malloc(len ? len : 1);
        struct ff_block block;
        assert_non_null(buf);
        for (size_t i = 0; i < len; i++)
            buf[i] = (uint8_t)ff_prop_next(&prop);
        for (size_t i = 0; i < len && i < FF_BLOCK_COLUMNS; i++)
            buf[i] &= (uint8_t)(ff_prop_below(&prop, 4) ? 3 : 127);
        int r = ff_block_decode(buf, len, count, &block);
        if (r == 0) {
            good++;
            for (int c = 0; c < FF_BLOCK_COLUMNS; c++) {
                enum ff_block_column column = (enum ff_block_column)c;
                uint64_t sum = 0;
                for (size_t i = 0; i < count; i++)
                    sum += ff_block_value(&block, column, i);
                assert_int_equal(ff_block_sum(&block, column, count), sum);
            }
        } else {
            assert_int_equal(r, -EUCLEAN);
        }
        free(buf);
    }
    assert_true(good > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_appended_is_found),
        cmocka_unit_test(refused_records_leave_no_trace),
        cmocka_unit_test(runs_are_as_many_single_records),
        cmocka_unit_test(packed_values_come_back_from_exact_buffers),
        cmocka_unit_test(hostile_blocks_are_refused_or_read_within_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
