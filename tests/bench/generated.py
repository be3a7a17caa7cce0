"""What generated.h has: the records of the archives that the scale is measured with, by number."""

import struct

TAG = b'rec0'
HEAD_BYTES = 12
MASK = 2**64 - 1


def mix(z):
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 & MASK
    z = (z ^ z >> 27) * 0x94d049bb133111eb & MASK
    return z ^ z >> 31


def payload(number, least, most):
    size = least + (mix(~number & MASK) * (most - least + 1) >> 64)
    words = [number] + [mix(number * 64 + i & MASK) for i in range(1, (size + 7) // 8)]
    return struct.pack(f'<{len(words)}Q', *words)[:size]


def line(number):
    """Line `number` of the stream that framefs generates."""
    return b'line %020d of the stream that framefs generates.\n' % number
