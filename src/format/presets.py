#!/usr/bin/env python3
"""Turns presets.ini into C: its text and the names of its sections. presets.py INPUT OUTPUT"""
import re
import sys

source, target = sys.argv[1:]
with open(source, encoding="utf-8") as f:
    lines = f.read().splitlines()
names = [m.group(1) for m in (re.match(r"\[([a-z0-9-]+)\]$", line) for line in lines) if m]
with open(target, "w", encoding="utf-8") as f:
    f.write('#include "format/format.h"\n\nconst char ff_presets_ini[] =\n')
    for line in lines:
        text = line.replace("\\", "\\\\").replace('"', '\\"')
        f.write(f'    "{text}\\n"\n')
    f.write("    ;\n\nconst char *const ff_preset_names[] = {\n")
    f.writelines(f'    "{name}",\n' for name in names)
    f.write(f"    NULL,\n}};\n\nconst size_t ff_preset_count = {len(names)};\n")
