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
    char name[FF_LABEL_BYTES];
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

    switch (node->kind) {
    case FF_NODE_ARCHIVE:
        set_name(entry, ff_fs_shown(fs, node)->name);
        return 0;
    case FF_NODE_CONTROL:
    case FF_NODE_SHARED:
        set_name(entry, ff_control_name((enum ff_control)node->value));
        return 0;
    case FF_NODE_MILLION:
        ff_name_million(entry->name, node->value);
        return 0;
    case FF_NODE_THOUSAND:
        ff_name_thousand(entry->name, node->value);
        return 0;
    default:
        return ff_naming_name(fs, ff_fs_shown(fs, node), node->value, entry->name, ret_wait);
    }
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

/* A reply that is being made. */
struct reply {
    fuse_req_t req;
    char *buf;
    size_t len, used;
    bool plus;
    bool in_full;                 /* with plus: attributes, too, as far as they can be had */
    struct fuse_entry_param bare; /* of an entry without: all zero but what each one has */
};

/* Its name, its type and its number alone: nobody looks at the rest. */
static size_t add_bare(struct ff_fs *fs, struct reply *reply, const struct entry *entry, off_t next)
{
    const struct ff_node *node = &entry->node;
    char *at = reply->buf + reply->used;
    size_t left = reply->len - reply->used;

    reply->bare.attr.st_ino = ff_node_ino(node);
    reply->bare.attr.st_mode = ff_fs_is_dir(node) ? S_IFDIR : S_IFREG;
    if (!reply->plus)
        return fuse_add_direntry(reply->req, at, left, entry->name, &reply->bare.attr, next);
    if (node->kind == FF_NODE_RECORD)
        atomic_store_explicit(&ff_fs_shown(fs, node)->bare, true, memory_order_relaxed);
    return fuse_add_direntry_plus(reply->req, at, left, entry->name, &reply->bare, next);
}

/* With its attributes. */
static size_t add_full(struct ff_fs *fs, struct reply *reply, const struct entry *entry, off_t next)
{
    struct fuse_entry_param param = {0};
    struct ff_wait wait;
    size_t left = reply->len - reply->used;

    /* Looks at the file only when it fits: what the kernel does not get it does not forget. */
    if (fuse_add_direntry_plus(reply->req, NULL, 0, entry->name, NULL, 0) > left)
        return left + 1;
    /* An entry whose attributes cannot be had is listed; its look-up tells why. */
    if (ff_attr_entry(fs, &entry->node, &param, &wait) < 0)
        return add_bare(fs, reply, entry, next);
    if (entry->node.kind == FF_NODE_RECORD)
        ff_stats_add(&ff_fs_shown(fs, &entry->node)->unread, 1);
    return fuse_add_direntry_plus(reply->req, reply->buf + reply->used, left, entry->name, &param,
                                  next);
}

/* The bytes that it takes; more than there is room for when it has not been added. */
static size_t add_entry(struct ff_fs *fs, struct reply *reply, const struct entry *entry,
                        uint64_t place)
{
    off_t next = (off_t)(place + 1);

    /* The kernel takes nothing of "." and "..", and would keep count of them for ever. */
    if (!reply->in_full || place <= PLACE_PARENT)
        return add_bare(fs, reply, entry, next);
    return add_full(fs, reply, entry, next);
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
    struct reply reply = {.req = req, .buf = buf, .len = len, .plus = plus};
    struct entry entry;

    if (!ff_fs_is_dir(node))
        return -ENOTDIR;
    if (offset < 0)
        return -EINVAL;
    reply.in_full = plus && is_told_in_full(fs, node);
    for (uint64_t place = (uint64_t)offset;; place++) {
        int r = get_entry(fs, node, &place, &entry, ret_wait);
        if (r == -ESRCH)
            continue;
        if (r == -ENOENT)
            return (ssize_t)reply.used;
        if (r < 0)
            /* Never "no more" before the scan has ended: the kernel would keep a short list. */
            return reply.used > 0 ? (ssize_t)reply.used : r;
        size_t size = add_entry(fs, &reply, &entry, place);
        if (size > reply.len - reply.used)
            return reply.used > 0 ? (ssize_t)reply.used : -EINVAL;
        reply.used += size;
    }
}
