#include "index/index.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cmocka.h>

#include "index/block.h"

#define OFFSET_MAX ((uint64_t)INT64_MAX)

static struct ff_index *new_index(void)
{
    struct ff_index *index = NULL;
    assert_int_equal(ff_index_new(&index), 0);
    return index;
}

static int append(struct ff_index *index, uint64_t offset, uint64_t head, uint64_t payload,
                  uint64_t tail)
{
    const struct ff_index_entry entry = {
        .offset = offset, .head = head, .payload = payload, .tail = tail};
    return ff_index_append(index, &entry);
}

static void an_empty_index_has_nothing(void **state)
{
    (void)state;
    struct ff_index *index = new_index();
    struct ff_index_entry entry = {.offset = 42};
    uint64_t number = 42, within = 42, bytes = 42;

    for (int sealed = 0; sealed < 2; sealed++) {
        assert_int_equal(ff_index_count(index), 0);
        assert_int_equal(ff_index_get(index, 0, &entry), -ENOENT);
        assert_int_equal(ff_index_get(index, UINT64_MAX, &entry), -ENOENT);
        assert_int_equal(ff_index_find(index, 1, 0, &number, &within), -ENOENT);
        assert_int_equal(ff_index_payload_before(index, 1, &bytes), -ENOENT);
        assert_int_equal(ff_index_payload_before(index, UINT64_MAX, &bytes), -ENOENT);
        assert_int_equal(bytes, 42);
        assert_int_equal(ff_index_payload_before(index, 0, &bytes), 0);
        assert_int_equal(bytes, 0);
        bytes = 42;
        assert_int_equal(ff_index_seal(index), 0);
    }
    assert_int_equal(entry.offset, 42);
    assert_int_equal(number, 42);
    assert_int_equal(within, 42);
    ff_index_free(index);
    ff_index_free(NULL);
}

static void frames_must_not_overlap_or_go_back(void **state)
{
    (void)state;
    struct ff_index *index = new_index();

    assert_int_equal(append(index, 100, 4, 10, 2), 0);
    assert_int_equal(append(index, 115, 4, 10, 2), -EINVAL);
    assert_int_equal(append(index, 0, 0, 0, 0), -EINVAL);
    assert_int_equal(append(index, 116, 4, 10, 2), 0);
    assert_int_equal(append(index, 132, 0, 0, 0), 0);
    assert_int_equal(append(index, 132, 0, 0, 0), 0);
    assert_int_equal(ff_index_count(index), 4);
    assert_int_equal(ff_index_seal(index), 0);
    assert_int_equal(append(index, 200, 1, 1, 1), -EINVAL);
    assert_int_equal(ff_index_count(index), 4);
    ff_index_free(index);
}

static void a_run_ends_before_the_first_frame_that_is_none(void **state)
{
    (void)state;
    /* Head and tail take 5 bytes; the third frame is one too short, then goes back. */
    static const uint64_t bad[] = {34, 29};

    for (size_t i = 0; i < 2; i++) {
        const uint64_t ends[] = {15, 30, bad[i], 100};
        struct ff_index *index = new_index();
        assert_int_equal(ff_index_append_run(index, 10, 3, 2, ends, 4), -EINVAL);
        assert_int_equal(ff_index_count(index), 2);
        assert_int_equal(ff_index_append_run(index, 30, 3, 2, &(uint64_t){35}, 1), 0);
        const uint64_t far[] = {OFFSET_MAX, OFFSET_MAX + 5};
        assert_int_equal(ff_index_append_run(index, 35, 3, 2, far, 2), -EOVERFLOW);
        assert_int_equal(ff_index_count(index), 4);
        uint64_t bytes;
        assert_int_equal(ff_index_payload_before(index, 4, &bytes), 0);
        assert_int_equal(bytes, 0 + 10 + 0 + OFFSET_MAX - 40);
        ff_index_free(index);
    }
}

static void offsets_reach_2_63_minus_1_and_no_further(void **state)
{
    (void)state;
    struct ff_index *index = new_index();
    struct ff_index_entry entry;
    uint64_t bytes, number, within;

    assert_int_equal(append(index, 8, 8, OFFSET_MAX - 15, 0), -EOVERFLOW);
    assert_int_equal(append(index, 8, UINT64_MAX, 0, 0), -EOVERFLOW);
    assert_int_equal(append(index, 8, 0, UINT64_MAX, 0), -EOVERFLOW);
    assert_int_equal(append(index, 8, 0, 0, UINT64_MAX), -EOVERFLOW);
    assert_int_equal(append(index, 8, OFFSET_MAX, OFFSET_MAX, OFFSET_MAX), -EOVERFLOW);
    assert_int_equal(append(index, OFFSET_MAX + 1, 0, 0, 0), -EOVERFLOW);
    assert_int_equal(append(index, UINT64_MAX, 0, 0, 0), -EOVERFLOW);
    assert_int_equal(ff_index_count(index), 0);
    assert_int_equal(append(index, 8, 8, OFFSET_MAX - 16, 0), 0);
    assert_int_equal(append(index, OFFSET_MAX, 0, 0, 0), 0);
    assert_int_equal(append(index, OFFSET_MAX, 1, 0, 0), -EOVERFLOW);
    for (int sealed = 0; sealed < 2; sealed++) {
        assert_int_equal(ff_index_get(index, 1, &entry), 0);
        assert_int_equal(entry.offset, OFFSET_MAX);
        assert_int_equal(ff_index_payload_before(index, 2, &bytes), 0);
        assert_int_equal(bytes, OFFSET_MAX - 16);
        /* Joined with separators they pass 64 bits; no place before that is missed. */
        assert_int_equal(ff_index_find(index, UINT64_MAX, UINT64_MAX, &number, &within), 0);
        assert_int_equal(number, 0);
        assert_int_equal(within, UINT64_MAX);
        assert_int_equal(ff_index_find(index, OFFSET_MAX, UINT64_MAX - 17, &number, &within), 0);
        assert_int_equal(number, 1);
        assert_int_equal(within, 0);
        assert_int_equal(ff_index_seal(index), 0);
    }
    ff_index_free(index);
}

static void all_joined_a_position_names_its_record(void **state)
{
    (void)state;
    static const uint64_t payloads[] = {0, 3, 0, 0, 2, 0};
    struct ff_index *index = new_index();
    uint64_t number, within, offset = 10;

    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(append(index, offset, 4, payloads[i], 0), 0);
        offset += 4 + payloads[i];
    }
    for (int sealed = 0; sealed < 2; sealed++) {
        static const uint64_t plain[][2] = {{1, 0}, {1, 1}, {1, 2}, {4, 0}, {4, 1}};
        for (uint64_t i = 0; i < 5; i++) {
            assert_int_equal(ff_index_find(index, 0, i, &number, &within), 0);
            assert_int_equal(number, plain[i][0]);
            assert_int_equal(within, plain[i][1]);
        }
        assert_int_equal(ff_index_find(index, 0, 5, &number, &within), -ENOENT);
        static const uint64_t lines[][2] = {{0, 0}, {1, 0}, {1, 1}, {1, 2}, {1, 3}, {2, 0},
                                            {3, 0}, {4, 0}, {4, 1}, {4, 2}, {5, 0}};
        for (uint64_t i = 0; i < 11; i++) {
            assert_int_equal(ff_index_find(index, 1, i, &number, &within), 0);
            assert_int_equal(number, lines[i][0]);
            assert_int_equal(within, lines[i][1]);
        }
        assert_int_equal(ff_index_find(index, 1, 11, &number, &within), -ENOENT);
        assert_int_equal(ff_index_find(index, 1, UINT64_MAX, &number, &within), -ENOENT);
        assert_int_equal(ff_index_seal(index), 0);
    }
    ff_index_free(index);
}

/* A function of the record's number alone, for records of 100..500 bytes with a few oddities. */
static uint64_t payload_of(uint64_t number)
{
    uint64_t z = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 32)) * UINT64_C(0xd6e8feb86659fd93);
    return 100 + (z >> 32) % 401;
}

static double bits_a_record(uint64_t records, bool fixed)
{
    struct ff_index *index = new_index();
    uint64_t offset = 24;

    for (uint64_t i = 0; i < records; i++) {
        uint64_t payload = fixed ? 300 : payload_of(i);
        assert_int_equal(append(index, offset, 12, payload, 4), 0);
        offset += 16 + payload;
    }
    assert_int_equal(ff_index_seal(index), 0);
    double bits = (double)ff_index_memory(index) * 8 / (double)records;
    ff_index_free(index);
    return bits;
}

/* 100-500 random bytes carry 8.65 bits each; 9 packed, and 0.75 of the directory. */
static void a_record_takes_few_bits(void **state)
{
    (void)state;
    double random = bits_a_record(1000000, false);
    double fixed = bits_a_record(1000000, true);

    print_message("bits a record: %.2f random, %.2f fixed sizes\n", random, fixed);
    assert_true(random > 8.65 && random < 10.8);
    assert_true(fixed > 0.1 && fixed < 1.2);
    /* A small archive does not pay for a large one. */
    assert_true(bits_a_record(1, false) < 8.0 * 64 * 1024);
}

static void a_damaged_block_is_refused(void **state)
{
    (void)state;
    static struct ff_block_values columns[FF_BLOCK_COLUMNS];
    uint8_t buf[FF_BLOCK_BYTES_MAX];
    struct ff_block block;

    for (size_t i = 0; i < FF_INDEX_BLOCK; i++)
        for (int c = 0; c < FF_BLOCK_COLUMNS; c++)
            ff_block_values_add(&columns[c], i, 1,
                                c == FF_BLOCK_TAIL ? 4 : i * i * (unsigned int)(c + 1) + 7);
    size_t len = ff_block_encode(buf, columns, FF_INDEX_BLOCK);
    assert_int_equal(ff_block_decode(buf, len, FF_INDEX_BLOCK, &block), 0);
    for (int c = 0; c < FF_BLOCK_COLUMNS; c++)
        assert_int_equal(ff_block_value(&block, (enum ff_block_column)c, 200),
                         c == FF_BLOCK_TAIL ? 4 : 40000 * (unsigned int)(c + 1) + 7);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(ff_block_decode(buf, cut, FF_INDEX_BLOCK, &block), -EUCLEAN);
    assert_int_equal(ff_block_decode(buf, len, FF_INDEX_BLOCK + 1, &block), -EUCLEAN);
    assert_int_equal(ff_block_decode(buf, len, 1, &block), 0);
    buf[FF_BLOCK_TAIL] = FF_PACK_WIDTH_MAX + 1;
    assert_int_equal(ff_block_decode(buf, len, 1, &block), -EUCLEAN);

    /* All 64 bits wide: the largest there is. */
    for (int c = 0; c < FF_BLOCK_COLUMNS; c++) {
        ff_block_values_add(&columns[c], 0, 1, 0);
        ff_block_values_add(&columns[c], 1, 1, UINT64_MAX);
        ff_block_values_add(&columns[c], 2, FF_INDEX_BLOCK - 2, 8);
    }
    len = ff_block_encode(buf, columns, FF_INDEX_BLOCK);
    assert_true(len <= FF_BLOCK_BYTES_MAX);
    assert_int_equal(ff_block_decode(buf, len, FF_INDEX_BLOCK, &block), 0);
    assert_int_equal(ff_block_value(&block, FF_BLOCK_TAIL, 1), UINT64_MAX);
    assert_int_equal(ff_block_value(&block, FF_BLOCK_TAIL, 2), 8);
}

/* One value over and over takes no room, and is written down when another one comes. */
static void a_column_is_what_was_added(void **state)
{
    (void)state;
    static struct ff_block_values columns[FF_BLOCK_COLUMNS];
    uint8_t buf[FF_BLOCK_BYTES_MAX];
    struct ff_block block;

    for (size_t other = 0; other <= FF_INDEX_BLOCK; other++) {
        for (int c = 0; c < FF_BLOCK_COLUMNS; c++) {
            /* What was there before means nothing. */
            memset(&columns[c], 0x5a, sizeof(columns[c]));
            if (other > 0)
                ff_block_values_add(&columns[c], 0, other, 7);
            if (other < FF_INDEX_BLOCK)
                ff_block_values_add(&columns[c], other, 1, 5 + (unsigned int)c);
            if (other + 1 < FF_INDEX_BLOCK)
                ff_block_values_add(&columns[c], other + 1, FF_INDEX_BLOCK - other - 1, 7);
        }
        size_t len = ff_block_encode(buf, columns, FF_INDEX_BLOCK);
        assert_int_equal(ff_block_decode(buf, len, FF_INDEX_BLOCK, &block), 0);
        for (int c = 0; c < FF_BLOCK_COLUMNS; c++)
            for (size_t i = 0; i < FF_INDEX_BLOCK; i++)
                assert_int_equal(ff_block_value(&block, (enum ff_block_column)c, i),
                                 i == other ? 5 + (unsigned int)c : 7);
        assert_int_equal(block.column[FF_BLOCK_PAYLOAD].width, 0);
    }
}

/* Bounded: the writer decides when all is over. */
#define THREAD_RECORDS 150000
#define READERS        2

struct shared {
    struct ff_index *index;
    uint64_t *offsets;  /* the oracle, complete before any thread starts */
    uint64_t *payloads; /* sums before each record */
    atomic_bool done;
    atomic_uint_fast64_t wrong;
    atomic_uint_fast64_t looked_up;
};

/* The same for a while, so that records stand in runs. */
static uint64_t tail_of(uint64_t number)
{
    return number / 700 % 5;
}

/* One record, or the next ones at once; returns how many. */
static uint64_t append_next(struct shared *shared, uint64_t number)
{
    uint64_t ends[700], count = 0;

    if (number / 1000 % 2) {
        assert_int_equal(
            append(shared->index, shared->offsets[number], 12, payload_of(number), tail_of(number)),
            0);
        return 1;
    }
    /* Up to where the tail changes. */
    for (uint64_t i = number; i < THREAD_RECORDS && tail_of(i) == tail_of(number); i++)
        ends[count++] = shared->offsets[i] + 12 + payload_of(i) + tail_of(i);
    assert_int_equal(ff_index_append_run(shared->index, shared->offsets[number], 12,
                                         tail_of(number), ends, count),
                     0);
    return count;
}

static bool look_up(struct shared *shared, uint64_t number)
{
    struct ff_index_entry entry;
    uint64_t before, found, within;
    uint64_t position = shared->payloads[number] + 3 * number + payload_of(number) / 2;

    return ff_index_get(shared->index, number, &entry) == 0 &&
           entry.offset == shared->offsets[number] && entry.head == 12 &&
           entry.payload == payload_of(number) && entry.tail == tail_of(number) &&
           ff_index_payload_before(shared->index, number, &before) == 0 &&
           before == shared->payloads[number] &&
           ff_index_find(shared->index, 3, position, &found, &within) == 0 && found == number &&
           within == payload_of(number) / 2;
}

static void *reader(void *context)
{
    struct shared *shared = context;
    uint64_t random = 1;
    bool done;

    do {
        done = atomic_load(&shared->done);
        uint64_t count = ff_index_count(shared->index);
        if (count == 0)
            continue;
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        uint64_t far = (random >> 33) % count;
        uint64_t near = count - 1 - (random >> 13) % (count < 300 ? count : 300);
        if (!look_up(shared, count - 1) || !look_up(shared, near) || !look_up(shared, far))
            atomic_fetch_add(&shared->wrong, 1);
        atomic_fetch_add(&shared->looked_up, 1);
    } while (!done);
    return NULL;
}

static void readers_see_whole_records_while_one_appends(void **state)
{
    (void)state;
    struct shared shared = {.index = new_index(),
                            .offsets = calloc(THREAD_RECORDS, sizeof(uint64_t)),
                            .payloads = calloc(THREAD_RECORDS, sizeof(uint64_t))};
    pthread_t threads[READERS];
    uint64_t offset = 24, payload = 0;

    assert_non_null(shared.offsets);
    assert_non_null(shared.payloads);
    for (uint64_t i = 0; i < THREAD_RECORDS; i++) {
        shared.offsets[i] = offset;
        shared.payloads[i] = payload;
        offset += 12 + payload_of(i) + tail_of(i);
        payload += payload_of(i);
    }
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, reader, &shared), 0);
    for (uint64_t i = 0; i < THREAD_RECORDS; i += append_next(&shared, i))
        /* Let the readers see the tail in every state, also on one processor. */
        if (i % 1009 == 0)
            sched_yield();
    assert_int_equal(ff_index_seal(shared.index), 0);
    atomic_store(&shared.done, true);
    for (int i = 0; i < READERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&shared.wrong), 0);
    assert_true(atomic_load(&shared.looked_up) > 0);
    for (uint64_t i = 0; i < THREAD_RECORDS; i += 97)
        assert_true(look_up(&shared, i));
    ff_index_free(shared.index);
    free(shared.offsets);
    free(shared.payloads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_index_has_nothing),
        cmocka_unit_test(frames_must_not_overlap_or_go_back),
        cmocka_unit_test(a_run_ends_before_the_first_frame_that_is_none),
        cmocka_unit_test(offsets_reach_2_63_minus_1_and_no_further),
        cmocka_unit_test(all_joined_a_position_names_its_record),
        cmocka_unit_test(a_record_takes_few_bits),
        cmocka_unit_test(a_damaged_block_is_refused),
        cmocka_unit_test(a_column_is_what_was_added),
        cmocka_unit_test(readers_see_whole_records_while_one_appends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
