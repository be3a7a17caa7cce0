#!/usr/bin/env python3
"""test_format_index.py IMAGE_WRITE: the reader of index_file.py reads what framefs wrote of records
that are made up here."""

import os
import random
import re
import subprocess
import sys
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, TESTS)
from index_file import read_index, read_partial  # noqa: E402

DOCUMENT = os.path.join(TESTS, '..', 'docs', 'format-index.md')
SEGMENT = 64 * 256


def example(size):
    """The bytes of the document's example."""
    data = bytearray(size)
    with open(DOCUMENT, encoding='utf-8') as stream:
        for row in re.findall(r'^    ([0-9a-f]{3})  ((?:[0-9a-f]{2} ?)+)', stream.read(), re.M):
            row_bytes = bytes.fromhex(row[1])
            data[int(row[0], 16):int(row[0], 16) + len(row_bytes)] = row_bytes
    return bytes(data)


def records(generator, count, head, payload, gap=lambda: 0, join=lambda: 0, at=0):
    made, before = [], 0
    for _ in range(count):
        at += gap()
        record = (at, head(), payload(), generator.choice((0, 4)), join())
        made.append((record, before))
        before += record[2]
        at = sum(record[:4]) + max(record[4] - 1, 0)
    return made, at


def same(value):
    return lambda: value


def main():
    generator = random.Random(20)
    below = generator.randrange
    cases = {
        'none': records(generator, 0, same(0), same(0)),
        'one': records(generator, 1, same(4), same(10), at=24),
        'uniform': records(generator, 2 * SEGMENT + 300, same(12), lambda: below(100, 501), at=24),
        'whole': records(generator, SEGMENT, same(12), lambda: below(3)),
        'fixed': ([((12 * i, 2, 9, 1, 0), 9 * i) for i in range(40000)], 12 * 40000),
        'all vary': records(generator, 20000, lambda: below(1 << below(1, 40)),
                            lambda: below(1 << below(1, 48)), lambda: below(1 << below(1, 40)),
                            lambda: below(3) and below(5000)),
        'far': records(generator, 1000, same(8), lambda: below(100), at=(1 << 63) - 400000),
        'one huge': records(generator, 5000, same(8),
                            lambda: 1 << 60 if below(1000) == 0 else below(3)),
    }
    with tempfile.TemporaryDirectory(prefix='framefs-index-') as folder:
        path = os.path.join(folder, 'index')
        for name, (made, end) in cases.items():
            lines = ''.join('%d %d %d %d %d\n' % record for record, _ in made)
            for how in ([], ['partial']):
                subprocess.run([sys.argv[1], path, *how], input=lines, text=True, check=True,
                               timeout=60)
                with open(path, 'rb') as stream:
                    data = stream.read()
                if how:
                    found, archive = read_partial(data), end
                else:
                    found, archive, binding, state = read_index(data)
                    assert (binding, state) == (b'binding', b'state'), name
                for number, (ours, theirs) in enumerate(zip(made, found)):
                    assert ours == theirs, f'{name}: record {number}: {ours}, read {theirs}'
                assert len(found) == len(made) and archive == end, name
            print(f'{name}: {len(made)} records, {len(data)} bytes')
        subprocess.run([sys.argv[1], path], input='24 4 10 0 0\n', text=True, check=True,
                       timeout=60)
        with open(path, 'rb') as stream:
            data = stream.read()
        assert data == example(len(data)), 'the example in format-index.md is another file'


if __name__ == '__main__':
    main()
