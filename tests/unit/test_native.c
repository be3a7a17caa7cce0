/* The native items, over bytes that other programs made or that the specifications spell out; each
 * through windows cut in every way, with the archive's end known and not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../native_run.h"

/* Before each item stand so many other bytes, and behind the archive's end. */
#define START  3
#define BEHIND 9

static struct native_result run(enum ff_native_kind kind, const void *bytes, size_t len,
                                uint64_t size)
{
    uint8_t *copy = malloc(START + len + BEHIND);
    assert_non_null(copy);
    memset(copy, '#', START);
    memcpy(copy + START, bytes, len);
    memset(copy + START + len, '\n', BEHIND);
    const struct native_archive archive = {.kind = kind,
                                           .bytes = copy,
                                           .len = START + len,
                                           .behind = BEHIND,
                                           .start = START,
                                           .size = size};
    struct native_result result = native_run_all(&archive, len);
    result.pos -= START;
    free(copy);
    return result;
}

/* The item ends after `end` of the bytes. */
static void ends(enum ff_native_kind kind, const void *bytes, size_t len, size_t end,
                 uint64_t count)
{
    struct native_result got = run(kind, bytes, len, len);
    if (got.r != FF_DECODE_DONE || got.pos != end || got.count != count)
        fail_msg("result %d (%s) at %llu with %llu, not %zu with %llu", got.r, got.fault,
                 (unsigned long long)got.pos, (unsigned long long)got.count, end,
                 (unsigned long long)count);
}

static void fails(enum ff_native_kind kind, const void *bytes, size_t len, int code, size_t at,
                  const char *words)
{
    struct native_result got = run(kind, bytes, len, len);
    if (got.r != code || got.pos != at || !strstr(got.fault, words))
        fail_msg("result %d (%s) at %llu, not '%s' at %zu", got.r, got.fault,
                 (unsigned long long)got.pos, words, at);
}

/* The bytes of a literal, without its NUL. */
#define LITERAL(text) text, sizeof(text) - 1

/* It ends with the literal, and is cut short by each shorter one; what follows changes nothing. */
static void is_item(enum ff_native_kind kind, const char *bytes, size_t len, uint64_t count)
{
    char longer[600];

    for (size_t cut = 0; cut < len; cut++) {
        struct native_result got = run(kind, bytes, cut, 0);
        if (got.r != -ENODATA)
            fail_msg("%zu of %zu bytes: result %d", cut, len, got.r);
        assert_non_null(strstr(got.fault, "the archive ends"));
    }
    assert_true(len + 20 <= sizeof(longer));
    memcpy(longer, bytes, len);
    memset(longer + len, 0xff, 20);
    ends(kind, longer, len, len, count);
    ends(kind, longer, len + 20, len, count);
}

static void names_of_kinds(void **state)
{
    (void)state;
    for (int kind = 0; kind < FF_NATIVE_KINDS; kind++) {
        const char *name = ff_native_name((enum ff_native_kind)kind);
        assert_int_equal(ff_native_kind_of(name, strlen(name)), kind);
        assert_int_equal(ff_native_kind_of(name, strlen(name) - 1), -1);
    }
    assert_int_equal(ff_native_kind_of("arrow_meta[n]", 10), FF_NATIVE_ARROW_META);
    assert_int_equal(ff_native_kind_of("Avro_map", 8), -1);
    assert_int_equal(ff_native_kind_of("", 0), -1);
}

/* --- avro_map */

static void avro_maps(void **state)
{
    (void)state;
    is_item(FF_NATIVE_AVRO_MAP, LITERAL("\0"), 0);
    is_item(FF_NATIVE_AVRO_MAP, LITERAL("\x02\x02k\x04vw\0"), 1);
    is_item(FF_NATIVE_AVRO_MAP, LITERAL("\x04\0\0\x02k\0\0"), 2);
    /* Two blocks. */
    is_item(FF_NATIVE_AVRO_MAP, LITERAL("\x02\x02k\x02v\x04\0\x02v\x02k\0\0"), 3);
    /* 64 bytes: a length of two bytes. */
    is_item(FF_NATIVE_AVRO_MAP,
            LITERAL("\x02\x80\x01"
                    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\0\0"),
            1);
    /* A number may be longer than it need be, up to ten bytes. */
    is_item(FF_NATIVE_AVRO_MAP,
            LITERAL("\x82\x80\0\x82\x80\x80\x80\x80\x80\x80\x80\x80\0k\x80\0"
                    "\x80\x80\x80\x80\x80\x80\x80\x80\x80\0"),
            1);
}

static void avro_blocks_that_tell_their_size(void **state)
{
    (void)state;
    is_item(FF_NATIVE_AVRO_MAP, LITERAL("\x01\x0a\x02k\x04vw\0"), 1);
    is_item(FF_NATIVE_AVRO_MAP, LITERAL("\x03\x0c\x02k\0\x02l\x0\0"), 2);
    /* A block without a size after one with it. */
    is_item(FF_NATIVE_AVRO_MAP, LITERAL("\x01\x04\0\0\x02\0\0\0"), 2);
    fails(FF_NATIVE_AVRO_MAP, LITERAL("\x01\x08\x02k\x04vw\0"), -EUCLEAN, 7, "as long as it says");
    fails(FF_NATIVE_AVRO_MAP, LITERAL("\x01\x0c\x02k\x04vw\0"), -EUCLEAN, 7, "as long as it says");
    fails(FF_NATIVE_AVRO_MAP, LITERAL("\x01\0\0\0\0"), -EUCLEAN, 4, "as long as it says");
    fails(FF_NATIVE_AVRO_MAP, LITERAL("\x01\x01\0\0\0"), -EUCLEAN, 1, "is negative");
    fails(FF_NATIVE_AVRO_MAP, LITERAL("\x01\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\0\0\0"),
          -EUCLEAN, 1, "past the end of any");
}

static void avro_numbers_out_of_range(void **state)
{
    (void)state;
    fails(FF_NATIVE_AVRO_MAP, LITERAL("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\0"), -EUCLEAN, 0,
          "longer than 64 bits");
    fails(FF_NATIVE_AVRO_MAP, LITERAL("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02"), -EUCLEAN, 0,
          "longer than 64 bits");
    fails(FF_NATIVE_AVRO_MAP, LITERAL("\x02\x82\x80\x80\x80\x80\x80\x80\x80\x80\x02k\0\0"),
          -EUCLEAN, 1, "longer than 64 bits");
    /* -2^63, which has no negative; 2^63 - 1. */
    fails(FF_NATIVE_AVRO_MAP, LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), -EUCLEAN, 0,
          "more than 65536 pairs");
    fails(FF_NATIVE_AVRO_MAP, LITERAL("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"), -EUCLEAN, 0,
          "more than 65536 pairs");
    fails(FF_NATIVE_AVRO_MAP, LITERAL("\x02\x01k\0\0"), -EUCLEAN, 1, "negative");
    fails(FF_NATIVE_AVRO_MAP, LITERAL("\x02\x02k\x01\0"), -EUCLEAN, 3, "negative");
    fails(FF_NATIVE_AVRO_MAP, LITERAL("\x02\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"), -EUCLEAN, 1,
          "past the end of any");
    fails(FF_NATIVE_AVRO_MAP, LITERAL("\x02\x14k\0\0"), -ENODATA, 2, "archive ends");
}

/* --- hadoop_text, hadoop_map */

static void hadoop_texts(void **state)
{
    char bytes[300] = {0};
    (void)state;

    is_item(FF_NATIVE_HADOOP_TEXT, LITERAL("\0"), 0);
    is_item(FF_NATIVE_HADOOP_TEXT,
            LITERAL("\x03"
                    "abc"),
            0);
    /* 127 is the longest length of one byte, 128 the shortest of two, 256 of three. */
    bytes[0] = 127;
    is_item(FF_NATIVE_HADOOP_TEXT, bytes, 1 + 127, 0);
    memcpy(bytes, "\x8f\x80", 2);
    is_item(FF_NATIVE_HADOOP_TEXT, bytes, 2 + 128, 0);
    memcpy(bytes, "\x8e\x01\0", 3);
    is_item(FF_NATIVE_HADOOP_TEXT, bytes, 3 + 256, 0);
    /* Longer than need be. */
    is_item(FF_NATIVE_HADOOP_TEXT, LITERAL("\x88\0\0\0\0\0\0\0\x02xy"), 0);
    is_item(FF_NATIVE_HADOOP_TEXT, LITERAL("\x8f\x02xy"), 0);
    /* A negative number is inverted, so this is no more than 2. */
    is_item(FF_NATIVE_HADOOP_TEXT, LITERAL("\x80\xff\xff\xff\xff\xff\xff\xff\xfdxy"), 0);
}

static void hadoop_lengths_out_of_range(void **state)
{
    (void)state;
    /* -1, -112, -113, -256, -2^63 */
    fails(FF_NATIVE_HADOOP_TEXT, LITERAL("\xff"), -EUCLEAN, 0, "negative");
    fails(FF_NATIVE_HADOOP_TEXT, LITERAL("\x90"), -EUCLEAN, 0, "negative");
    fails(FF_NATIVE_HADOOP_TEXT, LITERAL("\x87\x70"), -EUCLEAN, 0, "negative");
    fails(FF_NATIVE_HADOOP_TEXT, LITERAL("\x87\xff"), -EUCLEAN, 0, "negative");
    fails(FF_NATIVE_HADOOP_TEXT, LITERAL("\x80\x7f\xff\xff\xff\xff\xff\xff\xff"), -EUCLEAN, 0,
          "negative");
    fails(FF_NATIVE_HADOOP_TEXT, LITERAL("\x88\x80\0\0\0\0\0\0\0"), -EUCLEAN, 0, "negative");
    fails(FF_NATIVE_HADOOP_TEXT, LITERAL("\x8c\x80\0\0\0"), -EUCLEAN, 0, "2147483647");
    fails(FF_NATIVE_HADOOP_TEXT, LITERAL("\x88\x7f\xff\xff\xff\xff\xff\xff\xff"), -EUCLEAN, 0,
          "2147483647");
    fails(FF_NATIVE_HADOOP_TEXT, LITERAL("\x8c\x7f\xff\xff\xff"), -ENODATA, 5, "archive ends");
}

static void a_text_of_2147483647_bytes_is_passed_over(void **state)
{
    static const uint8_t bytes[] = {0x8c, 0x7f, 0xff, 0xff, 0xff};
    const struct ff_window window = {.bytes = bytes, .len = sizeof(bytes)};
    struct ff_native_item item = {.limit = 5 + UINT64_C(0x7fffffff)};
    (void)state;

    assert_int_equal(ff_native_decode(FF_NATIVE_HADOOP_TEXT, &item, &window), FF_DECODE_DONE);
    assert_int_equal(item.pos, 5 + UINT64_C(0x7fffffff));
    item = (struct ff_native_item){.limit = UINT64_MAX};
    assert_int_equal(ff_native_decode(FF_NATIVE_HADOOP_TEXT, &item, &window), FF_DECODE_NEED);
    assert_int_equal(item.need_offset, 4 + UINT64_C(0x7fffffff));
    assert_int_equal(item.need_len, 1);
    /* A place further on where there is no byte shows nothing. */
    const struct ff_window none = {.bytes = bytes, .offset = UINT64_C(1) << 40};
    assert_int_equal(ff_native_decode(FF_NATIVE_HADOOP_TEXT, &item, &none), FF_DECODE_NEED);
    assert_int_equal(item.need_offset, 4 + UINT64_C(0x7fffffff));
    item = (struct ff_native_item){.limit = 4 + UINT64_C(0x7fffffff)};
    assert_int_equal(ff_native_decode(FF_NATIVE_HADOOP_TEXT, &item, &window), -ENODATA);
}

static void hadoop_maps(void **state)
{
    (void)state;
    is_item(FF_NATIVE_HADOOP_MAP, LITERAL("\0\0\0\0"), 0);
    is_item(FF_NATIVE_HADOOP_MAP, LITERAL("\0\0\0\x01\x01k\x02vw"), 1);
    is_item(FF_NATIVE_HADOOP_MAP, LITERAL("\0\0\0\x02\0\0\x8f\x01k\0"), 2);
    fails(FF_NATIVE_HADOOP_MAP, LITERAL("\xff\xff\xff\xff"), -EUCLEAN, 0, "65536 pairs");
    fails(FF_NATIVE_HADOOP_MAP, LITERAL("\0\0\0\x01\x01k\xff"), -EUCLEAN, 6, "negative");
}

/* 65,536 pairs, and one more. */
static void maps_of_as_many_pairs_as_may_be(void **state)
{
    enum { PAIRS = FF_NATIVE_PAIRS_MAX };
    uint8_t *bytes = calloc(1, 8 + 2 * (PAIRS + 1));
    (void)state;

    assert_non_null(bytes);
    memcpy(bytes, "\0\x01\0\0", 4);
    ends(FF_NATIVE_HADOOP_MAP, bytes, 4 + 2 * PAIRS, 4 + 2 * PAIRS, PAIRS);
    fails(FF_NATIVE_HADOOP_MAP, bytes, 4 + 2 * PAIRS - 1, -ENODATA, 4 + 2 * PAIRS - 1, "ends");
    memcpy(bytes, "\0\x01\0\x01", 4);
    fails(FF_NATIVE_HADOOP_MAP, bytes, 4 + 2 * (PAIRS + 1), -EUCLEAN, 0, "65536 pairs");
    /* 65,536 is 131072 zigzag coded, 65,537 is 131074. */
    memcpy(bytes, "\x80\x80\x08\0", 4);
    ends(FF_NATIVE_AVRO_MAP, bytes, 3 + 2 * PAIRS + 1, 3 + 2 * PAIRS + 1, PAIRS);
    memcpy(bytes, "\x82\x80\x08\0", 4);
    fails(FF_NATIVE_AVRO_MAP, bytes, 3 + 2 * (PAIRS + 1) + 1, -EUCLEAN, 0, "65536 pairs");
    /* 65,535 and then 1 or 2. */
    memcpy(bytes, "\xfe\xff\x07\0", 4);
    memcpy(bytes + 3 + 2 * (PAIRS - 1), "\x02\0\0\0", 4);
    ends(FF_NATIVE_AVRO_MAP, bytes, 3 + 2 * PAIRS + 2, 3 + 2 * PAIRS + 2, PAIRS);
    memcpy(bytes + 3 + 2 * (PAIRS - 1), "\x04\0\0\0", 4);
    fails(FF_NATIVE_AVRO_MAP, bytes, 8 + 2 * PAIRS, -EUCLEAN, 3 + 2 * (PAIRS - 1), "65536 pairs");
    free(bytes);
}

/* --- journal_entry */

static void journal_entries(void **state)
{
    (void)state;
    ends(FF_NATIVE_JOURNAL_ENTRY, LITERAL("A=b\n\n"), 4, 1);
    ends(FF_NATIVE_JOURNAL_ENTRY, LITERAL("A=b\nC=\n\nX=e\n"), 7, 2);
    ends(FF_NATIVE_JOURNAL_ENTRY, LITERAL("__A_9=x=y\n_=\0\xff\r\n\n"), 16, 2);
    ends(FF_NATIVE_JOURNAL_ENTRY, LITERAL("A\n\x03\0\0\0\0\0\0\0b\nc\n\n"), 14, 1);
    ends(FF_NATIVE_JOURNAL_ENTRY, LITERAL("A\n\0\0\0\0\0\0\0\0\nB=c\n\n"), 15, 2);
    /* The last entry may lack the empty line. */
    ends(FF_NATIVE_JOURNAL_ENTRY, LITERAL("A=b\n"), 4, 1);
    ends(FF_NATIVE_JOURNAL_ENTRY, LITERAL("A\n\x01\0\0\0\0\0\0\0\n\n"), 12, 1);
}

static void time_is(const char *entry, uint64_t us)
{
    struct native_result got = run(FF_NATIVE_JOURNAL_ENTRY, entry, strlen(entry), 0);
    if (got.r != FF_DECODE_DONE || got.value != us || got.pos != strlen(entry))
        fail_msg("'%s': result %d, %llu", entry, got.r, (unsigned long long)got.value);
}

static void times_of_journal_entries(void **state)
{
    static const char name[] = "__REALTIME_TIMESTAMP=";
    char longer[3 * FF_LINE_MAX_BYTES];
    (void)state;

    time_is("__REALTIME_TIMESTAMP=1158686414000000\n", 1158686414000000);
    time_is("A=b\n__REALTIME_TIMESTAMP=1\nC=d\n", 1);
    time_is("__REALTIME_TIMESTAMP=0\n", 0);
    time_is("__REALTIME_TIMESTAMP=9999999999999999999\n", UINT64_C(9999999999999999999));
    time_is("__REALTIME_TIMESTAMP=0000000000000000007\n", 7);
    time_is("__REALTIME_TIMESTAMP=10000000000000000000\n", FF_NATIVE_NO_TIME);
    time_is("__REALTIME_TIMESTAMP=00000000000000000007\n", FF_NATIVE_NO_TIME);
    time_is("__REALTIME_TIMESTAMP=\n", FF_NATIVE_NO_TIME);
    time_is("__REALTIME_TIMESTAMP=12x\n", FF_NATIVE_NO_TIME);
    time_is("__REALTIME_TIMESTAMP=12:\n", FF_NATIVE_NO_TIME);
    time_is("__REALTIME_TIMESTAMP=12:0\n", FF_NATIVE_NO_TIME);
    time_is("__REALTIME_TIMESTAMP=/0\n", FF_NATIVE_NO_TIME);
    time_is("__REALTIME_TIMESTAMP=-1\n", FF_NATIVE_NO_TIME);
    time_is("__REALTIME_TIMESTAMP= 1\n", FF_NATIVE_NO_TIME);
    time_is("__REALTIME_TIMESTAMP_=1\n_SOURCE_REALTIME_TIMESTAMP=2\n", FF_NATIVE_NO_TIME);
    time_is("A=b\n", FF_NATIVE_NO_TIME);
    /* The first that is one. */
    time_is("__REALTIME_TIMESTAMP=x\n__REALTIME_TIMESTAMP=3\n__REALTIME_TIMESTAMP=4\n", 3);
    /* Digits for ever are none, wherever the windows end. */
    memset(longer, '0', sizeof(longer));
    memcpy(longer, name, sizeof(name) - 1);
    longer[sizeof(longer) - 2] = '\n';
    longer[sizeof(longer) - 1] = '\0';
    time_is(longer, FF_NATIVE_NO_TIME);
    ends(FF_NATIVE_JOURNAL_ENTRY,
         LITERAL("__REALTIME_TIMESTAMP\n\x02\0\0\0\0\0\0\0"
                 "7\n\n\n"),
         32, 1);
    fails(FF_NATIVE_JOURNAL_ENTRY, LITERAL("__REALTIME_TIMESTAMP=12"), -ENODATA, sizeof(name) - 1,
          "archive ends");
}

static void journal_entries_cut_short(void **state)
{
    static const char entry[] = "AB=cd\nE\n\x03\0\0\0\0\0\0\0f\ng\nH=i\n";
    const size_t len = sizeof(entry) - 1;
    (void)state;

    for (size_t cut = 0; cut <= len; cut++) {
        struct native_result got = run(FF_NATIVE_JOURNAL_ENTRY, entry, cut, 0);
        /* After the newline of a field the archive may end. */
        bool is_whole = cut == 6 || cut == 20 || cut == len;
        assert_int_equal(got.r, is_whole ? FF_DECODE_DONE : -ENODATA);
        if (is_whole)
            assert_int_equal(got.pos, cut);
    }
}

static void what_is_no_journal_entry(void **state)
{
    (void)state;
    fails(FF_NATIVE_JOURNAL_ENTRY, LITERAL(""), -ENODATA, 0, "archive ends");
    fails(FF_NATIVE_JOURNAL_ENTRY, LITERAL("\n"), -EUCLEAN, 0, "has no field");
    fails(FF_NATIVE_JOURNAL_ENTRY, LITERAL("=b\n\n"), -EUCLEAN, 0, "no name");
    fails(FF_NATIVE_JOURNAL_ENTRY, LITERAL("A=b\n=c\n\n"), -EUCLEAN, 4, "no name");
    fails(FF_NATIVE_JOURNAL_ENTRY, LITERAL("a=b\n\n"), -EUCLEAN, 0, "A-Z, 0-9");
    fails(FF_NATIVE_JOURNAL_ENTRY, LITERAL("[=b\n\n"), -EUCLEAN, 0, "A-Z, 0-9");
    fails(FF_NATIVE_JOURNAL_ENTRY, LITERAL("@=b\n\n"), -EUCLEAN, 0, "A-Z, 0-9");
    fails(FF_NATIVE_JOURNAL_ENTRY, LITERAL("A/=b\n\n"), -EUCLEAN, 0, "A-Z, 0-9");
    fails(FF_NATIVE_JOURNAL_ENTRY, LITERAL("A:=b\n\n"), -EUCLEAN, 0, "A-Z, 0-9");
    fails(FF_NATIVE_JOURNAL_ENTRY, LITERAL("9A=b\n\n"), -EUCLEAN, 0, "A-Z, 0-9");
    fails(FF_NATIVE_JOURNAL_ENTRY, LITERAL("A=b\nA-B=c\n\n"), -EUCLEAN, 4, "A-Z, 0-9");
    fails(FF_NATIVE_JOURNAL_ENTRY, LITERAL("A\0=b\n\n"), -EUCLEAN, 0, "A-Z, 0-9");
    fails(FF_NATIVE_JOURNAL_ENTRY, LITERAL("A\r\nb\n\n"), -EUCLEAN, 0, "A-Z, 0-9");
    fails(FF_NATIVE_JOURNAL_ENTRY, LITERAL(" A=b\n\n"), -EUCLEAN, 0, "A-Z, 0-9");
    fails(FF_NATIVE_JOURNAL_ENTRY, LITERAL("A\n\x01\0\0\0\0\0\0\0bc\n\n"), -EUCLEAN, 11,
          "no newline");
    fails(FF_NATIVE_JOURNAL_ENTRY, LITERAL("A\n\xff\xff\xff\xff\xff\xff\xff\xff\n\n"), -EUCLEAN, 2,
          "past the end of any");
    fails(FF_NATIVE_JOURNAL_ENTRY, LITERAL("A\n\x05\0\0\0\0\0\0\0b\n\n"), -ENODATA, 10,
          "archive ends");
}

static void journal_names_of_as_many_bytes_as_may_be(void **state)
{
    char bytes[80];
    (void)state;

    memset(bytes, 'A', sizeof(bytes));
    memcpy(bytes + FF_NATIVE_NAME_MAX_BYTES, "=b\n\n", 4);
    ends(FF_NATIVE_JOURNAL_ENTRY, bytes, FF_NATIVE_NAME_MAX_BYTES + 4, FF_NATIVE_NAME_MAX_BYTES + 3,
         1);
    memset(bytes, 'A', sizeof(bytes));
    memcpy(bytes + FF_NATIVE_NAME_MAX_BYTES + 1, "=b\n\n", 4);
    fails(FF_NATIVE_JOURNAL_ENTRY, bytes, FF_NATIVE_NAME_MAX_BYTES + 5, -EUCLEAN, 0, "64 bytes");
    fails(FF_NATIVE_JOURNAL_ENTRY, bytes, FF_NATIVE_NAME_MAX_BYTES + 1, -EUCLEAN, 0, "64 bytes");
    fails(FF_NATIVE_JOURNAL_ENTRY, bytes, FF_NATIVE_NAME_MAX_BYTES, -ENODATA, 0, "archive ends");
}

static void journal_entries_of_as_many_fields_as_may_be(void **state)
{
    enum { FIELDS = FF_NATIVE_FIELDS_MAX };
    char *bytes = malloc(3 * (FIELDS + 1));
    (void)state;

    assert_non_null(bytes);
    for (size_t i = 0; i <= FIELDS; i++)
        memcpy(bytes + 3 * i, "A=\n", 3);
    ends(FF_NATIVE_JOURNAL_ENTRY, bytes, 3 * FIELDS, 3 * FIELDS, FIELDS);
    fails(FF_NATIVE_JOURNAL_ENTRY, bytes, 3 * FIELDS + 3, -EUCLEAN, 3 * FIELDS, "65536 fields");
    bytes[3 * FIELDS] = '\n';
    ends(FF_NATIVE_JOURNAL_ENTRY, bytes, 3 * FIELDS + 1, 3 * FIELDS, FIELDS);
    free(bytes);
}

static void journal_lines_have_no_longest(void **state)
{
    enum { LINE = 3 * FF_LINE_MAX_BYTES };
    char *bytes = malloc(LINE + 2);
    (void)state;

    assert_non_null(bytes);
    memset(bytes, 'A', LINE);
    bytes[1] = '=';
    bytes[LINE - 1] = '\n';
    bytes[LINE] = '\n';
    ends(FF_NATIVE_JOURNAL_ENTRY, bytes, LINE + 1, LINE, 1);
    fails(FF_NATIVE_JOURNAL_ENTRY, bytes, LINE - 1, -ENODATA, LINE - 1, "archive ends");
    free(bytes);
}

/* --- arrow_meta: messages by the flatbuffers library for Python */

#define BODY 0x1122334455667788

static const uint8_t batch[] = {
    0x14, 0x00, 0x00, 0x00,                         /* the table is at 20 */
    0x00, 0x00, 0x00, 0x00, 0x0c, 0x00, 0x1a, 0x00, /* at 8 its vtable: 12 bytes, for 26 */
    0x04, 0x00, 0x07, 0x00, 0x08, 0x00, 0x0c, 0x00, /* version, header_type, header, bodyLength */
    0x0c, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x03, 0x18, 0x00, 0x00, 0x00, 0x88, 0x77, 0x66,
    0x55, 0x44, 0x33, 0x22, 0x11, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x06, 0x00, 0x0c, 0x00,
    0x04, 0x00, 0x06, 0x00, 0x00, 0x00, 0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};

/* A schema without bodyLength; a message without any field; one with custom_metadata; one without
 * header, of type 255. */
static const uint8_t no_body[] = {
    0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0a, 0x00, 0x0e, 0x00, 0x04, 0x00, 0x07, 0x00, 0x08, 0x00,
    0x0a, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x01, 0x0c, 0x00, 0x00, 0x00, 0x00, 0x00, 0x06, 0x00,
    0x0c, 0x00, 0x04, 0x00, 0x06, 0x00, 0x00, 0x00, 0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};
static const uint8_t no_field[] = {0x08, 0x00, 0x00, 0x00, 0x04, 0x00,
                                   0x04, 0x00, 0x04, 0x00, 0x00, 0x00};
static const uint8_t custom[] = {
    0x18, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0e, 0x00, 0x1c, 0x00, 0x04, 0x00,
    0x07, 0x00, 0x0c, 0x00, 0x10, 0x00, 0x08, 0x00, 0x0e, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0x02,
    0x14, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00, 0x00, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x0c, 0x00, 0x00, 0x00, 0x08, 0x00, 0x0c, 0x00,
    0x08, 0x00, 0x04, 0x00, 0x08, 0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x0c, 0x00, 0x00, 0x00,
    0x01, 0x00, 0x00, 0x00, 0x76, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x6b, 0x00, 0x06, 0x00,
    0x0c, 0x00, 0x04, 0x00, 0x06, 0x00, 0x00, 0x00, 0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};
static const uint8_t no_header[] = {
    0x10, 0x00, 0x00, 0x00, 0x0c, 0x00, 0x10, 0x00, 0x04, 0x00, 0x07, 0x00, 0x00, 0x00, 0x08, 0x00,
    0x0c, 0x00, 0x00, 0x00, 0x04, 0x00, 0x00, 0xff, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};

static void is_message(const uint8_t *bytes, size_t len, unsigned int type, uint64_t body)
{
    struct native_result got = run(FF_NATIVE_ARROW_META, bytes, len, len);
    if (got.r != FF_DECODE_DONE)
        fail_msg("%s", got.fault);
    assert_int_equal(got.pos, len);
    assert_int_equal(got.count, type);
    assert_int_equal(got.value, body);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(run(FF_NATIVE_ARROW_META, bytes, cut, len).r, -ENODATA);
}

static void arrow_messages(void **state)
{
    uint8_t longer[200] = {0};
    (void)state;

    is_message(batch, sizeof(batch), 3, BODY);
    is_message(no_body, sizeof(no_body), 1, 0);
    is_message(no_field, sizeof(no_field), 0, 0);
    is_message(custom, sizeof(custom), 2, 192);
    is_message(no_header, sizeof(no_header), 255, 8);
    /* Padded, as in an archive. */
    memcpy(longer, custom, sizeof(custom));
    is_message(longer, sizeof(longer), 2, 192);
}

static void arrow_schemas(void **state)
{
    (void)state;
    struct native_result got =
        run(FF_NATIVE_ARROW_SCHEMA, no_body, sizeof(no_body), sizeof(no_body));
    assert_int_equal(got.r, FF_DECODE_DONE);
    assert_int_equal(got.count, 1);
    got = run(FF_NATIVE_ARROW_SCHEMA, custom, sizeof(custom), sizeof(custom));
    assert_int_equal(got.r, FF_DECODE_DONE);
    assert_int_equal(got.count, 2);
    assert_int_equal(got.value, 192);
    fails(FF_NATIVE_ARROW_SCHEMA, batch, sizeof(batch), -EUCLEAN, 0, "neither a schema");
    fails(FF_NATIVE_ARROW_SCHEMA, no_header, sizeof(no_header), -EUCLEAN, 0, "neither a schema");
    fails(FF_NATIVE_ARROW_SCHEMA, no_field, sizeof(no_field), -EUCLEAN, 0, "neither a schema");
    fails(FF_NATIVE_ARROW_SCHEMA, no_body, 5, -EUCLEAN, 0, "points outside");
}

/* A batch with one byte, or two or eight little endian, set to another value. */
static struct native_result changed(size_t at, uint64_t value, unsigned int width, size_t len)
{
    uint8_t bytes[sizeof(batch)];
    memcpy(bytes, batch, sizeof(batch));
    for (unsigned int i = 0; i < width; i++)
        bytes[at + i] = (uint8_t)(value >> (8 * i));
    return run(FF_NATIVE_ARROW_META, bytes, len, len);
}

static void is_refused(size_t at, uint64_t value, unsigned int width, const char *words)
{
    struct native_result got = changed(at, value, width, sizeof(batch));
    if (got.r != -EUCLEAN || got.pos != 0 || !strstr(got.fault, words))
        fail_msg("%llu at %zu: result %d (%s)", (unsigned long long)value, at, got.r, got.fault);
}

static void is_taken(size_t at, uint64_t value, unsigned int width, uint64_t type, uint64_t body)
{
    struct native_result got = changed(at, value, width, sizeof(batch));
    if (got.r != FF_DECODE_DONE || got.count != type || got.value != body)
        fail_msg("%llu at %zu: result %d (%s), type %llu", (unsigned long long)value, at, got.r,
                 got.fault, (unsigned long long)got.count);
}

static void arrow_offsets_that_point_outside(void **state)
{
    enum { LEN = sizeof(batch) };
    (void)state;
    /* The table: its first 4 bytes must be inside. */
    is_refused(0, LEN, 4, "points outside");
    is_refused(0, LEN - 3, 4, "points outside");
    is_refused(0, UINT32_MAX, 4, "points outside");
    is_refused(0, INT32_MAX, 4, "points outside");
    /* The vtable: 20 less what stands at 20. */
    is_refused(20, 21, 4, "points outside");
    is_refused(20, (uint32_t)(20 - LEN), 4, "points outside");
    is_refused(20, (uint32_t)(20 - LEN + 3), 4, "points outside");
    is_refused(20, INT32_MAX, 4, "points outside");
    is_refused(20, UINT32_C(0x80000000), 4, "points outside");
    /* At 60 stand four zeros: a vtable of no bytes, which is none. */
    is_refused(20, (uint32_t)(20 - 60), 4, "a table");
    /* The sizes of vtable and table: up to the end and one further. */
    is_taken(8, LEN - 8, 2, 3, BODY);
    is_refused(8, LEN - 8 + 2, 2, "a table");
    is_refused(8, 2, 2, "a table");
    is_refused(8, 13, 2, "a table");
    is_taken(10, LEN - 20, 2, 3, BODY);
    is_refused(10, LEN - 20 + 1, 2, "a table");
    is_refused(10, 3, 2, "a table");
    /* A field reaches no further than its table, and does not begin on its first four bytes. */
    is_taken(14, 25, 2, 0, BODY);
    is_refused(14, 26, 2, "outside of its table");
    is_refused(14, 3, 2, "outside of its table");
    is_taken(14, 4, 2, 4, BODY);
    is_taken(18, 18, 2, 3, 0x1122);
    is_refused(18, 19, 2, "outside of its table");
    is_refused(18, UINT16_MAX, 2, "outside of its table");
    is_refused(18, 1, 2, "outside of its table");
    /* A short vtable leaves the fields out that it does not reach. */
    is_taken(8, 10, 2, 3, 0);
    is_taken(8, 8, 2, 3, 0);
    is_taken(8, 6, 2, 0, 0);
    is_taken(8, 4, 2, 0, 0);
    is_taken(14, 0, 2, 0, BODY);
    is_taken(18, 0, 2, 3, 0);
}

static void arrow_bodies_out_of_range(void **state)
{
    (void)state;
    is_taken(32, INT64_MAX, 8, 3, INT64_MAX);
    is_refused(32, UINT64_C(1) << 63, 8, "negative");
    is_refused(32, UINT64_MAX, 8, "negative");
}

static void arrow_messages_too_short(void **state)
{
    (void)state;
    for (size_t len = 0; len < sizeof(no_field); len++)
        fails(FF_NATIVE_ARROW_META, no_field, len, -EUCLEAN, 0, len < 12 ? "" : "none");
    assert_int_equal(changed(0, 20, 4, 45).r, -EUCLEAN);
    assert_int_equal(changed(0, 20, 4, 46).r, FF_DECODE_DONE);
}

static void arrow_messages_of_as_many_bytes_as_may_be(void **state)
{
    const struct ff_window window = {.bytes = batch, .len = sizeof(batch)};
    struct ff_native_item item = {.limit = UINT64_C(1) << 32, .size = FF_NATIVE_META_MAX_BYTES};
    (void)state;

    assert_int_equal(ff_native_decode(FF_NATIVE_ARROW_META, &item, &window), FF_DECODE_DONE);
    assert_int_equal(item.pos, FF_NATIVE_META_MAX_BYTES);
    assert_int_equal(item.value, BODY);
    item = (struct ff_native_item){.limit = UINT64_MAX, .size = FF_NATIVE_META_MAX_BYTES};
    assert_int_equal(ff_native_decode(FF_NATIVE_ARROW_META, &item, &window), FF_DECODE_NEED);
    assert_int_equal(item.need_offset, FF_NATIVE_META_MAX_BYTES - 1);
    item = (struct ff_native_item){.limit = UINT64_MAX, .size = FF_NATIVE_META_MAX_BYTES + 1};
    assert_int_equal(ff_native_decode(FF_NATIVE_ARROW_META, &item, &window), -EUCLEAN);
    assert_non_null(strstr(item.fault, "16 MiB"));
}

/* --- archives of tests/data */

struct file {
    uint8_t *bytes;
    size_t len;
};

static struct file load(const char *name)
{
    struct file file = {.bytes = malloc(1 << 16)};
    char path[4096];

    snprintf(path, sizeof(path), "%s/%s", TEST_DATA, name);
    FILE *in = fopen(path, "rb");
    if (!in)
        fail_msg("%s: %s", path, strerror(errno));
    assert_non_null(file.bytes);
    file.len = fread(file.bytes, 1, 1 << 16, in);
    assert_true(file.len > 0 && file.len < 1 << 16);
    fclose(in);
    return file;
}

/* The item at *pos, which moves behind it. */
static struct native_result item_at(const struct file *file, enum ff_native_kind kind, size_t *pos,
                                    uint64_t size)
{
    const struct native_archive archive = {
        .kind = kind, .bytes = file->bytes, .len = file->len, .start = *pos, .size = size};
    struct native_result got = native_run_all(&archive, *pos);
    if (got.r != FF_DECODE_DONE)
        fail_msg("at %zu: result %d at %llu: %s", *pos, got.r, (unsigned long long)got.pos,
                 got.fault);
    *pos = (size_t)got.pos;
    return got;
}

static bool has(const struct file *file, size_t pos, const void *bytes, size_t len)
{
    return pos <= file->len && len <= file->len - pos && memcmp(file->bytes + pos, bytes, len) == 0;
}

static uint64_t number_be(const struct file *file, size_t pos)
{
    const uint8_t *b = file->bytes + pos;
    assert_true(pos <= file->len && file->len - pos >= 4);
    return (uint64_t)b[0] << 24 | (uint64_t)b[1] << 16 | (uint64_t)b[2] << 8 | b[3];
}

/* Behind the metadata stands the mark that also ends the file. */
static void avro_container_files(void **state)
{
    static const char *const names[] = {"readings-null.avro", "readings-deflate.avro"};
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        struct file file = load(names[i]);
        size_t pos = 4;
        assert_true(has(&file, 0, "Obj\1", 4));
        assert_int_equal(item_at(&file, FF_NATIVE_AVRO_MAP, &pos, 0).count, 2);
        assert_true(has(&file, pos, file.bytes + file.len - 16, 16));
        assert_true(has(&file, pos - 1, "\0", 1));
        free(file.bytes);
    }
}

static void is_text(const struct file *file, size_t *pos, const char *text)
{
    size_t from = *pos;
    item_at(file, FF_NATIVE_HADOOP_TEXT, pos, 0);
    assert_int_equal(*pos - from, 1 + strlen(text));
    assert_true(has(file, from + 1, text, strlen(text)));
}

/* The records behind the header end where the file does. */
static void is_sequencefile(const char *name, const char *value_class, const char *codec,
                            uint64_t pairs, unsigned int records)
{
    struct file file = load(name);
    unsigned int count = 0;
    size_t pos = 4;

    assert_true(has(&file, 0, "SEQ\6", 4));
    is_text(&file, &pos, value_class);
    is_text(&file, &pos, value_class);
    assert_true(has(&file, pos, "\1\0", 2));
    pos += 2;
    is_text(&file, &pos, codec);
    assert_int_equal(item_at(&file, FF_NATIVE_HADOOP_MAP, &pos, 0).count, pairs);
    const uint8_t *sync = file.bytes + pos;
    pos += 16;
    while (pos < file.len) {
        uint64_t len = number_be(&file, pos);
        if (len == UINT32_MAX) {
            assert_true(has(&file, pos + 4, sync, 16));
            pos += 20;
            continue;
        }
        assert_true(len >= number_be(&file, pos + 4) && len <= file.len - pos - 8);
        pos += 8 + (size_t)len;
        count++;
    }
    assert_int_equal(count, records);
    free(file.bytes);
}

static void sequencefiles(void **state)
{
    (void)state;
    is_sequencefile("metadata.sequencefile", "org.apache.hadoop.io.Text",
                    "org.apache.hadoop.io.compress.DefaultCodec", 3, 12);
    is_sequencefile("record_compressed_zlib.sequencefile", "org.apache.hadoop.io.BytesWritable",
                    "org.apache.hadoop.io.compress.DefaultCodec", 0, 2);
    is_sequencefile("record_compressed_bzip2.sequencefile", "org.apache.hadoop.io.BytesWritable",
                    "org.apache.hadoop.io.compress.BZip2Codec", 0, 2);
    is_sequencefile("record_compressed_snappy.sequencefile", "org.apache.hadoop.io.BytesWritable",
                    "org.apache.hadoop.io.compress.SnappyCodec", 0, 2);
}

/* Each entry begins with its cursor and ends at an empty line; which fields each has, make.py and
 * journalctl decided. */
static void journal_exports(void **state)
{
    static const uint64_t fields[] = {7, 7, 7, 7, 8, 8};
    struct file file = load("entries.export");
    size_t pos = 0;
    (void)state;

    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
        assert_true(has(&file, pos, "__CURSOR=", 9));
        struct native_result got = item_at(&file, FF_NATIVE_JOURNAL_ENTRY, &pos, 0);
        assert_int_equal(got.count, fields[i]);
        assert_int_equal(got.value, UINT64_C(1158686414000000) + i * 1500000);
        assert_true(has(&file, pos - 1, "\n\n", 2));
        pos++;
    }
    assert_int_equal(pos, file.len);
    free(file.bytes);
}

/* A schema and two batches; bodies lead from one to the next and to the mark of the end. */
static void arrow_streams(void **state)
{
    static const struct {
        uint64_t type, body;
    } messages[] = {{1, 0}, {3, 192}, {3, 64}};
    struct file file = load("batches.arrows");
    size_t pos = 0;
    (void)state;

    for (size_t i = 0; i < sizeof(messages) / sizeof(*messages); i++) {
        assert_true(has(&file, pos, "\xff\xff\xff\xff", 4));
        size_t size = file.bytes[pos + 4];
        assert_true(has(&file, pos + 5, "\0\0\0", 3));
        pos += 8;
        struct native_result got = item_at(&file, FF_NATIVE_ARROW_META, &pos, size);
        assert_int_equal(got.count, messages[i].type);
        assert_int_equal(got.value, messages[i].body);
        pos += (size_t)got.value;
    }
    assert_true(has(&file, pos, "\xff\xff\xff\xff\0\0\0\0", 8));
    assert_int_equal(pos + 8, file.len);
    free(file.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_kinds),
        cmocka_unit_test(avro_maps),
        cmocka_unit_test(avro_blocks_that_tell_their_size),
        cmocka_unit_test(avro_numbers_out_of_range),
        cmocka_unit_test(hadoop_texts),
        cmocka_unit_test(hadoop_lengths_out_of_range),
        cmocka_unit_test(a_text_of_2147483647_bytes_is_passed_over),
        cmocka_unit_test(hadoop_maps),
        cmocka_unit_test(maps_of_as_many_pairs_as_may_be),
        cmocka_unit_test(journal_entries),
        cmocka_unit_test(times_of_journal_entries),
        cmocka_unit_test(journal_entries_cut_short),
        cmocka_unit_test(what_is_no_journal_entry),
        cmocka_unit_test(journal_names_of_as_many_bytes_as_may_be),
        cmocka_unit_test(journal_entries_of_as_many_fields_as_may_be),
        cmocka_unit_test(journal_lines_have_no_longest),
        cmocka_unit_test(arrow_messages),
        cmocka_unit_test(arrow_schemas),
        cmocka_unit_test(arrow_offsets_that_point_outside),
        cmocka_unit_test(arrow_bodies_out_of_range),
        cmocka_unit_test(arrow_messages_too_short),
        cmocka_unit_test(arrow_messages_of_as_many_bytes_as_may_be),
        cmocka_unit_test(avro_container_files),
        cmocka_unit_test(sequencefiles),
        cmocka_unit_test(journal_exports),
        cmocka_unit_test(arrow_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
