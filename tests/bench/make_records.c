/*
 * make_records FILE FIRST END MIN MAX: writes records FIRST to END - 1 of a generated archive (see
 * generated.h) with payloads of MIN..MAX bytes; FIRST other than 0: behind what the file has. The
 * file is on the disk in the end, so that nobody is disturbed later by its being written there.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "generated.h"

#define BUFFER_BYTES ((size_t)1 << 20)
#define FRAME_BYTES  (GENERATED_HEAD_BYTES + GENERATED_BYTES_MAX + GENERATED_WORD_BYTES)

static unsigned char buffer[BUFFER_BYTES + FRAME_BYTES];

/* Returns the bytes of the frame; up to a word more are written. */
static size_t put_frame(unsigned char *at, uint64_t number, uint64_t size)
{
    memcpy(at, GENERATED_TAG, GENERATED_TAG_BYTES);
    memcpy(at + GENERATED_TAG_BYTES, &size, sizeof(size));
    at += GENERATED_HEAD_BYTES;
    for (uint64_t i = 0; i * GENERATED_WORD_BYTES < size; i++) {
        uint64_t word = generated_word(number, i);
        memcpy(at + i * GENERATED_WORD_BYTES, &word, sizeof(word));
    }
    return GENERATED_HEAD_BYTES + (size_t)size;
}

static bool write_all(int fd, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t put = write(fd, buffer + done, len - done);
        if (put < 0)
            return false;
        done += (size_t)put;
    }
    return true;
}

static bool write_records(int fd, uint64_t first, uint64_t end, uint64_t min, uint64_t max)
{
    size_t len = 0;

    for (uint64_t number = first; number < end; number++) {
        len += put_frame(buffer + len, number, generated_size(number, min, max));
        if (len < BUFFER_BYTES)
            continue;
        if (!write_all(fd, BUFFER_BYTES))
            return false;
        len -= BUFFER_BYTES;
        memmove(buffer, buffer + BUFFER_BYTES, len);
    }
    return write_all(fd, len) && fdatasync(fd) == 0;
}

int main(int argc, char **argv)
{
    uint64_t values[4]; /* first, end, min, max */

    for (int i = 0; i < 4; i++)
        values[i] = argc == 6 ? strtoull(argv[2 + i], NULL, 10) : 0;
    if (values[2] < GENERATED_BYTES_MIN || values[2] > values[3] ||
        values[3] > GENERATED_BYTES_MAX) {
        fprintf(stderr, "usage: make_records FILE FIRST END MIN MAX (payloads of %d..%d bytes)\n",
                GENERATED_BYTES_MIN, GENERATED_BYTES_MAX);
        return 2;
    }
    int fd =
        open(argv[1], O_WRONLY | O_CREAT | O_CLOEXEC | (values[0] > 0 ? O_APPEND : O_TRUNC), 0644);
    bool good = fd >= 0 && write_records(fd, values[0], values[1], values[2], values[3]);
    if (!good)
        perror(argv[1]);
    if (fd >= 0)
        close(fd);
    return !good;
}
