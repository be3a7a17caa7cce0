#include "fs/roster.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS_FIRST 64
#define LABELS_FIRST  4096
#define NOT_SHOWN     UINT32_MAX

_Static_assert(FF_ROSTER_RECORDS_MAX *FF_LABEL_BYTES <= UINT32_MAX, "places fit");

struct ff_roster {
    atomic_int state; /* 0 while it is filled; 1: sealed; a negative errno */
    const char *extension;
    uint32_t count, room;
    uint32_t named;  /* of them, those that are shown */
    uint32_t *place; /* of each record's label, in labels; NOT_SHOWN */
    bool *numbered;  /* whether its number is appended */
    uint32_t *order; /* the named ones by label, then by number; made when it is sealed */
    char *labels;    /* each with its NUL */
    size_t labels_len, labels_room;
};

int ff_roster_new(const char *extension, struct ff_roster **ret_roster)
{
    struct ff_roster *roster = calloc(1, sizeof(*roster));
    if (!roster)
        return -ENOMEM;
    roster->extension = extension;
    *ret_roster = roster;
    return 0;
}

void ff_roster_free(struct ff_roster *roster)
{
    if (!roster)
        return;
    free(roster->place);
    free(roster->numbered);
    free(roster->order);
    free(roster->labels);
    free(roster);
}

static int make_room(struct ff_roster *roster)
{
    if (roster->count == roster->room) {
        uint32_t room = roster->room ? roster->room * 2 : RECORDS_FIRST;
        uint32_t *place = reallocarray(roster->place, room, sizeof(*place));
        if (place)
            roster->place = place;
        bool *numbered = reallocarray(roster->numbered, room, sizeof(*numbered));
        if (numbered)
            roster->numbered = numbered;
        if (!place || !numbered)
            return -ENOMEM;
        roster->room = room;
    }
    if (roster->labels_room - roster->labels_len < FF_LABEL_BYTES) {
        size_t room = roster->labels_room ? roster->labels_room * 2 : LABELS_FIRST;
        char *labels = realloc(roster->labels, room);
        if (!labels)
            return -ENOMEM;
        roster->labels = labels;
        roster->labels_room = room;
    }
    return 0;
}

int ff_roster_add(struct ff_roster *roster, const char *text)
{
    if (roster->count == FF_ROSTER_RECORDS_MAX)
        return -EOVERFLOW;
    int r = make_room(roster);
    if (r < 0)
        return r;
    roster->numbered[roster->count] = false;
    roster->place[roster->count] = text ? (uint32_t)roster->labels_len : NOT_SHOWN;
    roster->count++;
    if (!text)
        return 0;
    /* Two labels that are cut to the same name are the same. */
    size_t len = ff_label_escape(roster->labels + roster->labels_len,
                                 FF_LABEL_BYTES - strlen(roster->extension), text);
    roster->labels_len += len + 1;
    return 0;
}

static const char *label_of(const struct ff_roster *roster, uint32_t record)
{
    return roster->labels + roster->place[record];
}

static int compare(const void *a, const void *b, void *context)
{
    const uint32_t *left = a, *right = b;
    int order = strcmp(label_of(context, *left), label_of(context, *right));

    return order ? order : (*left > *right) - (*left < *right);
}

/* The first record whose label is the name without its extension; -ENOENT. */
static int find_label(const struct ff_roster *roster, const char *name, uint32_t *ret_record)
{
    char label[FF_LABEL_BYTES];
    size_t len = strlen(name), ext_len = strlen(roster->extension);
    uint32_t low = 0, high = roster->named;

    if (len >= sizeof(label) || len < ext_len ||
        strcmp(name + len - ext_len, roster->extension) != 0)
        return -ENOENT;
    memcpy(label, name, len - ext_len);
    label[len - ext_len] = '\0';
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (strcmp(label_of(roster, roster->order[middle]), label) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == roster->named || strcmp(label_of(roster, roster->order[low]), label) != 0)
        return -ENOENT;
    *ret_record = roster->order[low];
    return 0;
}

static bool is_taken(const struct ff_roster *roster, uint32_t record)
{
    char name[FF_LABEL_BYTES];

    ff_label_plain(name, label_of(roster, record), roster->extension);
    return strcmp(name, ff_control_name(FF_CONTROL_DIR)) == 0 ||
           strcmp(name, ff_control_name(FF_CONTROL_ROOT_SYNTHETIC)) == 0;
}

/* The records whose number is appended; queue has room for all. */
static void number_records(struct ff_roster *roster, uint32_t *queue)
{
    uint32_t queued = 0;

    for (uint32_t i = 0; i < roster->named; i++) {
        uint32_t record = roster->order[i];
        const char *label = label_of(roster, record);
        bool again = i > 0 && strcmp(label, label_of(roster, roster->order[i - 1])) == 0;
        if (again || !*label || is_taken(roster, record)) {
            roster->numbered[record] = true;
            queue[queued++] = record;
        }
    }
    /* Names with a number differ by it: what such a name can meet is the label of a record without.
     */
    for (uint32_t i = 0; i < queued; i++) {
        char name[FF_LABEL_BYTES];
        uint32_t met;
        ff_label_unique(name, label_of(roster, queue[i]), queue[i], roster->extension);
        if (find_label(roster, name, &met) == 0 && !roster->numbered[met]) {
            roster->numbered[met] = true;
            queue[queued++] = met;
        }
    }
}

int ff_roster_seal(struct ff_roster *roster)
{
    uint32_t *queue = calloc((size_t)roster->count + 1, sizeof(*queue));

    roster->order = calloc((size_t)roster->count + 1, sizeof(*roster->order));
    if (!queue || !roster->order) {
        free(queue);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < roster->count; i++) {
        if (roster->place[i] != NOT_SHOWN)
            roster->order[roster->named++] = i;
    }
    qsort_r(roster->order, roster->named, sizeof(*roster->order), compare, roster);
    number_records(roster, queue);
    free(queue);
    atomic_store_explicit(&roster->state, 1, memory_order_release);
    return 0;
}

void ff_roster_fail(struct ff_roster *roster, int r)
{
    atomic_store_explicit(&roster->state, r, memory_order_release);
}

bool ff_roster_is_final(const struct ff_roster *roster)
{
    return atomic_load_explicit(&roster->state, memory_order_acquire) != 0;
}

static int check_state(const struct ff_roster *roster)
{
    int state = atomic_load_explicit(&roster->state, memory_order_acquire);

    return state > 0 ? 0 : state == 0 ? -EAGAIN : state;
}

static bool is_named(const struct ff_roster *roster, uint64_t number)
{
    return number < roster->count && roster->place[number] != NOT_SHOWN;
}

static void make_name(const struct ff_roster *roster, uint32_t record, char buf[FF_LABEL_BYTES])
{
    if (roster->numbered[record])
        ff_label_unique(buf, label_of(roster, record), record, roster->extension);
    else
        ff_label_plain(buf, label_of(roster, record), roster->extension);
}

int ff_roster_name(const struct ff_roster *roster, uint64_t number, char buf[FF_LABEL_BYTES])
{
    int r = check_state(roster);
    if (r < 0)
        return r;
    if (!is_named(roster, number))
        return -ENOENT;
    make_name(roster, (uint32_t)number, buf);
    return 0;
}

int ff_roster_find(const struct ff_roster *roster, const char *name, uint64_t *ret_number)
{
    char same[FF_LABEL_BYTES];
    uint32_t record;
    uint64_t number;

    int r = check_state(roster);
    if (r < 0)
        return r;
    /* Of several with a label only the first can be called by it. */
    if (find_label(roster, name, &record) == 0 && !roster->numbered[record]) {
        *ret_number = record;
        return 0;
    }
    if (ff_label_parse_unique(name, roster->extension, &number) < 0 || !is_named(roster, number))
        return -ENOENT;
    make_name(roster, (uint32_t)number, same);
    if (strcmp(same, name) != 0)
        return -ENOENT;
    *ret_number = number;
    return 0;
}
