#include "archive/coded_damage.h"

#include "base/units.h"

#define ERRNO_MAX 4095

uint8_t *ff_coded_put_damage(uint8_t *at, const struct ff_damage *damage)
{
    size_t len = strlen(damage->reason);

    at = ff_coded_put(at, damage->offset);
    at = ff_coded_put(at, damage->len);
    at = ff_coded_put(at, damage->record);
    at = ff_coded_put(at, (uint64_t)-damage->code);
    at = ff_coded_put(at, len);
    return ff_coded_put_bytes(at, damage->reason, len);
}

/* A text that a scan made; the last character of one that did not fit may be cut. */
static bool is_reason(const uint8_t *reason, size_t len)
{
    size_t end = len;

    while (len == FF_DAMAGE_REASON_BYTES - 1 && end > len - 3 && reason[end - 1] >= 0x80 &&
           !ff_is_printable(reason, end))
        end--;
    return ff_is_printable(reason, end);
}

void ff_coded_get_damage(struct ff_coded *coded, uint64_t records, uint64_t archive_bytes,
                         struct ff_damage *ret_damage)
{
    ret_damage->offset = ff_coded_get(coded, archive_bytes);
    ret_damage->len = ff_coded_get(coded, archive_bytes - ret_damage->offset);
    ret_damage->record = ff_coded_get(coded, records);
    ret_damage->code = -(int)ff_coded_get(coded, ERRNO_MAX);
    size_t len = (size_t)ff_coded_get(coded, sizeof(ret_damage->reason) - 1);
    const uint8_t *reason = ff_coded_get_bytes(coded, len);
    coded->wrong |= ret_damage->code == 0 || !reason || !is_reason(reason, len);
    if (reason)
        memcpy(ret_damage->reason, reason, len);
}
