/* Which format an archive has: what is told, what is not, and why. */
#include <errno.h>
#include <framefs/detect.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/trial.h"

#define CANDIDATES_MAX 256

/* Bytes that grow. */
struct bytes {
    uint8_t *at;
    size_t len, room;
};

static void append(struct bytes *bytes, const void *from, size_t len)
{
    if (bytes->room <= bytes->len + len) {
        bytes->room = 2 * (bytes->len + len) + 1;
        bytes->at = realloc(bytes->at, bytes->room);
    }
    assert_non_null(bytes->at);
    memcpy(bytes->at + bytes->len, from, len);
    bytes->len += len;
}

static void append_le(struct bytes *bytes, uint64_t value, unsigned int width)
{
    for (unsigned int i = 0; i < width; i++)
        append(bytes, &(uint8_t){(uint8_t)(value >> (8 * i))}, 1);
}

static void append_be(struct bytes *bytes, uint64_t value, unsigned int width)
{
    for (unsigned int i = width; i-- > 0;)
        append(bytes, &(uint8_t){(uint8_t)(value >> (8 * i))}, 1);
}

/* Bytes that look like nothing: each depends on its place. */
static void append_noise(struct bytes *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint64_t z = (bytes->len + 1) * UINT64_C(0x9e3779b97f4a7c15);
        append(bytes, &(uint8_t){(uint8_t)(z >> 56 ^ z >> 24)}, 1);
    }
}

/* Records of length u32be after so many bytes of noise: MRT, when those are 8. */
static void append_chain(struct bytes *bytes, size_t header, unsigned int frames, size_t first)
{
    for (unsigned int i = 0; i < frames; i++) {
        append_noise(bytes, header);
        append_be(bytes, first + i * 7, 4);
        append_noise(bytes, first + i * 7);
    }
}

static const char *detect_head(const struct ff_formats *formats, const struct ff_head *head,
                               int *ret_code)
{
    static char text[FF_ERROR_TEXT_BYTES];
    struct ff_format *format;
    struct ff_error error = {0};

    *ret_code = ff_format_detect(formats, head, &format, &error);
    strcpy(text, *ret_code == 0 ? ff_format_name(format) : error.text);
    if (*ret_code == 0)
        ff_format_free(format);
    else
        assert_int_equal(error.code, *ret_code);
    return text;
}

/* Is one of the built-in formats; name: of the archive's file. */
static void is(const struct bytes *bytes, const char *name, const char *expected)
{
    const struct ff_head head = {
        .buf = bytes->at, .len = bytes->len, .size = bytes->len, .name = name};
    int code;
    const char *text = detect_head(NULL, &head, &code);
    assert_string_equal(text, expected);
    assert_int_equal(code, 0);
}

/* Is none, and the message has that part. */
static void is_none(const void *buf, size_t len, const char *name, int expected, const char *part)
{
    const struct ff_head head = {.buf = buf, .len = len, .size = len, .name = name};
    int code;
    const char *text = detect_head(NULL, &head, &code);
    assert_non_null(strstr(text, part));
    assert_int_equal(code, expected);
}

static struct ff_candidate candidates[CANDIDATES_MAX];

/* All candidates: their number. */
static size_t rank(const struct ff_formats *formats, const struct bytes *bytes)
{
    const struct ff_head head = {.buf = bytes->at, .len = bytes->len, .size = bytes->len};
    size_t count;
    assert_int_equal(ff_format_rank(formats, &head, candidates, CANDIDATES_MAX, &count, NULL), 0);
    assert_true(count <= CANDIDATES_MAX);
    return count;
}

static const struct ff_candidate *candidate_of(size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(candidates[i].name, name) == 0)
            return &candidates[i];
    fail_msg("no candidate %s", name);
    return NULL;
}

static struct ff_formats *formats_of(const char *ini)
{
    struct ff_formats *formats;
    assert_int_equal(ff_formats_new(&formats, NULL), 0);
    assert_int_equal(ff_formats_add(formats, ini, strlen(ini), "test", NULL), 0);
    return formats;
}

static void a_magic_is_enough(void **state)
{
    (void)state;
    struct bytes pcap = {0};
    append(&pcap, "\xd4\xc3\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0\xff\xff\0\0\1\0\0\0", 24);
    is(&pcap, NULL, "pcap");
    /* Also when nothing of what follows is a frame. */
    append(&pcap, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 16);
    is(&pcap, NULL, "pcap");
    size_t count = rank(NULL, &pcap);
    assert_string_equal(candidates[0].name, "pcap");
    assert_int_equal(candidates[0].verdict, FF_VERDICT_CHOSEN);
    assert_true(candidates[0].magic);
    assert_non_null(strstr(candidates[0].reason, "at byte"));
    assert_int_equal(candidate_of(count, "png")->verdict, FF_VERDICT_FELL);
    assert_int_equal(candidate_of(count, "png")->offset, 0);
    free(pcap.at);
}

/* Of a preamble alone: what follows is no frame. */
static void a_magic_of_three_bytes_is_enough_and_of_two_is_not(void **state)
{
    (void)state;
    static const uint8_t bytes[] = "Qx\x9b\xff\1\2\3";
    const struct ff_head head = {.buf = bytes, .len = 7, .size = 7};
    struct ff_formats *three = formats_of("[three]\npreamble = \"Qx\\x9b\"\nframe = len:u8 data\n");
    struct ff_formats *two = formats_of("[two]\npreamble = \"Qx\"\nframe = \"y\" len:u8 data\n");
    int code;

    assert_string_equal(detect_head(three, &head, &code), "three");
    assert_int_equal(code, 0);
    detect_head(two, &head, &code);
    assert_int_equal(code, -ENOENT);
    ff_formats_free(three);
    ff_formats_free(two);
}

static void an_empty_archive_is_of_no_format(void **state)
{
    (void)state;
    const struct bytes empty = {.at = (uint8_t *)"", .len = 0};
    is_none("", 0, NULL, -ENOENT, "");
    assert_int_equal(rank(NULL, &empty), 0);
}

static void lengths_alone_are_a_chain_of_several_frames(void **state)
{
    (void)state;
    struct bytes one = {0}, many = {0}, cut = {0};
    append_chain(&one, 8, 1, 60);
    is_none(one.at, one.len, NULL, -ENOENT, "no known format fits");
    append_chain(&many, 8, 12, 60);
    is(&many, NULL, "mrt");
    /* The last frame lacks a byte: still more than enough came before it. */
    append_chain(&cut, 8, 60, 60);
    cut.len--;
    is(&cut, NULL, "mrt");
    size_t count = rank(NULL, &cut);
    assert_int_equal(candidate_of(count, "mrt")->frames, 59);
    free(one.at);
    free(many.at);
    free(cut.at);
}

static void lengths_that_are_all_the_same_are_no_chain(void **state)
{
    (void)state;
    struct bytes bytes = {0};
    for (int i = 0; i < 200; i++) {
        append_noise(&bytes, 8);
        append_be(&bytes, 40, 4);
        append_noise(&bytes, 40);
    }
    is_none(bytes.at, bytes.len, NULL, -ENOENT, "mrt would");
    free(bytes.at);
}

static void what_fits_at_wrong_places_is_no_chain(void **state)
{
    (void)state;
    /* Integers below 100 that are multiples of 4: as u32be lengths they lead from one to another.
     */
    struct bytes bytes = {0};
    for (unsigned int i = 0; i < 3000; i++)
        append_be(&bytes, (i * 7919U % 25) * 4, 4);
    size_t count = rank(NULL, &bytes);
    assert_true(candidates[0].verdict >= FF_VERDICT_WEAK);
    const struct ff_candidate *mrt = candidate_of(count, "mrt");
    if (mrt->verdict == FF_VERDICT_WEAK)
        assert_non_null(strstr(mrt->reason, "chance"));
    is_none(bytes.at, bytes.len, NULL, -ENOENT, "no known format fits");
    free(bytes.at);
}

static void checksums_that_are_wrong_contradict(void **state)
{
    (void)state;
    /* Lengths as TFRecord has them, each followed by what should be their CRC. */
    struct bytes bytes = {0};
    for (unsigned int i = 1; i < 50; i++) {
        append_le(&bytes, i * 11, 8);
        append_noise(&bytes, 4 + i * 11 + 4);
    }
    size_t count = rank(NULL, &bytes);
    const struct ff_candidate *tfrecord = candidate_of(count, "tfrecord");
    assert_int_equal(tfrecord->verdict, FF_VERDICT_FELL);
    assert_non_null(strstr(tfrecord->reason, "checksums do not match"));
    assert_int_equal(tfrecord->length_bits, 0);
    free(bytes.at);
}

static void the_extension_decides_among_equals_only(void **state)
{
    (void)state;
    struct bytes chain = {0}, text = {0}, pcap = {0};
    for (unsigned int i = 0; i < 40; i++) {
        append(&chain, (uint8_t[]){(uint8_t)(0x80 | (i + 1)), 2}, 2);
        append_noise(&chain, 256 + i + 1);
    }
    is_none(chain.at, chain.len, NULL, -ENOENT, "protobuf-delimited, car would");
    is_none(chain.at, chain.len, "x.mrt", -ENOENT, "protobuf-delimited, car would");
    is(&chain, "x.car", "car");
    is(&chain, "dir.car/x.PBD", "protobuf-delimited");
    /* One that is cut is still a CAR to who calls it so. */
    chain.len--;
    is_none(chain.at, chain.len, NULL, -ENOENT, "no known format fits");
    is(&chain, "x.car", "car");
    /* Never against the bytes. */
    append(&text, "Every byte of this is a small number.\n", 38);
    is_none(text.at, text.len, "x.car", -ENOENT, "text");
    append(&pcap, "\xd4\xc3\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0\xff\xff\0\0\1\0\0\0", 24);
    is(&pcap, "x.car", "pcap");
    free(chain.at);
    free(text.at);
    free(pcap.at);
}

static void two_that_fit_equally_are_both_named(void **state)
{
    (void)state;
    struct bytes bytes = {0};
    for (unsigned int i = 1; i < 9; i++) {
        append(&bytes, "MYLG", 4);
        append_le(&bytes, i, 4);
        append_noise(&bytes, i);
    }
    struct ff_formats *formats = formats_of("[one]\nframe = \"MYLG\" len:u32le data\next = .one\n"
                                            "[two]\nframe = u32be=0x4d594c47 len:u32le data\n"
                                            "[more]\nframe = \"MYLG\" len:u32le \"!\"? data\n");
    struct ff_head head = {.buf = bytes.at, .len = bytes.len, .size = bytes.len};
    int code;
    assert_string_equal(detect_head(formats, &head, &code),
                        "several formats fit equally well: one, two, more; say which with "
                        "--format");
    assert_int_equal(code, -ENOTUNIQ);
    size_t count = rank(formats, &bytes);
    assert_int_equal(candidate_of(count, "one")->verdict, FF_VERDICT_EQUAL);
    assert_int_equal(candidate_of(count, "two")->verdict, FF_VERDICT_EQUAL);
    assert_non_null(strstr(candidate_of(count, "two")->reason, "as well as one"));
    head.name = "x.one";
    assert_string_equal(detect_head(formats, &head, &code), "one");
    ff_formats_free(formats);
    free(bytes.at);
}

static void more_constants_outrank_fewer(void **state)
{
    (void)state;
    struct bytes bytes = {0};
    for (unsigned int i = 1; i < 30; i++) {
        append(&bytes, "MYLG", 4);
        append_le(&bytes, i, 4);
        append_noise(&bytes, i);
    }
    struct ff_formats *formats = formats_of("[four]\nframe = bytes[4] len:u32le data\n"
                                            "[first]\nframe = \"MY\" bytes[2] len:u32le data\n"
                                            "[all]\nframe = \"MYLG\" len:u32le data\n");
    size_t count = rank(formats, &bytes);
    assert_string_equal(candidates[0].name, "all");
    assert_int_equal(candidates[0].verdict, FF_VERDICT_CHOSEN);
    assert_int_equal(candidates[0].fixed_bits, 29 * 32);
    assert_int_equal(candidates[0].frames, 29);
    assert_string_equal(candidates[1].name, "first");
    assert_int_equal(candidates[1].verdict, FF_VERDICT_LESS);
    assert_string_equal(candidates[2].name, "four");
    assert_int_equal(candidate_of(count, "four")->fixed_bits, 0);
    ff_formats_free(formats);
    free(bytes.at);
}

static void a_generic_format_gives_way_to_a_named_one(void **state)
{
    (void)state;
    static const char generic[] = "[plain]\nframe = hdr:bytes[8] len:u32be data\ngeneric = yes\n";
    struct bytes bytes = {0}, other = {0};
    append_chain(&bytes, 8, 60, 30);
    struct ff_formats *formats = formats_of(generic);
    size_t count = rank(formats, &bytes);
    assert_string_equal(candidates[0].name, "mrt");
    assert_int_equal(candidates[0].verdict, FF_VERDICT_CHOSEN);
    assert_int_equal(candidate_of(count, "plain")->verdict, FF_VERDICT_LESS);
    ff_formats_free(formats);
    /* Where none is named, a generic one is found, but it takes more. */
    append_chain(&other, 15, 60, 30);
    formats = formats_of("[plain]\nframe = hdr:bytes[15] len:u32be data\ngeneric = yes\n"
                         "[same]\nframe = hdr:bytes[15] len:u32be data\ngeneric = yes\n");
    rank(formats, &other);
    assert_string_equal(candidates[0].name, "plain");
    assert_int_equal(candidates[0].verdict, FF_VERDICT_CHOSEN);
    struct bytes few = {0};
    append_chain(&few, 15, 8, 30);
    rank(formats, &few);
    assert_int_equal(candidates[0].verdict, FF_VERDICT_WEAK);
    ff_formats_free(formats);
    formats = formats_of("[plain]\nframe = hdr:bytes[15] len:u32be data\n");
    rank(formats, &few);
    assert_int_equal(candidates[0].verdict, FF_VERDICT_CHOSEN);
    ff_formats_free(formats);
    free(bytes.at);
    free(other.at);
    free(few.at);
}

static void a_generic_format_is_taken_that_says_far_more(void **state)
{
    (void)state;
    struct bytes bytes = {0};

    /* Also a type of zeros and a length of 4 bytes, as unified2 and midi have them. */
    for (unsigned int i = 0; i < 60; i++) {
        append_be(&bytes, 30 + i * 7, 8);
        append_noise(&bytes, 30 + i * 7);
    }
    is(&bytes, NULL, "u64be");
    size_t count = rank(NULL, &bytes);
    assert_int_equal(candidate_of(count, "unified2")->verdict, FF_VERDICT_LESS);
    assert_true(candidates[0].length_bits > 2 * candidate_of(count, "unified2")->length_bits);
    /* Unless the archive's name, or who added a format, says otherwise. */
    is(&bytes, "events.unified2", "unified2");
    struct ff_formats *formats = formats_of("[mine]\nframe = kind:u32be len:u32be data\n");
    rank(formats, &bytes);
    assert_string_equal(candidates[0].name, "mine");
    ff_formats_free(formats);
    free(bytes.at);
}

static void an_order_that_nothing_told_is_none(void **state)
{
    (void)state;
    /* Blocks of pcapng without the section's header, which tells their order. */
    struct bytes bytes = {0};
    for (unsigned int i = 1; i < 40; i++) {
        append_le(&bytes, 6, 4);
        append_le(&bytes, 12 + i * 4, 4);
        append_noise(&bytes, i * 4);
        append_le(&bytes, 12 + i * 4, 4);
    }
    size_t count = rank(NULL, &bytes);
    assert_int_equal(candidate_of(count, "pcapng")->verdict, FF_VERDICT_FELL);
    assert_non_null(strstr(candidate_of(count, "pcapng")->reason, "order"));
    free(bytes.at);
}

static void names_and_tags_are_text(void **state)
{
    (void)state;
    struct ff_formats *formats =
        formats_of("[tagged]\npreamble = \"M\"\nframe = tag:str[4] len:u32be data\n");
    struct bytes good = {0}, bad = {0};
    append(&good, "M", 1);
    append(&bad, "M", 1);
    for (unsigned int i = 1; i < 30; i++) {
        append(&good, i % 2 ? "abcd" : "ef\0\0", 4);
        append(&bad, i < 20 ? "abcd" : "\0ef\0", 4);
        for (struct bytes *b = &good; b; b = b == &good ? &bad : NULL) {
            append_be(b, i, 4);
            append_noise(b, i);
        }
    }
    rank(formats, &good);
    assert_string_equal(candidates[0].name, "tagged");
    assert_int_equal(candidates[0].verdict, FF_VERDICT_CHOSEN);
    const struct ff_candidate *tagged = candidate_of(rank(formats, &bad), "tagged");
    assert_int_equal(tagged->frames, 19);
    assert_non_null(strstr(tagged->reason, "binary bytes"));
    ff_formats_free(formats);
    free(good.at);
    free(bad.at);
}

static void where_a_format_fell_is_told(void **state)
{
    (void)state;
    struct bytes bytes = {0};
    append_chain(&bytes, 8, 3, 60);
    size_t broken = bytes.len;
    append_noise(&bytes, 8);
    append_be(&bytes, 100000, 4);
    append_noise(&bytes, 50);
    const struct ff_candidate *mrt = candidate_of(rank(NULL, &bytes), "mrt");
    assert_int_equal(mrt->verdict, FF_VERDICT_FELL);
    assert_int_equal(mrt->frames, 3);
    assert_int_equal(mrt->offset, broken + 12);
    assert_non_null(strstr(mrt->reason, "100000"));
    free(bytes.at);
}

static void a_preamble_that_breaks_says_what_it_began_as(void **state)
{
    (void)state;
    static const uint8_t bytes[] = "SEQ\6\1a\1b\1\1\0\0\0\0sixteen bytes...";
    is_none(bytes, sizeof(bytes) - 1, NULL, -ENOENT, "it begins as seqfile, but at byte 9");
}

static void an_end_frame_ends_the_archive(void **state)
{
    (void)state;
    struct ff_formats *formats = formats_of("[ends]\nframe.end = \"THE END!\" @end\n"
                                            "frame = \"REC\" len:u8 data\n");
    struct bytes bytes = {0};
    append(&bytes, "REC\2abTHE END!", 14);
    rank(formats, &bytes);
    assert_string_equal(candidates[0].reason, "chosen");
    append(&bytes, "\0\0\0\0", 4);
    rank(formats, &bytes);
    assert_string_equal(candidates[0].reason, "chosen");
    append(&bytes, "more", 4);
    rank(formats, &bytes);
    assert_string_equal(candidates[0].name, "ends");
    assert_non_null(strstr(candidates[0].reason, "more follows"));
    ff_formats_free(formats);
    free(bytes.at);
}

static void so_many_frames_are_tried(void **state)
{
    (void)state;
    struct ff_formats *formats = formats_of("[mylog]\nframe = \"MYLG\" len:u8 data\n");
    for (unsigned int more = 0; more < 2; more++) {
        struct bytes bytes = {0};
        for (unsigned int i = 0; i < FF_TRIAL_FRAMES_MAX + more; i++)
            append(&bytes, "MYLG\1x", 6);
        rank(formats, &bytes);
        assert_string_equal(candidates[0].name, "mylog");
        assert_int_equal(candidates[0].frames, FF_TRIAL_FRAMES_MAX);
        assert_int_equal(candidates[0].offset, FF_TRIAL_FRAMES_MAX * 6);
        free(bytes.at);
    }
    ff_formats_free(formats);
}

static void a_head_of_a_pipe_tells_as_much(void **state)
{
    (void)state;
    struct bytes bytes = {0};
    append_chain(&bytes, 8, 300, 60);
    bytes.len -= 5;
    /* What a file of 10 GB, and a pipe, begin with. */
    const uint64_t sizes[] = {UINT64_C(10000000000), UINT64_MAX};
    for (int i = 0; i < 2; i++) {
        const struct ff_head head = {.buf = bytes.at, .len = bytes.len, .size = sizes[i]};
        int code;
        assert_string_equal(detect_head(NULL, &head, &code), "mrt");
    }
    free(bytes.at);
}

static void a_first_frame_larger_than_the_head_tells_its_constants(void **state)
{
    (void)state;
    struct ff_formats *formats = formats_of("[big]\nframe = \"BIGR\" len:u64be data \"7777\"\n");
    struct bytes bytes = {0};
    append(&bytes, "BIGR", 4);
    append_be(&bytes, 100000, 8);
    append_noise(&bytes, 1000);
    struct ff_head head = {.buf = bytes.at, .len = bytes.len, .size = 100016};
    int code;
    assert_string_equal(detect_head(formats, &head, &code), "big");
    /* And when the archive is cut there. */
    head.size = bytes.len;
    assert_string_equal(detect_head(formats, &head, &code), "big");
    ff_formats_free(formats);
    free(bytes.at);
}

static void files_that_are_something_else_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *what, *how;
    } files[] = {
        {"\x1f\x8b\x08\0\0\0\0\0", 8, "gzip", "zcat FILE | framefs ls -"},
        {"\x28\xb5\x2f\xfd\0\0\0\0", 8, "zstd", "zstdcat"},
        {"\xfd\x37zXZ\0\0\4", 8, "xz", "xzcat"},
        {"BZh91AY&SY\0\0", 12, "bzip2", "bzcat"},
        {"\x04\x22\x4d\x18\0\0\0\0", 8, "lz4", "lz4cat"},
        {"PK\3\4\24\0\0\0", 8, "ZIP", "unpack"},
        {"7z\xbc\xaf\x27\x1c\0\4", 8, "7z", "unpack"},
        {"\x7f\x45LF\2\1\1\0", 8, "ELF", ""},
        {"%PDF-1.7\n", 9, "PDF", ""},
        {"SQLite format 3\0\0\0", 18, "SQLite", "sqlite3"},
        {"\x37\x7f\x06\x82\0\x2d\xe2\x18", 8, "SQLite write-ahead", "data[4096]"},
        {"\x37\x7f\x06\x83\0\x2d\xe2\x18", 8, "SQLite write-ahead", "data[4096]"},
        {"# v2 git bundle\n\x2d", 17, "Git bundle", ""},
        {"PAR1\25\4\25\0", 8, "Parquet", "Parquet library"},
        {"\x89HDF\r\n\x1a\n\0\0", 10, "HDF5", "HDF5 library"},
        {"ORC\0\0\0\0\0", 8, "ORC", "ORC library"},
        {"LPKSHHRH\0\0", 10, "journal", "journalctl"},
        {"plain text, of a few words\n", 27, "text", "not lines"},
        {"\xff\xfeh\0e\0l\0l\0o\0", 12, "text", "not lines"},
        {"\xfe\xff\0h\0e\0l\0l\0o", 12, "text", "not lines"},
        {"!<thin>\n/       ", 16, "thin ar", ""},
        {"FORM\0\0\0\x08"
         "AIFFCOMM",
         16, "IFF", "--frame"},
        {"\xff\xff\xff\xff\xff\xff\xff\xff", 8, "no known format fits", "--format"},
    };
    uint8_t tar[512] = {'a'};

    for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
        is_none(files[i].bytes, files[i].len, NULL, -ENOENT, files[i].what);
        is_none(files[i].bytes, files[i].len, NULL, -ENOENT, files[i].how);
    }
    memcpy(tar + 257, "ustar", 5);
    is_none(tar, sizeof(tar), NULL, -ENOENT, "tar archive");
    is_none(tar, 261, NULL, -ENOENT, "no known format fits");
}

/* Numbers have even sizes, so that Fortran's records are a tape's, too. */
static void an_extension_that_is_missing_decides(void **state)
{
    (void)state;
    struct bytes bytes = {0};
    for (unsigned int i = 0; i < 50; i++) {
        append_le(&bytes, 4 + 8 * i, 4);
        append_noise(&bytes, 4 + 8 * i);
        append_le(&bytes, 4 + 8 * i, 4);
    }
    is_none(bytes.at, bytes.len, NULL, -ENOTUNIQ, "fortran, simh-tap");
    is(&bytes, "wind.dat", "fortran");
    is(&bytes, "backup.tap", "simh-tap");
    free(bytes.at);
}

static void a_known_file_is_no_chain_of_lengths(void **state)
{
    (void)state;
    struct bytes bytes = {0};
    append_chain(&bytes, 8, 60, 60);
    is(&bytes, NULL, "mrt");
    memcpy(bytes.at, "\x28\xb5\x2f\xfd", 4);
    is_none(bytes.at, bytes.len, NULL, -ENOENT, "zstd");
    const struct ff_candidate *mrt = candidate_of(rank(NULL, &bytes), "mrt");
    assert_int_equal(mrt->verdict, FF_VERDICT_WEAK);
    assert_non_null(strstr(mrt->reason, "zstd"));
    free(bytes.at);
}

static void the_best_come_first_however_few_are_wanted(void **state)
{
    (void)state;
    struct bytes bytes = {0};
    append_chain(&bytes, 8, 60, 60);
    const struct ff_head head = {.buf = bytes.at, .len = bytes.len, .size = bytes.len};
    struct ff_candidate two[2] = {{.name = "untouched"}, {.name = "untouched"}};
    size_t count;
    assert_int_equal(ff_format_rank(NULL, &head, two, 1, &count, NULL), 0);
    assert_int_equal(count, ff_formats_count(NULL));
    assert_string_equal(two[0].name, "mrt");
    assert_string_equal(two[1].name, "untouched");
    assert_int_equal(ff_format_rank(NULL, &head, NULL, 0, &count, NULL), 0);
    assert_int_equal(count, ff_formats_count(NULL));
    free(bytes.at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_magic_is_enough),
        cmocka_unit_test(a_magic_of_three_bytes_is_enough_and_of_two_is_not),
        cmocka_unit_test(an_empty_archive_is_of_no_format),
        cmocka_unit_test(lengths_alone_are_a_chain_of_several_frames),
        cmocka_unit_test(lengths_that_are_all_the_same_are_no_chain),
        cmocka_unit_test(what_fits_at_wrong_places_is_no_chain),
        cmocka_unit_test(checksums_that_are_wrong_contradict),
        cmocka_unit_test(the_extension_decides_among_equals_only),
        cmocka_unit_test(two_that_fit_equally_are_both_named),
        cmocka_unit_test(more_constants_outrank_fewer),
        cmocka_unit_test(a_generic_format_gives_way_to_a_named_one),
        cmocka_unit_test(a_generic_format_is_taken_that_says_far_more),
        cmocka_unit_test(an_order_that_nothing_told_is_none),
        cmocka_unit_test(names_and_tags_are_text),
        cmocka_unit_test(where_a_format_fell_is_told),
        cmocka_unit_test(a_preamble_that_breaks_says_what_it_began_as),
        cmocka_unit_test(an_end_frame_ends_the_archive),
        cmocka_unit_test(so_many_frames_are_tried),
        cmocka_unit_test(a_head_of_a_pipe_tells_as_much),
        cmocka_unit_test(a_first_frame_larger_than_the_head_tells_its_constants),
        cmocka_unit_test(files_that_are_something_else_are_told),
        cmocka_unit_test(an_extension_that_is_missing_decides),
        cmocka_unit_test(a_known_file_is_no_chain_of_lengths),
        cmocka_unit_test(the_best_come_first_however_few_are_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
