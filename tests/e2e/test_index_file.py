#!/usr/bin/env python3
"""What framefs index writes, read by another program (index_file.py) and compared with where the
records are known to lie."""

import os
import random
import struct
import sys

import harness
from harness import equal, framefs, test

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TESTS)
from index_file import read_index  # noqa: E402

DATA = os.path.join(TESTS, 'data')


def indexed(path, *arguments):
    """(offset, head, payload, tail) of each record, from its index file."""
    written = os.path.join(harness.make_dir(), 'index')
    framefs('index', '--index=' + written, *arguments, path)
    found, archive, _, _ = read_index(harness.read(written))
    equal(archive, os.path.getsize(path), "the archive's size")
    before = 0
    for (_, _, payload, _, join), told in found:
        equal((told, join), (before, 0), 'payload before, join')
        before += payload
    return [entry[:4] for entry, _ in found]


@test('40,000 records of an archive that is made here', fuse=False)
def made():
    generator, at, expected, frames = random.Random(5), 0, [], []
    for _ in range(40000):
        payload = bytes(generator.randrange(300))
        expected.append((at, 4, len(payload), 0))
        frames.append(struct.pack('<I', len(payload)) + payload)
        at += len(frames[-1])
    equal(indexed(harness.write(b''.join(frames)), '--format=u32le'), expected, 'records')


@test('a packet capture, by its own headers', fuse=False)
def capture():
    path = os.path.join(DATA, 'pptp.pcap')
    data, at, expected = harness.read(path), 24, []
    order = '<' if data[:4] == b'\xd4\xc3\xb2\xa1' else '>'
    while at < len(data):
        length, = struct.unpack_from(order + 'I', data, at + 8)
        expected.append((at, 16, length, 0))
        at += 16 + length
    equal(indexed(path), expected, 'records')


@test('an archive of no records', fuse=False)
def empty():
    equal(indexed(harness.write(b''), '--format=u32le'), [], 'records')


harness.main()
