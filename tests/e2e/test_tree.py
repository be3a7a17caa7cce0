#!/usr/bin/env python3
"""The tree: names, layouts, listings, inodes, attributes, handles."""

import errno
import hashlib
import os
import re
import stat
import struct
import subprocess

import handles
import harness
from harness import Mount, check, equal, fails, test

TAG4 = '--format=tag4-i64le'
FLAT_MAX = 65536


def small(count, name='archive', where=None):
    """An archive of `count` records whose payloads are their numbers."""
    return harness.write(harness.tag4([b'%d' % n for n in range(count)]), name, where)


def tree_name(number):
    return f'{number // 1000000:03}/{number // 1000 % 1000:03}/{number:09}'


# ---- layouts and names ----

@test('65,536 records are one flat directory of 8 digits, complete and in order')
def flat_at_limit():
    with Mount(TAG4, small(FLAT_MAX)) as mount:
        equal(mount.names(), [f'{n:08}' for n in range(FLAT_MAX)], 'listing')
        for number in (0, 1, 999, 1000, 65535):
            equal(mount.read(f'{number:08}'), b'%d' % number)


@test('65,537 records are directories of 1000, complete and in order')
def tree_past_limit():
    count = FLAT_MAX + 1
    with Mount(TAG4, small(count)) as mount:
        equal(mount.names(), ['000'], 'root')
        equal(mount.names('000'), [f'{n:03}' for n in range(66)], '000')
        listed = [os.path.relpath(path, mount.dir) for path in mount.records()]
        equal(listed == [tree_name(n) for n in range(count)], True, 'all listings')
        for number in (0, 999, 1000, 42137, count - 1):
            equal(mount.read(tree_name(number)), b'%d' % number)


@test('layout=tree and layout=flat hold for any number of records')
def forced_layouts():
    with Mount(TAG4, '-o', 'layout=tree', small(1001)) as mount:
        equal([os.path.relpath(p, mount.dir) for p in mount.records()],
              [tree_name(n) for n in range(1001)])
    with Mount(TAG4, '-o', 'layout=flat', small(FLAT_MAX + 1)) as mount:
        equal(mount.names() == [f'{n:08}' for n in range(FLAT_MAX + 1)], True, 'flat listing')
        equal(mount.read('00065536'), b'65536')
    with Mount(TAG4, '-o', 'layout=tree', small(0)) as mount:
        equal(mount.records(), [], 'records of an empty archive')
    with Mount(TAG4, '-o', 'layout=flat', small(0)) as mount:
        equal(mount.names(), [], 'records of an empty archive')


@test('past a million records the first directories number the millions')
def millions():
    path = harness.write(harness.tag4([b'']) * 1002003)
    with Mount(TAG4, path) as mount:
        equal(mount.names(), ['000', '001'], 'root')
        equal(mount.names('001'), ['000', '001', '002'], '001')
        equal(mount.names('001', '002'), [f'{n:09}' for n in range(1002000, 1002003)], '001/002')
        check(not os.path.exists(mount.path('001/002/001002003')),
              'a record past the last one is there')


@test('only the canonical name of a record exists')
def canonical_flat():
    with Mount(TAG4, small(12)) as mount:
        check(os.path.exists(mount.path('00000011')), '00000011 is missing')
        for bad in ('0', '1', '0000001', '000000001', '0000000011', '00000012', '00000001 ',
                    ' 0000001', '+0000001',
                    '-0000001', '0x000001', '00000001.bin', '00000001.', '0000000１', '00000000a',
                    'x', '...', '000',
                    '000/000/000000001', '99999999', '18446744073709551617', '9' * 200,
                    '00000001\n'):
            fails(errno.ENOENT, os.stat, mount.path(bad))
        fails(errno.ENOTDIR, os.stat, mount.path('00000001/x'))
        fails((errno.ENAMETOOLONG, errno.ENOENT), os.stat, mount.path('0' * 300))


@test('in the tree layout too, and only in its own directory')
def canonical_tree():
    with Mount(TAG4, '-o', 'layout=tree', small(2500)) as mount:
        check(os.path.exists(mount.path('000/002/000002499')), '000002499 is missing')
        for bad in ('00000001', '000000001', '00', '0000', '001', '000/0', '000/003', '000/02',
                    '000/0002',
                    '000/000/00000001', '000/000/0000000001', '000/000/000001000',
                    '000/001/000000999',
                    '000/002/000002500', '000/000/000', '000/000000001', '+00', '-01', '0x0'):
            fails(errno.ENOENT, os.stat, mount.path(bad))


@test('a record gets the extension of its format only where its content is of that type')
def extensions():
    path = harness.write(harness.pcap([(1, 0, harness.ethernet(1))]))
    for content, name in (('file', '00000000.pcap'), ('payload', '00000000'),
                          ('frame', '00000000')):
        with Mount('--format=pcap', '-o', 'content=' + content, path) as mount:
            equal(mount.names(), [name], f'pcap, content={content}')
    sample = os.path.join(harness.DATA, 'indextestdump_indextest_test_collection.bson')
    with Mount('--format=bson', sample) as mount:
        equal(mount.names()[0], '00000000.bson', 'bson by default')
        check(not os.path.exists(mount.path('00000000')),
              'the name without its extension is there as well')
    with Mount(TAG4, '-o', 'content=file', small(1)) as mount:
        equal(mount.names(), ['00000000'], 'tag4')


# ---- listings and inodes ----

@test('d_ino is st_ino, st_ino differs for every record, nlink is at least 1')
def inodes():
    with Mount(TAG4, '-o', 'layout=tree,control=listed', small(1500)) as mount:
        seen = {os.stat(mount.dir).st_ino: mount.dir}
        pending = [mount.dir]
        while pending:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    status = os.stat(entry.path)
                    equal(entry.inode(), status.st_ino, f'd_ino of {entry.path}')
                    check(status.st_ino not in seen,
                          f'{entry.path} and {seen.get(status.st_ino)} share an inode')
                    check(status.st_nlink >= 1, f'nlink of {entry.path}')
                    equal(entry.is_dir(follow_symlinks=False), stat.S_ISDIR(status.st_mode),
                          f'd_type of {entry.path}')
                    seen[status.st_ino] = entry.path
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
        check(len(seen) > 1500, f'{len(seen)} inodes')


@test('"." and ".." are listed with the right inodes')
def dots():
    with Mount(TAG4, '-o', 'layout=tree', small(3)) as mount:
        for below, above in ((mount.path('000'), mount.dir),
                             (mount.path('000/000'), mount.path('000'))):
            stream, found = handles.Directory(below), {}
            while (entry := stream.next()) is not None:
                found[entry[0]] = entry[1]
            stream.close()
            equal(found.get('.'), os.stat(below).st_ino, '.')
            equal(found.get('..'), os.stat(above).st_ino, '..')
            equal(os.stat(os.path.join(below, '..')).st_ino, os.stat(above).st_ino, 'lookup of ..')


@test('telldir and seekdir come back to the same entry, in any order')
def seekdir():
    random = harness.seeded(99)
    with Mount(TAG4, small(5000)) as mount:
        stream, places = handles.Directory(mount.dir), []
        while True:
            place = stream.tell()
            entry = stream.next()
            if entry is None:
                break
            places.append((place, entry))
        equal([e[0] for _, e in places if e[0][0] != '.'], [f'{n:08}' for n in range(5000)],
              'first pass')
        for place, entry in random.sample(places, 300):
            stream.seek(place)
            equal(stream.next(), entry, f'entry at {place}')
        stream.seek(places[17][0])
        equal([stream.next() for _ in range(200)], [entry for _, entry in places[17:217]],
              'going on from there')
        stream.close()


@test('two readers of one directory do not disturb each other')
def two_streams():
    with Mount(TAG4, small(3000)) as mount:
        one, two = handles.Directory(mount.dir), handles.Directory(mount.dir)
        first = [one.next() for _ in range(1000)]
        all_two = []
        while (entry := two.next()) is not None:
            all_two.append(entry)
        while (entry := one.next()) is not None:
            first.append(entry)
        equal(first == all_two, True, 'both listings')
        one.close()
        two.close()


@test('find, cp -r, grep -r and du see each record once and nothing else')
def tools():
    with Mount(TAG4, small(1200)) as mount:
        found = harness.run('find', mount.dir, '-type', 'f').out.split()
        equal(len(found), 1200, 'files that find sees')
        copy = harness.make_path('copy')
        harness.run('cp', '-r', mount.dir, copy)
        equal(sorted(os.listdir(copy)), [f'{n:08}' for n in range(1200)], 'files that cp -r copies')
        equal(harness.read(os.path.join(copy, '00001199')), b'1199')
        equal(len(harness.run('grep', '-rlE', '^[0-9]+$', mount.dir).out.split()), 1200,
              'files that grep -r finds')
        equal(harness.run('grep', '-rlx', '777', mount.dir).text.strip(), mount.path('00000777'))


# ---- several archives ----

@test('several archives are directories, each with its records and its own .framefs')
def several():
    one, two = small(3, 'one.bin'), small(5, 'two.bin')
    with Mount(TAG4, one, two) as mount:
        equal(mount.names(), ['one.bin', 'two.bin'], 'root')
        equal(mount.names('one.bin'), [f'{n:08}' for n in range(3)])
        equal(mount.names('two.bin'), [f'{n:08}' for n in range(5)])
        equal(mount.read('two.bin', '00000004'), b'4')
        equal(mount.read('one.bin', '.framefs', 'archive'), harness.read(one))
        equal(mount.read('two.bin', '.framefs', 'archive'), harness.read(two))
        check(not os.path.exists(mount.path('00000000')), 'a record in the root')
        inodes_of = [os.stat(mount.path(name, '00000000')).st_ino for name in mount.names()]
        check(inodes_of[0] != inodes_of[1], 'records of two archives share an inode')
        check(mount.read('.framefs', 'stats').startswith(b'#'), 'stats at the root')


@test('archives with the same or unsafe names get directories that differ and are safe')
def unsafe_names():
    names = [b'same', b'same', b'same', b'new\nline', b'tab\there', b'esc\x1b[31m',
             b'bad\xff\xfeutf8', b'.framefs',
             b'caf\xc3\xa9', b' ', b'-rf', b'x' * 255, b'00000000', b'back\\slash']
    paths = []
    for number, name in enumerate(names):
        path = os.path.join(os.fsencode(harness.make_dir()), name)
        with open(path, 'wb') as stream:
            stream.write(harness.tag4([b'archive %d' % number]))
        paths.append(path)
    with Mount(TAG4, *paths) as mount:
        listed = os.listdir(os.fsencode(mount.dir))
        equal(len(listed), len(names), f'directories {listed}')
        equal(len(set(listed)), len(names), f'names that differ among {listed}')
        contents = []
        for name in listed:
            check(not re.search(rb'[\x00-\x1f\x7f/]', name), f'control byte in {name!r}')
            name.decode('utf-8')
            check(name not in (b'.', b'..', b'.framefs', b''), f'name {name!r}')
            with open(os.path.join(os.fsencode(mount.dir), name, b'00000000'), 'rb') as stream:
                contents.append(stream.read())
        equal(contents, [b'archive %d' % n for n in range(len(names))],
              'records, in the order given')
        check(b'same' in listed and 'café'.encode() in listed, f'safe names kept: {listed}')


@test('300 archives in one mount')
def many_archives():
    where = harness.make_dir()
    paths = [small(2, f'a{n:03}', where) for n in range(300)]
    with Mount(TAG4, *paths) as mount:
        equal(mount.names(), [f'a{n:03}' for n in range(300)], 'root')
        equal(mount.read('a299', '00000001'), b'1')


# ---- control, attributes ----

@test('control=hidden: .framefs is there and not listed; listed: listed; off: not there')
def control_modes():
    path = small(3)
    records = [f'{n:08}' for n in range(3)]
    with Mount(TAG4, path) as mount:
        equal(mount.names(), records, 'listing by default')
        check('stats' in mount.names('.framefs'), 'stats in .framefs')
    with Mount(TAG4, '-o', 'control=hidden', path) as mount:
        equal(mount.names(), records, 'listing with hidden')
        check(os.path.isdir(mount.path('.framefs')), '.framefs by name')
    with Mount(TAG4, '-o', 'control=listed', path) as mount:
        equal(sorted(mount.names()), ['.framefs'] + records, 'listing with listed')
        check(os.path.isdir(mount.path('.framefs/slice')), '.framefs/slice by name')
    with Mount(TAG4, '-o', 'control=off', path) as mount:
        equal(mount.names(), records, 'listing with off')
        fails(errno.ENOENT, os.stat, mount.path('.framefs'))
        fails(errno.ENOENT, os.stat, mount.path('.framefs/archive'))


@test('modes are 0444 and 0555 less umask; uid and gid as told, the caller\'s by default')
def modes():
    path = small(2)
    for option, file_mode, dir_mode in ((None, 0o444, 0o555), ('umask=077', 0o400, 0o500),
                                        ('umask=027', 0o440, 0o550)):
        with Mount(TAG4, *(['-o', option] if option else []), path) as mount:
            for name, mode in (('00000000', stat.S_IFREG | file_mode),
                               ('.', stat.S_IFDIR | dir_mode),
                               ('.framefs', stat.S_IFDIR | dir_mode),
                               ('.framefs/archive', stat.S_IFREG | file_mode)):
                equal(oct(os.stat(mount.path(name)).st_mode), oct(mode),
                      f'mode of {name} with {option}')
    with Mount(TAG4, '-o', 'uid=1234,gid=5678', path) as mount:
        for name in ('00000001', '.', '.framefs/stats'):
            status = os.stat(mount.path(name))
            equal((status.st_uid, status.st_gid), (1234, 5678), f'owner of {name}')
    with Mount(TAG4, path) as mount:
        status = os.stat(mount.path('00000000'))
        equal((status.st_uid, status.st_gid), (os.getuid(), os.getgid()), 'owner by default')


@test('mtime is the archive\'s, not the mount\'s')
def mtime_archive():
    path = small(2)
    when = 1234567890123456789
    os.utime(path, ns=(when, when))
    with Mount(TAG4, path) as mount:
        equal(os.stat(mount.path('00000000')).st_mtime_ns, when, 'mtime of a record')
        equal(os.stat(mount.dir).st_mtime_ns, when, 'mtime of the root')


@test('mtime of a packet is its own time, to the nanosecond; find -newermt selects by it')
def mtime_record():
    times = [(946684800 + 86400 * day, 123456 + day) for day in range(10)]
    path = harness.write(harness.pcap([(s, f, harness.ethernet(1)) for s, f in times]))
    with Mount('--format=pcap', path) as mount:
        for number, (seconds, micro) in enumerate(times):
            equal(os.stat(mount.path(f'{number:08}')).st_mtime_ns, seconds * 10**9 + micro * 1000,
                  f'record {number}')
        found = harness.run('find', mount.dir, '-type', 'f', '-newermt', '2000-01-05', '!',
                            '-newermt', '2000-01-08',
                            env={**os.environ, 'TZ': 'UTC'})
        equal(sorted(map(os.path.basename, found.text.split())),
              ['00000004', '00000005', '00000006'], 'find -newermt')
    path = harness.write(harness.pcap([(4294967295, 999999999, b'x'), (0, 1, b'y'),
                                       (1, 4294967295, b'z')], '>', True))
    with Mount('--format=pcap', path) as mount:
        equal(os.stat(mount.path('00000000')).st_mtime_ns, 4294967295 * 10**9 + 999999999,
              'the last second')
        equal(os.stat(mount.path('00000001')).st_mtime_ns, 1, 'the first nanosecond')
        equal(os.stat(mount.path('00000002')).st_size, 1,
              'size of a record whose nanoseconds are out of range')


@test('statfs, with the names\' length; the mount shows as fuse.framefs with the archive\'s name')
def statfs():
    path = small(3)
    with Mount(TAG4, path) as mount:
        status = os.statvfs(mount.dir)
        equal(status.f_namemax, 255, 'f_namemax')
        check(status.f_frsize > 0 and status.f_bsize > 0, f'block sizes: {status}')
        check(status.f_blocks * status.f_frsize >= os.stat(path).st_size, f'f_blocks: {status}')
        equal(status.f_bavail, 0, 'f_bavail')
        check(status.f_flag & os.ST_RDONLY, 'ST_RDONLY')
        kinds = [kind for where, kind, _ in harness.mounts() if where == os.fsencode(mount.dir)]
        equal(kinds, ['fuse.framefs'], 'type in /proc/self/mounts')
        harness.run('df', mount.dir)
        harness.run('df', '-i', mount.dir)
    with Mount(TAG4, '-o', 'fsname=my-archive', path) as mount:
        with open('/proc/self/mounts', encoding='utf-8') as lines:
            equal([line.split()[0] for line in lines if line.split()[1] == mount.dir],
                  ['my-archive'], 'fsname')


@test('xattrs tell number, offset, length, header, type and name; unknown ones are ENODATA')
def xattrs():
    payloads = [b'', b'abc', b'x' * 1000]
    path = harness.write(harness.tfrecord(payloads))
    with Mount('--format=tfrecord', path) as mount:
        offset = 0
        for number, payload in enumerate(payloads):
            name = mount.path(f'{number:08}')
            listed = os.listxattr(name)
            for attribute in ('record', 'offset', 'length'):
                check('user.framefs.' + attribute in listed, f'{attribute} in {listed}')
            equal(os.getxattr(name, 'user.framefs.record'), b'%d' % number)
            equal(os.getxattr(name, 'user.framefs.offset'), b'%d' % offset)
            equal(os.getxattr(name, 'user.framefs.length'), b'%d' % len(payload))
            for attribute in listed:
                os.getxattr(name, attribute)
            fails(errno.ENODATA, os.getxattr, name, 'user.framefs.nothing')
            fails(errno.ENODATA, os.getxattr, name, 'user.other')
            offset += 16 + len(payload)
        fails(errno.ENODATA, os.getxattr, mount.dir, 'user.framefs.record')
        fails((errno.ENODATA, errno.EOPNOTSUPP), os.getxattr, name, 'security.selinux')
        small_buffer = harness.libc.getxattr(os.fsencode(name), b'user.framefs.length', b'x', 1)
        equal(small_buffer, -1, 'getxattr with a buffer of 1 byte')
        equal(harness.ctypes.get_errno(), errno.ERANGE, 'its errno')
    sample = os.path.join(harness.DATA, 'OneMessage.mcap')
    with Mount('--format=mcap', sample) as mount:
        equal(os.getxattr(mount.path('00000000'), 'user.framefs.type'), b'1',
              'type of the first MCAP record')


@test('the xattr header has at most 65,536 bytes, which is what the kernel takes')
def header_xattr():
    heads = [struct.pack('<I', size - 4) + b'h' * (size - 4) for size in (65536, 65537)]
    path = harness.write(b''.join(head + b'x' for head in heads))
    with Mount('--frame=n:u32le head:bytes[n] data[1]', path) as mount:
        fits, larger = mount.path('00000000'), mount.path('00000001')
        equal(os.getxattr(fits, 'user.framefs.header'), heads[0], 'the header')
        check('user.framefs.header' in os.listxattr(fits), 'not listed')
        fails(errno.E2BIG, os.getxattr, larger, 'user.framefs.header')
        check('user.framefs.header' not in os.listxattr(larger), 'listed')


def checksum(path):
    return os.getxattr(path, 'user.framefs.checksum').decode()


@test('the xattr checksum tells those that the record carries, and whether they match')
def checksum_xattr():
    payloads = [b'one', b'two' * 100000, b'']
    content = bytearray(harness.tfrecord(payloads))
    content[12] ^= 1
    told = []
    for number, payload in enumerate(payloads):
        length = harness.masked_crc32c(struct.pack('<Q', len(payload)))
        told.append(f'crc32c-masked {length:08x} ok; crc32c-masked '
                    f'{harness.masked_crc32c(payload):08x} {"wrong" if number == 0 else "ok"}')
    with Mount('--format=tfrecord', harness.write(content)) as mount:
        equal([checksum(path) for path in mount.records()], told)
        check('user.framefs.checksum' in os.listxattr(mount.path('00000000')), 'it is not listed')
    digest = hashlib.md5(b'abc').digest()
    both = '--frame="m" len:u8 data bytes[16]=md5(data) | "n" len:u8 data'
    with Mount(both, harness.write(b'm\x03abc' + digest + b'n\x01x')) as mount:
        equal(checksum(mount.path('00000000')), f'md5 {digest.hex()} ok')
        fails(errno.ENODATA, checksum, mount.path('00000001'))
        equal(['user.framefs.checksum' in os.listxattr(path) for path in mount.records()],
              [True, False], 'listed')
    path = harness.write(bytes(content))
    with Mount('--format=tfrecord', path) as mount:
        os.truncate(path, 20)
        fails(errno.EIO, checksum, mount.path('00000001'))


@test('of a joined record the checksum of each frame is told, the first 16')
def joined_checksums():
    def leveldb(kind, payload):
        crc = harness.masked_crc32c(bytes([kind]) + payload)
        return struct.pack('<IHB', crc, len(payload), kind) + payload

    def record(parts):
        kinds = [2] + [3] * (parts - 2) + [4] if parts > 1 else [1]
        return b''.join(leveldb(kind, b'%d,' % place) for place, kind in enumerate(kinds))

    path = harness.write(b''.join(record(parts) for parts in (1, 2, 16, 17)))
    with Mount('--format=leveldb-log', path) as mount:
        told = [checksum(path).split('; ') for path in mount.records()]
        equal([len(sums) for sums in told], [1, 2, 16, 17])
        equal(told[3][16], '...')
        equal(told[3][:16], [
            f'crc32c-masked {harness.masked_crc32c(bytes([3 if n else 2]) + b"%d," % n):08x} ok'
            for n in range(16)])


@test('SEEK_DATA and SEEK_HOLE: all data, one hole at the end')
def seek_data():
    with Mount(TAG4, harness.write(harness.tag4([b'', b'abc' * 5000]))) as mount:
        descriptor = os.open(mount.path('00000001'), os.O_RDONLY)
        equal(os.lseek(descriptor, 0, os.SEEK_DATA), 0)
        equal(os.lseek(descriptor, 14999, os.SEEK_DATA), 14999)
        equal(os.lseek(descriptor, 0, os.SEEK_HOLE), 15000)
        equal(os.lseek(descriptor, 14999, os.SEEK_HOLE), 15000)
        fails(errno.ENXIO, os.lseek, descriptor, 15000, os.SEEK_DATA)
        fails(errno.ENXIO, os.lseek, descriptor, 15000, os.SEEK_HOLE)
        os.close(descriptor)
        descriptor = os.open(mount.path('00000000'), os.O_RDONLY)
        fails(errno.ENXIO, os.lseek, descriptor, 0, os.SEEK_DATA)
        os.close(descriptor)


# ---- handles ----

def read_handle(mount, handle):
    descriptor = handles.open_handle(mount.dir, handle)
    try:
        return harness.pread_full(descriptor, 1 << 20, 0)
    finally:
        os.close(descriptor)


@test('handles of records open after drop_caches and after umount and mount')
def handles_live():
    path = small(70000)
    chosen = (0, 999, 1000, 42137, 69999)
    directory = harness.make_dir('mnt')
    with Mount(TAG4, path, where=directory) as mount:
        known = {n: handles.handle_of(mount.path(tree_name(n))) for n in chosen}
        folder = handles.handle_of(mount.path('000/042'))
        for kind, raw in known.values():
            equal((kind, len(raw)), (0x81, 12), 'kind of handle')
        harness.drop_caches()
        for number, handle in known.items():
            equal(read_handle(mount, handle), b'%d' % number, f'record {number} after drop_caches')
    with Mount(TAG4, path, where=directory) as mount:
        for number, handle in known.items():
            equal(read_handle(mount, handle), b'%d' % number, f'record {number} after a new mount')
        descriptor = handles.open_handle(mount.dir, folder, os.O_RDONLY | os.O_DIRECTORY)
        equal(sorted(os.listdir(descriptor))[:2], ['000042000', '000042001'],
              'directory after a new mount')
        os.close(descriptor)


@test('handles of hidden files open after drop_caches; with control=listed those of .framefs too')
def handles_control():
    path = small(5)
    with Mount(TAG4, path) as mount:
        known = handles.handle_of(mount.path('.framefs/archive'))
        harness.drop_caches()
        equal(read_handle(mount, known), harness.read(path), 'archive')
    with Mount(TAG4, '-o', 'control=listed', path) as mount:
        known = handles.handle_of(mount.path('.framefs'))
        harness.drop_caches()
        descriptor = handles.open_handle(mount.dir, known, os.O_RDONLY | os.O_DIRECTORY)
        check('stats' in os.listdir(descriptor), 'stats in the opened directory')
        os.close(descriptor)


@test('a handle of another archive\'s record, or of none, is stale')
def handles_stale():
    directory = harness.make_dir('mnt')
    path = small(5)
    with Mount(TAG4, path, where=directory) as mount:
        last = handles.handle_of(mount.path('00000004'))
        random = (last[0], b'\xff' * len(last[1]))
        fails((errno.ESTALE, errno.EINVAL), handles.open_handle, mount.dir, random)
    with open(path, 'wb') as stream:
        stream.write(harness.tag4([b'%d' % n for n in range(3)]))
    with Mount(TAG4, path, where=directory) as mount:
        fails(errno.ESTALE, handles.open_handle, mount.dir, last)
    # The epoch is one byte of a hash: one of 256 other archives looks like the first.
    stale = 0
    for number in range(8):
        with open(path, 'wb') as stream:
            stream.write(harness.tag4([b'other %d' % number] * 5))
        with Mount(TAG4, path, where=directory) as mount:
            try:
                os.close(handles.open_handle(mount.dir, last))
            except OSError as error:
                equal(error.errno, errno.ESTALE, 'errno')
                stale += 1
    check(stale >= 7, f'only {stale} of 8 replaced archives made the handle stale')


@test('a process whose working directory is in the mount, and ls -l, stat, file by hand')
def working_directory():
    with Mount(TAG4, '-o', 'layout=tree', small(10)) as mount:
        done = subprocess.run(['sh', '-c', 'cd 000/000 && pwd && ls -l && cat 000000007'],
                              cwd=mount.dir, check=True,
                              stdout=subprocess.PIPE, timeout=harness.LIMIT_S,
                              stdin=subprocess.DEVNULL)
        check(done.stdout.endswith(b'7'), f'output {done.stdout!r}')


harness.main()
