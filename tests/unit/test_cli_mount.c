/* The options of mount, as -o takes them; what mount(8) passes to its helper; directory names. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "cli/mount_helper.h"
#include "cli/mount_options.h"
#include "cli/names.h"
#include "fs/fs.h"

static struct ff_mount_values values;
static struct ff_error error;

static int parse_list(const char *list)
{
    char *arguments[] = {(char *)"-o", (char *)list};
    char *operands[2];
    size_t count;

    values = ff_mount_defaults;
    return ff_option_parse(ff_mount_options, arguments, 2, &values, operands, &count, &error);
}

static void each_option_has_its_value(void **state)
{
    (void)state;
    assert_int_equal(parse_list("layout=tree,content=file,control=listed,interval=64K,umask=027,"
                                "uid=12,gid=34,format=pcap,separator=\\n,synthetic=1G:lines"),
                     0);
    assert_int_equal(values.layout, FF_TREE_TREE);
    assert_true(values.content.given);
    assert_int_equal(values.content.content, FF_CONTENT_FILE);
    assert_int_equal(values.control, FF_CONTROL_LISTED);
    assert_int_equal(values.interval_bytes, 65536);
    assert_int_equal(values.umask, 027);
    assert_int_equal(values.uid, 12);
    assert_int_equal(values.gid, 34);
    assert_string_equal(values.input.format, "pcap");
    assert_int_equal(values.separator.len, 1);
    assert_true(values.synthetic);
    assert_int_equal(values.synth.size, UINT64_C(1) << 30);
    assert_int_equal(values.synth.kind, FF_SYNTH_LINES);
    assert_string_equal(values.kernel, "");
    assert_int_equal(parse_list("names=number-name,type=a:b,ro,type=c"), 0);
    assert_int_equal(values.names, FF_NAMES_NUMBER_NAME);
    assert_int_equal(values.types.count, 2);
    assert_string_equal(values.types.list[0], "a:b");
    assert_string_equal(values.types.list[1], "c");
    assert_int_equal(parse_list("names=names"), -EINVAL);
    assert_int_equal(parse_list("ro,help,nonsense"), 1);
}

static void the_sandbox_has_a_user_or_is_left_out(void **state)
{
    (void)state;
    assert_int_equal(parse_list("ro"), 0);
    assert_false(values.no_sandbox);
    assert_int_equal(values.worker_uid, -1);
    assert_int_equal(values.worker_gid, -1);
    assert_int_equal(parse_list("setuid=root"), 0);
    assert_int_equal(values.worker_uid, 0);
    assert_int_equal(values.worker_gid, 0);
    /* Nobody has this number, nor a group. */
    assert_int_equal(parse_list("setuid=4294967290"), 0);
    assert_int_equal(values.worker_uid, 4294967290);
    assert_int_equal(values.worker_gid, 65534);
    assert_int_equal(values.uid, -1);
    assert_int_equal(parse_list("nosandbox"), 0);
    assert_true(values.no_sandbox);
    assert_int_equal(parse_list("no_sandbox"), 0);
    assert_true(values.no_sandbox);
}

static void flags_and_names_of_fuse_are_understood(void **state)
{
    (void)state;
    assert_int_equal(parse_list("foreground,debug,fsname=x y,subtype=z,frame=len:u32be data"), 0);
    assert_true(values.foreground && values.debug);
    assert_string_equal(values.fsname, "x y");
    assert_string_equal(values.subtype, "z");
    assert_string_equal(values.input.frame, "len:u32be data");
}

static void what_mount_passes_along_is_accepted(void **state)
{
    (void)state;
    assert_int_equal(parse_list("rw,dev,suid,nosuid,noatime,exec,noauto,user,x-systemd.automount,"
                                "X-mount.mkdir,_netdev,nofail,defaults,comment=hello,,"),
                     0);
    assert_string_equal(values.kernel, "dev,suid,nosuid,noatime,exec");
}

static void options_of_the_kernel_and_of_fuse_are_passed_on(void **state)
{
    (void)state;
    assert_int_equal(parse_list("ro,allow_other,default_permissions,auto_unmount,max_read=65536"),
                     0);
    assert_string_equal(values.kernel,
                        "ro,allow_other,default_permissions,auto_unmount,max_read=65536");
    assert_int_equal(parse_list("allow-other"), 0);
    assert_string_equal(values.kernel, "allow_other");
}

static void errors_name_the_option_and_the_nearest(void **state)
{
    static const struct {
        const char *list;
        const char *text;
    } cases[] = {
        {"ro,layuot=flat", "unknown mount option 'layuot=flat': did you mean 'layout'?"},
        {"nosiud", "unknown mount option 'nosiud': did you mean 'nosuid'?"},
        {"fsnam=x", "unknown mount option 'fsnam=x': did you mean 'fsname'?"},
        {"qqqqqqqqqq", "unknown mount option 'qqqqqqqqqq'"},
        {"nosuid=1", "mount option 'nosuid' takes no value"},
        {"max_read", "mount option 'max_read' needs a value"},
        {"layout", "mount option 'layout' needs a value: auto|flat|tree"},
        {"debug=1", "mount option 'debug' takes no value"},
        {"layout=round", "mount option 'layout': 'round' is none of auto, flat, tree"},
        {"interval=100", "mount option 'interval': '100' is not a power of two from 64 to 16M"},
        {"interval=32", "mount option 'interval': '32' is not a power of two from 64 to 16M"},
        {"interval=32M", "mount option 'interval': '32M' is not a power of two from 64 to 16M"},
        {"umask=9", "mount option 'umask': '9' is not an octal number from 0 to 0777"},
        {"umask=1000", "mount option 'umask': '1000' is not an octal number from 0 to 0777"},
        {"umask=", "mount option 'umask': '' is not an octal number from 0 to 0777"},
        {"uid=no-such-user", "mount option 'uid': 'no-such-user' is neither a number nor a user"},
        {"setuid=no-such-user",
         "mount option 'setuid': 'no-such-user' is neither a number nor a user"},
        {"setuid=-1", "mount option 'setuid': '-1' is neither a number nor a user"},
        {"setuid", "mount option 'setuid' needs a value: USER"},
        {"nosandbox=1", "mount option 'nosandbox' takes no value"},
        {"uid=4294967295", "mount option 'uid': '4294967295' is neither a number nor a user"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse_list(cases[i].list), -EINVAL);
        assert_string_equal(error.text, cases[i].text);
    }
}

static void endless_options_are_refused(void **state)
{
    static char list[FF_MOUNT_TEXT_BYTES + 1];

    (void)state;
    memset(list, ',', sizeof(list) - 1);
    assert_int_equal(parse_list(list), -EINVAL);
    list[FF_MOUNT_TEXT_BYTES - 1] = '\0';
    assert_int_equal(parse_list(list), 0);
    for (size_t i = 0; i + 3 < sizeof(list); i += 3)
        memcpy(list + i, "ro,", 3);
    assert_int_equal(parse_list(list), -EINVAL);
    assert_string_equal(error.text, "the mount options are too long");
}

static void expect_translated(char *const *arguments, size_t count, const char *const *wanted)
{
    char *translated[16];
    struct ff_helper helper;

    assert_in_range(count, 0, 16 - FF_HELPER_ADDED_MAX);
    assert_int_equal(ff_helper_translate(arguments, count, translated, &helper, &error), 0);
    for (size_t i = 0; i < helper.count; i++)
        assert_string_equal(translated[i], wanted[i]);
    assert_null(wanted[helper.count]);
}

static void the_helper_takes_what_mount_gives_it(void **state)
{
    char *arguments[] = {(char *)"spec", (char *)"dir", (char *)"-nv", (char *)"-v",
                         (char *)"-o",   (char *)"rw",  (char *)"-t",  (char *)"framefs",
                         (char *)"-N",   (char *)"/ns", (char *)"-f"};
    static const char *const wanted[] = {"spec", "dir", "-o", "rw", NULL};
    char *translated[11 + FF_HELPER_ADDED_MAX];
    struct ff_helper helper;

    (void)state;
    expect_translated(arguments, 8, wanted);
    assert_int_equal(ff_helper_translate(arguments, 8, translated, &helper, &error), 0);
    assert_null(helper.space);
    assert_int_equal(ff_helper_translate(arguments, 10, translated, &helper, &error), 0);
    assert_string_equal(helper.space, "/ns");
    assert_false(helper.pretends);
    assert_int_equal(ff_helper_translate(arguments, 11, translated, &helper, &error), 0);
    assert_true(helper.pretends);
    assert_int_equal(ff_helper_translate(arguments, 9, translated, &helper, &error), -EINVAL);
    assert_non_null(strstr(error.text, "'-N'"));
    arguments[2] = (char *)"-nx";
    assert_int_equal(ff_helper_translate(arguments, 8, translated, &helper, &error), -EINVAL);
    assert_non_null(strstr(error.text, "'-nx'"));
    assert_true(ff_helper_is_called("/sbin/mount.framefs"));
    assert_false(ff_helper_is_called("/mount.d/framefs"));
}

static void a_sloppy_helper_ignores_options_that_it_does_not_know(void **state)
{
    char *arguments[] = {(char *)"spec", (char *)"dir", (char *)"-o", (char *)"nonsense",
                         (char *)"-sn"};
    static const char *const wanted[] = {"-o", "sloppy", "spec", "dir", "-o", "nonsense", NULL};

    (void)state;
    expect_translated(arguments, 5, wanted);
    assert_int_equal(parse_list("nonsense,ro"), -EINVAL);
    assert_int_equal(parse_list("sloppy,nonsense,nonsense=1,ro"), 0);
    assert_string_equal(values.kernel, "ro");
    assert_int_equal(parse_list("sloppy,layout=round"), -EINVAL);
}

static void exit_statuses_of_the_helper_are_those_of_mount(void **state)
{
    (void)state;
    assert_int_equal(ff_helper_status(FF_EXIT_DONE), 0);
    assert_int_equal(ff_helper_status(FF_EXIT_USAGE), 1);
    assert_int_equal(ff_helper_status(FF_EXIT_FAILED), 32);
    assert_int_equal(ff_helper_enter("/proc/self/ns/nonsense", &error), -ENOENT);
    assert_non_null(strstr(error.text, "'/proc/self/ns/nonsense'"));
}

static void options_about_messages_are_understood(void **state)
{
    (void)state;
    assert_int_equal(parse_list("ro"), 0);
    assert_int_equal(values.log, FF_LOG_AUTO);
    assert_int_equal(values.log_level, FF_LOG_WARNING);
    assert_false(values.redact);
    assert_int_equal(parse_list("log=syslog,log_level=debug,redact"), 0);
    assert_int_equal(values.log, FF_LOG_SYSLOG);
    assert_int_equal(values.log_level, FF_LOG_DEBUG);
    assert_true(values.redact);
    assert_int_equal(parse_list("log=stderr,log-level=error"), 0);
    assert_int_equal(values.log, FF_LOG_STDERR);
    assert_int_equal(values.log_level, FF_LOG_ERROR);
    assert_int_equal(parse_list("log=journal"), -EINVAL);
    assert_int_equal(parse_list("log-level=loud"), -EINVAL);
}

static void expect_names(char *const *paths, const char *const *wanted, size_t count)
{
    char **names;

    assert_int_equal(ff_names_make(paths, count, &names), 0);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(names[i], wanted[i]);
    ff_names_free(names, count);
}

static void directory_names_are_unique_and_safe(void **state)
{
    char *paths[] = {(char *)"a.pcap",    (char *)"x/a.pcap",  (char *)"/y/a.pcap",
                     (char *)"a.pcap-2",  (char *)"synthetic", (char *)"d/.framefs",
                     (char *)"e\033\n\\", (char *)"..",        (char *)"f/",
                     (char *)"\xc3\xa4",  (char *)"\xff"};
    static const char *const wanted[] = {
        "a.pcap",           "a.pcap-2", "a.pcap-3", "a.pcap-2-2", "synthetic-2", ".framefs-2",
        "e\\x1b\\x0a\\x5c", "..-2",     "f",        "\xc3\xa4",   "\\xff"};

    (void)state;
    expect_names(paths, wanted, sizeof(paths) / sizeof(paths[0]));
}

static void directory_names_fit_a_file_name(void **state)
{
    char path[600] = "dir/";
    char *paths[] = {path, path};
    char **names;

    (void)state;
    /* 2-byte characters: the cut must not go through one. */
    for (size_t i = 0; i < 280; i++)
        memcpy(path + 4 + 2 * i, "\xc3\xa4", 2);
    assert_int_equal(ff_names_make(paths, 2, &names), 0);
    assert_int_equal(strlen(names[0]), 254);
    assert_int_equal(strlen(names[1]), 254);
    assert_string_equal(names[1] + 252, "-2");
    assert_memory_equal(names[0], names[1], 252);
    ff_names_free(names, 2);
}

static void many_equal_names_are_told_apart_quickly(void **state)
{
    enum { COUNT = 4096 };
    static char *paths[COUNT];
    char **names;

    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        paths[i] = (char *)"part";
    assert_int_equal(ff_names_make(paths, COUNT, &names), 0);
    assert_string_equal(names[0], "part");
    assert_string_equal(names[COUNT - 1], "part-4096");
    ff_names_free(names, COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_option_has_its_value),
        cmocka_unit_test(the_sandbox_has_a_user_or_is_left_out),
        cmocka_unit_test(flags_and_names_of_fuse_are_understood),
        cmocka_unit_test(what_mount_passes_along_is_accepted),
        cmocka_unit_test(options_of_the_kernel_and_of_fuse_are_passed_on),
        cmocka_unit_test(errors_name_the_option_and_the_nearest),
        cmocka_unit_test(endless_options_are_refused),
        cmocka_unit_test(the_helper_takes_what_mount_gives_it),
        cmocka_unit_test(a_sloppy_helper_ignores_options_that_it_does_not_know),
        cmocka_unit_test(exit_statuses_of_the_helper_are_those_of_mount),
        cmocka_unit_test(options_about_messages_are_understood),
        cmocka_unit_test(directory_names_are_unique_and_safe),
        cmocka_unit_test(directory_names_fit_a_file_name),
        cmocka_unit_test(many_equal_names_are_told_apart_quickly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
