"""A small archive of every built-in format, written with struct from the formats' specifications;
nothing here reads a description. archive(NAME) gives its bytes and its records."""

import random
import struct
import zlib

SIZES = (5, 0, 33, 1, 200, 12, 7, 64)
_more_seed = ''


class Record:
    """What one record is: its frames are (head, payload, tail), of which most have one."""

    def __init__(self, head, payload, tail=b''):
        self.parts, self.glue = [(head, payload, tail)], b''


class Joined(Record):
    def __init__(self, parts, glue=b''):
        self.parts, self.glue = parts, glue


def le(number, width):
    return (number & ((1 << 8 * width) - 1)).to_bytes(width, 'little')


def be(number, width):
    return (number & ((1 << 8 * width) - 1)).to_bytes(width, 'big')


def varint(number):
    out = b''
    while number > 0x7f:
        out += bytes([number & 0x7f | 0x80])
        number >>= 7
    return out + bytes([number])


def zigzag(number):
    return varint(number << 1)


def crc32c_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82f63b78 if n & 1 else 0)
        table.append(n)
    return table


CRC32C = crc32c_table()


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = CRC32C[(crc ^ byte) & 0xff] ^ crc >> 8
    return crc ^ 0xffffffff


def masked(data):
    crc = crc32c(data)
    return le((crc >> 15 | crc << 17) + 0xa282ead8, 4)


def payloads(name, least=0, even=False):
    """Bytes of a seed: half of them random, half text."""
    r = random.Random(name + _more_seed)
    for i, size in enumerate(r.choices(SIZES, k=r.choice((8, 30))) if _more_seed else SIZES):
        size = max(size, least)
        size += size % 2 if even else 0
        yield r.randbytes(size) if i % 2 else bytes(r.choices(b'abcdefgh \n', k=size))


def pad(size, n):
    return bytes(-size % n)


# ---- a length, then the payload ----

def plain(head, tail=lambda n: b'', preamble=b'', end=b'', least=0, even=False):
    """A writer of formats whose frames need but the payload's size."""
    def write(name):
        yield preamble
        for p in payloads(name, least, even):
            yield Record(head(len(p)), p, tail(len(p)))
        yield end
    return write


WRITERS = {
    'raw32': plain(lambda n: le(n, 4)),
    'u16le': plain(lambda n: le(n, 2)),
    'u16be': plain(lambda n: be(n, 2)),
    'u32le': plain(lambda n: le(n, 4)),
    'u32be': plain(lambda n: be(n, 4)),
    'u64le': plain(lambda n: le(n, 8)),
    'u64be': plain(lambda n: be(n, 8)),
    'varint': plain(varint),
    'tag4-i64le': plain(lambda n: b'TAG4' + le(n, 8)),
    'tag4-i64be': plain(lambda n: b'TAG4' + be(n, 8)),
    'protobuf-delimited': plain(varint),
    'car': plain(varint),
    'bson': plain(lambda n: le(n + 4, 4)),
    'mongo-archive': plain(lambda n: le(n + 4, 4), preamble=le(0x8199e26d, 4),
                           end=b'\xff' * 4),
    'pcap-modified': plain(lambda n: struct.pack('>IIIIIHBB', 7, 9, n, n, 1, 8, 0, 0),
                           preamble=struct.pack('>IHHQII', 0xa1b2cd34, 2, 4, 0, 65535, 1)),
    'btsnoop': plain(lambda n: struct.pack('>IIIIq', n, n, 0, 0, 0xe03ab44a676000),
                     preamble=b'btsnoop\0' + struct.pack('>II', 1, 1002)),
    'bufr': plain(lambda n: b'BUFR' + be(n + 12, 3) + b'\x04', lambda n: b'7777'),
    'marc': plain(lambda n: b'%05d' % (n + 6), lambda n: b'\x1d'),
    'fortran8': plain(lambda n: le(n, 8), lambda n: le(n, 8)),
    'fortran8-be': plain(lambda n: be(n, 8), lambda n: be(n, 8)),
    'rosbag': plain(lambda n: le(9, 4) + le(5, 4) + b'op=\x02x' + le(n, 4),
                    preamble=b'#ROSBAG V2.0\n'),
    'dlt': plain(lambda n: b'DLT\x01' + struct.pack('<Ii4sBB', 7, 9, b'ECU1', 1, 3) +
                 be(n + 4, 2)),
    'unified2': plain(lambda n: struct.pack('>II', 7, n)),
    'riff': plain(lambda n: b'data' + le(n, 4), lambda n: pad(n, 2),
                  preamble=b'RIFF' + le(440, 4) + b'WAVE'),
    'netstring': plain(lambda n: b'%d:' % n, lambda n: b','),
    'syslog-octet': plain(lambda n: b'%d ' % n),
    'erlang-packet2': plain(lambda n: be(n, 2)),
    'grpc': plain(lambda n: b'\0' + be(n, 4)),
    'flatbuffers-sized': plain(lambda n: le(n, 4)),
    'snoop': plain(lambda n: struct.pack('>IIIIII', n, n, 24 + n + -n % 4, 0, 7, 9),
                   lambda n: pad(n, 4), preamble=b'snoop\0\0\0' + struct.pack('>II', 2, 4)),
    'bitcoin-blk': plain(lambda n: b'\xf9\xbe\xb4\xd9' + le(n, 4)),
    'shapefile': plain(lambda n: struct.pack('>II', 1, n // 2), even=True,
                       preamble=be(9994, 4) + bytes(96)),
    'ivf': plain(lambda n: struct.pack('<IQ', n, 5),
                 preamble=b'DKIF' + struct.pack('<HH', 0, 32) + bytes(24)),
    'flv': plain(lambda n: b'\x09' + be(n, 3) + be(1000, 3) + bytes(4), lambda n: be(n + 11, 4),
                 preamble=b'FLV\x01\x05' + be(9, 4) + be(0, 4)),
    'midi': plain(lambda n: b'MTrk' + be(n, 4)),
    'rdw': plain(lambda n: be(n + 4, 2) + be(0, 2)),
    'pkt-line': plain(lambda n: b'%04x' % (n + 4), end=b'0000'),
    'http-chunked': plain(lambda n: b'%x\r\n' % n, lambda n: b'\r\n', least=1, end=b'0\r\n\r\n'),
    'cdbmake': plain(lambda n: b'+3,%d:key->' % n, lambda n: b'\n', end=b'\n'),
    'mp4': plain(lambda n: be(n + 8, 4) + b'free'),
    'asdf': plain(lambda n: b'\xd3BLK' + struct.pack('>HI4sQQQ', 48, 0, bytes(4), n + 8, n, n) +
                  bytes(16), lambda n: bytes(8)),
    'simh-tap': plain(lambda n: le(n, 4), lambda n: pad(n, 2) + le(n, 4), least=1,
                      end=le(0, 4) + le(0, 4) + b'\xff' * 4),
    'wasm': plain(lambda n: b'\0' + varint(n), preamble=b'\0asm' + le(1, 4)),
    'lcm': plain(lambda n: struct.pack('>IQqII', 0xeda1da01, 1, 7, 4, n) + b'POSE'),
    'perfetto': plain(lambda n: b'\x0a' + varint(n)),
    'nfdump1': plain(lambda n: struct.pack('<IIHH', 1, n, 2, 0),
                     preamble=struct.pack('<HH', 0xa50c, 1) + bytes(272)),
    'warc': plain(lambda n: b'WARC/1.0\r\nWARC-Type: resource\r\nWARC-Record-ID: <urn:x:1>\r\n'
                  b'WARC-Date: 2020-01-02T03:04:05Z\r\nContent-Length: %d\r\n\r\n' % n,
                  lambda n: b'\r\n\r\n'),
    'mboxcl2': plain(lambda n: b'From a@example.org Thu Jan  2 03:04:05 2020\n'
                     b'Date: Thu, 2 Jan 2020 03:04:05 +0000\nMessage-ID: <1@example.org>\n'
                     b'Content-Length: %d\n\n' % n, lambda n: b'\n'),
    'ar': plain(lambda n: b'%-16s%-12d%-6d%-6d%-8s%-10d`\n' % (b'file/', 7, 0, 0, b'100644', n),
                lambda n: pad(n, 2), preamble=b'!<arch>\n'),
}


def writer(*names):
    def take(function):
        WRITERS.update(dict.fromkeys(names, function))
        return function
    return take


# ---- frames with checksums, repeats and fields of their own ----

@writer('tfrecord')
def tfrecord(name):
    for p in payloads(name):
        yield Record(le(len(p), 8) + masked(le(len(p), 8)), p, masked(p))


@writer('carv2')
def carv2(name):
    frames = [Record(varint(len(p)), p) for p in payloads(name)]
    size = sum(len(f.parts[0][0]) + len(f.parts[0][1]) for f in frames)
    yield b'\x0a\xa1gversion\x02' + bytes(16) + struct.pack('<QQQ', 64, size, 64 + size)
    yield bytes(64 - 11 - 40)
    yield from frames
    yield b'the index'


@writer('pcap')
def pcap(name):
    yield struct.pack('<IHHQII', 0xa1b2c3d4, 2, 4, 0, 65535, 1)
    for i, p in enumerate(payloads(name)):
        yield Record(struct.pack('<IIII', 1600000000 + i, 9, len(p), len(p)), p)


@writer('pcapng')
def pcapng(name):
    def block(kind, inside, data=b''):
        size = le(12 + len(inside) + len(data), 4)
        return le(kind, 4) + size, inside + data, size

    head = le(0x0a0d0d0a, 4) + le(28, 4) + le(0x1a2b3c4d, 4)
    yield Record(head, struct.pack('<HHq', 1, 0, -1), le(28, 4))
    yield Record(*block(1, struct.pack('<HHI', 1, 0, 65535)))
    for p in payloads(name):
        p += pad(len(p), 4)
        yield Record(*block(6, struct.pack('<IIIII', 0, 5, 6, len(p), len(p)), p))


@writer('mrt')
def mrt(name):
    for i, p in enumerate(payloads(name)):
        if i % 2:
            yield Record(struct.pack('>IHHII', 7, 17, 4, len(p) + 4, 9), p)
        else:
            yield Record(struct.pack('>IHHI', 7, 13, 1, len(p)), p)


@writer('grib')
def grib(name):
    for i, p in enumerate(payloads(name)):
        if i % 2:
            yield Record(b'GRIB\0\0\0\x02' + be(len(p) + 20, 8), p, b'7777')
        else:
            yield Record(b'GRIB' + be(len(p) + 12, 3) + b'\x01', p, b'7777')


@writer('resp-bulk')
def resp(name):
    """As in an append-only file: commands of two strings each, a time before the first."""
    yield b'#TS:1700000000\r\n'
    for i, p in enumerate(payloads(name)):
        if i % 2 == 0:
            yield b'*2\r\n'
        yield Record(b'$%d\r\n' % len(p), p, b'\r\n')


@writer('fstrm')
def fstrm(name):
    content = be(1, 4) + be(4, 4) + b'test'
    yield be(0, 4) + be(4 + len(content), 4) + be(2, 4) + content
    for p in payloads(name, least=1):
        yield Record(be(len(p), 4), p)
    yield be(0, 4) + be(4, 4) + be(3, 4)


@writer('recordio')
def recordio(name):
    magic = le(0xced7230a, 4)

    def part(kind, p):
        return magic + le(kind << 29 | len(p), 4), p, pad(len(p), 4)

    for p in payloads(name):
        yield Record(*part(0, p))
    yield Joined([part(1, b'a part'), part(2, b'more'), part(3, b'last')], magic)
    yield Record(*part(0, b'the end'))


@writer('fortran', 'fortran-be')
def fortran(name):
    def part(p, more, less):
        return number(-len(p) if more else len(p), 4), p, number(-len(p) if less else len(p), 4)

    number = be if name.endswith('be') else le
    for p in payloads(name):
        yield Record(*part(p, False, False))
    yield Joined([part(b'a part', True, False), part(b'and more', True, True),
                  part(b'last', False, True)])
    yield Record(*part(b'the end', False, False))


@writer('leveldb-log', 'rocksdb-recycled')
def leveldb(name):
    recycled = name.startswith('rocksdb')
    header, first = (11, 5) if recycled else (7, 1)
    at = 0
    for p in [*payloads(name), random.Random(1).randbytes(40000), b'the end', b'and last']:
        parts, left, out = [], p, []
        while left or not parts:
            gap = bytes(-at % 32768 if -at % 32768 < header else 0)
            room = 32768 - (at + len(gap)) % 32768 - header
            piece, left = left[:room], left[room:]
            kind = bytes([first + (3 if parts and not left else 2 if parts else bool(left))])
            body = (le(1, 4) if recycled else b'') + piece
            parts.append((masked(kind + body) + le(len(piece), 2) + kind + body[:-len(piece)]
                          if piece else masked(kind + body) + le(0, 2) + kind + body,
                          piece, b''))
            out.append(gap)
            at += len(gap) + header + len(piece)
        assert not any(out), 'padding is not written between parts'
        yield Record(*parts[0]) if len(parts) == 1 else Joined(parts)
    yield bytes(100)


@writer('mcap')
def mcap(name):
    yield b'\x89MCAP0\r\n'
    yield Record(b'\x01' + le(8, 8), bytes(8))
    for i, p in enumerate(payloads(name)):
        p = struct.pack('<HIQQ', 1, i, 10 ** 18 + i, 10 ** 18) + p
        yield Record(b'\x05' + le(len(p), 8), p)
    yield Record(b'\x02' + le(20, 8), bytes(20))
    yield b'\x89MCAP0\r\n'


@writer('aws-eventstream')
def aws_eventstream(name):
    headers = b'\x03key\x07\0\x05value'
    for p in payloads(name):
        start = be(16 + len(headers) + len(p), 4) + be(len(headers), 4)
        start += be(zlib.crc32(start), 4) + headers
        yield Record(start, p, be(zlib.crc32(start + p), 4))


@writer('kafka-v2')
def kafka(name):
    for i, p in enumerate(payloads(name)):
        body = struct.pack('>HiqqqhiI', 0, 0, 1600000000000, 1600000000000, -1, -1, -1, 1)
        crc = be(crc32c(body + p), 4)
        size = 4 + 1 + 4 + len(body) + len(p)
        yield Record(be(i, 8) + be(size, 4) + be(0, 4) + b'\x02' + crc + body, p)


@writer('png')
def png(name):
    yield b'\x89PNG\r\n\x1a\n'
    for p in payloads(name):
        yield Record(be(len(p), 4) + b'IDAT', p, be(zlib.crc32(b'IDAT' + p), 4))


@writer('cpio-newc')
def newc(name):
    def entry(title, p, size):
        head = b'07070' + b'1' + b'%08x' * 5 % (1, 0o100644, 0, 0, 1) + b'%08x' % 7
        head += b'%08x' % size + b'%08x' * 4 % (0, 0, 0, 0)
        head += b'%08x%08x' % (len(title), 0) + title
        return head + pad(len(head), 4), p, pad(len(p), 4)

    for p in payloads(name):
        yield Record(*entry(b'file\0', p, len(p)))
    yield b''.join(entry(b'TRAILER!!!\0', b'', 0))


@writer('cpio-odc')
def odc(name):
    def entry(title, p):
        head = b'070707' + b'%06o' * 7 % (0, 1, 0o100644, 0, 0, 1, 0) + b'%011o' % 7
        return head + b'%06o' % len(title) + b'%011o' % len(p) + title, p

    for p in payloads(name):
        yield Record(*entry(b'file\0', p))
    yield b''.join(entry(b'TRAILER!!!\0', b''))


@writer('seqfile')
def seqfile(name):
    sync = bytes(range(100, 116))
    yield b'SEQ\x06\x04text\x05bytes\0\0' + be(0, 4) + sync
    for i, p in enumerate(payloads(name)):
        if i == 4:
            yield b'\xff' * 4 + sync
        yield Record(be(3 + len(p), 4) + be(3, 4) + b'key', p)


@writer('avro')
def avro(name):
    sync = bytes(range(100, 116))
    yield b'Obj\x01' + zigzag(1) + zigzag(10) + b'avro.codec' + zigzag(4) + b'null' + b'\0' + sync
    for p in payloads(name):
        yield Record(zigzag(3) + zigzag(len(p)), p, sync)


@writer('arrow-stream', 'arrow-file')
def arrow(name):
    def message(kind, size):
        # A root table with version, header's type, header and size of body; an empty header.
        meta = struct.pack('<IHHHHHH', 16, 12, 24, 4, 6, 8, 16)
        meta += struct.pack('<iHBxIxxxxq', 12, 4, kind, 20, size) + struct.pack('<HHi', 4, 4, 4)
        return b'\xff' * 4 + le(len(meta), 4) + meta

    yield b'ARROW1\0\0' if name == 'arrow-file' else b''
    yield Record(message(1, 0), b'')
    for p in payloads(name):
        p += pad(len(p), 8)
        yield Record(message(3, len(p)), p)
    yield b'\xff' * 4 + bytes(4)
    yield b'the footer ARROW1' if name == 'arrow-file' else b''


@writer('journal-export')
def journal(name):
    for i, p in enumerate(payloads(name)):
        yield Record(b'', b'__REALTIME_TIMESTAMP=16000000000000%02d\nMESSAGE\n' % i +
                     le(len(p), 8) + p + b'\nPRIORITY=6\n', b'\n')


@writer('segy-75x2')
def segy(name):
    yield bytes(3600)
    for i in range(6):
        yield Record(bytes([i]) * 240, random.Random(i).randbytes(150))


@writer('snappy-framed')
def snappy(name):
    yield b'\xff\x06\0\0sNaPpY'
    for i, p in enumerate(payloads(name)):
        yield Record(bytes([i % 2]) + le(4 + len(p), 3) + masked(p), p)
    yield b'\xfe' + le(3, 3) + bytes(3)


def archive(name, seed=''):
    """The bytes, and of each record (offset, end, payload). A seed makes other payloads, of other
    sizes and sometimes more of them."""
    global _more_seed
    _more_seed = seed
    out, records = b'', []
    for piece in WRITERS[name](name):
        if isinstance(piece, bytes):
            out += piece
            continue
        start = len(out)
        out += b''.join(head + payload + tail for head, payload, tail in piece.parts)
        payload = piece.glue.join(payload for _, payload, _ in piece.parts)
        records.append((start, len(out), payload))
    return out, records
