#include "source/fault.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

struct ff_source_fault {
    struct ff_source source;
    struct ff_source *inner;
    pthread_mutex_t lock; /* of settings */
    struct ff_fault settings;
};

/* One number for each purpose, seed, offset and length: the finalizer of splitmix64. */
static uint64_t mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

enum draw { DRAW_SHORT, DRAW_LENGTH, DRAW_EIO };

static uint64_t draw(const struct ff_fault *fault, enum draw purpose, uint64_t offset, size_t len)
{
    uint64_t value = mix(fault->seed + UINT64_C(0x9e3779b97f4a7c15) * ((uint64_t)purpose + 1));
    return mix(mix(value ^ offset) ^ len);
}

static void get_settings(struct ff_source_fault *self, struct ff_fault *ret_settings)
{
    pthread_mutex_lock(&self->lock);
    *ret_settings = self->settings;
    pthread_mutex_unlock(&self->lock);
}

static void pause_us(uint32_t delay_us)
{
    struct timespec left = {.tv_sec = delay_us / 1000000,
                            .tv_nsec = (long)(delay_us % 1000000) * 1000};
    while (nanosleep(&left, &left) < 0 && errno == EINTR) {
    }
}

/* How many of the len bytes are read before a range begins, or its error. */
static int clip_to_ranges(const struct ff_fault *fault, uint64_t offset, size_t *len)
{
    for (size_t i = 0; i < fault->range_count; i++) {
        const struct ff_fault_range *range = &fault->ranges[i];
        if (range->len == 0)
            continue;
        if (offset >= range->offset && offset - range->offset < range->len)
            return range->code ? range->code : -EIO;
        if (range->offset > offset && range->offset - offset < *len)
            *len = (size_t)(range->offset - offset);
    }
    return 0;
}

static ssize_t fault_pread(struct ff_source *source, void *buf, size_t len, uint64_t offset)
{
    struct ff_source_fault *self = (struct ff_source_fault *)source;
    struct ff_fault fault;
    size_t asked = len;

    get_settings(self, &fault);
    if (fault.on_read)
        fault.on_read(fault.context, offset, asked);
    if (fault.delay_us)
        pause_us(fault.delay_us);
    if (fault.eio_one_in && draw(&fault, DRAW_EIO, offset, asked) % fault.eio_one_in == 0)
        return -EIO;
    int r = clip_to_ranges(&fault, offset, &len);
    if (r < 0)
        return r;
    if (fault.end_offset) {
        if (offset >= fault.end_offset)
            return 0;
        if (len > fault.end_offset - offset)
            len = (size_t)(fault.end_offset - offset);
    }
    if (fault.short_max_bytes && len > fault.short_max_bytes)
        len = fault.short_max_bytes;
    if (fault.short_one_in && len > 1 &&
        draw(&fault, DRAW_SHORT, offset, asked) % fault.short_one_in == 0)
        len = 1 + (size_t)(draw(&fault, DRAW_LENGTH, offset, asked) % (len - 1));

    ssize_t n = self->inner->ops->pread(self->inner, buf, len, offset);
    if (n <= 0)
        return n;
    for (size_t i = 0; i < fault.flip_count; i++) {
        const struct ff_fault_flip *flip = &fault.flips[i];
        if (flip->offset >= offset && flip->offset - offset < (uint64_t)n)
            ((uint8_t *)buf)[flip->offset - offset] ^= flip->mask;
    }
    return n;
}

static int fault_stat(struct ff_source *source, struct ff_source_stat *ret_stat)
{
    struct ff_source_fault *self = (struct ff_source_fault *)source;
    return self->inner->ops->stat(self->inner, ret_stat);
}

static int fault_check(struct ff_source *source)
{
    struct ff_source_fault *self = (struct ff_source_fault *)source;
    struct ff_fault fault;

    get_settings(self, &fault);
    return fault.check_code ? fault.check_code : self->inner->ops->check(self->inner);
}

static void fault_forget(struct ff_source *source, uint64_t offset)
{
    struct ff_source_fault *self = (struct ff_source_fault *)source;
    if (self->inner->ops->forget)
        self->inner->ops->forget(self->inner, offset);
}

static void fault_close(struct ff_source *source)
{
    struct ff_source_fault *self = (struct ff_source_fault *)source;
    ff_source_close(self->inner);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

static const struct ff_source_ops fault_ops = {
    .pread = fault_pread,
    .stat = fault_stat,
    .check = fault_check,
    .forget = fault_forget,
    .close = fault_close,
};

int ff_source_open_fault(struct ff_source *inner, const struct ff_fault *settings,
                         struct ff_source **ret_source, struct ff_error *error)
{
    struct ff_source_fault *self = calloc(1, sizeof(*self));
    if (!self || pthread_mutex_init(&self->lock, NULL) != 0) {
        free(self);
        ff_source_close(inner);
        return ff_error_set(error, -ENOMEM, "out of memory");
    }
    self->source.ops = &fault_ops;
    self->inner = inner;
    if (settings)
        self->settings = *settings;
    *ret_source = &self->source;
    return 0;
}

void ff_source_fault_set(struct ff_source *source, const struct ff_fault *settings)
{
    struct ff_source_fault *self = (struct ff_source_fault *)source;
    pthread_mutex_lock(&self->lock);
    self->settings = settings ? *settings : (struct ff_fault){0};
    pthread_mutex_unlock(&self->lock);
}
