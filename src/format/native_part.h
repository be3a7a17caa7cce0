/* Shared by the native items: native.c drives the steps of each kind and reads for them. */
#ifndef FF_FORMAT_NATIVE_PART_H
#define FF_FORMAT_NATIVE_PART_H

#include "format/native.h"

/* What a step returns beside the results of ff_native_decode(): it got on, the next can begin. */
#define FF_NATIVE_STEP 2

/* One step of a kind; which one, item->stage tells. Before each, item->skip bytes are passed over,
 * so that a step finds its bytes at pos. */
int ff_native_avro_map(struct ff_native_item *item, const struct ff_window *window);
int ff_native_hadoop_text(struct ff_native_item *item, const struct ff_window *window);
int ff_native_hadoop_map(struct ff_native_item *item, const struct ff_window *window);
int ff_native_journal_entry(struct ff_native_item *item, const struct ff_window *window);
int ff_native_arrow_meta(struct ff_native_item *item, const struct ff_window *window);
int ff_native_arrow_schema(struct ff_native_item *item, const struct ff_window *window);

/* -EUCLEAN */
int ff_native_fail(struct ff_native_item *item, const char *fault);

/* Those of the bytes from pos on that the window has; how many. */
size_t ff_native_peek(const struct ff_native_item *item, const struct ff_window *window,
                      const uint8_t **ret_bytes);

/* What ff_native_peek() gave, `have` bytes, is too few, though max bytes are enough:
 * FF_DECODE_NEED, or -ENODATA when the archive has no more. */
int ff_native_need(struct ff_native_item *item, size_t have, size_t max);

/* All of the len bytes at offset: FF_DECODE_DONE, FF_DECODE_NEED or -ENODATA. */
int ff_native_read(struct ff_native_item *item, const struct ff_window *window, uint64_t offset,
                   size_t len, const uint8_t **ret_bytes);

/* The step ends behind `taken` bytes from pos on, and the next begins `skip` further:
 * FF_NATIVE_STEP, or -EUCLEAN when no archive reaches so far. */
int ff_native_advance(struct ff_native_item *item, size_t taken, uint64_t skip);

#endif
