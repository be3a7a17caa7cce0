/* Times of a segment's records as bytes: what goes in comes out, whatever the times are; a time
 * takes the bits that its block needs; what is outside of all limits is refused. */
#include "index/times.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/load.h"

#define NS_MAX 999999999
#define ROW_AT FF_TIMES_HEAD_BYTES /* of the first block */

static struct ff_time times[FF_SEGMENT_RECORDS];

/* splitmix64 */
static uint64_t mix(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static void set(size_t i, int64_t seconds, long ns)
{
    times[i] = (struct ff_time){.known = true, .at = {.tv_sec = (time_t)seconds, .tv_nsec = ns}};
}

static void set_none(size_t i)
{
    times[i] = (struct ff_time){0};
}

/* The bytes of the first count, of exact size, so that a sanitizer sees the smallest step outside;
 * to be freed. */
static uint8_t *encode(size_t count, size_t *ret_len)
{
    uint8_t *buf = malloc(FF_TIMES_BYTES_MAX);

    assert_non_null(buf);
    *ret_len = ff_times_encode(buf, times, count);
    assert_in_range(*ret_len, 1, FF_TIMES_BYTES_MAX);
    uint8_t *exact = malloc(*ret_len);
    assert_non_null(exact);
    memcpy(exact, buf, *ret_len);
    free(buf);
    return exact;
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

static bool is_in(const struct ff_time *time, const struct ff_time_span *span)
{
    return time->known && !is_before(&time->at, &span->since) && is_before(&time->at, &span->until);
}

static void check_bounds(const struct ff_times_bounds *bounds, size_t count)
{
    uint32_t known = 0;

    for (size_t i = 0; i < count; i++) {
        known += times[i].known;
        if (times[i].known) {
            assert_false(is_before(&times[i].at, &bounds->earliest));
            assert_false(is_before(&bounds->latest, &times[i].at));
        }
    }
    assert_int_equal(bounds->known, known);
}

/* Each record that is found in a stretch that begins at one's time and ends at another's. */
static void check_found(const struct ff_times *found, size_t a, size_t b)
{
    const struct ff_time_span span = {.since = times[a].at, .until = times[b].at};
    uint32_t next = 0;

    for (uint32_t i = 0; i < found->records; i++)
        if (is_in(&times[i], &span)) {
            assert_int_equal(ff_times_find(found, next, &span, &next), 0);
            assert_int_equal(next++, i);
        }
    assert_int_equal(ff_times_find(found, next, &span, &next), 0);
    assert_int_equal(next, found->records);
}

/* Returns the bytes. */
static size_t round_trip(size_t count)
{
    struct ff_times_bounds bounds;
    struct ff_times found;
    struct ff_time time;
    size_t len;
    uint8_t *buf = encode(count, &len);

    assert_int_equal(ff_times_open(buf, len, (uint32_t)count, &found), 0);
    assert_int_equal(ff_times_check(&found), 0);
    assert_int_equal(ff_times_bounds(buf, &bounds), 0);
    check_bounds(&bounds, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(ff_times_get(&found, (uint32_t)i, &time), 0);
        assert_true(time.known == times[i].known && time.at.tv_sec == times[i].at.tv_sec &&
                    time.at.tv_nsec == times[i].at.tv_nsec);
    }
    check_found(&found, 0, count / 2);
    check_found(&found, count / 2, 0);
    check_found(&found, count / 3, count - 1);
    free(buf);
    return len;
}

static const size_t counts[] = {1,
                                2,
                                FF_INDEX_BLOCK - 1,
                                FF_INDEX_BLOCK,
                                FF_INDEX_BLOCK + 1,
                                3 * FF_INDEX_BLOCK + 7,
                                FF_SEGMENT_RECORDS - 1,
                                FF_SEGMENT_RECORDS};

#define COUNTS (sizeof(counts) / sizeof(*counts))

static void what_goes_in_comes_out(void **state)
{
    (void)state;
    static const long grains[] = {1, 1000, 1000000, 1000000000};
    uint64_t random = 7;

    for (size_t c = 0; c < COUNTS; c++)
        for (size_t g = 0; g < 4; g++)
            for (int sparse = 0; sparse < 3; sparse++) {
                for (size_t i = 0; i < counts[c]; i++) {
                    uint64_t near = mix(&random) % 3600, far = mix(&random);
                    /* Out of order, around 1970 and some very far. */
                    int64_t seconds = far % 1000
                                          ? (int64_t)near - 1800
                                          : FF_TIME_MIN_S + (int64_t)(far % UINT64_C(315537897600));
                    long ns = (long)(mix(&random) % 1000000000) / grains[g] * grains[g];
                    if (sparse == 2 || (sparse && mix(&random) % 3 == 0))
                        set_none(i);
                    else
                        set(i, seconds, ns);
                }
                (void)round_trip(counts[c]);
            }
}

static void the_earliest_and_the_latest_of_all_times_fit_into_a_block(void **state)
{
    (void)state;
    for (size_t i = 0; i < FF_INDEX_BLOCK; i++)
        set(i, i % 2 ? FF_TIME_MAX_S : FF_TIME_MIN_S, i % 2 ? NS_MAX : 0);
    size_t len = round_trip(FF_INDEX_BLOCK);
    assert_int_equal(len, FF_TIMES_HEAD_BYTES + FF_TIMES_ROW_BYTES + FF_INDEX_BLOCK / 8 * 69);
    set_none(5);
    assert_int_equal(round_trip(FF_INDEX_BLOCK), len + FF_INDEX_BLOCK / 8);
    assert_int_equal(len + FF_INDEX_BLOCK / 8,
                     FF_TIMES_HEAD_BYTES + FF_TIMES_ROW_BYTES + FF_TIMES_BLOCK_BYTES_MAX);
}

/* Bits of a time in one block of steps of so many nanoseconds. */
static double bits_of(int64_t step_ns, int64_t first_ns)
{
    for (size_t i = 0; i < FF_INDEX_BLOCK; i++) {
        int64_t ns = first_ns + (int64_t)i * step_ns;
        set(i, 1158679214 + ns / 1000000000, (long)(ns % 1000000000));
    }
    return (double)(round_trip(FF_INDEX_BLOCK) - FF_TIMES_HEAD_BYTES - FF_TIMES_ROW_BYTES) * 8 /
           FF_INDEX_BLOCK;
}

static void a_time_takes_the_bits_of_its_block_s_unit(void **state)
{
    (void)state;
    assert_true(bits_of(0, 123456789) == 0);
    assert_true(bits_of(1000000000, 0) == 8);
    assert_true(bits_of(1000000, 5000000) == 8);
    assert_true(bits_of(1000, 5000) == 8);
    assert_true(bits_of(1, 0) == 8);
    /* 255 * 2000 us */
    assert_true(bits_of(2000000, 1000) == 19);
    /* A single nanosecond makes all of the block nanoseconds. */
    assert_true(bits_of(1000000000, 1) == 38);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        unsigned int width;
        uint64_t good, bad;
    } cases[] = {
        {ROW_AT, 8, (uint64_t)FF_TIME_MIN_S, (uint64_t)FF_TIME_MIN_S - 1},
        {ROW_AT, 8, (uint64_t)FF_TIME_MAX_S, (uint64_t)FF_TIME_MAX_S + 1},
        {ROW_AT, 8, 0, (uint64_t)INT64_MAX},
        {ROW_AT + 8, 4, NS_MAX, NS_MAX + 1},
        {ROW_AT + 12, 4, 0, 1},
        {ROW_AT + 16, 1, 3, 4},
        {ROW_AT + 17, 1, 8, 9},
        {ROW_AT + 17, 1, 8, 70},
        {ROW_AT + 18, 1, 1, 3},
        {ROW_AT + 18, 1, 1, 2},
        {ROW_AT + 18, 1, 1, 0},
        {ROW_AT + 19, 1, 0, 1},
        {ROW_AT + FF_TIMES_ROW_BYTES + 12, 4, FF_INDEX_BLOCK, FF_INDEX_BLOCK + 1},
        {0, 4, 300, 301},
        {8, 8, (uint64_t)FF_TIME_MIN_S, (uint64_t)FF_TIME_MIN_S - 1},
        {16, 8, (uint64_t)FF_TIME_MAX_S, (uint64_t)FF_TIME_MAX_S + 1},
        {24, 4, 0, NS_MAX + 1},
        {28, 4, NS_MAX, NS_MAX + 1},
    };
    struct ff_times found;
    size_t len;

    for (size_t i = 0; i < 300; i++)
        set(i, (int64_t)i, (long)i);
    for (size_t i = 0; i < FF_INDEX_BLOCK; i++)
        set(i, 5, (long)i);
    for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
        uint8_t *buf = encode(300, &len);
        assert_int_equal(ff_times_open(buf, len, 300, &found), 0);
        ff_store_le(buf + cases[c].at, cases[c].good, cases[c].width);
        assert_int_equal(ff_times_check(&found), 0);
        ff_store_le(buf + cases[c].at, cases[c].bad, cases[c].width);
        assert_int_equal(ff_times_check(&found), -EUCLEAN);
        free(buf);
    }
    uint8_t *buf = encode(300, &len);
    assert_int_equal(ff_times_open(buf, len, 0, &found), -EUCLEAN);
    assert_int_equal(ff_times_open(buf, len, FF_SEGMENT_RECORDS + 1, &found), -EUCLEAN);
    for (size_t i = 0; i < len; i++)
        assert_true(ff_times_open(buf, i, 300, &found) < 0 || ff_times_check(&found) < 0);
    free(buf);
}

/* The one time of a block moved as far as its bits reach. */
static void a_time_behind_all_is_refused_when_it_is_asked_for(void **state)
{
    (void)state;
    const struct ff_time_span all = {.since = {.tv_sec = FF_TIME_MIN_S},
                                     .until = {.tv_sec = FF_TIME_MAX_S + 1}};
    struct ff_times found;
    struct ff_time time;
    uint32_t i = 0;
    size_t len;

    set(0, FF_TIME_MAX_S - 1, 0);
    set(1, FF_TIME_MAX_S, 0);
    uint8_t *buf = encode(2, &len);
    assert_int_equal(ff_times_open(buf, len, 2, &found), 0);
    assert_int_equal(ff_times_get(&found, 1, &time), 0);
    assert_int_equal(time.at.tv_sec, FF_TIME_MAX_S);
    ff_store_le(buf + ROW_AT, (uint64_t)FF_TIME_MAX_S, 8);
    assert_int_equal(ff_times_check(&found), 0);
    assert_int_equal(ff_times_get(&found, 0, &time), 0);
    assert_int_equal(ff_times_get(&found, 1, &time), -EUCLEAN);
    assert_int_equal(ff_times_find(&found, 0, &all, &i), 0);
    assert_int_equal(ff_times_find(&found, 1, &all, &i), -EUCLEAN);
    free(buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_in_comes_out),
        cmocka_unit_test(the_earliest_and_the_latest_of_all_times_fit_into_a_block),
        cmocka_unit_test(a_time_takes_the_bits_of_its_block_s_unit),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(a_time_behind_all_is_refused_when_it_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
