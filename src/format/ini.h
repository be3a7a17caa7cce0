/*
 * Sections of an INI text, line by line:
 *
 *   [NAME]          begins a section
 *   KEY = VALUE     KEY is of letters, digits and . - _
 *                   what follows a blank and ';', outside quotes, is a comment
 *       more        a line that begins with a blank goes on with the value before it
 *   ; a comment, # another one
 *
 * Lines have no limit of their own. Pure: what is read are stretches of the text.
 */
#ifndef FF_FORMAT_INI_H
#define FF_FORMAT_INI_H

#include <framefs/error.h>
#include <stdbool.h>
#include <stddef.h>

enum ff_ini_kind { FF_INI_END, FF_INI_SECTION, FF_INI_KEY, FF_INI_MORE };

struct ff_ini {
    /* given */
    const char *text;
    size_t len;
    /* kept from call to call; all 0 at first */
    size_t pos;
    unsigned int line; /* the number of the last line read, from 1 */
    bool open;         /* a value may go on */
    bool quoted;       /* inside a literal of it */
};

/* Blanks around the texts are left out. */
struct ff_ini_line {
    enum ff_ini_kind kind;
    const char *name; /* of SECTION and KEY */
    size_t name_len;
    const char *value; /* of KEY and MORE */
    size_t value_len;
};

/* The next line that says something, or FF_INI_END. -EINVAL with a text (that does not tell the
 * line: ini->line does) when it cannot be read; the next call goes on after it. */
int ff_ini_next(struct ff_ini *ini, struct ff_ini_line *ret_line, struct ff_error *error);

#endif
