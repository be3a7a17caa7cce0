#!/usr/bin/env python3
"""Archives whose reads fail, are cut short, come late or lie, through a mount: by a build of the
program for tests (faulty.c)."""

import errno
import mmap
import os
import random
import re
import signal
import threading

import harness
from harness import Foreground, check, contains, equal, fails, test

harness.FRAMEFS = os.path.abspath(os.environ.get('FRAMEFS_FAULTY', 'framefs-faulty'))
TAG4 = '--format=tag4-i64le'
COUNT = 300
SEEDS = int(os.environ.get('FF_ROUNDS', '12'))
HEADER_BYTES = 12


class Faulty:
    """The mount of an archive with these faults, which happen while they are on."""

    def __init__(self, payloads, *options, on=False, framed=harness.tag4, kind=TAG4, **faults):
        self.payloads = payloads
        content = framed(payloads)
        self.path = harness.write(content)
        self.switch = harness.write(b'1' if on else b'0', 'switch')
        os.environ['FRAMEFS_FAULTS'] = ','.join(f'{name}={value}'
                                                for name, value in faults.items())
        os.environ['FRAMEFS_FAULTS_SWITCH'] = self.switch
        self.mount = Foreground(kind, '-o', 'control=listed', *options, self.path)
        self.dir = self.mount.dir
        # Usable, not only mounted.
        self.stat('framefs_restarts_total')

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.mount.__exit__(*error)

    def turn(self, on):
        with open(self.switch, 'r+b') as stream:
            stream.write(b'1' if on else b'0')

    def read(self, number):
        return harness.read(os.path.join(self.dir, f'{number:08}'))

    def outcomes(self):
        """Of each record: its bytes or None for EIO."""
        found = []
        for number in range(len(self.payloads)):
            try:
                found.append(self.read(number))
            except OSError as error:
                equal(error.errno, errno.EIO, f'record {number}')
                found.append(None)
        return found

    def worker(self):
        return harness.children_of(self.mount.process.pid, 'framefs-worker')

    def kill(self):
        """Worker and spare."""
        for pid in harness.children_of(self.mount.process.pid)[::-1]:
            os.kill(pid, signal.SIGKILL)

    def stat(self, name):
        text = harness.read(os.path.join(self.dir, '.framefs', 'stats')).decode()
        return int(re.search(rf'^{name} (\d+)$', text, re.M)[1])


def payloads_of(seed, count=COUNT, most=6000):
    r = random.Random(seed)
    return [r.randbytes(r.randrange(1, most)) for _ in range(count)]


def offset_of(payloads, number):
    """Of the payload in the archive."""
    return sum(map(len, payloads[:number])) + HEADER_BYTES * (number + 1)


@test('reads that fail: EIO for their records, right bytes of all others, and of all later')
def eio():
    payloads = payloads_of(1)
    with Faulty(payloads, eio=3, seed=5) as faulty:
        worker = faulty.worker()
        faulty.turn(True)
        outcomes = faulty.outcomes()
        for number, outcome in enumerate(outcomes):
            check(outcome in (None, payloads[number]), f'record {number}: other bytes')
        failed = outcomes.count(None)
        check(COUNT // 10 < failed < COUNT * 9 // 10, f'{failed} of {COUNT} failed')
        check(faulty.stat('framefs_errors_total') >= failed, 'errors are counted')
        faulty.mount.says(faulty.path, os.strerror(errno.EIO))
        lines = faulty.mount.messages().count('\n')
        check(lines < 100, f'{lines} lines are logged')
        faulty.turn(False)
        equal(faulty.outcomes() == payloads, True, 'records, later')
        equal(faulty.worker(), worker, 'worker')


@test('reads that are cut short give whole records, slices and archives')
def short():
    payloads = payloads_of(2) + [random.Random(2).randbytes(3 << 20)]
    content = harness.tag4(payloads)
    with Faulty(payloads, short=1, on=True) as faulty:
        equal(faulty.outcomes() == payloads, True, 'records')
        control = os.path.join(faulty.dir, '.framefs')
        equal(harness.read(os.path.join(control, 'archive')) == content, True, 'archive')
        equal(harness.read(os.path.join(control, 'all')) == b''.join(payloads), True, 'all')
        begin = offset_of(payloads, 10) - HEADER_BYTES
        end = offset_of(payloads, 20) - HEADER_BYTES
        equal(harness.read(os.path.join(control, 'slice', '10-19')), content[begin:end], 'slice')


@test('slow reads of many readers: all right, also when the worker is killed meanwhile')
def slow():
    payloads = payloads_of(3)
    wrong = []
    with Faulty(payloads, delay_us=3000) as faulty:
        faulty.turn(True)

        def read(first):
            try:
                for number in range(first, COUNT, 8):
                    if faulty.read(number) != payloads[number]:
                        wrong.append(number)
            except OSError as error:
                wrong.append(error)
        threads = [threading.Thread(target=read, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            before = faulty.stat('framefs_read_bytes_total')
            harness.wait_for(lambda before=before: faulty.stat('framefs_read_bytes_total') > before
                             or not any(t.is_alive() for t in threads), 'reads')
            worker = faulty.worker()
            os.kill(worker[0], signal.SIGKILL)
            harness.wait_for(lambda worker=worker: faulty.worker() not in ([], worker), 'a worker')
        for thread in threads:
            thread.join()
        equal(wrong, [], 'reads')
        equal(faulty.stat('framefs_restarts_total'), 3, 'restarts')


@test('an archive that ends before its records: EIO and a message, never zeros')
def end():
    payloads = payloads_of(4)
    middle = COUNT // 2
    with Faulty(payloads, end=offset_of(payloads, middle) + 1) as faulty:
        faulty.turn(True)
        outcomes = faulty.outcomes()
        equal(outcomes[:middle] == payloads[:middle], True, 'records before the end')
        equal(outcomes[middle:], [None] * (COUNT - middle), 'records behind it')
        faulty.mount.says('mount it again')


@test('an archive that was replaced: EIO and a message, never the other one\'s bytes')
def replaced():
    payloads = payloads_of(5)
    with Faulty(payloads, check=errno.ESTALE) as faulty:
        faulty.turn(True)
        equal(faulty.outcomes(), [None] * COUNT, 'records')
        faulty.mount.says('mount it again')


@test('a place that cannot be read: EIO there, the rest of the record can be read')
def bad_place():
    size = 3 << 20
    payloads = [random.Random(6).randbytes(size), b'next']
    with Faulty(payloads, range=HEADER_BYTES + (1 << 20) + 5000, range_len=10) as faulty, \
            mmap.mmap(-1, 4096) as buffer:
        faulty.turn(True)
        descriptor = os.open(os.path.join(faulty.dir, '00000000'), os.O_RDONLY | os.O_DIRECT)
        try:
            for offset in range(0, size, 4096):
                if offset == (1 << 20) + 4096:
                    fails(errno.EIO, os.preadv, descriptor, [buffer], offset)
                    continue
                equal(os.preadv(descriptor, [buffer], offset), 4096, f'read at {offset}')
                equal(buffer[:] == payloads[0][offset:offset + 4096], True, f'at {offset}')
        finally:
            os.close(descriptor)
        equal(faulty.read(1), b'next', 'the other record')


@test('a byte that lies: with verify=read its record is EIO, without it is served')
def flip():
    payloads = payloads_of(7, 40, 400)
    at = sum(len(p) + 16 for p in payloads[:17]) + 12 + 3
    lie = bytearray(payloads[17])
    lie[3] ^= 0xff
    for options, want in ((('-o', 'verify=read'), None), ((), bytes(lie))):
        with Faulty(payloads, *options, framed=harness.tfrecord, kind='--format=tfrecord',
                    flip=at) as faulty:
            faulty.turn(True)
            outcomes = faulty.outcomes()
            equal(outcomes[17], want, f'record 17 {options}')
            equal(outcomes[:17] + outcomes[18:] == payloads[:17] + payloads[18:], True, 'others')


@test('a worker that dies while nothing can be read: who asks waits, and finds all again')
def away():
    payloads = payloads_of(8)
    with Faulty(payloads, eio=1) as faulty, \
            open(os.path.join(faulty.dir, '00000005'), 'rb', buffering=0) as opened:
        faulty.turn(True)
        faulty.kill()
        faulty.mount.says(os.strerror(errno.EIO))
        outcome = []
        thread = threading.Thread(target=lambda: outcome.append(faulty.read(7)))
        thread.start()
        faulty.turn(False)
        thread.join()
        equal(outcome, [payloads[7]], 'record 7')
        equal(opened.read(1 << 16), payloads[5], 'a file that was open')
        equal(len(os.listdir(faulty.dir)), COUNT + 1, 'listing')
        equal(faulty.outcomes() == payloads, True, 'records')


@test('and when nothing can be read for long, the mount is taken away, and the log says why')
def away_for_good():
    with Faulty(payloads_of(9), eio=1) as faulty:
        faulty.turn(True)
        faulty.kill()
        equal(faulty.mount.process.wait(harness.LIMIT_S), 1, 'status')
        check(not harness.is_mounted(faulty.dir), 'still mounted')
        for part in (faulty.path, os.strerror(errno.EIO), 'the mount is given up'):
            contains(faulty.mount.messages(), part, 'message')


@test('a worker that cannot read as far as another one did: EIO, never "there is no such record"')
def short_of():
    payloads = payloads_of(10)
    middle = COUNT // 2
    begin = offset_of(payloads, middle) - HEADER_BYTES
    size = len(harness.tag4(payloads))
    # A slow scan, for there to be a spare, which cannot read as far, either.
    with Faulty(payloads, range=begin, range_len=size - begin, delay_us=20000) as faulty:
        everything = os.path.join(faulty.dir, '.framefs', 'all')
        with open(os.path.join(faulty.dir, f'{COUNT - 1:08}'), 'rb', buffering=0) as opened:
            faulty.turn(True)
            faulty.kill()
            want = [None if n >= middle else payload for n, payload in enumerate(payloads)]
            equal(faulty.outcomes() == want, True, 'records')
            fails(errno.EIO, opened.read, 1)
            fails(errno.EIO, os.listdir, faulty.dir)
            fails(errno.EIO, harness.read, everything)
            fails(errno.EIO, os.stat, os.path.join(faulty.dir, f'{COUNT:08}'))
            faulty.mount.says('not as far as before')
            harness.wait_for(lambda: harness.children_of(faulty.mount.process.pid, 'framefs-spare'),
                             'a spare')

            faulty.turn(False)
            worker = faulty.worker()
            os.kill(worker[0], signal.SIGKILL)
            harness.wait_for(lambda: faulty.worker() not in ([], worker), 'a worker')
            equal(faulty.outcomes() == payloads, True, 'records, later')
            equal(opened.read(1 << 16), payloads[-1], 'a file that was open')
            equal(len(os.listdir(faulty.dir)), COUNT + 1, 'entries')
            equal(harness.read(everything) == b''.join(payloads), True, 'all')


def listed_right(faulty):
    """Of what is listed each record has its own bytes; how many there are."""
    names = [name for name in os.listdir(faulty.dir) if name != '.framefs']
    for name in names:
        equal(harness.read(os.path.join(faulty.dir, name)) == faulty.payloads[int(name)], True,
              f'record {name}')
    return len(names)


@test(f'reads that fail or are short during the scan, {SEEDS} seeds: what is listed is right')
def scan():
    counts = set()
    for seed in range(SEEDS):
        payloads = payloads_of(seed, 2000)
        try:
            faulty = Faulty(payloads, on=True, seed=seed, eio=40, short=3)
        except harness.Failure as failure:
            contains(str(failure), 'ended at once', 'failure')
            contains(str(failure), os.strerror(errno.EIO), 'failure')
            continue
        with faulty:
            faulty.turn(False)
            count = listed_right(faulty)
            counts.add(count)
            damage = harness.read(os.path.join(faulty.dir, '.framefs', 'damage')).decode()
            if count < len(payloads):
                contains(damage, os.strerror(errno.EIO), f'damage after {count} records')
    check(len(counts) > 1, f'always {counts}')


harness.main()
