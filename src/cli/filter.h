/* Which records a command shows: those of some types, and of a stretch of time. */
#ifndef FF_CLI_FILTER_H
#define FF_CLI_FILTER_H

#include <framefs/format.h>
#include <framefs/record.h>

#include "cli/option.h"

#define FF_TYPE_LISTS_MAX 64 /* options --type in a command */

/* Types as `framefs ls` prints them, "-" for none: each text is one or more, with ':' between. */
struct ff_type_filter {
    const char *list[FF_TYPE_LISTS_MAX]; /* the caller's; of command lines */
    size_t count;                        /* 0: all types */
};

/* From since on, before until. Records without a time are in no stretch. */
struct ff_time_filter {
    bool has_since, has_until;
    struct timespec since, until;
};

/* Parsers of option arguments; the field is a filter, which they add to. */
int ff_filter_types(void *field, const char *argument, struct ff_error *error);
int ff_filter_since(void *field, const char *argument, struct ff_error *error);
int ff_filter_until(void *field, const char *argument, struct ff_error *error);

/* The stretch as a span; ends that are not given lie beyond all times. */
struct ff_time_span ff_time_filter_span(const struct ff_time_filter *times);

/* Whether the two ends of the stretch leave anything between them. */
bool ff_time_filter_is_empty(const struct ff_time_filter *times);

bool ff_type_filter_match(const struct ff_type_filter *types, const struct ff_details *details);
bool ff_time_filter_match(const struct ff_time_filter *times, const struct ff_details *details);

/* -EINVAL, with a text, when records of the format have no type or no time to be chosen by. */
int ff_type_filter_check(const struct ff_type_filter *types, const struct ff_format *format,
                         struct ff_error *error);
int ff_time_filter_check(const struct ff_time_filter *times, const struct ff_format *format,
                         struct ff_error *error);

#endif
