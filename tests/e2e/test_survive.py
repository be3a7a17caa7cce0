#!/usr/bin/env python3
"""A mount outlives the process that serves it: kill -9, crashes, workers that keep dying.
FF_KILLS=N for the number of kills."""

import contextlib
import errno
import hashlib
import mmap
import os
import random
import re
import shutil
import signal
import struct
import threading
import time

import harness
from harness import Foreground, Mount, check, contains, equal, framefs, test
from readers import Readers
from troubles import told

TAG4 = '--format=tag4-i64le'
KILLS = int(os.environ.get('FF_KILLS', '25'))
RECORDS = 5000
BIG = 24 << 20
MAP_LOCKED = 0x2000  # mmap(2)


def write_archive():
    """An archive of small records and a big one at the end: its path and their digests."""
    r = random.Random(7)
    path = os.path.join(harness.make_dir(), 'records')
    digests = []
    with open(path, 'wb') as out:
        for _ in range(RECORDS):
            payload = r.randbytes(r.randrange(500))
            out.write(b'TAG4' + struct.pack('<q', len(payload)) + payload)
            digests.append(hashlib.sha256(payload).digest())
        payload = r.randbytes(1 << 20) * (BIG >> 20)
        out.write(b'TAG4' + struct.pack('<q', len(payload)) + payload)
        digests.append(hashlib.sha256(payload).digest())
    return path, digests


def stat(mount, name):
    return read_stat(mount.dir, name)


def read_stat(directory, name):
    text = harness.read(os.path.join(directory, '.framefs', 'stats')).decode()
    match = re.search(rf'^{re.escape(name)} (\d+)$', text, re.M)
    check(match, f'no {name}')
    return int(match[1])


class DigestReaders(Readers):
    """Read records, the big one now and then, and compare their digests."""

    def __init__(self, mount, digests, threads=4):
        super().__init__(threads)
        self.mount, self.digests = mount, digests

    def numbers(self, thread, r):
        while True:
            yield r.randrange(RECORDS) if r.random() < 0.99 else RECORDS

    def read(self, number):
        digest = hashlib.sha256()
        with open(self.mount.path(f'{number:08}'), 'rb', buffering=0) as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            while block := file.read(1 << 20):
                digest.update(block)
        return digest.digest() == self.digests[number]


def kill_worker(mount, number=signal.SIGKILL):
    """Kills it and waits until another one answers: its pid."""
    pid = stat(mount, 'framefs_worker_pid')
    os.kill(pid, number)
    harness.wait_for(lambda: stat(mount, 'framefs_worker_pid') != pid, 'another worker')
    return pid


@test(f'{KILLS} times kill -9 of the worker: no reader sees an error or a wrong byte')
def kills():
    path, digests = write_archive()
    with Mount(TAG4, path) as mount:
        pid = stat(mount, 'framefs_pid')
        with DigestReaders(mount, digests) as readers:
            for _ in range(KILLS):
                readers.go_on(4)
                kill_worker(mount)
        equal(stat(mount, 'framefs_restarts_total'), KILLS, 'restarts')
        equal(stat(mount, 'framefs_pid'), pid, 'the supervisor')
        check(readers.reads > KILLS, f'{readers.reads} reads')
        check(stat(mount, 'framefs_requests_total{op="read"}') > KILLS, 'counters of all workers')


@test('crashes of the worker by each signal that a fault raises are survived, too')
def crashes():
    path, digests = write_archive()
    with Mount(TAG4, path) as mount, DigestReaders(mount, digests, 2):
        # A sanitizer would report these three, and rightly.
        reported = () if harness.under_sanitizer() else (signal.SIGSEGV, signal.SIGBUS,
                                                         signal.SIGFPE)
        for number in reported + (signal.SIGILL, signal.SIGABRT, signal.SIGSYS, signal.SIGTERM):
            kill_worker(mount, number)


@test('open files, directories, and slices go on over a kill; listings are whole')
def handles():
    path, digests = write_archive()
    with Mount(TAG4, path, '-o', 'control=listed') as mount:
        whole = mount.control('slice/10-19')
        with open(mount.path('.framefs', 'slice', '10-19'), 'rb', buffering=0) as sliced, \
                open(mount.path(f'{RECORDS:08}'), 'rb', buffering=0) as big:
            entries = os.scandir(mount.dir)
            first = next(entries).name
            digest = hashlib.sha256(big.read(1 << 20))
            kill_worker(mount)
            os.posix_fadvise(sliced.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            equal(sliced.read(), whole, 'the slice')
            while block := big.read(1 << 20):
                digest.update(block)
            equal(digest.digest(), digests[RECORDS], 'the big record')
            equal(1 + sum(1 for _ in entries), RECORDS + 2, f'entries with {first}')


@test('a spare worker makes a long scan, too, and takes over at once; lost ones are replaced')
def spare():
    path = harness.make_path('records')
    records = 3_000_000
    with open(path, 'wb') as out:
        out.write((b'TAG4' + struct.pack('<q', 0)) * records)
        out.write(b'TAG4' + struct.pack('<q', 4) + b'last')
    last = os.path.join('003', '000', f'{records:09}')
    with Mount(TAG4, '-o', 'layout=tree,noindex', path) as mount:
        def spares():
            return harness.children_of(mount.server, 'framefs-spare')

        for _ in range(3):
            harness.wait_for(spares, 'a spare')
            waiting = spares()[0]
            harness.wait_for(lambda waiting=waiting: is_waiting(waiting), 'the spare to wait')
            kill_worker(mount)
            equal(stat(mount, 'framefs_worker_pid'), waiting, 'the worker')
            equal(mount.read(last), b'last', 'the last record')
        equal(stat(mount, 'framefs_restarts_total'), 3, 'restarts')
        for lost in range(3):
            harness.wait_for(spares, f'another spare after {lost}')
            pid = spares()[0]
            os.kill(pid, signal.SIGKILL)
            harness.wait_for(lambda pid=pid: not os.path.exists(f'/proc/{pid}'), 'its end')
        equal(mount.read(last), b'last', 'the last record')
        kill_worker(mount)
        equal(mount.read(last), b'last', 'the last record after a kill without a spare')


def is_waiting(pid):
    """Whether its main thread waits for its supervisor."""
    try:
        with open(f'/proc/{pid}/wchan', encoding='ascii') as stream:
            return 'poll' in stream.read() and len(harness.tasks_of(pid)) <= 2
    except OSError:
        return False


@test('nosurvive: the mount of a killed worker is taken away, and the server says why')
def nosurvive():
    path, _ = write_archive()
    with Foreground(TAG4, '-o', 'nosurvive', path) as mount:
        os.kill(stat(mount, 'framefs_worker_pid'), signal.SIGKILL)
        equal(mount.process.wait(harness.LIMIT_S), 1, 'status')
        check(not harness.is_mounted(mount.dir), 'still mounted')
        contains(mount.messages(), 'signal 9', 'message')


@test('workers that keep dying before they answer: the mount is given up, with a message')
def give_up():
    path, _ = write_archive()
    with Foreground(TAG4, path) as mount:
        # Usable: before, the death of the first worker is another matter.
        os.listdir(mount.dir)
        while mount.process.poll() is None:
            for pid in harness.workers_of(mount.process.pid):
                # It may have been waited for since it was listed.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        equal(mount.process.returncode, 1, 'status')
        check(not harness.is_mounted(mount.dir), 'still mounted')
        text = mount.messages()
        contains(text, '10 workers in a row', 'message')
        contains(text, mount.dir, 'message')


def is_pending(pid, number):
    """Whether a signal waits for a process that is stopped."""
    with open(f'/proc/{pid}/status', encoding='ascii') as lines:
        pending = re.search(r'^ShdPnd:\t(\w+)$', lines.read(), re.M)[1]
    return int(pending, 16) >> (number - 1) & 1


@test('a worker that does not end is killed: at a second signal, or ten seconds after the first')
def ends_late():
    path, _ = write_archive()
    for signals in (2, 1):
        with Foreground(TAG4, path) as mount:
            worker = stat(mount, 'framefs_worker_pid')
            harness.freeze(worker)
            begin = time.monotonic()
            os.kill(mount.process.pid, signal.SIGTERM)
            # Two of them at once would be one.
            harness.wait_for(lambda: is_pending(worker, signal.SIGTERM), 'the first signal')
            if signals == 2:
                os.kill(mount.process.pid, signal.SIGTERM)
            equal(mount.process.wait(harness.LIMIT_S), 0, 'status')
            seconds = time.monotonic() - begin
            check(seconds < 9 if signals == 2 else seconds >= 10, f'{signals}: {seconds:.1f} s')
            check(not harness.is_mounted(mount.dir), 'still mounted')


@test('a killed supervisor: the worker serves on, and umount ends it')
def no_supervisor():
    path, digests = write_archive()
    mount = Mount(TAG4, path, dead=True)
    worker = mount.worker
    os.kill(mount.server, signal.SIGKILL)
    harness.wait_exit(mount.server)
    mount.servers = [worker]
    equal(hashlib.sha256(mount.read('00000007')).digest(), digests[7], 'record 7')
    framefs('umount', mount.dir)
    equal(harness.wait_exit(worker), 0, 'status of the worker')
    mount.servers = []
    mount.close()


@test('a request that workers are killed with again and again gets EIO, others do not')
def condemned():
    if harness.under_sanitizer():
        raise harness.Skip("workers start too slowly: ten that answer nothing end the mount")
    if os.geteuid() != 0:
        raise harness.Skip('only root may lock as much in memory')
    # The archive of the second mount is a file of the first one, whose worker is stopped: reads of
    # the second mount stay in its worker's hands.
    path, digests = write_archive()
    with Mount(TAG4, '-o', 'allow_other', path) as below, contextlib.ExitStack() as stack:
        with Foreground(TAG4, '--max-records', str(RECORDS + 1),
                        below.path('.framefs', 'archive')) as mount:
            big = os.path.join(mount.dir, f'{RECORDS:08}')
            equal(os.stat(big).st_size, BIG, 'size of the big record')
            with open(below.path('.framefs', 'archive'), 'rb') as lower:
                # The next workers begin with what stays, whatever else the kernel forgets.
                for begin, end in ((0, BIG // 2), (BIG * 3 // 4, os.fstat(lower.fileno()).st_size)):
                    stack.enter_context(mmap.mmap(
                        lower.fileno(), end - begin, prot=mmap.PROT_READ, offset=begin,
                        flags=mmap.MAP_SHARED | mmap.MAP_POPULATE | MAP_LOCKED))
                os.posix_fadvise(lower.fileno(), BIG // 2, BIG // 4, os.POSIX_FADV_DONTNEED)
            worker_below = below.worker
            os.kill(worker_below, signal.SIGSTOP)
            outcome = []

            def read():
                try:
                    with open(big, 'rb', buffering=0) as file:
                        outcome.append(len(os.pread(file.fileno(), 4096, BIG * 5 // 8)))
                except OSError as error:
                    outcome.append(error.errno)
            reader = threading.Thread(target=read)
            reader.start()
            try:
                deaths = 0
                while not outcome and deaths < 20:
                    for pid in harness.workers_of(mount.process.pid):
                        if in_read(pid) and not outcome:
                            os.kill(pid, signal.SIGKILL)
                            deaths += 1
                            harness.wait_for(lambda pid=pid: not os.path.exists(f'/proc/{pid}')
                                             or outcome, 'the end of the worker')
            finally:
                os.kill(worker_below, signal.SIGCONT)
            reader.join()
            equal(outcome, [errno.EIO], f'what the reader got: {mount.messages()}')
            # The kernel asks once more, for the page alone, when it has read ahead in vain.
            check(5 <= deaths <= 20, f'{deaths} workers died')
            for number in (7, RECORDS):
                payload = harness.read(os.path.join(mount.dir, f'{number:08}'))
                equal(hashlib.sha256(payload).digest(), digests[number], f'record {number}, later')
            contains(mount.messages(), 'has killed 5 workers', 'message')
            told('A request is given up', mount.messages())


@test(f'{KILLS} upgrades under load: no reader sees an error or a wrong byte')
def upgrades():
    path, digests = write_archive()
    with Mount(TAG4, path) as mount:
        server, worker = stat(mount, 'framefs_pid'), stat(mount, 'framefs_worker_pid')
        with DigestReaders(mount, digests):
            for _ in range(KILLS):
                framefs('upgrade', mount.dir)
        equal(stat(mount, 'framefs_upgrades_total'), KILLS, 'upgrades')
        equal(stat(mount, 'framefs_upgrades_failed_total'), 0, 'failed ones')
        equal(stat(mount, 'framefs_pid'), server, 'the supervisor')
        check(stat(mount, 'framefs_worker_pid') != worker, 'the same worker')
        kill_worker(mount)
        os.kill(server, signal.SIGHUP)
        harness.wait_for(lambda: stat(mount, 'framefs_upgrades_total') == KILLS + 1, 'SIGHUP')


@test('an upgrade to another file: relative paths in options, archives and mount points that moved')
def upgrade_moved():
    path, digests = write_archive()
    folder = os.path.dirname(path)
    program = os.path.join(folder, 'framefs')
    shutil.copy2(harness.FRAMEFS, program)
    with open(os.path.join(folder, 'own.ini'), 'w', encoding='ascii') as out:
        out.write('[own]\nframe = "TAG4" len:i64le data\n')
    directory = harness.make_dir('mnt')
    harness.run(program, 'mount', '--formats=own.ini', '--format=own', 'records', directory,
                cwd=folder)
    try:
        os.rename(path, path + '.moved')
        shutil.copy2(harness.FRAMEFS, program + '.new')
        os.rename(program + '.new', program)
        with open(os.path.join(directory, f'{RECORDS:08}'), 'rb', buffering=0) as big:
            digest = hashlib.sha256(big.read(1 << 20))
            framefs('upgrade', directory)
            while block := big.read(1 << 20):
                digest.update(block)
        equal(digest.digest(), digests[RECORDS], 'a file that was open meanwhile')
    finally:
        framefs('umount', directory)
    for pid in harness.children():
        equal(harness.wait_exit(pid), 0, 'status of the server')


@test('an upgrade that cannot be: the old program serves on, and the user is told')
def upgrade_refused():
    path, digests = write_archive()
    program = os.path.join(os.path.dirname(path), 'framefs')
    shutil.copy2(harness.FRAMEFS, program)
    directory, log = harness.make_dir('mnt'), harness.make_path('messages')
    with open(log, 'wb') as stream:
        harness.run(program, 'mount', TAG4, '--log=stderr', path, directory, stderr=stream)
    try:
        worker = read_stat(directory, 'framefs_worker_pid')
        for name, text in (('missing', None), ('refuses', '#!/bin/sh\necho no >&2; exit 2\n'),
                           ('is none', 'hello')):
            os.unlink(program)
            if text:
                with open(program, 'w', encoding='ascii') as out:
                    out.write(text)
                os.chmod(program, 0o755)
            result = framefs('upgrade', directory, status=1)
            contains(result.err, 'the old one serves on', name)
            if not text:
                shutil.copy2(harness.FRAMEFS, program)
        told('An upgrade fails', result.err, harness.read(log).decode())
        equal(read_stat(directory, 'framefs_upgrades_failed_total'), 3, 'failures')
        equal(read_stat(directory, 'framefs_worker_pid'), worker, 'the worker')
        payload = harness.read(os.path.join(directory, '00000007'))
        equal(hashlib.sha256(payload).digest(), digests[7], 'record 7')
    finally:
        framefs('umount', directory)
    for pid in harness.children():
        equal(harness.wait_exit(pid), 0, 'status of the server')
    contains(framefs('upgrade', directory, status=1).err, 'no mount of framefs', 'no mount')


def reads_of(pid):
    """Threads, but the main one, that wait in pread(2), and for what."""
    found = set()
    for task in harness.tasks_of(pid):
        with contextlib.suppress(OSError):
            with open(f'/proc/{pid}/task/{task}/syscall', encoding='ascii') as line:
                text = line.read()
            if text.startswith('17 ') and int(task) != pid:
                found.add((task, text))
    return found


def in_read(pid):
    """Whether a thread of it stays in pread(2)."""
    found = reads_of(pid)
    for _ in range(3):
        harness.pause()
        found &= reads_of(pid)
    return bool(found)


harness.main()
