/* Any bytes are a native item or none, and which does not depend on how they are cut into windows.
 * What a decoder may ask for, and that it comes to an end inside the archive, native_run.h checks.
 */
#include "../native_run.h"
#include "fuzz.h"

/* Byte 0: the kind, and which random windows; bytes 1 and 2: what stands before the item, and how
 * much of the rest an item of a given size is said to be (255: all, and more than there is). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    struct native_archive archive = {.kind = (enum ff_native_kind)(data[0] % FF_NATIVE_KINDS),
                                     .bytes = data + 3,
                                     .len = size - 3};
    archive.start = data[1] % 16;
    if (archive.start > archive.len)
        archive.start = archive.len;
    size_t rest = archive.len - archive.start;
    archive.size = data[2] == 255 ? rest + 1 : rest - data[2] % (rest + 1);

    struct native_result got = native_run_all(&archive, data[0]);
    if (got.r == FF_DECODE_DONE && archive.kind >= FF_NATIVE_ARROW_META)
        FUZZ_CHECK(got.pos == archive.start + archive.size && got.count <= UINT8_MAX);
    /* Without what follows it an item is the same; the fields of an entry end where they do. */
    if (got.r == FF_DECODE_DONE) {
        archive.behind = archive.len - (size_t)got.pos;
        archive.len = (size_t)got.pos;
        struct native_result alone = native_run_all(&archive, data[0]);
        FUZZ_CHECK(alone.r == got.r && alone.pos == got.pos && alone.value == got.value &&
                   alone.count == got.count);
    }
    return 0;
}
