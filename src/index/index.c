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
#include <stdlib.h>
#include <string.h>

#include "index/internal.h"

#define ARENA_FIRST_BYTES (UINT32_C(16) << 10)
#define ARENA_MAX_BYTES   (UINT32_C(1) << 20)

/* ff_index.end as long as the base's last record was not looked at. */
#define END_UNKNOWN UINT64_MAX

_Static_assert(FF_BLOCK_BYTES_MAX <= UINT16_MAX, "a block's length fits");
_Static_assert(FF_BLOCK_BYTES_MAX + FF_INDEX_LENGTH_BYTES <= ARENA_FIRST_BYTES, "a block fits");
_Static_assert(FF_INDEX_RECORDS_MAX / FF_INDEX_BLOCK <= UINT64_C(1) << FF_INDEX_DIRECTORY_LAST_BITS,
               "the directory reaches to the last block");

struct ff_index_arena {
    struct ff_index_arena *next;
    uint32_t used;
    uint32_t size;
    uint8_t bytes[];
};

static void add_memory(struct ff_index *index, size_t bytes)
{
    atomic_fetch_add_explicit(&index->memory, bytes, memory_order_relaxed);
}

static uint64_t own(const _Atomic uint64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
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

int ff_index_new_on(const struct ff_image *image, uint64_t records, struct ff_index **ret_index)
{
    bool whole = records % FF_SEGMENT_RECORDS == 0;
    struct ff_index *index;

    if (records > image->header.records || (records < image->header.records && !whole))
        return -EINVAL;
    int r = ff_index_new(&index);
    if (r < 0)
        return r;
    uint64_t words = records / FF_SEGMENT_RECORDS / 64 + 1;
    index->checked = calloc(words, sizeof(*index->checked));
    if (!index->checked) {
        ff_index_free(index);
        return -ENOMEM;
    }
    add_memory(index, words * sizeof(*index->checked));
    index->image = image;
    index->base = index->first = records;
    index->sealed = !whole;
    if (records > 0)
        index->end = END_UNKNOWN;
    atomic_init(&index->count, records);
    atomic_init(&index->packed, records);
    *ret_index = index;
    return 0;
}

static void free_arenas(struct ff_index_arena *arena)
{
    for (struct ff_index_arena *next; arena; arena = next) {
        next = arena->next;
        free(arena);
    }
}

void ff_index_free(struct ff_index *index)
{
    if (!index)
        return;
    for (unsigned int i = 0; i < FF_INDEX_DIRECTORY_CHUNKS; i++)
        free(index->directory[i]);
    free_arenas(index->arena);
    free(index->checked);
    free(index);
}

static struct ff_index_block *directory_add(struct ff_index *index, uint64_t block)
{
    unsigned int chunk;
    size_t within;

    ff_chunk_locate(block, FF_INDEX_DIRECTORY_FIRST_BITS, &chunk, &within);
    assert(chunk < FF_INDEX_DIRECTORY_CHUNKS);
    if (!index->directory[chunk]) {
        size_t bytes = ff_chunk_entries(chunk, FF_INDEX_DIRECTORY_FIRST_BITS) *
                       sizeof(*index->directory[chunk]);
        index->directory[chunk] = malloc(bytes);
        if (!index->directory[chunk])
            return NULL;
        add_memory(index, bytes);
    }
    return &index->directory[chunk][within];
}

/* A copy of a block's bytes with their length in front; NULL when memory is short. */
static const uint8_t *arena_keep(struct ff_index *index, const uint8_t *bytes, size_t len)
{
    struct ff_index_arena *arena = index->arena;

    /* Records of one size: all blocks are alike. The lengths in front are compared first. */
    if (index->last && memcmp(index->last, bytes, FF_INDEX_LENGTH_BYTES) == 0 &&
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
        *arena = (struct ff_index_arena){.next = index->arena, .size = (uint32_t)size};
        index->arena = arena;
        add_memory(index, sizeof(*arena) + size);
    }
    uint8_t *kept = arena->bytes + arena->used;
    memcpy(kept, bytes, len);
    arena->used += (uint32_t)len;
    return kept;
}

/* Moves the tail's records into a block. */
static int pack_tail(struct ff_index *index)
{
    uint8_t bytes[FF_INDEX_LENGTH_BYTES + FF_BLOCK_BYTES_MAX];
    uint64_t packed = own(&index->packed), count = own(&index->count);
    size_t len =
        ff_block_encode(bytes + FF_INDEX_LENGTH_BYTES, index->columns, (size_t)(count - packed));

    bytes[0] = (uint8_t)len;
    bytes[1] = (uint8_t)(len >> 8);
    struct ff_index_block *block = directory_add(index, (packed - index->first) / FF_INDEX_BLOCK);
    const uint8_t *kept = block ? arena_keep(index, bytes, FF_INDEX_LENGTH_BYTES + len) : NULL;
    if (!kept)
        return -ENOMEM;
    *block = (struct ff_index_block){
        .offset = index->packed_end,
        .payload = index->packed_payload,
        .bytes = kept,
    };
    index->packed_end = index->frame_end;
    index->packed_payload = index->payload;
    index->last = kept;
    atomic_store_explicit(&index->packed, count, memory_order_release);
    return 0;
}

/* What the first record behind the base comes after. */
static int end_of_base(struct ff_index *index)
{
    struct ff_index_position position;
    const struct ff_index_entry *last = &position.entry;

    int r = ff_index_position(index, index->base - 1, &position);
    if (r < 0)
        return r;
    index->payload = position.payload_before + last->payload;
    index->frame_end = last->offset + last->head + last->payload + last->tail;
    index->end = index->frame_end + (last->join ? last->join - 1 : 0);
    index->packed_end = index->frame_end;
    index->packed_payload = index->payload;
    return 0;
}

/* Where readers find a record that is in no block yet. Each store is a release: who sees one of
 * them sees the packed that made the slot free. */
static inline void slot_put(struct ff_index_slot *slot, const struct ff_index_entry *entry,
                            uint64_t payload_before)
{
    atomic_store_explicit(&slot->offset, entry->offset, memory_order_release);
    atomic_store_explicit(&slot->head, entry->head, memory_order_release);
    atomic_store_explicit(&slot->payload, entry->payload, memory_order_release);
    atomic_store_explicit(&slot->tail, entry->tail, memory_order_release);
    atomic_store_explicit(&slot->join, entry->join, memory_order_release);
    atomic_store_explicit(&slot->payload_before, payload_before, memory_order_release);
}

int ff_index_append(struct ff_index *index, const struct ff_index_entry *entry)
{
    const uint64_t parts[] = {entry->head, entry->payload, entry->tail,
                              entry->join ? entry->join - 1 : 0};
    uint64_t count = own(&index->count);
    uint64_t end = entry->offset;

    if (index->sealed)
        return -EINVAL;
    if (index->end == END_UNKNOWN) {
        int r = end_of_base(index);
        if (r < 0)
            return r;
    }
    if (entry->offset < index->end)
        return -EINVAL;
    /* Frames do not overlap: as long as their ends stay below the limit, the payloads' sum does. */
    if (entry->offset > FF_INDEX_OFFSET_MAX || count == FF_INDEX_RECORDS_MAX)
        return -EOVERFLOW;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i] > FF_INDEX_OFFSET_MAX - end)
            return -EOVERFLOW;
        end += parts[i];
    }
    if (count - own(&index->packed) == FF_INDEX_BLOCK) {
        int r = pack_tail(index);
        if (r < 0)
            return r;
    }
    size_t i = count % FF_INDEX_BLOCK;
    slot_put(&index->slots[i], entry, index->payload);
    ff_block_values_add(&index->columns[FF_BLOCK_GAP], i, 1, entry->offset - index->frame_end);
    ff_block_values_add(&index->columns[FF_BLOCK_HEAD], i, 1, entry->head);
    ff_block_values_add(&index->columns[FF_BLOCK_PAYLOAD], i, 1, entry->payload);
    ff_block_values_add(&index->columns[FF_BLOCK_TAIL], i, 1, entry->tail);
    ff_block_values_add(&index->columns[FF_BLOCK_JOIN], i, 1, entry->join);
    index->frame_end = entry->offset + entry->head + entry->payload + entry->tail;
    index->payload += entry->payload;
    index->end = end;
    atomic_store_explicit(&index->count, count + 1, memory_order_release);
    return 0;
}

/* As many frames of a run as the tail has room for and as can be added without another look at
 * them: their number. The last record ends at `begin`, and is not joined. */
static size_t append_some(struct ff_index *index, uint64_t begin, uint64_t head, uint64_t tail,
                          const uint64_t *ends, size_t count)
{
    uint64_t number = own(&index->count), payload_before = index->payload;
    uint64_t room = FF_INDEX_BLOCK - (number - own(&index->packed));
    size_t first = number % FF_INDEX_BLOCK, i = 0;
    struct ff_index_slot *slots = index->slots + first;
    uint64_t *payloads = index->columns[FF_BLOCK_PAYLOAD].at + first;
    uint64_t least = UINT64_MAX, largest = 0;

    if (room > FF_INDEX_RECORDS_MAX - number)
        room = FF_INDEX_RECORDS_MAX - number;
    if (count > room)
        count = (size_t)room;
    for (; i < count; i++) {
        if (ends[i] < begin || ends[i] - begin < head + tail || ends[i] > FF_INDEX_OFFSET_MAX)
            break;
        const struct ff_index_entry entry = {
            .offset = begin, .head = head, .payload = ends[i] - begin - head - tail, .tail = tail};
        slot_put(&slots[i], &entry, payload_before);
        payloads[i] = entry.payload;
        least = entry.payload < least ? entry.payload : least;
        largest = entry.payload > largest ? entry.payload : largest;
        payload_before += entry.payload;
        begin = ends[i];
    }
    if (i == 0)
        return 0;
    ff_block_values_note(&index->columns[FF_BLOCK_PAYLOAD], first, least, largest);
    ff_block_values_add(&index->columns[FF_BLOCK_GAP], first, i, 0);
    ff_block_values_add(&index->columns[FF_BLOCK_HEAD], first, i, head);
    ff_block_values_add(&index->columns[FF_BLOCK_TAIL], first, i, tail);
    ff_block_values_add(&index->columns[FF_BLOCK_JOIN], first, i, 0);
    index->payload = payload_before;
    index->frame_end = index->end = begin;
    atomic_store_explicit(&index->count, number + i, memory_order_release);
    return i;
}

int ff_index_append_run(struct ff_index *index, uint64_t offset, uint64_t head, uint64_t tail,
                        const uint64_t *ends, size_t count)
{
    uint64_t begin = offset, around;

    if (__builtin_add_overflow(head, tail, &around))
        return count > 0 ? -EOVERFLOW : 0;
    for (size_t i = 0; i < count;) {
        if (ends[i] < begin || ends[i] - begin < around)
            return -EINVAL;
        /* The first of each round is looked at closely, and makes room in the tail. */
        const struct ff_index_entry entry = {
            .offset = begin, .head = head, .payload = ends[i] - begin - around, .tail = tail};
        int r = ff_index_append(index, &entry);
        if (r < 0)
            return r;
        begin = ends[i++];
        size_t added = append_some(index, begin, head, tail, ends + i, count - i);
        if (added > 0)
            begin = ends[i + added - 1];
        i += added;
    }
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

/* Keeps the arenas from the newest one to that which `bytes` lie in. */
static void trim_arenas(struct ff_index *index, const uint8_t *bytes)
{
    struct ff_index_arena *arena = index->arena;

    while (bytes < arena->bytes || bytes >= arena->bytes + arena->used)
        arena = arena->next;
    for (struct ff_index_arena *old = arena->next; old; old = old->next)
        add_memory(index, -(sizeof(*old) + old->size));
    free_arenas(arena->next);
    arena->next = NULL;
}

/* Keeps the first `blocks` entries. */
static void trim_directory(struct ff_index *index, uint64_t blocks)
{
    unsigned int chunk;
    size_t within;

    ff_chunk_locate(blocks, FF_INDEX_DIRECTORY_FIRST_BITS, &chunk, &within);
    while (++chunk < FF_INDEX_DIRECTORY_CHUNKS && index->directory[chunk]) {
        add_memory(index, -(ff_chunk_entries(chunk, FF_INDEX_DIRECTORY_FIRST_BITS) *
                            sizeof(*index->directory[chunk])));
        free(index->directory[chunk]);
        index->directory[chunk] = NULL;
    }
}

int ff_index_discard(struct ff_index *index, uint64_t segments)
{
    uint64_t packed = own(&index->packed);

    if (segments > ff_index_segments(index))
        return -EINVAL;
    uint64_t first = segments * FF_SEGMENT_RECORDS;
    if (first > packed)
        first = packed;
    if (first <= index->first)
        return 0;
    uint64_t gone = (first - index->first + FF_INDEX_BLOCK - 1) / FF_INDEX_BLOCK;
    uint64_t left = (packed - first + FF_INDEX_BLOCK - 1) / FF_INDEX_BLOCK;
    for (uint64_t i = 0; i < left; i++)
        *ff_index_directory(index, i) = *ff_index_directory(index, gone + i);
    trim_directory(index, left);
    /* Blocks were kept in order: the oldest bytes that are needed are the first block's. The next
     * block will be compared with the last one's. */
    trim_arenas(index, left > 0 ? ff_index_directory(index, 0)->bytes : index->last);
    index->first = first;
    return 0;
}

uint64_t ff_index_count(const struct ff_index *index)
{
    return atomic_load_explicit(&index->count, memory_order_acquire);
}

size_t ff_index_memory(const struct ff_index *index)
{
    return atomic_load_explicit(&index->memory, memory_order_relaxed);
}
