/*
 * Ways to know where each record lies, side by side: this project's index (in memory, and on the
 * image of an index file, mapped), sums of packed lengths by 128, a line and packed distances from
 * it by 256, Elias-Fano, and an array of 64-bit offsets. For each: how fast it is built, how many
 * bits a record takes, how long one look-up of a random record takes (offset and length; median and
 * 99th percentile), how long a record takes when all are gone through in order. The look-ups of all
 * alternate, in rounds; ratios are to the array's, the median of the rounds'. All must agree.
 *
 * index [RECORDS [ROUNDS]]     10,000,000 and 15 by default
 */
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "index/cursor.h"
#include "index/image.h"

#define HEAD          12 /* bytes of each frame before its payload */
#define ROUND_LOOKUPS 20000
#define ROUNDS_MAX    101
#define PI            3.14159265358979323846

/* The archive: where each frame ends; the first one begins at 0. */
static uint64_t *ends, count;

static void fail(const char *what)
{
    fprintf(stderr, "index: %s\n", what);
    exit(1);
}

static void *take(size_t bytes)
{
    void *memory = calloc(1, bytes ? bytes : 1);
    if (!memory)
        fail("not enough memory");
    return memory;
}

static double clock_now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double now_ns(void)
{
    return clock_now_ns(CLOCK_MONOTONIC);
}

/* Of this thread alone: for what takes so long that others get their turn in between. */
static double used_ns(void)
{
    return clock_now_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 64-bit offsets. */

static uint64_t *array;

static size_t array_build(void)
{
    array = take((count + 1) * sizeof(*array));
    for (uint64_t i = 0; i < count; i++)
        array[i + 1] = ends[i];
    return (count + 1) * sizeof(*array);
}

static uint64_t array_get(uint64_t i, uint64_t *ret_len)
{
    *ret_len = array[i + 1] - array[i];
    return array[i];
}

static uint64_t array_walk(void)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < count; i++)
        sum += array[i] ^ (array[i + 1] - array[i]);
    return sum;
}

static void array_free(void)
{
    free(array);
}

/* Blocks of packed values, each with the offset it begins at. */
struct packed {
    uint64_t offset;
    uint64_t least;
    uint32_t slope; /* of a line, in 1/256 byte a record */
    uint8_t width;
    uint64_t place;
};

static struct packed *packed_head;
static uint8_t *packed_bytes;
static size_t packed_len;

static uint64_t begin_of(uint64_t i)
{
    return i ? ends[i - 1] : 0;
}

static void packed_put(struct packed *head, const uint64_t *values, size_t n)
{
    uint64_t least = values[0], largest = values[0];
    for (size_t i = 1; i < n; i++) {
        least = values[i] < least ? values[i] : least;
        largest = values[i] > largest ? values[i] : largest;
    }
    head->least = least;
    head->width = (uint8_t)ff_pack_width(largest - least);
    head->place = packed_len;
    ff_pack_write(packed_bytes + packed_len, values, n, head->width, least);
    packed_len += ff_pack_bytes(n, head->width);
}

static void packed_begin(size_t block)
{
    packed_head = take((count / block + 1) * sizeof(*packed_head));
    packed_bytes = take(count * 8 + 64);
    packed_len = 0;
}

static size_t packed_end(size_t block, size_t head_bytes)
{
    packed_bytes = realloc(packed_bytes, packed_len + 8);
    return packed_len + (count + block - 1) / block * head_bytes;
}

static void packed_free(void)
{
    free(packed_head);
    free(packed_bytes);
}

/* Sums of packed lengths. */

#define SUMS_BLOCK 128
#define SUMS_HEAD  (8 + 4 + 5) /* bytes that a tight layout of its head takes */

static size_t sums_build(void)
{
    uint64_t values[SUMS_BLOCK];
    packed_begin(SUMS_BLOCK);
    for (uint64_t at = 0; at < count; at += SUMS_BLOCK) {
        size_t n = count - at < SUMS_BLOCK ? (size_t)(count - at) : SUMS_BLOCK;
        for (size_t i = 0; i < n; i++)
            values[i] = ends[at + i] - begin_of(at + i);
        packed_head[at / SUMS_BLOCK].offset = begin_of(at);
        packed_put(&packed_head[at / SUMS_BLOCK], values, n);
    }
    return packed_end(SUMS_BLOCK, SUMS_HEAD);
}

static uint64_t sums_get(uint64_t number, uint64_t *ret_len)
{
    const struct packed *head = &packed_head[number / SUMS_BLOCK];
    const uint8_t *bytes = packed_bytes + head->place;
    size_t i = number % SUMS_BLOCK, len = packed_len + 8 - head->place;
    *ret_len = head->least + ff_pack_get(bytes, len, i, head->width);
    return head->offset + head->least * i + ff_pack_sum(bytes, len, i, head->width);
}

static uint64_t sums_walk(void)
{
    uint64_t sum = 0, offset = 0;
    for (uint64_t number = 0; number < count; number++) {
        const struct packed *head = &packed_head[number / SUMS_BLOCK];
        uint64_t len =
            head->least + ff_pack_get(packed_bytes + head->place, packed_len + 8 - head->place,
                                      number % SUMS_BLOCK, head->width);
        sum += offset ^ len;
        offset += len;
    }
    return sum;
}

/* A line, and distances from it. */

#define LINE_BLOCK 256
#define LINE_HEAD  (8 + 4 + 4 + 5)

static uint64_t line_at(const struct packed *head, uint64_t i)
{
    return head->offset + (i * head->slope >> 8);
}

static size_t line_build(void)
{
    uint64_t values[LINE_BLOCK];
    packed_begin(LINE_BLOCK);
    for (uint64_t at = 0; at < count; at += LINE_BLOCK) {
        size_t n = count - at < LINE_BLOCK ? (size_t)(count - at) : LINE_BLOCK;
        struct packed *head = &packed_head[at / LINE_BLOCK];
        uint64_t begin = begin_of(at), end = begin_of(at + n);
        uint64_t slope = ((end - begin) << 8) / n;
        head->offset = begin;
        head->slope = slope < UINT32_MAX ? (uint32_t)slope : UINT32_MAX;
        for (size_t i = 0; i < n; i++) /* 2^62 keeps them positive */
            values[i] = (UINT64_C(1) << 62) + begin_of(at + i) - line_at(head, i);
        packed_put(head, values, n);
    }
    return packed_end(LINE_BLOCK, LINE_HEAD);
}

static uint64_t line_offset(uint64_t number)
{
    const struct packed *head = &packed_head[number / LINE_BLOCK];
    uint64_t i = number % LINE_BLOCK;
    return line_at(head, i) + head->least - (UINT64_C(1) << 62) +
           ff_pack_get(packed_bytes + head->place, packed_len + 8 - head->place, i, head->width);
}

static uint64_t line_get(uint64_t number, uint64_t *ret_len)
{
    uint64_t offset = line_offset(number);
    *ret_len = (number + 1 < count ? line_offset(number + 1) : ends[count - 1]) - offset;
    return offset;
}

static uint64_t line_walk(void)
{
    uint64_t sum = 0, offset = 0;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t next = i + 1 < count ? line_offset(i + 1) : ends[count - 1];
        sum += offset ^ (next - offset);
        offset = next;
    }
    return sum;
}

/* Elias-Fano of the count + 1 places where frames begin and end. */

#define FANO_SAMPLE 256

static uint8_t *fano_low;
static uint64_t *fano_high, *fano_sample;
static unsigned int fano_bits;
static size_t fano_low_len, fano_words;

static size_t fano_build(void)
{
    uint64_t last = ends[count - 1], n = count + 1;
    uint64_t *chunk = take(FANO_SAMPLE * sizeof(*chunk));
    for (fano_bits = 0; last / n >> (fano_bits + 1); fano_bits++)
        ;
    fano_low_len = ff_pack_bytes(n, fano_bits);
    fano_low = take(fano_low_len + 8 * FANO_SAMPLE);
    fano_words = ((last >> fano_bits) + n) / 64 + 2;
    fano_high = take(fano_words * sizeof(*fano_high));
    fano_sample = take((n / FANO_SAMPLE + 1) * sizeof(*fano_sample));
    for (uint64_t at = 0; at < n; at += FANO_SAMPLE) {
        size_t some = n - at < FANO_SAMPLE ? (size_t)(n - at) : FANO_SAMPLE;
        for (size_t i = 0; i < some; i++) {
            uint64_t value = begin_of(at + i);
            uint64_t bit = (value >> fano_bits) + at + i;
            if (i == 0)
                fano_sample[at / FANO_SAMPLE] = bit;
            fano_high[bit / 64] |= UINT64_C(1) << bit % 64;
            chunk[i] = value & ff_pack_mask(fano_bits);
        }
        /* 256 values end at a byte. */
        ff_pack_write(fano_low + at * fano_bits / 8, chunk, some, fano_bits, 0);
    }
    free(chunk);
    return fano_low_len + fano_words * 8 + (n / FANO_SAMPLE + 1) * 8;
}

static uint64_t fano_value(uint64_t i, uint64_t bit)
{
    return (bit - i) << fano_bits | ff_pack_get(fano_low, fano_low_len, i, fano_bits);
}

static uint64_t fano_next(uint64_t bit)
{
    uint64_t word = ++bit / 64, bits = fano_high[word] >> bit % 64 << bit % 64;
    while (!bits)
        bits = fano_high[++word];
    return word * 64 + (uint64_t)__builtin_ctzll(bits);
}

static uint64_t fano_get(uint64_t i, uint64_t *ret_len)
{
    uint64_t bit = fano_sample[i / FANO_SAMPLE], left = i % FANO_SAMPLE, ones;
    uint64_t word = bit / 64, bits = fano_high[word] >> bit % 64 << bit % 64;
    for (; (ones = (uint64_t)__builtin_popcountll(bits)) <= left; left -= ones)
        bits = fano_high[++word];
    for (; left > 0; left--)
        bits &= bits - 1;
    bit = word * 64 + (uint64_t)__builtin_ctzll(bits);
    uint64_t offset = fano_value(i, bit);
    *ret_len = fano_value(i + 1, fano_next(bit)) - offset;
    return offset;
}

static uint64_t fano_walk(void)
{
    uint64_t sum = 0, bit = fano_sample[0], offset = fano_value(0, bit);
    for (uint64_t i = 0; i < count; i++) {
        bit = fano_next(bit);
        uint64_t next = fano_value(i + 1, bit);
        sum += offset ^ (next - offset);
        offset = next;
    }
    return sum;
}

static void fano_free(void)
{
    free(fano_low);
    free(fano_high);
    free(fano_sample);
}

/* Ours, in memory. */

static struct ff_index *ours;

static size_t ours_build(void)
{
    if (ff_index_new(&ours) < 0)
        fail("not enough memory");
    for (uint64_t i = 0; i < count; i += FF_INDEX_BLOCK) {
        size_t n = count - i < FF_INDEX_BLOCK ? (size_t)(count - i) : FF_INDEX_BLOCK;
        if (ff_index_append_run(ours, begin_of(i), HEAD, 0, ends + i, n) < 0)
            fail("a run was refused");
    }
    if (ff_index_seal(ours) < 0)
        fail("not enough memory");
    return ff_index_memory(ours);
}

static uint64_t index_get(const struct ff_index *index, uint64_t i, uint64_t *ret_len)
{
    struct ff_index_entry entry;
    if (ff_index_get(index, i, &entry) < 0)
        fail("a record is not there");
    *ret_len = entry.head + entry.payload + entry.tail;
    return entry.offset;
}

static uint64_t index_walk(const struct ff_index *index)
{
    struct ff_index_cursor cursor;
    struct ff_index_entry entry;
    uint64_t sum = 0;
    ff_index_cursor_init(&cursor, index, 0);
    while (ff_index_cursor_next(&cursor, &entry) == 0)
        sum += entry.offset ^ (entry.head + entry.payload + entry.tail);
    return sum;
}

static uint64_t ours_get(uint64_t i, uint64_t *ret_len)
{
    return index_get(ours, i, ret_len);
}

static uint64_t ours_walk(void)
{
    return index_walk(ours);
}

static void ours_free(void)
{
    ff_index_free(ours);
}

/* Ours, on the image of a file. Its segments come out of the one in memory. */

static struct ff_index *mapped;
static struct ff_image mapped_image;
static void *mapping;
static size_t mapping_len;

static void write_at(int fd, const void *buf, size_t len, uint64_t position)
{
    if (pwrite(fd, buf, len, (off_t)position) != (ssize_t)len)
        fail("the image cannot be written");
}

static uint64_t write_chunk(int fd, uint8_t *buf, enum ff_image_kind kind, uint64_t position)
{
    uint64_t len = ff_image_chunk_write(buf, kind, 0, 0, 0, 0);
    write_at(fd, buf, len, position);
    return len;
}

static size_t mapped_build(void)
{
    uint64_t segments = ff_index_segments(ours), at = FF_IMAGE_HEADER_BYTES;
    uint8_t *buf = take(FF_IMAGE_SEGMENT_BYTES_MAX);
    uint8_t *directory = take(segments * FF_IMAGE_ENTRY_BYTES);
    struct ff_image_header header = {
        .records = count, .segments = segments, .archive_bytes = ends[count - 1], .part_count = 4};
    struct ff_image_part *part = header.part;
    FILE *file = tmpfile();
    int fd = file ? fileno(file) : -1;
    size_t len;

    part[0] = (struct ff_image_part){.kind = FF_IMAGE_BINDING, .offset = at};
    at += part[0].len = write_chunk(fd, buf, FF_IMAGE_BINDING, at);
    part[1] = (struct ff_image_part){.kind = FF_IMAGE_STATE, .offset = at};
    at += part[1].len = write_chunk(fd, buf, FF_IMAGE_STATE, at);
    part[2] = (struct ff_image_part){.kind = FF_IMAGE_SEGMENT, .offset = at};
    for (uint64_t k = 0; k < segments; k++, at += len) {
        if (ff_index_segment(ours, k, buf, &len) < 0)
            fail("a segment cannot be written");
        write_at(fd, buf, len, at);
        ff_image_entry_write(directory + k * FF_IMAGE_ENTRY_BYTES, at, buf);
    }
    part[2].len = at - part[2].offset;
    part[3] = (struct ff_image_part){
        .kind = FF_IMAGE_DIRECTORY, .offset = at, .len = segments * FF_IMAGE_ENTRY_BYTES};
    write_at(fd, directory, segments * FF_IMAGE_ENTRY_BYTES, at);
    header.len = at + part[3].len;
    ff_image_header_write(buf, &header);
    write_at(fd, buf, FF_IMAGE_HEADER_BYTES, 0);
    free(buf);
    free(directory);

    mapping_len = header.len;
    mapping = mmap(NULL, mapping_len, PROT_READ, MAP_SHARED, fd, 0);
    if (mapping == MAP_FAILED || ff_image_open(mapping, mapping_len, &mapped_image, NULL) < 0 ||
        ff_index_new_on(&mapped_image, count, &mapped) < 0)
        fail("the image cannot be mapped");
    fclose(file);
    return mapping_len;
}

static uint64_t mapped_get(uint64_t i, uint64_t *ret_len)
{
    return index_get(mapped, i, ret_len);
}

static uint64_t mapped_walk(void)
{
    return index_walk(mapped);
}

static void mapped_free(void)
{
    ff_index_free(mapped);
    munmap(mapping, mapping_len);
}

/* Sums and line share their memory: they are never there at once. */
struct rival {
    const char *name;
    size_t (*build)(void); /* returns bytes */
    uint64_t (*get)(uint64_t i, uint64_t *ret_len);
    uint64_t (*walk)(void);
    void (*release)(void);
};

static const struct rival rivals[] = {
    {"array of 64 bits", array_build, array_get, array_walk, array_free},
    {"ours, in memory", ours_build, ours_get, ours_walk, ours_free},
    {"ours, mapped", mapped_build, mapped_get, mapped_walk, mapped_free},
    {"sums by 128", sums_build, sums_get, sums_walk, packed_free},
    {"line by 256", line_build, line_get, line_walk, packed_free},
    {"Elias-Fano", fano_build, fano_get, fano_walk, fano_free},
};

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double *values, size_t n, double q)
{
    qsort(values, n, sizeof(*values), ascending);
    return values[(size_t)((double)(n - 1) * q)];
}

/* What looking at the clock costs itself. */
static double clock_ns(void)
{
    double values[1001];
    for (size_t i = 0; i < 1001; i++) {
        double begin = now_ns();
        values[i] = now_ns() - begin;
    }
    return quantile(values, 1001, 0.5);
}

struct times {
    double median[ROUNDS_MAX];
    double p99[ROUNDS_MAX];
    double walk[ROUNDS_MAX];
};

static void measure(const struct rival *rival, int round, double overhead, struct times *times,
                    uint64_t *sum)
{
    static double lookups[ROUND_LOOKUPS];
    uint64_t random = (uint64_t)round, len;

    *sum = 0;
    for (size_t i = 0; i < ROUND_LOOKUPS; i++) {
        uint64_t number = next_random(&random) % count;
        double begin = now_ns();
        *sum += rival->get(number, &len);
        lookups[i] = now_ns() - begin - overhead;
        *sum += len;
    }
    times->p99[round] = quantile(lookups, ROUND_LOOKUPS, 0.99);
    times->median[round] = quantile(lookups, ROUND_LOOKUPS, 0.5);
    if (round < 3) {
        double begin = used_ns();
        *sum += rival->walk();
        times->walk[round] = (used_ns() - begin) / (double)count;
    }
}

static double ratio(const struct times *a, const struct times *b, int rounds)
{
    double ratios[ROUNDS_MAX];
    for (int i = 0; i < rounds; i++)
        ratios[i] = a->median[i] / b->median[i];
    return quantile(ratios, (size_t)rounds, 0.5);
}

/* Measures those from..to-1 against the array, which is the first, in alternating rounds. */
static void compare(size_t from, size_t to, int rounds, bool show_array)
{
    static struct times times[sizeof(rivals) / sizeof(rivals[0])];
    double built[sizeof(rivals) / sizeof(rivals[0])], overhead = clock_ns();
    size_t bytes[sizeof(rivals) / sizeof(rivals[0])];

    for (size_t i = from; i < to; i++) {
        double begin = used_ns();
        bytes[i] = rivals[i].build();
        built[i] = (used_ns() - begin) / (double)count;
    }
    for (int round = 0; round < rounds; round++) {
        uint64_t expected, sum;
        measure(&rivals[0], round, overhead, &times[0], &expected);
        for (size_t i = from; i < to; i++) {
            measure(&rivals[i], round, overhead, &times[i], &sum);
            if (sum != expected)
                fail("they do not agree");
        }
    }
    if (show_array)
        from = 0;
    for (size_t i = from; i < to; i++) {
        double share = ratio(&times[i], &times[0], rounds);
        printf("  %-18s", rivals[i].name);
        if (i > 0)
            printf("%8.0f %8.2f", 1e3 / built[i], (double)bytes[i] * 8 / (double)count);
        else
            printf("%8s %8.2f", "", 64.0);
        printf("%10.0f %8.0f %8.2f %10.2f\n", quantile(times[i].median, (size_t)rounds, 0.5),
               quantile(times[i].p99, (size_t)rounds, 0.5), share,
               quantile(times[i].walk, rounds < 3 ? (size_t)rounds : 3, 0.5));
    }
    fflush(stdout);
}

static uint64_t uniform(uint64_t *random)
{
    return 100 + next_random(random) % 401;
}

static uint64_t fixed(uint64_t *random)
{
    (void)random;
    return 300;
}

/* Median 300, sigma 1. */
static uint64_t log_normal(uint64_t *random)
{
    double u = ((double)(next_random(random) >> 11) + 1) / 9007199254740993.0;
    double v = (double)(next_random(random) >> 11) / 9007199254740992.0;
    return (uint64_t)llround(300 * exp(sqrt(-2 * log(u)) * cos(2 * PI * v)));
}

static void bench(const char *name, uint64_t (*size)(uint64_t *random), int rounds)
{
    uint64_t random = 1, at = 0;

    for (uint64_t i = 0; i < count; i++)
        ends[i] = at += HEAD + size(&random);
    printf("%" PRIu64 " records of %s bytes\n", count, name);
    printf("  %-18s%8s %8s%10s %8s %8s %10s\n", "", "built", "bits a", "look-up", "99th", "times",
           "in order");
    printf("  %-18s%8s %8s%10s %8s %8s %10s\n", "", "M/s", "record", "ns", "perc.", "array's",
           "ns");
    array_build();
    compare(1, 3, rounds, true);
    ours_free();
    mapped_free();
    for (size_t i = 3; i < sizeof(rivals) / sizeof(rivals[0]); i++) {
        compare(i, i + 1, rounds, false);
        rivals[i].release();
    }
    array_free();
}

int main(int argc, char **argv)
{
    int rounds = argc > 2 ? atoi(argv[2]) : 15;

    count = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;
    if (count == 0 || rounds < 1 || rounds > ROUNDS_MAX)
        fail("usage: index [RECORDS [ROUNDS]]");
    ends = take(count * sizeof(*ends));
    bench("100 to 500", uniform, rounds);
    bench("300", fixed, rounds);
    bench("median 300, log-normal,", log_normal, rounds);
    free(ends);
    return 0;
}
