/* The state and the binding of an index file as bytes: what goes in comes out, at the limits, too;
 * what no scan could have come to is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "archive/index_bind.h"
#include "archive/index_known.h"

#define RECORDS       1000
#define ARCHIVE_BYTES (UINT64_C(1) << 40)

/* Room for all lists at their limits. */
static struct ff_damage damages[FF_DAMAGE_MAX];
static struct ff_state_change changes[RECORDS + 1];

static struct ff_index_known make_known(void)
{
    struct ff_index_known known = {
        .epoch = 200,
        .now = {.point = {.position = {.offset = 5000, .record = RECORDS, .state = 0x80000001},
                          .state = {.order = FF_ORDER_BE,
                                    .preamble = 3,
                                    .remembers = true,
                                    .frames_end = INT64_MAX,
                                    .remembered = "abcdefghijklmnopqrstuvwxyz01234"},
                          .preamble_len = 24,
                          .tail_offset = 6000,
                          .tail_len = 40,
                          .tried = UINT64_MAX},
                .summary = {.records = RECORDS,
                            .payload_bytes = 4000,
                            .smallest = 2,
                            .largest = 9,
                            .damages = 1}},
        .damages = damages,
        .changes = changes,
    };

    known.now.summary.histogram[2] = RECORDS - 1;
    known.now.summary.histogram[64] = 1;
    known.safe = known.now;
    return known;
}

static uint8_t *encode(const struct ff_index_known *known, size_t *ret_len)
{
    size_t max = ff_index_known_bytes_max(known);
    uint8_t *buf = malloc(max);

    assert_non_null(buf);
    *ret_len = ff_index_known_encode(buf, known);
    assert_true(*ret_len <= max);
    return buf;
}

static int round_trip(const struct ff_index_known *known, struct ff_index_known *ret_known)
{
    size_t len;
    uint8_t *buf = encode(known, &len);
    /* Of exact size, so that a sanitizer sees the smallest step outside. */
    uint8_t *exact = malloc(len);

    assert_non_null(exact);
    memcpy(exact, buf, len);
    int r = ff_index_known_decode(exact, len, RECORDS, ARCHIVE_BYTES, ret_known);
    free(exact);
    free(buf);
    return r;
}

static void assert_same_moment(const struct ff_index_moment *a, const struct ff_index_moment *b)
{
    assert_memory_equal(&a->point.position, &b->point.position, sizeof(a->point.position));
    assert_int_equal(a->point.state.order, b->point.state.order);
    assert_int_equal(a->point.state.preamble, b->point.state.preamble);
    assert_int_equal(a->point.state.remembers, b->point.state.remembers);
    assert_true(a->point.state.frames_end == b->point.state.frames_end);
    assert_memory_equal(a->point.state.remembered, b->point.state.remembered,
                        sizeof(a->point.state.remembered));
    assert_true(a->point.preamble_len == b->point.preamble_len);
    assert_true(a->point.tail_offset == b->point.tail_offset);
    assert_true(a->point.tail_len == b->point.tail_len && a->point.tried == b->point.tried);
    assert_true(a->point.contexts == b->point.contexts);
    assert_int_equal(a->point.contexts_full, b->point.contexts_full);
    assert_true(a->summary.payload_bytes == b->summary.payload_bytes);
    assert_true(a->summary.smallest == b->summary.smallest);
    assert_true(a->summary.largest == b->summary.largest);
    assert_memory_equal(a->summary.histogram, b->summary.histogram, sizeof(a->summary.histogram));
    assert_true(a->summary.damages == b->summary.damages);
    assert_true(a->damages == b->damages && a->changes == b->changes);
}

static void it_comes_out_as_it_went_in(void **context)
{
    struct ff_index_known known = make_known(), got;
    (void)context;

    known.end_seen = true;
    known.safe.point.position.offset = 4000;
    known.safe.point.position.record = RECORDS - 1;
    known.safe.summary.histogram[64] = 0;
    known.done = true;
    assert_int_equal(round_trip(&known, &got), 0);
    assert_same_moment(&got.now, &known.now);
    assert_same_moment(&got.safe, &known.safe);
    assert_int_equal(got.epoch, 200);
    assert_true(got.done && got.end_seen);
    ff_index_known_done(&got);
}

static void damages_and_changes_at_their_limits(void **context)
{
    struct ff_index_known known = make_known(), got;
    (void)context;

    for (size_t i = 0; i < FF_DAMAGE_MAX; i++) {
        damages[i] = (struct ff_damage){
            .offset = i * 10, .len = i, .record = i % RECORDS, .code = i % 2 ? -EUCLEAN : -ENODATA};
        memset(damages[i].reason, 'r', i % FF_DAMAGE_REASON_BYTES);
    }
    /* A text that did not fit was cut inside of a character. */
    memset(damages[7].reason, 'x', FF_DAMAGE_REASON_BYTES - 1);
    memcpy(damages[7].reason + FF_DAMAGE_REASON_BYTES - 3, "\xe2\x82", 2);
    for (size_t i = 0; i < RECORDS; i++)
        changes[i] = (struct ff_state_change){.record = i, .state = 0x80000000 | (i & 1)};
    known.now.damages = FF_DAMAGE_MAX;
    known.now.summary.damages = UINT64_C(1) << 50;
    known.now.changes = RECORDS;
    assert_int_equal(round_trip(&known, &got), 0);
    for (size_t i = 0; i < FF_DAMAGE_MAX; i++) {
        assert_true(got.damages[i].offset == damages[i].offset);
        assert_true(got.damages[i].len == damages[i].len);
        assert_true(got.damages[i].record == damages[i].record);
        assert_int_equal(got.damages[i].code, damages[i].code);
        assert_string_equal(got.damages[i].reason, damages[i].reason);
    }
    for (size_t i = 0; i < RECORDS; i++)
        assert_true(got.changes[i].record == i && got.changes[i].state == changes[i].state);
    ff_index_known_done(&got);

    known.now.damages = FF_DAMAGE_MAX + 1;
    known.damages = calloc(FF_DAMAGE_MAX + 1, sizeof(*damages));
    assert_non_null(known.damages);
    memcpy(known.damages, damages, sizeof(damages));
    known.damages[FF_DAMAGE_MAX] = damages[FF_DAMAGE_MAX - 1];
    assert_int_equal(round_trip(&known, &got), -EUCLEAN);
    free(known.damages);
}

static void contexts_at_their_limit(void **context)
{
    struct ff_index_known known = make_known(), got;
    (void)context;

    known.contexts = calloc(FF_CONTEXTS_MAX, sizeof(*known.contexts));
    assert_non_null(known.contexts);
    for (uint32_t i = 0; i < FF_CONTEXTS_MAX; i++) {
        struct ff_context *one = &known.contexts[i];
        *one = (struct ff_context){.offset = i * UINT64_C(20),
                                   .len = 12,
                                   .before = i * UINT64_C(12),
                                   .section = i - i % 3,
                                   .interfaces = i % 3 == 2,
                                   .is_interface = i % 3 != 0};
        if (one->is_interface)
            one->clock = (struct ff_clock){.ticks_per_s = UINT64_MAX, .offset_s = -(int64_t)i};
    }
    known.now.point.contexts = FF_CONTEXTS_MAX;
    known.now.point.contexts_full = true;
    assert_int_equal(round_trip(&known, &got), 0);
    for (uint32_t i = 0; i < FF_CONTEXTS_MAX; i++) {
        const struct ff_context *a = &got.contexts[i], *b = &known.contexts[i];
        assert_true(a->offset == b->offset && a->len == b->len && a->before == b->before &&
                    a->section == b->section && a->interfaces == b->interfaces &&
                    a->is_interface == b->is_interface &&
                    a->clock.ticks_per_s == b->clock.ticks_per_s &&
                    a->clock.offset_s == b->clock.offset_s);
    }
    ff_index_known_done(&got);
    free(known.contexts);
}

static void what_no_scan_could_come_to_is_refused(void **context)
{
    const struct ff_index_known good = make_known();
    struct ff_index_known known, got;
    (void)context;

#define REFUSED(change)                                                                            \
    do {                                                                                           \
        known = good;                                                                              \
        change;                                                                                    \
        assert_int_equal(round_trip(&known, &got), -EUCLEAN);                                      \
    } while (0)

    damages[0] = (struct ff_damage){.offset = 1, .code = -EIO, .reason = "why"};
    assert_int_equal(round_trip(&good, &got), 0);
    ff_index_known_done(&got);
    REFUSED(known.now.point.position.offset = ARCHIVE_BYTES + 1);
    REFUSED(known.now.point.position.record = RECORDS - 1);
    REFUSED(known.now.point.position.state = 0x80010000);
    REFUSED(known.now.point.position.state = 0);
    REFUSED(known.now.point.state.order = 2);
    REFUSED(known.now.point.state.frames_end = UINT64_C(1) << 63);
    REFUSED(known.now.point.tail_len = ARCHIVE_BYTES - 5999);
    REFUSED(known.now.point.contexts_full = true);
    REFUSED(known.now.summary.payload_bytes = ARCHIVE_BYTES + 1);
    REFUSED(known.now.summary.smallest = 10);
    REFUSED(known.now.summary.histogram[3] = 1);
    REFUSED(known.now.summary.histogram[2] = RECORDS - 2);
    REFUSED((known.now.damages = 2, known.now.summary.damages = 1));
    REFUSED(known.now.changes = RECORDS + 1);
    REFUSED((known.end_seen = true, known.safe.point.position.offset = 5001));
    REFUSED((known.now.damages = 1, damages[0].code = 0));
    damages[0].code = -EIO;
    REFUSED((known.now.damages = 1, damages[0].len = ARCHIVE_BYTES));
    damages[0].len = 0;
    REFUSED((known.now.damages = 1, memcpy(damages[0].reason, "\x1b[m", 4)));
    REFUSED((known.now.changes = 1, changes[0].record = 1));
#undef REFUSED
}

static void what_is_cut_is_refused(void **context)
{
    struct ff_index_known known = make_known(), got;
    size_t len;
    (void)context;

    known.now.damages = 1;
    damages[0] = (struct ff_damage){.offset = 1, .code = -EIO, .reason = "why"};
    uint8_t *buf = encode(&known, &len);
    for (size_t cut = 0; cut < len; cut++) {
        uint8_t *exact = malloc(cut ? cut : 1);
        assert_non_null(exact);
        memcpy(exact, buf, cut);
        assert_int_equal(ff_index_known_decode(exact, cut, RECORDS, ARCHIVE_BYTES, &got), -EUCLEAN);
        free(exact);
    }
    buf = realloc(buf, len + 1);
    assert_non_null(buf);
    buf[len] = 0;
    assert_int_equal(ff_index_known_decode(buf, len + 1, RECORDS, ARCHIVE_BYTES, &got), -EUCLEAN);
    free(buf);
}

/* ---- the binding ---- */

static uint64_t samples_of(uint8_t *bytes, size_t len)
{
    struct ff_index_binding binding;
    struct ff_source *source;
    struct ff_format *format;

    assert_int_equal(ff_format_find("u32le", &format, NULL), 0);
    assert_int_equal(ff_source_open_memory(bytes, len, &source, NULL), 0);
    assert_int_equal(ff_index_bind(source, format, len, (struct timespec){0}, &binding), 0);
    assert_int_equal(ff_index_bind(source, format, len + 1, (struct timespec){0}, &binding),
                     -ENODATA);
    ff_source_close(source);
    ff_format_free(format);
    return binding.samples;
}

/* Whether a change of that byte is seen. */
static bool is_seen(uint8_t *bytes, size_t len, size_t at)
{
    uint64_t before = samples_of(bytes, len);

    bytes[at] ^= 1;
    uint64_t after = samples_of(bytes, len);
    bytes[at] ^= 1;
    return before != after;
}

static void samples_lie_where_they_are_said_to(void **context)
{
    const size_t large = FF_BIND_BYTES * 4;
    uint8_t *bytes = calloc(1, large);
    (void)context;

    assert_non_null(bytes);
    for (size_t at = 0; at < FF_BIND_BYTES; at += 511)
        assert_true(is_seen(bytes, FF_BIND_BYTES, at));
    const size_t step = (large - FF_BIND_SAMPLE_BYTES) / (FF_BIND_SAMPLES + 1);
    assert_true(is_seen(bytes, large, 0));
    assert_true(is_seen(bytes, large, FF_BIND_EDGE_BYTES - 1));
    assert_true(is_seen(bytes, large, large - 1));
    assert_true(is_seen(bytes, large, large - FF_BIND_EDGE_BYTES));
    assert_false(is_seen(bytes, large, large - FF_BIND_EDGE_BYTES - 1));
    for (size_t k = 2; k < FF_BIND_SAMPLES; k += 7) {
        assert_false(is_seen(bytes, large, k * step - 1));
        assert_true(is_seen(bytes, large, k * step));
        assert_true(is_seen(bytes, large, k * step + FF_BIND_SAMPLE_BYTES - 1));
        assert_false(is_seen(bytes, large, k * step + FF_BIND_SAMPLE_BYTES));
    }
    free(bytes);
}

static void a_binding_comes_out_as_it_went_in(void **context)
{
    const struct ff_index_binding binding = {.results = UINT64_MAX,
                                             .archive_bytes = INT64_MAX,
                                             .mtime = {.tv_sec = -5, .tv_nsec = 999999999},
                                             .samples = 1,
                                             .description = UINT64_MAX,
                                             .format = "u32le"};
    struct ff_index_binding got;
    uint8_t buf[FF_BINDING_BYTES];
    (void)context;

    ff_index_binding_encode(buf, &binding);
    assert_int_equal(ff_index_binding_decode(buf, sizeof(buf), &got), 0);
    assert_true(got.results == binding.results && got.archive_bytes == binding.archive_bytes &&
                got.mtime.tv_sec == -5 && got.mtime.tv_nsec == 999999999 && got.samples == 1 &&
                got.description == binding.description);
    assert_string_equal(got.format, "u32le");
    assert_int_equal(ff_index_binding_decode(buf, sizeof(buf) - 1, &got), -EUCLEAN);
    buf[48] = 0x1b;
    assert_int_equal(ff_index_binding_decode(buf, sizeof(buf), &got), -EUCLEAN);
    memset(buf + 48, 'f', FF_FORMAT_NAME_BYTES);
    assert_int_equal(ff_index_binding_decode(buf, sizeof(buf), &got), -EUCLEAN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_comes_out_as_it_went_in),
        cmocka_unit_test(damages_and_changes_at_their_limits),
        cmocka_unit_test(contexts_at_their_limit),
        cmocka_unit_test(what_no_scan_could_come_to_is_refused),
        cmocka_unit_test(what_is_cut_is_refused),
        cmocka_unit_test(samples_lie_where_they_are_said_to),
        cmocka_unit_test(a_binding_comes_out_as_it_went_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
