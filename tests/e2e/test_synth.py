#!/usr/bin/env python3
"""The generated file against an oracle written from its documentation alone."""

import errno
import fcntl
import os
import struct
import subprocess

import harness
from harness import Mount, check, contains, equal, fails, framefs, test

SIZE_MAX = 2**63 - 1
MASK = 2**64 - 1


def counter(offset):
    return struct.pack('>Q', offset)


def line(offset):
    return b'line %020d of the stream that framefs generates.\n' % (offset // 64)


def random_word(seed):
    """splitmix64, each word big endian."""
    def word(offset):
        z = (seed + (offset // 8 + 1) * 0x9e3779b97f4a7c15) & MASK
        z = ((z ^ z >> 30) * 0xbf58476d1ce4e5b9) & MASK
        z = ((z ^ z >> 27) * 0x94d049bb133111eb) & MASK
        return struct.pack('>Q', z ^ z >> 31)
    return word


PATTERNS = {
    'counter': (8, counter),
    'lines': (64, line),
    'byte:97': (1, lambda offset: b'a'),
    'byte:0x61': (1, lambda offset: b'a'),
    'byte:0': (1, lambda offset: b'\0'),
    'random:7': (8, random_word(7)),
    'random:18446744073709551615': (8, random_word(MASK)),
}


def oracle(pattern, count, offset, size):
    """The bytes of the stream, of `size` bytes, at offset."""
    unit, make = PATTERNS[pattern]
    count = max(0, min(count, size - offset))
    begin = offset - offset % unit
    whole = b''.join(make(at) for at in range(begin, offset + count, unit))
    return whole[offset - begin:][:count]


@test('framefs synth writes each pattern to stdout', fuse=False)
def stdout():
    for pattern in PATTERNS:
        for size in (0, 1, 7, 8, 63, 64, 65, 100001):
            equal(framefs('synth', str(size), pattern).out == oracle(pattern, size, 0, size), True,
                  f'synth {size} {pattern}')
    equal(framefs('synth', '4K').out, oracle('counter', 4096, 0, 4096), 'synth 4K')


@test('a mounted stream reads the same at random offsets and lengths')
def mounted():
    random = harness.seeded(3)
    for pattern in PATTERNS:
        for size in (12345, 1 << 40, SIZE_MAX):
            with Mount('--synthetic', f'{size}:{pattern}') as mount:
                equal(mount.names(), ['synthetic'], 'the root')
                equal(os.stat(mount.path('synthetic')).st_size, size, 'size')
                descriptor = os.open(mount.path('synthetic'), os.O_RDONLY)
                for _ in range(60):
                    offset = random.choice((random.randrange(size),
                                            random.randrange(min(size, 1 << 20)),
                                            size - random.randrange(1, 5000)))
                    count = random.randrange(1, 9000)
                    count = min(count, SIZE_MAX - offset)
                    got = harness.pread_full(descriptor, count, offset)
                    check(got == oracle(pattern, count, offset, size),
                          f'{pattern}: {count} bytes at {offset} of {size}')
                os.close(descriptor)


@test('2^63-1 bytes: read to the very end, not one byte further')
def largest():
    with Mount('--synthetic', f'{SIZE_MAX}:counter') as mount:
        descriptor = os.open(mount.path('synthetic'), os.O_RDONLY)
        for back in (1, 2, 7, 8, 9, 4095, 4096, 4097, 1 << 20):
            offset = SIZE_MAX - back
            got = os.pread(descriptor, back, offset)
            check(got == oracle('counter', back, offset, SIZE_MAX)[:len(got)] and got,
                  f'the last {back} bytes')
        equal(os.pread(descriptor, 1, SIZE_MAX - 1), oracle('counter', 1, SIZE_MAX - 1, SIZE_MAX),
              'the last byte')
        # The kernel itself refuses what would pass 2^63-1.
        fails((errno.EINVAL, errno.EOVERFLOW), os.pread, descriptor, 2, SIZE_MAX - 1)
        equal(os.lseek(descriptor, 0, os.SEEK_END), SIZE_MAX, 'SEEK_END')
        fails((errno.EINVAL, errno.EOVERFLOW), os.read, descriptor, 1)
        equal(os.lseek(descriptor, -5, os.SEEK_END), SIZE_MAX - 5, 'SEEK_END -5')
        equal(os.read(descriptor, 5), oracle('counter', 5, SIZE_MAX - 5, SIZE_MAX),
              'the last 5 by read')
        os.close(descriptor)


@test('sizes past 2^63-1 and patterns that do not exist are refused with a message')
def refused():
    for size in ('8E', '9223372036854775808', '18446744073709551616', '16E',
                 '99999999999999999999999'):
        for arguments in (('synth', size), ('mount', '--synthetic', size, harness.make_dir())):
            result = framefs(*arguments, status=2)
            contains(result.err, '9223372036854775807', f'message for {size}')
    for bad in ('counter:1', 'byte', 'byte:256', 'byte:x', 'random', 'random:',
                'random:18446744073709551616', 'bytes:1',
                'countr', ''):
        check(framefs('synth', '10', bad, status=2).err, f'no message for {bad}')
    contains(framefs('synth', '10', 'countr', status=2).err, 'counter', 'suggestion for countr')
    for bad in ('-1', '1.5', 'x', '1Q', '', ' 1'):
        check(framefs('synth', bad, status=2).err, f'no message for size {bad!r}')


@test('synth --check accepts a true copy, and names the first wrong offset of another', fuse=False)
def check_copy():
    size = 300000
    for pattern in ('counter', 'lines', 'random:7', 'byte:0x61'):
        right = oracle(pattern, size, 0, size)
        framefs('synth', '--check', str(size), pattern, stdin=right)
        for wrong in (0, 1, 4095, 65536, 131072 + 5, size - 1):
            copy = right[:wrong] + bytes([right[wrong] ^ 0x80]) + right[wrong + 1:]
            result = framefs('synth', '--check', str(size), pattern, stdin=copy, status=1)
            contains(result.err, str(wrong), f'message for a wrong byte at {wrong}')
        contains(framefs('synth', '--check', str(size), pattern, stdin=right[:-10], status=1).err,
                 str(size - 10),
                 'message for a copy that is too short')
        contains(framefs('synth', '--check', str(size), pattern, stdin=right + b'x', status=1).err,
                 str(size),
                 'message for a copy that is too long')


@test('synth widens the pipe that it writes to or checks, but makes none smaller', fuse=False)
def pipes():
    for before, after in ((4096, 256 << 10), (1 << 20, 1 << 20)):
        for end, arguments in ((1, ('synth', '4096')), (0, ('synth', '--check', '4096'))):
            ends = os.pipe()
            fcntl.fcntl(ends[0], fcntl.F_SETPIPE_SZ, before)
            if end == 0:
                os.write(ends[1], oracle('counter', 4096, 0, 4096))
                os.close(ends[1])
            streams = {('stdin', 'stdout')[end]: ends[end]}
            done = subprocess.run([harness.FRAMEFS, *arguments], check=False,
                                  **{'stdin': subprocess.DEVNULL, 'stdout': subprocess.DEVNULL,
                                     **streams})
            equal(done.returncode, 0, f'{arguments}')
            equal(fcntl.fcntl(ends[0], fcntl.F_GETPIPE_SZ), after, f'{arguments}, from {before}')
            for descriptor in ends[:1 + end]:
                os.close(descriptor)


@test('reading at offsets all over 2^63 bytes and 64 MiB in order does not grow the server')
def memory():
    if harness.under_sanitizer():
        raise harness.Skip('a sanitizer keeps memory of its own')
    random = harness.seeded(17)
    with Mount('--synthetic', f'{SIZE_MAX}:random:1') as mount:
        descriptor = os.open(mount.path('synthetic'), os.O_RDONLY)
        for _ in range(64):
            os.pread(descriptor, 1 << 20, random.randrange(SIZE_MAX - (1 << 21)))
        before = harness.memory_kib(mount.worker)
        for step in range(64 * 8):  # 64 GiB, a read of 128 KiB in each 128 MiB
            os.pread(descriptor, 128 << 10, step << 27)
        for _ in range(2000):
            os.pread(descriptor, 100, random.randrange(SIZE_MAX - 200))
        for step in range(64):
            os.pread(descriptor, 1 << 20, step << 20)
        after = harness.memory_kib(mount.worker)
        os.close(descriptor)
        print(f'# {before} KiB before, {after} KiB after')
        check(after < before + 32768, f'the server grew from {before} to {after} KiB')


@test('dd and cmp through the mount agree with framefs synth')
def copies():
    with Mount('--synthetic', '3000000:lines') as mount:
        direct = harness.write(framefs('synth', '3000000', 'lines').out)
        harness.run('cmp', mount.path('synthetic'), direct)
        copy = harness.make_path('copy')
        harness.run('dd', 'if=' + mount.path('synthetic'), 'of=' + copy, 'bs=64k', 'status=none')
        harness.run('cmp', copy, direct)
        with open(copy, 'rb') as stream:
            framefs('synth', '--check', '3000000', 'lines', stdin=stream)


harness.main()
