#!/usr/bin/env python3
"""A mount under mixed load for a long time, its worker killed and its program replaced on the way:
no error, no wrong byte, no memory or descriptor that is not given back.

    test_soak.py [--minutes N]    one minute without it, half of one under a sanitizer; and a part
                                  of that again with direct reads
"""

import ctypes
import errno
import json
import mmap
import os
import random
import re
import select
import signal
import statistics
import struct
import sys
import threading
import time

import harness
from harness import Mount, check, equal, framefs, test

SEED = 11
READERS = 4
FLAT, TREE, BIG_BYTES = 5000, 70000, 16 << 20
MANY = 500  # of one program
QUIET_S = (0.2, 6)  # between two kills
SAMPLE_S = 0.1
BLOCK, DIRECT_BYTES = 4096, 65536
DIRECT_PART = 4  # of the time
MS_REMOUNT = 32
KILLS_FOR_UPGRADE = 8
FORGET_S = 1  # so often the kernel forgets names
# Between the first and the last tenth of the time.
GROWTH_MAX, GROWTH_MAX_KIB = 1.1, 2048
WORKER_GROWTH_MAX, WORKER_GROWTH_MAX_KIB = 1.5, 16384
SPARE_MAX = 2  # descriptors for a spare worker, which is there at times
TAKEOVER_MAX = 3 + SPARE_MAX  # while one worker takes over from another
WRONG_MAX = 5  # enough to be told


def minutes():
    if '--minutes' not in sys.argv:
        return 0.5 if harness.under_sanitizer() else 1.0
    at = sys.argv.index('--minutes')
    value = float(sys.argv[at + 1])
    del sys.argv[at:at + 2]
    return value


MINUTES = minutes()


class Archive:
    """Records, where each begins, and what the mount calls it."""

    def __init__(self, folder, name, payloads, directories):
        self.name, self.directories = name, directories
        self.path = os.path.join(folder, name)
        self.places = []
        parts, offset = [], 0
        for payload in payloads:
            parts.append(b'soak' + struct.pack('<q', len(payload)) + payload)
            self.places.append((offset + 12, len(payload)))
            offset += len(parts[-1])
        self.bytes = b''.join(parts)
        harness.write(self.bytes, name, folder)

    def payload(self, number):
        offset, length = self.places[number]
        return self.bytes[offset:offset + length]

    def frames(self, first, last):
        end, length = self.places[last]
        return self.bytes[self.places[first][0] - 12:end + length]

    def file(self, number):
        if self.directories:
            return f'{number // 1000000:03}/{number // 1000 % 1000:03}/{number:09}'
        return f'{number:08}'


def make_archives():
    r = random.Random(SEED)
    folder = harness.make_dir()
    block = r.randbytes(1 << 20)
    return [
        Archive(folder, 'flat', (r.randbytes(r.randrange(500)) for _ in range(FLAT)), False),
        Archive(folder, 'tree', (r.randbytes(r.randrange(60)) for _ in range(TREE)), True),
        Archive(folder, 'big', (block * (size >> 20) for size in (BIG_BYTES, 1 << 20)), False),
    ]


class Reader:
    """A thread that asks for this and that, and compares."""

    def __init__(self, soak, seed):
        self.soak, self.r = soak, random.Random(seed)
        self.done = {}
        self.thread = threading.Thread(target=self.run)
        self.acts = [(self.small, 60), (self.stat, 10), (self.xattr, 10), (self.anywhere, 10),
                     (self.direct, 6), (self.made, 2), (self.missing, 4), (self.slice, 4),
                     (self.many, 1), (self.texts, 2), (self.ls, 1), (self.find, 0.05),
                     (self.big, 0.5), (self.write, 1)]

    def run(self):
        acts, weights = zip(*self.acts)
        while not self.soak.stop:
            act = self.r.choices(acts, weights)[0]
            try:
                act()
            except Exception as error:  # whatever it is, it is told at the end
                self.soak.complain(f'{act.__name__}: {error!r}')
            self.done[act.__name__] = self.done.get(act.__name__, 0) + 1

    def record(self, *names):
        archive = self.soak.archives[self.r.choice(names)]
        number = self.r.randrange(len(archive.places))
        return archive, number, self.soak.mount.path(archive.name, archive.file(number))

    def same(self, got, want, what):
        if got != want:
            self.soak.complain(f'{what}: {harness.brief(got)} instead of {harness.brief(want)}')

    @staticmethod
    def open(path):
        """A file of which the kernel keeps no byte."""
        file = open(path, 'rb', buffering=0)
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return file

    def small(self):
        archive, number, path = self.record('flat', 'tree')
        with self.open(path) as file:
            self.same(file.read(1 << 16), archive.payload(number), path)

    def many(self):
        archive = self.record('flat', 'tree')[0]
        first = self.r.randrange(len(archive.places) - MANY)
        numbers = range(first, first + MANY)
        out = harness.run('cat', *(self.soak.mount.path(archive.name, archive.file(number))
                                   for number in numbers)).out
        self.same(out, b''.join(map(archive.payload, numbers)), f'{MANY} records from {first} on')

    def stat(self):
        archive, number, path = self.record('flat', 'tree', 'big')
        self.same(os.stat(path).st_size, archive.places[number][1], path)

    def xattr(self):
        archive, number, path = self.record('flat', 'tree', 'big')
        self.same(int(os.getxattr(path, 'user.framefs.offset')), archive.places[number][0] - 12,
                  path)

    def anywhere(self):
        archive, number, path = self.record('big')
        offset = self.r.randrange(archive.places[number][1])
        with self.open(path) as file:
            self.same(os.pread(file.fileno(), 4096, offset),
                      archive.payload(number)[offset:offset + 4096], path)

    def big(self):
        archive, number, path = self.record('big')
        payload, offset = archive.payload(number), 0
        with self.open(path) as file:
            while block := file.read(1 << 20):
                self.same(block, payload[offset:offset + len(block)], f'{path} at {offset}')
                offset += len(block)
        self.same(offset, len(payload), path)

    def direct(self):
        """Past the cache, also of what others have in it."""
        archive, number, path = self.record('flat', 'tree', 'big')
        offset = self.r.randrange(archive.places[number][1] // BLOCK + 1) * BLOCK
        with mmap.mmap(-1, DIRECT_BYTES) as place:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECT)
            try:
                got = os.preadv(descriptor, [place], offset)
            finally:
                os.close(descriptor)
            self.same(place[:got], archive.payload(number)[offset:offset + DIRECT_BYTES],
                      f'{path} at {offset}')

    def made(self):
        """The generated file, some of it in order."""
        path = self.soak.mount.path('.framefs', 'synthetic')
        offset = self.r.randrange(1 << 20) << 20
        with self.open(path) as file:
            file.seek(offset)
            for at in range(offset, offset + (self.r.choice([1, 1, 1, 100]) << 20), 1 << 20):
                block = file.read(1 << 20)
                self.same(len(block), 1 << 20, f'{path} at {at}')
                for place in (0, len(block) // 2, len(block) - 8):
                    self.same(block[place:place + 8], struct.pack('>Q', at + place),
                              f'{path} at {at + place}')

    def missing(self):
        archive, number, path = self.record('flat', 'tree')
        harness.fails(errno.ENOENT, os.stat, f'{path}-{self.r.randrange(1000)}')

    def write(self):
        path = self.record('flat', 'tree', 'big')[2]
        harness.fails(errno.EROFS, os.open, path, os.O_WRONLY)

    def slice(self):
        archive, number, _ = self.record('flat', 'tree')
        last = min(number + self.r.randrange(50), len(archive.places) - 1)
        name = f'{number}-{last}'
        path = self.soak.mount.path(archive.name, '.framefs', 'slice', name)
        with self.open(path) as file:
            self.same(file.read(1 << 16), archive.frames(number, last), path)

    def texts(self):
        archive = self.record('flat', 'tree', 'big')[0]
        control = self.soak.mount.path(archive.name, '.framefs')
        info = json.loads(harness.read(os.path.join(control, 'info.json')))
        self.same(info[0]['format'], 'tag4-i64le', 'format')
        os.stat(os.path.join(control, 'damage'))
        self.soak.stats()

    def ls(self):
        archive = self.soak.archives['flat']
        entries = os.listdir(self.soak.mount.path(archive.name))
        self.same(len([name for name in entries if name != '.framefs']), FLAT, 'entries')

    def find(self):
        out = harness.run('find', self.soak.mount.path('tree'), '-name', '.framefs', '-prune', '-o',
                          '-type', 'f', '-print').out
        self.same(out.count(b'\n'), TREE, 'found')


class Soak:
    def __init__(self, mount, archives):
        self.mount = mount
        self.archives = {archive.name: archive for archive in archives}
        self.stop = False
        self.wrong, self.samples = [], []
        self.kills = self.upgrades = 0
        self.readers = [Reader(self, seed) for seed in range(READERS)]

    def complain(self, text):
        self.wrong.append(f'after {self.kills} kills, {self.upgrades} upgrades: {text[-400:]}')
        if len(self.wrong) >= WRONG_MAX:
            self.stop = True

    def stats(self):
        text = harness.read(self.mount.path('.framefs', 'stats')).decode()
        found = {}
        for name, value in re.findall(r'^(\w+)(?:{.*})? (\d+)$', text, re.M):
            found[name] = found.get(name, 0) + int(value)
        return found

    def sample(self):
        """Memory and descriptors of supervisor and worker, now."""
        pids = self.mount.server, self.stats()['framefs_worker_pid']
        values = [time.monotonic()]
        for pid in pids:
            try:
                values += [harness.memory_kib(pid), len(os.listdir(f'/proc/{pid}/fd'))]
            except (OSError, harness.Failure):
                return  # has ended meanwhile
        self.samples.append(values)

    def disturb(self):
        """Kills the worker, or lets the program replace itself, and waits for the next worker."""
        if self.kills % KILLS_FOR_UPGRADE == KILLS_FOR_UPGRADE - 1:
            framefs('upgrade', self.mount.dir)
            self.upgrades += 1
        worker = self.stats()['framefs_worker_pid']
        os.kill(worker, signal.SIGKILL)
        self.kills += 1
        harness.wait_for(lambda: self.stats()['framefs_worker_pid'] != worker, 'another worker')

    def run(self, seconds):
        r = random.Random(SEED)
        begin = time.monotonic()
        quiet, drop = begin, begin
        for reader in self.readers:
            reader.thread.start()
        try:
            while not self.stop and time.monotonic() < begin + seconds:
                now = time.monotonic()
                if now >= quiet:
                    self.disturb()
                    quiet = time.monotonic() + r.uniform(*QUIET_S)
                if now >= drop and os.geteuid() == 0:
                    drop = now + FORGET_S
                    forget(self.mount)
                self.sample()
                select.select([], [], [], SAMPLE_S)
        finally:
            end = time.monotonic()
            self.stop = True
            for reader in self.readers:
                reader.thread.join()
        return begin, end

    def report(self, begin, end):
        stats = self.stats()
        done = {}
        for reader in self.readers:
            for name, count in reader.done.items():
                done[name] = done.get(name, 0) + count
        print(f'# {end - begin:.0f} s: {stats["framefs_requests_total"]} requests, '
              f'{stats["framefs_read_bytes_total"] >> 20} MiB read, {self.kills} kills, '
              f'{self.upgrades} upgrades, {stats["framefs_resent_total"]} sent again, '
              f'{stats["framefs_condemned_total"]} condemned')
        print(f'# {", ".join(f"{name} {count}" for name, count in sorted(done.items()))}')
        return stats


def forget(mount):
    """The kernel forgets all names of the mount that nobody uses: a remount does that."""
    flags = MS_REMOUNT | os.ST_RDONLY | os.ST_NOSUID | os.ST_NODEV
    if harness.libc.mount(None, os.fsencode(mount.dir), None, flags, None) < 0:
        raise OSError(ctypes.get_errno(), 'remount')


def compare(soak):
    """The first tenth of the samples against the last."""
    count = max(2, len(soak.samples) // 10)
    check(len(soak.samples) >= 2 * count, f'{len(soak.samples)} samples')
    first, last = ([s[1:] for s in part] for part in (soak.samples[:count], soak.samples[-count:]))
    was, now = ([statistics.median(values) for values in zip(*part)] for part in (first, last))
    for number, name in enumerate(('supervisor', 'worker')):
        print(f'# {name}: {was[2 * number]:.0f} KiB, {was[2 * number + 1]:.0f} descriptors in the '
              f'beginning; {now[2 * number]:.0f} KiB, {now[2 * number + 1]:.0f} at the end')
    check(abs(now[1] - was[1]) <= SPARE_MAX, f"the supervisor's descriptors: {was[1]}, {now[1]}")
    # Another program that takes over begins with few: what leaked before is gone then.
    most = max(sample[2] for sample in soak.samples)
    check(most <= was[1] + TAKEOVER_MAX, f"the supervisor's descriptors: {was[1]}, then {most}")
    check(abs(now[3] - was[3]) <= 1, f"the worker's descriptors: {was[3]}, {now[3]}")
    if harness.under_sanitizer():
        return
    check(now[0] <= was[0] * GROWTH_MAX + GROWTH_MAX_KIB, f'supervisor: {was[0]}, {now[0]} KiB')
    check(now[2] <= was[2] * WORKER_GROWTH_MAX + WORKER_GROWTH_MAX_KIB,
          f'worker: {was[2]}, {now[2]} KiB')


def load(minutes, options):
    archives = make_archives()
    with Mount('--format=tag4-i64le', '-o', 'control=listed' + options,
               *(a.path for a in archives)) as mount:
        soak = Soak(mount, archives)
        begin, end = soak.run(minutes * 60)
        stats = soak.report(begin, end)
        check(not soak.wrong, '\n'.join(soak.wrong))
        equal(stats['framefs_restarts_total'], soak.kills, 'restarts')
        equal(stats['framefs_upgrades_total'], soak.upgrades, 'upgrades')
        for name in ('framefs_condemned_total', 'framefs_errors_total',
                     'framefs_upgrades_failed_total'):
            equal(stats[name], 0, name)
        compare(soak)


@test(f'{MINUTES:g} minutes of mixed load, kills and upgrades: no error, nothing grows')
def cached():
    load(MINUTES, '')


@test(f'{MINUTES / DIRECT_PART:g} minutes of it with direct_io')
def uncached():
    load(MINUTES / DIRECT_PART, ',direct_io')


harness.main()
