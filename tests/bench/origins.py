"""Where the records come from that the scale is measured with: an archive on the disk, the stream
that framefs generates, or nothing but numbers."""

import contextlib
import os
import random

import generated
from measure import SEED, run, write_big
from served import Wrong

LINE_BYTES = 64
PLAIN_RECORDS = 10**8
PIECES, PIECE_BYTES = 20, 4096  # of a big record, compared


class Framed:
    """A generated archive of tag4-i64le with payloads of least..most bytes."""
    head, tail = generated.HEAD_BYTES, 0
    options = ('--format=tag4-i64le',)
    plain_share = 1

    def __init__(self, bench, records, least, most):
        self.bench, self.records, self.least, self.most = bench, records, least, most
        self.kind = f'{least} to {most} bytes'
        self.archive = bench.path('archive')

    def payload(self, number):
        return generated.payload(number, self.least, self.most)

    def anywhere(self, count):
        """Numbers of so many records, and their payloads, joined."""
        generator = random.Random(SEED)
        numbers = [generator.randrange(self.records) for _ in range(count)]
        return numbers, b''.join(self.payload(number) for number in numbers)

    def write(self, first, end):
        run(os.path.join(self.bench.tools, 'make_records'), self.archive, str(first), str(end),
            str(self.least), str(self.most))

    @contextlib.contextmanager
    def made(self):
        """The archive is there."""
        self.write(0, self.records)
        try:
            yield
        finally:
            os.unlink(self.archive)

    def grow(self, records):
        """From now on it has so many."""
        self.write(self.records, records)
        self.records = records

    def warm(self):
        """From now on it is in the page cache."""
        run(*self.plain())

    def plain(self):
        """The least that a program of one's own would do to read plain_share of it."""
        return (os.path.join(self.bench.tools, 'plain_scan'), 'tag4-i64le', self.archive)


class Stream:
    """Lines of the generated stream, each a record, by a description of their own: a file of
    another mount, no byte of which is on a disk."""
    head, tail, least, most = 5, 1, 58, 58
    options = ('--frame', '"line " data[58] "\\n"')
    kind = 'lines of 64 bytes'

    def __init__(self, bench, records):
        self.bench, self.records = bench, records
        self.where = bench.path('stream')
        self.archive = os.path.join(self.where, 'synthetic')
        self.plain_share = min(1, PLAIN_RECORDS / records)
        os.mkdir(self.where)

    @staticmethod
    def payload(number):
        return generated.line(number)[5:-1]

    def mount(self):
        # Root's mounts are served by somebody else, who has to be let in here.
        others = ('-o', 'allow_other') if self.bench.is_root else ()
        run(self.bench.framefs, 'mount', *others, '--synthetic',
            f'{self.records * LINE_BYTES}:lines', self.where)

    @contextlib.contextmanager
    def made(self):
        self.mount()
        try:
            yield
        finally:
            run(self.bench.framefs, 'umount', self.where)

    def grow(self, records):
        run(self.bench.framefs, 'umount', self.where)
        self.records = records
        self.mount()

    def warm(self):
        """No page of it is kept."""

    def plain(self):
        return ('dd', 'if=' + self.archive, 'of=/dev/null', 'bs=128K', 'iflag=count_bytes',
                f'count={round(self.records * self.plain_share) * LINE_BYTES}', 'status=none')


class Numbers:
    """No archive: the places of records, counted on, as a scan would find them in one."""
    head, tail = generated.HEAD_BYTES, 0

    def __init__(self, records, least, most):
        self.records, self.least, self.most = records, least, most
        self.kind = f'{least} to {most}, index alone'


class Big:
    """An archive of one record."""
    options, records = Framed.options, 1

    def __init__(self, bench, size):
        self.archive, self.size = bench.path('archive'), size - size % (1 << 20)
        self.block = random.Random(SEED).randbytes(1 << 20)

    @contextlib.contextmanager
    def made(self):
        write_big(self.archive, self.size)
        try:
            yield
        finally:
            os.unlink(self.archive)

    def check(self, path, head):
        """head: bytes before the record's."""
        generator = random.Random(SEED)
        with open(path, 'rb') as stream:
            for place in [0, self.size - PIECE_BYTES] + [
                    generator.randrange(self.size >> 12) << 12 for _ in range(PIECES)]:
                stream.seek(head + place)
                begin = place % len(self.block)
                if stream.read(PIECE_BYTES) != self.block[begin:begin + PIECE_BYTES]:
                    raise Wrong(f'{path} is not as generated at {place}')
