#!/usr/bin/env python3
"""The library's binary interface against that of the last tag, by tools/abi."""

import os
import shutil

import harness
import packages
from harness import check, contains, equal, run, Skip, test

HEADER = """struct thing { int number; };
enum kind { KIND_NONE, KIND_SOME };
struct hidden;
int thing_number(const struct thing *thing);
enum kind thing_kind(const struct hidden *hidden);
"""
# Of the same last name as the public one, as some of the project's are.
PRIVATE = 'struct hidden { int value; };\n'
SOURCE = """#include <framefs/thing.h>
#include "thing.h"
int thing_number(const struct thing *t) { return t->number; }
enum kind thing_kind(const struct hidden *h) { return h->value ? KIND_SOME : KIND_NONE; }
"""
ADDED = """int thing_other(void);
int thing_other(void) { return 0; }
"""
MESON = """project('thing', 'c')
inc = include_directories('include')
subdir('src')
"""
MESON_SRC = """shared_library('framefs', 'thing.c', include_directories: inc, version: '0.1.0',
  soversion: '{}')
"""


def save(content, *path):
    path = os.path.join(*path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    harness.write(content.encode(), os.path.basename(path), os.path.dirname(path))


def git(where, *arguments):
    run('git', '-c', 'user.name=test', '-c', 'user.email=test@example.org', *arguments, cwd=where)


def project(header=HEADER, private=PRIVATE, source=SOURCE, version=0, tag='v0.1.0'):
    """A small project with a library, that was tagged and then changed."""
    packages.need('abidiff', 'git', 'meson')
    where = harness.make_dir()
    for name in ('abi', 'lib.sh'):
        save(harness.read(os.path.join(harness.ROOT, 'tools', name)).decode(), where, 'tools', name)
    save(MESON, where, 'meson.build')
    for state in ((HEADER, PRIVATE, SOURCE, 0), (header, private, source, version)):
        save(state[0], where, 'include', 'framefs', 'thing.h')
        save(state[1], where, 'src', 'thing.h')
        save(state[2], where, 'src', 'thing.c')
        save(MESON_SRC.format(state[3]), where, 'src', 'meson.build')
        if not os.path.exists(os.path.join(where, '.git')):
            git(where, 'init', '-q')
            git(where, 'add', '.')
            git(where, 'commit', '-q', '-m', 'first')
            if tag:
                git(where, 'tag', tag)
    return where


def abi(where, status):
    result = run('bash', os.path.join(where, 'tools', 'abi'), status=None, timeout=packages.LIMIT_S)
    equal(result.status, status, f'exit status of {result!r}')
    return result.text + result.err


@test('a function more is no change of what was there, nor is a private struct', fuse=False)
def added():
    contains(abi(project(source=SOURCE + ADDED, private=PRIVATE.replace('int', 'long before; int')),
                 0), 'run with the library')


@test('a member more in a public struct, another type or value, a function less are', fuse=False)
def changed():
    for old, new, said in (
            ('int number', 'long before; int number', 'type size changed'),
            ('int thing_number', 'long thing_number', "from 'int' to 'long int'"),
            ('KIND_NONE, KIND_SOME', 'KIND_SOME, KIND_NONE', 'enumerator'),
            ('thing_number', 'thing_value', 'thing_number')):
        contains(abi(project(header=HEADER.replace(old, new), source=SOURCE.replace(old, new)), 1),
                 said)


@test('under a new soname everything may change', fuse=False)
def renamed():
    contains(abi(project(header=HEADER.replace('int number', 'long before; int number'),
                         version=1), 0), 'libframefs.so.1')


@test('without a tag or a history there is nothing to compare', fuse=False)
def nothing():
    contains(abi(project(tag=None), 77), 'no tag')
    where = project()
    shutil.rmtree(os.path.join(where, '.git'))
    contains(abi(where, 77), 'no git checkout')


@test('programs linked with the library of the last tag run with this one', fuse=False)
def library():
    result = run(os.path.join(harness.ROOT, 'tools', 'abi'), status=None, timeout=packages.LIMIT_S)
    if result.status == 77:
        raise Skip(result.text.strip().removeprefix('abi: '))
    check(result.status == 0, result.text + result.err)


harness.main()
