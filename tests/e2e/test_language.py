#!/usr/bin/env python3
"""The description language, read by the program and by language.py: random descriptions, random
archives, and the same records, damaged in the same place."""

import json
import os
import re

import descriptions
import harness
import language
from harness import check, equal, framefs, test

SEEDS = int(os.environ.get('FRAMEFS_LANGUAGE_SEEDS', '120'))
ARCHIVES = 3  # of each description
BOTH_MIN = SEEDS * ARCHIVES // 10


def listed(chosen, data, *, pipe):
    """What framefs ls says before the first damage: records as (offset, payload, frame), and the
    damage's offset. Those after it are only held to stand behind it, one behind the other. chosen:
    the options that tell the format."""
    where, stdin = ('-', data) if pipe else (harness.write(data), b'')
    result = framefs('ls', '--json', *chosen, where, stdin=stdin, status=None)
    records, end = [], 0
    for number, line in enumerate(result.text.splitlines()):
        record = json.loads(line)
        equal(record['number'], number, 'number')
        records.append((record['offset'], record['length'], record['frame']))
        check(record['offset'] >= end, f'record {number} is not behind the one before')
        end = record['offset'] + record['frame']
    check(end <= len(data), 'the last record goes past the end')
    damage = re.search(r'record (\d+) at byte (\d+): ', result.err)
    check(damage or not result.err, result.err)
    check(damage or result.status == 0, repr(result))
    if not damage:
        return records, None
    before, later = records[:int(damage[1])], records[int(damage[1]):]
    check(all(offset > int(damage[2]) for offset, _, _ in later), 'a record before the damage')
    return before, int(damage[2])


def expected(form, data):
    records, damage = language.scan(form, data)
    return [(record.offset, len(record.payload), len(record.frame)) for record in records], damage


@test('random descriptions mean what another reading of the language says', fuse=False)
def random_descriptions():
    refused = whole = damaged = records = 0
    for seed in range(SEEDS):
        writer = descriptions.Writer(seed)
        description = writer.description()
        if framefs('ls', '--frame', description, os.devnull, status=None).status == 2:
            refused += 1  # nothing tells the size of the payload
            continue
        form = language.compile(description)
        for _ in range(ARCHIVES):
            data = descriptions.archive(writer.r, form)
            want = expected(form, data)
            for pipe in (False, True):
                equal(listed(['--frame', description], data, pipe=pipe), want,
                      f'seed {seed}, {description!r}, bytes {data.hex()}, pipe {pipe}')
            records += len(want[0])
            whole += want[1] is None
            damaged += want[1] is not None
    # What is compared must be worth it.
    check(refused < SEEDS // 4, f'{refused} of {SEEDS} descriptions are refused')
    check(whole > BOTH_MIN and damaged > BOTH_MIN, f'{whole} whole archives, {damaged} damaged')
    check(records > SEEDS, f'only {records} records')


class Section:
    """A random INI section, and archives of it."""

    def __init__(self, seed):
        writer = descriptions.Writer(seed)
        self.lines = writer.section()
        text = '\n'.join(['[own]'] + self.lines + [''])
        self.chosen = ['--formats', harness.write(text.encode(), 'own.ini'), '--format', 'own']
        self.what = f'seed {seed}, {text}'
        self.form = self.archives = None
        if framefs('ls', *self.chosen, harness.write(b''), status=None).status == 0:
            self.form = language.compile_section(self.lines)
            self.archives = [descriptions.archive(writer.r, self.form) for _ in range(ARCHIVES)]


def check_bytes(section, data, records):
    """All payloads and all frames, read in order and from a pipe."""
    if not records:
        return
    path = harness.write(data)
    for content in 'payload', 'frame':
        want = b''.join(getattr(record, content) for record in records)
        for where, stdin in (path, b''), ('-', data):
            got = framefs('cat', *section.chosen, f'--content={content}', where,
                          f'0-{len(records) - 1}', stdin=stdin, status=None)
            equal(got.out, want, f'{content}, {section.what}bytes {data.hex()}')


@test('records in several frames, blocks and headers mean what another reading says', fuse=False)
def random_sections():
    refused = whole = damaged = records = joined = glued = 0
    for seed in range(SEEDS):
        section = Section(seed)
        if not section.form:
            refused += 1
            continue
        for data in section.archives:
            want = expected(section.form, data)
            for pipe in (False, True):
                equal(listed(section.chosen, data, pipe=pipe), want,
                      f'{section.what}bytes {data.hex()}, pipe {pipe}')
            found, _ = language.scan(section.form, data)
            check_bytes(section, data, found)
            records += len(found)
            several = [r for r in found if r.frames > 1]
            joined += len(several)
            glued += len(several) if section.form.glue else 0
            whole += want[1] is None
            damaged += want[1] is not None
    check(refused < SEEDS // 4, f'{refused} of {SEEDS} sections are refused')
    check(whole > BOTH_MIN and damaged > BOTH_MIN, f'{whole} whole archives, {damaged} damaged')
    check(records > SEEDS, f'only {records} records')
    check(joined > SEEDS // 4 and glued > SEEDS // 20, f'{joined} are joined, {glued} with glue')


@test('a mount shows the records of random sections, joined or not')
def mounted_sections():
    for seed in range(SEEDS, SEEDS + SEEDS // 6):
        section = Section(seed)
        if not section.form:
            continue
        paths = [harness.write(data, f'archive{i}') for i, data in enumerate(section.archives)]
        with harness.Mount(*section.chosen, *paths) as mount:
            for i, data in enumerate(section.archives):
                records, damage = language.scan(section.form, data)
                names = sorted(mount.names(f'archive{i}'))
                check(len(names) >= len(records), f'{names}, {section.what}bytes {data.hex()}')
                check(damage is not None or len(names) == len(records), section.what)
                for name, record in zip(names, records):
                    equal(mount.read(f'archive{i}', name), record.payload,
                          f'{name}, {section.what}bytes {data.hex()}')


harness.main()
