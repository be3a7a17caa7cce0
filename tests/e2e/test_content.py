#!/usr/bin/env python3
"""What a record's file holds, against programs and parsers that know these formats."""

import json
import os
import shutil
import struct

import harness
from harness import Mount, Skip, check, equal, framefs, test


def data(name):
    return os.path.join(harness.DATA, name)


@test('content=file: each packet of a capture is a capture that tcpdump reads')
def pcap_file():
    if not shutil.which('tcpdump'):
        raise Skip('tcpdump is not installed')
    for name in ('pptp.pcap', 'tcp-handshake-nano.pcap'):
        want = harness.run('tcpdump', '-Z', 'root', '-Snttr', data(name)).text.splitlines()
        with Mount('--format=pcap', '-o', 'content=file', data(name)) as mount:
            names = mount.names()
            check(all(n.endswith('.pcap') for n in names), f'names {names}')
            got = [harness.run('tcpdump', '-Z', 'root', '-Snttr', mount.path(n)).text.strip()
                   for n in names]
        equal(got, want, name)


@test('pcap in both byte orders, with micro- and nanoseconds: payload, frame and file')
def pcap_orders():
    packets = [(1700000000 + n, n * 7, bytes([n]) * (n * 13)) for n in range(12)]
    for order in '<>':
        for nano in (False, True):
            whole = harness.pcap(packets, order, nano)
            path = harness.write(whole)
            frames = [harness.pcap([p], order, nano)[24:] for p in packets]
            for content, want in (('payload', [p[2] for p in packets]), ('frame', frames),
                                  ('file', [whole[:24] + f for f in frames])):
                # The format is detected from the magic.
                with Mount('-o', 'content=' + content, path) as mount:
                    equal([harness.read(r) for r in mount.records()], want,
                          f'{order} nano={nano} {content}')
                    equal([os.stat(r).st_mtime_ns for r in mount.records()],
                          [s * 10**9 + f * (1 if nano else 1000) for s, f, _ in packets], 'times')


def bson_documents(content):
    """An independent split: int32 length, that counts itself, and a NUL at the end."""
    found, offset = [], 0
    while offset < len(content):
        length, = struct.unpack_from('<i', content, offset)
        found.append(content[offset:offset + length])
        equal(found[-1][-1:], b'\0', 'the byte that ends a document')
        offset += length
    return found


@test('BSON: each record is a document')
def bson():
    path = data('indextestdump_indextest_test_collection.bson')
    want = bson_documents(harness.read(path))
    with Mount(path) as mount:
        equal([os.path.basename(r) for r in mount.records()], [f'{n:08}.bson' for n in range(100)],
              'names')
        got = [harness.read(r) for r in mount.records()]
        equal(got, want, 'documents')
    with Mount('-o', 'content=payload', path) as mount:
        equal([harness.read(r) for r in mount.records()], [d[4:] for d in want], 'payloads')
    try:
        import bson as reader
    except ImportError:
        print('# python3-bson is not installed: documents are not decoded')
        return
    for document in got:
        check('_id' in reader.BSON(document).decode(), 'no _id in a document')


@test('MCAP: each record, its type, and a file of one record carries what it depends on')
def mcap():
    path = data('TenMessages-ch-chx-rch-st-sum.mcap')
    content = harness.read(path)
    magic, records, offset = content[:8], [], 8
    while offset < len(content) - 8:
        kind, length = struct.unpack_from('<BQ', content, offset)
        records.append((kind, content[offset:offset + 9 + length]))
        offset += 9 + length
    equal(content[offset:], magic, 'the magic at the end')
    with Mount(path) as mount:
        paths = mount.records()
        equal([harness.read(r) for r in paths], [frame[9:] for _, frame in records], 'payloads')
        equal([os.getxattr(r, 'user.framefs.type') for r in paths],
              [b'%d' % kind for kind, _ in records], 'types')
    with Mount('-o', 'content=file', path) as mount:
        paths = mount.records()
        # Headers, schemas and channels stand before what comes after them.
        before, want = [], []
        for kind, frame in records:
            want.append(magic + b''.join(before) + frame + magic)
            if kind in (1, 3, 4):
                before.append(frame)
        check(before, 'there is no header')
        equal([harness.read(r) for r in paths], want, 'files')
        with Mount(paths[-1]) as inner:
            equal([harness.read(r) for r in inner.records()],
                  [frame[9:] for frame in before + [records[-1][1]]], 'a file mounted again')


@test('TFRecord, delimited protobuf and netstrings made by struct come back as they went in')
def envelopes():
    random = harness.seeded(11)
    payloads = [random.randbytes(random.choice((1, 2, 127, 128, 300, 16383, 16384, 70000)))
                for _ in range(40)]
    made = {
        'tfrecord': harness.tfrecord(payloads),
        'protobuf-delimited': harness.delimited(payloads),
        'netstring': b''.join(b'%d:%s,' % (len(p), p) for p in payloads),
        'raw32': b''.join(struct.pack('<I', len(p)) + p for p in payloads),
        'erlang-packet2': b''.join(struct.pack('>H', len(p)) + p for p in payloads
                                   if len(p) < 65536),
        'fortran8': b''.join(struct.pack('<q', len(p)) + p + struct.pack('<q', len(p))
                             for p in payloads),
        'png': b'\x89PNG\r\n\x1a\n' + b''.join(
            struct.pack('>I', len(p)) + b'daTa' + p + struct.pack('>I', harness_crc32(b'daTa' + p))
            for p in payloads),
    }
    for form, content in made.items():
        want = [p for p in payloads if form != 'erlang-packet2' or len(p) < 65536]
        with Mount('--format=' + form, '-o', 'content=payload', harness.write(content)) as mount:
            equal([harness.read(r) for r in mount.records()] == want, True, form)


def harness_crc32(content):
    import zlib
    return zlib.crc32(content)


@test('a description of one\'s own: --frame')
def own_frame():
    payloads = [b'a', b'', b'xyz' * 100]
    content = b'MAGIC' + b''.join(struct.pack('>H', len(p)) + b'\x07' + p + b'\r\n'
                                  for p in payloads)
    path = harness.write(content)
    for frame in ('"MAGIC" ; len:u16be u8=7 data "\\r\\n"',
                  '"MAGIC" ; len:u16be=size(data) type:u8 data "\\r\\n"'):
        with Mount('--frame', frame, path) as mount:
            equal([harness.read(r) for r in mount.records()], payloads, frame)


@test('detection: each sample is mounted as its own format, without being told')
def detection():
    for name, form in (('pptp.pcap', 'pcap'), ('tcp-handshake-nano.pcap', 'pcap'),
                       ('OneMessage.mcap', 'mcap'),
                       ('test_reads.fastq.tfrecord', 'tfrecord'),
                       ('indextestdump_indextest_test_collection.bson', 'bson')):
        told = json.loads(framefs('info', '--json', data(name)).out)[0]
        equal(told.get('format'), form, f'format of {name}')


@test('framefs cat gives the same bytes as the mounted files, by ranges')
def cat():
    path = data('tcp-handshake-nano.pcap')
    for content in ('payload', 'frame', 'file'):
        with Mount('-o', 'content=' + content, path) as mount:
            files = [harness.read(r) for r in mount.records()]
        if content != 'file':
            equal(framefs('cat', '--content=' + content, path, '0-2').out, b''.join(files),
                  f'0-2 as {content}')
        equal(framefs('cat', '--content=' + content, path, '1').out, files[1], f'1 as {content}')
        equal(framefs('cat', '--content=' + content, path, '-1').out, files[2], f'-1 as {content}')
    equal(framefs('cat', path, '2', '0').out, b''.join(framefs('cat', path, n).out for n in '20'),
          '2 0')


@test('framefs ls and ls --json tell number, offset and length of each record', fuse=False)
def listing():
    payloads = [b'', b'a', b'bcd' * 33]
    path = harness.write(harness.tag4(payloads))
    told = [json.loads(line) for line in framefs('ls', '--json', '--format=tag4-i64le',
                                                 path).out.splitlines()]
    equal(len(told), 3, 'lines')
    offset = 0
    for number, (line, payload) in enumerate(zip(told, payloads)):
        values = list(line.values())
        for want in (number, offset, len(payload)):
            check(want in values, f'record {number}: {want} in {line}')
        offset += 12 + len(payload)
    plain = framefs('ls', '--format=tag4-i64le', path).text.splitlines()
    check(len(plain) in (3, 4), f'lines of ls: {plain}')


harness.main()
