#!/usr/bin/env python3
"""RPM's packages: the spec is looked at by rpmlint, built by tools/package, and what is in it is
what meson installs."""

import glob
import os

import harness
import packages
from harness import check, contains, equal, run, test

SPEC = os.path.join(harness.ROOT, 'packaging', 'framefs.spec')


def query(name, what):
    path = packages.one(packages.built('rpm'), '*', name + '-[0-9]*.rpm')
    return run('rpm', '-qp', what, path).text.splitlines()


@test('rpmlint finds nothing in the spec but what its rc file explains', fuse=False)
def lint():
    packages.need('rpmlint')
    explained = os.path.join(harness.ROOT, 'packaging', 'framefs.rpmlintrc')
    contains(run('rpmlint', '-r', explained, SPEC).text, '0 errors, 0 warnings')


@test('rpmbuild builds it, and the packages hold the program, the library and its headers',
      fuse=False)
def contents():
    program, library, headers = (query(name, '--list') for name in
                                 ('framefs', 'framefs-libs', 'framefs-devel'))
    check('/usr/bin/framefs' in program, 'the program')
    check(any(path.startswith('/usr/share/man/man1/framefs.1') for path in program), 'its page')
    check(any(path.endswith('/libframefs.so.0') for path in library), 'the library')
    equal({path for path in headers if path.endswith('.h')},
          {'/usr/include/framefs/' + os.path.basename(path)
           for path in glob.glob(os.path.join(harness.ROOT, 'include', 'framefs', '*.h'))},
          'headers')
    contains('\n'.join(query('framefs', '--requires')), 'fuse3', 'what framefs requires')
    contains('\n'.join(query('framefs-devel', '--provides')), 'pkgconfig(libframefs)', 'devel')


@test('the program in the package runs', fuse=False)
def runs():
    packages.need('rpm2cpio', 'cpio')
    folder = harness.make_dir()
    path = packages.one(packages.built('rpm'), '*', 'framefs-[0-9]*.rpm')
    run('cpio', '-id', '--quiet', stdin=run('rpm2cpio', path).out, cwd=folder)
    contains(run(os.path.join(folder, 'usr/bin/framefs'), 'info',
                 os.path.join(harness.DATA, 'pptp.pcap')).text, '23', 'the number of records')


harness.main()
