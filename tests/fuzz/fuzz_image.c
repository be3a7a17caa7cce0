/* Bytes that claim to be an index file: what opens stays within them and within the archive, and
 * says the same of a record whichever way it is asked. Each input is looked at as it is, and once
 * more with all checksums made right, so that what they protect is reached, too. */
#include <errno.h>
#include <string.h>

#include "fuzz.h"
#include "image_seal.h"
#include "index/cursor.h"
#include "index/image.h"

#define LOOK_UPS 64

static void check_entry(const struct ff_image *image, const struct ff_index_entry *entry)
{
    uint64_t left = image->limit;

    FUZZ_CHECK(entry->offset <= left && entry->head <= (left -= entry->offset));
    FUZZ_CHECK(entry->payload <= (left -= entry->head) && entry->tail <= (left -= entry->payload));
    FUZZ_CHECK(entry->join == 0 || entry->join - 1 <= left - entry->tail);
}

/* A record, its neighbours, and back from its payload's place to its number. */
static void look_up(const struct ff_image *image, const struct ff_index *index, uint64_t number)
{
    struct ff_index_cursor cursor;
    struct ff_index_entry entry, again;
    uint64_t before, next, found, within;

    int r = ff_index_get(index, number, &entry);
    FUZZ_CHECK(r == 0 || r == -EUCLEAN);
    ff_index_cursor_init(&cursor, index, number);
    FUZZ_CHECK(ff_index_cursor_next(&cursor, &again) == r);
    if (r < 0)
        return;
    check_entry(image, &entry);
    FUZZ_CHECK(memcmp(&entry, &again, sizeof(entry)) == 0);
    FUZZ_CHECK(ff_index_payload_before(index, number, &before) == 0);
    FUZZ_CHECK(before == cursor.payload_before && before <= entry.offset);
    /* Who means harm may let segments contradict each other: then a search finds nothing. */
    r = ff_index_find(index, 1, before + number, &found, &within);
    FUZZ_CHECK(r == 0 || r == -EUCLEAN || r == -ENOENT);
    if (r == 0 && found / FF_SEGMENT_RECORDS == number / FF_SEGMENT_RECORDS)
        FUZZ_CHECK(found == number && within == 0);
    if ((number + 1) % FF_SEGMENT_RECORDS == 0 || number + 1 == ff_index_count(index))
        return;
    r = ff_index_get(index, number + 1, &again);
    FUZZ_CHECK(ff_index_cursor_next(&cursor, &entry) == r);
    if (r < 0)
        return;
    FUZZ_CHECK(memcmp(&entry, &again, sizeof(entry)) == 0);
    FUZZ_CHECK(ff_index_payload_before(index, number + 1, &next) == 0);
    FUZZ_CHECK(next >= before && next == cursor.payload_before);
}

static void use(const struct ff_image *image)
{
    uint64_t records = image->header.records, number = 1, within;
    struct ff_index *index;

    FUZZ_CHECK(ff_index_new_on(image, records, &index) == 0);
    FUZZ_CHECK(ff_index_count(index) == records);
    for (uint64_t i = 0; i < LOOK_UPS && records; i++) {
        look_up(image, index, i < records ? i : records - 1);
        look_up(image, index, number % records);
        look_up(image, index, records - 1 - (i < records ? i : 0));
        (void)ff_index_find(index, i, number, &(uint64_t){0}, &within);
        number = number * UINT64_C(6364136223846793005) + 1442695040888963407;
    }
    /* It grows, or says why not. */
    const struct ff_index_entry more = {.offset = INT64_MAX};
    int r = ff_index_append(index, &more);
    FUZZ_CHECK(r == 0 || r == -EUCLEAN || (r == -EINVAL && records % FF_SEGMENT_RECORDS) ||
               (r == -EOVERFLOW && records == FF_INDEX_RECORDS_MAX));
    uint8_t *chunk = malloc(FF_IMAGE_SEGMENT_BYTES_MAX);
    FUZZ_CHECK(chunk);
    for (uint64_t k = 0; k < 4; k++) {
        size_t len = 0;
        r = ff_index_segment(index, k, chunk, &len);
        FUZZ_CHECK(r == 0 || r == -EUCLEAN || r == -ENOENT);
        FUZZ_CHECK(len <= FF_IMAGE_SEGMENT_BYTES_MAX);
    }
    free(chunk);
    ff_index_free(index);
}

static void check_time(const struct ff_time *time)
{
    FUZZ_CHECK(time->at.tv_sec >= FF_TIME_MIN_S && time->at.tv_sec <= FF_TIME_MAX_S);
    FUZZ_CHECK(time->at.tv_nsec >= 0 && time->at.tv_nsec < 1000000000);
    FUZZ_CHECK(time->known || (time->at.tv_sec == 0 && time->at.tv_nsec == 0));
}

/* The times of its first segments. */
static void use_times(const struct ff_image *image)
{
    const struct ff_time_span span = {.since = {.tv_sec = 5}, .until = {.tv_sec = 1000}};
    uint8_t *chunk = malloc(FF_IMAGE_TIMES_BYTES_MAX);
    struct ff_times_bounds bounds;
    struct ff_times times;
    struct ff_time time;

    FUZZ_CHECK(chunk);
    for (uint64_t k = 0; image->has_times && k < 4 && k < image->header.segments; k++) {
        size_t len = 0;
        (void)ff_image_times_bounds(image, k, &bounds);
        (void)ff_image_times_copy(image, k, chunk, &len);
        FUZZ_CHECK(len <= FF_IMAGE_TIMES_BYTES_MAX);
        (void)ff_image_times_check(image, k);
        if (ff_image_times(image, k, &times) < 0)
            continue;
        for (uint32_t i = 0; i < times.records; i += 1 + i / 64)
            if (ff_times_get(&times, i, &time) == 0)
                check_time(&time);
        uint32_t i = 0;
        if (ff_times_find(&times, 1 % times.records, &span, &i) == 0)
            FUZZ_CHECK(i <= times.records);
    }
    free(chunk);
}

struct found {
    uint8_t *entries, *times;
    size_t count, times_count;
};

static void add_entry(uint8_t **entries, size_t *count, const uint8_t *entry, size_t len)
{
    *entries = realloc(*entries, (*count + 1) * len);
    FUZZ_CHECK(*entries);
    memcpy(*entries + *count * len, entry, len);
    ++*count;
}

static int keep(void *context, enum ff_image_kind kind, const uint8_t *entry)
{
    struct found *found = context;

    if (kind == FF_IMAGE_TIMES)
        add_entry(&found->times, &found->times_count, entry, FF_IMAGE_TIMES_ENTRY_BYTES);
    else
        add_entry(&found->entries, &found->count, entry, FF_IMAGE_ENTRY_BYTES);
    return 0;
}

static void run(const uint8_t *data, size_t size)
{
    struct ff_error error = {0};
    struct found found = {0};
    struct ff_image image;
    const uint8_t *part;
    uint64_t len;

    int r = ff_image_open(data, size, &image, &error);
    FUZZ_CHECK(r == 0 || error.text[0]);
    if (r == 0) {
        for (int kind = FF_IMAGE_NONE; kind <= FF_IMAGE_VERIFIED + 1; kind++)
            if (ff_image_part(&image, (enum ff_image_kind)kind, &part, &len) == 0)
                FUZZ_CHECK(part >= data && len <= size && part - data <= (ptrdiff_t)(size - len));
        use(&image);
        use_times(&image);
    }
    r = ff_image_resume(data, size, keep, &found, &image, &error);
    FUZZ_CHECK(r == 0 || error.text[0]);
    if (r == 0) {
        FUZZ_CHECK(image.len <= size && image.header.segments <= found.count);
        FUZZ_CHECK(!image.has_times || image.header.segments <= found.times_count);
        image.directory = found.entries;
        image.times = found.times;
        use(&image);
        use_times(&image);
    }
    free(found.entries);
    free(found.times);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);

    FUZZ_CHECK(copy);
    run(data, size);
    memcpy(copy, data, size);
    ff_image_seal(copy, size);
    run(copy, size);
    free(copy);
    return 0;
}
