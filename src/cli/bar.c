#include "cli/bar.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

#define EIGHTHS_MAX (8 * FF_TERMINAL_COLUMNS_MAX)

/* value / max in steps, rounded down but for a value that is not 0. */
static unsigned int steps_of(uint64_t value, uint64_t max, unsigned int steps)
{
    if (value == 0 || max == 0)
        return 0;
    if (value >= max)
        return steps;
    unsigned int filled = (unsigned int)((double)value / (double)max * steps);
    if (filled == 0)
        return 1;
    return filled > steps ? steps : filled;
}

unsigned int ff_bar_write(struct ff_output *out, uint64_t value, uint64_t max, unsigned int columns,
                          bool utf8)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};

    if (columns > FF_TERMINAL_COLUMNS_MAX)
        columns = FF_TERMINAL_COLUMNS_MAX;
    unsigned int steps = steps_of(value, max, utf8 ? columns * 8 : columns);
    unsigned int whole = utf8 ? steps / 8 : steps;
    for (unsigned int i = 0; i < whole; i++)
        ff_output_text(out, utf8 ? "█" : "#");
    if (!utf8 || steps % 8 == 0)
        return whole;
    ff_output_text(out, eighths[steps % 8]);
    return whole + 1;
}

/* Where bucket k begins: 0, 1, 2, 4 ... 2^(k-1). */
static uint64_t bucket_begin(unsigned int k)
{
    return k == 0 ? 0 : UINT64_C(1) << (k - 1);
}

void ff_bar_histogram(struct ff_output *out, const uint64_t histogram[65],
                      const struct ff_terminal *terminal)
{
    unsigned int first = 65, last = 0;
    uint64_t max = 0;
    char text[FF_SIZE_TEXT_BYTES], label[80];

    for (unsigned int k = 0; k < 65; k++) {
        if (histogram[k] == 0)
            continue;
        first = k < first ? k : first;
        last = k;
        max = histogram[k] > max ? histogram[k] : max;
    }
    if (first > last)
        return;
    int digits = snprintf(label, sizeof(label), "%" PRIu64, max);
    int width = digits < 7 ? 7 : digits;
    int indent =
        snprintf(label, sizeof(label), "  %9s %9s  %*s  ", "from", "below", width, "records");
    unsigned int room = terminal->columns > (unsigned int)indent + 1
                            ? terminal->columns - (unsigned int)indent - 1
                            : 1;
    ff_output_format(out, "%.*s\n", indent - 2, label);
    for (unsigned int k = first; k <= last; k++) {
        ff_output_format(out, "  %9s", ff_format_size(text, bucket_begin(k)));
        if (k < 64)
            ff_output_format(out, " %9s", ff_format_size(text, bucket_begin(k + 1)));
        else
            ff_output_format(out, " %9s", "");
        ff_output_text(out, "  ");
        ff_output_u64(out, histogram[k], (unsigned int)width);
        if (histogram[k] > 0)
            ff_output_text(out, terminal->colour ? "  \033[36m" : "  ");
        ff_bar_write(out, histogram[k], max, room, terminal->utf8);
        ff_output_text(out, terminal->colour && histogram[k] > 0 ? "\033[0m\n" : "\n");
    }
}

static void format_duration(char *buf, size_t size, uint64_t seconds)
{
    if (seconds >= 3600)
        snprintf(buf, size, "%" PRIu64 ":%02u:%02u", seconds / 3600,
                 (unsigned int)(seconds / 60 % 60), (unsigned int)(seconds % 60));
    else
        snprintf(buf, size, "%u:%02u", (unsigned int)(seconds / 60), (unsigned int)(seconds % 60));
}

/* The bar of ff_bar_progress(): text of exactly that many columns. */
static void format_bar(char *buf, size_t size, const struct ff_bar_progress *progress,
                       unsigned int columns, bool utf8)
{
    unsigned int filled = steps_of(progress->done_bytes, progress->total_bytes, columns);
    size_t len = 0;

    buf[0] = '\0';
    for (unsigned int i = 0; i < columns && len + 4 < size; i++)
        len += (size_t)snprintf(buf + len, size - len, "%s",
                                i < filled ? (utf8 ? "█" : "#") : (utf8 ? "░" : "-"));
}

#define BAR_COLUMNS_MAX   40
#define LABEL_COLUMNS_MAX 30

const char *ff_bar_progress(char buf[FF_BAR_LINE_BYTES], const struct ff_bar_progress *progress,
                            const struct ff_terminal *terminal)
{
    char done[FF_SIZE_TEXT_BYTES], total[FF_SIZE_TEXT_BYTES], rate_text[FF_SIZE_TEXT_BYTES];
    char figures[160], left[40], bar[BAR_COLUMNS_MAX * 3 + 8] = "", label[LABEL_COLUMNS_MAX * 4];
    double seconds = (double)progress->elapsed_ms / 1000;
    uint64_t rate = seconds > 0 ? (uint64_t)((double)progress->done_bytes / seconds) : 0;
    uint64_t missing = progress->total_bytes > progress->done_bytes
                           ? progress->total_bytes - progress->done_bytes
                           : 0;

    ff_format_size(done, progress->done_bytes);
    ff_format_size(rate_text, rate);
    if (progress->total_known) {
        ff_format_size(total, progress->total_bytes);
        double share = progress->total_bytes > 0
                           ? (double)progress->done_bytes / (double)progress->total_bytes
                           : 1;
        if (rate > 0)
            format_duration(left, sizeof(left), missing / rate);
        else
            snprintf(left, sizeof(left), "?");
        snprintf(figures, sizeof(figures), "%3.0f%%  %s of %s  %s/s  %s left",
                 share > 1 ? 100.0 : share * 100, done, total, rate_text, left);
    } else {
        format_duration(left, sizeof(left), progress->elapsed_ms / 1000);
        snprintf(figures, sizeof(figures), "%s  %s/s  %s", done, rate_text, left);
    }

    /* What does not fit goes: first the bar, then the label. The last column stays free: some
     * terminals wrap when it is written. */
    unsigned int room = terminal->columns - 1, used = (unsigned int)strlen(figures);
    size_t cut = strnlen(progress->label, LABEL_COLUMNS_MAX);
    while (cut > 0 && ((unsigned char)progress->label[cut] & 0xc0) == 0x80)
        cut--;
    snprintf(label, sizeof(label), "%.*s", (int)cut, progress->label);
    unsigned int label_columns = (unsigned int)strlen(label) + 2;
    if (used + label_columns > room) {
        label[0] = '\0';
        label_columns = 0;
    }
    if (progress->total_known && used + label_columns + 10 <= room) {
        unsigned int columns = room - used - label_columns - 2;
        format_bar(bar, sizeof(bar), progress,
                   columns > BAR_COLUMNS_MAX ? BAR_COLUMNS_MAX : columns, terminal->utf8);
    }
    snprintf(buf, FF_BAR_LINE_BYTES, "%s%s%s%s%.*s", label, label[0] ? "  " : "", bar,
             bar[0] ? "  " : "", (int)room, figures);
    return buf;
}
