#!/usr/bin/env python3
"""The command line: exit codes, messages, pipes, signals, mount(8), dead mounts."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess

import harness
from harness import FRAMEFS, Foreground, Mount, check, contains, equal, fails, framefs, test

TAG4 = '--format=tag4-i64le'
PAYLOADS = [b'one', b'', b'three' * 30]


def archive():
    return harness.write(harness.tag4(PAYLOADS))


def shell(script, *arguments, status=0, **more):
    """bash -c SCRIPT with framefs in PATH."""
    environment = {**os.environ, 'PATH': os.path.dirname(FRAMEFS) + ':' + os.environ['PATH']}
    return harness.run('bash', '-c', script, 'bash', *arguments, status=status, env=environment,
                       **more)


# ---- usage ----

@test('--help and --version print to stdout and exit 0', fuse=False)
def help_version():
    for arguments in (('--help',), ('--version',), ('mount', '--help'), ('info', '--help'),
                      ('ls', '--help'),
                      ('cat', '--help'), ('synth', '--help'), ('formats', '--help'),
                      ('umount', '--help')):
        result = framefs(*arguments)
        check(result.out and not result.err, repr(result))
    check(re.search(r'\b0\.1\.0\b', framefs('--version').text), 'no version in --version')
    text = framefs('--help').text
    for command in ('mount', 'umount', 'info', 'ls', 'cat', 'synth', 'formats'):
        contains(text, command, '--help')


@test('the help fits a terminal of 80 columns, its texts folded between words', fuse=False)
def help_columns():
    commands = re.findall(r'^  framefs (\w+) ', framefs('help').text, re.MULTILINE)
    check(len(commands) > 8, commands)
    for arguments in [()] + [(command,) for command in commands]:
        text = framefs('help', *arguments).text
        for line in text.split('\n'):
            check(len(line) < 80 and line == line.rstrip(), f'{arguments}: {line!r}')
    contains(' '.join(framefs('help', 'cat').text.split()),
             'put TEXT after each record; \\n \\r \\t \\0 \\\\ \\xHH are understood', 'help cat')


@test('usage errors exit 2, name what is wrong and what is near', fuse=False)
def usage():
    contains(framefs('mont', 'a', 'b', status=2).err, 'mount', 'message for mont')
    contains(framefs('inof', archive(), status=2).err, 'info', 'message for inof')
    result = framefs('info', '--fromat=pcap', archive(), status=2)
    contains(result.err, '--fromat', 'message for --fromat')
    contains(result.err, '--format', 'message for --fromat')
    contains(framefs('info', '--format=pcpa', archive(), status=2).err, 'pcap',
             'message for --format=pcpa')
    result = framefs('mount', TAG4, '-o', 'layuot=flat', archive(), harness.make_dir(), status=2)
    contains(result.err, 'layout', 'message for -o layuot')
    for arguments in ((), ('info',), ('ls',), ('cat',), ('mount',),
                      ('mount', archive()), ('umount',),
                      ('synth',), ('mount', TAG4, '-o', 'layout=round', archive(),
                                   harness.make_dir()),
                      ('mount', TAG4, '-o', 'content=all', archive(), harness.make_dir()),
                      ('mount', TAG4, '-o', 'control=maybe', archive(), harness.make_dir()),
                      ('mount', TAG4, '-o', 'umask=9', archive(), harness.make_dir()),
                      ('mount', TAG4, '-o', 'uid=x', archive(), harness.make_dir()),
                      ('cat', TAG4, archive(), 'x'), ('cat', TAG4, archive(), '2-1'),
                      ('formats', 'nothing')):
        result = framefs(*arguments, status=2)
        check(result.err and not result.out, repr(result))


@test('an archive of an unknown format is refused with advice, one whose format is told is not',
      fuse=False)
def undetected():
    path = harness.write(b'\x01\x02\x03 nothing that frames')
    result = framefs('info', path, status=1)
    contains(result.err, '--format', 'advice')


@test('failures exit 1 and name the archive, and reach the caller of mount', fuse=True)
def failures():
    for arguments in (('info', 'none'), ('ls', 'none'), ('cat', 'none', '0')):
        contains(framefs(*arguments, status=1).err, 'none', f'message of {arguments[0]}')
    directory = harness.make_dir()
    contains(framefs('mount', TAG4, 'none', directory, status=1).err, 'none', 'message of mount')
    contains(framefs('mount', TAG4, archive(), directory + '/missing', status=1).err, 'missing',
             'message of mount')
    contains(framefs('mount', TAG4, archive(), archive(), status=1).err, 'archive',
             'message of mount on a file')
    check(not harness.is_mounted(directory), 'mounted after all')
    contains(framefs('cat', TAG4, archive(), '3', status=1).err, '3', 'message of cat past the end')


@test('framefs formats lists every format, formats NAME shows its description', fuse=False)
def formats():
    text = framefs('formats').text
    for name in ('tag4-i64le', 'tfrecord', 'pcap', 'bson', 'mcap'):
        contains(text, name, 'formats')
    contains(framefs('formats', 'pcap').text, '0xa1b2c3d4', 'formats pcap')
    contains(framefs('formats', 'tag4-i64le').text, 'i64le', 'formats tag4-i64le')


# ---- streams ----

@test('- reads a pipe: ls, info and cat tell the same as of the file', fuse=False)
def pipes():
    path = harness.write(harness.tag4([b'%d' % n * n for n in range(300)]))
    for arguments in ('ls --json {}', 'cat {} 0 17 100-199', 'cat {} -1', 'ls {}'):
        direct = shell('framefs ' + arguments.format('"$1"') + ' ' + TAG4, path).out
        piped = shell('cat "$1" | framefs ' + arguments.format('-') + ' ' + TAG4, path).out
        equal(piped, direct, arguments)
    told = json.loads(shell('cat "$1" | framefs info --json - ' + TAG4, path).out)[0]
    direct = json.loads(framefs('info', '--json', TAG4, path).out)[0]
    equal(told.get('records'), direct.get('records'), 'records of info')
    contains(shell('cat "$1" | framefs info -', os.path.join(harness.DATA, 'pptp.pcap')).text,
             'pcap', 'detection')


@test('a pipe that damage ends early: what was scanned, and no size', fuse=False)
def broken_pipe():
    # Nothing tells where the next line is the right one, so that the search ends at once.
    framing = ('--frame', '"A" len:u8 line data')
    content = b'A\x03\nabc' * 20 + b'B' + b'\0' * 99
    found = json.loads(framefs('info', '--json', *framing, '-', stdin=content, status=1).out)[0]
    equal((found['records'], found['scanned_bytes'], found['archive_bytes']), (20, 120, 0), 'JSON')
    for command in ('info', 'verify'):
        text = framefs(command, *framing, '-', stdin=content, status=1).text
        contains(text, 'of unknown size', command)
        check('archive   0 B' not in text and ', 0 bytes' not in text, f'{command}: {text}')


@test('a reader that stops early ends a command quietly', fuse=False)
def early():
    path = harness.write(harness.tag4([b'x' * 10] * 200000))
    for command in (f'ls {TAG4} "$1"', f'ls --json {TAG4} "$1"', f'cat {TAG4} "$1" 0-199999',
                    'synth 1G', 'synth 1G lines'):
        result = shell(f'framefs {command} | head -n 1 | head -c 100; exit "${{PIPESTATUS[0]}}"',
                       path, status=None)
        check(result.status in (0, 141), f'status {result.status} of {command}')
        equal(result.err, '', f'stderr of {command}')
    result = shell(f'framefs ls {TAG4} "$1" | true; exit "${{PIPESTATUS[0]}}"', path, status=None)
    equal(result.err, '', 'stderr of ls | true')


@test('a full disk is an error: /dev/full', fuse=False)
def full():
    path = archive()
    for command in (f'ls {TAG4} "$1"', f'ls --json {TAG4} "$1"', f'info {TAG4} "$1"',
                    f'info --json {TAG4} "$1"',
                    f'cat {TAG4} "$1" 0', 'synth 100', 'formats', '--help', '--version'):
        result = shell(f'framefs {command} >/dev/full', path, status=1)
        check(result.err, f'no message of {command}')


@test('closed stdin, stdout or stderr never end up as the archive or the mount', fuse=False)
def closed():
    path = archive()
    before = harness.read(path)
    for closing in ('<&-', '>&-', '2>&-', '<&- >&- 2>&-'):
        shell(f'framefs info {TAG4} "$1" {closing}', path, status=None)
        shell(f'framefs info {TAG4} /nowhere {closing}', path, status=None)
    equal(harness.read(path), before, 'the archive')


@test('nothing but text in a pipe: no progress bar, no colour, and JSON that parses', fuse=False)
def plain():
    path = harness.write(harness.tag4([b'x' * 100] * 100000))
    for arguments in (('info', TAG4, path), ('ls', TAG4, path), ('formats',),
                      ('info', '--json', TAG4, path)):
        result = framefs(*arguments)
        equal(result.err, '', f'stderr of {arguments[0]}')
        check(b'\x1b' not in result.out, f'escape codes of {arguments[0]}')
    equal(type(json.loads(framefs('info', '--json', TAG4, path, archive()).out)), list,
          'info --json of two archives')
    for line in framefs('ls', '--json', TAG4, archive()).out.splitlines():
        equal(type(json.loads(line)), dict, 'a line of ls --json')


@test('framefs info of two archives tells of both, and of the good one when the other is missing',
      fuse=False)
def two():
    one, other = archive(), harness.write(harness.tag4([b'x'] * 7), 'other')
    text = framefs('info', TAG4, one, other).text
    contains(text, 'other', 'info')
    result = framefs('info', TAG4, 'missing', other, status=1)
    contains(result.text, 'other', 'info of the good one')
    contains(result.err, 'missing', 'message')


@test('framefs cat with ranges in any order, also from the end', fuse=False)
def ranges():
    path = archive()
    for arguments, want in ((('0',), PAYLOADS[0]), (('2', '0'), PAYLOADS[2] + PAYLOADS[0]),
                            (('-1',), PAYLOADS[2]),
                            (('0-2',), b''.join(PAYLOADS)), (('-3',), PAYLOADS[0]),
                            (('0', '0'), PAYLOADS[0] * 2)):
        equal(framefs('cat', TAG4, path, *arguments).out, want, f'cat {arguments}')
    for bad in ('3', '-4', '1-5'):
        framefs('cat', TAG4, path, bad, status=1)


# ---- mounting ----

@test('x=$(framefs mount ...) returns; the server keeps none of the caller\'s streams')
def captured():
    path, directory = archive(), harness.make_dir()
    result = shell('x=$(framefs mount "$1" "$2" "$3" 2>&1) && echo "[$x]"', TAG4, path, directory,
                   timeout=60)
    try:
        equal(result.out, b'[]\n', 'what mount printed')
        for server in harness.servers_of(directory):
            for name in ('0', '1', '2'):
                equal(os.readlink(f'/proc/{server}/fd/{name}'), '/dev/null',
                      f'descriptor {name} of the server')
            equal(os.readlink(f'/proc/{server}/cwd'), '/', 'its working directory')
    finally:
        servers = harness.servers_of(directory)
        framefs('umount', directory)
    for server in servers:
        equal(harness.wait_exit(server), 0, 'status of the server')


@test('relative paths of archive and directory are those of the caller')
def relative():
    where = harness.make_dir()
    harness.write(harness.tag4(PAYLOADS), 'a', where)
    os.mkdir(os.path.join(where, 'm'))
    framefs('mount', TAG4, 'a', 'm', cwd=where)
    full_path = os.path.join(where, 'm')
    try:
        equal(harness.read(os.path.join(full_path, '00000000')), PAYLOADS[0], 'record 0')
    finally:
        servers = [pid for pid in harness.children()
                   if os.path.samefile(f'/proc/{pid}/exe', FRAMEFS)]
        framefs('umount', 'm', cwd=where)
        for server in servers:
            equal(harness.wait_exit(server), 0, 'status of the server')
    check(not harness.is_mounted(full_path), 'still mounted')


@test('the mount is usable when mount returns, 20 times in a row')
def usable():
    path, directory = archive(), harness.make_dir()
    for _ in range(20):
        with Mount(TAG4, path, where=directory) as mount:
            equal(mount.read('00000002'), PAYLOADS[2], 'record 2')


@test('SIGTERM and SIGINT unmount and end with status 0, in the background and with -f')
def signals():
    for number in (signal.SIGTERM, signal.SIGINT):
        with Foreground(TAG4, archive()) as mount:
            mount.process.send_signal(number)
            equal(mount.process.wait(harness.LIMIT_S), 0, f'status after {number!r}')
            check(not harness.is_mounted(mount.dir), f'still mounted after {number!r}')
        mount = Mount(TAG4, archive())
        os.kill(mount.server, number)
        equal(harness.wait_exit(mount.server), 0, f'status in the background after {number!r}')
        check(not harness.is_mounted(mount.dir), f'still mounted after {number!r}')


@test('umount of a busy mount says so; --lazy detaches it')
def busy():
    with Mount(TAG4, archive()) as mount:
        descriptor = os.open(mount.path('00000002'), os.O_RDONLY)
        try:
            result = framefs('umount', mount.dir, status=1)
            contains(result.err, 'busy', 'message')
            check(harness.is_mounted(mount.dir), 'gone although busy')
            equal(os.pread(descriptor, 5, 0), b'three', 'a read after the refused umount')
            framefs('umount', '--lazy', mount.dir)
            check(not harness.is_mounted(mount.dir), 'still there after --lazy')
        finally:
            os.close(descriptor)


@test('umount of what framefs did not mount is refused')
def umount_refused():
    directory = harness.make_dir()
    contains(framefs('umount', directory, status=1).err, directory, 'message for no mount')
    framefs('umount', directory + '/missing', status=1)
    contains(framefs('umount', '/proc', status=1).err, '/proc', 'message for /proc')
    check(os.path.exists('/proc/self'), '/proc is gone')


@test('a mount whose server was killed is recognised by mount, and cleared by umount')
def dead():
    path = archive()
    mount = Mount(TAG4, path, dead=True)
    try:
        mount.kill()
        fails(errno.ENOTCONN, os.listdir, mount.dir)
        result = framefs('mount', TAG4, path, mount.dir, status=1)
        contains(result.err, 'framefs umount', 'advice')
        framefs('umount', mount.dir)
        check(not harness.is_mounted(mount.dir), 'still mounted')
        with Mount(TAG4, path, where=mount.dir) as again:
            equal(again.read('00000000'), PAYLOADS[0], 'a new mount at the same place')
    finally:
        if harness.is_mounted(mount.dir):
            harness.run('umount', '-l', mount.dir)


def serve_check(directory):
    """Looks at the mount that some other program made, and unmounts it."""
    try:
        check(harness.is_mounted(directory), 'not mounted')
        equal(sorted(os.listdir(directory)), ['00000000', '00000001', '00000002'], 'listing')
        equal(harness.read(os.path.join(directory, '00000002')), PAYLOADS[2], 'record 2')
        options = [o for where, _, o in harness.mounts() if where == os.fsencode(directory)][0]
    finally:
        servers = harness.servers_of(directory)
        harness.run('umount', directory, status=None)
    for server in servers:
        equal(harness.wait_exit(server), 0, 'status of the server')
    return options.split(',')


@test('framefs ARCHIVE DIR -o ro,nosuid,nodev,noexec,x-...,nofail,_netdev, as in fstab')
def fstab_style():
    directory = harness.make_dir()
    framefs(archive(), directory, '-o',
            'ro,nosuid,nodev,noexec,noatime,x-systemd.automount,nofail,_netdev,auto,user,'
            'format=tag4-i64le')
    options = serve_check(directory)
    for option in ('ro', 'nosuid', 'nodev', 'noexec'):
        check(option in options, f'{option} in {options}')


@test('mount -t fuse.framefs with options, through mount(8)')
def mount_program():
    if os.getuid() != 0 or not shutil.which('mount.fuse3'):
        raise harness.Skip('needs root and mount.fuse3')
    directory = harness.make_dir()
    # mount(8) looks for framefs in the system's folders: one is put there in a namespace.
    script = """set -e
        mount --make-rprivate /
        mount -t tmpfs none /usr/local/bin
        ln -s "$1" /usr/local/bin/framefs
        mount -t fuse.framefs "$2" "$3" -o ro,format=tag4-i64le,layout=flat,nosuid
        grep " $3 fuse.framefs .*nosuid" /proc/self/mounts
        ls "$3"
        umount "$3"
        ! mount -t fuse.framefs /nowhere/missing "$3" -o ro,format=tag4-i64le 2>&1
        ! grep " $3 " /proc/self/mounts"""
    result = harness.run('unshare', '-m', 'bash', '-c', script, 'bash', FRAMEFS, archive(),
                         directory)
    for server in harness.servers_of(directory):
        equal(harness.wait_exit(server), 0, 'status of the server')
    contains(result.text, '00000000\n00000001\n00000002\n', 'listing')
    contains(result.text, 'missing', 'message of a mount that failed')


@test('an ordinary user mounts, reads and unmounts through fusermount3')
def unprivileged():
    if os.getuid() != 0 or not shutil.which('setpriv') or not shutil.which('fusermount3'):
        raise harness.Skip('needs root, setpriv and fusermount3')
    folder, directory = harness.make_dir(), harness.make_dir()
    shutil.copy(FRAMEFS, os.path.join(folder, 'framefs'))
    os.chown(directory, 65534, 65534)
    # /dev/fuse may be root's alone: in a namespace it is not.
    script = """set -e
        mount --make-rprivate /
        mknod -m 666 "$1/fuse" c 10 229
        mount --bind "$1/fuse" /dev/fuse
        setpriv --reuid=65534 --regid=65534 --clear-groups bash -ec '
            "$1/framefs" mount --format=tag4-i64le "$2" "$3"
            cat "$3/00000000"
            stat -c " %u:%g %A" "$3/00000000"
            "$1/framefs" umount "$3"' bash "$@"
        ! grep " $3 " /proc/self/mounts"""
    result = harness.run('unshare', '-m', 'bash', '-c', script, 'bash', folder, archive(),
                         directory)
    for pid, command in harness.children().items():
        if directory in command:
            equal(harness.wait_exit(pid), 0, 'status of the server')
    equal(result.text, 'one 65534:65534 -r--r--r--\n', 'what the user saw')


@test('auto_unmount: the mount of a killed server is gone')
def auto_unmount():
    with Mount(TAG4, '-o', 'auto_unmount', archive(), dead=True) as mount:
        equal(mount.read('00000000'), PAYLOADS[0], 'record 0')
        mount.kill()
        harness.wait_for(lambda: not harness.is_mounted(mount.dir), 'unmounted')
    for pid in harness.children():
        harness.wait_exit(pid)


@test('called as mount.framefs it does the same, with the options that mount(8) passes to helpers')
def helper():
    folder, directory = harness.make_dir(), harness.make_dir()
    os.symlink(FRAMEFS, os.path.join(folder, 'mount.framefs'))
    harness.run(os.path.join(folder, 'mount.framefs'), archive(), directory, '-o',
                'rw,dev,suid,format=tag4-i64le')
    serve_check(directory)


@test('every long option of mount is an -o option as well')
def option_forms():
    path = archive()
    for arguments in (('--layout=tree',), ('-o', 'layout=tree'), ('-olayout=tree',),
                      ('--layout', 'tree')):
        with Mount(TAG4, *arguments, path) as mount:
            equal(mount.names(), ['000'], f'with {arguments}')
    with Mount('-o', 'format=tag4-i64le,layout=tree', '-o', 'content=frame', path) as mount:
        equal(mount.read('000/000/000000000'), harness.tag4([b'one']), 'record 0')


@test('allow_other and default_permissions reach the kernel')
def kernel_options():
    with Mount(TAG4, '-o', 'allow_other,default_permissions', archive()) as mount:
        options = [o for where, _, o in harness.mounts()
                   if where == os.fsencode(mount.dir)][0].split(',')
        check('allow_other' in options and 'default_permissions' in options, f'{options}')
    if os.getuid() == 0 and shutil.which('setpriv'):
        for options, status in (([], 1), (['-o', 'allow_other'], 0)):
            with Mount(TAG4, *options, archive()) as mount:
                done = subprocess.run(['setpriv', '--reuid=65534', '--regid=65534',
                                       '--clear-groups', 'cat',
                                       mount.path('00000000')], stdout=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL,
                                      stdin=subprocess.DEVNULL, check=False)
                equal(done.returncode, status, f'cat as nobody with {options}')


@test('options of fstab about times of access are accepted, one without its value is told so')
def fstab_times():
    for option in ('relatime', 'norelatime', 'strictatime', 'nodiratime', 'lazytime'):
        with Mount(TAG4, '-o', option, archive()):
            pass
    done = framefs('mount', '-o', 'max_read', archive(), harness.make_dir(), status=2)
    contains(done.err, "'max_read' needs a value", 'stderr')


@test('mount says at once what is damaged, once')
def mount_tells_damage():
    path = archive()
    with Mount('--format=pcap', path) as mount:
        equal(mount.result.err.count('\n'), 1, f'lines of {mount.result.err!r}')
        contains(mount.result.err, 'record 0 at byte 0', 'stderr')
    with Mount(TAG4, '--max-records=1', path) as mount:
        equal(mount.result.err.count('\n'), 1, f'lines of {mount.result.err!r}')
        contains(mount.result.err, 'which is the limit', 'stderr')
    with Mount(TAG4, path) as mount:
        equal(mount.result.err, '', 'stderr without damage')


@test('umount knows a mount of another subtype by its answer')
def umount_subtype():
    with Mount(TAG4, '-o', 'subtype=other', archive()) as mount:
        contains([kind for where, kind, _ in harness.mounts()
                  if where == os.fsencode(mount.dir)], 'fuse.other', 'types')


@test('umount shows no control byte of a name')
def umount_names():
    done = framefs('umount', harness.make_dir() + '/\x1b[31m', status=1)
    contains(done.err, '\\x1b[31m', 'stderr')


@test('too few descriptors to mount: a message, not silence')
def few_descriptors():
    path, directory = archive(), harness.make_dir()
    for limit in [*range(4, 16), 24, 32, 33]:
        # Whoever reads its output to the end does not wait for the server.
        done = harness.run('sh', '-c', f'ulimit -n {limit}; exec "$@"', 'sh', FRAMEFS, 'mount',
                           TAG4, path, directory, status=0 if limit > 32 else 1)
        if limit > 32:
            equal(done.err, '', f'stderr with {limit} descriptors')
            equal(harness.read(os.path.join(directory, '00000000')), PAYLOADS[0], 'record 0')
            framefs('umount', directory)
        else:
            contains(done.err, f'only {limit} files may be open at a time, and this mount needs '
                     '33: raise the limit (ulimit -n)', f'stderr with {limit} descriptors')


@test('files that may not grow at all (ulimit -f): a message, not a signal')
def no_growth():
    done = harness.run('sh', '-c', 'ulimit -f 1; exec "$@"', 'sh', FRAMEFS, 'mount', TAG4,
                       archive(), harness.make_dir(), status=1)
    contains(done.err, 'File too large; raise the limit of a file\'s size (ulimit -f)', 'stderr')


@test('a mount on a directory that is not empty, and two mounts side by side, work')
def two_mounts():
    directory = harness.make_dir()
    harness.write(b'below', 'file', directory)
    with Mount(TAG4, archive(), where=directory) as first, Mount(TAG4, archive()) as second:
        equal(first.names(), second.names(), 'listings')
    equal(os.listdir(directory), ['file'], 'the directory after umount')


@test('many readers at once get the right bytes')
def readers():
    payloads = [b'%06d' % n * 500 for n in range(600)]
    path = harness.write(harness.tag4(payloads))
    with Mount(TAG4, path) as mount:
        script = ('for i in 1 2 3 4; do (find "$1" -type f | sort | xargs cat | sha256sum) & done;'
                  'wait')
        sums = harness.run('sh', '-c', script, 'sh', mount.dir).out.split(b'\n')[:-1]
        import hashlib
        want = hashlib.sha256(b''.join(payloads)).hexdigest().encode() + b'  -'
        equal(sums, [want] * 4, 'sums of four readers')


harness.main()
