/* A window that moves over a source, and frames decoded through it. */
#ifndef FF_ARCHIVE_READER_H
#define FF_ARCHIVE_READER_H

#include <framefs/error.h>
#include <framefs/record.h>
#include <framefs/source.h>

#include "format/decode.h"
#include "format/pcapng.h"
#include "index/times.h"

struct ff_reader {
    struct ff_source *source;
    uint64_t limit;  /* where the archive ends, or FF_SIZE_UNKNOWN while that is not known */
    uint8_t *memory; /* owned */
    uint8_t *buf;    /* in it, where a page begins: pages, one more than the capacity */
    size_t capacity;
    size_t chunk;       /* bytes that the next read asks for: little after a jump, then more */
    size_t chunk_first; /* after a jump; the caller may lower it before the first read */
    size_t near;        /* frames up to this length are read through, longer ones jumped over, on
                           an average of some; 0, at first: what is not asked for is never read */
    uint64_t reads;     /* how many were made */
    uint64_t frames[2]; /* where the last two began that were decoded, the older one first */
    uint64_t mean;      /* length of frames that reached beyond the window */
    bool jumps;         /* over such frames, at present */
    struct ff_window window;
    bool end_seen; /* a result hangs on where the archive ends: as ff_decoder.end_seen */
};

/* capacity: at least twice FF_DECODE_NEED_MAX. The source stays the caller's. */
int ff_reader_init(struct ff_reader *reader, struct ff_source *source, uint64_t limit,
                   size_t capacity);
void ff_reader_done(struct ff_reader *reader);

/* Brings at least one more of the len bytes at offset into the window, or of those that it reads
 * before them, or finds that the archive ends before (then limit says where). Keeps the bytes from
 * `keep` on if there is room. */
int ff_reader_fill(struct ff_reader *reader, uint64_t keep, uint64_t offset, size_t len);

/* Decodes what stands at offset: FF_DECODE_DONE (0), -EUCLEAN or -ENODATA with the decoder's fault.
 * A source that fails gives another negative errno; *ret_failed tells the two apart. */
int ff_reader_decode(struct ff_reader *reader, struct ff_decoder *decoder, enum ff_section section,
                     uint64_t offset, bool *ret_failed);

/* Time, type and name of the frame that was just decoded; an unreadable one leaves "". clock: of
 * the interface that ff_decoder_interface() names, without ticks when that is not known. */
void ff_reader_details(struct ff_reader *reader, const struct ff_decoder *decoder,
                       struct ff_clock clock, struct ff_details *ret_details);

/* Of these the time alone. */
void ff_reader_time(struct ff_reader *reader, const struct ff_decoder *decoder,
                    struct ff_clock clock, struct ff_time *ret_time);

/* Whether the frame's time counts the ticks of an interface, and which. */
bool ff_decoder_interface(const struct ff_decoder *decoder, ff_value *ret_interface);

/* The clock that the frame, an interface's description, tells of. */
struct ff_clock ff_reader_clock(struct ff_reader *reader, const struct ff_decoder *decoder);

/* Copies bytes [offset, offset + len) of the archive: how many there are, or a negative errno. */
ssize_t ff_reader_bytes(struct ff_reader *reader, void *buf, size_t len, uint64_t offset);

#endif
