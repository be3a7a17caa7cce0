/* Parsers of option arguments that several commands share. */
#include <errno.h>
#include <framefs/archive.h>
#include <framefs/format.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "cli/option.h"

static int refuse(const char *argument, const char *why, struct ff_error *error)
{
    char shown[FF_OPTION_SHOWN_BYTES];

    return ff_error_set(error, -EINVAL, "'%s' %s", ff_option_shown(shown, argument), why);
}

int ff_option_flag(void *field, const char *argument, struct ff_error *error)
{
    (void)argument;
    (void)error;
    *(bool *)field = true;
    return 0;
}

int ff_option_text(void *field, const char *argument, struct ff_error *error)
{
    (void)error;
    *(const char **)field = argument;
    return 0;
}

int ff_option_texts(void *field, const char *argument, struct ff_error *error)
{
    struct ff_option_texts *texts = field;

    if (texts->count == FF_OPTION_TEXTS_MAX)
        return ff_error_set(error, -EINVAL, "given more than %d times", FF_OPTION_TEXTS_MAX);
    texts->text[texts->count++] = argument;
    return 0;
}

int ff_option_size(void *field, const char *argument, struct ff_error *error)
{
    uint64_t bytes;
    int rc = ff_parse_size(argument, &bytes);

    if (rc < 0)
        return refuse(argument,
                      rc == -ERANGE ? "is too large" : "is not a size, such as 4096, 64K or 10GiB",
                      error);
    *(uint64_t *)field = bytes;
    return 0;
}

int ff_option_count(void *field, const char *argument, struct ff_error *error)
{
    uint64_t count;

    if (ff_parse_u64(argument, &count) < 0 || count == 0)
        return refuse(argument, "is not a number from 1 on", error);
    *(uint64_t *)field = count;
    return 0;
}

int ff_option_threads(void *field, const char *argument, struct ff_error *error)
{
    char shown[FF_OPTION_SHOWN_BYTES];
    uint64_t threads;

    int rc = ff_option_count(&threads, argument, error);
    if (rc < 0)
        return rc;
    if (threads > FF_VERIFY_THREADS_MAX)
        return ff_error_set(error, -EINVAL, "'%s' is more than %d",
                            ff_option_shown(shown, argument), FF_VERIFY_THREADS_MAX);
    *(uint64_t *)field = threads;
    return 0;
}

int ff_option_choose(const char *argument, const char *const *names, int *ret_index,
                     struct ff_error *error)
{
    char why[320] = "is none of ";
    size_t len = strlen(why);

    for (int i = 0; names[i]; i++) {
        if (strcmp(argument, names[i]) == 0) {
            *ret_index = i;
            return 0;
        }
        int added = snprintf(why + len, sizeof(why) - len, "%s%s", i > 0 ? ", " : "", names[i]);
        if (added > 0 && (size_t)added < sizeof(why) - len)
            len += (size_t)added;
    }
    return refuse(argument, why, error);
}

int ff_option_content(void *field, const char *argument, struct ff_error *error)
{
    static const enum ff_content contents[] = {FF_CONTENT_PAYLOAD, FF_CONTENT_FRAME,
                                               FF_CONTENT_FILE};
    const char *names[] = {ff_content_name(contents[0]), ff_content_name(contents[1]),
                           ff_content_name(contents[2]), NULL};
    struct ff_option_content *ret_content = field;
    int chosen;

    int rc = ff_option_choose(argument, names, &chosen, error);
    if (rc < 0)
        return rc;
    *ret_content = (struct ff_option_content){.given = true, .content = contents[chosen]};
    return 0;
}

/* The byte that the escape after a backslash stands for, and the characters it takes; negative when
 * there is no such escape. */
static int escaped_byte(const char *escape, size_t *ret_len)
{
    *ret_len = 1;
    switch (escape[0]) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case '0':
        return '\0';
    case '\\':
        return '\\';
    case 'x': {
        int high = ff_digit_value(escape[1], 16);
        int low = high < 0 ? -1 : ff_digit_value(escape[2], 16);
        *ret_len = 3;
        return low < 0 ? -EINVAL : high << 4 | low;
    }
    default:
        return -EINVAL;
    }
}

int ff_option_separator(void *field, const char *argument, struct ff_error *error)
{
    struct ff_option_separator separator = {0};
    const char *text = argument;

    while (*argument) {
        int byte = (unsigned char)*argument++;
        if (byte == '\\') {
            size_t used;
            byte = escaped_byte(argument, &used);
            if (byte < 0)
                return refuse(text, "has an unknown escape: use \\n \\r \\t \\0 \\\\ or \\xHH",
                              error);
            argument += used;
        }
        if (separator.len == sizeof(separator.text))
            return refuse(text, "is too long: 256 bytes are the limit", error);
        separator.text[separator.len++] = (char)byte;
    }
    *(struct ff_option_separator *)field = separator;
    return 0;
}
