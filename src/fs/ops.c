#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/state.h"
#include "fs/uring.h"

/* ---- answers: each sends one reply and returns 0, or sends none and returns a negative errno ----
 */

static int answer_lookup(struct ff_fs *fs, const struct ff_request *request,
                         struct ff_wait *ret_wait)
{
    struct fuse_entry_param entry = {.entry_timeout = FF_FOREVER_S};
    struct ff_node parent, node;

    if (strlen(request->name) > FF_REQUEST_NAME_MAX)
        return -ENAMETOOLONG;
    int r = ff_fs_load_node(fs, request->ino, &parent, ret_wait);
    if (r < 0)
        return r;
    r = ff_fs_lookup(fs, &parent, request->name, &node, ret_wait);
    if (r == -ENOENT) {
        /* Nodeid 0: the kernel remembers that there is no such name. */
        const struct ff_shown *shown = ff_fs_shown(fs, &parent);
        if (shown && !ff_archive_complete(shown->archive))
            return r;
        fuse_reply_entry(request->req, &entry);
        return 0;
    }
    if (r == 0)
        r = ff_attr_entry(fs, &node, &entry, ret_wait);
    if (r == 0)
        ff_dir_note_use(fs, &node);
    if (r == 0)
        fuse_reply_entry(request->req, &entry);
    return r;
}

static int answer_getattr(struct ff_fs *fs, const struct ff_request *request,
                          struct ff_wait *ret_wait)
{
    struct ff_node node;
    struct stat attr;
    double timeout_s;

    int r = ff_fs_load_node(fs, request->ino, &node, ret_wait);
    if (r == 0)
        r = ff_attr_get(fs, &node, FF_TEXT_RECENT, &attr, &timeout_s, ret_wait);
    if (r == 0)
        fuse_reply_attr(request->req, &attr, timeout_s);
    return r;
}

/* Where an answer is put together: where the kernel takes it from, or in the thread's memory. */
static void *buffer_for(struct ff_fs *fs, const struct ff_request *request)
{
    void *payload = ff_uring_payload(request->req);

    return payload ? payload : ff_buffer_get(fs);
}

static int answer_read(struct ff_fs *fs, const struct ff_request *request, struct ff_wait *ret_wait)
{
    struct ff_node node;
    struct ff_file file;

    if (request->offset < 0 || request->size > FF_REPLY_BYTES_MAX)
        return -EINVAL;
    int r = ff_fs_load_node(fs, request->ino, &node, ret_wait);
    if (r == 0)
        r = ff_file_find(fs, &node, FF_TEXT_ANY, &file, ret_wait);
    if (r < 0)
        return r;
    ff_dir_note_use(fs, &node);
    if (request->offset == 0)
        ff_push_note(&fs->push, &node, &file.view);
    void *buf = buffer_for(fs, request);
    if (!buf)
        return -ENOMEM;
    ssize_t count = ff_file_read(fs, &file, buf, request->size, (uint64_t)request->offset);
    if (count < 0)
        return (int)count;
    ff_stats_add(&fs->shared->stats.read_bytes, (uint64_t)count);
    if (file.kind == FF_FILE_SYNTHETIC && !request->direct)
        ff_push_note_made(&fs->push, request->ino, (uint64_t)request->offset, (uint64_t)count);
    fuse_reply_buf(request->req, buf, (size_t)count);
    return 0;
}

static int answer_lseek(struct ff_fs *fs, const struct ff_request *request,
                        struct ff_wait *ret_wait)
{
    struct ff_node node;
    struct ff_file file;

    if (request->whence != SEEK_DATA && request->whence != SEEK_HOLE)
        return -EINVAL;
    int r = ff_fs_load_node(fs, request->ino, &node, ret_wait);
    if (r == 0)
        r = ff_file_find(fs, &node, FF_TEXT_ANY, &file, ret_wait);
    if (r < 0)
        return r;
    if (request->offset < 0 || (uint64_t)request->offset >= file.size)
        return -ENXIO;
    /* No file has holes but the one that ends it. */
    fuse_reply_lseek(request->req,
                     request->whence == SEEK_DATA ? (off_t)request->offset : (off_t)file.size);
    return 0;
}

static int answer_readdir(struct ff_fs *fs, const struct ff_request *request,
                          struct ff_wait *ret_wait)
{
    struct ff_node node;
    size_t size = request->size < FF_REPLY_BYTES_MAX ? request->size : FF_REPLY_BYTES_MAX;

    int r = ff_fs_load_node(fs, request->ino, &node, ret_wait);
    if (r < 0)
        return r;
    char *buf = buffer_for(fs, request);
    if (!buf)
        return -ENOMEM;
    ssize_t count = ff_dir_fill(fs, request->req, &node, request->op == FF_OP_READDIRPLUS, buf,
                                size, request->offset, ret_wait);
    if (count < 0)
        return (int)count;
    fuse_reply_buf(request->req, buf, (size_t)count);
    return 0;
}

static int answer_statfs(struct ff_fs *fs, const struct ff_request *request)
{
    enum { FRAGMENT_BYTES = 4096 };
    struct statvfs stat = {
        .f_bsize = (unsigned long)fs->options->blksize_bytes,
        .f_frsize = FRAGMENT_BYTES,
        .f_namemax = FF_REQUEST_NAME_MAX,
    };

    for (size_t i = 0; i < fs->shown_count; i++) {
        stat.f_files += ff_archive_shown(fs->shown[i].archive);
        stat.f_blocks += ff_archive_size(fs->shown[i].archive) / FRAGMENT_BYTES + 1;
    }
    fuse_reply_statfs(request->req, &stat);
    return 0;
}

/* A value, or its length when the caller asked with size 0. */
static int reply_xattr(const struct ff_request *request, const char *value, ssize_t len)
{
    if (len < 0)
        return (int)len;
    if (request->size == 0)
        fuse_reply_xattr(request->req, (size_t)len);
    else if ((size_t)len > request->size)
        return -ERANGE;
    else
        fuse_reply_buf(request->req, value, (size_t)len);
    return 0;
}

static int answer_xattr(struct ff_fs *fs, const struct ff_request *request,
                        struct ff_wait *ret_wait)
{
    struct ff_node node;
    char *value = NULL;
    ssize_t len;

    int r = ff_fs_load_node(fs, request->ino, &node, ret_wait);
    if (r < 0)
        return r;
    if (request->op == FF_OP_LISTXATTR)
        len = ff_xattr_list(fs, &node, &value, ret_wait);
    else
        len = ff_xattr_get(fs, &node, request->name, &value, ret_wait);
    r = reply_xattr(request, value, len);
    free(value);
    return r;
}

static int answer(struct ff_fs *fs, const struct ff_request *request, struct ff_wait *ret_wait)
{
    switch (request->op) {
    case FF_OP_LOOKUP:
        return answer_lookup(fs, request, ret_wait);
    case FF_OP_GETATTR:
        return answer_getattr(fs, request, ret_wait);
    case FF_OP_READ:
        return answer_read(fs, request, ret_wait);
    case FF_OP_LSEEK:
        return answer_lseek(fs, request, ret_wait);
    case FF_OP_READDIR:
    case FF_OP_READDIRPLUS:
        return answer_readdir(fs, request, ret_wait);
    case FF_OP_STATFS:
        return answer_statfs(fs, request);
    case FF_OP_GETXATTR:
    case FF_OP_LISTXATTR:
        return answer_xattr(fs, request, ret_wait);
    case FF_OP_ACCESS:
    case FF_OP_OPEN:
    case FF_OP_OPENDIR:
    case FF_OPS:
        break;
    }
    return -ENOSYS;
}

/* ---- requests that wait ---- */

struct waiting {
    struct ff_parked parked; /* first: the park hands it back */
    struct ff_fs *fs;
    struct ff_request request;
    struct ff_wait wait;
    char name[FF_REQUEST_NAME_MAX + 1];
};

static void serve(struct ff_fs *fs, const struct ff_request *request);

/* Called by libfuse with a lock of the request held: must not answer it here. */
static void on_interrupt(fuse_req_t req, void *data)
{
    struct waiting *waiting = data;

    (void)req;
    ff_park_interrupt(&waiting->fs->park, &waiting->parked);
}

static int park(struct ff_fs *fs, const struct ff_request *request, const struct ff_wait *wait)
{
    /* Where anything is left to wait for, no rings are made (uring.h). */
    assert(!ff_uring_payload(request->req));
    struct waiting *waiting = calloc(1, sizeof(*waiting));
    if (!waiting)
        return -ENOMEM;
    waiting->fs = fs;
    waiting->request = *request;
    waiting->wait = *wait;
    if (request->name) {
        strncpy(waiting->name, request->name, FF_REQUEST_NAME_MAX);
        waiting->request.name = waiting->name;
    }
    /* Before it is in the list: once there, it may be answered and gone at any time. */
    fuse_req_interrupt_func(request->req, on_interrupt, waiting);
    int r = ff_park_add(&fs->park, &waiting->parked);
    if (r == 0) {
        ff_stats_add(&fs->shared->stats.parked, 1);
    } else {
        fuse_req_interrupt_func(request->req, NULL, NULL);
        free(waiting);
    }
    return r;
}

static bool is_ready(const struct ff_parked *parked)
{
    const struct ff_wait *wait = &((const struct waiting *)parked)->wait;
    uint64_t next;

    if (wait->roster)
        return ff_roster_is_final(wait->roster);
    return ff_archive_complete(wait->archive) || ff_archive_count(wait->archive) >= wait->records ||
           (wait->or_shown && ff_archive_next(wait->archive, wait->from, &next) == 0);
}

static void resume(struct ff_parked *parked, enum ff_park_outcome outcome)
{
    struct waiting *waiting = (struct waiting *)parked;
    fuse_req_t req = waiting->request.req;

    /* From here on on_interrupt() is not called any more, nor running. */
    fuse_req_interrupt_func(req, NULL, NULL);
    switch (outcome) {
    case FF_PARK_READY:
        serve(waiting->fs, &waiting->request);
        break;
    case FF_PARK_INTERRUPTED:
        fuse_reply_err(req, EINTR);
        break;
    case FF_PARK_STOPPED:
        /* The kernel sends it to the next worker, or fails it when there is none. */
        fuse_reply_none(req);
        break;
    }
    free(waiting);
}

const struct ff_park_ops ff_ops_park = {.ready = is_ready, .resume = resume};

static void serve(struct ff_fs *fs, const struct ff_request *request)
{
    struct ff_wait wait = {0};
    int r = answer(fs, request, &wait);

    if (r == -EAGAIN && wait.archive) {
        r = park(fs, request, &wait);
        if (r == -ESHUTDOWN) {
            fuse_reply_none(request->req);
            return;
        }
    }
    /* Malformed bytes of an archive were logged, and are -EIO; those of an index file are neither.
     */
    if (r == -EUCLEAN || r == -EIO) {
        ff_shown_check_indexes(fs);
        r = -EIO;
    }
    if (r < 0)
        fuse_reply_err(request->req, -r);
}

/* ---- what libfuse calls ---- */

static void receive(const struct ff_request *request)
{
    struct ff_fs *fs = fuse_req_userdata(request->req);

    ff_uring_note_request(request->req);
    ff_stats_add(&fs->shared->stats.requests[request->op], 1);
    serve(fs, request);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
    receive(&(struct ff_request){.req = req, .op = FF_OP_LOOKUP, .ino = parent, .name = name});
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    (void)fi;
    receive(&(struct ff_request){.req = req, .op = FF_OP_GETATTR, .ino = ino});
}

/* Of access(2) and chdir(2). Who may read is not decided here but by the mount, and nobody writes;
 * but no file is a program. */
static void op_access(fuse_req_t req, fuse_ino_t ino, int mask)
{
    struct ff_fs *fs = fuse_req_userdata(req);
    struct ff_node node;

    ff_stats_add(&fs->shared->stats.requests[FF_OP_ACCESS], 1);
    int r = ff_node_from_ino(ino, &node);
    if (r == 0 && (mask & X_OK) && !ff_fs_is_dir(&node))
        r = -EACCES;
    fuse_reply_err(req, -r);
}

/* ENOSYS, where the kernel takes it, makes this the last open that is asked for: direct reads need
 * an answer for each. A text grows stale with whoever reads it without asking for its size: it
 * stays with the cache, whose reads ask. */
static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct ff_fs *fs = fuse_req_userdata(req);
    struct ff_node node;

    ff_stats_add(&fs->shared->stats.requests[FF_OP_OPEN], 1);
    int r = ff_node_from_ino(ino, &node);
    if (r < 0) {
        fuse_reply_err(req, -r);
        return;
    }
    fi->direct_io = fs->options->direct_io && !ff_fs_is_text(&node);
    fi->keep_cache = 1;
    fi->noflush = 1;
    if (fs->no_open && !fs->options->direct_io)
        fuse_reply_err(req, ENOSYS);
    else
        fuse_reply_open(req, fi);
}

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
    struct ff_fs *fs = fuse_req_userdata(req);

    ff_stats_add(&fs->shared->stats.requests[FF_OP_OPENDIR], 1);
    (void)ino;
    fi->keep_cache = 1;
    fi->cache_readdir = 1;
    if (fs->no_opendir)
        fuse_reply_err(req, ENOSYS);
    else
        fuse_reply_open(req, fi);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                    struct fuse_file_info *fi)
{
    receive(&(struct ff_request){.req = req,
                                 .op = FF_OP_READ,
                                 .ino = ino,
                                 .size = size,
                                 .offset = offset,
                                 .direct = fi->flags & O_DIRECT});
}

static void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence,
                     struct fuse_file_info *fi)
{
    (void)fi;
    receive(&(struct ff_request){
        .req = req, .op = FF_OP_LSEEK, .ino = ino, .offset = offset, .whence = whence});
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                       struct fuse_file_info *fi)
{
    (void)fi;
    receive(&(struct ff_request){
        .req = req, .op = FF_OP_READDIR, .ino = ino, .size = size, .offset = offset});
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                           struct fuse_file_info *fi)
{
    (void)fi;
    receive(&(struct ff_request){
        .req = req, .op = FF_OP_READDIRPLUS, .ino = ino, .size = size, .offset = offset});
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
    receive(&(struct ff_request){.req = req, .op = FF_OP_STATFS, .ino = ino});
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
    receive(&(struct ff_request){
        .req = req, .op = FF_OP_GETXATTR, .ino = ino, .name = name, .size = size});
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
    receive(&(struct ff_request){.req = req, .op = FF_OP_LISTXATTR, .ino = ino, .size = size});
}

/* What this library knows and the kernel offers. */
static void want(struct fuse_conn_info *conn, unsigned int capability, bool wanted)
{
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
    if (wanted)
        fuse_set_feature_flag(conn, capability);
    else
        fuse_unset_feature_flag(conn, capability);
#else
    if (wanted)
        conn->want |= conn->capable & capability;
    else
        conn->want &= ~capability;
#endif
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
    struct ff_fs *fs = userdata;

    /* File handles for NFS: look-ups of "." and "..". */
    want(conn, FUSE_CAP_EXPORT_SUPPORT, true);
    want(conn, FUSE_CAP_PARALLEL_DIROPS, true);
    want(conn, FUSE_CAP_ASYNC_READ, true);
    /* Generated texts change under their readers. */
    want(conn, FUSE_CAP_AUTO_INVAL_DATA, true);
    /* Which entries become inodes is decided here, entry by entry (dir.c). */
    want(conn, FUSE_CAP_READDIRPLUS, true);
    want(conn, FUSE_CAP_READDIRPLUS_AUTO, false);
    fs->parallel = conn->capable & FUSE_CAP_PARALLEL_DIROPS;
    fs->no_open = conn->capable & FUSE_CAP_NO_OPEN_SUPPORT;
    /* fusermount3 learns that the server is dead by opening the root: the kernel must not answer.
     */
    fs->no_opendir = (conn->capable & FUSE_CAP_NO_OPENDIR_SUPPORT) && !fs->auto_unmount;
    ff_uring_want(fs, conn);
    conn->max_read = FF_REPLY_BYTES_MAX;
    conn->max_readahead = FF_REPLY_BYTES_MAX;
    conn->max_background = FF_BACKGROUND_MAX;
    conn->congestion_threshold = FF_BACKGROUND_MAX;
}

const struct fuse_lowlevel_ops ff_ops = {
    .init = op_init,
    .lookup = op_lookup,
    .getattr = op_getattr,
    .access = op_access,
    .open = op_open,
    .opendir = op_opendir,
    .read = op_read,
    .lseek = op_lseek,
    .readdir = op_readdir,
    .readdirplus = op_readdirplus,
    .statfs = op_statfs,
    .getxattr = op_getxattr,
    .listxattr = op_listxattr,
};
