/* Names taken out of text that others may read: each becomes "#" and a short hash, the same in
 * every process, so that lines about different names can still be told apart. */
#ifndef FF_BASE_REDACT_H
#define FF_BASE_REDACT_H

#include <stddef.h>

/* "#" and the first 10 hexadecimal digits of the name's XXH64, which `xxhsum -H1` prints. It hides
 * a name from those who read, not from those who can guess it. */
#define FF_REDACT_HASH_LEN 11

/* A path that a message had no room for is found by so many of its first bytes. */
#define FF_REDACT_CUT_BYTES 64

struct ff_redact_name;

/* {0} is one that hides nothing. */
struct ff_redact {
    struct ff_redact_name *names;
    size_t count;
};

/* Hides this name from now on, as it is and as ff_escape() writes it; an empty one is ignored. The
 * text is copied. -ENOMEM. */
int ff_redact_add(struct ff_redact *redact, const char *name);
void ff_redact_done(struct ff_redact *redact);

/* Copies text to out, NUL-terminated and cut to out_size - 1 bytes, with a hash for each name,
 * where several would do for the longest. A name is found where it is a word, or several: "a" is
 * not in "at". Of a name that begins with '/' also the beginning counts, at the end of the text or
 * when it is FF_REDACT_CUT_BYTES long. out_size >= 1. */
void ff_redact_text(const struct ff_redact *redact, const char *text, char *out, size_t out_size);

#endif
