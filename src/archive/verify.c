/*
 * Checksums: of the whole archive, or of a record before it is read.
 *
 * Of the whole archive, a first scan finds the places. Behind it, each thread takes the next
 * stretch of some records as soon as all of it is known, and a scan of its own checks what lies
 * there: damage besides wrong checksums is what the first scan found there already. The thread of
 * the first scan then helps with what is left.
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "archive/index_file.h"
#include "archive/internal.h"
#include "archive/sums.h"
#include "format/format.h"

struct verify {
    struct ff_archive *archive;
    void (*progress)(void *context); /* the archive's own */
    void *progress_context;
    pthread_mutex_t mutex;  /* guards what follows */
    pthread_cond_t scanned; /* more is known of it */
    bool complete;          /* no more will be */
    uint64_t next;          /* the record that the next stretch begins with */
    bool taken;             /* all of them */
    int code;               /* 0, or why it failed first */
    struct ff_error error;
};

struct stretch {
    struct ff_scan_position begin; /* all zero: the archive's beginning */
    uint64_t end;                  /* UINT64_MAX: the archive's end */
};

/* The first record after `record` that begins at target or behind; the count if there is none. */
static uint64_t find_record(const struct ff_archive *archive, uint64_t record, uint64_t target)
{
    uint64_t low = record + 1, high = ff_archive_count(archive);
    struct ff_record found;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (ff_archive_record(archive, middle, &found) == 0 && found.offset < target)
            low = middle + 1;
        else
            high = middle;
    }
    return high;
}

/* Whether a record is known to begin at offset or behind. */
static bool is_passed(const struct ff_archive *archive, uint64_t offset)
{
    struct ff_record last;
    uint64_t count = ff_archive_count(archive);

    return count > 0 && ff_archive_record(archive, count - 1, &last) == 0 && last.offset >= offset;
}

static bool take_stretch(struct verify *verify, struct stretch *ret_stretch)
{
    struct ff_archive *archive = verify->archive;
    struct stretch stretch;
    struct ff_record record;
    bool found;

    pthread_mutex_lock(&verify->mutex);
    for (;;) {
        stretch = (struct stretch){.end = UINT64_MAX};
        found = !verify->taken && verify->code == 0;
        if (found && verify->next > 0 && ff_archive_record(archive, verify->next, &record) == 0)
            stretch.begin.offset = record.offset;
        if (!found || verify->complete ||
            is_passed(archive, stretch.begin.offset + FF_VERIFY_STRETCH_BYTES))
            break;
        pthread_cond_wait(&verify->scanned, &verify->mutex);
    }
    if (found && stretch.begin.offset > 0) {
        struct ff_decode_state state = ff_archive_state_before(archive, verify->next);
        stretch.begin.record = verify->next;
        stretch.begin.state = ff_scan_pack_state(&state);
    }
    if (found) {
        verify->next =
            find_record(archive, verify->next, stretch.begin.offset + FF_VERIFY_STRETCH_BYTES);
        if (ff_archive_record(archive, verify->next, &record) == 0)
            stretch.end = record.offset;
        else
            verify->taken = true;
        *ret_stretch = stretch;
    }
    pthread_mutex_unlock(&verify->mutex);
    return found;
}

/* The archive cannot be read at that place. */
static void fail(struct verify *verify, const struct ff_scan_position *position, int code,
                 const struct ff_error *error)
{
    struct ff_damage damage = {
        .offset = position->offset, .record = position->record, .code = code};

    snprintf(damage.reason, sizeof(damage.reason), "%s", strerror(-code));
    ff_archive_add_damage(verify->archive, &damage);
    pthread_mutex_lock(&verify->mutex);
    if (verify->code == 0) {
        verify->code = code;
        ff_error_set(&verify->error, code, "%s: %s", ff_archive_name(verify->archive), error->text);
    }
    pthread_mutex_unlock(&verify->mutex);
}

static void check_stretch(struct verify *verify, const struct stretch *stretch)
{
    struct ff_archive *archive = verify->archive;
    struct ff_scan_position position = stretch->begin;
    struct ff_scan_event event;
    struct ff_error error;
    struct ff_scan *scan;

    int r = ff_scan_open(archive->source, archive->format, &stretch->begin, 0, &scan, &error);
    if (r < 0) {
        fail(verify, &position, r, &error);
        return;
    }
    ff_scan_check_sums(scan);
    ff_scan_end_at(scan, stretch->end);
    do {
        r = ff_scan_step(scan, &event, &error);
        if (r == 0 && event.kind == FF_SCAN_DAMAGE && event.damage.code == -EBADMSG)
            ff_archive_add_damage(archive, &event.damage);
    } while (r > 0 || (r == 0 && event.kind != FF_SCAN_END));
    uint64_t end = stretch->end == UINT64_MAX ? archive->size : stretch->end;
    pthread_mutex_lock(&archive->mutex);
    archive->summary.checksums += scan->sums_checked;
    archive->summary.verified_bytes += end - stretch->begin.offset;
    pthread_mutex_unlock(&archive->mutex);
    ff_scan_position(scan, &position);
    ff_scan_close(scan);
    if (r < 0)
        fail(verify, &position, r, &error);
}

static void *work(void *context)
{
    struct verify *verify = context;
    struct stretch stretch;

    while (take_stretch(verify, &stretch))
        check_stretch(verify, &stretch);
    return NULL;
}

static void wake(void *context)
{
    struct verify *verify = context;

    if (verify->progress)
        verify->progress(verify->progress_context);
    pthread_mutex_lock(&verify->mutex);
    pthread_cond_broadcast(&verify->scanned);
    pthread_mutex_unlock(&verify->mutex);
}

/* The calling thread is one of them; fewer than asked for are no failure. */
static int check_parallel(struct ff_archive *archive, unsigned int threads, struct ff_error *error)
{
    struct verify verify = {.archive = archive,
                            .progress = archive->progress,
                            .progress_context = archive->progress_context};
    pthread_t workers[FF_VERIFY_THREADS_MAX];
    unsigned int started = 0;
    struct ff_error detail;

    pthread_mutex_init(&verify.mutex, NULL);
    pthread_cond_init(&verify.scanned, NULL);
    ff_archive_on_progress(archive, wake, &verify);
    while (started + 1 < threads && pthread_create(&workers[started], NULL, work, &verify) == 0)
        started++;
    int r = ff_archive_scan(archive, UINT64_MAX, &detail);
    pthread_mutex_lock(&verify.mutex);
    verify.complete = true;
    if (r < 0 && verify.code == 0) {
        verify.code = r;
        verify.error = detail;
    }
    pthread_cond_broadcast(&verify.scanned);
    pthread_mutex_unlock(&verify.mutex);
    work(&verify);
    for (unsigned int i = 0; i < started; i++)
        pthread_join(workers[i], NULL);
    ff_archive_on_progress(archive, verify.progress, verify.progress_context);
    pthread_cond_destroy(&verify.scanned);
    pthread_mutex_destroy(&verify.mutex);
    if (verify.code < 0)
        return ff_error_set(error, verify.code, "%s", verify.error.text);
    return 0;
}

static unsigned int processors(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set) < 0)
        return 1;
    return (unsigned int)CPU_COUNT(&set);
}

int ff_archive_verify(struct ff_archive *archive, unsigned int threads, struct ff_error *error)
{
    bool sums = ff_layout_has_sums(&archive->format->layout);

    if (archive->thread_runs || ff_archive_complete(archive) || archive->writer ||
        archive->scan->position.state != 0)
        return ff_error_set(error, -EINVAL, "%s: its scan has begun", archive->name);
    if (threads == 0)
        threads = processors();
    if (threads > FF_VERIFY_THREADS_MAX)
        threads = FF_VERIFY_THREADS_MAX;
    archive->verifies = !sums || threads == 1 || archive->size == FF_SIZE_UNKNOWN ||
                        archive->size < FF_VERIFY_PARALLEL_MIN_BYTES ||
                        archive->source->ops->forget;
    if (sums && archive->verifies)
        ff_scan_check_sums(archive->scan);
    int r = archive->verifies ? ff_archive_scan(archive, UINT64_MAX, error)
                              : check_parallel(archive, threads, error);
    int stale = r < 0 ? 0 : archive->source->ops->check(archive->source);
    if (stale < 0)
        return ff_error_set(error, stale, "%s: %s", archive->name,
                            stale == -ESTALE ? "the archive was changed meanwhile"
                                             : strerror(-stale));
    return r;
}

/* ---- a record, before it is read ---- */

static int check_record(struct ff_archive *archive, const struct ff_record *record,
                        struct ff_error *error)
{
    struct ff_decoder decoder;
    struct ff_reader reader;
    struct ff_sum sum;
    char what[FF_DAMAGE_REASON_BYTES];

    int r = ff_archive_frame_begin(archive, record, &reader, &decoder, error);
    if (r < 0)
        return r;
    while (r == 0) {
        for (unsigned int i = 0; (r = ff_sums_check(&reader, &decoder, i, &sum)) == 0; i++)
            if (!sum.matches)
                break;
        if (r == 0) {
            snprintf(what, sizeof(what), "the %s checksum is wrong (at byte %" PRIu64 ")", sum.name,
                     sum.offset);
            r = ff_archive_error(archive, error, -EBADMSG, record->number, decoder.offset, what);
        } else if (r != -ENOENT) {
            r = ff_archive_error(archive, error, r, record->number, decoder.offset, strerror(-r));
        } else if (decoder.end == ff_record_end(record)) {
            r = 0;
            break;
        } else {
            r = ff_archive_frame_next(archive, record, decoder.end, &reader, &decoder, error);
        }
    }
    ff_reader_done(&reader);
    return r;
}

/* What was found when the index was made. */
static enum ff_checked checked_before(const struct ff_archive *archive,
                                      const struct ff_record *record,
                                      const struct ff_damage **ret_damage)
{
    if (!archive->map || !archive->map->has_sums)
        return FF_CHECKED_NOT;
    return ff_index_sums_get(&archive->map->sums, record, ret_damage);
}

int ff_archive_check_read(struct ff_archive *archive, const struct ff_record *record,
                          struct ff_error *error)
{
    const struct ff_damage *damage;

    switch (checked_before(archive, record, &damage)) {
    case FF_CHECKED_WELL:
        return 0;
    case FF_CHECKED_DAMAGED:
        return ff_archive_error(archive, error, -EBADMSG, record->number, damage->offset,
                                damage->reason);
    case FF_CHECKED_NOT:
        break;
    }
    switch (ff_verdicts_get(&archive->verdicts, record->number)) {
    case FF_CHECKED_WELL:
        return 0;
    case FF_CHECKED_DAMAGED:
        return ff_archive_error(archive, error, -EBADMSG, record->number, record->offset,
                                "a checksum of the record is wrong");
    case FF_CHECKED_NOT:
        break;
    }
    int r = check_record(archive, record, error);
    if (r == 0)
        ff_verdicts_set(&archive->verdicts, record->number, FF_CHECKED_WELL);
    else if (r == -EBADMSG)
        ff_verdicts_set(&archive->verdicts, record->number, FF_CHECKED_DAMAGED);
    return r;
}
