#include <framefs/source.h>

ssize_t ff_source_read_full(struct ff_source *source, void *buf, size_t len, uint64_t offset)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = source->ops->pread(source, (char *)buf + done, len - done, offset + done);
        if (n < 0)
            return n;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (ssize_t)done;
}

void ff_source_close(struct ff_source *source)
{
    if (source)
        source->ops->close(source);
}
