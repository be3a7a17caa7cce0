#include "archive/index_sums.h"

#include <errno.h>
#include <stdlib.h>

#include "archive/coded_damage.h"

#define NUMBERS 6
#define NS_MAX  999999999

void ff_index_sums_done(struct ff_index_sums *sums)
{
    free(sums->damages);
    *sums = (struct ff_index_sums){0};
}

int ff_index_sums_add(struct ff_index_sums *sums, const struct ff_damage *damage)
{
    size_t count = ff_index_sums_kept(sums);

    if (count < FF_DAMAGE_MAX) {
        /* Room for a power of two: it is full when their number is one. */
        if ((count & (count - 1)) == 0) {
            struct ff_damage *damages =
                reallocarray(sums->damages, count ? 2 * count : 1, sizeof(*damages));
            if (!damages)
                return -ENOMEM;
            sums->damages = damages;
        }
        sums->damages[count] = *damage;
    }
    sums->wrong++;
    return 0;
}

/* The first damage of the record or of a later one. */
static size_t find(const struct ff_index_sums *sums, uint64_t record)
{
    size_t low = 0, high = ff_index_sums_kept(sums);

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (sums->damages[middle].record < record)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

enum ff_checked ff_index_sums_get(const struct ff_index_sums *sums, const struct ff_record *record,
                                  const struct ff_damage **ret_damage)
{
    size_t kept = ff_index_sums_kept(sums), i = find(sums, record->number);

    if (record->number >= sums->records || (i == kept && sums->wrong > kept))
        return FF_CHECKED_NOT;
    if (i == kept || sums->damages[i].record != record->number)
        return FF_CHECKED_WELL;
    /* Frames that are no record's count as the next one's, and are no reason to refuse it. */
    for (; i < kept && sums->damages[i].record == record->number; i++)
        if (!record->joined && sums->damages[i].offset == record->offset) {
            *ret_damage = &sums->damages[i];
            return FF_CHECKED_DAMAGED;
        }
    return FF_CHECKED_NOT;
}

void ff_index_sums_status(const struct ff_index_sums *sums, struct ff_index_status *ret_status)
{
    ret_status->verified = true;
    ret_status->checksums = sums->checksums;
    ret_status->wrong = sums->wrong;
    if (sums->wrong > 0)
        ret_status->first_wrong = sums->damages[0];
}

size_t ff_index_sums_bytes_max(const struct ff_index_sums *sums)
{
    return NUMBERS * FF_PACK_VARINT_BYTES + ff_index_sums_kept(sums) * FF_CODED_DAMAGE_BYTES_MAX;
}

size_t ff_index_sums_encode(uint8_t *buf, const struct ff_index_sums *sums)
{
    uint8_t *at = buf;

    at = ff_coded_put(at, sums->archive_bytes);
    at = ff_coded_put(at, (uint64_t)sums->mtime.tv_sec);
    at = ff_coded_put(at, (uint64_t)sums->mtime.tv_nsec);
    at = ff_coded_put(at, sums->records);
    at = ff_coded_put(at, sums->checksums);
    at = ff_coded_put(at, sums->wrong);
    for (size_t i = 0; i < ff_index_sums_kept(sums); i++)
        at = ff_coded_put_damage(at, &sums->damages[i]);
    return (size_t)(at - buf);
}

static void get_damages(struct ff_coded *coded, struct ff_index_sums *sums)
{
    for (size_t i = 0; !coded->wrong && i < ff_index_sums_kept(sums); i++) {
        struct ff_damage *damage = &sums->damages[i];
        ff_coded_get_damage(coded, sums->records, sums->archive_bytes, damage);
        coded->wrong |=
            damage->code != -EBADMSG ||
            (i && (damage->offset <= damage[-1].offset || damage->record < damage[-1].record));
    }
}

int ff_index_sums_decode(const uint8_t *buf, uint64_t len, uint64_t records, uint64_t archive_bytes,
                         struct ff_index_sums *ret_sums)
{
    struct ff_coded coded = {.buf = buf, .len = (size_t)len};
    struct ff_index_sums sums = {0};

    sums.archive_bytes = ff_coded_get(&coded, archive_bytes);
    sums.mtime.tv_sec = (time_t)ff_coded_get(&coded, UINT64_MAX);
    sums.mtime.tv_nsec = (long)ff_coded_get(&coded, NS_MAX);
    sums.records = ff_coded_get(&coded, records);
    sums.checksums = ff_coded_get(&coded, UINT64_MAX);
    sums.wrong = ff_coded_get(&coded, sums.checksums);
    if (coded.wrong || sums.archive_bytes != archive_bytes || sums.records != records ||
        ff_index_sums_kept(&sums) > coded.len / FF_CODED_DAMAGE_BYTES_MIN)
        return -EUCLEAN;
    sums.damages = calloc(ff_index_sums_kept(&sums) + 1, sizeof(*sums.damages));
    if (!sums.damages)
        return -ENOMEM;
    get_damages(&coded, &sums);
    if (coded.wrong || coded.len > 0) {
        ff_index_sums_done(&sums);
        return -EUCLEAN;
    }
    *ret_sums = sums;
    return 0;
}
