/*
 * framefs: mounts framed archives and shows each record as a file.
 *
 * The map: a line a module, bottom up; a layer includes what stands above it here, never what comes
 * below it. tests/lint/map.py holds that no module is missing.
 *
 * base: what everything stands on
 *   base/cleanup.h        release of variables that leave their scope
 *   base/error.c          errors with their text
 *   base/load.h           integers from and to bytes: the one place that knows byte order
 *   base/log.c            where a server's messages go: stderr, the journal, syslog
 *   base/redact.c         names taken out of messages
 *   base/notify.c         what the service manager is told
 *   base/background.c     a thread's work that can wait
 *   base/sanitize.h       whether a sanitizer is built in
 *   base/stat.h           fstat(2), in a sandbox
 *   base/units.c          sizes, escaped text, the nearest word
 *
 * format: descriptions of frames, and frames decoded with them; pure
 *   format/lex.c          the words of a description
 *   format/parse.c        words to items
 *   format/parse_type.c   a word that is a type: an item
 *   format/parse_value.c  and what it must be: constants, names, functions
 *   format/resolve.c      the names in items to places; how the payload's size is told
 *   format/compile.c      items to a layout
 *   format/layout.h       the layout: a description compiled
 *   format/window.h       the bytes of an archive that are at hand
 *   format/decode.c       one frame from a window of bytes
 *   format/decode_fast.c  frames of the common shape, at once
 *   format/decode_fault.c what is wrong with a frame, in words
 *   format/headers.c      lines of names and values, and the blank line
 *   format/date.c         dates as archives write them
 *   format/pcapng.c       the clock of a pcapng interface
 *   format/native.c       items that take code of their own
 *   format/native_map.c   those of Avro and Hadoop
 *   format/native_journal.c  those of the systemd journal
 *   format/native_arrow.c those of Arrow
 *   format/native_part.h  what these share
 *   format/checksum.c     the checksums that descriptions know
 *   format/directive.c    what holds for the whole archive: blocks, tails, magic to search for
 *   format/format.c       a format: a layout with a name
 *   format/ini.c          the lines of an INI text
 *   format/section.c      a format from a section of it
 *   format/formats.c      a set of formats: the built-in ones, from presets.ini, and others
 *   format/explain.c      a format in words
 *   format/explain_field.c  where its fields lie
 *   format/explain_words.c  what they mean
 *   format/evidence.c     what speaks for a frame, in bits
 *   format/trial.c        one format tried on an archive's head
 *   format/known.c        files that are no framed archives
 *   format/detect.c       which format an archive has
 *
 * source: an archive's bytes by offset
 *   source/source.c       reading until enough is there
 *   source/file.c         a file or a block device
 *   source/memory.c       bytes that the caller holds
 *   source/stream.c       a pipe
 *   source/fault.c        a source that fails on purpose, for tests
 *
 * index, tree, synth: pure
 *   index/pack.h          integers of a few bits
 *   index/block.c         a block of 256 records in few bytes
 *   index/chunk.h         arrays that grow without moving
 *   index/index.c         records appended, and the memory they take
 *   index/lookup.c        where each record lies
 *   index/cursor.c        one after the other
 *   index/segment.c       64 blocks, as the index file has them
 *   index/times.c         the times of their records
 *   index/image.c         the bytes of an index file: header, chunks, parts
 *   index/image_segment.c   its segments
 *   index/image_times.c     and their times
 *   index/image_chunk.h     a chunk, as these share it
 *   index/image_resume.c    one whose building was interrupted
 *   index/base.c          the records of an index that lie in an image
 *   index/write.c         segments out of an index
 *   index/internal.h      an index, as these share it
 *   index/select.c        which records are shown
 *   tree/label.c          a record's own name in its file's name
 *   tree/tree.c           inode <-> record <-> name, by arithmetic
 *   synth/synth.c         the generated stream
 *   synth/fill.c          its patterns, as fast as memory
 *
 * archive: source, format and index joined
 *   archive/archive.c     opening, scanning in the background, what is known
 *   archive/lookup.c      which records are known, and where each lies
 *   archive/places.c      known places in joined records, for reads that begin there
 *   archive/scan.c        one forward pass, an event at a time
 *   archive/scan_details.c  what its records' headers tell
 *   archive/join.c        records that lie in several frames
 *   archive/joined.c      the bytes of such a record
 *   archive/resync.c      where an archive goes on after damage
 *   archive/context.c     frames that later records depend on
 *   archive/sums.c        the checksums of a frame
 *   archive/reader.c      a window that moves over a source, frames decoded through it
 *   archive/frame.c       a record's frame once more
 *   archive/details.c     time, type and name from a frame's header
 *   archive/verify.c      every checksum, by several scans at once
 *   archive/verdict.c     which records were checked before they were read
 *   archive/tally.c       how many payloads, and how long
 *   archive/view.c        what a file shows of the archive, and reading it
 *   archive/ahead.c       neighbouring records read at once
 *   archive/coded.h       numbers one after the other
 *   archive/coded_damage.c a damage as bytes
 *   archive/index_known.c what is known of an archive besides its records, as bytes
 *   archive/index_sums.c  which records were found well when their index was made
 *   archive/index_times.c times of records, looked up and kept for the one that is written
 *   archive/index_bind.c  which archive an index file is of
 *   archive/index_use.c   an index file taken into an archive
 *   archive/index_check.c   all of the one in use looked at
 *   archive/index_write.c an index file written behind the scan
 *   archive/index_file.h  what these share
 *   archive/index_place.c where index files lie
 *   archive/report.c      what is known, as JSON and as a list of damage
 *   archive/internal.h    an open archive, as this layer shares it
 *
 * fs: FUSE, mount and server
 *   fs/fs.h               what the rest of the program sees of it
 *   fs/mount.c            mounting and serving
 *   fs/mountpoint.c       the mount itself: made, taken away
 *   fs/upgrade.c          another program in the place of this one
 *   fs/takeover.c         what the one hands to the other
 *   fs/supervise.c        the process that holds the mount and starts workers
 *   fs/process.c          a worker's process
 *   fs/guard.c            the one that answers what a dead server's thread waits for
 *   fs/shared.c           what outlives a worker
 *   fs/blame.c            which request killed a worker
 *   fs/channel.c          from a worker to the supervisor
 *   fs/worker.c           the process that serves
 *   fs/sandbox.c          what it gives up before it looks at an archive
 *   fs/landlock.c         paths and sockets
 *   fs/syscalls.c         system calls
 *   fs/permission.c       whether it may read as another user
 *   fs/session.c          its conversation with the kernel
 *   fs/uring.c            requests that come through io_uring
 *   fs/shown.c            the archives that a mount shows
 *   fs/shown_index.c      what they take from index files, and have written
 *   fs/ops.c              a request in, a reply out
 *   fs/request.h          a request, as it is kept while it waits
 *   fs/park.c             requests that wait for the scan
 *   fs/push.c             contents stored in the kernel's cache before they are asked for
 *   fs/follow.c           who reads in order, and how far ahead of him it is worth to go
 *   fs/behind.c           and what lies so far behind him that it need not be kept
 *   fs/node.c             a node by its inode or its name
 *   fs/naming.c           how the records are called
 *   fs/roster.c           the records by their own names, made unique
 *   fs/attr.c             stat
 *   fs/dir.c              listings
 *   fs/read.c             contents
 *   fs/xattr.c            extended attributes
 *   fs/control.c          the texts of .framefs
 *   fs/snapshot.c         such a text as its readers see it
 *   fs/slice.c            the table of slices
 *   fs/shelf.c            the index files, as the supervisor keeps them
 *   fs/stats.c            counters
 *   fs/failure.c          errors of requests, logged with measure
 *   fs/message.c          what libfuse and fusermount3 print
 *   fs/mountinfo.c        the kernel's table of mounts
 *   fs/daemon.c           going to the background
 *   fs/umount.c           taking a mount away
 *   fs/renew.c            asking its server for an upgrade
 *   fs/ask.c              what a mount's statistics tell
 *   fs/state.h            a mount, as this layer shares it
 *
 * cli: commands; only this layer prints
 *   cli/output.c          stdout, and where its errors are remembered
 *   cli/say.c             messages to stderr
 *   cli/terminal.c        what the terminal can show, and text made safe for it
 *   cli/time_text.c       times as text
 *   cli/bar.c             bars, histogram, the line of progress
 *   cli/progress.c        progress on a terminal
 *   cli/option.c          option tables: parsing, help, errors
 *   cli/value.c           arguments of options
 *   cli/range.c           ranges of records
 *   cli/filter.c          records by type and time
 *   cli/names.c           names of several archives' directories
 *   cli/formats_load.c    formats of files: formats.d, --formats
 *   cli/input.c           --format, --frame, detection, "-"
 *   cli/use_index.c       the index file in commands that may use one
 *   cli/path_list.c       paths of arguments and of --files-from
 *   cli/index_job.c       one archive's index made
 *   cli/explain.c         how a format was detected
 *   cli/info_mount.c      what a mount tells of its archives
 *   cli/mount_options.c   the options of mount, and -o
 *   cli/mount_log.c       what a mount says of itself
 *   cli/mount_helper.c    mount.framefs: its arguments and exit statuses
 *   cli/cmd_mount.c, cli/cmd_umount.c, cli/cmd_upgrade.c, cli/cmd_info.c, cli/cmd_index.c,
 *   cli/cmd_ls.c, cli/cmd_cat.c, cli/cmd_synth.c, cli/cmd_formats.c, cli/cmd_verify.c    a command
 * each cli/command.c         the table of commands, dispatch, help cli/main.c            this file
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/mount_helper.h"

/* A reader of stdout that has had enough (| head) is no failure: SIGPIPE is ignored, the write
 * fails instead, and the command ends without a word. Any other failed write is one. */
static enum ff_exit end_output(struct ff_output *out, enum ff_exit status)
{
    int rc = ff_output_flush(out);

    /* Some file systems tell at close that they are full. */
    if (rc == 0 && close(out->fd) < 0 && errno != EBADF)
        rc = -errno;
    if (rc == -EPIPE)
        return status;
    if (rc < 0) {
        ff_say("cannot write to stdout: %s", strerror(-rc));
        return ff_exit_worse(status, FF_EXIT_FAILED);
    }
    return status;
}

/* A standard descriptor that was closed by the caller would be given to the next file that is
 * opened, and that file written to, or given up by the mount. Opened the wrong way round, its use
 * still fails. */
static void hold_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
            _exit(FF_EXIT_FAILED);
    }
}

static enum ff_exit run(struct ff_cli *cli, char **arguments, size_t count)
{
    return end_output(&cli->out, ff_command_main(cli, arguments, count));
}

/* As mount.framefs. */
static enum ff_helper_exit run_helper(struct ff_cli *cli, char **arguments, size_t count)
{
    FF_CLEANUP(free)
    char **translated = calloc(count + 1 + FF_HELPER_ADDED_MAX, sizeof(*translated));
    struct ff_error error = {0};
    struct ff_helper helper;

    if (!translated) {
        ff_say("out of memory");
        return FF_HELPER_SYSTEM;
    }
    translated[0] = (char *)ff_command_mount.name;
    if (ff_helper_translate(arguments, count, translated + 1, &helper, &error) < 0) {
        ff_say("%s", error.text);
        return FF_HELPER_USAGE;
    }
    if (helper.space && ff_helper_enter(helper.space, &error) < 0) {
        ff_say("%s", error.text);
        return FF_HELPER_SYSTEM;
    }
    if (helper.pretends)
        return FF_HELPER_DONE;
    cli->is_helper = true;
    return ff_helper_status(run(cli, translated, helper.count + 1));
}

int main(int argc, char **argv)
{
    struct ff_cli cli = {.arguments = argv};

    hold_standard_descriptors();
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    /* Where it is ignored, nobody learns how a child has ended. */
    signal(SIGCHLD, SIG_DFL);
    if (ff_output_init(&cli.out, STDOUT_FILENO) < 0) {
        ff_say("%s", strerror(ENOMEM));
        return FF_EXIT_FAILED;
    }
    ff_terminal_probe(STDOUT_FILENO, &cli.terminal);
    size_t count = argc > 1 ? (size_t)(argc - 1) : 0;
    int status;
    if (argc > 0 && ff_helper_is_called(argv[0]))
        status = run_helper(&cli, argv + 1, count);
    else
        status = run(&cli, argv + 1, count);
    ff_output_done(&cli.out);
    return status;
}
