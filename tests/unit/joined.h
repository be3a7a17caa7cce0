/* Archives built in a test and opened by the lines of an INI section: what the tests of joined
 * records, of damage and of context share. To be included after cmocka.h. */
#ifndef FF_TESTS_JOINED_H
#define FF_TESTS_JOINED_H

#include <framefs/framefs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct bytes {
    uint8_t *at; /* owned */
    size_t len, room;
};

static inline void bytes_add(struct bytes *bytes, const void *what, size_t len)
{
    if (bytes->len + len > bytes->room) {
        bytes->room = (bytes->len + len) * 2;
        bytes->at = realloc(bytes->at, bytes->room);
        assert_non_null(bytes->at);
    }
    if (len)
        memcpy(bytes->at + bytes->len, what, len);
    bytes->len += len;
}

static inline void bytes_fill(struct bytes *bytes, uint8_t what, size_t len)
{
    while (len--)
        bytes_add(bytes, &what, 1);
}

/* An integer of so many bytes. */
static inline void bytes_le(struct bytes *bytes, uint64_t value, unsigned int width)
{
    for (unsigned int i = 0; i < width; i++)
        bytes_fill(bytes, (uint8_t)(value >> (8 * i)), 1);
}

static inline void bytes_be(struct bytes *bytes, uint64_t value, unsigned int width)
{
    while (width--)
        bytes_fill(bytes, (uint8_t)(value >> (8 * width)), 1);
}

static inline void bytes_done(struct bytes *bytes)
{
    free(bytes->at);
    *bytes = (struct bytes){0};
}

/* The format of these lines; a name of one word is a built-in one. */
static inline struct ff_format *format_of(const char *lines)
{
    struct ff_format *format = NULL;
    struct ff_formats *formats;
    struct ff_error error = {0};
    char text[1024];

    if (!strchr(lines, '=')) {
        assert_int_equal(ff_format_find(lines, &format, NULL), 0);
        return format;
    }
    assert_int_equal(ff_formats_new(&formats, NULL), 0);
    int len = snprintf(text, sizeof(text), "[test]\n%s\n", lines);
    if (ff_formats_add(formats, text, (size_t)len, "test", &error) < 0)
        print_error("%s\n", error.text);
    assert_int_equal(ff_formats_find(formats, "test", &format, NULL), 0);
    ff_formats_free(formats);
    return format;
}

static inline struct ff_source *source_of(const struct bytes *bytes)
{
    struct ff_source *source;
    assert_int_equal(ff_source_open_memory(bytes->at, bytes->len, &source, NULL), 0);
    return source;
}

/* Opened and scanned. */
static inline struct ff_archive *archive_of(const struct bytes *bytes, const char *lines)
{
    struct ff_archive *archive;
    struct ff_archive_options options = {.name = "test"};

    assert_int_equal(ff_archive_open(source_of(bytes), format_of(lines), &options, &archive, NULL),
                     0);
    assert_int_equal(ff_archive_scan(archive, UINT64_MAX, NULL), 0);
    return archive;
}

/* As from a pipe: the size is not known before the end was read. */
static inline struct ff_source *stream_of(const struct bytes *bytes)
{
    struct ff_source *source;
    int fd = memfd_create("archive", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes->at, bytes->len, 0), bytes->len);
    assert_int_equal(ff_source_open_stream(fd, &source, NULL), 0);
    return source;
}

/* Takes the source over. */
static inline void write_events(struct ff_source *source, const char *lines, char *text,
                                size_t size)
{
    size_t len = 0;
    struct ff_format *format = format_of(lines);
    struct ff_scan *scan;
    struct ff_scan_event event;

    text[0] = '\0';
    assert_int_equal(ff_scan_open(source, format, NULL, 0, &scan, NULL), 0);
    for (;;) {
        assert_int_equal(ff_scan_next(scan, &event, NULL), 0);
        if (event.kind == FF_SCAN_END)
            break;
        bool record = event.kind == FF_SCAN_RECORD;
        int n =
            snprintf(text + len, size - len, "%s%c%ju+%ju%s", len ? " " : "", record ? 'r' : 'd',
                     (uintmax_t)(record ? event.record.offset : event.damage.offset),
                     (uintmax_t)(record ? ff_record_frame(&event.record) : event.damage.len),
                     !record && event.damage.code == -ENODATA ? "~" : "");
        assert_true(n > 0 && (size_t)n < size - len);
        len += (size_t)n;
    }
    ff_scan_close(scan);
    ff_format_free(format);
    ff_source_close(source);
}

/* All events of a scan: "r0+5" a record, its first byte and the bytes of its frame, "d5+2" a damage
 * with "~" after it where the archive is cut short. The same of a file and from a pipe. */
static inline const char *events_of(const struct bytes *bytes, const char *lines)
{
    static char text[1024];
    char streamed[sizeof(text)];

    write_events(source_of(bytes), lines, text, sizeof(text));
    write_events(stream_of(bytes), lines, streamed, sizeof(streamed));
    assert_string_equal(streamed, text);
    return text;
}

/* The bytes that a record's file has. */
static inline struct bytes file_of(struct ff_archive *archive, uint64_t number,
                                   enum ff_content content)
{
    struct ff_record record;
    struct ff_view view;

    assert_int_equal(ff_archive_record(archive, number, &record), 0);
    assert_int_equal(ff_view_record(archive, &record, content, &view), 0);
    struct bytes file = {0};
    bytes_fill(&file, 0xee, (size_t)view.len);
    assert_int_equal(ff_view_read(archive, &view, file.at, file.len, 0, NULL), view.len);
    return file;
}

static inline struct bytes slice_of(struct ff_archive *archive, uint64_t first, uint64_t last)
{
    struct ff_view view;

    assert_int_equal(ff_view_slice(archive, first, last, &view), 0);
    struct bytes file = {0};
    bytes_fill(&file, 0xee, (size_t)view.len);
    assert_int_equal(ff_view_read(archive, &view, file.at, file.len, 0, NULL), view.len);
    return file;
}

static inline void same_bytes(const struct bytes *have, const struct bytes *want)
{
    assert_int_equal(have->len, want->len);
    if (want->len)
        assert_memory_equal(have->at, want->at, want->len);
}

#endif
