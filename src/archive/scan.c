#include "archive/scan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/format.h"

/* Passed over before the caller is asked again. */
#define HIDDEN_MAX 4096

#define STATE_PREAMBLE_DONE (UINT32_C(1) << 31)

uint32_t ff_scan_pack_state(const struct ff_decode_state *state)
{
    return STATE_PREAMBLE_DONE | (uint32_t)state->preamble << 8 | state->order;
}

void ff_scan_unpack_state(uint32_t packed, struct ff_decode_state *ret_state)
{
    ret_state->order = (packed & 0xff) == FF_ORDER_BE ? FF_ORDER_BE : FF_ORDER_LE;
    ret_state->preamble = (uint8_t)(packed >> 8);
}

int ff_scan_open(struct ff_source *source, const struct ff_format *format,
                 const struct ff_scan_position *from, size_t window_bytes,
                 struct ff_scan **ret_scan, struct ff_error *error)
{
    struct ff_source_stat stat;
    int r = source->ops->stat(source, &stat);
    if (r < 0)
        return ff_error_set(error, r, "the archive's size cannot be read: %s", strerror(-r));
    if (window_bytes == 0)
        window_bytes = FF_SCAN_WINDOW_DEFAULT_BYTES;
    if (window_bytes < FF_SCAN_WINDOW_MIN_BYTES)
        return ff_error_set(error, -EINVAL, "the read window is smaller than %" PRIu32 " bytes",
                            FF_SCAN_WINDOW_MIN_BYTES);
    struct ff_scan *scan = calloc(1, sizeof(*scan));
    if (!scan || ff_reader_init(&scan->reader, source, stat.size, window_bytes) < 0) {
        free(scan);
        return ff_error_set(error, -ENOMEM, "out of memory");
    }
    scan->format = format;
    ff_decoder_init(&scan->decoder, &format->layout, stat.size);
    if (from && from->state & STATE_PREAMBLE_DONE) {
        scan->position = *from;
        ff_scan_unpack_state(from->state, &scan->decoder.state);
    }
    scan->done = format->none;
    *ret_scan = scan;
    return 0;
}

void ff_scan_close(struct ff_scan *scan)
{
    if (!scan)
        return;
    ff_reader_done(&scan->reader);
    free(scan);
}

void ff_scan_position(const struct ff_scan *scan, struct ff_scan_position *ret_position)
{
    *ret_position = scan->position;
}

/* The rest of the archive, from the next frame on, is damaged: the scan ends here. */
static void end_with_damage(struct ff_scan *scan, int code, const char *reason,
                            struct ff_scan_event *event)
{
    uint64_t offset = scan->position.offset, limit = scan->reader.limit;
    event->kind = FF_SCAN_DAMAGE;
    event->damage =
        (struct ff_damage){.offset = offset,
                           .len = limit == FF_SIZE_UNKNOWN || limit < offset ? 0 : limit - offset,
                           .record = scan->position.record,
                           .code = code};
    snprintf(event->damage.reason, sizeof(event->damage.reason), "%s", reason);
    scan->done = true;
}

/* A fault of the decoder as damage: what, and where if that is not the frame's first byte. */
static void end_with_fault(struct ff_scan *scan, int code, struct ff_scan_event *event)
{
    char what[FF_DAMAGE_REASON_BYTES - 32], reason[FF_DAMAGE_REASON_BYTES];
    const struct ff_decode_fault *fault = &scan->decoder.fault;

    ff_decode_fault_text(&scan->format->layout, fault, what, sizeof(what));
    if (fault->kind != FF_FAULT_NONE && fault->offset != scan->position.offset)
        snprintf(reason, sizeof(reason), "%s (at byte %" PRIu64 ")", what, fault->offset);
    else
        snprintf(reason, sizeof(reason), "%s", what);
    end_with_damage(scan, code, reason, event);
}

static int end_with_failure(struct ff_scan *scan, int code, struct ff_error *error)
{
    /* Only the temporary file that keeps what was read from a pipe can run out of room. */
    const char *reason = code == -ENOSPC
                             ? "no room for the temporary file that keeps what was read "
                               "from the pipe: set TMPDIR to a folder that has room"
                             : strerror(-code);
    scan->done = true;
    return ff_error_set(error, code, "record %" PRIu64 " at byte %" PRIu64 ": reading failed: %s",
                        scan->position.record, scan->position.offset, reason);
}

static bool has_section(const struct ff_scan *scan, enum ff_section section)
{
    const struct ff_layout *layout = &scan->format->layout;
    return layout->alt_first[section] != layout->alt_first[section + 1];
}

/* Whether the archive ends at offset. Reads on to find out where the size is not known. */
static int at_end(struct ff_scan *scan, uint64_t offset, size_t ahead, bool *ret_ends)
{
    struct ff_reader *reader = &scan->reader;
    while (reader->limit == FF_SIZE_UNKNOWN &&
           offset + ahead >= reader->window.offset + reader->window.len) {
        int r = ff_reader_fill(reader, offset, offset, ahead + 1);
        if (r < 0)
            return r;
    }
    *ret_ends = reader->limit != FF_SIZE_UNKNOWN && offset >= reader->limit;
    return 0;
}

/* 1 with an event, 0 to go on to the first frame, negative when the source fails. */
static int scan_preamble(struct ff_scan *scan, struct ff_scan_event *event)
{
    bool failed;
    if (has_section(scan, FF_PREAMBLE)) {
        int r = ff_reader_decode(&scan->reader, &scan->decoder, FF_PREAMBLE, 0, &failed);
        if (failed)
            return r;
        if (r < 0) {
            end_with_fault(scan, r, event);
            return 1;
        }
        scan->preamble_len = scan->decoder.end;
        scan->position.offset = scan->decoder.end;
    }
    scan->position.state = ff_scan_pack_state(&scan->decoder.state);
    return 0;
}

/* 1 when what stands at offset is the postamble and ends the archive, else 0. */
static int scan_postamble(struct ff_scan *scan, uint64_t offset)
{
    struct ff_reader *reader = &scan->reader;
    uint64_t max = scan->format->layout.postamble_max;
    bool ends, failed;
    int r = at_end(scan, offset, (size_t)max, &ends);
    if (r < 0)
        return r;
    if (reader->limit == FF_SIZE_UNKNOWN || reader->limit - offset > max)
        return 0;
    /* A decoder of its own: a postamble that does not fit must leave no trace. */
    struct ff_decoder decoder = scan->decoder;
    r = ff_reader_decode(reader, &decoder, FF_POSTAMBLE, offset, &failed);
    if (failed)
        return r;
    if (r < 0 || decoder.end != reader->limit)
        return 0;
    scan->tail_offset = offset;
    scan->tail_len = decoder.end - offset;
    return 1;
}

static void fill_record(struct ff_scan *scan, uint64_t offset, struct ff_scan_event *event)
{
    const struct ff_decoder *decoder = &scan->decoder;
    uint64_t payload, len;

    ff_decoder_payload(decoder, &payload, &len);
    event->kind = FF_SCAN_RECORD;
    event->record = (struct ff_record){.number = scan->position.record++,
                                       .offset = offset,
                                       .head = payload - offset,
                                       .payload = len,
                                       .tail = decoder->end - payload - len};
    scan->has_record = true;
}

int ff_scan_step(struct ff_scan *scan, struct ff_scan_event *ret_event, struct ff_error *error)
{
    struct ff_source *source = scan->reader.source;
    struct ff_scan_event *event = ret_event;
    bool postamble = has_section(scan, FF_POSTAMBLE);
    bool ends, failed;
    int r;

    event->kind = FF_SCAN_END;
    scan->has_record = false;
    if (scan->done)
        return 0;
    if (!(scan->position.state & STATE_PREAMBLE_DONE)) {
        /* An empty file is an archive of no records in every format. */
        if ((r = at_end(scan, 0, 0, &ends)) < 0)
            return end_with_failure(scan, r, error);
        if (ends) {
            scan->done = true;
            return 0;
        }
        if ((r = scan_preamble(scan, event)) != 0)
            return r < 0 ? end_with_failure(scan, r, error) : 0;
    }
    for (unsigned int hidden = 0; hidden < HIDDEN_MAX; hidden++) {
        uint64_t offset = scan->position.offset;
        if (source->ops->forget)
            source->ops->forget(source, offset);
        if ((r = at_end(scan, offset, 0, &ends)) < 0)
            return end_with_failure(scan, r, error);
        if (ends) {
            scan->done = true;
            if (postamble)
                end_with_damage(scan, -ENODATA, "the archive ends without its postamble", event);
            return 0;
        }
        if (postamble && (r = scan_postamble(scan, offset)) != 0) {
            scan->done = true;
            return r < 0 ? end_with_failure(scan, r, error) : 0;
        }
        scan->frame_state = scan->position.state;
        r = ff_reader_decode(&scan->reader, &scan->decoder, FF_FRAME, offset, &failed);
        if (failed)
            return end_with_failure(scan, r, error);
        if (r < 0) {
            end_with_fault(scan, r, event);
            return 0;
        }
        const struct ff_alt *alt = &scan->format->layout.alts[scan->decoder.alt];
        if (alt->end) {
            scan->tail_offset = offset;
            scan->tail_len = scan->decoder.end - offset;
            scan->done = true;
            return 0;
        }
        if (!alt->hide)
            fill_record(scan, offset, event);
        scan->position.offset = scan->decoder.end;
        scan->position.state = ff_scan_pack_state(&scan->decoder.state);
        if (!alt->hide)
            return 0;
    }
    return 1;
}

int ff_scan_next(struct ff_scan *scan, struct ff_scan_event *ret_event, struct ff_error *error)
{
    int r;
    do {
        r = ff_scan_step(scan, ret_event, error);
    } while (r > 0);
    return r;
}

int ff_scan_details(struct ff_scan *scan, struct ff_details *ret_details)
{
    if (!scan->has_record)
        return -EINVAL;
    ff_reader_details(&scan->reader, &scan->decoder, ret_details);
    return 0;
}
