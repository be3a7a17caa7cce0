#include "cli/terminal.h"

#include <langinfo.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wctype.h>

#include "base/units.h"

static unsigned int columns_of(int fd)
{
    struct winsize size;
    uint64_t columns = 0;
    const char *given = getenv("COLUMNS");

    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        columns = size.ws_col;
    else if (!given || ff_parse_u64(given, &columns) < 0)
        columns = FF_TERMINAL_COLUMNS_DEFAULT;
    if (columns < FF_TERMINAL_COLUMNS_MIN)
        return FF_TERMINAL_COLUMNS_MIN;
    return columns > FF_TERMINAL_COLUMNS_MAX ? FF_TERMINAL_COLUMNS_MAX : (unsigned int)columns;
}

void ff_terminal_probe(int fd, struct ff_terminal *ret_terminal)
{
    const char *term = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");
    bool dumb = !term || strcmp(term, "") == 0 || strcmp(term, "dumb") == 0;

    ret_terminal->present = isatty(fd);
    ret_terminal->movable = ret_terminal->present && !dumb;
    ret_terminal->colour = ret_terminal->movable && (!no_color || strcmp(no_color, "") == 0);
    ret_terminal->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    ret_terminal->columns = columns_of(fd);
}

static void write_escaped(struct ff_output *out, const unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ff_output_format(out, "\\x%02x", bytes[i]);
}

/* The locale does not know that some of its printable characters turn the direction of the text. */
static bool is_shown(wchar_t character)
{
    return iswprint((wint_t)character) &&
           (character == L'\\' || ff_code_is_printable((uint32_t)character));
}

void ff_terminal_write(struct ff_output *out, struct ff_terminal_text *text, const void *buf,
                       size_t len)
{
    const unsigned char *bytes = buf;

    for (size_t i = 0; i < len; i++) {
        if (text->pending_len == 0 && (bytes[i] == '\n' || bytes[i] == '\t')) {
            ff_output_write(out, &bytes[i], 1);
            continue;
        }
        text->pending[text->pending_len++] = bytes[i];

        wchar_t character;
        size_t used = mbrtowc(&character, (const char *)&bytes[i], 1, &text->state);
        if (used == (size_t)-2 && text->pending_len < sizeof(text->pending))
            continue;
        if (used <= 1 && is_shown(character)) {
            ff_output_write(out, text->pending, text->pending_len);
            text->pending_len = 0;
            continue;
        }
        memset(&text->state, 0, sizeof(text->state));
        size_t pending = text->pending_len;
        text->pending_len = 0;
        if (pending == 1 || used <= 1) {
            write_escaped(out, text->pending, pending);
        } else {
            /* The byte that broke the character may begin the next one. */
            write_escaped(out, text->pending, pending - 1);
            i--;
        }
    }
}

void ff_terminal_flush(struct ff_output *out, struct ff_terminal_text *text)
{
    write_escaped(out, text->pending, text->pending_len);
    memset(text, 0, sizeof(*text));
}
