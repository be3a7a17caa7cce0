/* The bytes of a joined record: its fragments found again, one after the other, and read. */
#ifndef FF_ARCHIVE_JOINED_H
#define FF_ARCHIVE_JOINED_H

#include <framefs/record.h>
#include <framefs/source.h>

#include "format/decode.h"

enum ff_joined_bytes {
    FF_JOINED_PAYLOAD, /* the payloads, and between two of them the description's glue */
    FF_JOINED_FRAME,   /* the frames, without what lies between them */
};

/* A place in a joined record: before one of its frames, or of the hidden frames between these. */
struct ff_joined_point {
    uint64_t frame;  /* how many come before it, hidden ones included */
    uint64_t at;     /* bytes of what is read that come before it */
    uint64_t offset; /* of the frame, or of padding before it */
    struct ff_decode_state state;
};

/* Every so many frames a reading tells where it is. */
#define FF_JOINED_STRIDE 32

/* Reads bytes [at, at + len) of what the record is, all of which must exist. *point: in, a place
 * not after `at`, as the record's beginning (at 0, its offset, the state before its first frame);
 * out, the place of the frame in which the read ended. passes: NULL, or called for the places that
 * are passed before each FF_JOINED_STRIDE-th frame. 0; -EUCLEAN or -ENODATA when the
 * frames are not what was indexed; another errno when the source fails. */
int ff_joined_read(struct ff_source *source, const struct ff_layout *layout,
                   const struct ff_record *record, enum ff_joined_bytes what,
                   struct ff_joined_point *point,
                   void (*passes)(void *context, const struct ff_joined_point *point),
                   void *context, void *buf, size_t len, uint64_t at);

#endif
