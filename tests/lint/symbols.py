#!/usr/bin/env python3
"""symbols.py LIBRARY.so: it exports what the public headers declare, and nothing else."""

import re
import subprocess
import sys

import common


def declared():
    names = set()
    for header in common.files(r'^include/framefs/.*\.h$'):
        code = re.sub(r'/\*.*?\*/', '', common.text(header), flags=re.DOTALL)
        code = re.sub(r'^\s*#(?:[^\n]*\\\n)*[^\n]*', '', code, flags=re.MULTILINE)
        code = re.sub(r'static inline[^{;]*\{.*?\n\}', '', code, flags=re.DOTALL)
        names |= set(re.findall(r'\b(ff_\w+)\s*\(', code))
    return names


def exported(library):
    out = subprocess.run([common.need('nm'), '-D', '--defined-only', library],
                         stdout=subprocess.PIPE, text=True,
                         check=True).stdout
    found = (line.split() for line in out.splitlines())
    return {fields[2].split('@')[0] for fields in found if fields[1] != 'A'}


def main():
    want, have = declared(), exported(sys.argv[1])
    offences = [] if want else ['no declaration found']
    offences += [f'declared, not exported: {name}' for name in sorted(want - have)]
    offences += [f'exported, not declared: {name}' for name in sorted(have - want)]
    common.end(offences)


main()
