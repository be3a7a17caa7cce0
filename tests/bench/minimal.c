/*
 * The least that serves stretches of a file through FUSE, as the yardstick of tests/bench/readers:
 * a flat directory of files of one size, SIZE bytes each, of which file number N begins at FIRST +
 * N * STRIDE of ARCHIVE. No index, no sandbox, no supervisor, and nobody counts. Mount options,
 * threads, timeouts and buffers are as framefs has them. -c: each read also asks, as framefs does,
 * whether the archive is still the one that was opened. Serves in the foreground until unmounted.
 */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES_MAX (UINT32_C(1) << 20)
#define FOREVER_S      (10 * 365 * 86400.0)
/* Inodes: 1 is the directory. */
#define FILES_INO 2

struct minimal {
    int fd;
    uint64_t count, first, stride, size;
    bool checks;
    struct stat opened;
};

static const struct minimal *of(fuse_req_t req)
{
    return fuse_req_userdata(req);
}

static bool get_attr(const struct minimal *minimal, fuse_ino_t ino, struct stat *ret_attr)
{
    if (ino >= FILES_INO + minimal->count)
        return false;
    *ret_attr = (struct stat){.st_ino = ino, .st_mode = S_IFDIR | 0555, .st_nlink = 2};
    if (ino < FILES_INO)
        return true;
    ret_attr->st_mode = S_IFREG | 0444;
    ret_attr->st_nlink = 1;
    ret_attr->st_size = (off_t)minimal->size;
    return true;
}

static void on_init(void *userdata, struct fuse_conn_info *conn)
{
    (void)userdata;
    conn->want |= conn->capable & (FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_ASYNC_READ);
    conn->max_read = READ_BYTES_MAX;
    conn->max_readahead = READ_BYTES_MAX;
}

static void on_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct fuse_entry_param entry = {.attr_timeout = FOREVER_S, .entry_timeout = FOREVER_S};
    char *end;
    uint64_t number = strtoull(name, &end, 10);

    if (parent != FUSE_ROOT_ID || *end || number >= of(req)->count) {
        fuse_reply_err(req, ENOENT);
        return;
    }
    entry.ino = FILES_INO + number;
    get_attr(of(req), entry.ino, &entry.attr);
    fuse_reply_entry(req, &entry);
}

static void on_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct stat attr;

    (void)fi;
    if (get_attr(of(req), ino, &attr))
        fuse_reply_attr(req, &attr, FOREVER_S);
    else
        fuse_reply_err(req, ENOENT);
}

static void on_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)ino;
    (void)fi;
    fuse_reply_err(req, ENOSYS);
}

static bool is_same(const struct minimal *minimal)
{
    struct stat now;

    return fstat(minimal->fd, &now) == 0 && now.st_size >= minimal->opened.st_size &&
           now.st_mtim.tv_sec == minimal->opened.st_mtim.tv_sec &&
           now.st_mtim.tv_nsec == minimal->opened.st_mtim.tv_nsec;
}

static void on_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                    struct fuse_file_info *fi)
{
    static __thread void *buffer;
    const struct minimal *minimal = of(req);
    uint64_t begin = (uint64_t)offset;

    (void)fi;
    if (!buffer)
        buffer = mmap(NULL, READ_BYTES_MAX, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (ino < FILES_INO || buffer == MAP_FAILED || size > READ_BYTES_MAX || offset < 0) {
        fuse_reply_err(req, EIO);
        return;
    }
    if (begin > minimal->size)
        begin = minimal->size;
    if (size > minimal->size - begin)
        size = (size_t)(minimal->size - begin);
    uint64_t at = minimal->first + (ino - FILES_INO) * minimal->stride + begin;
    ssize_t count = pread(minimal->fd, buffer, size, (off_t)at);
    if (count < 0 || (minimal->checks && !is_same(minimal)))
        fuse_reply_err(req, EIO);
    else
        fuse_reply_buf(req, buffer, (size_t)count);
}

static const struct fuse_lowlevel_ops ops = {
    .init = on_init,
    .lookup = on_lookup,
    .getattr = on_getattr,
    .open = on_open,
    .opendir = on_open,
    .read = on_read,
};

static int serve(struct minimal *minimal, const char *dir, unsigned int threads)
{
    char *options[] = {(char[]){"minimal"}, (char[]){"-o"}, (char[]){"ro,max_read=1048576"}, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(3, options);
    struct fuse_session *session = fuse_session_new(&args, &ops, sizeof(ops), minimal);
    struct fuse_loop_config *config = fuse_loop_cfg_create();

    if (!session || !config || fuse_session_mount(session, dir) != 0)
        return 1;
    fuse_set_signal_handlers(session);
    fuse_loop_cfg_set_clone_fd(config, 0);
    fuse_loop_cfg_set_max_threads(config, threads);
    int r = fuse_session_loop_mt(session, config);
    fuse_session_unmount(session);
    fuse_session_destroy(session);
    fuse_loop_cfg_destroy(config);
    return r == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    struct minimal minimal = {0};
    unsigned int threads = 16;
    int option;

    while ((option = getopt(argc, argv, "ct:")) != -1) {
        if (option == 'c')
            minimal.checks = true;
        else if (option == 't')
            threads = (unsigned int)strtoul(optarg, NULL, 10);
        else
            return 2;
    }
    if (argc - optind != 6) {
        fprintf(stderr, "usage: minimal [-c] [-t THREADS] ARCHIVE COUNT FIRST STRIDE SIZE DIR\n");
        return 2;
    }
    char **numbers = argv + optind + 1;
    minimal.count = strtoull(numbers[0], NULL, 10);
    minimal.first = strtoull(numbers[1], NULL, 10);
    minimal.stride = strtoull(numbers[2], NULL, 10);
    minimal.size = strtoull(numbers[3], NULL, 10);
    minimal.fd = open(argv[optind], O_RDONLY | O_CLOEXEC);
    if (minimal.fd < 0 || fstat(minimal.fd, &minimal.opened) < 0) {
        perror(argv[optind]);
        return 1;
    }
    return serve(&minimal, argv[argc - 1], threads);
}
