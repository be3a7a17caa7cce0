#include "cli/info_mount.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "cli/input.h"
#include "fs/fs.h"

bool ff_info_mount_is(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* ---- loading ---- */

/* The names that a mount gives to archives are no control bytes, nor are they "..". */
static json_t *load(const char *dir, const char *name)
{
    FF_CLEANUP(free) char *path = NULL;

    if (asprintf(&path, "%s/%s/.framefs/info.json", dir, name) < 0) {
        path = NULL;
        return NULL;
    }
    json_t *list = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    if (list && !json_is_array(list)) {
        json_decref(list);
        list = NULL;
    }
    return list;
}

static int append(json_t *list, json_t *more)
{
    int r = more ? json_array_extend(list, more) : 0;

    json_decref(more);
    return r;
}

/* Of a mount of several archives. */
static int load_each(const char *dir, json_t *list)
{
    DIR *stream = opendir(dir);
    const struct dirent *entry;
    int r = 0;

    while (stream && r == 0 && json_array_size(list) <= FF_NODE_ARCHIVES_MAX &&
           (entry = readdir(stream)))
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            r = append(list, load(dir, entry->d_name));
    if (stream)
        closedir(stream);
    return r;
}

static uint64_t figure(const json_t *archive, const char *name)
{
    json_int_t value = json_integer_value(json_object_get(archive, name));

    return value > 0 ? (uint64_t)value : 0;
}

enum ff_exit ff_info_mount_load(const char *dir, json_t *list)
{
    enum ff_exit status = FF_EXIT_DONE;
    char shown[FF_INPUT_NAME_BYTES];
    size_t before = json_array_size(list);

    json_t *own = load(dir, ".");
    int r = own ? append(list, own) : load_each(dir, list);
    ff_escape(shown, sizeof(shown), dir, strlen(dir));
    if (r < 0) {
        ff_say("out of memory");
        return FF_EXIT_FAILED;
    }
    if (json_array_size(list) == before) {
        ff_say("%s: is a directory: name an archive file, or where one is mounted", shown);
        return FF_EXIT_FAILED;
    }
    for (size_t i = before; i < json_array_size(list); i++)
        if (figure(json_array_get(list, i), "damages") > 0)
            status = FF_EXIT_FAILED;
    return status;
}

/* ---- printing ---- */

static void print_text(struct ff_output *out, const char *label, const json_t *archive,
                       const char *name)
{
    char shown[FF_INPUT_NAME_BYTES];
    const char *text = json_string_value(json_object_get(archive, name));
    if (!text)
        text = "";
    size_t len = strlen(text);

    /* A server has escaped the names already, unless it lies. */
    ff_output_text(out, label);
    if (ff_is_printable(text, len)) {
        ff_output_write(out, text, len);
    } else {
        ff_escape(shown, sizeof(shown), text, len);
        ff_output_text(out, shown);
    }
    ff_output_text(out, "\n");
}

void ff_info_bytes_print(struct ff_output *out, const char *label, uint64_t bytes)
{
    char text[FF_SIZE_TEXT_BYTES];

    ff_format_size(text, bytes);
    ff_output_format(out, "  %-9s ", label);
    if (bytes < 1000)
        ff_output_format(out, "%s\n", text);
    else
        ff_output_format(out, "%s (%" PRIu64 " bytes)\n", text, bytes);
}

static void print_scanned(struct ff_output *out, const json_t *archive)
{
    uint64_t all = figure(archive, "archive_bytes"), done = figure(archive, "scanned_bytes");

    if (!json_is_false(json_object_get(archive, "complete")))
        return;
    ff_output_format(out, "  scanned   %.1f %%, so far (%" PRIu64 " bytes)\n",
                     all > 0 ? 100.0 * (double)done / (double)all : 0.0, done);
}

void ff_info_mount_print(struct ff_output *out, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *archive = json_array_get(list, i);
        if (i > 0)
            ff_output_text(out, "\n");
        print_text(out, "", archive, "archive");
        print_text(out, "  format    ", archive, "format");
        print_scanned(out, archive);
        ff_output_format(out, "  records   %" PRIu64 "\n", figure(archive, "records"));
        ff_info_bytes_print(out, "payload", figure(archive, "payload_bytes"));
        ff_info_bytes_print(out, "smallest", figure(archive, "smallest"));
        ff_info_bytes_print(out, "largest", figure(archive, "largest"));
        ff_info_bytes_print(out, "archive", figure(archive, "archive_bytes"));
        uint64_t damages = figure(archive, "damages");
        if (damages == 0)
            ff_output_text(out, "  damage    none\n");
        else
            ff_output_format(out, "  damage    %" PRIu64 " place%s: .framefs/damage lists them\n",
                             damages, damages == 1 ? "" : "s");
    }
}
