/* Whatever a file begins with: detection names a format or says why not, the same each time, and
 * the first frame of what it names decodes. */
#include <errno.h>
#include <framefs/framefs.h>
#include <string.h>

#include "archive/scan.h"
#include "fuzz.h"

#define CANDIDATES_MAX 8

/* Inputs of odd size are the beginning of something larger. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ff_head head = {
        .buf = data, .len = size, .size = size % 2 ? UINT64_C(1) << 32 : size};
    struct ff_candidate candidates[CANDIDATES_MAX];
    struct ff_format *format = NULL;
    struct ff_error error = {0};
    size_t count = 0;

    int r = ff_format_detect(NULL, &head, &format, &error);
    FUZZ_CHECK(r == 0 || ((r == -ENOENT || r == -ENOTUNIQ) && error.text[0]));
    FUZZ_CHECK(ff_format_rank(NULL, &head, candidates, CANDIDATES_MAX, &count, &error) == 0);
    FUZZ_CHECK(size == 0 || count > 0);
    for (size_t i = 0; i < count && i < CANDIDATES_MAX; i++) {
        FUZZ_CHECK(candidates[i].reason[0] && candidates[i].offset <= head.size);
        FUZZ_CHECK((candidates[i].verdict == FF_VERDICT_CHOSEN) == (r == 0 && i == 0));
    }
    if (r < 0)
        return 0;
    FUZZ_CHECK(strcmp(candidates[0].name, ff_format_name(format)) == 0);
    struct ff_source *source;
    struct ff_scan *scan;
    struct ff_scan_event event;
    FUZZ_CHECK(ff_source_open_memory(data, size, &source, NULL) == 0);
    FUZZ_CHECK(ff_scan_open(source, format, NULL, FF_SCAN_WINDOW_MIN_BYTES, &scan, NULL) == 0);
    FUZZ_CHECK(ff_scan_next(scan, &event, NULL) == 0);
    /* What begins so and is larger may end inside its first frame here. Of frames that are hidden
     * no event tells: the damage is behind them. */
    if (candidates[0].frames > 0 && head.size == size && event.kind == FF_SCAN_DAMAGE) {
        bool hidden = event.damage.offset > scan->preamble_len;
        FUZZ_CHECK(ff_scan_next(scan, &event, NULL) == 0);
        FUZZ_CHECK(hidden || event.kind != FF_SCAN_END);
    }
    ff_scan_close(scan);
    ff_source_close(source);
    ff_format_free(format);
    return 0;
}
