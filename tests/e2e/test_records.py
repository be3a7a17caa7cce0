#!/usr/bin/env python3
"""Records of all sizes, read at every boundary, against an oracle that parses on its own."""

import mmap
import os
import struct

import harness
from harness import Mount, check, equal, test

MIB = 1 << 20
GIB = 1 << 30
SIZES = (0, 1, 64, MIB + 1, 5 * GIB)


def spots(length):
    """Offsets where something changes: ends of records, pages, requests, intervals, 32 bits."""
    edges = {0, 64, 4096, 65536, 128 << 10, MIB, 2 * MIB, 2 * GIB, 4 * GIB, length}
    return sorted(s for edge in edges for s in range(edge - 2, edge + 3) if 0 <= s <= length + 2)


class Oracle:
    """Where the records of a tag4 archive lie, from its own walk over the headers."""

    def __init__(self, path, order):
        self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.records = []
        offset, size = 0, os.fstat(self.descriptor).st_size
        while offset < size:
            length, = struct.unpack(order + 'q', os.pread(self.descriptor, 12, offset)[4:])
            self.records.append((offset + 12, length))
            offset += 12 + length

    def pread(self, number, count, offset):
        start, length = self.records[number]
        return harness.pread_full(self.descriptor, max(0, min(count, length - offset)), start
                                  + offset)


def make(order):
    """A sparse archive with a record of each size and bytes at each spot of it."""
    path = harness.make_path('archive')
    with open(path, 'wb') as stream:
        offset = 0
        for number, size in enumerate(SIZES * 2 if order == '<' else SIZES):
            stream.seek(offset)
            stream.write(b'rec%d' % (number % 10) + struct.pack(order + 'q', size))
            for spot in spots(size):
                if spot < size:
                    stream.seek(offset + 12 + spot)
                    stream.write(bytes([spot % 255 + 1]))
            offset += 12 + size
        stream.truncate(offset)
    return path


_made = {}


def archive_of(order):
    if order not in _made:
        _made[order] = make(order)
    return _made[order]


def format_of(order):
    return '--format=tag4-i64' + ('le' if order == '<' else 'be')


def boundaries(order):
    path = archive_of(order)
    oracle = Oracle(path, order)
    with Mount(format_of(order), path) as mount:
        names = mount.names()
        equal(names, [f'{n:08}' for n in range(len(oracle.records))], 'listing')
        for number, (_, length) in enumerate(oracle.records):
            equal(os.stat(mount.path(names[number])).st_size, length, f'size of record {number}')
            descriptor = os.open(mount.path(names[number]), os.O_RDONLY)
            for offset in spots(length):
                for count in (1, 2, 3, 5, 4097, MIB + 7):
                    got = harness.pread_full(descriptor, count, offset)
                    if got != oracle.pread(number, count, offset):
                        raise harness.Failure(f'record {number}: {count} bytes at {offset} differ')
            os.close(descriptor)


@test('tag4-i64le: records of 0, 1, 64, 1 MiB+1 bytes and 5 GiB read right at every boundary')
def little():
    boundaries('<')


@test('tag4-i64be: the same in the other byte order')
def big():
    boundaries('>')


@test('random reads of random lengths equal the archive, with interval 64, 4K, 1M and 16M')
def random_reads():
    random = harness.seeded(20240521)
    path = archive_of('<')
    oracle = Oracle(path, '<')
    for interval in ('64', '4K', '1M', '16M'):
        with Mount(format_of('<'), '-o', 'interval=' + interval, path) as mount:
            descriptors = [os.open(name, os.O_RDONLY) for name in mount.records()]
            for _ in range(400):
                number = random.randrange(len(descriptors))
                length = oracle.records[number][1]
                # Half of them near a spot, where the bytes are not all zero.
                offset = random.randrange(length + 2)
                if random.random() < 0.5:
                    offset = random.choice(spots(length))
                count = int(2 ** random.uniform(0, 18))
                got = harness.pread_full(descriptors[number], count, offset)
                check(got == oracle.pread(number, count, offset),
                      f'interval={interval}: record {number}: {count} bytes at {offset} differ')
            for descriptor in descriptors:
                os.close(descriptor)


@test('st_blksize is the interval')
def blksize():
    path = harness.write(harness.tag4([b'abc']))
    for option, want in ((None, MIB), ('64', 64), ('4096', 4096), ('16M', 16 * MIB)):
        arguments = [] if option is None else ['-o', 'interval=' + option]
        with Mount(format_of('<'), *arguments, path) as mount:
            equal(os.stat(mount.path('00000000')).st_blksize, want,
                  f'st_blksize for interval {option}')


@test('an interval that is no power of two, or out of 64 .. 16M, is refused as a usage error')
def bad_interval():
    path = harness.write(harness.tag4([b'abc']))
    for bad in ('0', '1', '32', '63', '65', '100', '3K', '32M', '17M', '-64', 'x', '',
                '18446744073709551680'):
        result = harness.framefs('mount', format_of('<'), '-o', 'interval=' + bad, path,
                                 harness.make_dir(), status=2)
        harness.contains(result.err, 'interval')


@test('random payloads read whole, by pieces and through a mapping are the same bytes')
def whole():
    random = harness.seeded(7)
    payloads = [random.randbytes(random.choice((0, 1, 63, 64, 65, 4095, 4096, 4097, 70000, 300000)))
                for _ in range(60)]
    path = harness.write(harness.tag4(payloads, '>'))
    with Mount(format_of('>'), path) as mount:
        for number, payload in enumerate(payloads):
            name = f'{number:08}'
            equal(mount.read(name) == payload, True, f'record {number}')
            descriptor = os.open(mount.path(name), os.O_RDONLY)
            pieces = b''.join(iter(lambda d=descriptor: os.read(d, 777), b''))
            os.close(descriptor)
            check(pieces == payload, f'record {number} in pieces of 777')
            if payload:
                with open(mount.path(name), 'rb') as stream:
                    with mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ) as mapping:
                        check(mapping[:] == payload, f'record {number} through a mapping')


@test('O_DIRECT readers see the same bytes')
def direct():
    payload = bytes(range(256)) * 1200
    path = harness.write(harness.tag4([b'x', payload]))
    with Mount(format_of('<'), path) as mount:
        try:
            descriptor = os.open(mount.path('00000001'), os.O_RDONLY | os.O_DIRECT)
        except OSError as error:
            raise harness.Skip(f'O_DIRECT: {error.strerror}') from error
        buffer = mmap.mmap(-1, 1 << 20)
        got = b''
        while True:
            count = os.preadv(descriptor, [buffer], len(got))
            if count == 0:
                break
            got += buffer[:count]
        os.close(descriptor)
        equal(got == payload, True, 'the bytes')


@test('writing is refused: open, create, unlink, rename, mkdir, truncate, chmod')
def read_only():
    path = harness.write(harness.tag4([b'abc']))
    with Mount(format_of('<'), path) as mount:
        name = mount.path('00000000')
        codes = (30, 1, 13, 38, 95)  # EROFS, EPERM, EACCES, ENOSYS, EOPNOTSUPP
        harness.fails(codes, os.open, name, os.O_WRONLY)
        harness.fails(codes, os.open, name, os.O_RDWR)
        harness.fails(codes, os.open, mount.path('new'), os.O_CREAT | os.O_WRONLY)
        harness.fails(codes, os.unlink, name)
        harness.fails(codes, os.rename, name, mount.path('x'))
        harness.fails(codes, os.mkdir, mount.path('d'))
        harness.fails(codes, os.truncate, name, 0)
        harness.fails(codes, os.chmod, name, 0o777)
        equal(mount.read('00000000'), b'abc')
    equal(harness.read(path), harness.tag4([b'abc']), 'the archive')


harness.main()
