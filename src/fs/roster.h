/*
 * The records of one archive by their own names, each of which is made unique: the table behind
 * names=name.
 *
 * A record is called by its label, unless an earlier record has the same, or it is empty, or taken
 * by what is no record: then the record's number is appended. A label that is what another record's
 * name became so gets its own number, too. So every record has one name, every name one record, and
 * both are found without trying.
 *
 * Threads: one fills it; any number may look up at the same time, and finds -EAGAIN until it is
 * full.
 */
#ifndef FF_FS_ROSTER_H
#define FF_FS_ROSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "tree/label.h"

#define FF_ROSTER_RECORDS_MAX FF_TREE_FLAT_MAX

struct ff_roster;

/* extension: of all names; must outlive it. -ENOMEM. */
int ff_roster_new(const char *extension, struct ff_roster **ret_roster);
void ff_roster_free(struct ff_roster *roster); /* NULL is fine */

/* The next record's own name, as in struct ff_details; "" for none; NULL for a record that is not
 * shown: it has no name and takes none from others. -ENOMEM; -EOVERFLOW past
 * FF_ROSTER_RECORDS_MAX. */
int ff_roster_add(struct ff_roster *roster, const char *text);
/* No more will come: from now on it answers. -ENOMEM. */
int ff_roster_seal(struct ff_roster *roster);
/* It will never be full: from now on all look-ups return r, a negative errno. */
void ff_roster_fail(struct ff_roster *roster, int r);

/* Whether it was sealed, or failed (any). */
bool ff_roster_is_final(const struct ff_roster *roster);

/* -EAGAIN; -ENOENT for a number that was not added or is not shown; the errno of ff_roster_fail()
 * (any). */
int ff_roster_name(const struct ff_roster *roster, uint64_t number, char buf[FF_LABEL_BYTES]);
int ff_roster_find(const struct ff_roster *roster, const char *name, uint64_t *ret_number);

#endif
