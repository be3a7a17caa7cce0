#!/usr/bin/env python3
"""What lies below and around a mount fails: disks, file systems, logs, memory; and hundreds of
mounts, one after the other, leave nothing behind. FF_MOUNTS=N for their number."""

import errno
import mmap
import os
import random
import resource
import signal
import subprocess
import threading

import harness
from harness import Foreground, Mount, check, equal, framefs, test

TAG4 = '--format=tag4-i64le'
COUNT = 400
MOUNTS = int(os.environ.get('FF_MOUNTS', '500'))
SECTOR_BYTES = 512
READ_AT_ONCE_BYTES = 1 << 20
BUSY_READERS = 24
GROUP_BYTES = 256 << 10


def workers_of(server):
    return harness.children_of(server, 'framefs-worker')


def payloads_of(seed):
    """Of an archive that fills whole sectors."""
    r = random.Random(seed)
    payloads = [r.randbytes(r.randrange(1, 20000)) for _ in range(COUNT)]
    size = len(harness.tag4(payloads))
    payloads[-1] += r.randbytes(-size % SECTOR_BYTES)
    return payloads


def outcome(directory, number):
    """A record's bytes, or the error of reading it."""
    try:
        return harness.read(os.path.join(directory, f'{number:08}'))
    except OSError as error:
        return error.errno


def outcomes(directory):
    return [outcome(directory, number) for number in range(COUNT)]


def is_root():
    if os.geteuid() != 0:
        raise harness.Skip('not root')


# ---- disks ----

class Loop:
    """A block device over a file."""

    def __init__(self, path):
        is_root()
        self.path = path
        try:
            self.device = harness.run('losetup', '--find', '--show', path).text.strip()
        except (harness.Failure, OSError) as error:
            raise harness.Skip(f'losetup: {error}') from error

    def __enter__(self):
        return self

    def __exit__(self, *error):
        harness.run('losetup', '--detach', self.device)

    def forget(self):
        """The kernel keeps no byte of it."""
        harness.run('blockdev', '--flushbufs', self.device)


@test('a disk that loses its second half: EIO there, no crash, a message; and it comes back')
def disk():
    payloads = payloads_of(1)
    content = harness.tag4(payloads)
    path = harness.write(content)
    half = len(content) // 2 // 4096 * 4096
    ends = [len(harness.tag4(payloads[:number + 1])) for number in range(COUNT)]
    with Loop(path) as loop, Foreground(TAG4, '--no-sandbox', loop.device) as mount:
        # The scan is done.
        equal(len(os.listdir(mount.dir)), COUNT, 'listing')
        worker = workers_of(mount.process.pid)
        os.truncate(path, half)
        loop.forget()
        found = outcomes(mount.dir)
        for got, want, end in zip(found, payloads, ends):
            # The kernel reads as much at once, all or nothing.
            if end <= half - READ_AT_ONCE_BYTES:
                equal(got == want, True, f'record that ends at {end}')
            elif end - len(want) >= half:
                equal(got, errno.EIO, f'record that ends at {end}')
            else:
                check(got in (errno.EIO, want), f'record that ends at {end}')
        mount.says(loop.device, os.strerror(errno.EIO))
        with open(path, 'r+b') as stream:
            stream.seek(half)
            stream.write(content[half:])
        loop.forget()
        equal(outcomes(mount.dir) == payloads, True, 'records, later')
        equal(workers_of(mount.process.pid), worker, 'worker')


@test('a disk is served in the sandbox, which lets through what it asks of disks alone')
def sandboxed():
    payloads = payloads_of(3)
    with Loop(harness.write(harness.tag4(payloads))) as loop:
        with Mount(TAG4, loop.device) as mount:
            equal(outcomes(mount.dir) == payloads, True, 'records')
            equal(mount.result.err, '', 'what was said')


@test('an archive below a server that dies: EIO for what is not known yet, and a message')
def below():
    payloads = payloads_of(2)
    with Mount(TAG4, '-o', 'allow_other', '--no-survive', harness.write(harness.tag4(payloads)),
               dead=True) as lower:
        with Foreground(TAG4, lower.path('.framefs', 'archive')) as mount:
            equal(len(os.listdir(mount.dir)), COUNT, 'listing')
            with open(lower.path('.framefs', 'archive'), 'rb') as kept:
                os.posix_fadvise(kept.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                os.kill(lower.worker, signal.SIGKILL)
                harness.wait_exit(lower.servers.pop())
            found = outcomes(mount.dir)
            for number, (got, want) in enumerate(zip(found, payloads)):
                check(got in (errno.EIO, want), f'record {number}: {harness.brief(got)}')
            check(found.count(errno.EIO) > COUNT // 2, f'{found.count(errno.EIO)} times EIO')
            mount.says('archive')
            equal(mount.process.poll(), None, 'status')


@test('an archive that was removed, on a file system that was unmounted, is served on')
def unmounted():
    is_root()
    payloads = payloads_of(3)
    folder = harness.make_dir()
    harness.run('mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', folder)
    try:
        path = harness.write(harness.tag4(payloads), where=folder)
        mount = Mount(TAG4, path)
    finally:
        harness.run('umount', '--lazy', folder)
    with mount:
        check(not os.path.exists(path), 'the archive is still there')
        equal(outcomes(mount.dir) == payloads, True, 'records')
        os.kill(mount.worker, signal.SIGKILL)
        equal(len(mount.names()), COUNT, 'listing by another worker')
        equal(outcomes(mount.dir) == payloads, True, 'records by another worker')


@test('a log on a disk that is full does not keep the mount from going on')
def full():
    payloads = payloads_of(4)
    directory = harness.make_dir('mnt')
    with open('/dev/full', 'wb') as log:
        server = subprocess.Popen([harness.FRAMEFS, 'mount', '-f', '--log=stderr',
                                   '--log-level=debug', TAG4,
                                   harness.write(harness.tag4(payloads)), directory],
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        harness.wait_for(lambda: harness.is_mounted(directory) or server.poll(), 'mounted')
        for _ in range(3):
            equal(outcome(directory, 1), payloads[1], 'record 1')
            worker = workers_of(server.pid)
            os.kill(worker[0], signal.SIGKILL)
            harness.wait_for(lambda worker=worker: workers_of(server.pid)
                             not in ([], worker), 'another worker')
        equal(outcomes(directory) == payloads, True, 'records')
    finally:
        framefs('umount', directory)
        equal(server.wait(harness.LIMIT_S), 0, 'status')


# ---- memory ----

def read_busily(directory, payloads):
    """Many direct reads at once, each of which takes a thread and its buffer: what went wrong."""
    wrong = []

    def read(seed):
        r = random.Random(seed)
        with mmap.mmap(-1, 20480) as buffer:
            for _ in range(30):
                number = r.randrange(COUNT)
                descriptor = os.open(os.path.join(directory, f'{number:08}'),
                                     os.O_RDONLY | os.O_DIRECT)
                try:
                    count = os.preadv(descriptor, [buffer], 0)
                    if buffer[:count] != payloads[number]:
                        wrong.append(f'record {number}: other bytes')
                except OSError as error:
                    wrong.append(error.errno)
                finally:
                    os.close(descriptor)
    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(BUSY_READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


class MemoryGroup:
    """A control group whose processes are killed when they use more than so much."""

    def __init__(self, limit):
        is_root()
        for root, file in (('/sys/fs/cgroup', 'memory.max'),
                           ('/sys/fs/cgroup/memory', 'memory.limit_in_bytes')):
            self.path = os.path.join(root, f'framefs-test-{os.getpid()}')
            if not os.path.exists(os.path.join(root, 'cgroup.procs')):
                continue
            try:
                os.mkdir(self.path)
            except OSError:
                continue
            try:
                self.write(file, limit)
                return
            except OSError:
                os.rmdir(self.path)
        raise harness.Skip('no control group for memory can be made')

    def write(self, name, value):
        with open(os.path.join(self.path, name), 'w', encoding='ascii') as stream:
            stream.write(str(value))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        def removed():
            try:
                os.rmdir(self.path)
                return True
            except OSError:
                return False
        harness.wait_for(removed, 'the end of the group')


@test('workers that are killed for want of memory are replaced: no reader sees an error')
def out_of_memory():
    payloads = payloads_of(5)
    with MemoryGroup(GROUP_BYTES) as group:
        for _ in range(3):
            # A new worker: the first read takes a buffer that is larger than the limit.
            with Mount(TAG4, harness.write(harness.tag4(payloads))) as mount:
                worker = mount.worker
                group.write('cgroup.procs', worker)
                equal(read_busily(mount.dir, payloads), [], 'reads')
                check(worker not in workers_of(mount.server), 'the worker was not killed')
                equal(outcomes(mount.dir) == payloads, True, 'records')


@test('a worker that gets no more memory serves on, at worst with ENOMEM, and recovers')
def no_memory():
    if harness.under_sanitizer():
        raise harness.Skip("a sanitizer's shadow takes more addresses than any limit")
    is_root()
    payloads = payloads_of(6)
    with Mount(TAG4, '--no-sandbox', harness.write(harness.tag4(payloads))) as mount:
        equal(outcome(mount.dir, 1), payloads[1], 'record 1')
        worker = mount.worker
        used = harness.memory_kib(worker, 'VmSize') << 10
        before = resource.prlimit(worker, resource.RLIMIT_AS)
        resource.prlimit(worker, resource.RLIMIT_AS, (used, before[1]))
        wrong = read_busily(mount.dir, payloads)
        equal(set(wrong) - {errno.ENOMEM}, set(), 'errors')
        resource.prlimit(worker, resource.RLIMIT_AS, before)
        equal(read_busily(mount.dir, payloads), [], 'reads, later')
        equal(mount.worker, worker, 'worker')


# ---- many ----

def connections():
    """Of FUSE, in all; None where the kernel does not tell."""
    try:
        return len(os.listdir('/sys/fs/fuse/connections'))
    except OSError:
        return None


@test(f'{MOUNTS} mounts and unmounts leave no process, mount, descriptor or connection')
def many():
    payloads = payloads_of(7)
    path = harness.write(harness.tag4(payloads))
    directory = harness.make_dir('mnt')
    begin = len(os.listdir('/proc/self/fd')), len(harness.mounts()), connections()
    for number in range(MOUNTS):
        framefs('mount', TAG4, path, directory)
        equal(outcome(directory, number % COUNT), payloads[number % COUNT], f'record, {number}')
        framefs('umount', directory)
        if number % 50 == 0:
            harness.wait_for(lambda: not harness.servers_of(directory), 'the end of the server')
    harness.wait_for(lambda: not harness.servers_of(directory), 'the end of the server')
    equal(harness.children(), {}, 'processes')
    check(not harness.is_mounted(directory), 'still mounted')
    end = len(os.listdir('/proc/self/fd')), len(harness.mounts()), connections()
    equal(end[0], begin[0], 'descriptors')
    # Others may mount meanwhile.
    check(end[1] < begin[1] + MOUNTS // 10, f'{begin[1]} mounts, then {end[1]}')
    check(begin[2] is None or end[2] < begin[2] + MOUNTS // 10, f'{begin[2]}, then {end[2]}')


harness.main()
