/*
 * A source gives the archive's bytes by offset. Files and memory are built in; a program may
 * bring its own by filling the operations.
 *
 * Threads: pread, stat and check may be called by several threads at once.
 */
#ifndef FRAMEFS_SOURCE_H
#define FRAMEFS_SOURCE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include <framefs/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The size of a source that is not known before its end was read: a pipe. */
#define FF_SIZE_UNKNOWN UINT64_MAX

struct ff_source;

struct ff_source_stat {
    uint64_t size; /* bytes, at most 2^63-1; FF_SIZE_UNKNOWN at most until a pread gave 0 */
    struct timespec mtime;
};

struct ff_source_ops {
    /* Reads up to len bytes at offset: their number (fewer than asked are no error), 0 at the end,
     * or a negative errno. */
    ssize_t (*pread)(struct ff_source *source, void *buf, size_t len, uint64_t offset);
    /* What the source is now. */
    int (*stat)(struct ff_source *source, struct ff_source_stat *ret_stat);
    /* 0 while the bytes read so far are still the archive's; -ESTALE when it shrank, or changed
     * without growing, since it was opened. To be asked after reading, before believing. */
    int (*check)(struct ff_source *source);
    /* No byte before offset is read again: a source that keeps bytes may drop them. May be NULL. */
    void (*forget)(struct ff_source *source, uint64_t offset);
    void (*close)(struct ff_source *source); /* frees the source itself */
};

/* Begins every source: embed it as the first member. */
struct ff_source {
    const struct ff_source_ops *ops;
};

/* Opens a regular file or a block device; -EISDIR, -ESPIPE and others with an explaining text. */
int ff_source_open_file(const char *path, struct ff_source **ret_source, struct ff_error *error);

/* A file source across exec(3): its descriptor, which stays the source's, and what the file was
 * when it was opened. */
struct ff_file_state {
    int fd;
    struct ff_source_stat opened;
};

/* Of a source from ff_source_open_file() or ff_source_adopt_file(). */
struct ff_file_state ff_source_file_state(const struct ff_source *source);
/* A source over a descriptor that is open already, which it takes over, also on failure; path is
 * for messages. -EBADF, -EISDIR and others with an explaining text. */
int ff_source_adopt_file(const struct ff_file_state *state, const char *path,
                         struct ff_source **ret_source, struct ff_error *error);

/* Reads a pipe or socket from its present position, which becomes offset 0. The bytes are kept in
 * an unlinked temporary file ($TMPDIR, else /tmp) until they are forgotten; size is FF_SIZE_UNKNOWN
 * until the end was read. A forgotten byte is -ESPIPE. Takes fd over, also on failure. */
int ff_source_open_stream(int fd, struct ff_source **ret_source, struct ff_error *error);

/* Serves len bytes at buf, which stays the caller's and must outlive the source. */
int ff_source_open_memory(const void *buf, size_t len, struct ff_source **ret_source,
                          struct ff_error *error);

/* Reads until len bytes are there, the end comes (then fewer) or an error (negative). */
ssize_t ff_source_read_full(struct ff_source *source, void *buf, size_t len, uint64_t offset);

/* NULL is fine. */
void ff_source_close(struct ff_source *source);

#ifdef __cplusplus
}
#endif
#endif
