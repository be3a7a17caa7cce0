#!/usr/bin/env python3
"""tests/data/manifest.py: prints the lines of MANIFEST.tsv for the archives whose records are found
by the readers below, written from the formats' specifications alone."""

import hashlib
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
SEQUENCEFILE = ('colinmarc/sequencefile/testdata/',
                'a35f809372920a36b3f4b6254fe9eedb36266197', 'MIT')
MADE = ('framefs/tests/data/make.py', '', 'MIT')


def avro_long(data, at):
    number, shift = 0, 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            return number >> 1 ^ -(number & 1), at


def avro(data):
    """Apache Avro specification, "Object Container Files": (payload, frame) of each block."""
    assert data[:4] == b'Obj\x01'
    count, at = avro_long(data, 4)
    while count:
        if count < 0:
            count, (_, at) = -count, avro_long(data, at)
        for _ in range(2 * count):
            size, at = avro_long(data, at)
            at += size
        count, at = avro_long(data, at)
    sync, at = data[at:at + 16], at + 16
    while at < len(data):
        begin = at
        _, at = avro_long(data, at)
        size, at = avro_long(data, at)
        assert data[at + size:at + size + 16] == sync
        yield data[at:at + size], data[begin:at + size + 16]
        at += size + 16


def arrow(data):
    """Apache Arrow, "IPC Streaming Format"; the body's length is field 3 of the table Message."""
    at = 0
    while True:
        mark, size = struct.unpack_from('<II', data, at)
        assert mark == 0xffffffff
        if size == 0:
            assert at + 8 == len(data)
            return
        begin, meta = at, at + 8
        table = meta + struct.unpack_from('<I', data, meta)[0]
        slots = table - struct.unpack_from('<i', data, table)[0]
        place = 0
        if struct.unpack_from('<H', data, slots)[0] > 4 + 2 * 3:
            place = struct.unpack_from('<H', data, slots + 4 + 2 * 3)[0]
        body = struct.unpack_from('<q', data, table + place)[0] if place else 0
        at = meta + size + body
        yield data[meta + size:at], data[begin:at]


def journal(data):
    """systemd.io/JOURNAL_EXPORT_FORMATS, "Journal Export Format"."""
    at = 0
    while at < len(data):
        begin = at
        while data[at] != 0x0a:
            end = data.index(b'\n', at)
            if b'=' in data[at:end]:
                at = end + 1
            else:
                at = end + 9 + struct.unpack_from('<Q', data, end + 1)[0]
                assert data[at] == 0x0a
                at += 1
        at += 1
        yield data[begin:at - 1], data[begin:at]


def hadoop_text(data, at):
    """After a number as WritableUtils.readVInt() reads it; -113 to -120 tell its bytes."""
    size, at = struct.unpack_from('b', data, at)[0], at + 1
    if size < -112:
        width = -112 - size
        size, at = int.from_bytes(data[at:at + width], 'big'), at + width
    return at + size


def sequencefile(data):
    """Apache Hadoop API, org.apache.hadoop.io.SequenceFile: the values, as they are compressed."""
    assert data[:4] == b'SEQ\x06'
    at = hadoop_text(data, hadoop_text(data, 4))
    compressed, blocks = data[at], data[at + 1]
    assert not blocks
    at += 2
    if compressed:
        at = hadoop_text(data, at)
    pairs, at = struct.unpack_from('>I', data, at)[0], at + 4
    for _ in range(2 * pairs):
        at = hadoop_text(data, at)
    sync, at = data[at:at + 16], at + 16
    while at < len(data):
        size = struct.unpack_from('>i', data, at)[0]
        if size == -1:
            assert data[at + 4:at + 20] == sync
            at += 20
            continue
        key = struct.unpack_from('>i', data, at + 4)[0]
        yield data[at + 8 + key:at + 8 + size], data[at:at + 8 + size]
        at += 8 + size


ARCHIVES = (
    ('readings-null.avro', 'avro', 'avro', avro, MADE),
    ('readings-deflate.avro', 'avro', 'avro', avro, MADE),
    ('entries.export', 'journal-export', 'journal-export', journal, MADE),
    ('batches.arrows', 'arrow', 'arrow-stream', arrow, MADE),
    ('metadata.sequencefile', 'sequencefile', 'seqfile', sequencefile, MADE),
    ('record_compressed_bzip2.sequencefile', 'sequencefile', 'seqfile', sequencefile, SEQUENCEFILE),
    ('record_compressed_snappy.sequencefile', 'sequencefile', 'seqfile', sequencefile,
     SEQUENCEFILE),
    ('record_compressed_zlib.sequencefile', 'sequencefile', 'seqfile', sequencefile, SEQUENCEFILE),
)


def digest(parts):
    total = hashlib.sha256()
    for part in parts:
        total.update(f'{len(part)} {hashlib.sha256(part).hexdigest()}\n'.encode())
    return total.hexdigest()


def main():
    for name, kind, description, records_of, (source, commit, licence) in ARCHIVES:
        with open(os.path.join(HERE, name), 'rb') as stream:
            data = stream.read()
        payloads, frames = zip(*records_of(data))
        source += name if source.endswith('/') else ''
        print(name, kind, description, 'good', len(frames), 'tests/data/manifest.py', 'clean',
              len(frames), digest(payloads), digest(frames), hashlib.sha256(data).hexdigest(),
              len(data), source, commit, licence, sep='\t')


main()
