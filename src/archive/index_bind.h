/* Which archive an index is of: its size, samples of its bytes, and how its frames are described.
 * Neither path nor name: a copied archive keeps its index. */
#ifndef FF_ARCHIVE_INDEX_BIND_H
#define FF_ARCHIVE_INDEX_BIND_H

#include <framefs/format.h>
#include <framefs/source.h>

#include "format/format.h"

/* Raised whenever a scan of the same bytes by the same description gives other results. */
#define FF_INDEX_RESULTS 1

/* What is looked at of an archive: its beginning, its end, and stretches evenly spread between
 * them. */
#define FF_BIND_EDGE_BYTES   4096
#define FF_BIND_SAMPLES      32
#define FF_BIND_SAMPLE_BYTES 512
#define FF_BIND_BYTES        (2 * FF_BIND_EDGE_BYTES + FF_BIND_SAMPLES * FF_BIND_SAMPLE_BYTES)

struct ff_index_binding {
    uint64_t results; /* FF_INDEX_RESULTS of who made it */
    uint64_t archive_bytes;
    struct timespec mtime; /* tells only how hard to look whether the bytes are the same */
    uint64_t samples;      /* hash */
    uint64_t description;  /* hash */
    char format[FF_FORMAT_NAME_BYTES];
};

/* Of the first archive_bytes of a source. 0, -ENODATA when it has fewer, or the source's error. */
int ff_index_bind(struct ff_source *source, const struct ff_format *format, uint64_t archive_bytes,
                  struct timespec mtime, struct ff_index_binding *ret_binding);

/* As bytes it has always the same size, so that it can be written anew in its place: six numbers of
 * 8 bytes and the name. */
#define FF_BINDING_BYTES (6 * 8 + FF_FORMAT_NAME_BYTES)

void ff_index_binding_encode(uint8_t buf[FF_BINDING_BYTES], const struct ff_index_binding *binding);

/* -EUCLEAN. */
int ff_index_binding_decode(const uint8_t *buf, uint64_t len, struct ff_index_binding *ret_binding);

#endif
