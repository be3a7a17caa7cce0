/* Reads archives from its input and tells all that the library finds in them: of each archive the
 * input has a line "FORMAT SIZE" and SIZE bytes; the output a line an event, "record OFFSET END
 * PAYLOAD ADLER32", or "wrong" instead of "record" where one of its checksums is, or "damage OFFSET
 * END", and a line "read BYTES" with what was asked of the archive for that. Stops with an abort
 * where the library contradicts itself. */
#include <errno.h>
#include <framefs/framefs.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(claim)                                                                               \
    do {                                                                                           \
        if (!(claim)) {                                                                            \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #claim);             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#define SIZE_MAX_BYTES ((size_t)16 << 20)

/* Bytes in memory, and how many of them were given. */
struct counted {
    struct ff_source source;
    const uint8_t *bytes;
    size_t len;
    uint64_t given;
};

static ssize_t counted_pread(struct ff_source *source, void *buf, size_t len, uint64_t offset)
{
    struct counted *counted = (struct counted *)source;

    if (offset >= counted->len)
        return 0;
    if (len > counted->len - offset)
        len = counted->len - (size_t)offset;
    memcpy(buf, counted->bytes + offset, len);
    counted->given += len;
    return (ssize_t)len;
}

static int counted_stat(struct ff_source *source, struct ff_source_stat *ret_stat)
{
    *ret_stat = (struct ff_source_stat){.size = ((struct counted *)source)->len};
    return 0;
}

static int counted_check(struct ff_source *source)
{
    (void)source;
    return 0;
}

static void counted_close(struct ff_source *source)
{
    (void)source;
}

static const struct ff_source_ops counted_ops = {
    .pread = counted_pread,
    .stat = counted_stat,
    .check = counted_check,
    .close = counted_close,
};

static uint32_t adler32_of(const uint8_t *bytes, size_t len)
{
    uint32_t a = 1, b = 0;

    for (size_t i = 0; i < len; i++) {
        a = (a + bytes[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

static bool sums_match(struct ff_archive *archive, const struct ff_record *record)
{
    struct ff_checksum_result sum;
    bool matches = true;
    int r;

    for (unsigned int i = 0; (r = ff_archive_checksum(archive, record, i, &sum, NULL)) == 0; i++)
        matches &= sum.matches;
    CHECK(r == -ENOENT);
    return matches;
}

static void tell_record(struct ff_archive *archive, const struct ff_record *record)
{
    struct ff_details details;
    struct ff_view view;
    uint8_t *buf;

    CHECK(ff_archive_details(archive, record, &details, NULL) == 0);
    for (int content = FF_CONTENT_FILE; content >= FF_CONTENT_PAYLOAD; content--) {
        if (ff_view_record(archive, record, (enum ff_content)content, &view) < 0) {
            CHECK(content == FF_CONTENT_FILE);
            continue;
        }
        buf = malloc(view.len + 1);
        CHECK(buf);
        CHECK(ff_view_read(archive, &view, buf, view.len + 1, 0, NULL) == (ssize_t)view.len);
        if (content == FF_CONTENT_PAYLOAD)
            printf("%s %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu32 "\n",
                   sums_match(archive, record) ? "record" : "wrong", record->offset,
                   ff_record_end(record), view.len, adler32_of(buf, (size_t)view.len));
        free(buf);
    }
}

static void tell_archive(const char *name, const uint8_t *bytes, size_t len)
{
    struct counted counted = {.source = {&counted_ops}, .bytes = bytes, .len = len};
    const struct ff_archive_options options = {.name = name};
    struct ff_archive *archive;
    struct ff_format *format;
    struct ff_record record;
    struct ff_damage damage;

    CHECK(ff_format_find(name, &format, NULL) == 0);
    CHECK(ff_archive_open(&counted.source, format, &options, &archive, NULL) == 0);
    CHECK(ff_archive_scan(archive, UINT64_MAX, NULL) == 0);
    uint64_t given = counted.given;
    for (uint64_t i = 0; ff_archive_record(archive, i, &record) == 0; i++)
        tell_record(archive, &record);
    for (uint64_t i = 0; ff_archive_damage(archive, i, &damage) == 0; i++)
        printf("damage %" PRIu64 " %" PRIu64 "\n", damage.offset, damage.offset + damage.len);
    printf("read %" PRIu64 "\n", given);
    ff_archive_close(archive);
}

int main(void)
{
    char name[64];
    size_t len;

    while (scanf("%63s %zu", name, &len) == 2) {
        CHECK(len <= SIZE_MAX_BYTES && getchar() == '\n');
        /* Of exact size, so that a sanitizer sees the smallest step outside. */
        uint8_t *bytes = malloc(len ? len : 1);
        CHECK(bytes && fread(bytes, 1, len, stdin) == len);
        tell_archive(name, bytes, len);
        free(bytes);
    }
    return 0;
}
