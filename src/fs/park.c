#include "fs/park.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>

void ff_park_init(struct ff_park *park, const struct ff_park_ops *ops)
{
    *park = (struct ff_park){.ops = ops};
    park->end = &park->first;
    pthread_mutex_init(&park->lock, NULL);
    pthread_cond_init(&park->wake, NULL);
}

static bool leaves(const struct ff_park *park, const struct ff_parked *parked,
                   enum ff_park_outcome *ret_outcome)
{
    if (park->stopping)
        *ret_outcome = FF_PARK_STOPPED;
    else if (park->ops->ready(parked))
        *ret_outcome = FF_PARK_READY;
    else if (parked->interrupted)
        *ret_outcome = FF_PARK_INTERRUPTED;
    else
        return false;
    return true;
}

/* Unlinks the first entry that leaves, looking from *link on, which is moved to where to go on. */
static struct ff_parked *take(struct ff_park *park, struct ff_parked ***link,
                              enum ff_park_outcome *ret_outcome)
{
    for (; **link; *link = &(**link)->next) {
        struct ff_parked *parked = **link;
        if (!leaves(park, parked, ret_outcome))
            continue;
        **link = parked->next;
        if (park->end == &parked->next)
            park->end = *link;
        park->count--;
        return parked;
    }
    return NULL;
}

static void *park_main(void *argument)
{
    struct ff_park *park = argument;

    pthread_mutex_lock(&park->lock);
    for (;;) {
        while (!park->pending && !park->stopping)
            pthread_cond_wait(&park->wake, &park->lock);
        park->pending = false;

        /* Only this thread unlinks, and entries are added at the end: the place in the list
         * holds while the lock is given up. */
        struct ff_parked **link = &park->first;
        struct ff_parked *parked;
        enum ff_park_outcome outcome;
        while ((parked = take(park, &link, &outcome))) {
            pthread_mutex_unlock(&park->lock);
            park->ops->resume(parked, outcome);
            pthread_mutex_lock(&park->lock);
        }
        if (park->stopping && !park->first)
            break;
    }
    pthread_mutex_unlock(&park->lock);
    return NULL;
}

int ff_park_start(struct ff_park *park)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(&park->thread, NULL, park_main, park);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    park->running = r == 0;
    return -r;
}

int ff_park_add(struct ff_park *park, struct ff_parked *parked)
{
    int r = 0;

    pthread_mutex_lock(&park->lock);
    if (park->stopping) {
        r = -ESHUTDOWN;
    } else if (park->count >= FF_PARKED_MAX) {
        r = -EAGAIN;
    } else {
        parked->next = NULL;
        *park->end = parked;
        park->end = &parked->next;
        park->count++;
        /* What it waits for may have come between the caller's look and now. */
        park->pending = true;
        pthread_cond_signal(&park->wake);
    }
    pthread_mutex_unlock(&park->lock);
    return r;
}

void ff_park_interrupt(struct ff_park *park, struct ff_parked *parked)
{
    pthread_mutex_lock(&park->lock);
    parked->interrupted = true;
    park->pending = true;
    pthread_cond_signal(&park->wake);
    pthread_mutex_unlock(&park->lock);
}

/* A scan calls this hundreds of times a second: waking the thread for nothing would cost it more
 * than its work. */
void ff_park_wake(struct ff_park *park)
{
    const struct ff_parked *parked;

    pthread_mutex_lock(&park->lock);
    for (parked = park->first; parked && !park->ops->ready(parked);)
        parked = parked->next;
    if (parked)
        park->pending = true;
    pthread_mutex_unlock(&park->lock);
    if (parked)
        pthread_cond_signal(&park->wake);
}

size_t ff_park_count(struct ff_park *park)
{
    pthread_mutex_lock(&park->lock);
    size_t count = park->count;
    pthread_mutex_unlock(&park->lock);
    return count;
}

void ff_park_stop(struct ff_park *park)
{
    pthread_mutex_lock(&park->lock);
    park->stopping = true;
    pthread_cond_signal(&park->wake);
    pthread_mutex_unlock(&park->lock);
    if (park->running)
        pthread_join(park->thread, NULL);
    park->running = false;
}

void ff_park_done(struct ff_park *park)
{
    assert(!park->running && !park->first);
    pthread_cond_destroy(&park->wake);
    pthread_mutex_destroy(&park->lock);
}
