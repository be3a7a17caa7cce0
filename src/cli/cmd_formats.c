/* framefs formats: the formats that are built in. */
#include <errno.h>
#include <framefs/format.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/command.h"

FF_CLEANUP_DEFINE(format, struct ff_format *, ff_format_free)
FF_CLEANUP_DEFINE(json, json_t *, json_decref)

struct formats_values {
    bool json;
};

static const struct ff_option options[] = {
    {
        .name = "json",
        .help = "print a JSON array, an object a format",
        .parse = ff_option_flag,
        .offset = offsetof(struct formats_values, json),
    },
    FF_OPTION_HELP,
    FF_OPTION_END,
};

static void print_details(struct ff_output *out, const struct ff_format *format)
{
    ff_output_format(out,
                     "; a mounted record's file holds its %s, unless --content says otherwise\n",
                     ff_content_name(ff_format_content(format)));
    ff_output_format(out, "[%s]\n", ff_format_name(format));
    ff_output_text(out, ff_format_text(format));
}

static int add_json(json_t *array, const struct ff_format *format)
{
    return json_array_append_new(
        array,
        json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", ff_format_name(format), "about",
                  ff_format_about(format), "content", ff_content_name(ff_format_content(format)),
                  "extension", ff_format_extension(format, FF_CONTENT_FILE), "description",
                  ff_format_text(format)));
}

static enum ff_exit print_json(struct ff_output *out, const json_t *array)
{
    FF_CLEANUP(free) char *text = json_dumps(array, JSON_INDENT(2));

    if (!text) {
        ff_say("out of memory");
        return FF_EXIT_FAILED;
    }
    ff_output_text(out, text);
    ff_output_text(out, "\n");
    return FF_EXIT_DONE;
}

static enum ff_exit run(struct ff_cli *cli, const void *values_of, char **operands, size_t count)
{
    const struct formats_values *values = values_of;
    struct ff_error error = {0};
    FF_CLEANUP(json) json_t *array = json_array();
    size_t width = 0;

    size_t presets = count > 0 ? 1 : ff_formats_count(NULL);
    for (size_t i = 0; i < presets && count == 0; i++) {
        size_t len = strlen(ff_formats_name(NULL, i));
        width = len > width ? len : width;
    }
    for (size_t i = 0; i < presets; i++) {
        FF_CLEANUP(format) struct ff_format *format = NULL;
        int rc =
            ff_format_find(count > 0 ? operands[0] : ff_formats_name(NULL, i), &format, &error);
        if (rc < 0) {
            ff_say("formats: %s", error.text);
            return rc == -ENOENT ? FF_EXIT_USAGE : FF_EXIT_FAILED;
        }
        if (values->json) {
            if (add_json(array, format) < 0) {
                ff_say("out of memory");
                return FF_EXIT_FAILED;
            }
        } else if (count > 0) {
            print_details(&cli->out, format);
        } else {
            ff_output_column(&cli->out, ff_format_name(format), (unsigned int)width);
            ff_output_format(&cli->out, "  %s\n", ff_format_about(format));
        }
    }
    return values->json ? print_json(&cli->out, array) : FF_EXIT_DONE;
}

const struct ff_command ff_command_formats = {
    .name = "formats",
    .usage = "[OPTIONS] [NAME]",
    .summary = "list the known formats, or show one's description",
    .options = options,
    .operands_max = 1,
    .values_bytes = sizeof(struct formats_values),
    .run = run,
};
