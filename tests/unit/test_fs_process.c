/* How a worker has ended. */
#include "fs/process.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

static void crashes_are_told_from_kills(void **state)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP};
    static const int outside[] = {SIGKILL, SIGTERM, SIGINT, SIGHUP, SIGALRM};
    (void)state;

    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
        assert_true(ff_process_has_crashed(W_EXITCODE(0, faults[i])));
    for (size_t i = 0; i < sizeof(outside) / sizeof(*outside); i++)
        assert_false(ff_process_has_crashed(W_EXITCODE(0, outside[i])));
    assert_true(ff_process_has_crashed(W_EXITCODE(0, SIGSEGV) | WCOREFLAG));
    /* A sanitizer ends the process itself. */
    assert_true(ff_process_has_crashed(W_EXITCODE(1, 0)));
    assert_true(ff_process_has_crashed(W_EXITCODE(99, 0)));
    assert_false(ff_process_has_crashed(W_EXITCODE(0, 0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crashes_are_told_from_kills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
