#include "archive/ahead.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "archive/internal.h"

/* The kernel copies fastest where a byte lies at the same place in a page as in the file. */
#define PAGE_BYTES ((size_t)4096)

int ff_ahead_init(struct ff_ahead *ahead)
{
    *ahead = (struct ff_ahead){.buf = aligned_alloc(PAGE_BYTES, FF_AHEAD_BYTES + PAGE_BYTES)};
    return ahead->buf ? 0 : -ENOMEM;
}

void ff_ahead_done(struct ff_ahead *ahead)
{
    free(ahead->buf);
    ahead->buf = NULL;
}

void ff_ahead_begin(struct ff_ahead *ahead, struct ff_archive *archive, uint64_t until)
{
    ahead->archive = archive;
    ahead->until = until;
    ahead->len = 0;
}

static bool has_bytes(const struct ff_ahead *ahead, const struct ff_extent *extent)
{
    return extent->offset >= ahead->offset && extent->offset - ahead->offset <= ahead->len &&
           extent->len <= ahead->len - (extent->offset - ahead->offset);
}

static int fill(struct ff_ahead *ahead, const struct ff_extent *extent)
{
    struct ff_source *source = ahead->archive->source;
    uint64_t len = extent->len;

    if (ahead->until > extent->offset && ahead->until - extent->offset > len)
        len = ahead->until - extent->offset;
    if (len > FF_AHEAD_BYTES)
        len = FF_AHEAD_BYTES;
    uint8_t *place = ahead->buf + extent->offset % PAGE_BYTES;
    ahead->len = 0;
    ssize_t got = ff_source_read_full(source, place, (size_t)len, extent->offset);
    int r = got < 0 ? (int)got : source->ops->check(source);
    if (r < 0)
        return r;
    ahead->bytes = place;
    ahead->offset = extent->offset;
    ahead->len = (size_t)got;
    return has_bytes(ahead, extent) ? 0 : -ENODATA;
}

/* What is no single stretch of the archive is put together as for a read. */
static int read_view(struct ff_ahead *ahead, const struct ff_view *view, const void **ret_bytes)
{
    struct ff_error error = {0};

    ahead->len = 0;
    ssize_t got = ff_view_read(ahead->archive, view, ahead->buf, (size_t)view->len, 0, &error);
    if (got < 0)
        return (int)got;
    *ret_bytes = ahead->buf;
    return (size_t)got == view->len ? 0 : -ENODATA;
}

int ff_ahead_view(struct ff_ahead *ahead, const struct ff_view *view, const void **ret_bytes)
{
    const struct ff_extent *extent = &view->extent[0];
    struct ff_error error = {0};
    int r = 0;

    assert(view->len <= FF_AHEAD_BYTES);
    if (view->extents != 1 || extent->kind != FF_EXTENT_BYTES)
        return read_view(ahead, view, ret_bytes);
    if (ahead->archive->verify_reads && view->record.number != UINT64_MAX)
        r = ff_archive_check_read(ahead->archive, &view->record, &error);
    if (r == 0 && !has_bytes(ahead, extent))
        r = fill(ahead, extent);
    if (r < 0)
        return r;
    *ret_bytes = ahead->bytes + (size_t)(extent->offset - ahead->offset);
    return 0;
}
