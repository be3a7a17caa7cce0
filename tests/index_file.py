"""A reader of index files, written from docs/format-index.md alone. It believes what it reads and
computes no checksum."""

import struct

BLOCK = 256
BINDING, SEGMENTS, STATE, DIRECTORY, TIMES, SUMS = 1, 2, 3, 4, 5, 6


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


def damage_segment(path):
    """Changes a bit of a finished file's first segment."""
    with open(path, 'rb') as stream:
        data = bytearray(stream.read())
    at, = struct.unpack_from('<Q', data, read_header(data)[1][DIRECTORY][0])
    data[at + 60] ^= 1
    with open(path, 'wb') as stream:
        stream.write(data)


def read_index(data):
    """All records of a finished file, as read_segment() has them; the archive's size; the bodies of
    binding and state."""
    (size, records, segments, archive), parts = read_header(data)
    assert size == len(data)
    assert parts[DIRECTORY][1] == 48 * segments
    found = []
    for k in range(segments):
        entry = parts[DIRECTORY][0] + 48 * k
        at, = struct.unpack_from('<Q', data, entry)
        assert data[entry + 8:entry + 48] == data[at:at + 40]
        found += read_segment(read_chunk(data, at))
    assert len(found) == records
    bodies = [read_chunk(data, parts[kind][0])[4] for kind in (BINDING, STATE)]
    return found, archive, *bodies


def read_sums(data):
    """What a finished file says of checksums, or None: the archive's size, its time of
    modification, records, checksums, frames with wrong ones, and (offset, length, record, errno,
    reason) of these."""
    parts = read_header(data)[1]
    if SUMS not in parts:
        return None
    at, size = parts[SUMS]
    end, numbers, damages = at + size, [], []
    for _ in range(6):
        value, at = varint(data, at)
        numbers.append(value)
    for _ in range(min(numbers[5], 4096)):
        damage = []
        for _ in range(5):
            value, at = varint(data, at)
            damage.append(value)
        at += damage[4]
        damages.append((*damage[:4], data[at - damage[4]:at].decode()))
    assert at == end, 'bytes behind the damages'
    archive, seconds, nanoseconds, records, checksums, wrong = numbers
    return archive, seconds * 10**9 + nanoseconds, records, checksums, wrong, damages


TIME_MIN, TIME_MAX = -62135596800, 253402300799
PER_SECOND = (1, 10**3, 10**6, 10**9)


def read_times_block(row, data, count):
    """Each record's time in ns or None, and the bytes that they take of data."""
    seconds, ns, _, unit, width, which, zero = struct.unpack('<qIIBBBB', row)
    assert unit < 4 and width <= 69 and which < 3 and zero == 0
    bitmap = (count + 7) // 8 if which == 2 else 0
    known = [which == 1 or which == 2 and bits(data, i, 1) for i in range(count)]
    low, high = min(width, 64), max(width - 64, 0)
    middle = bitmap + (count * low + 7) // 8
    end = middle + (count * high + 7) // 8
    lows, highs = data[bitmap:middle], data[middle:end]
    times, earliest, scale = [], seconds * 10**9 + ns, 10**9 // PER_SECOND[unit]
    for i in range(count):
        later = bits(lows, i * low, low)
        later |= bits(highs, i * high, high) << 64 if high else 0
        assert known[i] or later == 0, 'a record without a time has one'
        times.append(earliest + later * scale if known[i] else None)
    some = [time for time in times if time is not None]
    if not some:
        assert (seconds, ns, unit, width, which) == (0, 0, 0, 0, 0)
    else:
        assert which == (2 if None in times else 1)
        assert min(some) == earliest, 'none is as early as the earliest'
        assert scale == max(s for s in (10**9 // per for per in PER_SECOND)
                            if all(time % s == 0 for time in some)), 'another unit is as exact'
        assert ((max(some) - earliest) // scale).bit_length() == width
    return times, end


def read_segment_times(body, count):
    """Each record's time, in ns, or None."""
    known, zero, first, last, first_ns, last_ns = struct.unpack_from('<IIqqII', body)
    rows, at, times = 32, 32 + 20 * ((count + BLOCK - 1) // BLOCK), []
    end = at
    for i in range(0, count, BLOCK):
        row = body[rows:rows + 20]
        assert struct.unpack_from('<I', row, 12)[0] == at - end, 'a block is elsewhere'
        # No block is longer.
        found, size = read_times_block(row, body[at:at + BLOCK * 9], min(BLOCK, count - i))
        times, rows, at = times + found, rows + 20, at + size
    assert at == len(body), 'bytes behind the blocks'
    some = [time for time in times if time is not None]
    assert (known, zero) == (len(some), 0)
    assert (first * 10**9 + first_ns, last * 10**9 + last_ns) == (
        (min(some), max(some)) if some else (0, 0))
    assert all(TIME_MIN * 10**9 <= time < (TIME_MAX + 1) * 10**9 for time in some)
    return times


def read_times(data):
    """The time of each record of a finished file, in ns since 1970, None where it has none; or None
    where the file has no times."""
    (_, records, segments, _), parts = read_header(data)
    if TIMES not in parts:
        return None
    at, size = parts[TIMES]
    assert size == 64 * segments
    found = []
    for k in range(segments):
        _, chunk, checksum, length = struct.unpack_from('<4Q', data, at + 64 * k)
        kind, count, _, _, body = read_chunk(data, chunk)
        assert kind == TIMES and count == min(records - len(found), 64 * BLOCK)
        assert checksum == struct.unpack_from('<Q', data, chunk)[0] and length == len(body)
        assert data[at + 64 * k + 32:at + 64 * k + 64] == body[:32]
        found += read_segment_times(body, count)
    assert len(found) == records
    return found


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
