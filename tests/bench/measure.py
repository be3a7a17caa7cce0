"""What the benchmarks share: programs timed, a machine that does nothing else, archives from a
seed."""

import os
import platform
import random
import resource
import select
import struct
import subprocess
import time

QUIET_SHARE, QUIET_SPAN_S = 0.9, 0.5
RECORD_MIN_BYTES, RECORD_MAX_BYTES = 100, 500
SEED = 1


def run(*arguments):
    return subprocess.run(arguments, check=True, stdout=subprocess.PIPE,
                          stdin=subprocess.DEVNULL).stdout


def timed(*arguments):
    """Seconds that it took, and seconds of processors' time that it used."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.monotonic()
    run(*arguments)
    took = time.monotonic() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


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


def machine():
    with open('/proc/cpuinfo', encoding='utf-8') as lines:
        model = next((line.split(':', 1)[1].strip() for line in lines
                      if line.startswith('model name')), 'unknown CPU')
    return f'{os.cpu_count()} x {model}, Linux {platform.release()}'


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
