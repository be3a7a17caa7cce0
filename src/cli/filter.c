#include "cli/filter.h"

#include <errno.h>
#include <string.h>

#include "cli/time_text.h"

int ff_filter_types(void *field, const char *argument, struct ff_error *error)
{
    struct ff_type_filter *types = field;
    size_t len = strlen(argument);
    char shown[FF_OPTION_SHOWN_BYTES];

    if (len == 0 || argument[0] == ':' || argument[len - 1] == ':' || strstr(argument, "::"))
        return ff_error_set(error, -EINVAL,
                            "'%s' names an empty type ('-' is for records without one)",
                            ff_option_shown(shown, argument));
    if (types->count == FF_TYPE_LISTS_MAX)
        return ff_error_set(error, -EINVAL, "is given more than %d times: put ':' between types",
                            FF_TYPE_LISTS_MAX);
    types->list[types->count++] = argument;
    return 0;
}

static int parse_time(const char *argument, struct timespec *ret_time, struct ff_error *error)
{
    char shown[FF_OPTION_SHOWN_BYTES];

    if (ff_time_parse(argument, ret_time) == 0)
        return 0;
    return ff_error_set(error, -EINVAL,
                        "'%s' is no time, such as 2006-09-19, 2006-09-19T17:20:14.5Z, "
                        "'2006-09-19 17:20 +0200' or @1158679214",
                        ff_option_shown(shown, argument));
}

int ff_filter_since(void *field, const char *argument, struct ff_error *error)
{
    struct ff_time_filter *times = field;

    times->has_since = true;
    return parse_time(argument, &times->since, error);
}

int ff_filter_until(void *field, const char *argument, struct ff_error *error)
{
    struct ff_time_filter *times = field;

    times->has_until = true;
    return parse_time(argument, &times->until, error);
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

struct ff_time_span ff_time_filter_span(const struct ff_time_filter *times)
{
    struct ff_time_span span = {.since = {.tv_sec = FF_TIME_MIN_S},
                                .until = {.tv_sec = FF_TIME_MAX_S + 1}};

    if (times->has_since)
        span.since = times->since;
    if (times->has_until)
        span.until = times->until;
    return span;
}

bool ff_time_filter_is_empty(const struct ff_time_filter *times)
{
    return times->has_since && times->has_until && !is_before(&times->since, &times->until);
}

bool ff_type_filter_match(const struct ff_type_filter *types, const struct ff_details *details)
{
    const char *type = details->type[0] ? details->type : "-";
    size_t len = strlen(type);

    for (size_t i = 0; i < types->count; i++) {
        for (const char *at = types->list[i]; *at;) {
            size_t at_len = strcspn(at, ":");
            if (at_len == len && memcmp(at, type, len) == 0)
                return true;
            at += at_len + (at[at_len] == ':');
        }
    }
    return types->count == 0;
}

bool ff_time_filter_match(const struct ff_time_filter *times, const struct ff_details *details)
{
    if (!times->has_since && !times->has_until)
        return true;
    return details->has_time && !(times->has_since && is_before(&details->time, &times->since)) &&
           !(times->has_until && !is_before(&details->time, &times->until));
}

int ff_type_filter_check(const struct ff_type_filter *types, const struct ff_format *format,
                         struct ff_error *error)
{
    if (types->count == 0 || ff_format_has_types(format))
        return 0;
    return ff_error_set(error, -EINVAL,
                        "records of the format %s have no type: they cannot be chosen by type",
                        ff_format_name(format));
}

int ff_time_filter_check(const struct ff_time_filter *times, const struct ff_format *format,
                         struct ff_error *error)
{
    if ((!times->has_since && !times->has_until) || ff_format_has_times(format))
        return 0;
    return ff_error_set(error, -EINVAL,
                        "records of the format %s have no time: they cannot be chosen by time",
                        ff_format_name(format));
}
