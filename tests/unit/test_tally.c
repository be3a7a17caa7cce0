/* Payloads counted, one by one and in runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "archive/tally.h"

#define BESIDES 7

static const uint64_t payloads[] = {5, 9, 0, 1, 2, 3, 255, 256, UINT64_C(1) << 40, 4};
enum { COUNT = sizeof(payloads) / sizeof(*payloads) };

/* Runs that are cut after `cut` payloads, the rest one by one if so. */
static struct ff_summary sum_of(unsigned int cut, bool one_by_one)
{
    struct ff_summary summary = {0};
    struct ff_tally tally = {0};
    uint64_t ends[COUNT], end = 1000;

    for (unsigned int i = 0; i < COUNT; i++)
        ends[i] = end += payloads[i] + BESIDES;
    ff_tally_add_run(&tally, 1000, BESIDES, ends, cut);
    if (!one_by_one)
        ff_tally_add_run(&tally, cut ? ends[cut - 1] : 1000, BESIDES, ends + cut, COUNT - cut);
    for (unsigned int i = cut; one_by_one && i < COUNT; i++)
        ff_tally_add(&tally, payloads[i]);
    ff_tally_merge(&tally, &summary);
    return summary;
}

static void a_run_counts_as_its_payloads(void **state)
{
    (void)state;
    for (unsigned int cut = 0; cut <= COUNT; cut++) {
        for (int way = 0; way < 2; way++) {
            struct ff_summary summary = sum_of(cut, way);
            assert_int_equal(summary.records, COUNT);
            assert_int_equal(summary.payload_bytes, 535 + (UINT64_C(1) << 40));
            assert_int_equal(summary.smallest, 0);
            assert_int_equal(summary.largest, UINT64_C(1) << 40);
            assert_int_equal(summary.histogram[0], 1); /* 0 */
            assert_int_equal(summary.histogram[1], 1); /* 1 */
            assert_int_equal(summary.histogram[2], 2); /* 2, 3 */
            assert_int_equal(summary.histogram[3], 2); /* 4, 5 */
            assert_int_equal(summary.histogram[4], 1); /* 9 */
            assert_int_equal(summary.histogram[8], 1); /* 255 */
            assert_int_equal(summary.histogram[9], 1); /* 256 */
            assert_int_equal(summary.histogram[41], 1);
        }
    }
}

static void none_changes_nothing(void **state)
{
    (void)state;
    struct ff_summary summary = {.records = 1, .smallest = 3, .largest = 3, .payload_bytes = 3};
    struct ff_tally tally = {0};
    const uint64_t end = 10;

    ff_tally_merge(&tally, &summary);
    assert_int_equal(summary.smallest, 3);
    summary.smallest = 9;
    ff_tally_add_run(&tally, 0, 2, &end, 1);
    ff_tally_merge(&tally, &summary);
    assert_int_equal(summary.records, 2);
    assert_int_equal(summary.smallest, 8);
    assert_int_equal(summary.largest, 8);
    assert_int_equal(summary.payload_bytes, 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_run_counts_as_its_payloads),
                                       cmocka_unit_test(none_changes_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
