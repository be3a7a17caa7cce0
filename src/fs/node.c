#include <assert.h>
#include <errno.h>
#include <string.h>

#include "fs/state.h"

#define ROOT_VALUE 1
#define THOUSAND   UINT64_C(1000)

struct ff_shown *ff_fs_shown(const struct ff_fs *fs, const struct ff_node *node)
{
    switch (node->kind) {
    case FF_NODE_ROOT:
        return fs->single ? &fs->shown[0] : NULL;
    case FF_NODE_SHARED:
        return NULL;
    default:
        assert(node->archive < fs->shown_count);
        return &fs->shown[node->archive];
    }
}

struct ff_node ff_fs_root_node(void)
{
    return (struct ff_node){.kind = FF_NODE_ROOT, .value = ROOT_VALUE};
}

struct ff_node ff_fs_make_node(const struct ff_fs *fs, size_t shown, enum ff_node_kind kind,
                               uint64_t value)
{
    struct ff_node node = {.kind = kind, .value = value};
    if (kind != FF_NODE_SHARED) {
        node.archive = (uint32_t)shown;
        node.epoch = fs->shown[shown].epoch;
    }
    return node;
}

void ff_fs_parent(const struct ff_fs *fs, const struct ff_node *node, struct ff_node *ret_parent)
{
    const struct ff_shown *shown = ff_fs_shown(fs, node);
    ff_node_parent(node, shown ? shown->layout : FF_TREE_FLAT, fs->single, ret_parent);
}

bool ff_fs_is_dir(const struct ff_node *node)
{
    switch (node->kind) {
    case FF_NODE_ROOT:
    case FF_NODE_ARCHIVE:
    case FF_NODE_MILLION:
    case FF_NODE_THOUSAND:
        return true;
    case FF_NODE_CONTROL:
    case FF_NODE_SHARED:
        return node->value == FF_CONTROL_DIR || node->value == FF_CONTROL_SLICES;
    case FF_NODE_RECORD:
    case FF_NODE_SLICE:
    case FF_NODE_KINDS:
        break;
    }
    return false;
}

bool ff_fs_is_text(const struct ff_node *node)
{
    return (node->kind == FF_NODE_CONTROL || node->kind == FF_NODE_SHARED) &&
           (node->value == FF_CONTROL_STATS || node->value == FF_CONTROL_INFO ||
            node->value == FF_CONTROL_DAMAGE);
}

bool ff_fs_has_control(const struct ff_fs *fs, enum ff_node_kind kind, enum ff_control control)
{
    bool shared = kind == FF_NODE_SHARED;

    if (control == FF_CONTROL_ROOT_SYNTHETIC)
        return shared && fs->options->show_synthetic;
    if (fs->options->control == FF_CONTROL_OFF || (shared && fs->single))
        return false;
    switch (control) {
    case FF_CONTROL_DIR:
        return true;
    case FF_CONTROL_STATS:
    case FF_CONTROL_SYNTHETIC:
        return shared || fs->single;
    case FF_CONTROL_SLICES:
    case FF_CONTROL_ALL:
    case FF_CONTROL_ARCHIVE:
    case FF_CONTROL_INFO:
    case FF_CONTROL_DAMAGE:
        return !shared;
    case FF_CONTROL_ROOT_SYNTHETIC:
    case FF_CONTROLS:
        break;
    }
    return false;
}

bool ff_fs_control_dir(const struct ff_fs *fs, const struct ff_node *directory,
                       struct ff_node *ret_node)
{
    bool shared = directory->kind == FF_NODE_ROOT && !fs->single;

    if (directory->kind != FF_NODE_ROOT && directory->kind != FF_NODE_ARCHIVE)
        return false;
    enum ff_node_kind kind = shared ? FF_NODE_SHARED : FF_NODE_CONTROL;
    if (!ff_fs_has_control(fs, kind, FF_CONTROL_DIR))
        return false;
    *ret_node = ff_fs_make_node(fs, directory->archive, kind, FF_CONTROL_DIR);
    return true;
}

int ff_fs_find_record(const struct ff_shown *shown, uint64_t first, uint64_t last,
                      uint64_t *ret_number, struct ff_wait *ret_wait)
{
    uint64_t number;
    /* In this order: what is not found although it was counted is not shown. */
    bool counted = ff_archive_count(shown->archive) > last;
    int r = ff_archive_next(shown->archive, first, &number);

    if (r == -EAGAIN && (counted || first >= FF_NODE_VALUES_MAX))
        return -ENOENT;
    if (r == -EAGAIN)
        *ret_wait = (struct ff_wait){
            .archive = shown->archive, .records = last + 1, .or_shown = true, .from = first};
    if (r == -ENOENT && ff_shown_is_short(shown))
        return -EIO;
    if (r < 0)
        return r;
    if (number > last)
        return -ENOENT;
    *ret_number = number;
    return 0;
}

int ff_fs_has_record(const struct ff_shown *shown, uint64_t number, struct ff_wait *ret_wait)
{
    return ff_fs_find_record(shown, number, number, &number, ret_wait);
}

/* Whether there is the record that the node is, or one below the directory. */
static int has_records(const struct ff_shown *shown, const struct ff_node *node,
                       struct ff_wait *ret_wait)
{
    uint64_t first = node->value, count = 1, number;

    if (node->kind != FF_NODE_RECORD)
        ff_node_range(node, &first, &count);
    return ff_fs_find_record(shown, first, first + count - 1, &number, ret_wait);
}

/* 0, -ESTALE when there is no such node in this mount, -EAGAIN. */
static int check_node(struct ff_fs *fs, const struct ff_node *node, struct ff_wait *ret_wait)
{
    if (node->kind == FF_NODE_ROOT)
        return 0;
    if (node->kind == FF_NODE_SHARED)
        return ff_fs_has_control(fs, FF_NODE_SHARED, (enum ff_control)node->value) ? 0 : -ESTALE;
    if (node->archive >= fs->shown_count || node->epoch != fs->shown[node->archive].epoch)
        return -ESTALE;

    const struct ff_shown *shown = &fs->shown[node->archive];
    int r;
    switch (node->kind) {
    case FF_NODE_ARCHIVE:
        return fs->single ? -ESTALE : 0;
    case FF_NODE_MILLION:
    case FF_NODE_THOUSAND:
    case FF_NODE_RECORD:
        if (node->kind != FF_NODE_RECORD && shown->layout != FF_TREE_TREE)
            return -ESTALE;
        r = has_records(shown, node, ret_wait);
        return r == -ENOENT ? -ESTALE : r;
    case FF_NODE_CONTROL:
        return ff_fs_has_control(fs, FF_NODE_CONTROL, (enum ff_control)node->value) ? 0 : -ESTALE;
    case FF_NODE_SLICE: {
        struct ff_slice slice;
        return ff_slices_find(&fs->shared->slices, node->archive, node->value, &slice);
    }
    case FF_NODE_ROOT:
    case FF_NODE_SHARED:
    case FF_NODE_KINDS:
        break;
    }
    return -ESTALE;
}

int ff_fs_load_node(struct ff_fs *fs, uint64_t ino, struct ff_node *ret_node,
                    struct ff_wait *ret_wait)
{
    struct ff_node node;
    int r = ff_node_from_ino(ino, &node);
    if (r == 0)
        r = check_node(fs, &node, ret_wait);
    if (r == 0)
        *ret_node = node;
    return r;
}

/* A name that the layout puts into the directory: a record, or a directory of records. */
static int lookup_record(struct ff_fs *fs, const struct ff_node *parent, const char *name,
                         struct ff_node *ret_node, struct ff_wait *ret_wait)
{
    const struct ff_shown *shown = ff_fs_shown(fs, parent);
    struct ff_node node = ff_fs_make_node(fs, parent->archive, FF_NODE_RECORD, 0);
    int r;

    if (parent->kind == FF_NODE_MILLION) {
        node.kind = FF_NODE_THOUSAND;
        r = ff_name_parse_thousand(name, parent->value, &node.value);
    } else if (parent->kind != FF_NODE_THOUSAND && shown->layout == FF_TREE_TREE) {
        node.kind = FF_NODE_MILLION;
        r = ff_name_parse_million(name, &node.value);
    } else {
        r = ff_naming_find(fs, shown, name, &node.value, ret_wait);
        if (r == 0 && parent->kind == FF_NODE_THOUSAND && node.value / THOUSAND != parent->value)
            r = -ENOENT;
    }
    if (r == 0)
        r = has_records(shown, &node, ret_wait);
    if (r == 0)
        *ret_node = node;
    return r;
}

static int lookup_slice(struct ff_fs *fs, const struct ff_node *parent, const char *name,
                        struct ff_node *ret_node, struct ff_wait *ret_wait)
{
    struct ff_slice slice = {.archive = parent->archive};
    int r = ff_name_parse_slice(name, &slice.first, &slice.last);
    if (r == 0)
        r = ff_fs_has_record(&fs->shown[parent->archive], slice.first, ret_wait);
    if (r == 0)
        r = ff_fs_has_record(&fs->shown[parent->archive], slice.last, ret_wait);
    if (r == 0)
        *ret_node = ff_fs_make_node(fs, parent->archive, FF_NODE_SLICE,
                                    ff_slices_add(&fs->shared->slices, &slice));
    return r;
}

/* In .framefs. */
static int lookup_control(struct ff_fs *fs, const struct ff_node *parent, const char *name,
                          struct ff_node *ret_node)
{
    enum ff_control control;
    int r = ff_control_parse(name, &control);
    if (r < 0)
        return r;
    if (!ff_fs_has_control(fs, parent->kind, control))
        return -ENOENT;
    *ret_node = ff_fs_make_node(fs, parent->archive, parent->kind, control);
    return 0;
}

static int lookup_archive(const struct ff_fs *fs, const char *name, struct ff_node *ret_node)
{
    for (size_t i = 0; i < fs->shown_count; i++) {
        if (strcmp(name, fs->shown[i].name) == 0) {
            *ret_node = ff_fs_make_node(fs, i, FF_NODE_ARCHIVE, 0);
            return 0;
        }
    }
    return -ENOENT;
}

static int lookup_top(struct ff_fs *fs, const struct ff_node *parent, const char *name,
                      struct ff_node *ret_node, struct ff_wait *ret_wait)
{
    if (strcmp(name, ff_control_name(FF_CONTROL_DIR)) == 0)
        return ff_fs_control_dir(fs, parent, ret_node) ? 0 : -ENOENT;
    if (parent->kind == FF_NODE_ROOT) {
        if (strcmp(name, ff_control_name(FF_CONTROL_ROOT_SYNTHETIC)) == 0) {
            if (!ff_fs_has_control(fs, FF_NODE_SHARED, FF_CONTROL_ROOT_SYNTHETIC))
                return -ENOENT;
            *ret_node = ff_fs_make_node(fs, 0, FF_NODE_SHARED, FF_CONTROL_ROOT_SYNTHETIC);
            return 0;
        }
        if (!fs->single)
            return lookup_archive(fs, name, ret_node);
    }
    return lookup_record(fs, parent, name, ret_node, ret_wait);
}

int ff_fs_lookup(struct ff_fs *fs, const struct ff_node *parent, const char *name,
                 struct ff_node *ret_node, struct ff_wait *ret_wait)
{
    /* For file handles: the kernel asks for "." of any node, for ".." of directories. */
    if (strcmp(name, ".") == 0) {
        *ret_node = *parent;
        return 0;
    }
    if (strcmp(name, "..") == 0) {
        ff_fs_parent(fs, parent, ret_node);
        return 0;
    }
    if (!ff_fs_is_dir(parent))
        return -ENOTDIR;
    switch (parent->kind) {
    case FF_NODE_ROOT:
    case FF_NODE_ARCHIVE:
        return lookup_top(fs, parent, name, ret_node, ret_wait);
    case FF_NODE_CONTROL:
    case FF_NODE_SHARED:
        if (parent->value == FF_CONTROL_SLICES)
            return lookup_slice(fs, parent, name, ret_node, ret_wait);
        return lookup_control(fs, parent, name, ret_node);
    default:
        return lookup_record(fs, parent, name, ret_node, ret_wait);
    }
}
