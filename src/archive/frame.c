/* A record whose place is known, decoded once more: what its frame says besides its length. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "archive/internal.h"
#include "format/checksum.h"
#include "format/format.h"

/* Most headers are this small: one short read finds them. */
#define HEADER_BYTES 512
/* Checksummed at once. */
#define PIECE_BYTES ((size_t)256 << 10)

/* The decode state that was in force before the record's frame. */
static struct ff_decode_state state_before(struct ff_archive *archive, uint64_t record)
{
    struct ff_decode_state state = {.order = FF_ORDER_LE, .preamble = FF_NO_ITEM};

    pthread_mutex_lock(&archive->mutex);
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

/* The caller calls ff_reader_done() after success. */
static int decode_frame(struct ff_archive *archive, const struct ff_record *record,
                        struct ff_reader *reader, struct ff_decoder *decoder,
                        struct ff_error *error)
{
    uint64_t end = record->offset + ff_record_frame(record);
    bool failed;

    /* As if the archive ended with the frame: then padding that the last record lacks is missing
     * now as it was when it was indexed. */
    ff_decoder_init(decoder, &archive->format->layout, end);
    decoder->state = state_before(archive, record->number);
    int r = ff_reader_init(reader, archive->source, end, 2 * FF_DECODE_NEED_MAX);
    if (r < 0)
        return ff_error_set(error, r, "out of memory");
    reader->chunk = HEADER_BYTES;
    r = ff_reader_decode(reader, decoder, FF_FRAME, record->offset, &failed);
    /* What did not fit may be due to a change: then that is the better message. */
    int stale = archive->source->ops->check(archive->source);
    if (stale < 0) {
        r = ff_archive_error(archive, error, stale, record->number, record->offset,
                             stale == -ESTALE
                                 ? "the archive was changed or shortened after it was opened"
                                 : strerror(-stale));
    } else if (r < 0) {
        r = ff_archive_error(archive, error, r, record->number, record->offset,
                             failed ? strerror(-r) : "the frame is not what was indexed");
    } else if (decoder->end != end) {
        r = ff_archive_error(archive, error, -EUCLEAN, record->number, record->offset,
                             "the frame is not what was indexed");
    }
    if (r < 0)
        ff_reader_done(reader);
    return r;
}

int ff_archive_details(struct ff_archive *archive, const struct ff_record *record,
                       struct ff_details *ret_details, struct ff_error *error)
{
    struct ff_decoder decoder;
    struct ff_reader reader;

    int r = decode_frame(archive, record, &reader, &decoder, error);
    if (r < 0)
        return r;
    ff_reader_details(&reader, &decoder, ret_details);
    ff_reader_done(&reader);
    return 0;
}

/* The index-th item of the alternative that is a checksum, or FF_NO_ITEM. */
static unsigned int find_checksum(const struct ff_layout *layout, const struct ff_alt *alt,
                                  unsigned int index)
{
    for (unsigned int i = 0; i < alt->count; i++)
        if (layout->items[alt->first + i].checksum != FF_CHECKSUM_NONE && index-- == 0)
            return i;
    return FF_NO_ITEM;
}

static int sum_range(struct ff_archive *archive, const struct ff_record *record, uint64_t offset,
                     uint64_t end, struct ff_checksum *checksum, struct ff_error *error)
{
    uint8_t *buf = malloc(PIECE_BYTES);
    int r = 0;

    if (!buf)
        return ff_error_set(error, -ENOMEM, "out of memory");
    while (offset < end && r == 0) {
        size_t len = end - offset < PIECE_BYTES ? (size_t)(end - offset) : PIECE_BYTES;
        r = ff_archive_pread(archive, buf, len, offset, record->number, error);
        if (r == 0)
            ff_checksum_update(checksum, buf, len);
        offset += len;
    }
    free(buf);
    return r;
}

int ff_archive_checksum(struct ff_archive *archive, const struct ff_record *record,
                        unsigned int index, struct ff_checksum_result *ret_result,
                        struct ff_error *error)
{
    const struct ff_layout *layout = &archive->format->layout;
    struct ff_decoder decoder;
    struct ff_reader reader;
    struct ff_checksum checksum;
    struct ff_checksum_result result = {0};

    int r = decode_frame(archive, record, &reader, &decoder, error);
    if (r < 0)
        return r;
    ff_reader_done(&reader);
    const struct ff_alt *alt = &layout->alts[decoder.alt];
    unsigned int place = find_checksum(layout, alt, index);
    if (place == FF_NO_ITEM)
        return -ENOENT;
    const struct ff_item *item = &layout->items[alt->first + place];

    ff_checksum_init(&checksum, item->checksum);
    r = sum_range(archive, record, decoder.starts[item->check_from],
                  decoder.starts[item->check_to + 1], &checksum, error);
    if (r < 0)
        return r;
    result.name = ff_checksum_name(item->checksum);
    result.offset = decoder.starts[place];
    if (item->checksum == FF_CHECKSUM_MD5) {
        uint8_t stored[FF_CHECKSUM_MAX_BYTES], computed[FF_CHECKSUM_MAX_BYTES];
        r = ff_archive_pread(archive, stored, sizeof(stored), result.offset, record->number, error);
        if (r < 0)
            return r;
        ff_checksum_bytes(&checksum, computed);
        result.matches = memcmp(stored, computed, sizeof(stored)) == 0;
    } else {
        result.matches = ff_checksum_equals(&checksum, item->width, decoder.slots[item->slot]);
    }
    *ret_result = result;
    return 0;
}
