"""Archives and programs that only some machines have: a test that needs one is skipped where it is
missing."""

import os
import shutil

import harness
from harness import Skip

SAMPLES = os.environ.get('FRAMEFS_SAMPLES') or os.path.join(harness.ROOT, '..', 'shared', 'samples')


def need(program):
    if not shutil.which(program):
        raise Skip(f'no {program}')


def sample(*names):
    path = os.path.join(SAMPLES, *names)
    if not os.path.exists(path):
        raise Skip(f'no sample {"/".join(names)}')
    return path
