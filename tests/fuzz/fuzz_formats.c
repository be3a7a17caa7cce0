/* Any text is a file of formats: each section is a format that compiles, can be explained and is
 * the same when it is printed and read again, or it is wrong and its error says why. */
#include <framefs/format.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "fuzz.h"

/* Printable but for these. */
static void check_text(const char *text, const char *blanks)
{
    FUZZ_CHECK(text[0]);
    for (const char *end; *text; text = *end ? end + 1 : end) {
        end = text + strcspn(text, blanks);
        FUZZ_CHECK(ff_is_printable(text, (size_t)(end - text)));
    }
}

static void check_again(const char *name, const struct ff_format *format)
{
    struct ff_formats *formats;
    struct ff_format *again;
    char *text;

    if (asprintf(&text, "[%s]\n%s", name, ff_format_text(format)) < 0)
        return;
    if (ff_formats_new(&formats, NULL) == 0) {
        FUZZ_CHECK(ff_formats_add(formats, text, strlen(text), "again", NULL) == 0);
        FUZZ_CHECK(ff_formats_find(formats, name, &again, NULL) == 0);
        FUZZ_CHECK(strcmp(ff_format_text(format), ff_format_text(again)) == 0);
        ff_format_free(again);
    }
    ff_formats_free(formats);
    free(text);
}

static void check_format(const struct ff_formats *formats, size_t index)
{
    const char *name = ff_formats_name(formats, index), *fault = ff_formats_fault(formats, index);
    struct ff_format *format;
    struct ff_error error = {0};
    int r = ff_formats_find(formats, name, &format, &error);

    FUZZ_CHECK((r < 0) == (fault != NULL));
    if (r < 0) {
        FUZZ_CHECK(strcmp(error.text, fault) == 0);
        check_text(fault, "\n");
        return;
    }
    FUZZ_CHECK(strcmp(ff_format_name(format), name) == 0);
    char *words = ff_format_explain(format, "a file");
    if (words)
        check_text(words, "\n\t");
    free(words);
    check_again(name, format);
    ff_format_free(format);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ff_formats *formats;
    struct ff_error error = {0};
    bool wrong = false;

    if (ff_formats_new(&formats, NULL) < 0)
        return 0;
    int r = ff_formats_add(formats, (const char *)data, size, "a file", &error);
    FUZZ_CHECK(error.code == r);
    for (size_t i = 0; i < ff_formats_count(formats) && ff_formats_origin(formats, i); i++) {
        check_format(formats, i);
        wrong |= ff_formats_fault(formats, i) != NULL;
    }
    FUZZ_CHECK(!wrong || r < 0);
    if (r < 0)
        check_text(error.text, "\n");
    ff_formats_free(formats);
    return 0;
}
