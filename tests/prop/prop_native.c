/* Native items written from a seed: they end where they were written to end, through windows cut in
 * any way; cut short or changed anywhere, the result is still the same for all windows. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../native_run.h"
#include "prop.h"

#define ITEM_MAX 8192

/* An item as it was written, by code of this file's own. */
struct item {
    uint8_t bytes[ITEM_MAX];
    size_t len;
    uint64_t count, value;
};

static void put(struct item *item, const void *bytes, size_t len)
{
    assert_true(item->len + len <= ITEM_MAX);
    memcpy(item->bytes + item->len, bytes, len);
    item->len += len;
}

static void put_byte(struct item *item, unsigned int byte)
{
    const uint8_t c = (uint8_t)byte;
    put(item, &c, 1);
}

static void put_noise(struct item *item, struct ff_prop *prop, size_t len)
{
    while (len--)
        put_byte(item, (unsigned int)ff_prop_next(prop));
}

/* Mostly short, at times so long that its length takes another byte. */
static size_t some_len(struct ff_prop *prop)
{
    return (size_t)(ff_prop_below(prop, 8) ? ff_prop_below(prop, 6) : ff_prop_below(prop, 400));
}

static void put_long(struct item *item, int64_t number)
{
    uint64_t zigzag = number < 0 ? ~((uint64_t)number << 1) : (uint64_t)number << 1;
    while (zigzag >= 0x80) {
        put_byte(item, 0x80 | (zigzag & 0x7f));
        zigzag /= 0x80;
    }
    put_byte(item, (unsigned int)zigzag);
}

static void write_avro_map(struct item *item, struct ff_prop *prop)
{
    for (uint64_t blocks = ff_prop_below(prop, 4); blocks; blocks--) {
        struct item block = {.len = 0};
        int64_t pairs = 1 + (int64_t)ff_prop_below(prop, 5);
        for (int64_t i = 0; i < 2 * pairs; i++) {
            size_t len = some_len(prop) % 100;
            put_long(&block, (int64_t)len);
            put_noise(&block, prop, len);
        }
        bool has_size = ff_prop_below(prop, 2);
        put_long(item, has_size ? -pairs : pairs);
        if (has_size)
            put_long(item, (int64_t)block.len);
        put(item, block.bytes, block.len);
        item->count += (uint64_t)pairs;
    }
    put_long(item, 0);
}

static void write_text(struct item *item, struct ff_prop *prop)
{
    size_t len = some_len(prop);
    if (len >= 256) {
        put_byte(item, 256 - 114);
        put_byte(item, (unsigned int)(len / 256));
    } else if (len >= 128) {
        put_byte(item, 256 - 113);
    }
    put_byte(item, (unsigned int)len);
    put_noise(item, prop, len);
}

static void write_hadoop_map(struct item *item, struct ff_prop *prop)
{
    item->count = ff_prop_below(prop, 6);
    put(item, "\0\0", 3);
    put_byte(item, (unsigned int)item->count);
    for (uint64_t i = 0; i < 2 * item->count; i++)
        write_text(item, prop);
}

static void write_journal_entry(struct item *item, struct ff_prop *prop)
{
    static const char first[] = "ABCXYZ_", others[] = "ABCXYZ_0189";

    item->count = 1 + ff_prop_below(prop, 6);
    item->value = FF_NATIVE_NO_TIME;
    for (uint64_t i = 0; i < item->count; i++) {
        if (ff_prop_below(prop, 4) == 0) {
            char text[64];
            uint64_t us = ff_prop_next(prop) >> (1 + ff_prop_below(prop, 60));
            put(item, text,
                (size_t)snprintf(text, sizeof(text), "__REALTIME_TIMESTAMP=%llu\n",
                                 (unsigned long long)us));
            if (item->value == FF_NATIVE_NO_TIME)
                item->value = us;
            continue;
        }
        put_byte(item, (uint8_t)first[ff_prop_below(prop, sizeof(first) - 1)]);
        for (uint64_t n = ff_prop_below(prop, 64); n; n--)
            put_byte(item, (uint8_t)others[ff_prop_below(prop, sizeof(others) - 1)]);
        size_t len = some_len(prop);
        if (ff_prop_below(prop, 2)) {
            put_byte(item, '=');
            size_t from = item->len;
            put_noise(item, prop, len);
            for (; from < item->len; from++)
                if (item->bytes[from] == '\n')
                    item->bytes[from] = ' ';
        } else {
            put_byte(item, '\n');
            put_byte(item, (unsigned int)len % 256);
            put_byte(item, (unsigned int)len / 256);
            put(item, "\0\0\0\0\0", 6);
            put_noise(item, prop, len);
        }
        put_byte(item, '\n');
    }
}

static void store(uint8_t *bytes, uint64_t number, unsigned int width)
{
    for (unsigned int i = 0; i < width; i++)
        bytes[i] = (uint8_t)(number >> (8 * i));
}

/* Noise, a vtable and a table in it anywhere, either one first; each field may be left out. */
static void write_arrow_meta(struct item *item, struct ff_prop *prop, bool is_schema)
{
    enum { FIELDS = 5 };
    static const unsigned int widths[FIELDS] = {2, 1, 4, 8, 4};
    size_t least = is_schema ? 2 : 0, places[FIELDS] = {0};
    size_t fields = least + ff_prop_below(prop, FIELDS + 1 - least);
    size_t vtable_len = 4 + 2 * fields, table_len = 4;

    for (size_t i = 0; i < fields; i++) {
        table_len += ff_prop_below(prop, 4);
        if (ff_prop_below(prop, 4) == 0 && !(is_schema && i == 1))
            continue;
        places[i] = table_len;
        table_len += widths[i];
    }
    size_t before = 4 + ff_prop_below(prop, 30), between = ff_prop_below(prop, 30);
    bool vtable_first = ff_prop_below(prop, 2);
    size_t vtable = vtable_first ? before : before + table_len + between;
    size_t table = vtable_first ? before + vtable_len + between : before;
    put_noise(item, prop, before + vtable_len + between + table_len + ff_prop_below(prop, 30));
    store(item->bytes, table, 4);
    store(item->bytes + table, (uint64_t)table - vtable, 4);
    store(item->bytes + vtable, vtable_len, 2);
    store(item->bytes + vtable + 2, table_len, 2);
    for (size_t i = 0; i < fields; i++)
        store(item->bytes + vtable + 4 + 2 * i, places[i], 2);
    if (is_schema)
        item->bytes[table + places[1]] = (uint8_t)(1 + ff_prop_below(prop, 2));
    if (places[1])
        item->count = item->bytes[table + places[1]];
    if (places[3]) {
        item->value = ff_prop_next(prop) >> (1 + ff_prop_below(prop, 60));
        store(item->bytes + table + places[3], item->value, 8);
    }
}

static void write_item(struct item *item, enum ff_native_kind kind, struct ff_prop *prop)
{
    item->len = item->count = item->value = 0;
    switch (kind) {
    case FF_NATIVE_AVRO_MAP:
        write_avro_map(item, prop);
        break;
    case FF_NATIVE_HADOOP_TEXT:
        write_text(item, prop);
        break;
    case FF_NATIVE_HADOOP_MAP:
        write_hadoop_map(item, prop);
        break;
    case FF_NATIVE_JOURNAL_ENTRY:
        write_journal_entry(item, prop);
        break;
    default:
        write_arrow_meta(item, prop, kind == FF_NATIVE_ARROW_SCHEMA);
        break;
    }
}

/* What was written, at a place of an archive. */
struct archive {
    struct item item;
    uint8_t bytes[2 * ITEM_MAX];
    struct native_archive of;
};

static void write_archive(struct archive *archive, enum ff_native_kind kind, struct ff_prop *prop)
{
    size_t start = ff_prop_below(prop, 40), after = ff_prop_below(prop, 40);
    write_item(&archive->item, kind, prop);
    for (size_t i = 0; i < start; i++)
        archive->bytes[i] = (uint8_t)ff_prop_next(prop);
    memcpy(archive->bytes + start, archive->item.bytes, archive->item.len);
    size_t end = start + archive->item.len;
    for (size_t i = 0; i < after; i++)
        archive->bytes[end + i] = (uint8_t)ff_prop_next(prop);
    /* An entry of the journal is the one that what follows it ends. */
    if (after)
        archive->bytes[end] = '\n';
    archive->of = (struct native_archive){.kind = kind,
                                          .bytes = archive->bytes,
                                          .len = end + after,
                                          .start = start,
                                          .size = archive->item.len};
}

static void items_end_where_they_were_written_to(void **state)
{
    static struct archive archive;
    struct ff_prop prop = ff_prop_start(31);
    unsigned long rounds = ff_prop_rounds(10000);
    (void)state;

    for (unsigned long round = 0; round < rounds; round++) {
        write_archive(&archive, (enum ff_native_kind)(round % FF_NATIVE_KINDS), &prop);
        struct native_result got = native_run_all(&archive.of, ff_prop_next(&prop));
        if (got.r != FF_DECODE_DONE)
            fail_msg("round %lu: result %d: %s", round, got.r, got.fault);
        assert_int_equal(got.pos, archive.of.start + archive.item.len);
        assert_int_equal(got.count, archive.item.count);
        assert_int_equal(got.value, archive.item.value);
    }
}

static void items_that_are_cut_short(void **state)
{
    static struct archive archive;
    struct ff_prop prop = ff_prop_start(32);
    unsigned long rounds = ff_prop_rounds(10000);
    (void)state;

    for (unsigned long round = 0; round < rounds; round++) {
        write_archive(&archive, (enum ff_native_kind)(round % FF_NATIVE_KINDS), &prop);
        size_t left = ff_prop_below(&prop, archive.item.len);
        archive.of.behind = archive.of.len - archive.of.start - left;
        archive.of.len = archive.of.start + left;
        struct native_result got = native_run_all(&archive.of, ff_prop_next(&prop));
        /* After a newline an entry of the journal may end. */
        bool may_end = archive.of.kind == FF_NATIVE_JOURNAL_ENTRY &&
                       archive.of.len > archive.of.start &&
                       archive.of.bytes[archive.of.len - 1] == '\n';
        if (got.r != -ENODATA && !(may_end && got.r == FF_DECODE_DONE))
            fail_msg("round %lu: result %d", round, got.r);
    }
}

static void items_that_are_changed(void **state)
{
    static struct archive archive;
    struct ff_prop prop = ff_prop_start(33);
    unsigned long rounds = ff_prop_rounds(20000);
    (void)state;

    for (unsigned long round = 0; round < rounds; round++) {
        write_archive(&archive, (enum ff_native_kind)(round % FF_NATIVE_KINDS), &prop);
        for (uint64_t changes = 1 + ff_prop_below(&prop, 3); changes; changes--) {
            size_t at = archive.of.start + ff_prop_below(&prop, archive.item.len);
            uint8_t noise = (uint8_t)ff_prop_next(&prop);
            archive.bytes[at] = ff_prop_below(&prop, 2) ? noise : (uint8_t)(archive.bytes[at] + 1);
        }
        struct native_result got = native_run_all(&archive.of, ff_prop_next(&prop));
        assert_true(got.r == FF_DECODE_DONE || got.r == -ENODATA || got.r == -EUCLEAN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_end_where_they_were_written_to),
        cmocka_unit_test(items_that_are_cut_short),
        cmocka_unit_test(items_that_are_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
