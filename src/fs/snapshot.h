/*
 * The text of a generated file as its readers see it: made at once, served unchanged until it is
 * made anew, so that a reader in several steps does not get a mix.
 *
 * Threads: any.
 */
#ifndef FF_FS_SNAPSHOT_H
#define FF_FS_SNAPSHOT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* How old a text may be that is not made anew. */
enum ff_text_age {
    FF_TEXT_NEW, /* for a reader that begins: he has just looked the file up */
    /* For attributes. The kernel asks for them before each read, also in the middle of a reader's
     * way through the text. */
    FF_TEXT_RECENT,
    FF_TEXT_ANY, /* for reads: what the attributes were of */
};
#define FF_TEXT_RECENT_MS 1000

struct ff_snapshot {
    pthread_mutex_t lock;
    char *text;
    size_t len;
    struct timespec mtime;
    struct timespec made; /* CLOCK_MONOTONIC */
    bool final;
};

void ff_snapshot_init(struct ff_snapshot *snapshot);
void ff_snapshot_done(struct ff_snapshot *snapshot);

/* Makes the text anew if there is none, or if it is neither final nor of that age. make returns
 * what free() frees, ends with a NUL and never is empty; NULL when memory is short; it sets
 * *ret_final when the text will never be another. mtime changes with the text, and only then.
 * -ENOMEM when there is no text at all. */
int ff_snapshot_refresh(struct ff_snapshot *snapshot, enum ff_text_age age,
                        char *(*make)(void *context, bool *ret_final), void *context);

/* Bytes; -EAGAIN before the first refresh. */
int ff_snapshot_stat(struct ff_snapshot *snapshot, uint64_t *ret_len, struct timespec *ret_mtime);
/* Copies up to len bytes at offset of the text: their number, 0 past its end. */
size_t ff_snapshot_read(struct ff_snapshot *snapshot, void *buf, size_t len, uint64_t offset);

#endif
