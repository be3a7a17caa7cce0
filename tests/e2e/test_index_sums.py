#!/usr/bin/env python3
"""framefs index --verify: what the index tells of checksums, read by another program
(index_file.py), and what a mount makes of it, of an archive that is the same and of one that is
not."""

import errno
import functools
import json
import os
import resource
import subprocess
import sys

import harness
from harness import FRAMEFS, Mount, check, contains, equal, framefs, test

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TESTS)
from index_file import damage_segment, read_partial, read_sums  # noqa: E402

FORMAT = '--format=tfrecord'
# Of smaller archives than 1 MiB mounts use no index.
COUNT, LENGTH = 400, 3000
FRAME = LENGTH + 16


def payloads():
    return [bytes([i % 251]) * LENGTH for i in range(COUNT)]


@functools.cache
def right_bytes():
    return harness.tfrecord(payloads())


def payload_at(record):
    """A byte of the record's payload."""
    return record * FRAME + 12 + LENGTH // 2


def is_sampled(at):
    """Whether the index is bound to this byte (format-index.md)."""
    size = COUNT * FRAME
    step = (size - 512) // 33
    return at < 4096 or at >= size - 4096 or any(
        k * step <= at < k * step + 512 for k in range(1, 33))


def unsampled():
    """Records whose payload can change without a trace but for their checksum."""
    return [r for r in range(COUNT) if not is_sampled(payload_at(r))]


def make(wrong=()):
    """An archive; of those records one byte is another."""
    content = bytearray(right_bytes())
    for record in wrong:
        content[payload_at(record)] ^= 0xff
    return harness.write(bytes(content))


def flip(path, record, later=0):
    """Changes a byte back or forth; the time of modification becomes so many ns later."""
    before = os.stat(path)
    with open(path, 'r+b') as stream:
        stream.seek(payload_at(record))
        value, = stream.read(1)
        stream.seek(payload_at(record))
        stream.write(bytes([value ^ 0xff]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + later))


def index(path, *arguments, status=0):
    told = json.loads(framefs('index', '--json', FORMAT, *arguments, path, status=status).out)
    equal(len(told), 1, 'archives')
    return told[0]


def sums_of(path):
    return read_sums(harness.read(path + '.framefs'))


def outcome(mount, record):
    """The record's bytes, or the errno of reading it."""
    try:
        return mount.read(f'{record:08}')
    except OSError as error:
        return error.errno


def check_same_told(path):
    """info tells the same as without the index, which is used."""
    told, scanned = (json.loads(framefs('info', '--json', FORMAT, *more, path).out)[0]
                     for more in ((), ('--no-index',)))
    check(told['index']['used'], f'the index is not used: {told["index"]}')
    told['index'] = scanned['index'] = None
    equal(told, scanned, 'info')


@test('all checksums right: the index says so, of which bytes, and is up to date then', fuse=False)
def right():
    path = make()
    told = index(path, '--verify')
    equal((told['outcome'], told['verified'], told['checksums'], told['wrong']),
          ('built', True, 2 * COUNT, 0), 'first')
    stat = os.stat(path)
    equal(sums_of(path), (stat.st_size, stat.st_mtime_ns, COUNT, 2 * COUNT, 0, []), 'the part')
    kept = harness.read(path + '.framefs')
    for more in (['--verify'], []):
        told = index(path, *more)
        equal((told['outcome'], told['verified'], told['checksums']),
              ('up to date', True, 2 * COUNT), f'once more {more}')
    equal(harness.read(path + '.framefs') == kept, True, 'the file is the same')
    check_same_told(path)
    damage_segment(path + '.framefs')
    told = index(path)
    equal((told['outcome'], told['rejected'], told['verified'], told['checksums']),
          ('built', 'it is damaged', True, 2 * COUNT), 'when it was damaged')


@test('an index that tells of no checksums, or of those of then, is made anew', fuse=False)
def anew():
    path = make()
    told = index(path)
    equal((told['verified'], told['checksums'], sums_of(path)), (False, 0, None), 'without')
    told = index(path, '--verify')
    equal((told['outcome'], told['verified'], told['scanned_bytes']),
          ('built', True, os.path.getsize(path)), 'with')
    os.utime(path, ns=(0, os.stat(path).st_mtime_ns + 1))
    equal(index(path)['verified'], False, 'of another time of modification')
    told = index(path, '--verify')
    equal((told['outcome'], told['verified']), ('built', True), 'with, of another time')
    equal(sums_of(path)[1], os.stat(path).st_mtime_ns, 'the time of modification')


@test('one that has grown tells of no checksums until they are all computed', fuse=False)
def grown():
    path = make()
    index(path, '--verify')
    with open(path, 'ab') as stream:
        stream.write(harness.tfrecord([b'more']))
    told = index(path)
    equal((told['outcome'], told['verified'], sums_of(path)), ('extended', False, None), 'extended')
    told = index(path, '--verify')
    equal((told['outcome'], told['verified'], told['checksums']), ('built', True, 2 * COUNT + 2),
          'verified')


@test('wrong checksums are told, and are no damage of the archive', fuse=False)
def wrong():
    path = make([17, 250])
    told = index(path, '--verify', status=1)
    equal((told['outcome'], told['wrong'], told['damages']), ('built', 2, 0), 'outcome')
    found = sums_of(path)[5]
    equal([damage[:4] for damage in found],
          [(r * FRAME, FRAME, r, errno.EBADMSG) for r in (17, 250)], 'damages')
    for r, damage in zip((17, 250), found):
        contains(damage[4], f'at byte {(r + 1) * FRAME - 4}', 'reason')
    contains(framefs('index', FORMAT, '--verify', path, status=1).err,
             '2 frames with a wrong checksum', 'message')
    check_same_told(path)
    path = make([17])
    contains(framefs('index', FORMAT, '--verify', path, status=1).err,
             f'record 17 at byte {17 * FRAME}', 'message of one')


@test('more wrong ones than are kept: the first 4096 are', fuse=False)
def many():
    content = bytearray(harness.tfrecord([b'']) * 4097)
    for at in range(0, len(content), 16):
        content[at + 12] ^= 1
    path = harness.write(bytes(content))
    equal(index(path, '--verify', status=1)['wrong'], 4097, 'wrong')
    _, _, records, _, wrongs, found = sums_of(path)
    equal((records, wrongs, [damage[2] for damage in found]), (4097, 4097, list(range(4096))),
          'the part')
    equal(index(path, '--verify', status=1)['outcome'], 'up to date', 'once more')


@test('a format without checksums is refused, and nothing is written', fuse=False)
def without():
    path = harness.write(b'\1\0\0\0a' * 20)
    said = framefs('index', '--format=u32le', '--verify', path, status=1)
    contains(said.err, 'the format u32le has no checksums to verify', 'message')
    equal(os.listdir(os.path.dirname(path)), ['archive'], 'files')


@test('what a killed command has written is not taken for verified', fuse=False)
def killed():
    content = harness.tfrecord([b'x' * 100]) * 400_000
    path, whole = harness.write(content), harness.write(content)
    size = index(whole)['index_bytes'] - 10

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    subprocess.run([FRAMEFS, 'index', FORMAT, path], preexec_fn=limit, check=False,
                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    check(read_partial(harness.read(path + '.framefs.partial')), 'nothing could be gone on with')
    told = index(path, '--verify')
    equal((told['outcome'], told['known_before'], told['checksums']), ('built', 0, 800_000),
          'outcome')
    equal(sorted(os.listdir(os.path.dirname(path))), ['archive', 'archive.framefs'], 'files')


@test('verify=read believes the index: what it calls right is not computed again')
def believed():
    path, record = make(), unsampled()[5]
    index(path, '--verify')
    flip(path, record)
    lie = bytearray(payloads()[record])
    lie[LENGTH // 2] ^= 0xff
    with Mount(FORMAT, '--verify=read', path) as mount:
        equal(outcome(mount, record), bytes(lie), 'the record that only a checksum would tell of')
    with Mount(FORMAT, '--verify=read', '--no-index', path) as mount:
        equal(outcome(mount, record), errno.EIO, 'without the index')


@test('verify=read believes the index: what it calls wrong is EIO at once')
def refused():
    record = unsampled()[5]
    path = make([record])
    index(path, '--verify', status=1)
    flip(path, record)
    with Mount(FORMAT, '--verify=read', path) as mount:
        equal(outcome(mount, record), errno.EIO, 'the record')
        for other in (record - 1, record + 1, 0, COUNT - 1):
            equal(outcome(mount, other), payloads()[other], f'record {other}')
    with Mount(FORMAT, path) as mount:
        equal(outcome(mount, record), payloads()[record], 'without verify=read')


@test('after any change of the time of modification, or growth, all is computed again')
def computed():
    good, bad = unsampled()[5], unsampled()[9]
    for later in (1, -1, 10**9, -10**9):
        path = make([bad])
        index(path, '--verify', status=1)
        flip(path, good, later)
        flip(path, bad)
        with Mount(FORMAT, '--verify=read', path) as mount:
            equal(outcome(mount, good), errno.EIO, f'what became wrong, {later} ns later')
            equal(outcome(mount, bad), payloads()[bad], f'what became right, {later} ns later')
    path = make([bad])
    index(path, '--verify', status=1)
    flip(path, good)
    flip(path, bad)
    before = os.stat(path).st_mtime_ns
    with open(path, 'ab') as stream:
        stream.write(harness.tfrecord([b'more']))
    os.utime(path, ns=(before, before))
    with Mount(FORMAT, '--verify=read', path) as mount:
        equal(outcome(mount, good), errno.EIO, 'what became wrong, grown')
        equal(outcome(mount, bad), payloads()[bad], 'what became right, grown')


harness.main()
