/*
 * A source that misbehaves on purpose: it wraps another one and fails, shortens, delays or alters
 * its reads. Everything it does follows from the settings and from the offset and length of a read,
 * not from time or from the order of reads: a run can be repeated, also with threads.
 */
#ifndef FF_SOURCE_FAULT_H
#define FF_SOURCE_FAULT_H

#include <framefs/source.h>

/* Reads that touch one of these bytes give the bytes before it; one that begins there gives code.
 */
struct ff_fault_range {
    uint64_t offset;
    uint64_t len;
    int code; /* negative errno; 0 means -EIO */
};

/* The byte at offset is read as byte ^ mask. */
struct ff_fault_flip {
    uint64_t offset;
    uint8_t mask;
};

/* All zero injects nothing. */
struct ff_fault {
    /* Two reads of the same offset and length have the same fate; another seed, another one. */
    uint64_t seed;
    size_t short_max_bytes; /* a pread gives at most so many; 0: as many as asked for */
    uint32_t
        short_one_in;    /* not 0: one read in so many is cut to a length that follows from seed */
    uint32_t eio_one_in; /* not 0: one read in so many fails with -EIO */
    uint32_t delay_us;   /* before each read */
    uint64_t end_offset; /* not 0: the archive ends here for reads; stat says what it said */
    int check_code;      /* not 0: what check answers, as -ESTALE */
    const struct ff_fault_range
        *ranges; /* these lists stay the caller's, as long as they are set */
    size_t range_count;
    const struct ff_fault_flip *flips;
    size_t flip_count;
    /* Called for each read as it was asked for, before anything is done to it, by the thread that
     * reads: several at once. May be NULL. */
    void (*on_read)(void *context, uint64_t offset, size_t len);
    void *context;
};

/* Wraps inner and takes it over, also on failure. settings are copied; NULL injects nothing. */
int ff_source_open_fault(struct ff_source *inner, const struct ff_fault *settings,
                         struct ff_source **ret_source, struct ff_error *error);

/* Other settings for the reads that begin from now on; source comes from ff_source_open_fault().
 * Any thread. */
void ff_source_fault_set(struct ff_source *source, const struct ff_fault *settings);

#endif
