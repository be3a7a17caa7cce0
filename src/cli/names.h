/* The names of the archives' directories in a mount of several. */
#ifndef FF_CLI_NAMES_H
#define FF_CLI_NAMES_H

#include <stddef.h>

/* A name for each path, in order: its last component, made fit for a file name (control bytes and
 * invalid UTF-8 as \xHH, shortened to 255 bytes). The second a.pcap is a.pcap-2, and so is a name
 * that the mount needs itself: synthetic-2. *ret_names is an array to be freed with
 * ff_names_free(). -ENOMEM. */
int ff_names_make(char *const *paths, size_t count, char ***ret_names);
void ff_names_free(char **names, size_t count);

#endif
