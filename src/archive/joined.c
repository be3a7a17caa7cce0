#include "archive/joined.h"

#include <errno.h>
#include <string.h>

#include "archive/reader.h"

/* Of large frames the headers alone are looked at: small reads find them. */
#define HEADER_BYTES 512

/* What is read of one joined record, and how far it is. */
struct reading {
    struct ff_reader reader;
    uint8_t *buf;
    uint64_t at;  /* of buf's first byte, in what is read */
    uint64_t end; /* after its last */
    uint64_t pos; /* where the next piece stands */
    void (*passes)(void *context, const struct ff_joined_point *point); /* or NULL */
    void *context;
};

/* How much of the piece [pos, pos + len) is wanted: its part [*ret_skip, *ret_skip + result). */
static size_t overlap(const struct reading *reading, uint64_t len, uint64_t *ret_skip)
{
    if (reading->pos >= reading->end)
        return 0;
    uint64_t from = reading->at > reading->pos ? reading->at - reading->pos : 0;
    uint64_t to = reading->end - reading->pos < len ? reading->end - reading->pos : len;
    *ret_skip = from;
    return from < to ? (size_t)(to - from) : 0;
}

/* The piece is len bytes of the archive at offset. */
static int take_bytes(struct reading *reading, uint64_t offset, uint64_t len)
{
    uint64_t skip;
    size_t n = overlap(reading, len, &skip);

    if (n) {
        uint8_t *to = reading->buf + (reading->pos + skip - reading->at);
        ssize_t got = ff_reader_bytes(&reading->reader, to, n, offset + skip);
        if (got != (ssize_t)n)
            return got < 0 ? (int)got : -ENODATA;
    }
    reading->pos += len;
    return 0;
}

static void take_glue(struct reading *reading, const struct ff_directive_bytes *glue)
{
    uint64_t skip;
    size_t n = overlap(reading, glue->len, &skip);

    if (n)
        memcpy(reading->buf + (reading->pos + skip - reading->at), glue->bytes + skip, n);
    reading->pos += glue->len;
}

/* Decodes the next frame that is none of the hidden ones; point: in, behind the one before; out,
 * before it. */
static int next_frame(struct reading *reading, struct ff_decoder *decoder,
                      const struct ff_record *record, struct ff_joined_point *point)
{
    const struct ff_layout *layout = decoder->layout;
    bool first = point->offset == record->offset, failed;

    for (;;) {
        point->offset += ff_decode_padding(layout, point->offset);
        if (point->offset >= ff_record_end(record))
            return -EUCLEAN;
        point->state = decoder->state;
        if (reading->passes && point->frame && point->frame % FF_JOINED_STRIDE == 0)
            reading->passes(reading->context, point);
        int r = ff_reader_decode(&reading->reader, decoder, FF_FRAME, point->offset, &failed);
        if (r < 0)
            return r;
        if (!layout->alts[decoder->alt].hide)
            break;
        point->frame++;
        point->offset = decoder->end;
    }
    bool begins = decoder->frag == FF_FRAG_WHOLE || decoder->frag == FF_FRAG_FIRST;
    return begins == first ? 0 : -EUCLEAN;
}

static int take_frames(struct reading *reading, struct ff_decoder *decoder,
                       const struct ff_record *record, enum ff_joined_bytes what,
                       struct ff_joined_point *point)
{
    for (;;) {
        uint64_t payload, len;
        int r = next_frame(reading, decoder, record, point);
        if (r < 0)
            return r;
        if (what == FF_JOINED_FRAME) {
            r = take_bytes(reading, decoder->offset, decoder->end - decoder->offset);
        } else {
            if (decoder->frag != FF_FRAG_FIRST)
                take_glue(reading, &decoder->layout->directives.glue);
            ff_decoder_payload(decoder, &payload, &len);
            r = take_bytes(reading, payload, len);
        }
        if (r < 0 || reading->pos >= reading->end)
            return r;
        point->frame++;
        point->offset = decoder->end;
        point->at = reading->pos;
    }
}

int ff_joined_read(struct ff_source *source, const struct ff_layout *layout,
                   const struct ff_record *record, enum ff_joined_bytes what,
                   struct ff_joined_point *point,
                   void (*passes)(void *context, const struct ff_joined_point *point),
                   void *context, void *buf, size_t len, uint64_t at)
{
    struct reading reading = {.buf = buf,
                              .at = at,
                              .end = at + len,
                              .pos = point->at,
                              .passes = passes,
                              .context = context};
    struct ff_joined_point here = *point;
    struct ff_decoder decoder;

    if (len == 0)
        return 0;
    ff_decoder_init(&decoder, layout, ff_record_end(record));
    decoder.state = here.state;
    int r = ff_reader_init(&reading.reader, source, ff_record_end(record), 2 * FF_DECODE_NEED_MAX);
    if (r < 0)
        return r;
    reading.reader.chunk = reading.reader.chunk_first = HEADER_BYTES;
    r = take_frames(&reading, &decoder, record, what, &here);
    ff_reader_done(&reading.reader);
    if (r == 0)
        *point = here;
    return r;
}
