#!/usr/bin/env python3
"""A record's mtime is its own time, in every format that has one, to the nanosecond where the
format tells nanoseconds; tshark, Python and the programs that wrote the archives say what it is."""

import email.utils
import os
import re
import struct
from decimal import Decimal

import harness
from harness import Mount, Skip, check, equal, run
from samples import need, sample

ARCHIVE_S = 1000000000  # the archive's own mtime: that of records without a time
NONE = None
MS, US, S = 10**6, 10**3, 10**9


def by_tshark(path):
    need('tshark')
    out = run('tshark', '-n', '-r', path, '-T', 'fields', '-e', 'frame.time_epoch').text
    return [int(Decimal(line) * S) for line in out.splitlines()]


# ---- (archive, the time in ns of each record) ----

def capture(*names):
    def make():
        path = sample(*names)
        return harness.read(path), by_tshark(path)
    return make


def written(content):
    """What tshark says of bytes that were written here."""
    return content, by_tshark(harness.write(content))


def snoop():
    need('editcap')
    path = harness.make_path()
    run('editcap', '-F', 'snoop', sample('pcap', 'pim-packet-assortment.pcap'), path)
    return harness.read(path), by_tshark(path)


def btsnoop():
    return written(b'btsnoop\0' + struct.pack('>II', 1, 1002) + b''.join(
        struct.pack('>IIIIq', 4, 4, 2, 0, 0x00e03ab44a676000 + i * 1000003) + b'\1\3\x0c\0'
        for i in range(4)))


def block(kind, body, order):
    total = len(body) + 12
    return struct.pack(order + 'II', kind, total) + body + struct.pack(order + 'I', total)


def interface(order, resolution):
    options = b''
    if resolution is not None:
        options = struct.pack(order + 'HHB3xHH', 9, 1, resolution, 0, 0)
    return block(1, struct.pack(order + 'HHI', 1, 0, 0) + options, order)


def pcapng(order):
    """Three interfaces, each with a clock of its own, their packets in turn."""
    def make():
        clocks = [(None, 10**6), (9, 10**9), (0x8a, 1 << 10)]
        blocks = [block(0x0a0d0d0a, struct.pack(order + 'IHHq', 0x1a2b3c4d, 1, 0, -1), order)]
        blocks += [interface(order, resolution) for resolution, _ in clocks]
        times = [NONE] * len(blocks)
        for i in range(9):
            ticks_per_s = clocks[i % 3][1]
            ticks = (1500000000 + i) * ticks_per_s + i * 7
            packet = harness.ethernet(i)[:60]
            blocks.append(block(6, struct.pack(order + 'IIIII', i % 3, ticks >> 32,
                                               ticks & 0xffffffff, len(packet), len(packet))
                                + packet + bytes(-len(packet) % 4), order))
            times.append(ticks * S // ticks_per_s)
        content = b''.join(blocks)
        equal(by_tshark(harness.write(content)), times[4:], 'what tshark says')
        return content, times
    return make


def mrt(name):
    def make():
        content, times, at = harness.read(sample('mrt', name)), [], 0
        while at < len(content):
            seconds, length = struct.unpack_from('>I4xI', content, at)
            times.append(seconds * S)
            at += 12 + length
        return content, times
    return make


def mrt_et():
    out, times = [], []
    for i, kind in enumerate((17, 16, 33, 49)):
        body = (struct.pack('>I', 999999 - i) if kind != 16 else b'') + b'body'
        out.append(struct.pack('>IHHI', 1400000000 + i, kind, 1, len(body)) + body)
        times.append((1400000000 + i) * S + (999999 - i) * US * (kind != 16))
    return b''.join(out), times


def lcm():
    times = [(1300000000 + i) * S + i * US for i in range(4)]
    return b''.join(struct.pack('>IQqII', 0xeda1da01, i, t // US, 4, 3) + b'CHANabc'
                    for i, t in enumerate(times)), times


def members(*program):
    """Files whose times the archiver wrote down."""
    def make():
        need(program[0])
        where = harness.make_dir()
        names, times = [f'm{i}' for i in range(5)], []
        for i, name in enumerate(names):
            seconds = 1200000000 + i * 86400
            os.utime(harness.write(b'x' * i, name, where), (seconds, seconds))
            times.append(seconds * S)
        if program[0] == 'ar':
            run(*program, 'archive', *names, cwd=where)
            return harness.read(os.path.join(where, 'archive')), times
        return run(*program, stdin='\n'.join(names).encode() + b'\n', cwd=where).out, times
    return make


def kafka():
    code = """
from kafka.record import MemoryRecordsBuilder
import sys
for i in range(4):
    builder = MemoryRecordsBuilder(magic=2, compression_type=0, batch_size=4096)
    builder.append(timestamp=1600000000000 + i * 1001, key=None, value=b'v')
    builder.close()
    sys.stdout.buffer.write(builder.buffer())
"""
    result = run('/usr/bin/python3', '-c', code, status=None)
    if result.status:
        raise Skip('no python3-kafka')
    return result.out, [(1600000000000 + i * 1001) * MS for i in range(4)]


def dlt():
    def message(i):
        body = struct.pack('>BBH', 0x20, i, 4 + 3) + b'abc'
        return b'DLT\1' + struct.pack('<Ii', 1450000000 + i, 999999 - i) + b'ECU1' + body
    return (b''.join(message(i) for i in range(4)),
            [(1450000000 + i) * S + (999999 - i) * US for i in range(4)])


def warc():
    dates = {'2020-02-29T23:59:59Z': 1583020799 * S, '1999-12-31T00:00:00Z': 946598400 * S,
             '2020-01-02T03:04:05.123456789Z': 1577934245123456789}
    return b''.join(b'WARC/1.1\r\nWARC-Type: metadata\r\nWARC-Record-ID: <urn:x:%d>\r\n'
                    b'WARC-Date: %s\r\nContent-Length: 1\r\n\r\nx\r\n\r\n' % (i, date.encode())
                    for i, date in enumerate(dates)), list(dates.values())


def mcap():
    out, times = [b'\x89MCAP0\r\n'], []
    for kind, body in ((1, b'\0' * 8), (5, None), (5, None), (2, b'\0' * 20)):
        time = 1700000000123456789 + len(out) if kind == 5 else NONE
        if body is None:
            body = struct.pack('<HIQQ', 1, 2, time, time - 5) + b'message'
        out.append(struct.pack('<BQ', kind, len(body)) + body)
        times.append(time)
    return b''.join(out) + out[0], times


def journal():
    content = harness.read(os.path.join(harness.DATA, 'entries.export'))
    found = re.findall(rb'^__REALTIME_TIMESTAMP=(\d+)$', content, re.MULTILINE)
    return content, [int(us) * US for us in found]


def mail():
    dates = ('Thu, 02 Jan 2020 03:04:05 +0000', 'Thu, 2 Jan 2020 03:04:05 -0730',
             'Sat, 29 Feb 2020 23:59:59 +0100')
    out = [b'From someone@example.org Thu Jan  2 03:04:05 2020\nDate: %s\n'
           b'Content-Length: 5\n\nbody\n\n' % date.encode() for date in dates]
    return b''.join(out), [int(email.utils.parsedate_to_datetime(date).timestamp()) * S
                           for date in dates]


CASES = [
    ('pcap', 'microseconds', capture('pcap', 'pptp.pcap')),
    ('pcap', 'nanoseconds', capture('pcap', 'tcp-handshake-nano.pcap')),
    ('pcapng', 'three clocks, little-endian', pcapng('<')),
    ('pcapng', 'three clocks, big-endian', pcapng('>')),
    ('pcap-modified', 'a sample', capture('pcap', 'modified-format.pcap')),
    ('snoop', 'microseconds', snoop),
    ('btsnoop', 'microseconds since the year 0', btsnoop),
    ('mrt', 'updates', mrt('updates.20071015.1505.mrt')),
    ('mrt', 'another sample', mrt('updates.20020722.2238.mrt')),
    ('mrt', 'extended time stamps', mrt_et),
    ('lcm', 'microseconds', lcm),
    ('cpio-newc', 'of cpio', members('cpio', '-o', '-H', 'newc')),
    ('cpio-odc', 'of cpio', members('cpio', '-o', '-H', 'odc')),
    ('ar', 'of ar', members('ar', 'rcSU')),
    ('kafka-v2', 'milliseconds', kafka),
    ('dlt', 'microseconds', dlt),
    ('warc', 'dates, one with nanoseconds', warc),
    ('mcap', 'messages', mcap),
    ('journal-export', 'microseconds', journal),
    ('mboxcl2', 'dates in time zones', mail),
]


def check_times(name, make):
    content, times = make()
    path = harness.write(content)
    os.utime(path, (ARCHIVE_S, ARCHIVE_S))
    wanted = [ARCHIVE_S * S if time is NONE else time for time in times]
    check(len(set(wanted)) > 1 or len(wanted) == 1, 'the times do not differ')
    with Mount('--format=' + name, path) as mount:
        paths = list(mount.records())
        equal([os.stat(record).st_mtime_ns for record in paths], wanted, 'mtimes')
        # find compares nanoseconds, too: newer than one record's time are all later ones.
        for cut in {min(wanted), sorted(wanted)[len(wanted) // 2]}:
            newer = [record for record, time in zip(paths, wanted) if time > cut]
            found = run('find', mount.dir, '-type', 'f', '-newermt',
                        f'@{cut // S}.{cut % S:09}').text.splitlines()
            equal(sorted(found), sorted(newer), f'find -newermt @{cut / S}')


for _name, _of, _make in CASES:
    harness.add(f'{_name}: mtimes are the records\' own times ({_of})',
                lambda n=_name, m=_make: check_times(n, m))

harness.main()
