#include "fs/blame.h"

struct ff_blame_slot *ff_blame_take(struct ff_blame_bench *bench)
{
    for (size_t i = 0; i < FF_BLAME_SLOTS; i++) {
        bool taken = false;
        if (atomic_compare_exchange_strong(&bench->slots[i].taken, &taken, true))
            return &bench->slots[i];
    }
    return NULL;
}

void ff_blame_give_back(struct ff_blame_slot *slot)
{
    ff_blame_end(slot);
    atomic_store(&slot->taken, false);
}

bool ff_blame_is_condemned(const struct ff_blame_list *list, uint64_t unique)
{
    if (atomic_load_explicit(&list->count, memory_order_relaxed) == 0)
        return false;
    for (size_t i = 0; i < FF_BLAME_CONDEMNED_MAX; i++)
        if (atomic_load_explicit(&list->condemned[i], memory_order_relaxed) ==
            (unique & ~FF_UNIQUE_RESENT))
            return true;
    return false;
}

void ff_blame_clear(struct ff_blame_bench *bench)
{
    for (size_t i = 0; i < FF_BLAME_SLOTS; i++) {
        struct ff_blame_slot *slot = &bench->slots[i];
        atomic_store(&slot->unique, 0);
        atomic_store(&slot->guilty, false);
        atomic_store(&slot->answered, 0);
        atomic_store(&slot->taken, false);
    }
}

uint64_t ff_blame_answered(const struct ff_blame_bench *bench)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < FF_BLAME_SLOTS; i++)
        sum += atomic_load(&bench->slots[i].answered);
    return sum;
}

/* The place of a request, a new one if it was not suspected before. */
static struct ff_blame_suspect *suspect(struct ff_blame *blame, const struct ff_blame_slot *slot,
                                        uint64_t unique)
{
    for (size_t i = 0; i < FF_BLAME_SUSPECTS_MAX; i++)
        if (blame->suspects[i].unique == unique)
            return &blame->suspects[i];
    struct ff_blame_suspect *place = &blame->suspects[blame->next];
    blame->next = (blame->next + 1) % FF_BLAME_SUSPECTS_MAX;
    *place = (struct ff_blame_suspect){
        .unique = unique,
        .nodeid = atomic_load(&slot->nodeid),
        .opcode = atomic_load(&slot->opcode),
    };
    return place;
}

static void condemn(struct ff_blame_list *list, uint64_t unique)
{
    uint64_t count = atomic_load(&list->count);

    atomic_store(&list->condemned[count % FF_BLAME_CONDEMNED_MAX], unique);
    atomic_store(&list->count, count + 1);
}

size_t ff_blame_judge(struct ff_blame *blame, const struct ff_blame_bench *bench, bool crashed,
                      struct ff_blame_list *list,
                      struct ff_blame_suspect ret_condemned[FF_BLAME_SLOTS])
{
    bool confessed = false;
    size_t condemned = 0;

    for (size_t i = 0; i < FF_BLAME_SLOTS; i++)
        confessed = confessed || atomic_load(&bench->slots[i].guilty);
    for (size_t i = 0; i < FF_BLAME_SLOTS; i++) {
        const struct ff_blame_slot *slot = &bench->slots[i];
        uint64_t unique = atomic_load(&slot->unique);
        if (unique == 0 || (confessed && !atomic_load(&slot->guilty)))
            continue;
        struct ff_blame_suspect *found = suspect(blame, slot, unique);
        if (crashed)
            found->crashes++;
        else
            found->kills++;
        if (found->crashes < FF_BLAME_CRASHES_MAX && found->kills < FF_BLAME_KILLS_MAX)
            continue;
        condemn(list, unique);
        ret_condemned[condemned++] = *found;
        found->unique = 0;
    }
    return condemned;
}
