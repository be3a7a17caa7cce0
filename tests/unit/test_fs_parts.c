/* The parts of the fs layer that stand alone: texts, slices, metrics, the table of mounts,
 * messages. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fs/message.h"
#include "fs/mountinfo.h"
#include "fs/slice.h"
#include "fs/snapshot.h"
#include "fs/stats.h"
#include "tree/tree.h"

#define HANGS_S 60

/* ---- snapshot ---- */

struct source {
    const char *text; /* NULL: no memory */
    bool final;
    unsigned int made;
};

static char *make(void *context, bool *ret_final)
{
    struct source *source = context;
    source->made++;
    *ret_final = source->final;
    return source->text ? strdup(source->text) : NULL;
}

static bool is_later(struct timespec a, struct timespec b)
{
    return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

static void a_text_is_made_anew_only_for_a_new_reader(void **state)
{
    (void)state;
    struct ff_snapshot snapshot;
    struct source source = {.text = "one"};
    uint64_t len;
    struct timespec first, second;
    char buf[16] = "";

    ff_snapshot_init(&snapshot);
    assert_int_equal(ff_snapshot_stat(&snapshot, &len, &first), -EAGAIN);
    assert_int_equal(ff_snapshot_refresh(&snapshot, FF_TEXT_ANY, make, &source), 0);
    assert_int_equal(ff_snapshot_stat(&snapshot, &len, &first), 0);
    assert_int_equal(len, 3);

    source.text = "another";
    assert_int_equal(ff_snapshot_refresh(&snapshot, FF_TEXT_ANY, make, &source), 0);
    assert_int_equal(ff_snapshot_refresh(&snapshot, FF_TEXT_RECENT, make, &source), 0);
    assert_int_equal(source.made, 1);
    assert_int_equal(ff_snapshot_read(&snapshot, buf, sizeof(buf), 1), 2);
    assert_memory_equal(buf, "ne", 2);

    assert_int_equal(ff_snapshot_refresh(&snapshot, FF_TEXT_NEW, make, &source), 0);
    assert_int_equal(source.made, 2);
    assert_int_equal(ff_snapshot_stat(&snapshot, &len, &second), 0);
    assert_int_equal(len, 7);
    assert_true(is_later(second, first));

    /* Old enough. */
    source.text = "third";
    snapshot.made.tv_sec -= FF_TEXT_RECENT_MS / 1000;
    assert_int_equal(ff_snapshot_refresh(&snapshot, FF_TEXT_ANY, make, &source), 0);
    assert_int_equal(source.made, 2);
    assert_int_equal(ff_snapshot_refresh(&snapshot, FF_TEXT_RECENT, make, &source), 0);
    assert_int_equal(source.made, 3);
    ff_snapshot_done(&snapshot);
}

static void mtime_changes_with_the_text_and_only_then(void **state)
{
    (void)state;
    struct ff_snapshot snapshot;
    struct source source = {.text = "same"};
    uint64_t len;
    struct timespec before, now;

    ff_snapshot_init(&snapshot);
    assert_int_equal(ff_snapshot_refresh(&snapshot, FF_TEXT_NEW, make, &source), 0);
    assert_int_equal(ff_snapshot_stat(&snapshot, &len, &before), 0);
    assert_int_equal(ff_snapshot_refresh(&snapshot, FF_TEXT_NEW, make, &source), 0);
    assert_int_equal(ff_snapshot_stat(&snapshot, &len, &now), 0);
    assert_memory_equal(&now, &before, sizeof(now));

    /* The clock went back. */
    snapshot.mtime.tv_sec += 1000;
    snapshot.mtime.tv_nsec = 999999999;
    before = snapshot.mtime;
    source.text = "diff";
    assert_int_equal(ff_snapshot_refresh(&snapshot, FF_TEXT_NEW, make, &source), 0);
    assert_int_equal(ff_snapshot_stat(&snapshot, &len, &now), 0);
    assert_true(is_later(now, before));
    assert_true(now.tv_nsec < 1000000000);
    ff_snapshot_done(&snapshot);
}

static void a_final_text_is_not_made_again(void **state)
{
    (void)state;
    struct ff_snapshot snapshot;
    struct source source = {.text = "final", .final = true};

    ff_snapshot_init(&snapshot);
    assert_int_equal(ff_snapshot_refresh(&snapshot, FF_TEXT_NEW, make, &source), 0);
    assert_int_equal(ff_snapshot_refresh(&snapshot, FF_TEXT_NEW, make, &source), 0);
    assert_int_equal(source.made, 1);
    ff_snapshot_done(&snapshot);
}

static void without_memory_the_old_text_stays(void **state)
{
    (void)state;
    struct ff_snapshot snapshot;
    struct source source = {.text = NULL};
    char buf[8];

    ff_snapshot_init(&snapshot);
    assert_int_equal(ff_snapshot_refresh(&snapshot, FF_TEXT_NEW, make, &source), -ENOMEM);
    assert_int_equal(ff_snapshot_read(&snapshot, buf, sizeof(buf), 0), 0);
    source.text = "kept";
    assert_int_equal(ff_snapshot_refresh(&snapshot, FF_TEXT_NEW, make, &source), 0);
    source.text = NULL;
    assert_int_equal(ff_snapshot_refresh(&snapshot, FF_TEXT_NEW, make, &source), 0);
    assert_int_equal(ff_snapshot_read(&snapshot, buf, sizeof(buf), 0), 4);
    assert_int_equal(ff_snapshot_read(&snapshot, buf, sizeof(buf), 4), 0);
    assert_int_equal(ff_snapshot_read(&snapshot, buf, sizeof(buf), UINT64_MAX), 0);
    ff_snapshot_done(&snapshot);
}

/* ---- slices ---- */

static void a_slice_keeps_its_value_while_it_is_known(void **state)
{
    (void)state;
    static struct ff_slices slices;
    const struct ff_slice one = {.first = 1, .last = 5},
                          two = {.archive = 1, .first = 1, .last = 5};
    struct ff_slice found;

    ff_slices_init(&slices, 77);
    uint64_t value = ff_slices_add(&slices, &one);
    assert_int_equal(value, 77);
    assert_int_not_equal(ff_slices_add(&slices, &two), value);
    assert_int_equal(ff_slices_add(&slices, &one), value);
    assert_int_equal(ff_slices_find(&slices, 0, value, &found), 0);
    assert_int_equal(found.last, 5);
    assert_int_equal(ff_slices_find(&slices, 1, value, &found), -ESTALE);
    assert_int_equal(ff_slices_find(&slices, 0, value + 2, &found), -ESTALE);
    ff_slices_done(&slices);
}

static void the_one_unused_for_longest_is_dropped(void **state)
{
    (void)state;
    static struct ff_slices slices;
    struct ff_slice found;
    uint64_t value[FF_SLICES_MAX];

    /* Values wrap inside of their width. */
    ff_slices_init(&slices, UINT64_MAX);
    for (uint64_t i = 0; i < FF_SLICES_MAX; i++) {
        value[i] = ff_slices_add(&slices, &(struct ff_slice){.first = i, .last = i});
        assert_true(value[i] < FF_NODE_VALUES_MAX);
    }
    assert_int_equal(ff_slices_find(&slices, 0, value[0], &found), 0);
    ff_slices_add(&slices, &(struct ff_slice){.first = 1000, .last = 1000});
    assert_int_equal(ff_slices_find(&slices, 0, value[0], &found), 0);
    assert_int_equal(ff_slices_find(&slices, 0, value[1], &found), -ESTALE);
    assert_int_equal(ff_slices_find(&slices, 0, value[2], &found), 0);
    assert_int_not_equal(ff_slices_add(&slices, &(struct ff_slice){.first = 1, .last = 1}),
                         value[1]);
    ff_slices_done(&slices);
}

/* A child that ends with the lock in its hand, and what it did before. */
static void die_with_lock(struct ff_slices *slices, bool in_a_change)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        pthread_mutex_lock(&slices->lock);
        if (in_a_change)
            slices->place[0].used = 0;
        _exit(0);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_lock_whose_holder_died_is_taken_over(void **state)
{
    (void)state;
    struct ff_slices *slices =
        mmap(NULL, sizeof(*slices), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    const struct ff_slice one = {.first = 1, .last = 5}, two = {.first = 2, .last = 5};
    struct ff_slice found;

    assert_true(slices != MAP_FAILED);
    ff_slices_init(slices, 7);
    uint64_t first = ff_slices_add(slices, &one);
    alarm(HANGS_S);
    for (int i = 0; i < 3; i++) {
        die_with_lock(slices, false);
        assert_int_equal(ff_slices_find(slices, 0, first, &found), 0);
        assert_int_equal(found.last, 5);
        die_with_lock(slices, false);
        assert_int_equal(ff_slices_add(slices, &one), first);
    }
    /* It is a lock again. */
    assert_int_equal(pthread_mutex_trylock(&slices->lock), 0);
    pthread_mutex_unlock(&slices->lock);
    /* Between taking a place out and filling it. */
    die_with_lock(slices, true);
    assert_int_equal(ff_slices_find(slices, 0, first, &found), -ESTALE);
    uint64_t second = ff_slices_add(slices, &two);
    assert_int_not_equal(second, first);
    assert_int_equal(ff_slices_find(slices, 0, second, &found), 0);
    assert_int_equal(found.first, 2);
    alarm(0);
    ff_slices_done(slices);
    munmap(slices, sizeof(*slices));
}

/* ---- metrics ---- */

static void labels_are_escaped(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    ff_stats_print_archive(out, "framefs_x", "a \"b\"\\c\nx", 18446744073709551615U);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, "framefs_x{archive=\"a \\\"b\\\"\\\\c\\nx\"} 18446744073709551615\n");
    free(text);
}

static void every_request_has_its_counter(void **state)
{
    (void)state;
    struct ff_stats stats;
    char *text = NULL;
    size_t len;

    ff_stats_init(&stats);
    for (int op = 0; op < FF_OPS; op++)
        ff_stats_add(&stats.requests[op], (uint64_t)op + 100);
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    ff_stats_print(&stats, 42, out);
    assert_int_equal(fclose(out), 0);
    for (int op = 0; op < FF_OPS; op++) {
        char value[16];
        snprintf(value, sizeof(value), "\"} %d\n", op + 100);
        assert_non_null(strstr(text, value));
    }
    assert_non_null(strstr(text, "\nframefs_parked 42\n"));
    assert_null(strstr(text, "(null)"));
    free(text);
}

/* ---- the table of mounts ---- */

static void a_line_of_mountinfo_is_taken_apart(void **state)
{
    (void)state;
    struct ff_mountinfo info;
    char plain[] = "36 35 98:7 /mnt1 /mnt2 rw,noatime master:1 shared:2 - ext3 /dev/root rw\n";
    assert_int_equal(ff_mountinfo_parse(plain, &info), 0);
    assert_int_equal(info.id, 36);
    assert_int_equal(info.major, 98);
    assert_int_equal(info.minor, 7);
    assert_string_equal(info.where, "/mnt2");
    assert_string_equal(info.type, "ext3");

    char escaped[] = "1 2 0:52 / /a\\040b\\011c\\012x\\134040 ro - fuse.framefs - ro\n";
    assert_int_equal(ff_mountinfo_parse(escaped, &info), 0);
    assert_string_equal(info.where, "/a b\tc\nx\\040");
    assert_string_equal(info.type, FF_MOUNT_TYPE);
}

static void a_hyphen_before_the_optional_fields_is_no_separator(void **state)
{
    (void)state;
    struct ff_mountinfo info;
    char line[] = "1 2 0:52 - - - - fuse.framefs x ro\n";
    assert_int_equal(ff_mountinfo_parse(line, &info), 0);
    assert_string_equal(info.where, "-");
    assert_string_equal(info.type, "fuse.framefs");
}

static void broken_lines_of_mountinfo_are_refused(void **state)
{
    (void)state;
    const char *const broken[] = {
        "",
        "\n",
        "x",
        "1 2 3 / /m ro - ext4 x rw",
        "1 2 0:5 / /m ro shared:1 ext4 x rw",
        "1 2 0:5 / /m ro -",
        "1 2 0:5 / /m ro - ",
        "1 2 0:5 / /m",
    };
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        char line[128];
        struct ff_mountinfo info = {.id = 99};
        snprintf(line, sizeof(line), "%s", broken[i]);
        assert_int_equal(ff_mountinfo_parse(line, &info), -EINVAL);
        assert_int_equal(info.id, 99);
    }
    char line[PATH_MAX + 128];
    snprintf(line, sizeof(line), "1 2 0:5 / /%0*d ro - ext4 x rw", PATH_MAX, 0);
    struct ff_mountinfo info;
    assert_int_equal(ff_mountinfo_parse(line, &info), -ENAMETOOLONG);
}

static void the_mount_of_a_path_is_found(void **state)
{
    (void)state;
    struct ff_mountinfo info, same;
    bool is_root;
    char path[PATH_MAX];

    assert_int_equal(ff_mountinfo_of("/proc/", &info, &is_root, path), 0);
    assert_true(is_root);
    assert_string_equal(path, "/proc");
    assert_string_equal(info.type, "proc");
    assert_int_equal(ff_mountinfo_by_path("/proc", &same), 0);
    assert_int_equal(ff_mountinfo_of("/proc/self/..", &info, &is_root, path), 0);
    assert_true(is_root);
    assert_int_equal(ff_mountinfo_of("/proc/sys", &info, &is_root, path), 0);
    assert_false(is_root);
    assert_int_equal(ff_mountinfo_of("/proc/nothing/here", &info, &is_root, path), -ENOENT);
    assert_int_equal(ff_mountinfo_by_path("/proc/sys/kernel", &same), -ENOENT);
}

/* ---- messages ---- */

static void messages_become_one_line(void **state)
{
    (void)state;
    char raw[] = "fuse: device not found\n\nfusermount3: no\tway\nfuse: \nlast";
    char text[128];
    ff_message_join(raw, strlen(raw), text, sizeof(text));
    assert_string_equal(text, "device not found; fusermount3: no\\x09way; fuse: ; last");

    ff_message_join(raw, 0, text, sizeof(text));
    assert_string_equal(text, "");
    for (size_t size = 1; size < 40; size++) {
        memset(text, 'x', sizeof(text));
        ff_message_join(raw, strlen(raw), text, size);
        assert_true(strlen(text) < size);
        assert_int_equal(text[size], 'x');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_made_anew_only_for_a_new_reader),
        cmocka_unit_test(mtime_changes_with_the_text_and_only_then),
        cmocka_unit_test(a_final_text_is_not_made_again),
        cmocka_unit_test(without_memory_the_old_text_stays),
        cmocka_unit_test(a_slice_keeps_its_value_while_it_is_known),
        cmocka_unit_test(the_one_unused_for_longest_is_dropped),
        cmocka_unit_test(a_lock_whose_holder_died_is_taken_over),
        cmocka_unit_test(labels_are_escaped),
        cmocka_unit_test(every_request_has_its_counter),
        cmocka_unit_test(a_line_of_mountinfo_is_taken_apart),
        cmocka_unit_test(a_hyphen_before_the_optional_fields_is_no_separator),
        cmocka_unit_test(broken_lines_of_mountinfo_are_refused),
        cmocka_unit_test(the_mount_of_a_path_is_found),
        cmocka_unit_test(messages_become_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
