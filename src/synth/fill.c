#include "synth/fill.h"

#include <endian.h>
#include <string.h>

#define BLOCK_WORDS (FF_FILL_BLOCK_BYTES / sizeof(uint64_t))

/* Registers that every 64-bit processor has; without them the operators below are still right. */
typedef uint64_t pair __attribute__((vector_size(16)));

struct block {
    pair parts[4];
};

/* ---- counter ---- */

/* The words of a block differ in their last byte alone, where the offset of the block has zeros. */
void ff_fill_counter(void *buf, size_t blocks, uint64_t offset)
{
    unsigned char *out = buf;
    struct block steps;
    uint64_t words[BLOCK_WORDS];

    for (size_t i = 0; i < BLOCK_WORDS; i++)
        words[i] = htobe64(i * sizeof(uint64_t));
    memcpy(&steps, words, sizeof(steps));
    for (; blocks > 0; blocks--, out += FF_FILL_BLOCK_BYTES, offset += FF_FILL_BLOCK_BYTES) {
        uint64_t first = htobe64(offset);
        struct block block = {{steps.parts[0] | first, steps.parts[1] | first,
                               steps.parts[2] | first, steps.parts[3] | first}};
        memcpy(out, &block, sizeof(block));
    }
}

/* ---- lines ---- */

#define DIGIT_OFFSET 5
#define DIGIT_COUNT  20
#define LAST_DIGIT   (DIGIT_OFFSET + DIGIT_COUNT - 1)

static const char line_text[FF_FILL_BLOCK_BYTES + 1] =
    "line 00000000000000000000 of the stream that framefs generates.\n";

/* The lines of ten are copies of one, each with a last digit of its own: to read a line just after
 * a digit of it was written would take most of the time. */
void ff_fill_lines(void *buf, size_t blocks, uint64_t offset)
{
    unsigned char *out = buf;
    uint64_t number = offset / FF_FILL_BLOCK_BYTES, rest = number / 10;
    unsigned int digit = (unsigned int)(number % 10);
    char line[FF_FILL_BLOCK_BYTES];

    memcpy(line, line_text, sizeof(line));
    for (int i = LAST_DIGIT - 1; rest > 0; i--, rest /= 10)
        line[i] = (char)('0' + rest % 10);
    while (blocks > 0) {
        struct block block;
        memcpy(&block, line, sizeof(block));
        for (; digit < 10 && blocks > 0; digit++, blocks--, out += FF_FILL_BLOCK_BYTES) {
            memcpy(out, &block, sizeof(block));
            out[LAST_DIGIT] = (unsigned char)('0' + digit);
        }
        int i = LAST_DIGIT - 1;
        for (; line[i] == '9'; i--)
            line[i] = '0';
        line[i]++;
        digit = 0;
    }
}

/* ---- random ---- */

#define GAMMA UINT64_C(0x9e3779b97f4a7c15)

/* splitmix64's output for a state, of one number or of several side by side. */
#define MIX(z)                                                                                     \
    (z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9),                                             \
     z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb), z ^= z >> 31)

static void random_64(unsigned char *out, size_t blocks, uint64_t state)
{
    for (size_t i = blocks * BLOCK_WORDS; i > 0; i--, out += sizeof(uint64_t)) {
        uint64_t z = state += GAMMA;
        MIX(z);
        z = htobe64(z);
        memcpy(out, &z, sizeof(z));
    }
}

#ifdef __x86_64__
#define SWAPPED_PAIR(at)                                                                           \
    (at) + 7, (at) + 6, (at) + 5, (at) + 4, (at) + 3, (at) + 2, (at) + 1, (at), (at) + 15,         \
        (at) + 14, (at) + 13, (at) + 12, (at) + 11, (at) + 10, (at) + 9, (at) + 8

typedef uint64_t words_256 __attribute__((vector_size(32)));
typedef uint8_t bytes_256 __attribute__((vector_size(32)));
typedef uint64_t words_512 __attribute__((vector_size(64)));
typedef uint8_t bytes_512 __attribute__((vector_size(64)));

__attribute__((target("avx2"))) static void random_256(unsigned char *out, size_t blocks,
                                                       uint64_t before)
{
    words_256 state = before + GAMMA * (words_256){1, 2, 3, 4};

    for (size_t i = blocks * 2; i > 0; i--, out += sizeof(state), state += GAMMA * 4) {
        words_256 z = state;
        MIX(z);
        bytes_256 bytes = (bytes_256)z;
        bytes = __builtin_shufflevector(bytes, bytes, SWAPPED_PAIR(0), SWAPPED_PAIR(16));
        memcpy(out, &bytes, sizeof(bytes));
    }
}

__attribute__((target("avx512f,avx512dq,avx512bw"))) static void
random_512(unsigned char *out, size_t blocks, uint64_t before)
{
    words_512 state = before + GAMMA * (words_512){1, 2, 3, 4, 5, 6, 7, 8};

    for (; blocks > 0; blocks--, out += sizeof(state), state += GAMMA * BLOCK_WORDS) {
        words_512 z = state;
        MIX(z);
        bytes_512 bytes = (bytes_512)z;
        bytes = __builtin_shufflevector(bytes, bytes, SWAPPED_PAIR(0), SWAPPED_PAIR(16),
                                        SWAPPED_PAIR(32), SWAPPED_PAIR(48));
        memcpy(out, &bytes, sizeof(bytes));
    }
}
#endif

enum ff_fill_width ff_fill_width(void)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw"))
        return FF_FILL_512;
    if (__builtin_cpu_supports("avx2"))
        return FF_FILL_256;
#endif
    return FF_FILL_64;
}

void ff_fill_random_by(enum ff_fill_width width, void *buf, size_t blocks, uint64_t offset,
                       uint64_t seed)
{
    uint64_t before = seed + offset / sizeof(uint64_t) * GAMMA;

    switch (width) {
#ifdef __x86_64__
    case FF_FILL_512:
        random_512(buf, blocks, before);
        break;
    case FF_FILL_256:
        random_256(buf, blocks, before);
        break;
#endif
    default:
        random_64(buf, blocks, before);
        break;
    }
}

void ff_fill_random(void *buf, size_t blocks, uint64_t offset, uint64_t seed)
{
    ff_fill_random_by(ff_fill_width(), buf, blocks, offset, seed);
}
