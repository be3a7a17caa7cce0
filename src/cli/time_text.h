/* Points of time as text. */
#ifndef FF_CLI_TIME_TEXT_H
#define FF_CLI_TIME_TEXT_H

#include <time.h>

#define FF_TIME_TEXT_BYTES 40
/* RFC 3339 in UTC with nanoseconds, always 30 characters: 2024-05-06T07:08:09.000000001Z. time is
 * within the years 0001 to 9999, else the text is "-". Returns buf. */
const char *ff_time_format(char buf[FF_TIME_TEXT_BYTES], const struct timespec *time);

/* "@SECONDS" since 1970, negative and with a fraction too, or what ff_date_parse() takes. -EINVAL,
 * also for a time outside of the years 0000 to 9999. */
int ff_time_parse(const char *text, struct timespec *ret_time);

#endif
