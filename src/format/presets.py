#!/usr/bin/env python3
"""Turns presets.ini into C: a table of its sections, each with its lines.
presets.py INPUT OUTPUT"""
import re
import sys

source, target = sys.argv[1:]
with open(source, encoding="utf-8") as f:
    lines = f.read().splitlines()
sections = []
for line in lines:
    match = re.match(r"\[([a-z0-9-]+)\]$", line)
    if match:
        sections.append((match.group(1), []))
    elif sections and line and not line.startswith(";"):
        sections[-1][1].append(line)
with open(target, "w", encoding="utf-8") as f:
    f.write('#include "format/format.h"\n\nconst struct ff_preset ff_presets[] = {\n')
    for name, body in sections:
        f.write(f'    {{"{name}",\n')
        for line in body:
            text = line.replace("\\", "\\\\").replace('"', '\\"')
            f.write(f'     "{text}\\n"\n')
        f.write("    },\n")
    f.write(f"}};\n\nconst size_t ff_preset_count = {len(sections)};\n")
