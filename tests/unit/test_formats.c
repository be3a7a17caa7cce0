#include <framefs/detect.h>
#include <framefs/format.h>

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format/format.h"
#include "format/ini.h"

/* What is read of a text, a line "kind name|value" each. */
static void reads(const char *text, const char *expected)
{
    static const char *const kinds[] = {"end", "section", "key", "more"};
    struct ff_ini ini = {.text = text, .len = strlen(text)};
    char read[4096] = "";

    for (bool ended = false; !ended;) {
        struct ff_ini_line line = {.kind = FF_INI_END};
        struct ff_error error = {0};
        size_t n = strlen(read);
        int r = ff_ini_next(&ini, &line, &error);
        ended = r == 0 && line.kind == FF_INI_END;
        if (r < 0)
            snprintf(read + n, sizeof(read) - n, "%u! ", ini.line);
        else if (!ended)
            snprintf(read + n, sizeof(read) - n, "%u %s %.*s|%.*s\n", ini.line, kinds[line.kind],
                     (int)line.name_len, line.name ? line.name : "", (int)line.value_len,
                     line.value ? line.value : "");
    }
    assert_string_equal(read, expected);
}

static void lines_are_sections_keys_and_what_goes_on(void **state)
{
    (void)state;
    reads("", "");
    reads("\n\n", "");
    reads("[a]\nk = v\n", "1 section a|\n2 key k|v\n");
    reads("[a]\nk=v", "1 section a|\n2 key k|v\n");
    reads("  \t\n[ a b ] ; why\r\nk\t=\tv w\r\n", "2 section a b|\n3 key k|v w\n");
    reads("k =\n", "1 key k|\n");
    reads("k = v\n  more\n\n; no\n\tand more\n", "1 key k|v\n2 more |more\n5 more |and more\n");
    reads("\xef\xbb\xbf[a]\n", "1 section a|\n");
    reads("k = a=b\n", "1 key k|a=b\n");
    reads("k = gr\xc3\xbc\xc3\x9f\n", "1 key k|gr\xc3\xbc\xc3\x9f\n");
}

static void comments_end_at_no_quote(void **state)
{
    (void)state;
    reads("; a\n# b\n ; c\n # d\n", "");
    reads("k = v ; why\n", "1 key k|v\n");
    reads("k = v;w\n", "1 key k|v;w\n");
    reads("k = ; why\n", "1 key k|\n");
    reads("k = \"a ; b\" ; why\n", "1 key k|\"a ; b\"\n");
    reads("k = \"a\\\" ; b\" ; why\n", "1 key k|\"a\\\" ; b\"\n");
    reads("k = \"a\\\\\" ; why\n", "1 key k|\"a\\\\\"\n");
    reads("k = v # w\n", "1 key k|v # w\n");
    /* Of a literal that goes on in the next line. */
    reads("k = \"a\n b ; c\" ; d\nl = e ; f\n", "1 key k|\"a\n2 more |b ; c\"\n3 key l|e\n");
}

static void other_lines_are_refused_and_passed_over(void **state)
{
    (void)state;
    reads("[a\n[b]\n", "1! 2 section b|\n");
    reads("[a] b\n", "1! ");
    reads("word\nk = v\n", "1! 2 key k|v\n");
    reads("= v\n", "1! ");
    reads("a b = v\na\tb = v\na;b = v\n\xc3\xa9 = v\na.b-C_9 = v\n",
          "1! 2! 3! 4! 5 key a.b-C_9|v\n");
    reads("  more\n", "1! ");
    reads("[a]\n  more\n", "1 section a|\n2! ");
    reads("k = v\nword\n  more\n", "1 key k|v\n2! 3! ");
    reads("k = \x1b[31m\n", "1! ");
    reads("k = \x7f\n", "1! ");
    reads("k = \xff\n", "1! ");
    reads("k = a\rb\n", "1! ");
    reads("k = \xe2\x80\xae\n", "1! ");
    struct ff_ini nul = {.text = "k = \0\n", .len = 6};
    struct ff_ini_line line;
    assert_int_equal(ff_ini_next(&nul, &line, NULL), -EINVAL);
}

static void lines_may_be_long(void **state)
{
    (void)state;
    char text[2000];
    memset(text, 'x', sizeof(text));
    memcpy(text, "k = ", 4);
    struct ff_ini ini = {.text = text, .len = sizeof(text)};
    struct ff_ini_line line;
    assert_int_equal(ff_ini_next(&ini, &line, NULL), 0);
    assert_int_equal(line.value_len, sizeof(text) - 4);
}

static struct ff_formats *make(void)
{
    struct ff_formats *formats = NULL;
    assert_int_equal(ff_formats_new(&formats, NULL), 0);
    return formats;
}

static int add(struct ff_formats *formats, const char *text, const char *origin,
               struct ff_error *error)
{
    return ff_formats_add(formats, text, strlen(text), origin, error);
}

static size_t index_of(const struct ff_formats *formats, const char *name)
{
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < ff_formats_count(formats); i++) {
        if (strcmp(ff_formats_name(formats, i), name) != 0)
            continue;
        assert_int_equal(found, SIZE_MAX);
        found = i;
    }
    assert_int_not_equal(found, SIZE_MAX);
    return found;
}

static void a_new_set_has_the_built_in_formats(void **state)
{
    (void)state;
    struct ff_formats *formats = make();
    assert_int_equal(ff_formats_count(formats), ff_formats_count(NULL));
    for (size_t i = 0; i < ff_formats_count(NULL); i++) {
        assert_string_equal(ff_formats_name(formats, i), ff_formats_name(NULL, i));
        assert_null(ff_formats_origin(formats, i));
        assert_null(ff_formats_fault(formats, i));
        assert_false(ff_formats_replaces(formats, i));
        assert_null(ff_formats_origin(NULL, i));
        assert_false(ff_formats_replaces(NULL, i));
    }
    ff_formats_free(formats);
    ff_formats_free(NULL);
}

static void added_formats_are_found_with_all_their_keys(void **state)
{
    (void)state;
    static const char text[] = "; mine\n"
                               "[mine]\n"
                               "title = My own log\n"
                               "about = what it is ; not this\n"
                               "spec = the wiki\n"
                               "ext = .mine\n"
                               "content = frame\n"
                               "max = 1M\n"
                               "epoch = 100\n"
                               "preamble = \"MY ; LOG\"\n"
                               "frame.a = u8=1 len:u32le\n"
                               "    data ; the payload\n"
                               "frame.b = u8=2 @end\n";
    struct ff_formats *formats = make();
    struct ff_error error = {0};
    assert_int_equal(add(formats, text, "a file", &error), 0);
    assert_int_equal(ff_formats_count(formats), ff_formats_count(NULL) + 1);
    size_t at = index_of(formats, "mine");
    assert_string_equal(ff_formats_origin(formats, at), "a file");
    assert_null(ff_formats_fault(formats, at));
    assert_false(ff_formats_replaces(formats, at));

    struct ff_format *format = NULL;
    assert_int_equal(ff_formats_find(formats, "mine", &format, &error), 0);
    assert_string_equal(ff_format_name(format), "mine");
    assert_string_equal(ff_format_title(format), "My own log");
    assert_string_equal(ff_format_about(format), "what it is");
    assert_string_equal(ff_format_spec(format), "the wiki");
    assert_string_equal(ff_format_extension(format, FF_CONTENT_FRAME), ".mine");
    assert_int_equal(ff_format_content(format), FF_CONTENT_FRAME);
    assert_int_equal(format->layout.directives.max, 1 << 20);
    assert_int_equal(format->layout.directives.epoch_s, 100);
    assert_non_null(strstr(ff_format_text(format), "\nframe.a = u8=1 len:u32le data\n"));
    ff_format_free(format);
    assert_int_equal(ff_formats_find(formats, "pcap", &format, &error), 0);
    ff_format_free(format);
    assert_int_equal(ff_formats_find(NULL, "mine", &format, &error), -ENOENT);
    assert_int_equal(ff_formats_find(formats, "mind", &format, &error), -ENOENT);
    assert_non_null(strstr(error.text, "'mine'"));
    ff_formats_free(formats);
}

static void keys_that_are_left_out_are_empty(void **state)
{
    (void)state;
    struct ff_formats *formats = make();
    struct ff_format *format = NULL;
    assert_int_equal(add(formats, "[m]\nframe =\n len:u8\n data", "f", NULL), 0);
    assert_int_equal(ff_formats_find(formats, "m", &format, NULL), 0);
    assert_string_equal(ff_format_title(format), "");
    assert_string_equal(ff_format_about(format), "");
    assert_string_equal(ff_format_spec(format), "");
    assert_string_equal(ff_format_extension(format, FF_CONTENT_FILE), "");
    assert_int_equal(ff_format_content(format), FF_CONTENT_PAYLOAD);
    assert_string_equal(ff_format_text(format), "frame = len:u8 data\n");
    ff_format_free(format);
    ff_formats_free(formats);
}

static void a_format_replaces_that_of_its_name(void **state)
{
    (void)state;
    struct ff_formats *formats = make();
    struct ff_format *format = NULL;
    assert_int_equal(
        add(formats, "[pcap]\nframe = len:u8 data\n[b]\nframe = data[1]\n", "one", NULL), 0);
    assert_int_equal(add(formats, "[b]\nframe = data[2]\n", "two", NULL), 0);
    assert_int_equal(ff_formats_count(formats), ff_formats_count(NULL) + 1);
    /* The last that was added comes first. */
    assert_int_equal(index_of(formats, "b"), 0);
    assert_int_equal(index_of(formats, "pcap"), 1);
    assert_string_equal(ff_formats_origin(formats, 0), "two");
    assert_string_equal(ff_formats_origin(formats, 1), "one");
    assert_false(ff_formats_replaces(formats, 0));
    assert_true(ff_formats_replaces(formats, 1));
    assert_int_equal(ff_formats_find(formats, "pcap", &format, NULL), 0);
    assert_string_equal(ff_format_text(format), "frame = len:u8 data\n");
    ff_format_free(format);
    assert_int_equal(ff_formats_find(formats, "b", &format, NULL), 0);
    assert_string_equal(ff_format_text(format), "frame = data[2]\n");
    ff_format_free(format);
    assert_int_equal(ff_format_find("pcap", &format, NULL), 0);
    assert_null(strstr(ff_format_text(format), "len:u8 data"));
    ff_format_free(format);
    ff_formats_free(formats);
}

/* The text cannot be added without an error that says this, in its line. */
static void refuses(const char *text, unsigned int line, const char *part)
{
    struct ff_formats *formats = make();
    struct ff_error error = {0};
    char place[32];
    snprintf(place, sizeof(place), "my.ini: line %u: ", line);
    int r = add(formats, text, "my.ini", &error);
    if (r == 0 || strncmp(error.text, place, strlen(place)) != 0 || !strstr(error.text, part))
        print_error("%s%d %s (wanted: %s%s)\n", text, r, error.text, place, part);
    assert_true(r < 0);
    assert_int_equal(strncmp(error.text, place, strlen(place)), 0);
    assert_non_null(strstr(error.text, part));
    ff_formats_free(formats);
}

static void what_is_wrong_is_told_with_its_line(void **state)
{
    (void)state;
    refuses("frame = len:u8 data\n", 1, "[NAME]");
    refuses("[a]\nframe = len:u8 data\n\n[a]\nframe = data[1]\n", 4, "in line 1 already");
    refuses("[a]\nframe = len:u8 dta\n", 2, "did you mean 'data'");
    refuses("[a]\nframe = len:u8 data\npreamble.x = u8\ntail = zeros\npreamble.y = u8 u9\n", 5,
            "unknown type 'u9'");
    refuses("[a]\npostamble = line\nframe.a = len:u8 data\nframe.b = data[1]\n", 2, "fixed size");
    refuses("[a]\nframe.a = len:u8 data\nframe.b =\n\n  len:u8 data data\n", 3, "data");
    refuses("[a]\n", 1, "no frame");
    refuses("[a]\nframe = len:u8 data\nfrane = data[1]\n", 3, "did you mean 'frame'");
    refuses("[a]\nframe = len:u8 data\nframe = data[1]\n", 3, "given twice: first in line 2");
    refuses("[a]\nframe.a = len:u8 data\nframe. = data[1]\n", 3, "missing");
    refuses("[a]\nframe.a = len:u8 data\nframe.b c = data[1]\n", 3, "letters");
    refuses("[a]\nframe = len:u8 data\ntitle = a\tb\n", 3, "a tab");
    refuses("[a]\nframe = len:u8 data\nwhat\n", 3, "KEY = VALUE");
    refuses("[a]\nframe = len:u8 data\ncontent = all\n", 3, "payload, frame or file");
    refuses("[a]\nframe = len:u8 data\ngeneric = maybe\n", 3, "yes or no");
    refuses("[a]\nframe = len:u8 data\next = log\n", 3, "with its dot");
    refuses("[a]\nframe = len:u8 data\next = ./a\n", 3, "with its dot");
    refuses("[a]\nframe = len:u8 data\next = .\n", 3, "with its dot");
    refuses("[a]\nframe = len:u8 data\ntail = head\n", 3, "zeros or junk");
    refuses("[a]\nframe = len:u8 data\nabout = \x01\n", 3, "control byte");
    refuses("\n[a b]\nframe = len:u8 data\n", 2, "name");
    refuses("[-a]\nframe = len:u8 data\n", 1, "name");
    refuses("[]\nframe = len:u8 data\n", 1, "name");
    refuses("[auto]\nframe = len:u8 data\n", 1, "no names of formats");
    refuses("[none]\nframe = len:u8 data\n", 1, "no names of formats");
    refuses("[custom]\nframe = len:u8 data\n", 1, "no names of formats");
}

static void texts_have_limits(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        size_t most;
    } keys[] = {{"title", 60}, {"about", 160}, {"spec", 160}, {"ext", 23}};
    char value[200], text[400];
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        memset(value, 'x', sizeof(value));
        value[0] = '.';
        value[keys[i].most + 1] = '\0';
        snprintf(text, sizeof(text), "[a]\n%s = %s\nframe = len:u8 data\n", keys[i].key, value);
        refuses(text, 2, "at most");
        value[keys[i].most] = '\0';
        snprintf(text, sizeof(text), "[a]\n%s = %s\nframe = len:u8 data\n", keys[i].key, value);
        struct ff_formats *formats = make();
        assert_int_equal(add(formats, text, "f", NULL), 0);
        ff_formats_free(formats);
    }
    memset(value, 'n', 64);
    value[64] = '\0';
    snprintf(text, sizeof(text), "[%s]\nframe = len:u8 data\n", value);
    refuses(text, 1, "at most 63");
    struct ff_formats *formats = make();
    snprintf(text, sizeof(text), "[%s]\nframe = len:u8 data\n", value + 1);
    assert_int_equal(add(formats, text, "f", NULL), 0);
    ff_formats_free(formats);
}

static void alternatives_and_keys_have_limits(void **state)
{
    (void)state;
    char text[4096] = "[a]\n";
    for (int i = 0; i < FF_LAYOUT_ALTS_MAX; i++)
        sprintf(text + strlen(text), "frame.%d = u8=%d len:u8 data\n", i, i);
    struct ff_formats *formats = make();
    assert_int_equal(add(formats, text, "f", NULL), 0);
    ff_formats_free(formats);
    strcat(text, "frame.x = data[1]\n");
    refuses(text, FF_LAYOUT_ALTS_MAX + 2, "at most 24 alternatives");
    strcpy(text, "[a]\n");
    for (int i = 0; i < 60; i++)
        sprintf(text + strlen(text), "frame.%d = u8=%d len:u8 data\n", i, i);
    refuses(text, 58, "at most 56 keys");
    snprintf(text, sizeof(text), "[a]\nframe.%s = len:u8 data\n",
             "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    formats = make();
    assert_int_equal(add(formats, text, "f", NULL), 0);
    ff_formats_free(formats);
    snprintf(text, sizeof(text), "[a]\nframe.%s = len:u8 data\n",
             "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    refuses(text, 2, "at most 63 bytes");
}

static void a_wrong_format_is_not_taken_for_another(void **state)
{
    (void)state;
    struct ff_formats *formats = make();
    struct ff_format *format = NULL;
    struct ff_error error = {0};
    assert_int_equal(add(formats,
                         "[good]\nframe = len:u8 data\n[pcap]\nframe = len:u8\n"
                         "[twice]\nframe = len:u8 data\n[twice]\nframe = len:u16le data\n",
                         "f", &error),
                     -EINVAL);
    assert_non_null(strstr(error.text, "line 7"));
    assert_int_equal(ff_formats_find(formats, "good", &format, &error), 0);
    ff_format_free(format);
    assert_int_equal(ff_formats_find(formats, "pcap", &format, &error), -EINVAL);
    assert_non_null(strstr(error.text, "f: line 4: "));
    assert_string_equal(ff_formats_fault(formats, index_of(formats, "pcap")), error.text);
    assert_int_equal(ff_formats_find(formats, "twice", &format, &error), -EINVAL);
    assert_non_null(strstr(error.text, "f: line 7: "));
    ff_formats_free(formats);
}

static char *numbered(size_t from, size_t count)
{
    char *text = malloc(count * 64 + 1), *end = text;
    assert_non_null(text);
    *end = '\0';
    for (size_t i = 0; i < count; i++)
        end += sprintf(end, "[n%zu]\nframe = len:u8 data\n", from + i);
    return text;
}

static void formats_have_a_limit(void **state)
{
    (void)state;
    struct ff_formats *formats = make();
    struct ff_error error = {0};
    char *over = numbered(0, FF_FORMATS_ADDED_MAX + 1);
    assert_int_equal(add(formats, over, "f", &error), -EOVERFLOW);
    assert_non_null(strstr(error.text, "more than 1024 formats"));
    assert_int_equal(ff_formats_count(formats), ff_formats_count(NULL));
    char *most = numbered(0, FF_FORMATS_ADDED_MAX);
    assert_int_equal(add(formats, most, "f", &error), 0);
    assert_int_equal(ff_formats_count(formats), ff_formats_count(NULL) + FF_FORMATS_ADDED_MAX);
    assert_int_equal(add(formats, "[one-more]\nframe = data[1]\n", "g", &error), -EOVERFLOW);
    assert_non_null(strstr(error.text, "g: "));
    assert_int_equal(ff_formats_count(formats), ff_formats_count(NULL) + FF_FORMATS_ADDED_MAX);
    ff_formats_free(formats);

    /* Those that were replaced do not count. */
    formats = make();
    assert_int_equal(add(formats, "[n0]\nframe = data[1]\n", "f", &error), 0);
    assert_int_equal(add(formats, "[n0]\nframe = data[2]\n", "f", &error), 0);
    char *rest = numbered(1, FF_FORMATS_ADDED_MAX - 1);
    assert_int_equal(add(formats, rest, "f", &error), 0);
    assert_int_equal(ff_formats_count(formats), ff_formats_count(NULL) + FF_FORMATS_ADDED_MAX);
    ff_formats_free(formats);
    free(rest);
    free(over);
    free(most);
}

static void a_text_has_a_limit(void **state)
{
    (void)state;
    char *text = malloc(FF_FORMATS_TEXT_MAX_BYTES + 1);
    struct ff_formats *formats = make();
    struct ff_error error = {0};
    assert_non_null(text);
    memset(text, '\n', FF_FORMATS_TEXT_MAX_BYTES + 1);
    memcpy(text, "[m]\nframe = len:u8 data", 23);
    assert_int_equal(ff_formats_add(formats, text, FF_FORMATS_TEXT_MAX_BYTES + 1, "f", &error),
                     -EOVERFLOW);
    assert_string_equal(error.text, "f: larger than 1 MiB");
    assert_int_equal(ff_formats_count(formats), ff_formats_count(NULL));
    assert_int_equal(ff_formats_add(formats, text, FF_FORMATS_TEXT_MAX_BYTES, "f", &error), 0);
    assert_int_equal(ff_formats_count(formats), ff_formats_count(NULL) + 1);
    ff_formats_free(formats);
    free(text);
}

/* The detected format's name, or what kept it from being found. */
static const char *detects(const struct ff_formats *formats, const void *buf, size_t len)
{
    static char name[64];
    struct ff_format *format = NULL;
    const struct ff_head head = {.buf = buf, .len = len, .size = len};
    int r = ff_format_detect(formats, &head, &format, NULL);
    snprintf(name, sizeof(name), "%s", r < 0 ? strerror(-r) : ff_format_name(format));
    ff_format_free(r < 0 ? NULL : format);
    return name;
}

static void added_formats_are_detected_and_outrank_equal_ones(void **state)
{
    (void)state;
    static const char own[] = "MYLG\x01\0\0\0aMYLG\x02\0\0\0bc";
    struct ff_formats *formats = make();
    assert_string_equal(detects(formats, own, sizeof(own) - 1), strerror(ENOENT));
    assert_int_equal(add(formats, "[mylog]\nframe = \"MYLG\" len:u32le data\n", "f", NULL), 0);
    assert_string_equal(detects(formats, own, sizeof(own) - 1), "mylog");
    assert_string_equal(detects(NULL, own, sizeof(own) - 1), strerror(ENOENT));

    /* A wrong one is passed over. */
    assert_int_equal(add(formats, "[bad]\nframe = \"MYLG\" len:u32le dat\n", "f", NULL), -EINVAL);
    assert_string_equal(detects(formats, own, sizeof(own) - 1), "mylog");

    static const char capture[] = "btsnoop\0\0\0\0\1\0\0\3\351"
                                  "\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0x";
    assert_string_equal(detects(formats, capture, sizeof(capture) - 1), "btsnoop");
    assert_int_equal(add(formats,
                         "[bluetooth]\npreamble = \"btsnoop\\0\" u32be=1 link:u32be\n"
                         "frame = olen:u32be len:u32be flags:u32be drops:u32be stamp:i64be data\n",
                         "f", NULL),
                     0);
    assert_string_equal(detects(formats, capture, sizeof(capture) - 1), "bluetooth");
    ff_formats_free(formats);
}

enum { BORROWERS = 4, BORROWED_MAX = 256 };

struct borrower {
    pthread_t thread;
    const struct ff_formats *formats;
    const struct ff_format *borrowed[BORROWED_MAX];
};

static void *borrow_all(void *context)
{
    struct borrower *borrower = context;

    for (size_t i = 0; i < ff_formats_count(borrower->formats); i++)
        if (ff_formats_borrow(borrower->formats, i, &borrower->borrowed[i], NULL) < 0)
            return NULL;
    return borrower;
}

/* Detection asks for all of them for each archive. */
static void formats_are_compiled_once_for_all_who_borrow_them(void **state)
{
    (void)state;
    struct ff_formats *formats = make();
    struct borrower borrowers[BORROWERS] = {0};
    size_t count = ff_formats_count(formats);

    assert_true(count <= BORROWED_MAX);
    for (size_t b = 0; b < BORROWERS; b++) {
        borrowers[b].formats = formats;
        assert_int_equal(pthread_create(&borrowers[b].thread, NULL, borrow_all, &borrowers[b]), 0);
    }
    for (size_t b = 0; b < BORROWERS; b++) {
        void *done;
        assert_int_equal(pthread_join(borrowers[b].thread, &done), 0);
        assert_non_null(done);
    }
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(ff_format_name(borrowers[0].borrowed[i]), ff_formats_name(formats, i));
        for (size_t b = 1; b < BORROWERS; b++)
            assert_ptr_equal(borrowers[b].borrowed[i], borrowers[0].borrowed[i]);
    }
    /* One that is added replaces what was borrowed of its name. */
    const struct ff_format *mine;
    assert_int_equal(add(formats, "[tfrecord]\nframe = len:u8 data\n", "mine", NULL), 0);
    size_t index = index_of(formats, "tfrecord");
    assert_int_equal(ff_formats_borrow(formats, index, &mine, NULL), 0);
    assert_ptr_equal(strstr(ff_format_text(mine), "u64"), NULL);
    ff_formats_free(formats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_sections_keys_and_what_goes_on),
        cmocka_unit_test(comments_end_at_no_quote),
        cmocka_unit_test(other_lines_are_refused_and_passed_over),
        cmocka_unit_test(lines_may_be_long),
        cmocka_unit_test(a_new_set_has_the_built_in_formats),
        cmocka_unit_test(added_formats_are_found_with_all_their_keys),
        cmocka_unit_test(keys_that_are_left_out_are_empty),
        cmocka_unit_test(a_format_replaces_that_of_its_name),
        cmocka_unit_test(what_is_wrong_is_told_with_its_line),
        cmocka_unit_test(texts_have_limits),
        cmocka_unit_test(alternatives_and_keys_have_limits),
        cmocka_unit_test(a_wrong_format_is_not_taken_for_another),
        cmocka_unit_test(formats_have_a_limit),
        cmocka_unit_test(a_text_has_a_limit),
        cmocka_unit_test(added_formats_are_detected_and_outrank_equal_ones),
        cmocka_unit_test(formats_are_compiled_once_for_all_who_borrow_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
