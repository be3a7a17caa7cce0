#!/usr/bin/env python3
"""Archives of every format, whole and changed, that are indexed in part or before they have grown:
gone on with, they are what one scan finds. The comparison, of every record, damage, figure and
view, is in tests/prop/go_on.c. FF_SEED=N and FF_ROUNDS=N as there."""

import csv
import os
import random
import subprocess

import archives
import harness
from harness import Skip, check, test

GO_ON = os.environ['GO_ON']
SEED = int(os.environ.get('FF_SEED', '1'))
ROUNDS = os.environ.get('FF_ROUNDS', '2')  # of each archive
SAMPLES = os.environ.get('FRAMEFS_SAMPLES') or os.path.join(harness.ROOT, '..', 'shared', 'samples')
SAMPLE_MAX_BYTES = 1 << 20


def change(r, data, records):
    """A stretch of it is gone, moved, or other bytes."""
    at = r.randrange(len(data))
    if r.random() < 0.5:
        at = min(r.choice(records)[0] + r.randrange(24), len(data) - 1)
    end = min(len(data), at + r.choice((1, 1, 2, 4, 8, 30)))
    new = (b'', r.randbytes(end - at), data[at:end] * 2, bytes(end - at),
           bytes([data[at] ^ 1 << r.randrange(8)]) + data[at + 1:end])[r.randrange(5)]
    return data[:at] + new + data[end:]


def go_on(cases):
    """What does not hold of the (format, bytes), or None."""
    text = b''.join(f'{name} {len(data)}\n'.encode() + data for name, data in cases)
    done = subprocess.run([GO_ON, str(SEED), ROUNDS], input=text, capture_output=True,
                          timeout=harness.LIMIT_S)
    return None if done.returncode == 0 else f'{done.returncode} {done.stderr.decode()[-400:]}'


def check_each(cases_of, names):
    wrong = [f'{name}: {why}' for name in names for why in [go_on(cases_of(name))] if why]
    check(not wrong, f'seed {SEED}: {len(wrong)} wrong\n' + '\n'.join(wrong[:20]))


@test('archives of every format, killed after any record or grown from any byte', fuse=False)
def written():
    def cases_of(name):
        return [(name, archives.archive(name, f'{SEED} {i}' if i else '')[0]) for i in range(4)]
    check_each(cases_of, archives.WRITERS)


@test('the same of changed ones, which are searched for where they go on', fuse=False)
def changed():
    def cases_of(name):
        r = random.Random(f'{SEED} {name}')
        data, records = archives.archive(name, f'{SEED}')
        cases = [change(r, data, records) for _ in range(8)]
        return [(name, one) for one in cases + [change(r, one, records) for one in cases if one]]
    check_each(cases_of, archives.WRITERS)


@test('of archives that were put one behind the other', fuse=False)
def joined():
    def cases_of(name):
        return [(name, b''.join(archives.archive(name, f'{SEED} {i}')[0] for i in range(n)))
                for n in (2, 5)]
    check_each(cases_of, archives.WRITERS)


def rows_of(folder):
    manifest = os.path.join(folder, 'MANIFEST.tsv')
    if not os.path.exists(manifest):
        raise Skip(f'{folder} has no samples')
    with open(manifest, encoding='utf-8') as stream:
        return [row for row in csv.DictReader(stream, delimiter='\t')
                if int(row['size']) <= SAMPLE_MAX_BYTES
                and os.path.exists(os.path.join(folder, row['file']))]


def check_samples(folder):
    rows = {row['file']: row for row in rows_of(folder)}
    known = harness.framefs('formats').text.split('\n')
    known = {line.split()[0] for line in known if line}

    def cases_of(name):
        return [(rows[name]['description'], harness.read(os.path.join(folder, name)))]
    check_each(cases_of, [name for name, row in rows.items() if row['description'] in known])


@test('of the samples in tests/data', fuse=False)
def data():
    check_samples(harness.DATA)


@test('of the larger collection of samples', fuse=False)
def samples():
    check_samples(SAMPLES)


harness.main()
