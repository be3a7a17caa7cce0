/* Paths that a command gets as arguments and, with --files-from, from a file. */
#ifndef FF_CLI_PATH_LIST_H
#define FF_CLI_PATH_LIST_H

#include <framefs/error.h>
#include <stddef.h>

struct ff_path_list {
    char **paths; /* owned, not the texts */
    size_t count;
    char *text; /* owned; what was read */
};

/* The operands, then the lines of the file from, "-" for standard input; NULL for none. Where there
 * is a NUL among them, paths end with NUL instead of a newline. Empty ones are left out. To be
 * released. A negative errno with a text that names the file. */
int ff_path_list_read(char **operands, size_t count, const char *from,
                      struct ff_path_list *ret_list, struct ff_error *error);
void ff_path_list_done(struct ff_path_list *list);

#endif
