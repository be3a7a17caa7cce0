/* Which request killed a worker. */
#include "fs/blame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* One of a kind for each request. */
#define NODEID(unique) ((unique)*3 + 1)
#define OPCODE         15

struct court {
    struct ff_blame blame;
    struct ff_blame_bench bench;
    struct ff_blame_list list;
    struct ff_blame_suspect condemned[FF_BLAME_SLOTS];
};

static int set_up(void **state)
{
    struct court *court = aligned_alloc(alignof(struct court), sizeof(*court));

    if (!court)
        return -1;
    memset(court, 0, sizeof(*court));
    *state = court;
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

/* The bench of a new worker, one thread of which has the request in hand. */
static struct ff_blame_slot *hold(struct court *court, uint64_t unique)
{
    struct ff_blame_slot *slot = ff_blame_take(&court->bench);

    assert_non_null(slot);
    ff_blame_begin(slot, unique, NODEID(unique), OPCODE);
    return slot;
}

static size_t judge(struct court *court, bool crashed)
{
    return ff_blame_judge(&court->blame, &court->bench, crashed, &court->list, court->condemned);
}

/* A worker that dies with this request alone in hand: how many are condemned by it. */
static size_t die(struct court *court, uint64_t unique, bool crashed)
{
    ff_blame_clear(&court->bench);
    hold(court, unique);
    return judge(court, crashed);
}

/* A worker that crashes with the requests of [first, last] in hand: how many are condemned. */
static size_t die_with_all(struct court *court, uint64_t first, uint64_t last)
{
    ff_blame_clear(&court->bench);
    for (uint64_t unique = first; unique <= last; unique++)
        hold(court, unique);
    return judge(court, true);
}

/* So many requests, from `first` on, were in hand at one crash each. */
static void suspect_many(struct court *court, uint64_t first, size_t count)
{
    for (size_t done = 0; done < count; done += FF_BLAME_SLOTS) {
        size_t more = count - done < FF_BLAME_SLOTS ? count - done : FF_BLAME_SLOTS;
        assert_int_equal(die_with_all(court, first + done, first + done + more - 1), 0);
    }
}

static void a_thread_more_than_slots_has_none(void **state)
{
    struct court *court = *state;
    struct ff_blame_slot *slots[FF_BLAME_SLOTS];

    for (size_t i = 0; i < FF_BLAME_SLOTS; i++) {
        slots[i] = hold(court, i + 1);
        for (size_t j = 0; j < i; j++)
            assert_ptr_not_equal(slots[i], slots[j]);
    }
    assert_null(ff_blame_take(&court->bench));
    ff_blame_give_back(slots[17]);
    assert_ptr_equal(ff_blame_take(&court->bench), slots[17]);
    assert_int_equal(atomic_load(&slots[17]->unique), 0);
}

static void two_crashes_condemn(void **state)
{
    struct court *court = *state;

    for (int i = 1; i < FF_BLAME_CRASHES_MAX; i++)
        assert_int_equal(die(court, 7, true), 0);
    assert_false(ff_blame_is_condemned(&court->list, 7));
    assert_int_equal(die(court, 7, true), 1);
    assert_true(ff_blame_is_condemned(&court->list, 7));
    assert_int_equal(court->condemned[0].unique, 7);
    assert_int_equal(court->condemned[0].nodeid, NODEID(7));
    assert_int_equal(court->condemned[0].opcode, OPCODE);
    assert_int_equal(court->condemned[0].crashes, FF_BLAME_CRASHES_MAX);
    assert_int_equal(court->condemned[0].kills, 0);
    assert_int_equal(atomic_load(&court->list.count), 1);
}

static void five_kills_condemn(void **state)
{
    struct court *court = *state;

    for (int i = 1; i < FF_BLAME_KILLS_MAX; i++)
        assert_int_equal(die(court, 7, false), 0);
    assert_false(ff_blame_is_condemned(&court->list, 7));
    assert_int_equal(die(court, 7, false), 1);
    assert_true(ff_blame_is_condemned(&court->list, 7));
    assert_int_equal(court->condemned[0].kills, FF_BLAME_KILLS_MAX);
    assert_int_equal(court->condemned[0].crashes, 0);
}

static void crashes_and_kills_are_counted_apart(void **state)
{
    struct court *court = *state;

    for (int i = 1; i < FF_BLAME_CRASHES_MAX; i++)
        assert_int_equal(die(court, 7, true), 0);
    for (int i = 1; i < FF_BLAME_KILLS_MAX; i++)
        assert_int_equal(die(court, 7, false), 0);
    assert_int_equal(die(court, 7, true), 1);
    assert_int_equal(court->condemned[0].kills, FF_BLAME_KILLS_MAX - 1);
}

static void a_request_that_is_sent_again_is_the_same(void **state)
{
    struct court *court = *state;

    assert_int_equal(die(court, 7, true), 0);
    assert_int_equal(die(court, 7 | FF_UNIQUE_RESENT, true), 1);
    assert_int_equal(court->condemned[0].unique, 7);
    assert_true(ff_blame_is_condemned(&court->list, 7));
    assert_true(ff_blame_is_condemned(&court->list, 7 | FF_UNIQUE_RESENT));
    assert_false(ff_blame_is_condemned(&court->list, 8));
    assert_false(ff_blame_is_condemned(&court->list, 8 | FF_UNIQUE_RESENT));
}

static void only_requests_in_hand_are_suspected(void **state)
{
    struct court *court = *state;

    for (int i = 0; i < 2 * FF_BLAME_KILLS_MAX; i++) {
        ff_blame_clear(&court->bench);
        struct ff_blame_slot *slot = hold(court, 7);
        ff_blame_end(slot);
        assert_int_equal(judge(court, true), 0);
    }
    assert_int_equal(atomic_load(&court->list.count), 0);
}

static void one_that_confesses_clears_the_others(void **state)
{
    struct court *court = *state;

    for (int i = 1; i <= FF_BLAME_CRASHES_MAX; i++) {
        ff_blame_clear(&court->bench);
        hold(court, 1);
        atomic_store(&hold(court, 2)->guilty, true);
        hold(court, 3);
        assert_int_equal(judge(court, true), i == FF_BLAME_CRASHES_MAX);
    }
    assert_int_equal(court->condemned[0].unique, 2);
    /* For them this is the first time. */
    assert_int_equal(die(court, 1, true), 0);
    assert_int_equal(die(court, 3, true), 0);
}

static void a_guilty_thread_without_a_request_clears_all(void **state)
{
    struct court *court = *state;

    for (int i = 0; i <= FF_BLAME_CRASHES_MAX; i++) {
        ff_blame_clear(&court->bench);
        hold(court, 1);
        struct ff_blame_slot *slot = hold(court, 2);
        ff_blame_end(slot);
        atomic_store(&slot->guilty, true);
        assert_int_equal(judge(court, true), 0);
    }
}

static void all_of_a_bench_can_be_condemned_at_once(void **state)
{
    struct court *court = *state;

    for (int i = 1; i < FF_BLAME_CRASHES_MAX; i++)
        assert_int_equal(die_with_all(court, 1, FF_BLAME_SLOTS), 0);
    assert_int_equal(die_with_all(court, 1, FF_BLAME_SLOTS), FF_BLAME_SLOTS);
    for (size_t i = 0; i < FF_BLAME_SLOTS; i++) {
        assert_int_equal(court->condemned[i].unique, i + 1);
        assert_true(ff_blame_is_condemned(&court->list, i + 1));
    }
}

static void a_condemned_request_is_no_suspect_any_more(void **state)
{
    struct court *court = *state;

    for (int i = 1; i <= FF_BLAME_CRASHES_MAX; i++)
        die(court, 7, true);
    assert_int_equal(atomic_load(&court->list.count), 1);
    for (int i = 1; i < FF_BLAME_CRASHES_MAX; i++)
        assert_int_equal(die(court, 7, true), 0);
    assert_int_equal(atomic_load(&court->list.count), 1);
}

static void the_latest_suspects_are_remembered(void **state)
{
    struct court *court = *state;

    suspect_many(court, 1, FF_BLAME_SUSPECTS_MAX);
    assert_int_equal(die(court, 1, true), 1);
}

static void one_suspect_more_displaces_the_oldest(void **state)
{
    struct court *court = *state;

    suspect_many(court, 1, FF_BLAME_SUSPECTS_MAX + 1);
    assert_int_equal(die(court, 2, true), 1);
    assert_int_equal(die(court, FF_BLAME_SUSPECTS_MAX + 1, true), 1);
    assert_int_equal(die(court, 1, true), 0);
    assert_int_equal(die(court, 1, true), 1);
}

static void condemn(struct court *court, uint64_t unique)
{
    for (int i = 1; i < FF_BLAME_CRASHES_MAX; i++)
        assert_int_equal(die(court, unique, true), 0);
    assert_int_equal(die(court, unique, true), 1);
}

static void the_latest_condemned_are_remembered(void **state)
{
    struct court *court = *state;

    for (uint64_t unique = 1; unique <= FF_BLAME_CONDEMNED_MAX; unique++)
        condemn(court, unique);
    assert_true(ff_blame_is_condemned(&court->list, 1));
    condemn(court, FF_BLAME_CONDEMNED_MAX + 1);
    assert_false(ff_blame_is_condemned(&court->list, 1));
    for (uint64_t unique = 2; unique <= FF_BLAME_CONDEMNED_MAX + 1; unique++)
        assert_true(ff_blame_is_condemned(&court->list, unique));
}

static void a_cleared_bench_is_as_new(void **state)
{
    struct court *court = *state;

    for (size_t i = 0; i < FF_BLAME_SLOTS; i++) {
        struct ff_blame_slot *slot = hold(court, i + 1);
        atomic_store(&slot->guilty, i % 2 == 1);
        atomic_store(&slot->answered, i);
    }
    assert_int_equal(ff_blame_answered(&court->bench), FF_BLAME_SLOTS * (FF_BLAME_SLOTS - 1) / 2);
    ff_blame_clear(&court->bench);
    assert_int_equal(ff_blame_answered(&court->bench), 0);
    for (int i = 0; i <= FF_BLAME_KILLS_MAX; i++)
        assert_int_equal(judge(court, true), 0);
    /* Were another one still guilty, this one would not be suspected. */
    assert_ptr_equal(hold(court, 7), &court->bench.slots[0]);
    assert_int_equal(judge(court, true), 0);
    assert_int_equal(judge(court, true), 1);
}

#define court_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        court_test(a_thread_more_than_slots_has_none),
        court_test(two_crashes_condemn),
        court_test(five_kills_condemn),
        court_test(crashes_and_kills_are_counted_apart),
        court_test(a_request_that_is_sent_again_is_the_same),
        court_test(only_requests_in_hand_are_suspected),
        court_test(one_that_confesses_clears_the_others),
        court_test(a_guilty_thread_without_a_request_clears_all),
        court_test(all_of_a_bench_can_be_condemned_at_once),
        court_test(a_condemned_request_is_no_suspect_any_more),
        court_test(the_latest_suspects_are_remembered),
        court_test(one_suspect_more_displaces_the_oldest),
        court_test(the_latest_condemned_are_remembered),
        court_test(a_cleared_bench_is_as_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
