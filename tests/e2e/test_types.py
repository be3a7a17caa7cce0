#!/usr/bin/env python3
"""mount -o type=...: only records of some types, by the numbers that they have in the archive."""

import errno
import json
import os
import struct

import handles
import harness
from harness import Mount, check, contains, equal, fails, test

FRAME = '--frame=type:str[4] len:u16le data'
KINDS = [b'req', b'resp', b'note', b'']


def frame(kind, payload):
    return kind.ljust(4) + struct.pack('<H', len(payload)) + payload


def mixed(count, pick=lambda n: KINDS[n % 4]):
    """(bytes, kind of each record); record n's payload is its number."""
    kinds = [pick(n) for n in range(count)]
    return b''.join(frame(kind, b'%d' % n) for n, kind in enumerate(kinds)), kinds


def tree_name(number):
    return f'{number // 1000000:03}/{number // 1000 % 1000:03}/{number:09}'


def info(mount):
    return json.loads(mount.control('info.json'))[0]


def agrees(mount, shown, name, total):
    """All ways to look at the mount show these records and no others."""
    listed = [os.path.relpath(path, mount.dir) for path in mount.records()]
    equal(listed, [name(n) for n in shown], 'listing')
    equal([mount.read(path) for path in listed], [b'%d' % n for n in shown], 'contents')
    equal(mount.control('all'), b''.join(b'%d' % n for n in shown), 'all')
    equal(os.stat(mount.path('.framefs', 'all')).st_size, sum(len(str(n)) for n in shown))
    told = info(mount)
    equal((told['records'], told['left_out']), (len(shown), total - len(shown)), 'info.json')
    equal(os.statvfs(mount.dir).f_files, len(shown), 'statfs')
    for path, number in zip(listed, shown):
        equal(os.getxattr(mount.path(path), 'user.framefs.record'), b'%d' % number)


@test('records of the types named are shown by their numbers; the others are not there')
def by_type():
    content, kinds = mixed(200)
    path = harness.write(content)
    for option, wanted in (('type=req', {b'req'}), ('type=req:note', {b'req', b'note'}),
                           ('type=req,type=note:resp', {b'req', b'note', b'resp'}),
                           ('type=-', {b''}), ('type=none-of-them', set())):
        shown = [n for n, kind in enumerate(kinds) if kind in wanted]
        for layout, name in (('flat', lambda n: f'{n:08}'), ('tree', tree_name)):
            with Mount(FRAME, '-o', f'{option},layout={layout}', path) as mount:
                agrees(mount, shown, name, 200)
                for number in set(range(203)) - set(shown):
                    fails(errno.ENOENT, os.stat, mount.path(name(number)))
    with Mount(FRAME, '--type', 'req', '--type=resp', path) as mount:
        equal(len(mount.names()), 100)


@test('inodes are those of a mount that shows all; the handle of what is not shown is stale')
def inodes():
    path = harness.write(mixed(40)[0])
    with Mount(FRAME, '-o', 'layout=tree', path) as mount:
        everywhere = {found[-9:]: os.stat(found).st_ino for found in mount.records()}
        known = {n: handles.handle_of(mount.path(tree_name(n))) for n in (2, 3)}
    with Mount(FRAME, '-o', 'type=note,layout=tree', path) as mount:
        for found in mount.records():
            equal(os.stat(found).st_ino, everywhere[found[-9:]])
        descriptor = handles.open_handle(mount.dir, known[2])
        try:
            equal(os.read(descriptor, 100), b'2')
        finally:
            os.close(descriptor)
        fails(errno.ESTALE, handles.open_handle, mount.dir, known[3])


@test('layout is settled by the number of all records, directories by those that are shown')
def layout():
    count, shown = 70000, [999, 1000, 42137, 42138, 69999]
    content, kinds = mixed(count, lambda n: b'rare' if n in shown else b'x')
    path = harness.write(content)
    with Mount(FRAME, '-o', 'type=rare', path) as mount:
        equal(mount.names(), ['000'])
        equal(mount.names('000'), ['000', '001', '042', '069'])
        agrees(mount, shown, tree_name, count)
        equal(os.stat(mount.path('000')).st_nlink, 2 + 4, 'nlink')
        equal(os.stat(mount.dir).st_nlink, 2 + 1, 'nlink of the root')
        fails(errno.ENOENT, os.stat, mount.path('000/002'))
        fails(errno.ENOENT, os.listdir, mount.path('001'))
    with Mount(FRAME, '-o', 'type=x', path) as mount:
        equal(len(mount.names('000')), 70)
        equal(len(mount.names('000', '042')), 998)
        check(not os.path.exists(mount.path('000/042/000042137')), 'a hidden record is there')


@test('a slice has all records between two that are shown')
def slices():
    content, kinds = mixed(20)
    begins = [0]
    for number, kind in enumerate(kinds):
        begins.append(begins[-1] + len(frame(kind, b'%d' % number)))
    with Mount(FRAME, '-o', 'type=req', harness.write(content)) as mount:
        equal(mount.read('.framefs', 'slice', '4-12'), content[begins[4]:begins[13]])
        equal(mount.read('.framefs', 'slice', '8-8'), content[begins[8]:begins[9]])
        for bad in ('4-13', '3-12', '5-5', '0-20'):
            fails(errno.ENOENT, os.stat, mount.path('.framefs', 'slice', bad))
        equal(mount.control('archive'), content)


@test('with a separator, and with own names: what is not shown takes no name from what is')
def names():
    frames = '--frame=type:u8 n:u8 name:str[n] len:u8 data'
    records = [(1, b'same'), (2, b'same'), (1, b'same'), (2, b''), (1, b'x-00000003'), (2, b'x'),
               (2, b'x'), (2, b'q'), (1, b'q'), (2, b'q-00000008')]
    content = b''.join(bytes([kind, len(name)]) + name + b'\x01' + bytes([65 + n])
                       for n, (kind, name) in enumerate(records))
    path = harness.write(content)
    for option, expected in (('type=2', ['same', '00000003', 'x', 'x-00000006', 'q',
                                         'q-00000008']),
                             ('type=1', ['same', 'same-00000002', 'x-00000003', 'q'])):
        with Mount(frames, '-o', f'names=name,separator=\\n,{option}', path) as mount:
            equal(mount.names(), expected)
            equal(mount.control('all').count(b'\n'), len(expected))
            for bad in ('same-00000001', '00000001', 'y'):
                fails(errno.ENOENT, os.stat, mount.path(bad))
    with Mount(frames, '-o', 'names=number-name,type=2', path) as mount:
        equal(mount.names(), ['00000001-same', '00000003', '00000005-x', '00000006-x', '00000007-q',
                              '00000009-q-00000008'])
        fails(errno.ENOENT, os.stat, mount.path('00000000-same'))


@test('few records among millions are found without looking at the others')
def sparse():
    count, every = 3000000, 999983
    content = bytearray(frame(b'x', b'') * count)
    shown = list(range(5, count, every))
    for number in shown:
        content[number * 6:number * 6 + 4] = b'rare'
    path = harness.write(content)
    del content
    for layout, name in (('tree', tree_name), ('flat', lambda n: f'{n:08}')):
        with Mount(FRAME, '-o', f'type=rare,separator=.,layout={layout}', path) as mount:
            listed = [os.path.relpath(found, mount.dir) for found in mount.records()]
            equal(listed, [name(n) for n in shown])
            equal(mount.control('all'), b'.' * len(shown))
            asked = {line.split('"')[1]: int(line.split()[-1])
                     for line in mount.control('stats').decode().splitlines()
                     if line.startswith('framefs_requests_total')}
            check(asked['readdirplus'] + asked['readdir'] < 60, f'requests: {asked}')
    with Mount(FRAME, '-o', 'type=x', path) as mount:
        equal(sum(len(mount.names(f'{n // 1000:03}', f'{n % 1000:03}')) for n in range(3000)),
              count - len(shown))


@test('several archives; a format without types is an error that names it')
def several():
    one, two = harness.write(mixed(8)[0], 'one'), harness.write(mixed(5)[0], 'two')
    with Mount(FRAME, '-o', 'type=note', one, two) as mount:
        equal(mount.names('one'), ['00000002', '00000006'])
        equal(mount.names('two'), ['00000002'])
    where = harness.make_dir()
    plain = harness.write(harness.tag4([b'x']))
    result = harness.framefs('mount', '--format=tag4-i64le', '--type=a', plain, where, status=1)
    contains(result.err, 'tag4-i64le have no type', 'the message')
    result = harness.framefs('mount', FRAME, '-o', 'type=a::b', plain, where, status=2)
    contains(result.err, "mount option 'type'", 'the message')
    check(not harness.is_mounted(where), 'mounted')


@test('types that headers tell: WARC')
def warc():
    def record(kind, number):
        body = b'body %d' % number
        return (f'WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:x:{number}>\r\n'
                f'WARC-Date: 2006-09-19T17:20:{number:02}Z\r\n'
                f'Content-Length: {len(body)}\r\n\r\n').encode() + body + b'\r\n\r\n'

    kinds = ['warcinfo', 'request', 'response', 'request', 'response']
    path = harness.write(b''.join(record(kind, n) for n, kind in enumerate(kinds)), 'x.warc')
    with Mount('-o', 'type=response,names=number-name,content=payload', path) as mount:
        equal(mount.names(), ['00000002-<urn:x:2>', '00000004-<urn:x:4>'])
        equal(mount.read('00000004-<urn:x:4>'), b'body 4')
        equal(os.stat(mount.path('00000004-<urn:x:4>')).st_mtime, 1158686404)
    listed = harness.framefs('ls', '--type=request:warcinfo', '--since=2006-09-19T17:20:01',
                             path).text.splitlines()
    equal([line.split()[0] for line in listed], ['1', '3'])


harness.main()
