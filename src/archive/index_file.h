/* The index files of an open archive: the one in use, and the one that its scan writes. */
#ifndef FF_ARCHIVE_INDEX_FILE_H
#define FF_ARCHIVE_INDEX_FILE_H

#include <errno.h>
#include <framefs/index.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "archive/index_known.h"
#include "archive/index_sums.h"
#include "index/image.h"

/* A directory of an image that is not finished, its segments' or that of their times: it grows by
 * an entry at a time. All zero but for entry_bytes: empty. */
struct ff_index_directory {
    size_t entry_bytes;
    uint8_t *entries; /* owned */
    uint64_t count, room;
};

/* Where the entry behind the last one is to be written, before count tells of it; NULL when memory
 * is short. */
uint8_t *ff_index_directory_next(struct ff_index_directory *directory);

/* The first count entries of an array, into an empty one. -ENOMEM. */
int ff_index_directory_copy(struct ff_index_directory *directory, const uint8_t *entries,
                            uint64_t count);

/* An index file that is mapped. */
struct ff_index_map {
    const uint8_t *buf; /* mapped */
    uint64_t len;
    dev_t device;
    ino_t inode;
    bool partial;
    struct ff_image image;
    struct ff_index_directory directory, times_directory; /* of a partial one */
    uint64_t records;      /* that the archive's index has in the image */
    uint64_t read_records; /* that were known from it */
    bool whole;            /* what it knows is known as of its end */
    bool has_sums;         /* what it says of checksums holds for the archive */
    struct ff_index_sums sums;
    bool has_times;                  /* those that it has of records hold for the archive */
    _Atomic uint64_t *times_checked; /* owned; a bit a segment whose times were found good */
    atomic_bool damaged;             /* a look-up has found it so */
};

/* What a look-up in the archive's index gave: notes that the file is damaged. Returns it. */
static inline int ff_index_map_note(struct ff_index_map *map, int r)
{
    if (r == -EUCLEAN && map)
        atomic_store_explicit(&map->damaged, true, memory_order_relaxed);
    return r;
}

/* NULL is fine. Only when no index stands on the image any more. */
void ff_index_map_close(struct ff_index_map *map);

struct ff_index_writer;

/* How many records more the scan may take at once, at least 1: a state is kept of what was known
 * between two segments. */
uint64_t ff_index_writer_room(const struct ff_archive *archive);

/* Whether there is something to do between the record that was taken last and the next one: then
 * ff_index_writer_go_on(), when the summary knows all records. */
bool ff_index_writer_is_due(const struct ff_archive *archive);
void ff_index_writer_go_on(struct ff_archive *archive);

/* The record that the scan gave last was taken, or so many of its rest (see ff_scan_rest()), the
 * first at offset. */
void ff_index_writer_record(struct ff_archive *archive);
void ff_index_writer_rest(struct ff_archive *archive, uint64_t offset, const uint64_t *ends,
                          size_t count);

/* The scan has found a frame whose checksum is wrong. */
void ff_index_writer_wrong(struct ff_archive *archive, const struct ff_damage *damage);

/* The scan has ended, and the index is sealed. reached_end: all of the archive was looked at. */
void ff_index_writer_finish(struct ff_archive *archive, bool reached_end);

/* All that is known now, between two records, as a state's chunk: *buf is NULL or to be given more
 * room. done: the scan has ended. Only when the last record can be looked up. */
int ff_index_writer_state(struct ff_archive *archive, bool done, uint8_t **buf, size_t *ret_len);

/* Where times are kept, the chunk of those of segment k, until the next call: once for each
 * segment, in order, when it can be looked up and is full, or all have come. */
int ff_index_writer_times(struct ff_archive *archive, uint64_t k, const uint8_t **ret_chunk,
                          size_t *ret_len);
void ff_index_writer_end_times(struct ff_archive *archive);

/* NULL is fine. */
void ff_index_writer_free(struct ff_index_writer *writer);

/* What the writer tells of itself. Under the archive's mutex. */
void ff_index_writer_status(const struct ff_index_writer *writer,
                            struct ff_index_status *ret_status);

#endif
