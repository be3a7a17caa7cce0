#!/usr/bin/env python3
"""framefs@.service and x-systemd.automount, under a systemd of their own in namespaces."""

import contextlib
import glob
import json
import os
import re
import shutil

import harness
from harness import FRAMEFS, check, contains, equal, test
from troubles import told

UNIT = os.path.join(os.path.dirname(FRAMEFS), '..', 'packaging', 'framefs@.service')
EXPOSURE_MAX = 4.2  # docs/system.md tells it
PAYLOADS = [b'one', b'two', b'three']


def unit_text():
    """The unit as it was built, for the program that is tested."""
    if not os.path.exists(UNIT):
        raise harness.Skip('the unit is not beside the program')
    return re.sub(r'=/\S*/framefs ', f'={FRAMEFS} ', harness.read(UNIT).decode())


def write_unit(folder):
    return harness.write(unit_text().encode(), 'framefs@.service', where=folder)


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise harness.Skip(f'{program} is not installed')


@test('systemd-analyze finds nothing wrong in the unit', fuse=False)
def verify():
    need('systemd-analyze')
    folder = harness.make_dir()
    write_unit(folder)
    result = harness.run('systemd-analyze', 'verify', '--man=no', './framefs@x.service',
                         cwd=folder)
    equal(result.text + result.err, '', 'complaints')


@test('the exposure that systemd-analyze computes is not above that of the documentation',
      fuse=False)
def security():
    need('systemd-analyze')
    path = write_unit(harness.make_dir())
    rows = json.loads(harness.run('systemd-analyze', 'security', '--offline=true', '--json=short',
                                  path).text)
    exposed = {row['name'] for row in rows if row['exposure'] is not None}
    for name in ('NoNewPrivileges=', 'MemoryDenyWriteExecute=', 'RestrictRealtime=',
                 'SystemCallFilter=~@module', 'CapabilityBoundingSet=~CAP_NET_ADMIN'):
        check(name in {row['name'] for row in rows} and name not in exposed, f'{name} is exposed')
    harness.run('systemd-analyze', 'security', '--offline=true', '--no-pager',
                f'--threshold={EXPOSURE_MAX * 10:.0f}', path)
    docs = harness.read(os.path.join(harness.ROOT, 'docs', 'system.md')).decode()
    total = re.search(r'exposure level for \S+: ([\d.]+)',
                      harness.run('systemd-analyze', 'security', '--offline=true', '--no-pager',
                                  path).text)[1]
    contains(docs, f'exposure level {total}', 'docs/system.md')


@test('nothing in the unit gives it a mount namespace, which would hide the mount', fuse=False)
def no_namespace():
    hiding = ('PrivateTmp|PrivateDevices|PrivateNetwork|PrivateUsers|PrivateIPC|ProtectSystem|'
              'ProtectHome|ProtectKernel\\w+|ProtectControlGroups|ProtectProc|ProcSubset|'
              '(?:ReadOnly|ReadWrite|Inaccessible|Exec|NoExec)Paths|Bind\\w*Paths|'
              'TemporaryFileSystem|MountFlags|Root\\w+|DynamicUser')
    equal(re.findall(rf'^(?:{hiding})=.*', unit_text(), re.MULTILINE), [], 'lines')


# ---- a systemd of its own ----

TARGET = """
[Unit]
DefaultDependencies=no
Wants=probe.service
"""

PROBE = """
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
StandardOutput=file:{0}/output
StandardError=file:{0}/errors
ExecStart=/bin/bash -e {0}/probe.sh
ExecStopPost=/bin/systemctl --no-block --force exit
"""

# Process 1 of new namespaces: nothing of it outlives unshare, and the machine's files stay as they
# are.
BOOT = """
echo $$ >"$1/cgroup.procs"
exec unshare -C -m -p -f -u -i -n --kill-child --mount-proc bash -ec '
    mount --make-rprivate /
    umount -R /sys/fs/cgroup
    mount -t cgroup2 none /sys/fs/cgroup
    mount -t tmpfs none /run
    mount -t tmpfs none /var/log
    mkdir -p /run/systemd
    cp -a /etc /run/etc
    mkdir -p /run/etc/framefs
    cp "$0"/*.conf /run/etc/framefs
    cp "$0/fstab" /run/etc/fstab
    mount --bind /run/etc /etc
    mount --bind "$0/sbin" /usr/sbin
    mount --bind "$0/bin" /usr/local/bin
    cp -r "$0/units" /run/systemd/system
    export container=other
    exec /usr/lib/systemd/systemd --system --unit=test.target --log-target=console </dev/null
' "$2"
"""


@contextlib.contextmanager
def cgroup():
    """A group of the unified hierarchy, removed at the end."""
    root = [os.fsdecode(where) for where, kind, options in harness.mounts()
            if kind == 'cgroup2' and 'rw' in options.split(',')]
    if not root:
        raise harness.Skip('no cgroup2 to write to')
    path = os.path.join(root[0], f'framefs-test-{os.getpid()}')
    try:
        os.mkdir(path)
    except OSError as error:
        raise harness.Skip(f'no group can be made in {root[0]}: {error.strerror}') from error
    try:
        yield path
    finally:
        harness.wait_for(lambda: 'populated 0' in harness.read(path + '/cgroup.events').decode(),
                         'the end of all its processes')
        for below in sorted(glob.glob(path + '/**/', recursive=True), key=len, reverse=True):
            os.rmdir(below)


def boot(script, confs=None, fstab=''):
    """Runs a shell script as a service of a systemd that knows the unit: its output."""
    if os.getuid() != 0 or not os.path.exists('/usr/lib/systemd/systemd'):
        raise harness.Skip('needs root and systemd')
    if harness.under_sanitizer():
        raise harness.Skip('a sanitizer needs what the unit forbids')
    folder = harness.make_dir()
    for below in ('units/framefs@.service.d', 'sbin', 'bin'):
        os.makedirs(os.path.join(folder, below))
    units = os.path.join(folder, 'units')
    write_unit(units)
    # Without all that boots a machine.
    harness.write(b'[Unit]\nDefaultDependencies=no\n', 'test.conf', units + '/framefs@.service.d')
    harness.write(TARGET.encode(), 'test.target', units)
    harness.write(PROBE.format(folder).encode(), 'probe.service', units)
    harness.write(('systemctl start systemd-journald.socket systemd-journald.service\n'
                   + script).encode(), 'probe.sh', folder)
    harness.write(fstab.encode(), 'fstab', folder)
    harness.write(b'', 'empty.conf', folder)
    for name, text in (confs or {}).items():
        harness.write(text.encode(), name + '.conf', folder)
    os.symlink(FRAMEFS, os.path.join(folder, 'sbin', 'mount.framefs'))
    os.symlink(FRAMEFS, os.path.join(folder, 'bin', 'framefs'))
    for program in ('mount.fuse3', 'mount.fuse'):
        if shutil.which(program):
            shutil.copy(shutil.which(program), os.path.join(folder, 'sbin'))
    with cgroup() as group:
        result = harness.run('bash', '-c', BOOT, 'bash', group, folder, status=None)
    output = os.path.join(folder, 'output')
    check(os.path.exists(output), f'the script was not run: {result!r}')
    errors = harness.read(os.path.join(folder, 'errors')).decode()
    text = harness.read(output).decode()
    check(text.endswith('\nend\n'), f'the script has failed: {text} {errors}')
    return text


def archive(name='archive'):
    return harness.write(harness.tag4(PAYLOADS), name)


CONF = """
ARCHIVE='"{}" {}'
DIR="{}"
OPTIONS=--format=tag4-i64le --log-level=info
"""


@test('the unit mounts for all, is ready when it has, confined, and unmounts when it is stopped')
def unit():
    directory, spaced, plain = harness.make_dir('m n t'), archive('a b'), archive()
    text = boot(f"""
        systemctl start framefs@two.service
        cat '{directory}/a b/00000000' '{directory}/archive/00000002'; echo
        systemctl show -P StatusText -P SubState framefs@two
        pid=$(systemctl show -P MainPID framefs@two)
        grep -E 'CapBnd|NoNewPrivs|Seccomp:' /proc/$pid/status
        systemctl stop framefs@two.service
        mountpoint '{directory}' || true
        systemctl show -P Result -P SubState framefs@two
        journalctl -o json --no-pager -t framefs
        echo end
        """, {'two': CONF.format(spaced, plain, directory)})
    lines = text.splitlines()
    equal(lines[0], 'onethree', 'what another service reads')
    equal(sorted(lines[1:3]), ['running', 'serving 2 archives'], 'state')
    equal([line.split()[1] for line in lines[3:6]], ['00000000002001e4', '1', '2'], 'confinement')
    equal(lines[6], f'{directory} is not a mountpoint', 'after it was stopped')
    equal(sorted(lines[7:9]), ['dead', 'success'], 'state after it was stopped')
    logged = [json.loads(line) for line in lines[9:-1]]
    equal([(line['MESSAGE'], line['PRIORITY']) for line in logged],
          [(f'{directory}: serving {spaced}', '6'), (f'{directory}: serving {plain}', '6'),
           (f'{directory}: ending', '6')], 'journal')


@test('a server that is killed is started again by the unit, in place of the dead mount')
def restart():
    directory, path = harness.make_dir('mnt'), archive()
    text = boot(f"""
        systemctl start framefs@one.service
        kill -KILL $(systemctl show -P MainPID framefs@one)
        until [ "$(systemctl show -P NRestarts -P SubState framefs@one | sort | xargs)" = \
            '1 running' ]; do :; done
        cat {directory}/00000001; echo
        grep -c ' {directory} fuse.framefs' /proc/self/mounts
        systemctl stop framefs@one.service
        grep -c ' {directory} fuse.framefs' /proc/self/mounts || true
        echo end
        """, {'one': CONF.format(path, '', directory).replace('"" ', '')})
    equal(text, 'two\n1\n0\nend\n', 'output')


@test('an archive that is missing is told by the unit, which does not become active')
def missing():
    directory = harness.make_dir('mnt')
    text = boot("""
        ! systemctl start framefs@one.service 2>&1
        ! systemctl start framefs@none.service 2>&1
        journalctl -o json --no-pager -t framefs | head -1
        echo end
        """, {'one': CONF.format('/nowhere/archive', '', directory)})
    told('The unit fails', text)
    line = json.loads(text.splitlines()[-2])
    contains(line['MESSAGE'], '/nowhere/archive: No such file', 'message')
    equal(line['PRIORITY'], '3', 'priority')


@test('x-systemd.automount: the first access mounts, of the types framefs and fuse.framefs')
def automount():
    need('systemd-escape', 'mount.fuse3')
    path = archive()
    directories = {kind: harness.make_dir('mnt') for kind in ('framefs', 'fuse.framefs')}
    table = ''.join(f'{path} {directory} {kind} '
                    'ro,noauto,nofail,x-systemd.automount,x-systemd.idle-timeout=1h,'
                    'format=tag4-i64le 0 0\n' for kind, directory in directories.items())
    units = [harness.run('systemd-escape', '--path', '--suffix=automount', directory).text.strip()
             for directory in directories.values()]
    text = boot(f"""
        count() {{ grep -c '^{path} .* fuse.framefs ' /proc/self/mounts || true; }}
        systemctl start {' '.join(f"'{name}'" for name in units)}
        count
        for directory in {' '.join(directories.values())}; do
            timeout 60 cat $directory/00000002; echo
        done
        count
        echo end
        """, fstab=table)
    equal(text, '0\nthree\nthree\n2\nend\n', 'output')


harness.main()
