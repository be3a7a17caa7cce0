/*
 * Progress on a terminal: one line on stderr, redrawn a few times a second by a thread of its own,
 * so that it moves (and the rate falls) also while a read blocks. Where stderr is no terminal,
 * nothing of this does anything. Nothing else may be written to stderr in between.
 */
#ifndef FF_CLI_PROGRESS_H
#define FF_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct ff_progress;

struct ff_progress_state {
    uint64_t done_bytes;
    uint64_t total_bytes;
    bool total_known;
};

/* Asks state(context) from its thread until the end. label is copied. Failing to start is not
 * reported: NULL. */
struct ff_progress *
ff_progress_begin(const char *label,
                  void (*state)(void *context, struct ff_progress_state *ret_state), void *context);

/* Wipes the line for something to be printed, until it is shown again. NULL is fine. */
void ff_progress_hide(struct ff_progress *progress);
void ff_progress_show(struct ff_progress *progress);

/* Wipes the line. NULL is fine. */
void ff_progress_end(struct ff_progress *progress);

#endif
