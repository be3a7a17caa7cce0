/*
 * Options of a command: one table, from which parsing, the help and the error messages come.
 *
 * Accepted: --name, --name=VALUE, --name VALUE, -x, -xVALUE, -x VALUE, several letters of flags in
 * one argument, in any order with operands, up to "--". An argument that is "-", or "-" and a
 * digit, is an operand (standard input; a range that counts from the end).
 */
#ifndef FF_CLI_OPTION_H
#define FF_CLI_OPTION_H

#include <framefs/error.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/output.h"

struct ff_option {
    const char *name;     /* without its dashes; NULL for one that has a letter only */
    char letter;          /* 0 for none */
    const char *argument; /* what the help calls it; NULL for a flag */
    bool optional;        /* the argument, which then is given as --name=VALUE only */
    const char *help;     /* one line; a '\n' begins another one */
    /* Puts the argument (NULL for a flag, or when left away) into the field. 1 when
     * the argument asks for help; negative with a text that quotes the argument and says what is
     * wrong, without naming the option. */
    int (*parse)(void *field, const char *argument, struct ff_error *error);
    size_t offset; /* of the field, in the command's values */
};

/* A table's end: neither name nor letter. */
#define FF_OPTION_END                                                                              \
    {                                                                                              \
        .name = NULL, .letter = 0                                                                  \
    }
static inline bool ff_option_is_end(const struct ff_option *option)
{
    return !option->name && !option->letter;
}

#define FF_OPTION_HELP                                                                             \
    {                                                                                              \
        .name = "help", .letter = 'h', .help = "show this help", .parse = NULL                     \
    }

/* Parses arguments[0..count) into values; operands come into ret_operands (room for count of them)
 * in order. 0; 1 when --help was met (the rest is not looked at); -EINVAL with a text that names
 * the option and, for an unknown one, the nearest right one. */
int ff_option_parse(const struct ff_option *options, char *const *arguments, size_t count,
                    void *values, char **ret_operands, size_t *ret_operand_count,
                    struct ff_error *error);

/* Of the table, the option of that long name ('_' and '-' are the same); NULL. */
const struct ff_option *ff_option_find(const struct ff_option *options, const char *name,
                                       size_t len);

/* The long name, among those of both tables (extra may be NULL), that name is a typo of; NULL. */
const char *ff_option_nearest(const struct ff_option *options, const char *const *extra,
                              const char *name);

/* The table as help shows it. */
void ff_option_print(struct ff_output *out, const struct ff_option *options);

/* Parsers, and the type of their field. */
int ff_option_flag(void *field, const char *argument, struct ff_error *error); /* bool */
int ff_option_text(void *field, const char *argument, struct ff_error *error); /* const char * */
int ff_option_texts(void *field, const char *argument,
                    struct ff_error *error); /* struct ff_option_texts */
int ff_option_size(void *field, const char *argument, struct ff_error *error);  /* uint64_t */
int ff_option_count(void *field, const char *argument, struct ff_error *error); /* uint64_t, >= 1 */
int ff_option_threads(void *field, const char *argument,
                      struct ff_error *error); /* uint64_t, 1 to FF_VERIFY_THREADS_MAX */
int ff_option_content(void *field, const char *argument,
                      struct ff_error *error); /* struct ff_option_content */
int ff_option_separator(void *field, const char *argument,
                        struct ff_error *error); /* struct ff_option_separator */

/* All arguments of an option that may be given several times. */
#define FF_OPTION_TEXTS_MAX 64
struct ff_option_texts {
    size_t count;
    const char *text[FF_OPTION_TEXTS_MAX];
};

/* enum ff_content, when given. */
struct ff_option_content {
    bool given;
    int content;
};

/* Text with the escapes \n \r \t \0 \\ \xHH resolved. */
#define FF_SEPARATOR_BYTES 256
struct ff_option_separator {
    size_t len;
    char text[FF_SEPARATOR_BYTES];
};

/* Choices: names ends with NULL; *ret_index is the place in it. */
int ff_option_choose(const char *argument, const char *const *names, int *ret_index,
                     struct ff_error *error);

#define FF_OPTION_SHOWN_BYTES 128
/* What came from the command line, fit for a message; cut when long. Returns buf. */
const char *ff_option_shown(char buf[FF_OPTION_SHOWN_BYTES], const char *text);

#endif
