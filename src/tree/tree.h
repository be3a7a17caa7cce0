/*
 * The tree: inode <-> kind and record <-> name, by arithmetic alone. No tables, no I/O.
 *
 * A nodeid (the kernel's 64-bit inode number, which is also st_ino and d_ino) is
 *
 *      63   60 59       48 47    40 39                                     0
 *     +-------+-----------+--------+----------------------------------------+
 *     | kind  | archive   | epoch  | value                                  |
 *     +-------+-----------+--------+----------------------------------------+
 *       4 bit   12 bit      8 bit    40 bit
 *
 * You CAN convert, without looking at anything else:
 *     nodeid -> kind, archive, epoch, value, and back
 *     record number -> its nodeid (given archive and epoch), its name (given layout and extension),
 * its directories name -> record number (given layout, extension and the number of records)
 *     directory nodeid -> the range of records below it, its parent's nodeid
 * You CANNOT convert:
 *     nodeid -> archive's path, or anything about its bytes: the epoch only tells that an archive
 *         is another one (a short hash: one replacement in 256 is missed)
 *     slice nodeid -> A-B: two numbers do not fit; they come from a bounded table of the fs layer
 *         and are stale after a restart
 *
 * The kernel wants 1 for the root: that is kind FF_NODE_ROOT (0), all other fields 0, value 1.
 */
#ifndef FF_TREE_TREE_H
#define FF_TREE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FF_NODE_ARCHIVES_MAX (UINT32_C(1) << 12)
#define FF_NODE_VALUES_MAX   (UINT64_C(1) << 40)

enum ff_node_kind {
    FF_NODE_ROOT,     /* value 1 */
    FF_NODE_ARCHIVE,  /* a directory for each archive when there are several; value 0 */
    FF_NODE_RECORD,   /* value: record number */
    FF_NODE_MILLION,  /* directory of a million records; value: record number / 1000000 */
    FF_NODE_THOUSAND, /* directory of a thousand; value: record number / 1000 */
    FF_NODE_CONTROL,  /* of an archive; value: enum ff_control */
    FF_NODE_SLICE,    /* of an archive; value: see above */
    FF_NODE_SHARED,   /* of the whole mount; value: enum ff_control (root's .framefs with several
                         archives, DIR/synthetic) */
    FF_NODE_KINDS
};

/* What lives in .framefs. */
enum ff_control {
    FF_CONTROL_DIR,    /* .framefs itself */
    FF_CONTROL_SLICES, /* .framefs/slice */
    FF_CONTROL_ALL,
    FF_CONTROL_ARCHIVE,
    FF_CONTROL_STATS,
    FF_CONTROL_INFO,
    FF_CONTROL_DAMAGE,
    FF_CONTROL_SYNTHETIC,
    FF_CONTROL_ROOT_SYNTHETIC, /* DIR/synthetic */
    FF_CONTROLS
};

struct ff_node {
    enum ff_node_kind kind;
    uint32_t archive;
    uint8_t epoch;
    uint64_t value;
};

/* Pure arithmetic; the node's fields must fit their widths (asserted). */
uint64_t ff_node_ino(const struct ff_node *node);
/* -ESTALE for a number that no node has. */
int ff_node_from_ino(uint64_t ino, struct ff_node *ret_node);

enum ff_layout_kind { FF_TREE_AUTO, FF_TREE_FLAT, FF_TREE_TREE };
#define FF_TREE_FLAT_MAX 65536 /* auto: up to so many records are one flat directory */

#define FF_TREE_NAME_BYTES 64

/* Names. tree: FF_TREE_FLAT or FF_TREE_TREE. extension: "" or ".ext" (shorter than 32 bytes).
 *   flat: at least 8 digits; tree: at least 9, in directories of 1000: for record n, n/10^6 in at
 * least 3 digits, then n/10^3 % 1000 in 3 digits, then the whole number: 000/042/000042137,
 * 1234/567/1234567890. Each returns the length. */
size_t ff_name_record(char buf[FF_TREE_NAME_BYTES], enum ff_layout_kind layout, uint64_t number,
                      const char *extension);
size_t ff_name_million(char buf[FF_TREE_NAME_BYTES], uint64_t value);
size_t ff_name_thousand(char buf[FF_TREE_NAME_BYTES], uint64_t value);

/* The reverse; only the one canonical spelling is accepted: else -ENOENT. Whether so many records
 * exist, and whether the record belongs into the directory that it was looked up in, is for the
 * caller to check. */
int ff_name_parse_record(const char *name, enum ff_layout_kind layout, const char *extension,
                         uint64_t *ret_number);
int ff_name_parse_million(const char *name, uint64_t *ret_value);
/* A name of 3 digits inside the million directory `million`. */
int ff_name_parse_thousand(const char *name, uint64_t million, uint64_t *ret_value);
/* "A-B", A <= B, decimal without leading zeros. */
int ff_name_parse_slice(const char *name, uint64_t *ret_first, uint64_t *ret_last);

/* ".framefs", "slice", "all", "archive", "stats", "info.json", "damage", "synthetic". */
const char *ff_control_name(enum ff_control control);
/* By name inside .framefs (never DIR or ROOT_SYNTHETIC): -ENOENT. */
int ff_control_parse(const char *name, enum ff_control *ret_control);

/* The records below a million or thousand directory: first, and how many it can hold at most. */
void ff_node_range(const struct ff_node *directory, uint64_t *ret_first, uint64_t *ret_count);

/* The directory that holds the node, in a mount of one archive (single: archive directories are the
 * root) or of several. */
void ff_node_parent(const struct ff_node *node, enum ff_layout_kind layout, bool single,
                    struct ff_node *ret_parent);

#endif
