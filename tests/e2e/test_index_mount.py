#!/usr/bin/env python3
"""A mount and the index files of its archives: used, written behind the scan, published, rejected;
over kills, upgrades and full disks. The program is the build for tests (faulty.c), so that scans
take as long as a test wants."""

import contextlib
import errno
import glob
import hashlib
import json
import os
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import threading

import harness
from harness import Foreground, check, contains, equal, test
from troubles import told

FAULTY = os.path.abspath(os.environ.get('FRAMEFS_FAULTY', 'framefs-faulty'))
harness.FRAMEFS = FAULTY
TAG4 = '--format=tag4-i64le'
RECORDS = 120000
KILLS = int(os.environ.get('FF_KILLS', '10'))
MIB = 1 << 20
# So much is scanned between two states that a later scan can go on from.
STATE = 16 * MIB
# The states of framefs_index_state.
NONE, USED, WRITING, WRITTEN, FAILED = range(5)
# Nobody but root could be kept out of a folder, or let in to others.
NOBODY = 65534


class Archive:
    """A file of many small records, and where each of them is."""

    def __init__(self, seed=1, records=RECORDS, where=None, name='archive'):
        r = random.Random(seed)
        noise = r.randbytes(1 << 16)
        self.path = os.path.join(where or harness.make_dir(), name)
        self.payloads = []
        for _ in range(records):
            at, length = r.randrange(1 << 15), r.randrange(120)
            self.payloads.append(noise[at:at + length])
        self.write()

    def write(self):
        # Not in its place: nobody sees half of it.
        with open(self.path + '.new', 'wb') as out:
            out.write(b''.join(b'TAG4' + struct.pack('<q', len(p)) + p for p in self.payloads))
        os.rename(self.path + '.new', self.path)
        self.digest = hashlib.sha256(b''.join(self.payloads)).digest()
        self.size = os.path.getsize(self.path)

    def append(self, payloads):
        with open(self.path, 'ab') as out:
            out.write(b''.join(b'TAG4' + struct.pack('<q', len(p)) + p for p in payloads))
        self.payloads += payloads
        self.digest = hashlib.sha256(b''.join(self.payloads)).digest()
        self.size = os.path.getsize(self.path)

    @property
    def index(self):
        return self.path + '.framefs'

    def left(self):
        """What lies beside it."""
        folder = os.path.dirname(self.path)
        return sorted(set(os.listdir(folder)) - {os.path.basename(self.path)})


class Served(Foreground):
    """An archive's mount. gate: while it is shut, no byte from this offset on can be read."""

    def __init__(self, archive, *options, shut=True, layout='tree', **faults):
        self.archive = archive
        self.switch = harness.write(b'1' if faults and shut else b'0', 'switch')
        os.environ['FRAMEFS_FAULTS'] = ','.join(f'{name}={value}'
                                                for name, value in faults.items())
        os.environ['FRAMEFS_FAULTS_SWITCH'] = self.switch
        super().__init__(TAG4, '--log-level=info', '-o', f'layout={layout}', *options,
                         archive.path)
        self.stat('framefs_restarts_total')

    def __exit__(self, *error):
        self.open()
        super().__exit__(*error)

    def open(self):
        with open(self.switch, 'r+b') as stream:
            stream.write(b'0')

    def stat(self, name):
        """A figure of the server, or of the archive."""
        text = harness.read(os.path.join(self.dir, '.framefs', 'stats')).decode()
        match = re.search(rf'^{name}({{[^}}]*}})? (\d+)$', text, re.M)
        check(match, f'no {name}')
        return int(match[2])

    def state(self):
        return self.stat('framefs_index_state')

    def path(self, number):
        return os.path.join(self.dir, f'{number // 10**6:03}', f'{number // 1000 % 1000:03}',
                            f'{number:09}')

    def worker(self):
        found = harness.children_of(self.process.pid, 'framefs-worker')
        check(len(found) == 1, f'{len(found)} workers')
        return found[0]

    def kill(self):
        """The worker, until another one answers."""
        pid = self.worker()
        os.kill(pid, signal.SIGKILL)
        harness.wait_for(lambda: self.stat('framefs_worker_pid') != pid, 'another worker')

    def complete(self):
        return self.stat('framefs_complete') == 1

    def await_scan(self):
        self.open()
        harness.wait_for(self.complete, 'the scan')

    def await_index(self):
        """The index is published."""
        harness.wait_for(self.complete, 'the scan')
        harness.wait_for(lambda: ': written' in self.messages() and
                         os.path.exists(self.archive.index), 'an index file')

    def check_records(self):
        """All of them are what they should be: by their sum, and some by their names."""
        archive = self.archive
        self.open()
        digest = hashlib.sha256()
        with open(os.path.join(self.dir, '.framefs', 'all'), 'rb', buffering=0) as file:
            while block := file.read(MIB):
                digest.update(block)
        equal(digest.digest(), archive.digest, 'all')
        r = random.Random(3)
        last = len(archive.payloads) - 1
        for number in [0, last] + [r.randrange(last) for _ in range(200)]:
            equal(harness.read(self.path(number)), archive.payloads[number], f'record {number}')
        harness.fails(errno.ENOENT, os.stat, self.path(last + 1))


def indexed(archive):
    """Its index file, as a mount writes it."""
    with Served(archive, delay_us=16000) as mount:
        harness.wait_for(lambda: mount.state() == WRITING or mount.complete(), 'writing')
        mount.await_index()
    equal(archive.left(), [os.path.basename(archive.index)], 'files beside the archive')
    return archive.index


def is_refused(mount, why=''):
    """One line says so, and the archive is scanned."""
    lines = [line for line in mount.messages().splitlines() if 'index file is not used' in line]
    equal(len(lines), 1, f'lines of {lines}')
    contains(lines[0], mount.archive.path)
    contains(lines[0], why)
    mount.await_scan()
    equal(mount.stat('framefs_index_records'), 0, 'records from the index')


# ---- written and used ----

@test('a scan that takes longer writes an index; the next mount knows all records from it')
def written():
    archive = Archive()
    with Served(archive, delay_us=16000) as mount:
        check(mount.state() in (NONE, WRITING), 'state')
        mount.await_index()
        equal(mount.state(), WRITTEN, 'state')
        equal(mount.stat('framefs_index_bytes'), os.path.getsize(archive.index), 'its size')
        mount.check_records()
    with Served(archive) as mount:
        equal(mount.state(), USED, 'state')
        equal(mount.complete(), True, 'at once')
        equal(mount.stat('framefs_index_records'), RECORDS, 'records from it')
        equal(mount.stat('framefs_index_bytes'), os.path.getsize(archive.index), 'its size')
        mount.check_records()
        check('index' not in mount.messages(), mount.messages())
    equal(archive.left(), [os.path.basename(archive.index)], 'files beside the archive')


@test('with an index no byte behind the samples is read before somebody asks for it')
def unread():
    archive = Archive(records=RECORDS * 4)
    indexed(archive)
    before = io_bytes(os.getpid())
    with Served(archive) as mount:
        check(io_bytes(mount.worker()) < archive.size // 4, 'bytes that the worker has read')
        equal(mount.stat('framefs_index_records'), RECORDS * 4, 'records')
    check(before >= 0, 'a process tells what it reads')


def io_bytes(pid):
    with open(f'/proc/{pid}/io', encoding='ascii') as stream:
        return int(re.search(r'^rchar: (\d+)$', stream.read(), re.M)[1])


@test('a scan of less than 100 ms writes none, nor does a mount with noindex, which reads none')
def none():
    archive = Archive(records=30000)
    # On a busy machine it may take longer once, but not always.
    for _ in range(10):
        with Served(archive) as mount:
            mount.await_scan()
            mount.check_records()
            state = mount.state()
        if state == NONE:
            break
        with contextlib.suppress(FileNotFoundError):
            os.unlink(archive.index)
    equal(state, NONE, 'state')
    equal(archive.left(), [], 'files beside the archive')
    for option in ('--no-index', '-onoindex'):
        with Served(archive, option, delay_us=16000) as mount:
            mount.await_scan()
            equal(mount.state(), NONE, 'state')
    equal(archive.left(), [], 'files beside the archive')
    indexed(archive)
    with Served(archive, '-onoindex') as mount:
        mount.await_scan()
        equal(mount.stat('framefs_index_records'), 0, 'records from it')


@test('--index names the file, also in another folder and by a relative path')
def named():
    archive = Archive()
    folder = harness.make_dir()
    before = os.getcwd()
    os.chdir(folder)
    try:
        with Served(archive, '--index=its', delay_us=16000):
            harness.wait_for(lambda: os.path.exists(os.path.join(folder, 'its')), 'it')
        with Served(archive, '-oindex=its') as mount:
            equal(mount.state(), USED, 'state')
            mount.check_records()
    finally:
        os.chdir(before)
    equal(archive.left(), [], 'files beside the archive')
    equal(os.listdir(folder), ['its'], 'files in the folder')
    result = harness.framefs('mount', '--index=x', archive.path, archive.path, folder, status=2)
    contains(result.err, 'one archive')


@test('a grown archive is scanned from its old end, and its index is written again')
def grown():
    archive = Archive()
    indexed(archive)
    before = os.stat(archive.index)
    archive.append(Archive(2).payloads)
    with Served(archive, gate=archive.size - 1) as mount:
        check(mount.stat('framefs_index_records') >= RECORDS - 16384, 'records from the index')
        equal(mount.complete(), False, 'complete')
        harness.wait_for(lambda: mount.stat('framefs_records') >= RECORDS, 'old records')
        equal(harness.read(mount.path(RECORDS - 1)), archive.payloads[RECORDS - 1], 'an old one')
    with Served(archive, delay_us=16000) as mount:
        harness.wait_for(lambda: os.stat(archive.index).st_ino != before.st_ino, 'a new index')
        mount.check_records()
    with Served(archive) as mount:
        equal(mount.stat('framefs_index_records'), 2 * RECORDS, 'records from the index')
        mount.check_records()


@test('a mount of several archives has an index of each')
def several():
    archives = [Archive(seed, name=f'a{seed}') for seed in range(3)]
    switch = harness.write(b'1', 'switch')
    os.environ['FRAMEFS_FAULTS'], os.environ['FRAMEFS_FAULTS_SWITCH'] = 'delay_us=16000', switch
    paths = [archive.path for archive in archives]
    with Foreground(TAG4, '-olayout=tree', *paths) as mount:
        for archive in archives:
            harness.wait_for(lambda archive=archive: os.path.exists(archive.index), 'an index')
    with open(switch, 'wb') as stream:
        stream.write(b'0')
    os.unlink(archives[1].index)
    with Foreground(TAG4, '-olayout=tree', *paths) as mount:
        text = harness.read(os.path.join(mount.dir, '.framefs', 'stats')).decode()
        for number, state in enumerate((USED, NONE, USED)):
            contains(text, f'framefs_index_state{{archive="a{number}"}} {state}\n')
            digest = hashlib.sha256(harness.read(os.path.join(mount.dir, f'a{number}', '.framefs',
                                                              'all'))).digest()
            equal(digest, archives[number].digest, 'all')


@test('many archives under a low limit of open files are mounted, some of them without an index')
def few_files():
    folder = harness.make_dir()
    paths = [harness.write(bytes(MIB), f'{i:02}', folder) for i in range(60)]
    where = harness.make_dir('mnt')
    os.environ['FRAMEFS_FAULTS'] = ''
    os.environ['FRAMEFS_FAULTS_SWITCH'] = harness.write(b'0', 'switch')
    for limit in (140, 200, 400):
        done = harness.framefs(
            'mount', '--format=u32le', *paths, where,
            preexec_fn=lambda limit=limit: resource.setrlimit(resource.RLIMIT_NOFILE,
                                                              (limit, limit)))
        try:
            equal(len(os.listdir(where)), len(paths), f'archives with {limit} descriptors')
            equal('too many files would be open' in done.err, limit < 400,
                  f'warned with {limit} descriptors')
        finally:
            harness.framefs('umount', where)


# ---- waiting ----

def reader(*arguments):
    return subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


@test('what waits for the scan can be killed at once: listings, look-ups, the size of all')
def killed_readers():
    archive = Archive(records=60000)
    for layout, waiting in (('flat', ('ls -f {0}', 'stat {0}/00059999', 'stat {0}/.framefs/all',
                                      'cat {0}/00059999', 'find {0} -name x')),
                            ('tree', ('ls -f {0}', 'ls -f {0}/000', 'ls {0}/000/059',
                                      'stat {0}/000/059/000059999', 'stat {0}/.framefs/all'))):
        with Served(archive, '--no-index', layout=layout, gate=2 * MIB) as mount:
            for command in waiting:
                parked = mount.stat('framefs_parked_total')
                process = reader('sh', '-c', 'exec ' + command.format(mount.dir))
                harness.wait_for(lambda: mount.stat('framefs_parked') == 1 or
                                 process.poll() is not None, command)
                equal(process.poll(), None, f'{layout}: {command} waits')
                check(mount.stat('framefs_parked_total') > parked, command)
                process.kill()
                equal(harness.wait_exit(process.pid, 5), -signal.SIGKILL, command)
                harness.wait_for(lambda: mount.stat('framefs_parked') == 0, command)
                equal(mount.complete(), False, 'complete')
            mount.open()
            if layout == 'flat':
                equal(len(os.listdir(mount.dir)), 60000, 'records')


@test('the tree needs no total: its known records are listed and read while the scan waits')
def tree():
    archive = Archive()
    with Served(archive, gate=4 * MIB) as mount:
        harness.wait_for(lambda: mount.stat('framefs_records') > 20000, 'records')
        equal(len(os.listdir(os.path.join(mount.dir, '000', '007'))), 1000, 'a whole directory')
        for number in (0, 999, 1000, 19999):
            equal(harness.read(mount.path(number)), archive.payloads[number], f'record {number}')
        with os.scandir(os.path.join(mount.dir, '000')) as entries:
            equal([next(entries).name for _ in range(10)], [f'{i:03}' for i in range(10)],
                  'directories')
            equal(mount.complete(), False, 'complete')
            mount.open()
        equal(len(os.listdir(os.path.join(mount.dir, '000'))), RECORDS // 1000, 'directories')


@test('info of a mount tells how far the scan is, in text and JSON')
def info():
    archive = Archive()
    with Served(archive, gate=4 * MIB) as mount:
        harness.wait_for(lambda: mount.stat('framefs_scanned_bytes') >= 2 * MIB, 'the scan')
        text = harness.framefs('info', mount.dir).text
        contains(text, f'{archive.path}\n  format    tag4-i64le\n  scanned   ')
        report = json.loads(harness.framefs('info', '--json', mount.dir).text)
        equal(len(report), 1, 'archives')
        equal(report[0]['complete'], False, 'complete')
        check(2 * MIB <= report[0]['scanned_bytes'] <= 4 * MIB, report)
        mount.await_scan()
        contains(harness.framefs('info', mount.dir).text, f'  records   {RECORDS}\n')
        check('scanned' not in harness.framefs('info', mount.dir).text, 'not whole')
        report = json.loads(harness.framefs('info', '--json', mount.dir, archive.path).text)
        equal([entry['records'] for entry in report], [RECORDS] * 2, 'records of both')
    result = harness.framefs('info', harness.make_dir(), status=1)
    contains(result.err, 'is a directory')


@test('a listing that waits ends with the last record, over a kill of the worker')
def whole():
    archive = Archive(records=60000)
    with Served(archive, layout='flat', gate=2 * MIB) as mount:
        names = []
        thread = threading.Thread(target=lambda: names.extend(os.listdir(mount.dir)))
        thread.start()
        harness.wait_for(lambda: mount.stat('framefs_parked') == 1, 'the listing')
        mount.kill()
        harness.wait_for(lambda: mount.stat('framefs_parked') == 1, 'the listing')
        mount.open()
        thread.join()
        equal(sorted(names), [f'{i:08}' for i in range(60000)], 'names')


# ---- deaths ----

@test('a worker that dies while it writes: the next one goes on, and the index is right')
def resumed():
    archive = Archive(records=RECORDS * 3)
    with Served(archive, delay_us=6000) as mount:
        for _ in range(2):
            harness.wait_for(lambda: mount.stat('framefs_scanned_bytes') > STATE + MIB,
                             'something to go on with')
            mount.kill()
        equal(mount.complete(), False, 'complete')
        check(mount.stat('framefs_index_records') > 0, 'records that are not scanned again')
        mount.await_index()
        mount.check_records()
    with Served(archive) as mount:
        equal(mount.stat('framefs_index_records'), RECORDS * 3, 'records from the index')
        mount.check_records()


@test('what a kill has left of an index is still there after a mount that ends before it is whole')
def kept():
    archive = Archive(records=RECORDS * 3)
    partial = archive.index + '.partial'
    size = os.path.getsize(indexed(archive))
    os.unlink(archive.index)
    os.environ['FRAMEFS_FAULTS'] = ''
    # The scan's last state is behind two thirds of it.
    limit = size - size // 8
    harness.framefs('index', TAG4, archive.path, status=-signal.SIGXFSZ,
                    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    with Served(archive, delay_us=200000) as mount:
        known = mount.stat('framefs_index_records')
        check(known > 0, 'nothing is gone on with')
        harness.framefs('umount', mount.dir)
        mount.process.wait()
    equal(archive.left(), [os.path.basename(partial)], 'files beside the archive')
    with Served(archive) as mount:
        check(mount.stat('framefs_index_records') >= known, 'less is known than before')
        mount.await_index()
    equal(archive.left(), [os.path.basename(archive.index)], 'files beside the archive, at last')


@test(f'{KILLS} times kill -9 of the worker at random times: the index is right')
def killed():
    archive = Archive(records=RECORDS * 2)
    r = harness.seeded(11)
    with Served(archive, delay_us=4000) as mount:
        for _ in range(KILLS):
            until = r.randrange(archive.size)
            harness.wait_for(lambda until=until: mount.stat('framefs_scanned_bytes') >= until or
                             mount.complete(), 'the scan')
            mount.kill()
        mount.await_index()
        mount.check_records()
    equal(archive.left(), [os.path.basename(archive.index)], 'files beside the archive')
    with Served(archive) as mount:
        equal(mount.stat('framefs_index_records'), RECORDS * 2, 'records from the index')
        mount.check_records()


@test(f'{KILLS} times kill -9 of a whole mount at random times: an index that is there is right')
def killed_mounts():
    archive = Archive()
    r = harness.seeded(12)
    published = 0
    for i in range(KILLS):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(archive.index)
        if i % 2:
            # A file system without unnamed files has a partial one, left by a kill.
            harness.write(b'', os.path.basename(archive.index) + '.partial',
                          os.path.dirname(archive.path))
        with Served(archive, delay_us=4000) as mount:
            if r.random() < 0.5:
                until = r.randrange(archive.size)
                harness.wait_for(lambda mount=mount, until=until: mount.complete() or
                                 mount.stat('framefs_scanned_bytes') >= until, 'the scan')
            else:
                harness.wait_for(mount.complete, 'the scan')
            pids = [mount.process.pid] + harness.children_of(mount.process.pid)
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            mount.process.wait()
            for pid in pids[1:]:
                with contextlib.suppress(ChildProcessError):
                    harness.wait_exit(pid)
        there = os.path.exists(archive.index)
        published += there
        with Served(archive, shut=False, delay_us=4000) as mount:
            if there:
                equal(mount.stat('framefs_index_records'), RECORDS, 'records from the index')
            check('not used' not in mount.messages(), mount.messages())
            mount.check_records()
    print(f'# {published} of {KILLS} published before they were killed')


@test('an upgrade during the scan: the new program goes on, and publishes')
def upgraded():
    archive = Archive(records=RECORDS * 3)
    with Served(archive, delay_us=6000) as mount:
        harness.wait_for(lambda: mount.stat('framefs_scanned_bytes') > STATE + MIB,
                         'something to go on with')
        worker = mount.worker()
        harness.framefs('upgrade', mount.dir)
        check(mount.worker() != worker, 'another worker')
        check(mount.stat('framefs_index_records') > 0, 'records that are not scanned again')
        mount.await_index()
        mount.check_records()
        # A second one hands the finished file on.
        harness.framefs('upgrade', mount.dir)
        equal(mount.state(), USED, 'state')
        equal(mount.stat('framefs_index_records'), RECORDS * 3, 'records from the index')
        mount.check_records()
    equal(archive.left(), [os.path.basename(archive.index)], 'files beside the archive')


class Slow:
    """The program, whose upgrades wait until they may go on."""

    def __init__(self):
        self.path, self.gate = harness.make_path('framefs'), harness.make_path('gate')
        shutil.copy2(harness.FRAMEFS, self.path)

    def shut(self):
        os.mkfifo(self.gate)
        os.unlink(self.path)
        with open(self.path, 'w', encoding='utf-8') as out:
            out.write('#!/bin/sh\n'
                      f'case $FRAMEFS_TAKEOVER in check:*) read line < {self.gate} ;; esac\n'
                      f'exec {FAULTY} "$@"\n')
        os.chmod(self.path, 0o755)


@test('an index that becomes whole while an upgrade is on its way: the new program publishes it')
def upgraded_meanwhile():
    archive, program = Archive(records=RECORDS * 2), Slow()
    harness.FRAMEFS = program.path
    try:
        with Served(archive, delay_us=6000) as mount:
            harness.FRAMEFS = FAULTY
            harness.wait_for(lambda: mount.state() == WRITING, 'an index that is written')
            program.shut()
            upgrade = subprocess.Popen([FAULTY, 'upgrade', mount.dir])
            # The supervisor waits for its trial from here on.
            with open(program.gate, 'wb') as gate:
                harness.wait_for(lambda: mount.state() in (USED, WRITTEN), 'the whole index')
                check(not os.path.exists(archive.index), 'it is published')
                gate.write(b'go on\n')
            equal(upgrade.wait(harness.LIMIT_S), 0, 'status of the upgrade')
            mount.await_index()
            equal(mount.stat('framefs_index_records'), RECORDS * 2, 'records from the index')
            mount.check_records()
            mount.kill()
            mount.check_records()
        equal(archive.left(), [os.path.basename(archive.index)], 'files beside the archive')
    finally:
        harness.FRAMEFS = FAULTY


@test('after its index is published a worker is replaced at once, without a scan and a spare')
def replaced_at_once():
    archive = Archive()
    with Served(archive, delay_us=16000) as mount:
        mount.await_index()
        equal(harness.children_of(mount.process.pid, 'framefs-spare'), [], 'spares')
        mount.kill()
        equal(mount.state(), USED, 'state')
        equal(mount.stat('framefs_index_records'), RECORDS, 'records from the index')
        mount.check_records()


# ---- places and rights ----

@test('two mounts of one archive at once both write; what is there is right')
def two():
    archive = Archive()
    with Served(archive, delay_us=16000) as one, Served(archive, delay_us=40000) as other:
        for mount in (one, other):
            harness.wait_for(mount.complete, 'the scan')
        harness.wait_for(lambda: os.path.exists(archive.index), 'an index')
        one.check_records()
        other.check_records()
    equal(archive.left(), [os.path.basename(archive.index)], 'files beside the archive')
    with Served(archive) as mount:
        equal(mount.stat('framefs_index_records'), RECORDS, 'records from the index')
        mount.check_records()


@contextlib.contextmanager
def tmpfs(options):
    if os.geteuid() != 0:
        raise harness.Skip('only root mounts a tmpfs')
    folder = harness.make_dir()
    harness.run('mount', '-t', 'tmpfs', '-o', options, 'tmpfs', folder)
    try:
        yield folder
    finally:
        harness.run('umount', '-l', folder)


@contextlib.contextmanager
def cache(folder):
    before = os.environ.get('XDG_CACHE_HOME')
    os.environ['XDG_CACHE_HOME'] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ['XDG_CACHE_HOME']
        else:
            os.environ['XDG_CACHE_HOME'] = before


@test('in a folder that cannot be written the index is in the cache; without one there is none')
def read_only():
    with tmpfs('mode=755') as folder:
        archive = Archive(where=folder)
        harness.run('mount', '-o', 'remount,ro', folder)
        home = harness.make_dir('cache')
        with cache(home):
            with Served(archive, delay_us=16000) as mount:
                harness.wait_for(lambda: glob.glob(home + '/framefs/*-archive.framefs'), 'index')
            with Served(archive) as mount:
                equal(mount.state(), USED, 'state')
                mount.check_records()
        with cache('/proc/self'), Served(archive, delay_us=16000) as mount:
            mount.await_scan()
            equal(mount.state(), NONE, 'state')
            mount.check_records()
        equal(archive.left(), [], 'files beside the archive')


@test('a full disk: the mount serves on, one line says so, no file is left')
def full():
    with tmpfs('size=64k') as folder:
        archive = Archive(records=RECORDS * 2)
        with Served(archive, f'--index={folder}/index', delay_us=16000) as mount:
            harness.wait_for(mount.complete, 'the scan')
            equal(mount.state(), FAILED, 'state')
            contains(mount.messages(), os.strerror(errno.ENOSPC))
            equal(mount.messages().count('cannot be written'), 1, 'lines')
            told('A mount cannot write an index file', mount.messages())
            mount.check_records()
            equal(os.listdir(folder), [], 'files')
            # The room is there again, though worker and supervisor had the file open.
            harness.wait_for(lambda: os.statvfs(folder).f_bfree == os.statvfs(folder).f_blocks,
                             'the room on the disk')


@test('root writes an index that is the archive owner\'s, to be read as the archive is')
def rights():
    if os.geteuid() != 0:
        raise harness.Skip('only root has files of others')
    for mode in (0o600, 0o640, 0o444):
        folder = harness.make_dir()
        os.chown(folder, NOBODY, NOBODY)
        archive = Archive(where=folder)
        os.chown(archive.path, NOBODY, NOBODY - 1)
        os.chmod(archive.path, mode)
        indexed(archive)
        st = os.stat(archive.index)
        equal((st.st_uid, st.st_gid), (NOBODY, NOBODY - 1), 'owner')
        equal(st.st_mode & 0o777, mode & 0o444 | 0o200, 'mode')
        with Served(archive) as mount:
            equal(mount.state(), USED, 'state')


@test('links in the place of the index or of its partial file are not followed when it is written')
def links():
    victim = harness.write(b'of somebody else', 'victim')
    archive = Archive()
    os.symlink(victim, archive.index)
    os.symlink(victim, archive.index + '.partial')
    with Served(archive, delay_us=16000) as mount:
        mount.await_scan()
        mount.check_records()
    equal(harness.read(victim), b'of somebody else', 'the file')
    os.unlink(archive.index + '.partial')
    with Served(archive, delay_us=16000) as mount:
        harness.wait_for(mount.complete, 'the scan')
        harness.wait_for(lambda: not os.path.islink(archive.index) or mount.state() == NONE,
                         'an index')
        check(not os.path.islink(archive.index), f'no index: {mount.messages()}')
    equal(harness.read(victim), b'of somebody else', 'the file')
    os.unlink(archive.index)
    os.link(victim, archive.index + '.partial')
    with Served(archive, delay_us=16000) as mount:
        mount.await_scan()
    equal(harness.read(victim), b'of somebody else', 'the file')


@test('an index of a stranger beside the archive is not believed')
def stranger():
    if os.geteuid() != 0:
        raise harness.Skip('only root has files of others')
    archive = Archive()
    os.chown(indexed(archive), NOBODY, NOBODY)
    with Served(archive) as mount:
        mount.await_scan()
        contains(mount.messages(), 'another user')
        equal(mount.stat('framefs_index_records'), 0, 'records from the index')


@test('a mount over the archive\'s own folder writes the index below it')
def covered():
    archive = Archive()
    folder = os.path.dirname(archive.path)
    os.environ['FRAMEFS_FAULTS'] = 'delay_us=16000'
    os.environ['FRAMEFS_FAULTS_SWITCH'] = switch = harness.write(b'1', 'switch')
    with Foreground(TAG4, '--log-level=info', '-olayout=tree', archive.path,
                    where=folder) as mount:
        harness.wait_for(lambda: ': written' in mount.messages(), 'the index')
        with open(switch, 'wb') as stream:
            stream.write(b'0')
    check(os.path.exists(archive.index), 'no index')


# ---- what is not believed ----

@test('the index of a replaced, cut or edited archive is not used: one line, and a new one')
def outdated():
    archive = Archive()
    indexed(archive)
    archive.payloads = archive.payloads[:RECORDS // 2]
    archive.write()
    with Served(archive) as mount:
        is_refused(mount)
        mount.check_records()
    archive.payloads = Archive(5).payloads
    archive.write()
    with Served(archive, shut=False, delay_us=16000) as mount:
        is_refused(mount)
        told('A mount does not use an index file', mount.messages())
        mount.kill()
        mount.await_scan()
        equal(mount.messages().count('not used'), 1, 'a later worker is not told again')
        mount.check_records()
    inode = os.stat(archive.index).st_ino
    with Served(archive, delay_us=16000) as mount:
        harness.wait_for(lambda: os.stat(archive.index).st_ino != inode, 'a new index')
        is_refused(mount)
    with Served(archive) as mount:
        equal(mount.stat('framefs_index_records'), RECORDS, 'records from the index')
        mount.check_records()


@test('an index of hostile bytes: readers see the archive\'s records all the same')
def hostile():
    archive = Archive()
    good = harness.read(indexed(archive))
    r = harness.seeded(21)
    cases = [b'', good[:100], good[:len(good) // 2], good[:-1], good + b'\0', bytes(len(good)),
             os.urandom(len(good)), b'\x7fELF' * 1000]
    for _ in range(20):
        changed = bytearray(good)
        at = r.choice([r.randrange(600), r.randrange(len(good)), len(good) - 1 - r.randrange(4000)])
        changed[at:at + 8] = r.choice([r.randbytes(8), b'\xff' * 8, bytes(8)])
        cases.append(bytes(changed[:len(good)]))
    for number, case in enumerate(cases):
        with open(archive.index, 'wb') as out:
            out.write(case)
        with Served(archive) as mount:
            mount.await_scan()
            for record in [0, RECORDS - 1] + [r.randrange(RECORDS) for _ in range(40)]:
                equal(harness.read(mount.path(record)), archive.payloads[record],
                      f'case {number}, record {record}')
            equal(len(os.listdir(os.path.join(mount.dir, '000', '100'))), 1000, 'names')


@test('an index that proves damaged is dropped: another worker scans, and no reader sees it')
def damaged():
    archive = Archive()
    good = harness.read(indexed(archive))
    bad = bytearray(good)
    bad[len(good) // 2] ^= 1
    with open(archive.index, 'wb') as out:
        out.write(bad)
    with Served(archive) as mount:
        equal(mount.state(), USED, 'state')
        worker = mount.worker()
        mount.check_records()
        check(mount.worker() != worker, 'the same worker')
        equal(mount.stat('framefs_index_records'), 0, 'records from the index')
        equal(mount.messages().count('its index file is damaged'), 1, 'lines')
        equal(mount.stat('framefs_restarts_total'), 1, 'workers')
        told('An index file turns out to be damaged', mount.messages())
    with Served(archive, '--no-survive') as mount:
        harness.fails(errno.EIO, harness.read, os.path.join(mount.dir, '.framefs', 'all'))
        equal(harness.read(mount.path(0)), archive.payloads[0], 'record 0')
        equal(harness.read(mount.path(RECORDS - 1)), archive.payloads[-1], 'the last record')
        equal(mount.messages().count('its index file is damaged'), 1, 'lines')


@test('an index that is cut while it is mapped: the next worker scans, and readers see nothing')
def cut():
    if harness.under_sanitizer():
        raise harness.Skip('a sanitizer reports the worker, and rightly')
    archive = Archive()
    indexed(archive)
    with Served(archive) as mount:
        equal(mount.state(), USED, 'state')
        os.truncate(archive.index, 4096)
        mount.check_records()
        check(mount.stat('framefs_index_records') == 0, 'the index is not used any more')


if __name__ == '__main__':
    harness.main()
