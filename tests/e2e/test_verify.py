#!/usr/bin/env python3
"""framefs verify, and mounts with verify=read: a wrong checksum costs its record, no other."""

import errno
import json
import struct

import harness
from harness import Mount, check, contains, equal, framefs, test

COUNT = 8


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xa282ead8) & 0xffffffff


def payload(number):
    return b'payload %d ' % number * (number + 1)


def tfrecord(data):
    head = struct.pack('<Q', len(data))
    return head + struct.pack('<I', masked(head)) + data + struct.pack('<I', masked(data))


def frames():
    return [tfrecord(payload(number)) for number in range(COUNT)]


def verified(*arguments, status, **more):
    objects = json.loads(framefs('verify', '--json', *arguments, status=status, **more).out)
    equal(len(objects), 1, 'archives')
    return objects[0]


@test('an archive without damage is said to be so, and what was checked', fuse=False)
def whole():
    path = harness.write(b''.join(frames()))
    contains(framefs('verify', path).out.decode(), f'{COUNT} records')
    found = verified(path, status=0)
    equal((found['damage'], found['checksums_checked']), ([], 2 * COUNT), 'verified')


@test('each byte of a record is covered: whichever changes, that record is named', fuse=False)
def every_byte():
    parts = frames()
    start = sum(map(len, parts[:3]))
    # The length is found by the reading itself; what follows it, by the checksums.
    for at in range(start + 8, start + len(parts[3])):
        changed = bytearray(b''.join(parts))
        changed[at] ^= 0x10
        places = verified('--format=tfrecord', harness.write(bytes(changed)), status=1)['damage']
        equal([(p['record'], p['offset'], p['bytes']) for p in places],
              [(3, start, len(parts[3]))], f'damage with byte {at} changed')


@test('several threads, one thread and a pipe find the same', fuse=False)
def however_read():
    part = b''.join(frames())
    changed = bytearray(part * (40 * 2**20 // len(part)))
    for at in (12345678, 12345679, 30000001):
        changed[at] ^= 1
    path = harness.write(bytes(changed))
    two = verified('--threads=2', path, status=1)
    equal(verified('--threads=1', path, status=1)['damage'], two['damage'], 'with one thread')
    with open(path, 'rb') as stream:
        equal(verified('--format=tfrecord', '-', status=1, stdin=stream)['damage'], two['damage'],
              'from a pipe')
    check(2 <= len(two['damage']) <= 3, f'damage: {two["damage"]}')


@test('verify=read: EIO for the record with a wrong checksum, the others as ever')
def at_reading():
    parts = frames()
    start = sum(map(len, parts[:5]))
    changed = bytearray(b''.join(parts))
    changed[start + 20] ^= 1
    path = harness.write(bytes(changed))
    for content in ('payload', 'frame', 'file'):
        with Mount('-o', f'verify=read,content={content}', path) as mount:
            for number, name in enumerate(sorted(mount.names())):
                try:
                    got = mount.read(name)
                    check(number != 5, f'record {number} was read')
                    want = payload(number) if content == 'payload' else parts[number]
                    equal(got, want, f'record {number}')
                except OSError as error:
                    equal((number, error.errno), (5, errno.EIO), 'the record that fails')
    with Mount(path) as mount:
        equal(len(mount.read('00000005')), len(payload(5)), 'without verify=read')


harness.main()
