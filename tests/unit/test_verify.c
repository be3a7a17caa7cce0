/* Checksums: of whole archives, however many threads check them, and of records before they are
 * read. The archives and their checksums are made by code of this file's own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#include <cmocka.h>

#include "archive/internal.h"
#include "joined.h"
#include "source/fault.h"

static uint32_t masked_crc32c(const uint8_t *bytes, size_t len)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < len; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
    }
    crc = ~crc;
    return (crc >> 15 | crc << 17) + UINT32_C(0xa282ead8);
}

static void add_tfrecord(struct bytes *bytes, size_t len)
{
    size_t at = bytes->len;

    bytes_le(bytes, len, 8);
    bytes_le(bytes, masked_crc32c(bytes->at + at, 8), 4);
    for (size_t i = 0; i < len; i++)
        bytes_fill(bytes, (uint8_t)(bytes->len * 31 % 253), 1);
    bytes_le(bytes, masked_crc32c(bytes->at + at + 12, len), 4);
}

/* ---- a large archive ---- */

enum { KINDS = 64, LARGE_BYTES = 45 << 20 };

/* Records of different sizes, the same KINDS of them over and over. */
struct large {
    struct bytes bytes;
    size_t count;
    size_t period;        /* bytes of all kinds */
    size_t starts[KINDS]; /* in a period */
};

/* Adds its first len bytes once more. */
static void repeat(struct bytes *bytes, size_t len)
{
    uint8_t *copy = malloc(len);

    assert_non_null(copy);
    memcpy(copy, bytes->at, len);
    bytes_add(bytes, copy, len);
    free(copy);
}

static struct large make_large(void)
{
    struct large large = {0};
    struct bytes *bytes = &large.bytes;

    for (size_t i = 0; i < KINDS; i++) {
        large.starts[i] = bytes->len;
        add_tfrecord(bytes, i % 9 * 97 + i);
    }
    large.period = bytes->len;
    large.count = KINDS;
    for (; bytes->len < LARGE_BYTES; large.count += KINDS)
        repeat(bytes, large.period);
    return large;
}

static size_t start_of(const struct large *large, size_t record)
{
    return record / KINDS * large->period + large->starts[record % KINDS];
}

static size_t record_behind(const struct large *large, size_t offset)
{
    size_t record = offset / large->period * KINDS;
    while (start_of(large, record) < offset)
        record++;
    return record;
}

/* Takes source over; opened, nothing scanned. */
static struct ff_archive *open_archive(struct ff_source *source, const char *lines,
                                       const struct ff_archive_options *options)
{
    const struct ff_archive_options plain = {.name = "test"};
    struct ff_archive *archive;

    assert_int_equal(
        ff_archive_open(source, format_of(lines), options ? options : &plain, &archive, NULL), 0);
    return archive;
}

static struct ff_archive *verified(const struct bytes *bytes, const char *lines,
                                   unsigned int threads)
{
    struct ff_archive *archive = open_archive(source_of(bytes), lines, NULL);

    assert_int_equal(ff_archive_verify(archive, threads, NULL), 0);
    return archive;
}

static void is_damaged(struct ff_archive *archive, uint64_t index, uint64_t record, uint64_t offset,
                       uint64_t len)
{
    struct ff_damage damage;

    assert_int_equal(ff_archive_damage(archive, index, &damage), 0);
    assert_int_equal(damage.code, -EBADMSG);
    assert_int_equal(damage.record, record);
    assert_int_equal(damage.offset, offset);
    assert_int_equal(damage.len, len);
}

static uint64_t damages_of(struct ff_archive *archive)
{
    struct ff_summary summary;

    ff_archive_summary(archive, &summary);
    return summary.damages;
}

static const unsigned int thread_counts[] = {1, 2, 4, FF_VERIFY_THREADS_MAX};

static void wrong_checksums_are_found_wherever_they_lie(void **state)
{
    (void)state;
    struct large large = make_large();
    size_t bad[64], count = 0, border = 0;
    struct ff_summary summary;

    /* The first and last record, and those on both sides of where stretches begin. */
    bad[count++] = 0;
    for (;;) {
        border = record_behind(&large, start_of(&large, border) + FF_VERIFY_STRETCH_BYTES);
        if (border >= large.count)
            break;
        bad[count++] = border - 1;
        bad[count++] = border;
    }
    assert_true(count > 4);
    bad[count++] = large.count - 1;
    /* Of its length, of a checksum, of its payload or of the other checksum. */
    for (size_t i = 0; i < count; i++) {
        size_t end = start_of(&large, bad[i] + 1);
        large.bytes.at[i % 2 ? end - 1 - i : start_of(&large, bad[i]) + 8 + i % 4] ^= 0x40;
    }

    for (size_t t = 0; t < sizeof(thread_counts) / sizeof(*thread_counts); t++) {
        struct ff_archive *archive = verified(&large.bytes, "tfrecord", thread_counts[t]);
        ff_archive_summary(archive, &summary);
        assert_int_equal(summary.records, large.count);
        assert_int_equal(summary.damages, count);
        assert_int_equal(summary.verified_bytes, large.bytes.len);
        /* The checks of a record end with the first wrong one. */
        assert_true(summary.checksums > 2 * large.count - count);
        assert_true(summary.checksums <= 2 * large.count);
        for (size_t i = 0; i < count; i++)
            is_damaged(archive, i, bad[i], start_of(&large, bad[i]),
                       start_of(&large, bad[i] + 1) - start_of(&large, bad[i]));
        ff_archive_close(archive);
    }
    bytes_done(&large.bytes);
}

static void every_checksum_is_computed_once(void **state)
{
    (void)state;
    struct large large = make_large();
    struct ff_summary summary;

    for (size_t t = 0; t < sizeof(thread_counts) / sizeof(*thread_counts); t++) {
        struct ff_archive *archive = verified(&large.bytes, "tfrecord", thread_counts[t]);
        ff_archive_summary(archive, &summary);
        assert_int_equal(summary.damages, 0);
        assert_int_equal(summary.checksums, 2 * large.count);
        ff_archive_close(archive);
    }
    bytes_done(&large.bytes);
}

/* What the first scan finds is told once, and what it passes over is not checked. */
static void other_damage_is_the_same_with_any_number_of_threads(void **state)
{
    (void)state;
    struct large large = make_large();
    struct ff_damage one, many;

    for (size_t record = 1000; record < large.count; record += large.count / 7)
        memset(large.bytes.at + start_of(&large, record), 0xff, 8);
    large.bytes.at[start_of(&large, 5000) + 9] ^= 1;
    struct ff_archive *single = verified(&large.bytes, "tfrecord", 1);
    struct ff_archive *several = verified(&large.bytes, "tfrecord", 4);
    assert_true(damages_of(single) >= 7);
    assert_int_equal(damages_of(several), damages_of(single));
    assert_int_equal(ff_archive_count(several), ff_archive_count(single));
    for (uint64_t i = 0; ff_archive_damage(single, i, &one) == 0; i++) {
        assert_int_equal(ff_archive_damage(several, i, &many), 0);
        assert_int_equal(many.code, one.code);
        assert_int_equal(many.offset, one.offset);
        assert_int_equal(many.len, one.len);
        assert_int_equal(many.record, one.record);
        assert_string_equal(many.reason, one.reason);
    }
    ff_archive_close(single);
    ff_archive_close(several);
    bytes_done(&large.bytes);
}

/* ---- failures ---- */

static struct ff_source *faulty(const struct bytes *bytes, const struct ff_fault *fault)
{
    struct ff_source *source;

    assert_int_equal(ff_source_open_fault(source_of(bytes), fault, &source, NULL), 0);
    return source;
}

static void a_source_that_fails_ends_it(void **state)
{
    (void)state;
    struct large large = make_large();
    const struct ff_fault_range range = {.offset = 20 << 20, .len = 1};
    const struct ff_fault fault = {.ranges = &range, .range_count = 1};

    for (size_t t = 0; t < sizeof(thread_counts) / sizeof(*thread_counts); t++) {
        struct ff_archive *archive = open_archive(faulty(&large.bytes, &fault), "tfrecord", NULL);
        struct ff_error error = {0};
        struct ff_damage damage;
        assert_int_equal(ff_archive_verify(archive, thread_counts[t], &error), -EIO);
        assert_non_null(strstr(error.text, "test"));
        assert_true(damages_of(archive) > 0);
        assert_int_equal(ff_archive_damage(archive, 0, &damage), 0);
        assert_int_equal(damage.code, -EIO);
        assert_true(damage.offset <= range.offset);
        ff_archive_close(archive);
    }
    bytes_done(&large.bytes);
}

/* The first scan passes over the payload; who checks it meets the fault. */
static void a_payload_that_cannot_be_read_ends_it(void **state)
{
    (void)state;
    enum { PAYLOAD = 4 << 20 };
    struct large large = make_large();
    size_t start = large.bytes.len, payload = start + 12;
    const struct ff_fault_range range = {.offset = payload + PAYLOAD - 4096, .len = 1};
    const struct ff_fault fault = {.ranges = &range, .range_count = 1};

    bytes_le(&large.bytes, PAYLOAD, 8);
    bytes_le(&large.bytes, masked_crc32c(large.bytes.at + start, 8), 4);
    repeat(&large.bytes, PAYLOAD);
    bytes_le(&large.bytes, masked_crc32c(large.bytes.at + payload, PAYLOAD), 4);
    repeat(&large.bytes, large.period); /* what is behind it */
    for (size_t t = 0; t < sizeof(thread_counts) / sizeof(*thread_counts); t++) {
        struct ff_archive *archive = open_archive(faulty(&large.bytes, &fault), "tfrecord", NULL);
        struct ff_damage damage;
        assert_int_equal(ff_archive_verify(archive, thread_counts[t], NULL), -EIO);
        assert_int_equal(damages_of(archive), 1);
        assert_int_equal(ff_archive_damage(archive, 0, &damage), 0);
        assert_int_equal(damage.code, -EIO);
        assert_int_equal(damage.offset, start);
        assert_int_equal(damage.record, large.count);
        ff_archive_close(archive);
    }
    struct ff_archive *archive = verified(&large.bytes, "tfrecord", 4);
    assert_int_equal(damages_of(archive), 0);
    ff_archive_close(archive);
    bytes_done(&large.bytes);
}

/* Where the archive ends from the first large read on. */
struct shrinking {
    struct ff_source *source;
    uint64_t end;
};

static void shrink(void *context, uint64_t offset, size_t len)
{
    const struct shrinking *shrinking = context;
    const struct ff_fault shrunken = {.end_offset = shrinking->end};

    (void)offset;
    if (len >= 64 << 10)
        ff_source_fault_set(shrinking->source, &shrunken);
}

/* While it is summed: that is no wrong checksum. */
static void a_payload_that_becomes_shorter_is_told_as_such(void **state)
{
    (void)state;
    enum { PAYLOAD = 4 << 20 };
    struct shrinking shrinking = {.end = PAYLOAD / 2 + 1};
    const struct ff_fault fault = {.on_read = shrink, .context = &shrinking};
    struct ff_checksum_result result;
    struct ff_record record;
    struct bytes bytes = {0};

    add_tfrecord(&bytes, PAYLOAD);
    struct ff_source *source = faulty(&bytes, NULL);
    struct ff_archive *archive = open_archive(source, "tfrecord", NULL);
    assert_int_equal(ff_archive_scan(archive, UINT64_MAX, NULL), 0);
    assert_int_equal(ff_archive_record(archive, 0, &record), 0);
    assert_int_equal(ff_archive_checksum(archive, &record, 1, &result, NULL), 0);
    assert_true(result.matches);
    shrinking.source = source;
    ff_source_fault_set(source, &fault);
    assert_int_equal(ff_archive_checksum(archive, &record, 1, &result, NULL), -ENODATA);
    ff_archive_close(archive);
    bytes_done(&bytes);
}

static void what_cannot_be_verified_is_said(void **state)
{
    (void)state;
    struct large large = make_large();
    const struct ff_fault changed = {.check_code = -ESTALE};
    const struct ff_archive_options few = {.name = "test", .records_max = 1000};

    for (size_t t = 0; t < sizeof(thread_counts) / sizeof(*thread_counts); t++) {
        struct ff_archive *archive = open_archive(faulty(&large.bytes, &changed), "tfrecord", NULL);
        assert_int_equal(ff_archive_verify(archive, thread_counts[t], NULL), -ESTALE);
        ff_archive_close(archive);
        archive = open_archive(source_of(&large.bytes), "tfrecord", &few);
        assert_int_equal(ff_archive_verify(archive, thread_counts[t], NULL), -EOVERFLOW);
        assert_int_equal(ff_archive_count(archive), 1000);
        ff_archive_close(archive);
    }
    struct ff_archive *archive = open_archive(source_of(&large.bytes), "tfrecord", NULL);
    assert_int_equal(ff_archive_scan(archive, 1, NULL), 0);
    assert_int_equal(ff_archive_verify(archive, 4, NULL), -EINVAL);
    ff_archive_close(archive);
    bytes_done(&large.bytes);
}

static void count_call(void *context)
{
    ++*(unsigned int *)context;
}

static void the_scan_still_tells_of_its_progress(void **state)
{
    (void)state;
    struct large large = make_large();

    for (unsigned int threads = 1; threads <= 4; threads += 3) {
        struct ff_archive *archive = open_archive(source_of(&large.bytes), "tfrecord", NULL);
        unsigned int calls = 0;
        ff_archive_on_progress(archive, count_call, &calls);
        assert_int_equal(ff_archive_verify(archive, threads, NULL), 0);
        assert_true(calls > 1);
        ff_archive_close(archive);
    }
    bytes_done(&large.bytes);
}

/* ---- every kind of checksum ---- */

static uint32_t sum32(const uint8_t *bytes, size_t len)
{
    uint32_t sum = 0;
    while (len--)
        sum += *bytes++;
    return sum;
}

/* Frames of four shapes for each kind of checksum. */
static const struct {
    const char *lines;
    unsigned int sum;  /* the checksum is so many bytes before the frame's end */
    unsigned int from; /* what it covers begins */
    bool big;
} kinds[] = {
#define PLAIN(name)   "frame = len:u16le data u32le=" name "(data)", 4, 2, false
#define LITERAL(name) "frame = \"M\" len:u8 data u32be=" name "(len..data)", 4, 1, true
#define SLOW(name)    "frame = len:varint data u32le=" name "(len..data)", 4, 0, false
#define AROUND(name)                                                                               \
    "frame = len:u8=size(x) k:u8 x:pad t:u8 u32be=" name "(k..t) z:u16le @data(x)", 6, 1, true
    {PLAIN("crc32")},         {LITERAL("crc32")},
    {SLOW("crc32")},          {AROUND("crc32")},
    {PLAIN("adler32")},       {LITERAL("adler32")},
    {SLOW("adler32")},        {AROUND("adler32")},
    {PLAIN("sum32")},         {LITERAL("sum32")},
    {SLOW("sum32")},          {AROUND("sum32")},
    {PLAIN("crc32c-masked")}, {LITERAL("crc32c-masked")},
    {SLOW("crc32c-masked")},  {AROUND("crc32c-masked")},
};

static uint32_t compute(size_t kind, const uint8_t *bytes, size_t len)
{
    switch (kind / 4) {
    case 0:
        return (uint32_t)crc32(0, bytes, (uInt)len);
    case 1:
        return (uint32_t)adler32(1, bytes, (uInt)len);
    case 2:
        return sum32(bytes, len);
    default:
        return masked_crc32c(bytes, len);
    }
}

/* Frames whose payloads have 1, 2 ... bytes. */
static void add_frame(struct bytes *bytes, size_t kind, size_t payload)
{
    size_t start = bytes->len;

    if (kind % 4 == 1)
        bytes_add(bytes, "M", 1);
    bytes_le(bytes, payload, kind % 4 == 0 ? 2 : 1);
    if (kind % 4 == 3)
        bytes_add(bytes, "k", 1);
    for (size_t i = 0; i < payload; i++)
        bytes_fill(bytes, (uint8_t)('a' + i), 1);
    if (kind % 4 == 3)
        bytes_add(bytes, "t", 1);
    size_t from = start + kinds[kind].from;
    uint32_t sum = compute(kind, bytes->at + from, bytes->len - from);
    if (kinds[kind].big)
        bytes_be(bytes, sum, 4);
    else
        bytes_le(bytes, sum, 4);
    if (kind % 4 == 3)
        bytes_add(bytes, "zz", 2);
}

static void a_flipped_bit_that_is_covered_is_found(void **state)
{
    (void)state;
    enum { FRAMES = 20, BAD = 11 };

    for (size_t kind = 0; kind < sizeof(kinds) / sizeof(*kinds); kind++) {
        struct bytes bytes = {0};
        size_t start = 0, end = 0;
        for (size_t i = 0; i < FRAMES; i++) {
            if (i == BAD)
                start = bytes.len;
            add_frame(&bytes, kind, i + 1);
            if (i == BAD)
                end = bytes.len;
        }
        struct ff_archive *archive = verified(&bytes, kinds[kind].lines, 1);
        assert_int_equal(ff_archive_count(archive), FRAMES);
        assert_int_equal(damages_of(archive), 0);
        ff_archive_close(archive);
        /* Behind the length, which the reading itself checks. */
        for (size_t at = start + 2; at < end; at++) {
            bool covered = at < end - kinds[kind].sum + 4;
            bytes.at[at] ^= 4;
            archive = verified(&bytes, kinds[kind].lines, 1);
            assert_int_equal(ff_archive_count(archive), FRAMES);
            assert_int_equal(damages_of(archive), covered);
            if (covered)
                is_damaged(archive, 0, BAD, start, end - start);
            ff_archive_close(archive);
            bytes.at[at] ^= 4;
        }
        bytes_done(&bytes);
    }
}

/* ---- joined records ---- */

enum { BLOCK = 32768, LOG_RECORDS = 12 };

static size_t log_payload(size_t record)
{
    return record * 9000 + 1;
}

/* A LevelDB log. fragment: where the middle one of the last record's frames stands. */
static struct bytes make_log(size_t *ret_record, size_t *ret_fragment, size_t *ret_len)
{
    struct bytes log = {0};

    for (size_t record = 0; record < LOG_RECORDS; record++) {
        size_t left = log_payload(record);
        *ret_record = log.len;
        for (size_t part = 0; left > 0; part++) {
            size_t room = BLOCK - log.len % BLOCK;
            if (room < 7) {
                bytes_fill(&log, 0, room);
                part--;
                continue;
            }
            size_t len = left < room - 7 ? left : room - 7, at = log.len;
            uint8_t kind = part == 0 ? (len == left ? 1 : 2) : (len == left ? 4 : 3);
            left -= len;
            bytes_le(&log, 0, 4);
            bytes_le(&log, len, 2);
            bytes_fill(&log, kind, 1);
            bytes_fill(&log, (uint8_t)('a' + part), len);
            uint32_t sum = masked_crc32c(log.at + at + 6, len + 1);
            for (int i = 0; i < 4; i++)
                log.at[at + (size_t)i] = (uint8_t)(sum >> (8 * i));
            if (part == 1) {
                *ret_fragment = at;
                *ret_len = len + 7;
            }
        }
    }
    return log;
}

static ssize_t read_view(struct ff_archive *archive, uint64_t number, enum ff_content content,
                         uint64_t offset, struct ff_error *error)
{
    struct ff_record record;
    struct ff_view view;
    char buf[16];

    assert_int_equal(ff_archive_record(archive, number, &record), 0);
    assert_int_equal(ff_view_record(archive, &record, content, &view), 0);
    size_t len = view.len - offset < sizeof(buf) ? (size_t)(view.len - offset) : sizeof(buf);
    return ff_view_read(archive, &view, buf, len, offset, error);
}

static void a_part_of_a_joined_record_is_checked_on_its_own(void **state)
{
    (void)state;
    size_t record, fragment = 0, len = 0;
    struct bytes log = make_log(&record, &fragment, &len);
    const struct ff_archive_options checks = {.name = "test", .verify_reads = true};
    char buf[16];

    struct ff_archive *archive = verified(&log, "leveldb-log", 4);
    assert_int_equal(ff_archive_count(archive), LOG_RECORDS);
    assert_int_equal(damages_of(archive), 0);
    ff_archive_close(archive);

    log.at[fragment + len / 2] ^= 1;
    archive = verified(&log, "leveldb-log", 4);
    assert_int_equal(ff_archive_count(archive), LOG_RECORDS);
    assert_int_equal(damages_of(archive), 1);
    is_damaged(archive, 0, LOG_RECORDS - 1, fragment, len);
    ff_archive_close(archive);

    /* Before it is read: all of the record fails, whichever part of it is asked for. */
    archive = open_archive(source_of(&log), "leveldb-log", &checks);
    assert_int_equal(ff_archive_scan(archive, UINT64_MAX, NULL), 0);
    for (uint64_t i = 0; i + 1 < LOG_RECORDS; i++)
        assert_true(read_view(archive, i, FF_CONTENT_PAYLOAD, 0, NULL) > 0);
    struct ff_error error = {0};
    assert_int_equal(read_view(archive, LOG_RECORDS - 1, FF_CONTENT_PAYLOAD, 0, &error), -EBADMSG);
    assert_non_null(strstr(error.text, "crc32c"));
    assert_int_equal(read_view(archive, LOG_RECORDS - 1, FF_CONTENT_PAYLOAD,
                               log_payload(LOG_RECORDS - 1) - 9, NULL),
                     -EBADMSG);
    assert_int_equal(read_view(archive, LOG_RECORDS - 1, FF_CONTENT_FRAME, 0, NULL), -EBADMSG);
    /* In the payloads one after the other, too. */
    uint64_t before = 0;
    for (size_t i = 0; i + 1 < LOG_RECORDS; i++)
        before += log_payload(i);
    assert_int_equal(ff_all_read(archive, NULL, 0, buf, 4, before - 4, NULL), 4);
    assert_int_equal(ff_all_read(archive, NULL, 0, buf, 4, before, NULL), -EBADMSG);
    ff_archive_close(archive);
    bytes_done(&log);
}

/* Its own checksum, which is wrong here, is none of the record's. */
static void a_hidden_frame_between_parts_is_no_part(void **state)
{
    static const char lines[] = "frame.hidden = u8=0xff u32le=crc32(n) n:u8 @hide\n"
                                "frame = kind:u8=frag(1 2 3 4) u32le=crc32(data) len:u8 data\n";
    (void)state;
    struct bytes bytes = {0};
    struct ff_checksum_result result;
    struct ff_record record;

    for (unsigned int part = 0; part < 2; part++) {
        bytes_le(&bytes, part ? 4 : 2, 1);
        bytes_le(&bytes, crc32(0, (const uint8_t *)"z", 1), 4);
        bytes_add(&bytes, "\1z", 2);
        if (part == 0)
            bytes_add(&bytes, "\xff\0\0\0\0n", 6);
    }
    struct ff_archive *archive = open_archive(source_of(&bytes), lines, NULL);
    assert_int_equal(ff_archive_scan(archive, UINT64_MAX, NULL), 0);
    assert_int_equal(ff_archive_record(archive, 0, &record), 0);
    for (unsigned int i = 0; i < 2; i++) {
        assert_int_equal(ff_archive_checksum(archive, &record, i, &result, NULL), 0);
        assert_true(result.matches);
        assert_int_equal(result.offset, i * 13 + 1);
    }
    assert_int_equal(ff_archive_checksum(archive, &record, 2, &result, NULL), -ENOENT);
    ff_archive_close(archive);
    bytes_done(&bytes);
}

/* The frame that begins another record is decoded twice; what is wrong in it is told once. */
static void a_frame_that_ends_an_unfinished_record_is_checked_once(void **state)
{
    static const char lines[] = "frame = kind:u8=frag(1 2 3 4) u32le=crc32(data) len:u8 data\n";
    (void)state;
    for (unsigned int wrong = 0; wrong < 2; wrong++) {
        struct bytes bytes = {0};
        for (uint64_t kind = 2; kind > 0; kind--) {
            bytes_le(&bytes, kind, 1);
            bytes_le(&bytes, crc32(0, (const uint8_t *)"z", 1) ^ (kind == 1 ? wrong : 0), 4);
            bytes_add(&bytes, "\1z", 2);
        }
        struct ff_archive *archive = verified(&bytes, lines, 1);
        struct ff_summary summary;
        struct ff_damage damage;
        ff_archive_summary(archive, &summary);
        assert_int_equal(summary.records, 1);
        assert_int_equal(summary.checksums, 2);
        assert_int_equal(summary.damages, 1 + wrong);
        assert_int_equal(ff_archive_damage(archive, 0, &damage), 0);
        assert_int_equal(damage.code, -EUCLEAN);
        assert_int_equal(damage.len, 7);
        if (wrong)
            is_damaged(archive, 1, 0, 7, 7);
        ff_archive_close(archive);
        bytes_done(&bytes);
    }
}

/* ---- before a record is read ---- */

struct reads {
    uint64_t bytes;
};

static void count_read(void *context, uint64_t offset, size_t len)
{
    (void)offset;
    ((struct reads *)context)->bytes += len;
}

static void a_verdict_is_remembered_and_a_failure_is_not(void **state)
{
    (void)state;
    enum { LEN = 300000 };
    struct bytes bytes = {0};
    struct reads reads = {0};
    const struct ff_archive_options checks = {.name = "test", .verify_reads = true};
    const struct ff_fault counts = {.on_read = count_read, .context = &reads};

    add_tfrecord(&bytes, LEN);
    size_t second = bytes.len;
    add_tfrecord(&bytes, LEN);
    bytes.at[second + LEN] ^= 1;
    struct ff_source *source = faulty(&bytes, &counts);
    struct ff_archive *archive = open_archive(source, "tfrecord", &checks);
    assert_int_equal(ff_archive_scan(archive, UINT64_MAX, NULL), 0);

    /* A source that fails says nothing of the record. */
    const struct ff_fault_range range = {.offset = LEN / 2, .len = 1};
    ff_source_fault_set(source, &(struct ff_fault){.ranges = &range, .range_count = 1});
    assert_int_equal(read_view(archive, 0, FF_CONTENT_PAYLOAD, 0, NULL), -EIO);
    ff_source_fault_set(source, &counts);

    for (uint64_t record = 0; record < 2; record++) {
        ssize_t want = record ? -EBADMSG : 16;
        reads.bytes = 0;
        assert_int_equal(read_view(archive, record, FF_CONTENT_PAYLOAD, 0, NULL), want);
        assert_true(reads.bytes >= LEN);
        reads.bytes = 0;
        assert_int_equal(read_view(archive, record, FF_CONTENT_PAYLOAD, 100, NULL), want);
        assert_int_equal(read_view(archive, record, FF_CONTENT_FRAME, 0, NULL), want);
        assert_int_equal(read_view(archive, record, FF_CONTENT_FILE, 0, NULL), want);
        assert_true(reads.bytes < LEN / 2);
    }
    ff_archive_close(archive);
    bytes_done(&bytes);
}

/* ---- verdicts ---- */

static void a_verdict_is_that_of_its_record_alone(void **state)
{
    (void)state;
    static struct ff_verdicts verdicts;
    uint64_t records[] = {0, 1, 2, 3, 4, 5, 7, 0, 0, 0, 0, 0, 0, 0, 0};
    size_t count = 7;

    /* Around the chunks' borders. */
    for (uint64_t byte = 1; byte < 3 << FF_VERDICT_FIRST_BITS && count < 15; byte++) {
        unsigned int chunk, next;
        size_t within;
        ff_chunk_locate(byte - 1, FF_VERDICT_FIRST_BITS, &chunk, &within);
        ff_chunk_locate(byte, FF_VERDICT_FIRST_BITS, &next, &within);
        if (chunk != next) {
            records[count++] = byte * 4 - 1;
            records[count++] = byte * 4;
        }
    }
    assert_int_equal(count, 15);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(ff_verdicts_get(&verdicts, records[i]), FF_CHECKED_NOT);
    for (size_t i = 0; i < count; i++)
        ff_verdicts_set(&verdicts, records[i], i % 3 ? FF_CHECKED_WELL : FF_CHECKED_DAMAGED);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(ff_verdicts_get(&verdicts, records[i]),
                         i % 3 ? FF_CHECKED_WELL : FF_CHECKED_DAMAGED);
    assert_int_equal(ff_verdicts_get(&verdicts, 6), FF_CHECKED_NOT);
    assert_int_equal(ff_verdicts_get(&verdicts, 8), FF_CHECKED_NOT);
    assert_int_equal(ff_verdicts_get(&verdicts, FF_INDEX_RECORDS_MAX - 1), FF_CHECKED_NOT);
    ff_verdicts_done(&verdicts);
}

enum { SET_BY_EACH = 20000, SETTERS = 4 };

struct setter {
    pthread_t thread;
    struct ff_verdicts *verdicts;
    uint64_t first;
};

static void *set_verdicts(void *context)
{
    struct setter *setter = context;
    for (uint64_t i = 0; i < SET_BY_EACH; i++)
        ff_verdicts_set(setter->verdicts, setter->first + i * SETTERS,
                        i % 2 ? FF_CHECKED_WELL : FF_CHECKED_DAMAGED);
    return NULL;
}

/* Neighbours share a byte, and chunks come into being meanwhile. */
static void no_verdict_is_lost_between_threads(void **state)
{
    (void)state;
    static struct ff_verdicts verdicts;
    struct setter setters[SETTERS];

    for (uint64_t i = 0; i < SETTERS; i++) {
        setters[i] = (struct setter){.verdicts = &verdicts, .first = i};
        assert_int_equal(pthread_create(&setters[i].thread, NULL, set_verdicts, &setters[i]), 0);
    }
    for (uint64_t i = 0; i < SETTERS; i++)
        pthread_join(setters[i].thread, NULL);
    for (uint64_t i = 0; i < (uint64_t)SET_BY_EACH * SETTERS; i++)
        assert_int_equal(ff_verdicts_get(&verdicts, i),
                         i / SETTERS % 2 ? FF_CHECKED_WELL : FF_CHECKED_DAMAGED);
    ff_verdicts_done(&verdicts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_checksums_are_found_wherever_they_lie),
        cmocka_unit_test(every_checksum_is_computed_once),
        cmocka_unit_test(other_damage_is_the_same_with_any_number_of_threads),
        cmocka_unit_test(a_source_that_fails_ends_it),
        cmocka_unit_test(a_payload_that_cannot_be_read_ends_it),
        cmocka_unit_test(a_payload_that_becomes_shorter_is_told_as_such),
        cmocka_unit_test(what_cannot_be_verified_is_said),
        cmocka_unit_test(the_scan_still_tells_of_its_progress),
        cmocka_unit_test(a_flipped_bit_that_is_covered_is_found),
        cmocka_unit_test(a_part_of_a_joined_record_is_checked_on_its_own),
        cmocka_unit_test(a_hidden_frame_between_parts_is_no_part),
        cmocka_unit_test(a_frame_that_ends_an_unfinished_record_is_checked_once),
        cmocka_unit_test(a_verdict_is_remembered_and_a_failure_is_not),
        cmocka_unit_test(a_verdict_is_that_of_its_record_alone),
        cmocka_unit_test(no_verdict_is_lost_between_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
