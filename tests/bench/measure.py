"""What the benchmarks share: programs timed, a machine that does nothing else, archives from a
seed."""

import contextlib
import mmap
import os
import platform
import random
import resource
import select
import signal
import struct
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
QUIET_SHARE, QUIET_SPAN_S = 0.9, 0.5
# Blocks of free memory from this order on go back to the host; the kernel has none of 2^11 pages.
REPORTING = '/sys/module/page_reporting/parameters/page_reporting_order'
REPORTING_NONE = '11'
TOUCHED_SHARE = 0.5  # of the memory that is available
RECORD_MIN_BYTES, RECORD_MAX_BYTES = 100, 500
SEED = 1

# What reads records with ordinary programs; {these}: a folder, or some that a pattern names.
COMMANDS = {
    'read': '{reader} {these}',
    'tar': 'tar cPf - {these} | cat >/dev/null',
    'grep': 'grep -r nowhere-to-be-found {these}; test $? = 1',
    'cp': 'cp -r {these} {copy}',
    'rsync': 'rsync -a {these} {copy}',
    'find': 'find {these} -type f | wc -l',
    'stat': 'find {these} -type f -printf "%s\\n" | '
            'awk "{{ n++; s += \\$1 }} END {{ printf \\"%d %.0f\\", n, s }}"',
}


def build(folder, *targets):
    """A release build there, or in build/bench where it is None; returns its folder."""
    folder = os.path.abspath(folder or os.path.join(ROOT, 'build', 'bench'))
    if not os.path.exists(os.path.join(folder, 'build.ninja')):
        run('meson', 'setup', '--buildtype=release', folder, ROOT)
    run('ninja', '-C', folder, 'src/framefs', *('tests/bench/' + target for target in targets))
    return folder


def run(*arguments):
    return subprocess.run(arguments, check=True, stdout=subprocess.PIPE,
                          stdin=subprocess.DEVNULL).stdout


def timed(*arguments):
    """Seconds that it took, and seconds of processors' time that it used."""
    used, begin = processor_time(), time.monotonic()
    run(*arguments)
    return time.monotonic() - begin, processor_time() - used


class Late(Exception):
    """It took longer than it may."""


def processor_time():
    """Seconds that children used which have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def shell(script, limit_s=None):
    """What it printed, and what it took as timed() tells it. When it takes longer than it may, or
    somebody ends us, it ends with all that it started."""
    used, begin = processor_time(), time.monotonic()
    with subprocess.Popen(('bash', '-o', 'pipefail', '-c', script), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            out = process.communicate(timeout=limit_s)[0]
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise Late from None
            raise
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, script)
    return out.decode(), time.monotonic() - begin, processor_time() - used


def read_anywhere(path, count):
    """Seconds for reads of 4 KiB at random places, none of them read ahead."""
    generator, begin, used = random.Random(SEED), time.monotonic(), time.process_time()
    descriptor = os.open(path, os.O_RDONLY)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_RANDOM)
    size = os.fstat(descriptor).st_size
    for _ in range(count):
        os.pread(descriptor, 4096, generator.randrange(size - 4096))
    os.close(descriptor)
    return time.monotonic() - begin, time.process_time() - used


def progress(text=''):
    """A line that the next one replaces, on a terminal."""
    if sys.stderr.isatty():
        print(f'\r\033[K{text}', end='', file=sys.stderr, flush=True)


def idle_share():
    """How much of the processors' time nobody wanted, of the next half second."""
    def ticks():
        with open('/proc/stat', encoding='ascii') as stream:
            return [int(field) for field in stream.readline().split()[1:9]]
    before = ticks()
    select.select([], [], [], QUIET_SPAN_S)
    spent = [b - a for a, b in zip(before, ticks())]
    return (spent[3] + spent[4]) / max(1, sum(spent))


def wait_quiet(wait_s):
    end = time.monotonic() + wait_s
    while time.monotonic() < end:
        if idle_share() >= QUIET_SHARE:
            return True
    return False


@contextlib.contextmanager
def memory_kept():
    """A virtual machine may give free memory back to its host, page by page to be had again by who
    asks next: whoever comes first would pay for all others. Not while this lasts, where the kernel
    lets us say so; and what may be needed has been touched."""
    try:
        with open(REPORTING, 'r+', encoding='ascii') as stream:
            before = stream.read()
            stream.write(REPORTING_NONE)
    except OSError:
        yield
        return
    try:
        size = int(os.sysconf('SC_AVPHYS_PAGES') * mmap.PAGESIZE * TOUCHED_SHARE)
        mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE).close()
        yield
    finally:
        with open(REPORTING, 'w', encoding='ascii') as stream:
            stream.write(before)


def machine():
    with open('/proc/cpuinfo', encoding='utf-8') as lines:
        model = next((line.split(':', 1)[1].strip() for line in lines
                      if line.startswith('model name')), 'unknown CPU')
    return f'{os.cpu_count()} x {model}, Linux {platform.release()}'


def machine_now():
    """And whether others use it."""
    return f'{machine()}, processors {idle_share():.0%} idle before'


def records(generator, count):
    return [generator.randbytes(generator.randint(RECORD_MIN_BYTES, RECORD_MAX_BYTES))
            for _ in range(count)]


def framed(payloads):
    return b''.join(b'rec0' + struct.pack('<q', len(p)) + p for p in payloads)


def write_many(path, size, block):
    """About `size` bytes: the same records over and over."""
    with open(path, 'wb') as stream:
        for _ in range(max(1, size // len(block))):
            stream.write(block)


def write_big(path, size, mode='wb'):
    """One record of `size` bytes; mode 'ab': behind what is there."""
    with open(path, mode) as stream:
        stream.write(b'big0' + struct.pack('<q', size))
        block = random.Random(SEED).randbytes(1 << 20)
        for _ in range(size >> 20):
            stream.write(block)
