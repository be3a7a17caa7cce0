#include <errno.h>
#include <framefs/synth.h>
#include <inttypes.h>
#include <string.h>

#include "base/units.h"
#include "synth/fill.h"

#define BLOCK_BYTES FF_FILL_BLOCK_BYTES
#define MATCH_BYTES 4096

/* Whole blocks, from the one that begins at offset. */
static void fill(const struct ff_synth *synth, uint8_t *buf, size_t blocks, uint64_t offset)
{
    switch (synth->kind) {
    case FF_SYNTH_COUNTER:
        ff_fill_counter(buf, blocks, offset);
        break;
    case FF_SYNTH_LINES:
        ff_fill_lines(buf, blocks, offset);
        break;
    case FF_SYNTH_BYTE:
        memset(buf, (int)(uint8_t)synth->value, blocks * BLOCK_BYTES);
        break;
    case FF_SYNTH_RANDOM:
        ff_fill_random(buf, blocks, offset, synth->value);
        break;
    }
}

size_t ff_synth_read(const struct ff_synth *synth, void *buf, size_t len, uint64_t offset)
{
    uint8_t *out = buf;
    uint8_t block[BLOCK_BYTES];

    if (offset >= synth->size)
        return 0;
    if (len > synth->size - offset)
        len = (size_t)(synth->size - offset);

    size_t left = len;
    size_t skip = offset % BLOCK_BYTES;
    if (skip && left) {
        size_t part = BLOCK_BYTES - skip < left ? BLOCK_BYTES - skip : left;
        fill(synth, block, 1, offset - skip);
        memcpy(out, block + skip, part);
        out += part;
        offset += part;
        left -= part;
    }
    size_t blocks = left / BLOCK_BYTES;
    fill(synth, out, blocks, offset);
    out += blocks * BLOCK_BYTES;
    offset += blocks * BLOCK_BYTES;
    left %= BLOCK_BYTES;
    if (left) {
        fill(synth, block, 1, offset);
        memcpy(out, block, left);
    }
    return len;
}

size_t ff_synth_match(const struct ff_synth *synth, const void *buf, size_t len, uint64_t offset)
{
    const uint8_t *given = buf;
    uint8_t right[MATCH_BYTES];
    size_t done = 0;

    while (done < len) {
        size_t n = len - done < sizeof(right) ? len - done : sizeof(right);
        n = ff_synth_read(synth, right, n, offset + done);
        if (n == 0)
            break;
        if (memcmp(given + done, right, n) != 0) {
            size_t i = 0;
            while (given[done + i] == right[i])
                i++;
            return done + i;
        }
        done += n;
    }
    return done;
}

static const struct {
    const char *name;
    enum ff_synth_kind kind;
    const char *value; /* what it is called; NULL where there is none */
    uint64_t value_max;
} patterns[] = {
    {"counter", FF_SYNTH_COUNTER, NULL, 0},
    {"lines", FF_SYNTH_LINES, NULL, 0},
    {"byte", FF_SYNTH_BYTE, "V", UINT8_MAX},
    {"random", FF_SYNTH_RANDOM, "SEED", UINT64_MAX},
};

#define PATTERN_COUNT      (sizeof(patterns) / sizeof(patterns[0]))
#define PATTERN_LIST       "counter, lines, byte:V, random:SEED"
#define PATTERN_NAME_BYTES 32
#define SHOWN_BYTES        128

static const char *shown(char out[SHOWN_BYTES], const char *text)
{
    ff_escape(out, SHOWN_BYTES, text, strlen(text));
    return out;
}

/* Decimal, or hexadecimal after 0x. */
static int parse_value(const char *text, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (text[0] != '0' || (text[1] != 'x' && text[1] != 'X'))
        return ff_parse_u64(text, ret_value);
    for (text += 2;; text++) {
        unsigned int digit;
        if (*text >= '0' && *text <= '9')
            digit = (unsigned int)(*text - '0');
        else if ((*text | 0x20) >= 'a' && (*text | 0x20) <= 'f')
            digit = (unsigned int)((*text | 0x20) - 'a') + 10;
        else
            return -EINVAL;
        if (value >> 60)
            return -ERANGE;
        value = value << 4 | digit;
        if (!text[1])
            break;
    }
    *ret_value = value;
    return 0;
}

static int refuse_pattern(const char *text, const char *name, struct ff_error *error)
{
    const char *names[PATTERN_COUNT + 1] = {NULL};
    char out[SHOWN_BYTES];

    for (size_t i = 0; i < PATTERN_COUNT; i++)
        names[i] = patterns[i].name;
    const char *nearest = ff_nearest(name, names);
    return ff_error_set(error, -EINVAL, "no pattern is named \"%s\"%s%s%s; patterns: " PATTERN_LIST,
                        shown(out, text), nearest ? "; did you mean \"" : "",
                        nearest ? nearest : "", nearest ? "\"?" : "");
}

int ff_synth_parse_pattern(const char *text, uint64_t size, struct ff_synth *ret_synth,
                           struct ff_error *error)
{
    const char *colon = strchr(text, ':');
    size_t name_len = colon ? (size_t)(colon - text) : strlen(text);
    char name[PATTERN_NAME_BYTES] = "";
    char out[SHOWN_BYTES];
    uint64_t value = 0;
    size_t i = 0;

    if (size > FF_SYNTH_SIZE_MAX)
        return ff_error_set(error, -ERANGE,
                            "size %" PRIu64 " is too large: the limit is %" PRIu64 " bytes", size,
                            FF_SYNTH_SIZE_MAX);
    if (name_len < sizeof(name))
        memcpy(name, text, name_len);
    while (i < PATTERN_COUNT && strcmp(name, patterns[i].name) != 0)
        i++;
    if (i == PATTERN_COUNT)
        return refuse_pattern(text, name, error);
    if (!patterns[i].value && colon)
        return ff_error_set(error, -EINVAL, "pattern \"%s\" takes no value", patterns[i].name);
    if (patterns[i].value) {
        int r = colon ? parse_value(colon + 1, &value) : -EINVAL;
        if (r < 0 || value > patterns[i].value_max)
            return ff_error_set(error, r < 0 ? r : -ERANGE,
                                "pattern \"%s\": it is %s:%s, with %s from 0 to %" PRIu64
                                ", decimal or 0x hexadecimal",
                                shown(out, text), patterns[i].name, patterns[i].value,
                                patterns[i].value, patterns[i].value_max);
    }
    *ret_synth = (struct ff_synth){.size = size, .kind = patterns[i].kind, .value = value};
    return 0;
}

int ff_synth_parse(const char *text, struct ff_synth *ret_synth, struct ff_error *error)
{
    const char *colon = strchr(text, ':');
    size_t size_len = colon ? (size_t)(colon - text) : strlen(text);
    char size_text[SHOWN_BYTES] = "";
    char out[SHOWN_BYTES];
    uint64_t size = 0;
    int r = -EINVAL;

    if (size_len < sizeof(size_text)) {
        memcpy(size_text, text, size_len);
        r = ff_parse_size(size_text, &size);
    }
    if (r == -ERANGE)
        return ff_error_set(error, r, "size %s is too large: the limit is %" PRIu64 " bytes",
                            shown(out, size_text), FF_SYNTH_SIZE_MAX);
    if (r < 0)
        return ff_error_set(error, -EINVAL,
                            "\"%s\" is no SIZE[:PATTERN], as 1T, 100M:lines or 4096:byte:0x61",
                            shown(out, text));
    return ff_synth_parse_pattern(colon ? colon + 1 : "counter", size, ret_synth, error);
}
