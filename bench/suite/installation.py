"""A small installation that is made once and copied for each run that shall start from the same rows."""

from __future__ import annotations

import shutil
from pathlib import Path

from suite.load import LoadClient
from suite.servers import Venna

SMALL_BYTES = 4 * 1024
LARGE_BYTES = 1024 * 1024


class Template:
    """`files` small files and as many large ones; `copy` gives a fresh Venna on a copy of them."""

    def __init__(self, folder: Path, client: LoadClient, program: Path, files: int) -> None:
        self._folder = folder
        self._client = client
        self._program = program
        self._copies = 0
        origin = Venna(folder / "template", client, program)
        with origin:
            self.ids = {size: origin.files(size, count) for size, count in ((SMALL_BYTES, files), (LARGE_BYTES, 4))}
        self._data_dir = origin.data_dir

    def copy(self) -> Venna:
        self._copies += 1
        copy = Venna(self._folder / f"copy-{self._copies}", self._client, self._program)
        shutil.copytree(self._data_dir, copy.data_dir)
        for size, ids in self.ids.items():
            copy.adopt(size, ids)
        return copy
