/*
 * A source over a pipe. What was read from it is kept in an unlinked temporary file, so that any
 * byte not yet forgotten can be read again, by any thread.
 *
 * received only grows and is published after the bytes are in the file: reads below it take no
 * lock, while one thread at a time waits for the pipe under the mutex. forgotten is published
 * before the hole is made, and a reader looks at it again after its read: zeros of a hole are never
 * taken for bytes of the stream.
 */
#include <errno.h>
#include <fcntl.h>
#include <framefs/source.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/units.h"

#define PUMP_BYTES       (UINT32_C(256) << 10)
#define PUNCH_STEP_BYTES (UINT64_C(1) << 20)

struct ff_source_stream {
    struct ff_source source;
    int in;
    int file;
    struct timespec mtime;
    _Atomic uint64_t received;
    _Atomic uint64_t forgotten;
    _Atomic bool ended;

    pthread_mutex_t lock; /* of what follows, and of reading from in */
    int failed;           /* negative errno: bytes were lost, nothing more can come */
    uint64_t punched;
    bool cannot_punch;
    uint8_t *bounce; /* PUMP_BYTES */
};

static ssize_t read_some(int fd, void *buf, size_t len)
{
    for (;;) {
        ssize_t n = read(fd, buf, len);
        if (n >= 0)
            return n;
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            struct pollfd wait = {.fd = fd, .events = POLLIN};
            if (poll(&wait, 1, -1) < 0 && errno != EINTR)
                return -errno;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
}

static int keep(int fd, const uint8_t *buf, size_t len, uint64_t offset)
{
    while (len > 0) {
        ssize_t n = pwrite(fd, buf, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        buf += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

/* With the lock held: takes up to len bytes from the pipe into buf and keeps them. Returns their
 * number, 0 at the end. */
static ssize_t pump(struct ff_source_stream *stream, uint8_t *buf, size_t len)
{
    uint64_t received = atomic_load(&stream->received);
    uint64_t forgotten = atomic_load(&stream->forgotten);

    if (stream->failed)
        return stream->failed;
    if (atomic_load(&stream->ended))
        return 0;
    if (len > (uint64_t)INT64_MAX - received)
        len = (size_t)((uint64_t)INT64_MAX - received);
    if (len == 0)
        return stream->failed = -EFBIG;

    ssize_t n = read_some(stream->in, buf, len);
    if (n < 0)
        return stream->failed = (int)n;
    if (n == 0) {
        atomic_store(&stream->ended, true);
        return 0;
    }
    /* Bytes that are forgotten before they came need no room. */
    if (forgotten < received + (uint64_t)n) {
        int r = keep(stream->file, buf, (size_t)n, received);
        if (r < 0)
            return stream->failed = r;
    }
    atomic_store(&stream->received, received + (uint64_t)n);
    return n;
}

static ssize_t read_kept(struct ff_source_stream *stream, void *buf, size_t len, uint64_t offset)
{
    uint64_t available = atomic_load(&stream->received) - offset;
    ssize_t n;

    if (len > available)
        len = (size_t)available;
    do {
        n = pread(stream->file, buf, len, (off_t)offset);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    if (offset < atomic_load(&stream->forgotten))
        return -ESPIPE;
    return n > 0 || len == 0 ? n : -EIO;
}

static ssize_t stream_pread(struct ff_source *source, void *buf, size_t len, uint64_t offset)
{
    struct ff_source_stream *stream = (struct ff_source_stream *)source;
    ssize_t n = 1;

    if (len == 0)
        return 0;
    if (len > SSIZE_MAX)
        len = SSIZE_MAX;
    if (offset < atomic_load(&stream->forgotten))
        return -ESPIPE;
    if (offset < atomic_load(&stream->received))
        return read_kept(stream, buf, len, offset);

    pthread_mutex_lock(&stream->lock);
    uint64_t received = atomic_load(&stream->received);
    while (n > 0 && received < offset) {
        uint64_t missing = offset - received;
        n = pump(stream, stream->bounce, missing < PUMP_BYTES ? (size_t)missing : PUMP_BYTES);
        received = atomic_load(&stream->received);
    }
    bool direct = n > 0 && received == offset;
    if (direct)
        n = pump(stream, buf, len);
    pthread_mutex_unlock(&stream->lock);
    if (n <= 0 || direct)
        return n;
    return read_kept(stream, buf, len, offset);
}

static int stream_stat(struct ff_source *source, struct ff_source_stat *ret_stat)
{
    struct ff_source_stream *stream = (struct ff_source_stream *)source;
    bool ended = atomic_load(&stream->ended);

    *ret_stat = (struct ff_source_stat){
        .size = ended ? atomic_load(&stream->received) : FF_SIZE_UNKNOWN,
        .mtime = stream->mtime,
    };
    return 0;
}

static int stream_check(struct ff_source *source)
{
    (void)source;
    return 0;
}

static void stream_forget(struct ff_source *source, uint64_t offset)
{
    struct ff_source_stream *stream = (struct ff_source_stream *)source;
    uint64_t forgotten = atomic_load(&stream->forgotten);

    while (forgotten < offset &&
           !atomic_compare_exchange_weak(&stream->forgotten, &forgotten, offset)) {
    }
    /* Another thread may wait for the pipe with the lock held: room can be given back later. */
    if (pthread_mutex_trylock(&stream->lock) != 0)
        return;
    uint64_t received = atomic_load(&stream->received);
    uint64_t end = atomic_load(&stream->forgotten);
    if (end > received)
        end = received;
    end -= end % PUNCH_STEP_BYTES;
    if (end > stream->punched && !stream->cannot_punch) {
        if (fallocate(stream->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                      (off_t)stream->punched, (off_t)(end - stream->punched)) < 0)
            stream->cannot_punch = errno != EINTR;
        else
            stream->punched = end;
    }
    pthread_mutex_unlock(&stream->lock);
}

static void stream_close(struct ff_source *source)
{
    struct ff_source_stream *stream = (struct ff_source_stream *)source;
    close(stream->in);
    close(stream->file);
    pthread_mutex_destroy(&stream->lock);
    free(stream->bounce);
    free(stream);
}

static const struct ff_source_ops stream_ops = {
    .pread = stream_pread,
    .stat = stream_stat,
    .check = stream_check,
    .forget = stream_forget,
    .close = stream_close,
};

static int open_temporary(struct ff_error *error)
{
    const char *dir = secure_getenv("TMPDIR");
    char path[PATH_MAX];

    if (!dir || !*dir)
        dir = "/tmp";
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    if (fd >= 0)
        return fd;
    /* Not every file system has unnamed files. */
    int code = -ENAMETOOLONG;
    int len = snprintf(path, sizeof(path), "%s/framefs-XXXXXX", dir);
    if (len > 0 && (size_t)len < sizeof(path)) {
        fd = mkostemp(path, O_CLOEXEC);
        code = -errno;
    }
    if (fd >= 0) {
        unlink(path);
        return fd;
    }
    char shown[1024];
    ff_escape(shown, sizeof(shown), dir, strlen(dir));
    return ff_error_set(error, code,
                        "no temporary file in %s: %s; set TMPDIR to a directory with room", shown,
                        strerror(-code));
}

int ff_source_open_stream(int fd, struct ff_source **ret_source, struct ff_error *error)
{
    FF_CLEANUP(fd) int in = fd;
    struct stat st;

    if (fstat(in, &st) < 0)
        return ff_error_set(error, -errno, "cannot read the input: %s", strerror(errno));
    if (S_ISDIR(st.st_mode))
        return ff_error_set(error, -EISDIR, "the input is a directory");
    FF_CLEANUP(fd) int file = open_temporary(error);
    if (file < 0)
        return file;

    struct ff_source_stream *stream = calloc(1, sizeof(*stream));
    uint8_t *bounce = malloc(PUMP_BYTES);
    if (!stream || !bounce || pthread_mutex_init(&stream->lock, NULL) != 0) {
        free(stream);
        free(bounce);
        return ff_error_set(error, -ENOMEM, "out of memory");
    }
    stream->source.ops = &stream_ops;
    stream->bounce = bounce;
    stream->mtime = st.st_mtim;
    if (!S_ISREG(st.st_mode))
        clock_gettime(CLOCK_REALTIME, &stream->mtime);
    stream->in = in;
    stream->file = file;
    in = file = -1;
    *ret_source = &stream->source;
    return 0;
}
