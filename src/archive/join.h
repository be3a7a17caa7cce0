/* Records that lie in several frames: their fragments put together, in order. Pure. */
#ifndef FF_ARCHIVE_JOIN_H
#define FF_ARCHIVE_JOIN_H

#include <framefs/record.h>

#include "format/decode.h"

/* All zero: nothing is begun. */
struct ff_join {
    bool open;               /* a record has begun and not ended */
    struct ff_record record; /* what is known of it; number is not set */
};

enum ff_join_result {
    FF_JOIN_DONE,       /* *ret_record is whole; nothing is begun */
    FF_JOIN_MORE,       /* a part of a record that goes on */
    FF_JOIN_UNFINISHED, /* this frame begins another record: the one before has no end. The frame
                           was not taken; join->record tells what is lost, and nothing is begun */
    FF_JOIN_STRAY,      /* a later part of a record that has no beginning */
    FF_JOIN_LARGE,      /* the parts are more than the description allows: join->record is lost, and
                           nothing is begun */
};

/* Takes the frame that the decoder is DONE with. */
enum ff_join_result ff_join_take(struct ff_join *join, const struct ff_decoder *decoder,
                                 struct ff_record *ret_record);

#endif
