#!/usr/bin/env python3
"""framefs index --times: the times in the index are those that the records were made with, read by
another program (index_file.py); ls and mounts tell the same with and without them, whatever becomes
of the archive and of its index."""

import datetime
import functools
import json
import os
import random
import resource
import struct
import subprocess
import sys

import archives
import harness
from harness import FRAMEFS, Mount, check, contains, equal, framefs, test

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TESTS)
from index_file import TIMES, read_chunk, read_header, read_partial, read_times  # noqa: E402

S = 10**9
# Records with and without a time; it may be any of 64 bits, and be no time.
FRAME = '--frame="a" len:u8 data | "t" time:i64le nsec:u32le len:u8 data'
YEAR_1, YEAR_10000 = -62135596800, 253402300800
SEGMENT = 64 * 256


def plain(payload):
    return b'a' + bytes([len(payload)]) + payload


def timed(ns, payload=b'x'):
    return b't' + struct.pack('<qIB', ns // S, ns % S, len(payload)) + payload


def index(path, *arguments, status=0):
    return json.loads(framefs('index', '--json', *arguments, path, status=status).out)[0]


def times_of(path):
    return read_times(harness.read(path + '.framefs'))


def listed(path, *arguments, status=0):
    return framefs('ls', '--json', *arguments, path, status=status).out


def spell(ns):
    """As RFC 3339 has it."""
    moment = datetime.datetime(1, 1, 1) + datetime.timedelta(seconds=ns // S - YEAR_1)
    return f'{moment.isoformat()}.{ns % S:09}Z'


def check_spans(path, times, r, *arguments, rounds=6):
    """ls of stretches between any two times gives what is in them, with the index and without."""
    known = sorted({time for time in times if time is not None}) or [0]
    for _ in range(rounds):
        since, until = sorted((r.choice(known), r.choice(known) + r.randrange(2)))
        if since == until or until == YEAR_10000 * S:
            continue
        ask = [*arguments, '--since=' + spell(since), '--until=' + spell(until)]
        with_index = listed(path, *ask)
        equal([json.loads(line)['number'] for line in with_index.splitlines()],
              [n for n, time in enumerate(times) if time is not None and since <= time < until],
              f'{since} to {until}')
        equal(with_index == listed(path, '--no-index', *ask), True, f'{ask} without the index')


def check_all(path, times, *arguments, seed=1):
    told = index(path, *arguments, '--times')
    equal(told['times'], True, 'times')
    equal(times_of(path), list(times), 'times in the index')
    check_spans(path, times, random.Random(seed), *arguments)


def shapes(r):
    """Times of many kinds: in order or not, before 1970, of each unit, at the limits and beyond."""
    now = 1158679214 * S
    yield 'microseconds in order', [now + i * 1234000 for i in range(1000)]
    yield 'out of order', [now + r.randrange(10**12) for _ in range(2000)]
    yield 'before 1970', [-r.randrange(10**17) for _ in range(700)]
    for unit in (1, 10**3, 10**6, 10**9):
        yield f'in {unit} ns', [(now // unit + r.randrange(5000)) * unit for _ in range(600)]
    yield 'the same', [now] * 500
    yield 'none', [None] * 600
    yield 'some', [now + i if r.random() < 0.3 else None for i in range(1500)]
    yield 'a block without', [now] * 256 + [None] * 256 + [now + 5] * 256
    yield 'the limits', [r.choice((YEAR_1 * S, YEAR_10000 * S - 1)) for _ in range(400)]
    yield 'beyond the limits', [r.choice((YEAR_1 * S - 1, YEAR_10000 * S, now))
                                for _ in range(400)]
    yield 'one', [now]
    yield 'a segment', [now + i * S for i in range(SEGMENT)]
    yield 'more than one', [now - i * 1001 if i % 7 else None for i in range(2 * SEGMENT + 300)]


@test('times of every kind are kept as they are, and ls tells the same with them', fuse=False)
def kinds():
    for name, times in shapes(random.Random(3)):
        path = harness.write(b''.join(plain(b'y') if time is None else timed(time)
                                      for time in times), name)
        check_all(path, [time if time is not None and YEAR_1 * S <= time < YEAR_10000 * S else None
                         for time in times], FRAME)


@test('of every format that has times, they are what ls reads from the records', fuse=False)
def formats():
    count = 0
    for name in archives.WRITERS:
        path = harness.write(archives.archive(name, '7')[0])
        told = framefs('index', '--times', '--format=' + name, path, status=None)
        if told.status == 2:
            contains(told.err, f'records of the format {name} have no time', 'message')
            check(not os.path.exists(path + '.framefs'), 'an index was written')
            continue
        equal(told.status, 0, f'{name}: {told.err}')
        rows = [json.loads(line) for line in listed(path, '--no-index',
                                                    '--format=' + name).splitlines()]
        times = [in_ns(row['time']) if 'time' in row else None for row in rows]
        equal(times_of(path), times, name)
        check_spans(path, times, random.Random(name), '--format=' + name, rounds=2)
        count += 1
    check(count >= 10, f'{count} formats have times')
    print(f'# {count} formats')


def in_ns(text):
    """RFC 3339, as ls prints it."""
    date, _, fraction = text.rstrip('Z').partition('.')
    moment = datetime.datetime.fromisoformat(date + '+00:00')
    seconds = (moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc))
    return (seconds.days * 86400 + seconds.seconds) * S + int(fraction.ljust(9, '0') or 0)


@functools.cache
def capture(count, seed=1, step_us=3000):
    """A packet capture, and the time of each packet in ns."""
    r, us, packets, times = random.Random(seed), 1700000000 * 10**6, [], []
    for _ in range(count):
        us += r.randrange(step_us)
        packets.append((us // 10**6, us % 10**6, bytes(r.randrange(60, 90))))
        times.append(us * 1000)
    return harness.pcap(packets), tuple(times)


@test('an index is asked for times once; without them it is made anew', fuse=False)
def anew():
    content, times = capture(500)
    path = harness.write(content)
    told = index(path)
    equal((told['outcome'], told['times'], times_of(path)), ('built', False, None), 'without')
    told = index(path, '--times')
    equal((told['outcome'], told['times'], told['scanned_bytes']), ('built', True, len(content)),
          'with')
    equal(times_of(path), list(times), 'times')
    for more in (['--times'], []):
        told = index(path, *more)
        equal((told['outcome'], told['times']), ('up to date', True), f'once more {more}')
    contains(framefs('info', path).text, ', with times', 'info')
    equal(json.loads(framefs('info', '--json', path).out)[0]['index']['times'], True, 'info --json')
    index(path, '--force')
    equal(times_of(path), None, 'forced without')
    check(', with times' not in framefs('info', path).text, 'info tells of times')


@test('what an index has is not lost when more is asked for', fuse=False)
def both():
    code = '--frame=type:u8 time:u32be len:u32be data crc:u32le=crc32(data)'
    content = b''.join(struct.pack('>BII', 1, i, 4) + b'data' + struct.pack('<I', 0xadf3f363)
                       for i in range(300))
    path = harness.write(content)
    for first, second in (('--times', '--verify'), ('--verify', '--times')):
        index(path, code, '--force', first)
        told = index(path, code, second)
        equal((told['verified'], told['wrong'], told['times']), (True, 0, True), second)
        equal(times_of(path), [i * S for i in range(300)], 'times')


@test('a format without times is refused: a usage error, and nothing is written', fuse=False)
def without():
    path = harness.write(b'\1\0\0\0a' * 20)
    said = framefs('index', '--format=u32le', '--times', path, status=2)
    contains(said.err, 'records of the format u32le have no time', 'message')
    equal(os.listdir(os.path.dirname(path)), ['archive'], 'files')


@test('an archive that grows keeps its times, by framefs index and without a word of them',
      fuse=False)
def grown():
    content, times = capture(3 * SEGMENT)
    ends, at = [24], 24
    while at < len(content):
        at += 16 + struct.unpack_from('<I', content, at + 8)[0]
        ends.append(at)
    r = random.Random(9)
    path = harness.write(b'')
    for count in sorted(r.randrange(3 * SEGMENT) for _ in range(5)) + [3 * SEGMENT]:
        # Also in the middle of a record.
        with open(path, 'r+b') as stream:
            stream.write(content[:ends[count] + (0 if count == 3 * SEGMENT else r.randrange(9))])
        told = index(path, *(['--times'] if not os.path.exists(path + '.framefs') else []))
        equal(told['times'], True, 'times')
        equal(times_of(path), list(times[:count]), f'{count} records')
    equal(told['outcome'], 'extended', 'outcome')
    check_spans(path, times, r)


@test('one that has grown since: ls reads the times of the new records', fuse=False)
def newer():
    content, times = capture(SEGMENT + 2000)
    part, known = capture(SEGMENT + 1000)
    equal(times[:len(known)], known, 'the same beginning')
    path = harness.write(part)
    index(path, '--times')
    kept = harness.read(path + '.framefs')
    harness.write(content, where=os.path.dirname(path))
    check_spans(path, times, random.Random(4))
    equal(harness.read(path + '.framefs') == kept, True, 'the index is as before')


def in_chunks(path):
    """The bodies of the chunks of times."""
    data = harness.read(path + '.framefs')
    (_, _, segments, _), parts = read_header(data)
    return [read_chunk(data, *struct.unpack_from('<8xQ', data, parts[TIMES][0] + 64 * k))[4]
            for k in range(segments)]


@test('a command that is killed wherever in its file is gone on with, and has all times',
      fuse=False)
def killed():
    content, times = capture(500_000, step_us=50)
    whole = harness.write(content)
    size = index(whole, '--times')['index_bytes']
    path, r, resumed = harness.write(content), random.Random(12), 0
    for _ in range(3):
        limit = r.randrange(size // 2, size)

        def limit_size():
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        subprocess.run([FRAMEFS, 'index', '--times', path], preexec_fn=limit_size, check=False,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        check(read_partial(harness.read(path + '.framefs.partial')), 'nothing to go on with')
        # What goes on need not say it; an index without times does not stand in the way.
        told = index(path, *r.choice(([], ['--times'])))
        resumed += told['outcome'] == 'resumed'
        equal((told['times'], told['records']), (True, len(times)), 'outcome')
        equal(in_chunks(path), in_chunks(whole), 'times')
        os.unlink(path + '.framefs')
    equal(resumed, 3, 'were gone on with')
    equal(tuple(times_of(whole)) == times, True, 'times')


@test('a partial file without times is of no use to who asks for them', fuse=False)
def partial():
    content, _ = capture(500_000, step_us=50)
    path = harness.write(content)
    size = index(path)['index_bytes']
    os.unlink(path + '.framefs')

    def limit_size():
        resource.setrlimit(resource.RLIMIT_FSIZE, (size - 10, size - 10))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    subprocess.run([FRAMEFS, 'index', path], preexec_fn=limit_size, check=False,
                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    check(read_partial(harness.read(path + '.framefs.partial')), 'nothing to go on with')
    told = index(path, '--times')
    equal((told['outcome'], told['known_before'], told['times']), ('built', 0, True), 'outcome')
    check(in_chunks(path), 'no times')


def stamp_at(content, record):
    """Where the record's microseconds stand in a capture."""
    at = 24
    for _ in range(record):
        at += 16 + struct.unpack_from('<I', content, at + 8)[0]
    return at + 4


@test('after an edit of nothing but a time, or of the time of modification, the archive is asked',
      fuse=False)
def edited():
    content, times = capture(2000)
    path = harness.write(content)
    index(path, '--times')
    before = os.stat(path)
    with open(path, 'r+b') as stream:
        # Where the index is not bound to the bytes (format-index.md).
        step = (len(content) - 512) // 33
        record = next(n for n in range(2000) if 4096 < stamp_at(content, n) % step - 700 < 4200)
        stream.seek(stamp_at(content, record))
        stream.write(struct.pack('<I', 123))
    times = list(times)
    times[record] = times[record] // S * S + 123000
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    check_spans(path, times, random.Random(2))
    told = index(path, '--times')
    equal((told['outcome'], told['times']), ('built', True), 'outcome')
    equal(times_of(path), times, 'times')


@test('a grown archive of which a time was edited loses its index, and the next one has times',
      fuse=False)
def edited_grown():
    content, _ = capture(900)
    more, times = capture(950)
    path = harness.write(content)
    index(path, '--times')
    step = (len(content) - 512) // 33
    at = next(at for at in (stamp_at(more, n) for n in range(60, 900))
              if at > 4096 and 600 < at % step < step - 600 and at < len(content) - 5000)
    edit = bytearray(more)
    edit[at:at + 4] = struct.pack('<I', 123)
    harness.write(bytes(edit), where=os.path.dirname(path))
    contains(framefs('info', path).err, 'the archive was edited', 'note')
    told = index(path)
    contains(told['rejected'], 'the archive was edited', 'why it is made anew')
    equal((told['outcome'], told['times']), ('built', True), 'outcome')
    known = times_of(path)
    equal(sum(a != b for a, b in zip(known, times, strict=True)), 1, 'times that differ')


def mtimes(mount):
    return [os.stat(record).st_mtime_ns for record in mount.records()]


@test('mtimes in a mount are those of the index, and the archive is not read for them')
def mounted():
    content, times = capture(SEGMENT + 500)
    path = harness.write(content)
    index(path, '--times')
    with Mount(path) as mount:
        equal(tuple(mtimes(mount)), times, 'mtimes')
    # Only the index can know these: in the archive they are others, and nothing tells of it.
    before, wrong = os.stat(path), bytearray(content)
    step = (len(content) - 512) // 33
    edited = [n for n in range(100, SEGMENT, 777)
              if 4096 < stamp_at(content, n) < len(content) - 5000
              and 600 < stamp_at(content, n) % step < step - 600]
    check(len(edited) > 5, 'nothing to edit')
    for record in edited:
        at = stamp_at(content, record)
        wrong[at:at + 4] = struct.pack('<I', 7)
    with open(path, 'r+b') as stream:
        stream.write(wrong)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with Mount(path) as mount:
        equal(tuple(mtimes(mount)), times, 'mtimes of the index')
    with Mount('--no-index', path) as mount:
        found = mtimes(mount)
        equal([n for n in range(len(times)) if found[n] != times[n]], edited, 'of the archive')


@test('a grown archive: a mount keeps the times in the index that it writes')
def mounted_grown():
    # Scans of less than 100 ms write no index.
    content, times = capture(1_500_000, step_us=50)
    cut = stamp_at(content, 20_000) - 4
    path = harness.write(content[:cut])
    equal(index(path, '--times')['records'], 20_000, 'records')
    harness.write(content, where=os.path.dirname(path))
    old = harness.read(path + '.framefs')
    with Mount(path) as mount:
        names = list(mount.records())
        equal(len(names), len(times), 'records')
        for n in (0, 19_999, 20_000, 20_001, len(times) - 1):
            equal(os.stat(names[n]).st_mtime_ns, times[n], f'mtime of {n}')
        harness.wait_for(lambda: harness.read(path + '.framefs') != old, 'the index is written')
    kept = index(path)
    equal((kept['outcome'], kept['times']), ('up to date', True), 'the index')
    framefs('index', '--times', '--force', '--index', path + '.anew', path)
    os.rename(path + '.anew', path + '.anew.framefs')
    equal(in_chunks(path) == in_chunks(path + '.anew'), True, 'times')


@test('times that are damaged are told of, and read from the archive', fuse=False)
def damaged():
    content, times = capture(2 * SEGMENT + 100)
    path = harness.write(content)
    index(path, '--times')
    data = harness.read(path + '.framefs')
    r = random.Random(8)
    (at, size), = [struct.unpack_from('<QQ', data, 48 + 32 * i + 8) for i in range(12)
                   if struct.unpack_from('<I', data, 48 + 32 * i)[0] == 5]
    chunks = [struct.unpack_from('<Q', data, at + 64 * k + 8)[0] for k in range(size // 64)]
    for where in [at + r.randrange(size) for _ in range(6)] + [
            chunk + r.randrange(200) for chunk in chunks for _ in range(3)]:
        changed = bytearray(data)
        changed[where] ^= 1 << r.randrange(8)
        with open(path + '.framefs', 'wb') as stream:
            stream.write(changed)
        check_spans(path, times, r, rounds=2)
    with open(path + '.framefs', 'wb') as stream:
        stream.write(data[:chunks[1] + 50] + b'\xff' + data[chunks[1] + 51:])
    said = framefs('ls', '--since=@0', path)
    equal(len(said.out.splitlines()), len(times), 'records')
    contains(said.err, f'archive.framefs: damaged: framefs index {path} writes it anew', 'note')
    broken = harness.read(path + '.framefs')
    told = index(path)
    equal((told['outcome'], told['rejected'], told['times']), ('built', 'it is damaged', True),
          'what is made anew')
    equal(times_of(path), list(times), 'times')
    equal(index(path)['outcome'], 'up to date', 'then')
    # Of a copy they are not believed, nor looked at: nothing is said of them.
    with open(path + '.framefs', 'wb') as stream:
        stream.write(broken)
    before = os.stat(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    told = index(path)
    equal((told['outcome'], told['times']), ('up to date', False), 'of a copy')
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    content, times = capture(2 * SEGMENT + 200)
    harness.write(content, where=os.path.dirname(path))
    told = index(path)
    contains(told['rejected'], 'is damaged', 'why it is made anew')
    equal((told['times'], times_of(path)), (True, list(times)), 'times')


harness.main()
