/* Archives of many small records, damaged anywhere: what an archive takes in by runs is what the
 * scan tells step by step. */
#include <errno.h>
#include <framefs/framefs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prop.h"
#include "source/fault.h"

#define ARCHIVE_BYTES ((size_t)700 << 10) /* some windows */
#define DAMAGES_MAX   64

static const struct {
    const char *description;
    unsigned int head, tail; /* bytes of each frame around its payload */
    unsigned int length_at, length_bytes;
    bool big;
} shapes[] = {
    {"\"rec0\" len:i64le data", 12, 0, 4, 8, false},
    {"hdr:bytes[4] len:i64le data", 12, 0, 4, 8, false},
    {"len:u64le u32le data u32le", 12, 4, 0, 8, false},
    {"mark:u16le=0xd1ce len:u32be data", 6, 0, 2, 4, true},
    {"kind:u8=7 len:u8 data @hide | kind:u8 len:u8 data", 2, 0, 1, 1, false},
};
enum { SHAPES = sizeof(shapes) / sizeof(*shapes) };

/* What the steps tell. */
struct told {
    struct ff_record *records;
    size_t count;
    struct ff_damage damages[DAMAGES_MAX];
    size_t damage_count;
};

static size_t write_archive(uint8_t *bytes, int shape, struct ff_prop *prop)
{
    static const uint64_t limits[] = {1, 40, 256};
    const unsigned int head = shapes[shape].head, around = head + shapes[shape].tail;
    uint64_t limit = limits[ff_prop_below(prop, 3)];
    size_t len = 0, size = ff_prop_below(prop, ARCHIVE_BYTES);

    while (size - len > 256 + around) {
        size_t payload = ff_prop_below(prop, limit);
        memset(bytes + len, (int)ff_prop_below(prop, 4) + 7, around + payload);
        if (shape == 0)
            memcpy(bytes + len, "rec0", 4);
        if (shape == 3)
            memcpy(bytes + len, "\xce\xd1", 2);
        for (unsigned int i = 0; i < shapes[shape].length_bytes; i++) {
            unsigned int at = shapes[shape].big ? shapes[shape].length_bytes - 1 - i : i;
            bytes[len + shapes[shape].length_at + at] = i < 8 ? (uint8_t)(payload >> 8 * i) : 0;
        }
        len += around + payload;
    }
    for (uint64_t n = ff_prop_below(prop, 6); n > 0 && len > 0; n--)
        bytes[ff_prop_below(prop, len)] ^= (uint8_t)(1 + ff_prop_below(prop, 255));
    return len;
}

static struct ff_source *open_bytes(const uint8_t *bytes, size_t len, size_t step)
{
    const struct ff_fault settings = {.short_max_bytes = step};
    struct ff_source *memory, *source;

    assert_int_equal(ff_source_open_memory(bytes, len, &memory, NULL), 0);
    assert_int_equal(ff_source_open_fault(memory, &settings, &source, NULL), 0);
    return source;
}

static void ask_steps(const uint8_t *bytes, size_t len, const char *description, struct told *told)
{
    struct ff_source *source = open_bytes(bytes, len, 0);
    struct ff_scan_event event;
    struct ff_format *format;
    struct ff_scan *scan;

    told->count = told->damage_count = 0;
    assert_int_equal(ff_format_compile(description, &format, NULL), 0);
    assert_int_equal(ff_scan_open(source, format, NULL, 0, &scan, NULL), 0);
    while (assert_int_equal(ff_scan_next(scan, &event, NULL), 0), event.kind != FF_SCAN_END) {
        if (event.kind == FF_SCAN_RECORD) {
            told->records[told->count++] = event.record;
        } else {
            assert_true(told->damage_count < DAMAGES_MAX);
            told->damages[told->damage_count++] = event.damage;
        }
    }
    ff_scan_close(scan);
    ff_source_close(source);
    ff_format_free(format);
}

static void check_summary(struct ff_archive *archive, const struct told *told, size_t count)
{
    struct ff_summary want = {.records = count}, got;

    for (size_t i = 0; i < count; i++) {
        uint64_t payload = told->records[i].payload;
        unsigned int bits = 0;
        while (bits < 64 && payload >> bits)
            bits++;
        want.histogram[bits]++;
        want.payload_bytes += payload;
        want.smallest = i == 0 || payload < want.smallest ? payload : want.smallest;
        want.largest = payload > want.largest ? payload : want.largest;
    }
    ff_archive_summary(archive, &got);
    assert_int_equal(got.records, want.records);
    assert_int_equal(got.payload_bytes, want.payload_bytes);
    assert_int_equal(got.smallest, want.smallest);
    assert_int_equal(got.largest, want.largest);
    assert_memory_equal(got.histogram, want.histogram, sizeof(want.histogram));
}

static bool shows_all(void *context, const struct ff_details *details)
{
    (void)context;
    (void)details;
    return true;
}

/* All at once, or up to some records at a time. */
static void check_archive(const uint8_t *bytes, size_t len, const char *description,
                          const struct told *told, struct ff_prop *prop)
{
    static const size_t steps[] = {0, 0, 4093, 65521};
    struct ff_archive_options options = {.name = "test"};
    struct ff_format *format;
    struct ff_archive *archive;
    struct ff_damage damage;

    if (ff_prop_below(prop, 4) == 0)
        options.shows = shows_all;
    bool limited = ff_prop_below(prop, 4) == 0;
    if (limited)
        options.records_max = 1 + ff_prop_below(prop, told->count + 1);
    struct ff_source *source = open_bytes(bytes, len, steps[ff_prop_below(prop, 4)]);
    assert_int_equal(ff_format_compile(description, &format, NULL), 0);
    assert_int_equal(ff_archive_open(source, format, &options, &archive, NULL), 0);
    if (ff_prop_below(prop, 2) && !limited) {
        uint64_t most = ff_prop_below(prop, told->count + 1);
        assert_int_equal(ff_archive_scan(archive, most, NULL), 0);
        assert_int_equal(ff_archive_count(archive), most);
        check_summary(archive, told, (size_t)most);
    }
    int r = ff_archive_scan(archive, UINT64_MAX, NULL);
    size_t count = told->count;
    bool cut = limited && options.records_max < count;
    if (cut)
        count = (size_t)options.records_max;
    assert_int_equal(r < 0, cut);
    assert_int_equal(ff_archive_count(archive), count);
    for (size_t i = 0; i < count; i++) {
        struct ff_record record;
        assert_int_equal(ff_archive_record(archive, i, &record), 0);
        assert_int_equal(record.number, told->records[i].number);
        assert_int_equal(record.offset, told->records[i].offset);
        assert_int_equal(record.head, told->records[i].head);
        assert_int_equal(record.payload, told->records[i].payload);
        assert_int_equal(record.tail, told->records[i].tail);
    }
    check_summary(archive, told, count);
    if (cut) {
        uint64_t last = 0;
        while (ff_archive_damage(archive, last + 1, &damage) == 0)
            last++;
        assert_int_equal(ff_archive_damage(archive, last, &damage), 0);
        assert_int_equal(damage.code, -EOVERFLOW);
        assert_int_equal(damage.record, count);
        assert_int_equal(damage.offset, told->records[count].offset);
    }
    for (size_t i = 0; i < told->damage_count && !cut; i++) {
        assert_int_equal(ff_archive_damage(archive, i, &damage), 0);
        assert_int_equal(damage.offset, told->damages[i].offset);
        assert_int_equal(damage.len, told->damages[i].len);
        assert_int_equal(damage.record, told->damages[i].record);
        assert_string_equal(damage.reason, told->damages[i].reason);
    }
    assert_true(cut || ff_archive_damage(archive, told->damage_count, &damage) < 0);
    ff_archive_close(archive);
}

static void runs_give_what_steps_give(void **state)
{
    (void)state;
    struct ff_prop prop = ff_prop_start(30);
    uint8_t *bytes = malloc(ARCHIVE_BYTES);
    struct told told = {.records = malloc(ARCHIVE_BYTES / 2 * sizeof(*told.records))};
    assert_non_null(bytes);
    assert_non_null(told.records);

    for (unsigned long round = 0; round < ff_prop_rounds(20); round++) {
        for (int shape = 0; shape < SHAPES; shape++) {
            const char *description = shapes[shape].description;
            size_t len = write_archive(bytes, shape, &prop);
            ask_steps(bytes, len, description, &told);
            for (int i = 0; i < 3; i++)
                check_archive(bytes, len, description, &told, &prop);
        }
    }
    free(told.records);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(runs_give_what_steps_give)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
