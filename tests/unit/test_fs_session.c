/* A session over a socket in the place of /dev/fuse: what the loop's threads read, and when. */
#include "fs/session.h"

#include <linux/fuse.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "fs/shared.h"

#define HANGS_MS 60000

#define INIT_UNIQUE    2
#define GETATTR_UNIQUE 4

/* What a new worker of a mount finds. */
struct worker {
    struct ff_fs_options options;
    struct ff_mountpoint mountpoint;
    struct ff_fs fs;
    struct ff_shared *shared;
    pthread_t thread;
    int kernel; /* the other end of the socket */
    int code;   /* of ff_session_serve() */
    bool waits; /* another thread waited for the answer to INIT */
};

/* Told when a thread waits for the answer to INIT. */
static int waiting = -1;

int __real_sem_wait(sem_t *semaphore);
int __wrap_sem_wait(sem_t *semaphore);

int __wrap_sem_wait(sem_t *semaphore)
{
    eventfd_write(waiting, 1);
    return __real_sem_wait(semaphore);
}

/* INIT stays unanswered until another thread waits for that, or has answered what else there is. */
static void init(void *userdata, struct fuse_conn_info *conn)
{
    struct ff_fs *fs = userdata;
    struct worker *worker = fs->options->context;
    struct pollfd polls[] = {{.fd = waiting, .events = POLLIN},
                             {.fd = worker->kernel, .events = POLLIN}};

    (void)conn;
    poll(polls, 2, HANGS_MS);
    worker->waits = polls[0].revents & POLLIN;
}

static void getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
    const struct stat attr = {.st_ino = ino, .st_mode = S_IFDIR | 0555};

    (void)file;
    fuse_reply_attr(req, &attr, 0);
}

static void on_ready(struct ff_fs *fs)
{
    (void)fs;
}

static void *serve(void *context)
{
    struct worker *worker = context;

    worker->code = ff_session_serve(&worker->fs);
    return NULL;
}

/* A request as the kernel sends it: its length. */
static size_t write_request(unsigned char *buf, uint32_t opcode, uint64_t unique, const void *body,
                            size_t len)
{
    const struct fuse_in_header header = {.len = (uint32_t)(sizeof(header) + len),
                                          .opcode = opcode,
                                          .unique = unique,
                                          .nodeid = FUSE_ROOT_ID};

    memcpy(buf, &header, sizeof(header));
    memcpy(buf + sizeof(header), body, len);
    return header.len;
}

static void set_up(struct worker *worker)
{
    static const struct fuse_lowlevel_ops ops = {.init = init, .getattr = getattr};
    const struct fuse_init_in init_in = {.major = FUSE_KERNEL_VERSION,
                                         .minor = FUSE_KERNEL_MINOR_VERSION};
    char name[] = "framefs", *names[] = {name, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(1, names);
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    waiting = eventfd(0, EFD_CLOEXEC);
    *worker = (struct worker){.kernel = ends[1]};
    worker->options.context = worker;
    worker->mountpoint.fd = ends[0];
    worker->mountpoint.init_len =
        write_request(worker->mountpoint.init, FUSE_INIT, INIT_UNIQUE, &init_in, sizeof(init_in));
    worker->shared = aligned_alloc(alignof(struct ff_shared), sizeof(*worker->shared));
    assert_non_null(worker->shared);
    memset(worker->shared, 0, sizeof(*worker->shared));
    worker->fs = (struct ff_fs){.options = &worker->options,
                                .mountpoint = &worker->mountpoint,
                                .shared = worker->shared,
                                .bench = &worker->shared->benches[0],
                                .on_ready = on_ready};
    worker->fs.session = fuse_session_new(&args, &ops, sizeof(ops), &worker->fs);
    fuse_opt_free_args(&args);
    assert_non_null(worker->fs.session);
}

static void tear_down(struct worker *worker)
{
    fuse_session_exit(worker->fs.session);
    close(worker->kernel);
    assert_int_equal(pthread_join(worker->thread, NULL), 0);
    assert_int_equal(worker->code, 0);
    fuse_session_destroy(worker->fs.session);
    free(worker->shared);
    close(waiting);
}

static void await_answer(const struct worker *worker, uint64_t unique)
{
    struct pollfd answer = {.fd = worker->kernel, .events = POLLIN};
    struct fuse_out_header header;
    unsigned char buf[4096];

    assert_int_equal(poll(&answer, 1, HANGS_MS), 1);
    assert_true(read(worker->kernel, buf, sizeof(buf)) >= (ssize_t)sizeof(header));
    memcpy(&header, buf, sizeof(header));
    assert_int_equal(header.unique, unique);
    assert_int_equal(header.error, 0);
}

/* The kernel had its answer from a worker that is dead, and goes on asking. */
static void what_waits_for_a_new_worker_is_read_after_init_is_answered(void **state)
{
    (void)state;
    const struct fuse_getattr_in getattr_in = {0};
    unsigned char request[256];
    struct worker worker;

    set_up(&worker);
    size_t len =
        write_request(request, FUSE_GETATTR, GETATTR_UNIQUE, &getattr_in, sizeof(getattr_in));
    assert_int_equal(write(worker.kernel, request, len), len);
    assert_int_equal(pthread_create(&worker.thread, NULL, serve, &worker), 0);
    await_answer(&worker, INIT_UNIQUE);
    await_answer(&worker, GETATTR_UNIQUE);
    assert_true(worker.waits);
    tear_down(&worker);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_for_a_new_worker_is_read_after_init_is_answered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
