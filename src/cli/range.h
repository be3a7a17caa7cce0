/*
 * Ranges of records, as cat takes them:
 *
 *   17        one record           -1        the last one
 *   100-199   both ends included   -10--1    the last ten
 *   5-        to the end           5--2      from 5 to the last but one
 */
#ifndef FF_CLI_RANGE_H
#define FF_CLI_RANGE_H

#include <framefs/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An end of a range: from the beginning, from 0; or from the end, from 1 (the last record). */
struct ff_range_end {
    bool from_end;
    uint64_t value;
};

struct ff_range {
    struct ff_range_end first, last;
    bool open; /* no last: to the end */
};

/* -EINVAL with a text that quotes the range. */
int ff_range_parse(const char *text, struct ff_range *ret_range, struct ff_error *error);

/* count of them, to be freed; the whole archive when count is 0. -EINVAL as above, -ENOMEM. */
int ff_ranges_parse(char *const *texts, size_t count, struct ff_range **ret_ranges,
                    size_t *ret_count, struct ff_error *error);

/* How many records must be known before all ranges are; UINT64_MAX: all. */
uint64_t ff_ranges_needed(const struct ff_range *ranges, size_t count);

/* True when the ranges can be served in one forward pass whose length is not known yet: none counts
 * from the end, each begins after the one before it has ended. */
bool ff_range_is_forward(const struct ff_range *ranges, size_t count);

/* The records of it, both included, in an archive of count records. An open range that begins at
 * record 0 of an empty archive is empty: ret_first > ret_last. -ENOENT with a text that names the
 * count when a record of it does not exist; the part that exists is returned then, empty if none.
 */
int ff_range_resolve(const struct ff_range *range, uint64_t count, uint64_t *ret_first,
                     uint64_t *ret_last, struct ff_error *error);

#define FF_RANGE_TEXT_BYTES 64
/* The range as it is written; returns buf. */
const char *ff_range_format(char buf[FF_RANGE_TEXT_BYTES], const struct ff_range *range);

#endif
