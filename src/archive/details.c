#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/reader.h"
#include "base/units.h"
#include "format/date.h"
#include "format/headers.h"

/* Looked at of an interface's description: its options are short. */
#define INTERFACE_BYTES 4096

/* Of nanoseconds since the epoch. */
static void set_time(ff_value ns, struct ff_time *ret_time)
{
    const ff_value billion = 1000000000;
    ff_value seconds = ns / billion, rest = ns % billion;

    if (rest < 0) {
        rest += billion;
        seconds--;
    }
    if (seconds < FF_TIME_MIN_S || seconds > FF_TIME_MAX_S)
        return;
    *ret_time =
        (struct ff_time){.known = true, .at = {.tv_sec = (time_t)seconds, .tv_nsec = (long)rest}};
}

bool ff_decoder_interface(const struct ff_decoder *decoder, ff_value *ret_interface)
{
    const struct ff_roles *roles = &decoder->layout->alts[decoder->alt].roles;
    if (roles->time_hi == FF_NO_SLOT || roles->time_lo == FF_NO_SLOT ||
        roles->interface == FF_NO_SLOT)
        return false;
    *ret_interface = decoder->slots[roles->interface];
    return true;
}

/* The time that numbers of the frame tell, in nanoseconds since the format's epoch. */
static bool time_of(const struct ff_decoder *decoder, struct ff_clock clock, ff_value *ret_ns)
{
    const struct ff_roles *roles = &decoder->layout->alts[decoder->alt].roles;
    const ff_value *slots = decoder->slots;
    ff_value ns;

    if (ff_decoder_interface(decoder, &ns)) {
        uint64_t ticks =
            (uint64_t)slots[roles->time_hi] << 32 | ((uint64_t)slots[roles->time_lo] & UINT32_MAX);
        return ff_pcapng_time(clock, ticks, ret_ns);
    }
    if (roles->time_ns != FF_NO_SLOT)
        ns = slots[roles->time_ns];
    else if (roles->time_us != FF_NO_SLOT)
        ns = slots[roles->time_us] * 1000;
    else if (roles->time_ms != FF_NO_SLOT)
        ns = slots[roles->time_ms] * 1000000;
    else if (roles->time != FF_NO_SLOT)
        ns = slots[roles->time] * 1000000000;
    else
        return false;
    if (roles->usec != FF_NO_SLOT)
        ns += slots[roles->usec] * 1000;
    else if (roles->nsec != FF_NO_SLOT)
        ns += slots[roles->nsec];
    *ret_ns = ns + (ff_value)decoder->layout->directives.epoch_s * 1000000000;
    return true;
}

ssize_t ff_reader_bytes(struct ff_reader *reader, void *buf, size_t len, uint64_t offset)
{
    const struct ff_window *window = &reader->window;

    if (offset >= window->offset && offset - window->offset <= window->len &&
        len <= window->len - (size_t)(offset - window->offset)) {
        memcpy(buf, window->bytes + (size_t)(offset - window->offset), len);
        return (ssize_t)len;
    }
    return ff_source_read_full(reader->source, buf, len, offset);
}

struct ff_clock ff_reader_clock(struct ff_reader *reader, const struct ff_decoder *decoder)
{
    uint8_t body[INTERFACE_BYTES];
    uint64_t offset, len;

    ff_decoder_payload(decoder, &offset, &len);
    ssize_t n =
        ff_reader_bytes(reader, body, len < sizeof(body) ? (size_t)len : sizeof(body), offset);
    return ff_pcapng_clock(body, n < 0 ? 0 : (size_t)n, (enum ff_order)decoder->state.order);
}

/* How much of a text is left without the blanks and NULs that pad it on the right. */
static size_t trim(const uint8_t *buf, size_t len)
{
    while (len && (buf[len - 1] == ' ' || buf[len - 1] == '\0' || buf[len - 1] == '\n' ||
                   buf[len - 1] == '\r'))
        len--;
    return len;
}

/* The text of an item, cut to size; without its ending, unless that is all. */
static size_t item_text(struct ff_reader *reader, const struct ff_decoder *decoder,
                        unsigned int index, uint8_t *buf, size_t size)
{
    const struct ff_layout *layout = decoder->layout;
    const struct ff_item *item = &layout->items[layout->alts[decoder->alt].first + index];
    struct ff_text ending = item->ending;
    uint64_t offset = decoder->starts[index];
    uint64_t len = decoder->starts[index + 1] - offset;
    ssize_t got = ff_reader_bytes(reader, buf, len < size ? (size_t)len : size, offset);
    size_t n = trim(buf, got < 0 ? 0 : (size_t)got);

    if (ending.len && len <= size && n > ending.len &&
        memcmp(buf + n - ending.len, layout->text + ending.start, ending.len) == 0)
        n = trim(buf, n - ending.len);
    return n;
}

/* What headers{} tells besides the length. details: NULL where the time alone is wanted. */
static void header_details(struct ff_reader *reader, const struct ff_decoder *decoder,
                           struct ff_details *details, struct ff_time *time)
{
    const struct ff_layout *layout = decoder->layout;
    const struct ff_alt *alt = &layout->alts[decoder->alt];
    const struct ff_item *item = &layout->items[alt->first + alt->roles.headers];
    uint64_t offset = decoder->starts[alt->roles.headers];
    size_t len = (size_t)(decoder->starts[alt->roles.headers + 1] - offset), start, n;
    struct ff_date date;

    uint8_t *block = malloc(len);
    if (!block || ff_reader_bytes(reader, block, len, offset) != (ssize_t)len) {
        free(block);
        return;
    }
    for (unsigned int h = item->headers; h < item->headers + item->header_count; h++) {
        const struct ff_header *header = &layout->headers[h];
        if (header->role == FF_HEADER_LEN || (!details && header->role != FF_HEADER_TIME) ||
            ff_headers_find(block, len, layout->text + header->name.start, header->name.len, &start,
                            &n) == 0)
            continue;
        if (header->role == FF_HEADER_TYPE)
            ff_escape(details->type, sizeof(details->type), block + start, n);
        else if (header->role == FF_HEADER_NAME)
            ff_escape(details->name, sizeof(details->name), block + start, n);
        else if (ff_date_parse((const char *)block + start, n, &date))
            set_time((ff_value)date.seconds * 1000000000 + date.ns, time);
    }
    free(block);
}

void ff_reader_time(struct ff_reader *reader, const struct ff_decoder *decoder,
                    struct ff_clock clock, struct ff_time *ret_time)
{
    const struct ff_roles *roles = &decoder->layout->alts[decoder->alt].roles;
    struct ff_time time = {0};
    ff_value ns;

    if (time_of(decoder, clock, &ns))
        set_time(ns, &time);
    if (roles->headers != FF_NO_ITEM)
        header_details(reader, decoder, NULL, &time);
    *ret_time = time;
}

void ff_reader_details(struct ff_reader *reader, const struct ff_decoder *decoder,
                       struct ff_clock clock, struct ff_details *ret_details)
{
    const struct ff_alt *alt = &decoder->layout->alts[decoder->alt];
    const struct ff_roles *roles = &alt->roles;
    struct ff_details details = {0};
    uint8_t bytes[FF_DETAIL_NAME_BYTES];
    struct ff_time time = {0};
    ff_value ns;

    if (time_of(decoder, clock, &ns))
        set_time(ns, &time);
    if (roles->headers != FF_NO_ITEM)
        header_details(reader, decoder, &details, &time);
    details.has_time = time.known;
    details.time = time.at;
    if (roles->type_slot != FF_NO_SLOT) {
        ff_value type = decoder->slots[roles->type_slot];
        if (type < 0)
            snprintf(details.type, sizeof(details.type), "%lld", (long long)type);
        else
            snprintf(details.type, sizeof(details.type), "%llu", (unsigned long long)type);
    } else if (roles->type_item != FF_NO_ITEM) {
        size_t n = item_text(reader, decoder, roles->type_item, bytes, FF_DETAIL_TYPE_BYTES);
        ff_escape(details.type, sizeof(details.type), bytes, n);
    }
    if (roles->name_item != FF_NO_ITEM) {
        size_t n = item_text(reader, decoder, roles->name_item, bytes, sizeof(bytes));
        ff_escape(details.name, sizeof(details.name), bytes, n);
    }
    *ret_details = details;
}
