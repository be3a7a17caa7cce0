/*
 * framefs cat: the bytes of chosen records, one after the other.
 *
 * Where there is an index file, it tells where the records lie. Where there is none, and the ranges
 * allow it, this is one forward pass that ends with the last record asked for; ranges that count
 * from the end, go back, or ask for a whole archive (--content=file) need all places first. Either
 * way the bytes pass through one window of fixed size.
 */
#include <errno.h>
#include <framefs/archive.h>
#include <framefs/scan.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/range.h"
#include "cli/use_index.h"

#define WINDOW_BYTES      ((size_t)1 << 20)
#define WINDOW_JUMP_BYTES ((size_t)64 << 10)

FF_CLEANUP_DEFINE(scan, struct ff_scan *, ff_scan_close)
FF_CLEANUP_DEFINE(archive, struct ff_archive *, ff_archive_close)

struct cat_values {
    struct ff_input_options input;
    struct ff_option_content content;
    struct ff_option_separator separator;
    struct ff_index_options index;
};

static const struct ff_option options[] = {
    FF_INPUT_OPTIONS(struct cat_values, input),
    FF_INDEX_OPTIONS(struct cat_values, index),
    {
        .name = "content",
        .argument = "WHAT",
        .help = "payload (the default), frame (with header and trailer), or "
                "file (a valid archive of the chosen records)",
        .parse = ff_option_content,
        .offset = offsetof(struct cat_values, content),
    },
    {
        .name = "separator",
        .argument = "TEXT",
        .help = "put TEXT after each record; \\n \\r \\t \\0 \\\\ \\xHH are understood",
        .parse = ff_option_separator,
        .offset = offsetof(struct cat_values, separator),
    },
    FF_OPTION_HELP,
    FF_OPTION_END,
};

struct cat {
    struct ff_cli *cli;
    const struct cat_values *values;
    enum ff_content content;
    const char *name; /* of the archive */
    struct ff_source *source;
    struct ff_range *ranges;
    size_t range_count;
    struct ff_terminal_text text;
    uint64_t window_offset;
    size_t window_len;
    uint8_t *window;
    struct ff_scan *scan;       /* that gives the records in order, or NULL */
    struct ff_archive *archive; /* that knows them all, or NULL */
    /* Of whole archives: the section that was begun, and how far the archive was printed. */
    uint64_t section, printed_end;
};

/* Reads the window so that it begins at offset and holds at least one byte. More than what is
 * asked for only when the reading goes on where it ended: a single record costs a single small
 * read. */
static int fill_window(struct cat *cat, uint64_t offset, uint64_t len)
{
    bool onward = offset == cat->window_offset + cat->window_len;
    uint64_t want = onward || len > WINDOW_BYTES ? WINDOW_BYTES : len;

    if (want < WINDOW_JUMP_BYTES)
        want = WINDOW_JUMP_BYTES;
    ssize_t n = cat->source->ops->pread(cat->source, cat->window, (size_t)want, offset);
    cat->window_offset = offset;
    cat->window_len = n > 0 ? (size_t)n : 0;
    if (n < 0)
        return (int)n;
    if (n == 0)
        return -ENODATA;
    return cat->source->ops->check(cat->source);
}

static void write_bytes(struct cat *cat, const void *bytes, size_t len)
{
    if (cat->cli->terminal.present)
        ff_terminal_write(&cat->cli->out, &cat->text, bytes, len);
    else
        ff_output_write(&cat->cli->out, bytes, len);
}

static int copy(struct cat *cat, uint64_t offset, uint64_t len)
{
    while (len > 0 && !ff_output_failed(&cat->cli->out)) {
        if (offset < cat->window_offset || offset - cat->window_offset >= cat->window_len) {
            int rc = fill_window(cat, offset, len);
            if (rc < 0)
                return rc;
        }
        size_t within = (size_t)(offset - cat->window_offset);
        uint64_t piece = cat->window_len - within;
        if (piece > len)
            piece = len;
        write_bytes(cat, cat->window + within, (size_t)piece);
        offset += piece;
        len -= piece;
    }
    if (cat->cli->terminal.present)
        ff_terminal_flush(&cat->cli->out, &cat->text);
    return 0;
}

static const char *reason_of(int code)
{
    if (code == -ENODATA)
        return "the archive has become shorter meanwhile";
    if (code == -ESTALE)
        return "the archive was changed meanwhile";
    return strerror(-code);
}

/* A record that lies in several frames: by the scan that gave it last or, where there is none, by
 * the archive. */
static int copy_joined(struct cat *cat, const struct ff_record *record, uint64_t len)
{
    enum ff_content content = cat->content == FF_CONTENT_PAYLOAD ? cat->content : FF_CONTENT_FRAME;
    struct ff_error error;
    struct ff_view view;

    cat->window_len = 0;
    if (!cat->scan && ff_view_record(cat->archive, record, content, &view) < 0)
        return -EINVAL;
    for (uint64_t at = 0; at < len && !ff_output_failed(&cat->cli->out);) {
        ssize_t n = cat->scan
                        ? ff_scan_read(cat->scan, content, cat->window, WINDOW_BYTES, at, &error)
                        : ff_view_read(cat->archive, &view, cat->window, WINDOW_BYTES, at, &error);
        if (n <= 0)
            return n < 0 ? (int)n : -ENODATA;
        write_bytes(cat, cat->window, (size_t)n);
        at += (uint64_t)n;
    }
    if (cat->cli->terminal.present)
        ff_terminal_flush(&cat->cli->out, &cat->text);
    return 0;
}

/* What the record depends on and was not printed yet, where whole archives are printed. */
static int copy_context(struct cat *cat, const struct ff_record *record)
{
    uint8_t bytes[4096];
    struct ff_error error;
    struct ff_view view;
    uint64_t section;

    if (cat->content != FF_CONTENT_FILE)
        return 0;
    int rc = ff_view_context(cat->archive, record, cat->printed_end, &view, &section);
    if (rc == 0 && section != cat->section)
        rc = ff_view_context(cat->archive, record, 0, &view, &section);
    if (rc < 0)
        return rc;
    for (uint64_t at = 0; at < view.len;) {
        ssize_t n = ff_view_read(cat->archive, &view, bytes, sizeof(bytes), at, &error);
        if (n <= 0)
            return n < 0 ? (int)n : -ENODATA;
        write_bytes(cat, bytes, (size_t)n);
        at += (uint64_t)n;
    }
    cat->section = section;
    if (ff_record_end(record) > cat->printed_end)
        cat->printed_end = ff_record_end(record);
    return 0;
}

static enum ff_exit print_record(struct cat *cat, const struct ff_record *record)
{
    uint64_t offset = record->offset, len = ff_record_frame(record);

    if (cat->content == FF_CONTENT_PAYLOAD) {
        offset += record->head;
        len = record->payload;
    }
    int rc = copy_context(cat, record);
    if (rc == 0)
        rc = record->joined ? copy_joined(cat, record, len) : copy(cat, offset, len);
    if (rc < 0) {
        ff_output_flush(&cat->cli->out);
        ff_say("%s: record %" PRIu64 " at byte %" PRIu64 ": %s", cat->name, record->number,
               record->offset, reason_of(rc));
        return FF_EXIT_FAILED;
    }
    ff_output_write(&cat->cli->out, cat->values->separator.text, cat->values->separator.len);
    return FF_EXIT_DONE;
}

/* The records of the range, in an archive whose number of records is known now. */
static bool resolve(struct cat *cat, const struct ff_range *range, uint64_t count,
                    uint64_t *ret_first, uint64_t *ret_last, enum ff_exit *status)
{
    struct ff_error error = {0};

    if (ff_range_resolve(range, count, ret_first, ret_last, &error) < 0) {
        ff_output_flush(&cat->cli->out);
        ff_say("%s: %s", cat->name, error.text);
        *status = FF_EXIT_FAILED;
    }
    return *ret_first <= *ret_last;
}

static enum ff_exit print_forward(struct cat *cat, const struct ff_input *input)
{
    enum ff_exit status = FF_EXIT_DONE;
    struct ff_scan_event event;
    struct ff_error error = {0};
    uint64_t count = 0;
    size_t at = 0;
    FF_CLEANUP(scan) struct ff_scan *scan = NULL;

    if (ff_scan_open(input->source, input->format, NULL, 0, &scan, &error) < 0) {
        ff_say("%s: %s", cat->name, error.text);
        return FF_EXIT_FAILED;
    }
    cat->scan = scan;
    while (at < cat->range_count && !ff_output_failed(&cat->cli->out)) {
        const struct ff_range *range = &cat->ranges[at];
        int rc = ff_scan_next(scan, &event, &error);
        if (rc < 0) {
            ff_output_flush(&cat->cli->out);
            ff_say("%s: %s", cat->name, error.text);
            return FF_EXIT_FAILED;
        }
        if (event.kind == FF_SCAN_END)
            break;
        if (event.kind == FF_SCAN_DAMAGE) {
            ff_output_flush(&cat->cli->out);
            status = ff_exit_worse(status, ff_say_damage(cat->name, &event.damage));
            continue;
        }
        count = event.record.number + 1;
        if (event.record.number >= range->first.value) {
            if (print_record(cat, &event.record) != FF_EXIT_DONE)
                return FF_EXIT_FAILED;
            if (!range->open && event.record.number == range->last.value)
                at++;
        }
    }
    for (; at < cat->range_count && !ff_output_failed(&cat->cli->out); at++) {
        uint64_t first, last;
        resolve(cat, &cat->ranges[at], count, &first, &last, &status);
    }
    return status;
}

/* What a valid archive has before its first record (before) or after its last one, besides what
 * single records depend on. */
static enum ff_exit print_edge(struct cat *cat, const struct ff_archive *archive, bool before)
{
    struct ff_record record;
    struct ff_view view;

    int rc = ff_archive_record(archive, 0, &record);
    if (rc == 0)
        rc = ff_view_record(archive, &record, FF_CONTENT_FILE, &view);
    for (unsigned int i = 0; rc == 0 && i < view.extents; i++) {
        if (view.extent[i].kind != FF_EXTENT_BYTES)
            continue;
        uint64_t begin = view.extent[i].offset, end = begin + view.extent[i].len;
        uint64_t frame_end = ff_record_end(&record);
        if (before && end > record.offset)
            end = record.offset;
        if (!before && begin < frame_end)
            begin = frame_end;
        if (begin < end)
            rc = copy(cat, begin, end - begin);
    }
    if (rc < 0) {
        ff_output_flush(&cat->cli->out);
        ff_say("%s: the archive's %s: %s", cat->name, before ? "beginning" : "end", reason_of(rc));
        return FF_EXIT_FAILED;
    }
    return FF_EXIT_DONE;
}

static enum ff_exit print_range(struct cat *cat, const struct ff_archive *archive, uint64_t first,
                                uint64_t last)
{
    struct ff_record record;

    for (uint64_t number = first; number <= last && !ff_output_failed(&cat->cli->out); number++) {
        int rc = ff_archive_record(archive, number, &record);
        if (rc < 0) {
            ff_say("%s: record %" PRIu64 ": %s", cat->name, number, ff_use_index_reason(rc));
            return FF_EXIT_FAILED;
        }
        if (print_record(cat, &record) != FF_EXIT_DONE)
            return FF_EXIT_FAILED;
    }
    return FF_EXIT_DONE;
}

static enum ff_exit print_ranges(struct cat *cat, struct ff_archive *archive)
{
    uint64_t count = ff_archive_count(archive);
    enum ff_exit status = FF_EXIT_DONE;
    bool begun = false;

    for (size_t i = 0; i < cat->range_count && !ff_output_failed(&cat->cli->out); i++) {
        uint64_t first, last;
        if (!resolve(cat, &cat->ranges[i], count, &first, &last, &status))
            continue;
        if (cat->content == FF_CONTENT_FILE && !begun) {
            begun = true;
            if (print_edge(cat, archive, true) != FF_EXIT_DONE)
                return FF_EXIT_FAILED;
        }
        if (print_range(cat, archive, first, last) != FF_EXIT_DONE)
            return FF_EXIT_FAILED;
    }
    if (begun)
        status = ff_exit_worse(status, print_edge(cat, archive, false));
    return status;
}

static enum ff_exit print_indexed(struct cat *cat, struct ff_input *input,
                                  const struct ff_index_found *found)
{
    uint64_t needed = cat->content == FF_CONTENT_FILE
                          ? UINT64_MAX
                          : ff_ranges_needed(cat->ranges, cat->range_count);
    FF_CLEANUP(archive) struct ff_archive *archive = NULL;

    enum ff_exit status = ff_use_index_scan(input, found, needed, &archive);
    if (!archive)
        return status;
    cat->archive = archive;
    cat->section = UINT64_MAX;
    status = ff_exit_worse(status, print_ranges(cat, archive));
    ff_use_index_tell(archive, &cat->values->input, found);
    return status;
}

static enum ff_exit run(struct ff_cli *cli, const void *values_of, char **operands, size_t count)
{
    const struct cat_values *values = values_of;
    struct ff_input_choice choice;
    struct ff_input input;
    struct ff_error error = {0};
    FF_CLEANUP(index_found) struct ff_index_found found = {.fd = -1};
    struct cat cat = {.cli = cli, .values = values, .content = FF_CONTENT_PAYLOAD};

    if (values->content.given)
        cat.content = (enum ff_content)values->content.content;
    if (cat.content == FF_CONTENT_FILE && values->separator.len > 0)
        return ff_command_refuse(&ff_command_cat,
                                 "--separator would break the archive that --content=file writes");
    FF_CLEANUP(free) struct ff_range *ranges = NULL;
    int rc = ff_ranges_parse(operands + 1, count - 1, &ranges, &cat.range_count, &error);
    if (rc < 0)
        return ff_command_refuse(&ff_command_cat, error.text);
    cat.ranges = ranges;
    FF_CLEANUP(free) uint8_t *window = malloc(WINDOW_BYTES);
    if (!window) {
        ff_say("out of memory");
        return FF_EXIT_FAILED;
    }
    cat.window = window;
    /* In a forward pass the scan forgets a stream's record when it is asked for the next one. */
    bool forward = cat.content != FF_CONTENT_FILE && ff_range_is_forward(ranges, cat.range_count);
    enum ff_exit status = ff_input_choose(&values->input, &choice);
    if (status != FF_EXIT_DONE)
        return status;
    /* To print all records, one pass is as good. */
    if (count > 1 || !forward)
        status = ff_use_index_find(operands[0], &values->index, &found);
    if (status != FF_EXIT_DONE) {
        ff_input_release(&choice);
        return status;
    }
    status = ff_input_open(operands[0], &choice, FF_INPUT_STREAMS, &cli->out, !forward, &input);
    ff_input_release(&choice);
    if (status != FF_EXIT_DONE)
        return status;
    cat.name = input.name;
    cat.source = input.source;
    if (forward && found.fd < 0)
        status = print_forward(&cat, &input);
    else
        status = print_indexed(&cat, &input, &found);
    ff_input_close(&input);
    return status;
}

const struct ff_command ff_command_cat = {
    .name = "cat",
    .usage = "[OPTIONS] ARCHIVE [RANGE...]",
    .summary = "print the payloads of records",
    .notes = "RANGE is 17, 100-199 (both included), 5- (to the end), -1 (the last) or -10--1 (the "
             "last ten); without one, all records. ARCHIVE \"-\" is standard input. On a terminal "
             "control bytes are shown as \\xHH.\n",
    .options = options,
    .operands_min = 1,
    .operands_max = FF_OPERANDS_ANY,
    .values_bytes = sizeof(struct cat_values),
    .run = run,
};
