/* Archives written from a seed: the scan gives the records that were written, however the reads are
 * cut, from whichever frame it starts, and up to wherever the archive is cut off. */
#include <errno.h>
#include <framefs/framefs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "prop.h"
#include "source/fault.h"

#define RECORDS_MAX 60
#define ARCHIVE_MAX ((size_t)8 << 20)

/* What was written, by code of this file's own. */
struct archive {
    uint8_t *bytes;
    size_t len;
    size_t count;
    struct ff_record records[RECORDS_MAX];
};

static void put(struct archive *a, const void *bytes, size_t len)
{
    assert_true(a->len + len <= ARCHIVE_MAX);
    memcpy(a->bytes + a->len, bytes, len);
    a->len += len;
}

static void put_number(struct archive *a, uint64_t number, unsigned int width, bool big)
{
    for (unsigned int i = 0; i < width; i++) {
        unsigned int shift = 8 * (big ? width - 1 - i : i);
        uint8_t byte = (uint8_t)(number >> shift);
        put(a, &byte, 1);
    }
}

static void put_varint(struct archive *a, uint64_t number)
{
    for (; number > 0x7f; number >>= 7)
        put_number(a, (number & 0x7f) | 0x80, 1, false);
    put_number(a, number, 1, false);
}

enum shape { TAG4, VARINT, PCAP_BE, FORTRAN8, NETSTRING, ALIGNED, HIDDEN, SHAPES };

static const char *const descriptions[SHAPES] = {
    [TAG4] = "hdr:bytes[4] len:i64le data",
    [VARINT] = "len:varint data",
    [PCAP_BE] = ("b32=0xa1b2c3d4 u16e=2 u16e=4 bytes[8] snaplen:u32e link:u32e ; "
                 "time:u32e usec:u32e len:u32e olen:u32e data"),
    [FORTRAN8] = "len:i64be data i64be=len",
    [NETSTRING] = "len:dec \":\" data \",\"",
    [ALIGNED] = "len:u32le str[3] data align[8 file] \"END\"",
    [HIDDEN] = "u32le=0xffffffff skip:u16be bytes[skip] @hide | len:u32le data",
};

static void put_record(struct archive *a, enum shape shape, const uint8_t *payload, size_t len,
                       struct ff_prop *prop)
{
    struct ff_record *record = &a->records[a->count];
    char text[32];

    if (shape == HIDDEN && ff_prop_below(prop, 3) == 0) {
        size_t skip = ff_prop_below(prop, 300);
        put_number(a, 0xffffffff, 4, false);
        put_number(a, skip, 2, true);
        put(a, payload, skip);
    }
    record->number = a->count++;
    record->offset = a->len;
    switch (shape) {
    case TAG4:
        put(a, "TAG!", 4);
        put_number(a, len, 8, false);
        break;
    case VARINT:
        put_varint(a, len);
        break;
    case PCAP_BE:
        put_number(a, 1000 + record->number, 4, true);
        put_number(a, 77, 4, true);
        put_number(a, len, 4, true);
        put_number(a, len + 5, 4, true);
        break;
    case FORTRAN8:
        put_number(a, len, 8, true);
        break;
    case NETSTRING:
        put(a, text, (size_t)snprintf(text, sizeof(text), "%zu:", len));
        break;
    case ALIGNED:
        put_number(a, len, 4, false);
        put(a, "xyz", 3);
        break;
    default:
        put_number(a, len, 4, false);
        break;
    }
    record->head = a->len - record->offset;
    record->payload = len;
    put(a, payload, len);
    switch (shape) {
    case FORTRAN8:
        put_number(a, len, 8, true);
        break;
    case NETSTRING:
        put(a, ",", 1);
        break;
    case ALIGNED:
        while (a->len % 8)
            put(a, "", 1);
        put(a, "END", 3);
        break;
    default:
        break;
    }
    record->tail = a->len - record->offset - record->head - len;
}

static void write_archive(struct archive *a, enum shape shape, struct ff_prop *prop)
{
    static uint8_t payload[(size_t)3 << 20];
    static const size_t sizes[] = {0, 1, 64, 300, 65536, (size_t)1 << 20, ((size_t)1 << 20) + 1};

    a->len = 0;
    a->count = 0;
    if (shape == PCAP_BE) {
        put_number(a, 0xa1b2c3d4, 4, true);
        put_number(a, 2, 2, true);
        put_number(a, 4, 2, true);
        put_number(a, 0, 8, true);
        put_number(a, 65535, 4, true);
        put_number(a, 1, 4, true);
    }
    size_t count = ff_prop_below(prop, RECORDS_MAX);
    bool large = false;
    for (size_t i = 0; i < count; i++) {
        size_t len = ff_prop_below(prop, 500);
        if (ff_prop_below(prop, 8) == 0 && !large) {
            len = sizes[ff_prop_below(prop, 7)];
            large = len > 65536;
        }
        for (size_t b = 0; b < len; b += 1 + len / 64)
            payload[b] = (uint8_t)ff_prop_next(prop);
        put_record(a, shape, payload, len, prop);
    }
}

static void assert_same(const struct ff_record *got, const struct ff_record *want)
{
    assert_int_equal(got->number, want->number);
    assert_int_equal(got->offset, want->offset);
    assert_int_equal(got->head, want->head);
    assert_int_equal(got->payload, want->payload);
    assert_int_equal(got->tail, want->tail);
}

static struct ff_source *open_cut(const struct archive *a, size_t len, size_t step)
{
    struct ff_source *memory, *source;
    struct ff_fault settings = {.short_max_bytes = step};
    assert_int_equal(ff_source_open_memory(a->bytes, len, &memory, NULL), 0);
    assert_int_equal(ff_source_open_fault(memory, &settings, &source, NULL), 0);
    return source;
}

/* Scans [0, len) from `from`: the records from its number on, then a damage if the cut is inside a
 * frame, then the end. */
static void check_scan(const struct archive *a, const struct ff_format *format, size_t len,
                       size_t step, const struct ff_scan_position *from)
{
    struct ff_source *source = open_cut(a, len, step);
    struct ff_scan *scan;
    struct ff_scan_event event;
    size_t next = from ? (size_t)from->record : 0;

    assert_int_equal(ff_scan_open(source, format, from, FF_SCAN_WINDOW_MIN_BYTES, &scan, NULL), 0);
    for (;;) {
        assert_int_equal(ff_scan_next(scan, &event, NULL), 0);
        if (event.kind != FF_SCAN_RECORD)
            break;
        assert_true(next < a->count);
        assert_same(&event.record, &a->records[next]);
        next++;
    }
    /* None that is whole is missing. */
    if (next < a->count)
        assert_true(a->records[next].offset + ff_record_frame(&a->records[next]) > len);
    if (len == a->len)
        assert_int_equal(event.kind, FF_SCAN_END);
    if (event.kind == FF_SCAN_DAMAGE) {
        assert_int_equal(event.damage.code, -ENODATA);
        assert_int_equal(event.damage.offset + event.damage.len, len);
        assert_int_equal(ff_scan_next(scan, &event, NULL), 0);
        assert_int_equal(event.kind, FF_SCAN_END);
    }
    ff_scan_close(scan);
    ff_source_close(source);
}

/* Positions between frames, taken while scanning once. */
static void check_resume(const struct archive *a, const struct ff_format *format,
                         struct ff_prop *prop)
{
    struct ff_source *source = open_cut(a, a->len, 0);
    struct ff_scan *scan;
    struct ff_scan_event event;
    struct ff_scan_position positions[RECORDS_MAX + 1];
    size_t count = 0;

    assert_int_equal(ff_scan_open(source, format, NULL, 0, &scan, NULL), 0);
    for (;;) {
        assert_int_equal(ff_scan_next(scan, &event, NULL), 0);
        if (event.kind != FF_SCAN_RECORD)
            break;
        ff_scan_position(scan, &positions[count++]);
    }
    ff_scan_close(scan);
    ff_source_close(source);
    for (size_t i = 0; i < count; i += 1 + ff_prop_below(prop, 8))
        check_scan(a, format, a->len, 1 + ff_prop_below(prop, 100000), &positions[i]);
}

static void scans_find_what_was_written(void **state)
{
    (void)state;
    static const size_t steps[] = {0, 1, 2, 3, 7, 61, 251, 4093, 65521};
    struct ff_prop prop = ff_prop_start(20);
    struct archive a = {.bytes = malloc(ARCHIVE_MAX)};
    assert_non_null(a.bytes);

    for (unsigned long round = 0; round < ff_prop_rounds(3); round++) {
        for (int shape = 0; shape < SHAPES; shape++) {
            struct ff_format *format;
            assert_int_equal(ff_format_compile(descriptions[shape], &format, NULL), 0);
            write_archive(&a, (enum shape)shape, &prop);
            for (size_t s = 0; s < sizeof(steps) / sizeof(*steps); s++)
                if (steps[s] == 0 || a.len / steps[s] < 200000)
                    check_scan(&a, format, a.len, steps[s], NULL);
            for (int i = 0; i < 4; i++)
                check_scan(&a, format, ff_prop_below(&prop, a.len + 1), 0, NULL);
            check_resume(&a, format, &prop);
            ff_format_free(format);
        }
    }
    free(a.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(scans_find_what_was_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
