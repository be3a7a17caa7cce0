#include "fs/stats.h"

#include <framefs/version.h>
#include <inttypes.h>

static const char *const op_names[FF_OPS] = {
    [FF_OP_LOOKUP] = "lookup",   [FF_OP_GETATTR] = "getattr",   [FF_OP_ACCESS] = "access",
    [FF_OP_OPEN] = "open",       [FF_OP_READ] = "read",         [FF_OP_LSEEK] = "lseek",
    [FF_OP_OPENDIR] = "opendir", [FF_OP_READDIR] = "readdir",   [FF_OP_READDIRPLUS] = "readdirplus",
    [FF_OP_STATFS] = "statfs",   [FF_OP_GETXATTR] = "getxattr", [FF_OP_LISTXATTR] = "listxattr",
};

void ff_stats_init(struct ff_stats *stats)
{
    *stats = (struct ff_stats){0};
    clock_gettime(CLOCK_MONOTONIC, &stats->started);
}

/* A label's value stands in double quotes: backslash, quote and newline are escaped. */
static void print_label(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n')
            fputs("\\n", out);
        else if (*text == '\\' || *text == '"')
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
}

void ff_stats_print_head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void ff_stats_print_archive(FILE *out, const char *name, const char *archive, uint64_t value)
{
    fprintf(out, "%s{archive=\"", name);
    print_label(out, archive);
    fprintf(out, "\"} %" PRIu64 "\n", value);
}

void ff_stats_print_one(FILE *out, const char *name, const char *type, const char *help,
                        uint64_t value)
{
    ff_stats_print_head(out, name, type, help);
    fprintf(out, "%s %" PRIu64 "\n", name, value);
}

void ff_stats_print(const struct ff_stats *stats, size_t waiting, FILE *out)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);

    ff_stats_print_head(out, "framefs_info", "gauge", "The version that serves the mount.");
    fprintf(out, "framefs_info{version=\"%s\"} 1\n", ff_version());
    ff_stats_print_one(
        out, "framefs_uptime_seconds", "gauge", "Since the mount was made.",
        (uint64_t)(now.tv_sec - stats->started.tv_sec - (now.tv_nsec < stats->started.tv_nsec)));
    ff_stats_print_head(out, "framefs_requests_total", "counter", "Requests of the kernel.");
    for (int op = 0; op < FF_OPS; op++)
        fprintf(out, "framefs_requests_total{op=\"%s\"} %" PRIu64 "\n", op_names[op],
                atomic_load_explicit(&stats->requests[op], memory_order_relaxed));
    ff_stats_print_one(out, "framefs_read_bytes_total", "counter",
                       "Bytes of files sent to the kernel.",
                       atomic_load_explicit(&stats->read_bytes, memory_order_relaxed));
    ff_stats_print_one(out, "framefs_errors_total", "counter",
                       "Requests that failed because of an archive's bytes or source.",
                       atomic_load_explicit(&stats->errors, memory_order_relaxed));
    ff_stats_print_one(out, "framefs_parked_total", "counter",
                       "Requests that had to wait for a scan.",
                       atomic_load_explicit(&stats->parked, memory_order_relaxed));
    ff_stats_print_one(out, "framefs_pushed_total", "counter",
                       "Records stored in the kernel's cache before they were asked for.",
                       atomic_load_explicit(&stats->pushed, memory_order_relaxed));
    ff_stats_print_one(out, "framefs_pushed_bytes_total", "counter", "Bytes of these records.",
                       atomic_load_explicit(&stats->pushed_bytes, memory_order_relaxed));
    ff_stats_print_one(out, "framefs_push_met_total", "counter",
                       "Requests for records that had been pushed.",
                       atomic_load_explicit(&stats->push_met, memory_order_relaxed));
    ff_stats_print_one(out, "framefs_push_hits_total", "counter",
                       "Pushed records whose reader is past them without having asked.",
                       atomic_load_explicit(&stats->push_hits, memory_order_relaxed));
    ff_stats_print_one(out, "framefs_push_wasted_total", "counter",
                       "Pushed records of readers that asked all the same, or did not come.",
                       atomic_load_explicit(&stats->push_wasted, memory_order_relaxed));
    ff_stats_print_one(out, "framefs_parked", "gauge", "Requests that wait for a scan now.",
                       waiting);
}
