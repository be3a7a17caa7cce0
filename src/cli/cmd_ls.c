/*
 * framefs ls: a line a record, straight from the scan, in constant memory. Of ranges the records
 * are looked up where there is an index file, or where the scan cannot give them in their order; of
 * stretches of time, where an index file tells which records are in them.
 */
#include <framefs/archive.h>
#include <framefs/index.h>
#include <framefs/scan.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/filter.h"
#include "cli/input.h"
#include "cli/range.h"
#include "cli/time_text.h"
#include "cli/use_index.h"

FF_CLEANUP_DEFINE(scan, struct ff_scan *, ff_scan_close)
FF_CLEANUP_DEFINE(archive, struct ff_archive *, ff_archive_close)

struct ls_values {
    struct ff_input_options input;
    struct ff_type_filter types;
    struct ff_time_filter times;
    struct ff_index_options index;
    bool json;
};

static const struct ff_option options[] = {
    FF_INPUT_OPTIONS(struct ls_values, input),
    FF_INDEX_OPTIONS(struct ls_values, index),
    {
        .name = "type",
        .argument = "TYPE[:TYPE...]",
        .help = "only records of these types, as they are listed; may be given more than once",
        .parse = ff_filter_types,
        .offset = offsetof(struct ls_values, types),
    },
    {
        .name = "since",
        .argument = "TIME",
        .help = "only records of that time or later, e.g. 2006-09-19, '2006-09-19 17:20 +0200', "
                "@1158679214; no zone is UTC",
        .parse = ff_filter_since,
        .offset = offsetof(struct ls_values, times),
    },
    {
        .name = "until",
        .argument = "TIME",
        .help = "only records from before that time",
        .parse = ff_filter_until,
        .offset = offsetof(struct ls_values, times),
    },
    {
        .name = "json",
        .help = "print a JSON object a line",
        .parse = ff_option_flag,
        .offset = offsetof(struct ls_values, json),
    },
    FF_OPTION_HELP,
    FF_OPTION_END,
};

/* The widest record number, offset and so on are not known before the end: these widths hold for
 * archives of common sizes, and a wider number moves only its own line. */
#define NUMBER_WIDTH 8
#define OFFSET_WIDTH 12
#define LENGTH_WIDTH 10
#define TIME_WIDTH   30
#define TYPE_WIDTH   10

static void print_headings(struct ff_output *out)
{
    ff_output_format(out, "%*s %*s %*s %-*s %-*s %s\n", NUMBER_WIDTH, "NUMBER", OFFSET_WIDTH,
                     "OFFSET", LENGTH_WIDTH, "LENGTH", TIME_WIDTH, "TIME", TYPE_WIDTH, "TYPE",
                     "NAME");
}

static void print_line(struct ff_output *out, const struct ff_record *record,
                       const struct ff_details *details)
{
    char time[FF_TIME_TEXT_BYTES] = "-";

    if (details->has_time)
        ff_time_format(time, &details->time);
    ff_output_u64(out, record->number, NUMBER_WIDTH);
    ff_output_write(out, " ", 1);
    ff_output_u64(out, record->offset, OFFSET_WIDTH);
    ff_output_write(out, " ", 1);
    ff_output_u64(out, record->payload, LENGTH_WIDTH);
    ff_output_write(out, " ", 1);
    ff_output_column(out, time, TIME_WIDTH);
    ff_output_write(out, " ", 1);
    ff_output_column(out, details->type[0] ? details->type : "-", TYPE_WIDTH);
    ff_output_write(out, " ", 1);
    ff_output_text(out, details->name[0] ? details->name : "-");
    ff_output_write(out, "\n", 1);
}

static void print_object(struct ff_output *out, const struct ff_record *record,
                         const struct ff_details *details)
{
    char time[FF_TIME_TEXT_BYTES];

    ff_output_text(out, "{\"number\": ");
    ff_output_u64(out, record->number, 0);
    ff_output_text(out, ", \"offset\": ");
    ff_output_u64(out, record->offset, 0);
    ff_output_text(out, ", \"length\": ");
    ff_output_u64(out, record->payload, 0);
    ff_output_text(out, ", \"frame\": ");
    ff_output_u64(out, ff_record_frame(record), 0);
    if (details->has_time) {
        ff_output_text(out, ", \"time\": ");
        ff_output_json(out, ff_time_format(time, &details->time));
    }
    if (details->type[0]) {
        ff_output_text(out, ", \"type\": ");
        ff_output_json(out, details->type);
    }
    if (details->name[0]) {
        ff_output_text(out, ", \"name\": ");
        ff_output_json(out, details->name);
    }
    ff_output_text(out, "}\n");
}

/* What is listed, and of what. */
struct ls {
    struct ff_cli *cli;
    const struct ls_values *values;
    const char *name; /* of the archive */
    struct ff_range *ranges;
    size_t range_count;
};

static void print(const struct ls *ls, const struct ff_record *record,
                  const struct ff_details *details)
{
    if (!ff_type_filter_match(&ls->values->types, details) ||
        !ff_time_filter_match(&ls->values->times, details))
        return;
    if (ls->values->json)
        print_object(&ls->cli->out, record, details);
    else
        print_line(&ls->cli->out, record, details);
}

static enum ff_exit tell(const struct ls *ls, const char *text)
{
    ff_output_flush(&ls->cli->out);
    ff_say("%s: %s", ls->name, text);
    return FF_EXIT_FAILED;
}

/* The records of the range, in an archive of so many. */
static void resolve(const struct ls *ls, size_t range, uint64_t count, uint64_t *ret_first,
                    uint64_t *ret_last, enum ff_exit *status)
{
    struct ff_error error = {0};

    if (ff_range_resolve(&ls->ranges[range], count, ret_first, ret_last, &error) < 0)
        *status = ff_exit_worse(*status, tell(ls, error.text));
}

/* Ranges that only go forward. */
static enum ff_exit list_scanned(const struct ls *ls, const struct ff_input *input)
{
    enum ff_exit status = FF_EXIT_DONE;
    struct ff_scan_event event;
    struct ff_error error = {0};
    uint64_t count = 0, first, last;
    size_t at = 0;
    FF_CLEANUP(scan) struct ff_scan *scan = NULL;

    if (ff_scan_open(input->source, input->format, NULL, 0, &scan, &error) < 0)
        return tell(ls, error.text);
    while (at < ls->range_count && !ff_output_failed(&ls->cli->out)) {
        const struct ff_range *range = &ls->ranges[at];
        struct ff_details details = {0};
        int rc = ff_scan_next(scan, &event, &error);
        if (rc < 0)
            return tell(ls, error.text);
        if (event.kind == FF_SCAN_END)
            break;
        if (event.kind == FF_SCAN_DAMAGE) {
            ff_output_flush(&ls->cli->out);
            status = ff_exit_worse(status, ff_say_damage(ls->name, &event.damage));
            continue;
        }
        count = event.record.number + 1;
        if (event.record.number < range->first.value)
            continue;
        /* Without details the line still tells where the record is. */
        if (ff_scan_details(scan, &details) < 0)
            details = (struct ff_details){0};
        print(ls, &event.record, &details);
        if (!range->open && event.record.number == range->last.value)
            at++;
    }
    for (; at < ls->range_count && !ff_output_failed(&ls->cli->out); at++)
        resolve(ls, at, count, &first, &last, &status);
    return status;
}

static bool wants_times(const struct ls *ls)
{
    return ls->values->times.has_since || ls->values->times.has_until;
}

/* What is listed of the record. Where that is its time alone, the index may have it. */
static int get_details(struct ff_archive *archive, const struct ff_record *record,
                       struct ff_details *ret_details, struct ff_error *error)
{
    const struct ff_format *format = ff_archive_format(archive);

    if (ff_format_has_types(format) || ff_format_has_names(format))
        return ff_archive_details(archive, record, ret_details, error);
    *ret_details = (struct ff_details){0};
    return ff_archive_time(archive, record, &ret_details->has_time, &ret_details->time, error);
}

static enum ff_exit list_found(const struct ls *ls, struct ff_archive *archive, uint64_t first,
                               uint64_t last)
{
    const struct ff_time_span span = ff_time_filter_span(&ls->values->times);
    struct ff_details details;
    struct ff_record record;
    struct ff_error error = {0};

    for (uint64_t i = first; i <= last && !ff_output_failed(&ls->cli->out); i++) {
        if (wants_times(ls) && (ff_archive_next_in_time(archive, i, &span, &i) < 0 || i > last))
            break;
        int rc = ff_archive_record(archive, i, &record);
        if (rc < 0) {
            ff_output_flush(&ls->cli->out);
            ff_say("%s: record %" PRIu64 ": %s", ls->name, i, ff_use_index_reason(rc));
            return FF_EXIT_FAILED;
        }
        if (get_details(archive, &record, &details, &error) < 0) {
            ff_output_flush(&ls->cli->out);
            ff_say("%s", error.text);
            return FF_EXIT_FAILED;
        }
        print(ls, &record, &details);
    }
    return FF_EXIT_DONE;
}

/* Takes over source and format. */
static enum ff_exit list_indexed(const struct ls *ls, struct ff_input *input,
                                 const struct ff_index_found *found)
{
    uint64_t needed = ff_ranges_needed(ls->ranges, ls->range_count), first, last;
    FF_CLEANUP(archive) struct ff_archive *archive = NULL;

    enum ff_exit status = ff_use_index_scan(input, found, needed, &archive);
    if (!archive)
        return status;
    for (size_t i = 0; i < ls->range_count && !ff_output_failed(&ls->cli->out); i++) {
        resolve(ls, i, ff_archive_count(archive), &first, &last, &status);
        if (first <= last)
            status = ff_exit_worse(status, list_found(ls, archive, first, last));
    }
    ff_output_flush(&ls->cli->out);
    ff_use_index_tell(archive, &ls->values->input, found);
    return status;
}

static enum ff_exit list(const struct ls *ls, const char *path, bool all, struct ff_input *input)
{
    bool forward = ff_range_is_forward(ls->ranges, ls->range_count);
    FF_CLEANUP(index_found) struct ff_index_found found = {.fd = -1};
    enum ff_exit status = FF_EXIT_DONE;

    /* To look at all records, one pass is as good. */
    if (!all || wants_times(ls))
        status = ff_use_index_find(path, &ls->values->index, &found);
    if (status != FF_EXIT_DONE)
        return status;
    if (all && found.fd >= 0 && !ff_index_has_times(found.fd))
        ff_use_index_done(&found);
    if (ls->cli->terminal.present && !ls->values->json)
        print_headings(&ls->cli->out);
    return forward && found.fd < 0 ? list_scanned(ls, input) : list_indexed(ls, input, &found);
}

static enum ff_exit run(struct ff_cli *cli, const void *values_of, char **operands, size_t count)
{
    const struct ls_values *values = values_of;
    struct ls ls = {.cli = cli, .values = values};
    struct ff_input_choice choice;
    struct ff_input input;
    struct ff_error error = {0};

    if (ff_time_filter_is_empty(&values->times))
        return ff_command_refuse(&ff_command_ls,
                                 "--until is not after --since: no record is between them");
    FF_CLEANUP(free) struct ff_range *ranges = NULL;
    if (ff_ranges_parse(operands + 1, count - 1, &ranges, &ls.range_count, &error) < 0)
        return ff_command_refuse(&ff_command_ls, error.text);
    ls.ranges = ranges;
    enum ff_exit status = ff_input_choose(&values->input, &choice);
    if (status != FF_EXIT_DONE)
        return status;
    bool hold = !ff_range_is_forward(ranges, ls.range_count);
    status = ff_input_open(operands[0], &choice, FF_INPUT_STREAMS, &cli->out, hold, &input);
    ff_input_release(&choice);
    if (status != FF_EXIT_DONE)
        return status;
    ls.name = input.name;
    if (ff_type_filter_check(&values->types, input.format, &error) < 0 ||
        ff_time_filter_check(&values->times, input.format, &error) < 0)
        status = tell(&ls, error.text);
    else
        status = list(&ls, operands[0], count == 1, &input);
    ff_input_close(&input);
    return status;
}

const struct ff_command ff_command_ls = {
    .name = "ls",
    .usage = "[OPTIONS] ARCHIVE [RANGE...]",
    .summary = "list the records, one a line",
    .notes = "The columns are number, offset of the frame, length of the payload, time, type and "
             "name; \"-\" where the format has none. A line of headings comes on a terminal only. "
             "ARCHIVE \"-\" is standard input. RANGE is as for framefs cat; without one, all "
             "records.\n",
    .options = options,
    .operands_min = 1,
    .operands_max = FF_OPERANDS_ANY,
    .values_bytes = sizeof(struct ls_values),
    .run = run,
};
