/* framefs verify: every length, constant and checksum of an archive. */
#include <framefs/archive.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/input.h"
#include "cli/progress.h"

struct verify_values {
    struct ff_input_options input;
    uint64_t records_max;
    uint64_t threads; /* 0: one a processor */
    bool json;
};

static const struct ff_option options[] = {
    FF_INPUT_OPTIONS(struct verify_values, input),
    FF_INPUT_LIMIT(struct verify_values, records_max),
    {
        .name = "threads",
        .argument = "N",
        .help = "compute checksums in N threads, 1 to 64; one a processor by default",
        .parse = ff_option_threads,
        .offset = offsetof(struct verify_values, threads),
    },
    {
        .name = "json",
        .help = "print one JSON array, an object an archive",
        .parse = ff_option_flag,
        .offset = offsetof(struct verify_values, json),
    },
    FF_OPTION_HELP,
    FF_OPTION_END,
};

static void verify_state(void *context, struct ff_progress_state *ret_state)
{
    struct ff_archive *archive = context;
    struct ff_summary summary;

    ff_archive_summary(archive, &summary);
    ret_state->done_bytes = summary.verified_bytes;
    ret_state->total_known = summary.archive_bytes > 0; /* 0 for a pipe, up to its end */
    ret_state->total_bytes = summary.archive_bytes;
}

/* FF_EXIT_FAILED with an archive: it could be read in part only. */
static enum ff_exit open_archive(const char *path, const struct verify_values *values,
                                 const struct ff_input_choice *choice,
                                 struct ff_archive **ret_archive)
{
    struct ff_input input;
    struct ff_archive *archive;
    struct ff_error error = {0};

    enum ff_exit status = ff_input_open(path, choice, FF_INPUT_STREAMS, NULL, false, &input);
    if (status == FF_EXIT_DONE)
        status = ff_input_archive(&input, values->records_max, &archive);
    if (status != FF_EXIT_DONE)
        return status;
    struct ff_progress *progress = ff_progress_begin(input.name, verify_state, archive);
    int rc = ff_archive_verify(archive, (unsigned int)values->threads, &error);
    ff_progress_end(progress);
    if (rc < 0)
        ff_say("%s", error.text);
    *ret_archive = archive;
    return rc < 0 ? FF_EXIT_FAILED : FF_EXIT_DONE;
}

static void print_damages(struct ff_output *out, struct ff_archive *archive, uint64_t count)
{
    struct ff_damage damage;
    uint64_t i;

    ff_output_format(out, "%20s %20s %14s  %s\n", "OFFSET", "BYTES", "RECORD", "REASON");
    for (i = 0; ff_archive_damage(archive, i, &damage) == 0; i++)
        ff_output_format(out, "%20" PRIu64 " %20" PRIu64 " %14" PRIu64 "  %s\n", damage.offset,
                         damage.len, damage.record, damage.reason);
    if (count > i)
        ff_output_format(out, "and %" PRIu64 " more\n", count - i);
}

/* status: what the damage, if any, means. */
static void print_result(struct ff_output *out, struct ff_archive *archive, enum ff_exit status)
{
    struct ff_summary summary;

    ff_archive_summary(archive, &summary);
    ff_output_format(out, "%s: %s, %" PRIu64 " record%s, ", ff_archive_name(archive),
                     ff_format_name(ff_archive_format(archive)), summary.records,
                     summary.records == 1 ? "" : "s");
    /* Damage is of one byte at least: a pipe was not read to its end. */
    if (summary.archive_bytes > 0 || summary.damages == 0)
        ff_output_format(out, "%" PRIu64 " bytes: ", summary.archive_bytes);
    else
        ff_output_text(out, "of unknown size: ");
    if (status == FF_EXIT_DONE)
        ff_output_text(out, summary.damages ? "ok, but cut short" : "ok");
    else if (summary.damages)
        ff_output_format(out, "damaged in %" PRIu64 " place%s", summary.damages,
                         summary.damages == 1 ? "" : "s");
    else
        ff_output_text(out, "not read to the end");
    ff_output_text(out, " (checked: lengths, constants");
    if (summary.checksums)
        ff_output_format(out, ", %" PRIu64 " checksum%s", summary.checksums,
                         summary.checksums == 1 ? "" : "s");
    ff_output_text(out, ")\n");
    if (summary.damages)
        print_damages(out, archive, summary.damages);
}

static enum ff_exit print_json(struct ff_output *out, struct ff_archive *const *archives,
                               size_t count)
{
    FF_CLEANUP(free) char *text = ff_report_verified(archives, count);

    if (!text) {
        ff_say("out of memory");
        return FF_EXIT_FAILED;
    }
    ff_output_text(out, text);
    return FF_EXIT_DONE;
}

static enum ff_exit run(struct ff_cli *cli, const void *values_of, char **operands, size_t count)
{
    const struct verify_values *values = values_of;
    struct ff_input_choice choice;
    size_t opened = 0;

    enum ff_exit status = ff_input_choose(&values->input, &choice);
    if (status != FF_EXIT_DONE)
        return status;
    FF_CLEANUP(free) struct ff_archive **archives = calloc(count, sizeof(struct ff_archive *));
    if (!archives) {
        ff_say("out of memory");
        ff_input_release(&choice);
        return FF_EXIT_FAILED;
    }
    if (values->json)
        (void)ff_input_allow(count);
    for (size_t i = 0; i < count && !ff_output_failed(&cli->out); i++) {
        struct ff_archive *archive = NULL;
        enum ff_exit found = open_archive(operands[i], values, &choice, &archive);
        if (archive)
            found = ff_exit_worse(found, ff_say_damages(archive, ""));
        status = ff_exit_worse(status, found);
        if (!archive)
            continue;
        if (values->json) {
            archives[opened++] = archive;
            continue;
        }
        print_result(&cli->out, archive, found);
        ff_output_flush(&cli->out);
        ff_archive_close(archive);
    }
    ff_input_release(&choice);
    if (values->json) {
        status = ff_exit_worse(status, print_json(&cli->out, archives, opened));
        for (size_t i = 0; i < opened; i++)
            ff_archive_close(archives[i]);
    }
    return status;
}

const struct ff_command ff_command_verify = {
    .name = "verify",
    .usage = "[OPTIONS] ARCHIVE...",
    .summary = "check every length, constant and checksum",
    .notes = "ARCHIVE \"-\" is standard input. The exit status is 1 when an archive is damaged.\n",
    .options = options,
    .operands_min = 1,
    .operands_max = FF_OPERANDS_ANY,
    .values_bytes = sizeof(struct verify_values),
    .run = run,
};
