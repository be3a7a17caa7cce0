/* A record whose place is known, decoded once more: what its frame says besides its length. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "archive/index_times.h"
#include "archive/internal.h"
#include "archive/sums.h"
#include "format/format.h"

/* Most headers are this small: one short read finds them. */
#define HEADER_BYTES 512

struct ff_decode_state ff_archive_state_before(struct ff_archive *archive, uint64_t record)
{
    pthread_mutex_lock(&archive->mutex);
    struct ff_decode_state state = archive->preamble_state;
    size_t low = 0, high = archive->change_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (archive->changes[middle].record <= record)
            low = middle;
        else
            high = middle;
    }
    if (archive->change_count)
        ff_scan_unpack_state(archive->changes[low].state, &state);
    pthread_mutex_unlock(&archive->mutex);
    return state;
}

int ff_archive_frame_begin(struct ff_archive *archive, const struct ff_record *record,
                           struct ff_reader *reader, struct ff_decoder *decoder,
                           struct ff_error *error)
{
    /* As if the archive ended with the record: then padding that the last one lacks is missing now
     * as it was when it was indexed. */
    uint64_t end = ff_record_end(record);

    ff_decoder_init(decoder, &archive->format->layout, end);
    decoder->state = ff_archive_state_before(archive, record->number);
    int r = ff_reader_init(reader, archive->source, end, 2 * FF_DECODE_NEED_MAX);
    if (r < 0)
        return ff_error_set(error, r, "out of memory");
    reader->chunk = HEADER_BYTES;
    r = ff_archive_frame_next(archive, record, record->offset, reader, decoder, error);
    if (r < 0)
        ff_reader_done(reader);
    return r;
}

int ff_archive_frame_next(struct ff_archive *archive, const struct ff_record *record,
                          uint64_t offset, struct ff_reader *reader, struct ff_decoder *decoder,
                          struct ff_error *error)
{
    const struct ff_layout *layout = decoder->layout;
    uint64_t end = ff_record_end(record);
    bool failed = false, hidden;
    int r;

    do {
        offset += ff_decode_padding(layout, offset);
        r = offset < end ? ff_reader_decode(reader, decoder, FF_FRAME, offset, &failed) : -EUCLEAN;
        hidden = r == 0 && layout->alts[decoder->alt].hide;
        offset = decoder->end;
    } while (hidden);
    /* The frame must be the one that was indexed: all of it, or the next part of a joined record.
     */
    bool first = r == 0 && decoder->offset == record->offset;
    bool last = r == 0 && decoder->end == end;
    bool fits = r == 0 && (record->joined ? first == (decoder->frag == FF_FRAG_FIRST) &&
                                                last == (decoder->frag == FF_FRAG_LAST)
                                          : first && last);
    /* What did not fit may be due to a change: then that is the better message. */
    int stale = archive->source->ops->check(archive->source);
    if (stale < 0)
        return ff_archive_error(archive, error, stale, record->number, record->offset,
                                stale == -ESTALE
                                    ? "the archive was changed or shortened after it was opened"
                                    : strerror(-stale));
    if (failed)
        return ff_archive_error(archive, error, r, record->number, record->offset, strerror(-r));
    if (!fits)
        return ff_archive_error(archive, error, r < 0 ? r : -EUCLEAN, record->number,
                                record->offset, "the frame is not what was indexed");
    return 0;
}

/* The clock that the frame's time is told by. */
static struct ff_clock clock_of(struct ff_archive *archive, const struct ff_record *record,
                                const struct ff_decoder *decoder)
{
    struct ff_clock clock = {0};
    ff_value interface;

    if (ff_decoder_interface(decoder, &interface)) {
        pthread_mutex_lock(&archive->mutex);
        clock = ff_contexts_clock(&archive->contexts, record->offset, interface);
        pthread_mutex_unlock(&archive->mutex);
    }
    return clock;
}

void ff_archive_frame_time(struct ff_archive *archive, const struct ff_record *record,
                           struct ff_reader *reader, const struct ff_decoder *decoder,
                           struct ff_time *ret_time)
{
    ff_reader_time(reader, decoder, clock_of(archive, record, decoder), ret_time);
}

int ff_archive_time(struct ff_archive *archive, const struct ff_record *record, bool *ret_known,
                    struct timespec *ret_time, struct ff_error *error)
{
    struct ff_decoder decoder;
    struct ff_reader reader;
    struct ff_time time = {0};

    if (archive->has_times && ff_index_map_time(archive->map, record->number, &time) < 0) {
        int r = ff_archive_frame_begin(archive, record, &reader, &decoder, error);
        if (r < 0)
            return r;
        ff_archive_frame_time(archive, record, &reader, &decoder, &time);
        ff_reader_done(&reader);
    }
    *ret_known = time.known;
    *ret_time = time.at;
    return 0;
}

int ff_archive_details(struct ff_archive *archive, const struct ff_record *record,
                       struct ff_details *ret_details, struct ff_error *error)
{
    struct ff_decoder decoder;
    struct ff_reader reader;

    int r = ff_archive_frame_begin(archive, record, &reader, &decoder, error);
    if (r < 0)
        return r;
    ff_reader_details(&reader, &decoder, clock_of(archive, record, &decoder), ret_details);
    ff_reader_done(&reader);
    return 0;
}

int ff_archive_checksums(struct ff_archive *archive, const struct ff_record *record,
                         unsigned int *ret_count, struct ff_error *error)
{
    struct ff_decoder decoder;
    struct ff_reader reader;

    int r = ff_archive_frame_begin(archive, record, &reader, &decoder, error);
    if (r < 0)
        return r;
    *ret_count = ff_sums_count(&decoder);
    ff_reader_done(&reader);
    return 0;
}

int ff_archive_checksum(struct ff_archive *archive, const struct ff_record *record,
                        unsigned int index, struct ff_checksum_result *ret_result,
                        struct ff_error *error)
{
    struct ff_decoder decoder;
    struct ff_reader reader;
    struct ff_sum sum;

    int r = ff_archive_frame_begin(archive, record, &reader, &decoder, error);
    if (r < 0)
        return r;
    /* Of a joined record the checksums of all its frames, one after the other. */
    for (unsigned int i = 0;; i++) {
        r = ff_sums_check(&reader, &decoder, i, &sum);
        if (r == 0 && index-- == 0)
            break;
        if (r == 0)
            continue;
        if (r != -ENOENT) {
            r = ff_archive_error(archive, error, r, record->number, decoder.offset, strerror(-r));
            break;
        }
        if (decoder.end == ff_record_end(record))
            break;
        r = ff_archive_frame_next(archive, record, decoder.end, &reader, &decoder, error);
        if (r < 0)
            break;
        i = UINT_MAX;
    }
    ff_reader_done(&reader);
    if (r < 0)
        return r;
    *ret_result =
        (struct ff_checksum_result){.name = sum.name, .offset = sum.offset, .matches = sum.matches};
    for (unsigned int i = 0; i < sum.stored_len; i++)
        snprintf(ret_result->stored + 2 * i, 3, "%02x", sum.stored[i]);
    return 0;
}

/* A reading of a joined record, for the places that it passes. */
struct passing {
    struct ff_archive *archive;
    uint64_t record;
    enum ff_joined_bytes what;
};

static void note_place(void *context, const struct ff_joined_point *point)
{
    const struct passing *passing = context;

    pthread_mutex_lock(&passing->archive->mutex);
    ff_places_pass(&passing->archive->places, passing->record, passing->what, point);
    pthread_mutex_unlock(&passing->archive->mutex);
}

int ff_archive_joined(struct ff_archive *archive, const struct ff_record *record,
                      enum ff_joined_bytes what, void *buf, size_t len, uint64_t at,
                      struct ff_error *error)
{
    struct passing passing = {.archive = archive, .record = record->number, .what = what};
    struct ff_joined_point from = {.offset = record->offset,
                                   .state = ff_archive_state_before(archive, record->number)};

    pthread_mutex_lock(&archive->mutex);
    ff_places_find(&archive->places, record->number, what, at, &from);
    pthread_mutex_unlock(&archive->mutex);
    struct ff_joined_point point = from;
    int r = ff_joined_read(archive->source, &archive->format->layout, record, what, &point,
                           note_place, &passing, buf, len, at);
    if (r < 0)
        return ff_archive_error(archive, error, r, record->number, record->offset,
                                r == -EUCLEAN || r == -ENODATA
                                    ? "the parts of the record are not what was indexed"
                                    : strerror(-r));
    pthread_mutex_lock(&archive->mutex);
    ff_places_end(&archive->places, record->number, what, &from, &point);
    pthread_mutex_unlock(&archive->mutex);
    return 0;
}
