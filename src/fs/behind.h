/*
 * Who reads a file in order that can be made again at any time, and what lies so far behind him
 * that the kernel need not keep it. Numbers only: no I/O, no lock, no memory but its own.
 *
 * A stream is one reader. Read requests continue one where they begin near the place that it has
 * come to: they come from several threads, in any order, and what is in the cache is not asked for.
 * Of a stream that has asked for less than half of what it has passed nothing is dropped: its
 * reader jumps about. Nor is what lies around the place of another one, who has it still to read.
 */
#ifndef FF_FS_BEHIND_H
#define FF_FS_BEHIND_H

#include <stdbool.h>
#include <stdint.h>

/* Readers at once; those who have asked for one place only are forgotten first. */
#define FF_BEHIND_STREAMS 16
/* Stays behind a reader, for those who come shortly after him. */
#define FF_BEHIND_KEPT_BYTES (UINT64_C(64) << 20)
/* Is dropped at once, at least. */
#define FF_BEHIND_STEP_BYTES (UINT64_C(16) << 20)
#define FF_BEHIND_NEAR_BYTES (UINT64_C(8) << 20)

struct ff_passing {
    uint64_t ino;         /* 0: none */
    uint64_t begin, next; /* passed; what was before begin is dropped, or not its */
    uint64_t mark, asked; /* from mark to next so many bytes were asked for */
    uint64_t used;        /* when, in notes */
    bool goes_on;         /* it has been continued */
};

/* All zero to begin with. */
struct ff_behind {
    struct ff_passing streams[FF_BEHIND_STREAMS];
    uint64_t notes;
};

struct ff_passed {
    uint64_t ino;
    uint64_t offset, len;
};

/* A read request, len > 0, offset + len at most 2^63. Whether there may be something to drop. */
bool ff_behind_note(struct ff_behind *behind, uint64_t ino, uint64_t offset, uint64_t len);
/* What to drop, which is not told again; false when there is nothing. */
bool ff_behind_take(struct ff_behind *behind, struct ff_passed *ret_passed);

#endif
