"""What tests/bench/scale has measured, as tables, as requirements met or not, and as curves."""

import chart

FIRST_WITH_INDEX_MS, FIRST_WITH_INDEX_RECORDS = 20, 10**8
FIRST_WITHOUT_MS = 50
RESIDENT_MIB, RESIDENT_RECORDS = 24, 10**8


def cell(key, scale, digits):
    """Of the row's value, in the unit that it is shown in."""
    return lambda row: f'{row[key] * scale:,.{digits}f}' if row.get(key) is not None else '-'


def rate(key, amount, scale, digits=1):
    return lambda row: (f'{row[amount] / row[key] * scale:,.{digits}f}'
                        if row.get(key) and row.get(amount) else '-')


ARCHIVE = (('records', 13, lambda row: f'{row["records"]:,}'),
           ('payloads', 25, lambda row: row['kind']))
BUILT = ARCHIVE + (
    ('archive MB', 10, cell('archive_bytes', 1e-6, 0)),
    ('M rec/s', 8, rate('build_s', 'records', 1e-6)),
    ('MB/s', 8, rate('build_s', 'archive_bytes', 1e-6)),
    ('plain', 8, rate('plain_s', 'archive_bytes', 1e-6)),
    ('times', 6, cell('ratio', 1, 2)),
    ('of CPU', 6, cell('used_ratio', 1, 2)),
    ('sync ms', 8, cell('sync_s', 1e3, 0)),
    ('index MB', 9, cell('index_bytes', 1e-6, 2)),
    ('bits', 6, rate('records', 'index_bits', 1, 2)),
    ('peak MiB', 8, cell('peak_mib', 1, 1)),
    ('+1 % ms', 8, cell('grown_s', 1e3, 0)))
USED = ARCHIVE + (
    ('index ms', 8, cell('mount_s', 1e3, 1)),
    ('none ms', 7, cell('mount_none_s', 1e3, 1)),
    ('ls us', 6, cell('page_s', 1e6, 0)),
    ('get ns', 6, cell('look_50_ns', 1, 0)),
    ('99 %', 5, cell('look_99_ns', 1, 0)),
    ('first', 6, cell('look_first_ns', 1, 0)),
    ('next ns', 7, cell('pass_ns', 1, 1)),
    ('lstat us', 8, cell('lstat_50_s', 1e6, 0)),
    ('99 %', 6, cell('lstat_99_s', 1e6, 0)),
    ('handle us', 9, cell('handle_50_s', 1e6, 0)),
    ('99 %', 6, cell('handle_99_s', 1e6, 0)))
HELD = ARCHIVE + (
    ('find s', 8, cell('find_s', 1, 1)),
    ('private MiB', 11, cell('private_mib', 1, 1)),
    ('shared MiB', 10, cell('shared_mib', 1, 1)),
    ('of the index MiB', 16, cell('mapped_mib', 1, 1)))


def print_table(title, columns, rows):
    print(f'\n{title}')
    print(' '.join(f'{heading:>{width}}' for heading, width, _ in columns))
    for row in rows:
        print(' '.join(f'{show(row):>{width}}' for _, width, show in columns))


def print_tables(rows):
    for row in rows:
        row['index_bits'] = row['index_bytes'] * 8
    print_table('built', BUILT, rows)
    print_table('used', USED, rows)
    print_table('held after find', HELD, [row for row in rows if 'find_s' in row])


def requirements(rows):
    """(what must hold, what was measured, whether it does)"""
    for row in rows:
        if 'mount_s' not in row:
            continue
        what = f'{row["records"]:,} ({row["kind"]})'
        if row['records'] == FIRST_WITH_INDEX_RECORDS:
            took = row['mount_s'] * 1e3
            yield (f'{what}: first record within {FIRST_WITH_INDEX_MS} ms with an index',
                   f'{took:.1f} ms, at best {row["mount_least_s"] * 1e3:.1f}',
                   took <= FIRST_WITH_INDEX_MS)
        took = row['mount_none_s'] * 1e3
        yield (f'{what}: first record within {FIRST_WITHOUT_MS} ms without one',
               f'{took:.1f} ms, at best {row["mount_none_least_s"] * 1e3:.1f}',
               took <= FIRST_WITHOUT_MS)
        if row['records'] >= RESIDENT_RECORDS and 'find_s' in row:
            held = row['private_mib'] + row['shared_mib']
            yield (f'{what}: {RESIDENT_MIB} MiB resident after find, the index aside',
                   f'{held:.1f} MiB', held <= RESIDENT_MIB)


def print_requirements(rows):
    """Whether all are met."""
    print()
    every = True
    for what, measured, met in requirements(rows):
        print(f'{"met    " if met else "NOT MET"} {what}: {measured}')
        every = every and met
    print('met     records anywhere and all places in the index are as generated, in each step')
    return every


def points(rows, key, scale=1.0, kind=''):
    """Where several rows have as many records, the largest value."""
    found = {}
    for row in rows:
        if row.get(key) and row['kind'].startswith(kind):
            records = row['records']
            found[records] = max(found.get(records, 0), row[key] * scale)
    return list(found.items())


def draw(path, rows):
    kinds = [('payloads of 100 to 500 bytes', '100'), ('payloads of 16 to 40 bytes', '16'),
             ('lines of 64 bytes, generated while they are read', 'lines')]
    scanned = [row for row in rows if 'archive_bytes' in row]
    alone = [row for row in rows if 'archive_bytes' not in row]
    lines = [row for row in scanned if row['kind'].startswith('lines')]
    files = [row for row in scanned if row not in lines]
    chart.draw(path, 'The index at 10⁵ to 10⁹ records', [
        chart.panel('Building the index', 'records', 'seconds',
                    [(name, points(scanned, 'build_s', 1, kind)) for name, kind in kinds]
                    + [('the index alone, no archive', points(alone, 'build_s'))]),
        chart.panel('Index file', 'records', 'megabytes',
                    [(name, points(rows, 'index_bytes', 1e-6, kind)) for name, kind in kinds]),
        chart.panel('Start of mount to the first bytes', 'records', 'milliseconds',
                    [('without an index', points(files, 'mount_none_s', 1e3)),
                     ('with the index', points(files, 'mount_s', 1e3)),
                     ('without one, of a file of another mount',
                      points(lines, 'mount_none_s', 1e3)),
                     ('with it, of a file of another mount', points(lines, 'mount_s', 1e3))]),
        chart.panel('Looking up a random record', 'records', 'microseconds',
                    [('lstat through the mount', points(rows, 'lstat_50_s', 1e6)),
                     ('in the library, first of its segment',
                      points(rows, 'look_first_ns', 1e-3)),
                     ('in the library', points(rows, 'look_50_ns', 1e-3))])])
