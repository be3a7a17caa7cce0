/* Files that are no framed archives, but that many people will try: what they are, and what to do
 * with them. Pure. */
#ifndef FF_FORMAT_KNOWN_H
#define FF_FORMAT_KNOWN_H

#include <framefs/detect.h>

struct ff_known {
    const char *what; /* "a ZIP archive" */
    const char *how;  /* "unzip it first"; or NULL */
};

/* What the head's first bytes say; NULL when they say nothing. */
const struct ff_known *ff_known_find(const struct ff_head *head);

#endif
