/* What a struct ff_format is, for the layers that decode with it. */
#ifndef FF_FORMAT_FORMAT_H
#define FF_FORMAT_FORMAT_H

#include <framefs/format.h>

#include "format/layout.h"

#define FF_FORMAT_NAME_BYTES      64
#define FF_FORMAT_TITLE_BYTES     61 /* 60 and the NUL, as the others */
#define FF_FORMAT_ABOUT_BYTES     161
#define FF_FORMAT_SPEC_BYTES      161
#define FF_FORMAT_EXTENSION_BYTES 24

struct ff_format {
    struct ff_layout layout;
    bool none;    /* ff_format_none(): no frame at all */
    bool generic; /* fits many files by chance */
    enum ff_content content;
    char name[FF_FORMAT_NAME_BYTES];
    char title[FF_FORMAT_TITLE_BYTES];
    char about[FF_FORMAT_ABOUT_BYTES];
    char spec[FF_FORMAT_SPEC_BYTES];
    char extension[FF_FORMAT_EXTENSION_BYTES];
    char *text; /* the description as INI lines; owned */
};

/* A format from the lines of an INI section, without its heading, which stands in that line; name
 * is at most FF_FORMAT_NAME_BYTES - 1 long. The error's text begins with "line N: ". -EINVAL,
 * -EOVERFLOW, -ENOMEM. */
int ff_section_compile(const char *name, const char *text, size_t len, unsigned int line,
                       struct ff_format **ret_format, struct ff_error *error);

/* The format at that index of a set, not NULL, that has no fault: compiled once, it stays the
 * set's. May be called by several threads at once. -ENOMEM. */
int ff_formats_borrow(const struct ff_formats *formats, size_t index,
                      const struct ff_format **ret_format, struct ff_error *error);

/* A section of presets.ini: its name and the lines after its heading. Generated. */
struct ff_preset {
    const char *name;
    const char *text;
};

extern const struct ff_preset ff_presets[];
extern const size_t ff_preset_count;

#endif
