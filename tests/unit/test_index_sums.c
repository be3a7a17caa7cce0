/* What an index file says of checksums: which records it calls right and wrong, at the limits, too;
 * what goes in as bytes comes out, and what no scan could have found is refused. And how an archive
 * is told to write it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "archive/index_sums.h"
#include "joined.h"

#define RECORDS       10000
#define ARCHIVE_BYTES 1000000

static struct ff_damage wrong_at(uint64_t record, uint64_t offset)
{
    struct ff_damage damage = {.offset = offset, .len = 50, .record = record, .code = -EBADMSG};

    snprintf(damage.reason, sizeof(damage.reason), "wrong");
    return damage;
}

/* Frames of 100 bytes, of which those of every `step`-th record are wrong. */
static struct ff_index_sums make_sums(uint64_t wrong, uint64_t step)
{
    struct ff_index_sums sums = {.archive_bytes = ARCHIVE_BYTES,
                                 .mtime = {.tv_sec = -5, .tv_nsec = 999999999},
                                 .records = RECORDS,
                                 .checksums = 2 * RECORDS};

    for (uint64_t i = 0; i < wrong; i++) {
        const struct ff_damage damage = wrong_at(i * step, i * step * 100);
        assert_int_equal(ff_index_sums_add(&sums, &damage), 0);
    }
    return sums;
}

static enum ff_checked verdict(const struct ff_index_sums *sums, uint64_t record, bool joined)
{
    const struct ff_record asked = {.number = record, .offset = record * 100, .joined = joined};
    const struct ff_damage *damage = NULL;
    enum ff_checked checked = ff_index_sums_get(sums, &asked, &damage);

    assert_true((checked == FF_CHECKED_DAMAGED) == (damage != NULL));
    if (damage)
        assert_true(damage->record == record);
    return checked;
}

static void each_record_is_told_right_or_wrong(void **state)
{
    (void)state;
    struct ff_index_sums sums = make_sums(100, 7);

    for (uint64_t i = 0; i < RECORDS; i++)
        assert_int_equal(verdict(&sums, i, false),
                         i < 700 && i % 7 == 0 ? FF_CHECKED_DAMAGED : FF_CHECKED_WELL);
    assert_int_equal(verdict(&sums, RECORDS, false), FF_CHECKED_NOT);
    ff_index_sums_done(&sums);
}

static void what_is_wrong_beside_a_record_leaves_it_unknown(void **state)
{
    (void)state;
    struct ff_index_sums sums = make_sums(0, 1);
    const struct ff_damage hidden = wrong_at(3, 250), own = wrong_at(3, 300);

    assert_int_equal(ff_index_sums_add(&sums, &hidden), 0);
    assert_int_equal(verdict(&sums, 3, false), FF_CHECKED_NOT);
    assert_int_equal(ff_index_sums_add(&sums, &own), 0);
    assert_int_equal(verdict(&sums, 3, false), FF_CHECKED_DAMAGED);
    assert_int_equal(verdict(&sums, 3, true), FF_CHECKED_NOT);
    assert_int_equal(verdict(&sums, 2, false), FF_CHECKED_WELL);
    assert_int_equal(verdict(&sums, 4, false), FF_CHECKED_WELL);
    ff_index_sums_done(&sums);
}

static void behind_more_damages_than_are_kept_nothing_is_known(void **state)
{
    (void)state;
    struct ff_index_sums sums = make_sums(FF_DAMAGE_MAX, 2);
    const uint64_t last = 2 * (FF_DAMAGE_MAX - 1);
    const struct ff_damage more = wrong_at(last + 2, (last + 2) * 100);

    assert_int_equal(verdict(&sums, last + 1, false), FF_CHECKED_WELL);
    assert_int_equal(verdict(&sums, RECORDS - 1, false), FF_CHECKED_WELL);
    assert_int_equal(ff_index_sums_add(&sums, &more), 0);
    assert_int_equal(sums.wrong, FF_DAMAGE_MAX + 1);
    assert_int_equal(verdict(&sums, last - 1, false), FF_CHECKED_WELL);
    assert_int_equal(verdict(&sums, last, false), FF_CHECKED_DAMAGED);
    assert_int_equal(verdict(&sums, last + 1, false), FF_CHECKED_NOT);
    assert_int_equal(verdict(&sums, last + 2, false), FF_CHECKED_NOT);
    ff_index_sums_done(&sums);
}

/* ---- as bytes ---- */

static int round_trip(const struct ff_index_sums *sums, struct ff_index_sums *ret_sums)
{
    size_t max = ff_index_sums_bytes_max(sums);
    uint8_t *buf = malloc(max);

    assert_non_null(buf);
    size_t len = ff_index_sums_encode(buf, sums);
    assert_true(len <= max);
    /* Of exact size, so that a sanitizer sees the smallest step outside. */
    uint8_t *exact = malloc(len);
    assert_non_null(exact);
    memcpy(exact, buf, len);
    int r = ff_index_sums_decode(exact, len, RECORDS, ARCHIVE_BYTES, ret_sums);
    free(exact);
    free(buf);
    return r;
}

static void what_goes_in_comes_out(void **state)
{
    (void)state;
    const uint64_t counts[] = {0, 1, 5, FF_DAMAGE_MAX, FF_DAMAGE_MAX + 1};

    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        struct ff_index_sums sums = make_sums(counts[i], 2), found = {0};
        assert_int_equal(round_trip(&sums, &found), 0);
        assert_true(found.archive_bytes == ARCHIVE_BYTES && found.records == RECORDS);
        assert_true(found.mtime.tv_sec == -5 && found.mtime.tv_nsec == 999999999);
        assert_true(found.checksums == 2 * RECORDS && found.wrong == counts[i]);
        for (size_t d = 0; d < ff_index_sums_kept(&sums); d++) {
            assert_true(found.damages[d].offset == d * 200 && found.damages[d].len == 50);
            assert_true(found.damages[d].record == d * 2);
            assert_int_equal(found.damages[d].code, -EBADMSG);
            assert_string_equal(found.damages[d].reason, "wrong");
        }
        ff_index_sums_done(&found);
        ff_index_sums_done(&sums);
    }
}

static void what_is_cut_or_goes_on_is_refused(void **state)
{
    (void)state;
    struct ff_index_sums sums = make_sums(3, 5), found;
    uint8_t *buf = malloc(ff_index_sums_bytes_max(&sums) + 1);

    assert_non_null(buf);
    size_t len = ff_index_sums_encode(buf, &sums);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(ff_index_sums_decode(buf, i, RECORDS, ARCHIVE_BYTES, &found), -EUCLEAN);
    buf[len] = 0;
    assert_int_equal(ff_index_sums_decode(buf, len + 1, RECORDS, ARCHIVE_BYTES, &found), -EUCLEAN);
    assert_int_equal(ff_index_sums_decode(buf, len, RECORDS, ARCHIVE_BYTES, &found), 0);
    ff_index_sums_done(&found);
    free(buf);
    ff_index_sums_done(&sums);
}

/* With that change in the second of three damages. */
#define ASSERT_REFUSED(change)                                                                     \
    do {                                                                                           \
        struct ff_index_sums sums = make_sums(3, 5), found;                                        \
        change;                                                                                    \
        assert_int_equal(round_trip(&sums, &found), -EUCLEAN);                                     \
        ff_index_sums_done(&sums);                                                                 \
    } while (0)

static void what_no_scan_finds_is_refused(void **state)
{
    (void)state;
    ASSERT_REFUSED(sums.archive_bytes--);
    ASSERT_REFUSED(sums.archive_bytes++);
    ASSERT_REFUSED(sums.records--);
    ASSERT_REFUSED(sums.records++);
    ASSERT_REFUSED(sums.mtime.tv_nsec++);
    ASSERT_REFUSED(sums.checksums = 2);
    ASSERT_REFUSED(sums.damages[1].code = -EUCLEAN);
    ASSERT_REFUSED(sums.damages[1].offset = 0);
    ASSERT_REFUSED(sums.damages[2].record = 4);
    ASSERT_REFUSED(sums.damages[2].record = RECORDS + 1);
    ASSERT_REFUSED(sums.damages[2].offset = ARCHIVE_BYTES + 1);
    ASSERT_REFUSED(sums.damages[2].len = ARCHIVE_BYTES);
    ASSERT_REFUSED(sums.damages[1].reason[0] = '\n');
}

/* ---- told to an archive ---- */

static struct ff_archive *open_bytes(const char *format, const struct bytes *bytes)
{
    const struct ff_archive_options options = {.name = "test"};
    struct ff_archive *archive;
    struct ff_source *source;

    assert_int_equal(ff_source_open_memory(bytes->at, bytes->len, &source, NULL), 0);
    assert_int_equal(ff_archive_open(source, format_of(format), &options, &archive, NULL), 0);
    return archive;
}

static void an_archive_says_where_it_cannot_be_verified(void **state)
{
    (void)state;
    const struct ff_index_writing plain = {.delay_ms = 0}, verify = {.verify = true};
    struct ff_index_status status;
    struct ff_error error;
    struct bytes bytes = {0};
    int fd = memfd_create("index", MFD_CLOEXEC), other = memfd_create("other", MFD_CLOEXEC);

    for (unsigned int i = 0; i < 20; i++)
        bytes_le(&bytes, 4 | UINT64_C(7) << 32, 8);
    struct ff_archive *archive = open_bytes("u32le", &bytes);
    assert_int_equal(ff_archive_check_index(archive), -ENOENT);
    assert_int_equal(ff_archive_write_index(archive, fd, &verify, &error), -ENOTSUP);
    assert_non_null(strstr(error.text, "u32le has no checksums"));
    assert_int_equal(ff_archive_write_index(archive, fd, &plain, &error), 0);
    assert_int_equal(ff_archive_scan(archive, UINT64_MAX, &error), 0);
    ff_archive_index_status(archive, &status);
    assert_int_equal(status.state, FF_INDEX_WRITTEN);
    assert_false(status.verified);
    ff_archive_close(archive);

    /* It has grown, so that there is something to write. */
    bytes_le(&bytes, 4 | UINT64_C(7) << 32, 8);
    archive = open_bytes("u32le", &bytes);
    assert_int_equal(ff_archive_use_index(archive, fd, &error), 0);
    assert_int_equal(ff_archive_check_index(archive), 0);
    assert_int_equal(ff_archive_write_index(archive, other, &verify, &error), -EINVAL);
    assert_int_equal(ff_archive_write_index(archive, other, &plain, &error), 0);
    ff_archive_close(archive);
    close(fd);
    close(other);
    bytes_done(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_record_is_told_right_or_wrong),
        cmocka_unit_test(what_is_wrong_beside_a_record_leaves_it_unknown),
        cmocka_unit_test(behind_more_damages_than_are_kept_nothing_is_known),
        cmocka_unit_test(what_goes_in_comes_out),
        cmocka_unit_test(what_is_cut_or_goes_on_is_refused),
        cmocka_unit_test(what_no_scan_finds_is_refused),
        cmocka_unit_test(an_archive_says_where_it_cannot_be_verified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
