#!/usr/bin/env python3
"""Single calls of the system, each with the error that POSIX or Linux has for it on a mount that
cannot be written; and listings by getdents64, from every offset that they gave."""

import ctypes
import errno
import fcntl
import mmap
import os
import random
import signal
import socket
import stat
import struct

import harness
from harness import Mount, check, equal, fails, libc, test

TAG4 = '--format=tag4-i64le'
COUNT = 300
GETDENTS64 = 217
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2
FS_IOC_SETFLAGS = 0x40086602
O_TMPFILE = 0o20200000
AT_FDCWD = -100


def c_call(name, *arguments):
    """A function of libc that os lacks."""
    ctypes.set_errno(0)
    result = getattr(libc, name)(*arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result


def workers_of(server):
    return harness.children_of(server, 'framefs-worker')


def make_mount(*options, count=COUNT):
    payloads = [b'payload %d' % number for number in range(count)]
    return Mount(TAG4, '-o', 'control=listed', *options, harness.write(harness.tag4(payloads)))


def open_and(flags, call):
    """The call on a new descriptor, which is closed."""
    def act(path, *more):
        descriptor = os.open(path, flags)
        try:
            return call(descriptor, *more)
        finally:
            os.close(descriptor)
    act.__name__ = call.__name__
    return act


def bind(path):
    with socket.socket(socket.AF_UNIX) as name:
        name.bind(path)


# ---- calls that write ----

def writes_to(path):
    """(name, function, arguments) of calls that would change what is there."""
    aside = path + '-aside'
    raw = os.fsencode(path)
    return [
        ('open O_WRONLY', os.open, path, os.O_WRONLY),
        ('open O_RDWR', os.open, path, os.O_RDWR),
        ('open O_TRUNC', os.open, path, os.O_RDWR | os.O_TRUNC),
        ('truncate', os.truncate, path, 0),
        ('truncate, longer', os.truncate, path, 1 << 40),
        ('unlink', os.unlink, path),
        ('rename', os.rename, path, aside),
        ('rename onto itself aside', os.replace, path, aside),
        ('renameat2 RENAME_NOREPLACE', c_call, 'renameat2', AT_FDCWD, raw, AT_FDCWD,
         os.fsencode(aside), RENAME_NOREPLACE),
        ('renameat2 RENAME_EXCHANGE', c_call, 'renameat2', AT_FDCWD, raw, AT_FDCWD, raw,
         RENAME_EXCHANGE),
        ('link', os.link, path, aside),
    ] + changes_of(path)


def changes_of(path):
    """Of files and directories."""
    return [
        ('chmod', os.chmod, path, 0o777),
        ('fchmod', open_and(os.O_RDONLY, os.fchmod), path, 0o777),
        ('chown', os.chown, path, 1, 1),
        ('lchown', os.lchown, path, 1, 1),
        ('fchown', open_and(os.O_RDONLY, os.fchown), path, 1, 1),
        ('utime', os.utime, path),
        ('utime, given', os.utime, path, (1, 2)),
        ('futimens', open_and(os.O_RDONLY, os.utime), path),
        ('setxattr', os.setxattr, path, 'user.new', b'1'),
        ('setxattr of ours', os.setxattr, path, 'user.framefs.record', b'1'),
        ('removexattr', os.removexattr, path, 'user.framefs.record'),
    ]


def makes_in(directory):
    """Calls that would make a new name."""
    new = os.path.join(directory, 'new')
    return [
        ('open O_CREAT', os.open, new, os.O_CREAT | os.O_RDONLY),
        ('open O_CREAT O_EXCL', os.open, new, os.O_CREAT | os.O_EXCL | os.O_WRONLY),
        ('mkdir', os.mkdir, new),
        ('mkfifo', os.mkfifo, new),
        ('mknod, a device', os.mknod, new, stat.S_IFCHR | 0o600, os.makedev(1, 3)),
        ('symlink', os.symlink, 'target', new),
        ('bind', bind, new),
    ]


def refuses_all(calls, code=errno.EROFS):
    for name, function, *arguments in calls:
        try:
            fails(code, function, *arguments)
        except harness.Failure as failure:
            raise harness.Failure(f'{name}: {failure}') from failure


def can_be_privileged():
    if os.geteuid() != 0:
        raise harness.Skip('not root: the owner of files is checked before the mount')


@test('each call that writes to a record, a text or a directory gives EROFS')
def writes():
    can_be_privileged()
    with make_mount() as mount:
        before = os.listdir(mount.dir)
        for file in (mount.path('00000007'), mount.path('.framefs', 'archive'),
                     mount.path('.framefs', 'stats'), mount.path('.framefs', 'slice', '1-2')):
            refuses_all(writes_to(file))
        for directory in (mount.dir, mount.path('.framefs'), mount.path('.framefs', 'slice')):
            refuses_all(changes_of(directory))
            refuses_all(makes_in(directory))
        refuses_all([('rmdir', os.rmdir, mount.path('.framefs'))])
        refuses_all([('open O_TMPFILE', os.open, mount.dir, O_TMPFILE | os.O_RDWR)],
                    (errno.EROFS, errno.EOPNOTSUPP))
        equal(os.listdir(mount.dir), before, 'listing')
        equal(mount.read('00000007'), b'payload 7', 'record')


@test('so do those of a tree layout, and of a mount for all users')
def writes_tree():
    can_be_privileged()
    with make_mount('-o', 'layout=tree,allow_other') as mount:
        refuses_all(writes_to(mount.path('000', '000', '000000007')))
        for directory in (mount.path('000'), mount.path('000', '000')):
            refuses_all(changes_of(directory) + makes_in(directory))
            refuses_all([('rmdir', os.rmdir, directory),
                         ('rename', os.rename, directory, directory + 'x')])


@test('what exists cannot be made: EEXIST; nothing moves in or out: EXDEV')
def exists():
    outside = harness.write(b'outside')
    with make_mount() as mount:
        file = mount.path('00000007')
        refuses_all([('mkdir', os.mkdir, file), ('mkdir /', os.mkdir, mount.dir),
                     ('symlink', os.symlink, 'x', file), ('mkfifo', os.mkfifo, file),
                     ('link', os.link, mount.path('00000008'), file),
                     ('O_EXCL', os.open, file, os.O_CREAT | os.O_EXCL | os.O_RDONLY)],
                    errno.EEXIST)
        refuses_all([('out', os.rename, file, outside), ('in', os.rename, outside, file),
                     ('link out', os.link, file, outside + '-link')], errno.EXDEV)


@test('a descriptor for reading is none for writing, nor its mapping')
def descriptors():
    with make_mount() as mount:
        file = mount.path('00000007')
        def fallocate(descriptor):
            os.posix_fallocate(descriptor, 0, 100)
        def copy(descriptor):
            with open(mount.path('00000008'), 'rb') as source:
                os.copy_file_range(source.fileno(), descriptor, 5)
        def map_shared(descriptor):
            mmap.mmap(descriptor, 4, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        def set_flags(descriptor):
            fcntl.ioctl(descriptor, FS_IOC_SETFLAGS, struct.pack('L', 0))
        for call, code, *arguments in ((os.write, errno.EBADF, b'x'),
                                       (os.pwrite, errno.EBADF, b'x', 0),
                                       (os.ftruncate, errno.EINVAL, 0),
                                       (fallocate, errno.EBADF), (copy, errno.EBADF),
                                       (map_shared, errno.EACCES),
                                       (set_flags, (errno.ENOTTY, errno.EROFS, errno.EOPNOTSUPP,
                                                    errno.ENOSYS))):
            fails(code, open_and(os.O_RDONLY, call), file, *arguments)
        with open(file, 'rb') as stream, mmap.mmap(stream.fileno(), 0, mmap.MAP_PRIVATE) as private:
            private[0:1] = b'P'
            equal(private[:], b'Payload 7', 'private mapping')
        equal(mount.read('00000007'), b'payload 7', 'record')


# ---- calls that only look ----

@test('a name of 256 bytes is ENAMETOOLONG, one of 255 ENOENT, everywhere')
def names():
    with make_mount('-o', 'layout=tree') as mount:
        for directory in (mount.dir, mount.path('000'), mount.path('000', '000'),
                          mount.path('.framefs'), mount.path('.framefs', 'slice')):
            for length, code in ((255, errno.ENOENT), (256, errno.ENAMETOOLONG),
                                 (1000, errno.ENAMETOOLONG), (4096, errno.ENAMETOOLONG)):
                for byte in ('0', 'x', '\udcff'):
                    path = os.path.join(directory, byte * length)
                    for call in (os.stat, os.lstat, os.listdir, os.readlink, os.listxattr):
                        fails(code, call, path)
                    fails(code, os.open, path, os.O_RDONLY)
        fails(errno.ENAMETOOLONG, os.stat, os.path.join(mount.dir, './' * 2100))
        fails(errno.ENOENT, os.stat, '')


@test('files are no directories, and directories no files')
def kinds():
    with make_mount() as mount:
        file = mount.path('00000007')
        for path in (file + '/x', file + '/', file + '/.', file + '/..', file + '/../00000008'):
            fails(errno.ENOTDIR, os.stat, path)
        for call in (os.listdir, os.chdir, os.rmdir):
            fails((errno.ENOTDIR, errno.EROFS), call, file)
        fails(errno.ENOTDIR, os.open, file, os.O_RDONLY | os.O_DIRECTORY)
        for directory in (mount.dir, mount.path('.framefs')):
            fails(errno.EISDIR, os.open, directory, os.O_WRONLY)
            fails(errno.EISDIR, open_and(os.O_RDONLY, os.read), directory, 1)
            fails(errno.EISDIR, open_and(os.O_RDONLY, os.pread), directory, 1, 0)
            fails((errno.EISDIR, errno.EROFS), os.unlink, directory)
        for path in (file, mount.dir):
            fails(errno.EINVAL, os.readlink, path)
        equal(os.stat(mount.path('.framefs', '..', '00000007')).st_ino, os.stat(file).st_ino, '..')


@test('access: reading yes, writing EROFS, running EACCES')
def access():
    with make_mount() as mount:
        file = os.fsencode(mount.path('00000007'))
        c_call('access', file, os.R_OK)
        c_call('access', os.fsencode(mount.dir), os.R_OK | os.X_OK)
        fails(errno.EROFS, c_call, 'access', file, os.W_OK)
        fails(errno.EACCES, c_call, 'access', file, os.X_OK)
        fails(errno.ENOENT, c_call, 'access', file + b'x', os.F_OK)
        fails(errno.EACCES, os.execv, file, ['x'])


@test('places outside of a file: nothing to read, EINVAL, ENXIO, EFAULT')
def places():
    with make_mount() as mount, open(mount.path('00000007'), 'rb', buffering=0) as file:
        descriptor, size = file.fileno(), len(b'payload 7')
        for offset in (size, size + 1, 4096, 1 << 40, (1 << 63) - 2):
            equal(os.pread(descriptor, 1, offset), b'', f'at {offset}')
        equal(os.pread(descriptor, 100, size - 1), b'7', 'the last byte')
        equal(os.pread(descriptor, 0, 0), b'', 'no byte')
        fails(errno.EINVAL, os.pread, descriptor, 1, -1)
        fails(errno.EINVAL, os.lseek, descriptor, -1, os.SEEK_SET)
        fails(errno.EINVAL, os.lseek, descriptor, 0, 99)
        equal(os.lseek(descriptor, -1, os.SEEK_END), size - 1, 'SEEK_END')
        equal(os.lseek(descriptor, 0, os.SEEK_DATA), 0, 'SEEK_DATA')
        equal(os.lseek(descriptor, 0, os.SEEK_HOLE), size, 'SEEK_HOLE')
        for whence in (os.SEEK_DATA, os.SEEK_HOLE):
            fails(errno.ENXIO, os.lseek, descriptor, size, whence)
        fails(errno.EFAULT, c_call, 'pread', descriptor, ctypes.c_void_p(8), size,
              ctypes.c_long(0))
        fails(errno.ENOTTY, fcntl.ioctl, descriptor, 0x5401, b' ' * 64)


@test('extended attributes: ENODATA, ERANGE, and names of any length')
def xattrs():
    with make_mount() as mount:
        file = mount.path('00000007')
        fails(errno.ENODATA, os.getxattr, file, 'user.framefs.nothing')
        fails(errno.ENODATA, os.getxattr, file, 'user.' + 'x' * 250)
        fails(errno.ERANGE, os.getxattr, file, 'user.' + 'x' * 251)
        fails(errno.ENODATA, os.getxattr, file, 'nonsense.x')
        raw, name = os.fsencode(file), b'user.framefs.offset'
        value = os.getxattr(raw, name)
        for size in (1, len(value) - 1):
            fails(errno.ERANGE, c_call, 'getxattr', raw, name, ctypes.create_string_buffer(99),
                  size)
        equal(c_call('getxattr', raw, name, ctypes.create_string_buffer(99), len(value)),
              len(value), 'a buffer that fits')
        fails(errno.ERANGE, c_call, 'listxattr', raw, ctypes.create_string_buffer(9), 1)
        for length in (0, 99):
            check(c_call('listxattr', raw, ctypes.create_string_buffer(4096), 4096 if length else 0)
                  > 0, 'listxattr')


@test('locks are taken, given up and told to others as anywhere')
def locks():
    with make_mount() as mount:
        path = mount.path('00000007')
        with open(path, 'rb') as one, open(path, 'rb') as two:
            fcntl.flock(one, fcntl.LOCK_EX)
            fails(errno.EAGAIN, fcntl.flock, two, fcntl.LOCK_SH | fcntl.LOCK_NB)
            fcntl.flock(one, fcntl.LOCK_UN)
            fcntl.flock(two, fcntl.LOCK_SH | fcntl.LOCK_NB)
            fcntl.lockf(one, fcntl.LOCK_SH)
            fails(errno.EBADF, fcntl.lockf, one, fcntl.LOCK_EX | fcntl.LOCK_NB)


@test('the file system tells that it is read-only, its sizes and its longest name')
def statvfs():
    with make_mount() as mount:
        told = os.statvfs(mount.dir)
        check(told.f_flag & os.ST_RDONLY, 'ST_RDONLY')
        equal((told.f_namemax, told.f_bfree, told.f_bavail), (255, 0, 0), 'statvfs')
        check(told.f_bsize > 0 and told.f_frsize > 0, 'sizes of blocks')


# ---- listings ----

def getdents(descriptor, size):
    """[(name, inode, type, offset of the next)] of one call."""
    buffer = ctypes.create_string_buffer(size)
    length = libc.syscall(GETDENTS64, descriptor, buffer, size)
    if length < 0:
        raise OSError(ctypes.get_errno(), 'getdents64')
    entries, at = [], 0
    while at < length:
        inode, offset, reclen, kind = struct.unpack_from('<QqHB', buffer.raw, at)
        name = buffer.raw[at + 19:at + reclen].split(b'\0', 1)[0]
        entries.append((name, inode, kind, offset))
        at += reclen
    return entries


def list_from(descriptor, size, offset):
    os.lseek(descriptor, offset, os.SEEK_SET)
    entries = []
    while more := getdents(descriptor, size):
        entries += more
    return entries


def first_at(descriptor, offset):
    """The entry there; None at the end."""
    os.lseek(descriptor, offset, os.SEEK_SET)
    return next(iter(getdents(descriptor, 512)), None)


def listings_agree(path, after=lambda: None):
    """Listings of the directory by buffers of any size, from any offset, in any order, and once
    more on another descriptor after `after`."""
    r = random.Random(5)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        whole = list_from(descriptor, 1 << 16, 0)
        offsets = [entry[3] for entry in whole]
        equal(len(set(offsets)), len(whole), 'different offsets')
        check(0 not in offsets, 'an offset that is the beginning')
        equal(len({entry[0] for entry in whole}), len(whole), 'different names')
        for size in (64, 280, 1000, 4096):
            equal(list_from(descriptor, size, 0) == whole, True, f'listing by {size} bytes')
        after()
        other = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            begins = list(enumerate([0] + offsets))
            for order in (begins[::-1], r.sample(begins, len(begins))):
                for number, begin in order:
                    for file in (descriptor, other):
                        want = whole[number] if number < len(whole) else None
                        equal(first_at(file, begin), want, f'entry at {begin}')
            for number, begin in r.sample(begins, min(20, len(begins))):
                equal(list_from(other, 4096, begin) == whole[number:], True, f'rest from {begin}')
        finally:
            os.close(other)
        fails(errno.EINVAL, getdents_at_start, descriptor, 8)
        fails(errno.EINVAL, os.lseek, descriptor, -1, os.SEEK_SET)
    finally:
        os.close(descriptor)
    return whole


def getdents_at_start(descriptor, size):
    os.lseek(descriptor, 0, os.SEEK_SET)
    return getdents(descriptor, size)


@test('listings go on from every offset that they gave, in any order, by buffers of any size')
def offsets():
    with make_mount() as mount:
        entries = listings_agree(mount.dir)
        equal(len(entries), COUNT + 3, 'entries')  # . and .. and .framefs
        for name, inode, kind, _ in entries:
            if name not in (b'.', b'..'):
                found = os.lstat(os.path.join(os.fsencode(mount.dir), name))
                equal((inode, kind), (found.st_ino, found.st_mode >> 12), name)
        listings_agree(mount.path('.framefs'))
        listings_agree(mount.path('.framefs', 'slice'))
    with make_mount('-o', 'layout=tree', count=1001) as mount:
        for names_of in (('000',), ('000', '000'), ('000', '001'), ()):
            listings_agree(mount.path(*names_of))


@test('also on a descriptor whose listing was begun by a worker that is dead')
def offsets_survive():
    with make_mount() as mount:
        def kill():
            worker = mount.worker
            os.kill(worker, signal.SIGKILL)
            harness.wait_for(lambda: workers_of(mount.server) not in ([], [worker]),
                             'another worker')
        listings_agree(mount.dir, kill)


harness.main()
