/*
 * Which format is it? Every description of a set is tried on the archive's head, and what speaks
 * for it is counted in bits. A chain of frames that ends exactly where the archive ends gives the
 * bits of the archive's size.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "format/evidence.h"
#include "format/format.h"

#define FRAMES_MAX      1024 /* tried of each format */
#define ENOUGH_BITS     32   /* a format with less is not believed */
#define ENOUGH_CUT_BITS 64   /* nor one that the archive breaks off in the middle of */
#define CERTAIN_BITS    24   /* of constants: outranks whatever has only lengths */
#define CANDIDATES_SHOW 4

struct head {
    const uint8_t *buf;
    size_t len;
    uint64_t size; /* of the archive, or UINT64_MAX */
};

/* Tags and names are printable in every format that has them; binary bytes in their place say that
 * it is another. */
static bool text_is_printable(const struct head *head, const struct ff_decoder *d)
{
    const struct ff_alt *alt = &d->layout->alts[d->alt];
    for (unsigned int i = 0; i < alt->count; i++) {
        if (d->layout->items[alt->first + i].kind != FF_ITEM_STR)
            continue;
        for (uint64_t at = d->starts[i]; at < d->starts[i + 1] && at < head->len; at++)
            if (head->buf[at] != 0 && (head->buf[at] < 0x20 || head->buf[at] == 0x7f))
                return false;
    }
    return true;
}

/* What speaks for the format; false when the head contradicts it. */
static bool try_format(const struct ff_format *format, const struct head *head,
                       struct ff_evidence *ret_evidence)
{
    const struct ff_layout *layout = &format->layout;
    const struct ff_window window = {.bytes = head->buf, .offset = 0, .len = head->len};
    struct ff_evidence evidence = {0};
    struct ff_decoder d;
    uint64_t offset = 0;
    bool postamble = layout->alt_first[FF_POSTAMBLE] != layout->alt_first[FF_SECTIONS];

    ff_decoder_init(&d, layout, head->size);
    if (layout->alt_first[FF_PREAMBLE] != layout->alt_first[FF_FRAME]) {
        ff_decode_begin(&d, FF_PREAMBLE, 0);
        if (ff_decode(&d, &window) != FF_DECODE_DONE)
            return false;
        ff_evidence_weigh(&d, &window, head->size, &evidence);
        offset = d.end;
    }
    bool magic = evidence.fixed >= CERTAIN_BITS;
    bool landed = false, cut = false;
    while (evidence.frames < FRAMES_MAX) {
        if (offset >= head->size) {
            landed = offset == head->size && !postamble;
            break;
        }
        if (postamble && head->size - offset <= layout->postamble_max) {
            struct ff_decoder end = d;
            ff_decode_begin(&end, FF_POSTAMBLE, offset);
            if (ff_decode(&end, &window) == FF_DECODE_DONE && end.end == head->size) {
                ff_evidence_weigh(&end, &window, head->size, &evidence);
                landed = true;
                break;
            }
        }
        ff_decode_begin(&d, FF_FRAME, offset);
        int r = ff_decode(&d, &window);
        if (r == FF_DECODE_NEED) /* it goes on past the head */
            break;
        if (r < 0) {
            /* A cut archive is still of its format; one that breaks in the middle must have said
             * what it is before. */
            if (!(r == -ENODATA && evidence.frames > 1) && !magic)
                return false;
            cut = true;
            break;
        }
        if (!magic && !text_is_printable(head, &d))
            return false;
        ff_evidence_weigh(&d, &window, head->size, &evidence);
        evidence.frames++;
        offset = d.end;
        if (layout->alts[d.alt].end) {
            landed = true;
            break;
        }
    }
    if (landed && head->size != UINT64_MAX && evidence.frames)
        evidence.chain += ff_evidence_bits(head->size);
    if (evidence.frames == 0 && !magic)
        return false;
    *ret_evidence = evidence;
    return evidence.fixed + evidence.chain >= (cut ? ENOUGH_CUT_BITS : ENOUGH_BITS) || magic;
}

/* Positive when a speaks louder than b. */
static int compare(const struct ff_evidence *a, const struct ff_evidence *b)
{
    bool a_certain = a->fixed >= CERTAIN_BITS, b_certain = b->fixed >= CERTAIN_BITS;
    uint64_t a_bits = (uint64_t)a->fixed + a->chain, b_bits = (uint64_t)b->fixed + b->chain;

    if (a_certain != b_certain)
        return a_certain ? 1 : -1;
    return a_bits > b_bits ? 1 : a_bits < b_bits ? -1 : 0;
}

/* Files that many people will try, and that are something else. */
static const char *known_other(const struct head *head)
{
    static const struct {
        const char *magic;
        size_t len;
        const char *what;
    } others[] = {
        {"\x1f\x8b", 2, "gzip: decompress it first, as in zcat FILE | framefs ls -"},
        {"\x28\xb5\x2f\xfd", 4, "zstd: decompress it first, as in zstdcat FILE | framefs ls -"},
        {"\xfd\x37zXZ\0", 6, "xz: decompress it first, as in xzcat FILE | framefs ls -"},
        {"BZh", 3, "bzip2: decompress it first, as in bzcat FILE | framefs ls -"},
        {"\x04\x22\x4d\x18", 4, "lz4: decompress it first, as in lz4cat FILE | framefs ls -"},
        {"PK\x03\x04", 4, "a ZIP archive"},
        {"\x7f\x45LF", 4, "an ELF object"},
        {"%PDF", 4, "a PDF document"},
        {"SQLite format 3", 15, "an SQLite database"},
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        if (head->len >= others[i].len && memcmp(head->buf, others[i].magic, others[i].len) == 0)
            return others[i].what;
    return NULL;
}

int ff_format_detect(const struct ff_formats *formats, const void *buf, size_t len, uint64_t size,
                     struct ff_format **ret_format, struct ff_error *error)
{
    const struct head head = {.buf = buf, .len = len, .size = size};
    struct ff_format *best = NULL;
    struct ff_evidence best_evidence = {0};
    char rivals[256] = "";
    size_t rival_count = 0;
    bool best_is_added = false;

    for (size_t i = 0; len && i < ff_formats_count(formats); i++) {
        struct ff_format *format;
        struct ff_evidence evidence;
        bool is_added = ff_formats_origin(formats, i) != NULL;
        if (ff_formats_fault(formats, i))
            continue;
        int r = ff_formats_find(formats, ff_formats_name(formats, i), &format, error);
        if (r < 0) {
            ff_format_free(best);
            return r;
        }
        int better = -1;
        if (try_format(format, &head, &evidence)) {
            if (!best)
                better = 1;
            else if (format->generic != best->generic)
                better = best->generic ? 1 : -1;
            else
                better = compare(&evidence, &best_evidence);
        }
        /* Those that were added come first. */
        if (better == 0 && best_is_added && !is_added)
            better = -1;
        if (better == 0 && rival_count++ < CANDIDATES_SHOW) {
            size_t n = strlen(rivals);
            snprintf(rivals + n, sizeof(rivals) - n, ", %s", format->name);
        }
        if (better <= 0) {
            ff_format_free(format);
            continue;
        }
        ff_format_free(best);
        best = format;
        best_is_added = is_added;
        best_evidence = evidence;
        rivals[0] = '\0';
        rival_count = 0;
    }
    if (rival_count) {
        int r = ff_error_set(error, -ENOTUNIQ,
                             "several formats fit equally well: %s%s; say which with --format",
                             best->name, rivals);
        ff_format_free(best);
        return r;
    }
    if (best) {
        *ret_format = best;
        return 0;
    }
    const char *other = known_other(&head);
    if (other)
        return ff_error_set(error, -ENOENT, "no known framing; it looks like %s", other);
    return ff_error_set(error, -ENOENT,
                        "no known format fits; say which with --format NAME (framefs formats lists "
                        "them) or describe it with --frame");
}
