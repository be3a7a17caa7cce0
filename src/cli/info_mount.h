/* What a mount tells of the archives that it shows, for framefs info. */
#ifndef FF_CLI_INFO_MOUNT_H
#define FF_CLI_INFO_MOUNT_H

#include <jansson.h>
#include <stdbool.h>

#include "cli/command.h"

/* True for a directory: of a mount, or not. */
bool ff_info_mount_is(const char *path);

/* The info.json of the mount at dir, or of each archive in it, appended to list; also what a server
 * of another user tells, who may lie. Messages are printed: FF_EXIT_DONE, FF_EXIT_FAILED when there
 * is none, or an archive is damaged. */
enum ff_exit ff_info_mount_load(const char *dir, json_t *list);

/* A line of a block: the size with its unit, and in bytes where the unit hides digits. */
void ff_info_bytes_print(struct ff_output *out, const char *label, uint64_t bytes);

/* A block an archive, as framefs info prints it; how far it is scanned, if not whole. */
void ff_info_mount_print(struct ff_output *out, const json_t *list);

#endif
