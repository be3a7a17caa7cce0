/*
 * framefs index: index files made, extended, gone on with; of as many archives at once as there are
 * processors. Results are printed in the order of the arguments, each as soon as those before it
 * are.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/index_job.h"
#include "cli/path_list.h"
#include "cli/progress.h"

struct index_values {
    struct ff_input_options input;
    const char *index;
    const char *files_from;
    uint64_t threads; /* 0: one a processor */
    bool force;
    bool verify;
    bool times;
    bool json;
};

static const struct ff_option options[] = {
    FF_INPUT_OPTIONS(struct index_values, input),
    {
        .name = "index",
        .argument = "PATH",
        .help = "the index file, of one archive; ARCHIVE.framefs by default",
        .parse = ff_option_text,
        .offset = offsetof(struct index_values, index),
    },
    {
        .name = "files-from",
        .argument = "FILE",
        .help = "index the archives whose paths are the lines of FILE, too (or end with NUL); - "
                "is standard input",
        .parse = ff_option_text,
        .offset = offsetof(struct index_values, files_from),
    },
    {
        .name = "force",
        .help = "scan all of an archive, whatever was written before",
        .parse = ff_option_flag,
        .offset = offsetof(struct index_values, force),
    },
    {
        .name = "verify",
        .help = "compute all checksums, too, and keep what was found: mounts with --verify=read "
                "do not compute them again",
        .parse = ff_option_flag,
        .offset = offsetof(struct index_values, verify),
    },
    {
        .name = "times",
        .help = "keep the time of each record, too: who lists a mount, or asks ls for --since or "
                "--until, does not read the archive for it",
        .parse = ff_option_flag,
        .offset = offsetof(struct index_values, times),
    },
    {
        .name = "threads",
        .argument = "N",
        .help = "index N archives at once, 1 to 64; one a processor by default",
        .parse = ff_option_threads,
        .offset = offsetof(struct index_values, threads),
    },
    {
        .name = "json",
        .help = "print one JSON array, an object an archive",
        .parse = ff_option_flag,
        .offset = offsetof(struct index_values, json),
    },
    FF_OPTION_HELP,
    FF_OPTION_END,
};

/* ---- the pool ---- */

struct worker {
    struct pool *pool;
    pthread_t thread;
    struct ff_archive *archive; /* that it scans, or NULL */
};

struct pool {
    const struct index_values *values;
    const struct ff_input_choice *choice;
    char **paths;
    size_t count;
    struct worker workers[FF_VERIFY_THREADS_MAX];
    unsigned int threads;
    uint64_t total_bytes;
    pthread_mutex_t mutex; /* guards what follows, and each worker's archive */
    pthread_cond_t done;
    size_t next;
    uint64_t done_bytes;       /* of archives that are done with */
    struct ff_indexed **found; /* of each path; NULL until it is known */
    bool stop;
};

static void note_scan(void *context, struct ff_archive *archive)
{
    struct worker *worker = context;

    pthread_mutex_lock(&worker->pool->mutex);
    worker->archive = archive;
    pthread_mutex_unlock(&worker->pool->mutex);
}

static bool take_path(struct pool *pool, size_t *ret_index)
{
    pthread_mutex_lock(&pool->mutex);
    bool taken = !pool->stop && pool->next < pool->count;
    if (taken)
        *ret_index = pool->next++;
    pthread_mutex_unlock(&pool->mutex);
    return taken;
}

static uint64_t size_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

static void *work(void *context)
{
    struct worker *worker = context;
    struct pool *pool = worker->pool;
    const struct ff_index_job job = {
        .choice = pool->choice,
        .index = pool->values->index,
        .force = pool->values->force,
        .verify = pool->values->verify,
        .times = pool->values->times,
        .scans = note_scan,
        .context = worker,
    };
    size_t index;

    while (take_path(pool, &index)) {
        struct ff_indexed *indexed = calloc(1, sizeof(*indexed));
        if (indexed)
            ff_index_job_run(&job, pool->paths[index], indexed);
        pthread_mutex_lock(&pool->mutex);
        pool->found[index] = indexed;
        pool->stop |= !indexed;
        pool->done_bytes += size_of(pool->paths[index]);
        pthread_cond_broadcast(&pool->done);
        pthread_mutex_unlock(&pool->mutex);
    }
    return NULL;
}

static void pool_state(void *context, struct ff_progress_state *ret_state)
{
    struct pool *pool = context;
    struct ff_summary summary;

    pthread_mutex_lock(&pool->mutex);
    ret_state->done_bytes = pool->done_bytes;
    for (unsigned int i = 0; i < pool->threads; i++)
        if (pool->workers[i].archive) {
            ff_archive_summary(pool->workers[i].archive, &summary);
            ret_state->done_bytes += summary.scanned_bytes;
        }
    ret_state->total_bytes = pool->total_bytes;
    ret_state->total_known = true;
    pthread_mutex_unlock(&pool->mutex);
}

static unsigned int processors(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) < 0)
        return 1;
    return (unsigned int)CPU_COUNT(&set);
}

/* At least one; fewer than wanted are no failure. */
static int start(struct pool *pool)
{
    uint64_t threads = pool->values->threads ? pool->values->threads : processors();

    if (threads > FF_VERIFY_THREADS_MAX)
        threads = FF_VERIFY_THREADS_MAX;
    if (threads > pool->count)
        threads = pool->count;
    for (; pool->threads < threads; pool->threads++) {
        struct worker *worker = &pool->workers[pool->threads];
        worker->pool = pool;
        int rc = pthread_create(&worker->thread, NULL, work, worker);
        if (rc != 0)
            return pool->threads ? 0 : -rc;
    }
    return 0;
}

/* What became of a path, which is waited for. NULL: memory was short. */
static struct ff_indexed *wait_for(struct pool *pool, size_t index)
{
    pthread_mutex_lock(&pool->mutex);
    while (!pool->found[index] && !pool->stop)
        pthread_cond_wait(&pool->done, &pool->mutex);
    struct ff_indexed *indexed = pool->found[index];
    pthread_mutex_unlock(&pool->mutex);
    return indexed;
}

/* ---- what is printed ---- */

static const char *const hows[FF_INDEXED_HOWS] = {
    [FF_INDEXED_BUILT] = "built",        [FF_INDEXED_EXTENDED] = "extended",
    [FF_INDEXED_RESUMED] = "resumed",    [FF_INDEXED_CURRENT] = "up to date",
    [FF_INDEXED_PASSED] = "passed over", [FF_INDEXED_FAILED] = "failed",
};

/* Of all archives. */
struct total {
    uint64_t archives[FF_INDEXED_HOWS];
    uint64_t records, index_bytes, scanned_bytes;
    uint64_t damaged;
};

static double bits_of(uint64_t bytes, uint64_t records)
{
    return records ? 8.0 * (double)bytes / (double)records : 0;
}

static double seconds_of(uint64_t ns)
{
    return (double)ns / 1e9;
}

static void print_rate(struct ff_output *out, uint64_t bytes, uint64_t ns)
{
    char text[FF_SIZE_TEXT_BYTES];

    if (bytes > 0 && ns > 0)
        ff_output_format(out, ", %s/s",
                         ff_format_size(text, (uint64_t)((double)bytes / seconds_of(ns))));
}

static void print_line(struct ff_output *out, const struct ff_indexed *indexed)
{
    char text[FF_SIZE_TEXT_BYTES];

    ff_output_format(out, "%s: %s", indexed->name, hows[indexed->how]);
    if (indexed->how == FF_INDEXED_PASSED) {
        ff_output_text(out, ": it is an index file\n");
        return;
    }
    if (indexed->reason[0])
        ff_output_format(out, " anew (the index that was there: %s)", indexed->reason);
    if (indexed->how == FF_INDEXED_EXTENDED || indexed->how == FF_INDEXED_RESUMED)
        ff_output_format(out, " from record %" PRIu64, indexed->known);
    ff_output_format(out, ": %" PRIu64 " record%s, %s, %.2f bits a record", indexed->records,
                     indexed->records == 1 ? "" : "s", ff_format_size(text, indexed->index_bytes),
                     bits_of(indexed->index_bytes, indexed->records));
    if (indexed->verified)
        ff_output_format(out, ", %" PRIu64 " checksums, %" PRIu64 " wrong", indexed->checksums,
                         indexed->wrong);
    if (indexed->times)
        ff_output_text(out, ", with times");
    if (indexed->how != FF_INDEXED_CURRENT) {
        print_rate(out, indexed->scanned_bytes, indexed->ns - indexed->sync_ns);
        ff_output_format(out, ", and %.1f ms to the disk", (double)indexed->sync_ns / 1e6);
    }
    ff_output_text(out, "\n");
}

static void print_field(struct ff_output *out, const char *name, const char *text)
{
    ff_output_format(out, ", \"%s\": ", name);
    if (text && text[0])
        ff_output_json(out, text);
    else
        ff_output_text(out, "null");
}

static void print_object(struct ff_output *out, const struct ff_indexed *indexed, bool first)
{
    char path[FF_INPUT_NAME_BYTES] = "";

    if (indexed->path)
        ff_escape(path, sizeof(path), indexed->path, strlen(indexed->path));
    ff_output_text(out, first ? "  {\"archive\": " : ",\n  {\"archive\": ");
    ff_output_json(out, indexed->name);
    print_field(out, "outcome", hows[indexed->how]);
    print_field(out, "format", indexed->format);
    print_field(out, "index", path);
    print_field(out, "rejected", indexed->reason);
    print_field(out, "error", indexed->error);
    ff_output_format(
        out,
        ", \"records\": %" PRIu64 ", \"known_before\": %" PRIu64 ", \"archive_bytes\": %" PRIu64
        ", \"scanned_bytes\": %" PRIu64 ", \"index_bytes\": %" PRIu64
        ", \"bits_per_record\": %.4f, \"damages\": %" PRIu64
        ", \"verified\": %s, \"checksums\": %" PRIu64 ", \"wrong\": %" PRIu64
        ", \"times\": %s, \"seconds\": %.6f, \"sync_seconds\": %.6f}",
        indexed->records, indexed->known, indexed->archive_bytes, indexed->scanned_bytes,
        indexed->index_bytes, bits_of(indexed->index_bytes, indexed->records), indexed->damages,
        indexed->verified ? "true" : "false", indexed->checksums, indexed->wrong,
        indexed->times ? "true" : "false", seconds_of(indexed->ns), seconds_of(indexed->sync_ns));
}

/* On stderr: why it failed, or that the archive is damaged. */
static enum ff_exit tell(const struct ff_indexed *indexed)
{
    if (indexed->how == FF_INDEXED_FAILED) {
        ff_say("%s", indexed->error ? indexed->error : "out of memory");
        return indexed->misused ? FF_EXIT_USAGE : FF_EXIT_FAILED;
    }
    enum ff_exit status = FF_EXIT_DONE;
    if (indexed->damages == 1)
        status = ff_say_damage(indexed->name, &indexed->damage);
    else if (indexed->damages > 1)
        ff_say("%s: damaged in %" PRIu64 " places", indexed->name, indexed->damages);
    if (indexed->wrong == 1)
        (void)ff_say_damage(indexed->name, &indexed->first_wrong);
    else if (indexed->wrong > 1)
        ff_say("%s: %" PRIu64 " frames with a wrong checksum", indexed->name, indexed->wrong);
    return indexed->damages > 1 || indexed->wrong > 0 ? FF_EXIT_FAILED : status;
}

static void add(struct total *total, const struct ff_indexed *indexed)
{
    total->archives[indexed->how]++;
    total->records += indexed->records;
    total->index_bytes += indexed->index_bytes;
    total->scanned_bytes += indexed->scanned_bytes;
}

static void print_total(struct ff_output *out, const struct total *total, size_t count, uint64_t ns)
{
    char text[FF_SIZE_TEXT_BYTES];

    ff_output_format(out, "%zu archives", count);
    const char *before = ": ";
    for (int how = 0; how < FF_INDEXED_HOWS; how++) {
        if (total->archives[how] == 0)
            continue;
        ff_output_format(out, "%s%" PRIu64 " %s", before, total->archives[how], hows[how]);
        before = ", ";
    }
    ff_output_format(out, "; %" PRIu64 " records, %s, %.2f bits a record", total->records,
                     ff_format_size(text, total->index_bytes),
                     bits_of(total->index_bytes, total->records));
    print_rate(out, total->scanned_bytes, ns);
    ff_output_text(out, "\n");
}

/* ---- the command ---- */

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static enum ff_exit print_all(struct ff_cli *cli, struct pool *pool, struct ff_progress *progress,
                              uint64_t begun_ns)
{
    enum ff_exit status = FF_EXIT_DONE;
    struct total total = {0};

    if (pool->values->json)
        ff_output_text(&cli->out, "[\n");
    for (size_t i = 0; i < pool->count; i++) {
        struct ff_indexed *indexed = wait_for(pool, i);
        ff_progress_hide(progress);
        if (!indexed) {
            ff_say("out of memory");
            status = FF_EXIT_FAILED;
        } else {
            add(&total, indexed);
            status = ff_exit_worse(status, tell(indexed));
            if (pool->values->json)
                print_object(&cli->out, indexed, i == 0);
            else if (indexed->how != FF_INDEXED_FAILED)
                print_line(&cli->out, indexed);
            ff_output_flush(&cli->out);
        }
        ff_progress_show(progress);
        if (!indexed || ff_output_failed(&cli->out))
            break;
    }
    if (pool->values->json)
        ff_output_text(&cli->out, "\n]\n");
    else if (pool->count > 1)
        print_total(&cli->out, &total, pool->count, now_ns() - begun_ns);
    return status;
}

static enum ff_exit run_pool(struct ff_cli *cli, struct pool *pool)
{
    uint64_t begun_ns = now_ns();
    enum ff_exit status = FF_EXIT_FAILED;
    struct ff_progress *progress;
    char label[FF_INPUT_NAME_BYTES] = "index";

    if (pool->count == 1)
        ff_escape(label, sizeof(label), pool->paths[0], strlen(pool->paths[0]));
    for (size_t i = 0; i < pool->count; i++)
        pool->total_bytes += size_of(pool->paths[i]);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->done, NULL);
    int rc = start(pool);
    if (rc < 0) {
        ff_say("%s", strerror(-rc));
    } else {
        progress = ff_progress_begin(label, pool_state, pool);
        status = print_all(cli, pool, progress, begun_ns);
        ff_progress_end(progress);
    }
    pthread_mutex_lock(&pool->mutex);
    pool->stop = true;
    pthread_mutex_unlock(&pool->mutex);
    for (unsigned int i = 0; i < pool->threads; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->done);
    pthread_mutex_destroy(&pool->mutex);
    for (size_t i = 0; i < pool->count; i++)
        if (pool->found[i]) {
            ff_indexed_done(pool->found[i]);
            free(pool->found[i]);
        }
    return status;
}

static enum ff_exit run_list(struct ff_cli *cli, const struct index_values *values,
                             const struct ff_path_list *list)
{
    struct ff_input_choice choice;

    enum ff_exit status = ff_input_choose(&values->input, &choice);
    if (status != FF_EXIT_DONE)
        return status;
    FF_CLEANUP(free)
    struct ff_indexed **found = calloc(list->count + 1, sizeof(struct ff_indexed *));
    FF_CLEANUP(free) struct pool *pool = calloc(1, sizeof(*pool));
    if (found && pool) {
        *pool = (struct pool){.values = values,
                              .choice = &choice,
                              .paths = list->paths,
                              .count = list->count,
                              .found = found};
        status = run_pool(cli, pool);
    } else {
        ff_say("out of memory");
        status = FF_EXIT_FAILED;
    }
    ff_input_release(&choice);
    return status;
}

static enum ff_exit run(struct ff_cli *cli, const void *values_of, char **operands, size_t count)
{
    const struct index_values *values = values_of;
    struct ff_path_list list;
    struct ff_error error = {0};
    enum ff_exit status;

    if (count == 0 && !values->files_from)
        return ff_command_refuse(&ff_command_index, "an archive, or --files-from, is missing");
    if (ff_path_list_read(operands, count, values->files_from, &list, &error) < 0) {
        ff_say("%s", error.text);
        return FF_EXIT_FAILED;
    }
    if (values->index && list.count > 1)
        status = ff_command_refuse(&ff_command_index, "--index is of one archive");
    else
        status = run_list(cli, values, &list);
    ff_path_list_done(&list);
    return status;
}

const struct ff_command ff_command_index = {
    .name = "index",
    .usage = "[OPTIONS] ARCHIVE...",
    .summary = "build or extend the index files of archives",
    .notes = "What was written before is used: an index that is up to date is only looked at, one "
             "of an archive that has grown is extended, one that is damaged built anew, and a "
             "command that was killed is gone on with. The exit status is 1 when an archive is "
             "damaged, or its index could not be written.\n",
    .options = options,
    .operands_max = FF_OPERANDS_ANY,
    .values_bytes = sizeof(struct index_values),
    .run = run,
};
