#!/usr/bin/env python3
"""Formats of one's own: where they are read, which of them is taken, what is said of wrong ones."""

import json
import os
import re
import shutil
import struct
import threading

import harness
from harness import FRAMEFS, Mount, check, contains, equal, framefs, test

PAYLOADS = [b'one', b'', b'three' * 30]
MINE = '[mine]\ntitle = My log\next = .mine\nframe = "MINE" len:u16be data\n'
LIMIT_BYTES = 1 << 20
LIMIT_FORMATS = 1024


def archive():
    """An archive of the format of MINE."""
    return harness.write(b''.join(b'MINE' + struct.pack('>H', len(p)) + p for p in PAYLOADS))


def ini(text, name='mine.ini', where=None):
    return harness.write(text.encode(), name, where)


def configured(files):
    """The environment with these files, {name: text}, in the user's formats.d."""
    config = harness.make_dir('config')
    where = os.path.join(config, 'framefs', 'formats.d')
    os.makedirs(where)
    for name, text in files.items():
        ini(text, name, where)
    return {**os.environ, 'XDG_CONFIG_HOME': config}


def paths_in(environment):
    return os.path.join(environment['XDG_CONFIG_HOME'], 'framefs', 'formats.d')


def described(name, *arguments, **more):
    """What framefs formats --json tells of one format."""
    return json.loads(framefs('formats', '--json', *arguments, name, **more).text)[0]


def lines_of(*arguments, **more):
    """framefs formats: {name: [columns]}"""
    text = framefs('formats', *arguments, **more).text
    return {line.split()[0]: re.split(r'  +', line) for line in text.splitlines()}


# ---- where they are read ----

@test('a format of --formats is known by name to info, ls, cat and formats', fuse=False)
def by_option():
    path, own = archive(), ini(MINE)
    for arguments in (('--format=mine', f'--formats={own}'),
                      ('--formats', own, '--format', 'mine')):
        told = json.loads(framefs('info', '--json', *arguments, path).text)[0]
        equal((told['format'], told['records']), ('mine', 3), 'info')
        equal(len(framefs('ls', *arguments, path).text.splitlines()), 3, 'lines of ls')
        equal(framefs('cat', *arguments, path).out, b''.join(PAYLOADS), 'cat')
    equal(described('mine', f'--formats={own}')['origin'], own, 'origin')


@test('formats of the user and of the system are known to every command, and detected', fuse=False)
def by_directory():
    environment, path = configured({'mine.ini': MINE}), archive()
    contains(framefs('info', path, status=1).err, 'no known format', 'detection without it')
    told = json.loads(framefs('info', '--json', path, env=environment).text)[0]
    equal((told['format'], told['records']), ('mine', 3), 'detected')
    equal(framefs('cat', '--format=mine', path, '0', env=environment).out, b'one', 'cat')

    home = harness.make_dir('home')
    os.makedirs(os.path.join(home, '.config/framefs'))
    shutil.copytree(paths_in(environment), os.path.join(home, '.config/framefs/formats.d'))
    unset = {k: v for k, v in os.environ.items() if k != 'XDG_CONFIG_HOME'}
    for more in ({'HOME': home}, {'HOME': home, 'XDG_CONFIG_HOME': ''},
                 {'HOME': home, 'XDG_CONFIG_HOME': 'relative'}):
        equal(framefs('cat', path, '0', env={**unset, **more}).out, b'one', f'cat with {more}')
    for more in ({}, {'HOME': 'relative'}, {'HOME': '/dev/null'}):
        framefs('formats', env={'PATH': os.environ['PATH'], **more})


@test('/etc/framefs/formats.d is read, and what the user has outranks it', fuse=False)
def by_system():
    if os.geteuid() != 0 or not shutil.which('unshare'):
        raise harness.Skip('needs root and unshare(1)')
    etc, path = harness.make_dir('etc'), archive()
    os.makedirs(os.path.join(etc, 'framefs/formats.d'))
    ini(MINE.replace('My log', 'Of the system'), 'a.ini', os.path.join(etc, 'framefs/formats.d'))
    script = 'mount --make-rprivate / && mount --bind "$1" /etc && shift && exec "$@"'

    def inside(*arguments, **more):
        return harness.run('unshare', '-m', 'sh', '-c', script, 'sh', etc, FRAMEFS, *arguments,
                           **more)

    told = json.loads(inside('formats', '--json', 'mine').text)[0]
    equal((told['title'], told['origin']),
          ('Of the system', '/etc/framefs/formats.d/a.ini'), 'mine')
    equal(inside('cat', path, '0').out, b'one', 'cat')
    told = json.loads(inside('formats', '--json', 'mine', env=configured({'b.ini': MINE})).text)[0]
    equal(told['title'], 'My log', 'the title of the one that is taken')


@test('a mount knows formats of one\'s own: by name, by -o formats=, detected, in fstab\'s style')
def mounted():
    path, own = archive(), ini(MINE)
    for arguments in (('--formats', own, path), ('-o', f'formats={own},format=mine', path),
                      ('-o', f'formats={own},content=file', path)):
        with Mount(*arguments) as mount:
            names = sorted(mount.names())
            equal(len(names), 3, f'records with {arguments}')
            contains(json.loads(mount.control('info.json'))[0]['format'], 'mine', 'info.json')
            equal(names[0].endswith('.mine'), 'content=file' in arguments[1], 'extension')
    with Mount('-o', 'format=mine', path, env=configured({'mine.ini': MINE})) as mount:
        equal(mount.read('00000002'), PAYLOADS[2], 'a record')
    directory = harness.make_dir('mnt')
    framefs(path, directory, '-o', 'ro,nofail,format=mine', env=configured({'mine.ini': MINE}))
    try:
        equal(harness.read(os.path.join(directory, '00000000')), b'one', 'a record')
    finally:
        framefs('umount', directory)
        for pid in harness.servers_of(directory):
            harness.wait_exit(pid)


@test('a relative file of --formats, and a pipe, are read before the mount goes to the background')
def relative():
    path, own = archive(), ini(MINE)
    with Mount('--formats', os.path.basename(own), '--format=mine', path,
               cwd=os.path.dirname(own)) as mount:
        equal(mount.read('00000000'), b'one', 'a record')
    reader, writer = os.pipe()
    thread = threading.Thread(target=lambda: (os.write(writer, MINE.encode()), os.close(writer)))
    thread.start()
    result = framefs('cat', f'--formats=/dev/fd/{reader}', path, '0', pass_fds=(reader,))
    thread.join()
    os.close(reader)
    equal(result.out, b'one', 'with a pipe')


# ---- which is taken ----

@test('of one name the last that was read is taken: built-in, by name of file, then --formats',
      fuse=False)
def precedence():
    def titled(title):
        return f'[pcap]\ntitle = {title}\nframe = len:u8 data\n'

    environment = configured({'1.ini': titled('first'), '2.ini': titled('second')})
    equal(described('pcap')['origin'], 'built-in', 'origin')
    equal(described('pcap', env=environment)['title'], 'second', 'of two files')
    files = [ini(titled('third')), ini(titled('fourth'))]
    options = [f'--formats={path}' for path in files]
    told = described('pcap', *options, env=environment)
    equal((told['title'], told['origin']), ('fourth', files[1]), 'of --formats')
    line = lines_of(*options, env=environment)['pcap']
    equal(line[1], 'fourth', 'the table')
    contains(line[-1], 'replaces built-in', 'the table')


@test('a format of one\'s own is taken when a built-in one fits as well', fuse=False)
def outranks():
    packets = harness.write(harness.pcap([(7, 9, b'abc'), (8, 9, b'defg')]))
    equal(json.loads(framefs('info', '--json', packets).text)[0]['format'], 'pcap', 'built in')
    frames = described('pcap')['description'].replace('title =', '; title =')
    told = framefs('info', '--json', f'--formats={ini("[again]" + chr(10) + frames)}', packets)
    equal(json.loads(told.text)[0]['format'], 'again', 'with a second one')


# ---- what is listed ----

@test('formats lists name, title, extension, content and origin in columns', fuse=False)
def listed():
    lines = lines_of(f'--formats={ini(MINE)}')
    equal(lines['pcap'], ['pcap', 'Packet capture', '.pcap', 'payload', 'built-in'], 'pcap')
    equal(lines['marc'][3], 'frame', 'content of marc')
    equal(lines['mine'][:4], ['mine', 'My log', '.mine', 'payload'], 'mine')
    text = framefs('formats').text.splitlines()
    for word in ('payload', 'built-in'):
        columns = {line.index(word) for line in text if 'payload' in line.split()}
        equal(len(columns), 1, f'columns where {word} stands')


@test('formats --json tells each format with all its texts', fuse=False)
def as_json():
    told = json.loads(framefs('formats', '--json', f'--formats={ini(MINE)}').text)
    names = [one['name'] for one in told]
    equal(len(names), len(set(names)), 'distinct names')
    check({'pcap', 'tfrecord', 'mine'} <= set(names), names)
    for one in told:
        equal(sorted(one), ['about', 'content', 'description', 'extension', 'name', 'origin',
                            'spec', 'title'], one['name'])
        check(one['origin'] != 'built-in' or (one['title'] and one['about']), one)
    mrt = next(one for one in told if one['name'] == 'mrt')
    contains(mrt['spec'], 'RFC 6396', 'spec of mrt')
    contains(mrt['description'], 'frame.et = ', 'description of mrt')


@test('a format printed as INI is the same format again', fuse=False)
def again():
    packets = os.path.join(harness.DATA, 'pptp.pcap')
    own = ini('[copy]\n' + described('pcap')['description'])
    equal(framefs('ls', '--json', f'--formats={own}', '--format=copy', packets).out,
          framefs('ls', '--json', '--format=pcap', packets).out, 'ls of both')


@test('formats NAME explains a format, one of one\'s own too, and ends with its description',
      fuse=False)
def explained():
    own = ini(MINE + 'spec = the wiki\nresync = "MINE"\n')
    text = framefs('formats', f'--formats={own}', 'mine').text
    for line in ('mine: My log', 'Specification  the wiki', 'Extension      .mine',
                 f'From           {own}',
                 'After damage the next frame is searched by its magic "MINE".',
                 '  0       4             "MINE"',
                 '  4       2      len    length of data; big-endian unsigned',
                 '  6       len    data   the payload'):
        contains('\n' + text, f'\n{line}\n', 'formats mine')
    description = described('mine', f'--formats={own}')['description']
    check(text.endswith(f'\n[mine]\n{description}'), text)


# ---- what is wrong ----

WRONG = (
    ('[mine]\nframe = len:u16be dta\n', 2, "did you mean 'data'"),
    ('[mine]\nframe = len:u8 data\n[mine]\nframe = len:u16be data\n', 3, 'already'),
    ('[mine]\nframe = len:u8 data\nfrme = data[1]\n', 3, "did you mean 'frame'"),
    ('[mine]\nframe = len:u8 data\nframe = data[1]\n', 3, 'given twice'),
    ('[mine]\nframe = len:u8 data\nnonsense\n', 3, 'KEY = VALUE'),
    ('[mine]\nframe = len:u8 data\ntitle = \x1b[31mred\n', 3, 'control byte'),
)


@test('a wrong file of --formats is an error that names file, line and why', fuse=False)
def wrong_option():
    path = archive()
    for text, line, why in WRONG:
        own = ini(text)
        for arguments in (('formats',), ('info', path), ('cat', '--format=pcap', path)):
            result = framefs(*arguments, f'--formats={own}', status=1)
            contains(result.err, f'{own}: line {line}: ', 'message')
            contains(result.err, why, 'message')
            check('\x1b' not in result.err and not result.out, repr(result))
    missing = harness.make_path('missing.ini')
    contains(framefs('formats', f'--formats={missing}', status=1).err, missing, 'message')
    contains(framefs('formats', f'--formats={harness.make_dir()}', status=1).err, 'directory',
             'message for a directory')
    contains(framefs('formats', '--formats', status=2).err, 'FILE', 'message without a file')


@test('a wrong file in formats.d is a warning that names file, line and why, and the rest is used',
      fuse=False)
def wrong_directory():
    path = archive()
    for text, line, why in WRONG:
        environment = configured({'wrong.ini': text + '[also]\nframe = len:u24be data\n',
                                  'right.ini': MINE.replace('[mine]', '[right]')})
        place = os.path.join(paths_in(environment), 'wrong.ini')
        told = framefs('info', '--json', path, env=environment)
        equal(json.loads(told.text)[0]['format'], 'right', 'detected')
        contains(told.err, f'warning: {place}: line {line}: ', 'warning')
        contains(told.err, why, 'warning')
        equal(told.err.count('warning'), 1, 'warnings')
        framefs('info', '--format=also', path, env=environment, status=1)
        # What is wanted and wrong is an error, and no other format of its name.
        result = framefs('info', '--format=mine', path, env=environment, status=2)
        contains(result.err.split('warning')[-1], f'{place}: line {line}: ', 'error')
        framefs('formats', 'mine', env=environment, status=1)
        check('wrong' in lines_of(env=environment)['mine'][1], 'the table does not tell')


@test('a wrong format is not taken for the built-in one of its name', fuse=False)
def wrong_namesake():
    packets = os.path.join(harness.DATA, 'pptp.pcap')
    environment = configured({'pcap.ini': '[pcap]\nframe = len:u8\n'})
    contains(framefs('info', '--format=pcap', packets, env=environment, status=2).err, 'pcap.ini',
             'message')
    result = framefs('info', packets, env=environment, status=None)
    check('format: pcap\n' not in result.text, repr(result))


@test('what is in formats.d and is no file is told, other names are none of it', fuse=False)
def other_files():
    environment = configured({'note.txt': 'no INI', '.hidden.ini': 'no INI', 'x.ini~': 'no INI'})
    where = paths_in(environment)
    equal(framefs('formats', env=environment).err, '', 'message')
    os.mkdir(os.path.join(where, 'a.ini'))
    os.mkfifo(os.path.join(where, 'b.ini'))
    os.symlink('nowhere', os.path.join(where, 'c.ini'))
    with open(os.path.join(where, 'd\n\x1b.ini'), 'w', encoding='utf-8') as stream:
        stream.write('nonsense\n')
    result = framefs('formats', env=environment)
    equal(len(result.err.splitlines()), 4, f'lines of {result.err}')
    for name in ('a.ini', 'b.ini', 'c.ini', 'd\\x0a\\x1b.ini'):
        contains(result.err, f'{where}/{name}: ', 'warnings')


@test('with --frame no format of one\'s own is looked at', fuse=False)
def with_frame():
    environment = configured({'wrong.ini': 'nonsense\n'})
    equal(framefs('cat', '--frame', '"MINE" len:u16be data', archive(), '0', env=environment).err,
          '', 'message')


# ---- limits ----

@test('a file has at most 1 MiB and all together at most 1024 formats; lines may be long',
      fuse=False)
def limits():
    most = ini(MINE + '\n' * (LIMIT_BYTES - len(MINE)))
    equal(described('mine', f'--formats={most}')['title'], 'My log', 'title')
    over = ini(MINE + '\n' * (LIMIT_BYTES + 1 - len(MINE)))
    contains(framefs('formats', f'--formats={over}', status=1).err, '1 MiB', 'message')
    contains(framefs('formats', '--formats=/dev/zero', status=1).err, '1 MiB', 'message')
    names = [f'n{number}' for number in range(LIMIT_FORMATS)]
    text = ''.join(f'[{name}]\nframe = len:u8 data\n' for name in names)
    check(set(names) < set(lines_of(f'--formats={ini(text)}')), 'not all are listed')
    contains(framefs('formats', f'--formats={ini(text)}', f'--formats={ini(MINE)}', status=1).err,
             '1024 formats', 'message')
    items = ' '.join('u8=(' + ' '.join(str(n) for n in range(100)) + ')' for _ in range(2))
    own = ini(f'[long]\nframe = {items} len:u8 data\n')
    path = harness.write(bytes([7, 99, 2]) + b'ab' + bytes([0, 0, 1]) + b'c')
    equal(framefs('cat', '--format=long', f'--formats={own}', path).out, b'abc', 'cat')
    options = [f'--formats={ini(MINE)}'] * 64
    framefs('formats', *options)
    contains(framefs('formats', *options, options[0], status=2).err, '64', 'message')


harness.main()
