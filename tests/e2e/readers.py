"""Threads that read as long as a test does something else."""

import random
import threading

import harness
from harness import check


class Readers:
    """Each reads records in an order of its own, over and over. What a test reads, and in which
    order, is told by numbers() and read()."""

    def __init__(self, threads):
        self.stop, self.reads, self.wrong = False, 0, []
        self.threads = [threading.Thread(target=self._run, args=(i,)) for i in range(threads)]

    def numbers(self, thread, r):
        """The records that this thread reads, without an end."""
        raise NotImplementedError

    def read(self, number):
        """Reads this record; whether its bytes are right."""
        raise NotImplementedError

    def _run(self, thread):
        for number in self.numbers(thread, random.Random(thread)):
            if self.stop:
                return
            try:
                if not self.read(number):
                    self.wrong.append(f'record {number}: other bytes')
            except OSError as error:
                self.wrong.append(f'record {number}: {error}')
            self.reads += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, error, trace):
        self.stop = True
        for thread in self.threads:
            thread.join()
        if kind is None:
            check(not self.wrong, f'{len(self.wrong)} of {self.reads} reads: {self.wrong[:5]}')

    def go_on(self, count):
        """Waits for so many more reads, or a wrong one."""
        before = self.reads
        harness.wait_for(lambda: self.reads > before + count or self.wrong, 'reads')
