/* Any bytes are a block of header lines, the beginning of one, or none, and how many bytes more are
 * given does not matter. Each line of a block is found by its name, in any case; values lie inside
 * it. Values, and the bytes themselves, are dates within their years or none. */
#include <string.h>

#include "format/date.h"
#include "format/headers.h"
#include "fuzz.h"

#define NAME_BYTES_MAX 64

/* A copy of exact size, so that a sanitizer sees a read outside. */
static uint8_t *copy_of(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    FUZZ_CHECK(copy);
    memcpy(copy, bytes, len);
    return copy;
}

static enum ff_headers_result end_of(const uint8_t *bytes, size_t len, size_t *ret_len)
{
    uint8_t *copy = copy_of(bytes, len);
    *ret_len = SIZE_MAX;
    enum ff_headers_result result = ff_headers_end(copy, len, ret_len);
    FUZZ_CHECK(result == FF_HEADERS_MORE ? *ret_len == SIZE_MAX : *ret_len <= len);
    free(copy);
    return result;
}

static void parse_date(const uint8_t *bytes, size_t len)
{
    struct ff_date date = {.seconds = INT64_MAX, .ns = UINT32_MAX};
    uint8_t *copy = copy_of(bytes, len);
    if (ff_date_parse((const char *)copy, len, &date)) {
        FUZZ_CHECK(date.seconds >= -INT64_C(62167219200) && date.seconds < INT64_C(253402300800));
        FUZZ_CHECK(date.ns < 1000000000);
        FUZZ_CHECK(!memchr(copy, '\0', len));
    } else {
        FUZZ_CHECK(date.seconds == INT64_MAX && date.ns == UINT32_MAX);
    }
    free(copy);
}

/* The line at `line` is found by its name, or one before it with the same. */
static void find_line(const uint8_t *block, size_t len, size_t line, size_t name_len)
{
    char name[NAME_BYTES_MAX];
    size_t start, value_len, other_start, other_len;

    memcpy(name, block + line, name_len);
    unsigned int count = ff_headers_find(block, len, name, name_len, &start, &value_len);
    FUZZ_CHECK(count > 0);
    FUZZ_CHECK(start > name_len && start <= len && value_len <= len - start);
    for (size_t i = 0; i < name_len; i++)
        if (name[i] >= 'a' && name[i] <= 'z')
            name[i] = (char)(name[i] - 'a' + 'A');
    FUZZ_CHECK(ff_headers_find(block, len, name, name_len, &other_start, &other_len) == count);
    FUZZ_CHECK(start == other_start && value_len == other_len);
    parse_date(block + start, value_len);
}

static void find_lines(const uint8_t *bytes, size_t len)
{
    uint8_t *block = copy_of(bytes, len);
    for (size_t line = 0; line < len;) {
        const uint8_t *newline = memchr(block + line, '\n', len - line);
        FUZZ_CHECK(newline);
        size_t next = (size_t)(newline - block) + 1;
        const uint8_t *colon = memchr(block + line, ':', next - line);
        size_t name_len = colon ? (size_t)(colon - block) - line : 0;
        if (colon && block[line] != ' ' && block[line] != '\t' && name_len <= NAME_BYTES_MAX)
            find_line(block, len, line, name_len);
        line = next;
    }
    free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t len, shorter_len;
    enum ff_headers_result result = end_of(data, size, &len), shorter;

    /* Fewer bytes tell the same, or that there must be more. */
    size_t step = size / 64 + 1;
    for (size_t given = 0; given < size; given += step) {
        shorter = end_of(data, given, &shorter_len);
        FUZZ_CHECK(shorter == FF_HEADERS_MORE || (shorter == result && shorter_len == len));
    }
    if (result == FF_HEADERS_DONE) {
        FUZZ_CHECK(len > 0 && data[len - 1] == '\n');
        FUZZ_CHECK(end_of(data, len - 1, &shorter_len) == FF_HEADERS_MORE);
        FUZZ_CHECK(end_of(data, len, &shorter_len) == result && shorter_len == len);
        find_lines(data, len);
    }
    parse_date(data, size);
    return 0;
}
