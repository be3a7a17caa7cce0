/*
 * Reads files by many readers at once, as tests/bench/readers asks for. The files are of one size
 * and count as one stretch of bytes. random: all readers together take its blocks in an order that
 * follows from a seed, each block once. sequential: each reader goes through a part of its own.
 * Ends after SECONDS, or when all has been read; -l: goes on from the beginning then, past what the
 * kernel has kept. -d: past the kernel's cache altogether. Prints a line of bytes and seconds, and
 * one for each reader: its reads, and the median, the 99th percentile and the longest of their
 * times in nanoseconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FILES_MAX      1024
#define TIMES_MAX      (UINT32_C(1) << 18) /* a reader; later reads are not timed */
#define NANOSECONDS    UINT64_C(1000000000)
#define MEMORY_ALIGNED 4096

struct options {
    bool is_random, loops, is_direct;
    size_t block;
    uint64_t duration_ns;
    unsigned int readers;
    char **paths;
    unsigned int files;
    uint64_t file_bytes;
};

struct reader {
    const struct options *options;
    unsigned int number;
    pthread_t thread;
    int fds[FILES_MAX];
    void *buf;
    uint64_t reads, bytes, ended_ns;
    uint32_t *times_ns;
    int error;
};

static uint64_t *shuffled; /* blocks, of random */
static atomic_bool begun;
static uint64_t begin_ns;

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NANOSECONDS + (uint64_t)now.tv_nsec;
}

static uint64_t blocks_of(const struct options *options)
{
    return options->file_bytes / options->block * options->files;
}

static int shuffle(const struct options *options)
{
    uint64_t count = blocks_of(options), seed = 1;

    shuffled = malloc(count * sizeof(*shuffled));
    if (!shuffled)
        return -ENOMEM;
    for (uint64_t i = 0; i < count; i++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        uint64_t place = (seed >> 33) % (i + 1);
        shuffled[i] = shuffled[place];
        shuffled[place] = i;
    }
    return 0;
}

static bool read_block(struct reader *reader, uint64_t block)
{
    const struct options *options = reader->options;
    uint64_t of_file = options->file_bytes / options->block;
    int fd = reader->fds[block / of_file];
    off_t offset = (off_t)(block % of_file * options->block);
    uint64_t begin = now_ns();
    ssize_t count = pread(fd, reader->buf, options->block, offset);
    uint64_t end = now_ns(), took = end - begin;

    if (count != (ssize_t)options->block) {
        reader->error = count < 0 ? errno : EIO;
        return false;
    }
    if (reader->reads < TIMES_MAX)
        reader->times_ns[reader->reads] = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
    reader->reads++;
    reader->bytes += (uint64_t)count;
    return end - begin_ns < options->duration_ns;
}

static void drop(const struct reader *reader)
{
    for (unsigned int i = 0; i < reader->options->files; i++)
        posix_fadvise(reader->fds[i], 0, 0, POSIX_FADV_DONTNEED);
}

static void read_on(struct reader *reader)
{
    const struct options *options = reader->options;
    uint64_t blocks = blocks_of(options), part = blocks / options->readers;

    do {
        if (options->is_random) {
            for (uint64_t i = reader->number; i < blocks; i += options->readers)
                if (!read_block(reader, shuffled[i]))
                    return;
        } else {
            for (uint64_t i = 0; i < part; i++)
                if (!read_block(reader, reader->number * part + i))
                    return;
        }
        if (options->loops)
            drop(reader);
    } while (options->loops);
}

static void *reader_main(void *argument)
{
    struct reader *reader = argument;

    while (!atomic_load(&begun))
        sched_yield();
    read_on(reader);
    reader->ended_ns = now_ns();
    return NULL;
}

static int open_files(struct reader *reader)
{
    const struct options *options = reader->options;

    for (unsigned int i = 0; i < options->files; i++) {
        reader->fds[i] =
            open(options->paths[i], O_RDONLY | O_CLOEXEC | (options->is_direct ? O_DIRECT : 0));
        if (reader->fds[i] < 0) {
            perror(options->paths[i]);
            return -errno;
        }
        if (options->is_random)
            posix_fadvise(reader->fds[i], 0, 0, POSIX_FADV_RANDOM);
    }
    reader->buf = aligned_alloc(MEMORY_ALIGNED, options->block);
    reader->times_ns = malloc(TIMES_MAX * sizeof(*reader->times_ns));
    if (!reader->buf || !reader->times_ns)
        return -ENOMEM;
    memset(reader->buf, 1, options->block);
    return 0;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void report(struct reader *reader)
{
    uint64_t count = reader->reads < TIMES_MAX ? reader->reads : TIMES_MAX;
    uint32_t *times = reader->times_ns;

    qsort(times, count, sizeof(*times), compare);
    if (count == 0)
        printf("0 0 0 0\n");
    else
        printf("%llu %u %u %u\n", (unsigned long long)reader->reads, times[count / 2],
               times[count * 99 / 100], times[count - 1]);
}

static int run(const struct options *options)
{
    struct reader *readers = calloc(options->readers, sizeof(*readers));
    uint64_t bytes = 0, end_ns = 0;

    if (!readers || (options->is_random && shuffle(options) < 0))
        return 1;
    for (unsigned int i = 0; i < options->readers; i++) {
        readers[i].options = options;
        readers[i].number = i;
        if (open_files(&readers[i]) < 0 ||
            pthread_create(&readers[i].thread, NULL, reader_main, &readers[i]) != 0)
            return 1;
    }
    begin_ns = now_ns();
    atomic_store(&begun, true);
    for (unsigned int i = 0; i < options->readers; i++) {
        pthread_join(readers[i].thread, NULL);
        if (readers[i].error) {
            fprintf(stderr, "read_many: %s\n", strerror(readers[i].error));
            return 1;
        }
        bytes += readers[i].bytes;
        if (end_ns < readers[i].ended_ns)
            end_ns = readers[i].ended_ns;
    }
    printf("%llu %.6f\n", (unsigned long long)bytes, (double)(end_ns - begin_ns) / NANOSECONDS);
    for (unsigned int i = 0; i < options->readers; i++)
        report(&readers[i]);
    return 0;
}

int main(int argc, char **argv)
{
    struct options options = {.block = 4096, .duration_ns = NANOSECONDS, .readers = 1};
    struct stat st;
    int option;

    while ((option = getopt(argc, argv, "rldb:t:n:")) != -1) {
        if (option == 'r')
            options.is_random = true;
        else if (option == 'l')
            options.loops = true;
        else if (option == 'd')
            options.is_direct = true;
        else if (option == 'b')
            options.block = strtoull(optarg, NULL, 10);
        else if (option == 't')
            options.duration_ns = (uint64_t)(strtod(optarg, NULL) * (double)NANOSECONDS);
        else if (option == 'n')
            options.readers = (unsigned int)strtoul(optarg, NULL, 10);
        else
            return 2;
    }
    options.paths = argv + optind;
    options.files = (unsigned int)(argc - optind);
    if (options.files == 0 || options.files > FILES_MAX || options.block == 0 ||
        options.readers == 0) {
        fprintf(stderr, "usage: read_many [-r] [-l] [-d] [-b BLOCK] [-t SECONDS] [-n READERS] "
                        "FILE...\n");
        return 2;
    }
    if (stat(options.paths[0], &st) < 0) {
        perror(options.paths[0]);
        return 1;
    }
    options.file_bytes = (uint64_t)st.st_size;
    return run(&options);
}
