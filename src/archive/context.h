/* Frames that later records cannot be read without: a section's header, an interface's description,
 * a schema. Where they lie, in order. */
#ifndef FF_ARCHIVE_CONTEXT_H
#define FF_ARCHIVE_CONTEXT_H

#include <framefs/record.h>

#include "format/decode.h"
#include "format/pcapng.h"

/* More are an error of the views that need them: no archive has that many in earnest. */
#define FF_CONTEXTS_MAX (UINT32_C(1) << 20)

struct ff_context {
    uint64_t offset, len; /* of the frame */
    uint64_t before;      /* bytes of all contexts before it */
    uint32_t section;     /* index of the context that began its section */
    uint32_t interfaces;  /* of its section, before it */
    bool is_interface;
    struct ff_clock clock; /* of an interface */
};

/* All zero: none. */
struct ff_contexts {
    struct ff_context *items; /* owned */
    size_t count, room;
    bool full; /* there are more than FF_CONTEXTS_MAX: what follows is not known */
};

void ff_contexts_done(struct ff_contexts *contexts);

/* Adds the frame that the decoder is DONE with; clock: of an interface. -ENOMEM. */
int ff_contexts_add(struct ff_contexts *contexts, const struct ff_decoder *decoder,
                    struct ff_clock clock);
/* Adds what `from` has more. -ENOMEM. */
int ff_contexts_follow(struct ff_contexts *contexts, const struct ff_contexts *from);

/* The first context that stands at offset or behind; count when there is none. */
size_t ff_contexts_from(const struct ff_contexts *contexts, uint64_t offset);

/* The contexts that a record at offset depends on are those from *ret_first to *ret_end - 1. False
 * when they are not all known. */
bool ff_contexts_of(const struct ff_contexts *contexts, uint64_t offset, size_t *ret_first,
                    size_t *ret_end);

/* The clock of the interface number `interface` of the section that offset lies in; one without
 * ticks when there is no such interface before it. */
struct ff_clock ff_contexts_clock(const struct ff_contexts *contexts, uint64_t offset,
                                  ff_value interface);

#endif
