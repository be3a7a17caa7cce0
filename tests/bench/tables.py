"""Tables that are read as text and as Markdown, and the documents that they are put into."""

import os
import shlex

from measure import ROOT

LEAST_WIDTH = 3  # of a column; Markdown's rules want a dash or more
PERFORMANCE = os.path.join(ROOT, 'docs', 'PERFORMANCE.md')


def markdown(headings, rows, texts=(0,)):
    """The columns of these numbers are text; the others are aligned at the right."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(LEAST_WIDTH, *map(len, column)) for column in zip(headings, *rows)]

    def line(cells):
        return '| ' + ' | '.join(
            cell.ljust(width) if column in texts else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths))) + ' |'
    rule = ['-' * width if column in texts else '-' * (width - 1) + ':'
            for column, width in enumerate(widths)]
    return '\n'.join([line(headings), line(rule), *map(line, rows)])


def digits(value):
    """Three of them that count."""
    return f'{value:,.{0 if value >= 100 else 1 if value >= 10 else 2}f}'


def command(parser, arguments, *names):
    """The command line that asks for these options, as a block; those by default are left out."""
    asked = [f'--{name} {shlex.quote(str(getattr(arguments, name.replace("-", "_"))))}'
             for name in names
             if getattr(arguments, name.replace('-', '_')) !=
             parser.get_default(name.replace('-', '_'))]
    return ' '.join([f'$ tests/bench/{parser.prog}', *asked, '--docs'])


def update(name, text):
    """Puts the text between PERFORMANCE.md's comments that begin and end what is called so."""
    begin, end = f'<!-- {name}: written by tests/bench/{name} --docs -->', f'<!-- {name}: end -->'
    with open(PERFORMANCE, encoding='utf-8') as stream:
        before, _, rest = stream.read().partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f'{PERFORMANCE}: no {begin} with {end} behind it')
    with open(PERFORMANCE, 'w', encoding='utf-8') as stream:
        stream.write(f'{before}{begin}\n\n{text}\n\n{end}{after}')
