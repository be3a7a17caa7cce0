/* Any bytes are an archive of any format: the scan ends, its records lie in order inside the
 * archive, it does not depend on how the bytes are cut, and what it indexed can be read. */
#include <errno.h>
#include <framefs/framefs.h>
#include <string.h>

#include "fuzz.h"
#include "source/fault.h"

#define RECORDS_MAX 4096
#define FORMATS_MAX 128

/* The first line is a format's name or a description; presets are compiled once. */
static struct ff_format *format_of(const char *line, bool *ret_owned)
{
    static struct ff_format *presets[FORMATS_MAX];
    struct ff_format *format;

    for (size_t i = 0; i < ff_formats_count(NULL) && i < FORMATS_MAX; i++) {
        if (strcmp(line, ff_formats_name(NULL, i)) != 0)
            continue;
        if (!presets[i])
            FUZZ_CHECK(ff_format_find(line, &presets[i], NULL) == 0);
        *ret_owned = false;
        return presets[i];
    }
    *ret_owned = true;
    return ff_format_compile(line, &format, NULL) == 0 ? format : NULL;
}

static bool same_record(const struct ff_record *a, const struct ff_record *b)
{
    return a->number == b->number && a->offset == b->offset && a->head == b->head &&
           a->payload == b->payload && a->tail == b->tail && a->skipped == b->skipped &&
           a->joined == b->joined;
}

struct run {
    size_t count;
    struct ff_scan_event events[RECORDS_MAX];
};

/* All events of a scan; step > 0 cuts every read to so many bytes. */
static void scan_all(const uint8_t *bytes, size_t len, const struct ff_format *format, size_t step,
                     struct run *run)
{
    struct ff_source *source;
    struct ff_scan *scan;

    FUZZ_CHECK(ff_source_open_memory(bytes, len, &source, NULL) == 0);
    if (step) {
        struct ff_fault settings = {.short_max_bytes = step};
        FUZZ_CHECK(ff_source_open_fault(source, &settings, &source, NULL) == 0);
    }
    FUZZ_CHECK(ff_scan_open(source, format, NULL, FF_SCAN_WINDOW_MIN_BYTES, &scan, NULL) == 0);
    run->count = 0;
    uint64_t end = 0;
    for (;;) {
        struct ff_scan_event event;
        memset(&event, 0, sizeof(event));
        FUZZ_CHECK(ff_scan_next(scan, &event, NULL) == 0);
        if (event.kind == FF_SCAN_RECORD) {
            FUZZ_CHECK(event.record.offset >= end);
            FUZZ_CHECK(ff_record_frame(&event.record) > 0);
            end = ff_record_end(&event.record);
            FUZZ_CHECK(end <= len);
            struct ff_details details;
            FUZZ_CHECK(ff_scan_details(scan, &details) == 0);
        } else if (event.kind == FF_SCAN_DAMAGE) {
            FUZZ_CHECK(event.damage.reason[0] && event.damage.offset + event.damage.len <= len);
        }
        if (event.kind == FF_SCAN_END || run->count == RECORDS_MAX)
            break;
        run->events[run->count++] = event;
    }
    ff_scan_close(scan);
    ff_source_close(source);
}

static void read_all(const uint8_t *bytes, size_t len, const char *line, const struct run *run)
{
    struct ff_source *source;
    struct ff_format *format;
    struct ff_archive *archive;
    const struct ff_archive_options options = {.name = "fuzz", .interval_bytes = 64};

    FUZZ_CHECK(ff_source_open_memory(bytes, len, &source, NULL) == 0);
    if (ff_format_find(line, &format, NULL) < 0)
        FUZZ_CHECK(ff_format_compile(line, &format, NULL) == 0);
    FUZZ_CHECK(ff_archive_open(source, format, &options, &archive, NULL) == 0);
    FUZZ_CHECK(ff_archive_scan(archive, RECORDS_MAX, NULL) == 0);
    uint64_t number = 0;
    uint8_t buf[300];
    for (size_t i = 0; i < run->count && i < 200; i++) {
        if (run->events[i].kind != FF_SCAN_RECORD)
            continue;
        struct ff_record record;
        FUZZ_CHECK(ff_archive_record(archive, number++, &record) == 0);
        FUZZ_CHECK(record.offset == run->events[i].record.offset);
        FUZZ_CHECK(record.payload == run->events[i].record.payload);
        for (int content = FF_CONTENT_PAYLOAD; content <= FF_CONTENT_FILE; content++) {
            struct ff_view view;
            if (ff_view_record(archive, &record, (enum ff_content)content, &view) < 0)
                continue;
            size_t want = view.len < sizeof(buf) ? (size_t)view.len : sizeof(buf);
            uint64_t at = view.len - want;
            FUZZ_CHECK(ff_view_read(archive, &view, buf, sizeof(buf), at, NULL) == (ssize_t)want);
            if (content == FF_CONTENT_PAYLOAD && want && !record.joined)
                FUZZ_CHECK(memcmp(buf, bytes + record.offset + record.head + at, want) == 0);
        }
        struct ff_details details;
        FUZZ_CHECK(ff_archive_details(archive, &record, &details, NULL) == 0);
    }
    ff_archive_close(archive);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run whole, cut;
    static const size_t steps[] = {1, 7, 61, 4093};
    char line[1024];
    bool owned;

    const uint8_t *end = memchr(data, '\n', size);
    if (!end || (size_t)(end - data) >= sizeof(line))
        return 0;
    size_t n = (size_t)(end - data);
    memcpy(line, data, n);
    line[n] = '\0';
    if (strlen(line) != n)
        return 0;
    struct ff_format *format = format_of(line, &owned);
    if (!format)
        return 0;
    const uint8_t *bytes = end + 1;
    size_t len = size - n - 1;

    scan_all(bytes, len, format, 0, &whole);
    scan_all(bytes, len, format, steps[len % 4], &cut);
    FUZZ_CHECK(whole.count == cut.count);
    for (size_t i = 0; i < whole.count; i++) {
        const struct ff_scan_event *a = &whole.events[i], *b = &cut.events[i];
        FUZZ_CHECK(a->kind == b->kind);
        FUZZ_CHECK(same_record(&a->record, &b->record));
        FUZZ_CHECK(a->damage.offset == b->damage.offset && a->damage.len == b->damage.len);
        FUZZ_CHECK(a->damage.record == b->damage.record && a->damage.code == b->damage.code);
        FUZZ_CHECK(strcmp(a->damage.reason, b->damage.reason) == 0);
    }
    read_all(bytes, len, line, &whole);
    if (owned)
        ff_format_free(format);
    return 0;
}
