#include "format/trial.h"

#include <errno.h>
#include <string.h>

/* Their eighth power has to fit into 64 bits. */
#define WRONG_PLACES_MAX 255
/* Of the bytes behind a wrong place; checksums are computed over no more. */
#define WRONG_FRAMES_MAX   32 /* decoded there */
#define WRONG_WINDOW_BYTES ((size_t)64 << 10)

/* A power of two above FF_TRIAL_FRAMES_MAX. */
#define SEEN_MAX 2048

#define LENGTH_DIVISOR 4 /* see weigh() */
/* The largest unit that other data is commonly aligned to. */
#define ALIGN_MAX_BYTES 8

/* What is noted of the frames. Most formats fall before the first one, and it is large: nothing of
 * it means anything before it is written. */
struct notes {
    uint16_t fixed[FF_TRIAL_FRAMES_MAX], chain[FF_TRIAL_FRAMES_MAX]; /* bits of each frame */
    uint64_t starts[FF_TRIAL_FRAMES_MAX + 1]; /* of the frames; then where the last one ends */
    uint64_t seen[SEEN_MAX]; /* lengths of frames, by hash; 0: none; from the first frame on */
    uint32_t wrong[WRONG_PLACES_MAX]; /* bits of each frame that fits at a wrong place */
};

struct walk {
    struct notes *notes;
    const struct ff_layout *layout;
    const struct ff_head *head;
    struct ff_window window;
    struct ff_decoder decoder;
    struct ff_trial *trial;
    struct ff_evidence part; /* of a last frame that is not all there */
    uint32_t wrong_fit;      /* how many frames at wrong places */
    bool has_order;
    uint64_t aligned; /* to the lowest bit of it: all frames */
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

/* A length could have led anywhere past the head, or past the archive's end. Zeros are everywhere,
 * so its leading zeros say less than they would among random bytes. */
static void weigh(const struct walk *walk, const struct ff_decoder *d,
                  const struct ff_window *window, struct ff_evidence *evidence)
{
    const struct ff_head *head = walk->head;
    bool within = d->end <= head->len && head->len < head->size;
    struct ff_evidence all = {0};

    ff_evidence_weigh(d, window, within ? head->len : head->size, &all);
    evidence->fixed += all.fixed;
    evidence->repeated += all.repeated;
    evidence->chain += (all.chain + LENGTH_DIVISOR / 2) / LENGTH_DIVISOR;
    evidence->right += all.right;
    evidence->wrong += all.wrong;
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

/* Whether the frame was read in a byte order that nothing has told. */
static bool is_order_unknown(struct walk *walk)
{
    const struct ff_layout *layout = walk->layout;
    const struct ff_alt *alt = &layout->alts[walk->decoder.alt];

    for (unsigned int i = 0; i < alt->count; i++)
        walk->has_order |= layout->items[alt->first + i].kind == FF_ITEM_B32;
    for (unsigned int i = 0; i < alt->count && !walk->has_order; i++)
        if (layout->items[alt->first + i].order == FF_ORDER_MARK)
            return true;
    return false;
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
        is_order_unknown(walk);
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

/* Any number, the same for the same one. */
static uint64_t mix(uint64_t number)
{
    uint64_t z = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Whether a frame of that length was there before. */
static bool is_seen(struct walk *walk, uint64_t len)
{
    for (uint64_t i = mix(len);; i++) {
        uint64_t *seen = &walk->notes->seen[i % SEEN_MAX];
        if (*seen == len)
            return true;
        if (*seen == 0) {
            *seen = len;
            return false;
        }
    }
}

/* What the frame just decoded says. Its length says something the first time: in an array of
 * structures, and in whatever repeats itself, the same ones come again and again. */
static void add_frame(struct walk *walk)
{
    struct ff_evidence *sum = &walk->trial->evidence;
    struct ff_evidence evidence = {0};
    uint32_t frame = sum->frames++;
    uint64_t len = walk->decoder.end - walk->decoder.offset;

    if (frame == 0)
        memset(walk->notes->seen, 0, sizeof(walk->notes->seen));
    weigh(walk, &walk->decoder, &walk->window, &evidence);
    walk->aligned |= len;
    if (is_seen(walk, len)) {
        evidence.chain = 0;
        evidence.fixed -= evidence.repeated;
        evidence.repeated = 0;
    }
    walk->notes->fixed[frame] =
        (uint16_t)(evidence.fixed < UINT16_MAX ? evidence.fixed : UINT16_MAX);
    walk->notes->chain[frame] =
        (uint16_t)(evidence.chain < UINT16_MAX ? evidence.chain : UINT16_MAX);
    walk->trial->telling += evidence.fixed + evidence.chain > 0;
    sum->fixed += walk->notes->fixed[frame];
    sum->repeated += evidence.repeated;
    sum->chain += walk->notes->chain[frame];
    sum->right += evidence.right;
    sum->wrong += evidence.wrong;
}

/* Where frames go on behind a place where none fits: at what every frame begins with, if the
 * description tells that, or with the next block. UINT64_MAX: not within the head. */
static uint64_t next_frame(const struct walk *walk, uint64_t offset)
{
    const struct ff_directives *directives = &walk->layout->directives;
    const struct ff_directive_bytes *magic = &directives->resync;

    if (directives->block) {
        offset += directives->block - offset % directives->block;
        return offset < walk->window.len ? offset : UINT64_MAX;
    }
    if (!magic->len)
        return UINT64_MAX;
    struct ff_decoder d = walk->decoder;
    while (++offset < walk->window.len) {
        const uint8_t *found = memmem(walk->window.bytes + offset, walk->window.len - offset,
                                      magic->bytes, magic->len);
        if (!found)
            break;
        offset = (uint64_t)(found - walk->window.bytes);
        ff_decode_begin(&d, FF_FRAME, offset);
        if (ff_decode(&d, &walk->window) == FF_DECODE_DONE)
            return offset;
    }
    return UINT64_MAX;
}

/* The frames from offset on. */
static void walk_frames(struct walk *walk, uint64_t offset)
{
    struct ff_trial *trial = walk->trial;
    struct ff_evidence *evidence = &trial->evidence;
    struct ff_decoder *d = &walk->decoder;

    for (;; offset = d->end + ff_decode_padding(walk->layout, d->end)) {
        trial->offset = offset;
        walk->notes->starts[evidence->frames] = offset;
        if (walk_end(walk, offset))
            return;
        trial->end = FF_TRIAL_GOES_ON;
        if (evidence->frames == FF_TRIAL_FRAMES_MAX)
            return;
        ff_decode_begin(d, FF_FRAME, offset);
        int r = ff_decode(d, &walk->window);
        if (r == -EUCLEAN) {
            uint64_t next = next_frame(walk, offset);
            if (next != UINT64_MAX) {
                ff_decode_begin(d, FF_FRAME, next);
                r = ff_decode(d, &walk->window);
                walk->notes->starts[evidence->frames] = next;
            } else if (evidence->frames && walk->layout->directives.tail == FF_TAIL_ZEROS &&
                       is_zero_from(walk, offset)) {
                trial->end = FF_TRIAL_LANDS;
                return;
            }
        }
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
        if (is_order_unknown(walk)) {
            break_with(walk, -EUCLEAN, "nothing before this told its byte order");
            return;
        }
        add_frame(walk);
        if (walk->layout->alts[d->alt].end) {
            trial->offset = walk->notes->starts[evidence->frames] = d->end;
            if (is_zero_from(walk, d->end))
                trial->end = FF_TRIAL_LANDS;
            else
                break_with(walk, -EUCLEAN, "more follows the frame that ends the archive");
            return;
        }
    }
}

static bool is_start(const struct walk *walk, uint64_t offset)
{
    size_t low = 0, high = walk->trial->evidence.frames + 1U;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (walk->notes->starts[middle] == offset)
            return true;
        if (walk->notes->starts[middle] < offset)
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

/* What the frames at a place inside a frame say: the first two that say anything, unless there is a
 * contradiction before. A way back to the right ones ends them. */
static void try_wrong(struct walk *walk, uint64_t offset)
{
    struct ff_evidence evidence = {0};
    struct ff_decoder d = walk->decoder;
    uint32_t telling = 0, bits = 0;
    bool fits = true, back = false;

    for (int i = 0; i < WRONG_FRAMES_MAX && telling < 2 && offset < walk->head->len; i++) {
        fits = fits_wrong(walk, &d, offset, &evidence);
        if (!fits)
            break;
        telling += evidence.fixed + evidence.chain > bits;
        bits = evidence.fixed + evidence.chain;
        offset = d.end;
        if ((back = is_start(walk, offset)))
            break;
    }
    if (back && telling == 0)
        return;
    walk->trial->wrong_tried++;
    if (fits && telling)
        walk->notes->wrong[walk->wrong_fit++] = bits / telling;
}

/* The unit that all frames are aligned to. */
static uint64_t unit_of(const struct walk *walk)
{
    uint64_t bits = walk->aligned | ALIGN_MAX_BYTES;
    return bits & -bits;
}

/* Other data is aligned, too: where all frames are, it is at aligned places that it may fit. */
static void try_wrong_places(struct walk *walk)
{
    uint64_t frames = walk->trial->evidence.frames, unit = unit_of(walk);

    for (uint64_t i = 0; walk->trial->telling && i < WRONG_PLACES_MAX; i++) {
        uint64_t frame = frames > WRONG_PLACES_MAX ? i * frames / WRONG_PLACES_MAX : i % frames;
        uint64_t start = walk->notes->starts[frame], end = walk->notes->starts[frame + 1];
        if (end > walk->head->len)
            end = walk->head->len;
        uint64_t step = end - start > unit ? unit : 1;
        uint64_t places = (end - start - 1) / step;
        if (places)
            try_wrong(walk, start + step * (1 + mix(i) % places));
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
        count += walk->notes->wrong[i] >= (bits + 1) / 2;
    return count;
}

/* No frame says more than how rare it is that two like it fit at a wrong place. */
static void bound_by_wrong_places(struct walk *walk)
{
    struct ff_trial *trial = walk->trial;
    uint64_t fixed = 0, chain = 0; /* in sixteenths of a bit */

    for (uint32_t i = 0; i < trial->evidence.frames; i++) {
        uint64_t frame_fixed = walk->notes->fixed[i] * UINT64_C(16);
        uint64_t frame_chain = walk->notes->chain[i] * UINT64_C(16);
        uint32_t wrong = count_wrong(walk, (uint32_t)walk->notes->fixed[i] + walk->notes->chain[i]);
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

/* The end was met exactly. It would be by every so many wrong lengths, fewer where all are
 * multiples of a word. */
static unsigned int landing_bits(const struct walk *walk)
{
    uint64_t frames = walk->trial->evidence.frames;
    return frames ? ff_evidence_bits(walk->head->size / frames / unit_of(walk)) : 0;
}

void ff_trial_run(const struct ff_format *format, const struct ff_head *head,
                  struct ff_trial *ret_trial)
{
    struct notes notes;
    struct walk walk = {
        .notes = &notes,
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
    struct ff_evidence *evidence = &ret_trial->evidence;
    if (evidence->wrong > evidence->right) {
        *evidence = (struct ff_evidence){.frames = evidence->frames};
        break_with(&walk, -EUCLEAN, "its checksums do not match");
        return;
    }
    try_wrong_places(&walk);
    bound_by_wrong_places(&walk);
    evidence->fixed += walk.part.fixed;
    if (ret_trial->end == FF_TRIAL_LANDS && ret_trial->offset == head->size)
        evidence->chain += landing_bits(&walk);
}
