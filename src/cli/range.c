#include "cli/range.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/option.h"

#define DIGITS_MAX 20

/* Moves *text past the end it parses. */
static int parse_end(const char **text, struct ff_range_end *ret_end)
{
    char digits[DIGITS_MAX + 1];
    bool from_end = **text == '-';
    const char *begin = *text + from_end;
    size_t len = strspn(begin, "0123456789");
    uint64_t value;

    if (len == 0 || len > DIGITS_MAX)
        return -EINVAL;
    memcpy(digits, begin, len);
    digits[len] = '\0';
    int rc = ff_parse_u64(digits, &value);
    if (rc < 0)
        return rc;
    if (from_end && value == 0)
        return -EINVAL;
    *ret_end = (struct ff_range_end){.from_end = from_end, .value = value};
    *text = begin + len;
    return 0;
}

int ff_range_parse(const char *text, struct ff_range *ret_range, struct ff_error *error)
{
    struct ff_range range = {0};
    const char *at = text;
    char shown[FF_OPTION_SHOWN_BYTES];

    int rc = parse_end(&at, &range.first);
    if (rc == 0 && *at == '\0') {
        range.last = range.first;
    } else if (rc == 0 && at[0] == '-' && at[1] == '\0') {
        range.open = true;
    } else if (rc == 0 && *at == '-') {
        at++;
        rc = parse_end(&at, &range.last);
        if (*at != '\0')
            rc = -EINVAL;
    } else {
        rc = -EINVAL;
    }
    if (rc < 0)
        return ff_error_set(error, -EINVAL,
                            "'%s' is not a range of records: write 17, 100-199, 5-, -1 or -10--1",
                            ff_option_shown(shown, text));

    bool same = range.first.from_end == range.last.from_end;
    if (!range.open && same &&
        (range.first.from_end ? range.first.value < range.last.value
                              : range.first.value > range.last.value))
        return ff_error_set(error, -EINVAL, "range '%s' ends before it begins",
                            ff_option_shown(shown, text));
    *ret_range = range;
    return 0;
}

int ff_ranges_parse(char *const *texts, size_t count, struct ff_range **ret_ranges,
                    size_t *ret_count, struct ff_error *error)
{
    struct ff_range *ranges = calloc(count + 1, sizeof(*ranges));
    int r = ranges ? 0 : ff_error_set(error, -ENOMEM, "out of memory");

    for (size_t i = 0; r == 0 && i < count; i++)
        r = ff_range_parse(texts[i], &ranges[i], error);
    if (r < 0) {
        free(ranges);
        return r;
    }
    if (count == 0)
        ranges[0].open = true;
    *ret_count = count > 0 ? count : 1;
    *ret_ranges = ranges;
    return 0;
}

uint64_t ff_ranges_needed(const struct ff_range *ranges, size_t count)
{
    uint64_t needed = 0;

    for (const struct ff_range *range = ranges; range < ranges + count; range++) {
        if (range->open || range->first.from_end || range->last.from_end ||
            range->last.value == UINT64_MAX)
            return UINT64_MAX;
        if (range->last.value >= needed)
            needed = range->last.value + 1;
    }
    return needed;
}

bool ff_range_is_forward(const struct ff_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct ff_range *range = &ranges[i];
        if (range->first.from_end || (!range->open && range->last.from_end))
            return false;
        if (i > 0 && (ranges[i - 1].open || range->first.value <= ranges[i - 1].last.value))
            return false;
    }
    return true;
}

const char *ff_range_format(char buf[FF_RANGE_TEXT_BYTES], const struct ff_range *range)
{
    const char *first = range->first.from_end ? "-" : "", *last = range->last.from_end ? "-" : "";

    if (range->open)
        snprintf(buf, FF_RANGE_TEXT_BYTES, "%s%" PRIu64 "-", first, range->first.value);
    else if (range->first.from_end == range->last.from_end &&
             range->first.value == range->last.value)
        snprintf(buf, FF_RANGE_TEXT_BYTES, "%s%" PRIu64, first, range->first.value);
    else
        snprintf(buf, FF_RANGE_TEXT_BYTES, "%s%" PRIu64 "-%s%" PRIu64, first, range->first.value,
                 last, range->last.value);
    return buf;
}

/* The record that an end names; *ret_exists tells whether there is one. */
static uint64_t resolve_end(const struct ff_range_end *end, uint64_t count, bool *ret_exists)
{
    *ret_exists = end->from_end ? end->value <= count : end->value < count;
    if (!end->from_end)
        return end->value;
    return *ret_exists ? count - end->value : 0;
}

int ff_range_resolve(const struct ff_range *range, uint64_t count, uint64_t *ret_first,
                     uint64_t *ret_last, struct ff_error *error)
{
    char text[FF_RANGE_TEXT_BYTES];
    bool first_exists, last_exists = count > 0;
    uint64_t first = resolve_end(&range->first, count, &first_exists);
    uint64_t last =
        range->open ? count - (count > 0) : resolve_end(&range->last, count, &last_exists);

    *ret_first = 1;
    *ret_last = 0;
    if (range->open && first == 0 && count == 0 && !range->first.from_end)
        return 0;
    if (first_exists && last_exists && first > last)
        return ff_error_set(error, -ENOENT,
                            "range %s is empty: it ends before it begins, the archive has %" PRIu64
                            " record%s",
                            ff_range_format(text, range), count, count == 1 ? "" : "s");
    if (first_exists && last_exists) {
        *ret_first = first;
        *ret_last = last;
        return 0;
    }
    /* The part that exists: only ends that lie past the last record are cut. */
    if (first_exists && !range->last.from_end) {
        *ret_first = first;
        *ret_last = count - 1;
    }
    return ff_error_set(error, -ENOENT,
                        "range %s does not fit: the archive has %" PRIu64 " record%s",
                        ff_range_format(text, range), count, count == 1 ? "" : "s");
}
