#!/usr/bin/env python3
"""framefs verify, and mounts with verify=read: a wrong checksum costs its record, no other."""

import errno
import hashlib
import json
import os
import select
import struct
import subprocess

import archives
import harness
from harness import Mount, check, contains, equal, framefs, test

COUNT = 8


def payload(number):
    return b'payload %d ' % number * (number + 1)


def frames():
    return [harness.tfrecord([payload(number)]) for number in range(COUNT)]


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


@test('an MD5 is compared byte by byte, before and behind what it covers', fuse=False)
def md5():
    bodies = [payload(number) for number in range(COUNT)]
    sums = [hashlib.md5(body).digest() for body in bodies]
    for frame, parts in (
            ('len:u32le data bytes[16]=md5(data)', lambda rest, digest: rest + digest),
            ('sum:bytes[16]=md5(data) len:u32le data', lambda rest, digest: digest + rest)):
        before = frame.startswith('sum')
        frames_of = [parts(struct.pack('<I', len(body)) + body, digest) for body, digest
                     in zip(bodies, sums)]
        whole_of = verified('--frame', frame, harness.write(b''.join(frames_of)), status=0)
        equal(whole_of['checksums_checked'], COUNT, 'checksums')
        for at in range(16):
            changed = bytearray(frames_of[3])
            changed[at if before else at - 16] ^= 1
            content = b''.join(frames_of[:3]) + changed + b''.join(frames_of[4:])
            damage = verified('--frame', frame, harness.write(content), status=1)['damage']
            equal([place['record'] for place in damage], [3], f'{frame}: byte {at} of the sum')


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


def lines_of(result):
    return result.out.decode().splitlines()


@test('the exit status says whether all is well, and what is wrong is named', fuse=False)
def statuses():
    parts = frames()
    good = harness.write(b''.join(parts), 'good')
    cut = harness.write(b''.join(parts)[:-1], 'cut')
    bad = harness.write(b''.join(parts[:3]) + b'\xff' + b''.join(parts[3:]), 'bad')
    empty = harness.write(b'', 'empty')
    start, end = sum(map(len, parts[:-1])), sum(map(len, parts)) - 1
    for path, status, said, told in (
            (good, 0, f'ok (checked: lengths, constants, {2 * COUNT} checksums)', ''),
            (empty, 0, '0 records, 0 bytes: ok', ''),
            # A writer that was interrupted is no damage.
            (cut, 0, f'ok, but cut short (checked: lengths, constants, {2 * COUNT - 2} checksums)',
             f'record {COUNT - 1} at byte {start}'),
            (bad, 1, 'damaged in ', 'record 3 at byte'),
            (os.path.dirname(good), 1, '', 'is a directory'),
            (good + '-not', 1, '', 'No such file or directory'),
            ('/dev/null', 1, '', 'is a character device')):
        result = framefs('verify', '--format=tfrecord', path, status=status)
        contains(result.out.decode(), said)
        contains(result.err, told)
        equal(bool(result.err), bool(told), 'messages')
    row = lines_of(framefs('verify', cut, status=0))[-1].split()
    equal(row[:3], [str(start), str(end - start), str(COUNT - 1)], 'the place')
    for arguments, told in (
            ([], 'an argument is missing'),
            (['--threads=0', good], "'0' is not a number from 1 on"),
            (['--threads=65', good], "'65' is more than 64"),
            (['--threads=-1', good], "'-1' is not a number"),
            (['--thread=1', good], "did you mean '--threads'?"),
            (['--format=nosuch', good], 'nosuch')):
        result = framefs('verify', *arguments, status=2)
        contains(result.err, told)
        equal(result.out, b'', 'output of a wrong call')
    framefs('verify', '--threads=64', good)


@test('of several archives each is verified, whatever is wrong with the others', fuse=False)
def several():
    parts = frames()
    changed = bytearray(b''.join(parts))
    changed[20] ^= 1
    paths = [harness.write(bytes(changed), 'bad'), '/nowhere/at all',
             harness.write(b''.join(parts), 'good')]
    result = framefs('verify', *paths, status=1)
    lines = lines_of(result)
    check(lines[0].startswith(paths[0] + ': tfrecord') and 'damaged in 1 place (' in lines[0],
          f'the first line: {lines[0]}')
    equal(lines[2].split()[:3], ['0', str(len(parts[0])), '0'], 'the place')
    check(lines[3].startswith(paths[2]) and ': ok (' in lines[3], f'the last line: {lines[3]}')
    equal(len(lines), 4, 'lines')
    contains(result.err, '/nowhere/at all: No such file')

    objects = json.loads(framefs('verify', '--json', *paths, status=1).out)
    equal([(o['archive'], o['format'], o['records'], o['damages'], o['complete'],
            o['checksums_checked']) for o in objects],
          [(paths[0], 'tfrecord', COUNT, 1, True, 2 * COUNT),
           (paths[2], 'tfrecord', COUNT, 0, True, 2 * COUNT)], 'objects')
    place = objects[0]['damage'][0]
    equal((place['offset'], place['bytes'], place['record'], place['truncated']),
          (0, len(parts[0]), 0, False), 'the place')
    contains(place['reason'], 'the crc32c-masked checksum is wrong')
    equal(json.loads(framefs('verify', '--json', '/nowhere/at all', status=1).out), [], 'none')
    # A format without checksums is verified as far as it tells.
    plain = harness.write(harness.tag4([b'one', b'two']))
    equal(verified('--format=tag4-i64le', plain, status=0)['checksums_checked'], 0, 'checksums')


def log_of(payloads):
    """leveldb/doc/log_format.md: the log, and for each payload the places of its fragments."""
    out, places = b'', []
    for data in payloads:
        places.append([])
        while data or not places[-1]:
            left = 32768 - len(out) % 32768
            if left < 7:
                out += bytes(left)
                left = 32768
            part, data = data[:left - 7], data[left - 7:]
            kind = (2 if data else 1) if not places[-1] else (3 if data else 4)
            places[-1].append((len(out), 7 + len(part)))
            out += struct.pack('<IHB', harness.masked_crc32c(bytes([kind]) + part), len(part), kind)
            out += part
    return out, places


@test('LevelDB: a flipped bit is told of the fragment that it is in', fuse=False)
def fragments():
    want = [b'a' * 20000, b'b' * 90000, b'c' * 5]
    log, places = log_of(want)
    path = harness.write(log)
    found = verified('--format=leveldb-log', path, status=0)
    equal((found['records'], found['checksums_checked']), (3, sum(map(len, places))), 'the log')
    check(len(places[1]) == 4, f'fragments of the long record: {places[1]}')
    for record, number in ((0, 0), (1, 0), (1, 1), (1, 2), (1, 3), (2, 0)):
        offset, length = places[record][number]
        for at in (offset, offset + 7, offset + length - 1):
            changed = bytearray(log)
            changed[at] ^= 0x80
            found = verified('--format=leveldb-log', harness.write(bytes(changed)), status=1)
            equal([(p['offset'], p['bytes'], p['record']) for p in found['damage']],
                  [(offset, length, record)], f'with byte {at} changed')
            equal(found['records'], 3, 'records')


class Feed:
    """verify of a pipe that is not at its end; its messages go to a terminal or to a pipe."""

    def __init__(self, terminal):
        self.end, theirs = os.openpty() if terminal else os.pipe()
        self.process = subprocess.Popen(
            [harness.FRAMEFS, 'verify', '--format=tfrecord', '-'], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=theirs, start_new_session=True,
            env={**os.environ, 'TERM': 'xterm', 'NO_COLOR': '1'})
        os.close(theirs)
        self.process.stdin.write(b''.join(frames()))
        self.process.stdin.flush()

    def message(self):
        """What was written to it; waits until something was, or its end."""
        check(select.select([self.end], [], [], harness.LIMIT_S)[0], 'nothing was written')
        try:
            return os.read(self.end, 65536)
        except OSError as error:  # a terminal that the last writer has closed
            equal(error.errno, errno.EIO, 'error')
            return b''

    def close(self):
        self.process.stdin.close()
        out = self.process.stdout.read()
        self.process.stdout.close()
        equal(self.process.wait(harness.LIMIT_S), 0, 'status')
        rest = b''.join(iter(self.message, b''))
        os.close(self.end)
        contains(out.decode(), f'{COUNT} records')
        return rest


@test('progress is drawn on a terminal, and taken away at the end; in a pipe there is none',
      fuse=False)
def progress():
    piped, shown = Feed(terminal=False), Feed(terminal=True)
    # While the other one draws several times, the one that began before has time to draw once.
    drawn = b''
    while drawn.count(b'\r') < 4:
        drawn += shown.message()
    check(drawn.startswith(b'\r'), f'drawn: {drawn}')
    check(b'\n' not in drawn and b'\x1b[3' not in drawn, f'drawn: {drawn}')
    check(shown.close().endswith(b'\r\x1b[K'), 'the line is left on the terminal')
    equal(piped.close(), b'', 'messages in a pipe')


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


@test('headings between weather messages are passed over, a damaged message is not', fuse=False)
def headings():
    heading = b'\r\r\n123 \r\r\nSAUK01 EGRR 121200\r\r\n'
    for name in ('grib', 'bufr'):
        data, records = archives.archive(name)
        messages = [data[start:end] for start, end, _ in records]
        path = harness.write(heading + heading.join(messages) + b'\r\r\n\x03')
        found = verified(path, status=0)
        equal((found['format'], found['records'], found['damage']), (name, len(messages), []), name)
        for which in (0, 3, len(messages) - 1):
            message = messages[which]
            for at in (0, len(message) - 1):
                changed = bytearray(message)
                changed[at] ^= 0x20
                parts = [*messages[:which], bytes(changed), *messages[which + 1:]]
                found = verified(harness.write(heading.join(parts)), status=1)
                equal((found['records'], len(found['damage'])), (len(messages) - 1, 1),
                      f'{name}, byte {at} of message {which} changed')
        cut = verified(harness.write(data[:-1]), status=0)
        equal((cut['records'], len(cut['damage'])), (len(messages) - 1, 1), f'{name} cut short')


@test('several cpio archives in one file, as an initramfs has them, are all read', fuse=False)
def one_after_another():
    for name in ('cpio-newc', 'cpio-odc'):
        data, records = archives.archive(name)
        padded = data + bytes(-len(data) % 512)
        found = verified(harness.write(padded + data), status=0)
        equal((found['format'], found['records'], found['damage']), (name, 2 * len(records), []),
              name)
        path = harness.write(padded + data)
        number = len(records) + 2
        equal(framefs('cat', path, str(number)).out, records[2][2], f'{name}: record {number}')


harness.main()
