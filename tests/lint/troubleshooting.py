#!/usr/bin/env python3
"""docs/troubleshooting.md: each entry quotes messages and says what to do, a test makes it, and
what it quotes of framefs is in the source."""

import os
import re
import sys

import common

PAGE = 'docs/troubleshooting.md'
TESTS = r'^tests/e2e/.*\.py$'
SOURCES = r'^src/.*\.[ch]$'
FRAMEFS = 'framefs: '
# Shorter texts, as ": ", are in any line.
TEXT_MIN_BYTES = 5


def entries():
    """(heading, lines that are quoted, the rest)."""
    for piece in re.split(r'^### ', common.text(PAGE), flags=re.MULTILINE)[1:]:
        heading, rest = piece.split('\n', 1)
        found = re.match(r'\n```\n(.*?)^```\n(.*)', rest, re.DOTALL | re.MULTILINE)
        yield heading, found.group(1).splitlines() if found else [], found.group(2) if found else ''


def made():
    """The headings that tests name."""
    names = []
    for path in common.files(TESTS):
        names += re.findall(r"^@trouble\('(.*?)'\)$|^ +told\('(.*?)',", common.text(path),
                            re.MULTILINE)
    return [first or second for first, second in names]


def texts():
    """What the source can say: the fixed parts of its strings, and the texts of errno."""
    found = {os.strerror(code) for code in range(1, 134)}
    for path in common.files(SOURCES):
        joined = re.sub(r'"\s*PRI\w+\s*"', 'd', common.text(path))
        joined = re.sub(r'(?<!\\)"\s+"', '', joined)
        for string in re.findall(r'"((?:[^"\\\n]|\\.)*)"', joined):
            found.update(re.split(r'%[-0-9.*lzu]*[a-zA-Z]', string))
    return {text for text in found if len(text) >= TEXT_MIN_BYTES}


def unknown(line, known):
    """The words of a message of framefs that are neither in the source nor stand for others."""
    if not line.startswith(FRAMEFS):
        return []
    rest = re.sub(r'fusermount3: [^;]*', '', line[len(FRAMEFS):])
    said = set()
    for text in (text for text in known if text in rest):
        for match in re.finditer(re.escape(text), rest):
            said.update(range(*match.span()))
    return [word.group() for word in re.finditer(r'\b[a-z]{4,}\b', rest)
            if not said.issuperset(range(*word.span()))]


def main():
    tests, known, offences, headings = made(), texts(), [], []
    for heading, lines, rest in entries():
        headings.append(heading)
        if not lines:
            offences.append(f'{PAGE}: {heading}: quotes no message')
        if '\n*What to do:* ' not in rest:
            offences.append(f'{PAGE}: {heading}: does not say what to do')
        if heading not in tests:
            offences.append(f'{PAGE}: {heading}: no test makes it')
        offences += [f'{PAGE}: {heading}: nothing in the source says {word!r} in {line!r}'
                     for line in lines for word in unknown(line, known)]
    offences += [f'{PAGE}: {heading}: twice' for heading in set(headings)
                 if headings.count(heading) > 1]
    offences += [f'{PAGE}: lacks {heading!r}, which a test makes' for heading in set(tests)
                 if heading not in headings]
    if len(headings) < 10:
        offences.append(f'{PAGE}: is not understood any more')
    common.end(offences)


sys.exit(main())
