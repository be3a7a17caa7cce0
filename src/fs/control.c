#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "fs/state.h"

/* What a text is made from. */
struct making {
    struct ff_fs *fs;
    struct ff_shown *shown;
};

/* A file of size 0 reads as empty, however much it would give. */
static char *never_empty(char *text)
{
    if (text && !*text) {
        free(text);
        text = calloc(2, 1);
        if (text)
            *text = '\n';
    }
    return text;
}

static char *make_info(void *context, bool *ret_final)
{
    const struct making *making = context;
    struct ff_archive *archive = making->shown->archive;

    *ret_final = ff_archive_complete(archive);
    return never_empty(ff_report_json(&archive, 1));
}

static char *make_damage(void *context, bool *ret_final)
{
    const struct making *making = context;
    struct ff_archive *archive = making->shown->archive;

    *ret_final = ff_archive_complete(archive);
    return never_empty(ff_report_damage(archive));
}

static const char *label_of(const struct ff_fs *fs, size_t shown)
{
    const char *name =
        fs->single ? ff_archive_name(fs->shown[shown].archive) : fs->shown[shown].name;
    return name ? name : "";
}

static void print_archives(const struct ff_fs *fs, FILE *out)
{
    static const struct {
        const char *name, *help;
        size_t place;
    } metrics[] = {
        {"framefs_archive_bytes", "Size of the archive.",
         offsetof(struct ff_summary, archive_bytes)},
        {"framefs_scanned_bytes", "How far the archive is scanned.",
         offsetof(struct ff_summary, scanned_bytes)},
        {"framefs_records", "Records that are known.", offsetof(struct ff_summary, records)},
        {"framefs_payload_bytes", "Payloads of the known records.",
         offsetof(struct ff_summary, payload_bytes)},
        {"framefs_damages", "Damaged places that are known.", offsetof(struct ff_summary, damages)},
    };

    for (size_t metric = 0; metric < sizeof(metrics) / sizeof(metrics[0]); metric++) {
        ff_stats_print_head(out, metrics[metric].name, "gauge", metrics[metric].help);
        for (size_t i = 0; i < fs->shown_count; i++) {
            struct ff_summary summary;
            ff_archive_summary(fs->shown[i].archive, &summary);
            const void *value = (const char *)&summary + metrics[metric].place;
            ff_stats_print_archive(out, metrics[metric].name, label_of(fs, i),
                                   *(const uint64_t *)value);
        }
    }
    ff_stats_print_head(out, "framefs_complete", "gauge", "1 when the scan has ended.");
    for (size_t i = 0; i < fs->shown_count; i++)
        ff_stats_print_archive(out, "framefs_complete", label_of(fs, i),
                               ff_archive_complete(fs->shown[i].archive));
}

enum index_state { INDEX_NONE, INDEX_USED, INDEX_WRITING, INDEX_WRITTEN, INDEX_FAILED };

static enum index_state index_state(const struct ff_index_status *status)
{
    switch (status->state) {
    case FF_INDEX_WRITING:
        return INDEX_WRITING;
    case FF_INDEX_WRITTEN:
        return INDEX_WRITTEN;
    case FF_INDEX_FAILED:
        return INDEX_FAILED;
    default:
        return status->read_records > 0 ? INDEX_USED : INDEX_NONE;
    }
}

struct index_values {
    uint64_t state, records, bytes;
};

static struct index_values index_values(struct ff_archive *archive)
{
    struct ff_index_status status;

    ff_archive_index_status(archive, &status);
    enum index_state state = index_state(&status);
    return (struct index_values){
        .state = (uint64_t)state,
        .records = status.read_records,
        .bytes = state == INDEX_USED ? status.read_bytes : status.written_bytes,
    };
}

static void print_indexes(const struct ff_fs *fs, FILE *out)
{
    static const struct {
        const char *name, *help;
        size_t place;
    } metrics[] = {
        {"framefs_index_state",
         "The index file: 0 none, 1 in use, 2 being written, 3 written, 4 cannot be written.",
         offsetof(struct index_values, state)},
        {"framefs_index_records", "Records that were known from it, without a scan.",
         offsetof(struct index_values, records)},
        {"framefs_index_bytes", "Its size.", offsetof(struct index_values, bytes)},
    };

    for (size_t metric = 0; metric < sizeof(metrics) / sizeof(metrics[0]); metric++) {
        ff_stats_print_head(out, metrics[metric].name, "gauge", metrics[metric].help);
        for (size_t i = 0; i < fs->shown_count; i++) {
            const struct index_values values = index_values(fs->shown[i].archive);
            const void *value = (const char *)&values + metrics[metric].place;
            ff_stats_print_archive(out, metrics[metric].name, label_of(fs, i),
                                   *(const uint64_t *)value);
        }
    }
}

static void print_processes(const struct ff_shared *shared, FILE *out)
{
    ff_stats_print_one(out, "framefs_pid", "gauge", "The process that holds the mount.",
                       (uint64_t)shared->supervisor);
    ff_stats_print_one(out, "framefs_worker_pid", "gauge", "The process that serves it.",
                       (uint64_t)getpid());
    ff_stats_print_one(out, "framefs_io_uring", "gauge", "1 when requests come through io_uring.",
                       atomic_load(&shared->is_uring));
    ff_stats_print_one(out, "framefs_restarts_total", "counter",
                       "Workers that took over from one that had died.",
                       atomic_load(&shared->restarts));
    ff_stats_print_one(out, "framefs_resent_total", "counter",
                       "Requests that the kernel sent again.", atomic_load(&shared->resent));
    ff_stats_print_one(out, "framefs_condemned_total", "counter",
                       "Requests that were failed because workers died of them.",
                       atomic_load(&shared->condemned));
    ff_stats_print_one(out, "framefs_upgrades_total", "counter",
                       "Programs that took over from another.", atomic_load(&shared->upgrades));
    ff_stats_print_one(out, "framefs_upgrades_failed_total", "counter",
                       "Programs that could not take over.", atomic_load(&shared->upgrades_failed));
}

static char *make_stats(void *context, bool *ret_final)
{
    const struct making *making = context;
    struct ff_fs *fs = making->fs;
    char *text = NULL;
    size_t len = 0;

    *ret_final = false;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return NULL;
    ff_stats_print(&fs->shared->stats, ff_park_count(&fs->park), out);
    print_processes(fs->shared, out);
    if (fs->shown_count > 0) {
        print_archives(fs, out);
        print_indexes(fs, out);
    }
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

int ff_text_find(struct ff_fs *fs, const struct ff_node *node, enum ff_text_age age,
                 struct ff_snapshot **ret_text)
{
    struct making making = {.fs = fs, .shown = ff_fs_shown(fs, node)};
    struct ff_snapshot *text;
    char *(*make)(void *, bool *);

    switch ((enum ff_control)node->value) {
    case FF_CONTROL_STATS:
        text = &fs->stats_text;
        make = make_stats;
        break;
    case FF_CONTROL_INFO:
        text = &making.shown->info;
        make = make_info;
        break;
    case FF_CONTROL_DAMAGE:
        text = &making.shown->damage;
        make = make_damage;
        break;
    default:
        return -ESTALE;
    }
    int r = ff_snapshot_refresh(text, age, make, &making);
    if (r == 0)
        *ret_text = text;
    return r;
}
