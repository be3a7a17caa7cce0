/* The contents of neighbouring records, read at once for somebody who will ask for one after the
 * other. The bytes are those of ff_view_read(). */
#ifndef FF_ARCHIVE_AHEAD_H
#define FF_ARCHIVE_AHEAD_H

#include <framefs/archive.h>

/* Of one read, and of one view at most. */
#define FF_AHEAD_BYTES (UINT32_C(1) << 20)

struct ff_ahead {
    struct ff_archive *archive;
    uint8_t *buf; /* owned */
    const uint8_t *bytes;
    uint64_t offset; /* of them in the archive */
    size_t len;
    uint64_t until;
};

/* -ENOMEM. */
int ff_ahead_init(struct ff_ahead *ahead);
void ff_ahead_done(struct ff_ahead *ahead);

/* From here on views of this archive are wanted whose bytes end at offset `until` at most: what is
 * read for one reaches that far, FF_AHEAD_BYTES at most. Bytes of before are read anew. */
void ff_ahead_begin(struct ff_ahead *ahead, struct ff_archive *archive, uint64_t until);

/* All of the view, at most FF_AHEAD_BYTES (asserted), which stays until the next call. Errors as
 * ff_view_read(), also -EBADMSG where reads are verified. */
int ff_ahead_view(struct ff_ahead *ahead, const struct ff_view *view, const void **ret_bytes);

#endif
