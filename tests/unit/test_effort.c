/* How much of an archive is read for what: whatever its bytes are, in proportion to its size. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "joined.h"

#define FRAGS "frame = kind:u8=frag(0 1 2 3) len:u16le data\n"

/* A source in memory that counts. */
struct counted {
    struct ff_source source;
    const struct bytes *bytes;
    uint64_t *read_bytes;
};

static ssize_t counted_pread(struct ff_source *source, void *buf, size_t len, uint64_t offset)
{
    const struct counted *counted = (struct counted *)source;
    size_t left = offset < counted->bytes->len ? counted->bytes->len - (size_t)offset : 0;
    size_t n = len < left ? len : left;

    if (n)
        memcpy(buf, counted->bytes->at + offset, n);
    *counted->read_bytes += n;
    return (ssize_t)n;
}

static int counted_stat(struct ff_source *source, struct ff_source_stat *ret_stat)
{
    *ret_stat = (struct ff_source_stat){.size = ((struct counted *)source)->bytes->len};
    return 0;
}

static int counted_check(struct ff_source *source)
{
    (void)source;
    return 0;
}

static void counted_close(struct ff_source *source)
{
    free(source);
}

/* Opened and scanned; *read_bytes goes on to be counted while it is open. */
static struct ff_archive *counted_archive(const struct bytes *bytes, const char *lines,
                                          uint64_t *read_bytes)
{
    static const struct ff_source_ops ops = {.pread = counted_pread,
                                             .stat = counted_stat,
                                             .check = counted_check,
                                             .close = counted_close};
    struct ff_archive_options options = {.name = "test"};
    struct ff_archive *archive;
    struct counted *counted = malloc(sizeof(*counted));

    assert_non_null(counted);
    *counted = (struct counted){.source.ops = &ops, .bytes = bytes, .read_bytes = read_bytes};
    *read_bytes = 0;
    assert_int_equal(ff_archive_open(&counted->source, format_of(lines), &options, &archive, NULL),
                     0);
    assert_int_equal(ff_archive_scan(archive, UINT64_MAX, NULL), 0);
    return archive;
}

static void add_fragment(struct bytes *bytes, uint8_t kind, size_t len)
{
    bytes_fill(bytes, kind, 1);
    bytes_le(bytes, len, 2);
    for (size_t i = 0; i < len; i++)
        bytes_fill(bytes, (uint8_t)(bytes->len * 7 % 251), 1);
}

/* A record of so many fragments of len bytes each. */
static void add_record(struct bytes *bytes, size_t fragments, size_t len)
{
    for (size_t i = 0; i < fragments; i++)
        add_fragment(bytes, i == 0 ? 1 : i + 1 < fragments ? 2 : 3, len);
}

/* Bytes [at, at + len) of the payload of the first record, whose fragments are of equal size. */
static void check_payload(struct ff_archive *archive, const struct bytes *bytes, size_t fragment,
                          uint64_t at, size_t len)
{
    struct ff_record record;
    struct ff_view view;
    uint8_t buf[512];

    assert_true(len <= sizeof(buf));
    assert_int_equal(ff_archive_record(archive, 0, &record), 0);
    assert_int_equal(ff_view_record(archive, &record, FF_CONTENT_PAYLOAD, &view), 0);
    assert_int_equal(ff_view_read(archive, &view, buf, len, at, NULL), len);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(buf[i],
                         bytes->at[(at + i) / fragment * (fragment + 3) + 3 + (at + i) % fragment]);
}

static uint64_t next_random(uint64_t *state, uint64_t bound)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*state >> 33) % bound;
}

/* Once it was passed, no read of it passes all of it again. */
static void a_joined_record_is_read_anywhere(void **state)
{
    (void)state;
    enum { FRAGMENTS = 40000, LEN = 300, READS = 400 };
    struct bytes bytes = {0};
    uint64_t read_bytes, seed = 3, size = (uint64_t)FRAGMENTS * LEN;

    add_record(&bytes, FRAGMENTS, LEN);
    struct ff_archive *archive = counted_archive(&bytes, FRAGS, &read_bytes);
    check_payload(archive, &bytes, LEN, size - 100, 100);
    read_bytes = 0;
    for (int i = 0; i < READS; i++)
        check_payload(archive, &bytes, LEN, next_random(&seed, size - 500), 500);
    assert_true(read_bytes / READS < bytes.len / 100);
    /* Backwards as well. */
    read_bytes = 0;
    for (uint64_t at = size - 500; at > size / 2; at -= size / READS)
        check_payload(archive, &bytes, LEN, at, 500);
    assert_true(read_bytes / (READS / 2) < bytes.len / 100);
    ff_archive_close(archive);
    bytes_done(&bytes);
}

/* More records than places are known of, read in turns: none gets another's bytes. */
static void places_of_one_record_are_none_of_another(void **state)
{
    (void)state;
    enum { RECORDS = 40, LEN = 20, READS = 4000 };
    struct bytes bytes = {0};
    uint64_t read_bytes, seed = 8;
    size_t begin[RECORDS], fragments[RECORDS];

    for (size_t i = 0; i < RECORDS; i++) {
        begin[i] = bytes.len;
        fragments[i] = 64 + i;
        add_record(&bytes, fragments[i], LEN);
    }
    struct ff_archive *archive = counted_archive(&bytes, FRAGS, &read_bytes);
    for (int n = 0; n < READS; n++) {
        struct ff_record record;
        struct ff_view view;
        uint8_t buf[30];
        size_t i = next_random(&seed, RECORDS);
        bool frame = next_random(&seed, 2);
        size_t at = next_random(&seed, fragments[i] * LEN - sizeof(buf));
        assert_int_equal(ff_archive_record(archive, i, &record), 0);
        assert_int_equal(
            ff_view_record(archive, &record, frame ? FF_CONTENT_FRAME : FF_CONTENT_PAYLOAD, &view),
            0);
        assert_int_equal(ff_view_read(archive, &view, buf, sizeof(buf), at, NULL), sizeof(buf));
        for (size_t k = 0; k < sizeof(buf); k++, at++)
            assert_int_equal(
                buf[k], bytes.at[begin[i] + (frame ? at : at / LEN * (LEN + 3) + 3 + at % LEN)]);
    }
    ff_archive_close(archive);
    bytes_done(&bytes);
}

static void many_hidden_frames_before_a_part_are_passed_once(void **state)
{
    (void)state;
    enum { HIDDEN = 20000, LEN = 65000, PIECE = 500 };
    struct bytes bytes = {0}, payload = {0};
    struct ff_record record;
    struct ff_view view;
    uint8_t buf[PIECE];
    uint64_t read_bytes;

    add_fragment(&bytes, 1, 0);
    for (size_t i = 0; i < HIDDEN; i++)
        bytes_add(&bytes, "#passed over by readers#", 24);
    size_t last = bytes.len;
    add_fragment(&bytes, 3, LEN);
    bytes_add(&payload, bytes.at + last + 3, LEN);
    struct ff_archive *archive = counted_archive(
        &bytes, "frame.hidden = \"#passed over by readers#\" @hide\n" FRAGS, &read_bytes);
    assert_int_equal(ff_archive_record(archive, 0, &record), 0);
    assert_int_equal(ff_view_record(archive, &record, FF_CONTENT_PAYLOAD, &view), 0);
    read_bytes = 0;
    for (size_t at = 0; at < LEN; at += PIECE) {
        assert_int_equal(ff_view_read(archive, &view, buf, PIECE, at, NULL), PIECE);
        assert_memory_equal(buf, payload.at + at, PIECE);
    }
    /* The frames once, then for each piece a header. */
    assert_true(read_bytes < bytes.len + LEN / PIECE * (uint64_t)32768);
    ff_archive_close(archive);
    bytes_done(&bytes);
    bytes_done(&payload);
}

static void zeros_over_many_blocks_are_read_once(void **state)
{
    (void)state;
    enum { BLOCK = 64, BLOCKS = 20000 };
    struct bytes bytes = {0};
    uint64_t read_bytes;

    add_fragment(&bytes, 10, BLOCK - 3);
    bytes_fill(&bytes, 9, 1); /* damage, then room set aside, then a record behind it */
    bytes_fill(&bytes, 0, (size_t)BLOCK * BLOCKS - 1);
    add_fragment(&bytes, 10, 5);
    struct ff_archive *archive =
        counted_archive(&bytes,
                        "frame = kind:u8=frag(10 1 2 3) len:u16le data\nblock = 64/3\n"
                        "tail = zeros\n",
                        &read_bytes);
    assert_int_equal(ff_archive_count(archive), 2);
    assert_true(read_bytes < 8 * (uint64_t)bytes.len);
    ff_archive_close(archive);
    bytes_done(&bytes);
}

/* A magic, and behind it a line without end: each costs 64 KiB to look at. */
static void add_endless_lines(struct bytes *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes_add(bytes, "FROM1", 5);
    for (size_t i = 0; i < 6554; i++)
        bytes_add(bytes, "..........", 10);
    bytes_add(bytes, "\nFROM1\naFROM1\nb", 15);
}

static void frames_tried_after_damage_have_a_limit(void **state)
{
    (void)state;
    static const char lines[] = "frame = \"FROM\" len:dec1 line data\n";

    for (size_t over = 0; over < 2; over++) {
        struct bytes bytes = {0};
        uint64_t read_bytes;
        /* FF_RESYNC_MAX_TRIED_BYTES and 8 times what is passed. */
        size_t places = (1 << 30) / 65536;
        places += over ? places * 5 * 8 / 65536 + 8 : 0;
        bytes_add(&bytes, "?", 1);
        add_endless_lines(&bytes, places);
        struct ff_archive *archive = counted_archive(&bytes, lines, &read_bytes);
        assert_int_equal(ff_archive_count(archive), over ? 0 : 2);
        assert_true(read_bytes < 16 * (uint64_t)bytes.len);
        ff_archive_close(archive);
        bytes_done(&bytes);
    }
}

/* Frames of the lengths in turn, in KiB, so many times: how much of them a scan reads, per cent. */
static unsigned int percent_read(const unsigned int *lens_kib, size_t kinds, size_t times)
{
    static const uint8_t kib[1024];
    struct bytes bytes = {0};
    uint64_t read_bytes;

    for (size_t i = 0; i < kinds * times; i++) {
        bytes_le(&bytes, (uint64_t)lens_kib[i % kinds] << 10, 4);
        for (unsigned int k = 0; k < lens_kib[i % kinds]; k++)
            bytes_add(&bytes, kib, sizeof(kib));
    }
    struct ff_archive *archive = counted_archive(&bytes, "frame = len:u32le data\n", &read_bytes);
    assert_int_equal(ff_archive_count(archive), kinds * times);
    ff_archive_close(archive);
    unsigned int percent = (unsigned int)(100 * read_bytes / bytes.len);
    bytes_done(&bytes);
    return percent;
}

/* Where some frames are longer and some shorter than what is read in the time of a jump. */
static void frames_are_all_read_or_all_jumped_over(void **state)
{
    (void)state;
    static const unsigned int shorter[] = {170, 225, 150, 180, 230, 140, 195};
    static const unsigned int longer[] = {330, 180, 300, 210, 256, 190, 320};
    static const unsigned int limit[] = {192, 193};

    assert_in_range(percent_read(shorter, 7, 15), 99, 101);
    assert_in_range(percent_read(longer, 7, 15), 0, 5);
    /* Either way. */
    unsigned int percent = percent_read(limit, 2, 50);
    assert_true(percent <= 5 || percent >= 99);
}

static void a_frame_is_jumped_over_that_is_much_longer_than_others(void **state)
{
    (void)state;
    static const unsigned int some_long[] = {64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 4096};
    static const unsigned int some_short[] = {1024, 16, 16, 1024, 16, 1024, 16};

    assert_in_range(percent_read(some_long, 11, 10), 640 * 100 / 4736, 30);
    assert_in_range(percent_read(some_short, 7, 20), 0, 20);
}

/* What the first frames are like is forgotten. */
static void later_frames_are_read_or_jumped_over_by_their_lengths(void **state)
{
    (void)state;
    unsigned int lens_kib[200];

    for (size_t i = 0; i < 200; i++)
        lens_kib[i] = i < 20 ? 1024 : 100;
    assert_in_range(percent_read(lens_kib, 200, 1), 40, 50);
    for (size_t i = 0; i < 200; i++)
        lens_kib[i] = i < 20 ? 100 : 300;
    assert_in_range(percent_read(lens_kib, 200, 1), 3, 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_joined_record_is_read_anywhere),
        cmocka_unit_test(places_of_one_record_are_none_of_another),
        cmocka_unit_test(many_hidden_frames_before_a_part_are_passed_once),
        cmocka_unit_test(zeros_over_many_blocks_are_read_once),
        cmocka_unit_test(frames_tried_after_damage_have_a_limit),
        cmocka_unit_test(frames_are_all_read_or_all_jumped_over),
        cmocka_unit_test(a_frame_is_jumped_over_that_is_much_longer_than_others),
        cmocka_unit_test(later_frames_are_read_or_jumped_over_by_their_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
