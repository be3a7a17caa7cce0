/*
 * Between a worker and its supervisor: that it serves, or shall, what became of the index files,
 * and what it has to log. A worker cannot open a path or a socket; this pair is made before it is
 * locked in.
 */
#ifndef FF_FS_CHANNEL_H
#define FF_FS_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"

/* Of a line, with its NUL; what is longer is cut. */
#define FF_CHANNEL_TEXT_BYTES 2560

enum ff_channel_kind {
    FF_CHANNEL_READY,   /* the kernel has accepted the worker's answer to INIT */
    FF_CHANNEL_SCANNED, /* the worker knows its archives whole, and the next one has to scan, too */
    /* Of an archive's index files (fs/shelf.h): */
    FF_CHANNEL_INDEX_REFUSED,   /* the one to read is not this archive's, or damaged */
    FF_CHANNEL_INDEX_WRITTEN,   /* the one to write is finished */
    FF_CHANNEL_INDEX_INHERITED, /* instead of it the one that the program before wrote: finished */
    FF_CHANNEL_INDEX_LEFT,      /* it is written no more: no need, or no room */
    FF_CHANNEL_LOG,
};

struct ff_channel_message {
    enum ff_channel_kind kind;
    enum ff_log_level level;
    uint32_t archive;                 /* of INDEX_*: its number; UINT32_MAX where that is missing */
    char text[FF_CHANNEL_TEXT_BYTES]; /* free of control bytes */
};

/* The worker's end does not block, nor does the supervisor's. */
int ff_channel_new(int *ret_supervisor, int *ret_worker);

/* In the worker (any thread). READY waits until it can be sent. A line that finds the channel full
 * is dropped, and the next one says so. */
void ff_channel_ready(int fd);
void ff_channel_scanned(int fd); /* as READY */
/* One of INDEX_*, as READY. */
void ff_channel_index(int fd, enum ff_channel_kind kind, uint32_t archive);
/* A spare worker waits to be told to serve: false when the supervisor is gone, or a signal came. */
bool ff_channel_await_go(int fd);
void ff_channel_log(int fd, enum ff_log_level level, const char *text);

/* In the supervisor: the spare worker may serve. */
void ff_channel_go(int fd);

/* In the supervisor, which believes nothing of it: true when there was one; *ret_end: there will be
 * none any more. */
bool ff_channel_receive(int fd, struct ff_channel_message *ret_message, bool *ret_end);

#endif
