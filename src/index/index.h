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

struct ff_image;
struct ff_index;

int ff_index_new(struct ff_index **ret_index);

/* The first `records` of the image are the index's first ones; those that are appended come after
 * them, in memory. The image stays the caller's and outlives the index. records: all of the
 * image's; or a multiple of FF_SEGMENT_RECORDS (see segment.h) where more are to be appended,
 * otherwise the index is sealed. Looks at none of the segments: each is checked when it is first
 * looked up. -EINVAL; -ENOMEM. */
int ff_index_new_on(const struct ff_image *image, uint64_t records, struct ff_index **ret_index);
void ff_index_free(struct ff_index *index); /* NULL is fine */

/* Adds the next record. Frames must not overlap or go back: -EINVAL. -EOVERFLOW when the offset of
 * the frame's end or the payloads' sum passes 2^63-1, or past FF_INDEX_RECORDS_MAX; -ENOMEM;
 * -EUCLEAN when the image's last segment, which the record comes after, is damaged. */
int ff_index_append(struct ff_index *index, const struct ff_index_entry *entry);

/* Adds `count` records whose frames stand one after the other, the first at offset, each up to its
 * end, with `head` and `tail` bytes around the payload. As many calls of ff_index_append() would do
 * the same: where one fails, so does this, and the records before it are added. -EINVAL also for a
 * frame that is shorter than head and tail. */
int ff_index_append_run(struct ff_index *index, uint64_t offset, uint64_t head, uint64_t tail,
                        const uint64_t *ends, size_t count);

/* No more records will come. */
int ff_index_seal(struct ff_index *index);

uint64_t ff_index_count(const struct ff_index *index);

/* Of all look-ups: -ENOENT when number >= count, or of a record that was discarded; -EUCLEAN when
 * the image's segment that holds the answer is damaged, others stay as they are. */
int ff_index_get(const struct ff_index *index, uint64_t number, struct ff_index_entry *ret_entry);

/* The sum of the payloads of the first `number` records (number <= count: else -ENOENT). */
int ff_index_payload_before(const struct ff_index *index, uint64_t number, uint64_t *ret_bytes);

/* Imagine all payloads joined, each followed by `separator` bytes: the record that byte `position`
 * falls in (its separator included), and that byte's place within payload + separator. -ENOENT past
 * the end. */
int ff_index_find(const struct ff_index *index, uint64_t separator, uint64_t position,
                  uint64_t *ret_number, uint64_t *ret_within);

/* Bytes of memory in use, an image's aside. */
size_t ff_index_memory(const struct ff_index *index);

/*
 * Segments out of an index, as an image has them (see image.h). For the thread that appends.
 */

/* How many are final by now: all that are full of packed records; when sealed, all. */
uint64_t ff_index_segments(const struct ff_index *index);

/* The chunk of segment k < ff_index_segments(), to buf, which has FF_IMAGE_SEGMENT_BYTES_MAX. Of an
 * image's it is the same bytes. -ENOENT when k is past the last or was discarded; -EUCLEAN. */
int ff_index_segment(const struct ff_index *index, uint64_t k, uint8_t *buf, size_t *ret_len);

/* Gives back the memory of the first `segments`: their records cannot be looked up any more, an
 * image's stay. No thread may look up meanwhile. -EINVAL for more than ff_index_segments(). */
int ff_index_discard(struct ff_index *index, uint64_t segments);

#endif
