#include "cli/index_job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"

/* One archive on its way. */
struct making {
    const struct ff_index_job *job;
    const char *path;
    struct ff_archive *archive;
    struct ff_partial *partial; /* or NULL: nothing is written yet */
    bool afresh;                /* what is there is not used */
    bool lacks;                 /* the index is not used: it is damaged, or lacks what is wanted */
    bool verify, times;         /* are wanted: asked for, or known before */
    struct ff_indexed *indexed;
    struct ff_error error;
};

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int open_archive(struct making *making)
{
    struct ff_input input;

    int rc = ff_input_try(making->path, making->job->choice, &input, &making->error);
    if (rc < 0)
        return rc;
    const struct ff_archive_options options = {.name = input.path};
    return ff_archive_open(input.source, input.format, &options, &making->archive, &making->error);
}

static void close_archive(struct making *making)
{
    making->job->scans(making->job->context, NULL);
    ff_archive_close(making->archive);
    making->archive = NULL;
}

static void set_path(struct making *making, const char *path)
{
    free(making->indexed->path);
    making->indexed->path = strdup(path);
}

/* Takes the index that is there, if it fits, and looks at all of it: what is kept must be whole. */
static void use_index(struct making *making)
{
    FF_CLEANUP(free) char *path = NULL;
    FF_CLEANUP(fd) int fd = -1;
    struct ff_indexed *indexed = making->indexed;
    struct ff_error error = {0};

    int rc = ff_index_open(making->path, making->job->index, &fd, &path, &error);
    if (rc == 0)
        rc = ff_archive_use_index(making->archive, fd, &error);
    if (rc == 0)
        set_path(making, path);
    if (rc == 0 && ff_archive_check_index(making->archive) < 0) {
        rc = ff_error_set(&error, -EUCLEAN, "it is damaged");
        making->lacks = true;
    }
    /* What is made anew has what it had. */
    if (rc < 0 && fd >= 0 && ff_archive_has_times(making->archive))
        making->times |= ff_index_has_times(fd);
    if (rc < 0 && rc != -ENOENT)
        snprintf(indexed->reason, sizeof(indexed->reason), "%.*s", (int)sizeof(indexed->reason) - 1,
                 error.text);
}

static uint64_t known_records(struct ff_archive *archive)
{
    struct ff_index_status status;

    ff_archive_index_status(archive, &status);
    return status.read_records;
}

/* What another one has written before it was killed, where that is more than what is known. */
static void use_partial(struct making *making)
{
    struct making other = {.job = making->job, .path = making->path, .indexed = making->indexed};
    struct ff_index_status status;
    struct stat st;

    if (fstat(ff_partial_fd(making->partial), &st) < 0 || st.st_size == 0 ||
        open_archive(&other) < 0)
        return;
    int rc = ff_archive_use_index(other.archive, ff_partial_fd(making->partial), NULL);
    ff_archive_index_status(other.archive, &status);
    /* A finished one that was not published may not have come to the disk in full. */
    if (rc == 0 && status.read_partial && status.read_records > known_records(making->archive) &&
        status.times >= making->times) {
        struct ff_archive *less = making->archive;
        making->archive = other.archive;
        other.archive = less;
    }
    ff_archive_close(other.archive);
}

/* The file to write to. 1 when another program was writing it: what it has done is to be looked at
 * first. */
static int begin(struct making *making)
{
    const struct ff_index_job *job = making->job;

    int rc = ff_index_begin(making->path, job->index, 0, &making->partial, &making->error);
    if (rc != -EBUSY)
        return rc;
    rc =
        ff_index_begin(making->path, job->index, FF_PARTIAL_WAIT, &making->partial, &making->error);
    return rc < 0 ? rc : 1;
}

static void take_figures(struct making *making, const struct ff_index_status *status)
{
    struct ff_indexed *indexed = making->indexed;
    struct ff_summary summary;

    ff_archive_summary(making->archive, &summary);
    indexed->archive_bytes = summary.archive_bytes;
    indexed->records = summary.records;
    indexed->known = status->read_records;
    indexed->index_bytes =
        status->state == FF_INDEX_WRITTEN ? status->written_bytes : status->read_bytes;
    indexed->sync_ns = status->sync_ns;
    indexed->damages = summary.damages;
    indexed->verified = status->verified;
    indexed->checksums = status->checksums;
    indexed->wrong = status->wrong;
    indexed->first_wrong = status->first_wrong;
    indexed->times = status->times;
    if (summary.damages > 0)
        ff_archive_damage(making->archive, 0, &indexed->damage);
    snprintf(indexed->format, sizeof(indexed->format), "%s",
             ff_format_name(ff_archive_format(making->archive)));
    indexed->how = status->state != FF_INDEX_WRITTEN ? FF_INDEXED_CURRENT
                   : status->read_records == 0       ? FF_INDEXED_BUILT
                   : status->read_partial            ? FF_INDEXED_RESUMED
                                                     : FF_INDEXED_EXTENDED;
}

/* Scans what is not known yet, and writes it. */
static int write_index(struct making *making)
{
    const struct ff_index_writing writing = {
        .discard = true, .verify = making->verify, .times = making->times};
    struct ff_archive *archive = making->archive;
    struct ff_index_status status;
    struct ff_summary before, after;

    int rc =
        ff_archive_write_index(archive, ff_partial_fd(making->partial), &writing, &making->error);
    if (rc < 0)
        return rc;
    ff_archive_summary(archive, &before);
    making->job->scans(making->job->context, archive);
    rc = ff_archive_scan(archive, UINT64_MAX, &making->error);
    ff_archive_index_status(archive, &status);
    if (rc == 0 && status.state != FF_INDEX_WRITTEN) {
        rc = status.code;
        const char *why = rc == -ESTALE    ? "the archive was changed meanwhile"
                          : rc == -EUCLEAN ? "the records of the one that was there are damaged"
                                           : strerror(-rc);
        ff_error_set(&making->error, rc, "%s: the index file cannot be written: %s",
                     making->indexed->name, why);
    }
    if (rc == 0)
        rc = ff_index_publish(making->partial, &making->error);
    if (rc < 0)
        return rc;
    ff_archive_summary(archive, &after);
    making->indexed->scanned_bytes = after.scanned_bytes - before.scanned_bytes;
    take_figures(making, &status);
    set_path(making, ff_partial_path(making->partial));
    return 0;
}

static int check_format(struct making *making)
{
    if (!making->times || ff_archive_has_times(making->archive))
        return 0;
    making->indexed->misused = true;
    return ff_error_set(&making->error, -EINVAL,
                        "%s: records of the format %s have no time: there is none to be kept",
                        making->indexed->name, ff_format_name(ff_archive_format(making->archive)));
}

/* One attempt. 1 for another one. */
static int make(struct making *making)
{
    struct ff_index_status status;

    int rc = open_archive(making);
    if (rc == 0)
        rc = check_format(making);
    if (rc < 0)
        return rc;
    if (!making->afresh && !making->lacks)
        use_index(making);
    ff_archive_index_status(making->archive, &status);
    if (status.read_bytes > 0 &&
        (making->lacks || making->verify > status.verified || making->times > status.times)) {
        /* What it has is not to be lost when it is made anew. */
        making->verify |= status.verified;
        making->times |= status.times;
        making->lacks = true;
        return 1;
    }
    making->times |= status.times;
    if (ff_archive_complete(making->archive)) {
        take_figures(making, &status);
        return 0;
    }
    if (!making->partial && (rc = begin(making)) != 0)
        return rc;
    /* What was written before a kill tells of no checksums. */
    if (!making->afresh && !making->verify)
        use_partial(making);
    bool used = known_records(making->archive) > 0;
    rc = write_index(making);
    /* A part of the old index that nobody has looked at before. */
    if (rc == -EUCLEAN && used) {
        snprintf(making->indexed->reason, sizeof(making->indexed->reason),
                 "its records are damaged");
        making->afresh = true;
        return 1;
    }
    return rc;
}

void ff_index_job_run(const struct ff_index_job *job, const char *path,
                      struct ff_indexed *ret_indexed)
{
    struct making making = {.job = job,
                            .path = path,
                            .afresh = job->force,
                            .verify = job->verify,
                            .times = job->times,
                            .indexed = ret_indexed};
    uint64_t begun_ns = now_ns();
    struct stat st;
    int rc;

    *ret_indexed = (struct ff_indexed){.how = FF_INDEXED_FAILED};
    ff_escape(ret_indexed->name, sizeof(ret_indexed->name), path, strlen(path));
    /* Those of an earlier run are among the files of a folder. */
    if (ff_index_is_file(path)) {
        ret_indexed->how = FF_INDEXED_PASSED;
        return;
    }
    do {
        rc = make(&making);
        if (making.archive)
            close_archive(&making);
    } while (rc > 0);
    if (making.partial) {
        /* A full disk is not to be kept full. */
        bool keep = rc < 0 && rc != -ENOSPC && rc != -EDQUOT &&
                    fstat(ff_partial_fd(making.partial), &st) == 0 && st.st_size > 0;
        ff_index_end(making.partial, keep);
    }
    if (rc < 0)
        ret_indexed->error = strdup(making.error.text);
    ret_indexed->ns = now_ns() - begun_ns;
}

void ff_indexed_done(struct ff_indexed *indexed)
{
    free(indexed->path);
    free(indexed->error);
    *indexed = (struct ff_indexed){0};
}
