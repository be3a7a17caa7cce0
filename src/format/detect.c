/*
 * Which format is it? Every format of a set is tried, and those that fit are ranked: the ones that
 * constants speak for, the ones that only lengths speak for, the generic ones; within each by bits.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "format/known.h"
#include "format/trial.h"

/* Bits that are enough to believe a format. */
#define ENOUGH_BITS           24
#define ENOUGH_SINGLE_BITS    40  /* one frame is no chain, unless it has constants */
#define ENOUGH_BROKEN_BITS    64  /* where the archive breaks in the middle */
#define ENOUGH_CUT_BITS       32  /* of constants, where it ends inside a frame */
#define ENOUGH_GENERIC_BITS   64  /* the format fits many files by chance */
#define ENOUGH_FAINT_BITS     256 /* each frame says next to nothing */
#define ENOUGH_EXTENSION_BITS 6   /* the archive's name says the same */

#define SINGLE_BITS  16 /* of constants in one frame */
#define FAINT_BITS   2  /* of a frame, in the mean */
#define CERTAIN_BITS 24 /* of constants: outranks whatever has only lengths */
#define EQUAL_BITS   8  /* a smaller difference decides nothing */
#define MORE_TIMES   2  /* what a generic format must say more than one that it is put before */
#define MENTION_BITS 12 /* a format with less is not worth its name */
#define NAMES_SHOWN  4

/* Better ones later. */
enum class {
    CLASS_FELL,
    CLASS_WEAK,
    CLASS_BEGINS, /* fell, but its preamble is there in part */
    CLASS_GENERIC,
    CLASS_LENGTHS_BROKEN,
    CLASS_LENGTHS,
    CLASS_CERTAIN,
};

struct entry {
    struct ff_candidate candidate;
    enum class class;
    uint64_t bits;
    bool added;      /* to the set; not built in */
    bool lacks_none; /* the archive's name lacks no extension that its files have */
    size_t index;    /* in the set */
};

struct ranking {
    struct entry *entries; /* best first, after rank() */
    size_t count;
    size_t equal; /* of the first ones, how many fit equally well; 0: none fits */
    const struct ff_known *known;
};

static void ranking_free(struct ranking ranking)
{
    free(ranking.entries);
}

FF_CLEANUP_DEFINE(ranking, struct ranking, ranking_free)
FF_CLEANUP_DEFINE(format, struct ff_format *, ff_format_free)
FF_CLEANUP_DEFINE(formats, struct ff_formats *, ff_formats_free)

static void set_reason(struct ff_candidate *candidate, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void set_reason(struct ff_candidate *candidate, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(candidate->reason, sizeof(candidate->reason), format, arguments);
    va_end(arguments);
}

static bool has_extension(const char *name, const char *extension)
{
    size_t len = name ? strlen(name) : 0, n = strlen(extension);
    return n > 0 && len > n && strcasecmp(name + len - n, extension) == 0;
}

/* Whether enough speaks for it, unless the file is known to be another. */
static bool is_enough(const struct ff_format *format, const struct ff_trial *trial, bool extension)
{
    uint64_t fixed = (uint64_t)trial->magic + trial->evidence.fixed;
    uint64_t bits = fixed + trial->evidence.chain;

    if (trial->magic >= CERTAIN_BITS)
        return true;
    bool breaks = trial->end == FF_TRIAL_BREAKS;
    if (extension)
        return bits >= (breaks ? ENOUGH_BITS : ENOUGH_EXTENSION_BITS);
    bool faint = bits < (uint64_t)trial->telling * FAINT_BITS;
    if (breaks) {
        if (format->generic || faint)
            return false;
        return bits >= ENOUGH_BROKEN_BITS || (trial->code == -ENODATA && fixed >= ENOUGH_CUT_BITS);
    }
    bool single = trial->evidence.frames < 2 && fixed < SINGLE_BITS + trial->evidence.repeated;
    return bits >= (faint             ? ENOUGH_FAINT_BITS
                    : format->generic ? ENOUGH_GENERIC_BITS
                    : single          ? ENOUGH_SINGLE_BITS
                                      : ENOUGH_BITS);
}

static void explain_break(const struct ff_format *format, const struct ff_trial *trial,
                          struct ff_candidate *candidate)
{
    char text[FF_CANDIDATE_REASON_BYTES - 64];

    if (trial->text)
        snprintf(text, sizeof(text), "%s", trial->text);
    else
        ff_decode_fault_text(&format->layout, &trial->fault, text, sizeof(text));
    set_reason(candidate, "%s", text);
}

static void explain_weakness(const struct ff_trial *trial, const struct ff_known *known,
                             struct ff_candidate *candidate)
{
    uint64_t bits = (uint64_t)candidate->fixed_bits + candidate->length_bits;

    if (known)
        set_reason(candidate, "fits, but the file begins as one that is %s", known->what);
    else if (trial->wrong_fit * 2 > trial->wrong_tried)
        set_reason(candidate, "fits, but at %" PRIu32 " of %" PRIu32 " wrong places, too",
                   trial->wrong_fit, trial->wrong_tried);
    else
        set_reason(candidate, "fits, but so would chance: only %" PRIu64 " bits speak for it",
                   bits);
}

static void judge(const struct ff_format *format, const struct ff_head *head,
                  const struct ff_known *known, struct entry *entry)
{
    struct ff_candidate *candidate = &entry->candidate;
    struct ff_trial trial;

    ff_trial_run(format, head, &trial);
    uint64_t fixed = (uint64_t)trial.magic + trial.evidence.fixed;
    bool certain = fixed >= CERTAIN_BITS;
    bool breaks = trial.end == FF_TRIAL_BREAKS;
    candidate->magic = trial.magic >= CERTAIN_BITS || trial.begins >= CERTAIN_BITS;
    candidate->extension = has_extension(head->name, format->extension);
    candidate->fixed_bits = (uint32_t)fixed + trial.begins;
    candidate->length_bits = trial.evidence.chain;
    candidate->frames = trial.evidence.frames;
    candidate->offset = breaks && trial.fault.kind ? trial.fault.offset : trial.offset;
    entry->bits = fixed + trial.evidence.chain;
    if (breaks)
        explain_break(format, &trial, candidate);
    /* A word or a number at the beginning of a text is no magic, and few of them are no chain. */
    bool is_other = known && (!certain || (breaks && fixed < ENOUGH_BROKEN_BITS));
    if (!is_enough(format, &trial, candidate->extension) || is_other) {
        entry->class = !breaks ? CLASS_WEAK : candidate->magic ? CLASS_BEGINS : CLASS_FELL;
        if (!breaks)
            explain_weakness(&trial, known, candidate);
        return;
    }
    entry->class = format->generic ? CLASS_GENERIC
                   : certain       ? CLASS_CERTAIN
                   : breaks        ? CLASS_LENGTHS_BROKEN
                                   : CLASS_LENGTHS;
}

/* Best first; of those that fell, the one that came furthest. */
static int compare(const void *a_of, const void *b_of)
{
    const struct entry *a = a_of, *b = b_of;

    if (a->class != b->class)
        return a->class > b->class ? -1 : 1;
    if (a->bits != b->bits)
        return a->bits > b->bits ? -1 : 1;
    if (a->candidate.offset != b->candidate.offset)
        return a->candidate.offset > b->candidate.offset ? -1 : 1;
    return a->index < b->index ? -1 : 1;
}

/* What decides between formats that as much speaks for. An extension that the name lacks speaks
 * against a format: Fortran records of even sizes fit as tape images (.tap), too. */
static unsigned int preference(const struct entry *entry)
{
    return entry->candidate.extension * 4U + entry->added * 2U + entry->lacks_none;
}

static int compare_preference(const void *a_of, const void *b_of)
{
    unsigned int a = preference(a_of), b = preference(b_of);
    return a != b ? (a > b ? -1 : 1) : compare(a_of, b_of);
}

/* Whether two formats give the same frames of any archive. */
static int is_same_framing(const struct ff_formats *formats, const struct entry *a,
                           const struct entry *b, struct ff_error *error)
{
    FF_CLEANUP(format) struct ff_format *x = NULL, *y = NULL;
    int r;

    if ((r = ff_formats_find(formats, a->candidate.name, &x, error)) < 0 ||
        (r = ff_formats_find(formats, b->candidate.name, &y, error)) < 0)
        return r;
    return memcmp(&x->layout, &y->layout, sizeof(x->layout)) == 0;
}

/* Finds those that fit equally well; puts the preferred ones first. */
static int find_equals(const struct ff_formats *formats, struct ranking *ranking,
                       struct ff_error *error)
{
    struct entry *entries = ranking->entries, *best = entries;
    size_t near = 1;

    if (ranking->count == 0 || best->class < CLASS_GENERIC)
        return 0;
    while (near < ranking->count && entries[near].class == best->class &&
           entries[near].bits + EQUAL_BITS >= best->bits)
        near++;
    qsort(entries, near, sizeof(*entries), compare_preference);
    ranking->equal = 1;
    for (size_t i = 1; i < near && preference(&entries[i]) == preference(best); i++) {
        /* A generic format says nothing but the framing: one of the same framing is as good. */
        int same = 0;
        if (best->class == CLASS_GENERIC)
            same = is_same_framing(formats, best, &entries[i], error);
        if (same < 0)
            return same;
        if (same)
            continue;
        struct entry rival = entries[i];
        memmove(&entries[ranking->equal + 1], &entries[ranking->equal],
                (i - ranking->equal) * sizeof(rival));
        entries[ranking->equal++] = rival;
    }
    return 0;
}

static void explain_fit(const struct ranking *ranking, size_t index)
{
    struct ff_candidate *candidate = &ranking->entries[index].candidate;
    const char *other = ranking->entries[index == 0].candidate.name;
    char damage[FF_CANDIDATE_REASON_BYTES - 64] = "";

    if (candidate->reason[0])
        snprintf(damage, sizeof(damage), "; at byte %" PRIu64 " it breaks: %.*s", candidate->offset,
                 (int)sizeof(damage) - 48, candidate->reason);
    if (index >= ranking->equal) {
        candidate->verdict = FF_VERDICT_LESS;
        set_reason(candidate, "fits, but less than %s", ranking->entries[0].candidate.name);
    } else if (ranking->equal > 1) {
        candidate->verdict = FF_VERDICT_EQUAL;
        set_reason(candidate, "fits as well as %s", other);
    } else {
        candidate->verdict = FF_VERDICT_CHOSEN;
        set_reason(candidate, "chosen%s", damage);
    }
}

static void explain(const struct ranking *ranking)
{
    for (size_t i = 0; i < ranking->count; i++) {
        struct entry *entry = &ranking->entries[i];
        entry->candidate.verdict = FF_VERDICT_FELL;
        if (entry->class == CLASS_WEAK)
            entry->candidate.verdict = FF_VERDICT_WEAK;
        else if (entry->class >= CLASS_GENERIC)
            explain_fit(ranking, i);
    }
}

/* Lengths of 8 bytes that are small are also a field of zeros and lengths of 4, which several
 * formats have: where by far more speaks for a generic format, and neither the archive's name nor
 * its owner for another, it is ranked as one that is none. */
static void promote_generic(struct ranking *ranking)
{
    uint64_t most = 0;

    for (size_t i = 0; i < ranking->count; i++) {
        const struct entry *entry = &ranking->entries[i];
        if (entry->class != CLASS_LENGTHS)
            continue;
        if (entry->added || entry->candidate.extension)
            return;
        most = entry->bits > most ? entry->bits : most;
    }
    for (size_t i = 0; most > 0 && i < ranking->count; i++) {
        struct entry *entry = &ranking->entries[i];
        if (entry->class == CLASS_GENERIC && entry->bits / MORE_TIMES > most)
            entry->class = CLASS_LENGTHS;
    }
}

/* Tries all formats of the set. To be released with ranking_free() also on failure. */
static int rank(const struct ff_formats *formats, const struct ff_head *head,
                struct ranking *ret_ranking, struct ff_error *error)
{
    struct ranking *ranking = ret_ranking;
    size_t count = head->len ? ff_formats_count(formats) : 0;
    FF_CLEANUP(formats) struct ff_formats *built_in = NULL;
    int r;

    *ranking = (struct ranking){.entries = calloc(count + 1, sizeof(*ranking->entries)),
                                .known = ff_known_find(head)};
    if (!ranking->entries)
        return ff_error_set(error, -ENOMEM, "out of memory");
    if (!formats && (r = ff_formats_new(&built_in, error)) < 0)
        return r;
    for (size_t i = 0; i < count; i++) {
        const struct ff_format *format;
        struct entry *entry = &ranking->entries[ranking->count];
        if (ff_formats_fault(formats, i))
            continue;
        r = ff_formats_borrow(formats ? formats : built_in, i, &format, error);
        if (r < 0)
            return r;
        snprintf(entry->candidate.name, sizeof(entry->candidate.name), "%s", format->name);
        entry->index = i;
        entry->added = ff_formats_origin(formats, i) != NULL;
        entry->lacks_none = !head->name || format->extension[0] == '\0';
        judge(format, head, ranking->known, entry);
        ranking->count++;
    }
    promote_generic(ranking);
    qsort(ranking->entries, ranking->count, sizeof(*ranking->entries), compare);
    r = find_equals(formats, ranking, error);
    if (r == 0)
        explain(ranking);
    return r;
}

/* "bson, mrt and 2 more": the names of the first count entries. */
static const char *name_list(const struct ranking *ranking, size_t count, char *buf, size_t size)
{
    size_t len = 0;

    buf[0] = '\0';
    for (size_t i = 0; i < count && i < NAMES_SHOWN && len < size; i++)
        len += (size_t)snprintf(buf + len, size - len, "%s%s", i ? ", " : "",
                                ranking->entries[i].candidate.name);
    if (count > NAMES_SHOWN && len < size)
        snprintf(buf + len, size - len, " and %zu more", count - NAMES_SHOWN);
    return buf;
}

/* Why there is none. */
static int refuse(const struct ranking *ranking, struct ff_error *error)
{
    const struct ff_known *known = ranking->known;
    const struct ff_candidate *first = &ranking->entries[0].candidate;
    char names[FF_CANDIDATE_NAME_BYTES * (NAMES_SHOWN + 1)];
    size_t weak = 0;

    if (ranking->count && ranking->entries[0].class == CLASS_BEGINS)
        return ff_error_set(error, -ENOENT,
                            "no known format fits; it begins as %s, but at byte %" PRIu64
                            " %s; --format %s reads what fits all the same",
                            first->name, first->offset, first->reason, first->name);
    if (known)
        return ff_error_set(error, -ENOENT, "no known framing: it is %s%s%s", known->what,
                            known->how ? "; " : "", known->how ? known->how : "");
    while (weak < ranking->count && ranking->entries[weak].class == CLASS_WEAK &&
           ranking->entries[weak].bits >= MENTION_BITS)
        weak++;
    if (weak)
        return ff_error_set(error, -ENOENT,
                            "no known format fits so well that it cannot be chance (%s would); say "
                            "which with --format NAME, or describe it with --frame",
                            name_list(ranking, weak, names, sizeof(names)));
    return ff_error_set(error, -ENOENT,
                        "no known format fits; say which with --format NAME (framefs formats lists "
                        "them) or describe it with --frame");
}

int ff_format_detect(const struct ff_formats *formats, const struct ff_head *head,
                     struct ff_format **ret_format, struct ff_error *error)
{
    char names[FF_CANDIDATE_NAME_BYTES * (NAMES_SHOWN + 1)];
    FF_CLEANUP(ranking) struct ranking ranking;
    int r = rank(formats, head, &ranking, error);

    if (r < 0)
        return r;
    if (ranking.equal == 0)
        return refuse(&ranking, error);
    if (ranking.equal > 1)
        return ff_error_set(error, -ENOTUNIQ,
                            "several formats fit equally well: %s; say which with --format",
                            name_list(&ranking, ranking.equal, names, sizeof(names)));
    return ff_formats_find(formats, ranking.entries[0].candidate.name, ret_format, error);
}

int ff_format_rank(const struct ff_formats *formats, const struct ff_head *head,
                   struct ff_candidate *ret_candidates, size_t max, size_t *ret_count,
                   struct ff_error *error)
{
    FF_CLEANUP(ranking) struct ranking ranking;
    int r = rank(formats, head, &ranking, error);

    if (r < 0)
        return r;
    for (size_t i = 0; i < ranking.count && i < max; i++)
        ret_candidates[i] = ranking.entries[i].candidate;
    *ret_count = ranking.count;
    return 0;
}
