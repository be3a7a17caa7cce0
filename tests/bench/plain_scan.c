/*
 * What framefs info is compared with: the least that a program of one's own would do with an
 * archive of this one format. Hops from header to header, prints records and payload bytes.
 *
 *   plain_scan tag4-i64le|tfrecord ARCHIVE [KIB]    reads of 1024 KiB, if no other number is given
 *
 * Reads go to where a page begins: elsewhere the kernel's copy can take three times as long.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE_BYTES   UINT64_C(4096)
#define HEADER_BYTES UINT64_C(12) /* of both formats */

struct format {
    const char *name;
    unsigned int length_at;
    unsigned int trailer;
};

static const struct format formats[] = {{"tag4-i64le", 4, 0}, {"tfrecord", 0, 4}};

struct sums {
    uint64_t records, payloads;
};

/* Inlined for each format, as a program for this one would have it. 0; -1 when the archive is cut
 * or cannot be read. */
static inline __attribute__((always_inline)) int
scan(int fd, unsigned char *page, uint64_t len, const struct format *format, struct sums *sums)
{
    uint64_t skip = 0, have = 0;
    ssize_t got;

    /* have: bytes of a header that the last window cut; skip: bytes that are yet to be passed */
    while ((got = read(fd, page, len)) > 0) {
        const unsigned char *window = page - have;
        uint64_t end = have + (uint64_t)got, at = 0;
        for (;;) {
            if (skip >= end - at) {
                skip -= end - at;
                at = end;
                break;
            }
            at += skip;
            skip = 0;
            if (end - at < HEADER_BYTES)
                break;
            int64_t length;
            memcpy(&length, window + at + format->length_at, sizeof(length));
            if (length < 0)
                return -1;
            sums->records++;
            sums->payloads += (uint64_t)length;
            skip = (uint64_t)length + format->trailer;
            at += HEADER_BYTES;
        }
        have = end - at;
        memmove(page - have, window + at, have);
    }
    return got < 0 || skip || have ? -1 : 0;
}

int main(int argc, char **argv)
{
    uint64_t len = (argc == 4 ? strtoull(argv[3], NULL, 10) : 1024) << 10;
    int fd = argc == 3 || argc == 4 ? open(argv[2], O_RDONLY | O_CLOEXEC) : -1;
    unsigned char *memory = aligned_alloc(PAGE_BYTES, PAGE_BYTES + len);
    struct sums sums = {0};
    int r = -1;

    if (fd < 0 || !memory || len == 0) {
        perror("plain_scan");
        free(memory);
        return 1;
    }
    if (strcmp(argv[1], formats[0].name) == 0)
        r = scan(fd, memory + PAGE_BYTES, len, &formats[0], &sums);
    else if (strcmp(argv[1], formats[1].name) == 0)
        r = scan(fd, memory + PAGE_BYTES, len, &formats[1], &sums);
    printf("%llu records, %llu payload bytes\n", (unsigned long long)sums.records,
           (unsigned long long)sums.payloads);
    free(memory);
    close(fd);
    return r < 0;
}
