#!/usr/bin/env python3
"""The supervisor under odd conditions: signals that meet, limits that are reached, a worker that
lies or stops, mounts that were aborted or moved."""

import contextlib
import ctypes
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import time

import harness
from harness import FRAMEFS, Foreground, Mount, check, contains, equal, framefs, test

TAG4 = '--format=tag4-i64le'
PIDFD_GETFD = 438


def write_archive():
    return harness.write(harness.tag4([b'a', b'bc', b'def']))


def stat(directory, name):
    text = harness.read(os.path.join(directory, '.framefs', 'stats')).decode()
    match = re.search(rf'^{re.escape(name)} (\d+)$', text, re.M)
    check(match, f'no {name}')
    return int(match[1])


def has_ended(pid):
    with contextlib.suppress(OSError):
        with open(f'/proc/{pid}/stat', encoding='ascii') as line:
            return line.read().rsplit(')', 1)[1].split()[0] in 'ZX'
    return True


def is_stopped(pid):
    with open(f'/proc/{pid}/stat', encoding='ascii') as line:
        return line.read().rsplit(')', 1)[1].split()[0] == 'T'


def stop(pid):
    os.kill(pid, signal.SIGSTOP)
    harness.wait_for(lambda: is_stopped(pid), 'stopped')


def wait_usable(mount):
    os.listdir(mount.dir)
    harness.wait_for(lambda: stat(mount.dir, 'framefs_pid') == mount.process.pid, 'usable')


def descriptor_of(pid, number):
    """A descriptor of another process, in this one."""
    pidfd = os.pidfd_open(pid)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        descriptor = libc.syscall(PIDFD_GETFD, pidfd, number, 0)
        if descriptor < 0:
            raise harness.Skip(f'pidfd_getfd: {os.strerror(ctypes.get_errno())}')
        return descriptor
    finally:
        os.close(pidfd)


def channel_of(worker):
    """The worker's end of its channel."""
    for name in sorted(os.listdir(f'/proc/{worker}/fd'), key=int):
        with contextlib.suppress(OSError):
            if os.readlink(f'/proc/{worker}/fd/{name}').startswith('socket:'):
                end = socket.socket(fileno=descriptor_of(worker, int(name)))
                if end.type == socket.SOCK_SEQPACKET:
                    return end
    raise harness.Failure('no channel')


@test('SIGTERM and SIGUSR2 at the same time: the server ends, it is not upgraded')
def end_and_upgrade():
    with Foreground(TAG4, write_archive()) as mount:
        wait_usable(mount)
        worker = stat(mount.dir, 'framefs_worker_pid')
        stop(mount.process.pid)
        # It keeps the worker from ending before the other signal is looked at.
        stop(worker)
        os.kill(mount.process.pid, signal.SIGTERM)
        os.kill(mount.process.pid, signal.SIGUSR2)
        os.kill(mount.process.pid, signal.SIGCONT)
        harness.wait_for(lambda: not is_stopped(mount.process.pid), 'going on')
        os.kill(worker, signal.SIGCONT)
        equal(mount.process.wait(harness.LIMIT_S), 0, 'status')
        check(not harness.is_mounted(mount.dir), 'still mounted')


@test('a server started with SIGCHLD ignored: deaths are told right, and a refusal')
def child_signal_ignored():
    path = write_archive()
    program = os.path.join(os.path.dirname(path), 'framefs')
    shutil.copy2(harness.FRAMEFS, program)
    directory, log = harness.make_dir('mnt'), harness.make_path('messages')
    with open(log, 'wb') as stream:
        harness.run(program, 'mount', TAG4, '--log=stderr', path, directory, stderr=stream,
                    preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN),
                    restore_signals=False)
    server = stat(directory, 'framefs_pid')
    try:
        worker = stat(directory, 'framefs_worker_pid')
        os.kill(worker, signal.SIGKILL)
        harness.wait_for(lambda: stat(directory, 'framefs_worker_pid') != worker, 'another worker')
        contains(harness.read(log).decode(), 'was killed by signal 9', 'log')
        os.unlink(program)
        with open(program, 'w', encoding='ascii') as out:
            out.write('#!/bin/sh\nexit 1\n')
        os.chmod(program, 0o755)
        framefs('upgrade', directory, status=1)
        equal(harness.read(os.path.join(directory, '00000002')), b'def', 'record 2')
    finally:
        framefs('umount', directory, status=None)
    equal(harness.wait_exit(server), 0, 'status of the server')


@test('no process or descriptor left when a worker is to be started: the mount waits for one')
def no_room():
    with Foreground(TAG4, write_archive()) as mount:
        wait_usable(mount)
        server, worker = mount.process.pid, stat(mount.dir, 'framefs_worker_pid')
        limits = resource.prlimit(server, resource.RLIMIT_NOFILE)
        # As many as it polls: poll(2) takes no more than the limit. The lowest are all in use.
        resource.prlimit(server, resource.RLIMIT_NOFILE, (8, limits[1]))
        os.kill(worker, signal.SIGKILL)
        mount.says('cannot start a worker')
        resource.prlimit(server, resource.RLIMIT_NOFILE, limits)
        equal(harness.read(os.path.join(mount.dir, '00000002')), b'def', 'record 2')


@test('a worker that floods its channel: the supervisor logs with measure, and still ends')
def flood():
    with Foreground(TAG4, write_archive()) as mount:
        wait_usable(mount)
        channel = channel_of(stat(mount.dir, 'framefs_worker_pid'))
        channel.setblocking(False)
        sent = 0
        stop_at = 20000
        while sent < stop_at:
            try:
                channel.send(b'\x01\x00' + b'x' * 100)
                sent += 1
            except BlockingIOError:
                if mount.messages().count('\n') > 5000:
                    break
                stop_at -= 10
                harness.pause()
        equal(harness.read(os.path.join(mount.dir, '00000002')), b'def', 'record 2')
        check(mount.messages().count('\n') < 3000, f'{mount.messages().count(chr(10))} lines')
        os.kill(mount.process.pid, signal.SIGTERM)
        equal(mount.process.wait(harness.LIMIT_S), 0, 'status')
        channel.close()


@test('workers that answer and die at once, again and again, are not started without a pause')
def hasty():
    with Mount(TAG4, write_archive()) as mount:
        begin = time.monotonic()
        for _ in range(30):
            pid = stat(mount.dir, 'framefs_worker_pid')
            os.kill(pid, signal.SIGKILL)
            harness.wait_for(lambda pid=pid: stat(mount.dir, 'framefs_worker_pid') != pid, 'next')
        check(time.monotonic() - begin > 0.8, f'{time.monotonic() - begin} s for 30 workers')


class Notified:
    """A server in the foreground under a service manager; at its upgrade a script runs first."""

    def __init__(self, script):
        path = write_archive()
        self.program = os.path.join(os.path.dirname(path), 'framefs')
        shutil.copy2(harness.FRAMEFS, self.program)
        self.dir, self.log = harness.make_dir('mnt'), harness.make_path('messages')
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(os.path.join(os.path.dirname(path), 'notify'))
        self.manager.settimeout(harness.LIMIT_S)
        with open(self.log, 'wb') as log:
            self.process = subprocess.Popen(
                [self.program, 'mount', '-f', TAG4, path, self.dir], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True,
                env=dict(os.environ, NOTIFY_SOCKET=self.manager.getsockname()))
        self.hear('READY=1')
        os.unlink(self.program)
        with open(self.program, 'w', encoding='utf-8') as out:
            out.write('#!/bin/sh\n'
                      f'case $FRAMEFS_TAKEOVER in check:*) ;; *) {script} ;; esac\n'
                      f'exec {harness.FRAMEFS} "$@"\n')
        os.chmod(self.program, 0o755)

    def hear(self, word):
        while word not in self.manager.recv(4096).decode():
            pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.manager.close()
        if harness.is_mounted(self.dir):
            harness.run('umount', '-l', self.dir, status=None)
        equal(self.process.wait(harness.LIMIT_S), 0, 'status of the server')


@test('a new program whose worker fails: the old worker serves on, and the manager is told')
def fall_back():
    if harness.under_sanitizer():
        raise harness.Skip('a sanitizer needs more address space than is left here')
    # Room for the program and its libraries, and none for the threads of a worker.
    with Mount(TAG4, write_archive()) as mount:
        room_kib = harness.memory_kib(mount.server, 'VmPeak') + 1024
    with Notified(f'ulimit -v {room_kib}') as mount:
        worker = stat(mount.dir, 'framefs_worker_pid')
        contains(framefs('upgrade', mount.dir, status=1).err, 'serves on', 'message')
        mount.hear('RELOADING=1')
        mount.hear('READY=1')
        equal(stat(mount.dir, 'framefs_worker_pid'), worker, 'the worker')
        contains(harness.read(mount.log).decode(), "the old program's worker serves on", 'log')


@test('an old worker that dies before the new one serves: the upgrade goes on, the manager is told')
def old_dies_first():
    with Notified('kill -9 $(cat /proc/$$/task/$$/children) 2>/dev/null') as mount:
        worker = stat(mount.dir, 'framefs_worker_pid')
        framefs('upgrade', mount.dir)
        mount.hear('RELOADING=1')
        mount.hear('READY=1')
        check(has_ended(worker), 'the worker goes on')
        equal(harness.read(os.path.join(mount.dir, '00000002')), b'def', 'record 2')


@test('an aborted mount is taken away, and the server ends')
def aborted():
    with Foreground(TAG4, write_archive()) as mount:
        wait_usable(mount)
        connection = os.minor(os.stat(mount.dir).st_dev)
        control = harness.make_dir('ctl')
        if harness.run('mount', '-t', 'fusectl', 'none', control, status=None).status != 0:
            raise harness.Skip('no fusectl')
        try:
            with open(f'{control}/{connection}/abort', 'w', encoding='ascii') as out:
                out.write('1')
        finally:
            harness.run('umount', control)
        equal(mount.process.wait(harness.LIMIT_S), 0, 'status')
        check(not harness.is_mounted(mount.dir), 'still mounted')


@test('a server whose mount is gone leaves the next mount, which has its numbers, alone')
def next_mount():
    path, directory = write_archive(), harness.make_dir('mnt')
    for _ in range(5):
        mount = Mount(TAG4, path, where=directory)
        server, worker = mount.server, mount.worker
        stop(server)
        harness.run('umount', directory)
        harness.wait_for(lambda pid=worker: has_ended(pid), 'the end of the worker')
        with Mount(TAG4, path, where=directory) as following:
            os.kill(server, signal.SIGCONT)
            equal(harness.wait_exit(server), 0, 'status')
            following.servers.remove(server)
            equal(following.read('00000002'), b'def', 'record 2')
        mount.done = True


@test('a mount point whose parent was renamed: the server unmounts it where it is now')
def moved():
    above = harness.make_dir()
    directory = os.path.join(above, 'before', 'mnt')
    os.makedirs(directory)
    after = os.path.join(above, 'after')
    with Mount(TAG4, write_archive(), where=directory) as mount:
        os.rename(os.path.dirname(directory), after)
        os.kill(mount.server, signal.SIGTERM)
        equal(harness.wait_exit(mount.server), 0, 'status')
        mount.servers = []
        check(not harness.is_mounted(os.path.join(after, 'mnt')), 'still mounted')


@test('a worker that is stopped: umount succeeds, and the server ends')
def stopped():
    with Foreground(TAG4, write_archive()) as mount:
        wait_usable(mount)
        worker = stat(mount.dir, 'framefs_worker_pid')
        stop(worker)
        framefs('umount', mount.dir)
        equal(mount.process.wait(harness.LIMIT_S), 0, 'status')
        check(has_ended(worker), 'the worker goes on')


@test('a guard that is stopped: it ends with its mount all the same')
def stopped_guard():
    with Foreground(TAG4, write_archive()) as mount:
        wait_usable(mount)
        guard, = harness.children_of(mount.process.pid, harness.GUARD)
        stop(guard)
        framefs('umount', mount.dir)
        equal(mount.process.wait(harness.LIMIT_S), 0, 'status')
        check(has_ended(guard), 'the guard stays')


@test('upgrade of a worker that is stopped: the command says so, a signal to the server helps')
def upgrade_stopped():
    with Mount(TAG4, write_archive()) as mount:
        stop(mount.worker)
        contains(framefs('upgrade', mount.dir, status=1).err, 'does not answer', 'message')
        os.kill(mount.server, signal.SIGHUP)
        equal(harness.read(mount.path('00000002')), b'def', 'record 2')
        harness.wait_for(lambda: stat(mount.dir, 'framefs_upgrades_total') == 1, 'the upgrade')


@test('the worker of a mount in the foreground has neither stdin nor stdout')
def streams():
    with Foreground(TAG4, write_archive()) as mount:
        wait_usable(mount)
        folder = f"/proc/{stat(mount.dir, 'framefs_worker_pid')}/fd"
        equal([os.readlink(f'{folder}/{number}') for number in (0, 1, 2)],
              ['/dev/null', '/dev/null', mount.log], 'streams')


@test('a supervisor that may not kill its worker (no CAP_KILL) ends and unmounts all the same')
def no_kill():
    directory = harness.make_dir('mnt')
    if not shutil.which('setpriv') or os.getuid() != 0:
        raise harness.Skip('needs setpriv and root')
    harness.run('setpriv', '--bounding-set', '-kill', harness.FRAMEFS, 'mount', TAG4,
                write_archive(), directory)
    server = stat(directory, 'framefs_pid')
    worker = stat(directory, 'framefs_worker_pid')
    os.kill(server, signal.SIGTERM)
    equal(harness.wait_exit(server), 0, 'status')
    check(not harness.is_mounted(directory), 'still mounted')
    # Nobody serves on: it has seen that the mount is gone.
    equal(harness.wait_exit(worker), 0, 'status of the worker')


@test('a mount in a namespace whose shell has ended is served on, until the server is told to end')
def namespace():
    directory = harness.make_dir('mnt')
    harness.run('unshare', '-m', FRAMEFS, 'mount', TAG4, write_archive(), directory)
    server, = harness.servers_of(directory)
    inside = ('nsenter', '-t', str(server), '-m')
    try:
        check(not harness.is_mounted(directory), 'mounted outside')
        equal(harness.run(*inside, 'cat', f'{directory}/00000002').out, b'def', 'record 2')
    finally:
        os.kill(server, signal.SIGTERM)
        equal(harness.wait_exit(server), 0, 'status of the server')


@test('without /proc a mount is served all the same')
def without_proc():
    directory = harness.make_dir('mnt')
    script = (f'umount -l /proc && {harness.FRAMEFS} mount {TAG4} "$1" "$2" && cat "$2"/00000002 '
              '&& umount "$2"')
    result = harness.run('unshare', '-m', 'sh', '-c', script, 'sh', write_archive(), directory,
                         status=None)
    equal(result.out, b'def', repr(result))
    for pid in harness.children():
        harness.wait_exit(pid)


@test('upgrade asks no process that is no server')
def wrong_process():
    path = write_archive()
    mount = Mount(TAG4, path, dead=True)
    worker, server = mount.worker, mount.server
    os.kill(server, signal.SIGKILL)
    harness.wait_exit(server)
    mount.servers = [worker]
    with contextlib.suppress(OSError):
        with open('/proc/sys/kernel/ns_last_pid', 'w', encoding='ascii') as out:
            out.write(str(server - 1))
    reused = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        if reused.pid != server:
            raise harness.Skip('the number does not come again')
        result = framefs('upgrade', mount.dir, status=1)
        contains(result.err, 'no server', 'message')
        equal(reused.poll(), None, 'the other process')
    finally:
        reused.communicate()
        mount.close()


harness.main()
