#!/usr/bin/env python3
"""Index files: framefs index makes, extends and goes on with them; info, ls and cat give with one
what they give without. A bad one, or one of another archive, costs a note and a scan."""

import contextlib
import json
import os
import random
import re
import resource
import shlex
import shutil
import signal
import struct
import subprocess
import sys

import harness
from harness import FRAMEFS, Skip, check, contains, equal, framefs, test

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from index_file import damage_segment  # noqa: E402

U32 = '--format=u32le'
# So many records that a state is kept several times on the way: one after each 16 MiB.
LARGE = 600_000
SEGMENT = 16384
PARTIAL = '.framefs.partial'


def frame(payload):
    return struct.pack('<I', len(payload)) + payload


def small(count=300):
    r = random.Random(count)
    return b''.join(frame(r.randbytes(r.randrange(90))) for _ in range(count))


def large_bytes():
    r = random.Random(1)
    piece = b''.join(frame(bytes(r.randrange(60, 150))) for _ in range(LARGE // 100))
    return piece * 100


_large = []


def large():
    """A path to it in a folder of its own."""
    if not _large:
        _large.append(harness.write(large_bytes(), 'large.rec'))
    path = os.path.join(harness.make_dir(), 'large.rec')
    os.link(_large[0], path)
    return path


def index(*arguments, status=0, **more):
    """What framefs index says of one archive."""
    told = json.loads(framefs('index', '--json', *arguments, status=status, **more).out)
    equal(len(told), 1, 'archives')
    return told[0]


def info(path, *arguments, **more):
    return json.loads(framefs('info', '--json', *arguments, path, **more).out)[0]


def without_index(told):
    return {key: value for key, value in told.items() if key != 'index'}


def check_used(path, framing=U32, ranges=(), **more):
    """All is told as without the index, which is used."""
    told = info(path, framing, status=None, **more)
    scanned = info(path, framing, '--no-index', status=None)
    equal(without_index(told), without_index(scanned), 'info')
    equal(scanned['index'], None, 'index with --no-index')
    check(told['index'] and told['index']['used'], f'the index is not used: {told["index"]}')
    equal(told['index']['records'], told['records'], 'records of the index')
    count = told['records']
    for one in ranges or (f'{count // 2}-', '0', '-1', f'{count - 1}-{count - 1}'):
        for command in (('ls', '--json'), ('cat',), ('cat', '--content=file')):
            with_it = framefs(*command, framing, path, one, status=None, **more)
            scan = framefs(*command, framing, '--no-index', path, one, status=None)
            check(with_it.out == scan.out, f'{command} {one} is other than without the index')
            equal((with_it.status, with_it.err), (scan.status, scan.err), f'{command} {one}')
    return told


@test('an index is built, then up to date, and all is told as without it', fuse=False)
def built():
    path = harness.write(small())
    told = index(U32, path)
    equal((told['outcome'], told['records'], told['rejected']), ('built', 300, None), 'first')
    equal(told['index'], path + '.framefs', 'its path')
    equal(told['index_bytes'], os.stat(path + '.framefs').st_size, 'its size')
    used = check_used(path)
    equal(used['index']['bytes'], told['index_bytes'], 'bytes')
    contains(framefs('info', U32, path).text, 'index     ', 'info')
    before = harness.read(path + '.framefs')
    equal(index(U32, path)['outcome'], 'up to date', 'second')
    equal(harness.read(path + '.framefs'), before, 'the index file')
    equal(index(U32, '--force', path)['outcome'], 'built', 'with --force')
    equal(sorted(os.listdir(os.path.dirname(path))), ['archive', 'archive.framefs'], 'files')


@test('a large one takes less than 10 bits a record, one of equal records less than 1', fuse=False)
def bits():
    told = index(U32, large())
    equal(told['records'], LARGE, 'records')
    check(told['bits_per_record'] <= 10, f'{told["bits_per_record"]} bits')
    fixed = harness.write(frame(b'x' * 96) * 200_000)
    told = index(U32, fixed)
    check(told['bits_per_record'] < 1, f'{told["bits_per_record"]} bits for equal records')


def killed_at(path, limit_bytes):
    """Dies when the index file would get longer than this."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The array of --json must not go to a file.
    return subprocess.run([FRAMEFS, 'index', U32, path], preexec_fn=limit, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@test('one that is killed wherever in its file is gone on with, and ends up the same', fuse=False)
def killed():
    whole = index(U32, large())
    r = harness.seeded(7)
    resumed = 0
    for _ in range(8):
        path = large()
        limit_bytes = r.randrange(1, whole['index_bytes'])
        done = killed_at(path, limit_bytes)
        check(done.returncode in (-signal.SIGXFSZ, 1), f'status {done.returncode}')
        check(not os.path.exists(path + '.framefs'), 'half an index is there')
        check(os.stat(path + PARTIAL).st_size <= limit_bytes, 'the partial file is longer')
        told = index(U32, path)
        check(told['outcome'] in ('built', 'resumed'), told['outcome'])
        if told['outcome'] == 'resumed':
            resumed += 1
            check(0 < told['known_before'] < LARGE, f'known: {told["known_before"]}')
            check(told['scanned_bytes'] < told['archive_bytes'], 'all was scanned')
        check(not os.path.exists(path + PARTIAL), 'the partial file is still there')
        check_used(path, ranges=(f'{r.randrange(LARGE)}',))
    check(resumed >= 2, f'{resumed} were gone on with')
    print(f'# {resumed} of 8 were gone on with')


@test('holes of terabytes in an index file keep nobody waiting', fuse=False)
def holes():
    path = large()
    size = index(U32, path)['index_bytes']
    os.unlink(path + '.framefs')
    killed_at(path, size // 2)
    partial = harness.read(path + PARTIAL)
    (body,) = struct.unpack_from('<Q', partial, 512 + 16)
    behind = 512 + (40 + body + 7) // 8 * 8
    for kind, at in ((1, 512), (2, behind), (3, behind)):
        head = struct.pack('<QIIQQQ', 0, kind, SEGMENT if kind == 2 else 0, 1 << 40, 0, 0)
        name = harness.write(partial[:at] + head, f'holes-{kind}', os.path.dirname(path))
        os.truncate(name, at + len(head) + (1 << 40))
        done = framefs('info', U32, '--index', name, path, timeout=60)
        contains(done.err, 'not used', f'kind {kind}')


@test('kill -9 at any time leaves an index that is whole, or none', fuse=False)
def killed_any_time():
    r = harness.seeded(8)
    kills = 0
    for _ in range(6):
        path = large()
        while not os.path.exists(path + '.framefs'):
            process = subprocess.Popen([FRAMEFS, 'index', U32, path], stdout=subprocess.DEVNULL)
            size = r.randrange(1, 700_000)
            while process.poll() is None:
                try:
                    if os.stat(path + PARTIAL).st_size >= size:
                        break
                except FileNotFoundError:
                    pass
            process.kill()
            kills += process.wait() == -signal.SIGKILL
        check_used(path, ranges=(f'{LARGE - 5}-',))
    check(kills > 0, 'nothing was killed')


@test('two that index the same archive at once do not disturb each other', fuse=False)
def two():
    path = large()
    processes = [subprocess.Popen([FRAMEFS, 'index', '--json', U32, path],
                                  stdout=subprocess.PIPE) for _ in range(3)]
    outcomes = sorted(json.loads(p.communicate(timeout=harness.LIMIT_S)[0])[0]['outcome']
                      for p in processes)
    equal([p.returncode for p in processes], [0, 0, 0], 'status')
    check(outcomes.count('up to date') == 2 and outcomes.count('built') == 1, f'{outcomes}')
    check_used(path, ranges=('0-3',))
    equal(sorted(os.listdir(os.path.dirname(path))), ['large.rec', 'large.rec.framefs'], 'files')


@test('an archive that has grown is extended, wherever it was cut', fuse=False)
def grown():
    content = small()
    r = harness.seeded(9)
    for cut in [0, 1, 4, len(content) - 1] + [r.randrange(len(content)) for _ in range(12)]:
        path = harness.write(content[:cut])
        index(U32, path, status=None)
        with open(path, 'ab') as stream:
            stream.write(content[cut:])
        told = info(path, U32)
        equal(without_index(told), without_index(info(path, U32, '--no-index')), f'cut at {cut}')
        told = index(U32, path)
        check(told['outcome'] == ('extended' if told['known_before'] else 'built'),
              f'{told["outcome"]}, cut at {cut}')
        equal(told['rejected'], None, 'rejected')
        check_used(path)


@test('a large one that has grown is not scanned from its beginning', fuse=False)
def grown_large():
    path = large()
    content = harness.read(path)
    cut = len(content) - 3_000_000
    short = harness.write(content[:cut], 'grown.rec')
    index(U32, short)
    with open(short, 'ab') as stream:
        stream.write(content[cut:])
    told = index(U32, short)
    equal((told['outcome'], told['records']), ('extended', LARGE), 'outcome')
    check(told['scanned_bytes'] < 4_000_000, f'{told["scanned_bytes"]} bytes were scanned')
    check_used(short, ranges=('0', f'{LARGE - 40000}-{LARGE - 39990}', '-3-'))


def refused(path, *arguments, reason, status=0):
    """The index is there, and not used for that reason; all is told as without it."""
    told = info(path, *arguments, status=status)
    equal(told['index'], {'used': False, 'reason': told['index']['reason']}, 'index')
    contains(told['index']['reason'], reason, 'reason')
    equal(without_index(told), without_index(info(path, *arguments, '--no-index', status=status)),
          'info')
    said = framefs('info', *arguments, path, status=status).err
    equal(said.count('framefs: note: '), 1, f'notes in {said!r}')
    contains(said, 'not used', 'note')


@test('an archive that was replaced, shortened or edited, or is read otherwise, loses it',
      fuse=False)
def replaced():
    content = small()
    path = harness.write(content)
    index(U32, path)
    kept = harness.read(path + '.framefs')
    refused(path, '--frame=len:u32le data', reason='another description')
    refused(path, '--format=u32be', reason='another description', status=None)
    for change, reason in ((content[:-40], 'shorter'), (small(330), 'other bytes'),
                           (content[:20] + b'?' + content[21:], 'other bytes')):
        harness.write(change, 'archive', os.path.dirname(path))
        harness.write(kept, 'archive.framefs', os.path.dirname(path))
        refused(path, U32, reason=reason, status=None)
        told = index(U32, path, status=None)
        equal(told['outcome'], 'built', 'outcome')
        contains(told['rejected'], reason, 'rejected')
        check_used(path)


@test('an edit between the samples is found where the time of modification is another', fuse=False)
def edited():
    path = harness.write(small(3000))
    index(U32, path)
    size = os.stat(path).st_size
    # A record in the first half is cut into two: only the lengths tell.
    with open(path, 'r+b') as stream:
        content = stream.read()
        at = 0
        places = []
        while at < size:
            (length,) = struct.unpack_from('<I', content, at)
            places.append((at, length))
            at += 4 + length
        step = (size - 512) // 33
        sampled = [(0, 4096), (size - 4096, size)] + [(i * step, i * step + 512)
                                                      for i in range(1, 33)]
        # So many in a row that one of each three, which are looked at, is among them.
        row = next(i for i in range(200, len(places))
                   if all(length > 8 for _, length in places[i:i + 4])
                   and not any(a < places[i + 4][0] and places[i][0] < b for a, b in sampled))
        for at, length in places[row:row + 4]:
            stream.seek(at)
            stream.write(struct.pack('<I', length - 4) + bytes(length - 4) + bytes(4))
    os.utime(path, (1, 1))
    refused(path, U32, reason='edited')


@test('a mistaken --index costs no file: the archive, another one, a download', fuse=False)
def mistaken():
    path = harness.write(small())
    where = os.path.dirname(path)
    kept = {'archive': harness.read(path), 'other': small(40), 'new.partial': b'half a download'}
    for name in ('other', 'new.partial'):
        harness.write(kept[name], name, where)
    os.symlink('archive', os.path.join(where, 'link'))
    listed = sorted(os.listdir(where))
    folder = '../' + os.path.basename(where)
    for name in ('archive', 'other', 'new', 'link', '.', '', 'other/', folder):
        done = framefs('index', U32, '--index=' + name, 'archive', status=1, cwd=where)
        contains(done.err, 'index file', f'why {name!r} is refused')
        equal(sorted(os.listdir(where)), listed, f'files after {name!r}')
    for name, content in kept.items():
        equal(harness.read(os.path.join(where, name)), content, name)


@test('a folder in the index file\'s place is told before the scan; for one, a pipe or a link in '
      'that of the partial one the cache is used', fuse=False)
def in_the_way():
    path = harness.write(small())
    cache = dict(os.environ, XDG_CACHE_HOME=harness.make_dir())
    os.mkdir(path + '.framefs')
    told = index(U32, path, status=1)
    contains(told['error'], 'Is a directory', 'error')
    check(not os.path.exists(path + PARTIAL), 'a partial file was written')
    os.rmdir(path + '.framefs')
    for make in (os.mkdir, os.mkfifo, lambda name: os.symlink('archive', name)):
        make(path + PARTIAL)
        told = index(U32, path, env=cache, status=0)
        equal(os.path.dirname(os.path.dirname(told['index'])), cache['XDG_CACHE_HOME'], 'folder')
        (os.rmdir if make is os.mkdir else os.unlink)(path + PARTIAL)
        os.unlink(told['index'])


@test('a copy of the archive and its index is as good', fuse=False)
def copied():
    path = large()
    index(U32, path)
    where = harness.make_dir()
    copy = os.path.join(where, 'other.name')
    shutil.copyfile(path, copy)
    shutil.copyfile(path + '.framefs', copy + '.framefs')
    os.utime(copy, (1, 1))
    told = check_used(copy, ranges=('5', '-2'))
    equal(told['records'], LARGE, 'records')
    equal(index(U32, copy)['outcome'], 'up to date', 'outcome')


@test('an index file that is cut, changed or no index at all never leads astray', fuse=False)
def damaged():
    path = harness.write(small(2000))
    index(U32, path)
    whole = harness.read(path + '.framefs')
    scanned = without_index(info(path, U32, '--no-index'))
    listed = framefs('ls', '--json', U32, '--no-index', path, '0-').out
    r = harness.seeded(10)
    cases = [whole[:n] for n in (0, 1, 7, 511, 512, 600, len(whole) - 1)]
    cases += [whole + b'\0', b'no index at all', bytes(len(whole)), whole[::-1]]
    for _ in range(40):
        at = r.randrange(len(whole))
        cases.append(whole[:at] + bytes([whole[at] ^ 1 << r.randrange(8)]) + whole[at + 1:])
    for case in cases:
        harness.write(case, 'archive.framefs', os.path.dirname(path))
        equal(without_index(info(path, U32)), scanned, 'info')
        result = framefs('ls', '--json', U32, path, '0-', status=None)
        check(result.out == listed or (result.status == 1 and listed.startswith(result.out)),
              f'ls tells other records: {result!r}')
        index(U32, path)
        equal(framefs('ls', '--json', U32, path, '0-').out == listed, True,
              'with the index that was made then')
    other = harness.write(small(2001))
    index(U32, other)
    shutil.copyfile(other + '.framefs', path + '.framefs')
    refused(path, U32, reason='was made of')


@test('a damaged one is told with the command that makes it anew, which a shell can be given',
      fuse=False)
def command():
    where = harness.make_dir()
    path = harness.write(small(), "it's an archive", where)
    formats = harness.write(b'[mine]\nframe = len:u32le data\n', 'mine.ini', where)
    named = os.path.join(where, 'its index')
    for options in ([U32], ['--frame=len:u32le data'], [f'--formats={formats}', '--format=mine'],
                    [U32, f'--index={named}']):
        told = index(*options, path)
        damage_segment(told['index'])
        for asks in ('cat', 'ls'):
            said = framefs(asks, *options, path, '0-', status=1).err
            contains(said, 'record 0: the index file is damaged where it tells of it\n', asks)
            contains(said, f'note: {told["index"]}: damaged: ', asks)
            words = shlex.split(re.search(': damaged: (.*) writes it anew', said).group(1))
            equal(words, ['framefs', 'index', *options, path], asks)
        told = index(*words[2:])
        equal((told['outcome'], told['rejected']), ('built', 'it is damaged'), 'outcome')
        equal(framefs('ls', *options, path, '0-').err, '', 'then')
        os.unlink(told['index'])
    # A name that looks like an option's.
    os.rename(path, os.path.join(where, '-archive'))
    with contextlib.chdir(where):
        damage_segment(index(U32, './-archive')['index'])
        said = framefs('ls', U32, '--', '-archive', '0-', status=1).err
        contains(said, f'damaged: framefs index {U32} ./-archive writes it anew', 'the name')


def tmpfs(where, size):
    if os.geteuid() != 0:
        raise Skip('only root can mount a tmpfs')
    done = harness.run('mount', '-t', 'tmpfs', '-o', 'size=' + size, 'framefs-test', where,
                       status=None)
    if done.status != 0:
        raise Skip('no tmpfs can be mounted: ' + done.err)


@test('a full disk fails that archive alone, is told, and is not kept full', fuse=False)
def full():
    where = harness.make_dir()
    tmpfs(where, '64k')
    try:
        target = os.path.join(where, 'index')
        result = framefs('index', U32, '--index', target, large(), status=1)
        contains(result.err, 'No space left on device', 'message')
        equal(os.listdir(where), [], 'left behind')
        told = index(U32, '--index', target, harness.write(small()))
        equal(told['outcome'], 'built', 'a small one')
        equal(os.listdir(where), ['index'], 'files')
    finally:
        harness.run('umount', where)


@test('where the folder cannot be written, the index is in the cache', fuse=False)
def cached():
    where = harness.make_dir()
    tmpfs(where, '1m')
    try:
        path = harness.write(small(), 'a.rec', where)
        harness.run('mount', '-o', 'remount,ro', where)
        cache = harness.make_dir('cache')
        environment = dict(os.environ, XDG_CACHE_HOME=cache)
        told = index(U32, path, env=environment)
        equal(told['outcome'], 'built', 'outcome')
        equal(os.path.dirname(told['index']), os.path.join(cache, 'framefs'), 'folder')
        check(told['index'].endswith('-a.rec.framefs'), told['index'])
        equal(os.stat(os.path.dirname(told['index'])).st_mode & 0o777, 0o700, 'mode of the folder')
        check_used(path, env=environment)
        equal(index(U32, path, env=environment)['outcome'], 'up to date', 'then')
        environment = {key: value for key, value in os.environ.items()
                       if key not in ('XDG_CACHE_HOME', 'HOME')}
        contains(framefs('index', U32, path, env=environment, status=1).err, 'Read-only',
                 'without a cache')
    finally:
        harness.run('umount', where)


@test('who may read the archive may read its index; a stranger\'s is not used', fuse=False)
def rights():
    path = harness.write(small())
    os.chmod(path, 0o600)
    index(U32, path)
    equal(os.stat(path + '.framefs').st_mode & 0o777, 0o600, 'mode')
    os.chmod(path, 0o644)
    index(U32, '--force', path)
    equal(os.stat(path + '.framefs').st_mode & 0o777, 0o644, 'mode')
    if os.geteuid() != 0:
        raise Skip('only root can give files away')
    os.chown(path + '.framefs', 12345, 12345)
    said = framefs('info', U32, path)
    contains(said.err, 'belongs to another user: not used', 'note')
    equal(info(path, U32)['index'], None, 'index')
    os.chown(path, 12345, 12345)
    check(info(path, U32)['index']['used'], 'that of the archive\'s owner is not used')
    index(U32, '--force', path)
    equal(os.stat(path + '.framefs').st_uid, 12345, 'owner of what root writes')


@test('many archives, of arguments and of a list; those that fail are named', fuse=False)
def many():
    where = harness.make_dir()
    paths = [harness.write(small(i + 1), f'{i:03}.rec', where) for i in range(150)]
    missing = os.path.join(where, 'missing.rec')
    lines = '\n'.join(paths[50:100] + [missing]) + '\n'
    result = framefs('index', U32, '--files-from=-', *paths[:50], stdin=lines.encode(), status=1)
    told = result.text.splitlines()
    equal([line.split(':')[0] for line in told[:-1]], paths[:100], 'archives in their order')
    contains(told[-1], '101 archives: 100 built, 1 failed', 'summary')
    contains(result.err, missing, 'message')
    names = b'\0'.join(path.encode() for path in paths) + b'\0'
    told = json.loads(framefs('index', '--json', U32, '--files-from', harness.write(names)).out)
    equal([one['archive'] for one in told], paths, 'archives of a list with NUL')
    equal([one['outcome'] for one in told], ['up to date'] * 100 + ['built'] * 50, 'outcomes')
    equal([one['records'] for one in told], list(range(1, 151)), 'records')
    contains(framefs('index', status=2).err, '--files-from', 'without archives')
    contains(framefs('index', '--index=x', *paths[:2], status=2).err, 'one archive', '--index')


@test('index files among the archives are passed over', fuse=False)
def passed_over():
    where = harness.make_dir()
    names = [f'{i}.rec' for i in range(3)]
    for i, name in enumerate(names):
        harness.write(small(i + 1), name, where)
    framefs('index', U32, *names, cwd=where)
    # What a kill leaves behind is none either.
    os.link(os.path.join(where, '2.rec.framefs'), os.path.join(where, '3.rec' + PARTIAL))
    files = sorted(os.listdir(where))
    result = framefs('index', U32, *files, cwd=where)
    contains(result.text, '0.rec.framefs: passed over: it is an index file\n', 'line')
    contains(result.text, '7 archives: 3 up to date, 4 passed over', 'summary')
    for framing in (U32, '--format=auto'):
        told = index(framing, '0.rec.framefs', cwd=where)
        equal((told['outcome'], told['index']), ('passed over', None), 'alone')
    equal(sorted(os.listdir(where)), files, 'files')


@test('one that is given as an archive is told from one, with where that is', fuse=False)
def given_as_archive():
    path = harness.write(small(), 'a.rec')
    index(U32, path)
    os.link(path + '.framefs', path + PARTIAL)
    for name in (path + '.framefs', path + PARTIAL):
        for asks in (['info'], ['ls'], ['cat'], ['cat', '-1'], ['verify'], ['mount']):
            given = [name, harness.make_dir()] if asks == ['mount'] else [name, *asks[1:]]
            said = framefs(asks[0], '--', *given, status=1).err
            equal(said, f'framefs: {name}: no known framing: it is an index file of framefs; give '
                  'the archive that it is of, which has the same name up to .framefs\n', asks)


@test('what is open under a number gets an index only where it is told to', fuse=False)
def descriptors():
    path, where = harness.write(small()), harness.make_dir()
    # Where nothing that is this test's could be written by mistake.
    standard = os.path.join(where, 'stdin')
    os.symlink('/proc/self/fd/0', standard)
    other = os.path.join(where, 'other')
    os.symlink('stdin', other)
    for name in (standard, other, '/dev/fd/0', '/proc/self/fd/0'):
        with open(path, 'rb') as stream:
            result = framefs('index', U32, name, stdin=stream, status=1)
        contains(result.err, name + ': ', 'message')
        contains(result.err, '--index', 'message')
    equal(sorted(os.listdir(where)), ['other', 'stdin'], 'files')
    # What a link leads to through such a path is a file of its own.
    through = os.path.join(where, 'through')
    os.symlink('/proc/self/root' + path, through)
    equal(index(U32, through)['index'], through + '.framefs', 'through /proc')
    target = os.path.join(where, 'named')
    with open(path, 'rb') as stream:
        told = index(U32, '--index', target, standard, stdin=stream)
    equal((told['records'], told['index']), (300, target), 'with --index')
    # Nor is one believed that lies there.
    os.rename(target, standard + '.framefs')
    with open(path, 'rb') as stream:
        told = info(standard, U32, stdin=stream)
    equal((told['records'], told['index']), (300, None), 'what lies beside it')


@test('memory does not grow with the archive', fuse=False)
def bounded():
    if harness.under_sanitizer():
        raise Skip('a sanitizer keeps what was freed')

    def most_kib(path):
        process = subprocess.Popen([FRAMEFS, 'index', U32, '--force', path],
                                   stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        equal(process.returncode, 0, 'status')
        return usage.ru_maxrss
    few, lots = most_kib(harness.write(small())), most_kib(large())
    # The index of the large one takes 700 KiB in memory when it is kept.
    check(lots < few + 3000, f'{few} and {lots} KiB')


@test('damage is in the index, too, and fails as without one', fuse=False)
def with_damage():
    frames = [harness.tfrecord([b'payload %d' % i * 5]) for i in range(400)]
    frames[20] = b'\xff' * 8 + frames[20][8:]
    path = harness.write(b''.join(frames) + b'cut')
    told = index('--format=tfrecord', path, status=1)
    equal(told['damages'], 2, 'damages')
    check_used(path, '--format=tfrecord')


@test('an index that is named must be there, and one that is not to be used is not', fuse=False)
def named():
    path = harness.write(small())
    target = harness.make_path('named')
    for command in ('info', 'ls', 'cat'):
        rest = [] if command == 'info' else ['0']
        result = framefs(command, U32, '--index', target, path, *rest, status=1)
        contains(result.err, 'No such file', command)
    equal(index(U32, '--index', target, path)['index'], target, 'path')
    equal(info(path, U32)['index'], None, 'without --index')
    check(info(path, U32, '--index', target)['index']['used'], 'it is not used')
    check(not os.path.exists(path + '.framefs'), 'another one was written')


harness.main()
