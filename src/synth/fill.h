/* The patterns of the generated stream, whole blocks at a time. */
#ifndef FF_SYNTH_FILL_H
#define FF_SYNTH_FILL_H

#include <stddef.h>
#include <stdint.h>

/* A line, or eight words. */
#define FF_FILL_BLOCK_BYTES 64

/* Each fills as many blocks at buf, which may lie anywhere, as one pattern of framefs/synth.h has
 * them from offset on; offset: a multiple of FF_FILL_BLOCK_BYTES. */
void ff_fill_counter(void *buf, size_t blocks, uint64_t offset);
void ff_fill_lines(void *buf, size_t blocks, uint64_t offset);
void ff_fill_random(void *buf, size_t blocks, uint64_t offset, uint64_t seed);

/* The widest registers that numbers are multiplied in, in bits. */
enum ff_fill_width { FF_FILL_64, FF_FILL_256, FF_FILL_512 };

/* What this processor has, and ff_fill_random() takes. */
enum ff_fill_width ff_fill_width(void);
/* ff_fill_random() with registers of width, ff_fill_width() at most: the same bytes. */
void ff_fill_random_by(enum ff_fill_width width, void *buf, size_t blocks, uint64_t offset,
                       uint64_t seed);

#endif
