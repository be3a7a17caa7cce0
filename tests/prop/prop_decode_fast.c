/* Frames decoded at once, in runs and item by item: whatever the bytes, the windows and the end,
 * these give the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/decode_fast.h"
#include "format/format.h"
#include "prop.h"

#define BYTES 160

/* What their first alternative is. */
enum shape {
    NEITHER,
    AT_ONCE, /* not in runs: other things are to be done with each */
    RUNS,
};

#define TEXT(text) text, sizeof(text) - 1
static const struct {
    const char *text;
    enum shape shape;
    const char *frame; /* one that fits */
    size_t frame_len;
} descriptions[] = {
    {"hdr:bytes[4] len:i64le data", RUNS, TEXT("tag4\3\0\0\0\0\0\0\0abc")},
    {"len:u64le u32le=crc32c-masked(len) data u32le=crc32c-masked(data)", RUNS,
     TEXT("\2\0\0\0\0\0\0\0ssssabssss")},
    {"len:u8 data", RUNS, TEXT("\4abcd")},
    {"total:u16le data", RUNS, TEXT("\4\0ab")},
    {"len:u32be data", RUNS, TEXT("\0\0\0\1a")},
    {"len:u64be data", RUNS, TEXT("\0\0\0\0\0\0\0\0")},
    {"bytes[2] len:i32le data u16be", RUNS, TEXT("xx\1\0\0\0ayy")},
    {"len:i16be data i16be=len", RUNS, TEXT("\0\2ab\0\2")},
    {"type:u8=(0 1) n:i24be len:u32be data \"e\" u8=1", RUNS, TEXT("\1nnn\0\0\0\2abe\1")},
    {"\"a\" len:u8=size(kind..end) kind:str[2] data end:u16le x:u8", RUNS, TEXT("a\6kkabeex")},
    {"kind:i8=(0 -1) len:i8 data | len:u8 \"\\0\" data", RUNS, TEXT("\377\3abc")},
    {"b32=0x0100 ; time:u32e len:u16e data", RUNS, TEXT("tttt\0\0")},
    {"u8 len:u16le=size(x) k:bytes[2] x:pad t:bytes[3] y:u8 @data(k..t)", RUNS,
     TEXT("u\1\0kkxttty")},
    {"len:u8=size(x) k:u8 x:pad @data(k)", AT_ONCE, TEXT("\1kx")},
    {"kind:u8=0 len:u8 data @hide | kind:u8 len:u8 data", AT_ONCE, TEXT("\0\1a")},
    {"kind:u8=1 len:u8 data @end | kind:u8 len:u8 data", AT_ONCE, TEXT("\1\1a")},
    {"hdr:bytes[2] b:bytes[7] t:u8 @data(b)", RUNS, TEXT("hhdddddddt")},
    {"\"l\" data[3] \"e\"", RUNS, TEXT("labce")},
    {"kind:u8=(0 1) b:bytes[3] \"e\" t:i16le=-1 @data(b..t)", RUNS, TEXT("\1abce\377\377")},
    {"k:u8 b:bytes[3] x:u8 @data(b) @hide | len:u8 data", AT_ONCE, TEXT("kdddx")},
    {"k:u8=1 x:u16le", NEITHER, TEXT("\1xx")},
    {"len:u8 n:u8*2 data", NEITHER, TEXT("\2nab")},
};
enum { DESCRIPTIONS = sizeof(descriptions) / sizeof(*descriptions) };

/* Small numbers, so that frames fit often, or frames in which little is changed. */
static void fill(uint8_t bytes[BYTES], int description, struct ff_prop *prop)
{
    static const uint8_t likely[] = {0, 0, 0, 0, 0, 0, 1, 2, 3, 5, 9, 'a', 'e', 0xff};
    const char *frame = descriptions[description].frame;
    bool frames = ff_prop_below(prop, 2);
    uint64_t change = 2 + ff_prop_below(prop, 200);

    for (size_t i = 0; i < BYTES; i++) {
        bytes[i] = frames ? (uint8_t)frame[i % descriptions[description].frame_len]
                          : likely[ff_prop_below(prop, sizeof(likely))];
        if (ff_prop_below(prop, frames ? change : 12) == 0)
            bytes[i] = (uint8_t)ff_prop_next(prop);
    }
}

static void begin(struct ff_decoder *decoder, const struct ff_layout *layout, uint64_t limit,
                  uint8_t order, uint64_t offset)
{
    ff_decoder_init(decoder, layout, limit);
    decoder->state.order = order;
    decoder->state.preamble = 0;
    ff_decode_begin(decoder, FF_FRAME, offset);
}

static void assert_same(const struct ff_decoder *a, const struct ff_decoder *b, int r)
{
    assert_int_equal(a->alt, b->alt);
    if (r == FF_DECODE_NEED) {
        assert_int_equal(a->need_offset, b->need_offset);
        assert_int_equal(a->need_len, b->need_len);
        return;
    }
    if (r < 0) {
        assert_int_equal(a->fault.kind, b->fault.kind);
        assert_int_equal(a->fault.alt, b->fault.alt);
        assert_int_equal(a->fault.item, b->fault.item);
        assert_int_equal(a->fault.offset, b->fault.offset);
        assert_true(a->fault.value == b->fault.value && a->fault.other == b->fault.other);
        return;
    }
    const struct ff_alt *alt = &a->layout->alts[a->alt];
    const struct ff_item *items = &a->layout->items[alt->first];
    assert_int_equal(a->end, b->end);
    assert_int_equal(a->frag, b->frag);
    assert_memory_equal(&a->state, &b->state, sizeof(a->state));
    assert_memory_equal(a->starts, b->starts, (alt->count + 1U) * sizeof(a->starts[0]));
    for (unsigned int i = 0; i < alt->count; i++)
        if (items[i].slot != FF_NO_SLOT)
            assert_true(a->slots[items[i].slot] == b->slots[items[i].slot]);
}

/* A run holds the frames that are found one by one, and ends for a reason. How many it has. */
static unsigned int check_run(const struct ff_format *format, const struct ff_layout *slow,
                              const struct ff_window *window, uint64_t limit, uint8_t order,
                              uint64_t offset)
{
    static struct ff_decoder a, b;
    static struct ff_run run;
    uint64_t end = window->offset + window->len, len, payload;
    const unsigned int first = slow->alt_first[FF_FRAME];

    begin(&a, &format->layout, limit, order, offset);
    const struct ff_decode_state state = a.state;
    ff_decode_run(&a, window, offset, &run);
    assert_memory_equal(&state, &a.state, sizeof(state));
    assert_int_equal(a.limit, limit);
    assert_true(run.count <= FF_RUN_FRAMES);
    for (unsigned int i = 0; i < run.count; i++) {
        begin(&b, slow, limit, order, offset);
        assert_int_equal(ff_decode(&b, window), FF_DECODE_DONE);
        ff_decoder_payload(&b, &payload, &len);
        assert_int_equal(b.alt, first);
        assert_false(slow->alts[b.alt].hide || slow->alts[b.alt].end);
        assert_int_equal(b.end, run.ends[i]);
        assert_int_equal(payload - offset, run.head);
        assert_int_equal(b.end - payload - len, run.tail);
        offset = b.end;
    }
    if (run.count < FF_RUN_FRAMES && slow->alts[first].fast.runs) {
        begin(&b, slow, limit, order, offset);
        assert_false(ff_decode(&b, window) == FF_DECODE_DONE && b.alt == first && b.end <= end &&
                     b.offset >= window->offset);
    }
    return run.count;
}

static void at_once_and_item_by_item_are_the_same(void **state)
{
    (void)state;
    struct ff_prop prop = ff_prop_start(31);
    struct ff_layout *slow = malloc(sizeof(*slow));
    struct ff_decoder *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));
    assert_true(slow && a && b);

    for (int d = 0; d < DESCRIPTIONS; d++) {
        struct ff_format *format;
        unsigned long fitted = 0;
        assert_int_equal(ff_format_compile(descriptions[d].text, &format, NULL), 0);
        *slow = format->layout;
        unsigned int first = slow->alt_first[FF_FRAME];
        assert_int_equal(slow->alts[first].fast.payload != FF_NO_ITEM,
                         descriptions[d].shape != NEITHER);
        for (unsigned int i = 0; i < slow->alt_count; i++)
            slow->alts[i].fast.payload = FF_NO_ITEM;
        unsigned long runs = 0;

        for (unsigned long round = 0; round < ff_prop_rounds(20000); round++) {
            uint8_t bytes[BYTES];
            fill(bytes, d, &prop);
            /* The window is any part of the archive, whose end it may or may not know. */
            uint64_t offset = ff_prop_below(&prop, 40), from = ff_prop_below(&prop, 20);
            size_t len = ff_prop_below(&prop, BYTES - 20 + 1);
            uint64_t limit = ff_prop_below(&prop, 3) ? from + len : UINT64_MAX;
            if (ff_prop_below(&prop, 4) == 0)
                limit = from + len + ff_prop_below(&prop, 30);
            uint8_t order = ff_prop_below(&prop, 2) ? FF_ORDER_BE : FF_ORDER_LE;
            /* Of its own size: a sanitizer sees every byte beyond. */
            uint8_t *exact = malloc(len ? len : 1);
            assert_non_null(exact);
            memcpy(exact, bytes, len);
            const struct ff_window window = {.bytes = exact, .offset = from, .len = len};
            begin(a, &format->layout, limit, order, offset);
            begin(b, slow, limit, order, offset);
            int r = ff_decode(a, &window);
            assert_int_equal(r, ff_decode(b, &window));
            assert_same(a, b, r);
            fitted += r == FF_DECODE_DONE;
            runs += check_run(format, slow, &window, limit, order, offset) > 1;
            free(exact);
        }
        assert_true(fitted > 0);
        assert_int_equal(runs > 0, descriptions[d].shape == RUNS);
        ff_format_free(format);
    }
    free(slow);
    free(a);
    free(b);
}

static void a_run_ends_where_it_has_no_room(void **state)
{
    (void)state;
    static const uint8_t zeros[FF_RUN_FRAMES + 3];
    const struct ff_window window = {.bytes = zeros, .offset = 5, .len = sizeof(zeros)};
    static struct ff_decoder decoder;
    static struct ff_run run;
    struct ff_format *format;

    assert_int_equal(ff_format_compile("len:u8 data", &format, NULL), 0);
    ff_decoder_init(&decoder, &format->layout, UINT64_MAX);
    ff_decode_run(&decoder, &window, 5, &run);
    assert_int_equal(run.count, FF_RUN_FRAMES);
    assert_int_equal(run.ends[FF_RUN_FRAMES - 1], 5 + FF_RUN_FRAMES);
    ff_decode_run(&decoder, &window, 5 + FF_RUN_FRAMES, &run);
    assert_int_equal(run.count, 3);
    assert_int_equal(run.ends[2], 5 + FF_RUN_FRAMES + 3);
    /* Not behind where the preamble says that frames end. */
    decoder.state.frames_end = 7;
    ff_decode_run(&decoder, &window, 5, &run);
    assert_int_equal(run.count, 2);
    ff_decode_run(&decoder, &window, 8, &run);
    assert_int_equal(run.count, 0);
    ff_format_free(format);
}

static void a_run_ends_at_a_negative_length(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint8_t bytes[4]; /* an empty frame, and one whose number is the least */
    } cases[] = {{"len:i8 data", {0, 0x80}}, {"len:i16be data", {0, 0, 0x80}}};
    static struct ff_decoder decoder;
    static struct ff_run run;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        uint8_t *bytes = calloc(1, 70000);
        struct ff_format *format;
        assert_non_null(bytes);
        memcpy(bytes, cases[i].bytes, sizeof(cases[i].bytes));
        const struct ff_window window = {.bytes = bytes, .len = 70000};
        assert_int_equal(ff_format_compile(cases[i].text, &format, NULL), 0);
        ff_decoder_init(&decoder, &format->layout, 70000);
        ff_decode_run(&decoder, &window, 0, &run);
        assert_int_equal(run.count, 1);
        ff_format_free(format);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(at_once_and_item_by_item_are_the_same),
                                       cmocka_unit_test(a_run_ends_where_it_has_no_room),
                                       cmocka_unit_test(a_run_ends_at_a_negative_length)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
