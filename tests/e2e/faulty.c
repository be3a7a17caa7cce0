/*
 * framefs whose archives misbehave on purpose: linked with all of the program and, by --wrap, in
 * the place of ff_archive_open(). Faults come from source/fault.h.
 *
 * FRAMEFS_FAULTS is a list of NAME=NUMBER, separated by commas: seed, eio, short, delay_us, end,
 * check, flip (an offset: all bits of this byte), range and range_len, gate (an offset: reads that
 * go further wait, but for short ones). FRAMEFS_FAULTS_SWITCH is a file: they happen as long as its
 * first byte is '1'.
 */
#include <errno.h>
#include <fcntl.h>
#include <framefs/archive.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "source/fault.h"

/* The scan's reads are longer, those of an index file's samples are not. */
#define GATE_SHORT_BYTES 16384

struct faulty {
    struct ff_source source;
    struct ff_source *inner;  /* faulty's */
    struct ff_source *faults; /* around it */
};

static struct ff_fault settings;
static struct ff_fault_range range;
static struct ff_fault_flip flip;
static uint64_t gate;
/* Mapped before anything runs: a worker in its sandbox can open no file. */
static const atomic_char *switched;

static void __attribute__((noreturn)) refuse(const char *what)
{
    fprintf(stderr, "framefs-faulty: %s\n", what);
    _exit(126);
}

static void set(const char *name, uint64_t value)
{
    if (strcmp(name, "seed") == 0)
        settings.seed = value;
    else if (strcmp(name, "eio") == 0)
        settings.eio_one_in = (uint32_t)value;
    else if (strcmp(name, "short") == 0)
        settings.short_one_in = (uint32_t)value;
    else if (strcmp(name, "delay_us") == 0)
        settings.delay_us = (uint32_t)value;
    else if (strcmp(name, "end") == 0)
        settings.end_offset = value;
    else if (strcmp(name, "check") == 0)
        settings.check_code = -(int)value;
    else if (strcmp(name, "flip") == 0)
        flip = (struct ff_fault_flip){.offset = value, .mask = 0xff};
    else if (strcmp(name, "gate") == 0)
        gate = value;
    else if (strcmp(name, "range") == 0)
        range.offset = value;
    else if (strcmp(name, "range_len") == 0)
        range.len = value;
    else
        refuse(name);
}

static void __attribute__((constructor)) read_settings(void)
{
    const char *list = getenv("FRAMEFS_FAULTS"), *path = getenv("FRAMEFS_FAULTS_SWITCH");
    char name[16];
    unsigned long long value;
    int used;

    if (!list || !path)
        refuse("FRAMEFS_FAULTS or FRAMEFS_FAULTS_SWITCH is not set");
    for (; *list; list += used) {
        if (sscanf(list, " %15[a-z_]=%llu%n", name, &value, &used) != 2)
            refuse(list);
        set(name, value);
        used += list[used] == ',';
    }
    settings.ranges = &range;
    settings.range_count = range.len > 0;
    settings.flips = &flip;
    settings.flip_count = flip.mask != 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *memory = fd < 0 ? MAP_FAILED : mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        refuse(path);
    close(fd);
    switched = memory;
}

static struct ff_source *now(struct ff_source *source)
{
    struct faulty *faulty = (struct faulty *)source;

    return atomic_load(switched) == '1' ? faulty->faults : faulty->inner;
}

static ssize_t faulty_pread(struct ff_source *source, void *buf, size_t len, uint64_t offset)
{
    while (gate && offset + len > gate && len > GATE_SHORT_BYTES && atomic_load(switched) == '1')
        poll(NULL, 0, 1);
    source = now(source);
    return source->ops->pread(source, buf, len, offset);
}

static int faulty_stat(struct ff_source *source, struct ff_source_stat *ret_stat)
{
    source = now(source);
    return source->ops->stat(source, ret_stat);
}

static int faulty_check(struct ff_source *source)
{
    source = now(source);
    return source->ops->check(source);
}

static void faulty_close(struct ff_source *source)
{
    ff_source_close(((struct faulty *)source)->faults);
    free(source);
}

int __real_ff_archive_open(struct ff_source *source, struct ff_format *format,
                           const struct ff_archive_options *options,
                           struct ff_archive **ret_archive, struct ff_error *error);
int __wrap_ff_archive_open(struct ff_source *source, struct ff_format *format,
                           const struct ff_archive_options *options,
                           struct ff_archive **ret_archive, struct ff_error *error);

int __wrap_ff_archive_open(struct ff_source *source, struct ff_format *format,
                           const struct ff_archive_options *options,
                           struct ff_archive **ret_archive, struct ff_error *error)
{
    static const struct ff_source_ops ops = {
        .pread = faulty_pread, .stat = faulty_stat, .check = faulty_check, .close = faulty_close};
    struct faulty *faulty = malloc(sizeof(*faulty));

    if (!faulty)
        refuse(strerror(ENOMEM));
    *faulty = (struct faulty){.source.ops = &ops, .inner = source};
    if (ff_source_open_fault(source, &settings, &faulty->faults, error) < 0)
        refuse(error->text);
    return __real_ff_archive_open(&faulty->source, format, options, ret_archive, error);
}
