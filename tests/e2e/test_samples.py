#!/usr/bin/env python3
"""Archives that nobody here wrote: each record is what their manifest says."""

import csv
import hashlib
import os

import harness
from harness import Mount, Skip, check, equal, framefs

SAMPLES = os.environ.get('FRAMEFS_SAMPLES') or os.path.join(harness.ROOT, '..', 'shared', 'samples')

# Descriptions that the language of this version cannot read yet, and why.
LATER = {
    'grib': 'resynchronises, drops trailing zeros',
    'bufr': 'resynchronises, leaves junk between messages',
    'leveldb-log': 'fragments in blocks',
    'warc': 'header lines',
}

MANIFESTS = (('tests/data', harness.DATA), ('samples', SAMPLES))


def digest_of(paths):
    """(count, sha256 over a line a record: its bytes and their sha256)"""
    total = hashlib.sha256()
    count = 0
    for count, path in enumerate(paths, 1):
        content = harness.read(path)
        equal(os.stat(path).st_size, len(content), f'size of {path}')
        total.update(f'{len(content)} {hashlib.sha256(content).hexdigest()}\n'.encode())
    return count, total.hexdigest()


def need(path):
    if not os.path.exists(path):
        raise Skip('the manifest names it, the collection lacks it')


def sample_is_read(folder, row):
    path = os.path.join(folder, row['file'])
    need(path)
    equal(hashlib.sha256(harness.read(path)).hexdigest(), row['sha256'], 'the sample itself')
    if row['description'] in LATER:
        raise Skip(f'{row["description"]}: {LATER[row["description"]]}')
    for content in ('payload', 'frame'):
        with Mount('--format=' + row['description'], '-o', 'content=' + content, path) as mount:
            count, digest = digest_of(mount.records())
            equal(count, int(row['records_framed']), f'records with content={content}')
            equal(digest, row[content + '_digest'], f'digest with content={content}')
    listed = framefs('ls', '--json', '--format=' + row['description'], path).out.splitlines()
    equal(len(listed), int(row['records_framed']), 'lines of ls --json')


def damaged_sample_ends_well(folder, row):
    """What frames before and after the damage is there; the rest is reported."""
    path = os.path.join(folder, row['file'])
    need(path)
    if row['description'] in LATER:
        raise Skip(f'{row["description"]}: {LATER[row["description"]]}')
    check(framefs('info', '--format=' + row['description'], path, status=None).err, 'no message')
    for content in ('payload', 'frame'):
        with Mount('--format=' + row['description'], '-o', 'content=' + content, path) as mount:
            count, digest = digest_of(mount.records())
            equal(count, int(row['records_framed']), f'records with content={content}')
            equal(digest, row[content + '_digest'], f'digest with content={content}')
            damage = mount.control('damage').splitlines()
            check(len(damage) >= 2, f'.framefs/damage tells of none: {damage!r}')


def no_samples(folder):
    def absent():
        raise Skip(f'no {os.path.normpath(folder)}')
    return absent


def register():
    for label, folder in MANIFESTS:
        manifest = os.path.join(folder, 'MANIFEST.tsv')
        if not os.path.exists(manifest):
            harness.add(f'{label}: the archives of the manifest', no_samples(folder))
            continue
        with open(manifest, encoding='utf-8', newline='') as stream:
            for row in csv.DictReader(stream, delimiter='\t', quoting=csv.QUOTE_NONE):
                if row['framing'] == 'clean':
                    harness.add(f'{label}: {row["file"]}: every record',
                                lambda f=folder, r=row: sample_is_read(f, r))
                else:
                    harness.add(f'{label}: {row["file"]}: every record that damage left',
                                lambda f=folder, r=row: damaged_sample_ends_well(f, r))


register()
harness.main()
