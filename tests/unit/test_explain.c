#include <framefs/format.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Everything before the description, which is the caller's own text. */
static char *words_of(const struct ff_format *format, const char *origin)
{
    char *text = ff_format_explain(format, origin);
    assert_non_null(text);
    char *end = strstr(text, "\nDescription\n");
    assert_non_null(end);
    assert_non_null(strstr(end, ff_format_text(format)));
    *end = '\0';
    return text;
}

static void built_in(const char *name, const char *expected)
{
    struct ff_format *format = NULL;
    assert_int_equal(ff_format_find(name, &format, NULL), 0);
    char *text = words_of(format, "built-in");
    assert_string_equal(text, expected);
    free(text);
    ff_format_free(format);
}

/* The tables of a description alone. */
static void tables(const char *description, const char *expected)
{
    struct ff_format *format = NULL;
    struct ff_error error = {0};
    int r = ff_format_compile(description, &format, &error);
    if (r < 0)
        print_error("%s\n", error.text);
    assert_int_equal(r, 0);
    char *text = words_of(format, NULL);
    char *from = strstr(text, "--content says otherwise\n");
    assert_non_null(from);
    assert_string_equal(strstr(from, "\n\n") ? strstr(from, "\n\n") + 2 : "", expected);
    free(text);
    ff_format_free(format);
}

static void tfrecord(void **state)
{
    (void)state;
    built_in("tfrecord",
             "tfrecord: TFRecord\n"
             "TensorFlow records\n"
             "\n"
             "Specification  TensorFlow, \"TFRecord and tf.train.Example\" "
             "(tensorflow.org/tutorials/load_data/tfrecord)\n"
             "Extension      .tfrecord\n"
             "Content        a mounted record's file holds its payload, unless --content says "
             "otherwise\n"
             "From           built-in\n"
             "\n"
             "Frame\n"
             "  OFFSET      WIDTH  FIELD  MEANING\n"
             "  0           8      len    length of data; little-endian unsigned\n"
             "  8           4             CRC-32C, masked, of len; little-endian unsigned\n"
             "  12          len    data   the payload\n"
             "  after data  4             CRC-32C, masked, of data; little-endian unsigned\n");
}

static void pcap(void **state)
{
    (void)state;
    built_in(
        "pcap",
        "pcap: Packet capture\n"
        "packet captures (libpcap), either byte order, usec or nsec\n"
        "\n"
        "Specification  IETF draft-ietf-opsawg-pcap, \"PCAP Capture File Format\"; "
        "pcap-savefile(5)\n"
        "Extension      .pcap\n"
        "Content        a mounted record's file holds its payload, unless --content says "
        "otherwise\n"
        "From           built-in\n"
        "Of the frames below the first one that fits is taken.\n"
        "\n"
        "Preamble usec\n"
        "  OFFSET  WIDTH  FIELD    MEANING\n"
        "  0       4               0xa1b2c3d4, which tells the byte order\n"
        "  4       2               constant 2; unsigned in the order of the mark\n"
        "  6       2               constant 4; unsigned in the order of the mark\n"
        "  8       8               bytes\n"
        "  16      4      snaplen  unsigned in the order of the mark\n"
        "  20      4      link     unsigned in the order of the mark\n"
        "\n"
        "Preamble nsec\n"
        "  OFFSET  WIDTH  FIELD    MEANING\n"
        "  0       4               0xa1b23c4d, which tells the byte order\n"
        "  4       2               constant 2; unsigned in the order of the mark\n"
        "  6       2               constant 4; unsigned in the order of the mark\n"
        "  8       8               bytes\n"
        "  16      4      snaplen  unsigned in the order of the mark\n"
        "  20      4      link     unsigned in the order of the mark\n"
        "\n"
        "Frame usec (after preamble usec)\n"
        "  OFFSET  WIDTH  FIELD  MEANING\n"
        "  0       4      time   time in seconds since 1970; unsigned in the order of the mark\n"
        "  4       4      usec   microseconds of the time; unsigned in the order of the mark\n"
        "  8       4      len    length of data; unsigned in the order of the mark\n"
        "  12      4      olen   unsigned in the order of the mark\n"
        "  16      len    data   the payload\n"
        "\n"
        "Frame nsec (after preamble nsec)\n"
        "  OFFSET  WIDTH  FIELD  MEANING\n"
        "  0       4      time   time in seconds since 1970; unsigned in the order of the mark\n"
        "  4       4      nsec   nanoseconds of the time; unsigned in the order of the mark\n"
        "  8       4      len    length of data; unsigned in the order of the mark\n"
        "  12      4      olen   unsigned in the order of the mark\n"
        "  16      len    data   the payload\n");
}

static void marc(void **state)
{
    (void)state;
    built_in("marc",
             "marc: MARC 21 and other ISO 2709 records\n"
             "library catalogue records (MARC 21, ISO 2709)\n"
             "\n"
             "Specification  ISO 2709; \"MARC 21 Specifications for Record Structure\" "
             "(loc.gov/marc/specifications)\n"
             "Extension      .mrc\n"
             "Content        a mounted record's file holds its frame, unless --content says "
             "otherwise\n"
             "From           built-in\n"
             "\n"
             "Frame\n"
             "  OFFSET          WIDTH          FIELD  MEANING\n"
             "  0               5              total  length of total to rt; decimal digits\n"
             "  5               rest of total  data   the payload\n"
             "  after data      1              rt     \"\\x1d\"\n"
             "  after data + 1  0 or 1                \"\\n\" or nothing\n");
}

static void pcapng(void **state)
{
    (void)state;
    built_in("pcapng",
             "pcapng: Packet capture, next generation\n"
             "packet captures, next generation: all blocks\n"
             "\n"
             "Specification  IETF draft-ietf-opsawg-pcapng, \"PCAP Now Generic (pcapng) "
             "Capture File Format\"\n"
             "Extension      .pcapng\n"
             "Content        a mounted record's file holds its payload, unless --content says "
             "otherwise\n"
             "From           built-in\n"
             "Of the frames below the first one that fits is taken.\n"
             "\n"
             "Frame shb-le (begins a section: later frames depend on none before it)\n"
             "  OFFSET      WIDTH          FIELD  MEANING\n"
             "  0           4                     \"\\n\\r\\r\\n\"\n"
             "  4           4              total  length of the frame; little-endian unsigned\n"
             "  8           4                     0x1a2b3c4d, which tells the byte order\n"
             "  12          rest of total  data   the payload\n"
             "  after data  4                     repeats total; little-endian unsigned\n"
             "\n"
             "Frame shb-be (begins a section: later frames depend on none before it)\n"
             "  OFFSET      WIDTH          FIELD  MEANING\n"
             "  0           4                     \"\\n\\r\\r\\n\"\n"
             "  4           4              total  length of the frame; big-endian unsigned\n"
             "  8           4                     0x1a2b3c4d, which tells the byte order\n"
             "  12          rest of total  data   the payload\n"
             "  after data  4                     repeats total; big-endian unsigned\n"
             "\n"
             "Frame interface (tells the unit of times; later frames depend on it)\n"
             "  OFFSET      WIDTH          FIELD  MEANING\n"
             "  0           4              type   type of the record; constant 1; unsigned in "
             "the order of the mark\n"
             "  4           4              total  length of the frame; unsigned in the order "
             "of the mark\n"
             "  8           rest of total  data   the payload\n"
             "  after data  4                     repeats total; unsigned in the order of the "
             "mark\n"
             "\n"
             "Frame packet\n"
             "  OFFSET      WIDTH          FIELD      MEANING\n"
             "  0           4              type       type of the record; one of 5 6; "
             "unsigned in the order of the mark\n"
             "  4           4              total      length of the frame; unsigned in the "
             "order of the mark\n"
             "  8           4              interface  interface, which tells the unit of the "
             "time; part of the payload; unsigned in the order of the mark\n"
             "  12          4              time_hi    upper half of the time; part of the "
             "payload; unsigned in the order of the mark\n"
             "  16          4              time_lo    lower half of the time; part of the "
             "payload; unsigned in the order of the mark\n"
             "  20          rest of total  rest       part of the payload\n"
             "  after rest  4                         repeats total; unsigned in the order of "
             "the mark\n"
             "\n"
             "Frame old-packet\n"
             "  OFFSET      WIDTH          FIELD      MEANING\n"
             "  0           4              type       type of the record; constant 2; "
             "unsigned in the order of the mark\n"
             "  4           4              total      length of the frame; unsigned in the "
             "order of the mark\n"
             "  8           2              interface  interface, which tells the unit of the "
             "time; part of the payload; unsigned in the order of the mark\n"
             "  10          2                         part of the payload; unsigned in the "
             "order of the mark\n"
             "  12          4              time_hi    upper half of the time; part of the "
             "payload; unsigned in the order of the mark\n"
             "  16          4              time_lo    lower half of the time; part of the "
             "payload; unsigned in the order of the mark\n"
             "  20          rest of total  rest       part of the payload\n"
             "  after rest  4                         repeats total; unsigned in the order of "
             "the mark\n"
             "\n"
             "Frame secrets (later frames depend on it)\n"
             "  OFFSET      WIDTH          FIELD  MEANING\n"
             "  0           4              type   type of the record; constant 10; unsigned "
             "in the order of the mark\n"
             "  4           4              total  length of the frame; unsigned in the order "
             "of the mark\n"
             "  8           rest of total  data   the payload\n"
             "  after data  4                     repeats total; unsigned in the order of the "
             "mark\n"
             "\n"
             "Frame block\n"
             "  OFFSET      WIDTH          FIELD  MEANING\n"
             "  0           4              type   type of the record; unsigned in the order "
             "of the mark\n"
             "  4           4              total  length of the frame; unsigned in the order "
             "of the mark\n"
             "  8           rest of total  data   the payload\n"
             "  after data  4                     repeats total; unsigned in the order of the "
             "mark\n");
}

static void every_kind_of_item_is_told(void **state)
{
    (void)state;
    tables(
        "n:varint bytes[n] z:zigzag str[3] zero[2] line o:oct h:hex4 \"a\\\"b\"? align[8 file] "
        "len:i24be*2+4=size(data) data align[4 data] | "
        "total:u16be-2 rest:dec=size(data) data pad @hide | name:str[4] data[1] align[2]",
        "Frame\n"
        "  OFFSET               WIDTH       FIELD  MEANING\n"
        "  0                    1 to 10     n      length of bytes; varint\n"
        "  after n              n                  bytes\n"
        "  after bytes          1 to 10     z      varint, zigzag\n"
        "  after z              3                  text\n"
        "  after z + 3          2                  zeros\n"
        "  after z + 5          1 to 65536         text up to a newline\n"
        "  after line           1 to 20     o      octal digits\n"
        "  after o              4           h      hexadecimal digits\n"
        "  after o + 4          0 or 3             \"a\\\"b\" or nothing\n"
        "  after \"a\"b\"          0 to 7             padding to a multiple of 8 of the archive\n"
        "  after alignment      3           len    length of data; big-endian signed, times 2, "
        "plus 4\n"
        "  after alignment + 3  len         data   the payload\n"
        "  after data           0 to 3             padding to a multiple of 4 from data on\n"
        "\n"
        "Frame (no record of its own)\n"
        "  OFFSET      WIDTH          FIELD  MEANING\n"
        "  0           2              total  length of the frame; big-endian unsigned, minus 2\n"
        "  2           1 to 20        rest   length of data; decimal digits\n"
        "  after rest  rest           data   the payload\n"
        "  after data  rest of total         unused\n"
        "\n"
        "Frame\n"
        "  OFFSET  WIDTH   FIELD  MEANING\n"
        "  0       4       name   name of the record; text\n"
        "  4       1       data   the payload\n"
        "  5       0 to 1         padding to a multiple of 2\n");
}

static void conditions_are_told(void **state)
{
    (void)state;
    tables("name:str[3 \"/\"] data[1]",
           "Frame\n"
           "  OFFSET  WIDTH  FIELD  MEANING\n"
           "  0       3      name   name of the record; text, its ending \"/\" left out\n"
           "  3       1      data   the payload\n");
    tables("u8=7 u16le=(1 2) u8!=0 i8!=(1 2 -3) str[2]=\"ab\" bytes[1]!=\"\\xff\" a:u8 u8=a "
           "u32le=crc32(a) u32le=adler32(a) u32be=sum32(a) bytes[16]=md5(a) u64le=xxh64(a) "
           "u32be=0x8199e26d u8=(1 2 3 4 5 6 7 8 9 10 11 12 13) data[5]",
           "Frame\n"
           "  OFFSET  WIDTH  FIELD  MEANING\n"
           "  0       1             constant 7; unsigned\n"
           "  1       2             one of 1 2; little-endian unsigned\n"
           "  3       1             not 0; unsigned\n"
           "  4       1             none of 1 2 -3; signed\n"
           "  5       2             constant \"ab\"; text\n"
           "  7       1             not \"\\xff\"; bytes\n"
           "  8       1      a      unsigned\n"
           "  9       1             repeats a; unsigned\n"
           "  10      4             CRC-32 of a; little-endian unsigned\n"
           "  14      4             Adler-32 of a; little-endian unsigned\n"
           "  18      4             sum of the bytes of a; big-endian unsigned\n"
           "  22      16            MD5 of a; bytes\n"
           "  38      8             XXH64 of a; little-endian unsigned\n"
           "  46      4             constant 0x8199e26d; big-endian unsigned\n"
           "  50      1             one of 1 2 3 4 5 6 7 8 9 10 11 12 and 1 more; unsigned\n"
           "  51      5      data   the payload\n");
}

static void bit_fields_are_told_one_by_one(void **state)
{
    (void)state;
    tables("u32be{flag:1 len:31} data", "Frame\n"
                                        "  OFFSET  WIDTH    FIELD  MEANING\n"
                                        "  0       4               big-endian unsigned\n"
                                        "          1 bit    flag\n"
                                        "          31 bits  len    length of data\n"
                                        "  4       len      data   the payload\n");
}

static void headers_are_told_line_by_line(void **state)
{
    (void)state;
    tables("line headers{len=Content-Length time=Date name=Id type=Kind} data",
           "Frame\n"
           "  OFFSET         WIDTH           FIELD           MEANING\n"
           "  0              1 to 65536                      text up to a newline\n"
           "  after line     1 to 65536                      lines \"Name: value\", then an "
           "empty line\n"
           "                                 Content-Length  length of data\n"
           "                                 Date            time of the record\n"
           "                                 Id              name of the record\n"
           "                                 Kind            type of the record\n"
           "  after headers  Content-Length  data            the payload\n");
}

static void native_items_are_told(void **state)
{
    (void)state;
    tables("avro_map hadoop_text hadoop_map sync:bytes[16] ; "
           "n:u32le len:arrow_meta[n] data bytes[16]=sync | time_us:journal_entry "
           "@data(time_us..time_us) | n:u8 len:arrow_schema[n] data @context",
           "Preamble\n"
           "  OFFSET             WIDTH   FIELD  MEANING\n"
           "  0                  varies         an Avro map of metadata\n"
           "  after avro_map     varies         a Hadoop Text: its length as a vint, then "
           "its bytes\n"
           "  after hadoop_text  varies         metadata: a count, then pairs of Hadoop Text\n"
           "  after hadoop_map   16      sync   bytes, which frames repeat\n"
           "\n"
           "Frame\n"
           "  OFFSET      WIDTH  FIELD  MEANING\n"
           "  0           4      n      length of len; little-endian unsigned\n"
           "  4           n      len    length of data; metadata of an Arrow message, which "
           "tell its body's length\n"
           "  after len   len    data   the payload\n"
           "  after data  16            repeats the preamble's sync; bytes\n"
           "\n"
           "Frame\n"
           "  OFFSET  WIDTH   FIELD    MEANING\n"
           "  0       varies  time_us  time in microseconds since 1970; the payload; the "
           "fields of a journal entry\n"
           "\n"
           "Frame (later frames depend on it)\n"
           "  OFFSET     WIDTH  FIELD  MEANING\n"
           "  0          1      n      length of len; unsigned\n"
           "  1          n      len    length of data; metadata of an Arrow schema or "
           "dictionary, which tell its body's length\n"
           "  after len  len    data   the payload\n");
}

static void fragments_are_told(void **state)
{
    (void)state;
    tables("u32le{frag:3 len:29} data | len:u16le type:u8=frag(1 2 3 4) data",
           "Frame\n"
           "  OFFSET  WIDTH    FIELD  MEANING\n"
           "  0       4               little-endian unsigned\n"
           "          3 bits   frag   what the frame has of a record: 0 whole, 1 its first "
           "part, 2 a middle part, 3 its last part\n"
           "          29 bits  len    length of data\n"
           "  4       len      data   the payload\n"
           "\n"
           "Frame\n"
           "  OFFSET  WIDTH  FIELD  MEANING\n"
           "  0       2      len    length of data; little-endian unsigned\n"
           "  2       1      type   type of the record; what the frame has of a record: 1 "
           "whole, 2 its first part, 3 a middle part, 4 its last part; unsigned\n"
           "  3       len    data   the payload\n");
}

static void a_payload_may_be_several_items(void **state)
{
    (void)state;
    tables("total:u64le frames:u64le pad ; "
           "len:u16be=size(a..rest) a:u8 time:u32be rest:pad @data(a..rest)",
           "Preamble\n"
           "  OFFSET  WIDTH          FIELD   MEANING\n"
           "  0       8              total   length of the preamble; little-endian unsigned\n"
           "  8       8              frames  length of all frames; little-endian unsigned\n"
           "  16      rest of total          unused\n"
           "\n"
           "Frame\n"
           "  OFFSET  WIDTH        FIELD  MEANING\n"
           "  0       2            len    length of the payload; big-endian unsigned\n"
           "  2       1            a      part of the payload; unsigned\n"
           "  3       4            time   time in seconds since 1970; part of the payload; "
           "big-endian unsigned\n"
           "  7       rest of len  rest   part of the payload\n");
}

static void parts_are_told_in_order(void **state)
{
    (void)state;
    tables("\"HEAD\" ; u8=0 @end | len:u8!=0 data ; \"END\"",
           "Preamble\n"
           "  OFFSET  WIDTH  FIELD  MEANING\n"
           "  0       4             \"HEAD\"\n"
           "\n"
           "Frame (ends the archive)\n"
           "  OFFSET  WIDTH  FIELD  MEANING\n"
           "  0       1             constant 0; unsigned\n"
           "\n"
           "Frame\n"
           "  OFFSET  WIDTH  FIELD  MEANING\n"
           "  0       1      len    length of data; not 0; unsigned\n"
           "  1       len    data   the payload\n"
           "\n"
           "Postamble\n"
           "  OFFSET  WIDTH  FIELD  MEANING\n"
           "  0       3             \"END\"\n");
}

static void long_literals_are_cut(void **state)
{
    (void)state;
    char description[600] = "\"";
    memset(description + 1, 'x', 255);
    strcpy(description + 256, "\" len:u8 data");
    char expected[600], cut[88];
    memset(cut, 'x', sizeof(cut) - 1);
    cut[sizeof(cut) - 1] = '\0';
    snprintf(expected, sizeof(expected),
             "Frame\n"
             "  OFFSET  WIDTH  FIELD  MEANING\n"
             "  0       255           \"%s\"...\n"
             "  255     1      len    length of data; unsigned\n"
             "  256     len    data   the payload\n",
             cut);
    tables(description, expected);
}

/* The sentences about the whole archive. */
static void directives_are_sentences(void **state)
{
    (void)state;
    static const char text[] = "[m]\nframe = \"GRIB\" len:i32be data\nresync = \"GRIB\"\n"
                               "block = 32K/7\nsignfrag =\nglue = \"\\x0a#\\xd7\\xce\"\n"
                               "max = 64M\ntail = zeros\nepoch = 1904-01-01\ngeneric = yes\n"
                               "[j]\nframe = len:u8 time:u32le data\ntail = junk\n"
                               "epoch = 9223372036854775807\n"
                               "[k]\nframe = len:u8 data\nepoch = -62168256000\n";
    struct ff_formats *formats = NULL;
    struct ff_format *format = NULL;
    assert_int_equal(ff_formats_new(&formats, NULL), 0);
    assert_int_equal(ff_formats_add(formats, text, sizeof(text) - 1, "f", NULL), 0);
    assert_int_equal(ff_formats_find(formats, "m", &format, NULL), 0);
    char *words = words_of(format, NULL);
    assert_string_equal(
        words,
        "m\n"
        "\n"
        "Content        a mounted record's file holds its payload, unless --content says "
        "otherwise\n"
        "Many files fit it by chance: it is detected only when no other format fits half as "
        "well.\n"
        "After damage the next frame is searched by its magic \"GRIB\".\n"
        "Frames lie in blocks of 32768 bytes; where fewer than 7 are left of a block, they are "
        "padding.\n"
        "A negative length says that the record goes on in the next frame.\n"
        "Where frames of a record are joined, \"\\n#\\xd7\\xce\" comes between them.\n"
        "A frame of more than 64 MiB is damage.\n"
        "Zeros may follow the last frame.\n"
        "Times count from 1904-01-01T00:00:00Z.\n"
        "\n"
        "Frame\n"
        "  OFFSET  WIDTH  FIELD  MEANING\n"
        "  0       4             \"GRIB\"\n"
        "  4       4      len    length of data; big-endian signed, negative where the record goes "
        "on in the next frame\n"
        "  8       len    data   the payload\n");
    free(words);
    ff_format_free(format);
    assert_int_equal(ff_formats_find(formats, "j", &format, NULL), 0);
    words = words_of(format, NULL);
    assert_non_null(strstr(words, "\nOther bytes may follow the last frame.\n"));
    assert_non_null(strstr(words, "\nTimes count from 9223372036854775807 seconds after 1970.\n"));
    assert_non_null(strstr(words, "  time in seconds; little-endian unsigned\n"));
    free(words);
    ff_format_free(format);
    assert_int_equal(ff_formats_find(formats, "k", &format, NULL), 0);
    words = words_of(format, NULL);
    assert_non_null(strstr(words, "\nTimes count from 62168256000 seconds before 1970.\n"));
    free(words);
    ff_format_free(format);
    ff_formats_free(formats);
}

static void every_built_in_format_can_be_explained(void **state)
{
    (void)state;
    for (size_t i = 0; i < ff_formats_count(NULL); i++) {
        struct ff_format *format = NULL;
        assert_int_equal(ff_format_find(ff_formats_name(NULL, i), &format, NULL), 0);
        char *words = words_of(format, "built-in");
        assert_null(strstr(words, " \n"));
        assert_null(strstr(words, "  ;"));
        free(words);
        ff_format_free(format);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tfrecord),
        cmocka_unit_test(pcap),
        cmocka_unit_test(marc),
        cmocka_unit_test(pcapng),
        cmocka_unit_test(every_kind_of_item_is_told),
        cmocka_unit_test(conditions_are_told),
        cmocka_unit_test(bit_fields_are_told_one_by_one),
        cmocka_unit_test(headers_are_told_line_by_line),
        cmocka_unit_test(native_items_are_told),
        cmocka_unit_test(fragments_are_told),
        cmocka_unit_test(a_payload_may_be_several_items),
        cmocka_unit_test(parts_are_told_in_order),
        cmocka_unit_test(long_literals_are_cut),
        cmocka_unit_test(directives_are_sentences),
        cmocka_unit_test(every_built_in_format_can_be_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
