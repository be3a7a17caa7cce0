#include "cli/time_text.h"

#include <stdio.h>
#include <string.h>

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
