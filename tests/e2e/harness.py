"""What the end-to-end tests share: claims reported as TAP, programs run with a time limit, mounts
that always end, archives made by struct, and a close look at what a test leaves behind.

A test program is a list of functions marked with @test('what is claimed'), then harness.main(). A
claim fails when its function raises, when a process or mount outlives it, or when a sanitizer wrote
a report meanwhile.

The test process is the subreaper of all it starts: a mount's server that went to the background
stays its child, so that its end and its exit status are seen, and nothing can leak unseen.
"""

import contextlib
import ctypes
import fcntl
import glob
import os
import random
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback

FRAMEFS = os.path.abspath(os.environ.get('FRAMEFS', 'framefs'))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DATA = os.path.join(ROOT, 'tests', 'data')
LIMIT_S = 120  # for any one process or condition; a hang, not a measure of speed
SANITIZER_STATUS = 99
GUARD = 'fuse-guard'  # the process that ends when all others of its mount have

libc = ctypes.CDLL(None, use_errno=True)

_tests = []
_scratch = None


class Skip(Exception):
    """The machine lacks what the claim needs."""


class Failure(Exception):
    """Something is not as claimed."""


def test(claim, fuse=True):
    """Marks a function as a test of the claim; fuse: it mounts."""
    def mark(function):
        add(claim, function, fuse)
        return function
    return mark


def add(claim, function, fuse=True):
    _tests.append((claim, function, fuse))


# ---- expectations ----

def equal(got, want, what=''):
    if got != want:
        raise Failure(f'{what or "value"}: {brief(got)} instead of {brief(want)}')


def check(condition, what):
    if not condition:
        raise Failure(what)


def contains(text, part, what='output'):
    if part not in text:
        raise Failure(f'{what} lacks {part!r}: {brief(text)}')


def fails(code, function, *arguments):
    """The call raises OSError with this errno (one or a tuple of them)."""
    codes = code if isinstance(code, tuple) else (code,)
    try:
        got = function(*arguments)
    except OSError as error:
        if error.errno not in codes:
            raise Failure(f'{function.__name__}{arguments[:2]!r}: {error}, not {codes}') from error
        return
    raise Failure(f'{function.__name__}{arguments[:2]!r} did not fail: {brief(got)}')


def brief(value):
    shown = repr(value)
    return shown if len(shown) < 600 else f'{shown[:400]} ... {shown[-100:]}'


def wait_for(condition, what):
    """Until condition() is true; the kernel tells of some things only to those who ask again."""
    end = time.monotonic() + LIMIT_S
    while not condition():
        check(time.monotonic() < end, f'not within {LIMIT_S} s: {what}')
        pause()


def pause():
    """Between two looks."""
    select.select([], [], [], 0.005)


# ---- processes ----

class Result:
    def __init__(self, arguments, status, out, err):
        self.arguments, self.status, self.out, self.err_bytes = arguments, status, out, err
        self.err = err.decode('utf-8', 'replace')
        self.text = out.decode('utf-8', 'replace')

    def __repr__(self):
        return (f'{self.arguments}: exit status {self.status}, stdout {brief(self.out)}, '
                f'stderr {brief(self.err)}')


def run(*arguments, status=0, stdin=b'', timeout=LIMIT_S, **more):
    """Runs a program: its Result. status: what is expected, None for any that is no crash."""
    arguments = [os.fspath(a) for a in arguments]
    more.setdefault('stdout', subprocess.PIPE)
    more.setdefault('stderr', subprocess.PIPE)
    if 'preexec_fn' not in more:
        more.setdefault('start_new_session', True)
    if isinstance(stdin, bytes):
        more['input'] = stdin
    else:
        more['stdin'] = stdin
    try:
        done = subprocess.run(arguments, timeout=timeout, check=False, **more)
    except subprocess.TimeoutExpired as error:
        raise Failure(f'hangs: {arguments}: {error.stdout!r} {error.stderr!r}') from error
    result = Result(arguments, done.returncode, done.stdout or b'', done.stderr or b'')
    if status is None:
        check(result.status not in (SANITIZER_STATUS, 126, 127) and result.status >= 0,
              f'crashed: {result!r}')
    elif result.status != status:
        raise Failure(f'{result!r}, instead of status {status}')
    return result


def framefs(*arguments, **more):
    return run(FRAMEFS, *arguments, **more)


def children():
    """{pid: command line} of all processes that are this one's children, zombies reaped."""
    with contextlib.suppress(ChildProcessError):
        for pid in list(_stats()):
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
    found = {}
    for pid in _stats():
        with contextlib.suppress(OSError):
            with open(f'/proc/{pid}/cmdline', 'rb') as stream:
                found[pid] = stream.read().replace(b'\0', b' ').decode('utf-8', 'replace')
    return found


def _stats(parent=None):
    for path in glob.glob('/proc/[0-9]*/stat'):
        with contextlib.suppress(OSError):
            with open(path, 'rb') as stream:
                fields = stream.read().rsplit(b')', 1)[1].split()
            if int(fields[1]) == (parent or os.getpid()):
                yield int(path.split('/')[2])


def _comm(pid):
    """As ps(1) shows it."""
    with open(f'/proc/{pid}/comm', encoding='ascii', errors='replace') as stream:
        return stream.read().strip()


def children_of(pid, name=None):
    """Its children that run the program under this name, or under any but the guard's, which ends
    with the others."""
    found = []
    for child in _stats(pid):
        with contextlib.suppress(OSError):
            comm = _comm(child)
            is_named = comm == name if name else comm != GUARD
            if is_named and os.path.samefile(f'/proc/{child}/exe', FRAMEFS):
                found.append(child)
    return found


def workers_of(pid):
    """Those of them that serve, or would: not a sanitizer's helper."""
    return children_of(pid, 'framefs-worker') + children_of(pid, 'framefs-spare')


def tasks_of(pid):
    with contextlib.suppress(OSError):
        return os.listdir(f'/proc/{pid}/task')
    return []


def freeze(pid):
    """Stops all its threads: a request that one of them had taken could not be taken back."""
    def is_stopped(task):
        with open(f'/proc/{pid}/task/{task}/stat', 'rb') as stream:
            return stream.read().rsplit(b')', 1)[1].split()[0] == b'T'
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: all(is_stopped(task) for task in tasks_of(pid)), f'{pid} stops')


def servers_of(directory):
    """The processes that serve the mount: children that run framefs with this argument."""
    found = []
    for pid in _stats():
        with contextlib.suppress(OSError):
            with open(f'/proc/{pid}/cmdline', 'rb') as stream:
                arguments = stream.read().split(b'\0')
            if os.path.samefile(f'/proc/{pid}/exe',
                                FRAMEFS) and os.fsencode(directory) in arguments and \
                    _comm(pid) != GUARD:
                found.append(pid)
    return found


def wait_exit(pid, timeout=LIMIT_S):
    """Waits for the end of a child: its status as subprocess tells it, negative for a signal.
    ChildProcessError for another one's, also where that has waited for it already."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError as error:
        raise ChildProcessError(f'process {pid} is gone') from error
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        check(poll.poll(timeout * 1000), f'process {pid} does not end')
    finally:
        os.close(descriptor)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


DROP_CACHES = '/proc/sys/vm/drop_caches'


def drop_caches(pages=False):
    """The kernel forgets all names and inodes that nobody uses; pages: all clean bytes of files,
    too, those of other tests as well. Waits for those that want theirs kept."""
    try:
        with open(DROP_CACHES, 'w', encoding='ascii') as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            stream.write('3\n' if pages else '2\n')
    except OSError as error:
        raise Skip(f'drop_caches: {error.strerror}') from error


@contextlib.contextmanager
def caches_kept():
    """Meanwhile no test drops the caches."""
    with contextlib.ExitStack() as stack:
        # Who may not open it cannot be disturbed by tests of his own either.
        with contextlib.suppress(PermissionError):
            stream = stack.enter_context(open(DROP_CACHES, 'w', encoding='ascii'))
            fcntl.flock(stream, fcntl.LOCK_SH)
        yield


def memory_kib(pid, key='VmRSS'):
    with open(f'/proc/{pid}/status', encoding='ascii', errors='replace') as lines:
        for line in lines:
            if line.startswith(key + ':'):
                return int(line.split()[1])
    raise Failure(f'no {key} of {pid}')


def under_sanitizer():
    """True when the program was built with a sanitizer: its memory tells nothing then."""
    with open(FRAMEFS, 'rb') as stream:
        content = stream.read()
        return b'__asan_init' in content or b'__tsan_init' in content


# ---- mounts ----

def mounts():
    """(directory, type, options) of each mount."""
    found = []
    with open('/proc/self/mounts', 'rb') as lines:
        for line in lines:
            fields = line.split(b' ')
            found.append((fields[1].decode('unicode_escape').encode('latin-1'), fields[2].decode(),
                          fields[3].decode()))
    return found


def is_mounted(directory):
    return any(where == os.fsencode(directory) for where, _, _ in mounts())


class Mount:
    """framefs mount ARGUMENTS DIR, unmounted at the end of the with block.

    dead: the test kills the server itself.
    """

    def __init__(self, *arguments, where=None, dead=False, **more):
        self.dir = os.fspath(where or make_dir('mnt'))
        self.dead = dead
        self.done = False
        self.result = framefs('mount', *arguments, self.dir, **more)
        self.servers = servers_of(self.dir)
        if not is_mounted(self.dir) or not self.servers:
            self.close()
            raise Failure(f'mount returned 0 and nothing is mounted: {self.result!r}')

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        try:
            self.close()
        except Failure as failure:
            if kind is None:
                raise
            print(f'# {failure}')

    @property
    def server(self):
        return self.servers[0]

    @property
    def worker(self):
        """The process that looks at archives: a child of the server."""
        found = children_of(self.server, 'framefs-worker')
        check(len(found) == 1, f'{len(found)} workers')
        return found[0]

    def kill(self):
        """Kills server and worker: the mount stays, dead when its guard has ended."""
        guards = children_of(self.server, GUARD)
        # The other way round the server would start another worker.
        for pid in [self.server] + children_of(self.server):
            os.kill(pid, signal.SIGKILL)
            equal(wait_exit(pid), -signal.SIGKILL, 'status of the killed process')
        for pid in guards:
            wait_exit(pid)
        self.servers = []

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def names(self, *below):
        return os.listdir(self.path(*below))

    def read(self, *names):
        with open(self.path(*names), 'rb', buffering=0) as stream:
            return b''.join(iter(lambda: stream.read(1 << 20), b''))

    def control(self, name):
        return self.read('.framefs', name)

    def records(self):
        """The paths of all records in listing order."""
        return list(walk(self.dir))

    def close(self):
        """Unmounts; the server has to end with status 0."""
        if self.done:
            return
        self.done = True
        complaint = None
        if is_mounted(self.dir):
            try:
                framefs('umount', self.dir)
            except Failure as failure:
                complaint = str(failure)
                run('umount', '-l', self.dir, status=None)
        for pid in self.servers:
            try:
                status = wait_exit(pid)
                if status != 0 and not self.dead:
                    complaint = complaint or f'the server ended with status {status}'
            except ChildProcessError:
                pass
            except Failure as failure:
                complaint = complaint or str(failure)
                os.kill(pid, signal.SIGKILL)
                wait_exit(pid)
        check(complaint is None, complaint)
        check(not is_mounted(self.dir), 'still mounted after umount')


class Foreground:
    """framefs mount -f: its messages are kept in .messages()."""

    def __init__(self, *arguments, where=None):
        self.dir = os.fspath(where or make_dir('mnt'))
        self.log = make_path('messages')
        with open(self.log, 'wb') as log:
            self.process = subprocess.Popen([FRAMEFS, 'mount', '-f', *map(os.fspath, arguments),
                                             self.dir],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)
        try:
            wait_for(lambda: self.process.poll() is not None or is_mounted(self.dir), 'mounted')
            check(self.process.poll() is None, f'ended at once: {self.messages()}')
        except Failure:
            self.__exit__()
            raise

    def says(self, *parts):
        """Waits for messages with these parts: a reader may have its error before the supervisor
        has logged what the worker tells of it."""
        for part in parts:
            wait_for(lambda part=part: part in self.messages(), f'a message with {part!r}')

    def messages(self):
        with open(self.log, encoding='utf-8', errors='replace') as stream:
            return stream.read()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if is_mounted(self.dir):
            run('umount', '-l', self.dir, status=None)
        try:
            self.process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure('the server did not end after umount') from None


def walk(directory):
    """The regular files below, in the order of the listings."""
    with os.scandir(directory) as entries:
        listed = list(entries)
    for entry in listed:
        if entry.is_dir(follow_symlinks=False):
            yield from walk(entry.path)
        else:
            yield entry.path


# ---- files ----

def make_dir(name='dir'):
    where = tempfile.mkdtemp(prefix=name + '-', dir=_scratch)
    os.chmod(where, 0o755)
    return where


def make_path(name='file'):
    return os.path.join(make_dir(), name)


def write(content, name='archive', where=None):
    path = os.path.join(where or make_dir(), name)
    with open(path, 'wb') as stream:
        stream.write(content)
    return path


def read(path):
    with open(path, 'rb') as stream:
        return stream.read()


def pread_full(descriptor, count, offset):
    """Until count bytes or the end."""
    parts = []
    while count > 0:
        part = os.pread(descriptor, min(count, 1 << 24), offset)
        if not part:
            break
        parts.append(part)
        count, offset = count - len(part), offset + len(part)
    return b''.join(parts)


def seeded(seed):
    """A generator whose seed is printed; FF_SEED repeats a run."""
    seed = int(os.environ.get('FF_SEED', seed))
    print(f'# seed {seed}')
    return random.Random(seed)


# ---- archives ----

def tag4(payloads, order='<', header=lambda number: b'tag%d' % (number % 10)):
    """[4 header bytes][int64 length][payload]; order '<' or '>'."""
    return b''.join(header(i) + struct.pack(order + 'q', len(p)) + p for i,
                    p in enumerate(payloads))


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = _CRC32C[(crc ^ byte) & 0xff] ^ crc >> 8
    return crc ^ 0xffffffff


def _crc32c_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82f63b78 if value & 1 else 0)
        table.append(value)
    return table


_CRC32C = _crc32c_table()


def masked_crc32c(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xa282ead8) & 0xffffffff


def tfrecord(payloads):
    out = []
    for payload in payloads:
        length = struct.pack('<Q', len(payload))
        out.append(length + struct.pack('<I', masked_crc32c(length)) + payload
                   + struct.pack('<I', masked_crc32c(payload)))
    return b''.join(out)


def varint(value):
    out = bytearray()
    while value > 0x7f:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def delimited(payloads):
    return b''.join(varint(len(p)) + p for p in payloads)


def pcap(packets, order='<', nanoseconds=False, link=1):
    """packets: (seconds, fraction, bytes)."""
    magic = 0xa1b23c4d if nanoseconds else 0xa1b2c3d4
    out = [struct.pack(order + 'IHHiIII', magic, 2, 4, 0, 0, 65535, link)]
    for seconds, fraction, content in packets:
        out.append(struct.pack(order + 'IIII', seconds, fraction, len(content), len(content))
                   + content)
    return b''.join(out)


def ethernet(number):
    """A small frame that tcpdump knows: an ARP request."""
    return (b'\xff' * 6 + b'\x02\0\0\0\0\x01' + b'\x08\x06'
            + struct.pack('>HHBBH', 1, 0x0800, 6, 4, 1)
            + b'\x02\0\0\0\0\x01' + bytes([10, 0, 0, 1]) + b'\0' * 6
            + struct.pack('>I', 0x0a000000 | number))


# ---- the run ----

def _fuse_missing():
    try:
        os.close(os.open('/dev/fuse', os.O_RDWR))
    except OSError as error:
        return f'/dev/fuse: {error.strerror}'
    return None


def _sanitizers():
    """Reports go to files: a server in the background has no stderr any more."""
    # A worker writes there as another user.
    folder = os.path.join(_scratch, 'sanitizer')
    os.mkdir(folder)
    os.chmod(folder, 0o1777)
    path = os.path.join(folder, 'report')
    common = f'log_path={path}:exitcode={SANITIZER_STATUS}:abort_on_error=0'
    for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS', 'TSAN_OPTIONS', 'LSAN_OPTIONS'):
        os.environ[name] = ':'.join(filter(None, [os.environ.get(name), common]))
    os.environ['UBSAN_OPTIONS'] += ':print_stacktrace=1'
    os.environ['TSAN_OPTIONS'] += f":suppressions={os.path.join(ROOT, 'tests', 'tsan.supp')}"
    return path


def _left_behind(reports):
    """What the last test left; it is cleared away."""
    found = []
    for where, kind, _ in mounts():
        if where.startswith(os.fsencode(_scratch) + b'/'):
            found.append(f'mount {os.fsdecode(where)} ({kind})')
            subprocess.run(['umount', '-l', where], check=False, stdin=subprocess.DEVNULL)
    with contextlib.suppress(Failure):
        wait_for(lambda: not children_of(os.getpid(), GUARD), 'guards end')
    for pid, command in children().items():
        if command:
            found.append(f'process {pid}: {command}')
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                wait_exit(pid)
    for path in glob.glob(reports + '.*'):
        with open(path, encoding='utf-8', errors='replace') as stream:
            found.append('sanitizer: ' + stream.read()[:6000])
        os.unlink(path)
    return found


def _run_one(function, fuse, reports):
    """('ok'|'not ok'|'skip', lines that explain it, the first one says what)"""
    missing = _fuse_missing() if fuse else None
    outcome, lines = 'ok', []
    try:
        if missing:
            raise Skip(missing)
        function()
    except Skip as skip:
        outcome, lines = 'skip', [str(skip)]
    except Failure as failure:
        place = [frame for frame in traceback.extract_tb(failure.__traceback__)
                 if frame.filename != os.path.abspath(__file__)]
        lines = [str(failure)] + [f'{os.path.basename(f.filename)}:{f.lineno}: {f.line}'
                                  for f in place[-3:]]
        outcome = 'not ok'
    except Exception as error:  # another surprise is a failed test, and the next ones still run
        outcome, lines = 'not ok', [repr(error)] + traceback.format_exc().splitlines()
    left = _left_behind(reports)
    if left:
        outcome, lines = 'not ok', lines + ['left behind: ' + left[0]] + left[1:]
    return outcome, lines


def main():
    """Runs the tests whose claims contain a word of the command line, all without one; exits."""
    global _scratch
    if not os.access(FRAMEFS, os.X_OK):
        raise SystemExit(f'{FRAMEFS} is no program: FRAMEFS=build/src/framefs tells where it is')
    sys.stdout.reconfigure(errors='backslashreplace', line_buffering=True)
    words = sys.argv[1:]
    chosen = [t for t in _tests if not words or any(word in t[0] for word in words)]
    libc.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    os.environ.setdefault('LC_ALL', 'C.UTF-8')
    os.umask(0o022)
    _scratch = tempfile.mkdtemp(prefix='framefs-e2e-')
    os.chmod(_scratch, 0o755)
    # Formats of whoever runs the tests are none of them.
    os.environ['XDG_CONFIG_HOME'] = os.path.join(_scratch, 'config')
    os.environ['XDG_CACHE_HOME'] = os.path.join(_scratch, 'cache')
    reports = _sanitizers()
    failed = 0
    try:
        print(f'1..{len(chosen)}')
        for number, (claim, function, fuse) in enumerate(chosen, 1):
            outcome, lines = _run_one(function, fuse, reports)
            if outcome == 'skip':
                print(f'ok {number} - {claim} # SKIP {lines[0]}')
                continue
            print(f'{outcome} {number} - {claim}')
            failed += outcome == 'not ok'
            for line in lines:
                for part in line.split('\n'):
                    print(f'#   {part}')
    finally:
        shutil.rmtree(_scratch, ignore_errors=True)
    sys.exit(1 if failed else 0)
