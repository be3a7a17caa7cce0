/* Frames that later records depend on: which of them a file or slice carries, and what they tell.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "joined.h"

#include "archive/context.h"

/* Sections S and contexts C, hidden or, in lower case, records as well; records R. */
#define LINES                                                                                      \
    "frame.section = \"S\" len:u8 data @section @hide\n"                                           \
    "frame.shown-section = \"s\" len:u8 data @section\n"                                           \
    "frame.context = \"C\" len:u8 data @context @hide\n"                                           \
    "frame.shown-context = \"c\" len:u8 data @context\n"                                           \
    "frame.hidden = \"h\" len:u8 data @hide\n"                                                     \
    "frame = \"R\" len:u8 data\n"

static struct bytes bytes_of(const char *text)
{
    struct bytes bytes = {0};
    bytes_add(&bytes, text, strlen(text));
    return bytes;
}

/* One frame a letter; its payload tells its place among them. */
static struct bytes frames_of(const char *letters)
{
    struct bytes bytes = {0};
    char payload[24];

    for (size_t i = 0; letters[i]; i++) {
        int n = snprintf(payload, sizeof(payload), "%c%zu.", letters[i], i);
        bytes_add(&bytes, &letters[i], 1);
        bytes_fill(&bytes, (uint8_t)n, 1);
        bytes_add(&bytes, payload, (size_t)n);
    }
    return bytes;
}

static void check_slice(struct ff_archive *archive, uint64_t first, uint64_t last,
                        const struct bytes *want)
{
    struct bytes slice = slice_of(archive, first, last);
    same_bytes(&slice, want);
    bytes_done(&slice);
}

static void check_file(struct ff_archive *archive, uint64_t number, const struct bytes *want)
{
    struct bytes file = file_of(archive, number, FF_CONTENT_FILE);
    same_bytes(&file, want);
    bytes_done(&file);
}

static void slice_is(const char *lines, const char *archive, uint64_t first, uint64_t last,
                     const char *want)
{
    struct bytes bytes = bytes_of(archive), wanted = bytes_of(want);
    struct ff_archive *opened = archive_of(&bytes, lines);

    check_slice(opened, first, last, &wanted);
    ff_archive_close(opened);
    bytes_done(&bytes);
    bytes_done(&wanted);
}

static bool is_record(char letter)
{
    return strchr("Rsc", letter);
}

static bool is_section(char letter)
{
    return letter == 'S' || letter == 's';
}

/* What a slice of the frames [from, to) is: what they depend on, and they. */
static struct bytes model_slice(const struct bytes *archive, const char *letters,
                                const size_t *offsets, size_t from, size_t to)
{
    struct bytes slice = {0};
    size_t section = 0;

    for (size_t i = 0; i < from; i++)
        if (is_section(letters[i]))
            section = i;
    for (size_t i = section; i < from; i++)
        if (is_section(letters[i]) || letters[i] == 'C' || letters[i] == 'c')
            bytes_add(&slice, archive->at + offsets[i], offsets[i + 1] - offsets[i]);
    bytes_add(&slice, archive->at + offsets[from], offsets[to] - offsets[from]);
    return slice;
}

/* Records, sections and contexts in any order. */
static void what_comes_before_a_record_in_its_section_is_carried(void **state)
{
    (void)state;
    enum { FRAMES = 160 };
    uint64_t seed = 11;

    for (int round = 0; round < 30; round++) {
        char letters[FRAMES + 1] = "";
        size_t offsets[FRAMES + 1] = {0}, frame[FRAMES];
        uint64_t records = 0;
        for (size_t i = 0; i < FRAMES; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
            letters[i] = "RRRRRCCchhSs"[(seed >> 33) % (round % 3 ? 12 : 10)];
            if (is_record(letters[i]))
                frame[records++] = i;
        }
        struct bytes archive = frames_of(letters);
        for (size_t i = 0; i < FRAMES; i++)
            offsets[i + 1] = offsets[i] + 2 + archive.at[offsets[i] + 1];
        struct ff_archive *opened = archive_of(&archive, LINES);
        assert_int_equal(ff_archive_count(opened), records);
        for (uint64_t first = 0; first < records; first++) {
            struct bytes want =
                model_slice(&archive, letters, offsets, frame[first], frame[first] + 1);
            check_file(opened, first, &want);
            bytes_done(&want);
            uint64_t last = first + (first * 7 + (uint64_t)round) % (records - first);
            want = model_slice(&archive, letters, offsets, frame[first], frame[last] + 1);
            check_slice(opened, first, last, &want);
            bytes_done(&want);
        }
        ff_archive_close(opened);
        bytes_done(&archive);
    }
}

/* Those that were printed already are left out. */
static void contexts_from_a_place_on_are_told(void **state)
{
    (void)state;
    struct bytes archive = frames_of("CSCRCCRhCR"), tail = {0};
    struct ff_archive *opened = archive_of(&archive, LINES);
    struct ff_record record;
    struct ff_view view;
    uint64_t section;
    uint8_t buf[64];

    assert_int_equal(ff_archive_record(opened, 2, &record), 0);
    for (uint64_t after = 0; after <= archive.len; after++) {
        /* Frames of 5 bytes; those that count are at 5, 10, 20, 25, 40. */
        static const uint64_t offsets[] = {5, 10, 20, 25, 40};
        assert_int_equal(ff_view_context(opened, &record, after, &view, &section), 0);
        assert_int_equal(section, 5);
        tail.len = 0;
        for (size_t i = 0; i < 5; i++)
            if (offsets[i] >= after)
                bytes_add(&tail, archive.at + offsets[i], 5);
        assert_int_equal(view.len, tail.len);
        assert_int_equal(ff_view_read(opened, &view, buf, sizeof(buf), 0, NULL), tail.len);
        if (tail.len)
            assert_memory_equal(buf, tail.at, tail.len);
    }
    ff_archive_close(opened);
    bytes_done(&archive);
    bytes_done(&tail);
}

static void contexts_stand_between_preamble_and_record(void **state)
{
    (void)state;
    static const char lines[] = "preamble = \"HEAD\"\npostamble = \"END\"\n" LINES;

    slice_is(lines, "HEADC\1aR\1bR\1cEND", 0, 0, "HEADC\1aR\1bEND");
    slice_is(lines, "HEADC\1aR\1bR\1cEND", 1, 1, "HEADC\1aR\1cEND");
    /* One that comes later is none of its. */
    slice_is(lines, "HEADR\1bC\1aR\1cC\1zEND", 0, 0, "HEADR\1bEND");
    slice_is(lines, "HEADR\1bC\1aR\1cC\1zEND", 0, 1, "HEADR\1bC\1aR\1cEND");
    slice_is(lines, "HEADR\1bC\1aR\1cC\1zEND", 1, 1, "HEADC\1aR\1cEND");
}

static void a_damaged_context_is_not_carried(void **state)
{
    (void)state;
    static const char lines[] = "frame.context = \"frame-C\" len:dec1 data \"!\" @context @hide\n"
                                "frame = \"frame-R\" len:dec1 data \"!\"\n";
    static const char archive[] = "frame-C1a!frame-R1b!frame-C1c?frame-C1d!frame-R1e!";
    struct bytes bytes = bytes_of(archive);

    assert_string_equal(events_of(&bytes, lines), "r10+10 d20+10 r40+10");
    bytes_done(&bytes);
    slice_is(lines, archive, 1, 1, "frame-C1a!frame-C1d!frame-R1e!");
}

/* A context in several frames is as many contexts. */
static void a_joined_record_can_be_context(void **state)
{
    (void)state;
    static const char lines[] = "frame.context = \"C\" k:u8=frag(1 2 3 4) len:u8 data @context\n"
                                "frame = \"R\" len:u8 data\n";

    slice_is(lines, "C\2\1aC\3\1bC\4\1cR\1xC\1\1dR\1y", 3, 3, "C\2\1aC\3\1bC\4\1cC\1\1dR\1y");
}

static void more_contexts_than_the_limit_are_an_error_of_what_needs_them(void **state)
{
    (void)state;
    static const char lines[] = "frame.context = \"C\" @context @hide\nframe = \"R\" len:u8 data\n";

    for (size_t over = 0; over < 2; over++) {
        struct bytes bytes = bytes_of("CCR\1a");
        struct ff_record record;
        struct ff_view view;
        uint64_t section;

        bytes_fill(&bytes, 'C', FF_CONTEXTS_MAX - 2 + over);
        bytes_add(&bytes, "R\1b", 3);
        struct ff_archive *archive = archive_of(&bytes, lines);
        assert_int_equal(ff_archive_count(archive), 2);
        /* The first record is before the limit in any case. */
        struct bytes want = bytes_of("CCR\1a");
        check_slice(archive, 0, 0, &want);
        check_file(archive, 0, &want);
        assert_int_equal(ff_archive_record(archive, 1, &record), 0);
        if (over) {
            assert_int_equal(ff_view_slice(archive, 1, 1, &view), -EOVERFLOW);
            assert_int_equal(ff_view_record(archive, &record, FF_CONTENT_FILE, &view), -EOVERFLOW);
            assert_int_equal(ff_view_context(archive, &record, 0, &view, &section), -EOVERFLOW);
        } else {
            want.len = 0;
            bytes_fill(&want, 'C', FF_CONTEXTS_MAX);
            bytes_add(&want, "R\1b", 3);
            check_slice(archive, 1, 1, &want);
            check_file(archive, 1, &want);
        }
        /* Its bytes need none. */
        struct bytes payload = file_of(archive, 1, FF_CONTENT_PAYLOAD);
        assert_int_equal(payload.len, 1);
        ff_archive_close(archive);
        bytes_done(&bytes);
        bytes_done(&want);
        bytes_done(&payload);
    }
}

/* ---- interfaces ---- */

#define CLOCKS                                                                                     \
    "frame.section = \"S\" @section @hide\n"                                                       \
    "frame.interface = \"I\" len:u8 data @interface @hide\n"                                       \
    "frame.context = \"C\" @context @hide\n"                                                       \
    "frame = \"R\" interface:u8 time_hi:u32le time_lo:u32le len:u8 data\n"

/* draft-ietf-opsawg-pcapng: link type, reserved, snap length, option if_tsresol (9), the end. */
static void add_interface(struct bytes *bytes, uint8_t resolution)
{
    bytes_add(bytes, "I", 1);
    bytes_fill(bytes, 8 + 8 + 4, 1);
    bytes_fill(bytes, 0, 8);
    bytes_le(bytes, 9, 2);
    bytes_le(bytes, 1, 2);
    bytes_le(bytes, resolution, 4);
    bytes_le(bytes, 0, 4);
}

static void add_stamp(struct bytes *bytes, uint8_t interface, uint64_t ticks)
{
    bytes_add(bytes, "R", 1);
    bytes_fill(bytes, interface, 1);
    bytes_le(bytes, ticks >> 32, 4);
    bytes_le(bytes, ticks & UINT32_MAX, 4);
    bytes_fill(bytes, 0, 1);
}

/* seconds -1: the record has no time. */
static void check_time(struct ff_archive *archive, uint64_t number, int64_t seconds, long ns)
{
    struct ff_record record;
    struct ff_details details;

    assert_int_equal(ff_archive_record(archive, number, &record), 0);
    assert_int_equal(ff_archive_details(archive, &record, &details, NULL), 0);
    assert_int_equal(details.has_time, seconds >= 0);
    if (seconds >= 0) {
        assert_int_equal(details.time.tv_sec, seconds);
        assert_int_equal(details.time.tv_nsec, ns);
    }
}

static void times_are_those_of_the_sections_interfaces(void **state)
{
    (void)state;
    struct bytes bytes = {0};
    const uint64_t ticks = UINT64_C(5000001234);

    add_stamp(&bytes, 0, ticks); /* 0: no interface yet */
    bytes_add(&bytes, "S", 1);
    add_interface(&bytes, 6);
    add_stamp(&bytes, 0, ticks); /* 1: microseconds */
    add_stamp(&bytes, 1, ticks); /* 2: its interface comes later */
    bytes_add(&bytes, "C", 1);
    add_interface(&bytes, 9);
    add_stamp(&bytes, 1, ticks); /* 3: nanoseconds */
    add_stamp(&bytes, 0, ticks); /* 4: microseconds */
    add_stamp(&bytes, 2, ticks); /* 5: none */
    bytes_add(&bytes, "S", 1);
    add_stamp(&bytes, 0, ticks); /* 6: none in this section */
    add_interface(&bytes, 3);
    add_stamp(&bytes, 0, ticks);   /* 7: milliseconds */
    add_stamp(&bytes, 255, ticks); /* 8: none */
    struct ff_archive *archive = archive_of(&bytes, CLOCKS);
    check_time(archive, 0, -1, 0);
    check_time(archive, 1, 5000, 1234000);
    check_time(archive, 2, -1, 0);
    check_time(archive, 3, 5, 1234);
    check_time(archive, 4, 5000, 1234000);
    check_time(archive, 5, -1, 0);
    check_time(archive, 6, -1, 0);
    check_time(archive, 7, 5000001, 234000000);
    check_time(archive, 8, -1, 0);
    ff_archive_close(archive);
    bytes_done(&bytes);
}

/* Each of many interfaces is found, whatever contexts stand between them. */
static void many_interfaces_are_told_apart(void **state)
{
    (void)state;
    struct bytes bytes = {0};

    for (unsigned int i = 0; i < 250; i++) {
        bytes_fill(&bytes, 'C', i % 3);
        add_interface(&bytes, (uint8_t)(i % 10));
    }
    for (unsigned int i = 0; i < 250; i++)
        add_stamp(&bytes, (uint8_t)i, UINT64_C(1000000000));
    struct ff_archive *archive = archive_of(&bytes, CLOCKS);
    int64_t seconds = 1000000000;
    for (unsigned int i = 0; i < 250; i++, seconds /= 10) {
        if (i % 10 == 0)
            seconds = 1000000000;
        check_time(archive, i, seconds, 0);
    }
    ff_archive_close(archive);
    bytes_done(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_before_a_record_in_its_section_is_carried),
        cmocka_unit_test(contexts_from_a_place_on_are_told),
        cmocka_unit_test(contexts_stand_between_preamble_and_record),
        cmocka_unit_test(a_damaged_context_is_not_carried),
        cmocka_unit_test(a_joined_record_can_be_context),
        cmocka_unit_test(more_contexts_than_the_limit_are_an_error_of_what_needs_them),
        cmocka_unit_test(times_are_those_of_the_sections_interfaces),
        cmocka_unit_test(many_interfaces_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
