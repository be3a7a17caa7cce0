"""An ordinary user: scripts that run as nobody, who may use /dev/fuse."""

import os
import shutil

import harness
from harness import FRAMEFS, equal

NOBODY = 65534
# A user who is nobody else's.
OTHER = 54321
# LeakSanitizer starts a process: there is none to spare in what follows.
NO_LEAK_CHECK = 'export ASAN_OPTIONS="$ASAN_OPTIONS:detect_leaks=0"'


def run(script, *arguments, fstab='', conf='', status=0, user=NOBODY, killed=False):
    """Runs a shell script as nobody, or as another user, with framefs in its path and
    $1 a directory of its own; as_root and as_other in it run a command as those. It has a namespace
    of mounts, where /dev/fuse is open to all, as it is on most machines."""
    if os.getuid() != 0:
        raise harness.Skip('needs root, to become nobody')
    for program in ('setpriv', 'fusermount3', 'mount.fuse3'):
        if not shutil.which(program):
            raise harness.Skip(f'{program} is not installed')
    folder, directory = harness.make_dir(), harness.make_dir('mnt')
    # Who runs the tests may have the program where nobody can come.
    shutil.copy(FRAMEFS, os.path.join(folder, 'framefs'))
    sbin = harness.make_dir('sbin')
    for program in ('mount.fuse3', 'mount.fuse'):
        shutil.copy(shutil.which(program), sbin)
    os.symlink(os.path.join(folder, 'framefs'), os.path.join(sbin, 'mount.framefs'))
    harness.write(fstab.format(directory).encode(), 'fstab', folder)
    harness.write(conf.encode(), 'fuse.conf', folder)
    harness.write(harness.read('/etc/passwd') + f'ff{user}:x:{user}:{user}::/:/bin/sh\n'.encode(),
                  'passwd', folder)
    harness.write(script.encode(), 'script', folder)
    os.chown(directory, user, user)
    outside = f"""
        mount --make-rprivate /
        cd {folder}
        touch fuse
        mknod -m 666 node c 10 229
        mount --bind node /dev/fuse
        mount --bind fstab /etc/fstab
        mount --bind passwd /etc/passwd
        if test -e /etc/fuse.conf; then mount --bind fuse.conf /etc/fuse.conf; fi
        mount --bind {sbin} /usr/sbin
        mount --bind {folder} /usr/local/bin
        mkfifo ask answer
        # What the script wants to have done by somebody else.
        while read -r user line <ask; do
            setpriv --reuid=$user --regid=$user --clear-groups bash -c "$line" >done 2>&1
            echo $? >answer
        done &
        helper=$!
        chmod 666 ask answer
        status=0
        setpriv --reuid={user} --regid={user} --clear-groups \
            bash -ec '. ./script' bash "$@" || status=$?
        kill $helper
        # Or it might be taken for a server.
        wait $helper || true
        exit $status"""
    prelude = f"""
        as() {{ echo "$@" >ask; read -r result <answer; return $result; }}
        as_root() {{ as 0 "$@"; }}
        as_other() {{ as {OTHER} "$@"; }}
        """
    harness.write((prelude + script).encode(), 'script', folder)
    result = harness.run('unshare', '-m', 'bash', '-c', outside, 'bash', directory, *arguments,
                         status=status)
    for pid, command in harness.children().items():
        if directory in command:
            ended = harness.wait_exit(pid)
            equal(0 if killed else ended, 0, 'status of the server')
    return result, directory
