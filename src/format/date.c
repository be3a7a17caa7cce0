#include "format/date.h"

#define DAY_SECONDS       INT64_C(86400)
#define DAYS_TO_1970      719528 /* from 0000-01-01 */
#define DAYS_OF_ALL_YEARS 3652425

/* Text that is not yet looked at. */
struct cursor {
    const char *at;
    const char *end;
};

/* As written; `offset` is what the zone is ahead of UTC. */
struct fields {
    int year, month, day;
    int hour, minute, second;
    int weekday; /* 0 Sunday .. 6, or -1 where the text has none */
    int offset;  /* minutes */
    uint32_t ns;
};

static const char *const weekdays[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                     "jul", "aug", "sep", "oct", "nov", "dec"};

/* RFC 5322, 4.3, and the one that is written for all of them. */
static const struct {
    const char *name;
    int offset; /* minutes */
} zones[] = {
    {"ut", 0},     {"utc", 0},    {"gmt", 0},    {"est", -300}, {"edt", -240}, {"cst", -360},
    {"cdt", -300}, {"mst", -420}, {"mdt", -360}, {"pst", -480}, {"pdt", -420},
};

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_at(const struct cursor *c, char want)
{
    return c->at < c->end && *c->at == want;
}

static bool take(struct cursor *c, char want)
{
    if (!is_at(c, want))
        return false;
    c->at++;
    return true;
}

/* True when there was one at least. Line ends count: the value of a header may be folded. */
static bool take_blanks(struct cursor *c)
{
    const char *from = c->at;
    while (is_at(c, ' ') || is_at(c, '\t') || is_at(c, '\r') || is_at(c, '\n'))
        c->at++;
    return c->at > from;
}

/* A run of min..max digits, which no further digit follows; how many there are, or 0. */
static int take_digits(struct cursor *c, int min, int max, int *ret_value)
{
    int count = 0, value = 0;
    while (c->at < c->end && is_digit(*c->at)) {
        if (++count > max)
            return 0;
        value = value * 10 + (*c->at++ - '0');
    }
    if (count < min)
        return 0;
    *ret_value = value;
    return count;
}

static bool take_two(struct cursor *c, int *ret_value)
{
    return take_digits(c, 2, 2, ret_value) > 0;
}

/* Takes a run of letters if it is the word, in any case. */
static bool take_word(struct cursor *c, const char *word)
{
    const char *at = c->at;
    for (; *word; word++, at++)
        if (at == c->end || lower(*at) != *word)
            return false;
    if (at < c->end && is_letter(*at))
        return false;
    c->at = at;
    return true;
}

/* Which of the words stands there, or -1. */
static int take_one_of(struct cursor *c, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (take_word(c, words[i]))
            return (int)i;
    return -1;
}

/* ".5", of any number of digits; what is less than a nanosecond is dropped. */
static bool take_fraction(struct cursor *c, uint32_t *ret_ns)
{
    uint32_t ns = 0, unit = 100000000;

    if (!take(c, '.'))
        return true;
    const char *from = c->at;
    for (; c->at < c->end && is_digit(*c->at); c->at++, unit /= 10)
        ns += unit * (uint32_t)(*c->at - '0');
    *ret_ns = ns;
    return c->at > from;
}

/* "17:20" or "17:20:14" */
static bool take_time(struct cursor *c, struct fields *f, bool *ret_has_seconds)
{
    if (!take_two(c, &f->hour) || !take(c, ':') || !take_two(c, &f->minute))
        return false;
    *ret_has_seconds = take(c, ':');
    return !*ret_has_seconds || take_two(c, &f->second);
}

/* "+02:00", "+0200" or "+02". */
static bool take_offset(struct cursor *c, int hours_max, struct fields *f)
{
    int sign = take(c, '-') ? -1 : take(c, '+') ? 1 : 0;
    int digits, value, hours, minutes = 0;

    if (!sign || !(digits = take_digits(c, 2, 4, &value)) || digits == 3)
        return false;
    hours = digits == 4 ? value / 100 : value;
    if (digits == 4)
        minutes = value % 100;
    else if (take(c, ':') && !take_two(c, &minutes))
        return false;
    f->offset = sign * (hours * 60 + minutes);
    return hours <= hours_max && minutes <= 59;
}

/* RFC 3339 and, of ISO 8601, its beginnings (as the W3C's note on date and time has them). */
static bool take_rfc3339(struct cursor *c, struct fields *f)
{
    bool has_seconds;

    if (!take_digits(c, 4, 4, &f->year))
        return false;
    if (!take(c, '-'))
        return true;
    if (!take_two(c, &f->month))
        return false;
    if (!take(c, '-'))
        return true;
    if (!take_two(c, &f->day))
        return false;
    const char *date_end = c->at;
    if (!take(c, 'T') && !take(c, 't') && !take(c, ' '))
        return true;
    if (c->at == c->end || !is_digit(*c->at)) {
        c->at = date_end;
        return true;
    }
    if (!take_time(c, f, &has_seconds) || (has_seconds && !take_fraction(c, &f->ns)))
        return false;
    if (is_at(c, '+') || is_at(c, '-'))
        return take_offset(c, 23, f);
    if (!take(c, 'Z'))
        take(c, 'z');
    return true;
}

/* RFC 5322 lets comments follow: "(CEST)". They nest. */
static bool take_comment(struct cursor *c)
{
    unsigned int depth = 0;
    bool quoted = false;

    do {
        if (c->at == c->end || *c->at == '\0')
            return false;
        if (!quoted) {
            depth += *c->at == '(';
            depth -= *c->at == ')';
        }
        quoted = !quoted && *c->at == '\\';
        c->at++;
    } while (depth);
    return true;
}

static bool take_zone(struct cursor *c, struct fields *f)
{
    if (is_at(c, '+') || is_at(c, '-'))
        return take_offset(c, 99, f);
    for (size_t i = 0; i < COUNT_OF(zones); i++) {
        if (take_word(c, zones[i].name)) {
            f->offset = zones[i].offset;
            return true;
        }
    }
    /* Military zones. RFC 822 had their signs wrong, so all of them are read as UTC. */
    if (c->at == c->end || !is_letter(*c->at) || lower(*c->at) == 'j')
        return false;
    c->at++;
    return true;
}

/* RFC 5322, behind the weekday: "19 Sep 2006 17:20:14 +0200". */
static bool take_rfc5322(struct cursor *c, struct fields *f)
{
    bool has_seconds;
    int month, digits;

    if (!take_digits(c, 1, 2, &f->day) || !take_blanks(c))
        return false;
    if ((month = take_one_of(c, months, COUNT_OF(months))) < 0 || !take_blanks(c))
        return false;
    f->month = month + 1;
    if (!(digits = take_digits(c, 2, 4, &f->year)) || !take_blanks(c) ||
        !take_time(c, f, &has_seconds))
        return false;
    /* Short years are obsolete: RFC 5322, 4.3. */
    if (digits < 4)
        f->year += digits == 2 && f->year < 50 ? 2000 : 1900;
    if (!take_blanks(c) || c->at == c->end)
        return true;
    if (!take_zone(c, f))
        return false;
    take_blanks(c);
    for (; is_at(c, '('); take_blanks(c))
        if (!take_comment(c))
            return false;
    return true;
}

/* asctime(), behind the weekday: "Sep 19 17:20:14 2006". */
static bool take_asctime(struct cursor *c, struct fields *f)
{
    bool has_seconds;
    int month = take_one_of(c, months, COUNT_OF(months));

    f->month = month + 1;
    return month >= 0 && take_blanks(c) && take_digits(c, 1, 2, &f->day) && take_blanks(c) &&
           take_time(c, f, &has_seconds) && take_blanks(c) && take_digits(c, 4, 4, &f->year);
}

static bool take_date(struct cursor *c, struct fields *f)
{
    if (c->at < c->end && is_digit(*c->at)) {
        const char *begin = c->at;
        if (take_rfc3339(c, f))
            return true;
        c->at = begin;
        return take_rfc5322(c, f);
    }
    if ((f->weekday = take_one_of(c, weekdays, COUNT_OF(weekdays))) < 0)
        return false;
    if (take(c, ',')) {
        take_blanks(c);
        return take_rfc5322(c, f);
    }
    return take_blanks(c) && take_asctime(c, f);
}

static bool is_leap(int year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days from 0000-01-01, in the Gregorian calendar that ISO 8601 extends backwards. */
static int64_t days_of_date(int year, int month, int day)
{
    int64_t days = INT64_C(365) * year + day - 1;
    /* Leap years before this one; the year 0 is one. */
    if (year > 0)
        days += (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 + 1;
    for (int m = 1; m < month; m++)
        days += days_of_month(year, m);
    return days;
}

/* Whether there is such a day and time, and which point in time that is. */
static bool make_date(const struct fields *f, struct ff_date *ret_date)
{
    if (f->month < 1 || f->month > 12 || f->day < 1 || f->day > days_of_month(f->year, f->month))
        return false;
    if (f->hour > 23 || f->minute > 59 || f->second > 60)
        return false;
    int64_t days = days_of_date(f->year, f->month, f->day);
    /* 0000-01-01 is a Saturday. */
    if (f->weekday >= 0 && f->weekday != (int)((days + 6) % 7))
        return false;
    int64_t minutes = days * 1440 + f->hour * 60 + f->minute - f->offset;
    int64_t seconds = minutes * 60 + f->second;
    if (seconds < 0 || seconds >= DAYS_OF_ALL_YEARS * DAY_SECONDS)
        return false;
    /* Leap seconds end a day of UTC; POSIX counts them as the first second of the next. */
    if (f->second == 60 && seconds % DAY_SECONDS != 0)
        return false;
    ret_date->seconds = seconds - DAYS_TO_1970 * DAY_SECONDS;
    ret_date->ns = f->ns;
    return true;
}

bool ff_date_parse(const char *text, size_t len, struct ff_date *ret_date)
{
    struct cursor c = {.at = text, .end = text + len};
    struct fields f = {.month = 1, .day = 1, .weekday = -1};

    take_blanks(&c);
    if (!take_date(&c, &f))
        return false;
    take_blanks(&c);
    return c.at == c.end && make_date(&f, ret_date);
}
