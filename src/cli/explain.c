#include "cli/explain.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* Of the formats that fell after a frame or more. */
#define FALLEN_SHOWN 6

FF_CLEANUP_DEFINE(json, json_t *, json_decref)

/* An archive, as it is explained. */
struct explained {
    struct ff_input input;
    struct ff_head head;
    struct ff_candidate *candidates;
    size_t count;
    struct ff_format *format; /* NULL: none */
    struct ff_error error;    /* why */
};

static void explained_done(struct explained *explained)
{
    free(explained->candidates);
    ff_format_free(explained->format);
}

static const char *verdict_name(enum ff_verdict verdict)
{
    static const char *const names[] = {
        [FF_VERDICT_CHOSEN] = "chosen", [FF_VERDICT_EQUAL] = "equal", [FF_VERDICT_LESS] = "less",
        [FF_VERDICT_WEAK] = "weak",     [FF_VERDICT_FELL] = "fell",
    };
    return names[verdict];
}

static bool is_wanted(const struct ff_candidate *candidate,
                      const struct ff_explain_options *options)
{
    return !options->format || strcmp(options->format, "auto") == 0 ||
           strcmp(options->format, candidate->name) == 0;
}

/* Whether the table has a row for it; *fallen counts those that fell. */
static bool is_shown(const struct ff_candidate *candidate, const struct ff_explain_options *options,
                     size_t *fallen)
{
    if (!is_wanted(candidate, options))
        return false;
    if (options->all || candidate->verdict != FF_VERDICT_FELL || candidate->magic)
        return true;
    return candidate->frames > 0 && ++*fallen <= FALLEN_SHOWN;
}

static void print_row(struct ff_output *out, size_t rank, const struct ff_candidate *candidate,
                      unsigned int width)
{
    ff_output_format(out, "  %3zu  ", rank);
    ff_output_column(out, candidate->name, width);
    ff_output_format(out, "  %9" PRIu32 "  %7" PRIu32 "  %6" PRIu32 "  ", candidate->fixed_bits,
                     candidate->length_bits, candidate->frames);
    if (candidate->verdict == FF_VERDICT_FELL) {
        ff_output_format(out, "fell at byte %" PRIu64, candidate->offset);
        if (candidate->frames)
            ff_output_format(out, " (frame %" PRIu32 ")", candidate->frames);
        ff_output_text(out, ": ");
    }
    ff_output_format(out, "%s%s\n", candidate->reason,
                     candidate->extension && candidate->verdict != FF_VERDICT_FELL
                         ? "; the archive's name has its extension"
                         : "");
}

static void print_table(struct ff_output *out, const struct explained *explained,
                        const struct ff_explain_options *options)
{
    size_t width = strlen("format"), fallen = 0, left = 0;

    for (size_t i = 0; i < explained->count; i++)
        if (is_shown(&explained->candidates[i], options, &fallen)) {
            size_t len = strlen(explained->candidates[i].name);
            width = len > width ? len : width;
        }
    ff_output_format(out, "%s\n  rank  ", explained->input.name);
    ff_output_column(out, "format", (unsigned int)width);
    ff_output_text(out, "  constants  lengths  frames  verdict\n");
    fallen = 0;
    for (size_t i = 0; i < explained->count; i++) {
        const struct ff_candidate *candidate = &explained->candidates[i];
        if (is_shown(candidate, options, &fallen))
            print_row(out, i + 1, candidate, (unsigned int)width);
        else
            left += is_wanted(candidate, options);
    }
    if (left)
        ff_output_format(out, "        and %zu more that fell: --all shows them\n", left);
}

static json_t *candidates_json(const struct explained *explained,
                               const struct ff_explain_options *options)
{
    json_t *list = json_array();

    for (size_t i = 0; list && i < explained->count; i++) {
        const struct ff_candidate *candidate = &explained->candidates[i];
        if (!is_wanted(candidate, options))
            continue;
        json_t *object =
            json_pack("{s:s, s:s, s:b, s:b, s:I, s:I, s:I, s:I, s:s}", "format", candidate->name,
                      "verdict", verdict_name(candidate->verdict), "magic", (int)candidate->magic,
                      "extension", (int)candidate->extension, "constants_bits",
                      (json_int_t)candidate->fixed_bits, "lengths_bits",
                      (json_int_t)candidate->length_bits, "frames", (json_int_t)candidate->frames,
                      "offset", (json_int_t)candidate->offset, "reason", candidate->reason);
        if (!object || json_array_append_new(list, object) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static int add_json(json_t *list, const struct explained *explained,
                    const struct ff_explain_options *options)
{
    json_t *candidates = candidates_json(explained, options);

    if (!candidates)
        return -1;
    return json_array_append_new(
        list,
        json_pack("{s:s, s:s?, s:s?, s:o}", "archive", explained->input.name, "format",
                  explained->format ? ff_format_name(explained->format) : NULL, "message",
                  explained->format ? NULL : explained->error.text, "candidates", candidates));
}

/* Tries the formats. FF_EXIT_FAILED, after a message, also when none is detected. */
static enum ff_exit explain(const char *path, const struct ff_formats *formats, void *bytes,
                            struct explained *explained)
{
    size_t max = ff_formats_count(formats);

    if (ff_input_peek(path, bytes, &explained->input, &explained->head) != FF_EXIT_DONE)
        return FF_EXIT_FAILED;
    explained->candidates = calloc(max + 1, sizeof(*explained->candidates));
    if (!explained->candidates) {
        ff_say("out of memory");
        return FF_EXIT_FAILED;
    }
    int rc = ff_format_rank(formats, &explained->head, explained->candidates, max,
                            &explained->count, &explained->error);
    if (rc == 0 && explained->head.len == 0)
        rc = ff_format_none(&explained->format, &explained->error);
    else if (rc == 0)
        rc = ff_format_detect(formats, &explained->head, &explained->format, &explained->error);
    if (rc < 0)
        ff_say("%s: %s", explained->input.name, explained->error.text);
    return rc < 0 ? FF_EXIT_FAILED : FF_EXIT_DONE;
}

static enum ff_exit print_json(struct ff_output *out, const json_t *list)
{
    FF_CLEANUP(free) char *text = json_dumps(list, JSON_INDENT(2));

    if (!text) {
        ff_say("out of memory");
        return FF_EXIT_FAILED;
    }
    ff_output_text(out, text);
    ff_output_text(out, "\n");
    return FF_EXIT_DONE;
}

enum ff_exit ff_explain(struct ff_cli *cli, char *const *paths, size_t count,
                        const struct ff_formats *formats, const struct ff_explain_options *options)
{
    FF_CLEANUP(free) void *bytes = malloc(FF_HEAD_BYTES);
    FF_CLEANUP(json) json_t *list = json_array();
    enum ff_exit status = FF_EXIT_DONE;
    size_t shown = 0;

    if (!bytes || !list) {
        ff_say("out of memory");
        return FF_EXIT_FAILED;
    }
    for (size_t i = 0; i < count && !ff_output_failed(&cli->out); i++) {
        struct explained explained = {0};
        status = ff_exit_worse(status, explain(paths[i], formats, bytes, &explained));
        if (!options->json && explained.candidates) {
            if (shown++ > 0)
                ff_output_text(&cli->out, "\n");
            print_table(&cli->out, &explained, options);
            ff_output_flush(&cli->out);
        } else if (explained.candidates && add_json(list, &explained, options) < 0) {
            ff_say("out of memory");
            status = FF_EXIT_FAILED;
        }
        explained_done(&explained);
    }
    return options->json ? ff_exit_worse(status, print_json(&cli->out, list)) : status;
}
