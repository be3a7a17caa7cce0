/* What a frame tells of its record besides its length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <framefs/framefs.h>

static struct ff_archive *open_bytes(const void *bytes, size_t len, const char *description)
{
    const struct ff_archive_options options = {.name = "test"};
    struct ff_source *source;
    struct ff_format *format;
    struct ff_archive *archive;

    assert_int_equal(ff_source_open_memory(bytes, len, &source, NULL), 0);
    assert_int_equal(ff_format_compile(description, &format, NULL), 0);
    assert_int_equal(ff_archive_open(source, format, &options, &archive, NULL), 0);
    assert_int_equal(ff_archive_scan(archive, UINT64_MAX, NULL), 0);
    return archive;
}

static void times_types_and_names(void **state)
{
    (void)state;
    struct ff_record record;
    struct ff_details details;

    struct ff_archive *archive =
        open_bytes("\x65\x53\xf1\0\0\x0f\x42\x3f\x01z", 10, "time:u32be usec:u32be len:u8 data");
    assert_true(ff_archive_has_times(archive));
    assert_int_equal(ff_archive_record(archive, 0, &record), 0);
    assert_int_equal(ff_archive_details(archive, &record, &details, NULL), 0);
    assert_true(details.has_time);
    assert_int_equal(details.time.tv_sec, 1700000000);
    assert_int_equal(details.time.tv_nsec, 999999000);
    ff_archive_close(archive);

    /* Times that stat(2) could not show are none. */
    archive = open_bytes("\x7f\xff\xff\xff\xff\xff\xff\xff\x01z", 10, "time:i64be len:u8 data");
    assert_int_equal(ff_archive_record(archive, 0, &record), 0);
    assert_int_equal(ff_archive_details(archive, &record, &details, NULL), 0);
    assert_false(details.has_time);
    ff_archive_close(archive);

    archive = open_bytes("\xff\xff\xff\xff\xff\xff\xff\xff\x01z", 10, "time_ms:i64be len:u8 data");
    assert_int_equal(ff_archive_record(archive, 0, &record), 0);
    assert_int_equal(ff_archive_details(archive, &record, &details, NULL), 0);
    assert_true(details.has_time);
    assert_int_equal(details.time.tv_sec, -1);
    assert_int_equal(details.time.tv_nsec, 999000000);
    ff_archive_close(archive);

    archive = open_bytes("IDATa/\x1b[1m\0\0\x01z", 14, "type:str[4] name:str[8] len:u8 data");
    assert_false(ff_archive_has_times(archive));
    assert_int_equal(ff_archive_record(archive, 0, &record), 0);
    assert_int_equal(ff_archive_details(archive, &record, &details, NULL), 0);
    assert_string_equal(details.type, "IDAT");
    assert_string_equal(details.name, "a/\\x1b[1m");
    ff_archive_close(archive);
}

static void the_ending_of_a_text_is_no_part_of_it(void **state)
{
    (void)state;
    /* Unless it is all of the text. */
    static const char archive[] = "a/    b//   /     //    /12   c/d   cde   /abc/ /    /"
                                  "/ \0   -/\n\0  ";
    static const char *const names[] = {"a",   "b/",   "/", "/", "/12", "c/d",
                                        "cde", "/abc", "/", "/", "-"};
    struct ff_record record;
    struct ff_details details;

    struct ff_archive *opened =
        open_bytes(archive, sizeof(archive) - 1, "name:str[6 \"/\"] data[0]");
    assert_int_equal(ff_archive_count(opened), sizeof(names) / sizeof(*names));
    for (uint64_t i = 0; i < ff_archive_count(opened); i++) {
        assert_int_equal(ff_archive_record(opened, i, &record), 0);
        assert_int_equal(ff_archive_details(opened, &record, &details, NULL), 0);
        assert_string_equal(details.name, names[i]);
    }
    ff_archive_close(opened);
}

static void bit_fields_have_meanings_too(void **state)
{
    (void)state;
    struct ff_record record;
    struct ff_details details;

    struct ff_archive *archive =
        open_bytes("\x51z\0\0\0\x07", 6, "u8{type:4 len:4} data u32be{time:32}");
    assert_true(ff_archive_has_times(archive));
    assert_int_equal(ff_archive_record(archive, 0, &record), 0);
    assert_int_equal(ff_archive_details(archive, &record, &details, NULL), 0);
    assert_string_equal(details.type, "5");
    assert_int_equal(details.time.tv_sec, 7);
    ff_archive_close(archive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_types_and_names),
        cmocka_unit_test(the_ending_of_a_text_is_no_part_of_it),
        cmocka_unit_test(bit_fields_have_meanings_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
