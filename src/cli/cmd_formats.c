/* framefs formats: the formats that are known, and each in words. */
#include <errno.h>
#include <framefs/format.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/formats_load.h"

FF_CLEANUP_DEFINE(format, struct ff_format *, ff_format_free)
FF_CLEANUP_DEFINE(formats, struct ff_formats *, ff_formats_free)
FF_CLEANUP_DEFINE(json, json_t *, json_decref)

struct formats_values {
    struct ff_option_texts files;
    bool json;
};

static const struct ff_option options[] = {
    FF_FORMATS_OPTION(struct formats_values, files),
    {
        .name = "json",
        .help = "print a JSON array, an object a format",
        .parse = ff_option_flag,
        .offset = offsetof(struct formats_values, json),
    },
    FF_OPTION_HELP,
    FF_OPTION_END,
};

#define COLUMNS 4 /* and the last one, which has no width */

struct row {
    const char *cells[COLUMNS];
    const char *origin;
    const char *note;
};

static const struct row headings = {
    .cells = {"NAME", "TITLE", "EXT", "CONTENT"}, .origin = "FROM", .note = ""};

static void print_row(struct ff_output *out, const struct row *row,
                      const unsigned int widths[COLUMNS])
{
    for (int c = 0; c < COLUMNS; c++) {
        ff_output_column(out, row->cells[c], widths[c]);
        ff_output_text(out, "  ");
    }
    ff_output_format(out, "%s%s\n", row->origin, row->note);
}

static enum ff_exit fail_memory(void)
{
    ff_say("out of memory");
    return FF_EXIT_FAILED;
}

static enum ff_exit print_json(struct ff_output *out, const json_t *array)
{
    FF_CLEANUP(free) char *text = json_dumps(array, JSON_INDENT(2));

    if (!text)
        return fail_memory();
    ff_output_text(out, text);
    ff_output_text(out, "\n");
    return FF_EXIT_DONE;
}

static const char *origin_of(const struct ff_formats *formats, size_t index)
{
    const char *origin = ff_formats_origin(formats, index);

    return origin ? origin : "built-in";
}

/* The line of a format, whose texts *ret_format holds: NULL for one that is wrong. */
static enum ff_exit make_row(const struct ff_formats *formats, size_t index,
                             struct ff_format **ret_format, struct row *ret_row)
{
    const char *name = ff_formats_name(formats, index);
    struct row row = {.cells = {name, "(wrong: it cannot be used)", "", ""},
                      .origin = origin_of(formats, index),
                      .note = ff_formats_replaces(formats, index) ? ", replaces built-in" : ""};
    struct ff_error error = {0};
    struct ff_format *format = NULL;

    if (!ff_formats_fault(formats, index)) {
        if (ff_formats_find(formats, name, &format, &error) < 0) {
            ff_say("formats: %s", error.text);
            return FF_EXIT_FAILED;
        }
        row.cells[1] = ff_format_title(format);
        row.cells[2] = ff_format_extension(format, FF_CONTENT_FILE);
        row.cells[3] = ff_content_name(ff_format_content(format));
    }
    *ret_format = format;
    *ret_row = row;
    return FF_EXIT_DONE;
}

static void widen(unsigned int widths[COLUMNS], const struct row *row)
{
    for (int c = 0; c < COLUMNS; c++) {
        size_t len = strlen(row->cells[c]);
        if (len > widths[c])
            widths[c] = (unsigned int)len;
    }
}

static enum ff_exit print_table(struct ff_cli *cli, const struct ff_formats *formats)
{
    unsigned int widths[COLUMNS] = {0};
    bool headed = cli->terminal.present;

    if (headed)
        widen(widths, &headings);
    /* What is printed in the second pass is measured in the first. */
    for (int pass = 0; pass < 2; pass++) {
        if (headed && pass == 1)
            print_row(&cli->out, &headings, widths);
        for (size_t i = 0; i < ff_formats_count(formats); i++) {
            FF_CLEANUP(format) struct ff_format *format = NULL;
            struct row row;
            if (make_row(formats, i, &format, &row) != FF_EXIT_DONE)
                return FF_EXIT_FAILED;
            if (pass == 0)
                widen(widths, &row);
            else
                print_row(&cli->out, &row, widths);
        }
    }
    return FF_EXIT_DONE;
}

static int add_object(json_t *array, const struct ff_format *format, const char *origin)
{
    return json_array_append_new(
        array,
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "name", ff_format_name(format),
                  "title", ff_format_title(format), "about", ff_format_about(format), "spec",
                  ff_format_spec(format), "extension", ff_format_extension(format, FF_CONTENT_FILE),
                  "content", ff_content_name(ff_format_content(format)), "origin", origin,
                  "description", ff_format_text(format)));
}

/* Those that are right. */
static enum ff_exit print_all_objects(struct ff_output *out, const struct ff_formats *formats)
{
    FF_CLEANUP(json) json_t *array = json_array();

    for (size_t i = 0; i < ff_formats_count(formats); i++) {
        FF_CLEANUP(format) struct ff_format *format = NULL;
        struct row row;
        if (make_row(formats, i, &format, &row) != FF_EXIT_DONE)
            return FF_EXIT_FAILED;
        if (format && add_object(array, format, row.origin) < 0)
            return fail_memory();
    }
    return print_json(out, array);
}

static enum ff_exit print_one(struct ff_output *out, const struct ff_formats *formats,
                              const char *name, bool json)
{
    FF_CLEANUP(format) struct ff_format *format = NULL;
    FF_CLEANUP(json) json_t *array = json_array();
    struct ff_error error = {0};
    size_t index = 0;

    int rc = ff_formats_find(formats, name, &format, &error);
    if (rc < 0) {
        ff_say("formats: %s", error.text);
        return rc == -ENOENT ? FF_EXIT_USAGE : FF_EXIT_FAILED;
    }
    while (strcmp(ff_formats_name(formats, index), name) != 0)
        index++;
    if (json)
        return add_object(array, format, origin_of(formats, index)) < 0 ? fail_memory()
                                                                        : print_json(out, array);
    FF_CLEANUP(free) char *text = ff_format_explain(format, origin_of(formats, index));
    if (!text)
        return fail_memory();
    ff_output_text(out, text);
    return FF_EXIT_DONE;
}

static enum ff_exit run(struct ff_cli *cli, const void *values_of, char **operands, size_t count)
{
    const struct formats_values *values = values_of;
    FF_CLEANUP(formats) struct ff_formats *formats = NULL;

    enum ff_exit status = ff_formats_load(&values->files, &formats);
    if (status != FF_EXIT_DONE)
        return status;
    if (count > 0)
        return print_one(&cli->out, formats, operands[0], values->json);
    return values->json ? print_all_objects(&cli->out, formats) : print_table(cli, formats);
}

const struct ff_command ff_command_formats = {
    .name = "formats",
    .usage = "[OPTIONS] [NAME]",
    .summary = "list the known formats, or explain one",
    .notes = "The columns are name, title, extension, what a mounted record's file holds by "
             "default, and where the format is from. A line of headings comes on a terminal "
             "only.\n",
    .options = options,
    .operands_max = 1,
    .values_bytes = sizeof(struct formats_values),
    .run = run,
};
