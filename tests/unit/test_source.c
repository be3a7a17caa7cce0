#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <framefs/source.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "source/fault.h"

#define MIB (UINT64_C(1) << 20)

static char scratch[] = "/tmp/framefs-test-source-XXXXXX";

static int make_scratch(void **state)
{
    (void)state;
    return mkdtemp(scratch) ? 0 : -1;
}

static int remove_scratch(void **state)
{
    (void)state;
    DIR *dir = opendir(scratch);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
    return rmdir(scratch);
}

static const char *path_of(const char *name)
{
    static char path[sizeof(scratch) + 64];
    snprintf(path, sizeof(path), "%s/%s", scratch, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(path_of(name), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static struct ff_source *open_file(const char *name)
{
    struct ff_source *source = NULL;
    struct ff_error error;
    if (ff_source_open_file(path_of(name), &source, &error) < 0)
        fail_msg("%s", error.text);
    return source;
}

static ssize_t read_at(struct ff_source *source, void *buf, size_t len, uint64_t offset)
{
    return source->ops->pread(source, buf, len, offset);
}

static void assert_refused(const char *name, int code, const char *says)
{
    struct ff_source *source = NULL;
    struct ff_error error = {0};
    assert_int_equal(ff_source_open_file(path_of(name), &source, &error), code);
    assert_null(source);
    assert_int_equal(error.code, code);
    if (!strstr(error.text, says))
        fail_msg("\"%s\" does not say \"%s\"", error.text, says);
}

static void a_file_is_read_by_offset(void **state)
{
    (void)state;
    char buf[16];
    struct ff_source_stat stat;
    write_file("file", "0123456789");
    struct ff_source *source = open_file("file");

    assert_int_equal(read_at(source, buf, 16, 0), 10);
    assert_memory_equal(buf, "0123456789", 10);
    assert_int_equal(read_at(source, buf, 3, 7), 3);
    assert_memory_equal(buf, "789", 3);
    assert_int_equal(read_at(source, buf, 16, 10), 0);
    assert_int_equal(read_at(source, buf, 16, INT64_MAX - 1), 0);
    assert_int_equal(read_at(source, buf, 16, INT64_MAX), 0);
    assert_int_equal(read_at(source, buf, 16, UINT64_MAX), 0);
    assert_int_equal(ff_source_read_full(source, buf, 16, 4), 6);
    assert_int_equal(source->ops->stat(source, &stat), 0);
    assert_int_equal(stat.size, 10);
    assert_int_equal(source->ops->check(source), 0);
    ff_source_close(source);
    ff_source_close(NULL);
}

static void what_is_no_archive_is_refused_with_advice(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ff_source *source;
    struct ff_error error;

    assert_refused("missing", -ENOENT, "/missing: No such file");
    assert_refused("", -EISDIR, "is a directory");
    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
    assert_refused("fifo", -ESPIPE, "as - from standard input");
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path_of("socket"));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
    assert_refused("socket", -ESPIPE, "is a socket");
    assert_int_equal(ff_source_open_file("/dev/null", &source, &error), -ESPIPE);
    assert_non_null(strstr(error.text, "/dev/null: is a character device"));
    assert_int_equal(ff_source_open_file("/dev/null", &source, NULL), -ESPIPE);
    /* It has bytes, and says that it has none. */
    assert_int_equal(ff_source_open_file("/proc/self/stat", &source, &error), -ESPIPE);
    assert_non_null(strstr(error.text, "does not tell its size"));
    assert_refused("red\x1b[31m\n", -ENOENT, "red\\x1b[31m\\x0a");
}

/* Times are set, not waited for. */
static void set_mtime(const char *name, time_t seconds)
{
    const struct timespec times[] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
    assert_int_equal(utimensat(AT_FDCWD, path_of(name), times, 0), 0);
}

static void check_believes_growth_and_nothing_else(void **state)
{
    (void)state;
    struct ff_source_stat stat;
    write_file("log", "0123456789");
    set_mtime("log", 1000);
    struct ff_source *source = open_file("log");

    assert_int_equal(source->ops->check(source), 0);
    set_mtime("log", 1001);
    assert_int_equal(source->ops->check(source), -ESTALE);
    set_mtime("log", 1000);
    assert_int_equal(source->ops->check(source), 0);
    assert_int_equal(truncate(path_of("log"), 11), 0);
    set_mtime("log", 1002);
    assert_int_equal(source->ops->check(source), 0);
    assert_int_equal(source->ops->stat(source, &stat), 0);
    assert_int_equal(stat.size, 11);
    assert_int_equal(stat.mtime.tv_sec, 1002);
    assert_int_equal(truncate(path_of("log"), 9), 0);
    set_mtime("log", 1000);
    assert_int_equal(source->ops->check(source), -ESTALE);
    ff_source_close(source);

    /* Another file under the same name is another file. */
    write_file("log", "0123456789");
    source = open_file("log");
    write_file("log2", "abc");
    char from[sizeof(scratch) + 64];
    snprintf(from, sizeof(from), "%s", path_of("log2"));
    assert_int_equal(rename(from, path_of("log")), 0);
    char buf[4];
    assert_int_equal(source->ops->check(source), 0);
    assert_int_equal(read_at(source, buf, 4, 0), 4);
    assert_memory_equal(buf, "0123", 4);
    ff_source_close(source);
}

struct appender {
    int fd;
    unsigned int times;
};

static void *append_bytes(void *context)
{
    struct appender *appender = context;
    for (unsigned int i = 0; i < appender->times; i++)
        if (write(appender->fd, "x", 1) != 1)
            break;
    return NULL;
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* To wait for the writer takes 10 ms: each check anew, that would be 4 s for one edit. */
static void an_edit_is_waited_for_once(void **state)
{
    (void)state;
    write_file("log", "0123456789");
    set_mtime("log", 1000);
    struct ff_source *source = open_file("log");

    for (time_t edit = 1001; edit <= 1002; edit++) {
        set_mtime("log", edit);
        double begin_s = now_s();
        for (int i = 0; i < 400; i++)
            assert_int_equal(source->ops->check(source), -ESTALE);
        assert_true(now_s() - begin_s < 2);
    }
    /* It was an append after all, or the time was set back: the bytes are the old ones. */
    assert_int_equal(truncate(path_of("log"), 11), 0);
    set_mtime("log", 1002);
    assert_int_equal(source->ops->check(source), 0);
    assert_int_equal(truncate(path_of("log"), 10), 0);
    set_mtime("log", 1000);
    assert_int_equal(source->ops->check(source), 0);
    ff_source_close(source);
}

/* Between the two, mtime has moved and the size has not. */
static void a_writer_that_appends_is_never_taken_for_an_editor(void **state)
{
    (void)state;
    for (int round = 0; round < 40; round++) {
        write_file("grows", "0123456789");
        struct ff_source *source = open_file("grows");
        struct appender appender = {open(path_of("grows"), O_WRONLY | O_APPEND), 200};
        pthread_t thread;
        assert_true(appender.fd >= 0);
        assert_int_equal(pthread_create(&thread, NULL, append_bytes, &appender), 0);
        for (int i = 0; i < 200; i++)
            assert_int_equal(source->ops->check(source), 0);
        pthread_join(thread, NULL);
        close(appender.fd);
        ff_source_close(source);
    }
}

static void memory_is_read_by_offset(void **state)
{
    (void)state;
    struct ff_source *source;
    struct ff_source_stat stat;
    char buf[8];

    assert_int_equal(ff_source_open_memory("abcdef", 6, &source, NULL), 0);
    assert_int_equal(read_at(source, buf, 8, 0), 6);
    assert_memory_equal(buf, "abcdef", 6);
    assert_int_equal(read_at(source, buf, 2, 3), 2);
    assert_memory_equal(buf, "de", 2);
    assert_int_equal(read_at(source, buf, 8, 6), 0);
    assert_int_equal(read_at(source, buf, 8, UINT64_MAX), 0);
    assert_int_equal(source->ops->stat(source, &stat), 0);
    assert_int_equal(stat.size, 6);
    assert_int_equal(source->ops->check(source), 0);
    ff_source_close(source);
    assert_int_equal(ff_source_open_memory(NULL, 0, &source, NULL), 0);
    assert_int_equal(read_at(source, buf, 8, 0), 0);
    ff_source_close(source);
}

/* Byte i of the test stream. */
static uint8_t stream_byte(uint64_t i)
{
    return (uint8_t)((i * UINT64_C(0x9e3779b97f4a7c15)) >> 56);
}

static void assert_stream(const uint8_t *buf, size_t len, uint64_t offset)
{
    for (size_t i = 0; i < len; i++)
        if (buf[i] != stream_byte(offset + i))
            fail_msg("wrong byte at %llu", (unsigned long long)(offset + i));
}

struct pipe_writer {
    int fd;
    uint64_t len;
};

static void *write_stream(void *context)
{
    struct pipe_writer *writer = context;
    static const size_t steps[] = {1, 4096, 65536, 777, 30000};
    uint8_t buf[65536];
    for (uint64_t done = 0, step = 0; done < writer->len; step++) {
        size_t n = steps[step % 5];
        if (n > writer->len - done)
            n = (size_t)(writer->len - done);
        for (size_t i = 0; i < n; i++)
            buf[i] = stream_byte(done + i);
        ssize_t written = write(writer->fd, buf, n);
        if (written < 0)
            break;
        done += (uint64_t)written;
    }
    close(writer->fd);
    return NULL;
}

static struct ff_source *open_stream(int fd)
{
    struct ff_source *source = NULL;
    struct ff_error error;
    if (ff_source_open_stream(fd, &source, &error) < 0)
        fail_msg("%s", error.text);
    return source;
}

static void a_pipe_is_read_only_as_far_as_asked(void **state)
{
    (void)state;
    int ends[2], waiting;
    uint8_t buf[200];
    struct ff_source_stat stat;

    assert_int_equal(pipe(ends), 0);
    for (unsigned int i = 0; i < 100; i++)
        buf[i] = stream_byte(i);
    assert_int_equal(write(ends[1], buf, 100), 100);
    struct ff_source *source = open_stream(ends[0]);

    /* The writer is still there: nothing may wait for more than was asked for. */
    assert_int_equal(read_at(source, buf, 0, 0), 0);
    assert_int_equal(read_at(source, buf, 10, 0), 10);
    assert_stream(buf, 10, 0);
    assert_int_equal(ioctl(ends[0], FIONREAD, &waiting), 0);
    assert_int_equal(waiting, 90);
    assert_int_equal(read_at(source, buf, 5, 40), 5);
    assert_stream(buf, 5, 40);
    assert_int_equal(ioctl(ends[0], FIONREAD, &waiting), 0);
    assert_int_equal(waiting, 55);
    assert_int_equal(read_at(source, buf, 200, 5), 40);
    assert_stream(buf, 40, 5);
    assert_int_equal(read_at(source, buf, 200, 45), 55);
    assert_stream(buf, 55, 45);
    assert_int_equal(source->ops->stat(source, &stat), 0);
    assert_true(stat.size == FF_SIZE_UNKNOWN);
    close(ends[1]);
    assert_int_equal(read_at(source, buf, 200, 100), 0);
    assert_int_equal(read_at(source, buf, 200, UINT64_MAX), 0);
    assert_int_equal(source->ops->stat(source, &stat), 0);
    assert_int_equal(stat.size, 100);
    assert_true(stat.mtime.tv_sec > 1500000000);
    assert_int_equal(ff_source_read_full(source, buf, 200, 0), 100);
    assert_stream(buf, 100, 0);
    assert_int_equal(source->ops->check(source), 0);
    ff_source_close(source);
}

/* The temporary file is the only deleted one that is open. */
static uint64_t temporary_file_bytes(unsigned int *ret_files)
{
    uint64_t bytes = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    *ret_files = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        struct stat st;
        if (fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode) &&
            st.st_nlink == 0) {
            bytes += (uint64_t)st.st_blocks * 512;
            (*ret_files)++;
        }
    }
    closedir(dir);
    return bytes;
}

static void forgotten_bytes_are_given_back_and_refused(void **state)
{
    (void)state;
    const uint64_t len = 6 * MIB;
    uint8_t *buf = malloc((size_t)len);
    int ends[2];
    unsigned int files_before, files;
    pthread_t thread;

    assert_non_null(buf);
    uint64_t before = temporary_file_bytes(&files_before);
    assert_int_equal(pipe(ends), 0);
    struct pipe_writer writer = {ends[1], len};
    assert_int_equal(pthread_create(&thread, NULL, write_stream, &writer), 0);
    struct ff_source *source = open_stream(ends[0]);
    assert_int_equal(ff_source_read_full(source, buf, 4 * MIB, 0), 4 * MIB);
    assert_stream(buf, 4 * MIB, 0);
    uint64_t kept = temporary_file_bytes(&files) - before;
    assert_int_equal(files, files_before + 1);
    assert_true(kept >= 4 * MIB);

    source->ops->forget(source, 3 * MIB + 10);
    assert_int_equal(read_at(source, buf, 1, 0), -ESPIPE);
    assert_int_equal(read_at(source, buf, 100, 3 * MIB + 9), -ESPIPE);
    assert_int_equal(ff_source_read_full(source, buf, MIB, 3 * MIB + 10), MIB);
    assert_stream(buf, MIB, 3 * MIB + 10);
    /* tmpfs and the usual disk file systems can punch holes. */
    uint64_t left = temporary_file_bytes(&files) - before;
    assert_true(left < 2 * MIB);
    /* Going back changes nothing. */
    source->ops->forget(source, 5);
    assert_int_equal(read_at(source, buf, 1, 3 * MIB), -ESPIPE);

    /* What is forgotten before it came is skipped, and not kept. */
    source->ops->forget(source, 5 * MIB + MIB / 2 + 3);
    assert_int_equal(ff_source_read_full(source, buf, MIB, 5 * MIB + MIB / 2 + 3), MIB / 2 - 3);
    assert_stream(buf, MIB / 2 - 3, 5 * MIB + MIB / 2 + 3);
    assert_true(temporary_file_bytes(&files) - before < 2 * MIB);
    pthread_join(thread, NULL);
    ff_source_close(source);
    temporary_file_bytes(&files);
    assert_int_equal(files, files_before);
    free(buf);
}

struct stream_reader {
    struct ff_source *source;
    _Atomic uint64_t *low; /* what is about to be forgotten */
    uint64_t wrong;
    uint64_t read;
};

static uint64_t wrong_bytes(const uint8_t *buf, size_t len, uint64_t offset)
{
    uint64_t wrong = 0;
    for (size_t i = 0; i < len; i++)
        wrong += buf[i] != stream_byte(offset + i);
    return wrong;
}

static void *read_and_forget(void *context)
{
    struct stream_reader *reader = context;
    uint8_t *buf = malloc(MIB);

    for (uint64_t offset = 0;;) {
        ssize_t n = ff_source_read_full(reader->source, buf, MIB, offset);
        if (n <= 0)
            break;
        reader->wrong += wrong_bytes(buf, (size_t)n, offset);
        reader->read += (uint64_t)n;
        atomic_store(reader->low, offset);
        sched_yield();
        offset += (uint64_t)n;
        reader->source->ops->forget(reader->source, offset);
    }
    atomic_store(reader->low, UINT64_MAX);
    free(buf);
    return NULL;
}

/* Reads what goes away meanwhile: the right bytes or none. */
static void *read_what_goes(void *context)
{
    struct stream_reader *reader = context;
    uint8_t *buf = malloc(MIB);

    for (uint64_t low; (low = atomic_load(reader->low)) != UINT64_MAX;) {
        ssize_t n = read_at(reader->source, buf, MIB, low);
        if (n > 0)
            reader->wrong += wrong_bytes(buf, (size_t)n, low);
        else
            reader->wrong += n != -ESPIPE;
    }
    free(buf);
    return NULL;
}

static void threads_share_a_pipe(void **state)
{
    (void)state;
    const uint64_t len = 64 * MIB + 5;
    int ends[2];
    pthread_t writer_thread, threads[2];
    _Atomic uint64_t low = 0;

    assert_int_equal(pipe(ends), 0);
    struct pipe_writer writer = {ends[1], len};
    struct ff_source *source = open_stream(ends[0]);
    struct stream_reader readers[2] = {{source, &low, 0, 0}, {source, &low, 0, 0}};
    assert_int_equal(pthread_create(&writer_thread, NULL, write_stream, &writer), 0);
    assert_int_equal(pthread_create(&threads[0], NULL, read_and_forget, &readers[0]), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, read_what_goes, &readers[1]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    pthread_join(writer_thread, NULL);
    assert_int_equal(readers[0].wrong, 0);
    assert_int_equal(readers[0].read, len);
    assert_int_equal(readers[1].wrong, 0);
    ff_source_close(source);
}

static void a_stream_without_room_says_where_it_wanted_some(void **state)
{
    (void)state;
    struct ff_source *source = NULL;
    struct ff_error error;
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(setenv("TMPDIR", path_of("nowhere"), 1), 0);
    assert_int_equal(ff_source_open_stream(ends[0], &source, &error), -ENOENT);
    assert_int_equal(unsetenv("TMPDIR"), 0);
    assert_non_null(strstr(error.text, "/nowhere"));
    assert_non_null(strstr(error.text, "TMPDIR"));
    assert_int_equal(fcntl(ends[0], F_GETFD), -1); /* taken over, also on failure */
    close(ends[1]);
    assert_int_equal(ff_source_open_stream(open(scratch, O_RDONLY), &source, &error), -EISDIR);
    assert_int_equal(ff_source_open_stream(-1, &source, &error), -EBADF);
    assert_null(source);
}

static void a_stream_waits_for_a_pipe_that_does_not_block(void **state)
{
    (void)state;
    const uint64_t len = 300000;
    int ends[2];
    pthread_t thread;
    uint8_t *buf = malloc((size_t)len + 1);

    assert_non_null(buf);
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0);
    struct ff_source *source = open_stream(ends[0]);
    struct pipe_writer writer = {ends[1], len};
    assert_int_equal(pthread_create(&thread, NULL, write_stream, &writer), 0);
    assert_int_equal(ff_source_read_full(source, buf, len + 1, 0), len);
    assert_stream(buf, len, 0);
    pthread_join(thread, NULL);
    ff_source_close(source);
    free(buf);
}

static void a_redirected_file_is_read_from_where_it_stands(void **state)
{
    (void)state;
    char buf[16];
    write_file("input", "0123456789");
    int fd = open(path_of("input"), O_RDONLY);
    assert_int_equal(lseek(fd, 4, SEEK_SET), 4);
    struct ff_source *source = open_stream(fd);
    assert_int_equal(ff_source_read_full(source, buf, 16, 0), 6);
    assert_memory_equal(buf, "456789", 6);
    ff_source_close(source);
}

struct record_of_reads {
    uint64_t offset[8];
    size_t len[8];
    unsigned int count;
};

static void note_read(void *context, uint64_t offset, size_t len)
{
    struct record_of_reads *reads = context;
    if (reads->count < 8) {
        reads->offset[reads->count] = offset;
        reads->len[reads->count] = len;
    }
    reads->count++;
}

static struct ff_source *open_fault(const uint8_t *buf, size_t len, const struct ff_fault *fault)
{
    struct ff_source *inner, *source;
    assert_int_equal(ff_source_open_memory(buf, len, &inner, NULL), 0);
    assert_int_equal(ff_source_open_fault(inner, fault, &source, NULL), 0);
    return source;
}

static void faults_shorten_fail_and_alter_reads(void **state)
{
    (void)state;
    uint8_t data[1000], buf[1000];
    struct record_of_reads reads = {.count = 0};
    const struct ff_fault_range ranges[] = {{500, 10, 0}, {700, 0, 0}, {800, 1, -ETIMEDOUT}};
    const struct ff_fault_flip flips[] = {{0, 0x01}, {99, 0x80}, {600, 0xff}};
    struct ff_fault fault = {.on_read = note_read, .context = &reads};
    struct ff_source_stat stat;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = stream_byte(i);
    struct ff_source *source = open_fault(data, sizeof(data), NULL);
    assert_int_equal(read_at(source, buf, 1000, 0), 1000);
    assert_memory_equal(buf, data, 1000);

    fault.short_max_bytes = 7;
    ff_source_fault_set(source, &fault);
    assert_int_equal(read_at(source, buf, 1000, 0), 7);
    assert_int_equal(read_at(source, buf, 3, 997), 3);
    assert_int_equal(reads.count, 2);
    assert_int_equal(reads.offset[0], 0);
    assert_int_equal(reads.len[0], 1000);
    assert_int_equal(reads.offset[1], 997);
    assert_int_equal(reads.len[1], 3);
    assert_int_equal(ff_source_read_full(source, buf, 1000, 0), 1000);
    assert_memory_equal(buf, data, 1000);
    assert_int_equal(reads.count, 2 + (1000 + 6) / 7);

    ff_source_fault_set(source, &(struct ff_fault){.ranges = ranges, .range_count = 3});
    assert_int_equal(read_at(source, buf, 1000, 0), 500);
    assert_int_equal(read_at(source, buf, 1, 499), 1);
    assert_int_equal(read_at(source, buf, 1000, 500), -EIO);
    assert_int_equal(read_at(source, buf, 1, 509), -EIO);
    assert_int_equal(read_at(source, buf, 1000, 510), 290);
    assert_int_equal(read_at(source, buf, 1000, 700), 100);
    assert_int_equal(read_at(source, buf, 1000, 800), -ETIMEDOUT);
    assert_int_equal(read_at(source, buf, 1000, 801), 199);
    assert_int_equal(ff_source_read_full(source, buf, 600, 0), -EIO);

    ff_source_fault_set(source, &(struct ff_fault){.flips = flips, .flip_count = 3});
    assert_int_equal(read_at(source, buf, 100, 0), 100);
    assert_int_equal(buf[0], data[0] ^ 0x01);
    assert_memory_equal(buf + 1, data + 1, 98);
    assert_int_equal(buf[99], data[99] ^ 0x80);
    ff_source_fault_set(source,
                        &(struct ff_fault){.flips = flips, .flip_count = 3, .short_max_bytes = 50});
    buf[99] = 0x55; /* not read, not touched */
    assert_int_equal(read_at(source, buf, 100, 0), 50);
    assert_int_equal(buf[99], 0x55);
    assert_int_equal(read_at(source, buf, 100, 599), 50);
    assert_int_equal(buf[0], data[599]);
    assert_int_equal(buf[1], data[600] ^ 0xff);

    ff_source_fault_set(source, &(struct ff_fault){.end_offset = 300, .check_code = -ESTALE});
    assert_int_equal(read_at(source, buf, 1000, 0), 300);
    assert_int_equal(read_at(source, buf, 1000, 300), 0);
    assert_int_equal(source->ops->stat(source, &stat), 0);
    assert_int_equal(stat.size, 1000);
    assert_int_equal(source->ops->check(source), -ESTALE);
    ff_source_fault_set(source, NULL);
    assert_int_equal(source->ops->check(source), 0);
    source->ops->forget(source, 10);
    ff_source_close(source);
}

static void faults_of_a_seed_can_be_repeated(void **state)
{
    (void)state;
    uint8_t data[1000], buf[1000];
    unsigned int failed = 0, shortened = 0, differ = 0;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = stream_byte(i);
    const struct ff_fault fault = {.seed = 5, .eio_one_in = 4, .short_one_in = 3, .delay_us = 1};
    struct ff_fault other_seed = fault;
    other_seed.seed = 6;
    struct ff_source *one = open_fault(data, sizeof(data), &fault);
    struct ff_source *two = open_fault(data, sizeof(data), &fault);
    struct ff_source *other = open_fault(data, sizeof(data), &other_seed);
    for (uint64_t offset = 0; offset < 900; offset++) {
        ssize_t n = read_at(one, buf, 100, offset);
        assert_int_equal(read_at(two, buf, 100, offset), n);
        differ += read_at(other, buf, 100, offset) != n;
        if (n > 0) {
            ssize_t again = read_at(one, buf, 100, offset);
            assert_int_equal(again, n);
            assert_memory_equal(buf, data + offset, (size_t)n);
        } else {
            assert_int_equal(n, -EIO);
        }
        failed += n < 0;
        shortened += n > 0 && n < 100;
    }
    assert_in_range(failed, 900 / 8, 900 / 2);
    assert_in_range(shortened, 900 / 8, 900 / 2);
    assert_true(differ > 100);
    ff_source_close(one);
    ff_source_close(two);
    ff_source_close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_read_by_offset),
        cmocka_unit_test(what_is_no_archive_is_refused_with_advice),
        cmocka_unit_test(check_believes_growth_and_nothing_else),
        cmocka_unit_test(an_edit_is_waited_for_once),
        cmocka_unit_test(a_writer_that_appends_is_never_taken_for_an_editor),
        cmocka_unit_test(memory_is_read_by_offset),
        cmocka_unit_test(a_pipe_is_read_only_as_far_as_asked),
        cmocka_unit_test(forgotten_bytes_are_given_back_and_refused),
        cmocka_unit_test(threads_share_a_pipe),
        cmocka_unit_test(a_stream_without_room_says_where_it_wanted_some),
        cmocka_unit_test(a_stream_waits_for_a_pipe_that_does_not_block),
        cmocka_unit_test(a_redirected_file_is_read_from_where_it_stands),
        cmocka_unit_test(faults_shorten_fail_and_alter_reads),
        cmocka_unit_test(faults_of_a_seed_can_be_repeated),
    };
    /* A hang fails too. */
    alarm(120);
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
