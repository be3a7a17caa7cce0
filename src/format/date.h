/* Dates as archives write them. Pure. */
#ifndef FF_FORMAT_DATE_H
#define FF_FORMAT_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A point in time within the years 0000 to 9999. */
struct ff_date {
    int64_t seconds; /* since 1970-01-01T00:00:00Z */
    uint32_t ns;     /* 0 .. 999999999 */
};

/* RFC 3339 and its shorter forms ("2006-09-19T17:20:14.5Z", "2006-09-19 17:20:14+02:00",
 * "2006-09-19T17:20", "2006-09-19", "2006-09", "2006"; no zone is UTC), RFC 5322 ("Tue, 19 Sep 2006
 * 17:20:14 +0200", obsolete zones and years too), asctime ("Tue Sep 19 17:20:14 2006"). Blanks
 * around it are skipped, digits after the ninth of a fraction dropped. The second 60 is taken at
 * the end of a day of UTC only, where leap seconds are, and is the first second of the next, as for
 * POSIX. False when it is none of the forms, no such day or time exists (a weekday that is not the
 * day's included), or the years 0000 to 9999 do not hold it. */
bool ff_date_parse(const char *text, size_t len, struct ff_date *ret_date);

#endif
