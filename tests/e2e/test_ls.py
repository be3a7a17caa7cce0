#!/usr/bin/env python3
"""framefs ls by type and time."""

import datetime
import json
import struct
import subprocess

import harness
from harness import contains, equal, framefs, test

FRAME = '--frame=type:str[4] time:u64be len:u32be data'
START = 1158679214  # 2006-09-19T15:20:14Z
TYPES = [b'req ', b'resp', b'note', b'']


def archive():
    return harness.write(b''.join(TYPES[n % 4].ljust(4) + struct.pack('>QI', START + n, 1) + b'x'
                                  for n in range(40)))


def numbers(*arguments, **more):
    """What ls lists, as lines and as JSON."""
    lines = [int(line.split()[0]) for line in framefs('ls', *arguments, **more).out.splitlines()]
    objects = [json.loads(line) for line in framefs('ls', '--json', *arguments,
                                                    **more).out.splitlines()]
    equal([o['number'] for o in objects], lines, 'the same as JSON')
    return lines


def iso(seconds, zone=0):
    where = datetime.timezone(datetime.timedelta(hours=zone))
    return datetime.datetime.fromtimestamp(seconds, where).isoformat()


@test('--type takes one type, several, and the option again', fuse=False)
def types():
    path = archive()
    equal(numbers(FRAME, path), list(range(40)), 'all')
    for arguments, kinds in ((['--type=req'], {0}), (['--type', 'resp'], {1}),
                             (['--type=req:note'], {0, 2}),
                             (['--type=req', '--type=note:resp'], {0, 1, 2}), (['--type=-'], {3}),
                             (['--type=other'], set()), (['--type=re'], set()),
                             (['--type=req '], set())):
        equal(numbers(FRAME, *arguments, path), [n for n in range(40) if n % 4 in kinds],
              f'{arguments}')


@test('--since is included, --until is not, in every spelling of a time', fuse=False)
def times():
    path = archive()
    for since, until in ((3, 17), (0, 40), (39, 100), (-5, 1)):
        want = [n for n in range(40) if since <= n < until]
        for spell in (lambda s: f'@{s}', iso, lambda s: iso(s, 2), lambda s: iso(s, -11),
                      lambda s: iso(s).replace('T', ' ').replace('+00:00', 'Z'),
                      lambda s: datetime.datetime.fromtimestamp(
                          s, datetime.timezone.utc).strftime('%a, %d %b %Y %H:%M:%S +0000')):
            equal(numbers(FRAME, '--since', spell(START + since), '--until=' +
                          spell(START + until), path), want, spell(START + since))
    equal(numbers(FRAME, '--since', f'@{START + 5}', path), list(range(5, 40)))
    equal(numbers(FRAME, '--until', f'@{START + 5}', path), list(range(5)))
    equal(numbers(FRAME, '--since', f'@{START + 4}.000000001', path), list(range(5, 40)))
    equal(numbers(FRAME, '--until', '2006-09-19', path), [])
    equal(numbers(FRAME, '--since', '2006-09-19', '--until', '2006-09-20', path), list(range(40)))
    equal(numbers(FRAME, '--type=req', '--since', f'@{START + 5}', path), list(range(8, 40, 4)))


@test('records of which some have no time, of a pipe, and of an archive that ends inside a frame',
      fuse=False)
def some():
    some_times = '--frame="a" len:u8 data | "t" type:u8 time:u32be len:u8 data'
    content = b'a\x01x' + b't\x05' + struct.pack('>IB', 100, 1) + b'y' + b'a\x00' + b't\x06' + \
        struct.pack('>IB', 200, 0)
    path = harness.write(content)
    equal(numbers(some_times, '--since', '@0', path), [1, 3])
    equal(numbers(some_times, '--until', '@150', path), [1])
    equal(numbers(some_times, '--type=-:6', path), [0, 2, 3])
    equal(numbers(some_times, '--type=-:6', '-', stdin=content), [0, 2, 3])
    result = framefs('ls', some_times, '--type=5', harness.write(content + b't'))
    equal(len(result.out.splitlines()), 1, 'lines')
    contains(result.err, 'record 4', 'the note')


@test('times of a capture agree with tcpdump', fuse=False)
def tcpdump():
    if not harness.shutil.which('tcpdump'):
        raise harness.Skip('tcpdump is not installed')
    path = harness.os.path.join(harness.DATA, 'pptp.pcap')
    told = subprocess.run(['tcpdump', '-tt', '-n', '-r', path], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True, text=True).stdout
    stamps = [line.split()[0] for line in told.splitlines()]
    for stamp in stamps:
        equal(numbers('--since', '@' + stamp, path),
              [n for n, other in enumerate(stamps) if float(other) >= float(stamp)], stamp)


@test('what cannot match is an error that says why', fuse=False)
def refused():
    path = archive()
    tag4 = harness.write(harness.tag4([b'x']))
    for arguments, status, parts in (
            (['--format=tag4-i64le', '--type=a', tag4], 1, ['tag4-i64le', 'no type']),
            (['--format=tag4-i64le', '--since=@1', tag4], 1, ['tag4-i64le', 'no time']),
            (['--format=tag4-i64le', '--until=@1', tag4], 1, ['tag4-i64le', 'no time']),
            ([FRAME, '--since=yesterday', path], 2, ["'--since'", "'yesterday'", '2006-09-19']),
            ([FRAME, '--until=\x1b[m', path], 2, ["'--until'", '\\x1b']),
            ([FRAME, '--since=2006', '--until=2006', path], 2, ['--until is not after --since']),
            ([FRAME, '--type=a::b', path], 2, ["'--type'", 'empty type'])):
        result = framefs('ls', *arguments, status=status)
        equal(result.out, b'', 'stdout')
        for part in parts:
            contains(result.err, part, 'the message')
    equal(numbers('--type=a', harness.write(b'')), [], 'of an empty archive')


harness.main()
