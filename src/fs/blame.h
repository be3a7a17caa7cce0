/*
 * Which request killed a worker.
 *
 * Each serving thread keeps the request that it has in hand in a slot of memory that outlives the
 * worker. After a death the supervisor looks at the slots: a request that was in hand at
 * FF_BLAME_CRASHES_MAX crashes, or at FF_BLAME_KILLS_MAX deaths by a signal from outside (which
 * may have met it by chance), is condemned. The kernel sends it again to the next worker, who
 * answers it with EIO.
 *
 * Threads: a slot is its thread's; what the supervisor keeps is the supervisor's.
 */
#ifndef FF_FS_BLAME_H
#define FF_FS_BLAME_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More threads serve without a slot: their requests are not blamed. */
#define FF_BLAME_SLOTS       64
#define FF_BLAME_CRASHES_MAX 2
#define FF_BLAME_KILLS_MAX   5
/* Of the latest suspects and condemned so many are remembered. */
#define FF_BLAME_SUSPECTS_MAX  256
#define FF_BLAME_CONDEMNED_MAX 64
/* Set by the kernel in the unique of a request that it sends again (FUSE_UNIQUE_RESEND). */
#define FF_UNIQUE_RESENT (UINT64_C(1) << 63)

struct ff_blame_slot {
    alignas(
        64) _Atomic uint64_t unique; /* of the request in hand, without FF_UNIQUE_RESENT; 0: none */
    _Atomic uint64_t nodeid;
    _Atomic uint32_t opcode;   /* enum fuse_opcode */
    atomic_bool taken;         /* by a thread */
    atomic_bool guilty;        /* this thread has crashed */
    _Atomic uint64_t answered; /* answers that the slot's threads have sent */
};

/* The slots of one worker. */
struct ff_blame_bench {
    struct ff_blame_slot slots[FF_BLAME_SLOTS];
};

/* What workers look up. */
struct ff_blame_list {
    _Atomic uint64_t condemned[FF_BLAME_CONDEMNED_MAX]; /* uniques */
    _Atomic uint64_t count;                             /* ever condemned */
};

struct ff_blame_suspect {
    uint64_t unique; /* 0: a free place */
    uint64_t nodeid;
    uint32_t opcode;
    uint32_t crashes, kills; /* workers that died with it in hand */
};

/* The supervisor's memory. All zero to begin with. */
struct ff_blame {
    struct ff_blame_suspect suspects[FF_BLAME_SUSPECTS_MAX];
    size_t next;
};

/* ---- in a worker ---- */

/* NULL when all are taken. */
struct ff_blame_slot *ff_blame_take(struct ff_blame_bench *bench);
void ff_blame_give_back(struct ff_blame_slot *slot);

static inline void ff_blame_begin(struct ff_blame_slot *slot, uint64_t unique, uint64_t nodeid,
                                  uint32_t opcode)
{
    atomic_store_explicit(&slot->nodeid, nodeid, memory_order_relaxed);
    atomic_store_explicit(&slot->opcode, opcode, memory_order_relaxed);
    atomic_store_explicit(&slot->unique, unique & ~FF_UNIQUE_RESENT, memory_order_release);
}

static inline void ff_blame_end(struct ff_blame_slot *slot)
{
    atomic_store_explicit(&slot->unique, 0, memory_order_release);
}

bool ff_blame_is_condemned(const struct ff_blame_list *list, uint64_t unique);

/* ---- in the supervisor, when the worker is dead ---- */

/* Empties a bench for the next worker. */
void ff_blame_clear(struct ff_blame_bench *bench);
/* Answers that the worker has sent. */
uint64_t ff_blame_answered(const struct ff_blame_bench *bench);
/* crashed: the worker has died of what it did itself. The requests that are condemned by it are at
 * ret_condemned: their number. Where a slot is guilty, no other is suspected. */
size_t ff_blame_judge(struct ff_blame *blame, const struct ff_blame_bench *bench, bool crashed,
                      struct ff_blame_list *list,
                      struct ff_blame_suspect ret_condemned[FF_BLAME_SLOTS]);

#endif
