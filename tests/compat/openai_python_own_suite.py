"""openai-python's own test suite, from its sdist on PyPI, against the real program. Contract section 11.

The suite's key constant is replaced and `TEST_API_BASE_URL` points here; nothing else of it is touched. Its selection holds
90 tests: 18 for each of five clients (sync loose and strict, async loose, strict and aiohttp). Of the 18,
  7 are refused by the SDK itself before any request (`path_params`),
  4 need POST /v1/files and 3 need GET /v1/files to answer as OpenAI does,
  4 need POST /v1/uploads to create an Upload.

    openai_python_own_suite.py SDIST.tar.gz [--binary PATH]

Ends with 0 only when pytest ran exactly the expected number of tests and all of them passed.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from server import Venna

SELECTION = "path_params or (create and not Parts) or (list and not all_params)"
FILES = ["tests/api_resources/test_files.py", "tests/api_resources/test_uploads.py", "tests/api_resources/uploads/test_parts.py"]
ALL_TESTS = 90
KEY_CONSTANT = 'api_key = "My API Key"'


def unpacked(sdist: Path, folder: Path, key: str) -> Path:
    """The suite alone (without the SDK's own source, so that the installed package is what is tested), with our key."""
    with tarfile.open(sdist) as archive:
        root = archive.getnames()[0].split("/")[0]
        members = [member for member in archive.getmembers() if member.name.startswith(f"{root}/tests/") or member.name == f"{root}/pyproject.toml"]
        archive.extractall(folder, members=members, filter="data")
    conftest = folder / root / "tests/conftest.py"
    text = conftest.read_text()
    assert text.count(KEY_CONSTANT) == 1, "the suite's key constant is not where it was"
    conftest.write_text(text.replace(KEY_CONSTANT, f'api_key = "{key}"'))
    return folder / root


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("sdist", type=Path)
    options.add_argument("--binary", type=Path)
    given = options.parse_args()

    with tempfile.TemporaryDirectory(prefix="venna-own-suite-") as folder, Venna(binary=given.binary) as venna:
        done = subprocess.run(
            # addopts of the suite ask for all cores and a table of durations
            [sys.executable, "-m", "pytest", "-o", "addopts=", "-p", "no:cacheprovider", "-q", "--tb=short", "-k", SELECTION, *FILES],
            cwd=unpacked(given.sdist, Path(folder), venna.first_key()),
            env=os.environ | {"TEST_API_BASE_URL": venna.base_url, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    print(done.stdout, end="")
    closing = done.stdout.strip().splitlines()[-1]
    if done.returncode != 0 or not re.match(rf"^=* ?{ALL_TESTS} passed, \d+ deselected", closing):
        print(f"openai-python's own suite: expected exactly {ALL_TESTS} passed")
        return 1
    print(f"openai-python's own suite: {ALL_TESTS} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
