#!/usr/bin/env python3
"""Each failure that docs/troubleshooting.md tells of is made, and told in the words that it quotes.
Those of other servers and of a systemd are in their own tests: test_samba.py, test_systemd.py;
test_survive.py has a request that is given up and an upgrade that fails."""

import contextlib
import ctypes
import functools
import os
import platform
import shutil
import signal
import struct
import subprocess
import sys

import harness
import nobody
from harness import FRAMEFS, Foreground, Mount, check, framefs, run
from troubles import told

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from index_file import damage_segment  # noqa: E402

TAG4 = '--format=tag4-i64le'
LIST = 'format=tag4-i64le'
PAYLOADS = [b'one', b'two', b'three']
OWN = f'framefs mount -o {LIST} "$2" "$1"'


def trouble(heading):
    """Marks a function that makes the failure of that heading, and returns what was told of it."""
    def mark(function):
        @functools.wraps(function)
        def produce():
            texts = function()
            told(heading, *([texts] if isinstance(texts, str) else texts))
        harness.add(heading, produce, True)
        return function
    return mark


def archive(payloads=None):
    return harness.write(harness.tag4(PAYLOADS if payloads is None else payloads))


def refused(*arguments, status=1, **more):
    """What a mount says that fails."""
    return framefs('mount', *arguments, status=status, **more).err


def seen(*arguments, **more):
    """What a program says that fails."""
    result = run(*arguments, status=None, **more)
    check(result.status != 0, f'did not fail: {result!r}')
    return result.err


def in_namespace(script, *arguments):
    """Runs a shell script in a namespace of mounts; what it says."""
    if os.getuid() != 0:
        raise harness.Skip('needs root')
    result = run('unshare', '-m', 'bash', '-c', 'mount --make-rprivate /\n' + script, 'bash',
                 *arguments, status=None)
    check(result.status != 0, f'did not fail: {result!r}')
    return result.err


# ---- mounting ----

@trouble('The directory is missing')
def no_directory():
    return refused(TAG4, archive(), harness.make_path('missing'))


@trouble('The directory is a file')
def directory_is_file():
    return refused(TAG4, archive(), archive())


@trouble('The archive is missing')
def no_archive():
    return refused(TAG4, harness.make_path('missing'), harness.make_dir())


@trouble('The archive may not be read')
def forbidden():
    path = archive()
    os.chmod(path, 0o600)
    return nobody.run('! ' + OWN, path)[0].err


@trouble('Root may not read the archive')
def forbidden_to_root():
    return nobody.run(OWN + f"""
        ! as_root "framefs mount -o {LIST} $1/.framefs/archive /mnt"
        cat done
        framefs umount "$1" """, archive())[0].text


@trouble('The server stays root')
def stays_root():
    if os.getuid() != 0:
        raise harness.Skip('needs root')
    with Mount(TAG4, archive()) as below:
        with Foreground(TAG4, below.path('.framefs', 'archive')) as mount:
            check(harness.read(os.path.join(mount.dir, '00000000')) == b'one', 'record 0')
            return mount.messages()


@trouble('The archive is a directory')
def archive_is_directory():
    return refused(TAG4, harness.make_dir(), harness.make_dir())


@trouble('The archive is a pipe')
def archive_is_pipe():
    fifo = harness.make_path('fifo')
    os.mkfifo(fifo)
    return (refused(TAG4, fifo, harness.make_dir()),
            refused(TAG4, '-', harness.make_dir(), status=2))


@trouble('No format fits')
def no_format():
    return (refused(harness.write(b'\x01\x02\x03 nothing that frames'), harness.make_dir()),
            refused(archive(), harness.make_dir()))


@trouble('Several formats fit')
def several_formats():
    formats = ''.join(f'[{name}]\ntitle = {name}\nframe = "ABCDEFGH" len:u32be data\n'
                      for name in ('one', 'two'))
    path = harness.write(b''.join(b'ABCDEFGH' + struct.pack('>I', len(p)) + p for p in PAYLOADS))
    return refused('--formats=' + harness.write(formats.encode(), 'formats.ini'), path,
                   harness.make_dir())


@trouble('The archive begins as a format and does not go on')
def begins():
    # A SequenceFile whose flags are wrong.
    return refused(harness.write(b'SEQ\6\1a\1b\1\1\0\0\0\0sixteen bytes...'), harness.make_dir())


@trouble('The archive is packed, or no archive')
def packed():
    return refused(harness.write(b'\x1f\x8b\x08\0\0\0\0\0\0\x03' + b'x' * 50), harness.make_dir())


@trouble('The format is unknown')
def unknown_format():
    return refused('--format=pcapp', archive(), harness.make_dir(), status=2)


@trouble('The description is wrong')
def wrong_description():
    return refused('--frame=len:u32 data', archive(), harness.make_dir(), status=2)


@trouble('The archive is damaged')
def damaged():
    good = harness.tag4(PAYLOADS)
    torn = bytearray(harness.pcap([(n, n, harness.ethernet(n)) for n in range(60)]))
    for place in (24 + 16 + 42) * 10, (24 + 16 + 42) * 30:
        torn[place:place + 70] = b'\xff' * 70
    texts = []
    for arguments in ((TAG4, harness.write(good + b'\xff' * 40)), (TAG4, harness.write(good[:-2])),
                      ('--format=pcap', harness.write(bytes(torn)))):
        with Mount(*arguments) as mount:
            texts.append(mount.result.err)
    return texts


@trouble('Unknown mount option')
def options():
    return [refused(TAG4, '-o', option, archive(), harness.make_dir(), status=2)
            for option in ('nonsense', 'layot=flat', 'layout', 'ro=1', 'layout=round')]


@trouble('Another user is refused')
def setuid():
    return (refused(TAG4, '-o', 'setuid=daemon,nosandbox', archive(), harness.make_dir(), status=2),
            nobody.run('! ' + OWN + ' -o setuid=daemon', archive())[0].err)


def forbid_seccomp():
    """From here on seccomp(2) fails as on a kernel that lacks it."""
    number = {'x86_64': 317, 'aarch64': 277}[platform.machine()]
    code = b''.join(struct.pack('HBBI', *instruction) for instruction in (
        (0x20, 0, 0, 0),            # the number of the call
        (0x15, 0, 1, number),
        (0x06, 0, 0, 0x00050026),   # ENOSYS
        (0x06, 0, 0, 0x7fff0000)))  # allowed
    buffer = ctypes.create_string_buffer(code)
    program = struct.pack('HxxxxxxP', len(code) // 8, ctypes.addressof(buffer))
    harness.libc.prctl(38, 1, 0, 0, 0)         # PR_SET_NO_NEW_PRIVS
    harness.libc.prctl(22, 2, program, 0, 0)   # PR_SET_SECCOMP


@trouble('The kernel has no seccomp')
def no_seccomp():
    if harness.under_sanitizer() or platform.machine() not in ('x86_64', 'aarch64'):
        raise harness.Skip('no seccomp here')
    if os.getuid() != 0:
        raise harness.Skip('needs root, whom no_new_privs does not keep from mounting')
    path, directory = archive(), harness.make_dir()
    told_so = refused(TAG4, path, directory, preexec_fn=forbid_seccomp)
    framefs('mount', TAG4, '-o', 'nosandbox', path, directory, preexec_fn=forbid_seccomp)
    servers = harness.servers_of(directory)
    framefs('umount', directory)
    for pid in servers:
        harness.wait_exit(pid)
    return told_so


@trouble('There is no /dev/fuse')
def no_device():
    return in_namespace("""
        mount -t tmpfs none /dev
        mknod /dev/null c 1 3
        "$@" """, FRAMEFS, 'mount', TAG4, archive(), harness.make_dir())


@trouble('/dev/fuse is not open to you')
def device_not_open():
    return nobody.run(f'as_root "chmod 600 /dev/fuse"\n! {OWN}', archive())[0].err


@trouble('The kernel refuses the mount')
def not_permitted():
    if os.getuid() != 0 or not shutil.which('setpriv') or not shutil.which('fusermount3'):
        raise harness.Skip('needs root, setpriv and fusermount3')
    return seen('setpriv', '--bounding-set=-sys_admin', '--inh-caps=-sys_admin', FRAMEFS, 'mount',
                TAG4, archive(), harness.make_dir())


# Where fusermount3 is looked for there are few programs any more.
WITHOUT_IT = """
    as_root "mkdir few; cp /usr/bin/{bash,mount,setpriv,umount} few; mount --bind few /usr/bin" """


@trouble('fusermount3 is missing')
def no_fusermount():
    return nobody.run(f'{WITHOUT_IT}\n! {OWN}', archive())[0].err


@trouble('allow_other is refused')
def allow_other():
    return nobody.run(f'! {OWN} -o allow_other', archive())[0].err


@trouble('The directory is not yours')
def not_own():
    return nobody.run(f'! framefs mount -o {LIST} "$2" /usr/lib', archive())[0].err


@trouble('Too many open files')
def descriptors():
    if harness.under_sanitizer():
        raise harness.Skip("a sanitizer's runtime needs descriptors, too")
    return run('sh', '-c', 'ulimit -n 30; exec "$@"', 'sh', FRAMEFS, 'mount', TAG4, archive(),
               harness.make_dir(), status=1).err


@trouble('Too many processes')
def processes():
    # The limit is reached at one step after the other. The user's processes are these alone.
    script = f"""{nobody.NO_LEAK_CHECK}
        ulimit -S -u "$3"
        {OWN} || exit 0
        ulimit -S -u hard
        framefs umount "$1\""""
    return [nobody.run(script, archive(), str(limit), user=300000 + os.getpid())[0].err
            for limit in range(2, 12)]


@trouble('Too many archives')
def too_many():
    return refused(*['a'] * 4097, harness.make_dir(), status=2)


@trouble('Too many names')
def too_many_names():
    return refused(TAG4, '-o', 'names=name', archive([b''] * 65537), harness.make_dir())


@trouble('Records without types')
def no_types():
    return refused(TAG4, '--type=x', archive(), harness.make_dir())


@trouble('The service manager is not there')
def no_manager():
    directory = harness.make_dir()
    result = run('bash', '-c', """
        "$@" &
        server=$!
        until grep -q " ${!#} " /proc/self/mounts; do kill -0 $server || exit; done
        "$1" umount "${!#}"
        wait $server""", 'bash', FRAMEFS, 'mount', '-f', TAG4, archive(), directory,
                 env=os.environ | {'NOTIFY_SOCKET': harness.make_path('nobody')})
    return result.err


# ---- reading ----

@trouble('Transport endpoint is not connected')
def dead():
    path = archive()
    mount = Mount(TAG4, path, dead=True)
    with contextlib.closing(mount):
        mount.kill()
        return seen('ls', mount.dir), refused(TAG4, path, mount.dir)


@trouble('Permission denied to other users')
def others():
    return nobody.run(OWN + """
        ! as_other "ls $1"
        cat done
        framefs umount "$1" """, archive())[0].text


@trouble('Read-only file system')
def read_only():
    with Mount(TAG4, archive()) as mount:
        return seen('touch', mount.path('new')), seen('rm', '-f', mount.path('00000000'))


def spoiled():
    """A TFRecord archive whose second checksum of a payload is wrong."""
    content = bytearray(harness.tfrecord(PAYLOADS))
    content[12 + 3 + 4 + 12] ^= 1
    return harness.write(bytes(content), 'spoiled.tfrecord')


@trouble('Input/output error: a checksum is wrong')
def wrong_checksum():
    with Foreground('--verify=read', spoiled()) as mount:
        text = seen('cat', os.path.join(mount.dir, '00000001'))
    return text, mount.messages()


@trouble('Input/output error: the archive has changed')
def changed():
    texts = []
    for change in (lambda path: os.utime(path, ns=(1, 1)), lambda path: os.truncate(path, 30000)):
        path = archive([b'x' * 20000] * 3)
        with Foreground(TAG4, path) as mount:
            check(len(os.listdir(mount.dir)) == 3, 'records')
            change(path)
            texts.append(seen('cat', os.path.join(mount.dir, '00000002')))
        texts.append(mount.messages())
    return texts


@trouble('Input/output error, and the log says nothing')
def silent():
    with open('/dev/full', 'wb') as full:
        with Mount('--verify=read', '--log=stderr', spoiled(), stderr=full) as mount:
            text = seen('cat', mount.path('00000001'))
            count = [line for line in mount.control('stats').decode().splitlines()
                     if line.startswith('framefs_errors_total ')]
            check(count and int(count[0].split()[1]) > 0, f'errors: {count}')
            check(mount.read('00000002') == b'three', 'record 2')
            return text


@trouble('Stale file handle')
def stale():
    with Mount(TAG4, archive([b'x'] * 400)) as mount:
        with open(mount.path('.framefs/slice/0-399'), 'rb') as stream:
            for number in range(256):
                os.stat(mount.path('.framefs/slice', f'{number}-{number}'))
            return seen('cat', stdin=stream)


@trouble('A record is not there')
def no_record():
    with Mount(TAG4, '-o', 'layout=tree', archive()) as mount:
        check(mount.read('000/000/000000001') == b'two', 'record 1')
        return seen('cat', mount.path('00000001'))


@trouble('.framefs is not there')
def no_control():
    with Mount(TAG4, '-o', 'control=off', archive()) as mount:
        return seen('ls', mount.path('.framefs'))


@trouble('Argument list too long')
def too_long():
    with Mount(TAG4, archive([b'x'] * 65536)) as mount:
        text = seen('bash', '-c', 'ulimit -s 8192; cat "$1"/* || exit 1', 'bash', mount.dir)
        check(len(mount.control('all')) == 65536, 'all')
        return text


@trouble('Invalid argument at the end of the generated file')
def last_bytes():
    with Mount('--synthetic', str(2**63 - 1)) as mount:
        return seen('dd', 'if=' + mount.path('synthetic'), 'bs=1M', f'skip={2**43 - 1}',
                    'of=/dev/null')


# ---- unmounting ----

@trouble('The mount is busy')
def busy():
    with Mount(TAG4, archive()) as mount, open(mount.path('00000000'), 'rb'):
        return seen('umount', mount.dir), seen(FRAMEFS, 'umount', mount.dir)


@trouble('Nothing is mounted there')
def not_mounted():
    with Mount(TAG4, archive()) as mount:
        return (seen(FRAMEFS, 'umount', harness.make_dir()),
                seen(FRAMEFS, 'umount', mount.path('00000000')))


@trouble('A mount of another program')
def other_mount():
    return seen(FRAMEFS, 'umount', '/proc')


@trouble('Only who has mounted may unmount')
def not_ours():
    return nobody.run(OWN + """
        ! as $(id -u daemon) "umount $1; framefs umount $1"
        cat done
        framefs umount "$1" """, archive())[0].text


@trouble('fusermount3 is missing at umount')
def no_fusermount_at_umount():
    return nobody.run(f"""{OWN}
        {WITHOUT_IT}
        ! framefs umount "$1"
        as_root "umount $1" """, archive())[0].err


# ---- the server ----

@contextlib.contextmanager
def served(*arguments):
    """A mount that is usable."""
    with Foreground(TAG4, *arguments, archive()) as mount:
        check(harness.read(os.path.join(mount.dir, '00000000')) == b'one', 'record 0')
        yield mount


def worker_of(process):
    """Its worker's pid; None while there is none."""
    for pid in harness.children_of(process.pid):
        with contextlib.suppress(OSError):
            if harness.read(f'/proc/{pid}/comm') == b'framefs-worker\n':
                return pid
    return None


@trouble('The server was killed while it mounted')
def killed_early():
    # The archive is a file of another mount whose worker is stopped: its bytes do not come.
    with Mount(TAG4, '-o', 'allow_other', archive()) as below:
        path, worker = below.path('.framefs', 'archive'), below.worker
        with open(path, 'rb'):
            pass
        harness.freeze(worker)
        try:
            with subprocess.Popen([FRAMEFS, 'mount', '-f', TAG4, path, harness.make_dir('mnt')],
                                  stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
                harness.wait_for(lambda: worker_of(process), 'a worker')
                os.kill(worker_of(process), signal.SIGKILL)
                return process.stderr.read().decode()
        finally:
            os.kill(worker, signal.SIGCONT)


@trouble('A worker has died')
def worker_died():
    with served() as mount:
        os.kill(worker_of(mount.process), signal.SIGKILL)
        mount.says('takes over')
        check(harness.read(os.path.join(mount.dir, '00000001')) == b'two', 'record 1')
        return mount.messages()


@trouble('No worker lives')
def no_worker():
    with served() as mount:
        while mount.process.poll() is None:
            for pid in harness.workers_of(mount.process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        return mount.messages()


@trouble('The server was killed and nobody took over')
def nobody_took_over():
    with served('-o', 'nosurvive') as mount:
        os.kill(worker_of(mount.process), signal.SIGKILL)
        mount.process.wait(harness.LIMIT_S)
        return mount.messages()


@trouble('An upgrade finds no server')
def upgrade_nothing():
    if not os.path.exists('/etc/fuse.conf'):
        raise harness.Skip('there is no /etc/fuse.conf to put another one over')
    nothing = seen(FRAMEFS, 'upgrade', harness.make_dir())
    with Mount(TAG4, archive(), dead=True) as mount:
        os.stat(mount.path('.framefs', 'stats'))
        worker = mount.worker
        harness.freeze(worker)
        silent = seen(FRAMEFS, 'upgrade', mount.dir)
        os.kill(worker, signal.SIGCONT)
        os.kill(mount.server, signal.SIGKILL)
        harness.wait_exit(mount.server)
        mount.servers = [worker]
        # Where processors are busy, a second is not always enough for an answer.
        texts = [nothing, silent]
        while texts[-1] == silent:
            check(len(texts) < harness.LIMIT_S, 'no answer')
            texts.append(seen(FRAMEFS, 'upgrade', mount.dir))
    return *texts, nobody.run(OWN + """ -o allow_other
        ! as_other "framefs upgrade $1"
        cat done
        framefs umount "$1" """, archive(), conf='user_allow_other\n')[0].text


# ---- index files ----

@trouble('An index file is not used')
def index_not_used():
    path = archive([b'%d' % i * 40 for i in range(200)])
    framefs('index', TAG4, path)
    content = harness.read(path)
    said = [framefs('info', '--frame=hdr:bytes[4] len:i64le data', path).err]
    with open(path, 'r+b') as stream:
        stream.truncate(len(content) - 1)
    said.append(framefs('info', TAG4, path).err)
    with open(path, 'r+b') as stream:
        stream.write(b'x')
        stream.truncate(len(content))
    said.append(framefs('info', TAG4, path, status=None).err)
    # Lengths between the samples are edited.
    path = archive([bytes(40)] * 4000)
    framefs('index', TAG4, path)
    step = (os.stat(path).st_size - 512) // 33
    with open(path, 'r+b') as stream:
        for record in range((step + 1024) // 52, (2 * step - 512) // 52):
            stream.seek(record * 52 + 4)
            stream.write(struct.pack('<q', 39))
    os.utime(path, (1, 1))
    said.append(framefs('info', TAG4, path, status=None).err)
    harness.write(b'text', 'archive.framefs', os.path.dirname(path))
    said.append(framefs('info', TAG4, path, status=None).err)
    return said


@trouble('An index file of another user')
def index_of_another():
    if os.getuid() != 0:
        raise harness.Skip('needs root')
    path = archive()
    framefs('index', TAG4, path)
    os.chown(path + '.framefs', 12345, 12345)
    return framefs('info', TAG4, path).err


@trouble('No room for an index file')
def index_no_room():
    script = '''mount -t tmpfs -o size=4k tmpfs "$1" || exit
        "$3" index --format=u32le --index "$1/index" "$2"'''
    large = b''.join(struct.pack('<I', i % 97) + bytes(i % 97) for i in range(20000))
    return in_namespace(script, harness.make_dir(), harness.write(large), FRAMEFS)


@trouble('A command finds its index file damaged')
def index_damaged():
    path = harness.write(harness.pcap((i, 0, b'packet') for i in range(300)))
    framefs('index', path)
    damage_segment(path + '.framefs')
    return framefs('ls', path, '0-', status=1).err


# ---- fstab ----

MOUNT_WITH = """
    mount --bind "$1" /usr/sbin
    PATH=/nowhere /usr/bin/mount -t "$2" "$3" "$4" || exit 1"""


@trouble('Unknown filesystem type')
def unknown_type():
    return in_namespace(MOUNT_WITH, harness.make_dir(), 'framefs', archive(), harness.make_dir())


@trouble('mount does not find framefs')
def not_in_path():
    if not shutil.which('mount.fuse3'):
        raise harness.Skip('mount.fuse3 is not installed')
    sbin = harness.make_dir()
    for program in ('mount.fuse3', 'mount.fuse'):
        shutil.copy(shutil.which(program), sbin)
    return in_namespace(MOUNT_WITH, sbin, 'fuse.framefs', archive(), harness.make_dir())


harness.main()
