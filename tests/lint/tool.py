#!/usr/bin/env python3
"""tool.py shellcheck|codespell|clang-format|mandoc [FOLDER...]: what they say of the project."""

import glob
import os
import re
import subprocess
import sys

import common

# Names and data that only look misspelt.
WORDS = 'ans,btye,clen,conter,fo,te,inout'

# scdoc writes paragraphs that are empty.
HARMLESS = 'skipping paragraph macro'


def shell_scripts():
    return [name for name in common.files(r'^(tools|\.ci|tests)/[^.]*$|\.sh$')
            if re.match(r'#!.*\b(ba)?sh\b', (common.text(name) or '').split('\n', 1)[0])
            or name.endswith('.sh')]


def prose():
    return [name for name in common.files(r'^[^.]') if not name.startswith('tests/data/')
            and '/corpus' not in name
            and common.text(name) is not None]


def pages(folders):
    found = set()
    for folder in folders:
        found |= {os.path.abspath(path) for path in glob.glob(os.path.join(folder, '**', '*.[158]'),
                                                              recursive=True)}
    return sorted(found)


def command(tool, folders):
    if tool == 'shellcheck':
        return ['shellcheck', '-x'], shell_scripts()
    if tool == 'codespell':
        return ['codespell', '--quiet-level=2', '--ignore-words-list=' + WORDS], prose()
    if tool == 'clang-format':
        return ['clang-format', '--dry-run',
                '-Werror'], common.files(r'^(src|include|tests)/.*\.[ch]$')
    if tool == 'mandoc':
        return ['mandoc', '-T', 'lint', '-W', 'warning'], pages(folders)
    raise SystemExit(f'unknown tool {tool}')


def main():
    tool, folders = sys.argv[1], sys.argv[2:]
    arguments, names = command(tool, folders)
    common.need(arguments[0])
    if not names:
        print(f'{tool}: no file to look at')
        sys.exit(77)
    result = subprocess.run(arguments + names, cwd=common.ROOT, check=False, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = [line for line in result.stdout.splitlines() if not re.search(HARMLESS, line)]
    print('\n'.join(said))
    sys.exit(1 if result.returncode and said else 0)


main()
