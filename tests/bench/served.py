"""A mount as the scale measures it: what its processes hold, how long names take, whether records
are those that were generated."""

import os
import random
import re
import subprocess
import sys
import time

from measure import SEED, run

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'e2e'))
from handles import handle_of, open_handle  # noqa: E402 (its folder is known only now)
from harness import memory_kib  # noqa: E402, F401 (for who imports it from here)

SAMPLES = 200
PAGES = 41


class Wrong(Exception):
    """What was read is not what was generated."""


def sampled(records, count=SAMPLES):
    """First, middle and last record, and others anywhere."""
    generator = random.Random(SEED)
    return [0, records // 2, records - 1] + [generator.randrange(records) for _ in range(count)]


def name_of(number):
    return f'{number // 10**6:03}/{number // 1000 % 1000:03}/{number:09}'


def check_files(path, payload, numbers):
    """path, payload: of a record's number."""
    for number in numbers:
        with open(path(number), 'rb') as stream:
            if stream.read() != payload(number):
                raise Wrong(f'{path(number)}: record {number} is not as generated')


def stat_of(mountpoint, name):
    with open(os.path.join(mountpoint, '.framefs', 'stats'), encoding='utf-8') as stream:
        return int(re.search(rf'^{name}(?:{{.*}})? (\d+)$', stream.read(), re.M).group(1))


def smaps(pid):
    """[(path, {key: KiB})] of each mapping."""
    found = []
    with open(f'/proc/{pid}/smaps', encoding='utf-8', errors='replace') as lines:
        for line in lines:
            fields = line.split()
            if not fields[0].endswith(':'):
                found.append((fields[5] if len(fields) > 5 else '', {}))
            elif len(fields) == 3 and fields[2] == 'kB':
                found[-1][1][fields[0][:-1]] = int(fields[1])
    return found


class Served:
    """framefs mount OPTIONS ARCHIVE DIR in layout=tree, until the end of the with block."""

    def __init__(self, bench, archive, *options, by=()):
        self.bench, self.dir = bench, bench.mountpoint
        try:
            out = bench.spent(self.path(0), bench.framefs, 'mount', *options, '-o', 'layout=tree',
                              archive, self.dir, by=by)
        except BaseException:
            if os.path.ismount(self.dir):
                self.__exit__()
            raise
        self.first_bytes_s = out.wall_s

    def __enter__(self):
        return self

    def __exit__(self, *error):
        run(self.bench.framefs, 'umount', self.dir)

    def path(self, number):
        return os.path.join(self.dir, name_of(number))

    def stat(self, name):
        return stat_of(self.dir, name)

    def check(self, payload, numbers):
        check_files(self.path, payload, numbers)

    def pages_s(self, records):
        """Seconds until the first entries of a directory are there, each a new one."""
        times = []
        for number in (records * page // PAGES for page in range(PAGES)):
            path = os.path.dirname(self.path(number))
            begin = time.perf_counter()
            with os.scandir(path) as entries:
                first = next(entries)
            times.append(time.perf_counter() - begin)
            if first.name != f'{number // 1000 * 1000:09}':
                raise Wrong(f'{path} begins with {first.name}')
        return times

    def check_listings(self, records):
        """The root's, and of first, middle and last record the two that lead there."""
        last = records - 1
        expected = {self.dir: [f'{i:03}' for i in range(last // 10**6 + 1)]}
        for number in (0, records // 2, last):
            million, thousand = number // 10**6, number // 1000
            path = os.path.dirname(self.path(number))
            expected[os.path.dirname(path)] = [
                f'{i % 1000:03}' for i in range(million * 1000, last // 1000 + 1)[:1000]]
            expected[path] = [f'{i:09}' for i in range(thousand * 1000, records)[:1000]]
        for path, names in expected.items():
            if os.listdir(path) != names:
                raise Wrong(f'{path} is not listed as it should be')
        if os.path.exists(self.path(records)):
            raise Wrong(f'there is a record {records}')

    def look_ups_s(self, payload, records, count):
        """Seconds that each lstat of a random record takes."""
        generator, times = random.Random(SEED + 1), []
        for number in (generator.randrange(records) for _ in range(count)):
            path = self.path(number)
            begin = time.perf_counter()
            size = os.lstat(path).st_size
            times.append(time.perf_counter() - begin)
            if size != len(payload(number)):
                raise Wrong(f'record {number} has {size} bytes')
        return times

    def handles(self, numbers):
        """{number: its file's handle}, as an NFS server keeps them."""
        return {number: handle_of(self.path(number)) for number in numbers}

    def handles_s(self, payload, handles):
        """Seconds that each handle takes to be opened."""
        times = []
        for number, handle in handles.items():
            begin = time.perf_counter()
            descriptor = open_handle(self.dir, handle)
            times.append(time.perf_counter() - begin)
            with open(descriptor, 'rb') as stream:
                if stream.read() != payload(number):
                    raise Wrong(f'the handle of record {number} leads to other bytes')
        return times

    def find(self, records):
        """find | wc -l over all; seconds."""
        begin = time.perf_counter()
        with subprocess.Popen(['find', self.dir, '-type', 'f'], stdout=subprocess.PIPE) as listing:
            found = int(subprocess.run(['wc', '-l'], stdin=listing.stdout, check=True,
                                       stdout=subprocess.PIPE).stdout)
        if found != records:
            raise Wrong(f'find lists {found} of {records} records')
        return time.perf_counter() - begin

    def memory(self, index):
        """MiB of supervisor and worker: private, shared (what both have counts twice), and of
        the index file's mapping what is resident."""
        private = shared = mapped = 0
        for pid in (self.stat('framefs_pid'), self.stat('framefs_worker_pid')):
            for path, sizes in smaps(pid):
                if path and index and path == os.path.realpath(index):
                    mapped += sizes['Rss']
                    continue
                own = sizes.get('Private_Clean', 0) + sizes.get('Private_Dirty', 0)
                private += own
                shared += sizes.get('Rss', 0) - own
        return {'private_mib': private / 1024, 'shared_mib': shared / 1024,
                'mapped_mib': mapped / 1024}
