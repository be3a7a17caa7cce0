/* An index file in use looked at as a whole. */
#include "archive/index_file.h"
#include "archive/internal.h"

int ff_archive_check_index(struct ff_archive *archive)
{
    struct ff_index_map *map = archive->map;
    int r = 0;

    if (!map)
        return -ENOENT;
    for (uint64_t k = 0; r == 0 && k < map->image.header.segments; k++) {
        r = ff_image_segment_check(&map->image, k);
        if (r == 0 && map->has_times)
            r = ff_image_times_check(&map->image, k);
    }
    return ff_index_map_note(map, r);
}
