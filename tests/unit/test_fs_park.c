#include "fs/park.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct waiter {
    struct ff_parked parked;
    unsigned int needs; /* is ready when level is that high */
    unsigned int again; /* how often it is parked once more when it is resumed */
    unsigned int resumed;
    enum ff_park_outcome outcome;
};

static struct ff_park park;
static atomic_uint level;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned int resumed_in_all;

static bool is_ready(const struct ff_parked *parked)
{
    return atomic_load(&level) >= ((const struct waiter *)parked)->needs;
}

static void on_resume(struct ff_parked *parked, enum ff_park_outcome outcome)
{
    struct waiter *waiter = (struct waiter *)parked;

    if (outcome == FF_PARK_READY && waiter->again > 0) {
        waiter->again--;
        waiter->needs++;
        if (ff_park_add(&park, parked) == 0)
            return;
    }
    pthread_mutex_lock(&lock);
    waiter->outcome = outcome;
    waiter->resumed++;
    resumed_in_all++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void await(unsigned int count)
{
    pthread_mutex_lock(&lock);
    while (resumed_in_all < count)
        pthread_cond_wait(&changed, &lock);
    assert_int_equal(resumed_in_all, count);
    pthread_mutex_unlock(&lock);
}

static int begin(void **state)
{
    static const struct ff_park_ops ops = {.ready = is_ready, .resume = on_resume};

    (void)state;
    atomic_store(&level, 0);
    resumed_in_all = 0;
    ff_park_init(&park, &ops);
    return ff_park_start(&park);
}

static int end(void **state)
{
    (void)state;
    ff_park_stop(&park);
    ff_park_done(&park);
    return 0;
}

static void reach(unsigned int new_level)
{
    atomic_store(&level, new_level);
    ff_park_wake(&park);
}

static void what_is_ready_when_it_comes_does_not_wait_for_a_wake(void **state)
{
    (void)state;
    struct waiter waiter = {.needs = 0};
    assert_int_equal(ff_park_add(&park, &waiter.parked), 0);
    await(1);
    assert_int_equal(waiter.outcome, FF_PARK_READY);
    assert_int_equal(ff_park_count(&park), 0);
}

static void each_waits_for_what_it_needs(void **state)
{
    (void)state;
    struct waiter waiters[] = {{.needs = 3}, {.needs = 1}, {.needs = 2}, {.needs = 1}};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(ff_park_add(&park, &waiters[i].parked), 0);
    reach(1);
    await(2);
    assert_int_equal(waiters[1].resumed + waiters[3].resumed, 2);
    assert_int_equal(ff_park_count(&park), 2);
    reach(2);
    await(3);
    assert_int_equal(waiters[2].resumed, 1);
    /* The last one left the list's end: what is added now must not be lost. */
    struct waiter late = {.needs = 2};
    assert_int_equal(ff_park_add(&park, &late.parked), 0);
    await(4);
    assert_int_equal(late.resumed, 1);
    reach(3);
    await(5);
    assert_int_equal(waiters[0].outcome, FF_PARK_READY);
}

static void a_wake_that_helps_nobody_does_not_reach_the_thread(void **state)
{
    (void)state;
    static const struct ff_park_ops ops = {.ready = is_ready, .resume = on_resume};
    struct waiter waiters[] = {{.needs = 2}, {.needs = 1}};
    struct ff_park idle;

    ff_park_init(&idle, &ops);
    ff_park_wake(&idle);
    assert_false(idle.pending);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(ff_park_add(&idle, &waiters[i].parked), 0);
    idle.pending = false;
    ff_park_wake(&idle);
    assert_false(idle.pending);
    atomic_store(&level, 1);
    ff_park_wake(&idle);
    assert_true(idle.pending);
    assert_int_equal(ff_park_start(&idle), 0);
    await(1);
    assert_int_equal(waiters[1].outcome, FF_PARK_READY);
    ff_park_stop(&idle);
    assert_int_equal(waiters[0].outcome, FF_PARK_STOPPED);
    ff_park_done(&idle);
}

static void an_interrupt_takes_one_out(void **state)
{
    (void)state;
    struct waiter waiters[] = {{.needs = 1}, {.needs = 1}, {.needs = 1}};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(ff_park_add(&park, &waiters[i].parked), 0);
    ff_park_interrupt(&park, &waiters[1].parked);
    await(1);
    assert_int_equal(waiters[1].outcome, FF_PARK_INTERRUPTED);
    reach(1);
    await(3);
    assert_int_equal(waiters[0].outcome, FF_PARK_READY);
    assert_int_equal(waiters[2].outcome, FF_PARK_READY);
}

static void an_interrupt_before_it_waits_counts(void **state)
{
    (void)state;
    struct waiter waiter = {.needs = 1};
    ff_park_interrupt(&park, &waiter.parked);
    assert_int_equal(ff_park_add(&park, &waiter.parked), 0);
    await(1);
    assert_int_equal(waiter.outcome, FF_PARK_INTERRUPTED);
}

static void one_may_wait_again(void **state)
{
    (void)state;
    struct waiter waiter = {.needs = 1, .again = 2};
    assert_int_equal(ff_park_add(&park, &waiter.parked), 0);
    reach(2);
    reach(3);
    await(1);
    assert_int_equal(waiter.needs, 3);
}

static void stopping_resumes_all_and_refuses_more(void **state)
{
    (void)state;
    struct waiter waiters[] = {{.needs = 1}, {.needs = 2}}, late = {.needs = 0};
    assert_int_equal(ff_park_add(&park, &waiters[0].parked), 0);
    assert_int_equal(ff_park_add(&park, &waiters[1].parked), 0);
    ff_park_stop(&park);
    assert_int_equal(resumed_in_all, 2);
    assert_int_equal(waiters[0].outcome, FF_PARK_STOPPED);
    assert_int_equal(waiters[1].outcome, FF_PARK_STOPPED);
    assert_int_equal(ff_park_add(&park, &late.parked), -ESHUTDOWN);
}

static void the_list_has_a_limit(void **state)
{
    (void)state;
    static struct waiter waiters[FF_PARKED_MAX + 1];
    for (size_t i = 0; i <= FF_PARKED_MAX; i++)
        waiters[i].needs = 1;
    for (size_t i = 0; i < FF_PARKED_MAX; i++)
        assert_int_equal(ff_park_add(&park, &waiters[i].parked), 0);
    assert_int_equal(ff_park_add(&park, &waiters[FF_PARKED_MAX].parked), -EAGAIN);
    reach(1);
    await(FF_PARKED_MAX);
    assert_int_equal(ff_park_add(&park, &waiters[FF_PARKED_MAX].parked), 0);
    await(FF_PARKED_MAX + 1);
}

static void never_started_it_is_done_with(void **state)
{
    (void)state;
    static const struct ff_park_ops ops = {.ready = is_ready, .resume = on_resume};
    struct ff_park other;
    ff_park_init(&other, &ops);
    ff_park_stop(&other);
    ff_park_done(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_ready_when_it_comes_does_not_wait_for_a_wake),
        TEST(each_waits_for_what_it_needs),
        TEST(a_wake_that_helps_nobody_does_not_reach_the_thread),
        TEST(an_interrupt_takes_one_out),
        TEST(an_interrupt_before_it_waits_counts),
        TEST(one_may_wait_again),
        TEST(stopping_resumes_all_and_refuses_more),
        TEST(the_list_has_a_limit),
        cmocka_unit_test(never_started_it_is_done_with),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
