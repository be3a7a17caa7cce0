#!/usr/bin/env python3
"""The project's text: sources short enough to be read, lines too, no path of the machine that wrote
it, no wait in a test that a busy machine makes wrong, nothing left open."""

import re
import sys

import common

LINES_MAX = 800
COLUMNS_MAX = 100
# Spelled so that this file does not hold what it looks for.
MACHINE = re.compile(r'(?<![\w.])/(?:[w]ork|[f]arm|[r]oot|[h]ome/\w+)/[\w.]|'
                     r'/[t]mp/(?:[st]t|[b]a)\w*_\w*/')
OPEN = re.compile(r'\b(?:[T]ODO|[F]IXME|[X]XX)\b')
WAITS_C = re.compile(r'\b(?:[u]sleep|nano[s]leep|[s]leep)\s*\(')
WAITS_SHELL = re.compile(r'(?:^|[;&|(]|\bdo|\bthen)\s*[s]leep\s')


def is_code(name):
    """True where .editorconfig's limit can be held: not in data, tables and generated text."""
    return re.search(r'\.(c|h|py|sh)$|^(tools|\.ci)/|/run$', name)


def main():
    offences = []
    for name in common.files(r'.'):
        if common.text(name) is None:
            continue
        content = common.text(name)
        if re.search(r'\.[ch]$', name) and content.count('\n') > LINES_MAX:
            offences.append(f'{name}: {content.count(chr(10))} lines, {LINES_MAX} is the most')
        for number, line in common.lines(name):
            if len(line) > COLUMNS_MAX and is_code(name):
                offences.append(f'{name}:{number}: {len(line)} columns, {COLUMNS_MAX} is the most')
            if MACHINE.search(line):
                offences.append(f'{name}:{number}: names a path of a machine: {line.strip()}')
            if OPEN.search(line):
                offences.append(f'{name}:{number}: left open: {line.strip()}')
            if name.startswith('tests/') and (WAITS_C.search(line) or WAITS_SHELL.search(line)):
                offences.append(f'{name}:{number}: waits for time, not a condition: {line.strip()}')
    common.end(offences)


sys.exit(main())
