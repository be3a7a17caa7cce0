#!/usr/bin/env python3
"""Pushed neighbours: what is stored in the kernel's cache before it is asked for is what a read
would give, and nothing hangs whatever ends meanwhile. FF_KILLS=N for the number of kills."""

import contextlib
import errno
import os
import random
import re
import signal
import struct
import subprocess
import sys

import harness
from harness import Mount, check, equal, framefs, tag4, test
from readers import Readers

TAG4 = '--format=tag4-i64le'
KILLS = int(os.environ.get('FF_KILLS', '15'))
RECORDS = 4000
LIMIT = 64 << 10
ROUNDS_MAX = 20


def payloads(count=RECORDS, seed=3):
    """Small ones, every tenth empty, a run of empty ones, one huge, and two at the limit."""
    r = random.Random(seed)
    made = [r.randbytes(r.randrange(1, 900)) if n % 10 else b'' for n in range(count)]
    made[count // 4:count // 4 + 100] = [b''] * 100
    made[count // 2] = r.randbytes(5 << 20)
    made[count // 2 + 7] = r.randbytes(LIMIT)
    made[count // 2 + 8] = r.randbytes(LIMIT + 1)
    return made


def stat(directory, name):
    text = harness.read(os.path.join(directory, '.framefs', 'stats')).decode()
    return int(re.search(rf'^{re.escape(name)} (\d+)$', text, re.M)[1])


def pushed(mount):
    return stat(mount.dir, 'framefs_pushed_total')


def reads(mount):
    return stat(mount.dir, 'framefs_requests_total{op="read"}')


def in_order(mount, want):
    """All records by the listing, while it is read."""
    got = 0
    for path, expected in zip(harness.walk(mount.dir), want):
        if harness.read(path) != expected:
            raise harness.Failure(f'{path}: other bytes')
        got += 1
    equal(got, len(want), 'records')


def in_order_pushed(mount, want, least, what=''):
    """The same, again until that many were pushed in one go, and few of the others asked for: on a
    busy machine the reader may be ahead of the thread that pushes."""
    counts = []
    requests = sum(1 for payload in want if payload)
    for _ in range(ROUNDS_MAX):
        before, asked = pushed(mount), reads(mount)
        in_order(mount, want)
        counts.append((pushed(mount) - before, reads(mount) - asked))
        if counts[-1][0] > least and (harness.under_sanitizer()
                                      or counts[-1][1] < requests // 2):
            known = stat(mount.dir, 'framefs_push_hits_total') + stat(
                mount.dir, 'framefs_push_wasted_total')
            check(0 < known <= pushed(mount), f'{known} of {pushed(mount)} pushed hit or wasted')
            return
        harness.drop_caches(pages=True)
    raise harness.Failure(f'{what}: pushed and asked for of {requests}: {counts}')


def read_until_pushed(mount, paths, want, least=8):
    """In order from the first one on, until that many were pushed."""
    for number, path in enumerate(paths):
        if pushed(mount) >= least:
            return number
        equal(harness.read(path), want[number], path)
    raise harness.Failure(f'{pushed(mount)} pushed of {len(paths)} records read in order')


def turn(switch, on):
    with open(switch, 'r+b') as stream:
        stream.write(b'1' if on else b'0')


@contextlib.contextmanager
def faulty(on=True, **faults):
    """Programs whose archives misbehave (faulty.c), while that is on, instead of those that do
    not. Yields the switch."""
    usual = harness.FRAMEFS
    harness.FRAMEFS = os.path.abspath(os.environ.get('FRAMEFS_FAULTY', 'framefs-faulty'))
    os.environ['FRAMEFS_FAULTS'] = ','.join(f'{name}={value}' for name, value in faults.items())
    os.environ['FRAMEFS_FAULTS_SWITCH'] = harness.write(b'1' if on else b'0', 'switch')
    try:
        yield os.environ['FRAMEFS_FAULTS_SWITCH']
    finally:
        harness.FRAMEFS = usual


class RecordReaders(Readers):
    """Read all records, half of the threads in order, and compare."""

    def __init__(self, mount, want):
        super().__init__(8)
        self.paths, self.want = mount.records(), want

    def numbers(self, thread, r):
        while True:
            if thread % 2:
                yield from r.sample(range(RECORDS), RECORDS)
            else:
                yield from range(r.randrange(RECORDS // 2), RECORDS)

    def read(self, number):
        with open(self.paths[number], 'rb', buffering=0) as file:
            # A huge record is not read whole each time.
            got = file.read(1 << 16)
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return got == self.want[number][:1 << 16]


@test('records read in order are pushed, and are the right bytes: tree and flat, all contents')
def every_byte():
    want = payloads()
    archive = harness.write(tag4(want))
    frames = [tag4([p], header=lambda _, n=n: b'tag%d' % (n % 10)) for n, p in enumerate(want)]
    for layout in ('tree', 'flat'):
        for content, expected in (('payload', want), ('frame', frames), ('file', frames)):
            with Mount(TAG4, '-o', f'layout={layout},content={content}', archive) as mount:
                in_order_pushed(mount, expected, RECORDS // 2, f'{layout}, {content}')
                # Known files are read again from the cache alone, or anew.
                in_order(mount, expected)
                harness.drop_caches(pages=True)
                in_order(mount, expected)


@test('a preamble and several stretches of one file: content=file of pcap')
def several_extents():
    packets = [(1000 + n, n, harness.ethernet(n)) for n in range(3000)]
    archive = harness.write(harness.pcap(packets))
    with Mount('--format=pcap', '-o', 'content=file', archive) as mount:
        in_order_pushed(mount, [harness.pcap([packet]) for packet in packets], 1000)


@test('joined records are pushed as they are read')
def joined():
    # All of them in the first block of the log.
    r, want, parts = random.Random(4), [], []
    for _ in range(700):
        payload = r.randbytes(r.randrange(1, 40))
        want.append(payload)
        kinds = [(1, payload)] if len(payload) < 20 else [(2, payload[:9]), (4, payload[9:])]
        parts += [struct.pack('<IHB', 0, len(body), kind) + body for kind, body in kinds]
    check(sum(map(len, parts)) < 32768, 'the log is too long')
    archive = harness.write(b''.join(parts))
    with Mount('--format=leveldb-log', archive) as mount:
        in_order_pushed(mount, want, 300)


@test('push=off pushes nothing; push=SIZE no larger record; random readers cause none')
def limits():
    want = payloads()
    archive = harness.write(tag4(want))
    with Mount(TAG4, '-o', 'push=off', archive) as mount:
        in_order(mount, want)
        equal(pushed(mount), 0, 'pushed')
        equal(reads(mount) >= sum(1 for p in want if p), True, 'a read a record')
    with Mount(TAG4, '-o', 'push=0', archive) as mount:
        in_order(mount, want)
        equal(pushed(mount), 0, 'pushed')
    small = [bytes([n % 251]) * (100 + n % 2) for n in range(RECORDS)]
    archive = harness.write(tag4(small))
    with Mount(TAG4, '-o', 'push=100', archive) as mount:
        # Every second one is too large, and ends what is pushed.
        in_order(mount, small)
        check(0 < pushed(mount) <= RECORDS // 2, f'{pushed(mount)} pushed')
        equal(stat(mount.dir, 'framefs_pushed_bytes_total'), 100 * pushed(mount), 'bytes')
    with Mount(TAG4, archive) as mount:
        paths = mount.records()
        r = random.Random(5)
        # No two neighbours one after the other.
        for number in r.sample(range(0, RECORDS, 2), RECORDS // 2):
            equal(harness.read(paths[number]), small[number], f'record {number}')
        equal(pushed(mount), 0, 'pushed')
    for value in ('1048577', 'x', '-1', ''):
        framefs('mount', TAG4, '-o', f'push={value}', archive, harness.make_dir(), status=2)


@test('empty records do not end a stream, 33 of them in a row do')
def empty():
    for gap in (32, 33):
        want = ([b'x' * 100] + [b''] * gap) * 100
        with Mount(TAG4, harness.write(tag4(want))) as mount:
            for _ in range(ROUNDS_MAX if gap == 32 else 1):
                in_order(mount, want)
                if pushed(mount) > 0:
                    break
                harness.drop_caches(pages=True)
            equal(pushed(mount) > 0, gap == 32, f'pushed with {gap} empty ones in between')


@test('what is asked for although it was pushed ends a stream')
def met():
    small = [b'%08d' % n for n in range(RECORDS)]
    archive = harness.write(tag4(small))
    with Mount(TAG4, archive) as mount:
        paths = mount.records()
        for number in list(range(RECORDS)) * ROUNDS_MAX:
            with open(paths[number], 'rb', buffering=0) as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                equal(file.read(), small[number], f'record {number}')
            if stat(mount.dir, 'framefs_push_met_total') > 0:
                break
        check(stat(mount.dir, 'framefs_push_met_total') > 0, 'none was met')
        check(stat(mount.dir, 'framefs_push_wasted_total') > 0, 'none was wasted')


@test('eight readers in order and at random, and caches that are dropped: the same bytes')
def many_readers():
    want = payloads()
    archive = harness.write(tag4(want))
    for layout in ('tree', 'flat'):
        with Mount(TAG4, '-o', f'layout={layout}', archive) as mount:
            with RecordReaders(mount, want) as readers:
                for _ in range(5):
                    readers.go_on(200)
                    harness.drop_caches(pages=True)
                readers.go_on(200)
            check(pushed(mount) > 0, 'nothing was pushed')


@test(f'{KILLS} times kill -9 of the worker, {KILLS // 3} upgrades: no error, no other byte')
def kills():
    want = payloads()
    archive = harness.write(tag4(want))
    with Mount(TAG4, archive) as mount:
        with RecordReaders(mount, want) as readers:
            for number in range(KILLS):
                readers.go_on(200)
                pid = stat(mount.dir, 'framefs_worker_pid')
                os.kill(pid, signal.SIGKILL if number % 5 else signal.SIGTERM)
                harness.wait_for(lambda pid=pid: stat(mount.dir, 'framefs_worker_pid') != pid,
                                 'another worker')
            for _ in range(KILLS // 3):
                readers.go_on(200)
                framefs('upgrade', mount.dir)
        equal(stat(mount.dir, 'framefs_upgrades_failed_total'), 0, 'upgrades that failed')
        check(pushed(mount) > 0, 'nothing was pushed')


# Reads what the mount shows, in order from anywhere on, until a read fails.
READER = """
import os, random, sys
paths = sorted(entry.path for entry in os.scandir(sys.argv[1]))
r = random.Random(int(sys.argv[2]))
print(flush=True)
while True:
    first = r.choice([0, r.randrange(len(paths))])
    for path in paths[first:first + 1000]:
        try:
            with open(path, 'rb', buffering=0) as file:
                file.read(65536)
                if r.random() < 0.3:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        except OSError:
            sys.exit(0)
"""


class Programs:
    """Readers that are processes, so that one that hangs does not hang the test."""

    def __init__(self, directory, count=8):
        self.directory = directory
        self.running = [subprocess.Popen([sys.executable, '-c', READER, directory, str(seed)],
                                         stdout=subprocess.PIPE) for seed in range(count)]

    def __enter__(self):
        for program in self.running:
            program.stdout.readline()
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None and harness.is_mounted(self.directory):
            # Ends the wait of those who hang.
            harness.run('umount', '-f', self.directory, status=None)
        for program in self.running:
            program.stdout.close()
            if kind is not None:
                program.kill()
            program.wait(harness.LIMIT_S)

    def ended(self):
        return all(program.poll() is not None for program in self.running)


def waits_in_kernel(pid):
    """Whether one of its threads is in a wait that no signal ends."""
    for task in harness.tasks_of(pid):
        with contextlib.suppress(OSError):
            with open(f'/proc/{pid}/task/{task}/stat', 'rb') as stream:
                if stream.read().rsplit(b')', 1)[1].split()[0] == b'D':
                    return True
    return False


@test(f'{KILLS} times kill -9 of the worker, alone without survival, else with the supervisor, '
      'while the thread that pushes waits for what they have in hand: everything ends')
def all_killed():
    want = [b'%08d' % n * 9 for n in range(RECORDS)]
    archive = harness.write(tag4(want))
    for number in range(KILLS):
        nosurvive = number % 3 == 2
        with faulty(delay_us=20000), \
                Mount(TAG4, '--no-index', '-o', 'layout=flat' + ',nosurvive' * nosurvive, archive,
                      dead=True) as mount, Programs(mount.dir) as programs:
            server, worker = mount.server, mount.worker
            harness.wait_for(lambda pid=worker: waits_in_kernel(pid), 'it waits')
            if not nosurvive:
                os.kill(server, signal.SIGKILL)
            os.kill(worker, signal.SIGKILL)
            harness.wait_for(programs.ended, 'readers end')
            for pid in (server, worker):
                with contextlib.suppress(ChildProcessError):
                    harness.wait_exit(pid)
            mount.servers = []


@test('unmounted and aborted in the middle: everything ends')
def ends():
    want = payloads()
    archive = harness.write(tag4(want))
    for how in ('lazy', 'abort', 'signal'):
        mount = Mount(TAG4, archive, dead=True)
        reader = subprocess.Popen(['sh', '-c', f'while cat {mount.dir}/* >/dev/null; do :; done'],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  start_new_session=True)
        try:
            harness.wait_for(lambda m=mount: pushed(m) > 100, 'pushed records')
            device = os.stat(mount.dir).st_dev
            if how == 'lazy':
                framefs('umount', '--lazy', mount.dir)
            elif how == 'signal':
                os.kill(mount.server, signal.SIGTERM)
            else:
                abort = f'/sys/fs/fuse/connections/{os.minor(device)}/abort'
                if not os.path.exists(abort):
                    harness.run('umount', '-f', mount.dir, status=None)
                else:
                    with open(abort, 'w', encoding='ascii') as stream:
                        stream.write('1')
            reader.wait(harness.LIMIT_S)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(reader.pid, signal.SIGKILL)
            reader.wait(harness.LIMIT_S)
        for pid in mount.servers:
            harness.wait_exit(pid)
        mount.servers = []
        mount.close()


@test('verify=read: a damaged record is an error and is never pushed, its neighbours are fine')
def verified():
    want = [b'record %06d' % n * 5 for n in range(3000)]
    content = bytearray(harness.tfrecord(want))
    size = 12 + len(want[0]) + 4
    for number in (700, 1500):
        content[number * size + 20] ^= 1
    archive = harness.write(bytes(content))
    with Mount('--format=tfrecord', '-o', 'verify=read', archive) as mount:
        for number, path in enumerate(harness.walk(mount.dir)):
            if number in (700, 1500):
                harness.fails(errno.EIO, harness.read, path)
                harness.fails(errno.EIO, harness.read, path)
            else:
                equal(harness.read(path), want[number], path)
        check(pushed(mount) > 100, f'{pushed(mount)} pushed')


def outcomes(mount):
    """Of all records, in order: their bytes, or None for EIO."""
    found = []
    for path in harness.walk(mount.dir):
        try:
            found.append(harness.read(path))
        except OSError as error:
            equal(error.errno, errno.EIO, path)
            found.append(None)
    return found


def failing(want, kind, content, bad, options=(), **faults):
    """Reads all while reads fail: errors for the bad ones (None: it cannot be told for which),
    again and again, right bytes of all others; then, without faults, of all, but for those whose
    checksum is known to be wrong."""
    archive = harness.write(content)
    later = [None if 'flip' in faults and number in bad else payload
             for number, payload in enumerate(want)]
    with faulty(on=False, **faults) as switch, \
            Mount(kind, '--no-index', *options, archive) as mount:
        mount.records()
        turn(switch, True)
        for _ in range(ROUNDS_MAX):
            for number, got in enumerate(outcomes(mount)):
                may_fail = number in bad if bad is not None else True
                check(got == want[number] or (got is None and may_fail),
                      f'record {number}: {harness.brief(got)}')
                check(bad is None or got is None or number not in bad, f'record {number} is read')
            if pushed(mount) > len(want) // 20:
                break
            harness.drop_caches(pages=True)
        check(pushed(mount) > len(want) // 20, f'{pushed(mount)} pushed')
        turn(switch, False)
        check(outcomes(mount) == later, 'records, without faults')
        harness.drop_caches(pages=True)
        check(outcomes(mount) == later, 'records, without faults, read again')


@test('reads of some bytes that fail: errors for their records, which are never pushed')
def failing_place():
    want = [b'%08d' % n * 20 for n in range(2000)]
    size = 12 + len(want[0])
    # From the middle of one record to the middle of another.
    failing(want, TAG4, tag4(want), set(range(700, 704)), range=700 * size + 12 + 50,
            range_len=3 * size)


@test('reads that fail now and then, come late or are cut short: errors or the right bytes')
def failing_reads():
    want = payloads(1500, seed=9)
    for faults in ({'eio': 5}, {'short': 1}, {'short': 2, 'eio': 20, 'delay_us': 500}):
        failing(want, TAG4, tag4(want), set() if 'eio' not in faults else None, seed=3, **faults)


@test('verify=read: a record whose bytes are read otherwise than they are is never pushed')
def failing_bits():
    want = [b'record %06d' % n * 5 for n in range(2000)]
    size = 12 + len(want[0]) + 4
    failing(want, '--format=tfrecord', harness.tfrecord(want), {900}, ('-o', 'verify=read'),
            flip=900 * size + 12 + 30)


@test('an archive that is cut or edited: what was pushed before is right, nothing is after')
def changed():
    want = [b'%08d' % n * 20 for n in range(RECORDS)]
    archive = harness.write(tag4(want))
    half = RECORDS // 2
    with Mount(TAG4, archive) as mount:
        paths = mount.records()
        read_until_pushed(mount, paths[:half], want)
        with open(archive, 'r+b') as stream:
            stream.write(b'x' * 100000)
            stream.truncate(len(want) * 80)
        for path in paths[half:half + 100]:
            harness.fails(errno.EIO, harness.read, path)
        for number in range(half):
            with contextlib.suppress(OSError):
                equal(harness.read(paths[number]), want[number], paths[number])
        harness.drop_caches(pages=True)
        for path in paths[::25]:
            harness.fails(errno.EIO, harness.read, path)


@test('a listing told by names alone is told anew when reading begins')
def renewed():
    count = 70_000
    want = [b'%08d' % n for n in range(count)]
    archive = harness.write(tag4(want))
    with Mount(TAG4, '-o', 'layout=tree', archive) as mount:
        # Too many to be told in full while nobody reads.
        equal(len(mount.records()), count, 'records')
        in_order(mount, want)
        harness.drop_caches(pages=True)
        lookups = stat(mount.dir, 'framefs_requests_total{op="lookup"}')
        in_order(mount, want)
        more = stat(mount.dir, 'framefs_requests_total{op="lookup"}') - lookups
        check(more < count // 10, f'{more} look-ups')
        check(pushed(mount) > count // 4, f'{pushed(mount)} pushed')


harness.main()
