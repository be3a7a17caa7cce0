/*
 * An index file taken into an archive that is open. What it says is believed when it is of the
 * archive's bytes, as far as samples tell, and whole as far as its checksums do; and then each
 * value is checked where it is used.
 *
 * Where the archive has grown, what was found out from its old end is no longer so: a last frame
 * that was cut, padding that was missing, a chain of frames that a search after damage believed
 * because it led to the end. The state knows the moment before the first such thing, and the scan
 * goes on from there.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/index_bind.h"
#include "archive/index_file.h"
#include "archive/index_times.h"
#include "archive/internal.h"
#include "base/stat.h"
#include "format/format.h"

/* Records that are decoded once more where the time of modification is another. */
#define LOOKS 1000

#define ENTRIES_FIRST 64 /* of a directory that grows */

void ff_index_map_close(struct ff_index_map *map)
{
    if (!map)
        return;
    if (map->buf)
        munmap((void *)map->buf, (size_t)map->len);
    free(map->directory.entries);
    free(map->times_directory.entries);
    free(map->times_checked);
    ff_index_sums_done(&map->sums);
    free(map);
}

/* ---- the file ---- */

uint8_t *ff_index_directory_next(struct ff_index_directory *directory)
{
    if (directory->count == directory->room) {
        uint64_t room = directory->room ? directory->room * 2 : ENTRIES_FIRST;
        uint8_t *entries = reallocarray(directory->entries, (size_t)room, directory->entry_bytes);
        if (!entries)
            return NULL;
        directory->entries = entries;
        directory->room = room;
    }
    return directory->entries + directory->count * directory->entry_bytes;
}

int ff_index_directory_copy(struct ff_index_directory *directory, const uint8_t *entries,
                            uint64_t count)
{
    if (count == 0)
        return 0;
    directory->entries = reallocarray(NULL, (size_t)count, directory->entry_bytes);
    if (!directory->entries)
        return -ENOMEM;
    memcpy(directory->entries, entries, (size_t)count * directory->entry_bytes);
    directory->room = directory->count = count;
    return 0;
}

static int take_entry(void *context, enum ff_image_kind kind, const uint8_t *entry)
{
    struct ff_index_map *map = context;
    struct ff_index_directory *directory =
        kind == FF_IMAGE_TIMES ? &map->times_directory : &map->directory;
    uint8_t *next = ff_index_directory_next(directory);

    if (!next)
        return -ENOMEM;
    memcpy(next, entry, directory->entry_bytes);
    directory->count++;
    return 0;
}

static int open_image(struct ff_index_map *map, struct ff_error *error)
{
    int r = ff_image_open(map->buf, map->len, &map->image, error);

    if (r != -EAGAIN)
        return r;
    map->partial = true;
    map->directory.entry_bytes = FF_IMAGE_ENTRY_BYTES;
    map->times_directory.entry_bytes = FF_IMAGE_TIMES_ENTRY_BYTES;
    r = ff_image_resume(map->buf, map->len, take_entry, map, &map->image, error);
    map->image.directory = map->directory.entries;
    map->image.times = map->times_directory.entries;
    return r;
}

static int map_file(int fd, struct ff_index_map **ret_map, struct ff_error *error)
{
    struct stat st;

    if (ff_stat_fd(fd, &st) < 0)
        return ff_error_set(error, -errno, "%s", strerror(errno));
    if (!S_ISREG(st.st_mode))
        return ff_error_set(error, -EUCLEAN, "not a regular file");
    if (st.st_size == 0)
        return ff_error_set(error, -ENODATA, "empty");
    struct ff_index_map *map = calloc(1, sizeof(*map));
    if (!map)
        return ff_error_set(error, -ENOMEM, "out of memory");
    *map =
        (struct ff_index_map){.len = (uint64_t)st.st_size, .device = st.st_dev, .inode = st.st_ino};
    void *buf = mmap(NULL, (size_t)map->len, PROT_READ, MAP_SHARED, fd, 0);
    if (buf == MAP_FAILED) {
        int code = -errno;
        free(map);
        return ff_error_set(error, code, "cannot be mapped: %s", strerror(-code));
    }
    map->buf = buf;
    int r = open_image(map, error);
    if (r < 0) {
        ff_index_map_close(map);
        return r;
    }
    *ret_map = map;
    return 0;
}

bool ff_index_has_times(int fd)
{
    uint8_t buf[FF_IMAGE_HEADER_BYTES];
    struct ff_image_header header;

    if (pread(fd, buf, sizeof(buf), 0) != (ssize_t)sizeof(buf) ||
        ff_image_header_read(buf, sizeof(buf), &header, NULL) < 0 || header.len == 0)
        return false;
    for (unsigned int i = 0; i < header.part_count; i++)
        if (header.part[i].kind == FF_IMAGE_TIMES)
            return true;
    return false;
}

/* ---- whether it is of this archive ---- */

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static int check_binding(struct ff_archive *archive, const struct ff_index_map *map,
                         struct ff_index_binding *ret_binding, struct ff_error *error)
{
    const struct ff_image *image = &map->image;
    struct ff_index_binding made, now;

    int r = ff_index_binding_decode(image->binding, image->binding_len, &made);
    if (r < 0 || made.archive_bytes != image->header.archive_bytes)
        return ff_error_set(error, -EUCLEAN, "the binding is malformed");
    if (made.results != FF_INDEX_RESULTS)
        return ff_error_set(error, -ENOTSUP,
                            "it was made by another version, which would find other records");
    if (archive->size < made.archive_bytes)
        return ff_error_set(error, -ESTALE,
                            "it was made of %" PRIu64 " bytes, and the archive has become shorter",
                            made.archive_bytes);
    r = ff_index_bind(archive->source, archive->format, made.archive_bytes, made.mtime, &now);
    if (r < 0)
        return ff_error_set(error, r, "the archive cannot be read: %s", strerror(-r));
    if (now.description != made.description)
        return ff_error_set(error, -ESTALE,
                            "it was made with another description of the frames (format %s)",
                            made.format);
    if (now.samples != made.samples)
        return ff_error_set(error, -ESTALE, "it was made of other bytes than the archive's");
    *ret_binding = made;
    return 0;
}

/* Whether the record's frame still stands where the index says, and has the time that it says. */
static int look_at_record(struct ff_archive *archive, struct ff_index_map *map, uint64_t number)
{
    struct ff_decoder decoder;
    struct ff_reader reader;
    struct ff_record record;
    struct ff_error error;
    uint64_t payload, len;

    int r = ff_archive_record(archive, number, &record);
    if (r < 0)
        return r;
    r = ff_archive_frame_begin(archive, &record, &reader, &decoder, &error);
    if (r < 0)
        return r == -EUCLEAN || r == -ENODATA ? -ESTALE : r;
    ff_decoder_payload(&decoder, &payload, &len);
    struct ff_time indexed, time;
    bool same = payload == record.offset + record.head && (record.joined || len == record.payload);
    r = same ? ff_index_map_time_read(map, number, &indexed) : -ESTALE;
    if (r == 0) {
        ff_archive_frame_time(archive, &record, &reader, &decoder, &time);
        if (time.known != indexed.known || !is_same_time(&time.at, &indexed.at))
            r = -ESTALE;
    }
    ff_reader_done(&reader);
    return r == -ENOENT ? 0 : r;
}

/* Looks at so many records, evenly spread. */
static int look_again(struct ff_archive *archive, struct ff_index_map *map, uint64_t records,
                      struct ff_error *error)
{
    uint64_t looks = records < LOOKS ? records : LOOKS;

    for (uint64_t i = 0; i < looks; i++) {
        /* No product passes 64 bits: numbers have 40. */
        uint64_t number = i * records / looks;
        int r = look_at_record(archive, map, number);
        if (r < 0)
            return ff_error_set(error, r,
                                r == -ESTALE ? "the archive was edited: record %" PRIu64
                                               " is another"
                                : r == -EUCLEAN ? "what it says of record %" PRIu64 " is damaged"
                                                : "record %" PRIu64 " cannot be looked at",
                                number);
    }
    return 0;
}

/* ---- taking it ---- */

/* An index of the moment's records, of which whole segments stay in the image if more are to come.
 */
static int make_index(struct ff_index_map *map, uint64_t records, bool complete,
                      struct ff_index **ret_index)
{
    uint64_t base = complete ? records : records - records % FF_SEGMENT_RECORDS;
    struct ff_index *all = NULL, *index = NULL;
    struct ff_index_entry entry;

    int r = ff_index_new_on(&map->image, base, &index);
    if (r == 0 && base < records)
        r = ff_index_new_on(&map->image, map->image.header.records, &all);
    for (uint64_t i = base; r == 0 && i < records; i++) {
        r = ff_index_get(all, i, &entry);
        if (r == 0)
            r = ff_index_append(index, &entry);
    }
    ff_index_free(all);
    if (r < 0) {
        ff_index_free(index);
        return r == -ENOMEM ? r : -EUCLEAN;
    }
    map->records = base;
    *ret_index = index;
    return 0;
}

/* What is being taken. */
struct taking {
    struct ff_index_map *map;
    struct ff_index_known state;
    const struct ff_index_moment *moment; /* of state */
    struct ff_index *index;
    bool complete;
    struct ff_decode_state before; /* archive's preamble_state, while the state's is lent */
};

static void drop(struct taking *taking)
{
    ff_index_free(taking->index);
    ff_index_map_close(taking->map);
    ff_index_known_done(&taking->state);
}

/* Which moment the archive can go on from. */
static int choose_moment(const struct ff_archive *archive, struct taking *taking,
                         struct ff_error *error)
{
    const struct ff_image *image = &taking->map->image;
    struct ff_index_known *state = &taking->state;
    bool same_size = archive->size == image->header.archive_bytes;

    int r = ff_index_known_decode(image->state, (size_t)image->state_len, image->header.records,
                                  image->header.archive_bytes, state);
    if (r < 0)
        return ff_error_set(error, r, r == -ENOMEM ? "out of memory" : "the state is malformed");
    if (!taking->map->partial && !state->done)
        return ff_error_set(error, -EUCLEAN, "the state is not that of a whole index");
    taking->complete = same_size && !taking->map->partial;
    taking->moment = taking->complete || (same_size && !state->done) ? &state->now : &state->safe;
    if (taking->moment->summary.records > archive->records_max)
        return ff_error_set(error, -EOVERFLOW, "it has %" PRIu64 " records, more than the limit",
                            taking->moment->summary.records);
    return 0;
}

/* What the file says of checksums, which no other archive than that very one may believe. */
static int take_sums(const struct ff_archive *archive, struct taking *taking,
                     struct ff_error *error)
{
    struct ff_index_map *map = taking->map;
    const struct ff_image_header *header = &map->image.header;
    const uint8_t *buf;
    uint64_t len;

    if (map->partial)
        return 0;
    int r = ff_image_part(&map->image, FF_IMAGE_VERIFIED, &buf, &len);
    if (r == -ENOENT)
        return 0;
    if (r == 0)
        r = ff_index_sums_decode(buf, len, header->records, header->archive_bytes, &map->sums);
    if (r < 0)
        return ff_error_set(
            error, r, r == -ENOMEM ? "out of memory" : "what it says of checksums is damaged");
    map->has_sums = taking->complete && is_same_time(&archive->mtime, &map->sums.mtime);
    return 0;
}

/* Times of records are believed of an archive of the same time of modification, and of one that has
 * grown, which explains another: else it may be that nothing but a time was edited. */
static int take_times(const struct ff_archive *archive, struct taking *taking,
                      const struct ff_index_binding *binding, struct ff_error *error)
{
    struct ff_index_map *map = taking->map;
    uint64_t segments = map->image.header.segments;

    if (!archive->has_times || !map->image.has_times ||
        (archive->size == binding->archive_bytes &&
         !is_same_time(&archive->mtime, &binding->mtime)))
        return 0;
    map->times_checked = calloc((size_t)(segments / 64 + 1), sizeof(*map->times_checked));
    if (!map->times_checked)
        return ff_error_set(error, -ENOMEM, "out of memory");
    map->has_times = true;
    return 0;
}

/* What looking at a record takes, and back. */
static void lend(struct ff_archive *archive, struct taking *taking)
{
    struct ff_index *empty = archive->index;

    taking->before = archive->preamble_state;
    archive->index = taking->index;
    taking->index = empty;
    archive->preamble_state = taking->state.preamble_state;
    archive->changes = taking->state.changes;
    archive->change_count = archive->change_room = taking->moment->changes;
    archive->contexts = (struct ff_contexts){.items = taking->state.contexts,
                                             .count = taking->moment->point.contexts};
}

static void take_back(struct ff_archive *archive, struct taking *taking)
{
    struct ff_index *index = archive->index;

    archive->index = taking->index;
    taking->index = index;
    archive->preamble_state = taking->before;
    archive->changes = NULL;
    archive->change_count = archive->change_room = 0;
    archive->contexts = (struct ff_contexts){0};
}

/* The scan is to go on from the moment, if it does at all. */
static int set_scan(struct ff_archive *archive, struct taking *taking, struct ff_error *error)
{
    const struct ff_index_moment *moment = taking->moment;
    uint64_t records = moment->summary.records, payload;
    struct ff_contexts contexts = {.items = taking->state.contexts};
    struct ff_record record;

    if (taking->complete)
        return 0;
    if (records > 0 && (ff_archive_record(archive, records - 1, &record) < 0 ||
                        ff_record_end(&record) > moment->point.position.offset ||
                        ff_index_payload_before(archive->index, records, &payload) < 0 ||
                        payload != moment->summary.payload_bytes))
        return ff_error_set(error, -EUCLEAN, "its state is not that of its records");
    int r = ff_scan_go_on(archive->scan, &moment->point, &contexts, records > 0 ? &record : NULL,
                          moment == &taking->state.now && taking->state.end_seen);
    return r < 0 ? ff_error_set(error, r, "out of memory") : 0;
}

/* All that cannot fail. */
static void set_archive(struct ff_archive *archive, struct taking *taking)
{
    const struct ff_index_moment *moment = taking->moment;
    struct ff_index_known *state = &taking->state;

    archive->map = taking->map;
    archive->map->whole = moment == &state->now;
    taking->map = NULL;
    state->changes = NULL; /* they were lent */
    archive->preamble_len = moment->point.preamble_len;
    if (moment->summary.records > 0)
        atomic_store(&archive->epoch, state->epoch);
    archive->end_seen = moment == &state->now && state->end_seen;
    archive->safe = state->safe;
    archive->summary = moment->summary;
    archive->summary.archive_bytes = archive->size;
    archive->summary.scanned_bytes =
        taking->complete ? archive->size : moment->point.position.offset;
    archive->contexts =
        (struct ff_contexts){.items = state->contexts,
                             .count = moment->point.contexts,
                             .room = state->now.point.contexts ? state->now.point.contexts : 1,
                             .full = moment->point.contexts_full};
    state->contexts = NULL;
    archive->damages = state->damages;
    archive->damage_count = moment->damages;
    state->damages = NULL;
    if (taking->complete && moment->point.tail_len) {
        archive->tail_offset = moment->point.tail_offset;
        archive->tail_len = moment->point.tail_len;
    }
    atomic_store_explicit(&archive->complete, taking->complete, memory_order_release);
}

static int take(struct ff_archive *archive, struct taking *taking,
                const struct ff_index_binding *binding, struct ff_error *error)
{
    int r = choose_moment(archive, taking, error);
    if (r == 0)
        r = take_sums(archive, taking, error);
    if (r == 0)
        r = take_times(archive, taking, binding, error);
    if (r < 0)
        return r;
    uint64_t records = taking->moment->summary.records;
    taking->map->read_records = records;
    r = make_index(taking->map, records, taking->complete, &taking->index);
    if (r < 0)
        return ff_error_set(error, r, r == -ENOMEM ? "out of memory" : "its records are damaged");
    lend(archive, taking);
    if (archive->size != binding->archive_bytes || !is_same_time(&archive->mtime, &binding->mtime))
        r = look_again(archive, taking->map, records, error);
    if (r == 0)
        r = set_scan(archive, taking, error);
    if (r < 0) {
        take_back(archive, taking);
        return r;
    }
    set_archive(archive, taking);
    return 0;
}

/* Keeps why a file was not taken, where that is the file's fault. */
static void note_refused(struct ff_archive *archive, int code, const char *reason)
{
    if (code == -EALREADY || code == -EINVAL || code == -ENODATA)
        return;
    archive->index_refused = code;
    snprintf(archive->index_reason, sizeof(archive->index_reason), "%.*s",
             (int)sizeof(archive->index_reason) - 1, reason);
}

int ff_archive_use_index(struct ff_archive *archive, int fd, struct ff_error *error)
{
    struct taking taking = {0};
    struct ff_index_binding binding = {0};
    struct ff_error detail = {0};
    int r = 0;

    if (archive->map)
        r = ff_error_set(&detail, -EALREADY, "an index is in use already");
    else if (archive->select || archive->size == FF_SIZE_UNKNOWN || archive->thread_runs ||
             ff_archive_complete(archive) || archive->scan->position.state != 0)
        r = ff_error_set(&detail, -EINVAL,
                         archive->select ? "not all records are shown" : "the scan has begun");
    if (r == 0)
        r = map_file(fd, &taking.map, &detail);
    if (r == 0)
        r = check_binding(archive, taking.map, &binding, &detail);
    if (r == 0)
        r = take(archive, &taking, &binding, &detail);
    drop(&taking);
    note_refused(archive, r, detail.text);
    return r < 0 ? ff_error_set(error, r, "%s", detail.text) : 0;
}

void ff_archive_index_status(struct ff_archive *archive, struct ff_index_status *ret_status)
{
    struct ff_index_status status = {.refused = archive->index_refused};
    const struct ff_index_map *map = archive->map;

    memcpy(status.reason, archive->index_reason, sizeof(status.reason));
    if (map) {
        status.read_records = map->read_records;
        status.read_bytes = map->len;
        status.read_partial = map->partial;
        status.read_damaged = atomic_load_explicit(&map->damaged, memory_order_relaxed);
        if (map->has_sums)
            ff_index_sums_status(&map->sums, &status);
        status.times = map->has_times;
    }
    pthread_mutex_lock(&archive->mutex);
    if (archive->writer)
        ff_index_writer_status(archive->writer, &status);
    pthread_mutex_unlock(&archive->mutex);
    *ret_status = status;
}
