#include "cli/option.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct values {
    bool json;
    bool quiet;
    const char *format;
    const char *file;
    uint64_t size;
    struct ff_option_content content;
    struct ff_option_separator separator;
};

#define FIELD(member) .offset = offsetof(struct values, member)

static const struct ff_option options[] = {
    {.name = "json", .letter = 'j', .help = "", .parse = ff_option_flag, FIELD(json)},
    {.name = "quiet", .letter = 'q', .help = "", .parse = ff_option_flag, FIELD(quiet)},
    {.name = "format",
     .letter = 'F',
     .argument = "NAME",
     .help = "",
     .parse = ff_option_text,
     FIELD(format)},
    {.name = "check",
     .argument = "FILE",
     .optional = true,
     .help = "",
     .parse = ff_option_text,
     FIELD(file)},
    {.name = "block-size", .argument = "SIZE", .help = "", .parse = ff_option_size, FIELD(size)},
    {.name = "content", .argument = "WHAT", .help = "", .parse = ff_option_content, FIELD(content)},
    FF_OPTION_HELP,
    FF_OPTION_END,
};

#define ARGUMENTS_MAX 8

struct parsed {
    struct values values;
    char *operands[ARGUMENTS_MAX];
    size_t count;
    struct ff_error error;
};

/* Words, separated by blanks. */
static int parse(const char *line, struct parsed *ret_parsed)
{
    static char text[256];
    char *arguments[ARGUMENTS_MAX];
    size_t count = 0;

    strcpy(text, line);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        arguments[count++] = word;
    memset(ret_parsed, 0, sizeof(*ret_parsed));
    return ff_option_parse(options, arguments, count, &ret_parsed->values, ret_parsed->operands,
                           &ret_parsed->count, &ret_parsed->error);
}

static void values_are_given_in_every_usual_form(void **state)
{
    static const char *const lines[] = {"--format pcap A", "--format=pcap A", "-F pcap A",
                                        "-Fpcap A",        "A --format=pcap", "A -F pcap"};
    struct parsed parsed;

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        assert_int_equal(parse(lines[i], &parsed), 0);
        assert_string_equal(parsed.values.format, "pcap");
        assert_int_equal(parsed.count, 1);
        assert_string_equal(parsed.operands[0], "A");
        assert_false(parsed.values.json);
    }
}

static void letters_of_flags_may_be_joined(void **state)
{
    struct parsed parsed;

    (void)state;
    assert_int_equal(parse("-jqFpcap x", &parsed), 0);
    assert_true(parsed.values.json && parsed.values.quiet);
    assert_string_equal(parsed.values.format, "pcap");
    assert_int_equal(parsed.count, 1);
}

static void a_minus_and_digits_and_a_lone_minus_are_operands(void **state)
{
    struct parsed parsed;

    (void)state;
    assert_int_equal(parse("- -1 --json -10--1 5-", &parsed), 0);
    assert_true(parsed.values.json);
    assert_int_equal(parsed.count, 4);
    assert_string_equal(parsed.operands[0], "-");
    assert_string_equal(parsed.operands[1], "-1");
    assert_string_equal(parsed.operands[2], "-10--1");
    assert_string_equal(parsed.operands[3], "5-");
}

static void two_minuses_end_the_options(void **state)
{
    struct parsed parsed;

    (void)state;
    assert_int_equal(parse("--json -- --quiet -q", &parsed), 0);
    assert_true(parsed.values.json);
    assert_false(parsed.values.quiet);
    assert_int_equal(parsed.count, 2);
    assert_string_equal(parsed.operands[0], "--quiet");
}

static void an_optional_argument_comes_after_an_equals_sign_only(void **state)
{
    struct parsed parsed;

    (void)state;
    assert_int_equal(parse("--check A", &parsed), 0);
    assert_null(parsed.values.file);
    assert_int_equal(parsed.count, 1);
    assert_int_equal(parse("--check=A", &parsed), 0);
    assert_string_equal(parsed.values.file, "A");
    assert_int_equal(parsed.count, 0);
}

static void errors_name_the_option_and_the_nearest(void **state)
{
    static const struct {
        const char *line;
        const char *text;
    } cases[] = {
        {"--fromat=pcap A", "unknown option '--fromat': did you mean '--format'?"},
        {"--zzzzzzzzzzzz", "unknown option '--zzzzzzzzzzzz'"},
        {"-x", "unknown option '-x'"},
        {"-jx", "unknown option '-x'"},
        {"--format", "option '--format' needs a value: NAME"},
        {"-F", "option '-F' needs a value: NAME"},
        {"--json=yes", "option '--json' takes no value"},
        {"--block-size=x", "option '--block-size': 'x' is not a size, such as 4096, 64K or 10GiB"},
        {"--block-size=99E", "option '--block-size': '99E' is too large"},
        {"--content=all", "option '--content': 'all' is none of payload, frame, file"},
    };
    struct parsed parsed;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(cases[i].line, &parsed), -EINVAL);
        assert_string_equal(parsed.error.text, cases[i].text);
    }
}

static void an_error_shows_no_control_bytes(void **state)
{
    struct parsed parsed;

    (void)state;
    assert_int_equal(parse("--\033[31mred", &parsed), -EINVAL);
    assert_null(strchr(parsed.error.text, '\033'));
}

static void help_ends_the_parsing(void **state)
{
    struct parsed parsed;

    (void)state;
    assert_int_equal(parse("--help --nonsense", &parsed), 1);
    assert_int_equal(parse("-h", &parsed), 1);
}

static void an_option_is_found_with_either_kind_of_dash(void **state)
{
    (void)state;
    assert_ptr_equal(ff_option_find(options, "block_size", 10), &options[4]);
    assert_ptr_equal(ff_option_find(options, "block-size=4K", 10), &options[4]);
    assert_null(ff_option_find(options, "block", 5));
    assert_null(ff_option_find(options, "block-sizes", 11));
}

static void separators_have_escapes(void **state)
{
    static const struct {
        const char *text;
        const char *bytes;
        size_t len;
    } good[] = {
        {"", "", 0},
        {"\\n", "\n", 1},
        {"a\\tb", "a\tb", 3},
        {"\\0", "\0", 1},
        {"\\\\n", "\\n", 2},
        {"\\x41\\xfF", "A\xff", 2},
        {"\\r\\n--", "\r\n--", 4},
    };
    static const char *const bad[] = {"\\", "\\q", "\\x", "\\x4", "\\xg1", "a\\"};
    struct ff_option_separator separator;
    struct ff_error error;
    char longest[FF_SEPARATOR_BYTES + 2];

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(ff_option_separator(&separator, good[i].text, &error), 0);
        assert_int_equal(separator.len, good[i].len);
        assert_memory_equal(separator.text, good[i].bytes, good[i].len);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(ff_option_separator(&separator, bad[i], &error), -EINVAL);
    memset(longest, 'x', sizeof(longest));
    longest[FF_SEPARATOR_BYTES] = '\0';
    assert_int_equal(ff_option_separator(&separator, longest, &error), 0);
    longest[FF_SEPARATOR_BYTES] = 'x';
    longest[FF_SEPARATOR_BYTES + 1] = '\0';
    assert_int_equal(ff_option_separator(&separator, longest, &error), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_given_in_every_usual_form),
        cmocka_unit_test(letters_of_flags_may_be_joined),
        cmocka_unit_test(a_minus_and_digits_and_a_lone_minus_are_operands),
        cmocka_unit_test(two_minuses_end_the_options),
        cmocka_unit_test(an_optional_argument_comes_after_an_equals_sign_only),
        cmocka_unit_test(errors_name_the_option_and_the_nearest),
        cmocka_unit_test(an_error_shows_no_control_bytes),
        cmocka_unit_test(help_ends_the_parsing),
        cmocka_unit_test(an_option_is_found_with_either_kind_of_dash),
        cmocka_unit_test(separators_have_escapes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
