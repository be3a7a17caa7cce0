/* A source over bytes that the caller holds. */
#include <errno.h>
#include <framefs/source.h>
#include <stdlib.h>
#include <string.h>

struct ff_source_memory {
    struct ff_source source;
    const uint8_t *buf;
    size_t len;
};

static ssize_t memory_pread(struct ff_source *source, void *buf, size_t len, uint64_t offset)
{
    struct ff_source_memory *memory = (struct ff_source_memory *)source;

    if (len == 0 || offset >= memory->len)
        return 0;
    if (len > memory->len - offset)
        len = memory->len - (size_t)offset;
    memcpy(buf, memory->buf + offset, len);
    return (ssize_t)len;
}

static int memory_stat(struct ff_source *source, struct ff_source_stat *ret_stat)
{
    struct ff_source_memory *memory = (struct ff_source_memory *)source;

    *ret_stat = (struct ff_source_stat){.size = memory->len};
    return 0;
}

static int memory_check(struct ff_source *source)
{
    (void)source;
    return 0;
}

static void memory_close(struct ff_source *source)
{
    free(source);
}

static const struct ff_source_ops memory_ops = {
    .pread = memory_pread,
    .stat = memory_stat,
    .check = memory_check,
    .close = memory_close,
};

int ff_source_open_memory(const void *buf, size_t len, struct ff_source **ret_source,
                          struct ff_error *error)
{
    struct ff_source_memory *memory = malloc(sizeof(*memory));
    if (!memory)
        return ff_error_set(error, -ENOMEM, "out of memory");
    *memory = (struct ff_source_memory){.source.ops = &memory_ops, .buf = buf, .len = len};
    *ret_source = &memory->source;
    return 0;
}
