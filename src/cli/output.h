/*
 * Standard output: a large buffer and one place where a failed write is remembered. A command
 * writes on without looking; ff_output_failed() tells it when that has become pointless.
 */
#ifndef FF_CLI_OUTPUT_H
#define FF_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of help: the same in terminals of 80 columns and in pipes. */
#define FF_OUTPUT_COLUMNS 79

#define FF_OUTPUT_BUFFER_BYTES ((size_t)256 << 10)

struct ff_output {
    int fd;
    int error; /* 0, or the negative errno of the first write that failed; nothing is written then
                */
    size_t len;
    char *buf;
};

/* fd stays the caller's. -ENOMEM. */
int ff_output_init(struct ff_output *out, int fd);
void ff_output_done(struct ff_output *out); /* drops what was not flushed */

/* Bytes as they are; what is larger than the buffer goes to fd without a copy. */
void ff_output_write(struct ff_output *out, const void *buf, size_t len);
void ff_output_text(struct ff_output *out, const char *text);
/* At most 4095 bytes of text; for more, ff_output_text(). */
void ff_output_format(struct ff_output *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Decimal, padded with blanks on the left to width (at most 40). Ten times faster than format. */
void ff_output_u64(struct ff_output *out, uint64_t value, unsigned int width);
/* Text, padded with blanks on the right to that many columns (one a character). */
void ff_output_column(struct ff_output *out, const char *text, unsigned int width);
/* Text from column indent on, folded at blanks to lines of FF_OUTPUT_COLUMNS; each further one is
 * indented as far. ASCII; a newline ends a line, and a word that is too long has a line of its own.
 */
void ff_output_folded(struct ff_output *out, const char *text, unsigned int indent);
/* A JSON string with its quotes; text is UTF-8. */
void ff_output_json(struct ff_output *out, const char *text);

/* 0 or out->error. */
int ff_output_flush(struct ff_output *out);

static inline bool ff_output_failed(const struct ff_output *out)
{
    return out->error != 0;
}

#endif
