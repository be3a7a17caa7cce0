#include "fs/sandbox.h"

#include <assert.h>
#include <errno.h>
#include <execinfo.h>
#include <grp.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sanitize.h"
#include "fs/landlock.h"
#include "fs/syscalls.h"

struct ff_sandbox {
    int64_t uid, gid; /* -1: stay */
    struct ff_landlock landlock;
    struct ff_syscalls calls;
};

/* ---- prepared before the fork ---- */

/* pthread_cancel() and pthread_exit() load libgcc_s when they are first used; so does this, while a
 * library can still be opened. */
static void load_unwinder(void)
{
    void *frame;

    (void)backtrace(&frame, 1);
}

static int prepare(const struct ff_sandbox_options *options, struct ff_sandbox *sandbox,
                   struct ff_error *error)
{
    if (FF_SANITIZED)
        return 0;
    int r = ff_syscalls_supported();
    if (r < 0)
        return ff_error_set(error, -ENOSYS,
                            "this kernel has no seccomp filters (%s): mount with nosandbox to do "
                            "without a sandbox",
                            strerror(-r));
    r = ff_syscalls_init(options->features, &sandbox->calls);
    if (r < 0)
        return ff_error_set(error, r, "cannot make a seccomp filter: %s", strerror(-r));
    r = ff_landlock_init(&sandbox->landlock);
    if (r < 0)
        return ff_error_set(error, r, "cannot make rules for landlock: %s", strerror(-r));
    load_unwinder();
    return 0;
}

int ff_sandbox_new(const struct ff_sandbox_options *options, struct ff_sandbox **ret_sandbox,
                   struct ff_error *error)
{
    assert((options->uid < 0) == (options->gid < 0));
    if (options->uid >= 0 && geteuid() != 0 &&
        (options->uid != geteuid() || options->gid != getegid()))
        return ff_error_set(error, -EPERM, "only root can serve as another user");
    struct ff_sandbox *sandbox = malloc(sizeof(*sandbox));
    if (!sandbox)
        return ff_error_set(error, -ENOMEM, "out of memory");
    *sandbox = (struct ff_sandbox){
        .uid = options->uid,
        .gid = options->gid,
        .landlock.fd = -1,
    };
    int r = prepare(options, sandbox, error);
    if (r < 0) {
        ff_sandbox_free(sandbox);
        return r;
    }
    *ret_sandbox = sandbox;
    return 0;
}

void ff_sandbox_free(struct ff_sandbox *sandbox)
{
    if (!sandbox)
        return;
    ff_landlock_done(&sandbox->landlock);
    ff_syscalls_done(&sandbox->calls);
    free(sandbox);
}

/* ---- entered after it ---- */

/* What exec could give back. Without CAP_SETPCAP it cannot be dropped; no_new_privs keeps it from
 * coming back in any case. */
static int drop_bounding_set(void)
{
    for (int capability = 0; prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; capability++)
        ;
    return errno == EINVAL || errno == EPERM ? 0 : -errno;
}

static int drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

    return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

static int become(const struct ff_sandbox *sandbox)
{
    if (geteuid() != 0)
        return 0;
    /* A user namespace may forbid it: who stays keeps the groups then, as an ordinary user does. */
    if (setgroups(0, NULL) < 0 && (errno != EPERM || sandbox->uid >= 0))
        return -errno;
    if (sandbox->uid < 0)
        return 0;
    gid_t gid = (gid_t)sandbox->gid;
    uid_t uid = (uid_t)sandbox->uid;
    return setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0 ? -errno : 0;
}

/* As another user, and without what root can do. */
static int give_up_privileges(const struct ff_sandbox *sandbox, struct ff_error *error)
{
    bool was_root = geteuid() == 0;
    int signal = 0;

    if (prctl(PR_GET_PDEATHSIG, &signal) < 0)
        return ff_error_set(error, -errno, "sandbox: cannot ask for the parent's signal: %s",
                            strerror(errno));
    int r = drop_bounding_set();
    if (r < 0)
        return ff_error_set(error, r, "sandbox: cannot drop capabilities: %s", strerror(-r));
    r = become(sandbox);
    if (r < 0)
        return ff_error_set(error, r,
                            "sandbox: cannot become user %" PRId64 ", group %" PRId64 ": %s",
                            sandbox->uid, sandbox->gid, strerror(-r));
    r = drop_capabilities();
    if (r < 0)
        return ff_error_set(error, r, "sandbox: cannot drop capabilities: %s", strerror(-r));
    /* Other processes of the user that root became must not look into this one. A user's own server
     * is the user's to look into. */
    if ((was_root && prctl(PR_SET_DUMPABLE, 0) < 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        /* Another user clears it. */
        prctl(PR_SET_PDEATHSIG, signal) < 0)
        return ff_error_set(error, -errno, "sandbox: cannot give up privileges: %s",
                            strerror(errno));
    return 0;
}

int ff_sandbox_enter(const struct ff_sandbox *sandbox, struct ff_error *error)
{
    int r = give_up_privileges(sandbox, error);

    if (r == 0 && sandbox->landlock.abi > 0 && (r = ff_landlock_enter(&sandbox->landlock)) < 0)
        ff_error_set(error, r, "sandbox: cannot enter landlock: %s", strerror(-r));
    if (r == 0 && sandbox->calls.count > 0 && (r = ff_syscalls_enter(&sandbox->calls)) < 0)
        ff_error_set(error, r, "sandbox: cannot enter seccomp: %s", strerror(-r));
    return r;
}

/* ---- what it is ---- */

struct ff_sandbox_state ff_sandbox_state(const struct ff_sandbox *sandbox)
{
    return (struct ff_sandbox_state){
        .uid = sandbox->uid < 0 ? geteuid() : sandbox->uid,
        .gid = sandbox->gid < 0 ? getegid() : sandbox->gid,
        .landlock_abi = sandbox->landlock.abi,
        .calls = sandbox->calls.count,
        .sanitized = FF_SANITIZED,
    };
}

const char *ff_sandbox_describe(const struct ff_sandbox *sandbox, char buf[FF_SANDBOX_TEXT_BYTES])
{
    char landlock[32] = "no landlock", calls[48] = "no seccomp";

    if (!sandbox) {
        snprintf(buf, FF_SANDBOX_TEXT_BYTES, "none");
        return buf;
    }
    struct ff_sandbox_state state = ff_sandbox_state(sandbox);
    if (state.landlock_abi > 0)
        snprintf(landlock, sizeof(landlock), "landlock %u", state.landlock_abi);
    if (state.calls > 0)
        snprintf(calls, sizeof(calls), "seccomp with %u system calls", state.calls);
    snprintf(buf, FF_SANDBOX_TEXT_BYTES,
             "user %" PRId64 ", group %" PRId64 ", no capabilities, %s, %s%s", state.uid, state.gid,
             landlock, calls, state.sanitized ? " (built with a sanitizer)" : "");
    return buf;
}
