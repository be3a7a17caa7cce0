#!/usr/bin/env python3
"""The table of system calls in docs/sandbox.md is that of src/fs/syscalls.c."""

import re
import sys

import common

SOURCE = 'src/fs/syscalls.c'
PAGE = 'docs/sandbox.md'


def main():
    table = re.search(r'allowed\[\] = \{(.*?)^\};', common.text(SOURCE),
                      re.DOTALL | re.MULTILINE).group(1)
    calls = re.findall(r'\{"(\w+)"', table)
    rows = re.findall(r'^\| (`.*?) \|', common.text(PAGE), re.MULTILINE)
    listed = [name for row in rows for name in re.findall(r'`(\w+)`', row)]
    offences = [] if calls else [f'{SOURCE}: the table is not understood any more']
    offences += [f'{PAGE}: lacks {name}' for name in calls if name not in listed]
    offences += [f'{PAGE}: {name} is not let through' for name in listed if name not in calls]
    offences += [f'{PAGE}: names {name} twice' for name in set(listed) if listed.count(name) > 1]
    common.end(offences)


sys.exit(main())
