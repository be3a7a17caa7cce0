/* framefs info: what an archive holds, in figures. */
#include <framefs/archive.h>
#include <framefs/index.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "cli/bar.h"
#include "cli/command.h"
#include "cli/explain.h"
#include "cli/info_mount.h"
#include "cli/input.h"
#include "cli/progress.h"
#include "cli/use_index.h"

#define DAMAGES_SHOWN 20

struct info_values {
    struct ff_input_options input;
    struct ff_index_options index;
    uint64_t records_max;
    bool json;
    bool histogram;
    bool explain;
    bool all;
};

static const struct ff_option options[] = {
    FF_INPUT_OPTIONS(struct info_values, input),
    FF_INPUT_LIMIT(struct info_values, records_max),
    FF_INDEX_OPTIONS(struct info_values, index),
    {
        .name = "explain",
        .help = "show which formats were tried instead, and why they fell",
        .parse = ff_option_flag,
        .offset = offsetof(struct info_values, explain),
    },
    {
        .name = "all",
        .help = "explain the formats that no frame of the archive fits, too",
        .parse = ff_option_flag,
        .offset = offsetof(struct info_values, all),
    },
    {
        .name = "histogram",
        .help = "show the histogram of payload sizes also when stdout is no terminal",
        .parse = ff_option_flag,
        .offset = offsetof(struct info_values, histogram),
    },
    {
        .name = "json",
        .help = "print one JSON array, an object an archive",
        .parse = ff_option_flag,
        .offset = offsetof(struct info_values, json),
    },
    FF_OPTION_HELP,
    FF_OPTION_END,
};

static void scan_state(void *context, struct ff_progress_state *ret_state)
{
    struct ff_archive *archive = context;
    struct ff_summary summary;

    ff_archive_summary(archive, &summary);
    ret_state->done_bytes = summary.scanned_bytes;
    ret_state->total_known = summary.archive_bytes > 0; /* 0 for a pipe, up to its end */
    ret_state->total_bytes = summary.archive_bytes;
}

/* Opens and scans path to its end. FF_EXIT_FAILED with an archive: it is damaged, or could be read
 * in part only. */
static enum ff_exit open_archive(const char *path, const struct info_values *values,
                                 const struct ff_input_choice *choice,
                                 struct ff_archive **ret_archive)
{
    struct ff_input input;
    struct ff_archive *archive;
    FF_CLEANUP(index_found) struct ff_index_found found = {.fd = -1};
    struct ff_error error = {0};

    enum ff_exit status = ff_use_index_find(path, &values->index, &found);
    if (status == FF_EXIT_DONE)
        status = ff_input_open(path, choice, FF_INPUT_STREAMS, NULL, false, &input);
    if (status == FF_EXIT_DONE)
        status = ff_input_archive(&input, values->records_max, &archive);
    if (status != FF_EXIT_DONE)
        return status;
    ff_use_index_take(archive, &found);
    struct ff_progress *progress = ff_progress_begin(input.name, scan_state, archive);
    int rc = ff_archive_scan(archive, UINT64_MAX, &error);
    ff_progress_end(progress);
    *ret_archive = archive;
    /* A source that fails is among the damages. */
    return rc < 0 ? FF_EXIT_FAILED : FF_EXIT_DONE;
}

static void print_damages(struct ff_output *out, struct ff_archive *archive, uint64_t count)
{
    struct ff_damage damage;

    if (count == 0) {
        ff_output_text(out, "  damage    none\n");
        return;
    }
    ff_output_format(out, "  damage    %" PRIu64 " place%s\n", count, count == 1 ? "" : "s");
    for (uint64_t i = 0; i < DAMAGES_SHOWN && ff_archive_damage(archive, i, &damage) == 0; i++) {
        ff_output_format(out, "            record %" PRIu64 " at byte %" PRIu64, damage.record,
                         damage.offset);
        if (damage.len > 0)
            ff_output_format(out, ", %" PRIu64 " bytes", damage.len);
        ff_output_format(out, ": %s\n", damage.reason);
    }
    if (count > DAMAGES_SHOWN)
        ff_output_format(out, "            and %" PRIu64 " more: framefs info --json lists them\n",
                         count - DAMAGES_SHOWN);
}

/* Nothing where there is none. */
static void print_index(struct ff_output *out, struct ff_archive *archive)
{
    struct ff_index_status status;
    char text[FF_SIZE_TEXT_BYTES];

    ff_archive_index_status(archive, &status);
    if (status.refused)
        ff_output_format(out, "  index     not used: %s\n", status.reason);
    if (status.read_bytes == 0)
        return;
    ff_output_format(out, "  index     %s", ff_format_size(text, status.read_bytes));
    if (status.read_records > 0)
        ff_output_format(out, ", %.2f bits a record",
                         8.0 * (double)status.read_bytes / (double)status.read_records);
    if (status.read_records < ff_archive_count(archive))
        ff_output_format(out, ", of the first %" PRIu64 " records", status.read_records);
    if (status.times)
        ff_output_text(out, ", with times");
    ff_output_text(out, "\n");
}

static void print_block(struct ff_cli *cli, const struct info_values *values,
                        struct ff_archive *archive)
{
    struct ff_output *out = &cli->out;
    struct ff_summary summary;

    ff_archive_summary(archive, &summary);
    ff_output_format(out, "%s\n", ff_archive_name(archive));
    ff_output_format(out, "  format    %s\n", ff_format_name(ff_archive_format(archive)));
    ff_output_format(out, "  records   %" PRIu64 "\n", summary.records);
    ff_info_bytes_print(out, "payload", summary.payload_bytes);
    ff_info_bytes_print(out, "smallest", summary.smallest);
    ff_info_bytes_print(out, "largest", summary.largest);
    /* Damage is of one byte at least. */
    if (summary.archive_bytes > 0 || summary.damages == 0)
        ff_info_bytes_print(out, "archive", summary.archive_bytes);
    else
        ff_output_text(out, "  archive   of unknown size: the pipe was not read to its end\n");
    print_damages(out, archive, summary.damages);
    print_index(out, archive);
    if (summary.records > 0 && (cli->terminal.present || values->histogram)) {
        ff_output_text(out, "\n");
        ff_bar_histogram(out, summary.histogram, &cli->terminal);
    }
}

/* mounts: what they tell; goes behind the archives. */
static enum ff_exit print_json(struct ff_output *out, struct ff_archive *const *archives,
                               size_t count, json_t *mounts)
{
    FF_CLEANUP(free) char *text = ff_report_json(archives, count);

    if (text && json_array_size(mounts) > 0) {
        json_t *list = json_loads(text, 0, NULL);
        free(text);
        text = NULL;
        if (list && json_array_extend(list, mounts) == 0)
            text = json_dumps(list, JSON_INDENT(2));
        json_decref(list);
    }
    if (!text) {
        ff_say("out of memory");
        return FF_EXIT_FAILED;
    }
    ff_output_text(out, text);
    if (json_array_size(mounts) > 0)
        ff_output_text(out, "\n");
    return FF_EXIT_DONE;
}

/* What the mount at dir tells is printed, or kept for the JSON. */
static enum ff_exit show_mount(struct ff_cli *cli, const char *dir, bool json, bool first,
                               json_t *mounts)
{
    enum ff_exit status = ff_info_mount_load(dir, mounts);

    if (!json) {
        if (!first && json_array_size(mounts) > 0)
            ff_output_text(&cli->out, "\n");
        ff_info_mount_print(&cli->out, mounts);
        json_array_clear(mounts);
        ff_output_flush(&cli->out);
    }
    return status;
}

static enum ff_exit run_explain(struct ff_cli *cli, const struct info_values *values,
                                char *const *operands, size_t count)
{
    const struct ff_explain_options explain_options = {
        .json = values->json, .all = values->all, .format = values->input.format};
    struct ff_input_choice choice;

    if (values->input.frame)
        return ff_command_refuse(&ff_command_info,
                                 "--explain tells how a format is detected: with --frame none is");
    enum ff_exit status = ff_input_choose(&values->input, &choice);
    if (status != FF_EXIT_DONE)
        return status;
    status = ff_explain(cli, operands, count, choice.formats, &explain_options);
    ff_input_release(&choice);
    return status;
}

static enum ff_exit run(struct ff_cli *cli, const void *values_of, char **operands, size_t count)
{
    const struct info_values *values = values_of;
    struct ff_input_choice choice;
    size_t opened = 0;

    if (values->explain)
        return run_explain(cli, values, operands, count);
    if (values->all)
        return ff_command_refuse(&ff_command_info, "--all goes with --explain");
    if (values->index.path && count > 1)
        return ff_command_refuse(&ff_command_info, "--index is of one archive");
    enum ff_exit status = ff_input_choose(&values->input, &choice);
    if (status != FF_EXIT_DONE)
        return status;
    FF_CLEANUP(free) struct ff_archive **archives = calloc(count, sizeof(struct ff_archive *));
    json_t *mounts = json_array();
    if (!archives || !mounts) {
        json_decref(mounts);
        ff_say("out of memory");
        ff_input_release(&choice);
        return FF_EXIT_FAILED;
    }
    if (values->json)
        (void)ff_input_allow(count);
    for (size_t i = 0; i < count && !ff_output_failed(&cli->out); i++) {
        struct ff_archive *archive = NULL;
        if (ff_info_mount_is(operands[i])) {
            status =
                ff_exit_worse(status, show_mount(cli, operands[i], values->json, i == 0, mounts));
            continue;
        }
        status = ff_exit_worse(status, open_archive(operands[i], values, &choice, &archive));
        if (!archive)
            continue;
        if (values->json) {
            archives[opened++] = archive;
        } else {
            if (opened++ > 0)
                ff_output_text(&cli->out, "\n");
            print_block(cli, values, archive);
        }
        ff_output_flush(&cli->out);
        /* The block and the JSON list them. */
        status = ff_exit_worse(status, ff_say_damages(archive, ""));
        if (!values->json)
            ff_archive_close(archive);
    }
    ff_input_release(&choice);
    if (values->json) {
        status = ff_exit_worse(status, print_json(&cli->out, archives, opened, mounts));
        for (size_t i = 0; i < opened; i++)
            ff_archive_close(archives[i]);
    }
    json_decref(mounts);
    return status;
}

const struct ff_command ff_command_info = {
    .name = "info",
    .usage = "[OPTIONS] ARCHIVE|DIR...",
    .summary = "show format, number and sizes of records, damage",
    .notes = "ARCHIVE \"-\" is standard input. DIR is where archives are mounted: what the mount "
             "knows of them by now. The exit status is 1 when an archive is damaged.\n",
    .options = options,
    .operands_min = 1,
    .operands_max = FF_OPERANDS_ANY,
    .values_bytes = sizeof(struct info_values),
    .run = run,
};
