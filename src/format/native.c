#include "format/native.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "format/native_part.h"

#define UNKNOWN UINT64_MAX

static const struct {
    const char *name;
    int (*step)(struct ff_native_item *item, const struct ff_window *window);
} kinds[FF_NATIVE_KINDS] = {
    [FF_NATIVE_AVRO_MAP] = {"avro_map", ff_native_avro_map},
    [FF_NATIVE_HADOOP_TEXT] = {"hadoop_text", ff_native_hadoop_text},
    [FF_NATIVE_HADOOP_MAP] = {"hadoop_map", ff_native_hadoop_map},
    [FF_NATIVE_JOURNAL_ENTRY] = {"journal_entry", ff_native_journal_entry},
    [FF_NATIVE_ARROW_META] = {"arrow_meta", ff_native_arrow_meta},
    [FF_NATIVE_ARROW_SCHEMA] = {"arrow_schema", ff_native_arrow_schema},
};

int ff_native_kind_of(const char *name, size_t len)
{
    for (int kind = 0; kind < FF_NATIVE_KINDS; kind++)
        if (strlen(kinds[kind].name) == len && memcmp(kinds[kind].name, name, len) == 0)
            return kind;
    return -1;
}

const char *ff_native_name(enum ff_native_kind kind)
{
    return kinds[kind].name;
}

int ff_native_fail(struct ff_native_item *item, const char *fault)
{
    item->fault = fault;
    return -EUCLEAN;
}

static int fail_short(struct ff_native_item *item)
{
    item->fault = "the archive ends inside it";
    return -ENODATA;
}

/* How many bytes the archive has from offset on. */
static uint64_t left_from(const struct ff_native_item *item, uint64_t offset)
{
    return offset < item->limit ? item->limit - offset : 0;
}

static int need(struct ff_native_item *item, uint64_t offset, size_t len)
{
    item->need_offset = offset;
    item->need_len = len;
    return FF_DECODE_NEED;
}

/* What the window has from offset on, but nothing that stands behind the limit. */
static size_t peek_at(const struct ff_native_item *item, const struct ff_window *window,
                      uint64_t offset, const uint8_t **ret_bytes)
{
    *ret_bytes = NULL;
    if (offset < window->offset || offset - window->offset >= window->len)
        return 0;
    size_t at = (size_t)(offset - window->offset), len = window->len - at;
    uint64_t left = left_from(item, offset);
    *ret_bytes = window->bytes + at;
    return len < left ? len : (size_t)left;
}

size_t ff_native_peek(const struct ff_native_item *item, const struct ff_window *window,
                      const uint8_t **ret_bytes)
{
    return peek_at(item, window, item->pos, ret_bytes);
}

int ff_native_need(struct ff_native_item *item, size_t have, size_t max)
{
    uint64_t left = left_from(item, item->pos);
    if (left <= have)
        return fail_short(item);
    return need(item, item->pos, left < max ? (size_t)left : max);
}

int ff_native_read(struct ff_native_item *item, const struct ff_window *window, uint64_t offset,
                   size_t len, const uint8_t **ret_bytes)
{
    if (peek_at(item, window, offset, ret_bytes) >= len)
        return FF_DECODE_DONE;
    if (left_from(item, offset) < len)
        return fail_short(item);
    return need(item, offset, len);
}

int ff_native_advance(struct ff_native_item *item, size_t taken, uint64_t skip)
{
    /* Bytes that were seen are no further than this. */
    if (skip > FF_OFFSET_MAX - item->pos - taken)
        return ff_native_fail(item, "a length goes past the end of any archive");
    item->pos += taken;
    item->skip = skip;
    return FF_NATIVE_STEP;
}

/* Passes over what the last step asked to. */
static int pass(struct ff_native_item *item, const struct ff_window *window)
{
    if (item->skip == 0)
        return FF_DECODE_DONE;
    if (left_from(item, item->pos) < item->skip)
        return fail_short(item);
    uint64_t end = item->pos + item->skip;
    bool is_seen = window->len > 0 && end <= window->offset + window->len;
    if ((item->limit == UNKNOWN || item->unseen) && !is_seen)
        return need(item, end - 1, 1);
    item->pos = end;
    item->skip = 0;
    return FF_DECODE_DONE;
}

int ff_native_decode(enum ff_native_kind kind, struct ff_native_item *item,
                     const struct ff_window *window)
{
    int r;

    do {
        r = pass(item, window);
        if (r == FF_DECODE_DONE)
            r = kinds[kind].step(item, window);
    } while (r == FF_NATIVE_STEP);
    return r;
}
