/*
 * An index file written behind the scan: each segment of records when it is final, and in between
 * the state of the scan, so that who comes after a kill goes on from the last one. What is in the
 * file is never changed but for the header, which at the end tells its length.
 *
 * The scan's thread does all of this. A failure ends the writing, and nothing else.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "archive/index_bind.h"
#include "archive/index_file.h"
#include "archive/index_times.h"
#include "archive/internal.h"
#include "archive/sums.h"
#include "base/stat.h"

/* A state is written where so much of the archive was scanned since the last one, and the more the
 * larger it is: it remains in the file. */
#define STATE_EVERY_BYTES (UINT64_C(16) << 20)
#define STATE_RATIO       1024

struct ff_index_writer {
    int fd; /* the caller's */
    uint64_t begun_ns, delay_ns;
    bool discard;
    bool verify;
    struct ff_index_sums sums; /* if verify; the scan's thread's, until the file is written */
    int sums_code;             /* why they cannot all be told, or 0 */
    bool times;
    struct ff_times_kept kept;                 /* of segments that are yet to be written */
    struct ff_index_directory times_directory; /* of those that were */
    struct ff_index_binding binding;
    uint64_t position;                   /* where the next chunk is written */
    struct ff_index_directory directory; /* of the segments that were written */
    uint8_t *segment;                    /* owned; FF_IMAGE_SEGMENT_BYTES_MAX */
    uint64_t state_offset;               /* how far the archive was scanned at the last state */
    uint8_t *pending;                    /* owned; a state that belongs behind the segments up to */
    size_t pending_len;                  /* that number, as a chunk; 0: none */
    uint64_t pending_segments;
    struct ff_index_status status; /* under the archive's mutex */
};

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void ff_index_writer_free(struct ff_index_writer *writer)
{
    if (!writer)
        return;
    free(writer->directory.entries);
    free(writer->segment);
    free(writer->pending);
    free(writer->times_directory.entries);
    ff_times_kept_done(&writer->kept);
    ff_index_sums_done(&writer->sums);
    free(writer);
}

void ff_index_writer_status(const struct ff_index_writer *writer,
                            struct ff_index_status *ret_status)
{
    ret_status->state = writer->status.state;
    ret_status->code = writer->status.code;
    ret_status->written_records = writer->status.written_records;
    ret_status->written_bytes = writer->status.written_bytes;
    ret_status->sync_ns = writer->status.sync_ns;
    if (writer->verify && writer->status.state == FF_INDEX_WRITTEN)
        ff_index_sums_status(&writer->sums, ret_status);
    if (writer->status.state == FF_INDEX_WRITTEN)
        ret_status->times = writer->times;
}

static bool is_writing(const struct ff_index_writer *writer)
{
    return writer->status.state == FF_INDEX_WAITING || writer->status.state == FF_INDEX_WRITING;
}

static void set_state(struct ff_archive *archive, enum ff_index_state state, int code)
{
    struct ff_index_writer *writer = archive->writer;
    uint64_t records = writer->directory.count * FF_SEGMENT_RECORDS;

    pthread_mutex_lock(&archive->mutex);
    writer->status.state = state;
    writer->status.code = code;
    if (state == FF_INDEX_WRITTEN)
        records = archive->summary.records;
    writer->status.written_records = records;
    writer->status.written_bytes = writer->position;
    pthread_mutex_unlock(&archive->mutex);
}

/* ---- bytes ---- */

static int write_at(int fd, const uint8_t *buf, size_t len, uint64_t position)
{
    while (len > 0) {
        ssize_t n = pwrite(fd, buf, len, (off_t)position);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -ENOSPC;
        buf += n;
        len -= (size_t)n;
        position += (uint64_t)n;
    }
    return 0;
}

static int write_next(struct ff_index_writer *writer, const uint8_t *buf, size_t len)
{
    int r = write_at(writer->fd, buf, len, writer->position);

    if (r == 0)
        writer->position += len;
    return r;
}

static int write_header(struct ff_index_writer *writer, const struct ff_image_header *header)
{
    uint8_t buf[FF_IMAGE_HEADER_BYTES];

    ff_image_header_write(buf, header);
    return write_at(writer->fd, buf, sizeof(buf), 0);
}

/* A chunk and its entry, which does not count yet. */
static int write_chunk(struct ff_index_writer *writer, enum ff_image_kind kind,
                       const uint8_t *chunk, size_t len)
{
    bool times = kind == FF_IMAGE_TIMES;
    uint8_t *next = ff_index_directory_next(times ? &writer->times_directory : &writer->directory);

    if (!next)
        return -ENOMEM;
    if (times)
        ff_image_times_entry_write(next, writer->position, chunk);
    else
        ff_image_entry_write(next, writer->position, chunk);
    return write_next(writer, chunk, len);
}

/* ---- the state ---- */

static struct ff_index_known known_now(const struct ff_archive *archive, bool done)
{
    struct ff_index_known known = {
        .now = {.summary = archive->summary,
                .damages = archive->damage_count,
                .changes = archive->change_count},
        .end_seen = archive->end_seen,
        .safe = archive->safe,
        .done = done,
        .epoch = atomic_load(&archive->epoch),
        .preamble_state = archive->preamble_state,
        .contexts = archive->scan->contexts.items,
        .damages = archive->damages,
        .changes = archive->changes,
    };

    ff_scan_point(archive->scan, &known.now.point);
    return known;
}

/* Where the last frame ends that the index has, and the payload bytes up to there, as the index
 * counts them for its segments. */
static int find_end(const struct ff_archive *archive, uint64_t records, uint64_t *ret_offset,
                    uint64_t *ret_payload)
{
    struct ff_index_entry last = {0};
    uint64_t payload = 0;

    int r = records > 0 ? ff_index_get(archive->index, records - 1, &last) : 0;
    if (r == 0)
        r = ff_index_payload_before(archive->index, records, &payload);
    if (r < 0)
        return r;
    *ret_offset = last.offset + last.head + last.payload + last.tail;
    *ret_payload = payload;
    return 0;
}

int ff_index_writer_state(struct ff_archive *archive, bool done, uint8_t **buf, size_t *ret_len)
{
    uint64_t offset, payload;
    size_t len = 0;

    int r = find_end(archive, ff_index_count(archive->index), &offset, &payload);
    if (r < 0)
        return r;
    pthread_mutex_lock(&archive->mutex);
    const struct ff_index_known known = known_now(archive, done);
    uint8_t *chunk = realloc(*buf, (size_t)FF_IMAGE_CHUNK_LEN(ff_index_known_bytes_max(&known)));
    if (chunk)
        len = ff_index_known_encode(chunk + FF_IMAGE_CHUNK_BYTES, &known);
    pthread_mutex_unlock(&archive->mutex);
    if (!chunk)
        return -ENOMEM;
    *buf = chunk;
    *ret_len = (size_t)ff_image_chunk_write(chunk, FF_IMAGE_STATE, 0, offset, payload, len);
    return 0;
}

/* Keeps the state as of now, until its segments are written. */
static int keep_state(struct ff_archive *archive, bool done)
{
    struct ff_index_writer *writer = archive->writer;
    uint64_t records = ff_index_count(archive->index);

    writer->pending_len = 0;
    writer->pending_segments = (records + FF_SEGMENT_RECORDS - 1) / FF_SEGMENT_RECORDS;
    writer->state_offset = archive->scan->position.offset;
    return ff_index_writer_state(archive, done, &writer->pending, &writer->pending_len);
}

/* Whether a state should be kept of the present place, which is between two segments. */
static bool wants_state(const struct ff_archive *archive)
{
    const struct ff_index_writer *writer = archive->writer;
    uint64_t entries =
        archive->damage_count + archive->change_count + archive->scan->contexts.count;

    return archive->scan->position.offset - writer->state_offset >=
           STATE_EVERY_BYTES + entries * FF_DAMAGE_REASON_BYTES * STATE_RATIO;
}

/* ---- beginning ---- */

#define BINDING_END (FF_IMAGE_HEADER_BYTES + FF_IMAGE_CHUNK_LEN(FF_BINDING_BYTES))

/* Whether what the archive knows was taken from that very file. */
static bool is_file_of(const struct ff_index_map *map, int fd)
{
    struct stat st;

    return map && ff_stat_fd(fd, &st) == 0 && st.st_dev == map->device && st.st_ino == map->inode;
}

/* The file is gone on with behind what the archive took of it. */
static int go_on_with(struct ff_archive *archive, struct ff_index_writer *writer)
{
    const struct ff_index_map *map = archive->map;
    uint64_t segments = map->records / FF_SEGMENT_RECORDS;

    int r = ff_index_directory_copy(&writer->directory, map->directory.entries, segments);
    if (r == 0 && writer->times)
        r = ff_index_directory_copy(&writer->times_directory, map->times_directory.entries,
                                    segments);
    if (map->whole)
        writer->position = map->image.len;
    else if (segments > 0 && writer->times)
        writer->position = ff_image_times_entry_end(map->times_directory.entries +
                                                    (segments - 1) * FF_IMAGE_TIMES_ENTRY_BYTES);
    else if (segments > 0)
        writer->position =
            ff_image_entry_end(map->directory.entries + (segments - 1) * FF_IMAGE_ENTRY_BYTES);
    return r;
}

static int begin(struct ff_archive *archive)
{
    struct ff_index_writer *writer = archive->writer;
    const struct ff_image_header header = {.archive_bytes = archive->size};
    uint8_t chunk[FF_IMAGE_CHUNK_LEN(FF_BINDING_BYTES)];
    bool own = is_file_of(archive->map, writer->fd);

    writer->position = BINDING_END;
    /* Not before: who waits for the first records does not wait for samples of the last. */
    int r = ff_index_bind(archive->source, archive->format, archive->size, archive->mtime,
                          &writer->binding);
    if (r == 0 && own)
        r = go_on_with(archive, writer);
    /* What is not gone on with goes first: it must not be taken for a part of what follows. */
    if (r == 0 && ftruncate(writer->fd, own ? (off_t)writer->position : 0) < 0)
        r = -errno;
    if (r == 0)
        r = write_header(writer, &header);
    ff_index_binding_encode(chunk + FF_IMAGE_CHUNK_BYTES, &writer->binding);
    ff_image_chunk_write(chunk, FF_IMAGE_BINDING, 0, 0, 0, FF_BINDING_BYTES);
    return r < 0 ? r : write_at(writer->fd, chunk, sizeof(chunk), FF_IMAGE_HEADER_BYTES);
}

int ff_archive_write_index(struct ff_archive *archive, int fd,
                           const struct ff_index_writing *writing, struct ff_error *error)
{
    if (ff_archive_complete(archive))
        return ff_error_set(error, -EALREADY, "all is known already");
    if (archive->select || archive->size == FF_SIZE_UNKNOWN || archive->thread_runs ||
        archive->writer || (archive->scan->position.state != 0 && !archive->map))
        return ff_error_set(error, -EINVAL,
                            archive->select ? "not all records are shown" : "the scan has begun");
    if (writing->verify && archive->map)
        return ff_error_set(error, -EINVAL, "the checksums of what is known were not computed");
    if (writing->verify && !ff_layout_has_sums(&archive->format->layout))
        return ff_error_set(error, -ENOTSUP, "%s: the format %s has no checksums to verify",
                            archive->name, ff_format_name(archive->format));
    if (writing->times && !archive->has_times)
        return ff_error_set(error, -ENOTSUP, "%s: records of the format %s have no time",
                            archive->name, ff_format_name(archive->format));
    if (writing->times && archive->map && !archive->map->has_times)
        return ff_error_set(error, -EINVAL, "the times of what is known are not in the index");
    struct ff_index_writer *writer = calloc(1, sizeof(*writer));
    if (writer)
        writer->segment = malloc(FF_IMAGE_SEGMENT_BYTES_MAX);
    if (!writer || !writer->segment) {
        ff_index_writer_free(writer);
        return ff_error_set(error, -ENOMEM, "out of memory");
    }
    writer->fd = fd;
    writer->discard = writing->discard;
    writer->begun_ns = now_ns();
    writer->delay_ns = (uint64_t)writing->delay_ms * 1000000;
    writer->state_offset = archive->scan->position.offset;
    writer->status.state = FF_INDEX_WAITING;
    if (is_file_of(archive->map, fd) && !archive->map->partial) {
        ff_index_writer_free(writer);
        return ff_error_set(error, -EINVAL, "the index file is the one in use");
    }
    writer->verify = writing->verify;
    if (writer->verify)
        ff_scan_check_sums(archive->scan);
    writer->directory.entry_bytes = FF_IMAGE_ENTRY_BYTES;
    writer->times_directory.entry_bytes = FF_IMAGE_TIMES_ENTRY_BYTES;
    writer->times = writing->times || (archive->map && archive->map->has_times);
    if (writer->times && archive->map)
        ff_times_keep_known(&writer->kept, archive->map);
    archive->writer = writer;
    return 0;
}

/* ---- on the way ---- */

static bool is_between_segments(const struct ff_archive *archive)
{
    return ff_index_count(archive->index) % FF_SEGMENT_RECORDS == 0;
}

uint64_t ff_index_writer_room(const struct ff_archive *archive)
{
    return FF_SEGMENT_RECORDS - ff_index_count(archive->index) % FF_SEGMENT_RECORDS;
}

bool ff_index_writer_is_due(const struct ff_archive *archive)
{
    const struct ff_index_writer *writer = archive->writer;

    return is_writing(writer) && (is_between_segments(archive) ||
                                  (writer->status.state == FF_INDEX_WRITING &&
                                   ff_index_segments(archive->index) > writer->directory.count));
}

/* Begins if it is time. False: it is not, or that failed. */
static bool is_begun(struct ff_archive *archive)
{
    struct ff_index_writer *writer = archive->writer;

    if (writer->status.state == FF_INDEX_WAITING &&
        (writer->delay_ns == 0 || now_ns() - writer->begun_ns > writer->delay_ns)) {
        int r = begin(archive);
        set_state(archive, r < 0 ? FF_INDEX_FAILED : FF_INDEX_WRITING, r);
    }
    return writer->status.state == FF_INDEX_WRITING;
}

static int write_pending(struct ff_index_writer *writer)
{
    if (writer->pending_len == 0 || writer->pending_segments != writer->directory.count)
        return 0;
    int r = write_next(writer, writer->pending, writer->pending_len);
    writer->pending_len = 0;
    return r;
}

int ff_index_writer_times(struct ff_archive *archive, uint64_t k, const uint8_t **ret_chunk,
                          size_t *ret_len)
{
    struct ff_index_writer *writer = archive->writer;
    const struct ff_index_map *map = archive->map;
    uint64_t records = ff_index_count(archive->index), offset, payload;
    int r;

    if (map && (k + 1) * FF_SEGMENT_RECORDS <= map->records) {
        r = ff_image_times_check(&map->image, k);
        if (r == 0)
            r = ff_image_times_copy(&map->image, k, writer->segment, ret_len);
        if (r == 0)
            *ret_chunk = writer->segment;
        return r;
    }
    if ((k + 1) * FF_SEGMENT_RECORDS < records)
        records = (k + 1) * FF_SEGMENT_RECORDS;
    r = find_end(archive, records, &offset, &payload);
    return r < 0 ? r : ff_times_take(&writer->kept, offset, payload, ret_chunk, ret_len);
}

static int write_times(struct ff_archive *archive, uint64_t k)
{
    struct ff_index_writer *writer = archive->writer;
    const uint8_t *chunk;
    size_t len;

    int r = ff_index_writer_times(archive, k, &chunk, &len);
    if (r == 0)
        r = write_chunk(writer, FF_IMAGE_TIMES, chunk, len);
    if (r == 0)
        writer->times_directory.count++;
    return r;
}

/* The next segment that is final, what belongs to it, and the state that belongs behind it. */
static int write_segment(struct ff_archive *archive)
{
    struct ff_index_writer *writer = archive->writer;
    uint64_t k = writer->directory.count;
    size_t len;

    int r = ff_index_segment(archive->index, k, writer->segment, &len);
    if (r == 0)
        r = write_chunk(writer, FF_IMAGE_SEGMENT, writer->segment, len);
    if (r == 0 && writer->times)
        r = write_times(archive, k);
    if (r < 0)
        return r;
    writer->directory.count++;
    return write_pending(writer);
}

static int write_segments(struct ff_archive *archive)
{
    struct ff_index_writer *writer = archive->writer;
    uint64_t final = ff_index_segments(archive->index);
    int r = 0;

    while (r == 0 && writer->directory.count < final)
        r = write_segment(archive);
    if (r == 0 && writer->discard)
        r = ff_index_discard(archive->index, final);
    return r;
}

void ff_index_writer_go_on(struct ff_archive *archive)
{
    struct ff_index_writer *writer = archive->writer;
    int r = 0;

    if (!is_begun(archive))
        return;
    r = write_segments(archive);
    /* Its last segment becomes final with the next record, which is not known now. */
    if (r == 0 && is_between_segments(archive) && wants_state(archive))
        r = keep_state(archive, false);
    if (r == 0)
        r = write_pending(writer);
    set_state(archive, r < 0 ? FF_INDEX_FAILED : FF_INDEX_WRITING, r);
}

/* ---- times ---- */

static bool keeps_times(const struct ff_index_writer *writer)
{
    return writer->times && is_writing(writer) && writer->kept.code == 0;
}

void ff_index_writer_record(struct ff_archive *archive)
{
    struct ff_index_writer *writer = archive->writer;
    struct ff_time time = {0};

    if (!keeps_times(writer))
        return;
    writer->kept.code = ff_scan_time(archive->scan, &time);
    ff_times_keep(&writer->kept, &time);
}

void ff_index_writer_rest(struct ff_archive *archive, uint64_t offset, const uint64_t *ends,
                          size_t count)
{
    struct ff_index_writer *writer = archive->writer;
    struct ff_time time = {0};

    for (size_t i = 0; i < count && keeps_times(writer); offset = ends[i++]) {
        writer->kept.code = ff_scan_rest_time(archive->scan, offset, ends[i], &time);
        ff_times_keep(&writer->kept, &time);
    }
}

void ff_index_writer_end_times(struct ff_archive *archive)
{
    ff_times_keep_end(&archive->writer->kept);
}

/* The times' directory. */
static int write_times_directory(struct ff_index_writer *writer, struct ff_image_part *ret_part)
{
    size_t len = (size_t)writer->times_directory.count * FF_IMAGE_TIMES_ENTRY_BYTES;

    *ret_part = (struct ff_image_part){
        .kind = FF_IMAGE_TIMES, .flags = FF_IMAGE_OPTIONAL, .offset = writer->position, .len = len};
    return write_next(writer, writer->times_directory.entries, len);
}

/* ---- checksums ---- */

void ff_index_writer_wrong(struct ff_archive *archive, const struct ff_damage *damage)
{
    struct ff_index_writer *writer = archive->writer;

    if (writer->sums_code == 0)
        writer->sums_code = ff_index_sums_add(&writer->sums, damage);
}

/* The part at the file's end. */
static int write_sums(struct ff_archive *archive, struct ff_image_part *ret_part)
{
    struct ff_index_writer *writer = archive->writer;
    struct ff_index_sums *sums = &writer->sums;

    if (writer->sums_code < 0)
        return writer->sums_code;
    sums->archive_bytes = archive->size;
    sums->mtime = archive->mtime;
    sums->records = archive->summary.records;
    sums->checksums = archive->scan->sums_checked;
    uint8_t *buf = malloc(ff_index_sums_bytes_max(sums));
    if (!buf)
        return -ENOMEM;
    size_t len = ff_index_sums_encode(buf, sums);
    *ret_part = (struct ff_image_part){.kind = FF_IMAGE_VERIFIED,
                                       .flags = FF_IMAGE_OPTIONAL,
                                       .offset = writer->position,
                                       .len = len,
                                       .hash = ff_image_hash(buf, len)};
    int r = write_next(writer, buf, len);
    free(buf);
    return r;
}

/* ---- the end ---- */

static int write_end(struct ff_archive *archive)
{
    struct ff_index_writer *writer = archive->writer;

    /* First, while the last record can be looked up. */
    int r = keep_state(archive, true);
    const uint64_t state_len = writer->pending_len;
    ff_index_writer_end_times(archive);
    if (r < 0 || (r = write_segments(archive)) < 0 || (r = write_pending(writer)) < 0)
        return r;
    const uint64_t directory = writer->position, segments_end = directory - state_len,
                   directory_len = writer->directory.count * FF_IMAGE_ENTRY_BYTES;
    if ((r = write_next(writer, writer->directory.entries, (size_t)directory_len)) < 0)
        return r;
    struct ff_image_header header = {
        .records = archive->summary.records,
        .segments = writer->directory.count,
        .archive_bytes = archive->size,
        .part_count = 4,
        .part = {{.kind = FF_IMAGE_BINDING,
                  .offset = FF_IMAGE_HEADER_BYTES,
                  .len = BINDING_END - FF_IMAGE_HEADER_BYTES},
                 {.kind = FF_IMAGE_SEGMENT,
                  .offset = BINDING_END,
                  .len = segments_end - BINDING_END},
                 {.kind = FF_IMAGE_STATE, .offset = segments_end, .len = state_len},
                 {.kind = FF_IMAGE_DIRECTORY, .offset = directory, .len = directory_len}},
    };
    if (writer->times && (r = write_times_directory(writer, &header.part[header.part_count++])) < 0)
        return r;
    if (writer->verify && (r = write_sums(archive, &header.part[header.part_count++])) < 0)
        return r;
    header.len = writer->position;
    if (ftruncate(writer->fd, (off_t)writer->position) < 0)
        return -errno;
    return write_header(writer, &header);
}

static int synchronise(struct ff_archive *archive)
{
    uint64_t begun_ns = now_ns();
    int r = fdatasync(archive->writer->fd) < 0 ? -errno : 0;

    pthread_mutex_lock(&archive->mutex);
    archive->writer->status.sync_ns = now_ns() - begun_ns;
    pthread_mutex_unlock(&archive->mutex);
    return r;
}

void ff_index_writer_finish(struct ff_archive *archive, bool reached_end)
{
    if (!is_writing(archive->writer))
        return;
    if (!reached_end) {
        set_state(archive, FF_INDEX_FAILED, -ECANCELED);
        return;
    }
    if (!is_begun(archive)) {
        if (archive->writer->status.state == FF_INDEX_WAITING)
            set_state(archive, FF_INDEX_SPARED, 0);
        return;
    }
    /* Bytes that changed under the scan are not those that the binding is of. */
    int r = archive->source->ops->check(archive->source);
    if (r == 0)
        r = write_end(archive);
    if (r == 0)
        r = synchronise(archive);
    set_state(archive, r < 0 ? FF_INDEX_FAILED : FF_INDEX_WRITTEN, r);
}
