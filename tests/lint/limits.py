#!/usr/bin/env python3
"""docs/limits.md tells of each constant that it names the value that the source gives it."""

import re
import sys

import common

PAGE = 'docs/limits.md'
UNITS = (('GiB', 1 << 30), ('MiB', 1 << 20), ('KiB', 1 << 10))


def definitions():
    """The text of each constant of src/ and include/."""
    found = {}
    for name in common.files(r'^(src|include)/.*\.[ch]$'):
        for constant, value in re.findall(r'^#define +([A-Z]\w*) +(.*)', common.text(name), re.M):
            found[constant] = re.sub(r'/\*.*', '', value).strip()
    return found


def value_of(name, found):
    """The constant's number; None where it is no sum of numbers and constants."""
    text = re.sub(r'U?INT(?:32|64)_C\((\w+)\)', r'\1', found[name])
    text = re.sub(r'\bINT32_MAX\b', str(2**31 - 1), text)
    for other in set(re.findall(r'[A-Z]\w*', text)) & set(found):
        text = re.sub(rf'\b{other}\b', str(value_of(other, found)), text)
    return eval(text) if re.fullmatch(r'[\d() +*<-]+', text) else None  # digits and operators alone


def spellings(value):
    """How the page may write the number."""
    texts = {str(value), f'{value:,}'}
    texts |= {f'{value // size} {unit}' for unit, size in UNITS if value % size == 0}
    for number, end in ((value, ''), (value + 1, '-1')):
        if number and number & (number - 1) == 0:
            texts.add(f'2^{number.bit_length() - 1}{end}')
    return texts


def is_told(value, row):
    return any(re.search(rf'(?<![\w,.^]){re.escape(text)}(?![\w^]|[,.]\d|-\d)', row)
               for text in spellings(value))


def offences_of(line, row, found):
    told, cell = row.rsplit('|', 2)[:2]
    for name in re.findall(r'`([A-Z][A-Z_0-9]+\*?)`', cell):
        matching = [c for c in found if c == name or (name[-1] == '*' and c.startswith(name[:-1]))]
        if not matching:
            yield f'{PAGE}:{line}: there is no {name}'
        for constant in matching:
            value = value_of(constant, found)
            if value is None:
                yield f'{PAGE}:{line}: {constant} is {found[constant]!r}: not understood'
                continue
            # A name's bytes count its NUL.
            value -= constant == 'FF_LABEL_BYTES'
            if not is_told(value, told):
                yield f'{PAGE}:{line}: {constant} is {value}, which this row does not tell'


def main():
    found = definitions()
    rows = [(line, row) for line, row in common.lines(PAGE)
            if re.match(r'\|.*`[A-Z_0-9]+\*?` *\|$', row)]
    offences = [] if rows else [f'{PAGE}: the tables are not understood any more']
    for line, row in rows:
        offences += offences_of(line, row, found)
    common.end(offences)


sys.exit(main())
