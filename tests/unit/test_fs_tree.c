/* What a mount shows, without a mount: names, nodes, attributes, listings. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <linux/fuse.h>

#include <cmocka.h>

#include "fs/state.h"

#define FRAME_BYTES 12 /* of a tag4 record without a payload */

/* The next look-up that finds nothing yet is followed by a scan of as many records. */
static uint64_t scan_meanwhile;

int __real_ff_archive_record(const struct ff_archive *archive, uint64_t number,
                             struct ff_record *ret_record);
int __wrap_ff_archive_record(const struct ff_archive *archive, uint64_t number,
                             struct ff_record *ret_record);

int __wrap_ff_archive_record(const struct ff_archive *archive, uint64_t number,
                             struct ff_record *ret_record)
{
    int r = __real_ff_archive_record(archive, number, ret_record);

    if (r == -EAGAIN && scan_meanwhile) {
        struct ff_archive *shared = (struct ff_archive *)(uintptr_t)archive;
        assert_int_equal(ff_archive_scan(shared, scan_meanwhile, NULL), 0);
        scan_meanwhile = 0;
    }
    return r;
}

struct mount {
    struct ff_fs fs;
    struct ff_fs_options options;
    struct ff_shown shown[2];
    struct ff_settled settled[2];
    struct ff_shared *shared;
    uint8_t *bytes;
};

static struct ff_archive *open_archive(const uint8_t *bytes, uint64_t records)
{
    struct ff_source *source;
    struct ff_format *format;
    struct ff_archive *archive;
    const struct ff_archive_options options = {.name = "test"};

    assert_int_equal(ff_source_open_memory(bytes, records * FRAME_BYTES, &source, NULL), 0);
    assert_int_equal(ff_format_find("tag4-i64le", &format, NULL), 0);
    assert_int_equal(ff_archive_open(source, format, &options, &archive, NULL), 0);
    return archive;
}

/* `archives` times an archive of so many empty records, the first `scanned` known. */
static struct mount *begin(size_t archives, uint64_t records, uint64_t scanned,
                           enum ff_layout_kind layout)
{
    static const char *const names[] = {"one", "two"};
    struct mount *mount = calloc(1, sizeof(*mount));
    assert_non_null(mount);
    mount->bytes = calloc(records + 1, FRAME_BYTES);
    assert_non_null(mount->bytes);
    mount->shared = calloc(1, sizeof(*mount->shared));
    assert_non_null(mount->shared);
    mount->options = (struct ff_fs_options){.blksize_bytes = 4096, .synth = {.size = 1000}};
    mount->fs =
        (struct ff_fs){.options = &mount->options, .shared = mount->shared, .shown = mount->shown};
    for (size_t i = 0; i < archives; i++) {
        struct ff_shown *shown = &mount->shown[i];
        *shown = (struct ff_shown){
            .name = names[i], .layout = layout, .extension = ".x", .settled = &mount->settled[i]};
        shown->archive = open_archive(mount->bytes, records);
        assert_int_equal(ff_archive_scan(shown->archive, scanned, NULL), 0);
        shown->epoch = ff_archive_epoch(shown->archive);
        ff_snapshot_init(&shown->info);
        ff_snapshot_init(&shown->damage);
    }
    mount->fs.shown_count = archives;
    mount->fs.single = archives == 1;
    ff_slices_init(&mount->shared->slices, 0);
    ff_snapshot_init(&mount->fs.stats_text);
    ff_stats_init(&mount->shared->stats);
    ff_park_init(&mount->fs.park, &ff_ops_park);
    pthread_mutex_init(&mount->fs.log_lock, NULL);
    return mount;
}

static void end(struct mount *mount)
{
    for (size_t i = 0; i < mount->fs.shown_count; i++) {
        ff_archive_close(mount->shown[i].archive);
        ff_snapshot_done(&mount->shown[i].info);
        ff_snapshot_done(&mount->shown[i].damage);
    }
    pthread_mutex_destroy(&mount->fs.log_lock);
    ff_park_done(&mount->fs.park);
    ff_snapshot_done(&mount->fs.stats_text);
    ff_slices_done(&mount->shared->slices);
    free(mount->shared);
    free(mount->bytes);
    free(mount);
}

/* Looks a path up, one name after the other. */
static int walk(struct mount *mount, const char *path, struct ff_node *ret_node)
{
    struct ff_node node = ff_fs_root_node();
    struct ff_wait wait;
    char copy[256], *rest = copy, *name;
    int r = 0;

    assert_true(strlen(path) < sizeof(copy));
    strcpy(copy, path);
    while (r == 0 && (name = strsep(&rest, "/")))
        if (*name)
            r = ff_fs_lookup(&mount->fs, &node, name, &node, &wait);
    if (r == 0)
        *ret_node = node;
    return r;
}

static void is_there(struct mount *mount, const char *path)
{
    struct ff_node node, loaded;
    struct ff_wait wait;
    if (walk(mount, path, &node) != 0)
        fail_msg("%s is not there", path);
    assert_int_equal(ff_fs_load_node(&mount->fs, ff_node_ino(&node), &loaded, &wait), 0);
    assert_int_equal(ff_node_ino(&loaded), ff_node_ino(&node));
}

static void is_missing(struct mount *mount, const char *path)
{
    struct ff_node node;
    int r = walk(mount, path, &node);
    if (r != -ENOENT)
        fail_msg("%s: %d instead of ENOENT", path, r);
}

static void names_lead_to_records(void **state)
{
    (void)state;
    struct ff_node node;
    struct mount *flat = begin(1, 12, UINT64_MAX, FF_TREE_FLAT);
    is_there(flat, "00000011.x");
    is_missing(flat, "00000012.x");
    is_missing(flat, "00000011");
    is_missing(flat, "000");
    is_missing(flat, "synthetic");
    is_missing(flat, "one");
    assert_int_equal(walk(flat, "00000011.x/y", &node), -ENOTDIR);
    end(flat);

    struct mount *tree = begin(1, 2500, UINT64_MAX, FF_TREE_TREE);
    is_there(tree, "000/002/000002499.x");
    is_missing(tree, "000/002/000002500.x");
    is_missing(tree, "000/003");
    is_missing(tree, "001");
    is_missing(tree, "000/001/000002499.x");
    is_missing(tree, "00000001.x");
    end(tree);

    struct mount *two = begin(2, 3, UINT64_MAX, FF_TREE_FLAT);
    is_there(two, "one/00000002.x");
    is_there(two, "two/00000002.x");
    is_missing(two, "three");
    is_missing(two, "00000002.x");
    end(two);
}

static void control_files_are_where_they_belong(void **state)
{
    (void)state;
    struct mount *single = begin(1, 5, UINT64_MAX, FF_TREE_FLAT);
    const char *const all[] = {"all",       "archive", "slice",    "stats",
                               "info.json", "damage",  "synthetic"};
    char path[64];
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        snprintf(path, sizeof(path), ".framefs/%s", all[i]);
        is_there(single, path);
    }
    is_there(single, ".framefs/slice/0-4");
    is_missing(single, ".framefs/slice/0-5");
    is_missing(single, ".framefs/slice/x");
    is_missing(single, ".framefs/x");
    is_missing(single, ".framefs/.framefs");
    single->options.control = FF_CONTROL_OFF;
    is_missing(single, ".framefs");
    single->options.show_synthetic = true;
    is_there(single, "synthetic");
    end(single);

    struct mount *two = begin(2, 5, UINT64_MAX, FF_TREE_FLAT);
    is_there(two, ".framefs/stats");
    is_there(two, ".framefs/synthetic");
    is_missing(two, ".framefs/all");
    is_missing(two, ".framefs/slice");
    is_there(two, "two/.framefs/slice/1-2");
    is_there(two, "two/.framefs/info.json");
    is_missing(two, "two/.framefs/stats");
    is_missing(two, "two/.framefs/synthetic");
    end(two);

    struct mount *none = begin(0, 0, 0, FF_TREE_FLAT);
    none->options.show_synthetic = true;
    is_there(none, "synthetic");
    is_there(none, ".framefs/stats");
    is_missing(none, "00000000.x");
    end(none);
}

static void dots_lead_to_the_directory_and_its_parent(void **state)
{
    (void)state;
    struct mount *mount = begin(2, 2500, UINT64_MAX, FF_TREE_TREE);
    static const char *const pairs[][2] = {
        {"", ""},
        {"two", ""},
        {"two/000", "two"},
        {"two/000/001", "two/000"},
        {"two/000/001/000001007.x", "two/000/001"},
        {"two/.framefs", "two"},
        {"two/.framefs/slice", "two/.framefs"},
        {"two/.framefs/slice/1-2", "two/.framefs/slice"},
        {"two/.framefs/all", "two/.framefs"},
        {".framefs", ""},
        {".framefs/stats", ".framefs"},
    };
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct ff_node node, parent, found;
        struct ff_wait wait;
        assert_int_equal(walk(mount, pairs[i][0], &node), 0);
        assert_int_equal(walk(mount, pairs[i][1], &parent), 0);
        assert_int_equal(ff_fs_lookup(&mount->fs, &node, ".", &found, &wait), 0);
        assert_int_equal(ff_node_ino(&found), ff_node_ino(&node));
        assert_int_equal(ff_fs_lookup(&mount->fs, &node, "..", &found, &wait), 0);
        assert_int_equal(ff_node_ino(&found), ff_node_ino(&parent));
    }
    end(mount);
}

static int load(struct mount *mount, struct ff_node node)
{
    struct ff_node loaded;
    struct ff_wait wait;
    return ff_fs_load_node(&mount->fs, ff_node_ino(&node), &loaded, &wait);
}

static void nodes_of_something_else_are_stale(void **state)
{
    (void)state;
    struct mount *mount = begin(1, 2500, UINT64_MAX, FF_TREE_FLAT);
    struct ff_node node = ff_fs_make_node(&mount->fs, 0, FF_NODE_RECORD, 2499);

    assert_int_equal(load(mount, node), 0);
    node.value++;
    assert_int_equal(load(mount, node), -ESTALE);
    node = ff_fs_make_node(&mount->fs, 0, FF_NODE_RECORD, 0);
    node.epoch++;
    assert_int_equal(load(mount, node), -ESTALE);
    node = ff_fs_make_node(&mount->fs, 0, FF_NODE_RECORD, 0);
    node.archive = 1;
    assert_int_equal(load(mount, node), -ESTALE);
    assert_int_equal(load(mount, ff_fs_make_node(&mount->fs, 0, FF_NODE_MILLION, 0)), -ESTALE);
    assert_int_equal(load(mount, ff_fs_make_node(&mount->fs, 0, FF_NODE_THOUSAND, 0)), -ESTALE);
    assert_int_equal(load(mount, ff_fs_make_node(&mount->fs, 0, FF_NODE_ARCHIVE, 0)), -ESTALE);
    assert_int_equal(load(mount, ff_fs_make_node(&mount->fs, 0, FF_NODE_SLICE, 0)), -ESTALE);
    assert_int_equal(load(mount, ff_fs_make_node(&mount->fs, 0, FF_NODE_SHARED, FF_CONTROL_STATS)),
                     -ESTALE);
    assert_int_equal(
        load(mount, ff_fs_make_node(&mount->fs, 0, FF_NODE_SHARED, FF_CONTROL_ROOT_SYNTHETIC)),
        -ESTALE);
    mount->options.control = FF_CONTROL_OFF;
    assert_int_equal(
        load(mount, ff_fs_make_node(&mount->fs, 0, FF_NODE_CONTROL, FF_CONTROL_ARCHIVE)), -ESTALE);
    end(mount);
}

static void what_the_scan_has_not_reached_is_waited_for(void **state)
{
    (void)state;
    struct mount *mount = begin(1, 2500, 1500, FF_TREE_TREE);
    struct ff_archive *archive = mount->shown[0].archive;
    struct ff_node node = ff_fs_root_node(), found;
    struct ff_file file;
    struct ff_wait wait = {0};
    char buf[4096];

    assert_int_equal(ff_archive_count(archive), 1500);
    is_there(mount, "000/001/000001499.x");
    is_missing(mount, "no-record");
    assert_int_equal(walk(mount, "000/001/000001500.x", &found), -EAGAIN);
    assert_int_equal(walk(mount, "000/002", &found), -EAGAIN);
    assert_int_equal(walk(mount, ".framefs/slice/0-1500", &found), -EAGAIN);
    assert_int_equal(ff_fs_lookup(&mount->fs, &node, "001", &found, &wait), -EAGAIN);
    assert_ptr_equal(wait.archive, archive);
    assert_true(wait.or_shown);
    assert_int_equal(wait.from, 1000000);
    assert_int_equal(wait.records, 2000000);
    node = ff_fs_make_node(&mount->fs, 0, FF_NODE_RECORD, 1500);
    assert_int_equal(ff_file_find(&mount->fs, &node, FF_TEXT_ANY, &file, &wait), -EAGAIN);
    assert_int_equal(wait.records, 1501);

    /* A listing gives what is known, then waits: its end is not known. */
    node = ff_fs_make_node(&mount->fs, 0, FF_NODE_THOUSAND, 1);
    assert_true(ff_dir_fill(&mount->fs, NULL, &node, false, buf, sizeof(buf), 480, &wait) > 0);
    assert_int_equal(ff_dir_fill(&mount->fs, NULL, &node, false, buf, sizeof(buf), 504, &wait),
                     -EAGAIN);
    assert_true(wait.or_shown);
    assert_int_equal(wait.from, 1500);
    assert_int_equal(wait.records, 2000);

    assert_int_equal(walk(mount, ".framefs/all", &node), 0);
    assert_int_equal(ff_file_find(&mount->fs, &node, FF_TEXT_ANY, &file, &wait), -EAGAIN);
    assert_int_equal(wait.records, UINT64_MAX);
    struct fuse_entry_param entry;
    assert_int_equal(ff_attr_entry(&mount->fs, &node, &entry, &wait), 0);
    assert_true(entry.attr_timeout == 0);
    is_there(mount, ".framefs/archive");
    is_there(mount, ".framefs/stats");

    assert_int_equal(ff_archive_scan(archive, UINT64_MAX, NULL), 0);
    is_there(mount, "000/002/000002499.x");
    is_missing(mount, "000/002/000002500.x");
    is_missing(mount, "001");
    is_missing(mount, ".framefs/slice/0-2500");
    node = ff_fs_make_node(&mount->fs, 0, FF_NODE_RECORD, 2500);
    assert_int_equal(load(mount, node), -ESTALE);
    end(mount);
}

static bool is_odd(void *context, const struct ff_details *details)
{
    (void)context;
    return strtoul(details->type, NULL, 10) % 2;
}

/* Record n is of type n, modulo 256, but from `even` on all are of type 0. */
static struct mount *begin_odd(uint64_t records, uint64_t even, uint64_t scanned)
{
    struct mount *mount = begin(1, records, 0, FF_TREE_TREE);
    const struct ff_archive_options options = {.name = "test", .shows = is_odd};
    struct ff_source *source;
    struct ff_format *format;
    struct ff_shown *shown = &mount->shown[0];

    ff_archive_close(shown->archive);
    for (uint64_t i = 0; i < even; i++)
        mount->bytes[i * FRAME_BYTES] = (uint8_t)i;
    assert_int_equal(ff_source_open_memory(mount->bytes, records * FRAME_BYTES, &source, NULL), 0);
    assert_int_equal(ff_format_compile("type:u8 bytes[3] len:i64le data", &format, NULL), 0);
    assert_int_equal(ff_archive_open(source, format, &options, &shown->archive, NULL), 0);
    assert_int_equal(ff_archive_scan(shown->archive, scanned, NULL), 0);
    shown->epoch = ff_archive_epoch(shown->archive);
    return mount;
}

static void what_is_not_shown_is_missing_as_soon_as_that_is_known(void **state)
{
    (void)state;
    struct mount *mount = begin_odd(5000, 1500, 2500);
    struct ff_node node = ff_fs_root_node(), found;
    struct ff_wait wait = {0};
    char buf[4096];

    is_there(mount, "000/001/000001499.x");
    is_missing(mount, "000/001/000001498.x");
    is_missing(mount, "000/001/000001501.x");
    is_missing(mount, ".framefs/slice/1-2");
    is_missing(mount, ".framefs/slice/2-3");
    is_there(mount, ".framefs/slice/1-3");
    /* Of these a half is not known yet, and none so far is shown. */
    is_missing(mount, "000/000/000002500.x");
    assert_int_equal(walk(mount, "000", &node), 0);
    assert_int_equal(ff_fs_lookup(&mount->fs, &node, "002", &found, &wait), -EAGAIN);
    assert_true(wait.or_shown);
    assert_int_equal(wait.from, 2000);
    assert_int_equal(wait.records, 3000);
    /* A listing passes over what is known, to the end of what the directory can hold. */
    node = ff_fs_make_node(&mount->fs, 0, FF_NODE_THOUSAND, 1);
    assert_int_equal(ff_dir_fill(&mount->fs, NULL, &node, false, buf, sizeof(buf), 504, &wait), 0);
    node = ff_fs_make_node(&mount->fs, 0, FF_NODE_MILLION, 0);
    assert_int_equal(ff_dir_fill(&mount->fs, NULL, &node, false, buf, sizeof(buf), 6, &wait),
                     -EAGAIN);
    assert_int_equal(wait.from, 2000);
    assert_int_equal(wait.records, 1000000);

    assert_int_equal(ff_archive_scan(mount->shown[0].archive, 3000, NULL), 0);
    is_missing(mount, "000/002");
    assert_int_equal(walk(mount, "000/003", &found), -EAGAIN);
    assert_int_equal(ff_archive_scan(mount->shown[0].archive, UINT64_MAX, NULL), 0);
    is_missing(mount, "000/003");
    node = ff_fs_make_node(&mount->fs, 0, FF_NODE_MILLION, 0);
    assert_int_equal(ff_dir_fill(&mount->fs, NULL, &node, false, buf, sizeof(buf), 6, &wait), 0);
    node = ff_fs_make_node(&mount->fs, 0, FF_NODE_RECORD, 1498);
    assert_int_equal(load(mount, node), -ESTALE);
    end(mount);
}

static void names_wait_for_their_table(void **state)
{
    (void)state;
    struct mount *mount = begin(1, 3, UINT64_MAX, FF_TREE_FLAT);
    struct ff_shown *shown = &mount->shown[0];
    struct ff_node node = ff_fs_root_node(), found;
    struct ff_wait wait = {0};
    char buf[4096];

    mount->options.names = FF_NAMES_NAME;
    assert_int_equal(ff_roster_new(shown->extension, &shown->roster), 0);
    assert_int_equal(ff_fs_lookup(&mount->fs, &node, "b.x", &found, &wait), -EAGAIN);
    assert_ptr_equal(wait.roster, shown->roster);
    assert_ptr_equal(wait.archive, shown->archive);
    wait = (struct ff_wait){0};
    /* "." and "..", then the first record. */
    assert_int_equal(ff_dir_fill(&mount->fs, NULL, &node, false, buf, sizeof(buf), 4, &wait),
                     -EAGAIN);
    assert_ptr_equal(wait.roster, shown->roster);
    is_there(mount, ".framefs/all");

    for (const char *text = "abc"; *text; text++)
        assert_int_equal(ff_roster_add(shown->roster, (const char[]){*text, '\0'}), 0);
    assert_int_equal(ff_roster_seal(shown->roster), 0);
    assert_int_equal(walk(mount, "b.x", &found), 0);
    assert_int_equal(found.value, 1);
    is_missing(mount, "d.x");
    is_missing(mount, "00000001.x");
    ff_roster_free(shown->roster);
    end(mount);
}

/* ---- listings ---- */

struct listed {
    uint64_t ino, next, nodeid;
    uint32_t type;
    char name[256];
};

/* The first entry at buf; its length. */
static size_t parse(const char *buf, size_t len, bool plus, struct listed *ret_entry)
{
    size_t head = plus ? offsetof(struct fuse_direntplus, dirent) : 0;
    struct fuse_dirent dirent;
    struct fuse_entry_out out = {0};

    assert_true(len >= head + FUSE_NAME_OFFSET);
    memcpy(&dirent, buf + head, FUSE_NAME_OFFSET);
    if (plus)
        memcpy(&out, buf, sizeof(out));
    assert_true(dirent.namelen < sizeof(ret_entry->name));
    assert_true(len >= head + FUSE_NAME_OFFSET + dirent.namelen);
    *ret_entry = (struct listed){
        .ino = dirent.ino, .next = dirent.off, .type = dirent.type, .nodeid = out.nodeid};
    memcpy(ret_entry->name, buf + head + FUSE_NAME_OFFSET, dirent.namelen);
    return FUSE_DIRENT_ALIGN(head + FUSE_NAME_OFFSET + dirent.namelen);
}

/* Lists a directory with replies of so many bytes: the entries' number. Each entry must be found
 * by its name and be what the listing says. */
static uint64_t list(struct mount *mount, const char *path, bool plus, size_t size,
                     uint64_t *ret_nodeids)
{
    char *buf = malloc(size);
    struct ff_node directory;
    struct ff_wait wait;
    uint64_t offset = 0, count = 0;
    ssize_t len;

    assert_non_null(buf);
    *ret_nodeids = 0;
    assert_int_equal(walk(mount, path, &directory), 0);
    while ((len = ff_dir_fill(&mount->fs, NULL, &directory, plus, buf, size, (int64_t)offset,
                              &wait)) > 0) {
        for (size_t at = 0; at < (size_t)len; count++) {
            struct listed entry;
            struct ff_node node;
            at += parse(buf + at, (size_t)len - at, plus, &entry);
            assert_int_equal(ff_fs_lookup(&mount->fs, &directory, entry.name, &node, &wait), 0);
            assert_int_equal(entry.ino, ff_node_ino(&node));
            assert_int_equal(entry.type, (ff_fs_is_dir(&node) ? S_IFDIR : S_IFREG) >> 12);
            assert_true(entry.next > offset);
            offset = entry.next;
            if (entry.nodeid == 0)
                continue;
            assert_int_equal(entry.nodeid, entry.ino);
            assert_string_not_equal(entry.name, ".");
            assert_string_not_equal(entry.name, "..");
            (*ret_nodeids)++;
        }
    }
    assert_int_equal(len, 0);
    free(buf);
    return count;
}

static void listings_hold_each_entry_once(void **state)
{
    (void)state;
    static const size_t sizes[] = {300, 4096, 1 << 20};
    struct mount *mount = begin(1, 1002003, UINT64_MAX, FF_TREE_TREE);
    uint64_t nodeids;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_int_equal(list(mount, "", false, sizes[i], &nodeids), 2 + 2);
        assert_int_equal(list(mount, "000", false, sizes[i], &nodeids), 2 + 1000);
        assert_int_equal(list(mount, "001", false, sizes[i], &nodeids), 2 + 3);
        assert_int_equal(list(mount, "000/000", false, sizes[i], &nodeids), 2 + 1000);
        assert_int_equal(list(mount, "001/002", false, sizes[i], &nodeids), 2 + 3);
        assert_int_equal(list(mount, ".framefs", false, sizes[i], &nodeids), 2 + 7);
        assert_int_equal(list(mount, ".framefs/slice", false, sizes[i], &nodeids), 2);
    }
    mount->options.control = FF_CONTROL_LISTED;
    mount->options.show_synthetic = true;
    assert_int_equal(list(mount, "", false, 4096, &nodeids), 2 + 2 + 2);
    assert_int_equal(list(mount, "001", false, 4096, &nodeids), 2 + 3);
    end(mount);

    mount = begin(2, 7, UINT64_MAX, FF_TREE_FLAT);
    assert_int_equal(list(mount, "", false, 4096, &nodeids), 2 + 2);
    assert_int_equal(list(mount, "two", false, 4096, &nodeids), 2 + 7);
    assert_int_equal(list(mount, ".framefs", false, 4096, &nodeids), 2 + 2);
    assert_int_equal(list(mount, "one/.framefs", false, 4096, &nodeids), 2 + 5);
    end(mount);

    mount = begin(1, 0, UINT64_MAX, FF_TREE_FLAT);
    assert_int_equal(list(mount, "", false, 4096, &nodeids), 2);
    end(mount);
}

static void small_directories_are_told_in_full(void **state)
{
    (void)state;
    uint64_t nodeids;
    struct mount *mount = begin(1, FF_PLUS_ENTRIES_MAX, UINT64_MAX, FF_TREE_FLAT);
    assert_int_equal(list(mount, "", true, 4096, &nodeids), 2 + FF_PLUS_ENTRIES_MAX);
    assert_int_equal(nodeids, FF_PLUS_ENTRIES_MAX);
    assert_int_equal(list(mount, ".framefs", true, 4096, &nodeids), 2 + 7);
    assert_int_equal(nodeids, 0);
    end(mount);

    mount = begin(1, FF_PLUS_ENTRIES_MAX + 1, UINT64_MAX, FF_TREE_FLAT);
    assert_int_equal(list(mount, "", true, 4096, &nodeids), 2 + FF_PLUS_ENTRIES_MAX + 1);
    assert_int_equal(nodeids, 0);
    end(mount);
}

static void a_tree_that_is_only_listed_is_told_by_names(void **state)
{
    (void)state;
    /* The reply in which the limit is reached goes on to its end. */
    const uint64_t in_full = FF_PLUS_UNREAD_MAX / 1000, left = FF_PLUS_UNREAD_MAX % 1000;
    struct mount *mount = begin(1, (in_full + 2) * 1000, UINT64_MAX, FF_TREE_TREE);
    struct ff_node node;
    uint64_t nodeids;
    char path[16];

    for (uint64_t i = 0; i < in_full + 2; i++) {
        snprintf(path, sizeof(path), "000/%03u", (unsigned int)i);
        assert_int_equal(list(mount, path, true, 4096, &nodeids), 2 + 1000);
        if (i == in_full)
            assert_in_range(nodeids, left, left + 4096 / (int)sizeof(struct fuse_direntplus));
        else
            assert_int_equal(nodeids, i < in_full ? 1000 : 0);
    }
    assert_int_equal(walk(mount, "000/001", &node), 0);
    ff_dir_note_use(&mount->fs, &node);
    assert_int_equal(list(mount, "000/002", true, 4096, &nodeids), 2 + 1000);
    assert_int_equal(nodeids, 0);
    assert_int_equal(walk(mount, "000/001/000001007.x", &node), 0);
    ff_dir_note_use(&mount->fs, &node);
    assert_int_equal(list(mount, "000/002", true, 4096, &nodeids), 2 + 1000);
    assert_int_equal(nodeids, 1000);
    end(mount);
}

static void a_listing_goes_on_from_any_offset(void **state)
{
    (void)state;
    struct mount *mount = begin(1, 5000, UINT64_MAX, FF_TREE_FLAT);
    struct ff_node root = ff_fs_root_node();
    struct ff_wait wait;
    struct listed entry;
    char buf[512], name[FF_TREE_NAME_BYTES];
    static const int64_t past[] = {5004, 5005, 1 << 20, INT64_MAX};

    for (uint64_t number = 0; number < 5000; number += 7) {
        ff_name_record(name, FF_TREE_FLAT, number, ".x");
        ssize_t len = ff_dir_fill(&mount->fs, NULL, &root, false, buf, sizeof(buf),
                                  (int64_t)number + 4, &wait);
        assert_true(len > 0);
        parse(buf, (size_t)len, false, &entry);
        assert_string_equal(entry.name, name);
    }
    for (size_t i = 0; i < sizeof(past) / sizeof(past[0]); i++)
        assert_int_equal(
            ff_dir_fill(&mount->fs, NULL, &root, false, buf, sizeof(buf), past[i], &wait), 0);
    assert_int_equal(ff_dir_fill(&mount->fs, NULL, &root, false, buf, sizeof(buf), -1, &wait),
                     -EINVAL);
    assert_int_equal(ff_dir_fill(&mount->fs, NULL, &root, false, buf, 8, 0, &wait), -EINVAL);
    struct ff_node record = ff_fs_make_node(&mount->fs, 0, FF_NODE_RECORD, 0);
    assert_int_equal(ff_dir_fill(&mount->fs, NULL, &record, false, buf, sizeof(buf), 0, &wait),
                     -ENOTDIR);
    end(mount);
}

/* ---- attributes ---- */

static void get(struct mount *mount, const char *path, struct stat *ret_attr, double *ret_timeout)
{
    struct ff_node node;
    struct ff_wait wait;
    assert_int_equal(walk(mount, path, &node), 0);
    assert_int_equal(ff_attr_get(&mount->fs, &node, FF_TEXT_NEW, ret_attr, ret_timeout, &wait), 0);
    assert_int_equal(ret_attr->st_ino, ff_node_ino(&node));
    assert_int_equal(ret_attr->st_blksize, 4096);
}

static void nlink_counts_the_listed_directories(void **state)
{
    (void)state;
    struct mount *mount = begin(1, 1002003, UINT64_MAX, FF_TREE_TREE);
    static const struct {
        const char *path;
        unsigned int nlink;
    } expected[] = {
        {"", 2 + 2},
        {"000", 2 + 1000},
        {"001", 2 + 3},
        {"001/002", 2},
        {".framefs", 2 + 1},
        {".framefs/slice", 2},
        {"000/000/000000000.x", 1},
    };
    struct stat attr;
    double timeout;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        get(mount, expected[i].path, &attr, &timeout);
        assert_int_equal(attr.st_nlink, expected[i].nlink);
    }
    mount->options.control = FF_CONTROL_LISTED;
    get(mount, "", &attr, &timeout);
    assert_int_equal(attr.st_nlink, 2 + 2 + 1);
    end(mount);

    mount = begin(2, 3, UINT64_MAX, FF_TREE_FLAT);
    get(mount, "", &attr, &timeout);
    assert_int_equal(attr.st_nlink, 2 + 2);
    get(mount, "two", &attr, &timeout);
    assert_int_equal(attr.st_nlink, 2);
    end(mount);
}

static void attributes_hold_for_ever_unless_they_change(void **state)
{
    (void)state;
    struct mount *mount = begin(1, 2500, 1500, FF_TREE_TREE);
    struct stat attr;
    double timeout;

    get(mount, "", &attr, &timeout);
    assert_true(timeout == 0);
    get(mount, "000", &attr, &timeout);
    assert_true(timeout == 0);
    get(mount, "000/001", &attr, &timeout);
    assert_true(timeout >= 365 * 86400.0);
    get(mount, "000/000/000000000.x", &attr, &timeout);
    assert_true(timeout >= 365 * 86400.0);
    get(mount, ".framefs/stats", &attr, &timeout);
    assert_true(timeout == 0 && attr.st_size > 0);
    get(mount, ".framefs/damage", &attr, &timeout);
    assert_true(timeout == 0 && attr.st_size > 0);
    get(mount, ".framefs/archive", &attr, &timeout);
    assert_true(timeout >= 365 * 86400.0);
    assert_int_equal(attr.st_size, 2500 * FRAME_BYTES);
    assert_int_equal(attr.st_blocks, (2500 * FRAME_BYTES + 511) / 512);

    assert_int_equal(ff_archive_scan(mount->shown[0].archive, UINT64_MAX, NULL), 0);
    get(mount, "", &attr, &timeout);
    assert_true(timeout >= 365 * 86400.0);
    end(mount);
}

/* A slice that another worker gave out, whose scan had come further. */
static void what_comes_during_the_look_up_is_not_waited_for(void **state)
{
    (void)state;
    struct mount *mount = begin(1, 2500, 1000, FF_TREE_TREE);
    const struct ff_archive *archive = mount->shown[0].archive;
    const struct ff_slice slice = {.first = 0, .last = 1500};
    uint64_t value = ff_slices_add(&mount->shared->slices, &slice);
    const struct ff_node node = ff_fs_make_node(&mount->fs, 0, FF_NODE_SLICE, value);
    struct ff_file file;
    struct ff_wait wait = {0};

    assert_int_equal(ff_file_find(&mount->fs, &node, FF_TEXT_ANY, &file, &wait), -EAGAIN);
    assert_ptr_equal(wait.archive, archive);
    assert_int_equal(wait.records, 1501);

    scan_meanwhile = 2000;
    assert_int_equal(ff_file_find(&mount->fs, &node, FF_TEXT_ANY, &file, &wait), -EAGAIN);
    assert_int_equal(scan_meanwhile, 0);
    assert_false(ff_archive_complete(archive));
    assert_true(wait.records <= ff_archive_count(archive));

    assert_int_equal(ff_file_find(&mount->fs, &node, FF_TEXT_ANY, &file, &wait), 0);
    assert_int_equal(file.size, 1501 * FRAME_BYTES);
    end(mount);
}

static void the_largest_size_has_its_blocks(void **state)
{
    (void)state;
    struct mount *mount = begin(0, 0, 0, FF_TREE_FLAT);
    struct stat attr;
    double timeout;
    mount->options.show_synthetic = true;
    mount->options.synth.size = FF_SYNTH_SIZE_MAX;
    get(mount, "synthetic", &attr, &timeout);
    assert_int_equal(attr.st_size, INT64_MAX);
    assert_int_equal(attr.st_blocks, INT64_C(1) << 54);
    assert_int_equal(attr.st_mtim.tv_sec, 0);
    end(mount);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_lead_to_records),
        cmocka_unit_test(control_files_are_where_they_belong),
        cmocka_unit_test(dots_lead_to_the_directory_and_its_parent),
        cmocka_unit_test(nodes_of_something_else_are_stale),
        cmocka_unit_test(what_the_scan_has_not_reached_is_waited_for),
        cmocka_unit_test(what_is_not_shown_is_missing_as_soon_as_that_is_known),
        cmocka_unit_test(names_wait_for_their_table),
        cmocka_unit_test(listings_hold_each_entry_once),
        cmocka_unit_test(small_directories_are_told_in_full),
        cmocka_unit_test(a_tree_that_is_only_listed_is_told_by_names),
        cmocka_unit_test(a_listing_goes_on_from_any_offset),
        cmocka_unit_test(nlink_counts_the_listed_directories),
        cmocka_unit_test(attributes_hold_for_ever_unless_they_change),
        cmocka_unit_test(what_comes_during_the_look_up_is_not_waited_for),
        cmocka_unit_test(the_largest_size_has_its_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
