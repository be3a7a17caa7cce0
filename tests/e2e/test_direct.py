#!/usr/bin/env python3
"""Reads past the kernel's cache (-o direct_io): the same bytes, each asked for anew."""

import errno
import mmap
import os
import platform
import re
import signal
import struct
import threading

import harness
from harness import Mount, check, equal, fails, framefs, test

TAG4 = '--format=tag4-i64le'
SIZE_MAX = 2**63 - 1
ENDS = 12  # of workers, a fourth by upgrades
MMAP_SINCE = (6, 6)


def stat(mount, name):
    match = re.search(rf'^{re.escape(name)} (\d+)$', mount.control('stats').decode(), re.M)
    check(match, f'no {name}')
    return int(match[1])


def requests(mount, operation):
    return stat(mount, f'framefs_requests_total{{op="{operation}"}}')


def counter(offset, count):
    begin = offset - offset % 8
    return b''.join(struct.pack('>Q', at)
                    for at in range(begin, offset + count, 8))[offset - begin:][:count]


def bytes_asked(*arguments, name):
    """Of the server, by a reader who reads the same 64 KiB 100 times."""
    with Mount(*arguments) as mount:
        descriptor = os.open(mount.path(name), os.O_RDONLY)
        equal({os.pread(descriptor, 65536, 4096) for _ in range(100)},
              {os.pread(descriptor, 65536, 4096)}, 'what is read again')
        os.close(descriptor)
        # stats are up to a second old: those that know of a look-up know of the reads before it.
        before = requests(mount, 'lookup')
        fails(errno.ENOENT, os.stat, mount.path('nothing'))
        harness.wait_for(lambda: requests(mount, 'lookup') > before, 'stats of now')
        return stat(mount, 'framefs_read_bytes_total')


@test('the generated file alone is not cached, and is with nodirect_io; of archives as told')
def default():
    archive = harness.write(harness.tag4([b'x' * 100000]))
    alone = ('--synthetic', '1T:lines')
    for direct, arguments, name in (
            (True, alone, 'synthetic'),
            (False, (*alone, '-o', 'nodirect_io'), 'synthetic'),
            (False, (*alone, '--no-direct-io'), 'synthetic'),
            (True, (*alone, '-o', 'nodirect_io,direct_io'), 'synthetic'),
            (False, (TAG4, archive), '00000000'),
            (False, (TAG4, archive, *alone), 'synthetic'),
            (True, (TAG4, archive, '-o', 'direct_io'), '00000000'),
            (True, (TAG4, archive, '--direct-io', *alone), 'synthetic'),
            (False, (TAG4, archive, '--direct-io', '--no-direct-io'), '00000000')):
        asked = bytes_asked(*arguments, name=name)
        equal(asked >= 100 * 65536, direct, f'{arguments}: {asked} bytes asked for')


@test('every file of a mount with direct_io has the bytes that it has without')
def same():
    random = harness.seeded(5)
    payloads = [random.randbytes(size) for size in (0, 1, 4095, 4096, 4097, 300000, 3 << 20)]
    archive = harness.write(harness.tag4(payloads))
    with Mount(TAG4, archive, '-o', 'direct_io,control=listed') as direct, \
            Mount(TAG4, archive, '-o', 'control=listed') as cached:
        equal([harness.read(path) for path in direct.records()
               if '.framefs' not in path], payloads, 'the records')
        for name in ('.framefs/all', '.framefs/archive', '.framefs/slice/1-5', '00000006'):
            whole = harness.read(cached.path(name))
            equal(direct.read(name) == whole, True, name)
            descriptor = os.open(direct.path(name), os.O_RDONLY)
            for _ in range(40):
                offset = random.choice((random.randrange(len(whole) + 10000),
                                        random.randrange(5000), len(whole) - random.randrange(99)))
                count = random.choice((1, 511, 4096, 10000, 1 << 20, (1 << 20) + 1, 5 << 20))
                equal(os.pread(descriptor, count, offset) == whole[offset:offset + count], True,
                      f'{name}: {count} bytes at {offset}')
            equal(os.lseek(descriptor, 0, os.SEEK_HOLE), len(whole), f'{name}: the hole at its end')
            fails(errno.ENXIO, os.lseek, descriptor, len(whole), os.SEEK_DATA)
            os.close(descriptor)


@test('2^63-1 bytes read directly: to the very end, not one byte further, and in the middle')
def largest():
    with Mount('--synthetic', str(SIZE_MAX)) as mount:
        descriptor = os.open(mount.path('synthetic'), os.O_RDONLY)
        for offset, count in ((SIZE_MAX - 1, 1), (SIZE_MAX - 4097, 4097), (SIZE_MAX - 9, 5),
                              (2**62 - 3, 2 << 20), (SIZE_MAX - (3 << 20), 3 << 20)):
            equal(harness.pread_full(descriptor, count, offset) == counter(offset, count), True,
                  f'{count} bytes at {offset}')
        fails((errno.EINVAL, errno.EOVERFLOW), os.pread, descriptor, 2, SIZE_MAX - 1)
        equal(os.pread(descriptor, 0, SIZE_MAX), b'', 'nothing at the end')
        os.close(descriptor)
    with Mount('--synthetic', '1000001') as mount:
        descriptor = os.open(mount.path('synthetic'), os.O_RDONLY)
        equal(os.pread(descriptor, 1 << 20, 1000000), counter(1000000, 1), 'the last byte')
        for offset in (1000001, 1000002, 2**40, SIZE_MAX - (1 << 20)):
            equal(os.pread(descriptor, 1 << 20, offset), b'', f'past the end, at {offset}')
        os.close(descriptor)


@test('a file that is read directly can be mapped and sent, too')
def mapped():
    version = tuple(int(part) for part in re.findall(r'\d+', platform.release())[:2])
    with Mount('--synthetic', '10000000') as mount:
        descriptor = os.open(mount.path('synthetic'), os.O_RDONLY)
        for flags in (mmap.MAP_PRIVATE, mmap.MAP_SHARED):
            if flags == mmap.MAP_SHARED and version < MMAP_SINCE:
                fails(errno.ENODEV, mmap.mmap, descriptor, 4096, flags=flags, prot=mmap.PROT_READ)
                continue
            with mmap.mmap(descriptor, 10000000, flags=flags, prot=mmap.PROT_READ) as area:
                for offset in (0, 4090, 5000000, 9999990):
                    equal(area[offset:offset + 10], counter(offset, 10), f'mapped, at {offset}')
                equal(os.pread(descriptor, 10, 5000000), counter(5000000, 10), 'read while mapped')
        ours, theirs = os.pipe()
        equal(os.sendfile(theirs, descriptor, 777, 20000), 20000, 'sendfile')
        equal(os.read(ours, 20000), counter(777, 20000), 'what was sent')
        for end in (descriptor, ours, theirs):
            os.close(end)


@test('direct_io: who keeps a generated text open reads the one of now')
def texts():
    with Mount(TAG4, harness.write(harness.tag4([b'one'])), '-o', 'direct_io') as mount:
        descriptor = os.open(mount.path('.framefs', 'stats'), os.O_RDONLY)

        def lookups():
            text = os.pread(descriptor, 1 << 16, 0)
            return int(re.search(rb'^framefs_requests_total\{op="lookup"\} (\d+)$', text, re.M)[1])
        before = lookups()
        fails(errno.ENOENT, os.stat, mount.path('nothing'))
        harness.wait_for(lambda: lookups() > before, 'a text of now')
        os.close(descriptor)


@test(f'{ENDS} workers end by kills and upgrades under direct readers: no error, no wrong byte')
def ends():
    with Mount('--synthetic', str(SIZE_MAX)) as mount:
        stop, wrong, reads = threading.Event(), [], [0] * 4

        def reader(which, random):
            kept = os.open(mount.path('synthetic'), os.O_RDONLY)
            while not stop.is_set():
                offset = random.randrange(SIZE_MAX - (1 << 21))
                count = random.choice((100, 4096, 70000))
                try:
                    own = os.open(mount.path('synthetic'), os.O_RDONLY)
                    for descriptor in (kept, own):
                        if os.pread(descriptor, count, offset) != counter(offset, count):
                            wrong.append(f'{count} bytes at {offset}')
                    os.close(own)
                except OSError as error:
                    wrong.append(f'{count} bytes at {offset}: {error}')
                reads[which] += 1
            os.close(kept)

        threads = [threading.Thread(target=reader, args=(which, harness.seeded(which)))
                   for which in range(4)]
        for thread in threads:
            thread.start()
        for step in range(ENDS):
            before = sum(reads)
            harness.wait_for(lambda before=before: sum(reads) > before + 20, 'reads')
            pid = stat(mount, 'framefs_worker_pid')
            if step % 4 == 3:
                framefs('upgrade', mount.dir)
                continue
            os.kill(pid, signal.SIGKILL)
            harness.wait_for(lambda pid=pid: stat(mount, 'framefs_worker_pid') != pid,
                             'another worker')
        stop.set()
        for thread in threads:
            thread.join()
        equal(wrong[:5], [], f'of {sum(reads)} reads')
        equal(stat(mount, 'framefs_restarts_total'), ENDS - ENDS // 4, 'restarts')
        equal(stat(mount, 'framefs_upgrades_total'), ENDS // 4, 'upgrades')


@test('dd and cmp, by pieces of any size, agree with framefs synth')
def copies():
    right = harness.write(framefs('synth', '5000003', 'random:7').out)
    with Mount('--synthetic', '5000003:random:7') as mount:
        harness.run('cmp', mount.path('synthetic'), right)
        for size in ('999', '4k', '128k', '1M', '3M'):
            copy = harness.make_path('copy')
            harness.run('dd', 'if=' + mount.path('synthetic'), 'of=' + copy, 'bs=' + size,
                        'status=none')
            harness.run('cmp', copy, right)


harness.main()
