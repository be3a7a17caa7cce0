/* Any bytes are an archive of records in fragments: a walker of this file's own, which knows
 * nothing of descriptions, finds the same records, the same joined bytes, and nothing of the
 * archive that no event tells of. */
#include <framefs/framefs.h>
#include <string.h>

#include "format/format.h"
#include "fuzz.h"
#include "source/fault.h"

#define ARCHIVE_MAX 4096

static const char separator[] = "<>";

/* The choices of the input's first bytes. */
enum framing { KINDS, BITS, SIGNS, LONG, HIDDEN, MAGIC, FRAMINGS };

static const char *const descriptions[FRAMINGS] = {
    [KINDS] = "kind:u8=frag(1 2 3 4) len:u8 data",
    [BITS] = "u8{frag:2 len:6} data",
    [SIGNS] = "len:i16le data i16le=len",
    [LONG] = "len:u16le=size(data) kind:u8=frag(1 2 3 4) data",
    [HIDDEN] = "u8=0xff @hide\nframe = kind:u8=frag(1 2 3 4) len:u8 data",
    [MAGIC] = "\"AB\" kind:u8=frag(0 1 2 3) len:u8 data \"YZ\"",
};
static const size_t blocks[][2] = {{0, 0}, {16, 2}, {16, 4}, {64, 3}, {512, 7}};
static const char *const glues[] = {"", "", "-", "A#"};
static const size_t maxima[] = {0, 0, 20, 300};
enum tail { NOTHING, ZEROS, JUNK, TAILS };

struct shape {
    enum framing framing;
    size_t block, header, max;
    const char *glue;
    enum tail tail;
};

static struct ff_format *format_of(const uint8_t *choice, struct shape *ret_shape)
{
    struct shape *shape = ret_shape;
    struct ff_format *format = NULL;
    struct ff_error error = {0};
    char text[512];
    int n;

    shape->framing = (enum framing)(choice[0] % FRAMINGS);
    shape->block = blocks[choice[1] % 5][0];
    shape->header = blocks[choice[1] % 5][1];
    shape->glue = glues[shape->framing == BITS ? choice[2] % 3 : choice[2] % 4];
    shape->max = maxima[choice[2] / 4 % 4];
    shape->tail = (enum tail)(choice[2] / 16 % TAILS);
    n = snprintf(text, sizeof(text), "frame%s = %s\n%s", shape->framing == HIDDEN ? ".hidden" : "",
                 descriptions[shape->framing], shape->framing == SIGNS ? "signfrag =\n" : "");
    if (shape->block)
        n += snprintf(text + n, sizeof(text) - (size_t)n, "block = %zu/%zu\n", shape->block,
                      shape->header);
    if (*shape->glue)
        n += snprintf(text + n, sizeof(text) - (size_t)n, "glue = \"%s\"\n", shape->glue);
    if (shape->max)
        n += snprintf(text + n, sizeof(text) - (size_t)n, "max = %zu\n", shape->max);
    if (shape->tail != NOTHING)
        n += snprintf(text + n, sizeof(text) - (size_t)n, "tail = %s\n",
                      shape->tail == ZEROS ? "zeros" : "junk");
    if (shape->framing == MAGIC && choice[2] & 0x80)
        n += snprintf(text + n, sizeof(text) - (size_t)n, "resync = \"AB\"\n");
    if (ff_section_compile("shape", text, (size_t)n, 1, &format, &error) < 0)
        fprintf(stderr, "%s\n%s\n", text, error.text);
    FUZZ_CHECK(format);
    return format;
}

enum part { WHOLE, FIRST, MIDDLE, LAST, HIDE, NONE };

struct frame {
    enum part part;
    size_t payload, len; /* where and how many bytes */
    size_t end;
};

static size_t padding_at(const struct shape *shape, size_t at)
{
    size_t left = shape->block ? shape->block - at % shape->block : 0;
    return left < shape->header ? left : 0;
}

/* Header and trailer of the frame at `at`, of which `left` bytes may be. */
static bool split_frame(enum framing framing, const uint8_t *p, size_t left, enum part *ret_part,
                        size_t *ret_head, size_t *ret_len, size_t *ret_tail)
{
    int sign = 0, kind = 0;

    *ret_tail = 0;
    if (framing == HIDDEN && left >= 1 && p[0] == 0xff) {
        *ret_part = HIDE;
        *ret_head = 1;
        *ret_len = 0;
        return true;
    }
    *ret_head = framing == BITS ? 1 : framing == LONG ? 3 : framing == MAGIC ? 4 : 2;
    if (left < *ret_head)
        return false;
    switch (framing) {
    case BITS:
        kind = p[0] >> 6;
        *ret_len = p[0] & 0x3f;
        break;
    case SIGNS:
        sign = (int16_t)(p[0] | p[1] << 8);
        *ret_len = (size_t)(sign < 0 ? -sign : sign);
        *ret_tail = 2;
        break;
    case LONG:
        *ret_len = (size_t)(p[0] | p[1] << 8);
        kind = p[2] - 1;
        break;
    case MAGIC:
        if (memcmp(p, "AB", 2) != 0)
            return false;
        kind = p[2];
        *ret_len = p[3];
        *ret_tail = 2;
        break;
    default:
        kind = p[0] - 1;
        *ret_len = p[1];
        break;
    }
    if (*ret_head + *ret_len + *ret_tail > left)
        return false;
    const uint8_t *trailer = p + *ret_head + *ret_len;
    if (framing == SIGNS) {
        int again = (int16_t)(trailer[0] | trailer[1] << 8);
        if (again != sign && again != -sign)
            return false;
        kind = sign < 0 ? (again < 0 ? MIDDLE : FIRST) : (again < 0 ? LAST : WHOLE);
    }
    if (framing == MAGIC && memcmp(trailer, "YZ", 2) != 0)
        return false;
    *ret_part = (enum part)kind;
    return kind >= WHOLE && kind <= LAST;
}

static struct frame frame_at(const struct shape *shape, const uint8_t *bytes, size_t len, size_t at)
{
    struct frame frame = {.part = NONE};
    size_t left = len - at, head, size, tail;
    enum part part;

    if (shape->block && shape->block - at % shape->block < left)
        left = shape->block - at % shape->block;
    if (!split_frame(shape->framing, bytes + at, left, &part, &head, &size, &tail) ||
        (shape->max && head + size + tail > shape->max))
        return frame;
    return (struct frame){
        .part = part, .payload = at + head, .len = size, .end = at + head + size + tail};
}

/* The first frame of a record at `at` or, past padding and hidden frames, after it; or the place
 * where none is. */
static size_t next_place(const struct shape *shape, const uint8_t *bytes, size_t len, size_t at)
{
    while (at < len) {
        size_t padding = padding_at(shape, at);
        if (padding) {
            at += padding < len - at ? padding : len - at;
            continue;
        }
        struct frame frame = frame_at(shape, bytes, len, at);
        if (frame.part != HIDE)
            break;
        at = frame.end;
    }
    return at;
}

/* A record put together: its payload and its frames, and where they end. */
struct joined {
    uint8_t payload[2 * ARCHIVE_MAX], frame[ARCHIVE_MAX];
    size_t payload_len, frame_len, head, end;
    bool parts;
};

/* False when no whole record begins at `at`. */
static bool join(const struct shape *shape, const uint8_t *bytes, size_t len, size_t at,
                 struct joined *ret)
{
    ret->payload_len = ret->frame_len = 0;
    for (size_t place = at;; place = next_place(shape, bytes, len, ret->end)) {
        struct frame frame = {.part = NONE};
        if (place < len)
            frame = frame_at(shape, bytes, len, place);
        bool begins = frame.part == WHOLE || frame.part == FIRST;
        if (frame.part >= HIDE || begins != (place == at))
            return false;
        if (begins) {
            ret->head = frame.payload - place;
        } else {
            memcpy(ret->payload + ret->payload_len, shape->glue, strlen(shape->glue));
            ret->payload_len += strlen(shape->glue);
        }
        memcpy(ret->payload + ret->payload_len, bytes + frame.payload, frame.len);
        ret->payload_len += frame.len;
        memcpy(ret->frame + ret->frame_len, bytes + place, frame.end - place);
        ret->frame_len += frame.end - place;
        ret->end = frame.end;
        ret->parts = frame.part != WHOLE;
        if (shape->max && ret->frame_len > shape->max)
            return false;
        if (frame.part == WHOLE || frame.part == LAST)
            return true;
    }
}

/* Where the zeros end that begin at `at`. */
static size_t zeros_end(const uint8_t *bytes, size_t len, size_t at)
{
    while (at < len && bytes[at] == 0)
        at++;
    return at;
}

/* Zeros, and between them padding and hidden frames: after a block's zeros the next one is read. */
static void check_zeros(const struct shape *shape, const uint8_t *bytes, size_t len, size_t from,
                        size_t to)
{
    while (from < to) {
        size_t zeros = zeros_end(bytes, len, from), end = to;
        if (zeros == len)
            return;
        FUZZ_CHECK(frame_at(shape, bytes, len, from).part == NONE);
        if (shape->block && shape->block - from % shape->block < to - from)
            end = from + shape->block - from % shape->block;
        else if (!shape->block && zeros < to)
            end = zeros;
        FUZZ_CHECK(end > from && zeros >= end);
        from = next_place(shape, bytes, len, end);
    }
}

/* Between two events, or after the last, nothing may lie but what the description passes over. */
static void check_gap(const struct shape *shape, const uint8_t *bytes, size_t len, size_t from,
                      size_t to)
{
    from = next_place(shape, bytes, len, from);
    if (from >= to)
        return;
    FUZZ_CHECK(frame_at(shape, bytes, len, from).part == NONE);
    FUZZ_CHECK(shape->tail != NOTHING);
    if (shape->tail == ZEROS) {
        check_zeros(shape, bytes, len, from, to);
        return;
    }
    /* Junk between two frames does not end as a frame does. */
    FUZZ_CHECK(to == len || shape->framing == MAGIC);
    for (size_t i = from; to < len && i + 2 <= to; i++)
        FUZZ_CHECK((shape->block && (i + 1) % shape->block == 0) || memcmp(bytes + i, "YZ", 2));
}

static bool same_record(const struct ff_record *a, const struct ff_record *b)
{
    return a->number == b->number && a->offset == b->offset && a->head == b->head &&
           a->payload == b->payload && a->tail == b->tail && a->skipped == b->skipped &&
           a->joined == b->joined;
}

static bool same_event(const struct ff_scan_event *a, const struct ff_scan_event *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == FF_SCAN_RECORD)
        return same_record(&a->record, &b->record);
    return a->damage.offset == b->damage.offset && a->damage.len == b->damage.len &&
           a->damage.record == b->damage.record && a->damage.code == b->damage.code &&
           strcmp(a->damage.reason, b->damage.reason) == 0;
}

struct run {
    size_t count;
    struct ff_scan_event events[ARCHIVE_MAX + 1];
};

static void check_record(struct ff_scan *scan, const struct ff_record *record,
                         const struct joined *want)
{
    static uint8_t buf[2 * ARCHIVE_MAX];

    FUZZ_CHECK(record->joined == want->parts);
    FUZZ_CHECK(record->payload == want->payload_len && record->head == want->head);
    FUZZ_CHECK(ff_record_frame(record) == want->frame_len && ff_record_end(record) == want->end);
    /* From the middle, then from the beginning: the second read goes back. */
    size_t at = want->payload_len / 3, rest = want->payload_len - at;
    FUZZ_CHECK(ff_scan_read(scan, FF_CONTENT_PAYLOAD, buf, sizeof(buf), at, NULL) == (ssize_t)rest);
    FUZZ_CHECK(memcmp(buf, want->payload + at, rest) == 0);
    FUZZ_CHECK(ff_scan_read(scan, FF_CONTENT_FRAME, buf, want->frame_len, 0, NULL) ==
               (ssize_t)want->frame_len);
    FUZZ_CHECK(memcmp(buf, want->frame, want->frame_len) == 0);
}

/* All events of a scan; step > 0 cuts every read to so many bytes. */
static void scan_all(const struct ff_format *format, const struct shape *shape,
                     const uint8_t *bytes, size_t len, size_t step, struct run *run)
{
    static struct joined want;
    struct ff_source *source;
    struct ff_scan *scan;
    size_t end = 0, records = 0;

    FUZZ_CHECK(ff_source_open_memory(bytes, len, &source, NULL) == 0);
    if (step) {
        struct ff_fault settings = {.short_max_bytes = step};
        FUZZ_CHECK(ff_source_open_fault(source, &settings, &source, NULL) == 0);
    }
    FUZZ_CHECK(ff_scan_open(source, format, NULL, FF_SCAN_WINDOW_MIN_BYTES, &scan, NULL) == 0);
    for (run->count = 0;; run->count++) {
        struct ff_scan_event event;
        memset(&event, 0, sizeof(event));
        FUZZ_CHECK(ff_scan_next(scan, &event, NULL) == 0);
        if (event.kind == FF_SCAN_END)
            break;
        FUZZ_CHECK(run->count < sizeof(run->events) / sizeof(*run->events));
        run->events[run->count] = event;
        bool record = event.kind == FF_SCAN_RECORD;
        uint64_t offset = record ? event.record.offset : event.damage.offset;
        FUZZ_CHECK(offset >= end && offset < len);
        check_gap(shape, bytes, len, end, (size_t)offset);
        if (record) {
            FUZZ_CHECK(event.record.number == records++);
            FUZZ_CHECK(join(shape, bytes, len, (size_t)offset, &want));
            check_record(scan, &event.record, &want);
            end = want.end;
        } else {
            FUZZ_CHECK(event.damage.reason[0] && event.damage.record == records);
            FUZZ_CHECK(event.damage.len > 0 && event.damage.len <= len - offset);
            end = (size_t)(offset + event.damage.len);
            /* A record that is whole is never lost at the place where it was to be. */
            FUZZ_CHECK(!join(shape, bytes, len, (size_t)offset, &want));
        }
    }
    check_gap(shape, bytes, len, end, len);
    ff_scan_close(scan);
    ff_source_close(source);
}

/* The bytes of the view from `at` on are those wanted. */
static void check_view(struct ff_archive *archive, const struct ff_view *view, const uint8_t *want,
                       size_t len, size_t at)
{
    static uint8_t buf[2 * ARCHIVE_MAX];

    FUZZ_CHECK(view->len == len);
    FUZZ_CHECK(ff_view_read(archive, view, buf, sizeof(buf), at, NULL) == (ssize_t)(len - at));
    FUZZ_CHECK(memcmp(buf, want + at, len - at) == 0);
}

static void read_archive(struct ff_format *format, const struct shape *shape, const uint8_t *bytes,
                         size_t len, const struct run *run)
{
    static uint8_t all[8 * ARCHIVE_MAX], got[8 * ARCHIVE_MAX];
    static struct joined want;
    const struct ff_archive_options options = {.name = "fuzz", .interval_bytes = 64};
    struct ff_archive *archive;
    struct ff_source *source;
    size_t size = 0, records = 0;
    uint64_t told;

    FUZZ_CHECK(ff_source_open_memory(bytes, len, &source, NULL) == 0);
    FUZZ_CHECK(ff_archive_open(source, format, &options, &archive, NULL) == 0);
    FUZZ_CHECK(ff_archive_scan(archive, UINT64_MAX, NULL) == 0);
    for (size_t i = 0; i < run->count; i++) {
        struct ff_record record;
        struct ff_view view;
        struct ff_details details;
        if (run->events[i].kind != FF_SCAN_RECORD)
            continue;
        FUZZ_CHECK(ff_archive_record(archive, records++, &record) == 0);
        FUZZ_CHECK(same_record(&record, &run->events[i].record));
        FUZZ_CHECK(join(shape, bytes, len, (size_t)record.offset, &want));
        for (size_t at = want.payload_len; at > 0; at /= 2)
            if (ff_view_record(archive, &record, FF_CONTENT_PAYLOAD, &view) == 0)
                check_view(archive, &view, want.payload, want.payload_len, at - 1);
        FUZZ_CHECK(ff_view_record(archive, &record, FF_CONTENT_FRAME, &view) == 0);
        check_view(archive, &view, want.frame, want.frame_len, want.frame_len / 2);
        FUZZ_CHECK(ff_archive_details(archive, &record, &details, NULL) == 0);
        FUZZ_CHECK(size + want.payload_len + 2 <= sizeof(all));
        memcpy(all + size, want.payload, want.payload_len);
        memcpy(all + size + want.payload_len, separator, 2);
        size += want.payload_len + 2;
    }
    FUZZ_CHECK(ff_archive_count(archive) == records && ff_archive_complete(archive));
    FUZZ_CHECK(ff_all_size(archive, 2, &told) == 0 && told == size);
    for (size_t at = size;; at /= 2) {
        ssize_t n = ff_all_read(archive, separator, 2, got, sizeof(got), at, NULL);
        FUZZ_CHECK(n == (ssize_t)(size - at) && memcmp(got, all + at, size - at) == 0);
        if (at == 0)
            break;
    }
    ff_archive_close(archive);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run whole, cut;
    static const size_t steps[] = {1, 3, 61, 251};
    struct shape shape;

    if (size < 3 || size - 3 > ARCHIVE_MAX)
        return 0;
    struct ff_format *format = format_of(data, &shape);
    const uint8_t *bytes = data + 3;
    size_t len = size - 3;
    scan_all(format, &shape, bytes, len, 0, &whole);
    scan_all(format, &shape, bytes, len, steps[len % 4], &cut);
    FUZZ_CHECK(whole.count == cut.count);
    for (size_t i = 0; i < whole.count; i++)
        FUZZ_CHECK(same_event(&whole.events[i], &cut.events[i]));
    read_archive(format, &shape, bytes, len, &whole);
    return 0;
}
