"""Compiled templates kept beside the templates, as Python keeps its modules.

To compile those of one page takes a quarter of a second.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket

FOLDER: Final = Path(__file__).parent / "templates" / "__pycache__"


class CompiledTemplates(FileSystemBytecodeCache):
    """Nothing is kept where nothing may be written, or where Python is told to write none. What is kept of another text
    of a template, or by another version of Python or Jinja, is compiled anew.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        super().__init__(str(folder), "%s.cache")

    def load_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        if sys.dont_write_bytecode:
            return
        with suppress(OSError):
            Path(self.directory).mkdir(exist_ok=True)
            super().dump_bytecode(bucket)
