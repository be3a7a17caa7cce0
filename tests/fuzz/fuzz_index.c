/*
 * A hostile index file of a small archive. The first byte of an input says of which archive, and
 * whether what follows is the file itself, or changes to a good one: three bytes each, where and
 * what. Whatever is taken, the archive gives nothing but its own bytes, and ends.
 */
#include <framefs/framefs.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include "archive/index_file.h"
#include "archive/internal.h"
#include "fuzz.h"
#include "image_seal.h"

#define ARCHIVES      6
#define ARCHIVE_BYTES 4096
#define INDEX_BYTES   65536
#define LOOKED_AT     64

enum choice { WHICH = 3, RAW = 4, PARTIAL = 8, UNSEALED = 16, CHECKED = 32, TIMED = 64 };

/* The archive whose index tells of checksums. */
#define CHECKED_ARCHIVE 4

/* The one whose index has times. */
#define TIMED_ARCHIVE 5

struct made {
    const char *format;
    uint8_t bytes[ARCHIVE_BYTES];
    size_t len;
    uint8_t index[2][INDEX_BYTES]; /* finished, partial */
    size_t index_len[2];
};

static struct made made[ARCHIVES];

/* Masked CRC32C of eight zeros, and of nothing. */
#define EMPTY_LENGTH_SUM 0x7980329
#define EMPTY_SUM        0xa282ead8

static void add(struct made *archive, const void *bytes, size_t len)
{
    FUZZ_CHECK(len <= ARCHIVE_BYTES - archive->len);
    memcpy(archive->bytes + archive->len, bytes, len);
    archive->len += len;
}

static void add_le(struct made *archive, uint64_t value, unsigned int width)
{
    uint8_t bytes[8];

    ff_store_le(bytes, value, width);
    add(archive, bytes, width);
}

/* Records of lengths, and at the end one that is cut. */
static void make_plain(struct made *archive)
{
    archive->format = "u32le";
    for (unsigned int i = 0; i < 40; i++) {
        add_le(archive, i % 9, 4);
        add(archive, "payload..", i % 9);
    }
    add_le(archive, 100, 4);
}

/* Records that depend on frames before them. */
static void make_context(struct made *archive)
{
    archive->format = "pcapng";
    for (unsigned int section = 0; section < 2; section++) {
        add_le(archive, 0x0a0d0d0a, 4);
        add_le(archive, 28, 4);
        add_le(archive, 0x1a2b3c4d, 4);
        add_le(archive, 1, 4);
        add_le(archive, UINT64_MAX, 8);
        add_le(archive, 28, 4);
        for (unsigned int i = 0; i < 2; i++) {
            add_le(archive, 1, 4);
            add_le(archive, 20, 4);
            add_le(archive, 1, 8);
            add_le(archive, 20, 4);
        }
        for (unsigned int i = 0; i < 8; i++) {
            add_le(archive, 6, 4);
            add_le(archive, 36, 4);
            add_le(archive, i % 2, 4);
            add_le(archive, 5, 8);
            add_le(archive, 4, 4);
            add_le(archive, 4, 4);
            add_le(archive, i, 4);
            add_le(archive, 36, 4);
        }
    }
}

/* Damage between records, found by a magic. */
static void make_damaged(struct made *archive)
{
    archive->format = "mrt";
    for (unsigned int i = 0; i < 20; i++) {
        uint8_t head[12] = {0, 0, 0, 1, 0, 13, 0, 2, 0, 0, 0, 8};
        head[11] = i == 9 ? 0xff : 8;
        head[8] = i == 9 ? 0x7f : 0;
        add(archive, head, sizeof(head));
        add(archive, "12345678", 8);
    }
}

/* Records of several frames. */
static void make_joined(struct made *archive)
{
    archive->format = "varint";
    for (unsigned int i = 0; i < 30; i++) {
        add_le(archive, i, 1);
        add(archive, "abcdefghijklmnopqrstuvwxyzabcdef", i);
    }
}

/* Records with checksums, of which every third is right. */
static void make_checked(struct made *archive)
{
    archive->format = "tfrecord";
    for (unsigned int i = 0; i < 30; i++) {
        unsigned int len = i % 3 ? i : 0;
        add_le(archive, len, 8);
        add_le(archive, len ? 1 : EMPTY_LENGTH_SUM, 4);
        add(archive, "abcdefghijklmnopqrstuvwxyzabcdef", len);
        add_le(archive, len ? 1 : EMPTY_SUM, 4);
    }
}

/* Records with times of microseconds, in more than a block. */
static void make_timed(struct made *archive)
{
    static const uint8_t preamble[24] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4};

    archive->format = "pcap";
    add(archive, preamble, sizeof(preamble));
    for (unsigned int i = 0; i < 250; i++) {
        add_le(archive, 1000000000 + i % 7, 4);
        add_le(archive, i * 3, 4);
        add_le(archive, 0, 8);
    }
}

static struct ff_archive *open_archive(const struct made *archive)
{
    const struct ff_archive_options options = {
        .name = "fuzz", .window_bytes = FF_SCAN_WINDOW_MIN_BYTES, .verify_reads = true};
    struct ff_archive *opened;
    struct ff_source *source;
    struct ff_format *format;

    FUZZ_CHECK(ff_format_find(archive->format, &format, NULL) == 0);
    FUZZ_CHECK(ff_source_open_memory(archive->bytes, archive->len, &source, NULL) == 0);
    FUZZ_CHECK(ff_archive_open(source, format, &options, &opened, NULL) == 0);
    return opened;
}

static void make_index(struct made *archive)
{
    const struct ff_index_writing writing = {.verify = archive == &made[CHECKED_ARCHIVE],
                                             .times = archive == &made[TIMED_ARCHIVE]};
    struct ff_archive *opened = open_archive(archive);
    int fd = memfd_create("index", MFD_CLOEXEC);

    FUZZ_CHECK(ff_archive_write_index(opened, fd, &writing, NULL) == 0);
    FUZZ_CHECK(ff_archive_scan(opened, UINT64_MAX, NULL) == 0);
    ssize_t n = pread(fd, archive->index[0], INDEX_BYTES, 0);
    FUZZ_CHECK(n > FF_IMAGE_HEADER_BYTES && n < INDEX_BYTES);
    archive->index_len[0] = (size_t)n;
    ff_archive_close(opened);
    close(fd);
    /* The same, never finished: it is gone on with. */
    memcpy(archive->index[1], archive->index[0], (size_t)n);
    archive->index_len[1] = (size_t)n;
    const struct ff_image_header header = {.archive_bytes = archive->len};
    ff_image_header_write(archive->index[1], &header);
}

static void make(void)
{
    void (*const makers[ARCHIVES])(struct made *) = {make_plain,  make_context, make_damaged,
                                                     make_joined, make_checked, make_timed};

    if (made[0].len > 0)
        return;
    for (unsigned int i = 0; i < ARCHIVES; i++) {
        makers[i](&made[i]);
        make_index(&made[i]);
    }
}

/* ---- what is asked of an archive ---- */

static void look_at_view(struct ff_archive *archive, const struct ff_view *view)
{
    static uint8_t buf[4 * ARCHIVE_BYTES];
    struct ff_error error = {0};

    if (view->len > sizeof(buf))
        return;
    ssize_t n = ff_view_read(archive, view, buf, sizeof(buf), 0, &error);
    FUZZ_CHECK(n <= (ssize_t)view->len);
}

static void look_at_time(struct ff_archive *archive, const struct ff_record *record)
{
    const struct ff_time_span span = {.since = {.tv_sec = 1000000003},
                                      .until = {.tv_sec = 1000000005}};
    struct timespec time;
    uint64_t next;
    bool known;

    if (ff_archive_time(archive, record, &known, &time, NULL) == 0)
        FUZZ_CHECK(time.tv_sec >= FF_TIME_MIN_S && time.tv_sec <= FF_TIME_MAX_S &&
                   time.tv_nsec >= 0 && time.tv_nsec < 1000000000);
    if (ff_archive_next_in_time(archive, record->number, &span, &next) == 0)
        FUZZ_CHECK(next >= record->number && next < ff_archive_count(archive));
}

static void look_at_record(struct ff_archive *archive, uint64_t number)
{
    struct ff_details details;
    struct ff_record record;
    struct ff_view view;

    if (ff_archive_record(archive, number, &record) < 0)
        return;
    (void)ff_archive_details(archive, &record, &details, NULL);
    look_at_time(archive, &record);
    for (int content = FF_CONTENT_PAYLOAD; content <= FF_CONTENT_FILE; content++)
        if (ff_view_record(archive, &record, (enum ff_content)content, &view) == 0)
            look_at_view(archive, &view);
    if (ff_view_slice(archive, 0, number, &view) == 0)
        look_at_view(archive, &view);
}

static void look_at(struct ff_archive *archive)
{
    uint64_t count = ff_archive_count(archive), size;
    struct ff_summary summary;
    uint8_t buf[256];

    ff_archive_summary(archive, &summary);
    FUZZ_CHECK(summary.records == count);
    for (uint64_t i = 0; i < count && i < LOOKED_AT; i++)
        look_at_record(archive, i);
    look_at_record(archive, count - 1);
    if (ff_all_size(archive, 1, &size) == 0)
        (void)ff_all_read(archive, "-", 1, buf, sizeof(buf), size / 2, NULL);
    char *text = ff_report_json(&archive, 1);
    FUZZ_CHECK(text);
    free(text);
    free(ff_report_damage(archive));
}

static void use(const struct made *archive, const uint8_t *index, size_t len)
{
    const struct ff_index_writing writing = {.delay_ms = 0};
    struct ff_archive *opened = open_archive(archive);
    struct ff_error error = {0};
    int fd = memfd_create("index", MFD_CLOEXEC);

    FUZZ_CHECK(fd >= 0 && write(fd, index, len) == (ssize_t)len);
    int r = ff_archive_use_index(opened, fd, &error);
    FUZZ_CHECK(r <= 0 && (r == 0) == (error.text[0] == '\0'));
    FUZZ_CHECK(r == 0 || ff_archive_count(opened) == 0);
    look_at(opened);
    /* Whether it was taken or not, the scan goes on from there, and writes. */
    if (!ff_archive_complete(opened)) {
        FUZZ_CHECK(ff_archive_write_index(opened, fd, &writing, NULL) == 0 || r == 0);
        FUZZ_CHECK(ff_archive_scan(opened, UINT64_MAX, &error) == 0 || r == 0);
        FUZZ_CHECK(ff_archive_complete(opened));
        look_at(opened);
    }
    ff_archive_close(opened);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t index[INDEX_BYTES];

    make();
    if (size == 0)
        return 0;
    const struct made *archive = &made[data[0] & TIMED     ? TIMED_ARCHIVE
                                       : data[0] & CHECKED ? CHECKED_ARCHIVE
                                                           : data[0] & WHICH];
    unsigned int which = data[0] & PARTIAL ? 1 : 0;
    size_t len = archive->index_len[which];
    if (data[0] & RAW) {
        len = size - 1 < sizeof(index) ? size - 1 : sizeof(index);
        memcpy(index, data + 1, len);
    } else {
        memcpy(index, archive->index[which], len);
        for (size_t i = 1; i + 3 <= size; i += 3)
            index[(data[i] | (size_t)data[i + 1] << 8) % len] ^= data[i + 2];
    }
    if (!(data[0] & UNSEALED))
        ff_image_seal(index, len);
    use(archive, index, len);
    return 0;
}
