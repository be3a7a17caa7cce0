/* What is known of the terminal behind a descriptor, and bytes made safe to show on one. */
#ifndef FF_CLI_TERMINAL_H
#define FF_CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

#include "cli/output.h"

#define FF_TERMINAL_COLUMNS_DEFAULT 80
#define FF_TERMINAL_COLUMNS_MIN     20
#define FF_TERMINAL_COLUMNS_MAX     400

struct ff_terminal {
    bool present;
    bool movable;         /* a terminal whose cursor can be moved */
    bool colour;          /* movable, and NO_COLOR is not set */
    bool utf8;            /* the locale's text is UTF-8 */
    unsigned int columns; /* its width, else $COLUMNS, else 80; within the limits above */
};

void ff_terminal_probe(int fd, struct ff_terminal *ret_terminal);

/* Carries a character that was cut at the end of a piece over to the next one; all zero at first.
 */
struct ff_terminal_text {
    mbstate_t state;
    unsigned char pending[16];
    size_t pending_len;
};

/* Writes bytes of an archive to a terminal: newline, tab and what the locale can print as they are,
 * all else as \xHH, so that nothing in an archive commands the terminal. */
void ff_terminal_write(struct ff_output *out, struct ff_terminal_text *text, const void *buf,
                       size_t len);
/* Writes what is still pending. */
void ff_terminal_flush(struct ff_output *out, struct ff_terminal_text *text);

#endif
