/* Views and the reads behind them, while others look at the same archive. */
#include <framefs/framefs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "archive/internal.h"

/* Who would wait for good is ended. */
#define LIMIT_S 20

static const char mcap[] = "\x89MCAP0\r\n"
                           "\x01\x01\0\0\0\0\0\0\0a"
                           "\x02\x02\0\0\0\0\0\0\0bc"
                           "\x89MCAP0\r\n";

static void who_reads_after_the_scan_waits_for_no_lock(void **state)
{
    (void)state;
    const struct ff_archive_options options = {.name = "test"};
    struct ff_source *source;
    struct ff_format *format;
    struct ff_archive *archive;
    struct ff_record record;
    struct ff_view view;
    char buf[64];

    assert_int_equal(ff_source_open_memory(mcap, sizeof(mcap) - 1, &source, NULL), 0);
    assert_int_equal(ff_format_find("mcap", &format, NULL), 0);
    assert_int_equal(ff_archive_open(source, format, &options, &archive, NULL), 0);
    assert_int_equal(ff_archive_scan(archive, UINT64_MAX, NULL), 0);
    assert_true(ff_archive_complete(archive));
    alarm(LIMIT_S);
    assert_int_equal(pthread_mutex_lock(&archive->mutex), 0);
    assert_int_equal(ff_archive_record(archive, 1, &record), 0);
    assert_int_equal(ff_view_record(archive, &record, FF_CONTENT_FILE, &view), 0);
    /* The context, which is the first record, and the postamble are among its extents. */
    assert_int_equal(view.len, sizeof(mcap) - 1);
    assert_int_equal(ff_view_read(archive, &view, buf, sizeof(buf), 0, NULL), sizeof(mcap) - 1);
    assert_memory_equal(buf, mcap, sizeof(mcap) - 1);
    assert_int_equal(pthread_mutex_unlock(&archive->mutex), 0);
    alarm(0);
    ff_archive_close(archive);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_reads_after_the_scan_waits_for_no_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
