#!/usr/bin/env python3
"""meson install puts everything where it belongs, and ninja uninstall takes all of it away."""

import contextlib
import os

import harness
import packages
from harness import check, contains, equal, run, test

BUILD = os.environ['BUILD']
LOG = os.path.join(BUILD, 'meson-logs', 'install-log.txt')


@contextlib.contextmanager
def installed():
    """A folder that this build is installed into.

    The list that uninstall goes by afterwards is that of whoever installed from this build before.
    """
    before = harness.read(LOG) if os.path.exists(LOG) else None
    try:
        folder = harness.make_dir()
        run('meson', 'install', '-C', BUILD, '--no-rebuild', '--destdir', folder,
            timeout=packages.LIMIT_S)
        yield folder
    finally:
        if before is not None:
            harness.write(before, os.path.basename(LOG), os.path.dirname(LOG))
        elif os.path.exists(LOG):
            os.unlink(LOG)


@test('what was installed is gone after uninstall, folders too', fuse=False)
def uninstall():
    with installed() as folder:
        check(any(path.endswith('bin/framefs') for path in packages.below(folder)), 'installed')
        run('ninja', '-C', BUILD, 'uninstall', timeout=packages.LIMIT_S)
        equal(os.listdir(folder), [], 'what is left')


@test('the installed program runs, and what it is called by leads to it', fuse=False)
def runs():
    with installed() as folder:
        paths = packages.below(folder)
        program, = (path for path in paths if path.endswith('/bin/framefs'))
        helper, = (path for path in paths if path.endswith('/mount.framefs'))
        contains(run(os.path.join(folder, program), '--version').text, 'framefs ')
        target = os.readlink(os.path.join(folder, helper))
        equal(os.path.normpath(os.path.join('/', os.path.dirname(helper), target)), '/' + program,
              'where mount.framefs leads')


harness.main()
