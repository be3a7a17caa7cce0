#!/usr/bin/env python3
"""Includes go down only: prints each edge between layers that the table does not have, and each
layer that reaches for what is another's: printing, FUSE, files."""

import os
import re
import sys

import common

# What a layer stands on. It may include its own headers, those of these layers, and the public
# headers of all layers further down.
BELOW = {
    'base': (),
    'format': ('base',),
    'source': ('base',),
    'index': ('base',),
    'tree': ('base',),
    'synth': ('base',),
    'archive': ('index', 'source', 'format', 'base'),
    'fs': ('archive', 'tree', 'synth', 'base'),
    'cli': ('fs', 'synth', 'archive', 'format', 'base'),
}

# include/framefs: whose interface each header is. A record's place is what format decodes to and
# archive looks up.
PUBLIC = {
    'error.h': 'base',
    'time.h': 'base',
    'version.h': 'base',
    'record.h': 'format',
    'format.h': 'format',
    'detect.h': 'format',
    'source.h': 'source',
    'synth.h': 'synth',
    'scan.h': 'archive',
    'archive.h': 'archive',
    'index.h': 'archive',
    'framefs.h': None,
}

# System headers that belong to some layers alone.
SYSTEM = (
    (r'fuse.*\.h|linux/fuse\.h', ('fs',)),
    (r'jansson\.h', ('archive', 'cli')),
    (r'fcntl\.h|sys/(stat|mman|socket|uio|sendfile)\.h|dirent\.h|pthread\.h',
     ('base', 'source', 'index', 'archive', 'fs', 'cli')),
)

# What only these files say: programs print in cli, a server logs through base/log.c.
PRINTS = re.compile(r'\b(?:v?printf|puts|putchar|perror|v?warnx?|v?errx?)\s*\(|\bstd(?:out|err)\b')
MAY_PRINT = re.compile(r'^src/(?:cli/|base/log\.[ch]$)')

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def further_down(layer):
    found = set(BELOW[layer])
    for below in BELOW[layer]:
        found |= further_down(below)
    return found


def public_layer(name):
    return PUBLIC.get(name, f'unknown header {name}')


def check_include(name, layer, mark, included):
    """Why the layer may not include this; None when it may."""
    if included.startswith('framefs/'):
        owner = public_layer(included[len('framefs/'):])
        if owner is None:
            return 'framefs/framefs.h is for other programs'
        if owner != layer and owner not in further_down(layer):
            return f'{layer} -> {owner}'
        return None
    folder = included.split('/')[0] if '/' in included else None
    if mark == '"':
        if folder is None:
            beside = os.path.join(common.ROOT, os.path.dirname(name), included)
            generated = not os.path.exists(os.path.join(common.ROOT, 'src', included))
            known = os.path.exists(beside) or generated
            return None if known else f'{included} is not in the folder'
        if folder not in BELOW:
            return f'no layer is called {folder}'
        if folder != layer and folder not in BELOW[layer]:
            return f'{layer} -> {folder}'
        return None
    for pattern, owners in SYSTEM:
        if re.fullmatch(pattern, included) and layer not in owners:
            return f'<{included}> is for {", ".join(owners)}'
    return None


def strip(text):
    """The code without comments and strings, lines kept."""
    def blank(match):
        return re.sub(r'[^\n]', ' ', match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.DOTALL)


def offences_of(name, text):
    layer = name.split('/')[1] if name.startswith('src/') else None
    if layer is None:
        layer = PUBLIC.get(os.path.basename(name), '')
        if layer is None:
            return []
        if layer == '':
            return [f'{name}: belongs to no layer: tests/lint/layers.py has to know it']
    elif layer not in BELOW:
        return [f'{name}: no layer is called {layer}']
    found = []
    for number, line in enumerate(text.split('\n'), 1):
        match = INCLUDE.match(line)
        why = match and check_include(name, layer, match.group(1), match.group(2))
        if why:
            found.append(f'{name}:{number}: {line.strip()}: {why}')
    if not MAY_PRINT.match(name):
        for number, line in enumerate(strip(text).split('\n'), 1):
            if PRINTS.search(line):
                found.append(f'{name}:{number}: only cli prints: {line.strip()}')
    return found


def self_test():
    """The table must be able to say no."""
    for name, text in (
            ('src/archive/x.c', '#include "fs/fs.h"'),
            ('src/format/x.c', '#include <framefs/archive.h>'),
            ('src/cli/x.c', '#include "tree/tree.h"'),
            ('src/tree/x.c', '#include <fuse_lowlevel.h>'),
            ('src/base/x.c', '#include "format/layout.h"'),
            ('src/index/x.c', 'int f(void)\n{\n    printf("x");\n}'),
            ('include/framefs/error.h', '#include <framefs/format.h>')):
        assert offences_of(name, text), name
    for name, text in (
            ('src/cli/x.c', '#include <framefs/format.h>'),
            ('src/fs/x.c', '#include <fuse_lowlevel.h>\n#include "tree/tree.h"'),
            ('src/format/x.c', '#include <framefs/record.h>\n/* printf( */')):
        assert not offences_of(name, text), name


def main():
    self_test()
    names = common.files(r'^(src|include)/.*\.[ch]$')
    offences = [] if names else ['no source file found']
    for name in names:
        offences += offences_of(name, common.text(name))
    common.end(offences)


if __name__ == '__main__':
    sys.exit(main())
