/*
 * The index file: what the scan of an archive has found, kept beside it, so that the next one who
 * opens the archive need not scan it. It is bound to the archive's bytes and description, not to
 * its path: a copied archive keeps its index, a replaced or edited one loses it, a grown one is
 * scanned from its old end on. Writing it survives a kill: what was written is used by the next
 * one who writes it.
 *
 * Reading:  ff_index_open(), ff_archive_use_index(), close(2).
 * Writing:  ff_index_begin(); ff_archive_use_index() of its descriptor, which fails where there is
 *           nothing to go on with; ff_archive_write_index(), the scan; ff_index_publish() once the
 *           status is FF_INDEX_WRITTEN; ff_archive_close(); ff_index_end().
 * The first half of each may be done by a process that has rights which the second one lacks.
 */
#ifndef FRAMEFS_INDEX_H
#define FRAMEFS_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include <framefs/archive.h>
#include <framefs/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- of an archive that is open ---- */

/*
 * Takes all that the index file at fd knows of the archive, before its scan is begun. The file,
 * finished or partial, is mapped until ff_archive_close(); the descriptor stays the caller's, and
 * is not needed afterwards.
 *
 * 0: the archive knows the records of the index. It is complete when its size is the index's, and
 * the index finished; else the scan, which is still to be started, goes on behind them, and ends up
 * with what a scan from the beginning would have found.
 *
 * On failure the archive is as before, and the text, which does not name the archive, says why:
 *   -ESTALE    the index is of other bytes (replaced, shrunken, edited) or another description
 *   -EUCLEAN   the index file is malformed
 *   -ENOTSUP   it is of another version
 *   -ENODATA   it is partial, and holds nothing yet that one could go on with
 *   -EALREADY  the archive uses an index already
 *   -EOVERFLOW there are more records in it than the archive's records_max
 *   -EINVAL    the scan has begun, not all records are shown, or it is a pipe's
 *   -ENOMEM, -EIO and others of mmap(2) and of the source
 */
int ff_archive_use_index(struct ff_archive *archive, int fd, struct ff_error *error);

/* Reads all that the index file in use tells of records and, where it is believed, of their times;
 * else each part is checked when it is first looked up. 0; -ENOENT when none is in use; -EUCLEAN:
 * it is damaged, and the status says so (any). */
int ff_archive_check_index(struct ff_archive *archive);

/* Whether the file is a finished index, of whatever archive, that has the times of its records. */
bool ff_index_has_times(int fd);

struct ff_index_writing {
    uint32_t delay_ms; /* nothing is written for a scan that takes no longer than this */
    /* Memory is given back as soon as records are written: they cannot be looked up again by this
     * archive, so that only the summary, the damages and the status tell of it. */
    bool discard;
    /* The checksums of all frames are computed as well, and the index tells which are wrong: then
     * an archive that uses it, of the same size and time of modification, need not compute them
     * again for verify_reads. Wrong ones are no damages of this archive: an index tells what a scan
     * without it does. */
    bool verify;
    /* The index has the records' times as well: see ff_archive_time(). They are kept without this,
     * too, where the index in use has them. */
    bool times;
};

/*
 * From now on the scan, which is still to be started, writes an index file behind itself, in its
 * thread. fd: a regular file open for reading and writing; it stays the caller's, who leaves it
 * open until ff_archive_close(). When it is the partial file that ff_archive_use_index() has taken,
 * it is gone on with; all else that it holds is lost. After the archive is complete, the file is
 * finished and synchronised, so that it can be published; then progress is told once more.
 *
 * A failure to write (-ENOSPC, -EDQUOT, -EIO ...) never harms the scan: the status tells of it.
 * -EINVAL when the scan has begun, not all records are shown, it is a pipe's, fd is the finished
 * file that is in use, or the index in use lacks what is asked for (all is to be verified, or its
 * records have no times); -ENOTSUP when the format has no checksums to be verified, or no times;
 * -EALREADY when all is known, so that there is nothing
 * to write; -ENOMEM.
 */
int ff_archive_write_index(struct ff_archive *archive, int fd,
                           const struct ff_index_writing *writing, struct ff_error *error);

enum ff_index_state {
    FF_INDEX_NONE,    /* none is written */
    FF_INDEX_WAITING, /* ff_index_writing.delay_ms are not over */
    FF_INDEX_WRITING,
    FF_INDEX_WRITTEN, /* finished: to be published */
    FF_INDEX_SPARED,  /* the scan ended before delay_ms: the file is empty */
    FF_INDEX_FAILED,  /* code says why; what was written may be gone on with */
};

#define FF_INDEX_REASON_BYTES 192

struct ff_index_status {
    /* Of what ff_archive_use_index() took: */
    uint64_t read_records; /* known from it; 0 when none is in use */
    uint64_t read_bytes;   /* of the file */
    bool read_partial;     /* it was not finished */
    bool read_damaged;     /* a look-up has found it so: its record cannot be told */
    /* Of what it refused last, because of the file itself, and took none since: */
    int refused;                        /* 0, or its negative errno */
    char reason[FF_INDEX_REASON_BYTES]; /* and its text */
    /* Of what the scan writes: */
    enum ff_index_state state;
    int code;                 /* FAILED: the negative errno; -ECANCELED where the scan was broken
                                 off by another reason than writing */
    uint64_t written_records; /* so far */
    uint64_t written_bytes;   /* of the file so far, with what was gone on with */
    uint64_t sync_ns;         /* that the final synchronisation took */
    /* Of the one in use, where it holds for the archive as it is, or of the one that was WRITTEN:
     */
    bool verified;                /* all checksums were computed: */
    uint64_t checksums;           /* so many */
    uint64_t wrong;               /* frames that have a wrong one */
    struct ff_damage first_wrong; /* of these; only if there are any */
    bool times;                   /* it has the times of its records */
};

void ff_archive_index_status(struct ff_archive *archive,
                             struct ff_index_status *ret_status); /* (any) */

/* ---- where index files lie ---- */

/* ARCHIVE.framefs, beside the archive; where that cannot be, $XDG_CACHE_HOME/framefs (by default
 * ~/.cache/framefs); or a path that the user gives. A partial one has ".partial" at its end. */
#define FF_INDEX_SUFFIX   ".framefs"
#define FF_PARTIAL_SUFFIX ".partial"

/* Opens the index file of the archive at that path to read it: the given one or, where that is
 * NULL, the later of those that are there. Of these, none is taken that belongs to a user who is
 * neither the caller, nor root, nor the archive's owner. -ENOENT: there is none (no text needs to
 * be shown); -EPERM, -EACCES, -EISDIR and others with a text that names the file. ret_path, to be
 * freed, may be NULL; it is set also on failure, but for -ENOENT, to the file that it is about. */
int ff_index_open(const char *archive, const char *given, int *ret_fd, char **ret_path,
                  struct ff_error *error);

/* Whether the file at that path is an index file or a partial one, by its first bytes; false also
 * where it cannot be read. */
bool ff_index_is_file(const char *path);

/* An index file that is being written. Paths stay relative where they are given so. */
struct ff_partial;

enum ff_partial_flags {
    FF_PARTIAL_UNNAMED = 1, /* it vanishes with its last descriptor, where that can be and no
                               partial file is there to go on with */
    FF_PARTIAL_WAIT = 2,    /* while another process writes it: else -EBUSY */
};

/* Makes or opens the partial index file of the archive at that path, and keeps others from writing
 * it. given as above; where it is NULL and the archive's folder cannot be written in, the cache's
 * is. The file can be read by those who may read the archive. What stands at a given path, or would
 * be its partial file, is no index file (by its first bytes), nor empty: -EEXIST; nothing there is
 * changed. -EINVAL where none is given for a path like /dev/stdin, which is another file's for each
 * process. -EBUSY, -EISDIR, -EACCES, -EROFS, -ENOSPC and others, with a text that names the file.
 */
int ff_index_begin(const char *archive, const char *given, unsigned int flags,
                   struct ff_partial **ret_partial, struct ff_error *error);

int ff_partial_fd(const struct ff_partial *partial);           /* open until ff_index_end() */
const char *ff_partial_path(const struct ff_partial *partial); /* what it is published as */

/* Another file without a name, a finished one, is to be published in the place of this one, which
 * has none either; its descriptor becomes the partial's. -EINVAL when one of them has a name. */
int ff_partial_replace(struct ff_partial *partial, int fd);

/* Makes the finished file the archive's index, in the place of an older one, safe from a crash.
 * Errors with a text that names the file. */
int ff_index_publish(struct ff_partial *partial, struct ff_error *error);

/* keep: what was written and not published stays, to be gone on with; else it is removed. The
 * descriptor is closed. NULL is fine. */
void ff_index_end(struct ff_partial *partial, bool keep);

#ifdef __cplusplus
}
#endif
#endif
