#include "format/checksum.h"

#include <isa-l/crc.h>
#include <limits.h>
#include <zlib.h>

void ff_checksum_init(struct ff_checksum *checksum, enum ff_checksum_kind kind)
{
    checksum->kind = kind;
    checksum->state.sum = 0;
    if (kind == FF_CHECKSUM_CRC32C || kind == FF_CHECKSUM_CRC32C_MASKED)
        checksum->state.sum = UINT32_MAX; /* isa-l leaves the inversions to the caller */
    else if (kind == FF_CHECKSUM_ADLER32)
        checksum->state.sum = 1;
    else if (kind == FF_CHECKSUM_MD5)
        MD5Init(&checksum->state.md5);
    else if (kind == FF_CHECKSUM_XXH64)
        XXH64_reset(&checksum->state.xxh64, 0);
}

/* len fits the int that the libraries take. */
static void update_piece(struct ff_checksum *checksum, const unsigned char *bytes, size_t len)
{
    uint32_t *sum = &checksum->state.sum;

    switch (checksum->kind) {
    case FF_CHECKSUM_NONE:
        break;
    case FF_CHECKSUM_CRC32:
        *sum = crc32_gzip_refl(*sum, bytes, len);
        break;
    case FF_CHECKSUM_CRC32C:
    case FF_CHECKSUM_CRC32C_MASKED:
        /* The library's prototype lacks the const. */
        *sum = crc32_iscsi((unsigned char *)(uintptr_t)bytes, (int)len, *sum);
        break;
    case FF_CHECKSUM_ADLER32:
        *sum = (uint32_t)adler32(*sum, bytes, (uInt)len);
        break;
    case FF_CHECKSUM_SUM32:
        for (size_t i = 0; i < len; i++)
            *sum += bytes[i];
        break;
    case FF_CHECKSUM_MD5:
        MD5Update(&checksum->state.md5, bytes, len);
        break;
    case FF_CHECKSUM_XXH64:
        XXH64_update(&checksum->state.xxh64, bytes, len);
        break;
    }
}

void ff_checksum_update(struct ff_checksum *checksum, const void *buf, size_t len)
{
    const unsigned char *bytes = buf;

    while (len) {
        size_t piece = len < INT_MAX ? len : INT_MAX;
        update_piece(checksum, bytes, piece);
        bytes += piece;
        len -= piece;
    }
}

uint64_t ff_checksum_number(struct ff_checksum *checksum)
{
    uint32_t sum = checksum->state.sum;

    switch (checksum->kind) {
    case FF_CHECKSUM_CRC32C:
        return ~sum;
    case FF_CHECKSUM_CRC32C_MASKED:
        sum = ~sum;
        return (uint32_t)((sum >> 15 | sum << 17) + UINT32_C(0xa282ead8));
    case FF_CHECKSUM_XXH64:
        return XXH64_digest(&checksum->state.xxh64);
    default:
        return sum;
    }
}

bool ff_checksum_equals(struct ff_checksum *checksum, unsigned int width, ff_value stored)
{
    unsigned int unused = 64 - 8 * width;
    return (uint64_t)stored << unused == ff_checksum_number(checksum) << unused;
}

void ff_checksum_bytes(struct ff_checksum *checksum, uint8_t ret_bytes[FF_CHECKSUM_MAX_BYTES])
{
    MD5Final(ret_bytes, &checksum->state.md5);
}

const char *ff_checksum_name(enum ff_checksum_kind kind)
{
    static const char *const names[] = {"none",    "crc32", "crc32c", "crc32c-masked",
                                        "adler32", "sum32", "md5",    "xxh64"};
    return names[kind];
}
