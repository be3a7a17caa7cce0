/* Any text is a description that compiles or an error with a text; what compiles decodes any bytes
 * without leaving them. */
#include <framefs/format.h>
#include <framefs/record.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/decode.h"
#include "format/format.h"
#include "fuzz.h"

/* Text before the first NUL is the description, the rest the bytes to decode. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ff_format *format;
    struct ff_error error = {0};
    char *text = malloc(size + 1);

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    size_t used = strlen(text);
    int r = ff_format_compile(text, &format, &error);
    free(text);
    if (r < 0) {
        FUZZ_CHECK(error.code == r && error.text[0]);
        return 0;
    }
    const uint8_t *bytes = data + (used < size ? used + 1 : size);
    struct ff_window window = {.bytes = bytes, .offset = 0, .len = (size_t)(data + size - bytes)};
    struct ff_decoder decoder;
    uint64_t offset = 0;

    ff_decoder_init(&decoder, &format->layout, window.len);
    for (int i = 0; i < 1000; i++) {
        char reason[FF_DAMAGE_REASON_BYTES];
        ff_decode_begin(&decoder, FF_FRAME, offset);
        r = ff_decode(&decoder, &window);
        /* All bytes are in the window: none can be missing. */
        FUZZ_CHECK(r != FF_DECODE_NEED);
        if (r < 0) {
            FUZZ_CHECK(
                ff_decode_fault_text(&format->layout, &decoder.fault, reason, sizeof(reason))[0]);
            break;
        }
        uint64_t payload, len;
        ff_decoder_payload(&decoder, &payload, &len);
        FUZZ_CHECK(decoder.end > offset && decoder.end <= window.len);
        FUZZ_CHECK(payload >= offset && len <= decoder.end - payload);
        offset = decoder.end;
    }
    ff_format_free(format);
    return 0;
}
