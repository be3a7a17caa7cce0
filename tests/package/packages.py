"""What the tests of packages share: a folder of freshly built packages, and programs that may be
missing."""

import functools
import glob
import os
import shutil

import harness

LIMIT_S = 600  # for a build on a busy machine


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise harness.Skip(f'{program} is not installed')


def built(kind):
    """The folder that tools/package wrote its packages of this kind to."""
    need({'deb': 'dh', 'rpm': 'rpmbuild'}[kind])
    folder, complaint = _build(kind)
    harness.check(not complaint, f'tools/package {kind}: {complaint}')
    return folder


@functools.cache
def _build(kind):
    """(folder, the end of what a build that failed said)"""
    folder = harness.make_dir(kind)
    # The tests that the packages would run have just been run.
    environment = {**os.environ, 'DEB_BUILD_OPTIONS': 'nocheck'}
    result = harness.run(os.path.join(harness.ROOT, 'tools', 'package'), kind, folder,
                         env=environment, timeout=LIMIT_S, status=None)
    return folder, result.err[-2000:] if result.status else None


def one(*pattern):
    """The one path that matches."""
    found = glob.glob(os.path.join(*pattern))
    harness.equal(len(found), 1, f'paths that match {os.path.join(*pattern)}')
    return found[0]


def below(folder):
    """All paths below a folder that are no folders themselves, relative to it."""
    return {os.path.relpath(os.path.join(where, name), folder)
            for where, folders, names in os.walk(folder)
            for name in names + [f for f in folders if os.path.islink(os.path.join(where, f))]}
