#include "archive/scan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/sums.h"
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

void ff_scan_check_sums(struct ff_scan *scan)
{
    scan->sums = true;
}

void ff_scan_end_at(struct ff_scan *scan, uint64_t offset)
{
    scan->until = offset;
}

bool ff_scan_sees_end(const struct ff_scan *scan)
{
    return scan->reader.end_seen || scan->decoder.end_seen;
}

void ff_scan_point(const struct ff_scan *scan, struct ff_scan_point *ret_point)
{
    *ret_point = (struct ff_scan_point){.position = scan->position,
                                        .state = scan->decoder.state,
                                        .preamble_len = scan->preamble_len,
                                        .tail_offset = scan->tail_offset,
                                        .tail_len = scan->tail_len,
                                        .tried = scan->past.tried,
                                        .contexts = scan->contexts.count,
                                        .contexts_full = scan->contexts.full};
}

int ff_scan_go_on(struct ff_scan *scan, const struct ff_scan_point *point,
                  const struct ff_contexts *contexts, const struct ff_record *record, bool end_seen)
{
    const struct ff_contexts known = {
        .items = contexts->items, .count = point->contexts, .full = point->contexts_full};

    int r = ff_contexts_follow(&scan->contexts, &known);
    if (r < 0)
        return r;
    scan->position = point->position;
    scan->decoder.state = point->state;
    scan->preamble_len = point->preamble_len;
    scan->tail_offset = point->tail_offset;
    scan->tail_len = point->tail_len;
    scan->past.tried = point->tried;
    if (record)
        scan->record = *record;
    scan->reader.end_seen = end_seen;
    return 0;
}

/* Begins elsewhere than at the beginning. Frames may depend on what the preamble tells. */
static int begin_at(struct ff_scan *scan, const struct ff_scan_position *from)
{
    bool failed;

    if (scan->format->layout.preamble_tells) {
        int r = ff_reader_decode(&scan->reader, &scan->decoder, FF_PREAMBLE, 0, &failed);
        if (r < 0)
            return r;
    }
    scan->position = *from;
    ff_scan_unpack_state(from->state, &scan->decoder.state);
    return 0;
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
    scan->reader.near = FF_SCAN_NEAR_BYTES;
    scan->format = format;
    scan->until = UINT64_MAX;
    ff_decoder_init(&scan->decoder, &format->layout, stat.size);
    if (from && from->state & STATE_PREAMBLE_DONE && (r = begin_at(scan, from)) < 0) {
        ff_scan_close(scan);
        return ff_error_set(error, r, "the archive's preamble cannot be read: %s", strerror(-r));
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
    ff_contexts_done(&scan->contexts);
    free(scan);
}

void ff_scan_position(const struct ff_scan *scan, struct ff_scan_position *ret_position)
{
    *ret_position = scan->position;
    if (scan->join.open) {
        /* A record that has begun is read from its beginning. */
        ret_position->offset = scan->join.record.offset;
        ret_position->state = scan->frame_state;
    }
}

/* Bytes [offset, offset + len) hold no readable record. */
static void set_damage(struct ff_scan *scan, uint64_t offset, uint64_t len, int code,
                       const char *reason, struct ff_scan_event *event)
{
    event->kind = FF_SCAN_DAMAGE;
    event->damage = (struct ff_damage){
        .offset = offset, .len = len, .record = scan->position.record, .code = code};
    snprintf(event->damage.reason, sizeof(event->damage.reason), "%s", reason);
}

/* Where the frames end, as far as that is known. */
static uint64_t frames_end(const struct ff_scan *scan)
{
    uint64_t limit = scan->reader.limit, end = scan->decoder.state.frames_end;
    return end < limit ? end : limit;
}

/* The rest of the archive, from `offset` on, is damaged: the scan ends here. */
static void end_with_damage(struct ff_scan *scan, uint64_t offset, int code, const char *reason,
                            struct ff_scan_event *event)
{
    uint64_t end = frames_end(scan);
    set_damage(scan, offset, end == FF_SIZE_UNKNOWN || end < offset ? 0 : end - offset, code,
               reason, event);
    scan->done = true;
    scan->reader.end_seen = true;
}

/* What a fault of the decoder means, and where if that is not the frame's first byte. */
static void fault_reason(const struct ff_scan *scan, char reason[FF_DAMAGE_REASON_BYTES])
{
    char what[FF_DAMAGE_REASON_BYTES - 32];
    const struct ff_decode_fault *fault = &scan->decoder.fault;

    ff_decode_fault_text(&scan->format->layout, fault, what, sizeof(what));
    if (fault->kind != FF_FAULT_NONE && fault->offset != scan->position.offset)
        snprintf(reason, FF_DAMAGE_REASON_BYTES, "%s (at byte %" PRIu64 ")", what, fault->offset);
    else
        snprintf(reason, FF_DAMAGE_REASON_BYTES, "%s", what);
}

/* Keeps what the last record begins with, for the search after damage. */
static void note_record(struct ff_scan *scan)
{
    struct ff_resync_past *past = &scan->past;
    const struct ff_record *record = &scan->record;
    uint64_t len = ff_record_frame(record);

    if (past->like_len && scan->like_offset == record->offset)
        return;
    if (len > sizeof(past->like))
        len = sizeof(past->like);
    scan->like_offset = record->offset;
    ssize_t got = ff_reader_bytes(&scan->reader, past->like, (size_t)len, record->offset);
    past->like_len = got < 0 ? 0 : (size_t)got;
}

/* No frame fits at the present place: what is there may follow the last frame, else it is damage,
 * and the scan goes on behind it where it can. 1 to go on, 0 with an event (or the end), negative
 * when the source fails. */
static int pass_damage(struct ff_scan *scan, int code, struct ff_scan_event *event)
{
    const struct ff_directives *directives = &scan->format->layout.directives;
    uint64_t offset = scan->position.offset, next;
    bool may_end = scan->position.record > 0 && !scan->join.open;
    char reason[FF_DAMAGE_REASON_BYTES];
    int r;

    /* The zeros of many blocks are looked at once. */
    if (directives->tail == FF_TAIL_ZEROS && may_end && offset >= scan->not_zero) {
        r = ff_resync_zeros(&scan->reader, offset, UINT64_MAX, &scan->not_zero);
        if (r < 0)
            return r;
        if (scan->not_zero >= scan->reader.limit) {
            scan->done = true;
            return 0;
        }
    }
    fault_reason(scan, reason);
    if (!scan->reader.source->ops->forget)
        note_record(scan);
    r = ff_resync(&scan->reader, &scan->decoder, offset, code == -ENODATA, &scan->past, &next);
    if (r < 0)
        return r;
    if (r == FF_RESYNC_END && directives->tail == FF_TAIL_JUNK && may_end) {
        int junk =
            ff_resync_junk(&scan->reader, &scan->format->layout, offset, frames_end(scan), true);
        if (junk < 0)
            return junk;
        if (junk) {
            scan->done = true;
            return 0;
        }
    }
    uint64_t from = scan->join.open ? scan->join.record.offset : offset;
    scan->join.open = false;
    if (r != FF_RESYNC_FOUND) {
        end_with_damage(scan, from, code, reason, event);
        return 0;
    }
    /* What comes before the first frame may be something else that the file begins with, and what
     * may follow the last one may stand between two. */
    int junk = directives->head_junk && scan->position.record == 0 && from == scan->preamble_len;
    if (!junk && directives->tail == FF_TAIL_ZEROS) {
        uint64_t zeros_end = from;
        r = ff_resync_zeros(&scan->reader, from, next, &zeros_end);
        junk = r < 0 ? r : zeros_end == next;
    } else if (!junk && directives->tail == FF_TAIL_JUNK)
        junk = ff_resync_junk(&scan->reader, &scan->format->layout, from, next, false);
    if (junk < 0)
        return junk;
    if (!junk)
        set_damage(scan, from, next - from, -EUCLEAN, reason, event);
    scan->position.offset = next;
    return junk;
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
    reader->end_seen |= *ret_ends;
    return 0;
}

/* The checksums of what was just decoded: 1 with a damage when one is wrong, else 0; negative when
 * the source fails. record: that it belongs to. */
static int check_sums(struct ff_scan *scan, const struct ff_decoder *decoder, uint64_t record,
                      struct ff_scan_event *event)
{
    struct ff_sum sum;
    char reason[FF_DAMAGE_REASON_BYTES];
    int r;

    if (!scan->sums)
        return 0;
    for (unsigned int i = 0; (r = ff_sums_check(&scan->reader, decoder, i, &sum)) == 0; i++) {
        scan->sums_checked++;
        if (sum.matches)
            continue;
        snprintf(reason, sizeof(reason), "the %s checksum is wrong (at byte %" PRIu64 ")", sum.name,
                 sum.offset);
        set_damage(scan, decoder->offset, decoder->end - decoder->offset, -EBADMSG, reason, event);
        event->damage.record = record;
        return 1;
    }
    return r == -ENOENT ? 0 : r;
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
            char reason[FF_DAMAGE_REASON_BYTES];
            fault_reason(scan, reason);
            end_with_damage(scan, 0, r, reason, event);
            return 1;
        }
        scan->preamble_len = scan->decoder.end;
        scan->position.offset = scan->decoder.end;
    }
    scan->position.state = ff_scan_pack_state(&scan->decoder.state);
    return has_section(scan, FF_PREAMBLE) ? check_sums(scan, &scan->decoder, 0, event) : 0;
}

/* 1 when what stands at offset is the postamble and ends the archive, with an event if it is
 * damaged; else 0. */
static int scan_postamble(struct ff_scan *scan, uint64_t offset, struct ff_scan_event *event)
{
    struct ff_reader *reader = &scan->reader;
    uint64_t max = scan->format->layout.postamble_max;
    bool ends, failed;
    int r = at_end(scan, offset, (size_t)max, &ends);
    if (r < 0)
        return r;
    if (reader->limit == FF_SIZE_UNKNOWN || reader->limit - offset > max)
        return 0;
    reader->end_seen = true;
    /* A decoder of its own: a postamble that does not fit must leave no trace. */
    struct ff_decoder decoder = scan->decoder;
    r = ff_reader_decode(reader, &decoder, FF_POSTAMBLE, offset, &failed);
    if (failed)
        return r;
    if (r < 0 || decoder.end != reader->limit)
        return 0;
    scan->tail_offset = offset;
    scan->tail_len = decoder.end - offset;
    r = check_sums(scan, &decoder, scan->position.record, event);
    return r < 0 ? r : 1;
}

/* The archive's frames are over. */
static void end_frames(struct ff_scan *scan, struct ff_scan_event *event)
{
    const struct ff_join *join = &scan->join;

    scan->done = true;
    if (join->open)
        end_with_damage(scan, join->record.offset, -ENODATA,
                        "the archive ends inside a record of several parts", event);
    scan->join.open = false;
}

/* Nothing is left of the archive at offset. */
static void end_archive(struct ff_scan *scan, uint64_t offset, struct ff_scan_event *event)
{
    uint64_t frames = scan->decoder.state.frames_end;

    end_frames(scan, event);
    if (event->kind != FF_SCAN_END)
        return;
    if (frames != UINT64_MAX && offset < frames)
        end_with_damage(scan, offset, -ENODATA,
                        "the archive ends before the frames that its preamble tells of", event);
    else if (has_section(scan, FF_POSTAMBLE))
        end_with_damage(scan, offset, -ENODATA, "the archive ends without its postamble", event);
}

/* A frame that fits, of a record or of a part of one. */
static void take_frame(struct ff_scan *scan, uint32_t state, struct ff_scan_event *event)
{
    const struct ff_decoder *decoder = &scan->decoder;
    const struct ff_record *lost = &scan->join.record;

    switch (ff_join_take(&scan->join, decoder, &event->record)) {
    case FF_JOIN_DONE:
        event->kind = FF_SCAN_RECORD;
        scan->record = event->record;
        scan->record.number = event->record.number = scan->position.record++;
        scan->point = (struct ff_joined_point){.at = UINT64_MAX};
        scan->first = event->record.joined ? &scan->joined : decoder;
        if (!event->record.joined)
            scan->frame_state = state;
        scan->has_record = true;
        break;
    case FF_JOIN_MORE:
        if (decoder->frag == FF_FRAG_FIRST) {
            scan->joined = *decoder;
            scan->frame_state = state;
        }
        break;
    case FF_JOIN_UNFINISHED:
        /* The frame is decoded once more, as the beginning of another record. */
        set_damage(scan, lost->offset, ff_record_end(lost) - lost->offset, -EUCLEAN,
                   "the record is not finished: another one begins after its first parts", event);
        return;
    case FF_JOIN_STRAY:
        set_damage(scan, decoder->offset, decoder->end - decoder->offset, -EUCLEAN,
                   "a part of a record whose beginning is missing", event);
        break;
    case FF_JOIN_LARGE:
        set_damage(scan, lost->offset, ff_record_end(lost) - lost->offset, -EUCLEAN,
                   "the parts of the record are more than the largest record", event);
        break;
    }
    scan->position.offset = decoder->end;
    scan->position.state = ff_scan_pack_state(&decoder->state);
}

/* A frame that says something of later ones. */
static int note_context(struct ff_scan *scan)
{
    struct ff_clock clock = {0};

    if (scan->format->layout.alts[scan->decoder.alt].interface)
        clock = ff_reader_clock(&scan->reader, &scan->decoder);
    return ff_contexts_add(&scan->contexts, &scan->decoder, clock);
}

/* Whether all checksums of the frame just decoded match: 1 or 0, negative when the source fails. */
static int sums_match(struct ff_scan *scan)
{
    struct ff_sum sum;
    int r;

    for (unsigned int i = 0; (r = ff_sums_check(&scan->reader, &scan->decoder, i, &sum)) == 0; i++)
        if (!sum.matches)
            return 0;
    return r == -ENOENT ? 1 : r;
}

/* The frame that ends an archive: the file may go on with another one. As scan_frame(). */
static int pass_end(struct ff_scan *scan, struct ff_scan_event *event)
{
    const struct ff_decoder *decoder = &scan->decoder;
    uint64_t next;
    int follows = 0;

    /* What does not repeat the first frame's field is older than the archive. */
    if (!decoder->state.remembers)
        follows = ff_resync_follows(&scan->reader, decoder->layout, decoder->end, &next);
    if (follows < 0)
        return follows;
    scan->tail_offset = decoder->offset;
    scan->tail_len = decoder->end - decoder->offset;
    end_frames(scan, event);
    if (event->kind == FF_SCAN_END) {
        int r = check_sums(scan, decoder, scan->position.record, event);
        if (r < 0)
            return r;
    }
    if (follows) {
        scan->done = false;
        scan->position.offset = next;
    }
    return follows && event->kind == FF_SCAN_END;
}

/* 1 to go on, 0 with an event (or the end), negative when the source fails. */
static int scan_frame(struct ff_scan *scan, struct ff_scan_event *event)
{
    const struct ff_layout *layout = &scan->format->layout;
    uint32_t state = scan->position.state;
    bool remembered = scan->decoder.state.remembers, failed;

    int r =
        ff_reader_decode(&scan->reader, &scan->decoder, FF_FRAME, scan->position.offset, &failed);
    if (failed)
        return r;
    if (r < 0)
        return pass_damage(scan, r, event);
    const struct ff_decoder *decoder = &scan->decoder;
    const struct ff_alt *alt = &layout->alts[decoder->alt];
    /* What hides all that follows is believed only when its checksums match: the end of the
     * archive, and what later frames must repeat. */
    bool remembers = !remembered && decoder->state.remembers;
    if (alt->end || remembers) {
        if ((r = sums_match(scan)) < 0)
            return r;
        if (r == 0 && alt->end)
            return pass_damage(scan, -EUCLEAN, event);
        if (r == 0)
            scan->decoder.state.remembers = false;
    }
    if (alt->end)
        return pass_end(scan, event);
    uint64_t record = scan->position.record;
    if (alt->hide) {
        scan->position.offset = decoder->end;
        scan->position.state = ff_scan_pack_state(&decoder->state);
    } else {
        take_frame(scan, state, event);
    }
    bool taken = scan->position.offset == decoder->end;
    if (taken && alt->context && (r = note_context(scan)) < 0)
        return r;
    struct ff_scan_event wrong;
    r = taken ? check_sums(scan, decoder, record, &wrong) : 0;
    if (r < 0) {
        /* The frame counts as not taken: nothing was told of it. */
        scan->position.offset = decoder->offset;
        scan->position.record = record;
        return r;
    }
    if (r > 0) {
        scan->has_queued = event->kind != FF_SCAN_END;
        scan->queued = *event;
        *event = wrong;
    }
    return event->kind == FF_SCAN_END;
}

static inline void set_record(struct ff_record *record, uint64_t number, uint64_t offset,
                              uint64_t end, const struct ff_run *run)
{
    record->number = number;
    record->offset = offset;
    record->head = run->head;
    record->payload = end - offset - run->head - run->tail;
    record->tail = run->tail;
    record->skipped = 0;
    record->joined = false;
}

/* The next record of those that were decoded ahead. */
static bool give_of_run(struct ff_scan *scan, struct ff_scan_event *event)
{
    const struct ff_run *run = &scan->run;
    uint64_t offset = scan->position.offset;

    if (scan->run_next == run->count || offset >= scan->until)
        return false;
    uint64_t end = run->ends[scan->run_next++];
    event->kind = FF_SCAN_RECORD;
    set_record(&event->record, scan->position.record, offset, end, run);
    set_record(&scan->record, scan->position.record, offset, end, run);
    scan->position.record++;
    scan->first = NULL;
    scan->frame_state = scan->position.state;
    scan->has_record = true;
    scan->position.offset = end;
    scan->sums_checked += scan->run_sums;
    return true;
}

unsigned int ff_scan_rest(struct ff_scan *scan, uint64_t max, const uint64_t **ret_ends)
{
    const struct ff_run *run = &scan->run;
    const uint64_t *ends = run->ends + scan->run_next;
    unsigned int count = run->count - scan->run_next;

    if (count > max)
        count = (unsigned int)max;
    /* Each begins where the one before ends. */
    while (count > 1 && ends[count - 2] >= scan->until)
        count--;
    if (count == 0 || scan->position.offset >= scan->until)
        return 0;
    uint64_t last = count > 1 ? ends[count - 2] : scan->position.offset;
    scan->run_next += count;
    scan->sums_checked += (uint64_t)count * scan->run_sums;
    scan->position.offset = ends[count - 1];
    scan->position.record += count;
    set_record(&scan->record, scan->position.record - 1, last, ends[count - 1], run);
    *ret_ends = ends;
    return count;
}

/* Common frames are decoded many at once, where each is a record and no checksum is wrong. */
static bool begin_run(struct ff_scan *scan, struct ff_scan_event *event)
{
    struct ff_run *run = &scan->run;

    if (scan->join.open || has_section(scan, FF_POSTAMBLE))
        return false;
    scan->decoder.limit = scan->reader.limit;
    scan->run_next = 0;
    ff_decode_run(&scan->decoder, &scan->reader.window, scan->position.offset, run);
    if (scan->sums && run->count > 0) {
        /* What is not to be looked at any more costs nothing. */
        while (run->count > 1 && run->ends[run->count - 2] >= scan->until)
            run->count--;
        scan->run_sums = ff_sums_check_run(&scan->reader, &scan->decoder, run);
    }
    return give_of_run(scan, event);
}

int ff_scan_step(struct ff_scan *scan, struct ff_scan_event *ret_event, struct ff_error *error)
{
    struct ff_source *source = scan->reader.source;
    struct ff_scan_event *event = ret_event;
    bool postamble = has_section(scan, FF_POSTAMBLE);
    bool ends;
    int r;

    event->kind = FF_SCAN_END;
    if (scan->has_queued) {
        *event = scan->queued;
        scan->has_queued = false;
        return 0;
    }
    scan->has_record = false;
    if (scan->done || give_of_run(scan, event))
        return 0;
    if (!scan->join.open && !ff_scan_sees_end(scan))
        ff_scan_point(scan, &scan->safe);
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
        uint64_t padding = ff_decode_padding(&scan->format->layout, offset);
        uint64_t kept = scan->join.open ? scan->join.record.offset : offset;
        if (source->ops->forget) {
            note_record(scan);
            source->ops->forget(source, kept);
        }
        if (offset >= scan->until) {
            scan->done = true;
            return 0;
        }
        if (offset >= scan->decoder.state.frames_end) {
            end_frames(scan, event);
            return 0;
        }
        if ((r = at_end(scan, offset, 0, &ends)) < 0)
            return end_with_failure(scan, r, error);
        if (ends) {
            end_archive(scan, offset, event);
            return 0;
        }
        if (padding) {
            /* Its last byte is looked for: where the size is not known, it may end before. */
            if ((r = at_end(scan, offset + padding - 1, 0, &ends)) < 0)
                return end_with_failure(scan, r, error);
            scan->position.offset = ends ? scan->reader.limit : offset + padding;
            continue;
        }
        if (postamble && (r = scan_postamble(scan, offset, event)) != 0) {
            if (r < 0)
                return end_with_failure(scan, r, error);
            end_frames(scan, event);
            return 0;
        }
        if (begin_run(scan, event))
            return 0;
        r = scan_frame(scan, event);
        if (r < 0)
            return end_with_failure(scan, r, error);
        if (r == 0)
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

ssize_t ff_scan_read(struct ff_scan *scan, enum ff_content content, void *buf, size_t len,
                     uint64_t offset, struct ff_error *error)
{
    const struct ff_record *record = &scan->record;
    bool payload = content == FF_CONTENT_PAYLOAD;
    uint64_t size = payload ? record->payload : ff_record_frame(record);
    int r;

    if (!scan->has_record || content == FF_CONTENT_FILE)
        return ff_error_set(error, -EINVAL, "there is no such record");
    if (offset >= size)
        return 0;
    if (len > size - offset)
        len = (size_t)(size - offset);
    if (record->joined) {
        enum ff_joined_bytes what = payload ? FF_JOINED_PAYLOAD : FF_JOINED_FRAME;
        if (scan->point.at > offset || scan->point_of != what) {
            scan->point = (struct ff_joined_point){
                .at = 0, .offset = record->offset, .state = scan->decoder.state};
            ff_scan_unpack_state(scan->frame_state, &scan->point.state);
            scan->point_of = what;
        }
        r = ff_joined_read(scan->reader.source, &scan->format->layout, record, what, &scan->point,
                           NULL, NULL, buf, len, offset);
    } else {
        uint64_t at = record->offset + (payload ? record->head : 0) + offset;
        ssize_t got = ff_source_read_full(scan->reader.source, buf, len, at);
        r = got < 0 ? (int)got : (size_t)got < len ? -ENODATA : 0;
    }
    int stale = scan->reader.source->ops->check(scan->reader.source);
    if (stale < 0)
        r = stale;
    if (r < 0)
        return ff_error_set(error, r, "record %" PRIu64 " at byte %" PRIu64 ": %s", record->number,
                            record->offset,
                            r == -ESTALE    ? "the archive was changed meanwhile"
                            : r == -ENODATA ? "the archive has become shorter meanwhile"
                                            : strerror(-r));
    return (ssize_t)len;
}
