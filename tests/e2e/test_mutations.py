#!/usr/bin/env python3
"""Archives of every built-in format, damaged in many ways, read through the library and mounts.

What holds of each: a record that is found is one that was written, or overlaps what was changed, or
has a wrong checksum; one that was written and is not found overlaps a damage or a changed record;
what lies before the change is found. An end mark that the change made ends the archive, and a frame
of zeros alone is an empty record wherever it stands. Where checksums cover a payload (CHECKED), one
that was changed has a wrong one.

Behind a change, formats whose frames carry no magic, checksum or repeat (LENGTHS) may take bytes of
a payload for frames, up to the first damage that is told: a length was changed, or is read at a
wrong place, and leads to where other lengths fit as well. No reader could tell these frames from
true ones. Behind the damage that ends them, all holds again, but for headers with two lengths
(SHIFTED). docs/limits.md says it for users. FF_SEED=N and FF_ROUNDS=N as in tests/prop."""

import errno
import os
import random
import shutil
import signal
import subprocess
import zlib

import archives
import harness
from harness import check, equal, test

READ_ALL = os.environ['READ_ALL']
ROUNDS = int(os.environ.get('FF_ROUNDS', '20'))
SEED = int(os.environ.get('FF_SEED', '1'))
# Chains of lengths, with nothing else to tell a frame by.
LENGTHS = ('raw32', 'u16le', 'u16be', 'u32le', 'u32be', 'u64le', 'u64be', 'varint', 'tag4-i64le',
           'tag4-i64be', 'erlang-packet2', 'flatbuffers-sized', 'grpc', 'protobuf-delimited', 'car',
           'carv2', 'perfetto', 'wasm', 'rdw', 'bson', 'mongo-archive', 'mp4', 'riff', 'midi',
           'pkt-line', 'syslog-octet', 'journal-export', 'unified2', 'rosbag', 'mcap', 'mrt',
           'fstrm', 'pcap', 'pcap-modified', 'btsnoop', 'snoop', 'ivf', 'nfdump1', 'shapefile',
           'segy-75x2', 'seqfile', 'snappy-framed')
# Of these, headers with two lengths: taken one for the other they lead on to the end as well.
SHIFTED = ('pcap', 'pcap-modified', 'btsnoop', 'snoop', 'rosbag')
# Checksums cover all of a payload.
CHECKED = ('tfrecord', 'leveldb-log', 'rocksdb-recycled', 'aws-eventstream', 'kafka-v2', 'png')
# The preamble tells where the frames end: what is moved behind that is none.
TOLD_END = ('carv2',)
HEAD_BYTES = 24  # of a frame: half of the changes begin there
MUTATIONS = 10  # of one archive
MOUNTED = 200  # archives in one mount
# What the scan may ask of an archive: searching is bounded by work, not by a clock.
READ_PER_BYTE, READ_MORE = 4096, 1 << 20


def read_all(cases):
    """The events of each of the (format, bytes): lists of words."""
    text = b''.join(f'{name} {len(data)}\n'.encode() + data for name, data in cases)
    done = subprocess.run([READ_ALL], input=text, capture_output=True)
    equal(done.returncode, 0, done.stderr.decode(errors='replace')[-2000:])
    out, events = [], []
    for line in done.stdout.decode().splitlines():
        word, *numbers = line.split()
        events.append((word, *map(int, numbers)))
        if word == 'read':
            out.append(events)
            events = []
    equal(len(out), len(cases), 'archives read')
    return out


def digest(payload):
    return None if payload is None else (len(payload), zlib.adler32(payload))


def mutate(r, data, records):
    """Changed bytes; where the change begins, where it ends in the old and in the new bytes."""
    at = r.randrange(len(data))
    if r.random() < 0.5:
        at = min(r.choice(records)[0] + r.randrange(HEAD_BYTES), len(data) - 1)
    n = r.choice((1, 1, 2, 4, 8, 30))
    kind = r.randrange(6)
    end = min(len(data), at + n)
    if kind == 0:
        return data[:at], at, len(data), at
    if kind == 1:
        new = bytes([data[at] ^ 1 << r.randrange(8)])
        end = at + 1
    elif kind == 2:
        new = b''
    elif kind == 3:
        new, end = r.randbytes(n), at
    elif kind == 4:
        new = bytes(r.choices((0, 1, 0x7f, 0x80, 0xff), k=end - at))
    else:
        new = bytes([(data[at] + r.choice((-16, -4, -1, 1, 4, 16))) % 256])
        end = at + 1
    return data[:at] + new + data[end:], at, end, at + len(new)


def judge(name, records, mutation, events):
    """What is wrong, or None."""
    data, at, old_end, new_end = mutation
    moved = new_end - old_end
    whole = {}
    for start, end, payload in records:
        if end <= at:
            whole[start, end] = payload
        elif start >= old_end:
            whole[start + moved, end + moved] = payload
    written = {digest(payload) for _, _, payload in records}
    found = [event[1:] for event in events if event[0] in ('record', 'wrong')]
    wrong = [event[1:3] for event in events if event[0] == 'wrong']
    damages = [event[1:3] for event in events if event[0] == 'damage'] + wrong
    # Where the reader has seen damage behind the change and gone on.
    proven = min((end for _, end in damages if end > at and name not in SHIFTED),
                 default=len(data))
    reach = new_end  # of the change: a touched frame may end behind it
    explained = damages + ([(at, proven)] if name in LENGTHS else [])
    for start, end, *content in found:
        if (start, end) in wrong or digest(whole.get((start, end))) == tuple(content):
            continue
        touched = start <= new_end and at <= end
        if touched and name in CHECKED and tuple(content) not in written:
            return f'record {start}..{end} was changed and nothing tells of it'
        zeros = start >= at and not any(data[start:end])
        if not touched and not zeros and not (name in LENGTHS and at <= start < proven):
            return f'record {start}..{end} was never written'
        explained.append((start, end))
        reach = max(reach, end) if touched else reach
    if name in TOLD_END:
        explained.append((max(end for _, end, _ in records), len(data)))
    # The change may have made an end mark: nothing tells of what follows it.
    last = max([end for _, end, *_ in found] + [end for _, end in damages], default=0)
    if last <= reach:
        explained.append((last, len(data)))
    spots = {f[:2] for f in found}
    for start, end in whole:
        if (start, end) in spots or at < records[0][0]:
            continue
        if not any(a < end and start < b for a, b in explained):
            return f'record {start}..{end} is lost and nothing tells of it'
        if end < at - 8:
            return f'record {start}..{end} before the change is lost'
    if events[-1][1] > READ_PER_BYTE * len(data) + READ_MORE:
        return f'{events[-1][1]} bytes were read of {len(data)}'
    return None


@test('an archive of every format has the records that were written', fuse=False)
def intact():
    written = {name: archives.archive(name) for name in archives.WRITERS}
    told = read_all([(name, data) for name, (data, _) in written.items()])
    for (name, (_, records)), events in zip(written.items(), told):
        equal(events[:-1], [('record', start, end, len(p), zlib.adler32(p))
                            for start, end, p in records], name)


def changes(name):
    """Of each of ROUNDS changed archives (records that were written, mutation)."""
    for i in range(ROUNDS):
        if i % MUTATIONS == 0:
            r = random.Random(f'{SEED} {name} {i}')
            data, records = archives.archive(name, f'{SEED} {i}' if i else '')
        yield records, mutate(r, data, records)


@test('no record of a changed archive is invented, none is lost in silence', fuse=False)
def changed():
    wrong = []
    for name in archives.WRITERS:
        cases = list(changes(name))
        told = read_all([(name, mutation[0]) for _, mutation in cases])
        for i, ((records, mutation), events) in enumerate(zip(cases, told)):
            why = judge(name, records, mutation, events)
            if why:
                wrong.append(f'{name} mutation {i} at {mutation[1:]}: {why}')
    check(not wrong, f'seed {SEED}: {len(wrong)} wrong\n' + '\n'.join(wrong[:40]))


def compare(mount, below, events):
    """Where the archive in the mount is not what the library tells of it, or None."""
    records = [event for event in events if event[0] in ('record', 'wrong')]
    files = sorted(mount.names(below))
    if len(files) != len(records):
        return f'{len(files)} files, {len(records)} records'
    for (word, start, end, *content), file in zip(records, files):
        try:
            got = digest(mount.read(below, file))
        except OSError as error:
            if error.errno != errno.EIO or word != 'wrong':
                return f'{file}, {word} {start}..{end}: {error}'
            continue
        # Of an empty file nothing is read, so nothing can fail.
        if got != tuple(content) or (word == 'wrong' and content[0] > 0):
            return f'{file}, {word} {start}..{end}: {got} instead of {content}'
    lines = mount.read(below, '.framefs', 'damage').decode().splitlines()[1:]
    damages = [(int(line.split()[0]), int(line.split()[1])) for line in lines]
    if damages != [(event[1], event[2] - event[1]) for event in events if event[0] == 'damage']:
        return f'{damages} in .framefs/damage, {events}'
    return None


def read_mounted(name, cases):
    """All that is wrong with a mount of these archives."""
    told = read_all([(name, data) for data in cases])
    where = harness.make_dir('changed')
    paths = [harness.write(data, f'{i:04}', where) for i, data in enumerate(cases)]
    with harness.Mount('--format', name, '--content=payload', '--verify=read', *paths) as mount:
        found = [(i, compare(mount, f'{i:04}', events)) for i, events in enumerate(told)]
        check(mount.servers == harness.servers_of(mount.dir), f'{name}: the server is gone')
    shutil.rmtree(where)
    return [f'{name} mutation {i}: {why}' for i, why in found if why]


def alarmed(*_):
    raise harness.Failure(f'a reader hangs for {harness.LIMIT_S} s')


@test('a mount of changed archives shows what the library finds, and EIO for wrong checksums')
def mounted():
    wrong = []
    signal.signal(signal.SIGALRM, alarmed)
    for name in archives.WRITERS:
        cases = [mutation[0] for _, mutation in changes(name)]
        for first in range(0, len(cases), MOUNTED):
            signal.alarm(harness.LIMIT_S)
            # Two at least: a single archive has no directory of its own.
            wrong += read_mounted(name, cases[first:first + MOUNTED] + [b''])
            signal.alarm(0)
    check(not wrong, f'seed {SEED}: {len(wrong)} wrong\n' + '\n'.join(wrong[:40]))


harness.main()
