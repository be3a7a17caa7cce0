#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "archive/index_file.h"
#include "archive/internal.h"
#include "format/format.h"

static void add_extent(struct ff_view *view, enum ff_extent_kind kind, uint64_t offset,
                       uint64_t len)
{
    if (len == 0)
        return;
    view->extent[view->extents++] = (struct ff_extent){.kind = kind, .offset = offset, .len = len};
    view->len += len;
}

/* The frame of a record. */
static void add_frame(struct ff_view *view, const struct ff_record *record)
{
    add_extent(view, record->joined ? FF_EXTENT_JOINED_FRAME : FF_EXTENT_BYTES, record->offset,
               ff_record_frame(record));
}

static struct ff_archive *shared(const struct ff_archive *archive)
{
    return (struct ff_archive *)(uintptr_t)archive;
}

/* What the scan has found does not change any more once it has ended: then nobody waits. Whether
 * the lock was taken. */
static bool lock_while_scanned(const struct ff_archive *archive)
{
    if (ff_archive_complete(archive))
        return false;
    pthread_mutex_lock(&shared(archive)->mutex);
    return true;
}

static void unlock(const struct ff_archive *archive, bool locked)
{
    if (locked)
        pthread_mutex_unlock(&shared(archive)->mutex);
}

/* The contexts of what stands at offset that lie at `after` or behind. The extent's offset is the
 * bytes of all contexts before the first of them. */
static int add_context(const struct ff_archive *archive, uint64_t offset, uint64_t after,
                       struct ff_view *view, uint64_t *ret_section)
{
    const struct ff_contexts *contexts = &archive->contexts;
    size_t first = 0, end = 0;

    if (!archive->format->layout.has_context)
        return 0;
    bool locked = lock_while_scanned(archive);
    bool known = ff_contexts_of(contexts, offset, &first, &end);
    if (known && first < end) {
        if (ret_section)
            *ret_section = contexts->items[first].offset;
        size_t behind = ff_contexts_from(contexts, after);
        if (first < behind)
            first = behind;
    }
    if (known && first < end) {
        const struct ff_context *last = &contexts->items[end - 1];
        uint64_t before = contexts->items[first].before;
        add_extent(view, FF_EXTENT_CONTEXT, before, last->before + last->len - before);
    }
    unlock(archive, locked);
    return known ? 0 : -EOVERFLOW;
}

static bool ends_with_frame(const struct ff_archive *archive)
{
    const struct ff_layout *layout = &archive->format->layout;
    for (unsigned int a = layout->alt_first[FF_FRAME]; a < layout->alt_first[FF_FRAME + 1]; a++)
        if (layout->alts[a].end)
            return true;
    return false;
}

/* What a valid archive has before the record or records at offset. */
static int begin_file(const struct ff_archive *archive, uint64_t offset, struct ff_view *view)
{
    if (ends_with_frame(archive) && !ff_archive_complete(archive))
        return -EAGAIN;
    add_extent(view, FF_EXTENT_BYTES, 0, archive->preamble_len);
    return add_context(archive, offset, 0, view, NULL);
}

/* And after them: the postamble or end frame. */
static void end_file(const struct ff_archive *archive, struct ff_view *view)
{
    bool locked = lock_while_scanned(archive);
    add_extent(view, FF_EXTENT_BYTES, archive->tail_offset, archive->tail_len);
    unlock(archive, locked);
}

int ff_view_record(const struct ff_archive *archive, const struct ff_record *record,
                   enum ff_content content, struct ff_view *ret_view)
{
    struct ff_view view = {.record = *record};
    int r;

    switch (content) {
    case FF_CONTENT_PAYLOAD:
        add_extent(&view, record->joined ? FF_EXTENT_JOINED_PAYLOAD : FF_EXTENT_BYTES,
                   record->joined ? record->offset : record->offset + record->head,
                   record->payload);
        break;
    case FF_CONTENT_FRAME:
        add_frame(&view, record);
        break;
    case FF_CONTENT_FILE:
        if ((r = begin_file(archive, record->offset, &view)) < 0)
            return r;
        add_frame(&view, record);
        end_file(archive, &view);
        break;
    }
    *ret_view = view;
    return 0;
}

int ff_view_context(const struct ff_archive *archive, const struct ff_record *record,
                    uint64_t after, struct ff_view *ret_view, uint64_t *ret_section)
{
    struct ff_view view = {.record = *record};
    uint64_t section = 0;

    int r = add_context(archive, record->offset, after, &view, &section);
    if (r < 0)
        return r;
    *ret_view = view;
    *ret_section = section;
    return 0;
}

void ff_view_archive(const struct ff_archive *archive, struct ff_view *ret_view)
{
    struct ff_view view = {.record.number = UINT64_MAX};
    add_extent(&view, FF_EXTENT_BYTES, 0, archive->size == FF_SIZE_UNKNOWN ? 0 : archive->size);
    *ret_view = view;
}

int ff_view_slice(const struct ff_archive *archive, uint64_t first, uint64_t last,
                  struct ff_view *ret_view)
{
    struct ff_view view = {.record.number = UINT64_MAX};
    struct ff_record from, to;
    int r;

    if (first > last)
        return -EINVAL;
    if ((r = ff_archive_record(archive, last, &to)) < 0 ||
        (r = ff_archive_record(archive, first, &from)) < 0)
        return r;
    if ((r = begin_file(archive, from.offset, &view)) < 0)
        return r;
    add_extent(&view, FF_EXTENT_BYTES, from.offset, ff_record_end(&to) - from.offset);
    end_file(archive, &view);
    *ret_view = view;
    return 0;
}

/* After bytes were read: are they still the archive's? */
static int check_source(struct ff_archive *archive, uint64_t offset, uint64_t record,
                        struct ff_error *error)
{
    int r = archive->source->ops->check(archive->source);
    if (r == -ESTALE)
        return ff_archive_error(archive, error, r, record, offset,
                                "the archive was changed or shortened after it was opened");
    if (r < 0)
        return ff_archive_error(archive, error, r, record, offset, strerror(-r));
    return 0;
}

/* Reads all of len bytes, without the check. */
static int read_all(struct ff_archive *archive, void *buf, size_t len, uint64_t offset,
                    uint64_t record, struct ff_error *error)
{
    ssize_t got = ff_source_read_full(archive->source, buf, len, offset);
    if (got < 0)
        return ff_archive_error(archive, error, (int)got, record, offset, strerror((int)-got));
    if ((size_t)got < len)
        return ff_archive_error(archive, error, -ENODATA, record, offset + (uint64_t)got,
                                "the archive ends here; it is shorter than when it was opened");
    return 0;
}

/* Bytes [at, at + len) of all contexts one after the other. */
static int read_context(struct ff_archive *archive, uint8_t *buf, size_t len, uint64_t at,
                        uint64_t record, struct ff_error *error)
{
    while (len) {
        size_t low = 0;
        bool locked = lock_while_scanned(archive);
        size_t high = archive->contexts.count;
        while (high - low > 1) {
            size_t middle = low + (high - low) / 2;
            if (archive->contexts.items[middle].before <= at)
                low = middle;
            else
                high = middle;
        }
        struct ff_context context = archive->contexts.items[low];
        unlock(archive, locked);
        uint64_t within = at - context.before;
        size_t piece = context.len - within < len ? (size_t)(context.len - within) : len;
        int r = read_all(archive, buf, piece, context.offset + within, record, error);
        if (r < 0)
            return r;
        buf += piece;
        at += piece;
        len -= piece;
    }
    return 0;
}

/* Bytes [at, at + len) of the extent. */
static int read_extent(struct ff_archive *archive, const struct ff_view *view,
                       const struct ff_extent *extent, uint8_t *buf, size_t len, uint64_t at,
                       struct ff_error *error)
{
    uint64_t number = view->record.number;

    switch (extent->kind) {
    case FF_EXTENT_BYTES:
        break;
    case FF_EXTENT_JOINED_PAYLOAD:
        return ff_archive_joined(archive, &view->record, FF_JOINED_PAYLOAD, buf, len, at, error);
    case FF_EXTENT_JOINED_FRAME:
        return ff_archive_joined(archive, &view->record, FF_JOINED_FRAME, buf, len, at, error);
    case FF_EXTENT_CONTEXT:
        return read_context(archive, buf, len, extent->offset + at, number, error);
    }
    return read_all(archive, buf, len, extent->offset + at, number, error);
}

ssize_t ff_view_read(struct ff_archive *archive, const struct ff_view *view, void *buf, size_t len,
                     uint64_t offset, struct ff_error *error)
{
    uint8_t *bytes = buf;
    uint64_t before = 0; /* of the extent, in the view */
    size_t done = 0;
    int r;

    if (offset >= view->len)
        return 0;
    if (len > view->len - offset)
        len = (size_t)(view->len - offset);
    if (archive->verify_reads && view->record.number != UINT64_MAX &&
        (r = ff_archive_check_read(archive, &view->record, error)) < 0)
        return r;
    for (unsigned int e = 0; e < view->extents && done < len; e++) {
        const struct ff_extent *extent = &view->extent[e];
        while (done < len && offset + done < before + extent->len) {
            uint64_t at = offset + done;
            uint64_t piece = archive->interval_bytes - at % archive->interval_bytes;
            if (piece > before + extent->len - at)
                piece = before + extent->len - at;
            if (piece > len - done)
                piece = len - done;
            r = read_extent(archive, view, extent, bytes + done, (size_t)piece, at - before, error);
            if (r < 0)
                return r;
            done += (size_t)piece;
        }
        before += extent->len;
    }
    if ((r = check_source(archive, view->extent[0].offset, view->record.number, error)) < 0)
        return r;
    return (ssize_t)done;
}

/* ---- all payloads joined ---- */

int ff_all_size(const struct ff_archive *archive, size_t separator_len, uint64_t *ret_size)
{
    uint64_t count, size, separators;

    if (!ff_archive_complete(archive))
        return -EAGAIN;
    count = ff_archive_shown(archive);
    int r = ff_index_map_note(archive->map, ff_index_payload_before(archive->index, count, &size));
    if (r < 0)
        return r;
    if (__builtin_mul_overflow(count, (uint64_t)separator_len, &separators) ||
        __builtin_add_overflow(size, separators, &size) || size > FF_OFFSET_MAX)
        return -EOVERFLOW;
    *ret_size = size;
    return 0;
}

/* Small records are read many at once: the span from one to the next costs less than a call each.
 */
#define SPAN_BYTES ((size_t)256 << 10)

/* What was read ahead. */
struct span {
    uint8_t *buf; /* SPAN_BYTES, owned */
    uint64_t offset;
    size_t len;
};

/* How much to read at `at`, inside the record of that rank, for a caller who goes on until he has
 * `wanted` bytes: frames around the payloads make the span longer than that. */
static size_t span_len(const struct ff_archive *archive, uint64_t at, size_t wanted, uint64_t rank,
                       size_t len)
{
    uint64_t span = (uint64_t)wanted * 2 < SPAN_BYTES ? (uint64_t)wanted * 2 : SPAN_BYTES;
    struct ff_record next;

    /* Where the next record lies far behind, as where few are shown, the span would be for one. */
    if (ff_archive_record_at(archive, rank + 1, &next) < 0 || next.offset - at >= span / 2)
        return len;
    return span > len ? (size_t)span : len;
}

/* Copies payload bytes [at, at + len) of the record of that rank, through the span when they are
 * few. wanted: as for span_len(). */
static int copy_payload(struct ff_archive *archive, struct span *span, uint8_t *out, size_t len,
                        uint64_t at, size_t wanted, uint64_t rank, const struct ff_record *record,
                        struct ff_error *error)
{
    if (at >= span->offset && at - span->offset <= span->len &&
        len <= span->len - (size_t)(at - span->offset)) {
        memcpy(out, span->buf + (size_t)(at - span->offset), len);
        return 0;
    }
    if (len >= SPAN_BYTES / 4)
        return read_all(archive, out, len, at, record->number, error);
    if (!span->buf && !(span->buf = malloc(SPAN_BYTES)))
        return -ENOMEM;
    /* As far as the caller may come, as far as the archive goes. */
    size_t want = span_len(archive, at, wanted, rank, len);
    span->len = 0;
    ssize_t got = ff_source_read_full(archive->source, span->buf, want, at);
    if (got < 0 || (size_t)got < len)
        return read_all(archive, out, len, at, record->number, error);
    span->offset = at;
    span->len = (size_t)got;
    memcpy(out, span->buf, len);
    return 0;
}

ssize_t ff_all_read(struct ff_archive *archive, const void *separator, size_t separator_len,
                    void *buf, size_t len, uint64_t offset, struct ff_error *error)
{
    uint8_t *out = buf;
    struct span span = {0};
    uint64_t rank, within, first_offset = 0;
    size_t done = 0;

    /* Read first: then what is not found is not there, or not yet. */
    bool complete = ff_archive_complete(archive);
    int r = ff_index_map_note(archive->map,
                              ff_index_find(archive->index, separator_len, offset, &rank, &within));
    if (r == -ENOENT)
        return complete ? 0 : -EAGAIN;
    while (r == 0 && done < len) {
        struct ff_record record;
        r = ff_archive_record_at(archive, rank, &record);
        if (r < 0)
            break;
        if (record.payload == 0 && separator_len == 0) {
            /* Millions of them may follow each other. */
            r = ff_index_map_note(archive->map,
                                  ff_index_find(archive->index, 0, offset + done, &rank, &within));
            continue;
        }
        uint64_t at = record.offset + record.head + within;
        if (done == 0)
            first_offset = at;
        if (archive->verify_reads && (r = ff_archive_check_read(archive, &record, error)) < 0)
            break;
        if (within < record.payload) {
            uint64_t left = record.payload - within;
            size_t piece = left < len - done ? (size_t)left : len - done;
            if (record.joined)
                r = ff_archive_joined(archive, &record, FF_JOINED_PAYLOAD, out + done, piece,
                                      within, error);
            else
                r = copy_payload(archive, &span, out + done, piece, at, len - done, rank, &record,
                                 error);
            if (r < 0)
                break;
            done += piece;
            within += piece;
        }
        if (separator_len && within >= record.payload) {
            size_t skip = (size_t)(within - record.payload);
            size_t piece = separator_len - skip < len - done ? separator_len - skip : len - done;
            memcpy(out + done, (const uint8_t *)separator + skip, piece);
            done += piece;
        }
        rank++;
        within = 0;
    }
    free(span.buf);
    if (r == -ENOENT)
        r = complete ? 0 : -EAGAIN;
    if (r == 0)
        r = check_source(archive, first_offset, UINT64_MAX, error);
    return r < 0 ? r : (ssize_t)done;
}
