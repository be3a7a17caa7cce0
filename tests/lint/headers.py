#!/usr/bin/env python3
"""headers.py CC CXX: each public header compiles alone, as C and as C++, without a warning."""

import os
import subprocess
import sys
import tempfile

import common

WARNINGS = ['-Wall', '-Wextra', '-Wpedantic', '-Werror', '-fsyntax-only']


def main():
    cc, cxx = (common.need(tool) for tool in sys.argv[1:3])
    offences = []
    with tempfile.TemporaryDirectory() as scratch:
        for header in common.files(r'^include/framefs/.*\.h$'):
            line = f'#include <{header[len("include/"):]}>\n'
            for compiler, language, standard in ((cc, 'c', 'c11'), (cc, 'c', 'gnu17'),
                                                 (cxx, 'c++', 'c++11')):
                source = os.path.join(scratch, 'alone.' + language)
                with open(source, 'w', encoding='utf-8') as stream:
                    stream.write(line)
                done = subprocess.run([compiler, '-x', language, '-std=' + standard, *WARNINGS,
                                       '-D_POSIX_C_SOURCE=200809L',
                                       '-I', os.path.join(common.ROOT, 'include'), source],
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                      check=False)
                if done.returncode != 0:
                    offences.append(f'{header} as {standard}:\n{done.stdout}')
    common.end(offences)


main()
