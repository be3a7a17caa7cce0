/* Frames decoded at once and item by item: whatever the bytes, the windows and the end, the two
 * give the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/decode.h"
#include "format/format.h"
#include "prop.h"

#define BYTES 160

/* All but the last are of the shape that is decoded at once, in their first alternative. */
static const char *const descriptions[] = {
    "hdr:bytes[4] len:i64le data",
    "len:u64le u32le=crc32c-masked(len) data u32le=crc32c-masked(data)",
    "len:u8 data",
    "total:u16le data",
    "len:i16be data i16be=len",
    "type:u8=(0 1) n:i24be len:u32be data \"e\" u8=1",
    "\"a\" len:u8=size(kind..end) kind:str[2] data end:u16le x:u8",
    "kind:i8=(0 -1) len:i8 data | len:u8 \"\\0\" data",
    "b32=0x0100 ; time:u32e len:u16e data",
    "len:u8 n:u8*2 data",
};
enum { DESCRIPTIONS = sizeof(descriptions) / sizeof(*descriptions) };

/* Small numbers, so that frames fit often. */
static void fill(uint8_t bytes[BYTES], struct ff_prop *prop)
{
    static const uint8_t likely[] = {0, 0, 0, 0, 0, 0, 1, 2, 3, 5, 9, 'a', 'e', 0xff};

    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = ff_prop_below(prop, 12) ? likely[ff_prop_below(prop, sizeof(likely))]
                                           : (uint8_t)ff_prop_next(prop);
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
        assert_int_equal(ff_format_compile(descriptions[d], &format, NULL), 0);
        *slow = format->layout;
        unsigned int first = slow->alt_first[FF_FRAME];
        assert_int_equal(slow->alts[first].fast.payload != FF_NO_ITEM, d < DESCRIPTIONS - 1);
        for (unsigned int i = 0; i < slow->alt_count; i++)
            slow->alts[i].fast.payload = FF_NO_ITEM;

        for (unsigned long round = 0; round < ff_prop_rounds(20000); round++) {
            uint8_t bytes[BYTES];
            fill(bytes, &prop);
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
            free(exact);
        }
        assert_true(fitted > 0);
        ff_format_free(format);
    }
    free(slow);
    free(a);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(at_once_and_item_by_item_are_the_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
