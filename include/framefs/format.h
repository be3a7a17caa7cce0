/*
 * A format: how one kind of archive is framed. Either one of the built-in descriptions or one
 * that the caller writes (framefs-formats(5) is the language's reference).
 *
 * A format is immutable: threads may share it.
 */
#ifndef FRAMEFS_FORMAT_H
#define FRAMEFS_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <framefs/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ff_format;

/* What a record's file holds. */
enum ff_content {
    FF_CONTENT_PAYLOAD, /* the payload alone */
    FF_CONTENT_FRAME,   /* the whole frame: header, payload, trailer */
    FF_CONTENT_FILE,    /* preamble, frame, postamble: a valid archive of one record */
};

/* Compiles "[preamble ;] record [; postamble]"; a first part that is empty is no preamble. On
 * -EINVAL the error's text shows the description with a caret under the item at fault. */
int ff_format_compile(const char *description, struct ff_format **ret_format,
                      struct ff_error *error);

/* A built-in format by its name; -ENOENT with the nearest names in the text. */
int ff_format_find(const char *name, struct ff_format **ret_format, struct ff_error *error);

/* The format "none" of an empty archive that was not said to be of any format: it has no records.
 */
int ff_format_none(struct ff_format **ret_format, struct ff_error *error);

/* The format of an archive whose first len bytes are at buf and which is size bytes long
 * (FF_SIZE_UNKNOWN where that is not known); len should be 1 MiB where the archive has that much.
 * -ENOENT when no format fits, -ENOTUNIQ when two fit equally well; the text names them.
 * An empty archive is -ENOENT too. */
int ff_format_detect(const void *buf, size_t len, uint64_t size, struct ff_format **ret_format,
                     struct ff_error *error);

/* NULL is fine. */
void ff_format_free(struct ff_format *format);

/* The built-in formats, in the order of the table; index < ff_format_preset_count(). */
size_t ff_format_preset_count(void);
const char *ff_format_preset_name(size_t index);

/* Strings live as long as the format. */
const char *ff_format_name(const struct ff_format *format);  /* "custom" for a caller's own */
const char *ff_format_about(const struct ff_format *format); /* one line, or "" */
const char *ff_format_text(const struct ff_format *format);  /* its description, as INI lines */
/* The file name extension, with its dot, that a file of this content carries; "" for none. */
const char *ff_format_extension(const struct ff_format *format, enum ff_content content);
enum ff_content ff_format_content(const struct ff_format *format); /* the default for mounts */

/* "payload", "frame" or "file"; -EINVAL for anything else. */
int ff_content_parse(const char *text, enum ff_content *ret_content);
const char *ff_content_name(enum ff_content content);

#ifdef __cplusplus
}
#endif
#endif
