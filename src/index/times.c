#include "index/times.h"

#include <errno.h>

#include "base/load.h"

#define NS_PER_S 1000000000

/* In the head. */
#define KNOWN_AT       0
#define EARLIEST_S_AT  8
#define LATEST_S_AT    16
#define EARLIEST_NS_AT 24
#define LATEST_NS_AT   28

/* In a row. */
#define S_AT     0
#define NS_AT    8
#define PLACE_AT 12
#define UNIT_AT  16
#define WIDTH_AT 17
#define WHICH_AT 18
#define ZERO_AT  19

enum unit { UNIT_S, UNIT_MS, UNIT_US, UNIT_NS, UNITS };

/* Which records of a block have a time. */
enum which { WHICH_NONE, WHICH_ALL, WHICH_BITMAP, WHICHES };

static const uint32_t per_second[UNITS] = {1, 1000, 1000000, NS_PER_S};

/* Nanoseconds between any two times do not fit into 64 bits. */
__extension__ typedef unsigned __int128 units;

static bool is_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static bool is_in(const struct timespec *at, const struct ff_time_span *span)
{
    return !is_before(at, &span->since) && is_before(at, &span->until);
}

bool ff_times_meet(const struct ff_times_bounds *bounds, const struct ff_time_span *span)
{
    return bounds->known > 0 && !is_before(&bounds->latest, &span->since) &&
           is_before(&bounds->earliest, &span->until);
}

static void add_time(struct ff_times_bounds *bounds, const struct timespec *at)
{
    if (bounds->known == 0 || is_before(at, &bounds->earliest))
        bounds->earliest = *at;
    if (bounds->known == 0 || is_before(&bounds->latest, at))
        bounds->latest = *at;
    bounds->known++;
}

/* ---- writing ---- */

static enum unit unit_of(long ns)
{
    return ns == 0 ? UNIT_S : ns % 1000000 == 0 ? UNIT_MS : ns % 1000 == 0 ? UNIT_US : UNIT_NS;
}

static units count_units(const struct timespec *at, const struct timespec *earliest, enum unit unit)
{
    uint32_t ns = NS_PER_S / per_second[unit];

    return (units)(uint64_t)(at->tv_sec - earliest->tv_sec) * per_second[unit] +
           (uint32_t)at->tv_nsec / ns - (uint32_t)earliest->tv_nsec / ns;
}

static unsigned int width_of(units largest)
{
    uint64_t high = (uint64_t)(largest >> 64);

    return high ? FF_PACK_WIDTH_MAX + ff_pack_width(high) : ff_pack_width((uint64_t)largest);
}

static void write_row(uint8_t *row, size_t place, const struct ff_times_bounds *bounds,
                      enum unit unit, unsigned int width, enum which which)
{
    ff_store_le(row + S_AT, (uint64_t)bounds->earliest.tv_sec, 8);
    ff_store_le(row + NS_AT, (uint64_t)bounds->earliest.tv_nsec, 4);
    ff_store_le(row + PLACE_AT, place, 4);
    row[UNIT_AT] = (uint8_t)unit;
    row[WIDTH_AT] = (uint8_t)width;
    row[WHICH_AT] = (uint8_t)which;
    row[ZERO_AT] = 0;
}

/* A column of values of `width` bits, which may be none. */
static uint8_t *write_column(uint8_t *at, const uint64_t *values, size_t count, unsigned int width)
{
    ff_pack_write(at, values, count, width, 0);
    return at + ff_pack_bytes(count, width);
}

static uint8_t *write_bitmap(uint8_t *at, const struct ff_time *times, size_t count)
{
    size_t len = ff_pack_bytes(count, 1);

    memset(at, 0, len);
    for (size_t i = 0; i < count; i++)
        at[i / 8] |= (uint8_t)(times[i].known << i % 8);
    return at + len;
}

/* Writes a block's bytes to buf + place, and its row; adds its times to the segment's. Returns the
 * bytes. */
static size_t encode_block(uint8_t *row, uint8_t *buf, size_t place, const struct ff_time *times,
                           size_t count, struct ff_times_bounds *all)
{
    uint64_t low[FF_INDEX_BLOCK], high[FF_INDEX_BLOCK];
    struct ff_times_bounds bounds = {0};
    enum unit unit = UNIT_S;
    uint8_t *at = buf + place;

    for (size_t i = 0; i < count; i++)
        if (times[i].known) {
            add_time(&bounds, &times[i].at);
            if (unit_of(times[i].at.tv_nsec) > unit)
                unit = unit_of(times[i].at.tv_nsec);
        }
    unsigned int width = width_of(count_units(&bounds.latest, &bounds.earliest, unit));
    enum which which = bounds.known == 0       ? WHICH_NONE
                       : bounds.known == count ? WHICH_ALL
                                               : WHICH_BITMAP;
    write_row(row, place, &bounds, unit, width, which);
    if (which == WHICH_NONE)
        return 0;
    if (which == WHICH_BITMAP)
        at = write_bitmap(at, times, count);
    for (size_t i = 0; i < count; i++) {
        units later = times[i].known ? count_units(&times[i].at, &bounds.earliest, unit) : 0;
        low[i] = (uint64_t)later;
        high[i] = (uint64_t)(later >> 64);
    }
    unsigned int low_width = width < FF_PACK_WIDTH_MAX ? width : FF_PACK_WIDTH_MAX;
    at = write_column(at, low, count, low_width);
    at = write_column(at, high, count, width - low_width);
    uint32_t known = all->known;
    add_time(all, &bounds.earliest);
    add_time(all, &bounds.latest);
    all->known = known + bounds.known;
    return (size_t)(at - buf) - place;
}

size_t ff_times_encode(uint8_t *buf, const struct ff_time *times, size_t count)
{
    size_t blocks = (count + FF_INDEX_BLOCK - 1) / FF_INDEX_BLOCK, place = 0;
    uint8_t *row = buf + FF_TIMES_HEAD_BYTES, *bytes = row + blocks * FF_TIMES_ROW_BYTES;
    struct ff_times_bounds all = {0};

    for (size_t first = 0; first < count; first += FF_INDEX_BLOCK, row += FF_TIMES_ROW_BYTES) {
        size_t n = count - first < FF_INDEX_BLOCK ? count - first : FF_INDEX_BLOCK;
        place += encode_block(row, bytes, place, times + first, n, &all);
    }
    memset(buf, 0, FF_TIMES_HEAD_BYTES);
    ff_store_le(buf + KNOWN_AT, all.known, 4);
    ff_store_le(buf + EARLIEST_S_AT, (uint64_t)all.earliest.tv_sec, 8);
    ff_store_le(buf + LATEST_S_AT, (uint64_t)all.latest.tv_sec, 8);
    ff_store_le(buf + EARLIEST_NS_AT, (uint64_t)all.earliest.tv_nsec, 4);
    ff_store_le(buf + LATEST_NS_AT, (uint64_t)all.latest.tv_nsec, 4);
    return (size_t)(bytes - buf) + place;
}

/* ---- reading ---- */

/* The time whose numbers stand there, if there is such a time. */
static bool read_time(const uint8_t *seconds_at, const uint8_t *ns_at, struct timespec *ret_at)
{
    int64_t seconds = (int64_t)ff_load_le(seconds_at, 8);
    uint32_t ns = (uint32_t)ff_load_le(ns_at, 4);

    if (seconds < FF_TIME_MIN_S || seconds > FF_TIME_MAX_S || ns >= NS_PER_S)
        return false;
    *ret_at = (struct timespec){.tv_sec = (time_t)seconds, .tv_nsec = (long)ns};
    return true;
}

int ff_times_bounds(const uint8_t head[FF_TIMES_HEAD_BYTES], struct ff_times_bounds *ret_bounds)
{
    struct ff_times_bounds bounds = {.known = (uint32_t)ff_load_le(head + KNOWN_AT, 4)};

    if (!read_time(head + EARLIEST_S_AT, head + EARLIEST_NS_AT, &bounds.earliest) ||
        !read_time(head + LATEST_S_AT, head + LATEST_NS_AT, &bounds.latest) ||
        is_before(&bounds.latest, &bounds.earliest) || bounds.known > FF_SEGMENT_RECORDS)
        return -EUCLEAN;
    *ret_bounds = bounds;
    return 0;
}

int ff_times_open(const uint8_t *buf, size_t len, uint32_t records, struct ff_times *ret_times)
{
    size_t blocks = ((size_t)records + FF_INDEX_BLOCK - 1) / FF_INDEX_BLOCK;
    size_t before = FF_TIMES_HEAD_BYTES + blocks * FF_TIMES_ROW_BYTES;

    if (records == 0 || records > FF_SEGMENT_RECORDS || before > len)
        return -EUCLEAN;
    *ret_times = (struct ff_times){.records = records,
                                   .rows = buf + FF_TIMES_HEAD_BYTES,
                                   .blocks = buf + before,
                                   .blocks_len = len - before};
    return 0;
}

/* A block that is read. */
struct block {
    struct timespec earliest;
    enum unit unit;
    unsigned int low_width, high_width;
    enum which which;
    size_t count; /* of its records */
    size_t place, len;
    const uint8_t *bitmap, *low, *high; /* len bytes from bitmap on */
};

/* The block's row, and its bytes where they lie in the segment's. */
static int open_block(const struct ff_times *times, uint32_t block, struct block *ret_block)
{
    const uint8_t *row = times->rows + (size_t)block * FF_TIMES_ROW_BYTES;
    uint32_t first = block * FF_INDEX_BLOCK;
    struct block found = {.place = (size_t)ff_load_le(row + PLACE_AT, 4)};

    if (row[UNIT_AT] >= UNITS || row[WIDTH_AT] > FF_TIMES_WIDTH_MAX || row[WHICH_AT] >= WHICHES ||
        row[ZERO_AT] || !read_time(row + S_AT, row + NS_AT, &found.earliest) ||
        found.earliest.tv_nsec % (NS_PER_S / per_second[row[UNIT_AT]]))
        return -EUCLEAN;
    found.unit = (enum unit)row[UNIT_AT];
    found.which = (enum which)row[WHICH_AT];
    found.low_width = row[WIDTH_AT] < FF_PACK_WIDTH_MAX ? row[WIDTH_AT] : FF_PACK_WIDTH_MAX;
    found.high_width = row[WIDTH_AT] - found.low_width;
    if (found.which == WHICH_NONE &&
        (found.low_width || found.unit || found.earliest.tv_sec || found.earliest.tv_nsec))
        return -EUCLEAN;
    found.count = times->records - first;
    if (found.count > FF_INDEX_BLOCK)
        found.count = FF_INDEX_BLOCK;
    size_t bitmap_len = found.which == WHICH_BITMAP ? ff_pack_bytes(found.count, 1) : 0;
    size_t low_len = ff_pack_bytes(found.count, found.low_width);
    found.len = bitmap_len + low_len + ff_pack_bytes(found.count, found.high_width);
    if (found.place > times->blocks_len || found.len > times->blocks_len - found.place)
        return -EUCLEAN;
    found.bitmap = times->blocks + found.place;
    found.low = found.bitmap + bitmap_len;
    found.high = found.low + low_len;
    *ret_block = found;
    return 0;
}

int ff_times_check(const struct ff_times *times)
{
    struct ff_times_bounds bounds;
    struct block block;
    size_t next = 0;

    int r = ff_times_bounds(times->rows - FF_TIMES_HEAD_BYTES, &bounds);
    for (uint32_t i = 0; r == 0 && i * FF_INDEX_BLOCK < times->records; i++) {
        r = open_block(times, i, &block);
        if (r == 0 && block.place != next)
            r = -EUCLEAN;
        next += r == 0 ? block.len : 0;
    }
    return r < 0 ? r : next == times->blocks_len && bounds.known <= times->records ? 0 : -EUCLEAN;
}

/* The time so many units after the block's earliest; false when that is past all times. */
static bool add_units(const struct block *block, units later, struct timespec *ret_at)
{
    uint32_t per = per_second[block->unit], ns = NS_PER_S / per;
    /* Of 64 bits that is ten times as fast. */
    units seconds = later >> 64 ? later / per : (uint64_t)later / per;
    uint32_t rest = (uint32_t)(later - seconds * per) + (uint32_t)block->earliest.tv_nsec / ns;

    if (rest >= per) {
        rest -= per;
        seconds++;
    }
    if (seconds > (uint64_t)(FF_TIME_MAX_S - block->earliest.tv_sec))
        return false;
    *ret_at = (struct timespec){.tv_sec = block->earliest.tv_sec + (time_t)seconds,
                                .tv_nsec = (long)rest * ns};
    return true;
}

static bool is_known(const struct block *block, size_t i)
{
    return block->which == WHICH_ALL ||
           (block->which == WHICH_BITMAP && block->bitmap[i / 8] >> i % 8 & 1);
}

static int get(const struct block *block, size_t i, struct ff_time *ret_time)
{
    struct ff_time time = {.known = is_known(block, i)};

    if (time.known) {
        size_t low_len = ff_pack_bytes(block->count, block->low_width);
        size_t high_len = ff_pack_bytes(block->count, block->high_width);
        units later = (units)ff_pack_get(block->high, high_len, i, block->high_width) << 64 |
                      ff_pack_get(block->low, low_len, i, block->low_width);
        if (!add_units(block, later, &time.at))
            return -EUCLEAN;
    }
    *ret_time = time;
    return 0;
}

int ff_times_get(const struct ff_times *times, uint32_t i, struct ff_time *ret_time)
{
    struct block block;
    int r = open_block(times, i / FF_INDEX_BLOCK, &block);

    return r < 0 ? r : get(&block, i % FF_INDEX_BLOCK, ret_time);
}

/* Whether a time of the block may be in the span, by its earliest and its width. */
static bool may_meet(const struct block *block, const struct ff_time_span *span)
{
    const units most = ((units)1 << (block->low_width + block->high_width)) - 1;
    struct ff_times_bounds bounds = {.known = block->which != WHICH_NONE,
                                     .earliest = block->earliest};

    if (!add_units(block, most, &bounds.latest))
        bounds.latest = (struct timespec){.tv_sec = FF_TIME_MAX_S, .tv_nsec = NS_PER_S - 1};
    return ff_times_meet(&bounds, span);
}

int ff_times_find(const struct ff_times *times, uint32_t i, const struct ff_time_span *span,
                  uint32_t *ret_i)
{
    struct block block;
    struct ff_time time;

    while (i < times->records) {
        uint32_t first = i - i % FF_INDEX_BLOCK;
        int r = open_block(times, i / FF_INDEX_BLOCK, &block);
        if (r < 0)
            return r;
        size_t at = may_meet(&block, span) ? i - first : block.count;
        for (; at < block.count; at++) {
            r = get(&block, at, &time);
            if (r < 0)
                return r;
            if (time.known && is_in(&time.at, span)) {
                *ret_i = first + (uint32_t)at;
                return 0;
            }
        }
        i = first + FF_INDEX_BLOCK;
    }
    *ret_i = times->records;
    return 0;
}
