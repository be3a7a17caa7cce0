#include "base/redact.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/units.h"

struct ff_redact_name {
    char *text;
    char hash[FF_REDACT_HASH_LEN + 1];
};

/* A byte becomes \xHH at most. */
#define ESCAPED_BYTES_MAX 4

static int add_text(struct ff_redact *redact, const char *text, const char *hashed)
{
    struct ff_redact_name *names =
        reallocarray(redact->names, redact->count + 1, sizeof(*redact->names));
    if (!names)
        return -ENOMEM;
    redact->names = names;
    struct ff_redact_name *name = &names[redact->count];
    name->text = strdup(text);
    if (!name->text)
        return -ENOMEM;
    snprintf(name->hash, sizeof(name->hash), "#%010" PRIx64,
             XXH64(hashed, strlen(hashed), 0) >> 24);
    redact->count++;
    return 0;
}

int ff_redact_add(struct ff_redact *redact, const char *name)
{
    size_t len = strlen(name), escaped_size = ESCAPED_BYTES_MAX * len + 1;

    if (len == 0)
        return 0;
    FF_CLEANUP(free) char *escaped = malloc(escaped_size);
    if (!escaped)
        return -ENOMEM;
    ff_escape(escaped, escaped_size, name, len);
    int r = add_text(redact, name, name);
    if (r == 0 && strcmp(escaped, name) != 0)
        r = add_text(redact, escaped, name);
    return r;
}

void ff_redact_done(struct ff_redact *redact)
{
    for (size_t i = 0; i < redact->count; i++)
        free(redact->names[i].text);
    free(redact->names);
    *redact = (struct ff_redact){0};
}

/* Of a word; all of UTF-8's longer characters count. */
static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           (unsigned char)c >= 0x80;
}

/* How much of the text that begins after the byte before is this name; 0 for none of it. */
static size_t match(const char *name, char before, const char *text)
{
    size_t len = 0;

    if (is_word(before) && is_word(name[0]))
        return 0;
    while (name[len] && name[len] == text[len])
        len++;
    if (!name[len])
        return is_word(name[len - 1]) && is_word(text[len]) ? 0 : len;
    bool is_cut = len >= FF_REDACT_CUT_BYTES || (len > 1 && !text[len]);
    return name[0] == '/' && is_cut ? len : 0;
}

static const struct ff_redact_name *find(const struct ff_redact *redact, char before,
                                         const char *text, size_t *ret_len)
{
    const struct ff_redact_name *found = NULL;

    *ret_len = 0;
    for (size_t i = 0; i < redact->count; i++) {
        size_t len = match(redact->names[i].text, before, text);
        if (len > *ret_len) {
            *ret_len = len;
            found = &redact->names[i];
        }
    }
    return found;
}

void ff_redact_text(const struct ff_redact *redact, const char *text, char *out, size_t out_size)
{
    char before = ' ';
    size_t used = 0, len;

    while (*text && used + 1 < out_size) {
        const struct ff_redact_name *name = find(redact, before, text, &len);
        if (!name) {
            before = *text++;
            out[used++] = before;
            continue;
        }
        before = text[len - 1];
        text += len;
        for (const char *hash = name->hash; *hash && used + 1 < out_size; hash++)
            out[used++] = *hash;
    }
    out[used] = '\0';
}
