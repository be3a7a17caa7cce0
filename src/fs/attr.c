#include <errno.h>
#include <string.h>

#include "fs/state.h"

#define FILE_MODE   0444
#define DIR_MODE    0555
#define BLOCK_BYTES 512 /* of st_blocks, see stat(2) */
#define THOUSAND    UINT64_C(1000)
#define MILLION     UINT64_C(1000000)

void ff_attr_init(const struct ff_fs *fs, const struct ff_node *node, struct stat *ret_attr)
{
    bool is_dir = ff_fs_is_dir(node);
    mode_t mode = (is_dir ? DIR_MODE : FILE_MODE) & ~(mode_t)fs->options->umask;

    *ret_attr = (struct stat){
        .st_ino = ff_node_ino(node),
        .st_mode = mode | (is_dir ? S_IFDIR : S_IFREG),
        .st_nlink = is_dir ? 2 : 1,
        .st_uid = fs->uid,
        .st_gid = fs->gid,
        .st_blksize = (blksize_t)fs->options->blksize_bytes,
    };
}

static void set_time(struct stat *attr, struct timespec time)
{
    attr->st_mtim = time;
    attr->st_ctim = time;
    attr->st_atim = time;
}

/* How many of the steps of `step` records begin among the first `records`. */
static uint64_t steps(uint64_t records, uint64_t step)
{
    return records / step + (records % step != 0);
}

/* How many of the steps of `step` records have one that is shown among the records from first on,
 * `count` of them. */
static uint64_t steps_shown(const struct ff_archive *archive, uint64_t first, uint64_t count,
                            uint64_t step)
{
    uint64_t found = 0, number = first;

    while (ff_archive_next(archive, number, &number) == 0 && number - first < count) {
        found++;
        number += step - number % step;
    }
    return found;
}

/* The directories that a listing of this one shows, now. */
static uint64_t subdirectories(const struct ff_fs *fs, const struct ff_node *node, bool *ret_final)
{
    const struct ff_shown *shown = ff_fs_shown(fs, node);
    struct ff_node control;
    uint64_t count = 0;

    *ret_final = true;
    if (ff_fs_control_dir(fs, node, &control) && fs->options->control == FF_CONTROL_LISTED)
        count++;
    if (node->kind == FF_NODE_ROOT && !fs->single)
        return count + fs->shown_count;
    if (node->kind == FF_NODE_CONTROL && node->value == FF_CONTROL_DIR)
        return count + 1;
    if (!shown || shown->layout != FF_TREE_TREE)
        return count;

    /* In this order: what was complete or counted is all found. */
    bool complete = ff_archive_complete(shown->archive);
    uint64_t records = ff_archive_count(shown->archive);
    uint64_t first = 0, size = FF_NODE_VALUES_MAX, step = MILLION;
    if (node->kind == FF_NODE_MILLION) {
        ff_node_range(node, &first, &size);
        step = THOUSAND;
    } else if (node->kind != FF_NODE_ROOT && node->kind != FF_NODE_ARCHIVE) {
        return count;
    }
    *ret_final = complete || records >= first + size;
    return count + steps_shown(shown->archive, first, size, step);
}

static void get_dir(const struct ff_fs *fs, const struct ff_node *node, struct stat *attr,
                    double *timeout_s)
{
    const struct ff_shown *shown = ff_fs_shown(fs, node);
    bool final;

    attr->st_nlink = (nlink_t)(2 + subdirectories(fs, node, &final));
    set_time(attr, shown ? ff_archive_mtime(shown->archive) : fs->mtime);
    if (!final)
        *timeout_s = 0;
}

/* The record's own time where it has one. Not kept: the kernel keeps it. */
static int get_record_time(struct ff_fs *fs, const struct ff_file *file, struct timespec *ret_time)
{
    struct ff_archive *archive = file->shown->archive;

    *ret_time = ff_archive_mtime(archive);
    if (!ff_archive_has_times(archive))
        return 0;
    struct timespec time;
    struct ff_error error = {0};
    bool known;
    int r = ff_archive_time(archive, &file->record, &known, &time, &error);
    if (r < 0)
        return ff_fs_failed(fs, r, &error);
    if (known)
        *ret_time = time;
    return 0;
}

static int get_file(struct ff_fs *fs, const struct ff_node *node, enum ff_text_age age,
                    struct stat *attr, double *timeout_s, struct ff_wait *ret_wait)
{
    struct ff_file file;
    struct timespec time = fs->mtime;
    int r = ff_file_find(fs, node, age, &file, ret_wait);
    if (r < 0)
        return r;

    if (file.kind == FF_FILE_TEXT) {
        time = file.text_mtime;
        *timeout_s = 0;
    } else if (node->kind == FF_NODE_RECORD) {
        r = get_record_time(fs, &file, &time);
        if (r < 0)
            return r;
    } else if (file.shown) {
        time = ff_archive_mtime(file.shown->archive);
    }
    set_time(attr, time);
    attr->st_size = (off_t)file.size;
    attr->st_blocks = (blkcnt_t)steps(file.size, BLOCK_BYTES);
    return 0;
}

int ff_attr_get(struct ff_fs *fs, const struct ff_node *node, enum ff_text_age age,
                struct stat *ret_attr, double *ret_timeout_s, struct ff_wait *ret_wait)
{
    struct stat attr;
    double timeout_s = FF_FOREVER_S;

    ff_attr_init(fs, node, &attr);
    if (ff_fs_is_dir(node)) {
        get_dir(fs, node, &attr, &timeout_s);
    } else {
        int r = get_file(fs, node, age, &attr, &timeout_s, ret_wait);
        if (r < 0)
            return r;
    }
    *ret_attr = attr;
    *ret_timeout_s = timeout_s;
    return 0;
}

int ff_attr_entry(struct ff_fs *fs, const struct ff_node *node, struct fuse_entry_param *ret_entry,
                  struct ff_wait *ret_wait)
{
    /* The generation is 0 for ever: a nodeid is never another file's. */
    struct fuse_entry_param entry = {.ino = ff_node_ino(node), .entry_timeout = FF_FOREVER_S};
    int r = ff_attr_get(fs, node, FF_TEXT_NEW, &entry.attr, &entry.attr_timeout, ret_wait);
    if (r == -EAGAIN && node->kind == FF_NODE_CONTROL && node->value == FF_CONTROL_ALL) {
        /* That it exists is known. Attributes that hold for no time make the kernel ask for the
         * right ones before it uses them, and those requests wait each for itself: look-ups of one
         * name wait in the kernel for the first of them, and cannot be killed there. */
        ff_attr_init(fs, node, &entry.attr);
        entry.attr.st_size = (off_t)ff_archive_size(ff_fs_shown(fs, node)->archive);
    } else if (r < 0) {
        return r;
    }
    /* Generated texts are made when they are looked up, so opening one has to look it up. A slice
     * that its table dropped gets another nodeid then. */
    if (node->kind == FF_NODE_SLICE || (!ff_fs_is_dir(node) && entry.attr_timeout == 0))
        entry.entry_timeout = 0;
    *ret_entry = entry;
    return 0;
}
