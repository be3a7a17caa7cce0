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

/*
 * A set of formats by name: the built-in ones, and those that were added to them. It is changed by
 * ff_formats_add() alone; after that threads may share it. Where a function takes a const set, NULL
 * stands for the built-in formats.
 */
struct ff_formats;

#define FF_FORMATS_TEXT_MAX_BYTES ((size_t)1 << 20) /* of one INI text */
#define FF_FORMATS_ADDED_MAX      1024              /* formats of all of them */

/* The built-in formats, to add others to. -ENOMEM. */
int ff_formats_new(struct ff_formats **ret_formats, struct ff_error *error);
void ff_formats_free(struct ff_formats *formats); /* NULL is fine */

/* Adds the sections of an INI text, [NAME] and its lines as framefs-formats(5) has them; they come
 * before those that are there and replace the ones of the same name. origin, copied, says in
 * messages where the text is from. A section that is wrong is added too: to find it is an error, so
 * that it is not taken for another of its name. Fails with the first that is wrong: -EINVAL,
 * -EOVERFLOW (a limit; nothing was added when it is one of those above), -ENOMEM. */
int ff_formats_add(struct ff_formats *formats, const char *text, size_t len, const char *origin,
                   struct ff_error *error);

/* Of the format at index < ff_formats_count(): strings live as long as the set. */
size_t ff_formats_count(const struct ff_formats *formats);
const char *ff_formats_name(const struct ff_formats *formats, size_t index);
const char *ff_formats_origin(const struct ff_formats *formats, size_t index); /* NULL: built in */
/* What is wrong with it, as ff_formats_find() tells; NULL for nothing. */
const char *ff_formats_fault(const struct ff_formats *formats, size_t index);
/* Whether there is a built-in format of its name that it replaces. */
bool ff_formats_replaces(const struct ff_formats *formats, size_t index);

/* A format by its name; -ENOENT with the nearest name in the text; as ff_formats_add() when it is
 * wrong. */
int ff_formats_find(const struct ff_formats *formats, const char *name,
                    struct ff_format **ret_format, struct ff_error *error);

/* The same of the built-in formats. */
int ff_format_find(const char *name, struct ff_format **ret_format, struct ff_error *error);

/* The format "none" of an empty archive that was not said to be of any format: it has no records.
 */
int ff_format_none(struct ff_format **ret_format, struct ff_error *error);

/* NULL is fine. */
void ff_format_free(struct ff_format *format);

/* Strings live as long as the format. */
const char *ff_format_name(const struct ff_format *format);  /* "custom" for a caller's own */
const char *ff_format_title(const struct ff_format *format); /* a few words, or "" */
const char *ff_format_about(const struct ff_format *format); /* one line, or "" */
const char *ff_format_spec(const struct ff_format *format);  /* where it is specified, or "" */
const char *ff_format_text(const struct ff_format *format);  /* its description, as INI lines */
/* The file name extension, with its dot, that a file of this content carries; "" for none. */
const char *ff_format_extension(const struct ff_format *format, enum ff_content content);
enum ff_content ff_format_content(const struct ff_format *format); /* the default for mounts */

/* Whether headers of the format may tell a record's time, type or name (struct ff_details). True
 * for the format "none", which has no records that would lack them. */
bool ff_format_has_times(const struct ff_format *format);
bool ff_format_has_types(const struct ff_format *format);
bool ff_format_has_names(const struct ff_format *format);

/* The format in words, for a person: what it is, and a table of the fields of each of its parts.
 * origin tells where it is from; NULL to leave that out. To be freed with free(); NULL when memory
 * is short. */
char *ff_format_explain(const struct ff_format *format, const char *origin);

/* "payload", "frame" or "file"; -EINVAL for anything else. */
int ff_content_parse(const char *text, enum ff_content *ret_content);
const char *ff_content_name(enum ff_content content);

#ifdef __cplusplus
}
#endif
#endif
