/* What the headers of records tell besides their length, while a scan has them at hand. */
#include <errno.h>

#include "archive/scan.h"

/* Makes sure that the first frame of the record that was given last is decoded, and finds the clock
 * that its time is told by. */
static int decode_first(struct ff_scan *scan, struct ff_clock *ret_clock)
{
    if (!scan->has_record)
        return -EINVAL;
    ff_value interface;
    bool failed;
    if (!scan->first) {
        int r =
            ff_reader_decode(&scan->reader, &scan->decoder, FF_FRAME, scan->record.offset, &failed);
        if (r < 0)
            return r;
        scan->first = &scan->decoder;
    }
    *ret_clock = (struct ff_clock){0};
    if (ff_decoder_interface(scan->first, &interface))
        *ret_clock = ff_contexts_clock(&scan->contexts, scan->first->offset, interface);
    return 0;
}

int ff_scan_details(struct ff_scan *scan, struct ff_details *ret_details)
{
    struct ff_clock clock;
    int r = decode_first(scan, &clock);

    if (r == 0)
        ff_reader_details(&scan->reader, scan->first, clock, ret_details);
    return r;
}

int ff_scan_time(struct ff_scan *scan, struct ff_time *ret_time)
{
    struct ff_clock clock;
    int r = decode_first(scan, &clock);

    if (r == 0)
        ff_reader_time(&scan->reader, scan->first, clock, ret_time);
    return r;
}

int ff_scan_rest_time(struct ff_scan *scan, uint64_t offset, uint64_t end, struct ff_time *ret_time)
{
    struct ff_decoder *decoder = &scan->decoder;
    struct ff_clock clock = {0};
    ff_value interface;
    bool failed;

    /* Its shape is known, so that nothing has to be tried. */
    decoder->alt = scan->run.alt;
    decoder->offset = offset;
    decoder->bound = end;
    decoder->order = decoder->state.order;
    if (!ff_decode_fast(decoder, &scan->reader.window)) {
        int r = ff_reader_decode(&scan->reader, decoder, FF_FRAME, offset, &failed);
        if (r < 0)
            return r;
    }
    if (ff_decoder_interface(decoder, &interface))
        clock = ff_contexts_clock(&scan->contexts, offset, interface);
    ff_reader_time(&scan->reader, decoder, clock, ret_time);
    return 0;
}
