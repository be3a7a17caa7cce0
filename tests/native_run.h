/* Decodes a native item through windows that are cut in all manner of ways, each a copy of its own
 * size, so that a sanitizer sees a read outside: what its unit tests, its properties and its fuzzer
 * share. Breaking the contract of native.h aborts. */
#ifndef FF_TESTS_NATIVE_RUN_H
#define FF_TESTS_NATIVE_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/native.h"

#define NATIVE_CHECK(claim)                                                                        \
    do {                                                                                           \
        if (!(claim)) {                                                                            \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #claim);             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

enum native_cut {
    NATIVE_WHOLE,   /* all bytes at once */
    NATIVE_EXACT,   /* what is asked for and no more */
    NATIVE_GROWING, /* one byte more each time */
    NATIVE_RANDOM,  /* more, or less, than what is asked for */
    NATIVE_CUTS
};

/* What is known of the archive's end. */
enum native_end {
    NATIVE_KNOWN,
    NATIVE_UNKNOWN,
    NATIVE_BEFORE_LIMIT, /* the limit is further on, and unseen */
    NATIVE_ENDS
};

struct native_archive {
    enum ff_native_kind kind;
    const uint8_t *bytes;
    size_t len;
    size_t behind; /* bytes that follow, but are none of the archive's */
    size_t start;  /* of the item */
    uint64_t size; /* ARROW_META, ARROW_SCHEMA: n */
};

struct native_result {
    int r;
    uint64_t pos, value, count;
    const char *fault;
};

static inline uint64_t native_random(uint64_t *state, uint64_t bound)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*state >> 33) % bound;
}

static inline uint64_t native_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline void native_move(struct ff_window *window, uint8_t **copy,
                               const struct native_archive *archive, uint64_t from, uint64_t to)
{
    free(*copy);
    *copy = malloc(to > from ? (size_t)(to - from) : 1);
    NATIVE_CHECK(*copy);
    if (to > from)
        memcpy(*copy, archive->bytes + from, (size_t)(to - from));
    *window = (struct ff_window){.bytes = *copy, .offset = from, .len = (size_t)(to - from)};
}

static inline struct native_result native_run(const struct native_archive *archive,
                                              enum native_cut cut, enum native_end known,
                                              uint64_t seed)
{
    const uint64_t end = archive->len, start = native_min(archive->start, end);
    /* Behind a limit that is known, a window may have bytes that are not the item's. */
    const uint64_t window_end = known == NATIVE_KNOWN ? end + archive->behind : end;
    struct ff_native_item item = {
        .start = archive->start, .limit = end, .size = archive->size, .pos = archive->start};
    unsigned long calls = 0;
    struct ff_window window;
    uint8_t *copy = NULL;
    int r;

    if (known == NATIVE_UNKNOWN)
        item.limit = UINT64_MAX;
    if (known == NATIVE_BEFORE_LIMIT) {
        item.limit = end + 7;
        item.unseen = true;
    }
    native_move(&window, &copy, archive, cut == NATIVE_WHOLE ? 0 : start,
                cut == NATIVE_WHOLE ? window_end : start);
    while ((r = ff_native_decode(archive->kind, &item, &window)) == FF_DECODE_NEED) {
        NATIVE_CHECK(++calls <= 1000 + 200 * (unsigned long)end);
        NATIVE_CHECK(item.pos >= item.start && item.pos <= end);
        NATIVE_CHECK(item.need_len > 0 && item.need_len <= FF_DECODE_NEED_MAX);
        NATIVE_CHECK(item.need_offset <= FF_OFFSET_MAX);
        uint64_t from = item.need_offset, to = from + item.need_len;
        NATIVE_CHECK(from < window.offset || to > window.offset + window.len);
        NATIVE_CHECK(to <= item.limit);
        to = native_min(to, end);
        if (from >= to || (from >= window.offset && to <= window.offset + window.len)) {
            /* There are no more bytes. */
            NATIVE_CHECK(item.limit != end);
            item.limit = end;
            item.unseen = false;
            continue;
        }
        if (cut == NATIVE_WHOLE) {
            from = 0;
            to = window_end;
        } else if (cut == NATIVE_GROWING) {
            bool goes_on = window.len && window.offset == from;
            to = goes_on ? window.offset + window.len + 1 : from + 1;
        } else if (cut == NATIVE_RANDOM && native_random(&seed, 4) == 0) {
            to = from + 1 + native_random(&seed, to - from);
        } else if (cut == NATIVE_RANDOM) {
            from -= native_random(&seed, native_min(from, 20) + 1);
            to += native_random(&seed, native_min(window_end - to, 20) + 1);
        }
        native_move(&window, &copy, archive, from, to);
    }
    struct native_result result = {
        .r = r, .pos = item.pos, .value = item.value, .count = item.count, .fault = item.fault};
    NATIVE_CHECK(item.pos >= item.start && item.pos <= (end > item.start ? end : item.start));
    NATIVE_CHECK((r == FF_DECODE_DONE) == (item.fault == NULL));
    NATIVE_CHECK(item.value <= FF_OFFSET_MAX || r != FF_DECODE_DONE ||
                 archive->kind == FF_NATIVE_JOURNAL_ENTRY);
    if (r == FF_DECODE_DONE)
        NATIVE_CHECK(ff_native_decode(archive->kind, &item, &window) == r &&
                     item.pos == result.pos);
    free(copy);
    return result;
}

/* The result, which is the same for all cuts. */
static inline struct native_result native_run_all(const struct native_archive *archive,
                                                  uint64_t seed)
{
    struct native_result result = native_run(archive, NATIVE_WHOLE, NATIVE_KNOWN, seed);

    for (int cut = NATIVE_WHOLE; cut < NATIVE_CUTS; cut++) {
        for (int known = NATIVE_KNOWN; known < NATIVE_ENDS; known++) {
            struct native_result other =
                native_run(archive, (enum native_cut)cut, (enum native_end)known, seed);
            NATIVE_CHECK(other.r == result.r && other.pos == result.pos);
            NATIVE_CHECK(other.value == result.value && other.count == result.count);
            NATIVE_CHECK(other.fault == result.fault || strcmp(other.fault, result.fault) == 0);
        }
    }
    return result;
}

#endif
