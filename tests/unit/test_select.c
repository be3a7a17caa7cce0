#include "index/select.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <cmocka.h>

#include "index/chunk.h"

static struct ff_select *new_select(void)
{
    struct ff_select *select = NULL;
    assert_int_equal(ff_select_new(&select), 0);
    return select;
}

static void append(struct ff_select *select, uint64_t count, bool shown)
{
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(ff_select_append(select, shown), 0);
}

static void an_empty_selection_shows_nothing(void **state)
{
    (void)state;
    struct ff_select *select = new_select();

    assert_int_equal(ff_select_count(select), 0);
    assert_int_equal(ff_select_shown(select), 0);
    assert_false(ff_select_test(select, 0));
    assert_false(ff_select_test(select, UINT64_MAX));
    assert_int_equal(ff_select_rank(select, 0), 0);
    assert_int_equal(ff_select_next(select, 0), UINT64_MAX);
    assert_int_equal(ff_select_next(select, UINT64_MAX), UINT64_MAX);
    assert_int_equal(ff_select_at(select, 0), UINT64_MAX);
    assert_int_equal(ff_select_at(select, UINT64_MAX), UINT64_MAX);
    ff_select_free(select);
    ff_select_free(NULL);
}

/* Ends at the edges of words, blocks and chunks, where the last block is full. */
static void a_full_block_is_as_good_as_a_begun_one(void **state)
{
    (void)state;
    static const uint64_t counts[] = {1,    63,   64,   65,   1023,  1024,
                                      1025, 8191, 8192, 8193, 65536, 65537};

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct ff_select *select = new_select();
        uint64_t count = counts[i];
        append(select, count, true);
        assert_int_equal(ff_select_count(select), count);
        assert_int_equal(ff_select_shown(select), count);
        assert_int_equal(ff_select_rank(select, count), count);
        assert_int_equal(ff_select_at(select, count - 1), count - 1);
        assert_int_equal(ff_select_at(select, count), UINT64_MAX);
        assert_int_equal(ff_select_next(select, count - 1), count - 1);
        assert_int_equal(ff_select_next(select, count), UINT64_MAX);
        assert_true(ff_select_test(select, count - 1));
        assert_false(ff_select_test(select, count));
        append(select, 1, false);
        assert_int_equal(ff_select_shown(select), count);
        assert_int_equal(ff_select_next(select, count), UINT64_MAX);
        ff_select_free(select);
    }
}

/* Two shown records with millions between them. */
static void far_apart_records_are_found(void **state)
{
    (void)state;
    enum { BETWEEN = 5000000 };
    struct ff_select *select = new_select();

    append(select, 3, false);
    append(select, 1, true);
    append(select, BETWEEN, false);
    append(select, 1, true);
    append(select, BETWEEN, false);
    assert_int_equal(ff_select_count(select), 2 * BETWEEN + 5);
    assert_int_equal(ff_select_shown(select), 2);
    assert_int_equal(ff_select_next(select, 0), 3);
    assert_int_equal(ff_select_next(select, 3), 3);
    assert_int_equal(ff_select_next(select, 4), BETWEEN + 4);
    assert_int_equal(ff_select_next(select, BETWEEN + 4), BETWEEN + 4);
    assert_int_equal(ff_select_next(select, BETWEEN + 5), UINT64_MAX);
    assert_int_equal(ff_select_at(select, 0), 3);
    assert_int_equal(ff_select_at(select, 1), BETWEEN + 4);
    assert_int_equal(ff_select_at(select, 2), UINT64_MAX);
    assert_int_equal(ff_select_rank(select, BETWEEN + 4), 1);
    assert_int_equal(ff_select_rank(select, BETWEEN + 5), 2);
    ff_select_free(select);
}

static void a_record_takes_little_more_than_a_bit(void **state)
{
    (void)state;
    enum { RECORDS = 8000000 };
    struct ff_select *select = new_select();

    assert_true(ff_select_memory(select) < 4096);
    append(select, 1, true);
    assert_true(ff_select_memory(select) < 8192);
    append(select, RECORDS - 1, false);
    double bits = (double)ff_select_memory(select) * 8 / RECORDS;
    print_message("bits a record: %.3f\n", bits);
    assert_true(bits >= 1 && bits < 1.2);
    ff_select_free(select);
}

/* Where entries lie, up to the last one: each chunk is filled in order and without a gap. */
static void chunks_follow_each_other(void **state)
{
    (void)state;
    enum { FIRST_BITS = 3, LAST_BITS = 16 };
    unsigned int chunk, before = 0;
    size_t within, expected = 0;

    for (uint64_t entry = 0; entry < UINT64_C(1) << LAST_BITS; entry++) {
        ff_chunk_locate(entry, FIRST_BITS, &chunk, &within);
        if (chunk != before) {
            assert_int_equal(chunk, before + 1);
            assert_int_equal(expected, ff_chunk_entries(before, FIRST_BITS));
            before = chunk;
            expected = 0;
        }
        assert_int_equal(within, expected++);
    }
    assert_int_equal(chunk, FF_CHUNKS(FIRST_BITS, LAST_BITS) - 8);
}

/* Bounded: the writer decides when all is over. */
#define THREAD_RECORDS 400000
#define READERS        2

/* A function of the number alone: runs of every kind, about a third shown. */
static bool is_shown(uint64_t number)
{
    uint64_t z = number / 700 % 3 == 0 ? number : number / 5000;
    return z * UINT64_C(0x9e3779b97f4a7c15) >> 60 < 6;
}

struct shared {
    struct ff_select *select;
    uint64_t *rank; /* the oracle, complete before any thread starts */
    uint64_t *next; /* shown record from each number on */
    atomic_bool done;
    atomic_uint_fast64_t wrong;
    atomic_uint_fast64_t looked_up;
};

static bool look_up(struct shared *shared, uint64_t number)
{
    const struct ff_select *select = shared->select;
    uint64_t rank = shared->rank[number];
    /* May be found or not: it may lie behind what is known. */
    uint64_t next = ff_select_next(select, number);
    uint64_t at = ff_select_at(select, rank);

    return ff_select_test(select, number) == is_shown(number) &&
           ff_select_rank(select, number) == rank &&
           (next == shared->next[number] || (next == UINT64_MAX && !is_shown(number))) &&
           (at == shared->next[number] || (at == UINT64_MAX && !is_shown(number)));
}

static void *reader(void *context)
{
    struct shared *shared = context;
    uint64_t random = 1;
    bool done;

    do {
        done = atomic_load(&shared->done);
        uint64_t count = ff_select_count(shared->select);
        if (count == 0)
            continue;
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        uint64_t far = (random >> 33) % count;
        uint64_t near = count - 1 - (random >> 13) % (count < 3000 ? count : 3000);
        if (!look_up(shared, far) || !look_up(shared, near) || !look_up(shared, count - 1) ||
            ff_select_shown(shared->select) < shared->rank[count])
            atomic_fetch_add(&shared->wrong, 1);
        atomic_fetch_add(&shared->looked_up, 1);
    } while (!done);
    return NULL;
}

static void readers_see_whole_answers_while_one_appends(void **state)
{
    (void)state;
    struct shared shared = {.select = new_select(),
                            .rank = calloc(THREAD_RECORDS + 1, sizeof(uint64_t)),
                            .next = calloc(THREAD_RECORDS + 1, sizeof(uint64_t))};
    pthread_t threads[READERS];

    assert_non_null(shared.rank);
    assert_non_null(shared.next);
    for (uint64_t i = 0; i < THREAD_RECORDS; i++)
        shared.rank[i + 1] = shared.rank[i] + is_shown(i);
    shared.next[THREAD_RECORDS] = UINT64_MAX;
    for (uint64_t i = THREAD_RECORDS; i-- > 0;)
        shared.next[i] = is_shown(i) ? i : shared.next[i + 1];
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reader, &shared), 0);
    for (uint64_t i = 0; i < THREAD_RECORDS; i++) {
        assert_int_equal(ff_select_append(shared.select, is_shown(i)), 0);
        /* On one processor, too, the readers get their turn. */
        if (i % 512 == 0)
            sched_yield();
    }
    atomic_store(&shared.done, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&shared.wrong), 0);
    assert_true(atomic_load(&shared.looked_up) > 0);
    for (uint64_t i = 0; i < THREAD_RECORDS; i += 97) {
        assert_true(look_up(&shared, i));
        assert_int_equal(ff_select_next(shared.select, i), shared.next[i]);
    }
    ff_select_free(shared.select);
    free(shared.rank);
    free(shared.next);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_selection_shows_nothing),
        cmocka_unit_test(a_full_block_is_as_good_as_a_begun_one),
        cmocka_unit_test(far_apart_records_are_found),
        cmocka_unit_test(a_record_takes_little_more_than_a_bit),
        cmocka_unit_test(chunks_follow_each_other),
        cmocka_unit_test(readers_see_whole_answers_while_one_appends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
