#!/usr/bin/env python3
"""Records of several parts, headers in lines, frames that depend on others: archives written by
gfortran, by Python's mailbox and by struct, read back here and by the tools of their formats."""

import datetime
import email.utils
import json
import mailbox
import os
import shutil
import struct

import harness
from harness import Mount, Skip, contains, equal, framefs, test

RECORDIO_MAGIC = struct.pack('<I', 0xced7230a)


def payloads_of(form, content, *options):
    with Mount('--format=' + form, '-o', 'content=payload', *options,
               harness.write(content)) as mount:
        equal(len(mount.control('damage').splitlines()), 1, 'lines of damage')
        return [harness.read(r) for r in mount.records()]


# ---- Fortran ----

FORTRAN = """
program write
  integer :: i, n
  open (10, file='out.dat', form='unformatted', access='sequential')
  do n = 0, 90, 15
    write (10) (char(mod(i, 251)), i = 1, n)
  end do
  write (10) (char(7), i = 1, 1000)
end program
"""


@test('gfortran: records in subrecords of any length, in either byte order', fuse=True)
def fortran():
    if not shutil.which('gfortran'):
        raise Skip('gfortran is not installed')
    want = [bytes(i % 251 for i in range(1, n + 1)) for n in range(0, 91, 15)] + [b'\7' * 1000]
    for length in (None, 1, 7, 15, 64):
        for order, form in (('little', 'fortran'), ('big', 'fortran-be')):
            where = harness.make_dir()
            harness.write(FORTRAN.encode(), 'write.f90', where)
            options = [f'-fmax-subrecord-length={length}'] if length else []
            program = os.path.join(where, 'write')
            harness.run('gfortran', f'-fconvert={order}-endian', *options, '-o', program,
                        os.path.join(where, 'write.f90'))
            harness.run('sh', '-c', 'cd "$1" && ./write', 'sh', where)
            equal(payloads_of(form, harness.read(os.path.join(where, 'out.dat'))), want,
                  f'records of {form}, subrecords of {length}')


# ---- RecordIO ----

def recordio(payload):
    """dmlc-core: the magic at multiples of four ends a part, and is left out."""
    parts, begin = [], 0
    for at in range(0, len(payload) - 3, 4):
        if payload[at:at + 4] == RECORDIO_MAGIC:
            parts.append(payload[begin:at])
            begin = at + 4
    parts.append(payload[begin:])
    out = b''
    for n, part in enumerate(parts):
        kind = 0 if len(parts) == 1 else 1 if n == 0 else 3 if n == len(parts) - 1 else 2
        out += (RECORDIO_MAGIC + struct.pack('<I', kind << 29 | len(part)) + part
                + bytes(-len(part) % 4))
    return out


@test('RecordIO: the magic inside of records comes back')
def recordio_magic():
    r = harness.seeded(21)
    words = (RECORDIO_MAGIC, RECORDIO_MAGIC, b'abcd', b'\0\0\0\0')
    want = [b''.join(r.choices(words, k=r.randrange(9))) + b'xyz'[:r.randrange(4)]
            for _ in range(60)] + [RECORDIO_MAGIC, RECORDIO_MAGIC * 3, b'', b'x' * 100000]
    equal(payloads_of('recordio', b''.join(map(recordio, want))), want, 'records')


# ---- LevelDB ----

def leveldb(payloads, log=None):
    """leveldb/doc/log_format.md; log: recycled, with this number ("Write Ahead Log File Format")"""
    out = b''
    number = b'' if log is None else struct.pack('<I', log)
    header = 7 + len(number)
    for payload in payloads:
        first = True
        while first or payload:
            left = 32768 - len(out) % 32768
            if left < header:
                out += bytes(left)
                left = 32768
            part, payload = payload[:left - header], payload[left - header:]
            kind = (1 if not payload else 2) if first else (4 if not payload else 3)
            kind += 4 if number else 0
            masked = harness.masked_crc32c(bytes([kind]) + number + part)
            out += struct.pack('<IHB', masked, len(part), kind) + number + part
            first = False
    return out


@test('LevelDB: records over several blocks, empty first parts, padding, checksums')
def leveldb_blocks():
    r = harness.seeded(22)
    want = [r.randbytes(n) for n in (100, 32768 - 107 - 7 - 7, 5, 0, 32768 * 3, 1)]
    want.append(r.randbytes(32768 - len(leveldb(want)) % 32768 - 7 - 3))  # three bytes are left
    want += [r.randbytes(10), b'', r.randbytes(70000)]
    content = leveldb(want)
    equal(payloads_of('leveldb-log', content), want, 'records')
    path = harness.write(content)
    with Mount('--format=leveldb-log', path) as mount:
        equal(mount.control('all') == b''.join(want), True, 'all')


@test('RocksDB: what an older log left behind the newest one is none of its records')
def rocksdb_recycled():
    r = harness.seeded(23)
    sizes = (100, 7, 0, 32768 - 11 - 111 - 18 - 11, 40000, 300)
    old, new = ([r.randbytes(n) for n in sizes] for _ in range(2))
    older = leveldb(old, 6)
    equal(payloads_of('rocksdb-recycled', older), old, 'records of one log')
    # Written over by fewer records: of the same sizes, so that a frame of the older log follows.
    for count in (1, 2, 3, 4, 5):
        newer = leveldb(new[:count], 7)
        content = newer + older[len(newer):]
        equal(payloads_of('rocksdb-recycled', content), new[:count], f'{count} records')
    # Elsewhere the end stands in the middle of an older frame: that is told, up to the next block.
    newer = leveldb([*new[:2], b'end'], 7)
    with Mount('--format=rocksdb-recycled', '--content=payload',
               harness.write(newer + older[len(newer):])) as mount:
        equal([harness.read(p) for p in mount.records()], [*new[:2], b'end'], 'records')
        line = mount.control('damage').splitlines()[1].split()
        equal([int(word) for word in line[:2]], [len(newer), 32768 - len(newer)], 'damage')
    # A whole older log begins behind a block of the newest one.
    newer = leveldb([bytes(32768 - 11)], 7)
    equal(payloads_of('rocksdb-recycled', newer + older), [bytes(32768 - 11)], 'a block')


# ---- mailboxes ----

@test('mboxcl2: messages that mailbox wrote, with their lengths, dates and ids')
def mailboxes():
    where = harness.make_path('mailbox')
    date = datetime.datetime(2024, 3, 1, 10, 20, 30,
                             tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
    box = mailbox.mbox(where)
    bodies = ['one line\n', 'From inside, not quoted\n\nlast\n', '\n\n', 'x' * 70000 + '\n']
    for n, body in enumerate(bodies):
        message = mailbox.mboxMessage()
        message['Message-ID'] = f'<{n}@example.org>'
        message['Date'] = email.utils.format_datetime(date + datetime.timedelta(days=n))
        message['Content-Length'] = str(len(body))
        message.set_payload(body)
        message.set_from('someone', True)
        box.add(message)
    box.flush()
    # mailbox quotes lines that begin with From, which mboxcl2 need not.
    content = harness.read(where).replace(b'\n>From inside', b'\nFrom inside')
    with Mount('--format=mboxcl2', '-o', 'content=payload', harness.write(content)) as mount:
        records = mount.records()
        equal([harness.read(r) for r in records], [b.encode() for b in bodies], 'bodies')
        equal([int(os.stat(r).st_mtime) for r in records],
              [int(date.timestamp()) + 86400 * n for n in range(4)], 'times')
        equal([os.getxattr(r, 'user.framefs.name') for r in records],
              [b'<%d@example.org>' % n for n in range(4)], 'names')


# ---- CAR, version 2 ----

@test('CARv2: the index is no record; frames cut short or too long are told')
def carv2():
    blocks = [b'one', b'two' * 20, b'']
    frames = harness.delimited(blocks)

    def car(inside, tail=b'INDEX of the file'):
        return (b'\x0a\xa1gversion\x02' + bytes(16)
                + struct.pack('<QQQ', 51, inside, 51 + inside) + frames + tail)
    equal(payloads_of('carv2', car(len(frames))), blocks, 'blocks')
    equal(payloads_of('carv2', car(len(frames), b'')), blocks, 'blocks without index')
    equal(payloads_of('carv2', car(0)), [], 'no block')
    for inside, tail in ((len(frames) + 1, b''), (2 ** 63, b''), (len(frames) - 2, b'INDEX')):
        path = harness.write(car(inside, tail))
        told = json.loads(framefs('info', '--json', '--format=carv2', path, status=None).out)[0]
        equal(len(told['damage']) if isinstance(told.get('damage'), list)
              else told.get('damages', 0), 1, f'damage of {inside} bytes of frames')


# ---- pcapng ----

class Section:
    """Blocks in one byte order (draft-ietf-opsawg-pcapng)."""

    def __init__(self, order):
        self.order = order
        self.bytes = self.block(0x0a0d0d0a, self.pack('IHHq', 0x1a2b3c4d, 1, 0, -1))

    def pack(self, form, *values):
        return struct.pack(self.order + form, *values)

    def block(self, kind, body):
        body += bytes(-len(body) % 4)
        size = self.pack('I', len(body) + 12)
        return self.pack('I', kind) + size + body + size

    def option(self, code, value):
        return self.pack('HH', code, len(value)) + value + bytes(-len(value) % 4)

    def interface(self, resolution=None, offset=None):
        options = b''
        if resolution is not None:
            options += self.option(9, bytes([resolution]))
        if offset is not None:
            options += self.option(14, self.pack('q', offset))
        options += self.option(0, b'') if options else b''
        self.bytes += self.block(1, self.pack('HHI', 1, 0, 65535) + options)

    def packet(self, interface, ticks, data):
        self.bytes += self.block(6, self.pack('IIIII', interface, ticks >> 32, ticks & 0xffffffff,
                                              len(data), len(data)) + data)


SECOND = 1700000000


def capture():
    """Two sections of different byte order, with clocks of their own; and the packets' times."""
    one, two = Section('<'), Section('>')
    one.interface()
    one.interface(resolution=9)
    two.interface(resolution=9, offset=3600)
    two.interface(resolution=0x80 | 20)
    two.interface(resolution=6, offset=-86400)
    times = []
    for n in range(4):
        one.packet(0, (SECOND + n) * 10**6 + 123456, harness.ethernet(n))
        one.packet(1, (SECOND + n) * 10**9 + 123456789, harness.ethernet(n + 50))
        times += [(SECOND + n) * 10**9 + 123456000, (SECOND + n) * 10**9 + 123456789]
    for n in range(4):
        two.packet(0, (SECOND + n) * 10**9 + 1, harness.ethernet(n + 100))
        two.packet(1, (SECOND + n << 20) + (1 << 18), harness.ethernet(n + 150))
        two.packet(2, (SECOND + n) * 10**6 + 5, harness.ethernet(n + 200))
        times += [(SECOND + 3600 + n) * 10**9 + 1, (SECOND + n) * 10**9 + 250000000,
                  (SECOND - 86400 + n) * 10**9 + 5000]
    return one.bytes + two.bytes, times


def packets_of(mount):
    """The records that are packets; the header of a section has no type."""
    return [r for r in mount.records() if 'user.framefs.type' in os.listxattr(r)
            and os.getxattr(r, 'user.framefs.type') == b'6']


@test('pcapng: times by the clock of each section\'s interfaces')
def pcapng_times():
    content, times = capture()
    with Mount('--format=pcapng', harness.write(content)) as mount:
        packets = packets_of(mount)
        equal([os.stat(r).st_mtime_ns for r in packets], times, 'times')


def shown(path):
    """What tshark reads: time and data of each packet."""
    result = harness.run('tshark', '-n', '-r', path, '-T', 'fields', '-e', 'frame.time_epoch',
                         '-e', 'arp.dst.proto_ipv4')
    return result.text.splitlines()


@test('pcapng: slices and single records have their section and interfaces, and tshark reads them')
def pcapng_slices():
    if not shutil.which('tshark'):
        raise Skip('tshark is not installed')
    content, times = capture()
    path = harness.write(content, 'all.pcapng')
    whole = shown(path)
    equal(len(whole), len(times), 'packets that tshark reads')
    for line, time in zip(whole, times):
        equal(line.split()[0], f'{time // 10**9}.{time % 10**9:09}', 'time by tshark')
    with Mount('--format=pcapng', '-o', 'content=file', path) as mount:
        packets = packets_of(mount)
        numbers = [int(os.path.basename(r).split('.')[0]) for r in packets]
        for at in (0, 1, 7, 8, 9, 10, len(packets) - 1):
            equal(shown(packets[at]), [whole[at]], f'packet {at} alone')
        for first, last in ((0, 7), (3, 5), (8, 9), (12, 19), (2, 17)):
            piece = mount.path('.framefs/slice', f'{numbers[first]}-{numbers[last]}')
            equal(shown(piece), whole[first:last + 1], f'packets {first} to {last}')
    told = harness.run('capinfos', '-Tcr', path).text.split()
    contains(' '.join(told), str(len(times)), 'packets by capinfos')


harness.main()
