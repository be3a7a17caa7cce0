/* What a struct ff_format is, for the layers that decode with it. */
#ifndef FF_FORMAT_FORMAT_H
#define FF_FORMAT_FORMAT_H

#include <framefs/format.h>

#include "format/layout.h"

#define FF_FORMAT_NAME_BYTES      64
#define FF_FORMAT_ABOUT_BYTES     160
#define FF_FORMAT_EXTENSION_BYTES 24

struct ff_format {
    struct ff_layout layout;
    bool none;    /* ff_format_none(): no frame at all */
    bool generic; /* fits many files by chance */
    enum ff_content content;
    char name[FF_FORMAT_NAME_BYTES];
    char about[FF_FORMAT_ABOUT_BYTES];
    char extension[FF_FORMAT_EXTENSION_BYTES];
    char *text; /* the description as INI lines; owned */
};

/* The section `name` of an INI text; -ENOENT when there is none. */
int ff_preset_load(const char *ini, const char *name, struct ff_format **ret_format,
                   struct ff_error *error);

/* A section of presets.ini: its name and its lines. Generated. */
struct ff_preset {
    const char *name;
    const char *ini;
};

extern const struct ff_preset ff_presets[];
extern const size_t ff_preset_count;

#endif
