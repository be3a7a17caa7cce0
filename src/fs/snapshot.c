#include "fs/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S  INT64_C(1000000000)
#define NS_PER_MS INT64_C(1000000)

void ff_snapshot_init(struct ff_snapshot *snapshot)
{
    *snapshot = (struct ff_snapshot){0};
    pthread_mutex_init(&snapshot->lock, NULL);
}

void ff_snapshot_done(struct ff_snapshot *snapshot)
{
    free(snapshot->text);
    pthread_mutex_destroy(&snapshot->lock);
}

static bool is_of_age(const struct timespec *made, enum ff_text_age age)
{
    struct timespec now;
    if (age != FF_TEXT_RECENT)
        return age == FF_TEXT_ANY;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t age_ns = (now.tv_sec - made->tv_sec) * NS_PER_S + now.tv_nsec - made->tv_nsec;
    return age_ns < FF_TEXT_RECENT_MS * NS_PER_MS;
}

/* The present time, or the smallest later one than before: two texts never share an mtime. */
static struct timespec next_mtime(const struct timespec *before)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec > before->tv_sec ||
        (now.tv_sec == before->tv_sec && now.tv_nsec > before->tv_nsec))
        return now;
    now = *before;
    if (++now.tv_nsec == NS_PER_S) {
        now.tv_nsec = 0;
        now.tv_sec++;
    }
    return now;
}

int ff_snapshot_refresh(struct ff_snapshot *snapshot, enum ff_text_age age,
                        char *(*make)(void *context, bool *ret_final), void *context)
{
    int r = 0;

    pthread_mutex_lock(&snapshot->lock);
    if (snapshot->text && (snapshot->final || is_of_age(&snapshot->made, age)))
        goto out;
    bool final = false;
    char *text = make(context, &final);
    if (!text) {
        r = snapshot->text ? 0 : -ENOMEM;
        goto out;
    }
    snapshot->final = final;
    clock_gettime(CLOCK_MONOTONIC, &snapshot->made);
    if (snapshot->text && strcmp(text, snapshot->text) == 0) {
        free(text);
        goto out;
    }
    free(snapshot->text);
    snapshot->text = text;
    snapshot->len = strlen(text);
    snapshot->mtime = next_mtime(&snapshot->mtime);
out:
    pthread_mutex_unlock(&snapshot->lock);
    return r;
}

int ff_snapshot_stat(struct ff_snapshot *snapshot, uint64_t *ret_len, struct timespec *ret_mtime)
{
    int r = -EAGAIN;

    pthread_mutex_lock(&snapshot->lock);
    if (snapshot->text) {
        *ret_len = snapshot->len;
        *ret_mtime = snapshot->mtime;
        r = 0;
    }
    pthread_mutex_unlock(&snapshot->lock);
    return r;
}

size_t ff_snapshot_read(struct ff_snapshot *snapshot, void *buf, size_t len, uint64_t offset)
{
    size_t count = 0;

    pthread_mutex_lock(&snapshot->lock);
    if (snapshot->text && offset < snapshot->len) {
        count = snapshot->len - (size_t)offset;
        if (count > len)
            count = len;
        memcpy(buf, snapshot->text + offset, count);
    }
    pthread_mutex_unlock(&snapshot->lock);
    return count;
}
