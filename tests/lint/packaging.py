#!/usr/bin/env python3
"""What the packages repeat of the source is what the source says: the version, the library's
functions, what it is built with, the number of formats."""

import re
import sys

import common

MESON = 'meson.build'
SYMBOLS = 'packaging/debian/libframefs0.symbols'
VERSIONS = {
    MESON: r"^  version: '([^']+)'",
    'include/framefs/version.h': r'#define FF_VERSION_STRING "([^"]+)"',
    'CHANGELOG.md': r'^## (\S+)',
    'packaging/debian/changelog': r'^framefs \(([^)]+)-[^-)]+\)',
    'packaging/framefs.spec': r'^Version: *(\S+)',
}


def found(name, pattern):
    return re.findall(pattern, common.text(name), re.MULTILINE)


def main():
    offences = []
    versions = {name: (found(name, pattern) or ['none'])[0] for name, pattern in VERSIONS.items()}
    offences += [f'{name}: version {version}, {MESON} has {versions[MESON]}'
                 for name, version in versions.items() if version != versions[MESON]]
    numbers = found('include/framefs/version.h', r'#define FF_VERSION_(?:MAJOR|MINOR|PATCH) +(\d+)')
    if '.'.join(numbers) != versions[MESON]:
        offences.append(f'include/framefs/version.h: the numbers are {".".join(numbers)}')

    exported = set(found('src/libframefs.map', r'^ +(ff_\w+);'))
    listed = set(found(SYMBOLS, r'^ (ff_\w+)@'))
    offences += [f'{SYMBOLS}: lacks " {name}@FRAMEFS_0 {versions[MESON]}"'
                 for name in sorted(exported - listed)]
    offences += [f'{SYMBOLS}: {name} is not in src/libframefs.map'
                 for name in sorted(listed - exported)]

    needed = set(found(MESON, r"dependency\('([\w-]+)'"))
    needed = {name for name in needed if name != 'threads'}
    required = set(found('packaging/framefs.spec', r'^BuildRequires: *pkgconfig\(([\w-]+)\)'))
    offences += [f'packaging/framefs.spec: lacks BuildRequires: pkgconfig({name})'
                 for name in sorted(needed - required)]
    needed = found('tools/lib.sh', r'^packages_build=\(([^)]*)\)')[0].split()
    needed = {name for name in needed if name.endswith('-dev') and name != 'libc6-dev'}
    required = common.text('packaging/debian/control').split('\nPackage:')[0]
    offences += [f'packaging/debian/control: Build-Depends lacks {name}'
                 for name in sorted(needed) if name not in required]

    formats = str(len(found('src/format/presets.ini', r'^\[')))
    offences += [f'{name}: tells of {number} formats, there are {formats}'
                 for name in ('packaging/debian/control', 'packaging/framefs.spec')
                 for number in found(name, r'(\d+) formats') if number != formats]
    common.end(offences)


sys.exit(main())
