/* Writes the index file of records that it reads as lines: offset head payload tail join. For
 * test_format_index.py, and for the fuzzer's first inputs.
 *
 * image_write PATH [partial] < RECORDS */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "../image_make.h"

int main(int argc, char **argv)
{
    bool partial = argc == 3 && strcmp(argv[2], "partial") == 0;
    struct image_maker maker = image_begin("binding");
    struct ff_index_entry entry;
    struct ff_index *index = NULL;
    uint64_t end = 0, after = 0, payload = 0;

    if (argc < 2 || (argc > 2 && !partial) || ff_index_new(&index) < 0)
        return 2;
    if (partial)
        image_chunk(&maker, FF_IMAGE_STATE, 0, 0, "nothing yet");
    while (scanf("%" SCNu64 "%" SCNu64 "%" SCNu64 "%" SCNu64 "%" SCNu64, &entry.offset, &entry.head,
                 &entry.payload, &entry.tail, &entry.join) == 5) {
        if (ff_index_append(index, &entry) < 0)
            return 1;
        end = entry.offset + entry.head + entry.payload + entry.tail;
        after = end + (entry.join ? entry.join - 1 : 0);
        payload += entry.payload;
    }
    if (ff_index_seal(index) < 0 || image_add_index(&maker, index) < 0)
        return 1;
    if (partial)
        image_chunk(&maker, FF_IMAGE_STATE, end, payload, "state");
    else
        image_end(&maker, ff_index_count(index), after, end, payload, "state");

    FILE *file = fopen(argv[1], "wb");
    bool written = file && fwrite(maker.buf, 1, maker.len, file) == maker.len;
    written = file && fclose(file) == 0 && written;
    image_free(&maker);
    ff_index_free(index);
    return written ? 0 : 1;
}
