"""docs/troubleshooting.md: what it quotes under a heading is what a test of that heading must see.
In a quoted line a word of PLACES stands for any text, N for any number."""

import os
import re

import harness

PAGE = os.path.join(harness.ROOT, 'docs', 'troubleshooting.md')
# Words that stand for others; others in capitals stand for themselves.
PLACES = {'ARCHIVE', 'DIR', 'FILE', 'FORMAT', 'FORMATS', 'NAME', 'OPTION', 'PROGRAM', 'TYPE',
          'VALUE', 'VALUES', 'WHAT', 'WHY', 'WORD'}


def quoted(heading):
    """The lines that the page quotes below the heading."""
    text = harness.read(PAGE).decode()
    found = re.search(rf'^### {re.escape(heading)}\n\n```\n(.*?)^```$', text,
                      re.DOTALL | re.MULTILINE)
    harness.check(found, f'docs/troubleshooting.md has no messages for {heading!r}')
    return found.group(1).splitlines()


def pattern(line):
    """The regular expression of a quoted line."""
    def place(word):
        if word.group() == 'N':
            return r'-?\d+'
        return '.+?' if word.group() in PLACES else word.group()
    return re.sub(r'\b[A-Z]+\b', place, re.escape(line))


def told(heading, *texts):
    """Each line that is quoted below the heading is a line of these texts."""
    lines = [line for text in texts for line in text.splitlines()]
    for line in quoted(heading):
        harness.check(any(re.fullmatch(pattern(line), seen) for seen in lines),
                      f'{heading}: nobody was told {line!r}, but: {harness.brief(lines)}')
