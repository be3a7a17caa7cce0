/* The open archive: look-ups, views, the reads behind them, details, reports, failures. */
#include <errno.h>
#include <fcntl.h>
#include <framefs/framefs.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "source/fault.h"

static struct ff_archive *open_source(struct ff_source *source, const char *format_name,
                                      uint64_t interval)
{
    struct ff_format *format;
    struct ff_archive *archive;
    struct ff_archive_options options = {.name = "test", .interval_bytes = interval};
    if (ff_format_find(format_name, &format, NULL) < 0)
        assert_int_equal(ff_format_compile(format_name, &format, NULL), 0);
    assert_int_equal(ff_archive_open(source, format, &options, &archive, NULL), 0);
    return archive;
}

static struct ff_archive *open_bytes(const void *bytes, size_t len, const char *format)
{
    struct ff_source *source;
    assert_int_equal(ff_source_open_memory(bytes, len, &source, NULL), 0);
    struct ff_archive *archive = open_source(source, format, 0);
    assert_int_equal(ff_archive_scan(archive, UINT64_MAX, NULL), 0);
    return archive;
}

static size_t read_record(struct ff_archive *archive, uint64_t number, enum ff_content content,
                          void *buf, size_t size)
{
    struct ff_record record;
    struct ff_view view;
    assert_int_equal(ff_archive_record(archive, number, &record), 0);
    assert_int_equal(ff_view_record(archive, &record, content, &view), 0);
    ssize_t got = ff_view_read(archive, &view, buf, size, 0, NULL);
    assert_true(got >= 0 && (uint64_t)got == view.len);
    return (size_t)got;
}

static const char three[] = "\x03\0\0\0abc\0\0\0\0\x02\0\0\0de";

static void records_are_looked_up_and_read(void **state)
{
    (void)state;
    struct ff_archive *archive = open_bytes(three, sizeof(three) - 1, "raw32");
    struct ff_record record;
    char buf[32];

    assert_true(ff_archive_complete(archive));
    assert_int_equal(ff_archive_count(archive), 3);
    assert_int_equal(read_record(archive, 0, FF_CONTENT_PAYLOAD, buf, sizeof(buf)), 3);
    assert_memory_equal(buf, "abc", 3);
    assert_int_equal(read_record(archive, 1, FF_CONTENT_PAYLOAD, buf, sizeof(buf)), 0);
    assert_int_equal(read_record(archive, 2, FF_CONTENT_FRAME, buf, sizeof(buf)), 6);
    assert_memory_equal(buf, "\x02\0\0\0de", 6);
    assert_int_equal(ff_archive_record(archive, 3, &record), -ENOENT);
    ff_archive_close(archive);
}

/* Empty records between others, more than a block of the index has. */
static void joined_payloads_pass_over_empty_records(void **state)
{
    (void)state;
    enum { EMPTY = 1000 };
    static uint8_t bytes[EMPTY + 7];
    struct ff_source *source;
    char buf[8];

    memcpy(bytes, "\x02xy", 3);
    memcpy(bytes + 3 + EMPTY, "\x01z\0", 3);
    struct ff_archive *archive = open_bytes(bytes, sizeof(bytes), "len:u8 data");
    assert_int_equal(ff_archive_count(archive), EMPTY + 4);
    for (uint64_t offset = 0; offset < 5; offset++) {
        ssize_t want = offset < 3 ? (ssize_t)(3 - offset) : 0;
        assert_int_equal(ff_all_read(archive, NULL, 0, buf, sizeof(buf), offset, NULL), want);
        assert_memory_equal(buf, &"xyz"[3 - want], (size_t)want);
    }
    ff_archive_close(archive);

    /* While the scan goes on, the end is not the end. */
    assert_int_equal(ff_source_open_memory(bytes, sizeof(bytes), &source, NULL), 0);
    archive = open_source(source, "len:u8 data", 0);
    assert_int_equal(ff_all_read(archive, NULL, 0, buf, 1, 0, NULL), -EAGAIN);
    assert_int_equal(ff_archive_scan(archive, 1, NULL), 0);
    assert_int_equal(ff_all_read(archive, NULL, 0, buf, 2, 0, NULL), 2);
    assert_int_equal(ff_all_read(archive, NULL, 0, buf, 1, 2, NULL), -EAGAIN);
    ff_archive_close(archive);
}

static void before_the_scan_comes_so_far_a_record_is_not_known(void **state)
{
    (void)state;
    struct ff_source *source;
    struct ff_record record;
    uint64_t size;

    assert_int_equal(ff_source_open_memory(three, sizeof(three) - 1, &source, NULL), 0);
    struct ff_archive *archive = open_source(source, "raw32", 0);
    assert_int_equal(ff_archive_record(archive, 0, &record), -EAGAIN);
    assert_int_equal(ff_archive_scan(archive, 1, NULL), 0);
    assert_int_equal(ff_archive_record(archive, 0, &record), 0);
    assert_int_equal(ff_archive_record(archive, 1, &record), -EAGAIN);
    assert_int_equal(ff_all_size(archive, 0, &size), -EAGAIN);
    assert_int_equal(ff_archive_scan(archive, UINT64_MAX, NULL), 0);
    assert_int_equal(ff_archive_record(archive, 7, &record), -ENOENT);
    assert_int_equal(ff_all_size(archive, 0, &size), 0);
    assert_int_equal(size, 5);
    ff_archive_close(archive);
}

static void all_joins_payloads_with_separators(void **state)
{
    (void)state;
    struct ff_archive *archive = open_bytes(three, sizeof(three) - 1, "raw32");
    static const struct {
        const char *separator, *want;
    } cases[] = {{"", "abcde"}, {"\n", "abc\n\nde\n"}, {"--", "abc----de--"}};

    for (size_t c = 0; c < 3; c++) {
        size_t n = strlen(cases[c].separator), len = strlen(cases[c].want);
        uint64_t size;
        assert_int_equal(ff_all_size(archive, n, &size), 0);
        assert_int_equal(size, len);
        for (size_t offset = 0; offset <= len + 1; offset++)
            for (size_t want = 1; want <= len + 2; want++) {
                char buf[32];
                ssize_t got = ff_all_read(archive, cases[c].separator, n, buf, want, offset, NULL);
                size_t left = offset < len ? len - offset : 0;
                assert_int_equal(got, left < want ? left : want);
                if (got)
                    assert_memory_equal(buf, cases[c].want + offset, (size_t)got);
            }
    }
    ff_archive_close(archive);
}

static void files_and_slices_are_archives_of_the_same_format(void **state)
{
    (void)state;
    static const char mcap[] = "\x89MCAP0\r\n"
                               "\x01\x01\0\0\0\0\0\0\0a"
                               "\x02\x02\0\0\0\0\0\0\0bc"
                               "\x03\0\0\0\0\0\0\0\0"
                               "\x89MCAP0\r\n";
    struct ff_archive *archive = open_bytes(mcap, sizeof(mcap) - 1, "mcap");
    char buf[128];
    struct ff_view view;

    assert_int_equal(ff_archive_count(archive), 3);
    size_t len = read_record(archive, 1, FF_CONTENT_FILE, buf, sizeof(buf));
    /* The first record is a header, which the others depend on; the second is none. */
    struct ff_archive *two = open_bytes(buf, len, "mcap");
    assert_int_equal(ff_archive_count(two), 2);
    assert_memory_equal(buf, mcap, 8 + 10 + 11);
    ff_archive_close(two);
    len = read_record(archive, 2, FF_CONTENT_FILE, buf, sizeof(buf));
    assert_int_equal(len, 8 + 10 + 9 + 8);
    assert_memory_equal(buf, mcap, 8 + 10);
    assert_memory_equal(buf + 18, mcap + 8 + 10 + 11, 9 + 8);

    assert_int_equal(ff_view_slice(archive, 0, 2, &view), 0);
    assert_int_equal(ff_view_read(archive, &view, buf, sizeof(buf), 0, NULL), sizeof(mcap) - 1);
    assert_memory_equal(buf, mcap, sizeof(mcap) - 1);
    /* Every stretch of it, across the extents. */
    for (size_t offset = 0; offset < sizeof(mcap); offset++) {
        ssize_t got = ff_view_read(archive, &view, buf, 5, offset, NULL);
        assert_true(got >= 0);
        assert_memory_equal(buf, mcap + offset, (size_t)got);
    }
    assert_int_equal(ff_view_slice(archive, 2, 1, &view), -EINVAL);
    assert_int_equal(ff_view_slice(archive, 0, 3, &view), -ENOENT);
    ff_archive_close(archive);
}

/* Where an archive ends with a frame of its own, a file of one record ends with it too. */
static void end_frames_end_slices(void **state)
{
    (void)state;
    static const char cdb[] = "+1,2:k->vv\n+1,0:l->\n\ntrash";
    struct ff_source *source;
    char buf[64];
    struct ff_record record;
    struct ff_view view;

    assert_int_equal(ff_source_open_memory(cdb, sizeof(cdb) - 1, &source, NULL), 0);
    struct ff_archive *archive = open_source(source, "cdbmake", 0);
    assert_int_equal(ff_archive_scan(archive, 1, NULL), 0);
    assert_int_equal(ff_archive_record(archive, 0, &record), 0);
    assert_int_equal(ff_view_record(archive, &record, FF_CONTENT_FILE, &view), -EAGAIN);
    assert_int_equal(ff_archive_scan(archive, UINT64_MAX, NULL), 0);
    assert_int_equal(ff_archive_count(archive), 2);
    size_t len = read_record(archive, 1, FF_CONTENT_FILE, buf, sizeof(buf));
    assert_int_equal(len, 10);
    assert_memory_equal(buf, "+1,0:l->\n\n", 10);
    ff_archive_close(archive);
}

struct reads {
    size_t count;
    struct read {
        uint64_t offset, len;
    } reads[64];
};

static void note_read(void *context, uint64_t offset, size_t len)
{
    struct reads *reads = context;
    if (reads->count < 64)
        reads->reads[reads->count++] = (struct read){offset, len};
}

/* "preads of that length at multiples of it from the record's start, clipped to the record and to
 * what was asked for" */
static void reads_come_at_fixed_intervals(void **state)
{
    (void)state;
    char bytes[1000] = "TAG4\xe8\x02\0\0\0\0\0\0"; /* a payload of 744 bytes from byte 12 on */
    struct ff_source *memory, *source;
    struct reads reads = {0};
    struct ff_fault settings = {.on_read = note_read, .context = &reads};
    char buf[1000];

    for (int i = 12; i < 756; i++)
        bytes[i] = (char)(i * 7);
    assert_int_equal(ff_source_open_memory(bytes, 756, &memory, NULL), 0);
    assert_int_equal(ff_source_open_fault(memory, &settings, &source, NULL), 0);
    struct ff_archive *archive = open_source(source, "tag4-i64le", 64);
    assert_int_equal(ff_archive_scan(archive, UINT64_MAX, NULL), 0);
    struct ff_record record;
    struct ff_view view;
    assert_int_equal(ff_archive_record(archive, 0, &record), 0);
    assert_int_equal(ff_view_record(archive, &record, FF_CONTENT_PAYLOAD, &view), 0);

    reads.count = 0;
    assert_int_equal(ff_view_read(archive, &view, buf, 150, 50, NULL), 150);
    assert_memory_equal(buf, bytes + 12 + 50, 150);
    static const struct read want[] = {{62, 14}, {76, 64}, {140, 64}, {204, 8}};
    assert_int_equal(reads.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(reads.reads[i].offset, want[i].offset);
        assert_int_equal(reads.reads[i].len, want[i].len);
    }
    reads.count = 0;
    assert_int_equal(ff_view_read(archive, &view, buf, 1000, 704, NULL), 40);
    assert_int_equal(reads.count, 1);
    assert_int_equal(reads.reads[0].offset, 12 + 704);
    assert_int_equal(reads.reads[0].len, 40);
    reads.count = 0;
    assert_int_equal(ff_view_read(archive, &view, buf, 64, 64, NULL), 64);
    assert_int_equal(reads.count, 1);
    assert_int_equal(ff_view_read(archive, &view, buf, 10, 744, NULL), 0);
    assert_int_equal(ff_view_read(archive, &view, buf, 10, UINT64_MAX, NULL), 0);
    ff_archive_close(archive);
}

static void an_interval_is_a_power_of_two_within_limits(void **state)
{
    (void)state;
    static const struct {
        uint64_t interval;
        int want;
    } cases[] = {{64, 0}, {32, -EINVAL}, {96, -EINVAL}, {16777216, 0}, {33554432, -EINVAL},
                 {0, 0},  {1 << 20, 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct ff_source *source;
        struct ff_format *format;
        struct ff_archive *archive = NULL;
        struct ff_archive_options options = {.interval_bytes = cases[i].interval};
        assert_int_equal(ff_source_open_memory("", 0, &source, NULL), 0);
        assert_int_equal(ff_format_find("raw32", &format, NULL), 0);
        assert_int_equal(ff_archive_open(source, format, &options, &archive, NULL), cases[i].want);
        ff_archive_close(archive);
    }
}

static void a_read_window_has_a_least_size(void **state)
{
    (void)state;
    for (int less = 0; less < 2; less++) {
        struct ff_source *source;
        struct ff_format *format;
        struct ff_scan *scan = NULL;
        size_t window = FF_SCAN_WINDOW_MIN_BYTES - (size_t)less;
        assert_int_equal(ff_source_open_memory(three, sizeof(three) - 1, &source, NULL), 0);
        assert_int_equal(ff_format_find("raw32", &format, NULL), 0);
        assert_int_equal(ff_scan_open(source, format, NULL, window, &scan, NULL),
                         less ? -EINVAL : 0);
        ff_scan_close(scan);
        ff_format_free(format);
        ff_source_close(source);
    }
}

static void an_empty_archive_has_no_records_in_any_format(void **state)
{
    (void)state;
    for (size_t i = 0; i < ff_formats_count(NULL); i++) {
        struct ff_archive *archive = open_bytes("", 0, ff_formats_name(NULL, i));
        struct ff_summary summary;
        ff_archive_summary(archive, &summary);
        assert_true(summary.complete);
        assert_int_equal(summary.records, 0);
        assert_int_equal(summary.damages, 0);
        ff_archive_close(archive);
    }
}

static void damage_keeps_what_is_before_it(void **state)
{
    (void)state;
    static const char cut[] = "\x03\0\0\0abc\x09\0\0\0de";
    struct ff_archive *archive = open_bytes(cut, sizeof(cut) - 1, "raw32");
    struct ff_damage damage;

    assert_int_equal(ff_archive_count(archive), 1);
    assert_int_equal(ff_archive_damage(archive, 0, &damage), 0);
    assert_int_equal(damage.offset, 7);
    assert_int_equal(damage.len, 6);
    assert_int_equal(damage.record, 1);
    assert_int_equal(damage.code, -ENODATA);
    assert_non_null(strstr(damage.reason, "9 bytes"));
    assert_int_equal(ff_archive_damage(archive, 1, &damage), -ENOENT);

    char *text = ff_report_json(&archive, 1);
    json_t *report = json_loads(text, 0, NULL);
    json_t *object = json_array_get(report, 0);
    assert_int_equal(json_integer_value(json_object_get(object, "records")), 1);
    assert_int_equal(json_integer_value(json_object_get(object, "payload_bytes")), 3);
    assert_int_equal(json_integer_value(json_object_get(object, "archive_bytes")), 13);
    assert_int_equal(json_integer_value(json_object_get(object, "smallest")), 3);
    assert_int_equal(json_integer_value(json_object_get(object, "largest")), 3);
    assert_string_equal(json_string_value(json_object_get(object, "archive")), "test");
    assert_string_equal(json_string_value(json_object_get(object, "format")), "raw32");
    json_t *first = json_array_get(json_object_get(object, "damage"), 0);
    assert_int_equal(json_integer_value(json_object_get(first, "offset")), 7);
    assert_int_equal(json_integer_value(json_object_get(first, "bytes")), 6);
    assert_true(json_string_length(json_object_get(first, "reason")) > 0);
    json_decref(report);
    free(text);
    text = ff_report_damage(archive);
    assert_non_null(strstr(text, "9 bytes"));
    free(text);
    ff_archive_close(archive);
}

static void so_many_damages_are_kept_and_all_are_counted(void **state)
{
    (void)state;
    static const char piece[] = "?RECORD\1a";
    enum { PIECE = sizeof(piece) - 1 };
    static char bytes[(FF_DAMAGE_MAX + 1) * PIECE];
    struct ff_damage damage;
    struct ff_summary summary;

    for (size_t i = 0; i <= FF_DAMAGE_MAX; i++)
        memcpy(bytes + i * PIECE, piece, PIECE);
    for (size_t count = FF_DAMAGE_MAX; count <= FF_DAMAGE_MAX + 1; count++) {
        struct ff_archive *archive = open_bytes(bytes, count * PIECE, "\"RECORD\" len:u8 data");
        ff_archive_summary(archive, &summary);
        assert_int_equal(summary.damages, count);
        assert_int_equal(summary.records, count);
        for (uint64_t i = 0; i < FF_DAMAGE_MAX; i++) {
            assert_int_equal(ff_archive_damage(archive, i, &damage), 0);
            assert_int_equal(damage.offset, i * PIECE);
            assert_int_equal(damage.len, 1);
        }
        assert_int_equal(ff_archive_damage(archive, FF_DAMAGE_MAX, &damage), -ENOENT);
        ff_archive_close(archive);
    }
}

static void a_postamble_can_come_without_a_preamble(void **state)
{
    (void)state;
    struct ff_archive *archive = open_bytes("\x01z\x00"
                                            "END",
                                            6, "; len:u8 data ; \"END\"");
    struct ff_damage damage;
    assert_int_equal(ff_archive_count(archive), 2);
    assert_int_equal(ff_archive_damage(archive, 0, &damage), -ENOENT);
    ff_archive_close(archive);
}

static void a_missing_postamble_is_told(void **state)
{
    (void)state;
    static const char mcap[] = "\x89MCAP0\r\n\x01\x01\0\0\0\0\0\0\0a";
    struct ff_archive *archive = open_bytes(mcap, sizeof(mcap) - 1, "mcap");
    struct ff_damage damage;
    assert_int_equal(ff_archive_count(archive), 1);
    assert_int_equal(ff_archive_damage(archive, 0, &damage), 0);
    assert_non_null(strstr(damage.reason, "postamble"));
    ff_archive_close(archive);
}

static void a_source_that_fails_is_a_damage_and_an_error(void **state)
{
    (void)state;
    struct ff_source *memory, *source;
    struct ff_fault_range bad = {.offset = 7, .len = 4};
    struct ff_fault settings = {.ranges = &bad, .range_count = 1, .short_max_bytes = 7};
    struct ff_error error = {0};
    struct ff_damage damage;

    assert_int_equal(ff_source_open_memory(three, sizeof(three) - 1, &memory, NULL), 0);
    assert_int_equal(ff_source_open_fault(memory, &settings, &source, NULL), 0);
    struct ff_archive *archive = open_source(source, "raw32", 0);
    assert_int_equal(ff_archive_scan(archive, UINT64_MAX, &error), -EIO);
    assert_non_null(strstr(error.text, "record 1 at byte 7"));
    assert_true(ff_archive_complete(archive));
    assert_int_equal(ff_archive_count(archive), 1);
    assert_int_equal(ff_archive_damage(archive, 0, &damage), 0);
    assert_int_equal(damage.code, -EIO);
    struct ff_summary summary;
    ff_archive_summary(archive, &summary);
    assert_int_equal(summary.scanned_bytes, 7);
    assert_int_equal(summary.archive_bytes, sizeof(three) - 1);
    ff_archive_close(archive);
}

static void a_full_temporary_folder_is_named(void **state)
{
    (void)state;
    struct ff_source *memory, *source;
    struct ff_fault_range full = {.offset = 0, .len = 1, .code = -ENOSPC};
    struct ff_fault settings = {.ranges = &full, .range_count = 1};
    struct ff_error error = {0};

    assert_int_equal(ff_source_open_memory(three, sizeof(three) - 1, &memory, NULL), 0);
    assert_int_equal(ff_source_open_fault(memory, &settings, &source, NULL), 0);
    struct ff_archive *archive = open_source(source, "raw32", 0);
    assert_int_equal(ff_archive_scan(archive, UINT64_MAX, &error), -ENOSPC);
    assert_non_null(strstr(error.text, "set TMPDIR"));
    ff_archive_close(archive);
}

static void a_changed_archive_is_never_served(void **state)
{
    (void)state;
    struct ff_source *memory, *source;
    struct ff_fault settings = {0};
    struct ff_error error = {0};
    struct ff_record record;
    struct ff_view view;
    struct ff_details details;
    char buf[16];

    assert_int_equal(ff_source_open_memory(three, sizeof(three) - 1, &memory, NULL), 0);
    assert_int_equal(ff_source_open_fault(memory, &settings, &source, NULL), 0);
    struct ff_archive *archive = open_source(source, "raw32", 0);
    assert_int_equal(ff_archive_scan(archive, UINT64_MAX, NULL), 0);
    assert_int_equal(ff_archive_record(archive, 0, &record), 0);
    assert_int_equal(ff_view_record(archive, &record, FF_CONTENT_PAYLOAD, &view), 0);
    assert_int_equal(ff_view_read(archive, &view, buf, 3, 0, &error), 3);

    settings.check_code = -ESTALE;
    ff_source_fault_set(source, &settings);
    assert_int_equal(ff_view_read(archive, &view, buf, 3, 0, &error), -ESTALE);
    assert_non_null(strstr(error.text, "test: record 0 at byte 4"));
    assert_int_equal(ff_all_read(archive, NULL, 0, buf, 3, 0, &error), -ESTALE);
    assert_int_equal(ff_archive_details(archive, &record, &details, &error), -ESTALE);

    settings = (struct ff_fault){.end_offset = 5};
    ff_source_fault_set(source, &settings);
    assert_int_equal(ff_view_read(archive, &view, buf, 3, 0, &error), -ENODATA);
    assert_non_null(strstr(error.text, "shorter"));
    ff_archive_close(archive);
}

static void details_know_the_byte_order_of_their_section(void **state)
{
    (void)state;
    /* Two sections: little endian, then big endian; each with a block of type 6. */
    static const char pcapng[] =
        "\n\r\r\n\x1c\0\0\0\x4d\x3c\x2b\x1a\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0"
        "\x06\0\0\0\x0c\0\0\0\x0c\0\0\0"
        "\n\r\r\n\0\0\0\x1c\x1a\x2b\x3c\x4d\0\x01\0\0\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\x1c"
        "\0\0\0\x06\0\0\0\x0c\0\0\0\x0c";
    struct ff_archive *archive = open_bytes(pcapng, sizeof(pcapng) - 1, "pcapng");
    struct ff_record record;
    struct ff_details details;

    assert_int_equal(ff_archive_count(archive), 4);
    /* In any order: nothing is remembered from one look-up to the next. */
    static const uint64_t order[] = {3, 1, 3, 1};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(ff_archive_record(archive, order[i], &record), 0);
        assert_int_equal(ff_archive_details(archive, &record, &details, NULL), 0);
        assert_string_equal(details.type, "6");
    }
    ff_archive_close(archive);
}

/* A hidden frame may change the byte order, too. */
static void the_byte_order_that_a_hidden_frame_sets_is_remembered(void **state)
{
    (void)state;
    static const char bytes[] = "\x01\x02\x03\x04\0\x01\0\x07z"
                                "\x04\x03\x02\x01\x01\0\x08\0z\x01\0\x09\0z"
                                "\x01\x02\x03\x04\0\x01\0\x0az";
    struct ff_archive *archive =
        open_bytes(bytes, sizeof(bytes) - 1, "b32=0x01020304 @hide | len:u16e type:u16e data");
    static const char *const types[] = {"7", "8", "9", "10"};
    struct ff_record record;
    struct ff_details details;

    assert_int_equal(ff_archive_count(archive), 4);
    for (uint64_t i = 0; i < 4; i++) {
        assert_int_equal(ff_archive_record(archive, i, &record), 0);
        assert_int_equal(ff_archive_details(archive, &record, &details, NULL), 0);
        assert_string_equal(details.type, types[i]);
    }
    ff_archive_close(archive);
}

static void checksums_are_computed_over_what_they_cover(void **state)
{
    (void)state;
    /* length 3, its masked crc32c, "abc", its masked crc32c: by a bitwise computation in Python */
    char frame[] = "\x03\0\0\0\0\0\0\0@@@@abc@@@@";
    static const uint8_t sums[2][4] = {{0xb0, 0x99, 0x49, 0x0e}, {0x6e, 0x57, 0xf1, 0x21}};
    struct ff_checksum_result result;
    struct ff_record record;

    memcpy(frame + 8, sums[0], 4);
    memcpy(frame + 15, sums[1], 4);
    struct ff_archive *archive = open_bytes(frame, 19, "tfrecord");
    assert_int_equal(ff_archive_record(archive, 0, &record), 0);
    for (unsigned int i = 0; i < 2; i++) {
        assert_int_equal(ff_archive_checksum(archive, &record, i, &result, NULL), 0);
        assert_true(result.matches);
        assert_string_equal(result.name, "crc32c-masked");
        assert_int_equal(result.offset, i ? 15 : 8);
        assert_string_equal(result.stored, i ? "21f1576e" : "0e4999b0");
    }
    unsigned int count = 42;
    assert_int_equal(ff_archive_checksums(archive, &record, &count, NULL), 0);
    assert_int_equal(count, 2);
    assert_int_equal(ff_archive_checksum(archive, &record, 2, &result, NULL), -ENOENT);
    /* A signed field may hold one, too. */
    struct ff_archive *is_signed =
        open_bytes("\x01y\xfb\xdb\x26\x15", 6, "len:u8 data i32be=crc32(data)");
    assert_int_equal(ff_archive_record(is_signed, 0, &record), 0);
    assert_int_equal(ff_archive_checksum(is_signed, &record, 0, &result, NULL), 0);
    assert_true(result.matches);
    assert_string_equal(result.stored, "fbdb2615");
    ff_archive_close(is_signed);
    assert_int_equal(ff_archive_record(archive, 0, &record), 0);
    frame[13] ^= 1;
    assert_int_equal(ff_archive_checksum(archive, &record, 0, &result, NULL), 0);
    assert_true(result.matches);
    assert_int_equal(ff_archive_checksum(archive, &record, 1, &result, NULL), 0);
    assert_false(result.matches);
    ff_archive_close(archive);
}

/* A scan's events, one a line. */
static void list_events(struct ff_source *source, const char *description, char *text, size_t size)
{
    struct ff_format *format;
    struct ff_scan *scan;
    struct ff_scan_event event;
    size_t n = 0;

    assert_int_equal(ff_format_compile(description, &format, NULL), 0);
    assert_int_equal(ff_scan_open(source, format, NULL, 0, &scan, NULL), 0);
    do {
        assert_int_equal(ff_scan_next(scan, &event, NULL), 0);
        if (event.kind == FF_SCAN_RECORD)
            n += (size_t)snprintf(text + n, size - n, "%d+%d+%d+%d\n", (int)event.record.offset,
                                  (int)event.record.head, (int)event.record.payload,
                                  (int)event.record.tail);
        if (event.kind == FF_SCAN_DAMAGE)
            n += (size_t)snprintf(text + n, size - n, "%d %d %s\n", (int)event.damage.offset,
                                  (int)event.damage.len, event.damage.reason);
        assert_true(n < size);
    } while (event.kind != FF_SCAN_END);
    ff_scan_close(scan);
    ff_format_free(format);
}

/* The end of a pipe is found only by passing it: a size that goes further must not be believed. */
static void a_pipe_gives_the_events_that_memory_gives(void **state)
{
    (void)state;
    static const struct {
        const char *description, *bytes;
        size_t len;
        const char *events;
    } cases[] = {
        {"len:u32be data", "\0\0\0\x09zz", 6,
         "0 6 data is 9 bytes long, but the archive ends 2 bytes after its start (at byte 4)\n"},
        /* The first alternative looks for its end far away, the second is nearer, but too far. */
        {"\"A\" len:u8*1000 data \"!\" | u8 len:u8 data", "\0\x01zA\x09zz", 7,
         "0+2+1+0\n"
         "3 4 data is 9000 bytes long, but the archive ends 2 bytes after its start (at byte 5)\n"},
        {"len:u32be data", "\0\0\0\x01z\x7f\xff\xff\xffz", 10,
         "0+4+1+0\n5 5 data is 2147483647 bytes long, but the archive ends 1 bytes after its start "
         "(at byte 9)\n"},
        {"n:u8 len:u8 data[n]", "\x09\x05zz", 4,
         "0 4 data is 9 bytes long, but the archive ends 2 bytes after its start (at byte 2)\n"},
        {"len:u8 data align[8]", "\x01z", 2, "0+1+1+0\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct ff_source *source;
        char text[512] = "";
        int ends[2];

        assert_int_equal(ff_source_open_memory(cases[i].bytes, cases[i].len, &source, NULL), 0);
        list_events(source, cases[i].description, text, sizeof(text));
        assert_string_equal(text, cases[i].events);
        ff_source_close(source);

        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], cases[i].bytes, cases[i].len), cases[i].len);
        close(ends[1]);
        assert_int_equal(ff_source_open_stream(ends[0], &source, NULL), 0);
        list_events(source, cases[i].description, text, sizeof(text));
        assert_string_equal(text, cases[i].events);
        ff_source_close(source);
    }
}

static ssize_t zeros_pread(struct ff_source *source, void *buf, size_t len, uint64_t offset)
{
    (void)source;
    (void)offset;
    memset(buf, 0, len);
    return (ssize_t)len;
}

static int zeros_stat(struct ff_source *source, struct ff_source_stat *ret_stat)
{
    (void)source;
    *ret_stat = (struct ff_source_stat){.size = UINT64_C(1) << 62};
    return 0;
}

static int zeros_check(struct ff_source *source)
{
    (void)source;
    return 0;
}

static void zeros_close(struct ff_source *source)
{
    (void)source;
}

/* Without a stop in between, this would take centuries. */
static void a_scan_of_hidden_frames_alone_shows_progress_and_can_be_stopped(void **state)
{
    (void)state;
    static const struct ff_source_ops ops = {
        .pread = zeros_pread, .stat = zeros_stat, .check = zeros_check, .close = zeros_close};
    struct ff_source zeros = {.ops = &ops};
    struct ff_summary summary = {0};

    struct ff_archive *archive = open_source(&zeros, "u8=0 @hide | u8=1 len:u8 data", 0);
    assert_int_equal(ff_archive_scan_start(archive, NULL), 0);
    while (summary.scanned_bytes == 0)
        ff_archive_summary(archive, &summary);
    ff_archive_scan_stop(archive);
    assert_false(ff_archive_complete(archive));
    assert_int_equal(ff_archive_count(archive), 0);
    ff_archive_close(archive);
}

/* Two records, and of what follows them nobody can tell. */
struct endless {
    struct ff_source source; /* first: what is given is this one */
    bool was_at_end;
};

static ssize_t endless_pread(struct ff_source *source, void *buf, size_t len, uint64_t offset)
{
    static const char bytes[] = "\1a\1b";
    size_t left = offset < 4 ? 4 - (size_t)offset : 0;

    ((struct endless *)source)->was_at_end = left == 0;
    len = len < left ? len : left;
    memcpy(buf, bytes + 4 - left, len);
    return (ssize_t)len;
}

static int endless_stat(struct ff_source *source, struct ff_source_stat *ret_stat)
{
    *ret_stat = (struct ff_source_stat){.size = FF_SIZE_UNKNOWN};
    return ((struct endless *)source)->was_at_end ? -EIO : 0;
}

static void an_end_that_cannot_be_looked_at_is_a_failure(void **state)
{
    (void)state;
    static const struct ff_source_ops ops = {
        .pread = endless_pread, .stat = endless_stat, .check = zeros_check, .close = zeros_close};
    struct endless endless = {.source.ops = &ops};
    struct ff_error error = {0};

    struct ff_archive *archive = open_source(&endless.source, "len:u8 data", 0);
    assert_int_equal(ff_archive_scan(archive, UINT64_MAX, &error), -EIO);
    assert_non_null(strstr(error.text, "record 2 at byte 4: reading failed"));
    assert_int_equal(ff_archive_count(archive), 2);
    ff_archive_close(archive);
}

static void the_number_of_records_can_be_limited(void **state)
{
    (void)state;
    /* Empty records of 4 bytes each. */
    static const char zeros[40];
    for (uint64_t max = 9; max <= 10; max++) {
        struct ff_archive_options options = {.name = "test", .records_max = max};
        struct ff_source *source;
        struct ff_format *format;
        struct ff_archive *archive;
        struct ff_damage damage;
        struct ff_error error = {0};
        bool fits = max == 10;
        assert_int_equal(ff_source_open_memory(zeros, sizeof(zeros), &source, NULL), 0);
        assert_int_equal(ff_format_find("raw32", &format, NULL), 0);
        assert_int_equal(ff_archive_open(source, format, &options, &archive, NULL), 0);
        assert_int_equal(ff_archive_scan(archive, UINT64_MAX, &error), fits ? 0 : -EOVERFLOW);
        assert_int_equal(ff_archive_count(archive), max);
        assert_int_equal(ff_archive_damage(archive, 0, &damage), fits ? -ENOENT : 0);
        if (!fits) {
            assert_non_null(strstr(error.text, "record 9 at byte 36: more than 9 records"));
            assert_int_equal(damage.offset, 36);
            assert_int_equal(damage.len, 4);
        }
        ff_archive_close(archive);
    }
}

static void the_epoch_stays_with_growth(void **state)
{
    (void)state;
    struct ff_archive *small = open_bytes(three, 7, "raw32");
    struct ff_archive *grown = open_bytes(three, sizeof(three) - 1, "raw32");
    struct ff_archive *other = open_bytes("\x03\0\0\0abd", 7, "raw32");
    assert_int_equal(ff_archive_epoch(small), ff_archive_epoch(grown));
    assert_int_not_equal(ff_archive_epoch(small), ff_archive_epoch(other));
    ff_archive_close(small);
    ff_archive_close(grown);
    ff_archive_close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_looked_up_and_read),
        cmocka_unit_test(joined_payloads_pass_over_empty_records),
        cmocka_unit_test(before_the_scan_comes_so_far_a_record_is_not_known),
        cmocka_unit_test(all_joins_payloads_with_separators),
        cmocka_unit_test(files_and_slices_are_archives_of_the_same_format),
        cmocka_unit_test(end_frames_end_slices),
        cmocka_unit_test(reads_come_at_fixed_intervals),
        cmocka_unit_test(an_interval_is_a_power_of_two_within_limits),
        cmocka_unit_test(a_read_window_has_a_least_size),
        cmocka_unit_test(an_empty_archive_has_no_records_in_any_format),
        cmocka_unit_test(damage_keeps_what_is_before_it),
        cmocka_unit_test(so_many_damages_are_kept_and_all_are_counted),
        cmocka_unit_test(a_postamble_can_come_without_a_preamble),
        cmocka_unit_test(a_missing_postamble_is_told),
        cmocka_unit_test(a_source_that_fails_is_a_damage_and_an_error),
        cmocka_unit_test(a_full_temporary_folder_is_named),
        cmocka_unit_test(a_changed_archive_is_never_served),
        cmocka_unit_test(details_know_the_byte_order_of_their_section),
        cmocka_unit_test(the_byte_order_that_a_hidden_frame_sets_is_remembered),
        cmocka_unit_test(checksums_are_computed_over_what_they_cover),
        cmocka_unit_test(a_pipe_gives_the_events_that_memory_gives),
        cmocka_unit_test(a_scan_of_hidden_frames_alone_shows_progress_and_can_be_stopped),
        cmocka_unit_test(an_end_that_cannot_be_looked_at_is_a_failure),
        cmocka_unit_test(the_number_of_records_can_be_limited),
        cmocka_unit_test(the_epoch_stays_with_growth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
