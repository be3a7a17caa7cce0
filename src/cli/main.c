/*
 * framefs: mounts framed archives and shows each record as a file.
 *
 * The map. Each module depends on those above it only.
 *
 * PLACEHOLDER
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/mount_helper.h"

/* A reader of stdout that has had enough (| head) is no failure: SIGPIPE is ignored, the write
 * fails instead, and the command ends without a word. Any other failed write is one. */
static enum ff_exit end_output(struct ff_output *out, enum ff_exit status)
{
    int rc = ff_output_flush(out);

    /* Some file systems tell at close that they are full. */
    if (rc == 0 && close(out->fd) < 0 && errno != EBADF)
        rc = -errno;
    if (rc == -EPIPE)
        return status;
    if (rc < 0) {
        ff_say("cannot write to stdout: %s", strerror(-rc));
        return ff_exit_worse(status, FF_EXIT_FAILED);
    }
    return status;
}

/* A standard descriptor that was closed by the caller would be given to the next file that is
 * opened, and that file written to, or given up by the mount. Opened the wrong way round, its use
 * still fails. */
static void hold_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
            _exit(FF_EXIT_FAILED);
    }
}

/* As mount.framefs. */
static enum ff_exit run_helper(struct ff_cli *cli, char **arguments, size_t count)
{
    FF_CLEANUP(free) char **translated = calloc(count + 2, sizeof(*translated));
    struct ff_error error = {0};
    size_t kept;

    if (!translated) {
        ff_say("out of memory");
        return FF_EXIT_FAILED;
    }
    translated[0] = (char *)ff_command_mount.name;
    int rc = ff_helper_translate(arguments, count, translated + 1, &kept, &error);
    if (rc < 0) {
        ff_say("%s", error.text);
        return FF_EXIT_USAGE;
    }
    return rc > 0 ? FF_EXIT_DONE : ff_command_main(cli, translated, kept + 1);
}

int main(int argc, char **argv)
{
    struct ff_cli cli = {0};

    hold_standard_descriptors();
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    if (ff_output_init(&cli.out, STDOUT_FILENO) < 0) {
        ff_say("%s", strerror(ENOMEM));
        return FF_EXIT_FAILED;
    }
    ff_terminal_probe(STDOUT_FILENO, &cli.terminal);
    size_t count = argc > 1 ? (size_t)(argc - 1) : 0;
    enum ff_exit status = argc > 0 && ff_helper_is_called(argv[0])
                              ? run_helper(&cli, argv + 1, count)
                              : ff_command_main(&cli, argv + 1, count);
    status = end_output(&cli.out, status);
    ff_output_done(&cli.out);
    return status;
}
