#!/usr/bin/env python3
"""A mount behind nginx, an rsync daemon and sftp."""

import email.utils
import http.client
import os
import re

import harness
import servers
from harness import Mount, check, contains, equal, run, test

TAG4 = '--format=tag4-i64le'
SHARED = ('-o', 'allow_other')
SFTP_SERVER = '/usr/lib/openssh/sftp-server'


class Web:
    """A connection that is kept."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection('127.0.0.1', server.port,
                                                     timeout=harness.LIMIT_S)

    def get(self, path, **headers):
        """(status, headers, body); If_Range is sent as If-Range."""
        self.connection.request('GET', '/records/' + path, headers={
            name.replace('_', '-'): value for name, value in headers.items()})
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def close(self):
        self.connection.close()


# ---- nginx ----

@test('nginx: every record of the archives has the digest that their manifest tells')
def nginx_digests():
    rows = servers.manifest()
    with Mount(*SHARED, '-o', 'content=payload', *(path for path, _, _ in rows)) as mount:
        with servers.nginx(mount.dir) as server:
            web = Web(server)
            for path, count, digest in rows:
                folder = os.path.basename(path)
                index = web.get(folder + '/')[2].decode()
                names = [name for name in re.findall('<a href="([^"]+)"', index) if name != '../']
                got = servers.digest_of(web.get(f'{folder}/{name}')[2] for name in names)
                equal(got, (count, digest), f'(records, digest) of {folder}')
            web.close()


@test('nginx: ranges, the last bytes, several ranges, and a range behind the end')
def nginx_ranges():
    random = harness.seeded(41)
    payload = random.randbytes(3000001)
    path = harness.write(harness.tag4([payload]))
    with Mount(TAG4, *SHARED, '-o', 'synthetic=1T', path) as mount:
        with servers.nginx(mount.dir) as server:
            web = Web(server)
            for _ in range(30):
                first = random.randrange(len(payload))
                last = random.randrange(first, len(payload))
                status, headers, body = web.get('00000000', Range=f'bytes={first}-{last}')
                equal((status, headers['Content-Range']),
                      (206, f'bytes {first}-{last}/{len(payload)}'), 'status and range')
                check(body == payload[first:last + 1], f'bytes {first}-{last}')
            equal(web.get('00000000', Range='bytes=-7')[2], payload[-7:], 'the last 7 bytes')
            body = web.get('00000000', Range='bytes=0-1,1000-1003')[2]
            check(payload[:2] in body and payload[1000:1004] in body, 'two ranges')
            equal(web.get('00000000', Range=f'bytes={len(payload)}-')[0], 416, 'behind the end')
            for offset in (1 << 32, (1 << 40) - 8):
                got = web.get('synthetic', Range=f'bytes={offset}-{offset + 7}')[2]
                equal(got, offset.to_bytes(8, 'big'), f'8 bytes at {offset} of synthetic')
            web.close()


@test('nginx: a record keeps its ETag over a remount, and is not sent again to who has it')
def nginx_etag():
    packets = [(1000000000 + n, n, harness.ethernet(n)) for n in range(3)]
    path = harness.write(harness.pcap(packets))
    tags = []
    for _ in range(2):
        with Mount(*SHARED, path) as mount, servers.nginx(mount.dir) as server:
            web = Web(server)
            _, headers, body = web.get('00000002')
            equal(body, packets[2][2])
            equal(email.utils.parsedate_to_datetime(headers['Last-Modified']).timestamp(),
                  1000000002, 'Last-Modified')
            tags.append(headers['ETag'])
            equal(web.get('00000002', If_None_Match=headers['ETag'])[0], 304, 'status')
            web.close()
    equal(tags[0], tags[1], 'ETag')


@test('nginx: an index of 100,000 records in one directory; .framefs is in none and denied')
def nginx_index():
    path = harness.write(harness.tag4([b'%d' % n for n in range(100000)]))
    with Mount(TAG4, *SHARED, '-o', 'layout=flat', path) as mount:
        with servers.nginx(mount.dir) as server:
            web = Web(server)
            index = web.get('')[2].decode()
            names = re.findall('<a href="([^"]+)"', index)
            equal(names == ['../', *(f'{n:08}' for n in range(100000))], True, 'names')
            equal(web.get('00042137')[2], b'42137')
            equal([web.get(name)[0] for name in ('.framefs/', '.framefs/stats')], [403, 403])
            web.close()


class WebFiles(Web):
    """What servers.Load reads with."""

    def open(self, path):
        return path[1:]

    def pread(self, path, count, offset):
        return self.get(path, Range=f'bytes={offset}-{offset + count - 1}')[2]

    def read(self, path):
        status, _, body = self.get(path[1:])
        equal(status, 200, f'status of {path}')
        return body

    def list(self, path):
        index = self.get(path[1:] + '/')[2].decode()
        return [(name, None) for name in re.findall('<a href="([^"]+)"', index) if name != '../']


@test('nginx: eight clients at once read nothing but the right bytes')
def nginx_eight():
    load = servers.Load()
    with Mount(*load.arguments) as mount, servers.nginx(mount.dir) as server:
        load.run(lambda: WebFiles(server))


@test('nginx: eight clients read on over kill -9 and upgrades')
def nginx_eight_changed():
    servers.need_survival()
    load = servers.Load()
    with Mount(*load.arguments) as mount, servers.nginx(mount.dir) as server:
        load.run(lambda: WebFiles(server), servers.Changes(mount, 30))


# ---- rsync ----

@test('rsync: a copy of a directory is equal, and the second time nothing is sent')
def rsync_copy():
    payloads = [b'record %d' % n for n in range(5000)]
    path = harness.write(harness.tag4(payloads))
    copy = harness.make_dir('copy')
    with Mount(TAG4, *SHARED, '-o', 'layout=tree', path) as mount:
        with servers.rsyncd(mount.dir) as server:
            command = ('rsync', '-rt', '--stats', f'rsync://127.0.0.1:{server.port}/records/', copy)
            contains(run(*command).text, 'Number of regular files transferred: 5,000')
            contains(run(*command).text, 'Number of regular files transferred: 0\n')
    copied = {os.path.relpath(name, copy): harness.read(name) for name in harness.walk(copy)}
    want = {f'000/{n // 1000:03}/{n:09}': p for n, p in enumerate(payloads)}
    equal(set(copied) ^ set(want), set(), 'names of one side alone')
    equal(copied == want, True, 'contents')


@test('rsync: 100,000 records are listed with their sizes; .framefs is not to be had')
def rsync_list():
    path = harness.write(harness.tag4([b'.' * (n % 10) for n in range(100000)]))
    with Mount(TAG4, *SHARED, path) as mount, servers.rsyncd(mount.dir) as server:
        address = f'rsync://127.0.0.1:{server.port}/records/'
        lines = [line.split() for line in run('rsync', '-r', address).text.splitlines()]
        found = {line[4]: int(line[1]) for line in lines if line[0].startswith('-')}
        equal(found == {f'000/{n // 1000:03}/{n:09}': n % 10 for n in range(100000)}, True,
              'names and sizes')
        refused = run('rsync', address + '.framefs/stats', harness.make_dir('copy'), status=None)
        check(refused.status != 0, f'{refused!r}')


# ---- sftp ----

def sftp(commands, **more):
    servers.need('sftp', SFTP_SERVER)
    return run('sftp', '-q', '-b', '-', '-D', SFTP_SERVER, stdin=commands.encode(), **more)


@test('sftp: listing, getting a record and going on with a part of one')
def sftp_get():
    random = harness.seeded(43)
    payloads = [random.randbytes(700000), b'two', b'']
    copies = harness.make_dir('copies')
    harness.write(payloads[0][:123457], 'part', copies)
    with Mount(TAG4, harness.write(harness.tag4(payloads))) as mount:
        told = sftp(f'ls -l {mount.dir}\nget {mount.dir}/00000000 {copies}/whole\n'
                    f'reget {mount.dir}/00000000 {copies}/part\n'
                    f'get {mount.dir}/00000002 {copies}/empty\n').text
    sizes = {line.split()[-1].split('/')[-1]: int(line.split()[4]) for line in told.splitlines()
             if line.startswith('-r')}
    equal(sizes, {f'{n:08}': len(p) for n, p in enumerate(payloads)}, 'sizes')
    for name, want in (('whole', payloads[0]), ('part', payloads[0]), ('empty', b'')):
        equal(harness.read(os.path.join(copies, name)) == want, True, name)


@test('sftp: 100,000 records are listed, a directory of them is got, none can be changed')
def sftp_many():
    payloads = [b'%d' % n for n in range(100000)]
    copies = harness.make_dir('copies')
    with Mount(TAG4, harness.write(harness.tag4(payloads))) as mount:
        folders = ''.join(f'ls -1 {mount.dir}/000/{n:03}\n' for n in range(100))
        names = re.findall(r'/(\d{9})$', sftp(folders).text, re.MULTILINE)
        equal(names == [f'{n:09}' for n in range(100000)], True, 'names')
        sftp(f'get -R {mount.dir}/000/042 {copies}\n')
        for command in ('rm', 'rmdir', f'put {copies}/042/000042000'):
            result = sftp(f'{command} {mount.dir}/000/042/000042000\n', status=1)
            check(result.err, f'{command}: nothing was said')
        equal(mount.read('000/042/000042000'), b'42000')
    equal({name: harness.read(f'{copies}/042/{name}') for name in os.listdir(copies + '/042')}
          == {f'{n:09}': payloads[n] for n in range(42000, 43000)}, True, 'the copy')


harness.main()
