/* Who reads in order, and how far ahead of him is gone. */
#include "fs/follow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct ff_follow_place place_of(size_t archive, uint64_t record)
{
    return (struct ff_follow_place){.archive = archive,
                                    .record = record,
                                    .after = record + 1,
                                    .pushable = true,
                                    .directory = record / 1000};
}

static enum ff_followed note_in(struct ff_follow *follow, size_t archive, uint64_t record)
{
    const struct ff_follow_place place = place_of(archive, record);
    return ff_follow_note(follow, &place);
}

static enum ff_followed note(struct ff_follow *follow, uint64_t record)
{
    return note_in(follow, 0, record);
}

/* Pushes all of the next job: how many records, and where it began. */
static uint64_t push_all(struct ff_follow *follow, uint64_t bytes, uint64_t *ret_first)
{
    struct ff_follow_job job;
    uint64_t next, count = 0;

    if (!ff_follow_take(follow, &job))
        return 0;
    *ret_first = job.next;
    while (ff_follow_is_open(follow, &job, &next)) {
        ff_follow_pushed(follow, &job, next, next + 1, bytes);
        count++;
    }
    return count;
}

static void two_steps_begin_and_each_next_one_doubles(void **state)
{
    (void)state;
    struct ff_follow follow = {0};
    struct ff_follow_job job;
    uint64_t at = 7, first, want = FF_FOLLOW_FIRST;

    assert_int_equal(note(&follow, at++), FF_FOLLOWED_ALONE);
    assert_false(ff_follow_take(&follow, &job));
    assert_int_equal(note(&follow, at++), FF_FOLLOWED_STEP);
    assert_false(ff_follow_take(&follow, &job));
    for (int i = 0; i < 12; i++) {
        assert_int_equal(note(&follow, at), FF_FOLLOWED_DUE);
        assert_int_equal(push_all(&follow, 1, &first), want);
        assert_int_equal(first, at + 1);
        assert_false(ff_follow_take(&follow, &job));
        at += want + 1;
        want = want * 2 < FF_FOLLOW_MAX ? want * 2 : FF_FOLLOW_MAX;
    }
    assert_int_equal(want, FF_FOLLOW_MAX);
}

static void bytes_bound_a_stretch(void **state)
{
    (void)state;
    struct ff_follow follow = {0};
    uint64_t first = 0;

    for (uint64_t at = 0; at < 3; at++)
        note(&follow, at);
    assert_int_equal(push_all(&follow, FF_FOLLOW_AHEAD_BYTES_MAX - 1, &first), 2);
    note(&follow, 5);
    assert_int_equal(push_all(&follow, FF_FOLLOW_AHEAD_BYTES_MAX, &first), 1);
    assert_int_equal(first, 6);
}

static void random_reads_push_nothing_and_displace_no_reader_in_order(void **state)
{
    (void)state;
    struct ff_follow follow = {0};
    struct ff_follow_job job;
    uint64_t first = 0;

    for (uint64_t at = 0; at < 3; at++)
        note(&follow, at);
    assert_int_equal(push_all(&follow, 1, &first), FF_FOLLOW_FIRST);
    for (uint64_t i = 0; i < 1000; i++)
        assert_int_equal(note(&follow, 1000000 - i * 7), FF_FOLLOWED_ALONE);
    assert_false(ff_follow_take(&follow, &job));
    assert_int_equal(note(&follow, 3 + FF_FOLLOW_FIRST), FF_FOLLOWED_DUE);
    assert_int_equal(push_all(&follow, 1, &first), FF_FOLLOW_FIRST * 2);
}

static void readers_are_followed_apart(void **state)
{
    (void)state;
    struct ff_follow follow = {0};
    uint64_t first = 0, seen = 0;

    for (uint64_t step = 0; step < 3; step++)
        for (size_t reader = 0; reader < FF_FOLLOW_STREAMS; reader++)
            note_in(&follow, reader % 2, reader * 100000 + step);
    for (size_t reader = 0; reader < FF_FOLLOW_STREAMS; reader++) {
        assert_int_equal(push_all(&follow, 1, &first), FF_FOLLOW_FIRST);
        assert_int_equal(first % 100000, 3);
        seen |= UINT64_C(1) << first / 100000;
    }
    assert_int_equal(seen, (UINT64_C(1) << FF_FOLLOW_STREAMS) - 1);
}

static void one_reader_more_displaces_the_one_that_asked_longest_ago(void **state)
{
    (void)state;
    struct ff_follow follow = {0};
    struct ff_follow_job job;
    uint64_t first = 0;

    for (uint64_t step = 0; step < 3; step++)
        for (uint64_t reader = 0; reader <= FF_FOLLOW_STREAMS; reader++)
            note(&follow, reader * 100000 + step);
    /* They displace each other for ever; one alone is followed at once. */
    for (uint64_t step = 3; step < 6; step++)
        note(&follow, step);
    assert_int_equal(push_all(&follow, 1, &first), FF_FOLLOW_FIRST);
    assert_int_equal(first, 6);
    assert_false(ff_follow_take(&follow, &job));
}

static void a_pushed_record_that_is_asked_for_stops_the_stream(void **state)
{
    (void)state;
    struct ff_follow follow = {0};
    struct ff_follow_job job;
    uint64_t first = 0;

    for (uint64_t at = 0; at < 3; at++)
        note(&follow, at);
    assert_int_equal(push_all(&follow, 1, &first), FF_FOLLOW_FIRST);
    assert_int_equal(note(&follow, 5), FF_FOLLOWED_MET);
    assert_int_equal(note(&follow, 6), FF_FOLLOWED_STEP);
    assert_false(ff_follow_take(&follow, &job));
    assert_int_equal(note(&follow, 7), FF_FOLLOWED_DUE);
    assert_int_equal(push_all(&follow, 1, &first), FF_FOLLOW_FIRST);
    assert_int_equal(first, 8);
}

static void a_reader_who_is_faster_is_not_pushed_what_he_has(void **state)
{
    (void)state;
    struct ff_follow follow = {0};
    struct ff_follow_job job;
    uint64_t next;

    for (uint64_t at = 0; at < 3; at++)
        note(&follow, at);
    assert_true(ff_follow_take(&follow, &job));
    assert_int_equal(job.left, FF_FOLLOW_FIRST);
    ff_follow_pushed(&follow, &job, 3, 4, 1);
    assert_int_equal(note(&follow, 6), FF_FOLLOWED_DUE);
    assert_true(ff_follow_is_open(&follow, &job, &next));
    assert_int_equal(next, 7);
    /* Too late: it was overtaken. */
    ff_follow_pushed(&follow, &job, 4, 5, 1);
    assert_true(ff_follow_is_open(&follow, &job, &next));
    assert_int_equal(next, 7);
    /* Past the stretch: the next one begins. */
    assert_int_equal(note(&follow, 3 + FF_FOLLOW_FIRST), FF_FOLLOWED_DUE);
    assert_true(ff_follow_take(&follow, &job));
    assert_int_equal(job.next, 4 + FF_FOLLOW_FIRST);
    assert_int_equal(job.left, FF_FOLLOW_FIRST * 2);
}

static void a_stretch_that_ends_early_goes_on_behind_its_end(void **state)
{
    (void)state;
    struct ff_follow follow = {0};
    struct ff_follow_job job;
    uint64_t first = 0;

    for (uint64_t at = 0; at < 3; at++)
        note(&follow, at);
    assert_true(ff_follow_take(&follow, &job));
    ff_follow_pushed(&follow, &job, 3, 4, 1);
    ff_follow_end(&follow, &job, 4, true);
    assert_false(ff_follow_take(&follow, &job));
    assert_int_equal(note(&follow, 4), FF_FOLLOWED_DUE);
    assert_int_equal(push_all(&follow, 1, &first), FF_FOLLOW_FIRST * 2);
    /* Nothing of it could be pushed: it begins small again. */
    note(&follow, first + FF_FOLLOW_FIRST * 2);
    assert_true(ff_follow_take(&follow, &job));
    ff_follow_end(&follow, &job, job.next, true);
    note(&follow, job.next);
    assert_int_equal(push_all(&follow, 1, &first), FF_FOLLOW_FIRST);
}

static void a_job_of_a_stream_that_is_gone_does_nothing(void **state)
{
    (void)state;
    struct ff_follow follow = {0}, before;
    struct ff_follow_job job;
    uint64_t next;

    for (uint64_t at = 0; at < 3; at++)
        note(&follow, at);
    assert_true(ff_follow_take(&follow, &job));
    ff_follow_pushed(&follow, &job, 3, 4, 1);
    assert_int_equal(note(&follow, 3), FF_FOLLOWED_MET);
    assert_false(ff_follow_is_open(&follow, &job, &next));
    ff_follow_pushed(&follow, &job, 4, 5, 1);
    assert_int_equal(follow.fate.wasted, 2);
    before = follow;
    ff_follow_end(&follow, &job, 4, false);
    assert_memory_equal(&follow, &before, sizeof(follow));
}

static void what_became_of_pushed_records_is_counted(void **state)
{
    (void)state;
    struct ff_follow follow = {0};
    uint64_t at, first = 0;

    for (at = 0; at < 3; at++)
        note(&follow, at);
    assert_int_equal(push_all(&follow, 1, &first), FF_FOLLOW_FIRST);
    assert_int_equal(follow.fate.hits, 0);
    at += FF_FOLLOW_FIRST;
    note(&follow, at++);
    assert_int_equal(follow.fate.hits, FF_FOLLOW_FIRST);
    assert_int_equal(push_all(&follow, 1, &first), FF_FOLLOW_FIRST * 2);
    assert_int_equal(follow.fate.wasted, 0);
    assert_int_equal(note(&follow, at), FF_FOLLOWED_MET);
    assert_int_equal(follow.fate.wasted, FF_FOLLOW_FIRST * 2);
    assert_int_equal(note(&follow, at + 1), FF_FOLLOWED_STEP);
    assert_int_equal(note(&follow, at + 2), FF_FOLLOWED_DUE);
    assert_int_equal(push_all(&follow, 1, &first), FF_FOLLOW_FIRST);
    /* So many others come that this one is forgotten. */
    for (uint64_t reader = 1; reader <= FF_FOLLOW_STREAMS; reader++)
        for (uint64_t step = 0; step < 3; step++)
            note(&follow, reader * 100000 + step);
    assert_int_equal(follow.fate.wasted, FF_FOLLOW_FIRST * 3);
    assert_int_equal(follow.fate.hits, FF_FOLLOW_FIRST);
}

static void what_cannot_be_pushed_is_no_work_but_a_new_directory_is(void **state)
{
    (void)state;
    struct ff_follow follow = {0};
    struct ff_follow_job job;
    uint64_t first = 0;

    for (uint64_t at = 990; at < 1010; at++) {
        struct ff_follow_place place = place_of(0, at);
        place.pushable = false;
        bool enters = at == 992 || at == 1000;
        enum ff_followed want = at == 990 ? FF_FOLLOWED_ALONE
                                : enters  ? FF_FOLLOWED_DUE
                                          : FF_FOLLOWED_STEP;
        assert_int_equal(ff_follow_note(&follow, &place), want);
        assert_int_equal(ff_follow_take(&follow, &job), enters);
        if (enters)
            ff_follow_end(&follow, &job, job.next, false);
    }
    assert_int_equal(note(&follow, 1010), FF_FOLLOWED_DUE);
    assert_true(push_all(&follow, 1, &first) > 0);
    assert_int_equal(first, 1011);
}

static void another_directory_is_told_once(void **state)
{
    (void)state;
    struct ff_follow follow = {0};
    struct ff_follow_job job;

    for (uint64_t at = 990; at < 993; at++)
        note(&follow, at);
    assert_true(ff_follow_take(&follow, &job));
    assert_int_equal(job.directory, 0);
    assert_int_equal(job.before, UINT64_MAX);
    assert_true(ff_follow_take(&follow, &job));
    assert_int_equal(job.directory, 0);
    assert_int_equal(job.before, 0);
    ff_follow_end(&follow, &job, 1000, false);
    note(&follow, 1000);
    assert_true(ff_follow_take(&follow, &job));
    assert_int_equal(job.directory, 1);
    assert_int_equal(job.before, 0);
    assert_true(ff_follow_take(&follow, &job));
    assert_int_equal(job.before, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_steps_begin_and_each_next_one_doubles),
        cmocka_unit_test(bytes_bound_a_stretch),
        cmocka_unit_test(random_reads_push_nothing_and_displace_no_reader_in_order),
        cmocka_unit_test(readers_are_followed_apart),
        cmocka_unit_test(one_reader_more_displaces_the_one_that_asked_longest_ago),
        cmocka_unit_test(a_pushed_record_that_is_asked_for_stops_the_stream),
        cmocka_unit_test(a_reader_who_is_faster_is_not_pushed_what_he_has),
        cmocka_unit_test(a_stretch_that_ends_early_goes_on_behind_its_end),
        cmocka_unit_test(a_job_of_a_stream_that_is_gone_does_nothing),
        cmocka_unit_test(what_became_of_pushed_records_is_counted),
        cmocka_unit_test(what_cannot_be_pushed_is_no_work_but_a_new_directory_is),
        cmocka_unit_test(another_directory_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
