#include "cli/path_list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"

#define PIECE_BYTES ((size_t)64 << 10)

static int refuse(const char *from, int code, struct ff_error *error)
{
    char shown[1024];

    ff_escape(shown, sizeof(shown), from, strlen(from));
    return ff_error_set(error, code, "%s: %s", shown, strerror(-code));
}

/* All of fd, with a NUL behind it. */
static int read_text(int fd, char **ret_text, size_t *ret_len)
{
    char *text = NULL;
    size_t len = 0, room = 0;

    for (;;) {
        if (room - len < PIECE_BYTES) {
            room = room * 2 + PIECE_BYTES + 1;
            char *more = realloc(text, room);
            if (!more) {
                free(text);
                return -ENOMEM;
            }
            text = more;
        }
        ssize_t n = read(fd, text + len, room - len - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            int code = -errno;
            free(text);
            return code;
        }
        if (n == 0)
            break;
        len += (size_t)n;
    }
    text[len] = '\0';
    *ret_text = text;
    *ret_len = len;
    return 0;
}

/* Cuts the text into paths; counts them only where list is NULL. */
static size_t cut(char *text, size_t len, char end, char **list)
{
    size_t count = 0;

    for (char *at = text; at < text + len;) {
        char *stop = memchr(at, end, (size_t)(text + len - at));
        if (!stop)
            stop = text + len;
        if (stop > at && list) {
            *stop = '\0';
            list[count] = at;
        }
        count += stop > at;
        at = stop + 1;
    }
    return count;
}

int ff_path_list_read(char **operands, size_t count, const char *from,
                      struct ff_path_list *ret_list, struct ff_error *error)
{
    struct ff_path_list list = {.count = count};
    size_t len = 0, more = 0;
    char end = '\n';

    if (from) {
        FF_CLEANUP(fd) int own = strcmp(from, "-") == 0 ? -1 : open(from, O_RDONLY | O_CLOEXEC);
        if (own < 0 && strcmp(from, "-") != 0)
            return refuse(from, -errno, error);
        int r = read_text(own < 0 ? STDIN_FILENO : own, &list.text, &len);
        if (r < 0)
            return refuse(from, r, error);
        end = memchr(list.text, '\0', len) ? '\0' : '\n';
        more = cut(list.text, len, end, NULL);
    }
    list.paths = calloc(count + more + 1, sizeof(*list.paths));
    if (!list.paths) {
        ff_path_list_done(&list);
        return ff_error_set(error, -ENOMEM, "out of memory");
    }
    if (count > 0)
        memcpy(list.paths, operands, count * sizeof(*operands));
    if (more > 0)
        list.count += cut(list.text, len, end, list.paths + count);
    *ret_list = list;
    return 0;
}

void ff_path_list_done(struct ff_path_list *list)
{
    free(list->paths);
    free(list->text);
    *list = (struct ff_path_list){0};
}
