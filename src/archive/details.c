#include <stdio.h>
#include <string.h>

#include "archive/reader.h"
#include "base/units.h"

/* The years 0001 to 9999: what RFC 3339 can write and no stat(2) caller chokes on. */
#define TIME_MIN_S INT64_C(-62135596800)
#define TIME_MAX_S INT64_C(253402300799)

/* Units a second, and the slot that counts them. */
static bool time_of(const struct ff_roles *roles, const ff_value *slots, struct timespec *ret_time)
{
    const ff_value billion = 1000000000;
    ff_value ns;

    if (roles->time_ns != FF_NO_SLOT)
        ns = slots[roles->time_ns];
    else if (roles->time_us != FF_NO_SLOT)
        ns = slots[roles->time_us] * 1000;
    else if (roles->time_ms != FF_NO_SLOT)
        ns = slots[roles->time_ms] * 1000000;
    else if (roles->time != FF_NO_SLOT)
        ns = slots[roles->time] * billion;
    else
        return false;
    if (roles->usec != FF_NO_SLOT)
        ns += slots[roles->usec] * 1000;
    else if (roles->nsec != FF_NO_SLOT)
        ns += slots[roles->nsec];

    ff_value seconds = ns / billion, rest = ns % billion;
    if (rest < 0) {
        rest += billion;
        seconds--;
    }
    if (seconds < TIME_MIN_S || seconds > TIME_MAX_S)
        return false;
    ret_time->tv_sec = (time_t)seconds;
    ret_time->tv_nsec = (long)rest;
    return true;
}

/* The bytes of an item, cut to size; blanks and NULs that pad it on the right are dropped. */
static size_t item_bytes(struct ff_reader *reader, const struct ff_decoder *decoder,
                         unsigned int item, uint8_t *buf, size_t size)
{
    uint64_t offset = decoder->starts[item];
    uint64_t len = decoder->starts[item + 1] - offset;
    const struct ff_window *window = &reader->window;
    size_t n = len < size ? (size_t)len : size;

    if (offset >= window->offset && offset - window->offset <= window->len &&
        n <= window->len - (size_t)(offset - window->offset)) {
        memcpy(buf, window->bytes + (size_t)(offset - window->offset), n);
    } else {
        ssize_t got = ff_source_read_full(reader->source, buf, n, offset);
        n = got < 0 ? 0 : (size_t)got;
    }
    while (n &&
           (buf[n - 1] == ' ' || buf[n - 1] == '\0' || buf[n - 1] == '\n' || buf[n - 1] == '\r'))
        n--;
    return n;
}

void ff_reader_details(struct ff_reader *reader, const struct ff_decoder *decoder,
                       struct ff_details *ret_details)
{
    const struct ff_alt *alt = &decoder->layout->alts[decoder->alt];
    const struct ff_roles *roles = &alt->roles;
    struct ff_details details = {0};
    uint8_t bytes[FF_DETAIL_NAME_BYTES];

    details.has_time = time_of(roles, decoder->slots, &details.time);
    if (roles->type_slot != FF_NO_SLOT) {
        ff_value type = decoder->slots[roles->type_slot];
        if (type < 0)
            snprintf(details.type, sizeof(details.type), "%lld", (long long)type);
        else
            snprintf(details.type, sizeof(details.type), "%llu", (unsigned long long)type);
    } else if (roles->type_item != FF_NO_ITEM) {
        size_t n = item_bytes(reader, decoder, roles->type_item, bytes, FF_DETAIL_TYPE_BYTES);
        ff_escape(details.type, sizeof(details.type), bytes, n);
    }
    if (roles->name_item != FF_NO_ITEM) {
        size_t n = item_bytes(reader, decoder, roles->name_item, bytes, sizeof(bytes));
        ff_escape(details.name, sizeof(details.name), bytes, n);
    }
    *ret_details = details;
}

bool ff_layout_has_times(const struct ff_layout *layout)
{
    for (unsigned int a = layout->alt_first[FF_FRAME]; a < layout->alt_first[FF_FRAME + 1]; a++) {
        const struct ff_roles *roles = &layout->alts[a].roles;
        if (roles->time != FF_NO_SLOT || roles->time_ms != FF_NO_SLOT ||
            roles->time_us != FF_NO_SLOT || roles->time_ns != FF_NO_SLOT)
            return true;
    }
    return false;
}
