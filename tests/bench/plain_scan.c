/*
 * What framefs info is compared with: the least that a program of one's own would do with a
 * tag4-i64le archive. Reads it by 1 MiB, hops from header to header, prints records and payload
 * bytes.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WINDOW_BYTES (UINT64_C(1) << 20)
#define HEADER_BYTES UINT64_C(12)
#define TAG_BYTES    4

int main(int argc, char **argv)
{
    uint64_t records = 0, payloads = 0, skip = 0, have = 0;
    int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    unsigned char *window = malloc(WINDOW_BYTES + HEADER_BYTES);
    ssize_t got = -1;

    if (fd < 0 || !window) {
        perror("plain_scan");
        free(window);
        return 1;
    }
    /* have: bytes of a header that the last window cut; skip: payload bytes that are yet to come */
    while ((got = read(fd, window + have, WINDOW_BYTES)) > 0) {
        uint64_t end = have + (uint64_t)got, at = 0;
        while (at < end) {
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
            memcpy(&length, window + at + TAG_BYTES, sizeof(length));
            if (length < 0) {
                fprintf(stderr, "plain_scan: negative length\n");
                free(window);
                close(fd);
                return 1;
            }
            records++;
            payloads += (uint64_t)length;
            skip = (uint64_t)length;
            at += HEADER_BYTES;
        }
        have = end - at;
        memmove(window, window + at, have);
    }
    printf("%llu records, %llu payload bytes\n", (unsigned long long)records,
           (unsigned long long)payloads);
    free(window);
    close(fd);
    return got < 0 || skip || have;
}
