/*
 * Detection: which format an archive has, told by its first bytes, and why.
 *
 * What speaks for a format is counted in bits: how improbable it is that other bytes fit so well.
 * Constants, checksums, repeated lengths and printable tags count, and so does every length that
 * could have led past the end and did not; what fits at wrong places just as well counts less.
 */
#ifndef FRAMEFS_DETECT_H
#define FRAMEFS_DETECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <framefs/error.h>
#include <framefs/format.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How much of an archive's beginning should be shown to the functions below, in bytes. */
#define FF_HEAD_BYTES ((size_t)1 << 20)

/* An archive's beginning. */
struct ff_head {
    const void *buf;
    size_t len;       /* bytes at buf: FF_HEAD_BYTES, or all that the archive has */
    uint64_t size;    /* of the archive; UINT64_MAX where that is not known */
    const char *name; /* the archive's file name or path, for its extension; or NULL */
};

/* The format, out of a set (NULL: the built-in ones), of an archive that begins so. -ENOENT when no
 * format fits, or the archive is empty; -ENOTUNIQ when several fit equally well. The text says what
 * the file is where that can be told, names the formats, and what to do. The extension of the
 * archive's name decides between formats that fit equally well, and lets a format that fits to the
 * archive's end be believed sooner; a format that was added to the set comes before a built-in one
 * that fits equally well, and one that has no extension before one whose extension the name lacks.
 */
int ff_format_detect(const struct ff_formats *formats, const struct ff_head *head,
                     struct ff_format **ret_format, struct ff_error *error);

enum ff_verdict {
    FF_VERDICT_CHOSEN,
    FF_VERDICT_EQUAL, /* fits as well as another, so that none is chosen */
    FF_VERDICT_LESS,  /* fits, but another is better */
    FF_VERDICT_WEAK,  /* nothing contradicts it, but too little speaks for it */
    FF_VERDICT_FELL,  /* contradicted */
};

#define FF_CANDIDATE_NAME_BYTES   64
#define FF_CANDIDATE_REASON_BYTES 256

/* A format that was tried. */
struct ff_candidate {
    char name[FF_CANDIDATE_NAME_BYTES];
    enum ff_verdict verdict;
    bool magic;           /* constants of its preamble stand at the archive's beginning */
    bool extension;       /* the archive's name has its extension */
    uint32_t fixed_bits;  /* constants, checksums, repeated lengths, digits, tags */
    uint32_t length_bits; /* lengths that lead from frame to frame and to the end */
    uint32_t frames;      /* that were decoded; 1024 are tried */
    uint64_t offset;      /* how far it was tried; for FELL, where it fell */
    char reason[FF_CANDIDATE_REASON_BYTES]; /* the verdict in words, free of control bytes */
};

/* Tries all formats of the set (NULL: the built-in ones): candidates, best first, at most max of
 * them; *ret_count is how many there are in all. None for an empty archive. -ENOMEM. */
int ff_format_rank(const struct ff_formats *formats, const struct ff_head *head,
                   struct ff_candidate *ret_candidates, size_t max, size_t *ret_count,
                   struct ff_error *error);

#ifdef __cplusplus
}
#endif
#endif
