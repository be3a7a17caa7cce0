#!/usr/bin/env python3
"""tools/summarize counts what logs of each kind tell, and says at its end what has failed."""

import json
import os
import subprocess
import sys
import tempfile

import common

TAP = """1..5
ok 1 - good
not ok 2 - it mounts
#   exit status 1, instead of 0
#   test_x.py:33: run()
ok 3 - root alone # SKIP needs root
not ok 4 - it ends
"""
CMOCKA_OUT = '[       OK ] good\n[  FAILED  ] bad\n'
CMOCKA_ERR = """[  ERROR   ] --- 0x1 != 0x2
[   LINE   ] --- a.c:7: error: Failure!
[  FAILED  ] 1 test(s), listed below:
[  FAILED  ] bad

 1 FAILED TEST(S)
"""
ENTRIES = [
    {'name': 'tap', 'result': 'FAIL', 'stdout': TAP},
    {'name': 'cmocka', 'result': 'FAIL', 'stdout': CMOCKA_OUT, 'stderr': CMOCKA_ERR},
    {'name': 'alone', 'result': 'TIMEOUT', 'stdout': 'begins\nwaits\n'},
    {'name': 'silent', 'result': 'FAIL'},
    {'name': 'fine', 'result': 'OK', 'stdout': '1..1\nok 1 - good\n'},
]
# One that the plan announced is missing.
WANTED = """skipped: 1 x needs root
failed: build: tap: 3
  it mounts: exit status 1, instead of 0
  it ends
failed: build: cmocka: 1
  bad: 0x1 != 0x2
failed: build: alone: 1
  TIMEOUT: waits
failed: build: silent: 1
  FAIL: nothing was said
3 passed, 8 failed, 1 skipped
"""


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.makedirs(os.path.join(folder, 'build', 'meson-logs'))
        log = os.path.join('build', 'meson-logs', 'testlog.json')
        with open(os.path.join(folder, log), 'w', encoding='ascii') as out:
            out.writelines(json.dumps(entry) + '\n' for entry in ENTRIES)
        done = subprocess.run([sys.executable, os.path.join(common.ROOT, 'tools', 'summarize'),
                               '--failed', '2', log], cwd=folder, stdout=subprocess.PIPE,
                              encoding='ascii', check=False)
    offences = [] if done.returncode == 1 else [f'exit status {done.returncode}']
    if done.stdout != WANTED:
        offences.append(f'not as wanted:\n{done.stdout}')
    common.end(offences)


main()
