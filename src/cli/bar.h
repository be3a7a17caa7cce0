/* Bars, the histogram of record sizes, and the line that shows progress: text from numbers. */
#ifndef FF_CLI_BAR_H
#define FF_CLI_BAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/output.h"
#include "cli/terminal.h"

/* A bar of value / max of that many columns; something is shown for every value but 0. utf8: in
 * eighths of a column, else '#'. Returns the columns it takes. */
unsigned int ff_bar_write(struct ff_output *out, uint64_t value, uint64_t max, unsigned int columns,
                          bool utf8);

/* The 65 buckets of struct ff_summary from the first to the last that is not empty, a line each,
 * fitted to the terminal's width. Nothing when all are empty. */
void ff_bar_histogram(struct ff_output *out, const uint64_t histogram[65],
                      const struct ff_terminal *terminal);

struct ff_bar_progress {
    const char *label;   /* fit for a terminal */
    uint64_t done_bytes; /* may pass total */
    uint64_t total_bytes;
    bool total_known;
    uint64_t elapsed_ms;
};

#define FF_BAR_LINE_BYTES 1024
/* One line without control bytes, narrower than the terminal. Returns buf. */
const char *ff_bar_progress(char buf[FF_BAR_LINE_BYTES], const struct ff_bar_progress *progress,
                            const struct ff_terminal *terminal);

#endif
