/* Names in messages become hashes: all of them, and nothing else. */
#include "base/redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define OUT_BYTES 1024

static struct ff_redact redact;

static int forget(void **state)
{
    (void)state;
    ff_redact_done(&redact);
    return 0;
}

static void expect(const char *text, const char *wanted)
{
    char out[OUT_BYTES];

    ff_redact_text(&redact, text, out, sizeof(out));
    assert_string_equal(out, wanted);
}

/* The hashes are what `printf %s NAME | xxhsum -H1` prints, cut to ten digits. */
static void a_name_becomes_its_hash(void **state)
{
    (void)state;
    assert_int_equal(ff_redact_add(&redact, "/data/x.pcap"), 0);
    assert_int_equal(ff_redact_add(&redact, "a"), 0);
    assert_int_equal(ff_redact_add(&redact, ""), 0);
    expect("/data/x.pcap: record 5", "#4ddbcd4a2c: record 5");
    expect("cannot open '/data/x.pcap', a: (a)",
           "cannot open '#4ddbcd4a2c', #d24ec4f1a9: (#d24ec4f1a9)");
    expect("nothing at all", "nothing at all");
    expect("", "");
}

static void only_whole_words_are_names(void **state)
{
    (void)state;
    assert_int_equal(ff_redact_add(&redact, "a"), 0);
    expect("at ba a1 _a a_ \xc3\xa4"
           "a",
           "at ba a1 _a a_ \xc3\xa4"
           "a");
    expect("a.pcap a/b x/a a", "#d24ec4f1a9.pcap #d24ec4f1a9/b x/#d24ec4f1a9 #d24ec4f1a9");
}

static void of_several_names_the_longest_counts(void **state)
{
    (void)state;
    assert_int_equal(ff_redact_add(&redact, "/data"), 0);
    assert_int_equal(ff_redact_add(&redact, "/data/x.pcap"), 0);
    expect("/data/x.pcap /data/y", "#4ddbcd4a2c #12fbba1d3d/y");
    expect("/data/x.pcapng", "#12fbba1d3d/x.pcapng");
    expect("/proc/self/root/data/x.pcap.framefs", "/proc/self/root#4ddbcd4a2c.framefs");
}

static void a_name_is_found_as_messages_escape_it(void **state)
{
    (void)state;
    assert_int_equal(ff_redact_add(&redact, "/d/\n\\"), 0);
    expect("/d/\\x0a\\x5c: or /d/\n\\: gone", "#3d3186505c: or #3d3186505c: gone");
}

static void a_path_that_was_cut_is_found(void **state)
{
    char path[FF_REDACT_CUT_BYTES + 8], text[128];

    (void)state;
    memset(path, 'p', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(ff_redact_add(&redact, path), 0);
    /* So many bytes, and one less. */
    snprintf(text, sizeof(text), "%.*s: gone", FF_REDACT_CUT_BYTES, path);
    char out[OUT_BYTES];
    ff_redact_text(&redact, text, out, sizeof(out));
    assert_int_equal(strlen(out), FF_REDACT_HASH_LEN + strlen(": gone"));
    assert_string_equal(out + FF_REDACT_HASH_LEN, ": gone");
    snprintf(text, sizeof(text), "%.*s: gone", FF_REDACT_CUT_BYTES - 1, path);
    expect(text, text);
    /* The end of the text, however short. */
    ff_redact_text(&redact, "in /p", out, sizeof(out));
    assert_int_equal(strlen(out), 3 + FF_REDACT_HASH_LEN);
    expect("in /", "in /");
    expect("in /q", "in /q");
}

static void the_text_is_cut_to_its_buffer(void **state)
{
    char out[8];

    (void)state;
    assert_int_equal(ff_redact_add(&redact, "name"), 0);
    memset(out, 'x', sizeof(out));
    ff_redact_text(&redact, "in name", out, sizeof(out));
    assert_int_equal(strlen(out), sizeof(out) - 1);
    assert_memory_equal(out, "in #", 4);
    ff_redact_text(&redact, "abc", out, 1);
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_name_becomes_its_hash, forget),
        cmocka_unit_test_teardown(only_whole_words_are_names, forget),
        cmocka_unit_test_teardown(of_several_names_the_longest_counts, forget),
        cmocka_unit_test_teardown(a_name_is_found_as_messages_escape_it, forget),
        cmocka_unit_test_teardown(a_path_that_was_cut_is_found, forget),
        cmocka_unit_test_teardown(the_text_is_cut_to_its_buffer, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
