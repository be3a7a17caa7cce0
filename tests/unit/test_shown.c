/* Archives of which some records are shown: look-ups, views, reports, limits. */
#include <errno.h>
#include <framefs/framefs.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../prop/prop.h"

#define RECORDS_MAX 5000

/* Records of type:u8 and a payload, and what is to be shown of them. */
struct model {
    uint8_t bytes[RECORDS_MAX * 8];
    size_t len;
    uint64_t count;
    uint8_t type[RECORDS_MAX];
    uint64_t offset[RECORDS_MAX + 1];
    uint8_t payload[RECORDS_MAX]; /* bytes */
};

static void add(struct model *model, uint8_t type, uint8_t payload)
{
    uint8_t *at = model->bytes + model->len;

    at[0] = type;
    at[1] = payload;
    memset(at + 2, 'A' + (int)(model->count % 26), payload);
    model->offset[model->count] = model->len;
    model->type[model->count] = type;
    model->payload[model->count++] = payload;
    model->len += 2 + (size_t)payload;
    model->offset[model->count] = model->len;
}

static bool is_shown(uint8_t type)
{
    return type % 2 == 1;
}

static int given; /* the context: it must come back as it was given */

static bool shows(void *context, const struct ff_details *details)
{
    assert_ptr_equal(context, &given);
    return is_shown((uint8_t)strtoul(details->type, NULL, 10));
}

static struct ff_archive *open_model(const struct model *model, uint64_t records_max)
{
    const struct ff_archive_options options = {
        .name = "test", .records_max = records_max, .shows = shows, .shows_context = &given};
    struct ff_source *source;
    struct ff_format *format;
    struct ff_archive *archive;

    assert_int_equal(ff_source_open_memory(model->bytes, model->len, &source, NULL), 0);
    assert_int_equal(ff_format_compile("type:u8 len:u8 data", &format, NULL), 0);
    assert_int_equal(ff_archive_open(source, format, &options, &archive, NULL), 0);
    return archive;
}

static void shown_records_keep_their_numbers(void **state)
{
    (void)state;
    static struct model model;
    static const uint8_t types[] = {2, 1, 4, 3, 3, 0, 5, 6};
    struct ff_record record = {.number = 42};
    uint64_t number = 42;

    model = (struct model){0};
    for (size_t i = 0; i < 8; i++)
        add(&model, types[i], (uint8_t)(i % 4));
    struct ff_archive *archive = open_model(&model, 0);
    assert_int_equal(ff_archive_record(archive, 0, &record), -EAGAIN);
    assert_int_equal(ff_archive_next(archive, 0, &number), -EAGAIN);
    assert_int_equal(ff_archive_scan(archive, 5, NULL), 0);
    assert_int_equal(ff_archive_count(archive), 5);
    assert_int_equal(ff_archive_shown(archive), 3);
    assert_int_equal(ff_archive_record(archive, 2, &record), -ENOENT);
    assert_int_equal(ff_archive_record(archive, 5, &record), -EAGAIN);
    assert_int_equal(ff_archive_next(archive, 5, &number), -EAGAIN);
    assert_int_equal(record.number, 42);
    assert_int_equal(number, 42);

    assert_int_equal(ff_archive_scan(archive, UINT64_MAX, NULL), 0);
    assert_true(ff_archive_complete(archive));
    assert_int_equal(ff_archive_count(archive), 8);
    assert_int_equal(ff_archive_shown(archive), 4);
    static const uint64_t next[] = {1, 1, 3, 3, 4, 6, 6};
    for (uint64_t i = 0; i < 7; i++) {
        assert_int_equal(ff_archive_next(archive, i, &number), 0);
        assert_int_equal(number, next[i]);
    }
    assert_int_equal(ff_archive_next(archive, 7, &number), -ENOENT);
    assert_int_equal(ff_archive_next(archive, UINT64_MAX, &number), -ENOENT);
    assert_int_equal(ff_archive_record(archive, 5, &record), -ENOENT);
    assert_int_equal(ff_archive_record(archive, 8, &record), -ENOENT);
    assert_int_equal(ff_archive_record(archive, 6, &record), 0);
    assert_int_equal(record.number, 6);
    assert_int_equal(record.offset, model.offset[6]);
    assert_int_equal(record.payload, 2);
    struct ff_details details;
    assert_int_equal(ff_archive_details(archive, &record, &details, NULL), 0);
    assert_string_equal(details.type, "5");
    ff_archive_close(archive);
}

static void a_slice_holds_all_between_its_ends(void **state)
{
    (void)state;
    static struct model model;
    struct ff_view view;
    char buf[64];

    model = (struct model){0};
    for (uint8_t i = 0; i < 6; i++)
        add(&model, i, 3);
    struct ff_archive *archive = open_model(&model, 0);
    assert_int_equal(ff_archive_scan(archive, UINT64_MAX, NULL), 0);
    assert_int_equal(ff_view_slice(archive, 1, 5, &view), 0);
    assert_int_equal(ff_view_read(archive, &view, buf, sizeof(buf), 0, NULL), 25);
    assert_memory_equal(buf, model.bytes + 5, 25);
    assert_int_equal(ff_view_slice(archive, 0, 5, &view), -ENOENT);
    assert_int_equal(ff_view_slice(archive, 1, 4, &view), -ENOENT);
    ff_archive_close(archive);
}

static void reports_are_of_what_is_shown(void **state)
{
    (void)state;
    static struct model model;
    struct ff_summary summary;

    model = (struct model){0};
    add(&model, 2, 4);
    for (uint8_t i = 1; i < 4; i++)
        add(&model, i, i);
    struct ff_archive *archive = open_model(&model, 0);
    assert_int_equal(ff_archive_scan(archive, UINT64_MAX, NULL), 0);
    ff_archive_summary(archive, &summary);
    assert_int_equal(summary.records, 2);
    assert_int_equal(summary.left_out, 2);
    assert_int_equal(summary.payload_bytes, 4);
    assert_int_equal(summary.smallest, 1);
    assert_int_equal(summary.largest, 3);
    assert_int_equal(summary.scanned_bytes, model.len);
    assert_int_equal(summary.histogram[1], 1);
    assert_int_equal(summary.histogram[2], 1);
    char *text = ff_report_json(&archive, 1);
    assert_non_null(text);
    json_t *list = json_loads(text, 0, NULL), *object = json_array_get(list, 0);
    assert_int_equal(json_integer_value(json_object_get(object, "records")), 2);
    assert_int_equal(json_integer_value(json_object_get(object, "left_out")), 2);
    json_decref(list);
    free(text);
    ff_archive_close(archive);
}

static void limit_and_damage_count_all_records(void **state)
{
    (void)state;
    static struct model model;
    struct ff_damage damage;

    model = (struct model){0};
    for (uint8_t i = 0; i < 8; i++)
        add(&model, i, 1);
    struct ff_archive *archive = open_model(&model, 5);
    assert_int_equal(ff_archive_scan(archive, UINT64_MAX, NULL), -EOVERFLOW);
    assert_int_equal(ff_archive_count(archive), 5);
    assert_int_equal(ff_archive_shown(archive), 2);
    assert_int_equal(ff_archive_damage(archive, 0, &damage), 0);
    assert_int_equal(damage.record, 5);
    assert_int_equal(damage.offset, model.offset[5]);
    ff_archive_close(archive);
}

/* The payloads that are shown, joined. */
static size_t join(const struct model *model, const char *separator, char *out)
{
    size_t len = 0, separator_len = strlen(separator);

    for (uint64_t i = 0; i < model->count; i++) {
        if (!is_shown(model->type[i]))
            continue;
        memcpy(out + len, model->bytes + model->offset[i] + 2, model->payload[i]);
        len += model->payload[i];
        memcpy(out + len, separator, separator_len);
        len += separator_len;
    }
    return len;
}

static void all_is_what_is_shown(void **state)
{
    (void)state;
    static struct model model;
    static char want[RECORDS_MAX * 10], got[RECORDS_MAX * 10];
    struct ff_prop prop = ff_prop_start(71);

    for (unsigned long round = ff_prop_rounds(30); round > 0; round--) {
        uint64_t count = ff_prop_below(&prop, RECORDS_MAX + 1),
                 rarity = 1 + ff_prop_below(&prop, 300);
        uint64_t shown = 0, size, next;
        model = (struct model){0};
        for (uint64_t i = 0; i < count; i++)
            add(&model, ff_prop_below(&prop, rarity) == 0, (uint8_t)ff_prop_below(&prop, 6));
        struct ff_archive *archive = open_model(&model, 0);
        assert_int_equal(ff_archive_scan(archive, UINT64_MAX, NULL), 0);
        for (uint64_t i = 0; i < count; i++) {
            struct ff_record record;
            int r = ff_archive_record(archive, i, &record);
            assert_int_equal(r, is_shown(model.type[i]) ? 0 : -ENOENT);
            if (r < 0)
                continue;
            shown++;
            assert_int_equal(record.offset, model.offset[i]);
            assert_int_equal(record.payload, model.payload[i]);
            assert_int_equal(ff_archive_next(archive, i, &next), 0);
            assert_int_equal(next, i);
        }
        assert_int_equal(ff_archive_shown(archive), shown);
        const char *separator = ff_prop_below(&prop, 2) ? "--" : "";
        size_t len = join(&model, separator, want);
        assert_int_equal(ff_all_size(archive, strlen(separator), &size), 0);
        assert_int_equal(size, len);
        for (size_t at = 0; at < len;) {
            size_t piece = 1 + ff_prop_below(&prop, ff_prop_below(&prop, 2) ? 20 : sizeof(got));
            ssize_t n = ff_all_read(archive, separator, strlen(separator), got, piece, at, NULL);
            assert_int_equal(n, piece < len - at ? piece : len - at);
            assert_memory_equal(got, want + at, (size_t)n);
            at += (size_t)n;
        }
        ff_archive_close(archive);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shown_records_keep_their_numbers),
        cmocka_unit_test(a_slice_holds_all_between_its_ends),
        cmocka_unit_test(reports_are_of_what_is_shown),
        cmocka_unit_test(limit_and_damage_count_all_records),
        cmocka_unit_test(all_is_what_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
