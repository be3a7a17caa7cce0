#include "base/background.h"

#include <linux/sched.h>
#include <linux/sched/types.h> /* which <sched.h> does not go with */
#include <sys/syscall.h>
#include <unistd.h>

#define NICE_MAX 19

/* These calls, not setpriority(): a sandbox can tell by their arguments that they are of the
 * calling thread. */
void ff_background_begin(void)
{
    struct sched_attr attr = {.size = sizeof(attr)};

    if (syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) < 0 ||
        attr.sched_policy != SCHED_NORMAL)
        return;
    attr.sched_nice += FF_BACKGROUND_NICE;
    if (attr.sched_nice > NICE_MAX)
        attr.sched_nice = NICE_MAX;
    (void)syscall(SYS_sched_setattr, 0, &attr, 0);
}
