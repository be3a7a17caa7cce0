#include "archive/index_bind.h"

#include <errno.h>
#include <string.h>
#include <xxhash.h>

#include "base/load.h"
#include "base/units.h"

#define NS_MAX  999999999
#define NUMBERS 6

/* Reads len bytes at offset to *at, which moves on. */
static int sample(struct ff_source *source, uint8_t **at, size_t len, uint64_t offset)
{
    ssize_t got = ff_source_read_full(source, *at, len, offset);

    if (got < 0)
        return (int)got;
    *at += len;
    return (size_t)got < len ? -ENODATA : 0;
}

static int hash_samples(struct ff_source *source, uint64_t archive_bytes, uint64_t *ret_hash)
{
    uint8_t bytes[FF_BIND_BYTES], *at = bytes;
    int r;

    if (archive_bytes <= sizeof(bytes)) {
        r = sample(source, &at, (size_t)archive_bytes, 0);
    } else {
        const uint64_t step = (archive_bytes - FF_BIND_SAMPLE_BYTES) / (FF_BIND_SAMPLES + 1);
        r = sample(source, &at, FF_BIND_EDGE_BYTES, 0);
        for (unsigned int i = 1; r == 0 && i <= FF_BIND_SAMPLES; i++)
            r = sample(source, &at, FF_BIND_SAMPLE_BYTES, i * step);
        if (r == 0)
            r = sample(source, &at, FF_BIND_EDGE_BYTES, archive_bytes - FF_BIND_EDGE_BYTES);
    }
    if (r == 0)
        *ret_hash = XXH3_64bits(bytes, (size_t)(at - bytes));
    return r;
}

int ff_index_bind(struct ff_source *source, const struct ff_format *format, uint64_t archive_bytes,
                  struct timespec mtime, struct ff_index_binding *ret_binding)
{
    struct ff_index_binding binding = {
        .results = FF_INDEX_RESULTS,
        .archive_bytes = archive_bytes,
        .mtime = mtime,
        .description = XXH3_64bits(format->text, strlen(format->text)),
    };

    memcpy(binding.format, format->name, sizeof(binding.format));
    int r = hash_samples(source, archive_bytes, &binding.samples);
    if (r == 0)
        *ret_binding = binding;
    return r;
}

void ff_index_binding_encode(uint8_t buf[FF_BINDING_BYTES], const struct ff_index_binding *binding)
{
    const uint64_t numbers[NUMBERS] = {
        binding->results,
        binding->archive_bytes,
        (uint64_t)binding->mtime.tv_sec,
        (uint64_t)binding->mtime.tv_nsec,
        binding->samples,
        binding->description,
    };

    for (unsigned int i = 0; i < NUMBERS; i++)
        ff_store_le(buf + (size_t)i * 8, numbers[i], 8);
    memcpy(buf + NUMBERS * 8, binding->format, FF_FORMAT_NAME_BYTES);
}

int ff_index_binding_decode(const uint8_t *buf, uint64_t len, struct ff_index_binding *ret_binding)
{
    uint64_t numbers[NUMBERS];
    const char *name = (const char *)buf + NUMBERS * 8;

    if (len != FF_BINDING_BYTES)
        return -EUCLEAN;
    for (unsigned int i = 0; i < NUMBERS; i++)
        numbers[i] = ff_load_le(buf + (size_t)i * 8, 8);
    size_t name_len = strnlen(name, FF_FORMAT_NAME_BYTES);
    if (numbers[1] > INT64_MAX || numbers[3] > NS_MAX || name_len == FF_FORMAT_NAME_BYTES ||
        !ff_is_printable(name, name_len))
        return -EUCLEAN;
    *ret_binding = (struct ff_index_binding){
        .results = numbers[0],
        .archive_bytes = numbers[1],
        .mtime = {.tv_sec = (time_t)numbers[2], .tv_nsec = (long)numbers[3]},
        .samples = numbers[4],
        .description = numbers[5],
    };
    memcpy(ret_binding->format, name, name_len);
    return 0;
}
