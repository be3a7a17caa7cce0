/*
 * An archive that is open: a source, its format and the index of its records, which grows while
 * the scan goes on.
 *
 * Threads: after ff_archive_open() every function that takes a const archive or is marked (any)
 * may be called by several threads at once, also while the scan runs in another.
 */
#ifndef FRAMEFS_ARCHIVE_H
#define FRAMEFS_ARCHIVE_H

#include <stdbool.h>

#include <framefs/error.h>
#include <framefs/format.h>
#include <framefs/record.h>
#include <framefs/source.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ff_archive;

#define FF_INTERVAL_MIN_BYTES     UINT64_C(64)
#define FF_INTERVAL_MAX_BYTES     (UINT64_C(16) << 20)
#define FF_INTERVAL_DEFAULT_BYTES (UINT64_C(1) << 20)

struct ff_archive_options {
    const char *name;        /* for messages; copied */
    uint64_t interval_bytes; /* a power of two within the limits above; 0 for the default */
    size_t window_bytes;     /* of the scan; 0 for the default */
    /* ff_view_read() and ff_all_read() check the checksums of each record that they show before its
     * bytes are read for the first time: -EBADMSG for all of it when one is wrong. */
    bool verify_reads;
    uint64_t records_max; /* the scan ends with a damage where one more begins; 0: no such limit */
    /* Which records are shown, by what their headers tell; NULL: all. The others keep their
     * numbers, but are not found. Called for each record in the thread that scans. */
    bool (*shows)(void *context, const struct ff_details *details);
    void *shows_context;
};

/* Takes over source and format, also on failure. No byte is scanned yet. */
int ff_archive_open(struct ff_source *source, struct ff_format *format,
                    const struct ff_archive_options *options, struct ff_archive **ret_archive,
                    struct ff_error *error);

/* Stops the scan, frees everything. NULL is fine. */
void ff_archive_close(struct ff_archive *archive);

/* Scans on in the calling thread until that many records are known or the scan is complete.
 * A source that fails ends the scan: it becomes a damage, and the negative errno is returned. */
int ff_archive_scan(struct ff_archive *archive, uint64_t records, struct ff_error *error);

/* Instead of ff_archive_scan(): scans to the end, and checks every checksum. What is wrong is a
 * damage of code -EBADMSG, in order of offset among the others; its record is known nevertheless.
 * threads: how many check at once, at most FF_VERIFY_THREADS_MAX; 0 for one a processor. Small
 * archives, pipes and sources that forget are read once, by the calling thread. -EINVAL when a scan
 * has begun; else errors as ff_archive_scan(), and -ESTALE when the archive was changed meanwhile.
 */
#define FF_VERIFY_THREADS_MAX 64
int ff_archive_verify(struct ff_archive *archive, unsigned int threads, struct ff_error *error);

/* Scans on to the end in a thread of its own, until ff_archive_scan_stop() or close. It is a little
 * nicer than the calling thread: who reads comes first. */
int ff_archive_scan_start(struct ff_archive *archive, struct ff_error *error);
void ff_archive_scan_stop(struct ff_archive *archive);

/* Called from the scanning thread when more records are known (not for each of them) and when the
 * scan is complete; must not block for long. To be set before the scan is started. */
void ff_archive_on_progress(struct ff_archive *archive, void (*progress)(void *context),
                            void *context);

/* What is known now (any): how many records there are, and how many of them are shown. complete: no
 * more will come; then both are final. */
uint64_t ff_archive_count(const struct ff_archive *archive);
uint64_t ff_archive_shown(const struct ff_archive *archive);
bool ff_archive_complete(const struct ff_archive *archive);

struct ff_summary {
    uint64_t archive_bytes; /* of a pipe 0 until its end was met */
    uint64_t scanned_bytes;
    uint64_t left_out; /* records that are not shown */
    uint64_t records;  /* that are shown, and of them: */
    uint64_t payload_bytes;
    uint64_t smallest, largest; /* payloads; 0 when there is no record */
    uint64_t histogram[65];     /* [0]: empty payloads; [k]: payloads of 2^(k-1) .. 2^k-1 bytes */
    uint64_t damages;           /* see ff_archive_damage() */
    uint64_t checksums;         /* that ff_archive_verify() has computed */
    uint64_t verified_bytes;    /* that it is done with */
    bool complete;
};
void ff_archive_summary(struct ff_archive *archive, struct ff_summary *ret_summary); /* (any) */

/* The damage number index, in order of offset; -ENOENT past the last one. At most FF_DAMAGE_MAX are
 * kept, further ones are only counted (any). */
#define FF_DAMAGE_MAX 4096
int ff_archive_damage(struct ff_archive *archive, uint64_t index, struct ff_damage *ret_damage);

const char *ff_archive_name(const struct ff_archive *archive);
const struct ff_format *ff_archive_format(const struct ff_archive *archive);
struct timespec ff_archive_mtime(const struct ff_archive *archive); /* when it was opened */
uint64_t ff_archive_size(const struct ff_archive *archive);         /* when it was opened */
uint64_t ff_archive_interval(const struct ff_archive *archive);     /* bytes */
/* A short hash of the archive's head: the same after growth and when opened again, most likely
 * another for another archive. Final once the first record is known. */
uint8_t ff_archive_epoch(const struct ff_archive *archive);

/* Whether records may have a time of their own, so that ff_archive_details() is worth its read
 * (any). */
bool ff_archive_has_times(const struct ff_archive *archive);

/* The first record that is shown, from `number` on: -EAGAIN when the scan has not come so far,
 * -ENOENT when there is none (any). */
int ff_archive_next(const struct ff_archive *archive, uint64_t number, uint64_t *ret_number);

/* As ff_archive_next(), but passes over records of which the index file in use tells that their
 * time is not in the span, or that they have none. What it does not know of is not passed over
 * (any). */
int ff_archive_next_in_time(struct ff_archive *archive, uint64_t number,
                            const struct ff_time_span *span, uint64_t *ret_number);

/* 0; -EAGAIN when the scan has not come so far; -ENOENT past the last record, and for one that is
 * not shown (any). */
int ff_archive_record(const struct ff_archive *archive, uint64_t number,
                      struct ff_record *ret_record);

/* Reads the frame's header for it (any): -EIO, -ESTALE, -EUCLEAN when that fails. */
int ff_archive_details(struct ff_archive *archive, const struct ff_record *record,
                       struct ff_details *ret_details, struct ff_error *error);

/* The record's time alone (any): without a look at the archive where the index file in use has it,
 * else as ff_archive_details(). *ret_known: it has one; else *ret_time is zero. */
int ff_archive_time(struct ff_archive *archive, const struct ff_record *record, bool *ret_known,
                    struct timespec *ret_time, struct ff_error *error);

/* How many checksums the record's first frame carries (any): errors as ff_archive_details(). */
int ff_archive_checksums(struct ff_archive *archive, const struct ff_record *record,
                         unsigned int *ret_count, struct ff_error *error);

#define FF_CHECKSUM_TEXT_BYTES 33

/* A checksum that a frame carries, computed over the archive's bytes. */
struct ff_checksum_result {
    const char *name;                    /* "crc32c"; a constant */
    uint64_t offset;                     /* of the stored checksum in the archive */
    char stored[FF_CHECKSUM_TEXT_BYTES]; /* in hexadecimal, of 8, 16 or 32 digits */
    bool matches;
};

/* The index-th checksum of the record's frames, from 0: -ENOENT past the last one; else errors as
 * ff_archive_details(). Reads all that it covers (any). */
int ff_archive_checksum(struct ff_archive *archive, const struct ff_record *record,
                        unsigned int index, struct ff_checksum_result *ret_result,
                        struct ff_error *error);

/* A view: what one file shows of the archive, as a few stretches one after the other. */
#define FF_VIEW_EXTENTS 4
enum ff_extent_kind {
    FF_EXTENT_BYTES,          /* bytes of the archive */
    FF_EXTENT_JOINED_PAYLOAD, /* of the view's record, which is joined */
    FF_EXTENT_JOINED_FRAME,
    FF_EXTENT_CONTEXT, /* earlier frames that the record depends on; offset is no byte's */
};
struct ff_extent {
    enum ff_extent_kind kind;
    uint64_t offset; /* in the archive */
    uint64_t len;
};
struct ff_view {
    uint64_t len;            /* sum of the extents' */
    struct ff_record record; /* that it shows; its number is UINT64_MAX where it shows none */
    unsigned int extents;
    struct ff_extent extent[FF_VIEW_EXTENTS];
};

/* These only compute (any). */

/* The file of one record. With FF_CONTENT_FILE it ends with the archive's postamble or end frame:
 * -EAGAIN while that is not known yet, for the formats that end with a frame of their own (cpio);
 * -EOVERFLOW when the frames that it depends on are too many to be known. */
__attribute__((warn_unused_result)) int ff_view_record(const struct ff_archive *archive,
                                                       const struct ff_record *record,
                                                       enum ff_content content,
                                                       struct ff_view *ret_view);
void ff_view_archive(const struct ff_archive *archive, struct ff_view *ret_view);
/* Records first..last, both included, and all between them, also what is not shown, as an archive
 * of the same format: -EAGAIN, -ENOENT as ff_archive_record(); -EINVAL when first > last;
 * -EOVERFLOW when the frames that it depends on are too many to be known. */
int ff_view_slice(const struct ff_archive *archive, uint64_t first, uint64_t last,
                  struct ff_view *ret_view);

/* The frames that the record depends on (a section's header, an interface's description), as far as
 * they lie at `after` or behind it; of no bytes where the format has none. *ret_section: where its
 * section begins. -EOVERFLOW as above. */
int ff_view_context(const struct ff_archive *archive, const struct ff_record *record,
                    uint64_t after, struct ff_view *ret_view, uint64_t *ret_section);

/* Reads up to len bytes at offset of the view: their number, fewer only at its end, 0 past it
 * (any). The archive is read by preads of interval_bytes at multiples of it from the view's start,
 * each clipped to what was asked for and to an extent. -ENODATA when the archive is shorter than it
 * was, -ESTALE when it was changed, -EIO and others from the source; error's text names archive,
 * record and offset. */
ssize_t ff_view_read(struct ff_archive *archive, const struct ff_view *view, void *buf, size_t len,
                     uint64_t offset, struct ff_error *error);

/* All payloads that are shown joined, each followed by the separator (len bytes, 0 for none). The
 * size: -EAGAIN while the scan goes on, -EOVERFLOW when it passes 2^63-1. Reading: as
 * ff_view_read(), and -EAGAIN for bytes that the scan has not come to (any). */
int ff_all_size(const struct ff_archive *archive, size_t separator_len, uint64_t *ret_size);
ssize_t ff_all_read(struct ff_archive *archive, const void *separator, size_t separator_len,
                    void *buf, size_t len, uint64_t offset, struct ff_error *error);

/* What `framefs info --json` prints of these archives: a JSON array, an object an archive, with a
 * final newline. To be freed with free(); NULL when memory is short (any). */
char *ff_report_json(struct ff_archive *const *archives, size_t count);
/* The same, of archives that ff_archive_verify() has read: with checksums_checked. */
char *ff_report_verified(struct ff_archive *const *archives, size_t count);
/* What .framefs/damage shows: a line of headings, then a line a damaged place. As above (any). */
char *ff_report_damage(struct ff_archive *archive);

#ifdef __cplusplus
}
#endif
#endif
