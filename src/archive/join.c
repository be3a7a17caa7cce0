#include "archive/join.h"

/* The frame as a record of its own. */
static struct ff_record frame_of(const struct ff_decoder *d)
{
    uint64_t payload, len;
    ff_decoder_payload(d, &payload, &len);
    return (struct ff_record){.offset = d->offset,
                              .head = payload - d->offset,
                              .payload = len,
                              .tail = d->end - payload - len};
}

/* No sum passes 2^63-1: glue is never longer than what a frame has besides its payload, so all is
 * at most the bytes from the first frame to the last. */
static void add_frame(struct ff_record *record, const struct ff_record *frame, uint64_t glue)
{
    record->skipped += frame->offset - ff_record_end(record);
    record->payload += glue + frame->payload;
    record->tail += frame->head + frame->tail - glue;
}

enum ff_join_result ff_join_take(struct ff_join *join, const struct ff_decoder *decoder,
                                 struct ff_record *ret_record)
{
    const struct ff_directives *directives = &decoder->layout->directives;
    bool begins = decoder->frag == FF_FRAG_WHOLE || decoder->frag == FF_FRAG_FIRST;

    if (join->open && begins) {
        join->open = false;
        return FF_JOIN_UNFINISHED;
    }
    if (!join->open && !begins)
        return FF_JOIN_STRAY;
    const struct ff_record frame = frame_of(decoder);
    if (decoder->frag == FF_FRAG_WHOLE) {
        *ret_record = frame;
        return FF_JOIN_DONE;
    }
    if (decoder->frag == FF_FRAG_FIRST) {
        *join = (struct ff_join){.open = true, .record = frame};
        join->record.joined = true;
        return FF_JOIN_MORE;
    }
    add_frame(&join->record, &frame, directives->glue.len);
    if (directives->max && ff_record_frame(&join->record) > directives->max) {
        join->open = false;
        return FF_JOIN_LARGE;
    }
    if (decoder->frag == FF_FRAG_MIDDLE)
        return FF_JOIN_MORE;
    join->open = false;
    *ret_record = join->record;
    return FF_JOIN_DONE;
}
