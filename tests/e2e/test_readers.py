#!/usr/bin/env python3
"""Many readers of large records at once: right bytes for all, and as much of them on the way as
there are threads to read it."""

import os
import threading

import harness
from harness import Mount, equal, test

TAG4 = '--format=tag4-i64le'
READERS = 64
PIECE = 128 << 10
RECORD_BYTES = 256 << 10
# What a mount of framefs asks the kernel for.
READS_AT_ONCE, READ_AHEAD_KIB = 64, 1024


def records():
    generator = harness.seeded(5)
    return [generator.randbytes(RECORD_BYTES + number) for number in range(READERS)]


@test('64 readers at once, each of a record of its own and of one of all, get their bytes')
def all_at_once():
    want, wrong = records(), []
    archive = harness.write(harness.tag4(want))

    def read_in_order(mount, number):
        descriptor = os.open(mount.path(f'{number:08}'), os.O_RDONLY)
        try:
            for offset in range(0, len(want[number]), PIECE):
                if os.pread(descriptor, PIECE, offset) != want[number][offset:offset + PIECE]:
                    wrong.append((number, offset))
        finally:
            os.close(descriptor)

    def read(mount, number):
        try:
            read_in_order(mount, number)
            read_in_order(mount, READERS // 2)
        except OSError as error:
            wrong.append((number, error))

    with Mount(TAG4, archive) as mount:
        threads = [threading.Thread(target=read, args=(mount, number)) for number in range(READERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        equal(wrong, [], 'wrong reads')


@test('the kernel may send 64 reads of its cache at once, and reads 1 MiB ahead')
def limits():
    if os.geteuid() != 0:
        raise harness.Skip('needs root, to look at the connections of the kernel')
    with Mount(TAG4, harness.write(harness.tag4([b'x']))) as mount:
        device = os.stat(mount.dir).st_dev
        # The mount of fusectl ends with its namespace.
        script = ('mount -t fusectl none "$1" && '
                  'cat "$1/$2/max_background" "$1/$2/congestion_threshold"')
        done = harness.run('unshare', '-m', 'sh', '-c', script, 'sh', harness.make_dir(),
                           str(os.minor(device)))
        equal([int(line) for line in done.out.split()], [READS_AT_ONCE] * 2, 'of the connection')
        path = f'/sys/class/bdi/{os.major(device)}:{os.minor(device)}/read_ahead_kb'
        if not os.path.exists(path):
            raise harness.Skip('the kernel does not show read-ahead')
        equal(int(harness.read(path)), READ_AHEAD_KIB, 'read_ahead_kb')


harness.main()
