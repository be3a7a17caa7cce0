/* Records in several frames, joined by the program and, the obvious way, by this test. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "joined.h"

#include "source/fault.h"

enum part { WHOLE, FIRST, MIDDLE, LAST };

/* A way to write fragments. */
struct coding {
    const char *lines;
    const char *glue;
    size_t least; /* bytes of a fragment */
    /* Appends one frame. */
    void (*frame)(struct bytes *out, enum part part, const uint8_t *payload, size_t len);
};

static void tagged(struct bytes *out, enum part part, const uint8_t *payload, size_t len)
{
    bytes_fill(out, (uint8_t)(10 * (part + 1)), 1);
    bytes_le(out, len, 2);
    bytes_add(out, payload, len);
    bytes_add(out, "!?", 2);
}

static void in_bits(struct bytes *out, enum part part, const uint8_t *payload, size_t len)
{
    bytes_be(out, (uint64_t)part << 14 | len, 2);
    bytes_add(out, payload, len);
}

static void recordio(struct bytes *out, enum part part, const uint8_t *payload, size_t len)
{
    /* dmlc-core, recordio.h: 1 begins, 2 goes on, 3 ends. */
    bytes_le(out, 0xced7230a, 4);
    bytes_le(out, (uint64_t)part << 29 | len, 4);
    bytes_add(out, payload, len);
    bytes_fill(out, 0, -len % 4);
}

static void fortran(struct bytes *out, enum part part, const uint8_t *payload, size_t len)
{
    /* gfortran manual, "File format": the first marker is negative when the record goes on, the
     * second one when it began before. */
    bool more = part == FIRST || part == MIDDLE, began = part == MIDDLE || part == LAST;
    bytes_le(out, more ? 0 - (uint64_t)len : len, 4);
    bytes_add(out, payload, len);
    bytes_le(out, began ? 0 - (uint64_t)len : len, 4);
}

static const struct coding codings[] = {
    {"frame = kind:u8=frag(10 20 30 40) len:u16le data \"!?\"\nglue = \"<>\"", "<>", 0, tagged},
    {"frame = kind:u8=frag(10 20 30 40) len:u16le data \"!?\"", "", 0, tagged},
    {"frame = u16be{frag:2 len:14} data", "", 0, in_bits},
    {"recordio", "\x0a\x23\xd7\xce", 0, recordio},
};

/* The archive, and what its records should be. */
enum { RECORDS = 14 };
struct model {
    struct bytes archive, payload[RECORDS], frame[RECORDS], all;
};

static void model_done(struct model *model)
{
    for (int i = 0; i < RECORDS; i++) {
        bytes_done(&model->payload[i]);
        bytes_done(&model->frame[i]);
    }
    bytes_done(&model->archive);
    bytes_done(&model->all);
}

static unsigned int next_random(uint64_t *state, unsigned int bound)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned int)(*state >> 33) % bound;
}

static void add_fragment(struct model *model, int i, const struct coding *coding, enum part part,
                         uint64_t *seed)
{
    uint8_t payload[16];
    size_t len = coding->least + next_random(seed, (unsigned int)(sizeof(payload) - coding->least));

    for (size_t n = 0; n < len; n++)
        payload[n] = (uint8_t)next_random(seed, 256);
    size_t from = model->archive.len;
    coding->frame(&model->archive, part, payload, len);
    bytes_add(&model->frame[i], model->archive.at + from, model->archive.len - from);
    if (part == MIDDLE || part == LAST)
        bytes_add(&model->payload[i], coding->glue, strlen(coding->glue));
    bytes_add(&model->payload[i], payload, len);
}

static struct model make_model(const struct coding *coding, uint64_t seed)
{
    struct model model = {0};
    for (int i = 0; i < RECORDS; i++) {
        unsigned int parts = next_random(&seed, 3) ? 1 : 2 + next_random(&seed, 4);
        for (unsigned int p = 0; p < parts; p++)
            add_fragment(&model, i, coding,
                         parts == 1      ? WHOLE
                         : p == 0        ? FIRST
                         : p + 1 < parts ? MIDDLE
                                         : LAST,
                         &seed);
        bytes_add(&model.all, model.payload[i].at, model.payload[i].len);
    }
    return model;
}

/* Every stretch of what the view shows. */
static void check_view(struct ff_archive *archive, uint64_t number, enum ff_content content,
                       const struct bytes *want)
{
    struct ff_record record;
    struct ff_view view;
    uint8_t buf[256];

    assert_int_equal(ff_archive_record(archive, number, &record), 0);
    assert_int_equal(ff_view_record(archive, &record, content, &view), 0);
    assert_int_equal(view.len, want->len);
    assert_true(want->len < sizeof(buf));
    for (size_t offset = 0; offset <= want->len; offset++)
        for (size_t len = 1; len <= want->len - offset + 1;
             len += len < 4 ? 1 : 3 + want->len / 6) {
            size_t left = want->len - offset;
            ssize_t got = ff_view_read(archive, &view, buf, len, offset, NULL);
            assert_int_equal(got, left < len ? left : len);
            if (got)
                assert_memory_equal(buf, want->at + offset, (size_t)got);
        }
}

static void check_archive(const struct model *model, const char *lines)
{
    struct ff_archive *archive = archive_of(&model->archive, lines);
    uint8_t buf[64];
    uint64_t size;

    assert_int_equal(ff_archive_count(archive), RECORDS);
    for (int i = 0; i < RECORDS; i++) {
        check_view(archive, (uint64_t)i, FF_CONTENT_PAYLOAD, &model->payload[i]);
        check_view(archive, (uint64_t)i, FF_CONTENT_FRAME, &model->frame[i]);
        check_view(archive, (uint64_t)i, FF_CONTENT_FILE, &model->frame[i]);
    }
    assert_int_equal(ff_all_size(archive, 0, &size), 0);
    assert_int_equal(size, model->all.len);
    for (size_t offset = 0; offset <= size; offset += 29) {
        size_t left = (size_t)size - offset, want = left < sizeof(buf) ? left : sizeof(buf);
        assert_int_equal(ff_all_read(archive, "", 0, buf, sizeof(buf), offset, NULL), want);
        if (want)
            assert_memory_equal(buf, model->all.at + offset, want);
    }
    ff_archive_close(archive);
}

/* The same by ff_scan_read(): forwards, then from the end backwards. */
static void check_scan(const struct model *model, const char *lines)
{
    struct ff_source *source = source_of(&model->archive);
    struct ff_format *format = format_of(lines);
    struct ff_scan *scan;
    struct ff_scan_event event;
    uint8_t buf[3];

    assert_int_equal(ff_scan_open(source, format, NULL, 0, &scan, NULL), 0);
    for (int i = 0; i < RECORDS; i++) {
        assert_int_equal(ff_scan_next(scan, &event, NULL), 0);
        assert_int_equal(event.kind, FF_SCAN_RECORD);
        for (int frame = 0; frame < 2; frame++) {
            const struct bytes *want = frame ? &model->frame[i] : &model->payload[i];
            for (size_t n = 0; n <= want->len * 2; n++) {
                size_t offset = n <= want->len ? n : want->len * 2 - n;
                size_t left = want->len - offset, len = left < sizeof(buf) ? left : sizeof(buf);
                ssize_t got = ff_scan_read(scan, frame ? FF_CONTENT_FRAME : FF_CONTENT_PAYLOAD, buf,
                                           sizeof(buf), offset, NULL);
                assert_int_equal(got, len);
                if (len)
                    assert_memory_equal(buf, want->at + offset, len);
            }
        }
    }
    assert_int_equal(ff_scan_next(scan, &event, NULL), 0);
    assert_int_equal(event.kind, FF_SCAN_END);
    ff_scan_close(scan);
    ff_format_free(format);
    ff_source_close(source);
}

static void fragments_are_joined_with_glue_between(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof(codings) / sizeof(*codings); c++) {
        struct model model = make_model(&codings[c], 100 + c);
        check_archive(&model, codings[c].lines);
        check_scan(&model, codings[c].lines);
        model_done(&model);
    }
}

static void signs_of_lengths_join_fragments(void **state)
{
    (void)state;
    static const struct coding coding = {"frame = len:i32le data i32le=len\nsignfrag =", "", 1,
                                         fortran};
    struct model model = make_model(&coding, 7);
    check_archive(&model, coding.lines);
    check_scan(&model, coding.lines);
    check_archive(&model, "fortran");
    model_done(&model);
}

static void a_source_that_fails_is_no_other_archive(void **state)
{
    (void)state;
    enum { LEN = 60000, BAD = 50000 };
    const struct ff_fault_range bad = {.offset = BAD, .len = 1, .code = -EREMOTEIO};
    const struct ff_fault fault = {.ranges = &bad, .range_count = 1};
    struct ff_archive_options options = {.name = "test"};
    struct bytes bytes = {0};
    struct ff_source *source;
    struct ff_archive *archive;
    struct ff_record record;
    struct ff_view view;
    uint8_t buf[16];

    for (int part = 1; part < 4; part += 2) {
        bytes_fill(&bytes, (uint8_t)part, 1);
        bytes_le(&bytes, LEN, 2);
        bytes_fill(&bytes, 'x', LEN);
    }
    assert_int_equal(ff_source_open_fault(source_of(&bytes), NULL, &source, NULL), 0);
    assert_int_equal(ff_archive_open(source,
                                     format_of("frame = kind:u8=frag(0 1 2 3) len:u16le data"),
                                     &options, &archive, NULL),
                     0);
    assert_int_equal(ff_archive_scan(archive, UINT64_MAX, NULL), 0);
    assert_int_equal(ff_archive_record(archive, 0, &record), 0);
    assert_int_equal(ff_view_record(archive, &record, FF_CONTENT_PAYLOAD, &view), 0);
    ff_source_fault_set(source, &fault);
    assert_int_equal(ff_view_read(archive, &view, buf, sizeof(buf), BAD - 3, NULL), -EREMOTEIO);
    assert_int_equal(ff_view_read(archive, &view, buf, sizeof(buf), LEN, NULL), sizeof(buf));
    ff_archive_close(archive);
    bytes_done(&bytes);
}

/* ---- blocks ---- */

#define BLOCK      32
#define HEADER     7
#define BLOCKS_INI "frame = u32le len:u16le=size(data) kind:u8=frag(1 2 3 4) data\nblock = 32/7\n"

/* The log writer of LevelDB (doc/log_format.md), for small blocks: a record as many fragments as it
 * needs, and a trailer of zeros where no header fits. */
static void add_blocks(struct model *model, int i, const uint8_t *payload, size_t len)
{
    static const uint8_t zeros[HEADER];
    struct bytes *out = &model->archive;
    size_t done = 0;
    bool first = true;

    do {
        size_t left = BLOCK - out->len % BLOCK;
        if (left < HEADER) {
            bytes_add(out, zeros, left);
            left = BLOCK;
        }
        size_t n = len - done < left - HEADER ? len - done : left - HEADER, from = out->len;
        bool last = done + n == len;
        bytes_le(out, 0x11223344, 4);
        bytes_le(out, n, 2);
        bytes_fill(out, first && last ? 1 : first ? 2 : last ? 4 : 3, 1);
        bytes_add(out, payload + done, n);
        bytes_add(&model->frame[i], out->at + from, out->len - from);
        done += n;
        first = false;
    } while (done < len);
    bytes_add(&model->payload[i], payload, len);
    bytes_add(&model->all, payload, len);
}

/* All places of a block that a record can begin at, and records over up to five blocks. */
static void records_are_cut_at_blocks(void **state)
{
    (void)state;
    uint8_t payload[4 * BLOCK];
    int empty_firsts = 0, paddings = 0;

    for (size_t start = 0; start < BLOCK; start++) {
        struct model model = {0};
        uint64_t seed = start;
        add_blocks(&model, 0, payload, start < HEADER ? 0 : start - HEADER);
        for (int i = 1; i < RECORDS; i++) {
            size_t len = next_random(&seed, i % 4 ? BLOCK : sizeof(payload));
            for (size_t n = 0; n < len; n++)
                payload[n] = (uint8_t)next_random(&seed, 256);
            size_t left = BLOCK - model.archive.len % BLOCK;
            empty_firsts += left == HEADER && len;
            paddings += left < HEADER;
            add_blocks(&model, i, payload, len);
        }
        check_archive(&model, BLOCKS_INI);
        check_scan(&model, BLOCKS_INI);
        /* Room for the next records, set aside. */
        bytes_fill(&model.archive, 0, 3 * BLOCK);
        check_archive(&model, BLOCKS_INI "tail = zeros");
        model_done(&model);
    }
    /* A first fragment of no bytes is written where only a header fits. */
    assert_true(empty_firsts > 5 && paddings > 20);
}

static void frames_do_not_cross_blocks(void **state)
{
    (void)state;
    struct bytes archive = {0};

    for (int over = 0; over < 2; over++) {
        size_t len = (size_t)(BLOCK - HEADER + over);
        bytes_le(&archive, 0, 4);
        bytes_le(&archive, len, 2);
        bytes_fill(&archive, 1, 1);
        bytes_fill(&archive, 'x', len);
        bytes_fill(&archive, 0, -archive.len % BLOCK);
        bytes_add(&archive, "\0\0\0\0\1\0\1y", 8);
        assert_string_equal(events_of(&archive, BLOCKS_INI),
                            over ? "d0+32 d32+32 r64+8" : "r0+32 r32+8");
        bytes_done(&archive);
    }
}

/* ---- what cannot be joined ---- */

#define TAGGED "frame = kind:u8=frag(0 1 2 3) len:u8 data\n"

static void is(const char *lines, const char *archive, size_t len, const char *events)
{
    struct bytes bytes = {0};
    bytes_add(&bytes, archive, len);
    assert_string_equal(events_of(&bytes, lines), events);
    bytes_done(&bytes);
}
#define IS(lines, archive, events) is(lines, archive, sizeof(archive) - 1, events)

/* Of a pipe nothing behind its end is told, too. */
static void the_last_block_may_be_short(void **state)
{
    (void)state;
    static const char lines[] = TAGGED "block = 16/4\n";

    IS(lines, "\0\13hello world\xee", "r0+13");
    IS(TAGGED "block = 16/4\npostamble = \"END\"\n", "\0\13hello world\xee", "r0+13 d14+0~");
    IS(lines, "\0\3abc\x77\0", "r0+5 d5+2");
    IS(lines, "\0\3abc\x77\0\0\0\0\0\0\0\0\0\0\0\1x", "r0+5 d5+11 r16+3");
}

static void parts_without_the_others_are_damage(void **state)
{
    (void)state;
    IS(TAGGED, "\0\1a\1\1b\3\1c\0\0", "r0+3 r3+6 r9+2");
    /* stray: the last or a middle one alone */
    IS(TAGGED, "\3\1a\0\1b", "d0+3 r3+3");
    IS(TAGGED, "\2\1a\2\0\3\1b\0\1b", "d0+3 d3+2 d5+3 r8+3");
    IS(TAGGED, "\0\1a\3\1b", "r0+3 d3+3");
    /* unfinished: another begins, whole or not */
    IS(TAGGED, "\1\1a\0\1b", "d0+3 r3+3");
    IS(TAGGED, "\1\1a\2\2bb\1\1c\3\1d", "d0+7 r7+6");
    /* unfinished at the end */
    IS(TAGGED, "\0\1a\1\1b", "r0+3 d3+3~");
    IS(TAGGED, "\1\1a\2\1b\2\1c", "d0+9~");
    /* a value that is no kind of fragment */
    IS("frame = kind:u8=frag(0 1 2 3) len:u8 data\n", "\0\1a\4\1b", "r0+3 d3+3");
    IS("frame = u8{frag:3 len:5} data\n", "\1a\x80", "r0+2 d2+1");
}

static void a_part_cut_short_loses_the_record(void **state)
{
    (void)state;
    IS(TAGGED, "\0\1a\1\1b\3\2c", "r0+3 d3+6~");
    IS(TAGGED, "\0\1a\1\1b\3", "r0+3 d3+4~");
}

static void hidden_frames_lie_between_parts(void **state)
{
    (void)state;
    static const char archive[] = "\1\1a#\2\1b##\3\1c\0\1d";
    struct bytes bytes = {0}, want = {0}, file;

    bytes_add(&bytes, archive, sizeof(archive) - 1);
    struct ff_archive *opened = archive_of(&bytes, "frame.hidden = \"#\" @hide\n" TAGGED);
    assert_int_equal(ff_archive_count(opened), 2);
    file = file_of(opened, 0, FF_CONTENT_PAYLOAD);
    bytes_add(&want, "abc", 3);
    same_bytes(&file, &want);
    bytes_done(&file);
    bytes_done(&want);
    file = file_of(opened, 0, FF_CONTENT_FRAME);
    bytes_add(&want, "\1\1a\2\1b\3\1c", 9);
    same_bytes(&file, &want);
    bytes_done(&file);
    bytes_done(&want);
    bytes_done(&bytes);
    ff_archive_close(opened);
}

static void lengths_of_records_have_a_limit(void **state)
{
    (void)state;
    /* of one frame: the payload of a record that is whole */
    IS("frame = len:u8 data\nmax = 5", "\4abcd", "r0+5");
    IS("frame = len:u8 data\nmax = 5", "\6abcdef", "d0+7");
    /* of all frames of a joined one */
    IS(TAGGED "max = 8", "\1\2ab\3\2cd\0\1e", "r0+8 r8+3");
    IS(TAGGED "max = 8", "\1\2ab\3\3cde\0\1e", "d0+9 r9+3");
    IS(TAGGED "max = 8", "\1\2ab\2\3cde\3\1f\0\1e", "d0+9 d9+3 r12+3");
}

static void negative_lengths_have_a_size(void **state)
{
    (void)state;
#define SIGNED "frame = len:i32le data i32le=len\nsignfrag ="
    IS(SIGNED, "\xff\xff\xff\xff\x61\1\0\0\0\1\0\0\0b\xff\xff\xff\xff", "r0+18");
    /* The smallest number has no positive one of its width. */
    IS(SIGNED, "\0\0\0\x80\0\0\0\x80", "d0+8~");
    /* The two lengths differ. */
    IS(SIGNED, "\1\0\0\0a\2\0\0\0", "d0+9");
    /* Without signfrag they are refused. */
    IS("frame = len:i32le data i32le=len", "\xff\xff\xff\xff\x61\1\0\0\0", "d0+9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fragments_are_joined_with_glue_between),
        cmocka_unit_test(signs_of_lengths_join_fragments),
        cmocka_unit_test(records_are_cut_at_blocks),
        cmocka_unit_test(frames_do_not_cross_blocks),
        cmocka_unit_test(the_last_block_may_be_short),
        cmocka_unit_test(a_source_that_fails_is_no_other_archive),
        cmocka_unit_test(parts_without_the_others_are_damage),
        cmocka_unit_test(a_part_cut_short_loses_the_record),
        cmocka_unit_test(hidden_frames_lie_between_parts),
        cmocka_unit_test(lengths_of_records_have_a_limit),
        cmocka_unit_test(negative_lengths_have_a_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
