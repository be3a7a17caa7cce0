/*
 * A trial: the frames of one format decoded on an archive's head, as far as it goes, and what
 * speaks for the format then.
 *
 * The bits of constants and lengths say how improbable the frames are among random bytes. Files
 * are not random: in text every byte is a small number, arrays of integers are full of zeros. So
 * frames are also decoded at wrong places, inside the frames that were found: when they fit
 * there, too, a frame that fits says that much less.
 *
 * Pure.
 */
#ifndef FF_FORMAT_TRIAL_H
#define FF_FORMAT_TRIAL_H

#include <framefs/detect.h>

#include "format/evidence.h"
#include "format/format.h"

#define FF_TRIAL_FRAMES_MAX 1024

enum ff_trial_end {
    FF_TRIAL_LANDS,   /* exactly where the archive ends, or with a frame that ends it */
    FF_TRIAL_GOES_ON, /* past the head, or for more frames than are tried */
    FF_TRIAL_BREAKS,  /* there is no frame where one should be */
};

struct ff_trial {
    uint8_t end;                 /* enum ff_trial_end */
    uint32_t magic;              /* bits: constants of the preamble and the postamble */
    uint32_t begins;             /* bits: of a preamble that breaks, constants before that */
    struct ff_evidence evidence; /* of the frames */
    uint32_t telling;            /* frames that something speaks for */
    uint64_t offset;             /* where it ended */
    /* Of the wrong places that were tried, how many fitted about as well. */
    uint32_t wrong_tried, wrong_fit;
    /* After FF_TRIAL_BREAKS. */
    int code;                     /* -ENODATA: the archive ends inside a frame; else -EUCLEAN */
    struct ff_decode_fault fault; /* kind FF_FAULT_NONE: text tells */
    const char *text;             /* a constant */
};

/* head: at least one byte. */
void ff_trial_run(const struct ff_format *format, const struct ff_head *head,
                  struct ff_trial *ret_trial);

#endif
