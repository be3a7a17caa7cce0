/*
 * An index, as the files of this folder share it.
 *
 * Its records lie in three places, one after the other: the first `base` in an image, those up to
 * `packed` in blocks in memory, the last ones in the tail's slots. `first` is the first record that
 * memory holds: behind the base unless some were discarded.
 */
#ifndef FF_INDEX_INTERNAL_H
#define FF_INDEX_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "index/chunk.h"
#include "index/image.h"

#define FF_INDEX_OFFSET_MAX ((uint64_t)INT64_MAX)

#define FF_INDEX_DIRECTORY_FIRST_BITS 8  /* see chunk.h */
#define FF_INDEX_DIRECTORY_LAST_BITS  32 /* 2^32 blocks at most */
#define FF_INDEX_DIRECTORY_CHUNKS                                                                  \
    FF_CHUNKS(FF_INDEX_DIRECTORY_FIRST_BITS, FF_INDEX_DIRECTORY_LAST_BITS)

#define FF_INDEX_LENGTH_BYTES 2 /* in front of each block's bytes in memory: their number */

struct ff_index_block {
    uint64_t offset;  /* where the previous frame ended */
    uint64_t payload; /* bytes of payload before the block */
    const uint8_t *bytes;
};

struct ff_index_arena;

struct ff_index_slot {
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
    uint64_t first;
    struct ff_index_block *directory[FF_INDEX_DIRECTORY_CHUNKS];
    struct ff_index_slot slots[FF_INDEX_BLOCK];

    const struct ff_image *image; /* NULL: none */
    uint64_t base;
    _Atomic uint64_t *checked; /* a bit a segment of the base that was found good */

    /* The appending thread's own. */
    struct ff_index_arena *arena;
    struct ff_block_values columns[FF_BLOCK_COLUMNS]; /* what the slots hold, to be packed */
    uint64_t end;            /* before which no frame may begin; see ff_index_append() */
    uint64_t frame_end;      /* of the last frame, without what a joined record has behind it */
    uint64_t payload;        /* bytes of payload so far */
    uint64_t packed_end;     /* frame_end of the last record in a block */
    uint64_t packed_payload; /* bytes of payload in blocks */
    const uint8_t *last;     /* block's bytes, length first; NULL before the first one */
    bool sealed;
};

/* Where a block lies in memory; block is counted from that of `first`. */
static inline struct ff_index_block *ff_index_directory(const struct ff_index *index,
                                                        uint64_t block)
{
    unsigned int chunk;
    size_t within;

    ff_chunk_locate(block, FF_INDEX_DIRECTORY_FIRST_BITS, &chunk, &within);
    return &index->directory[chunk][within];
}

static inline size_t ff_index_block_len(const struct ff_index_block *block)
{
    return block->bytes[0] | (size_t)block->bytes[1] << 8;
}

static inline uint64_t ff_index_packed(const struct ff_index *index)
{
    return atomic_load_explicit(&index->packed, memory_order_acquire);
}

/* Whether record number begins at or before position when all are joined, and where. */
static inline bool ff_index_joined(uint64_t position, uint64_t number, uint64_t payload_before,
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

/* No frame of the record ends behind it. */
static inline uint64_t ff_index_limit(const struct ff_index *index, uint64_t number)
{
    return number < index->base ? index->image->limit : FF_INDEX_OFFSET_MAX;
}

/* Whether the entry, joined frames and what lies between them, ends at `limit` at most. */
static inline bool ff_index_entry_fits(const struct ff_index_entry *entry, uint64_t limit)
{
    uint64_t end;

    return !__builtin_add_overflow(entry->offset, entry->head, &end) &&
           !__builtin_add_overflow(end, entry->payload, &end) &&
           !__builtin_add_overflow(end, entry->tail, &end) &&
           !__builtin_add_overflow(end, entry->join ? entry->join - 1 : 0, &end) && end <= limit;
}

/* The block that holds record number < packed. -ENOENT of a discarded one; -EUCLEAN. */
int ff_index_locate(const struct ff_index *index, uint64_t number, uint64_t packed,
                    struct ff_segment_place *ret_place);

/* What is known of one record. */
struct ff_index_position {
    struct ff_index_entry entry;
    uint64_t payload_before;
};

/* As ff_index_get(). */
int ff_index_position(const struct ff_index *index, uint64_t number,
                      struct ff_index_position *ret_position);

/* The block's record that position falls in when all are joined; *begin is where the block begins
 * (at most position), then where the record does. 1 when there is one, 0 when not. */
int ff_index_place_find(const struct ff_segment_place *place, uint64_t separator, uint64_t position,
                        uint64_t *begin, size_t *ret_i);

/* A segment of the base (k * FF_SEGMENT_RECORDS < base), all of it checked before the first use. */
int ff_index_base_segment(const struct ff_index *index, uint64_t k, struct ff_segment *ret_segment);

/* As ff_index_find(), among the base's records. */
int ff_index_base_find(const struct ff_index *index, uint64_t separator, uint64_t position,
                       uint64_t *ret_number, uint64_t *ret_within);

#endif
