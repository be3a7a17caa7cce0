#!/usr/bin/env python3
"""src/cli/main.c begins with the map of all modules: prints what stands in src/ and not on the
map, or the other way round. A header with a .c file of its name is part of that module."""

import re
import sys

import common

MAIN = 'src/cli/main.c'


def main():
    comment = re.search(r'/\*.*?\*/', common.text(MAIN), re.DOTALL).group(0)
    listed = re.findall(r'\b[a-z]+/[a-z_0-9]+\.[ch]\b', comment)
    files = [name[len('src/'):] for name in common.files(r'^src/[a-z]+/.*\.[ch]$')]
    modules = {name for name in files if name.endswith('.c') or name[:-1] + 'c' not in files}
    offences = [f'{MAIN}: the map lacks {name}' for name in sorted(modules - set(listed))]
    offences += [f'{MAIN}: the map names {name}, which is not there'
                 for name in sorted(set(listed) - modules)]
    offences += [f'{MAIN}: the map names {name} twice' for name in sorted(set(listed))
                 if listed.count(name) > 1]
    common.end(offences)


sys.exit(main())
