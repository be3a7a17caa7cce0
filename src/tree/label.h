/*
 * Labels: what a record calls itself, as a part of its file's name. No tables, no I/O.
 *
 * The text that is given is a record's name as struct ff_details has it: printable UTF-8, all other
 * bytes as \xHH. In a label '/', '%', the first dot of "." and "..", and what was \xHH are %HH, so
 * that any program that undoes the percent-encoding of URLs has the record's own name back.
 */
#ifndef FF_TREE_LABEL_H
#define FF_TREE_LABEL_H

#include "tree/tree.h"

#define FF_LABEL_BYTES 256 /* of a file's name, with its NUL */

/* The label of text, cut between two characters to at most size - 1 bytes; size >= 1. Returns its
 * length; 0 for "". */
size_t ff_label_escape(char *buf, size_t size, const char *text);

/* How many bytes, at most room, of a label of len bytes are left when it is cut between two
 * characters. */
size_t ff_label_cut(const char *label, size_t len, size_t room);

/* File names; extension as for ff_name_record(). Too long a label is cut for all to fit into
 * FF_LABEL_BYTES. Each returns the length.
 *   numbered: "00000042-LABEL.ext" of the text, or "00000042.ext" of "";
 *   plain:    "LABEL.ext" of the label;
 *   unique:   "LABEL-00000042.ext" of the label, or "00000042.ext" of "". */
size_t ff_label_numbered(char buf[FF_LABEL_BYTES], enum ff_layout_kind layout, uint64_t number,
                         const char *text, const char *extension);
size_t ff_label_plain(char buf[FF_LABEL_BYTES], const char *label, const char *extension);
size_t ff_label_unique(char buf[FF_LABEL_BYTES], const char *label, uint64_t number,
                       const char *extension);

/* The number that a numbered name begins with: -ENOENT when there is none in its one spelling. What
 * follows is for the caller to compare. */
int ff_label_parse_numbered(const char *name, enum ff_layout_kind layout, uint64_t *ret_number);
/* The number that a unique name would end with; -ENOENT. */
int ff_label_parse_unique(const char *name, const char *extension, uint64_t *ret_number);

#endif
