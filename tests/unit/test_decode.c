/* Frames of every kind of item, decoded from bytes written down by hand. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/checksum.h"
#include "format/decode.h"
#include "format/format.h"

struct result {
    int r;
    uint64_t head, payload, frame;
    char reason[200];
};

/* Decodes the first frame of the bytes. */
static struct result decode(const char *description, const void *bytes, size_t len)
{
    struct ff_format *format;
    struct ff_error error = {0};
    struct result result = {0};
    if (ff_format_compile(description, &format, &error) < 0) {
        print_error("%s\n", error.text);
        fail();
    }
    struct ff_window window = {.bytes = bytes, .len = len};
    struct ff_decoder d;
    ff_decoder_init(&d, &format->layout, len);
    ff_decode_begin(&d, FF_FRAME, 0);
    result.r = ff_decode(&d, &window);
    if (result.r == FF_DECODE_DONE) {
        ff_decoder_payload(&d, &result.head, &result.payload);
        result.frame = d.end;
    } else if (result.r < 0) {
        ff_decode_fault_text(&format->layout, &d.fault, result.reason, sizeof(result.reason));
    }
    ff_format_free(format);
    return result;
}

#define fits(description, bytes, want_head, want_payload, want_frame)                              \
    do {                                                                                           \
        struct result got = decode(description, bytes, sizeof(bytes) - 1);                         \
        if (got.r != 0)                                                                            \
            print_error("%s: %s\n", description, got.reason);                                      \
        assert_int_equal(got.r, 0);                                                                \
        assert_int_equal(got.head, want_head);                                                     \
        assert_int_equal(got.payload, want_payload);                                               \
        assert_int_equal(got.frame, want_frame);                                                   \
    } while (0)

#define misfits(description, bytes, code, words)                                                   \
    do {                                                                                           \
        struct result got = decode(description, bytes, sizeof(bytes) - 1);                         \
        assert_int_equal(got.r, code);                                                             \
        if (!strstr(got.reason, words)) {                                                          \
            print_error("%s: '%s' is not in '%s'\n", description, words, got.reason);              \
            fail();                                                                                \
        }                                                                                          \
    } while (0)

static void integers_of_every_width_and_order(void **state)
{
    (void)state;
    fits("len:u8 data",
         "\x03"
         "abcX",
         1, 3, 4);
    fits("len:u16le data", "\x03\0abc", 2, 3, 5);
    fits("len:u16be data",
         "\0\x03"
         "abc",
         2, 3, 5);
    fits("len:u24be data",
         "\0\0\x03"
         "abc",
         3, 3, 6);
    fits("len:u24le data", "\x03\0\0abc", 3, 3, 6);
    fits("len:u40be data",
         "\0\0\0\0\x03"
         "abc",
         5, 3, 8);
    fits("len:u48le data", "\x03\0\0\0\0\0abc", 6, 3, 9);
    fits("len:u56be data",
         "\0\0\0\0\0\0\x03"
         "abc",
         7, 3, 10);
    fits("len:i64le data", "\x03\0\0\0\0\0\0\0abc", 8, 3, 11);
    fits("len:u8 data", "\0", 1, 0, 1);
    fits("b32=0x01020304 len:u16e data", "\x01\x02\x03\x04\0\x01z", 6, 1, 7);
    fits("b32=0x01020304 len:u16e data", "\x04\x03\x02\x01\x01\0z", 6, 1, 7);
    misfits("b32=0x01020304 len:u16e data", "\x04\x03\x02\x02\x01\0z", -EUCLEAN, "constant");
}

static void signed_lengths_are_refused_when_negative(void **state)
{
    (void)state;
    misfits("len:i8 data",
            "\xff"
            "abc",
            -EUCLEAN, "negative (-1)");
    misfits("len:i32be data", "\x80\0\0\0abc", -EUCLEAN, "negative (-2147483648)");
    misfits("len:i64le data", "\0\0\0\0\0\0\0\x80", -EUCLEAN, "negative (-9223372036854775808)");
    misfits("len:i24le data", "\xff\xff\xff", -EUCLEAN, "negative (-1)");
    misfits("n:i8 bytes[n] data[0]", "\x80", -EUCLEAN, "negative (-128)");
}

static void lengths_past_the_end_and_overflowing(void **state)
{
    (void)state;
    misfits("len:u32le data",
            "\xff\xff\xff\xff"
            "abc",
            -ENODATA, "4294967295");
    misfits("len:u64le data",
            "\xff\xff\xff\xff\xff\xff\xff\xff"
            "abc",
            -EUCLEAN, "too large");
    misfits("len:u64le data",
            "\xff\xff\xff\xff\xff\xff\xff\x7f"
            "abc",
            -EUCLEAN, "too large");
    misfits("len:u64le*2 data",
            "\0\0\0\0\0\0\0\x60"
            "abc",
            -EUCLEAN, "too large");
    misfits("len:u8 data",
            "\x04"
            "abc",
            -ENODATA, "4 bytes long, but the archive ends 3 bytes");
    misfits("len:u32le data", "\x01\0", -ENODATA, "ends inside");
    misfits("total:u32le data", "\x03\0\0\0", -EUCLEAN, "at least 4");
    fits("total:u32le data", "\x04\0\0\0", 4, 0, 4);
    misfits("len:u8-5 data",
            "\x04"
            "abcdef",
            -EUCLEAN, "negative (-1)");
    fits("len:u8-5 data",
         "\x05"
         "abcdef",
         1, 0, 1);
}

static void sizes_of_what_is_read_by_a_reader_of_its_own(void **state)
{
    static const char description[] = "n:u64le*4 len:arrow_meta[n] data";
    (void)state;
    misfits(description, "\0\0\0\0\0\0\0\x20", -EUCLEAN, "too large (9223372036854775808)");
    /* All of it counts, not its low 64 bits. */
    misfits(description, "\x04\0\0\0\0\0\0\x40 0123456789abcdef", -EUCLEAN,
            "too large (18446744073709551632)");
    misfits("n:i8 len:arrow_meta[n] data", "\xff", -EUCLEAN, "negative (-1)");
}

static void varints(void **state)
{
    (void)state;
    fits("len:varint data",
         "\x03"
         "abc",
         1, 3, 4);
    fits("len:varint data",
         "\x83\x00"
         "abc",
         2, 3, 5);
    fits("len:varint data",
         "\x83\x80\x80\x80\x80\x80\x80\x80\x80\x00"
         "abc",
         10, 3, 13);
    misfits("len:varint data", "\x83\x80\x80\x80\x80\x80\x80\x80\x80\x02", -EUCLEAN, "varint");
    misfits("len:varint data", "\x83\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", -EUCLEAN, "varint");
    misfits("len:varint data", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", -EUCLEAN, "too large");
    misfits("len:varint data", "\x83", -ENODATA, "ends inside");
    fits("len:zigzag data",
         "\x06"
         "abc",
         1, 3, 4);
    misfits("len:zigzag data",
            "\x05"
            "abc",
            -EUCLEAN, "negative (-3)");
    misfits("len:zigzag data", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", -EUCLEAN,
            "-9223372036854775808");
}

static void digits(void **state)
{
    (void)state;
    fits("len:dec \":\" data \",\"", "3:abc,", 2, 3, 6);
    fits("len:hex \"\\r\\n\" data", "0A\r\n0123456789", 4, 10, 14);
    fits("len:oct3 data", "012abcdefghijk", 3, 10, 13);
    fits("len:dec10 data", "3         abc", 10, 3, 13);
    misfits("len:dec10 data", " 3        abc", -EUCLEAN, "digits");
    misfits("len:dec4 data", "3 1 abc", -EUCLEAN, "digits");
    misfits("len:dec \":\" data", "-3:abc", -EUCLEAN, "digits");
    misfits("len:dec \":\" data", "+3:abc", -EUCLEAN, "digits");
    misfits("len:dec \":\" data", ":abc", -EUCLEAN, "digits");
    misfits("len:oct3 data", "089abc", -EUCLEAN, "digits");
    misfits("len:dec \":\" data", "18446744073709551616:abc", -EUCLEAN, "too large");
    misfits("len:dec \":\" data", "000000000000000000003:abc", -EUCLEAN, "digits");
    fits("len:dec \":\" data", "00000000000000000003:abc", 21, 3, 24);
    misfits("len:dec \":\" data", "12", -ENODATA, "ends inside");
}

static void constants_sets_and_literals(void **state)
{
    (void)state;
    fits("u8=7 len:u8 data", "\x07\x01z", 2, 1, 3);
    misfits("u8=7 len:u8 data", "\x08\x01z", -EUCLEAN, "is 8, not the constant");
    fits("u8=(7 9) len:u8 data", "\x09\x01z", 2, 1, 3);
    misfits("u8!=(7 9) len:u8 data", "\x09\x01z", -EUCLEAN, "must not be");
    misfits("len:u8!=0 data", "\0", -EUCLEAN, "must not be");
    fits("\"MAGIC\" len:u8 data", "MAGIC\x01z", 6, 1, 7);
    misfits("\"MAGIC\" len:u8 data", "MAGIK\x01z", -EUCLEAN, "\"MAGIC\" is not here");
    fits("len:u8 data \"\\n\"?", "\x01z\nX", 1, 1, 3);
    fits("len:u8 data \"\\n\"?", "\x01zX", 1, 1, 2);
    fits("len:u8 data \"\\n\"?", "\x01z", 1, 1, 2);
    fits("str[4]=\"fmt \" len:u8 data", "fmt \x01z", 5, 1, 6);
    misfits("str[4]=\"fmt \" len:u8 data", "fmt.\x01z", -EUCLEAN, "is not here");
    fits("str[4]!=\"LIST\" len:u8 data", "LISP\x01z", 5, 1, 6);
    misfits("str[4]!=\"LIST\" len:u8 data", "LIST\x01z", -EUCLEAN, "that it must not");
    fits("a:u16le=\"\\x01\\x02\" len:u8 data", "\x01\x02\x01z", 3, 1, 4);
    fits("zero[3] len:u8 data", "\0\0\0\x01z", 4, 1, 5);
    misfits("zero[3] len:u8 data", "\0\x01\0\x01z", -EUCLEAN, "not zero");
    fits("i8=-1 len:u8 data", "\xff\x01z", 2, 1, 3);
    fits("a:u8 u8!=a len:u8 data", "\x01\x02\x01z", 3, 1, 4);
    misfits("a:u8 u8!=a len:u8 data", "\x01\x01\x01z", -EUCLEAN, "must not");
    misfits("a:u8 u8!=a len:u8 data", "\0\0\x01z", -EUCLEAN, "must not");
}

static void equations(void **state)
{
    (void)state;
    fits("len:u8 data u8=len",
         "\x03"
         "abc\x03",
         1, 3, 5);
    misfits("len:u8 data u8=len",
            "\x03"
            "abc\x04",
            -EUCLEAN, "is 4, but should repeat 3");
    fits("len:u8*2=size(data) data",
         "\x03"
         "abcdef",
         1, 6, 7);
    fits("len:u8*2+1=size(data) data",
         "\x01"
         "abc",
         1, 3, 4);
    fits("n:u8=size(key..data) k:u8 key:bytes[k] data",
         "\x05\x02"
         "kkabc",
         4, 3, 7);
    misfits("n:u8=size(key..data) k:u8 key:bytes[k] data",
            "\x01\x02"
            "kkabc",
            -EUCLEAN, "at least 2");
    fits("alloc:u8=size(data..pad) len:u8 data pad:pad",
         "\x05\x02"
         "abPPPX",
         2, 2, 7);
    misfits("alloc:u8=size(data..pad) len:u8 data pad:pad",
            "\x01\x02"
            "abPPP",
            -EUCLEAN, "at least 2");
    misfits("a:u8=size(data) b:u8=size(data) data",
            "\x01\x02"
            "ab",
            -EUCLEAN, "disagree");
    fits("a:u8=size(data) b:u8=size(data) data",
         "\x02\x02"
         "ab",
         2, 2, 4);
    fits("data[3] u8=size(data)", "abc\x03", 0, 3, 4);
    misfits("data[3] u8=size(data)", "abc\x04", -EUCLEAN, "is told, but it is 3");
    fits("n:u8=size(record) k:u8 bytes[k] data[1]", "\x05\x02kkz", 4, 1, 5);
    misfits("n:u8=size(record) k:u8 bytes[k] data[1]", "\x06\x02kkzz", -EUCLEAN, "but it is 5");
    fits("u16be{flag:4 len:12} data",
         "\xf0\x02"
         "ab",
         2, 2, 4);
    fits("total:u8 t:u8 data u8 u8", "\x06tabXY", 2, 2, 6);
}

static void places(void **state)
{
    (void)state;
    fits("len:u8 data align[4]", "\x01z\0\0X", 1, 1, 4);
    fits("len:u8 data align[4]", "\x03zzzX", 1, 3, 4);
    /* The last record's padding may be missing, but not what comes after it. */
    fits("len:u8 data align[4]", "\x01z", 1, 1, 2);
    misfits("len:u8 align[4] data", "\x01", -ENODATA, "ends");
    fits("len:u8 data align[2 data] u8=0xee", "\x03zzz\0\xee", 1, 3, 6);
    /* From the payload's beginning, also when something stands between. */
    fits("len:u8 data u8 align[4 data] \"!\"", "\x02zz#\0!", 1, 2, 6);
    fits("name:line len:u8 data", "a line\n\x01z", 8, 1, 9);
    misfits("name:line len:u8 data", "a line", -ENODATA, "ends inside");
    fits("data[4]", "abcdX", 0, 4, 4);
    misfits("n:u8 data[n] | \"x\"? n:u8 data[n]", "", -ENODATA, "ends");
}

static void lines_are_bounded(void **state)
{
    (void)state;
    char *bytes = malloc(FF_LINE_MAX_BYTES + 3);
    assert_non_null(bytes);
    memset(bytes, 'x', FF_LINE_MAX_BYTES + 3);
    bytes[FF_LINE_MAX_BYTES - 1] = '\n';
    assert_int_equal(decode("line data[1]", bytes, FF_LINE_MAX_BYTES + 1).r, 0);
    bytes[FF_LINE_MAX_BYTES - 1] = 'x';
    bytes[FF_LINE_MAX_BYTES] = '\n';
    struct result got = decode("line data[1]", bytes, FF_LINE_MAX_BYTES + 2);
    assert_int_equal(got.r, -EUCLEAN);
    assert_non_null(strstr(got.reason, "no end within 65536"));
    free(bytes);
}

static void alternatives_are_tried_in_order(void **state)
{
    (void)state;
    fits("u8=1 len:u8 data | u8=2 len:u16le data", "\x02\x01\0z", 3, 1, 4);
    fits("u8=1 len:u8 data | u8 len:u16le data", "\x01\x01zz", 2, 1, 3);
    /* A trailer that does not fit makes the alternative one that does not match. */
    fits("len:u8 data u8=0xee | len:u8 data u8=0xdd", "\x01z\xdd", 1, 1, 3);
    /* The byte order that a failed alternative saw is forgotten. */
    fits("b32=0x01020304 u8=9 len:u16e data | bytes[5] len:u16e data",
         "\x01\x02\x03\x04\x00\x01\x00z", 7, 1, 8);
    /* The fault that is told is that of the alternative that came furthest. */
    misfits("u8=1 len:u8 data | u8=2 len:u8 data \"END\"", "\x02\x01zEMD", -EUCLEAN,
            "\"END\" is not here");
    /* Of several that came as far the first one's. */
    misfits("u8=1 \"A\" data[0] | u8=1 \"B\" data[0] | u8=2 data[0]", "\x01Z", -EUCLEAN,
            "\"A\" is not here");
}

static void a_length_among_headers(void **state)
{
    static const char description[] = "headers{len=Size} data";
    (void)state;
    fits(description, "Size: 3\n\nabc", 9, 3, 12);
    fits(description, "Size: 00000000000000000003\n\nabc", 28, 3, 31);
    misfits(description, "Size: 000000000000000000003\n\nabc", -EUCLEAN, "not a number in digits");
    misfits(description, "Size: 9223372036854775808\n\nabc", -EUCLEAN, "data is too large");
    misfits(description, "Size: 18446744073709551615\n\nabc", -EUCLEAN, "data is too large");
    misfits(description, "Size: 18446744073709551616\n\nabc", -EUCLEAN, "not a number in digits");
    misfits(description, "Size:\n\n", -EUCLEAN, "not a number in digits");
    misfits(description, "Size: 3 4\n\nabc", -EUCLEAN, "not a number in digits");
    misfits(description, "Sizes: 3\n\nabc", -EUCLEAN, "stands 0 times");
    misfits(description, "Size: 3\nSIZE: 3\n\nabc", -EUCLEAN, "stands 2 times");
}

static void frames_of_no_bytes_are_refused(void **state)
{
    (void)state;
    misfits("\"x\"? data[0]", "abc", -EUCLEAN, "no bytes");
}

/* Figures of RFC 3720 B.4 (crc32c), RFC 1950, the zlib manual, RFC 1321 and the xxHash
 * specification; the mask is that of TFRecord. */
static void checksums_equal_published_ones(void **state)
{
    (void)state;
    static const struct {
        enum ff_checksum_kind kind;
        const char *text;
        uint64_t want;
    } sums[] = {
        {FF_CHECKSUM_CRC32, "123456789", 0xcbf43926},
        {FF_CHECKSUM_CRC32C, "123456789", 0xe3069283},
        {FF_CHECKSUM_CRC32C_MASKED, "123456789", 0},
        {FF_CHECKSUM_ADLER32, "Wikipedia", 0x11e60398},
        {FF_CHECKSUM_SUM32, "abc", 294},
        {FF_CHECKSUM_XXH64, "", UINT64_C(0xef46db3751d8e999)},
        {FF_CHECKSUM_CRC32, "", 0},
        {FF_CHECKSUM_CRC32C, "", 0},
        {FF_CHECKSUM_ADLER32, "", 1},
    };
    for (size_t i = 0; i < sizeof(sums) / sizeof(*sums); i++) {
        struct ff_checksum checksum;
        uint64_t want = sums[i].want;
        if (sums[i].kind == FF_CHECKSUM_CRC32C_MASKED) {
            uint32_t c = 0xe3069283;
            want = (uint32_t)((c >> 15 | c << 17) + 0xa282ead8U);
        }
        /* In one piece and byte by byte. */
        ff_checksum_init(&checksum, sums[i].kind);
        ff_checksum_update(&checksum, sums[i].text, strlen(sums[i].text));
        assert_int_equal(ff_checksum_number(&checksum), want);
        ff_checksum_init(&checksum, sums[i].kind);
        for (const char *p = sums[i].text; *p; p++)
            ff_checksum_update(&checksum, p, 1);
        assert_int_equal(ff_checksum_number(&checksum), want);
    }
    static const uint8_t md5_abc[] = {0x90, 0x01, 0x50, 0x98, 0x3c, 0xd2, 0x4f, 0xb0,
                                      0xd6, 0x96, 0x3f, 0x7d, 0x28, 0xe1, 0x7f, 0x72};
    struct ff_checksum checksum;
    uint8_t got[FF_CHECKSUM_MAX_BYTES];
    ff_checksum_init(&checksum, FF_CHECKSUM_MD5);
    ff_checksum_update(&checksum, "abc", 3);
    ff_checksum_bytes(&checksum, got);
    assert_memory_equal(got, md5_abc, sizeof(md5_abc));
}

/* The second item would be in the next block, where what stands is not what is wanted: it is the
 * block's end that is in the way, whether the window has the next block or not. */
static void what_stands_behind_a_block_is_not_looked_at(void **state)
{
    static const uint8_t bytes[40];
    struct ff_format *format;
    struct ff_decoder d;
    char reason[200];
    (void)state;

    assert_int_equal(ff_format_compile("kind:u8 u16be=7 data[0]", &format, NULL), 0);
    format->layout.directives.block = 16;
    format->layout.directives.block_header = 1;
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        struct ff_window window = {.bytes = bytes, .len = len};
        int r;
        ff_decoder_init(&d, &format->layout, sizeof(bytes));
        ff_decode_begin(&d, FF_FRAME, 14);
        while ((r = ff_decode(&d, &window)) == FF_DECODE_NEED) {
            assert_true(d.need_offset + d.need_len <= 16);
            window = (struct ff_window){
                .bytes = bytes + d.need_offset, .offset = d.need_offset, .len = d.need_len};
        }
        assert_int_equal(r, -EUCLEAN);
        ff_decode_fault_text(&format->layout, &d.fault, reason, sizeof(reason));
        assert_non_null(strstr(reason, "the block ends inside the frame"));
    }
    ff_format_free(format);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_of_every_width_and_order),
        cmocka_unit_test(signed_lengths_are_refused_when_negative),
        cmocka_unit_test(lengths_past_the_end_and_overflowing),
        cmocka_unit_test(sizes_of_what_is_read_by_a_reader_of_its_own),
        cmocka_unit_test(varints),
        cmocka_unit_test(digits),
        cmocka_unit_test(constants_sets_and_literals),
        cmocka_unit_test(equations),
        cmocka_unit_test(places),
        cmocka_unit_test(lines_are_bounded),
        cmocka_unit_test(alternatives_are_tried_in_order),
        cmocka_unit_test(a_length_among_headers),
        cmocka_unit_test(frames_of_no_bytes_are_refused),
        cmocka_unit_test(checksums_equal_published_ones),
        cmocka_unit_test(what_stands_behind_a_block_is_not_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
