/* The checksums that descriptions know, over bytes that come in pieces. */
#ifndef FF_FORMAT_CHECKSUM_H
#define FF_FORMAT_CHECKSUM_H

#include <md5.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The state is embedded, so its size must be known. */
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include "format/layout.h"

#define FF_CHECKSUM_MAX_BYTES 16

struct ff_checksum {
    enum ff_checksum_kind kind;
    union {
        uint32_t sum;
        MD5_CTX md5;
        XXH64_state_t xxh64;
    } state;
};

void ff_checksum_init(struct ff_checksum *checksum, enum ff_checksum_kind kind);
void ff_checksum_update(struct ff_checksum *checksum, const void *buf, size_t len);

/* The sum of all kinds but MD5 as a number. crc32c-masked is the masked form of TFRecord and
 * LevelDB: rotated right by 15 bits, plus 0xa282ead8. */
uint64_t ff_checksum_number(struct ff_checksum *checksum);

/* Whether a stored integer of width bytes, signed or not, is that number. */
bool ff_checksum_equals(struct ff_checksum *checksum, unsigned int width, ff_value stored);

/* MD5's 16 bytes. */
void ff_checksum_bytes(struct ff_checksum *checksum, uint8_t ret_bytes[FF_CHECKSUM_MAX_BYTES]);

const char *ff_checksum_name(enum ff_checksum_kind kind);

#endif
