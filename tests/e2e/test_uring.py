#!/usr/bin/env python3
"""Requests through io_uring (-o io_uring=): used where it is asked for and can be, the same bytes,
and the reason where it cannot. Skipped where libfuse or the kernel has no rings."""

import ctypes
import errno
import hashlib
import os
import random
import re
import signal
import struct
import threading

import harness
from harness import Foreground, Mount, check, contains, equal, framefs, test
from troubles import told

TAG4 = '--format=tag4-i64le'
RINGS = ('-o', 'nosurvive,nosandbox,io_uring=on')
RECORDS = 3000


def write_archive(count=RECORDS):
    """The path, and each payload."""
    r = random.Random(3)
    payloads = [r.randbytes(r.randrange(1, 3000)) for _ in range(count)] + [r.randbytes(9 << 20)]
    return harness.write(harness.tag4(payloads)), payloads


def stat(directory, name):
    text = harness.read(os.path.join(directory, '.framefs', 'stats')).decode()
    return int(re.search(rf'^{re.escape(name)} (\d+)$', text, re.M).group(1))


def is_used(mount):
    return stat(mount.dir, 'framefs_io_uring') == 1


def needs_rings():
    """As the program says itself; the machine's switch alone is no reason to fail."""
    path = harness.write(harness.tag4([b'abc']))
    directory = harness.make_dir('mnt')
    result = framefs('mount', TAG4, *RINGS, path, directory, status=None)
    if result.status != 0:
        contains(result.err, 'io_uring=on: ', 'message')
        raise harness.Skip(result.err.strip())
    framefs('umount', directory)


@test('with survival it is refused, and the message says why; so is another word', fuse=False)
def refused():
    path, _ = write_archive(3)
    directory = harness.make_dir('mnt')
    said = framefs('mount', '-f', TAG4, '-o', 'io_uring=on', path, directory, status=1).err
    told('Requests cannot come through io_uring', said)
    contains(framefs('mount', '-o', 'io_uring=yes', path, directory, status=2).err,
             "'yes' is none of auto, on, off", 'message')


@test('where libfuse or the kernel cannot, on fails with the reason, and nothing stays mounted')
def cannot():
    path, _ = write_archive(3)
    directory = harness.make_dir('mnt')
    result = framefs('mount', TAG4, *RINGS, path, directory, status=None)
    if result.status == 0:
        framefs('umount', directory)
        raise harness.Skip('it can')
    equal(result.status, 1, 'status')
    contains(result.err, 'io_uring=on: ', 'message')
    check(any(part in result.err for part in ('built with libfuse', 'enable_uring',
                                              'cannot make its rings', 'processors')), result.err)
    check(not harness.is_mounted(directory), 'still mounted')


@test('auto and off: what cannot be is left out without a word, and the mount serves')
def left_out():
    path, payloads = write_archive(3)
    for options in ('io_uring=auto', 'io_uring=off', 'nosurvive,nosandbox,io_uring=off',
                    'nosurvive', 'nosandbox'):
        with Mount(TAG4, '-o', options, path) as mount:
            equal(mount.result.err, '', options)
            check(not is_used(mount), f'{options}: rings are used')
            equal(mount.read('00000001'), payloads[1], options)


def read_all(mount, payloads, seed, wrong):
    numbers = list(range(len(payloads)))
    random.Random(seed).shuffle(numbers)
    for number in numbers:
        try:
            if mount.read(f'{number:08}') != payloads[number]:
                wrong.append(f'record {number}: other bytes')
        except OSError as error:
            wrong.append(f'record {number}: {error}')


def check_bytes(mount, payloads):
    wrong = []
    readers = [threading.Thread(target=read_all, args=(mount, payloads, i, wrong))
               for i in range(8)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    equal(wrong, [], 'reads')
    equal(mount.names(), [f'{i:08}' for i in range(len(payloads))], 'the listing')


@test('on: eight readers get all bytes of all records, without a sandbox and in it')
def bytes_are_right():
    needs_rings()
    path, payloads = write_archive()
    for options in (RINGS, ('-o', 'nosurvive,io_uring=on')):
        with Mount(TAG4, *options, path) as mount:
            check(is_used(mount), 'rings are not used')
            check_bytes(mount, payloads)
            digest = hashlib.sha256()
            for payload in payloads:
                digest.update(payload)
            equal(hashlib.sha256(mount.control('all')).digest(), digest.digest(), 'all')


@test('direct reads of any place and length, and of the generated file')
def direct():
    needs_rings()
    path, payloads = write_archive(3)
    r = random.Random(5)
    with Mount(TAG4, *RINGS, '-o', 'direct_io', '--synthetic=1T', path) as mount:
        big = os.open(mount.path('00000003'), os.O_RDONLY)
        made = os.open(mount.path('synthetic'), os.O_RDONLY)
        for _ in range(300):
            offset, length = r.randrange(9 << 20), r.randrange(1, 2 << 20)
            equal(os.pread(big, length, offset), payloads[3][offset:offset + length], 'a read')
            offset = r.randrange(1 << 36) * 8
            equal(os.pread(made, 8, offset), struct.pack('>Q', offset), 'of the generated file')
        os.close(big)
        os.close(made)


@test('auto: used where nothing has to be scanned, without survival and sandbox')
def auto():
    needs_rings()
    path, payloads = write_archive(3)
    with Mount(TAG4, '-o', 'nosurvive,nosandbox,push=off', path) as mount:
        check(is_used(mount), 'rings are not used')
        equal(mount.read('00000002'), payloads[2], 'record 2')


def read_until_it_ends(directory):
    """Records again and again, each asked for anew, until one cannot be read."""
    r = random.Random(threading.get_ident())
    try:
        while True:
            path = os.path.join(directory, f'{r.randrange(RECORDS):08}')
            with open(path, 'rb', buffering=0) as stream:
                os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
                stream.read()
    except OSError:
        pass


@test('on waits for the scan: no request has to')
def awaits():
    needs_rings()
    path = harness.write(harness.tag4([b'x'] * 300000))
    with Mount(TAG4, *RINGS, '--no-index', path) as mount:
        check(is_used(mount), 'rings are not used')
        equal(len(os.listdir(mount.path('000'))), 300, 'directories')
        equal(mount.read('000', '299', '000299999'), b'x', 'the last record')
        equal(stat(mount.dir, 'framefs_parked_total'), 0, 'requests that waited')


@test('on: a signal ends a mount that still waits for the scan')
def awaits_no_more():
    needs_rings()
    path = harness.make_path('zeros')
    with open(path, 'wb') as stream:
        stream.truncate(1 << 32)
    with Foreground('--frame=len:u8 data', '--no-index', *RINGS, path) as mount:
        mount.process.terminate()
        equal(mount.process.wait(harness.LIMIT_S), 0, 'status')
        check(not harness.is_mounted(mount.dir), 'still mounted')


@test('auto: left out while an archive is scanned, and the mount can be used at once')
def auto_while_scanned():
    needs_rings()
    path = harness.make_path('zeros')
    with open(path, 'wb') as stream:
        stream.truncate(1 << 34)
    with Mount('--frame=len:u8 data', '--no-index', '-o', 'nosurvive,nosandbox,push=off',
               path) as mount:
        check(not is_used(mount), 'rings are used')
        equal(mount.read('000', '000', '000000001'), b'', 'record 1')


def forbid_rings():
    """For the calling process and all that it starts, as a container's filter does."""
    library = ctypes.CDLL('libseccomp.so.2')
    library.seccomp_init.restype = ctypes.c_void_p
    filters = ctypes.c_void_p(library.seccomp_init(0x7fff0000))
    call = library.seccomp_syscall_resolve_name(b'io_uring_setup')
    if library.seccomp_rule_add(filters, 0x00050000 | errno.EPERM, call, 0) != 0 or \
            library.seccomp_load(filters) != 0:
        raise OSError('seccomp')


@test('a system that forbids rings: on fails with the reason, auto goes without')
def forbidden():
    needs_rings()
    path, payloads = write_archive(3)
    directory = harness.make_dir('mnt')
    said = framefs('mount', TAG4, *RINGS, path, directory, status=1, preexec_fn=forbid_rings).err
    contains(said, 'libfuse cannot make its rings', 'message')
    check(not harness.is_mounted(directory), 'still mounted')
    with Mount(TAG4, '-o', 'nosurvive,nosandbox,push=off', path, preexec_fn=forbid_rings) as mount:
        check(not is_used(mount), 'rings are used')
        equal(mount.read('00000001'), payloads[1], 'record 1')


@test('the end by umount, by a signal and by kill -9 under eight readers: all end, none hangs')
def ends():
    needs_rings()
    path, _ = write_archive()
    for how in ('umount', signal.SIGTERM, signal.SIGKILL):
        with Foreground(TAG4, *RINGS, path) as mount:
            readers = [threading.Thread(target=read_until_it_ends, args=(mount.dir,), daemon=True)
                       for _ in range(8)]
            for reader in readers:
                reader.start()
            harness.wait_for(lambda mount=mount: stat(
                mount.dir, 'framefs_requests_total{op="read"}') > 500, 'readers read')
            if how == 'umount':
                harness.run('umount', '-l', mount.dir)
            elif how == signal.SIGTERM:
                mount.process.terminate()
            else:
                os.kill(stat(mount.dir, 'framefs_worker_pid'), signal.SIGKILL)
            for reader in readers:
                reader.join(harness.LIMIT_S)
                check(not reader.is_alive(), f'{how}: a reader hangs')
            status = mount.process.wait(harness.LIMIT_S)
            equal(status, 1 if how == signal.SIGKILL else 0, f'{how}: status')
            check(not harness.is_mounted(mount.dir), f'{how}: still mounted')


@test('an upgrade is refused with the reason, and the mount serves on')
def upgrade():
    needs_rings()
    path, payloads = write_archive(3)
    with Foreground(TAG4, *RINGS, path) as mount:
        harness.wait_for(lambda: os.path.exists(os.path.join(mount.dir, '00000002')), 'usable')
        framefs('upgrade', mount.dir, status=1)
        mount.says('its requests come through io_uring')
        equal(harness.read(os.path.join(mount.dir, '00000002')), payloads[2], 'record 2')


@test('a process that may not run on all processors: on in the sandbox is refused with the reason')
def few_processors():
    needs_rings()
    if os.cpu_count() < 2:
        raise harness.Skip('one processor')
    path, payloads = write_archive(3)
    limited = ('taskset', '-c', '0', harness.FRAMEFS, 'mount', TAG4, '-o')
    directory = harness.make_dir('mnt')
    said = harness.run(*limited, 'nosurvive,io_uring=on', path, directory, status=1).err
    contains(said, 'processors', 'message')
    # Without it libfuse sees them all.
    harness.run(*limited, 'nosurvive,nosandbox,io_uring=on', path, directory)
    equal(harness.read(os.path.join(directory, '00000001')), payloads[1], 'record 1')
    framefs('umount', directory)


harness.main()
