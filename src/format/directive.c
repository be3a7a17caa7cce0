#include "format/directive.h"

#include <errno.h>
#include <string.h>

#include "base/units.h"
#include "format/date.h"
#include "format/layout.h"
#include "format/lex.h"

/* A quoted literal and nothing else. */
static int set_bytes(struct ff_directive_bytes *field, const char *key, const char *value,
                     struct ff_error *error)
{
    struct ff_directive_bytes bytes = {.len = 0};
    size_t len = strlen(value);

    if (len < 3 || value[0] != '"' || value[len - 1] != '"')
        return ff_error_set(error, -EINVAL, "'%s' is a literal in quotes, such as \"GRIB\"", key);
    for (size_t at = 1; at < len - 1;) {
        char byte = value[at++];
        if (byte == '"')
            return ff_error_set(error, -EINVAL, "'%s' is one literal in quotes", key);
        if (byte == '\\') {
            /* The closing quote is no part of an escape. */
            size_t used = ff_lex_escape(value + at, len - 1 - at, &byte);
            if (used == 0)
                return ff_error_set(error, -EINVAL,
                                    "'%s' has an unknown escape; there are " FF_LEX_ESCAPES, key);
            at += used;
        }
        if (bytes.len == FF_DIRECTIVE_BYTES_MAX)
            return ff_error_set(error, -EOVERFLOW, "'%s' has at most %d bytes", key,
                                FF_DIRECTIVE_BYTES_MAX);
        bytes.bytes[bytes.len++] = (uint8_t)byte;
    }
    *field = bytes;
    return 0;
}

static int set_tail(struct ff_directives *directives, const char *value, struct ff_error *error)
{
    if (strcmp(value, "zeros") == 0)
        directives->tail = FF_TAIL_ZEROS;
    else if (strcmp(value, "junk") == 0)
        directives->tail = FF_TAIL_JUNK;
    else
        return ff_error_set(error, -EINVAL, "'tail' is zeros or junk");
    return 0;
}

static int set_head(struct ff_directives *directives, const char *value, struct ff_error *error)
{
    if (strcmp(value, "junk") != 0)
        return ff_error_set(error, -EINVAL, "'head' is junk");
    directives->head_junk = true;
    return 0;
}

static int set_signfrag(struct ff_directives *directives, const char *value, struct ff_error *error)
{
    if (value[0])
        return ff_error_set(error, -EINVAL, "'signfrag' has no value: signfrag =");
    directives->signfrag = true;
    return 0;
}

/* "32768/7" */
static int set_block(struct ff_directives *directives, const char *value, struct ff_error *error)
{
    char text[FF_SIZE_TEXT_BYTES];
    const char *slash = strchr(value, '/');
    size_t len = slash ? (size_t)(slash - value) : 0;
    uint64_t size, header;

    if (len == 0 || len >= sizeof(text))
        return ff_error_set(error, -EINVAL,
                            "'block' is the bytes of a block and of the smallest header, such as "
                            "32768/7");
    memcpy(text, value, len);
    text[len] = '\0';
    if (ff_parse_size(text, &size) < 0 || size < FF_BLOCK_MIN_BYTES || size > FF_BLOCK_MAX_BYTES)
        return ff_error_set(error, -EINVAL, "'block': a block has from %d bytes to 16M",
                            FF_BLOCK_MIN_BYTES);
    if (ff_parse_size(slash + 1, &header) < 0 || header == 0 || header >= size)
        return ff_error_set(error, -EINVAL,
                            "'block': a header has at least 1 byte and is smaller than the block");
    directives->block = (uint32_t)size;
    directives->block_header = (uint32_t)header;
    return 0;
}

static int set_max(struct ff_directives *directives, const char *value, struct ff_error *error)
{
    uint64_t max;

    if (ff_parse_size(value, &max) < 0 || max == 0 || max > FF_OFFSET_MAX)
        return ff_error_set(error, -EINVAL,
                            "'max' is a size from 1 byte to 2^63-1, such as 4096 or 64M");
    directives->max = max;
    return 0;
}

static int set_epoch(struct ff_directives *directives, const char *value, struct ff_error *error)
{
    bool negative = value[0] == '-';
    struct ff_date date;
    uint64_t seconds;
    int r = ff_parse_u64(value + negative, &seconds);

    if (r == 0 && seconds <= INT64_MAX) {
        directives->epoch_s = negative ? -(int64_t)seconds : (int64_t)seconds;
        return 0;
    }
    if (r == -EINVAL && ff_date_parse(value, strlen(value), &date) && date.ns == 0) {
        directives->epoch_s = date.seconds;
        return 0;
    }
    return ff_error_set(error, -EINVAL,
                        "'epoch' is a date such as 1904-01-01, or a whole number of seconds since "
                        "1970");
}

int ff_directive_set(struct ff_directives *directives, const char *key, const char *value,
                     struct ff_error *error)
{
    if (strcmp(key, "resync") == 0)
        return set_bytes(&directives->resync, key, value, error);
    if (strcmp(key, "glue") == 0)
        return set_bytes(&directives->glue, key, value, error);
    if (strcmp(key, "tail") == 0)
        return set_tail(directives, value, error);
    if (strcmp(key, "head") == 0)
        return set_head(directives, value, error);
    if (strcmp(key, "signfrag") == 0)
        return set_signfrag(directives, value, error);
    if (strcmp(key, "block") == 0)
        return set_block(directives, value, error);
    if (strcmp(key, "max") == 0)
        return set_max(directives, value, error);
    if (strcmp(key, "epoch") == 0)
        return set_epoch(directives, value, error);
    return ff_error_set(error, -ENOENT, "unknown key");
}
