#!/usr/bin/env python3
"""names=number-name and names=name: records under what they call themselves."""

import errno
import os
import struct
import urllib.parse

import harness
from harness import Foreground, Mount, check, contains, equal, fails, test

FLAT_MAX = 65536
# One header for each kind of name that no file can have, or that two have.
FRAME = '--frame=n:u16le name:str[n] len:u32le data'
HOSTILE = [
    b'../../x', b'a/b', b'n' * 300, b'new\nline\x1b[31m', b'bad \xff\xc3 utf-8', b'twice', b'twice',
    b'', b'.', b'..', b'.framefs', b'synthetic', b'twice-00000006', b'00000003', b'back\\slash',
    b'100%', 'ä €/😀'.encode(), b'-rf', b' x ', b'', b'twice', b'a%2Fb', ('ä' * 140).encode(),
    b'\0', b'*?[', b'\xe2\x80\xaeltr', b'twice-00000006-00000012', b'/', b'%',
]


def framed(names):
    return b''.join(struct.pack('<H', len(name)) + name + struct.pack('<I', len(payload)) + payload
                    for name, payload in ((name, b'<%d>' % i) for i, name in enumerate(names)))


def newc(members):
    """A cpio archive as `cpio -o -H newc` writes it; (name, content) each."""
    out = bytearray()
    for number, (name, content) in enumerate([*members, (b'TRAILER!!!', b'')]):
        fields = (number, 0o100644, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
        out += b'070701' + b''.join(b'%08X' % field for field in fields) + name + b'\0'
        out += bytes(-len(out) % 4)
        out += content
        out += bytes(-len(out) % 4)
    return bytes(out)


def own_name(name):
    """What names of files tell of it: blanks and NULs at the end pad fields of fixed width."""
    return name.rstrip(b' \0\r\n')


def all_agree(mount, directory, payload_of, counts):
    """Each listed name is found, is the inode that was listed, and has its record's bytes; the
    order is that of the records."""
    with os.scandir(os.fsencode(mount.path(directory))) as entries:
        listed = [(entry.name, entry.inode()) for entry in entries]
    equal(len(listed), len(set(name for name, _ in listed)), 'names that differ')
    equal(len(listed), counts, 'entries')
    for place, (name, inode) in enumerate(listed):
        path = os.path.join(os.fsencode(mount.path(directory)), name)
        equal(os.stat(path).st_ino, inode, f'inode of {name}')
        equal(int(os.getxattr(path, 'user.framefs.record')), place, f'record of {name}')
        equal(harness.read(path), payload_of(place), f'content of {name}')
        check(len(name) <= 255, f'{name} is too long')
        name.decode()
        check(all(byte >= 32 and byte != 127 for byte in name), f'{name} has control bytes')
    return [name for name, _ in listed]


@test('number-name: the number and the own name, whatever it is; listing and look-up agree')
def hostile_numbered():
    path = harness.write(framed(HOSTILE))
    for layout, digits in (('flat', 8), ('tree', 9)):
        below = '000/000' if layout == 'tree' else ''
        with Mount(FRAME, '-o', f'names=number-name,layout={layout}', path) as mount:
            names = all_agree(mount, below, lambda n: b'<%d>' % n, len(HOSTILE))
            for number, name in enumerate(names):
                front, own = b'%0*d' % (digits, number), own_name(HOSTILE[number])
                if not own:
                    equal(name, front)
                    continue
                equal(name[:digits + 1], front + b'-')
                back = urllib.parse.unquote_to_bytes(name[digits + 1:])
                if len(name) < 250:
                    equal(back, own, 'the own name')
                    fails(errno.ENOENT, os.stat, mount.path(below, front.decode()))
                else:
                    check(own.startswith(back) and len(back) > 180, f'{name} is cut too early')


@test('number-name: only the name of the record itself is found')
def numbered_only():
    path = harness.write(framed([b'one', b'two', b'']))
    with Mount(FRAME, '-o', 'names=number-name', path) as mount:
        equal(mount.names(), ['00000000-one', '00000001-two', '00000002'])
        for bad in ('00000000-two', '00000001-one', '00000000', '00000000-', '00000000-one ',
                    '00000002-', '00000002-one', '00000003', '00000003-one', 'one', '0-one',
                    '000000000-one', '00000000-on', '00000000-One', '-one'):
            fails(errno.ENOENT, os.stat, mount.path(bad))


@test('name: every name is one of its own, duplicates have their number')
def hostile_plain():
    path = harness.write(framed(HOSTILE))
    with Mount(FRAME, '-o', 'names=name', path) as mount:
        names = all_agree(mount, '', lambda n: b'<%d>' % n, len(HOSTILE))
        expected = {
            0: b'..%2F..%2Fx', 1: b'a%2Fb', 3: b'new%0Aline%1B[31m', 4: b'bad %FF%C3 utf-8',
            5: b'twice', 6: b'twice-00000006', 7: b'00000007', 8: b'%2E', 9: b'%2E.',
            10: b'.framefs-00000010', 11: b'synthetic-00000011', 12: b'twice-00000006-00000012',
            13: b'00000003', 14: b'back%5Cslash', 15: b'100%25', 17: b'-rf', 18: b' x',
            19: b'00000019', 20: b'twice-00000020', 21: b'a%252Fb', 23: b'00000023', 24: b'*?[',
            25: b'%E2%80%AEltr', 26: b'twice-00000006-00000012-00000026', 27: b'%2F', 28: b'%25',
            16: 'ä €%2F😀'.encode(), 2: b'n' * 255, 22: ('ä' * 127).encode(),
        }
        equal(dict(enumerate(names)), dict(sorted(expected.items())))
        for bad in ('00000000', 'twice-00000005', 'twice-00000012', 'synthetic', 'a/b', '00000020',
                    'n' * 254, 'n' * 256, '%2f', '00000007-'):
            fails((errno.ENOENT, errno.ENAMETOOLONG), os.stat, mount.path(bad))
        equal(sorted(mount.names('.framefs'))[0], 'all', '.framefs')


@test('names that are longer than a file name and begin alike differ by their number')
def cut_names():
    path = harness.write(framed([b'x' * 250 + b'%d' % n * 20 for n in range(4)]))
    with Mount(FRAME, '-o', 'names=name', path) as mount:
        names = all_agree(mount, '', lambda n: b'<%d>' % n, 4)
        check(all(name.startswith(b'x' * 240) for name in names), f'{names}')


@test('cpio: members by their names, with inodes that depend on no option')
def cpio():
    members = [(b'usr/bin/env', b'#!'), (b'etc/motd', b'hello\n'), (b'etc/motd', b'again\n')]
    path = harness.write(newc(members), 'initrd.cpio')
    inodes = []
    for how, expected in (('number', ['00000000', '00000001', '00000002']),
                          ('number-name', ['00000000-usr%2Fbin%2Fenv', '00000001-etc%2Fmotd',
                                           '00000002-etc%2Fmotd']),
                          ('name', ['usr%2Fbin%2Fenv', 'etc%2Fmotd', 'etc%2Fmotd-00000002'])):
        with Mount('--names', how, path) as mount:
            equal(mount.names(), expected, how)
            equal([mount.read(name) for name in expected], [content for _, content in members])
            inodes.append([os.stat(mount.path(name)).st_ino for name in expected])
    equal(inodes[1], inodes[0])
    equal(inodes[2], inodes[0])


@test('ar: members by their names, as ar(1) wrote them')
def ar():
    where = harness.make_dir()
    members = {'one.txt': b'1', 'two words': b'22\n', 'dreiß%': b'333'}
    for name, content in members.items():
        harness.write(content, name, where)
    path = os.path.join(where, 'x.a')
    if not harness.shutil.which('ar'):
        raise harness.Skip('ar is not installed')
    harness.run('ar', 'qcS', path, *[os.path.join(where, name) for name in members])
    with Mount('-o', 'names=name', path) as mount:
        # GNU ar ends a name with a slash, which is none of it.
        equal({urllib.parse.unquote(name): mount.read(name) for name in mount.names()}, members)
        equal(mount.names()[0], 'one.txt')


def bsd_ar(members):
    """As ar(1) of the BSDs writes it: names that are long or have blanks stand before the bytes,
    with NULs behind them. The archive, and each member's name and payload."""
    out, payloads = [b'!<arch>\n'], []
    for number, (name, content) in enumerate(members):
        field = name
        if len(name) > 16 or b' ' in name:
            content = name + bytes(-len(name) % 4) + content
            field = b'#1/%d' % (len(name) + -len(name) % 4)
        out.append(b'%-16s%-12d%-6d%-6d%-8o%-10d`\n' % (field, number, 0, 0, 0o644, len(content))
                   + content + b'\n' * (len(content) % 2))
        payloads.append((name.decode(), content))
    return b''.join(out), payloads


@test('ar: long names of BSD archives, as bsdtar reads them')
def ar_of_bsd():
    members = [(b'short', b'abc'), (b'with a blank', b''), (b'n' * 40, b'#1/4 and more'),
               (b'sixteen_letters_', b'x' * 301), (b'two words.o', b'12')]
    archive, payloads = bsd_ar(members)
    path = harness.write(archive, 'x.a')
    if harness.shutil.which('bsdtar'):
        for name, content in members:
            equal(harness.run('bsdtar', '-xOf', path, name.decode()).out, content, name)
    with Mount('-o', 'names=name', path) as mount:
        equal([(name, mount.read(name)) for name in mount.names()], payloads)


@test('an extension stays at the end')
def extensions():
    members = [(b'a', b'1'), (b'a', b'2'), (b'b' * 300, b'3'), (b'', b'4')]
    path = harness.write(newc(members), 'x.cpio')
    with Mount('-o', 'names=number-name,content=file', path) as mount:
        equal(mount.names(), ['00000000-a.cpio', '00000001-a.cpio',
                              '00000002-' + 'b' * 241 + '.cpio', '00000003.cpio'])
        equal(mount.read('00000000-a.cpio')[:6], b'070701')
        fails(errno.ENOENT, os.stat, mount.path('00000000-a'))
    with Mount('-o', 'names=name,content=file', path) as mount:
        equal(mount.names(), ['a.cpio', 'a-00000001.cpio', 'b' * 250 + '.cpio', '00000003.cpio'])
        fails(errno.ENOENT, os.stat, mount.path('a'))
        fails(errno.ENOENT, os.stat, mount.path('00000003'))


@test('a format without names shows numbers, and looks at no header for that')
def nameless():
    path = harness.write(harness.tag4([b'one', b'two']))
    for how in ('number-name', 'name'):
        with Mount('--format=tag4-i64le', '-o', 'names=' + how, path) as mount:
            equal(mount.names(), ['00000000', '00000001'])
            equal(mount.read('00000001'), b'two')
            fails(errno.ENOENT, os.stat, mount.path('00000002'))
    with Mount('--format=tag4-i64le', '-o', 'names=number-name', path) as mount:
        os.truncate(path, 0)
        equal(mount.names(), ['00000000', '00000001'])
        contains(mount.control('stats'), b'framefs_errors_total 0', 'stats')


@test('names=name: 65,536 records and not one more, and not layout=tree')
def too_many():
    names = [b'%x' % n for n in range(FLAT_MAX + 1)]
    path = harness.write(framed(names[:-1]))
    with Mount(FRAME, '-o', 'names=name', path) as mount:
        equal(mount.names() == [name.decode() for name in names[:-1]], True, 'listing')
        equal(mount.read('ffff'), b'<65535>')
        equal(mount.read('0'), b'<0>')
    path = harness.write(framed(names))
    where = harness.make_dir()
    for layout in ('auto', 'flat'):
        result = harness.framefs('mount', FRAME, '-o', f'names=name,layout={layout}', path, where,
                                 status=1)
        contains(result.err, 'more than 65536 records', 'the message')
        contains(result.err, 'names=number-name', 'the message')
    result = harness.framefs('mount', FRAME, '-o', 'names=name,layout=tree', path, where, status=2)
    contains(result.err, 'names=number-name', 'the message')
    with Mount(FRAME, '-o', 'names=number-name', path) as mount:
        equal(mount.names('000', '065'), [f'{n:09}-{n:x}' for n in range(65000, FLAT_MAX + 1)])


@test('names=name of several archives: each has a table of its own')
def several():
    one = harness.write(framed([b'same', b'x']), 'one')
    two = harness.write(framed([b'', b'same']), 'two')
    with Mount(FRAME, '-o', 'names=name', one, two) as mount:
        equal(mount.names('one'), ['same', 'x'])
        equal(mount.names('two'), ['00000000', 'same'])
        equal(mount.read('two', 'same'), b'<1>')
    with Mount(FRAME, '-o', 'names=name,synthetic=100,control=listed', one) as mount:
        equal(mount.names(), ['.framefs', 'synthetic', 'same', 'x'])


@test('a record whose header cannot be read is called by its number, and no other name is denied')
def unreadable():
    content = framed([b'one', b'two', b'three'])
    path = harness.write(content)
    with Foreground(FRAME, '-o', 'names=number-name,control=listed', path) as mount:
        harness.wait_for(lambda: b'"complete": true' in
                         harness.read(os.path.join(mount.dir, '.framefs', 'info.json')), 'scanned')
        os.truncate(path, 4)
        # By a look-up of its own, and as listed.
        fails(errno.EIO, harness.read, os.path.join(mount.dir, '00000002'))
        equal(sorted(os.listdir(mount.dir)), ['.framefs', '00000000', '00000001', '00000002'])
        for number in range(3):
            fails(errno.EIO, harness.read, os.path.join(mount.dir, f'{number:08}'))
        fails(errno.EIO, os.stat, os.path.join(mount.dir, '00000002-three'))
        mount.says('changed or shortened')


harness.main()
