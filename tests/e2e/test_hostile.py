#!/usr/bin/env python3
"""Archives that lie, end early, change while mounted or are no archives: never a crash, a hang,
foreign bytes or zeros, and what stands before the damage stays readable."""

import configparser
import errno
import json
import os
import pwd
import re
import shutil
import struct
import subprocess
import zlib

import harness
from harness import Mount, check, contains, equal, fails, framefs, test

TAG4 = '--format=tag4-i64le'
PAYLOADS = [b'alpha', b'', b'gamma' * 3]


def presets():
    """The names of all built-in formats, from the source of the program."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True,
                                          comment_prefixes=(';',))
    parser.read(os.path.join(harness.ROOT, 'src', 'format', 'presets.ini'), encoding='utf-8')
    check(len(parser.sections()) > 10, 'no preset found')
    return parser.sections()


def listed(form, path):
    """(number of records, whether something was wrong) as ls tells. Bytes can cause no exit status
    but 0 and 1; 0 comes with a note where the archive only ends inside its last frame."""
    result = framefs('ls', '--json', '--format=' + form, path, status=None)
    check(result.status in (0, 1), repr(result))
    records = [json.loads(line) for line in result.out.splitlines()]
    if result.status == 1:
        check(result.err, f'failed without a message: {result!r}')
    elif result.err:
        check(' note: ' in result.err, f'a message and status 0: {result!r}')
    return len(records), bool(result.err)


def mounted(form, path, *options):
    """The payloads that a mount of it shows."""
    with Mount('--format=' + form, '-o', 'content=payload', *options, path) as mount:
        return [harness.read(record) for record in mount.records()]


# ---- no or little content ----

@test('an empty file has 0 records in every format, and is a good archive')
def empty():
    path = harness.write(b'')
    for form in presets():
        equal(listed(form, path), (0, False), form)
        told = json.loads(framefs('info', '--json', '--format=' + form, path).out)
        equal(len(told), 1, f'info --json of {form}')
    for form in ('tag4-i64le', 'pcap', 'mcap', 'cpio-newc'):
        equal(mounted(form, path), [], form)


@test('one byte, and a few, are no crash in any format', fuse=False)
def one_byte():
    for content in (b'\0', b'\xff', b'A', b'\x01', b'\x80', b'\xff' * 11, b'\0' * 64, b'\xff' * 64,
                    b'0' * 64, b'\n' * 9):
        path = harness.write(content)
        for form in presets():
            listed(form, path)


# ---- truncation ----

def with_ends():
    """(format, archive, [end of the preamble, end of each record, ...])"""
    def ends(preamble, frames):
        found = [preamble]
        for frame in frames:
            found.append(found[-1] + len(frame))
        return found

    def make(form, preamble, frames):
        return form, preamble + b''.join(frames), ends(len(preamble), frames)

    yield make('tag4-i64le', b'', [harness.tag4([p]) for p in PAYLOADS])
    yield make('tag4-i64be', b'', [harness.tag4([p], '>') for p in PAYLOADS])
    yield make('tfrecord', b'', [harness.tfrecord([p]) for p in PAYLOADS])
    yield make('protobuf-delimited', b'', [harness.delimited([p]) for p in PAYLOADS + [b'x' * 200]])
    yield make('pcap', harness.pcap([]), [harness.pcap([(1, 2, p)])[24:] for p in PAYLOADS])
    yield make('bson', b'', [struct.pack('<i', 5 + len(p)) + p + b'\0' for p in PAYLOADS])
    yield make('netstring', b'', [b'%d:%s,' % (len(p), p) for p in PAYLOADS])
    yield make('fortran8', b'', [struct.pack('<q', len(p)) + p + struct.pack('<q', len(p))
                                for p in PAYLOADS])
    yield make('png', b'\x89PNG\r\n\x1a\n', [struct.pack('>I', len(p)) + b'teXt' + p + struct.pack(
        '>I', zlib.crc32(b'teXt' + p)) for p in PAYLOADS])
    yield make('unified2', b'', [struct.pack('>II', 7, len(p)) + p for p in PAYLOADS])


@test('cut anywhere, an archive shows the records before the cut and says where it ends',
      fuse=False)
def every_prefix():
    for form, content, ends in with_ends():
        for cut in range(len(content) + 1):
            path = harness.write(content[:cut])
            count, wrong = listed(form, path)
            equal(count, max(0, sum(end <= cut for end in ends) - 1),
                  f'records of {form} cut at {cut}')
            equal(wrong, not (cut in ends or cut == 0), f'a message for {form} cut at {cut}')


@test('and so does its mount: whole records, nothing of the cut one, the damage in .framefs/damage')
def every_prefix_mounted():
    _, content, ends = next(with_ends())
    for cut in range(len(content) + 1):
        with Mount(TAG4, harness.write(content[:cut])) as mount:
            whole = sum(end <= cut for end in ends) - 1
            equal([harness.read(r) for r in mount.records()], PAYLOADS[:whole],
                  f'records when cut at {cut}')
            equal(len(mount.control('damage').splitlines()), 1 if cut in ends else 2,
                  f'lines of damage at {cut}')
            equal(mount.control('archive'), content[:cut], f'archive at {cut}')


# ---- lengths ----

LENGTHS = (2**63 - 1, 2**63 - 12, 2**63 - 13, 2**62, 2**32, 2**31, 2**31 - 1, 0x7fffffff00000000,
           40, -1, -2, -12, -13,
           -2**31, -2**63, -2**63 + 1, -2**62)


@test('a length that is negative, past the end or overflows does no harm to the records before')
def bad_lengths():
    good = harness.tag4(PAYLOADS)
    for order, form in (('<', 'tag4-i64le'), ('>', 'tag4-i64be')):
        good = harness.tag4(PAYLOADS, order)
        for length in LENGTHS:
            path = harness.write(good + b'evil' + struct.pack(order + 'q', length)
                                 + b'some bytes more')
            result = framefs('ls', '--json', '--format=' + form, path, status=None)
            equal(len(result.out.splitlines()), 3, f'records before length {length}')
            contains(result.err, str(len(good)), f'offset in the message for length {length}')
            equal(mounted(form, path), PAYLOADS, f'records before length {length}')


@test('the widest lengths of every format are no crash and allocate nothing', fuse=False)
def wide_lengths():
    fills = [bytes([fill]) * 4096 for fill in (0xff, 0x7f, 0x80, 0x01)]
    fills += [b'9' * 4096, b'f' * 4096, b'7' * 4096]
    paths = [harness.write(fill, f'fill{number}') for number, fill in enumerate(fills)]
    limit = () if harness.under_sanitizer() else ('prlimit', f'--as={1 << 32}')
    for form in presets():
        result = harness.run(*limit, harness.FRAMEFS, 'info', '--json', '--format=' + form, *paths,
                             status=None)
        check(result.status in (0, 1), repr(result))
        equal([told['archive'] for told in json.loads(result.out)], paths, f'{form}: what is told')


@test('varints: ten bytes are read, an eleventh, a tenth above 1 and an unending one are malformed',
      fuse=False)
def varints():
    for head in (b'\xff' * 9 + b'\x02', b'\xff' * 10 + b'\x01', b'\xff' * 10 + b'\xff' * 20,
                 b'\x80' * 30, b'\x80',
                 b'\xff' * 9 + b'\x01', b'\xff' * 9 + b'\x7f'):
        path = harness.write(harness.delimited([b'good']) + head + b'0123456789')
        equal(listed('protobuf-delimited', path), (1, True), f'after {head!r}')
    # Ten bytes that say 3.
    path = harness.write(b'\x83' + b'\x80' * 8 + b'\x00' + b'abc')
    result = framefs('ls', '--json', '--format=protobuf-delimited', path, status=None)
    check(result.status in (0, 1), repr(result))


@test('decimal lengths: 20 digits at most, no sign, no overflow', fuse=False)
def decimals():
    for head in (b'18446744073709551616', b'99999999999999999999', b'184467440737095516150', b'-1',
                 b'+1', b'1 ', b'0x1',
                 b'', b'1' * 400, b'9223372036854775807', b'9223372036854775808'):
        path = harness.write(b'4:good,' + head + b':x,')
        equal(listed('netstring', path), (1, True), f'length {head!r}')


# ---- what is no archive ----

@test('directories, FIFOs and missing files are refused with their names, at once', fuse=False)
def no_file():
    where = harness.make_dir()
    fifo, directory = os.path.join(where, 'fifo'), os.path.join(where, 'dir')
    os.mkfifo(fifo)
    os.mkdir(directory)
    for path, name in ((fifo, 'fifo'), (directory, 'dir'), (os.path.join(where, 'none'), 'none'),
                       (os.path.join(directory, 'x', 'y'), 'y'), ('/dev/tty0/x', '/dev/tty0/x')):
        for command in (('info',), ('ls',), ('cat',), ('mount',)):
            last = {'cat': ['0'], 'mount': [harness.make_dir()]}.get(command[0], [])
            result = framefs(*command, '--format=tag4-i64le', path, *last, status=1, timeout=20)
            contains(result.err, name, f'message of {command[0]} for {name}')
            equal(result.out.replace(b'[]\n', b''), b'', f'stdout of {command[0]}')


@test('an archive that may not be read is refused to nobody, with its name', fuse=False)
def forbidden():
    if os.getuid() != 0 or not shutil.which('setpriv'):
        raise harness.Skip('needs root and setpriv')
    nobody = pwd.getpwnam('nobody')
    os.chmod(os.path.dirname(harness.make_dir()), 0o755)
    as_nobody = ['setpriv', f'--reuid={nobody.pw_uid}', f'--regid={nobody.pw_gid}',
                 '--clear-groups']
    program = os.path.join(harness.make_dir(), 'framefs')
    shutil.copy(harness.FRAMEFS, program)
    path = harness.write(harness.tag4(PAYLOADS))
    if subprocess.run([*as_nobody, program, 'info', TAG4, path], check=False,
                      stdin=subprocess.DEVNULL,
                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
        raise harness.Skip('nobody cannot run the program from the temporary folder')
    os.chmod(path, 0o600)
    result = harness.run(*as_nobody, program, 'info', TAG4, path, status=1)
    contains(result.err, path, 'message')
    contains(result.err, 'ermission', 'message')


@test('names with control bytes reach no terminal raw', fuse=False)
def raw_names():
    path = os.path.join(harness.make_dir(), 'x\x1b]0;owned\x07\n\x9by')
    result = framefs('info', path, status=1)
    check(not re.search(r'[\x00-\x09\x0b-\x1f\x7f]', result.err),
          f'control bytes in {result.err!r}')
    with open(path, 'wb') as stream:
        stream.write(harness.tag4(PAYLOADS) + b'junk' + b'\xff' * 8 + b'more')
    for arguments in (('info', TAG4), ('ls', TAG4), ('info', '--json', TAG4),
                      ('ls', '--json', TAG4)):
        result = framefs(*arguments, path, status=1)
        check(not re.search(rb'[\x00-\x09\x0b-\x1f\x7f]', result.out),
              f'control bytes in {result.out!r}')
        check(not re.search(r'[\x00-\x09\x0b-\x1f\x7f]', result.err),
              f'control bytes in {result.err!r}')


@test('names of members with control bytes, slashes or bad UTF-8 are shown escaped')
def raw_members():
    names = [b'\x1b[31mred', b'../../etc/passwd', b'\xff\xfe', b'new\nline', b'.', b'..', b'']
    odc = b''
    for number, name in enumerate(names):
        content = b'%d' % number
        odc += (b'070707' + b'000000' * 7 + b'00000000000' + b'%06o' % (len(name) + 1)
                + b'%011o' % len(content)
                + name + b'\0' + content)
    path = harness.write(odc)
    for arguments in (('ls',), ('ls', '--json')):
        result = framefs(*arguments, '--format=cpio-odc', path)
        check(not re.search(rb'[\x00-\x09\x0b-\x1f\x7f]', result.out),
              f'control bytes in {result.out!r}')
        result.out.decode('utf-8')
    with Mount('--format=cpio-odc', path) as mount:
        equal([harness.read(r) for r in mount.records()], [b'%d' % n for n in range(len(names))],
              'payloads')
        for name in mount.names():
            shown = os.getxattr(mount.path(name),
                                'user.framefs.name') if 'user.framefs.name' in os.listxattr(
                mount.path(name)) else b''
            check(not re.search(rb'[\x00-\x1f\x7f]', shown), f'control bytes in xattr {shown!r}')


# ---- descriptions ----

@test('a description that cannot be solved is refused before the archive is read, with a caret',
      fuse=False)
def descriptions():
    path = os.path.join(harness.make_dir(), 'never-opened')
    for bad in ('len:u32le', 'data', 'len:u99le data', 'len:u32le data data',
                'len:u32le=size(nowhere) data', '', ';;;;',
                'len:u32le data ;;', 'len:u32le*0 data', '"open', 'len:u32le{a:5} data',
                'u32le=crc32(data)', 'bytes[x] data',
                'len:u32le=frob(data) data', 'len:u32le data @what', 'x' * 5000,
                'len:u32le data "\\q"', '\x1b[31m'):
        result = framefs('info', '--frame', bad, path, status=2)
        if bad.strip(' ;'):
            contains(result.err, '^', f'caret for {bad[:40]!r}')
        check(not re.search(r'[\x00-\x09\x0b-\x1f\x7f]', result.err),
              f'control bytes in {result.err!r}')
    contains(framefs('info', '--format=tfrecrod', path, status=2).err, 'tfrecord',
             'suggestion for tfrecrod')


# ---- archives that change ----

def big_archive():
    payloads = [bytes([65 + n % 26]) * 200000 for n in range(12)]
    return payloads, harness.write(harness.tag4(payloads))


@test('an archive that shrinks while mounted gives EIO, never zeros')
def shrinks():
    payloads, path = big_archive()
    with Mount(TAG4, path) as mount:
        equal(mount.read('00000000') == payloads[0], True, 'record 0 before')
        os.truncate(path, 12 + 200000 + 12 + 100000)
        for number in (1, 2, 5, 11):
            fails((errno.EIO, errno.ESTALE), mount.read, f'{number:08}')


@test('an archive that is edited in place while mounted gives EIO, never the new bytes')
def edited():
    payloads, path = big_archive()
    with Mount(TAG4, path) as mount:
        equal(mount.read('00000000') == payloads[0], True, 'record 0 before')
        with open(path, 'r+b') as stream:
            stream.seek(3 * 200012)
            stream.write(b'edited, header and all ' * 3)
        os.utime(path, ns=(1, 1))
        for number in (2, 3, 4):
            fails((errno.EIO, errno.ESTALE), mount.read, f'{number:08}')


@test('an archive that another file replaces by its name is served on as it was')
def replaced():
    payloads, path = big_archive()
    with Mount(TAG4, path) as mount:
        other = harness.write(harness.tag4([b'other'] * 12))
        os.rename(other, path)
        for number in (0, 5, 11):
            equal(mount.read(f'{number:08}') == payloads[number], True, f'record {number}')


@test('an archive that is removed is served on')
def removed():
    payloads, path = big_archive()
    with Mount(TAG4, path) as mount:
        os.unlink(path)
        for number in (0, 11):
            equal(mount.read(f'{number:08}') == payloads[number], True, f'record {number}')


@test('an archive that grows keeps its records; the mount shows what was there')
def grows():
    payloads, path = big_archive()
    with Mount(TAG4, path) as mount:
        equal(len(mount.records()), 12, 'records before')
        with open(path, 'ab') as stream:
            stream.write(harness.tag4([b'more'] * 3))
        for number in (0, 6, 11):
            equal(mount.read(f'{number:08}') == payloads[number], True, f'record {number}')


# ---- random bytes ----

def mutations(random, content, count):
    for _ in range(count):
        changed = bytearray(content)
        for _ in range(random.choice((1, 1, 2, 8))):
            place = random.randrange(len(changed))
            kind = random.randrange(4)
            if kind == 0:
                changed[place] ^= 1 << random.randrange(8)
            elif kind == 1:
                changed[place] = random.choice((0, 0xff, 0x7f, 0x80))
            elif kind == 2:
                del changed[place:place + random.randrange(1, 16)]
            else:
                changed[place:place] = random.randbytes(random.randrange(1, 16))
            if not changed:
                changed = bytearray(b'\0')
        yield bytes(changed)


@test('random bytes, detected or told: an answer, no crash', fuse=False)
def noise():
    random = harness.seeded(23)
    names = presets()
    for _ in range(60):
        path = harness.write(random.randbytes(random.choice((1, 5, 17, 100, 5000))))
        result = framefs('info', path, status=None)
        check(result.status in (0, 1, 2), repr(result))
        listed(random.choice(names), path)


@test('damaged copies of real archives: the mount shows what ls lists, nothing hangs or crashes')
def damaged_samples():
    random = harness.seeded(29)
    for name, form in (('pptp.pcap', 'pcap'), ('OneMessage.mcap', 'mcap'),
                       ('test_reads.fastq.tfrecord', 'tfrecord'),
                       ('indextestdump_indextest_test_collection.bson', 'bson')):
        content = harness.read(os.path.join(harness.DATA, name))
        for number, changed in enumerate(mutations(random, content, 30)):
            path = harness.write(changed)
            count, _ = listed(form, path)
            if number % 6 == 0:
                equal(len(mounted(form, path)), count, f'records of a damaged {name} in {path}')


@test('damage in a payload stays in its record')
def local():
    payloads = [b'a' * 100, b'b' * 100, b'c' * 100]
    content = bytearray(harness.tfrecord(payloads))
    content[12 + 100 + 4 + 12 + 50] ^= 0xff
    got = mounted('tfrecord', harness.write(bytes(content)))
    equal((got[0], got[2]), (payloads[0], payloads[2]), 'the records around it')


harness.main()
