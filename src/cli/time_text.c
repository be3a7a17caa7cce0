#include "cli/time_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "format/date.h"

/* The years 0000 to 9999, as ff_date_parse() has them. */
#define TIME_MIN_S INT64_C(-62167219200)
#define TIME_MAX_S INT64_C(253402300799)
#define NS_DIGITS  9

const char *ff_time_format(char buf[FF_TIME_TEXT_BYTES], const struct timespec *time)
{
    struct tm tm;

    if (!gmtime_r(&time->tv_sec, &tm) || tm.tm_year < 1 - 1900 || tm.tm_year > 9999 - 1900 ||
        time->tv_nsec < 0 || time->tv_nsec > 999999999)
        return strcpy(buf, "-");
    snprintf(buf, FF_TIME_TEXT_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u.%09uZ",
             (unsigned int)(tm.tm_year + 1900), (unsigned int)(tm.tm_mon + 1),
             (unsigned int)tm.tm_mday, (unsigned int)tm.tm_hour, (unsigned int)tm.tm_min,
             (unsigned int)tm.tm_sec, (unsigned int)time->tv_nsec);
    return buf;
}

/* The digits after the point as nanoseconds; digits past the ninth are dropped. */
static int parse_fraction(const char *digits, long *ret_ns)
{
    size_t len = strspn(digits, "0123456789");
    long ns = 0;

    if (len == 0 || digits[len] != '\0')
        return -EINVAL;
    for (size_t i = 0; i < NS_DIGITS; i++)
        ns = ns * 10 + (i < len ? digits[i] - '0' : 0);
    *ret_ns = ns;
    return 0;
}

static int parse_seconds(const char *text, struct timespec *ret_time)
{
    char whole[24];
    bool negative = *text == '-';
    uint64_t seconds;
    long ns = 0;

    text += negative;
    size_t len = strcspn(text, ".");
    if (len >= sizeof(whole))
        return -EINVAL;
    memcpy(whole, text, len);
    whole[len] = '\0';
    if (ff_parse_u64(whole, &seconds) < 0 ||
        seconds > (uint64_t)(negative ? -TIME_MIN_S : TIME_MAX_S) ||
        (text[len] == '.' && parse_fraction(text + len + 1, &ns) < 0))
        return -EINVAL;
    *ret_time = (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = ns};
    if (negative && ns > 0)
        *ret_time = (struct timespec){.tv_sec = -(time_t)seconds - 1, .tv_nsec = 1000000000 - ns};
    else if (negative)
        ret_time->tv_sec = -(time_t)seconds;
    return 0;
}

int ff_time_parse(const char *text, struct timespec *ret_time)
{
    struct ff_date date;

    if (*text == '@')
        return parse_seconds(text + 1, ret_time);
    if (!ff_date_parse(text, strlen(text), &date))
        return -EINVAL;
    *ret_time = (struct timespec){.tv_sec = (time_t)date.seconds, .tv_nsec = (long)date.ns};
    return 0;
}
