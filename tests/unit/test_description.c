/* What descriptions mean and what is refused, with the place of the caret. */
#include <errno.h>
#include <framefs/format.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/format.h"

static void accepts(const char *description)
{
    struct ff_format *format;
    struct ff_error error = {0};
    int r = ff_format_compile(description, &format, &error);
    if (r < 0)
        print_error("%s\n", error.text);
    assert_int_equal(r, 0);
    ff_format_free(format);
}

/* Refused with code; the message has `words`, and the caret stands under `item`. */
static void refuses(const char *description, int code, const char *words, const char *item)
{
    struct ff_format *format;
    struct ff_error error = {0};

    assert_int_equal(ff_format_compile(description, &format, &error), code);
    assert_int_equal(error.code, code);
    if (!strstr(error.text, words)) {
        print_error("'%s' is not in: %s\n", words, error.text);
        fail();
    }
    if (!item)
        return;
    const char *line = strchr(error.text, '\n');
    assert_non_null(line);
    const char *caret = strrchr(error.text, '^');
    assert_non_null(caret);
    const char *caret_line = caret;
    while (caret_line[-1] != '\n')
        caret_line--;
    const char *place = line + 1 + (caret - caret_line);
    if (strncmp(place, item, strlen(item)) != 0) {
        print_error("the caret is not under '%s':\n%s\n", item, error.text);
        fail();
    }
}

static void every_type_compiles(void **state)
{
    (void)state;
    static const char *const types[] = {
        "u8",     "i8",    "u16le", "u16be", "u16e",  "u24le", "u24be", "u24e",  "u32le", "u32be",
        "u32e",   "u40le", "u40be", "u40e",  "u48le", "u48be", "u48e",  "u56le", "u56be", "u56e",
        "u64le",  "u64be", "u64e",  "i16le", "i16be", "i16e",  "i24le", "i32be", "i64e",  "varint",
        "zigzag", "dec",   "dec10", "dec20", "hex",   "hex8",  "oct",   "oct11"};
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        char description[64];
        /* An order that a mark tells needs the mark. */
        size_t n = strlen(types[i]);
        bool marked = types[i][n - 1] == 'e' && types[i][n - 2] >= '0' && types[i][n - 2] <= '9';
        snprintf(description, sizeof(description), "%slen:%s data", marked ? "b32=1 " : "",
                 types[i]);
        accepts(description);
    }
    accepts("b32=0xa1b2c3d4 len:u32e data");
    accepts("name:line len:u8 data");
    accepts("len:u8 str[3] bytes[len] zero[2] data align[4] ");
    accepts("len:u8 data align[4 record] align[8 file] align[2 data]");
    accepts("data[150]");
    accepts("n:u8 data[n]");
    accepts("u32le{flag:3 len:29} data");
    accepts("len:u32be*2=size(data) data");
    accepts("len:u32be*2+4-1 data");
    accepts("len:i64le data i64le=len");
    accepts("len:u32be!=0 data");
    accepts("type:u8=(0 1 0x7f) len:u24le=size(crc..data) crc:u32le=crc32(data) data");
    accepts("type:str[4]!=\"LIST\" len:u8 data:data");
    accepts("alloc:u64be=size(data..pad) len:u64be data pad:pad");
    accepts("\"M\\x00\\n\\r\\t\\0\\\\\\\"\" len:u8 data \"!\"?");
    accepts("; len:u8 data ; \"END\"");
    accepts(" ; len:u8 data");
    accepts("u32le=1 ; len:u8 data | u8=255 @hide | u8=254 @end ; \"END\"");
    accepts("u8=frag(1 2 3 4) len:u8 data");
    accepts("u32le{frag:2 len:30} data");
    accepts("headers{len=Content-Length time=Date name=Subject type=Content-Type} data");
    accepts("len:u8 data bytes[16]=md5(data) u64le=xxh64(data) u32le=adler32(data) "
            "u32le=sum32(data) u32le=crc32c-masked(len..data)");
}

static void faults_are_shown_with_a_caret(void **state)
{
    (void)state;
    refuses("len:u33le data", -EINVAL, "unknown type 'u33le'", "u33le");
    refuses("len:u32l data", -EINVAL, "did you mean 'u32le'", "u32l");
    refuses("len:u32le dta", -EINVAL, "did you mean 'data'", "dta");
    refuses("len:u32le data data", -EINVAL, "second", "data");
    refuses("u32le data", -EINVAL, "nothing tells the size", "data");
    refuses("data len:u32le", -EINVAL, "only after it", "data");
    refuses("len:u32le data pad", -EINVAL, "nothing tells the size of 'pad'", "pad");
    refuses("total:u32le data align[4]", -EINVAL, "", NULL);
    refuses("len:u32le", -EINVAL, "there is no data", "len");
    refuses("a:u8 a:u8 data[1]", -EINVAL, "taken", "a:u8 data");
    refuses("bytes[n] data[1]", -EINVAL, "no field before", "n]");
    refuses("n:bytes[2] data[n]", -EINVAL, "no field before", "n]");
    refuses("bytes[4", -EINVAL, "']'", NULL);
    refuses("bytes[4 \"/\"] data[1]", -EINVAL, "']'", NULL);
    refuses("str[4 \"/\" 5] data[1]", -EINVAL, "']'", NULL);
    refuses("bytes data[1]", -EINVAL, "size in brackets", NULL);
    refuses("u32le[4] data[1]", -EINVAL, "blank", "[4]");
    refuses("\"abc data[1]", -EINVAL, "closing quote", "\"abc");
    refuses("\"\" data[1]", -EINVAL, "empty literal", "\"\"");
    refuses("\"\\q\" data[1]", -EINVAL, "escape", "\\q");
    refuses("u8=() data[1]", -EINVAL, "at least one", "()");
    refuses("u8=x data[1]", -EINVAL, "no field before", "x");
    refuses("u8=99999999999999999999 data[1]", -EINVAL, "2^64-1", "9999");
    refuses("u8=size(nope) data[1]", -EINVAL, "has that name", "nope");
    refuses("a:u8=size(data..a) data[1]", -EINVAL, "after its last", "size");
    refuses("u16le=crc32(data) data[1]", -EINVAL, "4 bytes", "crc32");
    refuses("bytes[4]=crc32(data) data[1]", -EINVAL, "integer of 4 bytes", "crc32");
    refuses("u64le=md5(data) data[1]", -EINVAL, "16 bytes", "md5");
    refuses("u32le=crc99(data) data[1]", -EINVAL, "unknown function", "crc99");
    refuses("x:u32le=crc32(record) data[1]", -EINVAL, "cover itself", "crc32");
    refuses("u32le{a:3 b:28} data[1]", -EINVAL, "31 bits", "{");
    refuses("u32le{a:3 a:29} data[1]", -EINVAL, "taken", "a:29");
    refuses("b32 data[1]", -EINVAL, "constant", "b32");
    refuses("u8*0 data[1]", -EINVAL, "scaled", "*0");
    refuses("line*2 data[1]", -EINVAL, "only a number", "*2");
    refuses("align[0] data[1]", -EINVAL, "alignment", "0]");
    refuses("align[4 moon] data[1]", -EINVAL, "counts from", "moon");
    refuses("@wrong data[1]", -EINVAL, "there are @hide, @end", "@wrong");
    refuses("@hide ; data[1]", -EINVAL, "only a frame", "@hide");
    refuses("len:u8 data ; data[1]", -EINVAL, "only a frame has data", "data");
    refuses("data[1] ; ; ; u8", -EINVAL, "too many ';'", NULL);
    refuses("", -EINVAL, "empty part", NULL);
    refuses("data[1] |", -EINVAL, "empty part", NULL);
    refuses("| ; data[1]", -EINVAL, "empty part", NULL);
    refuses("u8 ; ; \"END\"", -EINVAL, "empty part", NULL);
    refuses("; ; \"END\"", -EINVAL, "empty part", NULL);
    refuses("; data[1] ;", -EINVAL, "empty part", NULL);
    refuses("u8 ; data[1] ; line", -EINVAL, "fixed size", "line");
    refuses("len:u8,data", -EINVAL, "blank", ",data");
    refuses("len:u8=1=2 data", -EINVAL, "condition already", "2");
    refuses("u8=frag(1 2 3) len:u8 data", -EINVAL, "a number is expected", ") len");
    refuses("u8=frag(1 2 3 4 5) len:u8 data", -EINVAL, "four numbers", "5)");
    refuses("u8=frag(1 1 2 3) len:u8 data", -EINVAL, "differ", " 2 3)");
    refuses("str[4]=frag(1 2 3 4) data[1]", -EINVAL, "only a number", "frag");
    refuses("u32le{frag:2 x:2 len:28} u8=frag(1 2 3 4) data", -EINVAL, "already", "frag(");
    refuses("u8=frag(1 2 3 4) len:u8 data @hide", -EINVAL, "neither @hide nor @end", NULL);
    refuses("u8=frag(1 2 3 4) len:u8 data @end", -EINVAL, "neither @hide nor @end", NULL);
    refuses("len:u8 data | u8=frag(1 2 3 4)", -EINVAL, "has a payload", NULL);
    refuses("headers{len=A len=B} data", -EINVAL, "told twice", "len=B");
    refuses("headers{size=A} data", -EINVAL, "headers tell", "size");
    refuses("headers{} data", -EINVAL, "nothing tells the size", "data");
    refuses("headers{len=} data", -EINVAL, "from 1 to 63 bytes", "}");
    refuses("data:u8 data[1]", -EINVAL, "means the payload", "data:u8");
    refuses("u8{data:8} data[1]", -EINVAL, "names of bits", "data:8");
    refuses("x:u8 len:u32e data", -EINVAL, "byte-order mark", "len:u32e");
    refuses("u8 | y:u8 u16e data[1]", -EINVAL, "byte-order mark", "u16e");
    refuses("record:u8 data[1]", -EINVAL, "whole frame", "record");
}

/* text repeated, blanks between, then an end */
static char *repeat(const char *text, int times, const char *end)
{
    char *all = calloc((size_t)times * (strlen(text) + 1) + strlen(end) + 1, 1);
    assert_non_null(all);
    for (int i = 0; i < times; i++) {
        strcat(all, text);
        strcat(all, " ");
    }
    return strcat(all, end);
}

static void the_text_of_a_description_is_lines_of_a_section(void **state)
{
    (void)state;
    struct ff_format *format;
    assert_int_equal(ff_format_compile("u8=1; len:u8 data | u8 @end ;\"E;|\"", &format, NULL), 0);
    assert_string_equal(ff_format_text(format), "preamble = u8=1\n"
                                                "frame.2 = len:u8 data\n"
                                                "frame.3 = u8 @end\n"
                                                "postamble = \"E;|\"\n");
    ff_format_free(format);
    assert_int_equal(ff_format_compile("len:u8 data", &format, NULL), 0);
    assert_string_equal(ff_format_text(format), "frame = len:u8 data\n");
    ff_format_free(format);
}

static void limits_hold_at_the_limit_and_one_beyond(void **state)
{
    (void)state;
    char *text = repeat("bytes[1]", FF_ALT_ITEMS_MAX - 1, "data[1]");
    accepts(text);
    free(text);
    text = repeat("bytes[1]", FF_ALT_ITEMS_MAX, "data[1]");
    refuses(text, -EOVERFLOW, "too many items", "data");
    free(text);

    text = repeat("data[1] |", FF_LAYOUT_ALTS_MAX - 1, "data[1]");
    accepts(text);
    free(text);
    text = repeat("data[1] |", FF_LAYOUT_ALTS_MAX, "data[1]");
    refuses(text, -EOVERFLOW, "alternatives", NULL);
    free(text);

    char literal[FF_LITERAL_MAX_BYTES + 16];
    for (int over = 0; over < 2; over++) {
        memset(literal, 0, sizeof(literal));
        literal[0] = '"';
        memset(literal + 1, 'x', (size_t)(FF_LITERAL_MAX_BYTES + over));
        strcat(literal, "\" data[1]");
        if (over)
            refuses(literal, -EOVERFLOW, "at most 255 bytes", "\"xxx");
        else
            accepts(literal);
    }

    char name[FF_NAME_MAX_BYTES + 32];
    for (int over = 0; over < 2; over++) {
        memset(name, 0, sizeof(name));
        memset(name, 'n', (size_t)(FF_NAME_MAX_BYTES + over));
        strcat(name, ":u8 data[1]");
        if (over)
            refuses(name, -EOVERFLOW, "at most 63 bytes", "nnn");
        else
            accepts(name);
    }
    accepts("zero[65536] data[1]");
    refuses("zero[65537] data[1]", -EOVERFLOW, "at most 65536", "zero");
    accepts("dec20 data[1]");
    refuses("dec21 data[1]", -EINVAL, "unknown type", "dec21");
    accepts("data[9223372036854775807]");
    refuses("data[9223372036854775808]", -EINVAL, "2^63-1", "9223");
    accepts("align[1073741824] data[1]");
    refuses("align[1073741825] data[1]", -EINVAL, "2^30", "1073");
    accepts("len:u8*4294967296 data");
    refuses("len:u8*4294967297 data", -EINVAL, "2^32", "*4294967297");
    accepts("u64le=18446744073709551615 data[1]");
    accepts("i64le=-9223372036854775808 data[1]");
    refuses("i64le=-9223372036854775809 data[1]", -EINVAL, "-2^63", "-922");
    accepts("u8 ; data[1] ; zero[65536]");
    refuses("u8 ; data[1] ; zero[65536] u8", -EINVAL, "fixed size", "u8");
}

/* Alternatives with `each` repeated `times` and then `last`, joined by '|'. */
static char *alternatives(int count, const char *each, int times, const char *last)
{
    char *all = calloc((size_t)count, 4096);
    assert_non_null(all);
    for (int i = 0; i < count; i++) {
        char *one = repeat(each, times, last);
        assert_true(strlen(one) < 4000);
        strcat(strcat(all, i ? " | " : ""), one);
        free(one);
    }
    return all;
}

static void whole_descriptions_have_limits_too(void **state)
{
    (void)state;
    /* Items: full alternatives, then one with a single item. */
    int full = FF_LAYOUT_ITEMS_MAX / FF_ALT_ITEMS_MAX;
    char *text = alternatives(full, "bytes[1]", FF_ALT_ITEMS_MAX - 1, "data[1]");
    accepts(text);
    char *more = malloc(strlen(text) + 16);
    assert_non_null(more);
    refuses(strcat(strcpy(more, text), " | data[1]"), -EOVERFLOW, "256 in all", "data[1]");
    free(more);
    free(text);

    /* Equations: four for each alternative's data. */
    assert_int_equal(FF_LAYOUT_EQUATIONS_MAX, 4 * FF_LAYOUT_ALTS_MAX);
    text = alternatives(FF_LAYOUT_ALTS_MAX, "u8=size(data)", 4, "data");
    accepts(text);
    more = malloc(strlen(text) + 32);
    assert_non_null(more);
    refuses(strcat(strcpy(more, "u8=size(data) "), text), -EOVERFLOW, "96 equations", NULL);
    free(more);
    free(text);

    /* Constants: one number a time. */
    char set[2048] = "u8=(";
    for (int i = 0; i < UINT8_MAX; i++)
        sprintf(set + strlen(set), "%d ", i);
    strcat(set, ") u8=1 data[1]");
    accepts(set);
    char over[2100];
    snprintf(over, sizeof(over), "u8=1 %s", set);
    refuses(over, -EINVAL, "too many constants", NULL);

    /* Numbers of one alternative: an integer and its bit fields. */
    char bits[1024] = "u64le{";
    for (int i = 0; i < 62; i++)
        sprintf(bits + strlen(bits), "b%d:1 ", i);
    snprintf(over, sizeof(over), "%sb62:2} data[1]", bits);
    accepts(over);
    snprintf(over, sizeof(over), "u8 %sb62:2} data[1]", bits);
    refuses(over, -EINVAL, "too many numbers", NULL);
    /* Bit fields of all alternatives: 63 and one, 63 and two. */
    snprintf(over, sizeof(over), "%sb62:2} data[1] | u8{c:8} data[1]", bits);
    accepts(over);
    snprintf(over, sizeof(over), "%sb62:2} data[1] | u8{c:4 d:4} data[1]", bits);
    refuses(over, -EINVAL, "too many bit fields", NULL);
}

static void all_presets_compile_and_have_a_title(void **state)
{
    (void)state;
    assert_true(ff_formats_count(NULL) >= 50);
    for (size_t i = 0; i < ff_formats_count(NULL); i++) {
        struct ff_format *format;
        struct ff_error error = {0};
        int r = ff_format_find(ff_formats_name(NULL, i), &format, &error);
        if (r < 0)
            print_error("%s\n", error.text);
        assert_int_equal(r, 0);
        assert_string_not_equal(ff_format_title(format), "");
        assert_string_not_equal(ff_format_about(format), "");
        assert_string_not_equal(ff_format_text(format), "");
        ff_format_free(format);
    }
}

static void an_unknown_preset_names_the_nearest(void **state)
{
    (void)state;
    struct ff_format *format;
    struct ff_error error = {0};
    assert_int_equal(ff_format_find("tfrecrd", &format, &error), -ENOENT);
    assert_non_null(strstr(error.text, "'tfrecord'"));
    assert_int_equal(ff_format_find("\x1b[31m", &format, &error), -ENOENT);
    assert_null(strchr(error.text, 0x1b));
}

static void extensions_follow_the_content(void **state)
{
    (void)state;
    struct ff_format *format;
    assert_int_equal(ff_format_find("pcap", &format, NULL), 0);
    assert_string_equal(ff_format_extension(format, FF_CONTENT_PAYLOAD), "");
    assert_string_equal(ff_format_extension(format, FF_CONTENT_FRAME), "");
    assert_string_equal(ff_format_extension(format, FF_CONTENT_FILE), ".pcap");
    ff_format_free(format);
    assert_int_equal(ff_format_find("bson", &format, NULL), 0);
    assert_int_equal(ff_format_content(format), FF_CONTENT_FRAME);
    assert_string_equal(ff_format_extension(format, FF_CONTENT_FRAME), ".bson");
    ff_format_free(format);
    assert_int_equal(ff_format_find("tag4-i64le", &format, NULL), 0);
    assert_string_equal(ff_format_extension(format, FF_CONTENT_FILE), "");
    ff_format_free(format);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_compiles),
        cmocka_unit_test(faults_are_shown_with_a_caret),
        cmocka_unit_test(the_text_of_a_description_is_lines_of_a_section),
        cmocka_unit_test(whole_descriptions_have_limits_too),
        cmocka_unit_test(limits_hold_at_the_limit_and_one_beyond),
        cmocka_unit_test(all_presets_compile_and_have_a_title),
        cmocka_unit_test(an_unknown_preset_names_the_nearest),
        cmocka_unit_test(extensions_follow_the_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
