/* framefs synth: the generated stream to stdout, or a copy of it checked. */
#include <errno.h>
#include <fcntl.h>
#include <framefs/synth.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "cli/command.h"
#include "cli/progress.h"

#define PIECE_BYTES ((size_t)1 << 20)
#define PIPE_BYTES  (256 << 10)

struct synth_values {
    bool check;
    const char *file; /* of --check; NULL: stdin */
    uint64_t offset;
};

static int parse_check(void *field, const char *argument, struct ff_error *error)
{
    struct synth_values *values = field;

    (void)error;
    values->check = true;
    values->file = argument;
    return 0;
}

static const struct ff_option options[] = {
    {
        .name = "check",
        .argument = "FILE",
        .optional = true,
        .help = "compare FILE (without one: stdin) with the stream, and name "
                "the first byte that differs",
        .parse = parse_check,
    },
    {
        .name = "offset",
        .argument = "BYTES",
        .help = "begin at this byte of the stream",
        .parse = ff_option_size,
        .offset = offsetof(struct synth_values, offset),
    },
    FF_OPTION_HELP,
    FF_OPTION_END,
};

struct progress {
    _Atomic uint64_t done;
    uint64_t total;
};

static void progress_state(void *context, struct ff_progress_state *ret_state)
{
    struct progress *progress = context;

    *ret_state = (struct ff_progress_state){.done_bytes = atomic_load(&progress->done),
                                            .total_bytes = progress->total,
                                            .total_known = true};
}

/* The operands SIZE [PATTERN], where SIZE may be SIZE:PATTERN too. */
static int parse_operands(char **operands, size_t count, struct ff_synth *ret_synth,
                          struct ff_error *error)
{
    uint64_t size;

    if (count == 1)
        return ff_synth_parse(operands[0], ret_synth, error);
    char shown[FF_OPTION_SHOWN_BYTES];
    int rc = ff_parse_size(operands[0], &size);
    if (rc == -ERANGE || (rc == 0 && size > FF_SYNTH_SIZE_MAX))
        return ff_error_set(error, -EINVAL, "size '%s' is larger than 2^63-1 bytes",
                            ff_option_shown(shown, operands[0]));
    if (rc < 0)
        return ff_error_set(error, -EINVAL, "'%s' is not a size, such as 4096, 64K or 10GiB",
                            ff_option_shown(shown, operands[0]));
    return ff_synth_parse_pattern(operands[1], size, ret_synth, error);
}

/* Who waits at its other end is woken less often: more than twice as fast. Whoever may have no
 * larger pipes keeps this one as it is. */
static void widen_pipe(int fd)
{
    int now_bytes = fcntl(fd, F_GETPIPE_SZ);

    if (now_bytes >= 0 && now_bytes < PIPE_BYTES)
        fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
}

static enum ff_exit generate(struct ff_cli *cli, const struct ff_synth *synth, uint64_t offset)
{
    FF_CLEANUP(free) void *piece = NULL;
    struct progress progress = {.total = synth->size - offset};
    struct stat st;
    size_t len;

    if (posix_memalign(&piece, 4096, PIECE_BYTES) != 0) {
        ff_say("out of memory");
        return FF_EXIT_FAILED;
    }
    widen_pipe(cli->out.fd);
    /* The program at the other end of a pipe may use the terminal itself. */
    bool quiet = fstat(cli->out.fd, &st) < 0 || S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) ||
                 cli->terminal.present;
    struct ff_progress *shown =
        quiet ? NULL : ff_progress_begin("synth", progress_state, &progress);
    while (!ff_output_failed(&cli->out) &&
           (len = ff_synth_read(synth, piece, PIECE_BYTES, offset)) > 0) {
        ff_output_write(&cli->out, piece, len);
        offset += len;
        atomic_fetch_add(&progress.done, len);
    }
    ff_progress_end(shown);
    return FF_EXIT_DONE;
}

static ssize_t read_full(int fd, void *buf, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = read(fd, (char *)buf + done, len - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

/* What is wrong with the byte at offset of the stream, which is byte number `at` of the copy. */
static void tell_difference(const char *name, const struct ff_synth *synth, uint64_t offset,
                            uint64_t at, unsigned int found)
{
    unsigned char expected;

    if (ff_synth_read(synth, &expected, 1, offset) == 0) {
        ff_say("%s: too long: it goes on at byte %" PRIu64 ", where it should end", name, at);
        return;
    }
    ff_say("%s: byte %" PRIu64 " is 0x%02x, expected 0x%02x", name, at, found, expected);
}

static enum ff_exit compare(struct ff_cli *cli, const char *name, int fd,
                            const struct ff_synth *synth, uint64_t begin, struct progress *progress)
{
    FF_CLEANUP(free) unsigned char *piece = malloc(PIECE_BYTES);
    uint64_t at = 0;

    if (!piece) {
        ff_say("out of memory");
        return FF_EXIT_FAILED;
    }
    struct ff_progress *shown = ff_progress_begin("synth", progress_state, progress);
    for (;;) {
        ssize_t n = read_full(fd, piece, PIECE_BYTES);
        size_t len = n > 0 ? (size_t)n : 0;
        size_t right = ff_synth_match(synth, piece, len, begin + at);
        if (len > 0 && right == len) {
            at += len;
            atomic_store(&progress->done, at);
            continue;
        }
        ff_progress_end(shown);
        if (n < 0) {
            ff_say("%s: byte %" PRIu64 ": %s", name, at, strerror((int)-n));
        } else if (len > 0) {
            tell_difference(name, synth, begin + at + right, at + right, piece[right]);
        } else if (at < progress->total) {
            ff_say("%s: too short: it ends after %" PRIu64 " bytes, %" PRIu64 " are missing", name,
                   at, progress->total - at);
        } else {
            ff_output_format(&cli->out, "%s: %" PRIu64 " bytes as expected\n", name, at);
            return FF_EXIT_DONE;
        }
        return FF_EXIT_FAILED;
    }
}

static enum ff_exit check(struct ff_cli *cli, const char *path, const struct ff_synth *synth,
                          uint64_t begin)
{
    bool standard = !path || strcmp(path, "-") == 0;
    char name[FF_OPTION_SHOWN_BYTES * 4];
    struct progress progress = {.total = synth->size - begin};
    FF_CLEANUP(fd)
    int fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                      : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    ff_escape(name, sizeof(name), standard ? "stdin" : path, strlen(standard ? "stdin" : path));
    if (fd < 0) {
        ff_say("%s: %s", name, strerror(errno));
        return FF_EXIT_FAILED;
    }
    widen_pipe(fd);
    return compare(cli, name, fd, synth, begin, &progress);
}

static enum ff_exit run(struct ff_cli *cli, const void *values_of, char **operands, size_t count)
{
    const struct synth_values *values = values_of;
    struct ff_error error = {0};
    struct ff_synth synth;

    if (parse_operands(operands, count, &synth, &error) < 0) {
        if (values->check && !values->file)
            ff_say("synth: to check a file, write --check=FILE");
        return ff_command_refuse(&ff_command_synth, error.text);
    }
    if (values->offset > synth.size) {
        ff_error_set(&error, -EINVAL,
                     "the offset %" PRIu64 " lies past the stream's %" PRIu64 " bytes",
                     values->offset, synth.size);
        return ff_command_refuse(&ff_command_synth, error.text);
    }
    if (values->check)
        return check(cli, values->file, &synth, values->offset);
    if (cli->terminal.present && synth.kind != FF_SYNTH_LINES) {
        ff_say("synth: binary data does not go to a terminal: send it to a file or a pipe, or "
               "take the pattern 'lines'");
        return FF_EXIT_USAGE;
    }
    return generate(cli, &synth, values->offset);
}

const struct ff_command ff_command_synth = {
    .name = "synth",
    .usage = "[OPTIONS] SIZE [PATTERN]",
    .summary = "write the generated stream, or check a copy of it",
    .notes = "PATTERN is counter (the default: each 8 bytes are their own offset), lines (64-byte "
             "text lines with their number), byte:V or random:SEED. The offset counts in SIZE: "
             "SIZE - BYTES bytes are written.\n",
    .options = options,
    .operands_min = 1,
    .operands_max = 2,
    .values_bytes = sizeof(struct synth_values),
    .run = run,
};
