#include "format/trial.h"

#include <errno.h>
#include <string.h>

/* Their eighth power has to fit into 64 bits. */
#define WRONG_PLACES_MAX 255
/* Of the bytes behind a wrong place; checksums are computed over no more. */
#define WRONG_WINDOW_BYTES ((size_t)64 << 10)

struct walk {
    const struct ff_layout *layout;
    const struct ff_head *head;
    struct ff_window window;
    struct ff_decoder decoder;
    struct ff_trial *trial;
    struct ff_evidence part;                     /* of a last frame that is not all there */
    uint32_t wrong_fit, wrong[WRONG_PLACES_MAX]; /* bits of each frame that fits at a wrong place */
    uint16_t fixed[FF_TRIAL_FRAMES_MAX], chain[FF_TRIAL_FRAMES_MAX]; /* bits of each frame */
    uint64_t starts[FF_TRIAL_FRAMES_MAX + 1]; /* of the frames; then where the last one ends */
};

static bool has_section(const struct ff_layout *layout, enum ff_section section)
{
    return layout->alt_first[section] != layout->alt_first[section + 1];
}

/* Tags and names are text in every format that has them, with zeros only after it. */
static bool is_text(const struct walk *walk, const struct ff_decoder *d)
{
    const struct ff_alt *alt = &d->layout->alts[d->alt];
    const uint8_t *bytes = walk->window.bytes;

    for (unsigned int i = 0; i < alt->count; i++) {
        if (d->layout->items[alt->first + i].kind != FF_ITEM_STR)
            continue;
        bool ended = false;
        for (uint64_t at = d->starts[i]; at < d->starts[i + 1] && at < walk->window.len; at++) {
            if (bytes[at] ? ended || bytes[at] < 0x20 || bytes[at] == 0x7f : false)
                return false;
            ended |= bytes[at] == 0;
        }
    }
    return true;
}

/* A length could have led anywhere past the head, or past the archive's end. */
static void weigh(const struct walk *walk, const struct ff_decoder *d,
                  const struct ff_window *window, struct ff_evidence *evidence)
{
    bool within = d->end <= walk->head->len && walk->head->len < walk->head->size;
    ff_evidence_weigh(d, window, within ? walk->head->len : walk->head->size, evidence);
}

static void break_with(struct walk *walk, int code, const char *text)
{
    struct ff_trial *trial = walk->trial;
    trial->end = FF_TRIAL_BREAKS;
    trial->code = code;
    trial->text = text;
    trial->fault = (struct ff_decode_fault){0};
    if (!text)
        trial->fault = walk->decoder.fault;
}

/* What stands at offset is not all there: what can be seen of it counts, too. */
static void weigh_part(const struct walk *walk, enum ff_section section, uint64_t offset,
                       struct ff_evidence *evidence)
{
    struct ff_decoder d = walk->decoder;

    d.limit = UINT64_MAX;
    ff_decode_begin(&d, section, offset);
    if (ff_decode(&d, &walk->window) == FF_DECODE_NEED)
        ff_evidence_weigh(&d, &walk->window, UINT64_MAX, evidence);
}

/* What speaks for the part of the section's last alternative that stands at its place, up to the
 * fault; nothing where another alternative came further. */
static uint32_t bits_before_fault(const struct walk *walk, enum ff_section section)
{
    struct ff_decoder d = walk->decoder;
    struct ff_evidence evidence = {0};

    if (d.fault.kind == FF_FAULT_NONE || d.fault.alt + 1 != walk->layout->alt_first[section + 1])
        return 0;
    d.alt = d.fault.alt;
    d.item = d.fault.item;
    ff_evidence_weigh(&d, &walk->window, UINT64_MAX, &evidence);
    return evidence.fixed;
}

/* True when frames follow at *ret_offset. */
static bool walk_preamble(struct walk *walk, uint64_t *ret_offset)
{
    struct ff_evidence evidence = {0};

    *ret_offset = 0;
    if (!has_section(walk->layout, FF_PREAMBLE))
        return true;
    ff_decode_begin(&walk->decoder, FF_PREAMBLE, 0);
    int r = ff_decode(&walk->decoder, &walk->window);
    if (r == FF_DECODE_DONE) {
        weigh(walk, &walk->decoder, &walk->window, &evidence);
        *ret_offset = walk->decoder.end;
    } else if (r == FF_DECODE_NEED || r == -ENODATA) {
        weigh_part(walk, FF_PREAMBLE, 0, &evidence);
    }
    walk->trial->magic = evidence.fixed;
    if (r == -EUCLEAN)
        walk->trial->begins = bits_before_fault(walk, FF_PREAMBLE);
    if (r < 0)
        break_with(walk, r, NULL);
    return r == FF_DECODE_DONE;
}

/* Whether the postamble stands at offset and ends the archive. */
static bool ends_with_postamble(struct walk *walk, uint64_t offset)
{
    struct ff_decoder d = walk->decoder;
    struct ff_evidence evidence = {0};
    uint64_t size = walk->head->size;

    if (!has_section(walk->layout, FF_POSTAMBLE) || size - offset > walk->layout->postamble_max)
        return false;
    ff_decode_begin(&d, FF_POSTAMBLE, offset);
    if (ff_decode(&d, &walk->window) != FF_DECODE_DONE || d.end != size)
        return false;
    weigh(walk, &d, &walk->window, &evidence);
    walk->trial->magic += evidence.fixed;
    return true;
}

/* Whether the archive ends at offset, as it should or not. */
static bool walk_end(struct walk *walk, uint64_t offset)
{
    if (ends_with_postamble(walk, offset)) {
        walk->trial->end = FF_TRIAL_LANDS;
        return true;
    }
    if (offset < walk->head->size)
        return false;
    walk->trial->end = FF_TRIAL_LANDS;
    if (has_section(walk->layout, FF_POSTAMBLE))
        break_with(walk, -ENODATA, "the archive ends without its postamble");
    return true;
}

/* Whether nothing but zeros follows, as far as the head goes. */
static bool is_zero_from(const struct walk *walk, uint64_t offset)
{
    for (; offset < walk->window.len; offset++)
        if (walk->window.bytes[offset])
            return false;
    return true;
}

static void add_frame(struct walk *walk)
{
    struct ff_evidence *sum = &walk->trial->evidence;
    struct ff_evidence evidence = {0};
    uint32_t frame = sum->frames++;

    weigh(walk, &walk->decoder, &walk->window, &evidence);
    walk->fixed[frame] = (uint16_t)(evidence.fixed < UINT16_MAX ? evidence.fixed : UINT16_MAX);
    walk->chain[frame] = (uint16_t)(evidence.chain < UINT16_MAX ? evidence.chain : UINT16_MAX);
    walk->trial->telling += evidence.fixed + evidence.chain > 0;
    sum->fixed += walk->fixed[frame];
    sum->chain += walk->chain[frame];
}

/* The frames from offset on. */
static void walk_frames(struct walk *walk, uint64_t offset)
{
    struct ff_trial *trial = walk->trial;
    struct ff_evidence *evidence = &trial->evidence;
    struct ff_decoder *d = &walk->decoder;

    for (;; offset = d->end) {
        trial->offset = offset;
        walk->starts[evidence->frames] = offset;
        if (walk_end(walk, offset))
            return;
        trial->end = FF_TRIAL_GOES_ON;
        if (evidence->frames == FF_TRIAL_FRAMES_MAX)
            return;
        ff_decode_begin(d, FF_FRAME, offset);
        int r = ff_decode(d, &walk->window);
        if (r == FF_DECODE_NEED || r == -ENODATA)
            weigh_part(walk, FF_FRAME, offset, &walk->part);
        if (r < 0)
            break_with(walk, r, NULL);
        if (r != FF_DECODE_DONE)
            return;
        if (!is_text(walk, d)) {
            break_with(walk, -EUCLEAN, "binary bytes stand where a name or tag should");
            return;
        }
        add_frame(walk);
        if (walk->layout->alts[d->alt].end) {
            trial->offset = walk->starts[evidence->frames] = d->end;
            if (is_zero_from(walk, d->end))
                trial->end = FF_TRIAL_LANDS;
            else
                break_with(walk, -EUCLEAN, "more follows the frame that ends the archive");
            return;
        }
    }
}

/* Any number, the same for the same index. */
static uint64_t mix(uint64_t index)
{
    uint64_t z = (index + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static bool is_start(const struct walk *walk, uint64_t offset)
{
    size_t low = 0, high = walk->trial->evidence.frames + 1U;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (walk->starts[middle] == offset)
            return true;
        if (walk->starts[middle] < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* Decodes a frame at a wrong place: what speaks for it. False when it is contradicted. */
static bool fits_wrong(const struct walk *walk, struct ff_decoder *d, uint64_t offset,
                       struct ff_evidence *evidence)
{
    struct ff_window window = walk->window;
    int r;

    ff_decode_begin(d, FF_FRAME, offset);
    r = ff_decode(d, &window);
    if (r != FF_DECODE_DONE || !is_text(walk, d))
        return false;
    if (offset + WRONG_WINDOW_BYTES < window.len)
        window.len = (size_t)offset + WRONG_WINDOW_BYTES;
    weigh(walk, d, &window, evidence);
    return true;
}

/* Two frames in a row at a place inside a frame; a way back to the right ones tells nothing. What
 * speaks for each of them goes into wrong[], unless they are contradicted. */
static void try_wrong(struct walk *walk, uint64_t offset)
{
    struct ff_evidence evidence = {0};
    struct ff_decoder d = walk->decoder;
    uint32_t frames = 1;

    bool fits = fits_wrong(walk, &d, offset, &evidence);
    if (fits && is_start(walk, d.end))
        return;
    if (fits && d.end < walk->head->len) {
        fits = fits_wrong(walk, &d, d.end, &evidence);
        frames = 2;
    }
    walk->trial->wrong_tried++;
    if (fits)
        walk->wrong[walk->wrong_fit++] = (evidence.fixed + evidence.chain) / frames;
}

static void try_wrong_places(struct walk *walk)
{
    uint64_t frames = walk->trial->evidence.frames;

    for (uint64_t i = 0; walk->trial->telling && i < WRONG_PLACES_MAX; i++) {
        uint64_t frame = frames > WRONG_PLACES_MAX ? i * frames / WRONG_PLACES_MAX : i % frames;
        uint64_t start = walk->starts[frame], end = walk->starts[frame + 1];
        if (end > walk->head->len)
            end = walk->head->len;
        if (end - start > 1)
            try_wrong(walk, start + 1 + mix(i) % (end - start - 1));
    }
}

/* The binary logarithm of n, at most WRONG_PLACES_MAX, in eighths. */
static unsigned int eighths_of_log2(uint64_t n)
{
    uint64_t power = n * n * n * n;
    return ff_evidence_bits(power * power) - 1;
}

/* How many wrong places fit as well, within a factor of two, as a frame that so many bits speak
 * for.
 */
static uint32_t count_wrong(const struct walk *walk, uint32_t bits)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < walk->wrong_fit; i++)
        count += walk->wrong[i] >= (bits + 1) / 2;
    return count;
}

/* No frame says more than how rare it is that two like it fit at a wrong place. */
static void bound_by_wrong_places(struct walk *walk)
{
    struct ff_trial *trial = walk->trial;
    uint64_t fixed = 0, chain = 0; /* in sixteenths of a bit */

    for (uint32_t i = 0; i < trial->evidence.frames; i++) {
        uint64_t frame_fixed = walk->fixed[i] * UINT64_C(16);
        uint64_t frame_chain = walk->chain[i] * UINT64_C(16);
        uint32_t wrong = count_wrong(walk, (uint32_t)walk->fixed[i] + walk->chain[i]);
        if (wrong) {
            uint64_t most = eighths_of_log2(trial->wrong_tried) - eighths_of_log2(wrong);
            frame_fixed = frame_fixed < most ? frame_fixed : most;
            frame_chain = frame_chain < most - frame_fixed ? frame_chain : most - frame_fixed;
        }
        fixed += frame_fixed;
        chain += frame_chain;
    }
    if (trial->telling)
        trial->wrong_fit =
            count_wrong(walk, (trial->evidence.fixed + trial->evidence.chain) / trial->telling);
    trial->evidence.fixed = (uint32_t)(fixed / 16);
    trial->evidence.chain = (uint32_t)(chain / 16);
}

void ff_trial_run(const struct ff_format *format, const struct ff_head *head,
                  struct ff_trial *ret_trial)
{
    struct walk walk = {
        .layout = &format->layout,
        .head = head,
        .window = {.bytes = head->buf, .offset = 0, .len = head->len},
        .trial = ret_trial,
    };
    uint64_t offset;

    *ret_trial = (struct ff_trial){.end = FF_TRIAL_GOES_ON};
    ff_decoder_init(&walk.decoder, &format->layout, head->size);
    if (!walk_preamble(&walk, &offset))
        return;
    walk_frames(&walk, offset);
    try_wrong_places(&walk);
    bound_by_wrong_places(&walk);
    struct ff_evidence *evidence = &ret_trial->evidence;
    evidence->fixed += walk.part.fixed;
    if (ret_trial->end == FF_TRIAL_LANDS && ret_trial->offset == head->size && evidence->frames)
        evidence->chain += ff_evidence_bits(head->size / evidence->frames);
}
