#!/usr/bin/env python3
"""tests/data/make.py DIR: writes the archives that ORIGIN.md calls made, into DIR.

Needs Debian's python3-avro, python3-flatbuffers, systemd and systemd-journal-remote. All but the
journal come out the same each time; its cursor holds random numbers.
"""

import hashlib
import json
import os
import struct
import subprocess
import sys
import tempfile
import zlib

import avro.datafile
import avro.io
import avro.schema
import flatbuffers


def sync_of(name):
    """Sixteen bytes that tell the blocks of an archive from its contents."""
    return hashlib.md5(name.encode()).digest()


# --- Avro object containers, by the Apache project's Python library

AVRO_SCHEMA = {
    'type': 'record', 'name': 'Reading', 'namespace': 'framefs.example',
    'fields': [{'name': 'number', 'type': 'long'}, {'name': 'text', 'type': 'string'}],
}


def make_avro(path, codec):
    """Forty records in blocks of about 200 bytes."""
    avro.datafile.generate_sync_marker = lambda: sync_of(codec)
    avro.datafile.SYNC_INTERVAL = 200
    schema = avro.schema.parse(json.dumps(AVRO_SCHEMA))
    with open(path, 'wb') as stream:
        writer = avro.datafile.DataFileWriter(stream, avro.io.DatumWriter(), schema, codec=codec)
        for number in range(40):
            writer.append({'number': number * number - 100, 'text': f'reading {number}'})
        writer.close()


# --- Hadoop SequenceFile with metadata and compressed records, from the words of the documentation
# --- of org.apache.hadoop.io.SequenceFile and WritableUtils

def vint(number):
    """As WritableUtils.writeVInt()."""
    if -112 <= number <= 127:
        return struct.pack('b', number)
    negative = number < 0
    if negative:
        number = ~number
    raw = number.to_bytes((number.bit_length() + 7) // 8, 'big')
    return struct.pack('b', (-120 if negative else -112) - len(raw)) + raw


def text(content):
    raw = content.encode()
    return vint(len(raw)) + raw


def make_sequencefile(path):
    """Twelve records of Text and Text, their values deflated; a sync mark before each fourth."""
    sync = sync_of('SequenceFile')
    metadata = {'made.by': 'tests/data/make.py', 'long': 'x' * 300, 'empty': ''}
    out = b'SEQ\x06' + text('org.apache.hadoop.io.Text') * 2 + b'\x01\x00'
    out += text('org.apache.hadoop.io.compress.DefaultCodec')
    out += struct.pack('>I', len(metadata))
    for key, value in metadata.items():
        out += text(key) + text(value)
    out += sync
    for number in range(12):
        if number % 4 == 0 and number:
            out += b'\xff\xff\xff\xff' + sync
        key = text(f'key {number}')
        value = zlib.compress(text(f'value {number} ' * (number + 1)))
        out += struct.pack('>II', len(key) + len(value), len(key)) + key + value
    with open(path, 'wb') as stream:
        stream.write(out)


# --- journal export, as journalctl prints it

def make_journal(path):
    """Six entries, some with fields that are not text."""
    boot = '0123456789abcdef0123456789abcdef'
    entries = []
    for number in range(6):
        entry = (f'__REALTIME_TIMESTAMP={1158686414000000 + number * 1500000}\n'
                 f'__MONOTONIC_TIMESTAMP={1000000 + number * 1500000}\n'
                 f'_BOOT_ID={boot}\nPRIORITY=6\nSYSLOG_IDENTIFIER=example\n').encode()
        if number % 2:
            content = f'line one of {number}\nline two\n\n'.encode()
            entry += b'MESSAGE\n' + struct.pack('<Q', len(content)) + content + b'\n'
        else:
            entry += f'MESSAGE=message {number}\n'.encode()
        if number == 4:
            content = bytes(range(256))
            entry += b'BINARY\n' + struct.pack('<Q', len(content)) + content + b'\n'
        if number == 5:
            entry += b'LONG=' + b'0123456789' * 150 + b'\n'
        entries.append(entry)
    with tempfile.TemporaryDirectory() as folder:
        journal = os.path.join(folder, 'example.journal')
        subprocess.run(['/lib/systemd/systemd-journal-remote', '-o', journal, '-'],
                       input=b'\n'.join(entries) + b'\n', check=True)
        with open(path, 'wb') as stream:
            subprocess.run(['journalctl', '--file', journal, '-o', 'export', '--all'],
                           stdout=stream, check=True)


# --- Arrow IPC stream: flatbuffers by Google's library, the tables from the words of Schema.fbs and
# --- Message.fbs

ARROW_V5 = 4
TYPE_INT, TYPE_UTF8 = 2, 5
HEADER_SCHEMA, HEADER_RECORD_BATCH = 1, 3


def offsets_vector(builder, offsets):
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


def arrow_field(builder, name, kind, type_table):
    name = builder.CreateString(name)
    children = offsets_vector(builder, [])
    builder.StartObject(7)
    builder.PrependUOffsetTRelativeSlot(0, name, 0)
    builder.PrependBoolSlot(1, False, True)
    builder.PrependUint8Slot(2, kind, 0)
    builder.PrependUOffsetTRelativeSlot(3, type_table, 0)
    builder.PrependUOffsetTRelativeSlot(5, children, 0)
    return builder.EndObject()


def arrow_message(builder, kind, header, body):
    builder.StartObject(5)
    builder.PrependInt64Slot(3, len(body), 0)
    builder.PrependUOffsetTRelativeSlot(2, header, 0)
    builder.PrependUint8Slot(1, kind, 0)
    builder.PrependInt16Slot(0, ARROW_V5, 0)
    builder.Finish(builder.EndObject())
    meta = bytes(builder.Output())
    meta += bytes(-len(meta) % 8)
    return b'\xff\xff\xff\xff' + struct.pack('<i', len(meta)) + meta + body


def arrow_schema():
    builder = flatbuffers.Builder(0)
    builder.StartObject(2)
    builder.PrependInt32Slot(0, 64, 0)
    builder.PrependBoolSlot(1, True, False)
    number = arrow_field(builder, 'number', TYPE_INT, builder.EndObject())
    builder.StartObject(0)
    string = arrow_field(builder, 'text', TYPE_UTF8, builder.EndObject())
    fields = offsets_vector(builder, [number, string])
    builder.StartObject(4)
    builder.PrependUOffsetTRelativeSlot(1, fields, 0)
    return arrow_message(builder, HEADER_SCHEMA, builder.EndObject(), b'')


def arrow_batch(numbers):
    strings = [f'text {number}'.encode() for number in numbers]
    ends = [sum(map(len, strings[:i])) for i in range(len(strings) + 1)]
    parts = [b'', struct.pack(f'<{len(numbers)}q', *numbers),
             b'', struct.pack(f'<{len(ends)}i', *ends), b''.join(strings)]
    body, places = b'', []
    for part in parts:
        places.append((len(body), len(part)))
        body += part + bytes(-len(part) % 8)
    builder = flatbuffers.Builder(0)
    builder.StartVector(16, len(places), 8)
    for offset, length in reversed(places):
        builder.PrependInt64(length)
        builder.PrependInt64(offset)
    buffers = builder.EndVector()
    builder.StartVector(16, 2, 8)
    for _ in range(2):
        builder.PrependInt64(0)
        builder.PrependInt64(len(numbers))
    nodes = builder.EndVector()
    builder.StartObject(4)
    builder.PrependInt64Slot(0, len(numbers), 0)
    builder.PrependUOffsetTRelativeSlot(1, nodes, 0)
    builder.PrependUOffsetTRelativeSlot(2, buffers, 0)
    return arrow_message(builder, HEADER_RECORD_BATCH, builder.EndObject(), body)


def make_arrow(path):
    """A schema of two columns, two batches, the mark of the end."""
    with open(path, 'wb') as stream:
        stream.write(arrow_schema() + arrow_batch(range(10)) + arrow_batch(range(10, 13)))
        stream.write(b'\xff\xff\xff\xff\0\0\0\0')


def main():
    if len(sys.argv) != 2:
        sys.exit('usage: make.py DIR')
    folder = sys.argv[1]
    make_avro(os.path.join(folder, 'readings-null.avro'), 'null')
    make_avro(os.path.join(folder, 'readings-deflate.avro'), 'deflate')
    make_sequencefile(os.path.join(folder, 'metadata.sequencefile'))
    make_journal(os.path.join(folder, 'entries.export'))
    make_arrow(os.path.join(folder, 'batches.arrows'))


main()
