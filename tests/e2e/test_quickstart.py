#!/usr/bin/env python3
"""tools/quickstart, with the program under test: it works and leaves nothing behind."""

import os

import harness
from harness import check, contains, equal, test

QUICKSTART = os.path.join(harness.ROOT, 'tools', 'quickstart')


def quickstart(*arguments, status=0):
    temporary = harness.make_dir()
    environment = {**os.environ, 'FRAMEFS': harness.FRAMEFS, 'TMPDIR': temporary}
    result = harness.run(QUICKSTART, *arguments, env=environment, cwd='/', status=status)
    equal(os.listdir(temporary), [], 'what it leaves behind')
    return result


@test('without an argument it makes an archive, mounts it and finds the record')
def own():
    text = quickstart().text
    contains(text, 'remember the milk')
    equal(text.count('\nequal\n'), 2, 'comparisons')


@test('with an archive it mounts that one, also when its name has blanks')
def given():
    path = os.path.join(harness.make_dir(), 'my archive.pcap')
    with open(path, 'wb') as stream:
        stream.write(harness.read(os.path.join(harness.DATA, 'pptp.pcap')))
    text = quickstart(path).text
    equal(text.count('\nequal\n'), 2, 'comparisons')
    check('\n23\n' in text, 'the number of records')


@test('with an archive that is none it fails and cleans up')
def none():
    check(quickstart(harness.write(b'no archive'), status=None).status != 0, 'exit status 0')


harness.main()
