#include "index/image.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#include "../image_make.h"
#include "base/load.h"
#include "index/cursor.h"
#include "index/image_chunk.h"

#define OFFSET_MAX ((uint64_t)INT64_MAX)

/* splitmix64 of the number alone. */
static uint64_t mix(uint64_t number)
{
    uint64_t z = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static uint64_t uniform(uint64_t number)
{
    return 100 + mix(number) % 401;
}

static uint64_t fixed(uint64_t number)
{
    (void)number;
    return 300;
}

/* Median 300, sigma 1. */
static uint64_t log_normal(uint64_t number)
{
    double u = ((double)(mix(2 * number) >> 11) + 1) / 9007199254740993.0;
    double v = (double)(mix(2 * number + 1) >> 11) / 9007199254740992.0;

    return (uint64_t)llround(300 * exp(sqrt(-2 * log(u)) * cos(2 * 3.14159265358979 * v)));
}

/* An image of so many records, each 12 + size + 4 bytes. */
static struct image_maker make(uint64_t records, uint64_t (*size)(uint64_t))
{
    struct image_maker maker = image_begin("binding");
    struct ff_index *index;
    uint64_t offset = 0, payload = 0;

    assert_int_equal(ff_index_new(&index), 0);
    for (uint64_t i = 0; i < records; i++) {
        const struct ff_index_entry entry = {
            .offset = offset, .head = 12, .payload = size(i), .tail = 4};
        assert_int_equal(ff_index_append(index, &entry), 0);
        offset += 16 + size(i);
        payload += size(i);
    }
    assert_int_equal(ff_index_seal(index), 0);
    assert_int_equal(image_add_index(&maker, index), 0);
    image_end(&maker, records, offset, records ? offset : 0, payload, "state");
    ff_index_free(index);
    return maker;
}

static double bits_a_record(uint64_t (*size)(uint64_t))
{
    const uint64_t records = 1000000;
    struct image_maker maker = make(records, size);
    double bits = (double)maker.len * 8 / (double)records;

    image_free(&maker);
    return bits;
}

/* All that the file has, for so many records that its header counts for nothing. */
static void a_record_takes_few_bits_of_the_file(void **state)
{
    (void)state;
    double bits[] = {bits_a_record(uniform), bits_a_record(fixed), bits_a_record(log_normal)};

    print_message("bits a record: %.2f uniform 100..500, %.2f fixed, %.2f log-normal\n", bits[0],
                  bits[1], bits[2]);
    /* 401 equally likely sizes carry 8.65. */
    assert_true(bits[0] > 8.65 && bits[0] <= 10);
    assert_true(bits[1] < 1);
    assert_true(bits[2] <= 14);
}

static int open_image(const struct image_maker *maker, struct ff_image *ret_image)
{
    struct ff_error error = {0};
    int r = ff_image_open(maker->buf, maker->len, ret_image, &error);

    assert_int_equal(error.code, r);
    assert_int_equal(error.text[0] != '\0', r < 0);
    return r;
}

static void an_image_of_nothing_opens(void **state)
{
    (void)state;
    struct image_maker maker = make(0, fixed);
    struct ff_index_entry entry;
    struct ff_index *index;
    struct ff_image image;
    uint64_t number, within;

    assert_int_equal(open_image(&maker, &image), 0);
    assert_int_equal(ff_index_new_on(&image, 1, &index), -EINVAL);
    assert_int_equal(ff_index_new_on(&image, 0, &index), 0);
    assert_int_equal(ff_index_count(index), 0);
    assert_int_equal(ff_index_segments(index), 0);
    assert_int_equal(ff_index_get(index, 0, &entry), -ENOENT);
    assert_int_equal(ff_index_find(index, 1, 0, &number, &within), -ENOENT);
    /* It may grow. */
    entry = (struct ff_index_entry){.offset = 5, .payload = 3};
    assert_int_equal(ff_index_append(index, &entry), 0);
    assert_int_equal(ff_index_find(index, 1, 3, &number, &within), 0);
    assert_int_equal(within, 3);
    ff_index_free(index);
    image_free(&maker);
}

/* Opens the image with its header changed, and puts it back. */
static int with_header(struct image_maker *maker, const struct ff_image_header *header)
{
    struct ff_image image;

    ff_image_header_write(maker->buf, header);
    int r = open_image(maker, &image);
    ff_image_header_write(maker->buf, &maker->header);
    return r;
}

static void headers_are_refused_that_promise_what_is_not_there(void **state)
{
    (void)state;
    struct image_maker maker = make(FF_SEGMENT_RECORDS + 1, fixed);
    struct ff_image_header h;
    struct ff_image image;
    struct ff_error error = {0};

    assert_int_equal(open_image(&maker, &image), 0);
    assert_int_equal(ff_image_open(maker.buf, maker.len - 1, &image, NULL), -EUCLEAN);
    for (size_t len = 0; len < FF_IMAGE_HEADER_BYTES; len++)
        assert_int_equal(ff_image_open(maker.buf, len, &image, NULL), -EUCLEAN);

#define REFUSED(code, change)                                                                      \
    do {                                                                                           \
        h = maker.header;                                                                          \
        change;                                                                                    \
        assert_int_equal(with_header(&maker, &h), code);                                           \
    } while (0)
    REFUSED(0, (void)0);
    REFUSED(-EAGAIN, h.len = 0);
    REFUSED(-EUCLEAN, h.len--);
    REFUSED(-EUCLEAN, h.records = 2 * FF_SEGMENT_RECORDS + 1);
    REFUSED(-EUCLEAN, h.records = FF_SEGMENT_RECORDS);
    REFUSED(-EUCLEAN, h.segments++);
    REFUSED(-EUCLEAN, h.archive_bytes = OFFSET_MAX + 1);
    REFUSED(0, h.archive_bytes = OFFSET_MAX);
    REFUSED(-EUCLEAN, (h.records = FF_INDEX_RECORDS_MAX,
                       h.segments = FF_INDEX_RECORDS_MAX / FF_SEGMENT_RECORDS));
    /* Of a header alone nothing can be missing but a number's sense. */
    uint8_t buf[FF_IMAGE_HEADER_BYTES];
    struct ff_image_header read;
    for (uint64_t more = 0; more < 2; more++) {
        h = (struct ff_image_header){.records = FF_INDEX_RECORDS_MAX + more,
                                     .segments = FF_INDEX_RECORDS_MAX / FF_SEGMENT_RECORDS + more};
        ff_image_header_write(buf, &h);
        assert_int_equal(ff_image_header_read(buf, sizeof(buf), &read, NULL), more ? -EUCLEAN : 0);
    }
    assert_int_equal(read.records, FF_INDEX_RECORDS_MAX);
    /* Each part is needed. */
    for (unsigned int i = 0; i < 4; i++) {
        REFUSED(-EUCLEAN, (h.part[i] = h.part[3], h.part_count = 3));
        REFUSED(-EUCLEAN, h.part[i].offset++);
        REFUSED(-EUCLEAN, h.part[i].offset = maker.len + 8 - maker.len % 8);
        REFUSED(-EUCLEAN, h.part[i].offset = 0);
        REFUSED(-EUCLEAN, h.part[i].len = UINT64_MAX);
        REFUSED(-EUCLEAN, h.part[i].len = maker.len - h.part[i].offset + 1);
        REFUSED(-EUCLEAN, h.part[h.part_count++] = h.part[i]);
    }
    REFUSED(-EUCLEAN, (h.part[3].len -= 8));
    /* A chunk fills its part, and is of its kind. */
    REFUSED(0, h.part[0].len = FF_IMAGE_CHUNK_BYTES + strlen("binding"));
    REFUSED(-EUCLEAN, h.part[0].len = FF_IMAGE_CHUNK_BYTES + strlen("binding") - 1);
    REFUSED(-EUCLEAN, h.part[0].len = FF_IMAGE_CHUNK_BYTES - 1);
    REFUSED(-EUCLEAN, (h.part[0] = h.part[2], h.part[0].kind = FF_IMAGE_BINDING));
    /* Behind the table's end all is zero. */
    static const size_t behind[] = {48 + 4 * 32 + 4, 48 + 11 * 32, 48 + 12 * 32, 503};
    for (size_t i = 0; i < sizeof(behind) / sizeof(behind[0]); i++) {
        maker.buf[behind[i]] = 1;
        ff_store_le(maker.buf + 504, ff_image_hash(maker.buf, 504), 8);
        assert_int_equal(open_image(&maker, &image), -EUCLEAN);
        ff_image_header_write(maker.buf, &maker.header);
    }
    assert_int_equal(open_image(&maker, &image), 0);
    /* Unknown ones: one may be ignored, one may not; the table may be full. */
    for (unsigned int i = 4; i < FF_IMAGE_PARTS; i++)
        maker.header.part[i] = (struct ff_image_part){
            .kind = 100 + i, .flags = FF_IMAGE_OPTIONAL, .offset = FF_IMAGE_HEADER_BYTES};
    maker.header.part_count = FF_IMAGE_PARTS;
    REFUSED(0, (void)0);
    REFUSED(-ENOTSUP, h.part[FF_IMAGE_PARTS - 1].flags = 0);
    REFUSED(-ENOTSUP, h.part[4].flags = 2);
    REFUSED(0, h.part[4].flags = 3);

    maker.buf[8]++;
    assert_int_equal(ff_image_open(maker.buf, maker.len, &image, &error), -ENOTSUP);
    assert_non_null(strstr(error.text, "version 2"));
    image_free(&maker);
}

static void a_part_is_checked_when_it_is_asked_for(void **state)
{
    (void)state;
    struct image_maker maker = make(10, fixed);
    struct ff_image image;
    const uint8_t *buf = NULL;
    uint64_t len = 0;
    static const uint8_t part[] = "eight and more bytes of a part..";
    uint64_t offset = (maker.len + 7) / 8 * 8;

    assert_int_equal(open_image(&maker, &image), 0);
    assert_int_equal(ff_image_part(&image, FF_IMAGE_VERIFIED, &buf, &len), -ENOENT);
    memset(image_room(&maker, 64), 0, 64);
    memcpy(maker.buf + offset, part, sizeof(part));
    maker.len = offset + sizeof(part);
    maker.header.len = maker.len;
    maker.header.part[maker.header.part_count++] = (struct ff_image_part){
        .kind = FF_IMAGE_VERIFIED,
        .flags = FF_IMAGE_OPTIONAL,
        .offset = offset,
        .len = sizeof(part),
        .hash = ff_image_hash(part, sizeof(part)),
    };
    ff_image_header_write(maker.buf, &maker.header);
    assert_int_equal(open_image(&maker, &image), 0);
    assert_int_equal(ff_image_part(&image, FF_IMAGE_VERIFIED, &buf, &len), 0);
    assert_int_equal(len, sizeof(part));
    assert_ptr_equal(buf, maker.buf + offset);
    maker.buf[offset + 3] ^= 4;
    assert_int_equal(open_image(&maker, &image), 0);
    assert_int_equal(ff_image_part(&image, FF_IMAGE_VERIFIED, &buf, &len), -EUCLEAN);
    image_free(&maker);
}

struct taken {
    uint8_t entry[8 * FF_IMAGE_ENTRY_BYTES];
    unsigned int count;
    int answer;
};

static int take(void *context, enum ff_image_kind kind, const uint8_t *entry)
{
    struct taken *taken = context;

    assert_int_equal(kind, FF_IMAGE_SEGMENT);
    if (taken->answer < 0)
        return taken->answer;
    assert_in_range(taken->count, 0, 7);
    memcpy(taken->entry + taken->count++ * FF_IMAGE_ENTRY_BYTES, entry, FF_IMAGE_ENTRY_BYTES);
    return 0;
}

static int resume(const struct image_maker *maker, struct taken *taken, struct ff_image *ret_image)
{
    struct ff_error error = {0};

    taken->count = 0;
    int r = ff_image_resume(maker->buf, maker->len, take, taken, ret_image, &error);
    assert_int_equal(error.code, r);
    return r;
}

static void resuming_needs_a_binding_and_a_state(void **state)
{
    (void)state;
    struct image_maker maker = image_begin("binding");
    struct taken taken = {0};
    struct ff_image image;

    assert_int_equal(resume(&maker, &taken, &image), -ENODATA);
    image_chunk(&maker, FF_IMAGE_STATE, 0, 0, "first");
    size_t first = maker.len;
    assert_int_equal(resume(&maker, &taken, &image), 0);
    assert_int_equal(image.header.records, 0);
    assert_memory_equal(image.state, "first", 5);
    /* A second binding, an unknown chunk, a state that comes after other records: the end. */
    for (int i = 0; i < 4; i++) {
        static const int kinds[] = {FF_IMAGE_BINDING, FF_IMAGE_TIMES, FF_IMAGE_STATE,
                                    FF_IMAGE_STATE};
        maker.len = first;
        image_chunk(&maker, (enum ff_image_kind)kinds[i], i == 2, i == 3, "x");
        image_chunk(&maker, FF_IMAGE_STATE, 0, 0, "later");
        assert_int_equal(resume(&maker, &taken, &image), 0);
        assert_int_equal(image.len, first);
        assert_memory_equal(image.state, "first", 5);
    }
    maker.len = first;
    image_chunk(&maker, FF_IMAGE_STATE, 0, 0, "later");
    assert_int_equal(resume(&maker, &taken, &image), 0);
    assert_memory_equal(image.state, "later", 5);
    /* One that was cut, be it in the zeros behind it, leaves the one before. */
    size_t later = maker.len;
    while (--maker.len >= first) {
        assert_int_equal(resume(&maker, &taken, &image), 0);
        assert_int_equal(image.len, first);
        assert_memory_equal(image.state, "first", 5);
    }
    maker.len = later;

    maker.header.len = maker.len;
    ff_image_header_write(maker.buf, &maker.header);
    assert_int_equal(resume(&maker, &taken, &image), -EALREADY);
    image_free(&maker);

    /* The binding is first. */
    maker = (struct image_maker){0};
    ff_image_header_write(image_room(&maker, FF_IMAGE_HEADER_BYTES), &maker.header);
    maker.len = FF_IMAGE_HEADER_BYTES;
    image_chunk(&maker, FF_IMAGE_STATE, 0, 0, "first");
    assert_int_equal(resume(&maker, &taken, &image), -ENODATA);
    image_free(&maker);
}

/* Copies segment k of the image to the partial one. */
static void copy_segment(struct image_maker *maker, const struct ff_image *image, uint64_t k)
{
    uint8_t *chunk = malloc(FF_IMAGE_SEGMENT_BYTES_MAX);
    size_t len;

    assert_non_null(chunk);
    assert_int_equal(ff_image_segment_copy(image, k, chunk, &len), 0);
    image_add(maker, chunk, len);
    free(chunk);
}

static void resumed_segments_follow_each_other(void **state)
{
    (void)state;
    struct image_maker whole = make(2 * FF_SEGMENT_RECORDS + 1, fixed);
    struct taken taken = {0};
    struct ff_image image, resumed;
    struct ff_segment segment[3];

    assert_int_equal(open_image(&whole, &image), 0);
    for (uint64_t k = 0; k < 3; k++)
        assert_int_equal(ff_image_segment(&image, k, &segment[k]), 0);
    /* 0 1 2: all; one left out, twice the same: up to there. */
    static const struct {
        uint64_t order[3];
        uint64_t segments;
    } cases[] = {{{0, 1, 2}, 3}, {{0, 2, 1}, 1}, {{0, 0, 1}, 1}, {{1, 0, 2}, 0}, {{0, 1, 1}, 2}};
    for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
        struct image_maker maker = image_begin("binding");
        image_chunk(&maker, FF_IMAGE_STATE, 0, 0, "state");
        for (int i = 0; i < 3; i++) {
            uint64_t k = cases[c].order[i];
            copy_segment(&maker, &image, k);
            const struct ff_segment *next = k < 2 ? &segment[k + 1] : NULL;
            image_chunk(&maker, FF_IMAGE_STATE, next ? next->offset : whole.header.archive_bytes,
                        next ? next->payload : 300 * whole.header.records, "state");
        }
        assert_int_equal(resume(&maker, &taken, &resumed), 0);
        assert_int_equal(resumed.header.segments, cases[c].segments);
        assert_int_equal(taken.count, cases[c].segments);
        taken.answer = -ENOSPC;
        assert_int_equal(resume(&maker, &taken, &resumed), cases[c].segments ? -ENOSPC : 0);
        taken.answer = 0;
        image_free(&maker);
    }
    /* Behind a short one none follows, even one that continues it. */
    struct image_maker maker = image_begin("binding");
    struct ff_index *index;
    assert_int_equal(ff_index_new(&index), 0);
    for (uint64_t i = 0; i < 10; i++) {
        const struct ff_index_entry entry = {.offset = 24 + 316 * i, .payload = 316};
        assert_int_equal(ff_index_append(index, &entry), 0);
    }
    assert_int_equal(ff_index_seal(index), 0);
    assert_int_equal(image_add_index(&maker, index), 0);
    image_chunk(&maker, FF_IMAGE_STATE, 24 + 3160, 3160, "state");
    size_t end = maker.len;
    uint8_t *again = malloc(FF_IMAGE_SEGMENT_BYTES_MAX);
    size_t len;
    assert_non_null(again);
    assert_int_equal(ff_index_segment(index, 0, again, &len), 0);
    ff_image_chunk_write(again, FF_IMAGE_SEGMENT, 10, 24 + 3160, 3160, ff_load_le(again + 16, 8));
    image_add(&maker, again, len);
    assert_int_equal(resume(&maker, &taken, &resumed), 0);
    assert_int_equal(resumed.len, end);
    assert_int_equal(taken.count, 1);
    free(again);
    ff_index_free(index);
    image_free(&maker);
    image_free(&whole);
}

/* The chunk of segment k, writable. */
static uint8_t *chunk_of(struct image_maker *maker, uint64_t k)
{
    return maker->buf + ff_load_le(maker->directory + k * FF_IMAGE_ENTRY_BYTES, 8);
}

/* Makes checksums and directory agree with what was changed: as somebody would who means harm. */
static void reseal(struct image_maker *maker, uint64_t k, uint32_t records, uint64_t len)
{
    uint8_t *chunk = chunk_of(maker, k);
    uint8_t *entry = maker->buf + maker->header.part[3].offset + k * FF_IMAGE_ENTRY_BYTES;

    ff_image_chunk_write(chunk, FF_IMAGE_SEGMENT, records, ff_load_le(chunk + 24, 8),
                         ff_load_le(chunk + 32, 8), len);
    ff_image_entry_write(entry, (uint64_t)(chunk - maker->buf), chunk);
}

/* What is said of segment 0 when byte `at` of its body is changed to `value`. */
static int with_byte(struct image_maker *maker, size_t at, uint8_t value)
{
    uint8_t *chunk = chunk_of(maker, 0), *byte = chunk + FF_IMAGE_CHUNK_BYTES + at, was = *byte;
    uint32_t records = (uint32_t)ff_load_le(chunk + 12, 4);
    uint64_t len = ff_load_le(chunk + 16, 8);
    struct ff_image image;

    *byte = value;
    reseal(maker, 0, records, len);
    assert_int_equal(open_image(maker, &image), 0);
    int r = ff_image_segment_check(&image, 0);
    *byte = was;
    reseal(maker, 0, records, len);
    return r;
}

/* Where things stand in a segment of one block of records of one size. */
enum {
    AT_ROW_WIDTH,
    AT_WIDTH = FF_SEGMENT_COLUMNS, /* of the block's columns, five bytes */
    AT_GAP = AT_WIDTH + FF_BLOCK_COLUMNS,
    AT_HEAD,
    AT_PAYLOAD, /* 300: two bytes */
    AT_TAIL = AT_PAYLOAD + 2,
    AT_JOIN,
    AT_END
};

static void segments_with_right_checksums_are_checked_too(void **state)
{
    (void)state;
    struct image_maker maker = make(10, fixed);
    uint8_t *chunk = chunk_of(&maker, 0), *body = chunk + FF_IMAGE_CHUNK_BYTES;
    struct ff_index_entry entry;
    struct ff_index *index;
    struct ff_image image;

    assert_int_equal(ff_load_le(chunk + 16, 8), AT_END);
    assert_int_equal(with_byte(&maker, AT_END, 0), 0);
    for (size_t c = 0; c < FF_SEGMENT_COLUMNS; c++) {
        assert_int_equal(with_byte(&maker, AT_ROW_WIDTH + c, 64), -EUCLEAN);
        assert_int_equal(with_byte(&maker, AT_ROW_WIDTH + c, 65), -EUCLEAN);
        /* A row of one byte: the block begins one later, and is none. */
        assert_int_equal(with_byte(&maker, AT_ROW_WIDTH + c, 8), -EUCLEAN);
    }
    for (size_t c = 0; c < FF_BLOCK_COLUMNS; c++) {
        assert_int_equal(with_byte(&maker, AT_WIDTH + c, 65), -EUCLEAN);
        assert_int_equal(with_byte(&maker, AT_WIDTH + c, 1), -EUCLEAN);
    }
    /* Up to the archive's end, and one byte further. */
    assert_int_equal(with_byte(&maker, AT_TAIL, 3), 0);
    assert_int_equal(with_byte(&maker, AT_TAIL, 5), -EUCLEAN);
    assert_int_equal(with_byte(&maker, AT_GAP, 1), -EUCLEAN);
    /* A varint that does not end. */
    assert_int_equal(with_byte(&maker, AT_JOIN, 0x80), -EUCLEAN);

    /* Bytes that belong to no block; bytes that are missing; another number of records. */
    reseal(&maker, 0, 10, AT_END + 1);
    assert_int_equal(open_image(&maker, &image), 0);
    assert_int_equal(ff_image_segment_check(&image, 0), -EUCLEAN);
    for (uint64_t len = 0; len < AT_END; len++) {
        reseal(&maker, 0, 10, len);
        assert_int_equal(ff_image_segment_check(&image, 0), -EUCLEAN);
        /* What stood behind was overwritten by zeros. */
        image_free(&maker);
        maker = make(10, fixed);
        assert_int_equal(open_image(&maker, &image), 0);
    }
    chunk = chunk_of(&maker, 0);
    body = chunk + FF_IMAGE_CHUNK_BYTES;
    static const uint32_t others[] = {0, 9, 11, FF_SEGMENT_RECORDS + 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        reseal(&maker, 0, others[i], AT_END);
        assert_int_equal(ff_image_segment_check(&image, 0), -EUCLEAN);
    }
    /* What lies behind a joined record counts when the record is looked at: as the bound of what
     * may be read. */
    body[AT_JOIN] = 2;
    reseal(&maker, 0, 10, AT_END);
    assert_int_equal(ff_image_segment_check(&image, 0), 0);
    assert_int_equal(ff_index_new_on(&image, 10, &index), 0);
    assert_int_equal(ff_index_get(index, 8, &entry), 0);
    assert_int_equal(ff_index_get(index, 9, &entry), -EUCLEAN);
    struct ff_index_cursor cursor;
    ff_index_cursor_init(&cursor, index, 8);
    assert_int_equal(ff_index_cursor_next(&cursor, &entry), 0);
    assert_int_equal(ff_index_cursor_next(&cursor, &entry), -EUCLEAN);
    assert_int_equal(cursor.number, 9);
    ff_index_free(index);

    /* Positions outside, or between chunks. */
    uint8_t *position = maker.buf + maker.header.part[3].offset;
    static const uint64_t positions[] = {0, 1, FF_IMAGE_HEADER_BYTES, UINT64_MAX, UINT64_MAX - 7};
    for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++) {
        ff_store_le(position, positions[i], 8);
        assert_int_equal(ff_image_segment_check(&image, 0), -EUCLEAN);
    }
    ff_store_le(position, maker.len / 8 * 8, 8);
    assert_int_equal(ff_image_segment_check(&image, 0), -EUCLEAN);
    image_free(&maker);

    /* A chunk of another kind, though entry and head agree; one that begins at no multiple of 8. */
    maker = make(10, fixed);
    assert_int_equal(open_image(&maker, &image), 0);
    chunk = chunk_of(&maker, 0);
    position = maker.buf + maker.header.part[3].offset;
    uint64_t len = ff_load_le(chunk + 16, 8);
    memmove(chunk + 1, chunk, (size_t)len + FF_IMAGE_CHUNK_BYTES);
    ff_image_entry_write(position, (uint64_t)(chunk + 1 - maker.buf), chunk + 1);
    assert_int_equal(ff_image_segment_check(&image, 0), -EUCLEAN);
    memmove(chunk, chunk + 1, (size_t)len + FF_IMAGE_CHUNK_BYTES);
    ff_image_entry_write(position, (uint64_t)(chunk - maker.buf), chunk);
    assert_int_equal(ff_image_segment_check(&image, 0), 0);
    ff_image_chunk_write(chunk, FF_IMAGE_STATE, 10, 0, 0, len);
    ff_image_entry_write(position, (uint64_t)(chunk - maker.buf), chunk);
    assert_int_equal(ff_image_segment_check(&image, 0), -EUCLEAN);
    image_free(&maker);
}

static void discarded_segments_take_no_memory(void **state)
{
    (void)state;
    for (int shape = 0; shape < 2; shape++) {
        uint64_t (*size)(uint64_t) = shape ? uniform : fixed;
        struct ff_index *index;
        uint64_t offset = 0;
        assert_int_equal(ff_index_new(&index), 0);
        size_t empty = ff_index_memory(index);
        for (uint64_t i = 0; i < 100 * UINT64_C(16384) + 1; i++) {
            const struct ff_index_entry entry = {.offset = offset, .payload = size(i)};
            assert_int_equal(ff_index_append(index, &entry), 0);
            offset += size(i);
        }
        assert_int_equal(ff_index_segments(index), 100);
        assert_true(ff_index_memory(index) > empty + 150000);
        assert_int_equal(ff_index_discard(index, 101), -EINVAL);
        assert_int_equal(ff_index_discard(index, 99), 0);
        assert_int_equal(ff_index_discard(index, 98), 0);
        /* An arena that was large already, a segment's bytes, its blocks' entries. */
        assert_true(ff_index_memory(index) < empty + 140000);
        assert_int_equal(ff_index_discard(index, 100), 0);
        assert_true(ff_index_memory(index) < empty + 80000);
        ff_index_free(index);
    }
}

static void a_record_comes_after_all_of_a_joined_one(void **state)
{
    (void)state;
    struct image_maker maker = image_begin("binding");
    struct ff_index *index;
    struct ff_image image;
    struct ff_index_entry entry = {.join = 0};

    assert_int_equal(ff_index_new(&index), 0);
    for (uint64_t i = 0; i < FF_SEGMENT_RECORDS; i++) {
        entry = (struct ff_index_entry){.offset = 20 * i, .payload = 10, .join = 1 + 10};
        assert_int_equal(ff_index_append(index, &entry), 0);
    }
    assert_int_equal(ff_index_seal(index), 0);
    assert_int_equal(image_add_index(&maker, index), 0);
    const uint64_t end = 20 * UINT64_C(16384);
    image_end(&maker, FF_SEGMENT_RECORDS, end, end - 10, 10 * UINT64_C(16384), "state");
    ff_index_free(index);
    assert_int_equal(open_image(&maker, &image), 0);
    assert_int_equal(ff_index_new_on(&image, FF_SEGMENT_RECORDS, &index), 0);
    entry.offset = end - 1;
    assert_int_equal(ff_index_append(index, &entry), -EINVAL);
    entry.offset = end;
    assert_int_equal(ff_index_append(index, &entry), 0);
    /* And so it is of a run. */
    const uint64_t ends[] = {end + 30, end + 40};
    assert_int_equal(ff_index_append_run(index, end + 19, 1, 1, ends, 2), -EINVAL);
    assert_int_equal(ff_index_append_run(index, end + 20, 1, 1, ends, 2), 0);
    assert_int_equal(ff_index_get(index, FF_SEGMENT_RECORDS + 1, &entry), 0);
    assert_int_equal(entry.offset, end + 20);
    ff_index_free(index);
    image_free(&maker);
}

static void an_index_on_an_image_grows_behind_whole_segments(void **state)
{
    (void)state;
    struct image_maker maker = make(2 * FF_SEGMENT_RECORDS + 5, fixed);
    const uint64_t end = 316 * UINT64_C(2) * FF_SEGMENT_RECORDS;
    struct ff_index_entry entry = {.offset = end, .head = 1};
    struct ff_index *index;
    struct ff_image image;
    uint8_t *chunk = malloc(FF_IMAGE_SEGMENT_BYTES_MAX);
    size_t len;
    uint64_t bytes;

    assert_non_null(chunk);
    assert_int_equal(open_image(&maker, &image), 0);
    static const uint64_t refused[] = {1,
                                       FF_SEGMENT_RECORDS - 1,
                                       FF_SEGMENT_RECORDS + 1,
                                       2 * FF_SEGMENT_RECORDS + 4,
                                       2 * FF_SEGMENT_RECORDS + 6,
                                       3 * FF_SEGMENT_RECORDS};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_int_equal(ff_index_new_on(&image, refused[i], &index), -EINVAL);
    /* All of it, with a short end, is sealed. */
    assert_int_equal(ff_index_new_on(&image, image.header.records, &index), 0);
    assert_int_equal(ff_index_segments(index), 3);
    assert_int_equal(ff_index_segment(index, 2, chunk, &len), 0);
    assert_memory_equal(chunk, chunk_of(&maker, 2), len);
    assert_int_equal(ff_index_segment(index, 3, chunk, &len), -ENOENT);
    entry.offset = OFFSET_MAX - 1;
    assert_int_equal(ff_index_append(index, &entry), -EINVAL);
    assert_int_equal(ff_index_seal(index), 0);
    ff_index_free(index);

    /* Whole segments grow, where their last frame ends. */
    assert_int_equal(ff_index_new_on(&image, 2 * FF_SEGMENT_RECORDS, &index), 0);
    entry.offset = end - 1;
    assert_int_equal(ff_index_append(index, &entry), -EINVAL);
    const uint64_t ends[] = {end + 10, end + 30};
    assert_int_equal(ff_index_append_run(index, end, 2, 3, ends, 2), 0);
    assert_int_equal(ff_index_count(index), 2 * FF_SEGMENT_RECORDS + 2);
    assert_int_equal(ff_index_payload_before(index, 2 * FF_SEGMENT_RECORDS + 1, &bytes), 0);
    assert_int_equal(bytes, 300 * UINT64_C(2) * FF_SEGMENT_RECORDS + 5);
    assert_int_equal(ff_index_segments(index), 2);
    assert_int_equal(ff_index_seal(index), 0);
    assert_int_equal(ff_index_segments(index), 3);
    /* An image's segments stay when what came after them is discarded. */
    assert_int_equal(ff_index_discard(index, 3), 0);
    assert_int_equal(ff_index_get(index, 2 * FF_SEGMENT_RECORDS, &entry), -ENOENT);
    assert_int_equal(ff_index_get(index, 2 * FF_SEGMENT_RECORDS - 1, &entry), 0);
    assert_int_equal(entry.offset, end - 316);
    ff_index_free(index);

    /* Not behind a damaged one; what lies in the others is found. */
    chunk_of(&maker, 1)[FF_IMAGE_CHUNK_BYTES + 7] ^= 1;
    assert_int_equal(ff_index_new_on(&image, 2 * FF_SEGMENT_RECORDS, &index), 0);
    entry.offset = end;
    assert_int_equal(ff_index_append(index, &entry), -EUCLEAN);
    assert_int_equal(ff_index_append_run(index, end, 2, 3, ends, 2), -EUCLEAN);
    assert_int_equal(ff_index_segment(index, 1, chunk, &len), -EUCLEAN);
    assert_int_equal(ff_index_segment(index, 0, chunk, &len), 0);
    assert_int_equal(ff_index_get(index, FF_SEGMENT_RECORDS - 1, &entry), 0);
    assert_int_equal(ff_index_get(index, FF_SEGMENT_RECORDS, &entry), -EUCLEAN);
    ff_index_free(index);
    free(chunk);
    image_free(&maker);
}

/* As long as not more than 64 stand side by side below where it looks: see base.c. */
static void a_search_passes_damaged_entries(void **state)
{
    (void)state;
    enum { SEGMENTS = 200, LAST_DAMAGED = SEGMENTS / 2 };
    struct image_maker maker = make(SEGMENTS * UINT64_C(16384), fixed);
    uint8_t *directory = maker.buf + maker.header.part[3].offset;
    struct ff_index *index;
    struct ff_image image;
    uint64_t number, within;

    assert_int_equal(open_image(&maker, &image), 0);
    assert_int_equal(ff_index_new_on(&image, image.header.records, &index), 0);
    for (uint64_t damaged = 0; damaged <= 64; damaged++) {
        /* The payload bytes before, which a search goes by. */
        if (damaged)
            memset(directory + (LAST_DAMAGED + 1 - damaged) * FF_IMAGE_ENTRY_BYTES + 40, 0xff, 8);
        if (damaged % 8)
            continue;
        for (uint64_t k = 0; k < SEGMENTS; k++) {
            bool hit = k > LAST_DAMAGED - damaged && k <= LAST_DAMAGED;
            uint64_t wanted = k * FF_SEGMENT_RECORDS + k;
            int r = ff_index_find(index, 0, 300 * wanted + 7, &number, &within);
            assert_int_equal(r, hit ? -EUCLEAN : 0);
            if (!hit) {
                assert_int_equal(number, wanted);
                assert_int_equal(within, 7);
            }
        }
        assert_int_equal(ff_index_find(index, 0, 300 * image.header.records, &number, &within),
                         -ENOENT);
    }
    assert_int_equal(ff_index_find(index, 0, 7, &number, &within), 0);
    memset(directory + (LAST_DAMAGED - 64) * FF_IMAGE_ENTRY_BYTES + 40, 0xff, 8);
    assert_int_equal(ff_index_find(index, 0, 7, &number, &within), -EUCLEAN);
    ff_index_free(index);
    image_free(&maker);
}

static void a_chunk_is_no_longer_than_one_can_be(void **state)
{
    const struct {
        uint32_t kind;
        uint64_t most;
    } cases[] = {{FF_IMAGE_BINDING, FF_IMAGE_BODY_BYTES_MAX},
                 {FF_IMAGE_SEGMENT, FF_SEGMENT_BYTES_MAX},
                 {FF_IMAGE_STATE, FF_IMAGE_BODY_BYTES_MAX}};
    uint8_t head[FF_IMAGE_CHUNK_BYTES] = {0};
    struct ff_image_chunk chunk;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        /* Nothing but the head is looked at. */
        ff_store_le(head + 8, cases[i].kind, 4);
        ff_store_le(head + 16, cases[i].most, 8);
        assert_true(ff_image_chunk_read(head, INT64_MAX, &chunk));
        assert_int_equal(chunk.len, cases[i].most);
        ff_store_le(head + 16, cases[i].most + 1, 8);
        assert_false(ff_image_chunk_read(head, INT64_MAX, &chunk));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_takes_few_bits_of_the_file),
        cmocka_unit_test(an_image_of_nothing_opens),
        cmocka_unit_test(headers_are_refused_that_promise_what_is_not_there),
        cmocka_unit_test(a_part_is_checked_when_it_is_asked_for),
        cmocka_unit_test(resuming_needs_a_binding_and_a_state),
        cmocka_unit_test(resumed_segments_follow_each_other),
        cmocka_unit_test(segments_with_right_checksums_are_checked_too),
        cmocka_unit_test(discarded_segments_take_no_memory),
        cmocka_unit_test(a_record_comes_after_all_of_a_joined_one),
        cmocka_unit_test(an_index_on_an_image_grows_behind_whole_segments),
        cmocka_unit_test(a_search_passes_damaged_entries),
        cmocka_unit_test(a_chunk_is_no_longer_than_one_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
