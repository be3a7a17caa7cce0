#!/usr/bin/env python3
"""Archives of every built-in format, damaged in many ways, read through the library.

What holds of each: a record that is found is one that was written, or overlaps what was changed;
one that was written and is not found overlaps a damage, a changed record, or changed bytes that no
event tells of; what lies before the change is found. Behind the change, formats whose frames carry
no magic, checksum or repeat (LENGTHS) may take bytes of a payload for frames: no reader could tell
them from true ones. FF_SEED=N and FF_ROUNDS=N as in tests/prop."""

import os
import random
import subprocess
import zlib

import archives
import harness
from harness import check, equal, test

READ_ALL = os.environ['READ_ALL']
ROUNDS = int(os.environ.get('FF_ROUNDS', '20'))
SEED = int(os.environ.get('FF_SEED', '1'))
# A frame has a magic of its own, a checksum, a marker or its length twice.
STRICT = ('avro', 'aws-eventstream', 'bitcoin-blk', 'bufr', 'cpio-newc', 'cpio-odc', 'fortran8',
          'fortran8-be', 'grib', 'lcm', 'tfrecord', 'ar', 'dlt', 'warc', 'asdf')
LENGTHS = tuple(name for name in archives.WRITERS if name not in STRICT)
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


def mutate(r, data):
    """Changed bytes; where the change begins, where it ends in the old and in the new bytes."""
    at = r.randrange(len(data))
    n = r.choice((1, 1, 2, 4, 8, 30))
    kind = r.randrange(5)
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
    else:
        new = bytes(r.choices((0, 1, 0x7f, 0x80, 0xff), k=end - at))
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
    found = [event[1:] for event in events if event[0] == 'record']
    damages = [event[1:3] for event in events if event[0] == 'damage']
    touched = [f[:2] for f in found if f[0] <= new_end and at <= f[1]]
    for start, end, size, adler in found:
        payload = whole.get((start, end))
        if payload is not None and (size, adler) == (len(payload), zlib.adler32(payload)):
            continue
        if (start, end) in touched or (name in LENGTHS and start >= at):
            continue
        return f'record {start}..{end} was never written'
    # Of what no event tells, the stretches that were changed.
    told = sorted([f[:2] for f in found] + damages)
    silent, begin = [], 0
    for start, end in told + [(len(data), len(data))]:
        if begin <= new_end and at <= start:
            silent.append((begin, start))
        begin = max(begin, end)
    explained = damages + touched + silent
    if name in LENGTHS:
        explained += [f[:2] for f in found if f[0] >= at]
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


@test('no record of a changed archive is invented, none is lost in silence', fuse=False)
def changed():
    wrong = []
    for name in archives.WRITERS:
        r = random.Random(f'{SEED} {name}')
        data, records = archives.archive(name)
        mutations = [mutate(r, data) for _ in range(ROUNDS)]
        told = read_all([(name, mutation[0]) for mutation in mutations])
        for i, (mutation, events) in enumerate(zip(mutations, told)):
            why = judge(name, records, mutation, events)
            if why:
                wrong.append(f'{name} mutation {i} at {mutation[1:]}: {why}')
    check(not wrong, f'seed {SEED}: {len(wrong)} wrong\n' + '\n'.join(wrong[:40]))


harness.main()
