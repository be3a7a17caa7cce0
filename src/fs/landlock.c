#include "fs/landlock.h"

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's interface (Documentation/userspace-api/landlock.rst), written out: headers are often
 * older than the kernel. Rights that a kernel does not know are an error, so each comes with the
 * version that brought it. */
#define CREATE_RULESET_VERSION (1U << 0)

struct ruleset_attr {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
};

static const struct {
    unsigned int abi;
    struct ruleset_attr rights;
} rights_of[] = {
    {1, {.handled_access_fs = (1 << 13) - 1}},    /* execute, write, read, list, remove, make */
    {2, {.handled_access_fs = 1 << 13}},          /* rename and link between directories */
    {3, {.handled_access_fs = 1 << 14}},          /* truncate */
    {4, {.handled_access_net = 1 << 0 | 1 << 1}}, /* bind and connect TCP */
    {5, {.handled_access_fs = 1 << 15}},          /* ioctl of devices */
    {6, {.scoped = 1 << 0 | 1 << 1}},             /* abstract unix sockets, signals */
};

int ff_landlock_init(struct ff_landlock *ret_landlock)
{
    struct ruleset_attr attr = {0};

    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
    if (abi < 0 && (errno == ENOSYS || errno == EOPNOTSUPP)) {
        *ret_landlock = (struct ff_landlock){.fd = -1};
        return 0;
    }
    if (abi < 0)
        return -errno;
    for (size_t i = 0; i < sizeof(rights_of) / sizeof(rights_of[0]); i++) {
        if (rights_of[i].abi > (unsigned long)abi)
            break;
        attr.handled_access_fs |= rights_of[i].rights.handled_access_fs;
        attr.handled_access_net |= rights_of[i].rights.handled_access_net;
        attr.scoped |= rights_of[i].rights.scoped;
    }
    /* No rule is added: what is handled is denied everywhere. A kernel that knows a shorter
     * structure takes this one while the rest is 0. */
    long fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
    if (fd < 0)
        return -errno;
    *ret_landlock = (struct ff_landlock){.fd = (int)fd, .abi = (unsigned int)abi};
    return 0;
}

void ff_landlock_done(struct ff_landlock *landlock)
{
    if (landlock->fd >= 0)
        close(landlock->fd);
    landlock->fd = -1;
}

int ff_landlock_enter(const struct ff_landlock *landlock)
{
    return syscall(SYS_landlock_restrict_self, landlock->fd, 0) < 0 ? -errno : 0;
}
