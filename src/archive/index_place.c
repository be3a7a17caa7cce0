/*
 * Where index files lie: beside the archive, in the cache, or where the user says. A file is
 * written under another name, locked, and renamed when it is whole: who opens an index file never
 * sees half of one, and it never changes while it is mapped.
 */
#include <errno.h>
#include <fcntl.h>
#include <framefs/index.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "index/image.h"

#define CACHE_FOLDER "framefs"
#define CACHE_MODE   0700

/* Between two openings of a partial file that others publish or remove meanwhile. */
#define LOCK_TRIES 100

#define LINKS_MAX 40 /* symbolic ones, of a path: as the kernel has it */

struct ff_partial {
    char *path; /* what it is published as; owned */
    char *name; /* its own in that folder, NULL where it has none; owned */
    /* O_PATH: the path may lead elsewhere later, or be hidden by a mount. */
    int folder;
    int fd;
};

static int refuse(int code, const char *path, const char *what, struct ff_error *error)
{
    char shown[1024];

    ff_escape(shown, sizeof(shown), path, strlen(path));
    return ff_error_set(error, code, "%s: %s%s%s", shown, what ? what : "", what ? ": " : "",
                        strerror(-code));
}

/* The codes of look_at(): two of them are its own, and errno's words for them say nothing. */
static int refuse_found(int code, const char *path, struct ff_error *error)
{
    char shown[1024];
    const char *why = code == -EPERM    ? "belongs to another user"
                      : code == -EINVAL ? "not a regular file"
                                        : strerror(-code);

    ff_escape(shown, sizeof(shown), path, strlen(path));
    return ff_error_set(error, code, "%s: %s", shown, why);
}

/* ---- paths ---- */

/* All up to the last slash, "." where there is none; to be freed. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* Where the symbolic link leads, to be freed; NULL where it is none. */
static char *target_of(const char *path, const char *folder)
{
    char target[PATH_MAX], *text;
    ssize_t len = readlink(path, target, sizeof(target));

    if (len <= 0)
        return NULL;
    if (target[0] == '/')
        return strndup(target, (size_t)len);
    return asprintf(&text, "%s/%.*s", folder, (int)len, target) < 0 ? NULL : text;
}

/* Whether the path is that of whatever is open under some number, or leads there: /dev/stdin,
 * /dev/fd/3. What lies beside it would be of another archive each time. */
static bool is_of_descriptor(const char *path)
{
    char *at = strdup(path);
    bool found = false;

    for (int links = 0; at && !found && links < LINKS_MAX; links++) {
        FF_CLEANUP(free) char *folder = folder_of(at);
        struct statfs fs;
        found = folder && statfs(folder, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
        char *next = folder && !found ? target_of(at, folder) : NULL;
        free(at);
        at = next;
    }
    free(at);
    return found;
}

static char *with_suffix(const char *path, const char *suffix)
{
    char *text;

    return asprintf(&text, "%s%s", path, suffix) < 0 ? NULL : text;
}

/* $XDG_CACHE_HOME, which counts only when it is absolute, or ~/.cache; NULL where there is none. */
static char *cache_home(void)
{
    const char *home = getenv("XDG_CACHE_HOME");
    char *text;

    if (home && home[0] == '/')
        return strdup(home);
    home = getenv("HOME");
    if (!home || home[0] != '/')
        return NULL;
    return asprintf(&text, "%s/.cache", home) < 0 ? NULL : text;
}

/* The archive's file in the cache, by a hash of where the archive truly lies; NULL where there is
 * no cache. make: the folders of it, too. */
static char *cache_path(const char *archive, bool make)
{
    FF_CLEANUP(free) char *home = cache_home();
    FF_CLEANUP(free) char *real = realpath(archive, NULL);
    FF_CLEANUP(free) char *folder = NULL;
    char *path;

    if (!home || !real || asprintf(&folder, "%s/" CACHE_FOLDER, home) < 0) {
        folder = NULL;
        return NULL;
    }
    /* Where they cannot be made, opening the file tells why. */
    if (make && (mkdir(home, CACHE_MODE) == 0 || errno == EEXIST))
        (void)mkdir(folder, CACHE_MODE);
    const char *name = strrchr(real, '/') + 1;
    /* 16 digits, a dash, and what is added to the name must fit, too. */
    int cut = NAME_MAX - 17 - (int)strlen(FF_INDEX_SUFFIX FF_PARTIAL_SUFFIX) - 16;
    if (asprintf(&path, "%s/%016" PRIx64 "-%.*s" FF_INDEX_SUFFIX, folder,
                 (uint64_t)XXH3_64bits(real, strlen(real)), cut, name) < 0)
        return NULL;
    return path;
}

/* ---- reading ---- */

/* Whether an index file that nobody named is to be believed: who plants a file beside an archive
 * that is not his could show its bytes as other records than they are. */
static bool is_trusted(const char *archive, const struct stat *index)
{
    struct stat st;

    return index->st_uid == 0 || index->st_uid == geteuid() ||
           (stat(archive, &st) == 0 && index->st_uid == st.st_uid);
}

/* Of a regular file: a descriptor, or a negative errno. O_NONBLOCK: no pipe must hang. */
static int open_regular(int folder, const char *path, int flags, struct stat *ret_stat)
{
    FF_CLEANUP(fd)
    int fd = openat(folder, path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);

    if (fd < 0)
        return -errno;
    if (fstat(fd, ret_stat) < 0)
        return -errno;
    if (!S_ISREG(ret_stat->st_mode))
        return S_ISDIR(ret_stat->st_mode) ? -EISDIR : -EINVAL;
    int kept = fd;
    fd = -1;
    return kept;
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

/* What was found at one place: a descriptor, or why there is none. */
struct found {
    char *path; /* owned; NULL where there is no such place */
    int fd;     /* or a negative errno */
    struct stat stat;
};

static struct found look_at(char *path, const char *archive)
{
    struct found found = {.path = path, .fd = -ENOENT};

    if (!path)
        return found;
    found.fd = open_regular(AT_FDCWD, path, O_RDONLY, &found.stat);
    if (found.fd == -ENOTDIR || found.fd == -ENAMETOOLONG)
        found.fd = -ENOENT;
    if (found.fd >= 0 && archive && !is_trusted(archive, &found.stat)) {
        close(found.fd);
        found.fd = -EPERM;
    }
    return found;
}

static void drop(struct found *found)
{
    if (found->fd >= 0)
        close(found->fd);
    free(found->path);
}

int ff_index_open(const char *archive, const char *given, int *ret_fd, char **ret_path,
                  struct ff_error *error)
{
    struct found found = given ? look_at(strdup(given), NULL)
                               : look_at(with_suffix(archive, FF_INDEX_SUFFIX), archive);

    if (!given && is_of_descriptor(archive)) {
        drop(&found);
        return -ENOENT;
    }
    if (!given) {
        struct found cached = look_at(cache_path(archive, false), archive);
        bool better =
            cached.fd >= 0 && (found.fd < 0 || is_later(&cached.stat.st_mtim, &found.stat.st_mtim));
        if (better || (found.fd == -ENOENT && cached.fd != -ENOENT)) {
            struct found other = found;
            found = cached;
            cached = other;
        }
        drop(&cached);
    }
    int code = !found.path ? -ENOMEM : found.fd < 0 ? found.fd : 0;
    if (code == 0) {
        *ret_fd = found.fd;
        found.fd = -1;
    } else {
        refuse_found(code, found.path ? found.path : archive, error);
    }
    if (ret_path && code != -ENOENT && code != -ENOMEM) {
        *ret_path = found.path;
        found.path = NULL;
    }
    drop(&found);
    return code;
}

/* ---- writing ---- */

/* Who may read the archive may read what is said of it; root's file becomes the owner's. */
static void take_rights(int fd, const struct stat *archive)
{
    /* Where that cannot be, the file is its maker's alone. */
    if (geteuid() == 0 && fchown(fd, archive->st_uid, archive->st_gid) < 0)
        return;
    (void)fchmod(fd, (archive->st_mode & 0444) | 0200);
}

/* Another program may have published or removed the file between opening and locking it. */
static bool is_still_there(int folder, const char *name, const struct stat *opened)
{
    struct stat st;

    return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == opened->st_dev &&
           st.st_ino == opened->st_ino;
}

/* The partial file of that name, locked: a descriptor or a negative errno. */
static int open_locked(int folder, const char *name, unsigned int flags, const struct stat *archive)
{
    for (int tries = 0; tries < LOCK_TRIES; tries++) {
        struct stat st;
        FF_CLEANUP(fd) int fd = open_regular(folder, name, O_RDWR | O_CREAT | O_NOFOLLOW, &st);
        if (fd < 0) {
            int code = fd;
            fd = -1;
            return code == -EISDIR || code == -ELOOP || code == -EINVAL ? -EEXIST : code;
        }
        /* A link or a stranger's file must not make us write, or believe, what is not ours. */
        if (st.st_nlink > 1 ||
            (st.st_uid != geteuid() && !(geteuid() == 0 && st.st_uid == archive->st_uid)))
            return -EEXIST;
        while (flock(fd, LOCK_EX | (flags & FF_PARTIAL_WAIT ? 0 : LOCK_NB)) < 0)
            if (errno != EINTR)
                return errno == EWOULDBLOCK ? -EBUSY : -errno;
        if (is_still_there(folder, name, &st)) {
            if (st.st_size == 0)
                take_rights(fd, archive);
            int kept = fd;
            fd = -1;
            return kept;
        }
    }
    return -EBUSY;
}

/* A file without a name: a descriptor, or a negative errno. Locked, so that nobody goes on with it
 * between its getting a name and its being published. */
static int open_unnamed(int folder, const struct stat *archive)
{
    int fd = openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    /* Folders that know no unnamed files say so in several ways. */
    if (fd < 0)
        return errno == EISDIR || errno == ENOENT ? -EOPNOTSUPP : -errno;
    (void)flock(fd, LOCK_EX | LOCK_NB);
    take_rights(fd, archive);
    return fd;
}

static char *partial_name(const struct ff_partial *partial)
{
    const char *slash = strrchr(partial->path, '/');

    return with_suffix(slash ? slash + 1 : partial->path, FF_PARTIAL_SUFFIX);
}

/* 1 or 0, or a negative errno. */
static int has_magic(int fd)
{
    uint8_t magic[FF_IMAGE_MAGIC_BYTES];
    ssize_t n = pread(fd, magic, sizeof(magic), 0);

    return n < 0 ? -errno : ff_image_has_magic(magic, (uint64_t)n);
}

bool ff_index_is_file(const char *path)
{
    struct stat st;
    FF_CLEANUP(fd) int fd = open_regular(AT_FDCWD, path, O_RDONLY, &st);

    return fd >= 0 && has_magic(fd) > 0;
}

/* Whether a file of that name is an index file, one that is empty, or none: 0, or why it is not to
 * be lost. */
static int check_lost(const char *path)
{
    struct stat st;
    FF_CLEANUP(fd) int fd = open_regular(AT_FDCWD, path, O_RDONLY, &st);

    if (fd < 0) {
        int code = fd;
        fd = -1;
        return code == -ENOENT ? 0 : code;
    }
    if (st.st_size == 0)
        return 0;
    int r = has_magic(fd);
    return r > 0 ? 0 : r < 0 ? r : -EEXIST;
}

/* A path that was mistaken must not cost a file, the archive least of all: what is written in the
 * place of, or into, is an index file already. */
static int check_given(const char *path)
{
    FF_CLEANUP(free) char *partial = with_suffix(path, FF_PARTIAL_SUFFIX);

    if (!partial)
        return -ENOMEM;
    int r = check_lost(path);
    return r < 0 ? r : check_lost(partial);
}

/* Whether a file can be published there: what would fail at the end fails before the scan. */
static int check_place(const struct ff_partial *partial)
{
    const char *slash = strrchr(partial->path, '/');
    const char *name = slash ? slash + 1 : partial->path;
    struct stat st;

    if (!name[0])
        return slash ? -EISDIR : -ENOENT;
    bool is_folder =
        fstatat(partial->folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
    return is_folder ? -EISDIR : 0;
}

/* Begins to write path. */
static int begin_at(struct ff_partial *partial, unsigned int flags, const struct stat *archive)
{
    FF_CLEANUP(free) char *folder = folder_of(partial->path);
    int fd;

    partial->name = partial_name(partial);
    if (!partial->name || !folder)
        return -ENOMEM;
    partial->folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (partial->folder < 0)
        return -errno;
    fd = check_place(partial);
    if (fd < 0)
        return fd;
    fd = -EOPNOTSUPP;
    if (flags & FF_PARTIAL_UNNAMED && faccessat(partial->folder, partial->name, F_OK, 0) < 0)
        fd = open_unnamed(partial->folder, archive);
    if (fd >= 0) {
        free(partial->name);
        partial->name = NULL;
    } else if (fd == -EOPNOTSUPP) {
        fd = open_locked(partial->folder, partial->name, flags, archive);
    }
    partial->fd = fd;
    return fd < 0 ? fd : 0;
}

/* But for the file. */
static void reset(struct ff_partial *partial)
{
    free(partial->path);
    free(partial->name);
    if (partial->folder >= 0)
        close(partial->folder);
    *partial = (struct ff_partial){.fd = -1, .folder = -1};
}

/* What another folder may be the answer to. */
static bool is_of_place(int code)
{
    return code == -EACCES || code == -EROFS || code == -EPERM || code == -EEXIST ||
           code == -ENAMETOOLONG;
}

int ff_index_begin(const char *archive, const char *given, unsigned int flags,
                   struct ff_partial **ret_partial, struct ff_error *error)
{
    struct ff_partial *partial = calloc(1, sizeof(*partial));
    struct stat st;
    int code = -EACCES;

    if (!partial)
        return ff_error_set(error, -ENOMEM, "out of memory");
    *partial = (struct ff_partial){.folder = -1, .fd = -1};
    if (stat(archive, &st) < 0) {
        free(partial);
        return refuse(-errno, archive, NULL, error);
    }
    if (!given && is_of_descriptor(archive)) {
        char shown[1024];
        free(partial);
        ff_escape(shown, sizeof(shown), archive, strlen(archive));
        return ff_error_set(error, -EINVAL,
                            "%s: this is another file each time, and beside it is no place for its "
                            "index: name the file itself, or say where by --index",
                            shown);
    }
    int lost = given ? check_given(given) : 0;
    if (lost < 0) {
        free(partial);
        return refuse(lost, given,
                      lost == -EEXIST ? "no index file, or its .partial is none; it is not replaced"
                                      : "the index file cannot be written",
                      error);
    }
    /* The folder of a disk's node is no place for files. */
    if (given || S_ISREG(st.st_mode)) {
        partial->path = given ? strdup(given) : with_suffix(archive, FF_INDEX_SUFFIX);
        code = partial->path ? begin_at(partial, flags, &st) : -ENOMEM;
    }
    if (!given && is_of_place(code)) {
        char *cached = cache_path(archive, true);
        if (cached) {
            reset(partial);
            partial->path = cached;
            code = begin_at(partial, flags, &st);
        }
    }
    if (code == 0) {
        *ret_partial = partial;
        return 0;
    }
    refuse(code, partial->path ? partial->path : archive,
           code == -EBUSY    ? "another program is writing it"
           : code == -EEXIST ? "its .partial is not a file of yours alone"
                             : "the index file cannot be written",
           error);
    reset(partial);
    free(partial);
    return code;
}

int ff_partial_fd(const struct ff_partial *partial)
{
    return partial->fd;
}

const char *ff_partial_path(const struct ff_partial *partial)
{
    return partial->path;
}

int ff_partial_replace(struct ff_partial *partial, int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (partial->name || st.st_nlink > 0)
        return -EINVAL;
    close(partial->fd);
    partial->fd = fd;
    return 0;
}

static int link_as(const struct ff_partial *partial, const char *name)
{
    char self[64];

    snprintf(self, sizeof(self), "/proc/self/fd/%d", partial->fd);
    return linkat(AT_FDCWD, self, partial->folder, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

/* Gives an unnamed file a name. Who is killed before it is renamed leaves a partial file that the
 * next one who writes finds; where there is one already, the name is this process's own. */
static int name_it(struct ff_partial *partial)
{
    FF_CLEANUP(free) char *name = partial_name(partial);
    char *own;

    if (!name)
        return -ENOMEM;
    int r = link_as(partial, name);
    if (r == 0) {
        partial->name = name;
        name = NULL;
    }
    if (r != -EEXIST)
        return r;
    if (asprintf(&own, "%s.%d-%d", name, (int)getpid(), partial->fd) < 0)
        return -ENOMEM;
    /* Only a process of the same number that was killed can have left one. */
    unlinkat(partial->folder, own, 0);
    r = link_as(partial, own);
    if (r == 0)
        partial->name = own;
    else
        free(own);
    return r;
}

static int sync_folder(int folder)
{
    FF_CLEANUP(fd) int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    /* Some folders cannot be read, some file systems cannot do it: then the name is as safe as
     * they make it. */
    if (fd < 0 || fsync(fd) == 0 || errno == EINVAL)
        return 0;
    return -errno;
}

int ff_index_publish(struct ff_partial *partial, struct ff_error *error)
{
    const char *slash = strrchr(partial->path, '/');
    int r = partial->name ? 0 : name_it(partial);

    if (r == 0 && renameat(partial->folder, partial->name, partial->folder,
                           slash ? slash + 1 : partial->path) < 0)
        r = -errno;
    if (r < 0)
        return refuse(r, partial->path, "the index file cannot be put in its place", error);
    free(partial->name);
    partial->name = NULL;
    r = sync_folder(partial->folder);
    return r < 0 ? refuse(r, partial->path, "its folder cannot be synchronised", error) : 0;
}

void ff_index_end(struct ff_partial *partial, bool keep)
{
    if (!partial)
        return;
    /* It is locked: the name is this file's. */
    if (partial->name && !keep)
        unlinkat(partial->folder, partial->name, 0);
    close(partial->fd);
    reset(partial);
    free(partial);
}
