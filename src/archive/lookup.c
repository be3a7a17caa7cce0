/*
 * Which records are known, and where each lies. The index holds those that are shown; where not all
 * are, a selection leads from a record's number to its rank, its place among them.
 */
#include <errno.h>

#include "archive/index_times.h"
#include "archive/internal.h"

uint64_t ff_archive_count(const struct ff_archive *archive)
{
    return archive->select ? ff_select_count(archive->select) : ff_index_count(archive->index);
}

uint64_t ff_archive_shown(const struct ff_archive *archive)
{
    return archive->select ? ff_select_shown(archive->select) : ff_index_count(archive->index);
}

int ff_archive_next(const struct ff_archive *archive, uint64_t number, uint64_t *ret_number)
{
    /* Complete is read first: a record that came in between is then found. */
    bool complete = ff_archive_complete(archive);
    uint64_t next = UINT64_MAX;

    if (archive->select)
        next = ff_select_next(archive->select, number);
    else if (number < ff_index_count(archive->index))
        next = number;
    if (next == UINT64_MAX)
        return complete ? -ENOENT : -EAGAIN;
    *ret_number = next;
    return 0;
}

int ff_archive_next_in_time(struct ff_archive *archive, uint64_t number,
                            const struct ff_time_span *span, uint64_t *ret_number)
{
    return ff_archive_next(archive, ff_index_map_next(archive->map, number, span), ret_number);
}

/* The record of that number and rank. */
static int get_record(const struct ff_archive *archive, uint64_t number, uint64_t rank,
                      struct ff_record *ret_record)
{
    struct ff_index_entry entry;

    int r = ff_index_map_note(archive->map, ff_index_get(archive->index, rank, &entry));
    if (r < 0)
        return r;
    *ret_record = (struct ff_record){.number = number,
                                     .offset = entry.offset,
                                     .head = entry.head,
                                     .payload = entry.payload,
                                     .tail = entry.tail,
                                     .skipped = entry.join ? entry.join - 1 : 0,
                                     .joined = entry.join != 0};
    return 0;
}

int ff_archive_record(const struct ff_archive *archive, uint64_t number,
                      struct ff_record *ret_record)
{
    bool complete = ff_archive_complete(archive);
    uint64_t rank = number;

    if (archive->select) {
        bool known = complete || number < ff_select_count(archive->select);
        if (!ff_select_test(archive->select, number))
            return known ? -ENOENT : -EAGAIN;
        rank = ff_select_rank(archive->select, number);
    }
    int r = get_record(archive, number, rank, ret_record);
    return r == -ENOENT && !complete ? -EAGAIN : r;
}

int ff_archive_record_at(const struct ff_archive *archive, uint64_t rank,
                         struct ff_record *ret_record)
{
    uint64_t number = archive->select ? ff_select_at(archive->select, rank) : rank;

    return number == UINT64_MAX ? -ENOENT : get_record(archive, number, rank, ret_record);
}
