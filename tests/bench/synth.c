/*
 * The generated stream in memory, each pattern beside memset and memcpy of the same buffer.
 *
 * usage: synth [BUFFER-BYTES [ROUNDS]]
 *
 * Rounds take turns, so that what disturbs the machine disturbs all alike; the thread's own
 * processor time counts, and the median of the rounds is told.
 */
#include <framefs/synth.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUFFER_BYTES ((size_t)1 << 20)
#define ROUNDS       21
#define ROUND_BYTES  ((size_t)1 << 26)

static const char *const names[] = {"memset",  "memcpy",   "counter",     "lines",
                                    "byte:97", "random:7", "check lines", "check random:7"};

#define NAME_COUNT (sizeof(names) / sizeof(names[0]))

struct bench {
    unsigned char *buf, *from;
    size_t len;
};

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The compiler must not know what the buffer is for. */
static void keep(const void *buf)
{
    __asm__ volatile("" : : "r"(buf) : "memory");
}

static void fail(const char *what)
{
    fprintf(stderr, "synth: %s\n", what);
    exit(EXIT_FAILURE);
}

static double seconds(const struct bench *bench, const char *name)
{
    struct ff_synth synth = {0};
    const char *pattern = strrchr(name, ' ');
    size_t times = ROUND_BYTES / bench->len + 1;

    if (strncmp(name, "mem", 3) != 0 &&
        ff_synth_parse_pattern(pattern ? pattern + 1 : name, FF_SYNTH_SIZE_MAX, &synth, NULL) < 0)
        fail("a pattern is unknown");
    if (pattern)
        ff_synth_read(&synth, bench->buf, bench->len, 0);
    double begin = now_s();
    for (size_t i = 0; i < times; i++) {
        if (strcmp(name, "memset") == 0)
            memset(bench->buf, (int)i, bench->len);
        else if (strcmp(name, "memcpy") == 0)
            memcpy(bench->buf, bench->from, bench->len);
        else if (!pattern)
            ff_synth_read(&synth, bench->buf, bench->len, i * bench->len);
        else if (ff_synth_match(&synth, bench->buf, bench->len, 0) != bench->len)
            fail("what was read does not match");
        keep(bench->buf);
        keep(bench->from);
    }
    return (now_s() - begin) / (double)(times * bench->len);
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

int main(int argc, char **argv)
{
    struct bench bench = {.len = argc > 1 ? strtoull(argv[1], NULL, 10) : BUFFER_BYTES};
    size_t rounds = argc > 2 ? strtoull(argv[2], NULL, 10) : ROUNDS;
    double *took = calloc(NAME_COUNT * (rounds + 1), sizeof(*took));

    bench.buf = malloc(bench.len + 1);
    bench.from = malloc(bench.len + 1);
    if (!took || !bench.buf || !bench.from || rounds == 0 || bench.len == 0)
        fail("no memory, or nothing to do");
    memset(bench.from, 1, bench.len);
    for (size_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < NAME_COUNT; i++)
            took[i * rounds + round] = seconds(&bench, names[i]);
    printf("%zu bytes, %zu rounds\n", bench.len, rounds);
    for (size_t i = 0; i < NAME_COUNT; i++)
        qsort(took + i * rounds, rounds, sizeof(*took), compare);
    double plain = took[rounds + rounds / 2];
    for (size_t i = 0; i < NAME_COUNT; i++) {
        double median = took[i * rounds + rounds / 2];
        printf("%-16s %6.1f GB/s   %6.2f times the time of memcpy\n", names[i], 1e-9 / median,
               median / plain);
    }
    free(took);
    free(bench.buf);
    free(bench.from);
    return EXIT_SUCCESS;
}
