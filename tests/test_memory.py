"""A process gives code pages back that only its start needed, and keeps all others."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tidegate.memory import own_pages, unwritable

MAPS = """\
5600-5700 r--p 00000000 fd:01 17 /usr/bin/program
5700-5900 r-xp 00001000 fd:01 17 /usr/bin/program with a space
5900-5a00 rw-p 00003000 fd:01 17 /usr/bin/program
5a00-5b00 rw-p 00000000 00:00 0
5b00-5c00 r-xp 00000000 00:00 0 [vdso]
5c00-5d00 r--s 00000000 fd:01 18 /shared
"""
PROGRAM = """
import ctypes, re, ssl
from pathlib import Path
from tidegate.memory import release_code_pages

def resident():
    return int(re.search(r"RssFile:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

before = resident()
release_code_pages()
print(before, resident())
import decimal, json, sqlite3, apsw, ada_url  # the linker's work still stands
assert json.loads("[1.5]") == [1.5] and decimal.Decimal(2) ** 10 == 1024 and ssl.create_default_context()
"""


def test_only_what_nobody_writes_to_is_looked_at() -> None:
    assert unwritable(MAPS) == [(0x5600, 0x5700), (0x5700, 0x5900)]


def test_pages_that_are_copies_or_not_there_stay_as_they_are() -> None:
    absent, files_own, nobody_elses, copied = 0, 0xA0, 0xA1, 0x80
    flags = [absent, files_own, nobody_elses, copied, files_own, absent, files_own]
    entries = b"".join(bytes([*bytes(7), flag]) for flag in flags)
    assert list(own_pages(entries)) == [(1, 2), (4, 1), (6, 1)]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is done")
def test_the_process_goes_on_with_less() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    before, after = (int(number) for number in done.stdout.split())
    assert after < before
