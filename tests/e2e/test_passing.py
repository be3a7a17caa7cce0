#!/usr/bin/env python3
"""The generated file is dropped from the kernel's cache behind who reads it in order, and nothing
else is."""

import ctypes
import hashlib
import mmap
import os
import re
import subprocess
import threading

import harness
from harness import Mount, check, equal, framefs, tag4, test

TAG4 = '--format=tag4-i64le'
MIB = 1 << 20
PAGE = mmap.PAGESIZE
SIZE = 2048 * MIB
KEPT = 128 * MIB  # behind one reader, and ahead of him
# While he reads: the thread that drops waits for a processor, too.
KEPT_LATE = 768 * MIB
ROUNDS_MAX = 5
ASKED_MAX = 100  # of thousands; the statistics are some of them
RECORDS = [b'%08d' % n * 512 for n in range(2000)]

harness.libc.mmap.restype = ctypes.c_void_p
harness.libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int,
                              ctypes.c_int, ctypes.c_long]
harness.libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
harness.libc.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]


def cached(path, offset=0, length=None):
    """How many bytes of it, as whole pages, the kernel has in memory."""
    with open(path, 'rb', buffering=0) as file:
        length = length or os.fstat(file.fileno()).st_size - offset
        place = harness.libc.mmap(None, length, mmap.PROT_READ, mmap.MAP_SHARED, file.fileno(),
                                  offset)
    check(place != ctypes.c_void_p(-1).value, f'mmap of {path}')
    pages = ctypes.create_string_buffer((length + PAGE - 1) // PAGE)
    status = harness.libc.mincore(place, length, pages)
    harness.libc.munmap(place, length)
    equal(status, 0, 'mincore')
    return sum(byte & 1 for byte in pages.raw) * PAGE


def stat(mount, name):
    return int(re.search(rf'^{re.escape(name)} (\d+)$', mount.control('stats').decode(), re.M)[1])


def requests(mount):
    return stat(mount, 'framefs_requests_total{op="read"}')


def drops():
    """How often somebody has emptied the kernel's caches."""
    with open('/proc/vmstat', encoding='ascii') as lines:
        return [line for line in lines if line.startswith(('drop_pagecache', 'drop_slab'))]


def undisturbed(act, archive):
    """act(mount), whose result is how often it had to ask for what it has read before. What
    somebody else empties meanwhile does not count."""
    for _ in range(ROUNDS_MAX):
        before = drops()
        with harness.caches_kept(), \
                Mount(TAG4, '-o', f'synthetic={SIZE}:lines', archive) as mount:
            asked = act(mount)
        if drops() == before:
            check(asked <= ASKED_MAX, f'{asked} read requests')
            return
    raise harness.Skip('somebody else empties the caches again and again')


def generated(mount):
    return mount.path('synthetic')


def records(mount):
    return [path for path in mount.records() if path != generated(mount)]


def stream(path, begin, length, each=None):
    """Reads in order: the digest. each: called now and then."""
    digest = hashlib.sha256()
    with open(path, 'rb', buffering=0) as file:
        file.seek(begin)
        for at in range(0, length, MIB):
            part = file.read(min(MIB, length - at))
            digest.update(part)
            if each and at % (256 * MIB) == 0:
                each()
    return digest.hexdigest()


def written(pattern, begin, length):
    """The digest of what the command writes."""
    with subprocess.Popen([harness.FRAMEFS, 'synth', f'--offset={begin}', str(begin + length),
                           pattern], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as program:
        digest = hashlib.sha256()
        while part := program.stdout.read(MIB):
            digest.update(part)
        equal(program.wait(harness.LIMIT_S), 0, 'status of synth')
    return digest.hexdigest()


def few_are_cached(mount, begin, length, most=KEPT):
    harness.wait_for(lambda: cached(generated(mount), begin, length) <= most,
                     f'no more than {most} bytes are cached')


@test('who reads 2 GiB of it gets the right bytes, and leaves what others have read in the cache')
def one_reader():
    size = SIZE // 4 if harness.under_sanitizer() else SIZE
    want = written('lines', 0, size)

    def act(mount):
        def bounded():
            most.append(cached(generated(mount)))
        most = []
        for path in records(mount):
            harness.read(path)
        equal(stream(generated(mount), 0, size, bounded), want, 'digest')
        check(max(most) <= KEPT_LATE, f'{max(most)} bytes are cached')
        few_are_cached(mount, 0, SIZE)
        before = requests(mount)
        for path, payload in zip(records(mount), RECORDS):
            equal(harness.read(path), payload, path)
        return requests(mount) - before
    undisturbed(act, harness.write(tag4(RECORDS)))


@test('also without pushing, without survival, behind a worker that was killed, and mounted alone')
def everywhere():
    archive = harness.write(tag4(RECORDS))
    size = 512 * MIB
    want = written('counter', 0, size)
    for options in ('push=off', 'nosurvive', ''):
        with Mount(TAG4, '-o', f'synthetic={SIZE},{options}'.rstrip(','), archive) as mount:
            if not options:
                stream(generated(mount), SIZE // 2, 64 * MIB)
                os.kill(mount.worker, 9)
            equal(stream(generated(mount), 0, size), want, f'digest with {options}')
            few_are_cached(mount, 0, size)
    with Mount('--synthetic', str(SIZE)) as mount:
        equal(stream(mount.path('synthetic'), 0, size), want, 'digest')
        equal(cached(mount.path('synthetic')), 0, 'bytes cached of direct reads')


@test('readers at several places, one shortly behind another, read each byte once')
def several_readers():
    archive = harness.write(tag4(RECORDS))
    size = 384 * MIB
    # The second one comes to where the first one has begun.
    places = (0, 320 * MIB, 1600 * MIB)
    with harness.caches_kept(), Mount(TAG4, '-o', f'synthetic={SIZE}', archive) as mount:
        digests = {}
        before = stat(mount, 'framefs_read_bytes_total')
        threads = [threading.Thread(target=lambda at=at: digests.update(
            {at: stream(generated(mount), at, size)})) for at in places]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for at in places:
            equal(digests[at], written('counter', at, size), f'digest from {at} on')
        read = stat(mount, 'framefs_read_bytes_total') - before
        check(read <= len(places) * size * 1.1, f'{read} bytes were asked for')
        few_are_cached(mount, 0, SIZE, len(places) * KEPT)


@test('what is read at random stays, also while another one reads in order')
def random_reader():
    r = harness.seeded(5)
    places = [r.randrange(SIZE // 2 // PAGE) * PAGE for _ in range(3000)]

    def look(mount):
        for at in places:
            with open(generated(mount), 'rb', buffering=0) as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)
                equal(os.pread(file.fileno(), 26, at), b'line %020d ' % (at // 64), f'at {at}')

    def act(mount):
        look(mount)
        before = requests(mount)
        look(mount)
        asked = requests(mount) - before
        stream(generated(mount), SIZE // 2, 256 * MIB)
        few_are_cached(mount, SIZE // 2, SIZE // 2)
        before = requests(mount)
        look(mount)
        return asked + requests(mount) - before
    undisturbed(act, harness.write(tag4(RECORDS)))


harness.main()
