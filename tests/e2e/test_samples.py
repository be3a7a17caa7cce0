#!/usr/bin/env python3
"""Archives that nobody here wrote: each record is what their manifest says."""

import csv
import hashlib
import json
import os

import harness
from harness import Mount, Skip, check, equal, framefs
from samples import SAMPLES


# The manifest's reading of these ends at their compressed records; they are whole.
COMPRESSED = {
    'seqfile/record_compressed_bzip2.sequencefile': 2,
    'seqfile/record_compressed_snappy.sequencefile': 2,
    'seqfile/record_compressed_zlib.sequencefile': 2,
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
    for content in ('payload', 'frame'):
        with Mount('--format=' + row['description'], '-o', 'content=' + content, path) as mount:
            count, digest = digest_of(mount.records())
            equal(count, int(row['records_framed']), f'records with content={content}')
            equal(digest, row[content + '_digest'], f'digest with content={content}')
    # A damaged message before the one that frames is reported, and found as clean as the rest.
    status = None if row['state'] == 'corrupt' else 0
    listed = framefs('ls', '--json', '--format=' + row['description'], path,
                     status=status).out.splitlines()
    equal(len(listed), int(row['records_framed']), 'lines of ls --json')


def sample_is_detected(folder, row):
    """The right format with the right count, from the bytes and the file's name alone."""
    path = os.path.join(folder, row['file'])
    need(path)
    found = json.loads(framefs('info', '--json', path, status=None).out)[0]
    # An empty file is an archive of no format, unless it is said to be of one.
    want = row['description'] if os.path.getsize(path) else 'none'
    equal((found['format'], found['records']), (want, int(row['records_framed'])), 'detected')


def damaged_sample_ends_well(folder, row):
    """What frames before the damage is there, as the manifest has it; the rest is reported."""
    path = os.path.join(folder, row['file'])
    need(path)
    if row['file'] in COMPRESSED:
        with Mount('--format=' + row['description'], path) as mount:
            equal(len(list(mount.records())), COMPRESSED[row['file']], 'records')
        return
    check(framefs('info', '--format=' + row['description'], path, status=None).err, 'no message')
    for content in ('payload', 'frame'):
        with Mount('--format=' + row['description'], '-o', 'content=' + content, path) as mount:
            before = list(mount.records())[:int(row['records_framed'])]
            count, digest = digest_of(before)
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
                    harness.add(f'{label}: {row["file"]}: detected',
                                lambda f=folder, r=row: sample_is_detected(f, r), fuse=False)
                else:
                    harness.add(f'{label}: {row["file"]}: every record that damage left',
                                lambda f=folder, r=row: damaged_sample_ends_well(f, r))


register()
harness.main()
