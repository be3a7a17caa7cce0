"""Ways to have the records of an archive as files: framefs, ordinary files, images that the kernel
mounts, and programs that mount images and zip archives."""

import contextlib
import errno
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from measure import progress, run, shell
from served import Wrong, memory_kib, name_of, stat_of

MOUNT_LIMIT_S, BUSY_LIMIT_S, MOUNT_POLL_MS = 60, 30, 50
WARM_LIMIT_S = 20
BLOCK_BYTES, INODE_BYTES, INODES_SPARE = 2048, 256, 20000


class Missing(Exception):
    """This machine cannot do it; why."""


def unmount(folder, *command):
    """By umount, or the command. Who was killed there may be about to let go of it."""
    end = time.monotonic() + BUSY_LIMIT_S
    while os.path.ismount(folder):
        done = subprocess.run(command or ('umount', folder), stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if done.returncode and time.monotonic() >= end:
            raise OSError(errno.EBUSY, done.stderr.decode(errors='replace').strip(), folder)
        if done.returncode:
            select.select([], [], [], MOUNT_POLL_MS / 1000)


def require_root():
    if os.geteuid() != 0:
        raise Missing('only root can mount it')


@contextlib.contextmanager
def copies(bench):
    """A folder for what is copied, in memory."""
    folder = bench.path('copy')
    os.makedirs(folder, exist_ok=True)
    run('mount', '-t', 'tmpfs', '-o', 'size=3g', 'copy', folder)
    try:
        yield folder
    finally:
        unmount(folder)


@contextlib.contextmanager
def scratch(prefix, where):
    """A folder for the data, which is removed however we end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = tempfile.mkdtemp(prefix=prefix, dir=where)
    # The server of root reads as another user.
    os.chmod(folder, 0o755)
    try:
        yield folder
    finally:
        progress()
        shutil.rmtree(folder)


class Place:
    """Where programs are, and data."""

    def __init__(self, build, folder):
        self.framefs = os.path.join(build, 'src', 'framefs')
        self.tools = os.path.join(build, 'tests', 'bench')
        self.folder, self.mountpoint = folder, os.path.join(folder, 'mnt')
        os.mkdir(self.mountpoint)

    def path(self, name):
        return os.path.join(self.folder, name)


class Way:
    """Of origin's records, in one directory (flat) or in those of a tree."""
    program, package, made = None, None, None
    head = 0  # bytes before a record's in its file

    def __init__(self, bench, origin, layout):
        self.bench, self.origin, self.layout = bench, origin, layout
        self.folder = bench.mountpoint
        self.pids = []

    def path(self, number, folder=None):
        return os.path.join(folder or self.folder,
                            name_of(number) if self.layout == 'tree' else f'{number:08}')

    def require(self):
        """Raises Missing."""
        if self.program and not shutil.which(self.program):
            raise Missing(f'no {self.program} here: Debian\'s package is {self.package}')

    def build(self, limit_s):
        """What has to be there before it can be mounted; returns the seconds it took."""
        return 0.0

    def remove(self):
        """What was built."""

    def built_bytes(self):
        return 0

    def warm(self):
        """What is mounted is in the page cache."""
        run('dd', 'if=' + (self.made or self.origin.archive), 'of=/dev/null', 'bs=1M',
            'status=none')

    def forget(self):
        """What is mounted is on the disk alone."""
        run('dd', 'if=' + (self.made or self.origin.archive), 'iflag=nocache', 'count=0',
            'status=none')

    def anywhere_s(self, numbers, expected, limit_s=None):
        """Seconds that reading these takes, whose payloads are known."""
        names, copy = self.bench.path('names'), self.bench.path('read')
        with open(names, 'w', encoding='ascii') as stream:
            stream.writelines(self.path(number) + '\n' for number in numbers)
        _, wall_s, _ = shell(f'xargs -a {names} cat >{copy}', limit_s)
        with open(copy, 'rb') as stream:
            if stream.read() != expected:
                raise Wrong(f'{self.folder}: records anywhere are not as generated')
        return wall_s

    def peak_mib(self):
        """Of the processes that serve."""
        return sum(memory_kib(pid, 'VmHWM') for pid in self.pids) / 1024

    def used_s(self):
        """Processors' time of the processes that serve."""
        ticks = 0
        for pid in self.pids:
            with open(f'/proc/{pid}/stat', encoding='ascii', errors='replace') as stream:
                ticks += sum(map(int, stream.read().rpartition(')')[2].split()[11:13]))
        return ticks / os.sysconf('SC_CLK_TCK')


class Framefs(Way):
    def __init__(self, bench, origin, layout, *options, at=None):
        super().__init__(bench, origin, layout)
        self.options, self.folder = options, at or self.folder

    @contextlib.contextmanager
    def mounted(self):
        try:
            run(self.bench.framefs, 'mount', '--no-index', *self.origin.options, *self.options,
                f'--layout={self.layout}', self.origin.archive, self.folder)
            self.pids = [stat_of(self.folder, name)
                         for name in ('framefs_pid', 'framefs_worker_pid')]
            yield
        finally:
            unmount(self.folder, self.bench.framefs, 'umount', self.folder)


class Made(Way):
    """What is made of the files of a framefs mount."""
    suffix = ''

    def __init__(self, bench, origin, layout):
        super().__init__(bench, origin, layout)
        self.made = bench.path(f'{layout}.{self.suffix}')

    def command(self, source):
        """That makes it."""
        raise NotImplementedError

    def build(self, limit_s):
        source = self.bench.path('records')
        os.makedirs(source, exist_ok=True)
        with Framefs(self.bench, self.origin, self.layout, at=source).mounted():
            begin = time.monotonic()
            try:
                subprocess.run(self.command(source), check=True, timeout=limit_s, cwd=source,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
            except subprocess.TimeoutExpired:
                self.remove()
                raise Missing(f'making it takes over {limit_s:.0f} s') from None
            took_s = time.monotonic() - begin
        self.settle()
        return took_s

    def settle(self):
        """Nobody is disturbed later by its being written."""
        run('sync', self.made)

    def remove(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.made)

    def built_bytes(self):
        return int(run('du', '-s', '-B1', self.made).split()[0])


class Files(Made):
    """On a file system of their own, whose image lies on the disk: it goes at once, and its caches
    can be emptied without anybody else's."""
    suffix, program, package = 'ext4', 'mkfs.ext4', 'e2fsprogs'

    def __init__(self, bench, origin, layout):
        super().__init__(bench, origin, layout)
        self.folder = bench.path('files')

    def require(self):
        super().require()
        require_root()

    def command(self, source):
        return ('cp', '-r', source + '/.', self.folder)

    def build(self, limit_s):
        os.makedirs(self.folder, exist_ok=True)
        inodes = self.origin.records + self.origin.records // 1000 + INODES_SPARE
        with open(self.made, 'wb') as stream:
            stream.truncate(inodes * (BLOCK_BYTES + INODE_BYTES) + INODES_SPARE * BLOCK_BYTES)
        run('mkfs.ext4', '-q', '-O', '^has_journal', '-b', str(BLOCK_BYTES), '-I', str(INODE_BYTES),
            '-N', str(inodes), '-m', '0', '-E', 'lazy_itable_init=0', self.made)
        self.mount()
        os.rmdir(os.path.join(self.folder, 'lost+found'))
        return super().build(limit_s)

    def settle(self):
        run('sync', '-f', self.folder)
        super().settle()

    def mount(self):
        run('mount', '-o', 'loop', self.made, self.folder)

    @contextlib.contextmanager
    def mounted(self):
        yield

    def warm(self):
        """Some kernels do not keep for long what nobody reads."""
        run(os.path.join(self.bench.tools, 'read_files'), self.folder, '0', str(WARM_LIMIT_S))

    def forget(self):
        unmount(self.folder)
        super().forget()
        self.mount()

    def remove(self):
        unmount(self.folder)
        super().remove()


class Image(Made):
    """That the kernel mounts."""

    def require(self):
        super().require()
        require_root()
        with open('/proc/filesystems', encoding='ascii') as stream:
            if self.suffix not in stream.read().split():
                raise Missing(f'no {self.suffix} in this kernel')

    @contextlib.contextmanager
    def mounted(self):
        try:
            run('mount', '-t', self.suffix, '-o', 'loop,ro', self.made, self.folder)
            yield
        finally:
            unmount(self.folder)


class Erofs(Image):
    suffix, program, package = 'erofs', 'mkfs.erofs', 'erofs-utils'

    def command(self, source):
        # The xattrs of a framefs mount are no part of its files.
        return ('mkfs.erofs', '-x', '-1', self.made, source)


class Squashfs(Image):
    suffix, program, package = 'squashfs', 'mksquashfs', 'squashfs-tools'

    def command(self, source):
        # Generated bytes cannot be compressed, and need not be unpacked then.
        return ('mksquashfs', source, self.made, '-noappend', '-noD', '-noF', '-no-xattrs',
                '-no-progress')


class Server(Made):
    """A program that mounts it."""
    arguments = ()

    @contextlib.contextmanager
    def mounted(self):
        # In a session of its own it outlives a Ctrl-C up to its umount.
        with subprocess.Popen((self.program, '-f', *self.arguments, self.made, self.folder),
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, start_new_session=True) as process:
            try:
                self.await_mount(process)
                self.pids = [process.pid]
                yield
            finally:
                if os.path.ismount(self.folder):
                    unmount(self.folder)
                else:
                    process.kill()

    def await_mount(self, process):
        end = time.monotonic() + MOUNT_LIMIT_S
        with open('/proc/self/mountinfo', 'rb') as mounts:
            changed = select.poll()
            changed.register(mounts, select.POLLPRI)
            while not os.path.ismount(self.folder):
                if process.poll() is not None:
                    raise Missing(f'it ends with status {process.returncode}')
                if time.monotonic() >= end:
                    raise Missing(f'it takes over {MOUNT_LIMIT_S} s to mount')
                changed.poll(MOUNT_POLL_MS)
                mounts.seek(0)
                mounts.read()


class SquashfuseLl(Server):
    """Of the image that the kernel mounts, too."""
    suffix, program, package = 'squashfs', 'squashfuse_ll', 'squashfuse'
    command = Squashfs.command

    def require(self):
        super().require()
        if not shutil.which(Squashfs.program):
            raise Missing(f'no {Squashfs.program} here')


class FuseZip(Server):
    suffix, program, package = 'zip', 'fuse-zip', 'fuse-zip'
    arguments = ('-r',)

    def command(self, source):
        return ('zip', '-0', '-q', '-r', self.made, '.')


class Archivemount(FuseZip):
    program, package = 'archivemount', 'archivemount'
    arguments = ('-o', 'readonly,nobackup')


class Absent(Way):
    """A program that Debian does not have."""
    layout = ''

    def __init__(self, name):
        self.name = name

    def require(self):
        if not shutil.which(self.name):
            raise Missing('Debian 12 has no such package')
        raise Missing('it is here, and unknown to this benchmark')


class Cold(Way):
    """Another way, with nothing of it in the caches of the kernel."""

    def __init__(self, way):
        self.way = way
        super().__init__(way.bench, way.origin, way.layout)
        self.made = way.made

    def require(self):
        self.way.require()

    def build(self, limit_s):
        return self.way.build(limit_s)

    def built_bytes(self):
        return self.way.built_bytes()

    def warm(self):
        """It must not be."""

    @contextlib.contextmanager
    def mounted(self):
        self.way.forget()
        with self.way.mounted():
            self.pids, self.folder = self.way.pids, self.way.folder
            yield
