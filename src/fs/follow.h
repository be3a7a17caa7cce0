/*
 * Who reads records in order, and how far ahead of him it is worth to go. Numbers only: no I/O, no
 * lock, no memory but its own.
 *
 * A stream is one reader. Each read request for a record's beginning is noted: one for the record
 * that a stream comes to next is a step of it, any other one begins a stream. From
 * FF_FOLLOW_STEPS_MIN steps on, a step gives the stream a stretch of records to be pushed behind
 * it, twice as long as the one before; where the first of them cannot be pushed it does so in a
 * directory that is new to the stream only, whose listing the job is for. The reader shows that he
 * has used a stretch by asking for the record after it: pushed ones cost him no request. A request
 * for one that was pushed shows that pushing is of no use, and the stream begins anew.
 */
#ifndef FF_FS_FOLLOW_H
#define FF_FS_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Readers at once; those that have come so far that something is pushed are forgotten last. */
#define FF_FOLLOW_STREAMS   16
#define FF_FOLLOW_STEPS_MIN 2
/* Records of a stretch. */
#define FF_FOLLOW_FIRST 8
#define FF_FOLLOW_MAX   1024
/* Of a stretch, with what its records take in the kernel's cache. */
#define FF_FOLLOW_AHEAD_BYTES_MAX (UINT64_C(4) << 20)

struct ff_stream {
    uint64_t id; /* 0: none; never used again */
    size_t archive;
    uint64_t begin, next; /* begin..next-1 were pushed; next is pushed next, or asked for */
    uint64_t pushed;      /* records among them */
    uint64_t left;        /* records that may be pushed; 0: the stretch is done */
    uint64_t bytes_left;
    uint64_t window; /* records of the stretch */
    unsigned int steps;
    uint64_t used; /* when, in notes */
    uint64_t worked;
    uint64_t directory; /* that the reader is in; UINT64_MAX: not known yet */
    uint64_t before;    /* that of the last job; UINT64_MAX: there was none */
};

/* What became of pushed records; of those ahead of a reader it is not known yet. */
struct ff_follow_fate {
    uint64_t hits;   /* their reader is past them, and no request came */
    uint64_t wasted; /* one of the stretch was asked for, or they came too late, or no reader */
};

/* All zero to begin with. */
struct ff_follow {
    struct ff_stream streams[FF_FOLLOW_STREAMS];
    uint64_t ids, notes, works;
    struct ff_follow_fate fate;
};

/* Where a read request stands. */
struct ff_follow_place {
    size_t archive;
    uint64_t record;
    uint64_t after;     /* the next record that a reader would ask for */
    bool pushable;      /* that one may be pushed */
    uint64_t directory; /* a number of the directory that it is in */
};

enum ff_followed {
    FF_FOLLOWED_ALONE, /* nothing is known of it */
    FF_FOLLOWED_STEP,  /* in order; there is nothing to push */
    FF_FOLLOWED_DUE,   /* in order; there is something to push */
    FF_FOLLOWED_MET,   /* it had been pushed: the stream has stopped */
};

enum ff_followed ff_follow_note(struct ff_follow *follow, const struct ff_follow_place *place);

/* A stretch to be pushed. */
struct ff_follow_job {
    uint64_t id;
    size_t archive;
    uint64_t next;
    uint64_t left, bytes_left;
    uint64_t directory; /* the reader's */
    uint64_t before;    /* that of the stream's last job; UINT64_MAX: there was none */
};

/* That of the stream which was served longest ago; false when there is none. */
bool ff_follow_take(struct ff_follow *follow, struct ff_follow_job *ret_job);

/* While a job is done: whether its stream still is what it was, and where it has come to. The
 * reader may have overtaken who pushes. */
bool ff_follow_is_open(const struct ff_follow *follow, const struct ff_follow_job *job,
                       uint64_t *ret_next);
/* The record was pushed; bytes: what it takes. after: the one that is asked for behind it. */
void ff_follow_pushed(struct ff_follow *follow, const struct ff_follow_job *job, uint64_t record,
                      uint64_t after, uint64_t bytes);
/* The stretch ends before `next`, which the reader has to ask for. unknown: because the kernel does
 * not know the file. */
void ff_follow_end(struct ff_follow *follow, const struct ff_follow_job *job, uint64_t next,
                   bool unknown);

#endif
