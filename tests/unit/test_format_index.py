#!/usr/bin/env python3
"""test_format_index.py IMAGE_WRITE: a reader of index files, written from docs/format-index.md
alone, reads what framefs wrote of records that are made up here."""

import os
import random
import re
import struct
import subprocess
import sys
import tempfile

DOCUMENT = os.path.join(os.path.dirname(__file__), '..', '..', 'docs', 'format-index.md')
BLOCK, SEGMENT = 256, 64 * 256
BINDING, SEGMENTS, STATE, DIRECTORY = 1, 2, 3, 4


# The reader.

def bits(data, bit, width):
    """`width` bits of data from `bit` on; bit 0 is the lowest of byte 0."""
    value = int.from_bytes(data[bit // 8:(bit + width + 7) // 8], 'little')
    return value >> bit % 8 & (1 << width) - 1


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7f) << shift
        at, shift = at + 1, shift + 7
        if not data[at - 1] & 0x80:
            return value, at


def read_block(data, at, count):
    """The rows (gap, head, payload, tail, join) of a block's records."""
    widths, at, least = data[at:at + 5], at + 5, []
    for _ in widths:
        value, at = varint(data, at)
        least.append(value)
    columns = []
    for width, base in zip(widths, least):
        packed = data[at:at + (count * width + 7) // 8]
        columns.append([base + bits(packed, i * width, width) for i in range(count)])
        at += len(packed)
    return zip(*columns)


def read_chunk(data, at):
    """Kind, records, where the frame before it ended, payload before it, body."""
    _, kind, records, size, offset, payload = struct.unpack_from('<QIIQQQ', data, at)
    return kind, records, offset, payload, data[at + 40:at + 40 + size]


def read_segment(chunk):
    """Yields (offset, head, payload, tail, join), payload bytes before."""
    kind, records, begin, begin_payload, body = chunk
    assert kind == SEGMENTS
    widths, count = body[:3], (records + BLOCK - 1) // BLOCK
    rows = body[3:3 + (count * sum(widths) + 7) // 8]
    blocks = 3 + len(rows)
    for block in range(count):
        bit, row = block * sum(widths), []
        for width in widths:
            row.append(bits(rows, bit, width))
            bit += width
        end, before = begin + row[0], begin_payload + row[1]
        for gap, head, payload, tail, join in read_block(
                body, blocks + row[2], min(BLOCK, records - block * BLOCK)):
            yield (end + gap, head, payload, tail, join), before
            end, before = end + gap + head + payload + tail, before + payload


def read_header(data):
    """Length, records, segments, archive's size, parts by kind."""
    magic, version, header, *numbers = struct.unpack_from('<8sIIQQQQ', data)
    assert magic == b'\xffffi\r\n\x1a\n' and version == 1 and header == 512
    parts = {}
    for i in range(12):
        kind, _, offset, size, _ = struct.unpack_from('<IIQQQ', data, 48 + 32 * i)
        if kind:
            parts[kind] = offset, size
    return numbers, parts


def read_index(data):
    (size, records, segments, archive), parts = read_header(data)
    assert size == len(data)
    assert read_chunk(data, parts[BINDING][0])[4] == b'binding'
    assert read_chunk(data, parts[STATE][0])[4] == b'state'
    assert parts[DIRECTORY][1] == 48 * segments
    found = []
    for k in range(segments):
        entry = parts[DIRECTORY][0] + 48 * k
        at, = struct.unpack_from('<Q', data, entry)
        assert data[entry + 8:entry + 48] == data[at:at + 40]
        found += read_segment(read_chunk(data, at))
    assert len(found) == records
    return found, archive


def read_partial(data):
    """The records before the last state."""
    assert read_header(data)[0][0] == 0
    at, found, counted = 512, [], 0
    while at < len(data):
        chunk = read_chunk(data, at)
        if chunk[0] == SEGMENTS:
            found += read_segment(chunk)
        elif chunk[0] == STATE:
            counted = len(found)
        at += (40 + len(chunk[4]) + 7) // 8 * 8
    return found[:counted]


# What it reads.

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
                found, archive = (read_partial(data), end) if how else read_index(data)
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
