/*
 * The bytes of an index file, whole or partial: docs/format-index.md has them one by one. Pure: no
 * I/O, no memory of its own; nothing that a byte says leads outside of what was given.
 *
 * A header, then chunks one after the other: the binding, and segments with a state in between
 * wherever the building may be resumed. A finished image ends with a directory of its segments, and
 * its header tells where each part lies. Opening looks at header, binding and state alone, so that
 * it costs the same at any size; a segment is checked when it is first looked at, by the index.
 *
 * An image that is being built ("partial") has a header without a length. ff_image_resume() goes
 * through all of its chunks, to the last state that is whole.
 */
#ifndef FF_INDEX_IMAGE_H
#define FF_INDEX_IMAGE_H

#include <framefs/error.h>
#include <stdbool.h>

#include "index/segment.h"
#include "index/times.h"

#define FF_IMAGE_VERSION      1
#define FF_IMAGE_MAGIC_BYTES  8
#define FF_IMAGE_HEADER_BYTES 512
#define FF_IMAGE_PARTS        12 /* at most */
#define FF_IMAGE_ALIGN        8  /* chunks and parts begin at multiples of it */
#define FF_IMAGE_CHUNK_BYTES  40 /* of a chunk's head */
#define FF_IMAGE_ENTRY_BYTES  48 /* of a segment in the directory: position, copy of its head */

/* Of a segment in the times' directory: checksum, position, what is copied of the chunk. */
#define FF_IMAGE_TIMES_ENTRY_BYTES 64

/* Of chunks and of parts. */
enum ff_image_kind {
    FF_IMAGE_NONE,
    FF_IMAGE_BINDING,   /* a chunk: which archive it is of */
    FF_IMAGE_SEGMENT,   /* a chunk each; as a part, from the first one to the last one's end */
    FF_IMAGE_STATE,     /* a chunk: what is known besides, as of the records before it */
    FF_IMAGE_DIRECTORY, /* a part */
    FF_IMAGE_TIMES,     /* a chunk behind each segment's: its records' times; as a part, their
                           directory */
    FF_IMAGE_VERIFIED   /* a part */
};

/* Who does not know the part's kind may ignore it. */
#define FF_IMAGE_OPTIONAL UINT32_C(1)

/* Of a chunk of `len` bytes of body: head and body, and zeros up to FF_IMAGE_ALIGN. */
#define FF_IMAGE_CHUNK_LEN(len)                                                                    \
    (((len) + FF_IMAGE_CHUNK_BYTES + FF_IMAGE_ALIGN - 1) / FF_IMAGE_ALIGN * FF_IMAGE_ALIGN)

/* Of a chunk's body, but for a segment's: more than any state that fits into memory. */
#define FF_IMAGE_BODY_BYTES_MAX (UINT64_C(1) << 30)

/* What a segment's chunk takes at most. */
#define FF_IMAGE_SEGMENT_BYTES_MAX FF_IMAGE_CHUNK_LEN(FF_SEGMENT_BYTES_MAX)
#define FF_IMAGE_TIMES_BYTES_MAX   FF_IMAGE_CHUNK_LEN(FF_TIMES_BYTES_MAX)

struct ff_image_part {
    uint32_t kind;
    uint32_t flags;
    uint64_t offset, len; /* within the image; of a chunk with its head */
    uint64_t hash; /* XXH3-64 of its bytes; 0 where parts check themselves: chunks, directory */
};

struct ff_image_header {
    uint64_t len; /* of the whole image; 0: partial */
    uint64_t records;
    uint64_t segments;      /* as many as the records need */
    uint64_t archive_bytes; /* size of the archive that it was made of, at most 2^63-1 */
    unsigned int part_count;
    struct ff_image_part part[FF_IMAGE_PARTS];
};

/* An image that is read. Filled by open or resume; the bytes must outlive it. */
struct ff_image {
    const uint8_t *buf;
    uint64_t len; /* resumed: up to the end of the last state. What follows is to be dropped. */
    struct ff_image_header header; /* resumed: records and segments are those found */
    uint64_t limit;                /* no frame ends behind it */
    /* FF_IMAGE_ENTRY_BYTES a segment: in the image or, resumed, set by the caller. */
    const uint8_t *directory;
    /* FF_IMAGE_TIMES_ENTRY_BYTES a segment, as the directory; where it has times. */
    bool has_times;
    const uint8_t *times;
    const uint8_t *binding, *state; /* bodies of these chunks, checked */
    uint64_t binding_len, state_len;
};

/* Whether these bytes begin as an image does, of any version, however damaged behind that. */
bool ff_image_has_magic(const uint8_t *buf, uint64_t len);

/* The header of an image of len bytes. -EUCLEAN when there is none or it is damaged; -ENOTSUP of
 * another version. */
int ff_image_header_read(const uint8_t *buf, uint64_t len, struct ff_image_header *ret_header,
                         struct ff_error *error);

void ff_image_header_write(uint8_t buf[FF_IMAGE_HEADER_BYTES],
                           const struct ff_image_header *header);

/* The checksum that a part, a chunk and the header have: XXH3-64. */
uint64_t ff_image_hash(const uint8_t *buf, uint64_t len);

/* A finished image of exactly len bytes. Errors as above; -EAGAIN when it is a partial one;
 * -ENOTSUP for a part that may not be ignored. The time it takes depends on binding and state, not
 * on the records. */
int ff_image_open(const uint8_t *buf, uint64_t len, struct ff_image *ret_image,
                  struct ff_error *error);

/* A part's bytes that are no chunk (directories, verified), checked if the header has their
 * checksum: the time is that of reading them. -ENOENT when there is none; -EUCLEAN. */
int ff_image_part(const struct ff_image *image, enum ff_image_kind kind, const uint8_t **ret_buf,
                  uint64_t *ret_len);

/* Gets the directory's entry of the next segment, or of its times, that was found whole; a negative
 * errno ends the walk with it. */
typedef int ff_image_found(void *context, enum ff_image_kind kind, const uint8_t *entry);

/* A partial image: walks the chunks up to the first that is cut, damaged or does not continue those
 * before. The segments before the last whole state count (ret_image->header.segments), those that
 * `found` got behind it do not. It has times when all these segments have. The caller sets
 * ret_image->directory and ->times to its arrays of the entries before it looks at a segment.
 * Errors as of ff_image_header_read(); -EALREADY when it is a finished one; -ENODATA without a
 * whole binding and state; what `found` returned. */
int ff_image_resume(const uint8_t *buf, uint64_t len, ff_image_found *found, void *context,
                    struct ff_image *ret_image, struct ff_error *error);

/* Segment number k < segments, checked as far as its directory entry goes. -EUCLEAN. */
int ff_image_segment(const struct ff_image *image, uint64_t k, struct ff_segment *ret_segment);

/* All of segment k: its checksum and ff_segment_check(). Reads its bytes. -EUCLEAN. */
int ff_image_segment_check(const struct ff_image *image, uint64_t k);

/* Segment k's chunk to buf, which has FF_IMAGE_SEGMENT_BYTES_MAX. -EUCLEAN; looks at no more than
 * ff_image_segment() does. */
int ff_image_segment_copy(const struct ff_image *image, uint64_t k, uint8_t *buf, size_t *ret_len);

/* Makes a chunk of the body of len bytes that stands at buf + FF_IMAGE_CHUNK_BYTES: writes the head
 * before and zeros behind it. buf has FF_IMAGE_CHUNK_LEN(len) bytes, which is returned. records: a
 * segment's, else 0. offset, payload: where the last frame before the chunk ended, payload bytes up
 * to there; 0 of a binding. */
uint64_t ff_image_chunk_write(uint8_t *buf, enum ff_image_kind kind, uint32_t records,
                              uint64_t offset, uint64_t payload, uint64_t len);

/* The directory's entry of a segment whose chunk stands at `position` of the image. */
void ff_image_entry_write(uint8_t entry[FF_IMAGE_ENTRY_BYTES], uint64_t position,
                          const uint8_t *chunk);

/* Where the chunk of such an entry ends. */
uint64_t ff_image_entry_end(const uint8_t entry[FF_IMAGE_ENTRY_BYTES]);

/*
 * Of an image that has times. As of segments; all errors are -EUCLEAN.
 */

/* What segment k's entry says of its times; looks at nothing else. */
int ff_image_times_bounds(const struct ff_image *image, uint64_t k,
                          struct ff_times_bounds *ret_bounds);

/* Segment k's times, checked as far as its entry goes. */
int ff_image_times(const struct ff_image *image, uint64_t k, struct ff_times *ret_times);

/* All of them but each single time: checksum and ff_times_check(). Reads their bytes. */
int ff_image_times_check(const struct ff_image *image, uint64_t k);

/* Their chunk to buf, which has FF_IMAGE_TIMES_BYTES_MAX. */
int ff_image_times_copy(const struct ff_image *image, uint64_t k, uint8_t *buf, size_t *ret_len);

/* The entry of times whose chunk stands at `position` of the image. */
void ff_image_times_entry_write(uint8_t entry[FF_IMAGE_TIMES_ENTRY_BYTES], uint64_t position,
                                const uint8_t *chunk);

/* Where the chunk of such an entry ends. */
uint64_t ff_image_times_entry_end(const uint8_t entry[FF_IMAGE_TIMES_ENTRY_BYTES]);

#endif
