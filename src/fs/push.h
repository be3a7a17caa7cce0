/*
 * What the kernel's cache is told unasked, by a thread of its own.
 *
 * Pushed neighbours: where small records are read one after the other, the thread stores the
 * contents of those that follow in the kernel's cache, so that they are read without a request. And
 * of the generated file it drops what lies behind who reads it in order (behind.h): it is made
 * faster than others could read again what it takes the place of.
 *
 * The kernel may make that thread wait for a page that a read request has locked, in a way that no
 * signal ends, not even a kill: so it must never be one that answers requests. It has its own table
 * of descriptors, too, without the channel to the supervisor, which sees by the end of that channel
 * that a worker is dead whose last thread still waits (supervise.c).
 *
 * Nothing depends on it: whatever it cannot push is read as ever, what it cannot drop stays.
 */
#ifndef FF_FS_PUSH_H
#define FF_FS_PUSH_H

#include <framefs/archive.h>
#include <pthread.h>

#include "archive/ahead.h"
#include "fs/behind.h"
#include "fs/follow.h"
#include "tree/tree.h"

/* Larger records are never pushed: of -o push=SIZE, and the largest that can be asked for. */
#define FF_PUSH_DEFAULT_BYTES (UINT64_C(64) << 10)
#define FF_PUSH_MAX_BYTES     FF_AHEAD_BYTES

struct ff_fs;
struct ff_fs_options;

struct ff_push {
    struct ff_fs *fs; /* NULL: there is no thread */
    pthread_t thread;
    bool runs;
    pthread_mutex_t lock; /* of all below; held for a few comparisons */
    pthread_cond_t wake;
    bool waits; /* the thread, for work */
    bool stopping;
    struct ff_follow follow;
    struct ff_follow_fate told; /* what .framefs/stats has of it */
    struct ff_behind behind;

    struct ff_ahead ahead; /* the thread's */
};

/* Whether the kernel keeps anything: else the thread has nothing to do. */
bool ff_push_is_wanted(const struct ff_fs_options *options);
/* Starts the thread, where fs->pusher is there; what it takes is given back by
 * ff_push_done(), also on failure. All zero before. 0; a negative errno. */
int ff_push_start(struct ff_push *push, struct ff_fs *fs);
/* Waits until the thread has ended, that long at most: false when it has not, because it waits for
 * the answer to a request. True when there is none (main thread). */
bool ff_push_stop(struct ff_push *push, unsigned int timeout_ms);
/* When nobody notes any more. */
void ff_push_done(struct ff_push *push);

/* The beginning of this record is asked for; view: what its file shows. Before the answer (any). */
void ff_push_note(struct ff_push *push, const struct ff_node *node, const struct ff_view *view);
/* These bytes of the generated file are asked for, to be kept (any). */
void ff_push_note_made(struct ff_push *push, uint64_t ino, uint64_t offset, uint64_t len);

#endif
