/*
 * How the threads agree. Only count is published: a bit, its block's rank and its chunk's place in
 * the directory are written before it. A reader looks at no bit that count does not reach, so that
 * what the appender writes meanwhile changes no answer.
 */
#include "index/select.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "index/chunk.h"
#include "index/index.h"

#define WORD_BITS   64
#define BLOCK_WORDS 16 /* the rank costs 1/16 of a bit a record */
#define BLOCK_BITS  (BLOCK_WORDS * WORD_BITS)

#define CHUNK_FIRST_BITS 6  /* see chunk.h */
#define CHUNK_LAST_BITS  30 /* 2^30 blocks at most */
#define CHUNKS           FF_CHUNKS(CHUNK_FIRST_BITS, CHUNK_LAST_BITS)

_Static_assert(FF_INDEX_RECORDS_MAX / BLOCK_BITS <= UINT64_C(1) << CHUNK_LAST_BITS,
               "the chunks reach to the last block");

struct block {
    uint64_t before; /* shown records in all blocks before this one */
    _Atomic uint64_t word[BLOCK_WORDS];
};

struct ff_select {
    _Atomic uint64_t count;
    _Atomic size_t memory;
    struct block *chunk[CHUNKS];
    uint64_t shown; /* the appending thread's own */
};

int ff_select_new(struct ff_select **ret_select)
{
    struct ff_select *select = calloc(1, sizeof(*select));
    if (!select)
        return -ENOMEM;
    atomic_init(&select->memory, sizeof(*select));
    *ret_select = select;
    return 0;
}

void ff_select_free(struct ff_select *select)
{
    if (!select)
        return;
    for (unsigned int i = 0; i < CHUNKS; i++)
        free(select->chunk[i]);
    free(select);
}

static struct block *get_block(const struct ff_select *select, uint64_t block)
{
    unsigned int chunk;
    size_t within;

    ff_chunk_locate(block, CHUNK_FIRST_BITS, &chunk, &within);
    return &select->chunk[chunk][within];
}

/* The next block, for the record number that begins it. */
static int add_block(struct ff_select *select, uint64_t number)
{
    unsigned int chunk;
    size_t within;

    ff_chunk_locate(number / BLOCK_BITS, CHUNK_FIRST_BITS, &chunk, &within);
    assert(chunk < CHUNKS);
    if (!select->chunk[chunk]) {
        size_t entries = ff_chunk_entries(chunk, CHUNK_FIRST_BITS);
        select->chunk[chunk] = calloc(entries, sizeof(struct block));
        if (!select->chunk[chunk])
            return -ENOMEM;
        atomic_fetch_add_explicit(&select->memory, entries * sizeof(struct block),
                                  memory_order_relaxed);
    }
    select->chunk[chunk][within].before = select->shown;
    return 0;
}

int ff_select_append(struct ff_select *select, bool shown)
{
    uint64_t number = atomic_load_explicit(&select->count, memory_order_relaxed);

    if (number == FF_INDEX_RECORDS_MAX)
        return -EOVERFLOW;
    if (number % BLOCK_BITS == 0) {
        int r = add_block(select, number);
        if (r < 0)
            return r;
    }
    if (shown) {
        struct block *block = get_block(select, number / BLOCK_BITS);
        _Atomic uint64_t *word = &block->word[number % BLOCK_BITS / WORD_BITS];
        /* One writer: no need for an atomic or. */
        uint64_t bits = atomic_load_explicit(word, memory_order_relaxed);
        atomic_store_explicit(word, bits | UINT64_C(1) << number % WORD_BITS, memory_order_relaxed);
        select->shown++;
    }
    atomic_store_explicit(&select->count, number + 1, memory_order_release);
    return 0;
}

uint64_t ff_select_count(const struct ff_select *select)
{
    return atomic_load_explicit(&select->count, memory_order_acquire);
}

static uint64_t get_word(const struct block *block, unsigned int word)
{
    return atomic_load_explicit(&block->word[word], memory_order_relaxed);
}

/* number <= count; of a block that exists unless number is 0. */
static uint64_t rank(const struct ff_select *select, uint64_t number)
{
    if (number == 0)
        return 0;
    /* The block of the record before: that of `number` may not have begun. */
    const struct block *block = get_block(select, (number - 1) / BLOCK_BITS);
    unsigned int bits = (unsigned int)((number - 1) % BLOCK_BITS) + 1;
    uint64_t sum = block->before;
    unsigned int word = 0;

    for (; bits > WORD_BITS; bits -= WORD_BITS)
        sum += (uint64_t)__builtin_popcountll(get_word(block, word++));
    return sum +
           (uint64_t)__builtin_popcountll(get_word(block, word) & UINT64_MAX >> (WORD_BITS - bits));
}

uint64_t ff_select_shown(const struct ff_select *select)
{
    return rank(select, ff_select_count(select));
}

bool ff_select_test(const struct ff_select *select, uint64_t number)
{
    if (number >= ff_select_count(select))
        return false;
    const struct block *block = get_block(select, number / BLOCK_BITS);
    return get_word(block, (unsigned int)(number % BLOCK_BITS / WORD_BITS)) >> number % WORD_BITS &
           1;
}

uint64_t ff_select_rank(const struct ff_select *select, uint64_t number)
{
    uint64_t count = ff_select_count(select);

    return rank(select, number < count ? number : count);
}

/* The shown record that has `wanted` shown ones before it, of which there is one among the first
 * count. */
static uint64_t find(const struct ff_select *select, uint64_t count, uint64_t wanted)
{
    /* The last block that begins with at most so many shown before it: of several, the others show
     * none. */
    uint64_t low = 0, high = (count - 1) / BLOCK_BITS;
    while (low < high) {
        uint64_t middle = low + (high - low + 1) / 2;
        if (get_block(select, middle)->before <= wanted)
            low = middle;
        else
            high = middle - 1;
    }
    const struct block *block = get_block(select, low);
    uint64_t left = wanted - block->before;
    unsigned int word = 0;
    uint64_t bits = get_word(block, word);
    for (uint64_t ones; (ones = (uint64_t)__builtin_popcountll(bits)) <= left; left -= ones)
        bits = get_word(block, ++word);
    for (; left > 0; left--)
        bits &= bits - 1;
    return low * BLOCK_BITS + word * WORD_BITS + (unsigned int)__builtin_ctzll(bits);
}

uint64_t ff_select_next(const struct ff_select *select, uint64_t number)
{
    uint64_t count = ff_select_count(select);

    if (number >= count)
        return UINT64_MAX;
    if (ff_select_test(select, number))
        return number;
    uint64_t wanted = rank(select, number);
    return wanted < rank(select, count) ? find(select, count, wanted) : UINT64_MAX;
}

uint64_t ff_select_at(const struct ff_select *select, uint64_t wanted)
{
    uint64_t count = ff_select_count(select);

    return wanted < rank(select, count) ? find(select, count, wanted) : UINT64_MAX;
}

size_t ff_select_memory(const struct ff_select *select)
{
    return atomic_load_explicit(&select->memory, memory_order_relaxed);
}
