#include "cli/use_index.h"

#include <errno.h>
#include <framefs/index.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"

/* What a shell takes as it is. */
#define PLAIN                                                                                      \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"                               \
    "%+,-./:=@_"

enum ff_exit ff_use_index_find(const char *path, const struct ff_index_options *options,
                               struct ff_index_found *ret_found)
{
    struct ff_error error = {0};

    *ret_found = (struct ff_index_found){.fd = -1, .given = options->path};
    if (options->none || strcmp(path, "-") == 0)
        return FF_EXIT_DONE;
    int rc = ff_index_open(path, options->path, &ret_found->fd, &ret_found->path, &error);
    if (rc < 0 && options->path) {
        ff_say("%s", error.text);
        ff_use_index_done(ret_found);
        return FF_EXIT_FAILED;
    }
    if (rc < 0 && rc != -ENOENT)
        ff_say("note: %s: not used", error.text);
    return FF_EXIT_DONE;
}

void ff_use_index_take(struct ff_archive *archive, const struct ff_index_found *found)
{
    char shown[FF_OPTION_SHOWN_BYTES * 8];
    struct ff_error error = {0};

    if (found->fd < 0 || ff_archive_use_index(archive, found->fd, &error) == 0)
        return;
    ff_escape(shown, sizeof(shown), found->path, strlen(found->path));
    ff_say("note: %s: not used: %s", shown, error.text);
}

enum ff_exit ff_use_index_scan(struct ff_input *input, const struct ff_index_found *found,
                               uint64_t records, struct ff_archive **ret_archive)
{
    struct ff_archive *archive;
    struct ff_damage damage;

    enum ff_exit status = ff_input_archive(input, 0, &archive);
    if (status != FF_EXIT_DONE)
        return status;
    ff_use_index_take(archive, found);
    if (ff_archive_scan(archive, records, NULL) < 0)
        status = FF_EXIT_FAILED;
    for (uint64_t i = 0; ff_archive_damage(archive, i, &damage) == 0; i++)
        if (damage.record < records)
            status = ff_exit_worse(status, ff_say_damage(input->name, &damage));
    *ret_archive = archive;
    return status;
}

/* Another word of a command line, behind an option's name or "". */
static void put_word(FILE *command, const char *option, const char *word)
{
    char shown[FF_OPTION_SHOWN_BYTES * 8];

    ff_escape(shown, sizeof(shown), word, strlen(word));
    fprintf(command, " %s", option);
    if (shown[0] && shown[strspn(shown, PLAIN)] == '\0') {
        fputs(shown, command);
        return;
    }
    fputc('\'', command);
    for (const char *at = shown; *at; at++)
        fputs(*at == '\'' ? "'\\''" : (char[]){*at, '\0'}, command);
    fputc('\'', command);
}

/* The command that makes the archive's index anew; to be freed, NULL when memory is short. */
static char *command_of(const struct ff_archive *archive, const struct ff_input_options *input,
                        const char *index)
{
    char *text = NULL;
    size_t len;
    FILE *command = open_memstream(&text, &len);

    if (!command)
        return NULL;
    fputs("framefs index", command);
    for (size_t i = 0; i < input->formats.count; i++)
        put_word(command, "--formats=", input->formats.text[i]);
    if (input->format)
        put_word(command, "--format=", input->format);
    if (input->frame)
        put_word(command, "--frame=", input->frame);
    if (index)
        put_word(command, "--index=", index);
    /* A name that looks like an option's. */
    put_word(command, ff_archive_name(archive)[0] == '-' ? "./" : "", ff_archive_name(archive));
    if (fclose(command) == 0)
        return text;
    free(text);
    return NULL;
}

void ff_use_index_tell(struct ff_archive *archive, const struct ff_input_options *input,
                       const struct ff_index_found *found)
{
    char shown[FF_OPTION_SHOWN_BYTES * 8];
    struct ff_index_status status;

    ff_archive_index_status(archive, &status);
    if (!status.read_damaged)
        return;
    ff_escape(shown, sizeof(shown), found->path, strlen(found->path));
    FF_CLEANUP(free) char *command = command_of(archive, input, found->given);
    ff_say("note: %s: damaged: %s writes it anew", shown, command ? command : "framefs index");
}

const char *ff_use_index_reason(int code)
{
    return code == -EUCLEAN ? "the index file is damaged where it tells of it" : strerror(-code);
}

void ff_use_index_done(struct ff_index_found *found)
{
    if (found->fd >= 0)
        close(found->fd);
    free(found->path);
    *found = (struct ff_index_found){.fd = -1};
}
