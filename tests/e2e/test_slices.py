#!/usr/bin/env python3
"""What slice/A-B and content=file give is an archive again: the format's own programs read it, and
find as many records as it has. docs/formats.md tells of the formats that cannot be cut so."""

import mailbox
import os
import re
import struct

import harness
from harness import Mount, Skip, check, equal, run
from samples import need, sample


# ---- how many records a program finds in a file ----

def by_capinfos(path):
    need('capinfos')
    out = run('capinfos', '-c', '-M', path).text
    return int(re.search(r'Number of packets: *(\d+)', out).group(1))


def by_eccodes(program):
    def count(path):
        need(program)
        return int(run(program, path).text)
    return count


def by_yaz(path):
    need('yaz-marcdump')
    result = run('yaz-marcdump', '-p', path)
    check('rror' not in result.err, result)
    return result.text.count('<!-- Record')


def by_python(module, package, code):
    """Of the modules that the distribution packages for its own interpreter."""
    python = '/usr/bin/python3'

    def count(path):
        if run(python, '-c', f'import {module}', status=None).status:
            raise Skip(f'no {package}')
        return int(run(python, '-c', code, path).text)
    return count


by_bson = by_python('bson', 'python3-bson', """
import bson, sys
print(sum(1 for _ in bson.decode_file_iter(open(sys.argv[1], 'rb'))))
""")

by_avro = by_python('avro.datafile', 'python3-avro', """
import avro.datafile, avro.io, sys
print(sum(1 for _ in avro.datafile.DataFileReader(open(sys.argv[1], 'rb'), avro.io.DatumReader())))
""")

by_kafka = by_python('kafka.record', 'python3-kafka', """
from kafka.record import MemoryRecords
import sys
records, count = MemoryRecords(open(sys.argv[1], 'rb').read()), 0
while records.has_next():
    batch = records.next_batch()
    assert batch.validate_crc()
    count += 1 if list(batch) else 0
print(count)
""")


def by_fstrm(path):
    need('fstrm_dump')
    told = run('fstrm_dump', path).err
    check('CONTROL_START' in told, told)
    return len(re.findall(r'^Data frame', told, re.MULTILINE))


def by_lines(*command):
    def count(path):
        need(command[0])
        with open(path, 'rb') as stream:
            return len(run(*command, stdin=stream).text.splitlines())
    return count


def by_ar(path):
    need('ar')
    return len(run('ar', 't', path).text.splitlines())


def by_bsdtar(path):
    need('bsdtar')
    return len(run('bsdtar', '-tf', path).text.splitlines())


def by_journal(path):
    writer = '/usr/lib/systemd/systemd-journal-remote'
    need(writer)
    need('journalctl')
    written = harness.make_path('out') + '.journal'
    run(writer, '-o', written, path)
    return len(run('journalctl', '--file', written, '-o', 'json', '--no-pager',
                   '-q').text.splitlines())


def by_mailbox(path):
    copy = harness.write(harness.read(path), 'mbox')
    return len(mailbox.mbox(copy, create=False))


# ---- archives that no sample is of ----

def members(program):
    def make():
        need(program[0])
        where = harness.make_dir()
        names = [f'm{i}' for i in range(7)]
        for i, name in enumerate(names):
            harness.write(b'x' * (i * 7), name, where)
        if program[0] == 'ar':
            run('ar', 'rcS', 'archive', *names, cwd=where)
        else:
            made = run(*program, stdin='\n'.join(names).encode() + b'\n', cwd=where)
            harness.write(made.out, 'archive', where)
        return os.path.join(where, 'archive')
    return make


def converted(kind):
    def make():
        need('editcap')
        path = harness.make_path()
        run('editcap', '-F', kind, sample('pcap', 'pim-packet-assortment.pcap'), path)
        return path
    return make


def btsnoop():
    out = [b'btsnoop\0' + struct.pack('>II', 1, 1002)]
    for i in range(5):
        packet = bytes([1, 3, 12, 0]) * (i + 1)
        out.append(struct.pack('>IIIIq', len(packet), len(packet), 2, 0, 0x00dcddb30f2f8000 + i)
                   + packet)
    return harness.write(b''.join(out))


def warc():
    out = []
    for i in range(5):
        body = b'body %d' % i * i
        out.append(b'WARC/1.0\r\nWARC-Type: resource\r\nWARC-Record-ID: <urn:uuid:%032x>\r\n'
                   b'WARC-Target-URI: http://example.org/file%d\r\n'
                   b'WARC-Date: 2020-01-02T03:04:0%dZ\r\nContent-Type: text/plain\r\n'
                   b'Content-Length: %d\r\n\r\n%s\r\n\r\n' % (i, i, i, len(body), body))
    return harness.write(b''.join(out))


def kafka():
    code = """
from kafka.record import MemoryRecordsBuilder
import sys
for i in range(5):
    builder = MemoryRecordsBuilder(magic=2, compression_type=0, batch_size=4096)
    for j in range(i + 1):
        builder.append(timestamp=1600000000000 + j, key=None, value=b'v' * j)
    builder.close()
    sys.stdout.buffer.write(builder.buffer())
"""
    result = run('/usr/bin/python3', '-c', code, status=None)
    if result.status:
        raise Skip('no python3-kafka')
    return harness.write(result.out)


def mail():
    out = []
    for i in range(5):
        body = b'line\n' * i
        out.append(b'From someone@example.org Thu Jan  2 03:04:05 2020\nSubject: %d\n'
                   b'Content-Length: %d\n\n%s\n' % (i, len(body), body))
    return harness.write(b''.join(out))


# ---- what is counted ----

def every(frames):
    return len(frames)


def packets(frames):
    """Of pcapng's blocks; in either byte order."""
    return sum(frame[:4] in (n.to_bytes(4, order) for n in (2, 3, 6)
                             for order in ('little', 'big')) for frame in frames)


def avro_objects(frames):
    total = 0
    for frame in frames:
        number = shift = 0
        for byte in frame:
            number |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                break
        total += number >> 1
    return total


def named(*names):
    return lambda: sample(*names)


def data(name):
    return lambda: os.path.join(harness.DATA, name)


# (format, what it is read of, the archive, the program's count, what it counts)
CASES = [
    *(('pcap', name, named('pcap', name), by_capinfos, every)
      for name in ('pptp.pcap', 'tcp-handshake-nano.pcap', 'pim-packet-assortment.pcap')),
    ('pcap-modified', 'modified-format.pcap', named('pcap', 'modified-format.pcap'), by_capinfos,
     every),
    *(('pcapng', name, named('pcapng', name), by_capinfos, packets)
      for name in ('test006-be.pcapng', 'test010-le.pcapng', 'test100-be.pcapng',
                   'test200-le.pcapng', 'of13_ericsson.pcapng', 'wireshark_samples-test.pcapng')),
    ('snoop', 'of editcap', converted('snoop'), by_capinfos, every),
    ('btsnoop', 'of our own', btsnoop, by_capinfos, every),
    ('journal-export', 'entries.export', data('entries.export'), by_journal, every),
    *(('grib', name, named('grib', name), by_eccodes('grib_count'), every)
      for name in ('multi_param_on_multi_dims.grib', 'cfrzr_and_cprat.grib',
                   't_on_different_level_types.grib')),
    *(('bufr', name, named('bufr', name), by_eccodes('bufr_count'), every)
      for name in ('syn_new.bufr', 'aircraft_small.bufr', 'synop_wigos.bufr')),
    *(('marc', name, named('marc', name), by_yaz, every)
      for name in ('pymarc_test.dat', 'pymarc_marc.dat', 'ruby_utf8_multirecord.marc')),
    *(('bson', name, named('bson', name), by_bson, every)
      for name in ('dump_local_oplog_local_oplog.rs.bson',
                   'timeseries_tests_ts_dump_with_oplog_oplog.bson')),
    ('fstrm', 'test.fstrm', named('fstrm', 'test.fstrm'), by_fstrm, every),
    ('ar', 'of ar', members(('ar',)), by_ar, every),
    ('cpio-newc', 'of cpio', members(('cpio', '-o', '-H', 'newc')), by_lines('cpio', '-t'), every),
    ('cpio-odc', 'of cpio', members(('cpio', '-o', '-H', 'odc')), by_lines('cpio', '-t'), every),
    ('warc', 'of our own', warc, by_bsdtar, every),
    ('kafka-v2', 'of python3-kafka', kafka, by_kafka, every),
    ('mboxcl2', 'of our own', mail, by_mailbox, every),
    *(('avro', name, data(name), by_avro, avro_objects)
      for name in ('readings-null.avro', 'readings-deflate.avro')),
]


def check_slices(name, make, count, counted):
    path = make()
    with Mount('--format=' + name, '-o', 'content=frame', path) as mount:
        frames = [harness.read(record) for record in mount.records()]
        last = len(frames) - 1
        check(last >= 0, 'no records')
        equal(count(path), counted(frames), 'the archive itself')
        middle = len(frames) // 2
        for first, end in {(0, 0), (middle, middle), (last, last), (0, last), (0, middle),
                           (min(1, last), last)}:
            copy = harness.write(mount.control(f'slice/{first}-{end}'))
            equal(count(copy), counted(frames[first:end + 1]), f'slice/{first}-{end}')
    with Mount('--format=' + name, '-o', 'content=file', path) as mount:
        for number in {0, middle, last}:
            copy = harness.write(harness.read(list(mount.records())[number]))
            equal(count(copy), counted(frames[number:number + 1]), f'record {number} as a file')


@harness.test('mrt: bgpdump finds in slices, one after the other, what it finds in the archive')
def mrt_slices():
    need('bgpdump')
    for name in ('updates.20020722.2238.mrt', 'updates.20071015.1505.mrt', 'bird-mrtdump_rib.mrt',
                 'quagga_rib.mrt'):
        path = sample('mrt', name)
        whole = run('bgpdump', '-m', path).text.splitlines()
        check(whole, 'bgpdump finds nothing in the archive')
        with Mount('--format=mrt', path) as mount:
            last = len(list(mount.records())) - 1
            cuts = sorted({0, 1, 2, last // 2, last})
            found = []
            for first, end in zip(cuts, [cut - 1 for cut in cuts[1:]] + [last]):
                copy = harness.write(mount.control(f'slice/{first}-{end}'))
                found += run('bgpdump', '-m', copy).text.splitlines()
            equal(found, whole, name)


@harness.test('ar: in each slice ar finds the members by their names, long ones too')
def ar_slices():
    need('ar')
    where = harness.make_dir()
    names = ['short', 'a name of more than fifteen bytes', 'b', 'another_one_that_is_long.o']
    for name in names:
        harness.write(name.encode() * 3, name, where)
    run('ar', 'rcS', 'archive', *names, cwd=where)
    with Mount(os.path.join(where, 'archive')) as mount:
        # The first record is the member of the long names.
        equal(len(list(mount.records())), 1 + len(names))
        for first in range(1, 5):
            for end in range(first, 5):
                copy = harness.write(mount.control(f'slice/{first}-{end}'))
                equal(run('ar', 't', copy).text.splitlines(), names[first - 1:end])
                for name in names[first - 1:end]:
                    equal(run('ar', 'p', copy, name).out, name.encode() * 3)


for _name, _of, _make, _count, _counted in CASES:
    harness.add(f'{_name}, {_of}: slices and records as files are read by other programs',
                lambda n=_name, m=_make, c=_count, k=_counted: check_slices(n, m, c, k))

harness.main()
