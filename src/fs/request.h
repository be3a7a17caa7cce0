/* A request of the kernel, as it is kept while it waits. */
#ifndef FF_FS_REQUEST_H
#define FF_FS_REQUEST_H

#define FUSE_USE_VERSION 314
#include <framefs/archive.h>
#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdint.h>

/* Names that are longer do not exist: statfs tells that. */
#define FF_REQUEST_NAME_MAX 255

enum ff_op {
    FF_OP_LOOKUP,
    FF_OP_GETATTR,
    FF_OP_ACCESS,
    FF_OP_OPEN,
    FF_OP_READ,
    FF_OP_LSEEK,
    FF_OP_OPENDIR,
    FF_OP_READDIR,
    FF_OP_READDIRPLUS,
    FF_OP_STATFS,
    FF_OP_GETXATTR,
    FF_OP_LISTXATTR,
    FF_OPS
};

struct ff_request {
    fuse_req_t req;
    enum ff_op op;
    uint64_t ino;
    const char *name; /* of LOOKUP and GETXATTR, else NULL; at most FF_REQUEST_NAME_MAX bytes */
    size_t size;      /* of the reply at most */
    int64_t offset;   /* as the kernel sent it: of any value */
    int whence;
    bool direct; /* a read that leaves nothing in the cache */
};

/* What a request that cannot be answered yet waits for: so many records, or one that is shown, or
 * the scan's end; or the table of names. */
struct ff_wait {
    const struct ff_archive *archive;
    uint64_t records; /* UINT64_MAX: the scan's end only */
    bool or_shown;    /* one from `from` on will do */
    uint64_t from;
    const struct ff_roster *roster; /* or NULL */
};

#endif
