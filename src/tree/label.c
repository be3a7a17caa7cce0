#include "tree/label.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define ESCAPE_BYTES 3 /* %HH */
#define DIGITS_MAX   20

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c ? strchr(digits, c) : NULL;

    return found ? (int)(found - digits) : -1;
}

/* How many bytes of text its next byte is written as: 4 where it is \xHH. */
static size_t get_byte(const char *text, uint8_t *ret_byte)
{
    if (text[0] == '\\' && text[1] == 'x') {
        int high = hex_digit(text[2]), low = high < 0 ? -1 : hex_digit(text[3]);
        if (low >= 0) {
            *ret_byte = (uint8_t)(high << 4 | low);
            return 4;
        }
    }
    *ret_byte = (uint8_t)text[0];
    return 1;
}

static bool continues_character(char c)
{
    return ((uint8_t)c & 0xc0) == 0x80;
}

size_t ff_label_escape(char *buf, size_t size, const char *text)
{
    static const char hex[] = "0123456789ABCDEF";
    bool is_dots = strcmp(text, ".") == 0 || strcmp(text, "..") == 0;
    size_t len = 0;

    while (*text) {
        uint8_t byte;
        size_t width = get_byte(text, &byte);
        if (width > 1 || byte == '/' || byte == '%' || byte == '\\' || (is_dots && len == 0)) {
            if (ESCAPE_BYTES > size - 1 - len)
                break;
            buf[len++] = '%';
            buf[len++] = hex[byte >> 4];
            buf[len++] = hex[byte & 15];
        } else {
            while (continues_character(text[width]))
                width++;
            if (width > size - 1 - len)
                break;
            memcpy(buf + len, text, width);
            len += width;
        }
        text += width;
    }
    buf[len] = '\0';
    return len;
}

size_t ff_label_cut(const char *label, size_t len, size_t room)
{
    if (len <= room)
        return len;
    /* Back to where a character begins, or an escape. */
    for (size_t back = 1; back < ESCAPE_BYTES && back <= room; back++)
        if (label[room - back] == '%')
            return room - back;
    while (room > 0 && continues_character(label[room]))
        room--;
    return room;
}

/* label, joint, number (8 or more digits, or ""), extension; only what is before the joint is cut.
 */
static size_t join(char buf[FF_LABEL_BYTES], const char *label, const char *joint,
                   const char *number, const char *extension)
{
    size_t joint_len = strlen(joint), number_len = strlen(number), ext_len = strlen(extension);
    size_t fixed = joint_len + number_len + ext_len;

    assert(fixed < FF_LABEL_BYTES);
    size_t len = ff_label_cut(label, strlen(label), FF_LABEL_BYTES - 1 - fixed);
    memcpy(buf, label, len);
    memcpy(buf + len, joint, joint_len);
    memcpy(buf + len + joint_len, number, number_len);
    memcpy(buf + len + joint_len + number_len, extension, ext_len + 1);
    return len + fixed;
}

size_t ff_label_numbered(char buf[FF_LABEL_BYTES], enum ff_layout_kind layout, uint64_t number,
                         const char *text, const char *extension)
{
    char front[FF_TREE_NAME_BYTES];
    size_t len = ff_name_record(front, layout, number, "");
    size_t ext_len = strlen(extension);

    assert(len + 1 + ext_len < FF_LABEL_BYTES);
    memcpy(buf, front, len);
    if (*text) {
        buf[len++] = '-';
        len += ff_label_escape(buf + len, FF_LABEL_BYTES - len - ext_len, text);
    }
    memcpy(buf + len, extension, ext_len + 1);
    return len + ext_len;
}

size_t ff_label_plain(char buf[FF_LABEL_BYTES], const char *label, const char *extension)
{
    return join(buf, label, "", "", extension);
}

size_t ff_label_unique(char buf[FF_LABEL_BYTES], const char *label, uint64_t number,
                       const char *extension)
{
    char end[FF_TREE_NAME_BYTES];

    ff_name_record(end, FF_TREE_FLAT, number, "");
    return join(buf, label, *label ? "-" : "", end, extension);
}

/* The number that len bytes of text are. */
static int parse_number(const char *text, size_t len, enum ff_layout_kind layout,
                        uint64_t *ret_number)
{
    char digits[DIGITS_MAX + 1];

    if (len > DIGITS_MAX)
        return -ENOENT;
    memcpy(digits, text, len);
    digits[len] = '\0';
    return ff_name_parse_record(digits, layout, "", ret_number);
}

int ff_label_parse_numbered(const char *name, enum ff_layout_kind layout, uint64_t *ret_number)
{
    return parse_number(name, strspn(name, "0123456789"), layout, ret_number);
}

int ff_label_parse_unique(const char *name, const char *extension, uint64_t *ret_number)
{
    size_t len = strlen(name), ext_len = strlen(extension), begin;

    if (len < ext_len || strcmp(name + len - ext_len, extension) != 0)
        return -ENOENT;
    len -= ext_len;
    for (begin = len; begin > 0 && name[begin - 1] != '-';)
        begin--;
    return parse_number(name + begin, len - begin, FF_TREE_FLAT, ret_number);
}
