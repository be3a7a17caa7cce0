#!/usr/bin/env python3
"""A mount as a share of Samba, read by smbclient and libsmbclient."""

import errno
import os

import harness
import servers
import smb
from harness import Mount, check, contains, equal, fails, test
from troubles import told

TAG4 = '--format=tag4-i64le'
SHARED = ('-o', 'allow_other')
ERRORS = (errno.EIO, errno.EINVAL, errno.EACCES)


def url(server):
    return f'smb://127.0.0.1:{server.port}/{servers.SHARE}'


def in_client(server, function):
    """function(client, random) in a process of its own: libsmbclient keeps its connections."""
    return servers.at_once(1, lambda random: function(smb.Client(url(server)), random))[0]


@test('every record of the archives has the digest that their manifest tells')
def digests():
    rows = servers.manifest()

    def read(client, _):
        for path, count, digest in rows:
            folder = '/' + os.path.basename(path)
            got = servers.digest_of(client.read(name) for name in client.walk(folder))
            equal(got, (count, digest), f'(records, digest) of {folder}')
    with Mount(*SHARED, '-o', 'content=payload', *(path for path, _, _ in rows)) as mount:
        with servers.samba(mount.dir) as server:
            in_client(server, read)


@test('smbclient lists 100,000 records with their sizes, and gets what it is asked for')
def many():
    payloads = [b'record %d\n' % n * (n % 5) for n in range(100000)]
    path = harness.write(harness.tag4(payloads))
    with Mount(TAG4, *SHARED, path) as mount, servers.samba(mount.dir) as server:
        files = {}
        for line in servers.smbclient(server, 'recurse; ls').text.splitlines():
            fields = line.split()
            if len(fields) > 3 and len(fields[0]) == 9:
                files[fields[0]] = int(fields[2])
        equal(files == {f'{n:09}': len(p) for n, p in enumerate(payloads)}, True, 'names and sizes')
        copies = harness.make_dir('copies')
        servers.smbclient(server, f'lcd {copies}; cd 000/042; prompt; mget *')
        equal({name: harness.read(os.path.join(copies, name)) for name in os.listdir(copies)}
              == {f'{n:09}': payloads[n] for n in range(42000, 43000)}, True, 'mget of a directory')
        servers.smbclient(server, f'get .framefs/archive {copies}/archive')
        equal(harness.read(copies + '/archive') == harness.read(path), True, '.framefs/archive')


@test('any range of a record is its bytes, also far behind in a generated file')
def ranges():
    payloads = [os.urandom(5000001), b'', b'x', os.urandom(4096)]

    def read(client, random):
        servers.check_ranges(client, payloads, random)
    with Mount(TAG4, *SHARED, harness.write(harness.tag4(payloads))) as mount:
        with servers.samba(mount.dir) as server:
            in_client(server, read)


@test('a record\'s own time is what a client sees')
def times():
    packets = [(1000000000 + n, n, harness.ethernet(n)) for n in range(3)]
    with Mount(*SHARED, harness.write(harness.pcap(packets))) as mount:
        with servers.samba(mount.dir) as server:
            listed = servers.smbclient(server, 'ls', env={**os.environ, 'TZ': 'UTC'}).text
    for n in range(3):
        contains(listed, f'Sun Sep  9 01:46:4{n} 2001', 'ls')


@test('with ea support = yes a client sees the attributes of a record')
def xattrs():
    with Mount(TAG4, *SHARED, harness.write(harness.tag4([b'one', b'three']))) as mount:
        change = ('ea support = no', 'ea support = yes')
        with servers.samba(mount.dir, change) as server:
            told = servers.smbclient(server, 'geteas 00000001').text
    for name in ('record', 'offset', 'length', 'header'):
        contains(told, f'framefs.{name} ', 'geteas')
    # Record 1 begins behind 4 + 8 + 3 bytes, and its payload another 4 + 8 bytes on.
    contains(told, '31 35', 'geteas: offset 15')


@test('nothing can be written, made, renamed or removed')
def read_only():
    path = harness.write(harness.tag4([b'one', b'two']))
    with Mount(TAG4, *SHARED, path) as mount, servers.samba(mount.dir) as server:
        for command in (f'put {path} new', f'put {path} 00000000', 'mkdir new', 'rm 00000000',
                        'rename 00000000 new'):
            contains(servers.smbclient(server, command, status=None).text, 'NT_STATUS_', command)
        equal(mount.names(), ['00000000', '00000001'], 'names')
        equal(mount.read('00000000'), b'one')


@test('damage is an error of that record alone')
def truncated():
    payloads = [b'a' * 5000, b'b' * 5000, b'c' * 5000]
    path = harness.write(harness.tag4(payloads))

    def before(client, _):
        equal(client.read('/00000000'), payloads[0])

    def after(client, _):
        fails(ERRORS, client.read, '/00000002')
        equal(client.read('/00000000'), payloads[0])
    with Mount(TAG4, *SHARED, path) as mount, servers.samba(mount.dir) as server:
        in_client(server, before)
        os.truncate(path, os.path.getsize(path) - 1)
        in_client(server, after)


@test('without allow_other a guest sees nothing')
def guest():
    with Mount(TAG4, harness.write(harness.tag4([b'one']))) as mount:
        with servers.samba(mount.dir) as server:
            result = servers.smbclient(server, 'ls', status=None)
            check(result.status != 0 and '00000000' not in result.text, f'{result!r}')
            told('Samba: access denied', result.text)


@test('eight clients at once read nothing but the right bytes')
def eight():
    load = servers.Load()
    with Mount(*load.arguments) as mount, servers.samba(mount.dir) as server:
        load.run(lambda: smb.Client(url(server)))


# ---- another worker, another program ----

@test('eight clients read on over kill -9 and upgrades')
def eight_changed():
    servers.need_survival()
    load = servers.Load()
    with Mount(*load.arguments) as mount, servers.samba(mount.dir) as server:
        load.run(lambda: smb.Client(url(server)), servers.Changes(mount, 30))


@test('100,000 names are listed over kill -9 and upgrades')
def many_changed():
    servers.need_survival()
    load = servers.Load()
    with Mount(*load.arguments) as mount, servers.samba(mount.dir) as server:
        changes = servers.Changes(mount, 10, lambda: servers.listings(mount))
        listing = servers.at_once(
            1, lambda _: servers.smbclient(server, 'cd 000; recurse; ls').text, changes)[0]
    check(changes.count > 1, f'{changes.count} changes')
    names = [line.split()[0] for line in listing.splitlines() if line.startswith('  0000')]
    equal(sorted(names) == [f'{n:09}' for n in range(load.COUNT)], True, 'names')


@test('an open file is read on over kill -9 and an upgrade')
def handle_changed():
    servers.need_survival()
    payload = os.urandom(3000000)
    with Mount(TAG4, *SHARED, harness.write(harness.tag4([payload]))) as mount:
        with servers.samba(mount.dir) as server:
            def read(client, _):
                handle = client.open('/00000000')
                equal(client.pread(handle, 1000, 0), payload[:1000])
                for change in (servers.kill_worker, servers.upgrade):
                    change(mount)
                    harness.drop_caches()
                    check(client.pread(handle, len(payload), 0) == payload, change.__name__)
                client.close(handle)
            in_client(server, read)


harness.main()
