/* Images of index files, and indexes on them, against plain arrays. */
#include "index/image.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#include "../image_make.h"
#include "index/cursor.h"
#include "prop.h"

#define ROUNDS      24
#define RECORDS_MAX (3 * FF_SEGMENT_RECORDS)
#define OFFSET_MAX  ((uint64_t)INT64_MAX)
#define LOOK_UPS    3000

enum shape {
    SHAPE_SMALL,
    SHAPE_EQUAL,
    SHAPE_ONE_HUGE,
    SHAPE_EMPTY,
    SHAPE_GAPS,
    SHAPE_JOINED,
    SHAPE_FAR,
    SHAPE_WIDE,
    SHAPES
};

/* The archive, as an array. */
struct oracle {
    struct ff_index_entry entry[RECORDS_MAX];
    uint64_t before[RECORDS_MAX + 1]; /* payload bytes before each record */
    uint64_t count;
    uint64_t end;   /* of the last frame */
    uint64_t after; /* and of what a joined record has behind it */
};

static struct oracle oracle;

static uint64_t magnitude(struct ff_prop *prop, unsigned int bits)
{
    return ff_prop_next(prop) >> (64 - 1 - ff_prop_below(prop, bits));
}

static void shape_entry(struct ff_prop *prop, enum shape shape, bool huge, struct ff_index_entry *e)
{
    switch (shape) {
    case SHAPE_SMALL:
    case SHAPE_FAR:
        e->payload = ff_prop_below(prop, 400);
        e->head = e->payload < 128 ? 1 : 2;
        break;
    case SHAPE_ONE_HUGE:
        e->payload = huge ? UINT64_C(1) << 62 : ff_prop_below(prop, 3);
        break;
    case SHAPE_EMPTY:
        e->payload = ff_prop_below(prop, 20000) == 0;
        e->head = e->tail = 0;
        break;
    case SHAPE_GAPS:
        e->offset += ff_prop_below(prop, 5) ? 0 : magnitude(prop, 30);
        e->payload = ff_prop_below(prop, 10);
        break;
    case SHAPE_JOINED:
        e->join = ff_prop_below(prop, 3) ? 0 : 1 + ff_prop_below(prop, 50);
        e->payload = ff_prop_below(prop, 1000);
        break;
    case SHAPE_WIDE:
        e->offset += magnitude(prop, 46);
        e->head = magnitude(prop, 46);
        e->payload = magnitude(prop, 46);
        e->tail = magnitude(prop, 46);
        break;
    case SHAPE_EQUAL:
    case SHAPES:
        break;
    }
}

static uint64_t make_count(struct ff_prop *prop)
{
    uint64_t segments = ff_prop_below(prop, 3);

    switch (ff_prop_below(prop, 4)) {
    case 0:
        return segments * FF_SEGMENT_RECORDS;
    case 1:
        return segments * FF_SEGMENT_RECORDS + ff_prop_below(prop, 300);
    case 2:
        return (segments + 1) * FF_SEGMENT_RECORDS - ff_prop_below(prop, 300);
    default:
        return ff_prop_below(prop, RECORDS_MAX + 1);
    }
}

static void make(struct ff_prop *prop, enum shape shape, uint64_t count)
{
    uint64_t huge = count ? ff_prop_below(prop, count) : 0;
    uint64_t at = ff_prop_below(prop, 1000), payload = 0;

    if (shape == SHAPE_FAR)
        at = OFFSET_MAX - ff_prop_below(prop, 8000000);
    oracle.count = 0;
    oracle.end = 0;
    oracle.after = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct ff_index_entry e = {.offset = at, .head = 8, .payload = 300, .tail = 4};
        shape_entry(prop, shape, i == huge, &e);
        /* Up to the last byte there can be. */
        uint64_t left = OFFSET_MAX - e.offset, join = e.join ? e.join - 1 : 0;
        if (e.offset > OFFSET_MAX || e.head > left || e.tail > left - e.head ||
            join > left - e.head - e.tail)
            break;
        if (e.payload > left - e.head - e.tail - join)
            e.payload = left - e.head - e.tail - join;
        oracle.entry[i] = e;
        oracle.before[i] = payload;
        payload += e.payload;
        oracle.end = e.offset + e.head + e.payload + e.tail;
        at = oracle.after = oracle.end + join;
        oracle.count = i + 1;
    }
    oracle.before[oracle.count] = payload;
}

static void append(struct ff_index *index, uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++)
        assert_int_equal(ff_index_append(index, &oracle.entry[i]), 0);
}

/* The record that position falls in, by halving the array. */
static bool oracle_find(uint64_t separator, uint64_t position, uint64_t *ret_number,
                        uint64_t *ret_within)
{
    uint64_t low = 0, high = oracle.count;

    /* The first record whose end is behind position. */
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        uint64_t end;
        if (__builtin_mul_overflow(middle + 1, separator, &end) ||
            __builtin_add_overflow(end, oracle.before[middle + 1], &end) || end > position)
            high = middle;
        else
            low = middle + 1;
    }
    if (low == oracle.count)
        return false;
    *ret_number = low;
    *ret_within = position - low * separator - oracle.before[low];
    return true;
}

static void check_find(const struct ff_index *index, uint64_t separator, uint64_t position)
{
    uint64_t number, within, expected, expected_within;

    if (oracle_find(separator, position, &expected, &expected_within)) {
        assert_int_equal(ff_index_find(index, separator, position, &number, &within), 0);
        assert_int_equal(number, expected);
        assert_int_equal(within, expected_within);
    } else {
        assert_int_equal(ff_index_find(index, separator, position, &number, &within), -ENOENT);
    }
}

static void check_finds(const struct ff_index *index, struct ff_prop *prop)
{
    const uint64_t separators[] = {0, 1, magnitude(prop, 60), UINT64_MAX - ff_prop_below(prop, 3)};

    for (int i = 0; i < LOOK_UPS / 4; i++) {
        uint64_t separator = separators[i % 4];
        uint64_t number = ff_prop_below(prop, oracle.count + 1);
        /* Where a record begins or just before, and anywhere. */
        uint64_t position = oracle.before[number] + number * separator - ff_prop_below(prop, 2);
        check_find(index, separator, position);
        check_find(index, separator, magnitude(prop, 64));
    }
    check_find(index, 0, oracle.before[oracle.count]);
    check_find(index, 1, oracle.before[oracle.count] + oracle.count);
}

static void check_cursor(const struct ff_index *index, uint64_t from)
{
    struct ff_index_cursor cursor;
    struct ff_index_entry entry;

    ff_index_cursor_init(&cursor, index, from);
    for (uint64_t i = from; i < oracle.count; i++) {
        assert_int_equal(cursor.number, i);
        assert_int_equal(ff_index_cursor_next(&cursor, &entry), 0);
        if (memcmp(&entry, &oracle.entry[i], sizeof(entry)) != 0 ||
            cursor.payload_before != oracle.before[i])
            fail_msg("record %llu differs", (unsigned long long)i);
    }
    for (int again = 0; again < 2; again++)
        assert_int_equal(ff_index_cursor_next(&cursor, &entry), -ENOENT);
}

/* All that the index says is what the array has. */
static void check(const struct ff_index *index, struct ff_prop *prop)
{
    struct ff_index_entry entry;
    uint64_t bytes;

    assert_int_equal(ff_index_count(index), oracle.count);
    for (int i = 0; i < LOOK_UPS && oracle.count; i++) {
        uint64_t number = ff_prop_below(prop, oracle.count);
        assert_int_equal(ff_index_get(index, number, &entry), 0);
        assert_memory_equal(&entry, &oracle.entry[number], sizeof(entry));
        assert_int_equal(ff_index_payload_before(index, number, &bytes), 0);
        assert_int_equal(bytes, oracle.before[number]);
    }
    assert_int_equal(ff_index_get(index, oracle.count, &entry), -ENOENT);
    assert_int_equal(ff_index_payload_before(index, oracle.count, &bytes), 0);
    assert_int_equal(bytes, oracle.before[oracle.count]);
    assert_int_equal(ff_index_payload_before(index, oracle.count + 1, &bytes), -ENOENT);
    check_finds(index, prop);
    check_cursor(index, 0);
    check_cursor(index, ff_prop_below(prop, oracle.count + 1));
}

/* The image of the oracle's records. */
static struct image_maker write_image(void)
{
    struct image_maker maker = image_begin("binding");
    struct ff_index *index;

    assert_int_equal(ff_index_new(&index), 0);
    append(index, 0, oracle.count);
    assert_int_equal(ff_index_seal(index), 0);
    assert_int_equal(image_add_index(&maker, index), 0);
    image_end(&maker, oracle.count, oracle.after, oracle.end, oracle.before[oracle.count],
              "the state");
    ff_index_free(index);
    return maker;
}

/* A copy of exact size, so that a sanitizer sees the smallest step outside. */
static uint8_t *exact(const uint8_t *buf, size_t len)
{
    uint8_t *copy = malloc(len);

    assert_non_null(copy);
    memcpy(copy, buf, len);
    return copy;
}

/* Grown on whole segments of the image, the index has the same records and writes the same image.
 */
static void check_grown(const struct ff_image *image, const struct image_maker *whole,
                        struct ff_prop *prop)
{
    uint64_t base = ff_prop_below(prop, oracle.count / FF_SEGMENT_RECORDS + 1) * FF_SEGMENT_RECORDS;
    struct image_maker maker = image_begin("binding");
    struct ff_index *index;

    assert_int_equal(ff_index_new_on(image, base, &index), 0);
    append(index, base, oracle.count);
    check(index, prop);
    assert_int_equal(ff_index_seal(index), 0);
    check(index, prop);
    assert_int_equal(image_add_index(&maker, index), 0);
    image_end(&maker, oracle.count, oracle.after, oracle.end, oracle.before[oracle.count],
              "the state");
    assert_int_equal(maker.len, whole->len);
    assert_memory_equal(maker.buf, whole->buf, whole->len);
    image_free(&maker);
    ff_index_free(index);
}

static void an_index_on_an_image_is_as_the_records_were(void **state)
{
    (void)state;
    struct ff_prop prop = ff_prop_start(41);

    for (unsigned long round = 0; round < ff_prop_rounds(ROUNDS); round++) {
        struct ff_image image;
        struct ff_index *index;
        make(&prop, (enum shape)(round % SHAPES), make_count(&prop));
        struct image_maker maker = write_image();
        uint8_t *copy = exact(maker.buf, maker.len);
        assert_int_equal(ff_image_open(copy, maker.len, &image, NULL), 0);
        assert_int_equal(image.header.records, oracle.count);
        assert_int_equal(image.header.archive_bytes, oracle.after);
        assert_int_equal(image.state_len, strlen("the state"));
        assert_memory_equal(image.state, "the state", image.state_len);
        assert_memory_equal(image.binding, "binding", image.binding_len);
        assert_int_equal(ff_index_new_on(&image, oracle.count, &index), 0);
        check(index, &prop);
        ff_index_free(index);
        check_grown(&image, &maker, &prop);
        free(copy);
        image_free(&maker);
    }
}

/* The memory of what is written is given back, and the image is the same. */
static void what_is_written_may_be_discarded(void **state)
{
    (void)state;
    struct ff_prop prop = ff_prop_start(42);

    for (unsigned long round = 0; round < ff_prop_rounds(ROUNDS) / 2; round++) {
        struct image_maker maker = image_begin("binding");
        struct ff_index_entry entry;
        struct ff_index *index;
        size_t most = 0;
        make(&prop, (enum shape)(round % SHAPES), make_count(&prop));
        struct image_maker whole = write_image();
        assert_int_equal(ff_index_new(&index), 0);
        size_t empty = ff_index_memory(index);
        for (uint64_t i = 0; i < oracle.count;) {
            uint64_t next = i + 1 + ff_prop_below(&prop, 3000);
            append(index, i, next < oracle.count ? next : oracle.count);
            i = next;
            assert_int_equal(image_add_index(&maker, index), 0);
            assert_int_equal(ff_index_discard(index, maker.segments), 0);
            most = ff_index_memory(index) > most ? ff_index_memory(index) : most;
        }
        assert_int_equal(ff_index_count(index), oracle.count);
        /* A segment's worth, what its chunks and arenas leave unused, never all. */
        assert_true(most < empty + 2 * FF_IMAGE_SEGMENT_BYTES_MAX);
        uint64_t first = maker.segments * FF_SEGMENT_RECORDS;
        for (uint64_t i = 0; i < oracle.count; i += 1 + ff_prop_below(&prop, 100)) {
            int r = ff_index_get(index, i, &entry);
            assert_int_equal(r, i < first ? -ENOENT : 0);
            if (r == 0)
                assert_memory_equal(&entry, &oracle.entry[i], sizeof(entry));
        }
        assert_int_equal(ff_index_seal(index), 0);
        assert_int_equal(image_add_index(&maker, index), 0);
        assert_int_equal(ff_index_discard(index, maker.segments + 1), -EINVAL);
        assert_int_equal(ff_index_discard(index, maker.segments), 0);
        image_end(&maker, oracle.count, oracle.after, oracle.end, oracle.before[oracle.count],
                  "the state");
        assert_int_equal(maker.len, whole.len);
        assert_memory_equal(maker.buf, whole.buf, whole.len);
        image_free(&maker);
        image_free(&whole);
        ff_index_free(index);
    }
}

struct entries {
    uint8_t *buf;
    uint64_t count;
};

static int keep_entry(void *context, enum ff_image_kind kind, const uint8_t *entry)
{
    struct entries *entries = context;

    assert_int_equal(kind, FF_IMAGE_SEGMENT);
    entries->buf = realloc(entries->buf, (size_t)(entries->count + 1) * FF_IMAGE_ENTRY_BYTES);
    assert_non_null(entries->buf);
    memcpy(entries->buf + entries->count++ * FF_IMAGE_ENTRY_BYTES, entry, FF_IMAGE_ENTRY_BYTES);
    return 0;
}

/* Chunks as they get final, with a state after some; where each state ends and how many segments
 * there are before it. */
struct checkpoints {
    size_t end[8];
    uint64_t segments[8];
    size_t count;
};

static struct image_maker write_partial(struct ff_prop *prop, struct checkpoints *points)
{
    struct image_maker maker = image_begin("binding"), whole = write_image();
    struct ff_image image;

    points->count = 0;
    assert_int_equal(ff_image_open(whole.buf, whole.len, &image, NULL), 0);
    for (uint64_t k = 0; k <= image.header.segments; k++) {
        uint64_t next =
            k * FF_SEGMENT_RECORDS < oracle.count ? k * FF_SEGMENT_RECORDS : oracle.count;
        const struct ff_index_entry *last = next ? &oracle.entry[next - 1] : NULL;
        if (ff_prop_below(prop, 3)) {
            image_chunk(&maker, FF_IMAGE_STATE,
                        last ? last->offset + last->head + last->payload + last->tail : 0,
                        oracle.before[next], "some state");
            points->end[points->count] = maker.len;
            points->segments[points->count++] = k;
        }
        if (k < image.header.segments) {
            uint8_t *chunk = malloc(FF_IMAGE_SEGMENT_BYTES_MAX);
            size_t len;
            assert_non_null(chunk);
            assert_int_equal(ff_image_segment_copy(&image, k, chunk, &len), 0);
            image_add(&maker, chunk, len);
            free(chunk);
        }
    }
    image_free(&whole);
    return maker;
}

static void a_partial_image_goes_on_at_its_last_whole_state(void **state)
{
    (void)state;
    struct ff_prop prop = ff_prop_start(43);
    unsigned long resumed = 0;

    for (unsigned long round = 0; round < ff_prop_rounds(ROUNDS); round++) {
        struct checkpoints points;
        make(&prop, (enum shape)(round % SHAPES), make_count(&prop));
        struct image_maker maker = write_partial(&prop, &points);
        for (int cut = 0; cut < 12; cut++) {
            size_t len = cut ? ff_prop_below(&prop, maker.len) : maker.len;
            uint8_t *copy = exact(maker.buf, len ? len : 1);
            /* Cut, or damaged from somewhere on. */
            size_t good = len;
            if (ff_prop_below(&prop, 2) && len > FF_IMAGE_HEADER_BYTES) {
                good = FF_IMAGE_HEADER_BYTES + ff_prop_below(&prop, len - FF_IMAGE_HEADER_BYTES);
                for (size_t i = good; i < len; i++)
                    copy[i] ^= (uint8_t)(1 + ff_prop_below(&prop, 255));
            }
            size_t point = points.count;
            while (point > 0 && points.end[point - 1] > good)
                point--;
            struct entries entries = {0};
            struct ff_image image = {0};
            int r = ff_image_resume(copy, len, keep_entry, &entries, &image, NULL);
            /* Zeros behind a chunk are not looked at. */
            bool slack = r == 0 && point < points.count && image.len == points.end[point] &&
                         points.end[point] - good < FF_IMAGE_ALIGN && good < len;
            if (slack)
                point++;
            if (point == 0) {
                assert_true(r == -ENODATA || (r == -EUCLEAN && len < FF_IMAGE_HEADER_BYTES));
            } else {
                struct oracle *all = &oracle;
                uint64_t count = all->count;
                struct ff_index *index;
                resumed++;
                assert_int_equal(r, 0);
                assert_int_equal(image.len, points.end[point - 1]);
                assert_int_equal(image.header.segments, points.segments[point - 1]);
                assert_true(entries.count >= image.header.segments);
                image.directory = entries.buf;
                if (all->count > image.header.segments * FF_SEGMENT_RECORDS)
                    all->count = image.header.segments * FF_SEGMENT_RECORDS;
                assert_int_equal(image.header.records, all->count);
                assert_int_equal(ff_index_new_on(&image, all->count, &index), 0);
                check(index, &prop);
                ff_index_free(index);
                all->count = count;
            }
            free(entries.buf);
            free(copy);
        }
        image_free(&maker);
    }
    assert_true(resumed > 0);
}

/* Reads all of it: 0, or the bit of each segment that was refused. Fails on any other value. */
static unsigned int read_damaged(const struct ff_index *index)
{
    unsigned int refused = 0;
    struct ff_index_cursor cursor;
    struct ff_index_entry entry;
    uint64_t number, within, bytes;

    ff_index_cursor_init(&cursor, index, 0);
    while (cursor.number < oracle.count) {
        uint64_t i = cursor.number, segment = i / FF_SEGMENT_RECORDS;
        int r = ff_index_cursor_next(&cursor, &entry);
        if (r < 0) {
            assert_int_equal(r, -EUCLEAN);
            assert_int_equal(i % FF_SEGMENT_RECORDS, 0);
            assert_int_equal(ff_index_get(index, i + 5, &entry), -EUCLEAN);
            refused |= 1u << segment;
            ff_index_cursor_init(&cursor, index, (segment + 1) * FF_SEGMENT_RECORDS);
        } else if (memcmp(&entry, &oracle.entry[i], sizeof(entry)) != 0 ||
                   cursor.payload_before != oracle.before[i]) {
            fail_msg("record %llu differs", (unsigned long long)i);
        }
    }
    for (uint64_t i = 7; i < oracle.count; i += 5003) {
        bool damaged = refused >> i / FF_SEGMENT_RECORDS & 1;
        int r = ff_index_find(index, 1, oracle.before[i] + i, &number, &within);
        assert_int_equal(r, damaged ? -EUCLEAN : 0);
        assert_true(damaged || (number == i && within == 0));
        r = ff_index_payload_before(index, i, &bytes);
        assert_int_equal(r, damaged ? -EUCLEAN : 0);
        assert_true(damaged || bytes == oracle.before[i]);
    }
    return refused;
}

/* All but the zeros between chunks and states that are not the last one is covered. */
static void no_changed_byte_changes_a_value(void **state)
{
    (void)state;
    static const uint8_t changes[] = {0x01, 0x80, 0xff};
    struct ff_prop prop = ff_prop_start(44);
    unsigned long refused = 0, damaged = 0, dead = 0;

    make(&prop, SHAPE_EQUAL, 2 * FF_SEGMENT_RECORDS + 600);
    /* Some blocks differ. */
    oracle.entry[FF_SEGMENT_RECORDS + 3].head = 6;
    oracle.entry[FF_SEGMENT_RECORDS + 3].payload = 302;
    for (uint64_t i = FF_SEGMENT_RECORDS + 4; i <= oracle.count; i++)
        oracle.before[i] += 2;
    struct image_maker maker = write_image();
    for (size_t at = 0; at < maker.len; at++)
        for (size_t i = 0; i < sizeof(changes); i++) {
            struct ff_error error = {0};
            struct ff_image image;
            maker.buf[at] ^= changes[i];
            int r = ff_image_open(maker.buf, maker.len, &image, &error);
            if (r < 0) {
                assert_true(error.text[0] && error.code == r);
                assert_true(r == -EUCLEAN || r == -ENOTSUP);
                refused++;
            } else {
                struct ff_index *index;
                assert_int_equal(ff_index_new_on(&image, oracle.count, &index), 0);
                unsigned int segments = read_damaged(index);
                /* The others are unharmed. */
                assert_true((segments & (segments - 1)) == 0);
                damaged += segments != 0;
                dead += segments == 0;
                ff_index_free(index);
            }
            maker.buf[at] ^= changes[i];
        }
    print_message("%zu bytes: %lu changes refused, %lu damage a segment, %lu change nothing\n",
                  maker.len, refused, damaged, dead);
    assert_true(refused >= 3 * FF_IMAGE_HEADER_BYTES);
    assert_true(damaged >= 3UL * 3 * FF_IMAGE_ENTRY_BYTES);
    /* Each chunk's end. */
    assert_true(dead <= 3UL * 5 * (FF_IMAGE_ALIGN - 1));
    image_free(&maker);
}

#define THREADS 4

struct shared {
    const struct ff_index *index;
    uint64_t seed;
    atomic_uint_fast64_t *wrong;
};

static void *look_up_all_over(void *context)
{
    const struct shared *shared = context;
    struct ff_prop prop = {.state = shared->seed};
    struct ff_index_entry entry;
    uint64_t number, within;

    for (int i = 0; i < 20000; i++) {
        uint64_t n = ff_prop_below(&prop, oracle.count);
        if (ff_index_get(shared->index, n, &entry) < 0 ||
            memcmp(&entry, &oracle.entry[n], sizeof(entry)) != 0 ||
            ff_index_find(shared->index, 1, oracle.before[n] + n, &number, &within) < 0 ||
            number != n || within != 0)
            atomic_fetch_add(shared->wrong, 1);
    }
    return NULL;
}

static void threads_that_come_first_at_once_see_the_same(void **state)
{
    (void)state;
    struct ff_prop prop = ff_prop_start(45);
    struct ff_image image;

    make(&prop, SHAPE_SMALL, RECORDS_MAX);
    struct image_maker maker = write_image();
    assert_int_equal(ff_image_open(maker.buf, maker.len, &image, NULL), 0);
    for (unsigned long round = 0; round < ff_prop_rounds(ROUNDS) / 8; round++) {
        atomic_uint_fast64_t wrong = 0;
        struct shared shared[THREADS];
        pthread_t threads[THREADS];
        struct ff_index *index;
        assert_int_equal(ff_index_new_on(&image, 2 * FF_SEGMENT_RECORDS, &index), 0);
        append(index, 2 * FF_SEGMENT_RECORDS, oracle.count);
        for (int i = 0; i < THREADS; i++) {
            shared[i] =
                (struct shared){.index = index, .seed = ff_prop_next(&prop), .wrong = &wrong};
            assert_int_equal(pthread_create(&threads[i], NULL, look_up_all_over, &shared[i]), 0);
        }
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        assert_int_equal(atomic_load(&wrong), 0);
        ff_index_free(index);
    }
    image_free(&maker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_on_an_image_is_as_the_records_were),
        cmocka_unit_test(what_is_written_may_be_discarded),
        cmocka_unit_test(a_partial_image_goes_on_at_its_last_whole_state),
        cmocka_unit_test(no_changed_byte_changes_a_value),
        cmocka_unit_test(threads_that_come_first_at_once_see_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
