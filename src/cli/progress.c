#include "cli/progress.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/bar.h"
#include "cli/terminal.h"

/* A scan that ends before the first line is drawn does not flicker. */
#define FIRST_MS 300
#define EVERY_MS 200

#define LABEL_BYTES 256

struct ff_progress {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool end;
    bool drawn;
    struct timespec begin;
    char label[LABEL_BYTES];
    void (*state)(void *context, struct ff_progress_state *ret_state);
    void *context;
};

static uint64_t elapsed_ms(const struct ff_progress *progress)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)((now.tv_sec - progress->begin.tv_sec) * 1000 +
                      (now.tv_nsec - progress->begin.tv_nsec) / 1000000);
}

static void write_stderr(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0)
        return; /* a terminal that is gone needs no progress */
}

static void draw(struct ff_progress *progress)
{
    struct ff_progress_state state = {0};
    struct ff_terminal terminal;
    char line[FF_BAR_LINE_BYTES], text[FF_BAR_LINE_BYTES + 32];

    progress->state(progress->context, &state);
    /* Each time: the window's width may change. */
    ff_terminal_probe(STDERR_FILENO, &terminal);
    ff_bar_progress(line,
                    &(struct ff_bar_progress){
                        .label = progress->label,
                        .done_bytes = state.done_bytes,
                        .total_bytes = state.total_bytes,
                        .total_known = state.total_known,
                        .elapsed_ms = elapsed_ms(progress),
                    },
                    &terminal);
    const char *colour = terminal.colour ? "\033[36m" : "",
               *plain = terminal.colour ? "\033[0m" : "";
    snprintf(text, sizeof(text), "\r%s%s%s\033[K", colour, line, plain);
    write_stderr(text);
    progress->drawn = true;
}

static void *run(void *argument)
{
    struct ff_progress *progress = argument;
    uint64_t next_ms = FIRST_MS;

    pthread_mutex_lock(&progress->mutex);
    while (!progress->end) {
        struct timespec until = progress->begin;
        until.tv_sec += (time_t)(next_ms / 1000);
        until.tv_nsec += (long)(next_ms % 1000) * 1000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000;
        }
        pthread_cond_timedwait(&progress->wake, &progress->mutex, &until);
        if (!progress->end && elapsed_ms(progress) >= next_ms) {
            draw(progress);
            next_ms = elapsed_ms(progress) + EVERY_MS;
        }
    }
    pthread_mutex_unlock(&progress->mutex);
    return NULL;
}

struct ff_progress *
ff_progress_begin(const char *label,
                  void (*state)(void *context, struct ff_progress_state *ret_state), void *context)
{
    struct ff_terminal terminal;
    struct ff_progress *progress;
    pthread_condattr_t attributes;

    ff_terminal_probe(STDERR_FILENO, &terminal);
    if (!terminal.movable)
        return NULL;
    progress = calloc(1, sizeof(*progress));
    if (!progress)
        return NULL;
    progress->state = state;
    progress->context = context;
    snprintf(progress->label, sizeof(progress->label), "%s", label);
    clock_gettime(CLOCK_MONOTONIC, &progress->begin);
    pthread_mutex_init(&progress->mutex, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&progress->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&progress->thread, NULL, run, progress) != 0) {
        pthread_cond_destroy(&progress->wake);
        pthread_mutex_destroy(&progress->mutex);
        free(progress);
        return NULL;
    }
    return progress;
}

/* The line is drawn under the mutex, which is kept meanwhile. */
void ff_progress_hide(struct ff_progress *progress)
{
    if (!progress)
        return;
    pthread_mutex_lock(&progress->mutex);
    if (progress->drawn)
        write_stderr("\r\033[K");
}

void ff_progress_show(struct ff_progress *progress)
{
    if (progress)
        pthread_mutex_unlock(&progress->mutex);
}

void ff_progress_end(struct ff_progress *progress)
{
    if (!progress)
        return;
    pthread_mutex_lock(&progress->mutex);
    progress->end = true;
    pthread_cond_signal(&progress->wake);
    pthread_mutex_unlock(&progress->mutex);
    pthread_join(progress->thread, NULL);
    if (progress->drawn)
        write_stderr("\r\033[K");
    pthread_cond_destroy(&progress->wake);
    pthread_mutex_destroy(&progress->mutex);
    free(progress);
}
