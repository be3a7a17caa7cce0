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


def listed(description, data, *, pipe):
    """What framefs ls says before the first damage: records as (offset, payload, frame), and the
    damage's offset. Those after it are only held to stand behind it, one behind the other."""
    where, stdin = ('-', data) if pipe else (harness.write(data), b'')
    result = framefs('ls', '--json', '--frame', description, where, stdin=stdin, status=None)
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
    return [(offset, payload, head + payload + tail)
            for offset, head, payload, tail in records], damage


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
                equal(listed(description, data, pipe=pipe), want,
                      f'seed {seed}, {description!r}, bytes {data.hex()}, pipe {pipe}')
            records += len(want[0])
            whole += want[1] is None
            damaged += want[1] is not None
    # What is compared must be worth it.
    check(refused < SEEDS // 4, f'{refused} of {SEEDS} descriptions are refused')
    check(whole > BOTH_MIN and damaged > BOTH_MIN, f'{whole} whole archives, {damaged} damaged')
    check(records > SEEDS, f'only {records} records')


harness.main()
