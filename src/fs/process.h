/* A worker's process as the supervisor sees it. */
#ifndef FF_FS_PROCESS_H
#define FF_FS_PROCESS_H

#include <framefs/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ff_process {
    pid_t pid; /* 0: none; then the descriptors are -1 */
    int pidfd;
    int channel;        /* to it */
    size_t bench;       /* its place in struct ff_shared */
    int64_t started_ms; /* ff_process_now_ms() */
    int64_t late_ms;    /* when it should have ended, its channel being closed; 0: it is not */
    bool is_dead;       /* it has only to end */
    bool is_adopted;    /* of the program before this one */
    bool ready;         /* it serves */
    bool scanned;       /* it knows its archives whole, */
    int64_t scan_ms;    /* and that took so long; of one whose first look was enough: 0 */
    unsigned int heard; /* messages of it, */
    int64_t heard_ms;   /* since then */
};

#define FF_PROCESS_NONE ((struct ff_process){.pidfd = -1, .channel = -1})

int64_t ff_process_now_ms(void);

/* Forks. In the child it returns 0 with pid 0 and the channel's other end at ret_process->channel;
 * in the parent the child is at *ret_process. */
int ff_process_start(struct ff_process *ret_process, struct ff_error *error);
/* One that exists already. */
int ff_process_adopt(pid_t pid, int channel, struct ff_process *ret_process,
                     struct ff_error *error);
/* Waits for the end of one that has ended or is about to: its status, as waitpid(2) tells it. */
int ff_process_collect(struct ff_process *process);
/* Kills it and waits for its end, a second at most; does nothing when there is none. */
void ff_process_kill(struct ff_process *process);

/* Does not wait for its end, nor hear of it: it has been killed. Nothing when there is none. */
void ff_process_forget(struct ff_process *process);

/* How it ended, in words. */
void ff_process_describe(int status, char *text, size_t text_size);
/* Whether it has died of what it did itself. */
bool ff_process_has_crashed(int status);

#endif
