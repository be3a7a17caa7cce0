#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"

/* Descriptors for other things than archives. */
#define DESCRIPTORS_SPARE 64

/*
 * A source in front of another: it shows what was printed so far before a read that may block, and
 * keeps what it was told to keep: an archive's scan forgets a stream's bytes as it passes them,
 * while cat, which gets its records from the end backwards, has not printed them yet.
 */
struct front {
    struct ff_source base;
    struct ff_source *inner;
    struct ff_output *out; /* or NULL */
    bool hold;
};

static ssize_t front_pread(struct ff_source *source, void *buf, size_t len, uint64_t offset)
{
    struct front *front = (struct front *)source;

    if (front->out)
        ff_output_flush(front->out);
    return front->inner->ops->pread(front->inner, buf, len, offset);
}

static int front_stat(struct ff_source *source, struct ff_source_stat *ret_stat)
{
    struct front *front = (struct front *)source;

    return front->inner->ops->stat(front->inner, ret_stat);
}

static int front_check(struct ff_source *source)
{
    struct front *front = (struct front *)source;

    return front->inner->ops->check(front->inner);
}

static void front_forget(struct ff_source *source, uint64_t offset)
{
    struct front *front = (struct front *)source;

    if (!front->hold && front->inner->ops->forget)
        front->inner->ops->forget(front->inner, offset);
}

static void front_close(struct ff_source *source)
{
    struct front *front = (struct front *)source;

    ff_source_close(front->inner);
    free(front);
}

static const struct ff_source_ops front_ops = {
    .pread = front_pread,
    .stat = front_stat,
    .check = front_check,
    .forget = front_forget,
    .close = front_close,
};

/* Puts a front before *source. */
static int front_open(struct ff_source **source, struct ff_output *out, bool hold,
                      struct ff_error *error)
{
    struct front *front = malloc(sizeof(*front));

    if (!front)
        return ff_error_set(error, -ENOMEM, "out of memory");
    *front =
        (struct front){.base = {.ops = &front_ops}, .inner = *source, .out = out, .hold = hold};
    *source = &front->base;
    return 0;
}

/* The format that was chosen; not to be called when it is to be detected. */
static int find_format(const struct ff_input_choice *choice, struct ff_format **ret_format,
                       struct ff_error *error)
{
    if (choice->frame)
        return ff_format_compile(choice->frame, ret_format, error);
    return ff_formats_find(choice->formats, choice->format, ret_format, error);
}

static bool is_detected(const struct ff_input_choice *choice)
{
    return !choice->frame && !choice->format;
}

/* Whether what was chosen exists. */
static enum ff_exit check_choice(const struct ff_input_choice *choice)
{
    struct ff_error error = {0};
    struct ff_format *format = NULL;

    if (is_detected(choice))
        return FF_EXIT_DONE;
    int rc = find_format(choice, &format, &error);
    if (rc < 0) {
        ff_say("%s", error.text);
        return rc == -ENOMEM ? FF_EXIT_FAILED : FF_EXIT_USAGE;
    }
    ff_format_free(format);
    return FF_EXIT_DONE;
}

enum ff_exit ff_input_choose(const struct ff_input_options *options,
                             struct ff_input_choice *ret_choice)
{
    struct ff_input_choice choice = {.frame = options->frame};

    if (options->format && options->frame) {
        ff_say("--format and --frame exclude each other: give one of them");
        return FF_EXIT_USAGE;
    }
    if (options->format && strcmp(options->format, "auto") != 0)
        choice.format = options->format;
    /* With a description of one's own no other is looked at, nor what may be wrong with it. */
    enum ff_exit status =
        choice.frame ? FF_EXIT_DONE : ff_formats_load(&options->formats, &choice.formats);
    if (status == FF_EXIT_DONE)
        status = check_choice(&choice);
    if (status != FF_EXIT_DONE) {
        ff_input_release(&choice);
        return status;
    }
    *ret_choice = choice;
    return FF_EXIT_DONE;
}

void ff_input_release(struct ff_input_choice *choice)
{
    ff_formats_free(choice->formats);
    choice->formats = NULL;
}

/* The text of an error that does not name the archive yet. */
static int name_error(const struct ff_input *input, int code, const char *text,
                      struct ff_error *error)
{
    return ff_error_set(error, code, "%s: %s", input->name, text);
}

/* Reads the archive's beginning into bytes, max of them: FF_HEAD_BYTES, or all that it has. */
static int read_head(struct ff_input *input, void *bytes, size_t max, struct ff_head *ret_head,
                     struct ff_error *error)
{
    struct ff_source_stat stat;

    ssize_t len = ff_source_read_full(input->source, bytes, max, 0);
    if (len < 0)
        return name_error(input, (int)len, strerror((int)-len), error);
    /* Now a short pipe has ended, and its size is known. */
    int rc = input->source->ops->stat(input->source, &stat);
    if (rc < 0)
        return name_error(input, rc, strerror(-rc), error);
    input->size = stat.size;
    /* What has grown meanwhile is detected as what it was. */
    *ret_head = (struct ff_head){.buf = bytes,
                                 .len = (size_t)len,
                                 .size = (size_t)len < FF_HEAD_BYTES ? (size_t)len : input->size,
                                 .name = input->path};
    return 0;
}

static int detect_format(struct ff_input *input, const struct ff_formats *formats,
                         struct ff_error *error)
{
    struct ff_source_stat stat;
    struct ff_head head;
    struct ff_error detail = {0};

    int rc = input->source->ops->stat(input->source, &stat);
    if (rc < 0)
        return name_error(input, rc, strerror(-rc), error);
    /* Of many small archives a mebibyte each, mapped and unmapped, would cost more than the rest.
     */
    size_t max = stat.size < FF_HEAD_BYTES ? (size_t)stat.size : FF_HEAD_BYTES;
    FF_CLEANUP(free) void *bytes = malloc(max + 1);
    if (!bytes)
        return name_error(input, -ENOMEM, "out of memory", error);
    rc = read_head(input, bytes, max, &head, error);
    if (rc < 0)
        return rc;
    if (head.len == 0)
        return ff_format_none(&input->format, error);
    rc = ff_format_detect(formats, &head, &input->format, &detail);
    return rc < 0 ? name_error(input, rc, detail.text, error) : 0;
}

static int settle_format(struct ff_input *input, const struct ff_input_choice *choice,
                         struct ff_error *error)
{
    struct ff_source_stat stat;

    int rc = is_detected(choice) ? detect_format(input, choice->formats, error)
                                 : find_format(choice, &input->format, error);
    if (rc < 0)
        return rc;
    rc = input->source->ops->stat(input->source, &stat);
    if (rc < 0)
        return name_error(input, rc, strerror(-rc), error);
    input->size = stat.size;
    return 0;
}

static int open_source(struct ff_input *input, const char *path, enum ff_input_kind kind,
                       struct ff_error *error)
{
    bool standard = kind == FF_INPUT_STREAMS && strcmp(path, "-") == 0;
    struct ff_error detail = {0};

    if (!standard)
        return ff_source_open_file(path, &input->source, error);
    int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (fd < 0)
        return name_error(input, -errno, strerror(errno), error);
    int rc = ff_source_open_stream(fd, &input->source, &detail);
    return rc < 0 ? name_error(input, rc, detail.text, error) : 0;
}

static void name_input(struct ff_input *input, const char *path, enum ff_input_kind kind)
{
    *input = (struct ff_input){.size = FF_SIZE_UNKNOWN};
    input->path = kind == FF_INPUT_STREAMS && strcmp(path, "-") == 0 ? "stdin" : path;
    ff_escape(input->name, sizeof(input->name), input->path, strlen(input->path));
}

int ff_input_try(const char *path, const struct ff_input_choice *choice, struct ff_input *ret_input,
                 struct ff_error *error)
{
    struct ff_input input;

    name_input(&input, path, FF_INPUT_FILES);
    int rc = open_source(&input, path, FF_INPUT_FILES, error);
    if (rc == 0)
        rc = settle_format(&input, choice, error);
    if (rc < 0)
        ff_input_close(&input);
    else
        *ret_input = input;
    return rc;
}

enum ff_exit ff_input_open(const char *path, const struct ff_input_choice *choice,
                           enum ff_input_kind kind, struct ff_output *out, bool hold,
                           struct ff_input *ret_input)
{
    struct ff_input input;
    struct ff_error error = {0};

    name_input(&input, path, kind);
    int rc = open_source(&input, path, kind, &error);
    if (rc == 0 && kind == FF_INPUT_STREAMS && (out || strcmp(path, "-") == 0))
        rc = front_open(&input.source, out, hold, &error);
    if (rc == 0)
        rc = settle_format(&input, choice, &error);
    if (rc < 0) {
        ff_say("%s", error.text);
        ff_input_close(&input);
        return FF_EXIT_FAILED;
    }
    *ret_input = input;
    return FF_EXIT_DONE;
}

enum ff_exit ff_input_settle(const char *path, struct ff_source *source,
                             const struct ff_input_choice *choice, struct ff_input *ret_input)
{
    struct ff_error error = {0};

    name_input(ret_input, path, FF_INPUT_FILES);
    ret_input->source = source;
    int rc = settle_format(ret_input, choice, &error);
    if (rc == 0)
        return FF_EXIT_DONE;
    ff_say("%s", error.text);
    ff_input_close(ret_input);
    return FF_EXIT_FAILED;
}

enum ff_exit ff_input_archive(struct ff_input *input, uint64_t records_max,
                              struct ff_archive **ret_archive)
{
    const struct ff_archive_options options = {.name = input->path, .records_max = records_max};
    struct ff_error error = {0};

    int rc = ff_archive_open(input->source, input->format, &options, ret_archive, &error);
    input->source = NULL;
    input->format = NULL;
    if (rc < 0)
        ff_say("%s", error.text);
    return rc < 0 ? FF_EXIT_FAILED : FF_EXIT_DONE;
}

enum ff_exit ff_input_peek(const char *path, void *bytes, struct ff_input *ret_input,
                           struct ff_head *ret_head)
{
    struct ff_error error = {0};

    name_input(ret_input, path, FF_INPUT_STREAMS);
    int rc = open_source(ret_input, path, FF_INPUT_STREAMS, &error);
    if (rc == 0)
        rc = read_head(ret_input, bytes, FF_HEAD_BYTES, ret_head, &error);
    if (rc < 0)
        ff_say("%s", error.text);
    ff_source_close(ret_input->source);
    ret_input->source = NULL;
    return rc < 0 ? FF_EXIT_FAILED : FF_EXIT_DONE;
}

void ff_input_close(struct ff_input *input)
{
    ff_source_close(input->source);
    ff_format_free(input->format);
    input->source = NULL;
    input->format = NULL;
}

uint64_t ff_input_allow(size_t count)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return UINT64_MAX;
    const struct rlimit before = limit;
    if (limit.rlim_cur >= count + DESCRIPTORS_SPARE)
        return limit.rlim_cur;
    limit.rlim_cur =
        limit.rlim_max < count + DESCRIPTORS_SPARE ? limit.rlim_max : count + DESCRIPTORS_SPARE;
    return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? before.rlim_cur : limit.rlim_cur;
}
