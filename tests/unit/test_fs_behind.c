/* Who reads in order, and what is dropped behind him. */
#include "fs/behind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define INO       UINT64_C(7)
#define READ      (UINT64_C(1) << 20)
#define FIRST_DUE (FF_BEHIND_KEPT_BYTES + FF_BEHIND_STEP_BYTES)

/* Reads first..last in order, and drops what there is to drop: its sum, and where it ends. Each
 * range begins where the one before ended, or further on. */
static uint64_t read_all(struct ff_behind *behind, uint64_t ino, uint64_t first, uint64_t last,
                         uint64_t *ret_end)
{
    struct ff_passed passed;
    uint64_t dropped = 0;

    for (uint64_t at = first; at < last; at += READ) {
        bool may = ff_behind_note(behind, ino, at, READ);
        while (ff_behind_take(behind, &passed)) {
            assert_true(may);
            assert_true(passed.len > 0);
            assert_true(passed.offset >= *ret_end);
            assert_true(passed.offset + passed.len <= at + READ - FF_BEHIND_KEPT_BYTES);
            *ret_end = passed.offset + passed.len;
            dropped += passed.len;
        }
    }
    return dropped;
}

static void all_but_the_last_is_dropped_behind_a_reader(void **state)
{
    (void)state;
    struct ff_behind behind = {0};
    uint64_t end = 0, first = UINT64_C(5) << 30;

    assert_int_equal(read_all(&behind, INO, first, first + FIRST_DUE - READ, &end), 0);
    uint64_t dropped = read_all(&behind, INO, first + FIRST_DUE - READ, first + (1 << 30), &end);
    assert_int_equal(end - first, dropped);
    assert_true(dropped + FIRST_DUE >= UINT64_C(1) << 30);
}

static void the_end_of_the_largest_file(void **state)
{
    (void)state;
    struct ff_behind behind = {0};
    uint64_t size = UINT64_C(1) << 63, end = 0;

    assert_true(read_all(&behind, INO, size - 2 * FIRST_DUE, size, &end) >= FIRST_DUE);
}

static void requests_in_any_order_are_one_reader(void **state)
{
    (void)state;
    struct ff_behind behind = {0};
    struct ff_passed passed;
    uint64_t dropped = 0;

    for (uint64_t at = 0; at < UINT64_C(512) << 20; at += 4 * READ) {
        static const uint64_t order[] = {2, 0, 3, 1};
        for (size_t i = 0; i < 4; i++)
            ff_behind_note(&behind, INO, at + order[i] * READ, READ);
        while (ff_behind_take(&behind, &passed)) {
            assert_true(passed.offset == dropped || dropped == 0);
            dropped = passed.offset + passed.len;
        }
    }
    assert_true(dropped + FIRST_DUE + 4 * READ >= UINT64_C(512) << 20);
}

static void random_readers_lose_nothing(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {UINT64_C(64) << 20, UINT64_C(1) << 30, UINT64_C(1) << 40};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct ff_behind behind = {0};
        struct ff_passed passed;
        srand(3);
        for (int n = 0; n < 100000; n++) {
            uint64_t at = ((uint64_t)rand() << 31 | (uint64_t)rand()) % sizes[i] / 4096 * 4096;
            ff_behind_note(&behind, INO, at, 16384);
            assert_false(ff_behind_take(&behind, &passed));
        }
    }
}

static void random_readers_do_not_end_one_in_order(void **state)
{
    (void)state;
    struct ff_behind behind = {0};
    struct ff_passed passed;
    uint64_t dropped = 0;

    srand(4);
    for (uint64_t at = 0; at < UINT64_C(1) << 30; at += READ) {
        ff_behind_note(&behind, INO, at, READ);
        for (int n = 0; n < FF_BEHIND_STREAMS / 2; n++)
            ff_behind_note(&behind, INO, (UINT64_C(1) << 40) + ((uint64_t)rand() << 20), 4096);
        while (ff_behind_take(&behind, &passed))
            dropped += passed.len;
    }
    assert_true(dropped + FIRST_DUE >= UINT64_C(1) << 30);
}

static void what_another_reader_comes_to_stays(void **state)
{
    (void)state;
    struct ff_behind behind = {0};
    struct ff_passed passed;
    uint64_t place = UINT64_C(200) << 20, end = 0;

    ff_behind_note(&behind, INO, place - READ, READ);
    for (uint64_t at = 0; at < UINT64_C(1) << 30; at += READ) {
        /* As long as it is not taken for the same reader. */
        if (at + FF_BEHIND_NEAR_BYTES + READ >= place && at <= place + FF_BEHIND_NEAR_BYTES)
            continue;
        ff_behind_note(&behind, INO, at, READ);
        while (ff_behind_take(&behind, &passed)) {
            assert_true(passed.offset + passed.len <= place - FF_BEHIND_NEAR_BYTES ||
                        passed.offset >= place + FF_BEHIND_NEAR_BYTES);
            end = passed.offset + passed.len;
        }
    }
    assert_true(end > place);
}

static void files_are_kept_apart(void **state)
{
    (void)state;
    struct ff_behind behind = {0};
    struct ff_passed passed;
    uint64_t dropped[2] = {0, 0};

    for (uint64_t at = 0; at < UINT64_C(256) << 20; at += READ) {
        for (uint64_t i = 0; i < 2; i++) {
            ff_behind_note(&behind, INO + i, at, READ);
            while (ff_behind_take(&behind, &passed)) {
                assert_int_equal(passed.ino, INO + i);
                dropped[i] += passed.len;
            }
        }
    }
    assert_int_equal(dropped[0], dropped[1]);
    assert_true(dropped[0] > UINT64_C(128) << 20);
}

static void the_oldest_reader_is_forgotten(void **state)
{
    (void)state;
    struct ff_behind behind = {0};
    struct ff_passed passed;
    uint64_t end = 0;

    for (uint64_t i = 0; i <= FF_BEHIND_STREAMS; i++) {
        end = i << 40;
        assert_true(read_all(&behind, INO, i << 40, (i << 40) + 2 * FIRST_DUE, &end) > 0);
    }
    /* The first one begins anew where it stood. */
    for (uint64_t at = 2 * FIRST_DUE; at < 3 * FIRST_DUE - READ; at += READ) {
        assert_false(ff_behind_note(&behind, INO, at, READ));
        assert_false(ff_behind_take(&behind, &passed));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_but_the_last_is_dropped_behind_a_reader),
        cmocka_unit_test(the_end_of_the_largest_file),
        cmocka_unit_test(requests_in_any_order_are_one_reader),
        cmocka_unit_test(random_readers_lose_nothing),
        cmocka_unit_test(random_readers_do_not_end_one_in_order),
        cmocka_unit_test(what_another_reader_comes_to_stays),
        cmocka_unit_test(files_are_kept_apart),
        cmocka_unit_test(the_oldest_reader_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
