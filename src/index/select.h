/*
 * Which records are shown, where not all are: one bit a record, with rank, so that the shown ones
 * keep the archive's numbers while the index holds only them.
 *
 * Threads: one appends; any number may look up at the same time. Nobody waits.
 */
#ifndef FF_INDEX_SELECT_H
#define FF_INDEX_SELECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ff_select;

int ff_select_new(struct ff_select **ret_select);
void ff_select_free(struct ff_select *select); /* NULL is fine */

/* The next record is shown or not. -ENOMEM; -EOVERFLOW past FF_INDEX_RECORDS_MAX. */
int ff_select_append(struct ff_select *select, bool shown);

/* How many records were appended, and how many of them are shown. */
uint64_t ff_select_count(const struct ff_select *select);
uint64_t ff_select_shown(const struct ff_select *select);

/* Whether the record is shown; false past the last. */
bool ff_select_test(const struct ff_select *select, uint64_t number);

/* How many records before `number` are shown (number at most count). */
uint64_t ff_select_rank(const struct ff_select *select, uint64_t number);

/* The first shown record from `number` on, or UINT64_MAX. */
uint64_t ff_select_next(const struct ff_select *select, uint64_t number);

/* The shown record that has `rank` shown ones before it, or UINT64_MAX. */
uint64_t ff_select_at(const struct ff_select *select, uint64_t rank);

size_t ff_select_memory(const struct ff_select *select); /* bytes */

#endif
