/*
 * Requests that wait for the scan, without a thread each: a list that one thread of its own looks
 * through whenever something happened.
 *
 * An entry is embedded in what the caller wants to keep. It leaves the list once, through resume(),
 * which is called in the park's thread without a lock held and then owns it; it may add it again.
 */
#ifndef FF_FS_PARK_H
#define FF_FS_PARK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* More would be a caller that asks without ever looking at the answers. */
#define FF_PARKED_MAX 4096

struct ff_parked {
    struct ff_parked *next;
    bool interrupted;
};

enum ff_park_outcome {
    FF_PARK_READY,
    FF_PARK_INTERRUPTED, /* ff_park_interrupt() was called for it */
    FF_PARK_STOPPED,     /* ff_park_stop() was */
};

struct ff_park_ops {
    /* Whether it has what it waits for. Called with the park's lock held: cheap, takes no lock. */
    bool (*ready)(const struct ff_parked *parked);
    void (*resume)(struct ff_parked *parked, enum ff_park_outcome outcome);
};

struct ff_park {
    const struct ff_park_ops *ops;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    struct ff_parked *first;
    struct ff_parked **end; /* where the next one is linked */
    size_t count;
    bool running;
    bool pending; /* something happened since the list was looked through */
    bool stopping;
};

void ff_park_init(struct ff_park *park, const struct ff_park_ops *ops);
/* Starts the thread, with all signals blocked. */
int ff_park_start(struct ff_park *park);

/* Takes the entry over until resume(), which may come before this returns. On failure it stays the
 * caller's: -EAGAIN when FF_PARKED_MAX wait already, -ESHUTDOWN after ff_park_stop() (any). */
int ff_park_add(struct ff_park *park, struct ff_parked *parked);
/* The entry may be on its way into the list or out of it, but must exist (any). */
void ff_park_interrupt(struct ff_park *park, struct ff_parked *parked);
/* Something happened that entries may wait for (any). Asks them in the caller's thread. */
void ff_park_wake(struct ff_park *park);
size_t ff_park_count(struct ff_park *park);

/* Resumes all that wait as FF_PARK_STOPPED, refuses more, joins the thread. */
void ff_park_stop(struct ff_park *park);
void ff_park_done(struct ff_park *park); /* after ff_park_stop(), or never started */

#endif
