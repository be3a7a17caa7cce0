/*
 * The index: where each record lies, for as many as there are, in a few bits each.
 *
 * Records are packed in blocks of FF_INDEX_BLOCK. A block holds its first record's offset, the
 * payload bytes before it, and five columns: the gap before each frame (hidden frames, damage,
 * what lies between the frames of the record before), head, payload, tail, join. A column is its
 * smallest value and, for each record, the difference from it in as many bits as the block's
 * largest difference needs: a column whose values are all equal takes no bits. So stat needs no
 * read of the archive in any format.
 *
 * Threads: one appends and seals; any number may look up at the same time. Nobody waits: full
 * blocks never change, and the last, still growing one is read again when it is packed meanwhile.
 */
#ifndef FF_INDEX_INDEX_H
#define FF_INDEX_INDEX_H

#include <stddef.h>
#include <stdint.h>

#define FF_INDEX_BLOCK 256

/* Records are numbered in 40 bits (see tree/tree.h). */
#define FF_INDEX_RECORDS_MAX (UINT64_C(1) << 40)

struct ff_index_entry {
    uint64_t offset;
    uint64_t head;
    uint64_t payload;
    uint64_t tail;
    uint64_t join; /* 0: one frame; else 1 + the bytes between its frames */
};

struct ff_index;

int ff_index_new(struct ff_index **ret_index);
void ff_index_free(struct ff_index *index); /* NULL is fine */

/* Adds the next record. Frames must not overlap or go back: -EINVAL. -EOVERFLOW when the offset of
 * the frame's end or the payloads' sum passes 2^63-1, or past FF_INDEX_RECORDS_MAX; -ENOMEM. */
int ff_index_append(struct ff_index *index, const struct ff_index_entry *entry);

/* No more records will come. */
int ff_index_seal(struct ff_index *index);

uint64_t ff_index_count(const struct ff_index *index);

/* -ENOENT when number >= count. */
int ff_index_get(const struct ff_index *index, uint64_t number, struct ff_index_entry *ret_entry);

/* The sum of the payloads of the first `number` records (number <= count: else -ENOENT). */
int ff_index_payload_before(const struct ff_index *index, uint64_t number, uint64_t *ret_bytes);

/* Imagine all payloads joined, each followed by `separator` bytes: the record that byte `position`
 * falls in (its separator included), and that byte's place within payload + separator. -ENOENT past
 * the end. */
int ff_index_find(const struct ff_index *index, uint64_t separator, uint64_t position,
                  uint64_t *ret_number, uint64_t *ret_within);

/* Bytes of memory in use. */
size_t ff_index_memory(const struct ff_index *index);

#endif
