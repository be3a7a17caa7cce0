#include "cli/mount_options.h"

#include <errno.h>
#include <framefs/archive.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/units.h"
#include "fs/fs.h"
#include "fs/push.h"

static int parse_layout(void *field, const char *argument, struct ff_error *error)
{
    static const char *const names[] = {
        [FF_TREE_AUTO] = "auto", [FF_TREE_FLAT] = "flat", [FF_TREE_TREE] = "tree", NULL};

    return ff_option_choose(argument, names, field, error);
}

static int parse_names(void *field, const char *argument, struct ff_error *error)
{
    static const char *const names[] = {[FF_NAMES_NUMBER] = "number",
                                        [FF_NAMES_NUMBER_NAME] = "number-name",
                                        [FF_NAMES_NAME] = "name",
                                        NULL};

    return ff_option_choose(argument, names, field, error);
}

static int parse_control(void *field, const char *argument, struct ff_error *error)
{
    static const char *const names[] = {[FF_CONTROL_HIDDEN] = "hidden",
                                        [FF_CONTROL_LISTED] = "listed",
                                        [FF_CONTROL_OFF] = "off",
                                        NULL};

    return ff_option_choose(argument, names, field, error);
}

static int parse_verify(void *field, const char *argument, struct ff_error *error)
{
    static const char *const names[] = {"off", "read", NULL};

    return ff_option_choose(argument, names, field, error);
}

static int parse_uring(void *field, const char *argument, struct ff_error *error)
{
    static const char *const names[] = {
        [FF_URING_AUTO] = "auto", [FF_URING_ON] = "on", [FF_URING_OFF] = "off", NULL};

    return ff_option_choose(argument, names, field, error);
}

static int parse_log(void *field, const char *argument, struct ff_error *error)
{
    static const char *const names[] = {
        [FF_LOG_AUTO] = "auto", [FF_LOG_STDERR] = "stderr", [FF_LOG_SYSLOG] = "syslog", NULL};

    return ff_option_choose(argument, names, field, error);
}

static int parse_log_level(void *field, const char *argument, struct ff_error *error)
{
    static const char *const names[] = {[FF_LOG_ERROR] = "error",
                                        [FF_LOG_WARNING] = "warning",
                                        [FF_LOG_INFO] = "info",
                                        [FF_LOG_DEBUG] = "debug",
                                        NULL};

    return ff_option_choose(argument, names, field, error);
}

static int parse_interval(void *field, const char *argument, struct ff_error *error)
{
    char shown[FF_OPTION_SHOWN_BYTES];
    uint64_t bytes;

    int rc = ff_option_size(&bytes, argument, error);
    if (rc < 0)
        return rc;
    if (bytes < FF_INTERVAL_MIN_BYTES || bytes > FF_INTERVAL_MAX_BYTES ||
        (bytes & (bytes - 1)) != 0)
        return ff_error_set(error, -EINVAL, "'%s' is not a power of two from 64 to 16M",
                            ff_option_shown(shown, argument));
    *(uint64_t *)field = bytes;
    return 0;
}

static int parse_push(void *field, const char *argument, struct ff_error *error)
{
    char shown[FF_OPTION_SHOWN_BYTES];
    uint64_t bytes = 0;

    if (strcmp(argument, "off") != 0) {
        int rc = ff_option_size(&bytes, argument, error);
        if (rc < 0)
            return rc;
    }
    if (bytes > FF_PUSH_MAX_BYTES)
        return ff_error_set(error, -EINVAL, "'%s' is neither off nor a size up to 1M",
                            ff_option_shown(shown, argument));
    *(uint64_t *)field = bytes;
    return 0;
}

static int parse_synthetic(void *field, const char *argument, struct ff_error *error)
{
    struct ff_mount_values *values = field;

    values->synthetic = true;
    return ff_synth_parse(argument, &values->synth, error);
}

static int parse_id(const char *argument, int64_t *ret_id)
{
    uint64_t id;

    /* 2^32-1 means "leave it" to chown(2) and "nobody was given" to the kernel. */
    if (ff_parse_u64(argument, &id) < 0 || id >= UINT32_MAX)
        return -EINVAL;
    *ret_id = (int64_t)id;
    return 0;
}

static int parse_uid(void *field, const char *argument, struct ff_error *error)
{
    char shown[FF_OPTION_SHOWN_BYTES];

    if (parse_id(argument, field) == 0)
        return 0;
    const struct passwd *user = getpwnam(argument);
    if (!user)
        return ff_error_set(error, -EINVAL, "'%s' is neither a number nor a user",
                            ff_option_shown(shown, argument));
    *(int64_t *)field = user->pw_uid;
    return 0;
}

static int parse_gid(void *field, const char *argument, struct ff_error *error)
{
    char shown[FF_OPTION_SHOWN_BYTES];

    if (parse_id(argument, field) == 0)
        return 0;
    const struct group *group = getgrnam(argument);
    if (!group)
        return ff_error_set(error, -EINVAL, "'%s' is neither a number nor a group",
                            ff_option_shown(shown, argument));
    *(int64_t *)field = group->gr_gid;
    return 0;
}

/* Without a group of its own, the group that owns nothing. */
static int parse_setuid(void *field, const char *argument, struct ff_error *error)
{
    struct ff_mount_values *values = field;
    char shown[FF_OPTION_SHOWN_BYTES];
    int64_t uid = -1;

    const struct passwd *user =
        parse_id(argument, &uid) == 0 ? getpwuid((uid_t)uid) : getpwnam(argument);
    if (!user && uid < 0)
        return ff_error_set(error, -EINVAL, "'%s' is neither a number nor a user",
                            ff_option_shown(shown, argument));
    values->worker_uid = user ? user->pw_uid : uid;
    values->worker_gid = user ? user->pw_gid : FF_MOUNT_NOBODY;
    return 0;
}

static int parse_umask(void *field, const char *argument, struct ff_error *error)
{
    char shown[FF_OPTION_SHOWN_BYTES];
    size_t len = strspn(argument, "01234567");
    uint32_t mask = 0;

    if (len == 0 || len > 4 || argument[len] != '\0')
        return ff_error_set(error, -EINVAL, "'%s' is not an octal number from 0 to 0777",
                            ff_option_shown(shown, argument));
    for (size_t i = 0; i < len; i++)
        mask = mask * 8 + (uint32_t)(argument[i] - '0');
    if (mask > 0777)
        return ff_error_set(error, -EINVAL, "'%s' is not an octal number from 0 to 0777",
                            ff_option_shown(shown, argument));
    *(uint32_t *)field = mask;
    return 0;
}

/* Adds to the comma list for the kernel. */
static int pass_on(struct ff_mount_values *values, const char *option, struct ff_error *error)
{
    size_t len = strlen(values->kernel);
    int added = snprintf(values->kernel + len, sizeof(values->kernel) - len, "%s%s",
                         len > 0 ? "," : "", option);

    if (added < 0 || (size_t)added >= sizeof(values->kernel) - len)
        return ff_error_set(error, -EINVAL, "the mount options are too long");
    return 0;
}

static int parse_allow_other(void *field, const char *argument, struct ff_error *error)
{
    (void)argument;
    return pass_on(field, "allow_other", error);
}

static int parse_direct(void *field, const char *argument, struct ff_error *error)
{
    (void)argument, (void)error;
    *(int *)field = 1;
    return 0;
}

static int parse_no_direct(void *field, const char *argument, struct ff_error *error)
{
    (void)argument, (void)error;
    *(int *)field = 0;
    return 0;
}

static int parse_list(void *field, const char *argument, struct ff_error *error);

#define FIELD(member) .offset = offsetof(struct ff_mount_values, member)

const struct ff_option ff_mount_options[] = {
    FF_INPUT_OPTIONS(struct ff_mount_values, input),
    FF_INPUT_LIMIT(struct ff_mount_values, records_max),
    FF_INDEX_OPTIONS(struct ff_mount_values, index),
    {
        .name = "layout",
        .argument = "auto|flat|tree",
        .help = "one directory, or directories of 1000 records; auto: flat up to 65536 records",
        .parse = parse_layout,
        FIELD(layout),
    },
    {
        .name = "names",
        .argument = "HOW",
        .help = "number: 00000042, the default; number-name: 00000042-NAME, with what the record "
                "calls itself; name: NAME, in one directory of up to 65536",
        .parse = parse_names,
        FIELD(names),
    },
    {
        .name = "type",
        .argument = "TYPE[:TYPE...]",
        .help = "show only records of these types, as framefs ls lists them, by the numbers that "
                "they have in the archive; may be given more than once",
        .parse = ff_filter_types,
        FIELD(types),
    },
    {
        .name = "content",
        .argument = "WHAT",
        .help = "what a record's file holds: payload, frame (with header "
                "and trailer) or file (a valid archive of one record); "
                "the default depends on the format",
        .parse = ff_option_content,
        FIELD(content),
    },
    {
        .name = "control",
        .argument = "hidden|listed|off",
        .help = "whether .framefs is there but not listed (the default), listed, or not there",
        .parse = parse_control,
        FIELD(control),
    },
    {
        .name = "interval",
        .argument = "SIZE",
        .help = "read the archive in pieces of this size: a power of two from 64 to 16M, 1M by "
                "default",
        .parse = parse_interval,
        FIELD(interval_bytes),
    },
    {
        .name = "push",
        .argument = "SIZE|off",
        .help =
            "push records of up to this size, 64K by default, into the kernel's cache when they "
            "are read in order",
        .parse = parse_push,
        FIELD(push_bytes),
    },
    {
        .name = "separator",
        .argument = "TEXT",
        .help = "put TEXT after each payload in .framefs/all; \\n \\r \\t \\0 \\\\ \\xHH are "
                "understood",
        .parse = ff_option_separator,
        FIELD(separator),
    },
    {
        .name = "verify",
        .argument = "off|read",
        .help = "read: check a record's checksums before it is read for the first time, and fail "
                "where one is wrong",
        .parse = parse_verify,
        FIELD(verify),
    },
    {
        .name = "synthetic",
        .argument = "SIZE[:PATTERN]",
        .help = "show the generated file DIR/synthetic, also without any archive (see framefs "
                "help synth)",
        .parse = parse_synthetic,
    },
    {
        .name = "direct-io",
        .help = "let the kernel keep no bytes of files: for what is read once and in large "
                "pieces; the default of the generated file that is mounted alone",
        .parse = parse_direct,
        FIELD(direct_io),
    },
    {
        .name = "no-direct-io",
        .help = "let it keep them there, too",
        .parse = parse_no_direct,
        FIELD(direct_io),
    },
    {
        .name = "uid",
        .argument = "USER",
        .help = "the owner of all files; yourself by default",
        .parse = parse_uid,
        FIELD(uid),
    },
    {
        .name = "gid",
        .argument = "GROUP",
        .help = "the group of all files; yours by default",
        .parse = parse_gid,
        FIELD(gid),
    },
    {
        .name = "umask",
        .argument = "OCTAL",
        .help = "permissions to take off 0444 (files) and 0555",
        .parse = parse_umask,
        FIELD(umask),
    },
    {
        .name = "allow-other",
        .help = "let other users in, too",
        .parse = parse_allow_other,
    },
    {
        .name = "setuid",
        .argument = "USER",
        .help = "whom the server of root becomes in its sandbox; nobody by default",
        .parse = parse_setuid,
    },
    {
        .name = "no-sandbox",
        .help = "let the server keep all rights that it has",
        .parse = ff_option_flag,
        FIELD(no_sandbox),
    },
    {
        .name = "no-survive",
        .help = "take the mount away when its server dies, instead of serving it on",
        .parse = ff_option_flag,
        FIELD(no_survive),
    },
    {
        .name = "io-uring",
        .argument = "auto|on|off",
        .help = "take requests through io_uring; auto: with no-survive, no-sandbox and nothing "
                "pushed, where libfuse and the kernel can and nothing has to be scanned",
        .parse = parse_uring,
        FIELD(io_uring),
    },
    {
        .letter = 'o',
        .argument = "NAME[=VALUE],...",
        .help = "options as in fstab(5): any of the above without its "
                "dashes, and those listed below",
        .parse = parse_list,
    },
    {
        .name = "foreground",
        .letter = 'f',
        .help = "do not go to the background",
        .parse = ff_option_flag,
        FIELD(foreground),
    },
    {
        .name = "debug",
        .letter = 'd',
        .help = "show each request on stderr; implies -f",
        .parse = ff_option_flag,
        FIELD(debug),
    },
    {
        .name = "log",
        .argument = "auto|stderr|syslog",
        .help = "where messages go; auto: stderr as long as that is there, then syslog",
        .parse = parse_log,
        FIELD(log),
    },
    {
        .name = "log-level",
        .argument = "LEVEL",
        .help = "error, warning (the default), info or debug: what is less important is not logged",
        .parse = parse_log_level,
        FIELD(log_level),
    },
    {
        .name = "redact",
        .help = "in messages, put short hashes for names and paths",
        .parse = ff_option_flag,
        FIELD(redact),
    },
    FF_OPTION_HELP,
    FF_OPTION_END,
};

/* Of -o only: the usual names of FUSE and of mount(8). */
static const struct ff_option list_options[] = {
    {
        .name = "fsname",
        .argument = "TEXT",
        .parse = ff_option_text,
        FIELD(fsname),
    },
    {
        .name = "subtype",
        .argument = "TEXT",
        .parse = ff_option_text,
        FIELD(subtype),
    },
    {
        .name = "sloppy",
        .parse = ff_option_flag,
        FIELD(sloppy),
    },
    {
        .name = "nosandbox",
        .parse = ff_option_flag,
        FIELD(no_sandbox),
    },
    {
        .name = "nosurvive",
        .parse = ff_option_flag,
        FIELD(no_survive),
    },
    {
        .name = "nodirect-io",
        .parse = parse_no_direct,
        FIELD(direct_io),
    },
    {
        .name = "noindex",
        .parse = ff_option_flag,
        FIELD(index.none),
    },
    FF_OPTION_END,
};

const struct ff_mount_values ff_mount_defaults = {
    .layout = FF_TREE_AUTO,
    .names = FF_NAMES_NUMBER,
    .control = FF_CONTROL_HIDDEN,
    .interval_bytes = FF_INTERVAL_DEFAULT_BYTES,
    .direct_io = FF_MOUNT_DIRECT_AUTO,
    .push_bytes = FF_PUSH_DEFAULT_BYTES,
    .synth = {.size = FF_SYNTH_SIZE_DEFAULT, .kind = FF_SYNTH_COUNTER},
    .log = FF_LOG_AUTO,
    .log_level = FF_LOG_WARNING,
    .uid = -1,
    .gid = -1,
    .worker_uid = -1,
    .worker_gid = -1,
};

/* For the kernel or fusermount3, as they are. A name that ends with '=' takes a value. */
static const char *const passed[] = {
    "allow_other",  "allow_root",  "default_permissions",
    "auto_unmount", "ro",          "nosuid",
    "suid",         "nodev",       "dev",
    "noexec",       "exec",        "noatime",
    "atime",        "sync",        "async",
    "dirsync",      "max_read=",   "context=",
    "fscontext=",   "defcontext=", "rootcontext=",
    NULL,
};

/* For mount(8), systemd and others that read fstab(5), or without a meaning for a mount that is
 * read-only in any case: libfuse refuses the times of access that it does not know. */
static const char *const ignored[] = {
    "rw",         "defaults",    "auto",          "noauto",   "user",       "nouser",
    "users",      "nousers",     "owner",         "noowner",  "group",      "nogroup",
    "nofail",     "iversion",    "noiversion",    "mand",     "nomand",     "_netdev",
    "_rnetdev",   "comment=",    "user=",         "silent",   "loud",       "relatime",
    "norelatime", "strictatime", "nostrictatime", "diratime", "nodiratime", "lazytime",
    "nolazytime", NULL,
};

static bool is_listed(const char *const *names, const char *option)
{
    size_t len = strcspn(option, "=");

    for (; *names; names++) {
        size_t name_len = strcspn(*names, "=");
        if (len == name_len && memcmp(option, *names, len) == 0 &&
            (option[len] == '=') == ((*names)[name_len] == '='))
            return true;
    }
    return false;
}

static int refuse_unknown(const char *option, struct ff_error *error)
{
    const char *nearest, *names[64];
    char name[FF_OPTION_SHOWN_BYTES], shown[FF_OPTION_SHOWN_BYTES];
    size_t count = 0;

    for (const struct ff_option *o = list_options; !ff_option_is_end(o); o++)
        names[count++] = o->name;
    for (size_t i = 0; passed[i] && count < sizeof(names) / sizeof(names[0]) - 1; i++)
        names[count++] = passed[i];
    names[count] = NULL;
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(option, "="), option);
    nearest = ff_option_nearest(ff_mount_options, names, name);
    ff_option_shown(shown, option);
    if (nearest && strncmp(nearest, name, strlen(name)) == 0 && nearest[strlen(name)] == '=')
        return ff_error_set(error, -EINVAL, "mount option '%s' needs a value", name);
    if (nearest && strcmp(nearest, name) == 0)
        return ff_error_set(error, -EINVAL, "mount option '%s' takes no value", name);
    if (nearest)
        return ff_error_set(error, -EINVAL, "unknown mount option '%s': did you mean '%.*s'?",
                            shown, (int)strcspn(nearest, "="), nearest);
    return ff_error_set(error, -EINVAL, "unknown mount option '%s'", shown);
}

/* One of the list: an option of ours, of FUSE, of the kernel, or of fstab(5). 1 for help. */
static int parse_item(struct ff_mount_values *values, const char *item, struct ff_error *error)
{
    size_t len = strcspn(item, "=");
    const char *argument = item[len] == '=' ? item + len + 1 : NULL;
    struct ff_error detail = {0};

    const struct ff_option *option = ff_option_find(ff_mount_options, item, len);
    if (!option)
        option = ff_option_find(list_options, item, len);
    if (option && !option->parse)
        return 1;
    if (option) {
        if (!option->argument && argument)
            return ff_error_set(error, -EINVAL, "mount option '%s' takes no value", option->name);
        if (option->argument && !argument)
            return ff_error_set(error, -EINVAL, "mount option '%s' needs a value: %s", option->name,
                                option->argument);
        int rc = option->parse((char *)values + option->offset, argument, &detail);
        if (rc < 0)
            return ff_error_set(error, -EINVAL, "mount option '%s': %s", option->name, detail.text);
        return 0;
    }
    if (is_listed(passed, item))
        return pass_on(values, item, error);
    if (is_listed(ignored, item) || strncmp(item, "x-", 2) == 0 || strncmp(item, "X-", 2) == 0)
        return 0;
    return values->sloppy ? 0 : refuse_unknown(item, error);
}

static int parse_list(void *field, const char *argument, struct ff_error *error)
{
    struct ff_mount_values *values = field;
    size_t len = strlen(argument);
    char *item = values->text + values->text_len, *rest;

    if (len >= sizeof(values->text) - values->text_len)
        return ff_error_set(error, -EINVAL, "the mount options are too long");
    memcpy(item, argument, len + 1);
    values->text_len += len + 1;
    for (; item; item = rest) {
        rest = strchr(item, ',');
        if (rest)
            *rest++ = '\0';
        int rc = *item ? parse_item(values, item, error) : 0;
        if (rc != 0)
            return rc;
    }
    return 0;
}
