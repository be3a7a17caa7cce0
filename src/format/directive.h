/*
 * What a description says of the whole archive, beside its alternatives: the keys of an INI section
 * that are neither framing nor a title.
 */
#ifndef FF_FORMAT_DIRECTIVE_H
#define FF_FORMAT_DIRECTIVE_H

#include <framefs/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FF_DIRECTIVE_BYTES_MAX 64 /* of resync and glue */
#define FF_BLOCK_MIN_BYTES     16
#define FF_BLOCK_MAX_BYTES     (UINT32_C(16) << 20)

/* What may follow a frame without being damage: zeros; or anything that does not end as a frame
 * does and, behind the last one, does not begin as one. */
enum ff_tail { FF_TAIL_NONE, FF_TAIL_ZEROS, FF_TAIL_JUNK };

/* Bytes that a directive names; len 0: not given. */
struct ff_directive_bytes {
    uint8_t bytes[FF_DIRECTIVE_BYTES_MAX];
    uint8_t len;
};

/* All zero: none is given. */
struct ff_directives {
    struct ff_directive_bytes
        resync; /* begins every frame: where to look for the next after damage */
    struct ff_directive_bytes glue; /* put back between two joined fragments */
    bool head_junk;        /* what comes before the first frame is none, up to the first resync */
    uint8_t tail;          /* enum ff_tail */
    bool signfrag;         /* a negative length: the record goes on in the next frame */
    uint32_t block;        /* bytes; frames do not cross a multiple of it. 0: no blocks */
    uint32_t block_header; /* bytes; where fewer are left of a block, they are padding */
    uint64_t max;    /* bytes of the largest frame, of all frames of a joined record; 0: any */
    int64_t epoch_s; /* what time 0 means, in seconds since 1970-01-01 */
};

/* Sets one from its key and value as written in an INI file (resync = "GRIB", tail = zeros, block =
 * 32768/7, signfrag =, max = 64M, epoch = 1904-01-01): -ENOENT when the key is none of them,
 * -EINVAL with a text for a value that is wrong. */
int ff_directive_set(struct ff_directives *directives, const char *key, const char *value,
                     struct ff_error *error);

#endif
