#include "cli/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FORMAT_BYTES 4096
#define DIGITS_MAX   40

int ff_output_init(struct ff_output *out, int fd)
{
    *out = (struct ff_output){.fd = fd, .buf = malloc(FF_OUTPUT_BUFFER_BYTES)};
    return out->buf ? 0 : -ENOMEM;
}

void ff_output_done(struct ff_output *out)
{
    free(out->buf);
    out->buf = NULL;
    out->len = 0;
}

static void write_all(struct ff_output *out, const char *buf, size_t len)
{
    while (len > 0 && !out->error) {
        ssize_t written = write(out->fd, buf, len);
        if (written >= 0) {
            buf += written;
            len -= (size_t)written;
        } else if (errno != EINTR) {
            out->error = -errno;
        }
    }
}

int ff_output_flush(struct ff_output *out)
{
    write_all(out, out->buf, out->len);
    out->len = 0;
    return out->error;
}

void ff_output_write(struct ff_output *out, const void *buf, size_t len)
{
    if (len > FF_OUTPUT_BUFFER_BYTES - out->len)
        ff_output_flush(out);
    if (len >= FF_OUTPUT_BUFFER_BYTES) {
        write_all(out, buf, len);
        return;
    }
    memcpy(out->buf + out->len, buf, len);
    out->len += len;
}

void ff_output_text(struct ff_output *out, const char *text)
{
    ff_output_write(out, text, strlen(text));
}

void ff_output_format(struct ff_output *out, const char *format, ...)
{
    char text[FORMAT_BYTES];
    va_list args;

    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (len > 0)
        ff_output_text(out, text);
}

void ff_output_u64(struct ff_output *out, uint64_t value, unsigned int width)
{
    char digits[DIGITS_MAX];
    char *begin = digits + sizeof(digits);

    do {
        *--begin = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    if (width > sizeof(digits))
        width = sizeof(digits);
    while ((size_t)(digits + sizeof(digits) - begin) < width)
        *--begin = ' ';
    ff_output_write(out, begin, (size_t)(digits + sizeof(digits) - begin));
}

void ff_output_column(struct ff_output *out, const char *text, unsigned int width)
{
    unsigned int columns = 0;

    ff_output_text(out, text);
    /* Bytes that continue a UTF-8 character take no column. */
    for (; *text; text++)
        columns += ((unsigned char)*text & 0xc0) != 0x80;
    for (; columns < width; columns++)
        ff_output_write(out, " ", 1);
}

/* How much of the text goes into one line. */
static size_t fold(const char *text, size_t columns)
{
    size_t len = strcspn(text, "\n"), at = len;

    if (len <= columns)
        return len;
    for (at = columns; at > 0 && text[at] != ' ';)
        at--;
    return at > 0 ? at : strcspn(text, " \n");
}

void ff_output_folded(struct ff_output *out, const char *text, unsigned int indent)
{
    while (*text) {
        size_t len = fold(text, FF_OUTPUT_COLUMNS - indent);
        ff_output_write(out, text, len);
        text += len;
        if (*text == '\0')
            break;
        text++;
        ff_output_text(out, "\n");
        if (*text)
            ff_output_column(out, "", indent);
    }
}

void ff_output_json(struct ff_output *out, const char *text)
{
    ff_output_write(out, "\"", 1);
    while (*text) {
        size_t plain = 0;
        while ((unsigned char)text[plain] >= 0x20 && text[plain] != '"' && text[plain] != '\\')
            plain++;
        ff_output_write(out, text, plain);
        text += plain;
        if (*text == '"' || *text == '\\') {
            ff_output_write(out, "\\", 1);
            ff_output_write(out, text++, 1);
        } else if (*text) {
            ff_output_format(out, "\\u%04x", (unsigned int)(unsigned char)*text++);
        }
    }
    ff_output_write(out, "\"", 1);
}
