#include <errno.h>
#include <signal.h>
#include <string.h>

#include "fs/state.h"
#include "fs/uring.h"

/* What the record calls itself; "" where the format has no names, and on failure: a record whose
 * header cannot be read is called by its number. */
static int get_own_name(struct ff_fs *fs, const struct ff_shown *shown, uint64_t number,
                        char text[FF_DETAIL_NAME_BYTES])
{
    struct ff_record record;
    struct ff_details details;
    struct ff_error error = {0};

    text[0] = '\0';
    if (!shown->has_names)
        return 0;
    int r = ff_archive_record(shown->archive, number, &record);
    if (r == 0)
        r = ff_archive_details(shown->archive, &record, &details, &error);
    if (r < 0)
        return ff_fs_failed(fs, r, &error);
    memcpy(text, details.name, sizeof(details.name));
    return 0;
}

static int wait_for(const struct ff_shown *shown, int r, struct ff_wait *ret_wait)
{
    if (r == -EAGAIN)
        *ret_wait = (struct ff_wait){.archive = shown->archive, .roster = shown->roster};
    return r;
}

int ff_naming_name(struct ff_fs *fs, const struct ff_shown *shown, uint64_t number,
                   char buf[FF_LABEL_BYTES], struct ff_wait *ret_wait)
{
    char text[FF_DETAIL_NAME_BYTES];

    switch (fs->options->names) {
    case FF_NAMES_NAME:
        return wait_for(shown, ff_roster_name(shown->roster, number, buf), ret_wait);
    case FF_NAMES_NUMBER_NAME:
        (void)get_own_name(fs, shown, number, text);
        ff_label_numbered(buf, shown->layout, number, text, shown->extension);
        return 0;
    case FF_NAMES_NUMBER:
        break;
    }
    ff_name_record(buf, shown->layout, number, shown->extension);
    return 0;
}

/* The number that the name begins with, if that record has this name. */
static int find_numbered(struct ff_fs *fs, const struct ff_shown *shown, const char *name,
                         uint64_t *ret_number, struct ff_wait *ret_wait)
{
    char text[FF_DETAIL_NAME_BYTES], same[FF_LABEL_BYTES];
    uint64_t number;

    int r = ff_label_parse_numbered(name, shown->layout, &number);
    if (r == 0)
        r = ff_fs_has_record(shown, number, ret_wait);
    if (r < 0)
        return r;
    r = get_own_name(fs, shown, number, text);
    ff_label_numbered(same, shown->layout, number, text, shown->extension);
    if (strcmp(same, name) != 0)
        return r < 0 ? r : -ENOENT;
    *ret_number = number;
    return 0;
}

int ff_naming_find(struct ff_fs *fs, const struct ff_shown *shown, const char *name,
                   uint64_t *ret_number, struct ff_wait *ret_wait)
{
    switch (fs->options->names) {
    case FF_NAMES_NAME:
        return wait_for(shown, ff_roster_find(shown->roster, name, ret_number), ret_wait);
    case FF_NAMES_NUMBER_NAME:
        return find_numbered(fs, shown, name, ret_number, ret_wait);
    case FF_NAMES_NUMBER:
        break;
    }
    return ff_name_parse_record(name, shown->layout, shown->extension, ret_number);
}

/* ---- the tables of names=name ---- */

/* The scan is complete. */
static void fill_roster(struct ff_fs *fs, const struct ff_shown *shown)
{
    uint64_t count = ff_archive_count(shown->archive), next;
    char text[FF_DETAIL_NAME_BYTES];
    int r = 0;

    for (uint64_t number = 0; number < count && r == 0; number++) {
        if (atomic_load_explicit(&fs->namer_stop, memory_order_relaxed))
            return;
        bool is_shown = ff_archive_next(shown->archive, number, &next) == 0 && next == number;
        if (is_shown)
            (void)get_own_name(fs, shown, number, text);
        r = ff_roster_add(shown->roster, is_shown ? text : NULL);
    }
    if (r == 0)
        r = ff_roster_seal(shown->roster);
    if (r < 0)
        ff_roster_fail(shown->roster, r);
    ff_park_wake(&fs->park);
    ff_uring_note_scan(fs);
}

static void *namer_thread(void *context)
{
    struct ff_fs *fs = context;

    for (size_t i = 0; i < fs->shown_count; i++)
        fill_roster(fs, &fs->shown[i]);
    return NULL;
}

int ff_naming_start(struct ff_fs *fs)
{
    sigset_t all, before;

    if (fs->options->names != FF_NAMES_NAME)
        return 0;
    /* Signals are the main thread's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = -pthread_create(&fs->namer, NULL, namer_thread, fs);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    fs->namer_runs = r == 0;
    return r;
}

void ff_naming_stop(struct ff_fs *fs)
{
    if (!fs->namer_runs)
        return;
    atomic_store(&fs->namer_stop, true);
    pthread_join(fs->namer, NULL);
    fs->namer_runs = false;
}
