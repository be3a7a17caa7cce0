/* What a process tries to do that the sandbox denies. */
#ifndef TEST_SANDBOX_ACTS_H
#define TEST_SANDBOX_ACTS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

/* What was open before the sandbox was entered. */
struct opened {
    int file;      /* readable */
    int memory;    /* a memfd, 8192 bytes */
    int inet;      /* a TCP socket, not connected */
    int unix_;     /* a unix socket, not connected */
    int listening; /* at an abstract name */
    struct sockaddr_un name;
    socklen_t name_len;
    struct sockaddr_in inet_name; /* somebody listens there */
    int inet_listening;
};

extern struct opened open_before;

/* Ends the process when something cannot be opened. */
void open_things(void);

/* run: negative, with errno, when it could not. privileged: fails with EPERM outside, too, unless
 * root tries it, or even then. */
struct act {
    const char *name;
    long (*run)(void);
    bool privileged;
};

extern const struct act acts[]; /* ends with a name of NULL */

/* Some of them, for who looks at them one by one. */
long act_open(void);
long act_creat(void);
long act_connect_inet(void);
long act_connect_unix(void);
long act_exec(void);
long act_kill_parent(void);
long act_tgkill_parent(void);
long act_truncate(void);
long act_ioctl(void);
long act_block_size(void);

#endif
