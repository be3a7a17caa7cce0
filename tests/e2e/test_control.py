#!/usr/bin/env python3
""".framefs: the archive as a whole, slices of it, what is known about it."""

import errno
import json
import os
import re
import shutil
import stat

import harness
from harness import Mount, check, contains, equal, fails, framefs, test

TAG4 = '--format=tag4-i64le'
PAYLOADS = [b'', b'one', b'two\n', b'x' * 5000, b'last']


def packets(count):
    return [(1000000000 + n, n, harness.ethernet(n)) for n in range(count)]


@test('.framefs holds all, archive, slice, stats, info.json, damage and synthetic')
def names():
    with Mount(TAG4, harness.write(harness.tag4(PAYLOADS))) as mount:
        equal(sorted(mount.names('.framefs')),
              ['all', 'archive', 'damage', 'info.json', 'slice', 'stats', 'synthetic'],
              'listing of .framefs')
        equal(mount.names('.framefs', 'slice'), [], 'listing of slice')
        for name in mount.names('.framefs'):
            check(os.stat(mount.path('.framefs', name)).st_size > 0 or name == 'slice',
                  f'{name} has size 0')
        fails(errno.ENOENT, os.stat, mount.path('.framefs/nothing'))
        fails(errno.ENOENT, os.stat, mount.path('.framefs/.framefs'))


@test('archive is the archive, byte by byte, in every format')
def archive():
    for form, content in (('tag4-i64le', harness.tag4(PAYLOADS)),
                          ('pcap', harness.pcap(packets(20))),
                          ('tfrecord', harness.tfrecord(PAYLOADS))):
        with Mount('--format=' + form, harness.write(content)) as mount:
            equal(mount.control('archive') == content, True, f'archive of {form}')
            equal(os.stat(mount.path('.framefs/archive')).st_size, len(content), 'its size')


@test('all is all payloads joined, with a separator after each when told')
def all_payloads():
    random = harness.seeded(5)
    many = [random.randbytes(random.choice((0, 1, 10, 3000))) for _ in range(2000)]
    for payloads in (PAYLOADS, many, [b''], [b'', b'', b'']):
        path = harness.write(harness.tag4(payloads))
        for option, separator in (([], b''), (['--separator=\\n'], b'\n'),
                                  (['--separator=--'], b'--')):
            want = b''.join(p + separator for p in payloads)
            with Mount(TAG4, *option, path) as mount:
                equal(os.stat(mount.path('.framefs/all')).st_size, len(want), 'size of all')
                equal(mount.control('all') == want, True, f'all with separator {separator!r}')
                descriptor = os.open(mount.path('.framefs/all'), os.O_RDONLY)
                for _ in range(50):
                    offset, count = random.randrange(len(want) + 2), random.randrange(1, 9000)
                    got = harness.pread_full(descriptor, count, offset)
                    check(got == want[offset:offset + count], f'{count} bytes at {offset} of all')
                os.close(descriptor)


@test('slice/A-B is a valid archive of the same format that holds records A to B')
def slices():
    payloads = [b'payload %d' % n for n in range(100)]
    path = harness.write(harness.tag4(payloads))
    with Mount(TAG4, path) as mount:
        for first, last in ((0, 0), (0, 99), (3, 7), (99, 99), (50, 98)):
            piece = mount.path('.framefs/slice', f'{first}-{last}')
            equal(harness.read(piece), harness.tag4(payloads)[12 * first
                                                              + len(b''.join(payloads[:first])):][
                :sum(12 + len(p) for p in payloads[first:last + 1])], f'slice {first}-{last}')
            with Mount(TAG4, piece) as inner:
                equal([harness.read(r) for r in inner.records()], payloads[first:last + 1],
                      f'records of {first}-{last}')
        copy = harness.make_path('copy')
        shutil.copyfile(mount.path('.framefs/slice/3-7'), copy)
        equal(len(framefs('ls', TAG4, copy).out.splitlines()) >= 5, True, 'ls of a copied slice')


@test('slices of pcap, tfrecord, BSON and MCAP keep preamble, context and postamble')
def slices_formats():
    mcap = harness.read(os.path.join(harness.DATA, 'TenMessages-ch-chx-rch-st-sum.mcap'))
    bson = harness.read(os.path.join(harness.DATA, 'indextestdump_indextest_test_collection.bson'))
    for form, content, count in (('pcap', harness.pcap(packets(30)), 30), ('mcap', mcap, 10),
                                 ('bson', bson, 100),
                                 ('tfrecord', harness.tfrecord([b'a', b'bb', b'']), 3)):
        with Mount('--format=' + form, '-o', 'content=frame', harness.write(content)) as mount:
            records = mount.records()
            equal(len(records), count, f'records of {form}')
            with Mount('--format=' + form, '-o', 'content=frame',
                       mount.path('.framefs/slice', f'1-{count - 2}')) as part:
                # The MCAP's first record is its header, which every slice carries.
                first = 0 if form == 'mcap' else 1
                equal([harness.read(r) for r in part.records()],
                      [harness.read(r) for r in records[first:count - 1]],
                      f'slice of {form}')
            equal(mount.control(f'slice/0-{count - 1}') == content, True,
                  f'the slice of all records of {form}')


@test('a slice of a capture is read by tcpdump')
def slice_tcpdump():
    if not shutil.which('tcpdump'):
        raise harness.Skip('tcpdump is not installed')
    with Mount('--format=pcap', harness.write(harness.pcap(packets(50)))) as mount:
        shown = harness.run('tcpdump', '-Z', 'root', '-nttr',
                            mount.path('.framefs/slice/10-14')).text.splitlines()
        equal(len(shown), 5, 'packets')
        check(all(re.match(rf'1000000{n:03}\.0000{n} ARP, Request who-has 10\.0\.0\.{n} ', line)
                  for n, line in enumerate(shown, 10)), f'packets: {shown}')


@test('only canonical slices of records that exist are there')
def slices_bad():
    with Mount(TAG4, harness.write(harness.tag4(PAYLOADS))) as mount:
        check(os.path.isfile(mount.path('.framefs/slice/0-4')), '0-4 is missing')
        for bad in ('0', '0-', '-4', '4-0', '0-5', '5-5', '00-1', '0-01', '+0-1', ' 0-1', '0-1 ',
                    '0x0-1', '0--1',
                    '0-1-2', 'a-b', '0-18446744073709551616',
                    '18446744073709551616-18446744073709551616', '0-1.bin'):
            fails(errno.ENOENT, os.stat, mount.path('.framefs/slice', bad))


@test('more slices than any table holds: each is right when it is asked for')
def slices_many():
    payloads = [b'%d' % n for n in range(400)]
    with Mount(TAG4, harness.write(harness.tag4(payloads))) as mount:
        for first in range(0, 400, 3):
            for last in range(first, min(first + 24, 400), 1):
                got = mount.control(f'slice/{first}-{last}')
                if got != harness.tag4(payloads[:last + 1])[len(harness.tag4(payloads[:first])):]:
                    # tag bytes are the records' numbers modulo 10
                    raise harness.Failure(f'slice {first}-{last}')


def check_metrics(text):
    """{name with labels: value}; the text must be what Prometheus reads."""
    found, kinds = {}, {}
    check(text.endswith('\n'), 'no newline at the end')
    for line in text.splitlines():
        if line.startswith('# HELP '):
            check(re.fullmatch(r'# HELP [a-z_:]+ \S.*', line), f'line {line!r}')
        elif line.startswith('# TYPE '):
            match = re.fullmatch(r'# TYPE ([a-z_:]+) (counter|gauge|histogram|summary|untyped)',
                                 line)
            check(match and match.group(1) not in kinds, f'line {line!r}')
            kinds[match.group(1)] = match.group(2)
        elif line and not line.startswith('#'):
            match = re.fullmatch(r'([a-zA-Z_:][a-zA-Z0-9_:]*)'
                                 r'(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\n"])*",?)*\})? '
                                 r'([-+]?[0-9.eE+-]+|\+Inf|NaN)', line)
            check(match, f'line {line!r}')
            name = match.group(1) + (match.group(2) or '')
            check(name not in found, f'{name} twice')
            base = re.sub(r'_(bucket|sum|count)$', '', match.group(1))
            check(match.group(1) in kinds or base in kinds, f'{name} has no TYPE')
            if kinds.get(match.group(1)) == 'counter':
                check(match.group(1).endswith('_total'), f'counter {name} does not end in _total')
            check(name.startswith('framefs_'), f'{name} does not begin with framefs_')
            found[name] = float(match.group(3))
    check(found, 'no value')
    return found


@test('stats is Prometheus text, counts reads, and changes while it is looked at')
def stats():
    path = os.path.join(harness.make_dir(), 'a "quoted\\ name')
    shutil.copyfile(harness.write(harness.tag4(PAYLOADS)), path)
    with Mount(TAG4, path) as mount:
        before = check_metrics(mount.control('stats').decode())
        for record in mount.records():
            harness.read(record)
        after = check_metrics(mount.control('stats').decode())
        check(any(after[name] > before.get(name, 0) for name in after),
              'no counter grew after reading')
        check(5.0 in after.values(), f'no value is the number of records: {after}')
        check(os.stat(mount.path('.framefs/stats')).st_size > 0, 'its size is 0')
        equal(len(harness.run('cat', mount.path('.framefs/stats')).out) > 0, True, 'cat of stats')
        if shutil.which('promtool'):
            harness.run('promtool', 'check', 'metrics', stdin=mount.control('stats'))


@test('info.json is what framefs info --json prints')
def info_json():
    for form, content in (('tag4-i64le', harness.tag4(PAYLOADS)),
                          ('pcap', harness.pcap(packets(9))),
                          ('pcap', harness.pcap(packets(9))[:-5]), ('tfrecord', b'')):
        path = harness.write(content)
        printed = framefs('info', '--json', '--format=' + form, path, status=None).out
        with Mount('--format=' + form, path) as mount:
            equal(mount.control('info.json'), printed, f'info.json of {form}, {len(content)} bytes')
        told = json.loads(printed)
        equal((type(told), len(told), type(told[0])), (list, 1, dict), 'kind of JSON')


@test('info --json tells format, records, sizes, damage')
def info_values():
    path = harness.write(harness.tag4(PAYLOADS))
    told = json.loads(framefs('info', '--json', TAG4, path).out)[0]
    values = json.dumps(told)
    for want in ('tag4-i64le', str(len(PAYLOADS)), str(os.stat(path).st_size), '5000'):
        contains(values, want, 'info --json')


@test('info of a mount says what info of the archive says, in the same words')
def info_words():
    path = harness.write(harness.tag4([b'x' * n for n in (0, 999, 1000, 5000)]), 'a\n\\b')
    with Mount('--format=tag4-i64le', path) as mount:
        told = harness.framefs('info', mount.dir).text
        contains(told, '  largest   4.9 KiB (5000 bytes)\n')
        equal(told, harness.framefs('info', '--format=tag4-i64le', path).text, 'report')


@test('damage has a line of headings, and a line for each damaged place')
def damage():
    good = harness.tag4(PAYLOADS)
    with Mount(TAG4, harness.write(good)) as mount:
        equal(len(mount.control('damage').splitlines()), 1, 'lines of an undamaged archive')
    with Mount(TAG4, harness.write(good + b'tail')) as mount:
        lines = mount.control('damage').decode().splitlines()
        equal(len(lines), 2, 'lines of a damaged archive')
        contains(lines[1], str(len(good)), 'the damage\'s offset')
        equal([harness.read(r) for r in mount.records()], PAYLOADS, 'records before the damage')


@test('synthetic is 1 TiB of the counter pattern unless told otherwise')
def synthetic():
    path = harness.write(harness.tag4(PAYLOADS))
    with Mount(TAG4, path) as mount:
        name = mount.path('.framefs/synthetic')
        equal(os.stat(name).st_size, 1 << 40, 'size')
        descriptor = os.open(name, os.O_RDONLY)
        for offset in (0, 1 << 32, (1 << 40) - 8):
            equal(os.pread(descriptor, 8, offset), offset.to_bytes(8, 'big'),
                  f'8 bytes at {offset}')
        os.close(descriptor)
        check(not os.path.exists(mount.path('synthetic')), 'DIR/synthetic without the option')
    with Mount(TAG4, '-o', 'synthetic=1000:byte:0x61', path) as mount:
        equal(mount.control('synthetic'), b'a' * 1000, '.framefs/synthetic')
        equal(mount.read('synthetic'), b'a' * 1000, 'DIR/synthetic')
        check('synthetic' in mount.names(), 'DIR/synthetic in the listing')


@test('several archives: stats and synthetic at the root are of the whole mount')
def several():
    one, two = (harness.write(harness.tag4(PAYLOADS), name) for name in ('one', 'two'))
    with Mount(TAG4, one, two) as mount:
        equal(sorted(mount.names('.framefs')), ['stats', 'synthetic'], 'root\'s .framefs')
        check_metrics(mount.read('.framefs', 'stats').decode())
        equal(mount.read('one', '.framefs', 'slice', '0-1'), harness.tag4(PAYLOADS[:2]))
        equal(len(json.loads(mount.read('two', '.framefs', 'info.json'))), 1,
              'objects in two/.framefs/info.json')


@test('files of .framefs are read-only regular files, its directories directories')
def kinds():
    with Mount(TAG4, harness.write(harness.tag4(PAYLOADS))) as mount:
        for name in ('all', 'archive', 'damage', 'info.json', 'stats', 'synthetic', 'slice/0-1'):
            check(stat.S_ISREG(os.stat(mount.path('.framefs', name)).st_mode), name)
            fails((errno.EROFS, errno.EACCES), os.open, mount.path('.framefs', name), os.O_WRONLY)
        for name in ('', 'slice'):
            check(stat.S_ISDIR(os.stat(mount.path('.framefs', name)).st_mode), name)


@test('an archive of no record has an empty all, and no slice')
def empty():
    with Mount(TAG4, harness.write(b'')) as mount:
        equal(mount.records(), [], 'records')
        equal(mount.control('all'), b'', 'all')
        equal(mount.control('archive'), b'', 'archive')
        fails(errno.ENOENT, os.stat, mount.path('.framefs/slice/0-0'))


harness.main()
