/* Where the scan goes on after damage, what is hidden and what is told. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "archive/resync.h"
#include "joined.h"

static void is(const char *lines, const char *archive, size_t len, const char *events)
{
    struct bytes bytes = {0};
    bytes_add(&bytes, archive, len);
    assert_string_equal(events_of(&bytes, lines), events);
    bytes_done(&bytes);
}
#define IS(lines, archive, events) is(lines, archive, sizeof(archive) - 1, events)

#define MAGIC "frame = \"REC\" len:u8 data\n"

static void a_magic_is_searched(void **state)
{
    (void)state;
    IS(MAGIC, "REC\1aREC\1bREC\1c", "r0+5 r5+5 r10+5");
    IS(MAGIC, "REC\1aXEC\1bREC\1cREC\1d", "r0+5 d5+5 r10+5 r15+5");
    IS(MAGIC, "??REC\1aREC\1b", "d0+2 r2+5 r7+5");
    IS(MAGIC, "REC\1aREC\1bxyz", "r0+5 r5+5 d10+3");
    /* A magic inside of a valid payload is not looked at. */
    IS(MAGIC, "REC\5REC\1zREC\1b", "r0+9 r9+5");
    /* The frame before the damage goes past the end: what is found leads to the end. */
    IS(MAGIC,
       "REC\1aREC\xff"
       "bREC\1c",
       "r0+5 d5+5 r10+5");
    /* The directive tells it where the frames do not begin alike. */
    IS("frame = \"GR\" u8 len:u8 data\nresync = \"GR\"", "GR\1\1aG?\1\1bGR\2\1c",
       "r0+5 d5+5 r10+5");
    /* None begins all frames, and what begins the last kind of them says nothing of the others. */
    IS("frame.a = \"ABCDE\" len:u8 data\nframe.b = \"VWXYZ\" len:u8 data\n"
       "frame.c = \"KLMNO\" len:u8 data",
       "ABCDE\1a??ABCDE\1bVWXYZ\1c??VWXYZ\1dKLMNO\1e", "r0+7 d7+2 r9+7 r16+7 d23+2 r25+7 r32+7");
}

/* Frames that have no magic, 16 bytes of payload and one more each. */
static size_t add_frames(struct bytes *out, int count)
{
    size_t from = out->len;
    for (int i = 0; i < count; i++) {
        bytes_le(out, (uint64_t)(40 + i), 4);
        bytes_fill(out, (uint8_t)(0x80 + i), (size_t)(40 + i));
    }
    return out->len - from;
}

static void plausible_frames_are_searched_where_there_is_no_magic(void **state)
{
    (void)state;
    struct bytes archive = {0};
    char want[64];

    size_t before = add_frames(&archive, 3);
    bytes_fill(&archive, 0xff, 50);
    size_t after = archive.len;
    add_frames(&archive, 12);
    const char *events = events_of(&archive, "frame = len:u32le data");
    snprintf(want, sizeof(want), "r0+44 r44+45 r89+46 d%zu+", before);
    assert_memory_equal(events, want, strlen(want));
    /* The first frame found may be a false one that ends well by chance: it counts as lost. */
    snprintf(want, sizeof(want), "d%zu+%zu r%zu+45 ", before, after + 44 - before, after + 44);
    assert_non_null(strstr(events, want));
    bytes_done(&archive);
}

/* A frame with a constant of FF_RESYNC_FRAME_BITS is sure of itself. */
static void frames_with_long_constants_are_not_lost(void **state)
{
    (void)state;
    struct bytes archive = {0};
    for (int i = 0; i < 6; i++) {
        if (i == 2)
            bytes_fill(&archive, 0, 9);
        bytes_le(&archive, 3, 2);
        bytes_le(&archive, 0xdeadbeef, 4);
        bytes_fill(&archive, 'x', 3);
    }
    assert_string_equal(events_of(&archive, "frame = len:u16le u32le=0xdeadbeef data"),
                        "r0+9 r9+9 d18+9 r27+9 r36+9 r45+9 r54+9");
    bytes_done(&archive);
}

/* Six frames with that constant of len bytes, and before the third and the fourth two bytes more.
 */
static const char *damaged_twice(const char *constant, size_t len, const char *lines)
{
    struct bytes archive = {0};
    for (int i = 0; i < 6; i++) {
        if (i == 2 || i == 3)
            bytes_fill(&archive, 0xff, 2);
        bytes_le(&archive, 3, 2);
        bytes_add(&archive, constant, len);
        bytes_fill(&archive, 'x', 3);
    }
    const char *events = events_of(&archive, lines);
    bytes_done(&archive);
    return events;
}

static void a_single_frame_between_two_damages_must_be_sure_of_itself(void **state)
{
    (void)state;
    /* FF_RESYNC_ALONE_BITS, and a byte less. */
    assert_string_equal(damaged_twice("ABCDE", 5, "frame = len:u16le \"ABCDE\" data"),
                        "r0+10 r10+10 d20+2 r22+10 d32+2 r34+10 r44+10 r54+10");
    assert_string_equal(damaged_twice("ABCD", 4, "frame = len:u16le \"ABCD\" data"),
                        "r0+9 r9+9 d18+13 r31+9 r40+9 r49+9");
    /* Short constants also stand between the true frames: FF_RESYNC_ITEM_BITS, and a byte less. */
    assert_string_equal(damaged_twice("ABCDE", 5, "frame = len:u16le \"ABC\" \"DE\" data"),
                        "r0+10 r10+10 d20+2 r22+10 d32+2 r34+10 r44+10 r54+10");
    assert_string_equal(damaged_twice("ABCDE", 5, "frame = len:u16le \"AB\" \"CD\" \"E\" data"),
                        "r0+10 r10+10 d20+24 r44+10 r54+10");
}

/* More than the search looks at at once: to see the frame's end it has to leave its beginning. */
static void checksums_of_large_frames_are_compared_with_their_own_bytes(void **state)
{
    (void)state;
    size_t begins[6];
    struct bytes archive = {0};
    char want[64];

    for (size_t i = 0; i < 6; i++) {
        size_t len = 300000 + i;
        begins[i] = archive.len;
        bytes_le(&archive, 0xdeadbeef, 4);
        bytes_le(&archive, i == 1 ? len + 1 : len, 4);
        bytes_le(&archive, (len & 0xff) + (len >> 8 & 0xff) + (len >> 16), 4);
        bytes_fill(&archive, 'x', len);
        bytes_le(&archive, len, 4);
    }
    const char *events =
        events_of(&archive, "frame = u32le=0xdeadbeef len:u32le u32le=sum32(len) data u32le=len");
    snprintf(want, sizeof(want), "d%zu+%zu r%zu+", begins[1], begins[2] - begins[1], begins[2]);
    assert_non_null(strstr(events, want));
    bytes_done(&archive);
}

/* Where the first length is taken for the second, frames follow on each other as well, four bytes
 * before the true ones. */
static void chains_side_by_side_are_told_by_what_frames_looked_like_before(void **state)
{
    (void)state;
    struct bytes archive = {0};
    size_t third = 0, fifth = 0;
    char want[64];

    for (int i = 0; i < 16; i++) {
        size_t len = (size_t)(40 + i);
        third = i == 2 ? archive.len : third;
        fifth = i == 4 ? archive.len : fifth;
        bytes_be(&archive, len, 4);
        bytes_be(&archive, i == 2 ? UINT32_MAX : len, 4);
        bytes_be(&archive, 0x7fffffff, 4);
        bytes_fill(&archive, (uint8_t)(0x80 + i), len);
    }
    const char *events = events_of(&archive, "frame = olen:u32be len:u32be flags:u32be data");
    snprintf(want, sizeof(want), "d%zu+%zu r%zu+56 ", third, fifth - third, fifth);
    assert_non_null(strstr(events, want));
    bytes_done(&archive);
}

static void blocks_begin_anew(void **state)
{
    (void)state;
    struct bytes archive = {0};

    bytes_add(&archive, "\1a\1b\xff", 5);
    bytes_fill(&archive, 0xff, 11);
    bytes_add(&archive, "\2cd", 3);
    assert_string_equal(events_of(&archive, "frame = len:u8 data\nblock = 16/1"),
                        "r0+2 r2+2 d4+12 r16+3");
    bytes_done(&archive);
}

#define ZEROS "frame = \"REC\" len:u8 data\ntail = zeros"
#define JUNK  "frame = \"REC\" len:u8 data \"END\"\ntail = junk"

static void tails_are_hidden(void **state)
{
    (void)state;
    IS(ZEROS, "REC\1a\0\0\0\0\0", "r0+5");
    IS(ZEROS, "REC\1a\0\0\0\0x", "r0+5 d5+5");
    IS(ZEROS, "REC\1a\0\0\0REC\1b", "r0+5 r8+5");
    IS(ZEROS, "REC\1a\0\1\0REC\1b", "r0+5 d5+3 r8+5");
    /* What holds no record at all is no tail. */
    IS(ZEROS, "\0\0\0\0\0", "d0+5");
    IS(JUNK, "REC\1aENDhello", "r0+8");
    IS(JUNK, "REC\1aENDhelloREC\1bEND", "r0+8 r13+8");
    /* What ends as a frame does is a damaged one. */
    IS(JUNK, "REC\1aENDREX\1bENDREC\1cEND", "r0+8 d8+8 r16+8");
    IS(JUNK, "hello", "d0+5");
    /* So is what begins as one, wherever it does; also behind the last frame. */
    IS(JUNK, "REC\1aENDREC\1bANDREC\1cEND", "r0+8 d8+8 r16+8");
    IS(JUNK, "REC\1aENDheadREC\1bANDREC\1cEND", "r0+8 d8+12 r20+8");
    IS(JUNK, "REC\1aENDREX\1bEND", "r0+8 d8+8");
    IS(JUNK, "REC\1aENDREC\1bAND", "r0+8 d8+8");
    IS(JUNK, "REC\1aENDREC\1bEN", "r0+8 d8+7~");
    IS(JUNK, "REC\1aENDheadREC\1bEN", "r0+8 d8+11");
    /* Frames without an end of their own. */
    IS("frame = \"REC\" len:u8 data\ntail = junk", "REC\1ahello", "r0+5");
    IS("frame = \"REC\" len:u8 data\ntail = junk", "REC\1ahelloREC\2b", "r0+5 d5+10");
}

static void an_archive_behind_another_is_read(void **state)
{
    (void)state;
#define ENDS "frame.end = \"REC\\0\" @end\nframe = \"REC\" len:u8 data"
    IS(ENDS, "REC\1aREC\0REC\1bREC\0", "r0+5 r9+5");
    IS(ENDS, "REC\1aREC\0\0\0\0REC\1bREC\0\0\0", "r0+5 r12+5");
    IS(ENDS, "REC\1aREC\0REC\2b", "r0+5 d9+5~");
    /* Something else may follow the end. */
    IS(ENDS, "REC\1aREC\0hello REC\1b", "r0+5");
    IS(ENDS, "REC\1aREC\0RE", "r0+5");
    IS("preamble = \"P\"\n" ENDS, "PREC\1aREC\0REC\1b", "r1+5");
}

static void heads_are_hidden(void **state)
{
    (void)state;
#define HEAD "frame = \"REC\" len:u8 data\nresync = \"REC\"\nhead = junk"
    IS(HEAD, "text before\nREC\1aREC\1b", "r12+5 r17+5");
    IS(HEAD, "text before\nREC\1aREC\1b?REC\1c", "r12+5 r17+5 d22+1 r23+5");
    IS(HEAD, "text only", "d0+9");
}

static void sync_markers_are_compared(void **state)
{
    (void)state;
#define SYNC                                                                                       \
    "preamble = \"S\" sync:bytes[4]\n"                                                             \
    "frame.sync = \"\\xff\" bytes[4]=sync @hide\n"                                                 \
    "frame = len:u8!=255 data bytes[4]=sync"
    IS(SYNC, "SABCD\1aABCD\2bcABCD", "r5+6 r11+7");
    IS(SYNC,
       "SABCD\1aABCD\xff"
       "ABCD\2bcABCD",
       "r5+6 r16+7");
    IS(SYNC, "SABCD\1aABCE", "d5+6");
    IS(SYNC,
       "SABCD\1aABCD\xff"
       "ABCE",
       "r5+6 d11+5");
}

static void what_the_first_frame_says_is_repeated(void **state)
{
    (void)state;
#define LOG "frame = \"F\" log:bytes[2]=log len:u8 data\n"
#define OLD "frame.old = \"F\" bytes[2] n:u8 bytes[n] @end\n"
    IS(LOG, "FAB\1aFAB\2bc", "r0+5 r5+6");
    IS(LOG "resync = \"FA\"", "FAB\1aFAC\1bFAB\1c", "r0+5 d5+5 r10+5");
    IS(LOG OLD, "FAB\1aFAB\1bFCD\1cFAB\1d", "r0+5 r5+5");
    /* Damage before the first good frame says nothing. */
    IS(LOG OLD "resync = \"FA\"", "XCD\1aFAB\1bFAB\1cFCD\1d", "d0+5 r5+5 r10+5");
    /* In several alternatives it is the same, and beside a preamble, too. */
    IS("preamble = \"P\"\nframe.a = \"F\" log:bytes[1]=log len:u8 data\n"
       "frame.b = \"G\" log:bytes[1]=log len:u8 data\n",
       "PFA\1aGA\1bGB\1c", "r1+4 r5+4 d9+4");
}

/* Of an end and of what is to be repeated. */
static void a_wrong_checksum_hides_nothing(void **state)
{
    (void)state;
#define SUMMED                                                                                     \
    "frame = log:bytes[1]=log len:u8 u32le=sum32(log..len) data\n"                                 \
    "frame.old = log:bytes[1] n:u8 u32le=sum32(log..n) bytes[n] @end\n"                            \
    "block = 16/3\n"
#define A     "A\1\x42\0\0\0a"
#define C     "C\1\x44\0\0\0c"
#define WRONG "C\1\x45\0\0\0c"
    IS(SUMMED, A A "--" C A "--", "r0+7 r7+7");
    IS(SUMMED, A A "--" WRONG A "--" A C "--", "r0+7 r7+7 d16+16 r32+7");
    IS(SUMMED, WRONG A "--" A C "--", "r0+7 r7+7 r16+7");
}

static void one_field_is_remembered(void **state)
{
    (void)state;
    static const char *const descriptions[] = {
        "a:bytes[2]=a b:bytes[2]=b len:u8 data",
        "a:bytes[2]=a len:u8 data | a:bytes[3]=a data[1]",
        "s:bytes[2]; a:bytes[2]=a b:bytes[2]=s data[1]",
        "s:bytes[2]; b:bytes[2]=s a:bytes[2]=a data[1]",
        "a:bytes[33]=a data[1]",
        "a:u16le=a data[1]",
        "a:bytes[2]=a; data[1]",
        "bytes[2]=a data[1]",
    };
    struct ff_format *format = NULL;

    assert_int_equal(ff_format_compile("s:bytes[2]; a:bytes[32]=a data[1]", &format, NULL), 0);
    ff_format_free(format);

    for (size_t i = 0; i < sizeof(descriptions) / sizeof(*descriptions); i++)
        assert_int_equal(ff_format_compile(descriptions[i], &format, NULL), -EINVAL);
}

static void frames_end_where_the_preamble_tells(void **state)
{
    (void)state;
#define FRAMES "preamble = \"V\" frames:u8\nframe = len:u8 data"
    IS(FRAMES, "V\4\1a\1bINDEX", "r2+2 r4+2");
    IS(FRAMES, "V\0INDEX", "");
    /* The archive is shorter; a frame goes past their end. */
    IS(FRAMES, "V\5\1a\1b", "r2+2 r4+2 d6+0~");
    IS(FRAMES, "V\3\1a\1bINDEX", "r2+2 d4+1");
}

/* Between two records lie more bytes than places are tried. */
static void the_search_has_a_limit(void **state)
{
    (void)state;
    for (int over = 0; over < 2; over++) {
        struct bytes archive = {0};
        char want[32];
        size_t before = add_frames(&archive, 1);
        /* The place after it is tried first; the chain is taken from its second frame on. */
        bytes_fill(&archive, 0xff, FF_RESYNC_MAX_PLACES - (over ? 0 : 1));
        add_frames(&archive, 12);
        const char *events = events_of(&archive, "frame = len:u32le data");
        if (over)
            snprintf(want, sizeof(want), "r0+44 d%zu+%zu~", before, archive.len - before);
        else
            snprintf(want, sizeof(want), "r0+44 d%zu+%zu r", before,
                     (size_t)FF_RESYNC_MAX_PLACES - 1 + 44);
        assert_memory_equal(events, want, strlen(want) + (over ? 1 : 0));
        bytes_done(&archive);
    }
}

#define HEADERS "frame = \"M\\n\" headers{len=Content-Length time=Date name=Id} data\n"

static void lengths_in_headers_are_strict(void **state)
{
    (void)state;
    IS(HEADERS, "M\nContent-Length: 3\n\nabc", "r0+24");
    IS(HEADERS, "M\r\n", "d0+3");
    IS(HEADERS, "M\ncontent-LENGTH:3\r\n\r\nabc", "r0+25");
    IS(HEADERS, "M\nId: x\n\nabc", "d0+12");
    IS(HEADERS, "M\nContent-Length: 3\nContent-Length: 3\n\nabc", "d0+42");
    IS(HEADERS, "M\nContent-Length: 3x\n\nabc", "d0+25");
    IS(HEADERS, "M\nContent-Length: +3\n\nabc", "d0+25");
    IS(HEADERS, "M\nContent-Length: -3\n\nabc", "d0+25");
    IS(HEADERS, "M\nContent-Length:\n\nabc", "d0+22");
    IS(HEADERS, "M\nContent-Length: 99999999999999999999\n\nabc", "d0+43");
    IS(HEADERS, "M\nContent-Length: 18446744073709551616\n\nabc", "d0+43");
    IS(HEADERS, "M\nno colon\n\nabc", "d0+15");
}

static void blocks_of_headers_have_a_limit(void **state)
{
    (void)state;
    for (int over = 0; over < 2; over++) {
        struct bytes archive = {0};
        static const char length[] = "Content-Length: 3\n";
        char want[32];
        bytes_add(&archive, "M\n", 2);
        bytes_add(&archive, length, sizeof(length) - 1);
        bytes_add(&archive, "X: ", 3);
        bytes_fill(&archive, 'x', 65536 - (sizeof(length) - 1) - 3 - 2 + (size_t)over);
        bytes_add(&archive, "\n\nabc", 5);
        snprintf(want, sizeof(want), "%s0+%d", over ? "d" : "r", 2 + 65536 + 3 + over);
        assert_string_equal(events_of(&archive, HEADERS), want);
        bytes_done(&archive);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_magic_is_searched),
        cmocka_unit_test(plausible_frames_are_searched_where_there_is_no_magic),
        cmocka_unit_test(frames_with_long_constants_are_not_lost),
        cmocka_unit_test(a_single_frame_between_two_damages_must_be_sure_of_itself),
        cmocka_unit_test(checksums_of_large_frames_are_compared_with_their_own_bytes),
        cmocka_unit_test(chains_side_by_side_are_told_by_what_frames_looked_like_before),
        cmocka_unit_test(blocks_begin_anew),
        cmocka_unit_test(tails_are_hidden),
        cmocka_unit_test(an_archive_behind_another_is_read),
        cmocka_unit_test(heads_are_hidden),
        cmocka_unit_test(sync_markers_are_compared),
        cmocka_unit_test(what_the_first_frame_says_is_repeated),
        cmocka_unit_test(a_wrong_checksum_hides_nothing),
        cmocka_unit_test(one_field_is_remembered),
        cmocka_unit_test(frames_end_where_the_preamble_tells),
        cmocka_unit_test(the_search_has_a_limit),
        cmocka_unit_test(lengths_in_headers_are_strict),
        cmocka_unit_test(blocks_of_headers_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
