/* The index of one archive made, extended or gone on with. */
#ifndef FF_CLI_INDEX_JOB_H
#define FF_CLI_INDEX_JOB_H

#include <framefs/archive.h>
#include <framefs/index.h>

#include "cli/input.h"

enum ff_indexed_how {
    FF_INDEXED_BUILT,
    FF_INDEXED_EXTENDED, /* the archive has grown */
    FF_INDEXED_RESUMED,  /* what was written before was gone on with */
    FF_INDEXED_CURRENT,  /* there was nothing to do */
    FF_INDEXED_PASSED,   /* it is an index file itself */
    FF_INDEXED_FAILED,
    FF_INDEXED_HOWS
};

/* What became of it. */
struct ff_indexed {
    enum ff_indexed_how how;
    char name[FF_INPUT_NAME_BYTES]; /* the archive's, fit for messages */
    char *path;                     /* of the index file; owned; NULL where it is not known */
    char format[64];
    char reason[FF_INDEX_REASON_BYTES]; /* why the index that was there was not used; or "" */
    uint64_t archive_bytes, index_bytes;
    uint64_t records;
    uint64_t known;         /* records that were known before */
    uint64_t scanned_bytes; /* of the archive */
    uint64_t ns, sync_ns;   /* that all took; of these, the final synchronisation */
    uint64_t damages;
    struct ff_damage damage; /* the first one */
    bool verified;           /* all checksums were computed, now or before */
    uint64_t checksums;
    uint64_t wrong;               /* frames that have a wrong one */
    struct ff_damage first_wrong; /* of these */
    bool times;                   /* the index has the times of records */
    bool misused;                 /* FAILED: what was asked for is not of this format */
    char *error;                  /* FAILED: why; owned */
};

struct ff_index_job {
    const struct ff_input_choice *choice;
    const char *index; /* --index, or NULL */
    bool force;        /* nothing that is there is used */
    bool verify;       /* checksums are computed, unless what is there tells of them */
    bool times;        /* times of records are kept, unless what is there has them */
    /* Told which archive is being scanned, and NULL when it is to be closed. */
    void (*scans)(void *context, struct ff_archive *archive);
    void *context;
};

/* Does it; *ret_indexed is to be released. May be called by several threads at once. */
void ff_index_job_run(const struct ff_index_job *job, const char *path,
                      struct ff_indexed *ret_indexed);
void ff_indexed_done(struct ff_indexed *indexed);

#endif
