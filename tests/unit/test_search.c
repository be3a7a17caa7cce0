/* The limits of the search after damage, at each and one beyond. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "archive/resync.h"
#include "format/format.h"
#include "joined.h"

/* An archive of one byte over and over, but for a few stretches: it takes no memory. */
struct stretch {
    uint64_t offset;
    const uint8_t *bytes; /* NULL: len times `fill` */
    size_t len;
    uint8_t fill;
};

struct sparse {
    struct ff_source source;
    uint64_t size;
    uint8_t fill;
    const struct stretch *stretches;
    size_t count;
};

static ssize_t sparse_pread(struct ff_source *source, void *buf, size_t len, uint64_t offset)
{
    const struct sparse *sparse = (struct sparse *)source;

    if (offset >= sparse->size)
        return 0;
    if (len > sparse->size - offset)
        len = (size_t)(sparse->size - offset);
    memset(buf, sparse->fill, len);
    for (size_t i = 0; i < sparse->count; i++) {
        const struct stretch *stretch = &sparse->stretches[i];
        uint64_t from = stretch->offset > offset ? stretch->offset : offset;
        uint64_t end = stretch->offset + stretch->len;
        if (end > offset + len)
            end = offset + len;
        if (from >= end)
            continue;
        uint8_t *to = (uint8_t *)buf + (size_t)(from - offset);
        if (stretch->bytes)
            memcpy(to, stretch->bytes + (size_t)(from - stretch->offset), (size_t)(end - from));
        else
            memset(to, stretch->fill, (size_t)(end - from));
    }
    return (ssize_t)len;
}

static const struct ff_source_ops sparse_ops = {.pread = sparse_pread};

/* What a search behind byte 0 finds, and where. */
static int search(struct sparse *sparse, const char *lines, uint64_t *ret_offset)
{
    struct ff_format *format = format_of(lines);
    struct ff_resync_past past = {0};
    struct ff_decoder decoder;
    struct ff_reader reader;

    sparse->source.ops = &sparse_ops;
    assert_int_equal(
        ff_reader_init(&reader, &sparse->source, sparse->size, FF_SCAN_WINDOW_DEFAULT_BYTES), 0);
    ff_decoder_init(&decoder, &format->layout, sparse->size);
    int r = ff_resync(&reader, &decoder, 0, false, &past, ret_offset);
    ff_reader_done(&reader);
    ff_format_free(format);
    return r;
}

static void a_magic_is_searched_so_far(void **state)
{
    (void)state;
    static const uint8_t frames[] = "REC\1aREC\1bREC\1c";
    const uint64_t last = FF_RESYNC_MAX_BYTES - 1;

    for (uint64_t place = last - 1; place <= last + 1; place++) {
        const struct stretch stretch = {
            .offset = place, .bytes = frames, .len = sizeof(frames) - 1};
        struct sparse sparse = {
            .size = place + sizeof(frames) - 1, .stretches = &stretch, .count = 1};
        uint64_t found = 0;
        int r = search(&sparse, "frame = \"REC\" len:u8 data", &found);
        assert_int_equal(r, place <= last ? FF_RESYNC_FOUND : FF_RESYNC_LOST);
        assert_int_equal(found, place <= last ? place : 0);
    }
}

/* Where the numbers' upper bytes are 1, a frame seems to lead 16 MiB away: one time less than there
 * are such bytes, and once more right before the true frames, whose first bytes belong to a number
 * of 256 KiB. */
static void so_many_frames_may_lead_far_away(void **state)
{
    (void)state;
    enum { HEAD = 8, SIZE = 20 << 20 };
    struct bytes frames = {0};

    for (int i = 0; i < 4; i++) {
        bytes_le(&frames, 3, 4);
        bytes_fill(&frames, 'x', 3);
        bytes_le(&frames, 0xdeadbeef, 4);
    }
    for (size_t jumps = FF_RESYNC_MAX_JUMPS - 1; jumps <= FF_RESYNC_MAX_JUMPS; jumps++) {
        const size_t ones = jumps, place = HEAD + ones + HEAD;
        const struct stretch stretches[] = {
            {.offset = HEAD, .len = ones, .fill = 1},
            {.offset = place, .bytes = frames.at, .len = frames.len}};
        struct sparse sparse = {.size = SIZE, .fill = 0xff, .stretches = stretches, .count = 2};
        uint64_t found = 0;
        bool within = jumps < FF_RESYNC_MAX_JUMPS;
        int r = search(&sparse, "frame = len:u32le data u32le=0xdeadbeef", &found);
        assert_int_equal(r, within ? FF_RESYNC_FOUND : FF_RESYNC_LOST);
        assert_int_equal(found, within ? place : 0);
    }
    bytes_done(&frames);
}

/* Frames of which lengths alone speak, and what follows them is none: the first counts as lost. */
static void so_many_frames_of_lengths_are_a_chain(void **state)
{
    (void)state;
    enum { ENOUGH = FF_RESYNC_CHAIN_FRAMES / 2, PLACE = 16, FRAME = 8 + 5 };

    for (int count = ENOUGH - 1; count <= ENOUGH; count++) {
        struct bytes frames = {0};
        for (int i = 0; i < count; i++) {
            bytes_le(&frames, 5, 8);
            bytes_fill(&frames, 'x', 5);
        }
        const struct stretch stretch = {.offset = PLACE, .bytes = frames.at, .len = frames.len};
        struct sparse sparse = {.size = 4096, .fill = 0xff, .stretches = &stretch, .count = 1};
        uint64_t found = 0;
        int r = search(&sparse, "frame = len:u64le data", &found);
        assert_int_equal(r, count == ENOUGH ? FF_RESYNC_FOUND : FF_RESYNC_END);
        assert_int_equal(found, count == ENOUGH ? PLACE + FRAME : 0);
        bytes_done(&frames);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_magic_is_searched_so_far),
        cmocka_unit_test(so_many_frames_may_lead_far_away),
        cmocka_unit_test(so_many_frames_of_lengths_are_a_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
