/*
 * Decoding alone, in memory: the frames of a description, as a scan decodes them, in runs and what
 * no run holds one by one, against a loop over the same bytes that somebody wrote for that one
 * format. Both check every length against what is left and sum up where the payloads lie. Prints
 * the medians of alternating pairs and their ratio.
 *
 * decode [FRAMES [PAIRS]]
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format/decode_fast.h"
#include "format/format.h"

#define PAIRS_MAX         101
#define PAYLOAD_MIN_BYTES 100
#define PAYLOAD_MAX_BYTES 500

/* What a reader of payloads needs to know, summed up so that nothing can be left out. */
struct sums {
    uint64_t frames, places, payloads;
};

struct subject {
    const char *name;
    size_t head, length_at, trailer; /* bytes; where the 8 bytes of the length stand */
    /* false: a frame is malformed */
    bool (*by_hand)(const uint8_t *bytes, size_t len, struct sums *ret_sums);
};

static bool tag4_by_hand(const uint8_t *bytes, size_t len, struct sums *ret_sums)
{
    struct sums sums = {0};
    for (size_t at = 0; at < len; sums.frames++) {
        int64_t length;
        if (len - at < 12)
            return false;
        memcpy(&length, bytes + at + 4, sizeof(length));
        if (length < 0 || (uint64_t)length > len - at - 12)
            return false;
        sums.places += at + 12;
        sums.payloads += (uint64_t)length;
        at += 12 + (size_t)length;
    }
    *ret_sums = sums;
    return true;
}

static bool tfrecord_by_hand(const uint8_t *bytes, size_t len, struct sums *ret_sums)
{
    struct sums sums = {0};
    for (size_t at = 0; at < len; sums.frames++) {
        uint64_t length;
        if (len - at < 16)
            return false;
        memcpy(&length, bytes + at, sizeof(length));
        if (length > len - at - 16)
            return false;
        sums.places += at + 12;
        sums.payloads += length;
        at += 16 + (size_t)length;
    }
    *ret_sums = sums;
    return true;
}

static const struct subject subjects[] = {
    {"tag4-i64le", 12, 4, 0, tag4_by_hand},
    {"tfrecord", 12, 0, 4, tfrecord_by_hand},
};

static bool by_description(const struct ff_layout *layout, const uint8_t *bytes, size_t len,
                           struct sums *ret_sums)
{
    const struct ff_window window = {.bytes = bytes, .len = len};
    struct sums sums = {0};
    struct ff_decoder decoder;
    struct ff_run run;

    ff_decoder_init(&decoder, layout, len);
    for (uint64_t at = 0; at < len;) {
        ff_decode_run(&decoder, &window, at, &run);
        for (unsigned int i = 0; i < run.count; i++) {
            sums.places += at + run.head;
            sums.payloads += run.ends[i] - at - run.head - run.tail;
            at = run.ends[i];
        }
        sums.frames += run.count;
        if (run.count)
            continue;
        uint64_t offset, payload;
        ff_decode_begin(&decoder, FF_FRAME, at);
        if (ff_decode(&decoder, &window) != FF_DECODE_DONE)
            return false;
        ff_decoder_payload(&decoder, &offset, &payload);
        sums.frames++;
        sums.places += offset;
        sums.payloads += payload;
        at = decoder.end;
    }
    *ret_sums = sums;
    return true;
}

/* Frames of 100 to 500 payload bytes, from a seed; NULL when memory is short. */
static uint8_t *write_frames(const struct subject *subject, size_t count, size_t *ret_len)
{
    size_t room = count * (subject->head + PAYLOAD_MAX_BYTES + subject->trailer), at = 0;
    uint8_t *bytes = malloc(room);
    uint32_t seed = 1;

    if (!bytes)
        return NULL;
    memset(bytes, 'x', room);
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525 + 1013904223;
        uint64_t payload =
            PAYLOAD_MIN_BYTES + (seed >> 8) % (PAYLOAD_MAX_BYTES - PAYLOAD_MIN_BYTES + 1);
        for (unsigned int b = 0; b < 8; b++)
            bytes[at + subject->length_at + b] = (uint8_t)(payload >> (8 * b));
        at += subject->head + payload + subject->trailer;
    }
    *ret_len = at;
    return bytes;
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int compare_times(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *times, size_t count)
{
    qsort(times, count, sizeof(*times), compare_times);
    return times[count / 2];
}

/* false: the two do not find the same. */
static bool compare(const struct subject *subject, const struct ff_layout *layout,
                    const uint8_t *bytes, size_t len, size_t pairs)
{
    double ours[PAIRS_MAX], plain[PAIRS_MAX];
    struct sums found = {0}, wanted = {0};

    /* The first pair warms up. */
    for (size_t i = 0; i <= pairs; i++) {
        double begin = now_ns();
        bool fits = by_description(layout, bytes, len, &found);
        double middle = now_ns();
        fits &= subject->by_hand(bytes, len, &wanted);
        double end = now_ns();
        if (!fits || memcmp(&found, &wanted, sizeof(found)) != 0)
            return false;
        if (i > 0) {
            ours[i - 1] = middle - begin;
            plain[i - 1] = end - middle;
        }
    }
    double mine = median(ours, pairs) / (double)wanted.frames;
    double other = median(plain, pairs) / (double)wanted.frames;
    printf("decode %-12s %7.1f ns %7.1f ns a frame %8.2f times the time\n", subject->name, mine,
           other, mine / other);
    return true;
}

int main(int argc, char **argv)
{
    size_t frames = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
    size_t pairs = argc > 2 ? strtoul(argv[2], NULL, 10) : 21;
    int status = 0;

    if (frames == 0 || pairs == 0 || pairs > PAIRS_MAX) {
        fprintf(stderr, "usage: decode [FRAMES [PAIRS]], at most %d pairs\n", PAIRS_MAX);
        return 2;
    }
    for (size_t s = 0; s < sizeof(subjects) / sizeof(*subjects); s++) {
        struct ff_error error = {0};
        struct ff_format *format = NULL;
        size_t len = 0;
        uint8_t *bytes = write_frames(&subjects[s], frames, &len);
        if (!bytes || ff_format_find(subjects[s].name, &format, &error) < 0) {
            fprintf(stderr, "decode: %s\n", bytes ? error.text : "out of memory");
            status = 1;
        } else if (!compare(&subjects[s], &format->layout, bytes, len, pairs)) {
            fprintf(stderr, "decode: %s: the two do not find the same frames\n", subjects[s].name);
            status = 1;
        }
        ff_format_free(format);
        free(bytes);
    }
    return status;
}
