#!/usr/bin/env python3
"""Compares each code block of README.md that follows `<!-- PATH -->` with the file it was taken from; --write renews them."""
import re
import sys
from pathlib import Path

root = Path(__file__).resolve().parent.parent
readme = root / "README.md"
text = readme.read_text()
pattern = re.compile(r"<!-- (\S+) -->\n```(\w+)\n(.*?)```\n", re.S)


def renewed(match):
    return f"<!-- {match[1]} -->\n```{match[2]}\n{(root / match[1]).read_text()}```\n"


current, count = pattern.subn(renewed, text)
if count == 0:
    sys.exit("README.md has no sample that names its file")
if "--write" in sys.argv:
    readme.write_text(current)
elif current != text:
    sys.exit("a sample in README.md is not its file's content; run Tests/readme-samples.py --write")
