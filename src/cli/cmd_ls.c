/* framefs ls: a line a record, straight from the scan, in constant memory. */
#include <framefs/scan.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/filter.h"
#include "cli/input.h"
#include "cli/time_text.h"

FF_CLEANUP_DEFINE(scan, struct ff_scan *, ff_scan_close)

struct ls_values {
    struct ff_input_options input;
    struct ff_type_filter types;
    struct ff_time_filter times;
    bool json;
};

static const struct ff_option options[] = {
    FF_INPUT_OPTIONS(struct ls_values, input),
    {
        .name = "type",
        .argument = "TYPE[:TYPE...]",
        .help = "only records of these types, as they are listed;\nmay be given more than once",
        .parse = ff_filter_types,
        .offset = offsetof(struct ls_values, types),
    },
    {
        .name = "since",
        .argument = "TIME",
        .help = "only records of that time or later, e.g. 2006-09-19,\n'2006-09-19 17:20 +0200', "
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

static enum ff_exit list(struct ff_cli *cli, const struct ls_values *values,
                         const struct ff_input *input, struct ff_scan *scan)
{
    enum ff_exit status = FF_EXIT_DONE;
    struct ff_scan_event event;
    struct ff_error error = {0};

    if (cli->terminal.present && !values->json)
        print_headings(&cli->out);
    while (!ff_output_failed(&cli->out)) {
        struct ff_details details = {0};
        int rc = ff_scan_next(scan, &event, &error);
        if (rc < 0) {
            ff_output_flush(&cli->out);
            ff_say("%s: %s", input->name, error.text);
            return FF_EXIT_FAILED;
        }
        if (event.kind == FF_SCAN_END)
            break;
        if (event.kind == FF_SCAN_DAMAGE) {
            ff_output_flush(&cli->out);
            status = ff_exit_worse(status, ff_say_damage(input->name, &event.damage));
            continue;
        }
        /* Without details the line still tells where the record is. */
        if (ff_scan_details(scan, &details) < 0)
            details = (struct ff_details){0};
        if (!ff_type_filter_match(&values->types, &details) ||
            !ff_time_filter_match(&values->times, &details))
            continue;
        if (values->json)
            print_object(&cli->out, &event.record, &details);
        else
            print_line(&cli->out, &event.record, &details);
    }
    return status;
}

static enum ff_exit run(struct ff_cli *cli, const void *values_of, char **operands, size_t count)
{
    const struct ls_values *values = values_of;
    struct ff_input_choice choice;
    struct ff_input input;
    struct ff_error error = {0};
    FF_CLEANUP(scan) struct ff_scan *scan = NULL;

    (void)count;
    if (ff_time_filter_is_empty(&values->times))
        return ff_command_refuse(&ff_command_ls,
                                 "--until is not after --since: no record is between them");
    enum ff_exit status = ff_input_choose(&values->input, &choice);
    if (status != FF_EXIT_DONE)
        return status;
    status = ff_input_open(operands[0], &choice, FF_INPUT_STREAMS, &cli->out, false, &input);
    ff_input_release(&choice);
    if (status != FF_EXIT_DONE)
        return status;
    if (ff_type_filter_check(&values->types, input.format, &error) < 0 ||
        ff_time_filter_check(&values->times, input.format, &error) < 0 ||
        ff_scan_open(input.source, input.format, NULL, 0, &scan, &error) < 0) {
        ff_say("%s: %s", input.name, error.text);
        status = FF_EXIT_FAILED;
    } else {
        status = list(cli, values, &input, scan);
    }
    ff_scan_close(scan);
    scan = NULL;
    ff_input_close(&input);
    return status;
}

const struct ff_command ff_command_ls = {
    .name = "ls",
    .usage = "[OPTIONS] ARCHIVE",
    .summary = "list the records, one a line",
    .notes = "The columns are number, offset of the frame, length of the payload, time, type and "
             "name;\n\"-\" where the format has none. A line of headings comes on a terminal only. "
             "ARCHIVE \"-\" is\nstandard input.\n",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .values_bytes = sizeof(struct ls_values),
    .run = run,
};
