"""What the lints share: the project's files and how a lint ends."""

import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def files(pattern):
    """The project's files whose path below the root matches the pattern, sorted."""
    names = []
    listed = shutil.which('git') and subprocess.run(
        ['git', '-c', 'safe.directory=*', '-C', ROOT, 'ls-files', '-z', '--cached', '--others',
         '--exclude-standard'],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if listed and listed.returncode == 0:
        names = [name for name in os.fsdecode(listed.stdout).split('\0') if name]
    else:
        for where, folders, inside in os.walk(ROOT):
            folders[:] = [f for f in folders if f != '.git' and not f.startswith('build')
                          and f != '__pycache__']
            names += [os.path.relpath(os.path.join(where, name), ROOT) for name in inside]
    return sorted(name for name in names if re.search(pattern, name)
                  and os.path.isfile(os.path.join(ROOT, name)))


def text(name):
    """The text of a file of the project; None for one that is not text."""
    with open(os.path.join(ROOT, name), 'rb') as stream:
        content = stream.read()
    return None if b'\0' in content else content.decode('utf-8', 'replace')


def lines(name):
    return enumerate((text(name) or '').split('\n'), 1)


def need(tool):
    """The tool's path; ends the lint as skipped when the machine has it not."""
    path = shutil.which(tool)
    if not path:
        print(f'{tool} is not installed')
        sys.exit(77)
    return path


def end(offences):
    for offence in offences:
        print(offence)
    sys.exit(1 if offences else 0)
