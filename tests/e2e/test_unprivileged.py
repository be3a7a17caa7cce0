#!/usr/bin/env python3
"""Mounts by an ordinary user: through fusermount3, by a line of fstab, in a user namespace."""

import os

import harness
from harness import check, contains, equal, test
from nobody import NO_LEAK_CHECK, NOBODY, run

LIST = 'format=tag4-i64le'
PAYLOADS = [b'one', b'two', b'three']


def archive():
    return harness.write(harness.tag4(PAYLOADS))


MOUNT = f'framefs mount -o {LIST}'


@test('nobody mounts, reads and unmounts through fusermount3; neither root nor others get in')
def fusermount():
    result, directory = run(MOUNT + """ "$2" "$1"
        cat "$1/00000000"
        stat -c ' %u:%g %A' "$1/00000001"
        grep " $1 " /proc/self/mounts
        ! as_root "cat $1/00000000"
        cat done
        ! as_other "ls $1"
        ! as_other "framefs umount $1"
        cat "$1/00000002"; echo
        framefs umount "$1"
        ! grep " $1 " /proc/self/mounts""", archive())
    lines = result.text.splitlines()
    equal(lines[0], 'one 65534:65534 -r--r--r--', 'record 0')
    for part in ('fuse.framefs ro,nosuid,nodev', 'user_id=65534'):
        contains(lines[1], part, 'mount table')
    contains(lines[2], 'Permission denied', 'what root is told')
    equal(lines[3:], ['three'], 'record 2')


@test('umount(8) and fusermount3 -u unmount what nobody has mounted, and the server ends')
def umounts():
    result, _ = run(f"""
        for command in umount 'fusermount3 -u'; do
            {MOUNT} "$2" "$1"
            cat "$1/00000001"
            $command "$1"
            ! grep " $1 " /proc/self/mounts
        done""", archive())
    equal(result.text, 'twotwo', 'output')


@test('allow_other needs user_allow_other in fuse.conf, and the message says so')
def allow_other():
    result, _ = run(f"""
        ! {MOUNT},allow_other "$2" "$1"
        ! grep " $1 " /proc/self/mounts""", archive())
    contains(result.err, 'add the line user_allow_other to /etc/fuse.conf', 'stderr')
    if not os.path.exists('/etc/fuse.conf'):
        raise harness.Skip('there is no /etc/fuse.conf to put another one over')
    result, _ = run(f"""
        {MOUNT},allow_other "$2" "$1"
        as_other "cat $1/00000001"
        cat done
        framefs umount "$1" """, archive(), conf='user_allow_other\n')
    equal(result.text, 'two', 'what another user reads')


@test('auto_unmount by an ordinary user: with allow_other the mount of killed processes goes, '
      'without it a warning says that it stays')
def auto_unmount():
    if not os.path.exists('/etc/fuse.conf'):
        raise harness.Skip('there is no /etc/fuse.conf to put another one over')
    for more, stays in (('', True), (',allow_other', False)):
        result, _ = run(f"""
            {MOUNT},auto_unmount{more} "$2" "$1"
            cat "$1/00000001"
            while read -r name number; do
                case $name in framefs_pid|framefs_worker_pid) pids="$pids $number" ;; esac
            done <"$1/.framefs/stats"
            kill -9 $pids
            if test -z "{more}"; then
                until ! ls "$1" 2>/dev/null; do :; done
                fusermount3 -u "$1"
            else
                while grep -q " $1 " /proc/self/mounts; do :; done
            fi""", archive(), conf='user_allow_other\n', killed=True)
        equal(result.text[:3], 'two', 'record 1')
        equal('takes allow_other, too' in result.err, stays, f'warned: {result.err}')


@test('a worker that finds /dev/fuse closed serves, pushes nothing, and says so')
def closed_device():
    result, _ = run(f"""
        {MOUNT} -f "$2" "$1" &
        server=$!
        until cat "$1/00000000" 2>/dev/null; do :; done
        as_root "chmod 600 /dev/fuse"
        kill -9 $(sed -n 's/^framefs_worker_pid //p' "$1/.framefs/stats")
        cat "$1/00000001"
        fusermount3 -u "$1"
        wait $server""", archive())
    equal(result.text, 'onetwo', 'records')
    contains(result.err, 'nothing is pushed: /dev/fuse: Permission denied', 'stderr')


@test('no room for one more process or thread, at any step: a message says what to do, and nothing '
      'stays mounted')
def few_processes():
    refused = 0
    for limit in range(2, 14):
        # Processes of a user who has no others.
        result, _ = run(f"""
            {NO_LEAK_CHECK}
            ulimit -S -u "$3"
            {MOUNT} "$2" "$1" || status=$?
            ulimit -S -u hard
            if test -z "$status"; then cat "$1"/*; framefs umount "$1"; fi
            ! grep " $1 " /proc/self/mounts""", archive(), str(limit), user=400000 + os.getpid())
        if not result.text:
            contains(result.err, 'raise the limit of processes', f'stderr with {limit} processes')
            refused += 1
        else:
            equal(result.text, 'onetwothree', f'records with {limit} processes')
    check(3 < refused < 12, f'{refused} of 12 mounts refused')


@test('a directory that is not one\'s own is refused with a message')
def refused():
    result, _ = run(f"""
        ! {MOUNT} "$2" /usr/bin
        ! grep " /usr/bin " /proc/self/mounts""", archive())
    contains(result.err, 'cannot mount at /usr/bin', 'stderr')
    contains(result.err, 'no write access', 'stderr')


@test('nobody mounts what fstab has with the option user, by mount DIR')
def fstab():
    path = archive()
    for kind in ('framefs', 'fuse.framefs'):
        table = f'{path} {{0}} {kind} noauto,user,layout=tree,{LIST} 0 0\n'
        result, _ = run("""
            mount "$1"
            cat "$1/000/000/000000001"; echo
            grep " $1 " /proc/self/mounts
            umount "$1"
            ! grep " $1 " /proc/self/mounts""", fstab=table)
        lines = result.text.splitlines()
        equal(lines[0], 'two', f'record 1 with {kind}')
        for part in ('fuse.framefs ro,nosuid,nodev,noexec', 'user_id=65534'):
            contains(lines[1], part, f'mount table with {kind}')


@test('in a user namespace its root mounts without fusermount3; the mount ends with its processes')
def namespace():
    if harness.run('setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups',
                   'unshare', '-Urm', '--pid', '--fork', 'true', status=None).status != 0:
        raise harness.Skip('an ordinary user may not make a user namespace')
    result, directory = run("""
        unshare -Urm --pid --fork --kill-child bash -ec '
            folder=$(dirname $(command -v framefs))
            PATH=/nowhere $folder/framefs mount -o """ + LIST + """ "$2" "$1"
            cat "$1/00000000"; echo
            stat -c "%u:%g" "$1/00000000"
            grep " $1 " /proc/self/mounts
            $folder/framefs umount "$1"
            ! grep " $1 " /proc/self/mounts
            $folder/framefs mount -o """ + LIST + """ "$2" "$1"
            cat "$1/00000002"; echo' bash "$@"
        ! grep " $1 " /proc/self/mounts""", archive())
    lines = result.text.splitlines()
    equal(lines[:2], ['one', '0:0'], 'record 0 and its owner')
    contains(lines[2], 'fuse.framefs ro', 'mount table')
    equal(lines[3:], ['three'], 'record 2')
    check(not harness.is_mounted(directory), 'mounted outside')


harness.main()
