"""Looks for secrets where none may be: in the log and the data directory of a server that has stopped.

A secret is looked for without its prefix, byte by byte, in whatever kind of file.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

AROUND_BYTES = 120
MAX_REPORTED = 20
LEAST_CHARACTERS = 20
"""What is shorter is found by chance."""


def assert_no_secret(secrets: Iterable[str], log: Path, data_dir: Path, exceptions: Iterable[str] = ("first-key",)) -> None:
    """`exceptions` are files of the data directory that may hold one."""
    allowed = {data_dir / name for name in exceptions}
    files = [log, *(path for path in sorted(data_dir.rglob("*")) if path.is_file() and path not in allowed)]
    patterns = {re.sub("^vka?_", "", secret) for secret in secrets}
    assert all(len(pattern) >= LEAST_CHARACTERS for pattern in patterns), patterns
    found = [f"{path}: {where}" for path in holding(patterns, files) for where in places(patterns, path)]
    assert not found, "secrets are where none may be:\n" + "\n".join(found[:MAX_REPORTED])


def holding(patterns: Iterable[str], files: list[Path]) -> list[Path]:
    """The files that hold one of these texts; grep looks for all of them in one walk."""
    command = ["grep", "--text", "--fixed-strings", "--files-with-matches", "--null", "--file=-", "--", *files]
    done = subprocess.run(command, input="\n".join(sorted(patterns)).encode(), capture_output=True, env=os.environ | {"LC_ALL": "C"})
    assert done.returncode in (0, 1), done.stderr
    return [Path(os.fsdecode(path)) for path in done.stdout.split(b"\0") if path]


def places(patterns: Iterable[str], path: Path) -> list[str]:
    """The first place of each of these texts in a file, with what stands around it."""
    content = path.read_bytes()
    starts = sorted(at for pattern in patterns if (at := content.find(pattern.encode())) >= 0)
    return [f"byte {at}: {content[max(0, at - AROUND_BYTES) : at + AROUND_BYTES]!r}" for at in starts]
