"""The frame description language once more, written to be obvious and slow: the size of a payload
or pad is not computed but tried, from 0 up, until all that the description says is true. It knows
nothing of how the program decodes, and takes descriptions that the program took for good. Records
in several frames are put together from the bytes of these."""

import re

MAX_LINE = 65536
NOT_NUMBERS = ('literal', 'bytes', 'str', 'zero', 'line', 'headers', 'data', 'pad', 'align')
WHOLE, FIRST, MIDDLE, LAST = range(4)
DIGITS = {'dec': b'0123456789', 'hex': b'0123456789abcdefABCDEF', 'oct': b'01234567'}
BASES = {'dec': 10, 'hex': 16, 'oct': 8}
FUNCTIONS = ('size', 'crc32', 'crc32c', 'crc32c-masked', 'adler32', 'sum32', 'md5', 'xxh64')
ITEM = re.compile(r'''
    (?:(?P<name>[A-Za-z_]\w*):)?
    (?:(?P<literal>"(?:[^"\\]|\\.)*")(?P<optional>\?)?
      |(?P<type>[a-z]+\d*(?:le|be|e)?)
       (?:\[(?P<size>[^\]]*)\])?(?:\{(?P<bits>[^}]*)\})?(?P<scale>(?:[*+-]\d+)*)
       (?P<conditions>(?:!?=(?:\([^)]*\)|"(?:[^"\\]|\\.)*"|-?\w+|[\w-]+\([^)]*\))*)*))
    (?=\s|$)''', re.X)
CONDITION = re.compile(r'(!?=)(?:([\w-]+)\(([^)]*)\)|\(([^)]*)\)|("(?:[^"\\]|\\.)*")|(-?\w+))')
ESCAPES = {'n': b'\n', 'r': b'\r', 't': b'\t', '0': b'\0', '\\': b'\\', '"': b'"'}


def literal(text):
    out, i = b'', 1
    while i < len(text) - 1:
        if text[i] != '\\':
            out += text[i].encode()
            i += 1
        elif text[i + 1] == 'x':
            out += bytes([int(text[i + 2:i + 4], 16)])
            i += 4
        else:
            out += ESCAPES[text[i + 1]]
            i += 2
    return out


class Item:
    def __init__(self, text):
        m = ITEM.fullmatch(text)
        assert m, text
        self.text = text
        self.name, self.size, self.bits = m['name'], m['size'], []
        self.optional = bool(m['optional'])
        self.literal = literal(m['literal']) if m['literal'] else None
        self.type = m['type'] if m['type'] else 'literal'
        self.mul, self.add = 1, 0
        self.conditions, self.equations = [], []
        for op, n in re.findall(r'([*+-])(\d+)', m['scale'] or ''):
            if op == '*':
                self.mul, self.add = self.mul * int(n), self.add * int(n)
            else:
                self.add += int(n) if op == '+' else -int(n)
        self.frag = None  # the values for WHOLE, FIRST, MIDDLE, LAST
        self.headers = {}
        for part in (m['bits'] or '').split():
            if self.type == 'headers':
                what, name = part.split('=')
                self.headers[what] = name.encode()
            else:
                name, width = part.split(':')
                self.bits.append((name, int(width)))
        if 'len' in self.headers:
            self.equations.append((self.name, 'data'))
        for op, function, arguments, values, text, word in CONDITION.findall(m['conditions'] or ''):
            if function == 'size':
                self.equations.append((self.name, arguments))
            elif function == 'frag':
                self.frag = [int(v, 0) for v in arguments.split()]
                self.conditions.append((op, 'set', self.frag))
            elif function:
                assert function in FUNCTIONS
            elif values:
                self.conditions.append((op, 'set', [int(v, 0) for v in values.split()]))
            elif text:
                self.conditions.append((op, 'text', literal(text)))
            elif re.match(r'-?\d', word):
                self.conditions.append((op, 'set', [int(word, 0)]))
            else:
                self.conditions.append((op, 'name', word))
        is_number = self.type not in NOT_NUMBERS
        names = [name for name, _ in self.bits] if self.bits else [self.name]
        told = bool(self.equations)
        for name in names:
            if is_number and not told and name in ('len', 'total'):
                self.equations.append((name, 'data' if name == 'len' else 'record'))

    def key(self):
        return self.name if self.name else 'data' if self.type == 'data' else None


def split(text, separators):
    """At separators outside of quotes."""
    parts, quoted, i = [''], False, 0
    while i < len(text):
        if text[i] == '\\' and quoted:
            parts[-1] += text[i:i + 2]
            i += 2
            continue
        if text[i] == '"':
            quoted = not quoted
        if text[i] in separators and not quoted:
            parts.append('')
        else:
            parts[-1] += text[i]
        i += 1
    return parts


def split_items(text):
    items, quoted, depth, i = [''], False, 0, 0
    while i < len(text):
        c = text[i]
        if quoted and c == '\\':
            items[-1] += text[i:i + 2]
            i += 2
            continue
        if c == '"':
            quoted = not quoted
        elif not quoted:
            depth += (c in '([{') - (c in ')]}')
        if c == ' ' and not quoted and depth == 0:
            items.append('')
        else:
            items[-1] += c
        i += 1
    return [item for item in items if item]


class Alternative:
    def __init__(self, text, signfrag=False):
        words = split_items(text)
        self.hide, self.end = '@hide' in words, '@end' in words
        self.items = [Item(word) for word in words if word[0] != '@']
        places = {}
        for i, item in enumerate(self.items):
            for name in [item.key()] + [name for name, _ in item.bits]:
                if name:
                    places.setdefault(name, i)
            if item.type == 'data':
                places.setdefault('data', i)
        self.data = next((i for i, item in enumerate(self.items) if item.type == 'data'), None)
        self.equations = []  # (place of the number, its name, first, last)
        for i, item in enumerate(self.items):
            for number, (name, where) in enumerate(item.equations):
                if where == 'record':
                    first, last = 0, len(self.items) - 1
                else:
                    ends = where.split('..')
                    first, last = places[ends[0]], places[ends[-1]]
                self.equations.append((i, name or i, first, last))
        self.signs = {}  # place of a number whose sign tells of fragments: what it tells
        if signfrag:
            self.find_signs()

    def find_signs(self):
        """The first length says that the record goes on; the one that repeats it, that it began
        before."""
        for place, name, first, last in self.equations:
            item = self.items[place]
            if (self.data is None or not first <= self.data <= last or place > self.data
                    or item.type[0] != 'i' or name not in (item.name, place)):
                continue
            self.signs[place] = 'goes on'
            for i, other in enumerate(self.items):
                if other.type[0] == 'i' and ('=', 'name', item.name) in other.conditions:
                    self.signs[i] = 'began'

    def has_fragments(self):
        return bool(self.signs) or any(
            item.frag or 'frag' in dict(item.bits) for item in self.items)


class Format:
    def __init__(self, preamble, frame, postamble, **directives):
        self.signfrag = 'signfrag' in directives
        self.preamble, self.postamble = (
            [Alternative(text) for text in part] for part in (preamble, postamble))
        self.frame = [Alternative(text, self.signfrag) for text in frame]
        self.glue = literal(directives.get('glue', '""'))
        self.block, self.header = map(int, directives.get('block', '0/0').split('/'))
        self.zeros = directives.get('tail') == 'zeros'
        self.max = int(directives.get('max', 0))


def compile(description):
    parts = [split(part, '|') if part.strip() else [] for part in split(description, ';')]
    if len(parts) == 1:
        parts.insert(0, [])
    return Format(*parts, *[[]] * (3 - len(parts)))


def compile_section(lines):
    """Of the lines of an INI section."""
    parts, directives = {'preamble': [], 'frame': [], 'postamble': []}, {}
    for line in lines:
        key, value = (text.strip() for text in line.split('=', 1))
        if key.split('.')[0] in parts:
            parts[key.split('.')[0]].append(value)
        else:
            directives[key] = value
    return Format(*parts.values(), **directives)


class No(Exception):
    """The bytes do not fit."""


class Match:
    """One alternative against the bytes at a place. `places` is where each item begins, and the
    end."""

    def __init__(self, alternative, data, offset, order):
        self.a, self.data, self.offset, self.order = alternative, data, offset, order
        self.values, self.places = {}, []

    def run(self, largest=0):
        self.step(0, self.offset)
        self.end = self.places[-1]
        if self.end == self.offset or (largest and self.end - self.offset > largest):
            raise No
        self.part = self.find_part()
        return self

    def find_part(self):
        for i, item in enumerate(self.a.items):
            if item.frag:
                return item.frag.index(self.values[i])
            if 'frag' in dict(item.bits):
                if self.values['frag'] > LAST:
                    raise No
                return self.values['frag']
        goes_on, began = ((sign,) in self.values for sign in ('goes on', 'began'))
        return (MIDDLE if began else FIRST) if goes_on else LAST if began else WHOLE

    def frame(self):
        return self.data[self.offset:self.end]

    def payload(self):
        if self.a.data is None:
            return b''
        return self.data[self.places[self.a.data]:self.places[self.a.data + 1]]

    def step(self, i, pos):
        """Item i at pos, and all after it; raises No."""
        self.places[i:] = [pos]
        for place, name, first, last in self.a.equations:
            if max(place, last) == i - 1:
                if self.values[name] != self.places[last + 1] - self.places[first]:
                    raise No
        if i == len(self.a.items):
            return
        item = self.a.items[i]
        if item.type in ('data', 'pad') and item.size is None:
            order, values = self.order, dict(self.values)
            for size in range(len(self.data) - pos + 1):
                try:
                    self.step(i + 1, pos + size)
                    return
                except No:
                    self.order, self.values = order, dict(values)
            raise No
        self.step(i + 1, pos + self.length(item, i, pos))

    def take(self, pos, n):
        if n < 0 or n > len(self.data) - pos:
            raise No
        return self.data[pos:pos + n]

    def put(self, item, i, number):
        value = number * item.mul + item.add
        if value < 0 and i in self.a.signs:
            value = -value
            self.values[self.a.signs[i],] = True
        self.values[i] = value
        if item.name:
            self.values[item.name] = value
        for op, kind, what in item.conditions:
            if kind == 'text':
                continue
            if kind == 'name':
                what = [self.values[what]]
            if (value in what) != (op == '='):
                raise No

    def same(self, item, data):
        for op, kind, what in item.conditions:
            if kind == 'text' and (data == what) != (op == '='):
                raise No

    def length(self, item, i, pos):
        kind = item.type
        if re.fullmatch(r'[ui]\d+(le|be|e|)', kind):
            return self.integer(item, i, pos)
        if kind[:3] in DIGITS:
            return self.digits(item, i, pos)
        if kind in ('varint', 'zigzag'):
            return self.varint(item, i, pos)
        if kind == 'b32':
            raw = self.take(pos, 4)
            for number in item.conditions[0][2]:
                for order in ('little', 'big'):
                    if int.from_bytes(raw, order) == number:
                        self.order = order
                        self.values[i] = self.values[item.name] = number
                        return 4
            raise No
        if kind == 'literal':
            if self.data.startswith(item.literal, pos):
                return len(item.literal)
            if item.optional:
                return 0
            raise No
        if kind == 'line':
            at = self.data.find(b'\n', pos, pos + MAX_LINE)
            if at < 0:
                raise No
            return at + 1 - pos
        if kind == 'align':
            return self.align(item, i, pos)
        if kind == 'headers':
            return self.headers(item, i, pos)
        n = int(item.size) if item.size.isdigit() else self.values[item.size]
        raw = self.take(pos, n)
        if kind == 'zero' and (raw.strip(b'\0') or n > MAX_LINE):
            raise No
        self.same(item, raw)
        return n

    def integer(self, item, i, pos):
        sign, bits, order = re.fullmatch(r'([ui])(\d+)(le|be|e|)', item.type).groups()
        raw = self.take(pos, int(bits) // 8)
        order = {'le': 'little', 'be': 'big', 'e': self.order, '': 'big'}[order]
        left = int(bits)
        for name, width in item.bits:
            left -= width
            self.values[name] = int.from_bytes(raw, order) >> left & ((1 << width) - 1)
        self.same(item, raw)
        self.put(item, i, int.from_bytes(raw, order, signed=sign == 'i'))
        return len(raw)

    def digits(self, item, i, pos):
        kind, width = item.type[:3], item.type[3:]
        raw = self.take(pos, int(width)) if width else self.data[pos:]
        n = 0
        while n < len(raw) and raw[n] in DIGITS[kind]:
            n += 1
        if n == 0 or n > 20 or (width and raw[n:].strip(b' ')):
            raise No
        number = int(raw[:n], BASES[kind])
        if number >= 1 << 64:
            raise No
        n = len(raw) if width else n
        self.same(item, raw[:n])
        self.put(item, i, number)
        return n

    def varint(self, item, i, pos):
        number = 0
        for n in range(10):
            byte = self.take(pos + n, 1)[0]
            if n == 9 and byte > 1:
                raise No
            number |= (byte & 0x7f) << (7 * n)
            if byte < 0x80:
                break
        if item.type == 'zigzag':
            number = -(number + 1) // 2 if number & 1 else number // 2
        self.put(item, i, number)
        return n + 1

    def headers(self, item, i, pos):
        raw, at, headers = self.data[pos:pos + MAX_LINE], 0, []
        while True:
            end = raw.find(b'\n', at) + 1
            line, at = raw[at:end], end
            if line in (b'\n', b'\r\n'):
                break
            if headers and line[:1] in (b' ', b'\t'):
                headers[-1] += line
            elif re.match(b'[!-9;-~]+:', line):
                headers.append(line)
            else:
                raise No
        if 'len' in item.headers:
            pairs = [header.split(b':', 1) for header in headers]
            told = [value.strip(b' \t\r\n') for name, value in pairs
                    if name.lower() == item.headers['len'].lower()]
            if len(told) != 1 or not re.fullmatch(b'[0-9]{1,20}', told[0]):
                raise No
            if int(told[0]) >= 1 << 64:
                raise No
            self.values[i] = self.values[item.name] = int(told[0])
        return at

    def align(self, item, i, pos):
        n, *base = item.size.split()
        begin = self.offset
        if base == ['file']:
            begin = 0
        elif base == ['data']:
            begin = self.places[self.a.data]
        n = -(pos - begin) % int(n)
        if n > len(self.data) - pos:
            if i < len(self.a.items) - 1:
                raise No
            n = len(self.data) - pos
        return n


def fit(alternatives, data, offset, order, largest=0):
    for a in alternatives:
        try:
            return Match(a, data, offset, order).run(largest)
        except No:
            pass
    return None


class Record:
    """Where its first frame begins; its bytes."""

    def __init__(self, match):
        self.offset, self.frame, self.payload = match.offset, match.frame(), match.payload()
        self.frames = 1

    def join(self, match, glue):
        self.frames += 1
        self.frame += match.frame()
        self.payload += glue + match.payload()


def is_zero(data):
    return not data.strip(b'\0')


def scan(format, data):
    """The records, and the offset of the damage or None."""
    records, pos, order = [], 0, 'little'
    begun = None  # a record whose last part has not come
    if not data:
        return records, None
    if format.preamble:
        m = fit(format.preamble, data, 0, order)
        if not m:
            return records, 0
        pos, order = m.end, m.order
    while True:
        if pos == len(data):
            if begun:
                return records, begun.offset
            return records, pos if format.postamble else None
        bound = len(data)
        if format.block:
            block_end = pos - pos % format.block + format.block
            bound = min(bound, block_end)
            if block_end - pos < format.header:
                pos = bound
                continue
        m = fit(format.postamble, data, pos, order)
        if m and m.end == len(data):
            return records, begun.offset if begun else None
        m = fit(format.frame, data[:bound], pos, order, format.max)
        if not m:
            if format.zeros and not begun:
                if records and is_zero(data[pos:]):
                    return records, None
                if format.block and block_end < len(data) and is_zero(data[pos:block_end]):
                    pos = block_end
                    continue
            return records, begun.offset if begun else pos
        if m.a.end:
            return records, begun.offset if begun else None
        if not m.a.hide:
            if (m.part in (WHOLE, FIRST)) == bool(begun):
                return records, begun.offset if begun else pos
            if begun:
                begun.join(m, format.glue)
                if format.max and len(begun.frame) > format.max:
                    return records, begun.offset
            else:
                begun = Record(m)
            if m.part in (WHOLE, LAST):
                records.append(begun)
                begun = None
        pos, order = m.end, m.order
