/*
 * Pushed neighbours: where small records are read one after the other, a thread of its own stores
 * the contents of those that follow in the kernel's cache, so that they are read without a request.
 *
 * The kernel may make that thread wait for a page that a read request has locked, in a way that no
 * signal ends, not even a kill: so it must never be one that answers requests. It has its own table
 * of descriptors, too, without the channel to the supervisor, which sees by the end of that channel
 * that a worker is dead whose last thread still waits (supervise.c).
 *
 * Nothing depends on it: whatever it cannot push is read as ever.
 */
#ifndef FF_FS_PUSH_H
#define FF_FS_PUSH_H

#include <framefs/archive.h>
#include <pthread.h>

#include "archive/ahead.h"
#include "fs/follow.h"
#include "tree/tree.h"

/* Larger records are never pushed: of -o push=SIZE, and the largest that can be asked for. */
#define FF_PUSH_DEFAULT_BYTES (UINT64_C(64) << 10)
#define FF_PUSH_MAX_BYTES     FF_AHEAD_BYTES

struct ff_fs;

struct ff_push {
    struct ff_fs *fs; /* NULL: nothing is pushed */
    pthread_t thread;
    bool runs;
    pthread_mutex_t lock; /* of all below; held for a few comparisons */
    pthread_cond_t wake;
    bool waits; /* the thread, for work */
    bool stopping;
    struct ff_follow follow;

    struct ff_ahead ahead; /* the thread's */
};

/* Starts the thread, where the options want it and there are records; what it takes is given back
 * by ff_push_done(), also on failure. All zero before. 0; a negative errno. */
int ff_push_start(struct ff_push *push, struct ff_fs *fs);
/* Waits until the thread has ended, that long at most: false when it has not, because it waits for
 * the answer to a request. True when there is none (main thread). */
bool ff_push_stop(struct ff_push *push, unsigned int timeout_ms);
/* When nobody notes any more. */
void ff_push_done(struct ff_push *push);

/* The beginning of this record is asked for; view: what its file shows. Before the answer (any). */
void ff_push_note(struct ff_push *push, const struct ff_node *node, const struct ff_view *view);

#endif
