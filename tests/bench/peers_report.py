"""What tests/bench/peers has measured, as tables, as what must hold and whether it does, and as
bars."""

import os
import statistics

import chart
import tables
from measure import ROOT
from tables import digits

LARGE_RECORDS = 100000  # what must hold of more is told apart
READING = ('read', 'again', 'found')  # what came until the limit is a rate, too
TOOLS = ('tar', 'grep', 'cp', 'rsync')
RATES = ('find', 'stat', *READING, 'random', *TOOLS)
ABSENT = '-'
BIG_CHART = 'peers-big.svg'

# Why framefs is slower in a row than another way.
NOT_THERE = 'inodes and cached bytes are yet to be made; those of the files are there'
WHY_SMALL = {
    ('find', 'erofs'): 'listings come from a process; inodes of 65,536 files are made, too',
    ('find', 'squashfs'): 'listings come from a process; inodes of 65,536 files are made, too',
    ('stat', 'files'): 'inodes are yet to be made; those of the files are there',
    ('again', 'erofs'): 'FUSE does more at open, at close and in listings',
    ('again', 'files'): 'FUSE does more at open, at close and in listings',
    ('found', 'files'): 'cached bytes are yet to be made; those of the files are there',
    ('random', 'files'): 'a look-up and a read are asked of a process; the files are there',
} | {(row, 'files'): NOT_THERE for row in ('read', *TOOLS)}
WHY_BIG = {
    ('read', 'erofs'): 'one copy more, through a process; into pages of 4 KiB, not up to 2 MiB',
    ('again', 'erofs'): 'FUSE keeps it in pages of 4 KiB, erofs in up to 2 MiB',
}
WHY_UNKNOWN = 'not looked into'

# (row, a way, another one, times as fast it has to be)
TOOLS_MUST = tuple((row, 'framefs', 'framefs, push=off', least)
                   for row, least in (('tar', 2), ('grep', 2), ('cp', 2), ('rsync', 1.1)))
SMALL_MUST = (('read', 'framefs', 'erofs', 1.3), ('read', 'framefs', 'squashfs', 8),
              ('read', 'framefs', 'squashfuse_ll', 15),
              ('read', 'framefs', 'framefs, push=off', 3.5),
              ('again', 'framefs', 'files', 0.7)) + TOOLS_MUST
LARGE_MUST = (('read', 'framefs', 'erofs', 2), ('read', 'framefs', 'squashfs', 8),
              ('read', 'framefs', 'squashfuse_ll', 15),
              ('read', 'framefs', 'framefs, push=off', 5),
              ('again', 'framefs', 'files', 0.7),
              ('find', 'framefs, flat', 'erofs, flat', 0.45), ('find', 'framefs', 'erofs', 0.4),
              ('found', 'framefs', 'framefs, push=off', 4)) + TOOLS_MUST
BIG_MUST = (('read', 'framefs', 'the archive', 0.15), ('again', 'framefs', 'the archive', 0.4),
            ('read', 'framefs, direct_io', 'the archive', 0.25))


def must(records):
    return LARGE_MUST if records > LARGE_RECORDS else SMALL_MUST


def must_be_known(records):
    """Whether something must hold of a way's row."""
    # What is read again was read before in the same row.
    known = {(way, 'read' if row == 'again' else row)
             for row, *both, _ in must(records) for way in both}
    return lambda way, row: (way, row) in known


def of(told, row):
    """The median, None where it was not asked for."""
    values = told['figures'].get(row)
    if isinstance(values, list):
        values = [value for value in values if value is not None]
        return statistics.median(values) if values else None
    return values


class Results:
    """Of one archive."""

    def __init__(self, told):
        self.told, self.limit_s = told, told['limit_s']
        self.ways = told['ways']

    def shown(self):
        return {way: told for way, told in self.ways.items() if not told['missing']}

    def is_over(self, way, row):
        return row in self.ways[way]['over']

    def rate(self, way, row):
        """A second; (value, whether it is at most that), None where nothing is known."""
        told = self.ways[way]
        if told['missing']:
            return None
        value = of(told, row)
        if value is None and self.is_over(way, row) and row not in READING:
            amount = self.told['part'] if row in TOOLS else self.told['records']
            return amount / self.limit_s, True
        return None if value is None else (value, False)

    def times(self, way, other, row):
        """How many times as fast: (ratio, sign of what it is at least or at most); or None."""
        mine, its = self.rate(way, row), self.rate(other, row)
        if mine is None or its is None or (mine[1] and its[1]):
            return None
        return mine[0] / its[0], '<' if mine[1] else '>' if its[1] else ''

    def start_s(self, way):
        told = self.ways[way]
        first = of(told, 'start')
        return None if told['missing'] or first is None else told['figures']['build_s'] + first


def number(value, scale=1.0):
    return ABSENT if value is None else digits(value * scale)


def rate_cell(results, way, row):
    value, over = results.rate(way, row), results.is_over(way, row)
    limit = f'over {results.limit_s:.0f} s'
    if value is None or value[1]:
        return limit if over else ABSENT
    return digits(value[0] / 1e3) + (f', {limit}' if over else '')


def big_cell(results, way, row):
    value = of(results.ways[way], row)
    return f'over {results.limit_s:.0f} s' if value is None and results.is_over(
        way, 'read') else number(value)


def small_tables(results):
    shown = results.shown()
    first = tables.markdown(
        ('thousand files a second', 'start, s', 'built, MB', *RATES[:6]),
        [(way, number(results.start_s(way)),
          number(told['figures']['bytes'], 1e-6) if told['figures']['bytes'] else '0',
          *(rate_cell(results, way, row) for row in RATES[:6])) for way, told in shown.items()])
    second = tables.markdown(
        ('thousand files a second', *TOOLS, 'server, MiB', 'slab, MiB', 'server, us', 'reader, us'),
        [(way, *(rate_cell(results, way, row) for row in TOOLS),
          number(of(told, 'server_mib') or None), number(of(told, 'slab_mib')),
          number(of(told, 'server_us')), number(of(told, 'reader_us')))
         for way, told in shown.items()])
    return f'{first}\n\n{second}'


def missing_lines(results):
    return [f'{way}: missing, {told["missing"]}.' for way, told in results.ways.items()
            if told['missing']]


def is_ours(way):
    return way.startswith('framefs')


def fastest_table(results, why, asked=RATES):
    """Of each row the fastest of the others, and why framefs is slower where it is; none where
    there is no other."""
    rows = []
    layout = results.ways['framefs']['layout']
    others = [way for way, told in results.ways.items()
              if not is_ours(way) and not way.endswith(', cold') and way != 'the archive'
              and told['layout'] == layout]
    starts = {way: results.start_s(way) for way in others if results.start_s(way) is not None}
    mine = results.start_s('framefs')
    if starts and mine is not None:
        best = min(starts, key=starts.get)
        rows.append(fastest_row('start', best, (starts[best] / mine, ''), why))
    for row in asked:
        rates = {way: results.rate(way, row) for way in others}
        rates = {way: rate for way, rate in rates.items() if rate}
        if not rates:
            continue
        best = max(rates, key=lambda way: (not rates[way][1], rates[way][0]))
        rows.append(fastest_row(row, best, results.times('framefs', best, row), why))
    headings = ('', 'the fastest other one', 'framefs, times as fast', 'why it is slower')
    return [tables.markdown(headings, rows, (0, 1, 3))] if rows else []


def fastest_row(row, other, times, why):
    if not times:
        return row, other, 'neither ended', ''
    ratio, sign = times
    slower = ratio < 1 and sign == '' or sign == '<'
    return row, other, sign + digits(ratio), why.get((row, other), WHY_UNKNOWN) if slower else ''


def must_rows(title, results, rows):
    for row, way, other, least in rows:
        if way not in results.ways or other not in results.ways:
            continue
        times = results.times(way, other, row)
        if times is None:
            measured, held = 'not known', 'no'
        else:
            ratio, sign = times
            measured = {'': '', '<': 'under ', '>': 'over '}[sign] + digits(ratio)
            held = 'yes' if ratio >= least and sign != '<' else 'no'
        yield f'{title}: {row}, {way} / {other}', f'{least}', measured, held


def big_table(results):
    return tables.markdown(
        ('MB a second', 'read', 'again', 'start, s', 'server, MiB', 'server, s', 'reader, s'),
        [(way, big_cell(results, way, 'read'), big_cell(results, way, 'again'),
          number(told['figures']['build_s']), number(of(told, 'server_mib') or None),
          number(of(told, 'server_s')), number(of(told, 'reader_s')))
         for way, told in results.shown().items()])


def small_chart(count):
    return f'peers-{count}.svg'


def counts(results):
    return {int(count): Results(told) for count, told in results['records'].items()}


def text(results):
    parts = ['\n'.join(['```', *results['commands'], '```'])]
    required = []
    for count, small in counts(results).items():
        part = '' if small.told['part'] == count else f' (tools: {small.told["part"]:,} of them)'
        parts += [f'**{count:,} records of 100 to 500 bytes**{part}, {results["machine"]}',
                  f'![Each way, row by row]({small_chart(count)})', small_tables(small),
                  *missing_lines(small), *fastest_table(small, WHY_SMALL)]
        required += must_rows(f'{count:,}', small, must(count))
    if results['big']:
        big = Results(results['big'])
        parts += [f'**One record of {big.told["bytes"] / (1 << 20):,.0f} MiB**, dd bs=1M',
                  f'![Each way]({BIG_CHART})', big_table(big), *missing_lines(big),
                  *fastest_table(big, WHY_BIG, ('read', 'again'))]
        required += must_rows('one big record', big, BIG_MUST)
    parts += ['**What must hold**: so many times as fast',
              tables.markdown(('', 'asked', 'measured', 'held'), required)]
    return '\n\n'.join(parts)


def kind(way):
    if is_ours(way):
        return 'a'
    if way.startswith('files') or way == 'the archive':
        return 'c'
    return 'b' if way.startswith(('erofs', 'squashfs')) and way != 'squashfuse_ll' else 'd'


def bars(results, title, unit, value):
    """value: of a way, with what is told of it when not itself; or None."""
    entries = []
    for way in results.shown():
        found = value(way)
        entries.append((way, kind(way), *((found[0], found[1] or digits(found[0])) if found
                                          else (None, ABSENT))))
    known = any(entry[2] is not None for entry in entries)
    return [chart.bars(title, unit, entries)] if known else []


def rate_bars(results, row, title):
    def value(way):
        rate = results.rate(way, row)
        return rate and (rate[0], f'< {digits(rate[0])}' if rate[1] else None)
    return bars(results, title, 'files a second', value)


def draw_small(path, count, results):
    panels = bars(results, 'From nothing to the first byte', 'seconds',
                  lambda way: results.start_s(way) and (results.start_s(way), None))
    for row, title in (('read', 'Read all in order, new mount'), ('again', 'The same once more'),
                       ('random', 'Read anywhere'), ('find', 'find'), ('stat', 'Sizes of all'),
                       ('found', 'Read all after find'), ('tar', 'tar | cat'),
                       ('grep', 'grep -r'), ('cp', 'cp -r'), ('rsync', 'rsync -a')):
        panels += rate_bars(results, row, title)
    panels += bars(results, 'Memory of the servers, at the peak', 'MiB',
                   lambda way: of(results.ways[way], 'server_mib')
                   and (of(results.ways[way], 'server_mib'), None))
    chart.draw(path, f'{count:,} records of 100 to 500 bytes as files', panels)


def draw_big(path, results):
    panels = []
    for row, title in (('read', 'First read'), ('again', 'Second read')):
        panels += bars(results, title, 'megabytes a second',
                       lambda way, row=row: of(results.ways[way], row)
                       and (of(results.ways[way], row), None))
    chart.draw(path, 'One big record as a file', panels)


def update_docs(results, told):
    docs = os.path.join(ROOT, 'docs')
    for count, small in counts(results).items():
        draw_small(os.path.join(docs, small_chart(count)), count, small)
    if results['big']:
        draw_big(os.path.join(docs, BIG_CHART), Results(results['big']))
    tables.update('peers', told)
