#include "fs/stats.h"

#include <framefs/version.h>
#include <inttypes.h>
#include <stddef.h>

static const char *const op_names[FF_OPS] = {
    [FF_OP_LOOKUP] = "lookup",   [FF_OP_GETATTR] = "getattr",   [FF_OP_ACCESS] = "access",
    [FF_OP_OPEN] = "open",       [FF_OP_READ] = "read",         [FF_OP_LSEEK] = "lseek",
    [FF_OP_OPENDIR] = "opendir", [FF_OP_READDIR] = "readdir",   [FF_OP_READDIRPLUS] = "readdirplus",
    [FF_OP_STATFS] = "statfs",   [FF_OP_GETXATTR] = "getxattr", [FF_OP_LISTXATTR] = "listxattr",
};

static const struct {
    const char *name;
    size_t offset; /* in struct ff_stats */
    const char *help;
} counters[] = {
    {"framefs_read_bytes_total", offsetof(struct ff_stats, read_bytes),
     "Bytes of files sent to the kernel."},
    {"framefs_errors_total", offsetof(struct ff_stats, errors),
     "Requests that failed because of an archive's bytes or source."},
    {"framefs_parked_total", offsetof(struct ff_stats, parked),
     "Requests that had to wait for a scan."},
    {"framefs_pushed_total", offsetof(struct ff_stats, pushed),
     "Records stored in the kernel's cache before they were asked for."},
    {"framefs_pushed_bytes_total", offsetof(struct ff_stats, pushed_bytes),
     "Bytes of these records."},
    {"framefs_push_met_total", offsetof(struct ff_stats, push_met),
     "Requests for records that had been pushed."},
    {"framefs_push_hits_total", offsetof(struct ff_stats, push_hits),
     "Pushed records whose reader is past them without having asked."},
    {"framefs_push_wasted_total", offsetof(struct ff_stats, push_wasted),
     "Pushed records of readers that asked all the same, or did not come."},
};

static uint64_t value_of(const struct ff_stats *stats, size_t offset)
{
    const _Atomic uint64_t *counter = (const void *)((const char *)stats + offset);

    return atomic_load_explicit(counter, memory_order_relaxed);
}

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
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
        ff_stats_print_one(out, counters[i].name, "counter", counters[i].help,
                           value_of(stats, counters[i].offset));
    ff_stats_print_one(out, "framefs_parked", "gauge", "Requests that wait for a scan now.",
                       waiting);
}
