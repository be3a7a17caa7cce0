/*
 * Reads 4 KiB of a record's file at places that follow from a seed, past the kernel's cache, again
 * and again until SIGTERM, and compares each with the archive's own bytes. How long each read took
 * goes to a file: pairs of its begin, CLOCK_MONOTONIC, and its duration, nanoseconds, of 8 bytes in
 * the machine's order. Prints the numbers of reads, errors and reads of wrong bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define READ_BYTES 4096

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
    (void)signal;
    stopped = 1;
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

struct counts {
    uint64_t reads, errors, wrong;
};

static void read_on(int record, int archive, off_t record_offset, uint64_t seed, FILE *log,
                    struct counts *counts)
{
    static _Alignas(READ_BYTES) char got[READ_BYTES];
    char want[READ_BYTES];
    struct stat st;

    if (fstat(record, &st) < 0 || st.st_size < READ_BYTES)
        return;
    uint64_t places = (uint64_t)st.st_size / READ_BYTES;
    while (!stopped) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        off_t offset = (off_t)((seed >> 33) % places * READ_BYTES);
        uint64_t begin = now_ns();
        ssize_t count = pread(record, got, sizeof(got), offset);
        uint64_t times[2] = {begin, now_ns() - begin};
        if (count < 0)
            fprintf(stderr, "read_pauses: at %lld: %s\n", (long long)offset, strerror(errno));
        fwrite(times, sizeof(times), 1, log);
        counts->reads++;
        counts->errors += count < 0;
        counts->wrong += count >= 0 && (count != READ_BYTES ||
                                        pread(archive, want, sizeof(want),
                                              record_offset + offset) != sizeof(want) ||
                                        memcmp(got, want, sizeof(want)) != 0);
    }
}

int main(int argc, char **argv)
{
    const struct sigaction action = {.sa_handler = stop, .sa_flags = SA_RESTART};
    struct counts counts = {0};

    if (argc != 6) {
        fprintf(stderr, "usage: read_pauses RECORD ARCHIVE OFFSET-OF-ITS-PAYLOAD SEED TIMES\n");
        return 2;
    }
    sigaction(SIGTERM, &action, NULL);
    int record = open(argv[1], O_RDONLY | O_DIRECT | O_CLOEXEC);
    int archive = open(argv[2], O_RDONLY | O_CLOEXEC);
    FILE *log = fopen(argv[5], "we");
    if (record < 0 || archive < 0 || !log) {
        perror("read_pauses");
        return 1;
    }
    read_on(record, archive, (off_t)strtoll(argv[3], NULL, 10), strtoull(argv[4], NULL, 10), log,
            &counts);
    printf("%llu %llu %llu\n", (unsigned long long)counts.reads, (unsigned long long)counts.errors,
           (unsigned long long)counts.wrong);
    return fclose(log) == 0 ? 0 : 1;
}
