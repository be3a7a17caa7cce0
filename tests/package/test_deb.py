#!/usr/bin/env python3
"""Debian's packages: built by tools/package, looked at by lintian, and installed into a Debian that
has nothing else."""

import os
import shutil

import harness
import packages
from harness import check, contains, equal, run, Skip, test

PROGRAM = b"""
#include <framefs/framefs.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    struct ff_format *format = NULL;
    int status = argc > 1 ? ff_format_find(argv[1], &format, NULL) : -1;

    printf("%s %s\\n", ff_version(), status == 0 ? ff_format_name(format) : "unknown");
    ff_format_free(format);
    return status == 0 ? 0 : 1;
}
"""


def unpacked(*names):
    """A folder with the files of the packages."""
    folder = harness.make_dir()
    for name in names:
        run('dpkg-deb', '-x', packages.one(packages.built('deb'), name + '_*.deb'), folder)
    return folder


@test('lintian finds no error and nothing to warn of', fuse=False)
def lintian():
    packages.need('lintian')
    changes = packages.one(packages.built('deb'), '*.changes')
    equal(run('lintian', '--allow-root', '--fail-on', 'error,warning', changes, status=None).text,
          '', 'what lintian says')


@test('each package holds what its name says', fuse=False)
def contents():
    program, library = packages.below(unpacked('framefs')), packages.below(unpacked('libframefs0'))
    headers = packages.below(unpacked('libframefs-dev'))
    for path in ('usr/bin/framefs', 'usr/sbin/mount.framefs', 'usr/share/man/man1/framefs.1.gz',
                 'usr/share/man/man5/framefs-formats.5.gz', 'usr/share/doc/framefs/copyright',
                 'usr/share/bash-completion/completions/framefs',
                 'usr/share/fish/vendor_completions.d/framefs.fish',
                 'usr/share/zsh/site-functions/_framefs'):
        check(path in program, f'framefs lacks {path}')
    equal({path for path in program if '/lib/' in path and '.so' in path}, set(), 'libraries')
    libraries = {os.path.basename(path) for path in library if path.startswith('usr/lib/')}
    check('libframefs.so.0' in libraries, 'libframefs0 lacks the library')
    equal({name for name in libraries if not name.startswith('libframefs.so.0')}, set(),
          'what else libframefs0 has in usr/lib')
    equal({os.path.basename(path) for path in headers if path.startswith('usr/include/framefs/')},
          set(os.listdir(os.path.join(harness.ROOT, 'include', 'framefs'))), 'headers')


@test('a program is built with libframefs-dev, and runs with libframefs0', fuse=False)
def develop():
    packages.need('gcc', 'pkg-config')
    folder = unpacked('libframefs0', 'libframefs-dev')
    source = harness.write(PROGRAM, 'program.c')
    library = os.path.dirname(packages.one(folder, 'usr/lib/*/libframefs.so.0'))
    environment = {**os.environ, 'PKG_CONFIG_PATH': os.path.join(library, 'pkgconfig')}
    for kind, arguments in (('shared', []), ('static', ['--static'])):
        flags = run('pkg-config', f'--define-variable=prefix={folder}/usr', '--cflags', '--libs',
                    *arguments, 'libframefs', env=environment).text.split()
        if arguments:
            flags[flags.index('-lframefs')] = '-l:libframefs.a'
        program = harness.make_path(kind)
        run('gcc', '-Wall', '-Werror', source, '-o', program, *flags)
        environment['LD_LIBRARY_PATH'] = library if kind == 'shared' else ''
        contains(run(program, 'pcap', env=environment).text, 'pcap', f'{kind}: what it prints')


def mirror_of(codename):
    """Where this machine gets Debian's packages from, if it can be reached."""
    targets = run('apt-get', 'indextargets', '--format', '$(REPO_URI) $(CODENAME) $(COMPONENT)',
                  f'Codename: {codename}').text.splitlines()
    mirrors = [line.split()[0] for line in targets if line.endswith(f' {codename} main')]
    if not mirrors:
        raise Skip(f'apt has no source of {codename}')
    reached = run('/usr/lib/apt/apt-helper', 'download-file',
                  f'{mirrors[0]}dists/{codename}/InRelease', harness.make_path(), status=None)
    if reached.status != 0:
        raise Skip(f'{mirrors[0]} cannot be reached')
    return mirrors[0]


def isolated(*command, **more):
    """Runs it with mounts and processes of its own: none outlives it."""
    return run('unshare', '--mount-proc', '--pid', '--fork', '--kill-child', *command, **more)


def inside(root, script):
    """Runs a shell's script in the other system, with this one's /dev/fuse."""
    return isolated('sh', '-euc', 'mount -t proc proc "$1/proc"; mount --rbind /dev "$1/dev"; '
                    'exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 '
                    'chroot "$1" sh -euc "cd /; $2"', 'sh', root, script, timeout=packages.LIMIT_S)


def clean_root():
    """A Debian of its essential packages, framefs and what that depends on."""
    codename = run('sh', '-c', '. /etc/os-release; echo "$VERSION_CODENAME"').text.strip()
    mirror = mirror_of(codename)
    repository = harness.make_dir('repository')
    shutil.copy(packages.one(packages.built('deb'), 'framefs_*.deb'), repository)
    scanned = run('dpkg-scanpackages', '.', cwd=repository).out
    harness.write(scanned, 'Packages', repository)
    root = harness.make_dir('root')
    isolated('mmdebstrap', '--mode=root', '--variant=essential', '--include=framefs',
             '--dpkgopt=force-unsafe-io', codename, root, f'deb {mirror} {codename} main',
             f'deb [trusted=yes] copy:{repository} ./', timeout=packages.LIMIT_S)
    return root


@test('in a Debian that has nothing else it installs, the quickstart reads an archive, and nothing '
      'of it is left when it is purged')
def clean():
    packages.need('mmdebstrap', 'dpkg-scanpackages', 'unshare')
    if os.geteuid() != 0:
        raise Skip('only root can make a system to install it into')
    root = clean_root()
    os.mkdir(os.path.join(root, 'try'))
    shutil.copytree(os.path.join(harness.ROOT, 'tools'), os.path.join(root, 'try', 'tools'))
    shutil.copy(os.path.join(harness.DATA, 'pptp.pcap'), os.path.join(root, 'try'))
    text = inside(root, 'FRAMEFS=/usr/bin/framefs try/tools/quickstart try/pptp.pcap').text
    equal(text.count('\nequal\n'), 2, 'comparisons')
    check('\n23\n' in text, 'the number of records')
    shutil.rmtree(os.path.join(root, 'try'))

    inside(root, 'dpkg --purge framefs')
    left = {path for path in packages.below(root) if 'framefs' in path}
    equal(left, set(), 'what is left')


harness.main()
