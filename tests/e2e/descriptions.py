"""Descriptions and archives from a seed: descriptions that use all of the language, archives that
fit them by intention, and the same with some bytes changed, lost, added or cut off."""

import random
import re

import language

WIDTHS = (8, 8, 16, 24, 32, 40, 48, 56, 64)
LITERAL_PARTS = ('A', 'B', '0', ':', ' ', '|', ';', '@', '\\n', '\\x00', '\\xff', '\\"', '\\\\')
CONSTANTS = ('0', '1', '65', '-1', '0x41', '(0 1)', '(1 2 3)')
SCALES = ('', '', '', '', '', '*2', '+1', '-1', '*2-2', '+4')
LIKE_MARK = 'u32be=(0x01020304 0x04030201)'
BYTES = (0, 1, 10, 48, 65, 66, 127, 128, 255)
OTHER_HEADERS = (b'A:', b'Subject: length 3', b'X-Length: 4', b'Length-: 1', b'Date:  now ',
                 b'Folded: a\n b', b'B: c\r\n\t: 7', b'len: 0')


class Writer:
    """Writes descriptions. Within one alternative numbers get names a, b, c ..."""

    def __init__(self, seed):
        self.r = random.Random(seed)
        self.order = False  # a byte-order mark comes first: 'e' means something
        self.names = []

    def one(self, *choices):
        return self.r.choice(choices)

    def name(self):
        self.names.append('abcdefghijklmnopqrstuvwxyz'[len(self.names)])
        return self.names[-1]

    def literal(self):
        parts = [self.r.choice(LITERAL_PARTS) for _ in range(self.one(1, 1, 1, 2, 3))]
        return '"' + ''.join(parts) + '"'

    def integer(self):
        bits = self.r.choice(WIDTHS)
        sign = self.one('u', 'u', 'i')
        if bits == 8:
            return f'{sign}8'
        return f'{sign}{bits}' + self.r.choice(('le', 'be') + ('e',) * self.order)

    def number(self):
        kind = self.r.random()
        if kind < .6:
            return self.integer()
        if kind < .8:
            return self.one('varint', 'zigzag')
        width = self.one('', 1, 2, 3, 4, 8, 11, 20)
        return f'{self.one("dec", "hex", "oct")}{width}'

    def fixed(self):
        """An item of fixed size."""
        kind = self.r.random()
        if kind < .3:
            return self.literal()
        if kind < .6:
            return f'{self.one("bytes", "str", "zero")}[{self.r.randrange(5)}]'
        condition = self.one('', '', '=', '!=')
        condition += self.r.choice(CONSTANTS) if condition else ''
        return f'{self.name()}:{self.integer()}{condition}'

    def item(self):
        kind = self.r.random()
        earlier = list(self.names)
        if kind < .4:
            return self.fixed()
        if kind < .5:
            bits = self.one(8, 16, 32)
            cut = self.r.randrange(1, bits)
            order = '' if bits == 8 else self.one('le', 'be')
            return f'u{bits}{order}{{{self.name()}:{cut} {self.name()}:{bits - cut}}}'
        if kind < .6:
            return self.one(self.literal() + '?', 'line', 'str[2]!="AB"', 'u16be="AB"')
        if kind < .68:
            return self.align('', ' record', ' file')
        if kind < .85 or not earlier:
            repeated = ''
            if earlier and self.r.random() < .2:
                repeated = self.one('=', '!=') + self.r.choice(earlier)
            return f'{self.name()}:{self.number()}{self.one("", "", "*2", "+1", "*3+2")}{repeated}'
        return f'{self.one("bytes", "str", "zero")}[{self.r.choice(earlier)}]'

    def align(self, *bases):
        return f'align[{self.one(1, 2, 3, 4, 8)}{self.r.choice(bases)}]'

    def items(self, *counts):
        return [self.item() for _ in range(self.r.choice(counts))]

    def length(self, name, equation=''):
        """A number that tells a size, and what ends its digits."""
        number = self.number()
        condition = self.one('', '', '', '', '!=0', '!=(0 1)', '=(2 3 4 5)')
        delimiter = [self.one('":"', '"\\n"')] if number in ('dec', 'hex', 'oct') else []
        return [f'{name}:{number}{self.r.choice(SCALES)}{condition}{equation}'] + delimiter

    def frame(self):
        self.names = []
        items = self.items(0, 0, 1, 1, 2, 3)
        kind = self.r.random()
        if kind < .4:
            items += self.length('len') + self.items(0, 0, 1, 2) + ['data']
        elif kind < .6:
            if self.r.random() < .3:
                items.insert(0, f'len:{self.number()}')
            items += self.length('total') + self.items(0, 0, 1, 2) + ['data']
            if 'len' in items[0] and self.r.random() < .5:
                items.append('pad')
            items += [self.fixed() for _ in range(self.one(0, 0, 1, 2))]
        elif kind < .75:
            items.insert(0, 'known:u8=(0 1 2)')
            items += self.length('size', f'=size({self.one("from..data", "from..to", "data..to")})')
            items += [f'from:{self.integer()}'] + self.items(0, 1) + ['data']
            items.append('to:' + self.one('u8', 'u16le', 'bytes[2]', '"Q"', 'bytes[known]'))
        elif kind < .9:
            items.append(f'known:{self.one("u8", "u16le", "varint")}')
            items.append(self.one('data[known]', 'data[3]'))
            if self.r.random() < .3:
                items.insert(self.r.randrange(len(items)), 'len:u8')
        else:
            bits = self.one('3 len:29', '20 len:12')
            items += [f'u32{self.one("le", "be")}{{rest:{bits}}}', 'data']
        for _ in range(self.one(0, 0, 0, 1, 1, 2)):
            items.append(self.r.choice((
                self.literal(), self.literal() + '?', self.align('', ' record', ' file', ' data'),
                self.number() + '=size(data)', self.number() + '=size(record)', self.integer(),
                self.number() + ('=len' if ' len:' in ' ' + ' '.join(items) else ''))))
        return ' '.join(items) + self.one(*[''] * 12, ' @hide')

    def control(self):
        self.names = []
        items = [self.one('u8=255', '"\\xff"', 'u16be=0', '"#"', 'zero[2]')] + self.items(0, 1, 2)
        return ' '.join(items) + self.one(' @hide', ' @hide', ' @end')

    def preamble(self, mark):
        self.names = []
        return ' '.join([mark] * self.order + self.items(1, 1, 2))

    def headers(self):
        """A frame with its length among header lines."""
        self.names = []
        items = [self.one('"M"', '"M" line', 'u8=(1 2)')] + self.items(0, 0, 1)
        name = self.one('Content-Length', 'len', 'LENGTH')
        items += [f'headers{{len={name}}}'] + self.items(0, 0, 0, 1) + ['data']
        return ' '.join(items + self.r.choice(([], ['"\\n"'], ['"\\r\\n\\r\\n"'], ['"Q"?'])))

    def fragment(self):
        """A frame that tells which part of its record it is."""
        self.names = []
        items = self.items(0, 0, 0, 1)
        if self.r.random() < .4:
            order = self.one('le', 'be')
            bits, width = self.one((16, 2), (16, 3), (32, 2), (32, 8))
            items += [f'u{bits}{order}{{frag:{width} len:{bits - width}}}']
        else:
            values = self.r.sample(range(12), 4)
            number = self.one('u8', 'i8', 'u16be', 'varint', 'dec2')
            kind = f'k:{number}=frag({" ".join(map(str, values))})'
            items += self.r.sample([f'len:{self.one("u8", "u16le", "i32be", "varint")}', kind], 2)
        items += self.items(0, 0, 0, 1) + ['data']
        return ' '.join(items + self.r.choice(([], [], ['"!?"'], ['u8'], [self.align('')])))

    def signed(self):
        """A frame whose lengths have signs, as gfortran writes them."""
        self.names = []
        number = self.one('i8', 'i16le', 'i32be', 'i32le', 'zigzag') if self.r.random() < .2 \
            else self.one('i8', 'i16le', 'i32be', 'i32le')
        items = [f'len:{number}{self.one("", "", "", "!=0")}'] + self.items(0, 0, 0, 1)
        again = self.one('i16le', 'i32be', 'i64le', 'i8')
        return ' '.join(items + ['data', f'{again}=len'] + self.items(0, 0, 0, 1))

    def section(self):
        """The lines of an INI section: fragments, blocks, headers."""
        self.order = False
        kind = self.one(self.fragment, self.fragment, self.signed, self.headers)
        frames = [kind() for _ in range(self.one(1, 1, 1, 2))]
        lines = []
        if kind == self.signed:
            lines.append('signfrag =')
        elif kind == self.fragment:
            if self.r.random() < .5:
                lines.append(f'glue = {self.literal()}')
            if self.r.random() < .2:
                frames.append(self.frame())
        if self.r.random() < .25:
            frames.insert(0, self.control())
        if kind != self.headers and self.r.random() < .5:
            lines.append(f'block = {self.one(16, 19, 32, 64)}/{self.one(1, 2, 3, 7)}')
            if self.r.random() < .5:
                lines.append('tail = zeros')
        if self.r.random() < .15:
            lines.append(f'max = {self.one(8, 16, 40)}')
        if self.r.random() < .3:
            lines.append(f'preamble = {self.preamble("")}')
        if self.r.random() < .2:
            lines.append('postamble = ' + self.one('"END"', 'u16le=7 "Z"', 'zero[3]'))
        return lines + [f'frame.{i} = {frame}' for i, frame in enumerate(frames)]

    def description(self):
        mark = f'b32={self.one("0x01020304", "(0x01020304 0x0a0b0c0d)")}'
        self.order = self.r.random() < .4
        parts = ['']
        if self.r.random() < .3 + .4 * self.order:
            parts = [' | '.join(self.preamble(mark) for _ in range(self.one(1, 1, 2)))]
        frames = [self.frame() for _ in range(self.one(1, 1, 1, 2, 3))]
        if self.r.random() < .25:
            frames.insert(0, self.control())
        if self.order and self.r.random() < .5:
            # The last one may fail after the mark: then the order before it is in force again.
            frames.insert(0, f'{mark} {self.one("@hide", "data[1]", "u8=0 len:u8=(1 2) data")}')
            if self.r.random() < .5:
                frames.insert(1, f'{self.one("bytes[4]", LIKE_MARK)} {self.frame()}')
        parts.append(' | '.join(frames))
        if self.r.random() < .25:
            parts.append(self.one('"END"', 'u16le=7 "Z"', 'zero[3]', '"E" | "FF"', 'u8 u8=1'))
        return ' ; '.join(parts)


class Encoder:
    """Writes one alternative's bytes. Numbers that tell a size are found by writing the frame again
    until the sizes stay. part: of its record; size: of the payload, None for any."""

    def __init__(self, r, alternative, offset, order, part=language.WHOLE, size=None):
        self.r, self.a, self.offset, self.order = r, alternative, offset, order
        self.part, self.size = part, size
        self.chosen, self.sizes = {}, {}

    def choose(self, key, function):
        if key not in self.chosen:
            self.chosen[key] = function()
        return self.chosen[key]

    def run(self):
        for _ in range(6):
            out, places, self.values = b'', [], {}
            for i, item in enumerate(self.a.items):
                places.append(len(out))
                out += self.item(i, item, places)
            places.append(len(out))
            sizes = {(first, last): places[last + 1] - places[first]
                     for _, _, first, last in self.a.equations}
            if sizes == self.sizes:
                break
            self.sizes = sizes
        return out

    def item(self, i, item, places):
        kind, r = item.type, self.r
        if kind == 'literal':
            there = not item.optional or self.choose(i, lambda: r.random() < .5)
            return item.literal if there else b''
        if kind == 'line':
            return self.choose(i, lambda: bytes(r.choices(b'ab :0\0', k=r.randrange(4))) + b'\n')
        if kind == 'headers':
            return self.headers(i, item)
        if kind == 'align':
            n, *base = item.size.split()
            begin = {'record': 0, 'file': -self.offset}.get(*base or ['record'])
            begin = places[self.a.data] if begin is None else begin
            return bytes(-(places[-1] - begin) % int(n))
        if kind not in language.NOT_NUMBERS:
            return self.number(i, item)
        for op, what, text in item.conditions:
            if what == 'text' and op == '=':
                return text
        if item.size is None and kind == 'data' and self.size is not None:
            n = self.size
        elif item.size is None:
            n = self.choose(i, lambda: r.choice((0, 0, 1, 2, 3, 5, 7, 8, 12)))
        elif item.size.isdigit():
            n = int(item.size)
        else:
            n = max(0, min(40, self.values.get(item.size, 0)))
        return bytes(n) if kind == 'zero' else bytes(r.choices(BYTES, k=n))

    def headers(self, i, item):
        def lines():
            r = self.r
            name = r.choice((bytes.lower, bytes.upper, bytes))(item.headers['len'])
            told = name + b':' + r.choice((b'', b' ', b'\t  ')) + b'%d' + r.choice((b'', b' '))
            several = r.choices(OTHER_HEADERS, k=r.randrange(3))
            several[r.randrange(len(several) + 1):0] = [told] * r.choice((1,) * 12 + (0, 2))
            return r.choice((b'\n', b'\r\n')).join(several + [b'', b''])
        text = self.choose(i, lines)
        return text.replace(b'%d', b'%d' % self.told(i, None))

    def told(self, i, name):
        """The size that an equation wants in this number, or None."""
        for place, number, first, last in self.a.equations:
            if place == i and number in (name, i):
                return self.sizes.get((first, last), 0)
        return None

    def value(self, i, item):
        value = self.told(i, item.name)
        if item.frag:
            value = item.frag[self.part]
        for op, what, values in item.conditions:
            if value is None and op == '=' and what == 'set':
                value = self.choose(i, lambda: self.r.choice(values))
            if value is None and op == '=' and what == 'name':
                value = self.values.get(values, 0)
        if value is None:
            sizes = {other.size for other in self.a.items}
            few = item.name in sizes or self.r.random() < .7
            value = self.choose(i, lambda: self.r.choice(
                range(6) if few else (-1, 255, 256, 2 ** 31, 2 ** 63, self.r.randrange(2 ** 64))))
        return value

    def number(self, i, item):
        order = {'le': 'little', 'be': 'big'}.get(item.type[-2:], self.order)
        if item.type == 'b32':
            self.order = self.choose(i, lambda: self.r.choice(('little', 'big')))
            return self.r.choice(item.conditions[0][2]).to_bytes(4, self.order)
        if item.bits:
            raw = 0
            for name, width in item.bits:
                value = self.part if name == 'frag' else self.told(i, name)
                if value is None:
                    value = self.choose(name, lambda: self.r.randrange(4))
                self.values[name] = value & ((1 << width) - 1)
                raw = raw << width | self.values[name]
            return raw.to_bytes(int(re.search(r'\d+', item.type)[0]) // 8, order)
        for op, what, text in item.conditions:
            if what == 'text' and op == '=':
                return text
        value = self.values[i] = self.values[item.name] = self.value(i, item)
        goes_on, began = (self.part in parts for parts in (
            (language.FIRST, language.MIDDLE), (language.MIDDLE, language.LAST)))
        if {'goes on': goes_on, 'began': began}.get(self.a.signs.get(i)):
            value = -value
        number = (value - item.add) // item.mul
        if item.type[:3] in language.DIGITS:
            kind, width = item.type[:3], item.type[3:]
            text = format(max(0, number), {'dec': 'd', 'hex': 'x', 'oct': 'o'}[kind])
            if width:
                blanks = self.choose(i, lambda: self.r.random() < .1)
                text = text.ljust(int(width))[:int(width)] if blanks else text.zfill(int(width))
                text = text[-int(width):]
            return text.encode()
        if item.type in ('varint', 'zigzag'):
            if item.type == 'zigzag':
                number = number * 2 if number >= 0 else -number * 2 - 1
            number &= (1 << 64) - 1
            out = b''
            while number > 0x7f:
                out += bytes([number & 0x7f | 0x80])
                number >>= 7
            return out + bytes([number])
        bits = int(re.search(r'\d+', item.type)[0])
        return (number & ((1 << bits) - 1)).to_bytes(bits // 8, order)


def spoil(r, data):
    """The archive with a few bytes changed, lost or added, or without its end."""
    data = bytearray(data)
    if r.random() < .4:
        del data[r.randrange(len(data) + 1):]
        return bytes(data)
    for _ in range(r.choice((1, 1, 2, 3))):
        at = r.randrange(len(data) + 1)
        kind = r.random()
        if kind < .5 and at < len(data):
            data[at] = r.choice(BYTES + (data[at] ^ 1 << r.randrange(8),))
        elif kind < .75:
            del data[at:at + r.choice((1, 1, 2, 4))]
        else:
            data[at:at] = bytes(r.choices(BYTES, k=r.choice((1, 2, 4))))
    return bytes(data)


def parts_of(r, count):
    """Which parts of a record so many frames are, seldom wrong."""
    middle = [language.MIDDLE] * (count - 2)
    parts = [language.FIRST] + middle + [language.LAST] if count > 1 else [language.WHOLE]
    if r.random() < .03:
        parts[r.randrange(count)] = r.randrange(4)
    return parts


def in_blocks(r, form, alternative, offset):
    """A record's frames, cut where blocks end, as LevelDB's log writer does it."""
    out, begun = b'', False
    left = r.randrange(3 * form.block)  # of its payload
    for _ in range(20):  # no frame may fit into a block
        at = offset + len(out)
        room = form.block - at % form.block
        least = len(Encoder(random.Random(1), alternative, at, 'little', size=0).run())
        if room < max(form.header, least):
            # More than padding may be when the least frame is larger than the header.
            out += bytes(room) if form.zeros or r.random() < .7 else b'\xee' * room
            continue
        size = min(left, room - least)
        left -= size
        part = (language.MIDDLE if begun else language.FIRST) if left else (
            language.LAST if begun else language.WHOLE)
        out += Encoder(r, alternative, at, 'little', part, size).run()
        if not left:
            break
        begun = True
    return out


def archive(r, form):
    if r.random() < .05:
        return bytes(r.choices(BYTES, k=r.randrange(40)))
    out, order = b'', 'little'

    def add(alternatives):
        nonlocal out, order
        alternative = r.choice(alternatives)
        if not alternative.has_fragments():
            encoder = Encoder(r, alternative, len(out), order)
            out += encoder.run()
            order = encoder.order
        elif form.block and r.random() < .9:
            out += in_blocks(r, form, alternative, len(out))
        else:
            for part in parts_of(r, r.choice((1, 1, 2, 3, 5))):
                out += Encoder(r, alternative, len(out), order, part).run()
    if form.preamble:
        add(form.preamble)
    ends = [a for a in form.frame if a.end]
    others = [a for a in form.frame if not a.end]
    for _ in range(r.choice((0, 1, 2, 3, 5, 8))):
        add(others)
    if ends and r.random() < .5:
        add(ends)
    if form.postamble and r.random() < .8:
        add(form.postamble)
    if form.zeros and r.random() < .5:
        out += bytes(r.randrange(100))
    return out if r.random() < .5 else spoil(r, out)
