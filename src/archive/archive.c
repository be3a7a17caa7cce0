#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "archive/index_file.h"
#include "archive/internal.h"
#include "archive/sums.h"
#include "archive/tally.h"
#include "base/background.h"
#include "base/units.h"
#include "format/format.h"

#define NAME_BYTES       1024
#define EPOCH_HEAD_BYTES 4096

int ff_archive_error(const struct ff_archive *archive, struct ff_error *error, int code,
                     uint64_t record, uint64_t offset, const char *what)
{
    char number[40] = "";
    if (record != UINT64_MAX)
        snprintf(number, sizeof(number), " record %" PRIu64, record);
    return ff_error_set(error, code, "%s:%s at byte %" PRIu64 ": %s", archive->name, number, offset,
                        what);
}

static bool is_power_of_two(uint64_t n)
{
    return n && !(n & (n - 1));
}

/* A postamble of fixed bytes is known from the archive's end, before any scan comes there. */
static void find_postamble(struct ff_archive *archive)
{
    const struct ff_layout *layout = &archive->format->layout;
    struct ff_reader reader;

    if (archive->size == FF_SIZE_UNKNOWN ||
        layout->alt_first[FF_POSTAMBLE] == layout->alt_first[FF_SECTIONS] ||
        ff_reader_init(&reader, archive->source, archive->size, FF_SCAN_WINDOW_MIN_BYTES) < 0)
        return;
    for (unsigned int a = layout->alt_first[FF_POSTAMBLE]; a < layout->alt_first[FF_SECTIONS];
         a++) {
        uint64_t len = 0;
        for (unsigned int i = 0; i < layout->alts[a].count; i++)
            len += layout->items[layout->alts[a].first + i].size;
        if (len > archive->size)
            continue;
        struct ff_decoder decoder;
        bool failed;
        ff_decoder_init(&decoder, layout, archive->size);
        int r = ff_reader_decode(&reader, &decoder, FF_POSTAMBLE, archive->size - len, &failed);
        if (r == 0 && decoder.end == archive->size) {
            archive->tail_offset = archive->size - len;
            archive->tail_len = len;
            break;
        }
    }
    ff_reader_done(&reader);
}

static int open_archive(struct ff_archive *archive, const struct ff_archive_options *options,
                        struct ff_error *error)
{
    struct ff_source_stat stat;
    char name[NAME_BYTES];
    int r;

    const char *given = options->name ? options->name : "archive";
    ff_escape(name, sizeof(name), given, strlen(given));
    archive->name = strdup(name);
    archive->interval_bytes =
        options->interval_bytes ? options->interval_bytes : FF_INTERVAL_DEFAULT_BYTES;
    archive->records_max = options->records_max ? options->records_max : FF_INDEX_RECORDS_MAX;
    archive->shows = options->shows;
    archive->shows_context = options->shows_context;
    if (!archive->name || ff_index_new(&archive->index) < 0 ||
        (archive->shows && ff_select_new(&archive->select) < 0))
        return ff_error_set(error, -ENOMEM, "out of memory");
    if (!is_power_of_two(archive->interval_bytes) ||
        archive->interval_bytes < FF_INTERVAL_MIN_BYTES ||
        archive->interval_bytes > FF_INTERVAL_MAX_BYTES)
        return ff_error_set(error, -EINVAL,
                            "the interval is a power of two from 64 bytes to 16 MiB");
    if ((r = archive->source->ops->stat(archive->source, &stat)) < 0)
        return ff_error_set(error, r, "%s: %s", archive->name, strerror(-r));
    archive->size = stat.size;
    archive->mtime = stat.mtime;
    archive->summary.archive_bytes = stat.size == FF_SIZE_UNKNOWN ? 0 : stat.size;
    archive->verify_reads = options->verify_reads && ff_layout_has_sums(&archive->format->layout);
    archive->has_times = ff_format_has_times(archive->format);
    if ((r = ff_scan_open(archive->source, archive->format, NULL, options->window_bytes,
                          &archive->scan, error)) < 0)
        return r;
    find_postamble(archive);
    return 0;
}

int ff_archive_open(struct ff_source *source, struct ff_format *format,
                    const struct ff_archive_options *options, struct ff_archive **ret_archive,
                    struct ff_error *error)
{
    struct ff_archive *archive = calloc(1, sizeof(*archive));
    if (!archive) {
        ff_source_close(source);
        ff_format_free(format);
        return ff_error_set(error, -ENOMEM, "out of memory");
    }
    archive->source = source;
    archive->format = format;
    pthread_mutex_init(&archive->mutex, NULL);
    int r = open_archive(archive, options, error);
    if (r < 0) {
        ff_archive_close(archive);
        return r;
    }
    *ret_archive = archive;
    return 0;
}

void ff_archive_close(struct ff_archive *archive)
{
    if (!archive)
        return;
    ff_archive_scan_stop(archive);
    ff_scan_close(archive->scan);
    ff_index_writer_free(archive->writer);
    ff_index_free(archive->index);
    ff_index_map_close(archive->map);
    ff_select_free(archive->select);
    ff_source_close(archive->source);
    ff_format_free(archive->format);
    pthread_mutex_destroy(&archive->mutex);
    free(archive->damages);
    free(archive->changes);
    ff_contexts_done(&archive->contexts);
    ff_places_done(&archive->places);
    ff_verdicts_done(&archive->verdicts);
    free(archive->name);
    free(archive);
}

const char *ff_archive_name(const struct ff_archive *archive)
{
    return archive->name;
}

const struct ff_format *ff_archive_format(const struct ff_archive *archive)
{
    return archive->format;
}

struct timespec ff_archive_mtime(const struct ff_archive *archive)
{
    return archive->mtime;
}

uint64_t ff_archive_size(const struct ff_archive *archive)
{
    return archive->size;
}

uint64_t ff_archive_interval(const struct ff_archive *archive)
{
    return archive->interval_bytes;
}

uint8_t ff_archive_epoch(const struct ff_archive *archive)
{
    return atomic_load_explicit(&archive->epoch, memory_order_relaxed);
}

bool ff_archive_has_times(const struct ff_archive *archive)
{
    return archive->has_times;
}

bool ff_archive_complete(const struct ff_archive *archive)
{
    return atomic_load_explicit(&archive->complete, memory_order_acquire);
}

void ff_archive_on_progress(struct ff_archive *archive, void (*progress)(void *context),
                            void *context)
{
    archive->progress = progress;
    archive->progress_context = context;
}

void ff_archive_summary(struct ff_archive *archive, struct ff_summary *ret_summary)
{
    pthread_mutex_lock(&archive->mutex);
    *ret_summary = archive->summary;
    pthread_mutex_unlock(&archive->mutex);
    ret_summary->complete = ff_archive_complete(archive);
}

int ff_archive_damage(struct ff_archive *archive, uint64_t index, struct ff_damage *ret_damage)
{
    int r = -ENOENT;
    pthread_mutex_lock(&archive->mutex);
    if (index < archive->damage_count) {
        *ret_damage = archive->damages[index];
        r = 0;
    }
    pthread_mutex_unlock(&archive->mutex);
    return r;
}

/* ---- the scan ---- */

/* What was learned since the last time it was published. */
struct scan_batch {
    struct ff_tally tally; /* of the records that are shown */
    uint64_t left_out;
};

static void publish(struct ff_archive *archive, struct scan_batch *batch)
{
    struct ff_summary *summary = &archive->summary;
    struct ff_scan_position position;
    ff_scan_position(archive->scan, &position);

    pthread_mutex_lock(&archive->mutex);
    ff_tally_merge(&batch->tally, summary);
    summary->left_out += batch->left_out;
    summary->scanned_bytes = position.offset;
    if (archive->verifies) {
        summary->checksums = archive->scan->sums_checked;
        summary->verified_bytes = position.offset;
    }
    pthread_mutex_unlock(&archive->mutex);
    memset(batch, 0, sizeof(*batch));
    if (archive->progress)
        archive->progress(archive->progress_context);
}

void ff_archive_add_damage(struct ff_archive *archive, const struct ff_damage *damage)
{
    pthread_mutex_lock(&archive->mutex);
    archive->summary.damages++;
    size_t count = archive->damage_count, at = count;
    while (at > 0 && archive->damages[at - 1].offset > damage->offset)
        at--;
    if (count < FF_DAMAGE_MAX) {
        struct ff_damage *damages = reallocarray(archive->damages, count + 1, sizeof(*damages));
        if (damages) {
            archive->damages = damages;
            archive->damage_count = ++count;
        }
    }
    /* The last one falls out where all room is taken. */
    if (at < count) {
        memmove(archive->damages + at + 1, archive->damages + at,
                (count - 1 - at) * sizeof(*archive->damages));
        archive->damages[at] = *damage;
    }
    pthread_mutex_unlock(&archive->mutex);
}

/* The same head, the same epoch: growth does not change the bytes up to the first frame's end. */
static void set_epoch(struct ff_archive *archive, const struct ff_record *first)
{
    uint8_t head[EPOCH_HEAD_BYTES];
    uint64_t end = ff_record_end(first);
    size_t len = end < sizeof(head) ? (size_t)end : sizeof(head);
    ssize_t got = ff_source_read_full(archive->source, head, len, 0);
    if (got > 0)
        atomic_store(&archive->epoch, (uint8_t)XXH64(head, (size_t)got, 0));
}

static int note_state(struct ff_archive *archive, uint64_t record, uint32_t state)
{
    int r = 0;
    pthread_mutex_lock(&archive->mutex);
    size_t count = archive->change_count;
    if (count == 0 || archive->changes[count - 1].state != state) {
        if (count == archive->change_room) {
            size_t room = count ? count * 2 : 4;
            struct ff_state_change *changes =
                reallocarray(archive->changes, room, sizeof(*changes));
            if (changes) {
                archive->changes = changes;
                archive->change_room = room;
            } else {
                r = -ENOMEM;
            }
        }
        if (r == 0)
            archive->changes[archive->change_count++] =
                (struct ff_state_change){.record = record, .state = state};
    }
    pthread_mutex_unlock(&archive->mutex);
    return r;
}

/* Of the record that the scan gave last. */
static bool is_shown(const struct ff_archive *archive)
{
    struct ff_details details;

    return !archive->select || (ff_scan_details(archive->scan, &details) == 0 &&
                                archive->shows(archive->shows_context, &details));
}

static int take_record(struct ff_archive *archive, const struct ff_record *record,
                       struct scan_batch *batch)
{
    uint32_t state = archive->scan->frame_state;
    const struct ff_index_entry entry = {
        .offset = record->offset,
        .head = record->head,
        .payload = record->payload,
        .tail = record->tail,
        .join = record->joined ? 1 + record->skipped : 0,
    };
    int r;

    if (archive->contexts.count != archive->scan->contexts.count ||
        archive->contexts.full != archive->scan->contexts.full) {
        pthread_mutex_lock(&archive->mutex);
        r = ff_contexts_follow(&archive->contexts, &archive->scan->contexts);
        pthread_mutex_unlock(&archive->mutex);
        if (r < 0)
            return r;
    }
    if (record->number == 0) {
        archive->preamble_len = archive->scan->preamble_len;
        pthread_mutex_lock(&archive->mutex);
        archive->preamble_state = archive->scan->decoder.state;
        pthread_mutex_unlock(&archive->mutex);
        set_epoch(archive, record);
    }
    if (archive->change_count == 0 || archive->changes[archive->change_count - 1].state != state)
        if ((r = note_state(archive, record->number, state)) < 0)
            return r;
    if (!is_shown(archive)) {
        batch->left_out++;
        return ff_select_append(archive->select, false);
    }
    /* The index first: then a record that is known to be shown has its place. */
    if ((r = ff_index_append(archive->index, &entry)) < 0 ||
        (archive->select && (r = ff_select_append(archive->select, true)) < 0))
        return r;
    ff_tally_add(&batch->tally, record->payload);
    return 0;
}

/* At most max of the records that were decoded together with this one, the one that was taken last.
 * On failure *record is that which cannot be taken. */
static int take_rest(struct ff_archive *archive, struct ff_record *record, uint64_t max,
                     struct scan_batch *batch)
{
    uint64_t offset = ff_record_end(record), number = record->number + 1;
    const uint64_t *ends;
    unsigned int count = ff_scan_rest(archive->scan, max, &ends);

    if (count == 0)
        return 0;
    int r = ff_index_append_run(archive->index, offset, record->head, record->tail, ends, count);
    if (r < 0) {
        uint64_t taken = ff_index_count(archive->index) - number;
        record->number = number + taken;
        record->offset = taken ? ends[taken - 1] : offset;
        count = (unsigned int)taken;
    }
    if (archive->writer)
        ff_index_writer_rest(archive, offset, ends, count);
    ff_tally_add_run(&batch->tally, offset, record->head + record->tail, ends, count);
    return r;
}

/* reached_end: all of the archive was looked at, as far as its bytes allow. */
static void finish(struct ff_archive *archive, struct scan_batch *batch, bool reached_end)
{
    struct ff_scan *scan = archive->scan;

    pthread_mutex_lock(&archive->mutex);
    if (scan->tail_len) {
        archive->tail_offset = scan->tail_offset;
        archive->tail_len = scan->tail_len;
    }
    if (archive->size == FF_SIZE_UNKNOWN && scan->reader.limit != FF_SIZE_UNKNOWN)
        archive->summary.archive_bytes = scan->reader.limit;
    /* A pipe is not read on behind damage that cannot be passed: its size stays unknown. */
    reached_end &= archive->size != FF_SIZE_UNKNOWN || scan->reader.limit != FF_SIZE_UNKNOWN;
    pthread_mutex_unlock(&archive->mutex);
    /* Mounts of many archives are open for long. */
    ff_reader_done(&scan->reader);
    /* Without memory to seal it the index works on, under its lock. */
    (void)ff_index_seal(archive->index);
    publish(archive, batch);
    pthread_mutex_lock(&archive->mutex);
    if (reached_end)
        archive->summary.scanned_bytes = archive->summary.archive_bytes;
    if (reached_end && archive->verifies)
        archive->summary.verified_bytes = archive->summary.archive_bytes;
    pthread_mutex_unlock(&archive->mutex);
    atomic_store_explicit(&archive->complete, true, memory_order_release);
    if (archive->progress)
        archive->progress(archive->progress_context);
    if (!archive->writer)
        return;
    /* Nobody waits for the disk who waits for records. */
    ff_index_writer_finish(archive, reached_end);
    if (archive->progress)
        archive->progress(archive->progress_context);
}

/* From offset on nothing is known, for a reason that is not the archive's bytes. */
static void give_up(struct ff_archive *archive, uint64_t offset, int code, const char *reason)
{
    struct ff_damage damage = {.offset = offset, .record = ff_archive_count(archive), .code = code};
    if (archive->size != FF_SIZE_UNKNOWN && archive->size > offset)
        damage.len = archive->size - offset;
    snprintf(damage.reason, sizeof(damage.reason), "%s", reason);
    ff_archive_add_damage(archive, &damage);
}

/* A record that cannot be taken into the index. */
static int refuse_record(struct ff_archive *archive, const struct ff_record *record, int code,
                         struct ff_error *error)
{
    char reason[FF_DAMAGE_REASON_BYTES];

    if (code == -ENOMEM)
        snprintf(reason, sizeof(reason), "out of memory for the index");
    else
        snprintf(reason, sizeof(reason), "more than %" PRIu64 " records, which is the limit",
                 archive->records_max);
    give_up(archive, record->offset, code, reason);
    return ff_archive_error(archive, error, code, record->number, record->offset, reason);
}

/* Keeps what was known before the step that was the first to look at the archive's end: what an
 * index of the archive, grown, may still be believed. */
static void note_end(struct ff_archive *archive, struct scan_batch *batch)
{
    publish(archive, batch);
    archive->safe = (struct ff_index_moment){.point = archive->scan->safe,
                                             .summary = archive->summary,
                                             .damages = archive->damage_count,
                                             .changes = archive->change_count};
    archive->end_seen = true;
}

/* Checksums that are computed for an index file are told of there. */
static void note_damage(struct ff_archive *archive, const struct ff_damage *damage)
{
    if (damage->code == -EBADMSG && archive->writer)
        ff_index_writer_wrong(archive, damage);
    else
        ff_archive_add_damage(archive, damage);
}

/* How many of the records that were decoded together may be taken at once. */
static uint64_t room_for(const struct ff_archive *archive, uint64_t most)
{
    uint64_t room = most - ff_archive_count(archive);

    if (archive->writer && ff_index_writer_room(archive) < room)
        room = ff_index_writer_room(archive);
    return room;
}

int ff_archive_scan(struct ff_archive *archive, uint64_t records, struct ff_error *error)
{
    /* Between two publications: enough that they cost nothing, few enough that waiting readers and
     * progress bars see it go on. */
    enum { BATCH = 4096 };
    struct ff_scan *scan = archive->scan;
    struct scan_batch batch = {0};
    uint64_t most = records < archive->records_max ? records : archive->records_max;
    struct ff_scan_event event;
    struct ff_error detail;

    if (ff_archive_complete(archive))
        return 0;
    while (ff_archive_count(archive) < records) {
        if (atomic_load_explicit(&archive->stop, memory_order_relaxed))
            break;
        uint64_t reads = scan->reader.reads;
        int r = ff_scan_step(scan, &event, &detail);
        if (archive->writer && !archive->end_seen && ff_scan_sees_end(scan))
            note_end(archive, &batch);
        if (r < 0) {
            give_up(archive, scan->position.offset, r, strerror(-r));
            finish(archive, &batch, false);
            return ff_error_set(error, r, "%s: %s", archive->name, detail.text);
        }
        if (r > 0) {
            publish(archive, &batch);
            continue;
        }
        if (event.kind == FF_SCAN_END) {
            finish(archive, &batch, true);
            return 0;
        }
        if (event.kind == FF_SCAN_DAMAGE) {
            note_damage(archive, &event.damage);
            continue;
        }
        r = ff_archive_count(archive) < archive->records_max
                ? take_record(archive, &event.record, &batch)
                : -EOVERFLOW;
        if (r == 0 && archive->writer)
            ff_index_writer_record(archive);
        if (r == 0 && !archive->select)
            r = take_rest(archive, &event.record, room_for(archive, most), &batch);
        if (r < 0) {
            r = refuse_record(archive, &event.record, r, error);
            finish(archive, &batch, false);
            return r;
        }
        bool due = archive->writer && ff_index_writer_is_due(archive);
        if (batch.tally.records + batch.left_out >= BATCH || scan->reader.reads != reads || due)
            publish(archive, &batch);
        if (due)
            ff_index_writer_go_on(archive);
    }
    publish(archive, &batch);
    return 0;
}

static void *scan_thread(void *context)
{
    struct ff_archive *archive = context;

    ff_background_begin();
    /* Its failure stands among the damages. */
    (void)ff_archive_scan(archive, UINT64_MAX, NULL);
    return NULL;
}

int ff_archive_scan_start(struct ff_archive *archive, struct ff_error *error)
{
    if (archive->thread_runs || ff_archive_complete(archive))
        return 0;
    atomic_store(&archive->stop, false);
    int r = pthread_create(&archive->thread, NULL, scan_thread, archive);
    if (r != 0)
        return ff_error_set(error, -r, "%s: the scan's thread cannot be started: %s", archive->name,
                            strerror(r));
    archive->thread_runs = true;
    return 0;
}

void ff_archive_scan_stop(struct ff_archive *archive)
{
    if (!archive->thread_runs)
        return;
    atomic_store(&archive->stop, true);
    pthread_join(archive->thread, NULL);
    archive->thread_runs = false;
}
