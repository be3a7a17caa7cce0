#include "fs/permission.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A FUSE file system refuses others even this. Reading might wait for a slow one. */
static bool is_refused(struct ff_source *source)
{
    struct ff_source_stat stat;

    int r = source->ops->stat(source, &stat);
    return r == -EACCES || r == -EPERM;
}

/* What cannot be tried in a child is left to the worker, who says why it fails. */
static bool has_succeeded(pid_t child)
{
    int status = 0;

    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return !WIFEXITED(status) || WEXITSTATUS(status) == EXIT_SUCCESS;
}

bool ff_permission_has_user(uid_t uid, gid_t gid)
{
    pid_t child = fork();
    if (child == 0) {
        bool is_unknown = (setresgid(gid, gid, gid) < 0 && errno == EINVAL) ||
                          (setresuid(uid, uid, uid) < 0 && errno == EINVAL);
        _exit(is_unknown ? EXIT_FAILURE : EXIT_SUCCESS);
    }
    return has_succeeded(child);
}

bool ff_permission_may_read(struct ff_source *const *sources, size_t count, uid_t uid, gid_t gid)
{
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
            _exit(EXIT_SUCCESS);
        for (size_t i = 0; i < count; i++)
            if (is_refused(sources[i]))
                _exit(EXIT_FAILURE);
        _exit(EXIT_SUCCESS);
    }
    return has_succeeded(child);
}
