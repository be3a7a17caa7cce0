#include <assert.h>
#include <errno.h>
#include <string.h>

#include "fs/state.h"

#define THOUSAND UINT64_C(1000)
#define MILLION  UINT64_C(1000000)

/* A directory's offsets: some fixed places, those not in use empty, then each child's number. */
enum { PLACE_SELF, PLACE_PARENT, PLACE_CONTROL, PLACE_SYNTHETIC, PLACE_CHILDREN };

struct entry {
    struct ff_node node;
    char name[FF_REQUEST_NAME_MAX + 1];
};

static void set_name(struct entry *entry, const char *name)
{
    size_t len = strlen(name);
    assert(len < sizeof(entry->name));
    memcpy(entry->name, name, len + 1);
}

/* What the node is called in its directory. */
static int name_child(struct ff_fs *fs, struct entry *entry, struct ff_wait *ret_wait)
{
    const struct ff_node *node = &entry->node;
    char name[FF_LABEL_BYTES];
    int r = 0;

    switch (node->kind) {
    case FF_NODE_ARCHIVE:
        set_name(entry, ff_fs_shown(fs, node)->name);
        return 0;
    case FF_NODE_CONTROL:
    case FF_NODE_SHARED:
        set_name(entry, ff_control_name((enum ff_control)node->value));
        return 0;
    case FF_NODE_MILLION:
        ff_name_million(name, node->value);
        break;
    case FF_NODE_THOUSAND:
        ff_name_thousand(name, node->value);
        break;
    default:
        r = ff_naming_name(fs, ff_fs_shown(fs, node), node->value, name, ret_wait);
        break;
    }
    if (r == 0)
        set_name(entry, name);
    return r;
}

/* The control files in the order of their listing, those that this directory has. */
static int control_child(const struct ff_fs *fs, const struct ff_node *directory, uint64_t child,
                         struct ff_node *ret_node)
{
    for (int control = FF_CONTROL_DIR + 1; control < FF_CONTROL_ROOT_SYNTHETIC; control++) {
        if (!ff_fs_has_control(fs, directory->kind, (enum ff_control)control) || child-- > 0)
            continue;
        *ret_node = ff_fs_make_node(fs, directory->archive, directory->kind, (uint64_t)control);
        return 0;
    }
    return -ENOENT;
}

/* A record or a directory of records: the child, or the next one where that is not shown. */
static int record_child(const struct ff_fs *fs, const struct ff_node *directory, uint64_t *child,
                        struct ff_node *ret_node, struct ff_wait *ret_wait)
{
    const struct ff_shown *shown = ff_fs_shown(fs, directory);
    uint64_t first = 0, count = FF_NODE_VALUES_MAX, step = 1;
    enum ff_node_kind kind = FF_NODE_RECORD;

    if (directory->kind == FF_NODE_MILLION) {
        kind = FF_NODE_THOUSAND;
        step = THOUSAND;
        ff_node_range(directory, &first, &count);
    } else if (directory->kind == FF_NODE_THOUSAND) {
        ff_node_range(directory, &first, &count);
    } else if (shown->layout == FF_TREE_TREE) {
        kind = FF_NODE_MILLION;
        step = MILLION;
    }
    if (*child > (count - 1) / step)
        return -ENOENT;

    uint64_t number;
    int r = ff_fs_find_record(shown, first + *child * step, first + count - 1, &number, ret_wait);
    if (r < 0)
        return r;
    *child = (number - first) / step;
    *ret_node = ff_fs_make_node(fs, directory->archive, kind, number / step);
    return 0;
}

/* The child of that place, or the next one: *child says which. */
static int get_child(const struct ff_fs *fs, const struct ff_node *directory, uint64_t *child,
                     struct ff_node *ret_node, struct ff_wait *ret_wait)
{
    switch (directory->kind) {
    case FF_NODE_CONTROL:
    case FF_NODE_SHARED:
        if (directory->value == FF_CONTROL_SLICES)
            return -ENOENT;
        return control_child(fs, directory, *child, ret_node);
    case FF_NODE_ROOT:
        if (fs->single)
            break;
        if (*child >= fs->shown_count)
            return -ENOENT;
        *ret_node = ff_fs_make_node(fs, (size_t)*child, FF_NODE_ARCHIVE, 0);
        return 0;
    default:
        break;
    }
    return record_child(fs, directory, child, ret_node, ret_wait);
}

/* The entry at a place, or the next one: *place says which. -ENOENT past the last one, -EAGAIN,
 * -ESRCH when this place is empty. */
static int get_entry(struct ff_fs *fs, const struct ff_node *directory, uint64_t *place,
                     struct entry *entry, struct ff_wait *ret_wait)
{
    uint64_t child;
    int r;

    switch (*place) {
    case PLACE_SELF:
        entry->node = *directory;
        set_name(entry, ".");
        return 0;
    case PLACE_PARENT:
        ff_fs_parent(fs, directory, &entry->node);
        set_name(entry, "..");
        return 0;
    case PLACE_CONTROL:
        if (fs->options->control != FF_CONTROL_LISTED ||
            !ff_fs_control_dir(fs, directory, &entry->node))
            return -ESRCH;
        break;
    case PLACE_SYNTHETIC:
        if (directory->kind != FF_NODE_ROOT ||
            !ff_fs_has_control(fs, FF_NODE_SHARED, FF_CONTROL_ROOT_SYNTHETIC))
            return -ESRCH;
        entry->node = ff_fs_make_node(fs, 0, FF_NODE_SHARED, FF_CONTROL_ROOT_SYNTHETIC);
        break;
    default:
        child = *place - PLACE_CHILDREN;
        r = get_child(fs, directory, &child, &entry->node, ret_wait);
        if (r < 0)
            return r;
        *place = PLACE_CHILDREN + child;
        break;
    }
    return name_child(fs, entry, ret_wait);
}

/* Whether readdirplus tells all of the entries of this directory: it is small for certain or its
 * archive's files are read, somebody seems to want to know, and its files are no generated texts,
 * which would be made for nobody. */
static bool is_told_in_full(const struct ff_fs *fs, const struct ff_node *directory)
{
    const struct ff_shown *shown = ff_fs_shown(fs, directory);
    uint64_t child = FF_PLUS_ENTRIES_MAX;
    struct ff_node node;
    struct ff_wait wait;

    if (directory->kind == FF_NODE_CONTROL || directory->kind == FF_NODE_SHARED)
        return false;
    if (shown && atomic_load_explicit(&shown->unread, memory_order_relaxed) >= FF_PLUS_UNREAD_MAX)
        return false;
    if (shown && atomic_load_explicit(&shown->is_read, memory_order_relaxed))
        return true;
    return get_child(fs, directory, &child, &node, &wait) == -ENOENT;
}

static size_t add_entry(struct ff_fs *fs, fuse_req_t req, char *buf, size_t len,
                        const struct entry *entry, uint64_t place, bool plus, bool in_full)
{
    struct fuse_entry_param param = {0};
    struct ff_wait wait;
    off_t next = (off_t)(place + 1);

    if (!plus) {
        ff_attr_init(fs, &entry->node, &param.attr);
        return fuse_add_direntry(req, buf, len, entry->name, &param.attr, next);
    }
    /* Looks at the file only when it fits: what the kernel does not get it does not forget. */
    if (fuse_add_direntry_plus(req, NULL, 0, entry->name, NULL, 0) > len)
        return len + 1;
    /* An entry whose attributes cannot be had is listed; its look-up tells why. The kernel takes
     * nothing of "." and "..", and would keep count of them for ever. */
    if (!in_full || place <= PLACE_PARENT || ff_attr_entry(fs, &entry->node, &param, &wait) < 0) {
        param = (struct fuse_entry_param){0};
        ff_attr_init(fs, &entry->node, &param.attr);
        if (entry->node.kind == FF_NODE_RECORD)
            atomic_store_explicit(&ff_fs_shown(fs, &entry->node)->bare, true, memory_order_relaxed);
    } else if (entry->node.kind == FF_NODE_RECORD) {
        ff_stats_add(&ff_fs_shown(fs, &entry->node)->unread, 1);
    }
    return fuse_add_direntry_plus(req, buf, len, entry->name, &param, next);
}

void ff_dir_note_use(const struct ff_fs *fs, const struct ff_node *node)
{
    struct ff_shown *shown = node->kind == FF_NODE_RECORD ? ff_fs_shown(fs, node) : NULL;

    if (!shown)
        return;
    if (atomic_load_explicit(&shown->unread, memory_order_relaxed) > 0)
        atomic_store_explicit(&shown->unread, 0, memory_order_relaxed);
    if (!atomic_load_explicit(&shown->is_read, memory_order_relaxed))
        atomic_store_explicit(&shown->is_read, true, memory_order_relaxed);
}

ssize_t ff_dir_fill(struct ff_fs *fs, fuse_req_t req, const struct ff_node *node, bool plus,
                    char *buf, size_t len, int64_t offset, struct ff_wait *ret_wait)
{
    struct entry entry;
    size_t used = 0;

    if (!ff_fs_is_dir(node))
        return -ENOTDIR;
    if (offset < 0)
        return -EINVAL;
    bool in_full = plus && is_told_in_full(fs, node);
    for (uint64_t place = (uint64_t)offset;; place++) {
        int r = get_entry(fs, node, &place, &entry, ret_wait);
        if (r == -ESRCH)
            continue;
        if (r == -ENOENT)
            return (ssize_t)used;
        if (r < 0)
            /* Never "no more" before the scan has ended: the kernel would keep a short list. */
            return used > 0 ? (ssize_t)used : r;
        size_t size = add_entry(fs, req, buf + used, len - used, &entry, place, plus, in_full);
        if (size > len - used)
            return used > 0 ? (ssize_t)used : -EINVAL;
        used += size;
    }
}
