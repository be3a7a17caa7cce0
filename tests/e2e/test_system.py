#!/usr/bin/env python3
"""The system around a mount: mount(8) and fstab(5), syslog, the journal, the service manager."""

import os
import re
import select
import shutil
import signal
import socket
import subprocess

import harness
from harness import FRAMEFS, Mount, check, contains, equal, test

TAG4 = '--format=tag4-i64le'
LIST = 'format=tag4-i64le'
PAYLOADS = [b'one', b'two', b'three']


def archive(where=None):
    return harness.write(harness.tag4(PAYLOADS), where=where)


def spoiled():
    """A TFRecord archive whose second checksum of a payload is wrong."""
    content = bytearray(harness.tfrecord([b'first', b'second', b'third']))
    content[12 + 5 + 4 + 12] ^= 1
    return harness.write(bytes(content), 'spoiled.tfrecord')


def end_servers(*directories):
    """Waits for the servers of mounts that were taken away."""
    for directory in directories:
        for server in harness.servers_of(directory):
            equal(harness.wait_exit(server), 0, 'status of the server')


# ---- mount(8) ----

def mount_folder(name='mount.framefs'):
    folder = harness.make_dir('sbin')
    os.symlink(FRAMEFS, os.path.join(folder, name))
    return folder


def helper(*arguments, **more):
    return harness.run(os.path.join(mount_folder(), 'mount.framefs'), *arguments, **more)


def with_mount(script, *arguments, status=0):
    """Runs a shell script where mount(8) finds mount.framefs, and mount.fuse3 finds framefs: in a
    namespace of mounts, with folders of its own for them."""
    if os.getuid() != 0 or not shutil.which('mount.fuse3'):
        raise harness.Skip('needs root and mount.fuse3')
    sbin = mount_folder()
    for program in ('mount.fuse3', 'mount.fuse'):
        shutil.copy(shutil.which(program), sbin)
    return harness.run('unshare', '-m', 'bash', '-ec', f"""
        mount --make-rprivate /
        mount --bind {sbin} /usr/sbin
        mount --bind {mount_folder('framefs')} /usr/local/bin
        {script}""", 'bash', *arguments, status=status)


@test('mount -t framefs and mount -t fuse.framefs mount with their options; umount ends it')
def mount_types():
    for kind in ('framefs', 'fuse.framefs'):
        directory = harness.make_dir('mnt')
        result = with_mount("""
            mount -t "$1" "$2" "$3" -o ro,nosuid,layout=tree,""" + LIST + """
            grep " $3 " /proc/self/mounts
            cat "$3/000/000/000000001"
            umount "$3"
            ! grep " $3 " /proc/self/mounts""", kind, archive(), directory)
        end_servers(directory)
        contains(result.text, 'fuse.framefs ro,nosuid', f'mount table with {kind}')
        check(result.text.endswith('two'), f'record 1 with {kind}: {result!r}')


FSTAB = """
{0}  {1}  framefs       ro,nofail,_netdev,x-systemd.automount,x-note=a,layout=flat,{options}  0 0
{0}  {2}  fuse.framefs  ro,nodev,users,nofail,X-mount.mode=755,comment=a,control=off,{options}  0 0
{0}  {3}  framefs       noauto,user,group,content=frame,{options}                             0 0
"""


@test('fstab: mount -a mounts all but noauto ones, mount DIR any, what is for others is ignored')
def fstab():
    directories = [harness.make_dir('mnt') for _ in range(3)]
    table = harness.write(FSTAB.format(archive(), *directories, options=LIST).encode(), 'fstab')
    result = with_mount("""
        mount -a -T "$1"
        cat "$2/00000000" "$3/00000000"
        test -d "$2/.framefs"
        test ! -e "$3/.framefs"
        test ! -e "$4/00000000"
        mount -T "$1" "$4"
        cat "$4/00000002"
        grep " $4 " /proc/self/mounts
        umount "$2" "$3" "$4" """, table, *directories)
    end_servers(*directories)
    check(result.text.startswith('oneonetag2\5\0\0\0\0\0\0\0three'), f'records: {result!r}')
    contains(result.text, 'nosuid,nodev,noexec', 'what user implies')


@test('mount(8) sees its own exit statuses: 1 for wrong options, 32 for a mount that failed')
def mount_statuses():
    directory, path = harness.make_dir('mnt'), archive()
    for options, source, status, part in (
            ('layout=round,' + LIST, path, 1, "'round' is none of"),
            ('nonsense,' + LIST, path, 1, "unknown mount option 'nonsense'"),
            (LIST, path + '-missing', 32, 'No such file')):
        result = with_mount('mount -t framefs "$1" "$2" -o "$3"', source, directory, options,
                            status=status)
        contains(result.err, part, 'message')
    # -s: options that are not known are ignored; -f: nothing is mounted.
    result = with_mount("""
        mount -f -t framefs "$1" "$2" -o "$3"
        ! grep " $2 " /proc/self/mounts
        mount -s -t framefs "$1" "$2" -o nonsense,"$3"
        cat "$2/00000000"
        umount "$2" """, path, directory, LIST)
    end_servers(directory)
    equal(result.text, 'one', 'record 0')


@test('mount.framefs alone has the exit statuses 0, 1, 2, 32, and pretends with -f')
def helper_statuses():
    directory, path = harness.make_dir('mnt'), archive()
    helper(path, directory, '-fv', '-o', LIST)
    check(not harness.is_mounted(directory), 'mounted in spite of -f')
    helper(status=1)
    helper(path, directory, '-x', status=1)
    helper(path, directory, '-N', '/nowhere', '-o', LIST, status=2)
    helper(path, directory + '/missing', '-o', LIST, status=32)
    helper(path, directory, '-t', 'fuse.framefs', '-n', '-o', 'rw,' + LIST)
    equal(harness.read(os.path.join(directory, '00000001')), b'two', 'record 1')
    harness.framefs('umount', directory)
    end_servers(directory)


class Stalled:
    """A file that cannot be read before .go_on(): of a mount whose server is stopped."""

    def __init__(self, content):
        self.mount = Mount(TAG4, harness.write(content))
        self.path = self.mount.path('.framefs/archive')
        os.stat(self.path)

    def __enter__(self):
        self.worker = self.mount.worker
        harness.freeze(self.worker)
        return self

    def go_on(self):
        os.kill(self.worker, signal.SIGCONT)

    def __exit__(self, *error):
        self.go_on()
        self.mount.close()


@test('mount.framefs that is interrupted before the mount is usable says so: 8')
def helper_interrupted():
    program = os.path.join(mount_folder(), 'mount.framefs')
    for number in (signal.SIGINT, signal.SIGTERM):
        directory = harness.make_dir('mnt')
        with Stalled(harness.tag4(PAYLOADS)) as stalled:
            with subprocess.Popen([program, stalled.path, directory, '-o', LIST],
                                  stdin=subprocess.DEVNULL, start_new_session=True) as process:
                harness.wait_for(lambda: children_of(process.pid) and waits_for_fuse(process.pid),
                                 'the server to be started')
                servers = set(children_of(process.pid))
                process.send_signal(number)
                equal(process.wait(harness.LIMIT_S), 8, f'status after signal {number}')
            # What it began ends when it can, and has the archive open until then.
            stalled.go_on()
            harness.wait_for(lambda s=servers: not s & harness.children().keys(),
                             'its server to end')
        check(not harness.is_mounted(directory), 'mounted')


@test('a supervisor that is killed before the mount is usable: mount fails and does not hang')
def killed_early():
    directory = harness.make_dir('mnt')
    stalled = Stalled(harness.tag4(PAYLOADS))
    # From now on the kernel opens it without being answered: the worker gets as far as to read it.
    with open(stalled.path, 'rb'):
        pass
    with stalled:
        process = subprocess.Popen([FRAMEFS, 'mount', TAG4, stalled.path, directory],
                                   stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            def workers():
                return [pid for server in children_of(process.pid)
                        for pid in harness.workers_of(server)]
            harness.wait_for(workers, 'a worker')
            worker = workers()[0]
            os.kill(children_of(process.pid)[0], signal.SIGKILL)
            equal(process.wait(harness.LIMIT_S), 128 + signal.SIGKILL, 'status')
            stalled.go_on()
            # As one that loses its supervisor later, the worker serves on.
            equal(harness.read(os.path.join(directory, '00000000')), b'one', 'record 0')
        finally:
            stalled.go_on()
            process.kill()
            process.wait()
            harness.framefs('umount', directory)
            equal(harness.wait_exit(worker), 0, 'status of the worker')


def children_of(pid):
    with open(f'/proc/{pid}/task/{pid}/children', encoding='ascii') as stream:
        return [int(child) for child in stream.read().split()]


@test('mount -N mounts in the other namespace, and in that one only')
def namespace():
    directory, path = harness.make_dir('mnt'), archive()
    result = with_mount("""
        mkfifo "$3/go" "$3/ready"
        unshare -m --propagation private bash -c 'echo >"$0/ready"; read <"$0/go"' "$3" &
        other=$!
        trap 'kill $other 2>/dev/null || true' EXIT
        read <"$3/ready"
        mount -N $other -t framefs "$1" "$2" -o """ + LIST + """
        ! grep " $2 " /proc/self/mounts
        nsenter -t $other -m cat "$2/00000000"
        nsenter -t $other -m umount "$2"
        echo >"$3/go"
        wait""", path, directory, harness.make_dir())
    end_servers(directory)
    equal(result.text, 'one', 'record 0')


# ---- logs ----

def is_silent(messages):
    return not select.select([messages], [], [], 0)[0]


class Log:
    """A syslog daemon's socket: where a namespace has its /dev/log."""

    def __init__(self):
        self.folder = harness.make_dir('dev')
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(os.path.join(self.folder, 'log'))
        self.socket.settimeout(harness.LIMIT_S)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.socket.close()

    def run(self, script, *arguments, **more):
        """A shell script for which this is /dev/log."""
        if os.getuid() != 0:
            raise harness.Skip('needs root')
        return harness.run('unshare', '-m', 'bash', '-ec', f"""
            mount --make-rprivate /
            cd {self.folder}
            for device in fuse null zero urandom; do
                touch $device
                mount --bind /dev/$device $device
            done
            mount --rbind . /dev
            {script}""", 'bash', *arguments, **more)

    def lines(self):
        """Those that there are by now."""
        found = []
        while not self.is_empty():
            found.append(self.line())
        return found

    def line(self):
        """The next one: (priority, identifier, pid, text)."""
        text = self.socket.recv(8192).rstrip(b'\0\n').decode()
        match = re.fullmatch(r'<(\d+)>\w{3} [ \d]\d \d\d:\d\d:\d\d (\w+)\[(\d+)\]: (.*)', text)
        check(match, f'not a line of syslog: {text!r}')
        return int(match[1]), match[2], int(match[3]), match[4]

    def is_empty(self):
        return is_silent(self.socket)


DAEMON, ERROR, WARNING, INFO = 3 << 3, 3, 4, 6

# Mounts, reads the wrong record, for which there is a line or several, unmounts.
READ_WRONG = """
    "$1" mount "${@:4}" "$2" "$3"
    ! cat "$3/00000001" 2>/dev/null
    umount "$3" """


@test('a server in the background logs to syslog: identifier, process, priority, mount point')
def syslog():
    directory, path = harness.make_dir('mnt'), spoiled()
    with Log() as log:
        log.run(READ_WRONG, FRAMEFS, path, directory, '--verify=read')
        end_servers(directory)
        lines = log.lines()
        check(lines, 'no line')
        for priority, name, pid, text in lines:
            equal((priority, name), (DAEMON | WARNING, 'framefs'), 'priority and identifier')
            check(pid > 1, f'process {pid}')
            check(text.startswith(f'{directory}: {path}: record 1 at byte'), f'text: {text!r}')


@test('--log-level: info tells of beginning and end, error keeps warnings out')
def log_levels():
    directory, path = harness.make_dir('mnt'), spoiled()
    with Log() as log:
        log.run(READ_WRONG, FRAMEFS, path, directory, '--verify=read', '--log-level=info')
        end_servers(directory)
        lines = log.lines()
        equal([line[0] for line in lines],
              [DAEMON | INFO] + [DAEMON | WARNING] * (len(lines) - 2) + [DAEMON | INFO],
              'priorities')
        check(len(lines) > 2, f'lines: {lines}')
        equal(lines[0][3], f'{directory}: serving {path}', 'the first line')
        equal(lines[-1][3], f'{directory}: ending', 'the last line')
        for option in ('--log-level=error', '-olog-level=error'):
            log.run(READ_WRONG, FRAMEFS, path, directory, '--verify=read', option)
            end_servers(directory)
            check(log.is_empty(), 'lines with ' + option)


@test('a worker has no descriptor but two of the mount, the archive, a channel, two pipes that '
      'tell that it lives, and what is nobody\'s')
def worker_descriptors():
    directory, path = harness.make_dir('mnt'), archive()
    with Log() as log:
        # The first worker, and one that was started after the supervisor had logged something.
        result = log.run("""
            worker() { sed -n 's/^framefs_worker_pid //p' "$dir/.framefs/stats"; }
            dir=$4
            "$@"
            first=$(worker)
            readlink /proc/$first/fd/*
            echo
            kill -9 $first
            until second=$(worker); test $second != $first; do :; done
            readlink /proc/$second/fd/*
            umount "$dir" """, FRAMEFS, 'mount', path, directory, TAG4)
        end_servers(directory)
        contains(log.line()[3], 'takes over', 'the log')
    for links in result.text.split('\n\n'):
        kinds = [re.sub(r'^(anon_inode|socket|pipe):.*', r'\1', link) for link in links.split()]
        equal(set(kinds) - {'anon_inode'}, {'/dev/null', '/dev/fuse', path, 'socket', 'pipe'},
              links)
        equal([kinds.count(kind) for kind in ('/dev/fuse', path, 'socket', 'pipe')], [2, 1, 1, 2],
              links)


def hash_of(name):
    if not shutil.which('xxhsum'):
        raise harness.Skip('xxhsum is not installed')
    return '#' + harness.run('xxhsum', '-H1', stdin=name.encode()).text[:10]


@test('--redact: no message has a path, but a hash that xxhsum can tell')
def redact():
    directory, path = harness.make_dir('mnt'), spoiled()
    with Log() as log:
        log.run(READ_WRONG, FRAMEFS, path, directory, '--verify=read', '--log-level=info',
                '--redact')
        end_servers(directory)
        lines = [line[3] for line in log.lines()]
    equal(lines[0], f'{hash_of(directory)}: serving {hash_of(path)}', 'the first line')
    wanted = f'{hash_of(directory)}: {hash_of(path)}: record 1 at byte'
    check(len(lines) > 2 and all(line.startswith(wanted) for line in lines[1:-1]), f'{lines}')
    for line in lines:
        check('spoiled' not in line and directory not in line, f'shown: {line!r}')
    # Paths that are told relative to the working directory are the same.
    with Log() as log:
        log.run('cd "$(dirname "$2")"; set -- "$1" "$(basename "$2")" '
                '"$(realpath --relative-to=. "$3")" "${@:4}"' + READ_WRONG, FRAMEFS, path,
                directory, '--verify=read', '--log-level=info', '--redact')
        harness.wait_for(lambda: not harness.children(), 'the end of the server')
        equal({line[3] for line in log.lines()}, set(lines), 'lines with relative paths')
    # Errors that keep it from mounting, too; a relative path is another text.
    folder, name = os.path.split(path)
    for arguments in ((path, directory + '/missing-dir'), (path + '-gone', directory),
                      (name + '-gone', directory), (path, path), (TAG4, folder, directory),
                      ('--formats=' + path + '-formats', path, directory)):
        result = harness.framefs('mount', '-o', 'redact', *arguments, status=1, cwd=folder)
        contains(result.err, '#', 'stderr')
        for part in ('spoiled', 'gone', 'missing-dir', folder, directory):
            check(part not in result.err, f'{part} is shown: {result.err!r}')
    harness.framefs('mount', '--redact', '--debug', path, directory, status=2)


class Journal:
    """framefs mount -f whose stderr is a file, with that file as $JOURNAL_STREAM or another."""

    def __init__(self, path, *arguments, shift=0):
        self.log = harness.make_path('messages')
        self.dir = harness.make_dir('mnt')
        with open(self.log, 'wb') as log:
            at = os.fstat(log.fileno())
            stream = f'{at.st_dev}:{at.st_ino + shift}'
            self.process = subprocess.Popen([FRAMEFS, 'mount', '-f', *arguments, path, self.dir],
                                            stdin=subprocess.DEVNULL, stderr=log,
                                            env=os.environ | {'JOURNAL_STREAM': stream})
        harness.wait_for(lambda: self.process.poll() is not None
                         or harness.is_mounted(self.dir), 'mounted')

    def end(self):
        """Its messages."""
        if self.process.poll() is None:
            harness.run('umount', self.dir)
        self.process.wait(harness.LIMIT_S)
        return harness.read(self.log).decode()


@test('stderr that is the journal gets priorities, another one does not')
def journal():
    path = spoiled()
    for shift, mark, place in ((0, '<{}>', '{}: '), (1, 'framefs: ', '')):
        server = Journal(path, '--verify=read', '--log-level=info', shift=shift)
        harness.fails(5, harness.read, os.path.join(server.dir, '00000001'))
        lines = server.end().splitlines()
        place = place.format(server.dir)
        check(len(lines) > 2, f'lines: {lines}')
        equal(lines[0], f'{mark.format(INFO)}{place}serving {path}', 'the first line')
        wanted = f'{mark.format(WARNING)}{place}{path}: record 1 at byte'
        check(all(line.startswith(wanted) for line in lines[1:-1]), f'{lines}')
    text = Journal(path + '-missing').end()
    check(re.fullmatch(r'<3>[^\n]*missing: No such file[^\n]*\n', text), f'an error: {text!r}')
    # Each line of a text is one of the journal.
    lines = Journal(path, '--frame=len:u32be nonsense data').end().splitlines()
    check(len(lines) > 1 and all(line.startswith('<3>') for line in lines), f'lines {lines}')


@test('--log=stderr is kept by the server, --log=syslog is for the foreground, too')
def log_targets():
    path = spoiled()
    messages = harness.make_path('messages')
    with open(messages, 'wb') as stream:
        with Mount('--verify=read', '--log=stderr', path, stderr=stream) as mount:
            harness.fails(5, mount.read, '00000001')
            equal(os.readlink(f'/proc/{mount.server}/fd/1'), '/dev/null', 'stdout of the server')
    contains(harness.read(messages).decode(), f'framefs: {path}: record 1', 'messages')
    directory = harness.make_dir('mnt')
    with Log() as log:
        result = log.run("""
            "$1" mount -f "${@:4}" "$2" "$3" &
            server=$!
            until grep -q " $3 " /proc/self/mounts; do kill -0 $server; done
            ! cat "$3/00000001" 2>/dev/null
            umount "$3"
            wait $server
            ! "$1" mount -f "${@:4}" "$2" "$3/missing" """, FRAMEFS, path, directory,
                         '--verify=read', '--log=syslog')
        wanted = f'{directory}: {path}: record 1 at byte'
        lines = log.lines()
        check(lines and all(line[3].startswith(wanted) for line in lines), f'{lines}')
    contains(result.err, 'missing: No such file', 'stderr of a mount that failed')
    equal(result.err.count('\n'), 1, f'lines of {result.err!r}')


# ---- the service manager ----

class Notified:
    """The socket that $NOTIFY_SOCKET names, and framefs mount -f that is told of it."""

    def __init__(self, abstract=False):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(harness.LIMIT_S)
        path = harness.make_path('notify')
        self.name = '@' + path if abstract else path
        self.socket.bind('\0' + path if abstract else path)
        self.dir = harness.make_dir('mnt')
        self.process = None

    def start(self, *arguments):
        self.process = subprocess.Popen([FRAMEFS, 'mount', '-f', *arguments, self.dir],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        env=os.environ | {'NOTIFY_SOCKET': self.name})

    def message(self):
        return dict(line.split('=', 1) for line in self.socket.recv(4096).decode().split('\n'))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(harness.LIMIT_S)
        self.socket.close()


@test('the service manager is told when the mount is usable, and when it ends')
def notify():
    for abstract in (False, True):
        with Notified(abstract) as manager:
            manager.start(TAG4, archive(), archive())
            message = manager.message()
            equal(message, {'READY': '1', 'MAINPID': str(manager.process.pid),
                            'STATUS': 'serving 2 archives'}, 'the first message')
            equal(harness.read(os.path.join(manager.dir, 'archive-2', '00000002')), b'three',
                  'record 2')
            manager.process.terminate()
            equal(manager.message(), {'STOPPING': '1'}, 'the second message')
            equal(manager.process.wait(harness.LIMIT_S), 0, 'exit status')
            check(is_silent(manager.socket), 'a third message')


@test('the service manager is not told before the mount is usable')
def notify_late():
    with Stalled(harness.tag4(PAYLOADS)) as stalled, Notified() as manager:
        manager.start(TAG4, stalled.path)
        harness.wait_for(lambda: waits_for_fuse(manager.process.pid), 'it waits for the archive')
        check(is_silent(manager.socket), 'told while the archive cannot be read')
        stalled.go_on()
        equal(manager.message()['READY'], '1', 'the message')
        equal(sorted(os.listdir(manager.dir)), ['00000000', '00000001', '00000002'], 'records')
        manager.process.terminate()
        manager.process.wait(harness.LIMIT_S)


def waits_for_fuse(pid):
    """Whether the process, or one that descends from it, waits for the answer of a FUSE server."""
    with open(f'/proc/{pid}/wchan', encoding='ascii') as stream:
        if stream.read() == 'request_wait_answer':
            return True
    return any(waits_for_fuse(child) for child in children_of(pid))


@test('a mount that fails, or goes to the background, tells the service manager nothing')
def notify_not():
    with Notified() as manager:
        manager.start(TAG4, harness.make_path('missing'))
        equal(manager.process.wait(harness.LIMIT_S), 1, 'exit status')
        check(is_silent(manager.socket), 'told of a mount that failed')
        with Mount(TAG4, archive(), env=os.environ | {'NOTIFY_SOCKET': manager.name}):
            pass
        check(is_silent(manager.socket), 'told from the background')


@test('a service manager that cannot be told is a warning, and the mount serves')
def notify_gone():
    for name, part in (('/nowhere/notify', 'No such file'), ('relative', 'Invalid argument')):
        log = harness.make_path('messages')
        directory = harness.make_dir('mnt')
        with open(log, 'wb') as stream:
            with subprocess.Popen([FRAMEFS, 'mount', '-f', TAG4, archive(), directory],
                                  stdin=subprocess.DEVNULL, stderr=stream,
                                  env=os.environ | {'NOTIFY_SOCKET': name}) as process:
                harness.wait_for(lambda: harness.is_mounted(directory) or process.poll(), 'mounted')
                equal(harness.read(os.path.join(directory, '00000000')), b'one', 'record 0')
                process.terminate()
        contains(harness.read(log).decode(), part, 'messages')


@test('umount --dead takes a mount away whose server has died, and no other')
def umount_dead():
    directory = harness.make_dir('mnt')
    harness.framefs('umount', '--dead', directory)
    with Mount(TAG4, archive(), where=directory, dead=True) as mount:
        harness.framefs('umount', '--dead', directory)
        equal(mount.read('00000000'), b'one', 'record 0')
        mount.kill()
        harness.wait_for(lambda: is_dead(directory), 'the mount to be dead')
        harness.framefs('umount', '--dead', directory)
        check(not harness.is_mounted(directory), 'still mounted')


@test('umount . takes away what was mounted over the directory that one stands in')
def umount_here():
    directory = harness.make_dir('mnt')
    path = archive()
    shell = harness.run('sh', '-ec', """
        cd "$3"
        "$1" mount -o "$4" "$2" .
        ls | wc -l
        "$1" umount .""", 'sh', FRAMEFS, path, directory, TAG4.replace('--', '')).text
    equal(shell.strip(), '0', 'names in the directory below')
    check(not harness.is_mounted(directory), 'still mounted')
    result = harness.framefs('umount', '.', cwd=directory, status=1)
    contains(result.err, '. is not mounted')


def is_dead(directory):
    # What stat tells may be remembered.
    try:
        os.statvfs(directory)
    except OSError:
        return True
    return False


harness.main()
