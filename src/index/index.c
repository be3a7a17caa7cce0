/*
 * How the threads agree. Two counts only grow: packed, the records in finished blocks, and count.
 * A block, its place in the directory and its bytes are written before packed is published, and
 * never move or change afterwards. A record behind packed lies in the tail, in the slot
 * number % FF_INDEX_BLOCK, written before count is published. The tail's slots are used again only
 * after packed has passed what was in them: a reader that finds packed still not past its record
 * after copying the slot has copied that record; otherwise the record is in a block by now.
 */
#include "index/index.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "index/block.h"
#include "index/chunk.h"

#define OFFSET_MAX ((uint64_t)INT64_MAX)

#define DIRECTORY_FIRST_BITS 8  /* see chunk.h */
#define DIRECTORY_LAST_BITS  32 /* 2^32 blocks at most */
#define DIRECTORY_CHUNKS     FF_CHUNKS(DIRECTORY_FIRST_BITS, DIRECTORY_LAST_BITS)

#define ARENA_FIRST_BYTES (UINT32_C(16) << 10)
#define ARENA_MAX_BYTES   (UINT32_C(1) << 20)

#define LENGTH_BYTES 2 /* in front of each block's bytes: their number */

_Static_assert(FF_BLOCK_BYTES_MAX <= UINT16_MAX, "a block's length fits");
_Static_assert(FF_BLOCK_BYTES_MAX + LENGTH_BYTES <= ARENA_FIRST_BYTES, "a block fits");
_Static_assert(FF_INDEX_RECORDS_MAX / FF_INDEX_BLOCK <= UINT64_C(1) << DIRECTORY_LAST_BITS,
               "the directory reaches to the last block");

struct directory_entry {
    uint64_t offset;  /* where the previous frame ended */
    uint64_t payload; /* bytes of payload before the block */
    const uint8_t *bytes;
};

struct arena {
    struct arena *next;
    uint32_t used;
    uint32_t size;
    uint8_t bytes[];
};

struct slot {
    _Atomic uint64_t offset;
    _Atomic uint64_t head;
    _Atomic uint64_t payload;
    _Atomic uint64_t tail;
    _Atomic uint64_t join;
    _Atomic uint64_t payload_before;
};

struct ff_index {
    _Atomic uint64_t count;
    _Atomic uint64_t packed;
    _Atomic size_t memory;
    struct directory_entry *directory[DIRECTORY_CHUNKS];
    struct slot slots[FF_INDEX_BLOCK];

    /* The appending thread's own. */
    struct arena *arena;
    uint64_t end;        /* of the last frame */
    uint64_t payload;    /* bytes of payload so far */
    uint64_t packed_end; /* where the last frame in a block ends */
    const uint8_t *last; /* block's bytes, length first; NULL before the first one */
    bool sealed;
};

/* What is known of one record. */
struct position {
    struct ff_index_entry entry;
    uint64_t payload_before;
};

static const struct directory_entry *directory_get(const struct ff_index *index, uint64_t block)
{
    unsigned int chunk;
    size_t within;

    ff_chunk_locate(block, DIRECTORY_FIRST_BITS, &chunk, &within);
    return &index->directory[chunk][within];
}

static struct directory_entry *directory_add(struct ff_index *index, uint64_t block)
{
    unsigned int chunk;
    size_t within;

    ff_chunk_locate(block, DIRECTORY_FIRST_BITS, &chunk, &within);
    assert(chunk < DIRECTORY_CHUNKS);
    if (!index->directory[chunk]) {
        size_t bytes =
            ff_chunk_entries(chunk, DIRECTORY_FIRST_BITS) * sizeof(struct directory_entry);
        index->directory[chunk] = malloc(bytes);
        if (!index->directory[chunk])
            return NULL;
        atomic_fetch_add_explicit(&index->memory, bytes, memory_order_relaxed);
    }
    return &index->directory[chunk][within];
}

/* A copy of a block's bytes, at most LENGTH_BYTES + FF_BLOCK_BYTES_MAX; NULL when memory is short.
 */
static const uint8_t *arena_keep(struct ff_index *index, const uint8_t *bytes, size_t len)
{
    struct arena *arena = index->arena;

    /* Records of one size: all blocks are alike. The lengths in front are compared first. */
    if (index->last && memcmp(index->last, bytes, LENGTH_BYTES) == 0 &&
        memcmp(index->last, bytes, len) == 0)
        return index->last;
    if (!arena || arena->size - arena->used < len) {
        /* Chunks are a small part of all, so that little of them is unused. */
        size_t size = atomic_load_explicit(&index->memory, memory_order_relaxed) / 32;
        if (size < ARENA_FIRST_BYTES)
            size = ARENA_FIRST_BYTES;
        if (size > ARENA_MAX_BYTES)
            size = ARENA_MAX_BYTES;
        arena = malloc(sizeof(*arena) + size);
        if (!arena)
            return NULL;
        *arena = (struct arena){.next = index->arena, .size = (uint32_t)size};
        index->arena = arena;
        atomic_fetch_add_explicit(&index->memory, sizeof(*arena) + size, memory_order_relaxed);
    }
    uint8_t *kept = arena->bytes + arena->used;
    memcpy(kept, bytes, len);
    arena->used += (uint32_t)len;
    return kept;
}

int ff_index_new(struct ff_index **ret_index)
{
    struct ff_index *index = calloc(1, sizeof(*index));
    if (!index)
        return -ENOMEM;
    atomic_init(&index->memory, sizeof(*index));
    *ret_index = index;
    return 0;
}

void ff_index_free(struct ff_index *index)
{
    if (!index)
        return;
    for (unsigned int i = 0; i < DIRECTORY_CHUNKS; i++)
        free(index->directory[i]);
    for (struct arena *arena = index->arena, *next; arena; arena = next) {
        next = arena->next;
        free(arena);
    }
    free(index);
}

static uint64_t own(const _Atomic uint64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

/* Moves the tail's records into a block. */
static int pack_tail(struct ff_index *index)
{
    uint64_t columns[FF_BLOCK_COLUMNS][FF_INDEX_BLOCK];
    uint8_t bytes[LENGTH_BYTES + FF_BLOCK_BYTES_MAX];
    uint64_t packed = own(&index->packed);
    size_t count = (size_t)(own(&index->count) - packed);
    uint64_t end = index->packed_end;

    for (size_t i = 0; i < count; i++) {
        const struct slot *slot = &index->slots[i];
        columns[FF_BLOCK_GAP][i] = own(&slot->offset) - end;
        columns[FF_BLOCK_HEAD][i] = own(&slot->head);
        columns[FF_BLOCK_PAYLOAD][i] = own(&slot->payload);
        columns[FF_BLOCK_TAIL][i] = own(&slot->tail);
        columns[FF_BLOCK_JOIN][i] = own(&slot->join);
        end = own(&slot->offset) + own(&slot->head) + own(&slot->payload) + own(&slot->tail);
    }
    size_t len = ff_block_encode(bytes + LENGTH_BYTES, columns, count);
    bytes[0] = (uint8_t)len;
    bytes[1] = (uint8_t)(len >> 8);

    struct directory_entry *entry = directory_add(index, packed / FF_INDEX_BLOCK);
    const uint8_t *kept = entry ? arena_keep(index, bytes, LENGTH_BYTES + len) : NULL;
    if (!kept)
        return -ENOMEM;
    *entry = (struct directory_entry){
        .offset = index->packed_end,
        .payload = own(&index->slots[0].payload_before),
        .bytes = kept,
    };
    index->packed_end = end;
    index->last = kept;
    atomic_store_explicit(&index->packed, packed + count, memory_order_release);
    return 0;
}

int ff_index_append(struct ff_index *index, const struct ff_index_entry *entry)
{
    const uint64_t parts[] = {entry->head, entry->payload, entry->tail,
                              entry->join ? entry->join - 1 : 0};
    uint64_t count = own(&index->count);
    uint64_t end = entry->offset;

    if (index->sealed || entry->offset < index->end)
        return -EINVAL;
    /* Frames do not overlap: as long as their ends stay below the limit, the payloads' sum does. */
    if (entry->offset > OFFSET_MAX || count == FF_INDEX_RECORDS_MAX)
        return -EOVERFLOW;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i] > OFFSET_MAX - end)
            return -EOVERFLOW;
        end += parts[i];
    }
    if (count - own(&index->packed) == FF_INDEX_BLOCK) {
        int r = pack_tail(index);
        if (r < 0)
            return r;
    }

    /* Each store is a release: who sees one of them sees the packed that made the slot free. */
    struct slot *slot = &index->slots[count % FF_INDEX_BLOCK];
    atomic_store_explicit(&slot->offset, entry->offset, memory_order_release);
    atomic_store_explicit(&slot->head, entry->head, memory_order_release);
    atomic_store_explicit(&slot->payload, entry->payload, memory_order_release);
    atomic_store_explicit(&slot->tail, entry->tail, memory_order_release);
    atomic_store_explicit(&slot->join, entry->join, memory_order_release);
    atomic_store_explicit(&slot->payload_before, index->payload, memory_order_release);
    index->end = end;
    index->payload += entry->payload;
    atomic_store_explicit(&index->count, count + 1, memory_order_release);
    return 0;
}

int ff_index_seal(struct ff_index *index)
{
    if (!index->sealed && own(&index->packed) < own(&index->count)) {
        int r = pack_tail(index);
        if (r < 0)
            return r;
    }
    index->sealed = true;
    return 0;
}

uint64_t ff_index_count(const struct ff_index *index)
{
    return atomic_load_explicit(&index->count, memory_order_acquire);
}

static uint64_t packed_count(const struct ff_index *index)
{
    return atomic_load_explicit(&index->packed, memory_order_acquire);
}

/* The block that holds record number < packed, and how many records it has. */
static int block_open(const struct ff_index *index, uint64_t number, uint64_t packed,
                      const struct directory_entry **ret_entry, struct ff_block *ret_block,
                      size_t *ret_count)
{
    uint64_t first = number - number % FF_INDEX_BLOCK;
    uint64_t count = packed - first;
    const struct directory_entry *entry = directory_get(index, number / FF_INDEX_BLOCK);
    size_t len = entry->bytes[0] | (size_t)entry->bytes[1] << 8;

    if (count > FF_INDEX_BLOCK)
        count = FF_INDEX_BLOCK;
    *ret_entry = entry;
    *ret_count = (size_t)count;
    return ff_block_decode(entry->bytes + LENGTH_BYTES, len, (size_t)count, ret_block);
}

static int block_get(const struct ff_index *index, uint64_t number, uint64_t packed,
                     struct position *ret_position)
{
    const struct directory_entry *entry;
    struct ff_block block;
    size_t count, i = number % FF_INDEX_BLOCK;

    int r = block_open(index, number, packed, &entry, &block, &count);
    if (r < 0)
        return r;
    uint64_t payload = ff_block_sum(&block, FF_BLOCK_PAYLOAD, i);
    *ret_position = (struct position){
        .entry = {.offset = entry->offset + ff_block_sum(&block, FF_BLOCK_GAP, i + 1) +
                            ff_block_sum(&block, FF_BLOCK_HEAD, i) + payload +
                            ff_block_sum(&block, FF_BLOCK_TAIL, i),
                  .head = ff_block_value(&block, FF_BLOCK_HEAD, i),
                  .payload = ff_block_value(&block, FF_BLOCK_PAYLOAD, i),
                  .tail = ff_block_value(&block, FF_BLOCK_TAIL, i),
                  .join = ff_block_value(&block, FF_BLOCK_JOIN, i)},
        .payload_before = entry->payload + payload,
    };
    return 0;
}

/* Record number, packed <= number < count when asked. False when it is in a block by now. */
static bool tail_get(const struct ff_index *index, uint64_t number, struct position *ret_position)
{
    const struct slot *slot = &index->slots[number % FF_INDEX_BLOCK];
    struct position position;

    position.entry.offset = atomic_load_explicit(&slot->offset, memory_order_acquire);
    position.entry.head = atomic_load_explicit(&slot->head, memory_order_acquire);
    position.entry.payload = atomic_load_explicit(&slot->payload, memory_order_acquire);
    position.entry.tail = atomic_load_explicit(&slot->tail, memory_order_acquire);
    position.entry.join = atomic_load_explicit(&slot->join, memory_order_acquire);
    position.payload_before = atomic_load_explicit(&slot->payload_before, memory_order_acquire);
    if (number < packed_count(index))
        return false;
    *ret_position = position;
    return true;
}

static int position_get(const struct ff_index *index, uint64_t number,
                        struct position *ret_position)
{
    uint64_t packed = packed_count(index);

    if (number >= packed) {
        if (number >= ff_index_count(index))
            return -ENOENT;
        if (tail_get(index, number, ret_position))
            return 0;
        packed = packed_count(index);
    }
    return block_get(index, number, packed, ret_position);
}

int ff_index_get(const struct ff_index *index, uint64_t number, struct ff_index_entry *ret_entry)
{
    struct position position;
    int r = position_get(index, number, &position);
    if (r < 0)
        return r;
    *ret_entry = position.entry;
    return 0;
}

int ff_index_payload_before(const struct ff_index *index, uint64_t number, uint64_t *ret_bytes)
{
    struct position position;

    if (number == 0) {
        *ret_bytes = 0;
        return 0;
    }
    int r = position_get(index, number - 1, &position);
    if (r < 0)
        return r;
    *ret_bytes = position.payload_before + position.entry.payload;
    return 0;
}

/* Whether record number begins at or before position when all are joined, and where. */
static bool joined_by(uint64_t position, uint64_t number, uint64_t payload_before,
                      uint64_t separator, uint64_t *ret_begin)
{
    uint64_t begin;

    /* What does not fit into 64 bits is past every position. */
    if (__builtin_mul_overflow(number, separator, &begin) ||
        __builtin_add_overflow(begin, payload_before, &begin) || begin > position)
        return false;
    *ret_begin = begin;
    return true;
}

/* The last block that begins at or before position, and where; packed > 0. */
static uint64_t find_block(const struct ff_index *index, uint64_t packed, uint64_t separator,
                           uint64_t position, uint64_t *ret_begin)
{
    uint64_t low = 0, high = (packed - 1) / FF_INDEX_BLOCK;

    *ret_begin = 0;
    while (low < high) {
        uint64_t middle = low + (high - low + 1) / 2;
        if (joined_by(position, middle * FF_INDEX_BLOCK, directory_get(index, middle)->payload,
                      separator, ret_begin))
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* 1 when found among the first packed records, 0 when not. */
static int find_packed(const struct ff_index *index, uint64_t packed, uint64_t separator,
                       uint64_t position, uint64_t *ret_number, uint64_t *ret_within)
{
    const struct directory_entry *entry;
    struct ff_block block;
    size_t count;
    uint64_t begin;

    uint64_t first = find_block(index, packed, separator, position, &begin) * FF_INDEX_BLOCK;
    int r = block_open(index, first, packed, &entry, &block, &count);
    if (r < 0)
        return r;
    for (size_t i = 0; i < count; i++) {
        uint64_t payload = ff_block_value(&block, FF_BLOCK_PAYLOAD, i);
        if (position - begin < payload || position - begin - payload < separator) {
            *ret_number = first + i;
            *ret_within = position - begin;
            return 1;
        }
        begin += payload + separator;
    }
    return 0;
}

int ff_index_find(const struct ff_index *index, uint64_t separator, uint64_t position,
                  uint64_t *ret_number, uint64_t *ret_within)
{
    for (;;) {
        uint64_t packed = packed_count(index);
        uint64_t count = ff_index_count(index);
        uint64_t number = packed;
        if (packed > 0) {
            int r = find_packed(index, packed, separator, position, ret_number, ret_within);
            if (r != 0)
                return r < 0 ? r : 0;
        }
        for (; number < count; number++) {
            struct position record;
            if (!tail_get(index, number, &record))
                break;
            uint64_t begin;
            if (!joined_by(position, number, record.payload_before, separator, &begin))
                return -ENOENT;
            uint64_t within = position - begin;
            if (within < record.entry.payload || within - record.entry.payload < separator) {
                *ret_number = number;
                *ret_within = within;
                return 0;
            }
        }
        if (number >= count)
            return -ENOENT;
        /* The tail was packed meanwhile: at least a block's worth of records more are known. */
    }
}

size_t ff_index_memory(const struct ff_index *index)
{
    return atomic_load_explicit(&index->memory, memory_order_relaxed);
}
