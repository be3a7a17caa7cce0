#!/usr/bin/env python3
"""A mount behind an NFS server: nfs-ganesha, read by libnfs and by hand."""

import contextlib
import errno
import os

import harness
import libnfs
import nfs
import servers
from harness import Mount, check, contains, equal, fails, run, test

TAG4 = '--format=tag4-i64le'
LISTED = ('-o', 'control=listed')


def url(server, path='', **more):
    more = ''.join(f'&{key}={value}' for key, value in more.items())
    return f'nfs://127.0.0.1{servers.EXPORT}{path}?version=4&nfsport={server.port}{more}'


@contextlib.contextmanager
def served(*arguments):
    """(mount, ganesha, libnfs client)"""
    with Mount(*arguments) as mount, servers.ganesha(mount.dir) as server:
        with libnfs.Client(url(server, '/')) as client:
            yield mount, server, client


def refuses(status, function, *arguments):
    try:
        got = function(*arguments)
    except nfs.NfsError as error:
        equal(error.status, status, f'NFS status of {function.__name__}')
        return
    raise harness.Failure(f'{function.__name__} did not fail: {harness.brief(got)}')


@test('every record of the archives has the digest that their manifest tells')
def digests():
    rows = servers.manifest()
    with served('-o', 'content=payload', *(path for path, _, _ in rows)) as (_, _, client):
        for path, count, digest in rows:
            folder = '/' + os.path.basename(path)
            got = servers.digest_of(client.read(name) for name in client.walk(folder))
            equal(got, (count, digest), f'(records, digest) of {folder}')


@test('nfs-ls, nfs-cat and nfs-cp of 100,000 records')
def many():
    payloads = [b'record %d\n' % n * (n % 5) for n in range(100000)]
    path = harness.write(harness.tag4(payloads))
    servers.need('nfs-ls', 'nfs-cat', 'nfs-cp')
    with Mount(TAG4, path) as mount, servers.ganesha(mount.dir) as server:
        told = run('nfs-ls', '-R', url(server, '/000')).text
        lines = [line.split() for line in told.splitlines()]
        files = {line[5]: int(line[4]) for line in lines if line[0].startswith('-')}
        equal({os.path.basename(name): size for name, size in files.items()}
              == {f'{n:09}': len(p) for n, p in enumerate(payloads)}, True, 'names and sizes')
        for n in (0, 1, 999, 1000, 99999):
            name = f'/000/{n // 1000:03}/{n:09}'
            equal(run('nfs-cat', url(server, name)).out, payloads[n], f'nfs-cat of {n}')
        copy = harness.make_path('copy')
        run('nfs-cp', url(server, '/.framefs/archive'), copy)
        equal(harness.read(copy) == harness.read(path), True, 'nfs-cp of .framefs/archive')


@test('any range of a record is its bytes, also far behind in a generated file')
def ranges():
    random = harness.seeded(31)
    payloads = [random.randbytes(5000001), b'', b'x', random.randbytes(4096)]
    with served(TAG4, harness.write(harness.tag4(payloads))) as (_, _, client):
        servers.check_ranges(client, payloads, random)


@test('size, mode and the time of a record are those of the mount')
def attributes():
    packets = [(1000000000 + n, n, harness.ethernet(n)) for n in range(20)]
    with served(harness.write(harness.pcap(packets))) as (mount, _, client):
        for n, name in enumerate(client.walk()):
            found, here = client.stat(name), os.stat(mount.dir + name)
            equal((found.size, found.mode, found.ino),
                  (here.st_size, here.st_mode, here.st_ino), f'size, mode, inode of {name}')
            equal((found.mtime, found.mtime_nsec), (1000000000 + n, 1000 * n), f'time of {name}')


@test('a client of any user reads, without allow_other')
def users():
    path = harness.write(harness.tag4([b'one', b'two']))
    with Mount(TAG4, path) as mount, servers.ganesha(mount.dir) as server:
        for user in (65534, 1000, 0):
            with libnfs.Client(url(server, '/', uid=user, gid=user)) as client:
                equal([client.read(name) for name in client.walk()], [b'one', b'two'],
                      f'records read by user {user}')


@test('nothing can be written, made, renamed or removed')
def read_only():
    servers.need('nfs-cp')
    path = harness.write(harness.tag4([b'one', b'two']))
    with Mount(TAG4, path) as mount, servers.ganesha(mount.dir) as server:
        for name in ('/new', '/00000000'):
            result = run('nfs-cp', path, url(server, name), status=None)
            check(result.status != 0, f'nfs-cp to {name}: {result!r}')
        equal(mount.names(), ['00000000', '00000001'], 'names')


@test('damage is an error of that record alone')
def truncated():
    payloads = [b'a' * 5000, b'b' * 5000, b'c' * 5000]
    path = harness.write(harness.tag4(payloads))
    with served(TAG4, path) as (_, _, client):
        equal(client.read('/00000000'), payloads[0])
        os.truncate(path, os.path.getsize(path) - 1)
        fails(errno.EIO, client.read, '/00000002')
        equal(client.read('/00000000'), payloads[0])


@test('statistics go on changing under a client that read them')
def stats():
    with served(TAG4, *LISTED, harness.write(harness.tag4([b'one', b'two']))) as (_, _, client):
        def value(name):
            for line in client.read('/.framefs/stats').decode().splitlines():
                if line.startswith(name + ' '):
                    return float(line.split()[-1])
            raise harness.Failure(f'no {name}')
        before = value('framefs_read_bytes_total')
        equal(client.read('/00000001'), b'two')
        harness.wait_for(lambda: value('framefs_read_bytes_total') >= before + 3,
                         'a read is counted')


# ---- handles ----

class Held:
    """Handles of a mount in layout=tree with control=listed, each with what must be found there."""

    def __init__(self, client, payloads, archive):
        root = client.root(servers.EXPORT)
        self.payloads, self.archive = payloads, archive
        thousands = client.lookup(root, '000')
        self.folders = {number: client.lookup(thousands, f'{number:03}')
                        for number in range((len(payloads) + 999) // 1000)}
        self.records = {number: client.lookup(self.folders[number // 1000], f'{number:09}')
                        for number in range(0, len(payloads), 77)}
        self.control = client.lookup(root, '.framefs')
        self.bytes = client.lookup(self.control, 'archive')
        self.root = root

    def check(self, client):
        equal(sorted(client.names(self.root)), ['.framefs', '000'], 'root')
        for number, handle in self.folders.items():
            equal(sorted(client.names(handle)),
                  [f'{n:09}' for n in range(number * 1000,
                                            min(number * 1000 + 1000, len(self.payloads)))],
                  f'directory {number}')
        for number, handle in self.records.items():
            payload = self.payloads[number]
            equal(client.attributes(handle)[:2], (nfs.REGULAR, len(payload)), f'record {number}')
            equal(nfs.read_all(client, handle, len(payload)), payload, f'record {number}')
        check({'archive', 'stats'} < set(client.names(self.control)), '.framefs')
        equal(nfs.read_all(client, self.bytes, len(self.archive)) == self.archive, True, 'archive')

    def check_stale(self, client):
        for handle in (self.root, self.folders[0], self.control):
            refuses(nfs.STALE, client.names, handle)
        for handle in (*self.records.values(), self.bytes):
            refuses(nfs.STALE, client.read, handle, 0, 100)


def some_records(count=3000):
    payloads = [b'record %d of the archive\n' % n for n in range(count)]
    content = harness.tag4(payloads)
    return payloads, content, (TAG4, '-o', 'layout=tree,control=listed', harness.write(content))


@test('handles of records, directories and .framefs are held over a restart of the server')
def handles_restart():
    payloads, content, arguments = some_records()
    with Mount(*arguments) as mount, servers.ganesha(mount.dir) as server:
        with nfs.V4(server.port) as client:
            held = Held(client, payloads, content)
            held.check(client)
        server.stop()
        harness.drop_caches()
        server.start()
        with nfs.V4(server.port) as client:
            held.check(client)


@test('of hidden .framefs the files\' handles are held, and its own is not')
def handles_hidden():
    content = harness.tag4([b'one', b'two'])
    with Mount(TAG4, harness.write(content)) as mount, servers.ganesha(mount.dir) as server:
        with nfs.V4(server.port) as client:
            control = client.lookup(client.root(servers.EXPORT), '.framefs')
            archive = client.lookup(control, 'archive')
        server.stop()
        harness.drop_caches()
        server.start()
        with nfs.V4(server.port) as client:
            equal(client.read(archive, 0, 100), content, 'archive')
            refuses(nfs.STALE, client.names, control)


def mounted_as(device, directory, arguments):
    """A mount with this device number, which another mount on the machine may have for a while."""
    for _ in range(100):
        mount = Mount(*arguments, where=directory)
        if os.stat(directory).st_dev == device:
            return mount
        mount.close()
    raise harness.Skip('another mount has the device number')


def mounted_as_other(directory, arguments, old):
    """A mount with another device number than the old one, which ends: made before that."""
    mount = Mount(*arguments)
    old.close()
    run('mount', '--bind', mount.dir, directory)
    run('umount', mount.dir)
    mount.dir = directory
    return mount


@contextlib.contextmanager
def remounted(mount, server, arguments, *, same):
    """A new mount behind the server, with the same device number or another one."""
    device = os.stat(mount.dir).st_dev
    server.stop()
    if same:
        mount.close()
        again = mounted_as(device, mount.dir, arguments)
    else:
        again = mounted_as_other(mount.dir, arguments, mount)
    with again:
        equal(os.stat(again.dir).st_dev == device, same, 'device number')
        server.start()
        try:
            yield
        finally:
            server.stop()


@test('handles are held over umount and mount when the device number is the same')
def handles_remount():
    payloads, content, arguments = some_records()
    with Mount(*arguments) as mount, servers.ganesha(mount.dir) as server:
        with nfs.V4(server.port) as client:
            held = Held(client, payloads, content)
        with remounted(mount, server, arguments, same=True):
            with nfs.V4(server.port) as client:
                held.check(client)


@test('with another device number every handle is stale, and none reads other bytes')
def handles_stale():
    payloads, content, arguments = some_records()
    with Mount(*arguments) as mount, servers.ganesha(mount.dir) as server:
        with nfs.V4(server.port) as client:
            held = Held(client, payloads, content)
        with remounted(mount, server, arguments, same=False):
            with nfs.V4(server.port) as client:
                held.check_stale(client)
                Held(client, payloads, content).check(client)


@test('umount is refused while the server runs, and the mount goes on')
def umount_busy():
    payloads, content, arguments = some_records(1000)
    with Mount(*arguments) as mount, servers.ganesha(mount.dir) as server:
        with nfs.V4(server.port) as client:
            held = Held(client, payloads, content)
            result = run('umount', mount.dir, status=32)
            contains(result.err, 'busy')
            held.check(client)


# ---- version 3 ----

@test('NFSv3: listing, reading and handles over a remount')
def version_3():
    payloads, content, arguments = some_records()
    with servers.Network() as network:
        with Mount(*arguments) as mount, servers.ganesha(mount.dir, network) as server:
            with nfs.V3(server.port, network, mount_port=server.mount_port) as client:
                held = Held(client, payloads, content)
                held.check(client)
            command = f'nfs://127.0.0.1{servers.EXPORT}/000/001/000001234?version=3'
            equal(run(*network.inside, 'nfs-cat', command).out, payloads[1234], 'nfs-cat')
            with remounted(mount, server, arguments, same=True):
                with nfs.V3(server.port, network, mount_port=server.mount_port) as client:
                    held.check(client)


# ---- load ----

@test('eight clients at once read nothing but the right bytes')
def eight():
    load = servers.Load()
    with Mount(*load.arguments) as mount, servers.ganesha(mount.dir) as server:
        load.run(lambda: libnfs.Client(url(server, '/')))


# ---- another worker, another program ----

@test('eight clients read on over kill -9 and upgrades')
def eight_changed():
    servers.need_survival()
    load = servers.Load()
    with Mount(*load.arguments) as mount, servers.ganesha(mount.dir) as server:
        load.run(lambda: libnfs.Client(url(server, '/')), servers.Changes(mount, 30))


@test('100,000 names are listed over kill -9 and upgrades')
def many_changed():
    servers.need_survival()
    servers.need('nfs-ls')
    load = servers.Load()
    with Mount(*load.arguments) as mount, servers.ganesha(mount.dir) as server:
        changes = servers.Changes(mount, 10, lambda: servers.listings(mount))
        listing = servers.at_once(1, lambda _: run('nfs-ls', '-R', url(server, '/000')).text,
                                  changes)[0]
    check(changes.count > 1, f'{changes.count} changes')
    names = [line.split('/')[-1] for line in listing.splitlines() if line.startswith('-')]
    equal([name[-9:] for name in sorted(names)]
          == [f'{n:09}' for n in range(load.COUNT)], True, 'names')


@test('handles of records, directories and .framefs are held over kill -9 and upgrades')
def handles_changed():
    servers.need_survival()
    payloads, content, arguments = some_records()
    with Mount(*arguments) as mount, servers.ganesha(mount.dir) as server:
        with nfs.V4(server.port) as client:
            held = Held(client, payloads, content)
            for change in (servers.kill_worker, servers.upgrade):
                change(mount)
                held.check(client)
        server.stop()
        servers.kill_worker(mount)
        servers.upgrade(mount)
        harness.drop_caches()
        server.start()
        with nfs.V4(server.port) as client:
            held.check(client)


harness.main()
