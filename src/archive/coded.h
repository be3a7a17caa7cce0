/* Numbers and bytes one after the other, as index files have them: numbers as varints (pack.h). */
#ifndef FF_ARCHIVE_CODED_H
#define FF_ARCHIVE_CODED_H

#include <stdbool.h>

#include "index/pack.h"

static inline uint8_t *ff_coded_put(uint8_t *at, uint64_t value)
{
    return at + ff_pack_varint_write(at, value);
}

static inline uint8_t *ff_coded_put_bytes(uint8_t *at, const void *bytes, size_t len)
{
    memcpy(at, bytes, len);
    return at + len;
}

struct ff_coded {
    const uint8_t *buf;
    size_t len;
    bool wrong; /* something was cut short, or out of range */
};

/* The next number; 0 and wrong when there is none, or it is more than max. */
static inline uint64_t ff_coded_get(struct ff_coded *coded, uint64_t max)
{
    uint64_t value = 0;
    size_t len = ff_pack_varint_read(coded->buf, coded->len, &value);

    if (len == 0 || value > max) {
        coded->wrong = true;
        return 0;
    }
    coded->buf += len;
    coded->len -= len;
    return value;
}

/* The next len bytes, or NULL and wrong. */
static inline const uint8_t *ff_coded_get_bytes(struct ff_coded *coded, size_t len)
{
    const uint8_t *bytes = coded->buf;

    if (coded->wrong || len > coded->len) {
        coded->wrong = true;
        return NULL;
    }
    coded->buf += len;
    coded->len -= len;
    return bytes;
}

#endif
