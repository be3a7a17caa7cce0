#include "format/ini.h"

#include <errno.h>
#include <string.h>

#include "base/units.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_key(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

static void trim(const char **text, size_t *len)
{
    while (*len > 0 && is_blank(**text)) {
        ++*text;
        --*len;
    }
    while (*len > 0 && is_blank((*text)[*len - 1]))
        --*len;
}

/* The next line, without its end. */
static const char *take_line(struct ff_ini *ini, size_t *ret_len)
{
    const char *start = ini->text + ini->pos;
    const char *end = memchr(start, '\n', ini->len - ini->pos);

    *ret_len = end ? (size_t)(end - start) : ini->len - ini->pos;
    ini->pos += *ret_len + (end != NULL);
    ini->line++;
    return start;
}

/* Tabs, and the CR that ends a line, stand for blanks. */
static bool is_text(const char *line, size_t len)
{
    for (size_t at = 0; at <= len;) {
        const char *tab = memchr(line + at, '\t', len - at);
        size_t end = tab ? (size_t)(tab - line) : len;
        if (end == len && end > at && line[end - 1] == '\r')
            end--;
        if (!ff_is_printable(line + at, end - at))
            return false;
        at = tab ? (size_t)(tab - line) + 1 : len + 1;
    }
    return true;
}

/* Where the comment at the end of a value begins, or its end. Quotes are those of literals. */
static size_t value_end(struct ff_ini *ini, const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (ini->quoted && value[i] == '\\')
            i++;
        else if (value[i] == '"')
            ini->quoted = !ini->quoted;
        else if (!ini->quoted && value[i] == ';' && (i == 0 || is_blank(value[i - 1])))
            return i;
    }
    return len;
}

static void set_value(struct ff_ini *ini, struct ff_ini_line *line, const char *value, size_t len)
{
    len = value_end(ini, value, len);
    trim(&value, &len);
    line->value = value;
    line->value_len = len;
}

static int read_section(const char *text, size_t len, struct ff_ini_line *ret_line,
                        struct ff_error *error)
{
    const char *end = memchr(text, ']', len);

    if (!end)
        return ff_error_set(error, -EINVAL, "the section's name has no closing ']'");
    const char *rest = end + 1;
    size_t rest_len = len - (size_t)(rest - text);
    trim(&rest, &rest_len);
    if (rest_len > 0 && *rest != ';' && *rest != '#')
        return ff_error_set(error, -EINVAL, "a section's name stands alone in its line");
    *ret_line = (struct ff_ini_line){.kind = FF_INI_SECTION, .name = text + 1};
    ret_line->name_len = (size_t)(end - ret_line->name);
    trim(&ret_line->name, &ret_line->name_len);
    return 0;
}

static int read_key(struct ff_ini *ini, const char *text, size_t len, struct ff_ini_line *ret_line,
                    struct ff_error *error)
{
    const char *equals = memchr(text, '=', len);

    if (!equals || equals == text)
        return ff_error_set(error, -EINVAL,
                            "neither [NAME] nor KEY = VALUE (a line that goes on with the one "
                            "before begins with a blank)");
    struct ff_ini_line line = {
        .kind = FF_INI_KEY, .name = text, .name_len = (size_t)(equals - text)};
    trim(&line.name, &line.name_len);
    for (size_t i = 0; i < line.name_len; i++)
        if (!is_key(line.name[i]))
            return ff_error_set(error, -EINVAL, "a key is of letters, digits, '.', '-' and '_'");
    ini->open = true;
    ini->quoted = false;
    set_value(ini, &line, equals + 1, len - (size_t)(equals + 1 - text));
    *ret_line = line;
    return 0;
}

static int read_more(struct ff_ini *ini, const char *text, size_t len, struct ff_ini_line *ret_line,
                     struct ff_error *error)
{
    if (!ini->open)
        return ff_error_set(error, -EINVAL,
                            "a line that begins with a blank goes on with a value, but none is "
                            "before it");
    *ret_line = (struct ff_ini_line){.kind = FF_INI_MORE};
    set_value(ini, ret_line, text, len);
    return 0;
}

int ff_ini_next(struct ff_ini *ini, struct ff_ini_line *ret_line, struct ff_error *error)
{
    static const char mark[] = "\xef\xbb\xbf"; /* as some editors begin UTF-8 */

    if (ini->pos == 0 && ini->len >= 3 && memcmp(ini->text, mark, 3) == 0)
        ini->pos = 3;
    while (ini->pos < ini->len) {
        size_t len;
        const char *line = take_line(ini, &len);
        const char *text = line;

        if (!is_text(line, len)) {
            ini->open = false;
            return ff_error_set(error, -EINVAL, "a control byte, or not UTF-8");
        }
        trim(&text, &len);
        if (len == 0 || *text == ';' || *text == '#')
            continue;
        if (text > line)
            return read_more(ini, text, len, ret_line, error);
        ini->open = false;
        return *text == '[' ? read_section(text, len, ret_line, error)
                            : read_key(ini, text, len, ret_line, error);
    }
    *ret_line = (struct ff_ini_line){.kind = FF_INI_END};
    return 0;
}
