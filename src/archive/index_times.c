#include "archive/index_times.h"

#include <stdlib.h>

/* ---- looked up ---- */

/* Segment k's times, all of them checked before the first use: as ff_index_base_segment(). */
static int open_times(struct ff_index_map *map, uint64_t k, struct ff_times *ret_times)
{
    _Atomic uint64_t *word = &map->times_checked[k / 64];
    uint64_t bit = UINT64_C(1) << k % 64;

    if (!(atomic_load_explicit(word, memory_order_relaxed) & bit)) {
        int r = ff_image_times_check(&map->image, k);
        if (r < 0)
            return r;
        atomic_fetch_or_explicit(word, bit, memory_order_relaxed);
    }
    return ff_image_times(&map->image, k, ret_times);
}

int ff_index_map_time(struct ff_index_map *map, uint64_t number, struct ff_time *ret_time)
{
    return map && number < map->records ? ff_index_map_time_read(map, number, ret_time) : -ENOENT;
}

int ff_index_map_time_read(struct ff_index_map *map, uint64_t number, struct ff_time *ret_time)
{
    struct ff_times times;

    if (!map->has_times || number >= map->read_records)
        return -ENOENT;
    int r = open_times(map, number / FF_SEGMENT_RECORDS, &times);
    if (r == 0)
        r = ff_times_get(&times, number % FF_SEGMENT_RECORDS, ret_time);
    return ff_index_map_note(map, r);
}

/* As ff_times_find(), in segment k. */
static int find_time(struct ff_index_map *map, uint64_t k, uint32_t i,
                     const struct ff_time_span *span, uint32_t *ret_i)
{
    struct ff_times_bounds bounds;
    struct ff_times times;

    int r = ff_image_times_bounds(&map->image, k, &bounds);
    if (r == 0 && !ff_times_meet(&bounds, span)) {
        *ret_i = FF_SEGMENT_RECORDS;
        return 0;
    }
    if (r == 0)
        r = open_times(map, k, &times);
    if (r == 0)
        r = ff_times_find(&times, i, span, ret_i);
    return ff_index_map_note(map, r);
}

uint64_t ff_index_map_next(struct ff_index_map *map, uint64_t number,
                           const struct ff_time_span *span)
{
    while (map && map->has_times && number < map->records) {
        uint64_t k = number / FF_SEGMENT_RECORDS, first = k * FF_SEGMENT_RECORDS;
        uint64_t left = map->records - first;
        uint32_t count = left < FF_SEGMENT_RECORDS ? (uint32_t)left : FF_SEGMENT_RECORDS, i;
        int r = find_time(map, k, (uint32_t)(number - first), span, &i);
        if (r < 0)
            break;
        if (i < count)
            return first + i;
        number = first + count;
    }
    return number;
}

/* ---- kept ---- */

struct ff_times_chunk {
    struct ff_times_chunk *next;
    uint32_t records;
    size_t len;      /* of the body */
    uint8_t bytes[]; /* room for the chunk's head, the body, and what it is filled up with */
};

/* The times of the open segment become a chunk. */
static void pack(struct ff_times_kept *kept)
{
    uint8_t *body = malloc(FF_TIMES_BYTES_MAX);
    struct ff_times_chunk *chunk = NULL;
    size_t len = 0;

    if (body) {
        len = ff_times_encode(body, kept->open, kept->count);
        chunk = malloc(sizeof(*chunk) + FF_IMAGE_CHUNK_LEN(len));
    }
    if (chunk) {
        *chunk = (struct ff_times_chunk){.records = kept->count, .len = len};
        memcpy(chunk->bytes + FF_IMAGE_CHUNK_BYTES, body, len);
        if (kept->last)
            kept->last->next = chunk;
        else
            kept->first = chunk;
        kept->last = chunk;
    } else {
        kept->code = -ENOMEM;
    }
    free(body);
    kept->count = 0;
}

void ff_times_keep(struct ff_times_kept *kept, const struct ff_time *time)
{
    if (kept->code < 0)
        return;
    if (!kept->open)
        kept->open = calloc(FF_SEGMENT_RECORDS, sizeof(*kept->open));
    if (!kept->open) {
        kept->code = -ENOMEM;
        return;
    }
    kept->open[kept->count++] = *time;
    if (kept->count == FF_SEGMENT_RECORDS)
        pack(kept);
}

void ff_times_keep_known(struct ff_times_kept *kept, struct ff_index_map *map)
{
    struct ff_time time;

    for (uint64_t i = map->records; kept->code == 0 && i < map->read_records; i++) {
        kept->code = ff_index_map_time_read(map, i, &time);
        ff_times_keep(kept, &time);
    }
}

void ff_times_keep_end(struct ff_times_kept *kept)
{
    if (kept->code == 0 && kept->count > 0)
        pack(kept);
}

int ff_times_take(struct ff_times_kept *kept, uint64_t offset, uint64_t payload,
                  const uint8_t **ret_chunk, size_t *ret_len)
{
    struct ff_times_chunk *chunk = kept->first;

    if (kept->code < 0)
        return kept->code;
    kept->first = chunk->next;
    if (!kept->first)
        kept->last = NULL;
    free(kept->taken);
    kept->taken = chunk;
    *ret_len = (size_t)ff_image_chunk_write(chunk->bytes, FF_IMAGE_TIMES, chunk->records, offset,
                                            payload, chunk->len);
    *ret_chunk = chunk->bytes;
    return 0;
}

void ff_times_kept_done(struct ff_times_kept *kept)
{
    while (kept->first) {
        struct ff_times_chunk *next = kept->first->next;
        free(kept->first);
        kept->first = next;
    }
    free(kept->taken);
    free(kept->open);
    *kept = (struct ff_times_kept){0};
}
