/* Threads that yield to others. */
#include <framefs/framefs.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/background.h"

static void note_nice(void *context)
{
    *(int *)context = getpriority(PRIO_PROCESS, (id_t)gettid());
}

static void the_scanning_thread_yields(void **state)
{
    (void)state;
    int before = getpriority(PRIO_PROCESS, (id_t)gettid()), nice = 100;
    const struct ff_archive_options options = {0};
    struct ff_format *format;
    struct ff_source *source;

    if (sched_getscheduler(0) != SCHED_OTHER)
        return; /* which it keeps */
    assert_int_equal(ff_source_open_memory("\1a", 2, &source, NULL), 0);
    struct ff_archive *archive = NULL;
    assert_int_equal(ff_format_compile("len:u8 data", &format, NULL), 0);
    assert_int_equal(ff_archive_open(source, format, &options, &archive, NULL), 0);
    ff_archive_on_progress(archive, note_nice, &nice);
    assert_int_equal(ff_archive_scan_start(archive, NULL), 0);
    while (!ff_archive_complete(archive))
        sched_yield();
    ff_archive_scan_stop(archive);
    assert_int_equal(nice, before + FF_BACKGROUND_NICE < 19 ? before + FF_BACKGROUND_NICE : 19);
    assert_int_equal(getpriority(PRIO_PROCESS, (id_t)gettid()), before);
    ff_archive_close(archive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_scanning_thread_yields)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
