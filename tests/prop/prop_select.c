/* Against an array of bytes, counted anew for each answer. */
#include "index/select.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "prop.h"

#define ROUNDS      80
#define RECORDS_MAX 30000

struct oracle {
    uint8_t shown[RECORDS_MAX];
    uint64_t count;
};

/* Runs of random lengths, each with a density of its own: none, few, half, most or all. */
static void make(struct ff_prop *prop, struct oracle *oracle)
{
    static const uint64_t of_1000[] = {0, 1, 10, 500, 990, 1000};
    uint64_t count = ff_prop_below(prop, 4) ? ff_prop_below(prop, RECORDS_MAX + 1)
                                            : 1024 * ff_prop_below(prop, RECORDS_MAX / 1024);
    uint64_t run = 0, density = 0;

    oracle->count = count;
    for (uint64_t i = 0; i < count; i++, run--) {
        if (run == 0) {
            run = 1 + ff_prop_below(prop, ff_prop_below(prop, 2) ? 100 : 10000);
            density = of_1000[ff_prop_below(prop, 6)];
        }
        oracle->shown[i] = ff_prop_below(prop, 1000) < density;
    }
}

static void check_all(const struct ff_select *select, const struct oracle *oracle)
{
    uint64_t rank = 0, expected = 0; /* the shown record from i on */

    assert_int_equal(ff_select_count(select), oracle->count);
    for (uint64_t i = 0; i < oracle->count; i++) {
        if (expected != UINT64_MAX && expected <= i) {
            for (expected = i; expected < oracle->count && !oracle->shown[expected];)
                expected++;
            if (expected == oracle->count)
                expected = UINT64_MAX;
        }
        assert_int_equal(ff_select_test(select, i), oracle->shown[i]);
        assert_int_equal(ff_select_rank(select, i), rank);
        assert_int_equal(ff_select_next(select, i), expected);
        if (oracle->shown[i])
            assert_int_equal(ff_select_at(select, rank++), i);
    }
    assert_int_equal(ff_select_shown(select), rank);
    assert_int_equal(ff_select_rank(select, oracle->count), rank);
    assert_int_equal(ff_select_at(select, rank), UINT64_MAX);
    assert_int_equal(ff_select_at(select, UINT64_MAX), UINT64_MAX);
    assert_int_equal(ff_select_next(select, oracle->count), UINT64_MAX);
    assert_false(ff_select_test(select, oracle->count));
}

static void what_was_appended_is_selected(void **state)
{
    (void)state;
    struct ff_prop prop = ff_prop_start(51);
    static struct oracle oracle;

    for (unsigned long round = 0; round < ff_prop_rounds(ROUNDS); round++) {
        struct ff_select *select;
        make(&prop, &oracle);
        assert_int_equal(ff_select_new(&select), 0);
        for (uint64_t i = 0; i < oracle.count; i++)
            assert_int_equal(ff_select_append(select, oracle.shown[i]), 0);
        check_all(select, &oracle);
        ff_select_free(select);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_appended_is_selected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
